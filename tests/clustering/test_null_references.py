import functools
import math
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from conftest import four_heaps
from sklearn.metrics import adjusted_rand_score

from helpers.clustering import (
    clusterability,
    methods,
    null_models,
    null_references,
    stability,
)
from helpers.core.errors import BadInput

GOLDEN = Path(__file__).parents[1] / "golden"


def held_by_halves(halves, models, *, n_splits, n_init, **more):
    """Compare halves by `stability.split` with references that are split alike."""
    measure = functools.partial(
        null_references.in_halves,
        k_values=list(halves["k"].unique()),
        n_splits=n_splits,
        n_init=n_init,
    )
    return null_references.hold(halves, models, measure=measure, **more)


def golden(name):
    return pd.read_csv(GOLDEN / f"{name}.csv")


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


def test_a_reference_holds_exactly_the_values_of_each_column():
    scores = lopsided()
    reference = null_references.copula_reference(scores, seed=1)
    assert list(reference.index) == list(scores.index)
    assert list(reference.columns) == list(scores.columns)
    for column in scores:
        assert sorted(reference[column]) == sorted(scores[column])
    assert not reference.equals(scores)


def test_references_correlate_by_rank_as_observed_within_two_hundredths():
    scores = lopsided()
    drawn = [
        null_references.copula_reference(scores, seed=seed).corr("spearman").to_numpy()
        for seed in range(20)
    ]
    # one draw of 1,000 errs by 0.03, the mean of 20 by less than 0.01
    observed = scores.corr("spearman").to_numpy()
    assert np.abs(observed[np.triu_indices(3, 1)]).min() > 0.4
    assert np.mean(drawn, axis=0) == pytest.approx(observed, abs=0.02)
    assert np.std(drawn, axis=0).max() < 0.04


def test_columns_that_are_copies_stay_copies_in_a_reference():
    scores = lopsided(200).assign(copy=lambda t: 2 * t["skewed"])
    reference = null_references.copula_reference(scores, seed=1)
    assert reference["copy"].to_numpy() == pytest.approx(2 * reference["skewed"])


def test_correlations_that_no_normal_cloud_has_are_met_as_nearly_as_can_be():
    # three orders of 0 to 200 that add up to 300: each pair correlates by -1/2 exactly,
    # but normal columns would need 2 sin(-pi / 12) = -0.518, and -1/2 is the least
    first = np.arange(201)
    second = (200 - 2 * first) % 201
    scores = pd.DataFrame({"a": first, "b": second, "c": 300 - first - second})
    assert scores.corr("spearman").to_numpy()[0, 1:] == pytest.approx([-0.5, -0.5])
    reference = null_references.copula_reference(scores.astype(float), seed=1)
    found = reference.corr("spearman").to_numpy()[np.triu_indices(3, 1)]
    # the deviation of one draw is 0.05
    assert found == pytest.approx([-0.48] * 3, abs=0.12)


def test_a_reference_depends_on_the_seed_but_not_on_the_order_of_customers():
    scores = lopsided(200)
    reference = null_references.copula_reference(scores, seed=1)
    pd.testing.assert_frame_equal(
        null_references.copula_reference(scores, seed=1), reference, check_exact=True
    )
    mixed = null_references.copula_reference(
        scores.sample(frac=1, random_state=1), seed=1
    )
    assert (mixed.to_numpy() == reference.to_numpy()).all()
    other = null_references.copula_reference(scores, seed=2)
    assert (other.to_numpy() != reference.to_numpy()).mean() > 0.5


def test_planted_clusters_are_found_and_keep_the_columns_values():
    scores = pd.DataFrame(np.exp(np.random.default_rng(0).random((300, 6))))
    control = null_references.planted_control(scores, k=5, distance=2.0, seed=4)
    for column in scores:
        assert sorted(control[column]) == sorted(scores[column])
    centres = methods.kmeans(control.to_numpy(), k=5, seed=1, n_init=10)
    found = methods.nearest(control.to_numpy(), centres)
    assert adjusted_rand_score(np.arange(300) % 5, found) > 0.95
    assert np.bincount(found).tolist() == pytest.approx([60] * 5, abs=3)


def test_clusters_planted_at_no_distance_are_not_found():
    scores = pd.DataFrame(np.random.default_rng(0).random((300, 6)))
    control = null_references.planted_control(scores, k=5, distance=0.0, seed=4)
    centres = methods.kmeans(control.to_numpy(), k=5, seed=1, n_init=10)
    found = methods.nearest(control.to_numpy(), centres)
    assert abs(adjusted_rand_score(np.arange(300) % 5, found)) < 0.05


def first_mean(scores, seed):
    """Measure something that tells tables and seeds apart."""
    value = (scores["a"] * scores["b"]).mean()
    return pd.DataFrame({"statistic": ["mean", "seed"], "value": [value, seed]})


def test_a_measure_sees_each_reference_once_with_a_seed_of_its_own():
    scores = golden("cloud")
    found = null_references.on_references(scores, first_mean, references=5, seed=3)
    assert found["reference"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert list(found.columns) == ["statistic", "value", "reference"]
    values = found.set_index(["statistic", "reference"])["value"]
    assert values["seed"].nunique() == 5
    assert values["mean"].nunique() == 5
    assert first_mean(scores, 0)["value"][0] not in values["mean"].tolist()
    # a and b of the cloud correlate, and so do those of the references
    observed = (scores["a"] * scores["b"]).mean()
    assert values["mean"].mean() == pytest.approx(observed, rel=0.15)


def test_more_references_leave_the_first_ones_as_they_were():
    few, many = (
        null_references.on_references(golden("cloud"), first_mean, references=n, seed=3)
        for n in (2, 4)
    )
    pd.testing.assert_frame_equal(few, many[:4], check_exact=True)
    other = null_references.on_references(
        golden("cloud"), first_mean, references=2, seed=4
    )
    assert (other["value"] != few["value"]).all()


def told(values, **keys):
    """Write observed values or, for lists, one reference below the other."""
    rows = [
        {"statistic": statistic, **keys, "value": value, "reference": number}
        for statistic, of_references in values.items()
        for number, value in enumerate(of_references, 1)
    ]
    return pd.DataFrame(rows)


def seen(values, **keys):
    return told({s: [v] for s, v in values.items()}, **keys).drop(columns="reference")


def test_p_counts_the_references_that_are_at_least_as_good():
    observed = seen({"silhouette": 0.3, "width": 90.0, "davies": 1.5})
    references = told(
        {
            "davies": [1.0, 2.0, 3.0, 4.0],
            "silhouette": [0.1, 0.2, 0.3, 0.4],
            "width": [50.0, 60.0, 70.0, 80.0],
        }
    )
    ways = {"silhouette": True, "width": True, "davies": False}
    found = null_references.compare(observed, references, more_is_better=ways)
    # silhouette: 0.3 and 0.4 are as good, (1 + 2) / 5; width: none; davies: only 1.0
    assert found["statistic"].tolist() == ["silhouette", "width", "davies"]
    assert found["p"].tolist() == pytest.approx([0.6, 0.2, 0.4])
    row = found.loc[0, ["observed", "reference", "low", "high", "deviation", "z"]]
    deviation = math.sqrt((0.15**2 + 0.05**2) * 2 / 3)
    assert row.tolist() == pytest.approx(
        [0.3, 0.25, 0.1, 0.4, deviation, 0.05 / deviation]
    )
    # 1.5 is one better than the mean of 2.5, where less is better
    assert found["z"][2] == pytest.approx(1 / np.std([1, 2, 3, 4], ddof=1))


def test_one_way_can_serve_all_statistics():
    observed = seen({"gap": 2.0}, k=3)
    references = told({"gap": [1.0, 3.0, 4.0]}, k=3)
    ps = [
        null_references.compare(observed, references, more_is_better=way)["p"][0]
        for way in (True, False)
    ]
    assert ps == [3 / 4, 2 / 4]
    assert list(null_references.compare(observed, references, more_is_better=True))[
        :3
    ] == [*("statistic", "k", "observed")]


def test_a_value_that_could_not_be_measured_counts_against_the_data():
    observed = seen({"none": np.nan, "some": 5.0, "empty": 5.0})
    references = told(
        {"none": [1.0, 2.0], "some": [np.nan, 1.0], "empty": [np.nan, np.nan]}
    )
    found = null_references.compare(observed, references, more_is_better=True)
    assert found["p"].tolist() == pytest.approx([1, 2 / 3, 1])
    assert found["reference"].tolist()[:2] == [1.5, 1.0]
    assert found["z"].isna().all()


def test_no_deviations_are_counted_where_the_references_do_not_differ():
    found = null_references.compare(
        seen({"agreement": 2.0}), told({"agreement": [1.0, 1.0]}), more_is_better=True
    ).loc[0]
    assert math.isnan(found["z"])
    assert found["p"] == pytest.approx(1 / 3)


def test_a_key_may_be_missing_where_a_statistic_has_none():
    measured = pd.DataFrame(
        {
            "statistic": ["dip", "gap", "gap"],
            "k": pd.array([pd.NA, 1, 2], dtype="Int64"),
            "value": [1.0, 2.0, 3.0],
        }
    )
    references = pd.concat(
        measured.assign(value=measured["value"] + shift, reference=number)
        for number, shift in [(1, -1), (2, 1)]
    )
    found = null_references.compare(measured, references, more_is_better=True)
    assert found["reference"].tolist() == [1, 2, 3]
    assert found["low"].tolist() == [0, 1, 2]
    assert found["k"].isna().tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda o, r, w: (o, r[r["k"] != 3], w), "once in each reference"),
        (lambda o, r, w: (o[o["k"] != 3], r, w), "once in each reference"),
        (lambda o, r, w: (pd.concat([o, o]), r, w), "once in each reference"),
        (lambda o, r, w: (o, pd.concat([r, r]), w), "once in each reference"),
        (lambda o, r, w: (o, r.drop(columns="k"), w), "should have the columns"),
        (lambda o, r, w: (o, r, {"silhouette": True}), "say which way .'gap'."),
        (
            lambda o, r, w: (
                o.drop(columns="statistic"),
                r.drop(columns="statistic"),
                {"gap": True},
            ),
            "column statistic",
        ),
    ],
)
def test_tables_that_do_not_belong_together_are_refused(spoil, says):
    observed = pd.concat([seen({"gap": 1.0}, k=k) for k in (2, 3)])
    references = pd.concat([told({"gap": [1.0, 2.0]}, k=k) for k in (2, 3)])
    with pytest.raises(BadInput, match=says):
        table, others, ways = spoil(observed, references, {"gap": True})
        null_references.compare(table, others, more_is_better=ways)


STRUCTURE = {"points": 20, "k_values": range(1, 6), "draws": 3, "n_init": 3}


def p_of_structure(scores, **change):
    measure = functools.partial(clusterability.measure, **STRUCTURE | change)
    compared = null_references.compare(
        measure(scores, 5),
        null_references.on_references(scores, measure, references=19, seed=5),
        more_is_better=clusterability.MORE_IS_BETTER,
    )
    return compared.set_index(["statistic", "k"])["p"]


def test_heaps_have_structure_beyond_their_references_and_a_cloud_has_not():
    heaps = four_heaps()
    four = p_of_structure(heaps, n_init=1)
    assert [four["gap_rise"].item(), four[("gap", 4)]] == [0.05, 0.05]
    two = p_of_structure(
        heaps[heaps.index % 4 < 2].iloc[:, :6], k_values=range(1, 3), draws=1
    )
    assert [two["cluster_index"].item(), two[("gap", 2)]] == [0.05, 0.05]
    cloud = p_of_structure(golden("cloud"), n_init=1).sort_index()
    assert cloud.drop(["hopkins", "dip_distances", "dip_first_component"]).min() > 0.05


GAP = {"k_values": range(1, 4), "draws": 2, "seed": 1, "n_init": 2}


CALLS = {
    "copula_reference": lambda s: null_references.copula_reference(s, seed=1),
    "planted_control": lambda s: null_references.planted_control(
        s, k=3, distance=1, seed=1
    ),
    "on_references": lambda s: null_references.on_references(
        s, first_mean, references=1, seed=1
    ),
    "gap": lambda s: clusterability.gap(s, **GAP),
    "hopkins": lambda s: clusterability.hopkins(s, points=8, seed=1),
    "dip": lambda s: clusterability.dip(s),
    "sigclust": lambda s: clusterability.sigclust(s, draws=3, seed=1, n_init=2),
    "structure": lambda s: clusterability.measure(s, 1, **STRUCTURE),
}


def spoilt(change):
    scores = golden("planted").rename(columns={"b": "visits"})[:60]
    return change(scores.assign(a=scores["a"], b=scores["c"]))


BAD = {
    "missing": (lambda s: s.assign(visits=s["visits"].where(s.index != 5)), "visits"),
    "infinite": (
        lambda s: s.assign(visits=s["visits"].where(s.index != 5, np.inf)),
        "visits",
    ),
    "constant": (lambda s: s.assign(visits=2.0), "visits"),
    "words": (lambda s: s.assign(visits="often"), "visits"),
    "identical": (lambda s: s.iloc[[3] * 60].reset_index(drop=True), "identical"),
    "one": (lambda s: s[:1], "but 1 were found"),
}


@pytest.mark.parametrize("call", sorted(CALLS))
@pytest.mark.parametrize("fault", sorted(BAD))
def test_bad_input_is_refused_by_the_name_of_the_feature(call, fault):
    change, says = BAD[fault]
    with pytest.raises(BadInput, match=says):
        CALLS[call](spoilt(change))


@pytest.mark.parametrize("call", sorted(CALLS))
def test_a_giant_among_customers_and_copied_columns_are_borne(call):
    scores = spoilt(lambda s: s.assign(again=2 * s["visits"], most=s["visits"] * 1.0))
    scores.loc[7, "most"] = 1000 * scores["most"].abs().max()
    found = CALLS[call](scores)
    numbers = found.drop(columns=["k"], errors="ignore").select_dtypes("number")
    assert np.isfinite(numbers.to_numpy(float)).all()


@pytest.mark.parametrize("call", sorted(set(CALLS) - {"planted_control"}))
def test_the_order_of_customers_does_not_matter(call):
    scores = golden("iris")
    mixed = scores.sample(frac=1, random_state=1)
    found, again = (CALLS[call](s).reset_index(drop=True) for s in (scores, mixed))
    pd.testing.assert_frame_equal(found, again, check_exact=True)


def scored(**by_k):
    """Lay out one score at k = 2, 3, ... under the name of its method."""
    return pd.DataFrame(
        {"method": name, "k": k, "value": value}
        for name, values in by_k.items()
        for k, value in enumerate(values, 2)
    )


def test_the_best_k_is_the_smallest_of_equals_and_each_reference_has_its_own():
    table = scored(a=(1, 5, 5, 2), b=(np.nan, 3, 4, 1), c=(np.nan,) * 4)
    more = null_references.best_k(table, more_is_better=True)
    assert more.to_dict("list") == {"method": ["a", "b"], "k": [3, 4]}
    assert null_references.best_k(table, more_is_better=False)["k"].tolist() == [2, 5]
    two = pd.concat([table.assign(reference=1), scored(a=(7, 1)).assign(reference=2)])
    found = null_references.best_k(two, more_is_better=True)
    assert found.query("method == 'a'").set_index("reference")["k"].to_dict() == {
        1: 3,
        2: 2,
    }


def test_a_rule_stands_beside_what_it_takes_of_references():
    def of(values):
        return scored(kmeans=values).assign(statistic="silhouette")

    references = pd.concat(
        [of(v).assign(reference=i) for i, v in enumerate([(9, 1), (8, 2), (1, 7)], 1)]
    )
    found = null_references.rules(of((1, 5)), references, more_is_better=True)
    assert found.to_dict("records") == [
        {"method": "kmeans", "statistic": "silhouette", "k": 3}
        | {"least": 2, "most": 3, "common": 2}
    ]


def test_customers_and_references_are_measured_alike():
    scores = golden("cloud")
    found, drawn = null_references.beside(
        scores, first_mean, references=4, seed=3, more_is_better=True
    )
    expected = null_references.on_references(scores, first_mean, references=4, seed=3)
    pd.testing.assert_frame_equal(drawn, expected, check_exact=True)
    alone = null_references.compare(
        first_mean(scores, 3), expected, more_is_better=True
    )
    pd.testing.assert_frame_equal(found, alone, check_exact=True)


# --- Agreement of halves beside customers of null models


HALVES = ["agreement", "strength", "separation"]


class Numbered:
    """A model whose draws hold nothing but their number."""

    def draw(self, seed):
        return pd.DataFrame({"number": [seed[-1]], "seed": [seed[0]]})


def measured_as(monkeypatch, values):
    """Let each reference measure tanh of values[number], by k, in all three."""
    seeds = []

    def split(scores, *, k_values, n_splits, seed, n_init):
        seeds.append(seed)
        found = np.tanh(values[scores["number"][0] - 1])
        return beside_each_other(dict(zip(k_values, found, strict=True)))

    monkeypatch.setattr(stability, "split", split)
    return seeds


def beside_each_other(by_k, n_splits=1):
    rows = [(k, i, *[value] * 3) for k, value in by_k.items() for i in range(n_splits)]
    return pd.DataFrame(rows, columns=["k", "split", *HALVES])


# Nine at +0.1, nine at -0.1 and one at 0 have mean 0 and deviation 0.1 (n - 1); at k = 3
# all lie 0.2 higher. In these units customers reach z = 3 at k = 2 and z = 1 at k = 3.
PILOT = np.array([[0.1, 0.3]] * 9 + [[-0.1, 0.1]] * 9 + [[0.0, 0.2]])
OWN = beside_each_other({2: np.tanh(0.3 - 1e-9), 3: np.tanh(0.3 - 1e-9)})


def held(monkeypatch, z, *, references, enough, models=("a",)):
    """Hold them to references of so many deviations at k = 2 and 3, after the pilot."""
    after = np.array(z) * 0.1 + [0, 0.2]
    measured_as(monkeypatch, np.concatenate([PILOT, after]))
    return held_by_halves(
        OWN,
        {name: Numbered() for name in models},
        n_splits=1,
        n_init=1,
        references=references,
        seed=5,
        enough=enough,
    ).set_index("k")


# Of ten references, three reach 3 somewhere; seven reach 1 somewhere, whichever k.
AFTER = [
    *[(3.5, 0), (0, 1.5), (0.5, 0.9), (1.2, -2), (0, 0)],
    *[(0, 4), (2, 2), (-1, -1), (3.1, 0.1), (2.9, 2.8)],
]


def test_p_is_the_share_of_references_whose_best_k_reaches_the_customers(monkeypatch):
    found = held(monkeypatch, AFTER, references=10, enough=10)
    assert found["z"].tolist() == pytest.approx([3, 1], abs=1e-6)
    # Of the ten, 3 and 7; the customers themselves count as one more.
    assert found["p"].tolist() == pytest.approx([4 / 11, 8 / 11])
    assert found["references"].tolist() == [10, 10]
    errors = [math.sqrt(p * (1 - p) / 10) for p in (4 / 11, 8 / 11)]
    assert found["p_error"].tolist() == pytest.approx(errors)
    # At k = 3 alone z = 1 is reached by four; the best of all k is what counts.
    assert sum(b >= 1 for _, b in AFTER) == 4
    means = np.tanh(np.concatenate([PILOT, np.array(AFTER) * 0.1 + [0, 0.2]]))
    assert found["reference_strength"].tolist() == pytest.approx(means.mean(axis=0))
    low, high = np.quantile(means, [0.05, 0.95], axis=0)
    assert found["low"].tolist() == pytest.approx(low)
    assert found["high"].tolist() == pytest.approx(high)
    assert found["separation"].tolist() == pytest.approx([np.tanh(0.3)] * 2)


def test_drawing_stops_once_enough_references_reach_the_customers(monkeypatch):
    found = held(monkeypatch, AFTER * 3, references=30, enough=3)
    # The third to reach z = 3 is the ninth: 3 of 9. Of those nine, six reach 1.
    assert found["p"].tolist() == pytest.approx([3 / 9, 6 / 9])
    assert found["references"].tolist() == [9, 9]


def test_where_too_few_reach_the_customers_all_references_are_drawn(monkeypatch):
    quiet = [(0, 0)] * 25
    found = held(monkeypatch, quiet, references=25, enough=2)
    assert found["p"].tolist() == pytest.approx([1 / 26, 1 / 26])
    assert found["references"].tolist() == [25, 25]


def test_every_model_is_held_to_by_the_same_seeds_and_named(monkeypatch):
    found = held(monkeypatch, AFTER, references=10, enough=10, models=("a", "b"))
    assert found["null"].tolist() == ["a", "a", "b", "b"]
    assert set(found.loc[2, "p"]) == {4 / 11}


def test_values_that_hardly_vary_count_as_varying_by_a_hundredth(monkeypatch):
    flat = np.full((20, 1), 0.5)
    measured_as(monkeypatch, flat)
    own = beside_each_other({2: np.tanh(0.53)})
    settings = {"n_splits": 1, "n_init": 1, "references": 1, "seed": 5}
    found = held_by_halves(own, {"a": Numbered()}, **settings)
    assert found["z"].tolist() == pytest.approx([3])
    # Perfect agreement counts as 0.995, whose z is finite.
    perfect = beside_each_other({2: 1.0})
    found = held_by_halves(perfect, {"a": Numbered()}, **settings)
    assert found["z"].tolist() == pytest.approx([(math.atanh(0.995) - 0.5) / 0.01])


def test_agreement_strength_and_separation_weigh_alike(monkeypatch):
    measured_as(monkeypatch, np.concatenate([PILOT, PILOT[:1]]))
    own = beside_each_other({2: 0.0, 3: np.tanh(0.2)})
    own["strength"] = np.tanh([0.6, 0.2])  # z = 6 at k = 2, where the others have 0
    found = held_by_halves(
        own, {"a": Numbered()}, n_splits=1, n_init=1, references=1, seed=5
    )
    assert found["z"].tolist() == pytest.approx([2, 0], abs=1e-9)


def test_without_models_nothing_is_held_and_excess_is_missing():
    own = beside_each_other({2: 0.8, 3: 0.7}, n_splits=2)
    found = held_by_halves(own, {}, n_splits=1, n_init=1, references=19, seed=1)
    assert found.empty
    hardest = null_references.strictest(found)
    assert hardest.empty
    assert null_references.excess(own, hardest)["excess"].isna().tolist() == [True] * 2


QUICK = {"n_splits": 3, "n_init": 2, "seed": 7}


def held_to_a_cloud(scores, references, k_values=(2, 3, 4, 5)):
    halves = stability.split(scores, k_values=list(k_values), **QUICK)
    models = {"one cloud": null_models.cloud(scores)}
    found = held_by_halves(halves, models, references=references, **QUICK)
    return found.set_index("k")


def test_four_clear_groups_lie_beyond_one_cloud_and_one_cloud_does_not():
    found = held_to_a_cloud(four_heaps(160), 19)
    assert found.loc[4, "p"] == 1 / 20
    assert found["z"].idxmax() == 4
    assert found.loc[2, "p"] > 0.05  # two halves may pair four groups in three ways
    rng = np.random.default_rng(3)
    even = pd.DataFrame(rng.standard_normal((160, 4)), columns=list("abcd"))
    assert held_to_a_cloud(even, 19)["p"].min() > 0.05


def test_the_test_of_one_cloud_keeps_its_level():
    # Of 24 clouds more than 5 fall below p = 0.1 by chance in 3 of 100 studies.
    below = 0
    for seed in range(24):
        rng = np.random.default_rng(seed)
        even = pd.DataFrame(rng.standard_normal((60, 3)), columns=list("abc"))
        halves = stability.split(even, k_values=[2, 3], n_splits=2, n_init=1, seed=seed)
        found = held_by_halves(
            halves,
            {"one cloud": null_models.cloud(even)},
            **{"n_splits": 2, "n_init": 1, "seed": seed, "references": 19, "enough": 3},
        )
        below += found["p"].min() <= 0.1
    assert below <= 5


def test_more_references_leave_those_of_a_model_as_they_were():
    scores = four_heaps(80)
    model = null_models.cloud(scores)
    halved = {"k_values": [2, 3], "n_splits": 2, "n_init": 1}
    measure = functools.partial(null_references.in_halves, **halved)
    settings = {"measure": measure, "keys": ["k"], "shape": (2, 3)}
    few, many = (
        null_references._drawn(model, range(1, n), 7, settings) for n in (3, 5)
    )
    assert (many[:2] == few).all()
    assert (many[2:] != many[:2]).any()
    other = null_references._drawn(model, range(1, 3), 8, settings)
    assert (other != few).any()


def test_references_are_the_same_on_one_and_on_two_processes():
    scores = four_heaps(80)
    here = held_to_a_cloud(scores, 3, k_values=(2, 4))
    with joblib.parallel_config(backend="loky"):
        there = held_to_a_cloud(scores, 3, k_values=(2, 4))
    pd.testing.assert_frame_equal(there, here, check_exact=True)


def held_by_hand():
    """Lay out two models at two k: of p the second is harder at 2, the first at 3."""
    rows = [
        ("a", 2, 0.01, 0.40, 0.50, 0.2, 0.3, 0.6, 99),
        ("a", 3, 0.20, 0.30, 0.45, 0.2, 0.2, 0.5, 99),
        ("b", 2, 0.30, 0.35, 0.60, 0.1, 0.1, 0.5, 40),
        ("b", 3, 0.10, 0.25, 0.40, 0.3, 0.1, 0.9, 40),
    ]
    columns = ["null", "k", "p", *(f"reference_{name}" for name in HALVES)]
    table = pd.DataFrame(rows, columns=[*columns, "low", "high", "references"])
    return table.assign(p_error=0.01, z=1.0, **dict.fromkeys(HALVES, 0.8))


def test_the_strictest_model_is_that_of_the_largest_p_with_the_largest_means():
    found = null_references.strictest(held_by_hand())
    assert found.index.tolist() == [2, 3]
    assert found["null"].tolist() == ["b", "a"]
    assert found["p"].tolist() == [0.3, 0.2]
    assert found["references"].tolist() == [40, 99]
    assert found["reference_agreement"].tolist() == [0.40, 0.30]
    assert found["reference_strength"].tolist() == [0.60, 0.45]
    assert found["reference_separation"].tolist() == [0.2, 0.3]
    assert found["low"].tolist() == [0.1, 0.1]
    assert found["high"].tolist() == [0.6, 0.9]


def test_the_excess_is_the_share_of_the_way_to_perfect_segments_by_hand():
    halves = pd.DataFrame(
        {
            "k": [2, 2, 3, 3],
            "agreement": [0.7, 1.0, 0.30, 0.30],
            "strength": [0.8, 0.6, 0.45, 0.45],
        }
    )
    found = null_references.excess(halves, null_references.strictest(held_by_hand()))
    # k = 2: (0.3 / 0.6 + 0.2 / 0.4) / 2 = 0.5 and (0.6 / 0.6 + 0) / 2 = 0.5.
    assert found["excess"].tolist() == pytest.approx([0.5, 0], abs=1e-12)
    assert found["excess_error"].tolist() == pytest.approx([0, 0], abs=1e-12)
    apart = halves.assign(agreement=[0.4, 1.0, 0.0, 0.0], strength=[0.6, 1.0, 0, 0])
    found = null_references.excess(apart, null_references.strictest(held_by_hand()))
    # 0 and 1: mean 0.5, standard error 0.5; k = 3: (-0.3 / 0.7 - 0.45 / 0.55) / 2
    assert found["excess"][2] == pytest.approx(0.5)
    assert found["excess_error"][2] == pytest.approx(0.5)
    assert found["excess"][3] == pytest.approx(-(0.3 / 0.7 + 0.45 / 0.55) / 2)


def test_what_is_left_above_a_near_perfect_reference_counts_as_a_twentieth():
    halves = beside_each_other({2: 1.0}, n_splits=2)
    hardest = pd.DataFrame(
        {"reference_agreement": [0.99], "reference_strength": [0.9]}, index=[2]
    )
    found = null_references.excess(halves, hardest)
    assert found["excess"][2] == pytest.approx((0.01 / 0.05 + 1) / 2)


def test_a_reference_of_too_few_different_customers_counts_as_perfect():
    class Alike:
        def draw(self, seed):
            return pd.DataFrame({"a": [0.0, 1.0] * 20, "b": [1.0, 0.0] * 20})

    halves = stability.split(four_heaps(), k_values=[4], n_splits=2, seed=1, n_init=2)
    held = held_by_halves(
        halves, {"alike": Alike()}, n_splits=2, n_init=2, references=19, seed=1
    )
    assert held["reference_agreement"].tolist() == [1.0]
    assert held["p"].tolist() == [1.0]
