"""Ask what a segmentation is worth: against references, resamples and a later window."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.manifold import trustworthiness
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from helpers import candidates


def copula_reference(scores: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Draw customers with the same marginals and rank correlations, but no clusters.

    Parameters
    ----------
    scores : DataFrame
        Customers x features.
    seed : int
        Fixes the draw.

    Returns
    -------
    DataFrame
        As many rows as `scores`, drawn from a Gaussian copula: one cloud whose columns
        hold exactly the observed values and correlate by rank as observed, but for
        chance. What a score reaches here, marginals and correlation alone explain:
        a gap inside a single column is kept and so counts as no cluster.

    References
    ----------
    The idea of a parametric bootstrap without clusters: Hennig and Lin (2015),
    Flexible parametric bootstrap for testing homogeneity against clustering. The
    normal correlation that gives a rank correlation r, 2 sin(pi r / 6): Kruskal
    (1958), Ordinal measures of association.
    """
    ranked = scores.rank().to_numpy()
    correlation = 2 * np.sin(np.pi / 6 * np.corrcoef(ranked, rowvar=False))
    # Clip the smallest eigenvalue: exact collinearity would break the factor.
    eigenvalues, vectors = np.linalg.eigh(np.atleast_2d(correlation))
    factor = vectors * np.sqrt(np.clip(eigenvalues, 0, None))
    draws = np.random.default_rng(seed).standard_normal(scores.shape) @ factor.T
    return _with_marginals(draws, scores)


def planted_control(
    scores: pd.DataFrame, *, k: int, distance: float, seed: int
) -> pd.DataFrame:
    """Draw customers with the same marginals and k planted clusters.

    Parameters
    ----------
    scores : DataFrame
        Customers x features.
    k : int
        Clusters to plant, of equal size.
    distance : float
        Standard deviation of the clusters' centres, in units of the spread inside.
    seed : int
        Fixes the draw.

    Returns
    -------
    DataFrame
        As many rows as `scores`; columns hold exactly the observed values. A test that
        does not find these clusters lacks power; one that finds them may still miss
        clusters that lie closer.
    """
    rng = np.random.default_rng(seed)
    rows, columns = scores.shape
    centres = rng.standard_normal((k, columns)) * distance
    planted = centres[np.arange(rows) % k] + rng.standard_normal((rows, columns))
    return _with_marginals(planted, scores)


def _with_marginals(draws: np.ndarray, scores: pd.DataFrame) -> pd.DataFrame:
    observed = np.sort(scores.to_numpy(float), axis=0)
    ranks = draws.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    values = np.take_along_axis(observed, ranks, axis=0)
    return pd.DataFrame(values, index=scores.index, columns=scores.columns)


def against_references(
    scores: pd.DataFrame,
    observed: pd.DataFrame,
    *,
    references: int,
    k_values: range,
    seed: int,
    starts: int,
    methods: tuple[str, ...] = candidates.METHODS,
) -> pd.DataFrame:
    """Set every score beside what structureless customers give.

    Parameters
    ----------
    scores : DataFrame
        Customers x features.
    observed : DataFrame
        The score table of `candidates.sweep` on `scores`.
    references : int
        Copula references to draw; 19 allow a p-value of 0.05.
    k_values, seed, starts, methods
        As for `candidates.sweep`.

    Returns
    -------
    DataFrame
        One row for method, k and score: observed, reference (mean), low and high (the
        smallest and largest reference), p: the share of references at least as good,
        the observed one counted among them, (1 + better) / (1 + references). A score
        that could not be measured, of data or reference, counts against the data.
    """
    tables = Parallel(n_jobs=-1)(
        delayed(_sweep_reference)(scores, seed + i, k_values, seed, starts, methods)
        for i in range(1, references + 1)
    )
    keys = ["method", "k"]
    long = pd.concat(tables).melt(keys, candidates.SCORES, "score", "value")
    seen = observed.melt(keys, candidates.SCORES, "score", "observed")
    summary = (
        long.groupby([*keys, "score"])["value"]
        .agg(reference="mean", low="min", high="max")
        .reset_index()
    )
    joined = seen.merge(summary, on=[*keys, "score"], validate="one_to_one")
    both = long.merge(seen, on=[*keys, "score"], validate="many_to_one")
    sign = np.where(both["score"] == "davies_bouldin", -1, 1)
    # Not "at least as good": a score that could not be measured must not look good.
    both["better"] = ~(sign * both["value"] < sign * both["observed"])
    better = both.groupby([*keys, "score"])["better"].sum().rename("better")
    joined = joined.merge(better.reset_index(), on=[*keys, "score"])
    joined["p"] = (1 + joined.pop("better")) / (1 + references)
    return joined


def _sweep_reference(
    scores: pd.DataFrame,
    draw: int,
    k_values: range,
    seed: int,
    starts: int,
    methods: tuple[str, ...],
) -> pd.DataFrame:
    reference = copula_reference(scores, seed=draw)
    _, table = candidates.sweep(
        reference, k_values=k_values, seed=seed, starts=starts, methods=methods
    )
    return table


def resample(
    features: pd.DataFrame,
    *,
    prepare: Callable[[pd.DataFrame], object],
    k_values: range,
    resamples: int,
    seed: int,
    starts: int,
) -> dict[int, np.ndarray]:
    """Repeat the whole study on resampled customers.

    Parameters
    ----------
    features : DataFrame
        Customers x features, before preparation.
    prepare : callable
        Fits the preparation on some customers: returns an object with `transform`.
        It is fitted anew in every resample, as an analyst would.
    k_values : range
        Numbers of segments.
    resamples : int
        Bootstrap samples of customers.
    seed, starts : int
        Fix the resamples; random starts of each k-means, none of them warm, since a
        warm start flatters.

    Returns
    -------
    dict of ndarray
        k -> labels, resamples x customers: every fit labels all customers.
    """
    found = Parallel(n_jobs=-1)(
        delayed(_resample)(features, prepare, k_values, [seed, i], starts)
        for i in range(resamples)
    )
    return {k: np.stack([labels[k] for labels in found]) for k in k_values}


def _resample(
    features: pd.DataFrame,
    prepare: Callable[[pd.DataFrame], object],
    k_values: range,
    seed: list[int],
    starts: int,
) -> dict[int, np.ndarray]:
    rng = np.random.default_rng(seed)
    drawn = features.iloc[rng.integers(0, len(features), len(features))]
    preparation = prepare(drawn)
    sample = preparation.transform(drawn).to_numpy()
    everyone = preparation.transform(features).to_numpy()
    state = int(rng.integers(2**31))
    return {
        k: candidates.nearest(
            everyone, candidates.kmeans(sample, k=k, seed=state, starts=starts)
        )
        for k in k_values
    }


def agreement(resampled: dict[int, np.ndarray]) -> pd.DataFrame:
    """Compare resampled studies two by two: first with second, third with fourth.

    Parameters
    ----------
    resampled : dict of ndarray
        Output of `resample`.

    Returns
    -------
    DataFrame
        One row for pair and k: k, pair, ari: adjusted Rand index over all customers
        (1 is the same segments, 0 is chance).

    References
    ----------
    Dolnicar and Leisch (2010), Evaluation of structure and reproducibility of cluster
    solutions using the bootstrap (bootFlexclust in R's flexclust).
    """
    return pd.DataFrame(
        {"k": k, "pair": pair, "ari": adjusted_rand_score(labels[2 * pair], other)}
        for k, labels in resampled.items()
        for pair, other in enumerate(labels[1::2])
    )


def recovery(resampled: dict[int, np.ndarray], labels: pd.DataFrame) -> pd.DataFrame:
    """Ask of each segment how well resampled studies find it again.

    Parameters
    ----------
    resampled : dict of ndarray
        Output of `resample`.
    labels : DataFrame
        The segments to look for: a column kmeans_<k> for each k, 0 to k - 1.

    Returns
    -------
    DataFrame
        One row for k, segment and resample: k, segment, resample, jaccard: the largest
        overlap of the segment with a resampled one, size of the intersection over
        size of the union (1 is found whole; 0.5 or less is dissolved).

    References
    ----------
    Hennig (2007), Cluster-wise assessment of cluster stability; over all customers as
    in Dolnicar and Leisch (2017), Using segment level stability to select target
    segments in data-driven market segmentation studies.
    """
    return pd.DataFrame(
        {"k": k, "segment": segment, "resample": resample, "jaccard": best}
        for k, found in resampled.items()
        for resample, again in enumerate(found)
        for segment, best in enumerate(
            jaccard(labels[f"kmeans_{k}"].to_numpy(), again).max(axis=1)
        )
    )


@dataclass(frozen=True)
class AsItIs:
    """A preparation that changes nothing: for references, which are scores already."""

    def transform(self, scores: pd.DataFrame) -> pd.DataFrame:
        """Return the scores."""
        return scores


def _as_it_is(scores: pd.DataFrame) -> AsItIs:
    return AsItIs()


def reference_stability(
    scores: pd.DataFrame,
    *,
    references: int,
    k_values: range,
    resamples: int,
    seed: int,
    starts: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure the stability that customers without clusters reach.

    Parameters
    ----------
    scores : DataFrame
        Customers x features, prepared.
    references : int
        Copula references to draw.
    k_values, resamples, seed, starts
        As for `resample`; keep `starts` the same as for the customers.

    Returns
    -------
    agreements : DataFrame
        One row for reference and k: reference, k, ari (mean over the pairs).
    recoveries : DataFrame
        One row for reference, k and segment: reference, k, rank (1 is the segment that
        is found again least), jaccard (mean over the resamples).
    """
    agreements, recoveries = [], []
    for reference in range(1, references + 1):
        drawn = copula_reference(scores, seed=seed + reference)
        settings = {"k_values": k_values, "seed": seed + reference, "starts": starts}
        again = resample(drawn, prepare=_as_it_is, resamples=resamples, **settings)
        labels, _ = candidates.sweep(drawn, methods=("kmeans",), **settings)
        mean = agreement(again).groupby("k", as_index=False)["ari"].mean()
        found = recovery(again, labels).groupby(["k", "segment"])["jaccard"].mean()
        ranked = found.reset_index()
        ranked["rank"] = ranked.groupby("k")["jaccard"].rank(method="first").astype(int)
        agreements.append(mean.assign(reference=reference))
        recoveries.append(ranked[["k", "rank", "jaccard"]].assign(reference=reference))
    return (
        pd.concat(agreements, ignore_index=True),
        pd.concat(recoveries, ignore_index=True),
    )


def jaccard(labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Overlap of each segment of one labelling with each of another, 0 to 1."""
    shared = np.zeros((labels.max() + 1, others.max() + 1))
    np.add.at(shared, (labels, others), 1)
    union = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None, :] - shared
    return shared / np.maximum(union, 1)


def explained_later(
    labellings: pd.DataFrame,
    later: pd.DataFrame,
    *,
    folds: int,
    repeats: int,
    seed: int,
) -> pd.DataFrame:
    """Say how much of later behaviour a labelling foretells, for customers left out.

    Parameters
    ----------
    labellings : DataFrame
        Customers x labellings; missing is a label of its own.
    later : DataFrame
        Same customers; one or more numeric columns, predicted together by the mean of
        the label. Several columns count by their variance.
    folds : int
        Parts of the cross-fit: a customer's mean comes from the other parts.
    repeats : int
        Bootstrap samples of customers for the interval.
    seed : int
        Fixes folds and resamples.

    Returns
    -------
    DataFrame
        One row a labelling: labelling, r2 (1 is perfect, 0 is the average, below 0 is
        worse than the average), low and high (95 % percentile interval over customers;
        folds and fitted means stay as they are, so it is a little too narrow).
    """
    outcome = later.to_numpy(float)
    rng = np.random.default_rng(seed)
    fold = rng.permutation(np.arange(len(outcome)) % folds)
    weights = rng.multinomial(
        len(outcome), np.full(len(outcome), 1 / len(outcome)), size=repeats
    )
    base = _squared_error(np.zeros(len(outcome), dtype=int), outcome, fold)
    rows = []
    for name in labellings:
        codes = pd.factorize(labellings[name], sort=True, use_na_sentinel=False)[0]
        error = _squared_error(codes, outcome, fold)
        drawn = 1 - (weights @ error) / (weights @ base)
        low, high = np.quantile(drawn, [0.025, 0.975])
        rows.append((name, 1 - error.sum() / base.sum(), low, high))
    return pd.DataFrame(rows, columns=["labelling", "r2", "low", "high"])


def _squared_error(
    codes: np.ndarray, outcome: np.ndarray, fold: np.ndarray
) -> np.ndarray:
    error = np.empty(len(outcome))
    for part in np.unique(fold):
        train, test = fold != part, fold == part
        overall = outcome[train].mean(axis=0)
        means = np.tile(overall, (codes.max() + 1, 1))
        for code in np.unique(codes[train]):
            means[code] = outcome[train & (codes == code)].mean(axis=0)
        error[test] = ((outcome[test] - means[codes[test]]) ** 2).sum(axis=1)
    return error


def embed(scores: pd.DataFrame, *, neighbours: int, seed: int) -> pd.DataFrame:
    """Lay customers out on a map for looking at (UMAP).

    Parameters
    ----------
    scores : DataFrame
        Customers x features.
    neighbours : int
        Neighbours that each customer is kept near to.
    seed : int
        Fixes the layout.

    Returns
    -------
    DataFrame
        x and y, the index of `scores`. Distances between groups mean nothing.

    References
    ----------
    McInnes, Healy and Melville (2018), UMAP: uniform manifold approximation and
    projection for dimension reduction.
    """
    with warnings.catch_warnings():
        # A progress bar's complaint that nobody asked for a progress bar.
        warnings.filterwarnings("ignore", message="IProgress not found")
        import umap  # slow to import, so only where a map is drawn

    values = scores.to_numpy(np.float32)
    near = NearestNeighbors(n_neighbors=neighbours).fit(values)
    with threadpool_limits(1):
        apart, index = near.kneighbors(values)
    reducer = umap.UMAP(
        n_neighbors=neighbours,
        random_state=seed,
        n_jobs=1,
        init="pca",
        precomputed_knn=(index, apart.astype(np.float32), None),
        force_approximation_algorithm=True,
    )
    with warnings.catch_warnings():
        # An exact list of neighbours has no search index; transform is not used.
        warnings.filterwarnings("ignore", message="precomputed_knn")
        points = reducer.fit_transform(values)
    return pd.DataFrame(points, index=scores.index, columns=["x", "y"])


def trust(scores: pd.DataFrame, points: pd.DataFrame, *, neighbours: int) -> float:
    """Say how far neighbours on the map are neighbours in truth, 0 to 1.

    Parameters
    ----------
    scores, points : DataFrame
        Customers x features, and x and y of the same customers.
    neighbours : int
        Neighbours looked at.

    Returns
    -------
    float
        Trustworthiness: 1 where the map shows no false neighbour.

    References
    ----------
    Venna and Kaski (2001), Neighborhood preservation in nonlinear projection methods.
    """
    return float(
        trustworthiness(
            scores.to_numpy(), points[["x", "y"]].to_numpy(), n_neighbors=neighbours
        )
    )
