"""Score clusterings side by side: every method at every number of segments."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from helpers.clustering import methods as clustering_methods

SCORES = ("silhouette", "calinski_harabasz", "davies_bouldin")
# Which way each statistic of `measure` is better.
MORE_IS_BETTER = {
    "silhouette": True,
    "calinski_harabasz": True,
    "davies_bouldin": False,
    "bic": False,
    "icl": False,
}
NAMES = {
    "silhouette": "Silhouette",
    "calinski_harabasz": "Calinski-Harabasz",
    "davies_bouldin": "Davies-Bouldin",
    "bic": "BIC",
    "icl": "ICL",
}


def sweep(
    scores: pd.DataFrame,
    *,
    k_values: range,
    seed: int,
    n_init: int,
    methods: Iterable[str] = clustering_methods.METHODS,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cluster by each method at each k (2 or more), and score every result.

    Returns labels, a column for each candidate such as kmeans_5, and a table of a row
    each: method, k; inertia (squared distance to the segment's mean); silhouette (-1 to
    1), calinski_harabasz, davies_bouldin (mean distances), all Euclidean whatever the
    method; smallest_share (customers in the smallest segment, 0 to 1); log_likelihood,
    bic, icl (less is better; R's mclust: more). Scores are missing where a segment
    stayed empty, the last three but for mixtures and latent classes, which describe
    yes-or-no answers and compare among themselves only.

    Schwarz (1978), Estimating the dimension of a model: BIC = -2 log L + p log n.
    Biernacki, Celeux and Govaert (2000), Assessing a mixture model for clustering with
    the integrated completed likelihood: ICL = BIC - 2 sum log z, z the probability of
    the segment each customer is given.
    """
    values = clustering_methods.check(scores, least=max(k_values) + 1)
    fits = clustering_methods.fits(
        values, methods=methods, k_values=k_values, seed=seed, n_init=n_init
    )
    judged = compactness(values, {at: fit.labels for at, fit in fits.items()})
    information = pd.DataFrame([fit.information() for fit in fits.values()])
    labels = {f"{method}_{k}": fit.labels for (method, k), fit in fits.items()}
    return pd.DataFrame(labels, index=scores.index), judged.join(information)


def compactness(
    values: np.ndarray, labels: Mapping[tuple[str, int], np.ndarray]
) -> pd.DataFrame:
    """Score labels by method and k: the columns of `sweep` but for the likelihood."""
    judged = _judge(values, [(own, k) for (_, k), own in labels.items()])
    rows = [{"method": m, "k": k} for m, k in labels]
    return pd.DataFrame([a | b for a, b in zip(rows, judged, strict=True)])


def measure(
    scores: pd.DataFrame,
    seed: int,
    *,
    k_values: range,
    n_init: int,
    methods: tuple[str, ...],
) -> pd.DataFrame:
    """Score every candidate as `sweep`, in the form of `tidy`: what references repeat."""
    _, table = sweep(
        scores, k_values=k_values, seed=seed, n_init=n_init, methods=methods
    )
    return tidy(table)


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Turn the table of `sweep` into rows of method, k, statistic and value.

    The statistics are those of `MORE_IS_BETTER`; bic and icl where there is a
    likelihood.
    """
    long = table.melt(["method", "k"], list(MORE_IS_BETTER), "statistic", "value")
    modelled = table.groupby("method")["log_likelihood"].transform("count") > 0
    likely = long["method"].isin(table.loc[modelled, "method"])
    return long[likely | long["statistic"].isin(SCORES)].reset_index(drop=True)


def _judge(
    values: np.ndarray, clusterings: list[tuple[np.ndarray, int]]
) -> list[dict[str, float]]:
    values = values - values.mean(axis=0)
    sizes = [np.bincount(labels, minlength=k) for labels, k in clusterings]
    # A model may leave a segment empty: that is no candidate with k segments.
    sound = [i for i, counts in enumerate(sizes) if counts.all() and len(counts) > 1]
    wide = _mean_widths(values, [clusterings[i][0] for i in sound])
    unsound = dict.fromkeys(("inertia", *SCORES), np.nan) | {"smallest_share": 0.0}
    judged = [dict(unsound) for _ in clusterings]
    for i, silhouette in zip(sound, wide, strict=True):
        judged[i] |= _compactness(values, clusterings[i][0], sizes[i])
        judged[i]["silhouette"] = silhouette
        judged[i]["smallest_share"] = float(sizes[i].min() / len(values))
    return judged


def _compactness(values: np.ndarray, labels: np.ndarray, sizes: np.ndarray) -> dict:
    k, n = len(sizes), len(values)
    with clustering_methods.one_thread():
        means = (labels == np.arange(k)[:, None]) @ values / sizes[:, None]
    squares = ((values - means[labels]) ** 2).sum(axis=1)
    inertia = float(squares.sum())
    between = float(sizes @ (means**2).sum(axis=1))  # values are centred
    spread = np.bincount(labels, np.sqrt(squares), minlength=k) / sizes
    apart = cdist(means, means)
    apart[apart == 0] = np.inf  # as in scikit-learn: equal means count nothing
    ratios = (spread[:, None] + spread) / apart
    # As in scikit-learn: 1 where no distance is left inside the segments.
    ratio = between * (n - k) / (inertia * (k - 1)) if inertia else 1.0
    bouldin = float(ratios.max(axis=1).mean())
    return {"inertia": inertia, "calinski_harabasz": ratio, "davies_bouldin": bouldin}


def _mean_widths(values: np.ndarray, labellings: list[np.ndarray]) -> list[float]:
    totals = np.zeros(len(labellings))
    sizes = [np.bincount(labels) for labels in labellings]
    for some, parts in _distance_sums(values, labellings):
        for i, sums in enumerate(parts):
            totals[i] += _widths(sums, labellings[i][some], sizes[i]).sum()
    return list(totals / len(values))


def _distance_sums(
    values: np.ndarray, labellings: list[np.ndarray]
) -> Iterator[tuple[slice, list[np.ndarray]]]:
    # For each clustering the summed distances of some customers to every segment:
    # distances are computed once for all clusterings, and never kept all at once.
    if not labellings:
        return
    indicators = [np.eye(labels.max() + 1)[labels] for labels in labellings]
    ends = np.cumsum([indicator.shape[1] for indicator in indicators])[:-1]
    members = np.hstack(indicators)
    step = max(1, clustering_methods.CELLS // len(values))
    for first in range(0, len(values), step):
        some = slice(first, first + step)
        with clustering_methods.one_thread():
            sums = cdist(values[some], values) @ members
        yield some, np.split(sums, ends, axis=1)


def _widths(sums: np.ndarray, labels: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    own = sizes[labels]
    rows = np.arange(len(labels))
    inside = sums[rows, labels] / np.maximum(own - 1, 1)
    other = sums / sizes
    other[rows, labels] = np.inf
    outside = other.min(axis=1)
    widths = (outside - inside) / np.maximum(np.maximum(inside, outside), 1e-300)
    return np.where(own > 1, widths, 0)


def silhouette_widths(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Measure how much nearer each customer is to the own segment than to the next.

    (b - a) / max(a, b), -1 to 1: a is the mean Euclidean distance to the others of the
    own segment, b to the nearest other; 0 for a customer alone. No segment of 0 to k -
    1 may be empty. Rousseeuw (1987), Silhouettes: a graphical aid to the interpretation
    and validation of cluster analysis.
    """
    sizes = np.bincount(labels)
    parts = [
        _widths(sums, labels[some], sizes)
        for some, (sums,) in _distance_sums(np.asarray(scores, float), [labels])
    ]
    return np.concatenate(parts)


def adjusted_rand(first: np.ndarray, second: np.ndarray) -> float:
    """Compare two clusterings (from 0) of the same customers, corrected for chance.

    1 for the same segments under any names, about 0 for chance; can be below 0: Hubert
    and Arabie (1985), Comparing partitions.
    """
    first, second = np.asarray(first), np.asarray(second)
    width = int(second.max()) + 1
    table = np.bincount(first * width + second, minlength=(first.max() + 1) * width)
    table = table.reshape(-1, width).astype(float)
    both = (table**2).sum() - len(first)  # ordered pairs that share a segment in both
    one = (table.sum(axis=1) ** 2).sum() - len(first)
    other = (table.sum(axis=0) ** 2).sum() - len(first)
    if both == one == other:
        return 1.0
    expected = one * other / (len(first) * (len(first) - 1.0))
    return float((both - expected) / ((one + other) / 2 - expected))


def between_methods(labels: pd.DataFrame) -> pd.DataFrame:
    """Compare the methods two by two at the same k, from the labels of `sweep`.

    Returns k, method, other, ari (adjusted Rand index).
    """
    named = {tuple(column.rsplit("_", 1)): column for column in labels}
    rows = [
        {"k": int(k), "method": method, "other": other}
        | {"ari": adjusted_rand(labels[named[method, k]], labels[named[other, k]])}
        for place, (method, k) in enumerate(named)
        for other, same in list(named)[place + 1 :]
        if same == k
    ]
    table = pd.DataFrame(rows, columns=["k", "method", "other", "ari"])
    return table.sort_values("k", kind="stable", ignore_index=True)
