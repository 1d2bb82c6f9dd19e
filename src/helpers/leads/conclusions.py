"""Conclude how to type newcomers and whom to call first, in a finding."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.disclosure.suppression import many, part
from helpers.display import words
from helpers.display.findings import Finding
from helpers.features.labels import plain


def found(by_segment: pd.DataFrame, names: Mapping[int, str]) -> dict[str, object]:
    """Give the segments of which most and fewest customers are found, and their shares."""
    table = by_segment.assign(name=by_segment["segment_id"].map(names))
    ends = {"most": table["recall"].idxmax(), "least": table["recall"].idxmin()}
    facts = {end: table.loc[at, "recall"] for end, at in ends.items()}
    return facts | {f"{end}_name": table.loc[at, "name"] for end, at in ends.items()}


def asked(questions: pd.DataFrame, *, majority: float) -> dict[str, object]:
    """Say what the list of `typing_tool.questions` brings, and whether it helps.

    It does where the interval lies above what is known without it, and above guessing.
    """
    start, end = questions.iloc[0], questions.iloc[-1]
    fields = list(map(plain, questions["fields"].iloc[1:]))
    return {
        "questions": len(fields),
        "first": fields[0],
        "asked": ", ".join(fields),
        "before": start["right"],
        "after": end["right"],
        "raise": end["right"] > start["right"],
        "helps": end["low"] > max(start["right"], majority),
    }


def typing(
    branch: str,
    right: pd.DataFrame,
    chosen: pd.Series | None,
    **said: object,
) -> Finding:
    """Conclude whether to name segments, by the verdict (`typing_tool.verdict`).

    `right` compares the classifier, its first row, with the best field, its second;
    `chosen` is the row of `confidence_table` in use, if segments may be named.
    """
    whole, rival = right.iloc[0], right.iloc[1]
    named = ["typed", "right", "low", "high"]
    given = dict.fromkeys(named, 0) if chosen is None else dict(chosen[named])
    return words.finding(
        "typing",
        branch=branch,
        field=rival["way"].removeprefix("one field: "),
        field_agreement=rival["agreement"],
        typed=given["typed"],
        right=given["right"],
        right_low=given["low"],
        right_high=given["high"],
        **whole[["agreement", "low", "high", "majority"]],
        **said,
    )


def scoring(
    validation: pd.DataFrame,
    parts: pd.DataFrame,
    first: Mapping[str, float],
    *,
    open_leads: int,
    held: float,
    **said: object,
) -> Finding:
    """Conclude in which order to work leads.

    `validation` compares the model, its first row, with the best field, its second;
    `parts` is of `lead_scoring.calibration`, `first` of `lead_scoring.first_ones`;
    `held` is the rank correlation of worth.
    """
    model, field = validation.iloc[0], validation.iloc[1]
    return words.finding(
        "leads",
        orders=orders(validation),
        auc=model["auc"],
        low=model["low"],
        high=model["high"],
        field=field["score"],
        field_auc=field["auc"],
        wins=part(first["wins_first"], of=first["wins"]),
        worth_share=first["worth_share"],
        open=many(open_leads).capitalize() if open_leads else "none",
        held=0 if np.isnan(held) else held,
        **calibrated(parts),
        **said,
    )


def orders(validation: pd.DataFrame) -> bool:
    """Say whether the model, the first row, orders leads beyond chance."""
    return bool(validation["low"].iloc[0] > 0.5)


def calibrated(parts: pd.DataFrame) -> dict[str, int]:
    """Count the parts in which the predicted chance lies in the interval."""
    inside = parts["predicted"].between(parts["low"], parts["high"])
    return {"inside": int(inside.sum()), "parts": len(parts)}
