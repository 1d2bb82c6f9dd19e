"""Count when and through which channel customers order, and write to each segment."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.activation import offers
from helpers.core import engines, paths
from helpers.core.engines import Engine
from helpers.core.errors import BadInput, TooLittle
from helpers.disclosure import suppression

WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
KEPT = ["segment_id", "segment", "stage", "customers", "gap_days", "recency_days"]
FILLED = ["aim", "offer", "message", "grade"]
ANY = {"moment": "any", "channel": "as today"}  # where a segment prefers none


def orders(
    con: Engine, *, lines: str, first: str, last: str, begins: Mapping[str, int]
) -> pd.DataFrame:
    """List the orders from day `first` to `last`, by their first line's moment.

    Returns customer_id, order_id, ordered_at, weekday (Mon to Sun), hour (0 to 23),
    moment (weekday or weekend, with the part of the day that `begins` at an hour; the
    weekday where all orders have one hour), and channel if the lines have it; sorted.
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
    day, hour = table["ordered_at"].dt.day_of_week, table["ordered_at"].dt.hour
    table = table.assign(weekday=np.array(WEEKDAYS)[day], hour=hour)
    if hour.nunique() < 2:
        return table.assign(moment=table["weekday"])
    kind = pd.Series(np.where(day > 4, "weekend ", "weekday "), table.index)
    return table.assign(moment=kind + parts_of_day(hour, begins=begins))


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


def need_channels(orders: pd.DataFrame) -> None:
    """Raise TooLittle unless orders name two channels or more."""
    if "channel" not in orders or orders["channel"].nunique() < 2:
        raise TooLittle(
            "Channels need orders through two of them, named in a column channel of table "
            "lines: here is one, or none."
        )


def habits(
    orders: pd.DataFrame, totals: pd.Series, *, segment_ids: pd.Series, alpha: float
) -> pd.DataFrame:
    """Compare when, and through which channel, segments order with all customers.

    `totals` are each customer's orders. Returns the rows of `offers.affinity`, with
    habit: moment, or channel where orders name several.
    """
    named = "channel" in orders and orders["channel"].nunique() >= 2
    return pd.concat(
        offers.affinity(
            counted(orders, by=habit, customers=pd.Series(totals.index)),
            totals,
            segment_ids=segment_ids,
            alpha=alpha,
        ).assign(habit=habit)
        for habit in (["moment", "channel"] if named else ["moment"])
    )


def shares(
    orders: pd.DataFrame,
    *,
    by: str,
    names: Mapping[int, str],
    among: pd.Series | None = None,
) -> pd.DataFrame:
    """Share out the orders of all customers (0), and of each group, by a column.

    Orders without a value count in the whole. `among` is the group of each customer;
    others are left out. Returns values, weekdays in their order, by groups (`names`).
    """
    parts = {0: orders}
    if among is not None:
        groups = orders["customer_id"].map(among).dropna().astype(int)
        parts = {0: orders.loc[groups.index]}
        parts |= dict(list(parts[0].groupby(groups)))
    table = {group: own[by].value_counts() / len(own) for group, own in parts.items()}
    found = pd.DataFrame(table).fillna(0.0).sort_index().rename(columns=names)
    days = [day for day in WEEKDAYS if day in found.index]
    found = found.loc[days] if len(days) == len(found) else found
    return found.rename_axis(index=by)


def clock(orders: pd.DataFrame) -> pd.DataFrame:
    """Share out all orders over weekdays (rows) and hours 0 to 23; the sum is 1."""
    table = orders.groupby(["weekday", "hour"]).size().unstack(fill_value=0)
    table = table.reindex(WEEKDAYS).reindex(columns=range(24)).fillna(0)
    return table / table.to_numpy().sum()


def templates() -> dict[str, dict[str, str]]:
    """Read the aim, offer, message and grade of each stage, fields in braces."""
    return paths.beside(__file__, "messages.yaml")


def facts(
    people: pd.DataFrame,
    *,
    top: pd.Series,
    chosen: pd.DataFrame,
    names: Mapping[int, str],
) -> pd.DataFrame:
    """Collect what the messages to each segment's customers in a stage ask for.

    `people` has segment_id, activity, gap_mean_days and recency_days; `top` is each
    segment's own item, `chosen` the next item of a customer (`offers.recommend`).
    Returns segment_id, stage, customers, gap_days and recency_days (medians), segment,
    top_item and next_item (of most of them), without pairs of few customers, or that lack
    an item. Raises TooLittle if none is left.
    """
    stages = list(templates())
    staged = people[people["activity"].isin(stages) & people["segment_id"].isin(names)]
    staged = staged.merge(chosen[["customer_id", "item"]], on="customer_id", how="left")
    table = staged.groupby(["segment_id", "activity"]).agg(
        customers=("customer_id", "size"),
        gap_days=("gap_mean_days", "median"),
        recency_days=("recency_days", "median"),
        next_item=("item", lambda item: item.dropna().mode().get(0)),
    )
    pairs = pd.MultiIndex.from_product([names, stages], names=["segment_id", "stage"])
    table = table.reindex(pairs).fillna({"customers": 0}).astype({"customers": int})
    dark = suppression.withheld(table["customers"].unstack()).stack()
    table = table[~dark.reindex(pairs)].reset_index()
    table["top_item"] = table["segment_id"].map(top)
    table = table.dropna(subset=["top_item", "next_item"])
    if table.empty:
        raise TooLittle(
            "Messages need ten customers of a segment in one stage, an item of the "
            "segment's own and a next one: no segment has all three."
        )
    table["segment"] = table["segment_id"].map(names)
    items = ["top_item", "next_item"]
    return table.assign(**{name: table[name].map(offers.say) for name in items})


def matrix(
    facts: pd.DataFrame,
    *,
    templates: Mapping[str, Mapping[str, str]],
    habits: pd.DataFrame,
) -> pd.DataFrame:
    """Fill the template of each segment's stage with the segment's items.

    `facts` are as of :func:`facts`; `habits` has what a segment prefers: segment_id,
    habit and item. Returns a row for each of `facts`: `KEPT`, `FILLED`, moment and
    channel. Raises BadInput for a stage without a template, or a field that the facts
    lack: no message has a hole in it.
    """
    rows = []
    for row in facts.to_dict("records"):
        try:
            words = templates[row["stage"]]
            filled = [words[name].format_map(row) for name in FILLED]
        except KeyError as unknown:
            raise BadInput(
                f"Messages of stage {row['stage']!r}: {unknown} is not known; stages are "
                f"{', '.join(templates)}, facts {', '.join(facts.columns)}."
            ) from None
        rows.append([*(row[name] for name in KEPT), *filled])
    table = pd.DataFrame(rows, columns=[*KEPT, *FILLED])
    for habit, usual in ANY.items():
        of_it = habits[habits["habit"] == habit].set_index("segment_id")["item"]
        table[habit] = [of_it.get(segment, usual) for segment in table["segment_id"]]
    return table
