"""Count when and through which channel customers order."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.core import engines
from helpers.core.engines import Engine

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def orders(con: Engine, *, lines: str, first: str, last: str) -> pd.DataFrame:
    """List orders with their moment, and their channel where it is known.

    Parameters
    ----------
    con : Engine
        Does the work.
    lines : str
        Path of the standard table.
    first, last : str
        First and last day of the window, YYYY-MM-DD, both included.

    Returns
    -------
    DataFrame
        customer_id, order_id, ordered_at (of the first line), weekday (Mon to Sun),
        hour (0 to 23), and channel if the lines have it; sorted.
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
    """Name the part of the day of each hour.

    Parameters
    ----------
    hours : Series
        0 to 23.
    begins : mapping
        Name -> first hour, in the order of the day; hours before the first belong to
        the last.

    Returns
    -------
    Series
        Names, the rows of `hours`.
    """
    starts = np.array(list(begins.values()))
    # before the first start the place is -1: the last part, which runs past midnight
    place = np.searchsorted(starts, hours.to_numpy(), side="right") - 1
    return pd.Series(np.array(list(begins))[place], index=hours.index)


def counted(orders: pd.DataFrame, *, by: str, customers: pd.Series) -> pd.DataFrame:
    """Count each customer's orders by what they have in a column.

    Parameters
    ----------
    orders : DataFrame
        Output of `orders`, with the column.
    by : str
        Column to count by, such as channel.
    customers : Series
        Customer ids; others are left out, and who ordered nothing has 0.

    Returns
    -------
    DataFrame
        One row a customer, one column a value that occurs among them.
    """
    mine = orders[orders["customer_id"].isin(customers)]
    table = mine.groupby(["customer_id", by]).size().unstack(fill_value=0)
    return table.reindex(customers).fillna(0).astype(int)


def shares(
    orders: pd.DataFrame, *, by: str, among: pd.Series | None = None
) -> pd.DataFrame:
    """Share out the orders of all customers, and of each group, by a column.

    Parameters
    ----------
    orders : DataFrame
        Output of `orders`, with the column.
    by : str
        Column, such as channel; orders without a value count in the whole.
    among : Series, optional
        Group of each customer, by customer_id; others are left out. Without it there
        are all customers only.

    Returns
    -------
    DataFrame
        One row a value, weekdays in their order; column 0 is all customers, the others
        are the groups.
    """
    table = {0: orders[by].value_counts() / len(orders)}
    if among is not None:
        groups = orders["customer_id"].map(among)
        known = orders[groups.notna()]
        table = {0: known[by].value_counts() / len(known)}
        for group, own in known.groupby(groups.dropna().astype(int)):
            table[group] = own[by].value_counts() / len(own)
    found = pd.DataFrame(table).fillna(0.0).sort_index()
    days = [day for day in WEEKDAYS if day in found.index]
    return found.loc[days] if len(days) == len(found) else found


def clock(orders: pd.DataFrame) -> pd.DataFrame:
    """Share out all orders over weekdays and hours.

    Parameters
    ----------
    orders : DataFrame
        Output of `orders`.

    Returns
    -------
    DataFrame
        Weekdays by hours (0 to 23), shares that add up to 1.
    """
    table = orders.groupby(["weekday", "hour"]).size().unstack(fill_value=0)
    table = table.reindex(list(WEEKDAYS)).reindex(columns=range(24)).fillna(0)
    return table / table.to_numpy().sum()
