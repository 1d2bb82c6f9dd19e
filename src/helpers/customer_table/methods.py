"""Group customers by columns of any measure: k-means, medoids, latent classes, mixtures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from helpers.clustering import methods as of_scores
from helpers.core.errors import BadInput
from helpers.customer_table.preparation import Column, Preparation

METHODS = {
    "kmeans": "k-means",
    "latent_classes": "Latent classes",
    "mixture": "Gaussian mixture",
    "medoids": "Medoids (Gower)",
}
# Rank of an ordered column's levels up to which each has a probability of its own in
# latent classes; of more levels the code is a number.
MOST_LEVELS = 7
# Customers of average answers that each latent class has on top, so that no probability
# is 0 and no variance vanishes: one, as in Bayesian smoothing of latent class models.
PRIOR = 1.0
# A mixture has a covariance of its own for each segment while there are so many customers
# for each of its numbers; else variances alone.
FOR_EACH = 3
_FLOOR = 1e-3  # variance added to mixtures, in mean variances of the scores


@dataclass(frozen=True)
class Rule:
    """What says how far a customer is from each segment, as plain data."""

    method: str
    k: int
    # kmeans: centres (k x scores). medoids: medoids (k x columns, as `gower`). latent
    # classes: shares (k), numbers (column -> mean and variance, k each), levels (column
    # -> k x levels). mixture: shares, means (k x scores), factors (k x scores x scores),
    # log_det (k).
    parameters: dict[str, Any]

    def costs(
        self, prepared: Preparation, customers: pd.DataFrame | np.ndarray
    ) -> np.ndarray:
        """Give customers x segments: the least is the own one.

        A squared distance for k-means, Gower's distance for medoids, and minus the log
        of share and density for the models. `customers` are features, or what
        `prepared.raw` gave.
        """
        frame = isinstance(customers, pd.DataFrame)
        raw = prepared.raw(customers) if frame else np.asarray(customers)
        return _COSTS[self.method](self, prepared, raw)

    def labels(
        self, prepared: Preparation, customers: pd.DataFrame | np.ndarray
    ) -> np.ndarray:
        """Give each customer the number of the nearest segment, from 0."""
        return self.costs(prepared, customers).argmin(axis=1)

    @property
    def probable(self) -> bool:
        """Say whether costs are logarithms of probabilities."""
        return self.method in ("latent_classes", "mixture")


def ratio(rule: Rule, near: np.ndarray, next_near: np.ndarray) -> np.ndarray:
    """Say how nearly a customer fits the next segment: 0 not at all, 1 as well.

    Of distances the nearest over the next; of probabilities that of the next segment
    over that of the own.
    """
    if rule.probable:
        return np.exp(np.minimum(near - next_near, 0.0))
    share = np.where(next_near > 0, near / np.where(next_near > 0, next_near, 1), 1.0)
    return np.sqrt(share) if rule.method == "kmeans" else share


def membership(rule: Rule, costs: np.ndarray) -> np.ndarray:
    """Give customers x segments: how far each belongs to each, adding up to 1.

    Of models the posterior probability; else by the inverse of the cost, which is fuzzy
    membership of exponent 2 where the cost is a squared distance (Bezdek 1981).
    """
    if rule.probable:
        belongs = np.exp(costs.min(axis=1, keepdims=True) - costs)
    else:
        least = costs.min(axis=1, keepdims=True)
        belongs = np.where(least > 0, least / np.where(costs > 0, costs, 1), costs == 0)
    return belongs / belongs.sum(axis=1, keepdims=True)


def fit(
    prepared: Preparation,
    raw: np.ndarray,
    *,
    tried: Sequence[str],
    k_values: Sequence[int],
    seed: int,
    n_init: int,
    weights: np.ndarray | None = None,
) -> dict[tuple[str, int], Rule]:
    """Group customers by each method and number of segments, the largest segment first.

    `raw` is what `prepared.raw` gave, `weights` say how much each customer counts (0 for
    none). Medoids start from the BUILD steps, the others from `n_init` starts.

    Kaufman and Rousseeuw (1990), Finding groups in data (medoids); Vermunt and Magidson
    (2002), Latent class cluster analysis (mixed measures, missing values); McLachlan
    and Peel (2000), Finite mixture models.
    """
    counts = np.ones(len(raw)) if weights is None else np.asarray(weights, float)
    raw, counts = raw[counts > 0], counts[counts > 0]
    if len(raw) < max(k_values):
        raise BadInput(
            f"{max(k_values)} segments need as many customers, but {len(raw)} were found."
        )
    # An order of the rows' own, so that another order of the file changes nothing.
    keys = np.nan_to_num(raw, nan=np.inf)
    order = np.lexsort([counts, *keys.T[::-1]])
    given = _Given(prepared, raw[order], counts[order], seed, n_init)
    with of_scores.one_thread():
        return {
            (method, k): _FITS[method](given, k) for method in tried for k in k_values
        }


@dataclass
class _Given:
    """Sorted customers, and what every number of segments starts from."""

    prepared: Preparation
    raw: np.ndarray
    counts: np.ndarray
    seed: int
    n_init: int

    def __post_init__(self) -> None:
        self.scores = self.prepared.scored(self.raw)
        self.kept: dict[str, Any] = {}

    def once(self, name: str, make: Callable[[], Any]) -> Any:  # noqa: ANN401
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    def starts(self, k: int) -> list[np.ndarray]:
        """Give segments to begin with: k-means, and customers around some drawn."""
        found = [of_scores.nearest(self.scores, self.centres(k))]
        rng = np.random.default_rng([self.seed, k])
        for _ in range(self.n_init - 1):
            drawn = rng.choice(len(self.scores), k, replace=False)
            found.append(of_scores.nearest(self.scores, self.scores[drawn]))
        return found

    def centres(self, k: int) -> np.ndarray:
        """Find the centres of k-means."""
        settings = {"k": k, "seed": self.seed, "n_init": self.n_init}
        return self.once(
            f"centres {k}",
            lambda: of_scores.kmeans(self.scores, weights=self.counts, **settings),
        )


def _kmeans(given: _Given, k: int) -> Rule:
    return Rule("kmeans", k, {"centres": given.centres(k).tolist()})


def _kmeans_costs(rule: Rule, prepared: Preparation, raw: np.ndarray) -> np.ndarray:
    centres = np.array(rule.parameters["centres"])
    return cdist(prepared.scored(raw), centres, "sqeuclidean")


# --- Medoids: Gower's distance over the columns that both know


def gower(prepared: Preparation, raw: np.ndarray) -> np.ndarray:
    """Bring columns to the form that Gower's distance compares: 0 to 1, or a level's code."""
    values = prepared.values(raw)
    for i, column in enumerate(prepared.columns):
        if column.measure == "ordered":
            values[:, i] /= max(len(column.levels) - 1, 1)
        elif column.measure not in ("yes_no", "unordered"):
            width = column.upper - column.lower
            values[:, i] = (values[:, i] - column.lower) / (width or 1.0)
    return values


def between(prepared: Preparation, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Measure Gower's distance of customers in the form of `gower`, 0 to 1.

    Gower (1971), A general coefficient of similarity and some of its properties: the
    mean over the columns known of both; 1 where there is none.
    """
    numeric = np.array([column.numeric for column in prepared.columns])
    known = (~np.isnan(one)).astype(float), (~np.isnan(other)).astype(float)
    counted = known[0] @ known[1].T
    total = np.zeros(counted.shape)
    for i, ordered in enumerate(numeric):
        apart = one[:, i, None] - other[:, i]
        apart = np.abs(apart) if ordered else (apart != 0) * 1.0
        total += np.where(known[0][:, i, None] * known[1][:, i] > 0, apart, 0.0)
    return np.where(counted > 0, total / np.maximum(counted, 1), 1.0)


def _medoids(given: _Given, k: int) -> Rule:
    form = given.once("form", lambda: gower(given.prepared, given.raw))

    def matrix() -> np.ndarray:
        # Weighed by column, so that a sum over customers counts each as it should.
        apart = between(given.prepared, form, form)
        # Who answered little is near to many, and stands for nobody.
        known = (~np.isnan(form)).sum(axis=1)
        apart[known < np.median(known)] = 2.0
        return (apart * given.counts).astype(np.float32)

    apart = given.once("apart", matrix)
    medoids = of_scores.medoids(apart, k=k)
    own = apart[medoids].argmin(axis=0)
    size = np.bincount(own, given.counts, minlength=k)
    medoids = medoids[np.argsort(-size, kind="stable")]
    return Rule("medoids", k, {"medoids": _plain(form[medoids])})


def _plain(values: np.ndarray) -> list[list[float | None]]:
    """Write numbers as JSON knows them: what is missing is null."""
    return [[None if np.isnan(v) else float(v) for v in row] for row in values]


def _medoids_costs(rule: Rule, prepared: Preparation, raw: np.ndarray) -> np.ndarray:
    medoids = np.array(rule.parameters["medoids"], dtype=float)
    return between(prepared, gower(prepared, raw), medoids)


# --- Latent classes: columns independent inside a class, missing ones left out


def by_level(column: Column) -> bool:
    """Say whether a column's levels have a probability each in latent classes."""
    return column.measure in ("yes_no", "unordered") or (
        column.measure == "ordered" and len(column.levels) <= MOST_LEVELS
    )


def _levels(column: Column) -> int:
    return 2 if column.measure == "yes_no" else len(column.levels)


def _standard(column: Column, raw: np.ndarray) -> np.ndarray:
    return (column.value(raw) - column.mean[0]) / column.spread


@dataclass(frozen=True)
class _Layout:
    """Where the statistics of latent classes stand: 1, levels, then numbers three times."""

    by_level: list[Column]
    numbers: list[Column]
    owner: np.ndarray  # number of the column of each level
    starts: np.ndarray  # first level of each column

    @classmethod
    def of(cls, prepared: Preparation) -> "_Layout":
        levelled = [c for c in prepared.columns if by_level(c)]
        numbers = [c for c in prepared.columns if not by_level(c)]
        sizes = np.array([_levels(c) for c in levelled], int)
        starts = np.r_[0, sizes.cumsum()[:-1]] if len(sizes) else sizes
        return cls(levelled, numbers, np.repeat(np.arange(len(sizes)), sizes), starts)

    def statistics(self, prepared: Preparation, raw: np.ndarray) -> np.ndarray:
        """Lay out what the log density of a class is linear in: statistics x customers."""
        place = {column.name: i for i, column in enumerate(prepared.columns)}
        rows = [np.ones(len(raw))]
        for column in self.by_level:
            codes = raw[:, place[column.name]]
            rows += [codes == level for level in range(_levels(column))]
        values = [_standard(c, raw[:, place[c.name]]) for c in self.numbers]
        rows += [~np.isnan(value) for value in values]
        filled = [np.nan_to_num(value) for value in values]
        rows += [*filled, *(value**2 for value in filled)]
        return np.array(rows, dtype=float)

    def fitted(
        self, totals: np.ndarray, average: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give probabilities of levels, means and variances from totals of classes.

        `average` are the totals of all customers together.
        """
        levels = len(self.owner)
        found = totals[..., 1 : levels + 1]
        if levels:
            usual = average[1 : levels + 1]
            whole = np.add.reduceat(usual, self.starts)[self.owner]
            size = np.add.reduceat(found, self.starts, axis=-1)[..., self.owner]
            found = (found + PRIOR * usual / np.maximum(whole, 1e-300)) / (size + PRIOR)
            found = np.maximum(found, 1e-12)  # of a level that nobody has
        known, sums, squares = np.split(totals[..., levels + 1 :], 3, axis=-1)
        means = sums / np.maximum(known, 1e-9)
        apart = np.maximum(squares - known * means**2, 0.0)
        return found, means, (apart + PRIOR) / (known + PRIOR)


def _latent_classes(given: _Given, k: int) -> Rule:
    layout = given.once("layout", lambda: _Layout.of(given.prepared))
    statistics = given.once(
        "latent", lambda: layout.statistics(given.prepared, given.raw)
    )
    average = statistics @ given.counts

    def slopes(totals: np.ndarray) -> tuple[np.ndarray, float]:
        sizes = np.maximum(totals[..., :1], 1e-9)
        levels, means, spread = layout.fitted(totals, average)
        tilt = means / spread
        level = -(tilt * means + np.log(2 * np.pi * spread)) / 2
        own = np.log(sizes / sizes.sum(axis=-2, keepdims=True))
        parts = [own, np.log(levels), level, tilt, -0.5 / spread]
        return np.concatenate(parts, axis=-1), 0.0

    belongs, _ = of_scores.climb(
        statistics, given.starts(k), slopes, k=k, counts=given.counts
    )
    belongs = belongs[np.argsort(-(belongs @ given.counts), kind="stable")]
    totals = (belongs * given.counts) @ statistics.T
    levels, means, spread = layout.fitted(totals, average)
    sizes = np.maximum(totals[:, 0], 1e-9)
    told = {
        "shares": (sizes / sizes.sum()).tolist(),
        "numbers": {
            column.name: {
                "mean": means[:, i].tolist(),
                "variance": spread[:, i].tolist(),
            }
            for i, column in enumerate(layout.numbers)
        },
        "levels": {
            column.name: levels[:, layout.owner == i].tolist()
            for i, column in enumerate(layout.by_level)
        },
    }
    return Rule("latent_classes", k, told)


def _latent_costs(rule: Rule, prepared: Preparation, raw: np.ndarray) -> np.ndarray:
    told, layout = rule.parameters, _Layout.of(prepared)
    slopes = [np.log(told["shares"])[:, None]]
    slopes += [np.log(told["levels"][column.name]) for column in layout.by_level]
    if layout.numbers:
        numbers = [told["numbers"][column.name] for column in layout.numbers]
        means, spread = (
            np.array([one[name] for one in numbers]).T for name in ("mean", "variance")
        )
        level = -(means**2 / spread + np.log(2 * np.pi * spread)) / 2
        slopes += [level, means / spread, -0.5 / spread]
    return -(np.hstack(slopes) @ layout.statistics(prepared, raw)).T


# --- Mixtures of normal densities on the scores, missing ones at the average


def _mixture(given: _Given, k: int) -> Rule:
    scores, counts = given.scores, given.counts
    middle = np.average(scores, axis=0, weights=counts)
    variance = np.average((scores - middle) ** 2, axis=0, weights=counts)
    scale = float(np.sqrt(variance.mean())) or 1.0
    x = ((scores - middle) / scale).T
    d = len(x)
    full = x.shape[1] >= FOR_EACH * k * (d * (d + 1) // 2 + d)
    upper = np.triu_indices(d)
    products = x[upper[0]] * x[upper[1]] if full else x**2
    statistics = np.vstack([np.ones(x.shape[1]), x, products])

    def moments(totals: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sizes = np.maximum(totals[..., 0], 1e-9)
        means = totals[..., 1 : d + 1] / sizes[..., None]
        squares = totals[..., d + 1 :] / sizes[..., None]
        spread = np.zeros((*sizes.shape, d, d))
        if full:
            spread[..., upper[0], upper[1]] = squares
            spread[..., upper[1], upper[0]] = squares
            spread -= means[..., :, None] * means[..., None, :]
        else:
            every = np.arange(d)
            spread[..., every, every] = np.maximum(squares - means**2, 0)
        return sizes, means, spread + _FLOOR * np.eye(d)

    twice = np.where(upper[0] == upper[1], 1, 2)

    def slopes(totals: np.ndarray) -> tuple[np.ndarray, float]:
        sizes, means, spread = moments(totals)
        precision = np.linalg.inv(spread)
        tilt = (precision @ means[..., None])[..., 0]
        volume = d * np.log(2 * np.pi) + np.linalg.slogdet(spread)[1]
        level = np.log(sizes / sizes.sum(axis=-1, keepdims=True))
        level -= (volume + (tilt * means).sum(axis=-1)) / 2
        bend = (
            -twice / 2 * precision[..., upper[0], upper[1]]
            if full
            else -np.diagonal(precision, axis1=-2, axis2=-1) / 2
        )
        return np.concatenate([level[..., None], tilt, bend], axis=-1), 0.0

    belongs, _ = of_scores.climb(
        statistics, given.starts(k), slopes, k=k, counts=counts
    )
    belongs = belongs[np.argsort(-(belongs @ counts), kind="stable")]
    sizes, means, spread = moments((belongs * counts) @ statistics.T)
    factors = np.linalg.inv(np.linalg.cholesky(spread))
    log_det = np.log(np.diagonal(factors, axis1=-2, axis2=-1)).sum(axis=-1)
    told = {
        "shares": (sizes / sizes.sum()).tolist(),
        "means": (middle + scale * means).tolist(),
        "factors": (factors / scale).tolist(),
        "log_det": (log_det - d * np.log(scale)).tolist(),
    }
    return Rule("mixture", k, told)


def _mixture_costs(rule: Rule, prepared: Preparation, raw: np.ndarray) -> np.ndarray:
    told = rule.parameters
    scores, means = prepared.scored(raw), np.array(told["means"])
    costs = np.empty((len(scores), rule.k))
    for i, factor in enumerate(np.array(told["factors"])):
        squares = (((scores - means[i]) @ factor.T) ** 2).sum(axis=1)
        density = (
            told["log_det"][i] - (squares + means.shape[1] * np.log(2 * np.pi)) / 2
        )
        costs[:, i] = -(np.log(told["shares"][i]) + density)
    return costs


_FITS: dict[str, Callable[[_Given, int], Rule]] = {
    "kmeans": _kmeans,
    "latent_classes": _latent_classes,
    "mixture": _mixture,
    "medoids": _medoids,
}
_COSTS = {
    "kmeans": _kmeans_costs,
    "latent_classes": _latent_costs,
    "mixture": _mixture_costs,
    "medoids": _medoids_costs,
}


def information(
    rule: Rule,
    prepared: Preparation,
    raw: np.ndarray,
    weights: np.ndarray | None = None,
) -> dict[str, float]:
    """Give log-likelihood and BIC (less is better) of a model; missing of distances."""
    if not rule.probable:
        return {"log_likelihood": np.nan, "bic": np.nan}
    counts = np.ones(len(raw)) if weights is None else np.asarray(weights, float)
    costs = rule.costs(prepared, raw)
    top = costs.min(axis=1)
    own = np.log(np.exp(top[:, None] - costs).sum(axis=1)) - top
    likelihood = float(own @ counts)
    if rule.method == "latent_classes":
        each = sum(_levels(c) - 1 if by_level(c) else 2 for c in prepared.columns)
    else:
        d = len(prepared.names)
        each = d + int(np.count_nonzero(rule.parameters["factors"][0]))
    size = rule.k - 1 + rule.k * each
    bic = size * float(np.log(counts.sum())) - 2 * likelihood
    return {"log_likelihood": likelihood, "bic": bic}
