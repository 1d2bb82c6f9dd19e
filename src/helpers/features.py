"""Turn clean order lines into one row of features a customer, from one dictionary."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import pandas as pd

from helpers.schema import BadInput
from helpers.sources import APART, NEED_STATES


@dataclass(frozen=True)
class Feature:
    """One feature: the SQL that builds it is its definition.

    Parameters
    ----------
    name : str
        Column of the feature table.
    family : str
        lifecycle, behavioural, needs or psychographic proxy.
    unit : str
        Unit of the numbers.
    source : str
        Staged table it is aggregated from, one group a customer: order_rows (an
        order), day_rows (a day with orders) or line_rows (an order line).
    sql : str
        Aggregate expression over that table.
    meaning : str
        The definition in words.
    """

    name: str
    family: str
    unit: str
    source: str
    sql: str
    meaning: str


# Pieces of the definitions: goods are lines of no need in APART.
_GOODS = "filter (is_goods)"
_ORDERS = "filter (goods_lines > 0)"
_GOODS_SALES = f"nullif(sum(sales_cents) {_GOODS}, 0)::double"
NEEDS = tuple(need for need in NEED_STATES if need not in APART)

FEATURES = (
    Feature(
        "recency_days",
        "lifecycle",
        "days",
        "day_rows",
        "date_diff('day', max(day), $last)",
        "days from the last order to the end of the window",
    ),
    Feature(
        "tenure_days",
        "lifecycle",
        "days",
        "day_rows",
        "date_diff('day', min(day), $last)",
        "days from the first order seen to the end of the window",
    ),
    Feature(
        "trend",
        "lifecycle",
        "log ratio",
        "order_rows",
        """ln((coalesce(sum(sales_cents) filter (ordered_at::date > $middle), 0) + 1000.0)
        / (coalesce(sum(sales_cents) filter (ordered_at::date <= $middle), 0)
        + 1000.0))""",
        "natural logarithm of sales in the second half of the window over the first, "
        "10 added to both",
    ),
    Feature(
        "orders",
        "behavioural",
        "orders",
        "order_rows",
        "count(*)",
        "orders in the window (frequency)",
    ),
    Feature(
        "sales",
        "behavioural",
        "currency",
        "line_rows",
        f"coalesce(sum(sales_cents) {_GOODS}, 0) / 100.0",
        "sales of goods in the window, fuel and gift cards left out (monetary value)",
    ),
    Feature(
        "lines",
        "behavioural",
        "lines",
        "line_rows",
        f"count(*) {_GOODS}",
        "order lines of goods in the window",
    ),
    Feature(
        "gap_mean_days",
        "behavioural",
        "days",
        "day_rows",
        "avg(gap_days)",
        "mean days between one day with orders and the next (rhythm)",
    ),
    Feature(
        "gap_variation",
        "behavioural",
        "ratio",
        "day_rows",
        """sqrt((count(gap_days) * sum(gap_days * gap_days) - sum(gap_days)
        * sum(gap_days))::double / nullif(count(gap_days) * (count(gap_days) - 1), 0))
        / avg(gap_days)""",
        "standard deviation of these days over their mean: 0 is a clockwork, 1 is "
        "chance, more is bursts",
    ),
    Feature(
        "sales_per_order",
        "behavioural",
        "currency",
        "order_rows",
        f"sum(goods_cents) {_ORDERS} / 100.0 / count(*) {_ORDERS}",
        "mean sales of an order that holds goods (basket value)",
    ),
    Feature(
        "lines_per_order",
        "behavioural",
        "lines",
        "order_rows",
        f"sum(goods_lines) {_ORDERS}::double / count(*) {_ORDERS}",
        "mean lines of an order that holds goods (basket size)",
    ),
    Feature(
        "need_variety",
        "behavioural",
        "needs",
        "line_rows",
        f"pow({_GOODS_SALES}, 2) / ("
        + " + ".join(
            f"pow(coalesce(sum(sales_cents) filter (need_state = '{need}'), 0), 2)"
            for need in NEEDS
        )
        + ")",
        "effective number of needs: 1 over the sum of squared need shares "
        "(inverse Simpson index)",
    ),
    Feature(
        "repeat_share",
        "behavioural",
        "share",
        "line_rows",
        f"1 - count(distinct product_id) {_GOODS} / (count(*) {_GOODS})::double",
        "share of lines whose product was bought before in the window",
    ),
    Feature(
        "stores",
        "behavioural",
        "stores",
        "order_rows",
        "count(distinct store_id)",
        "stores visited",
    ),
    Feature(
        "main_store_share",
        "behavioural",
        "share",
        "order_rows",
        "max(orders_in_store) / count(*)::double",
        "share of orders in the store visited most (store loyalty)",
    ),
    Feature(
        "morning_share",
        "behavioural",
        "share",
        "order_rows",
        "avg((hour(ordered_at) between 5 and 10)::int)",
        "share of orders from 5:00 to 10:59",
    ),
    Feature(
        "evening_share",
        "behavioural",
        "share",
        "order_rows",
        "avg((hour(ordered_at) >= 18)::int)",
        "share of orders from 18:00 to midnight",
    ),
    Feature(
        "weekend_share",
        "behavioural",
        "share",
        "order_rows",
        "avg((isodow(ordered_at) >= 6)::int)",
        "share of orders on Saturday or Sunday",
    ),
    Feature(
        "fuel_sales",
        "behavioural",
        "currency",
        "line_rows",
        "coalesce(sum(sales_cents) filter (need_state = 'fuel'), 0) / 100.0",
        "sales of fuel, kept apart from goods",
    ),
    Feature(
        "private_label_share",
        "psychographic proxy",
        "share",
        "line_rows",
        f"coalesce(sum(sales_cents) filter (is_goods and brand = 'Private'), 0) "
        f"/ {_GOODS_SALES}",
        "share of goods sales in the shop's own brand",
    ),
    Feature(
        "discount_depth",
        "psychographic proxy",
        "share",
        "line_rows",
        f"sum(shelf_amount_cents - sales_cents) {_GOODS} "
        f"/ nullif(sum(shelf_amount_cents) {_GOODS}, 0)::double",
        "price reductions over the shelf value of what was bought",
    ),
    Feature(
        "mailer_share",
        "psychographic proxy",
        "share",
        "line_rows",
        "coalesce(sum(sales_cents) filter (is_goods and on_mailer), 0) "
        f"/ {_GOODS_SALES}",
        "share of goods sales in that week's mailer of the store",
    ),
    Feature(
        "display_share",
        "psychographic proxy",
        "share",
        "line_rows",
        "coalesce(sum(sales_cents) filter (is_goods and on_display), 0) "
        f"/ {_GOODS_SALES}",
        "share of goods sales from a display",
    ),
    Feature(
        "coupon_order_rate",
        "psychographic proxy",
        "share",
        "order_rows",
        f"(count(*) filter (goods_lines > 0 and coupon_cents > 0)) "
        f"/ (count(*) {_ORDERS})::double",
        "share of orders with a coupon",
    ),
    *(
        Feature(
            f"share_{need}",
            "needs",
            "share",
            "line_rows",
            f"coalesce(sum(sales_cents) filter (need_state = '{need}'), 0) "
            f"/ {_GOODS_SALES}",
            f"share of goods sales in {need.replace('_', ' ')}",
        )
        for need in NEEDS
    ),
)


def dictionary(features: pd.DataFrame) -> pd.DataFrame:
    """List the features with what each means and how often it is missing.

    Parameters
    ----------
    features : DataFrame
        Output of `build`.

    Returns
    -------
    DataFrame
        One row a feature, in the order of `FEATURES`: feature, family, unit, meaning,
        source (staged table), missing_share (0 to 1), sql.
    """
    return pd.DataFrame(
        {
            "feature": f.name,
            "family": f.family,
            "unit": f.unit,
            "meaning": f.meaning,
            "source": f.source,
            "missing_share": features[f.name].isna().mean(),
            "sql": " ".join(f.sql.split()),
        }
        for f in FEATURES
    )


def build(
    con: duckdb.DuckDBPyConnection, *, lines: str, products: str, first: str, last: str
) -> pd.DataFrame:
    """Build every feature of `FEATURES` from the lines of one window.

    Parameters
    ----------
    con : DuckDBPyConnection
        Does the work; receives the staged tables line_rows, order_rows and day_rows.
    lines, products : str
        Paths of the standard tables.
    first, last : str
        First and last day of the window, YYYY-MM-DD, both included. No line outside
        it is read.

    Returns
    -------
    DataFrame
        One row a customer with an order in the window, sorted by customer_id; columns
        customer_id and the features. A mean or share without anything to divide by is
        missing.

    Raises
    ------
    BadInput
        If the window holds no line.
    """
    stage(con, lines=lines, products=products, first=first, last=last)
    return _aggregate(con, FEATURES, by=["customer_id"], days=_days(first, last))


def halves(
    con: duckdb.DuckDBPyConnection, *, lines: str, products: str, first: str, last: str
) -> pd.DataFrame:
    """Build sizes and need shares from odd and from even weeks, to compare the two.

    What a customer shows in the odd weeks and not in the even ones is chance.

    Parameters
    ----------
    con : DuckDBPyConnection
        Does the work; its staged tables are made anew, and half_line_rows and
        half_order_rows beside them.
    lines, products : str
        Paths of the standard tables.
    first, last : str
        First and last day of the window, YYYY-MM-DD, both included. The first week,
        an odd one, begins on the first day; the last week can be a short one.

    Returns
    -------
    DataFrame
        One row for customer and half with an order, sorted: customer_id, half (even or
        odd), and the features orders, sales, lines and share_<need> of these weeks, by
        the definitions in `FEATURES`. An order belongs to the week of its first line.

    Raises
    ------
    BadInput
        If the window holds no line.
    """
    stage(con, lines=lines, products=products, first=first, last=last)
    con.execute(
        """create or replace temp table half_order_rows as
        select *, case when date_diff('day', $first::date, ordered_at::date) // 7 % 2 = 0
            then 'odd' else 'even' end as half
        from order_rows""",
        {"first": first},
    )
    con.execute(
        """create or replace temp table half_line_rows as
        select l.*, o.half
        from line_rows l join half_order_rows o using (customer_id, order_id)"""
    )
    chosen = [
        f
        for f in FEATURES
        if f.family == "needs" or f.name in {"orders", "lines", "sales"}
    ]
    by = ["customer_id", "half"]
    return _aggregate(con, chosen, by=by, days=_days(first, last), prefix="half_")


def _aggregate(
    con: duckdb.DuckDBPyConnection,
    chosen: Iterable[Feature],
    *,
    by: list[str],
    days: dict,
    prefix: str = "",
) -> pd.DataFrame:
    keys = ", ".join(by)
    parts = []
    for source in dict.fromkeys(f.source for f in chosen):
        selected = ", ".join(
            f"{f.sql} as {f.name}" for f in chosen if f.source == source
        )
        query = f"select {keys}, {selected} from {prefix}{source} group by {keys}"
        asked = {name: day for name, day in days.items() if f"${name}" in query}
        parts.append(con.execute(query, asked).df().set_index(by))
    table = pd.concat(parts, axis=1, join="outer")
    assert len(table) == len(parts[0]), "the staged tables hold different customers"
    table = table[[f.name for f in chosen]].sort_index()
    counts = {"orders", "lines", "recency_days", "tenure_days", "stores"}
    return table.astype(
        {name: "int64" for name in table if name in counts}
    ).reset_index()


def _days(first: str, last: str) -> dict:
    start, end = pd.Timestamp(first), pd.Timestamp(last)
    return {
        "first": start.date(),
        "last": end.date(),
        "middle": (start + (end - start) / 2).date(),
    }


def stage(
    con: duckdb.DuckDBPyConnection, *, lines: str, products: str, first: str, last: str
) -> None:
    """Make the staged tables of one window: line_rows, order_rows, day_rows.

    Parameters
    ----------
    con : DuckDBPyConnection
        Receives the tables. Money is in integer cents, so that sums are exact on any
        number of cores.
    lines, products : str
        Paths of the standard tables.
    first, last : str
        First and last day of the window, YYYY-MM-DD, both included.

    Raises
    ------
    BadInput
        If the window holds no line.
    """
    apart = ", ".join(f"'{need}'" for need in APART)
    con.execute(
        f"""create or replace temp table line_rows as
        select l.customer_id, l.order_id, l.ordered_at, l.store_id, l.product_id,
            l.amount_cents + l.coupon_cents as sales_cents, l.coupon_cents,
            l.shelf_amount_cents, l.on_mailer, l.on_display, p.need_state, p.brand,
            p.need_state not in ({apart}) as is_goods
        from read_parquet($lines) l join read_parquet($products) p using (product_id)
        where l.ordered_at >= $first::date and l.ordered_at < $last::date + 1""",
        {"lines": lines, "products": products, "first": first, "last": last},
    )
    if not con.execute("select count(*) from line_rows").fetchall()[0][0]:
        raise BadInput(
            f"Table lines: column ordered_at has no line from {first} to {last}. "
            "Choose a window in which there are orders."
        )
    lost = con.execute(
        """select count(*) from read_parquet($lines) l
        anti join read_parquet($products) p using (product_id)
        where ordered_at >= $first::date and ordered_at < $last::date + 1""",
        {"lines": lines, "products": products, "first": first, "last": last},
    ).fetchall()[0][0]
    if lost:
        raise BadInput(
            f"Table lines: column product_id of {lost:,} lines has no row in table "
            "products. Run 01_cleaning again: it gives such products a row."
        )
    con.execute(
        """create or replace temp table order_rows as
        select *, count(*) over (partition by customer_id, store_id) as orders_in_store
        from (
            select customer_id, order_id, min(ordered_at) as ordered_at,
                min(store_id) as store_id, sum(sales_cents)::bigint as sales_cents,
                coalesce(sum(sales_cents) filter (is_goods), 0)::bigint as goods_cents,
                count(*) filter (is_goods) as goods_lines,
                sum(coupon_cents)::bigint as coupon_cents
            from line_rows group by customer_id, order_id)"""
    )
    con.execute(
        """create or replace temp table day_rows as
        select customer_id, day, date_diff('day', lag(day) over (
            partition by customer_id order by day), day) as gap_days
        from (select distinct customer_id, ordered_at::date as day from order_rows)"""
    )


def outcomes(
    con: duckdb.DuckDBPyConnection,
    *,
    customers: pd.Series,
    lines: str,
    products: str,
    first: str,
    last: str,
) -> pd.DataFrame:
    """Measure what the customers did in a later window, to judge segments by.

    Parameters
    ----------
    con : DuckDBPyConnection
        Does the work; its staged tables are made anew for this window.
    customers : Series
        Customer ids of the feature table.
    lines, products : str
        Paths of the standard tables.
    first, last : str
        First and last day of the later window, YYYY-MM-DD.

    Returns
    -------
    DataFrame
        One row for each of `customers`, in their order: customer_id, later_orders,
        later_sales (currency; goods), later_<need> (currency) for each need, 0 where
        the customer did not come; and later_recency_days: days from the last order to
        the end of the window, or the days of the window where the customer did not
        come.
    """
    stage(con, lines=lines, products=products, first=first, last=last)
    needs = ", ".join(
        f"coalesce(sum(sales_cents) filter (need_state = '{need}'), 0) / 100.0 "
        f"as later_{need}"
        for need in NEEDS
    )
    later = con.execute(
        f"""select customer_id, count(distinct order_id) as later_orders,
            coalesce(sum(sales_cents) {_GOODS}, 0) / 100.0 as later_sales, {needs},
            date_diff('day', max(ordered_at)::date, $last::date) as later_recency_days
        from line_rows group by customer_id""",
        {"last": last},
    ).df()
    days = (pd.Timestamp(last) - pd.Timestamp(first)).days + 1
    absent = dict.fromkeys(later.columns[1:], 0) | {"later_recency_days": days}
    return _for_each(customers, later, absent=absent).astype(
        {"later_orders": "int64", "later_recency_days": "int64"}
    )


def _for_each(
    customers: pd.Series, found: pd.DataFrame, *, absent: dict[str, float]
) -> pd.DataFrame:
    """Give each customer a row, in their order; who was not found gets `absent`."""
    table = customers.to_frame("customer_id").merge(
        found, on="customer_id", how="left", validate="one_to_one"
    )
    return table.fillna(absent)


def redemptions(
    con: duckdb.DuckDBPyConnection,
    *,
    customers: pd.Series,
    responses: str,
    first: str,
    last: str,
) -> pd.DataFrame:
    """Count the coupons that customers redeemed in the training window.

    Parameters
    ----------
    con : DuckDBPyConnection
        Does the work.
    customers : Series
        Customer ids of the feature table.
    responses : str
        Path of the standard table.
    first, last : str
        First and last day of the training window, YYYY-MM-DD, both included. No
        response outside it is counted.

    Returns
    -------
    DataFrame
        One row for each of `customers`, in their order: customer_id, past_redemptions
        (a coupon redeemed twice counts twice).
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
    con: duckdb.DuckDBPyConnection,
    *,
    customers: pd.Series,
    campaigns: str,
    contacts: str,
    responses: str,
    first: str,
    last: str,
) -> pd.DataFrame:
    """Say who was targeted by a campaign in a later window, and who redeemed.

    Parameters
    ----------
    con : DuckDBPyConnection
        Does the work.
    customers : Series
        Customer ids of the feature table.
    campaigns, contacts, responses : str
        Paths of the standard tables.
    first, last : str
        First and last day of the later window, YYYY-MM-DD, both included.

    Returns
    -------
    DataFrame
        One row for each of `customers`, in their order: customer_id; later_targeted:
        contacted by a campaign that starts in the window (one that runs already may
        have been answered before it); later_redeemed: answered such a campaign,
        having been contacted by it, in the window. Campaigns that start late leave
        little time to answer; those who were not targeted are no refusals.
    """
    found = con.execute(
        """select c.customer_id, bool_or(r.customer_id is not null) as answered
        from read_parquet($contacts) c
        join read_parquet($campaigns) a on a.campaign_id = c.campaign_id
            and a.starts_on >= $first::date and a.starts_on < $last::date + 1
        left join read_parquet($responses) r on r.campaign_id = c.campaign_id
            and r.customer_id = c.customer_id
            and r.responded_on >= $first::date and r.responded_on < $last::date + 1
        group by c.customer_id""",
        {
            **{"campaigns": campaigns, "contacts": contacts, "responses": responses},
            **{"first": first, "last": last},
        },
    ).df()
    answered = found.loc[found["answered"], "customer_id"]
    return pd.DataFrame(
        {
            "customer_id": customers,
            "later_targeted": customers.isin(found["customer_id"]),
            "later_redeemed": customers.isin(answered),
        }
    )
