"""Cluster scores by several methods and numbers of segments, side by side."""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

METHODS = ("kmeans", "mixture", "ward")
SCORES = ("silhouette", "calinski_harabasz", "davies_bouldin")


def kmeans(scores: np.ndarray, *, k: int, seed: int, starts: int) -> np.ndarray:
    """Find k centres that leave the least squared distance.

    Parameters
    ----------
    scores : ndarray
        Customers x features, standardised.
    k : int
        Number of segments.
    seed : int
        Fixes the random starts.
    starts : int
        Random starts (k-means++); the best one counts.

    Returns
    -------
    ndarray
        Centres, k x features, the largest segment first. The order of the customers
        does not matter: rows are sorted before the fit.
    """
    rows = scores[np.lexsort(scores.T[::-1])]
    with threadpool_limits(1):
        fitted = KMeans(k, n_init=starts, random_state=seed).fit(rows)
    sizes = np.bincount(fitted.labels_, minlength=k)
    order = np.lexsort([*fitted.cluster_centers_.T, -sizes])
    return fitted.cluster_centers_[order]


def nearest(scores: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Give each customer the number (from 0) of the nearest centre; ties to the first."""
    return _squared_distances(scores, centres).argmin(axis=1)


def _squared_distances(scores: np.ndarray, centres: np.ndarray) -> np.ndarray:
    gaps = scores[:, None, :] - centres[None, :, :]
    return np.einsum("nkf,nkf->nk", gaps, gaps)


def distances(scores: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Measure the Euclidean distance of each customer to each centre."""
    return np.sqrt(_squared_distances(scores, centres))


def partitions(
    scores: np.ndarray, *, method: str, k_values: range, seed: int, starts: int
) -> dict[int, np.ndarray]:
    """Cluster by one method at several k, whatever the order of the rows.

    Parameters
    ----------
    scores : ndarray
        Customers x features, standardised.
    method : str
        One of `METHODS`: kmeans; mixture (Gaussian, a diagonal covariance for each
        segment); ward (hierarchical, least increase of squared distance).
    k_values : range
        Numbers of segments.
    seed, starts : int
        As for `kmeans`; a mixture uses a fifth of the starts, Ward none.

    Returns
    -------
    dict of ndarray
        k -> labels 0 to k - 1, the largest segment 0; fewer where one stayed empty.

    Raises
    ------
    ValueError
        If the method is not one of `METHODS`.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, but {method!r} was passed.")
    if method == "kmeans":
        return {
            k: nearest(scores, kmeans(scores, k=k, seed=seed, starts=starts))
            for k in k_values
        }
    order = np.lexsort(scores.T[::-1])
    back = np.empty(len(order), dtype=int)
    back[order] = np.arange(len(order))
    with threadpool_limits(1):
        found = _ward if method == "ward" else _mixture
        labels = found(scores[order], k_values, seed, max(1, starts // 5))
    return {k: _largest_first(label)[back] for k, label in labels.items()}


def _ward(rows: np.ndarray, k_values: range, *_: int) -> dict[int, np.ndarray]:
    # One tree serves every k.
    tree = linkage(rows, "ward")
    return {k: fcluster(tree, k, criterion="maxclust") - 1 for k in k_values}


def _mixture(
    rows: np.ndarray, k_values: range, seed: int, starts: int
) -> dict[int, np.ndarray]:
    return {
        k: GaussianMixture(
            k,
            covariance_type="diag",
            n_init=starts,
            reg_covar=1e-3,
            random_state=seed,
        ).fit_predict(rows)
        for k in k_values
    }


def _largest_first(labels: np.ndarray) -> np.ndarray:
    sizes = np.bincount(labels)
    rank = np.empty(len(sizes), dtype=int)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[labels]


def sweep(
    scores: pd.DataFrame,
    *,
    k_values: range,
    seed: int,
    starts: int,
    methods: tuple[str, ...] = METHODS,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cluster by each method at each k, and score every result.

    Parameters
    ----------
    scores : DataFrame
        Customers x features, standardised.
    k_values : range
        Numbers of segments, each 2 or more.
    seed, starts : int
        As for `partitions`.
    methods : tuple of str
        Some of `METHODS`.

    Returns
    -------
    labels : DataFrame
        Index of `scores`; a column for each candidate, such as kmeans_5.
    table : DataFrame
        One row a candidate: method, k, inertia (squared distance to the segment's
        mean), silhouette (-1 to 1, more is better), calinski_harabasz (more is
        better), davies_bouldin (less is better), smallest_share (customers in the
        smallest segment, 0 to 1). Scores are missing where a segment stayed empty.
    """
    values = scores.to_numpy(float)
    between = squareform(pdist(values))
    labels, rows = {}, []
    for method in methods:
        found_at = partitions(
            values, method=method, k_values=k_values, seed=seed, starts=starts
        )
        for k, found in found_at.items():
            labels[f"{method}_{k}"] = found
            rows.append({"method": method, "k": k} | _judge(values, found, between, k))
    return pd.DataFrame(labels, index=scores.index), pd.DataFrame(rows)


def _judge(values: np.ndarray, labels: np.ndarray, between: np.ndarray, k: int) -> dict:
    sizes = np.bincount(labels, minlength=k)
    # A mixture may leave a segment empty: that is no candidate with k segments.
    if (sizes == 0).any() or len(sizes) < 2:
        return dict.fromkeys(("inertia", *SCORES), np.nan) | {"smallest_share": 0.0}
    means = np.stack([values[labels == s].mean(axis=0) for s in range(len(sizes))])
    return {
        "inertia": float(((values - means[labels]) ** 2).sum()),
        "silhouette": silhouette(between, labels),
        "calinski_harabasz": float(calinski_harabasz_score(values, labels)),
        "davies_bouldin": float(davies_bouldin_score(values, labels)),
        "smallest_share": float(sizes.min() / len(labels)),
    }


def silhouette(between: np.ndarray, labels: np.ndarray) -> float:
    """Average the silhouette widths from one distance matrix.

    Parameters
    ----------
    between : ndarray
        Customers x customers, distances.
    labels : ndarray
        0 to k - 1, no segment empty.

    Returns
    -------
    float
        Mean of (b - a) / max(a, b): a is the mean distance to the own segment, b to
        the nearest other; 0 for a customer alone in a segment.

    References
    ----------
    Rousseeuw (1987), Silhouettes: a graphical aid to the interpretation and validation
    of cluster analysis. The matrix is computed once for all candidates, which is what
    makes a sweep with references quick.
    """
    members = np.eye(labels.max() + 1)[labels]
    sizes = members.sum(axis=0)
    with threadpool_limits(1):
        sums = between @ members
    own = sizes[labels]
    rows = np.arange(len(labels))
    inside = sums[rows, labels] / np.maximum(own - 1, 1)
    other = sums / sizes
    other[rows, labels] = np.inf
    outside = other.min(axis=1)
    widths = (outside - inside) / np.maximum(np.maximum(inside, outside), 1e-300)
    return float(np.where(own > 1, widths, 0).mean())
