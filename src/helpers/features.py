"""Turn clean order lines into one row of features a customer, from one dictionary."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd

from helpers import schema
from helpers.cleaning import quoted
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
        lifecycle, behavioural, psychographic proxy, psychographic (asked in a survey),
        or one of `SEGMENTING`.
    unit : str
        Unit of the numbers.
    source : str
        Staged table it is aggregated from, one group a customer: order_rows (an
        order), day_rows (a day with orders), line_rows (an order line), touch_rows (an
        interaction), answer_rows (an answer) or customer_rows (a customer).
    sql : str
        Aggregate expression over that table.
    meaning : str
        The definition in words.
    asks : tuple of str
        Columns of lines, products or interactions without which it cannot be built;
        clock is a time of day in ordered_at.
    weight : str
        For a share, the feature that counts what it is a share of.
    """

    name: str
    family: str
    unit: str
    source: str
    sql: str
    meaning: str
    asks: tuple[str, ...] = ()
    weight: str = ""


# Families that say how a customer buys and not how much: segments are built from these.
SEGMENTING = ("needs", "ordering", "support", "requirement")

# Pieces of the definitions: goods are lines of no need in APART.
_GOODS = "filter (is_goods)"
_ORDERS = "filter (goods_lines > 0)"
_GOODS_SALES = f"nullif(sum(sales_cents) {_GOODS}, 0)::double"

# What every run has, if its tables hold the columns that are asked for.
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
        asks=("store_id",),
    ),
    Feature(
        "main_store_share",
        "behavioural",
        "share",
        "order_rows",
        "max(orders_in_store) / count(*)::double",
        "share of orders in the store visited most (store loyalty)",
        asks=("store_id",),
    ),
    Feature(
        "morning_share",
        "behavioural",
        "share",
        "order_rows",
        "avg((hour(ordered_at) between 5 and 10)::int)",
        "share of orders from 5:00 to 10:59",
        asks=("clock",),
    ),
    Feature(
        "evening_share",
        "behavioural",
        "share",
        "order_rows",
        "avg((hour(ordered_at) >= 18)::int)",
        "share of orders from 18:00 to midnight",
        asks=("clock",),
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
        asks=("fuel",),
    ),
    Feature(
        "private_label_share",
        "psychographic proxy",
        "share",
        "line_rows",
        f"coalesce(sum(sales_cents) filter (is_goods and brand = 'Private'), 0) "
        f"/ {_GOODS_SALES}",
        "share of goods sales in the shop's own brand",
        asks=("Private",),
    ),
    Feature(
        "discount_depth",
        "psychographic proxy",
        "share",
        "line_rows",
        f"sum(shelf_amount_cents - sales_cents) {_GOODS} "
        f"/ nullif(sum(shelf_amount_cents) {_GOODS}, 0)::double",
        "price reductions over the shelf value of what was bought",
        asks=("shelf_amount_cents",),
    ),
    Feature(
        "mailer_share",
        "psychographic proxy",
        "share",
        "line_rows",
        "coalesce(sum(sales_cents) filter (is_goods and on_mailer), 0) "
        f"/ {_GOODS_SALES}",
        "share of goods sales in that week's mailer of the store",
        asks=("on_mailer",),
    ),
    Feature(
        "display_share",
        "psychographic proxy",
        "share",
        "line_rows",
        "coalesce(sum(sales_cents) filter (is_goods and on_display), 0) "
        f"/ {_GOODS_SALES}",
        "share of goods sales from a display",
        asks=("on_display",),
    ),
    Feature(
        "coupon_order_rate",
        "psychographic proxy",
        "share",
        "order_rows",
        f"(count(*) filter (goods_lines > 0 and coupon_cents > 0)) "
        f"/ (count(*) {_ORDERS})::double",
        "share of orders with a coupon",
        asks=("coupon_cents",),
    ),
)

# What a supplier's order lines can hold beside a shop's.
OF_SUPPLIERS = (
    Feature(
        "pieces_per_order",
        "behavioural",
        "pieces",
        "order_rows",
        "avg(pieces)",
        "mean pieces of an order",
        asks=("lead_days",),
    ),
    Feature(
        "lead_days",
        "behavioural",
        "days",
        "line_rows",
        f"avg(lead_days) {_GOODS}",
        "mean days from order to delivery, over lines",
        asks=("lead_days",),
    ),
    Feature(
        "return_share",
        "behavioural",
        "share",
        "line_rows",
        f"coalesce(sum(returned) {_GOODS}, 0)::double / nullif(sum(quantity) {_GOODS}, 0)",
        "pieces sent back for their size, of all pieces",
        asks=("returned",),
    ),
    Feature(
        "logo_share",
        "behavioural",
        "share",
        "line_rows",
        f"coalesce(sum(sales_cents) filter (is_goods and logo), 0) / {_GOODS_SALES}",
        "share of goods sales with logo work",
        asks=("logo",),
    ),
    Feature(
        "contacts",
        "behavioural",
        "contacts",
        "touch_rows",
        "count(topic)",
        "support contacts with a topic",
        asks=("topic",),
    ),
    Feature(
        "response_hours",
        "behavioural",
        "hours",
        "touch_rows",
        "avg(minutes) / 60.0",
        "mean hours until a support contact was first answered",
        asks=("minutes",),
    ),
    Feature(
        "recommends",
        "psychographic",
        "points",
        "answer_rows",
        "avg(score) filter (question = 'recommend')",
        "mean answer to: would you recommend us? (0 to 10)",
        asks=("recommend",),
    ),
    Feature(
        "satisfaction",
        "psychographic",
        "points",
        "answer_rows",
        "avg(score) filter (question <> 'recommend')",
        "mean score of all other survey questions",
        asks=("question",),
    ),
)


def tables(run: str) -> dict[str, str]:
    """Say where the tables lie that features are built from, as `build` takes them.

    Parameters
    ----------
    run : str
        Name of the run.

    Returns
    -------
    dict of str
        lines, products and declared (the table customers); interactions and surveys
        where the run has them.

    Raises
    ------
    BadInput
        If lines, products or customers are missing.
    """
    found = {
        "lines": schema.located("lines", run=run),
        "products": schema.located("products", run=run),
        "declared": schema.located("customers", run=run),
    }
    for name in ("interactions", "surveys"):
        file = schema.path(name, run=run)
        found |= {name: file} if file.exists() else {}
    return {name: str(file) for name, file in found.items()}


def needs(con: duckdb.DuckDBPyConnection, *, products: str) -> list[str]:
    """List the needs that products serve, without those of no goods.

    Parameters
    ----------
    con : DuckDBPyConnection
        Does the work.
    products : str
        Path of the standard table.

    Returns
    -------
    list of str
        Need states, those of `sources.NEED_STATES` first and in its order, others by
        name.
    """
    held = _values(con, products, "need_state")
    known = [need for need in NEED_STATES if need in held]
    return [
        need
        for need in [*known, *(need for need in held if need not in NEED_STATES)]
        if need not in APART
    ]


def defined(
    con: duckdb.DuckDBPyConnection,
    *,
    lines: str,
    products: str,
    declared: str | None = None,
    interactions: str | None = None,
    surveys: str | None = None,
) -> tuple[Feature, ...]:
    """List the features that a run's tables allow.

    What needs, channels, topics and requirements there are is read from whole tables,
    so every window has the same features.

    Parameters
    ----------
    con : DuckDBPyConnection
        Does the work.
    lines, products, declared, interactions, surveys : str
        Paths of the standard tables, from `tables`.

    Returns
    -------
    tuple of Feature
        In the order of the feature table.
    """
    there = _columns(con, lines)
    if con.execute(
        "select bool_or(ordered_at::time <> time '00:00') from read_parquet(?)", [lines]
    ).fetchall()[0][0]:
        there.add("clock")
    there |= {"fuel"} & set(_values(con, products, "need_state"))
    there |= {"Private"} & set(_values(con, products, "brand"))
    topics: list[str] = []
    if interactions:
        there |= {"topic", "minutes"} & _columns(con, interactions)
        topics = _values(con, interactions, "topic") if "topic" in there else []
    if surveys:
        asked = set(_values(con, surveys, "question"))
        there |= ({"question"} if asked - {"recommend"} else set()) | (
            {"recommend"} & asked
        )
    channels = _values(con, lines, "channel") if "channel" in there else []
    wanted = needs(con, products=products)
    found = [f for f in FEATURES if there.issuperset(f.asks)]
    if wanted:
        names = [f.name for f in found]
        found.insert(names.index("lines_per_order") + 1, _variety(wanted))
    found += [f for f in OF_SUPPLIERS if there.issuperset(f.asks)]
    return (
        *found,
        *(_share("needs", alike, "sales") for alike in _alike(wanted)),
        *(_share("ordering", alike, "orders") for alike in _alike(channels)),
        *(_share("support", alike, "contacts") for alike in _alike(topics)),
        *(_flag(name) for name in _requirements(con, declared)),
    )


def _columns(con: duckdb.DuckDBPyConnection, file: str) -> set[str]:
    described = con.execute("describe select * from read_parquet(?)", [file])
    return {row[0] for row in described.fetchall()}


def _values(con: duckdb.DuckDBPyConnection, file: str, column: str) -> list[str]:
    found = con.execute(
        f"""select distinct {column} from read_parquet(?) where {column} is not null
            order by 1""",
        [file],
    ).fetchall()
    return [value for (value,) in found]


def _requirements(con: duckdb.DuckDBPyConnection, declared: str | None) -> list[str]:
    """Name the yes-or-no columns of customers that say what a customer requires."""
    if not declared:
        return []
    described = con.execute(
        "select column_name from (describe select * from read_parquet(?)) "
        "where column_type = 'BOOLEAN' and starts_with(column_name, 'requires_')",
        [declared],
    )
    return [name for (name,) in described.fetchall()]


def _variety(wanted: Sequence[str]) -> Feature:
    squares = " + ".join(
        f"pow(coalesce(sum(sales_cents) filter (need_state = {quoted(need)}), 0), 2)"
        for need in wanted
    )
    return Feature(
        "need_variety",
        "behavioural",
        "needs",
        "line_rows",
        f"pow({_GOODS_SALES}, 2) / nullif({squares}, 0)",
        "effective number of needs: 1 over the sum of squared need shares "
        "(inverse Simpson index)",
    )


def _alike(values: Sequence[str]) -> list[list[str]]:
    """Put values together that give one column name, such as Web and web."""
    groups: dict[str, list[str]] = {}
    for value in values:
        groups.setdefault(slug(value), []).append(value)
    return list(groups.values())


def _share(family: str, alike: Sequence[str], weight: str) -> Feature:
    """Define the share of a need in sales, a channel in orders or a topic in contacts."""
    said, name = alike[0].replace("_", " "), slug(alike[0])
    one_of = f"in ({', '.join(map(quoted, alike))})"
    if family == "needs":
        return Feature(
            f"share_{name}",
            family,
            "share",
            "line_rows",
            f"coalesce(sum(sales_cents) filter (need_state {one_of}), 0) "
            f"/ {_GOODS_SALES}",
            f"share of goods sales in {said}",
            weight=weight,
        )
    if family == "ordering":
        return Feature(
            f"channel_{name}",
            family,
            "share",
            "order_rows",
            f"avg(coalesce(channel {one_of}, false)::int)",
            f"share of orders by {said}",
            weight=weight,
        )
    return Feature(
        f"topic_{name}",
        family,
        "share",
        "touch_rows",
        f"(count(*) filter (topic {one_of}))::double / nullif(count(topic), 0)",
        f"share of support contacts about {said}",
        weight=weight,
    )


def _flag(name: str) -> Feature:
    said = name.removeprefix("requires_").replace("_", " ")
    return Feature(
        name,
        "requirement",
        "0 or 1",
        "customer_rows",
        f"max({name}::int)",
        f"declared that {said} is required: 1 is yes",
    )


def slug(text: str) -> str:
    """Turn a text into a column name: small letters of any script, digits and _.

    Parameters
    ----------
    text : str
        Such as "Home & Garden".

    Returns
    -------
    str
        Such as home_garden; x if no letter or digit is left.
    """
    return re.sub(r"\W+", "_", text.casefold()).strip("_") or "x"


def say(feature: str) -> str:
    """Put the name of a feature that builds segments in words.

    Parameters
    ----------
    feature : str
        Such as share_pet_care or channel_web_shop.

    Returns
    -------
    str
        Such as "pet care" or "orders by web shop".
    """
    words = {"share": "", "channel": "orders by ", "topic": "questions about "}
    words |= {"requires": "requires "}
    kind, _, rest = feature.partition("_")
    if kind in words and rest:
        return words[kind] + rest.replace("_", " ")
    return feature.replace("_", " ")


def dictionary(table: pd.DataFrame, features: Iterable[Feature]) -> pd.DataFrame:
    """List the features with what each means and how often it is missing.

    Parameters
    ----------
    table : DataFrame
        Output of `build`.
    features : iterable of Feature
        Output of `defined`.

    Returns
    -------
    DataFrame
        One row a feature, in their order: feature, family, unit, meaning, source
        (staged table), weight (feature that counts what a share is a share of),
        missing_share (0 to 1), sql.
    """
    return pd.DataFrame(
        {
            "feature": f.name,
            "family": f.family,
            "unit": f.unit,
            "meaning": f.meaning,
            "source": f.source,
            "weight": f.weight,
            "missing_share": table[f.name].isna().mean(),
            "sql": " ".join(f.sql.split()),
        }
        for f in features
    )


def build(
    con: duckdb.DuckDBPyConnection, *, first: str, last: str, **tables: str
) -> pd.DataFrame:
    """Build every feature that the tables allow from one window.

    Parameters
    ----------
    con : DuckDBPyConnection
        Does the work; receives the staged tables.
    first, last : str
        First and last day of the window, YYYY-MM-DD, both included. No line or
        contact outside it is read.
    **tables : str
        Paths of the standard tables, from `tables`.

    Returns
    -------
    DataFrame
        One row a customer with an order in the window, sorted by customer_id; columns
        customer_id and the features of `defined`. A mean or share without anything to
        divide by is missing.

    Raises
    ------
    BadInput
        If the window holds no line.
    """
    stage(con, first=first, last=last, **tables)
    return _aggregate(
        con, defined(con, **tables), by=["customer_id"], days=_days(first, last)
    )


def halves(
    con: duckdb.DuckDBPyConnection,
    *,
    columns: Iterable[str],
    first: str,
    last: str,
    **tables: str,
) -> pd.DataFrame:
    """Build features from odd and from even weeks, to compare the two.

    What a customer shows in the odd weeks and not in the even ones is chance.

    Parameters
    ----------
    con : DuckDBPyConnection
        Does the work; the staged tables are made anew, and those of the halves beside
        them.
    columns : iterable of str
        Features to build beside orders, sales and lines. Features of the rhythm
        (source day_rows) mean something else in half of the weeks: they are refused.
    first, last : str
        First and last day of the window, YYYY-MM-DD, both included. The first week,
        an odd one, begins on the first day; the last week can be a short one.
    **tables : str
        Paths of the standard tables, from `tables`.

    Returns
    -------
    DataFrame
        One row for customer and half with an order, sorted: customer_id, half (even or
        odd), orders, sales, lines and the columns, of these weeks. An order belongs to
        the week of its first line.

    Raises
    ------
    BadInput
        If the window holds no line.
    ValueError
        If a column is no feature of the run, or one of the rhythm.
    """
    allowed = {f.name: f for f in defined(con, **tables) if f.source != "day_rows"}
    if unknown := sorted(set(columns) - allowed.keys()):
        raise ValueError(f"halves cannot be built of {unknown[0]!r}.")
    stage(con, first=first, last=last, **tables)
    wanted = {"orders", "sales", "lines", *columns}
    chosen = [f for f in allowed.values() if f.name in wanted]
    _stage_halves(con, first, {f.source for f in chosen})
    by = ["customer_id", "half"]
    return _aggregate(con, chosen, by=by, days=_days(first, last), prefix="half_")


def _stage_halves(
    con: duckdb.DuckDBPyConnection, first: str, sources: set[str]
) -> None:
    con.execute(
        f"""create or replace temp table half_order_rows as
        select *, {_HALF.format("ordered_at")} as half from order_rows""",
        {"first": first},
    )
    con.execute(
        """create or replace temp table half_line_rows as
        select l.*, o.half
        from line_rows l join half_order_rows o using (customer_id, order_id)"""
    )
    if "touch_rows" in sources:
        con.execute(
            f"""create or replace temp table half_touch_rows as
            select *, {_HALF.format("happened_at")} as half from touch_rows""",
            {"first": first},
        )
    if "answer_rows" in sources:
        con.execute(
            f"""create or replace temp table half_answer_rows as
            select *, {_HALF.format("answered_on")} as half from answer_rows""",
            {"first": first},
        )
    if "customer_rows" in sources:
        con.execute(
            """create or replace temp table half_customer_rows as
            select c.*, h.half from customer_rows c
            cross join (values ('odd'), ('even')) h(half)"""
        )


_HALF = """case when date_diff('day', $first::date, {}::date) // 7 % 2 = 0
    then 'odd' else 'even' end"""


def _aggregate(
    con: duckdb.DuckDBPyConnection,
    chosen: Iterable[Feature],
    *,
    by: list[str],
    days: dict,
    prefix: str = "",
) -> pd.DataFrame:
    keys = ", ".join(by)
    parts = {}
    for source in dict.fromkeys(f.source for f in chosen):
        selected = ", ".join(
            f"{f.sql} as {f.name}" for f in chosen if f.source == source
        )
        query = f"select {keys}, {selected} from {prefix}{source} group by {keys}"
        asked = {name: day for name, day in days.items() if f"${name}" in query}
        parts[source] = con.execute(query, asked).df().set_index(by)
    table = parts.pop("order_rows")
    for source, part in parts.items():
        # Who never wrote, answered or declared anything still bought something.
        inner = source in {"line_rows", "day_rows"}
        assert not inner or len(part) == len(table), "other customers in staged tables"
        table = table.join(part)
    table = table[[f.name for f in chosen]].sort_index()
    counts = {"orders", "lines", "recency_days", "tenure_days", "stores", "contacts"}
    none = {"contacts": 0} if "contacts" in table else {}
    return (
        table.fillna(none)
        .astype({name: "int64" for name in table if name in counts})
        .reset_index()
    )


def _days(first: str, last: str) -> dict:
    start, end = pd.Timestamp(first), pd.Timestamp(last)
    return {
        "first": start.date(),
        "last": end.date(),
        "middle": (start + (end - start) / 2).date(),
    }


# Columns of lines beside those that every run has.
_OPTIONAL = (
    *("store_id", "shelf_amount_cents", "on_mailer", "on_display", "channel"),
    *("lead_days", "returned", "logo"),
)


def stage(
    con: duckdb.DuckDBPyConnection,
    *,
    lines: str,
    products: str,
    first: str,
    last: str,
    declared: str | None = None,
    interactions: str | None = None,
    surveys: str | None = None,
) -> None:
    """Make the staged tables of one window: line_rows, order_rows, day_rows and others.

    Parameters
    ----------
    con : DuckDBPyConnection
        Receives the tables. Money is in integer cents, so that sums are exact on any
        number of cores.
    lines, products, declared, interactions, surveys : str
        Paths of the standard tables; the last three make customer_rows, touch_rows
        and answer_rows.
    first, last : str
        First and last day of the window, YYYY-MM-DD, both included.

    Raises
    ------
    BadInput
        If the window holds no line, or a line a product without a row.
    """
    apart = ", ".join(f"'{need}'" for need in APART)
    there = _columns(con, lines)
    more = "".join(f", l.{column}" for column in _OPTIONAL if column in there)
    con.execute(
        f"""create or replace temp table line_rows as
        select l.customer_id, l.order_id, l.ordered_at, l.product_id, l.quantity,
            l.amount_cents + l.coupon_cents as sales_cents, l.coupon_cents{more},
            p.need_state, p.brand, p.need_state not in ({apart}) as is_goods
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
    store = "min(store_id)" if "store_id" in there else "null"
    channel = "min(channel)" if "channel" in there else "null"
    con.execute(
        f"""create or replace temp table order_rows as
        select *, count(*) over (partition by customer_id, store_id) as orders_in_store
        from (
            select customer_id, order_id, min(ordered_at) as ordered_at,
                {store}::varchar as store_id, {channel}::varchar as channel,
                sum(sales_cents)::bigint as sales_cents, sum(quantity) as pieces,
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
    _stage_beside(con, "touch_rows", interactions, "happened_at", first, last)
    _stage_beside(con, "answer_rows", surveys, "answered_on", first, last)
    if declared:
        con.execute(
            "create or replace temp view customer_rows as "
            f"select * from read_parquet({quoted(declared)})"
        )


def _stage_beside(
    con: duckdb.DuckDBPyConnection,
    name: str,
    file: str | None,
    when: str,
    first: str,
    last: str,
) -> None:
    if file:
        con.execute(
            f"""create or replace temp table {name} as select * from read_parquet($file)
            where {when} >= $first::date and {when} < $last::date + 1""",
            {"file": file, "first": first, "last": last},
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
    by_need = "".join(
        f"coalesce(sum(sales_cents) filter (need_state = {quoted(need)}), 0) / 100.0 "
        f"as later_{slug(need)}, "
        for need in needs(con, products=products)
    )
    later = con.execute(
        f"""select customer_id, count(distinct order_id) as later_orders,
            coalesce(sum(sales_cents) {_GOODS}, 0) / 100.0 as later_sales, {by_need}
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
        have been answered before it), not as a control; later_redeemed: answered such a campaign,
        having been contacted by it, in the window. Campaigns that start late leave
        little time to answer; those who were not targeted are no refusals.
    """
    treated = "c.arm = 'treated'" if "arm" in _columns(con, contacts) else "true"
    found = con.execute(
        f"""select c.customer_id, bool_or(r.customer_id is not null) as answered
        from (from read_parquet($contacts) c where {treated}) c
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
