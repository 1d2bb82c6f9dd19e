"""Write customer lists for other programs: whole or not at all, safe in a spreadsheet."""

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from helpers.clustering.model import Model
from helpers.core import paths, store

# A spreadsheet runs a cell as a formula when it begins with one of these signs, also after
# blanks; some turn full-width and small forms into the plain ones. One whose cells end at
# another mark than ours finds a beginning in the middle of a text, too.
_SIGN, _BLANK = "[=+@＝＋－＠﹦﹢﹣﹫-]", r"[\s\x00-\x1f\u200b-\u200f\u2060\ufeff]"  # noqa: RUF001
FORMULA = re.compile(rf"\A(?:{_BLANK}*{_SIGN}|[\t\r\n]{_BLANK}*)|(?<=[;\t\r\n]){_SIGN}")
# What notebook 4 writes of needs segments alone.
OPTIONAL = (
    *("segment_summary", "segment_differences", "segment_profile"),
    *("segment_neighbours", "attribute_shares", "attribute_association"),
    *("rule_card", "rule_agreement", "rule_agreement_by_segment"),
    *("golden_questions", "segment_rules.sql", "personas.json"),
)
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def forget(names: Iterable[str], *, run: str) -> None:
    """Delete what an earlier execution wrote: tables, by name only, and other files."""
    for name in names:
        file = name if "." in name else f"{name}.parquet"
        (paths.processed(run) / file).unlink(missing_ok=True)


def membership(assigned: pd.DataFrame, *, model: Model) -> pd.DataFrame:
    """List customers with segments and how surely each belongs, from `Model.assign`.

    Distance (to the own centre), probability (of membership) and the second nearest are
    missing where data are too few (segment_id 0).
    """
    known = assigned["segment_id"] > 0
    table = assigned.rename(columns={"membership": "probability"}).assign(
        segment=assigned["segment_id"].map(model.name),
        second_id=assigned["second_id"].where(known).astype("Int64"),
        second=assigned["second_id"].map(model.name).where(known),
    )
    order = (
        "customer_id segment_id segment distance probability second_id second "
        "borderline value_tier activity deal_proneness"
    )
    return table[order.split()]


def spreadsheet_safe(value: object) -> object:
    """Put an apostrophe before a text, but no number, that would run as a formula."""
    if not isinstance(value, str) or NUMBER.fullmatch(value):
        return value
    return FORMULA.sub(lambda found: f"'{found[0]}", value)


def write_csv(table: pd.DataFrame, file: Path) -> None:
    """Save a table, whole or not at all, as CSV that is safe to open in a spreadsheet.

    Without the byte order mark Excel misreads letters such as é.
    """
    safe = table.rename(columns=spreadsheet_safe).map(spreadsheet_safe)
    with store.replacing(file) as partial:
        safe.to_csv(partial, index=False, encoding="utf-8-sig", lineterminator="\r\n")
