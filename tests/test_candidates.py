"""Candidates on small clouds, against loops, scikit-learn and scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import cut_tree, linkage
from scipy.spatial.distance import pdist, squareform
from sklearn import metrics

from helpers import candidates

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


def cloud(n=60, seed=3):
    return np.random.default_rng(seed).standard_normal((n, 3))


def test_kmeans_finds_the_means_of_the_heaps_the_largest_first():
    centres = candidates.kmeans(HEAPS, k=3, seed=1, starts=5)
    assert centres.ravel() == pytest.approx(np.ravel(CENTRES))


def test_of_segments_equally_large_the_one_with_the_smaller_scores_comes_first():
    pairs = np.array([[5.0, 1.0], [5.0, 3.0], [-5.0, 1.0], [-5.0, 3.0]])
    for seed in range(8):
        centres = candidates.kmeans(pairs, k=2, seed=seed, starts=1)
        assert centres.tolist() == [[-5, 2], [5, 2]]


@pytest.mark.parametrize("method", candidates.METHODS)
def test_the_order_of_customers_does_not_matter(method):
    scores = cloud()
    shuffled = np.random.default_rng(0).permutation(len(scores))
    # one start: it would find another optimum if it began elsewhere
    settings = {"method": method, "k_values": range(2, 10), "seed": 4, "starts": 1}
    straight = candidates.partitions(scores, **settings)
    mixed = candidates.partitions(scores[shuffled], **settings)
    for k, labels in straight.items():
        assert (labels[shuffled] == mixed[k]).all()


@pytest.mark.parametrize("method", candidates.METHODS)
def test_the_same_seed_gives_the_same_segments_of_falling_size(method):
    settings = {"method": method, "k_values": range(2, 7), "seed": 4, "starts": 5}
    first, second = (candidates.partitions(cloud(), **settings) for _ in range(2))
    for k, labels in first.items():
        assert (labels == second[k]).all()
        sizes = np.bincount(labels, minlength=k)
        assert sizes.sum() == 60
        assert (np.diff(sizes) <= 0).all()


@pytest.mark.parametrize("method", candidates.METHODS)
def test_every_method_finds_heaps_that_cannot_be_missed(method):
    found = candidates.partitions(
        HEAPS, method=method, k_values=range(3, 4), seed=1, starts=25
    )
    assert found[3].tolist() == LABELS.tolist()


def test_another_seed_may_draw_other_lines_so_the_seed_counts():
    labellings = {
        tuple(
            candidates.partitions(
                cloud(), method="kmeans", k_values=range(8, 9), seed=seed, starts=1
            )[8]
        )
        for seed in range(5)
    }
    assert len(labellings) > 1


def test_the_best_of_many_starts_counts():
    def left(starts, seed):
        centres = candidates.kmeans(cloud(), k=6, seed=seed, starts=starts)
        return (candidates.distances(cloud(), centres).min(axis=1) ** 2).sum()

    single = [left(1, seed) for seed in range(8)]
    assert max(single) > min(single) + 1
    assert left(40, 0) <= min(single) + 1e-9


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match=r"'mixture', 'ward'.*but 'dbscan' was passed"):
        candidates.partitions(
            HEAPS, method="dbscan", k_values=range(2, 3), seed=1, starts=1
        )


def test_distances_are_euclidean_and_a_tie_goes_to_the_first_centre():
    centres = np.array([[0.0, 0.0], [6.0, 8.0], [0.0, 10.0]])
    customers = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 9.0]])
    apart = candidates.distances(customers, centres)
    # customer (3, 4): 5 to the first, 5 to the second, root of 45 to the third
    expected = [[0, 10, 10], [5, 5, 45**0.5], [9, 37**0.5, 1]]
    assert apart.ravel() == pytest.approx(np.ravel(expected))
    assert candidates.nearest(customers, centres).tolist() == [0, 0, 2]


def test_ward_is_the_tree_of_scipy_cut_at_each_k():
    scores = cloud()
    found = candidates.partitions(
        scores, method="ward", k_values=range(2, 8), seed=1, starts=1
    )
    tree = linkage(scores, "ward")
    for k, labels in found.items():
        direct = cut_tree(tree, k).ravel()
        assert metrics.adjusted_rand_score(direct, labels) == 1
        assert len(set(labels)) == k


def test_sweep_scores_are_those_of_scikit_learn():
    scores = pd.DataFrame(cloud(), index=[f"c{i}" for i in range(60)])
    labels, table = candidates.sweep(scores, k_values=range(2, 5), seed=1, starts=5)
    expected = [(m, k) for m in candidates.METHODS for k in (2, 3, 4)]
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
    _, table = candidates.sweep(
        pd.DataFrame(HEAPS), k_values=range(3, 4), seed=1, starts=5, methods=("kmeans",)
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
    found = candidates.silhouette(squareform(pdist(values)), labels)
    assert found == pytest.approx(sum(widths) / 60)
    assert found == pytest.approx(metrics.silhouette_score(values, labels))


def test_silhouette_of_identical_customers_is_zero():
    assert candidates.silhouette(np.zeros((4, 4)), np.array([0, 0, 1, 1])) == 0


@pytest.mark.parametrize("method", ["kmeans", "ward"])
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_a_candidate_with_an_empty_segment_gets_no_score(method):
    twins = pd.DataFrame(np.repeat([[0.0, 0.0], [9.0, 9.0]], [3, 2], axis=0))
    labels, table = candidates.sweep(
        twins, k_values=range(2, 4), seed=1, starts=5, methods=(method,)
    )
    assert labels[f"{method}_2"].tolist() == [0, 0, 0, 1, 1]
    assert table["silhouette"].iloc[0] == 1
    # two places cannot make three segments
    assert labels[f"{method}_3"].nunique() == 2
    assert table.iloc[1][["inertia", *candidates.SCORES]].isna().all()
    assert table["smallest_share"].iloc[1] == 0
