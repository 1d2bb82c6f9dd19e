"""Compare value tiers: what each brings, and how long it waits for an answer."""

import numpy as np
import pandas as pd

from helpers.core import store
from helpers.core.errors import TooLittle
from helpers.disclosure.suppression import LARGEST, MIN_CELL, numbers
from helpers.statistics import intervals

TIERS = ("high", "middle", "low")


def tiers(people: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Sum up value tiers, the highest first, with what they brought later.

    Returns, by value_tier, customers and sales with their shares, orders_each, late
    (share slowing or lapsed), holdout_sales (mean) and the largest share of either
    sales that is one customer's.
    """
    rows = people.merge(outcomes[["customer_id", "holdout_sales"]], on="customer_id")
    rows["late"] = rows["activity"].isin(["slowing", "lapsed"])
    by_tier = rows.groupby("value_tier")
    table = by_tier.agg(
        customers=("customer_id", "size"),
        sales=("sales", "sum"),
        orders_each=("orders", "mean"),
        late=("late", "mean"),
        holdout_sales=("holdout_sales", "mean"),
    )
    spent = by_tier[["sales", "holdout_sales"]]
    table[LARGEST] = spent.agg(lambda x: x.abs().max() / (x.abs().sum() or 1)).max(
        axis=1
    )
    table = table.loc[[name for name in TIERS if name in table.index]]
    total = table["sales"].sum()
    table["share_sales"] = table["sales"] / (total if total > 0 else np.nan)
    return table.assign(share_customers=table["customers"] / len(rows))


def first(tiers: pd.DataFrame, shown: pd.DataFrame) -> pd.Series:
    """Return the highest of `tiers`, or raise TooLittle if it cannot be compared.

    `shown` is the table without what must not be shown.
    """
    name, total = tiers.index[0], tiers["sales"].sum()
    if min(tiers["customers"].iloc[0], tiers["customers"].iloc[1:].sum()) < MIN_CELL:
        why = f"the {name} tier and the others need ten customers each"
    elif total <= 0:
        why = f"sales of the training window are {total:,.0f}"
    elif numbers(shown["share_sales"]).isna().iloc[0]:
        why = f"sales of the {name} tier are withheld, as a customer might be known by them"
    else:
        return tiers.iloc[0]
    raise TooLittle(f"Service is not advised by value: {why}.")


def waits(
    people: pd.DataFrame, *, run: str, first: str, last: str, alpha: float
) -> pd.DataFrame:
    """Compare hours until an answer by value tier: `intervals.lifts` of who asked.

    Interactions with `minutes`, from day `first` to `last`, count. Raises TooLittle if
    the run has none.
    """
    asked = pd.DataFrame(columns=["customer_id", "minutes", "happened_at"])
    if store.path("interactions", run=run).exists():
        table = store.read("interactions", run=run).reindex(columns=asked.columns)
        inside = table["happened_at"].between(first, f"{last} 23:59:59")
        asked = table[inside & table["minutes"].notna()]
    times = asked.groupby("customer_id")["minutes"].agg(["sum", "size"])
    times = times.reindex(people["customer_id"]).fillna(0)
    if times["sum"].sum() <= 0:
        raise TooLittle(
            "How fast each tier is answered is not known: that needs a table interactions "
            "with minutes until the answer."
        )
    tier = people.set_index("customer_id")["value_tier"]
    hours = times[["sum"]] / 60
    table = intervals.lifts(hours, times["size"], groups=tier, alpha=alpha)
    known = [name for name in TIERS if (tier == name).any()]
    return table.set_index("group").loc[known].rename_axis("value_tier")
