"""Conclude how to type newcomers and whom to call first, in a finding."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers.disclosure.suppression import many, part
from helpers.display import words
from helpers.display.findings import Finding
from helpers.features.labels import plain


def found(by_segment: pd.DataFrame, names: Mapping[int, str]) -> dict[str, Any]:
    """Give the segments of which most and fewest customers are found, and their shares."""
    table = by_segment.sort_values("recall", kind="stable")
    ends = {"least": table.iloc[0], "most": table.iloc[-1]}
    facts = {"shown": len(table)} | {end: row["recall"] for end, row in ends.items()}
    return facts | {f"{e}_name": names[row["segment_id"]] for e, row in ends.items()}


def asked(questions: pd.DataFrame, *, majority: float) -> dict[str, Any]:
    """Say what the list of `typing_tool.questions` brings, and whether it helps.

    It does where the interval lies above what is known without it, and above guessing.
    """
    start, end = questions.iloc[0], questions.iloc[-1]
    fields = list(map(plain, questions["fields"].iloc[1:]))
    facts = {"questions": len(fields), "first": fields[0], "asked": ", ".join(fields)}
    facts |= {"before": start["right"], "after": end["right"]}
    return facts | {"helps": end["low"] > max(start["right"], majority)}


def typing(
    branch: str, right: pd.DataFrame, chosen: pd.Series | None, **said: object
) -> Finding:
    """Conclude whether to name segments, by the verdict (`typing_tool.verdict`).

    `right` compares the classifier, its first row, with the best field, its second;
    `chosen` is the row of `confidence_table` in use, if segments may be named.
    """
    whole, rival = right.iloc[0], right.iloc[1]
    known = {name: 0 if chosen is None else chosen[name] for name in ("typed", "right")}
    for end in ("low", "high"):
        known[f"right_{end}"] = 0 if chosen is None else chosen[end]
    known |= {"field": rival["way"].removeprefix("one field: ")}
    known |= {"field_agreement": rival["agreement"]}
    ends = whole[["agreement", "low", "high", "majority"]]
    return words.finding("typing", branch=branch, **known, **ends, **said)


def scoring(
    validation: pd.DataFrame,
    first: Mapping[str, Any],
    *,
    held: float,
    open_leads: int,
    **said: object,
) -> Finding:
    """Conclude in which order to work leads.

    `validation` compares the model, its first row, with the best field, its second;
    `first` is of `lead_scoring.first_ones`, `held` the rank correlation of worth. Said
    is also what :func:`calibrated` counts.
    """
    model, field = validation.iloc[0], validation.iloc[1]
    said |= {"held": 0 if np.isnan(held) else held}
    said |= {"open": many(open_leads).capitalize() if open_leads else "none"}
    facts: dict[str, Any] = {
        "orders": orders(validation),
        "worth_share": first["worth_share"],
    }
    facts |= {"wins": part(first["wins_first"], of=first["wins"])}
    facts |= {"field": field["score"].removeprefix("one field: ")}
    facts |= {"field_auc": field["auc"], **model[["auc", "low", "high"]]}
    return words.finding("leads", **facts, **said)


def orders(validation: pd.DataFrame) -> bool:
    """Say whether the model, the first row, orders leads beyond chance."""
    return bool(validation["low"].iloc[0] > 0.5)


def calibrated(parts: pd.DataFrame) -> dict[str, int]:
    """Count the parts in which the predicted chance lies in the interval."""
    inside = parts["predicted"].between(parts["low"], parts["high"])
    return {"inside": int(inside.sum()), "parts": len(parts)}
