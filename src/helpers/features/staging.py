"""Stage the order lines of a window in small tables, and aggregate features from them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from helpers.core import engines
from helpers.core.engines import Engine, quoted
from helpers.core.errors import BadInput
from helpers.core.paths import beside
from helpers.core.schema import APART, OPTIONAL

DEFINED = beside(__file__, "dictionary.yaml")
# Sources that ask for a line's product, and not only whether it is goods.
_BY_PRODUCT = {"item_rows", "need_rows"}
_DATED = """from read_parquet($lines)
    where ordered_at >= $first::date and ordered_at < $after::date"""


class Cut(NamedTuple):
    """How a window is cut in two."""

    one: str  # name of the half in which `when` holds
    other: str
    when: str  # condition of SQL on a {day}


@dataclass(frozen=True)
class Feature:
    """One feature, as dictionary.yaml describes it: its SQL is its definition."""

    name: str
    family: str
    unit: str
    source: str
    sql: str
    meaning: str
    words: str = ""
    asks: Sequence[str] = ()
    weight: str = ""
    whole: bool = False


def collect(
    con: Engine,
    chosen: Iterable[Feature],
    *,
    lines: str,
    products: str,
    first: str,
    last: str,
    halved: Cut | None = None,
    declared: str | None = None,
    interactions: str | None = None,
    surveys: str | None = None,
) -> pd.DataFrame:
    """Build features from the lines of one window, some customers after the others.

    Customers are taken together until their lines are as many as the engine holds, so
    that memory does not grow with the lines. `halved`, from `half_of`, makes a row for
    customer and half, from tables named half_order_rows and so on.
    """
    chosen = list(chosen)
    sources = {f.source for f in chosen}
    window = _window(first, last)
    _view_lines(con, lines, window)
    _stage_products(con, products, sources)
    dated = {"touch_rows": (interactions, "happened_at")}
    dated |= {"answer_rows": (surveys, "answered_on")}
    for name, (file, when) in dated.items():
        if file and name in sources:
            con.execute(
                f"""create or replace temp table {name} as
                select * from read_parquet($file)
                where {when} >= $first::date and {when} < $after::date""",
                {"file": file, **window},
            )
            if halved:
                _halve(con, name, when, halved)
    if declared:
        con.execute(
            "create or replace temp view customer_rows as "
            f"select * from read_parquet({quoted(declared)})"
        )
        if halved:
            con.execute(
                f"""create or replace temp view half_customer_rows as
                select c.*, h.half from customer_rows as c
                cross join (values ('{halved.one}'), ('{halved.other}')) as h(half)"""
            )
    # Of a currency of three places.
    tenths = engines.columns(lines)["amount_cents"] == "double"
    parts = []
    for among in _parts(con, lines, first, last):
        con.execute(
            "create or replace temp view part_rows as select * from line_rows "
            f"where {among}"
        )
        _stage(con, chosen, halved=halved, tenths=tenths)
        parts.append(
            _aggregate(con, chosen, first=first, last=last, halved=bool(halved))
        )
    return pd.concat(parts, ignore_index=True)


def count(con: Engine, lines: str, first: str, last: str) -> int:
    """Count the lines of a window; one that ends before it begins holds none."""
    values = {"lines": lines, **_window(first, last)}
    return con.execute(f"select count(*) {_DATED}", values).fetchall()[0][0]


def _parts(con: Engine, lines: str, first: str, last: str) -> list[str]:
    """Divide the customers by their ids; return a condition of SQL for each part."""
    values = {"lines": lines, **_window(first, last)}
    total = count(con, lines, first, last)
    if not total:
        raise BadInput(
            f"Table lines: column ordered_at has no line from {first} to {last}. "
            "Choose a window in which there are orders."
        )
    parts = -(-total // getattr(con, "LINES_AT_ONCE", total))
    if parts == 1:
        return ["true"]
    starts = con.execute(
        f"""select min(customer_id) from (
            select customer_id,
                (sum(lines) over (order by customer_id) - lines) * {parts} // {total} as part
            from (select customer_id, count(*) as lines {_DATED} group by customer_id))
        group by part order by part""",
        values,
    ).fetchall()
    bounds = [f"customer_id >= {quoted(start)}" for (start,) in starts]
    below = [f"customer_id < {quoted(start)}" for (start,) in starts[1:]]
    return [" and ".join(pair) for pair in zip(bounds, [*below, "true"], strict=True)]


def _stage(
    con: Engine, chosen: Sequence[Feature], *, halved: Cut | None, tenths: bool
) -> None:
    """Make the tables of the customers of part_rows that features are built from."""
    sources = {f.source for f in chosen}
    prefix, half = ("half_", ", half") if halved else ("", "")
    keys = f"customer_id{half}"
    _stage_orders(con, chosen, halved=halved, tenths=tenths)
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
    if sources & _BY_PRODUCT:
        sums = _sums("need_rows", _words(chosen, {"need_rows"}), tenths=tenths)
        [(products, needs)] = con.execute(
            "select count(*), max(need_code) + 1 from product_rows"
        ).fetchall()
        coded = {"products": products, "prefix": prefix, "half": half}
        _stage_codes(con, sums, **coded)
        if "item_rows" in sources:
            _stage_items(con, **coded)
        if "need_rows" in sources:
            _stage_needs(con, sums, needs=needs, **coded)


def _window(first: str, last: str) -> dict:
    after = pd.Timestamp(last) + pd.Timedelta(days=1)
    return {"first": first, "after": f"{after:%Y-%m-%d}"}


def _view_lines(con: Engine, lines: str, window: dict) -> None:
    """Make a view of the window's lines: they are read where they lie."""
    there = engines.columns(lines)
    more = "".join(f", {column}" for column in OPTIONAL if column in there)
    con.execute(
        f"""create or replace temp view line_rows as
        select customer_id, order_id, ordered_at, product_id, quantity,
            amount_cents + coupon_cents as sales_cents, coupon_cents{more}
        from read_parquet({quoted(lines)})
        where ordered_at >= {quoted(window["first"])}::date
            and ordered_at < {quoted(window["after"])}::date"""
    )


def _stage_products(con: Engine, products: str, sources: set[str]) -> None:
    """List the few products that are no goods; number all where they are asked for."""
    apart = f"coalesce(need_state in ({', '.join(map(quoted, APART))}), true)"
    con.execute(
        f"""create or replace temp table apart_rows as
        select product_id from read_parquet($products) where {apart}""",
        {"products": products},
    )
    if sources & _BY_PRODUCT:
        con.execute(
            f"""create or replace temp table product_rows as
            select product_id, need_state,
                row_number() over (order by product_id)::int - 1 as product_code,
                dense_rank() over (order by need_state)::int - 1 as need_code,
                coalesce(brand = 'Private', false) as is_private,
                not {apart} as is_goods
            from read_parquet($products)""",
            {"products": products},
        )


def _stage_orders(
    con: Engine, chosen: Sequence[Feature], *, halved: Cut | None, tenths: bool
) -> None:
    """Add up the lines of each order; say which half it falls into."""
    sources = {f.source for f in chosen}
    named = {"store_id"} if "store_rows" in sources else set()
    named |= {"goods_lines"} if "item_rows" in sources else set()
    named |= _words(chosen, sources - _BY_PRODUCT)
    order = ", order_id" if halved else ""  # to find the lines of an order again
    sums = _summed(_sums("order_rows", named, tenths=tenths))
    con.execute(
        f"""create or replace temp table order_rows as
        select customer_id{order}, min(ordered_at) as ordered_at{sums}
        from (select l.*, apart.product_id is null as is_goods
            from part_rows as l
            left join apart_rows as apart on apart.product_id = l.product_id) as lines
        group by customer_id, order_id"""
    )
    if halved:
        _halve(con, "order_rows", "ordered_at", halved)
        con.execute(
            """create or replace temp view half_part_rows as
            select l.*, o.half from part_rows as l
            join half_order_rows as o using (customer_id, order_id)"""
        )


# Lines are read a second time and kept as numbers, for two groupings by one number each:
# texts take longer to compare, and a distinct count of them would not fit into memory.
def _stage_codes(
    con: Engine, sums: dict[str, str], *, products: int, prefix: str, half: str
) -> None:
    """Give customers numbers; keep of a line who bought what, and what is summed."""
    con.execute(
        """create or replace temp table buyer_rows as
        select customer_id, row_number() over (order by customer_id) - 1 as buyer
        from (select distinct customer_id from order_rows) as buyers"""
    )
    words = set(re.findall(r"\w+", " ".join(sums.values())))
    summed = words.intersection(["sales_cents", "quantity", *OPTIONAL])
    kept = "".join(f", {column}" for column in sorted(summed))
    con.execute(
        f"""create or replace temp table {prefix}code_rows as
        select buyer * {products} + product_code as item{half}{kept}
        from {prefix}part_rows as l
        join buyer_rows using (customer_id)
        left join product_rows as p on p.product_id = l.product_id"""
    )
    if con.execute(
        f"select 1 from {prefix}code_rows where item is null limit 1"
    ).fetchall():
        [(unknown,)] = con.execute(
            """select count(*) from line_rows as l
            left join product_rows as p on p.product_id = l.product_id
            where p.product_id is null"""
        ).fetchall()
        raise BadInput(
            f"Table lines: column product_id of {unknown:,} lines has no row in table "
            "products. Run 01_cleaning again: it gives such products a row."
        )


def _stage_items(con: Engine, *, products: int, prefix: str, half: str) -> None:
    """Count the lines and the different products of each customer."""
    con.execute(
        f"""create or replace temp table {prefix}item_rows as
        select customer_id{half}, products, lines
        from (select item // {products} as buyer{half}, count(*) as products
            from (select distinct item{half} from {prefix}code_rows) as items
            join product_rows on product_code = item % {products}
            where is_goods group by item // {products}{half}) as counted
        join buyer_rows using (buyer)
        join (select customer_id{half}, sum(goods_lines)::bigint as lines
            from {prefix}order_rows group by customer_id{half}) as sums
            using (customer_id{half})"""
    )


def _stage_needs(
    con: Engine,
    sums: dict[str, str],
    *,
    products: int,
    needs: int,
    prefix: str,
    half: str,
) -> None:
    """Add up the lines of each customer and need."""
    pair = f"item // {products} * {needs} + need_code"
    con.execute(
        f"""create or replace temp table {prefix}need_rows as
        select customer_id, need_state, is_goods, sums.*
        from (select {pair} as pair{half}{_summed(sums)}
            from {prefix}code_rows
            join product_rows on product_code = item % {products}
            group by {pair}{half}) as sums
        join buyer_rows on buyer = pair // {needs}
        join (select distinct need_code, need_state, is_goods from product_rows) as codes
            on need_code = pair % {needs}"""
    )


def _words(chosen: Iterable[Feature], sources: set[str]) -> set[str]:
    """List the words in the definitions of the features of some sources."""
    sql = " ".join(f.sql for f in chosen if f.source in sources)
    return set(re.findall(r"\w+", sql))


def _sums(source: str, named: set[str], *, tenths: bool) -> dict[str, str]:
    """Choose the sums over lines that are named; those of tenths of cents keep them."""
    sums = {name: sql for name, sql in DEFINED["sums"][source].items() if name in named}
    for name, sql in sums.items():
        if tenths and name.endswith("_cents"):
            sums[name] = f"round({sql.removesuffix('::bigint')}, 1)"
    return sums


def _summed(sums: dict[str, str]) -> str:
    """Write sums as they stand in a select."""
    return "".join(f", {sql} as {name}" for name, sql in sums.items())


def half_of(first: str, last: str, *, cut: str, weeks: int, turn: str = "") -> Cut:
    """Say which half of a window a day falls into, as `dictionary.halves` does."""
    if cut == "middle":
        middle = quoted(str(_days(first, last)["middle"]))
        return Cut("first", "second", f"{{day}} <= {middle}::date")
    return Cut("odd", "even", _odd_when(first, last, weeks=weeks, turn=turn))


def cut_in_two(days: int, weeks: int, *, odd_first: bool) -> tuple[int, int]:
    """Cut a part of a window in two: whole pairs of blocks, and where the rest is cut.

    Gives the days that pairs of blocks of that many weeks fill, and the day, counted from
    0, at which what is left is cut: its middle. Of an odd number of days the odd half has
    one more, whether it comes first or not: parts of one length are cut alike.
    """
    whole = days - days % (14 * weeks)
    return whole, whole + (days - whole + odd_first) // 2


def _odd_when(first: str, last: str, *, weeks: int, turn: str) -> str:
    if not turn:
        return f"{_since(first)} // {7 * weeks} % 2 = 0"
    starts = pd.to_datetime([first, turn])
    ends = pd.to_datetime([turn, last]) + pd.to_timedelta([0, 1], unit="D")
    parts = []
    for start, days in zip((first, turn), (ends - starts).days, strict=True):
        whole, middle = cut_in_two(int(days), weeks, odd_first=start == first)
        since = _since(start)
        parts.append(
            f"(({since} < {whole} and {since} // {7 * weeks} % 2 = 0) "
            f"or ({since} >= {whole} and {since} < {middle}))"
        )
    early = f"{_since(turn)} < 0"
    # The other half comes first behind the turn: what begins early on one side begins
    # late on the other, so that a slow change counts in both halves alike.
    return f"({early} and {parts[0]}) or (not {early} and not {parts[1]})"


def _since(day: str) -> str:
    return f"date_diff('day', {quoted(day)}::date, {{day}})"


def _halve(con: Engine, name: str, when: str, cut: Cut) -> None:
    """Say of each row which half it falls into."""
    con.execute(
        f"""create or replace temp table half_{name} as
        select *, case when {cut.when.format(day=when + "::date")}
            then '{cut.one}' else '{cut.other}' end as half from {name}"""
    )


def _aggregate(
    con: Engine, chosen: Sequence[Feature], *, first: str, last: str, halved: bool
) -> pd.DataFrame:
    """Aggregate each staged table to a row for each key, and put the rows together."""
    by = ["customer_id", "half"] if halved else ["customer_id"]
    keys, prefix = ", ".join(by), "half_" if halved else ""
    parts = dict.fromkeys(["order_rows", *(f.source for f in chosen)])
    # PostgreSQL cuts off names of more than 63 bytes, which are 20 letters of Hindi.
    places = {f.name: f"feature_{place}" for place, f in enumerate(chosen)}
    for source in parts:
        selected = [
            f"{f.sql} as {places[f.name]}" for f in chosen if f.source == source
        ]
        parts[source] = (
            f"select {', '.join([keys, *selected])} from {prefix}{source} group by {keys}"
        )
    # Who never wrote, answered or declared anything still bought something.
    query = (
        "with "
        + ", ".join(f"of_{source} as ({part})" for source, part in parts.items())
        + f" select {keys}, {', '.join(places.values())} from of_order_rows"
        + "".join(f" left join of_{x} using ({keys})" for x in list(parts)[1:])
    )
    asked = {x: day for x, day in _days(first, last).items() if f"${x}" in query}
    table = con.execute(query, asked).df()
    table.columns = [*by, *(f.name for f in chosen)]
    none = {f.name: 0 for f in chosen if f.whole}
    types = {f.name: "int64" if f.whole else "float64" for f in chosen}
    flags = [f.name for f in chosen if f.unit == "0 or 1"]
    types |= {name: "int32" for name in flags if table[name].notna().all()}
    return table.fillna(none).astype(types).sort_values(by, ignore_index=True)


def _days(first: str, last: str) -> dict:
    start, end = pd.Timestamp(first), pd.Timestamp(last)
    middle = start + (end - start) / 2
    return {"first": start.date(), "last": end.date(), "middle": middle.date()}
