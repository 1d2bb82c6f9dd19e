"""Count when and through which channel customers order, and write to each segment."""

import string
from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.core import engines, paths
from helpers.core.engines import Engine
from helpers.core.errors import BadInput
from helpers.display import evidence

WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
KEPT = ["segment_id", "segment", "stage", "customers"]
FILLED = ["aim", "offer", "message", "grade"]


def orders(con: Engine, *, lines: str, first: str, last: str) -> pd.DataFrame:
    """List the orders from day `first` to `last`, by their first line's moment.

    Returns customer_id, order_id, ordered_at, weekday (Mon to Sun), hour (0 to 23), and
    channel if the lines have it; sorted.
    """
    there = "channel" in engines.columns(lines)
    channel = ", min(channel) as channel" if there else ""
    table = con.execute(
        f"""select customer_id, order_id, min(ordered_at) as ordered_at{channel}
        from read_parquet($lines)
        where ordered_at >= $first::date and ordered_at < $last::date + 1
        group by customer_id, order_id order by customer_id, order_id""",
        {"lines": lines, "first": first, "last": last},
    ).df()
    days = np.array(WEEKDAYS)[table["ordered_at"].dt.day_of_week]
    return table.assign(weekday=days, hour=table["ordered_at"].dt.hour)


def parts_of_day(hours: pd.Series, *, begins: Mapping[str, int]) -> pd.Series:
    """Name each hour's part of the day, by the first hour of each, in their order."""
    starts = np.array(list(begins.values()))
    # before the first start the place is -1: the last part, which runs past midnight
    place = np.searchsorted(starts, hours.to_numpy(), side="right") - 1
    return pd.Series(np.array(list(begins))[place], index=hours.index)


def counted(orders: pd.DataFrame, *, by: str, customers: pd.Series) -> pd.DataFrame:
    """Count the orders of these customers (rows) by the values of a column (columns)."""
    mine = orders[orders["customer_id"].isin(customers)]
    table = mine.groupby(["customer_id", by]).size().unstack(fill_value=0)
    return table.reindex(customers).fillna(0).astype(int)


def shares(
    orders: pd.DataFrame, *, by: str, among: pd.Series | None = None
) -> pd.DataFrame:
    """Share out the orders of all customers (0), and of each group, by a column.

    Orders without a value count in the whole. `among` is the group of each customer;
    others are left out. Returns values, weekdays in their order, by groups.
    """
    parts = {0: orders}
    if among is not None:
        groups = orders["customer_id"].map(among).dropna().astype(int)
        parts = {0: orders.loc[groups.index]}
        parts |= dict(list(parts[0].groupby(groups)))
    table = {group: own[by].value_counts() / len(own) for group, own in parts.items()}
    found = pd.DataFrame(table).fillna(0.0).sort_index()
    days = [day for day in WEEKDAYS if day in found.index]
    return found.loc[days] if len(days) == len(found) else found


def clock(orders: pd.DataFrame) -> pd.DataFrame:
    """Share out all orders over weekdays (rows) and hours 0 to 23; the sum is 1."""
    table = orders.groupby(["weekday", "hour"]).size().unstack(fill_value=0)
    table = table.reindex(WEEKDAYS).reindex(columns=range(24)).fillna(0)
    return table / table.to_numpy().sum()


def templates() -> dict[str, dict[str, str]]:
    """Read the aim, offer, message and grade of each stage, fields in braces."""
    return paths.beside(__file__, "messages.yaml")


def matrix(
    facts: pd.DataFrame,
    *,
    templates: Mapping[str, Mapping[str, str]],
    bought: str = evidence.OBSERVED,
) -> pd.DataFrame:
    """Fill the template of each segment's stage with the segment's numbers.

    `facts` has segment_id, segment (name), stage, customers, and every field that a
    template names. `bought` is the word for what a segment's purchases rest on: the
    grade of advice that is observed. Returns a row for each of its rows, in their order: segment_id,
    segment, stage, customers, aim, offer, message, grade; or raises BadInput for a
    stage without a template or a fact that is missing: no message has a hole in it.
    """
    for stage in facts["stage"].unique():
        if stage not in templates:
            raise BadInput(
                f"No template for stage {stage!r}; there are templates for "
                f"{', '.join(templates)}. Add one."
            )
        text = " ".join(templates[stage][name] for name in FILLED)
        parts = string.Formatter().parse(text)
        wanted = list(dict.fromkeys(name for _, name, _, _ in parts if name))
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
    rows = []
    for row in facts.to_dict("records"):
        words = templates[row["stage"]]
        filled = [words[name].format_map(row) for name in FILLED]
        rows.append([*(row[name] for name in KEPT), *filled])
    table = pd.DataFrame(rows, columns=[*KEPT, *FILLED])
    return table.assign(grade=table["grade"].replace(evidence.OBSERVED, bought))
