"""Prepare features for clustering by fitted steps that treat new customers alike."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd

from helpers.core.errors import BadInput

# How far a column's spread is levelled: it is divided by its deviation to this power.
SCALINGS = {"none": 0.0, "pareto": 0.5, "standard": 1.0}
# Features of how customers order, for runs whose needs say nothing.
SHAPE = (
    *("sales_per_order", "lines_per_order", "pieces_per_order", "repeat_share"),
    *("weekend_share", "morning_share", "evening_share", "discount_depth"),
)
FLAT = 1e-12  # a spread below it is the noise of the last digit


@dataclass(frozen=True)
class Preparation:
    """Fitted steps: shrink shares to the population, root, winsorise, centre, scale.

    For a customer with share s of weight t (such as sales), population share p and
    prior weight m, the shrunk share is (s t + m p) / (t + m): the posterior mean of a
    multinomial share under a Dirichlet prior of weight m. Its square root (the
    Hellinger transform) spreads small shares; it is cut to [lower, upper], and (root -
    mean) / divisor is the score. Each list has a value a column.
    """

    columns: list[str]
    weights: list[str]  # columns that count what these are shares of; empty: none
    priors: list[float]  # m in the unit of the weight; 0 leaves shares as they are
    population: list[float]
    lower: list[float]
    upper: list[float]
    mean: list[float]
    divisor: list[float]

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """Score customers around 0, or raise BadInput where something is missing."""
        roots = _roots(
            features, self.columns, self.weights, self.priors, self.population
        )
        scores = (roots.clip(self.lower, self.upper) - self.mean) / self.divisor
        return pd.DataFrame(scores, index=features.index, columns=self.columns)

    @property
    def flat(self) -> list[str]:
        """Columns that were the same for all after winsorising: they score 0."""
        limits = zip(self.columns, self.lower, self.upper, strict=True)
        return [name for name, lower, upper in limits if upper - lower < FLAT]

    def to_dict(self) -> dict:
        """Return the fitted steps as plain data for JSON."""
        return asdict(self)


def nothing() -> Preparation:
    """Return steps for no column: what a model without needs segments prepares."""
    return Preparation(*([] for _ in fields(Preparation)))


def fit(
    features: pd.DataFrame,
    *,
    weights: Mapping[str, str],
    priors: Mapping[str, float],
    winsor: float,
    scaling: str,
    shrink: float = 1.0,
) -> Preparation:
    """Fit the steps on the customers of the training window.

    `weights`: column to prepare -> column it is a share of, empty for no share;
    `priors`: weight column -> how much of it the population's shares count for, in its
    unit, `shrink` times. `winsor`: share of customers at each end that is cut to the
    quantile. `scaling`: none leaves needs of wide spread to rule, standard gives rare
    ones the same say with their noise, pareto lies between. Raises BadInput without a
    customer, or with values missing or below 0.

    Legendre and Gallagher (2001), Ecologically meaningful transformations for
    ordination of species data (Hellinger); van den Berg et al. (2006), Centering,
    scaling, and transformations (Pareto scaling).
    """
    if scaling not in SCALINGS:
        raise ValueError(
            f"scaling must be one of {list(SCALINGS)}, but {scaling!r} was passed."
        )
    columns = list(weights)
    if not columns:
        return nothing()
    _refuse(features, weights)
    if features.empty:
        raise BadInput(
            "Table features: no customer is left to prepare. Lower min_orders or "
            "min_lines in 02_feature_engineering, or choose a longer window."
        )
    own = [float(shrink * priors.get(weight, 0.0)) for weight in weights.values()]
    population = _population(features, weights)
    roots = _roots(features, columns, list(weights.values()), own, population)
    lower, upper = np.quantile(roots, [winsor, 1 - winsor], axis=0)
    cut = roots.clip(lower, upper)
    deviation = cut.std(axis=0)
    spread = np.where(deviation < FLAT, 1.0, deviation)
    return Preparation(
        columns=columns,
        weights=list(weights.values()),
        priors=own,
        population=population,
        lower=lower.tolist(),
        upper=upper.tolist(),
        mean=cut.mean(axis=0).tolist(),
        divisor=(spread ** SCALINGS[scaling]).tolist(),
    )


def sort_out(
    features: pd.DataFrame, *, weights: Mapping[str, str], **steps: object
) -> tuple[dict[str, str], dict[str, str]]:
    """Leave out the columns that cannot tell these customers apart; as for `fit`.

    Returns the weights of the columns that are left; and column -> why it is not.
    """
    why = {}
    for column, weight in weights.items():
        known = features.loc[features[weight] > 0] if weight else features
        if known[column].isna().any():
            why[column] = "unknown for some customers"
        elif (known[column] < 0).any():
            why[column] = "below 0 for some customers"
    left = {name: weights[name] for name in weights if name not in why}
    flat = fit(features, weights=left, **steps).flat if len(features) else list(left)
    why |= dict.fromkeys(flat, "the same for nearly all customers")
    return {name: weights[name] for name in weights if name not in why}, why


def choose(
    features: pd.DataFrame, *, weights: Mapping[str, str], **steps: object
) -> tuple[dict[str, str], dict[str, str]]:
    """Choose what builds the segments, as `sort_out`: these columns, or `SHAPE`.

    The shape of orders does where fewer than two columns can tell customers apart.
    """
    left, why = sort_out(features, weights=weights, **steps)
    if len(left) < 2:
        shape = {name: "" for name in SHAPE if name in features}
        left, more = sort_out(features, weights=shape, **steps)
        why |= more
    return left, why


def _population(features: pd.DataFrame, weights: Mapping[str, str]) -> list[float]:
    """Average each column over customers, by its weight."""
    found = dict.fromkeys(weights, 0.0)
    for weight in dict.fromkeys(weights.values()):
        columns = [column for column in weights if weights[column] == weight]
        values = features[columns].to_numpy(float)
        size = features[weight].to_numpy(float) if weight else np.ones(len(features))
        values = np.where(size[:, None] > 0, values, 0.0)
        average = (values * size[:, None]).sum(axis=0) / max(size.sum(), 1e-12)
        found |= dict(zip(columns, average.tolist(), strict=True))
    return list(found.values())


def _roots(
    features: pd.DataFrame,
    columns: list[str],
    weights: list[str],
    priors: list[float],
    population: list[float],
) -> np.ndarray:
    _refuse(features, dict(zip(columns, weights, strict=True)))
    values = features[columns].to_numpy(float)
    size = np.ones_like(values)
    for weight in set(weights) - {""}:
        own = np.array([one == weight for one in weights])
        size[:, own] = features[weight].to_numpy(float)[:, None]
    prior, middle = np.array(priors), np.array(population)
    # Of nothing there is no share: such a customer counts as average.
    values = np.where(size > 0, values, 0.0)
    shrunk = (values * size + prior * middle) / np.where(size > 0, size + prior, 1.0)
    return np.sqrt(np.where(size > 0, shrunk, middle))


def _refuse(features: pd.DataFrame, weights: Mapping[str, str]) -> None:
    _refuse_missing(features, [*weights, *filter(None, weights.values())], weights)
    then = "Leave it out of the columns to prepare."
    for name in weights:
        what = f"column {name} is below 0 and has no root"
        _refuse_rows(features, features[name] < 0, what, then)


def _refuse_missing(
    features: pd.DataFrame, columns: Iterable[str], weights: Mapping[str, str]
) -> None:
    then = "Leave out customers with too little data first."
    for name in dict.fromkeys(columns):
        if name not in features:
            raise BadInput(
                f"Table features: column {name} is missing. Run "
                "02_feature_engineering again (make report)."
            )
        missing = features[name].isna()
        if weights.get(name) in features:
            missing &= features[weights[name]].gt(0)  # of nothing there is no share
        _refuse_rows(features, missing, f"column {name} is missing", then)


def _refuse_rows(
    features: pd.DataFrame, wrong: pd.Series, what: str, then: str
) -> None:
    if wrong.any():
        rows = ", ".join(map(str, features.index[wrong][:3]))
        raise BadInput(
            f"Table features: {what} for {int(wrong.sum()):,} customers (rows {rows}). "
            f"{then}"
        )


def deal_index(features: pd.DataFrame, *, parts: dict[str, dict]) -> pd.Series:
    """Average the winsorised standard scores of the parts, from `fit_deal_index`.

    0 is the average customer, 1 is one standard deviation more in every part. Missing
    if there is no part, or one is missing.
    """
    if not parts:
        return pd.Series(np.nan, index=features.index, name="deal_index")
    scores = [
        (features[column].clip(p["lower"], p["upper"]) - p["mean"]) / p["deviation"]
        for column, p in parts.items()
    ]
    return pd.concat(scores, axis=1).mean(axis=1, skipna=False).rename("deal_index")


def fit_deal_index(
    features: pd.DataFrame, *, columns: list[str], winsor: float
) -> dict[str, dict]:
    """Fit the parts of `deal_index`: lower, upper, mean and deviation of each column.

    `winsor` is the share of customers at each end that is cut to the quantile. Raises
    BadInput if a column is missing, lacks values or is the same for everyone.
    """
    _refuse_missing(features, columns, {})
    parts = {}
    for column in columns:
        lower, upper = features[column].quantile([winsor, 1 - winsor])
        cut = features[column].clip(lower, upper)
        parts[column] = {
            "lower": float(lower),
            "upper": float(upper),
            "mean": float(cut.mean()),
            "deviation": float(cut.std(ddof=0)),
        }
    if flat := [name for name in parts if parts[name]["deviation"] < FLAT]:
        raise BadInput(
            f"Table features: column {', '.join(flat)} is the same for all "
            f"{len(features):,} customers after winsorising and cannot tell customers "
            "apart. Leave it out of the columns to prepare."
        )
    return parts
