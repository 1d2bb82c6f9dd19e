"""Turn clean order lines into one row of features a customer, from one dictionary."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from helpers.core import engines, store
from helpers.core.engines import Engine, quoted
from helpers.core.schema import APART
from helpers.features import staging
from helpers.features.staging import Feature
from helpers.sources.complete_journey import NEED_STATES

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
        """ln((greatest(coalesce(sum(sales_cents) filter (ordered_at::date > $middle),
        0), 0) + 1000.0) / (greatest(coalesce(sum(sales_cents)
        filter (ordered_at::date <= $middle), 0), 0) + 1000.0))""",
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
        "sales of goods in the window (monetary value)",
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
        asks=("coupon",),
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
        "lines": store.located("lines", run=run),
        "products": store.located("products", run=run),
        "declared": store.located("customers", run=run),
    }
    for name in ("interactions", "surveys"):
        file = store.path(name, run=run)
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
        Need states, those of `complete_journey.NEED_STATES` first and in its order, others by
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
    if con.execute(
        "select 1 from read_parquet(?) where coupon_cents <> 0 limit 1", [lines]
    ).fetchall():
        there.add("coupon")
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
    if "fuel" in there:
        gifts = "not_merchandise" in _values(con, products, "need_state")
        left = f"fuel {'and gift cards ' if gifts else ''}left out"
        apart = f"sales of goods in the window, {left} (monetary value)"
        found = [replace(f, meaning=apart) if f.name == "sales" else f for f in found]
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
            f"coalesce(sum(greatest(sales_cents, 0)) filter (need_state {one_of}), 0) "
            f"/ nullif(sum(greatest(sales_cents, 0)) {_GOODS}, 0)",
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
        If the window holds no line; or, where products or needs are asked for, a line
        a product without a row.
    ValueError
        If a column is no feature of the run.
    """
    chosen = _chosen(defined(con, **tables), columns)
    return staging.collect(con, chosen, first=first, last=last, **tables)


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
        If the window holds no line; or, where products or needs are asked for, a line
        a product without a row.
    ValueError
        If a column is no feature of the run, or one of the rhythm.
    """
    wanted = {"orders", "sales", "lines", *columns}
    found = defined(con, **tables)
    rhythm = [f for f in found if f.family == "lifecycle" or f.source == "day_rows"]
    chosen = _chosen([f for f in found if f not in rhythm], wanted)
    window = {"first": first, "last": last}
    return staging.collect(con, chosen, **window, halved=True, **tables)


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
