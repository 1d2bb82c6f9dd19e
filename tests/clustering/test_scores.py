import itertools
import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.mixture import GaussianMixture

from helpers.clustering import methods, scores as clustering_scores
from helpers.core import paths
from helpers.core.errors import BadInput

GOLDEN = paths.ROOT / "tests/golden"


R = json.loads((GOLDEN / "r_answers.json").read_text())


TABLES = ("iris", "planted", "cloud")


# Our mixtures, the same in mclust and the same in scikit-learn.
MIXTURES = {
    "mixture_spherical": ("VII", "spherical"),
    "mixture_diagonal": ("VVI", "diag"),
    "mixture_tied": ("EEE", "tied"),
    "mixture_full": ("VVV", "full"),
}


# Three heaps of 4, 3 and 2 customers; by hand their means are (0, 0), (10, 0), (0, 20).
HEAPS = np.array(
    [
        *([1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]),
        *([9.0, 0.0], [10.0, 0.0], [11.0, 0.0]),
        *([0.0, 19.0], [0.0, 21.0]),
    ]
)


def golden(name):
    return pd.read_csv(GOLDEN / f"{name}.csv")


def cloud(n=60, seed=3):
    return np.random.default_rng(seed).standard_normal((n, 3))


def test_sweep_scores_are_those_of_scikit_learn():
    scores = pd.DataFrame(cloud(), index=[f"c{i}" for i in range(60)])
    labels, table = clustering_scores.sweep(
        scores, k_values=range(2, 5), seed=1, n_init=5
    )
    expected = [(m, k) for m in methods.METHODS for k in (2, 3, 4)]
    assert list(zip(table["method"], table["k"], strict=True)) == expected
    assert list(labels.columns) == [f"{m}_{k}" for m, k in expected]
    assert list(labels.index) == list(scores.index)
    for row in table.itertuples():
        found = labels[f"{row.method}_{row.k}"].to_numpy()
        values = scores.to_numpy()
        gaps = scores - scores.groupby(found).transform("mean")
        assert row.inertia == pytest.approx((gaps**2).to_numpy().sum())
        assert row.silhouette == pytest.approx(metrics.silhouette_score(values, found))
        assert row.calinski_harabasz == pytest.approx(
            metrics.calinski_harabasz_score(values, found)
        )
        assert row.davies_bouldin == pytest.approx(
            metrics.davies_bouldin_score(values, found)
        )
        assert row.smallest_share == min(np.bincount(found)) / 60


def test_sweep_scores_of_the_heaps_can_be_worked_out_by_hand():
    _, table = clustering_scores.sweep(
        pd.DataFrame(HEAPS), k_values=range(3, 4), seed=1, n_init=5, methods=("kmeans",)
    )
    row = table.iloc[0]
    # squared distances to the means: 4 x 1, then 1 + 0 + 1, then 2 x 1
    assert row["inertia"] == pytest.approx(8)
    assert row["smallest_share"] == pytest.approx(2 / 9)
    # mean distances inside: 1, 2/3 and 1; between the means: 10, 20, root of 500
    worst = [1 + 2 / 3, 1 + 2 / 3, 2]
    apart = [10, 10, 20]
    ratios = [w / a for w, a in zip(worst, apart, strict=True)]
    assert row["davies_bouldin"] == pytest.approx(sum(ratios) / 3)


def test_silhouette_follows_its_definition_customer_by_customer():
    values, labels = cloud(), np.arange(60) % 4
    labels[labels == 3] = 2
    labels[7] = 3  # alone in its segment: counts 0
    widths = []
    for i in range(60):
        means = {}
        for segment in range(4):
            others = [j for j in range(60) if labels[j] == segment and j != i]
            if others:
                gaps = [np.linalg.norm(values[i] - values[j]) for j in others]
                means[segment] = sum(gaps) / len(gaps)
        if labels[i] not in means:
            widths.append(0)
            continue
        a = means.pop(labels[i])
        b = min(means.values())
        widths.append((b - a) / max(a, b))
    found = clustering_scores.silhouette_widths(values, labels)
    assert found == pytest.approx(np.array(widths))


def test_silhouette_of_identical_customers_is_zero():
    labels = np.array([0, 0, 1, 1])
    assert not clustering_scores.silhouette_widths(np.zeros((4, 2)), labels).any()


@pytest.mark.parametrize("method", ["kmeans", "ward"])
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_a_candidate_with_an_empty_segment_gets_no_score(method):
    twins = pd.DataFrame(np.repeat([[0.0, 0.0], [9.0, 9.0]], [3, 2], axis=0))
    labels, table = clustering_scores.sweep(
        twins, k_values=range(2, 4), seed=1, n_init=5, methods=(method,)
    )
    assert labels[f"{method}_2"].tolist() == [0, 0, 0, 1, 1]
    assert table["silhouette"].iloc[0] == 1
    # two places cannot make three segments
    assert labels[f"{method}_3"].nunique() == 2
    assert table.iloc[1][["inertia", *clustering_scores.SCORES]].isna().all()
    assert table["smallest_share"].iloc[1] == 0


@pytest.mark.parametrize("name", TABLES)
def test_mixtures_climb_to_the_bic_of_mclust_from_the_same_start(name, monkeypatch):
    # Plain steps in double precision: a leap may end on another hill.
    plain = {"_FLOOR": 0, "_GAIN": 1e-12, "_LEAP": 1, "_LIGHT": float, "_ROUNDS": 5000}
    for constant, value in plain.items():
        monkeypatch.setattr(methods, constant, value)
    monkeypatch.setattr(
        methods._Customers, "kmeans", property(lambda customers: customers.ward)
    )
    _, table = clustering_scores.sweep(
        golden(name), k_values=range(2, 7), seed=1, n_init=1, methods=tuple(MIXTURES)
    )
    for method, rows in table.groupby("method"):
        expected = R[name]["bic_start"][MIXTURES[method][0]][1:]
        # mclust counts likelihood upwards: the opposite sign
        assert rows["bic"].to_numpy() == pytest.approx(-np.array(expected), abs=1e-4)


def above_mclust(n_init, seed, start):
    """Say by how much log-likelihoods exceed those of mclust, for each mixture."""
    above = {method: [] for method in MIXTURES}
    for name in TABLES:
        _, table = clustering_scores.sweep(
            golden(name),
            k_values=range(2, 7),
            seed=seed,
            n_init=n_init,
            methods=tuple(MIXTURES),
        )
        for method, rows in table.groupby("method"):
            of_r = np.array(R[name][start][MIXTURES[method][0]][1:])
            above[method] += list((-rows["bic"].to_numpy() - of_r) / 2)
    return above


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("n_init", "least"), [(10, -3.1), (30, -0.5)])
def test_mixtures_climb_as_high_as_the_best_of_mclust(seed, n_init, least):
    above = above_mclust(n_init, seed, "bic")
    # A full mixture of 200 customers has up to 89 parameters: the floor of its variances
    # costs more.
    assert min(above.pop("mixture_full")) > min(least, -2)
    assert min(map(min, above.values())) > least
    gained = np.concatenate([*above.values()])
    assert (gained > 3).sum() > 3 * (gained < -1).sum()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_drawn_starts_find_higher_hills_than_ward_s(seed):
    gained = np.concatenate([*above_mclust(10, seed, "bic_start").values()])
    assert gained.min() > -3.1
    assert (gained > 1.5).sum() >= 15


def started_from(labels, values, kind):
    """Give scikit-learn the weights, means and precisions of a partition."""
    k = labels.max() + 1
    shares = np.bincount(labels) / len(labels)
    means = np.stack([values[labels == s].mean(axis=0) for s in range(k)])
    full = np.stack([np.cov(values[labels == s].T, bias=True) for s in range(k)])
    spread = {
        "full": full,
        "tied": np.einsum("k,kfg->fg", shares, full),
        "diag": np.einsum("kff->kf", full),
        "spherical": np.einsum("kff->kf", full).mean(axis=1),
    }[kind]
    precisions = np.linalg.inv(spread) if kind in ("full", "tied") else 1 / spread
    return {"weights_init": shares, "means_init": means, "precisions_init": precisions}


@pytest.mark.parametrize("method", MIXTURES)
@pytest.mark.parametrize(("name", "k"), [("planted", 4), ("iris", 3)])
def test_likelihood_bic_and_icl_are_those_of_scikit_learn(name, k, method, monkeypatch):
    # With a floor the two stop at different places: it is no part of the likelihood.
    for constant, value in {"_FLOOR": 0, "_GAIN": 1e-13, "_ROUNDS": 5000}.items():
        monkeypatch.setattr(methods, constant, value)
    values = golden(name).to_numpy()
    labels, table = clustering_scores.sweep(
        golden(name), k_values=range(k, k + 1), seed=1, n_init=5, methods=(method,)
    )
    found = labels[f"{method}_{k}"].to_numpy()
    kind = MIXTURES[method][1]
    settings = started_from(found, values, kind) | {"covariance_type": kind}
    peer = GaussianMixture(k, reg_covar=0, tol=1e-12, max_iter=5000, **settings)
    peer.fit(values)
    row = table.iloc[0]
    likely = peer.predict_proba(values)
    assert row["log_likelihood"] == pytest.approx(
        peer.score(values) * len(values), abs=1e-3
    )
    assert row["bic"] == pytest.approx(peer.bic(values), abs=2e-3)
    # ICL: minus twice the log probability of the segments given
    given = np.log(likely.max(axis=1)).sum()
    assert row["icl"] == pytest.approx(peer.bic(values) - 2 * given, abs=0.01)
    assert row["icl"] > row["bic"]
    assert clustering_scores.adjusted_rand(found, peer.predict(values)) == 1


def answers(n=300, seed=5):
    """Return 10 yes-or-no answers of three kinds of customers, and the kinds."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(n) % 3
    yes = np.array(
        [[0.9] * 4 + [0.2] * 6, [0.1] * 7 + [0.8] * 3, [0.7] * 5 + [0.9] * 5]
    )
    return (rng.random((n, 10)) < yes[kinds]).astype(float), kinds


@pytest.mark.parametrize("k", [2, 3])
def test_latent_classes_reach_the_likelihood_of_stepmix(k, monkeypatch):
    stepmix = pytest.importorskip("stepmix")
    monkeypatch.setattr(methods, "_GAIN", 1e-9)
    monkeypatch.setattr(methods, "_ROUNDS", 5000)
    said, _ = answers()
    # as whole numbers and as scores: only above or below the median counts
    scores = pd.DataFrame(np.where(said == 1, 7.0, -2.0))
    assert (np.median(said, axis=0) < 1).any()
    assert (np.median(said, axis=0) == 1).any()
    _, table = clustering_scores.sweep(
        scores,
        **{"k_values": range(k, k + 1), "seed": 1, "n_init": 40},
        methods=("latent_classes",),
    )
    peer = stepmix.StepMix(
        **{"n_components": k, "measurement": "binary", "n_init": 20, "random_state": 1},
        **{"abs_tol": 1e-9, "max_iter": 3000, "progress_bar": 0, "verbose": 0},
    ).fit(said)
    row = table.iloc[0]
    reached = peer.score(said) * len(said)
    assert row["log_likelihood"] == pytest.approx(reached, abs=0.01)
    free = k - 1 + 10 * k
    assert row["bic"] == pytest.approx(free * np.log(300) - 2 * reached, abs=0.02)


def test_latent_classes_find_the_kinds_of_customers():
    said, kinds = answers(1200)
    found = methods.fits(
        said, methods=("latent_classes",), k_values=range(3, 4), seed=1, n_init=10
    )
    labels = found["latent_classes", 3].labels
    # one answer in five or ten is untypical, so not everyone can be told
    assert clustering_scores.adjusted_rand(labels, kinds) > 0.75


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_class_that_loses_its_customers_breaks_nothing():
    said, _ = answers(30)
    _, table = clustering_scores.sweep(
        pd.DataFrame(said), k_values=range(9, 12), seed=1, n_init=4
    )
    models = table[table["bic"].notna()]
    assert set(models["method"]) == {*MIXTURES, "latent_classes"}
    assert np.isfinite(models[[*methods.LIKELIHOODS]].to_numpy()).all()


@pytest.mark.parametrize("name", TABLES)
def test_silhouette_and_calinski_harabasz_of_ward_are_those_of_r(name):
    _, table = clustering_scores.sweep(
        golden(name), k_values=range(2, 9), seed=1, n_init=1, methods=("ward",)
    )
    for score in ("silhouette", "calinski_harabasz"):
        assert table[score].to_list() == pytest.approx(R[name][score], rel=1e-9)


def test_scores_do_not_depend_on_how_many_customers_are_taken_at_a_time(monkeypatch):
    settings = {"k_values": range(2, 5), "seed": 1, "n_init": 3}
    _, whole = clustering_scores.sweep(
        pd.DataFrame(cloud()), methods=("ward",), **settings
    )
    monkeypatch.setattr(methods, "CELLS", 60 * 7)
    _, parts = clustering_scores.sweep(
        pd.DataFrame(cloud()), methods=("ward",), **settings
    )
    assert parts["silhouette"].to_numpy() == pytest.approx(
        whole["silhouette"], rel=1e-12
    )


def test_silhouette_widths_are_those_of_scikit_learn():
    labels = np.r_[np.arange(59) % 3, 3]  # the last one is alone
    found = clustering_scores.silhouette_widths(cloud(), labels)
    assert found == pytest.approx(metrics.silhouette_samples(cloud(), labels))
    assert found[-1] == 0


def test_only_models_have_a_likelihood():
    _, table = clustering_scores.sweep(
        pd.DataFrame(cloud()), k_values=range(2, 3), seed=1, n_init=2
    )
    modelled = table.set_index("method")["bic"].notna()
    assert set(modelled.index[modelled]) == {*MIXTURES, "latent_classes"}
    assert (
        not table[["inertia", *clustering_scores.SCORES, "smallest_share"]]
        .isna()
        .any(axis=None)
    )


def test_the_measure_holds_the_scores_of_the_sweep_in_long_form():
    scores = pd.DataFrame(cloud())
    settings = {
        "k_values": range(2, 4),
        "n_init": 2,
        "methods": ("ward", "mixture_tied"),
    }
    long = clustering_scores.measure(scores, 7, **settings)
    _, table = clustering_scores.sweep(scores, seed=7, **settings)
    assert list(long.columns) == ["method", "k", "statistic", "value"]
    assert not long["value"].isna().any()
    wide = table.set_index(["method", "k"])
    for row in long.itertuples():
        assert row.value == wide.loc[(row.method, row.k), row.statistic]
    kinds = long.groupby("method")["statistic"].agg(set)
    assert kinds["ward"] == set(clustering_scores.SCORES)
    assert kinds["mixture_tied"] == set(clustering_scores.MORE_IS_BETTER)


def test_the_better_candidate_is_the_one_the_directions_say():
    apart = clustering_scores.measure(
        golden("planted"), 1, k_values=range(2, 5), n_init=9, methods=("mixture_tied",)
    ).pivot(index="k", columns="statistic", values="value")
    for statistic, more in clustering_scores.MORE_IS_BETTER.items():
        best = apart[statistic].idxmax() if more else apart[statistic].idxmin()
        assert best == 4, statistic


def test_the_adjusted_rand_index_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    for k, other in itertools.product([1, 2, 7], repeat=2):
        for agreeing in (0, 0.5, 1):
            first = rng.integers(0, k, 200)
            second = np.where(
                rng.random(200) < agreeing, first, rng.integers(0, other, 200)
            )
            expected = metrics.adjusted_rand_score(first, second)
            found = clustering_scores.adjusted_rand(first, second)
            assert found == pytest.approx(expected, abs=1e-12)
    alone = np.arange(5)
    assert clustering_scores.adjusted_rand(alone, alone) == 1
    assert clustering_scores.adjusted_rand(alone, np.zeros(5, int)) == 0


@pytest.mark.parametrize("name", TABLES)
def test_the_adjusted_rand_index_is_that_of_fpc(name):
    ward = [np.array(labels) for labels in R[name]["ward"]]
    found = [clustering_scores.adjusted_rand(ward[i], ward[i + 1]) for i in range(1, 7)]
    assert found == pytest.approx(R[name]["adjusted_rand"], abs=1e-12)


def test_methods_are_compared_two_by_two_at_the_same_k():
    same, other = [0, 0, 1, 1], [0, 1, 0, 1]
    labels = pd.DataFrame(
        {"kmeans_3": same, "kmeans_2": same, "ward_2": same, "mixture_full_2": other}
    )
    found = clustering_scores.between_methods(labels)
    # by hand: two crossed halves agree as (0 - 4/3) / (4 - 4/3) = -1/2
    assert found.to_dict("list") == {
        "k": [2, 2, 2],
        "method": ["kmeans", "kmeans", "ward"],
        "other": ["ward", "mixture_full", "mixture_full"],
        "ari": pytest.approx([1, -0.5, -0.5]),
    }


SOUND = pd.DataFrame(cloud(), columns=["spend", "visits", "breadth"])


@pytest.mark.parametrize(
    ("scores", "says"),
    [
        (SOUND.assign(visits=SOUND["visits"].where(SOUND.index != 3)), "visits misses"),
        (SOUND.replace(SOUND.iloc[3, 2], np.inf), "breadth is infinite"),
        (SOUND.replace(SOUND.iloc[3, 2], -np.inf), "breadth is infinite"),
        (SOUND.assign(visits=4.0, more=0.1), "visits, more is constant"),
        (SOUND.assign(city="Paris"), "city is not numeric"),
        (SOUND.assign(visits=pd.array([None] + [1] * 59, "Int64")), "visits misses"),
        (SOUND.iloc[[0] * 60], "All 60 customers are identical"),
        (SOUND.head(4), "At least 5 customers are needed, but 4"),
        (SOUND[[]], "no feature"),
    ],
)
def test_a_table_that_cannot_be_clustered_is_refused_by_name(scores, says):
    for attempt in (
        lambda: methods.check(scores, least=5),
        lambda: clustering_scores.sweep(scores, k_values=range(2, 5), seed=1, n_init=1),
        lambda: methods.islands(scores, least=4),
    ):
        with pytest.raises(BadInput, match=says):
            attempt()


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("case", ["far", "collinear", "coarse", "tiny"])
def test_odd_but_sound_tables_are_scored_without_gaps(case):
    values = cloud(120)
    if case == "far":
        values[5] = 1000 * np.abs(values).max()
    if case == "collinear":
        values = np.column_stack([values, values @ [[1], [2], [3]], values[:, :1]])
    if case == "coarse":
        values = values.round()
    if case == "tiny":
        values = values * 1e-9
    labels, table = clustering_scores.sweep(
        pd.DataFrame(values), k_values=range(2, 5), seed=1, n_init=4
    )
    scored = table[["inertia", *clustering_scores.SCORES]]
    # a model may leave a segment empty, and says so; nothing else may be missing
    full = table["smallest_share"] > 0
    assert np.isfinite(scored[full].to_numpy()).all()
    always = ["kmeans", "ward", "medoids"]
    assert full[table["method"].isin(always)].all()
    models = table["method"].isin([*MIXTURES, "latent_classes"])
    assert np.isfinite(table.loc[models, [*methods.LIKELIHOODS]].to_numpy()).all()
    if case == "far":
        assert (np.bincount(labels["kmeans_2"]) == [119, 1]).all()
