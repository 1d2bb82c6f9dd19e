"""Turn columns of any measure into scores that distances are measured on."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from helpers.core.errors import BadInput

NUMBERS = ("number", "count", "share")  # measured on a scale of their own
BLOCKS = ("mfa", "none")  # how families of columns are weighed
# Answers of yes or no count by half a point: of rare ones the difference is rare too.
HALF = 0.5
SKEWED = 1.0  # skewness from which a number without negatives is levelled
FLAT = 1e-9  # a spread below it is the noise of the last digit


@dataclass(frozen=True)
class Column:
    """One column that builds the segments, and what its values go through."""

    name: str
    measure: str  # number, count, share, yes_no, ordered or unordered
    block: str  # its family
    levels: list[str]  # of unordered ones in their order, words of the codes of others
    transform: str  # none, log (of 1 + value) or root
    lower: float  # limits after the transform
    upper: float
    mean: list[float]  # after both; of unordered ones the share of each level
    spread: float  # standard deviation after both; 1 of unordered ones
    # A score is (value - mean) / divisor, one for each level of unordered ones. It holds
    # the weight of the block.
    divisor: list[float]

    @property
    def numeric(self) -> bool:
        """Say whether differences of its values mean something."""
        return self.measure != "unordered"

    @property
    def scores(self) -> list[str]:
        """Name its scores."""
        return (
            [self.name]
            if self.numeric
            else [f"{self.name}: {level}" for level in self.levels]
        )

    def value(self, raw: np.ndarray) -> np.ndarray:
        """Transform and cut values; what is missing stays so, codes of levels too."""
        if not self.numeric:
            return raw
        return np.clip(levelled(raw, self.transform), self.lower, self.upper)

    def back(self, value: np.ndarray) -> np.ndarray:
        """Undo the transform."""
        if self.transform == "log":
            return np.expm1(value)
        return value**2 if self.transform == "root" else value


def levelled(raw: np.ndarray, transform: str) -> np.ndarray:
    """Transform values; negative ones have no root and no logarithm: they count as 0."""
    if transform == "none":
        return raw
    floored = np.maximum(raw, 0)
    return np.log1p(floored) if transform == "log" else np.sqrt(floored)


@dataclass(frozen=True)
class Preparation:
    """Fitted steps from the columns of a customer table to scores, as plain data."""

    columns: list[Column]

    @property
    def names(self) -> list[str]:
        """Name the scores."""
        return [name for column in self.columns for name in column.scores]

    def raw(self, features: pd.DataFrame) -> np.ndarray:
        """Read customers x columns: numbers as they are, levels as codes, or missing."""
        return read(features, [(c.name, c.measure, c.levels) for c in self.columns])

    def values(self, raw: np.ndarray) -> np.ndarray:
        """Transform and cut what `raw` gave."""
        every = [c.value(raw[:, i]) for i, c in enumerate(self.columns)]
        return np.column_stack(every)

    def scored(self, raw: np.ndarray) -> np.ndarray:
        """Score what `raw` gave, customers x scores. Missing is 0, as the average is."""
        values, parts = self.values(raw), []
        for i, column in enumerate(self.columns):
            value = values[:, [i]]
            if not column.numeric:
                known = ~np.isnan(value)
                same = value == np.arange(len(column.levels))
                value = np.where(known, same, np.nan)
            parts.append((value - column.mean) / column.divisor)
        return np.nan_to_num(np.hstack(parts), nan=0.0)

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """Score customers around 0: a column for each number, or level of unordered ones."""
        scores = self.scored(self.raw(features))
        return pd.DataFrame(scores, index=features.index, columns=self.names)

    def known(self, features: pd.DataFrame) -> pd.Series:
        """Say what share of the columns is known of each customer, 0 to 1."""
        known = ~np.isnan(self.raw(features))
        return pd.Series(known.mean(axis=1), index=features.index, name="known")

    def to_dict(self) -> dict:
        """Return the steps as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict) -> "Preparation":
        """Read what `to_dict` gave."""
        return cls([Column(**column) for column in content["columns"]])


Told = Sequence[tuple[str, str, list[str]]]  # name, measure and levels of each column


def told(dictionary: pd.DataFrame) -> list[tuple[str, str, list[str]]]:
    """Read name, measure and levels from rows of the feature dictionary."""
    levels = [json.loads(text) if text else [] for text in dictionary["levels"]]
    return list(zip(dictionary["feature"], dictionary["measure"], levels, strict=True))


def read(features: pd.DataFrame, columns: Told) -> np.ndarray:
    """Read customers x columns of the feature table; an unknown level is missing."""
    parts = []
    for name, measure, levels in columns:
        if measure == "unordered":
            codes = pd.Index(levels).get_indexer(features[name].astype(object))
            parts.append(np.where(codes < 0, np.nan, codes.astype(float)))
        else:
            parts.append(features[name].to_numpy(float, na_value=np.nan))
    return np.column_stack(parts) if parts else np.empty((len(features), 0))


def fit(
    features: pd.DataFrame,
    *,
    dictionary: pd.DataFrame,
    winsor: float,
    weights: np.ndarray | None = None,
    blocks: str = "mfa",
) -> Preparation:
    """Fit the steps on the columns of a customer table that build.

    `dictionary` are rows of the feature dictionary: feature, measure, family, levels.
    `winsor` is the share of customers cut at each end of a number; `weights` say how
    much each customer counts. BadInput if a column is the same for all.
    """
    columns = told(dictionary)
    raw = read(features, columns)
    return fit_raw(raw, columns, list(dictionary["family"]), winsor, weights, blocks)


def fit_raw(
    raw: np.ndarray,
    columns: Told,
    families: Sequence[str],
    winsor: float,
    weights: np.ndarray | None = None,
    blocks: str = "mfa",
) -> Preparation:
    """As `fit`, from what `read` gave.

    Numbers, counts and shares without negatives that lean to the right (skewness above
    1) are levelled, by log(1 + x) or, shares, by the root; cut; and divided by their
    standard deviation. Ordered levels count as 0, 1, 2. Yes and no differ by two
    half points, whatever their share; two levels of an unordered column as much. What a
    column that is the same for all would add is 0. With `blocks` "mfa" each family is
    divided by the deviation of its first principal component, so that twenty items that
    say the same weigh no more than two: Escofier and Pages (1994), Multiple factor
    analysis (AFMULT package).
    """
    counts = np.ones(len(raw)) if weights is None else np.asarray(weights, float)
    found = [
        _column(raw[:, i], counts, name, measure, levels, block, winsor)
        for i, ((name, measure, levels), block) in enumerate(
            zip(columns, families, strict=True)
        )
    ]
    prepared = Preparation(found)
    if blocks not in BLOCKS:
        raise ValueError(f"blocks must be one of {BLOCKS}, but {blocks!r} was passed.")
    return _balanced(prepared, raw, counts) if blocks == "mfa" else prepared


def _column(
    raw: np.ndarray,
    counts: np.ndarray,
    name: str,
    measure: str,
    levels: list[str],
    block: str,
    winsor: float,
) -> Column:
    known = ~np.isnan(raw) & (counts > 0)
    if not known.any():
        raise BadInput(f"Column {name} is missing for every customer. Leave it out.")
    value, weight = raw[known], counts[known]
    kept: dict[str, Any] = {
        "name": name,
        "measure": measure,
        "block": block,
        "levels": levels,
    }
    if measure == "unordered":
        share = np.bincount(value.astype(int), weight, minlength=len(levels))
        share = (share / share.sum()).tolist()
        each = [float(np.sqrt(HALF))] * len(levels)
        ends: dict[str, Any] = {"lower": 0.0, "upper": float(max(len(levels) - 1, 0))}
        return Column(
            **kept, transform="none", **ends, mean=share, spread=1.0, divisor=each
        )
    transform = _transform(value, measure)
    value = levelled(value, transform)
    lower, upper = value.min(), value.max()
    if measure in NUMBERS and winsor:
        cut = np.quantile(value, [winsor, 1 - winsor], method="higher")
        # A number that nearly all share would be cut to nothing.
        lower, upper = cut if cut[1] > cut[0] else (lower, upper)
    value = np.clip(value, lower, upper)
    mean = float(np.average(value, weights=weight))
    spread = float(np.sqrt(np.average((value - mean) ** 2, weights=weight)))
    spread = spread if spread > FLAT * max(abs(mean), 1.0) else 1.0
    return Column(
        **kept,
        transform=transform,
        lower=float(lower),
        upper=float(upper),
        mean=[mean],
        spread=spread,
        divisor=[HALF if measure == "yes_no" else spread],
    )


def _transform(value: np.ndarray, measure: str) -> str:
    if measure not in NUMBERS or value.min() < 0 or skewness(value) <= SKEWED:
        return "none"
    return "root" if measure == "share" else "log"


def skewness(value: np.ndarray) -> float:
    """Measure the third standardised moment; 0 of values that are all alike."""
    apart = value - value.mean()
    spread = apart.std()
    return float((apart**3).mean() / spread**3) if spread > 0 else 0.0


def _balanced(
    prepared: Preparation, raw: np.ndarray, counts: np.ndarray
) -> Preparation:
    """Divide the scores of each block by the deviation of its first component."""
    scores = prepared.scored(raw)
    owner = np.repeat(
        [c.block for c in prepared.columns], [len(c.scores) for c in prepared.columns]
    )
    largest = {}
    for block in dict.fromkeys(owner):
        part = scores[:, owner == block]
        spread = (part * counts[:, None]).T @ part / counts.sum()
        largest[block] = float(np.sqrt(max(np.linalg.eigvalsh(spread)[-1], 0.0)))
    columns = [
        replace(
            column,
            divisor=[d * (largest[column.block] or 1.0) for d in column.divisor],
        )
        for column in prepared.columns
    ]
    return Preparation(columns)


def shares_of_distance(prepared: Preparation, features: pd.DataFrame) -> pd.Series:
    """Say what share of the squared distance between customers each family holds."""
    variance = prepared.transform(features).var(ddof=0)
    owner = [column.block for column in prepared.columns for _ in column.scores]
    held = variance.groupby(owner, sort=False).sum()
    return held / held.sum()
