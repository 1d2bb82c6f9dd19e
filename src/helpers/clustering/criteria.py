"""Decide on a number of segments by criteria that were written down beforehand."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.core import paths, store
from helpers.core.errors import BadInput, TooLittle
from helpers.runs.run_file import AUTO

NOT_USABLE = "not usable"
NOT_LOOKED_FOR = "not looked for"
# The criteria that decide, and how each is said to be missed.
MEASURED = {
    "smallest": "the smallest group holds {:.1%} of customers ({:.0%} needed)",
    "agreement": "repeated studies agree by {:.2f} ({:g} needed)",
    "weakest": "the weakest group is found again by {:.2f} ({:g} needed)",
    "gain": "of later purchases they explain {:+.1%} compared with spend quintiles "
    "({:+.0%} needed)",
}
# What the verdict asks to lie beyond the references.
GROUNDS = ("silhouette", "agreement", "prediction_strength")


def measure(
    labels: Mapping[int, ArrayLike],
    *,
    agreement: pd.Series,
    recovery: pd.DataFrame,
    gain: pd.Series,
) -> pd.DataFrame:
    """Gather the criteria that decide on the number of segments, indexed by k.

    A column for each of `MEASURED`: smallest (share of customers in the smallest
    segment), agreement (mean adjusted Rand index of pairs of resampled studies),
    weakest (the least mean `jaccard` of a segment with its match in them) and gain
    (share of a later outcome explained, less that of spend quintiles).
    """
    held = {k: pd.Series(own).value_counts(normalize=True) for k, own in labels.items()}
    return pd.DataFrame(
        {
            "smallest": {k: shares.min() for k, shares in held.items()},
            "agreement": agreement,
            "weakest": recovery.groupby("k")["jaccard"].min(),
            "gain": gain,
        }
    )


def passes(criteria: pd.DataFrame, least: Mapping[str, float]) -> pd.Series:
    """Say at each k whether every criterion reaches its least value."""
    return (criteria[list(least)] >= pd.Series(least)).all(axis=1)


def verdict(
    *,
    beyond: Mapping[str, float],
    silhouette: float,
    strength: float,
    strength_error: float,
    alpha: float,
    least_silhouette: float,
    least_strength: float,
    p_weeks: float = np.nan,
    told_low: float = np.nan,
) -> str:
    """Say in one word what kind of segmentation the evidence allows.

    - not usable: the agreement between odd and even weeks is no more than chance
      (`p_weeks`), or nothing later is explained beyond chance (`told_low`, the lower
      end of its interval); either is missing where it could not be judged.
    - natural: silhouette, agreement and prediction_strength lie beyond the references
      (p-values `beyond`), the silhouette reaches `least_silhouette`, and strength and
      its standard error reach `least_strength`: customers come in kinds. With enough
      customers the slightest structure lies beyond references; Kaufman and Rousseeuw
      (1990, Finding groups in data) see none in a silhouette below 0.25. Of prediction
      strength Tibshirani and Walther (2005, Cluster validation by prediction strength)
      ask 0.8 to 0.9 and add one standard error (R's fpc adds none).
    - reproducible: the agreement lies beyond the references: segments come back more
      often than correlation alone brings them back.
    - constructive: cuts through one cloud, which may be useful and are not discovered.

    The terms are those of Dolnicar, Gruen and Leisch (2018), Market segmentation
    analysis; the rules are this study's.
    """
    absent = [name for name in GROUNDS if name not in beyond]
    if absent:
        raise BadInput(
            f"The verdict needs p-values of {GROUNDS}; {absent} are missing."
        )
    if p_weeks > alpha or told_low <= 0:
        return NOT_USABLE
    firm = strength + strength_error >= least_strength
    clear = silhouette >= least_silhouette
    if firm and clear and all(beyond[name] <= alpha for name in GROUNDS):
        return "natural"
    return "reproducible" if beyond["agreement"] <= alpha else "constructive"


@dataclass(frozen=True)
class Decision:
    """A number of segments, and how it came about."""

    k: int
    by_criteria: int | None  # None where every number is knocked out
    overridden: bool  # the run file sets another number
    runner_up: int | None  # what the criteria take if `k` is left out
    verdict: str  # at `k`; not usable if all are knocked out and the run file sets none

    def __str__(self) -> str:
        """Say the decision in a sentence or two."""
        if self.overridden:
            took = self.by_criteria or "none"
            how = f"set in the run file and not by the criteria, which take {took}"
        elif self.by_criteria is None:
            how = "the fewest, shown as evidence, since no number meets the criteria"
        else:
            how = "by the criteria"
        runner_up = self.runner_up or "none"
        return (
            f"{self.k} segments: {how}. Runner-up: {runner_up}. The segmentation is "
            f"{self.verdict}."
        )

    def to_dict(self) -> dict:
        """Return the decision as plain data for JSON."""
        return asdict(self)


def write(decided: Decision | None, *, run: str, why: str = "", **more: object) -> None:
    """Save the decision, and `more` beside it, for the notebooks that follow.

    It is None where segments were not looked for; `why` says in a sentence why no
    segments are handed on, and is empty if they are.
    """
    content = decided.to_dict() if decided else {"verdict": NOT_LOOKED_FOR}
    content |= {"usable": not why, "why": why} | ({"k": None} if why else {}) | more
    store.write_json(content, paths.processed(run) / "decision.json")


def read(*, run: str) -> dict:
    """Read what `write` saved: k, verdict, usable and why among others."""
    return store.read_json(
        paths.processed(run) / "decision.json", made_by="03_clustering_choice"
    )


def need_segments(*, run: str) -> None:
    """Raise TooLittle with notebook 3's reason if it hands on no needs segments."""
    if why := read(run=run)["why"]:
        raise TooLittle(why)


def decide(criteria: pd.DataFrame, *, k: int | str) -> Decision:
    """Choose the number of segments, and a runner-up by the same order.

    `criteria` are indexed by the numbers tried, with passes (bool) and verdict. A
    number `k` overrides them; "auto" takes the largest number of natural segments that
    passes; if there is none, the largest that passes; if none passes, none: the fewest
    are then shown as evidence, and are not usable.
    """
    tried = criteria.index.astype(int)
    if k != AUTO and k not in tried:
        raise BadInput(
            f"k is {k!r}. Choose a number from {min(tried)} to {max(tried)}, or "
            f'"{AUTO}" to let the criteria decide.'
        )
    first = _taken(criteria)
    chosen = int(k) if k != AUTO else first or int(min(tried))
    knocked_out = k == AUTO and first is None
    return Decision(
        k=chosen,
        by_criteria=first,
        overridden=k not in (AUTO, first),
        runner_up=_taken(criteria.drop(index=chosen)),
        verdict=NOT_USABLE if knocked_out else str(criteria.loc[chosen, "verdict"]),
    )


def reasons_against(
    criteria: pd.DataFrame,
    decided: Decision,
    *,
    least: Mapping[str, float],
    alpha: float,
) -> list[str]:
    """Say why no segments are handed on, in sentences; nothing if they are.

    They are what speaks against the number that misses the fewest criteria. `criteria`
    are indexed by k, with p_weeks and told_low; `alpha` is the largest p beyond chance.
    """
    if decided.verdict != NOT_USABLE:
        return []
    missed = criteria[list(least)].lt(pd.Series(least)) | criteria[list(least)].isna()
    chance = (criteria["p_weeks"] > alpha) | (criteria["told_low"] <= 0)
    faults = missed.sum(axis=1) + chance
    nearest = decided.k if decided.overridden else faults.idxmin()
    row = criteria.loc[nearest]
    reasons = []
    if row["p_weeks"] > alpha:
        reasons.append(
            "customers land in the same group in odd and in even weeks no more often "
            f"than by chance (p = {row['p_weeks']:.2f})"
        )
    if row["told_low"] <= 0:
        reasons.append("they explain nothing of later purchases beyond chance")
    for name in missed.columns[missed.loc[nearest]]:
        measured = pd.notna(row[name])
        said = MEASURED[name].format(row[name], least[name])
        reasons.append(said if measured else f"{name} could not be measured")
    first, *others = reasons
    return [
        f"We found no groups worth acting on: at {nearest} groups, which come nearest "
        f"to the criteria, {first}.",
        *(f"{other[:1].upper()}{other[1:]}." for other in others),
    ]


def _taken(criteria: pd.DataFrame) -> int | None:
    passing = criteria[criteria["passes"]]
    natural = passing[passing["verdict"] == "natural"]
    best = natural if len(natural) else passing
    return int(max(best.index)) if len(best) else None
