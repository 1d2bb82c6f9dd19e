"""Turn clean order lines into one row of features a customer, from one dictionary."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from helpers import engines, schema
from helpers.engines import Engine, quoted
from helpers.schema import OPTIONAL, BadInput
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
        order), day_rows (a day with orders), store_rows (a store), need_rows (a need),
        item_rows (all products), touch_rows (an interaction), answer_rows (an answer) or
        customer_rows (a customer).
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
_GOODS_SALES = f"nullif(sum(sales_cents) {_GOODS}, 0)"

# What every run has, if its tables hold the columns that are asked for.
FEATURES = (
    Feature(
        "recency_days",
        "lifecycle",
        "days",
        "order_rows",
        "date_diff('day', max(ordered_at)::date, $last)",
        "days from the last order to the end of the window",
    ),
    Feature(
        "tenure_days",
        "lifecycle",
        "days",
        "order_rows",
        "date_diff('day', min(ordered_at)::date, $last)",
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
        "order_rows",
        "sum(goods_cents) / 100.0",
        "sales of goods in the window, fuel and gift cards left out (monetary value)",
    ),
    Feature(
        "lines",
        "behavioural",
        "lines",
        "order_rows",
        "sum(goods_lines)",
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
        * sum(gap_days)) / nullif(count(gap_days) * (count(gap_days) - 1), 0))
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
        f"sum(goods_lines) {_ORDERS} / count(*) {_ORDERS}",
        "mean lines of an order that holds goods (basket size)",
    ),
    Feature(
        "repeat_share",
        "behavioural",
        "share",
        "item_rows",
        "1 - sum(products) / nullif(sum(lines), 0)",
        "share of lines whose product was bought before in the window",
    ),
    Feature(
        "stores",
        "behavioural",
        "stores",
        "store_rows",
        "count(store_id)",
        "stores visited",
        asks=("store_id",),
    ),
    Feature(
        "main_store_share",
        "behavioural",
        "share",
        "store_rows",
        "max(orders) / sum(orders)",
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
        "need_rows",
        "coalesce(sum(sales_cents) filter (need_state = 'fuel'), 0) / 100.0",
        "sales of fuel, kept apart from goods",
        asks=("fuel",),
    ),
    Feature(
        "private_label_share",
        "psychographic proxy",
        "share",
        "need_rows",
        f"coalesce(sum(private_cents) {_GOODS}, 0) / {_GOODS_SALES}",
        "share of goods sales in the shop's own brand",
        asks=("Private",),
    ),
    Feature(
        "discount_depth",
        "psychographic proxy",
        "share",
        "need_rows",
        f"sum(reduction_cents) {_GOODS} / nullif(sum(shelf_cents) {_GOODS}, 0)",
        "price reductions over the shelf value of what was bought",
        asks=("shelf_amount_cents",),
    ),
    Feature(
        "mailer_share",
        "psychographic proxy",
        "share",
        "need_rows",
        f"coalesce(sum(mailer_cents) {_GOODS}, 0) / {_GOODS_SALES}",
        "share of goods sales in that week's mailer of the store",
        asks=("on_mailer",),
    ),
    Feature(
        "display_share",
        "psychographic proxy",
        "share",
        "need_rows",
        f"coalesce(sum(display_cents) {_GOODS}, 0) / {_GOODS_SALES}",
        "share of goods sales from a display",
        asks=("on_display",),
    ),
    Feature(
        "coupon_order_rate",
        "psychographic proxy",
        "share",
        "order_rows",
        f"count(*) filter (goods_lines > 0 and coupon_cents > 0) "
        f"/ nullif(count(*) {_ORDERS}, 0)",
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
        "need_rows",
        f"sum(lead_days) {_GOODS} / nullif(sum(lead_lines) {_GOODS}, 0)",
        "mean days from order to delivery, over lines",
        asks=("lead_days",),
    ),
    Feature(
        "return_share",
        "behavioural",
        "share",
        "need_rows",
        f"coalesce(sum(returned) {_GOODS}, 0) / nullif(sum(pieces) {_GOODS}, 0)",
        "pieces sent back for their size, of all pieces",
        asks=("returned",),
    ),
    Feature(
        "logo_share",
        "behavioural",
        "share",
        "need_rows",
        f"coalesce(sum(logo_cents) {_GOODS}, 0) / {_GOODS_SALES}",
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


def needs(con: Engine, *, products: str) -> list[str]:
    """List the needs that products serve, without those of no goods.

    Parameters
    ----------
    con : Engine
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
    con: Engine,
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
    con : Engine
        Does the work.
    lines, products, declared, interactions, surveys : str
        Paths of the standard tables, from `tables`.

    Returns
    -------
    tuple of Feature
        In the order of the feature table.
    """
    there = set(engines.columns(lines))
    if con.execute(
        """select 1 from read_parquet(?)
        where ordered_at <> date_trunc('day', ordered_at) limit 1""",
        [lines],
    ).fetchall():
        there.add("clock")
    there |= {"fuel"} & set(_values(con, products, "need_state"))
    there |= {"Private"} & set(_values(con, products, "brand"))
    topics: list[str] = []
    if interactions:
        there |= {"topic", "minutes"} & set(engines.columns(interactions))
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
        *(_flag(name) for name in _requirements(declared)),
    )


def _values(con: Engine, file: str, column: str) -> list[str]:
    found = con.execute(
        f"""select distinct {column} from read_parquet(?) where {column} is not null
            order by 1""",
        [file],
    ).fetchall()
    return [value for (value,) in found]


def _requirements(declared: str | None) -> list[str]:
    """Name the yes-or-no columns of customers that say what a customer requires."""
    kinds = engines.columns(declared) if declared else {}
    return [
        name
        for name, kind in kinds.items()
        if kind == "bool" and name.startswith("requires_")
    ]


def _variety(wanted: Sequence[str]) -> Feature:
    squares = " + ".join(
        f"pow(coalesce(sum(sales_cents) filter (need_state = {quoted(need)}), 0), 2)"
        for need in wanted
    )
    return Feature(
        "need_variety",
        "behavioural",
        "needs",
        "need_rows",
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
            "need_rows",
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
        f"count(*) filter (topic {one_of}) / nullif(count(topic), 0)",
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
    con: Engine,
    *,
    first: str,
    last: str,
    columns: Iterable[str] | None = None,
    **tables: str,
) -> pd.DataFrame:
    """Build the features that the tables allow from one window.

    Order lines stay in the engine, which reads them once or twice; what comes back is
    a row a customer.

    Parameters
    ----------
    con : Engine
        Does the work; receives the staged tables.
    first, last : str
        First and last day of the window, YYYY-MM-DD, both included. No line or
        contact outside it is read.
    columns : iterable of str, optional
        Features to build; all of `defined` if left out.
    **tables : str
        Paths of the standard tables, from `tables`.

    Returns
    -------
    DataFrame
        One row a customer with an order in the window, sorted by customer_id; columns
        customer_id and the features in the order of `defined`. A mean or share without
        anything to divide by is missing.

    Raises
    ------
    BadInput
        If the window holds no line, or a line a product without a row.
    ValueError
        If a column is no feature of the run.
    """
    chosen = _chosen(defined(con, **tables), columns)
    stage(con, chosen, first=first, last=last, **tables)
    return _aggregate(con, chosen, by=["customer_id"], days=_days(first, last))


def halves(
    con: Engine,
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
    con : Engine
        Does the work; the staged tables are made anew, and those of the halves beside
        them.
    columns : iterable of str
        Features to build beside orders, sales and lines. Features of the lifecycle and
        of the rhythm (source day_rows) mean something else in half of the weeks: they
        are refused.
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
        If the window holds no line, or a line a product without a row.
    ValueError
        If a column is no feature of the run, or one of the rhythm.
    """
    wanted = {"orders", "sales", "lines", *columns}
    found = defined(con, **tables)
    rhythm = [f for f in found if f.family == "lifecycle" or f.source == "day_rows"]
    chosen = _chosen([f for f in found if f not in rhythm], wanted)
    stage(con, chosen, first=first, last=last, halved=True, **tables)
    by = ["customer_id", "half"]
    return _aggregate(con, chosen, by=by, days=_days(first, last), prefix="half_")


def _chosen(
    found: Sequence[Feature], columns: Iterable[str] | None
) -> Sequence[Feature]:
    """Return the features of some names, or all."""
    if columns is None:
        return found
    wanted = set(columns)
    if unknown := sorted(wanted - {f.name for f in found}):
        raise ValueError(f"{unknown[0]!r} cannot be built of the tables of this run.")
    return [f for f in found if f.name in wanted]


def _aggregate(
    con: Engine,
    chosen: Sequence[Feature],
    *,
    by: list[str],
    days: dict,
    prefix: str = "",
) -> pd.DataFrame:
    """Aggregate each staged table to a row for each key, and put the rows together."""
    keys = ", ".join(by)
    parts = dict.fromkeys(["order_rows", *(f.source for f in chosen)])
    for source in parts:
        selected = [f"{f.sql} as {f.name}" for f in chosen if f.source == source]
        parts[source] = (
            f"select {', '.join([keys, *selected])} from {prefix}{source} group by {keys}"
        )
    # Who never wrote, answered or declared anything still bought something.
    query = (
        "with "
        + ", ".join(f"of_{source} as ({part})" for source, part in parts.items())
        + f" select {keys}, {', '.join(f.name for f in chosen)} from of_order_rows"
        + "".join(
            f" left join of_{source} using ({keys})" for source in list(parts)[1:]
        )
    )
    asked = {name: day for name, day in days.items() if f"${name}" in query}
    table = con.execute(query, asked).df()
    counts = {"orders", "lines", "recency_days", "tenure_days", "stores", "contacts"}
    none = {"contacts": 0} if "contacts" in table else {}
    kinds = {f.name: "int64" if f.name in counts else "float64" for f in chosen}
    kinds |= {
        f.name: "int32"
        for f in chosen
        if f.unit == "0 or 1" and table[f.name].notna().all()
    }
    return table.fillna(none).astype(kinds).sort_values(by, ignore_index=True)


def _days(first: str, last: str) -> dict:
    start, end = pd.Timestamp(first), pd.Timestamp(last)
    return {
        "first": start.date(),
        "last": end.date(),
        "middle": (start + (end - start) / 2).date(),
    }


# Staged columns that are sums over lines: of an order, and of a need. A column is made
# only if a chosen feature names it: each costs a pass over all lines.
_OF_AN_ORDER = {
    "sales_cents": "sum(sales_cents)::bigint",
    "goods_cents": "coalesce(sum(sales_cents) filter (is_goods), 0)::bigint",
    "goods_lines": "count(*) filter (is_goods)",
    "coupon_cents": "sum(coupon_cents)::bigint",
    "pieces": "sum(quantity)",
    "store_id": "min(store_id)",
    "channel": "min(channel)",
}
_OF_A_NEED = {
    "sales_cents": "sum(sales_cents)::bigint",
    "private_cents": "sum(sales_cents) filter (is_private)::bigint",
    "mailer_cents": "sum(sales_cents) filter (on_mailer)::bigint",
    "display_cents": "sum(sales_cents) filter (on_display)::bigint",
    "shelf_cents": "sum(shelf_amount_cents)::bigint",
    "reduction_cents": "sum(shelf_amount_cents - sales_cents)::bigint",
    "logo_cents": "sum(sales_cents) filter (logo)::bigint",
    "pieces": "sum(quantity)",
    "returned": "sum(returned)",
    "lead_days": "sum(lead_days)",
    "lead_lines": "count(lead_days)",
}


def stage(
    con: Engine,
    chosen: Iterable[Feature],
    *,
    lines: str,
    products: str,
    first: str,
    last: str,
    halved: bool = False,
    declared: str | None = None,
    interactions: str | None = None,
    surveys: str | None = None,
) -> None:
    """Make the tables of one window that features are aggregated from.

    Parameters
    ----------
    con : Engine
        Receives the view line_rows, and the tables order_rows and others that the
        features name. Money is in integer cents, so that sums are exact on any engine
        and any number of cores.
    chosen : iterable of Feature
        Features to be built.
    lines, products, declared, interactions, surveys : str
        Paths of the standard tables; the last three make customer_rows, touch_rows
        and answer_rows.
    first, last : str
        First and last day of the window, YYYY-MM-DD, both included.
    halved : bool
        Whether to make each table of odd and even weeks too, as half_order_rows and
        so on.

    Raises
    ------
    BadInput
        If the window holds no line, or a line a product without a row.
    """
    chosen = list(chosen)
    sources = {f.source for f in chosen}
    prefix, half = ("half_", ", half") if halved else ("", "")
    keys = f"customer_id{half}"
    _stage_lines(con, lines=lines, products=products, first=first, last=last)
    _stage_orders(con, chosen, first=first, last=last, halved=halved)
    beside = {
        "touch_rows": (interactions, "happened_at"),
        "answer_rows": (surveys, "answered_on"),
    }
    for name, (file, when) in beside.items():
        if file:
            con.execute(
                f"""create or replace temp table {name} as
                select * from read_parquet($file)
                where {when} >= $first::date and {when} < $after::date""",
                {"file": file, **_window(first, last)},
            )
    if declared:
        con.execute(
            "create or replace temp view customer_rows as "
            f"select * from read_parquet({quoted(declared)})"
        )
    if halved:
        _halve(con, first, sources)
    if "day_rows" in sources:
        con.execute(
            """create or replace temp table day_rows as
            select customer_id, date_diff('day', lag(day) over (
                partition by customer_id order by day), day) as gap_days
            from (select distinct customer_id, ordered_at::date as day
                from order_rows) as days"""
        )
    if "store_rows" in sources:
        con.execute(
            f"""create or replace temp table {prefix}store_rows as
            select {keys}, store_id, count(*) as orders
            from {prefix}order_rows group by {keys}, store_id"""
        )
    if sources & {"item_rows", "need_rows"}:
        con.execute(
            """create or replace temp table buyer_rows as
            select customer_id, row_number() over (order by customer_id) - 1 as buyer
            from (select distinct customer_id from order_rows) as buyers"""
        )
    if "item_rows" in sources:
        _stage_items(con, prefix=prefix, half=half)
    if "need_rows" in sources:
        named = _words(chosen, {"need_rows"})
        _stage_needs(con, sums=_summed(_OF_A_NEED, named), prefix=prefix, half=half)


def _window(first: str, last: str) -> dict:
    after = pd.Timestamp(last) + pd.Timedelta(days=1)
    return {"first": first, "after": f"{after:%Y-%m-%d}"}


def _stage_lines(
    con: Engine, *, lines: str, products: str, first: str, last: str
) -> None:
    """Make a view of the window's lines: they are read where they lie, never copied."""
    apart = ", ".join(map(quoted, APART))
    con.execute(
        f"""create or replace temp table product_rows as
        select product_id, row_number() over (order by product_id)::int - 1 as product_code,
            dense_rank() over (order by need_state)::int - 1 as need_code, need_state,
            coalesce(brand = 'Private', false) as is_private,
            coalesce(need_state not in ({apart}), false) as is_goods
        from read_parquet($products)""",
        {"products": products},
    )
    there = engines.columns(lines)
    more = "".join(f", {column}" for column in OPTIONAL if column in there)
    window = _window(first, last)
    con.execute(
        f"""create or replace temp view line_rows as
        select customer_id, order_id, ordered_at, product_code, need_code, is_private,
            is_goods, quantity, amount_cents + coupon_cents as sales_cents,
            coupon_cents{more}
        from read_parquet({quoted(lines)}) as l
        left join product_rows as p on p.product_id = l.product_id
        where ordered_at >= {quoted(window["first"])}::date
            and ordered_at < {quoted(window["after"])}::date"""
    )


def _stage_orders(
    con: Engine, chosen: Sequence[Feature], *, first: str, last: str, halved: bool
) -> None:
    sources = {f.source for f in chosen}
    named = {"store_id"} if "store_rows" in sources else set()
    named |= {"goods_lines"} if "item_rows" in sources else set()
    named |= _words(chosen, sources - {"need_rows", "item_rows"})
    order = ", order_id" if halved else ""  # to find the lines of an order again
    con.execute(
        f"""create or replace temp table order_rows as
        select customer_id{order}, min(ordered_at) as ordered_at,
            count(*) filter (product_code is null) as unknown_lines
            {_summed(_OF_AN_ORDER, named)}
        from line_rows group by customer_id, order_id"""
    )
    orders, unknown = con.execute(
        "select count(*), sum(unknown_lines) from order_rows"
    ).fetchall()[0]
    if not orders:
        raise BadInput(
            f"Table lines: column ordered_at has no line from {first} to {last}. "
            "Choose a window in which there are orders."
        )
    if unknown:
        raise BadInput(
            f"Table lines: column product_id of {unknown:,} lines has no row in table "
            "products. Run 01_cleaning again: it gives such products a row."
        )


# Millions of groups are grouped by one whole number, made of a buyer and a product or
# need: pairs of texts, or a distinct count, would have to fit into memory.
def _stage_items(con: Engine, *, prefix: str, half: str) -> None:
    """Count the lines and the different products of each customer."""
    [(products,)] = con.execute("select count(*) from product_rows").fetchall()
    con.execute(
        f"""create or replace temp table {prefix}item_rows as
        select customer_id{half}, products, lines
        from (select item // {products} as buyer{half}, count(*) as products
            from (select distinct buyer * {products} + product_code as item{half}
                from {prefix}line_rows join buyer_rows using (customer_id)
                where is_goods) as items
            group by item // {products}{half}) as counted
        join buyer_rows using (buyer)
        join (select customer_id{half}, sum(goods_lines)::bigint as lines
            from {prefix}order_rows group by customer_id{half}) as sums
            using (customer_id{half})"""
    )


def _stage_needs(con: Engine, *, sums: str, prefix: str, half: str) -> None:
    """Add up the lines of each customer and need."""
    [(needs,)] = con.execute("select max(need_code) + 1 from product_rows").fetchall()
    con.execute(
        f"""create or replace temp table {prefix}need_rows as
        select customer_id, need_state, is_goods, sums.*
        from (select buyer * {needs} + need_code as pair{half}{sums}
            from {prefix}line_rows join buyer_rows using (customer_id)
            group by buyer * {needs} + need_code{half}) as sums
        join buyer_rows on buyer = pair // {needs}
        join (select distinct need_code, need_state, is_goods from product_rows) as codes
            on need_code = pair % {needs}"""
    )


def _words(chosen: Iterable[Feature], sources: set[str]) -> set[str]:
    """List the words in the definitions of the features of some sources."""
    sql = " ".join(f.sql for f in chosen if f.source in sources)
    return set(re.findall(r"\w+", sql))


def _summed(sums: dict[str, str], named: set[str]) -> str:
    """Write the sums that are named."""
    return "".join(f", {sql} as {name}" for name, sql in sums.items() if name in named)


def _halve(con: Engine, first: str, sources: set[str]) -> None:
    """Say of each order, line, contact and answer whether its week is odd or even."""
    con.execute(
        f"""create or replace temp table half_order_rows as
        select *, {_HALF.format("ordered_at")} as half from order_rows""",
        {"first": first},
    )
    con.execute(
        """create or replace temp view half_line_rows as
        select l.*, o.half from line_rows as l
        join half_order_rows as o using (customer_id, order_id)"""
    )
    for name, when in (("touch_rows", "happened_at"), ("answer_rows", "answered_on")):
        if name in sources:
            con.execute(
                f"""create or replace temp table half_{name} as
                select *, {_HALF.format(when)} as half from {name}""",
                {"first": first},
            )
    if "customer_rows" in sources:
        con.execute(
            """create or replace temp view half_customer_rows as
            select c.*, h.half from customer_rows as c
            cross join (values ('odd'), ('even')) as h(half)"""
        )


_HALF = """case when date_diff('day', $first::date, {}::date) // 7 % 2 = 0
    then 'odd' else 'even' end"""


def outcomes(
    con: Engine,
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
    con : Engine
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
    by_name = {f.name: f for f in FEATURES}
    known = [by_name[name] for name in ("orders", "sales", "recency_days")]
    orders, sales, recency = (replace(f, name=f"later_{f.name}") for f in known)
    by_need = [
        Feature(
            f"later_{slug(need)}",
            "outcome",
            "currency",
            "need_rows",
            "coalesce(sum(sales_cents) filter "
            f"(need_state = {quoted(need)}), 0) / 100.0",
            f"later sales in {need.replace('_', ' ')}",
        )
        for need in needs(con, products=products)
    ]
    chosen = [orders, sales, *by_need, recency]
    window = {"first": first, "last": last}
    stage(con, chosen, lines=lines, products=products, **window)
    later = _aggregate(con, chosen, by=["customer_id"], days=_days(first, last))
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
    con: Engine,
    *,
    customers: pd.Series,
    responses: str,
    first: str,
    last: str,
) -> pd.DataFrame:
    """Count the coupons that customers redeemed in the training window.

    Parameters
    ----------
    con : Engine
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

    Parameters
    ----------
    con : Engine
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
