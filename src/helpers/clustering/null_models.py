"""Draw customers without clusters, by models fitted to the customers at hand."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression
from scipy.stats import norm, rankdata
from threadpoolctl import threadpool_limits

from helpers.clustering import methods

FEW = 20  # a column of so few different values, such as yes or no, keeps them
_MODES = 30  # places of the peak that are tried
_ROUNDS = 5  # of fitting the curve and placing customers along it
_FEWEST_PARTS = 3  # of a whole, which two numbers tell no more than one


class NullModel(Protocol):
    """Customers without clusters, as many as were seen.

    Each model keeps something that makes k-means come back without any cluster: the
    shape of single columns and their correlation, one bent gradient, or shares that add
    up to one and are known from a few lines only.
    """

    def draw(self, seed: list[int]) -> pd.DataFrame:
        """Draw the scores of as many customers."""
        ...


@dataclass(frozen=True)
class Cloud:
    """One cloud: columns of one peak each, and customers correlated by rank as seen.

    An elliptical copula: directions are even, distances from the middle are those seen,
    so that columns may be extreme together. Each column takes the distribution of one
    peak nearest to its own, so a gap inside a single column counts as structure; a
    column of at most `FEW` different values keeps them.

    A parametric bootstrap without clusters: Hennig and Lin (2015), Flexible parametric
    bootstrap for testing homogeneity against clustering; as in M3C (John and others
    2020, M3C: Monte Carlo reference-based consensus clustering), references keep
    correlation.
    """

    columns: list
    margins: np.ndarray  # customers x columns, each sorted
    factor: np.ndarray  # directions x columns
    radii: np.ndarray  # distance of each customer from the middle, sorted

    def draw(self, seed: list[int]) -> pd.DataFrame:
        """Draw customers: their order means nothing."""
        rng = np.random.default_rng(seed)
        with methods.one_thread():
            drawn = rng.standard_normal((len(self.radii), len(self.factor)))
            lengths = np.sqrt((drawn**2).sum(axis=1))
            drawn *= (rng.permutation(self.radii) / lengths)[:, None]
            drawn = drawn @ self.factor
        return _with_margins(drawn, self.margins, self.columns)


def _with_margins(
    drawn: np.ndarray, margins: np.ndarray, columns: list
) -> pd.DataFrame:
    # Each column keeps its order, and takes the values of its margin.
    values = np.empty_like(margins)
    order = drawn.argsort(axis=0, kind="stable")
    np.put_along_axis(values, order, margins, axis=0)
    return pd.DataFrame(values, columns=columns)


def cloud(scores: pd.DataFrame) -> Cloud:
    """Fit one cloud to customers x features."""
    values = methods.check(scores, least=2)
    values = values[methods.row_order(values)]
    normal = _normal_scores(values)
    with threadpool_limits(1):
        variances, vectors = np.linalg.eigh(normal.T @ normal / len(normal))
        kept = variances > 1e-9 * variances.max()  # copies of a column add nothing
        spread = np.sqrt(variances[kept])
        radii = np.sqrt((((normal @ vectors[:, kept]) / spread) ** 2).sum(axis=1))
    return Cloud(
        columns=list(scores.columns),
        margins=_margins(values),
        factor=(vectors[:, kept] * spread).T,
        radii=np.sort(radii),
    )


def _normal_scores(values: np.ndarray) -> np.ndarray:
    normal = norm.ppf((rankdata(values, axis=0) - 0.5) / len(values))
    normal -= normal.mean(axis=0)
    return normal / np.maximum(normal.std(axis=0), 1e-9)  # a column may be all alike


def _margins(values: np.ndarray) -> np.ndarray:
    return np.column_stack([one_peak(column) for column in values.T])


def one_peak(values: np.ndarray) -> np.ndarray:
    """Give as many sorted values of the distribution of one peak nearest to these.

    Nearest by the largest distance of the distribution functions, as in the dip test
    (Hartigan and Hartigan 1985): up to the peak the greatest convex function below the
    observed one, from there the least concave function above it.
    """
    values = np.sort(values)
    places, counts = np.unique(values, return_counts=True)
    if len(places) <= FEW:
        return values
    reached = np.r_[0, counts.cumsum() / len(values)]
    places = np.r_[2 * places[0] - places[1], places]
    modes = np.linspace(1, len(places) - 2, _MODES).round().astype(int)
    modes = np.unique(np.r_[modes, counts.argmax() + 1])
    fits = [_with_peak(places, reached, mode) for mode in modes]
    apart = [np.abs(fit - reached).max() for fit in fits]
    middles = (np.arange(len(values)) + 0.5) / len(values)
    return np.interp(middles, fits[int(np.argmin(apart))], places)


def _with_peak(places: np.ndarray, reached: np.ndarray, mode: int) -> np.ndarray:
    widths = np.diff(places)
    density = np.diff(reached) / widths
    parts = [
        isotonic_regression(
            density[part], weights=widths[part], increasing=increasing
        ).x
        for part, increasing in ((slice(None, mode), True), (slice(mode, None), False))
    ]
    return np.r_[0, (np.concatenate(parts) * widths).cumsum()]


@dataclass(frozen=True)
class Arch:
    """One gradient, bent: customers lie along a parabola, in a cloud around it.

    Along a gradient customers form an arch or a horseshoe, which k-means cuts at the
    same places every time: Diaconis, Goel and Holmes (2008), Horseshoes in
    multidimensional scaling and local kernel methods.
    """

    curve: np.ndarray  # 3 x columns: constant, slope and bend
    along: np.ndarray  # place of each customer, sorted, with one peak
    around: Cloud
    margins: np.ndarray  # as in the cloud

    def draw(self, seed: list[int]) -> pd.DataFrame:
        """Draw customers: their order means nothing."""
        rng = np.random.default_rng([*seed, 1])
        place = rng.permutation(self.along)
        drawn = self.around.draw(seed).to_numpy() + _powers(place) @ self.curve
        return _with_margins(drawn, self.margins, self.around.columns)


def arch(scores: pd.DataFrame) -> Arch:
    """Fit a parabola through customers x features: Hastie and Stuetzle (1989).

    It begins at the first principal component; then customers are placed at the nearest
    point of the curve, and the curve is fitted to their places, in turn. Principal
    curves.
    """
    values = methods.check(scores, least=4)
    values = values[methods.row_order(values)]
    with threadpool_limits(1):
        centred = values - values.mean(axis=0)
        place = centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]
        for _ in range(_ROUNDS):
            place = _standard(place)
            curve = np.linalg.lstsq(_powers(place), values, rcond=None)[0]
            grid = np.linspace(place.min(), place.max(), 201)
            # Who shares a point of the grid keeps the order found before.
            place = grid[methods.nearest(values, _powers(grid) @ curve)] + 1e-6 * place
        place = _standard(place)
        curve = np.linalg.lstsq(_powers(place), values, rcond=None)[0]
        rest = values - _powers(place) @ curve
    # A column that the curve tells whole leaves nothing to draw around it.
    rest = rest + 1e-9 * values.std(axis=0) * _noise(values.shape)
    around = cloud(pd.DataFrame(rest, columns=scores.columns))
    return Arch(
        curve=curve, along=one_peak(place), around=around, margins=_margins(values)
    )


def _noise(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape)


def _standard(place: np.ndarray) -> np.ndarray:
    return (place - place.mean()) / place.std()


def _powers(place: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones_like(place), place, place**2])


class Scorer(Protocol):
    """Fitted steps from features to scores: `features.preparation`."""

    columns: list[str]
    weights: list[str]  # what each column is a share of; empty for no share

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """Score customers."""
        ...


@dataclass(frozen=True)
class Whole:
    """Shares of one whole, and in how many purchases each customer showed them."""

    columns: list[str]
    purchases: np.ndarray
    middle: np.ndarray  # of the log shares; what is left of the whole, if any, is last


@dataclass(frozen=True)
class Composition:
    """Shares of a whole, of one cloud, each known from a few purchases.

    What a customer wants is logistic-normal: shares add up to one. What is seen of it
    are the shares of so many independent purchases, so that who buys little is seen
    badly. Columns that are no shares come from the same normal cloud, and take
    distributions of one peak.

    Aitchison (1982), The statistical analysis of compositional data.
    """

    features: pd.DataFrame  # as the preparation reads them
    wholes: list[Whole]
    factor: np.ndarray  # directions x (log shares of all wholes, other columns)
    prepared: Scorer
    columns: list[str]  # of the scores
    others: list[str]  # those that are no shares
    margins: np.ndarray  # of the others, as in the cloud

    def draw(self, seed: list[int]) -> pd.DataFrame:
        """Draw customers, who keep their own number of purchases."""
        rng = np.random.default_rng([*seed, 2])
        with methods.one_thread():
            drawn = rng.standard_normal((len(self.features), len(self.factor)))
            drawn = drawn @ self.factor
        table = self.features.copy()
        first = 0
        for whole in self.wholes:
            logs = drawn[:, first : first + len(whole.middle)]
            first += len(whole.middle)
            shares = _closed(whole.middle + logs)
            seen = rng.multinomial(whole.purchases, shares)[:, : len(whole.columns)]
            table[whole.columns] = seen / whole.purchases[:, None]
        scores = self.prepared.transform(table)
        if self.others:
            left = _with_margins(drawn[:, first:], self.margins, self.others)
            scores[self.others] = left.to_numpy()
        return scores[self.columns]


def fitted(
    scores: pd.DataFrame,
    features: pd.DataFrame,
    *,
    prepared: Scorer,
    halves: tuple[pd.DataFrame, pd.DataFrame],
) -> dict[str, NullModel]:
    """Fit all null models to customers, by name.

    `features` are what `prepared` made the `scores` of, with lines (order lines);
    `halves` hold the same customers in two halves of the time. Shares have a model of
    their own where at least three columns are shares of one whole.
    """
    models: dict[str, NullModel] = {
        "one cloud": cloud(scores),
        "one bent gradient": arch(scores),
    }
    shares = composition(scores, features, prepared=prepared, halves=halves)
    return models | ({"shares of few purchases": shares} if shares else {})


def composition(
    scores: pd.DataFrame,
    features: pd.DataFrame,
    *,
    prepared: Scorer,
    halves: tuple[pd.DataFrame, pd.DataFrame],
) -> Composition | None:
    """Fit shares of wholes, as for `fitted`; None where the columns are no such shares.

    Covariances of wants are those of the shares less what a multinomial draw of the
    purchases adds. Shares of one weight are parts of a whole if they are three at least
    and never add up to more than one.
    """
    features = features.reset_index(drop=True)
    wholes, blocks, seen = [], [], []
    for weight in dict.fromkeys(filter(None, prepared.weights)):
        pairs = zip(prepared.columns, prepared.weights, strict=True)
        columns = [column for column, own in pairs if own == weight]
        shares = features[columns].fillna(0).to_numpy(float)
        rest = 1 - shares.sum(axis=1)
        if len(columns) < _FEWEST_PARTS or rest.min() < -1e-6 or shares.min() < 0:
            continue
        counts = "lines" if weight == "sales" else weight
        each = lines_a_purchase(*halves, columns=columns, lines=counts)
        lines = features[counts].to_numpy(float)
        purchases = np.maximum(np.round(lines / each), 1).astype(int)
        if rest.max() > 1e-6:  # else the last of them would be nothing, and vary
            shares = np.column_stack([shares, rest.clip(1e-9)])
        middle, logs = _of_wants(shares, purchases)
        wholes.append(Whole(columns, purchases, middle))
        blocks.append(logs)
        seen.append(shares)
    if not wholes:
        return None
    covered = {column for whole in wholes for column in whole.columns}
    others = [column for column in scores if column not in covered]
    seen.append(scores[others].to_numpy(float))
    used = dict.fromkeys([*prepared.columns, *filter(None, prepared.weights)])
    return Composition(
        features=features[[column for column in used if column in features]],
        wholes=wholes,
        factor=_joined(np.column_stack(seen), blocks),
        prepared=prepared,
        columns=list(scores.columns),
        others=others,
        margins=np.column_stack(
            [one_peak(scores[column].to_numpy(float)) for column in others]
            or [np.empty((len(scores), 0))]
        ),
    )


def _of_wants(
    shares: np.ndarray, purchases: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    # Mean and covariance of the log shares wanted, from those seen.
    middle = np.average(shares, axis=0, weights=purchases)
    weight = 1 / np.maximum(purchases - 1, 1)
    both = (shares * weight[:, None]).T @ shares / len(shares)
    of_draws = np.diag((shares * weight[:, None]).mean(axis=0)) - both
    spread = np.cov(shares.T) - of_draws
    # Logarithms of a log-normal share of that mean and variance.
    logs = np.log(np.clip(1 + spread / np.outer(middle, middle), 0.05, None))
    np.fill_diagonal(logs, np.maximum(np.diag(logs), 1e-4))
    start = np.log(middle) - np.diag(logs) / 2
    due = np.trace(spread).clip(0)
    for _ in range(8):  # closing moves means, and narrows wide wants; move them back
        closed = _closed(start + _noise((2000, len(middle))) @ _factor(logs))
        start = start + np.log(middle / closed.mean(axis=0))
        logs = logs * np.clip(due / np.trace(np.cov(closed.T)), 0.5, 2)
    return start, logs


def _joined(seen: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    # One normal cloud: inside a whole by its own covariance, else by rank as seen.
    normal = _normal_scores(seen)
    spread = np.ones(seen.shape[1])
    with threadpool_limits(1):
        together = normal.T @ normal / len(normal)
        first = 0
        for block in blocks:
            own = slice(first, first + len(block))
            first += len(block)
            spread[own] = np.sqrt(np.diag(block))
            together[own, own] = block / np.outer(spread[own], spread[own])
        return _factor(together * np.outer(spread, spread))


def _factor(covariance: np.ndarray) -> np.ndarray:
    with threadpool_limits(1):
        variances, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(variances, 0, None))).T


def _closed(logs: np.ndarray) -> np.ndarray:
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def lines_a_purchase(
    first: pd.DataFrame, second: pd.DataFrame, *, columns: list[str], lines: str
) -> float:
    """Say how many lines tell as much as one independent purchase, 1 or more.

    Lines of one basket go together, and dear ones weigh more. `first` and `second` hold
    the same customers in two halves of the time: their shares differ by the multinomial
    variance of both, times this number. 1 where nobody has two lines in both.
    """
    both = (first[lines] > 1).to_numpy() & (second[lines] > 1).to_numpy()
    if not both.any():
        return 1.0
    one, two = (half[both] for half in (first, second))
    shares = [half[columns].fillna(0).to_numpy(float) for half in (one, two)]
    mean, apart = (shares[0] + shares[1]) / 2, (shares[0] - shares[1]) ** 2
    each = (1 / one[lines].to_numpy(float) + 1 / two[lines].to_numpy(float))[:, None]
    # The mean of two noisy shares hides some of their own variance: p (1 - p) is that
    # of the mean plus a quarter of the squared difference.
    due = ((mean * (1 - mean) + apart / 4) * each).sum()
    return max(float(apart.sum() / due), 1.0) if due > 0 else 1.0
