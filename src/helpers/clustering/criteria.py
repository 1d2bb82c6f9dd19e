"""Decide on a number of segments by criteria that were written down beforehand."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pandas as pd
from numpy.typing import ArrayLike

from helpers.core import paths, store
from helpers.core.errors import BadInput, TooLittle
from helpers.runs.run_file import AUTO

MADE_BY = "03_clustering_choice"
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
    """Gather the criteria that decide on the number of segments.

    Parameters
    ----------
    labels : mapping
        k -> the segment of each customer.
    agreement : Series
        Indexed by k: mean adjusted Rand index of pairs of resampled studies.
    recovery : DataFrame
        Columns k and jaccard: mean overlap of each segment with its match in them.
    gain : Series
        Indexed by k: share of a later outcome explained, less that of spend quintiles.

    Returns
    -------
    DataFrame
        Indexed by k, a column for each of `MEASURED`: smallest (share of customers in
        the smallest segment), agreement, weakest (the least recovery) and gain.
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
    p_weeks: float = float("nan"),
    told_low: float = float("nan"),
) -> str:
    """Say in one word what kind of segmentation the evidence allows.

    Parameters
    ----------
    beyond : mapping
        p-values against the references at the chosen number of segments, for
        silhouette, agreement (of resampled studies) and prediction_strength.
    silhouette : float
        Mean silhouette width of the customers, -1 to 1.
    strength, strength_error : float
        Prediction strength of the customers, 0 to 1, and its standard error.
    alpha : float
        Largest p-value that counts as beyond the references.
    least_silhouette : float
        Least silhouette of natural segments: with enough customers the slightest
        structure lies beyond references, and below 0.25 Kaufman and Rousseeuw see none.
    least_strength : float
        Least prediction strength of natural segments; the paper says 0.8 to 0.9 and
        adds one standard error, as is done here (R's fpc adds none).
    p_weeks : float
        p-value of the agreement between odd and even weeks against chance; missing
        where it could not be judged.
    told_low : float
        Lower end of the interval of what the segments explain of later purchases;
        missing where it could not be judged.

    Returns
    -------
    str
        not usable: the agreement between odd and even weeks is no more than chance,
        or nothing later is explained beyond chance. natural: all three lie beyond the references, the silhouette reaches
        `least_silhouette`, and strength and its error reach `least_strength`:
        customers come in kinds. reproducible: the agreement lies
        beyond the references: segments come back more often than correlation alone
        brings them back. constructive: neither: cuts through one cloud, which may be
        useful and are not discovered. A p-value that could not be measured is beyond
        nothing.

    Raises
    ------
    BadInput
        If `beyond` lacks one of the three.

    References
    ----------
    The terms are those of Dolnicar, Gruen and Leisch (2018), Market segmentation
    analysis; the rules are this study's. Prediction strength: Tibshirani and Walther
    (2005), Cluster validation by prediction strength. Silhouettes: Kaufman and
    Rousseeuw (1990), Finding groups in data.
    """
    absent = [name for name in GROUNDS if name not in beyond]
    if absent:
        raise BadInput(
            f"The verdict needs p-values of {GROUNDS}; {absent} are missing."
        )
    if p_weeks > alpha or told_low <= 0:
        return NOT_USABLE
    firm = strength + strength_error >= least_strength
    if (
        firm
        and silhouette >= least_silhouette
        and all(beyond[name] <= alpha for name in GROUNDS)
    ):
        return "natural"
    return "reproducible" if beyond["agreement"] <= alpha else "constructive"


@dataclass(frozen=True)
class Decision:
    """A number of segments, and how it came about.

    Parameters
    ----------
    k : int
        The number of segments decided for.
    by_criteria : int or None
        The number that the criteria take; None where every number is knocked out.
    overridden : bool
        Whether the run file sets another number than the criteria take.
    runner_up : int or None
        The number that the criteria take if `k` is left out.
    verdict : str
        natural, reproducible, constructive or not usable, as `verdict` says at `k`; not
        usable also where every number is knocked out and none is set in the run file.
    """

    k: int
    by_criteria: int | None
    overridden: bool
    runner_up: int | None
    verdict: str

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
    """Save the decision for the notebooks that follow.

    Parameters
    ----------
    decided : Decision or None
        None where segments were not looked for.
    run : str
        Name of the run.
    why : str
        Why no segments are handed on, as a sentence; empty if they are.
    **more : object
        Plain data to be kept beside it.
    """
    content = decided.to_dict() if decided else {"verdict": NOT_LOOKED_FOR}
    content |= {"usable": not why, "why": why} | ({"k": None} if why else {}) | more
    store.write_json(content, paths.processed(run) / "decision.json")


def read(*, run: str) -> dict:
    """Read what `write` saved: k, verdict, usable and why among others."""
    return store.read_json(paths.processed(run) / "decision.json", made_by=MADE_BY)


def need_segments(*, run: str) -> None:
    """Leave out the section that asks, if notebook 3 hands on no needs segments.

    Raises
    ------
    TooLittle
        With the reason that notebook 3 gave.
    """
    if why := read(run=run)["why"]:
        raise TooLittle(why)


def decide(criteria: pd.DataFrame, *, k: int | str) -> Decision:
    """Choose the number of segments.

    Parameters
    ----------
    criteria : DataFrame
        One row for each number of segments tried, which is the index, with the columns
        passes (bool: no criterion knocks it out) and verdict.
    k : int or str
        A number overrides the criteria; "auto" follows them: the largest number of
        natural segments that passes; if there is none, the largest that passes; if
        none passes, none: the fewest are then shown as evidence, and are not usable.

    Returns
    -------
    Decision
        With the runner-up by the same order.

    Raises
    ------
    BadInput
        If `k` is neither "auto" nor a number that was tried.
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
    """Say why no segments are handed on; nothing if they are.

    Parameters
    ----------
    criteria : DataFrame
        Indexed by k: the criteria, p_weeks and told_low.
    decided : Decision
        From `decide`.
    least : mapping
        Criterion -> least value that passes.
    alpha : float
        Largest p-value that counts as beyond chance.

    Returns
    -------
    list of str
        What speaks against the number of segments that misses the fewest criteria: in
        the first place one sentence, and then what else does.
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
