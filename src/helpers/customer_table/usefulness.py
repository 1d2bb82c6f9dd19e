"""Say what segments are good for: outcomes that did not build them, and rival groupings."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.clustering import predictive_validity
from helpers.clustering.predictive_validity import Outcome, labelled

TOGETHER = "all outcomes together"
TIERS, BEST_COLUMN, RANDOM = "value tiers", "single best column", "random label"
SCORES = "all continuous scores"
_EXPLAINED = " (share explained)"  # beside the same outcome, scored by order alone
KNOWN = 0.5  # least share of customers of whom an outcome that chooses is known
_LEANS = 2.0  # skewness from which an amount is judged by its logarithm


def outcomes(table: pd.DataFrame, attributes: pd.DataFrame) -> list[Outcome]:
    """Turn each outcome of a customer table into something to be predicted.

    `table` is `outcomes` of notebook 2; `attributes` has attribute, label and measure.
    A customer of whom an outcome is missing is not judged by it. An amount that leans
    far to the right, and is never negative, is judged by log(1 + amount).
    """
    about = attributes.set_index("attribute")
    found = []
    for name, column in table.drop(columns="customer_id").items():
        label, known = str(about.loc[name, "label"]), column.notna()
        kind, values = "amount", column.to_frame()
        if about.loc[name, "measure"] == "yes_no":
            kind, values = "yes_no", values == 1
        elif column.min() >= 0 and column.skew() > _LEANS:
            label, values = f"{label} (log)", np.log1p(values)
        found.append(Outcome(label, kind, values, known))
    return found


def aim(asked: Sequence[Outcome], *, folds: int) -> Outcome | None:
    """Join outcomes into the one that segments are chosen by; None if none can be judged.

    Each is standardised, so that all count alike, and is explained as an amount: of a
    yes or no the share explained is that of its squared error (Brier's skill). Only
    those known of half of the customers are joined; where these are never known
    together, or there is none, the one known of most stands alone.
    """
    judged = [
        one for one in asked if not predictive_validity.not_judged(one, folds=folds)
    ]
    if not judged:
        return None
    most = max(judged, key=lambda one: one.among.sum())
    joined = [one for one in judged if one.among.mean() >= KNOWN]
    if len(joined) > 1:
        among = pd.concat([one.among for one in joined], axis=1).all(axis=1)
        parts = [_standard(one, among) for one in joined]
        together = Outcome(TOGETHER, "mix", pd.concat(parts, axis=1), among)
        if among.mean() >= KNOWN and not predictive_validity.not_judged(
            together, folds=folds
        ):
            return together
    if most.kind == "yes_no":
        parts = _standard(most, most.among)
        return Outcome(f"{most.name}{_EXPLAINED}", "amount", parts, most.among)
    return most


def plain(name: str) -> str:
    """Name the outcome that an `aim` is about."""
    return name.removesuffix(_EXPLAINED)


def _standard(outcome: Outcome, among: pd.Series) -> pd.DataFrame:
    """Scale an outcome so that its columns have a variance of 1 together."""
    values = outcome.values.astype(float)  # noqa: PD011 (a field of its own)
    spread = np.sqrt(values[among].var(ddof=0).sum()) or 1.0
    scaled = ((values - values[among].mean()) / spread).where(among, 0.0)
    return scaled.add_prefix(f"{outcome.name}: ")


def designs(
    segments: Mapping[str, ArrayLike],
    scores: pd.DataFrame,
    *,
    tiers: pd.Series | None,
    k: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Give what could serve as a segment, as designs of `predictive_validity.benchmark`.

    `segments` are labels by name, those handed on first; `tiers` are missing in a table
    without a value. The single best column is no design of its own: it is chosen inside
    each fold, from :func:`levels`.
    """
    chance = np.random.default_rng(seed).integers(0, k, len(scores))
    found = {name: labelled(label) for name, label in segments.items()}
    if tiers is not None:
        found[TIERS] = labelled(tiers)
    components = predictive_validity.component_designs(scores.to_numpy(), k=k)
    return found | {RANDOM: labelled(chance)} | components | {SCORES: scores}


def base(people: pd.DataFrame, value: str) -> pd.DataFrame:
    """Give what is known of customers without any grouping: the value, if there is one."""
    if not value:
        return pd.DataFrame({"nothing": np.zeros(len(people))})
    known = people[value].fillna(people[value].median())
    return np.log1p(known.clip(lower=0)).to_frame()


def levels(
    features: pd.DataFrame, measures: Mapping[str, str], *, parts: int
) -> pd.DataFrame:
    """Turn each column that builds into one label: its levels, or equal `parts` of it.

    `measures` are by column. Missing is a level of its own.
    """
    found = {}
    for name, measure in measures.items():
        column = features[name]
        if measure in ("number", "count", "share"):
            known = column.dropna()
            label = predictive_validity.quantiles(known, parts=parts)
            found[name] = label.reindex(column.index)
        else:
            found[name] = column.astype(object).map(str, na_action="ignore")
    return pd.DataFrame(found, index=features.index).astype(object)


def style(levels: np.ndarray, labels: ArrayLike) -> dict[str, float]:
    """Say how far segments are a style of answering.

    `levels` are of `null_references.answering_levels`, 0 to 1. Gives explained (share of
    their variance that the segments explain, corrected for their number), least and
    most (mean level of the segments that agree least and most).
    """
    level = pd.Series(levels)
    of_segment = level.groupby(np.asarray(labels))
    means = of_segment.mean()
    inside = ((level - of_segment.transform("mean")) ** 2).sum()
    total = ((level - level.mean()) ** 2).sum()
    free = (len(level) - 1) / max(len(level) - len(means), 1)
    explained = max(1 - free * inside / total, 0.0) if total else 0.0
    return {"explained": explained, "least": means.min(), "most": means.max()}
