"""Test whether there is structure at all, and look at it on a map."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from scipy.optimize import isotonic_regression
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist
from scipy.stats import beta, norm
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from helpers.clustering import methods, null_references, scores as clustering_scores
from helpers.core import paths
from helpers.core.errors import BadInput

# Statistics of `measure`: True where more speaks for clusters.
MORE_IS_BETTER = {
    "hopkins": True,
    "dip_distances": True,
    "dip_first_component": True,
    "cluster_index": False,
    "gap": True,
    "gap_rise": True,
}
# What the tests of structure are called, in the order of a table.
NAMES = {
    "hopkins": "Hopkins",
    "dip_distances": "Dip of distances",
    "dip_first_component": "Dip of first component",
    "cluster_index": "SigClust cluster index",
    "gap_rise": "Rise of the gap over k = 1",
}
RULES = {"first_se_max": "first SE max", "tibshirani": "Tibshirani"}  # of `gap_choice`
_SHOWN = {"observed": "of_customers", "p": "p_references"}
_SHOWN |= {"low": "reference_low", "high": "reference_high"}
_BESIDE = ["reference", "reference_low", "reference_high", "p_references"]
# UMAP takes 500 for so few customers; 200 draw the same map in half the time.
_EPOCHS = 200
# Customers whose pairwise distances are tested; above it a sample is: two million
# distances take a fifth of a second, and more would not change the answer.
_MOST_FOR_DISTANCES = 2000
# Of evenly spread values: dips times the root of their number, by that number (the
# largest first) and by the chance of as large a dip.
_DIPS = paths.beside(__file__, "dip.yaml")


def gap(
    scores: pd.DataFrame, *, k_values: range, draws: int, seed: int, n_init: int
) -> pd.DataFrame:
    """Compare k-means with k-means of as many customers spread evenly over a box.

    Returns k, log_within: the natural logarithm of W(k), the squared distance to the
    segment's mean (R's clusGap takes distances, not squares, by default, and counts
    each pair once, less by log 2, which cancels in the gap); expected (its mean over
    draws); gap (expected less log_within); se (standard deviation of the draws times
    sqrt(1 + 1 / draws); it divides by their number as in the paper, clusGap by one
    less). BadInput if `k_values` does not count up from 1, or too few customers differ.

    Tibshirani, Walther and Hastie (2001), Estimating the number of clusters in a data
    set via the gap statistic. The box has the direction of the principal components
    (their version b): a box along the features finds clusters in one correlated cloud.
    Even so a gap says only that customers are not spread evenly, so it stands beside
    the gaps of copula references.
    """
    return _gaps(_gap_rows(scores, k_values, draws), k_values, draws, seed, n_init)


def _gap_rows(scores: pd.DataFrame, k_values: range, draws: int) -> np.ndarray:
    if list(k_values) != list(range(1, len(k_values) + 1)) or not len(k_values):
        raise BadInput(f"k_values must count up from 1, but {k_values} was passed.")
    if draws < 1:
        raise BadInput(f"draws must be at least 1, but {draws} was passed.")
    most = max(k_values)
    rows = _rows(scores, least=most + 1)
    differ = len(np.unique(rows, axis=0))
    if differ <= most:
        raise BadInput(
            f"Only {differ} customers differ: with {most} segments no distance is left "
            "inside any. Ask for fewer segments than there are different customers."
        )
    return rows


def _rows(scores: pd.DataFrame, *, least: int) -> np.ndarray:
    """Check and sort the customers, so that their order cannot matter."""
    values = methods.check(scores, least=least)
    return values[np.lexsort(values.T[::-1])]


def _components(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give variances (n - 1, the largest first) and customers in their directions."""
    with threadpool_limits(1):
        centred = rows - rows.mean(axis=0)
        eigenvalues, vectors = np.linalg.eigh(centred.T @ centred / (len(rows) - 1))
        return np.clip(eigenvalues[::-1], 0, None), centred @ vectors[:, ::-1]


def _log_within_of_draw(
    box: tuple[np.ndarray, np.ndarray],
    size: int,
    k_values: range,
    seed: list[int],
    n_init: int,
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    drawn = rng.uniform(*box, (size, len(box[0])))
    return _log_within(drawn, k_values, int(rng.integers(2**31)), n_init)


def _log_within(
    rows: np.ndarray, k_values: range, seed: int, n_init: int
) -> np.ndarray:
    return np.log([within(rows, _segments(rows, k, seed, n_init)) for k in k_values])


def _segments(rows: np.ndarray, k: int, seed: int, n_init: int) -> np.ndarray:
    if k == 1:
        return np.zeros(len(rows), dtype=int)
    return methods.kmeans_labels(rows, k=k, seed=seed, n_init=n_init)


def within(rows: np.ndarray, labels: np.ndarray) -> float:
    """Sum the squared distances to the segment's mean: W of the gap statistic."""
    found = 0.0
    for label in np.unique(labels):
        members = rows[labels == label]
        found += float(((members - members.mean(axis=0)) ** 2).sum())
    return found


def _gaps(
    rows: np.ndarray, k_values: range, draws: int, seed: int, n_init: int
) -> pd.DataFrame:
    # k-means does not mind a rotation, so the box need not be turned back.
    turned = _components(rows)[1]
    box = turned.min(axis=0), turned.max(axis=0)
    drawn = Parallel(n_jobs=-1)(
        delayed(_log_within_of_draw)(box, len(rows), k_values, [seed, i], n_init)
        for i in range(draws)
    )
    own = _log_within(rows, k_values, seed, n_init)
    expected, deviation = np.mean(drawn, axis=0), np.std(drawn, axis=0)
    return pd.DataFrame(
        {
            "k": list(k_values),
            "log_within": own,
            "expected": expected,
            "gap": expected - own,
            "se": deviation * np.sqrt(1 + 1 / len(drawn)),
        }
    )


def gap_choice(table: pd.DataFrame, *, rule: str) -> int:
    """Read a number of segments off the table of `gap`; the largest if no k qualifies.

    tibshirani: the least k whose gap is at least the next gap less the next se, as in
    the paper (R: "Tibs2001SEmax"). first_se_max: the least k whose gap is at least that
    of the first peak less its se, where the first peak is the first k whose gap does
    not grow at the next k (R: "firstSEmax", what maxSE of R's cluster takes by
    default).
    """
    if rule not in RULES:
        raise BadInput(f"rule must be one of {tuple(RULES)}, but {rule!r} was passed.")
    k, gaps, se = (table[name].to_numpy() for name in ("k", "gap", "se"))
    if rule == "tibshirani":
        enough = [*(gaps[:-1] >= gaps[1:] - se[1:]), True]
    else:
        peak = int(np.argmax([*(np.diff(gaps) <= 0), True]))
        enough = [*(gaps[:peak] >= gaps[peak] - se[peak]), True]
    return int(k[np.argmax(enough)])


def hopkins(scores: pd.DataFrame, *, points: int, seed: int) -> pd.DataFrame:
    """Test whether customers are spread evenly over the box of their features.

    Returns statistic, null (what is tested), value and p. The value is the sum of u^d
    over that of u^d and w^d, where u are distances of even points to their nearest
    customer, w of customers to their nearest other, d the number of features: about 0.5
    if spread evenly, near 1 if clustered or one correlated cloud. p is the chance of as
    large a value under Beta(points, points); R's hopkins.pval doubles it for values too
    even to be chance. Take few points beside all customers, or p does not hold; R's
    hopkins takes a tenth.

    Hopkins and Skellam (1954), A new method for determining the type of distribution of
    plant individuals; Wright (2022), Will the real Hopkins statistic please stand up?:
    the power d, which several tools leave out.
    """
    if points < 1:
        raise BadInput(f"points must be at least 1, but {points} was passed.")
    rows = _rows(scores, least=points + 1)
    value = _hopkins(rows, points, seed)
    p = float(beta.sf(value, points, points))
    return _tested([("hopkins", "spread evenly over a box", value, p)])


def _hopkins(rows: np.ndarray, points: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    chosen = rows[rng.choice(len(rows), points, replace=False)]
    even = rng.uniform(rows.min(axis=0), rows.max(axis=0), chosen.shape)
    tree = cKDTree(rows)
    u = tree.query(even)[0]
    # The nearest customer to a customer is the customer; the second is another one.
    w = tree.query(chosen, k=2)[0][:, 1]
    # Over the largest, since d-th powers of many features pass what a number can hold.
    u, w = (
        float(((apart / max(u.max(), w.max())) ** rows.shape[1]).sum())
        for apart in (u, w)
    )
    return u / (u + w)


def _tested(rows: list[tuple[str, str, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["statistic", "null", "value", "p"])


def dip(scores: pd.DataFrame) -> pd.DataFrame:
    """Test whether distances, and the main direction, have more than one peak.

    Returns statistic (dip_distances between customers, 2,000 at most, sampled by a
    fixed seed; dip_first_component of the principal components), null (what is tested),
    value (the least largest difference between the distribution and one with a single
    peak) and p, by interpolation among dips of evenly spread values (dip.yaml).
    Distances depend on each other, so their p is a convention.

    Hartigan and Hartigan (1985), The dip test of unimodality. Adolfsson, Ackerman and
    Brownstein (2019), To cluster, or not to cluster: an analysis of clusterability
    methods.
    """
    found = _dips(_rows(scores, least=4))
    return _tested([(name, "one peak", *both) for name, both in found.items()])


def _dips(rows: np.ndarray) -> dict[str, tuple[float, float]]:
    some = rows
    if len(rows) > _MOST_FOR_DISTANCES:
        rng = np.random.default_rng(0)
        some = rows[rng.choice(len(rows), _MOST_FOR_DISTANCES, replace=False)]
    return {
        "dip_distances": _dip(pdist(some)),
        "dip_first_component": _dip(_components(rows)[1][:, 0]),
    }


def _dip(values: np.ndarray) -> tuple[float, float]:
    value = _off_one_peak(values)
    # Dips shrink with the root of the number of values, and what is left with it too.
    shrinks = np.sqrt(len(values))
    roots = 1 / np.sqrt(list(_DIPS["sizes"]))
    table = np.array(list(_DIPS["sizes"].values()))
    dips = [np.interp(1 / shrinks, roots, column) for column in table.T]
    scores = norm.ppf(_DIPS["chances"])
    found = np.interp(
        -value * shrinks, np.negative(dips), scores, left=-np.inf, right=np.inf
    )
    return value, float(norm.cdf(found))


def _off_one_peak(values: np.ndarray) -> float:
    # Below the counts of values lies the greatest convex function, above them the least
    # concave one. Where the two are farthest apart, their bends on either side enclose
    # the peak; outside, the counts are held to them; inside, the same begins anew.
    places = np.sort(values)
    last = np.r_[places[1:] > places[:-1], True]
    upto = np.flatnonzero(last) + 1.0
    before = np.r_[0.0, upto[:-1]]
    places = places[last]
    low, high, most = 0, len(places) - 1, 1.0
    below, above = np.array([low]), np.array([high])
    while low < high:
        # What was bent before need not be searched again, up to its last bend.
        new = _beyond(places, before, below[-1], high, convex=True)
        below = _bends(places, before, np.r_[below[:-1], new], convex=True)
        new = _beyond(places, upto, low, above[0], convex=False)
        above = _bends(places, upto, np.r_[new, above[1:]], convex=False)
        bends = np.union1d(below, above)
        apart = np.interp(places[bends], places[above], upto[above])
        apart -= np.interp(places[bends], places[below], before[below])
        if apart.max() <= most:
            break
        widest = bends[apart.argmax()]
        left, right = below[below <= widest][-1], above[above >= widest][0]
        for ends, outer, inner, part in (
            (below, before, upto, slice(low, left)),
            (above, upto, before, slice(right + 1, high + 1)),
        ):
            held = np.interp(places[part], places[ends], outer[ends])
            most = max(most, np.abs(held - inner[part]).max(initial=0))
        if (left, right) == (low, high):
            break
        low, high = left, right
        below = below[(below >= low) & (below <= high)]
        above = above[(above >= low) & (above <= high)]
    return float(most) / 2 / len(values)


def _beyond(
    places: np.ndarray, counts: np.ndarray, first: int, last: int, *, convex: bool
) -> np.ndarray:
    # Bends lie beyond the line that a thousand of the places bend to: most others go.
    some = np.unique(np.linspace(first, last, 1000).astype(int))
    ends, part = _bends(places, counts, some, convex=convex), slice(first, last + 1)
    line = np.interp(places[part], places[ends], counts[ends])
    beyond = counts[part] <= line if convex else counts[part] >= line
    return first + np.flatnonzero(beyond)


def _bends(
    places: np.ndarray, counts: np.ndarray, some: np.ndarray, *, convex: bool
) -> np.ndarray:
    if len(some) == 1:
        return some
    widths = np.diff(places[some])
    slopes = np.diff(counts[some]) / widths
    fit = isotonic_regression(slopes, weights=widths, increasing=convex)
    return some[fit.blocks]


def sigclust(
    scores: pd.DataFrame, *, draws: int, seed: int, n_init: int
) -> pd.DataFrame:
    """Test whether two segments are tighter than two halves of one normal cloud.

    Returns statistic, null (what is tested), value, p. cluster_index: the squared
    distance to the nearer of two centres over that to the mean, 0 to 1, less is
    tighter; p: the share of clouds at least as tight, the customers counted among them.
    sigclust_z: the index in standard deviations of the clouds from their mean; p from
    the normal distribution, so that it can be less than 1 / (1 + draws).

    Liu, Hayes, Nobel and Marron (2008), Statistical significance of clustering for
    high-dimension, low-sample size data. The clouds have the sample covariance, as R's
    sigclust does for icovest = 2; its default, 1, adjusts for more features than
    customers. R leaves the customers out of p.
    """
    if draws < 2:
        raise BadInput(f"draws must be at least 2, but {draws} was passed.")
    rows = _rows(scores, least=3)
    value = _cluster_index(rows, seed, n_init)
    spread = np.sqrt(_components(rows)[0])
    drawn = Parallel(n_jobs=-1)(
        delayed(_cluster_index_of_draw)(len(rows), spread, [seed, i], n_init)
        for i in range(draws)
    )
    z = float((value - np.mean(drawn)) / np.std(drawn, ddof=1))
    p = float((1 + (np.array(drawn) <= value).sum()) / (1 + draws))
    null = "one normal cloud"
    return _tested(
        [
            ("cluster_index", null, value, p),
            ("sigclust_z", null, z, float(norm.cdf(z))),
        ]
    )


def _cluster_index(rows: np.ndarray, seed: int, n_init: int) -> float:
    labels = _segments(rows, 2, seed, n_init)
    return within(rows, labels) / within(rows, np.zeros(len(rows)))


def _cluster_index_of_draw(
    size: int, spread: np.ndarray, seed: list[int], n_init: int
) -> float:
    rng = np.random.default_rng(seed)
    drawn = rng.standard_normal((size, len(spread))) * spread
    return _cluster_index(drawn, int(rng.integers(2**31)), n_init)


def measure(
    scores: pd.DataFrame,
    seed: int,
    *,
    points: int,
    k_values: range,
    draws: int,
    n_init: int,
) -> pd.DataFrame:
    """Measure structure by several statistics: a measure for `on_references`.

    Returns statistic, k (missing where a statistic has none) and value: hopkins;
    dip_distances and dip_first_component; cluster_index of `sigclust`; gap for each k;
    gap_rise, the largest gap of two or more segments less the gap of one. A few draws
    are enough, since references are compared and not a standard error.
    """
    if len(k_values) < 2:
        raise BadInput(f"k_values must reach 2 at least, but {k_values} was passed.")
    if points < 1:
        raise BadInput(f"points must be at least 1, but {points} was passed.")
    rows = _gap_rows(scores, k_values, draws)
    methods.check(scores, least=max(points + 1, 4))
    # References are measured side by side already; each of them stays in its process.
    with parallel_config(backend="sequential"):
        gaps = _gaps(rows, k_values, draws, seed, n_init)["gap"].to_numpy()
    found = {
        "hopkins": _hopkins(rows, points, seed),
        **{name: value for name, (value, _) in _dips(rows).items()},
        "cluster_index": _cluster_index(rows, seed, n_init),
        "gap_rise": float(gaps[1:].max() - gaps[0]),
    }
    return pd.DataFrame(
        {
            "statistic": [*found, *(["gap"] * len(gaps))],
            "k": pd.array([pd.NA] * len(found) + list(k_values), dtype="Int64"),
            "value": [*found.values(), *gaps],
        }
    )


@dataclass(frozen=True)
class Structure:
    """What tests of structure say of customers, beside references without clusters."""

    # statistic, in words; of_customers, null, p_own; reference (mean), reference_low,
    # reference_high and p_references
    tests: pd.DataFrame
    gaps: pd.DataFrame  # of `gap`
    references: pd.DataFrame  # reference, k, value: their gaps
    choices: dict[str, int]  # rule of `gap_choice`, in words -> k


def study(
    scores: pd.DataFrame,
    *,
    max_k: int,
    draws: int,
    references: int,
    seed: int,
    n_init: int,
) -> Structure:
    """Run all tests of structure, up to `max_k` segments, on customers and references.

    `draws` are those of `gap`; every other setting is as for `measure`.
    """
    tried, settings = range(1, max_k + 1), {"seed": seed, "n_init": n_init}
    points = max(len(scores) // 20, 1)
    of_each = partial(measure, points=points, k_values=tried, draws=1, n_init=n_init)
    compared, drawn = null_references.beside(
        scores,
        of_each,
        references=references,
        seed=seed,
        more_is_better=MORE_IS_BETTER,
    )
    own = pd.concat(
        [
            hopkins(scores, points=points, seed=seed),
            dip(scores),
            sigclust(scores, draws=99, **settings).head(1),
        ]
    )
    tests = compared[compared["statistic"].isin(NAMES)].merge(
        own.rename(columns={"p": "p_own"}).drop(columns="value"),
        on="statistic",
        how="left",
    )
    tests = tests.assign(statistic=tests["statistic"].map(NAMES)).rename(columns=_SHOWN)
    gaps = gap(scores, k_values=tried, draws=draws, **settings)
    grey = drawn[drawn["statistic"] == "gap"].astype({"k": int})
    return Structure(
        tests=tests[["statistic", "of_customers", "null", "p_own", *_BESIDE]],
        gaps=gaps,
        references=grey[["reference", "k", "value"]],
        choices={said: gap_choice(gaps, rule=rule) for rule, said in RULES.items()},
    )


def positive_control(
    scores: pd.DataFrame,
    *,
    k: int,
    distances: Sequence[float],
    references: int,
    seed: int,
    n_init: int,
) -> pd.DataFrame:
    """Plant k clusters at each of some distances, and compare their silhouette.

    Returns distance (see `null_references.planted_control`) and the columns of
    `null_references.compare`: the references share the marginals of the customers.
    """
    measured = partial(
        clustering_scores.measure,
        k_values=range(k, k + 1),
        n_init=n_init,
        methods=("kmeans",),
    )
    rows = []
    for distance in distances:
        planted = null_references.planted_control(
            scores, k=k, distance=distance, seed=seed
        )
        found, _ = null_references.beside(
            planted,
            measured,
            references=references,
            seed=seed,
            more_is_better=clustering_scores.MORE_IS_BETTER,
        )
        silhouette = found[found["statistic"] == "silhouette"]
        rows.append(silhouette.assign(distance=distance))
    return pd.concat(rows, ignore_index=True)


def embed(scores: pd.DataFrame, *, neighbours: int, seed: int) -> pd.DataFrame:
    """Lay customers out on a map for looking at: x and y, whose distances mean nothing.

    McInnes, Healy and Melville (2018), UMAP: uniform manifold approximation and
    projection for dimension reduction.
    """
    with warnings.catch_warnings():
        # A progress bar's complaint that nobody asked for a progress bar.
        warnings.filterwarnings("ignore", message="IProgress not found")
        import umap  # slow to import, so only where a map is drawn

    # Not cached by the library itself: six seconds of compiling in every process.
    umap.umap_.smooth_knn_dist.enable_caching()
    umap.umap_.compute_membership_strengths.enable_caching()
    values = scores.to_numpy(np.float32)
    near = NearestNeighbors(n_neighbors=neighbours).fit(values)
    with threadpool_limits(1):
        apart, index = near.kneighbors(values)
    reducer = umap.UMAP(
        n_neighbors=neighbours,
        n_epochs=_EPOCHS,
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
    """Say how far neighbours on the map are neighbours in truth, 0 to 1 (all of them).

    Venna and Kaski (2001), Neighborhood preservation in nonlinear projection methods.
    """
    drawn = points[["x", "y"]].to_numpy()
    return float(trustworthiness(scores.to_numpy(), drawn, n_neighbors=neighbours))


def map_of(
    scores: pd.DataFrame, *, neighbours: int, seed: int
) -> tuple[pd.DataFrame, float]:
    """Give the map of `embed`, and how far to trust it."""
    points = embed(scores, neighbours=neighbours, seed=seed)
    return points, trust(scores, points, neighbours=neighbours)
