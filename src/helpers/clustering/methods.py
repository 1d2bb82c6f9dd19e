"""Cluster customers: k-means, mixtures, Ward, medoids, latent classes, HDBSCAN."""

import functools
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist, pdist, squareform
from threadpoolctl import ThreadpoolController, threadpool_limits

from helpers.core.errors import BadInput

# Another method takes a function, its entry in `_MODELS`, and its name and label here.
METHODS = {
    "kmeans": "k-means",
    # Gaussian mixtures whose segments have one variance each, one for each feature, one
    # covariance in common, or one each: VII, VVI, EEE and VVV in R's mclust.
    "mixture_spherical": "Mixture, spherical",
    "mixture_diagonal": "Mixture, diagonal",
    "mixture_tied": "Mixture, tied",
    "mixture_full": "Mixture, full",
    "ward": "Ward",  # hierarchical, least increase of squared distance
    "medoids": "Medoids (Gower)",  # on Gower's distances
    "latent_classes": "Latent classes",  # yes or no: is a score above its median?
}
LIKELIHOODS = ("log_likelihood", "bic", "icl")
_ROUNDS = 300  # of k-means and of expectation-maximisation, at most
_SHORT = 2000  # customers x rounds of a mixture's starts before the worse half goes
_LEAP = 8  # steps of a leap, at most; 1 is plain expectation-maximisation
_LIGHT = np.float32  # mixtures climb in single precision, and come to rest in double
_ROWS = 128  # of distances at a time, so that they stay in the processor's memory
CELLS = 4_000_000  # numbers in a working table: 32 megabytes at a time
# Variance added to mixtures, in mean column variances: it keeps a segment of few
# customers from collapsing into a point. R's mclust adds nothing.
_FLOOR = 1e-3
_GAIN = 3e-5  # a mixture stops at a smaller gain of log-likelihood a customer


def check(scores: pd.DataFrame, *, least: int) -> np.ndarray:
    """Refuse a table of customers x features that cannot be clustered; give its values.

    BadInput names columns that are not numeric, miss values, are infinite or constant;
    fewer than `least` customers are refused too. Collinear columns and customers far
    from all others are allowed.
    """
    if scores.shape[1] == 0:
        raise BadInput("There is no feature to cluster by. Name at least one.")
    if len(scores) < least:
        raise BadInput(
            f"At least {least:,} customers are needed, but {len(scores):,} were found. "
            "Choose fewer segments or a longer window."
        )
    number = pd.api.types.is_numeric_dtype
    words = [name for name, kind in scores.dtypes.items() if not number(kind)]
    _refuse(words, "is not numeric", "Turn it into numbers or leave it out.")
    values = scores.to_numpy(float, na_value=np.nan)
    remedy = "Fill it or leave the column or the customers out."
    _refuse(scores.columns[np.isnan(values).any(axis=0)], "misses values", remedy)
    remedy = "Mend the rule that makes it."
    _refuse(scores.columns[np.isinf(values).any(axis=0)], "is infinite", remedy)
    constant = (values == values[:1]).all(axis=0)
    if constant.all():
        raise BadInput(
            f"All {len(scores):,} customers are identical in every feature: there is "
            "nothing to cluster. Choose other features."
        )
    _refuse(scores.columns[constant], "is constant", "Leave it out: it tells nothing.")
    return values


def _refuse(columns: list | pd.Index, what: str, remedy: str) -> None:
    if len(columns):
        named = ", ".join(map(str, columns[:5])) + (", ..." if len(columns) > 5 else "")
        raise BadInput(f"Feature {named} {what}. {remedy}")


@functools.cache
def _libraries() -> ThreadpoolController:
    # Looking the libraries up takes 2 ms; one k-means takes 10.
    return ThreadpoolController()


def one_thread() -> AbstractContextManager:
    """Keep linear algebra to one thread: many small fits run side by side instead."""
    return _libraries().limit(limits=1)


def row_order(values: np.ndarray) -> np.ndarray:
    """Sort rows in a way that depends on their values alone: return their places."""
    # A full sort by 20 columns takes 3 ms; one random direction tells most rows apart.
    values = np.ascontiguousarray(values)
    direction = np.random.default_rng(0).random(values.shape[1])
    keys = (values * direction).sum(axis=1)
    order = np.argsort(keys, kind="stable")
    tied = np.flatnonzero(np.diff(keys[order]) == 0)
    if (values[order[tied]] != values[order[tied + 1]]).any():
        return np.lexsort(values.T[::-1])
    return order


def kmeans(
    scores: np.ndarray,
    *,
    k: int,
    seed: int,
    n_init: int,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Find k centres that leave the least squared distance; the best start counts.

    `weights` say how often each customer counts, 0 or more: a bootstrap sample in
    counts gives what its copied rows would give. Centres are k x features, the largest
    segment first, whatever the order of the customers. BadInput if customers are fewer
    than segments, or a value is missing or infinite.

    Lloyd (1982), Least squares quantization in PCM; Arthur and Vassilvitskii (2007),
    k-means++: the advantages of careful seeding.
    """
    # All starts at once, in single precision until no customer moves; the best is then
    # finished in double precision, and so at rest to full precision. On 1,819 customers
    # and 20 features 220 fits in double precision were the same, in 1.5 times the time.
    rows, counts = _counted(np.asarray(scores, dtype=float), weights, k)
    middle = np.average(rows, axis=0, weights=counts)
    rows = rows - middle
    with one_thread():
        groups = _best_start(rows, counts, k, seed, n_init)
        sums = groups @ np.column_stack([rows * counts[:, None], counts])
        centres = sums[:, :-1] / np.maximum(sums[:, -1:], 1e-300)
        groups, _ = _lloyd(rows, counts, centres[None])
        return _largest_centres_first(groups[0] * counts, rows, middle)


def _best_start(
    rows: np.ndarray, counts: np.ndarray, k: int, seed: int, n_init: int
) -> np.ndarray:
    # Scaled, so that single precision cannot overflow.
    light = (rows / (np.abs(rows).max() or 1.0)).astype(np.float32)
    rng = np.random.default_rng(seed)
    at_once = max(1, CELLS // (k * len(rows)))
    best, least = None, np.inf
    for first in range(0, n_init, at_once):
        picks = _plus_plus(light, counts, k, min(at_once, n_init - first), rng)
        groups, left = _lloyd(light, counts, light[picks])
        if best is None or left.min() < least:
            best, least = groups[left.argmin()], left.min()
    return best


def _counted(
    values: np.ndarray, weights: np.ndarray | None, k: int
) -> tuple[np.ndarray, np.ndarray]:
    counts = np.ones(len(values)) if weights is None else np.asarray(weights, float)
    if weights is not None:
        values, counts = values[counts > 0], counts[counts > 0]
    if len(values) < k:
        raise BadInput(
            f"{k} segments need at least {k} customers, but {len(values)} were found. "
            "Choose fewer segments."
        )
    if not np.isfinite(values).all():
        column = int(np.flatnonzero(~np.isfinite(values).all(axis=0))[0])
        raise BadInput(
            f"Feature number {column + 1} of the scores has missing or infinite values. "
            "Fill it or leave it out."
        )
    order = row_order(values)
    if weights is not None:  # of rows alike, the weights must not keep their order
        order = order[np.lexsort([counts[order], row_ranks(values[order])])]
    return values[order], counts[order]


def row_ranks(rows: np.ndarray) -> np.ndarray:
    """Give sorted rows numbers from 0; equal rows share one."""
    return np.r_[0, (rows[1:] != rows[:-1]).any(axis=1).cumsum()]


def _largest_centres_first(
    groups: np.ndarray, rows: np.ndarray, middle: np.ndarray
) -> np.ndarray:
    sizes = groups.sum(axis=1)
    centres = groups @ rows / np.maximum(sizes, 1e-300)[:, None] + middle
    return centres[np.lexsort([*centres.T[::-1], -sizes])]


def _plus_plus(
    rows: np.ndarray, counts: np.ndarray, k: int, n_init: int, rng: np.random.Generator
) -> np.ndarray:
    # Greedy k-means++ for all starts at once: of a few candidates drawn by squared
    # distance, the one that leaves least. As many candidates as scikit-learn takes.
    trials = 2 + int(np.log(k))
    squares = np.einsum("nf,nf->n", rows, rows)
    every = np.arange(n_init)
    light = counts.astype(rows.dtype)
    picks = np.empty((n_init, k), dtype=int)
    picks[:, 0] = _drawn(np.broadcast_to(counts, (n_init, len(rows))), 1, rng)[:, 0]
    best = _squares_to(rows, squares, picks[:, 0])
    for j in range(1, k):
        tried = _drawn(best * counts, trials, rng)
        left = _squares_to(rows, squares, tried.ravel()).reshape(n_init, trials, -1)
        np.minimum(left, best[:, None], out=left)
        winner = (left @ light).argmin(axis=1)
        picks[:, j], best = tried[every, winner], left[every, winner]
    return picks


def _drawn(chances: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    sums = np.cumsum(chances, axis=1, dtype=float)
    points = rng.random((len(chances), draws)) * sums[:, -1:]
    found = [np.searchsorted(s, p, "right") for s, p in zip(sums, points, strict=True)]
    return np.minimum(found, chances.shape[1] - 1)


def _squares_to(rows: np.ndarray, squares: np.ndarray, picks: np.ndarray) -> np.ndarray:
    apart = rows[picks] @ rows.T
    apart *= -2
    apart += squares
    apart += squares[picks][:, None]
    return np.maximum(apart, 0, out=apart)


def _lloyd(
    rows: np.ndarray, counts: np.ndarray, centres: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    # Starts x k x features in; who belongs where (starts x k x customers) and the
    # squared distance left by each start out.
    weighted = np.column_stack([rows * counts[:, None], counts]).astype(rows.dtype)
    squares = np.einsum("nf,nf->n", rows, rows)
    groups = np.zeros((*centres.shape[:2], len(rows)), dtype=bool)
    left = np.empty(len(centres))
    live = np.arange(len(centres))
    for _ in range(_ROUNDS):
        found, near = _nearest_of(rows, centres)
        left[live] = ((squares - 2 * near) * counts).sum(axis=1, dtype=float)
        moved = (found != groups[live]).any(axis=(1, 2))
        groups[live] = found
        live, found = live[moved], found[moved]
        if not len(live):
            break
        sums = found.astype(rows.dtype).reshape(-1, len(rows)) @ weighted
        sums = sums.reshape(*found.shape[:2], -1)
        centres = sums[..., :-1] / np.maximum(sums[..., -1:], 1e-30)
        if (sums[..., -1] == 0).any():
            _refill(centres, sums[..., -1] == 0, rows, squares - 2 * near[moved])
    return groups, left


def _nearest_of(rows: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Nearest by the largest x.c - c.c / 2, which orders centres as distance does.
    n_init, k, features = centres.shape
    flat = centres.reshape(-1, features)
    pull = flat @ rows.T
    pull -= np.einsum("cf,cf->c", flat, flat)[:, None] / 2
    pull = pull.reshape(n_init, k, -1)
    near = pull.max(axis=1)
    found = pull == near[:, None]
    if np.count_nonzero(found) > near.size:  # ties go to the first centre
        found = pull.argmax(axis=1)[:, None] == np.arange(k)[:, None]
    return found, near


def _refill(
    centres: np.ndarray, empty: np.ndarray, rows: np.ndarray, left: np.ndarray
) -> None:
    # An empty segment restarts at the customer farthest from its centre.
    for start in np.flatnonzero(empty.any(axis=1)):
        holes = np.flatnonzero(empty[start])
        farthest = np.argsort(-left[start], kind="stable")
        centres[start, holes] = rows[farthest[: len(holes)]]


@dataclass(frozen=True)
class Polished:
    """Centres fitted to more customers than are in memory at a time."""

    centres: np.ndarray  # k x features, in the order of those they were begun from
    customers: int
    passes: int  # over all customers
    settled: bool  # whether the centres came to rest before the passes were used up
    fell: float  # share by which the squared distance fell from first to last pass

    def __str__(self) -> str:
        """Say in a sentence what came of it."""
        rest = "at rest" if self.settled else "not yet at rest"
        return (
            f"Centres fitted to all {self.customers:,} customers: {rest} after "
            f"{self.passes} pass{'es' if self.passes > 1 else ''}, "
            f"with {self.fell:.2%} less squared distance."
        )


def polish(
    centres: np.ndarray,
    batches: Callable[[], Iterable[np.ndarray]],
    *,
    tolerance: float,
    max_iter: int,
) -> Polished:
    """Move centres to rest among customers that come in batches, by the steps of Lloyd.

    `batches` gives the scores of all customers anew at every call. The centres are at
    rest when none moves by more than `tolerance` times the root mean square distance of
    customers to their centre; 0: when nobody moves. A centre that loses all its
    customers stays where it is.
    """
    left = []
    for _ in range(max_iter):
        sums, now = _summed(centres, batches)
        left.append(now)
        sizes = sums[:, -1:]
        moved = np.where(sizes > 0, sums[:, :-1] / np.maximum(sizes, 1), centres)
        step = np.sqrt(((moved - centres) ** 2).sum(axis=1).max())
        centres, customers = moved, int(sizes.sum())
        settled = bool(step <= tolerance * np.sqrt(max(now, 0) / customers))
        if settled:
            break
    fell = 1 - left[-1] / (left[0] or 1)
    return Polished(centres, customers, len(left), settled, fell)


def _summed(
    centres: np.ndarray, batches: Callable[[], Iterable[np.ndarray]]
) -> tuple[np.ndarray, float]:
    # For each centre the summed scores of its customers and their number; and the
    # squared distance of all customers to their centres.
    k, features = centres.shape
    sums, left = np.zeros((k, features + 1)), 0.0
    half = np.einsum("cf,cf->c", centres, centres)[:, None] / 2
    with one_thread():
        for rows in batches():
            pull = centres @ rows.T - half
            found = pull.argmax(axis=0) == np.arange(k)[:, None]
            sums[:, :-1] += found.astype(float) @ rows
            sums[:, -1] += found.sum(axis=1)
            near = pull.max(axis=0).sum()
            left += float(np.einsum("nf,nf->", rows, rows) - 2 * near)
    return sums, left


def nearest(scores: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Give each customer the number (from 0) of the nearest centre; ties to the first."""
    return cdist(scores, centres, "sqeuclidean").argmin(axis=1)


def kmeans_labels(scores: np.ndarray, *, k: int, seed: int, n_init: int) -> np.ndarray:
    """Give each customer the number of the nearest centre of `kmeans`."""
    return nearest(scores, kmeans(scores, k=k, seed=seed, n_init=n_init))


def distances(scores: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Measure the Euclidean distance of each customer to each centre."""
    return cdist(scores, centres)


@dataclass(frozen=True)
class Fit:
    """One clustering; for a model with a likelihood, how well it fits."""

    labels: np.ndarray
    log_likelihood: float = np.nan
    parameters: float = np.nan
    doubt: float = np.nan  # minus the log probability of the labels, given the model

    def information(self) -> dict[str, float]:
        """Return log-likelihood, BIC and ICL (less is better for both)."""
        penalty = self.parameters * np.log(len(self.labels))
        bic = penalty - 2 * self.log_likelihood
        values = (self.log_likelihood, bic, bic + 2 * self.doubt)
        return dict(zip(LIKELIHOODS, values, strict=True))


@dataclass
class _Customers:
    """Sorted customers, and the fits (k -> labels) that other methods start from."""

    rows: np.ndarray
    k_values: range
    seed: int
    n_init: int

    @functools.cached_property
    def kmeans(self) -> dict[int, np.ndarray]:
        settings = {"seed": self.seed, "n_init": self.n_init}
        return {k: kmeans_labels(self.rows, k=k, **settings) for k in self.k_values}

    @functools.cached_property
    def ward(self) -> dict[int, np.ndarray]:
        tree = linkage(self.rows, "ward")  # one tree serves every k
        return {k: fcluster(tree, k, criterion="maxclust") - 1 for k in self.k_values}

    def partitions(self, k: int) -> list[np.ndarray]:
        """Give what mixtures start from: k-means, Ward, and customers around some drawn."""
        return [self.kmeans[k], self.ward[k], *self._drawn[k]]

    @functools.cached_property
    def _drawn(self) -> dict[int, list[np.ndarray]]:
        # Half of them drawn as k-means draws its first centres, half all alike: neither
        # does better in general, and both together do.
        rows = np.ascontiguousarray(self.scaled.T)
        drawn = {}
        for k in self.k_values:
            rng = np.random.default_rng([self.seed, k])
            more = max(0, self.n_init - 2)
            picks = [rng.choice(len(rows), k, False) for _ in range(more - more // 2)]
            if more > 1:
                picks += [*_plus_plus(rows, np.ones(len(rows)), k, more // 2, rng)]
            drawn[k] = [nearest(rows, rows[each]) for each in picks]
        return drawn

    @functools.cached_property
    def scale(self) -> float:
        """Measure the root of the mean variance, for numbers near 1."""
        return float(np.sqrt(self.rows.var(axis=0).mean()))

    @functools.cached_property
    def scaled(self) -> np.ndarray:
        """Give features x customers, each feature around 0, their mean variance 1."""
        return (self.rows - self.rows.mean(axis=0)).T / self.scale

    @functools.cached_property
    def unscaled(self) -> float:
        """Give what the log-likelihood of the scaled customers misses."""
        return -self.rows.size * float(np.log(self.scale))


def fits(
    scores: np.ndarray,
    *,
    methods: tuple[str, ...],
    k_values: range,
    seed: int,
    n_init: int,
) -> dict[tuple[str, int], Fit]:
    """Cluster by several methods, which share what they start from.

    Returns (method, k) -> labels 0 to k - 1 in the order of the customers, the largest
    segment 0, fewer where one stayed empty. `n_init` is for k-means and mixtures, half
    of it for latent classes. Two starts of mixtures are the k-means and Ward segments,
    the others customers around k drawn ones; medoids start from the BUILD steps, which
    did better than random starts. Time and memory of medoids and Ward grow with the
    square of the customers, of mixture_full with the square of the features.

    Ward (1963), Hierarchical grouping to optimize an objective function. Gower (1971),
    A general coefficient of similarity and some of its properties. Kaufman and
    Rousseeuw (1990), Finding groups in data; Schubert and Rousseeuw (2021), Fast and
    eager k-medoids clustering (FasterPAM). Dempster, Laird and Rubin (1977), Maximum
    likelihood from incomplete data via the EM algorithm. Biernacki, Celeux and Govaert
    (2003), Choosing starting values for the EM algorithm for getting the highest
    likelihood in multivariate Gaussian mixture models (short runs first). Varadhan and
    Roland (2008), Simple and globally convergent methods for accelerating the
    convergence of any EM algorithm (SQUAREM). Fraley and Raftery (2002), Model-based
    clustering, discriminant analysis, and density estimation.
    """
    values = np.asarray(scores, dtype=float)
    order = row_order(values)
    customers = _Customers(values[order], k_values, seed, n_init)
    return {
        (method, k): fit
        for method in methods
        for k, fit in _fitted(customers, method, order).items()
    }


def _fitted(customers: _Customers, method: str, order: np.ndarray) -> dict[int, Fit]:
    if method not in METHODS:
        raise ValueError(
            f"method must be one of {tuple(METHODS)}, but {method!r} was passed."
        )
    with one_thread():
        if method in ("kmeans", "ward"):
            found = {k: Fit(part) for k, part in getattr(customers, method).items()}
        else:
            found = _MODELS[method](customers)
    back = np.empty(len(order), dtype=int)
    back[order] = np.arange(len(order))
    return {
        k: replace(fit, labels=_largest_first(fit.labels)[back])
        for k, fit in found.items()
    }


def _largest_first(labels: np.ndarray) -> np.ndarray:
    sizes = np.bincount(labels)
    rank = np.empty(len(sizes), dtype=int)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[labels]


def medoids(between: np.ndarray, *, k: int) -> np.ndarray:
    """Find k medoids from distances (candidates x customers): BUILD, then FasterPAM."""
    return _settled(between, _build(between, k))


def _medoids(customers: _Customers) -> dict[int, Fit]:
    # Single precision finds the same medoids in half the time.
    between = _gower(customers.rows).astype(np.float32)
    # BUILD adds one medoid after the other, so its first k serve every k.
    begin = _build(between, max(customers.k_values))
    settled = {k: _settled(between, begin[:k]) for k in customers.k_values}
    return {k: Fit(between[own].argmin(axis=0)) for k, own in settled.items()}


def _settled(between: np.ndarray, medoids: np.ndarray) -> np.ndarray:
    # FasterPAM: customer after customer replaces a medoid where that brings all nearer,
    # until nobody does.
    medoids, others = medoids.copy(), np.arange(len(between))
    turn = others
    while swap := _first_gain(between, medoids, turn):
        which, medoids[which] = swap
        turn = np.roll(others, -medoids[which] - 1)[:-1]
    return medoids


def _first_gain(
    between: np.ndarray, medoids: np.ndarray, turn: np.ndarray
) -> tuple[int, int] | None:
    apart = between[medoids]
    first, second = np.partition(apart, 1, axis=0)[:2]
    own = apart.argmin(axis=0)[:, None] == np.arange(len(medoids))
    own = own.astype(between.dtype)
    for begin in range(0, len(turn), _ROWS):
        rows = between[turn[begin : begin + _ROWS]]
        # Without their medoid, customers join the candidate or the second nearest.
        joined = np.minimum(rows, first)
        change = (np.minimum(rows, second) - joined) @ own
        change += (joined - first).sum(axis=1)[:, None]
        gains = np.flatnonzero(change.min(axis=1) < -1e-6 * first.sum())
        if len(gains):
            return int(change[gains[0]].argmin()), int(turn[begin + gains[0]])
    return None


def _build(between: np.ndarray, k: int) -> np.ndarray:
    # Of all customers, the one that brings the others nearest to a medoid; k times.
    near = np.full(len(between), np.inf, dtype=between.dtype)
    found = np.empty(k, dtype=int)
    for j in range(k):
        left = [
            np.minimum(between[first : first + _ROWS], near).sum(axis=1)
            for first in range(0, len(between), _ROWS)
        ]
        found[j] = np.concatenate(left).argmin()
        near = np.minimum(near, between[found[j]])
    return found


# A model turns the totals of each segment (starts x k x statistics) into the slopes of its
# log density, and the part of the log-likelihood that all segments share.
Slopes = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | float]]


# Slopes (starts x k x statistics), who belongs where (starts x k x customers), and the
# log-likelihood that each start reached.
_Climb = tuple[np.ndarray, np.ndarray, np.ndarray]


def _begun(
    statistics: np.ndarray, counts: np.ndarray, belongs: np.ndarray, slopes: Slopes
) -> _Climb:
    belongs = belongs.astype(statistics.dtype)
    slope, shared = _maximised(statistics, counts, belongs, slopes)
    return (slope, *_expected(statistics, counts, slope, shared))


def _climb(
    statistics: np.ndarray,
    counts: np.ndarray,
    begun: _Climb,
    slopes: Slopes,
    rounds: int,
) -> _Climb:
    # Expectation-maximisation for any exponential family: its log density is linear in
    # the statistics (statistics x customers; the first row is 1). All starts at once.
    # Two steps say where many would lead; what a leap there loses is taken back.
    slope, belongs, reached = begun
    live = np.arange(len(belongs))
    for _ in range(rounds):
        first, before = slope[live], reached[live]
        second, shared = _maximised(statistics, counts, belongs[live], slopes)
        belonging, now = _expected(statistics, counts, second, shared)
        slope[live], belongs[live], reached[live] = second, belonging, now
        far = now - before >= _GAIN * statistics.shape[1]
        live = live[far]
        if not len(live):
            break
        third, _ = _maximised(statistics, counts, belonging[far], slopes)
        leap = _leap(first[far], second[far], third)
        belonging, _ = _expected(statistics, counts, leap, 0.0)
        fourth, shared = _maximised(statistics, counts, belonging, slopes)
        belonging, now = _expected(statistics, counts, fourth, shared)
        up = now > reached[live]
        higher = live[up]
        slope[higher], belongs[higher] = fourth[up], belonging[up]
        reached[higher] = now[up]
    return slope, belongs, reached


def _maximised(
    statistics: np.ndarray, counts: np.ndarray, belongs: np.ndarray, slopes: Slopes
) -> tuple[np.ndarray, np.ndarray | float]:
    n_init, k, customers = belongs.shape
    weighed = statistics if counts is _ALIKE else statistics * counts
    totals = belongs.reshape(-1, customers) @ weighed.T
    return slopes(totals.reshape(n_init, k, -1).astype(float))


def _expected(
    statistics: np.ndarray,
    counts: np.ndarray,
    slope: np.ndarray,
    shared: np.ndarray | float,
) -> tuple[np.ndarray, np.ndarray]:
    n_init, k, _ = slope.shape
    flat = slope.reshape(n_init * k, -1).astype(statistics.dtype)
    belongs = (flat @ statistics).reshape(n_init, k, -1)
    top = belongs.max(axis=1)
    belongs -= top[:, None]
    np.exp(belongs, out=belongs)
    total = belongs.sum(axis=1)
    belongs /= total[:, None]
    own = (top + np.log(total)) * counts
    return belongs, own.sum(axis=1, dtype=float) + shared


def _leap(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> np.ndarray:
    # The less the steps shorten, the longer it is (SQUAREM, third of its lengths).
    step = second - first
    bend = (third - second) - step
    length = np.sqrt(
        (step**2).sum(axis=(1, 2)) / np.maximum((bend**2).sum((1, 2)), 1e-300)
    )
    length = np.clip(length, 1, _LEAP)[:, None, None]
    return first + 2 * length * step + length**2 * bend


def _sizes_and_means(totals: np.ndarray, features: int) -> tuple:
    # A segment that lost all its customers must not divide by 0.
    sizes = np.maximum(totals[..., 0], 1e-9)
    return sizes, totals[..., 1 : features + 1] / sizes[..., None]


def _log_shares(sizes: np.ndarray) -> np.ndarray:
    return np.log(sizes / sizes.sum(axis=-1, keepdims=True))


def _mixture(
    customers: _Customers,
    statistics: np.ndarray,
    slopes: Slopes,
    begin: Callable[[int], list[np.ndarray]],
    *,
    each: int,
    shared: int = 0,
) -> dict[int, Fit]:
    # A segment has `each` parameters beside its share, and all together `shared` ones.
    statistics = np.vstack([np.ones(statistics.shape[1]), statistics])
    found = {}
    for k in customers.k_values:
        belongs, reached = climb(statistics, begin(k), slopes, k=k)
        doubt = -float(np.log(belongs.max(axis=0)).sum())
        size = k - 1 + k * each + shared
        found[k] = Fit(belongs.argmax(axis=0), reached, size, doubt)
    return found


_ALIKE = np.ones(1)  # counts of customers who count alike


def climb(
    statistics: np.ndarray,
    starts: list[np.ndarray],
    slopes: Slopes,
    *,
    k: int,
    counts: np.ndarray = _ALIKE,
) -> tuple[np.ndarray, float]:
    """Fit a mixture of k by expectation-maximisation, from several starts.

    The log density of a segment is linear in the `statistics` (statistics x customers,
    the first row 1); `slopes` gives it from the totals of each segment. `starts` are
    segments of customers to begin with, `counts` say how often each customer counts.
    Returns who belongs where (k x customers, shares) and the log-likelihood.
    """
    # Every start climbs a little, the better half twice as far, and so on until one is
    # left, which comes to rest: all this in single precision, with the last rounds in
    # double precision. Ten starts of 1,819 customers take a third of the time of two that
    # climb 60 rounds in double precision; a full mixture stays 110 short of the best
    # log-likelihood of 32 starts, not 170. References get the same starts.
    light = statistics.astype(_LIGHT)
    few = counts if counts is _ALIKE else counts.astype(_LIGHT)
    belongs = np.stack(starts)[:, None] == np.arange(k)[:, None]
    climbed = _begun(light, few, belongs, slopes)
    rounds = max(1, _SHORT // light.shape[1])
    while len(climbed[-1]) > 1:
        climbed = _climb(light, few, climbed, slopes, rounds)
        order = np.argsort(-climbed[-1], kind="stable")
        better = order[: (len(order) + 1) // 2]
        climbed, rounds = tuple(part[better] for part in climbed), rounds * 2
    _, belongs, _ = _climb(light, few, climbed, slopes, _ROUNDS)
    climbed = _begun(statistics, counts, belongs, slopes)
    _, (belongs,), (reached,) = _climb(statistics, counts, climbed, slopes, _ROUNDS)
    return belongs, float(reached)


def _spherical(customers: _Customers) -> dict[int, Fit]:
    x = customers.scaled
    d = len(x)

    def slopes(totals: np.ndarray) -> tuple[np.ndarray, float]:
        sizes, means = _sizes_and_means(totals, d)
        squares = (means**2).sum(axis=-1)
        spread = np.maximum(totals[..., -1] / sizes - squares, 0) / d + _FLOOR
        level = _log_shares(sizes) - d / 2 * np.log(2 * np.pi * spread)
        level -= squares / spread / 2
        spread = spread[..., None]
        slope = [level[..., None], means / spread, -1 / spread / 2]
        return np.concatenate(slope, axis=-1), customers.unscaled

    statistics = np.vstack([x, (x**2).sum(axis=0)])
    return _mixture(customers, statistics, slopes, customers.partitions, each=d + 1)


def _diagonal(customers: _Customers) -> dict[int, Fit]:
    x = customers.scaled
    d = len(x)

    def slopes(totals: np.ndarray) -> tuple[np.ndarray, float]:
        sizes, means = _sizes_and_means(totals, d)
        squares = totals[..., d + 1 :] / sizes[..., None]
        spread = np.maximum(squares - means**2, 0) + _FLOOR
        level = _log_shares(sizes)
        level -= (np.log(2 * np.pi * spread) + means**2 / spread).sum(axis=-1) / 2
        slope = [level[..., None], means / spread, -1 / spread / 2]
        return np.concatenate(slope, axis=-1), customers.unscaled

    statistics = np.vstack([x, x**2])
    return _mixture(customers, statistics, slopes, customers.partitions, each=2 * d)


def _tied(customers: _Customers) -> dict[int, Fit]:
    x = customers.scaled
    d, n = x.shape
    squares = x @ x.T

    def slopes(totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sizes, means = _sizes_and_means(totals, d)
        between = (means * sizes[..., None]).swapaxes(1, 2) @ means
        spread = (squares - between) / n + _FLOOR * np.eye(d)
        precision = np.linalg.inv(spread)
        tilt = means @ precision
        level = _log_shares(sizes) - (tilt * means).sum(axis=-1) / 2
        # What a customer's own place adds is the same in every segment.
        volume = d * np.log(2 * np.pi) + np.linalg.slogdet(spread)[1]
        shared = -(n * volume + (precision * squares).sum(axis=(1, 2))) / 2
        slope = np.concatenate([level[..., None], tilt], axis=-1)
        return slope, shared + customers.unscaled

    sizes = {"each": d, "shared": d * (d + 1) // 2}
    return _mixture(customers, x, slopes, customers.partitions, **sizes)


def _full(customers: _Customers) -> dict[int, Fit]:
    x = customers.scaled
    d = len(x)
    upper = np.triu_indices(d)
    place = np.empty((d, d), dtype=int)  # of every product among the statistics
    place[upper] = place[upper[::-1]] = np.arange(len(upper[0]))
    once = upper[0] * d + upper[1]
    twice = np.where(upper[0] == upper[1], 1, 2)

    def slopes(totals: np.ndarray) -> tuple[np.ndarray, float]:
        sizes, means = _sizes_and_means(totals, d)
        spread = np.take(totals[..., d + 1 :] / sizes[..., None], place, axis=-1)
        spread -= means[..., :, None] * means[..., None, :]
        spread += _FLOOR * np.eye(d)
        precision = np.linalg.inv(spread)
        tilt = (precision @ means[..., None])[..., 0]
        volume = d * np.log(2 * np.pi) + np.linalg.slogdet(spread)[1]
        level = _log_shares(sizes) - (volume + (tilt * means).sum(axis=-1)) / 2
        bend = np.take(precision.reshape(*sizes.shape, -1), once, axis=-1)
        bend *= -twice / 2
        slope = np.concatenate([level[..., None], tilt, bend], axis=-1)
        return slope, customers.unscaled

    statistics = np.vstack([x, x[upper[0]] * x[upper[1]]])
    each = d + d * (d + 1) // 2
    return _mixture(customers, statistics, slopes, customers.partitions, each=each)


def _indicators(rows: np.ndarray) -> np.ndarray:
    # Where no customer lies above the median (a yes-or-no column that is mostly yes),
    # at the median counts.
    median = np.median(rows, axis=0)
    none_above = rows.max(axis=0) == median
    return np.where(none_above, rows >= median, rows > median).astype(float).T


def _latent_classes(customers: _Customers) -> dict[int, Fit]:
    answers = _indicators(customers.rows)

    def slopes(totals: np.ndarray) -> tuple[np.ndarray, float]:
        sizes, yes = _sizes_and_means(totals, len(answers))
        yes = yes.clip(1e-9, 1 - 1e-9)
        level = _log_shares(sizes) + np.log1p(-yes).sum(axis=-1)
        slope = [level[..., None], np.log(yes) - np.log1p(-yes)]
        return np.concatenate(slope, axis=-1), 0.0

    def begin(k: int) -> list[np.ndarray]:
        begun = [customers.kmeans[k]]
        # Then around k customers drawn at random: each joins the one most alike.
        for start in range(max(1, customers.n_init // 2)):
            rng = np.random.default_rng([customers.seed, k, start])
            drawn = answers[:, rng.choice(answers.shape[1], k, replace=False)]
            alike = (2 * drawn - 1).T @ answers - drawn.sum(axis=0)[:, None]
            begun.append(alike.argmax(axis=0))
        return begun

    return _mixture(customers, answers, slopes, begin, each=len(answers))


_MODELS = {
    "mixture_spherical": _spherical,
    "mixture_diagonal": _diagonal,
    "mixture_tied": _tied,
    "mixture_full": _full,
    "medoids": _medoids,
    "latent_classes": _latent_classes,
}


def _gower(values: np.ndarray) -> np.ndarray:
    spread = np.ptp(values, axis=0)
    spread[spread == 0] = 1
    return squareform(pdist(values / spread, "cityblock")) / values.shape[1]


def islands(
    scores: pd.DataFrame, seed: int | None = None, *, least: int
) -> pd.DataFrame:
    """Ask whether islands of `least` customers stand apart: nobody is forced into one.

    Returns statistic and value: islands (how many), noise_share (customers on none, 0
    to 1). `seed` is not used: it makes this a measure for references.

    Campello, Moulavi and Sander (2013), Density-based clustering based on hierarchical
    density estimates (HDBSCAN), by scikit-learn; one island alone is not allowed.
    """
    from sklearn.cluster import HDBSCAN

    values = check(scores, least=least + 1)
    # and not `one_thread`, which may be older than the import
    with threadpool_limits(limits=1):
        found = HDBSCAN(min_cluster_size=least, copy=True).fit(values).labels_
    answers = {
        "islands": float(found.max() + 1),
        "noise_share": float((found < 0).mean()),
    }
    return pd.DataFrame(answers.items(), columns=["statistic", "value"])
