"""Evidence on planted and on structureless customers, against loops and by hand."""

from itertools import combinations

import joblib
import numpy as np
import pandas as pd
import pytest
from joblib import Parallel
from sklearn.metrics import adjusted_rand_score

from helpers import candidates, evidence, preparation

SWEEP = {"k_values": range(4, 5), "seed": 5, "starts": 5, "methods": ("kmeans",)}


@pytest.fixture(autouse=True)
def one_process():
    # starting workers takes seconds; the test that needs them asks for them
    with joblib.parallel_config(backend="sequential"):
        yield


def lopsided(n=1000):
    """Three columns, skewed, heavy-tailed and tied, that go together in odd ways."""
    rng = np.random.default_rng(8)
    common = rng.standard_normal(n) / np.sqrt(rng.chisquare(2, n) / 2)
    return pd.DataFrame(
        {
            "skewed": np.exp(common + rng.standard_normal(n)),
            "heavy": common**3 + rng.standard_normal(n),
            "tied": -np.clip(common + rng.standard_normal(n), -1, 2).round(1),
        },
        index=[f"c{i}" for i in range(n)],
    )


def four_heaps(n=240):
    """Four clusters 5.7 apart, though no single column shows a gap.

    Each column is a half-and-half mixture of normals at -1 and 1 with deviation 1, which
    has one peak; any two centres differ by 2 in 8 of the 12 columns.
    """
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    centres = np.tile(signs, 4)
    noise = np.random.default_rng(2).standard_normal((n, 12))
    return pd.DataFrame(centres[np.arange(n) % 4] + noise, columns=list("abcdefghijkl"))


def test_a_reference_holds_exactly_the_values_of_each_column():
    scores = lopsided()
    reference = evidence.copula_reference(scores, seed=1)
    assert list(reference.index) == list(scores.index)
    assert list(reference.columns) == list(scores.columns)
    for column in scores:
        assert sorted(reference[column]) == sorted(scores[column])
    assert not reference.equals(scores)


def test_references_correlate_by_rank_as_observed_within_two_hundredths():
    scores = lopsided()
    drawn = [
        evidence.copula_reference(scores, seed=seed).corr("spearman").to_numpy()
        for seed in range(20)
    ]
    # one draw of 1,000 errs by 0.03, the mean of 20 by less than 0.01
    observed = scores.corr("spearman").to_numpy()
    assert np.abs(observed[np.triu_indices(3, 1)]).min() > 0.4
    assert np.mean(drawn, axis=0) == pytest.approx(observed, abs=0.02)
    assert np.std(drawn, axis=0).max() < 0.04


def test_columns_that_are_copies_stay_copies_in_a_reference():
    scores = lopsided(200).assign(copy=lambda t: 2 * t["skewed"])
    reference = evidence.copula_reference(scores, seed=1)
    assert reference["copy"].to_numpy() == pytest.approx(2 * reference["skewed"])


def test_correlations_that_no_normal_cloud_has_are_met_as_nearly_as_can_be():
    # three orders of 0 to 200 that add up to 300: each pair correlates by -1/2 exactly,
    # but normal columns would need 2 sin(-pi / 12) = -0.518, and -1/2 is the least
    first = np.arange(201)
    second = (200 - 2 * first) % 201
    scores = pd.DataFrame({"a": first, "b": second, "c": 300 - first - second})
    assert scores.corr("spearman").to_numpy()[0, 1:] == pytest.approx([-0.5, -0.5])
    reference = evidence.copula_reference(scores.astype(float), seed=1)
    found = reference.corr("spearman").to_numpy()[np.triu_indices(3, 1)]
    # the deviation of one draw is 0.05
    assert found == pytest.approx([-0.48] * 3, abs=0.12)


def test_a_reference_depends_on_the_seed_but_not_on_the_order_of_customers():
    scores = lopsided(200)
    reference = evidence.copula_reference(scores, seed=1)
    pd.testing.assert_frame_equal(
        evidence.copula_reference(scores, seed=1), reference, check_exact=True
    )
    mixed = evidence.copula_reference(scores.sample(frac=1, random_state=1), seed=1)
    assert (mixed.to_numpy() == reference.to_numpy()).all()
    other = evidence.copula_reference(scores, seed=2)
    assert (other.to_numpy() != reference.to_numpy()).mean() > 0.5


def test_planted_clusters_are_found_and_keep_the_columns_values():
    scores = pd.DataFrame(np.exp(np.random.default_rng(0).random((300, 6))))
    control = evidence.planted_control(scores, k=5, distance=2.0, seed=4)
    for column in scores:
        assert sorted(control[column]) == sorted(scores[column])
    centres = candidates.kmeans(control.to_numpy(), k=5, seed=1, starts=10)
    found = candidates.nearest(control.to_numpy(), centres)
    assert adjusted_rand_score(np.arange(300) % 5, found) > 0.95
    assert np.bincount(found).tolist() == pytest.approx([60] * 5, abs=3)


def test_clusters_planted_at_no_distance_are_not_found():
    scores = pd.DataFrame(np.random.default_rng(0).random((300, 6)))
    control = evidence.planted_control(scores, k=5, distance=0.0, seed=4)
    centres = candidates.kmeans(control.to_numpy(), k=5, seed=1, starts=10)
    found = candidates.nearest(control.to_numpy(), centres)
    assert abs(adjusted_rand_score(np.arange(300) % 5, found)) < 0.05


def told(values):
    """Make a score table of one candidate from three values."""
    scores = dict(zip(candidates.SCORES, values, strict=True))
    return pd.DataFrame([{"method": "kmeans", "k": 4} | scores])


def test_p_counts_the_references_that_are_at_least_as_good(monkeypatch):
    # by draw, seeds 6 to 9: silhouette, Calinski-Harabasz, Davies-Bouldin
    answers = {
        6: [0.1, 50, 1.0],
        7: [0.2, 60, 2.0],
        8: [0.3, 70, 3.0],
        9: [0.4, 80, 4.0],
    }
    monkeypatch.setattr(evidence, "copula_reference", lambda scores, seed: seed)
    monkeypatch.setattr(
        candidates, "sweep", lambda reference, **_: (None, told(answers[reference]))
    )
    found = evidence.against_references(
        pd.DataFrame(), told([0.3, 90, 1.5]), references=4, **SWEEP
    ).set_index("score")
    # silhouette: 0.3 and 0.4 are as good, (1 + 2) / 5
    # Calinski-Harabasz: none is; Davies-Bouldin, less is better: only 1.0 is
    assert found["p"].to_dict() == pytest.approx(
        {"silhouette": 0.6, "calinski_harabasz": 0.2, "davies_bouldin": 0.4}
    )
    row = found.loc["silhouette", ["observed", "reference", "low", "high"]]
    assert row.tolist() == pytest.approx([0.3, 0.25, 0.1, 0.4])


def test_a_score_that_could_not_be_measured_is_never_beyond_the_references(
    monkeypatch,
):
    answers = {draw: [0.1, np.nan, 1.0] for draw in range(6, 10)}
    monkeypatch.setattr(evidence, "copula_reference", lambda scores, seed: seed)
    monkeypatch.setattr(
        candidates, "sweep", lambda reference, **_: (None, told(answers[reference]))
    )
    found = evidence.against_references(
        pd.DataFrame(), told([np.nan, 90, np.nan]), references=4, **SWEEP
    )
    assert found["p"].tolist() == [1, 1, 1]


def test_four_heaps_are_beyond_their_references_and_a_reference_of_them_is_not():
    heaps = four_heaps()
    cloud = evidence.copula_reference(heaps, seed=99)
    worth = {}
    for name, scores in {"heaps": heaps, "cloud": cloud}.items():
        _, table = candidates.sweep(scores, **SWEEP)
        compared = evidence.against_references(scores, table, references=19, **SWEEP)
        worth[name] = compared.set_index("score")
    assert worth["heaps"]["p"].tolist() == pytest.approx([0.05] * 3)
    assert (worth["cloud"]["p"] > 0.05).all()
    silhouette = worth["heaps"].loc["silhouette"]
    assert silhouette["observed"] > silhouette["high"] + 0.1


def as_it_is(scores):
    return evidence.AsItIs()


def studies(scores, **change):
    settings = {"k_values": range(4, 5), "resamples": 6, "seed": 3, "starts": 10}
    return evidence.resample(scores, prepare=as_it_is, **settings | change)


def test_studies_of_four_heaps_agree_and_studies_of_a_cloud_do_not():
    heaps = four_heaps()
    cloud = evidence.copula_reference(heaps, seed=99)
    firm, loose = (evidence.agreement(studies(s))["ari"] for s in (heaps, cloud))
    assert len(firm) == 3
    assert firm.min() > 0.95
    assert loose.max() < 0.75
    labels = pd.DataFrame({"kmeans_4": np.arange(240) % 4})
    assert evidence.recovery(studies(heaps), labels)["jaccard"].min() > 0.95


SHARES = pd.DataFrame(np.random.default_rng(6).dirichlet([2, 1, 1, 0.5], 50)).assign(
    sales=np.random.default_rng(7).gamma(2, 200, 50)
)


def prepare(features):
    return preparation.fit(
        features,
        columns=[0, 1, 2, 3],
        weight="sales",
        prior_weight=50,
        winsor=0.02,
        scaling="standard",
    )


def test_a_resample_repeats_the_whole_study_step_by_step():
    found = evidence.resample(
        SHARES, prepare=prepare, k_values=range(2, 4), resamples=3, seed=12, starts=2
    )
    assert {k: labels.shape for k, labels in found.items()} == {2: (3, 50), 3: (3, 50)}
    for i in range(3):
        rng = np.random.default_rng([12, i])
        drawn = SHARES.iloc[[int(j) for j in rng.integers(0, 50, 50)]]
        steps = prepare(drawn)
        state = int(rng.integers(2**31))
        for k, labels in found.items():
            sample = steps.transform(drawn).to_numpy()
            centres = candidates.kmeans(sample, k=k, seed=state, starts=2)
            for row, label in zip(
                steps.transform(SHARES).to_numpy(), labels[i], strict=True
            ):
                apart = [((row - centre) ** 2).sum() for centre in centres]
                assert label == apart.index(min(apart))


def test_preparation_is_fitted_anew_on_customers_drawn_with_replacement():
    seen = []

    def recording(features):
        seen.append(features.index)
        return prepare(features)

    evidence.resample(
        SHARES, prepare=recording, k_values=range(2, 3), resamples=5, seed=1, starts=1
    )
    assert [len(index) for index in seen] == [50] * 5
    # about 1 - 1/e of the customers are in a sample of the same size
    assert all(25 <= index.nunique() <= 38 for index in seen)
    assert len({tuple(index) for index in seen}) == 5


def test_resamples_are_the_same_for_a_seed_and_for_fewer_of_them():
    first, again = (studies(four_heaps(60))[4] for _ in range(2))
    assert (first == again).all()
    assert (studies(four_heaps(60), resamples=2)[4] == first[:2]).all()
    assert (studies(four_heaps(60), seed=4)[4] != first).any()


def slow_rand(labels, others):
    """Count pairs: how far more often they are together in both than by chance."""
    pairs = list(combinations(range(len(labels)), 2))
    one = [labels[i] == labels[j] for i, j in pairs]
    two = [others[i] == others[j] for i, j in pairs]
    both = sum(a and b for a, b in zip(one, two, strict=True))
    chance = sum(one) * sum(two) / len(pairs)
    return (both - chance) / ((sum(one) + sum(two)) / 2 - chance)


def test_agreement_compares_the_first_with_the_second_and_the_third_with_the_fourth():
    rng = np.random.default_rng(1)
    resampled = {k: rng.integers(0, k, (5, 12)) for k in (2, 3)}
    resampled[3][3] = (resampled[3][2] + 1) % 3  # the same under other numbers
    found = evidence.agreement(resampled)
    assert found[["k", "pair"]].to_numpy().tolist() == [[2, 0], [2, 1], [3, 0], [3, 1]]
    expected = [
        slow_rand(resampled[k][a], resampled[k][b])
        for k in (2, 3)
        for a, b in [(0, 1), (2, 3)]
    ]
    assert found["ari"].tolist() == pytest.approx(expected)
    assert expected[3] == 1


def test_jaccard_of_two_labellings_of_eight_customers():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 2])
    others = np.array([0, 0, 0, 1, 1, 1, 0, 1])
    # sizes 4, 3, 1 and 4, 4; shared: 3 1 / 1 2 / 0 1
    expected = [[3 / 5, 1 / 7], [1 / 6, 2 / 5], [0, 1 / 4]]
    assert evidence.jaccard(labels, others).ravel() == pytest.approx(np.ravel(expected))
    assert evidence.jaccard(labels, labels).tolist() == np.eye(3).tolist()


def test_recovery_is_the_largest_overlap_with_any_segment_of_a_resample():
    rng = np.random.default_rng(2)
    labels = pd.DataFrame(
        {"kmeans_2": rng.integers(0, 2, 15), "kmeans_3": np.arange(15) % 3}
    )
    resampled = {k: rng.integers(0, k, (4, 15)) for k in (2, 3)}
    resampled[3][1] = 2 - labels["kmeans_3"]  # found whole, under other numbers
    found = evidence.recovery(resampled, labels)
    assert len(found) == 4 * 2 + 4 * 3
    for row in found.itertuples():
        own = {i for i in range(15) if labels[f"kmeans_{row.k}"][i] == row.segment}
        again = resampled[row.k][row.resample]
        others = [{i for i in range(15) if again[i] == s} for s in range(row.k)]
        best = max(len(own & other) / len(own | other) for other in others)
        assert row.jaccard == pytest.approx(best)
    assert (found.query("k == 3 and resample == 1")["jaccard"] == 1).all()


def test_reference_stability_is_that_of_studies_of_each_reference():
    scores = four_heaps(80)
    settings = {"k_values": range(2, 4), "resamples": 4, "starts": 3}
    agreed, found = evidence.reference_stability(
        scores, references=2, seed=10, **settings
    )
    assert agreed["reference"].tolist() == [1, 1, 2, 2]
    for number in (1, 2):
        reference = evidence.copula_reference(scores, seed=10 + number)
        again = studies(reference, seed=10 + number, **settings)
        by_k = evidence.agreement(again).groupby("k")["ari"].mean()
        assert agreed.query("reference == @number")["ari"].tolist() == by_k.tolist()
        for k in (2, 3):
            values = reference.to_numpy()
            centres = candidates.kmeans(values, k=k, seed=10 + number, starts=3)
            own = candidates.nearest(values, centres)
            means = [
                np.mean([evidence.jaccard(own, other)[s].max() for other in again[k]])
                for s in range(k)
            ]
            ranked = found.query("reference == @number and k == @k").sort_values("rank")
            assert ranked["jaccard"].tolist() == pytest.approx(sorted(means))


def leave_one_out(labels, outcome):
    """Predict each customer by the others with the label, or by all others."""
    error = base = 0
    for i, label in enumerate(labels):
        others = [y for j, y in enumerate(outcome) if j != i]
        alike = [y for j, y in enumerate(outcome) if j != i and labels[j] == label]
        mean = sum(alike or others) / len(alike or others)
        error += (outcome[i] - mean) ** 2
        base += (outcome[i] - sum(others) / len(others)) ** 2
    return 1 - error / base


def explained(labels, outcome, folds, repeats=50, seed=1):
    return evidence.explained_later(
        pd.DataFrame(labels),
        pd.DataFrame(outcome),
        folds=folds,
        repeats=repeats,
        seed=seed,
    ).set_index("labelling")


def test_with_a_fold_for_each_customer_every_mean_is_that_of_the_others():
    # a: 1 and 3 predict each other, off by 2; b: 7, 8, 9, off by 1.5, 0, 1.5
    # base, mean of the other four: (27, 25, 21, 20, 19) / 4
    labels = {"kind": ["a", "a", "b", "b", "b"]}
    found = explained(labels, {"y": [1, 3, 7, 8, 9]}, folds=5)
    base = (1 - 27 / 4) ** 2 + (3 - 25 / 4) ** 2
    base += (7 - 21 / 4) ** 2 + (8 - 5) ** 2 + (9 - 19 / 4) ** 2
    expected = 1 - (4 + 4 + 2.25 + 0 + 2.25) / base
    assert found.loc["kind", "r2"] == pytest.approx(expected)


@pytest.mark.parametrize("lone", ["c", None])
def test_a_label_that_nobody_else_has_foretells_the_average(lone):
    # None: a missing label is one of its own, not anybody else's
    labels, outcome = ["a", "a", "b", "b", lone], [1.0, 2.0, 8.0, 9.0, 30.0]
    found = explained({"kind": labels}, {"y": outcome}, folds=5)
    assert found.loc["kind", "r2"] == pytest.approx(leave_one_out(labels, outcome))


def test_several_folds_and_columns_agree_with_a_plain_loop():
    rng = np.random.default_rng(9)
    labels = rng.integers(0, 4, 37)
    outcome = np.column_stack([labels + rng.standard_normal(37), rng.random(37) * 9])
    found = explained({"kind": labels}, outcome, folds=5, seed=21)
    part = np.random.default_rng(21).permutation([i % 5 for i in range(37)])
    error = base = 0
    for i in range(37):
        train = [j for j in range(37) if part[j] != part[i]]
        alike = [j for j in train if labels[j] == labels[i]] or train
        for column in (0, 1):
            y = outcome[:, column]
            error += (y[i] - sum(y[j] for j in alike) / len(alike)) ** 2
            base += (y[i] - sum(y[j] for j in train) / len(train)) ** 2
    assert found.loc["kind", "r2"] == pytest.approx(1 - error / base)


def test_a_perfect_label_explains_all_and_a_random_one_nothing():
    rng = np.random.default_rng(4)
    kind = rng.integers(0, 5, 800)
    found = explained(
        {"perfect": kind, "random": rng.integers(0, 5, 800), "same": kind * 0},
        {"y": kind * 10.0},
        folds=5,
    )
    assert found.loc["perfect"].tolist() == pytest.approx([1, 1, 1])
    assert found.loc["random", "r2"] == pytest.approx(0, abs=0.03)
    assert found.loc["same"].tolist() == pytest.approx([0, 0, 0])


def test_a_label_for_every_two_customers_foretells_less_than_the_average():
    # it would fit its own customers by half, and foretells nothing of others
    rng = np.random.default_rng(4)
    found = explained({"many": np.arange(300) // 2}, {"y": rng.random(300)}, folds=5)
    assert found.loc["many", "r2"] < -0.3


def test_the_interval_is_that_of_a_bootstrap_of_customers():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 150)
    outcome = labels + rng.standard_normal(150)
    found = explained({"kind": labels}, {"y": outcome}, folds=150, repeats=4000)
    error, base = np.empty(150), np.empty(150)
    for i in range(150):
        others = np.arange(150) != i
        base[i] = (outcome[i] - outcome[others].mean()) ** 2
        alike = others & (labels == labels[i])
        error[i] = (outcome[i] - outcome[alike].mean()) ** 2
    drawn = []
    for _ in range(4000):
        rows = rng.integers(0, 150, 150)
        drawn.append(1 - error[rows].sum() / base[rows].sum())
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.loc["kind", ["low", "high"]].tolist() == pytest.approx(
        [low, high], abs=0.015
    )


def test_one_process_and_two_give_the_same_to_the_last_digit(monkeypatch):
    scores = four_heaps(80)
    _, table = candidates.sweep(scores, **SWEEP)

    def results():
        compared = evidence.against_references(scores, table, references=4, **SWEEP)
        again = evidence.resample(
            SHARES, prepare=prepare, k_values=range(2, 4), resamples=4, seed=1, starts=2
        )
        return compared, again

    alone = results()
    used = []

    def two(**_):
        used.append(Parallel(n_jobs=2)._effective_n_jobs())
        return Parallel(n_jobs=2)

    monkeypatch.setattr(evidence, "Parallel", two)
    with joblib.parallel_config(backend="loky"):
        beside = results()
    assert used == [2, 2]
    pd.testing.assert_frame_equal(alone[0], beside[0], check_exact=True)
    for k, labels in alone[1].items():
        assert (labels == beside[1][k]).all()


def test_a_map_is_the_same_for_a_seed_and_another_for_another():
    scores = four_heaps(150)
    scores.index = [f"c{i}" for i in range(150)]
    first, again, other = (
        evidence.embed(scores, neighbours=10, seed=seed) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert list(first.columns) == ["x", "y"]
    assert list(first.index) == list(scores.index)
    assert (first.to_numpy() != other.to_numpy()).any()
    # heaps stay together: a customer's nearest on the map is of the same heap
    apart = candidates.distances(first.to_numpy(), first.to_numpy())
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) % 4 == np.arange(150) % 4).mean() > 0.95


def test_a_map_that_keeps_neighbours_is_trusted_and_a_shuffled_one_is_not():
    plane = pd.DataFrame(np.random.default_rng(1).random((60, 2)), columns=["x", "y"])
    assert evidence.trust(plane, plane * 3, neighbours=5) == 1
    shuffled = plane.sample(frac=1, random_state=1)
    assert evidence.trust(plane, shuffled, neighbours=5) < 0.7
