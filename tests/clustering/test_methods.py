import itertools
import json

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import cut_tree, linkage
from sklearn import metrics
from sklearn.cluster import KMeans

from helpers.clustering import methods
from helpers.core import paths
from helpers.core.errors import BadInput

GOLDEN = paths.ROOT / "tests/golden"


R = json.loads((GOLDEN / "r_answers.json").read_text())


TABLES = ("iris", "planted", "cloud")


# Three heaps of 4, 3 and 2 customers; by hand their means are (0, 0), (10, 0), (0, 20).
HEAPS = np.array(
    [
        *([1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]),
        *([9.0, 0.0], [10.0, 0.0], [11.0, 0.0]),
        *([0.0, 19.0], [0.0, 21.0]),
    ]
)


LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2])


CENTRES = [[0, 0], [10, 0], [0, 20]]


def golden(name):
    return pd.read_csv(GOLDEN / f"{name}.csv")


def cloud(n=60, seed=3):
    return np.random.default_rng(seed).standard_normal((n, 3))


def test_kmeans_finds_the_means_of_the_heaps_the_largest_first():
    centres = methods.kmeans(HEAPS, k=3, seed=1, n_init=5)
    assert centres.ravel() == pytest.approx(np.ravel(CENTRES))


def test_of_segments_equally_large_the_one_with_the_smaller_scores_comes_first():
    pairs = np.array([[5.0, 1.0], [5.0, 3.0], [-5.0, 1.0], [-5.0, 3.0]])
    tilted = pairs + np.array([[0, -2], [0, -2], [0, 2], [0, 2]])
    for seed in range(8):
        centres = methods.kmeans(pairs, k=2, seed=seed, n_init=1)
        assert centres.tolist() == [[-5, 2], [5, 2]]
        centres = methods.kmeans(tilted, k=2, seed=seed, n_init=1)
        assert centres.tolist() == [[-5, 4], [5, 0]]


def test_a_customer_halfway_between_two_centres_belongs_to_one_of_them():
    for seed in range(8):
        row = np.array([[-1.0], [0.0], [1.0]])
        centres = methods.kmeans(row, k=2, seed=seed, n_init=1)
        assert np.abs(centres.ravel()).tolist() == [0.5, 1]


def partitions(scores, *, method, **settings):
    found = methods.fits(scores, methods=(method,), **settings)
    return {k: fit.labels for (_, k), fit in found.items()}


@pytest.mark.parametrize("method", methods.METHODS)
def test_the_order_of_customers_does_not_matter(method):
    scores = cloud()
    shuffled = np.random.default_rng(0).permutation(len(scores))
    # one start: it would find another optimum if it began elsewhere
    settings = {"method": method, "k_values": range(2, 10), "seed": 4, "n_init": 1}
    straight = partitions(scores, **settings)
    mixed = partitions(scores[shuffled], **settings)
    for k, labels in straight.items():
        assert (labels[shuffled] == mixed[k]).all()


MIXTURES = [method for method in methods.METHODS if method.startswith("mixture")]


@pytest.mark.parametrize("method", MIXTURES)
def test_neither_order_nor_unit_matters_to_drawn_starts(method):
    scores = golden("planted").to_numpy()
    mixed = np.random.default_rng(0).permutation(len(scores))
    settings = {"methods": (method,), "k_values": range(2, 7), "seed": 4, "n_init": 8}
    plain = methods.fits(scores, **settings)
    # a power of two changes no digit
    for factor in (1, 2.0**90, 2.0**-90):
        other = methods.fits((scores * factor)[mixed], **settings)
        for key, fit in plain.items():
            assert (fit.labels[mixed] == other[key].labels).all()
            # a density in other units
            shift = scores.size * np.log(factor)
            expected = fit.log_likelihood - shift
            assert other[key].log_likelihood == pytest.approx(expected, rel=1e-9)


def test_drawn_starts_are_others_with_another_seed_and_more_of_them_do_better():
    def reached(n_init, seed):
        found = methods.fits(
            golden("iris").to_numpy(),
            methods=("mixture_tied",),
            k_values=range(6, 7),
            seed=seed,
            n_init=n_init,
        )
        return found["mixture_tied", 6].log_likelihood

    few, many = ([reached(n_init, seed) for seed in range(6)] for n_init in (2, 16))
    assert len(set(many)) > 1
    assert np.mean(many) > np.mean(few) + 3


def test_each_medoid_of_the_start_is_the_one_that_helps_most():
    between = methods._gower(golden("iris").to_numpy())
    found = methods._build(between, 5)
    for j, medoid in enumerate(found):
        near = between[:, found[:j]].min(axis=1, initial=np.inf)
        left = [np.minimum(near, own).sum() for own in between]
        assert left[medoid] == min(left)


@pytest.mark.parametrize("method", methods.METHODS)
def test_the_same_seed_gives_the_same_segments_of_falling_size(method):
    settings = {"method": method, "k_values": range(2, 7), "seed": 4, "n_init": 5}
    first, second = (partitions(cloud(), **settings) for _ in range(2))
    for k, labels in first.items():
        assert (labels == second[k]).all()
        sizes = np.bincount(labels, minlength=k)
        assert sizes.sum() == 60
        assert (np.diff(sizes) <= 0).all()


@pytest.mark.parametrize("method", list(methods.METHODS)[:-1])
def test_every_method_finds_heaps_that_cannot_be_missed(method):
    found = partitions(HEAPS, method=method, k_values=range(3, 4), seed=1, n_init=25)
    assert found[3].tolist() == LABELS.tolist()


def test_another_seed_may_draw_other_lines_so_the_seed_counts():
    labellings = {
        tuple(
            partitions(
                cloud(), method="kmeans", k_values=range(8, 9), seed=seed, n_init=1
            )[8]
        )
        for seed in range(5)
    }
    assert len(labellings) > 1


def test_the_best_of_many_starts_counts():
    def left(n_init, seed):
        centres = methods.kmeans(cloud(), k=6, seed=seed, n_init=n_init)
        return (methods.distances(cloud(), centres).min(axis=1) ** 2).sum()

    single = [left(1, seed) for seed in range(8)]
    assert max(single) > min(single) + 1
    assert left(40, 0) <= min(single) + 1e-9


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match=r"'ward', 'medoids'.*but 'dbscan' was passed"):
        partitions(HEAPS, method="dbscan", k_values=range(2, 3), seed=1, n_init=1)


def test_distances_are_euclidean_and_a_tie_goes_to_the_first_centre():
    centres = np.array([[0.0, 0.0], [6.0, 8.0], [0.0, 10.0]])
    customers = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 9.0]])
    apart = methods.distances(customers, centres)
    # customer (3, 4): 5 to the first, 5 to the second, root of 45 to the third
    expected = [[0, 10, 10], [5, 5, 45**0.5], [9, 37**0.5, 1]]
    assert apart.ravel() == pytest.approx(np.ravel(expected))
    assert methods.nearest(customers, centres).tolist() == [0, 0, 2]


def test_ward_is_the_tree_of_scipy_cut_at_each_k():
    scores = cloud()
    found = partitions(scores, method="ward", k_values=range(2, 8), seed=1, n_init=1)
    tree = linkage(scores, "ward")
    for k, labels in found.items():
        direct = cut_tree(tree, k).ravel()
        assert metrics.adjusted_rand_score(direct, labels) == 1
        assert len(set(labels)) == k


def inertia_of(values, centres):
    return (methods.distances(values, centres).min(axis=1) ** 2).sum()


@pytest.mark.parametrize("name", TABLES)
def test_kmeans_leaves_as_little_as_the_best_of_a_hundred_starts_in_r(name):
    values = golden(name).to_numpy()
    left = [
        inertia_of(values, methods.kmeans(values, k=k, seed=1, n_init=60))
        for k in range(2, 7)
    ]
    # R moves single customers (Hartigan and Wong), which gets a little lower at times
    assert left == pytest.approx(R[name]["kmeans"], rel=2e-4)
    assert left[0] == pytest.approx(R[name]["kmeans"][0], rel=1e-12)


def test_no_partition_of_eight_customers_leaves_less_than_kmeans():
    values = cloud(8)
    least = min(
        sum(
            ((values[labels == s] - values[labels == s].mean(axis=0)) ** 2).sum()
            for s in set(labels)
        )
        for labels in map(np.array, itertools.product(range(3), repeat=8))
    )
    centres = methods.kmeans(values, k=3, seed=1, n_init=20)
    assert inertia_of(values, centres) == pytest.approx(least, rel=1e-12)


@pytest.mark.parametrize("k", [2, 5, 9])
def test_every_centre_is_the_mean_of_the_customers_nearest_to_it(k):
    values = cloud(400)
    centres = methods.kmeans(values, k=k, seed=2, n_init=2)
    labels = methods.nearest(values, centres)
    for segment, centre in enumerate(centres):
        mean = values[labels == segment].mean(axis=0)
        assert centre == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize(("offset", "factor"), [(1e7, 1), (0, 1e30), (0, 1e-30)])
def test_neither_the_place_nor_the_unit_of_the_scores_matters(offset, factor):
    values = HEAPS * factor + offset
    centres = methods.kmeans(values, k=3, seed=1, n_init=5)
    assert centres == pytest.approx(np.array(CENTRES) * factor + offset, rel=1e-12)


def test_one_segment_is_the_mean():
    assert methods.kmeans(HEAPS, k=1, seed=1, n_init=1) == pytest.approx(
        HEAPS.mean(axis=0)[None]
    )


def test_weights_count_like_copied_rows():
    values, weights = cloud(), np.random.default_rng(1).integers(0, 4, 60)
    copied = np.repeat(values, weights, axis=0)
    weighted, plain = (
        methods.kmeans(rows, k=4, seed=3, n_init=60, **more)
        for rows, more in ((values, {"weights": weights}), (copied, {}))
    )
    assert weighted == pytest.approx(plain, abs=1e-12)
    unweighted = methods.kmeans(values, k=4, seed=3, n_init=60)
    assert inertia_of(copied, unweighted) > inertia_of(copied, plain) + 0.1


def test_the_size_that_orders_segments_is_the_weighted_one():
    weights = [1, 1, 1, 1, 1, 1, 1, 9, 9]
    centres = methods.kmeans(HEAPS, k=3, seed=1, n_init=5, weights=weights)
    assert centres == pytest.approx(np.array([[0, 20], [0, 0], [10, 0]]), abs=1e-12)


def test_the_order_of_customers_does_not_matter_with_weights_and_twins():
    values = np.repeat(cloud(40).round(), 2, axis=0)
    weights = np.random.default_rng(1).integers(0, 4, 80)
    first = methods.kmeans(values, k=6, seed=3, n_init=1, weights=weights)
    for seed in range(5):
        mixed = np.random.default_rng(seed).permutation(80)
        again = methods.kmeans(
            values[mixed], k=6, seed=3, n_init=1, weights=weights[mixed]
        )
        assert (again == first).all()


def test_customers_that_one_direction_cannot_tell_apart_are_sorted_all_the_same():
    values = np.column_stack([np.full(50, 1e20), np.random.default_rng(1).random(50)])
    mixed = values[np.random.default_rng(2).permutation(50)]
    first, second = (rows[methods.row_order(rows)] for rows in (values, mixed))
    assert (first == second).all()


def test_starts_that_do_not_fit_in_one_table_are_compared_all_the_same(monkeypatch):
    monkeypatch.setattr(methods, "CELLS", 1)
    left = {
        n_init: [
            inertia_of(cloud(), methods.kmeans(cloud(), k=6, seed=s, n_init=n_init))
            for s in range(12)
        ]
        for n_init in (1, 2, 3)
    }
    # the first starts are the same ones, so more starts can only do better
    for fewer, more in ((1, 2), (2, 3)):
        pairs = list(zip(left[fewer], left[more], strict=True))
        assert all(second <= first * (1 + 1e-9) for first, second in pairs)
        assert any(second < first - 0.1 for first, second in pairs)


def test_an_empty_segment_starts_again_at_the_customer_farthest_away():
    counts = np.ones(len(HEAPS))
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [1e6, 1e6]])
    groups, left = methods._lloyd(HEAPS, counts, centres[None])
    assert groups[0].argmax(axis=0).tolist() == LABELS.tolist()
    assert left == pytest.approx([8])


def test_kmeans_refuses_more_segments_than_customers_and_gaps():
    with pytest.raises(BadInput, match=r"10 segments need at least 10 .* but 9 were"):
        methods.kmeans(HEAPS, k=10, seed=1, n_init=1)
    with pytest.raises(BadInput, match=r"5 segments .* but 4 were"):
        weights = [1, 0, 1, 0, 1, 0, 1, 0, 0]
        methods.kmeans(HEAPS, k=5, seed=1, n_init=1, weights=weights)
    for fault in (np.nan, np.inf):
        holed = HEAPS.copy()
        holed[3, 1] = fault
        with pytest.raises(BadInput, match=r"number 2 .* missing or infinite"):
            methods.kmeans(holed, k=2, seed=1, n_init=1)


def test_a_score_answers_yes_above_its_median_or_at_it_if_none_lies_above():
    rows = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [9.0, 0.0]])
    assert methods._indicators(rows).tolist() == [[0, 0, 1, 1], [1, 1, 1, 0]]


def lower(square):
    """Keep the lower triangle by columns, as R's dist does."""
    return square.T[np.triu_indices(len(square), 1)]


@pytest.mark.parametrize("name", TABLES)
def test_gower_distances_of_numbers_are_those_of_daisy(name):
    found = methods._gower(golden(name).to_numpy())[:10, :10]
    assert lower(found) == pytest.approx(R[name]["gower"], abs=1e-12)


@pytest.mark.parametrize("name", TABLES)
def test_medoids_are_as_near_as_those_of_pam_in_r(name):
    scores = golden(name)
    between = methods._gower(scores.to_numpy())
    found = partitions(scores, method="medoids", k_values=range(2, 7), seed=1, n_init=1)
    for (k, labels), of_r in zip(found.items(), R[name]["pam"], strict=True):
        parts = [np.flatnonzero(labels == s) for s in range(k)]
        near = sum(between[np.ix_(part, part)].sum(axis=1).min() for part in parts)
        # from the same start, another order of swaps ends in another resting point
        assert near / len(scores) == pytest.approx(of_r["objective"], rel=0.02)


def test_no_swap_of_one_medoid_brings_customers_nearer():
    scores = golden("planted")
    between = methods._gower(scores.to_numpy())
    labels = partitions(
        scores, method="medoids", k_values=range(4, 5), seed=1, n_init=1
    )[4]
    medoids = []
    for segment in range(4):
        part = np.flatnonzero(labels == segment)
        sums = between[np.ix_(part, part)].sum(axis=1)
        medoids.append(part[sums.argmin()])
    least = between[:, medoids].min(axis=1).sum()
    assert (between[:, medoids].argmin(axis=1) == labels).all()
    for i, other in itertools.product(range(4), range(len(scores))):
        swapped = [*medoids[:i], other, *medoids[i + 1 :]]
        assert between[:, swapped].min(axis=1).sum() >= least - 1e-6


def test_islands_are_counted_and_the_rest_is_noise():
    rng = np.random.default_rng(2)
    heaps = np.vstack([rng.normal(place, 0.1, (40, 2)) for place in (0, 5, 10)])
    strays = rng.uniform(-20, 30, (12, 2))
    found = methods.islands(pd.DataFrame(np.vstack([heaps, strays])), least=20)
    values = found.set_index("statistic")["value"]
    assert values["islands"] == 3
    assert 0.03 <= values["noise_share"] <= 0.15


def test_one_cloud_has_no_islands():
    values = methods.islands(pd.DataFrame(cloud(200)), least=40)["value"]
    assert values.tolist() == [0, 1]


SOUND = pd.DataFrame(cloud(), columns=["spend", "visits", "breadth"])


def test_a_sound_table_passes_and_keeps_its_values():
    assert (methods.check(SOUND, least=60) == SOUND.to_numpy()).all()


def test_many_faulty_columns_are_not_all_named():
    wide = pd.DataFrame(1.0, index=range(9), columns=list("abcdefgh")).assign(
        z=range(9)
    )
    with pytest.raises(BadInput, match=r"Feature a, b, c, d, e, \.\.\. is constant"):
        methods.check(wide, least=1)


# --- More customers than are in memory at a time


def in_batches(values, parts):
    return lambda: iter(np.array_split(values, parts))


def polish(values, centres, *, parts=7, tolerance=0.0, max_iter=300):
    return methods.polish(
        centres, in_batches(values, parts), tolerance=tolerance, max_iter=max_iter
    )


def test_centres_come_to_rest_where_scikit_learn_s_do():
    values = cloud(n=900)
    begin = values[:4]
    theirs = KMeans(4, init=begin, n_init=1, tol=0, max_iter=300).fit(values)
    found = polish(values, begin)
    assert found.settled
    assert found.customers == 900
    assert np.abs(found.centres - theirs.cluster_centers_).max() < 1e-9
    begun = inertia_of(values, begin)
    assert found.fell == pytest.approx(1 - theirs.inertia_ / begun)


def test_batches_of_another_size_end_at_the_same_centres():
    values = cloud(n=900)
    found, other = (polish(values, values[:4], parts=n) for n in (1, 100))
    assert np.abs(found.centres - other.centres).max() < 1e-12
    again = polish(values, values[:4], parts=100)
    assert (again.centres == other.centres).all()


def test_centres_at_rest_stay_and_need_one_pass():
    values = np.array([[0.0], [2.0], [10.0], [12.0]])
    found = polish(values, np.array([[11.0], [1.0]]))
    assert found.centres.tolist() == [[11.0], [1.0]]
    assert (found.passes, found.settled, found.fell) == (1, True, 0.0)
    assert str(found) == (
        "Centres fitted to all 4 customers: at rest after 1 pass, with 0.00% less "
        "squared distance."
    )


def test_one_step_can_be_worked_out_by_hand():
    values = np.array([[0.0], [2.0], [10.0], [12.0]])
    # 0 and 2 belong to the first centre and 10 and 12 to the second.
    found = polish(values, np.array([[2.0], [10.0]]), max_iter=2)
    assert found.centres.tolist() == [[1.0], [11.0]]
    # 4 + 0 + 0 + 4 before the first step, 4 x 1 before the second.
    assert found.fell == pytest.approx(0.5)
    assert found.settled
    assert not polish(values, np.array([[2.0], [10.0]]), max_iter=1).settled


def test_a_small_step_is_rest_where_it_is_tolerated():
    values = cloud(n=900)
    exact = polish(values, values[:4])
    found = polish(values, values[:4], tolerance=0.05)
    assert found.settled
    assert found.passes < exact.passes
    assert found.fell == pytest.approx(exact.fell, abs=0.02)


def test_a_centre_without_customers_stays_where_it_is():
    values = np.array([[0.0], [2.0]])
    found = polish(values, np.array([[1.5], [50.0]]))
    assert found.centres.tolist() == [[1.0], [50.0]]
