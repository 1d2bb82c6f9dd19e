"""Measure what customers did later, to judge segments by: orders, sales, redemptions."""

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.core import engines
from helpers.core.engines import Engine, quoted
from helpers.disclosure.suppression import MIN_CELL
from helpers.features import dictionary, staging
from helpers.features.staging import Feature

QUARTER = 91  # days


def later(
    con: Engine,
    *,
    customers: pd.Series,
    lines: str,
    products: str,
    first: str,
    last: str,
) -> pd.DataFrame:
    """Measure what the customers did in a later window, to judge segments by.

    The engine's staged tables are made anew. Returns, in the order of the customers,
    customer_id, holdout_orders, holdout_sales (currency; goods), holdout_<need> (currency)
    for each need, 0 for who did not come; holdout_recency_days: days from the last order
    to the end of the window, or all its days.
    """
    by_name = {f.name: f for f in dictionary.FEATURES}
    known = [by_name[name] for name in ("orders", "sales", "recency_days")]
    orders, sales, recency = (replace(f, name=f"holdout_{f.name}") for f in known)
    by_need = [
        Feature(
            name=f"holdout_{dictionary.slug(need)}",
            family="outcome",
            unit="currency",
            source="need_rows",
            sql="coalesce(sum(sales_cents) "
            f"filter (need_state = {quoted(need)}), 0) / 100.0",
            meaning=f"later sales in {need.replace('_', ' ')}",
        )
        for need in dictionary.needs(con, products=products)
    ]
    chosen = [orders, sales, *by_need, recency]
    window = {"first": first, "last": last}
    stored = {"lines": lines, "products": products}
    found = (
        staging.collect(con, chosen, **stored, **window)
        if staging.count(con, lines, **window)
        else _nobody(chosen)
    )
    days = (pd.Timestamp(last) - pd.Timestamp(first)).days + 1
    absent = dict.fromkeys(found.columns[1:], 0) | {"holdout_recency_days": days}
    return _for_each(customers, found, absent=absent).astype(
        {"holdout_orders": "int64", "holdout_recency_days": "int64"}
    )


def habits(
    customers: pd.Series,
    *,
    lines: Path,
    products: Path,
    first: str,
    last: str,
    run: str,
) -> dict[str, pd.DataFrame]:
    """Give what any shop knows of its customers, as rivals of segments.

    Two designs, customers in their order: the logarithm of 1 + sales of goods
    (currency, a loss counts as 0) of the last `QUARTER` days until `last`; and, where
    lines name stores, the store with most of the customer's lines since `first`, of
    equal ones the first by name: a column of yes or no for each, so that a comparison
    can shrink small ones. Stores of fewer than ten customers are one.
    """
    stored = {"lines": str(lines), "products": str(products)}
    recent = str((pd.Timestamp(last) - pd.Timedelta(days=QUARTER - 1)).date())
    window = {"first": max(first, recent), "last": last}
    with contextlib.closing(engines.connect("duckdb", run=run)) as con:
        sold = later(con, customers=customers, **stored, **window)["holdout_sales"]
        amount = np.log1p(sold.clip(lower=0)).to_frame("recent_sales")
        designs = {"last quarter's sales": amount}
        if "store_id" in engines.columns(lines):
            found = con.execute(
                """select customer_id, store_id from (
                    select customer_id, store_id, row_number() over (
                        partition by customer_id order by count(*) desc, store_id) as place
                    from read_parquet($lines)
                    where ordered_at >= $first::date and ordered_at < $last::date + 1
                        and store_id is not null
                    group by customer_id, store_id) as counted
                where place = 1""",
                {"lines": str(lines), "first": first, "last": last},
            ).df()
            store = customers.map(found.set_index("customer_id")["store_id"])
            few = store.map(store.value_counts()) < MIN_CELL
            if store.notna().any():
                designs["main store"] = pd.get_dummies(store.mask(few, "other"))
    return designs


def _nobody(chosen: list[Feature]) -> pd.DataFrame:
    """Make the table of a window without a line."""
    none = pd.DataFrame({f.name: pd.Series(dtype=float) for f in chosen})
    none.insert(0, "customer_id", pd.Series(dtype=str))
    return none


def _for_each(
    customers: pd.Series, found: pd.DataFrame, *, absent: dict[str, float]
) -> pd.DataFrame:
    """Give each customer a row, in their order; who was not found gets `absent`."""
    table = customers.to_frame("customer_id").merge(
        found, on="customer_id", how="left", validate="one_to_one"
    )
    return table.fillna(absent)


def redemptions(
    con: Engine,
    *,
    customers: pd.Series,
    responses: str,
    first: str,
    last: str,
) -> pd.DataFrame:
    """Count the coupons that customers redeemed in the training window.

    Returns customer_id and past_redemptions, in the order of the customers (a coupon
    redeemed twice counts twice).
    """
    counted = con.execute(
        """select customer_id, count(*) as past_redemptions
        from read_parquet($responses)
        where responded_on >= $first::date and responded_on < $last::date + 1
        group by customer_id""",
        {"responses": responses, "first": first, "last": last},
    ).df()
    table = _for_each(customers, counted, absent={"past_redemptions": 0})
    return table.astype({"past_redemptions": "int64"})


def redeemed(
    con: Engine,
    *,
    customers: pd.Series,
    campaigns: str,
    contacts: str,
    responses: str,
    first: str,
    last: str,
) -> pd.DataFrame:
    """Say who was targeted by a campaign in a later window, and who redeemed.

    Returns customer_id; holdout_targeted: contacted, not as a control, by a campaign that
    starts in the window (one that runs already may have been answered before);
    holdout_redeemed: contacted and answered such a campaign in the window. Campaigns that
    start late leave little time to answer; who was not targeted did not refuse.
    """
    files = {"campaigns": campaigns, "contacts": contacts, "responses": responses}
    treated = "c.arm = 'treated'" if "arm" in engines.columns(contacts) else "true"
    found = con.execute(
        f"""select c.customer_id, bool_or(r.customer_id is not null) as answered
        from (from read_parquet($contacts) c where {treated}) c
        join read_parquet($campaigns) a on a.campaign_id = c.campaign_id
            and a.starts_on >= $first::date and a.starts_on < $last::date + 1
        left join read_parquet($responses) r on r.campaign_id = c.campaign_id
            and r.customer_id = c.customer_id
            and r.responded_on >= $first::date and r.responded_on < $last::date + 1
        group by c.customer_id""",
        files | {"first": first, "last": last},
    ).df()
    answered = found.loc[found["answered"], "customer_id"]
    return customers.to_frame("customer_id").assign(
        holdout_targeted=customers.isin(found["customer_id"]),
        holdout_redeemed=customers.isin(answered),
    )
