"""Write one message for each segment and stage, from templates and counted numbers."""

import string
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from helpers.core.errors import BadInput

COLUMNS = [
    *("segment_id", "segment", "stage", "customers"),
    *("aim", "offer", "message", "grade"),
]


@dataclass(frozen=True)
class Template:
    """What to do for customers of one stage.

    Parameters
    ----------
    aim : str
        What the message is for.
    offer : str
        What is offered; fields in braces, such as {item}, are filled from the facts.
    message : str
        What the customer reads, with such fields.
    grade : str
        What the advice rests on: associated or assumed (`cards.GRADES`).
    """

    aim: str
    offer: str
    message: str
    grade: str


def fields(template: Template) -> list[str]:
    """List the facts that a template asks for, each once."""
    parts = string.Formatter().parse(f"{template.offer} {template.message}")
    return list(dict.fromkeys(name for _, name, _, _ in parts if name))


def matrix(facts: pd.DataFrame, *, templates: Mapping[str, Template]) -> pd.DataFrame:
    """Fill the template of each segment's stage with the segment's numbers.

    Parameters
    ----------
    facts : DataFrame
        segment_id, segment (name), stage, customers, and every field that a template
        names; one row a segment and stage.
    templates : mapping
        Stage -> template.

    Returns
    -------
    DataFrame
        segment_id, segment, stage, customers, aim, offer, message, grade, in the order
        of `facts`.

    Raises
    ------
    BadInput
        If a stage has no template, a template asks for a fact that is not there, or a
        fact it needs is missing in a row: no message goes out with a hole in it.
    """
    for stage in facts["stage"].unique():
        if stage not in templates:
            raise BadInput(
                f"No template for stage {stage!r}; there are templates for "
                f"{', '.join(templates)}. Add one."
            )
        wanted = fields(templates[stage])
        if unknown := [name for name in wanted if name not in facts]:
            raise BadInput(
                f"The template for stage {stage!r} asks for {unknown[0]!r}; the facts "
                f"are {', '.join(facts.columns)}."
            )
        holes = facts.loc[facts["stage"] == stage, wanted].isna()
        if holes.any(axis=None):
            name = holes.columns[holes.any()][0]
            raise BadInput(
                f"The template for stage {stage!r} asks for {name!r}, which is missing "
                f"for segment {facts.loc[holes[name].idxmax(), 'segment_id']}. Leave "
                "the row out or give the fact."
            )
    rows = [_filled(row, templates) for row in facts.to_dict("records")]
    return pd.DataFrame(rows, columns=COLUMNS)


def _filled(row: dict, templates: Mapping[str, Template]) -> dict:
    template = templates[row["stage"]]
    kept = {name: row[name] for name in COLUMNS[:4]}
    return kept | {
        "aim": template.aim,
        "offer": template.offer.format_map(row),
        "message": template.message.format_map(row),
        "grade": template.grade,
    }
