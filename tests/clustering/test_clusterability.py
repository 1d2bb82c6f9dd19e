import functools
import itertools
import json
import math
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from conftest import four_heaps
from joblib import Parallel
from scipy.optimize import linprog
from scipy.stats import norm
from sklearn.cluster import KMeans

from helpers.clustering import clusterability, methods, null_references
from helpers.core.errors import BadInput

GOLDEN = Path(__file__).parents[1] / "golden"


R = json.loads((GOLDEN / "r_answers.json").read_text("utf-8"))


TABLES = ("iris", "planted", "cloud")


def golden(name):
    return pd.read_csv(GOLDEN / f"{name}.csv")


@pytest.fixture(autouse=True)
def one_process():
    # starting workers takes seconds; the test that needs them asks for them
    with joblib.parallel_config(backend="sequential"):
        yield


def first_mean(scores, seed):
    """Measure something that tells tables and seeds apart."""
    value = (scores["a"] * scores["b"]).mean()
    return pd.DataFrame({"statistic": ["mean", "seed"], "value": [value, seed]})


@pytest.mark.parametrize("name", TABLES)
def test_distances_inside_given_segments_are_those_of_cluster_in_r(name):
    rows = golden(name).to_numpy()
    found = [
        math.log(clusterability.within(rows, np.array(labels)))
        for labels in R[name]["ward"]
    ]
    # R counts each pair of customers once
    expected = np.array(R[name]["log_w"]) + math.log(2)
    assert found == pytest.approx(expected.tolist(), abs=1e-12)


@pytest.mark.parametrize("name", TABLES)
def test_gaps_are_those_of_cluster_in_r(name):
    settings = {"k_values": range(1, 5), "seed": 1}
    best = clusterability.gap(golden(name), draws=1, n_init=30, **settings)
    found = clusterability.gap(golden(name), draws=60, n_init=5, **settings)
    theirs = pd.DataFrame(R[name]["gap"])[:4]
    assert found["k"].tolist() == [1, 2, 3, 4]
    # k-means stops in optima that lie close to each other
    own = theirs["log_w"] + math.log(2)
    assert best["log_within"].tolist() == pytest.approx(own.tolist(), abs=1e-3)
    # the mean of 60 draws errs by 0.005, the deviation by a tenth of itself
    expected = theirs["expected"] + math.log(2)
    assert found["expected"].tolist() == pytest.approx(expected.tolist(), abs=0.025)
    assert found["gap"].tolist() == pytest.approx(theirs["gap"].tolist(), abs=0.03)
    assert found["se"].tolist() == pytest.approx(theirs["se"].tolist(), rel=0.35)


@pytest.mark.parametrize("name", ["planted", "cloud"])
def test_rules_choose_as_r_does_from_our_own_gaps(name):
    found = clusterability.gap(
        golden(name), k_values=range(1, 7), draws=20, seed=1, n_init=5
    )
    for rule, theirs in {
        "first_se_max": "firstSEmax",
        "tibshirani": "Tibs2001SEmax",
    }.items():
        chosen = clusterability.gap_choice(found, rule=rule)
        assert chosen == R[name]["max_se"][theirs] == {"planted": 4, "cloud": 1}[name]


@pytest.mark.parametrize("made_up", sorted(R["max_se"]))
def test_rules_choose_as_r_does_from_made_up_gaps(made_up):
    case = R["max_se"][made_up]
    table = pd.DataFrame({"k": range(1, 6), "gap": case["gap"], "se": case["se"]})
    assert (
        clusterability.gap_choice(table, rule="first_se_max"),
        clusterability.gap_choice(table, rule="tibshirani"),
    ) == (case["k"]["firstSEmax"], case["k"]["Tibs2001SEmax"])


def test_a_rule_that_nobody_knows_is_refused():
    table = pd.DataFrame({"k": [1], "gap": [0.0], "se": [0.0]})
    with pytest.raises(BadInput, match=r"first_se_max.*'best'"):
        clusterability.gap_choice(table, rule="best")


def test_a_standard_error_is_that_of_the_draws_and_grows_for_few_of_them():
    settings = {"k_values": range(1, 2), "seed": 4, "n_init": 1}
    # with one segment and one feature: n times the variance of even draws in the box
    scores = pd.DataFrame({"a": np.arange(50.0)})
    found = clusterability.gap(scores, draws=3, **settings).loc[0]
    logs = []
    for i in range(3):
        drawn = np.random.default_rng([4, i]).uniform(-24.5, 24.5, 50)
        logs.append(math.log(50 * np.var(drawn)))
    assert found["log_within"] == pytest.approx(math.log(sum(range(1, 50, 2)) * 16.66))
    assert found["expected"] == pytest.approx(np.mean(logs))
    spread = math.sqrt(sum((log - np.mean(logs)) ** 2 for log in logs) / 3)
    assert found["se"] == pytest.approx(spread * math.sqrt(4 / 3))


def test_the_box_follows_the_main_directions():
    # a thin diagonal: in a box along the features even draws would lie far more apart
    along = np.random.default_rng(1).uniform(-1, 1, 300)
    thin = np.random.default_rng(2).uniform(-0.01, 0.01, 300)
    scores = pd.DataFrame({"a": along + thin, "b": along - thin})
    found = clusterability.gap(scores, k_values=range(1, 4), draws=5, seed=1, n_init=3)
    assert found["gap"].abs().max() < 0.15


def slow_hopkins(rows, points, seed):
    rng = np.random.default_rng(seed)
    rows = sorted(map(tuple, rows))
    chosen = rng.choice(len(rows), points, replace=False)
    low, high = np.min(rows, axis=0), np.max(rows, axis=0)
    even = rng.uniform(low, high, (points, len(low)))
    u = [min(math.dist(point, row) for row in rows) for point in even]
    w = [
        min(math.dist(rows[i], row) for row in rows[:i] + rows[i + 1 :]) for i in chosen
    ]
    d = len(low)
    return sum(a**d for a in u) / (sum(a**d for a in u) + sum(b**d for b in w))


@pytest.mark.parametrize("name", TABLES)
def test_hopkins_is_that_of_plain_loops(name):
    rows = golden(name)
    found = clusterability.hopkins(rows, points=17, seed=5)["value"][0]
    assert found == pytest.approx(slow_hopkins(rows.to_numpy(), 17, 5), rel=1e-9)


def test_hopkins_of_iris_is_the_published_one():
    # R's hopkins prints .9952 for 15 points of its own draw
    values = [
        clusterability.hopkins(golden("iris"), points=15, seed=seed)["value"][0]
        for seed in range(20)
    ]
    assert np.mean(values) == pytest.approx(0.995, abs=0.005)


def test_hopkins_of_a_square_grid_is_one_seventh():
    # neighbours are 1 apart; the squared distance to a grid point averages 2 / 12
    grid = pd.DataFrame(itertools.product(range(30), range(30)), dtype=float)
    found = clusterability.hopkins(grid, points=400, seed=1)
    assert found["value"][0] == pytest.approx(1 / 7, abs=0.01)
    assert found["p"][0] == pytest.approx(1)


def test_hopkins_of_twins_is_one_since_nobody_is_apart():
    pairs = np.repeat(np.random.default_rng(1).random((40, 2)), 2, axis=0)
    found = clusterability.hopkins(pd.DataFrame(pairs), points=20, seed=1)
    assert found["value"][0] == 1
    assert found["p"][0] == 0


def test_hopkins_bears_powers_that_no_number_can_hold():
    wide = pd.DataFrame(np.random.default_rng(1).standard_normal((90, 200)))
    far, near = (
        clusterability.hopkins(wide * scale, points=9, seed=1)["value"][0]
        for scale in (1000, 0.001)
    )
    assert 0.5 < far <= 1
    assert far == pytest.approx(near, rel=1e-9)


def chance_of_so_clustered(value, points):
    """Beta(m, m) reaches h as often as 2m - 1 throws of chance h hit below m times."""
    throws = 2 * points - 1
    return sum(
        math.comb(throws, hits) * value**hits * (1 - value) ** (throws - hits)
        for hits in range(points)
    )


def test_p_of_hopkins_is_half_of_the_published_two_sided_one():
    # Wright: hopkins.pval(0.21, 10) is .00466205
    assert 2 * chance_of_so_clustered(0.79, 10) == pytest.approx(0.00466205, abs=1e-8)
    for seed in range(5):
        even = pd.DataFrame(np.random.default_rng(seed).random((200, 2)))
        found = clusterability.hopkins(even, points=10, seed=seed).loc[0]
        assert found["p"] == pytest.approx(chance_of_so_clustered(found["value"], 10))


def test_hopkins_tells_even_customers_from_one_cloud_but_not_a_cloud_from_clusters():
    rng = np.random.default_rng(3)
    even = [
        clusterability.hopkins(pd.DataFrame(rng.random((300, 2))), points=15, seed=seed)
        for seed in range(60)
    ]
    assert np.mean([t["value"][0] for t in even]) == pytest.approx(0.5, abs=0.06)
    assert np.mean([t["p"][0] <= 0.1 for t in even]) < 0.25
    for name in ("cloud", "planted"):
        found = clusterability.hopkins(golden(name), points=20, seed=1)
        assert found["value"][0] > 0.9
        assert found["p"][0] < 0.001


@pytest.mark.parametrize("name", TABLES)
def test_dips_are_those_of_diptest_in_r(name):
    found = clusterability.dip(golden(name)).set_index("statistic")
    for ours, theirs in {
        "dip_distances": "distances",
        "dip_first_component": "first",
    }.items():
        expected = R[name]["dip"][theirs]
        assert found.loc[ours, "value"] == pytest.approx(
            expected["statistic"], rel=1e-9
        )
        # Between the chances of its table R goes straight, and we by normal scores.
        assert found.loc[ours, "p"] == pytest.approx(expected["p"], abs=7e-3)


def min_distance_to_one_peak(values):
    """Ask a linear programme for the dip: the nearest function, peak by peak."""
    places, counts = np.unique(values, return_counts=True)
    upto = counts.cumsum() / len(values)
    before = upto - counts / len(values)
    return min(nearest_with_peak(places, before, upto, i) for i in range(len(places)))


def nearest_with_peak(places, before, upto, peak):
    # Unknown: the function at each place, its value just before the peak, the distance.
    few = len(places)
    unit = np.eye(few + 2)
    rise = unit[few] - unit[peak]
    left = [*unit[:peak], unit[few]]
    slopes = [
        *np.diff(left, axis=0) / np.diff(places[: peak + 1])[:, None],
        *np.diff(unit[peak:few], axis=0) / np.diff(places[peak:])[:, None],
    ]
    grows = [a - b for a, b in itertools.pairwise(slopes[:peak])]
    falls = [b - a for a, b in itertools.pairwise(slopes[peak:])]
    at_most = [(row, 0) for row in [rise, *grows, *falls, *np.negative(slopes)]]
    at_most += [(-unit[i] - unit[-1], -upto[i]) for i in range(few)]
    at_most += [(row - unit[-1], before[i]) for i, row in enumerate(left)]
    at_most += [(unit[i] - unit[-1], before[i]) for i in range(peak + 1, few)]
    found = linprog(
        unit[-1],
        A_ub=np.array([row for row, _ in at_most]),
        b_ub=[most for _, most in at_most],
        bounds=[(0, 1)] * (few + 2),
    )
    return found.fun


def dip_of(values):
    found = clusterability.dip(pd.DataFrame({"x": values})).set_index("statistic")
    return found.loc["dip_first_component"]


@pytest.mark.parametrize("seed", range(12))
def test_dip_is_the_least_distance_to_any_function_of_one_peak(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 9, 12) if seed % 2 else rng.normal(size=9) ** 3
    wanted = min_distance_to_one_peak(values)
    assert dip_of(values)["value"] == pytest.approx(wanted, abs=1e-8)


def test_dip_of_two_heaps_by_hand():
    # Half at 0, half at 1: a straight line in between is a quarter away at best.
    assert dip_of(np.repeat([0.0, 1.0], 20))["value"] == pytest.approx(0.25)
    # Evenly spread: half a customer's share is the least there can be, and no sign.
    even = dip_of(np.arange(50.0))
    assert even.loc["value"] == pytest.approx(0.01)
    assert even.loc["p"] == 1


@pytest.mark.parametrize("size", [17, 300])
def test_evenly_spread_values_dip_as_often_as_p_says(size):
    rng = np.random.default_rng(size)
    p = np.array([dip_of(rng.random(size))["p"] for _ in range(400)])
    for chance in (0.1, 0.5, 0.9):
        assert (p <= chance).mean() == pytest.approx(chance, abs=0.06)


def test_distances_of_many_customers_are_those_of_a_sample():
    heaps = np.random.default_rng(1).standard_normal((5000, 2))
    heaps[::2, 0] += 12
    found = clusterability.dip(pd.DataFrame(heaps)).set_index("statistic")
    few = clusterability.dip(pd.DataFrame(heaps[:1900])).set_index("statistic")
    assert found["p"].tolist() == [0, 0]
    assert found.loc["dip_distances", "value"] == pytest.approx(
        few.loc["dip_distances", "value"], abs=0.01
    )


def slow_cluster_index(rows):
    """Try every cut into two."""
    best = math.inf
    for size in range(1, len(rows) // 2 + 1):
        for own in itertools.combinations(range(len(rows)), size):
            parts = rows[list(own)], np.delete(rows, own, axis=0)
            best = min(best, sum(((p - p.mean(axis=0)) ** 2).sum() for p in parts))
    return best / ((rows - rows.mean(axis=0)) ** 2).sum()


def test_the_cluster_index_is_that_of_the_best_cut_into_two():
    rows = np.random.default_rng(8).standard_normal((11, 3))
    found = clusterability.sigclust(pd.DataFrame(rows), draws=2, seed=1, n_init=30)
    assert found["value"][0] == pytest.approx(slow_cluster_index(rows), rel=1e-12)


@pytest.mark.parametrize("name", TABLES)
def test_the_cluster_index_is_that_of_k_means_in_r(name):
    found = clusterability.sigclust(golden(name), draws=2, seed=1, n_init=10)
    total = sum(R[name]["eigenvalues"]) * (len(golden(name)) - 1)
    expected = R[name]["kmeans"][0] / total
    assert found["value"][0] == pytest.approx(expected, rel=1e-6)


def test_sigclust_is_that_of_a_plain_simulation():
    scores = golden("iris")[["b", "c"]][50:]
    found = clusterability.sigclust(scores, draws=150, seed=1, n_init=3)
    rng = np.random.default_rng(2)
    drawn = []
    for _ in range(150):
        cloud = rng.multivariate_normal([0, 0], np.cov(scores, rowvar=False), 100)
        fitted = KMeans(2, n_init=3, random_state=1).fit(cloud)
        drawn.append(fitted.inertia_ / ((cloud - cloud.mean(axis=0)) ** 2).sum())
    z = (found["value"][0] - np.mean(drawn)) / np.std(drawn)
    # both means err by a twelfth of a deviation, both deviations by a seventeenth
    assert found["value"][1] == pytest.approx(z, abs=0.5)
    assert found["p"][1] == pytest.approx(norm.cdf(found["value"][1]))
    below = (1 + sum(index <= found["value"][0] for index in drawn)) / 151
    assert found["p"][0] == pytest.approx(below, abs=0.15)


def test_sigclust_finds_planted_clusters_and_not_those_of_one_cloud():
    settings = {"draws": 99, "seed": 1, "n_init": 3}
    # two of the four clusters: the index asks for two
    two = golden("planted")[:125]
    assert clusterability.sigclust(two, **settings)["p"].max() <= 0.01
    assert (clusterability.sigclust(golden("cloud"), **settings)["p"] > 0.1).all()


def test_sigclust_of_normal_clouds_rejects_no_more_often_than_it_says():
    ps = []
    for seed in range(30):
        cloud = np.random.default_rng(seed).standard_normal((80, 2)) * [2, 1]
        found = clusterability.sigclust(
            pd.DataFrame(cloud), draws=19, seed=seed, n_init=1
        )
        ps.append(found["p"][0])
    # 3 of 30 are expected at a tenth, and 8 or more come once in a hundred times
    assert sum(p <= 0.1 for p in ps) < 8
    assert 0.35 < np.mean(ps) < 0.7


STRUCTURE = {"points": 20, "k_values": range(1, 6), "draws": 3, "n_init": 3}


def test_structure_gathers_what_the_single_tests_say():
    scores = golden("planted")
    found = clusterability.measure(scores, 7, **STRUCTURE).set_index(["statistic", "k"])
    value = found["value"]
    hopkins = clusterability.hopkins(scores, points=20, seed=7)
    assert value["hopkins"].item() == hopkins["value"][0]
    assert [value["dip_distances"].item(), value["dip_first_component"].item()] == (
        clusterability.dip(scores)["value"].tolist()
    )
    index = clusterability.sigclust(scores, draws=2, seed=7, n_init=3)["value"][0]
    assert value["cluster_index"].item() == index
    gaps = clusterability.gap(scores, k_values=range(1, 6), draws=3, seed=7, n_init=3)[
        "gap"
    ]
    assert value["gap"].tolist() == gaps.tolist()
    assert value["gap_rise"].item() == max(gaps[1:]) - gaps[0]
    assert set(value.index.get_level_values("statistic")) == set(
        clusterability.MORE_IS_BETTER
    )


GAP = {"k_values": range(1, 4), "draws": 2, "seed": 1, "n_init": 2}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda s: clusterability.gap(s, **GAP | {"k_values": range(2, 5)}),
            "count up from 1",
        ),
        (
            lambda s: clusterability.gap(s, **GAP | {"k_values": range(1, 6, 2)}),
            "count up",
        ),
        (
            lambda s: clusterability.gap(s, **GAP | {"k_values": range(1, 1)}),
            "count up",
        ),
        (lambda s: clusterability.gap(s, **GAP | {"draws": 0}), "draws .* but 0"),
        (lambda s: clusterability.gap(s[:3], **GAP), "At least 4 customers"),
        (
            lambda s: clusterability.gap(pd.concat([s[:3]] * 9), **GAP),
            "Only 3 customers differ",
        ),
        (lambda s: clusterability.hopkins(s, points=0, seed=1), "points .* but 0"),
        (lambda s: clusterability.hopkins(s, points=len(s), seed=1), "At least 201"),
        (lambda s: clusterability.dip(s[:3]), "At least 4"),
        (
            lambda s: clusterability.sigclust(s, draws=1, seed=1, n_init=1),
            "draws .* but 1",
        ),
        (
            lambda s: clusterability.sigclust(s[:2], draws=2, seed=1, n_init=1),
            "At least 3",
        ),
        (
            lambda s: null_references.planted_control(s[:4], k=5, distance=1, seed=1),
            "At least 5",
        ),
        (
            lambda s: null_references.on_references(
                s, first_mean, references=0, seed=1
            ),
            "references .* but 0",
        ),
        (
            lambda s: clusterability.measure(
                s, 1, **STRUCTURE | {"k_values": range(1, 2)}
            ),
            "reach 2",
        ),
        (lambda s: clusterability.measure(s, 1, **STRUCTURE | {"points": 0}), "points"),
        (
            lambda s: clusterability.measure(s, 1, **STRUCTURE | {"points": len(s)}),
            "At least 201",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(call, says):
    with pytest.raises(BadInput, match=says):
        call(golden("cloud"))


def test_seeds_decide_every_draw():
    scores = golden("cloud")
    for call in (
        lambda seed: clusterability.gap(scores, **GAP | {"seed": seed})["expected"],
        lambda seed: clusterability.hopkins(scores, points=9, seed=seed)["value"],
        lambda seed: clusterability.sigclust(scores, draws=3, seed=seed, n_init=1)[
            "value"
        ][1:],
    ):
        assert call(1).tolist() == call(1).tolist()
        assert (call(1) != call(2)).all()


def test_one_process_and_two_give_the_same_to_the_last_digit(monkeypatch):
    scores = golden("planted")
    measure = functools.partial(clusterability.measure, **STRUCTURE)

    def results():
        return (
            null_references.on_references(scores, measure, references=4, seed=2),
            clusterability.gap(scores, **GAP),
            clusterability.sigclust(scores, draws=5, seed=1, n_init=2),
        )

    alone = results()
    used = []

    def two(**_):
        used.append(Parallel(n_jobs=2)._effective_n_jobs())
        return Parallel(n_jobs=2)

    monkeypatch.setattr(null_references, "Parallel", two)
    monkeypatch.setattr(clusterability, "Parallel", two)
    with joblib.parallel_config(backend="loky"):
        beside = results()
    assert used == [2, 2, 2]
    for one, other in zip(alone, beside, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


# --- A map


def test_a_map_is_the_same_for_a_seed_and_another_for_another():
    scores = four_heaps(150)
    scores.index = [f"c{i}" for i in range(150)]
    first, again, other = (
        clusterability.embed(scores, neighbours=10, seed=seed) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert list(first.columns) == ["x", "y"]
    assert list(first.index) == list(scores.index)
    assert (first.to_numpy() != other.to_numpy()).any()
    # heaps stay together: a customer's nearest on the map is of the same heap
    apart = methods.distances(first.to_numpy(), first.to_numpy())
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) % 4 == np.arange(150) % 4).mean() > 0.95


def test_a_map_that_keeps_neighbours_is_trusted_and_a_shuffled_one_is_not():
    plane = pd.DataFrame(np.random.default_rng(1).random((60, 2)), columns=["x", "y"])
    assert clusterability.trust(plane, plane * 3, neighbours=5) == 1
    shuffled = plane.sample(frac=1, random_state=1)
    assert clusterability.trust(plane, shuffled, neighbours=5) < 0.7


def test_a_map_comes_with_its_trust():
    scores = four_heaps(60)
    points, trust = clusterability.map_of(scores, neighbours=10, seed=1)
    assert trust == clusterability.trust(scores, points, neighbours=10) > 0.8


# --- All tests beside references


def test_heaps_stand_out_from_references_and_are_found_where_they_are_planted():
    scores = four_heaps(120)
    settings = {"references": 19, "seed": 1, "n_init": 2}
    found = clusterability.study(scores, max_k=6, draws=5, **settings)
    tests = found.tests.set_index("statistic")
    assert tests.index.tolist() == list(clusterability.NAMES.values())
    assert tests.loc["Rise of the gap over k = 1", "p_references"] == 0.05
    assert tests["null"].tolist()[0] == "spread evenly over a box"
    assert found.choices["first SE max"] == 4 and "Tibshirani" in found.choices
    assert sorted(found.references["k"].unique()) == [1, 2, 3, 4, 5, 6]
    control = clusterability.positive_control(
        scores, k=3, distances=[0.1, 3.0], **settings
    )
    assert control["distance"].tolist() == [0.1, 3.0]
    near, far = control["observed"] - control["reference"]
    assert far > near
    assert control["p"].iloc[1] == 0.05
