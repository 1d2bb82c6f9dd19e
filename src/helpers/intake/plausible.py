"""Hold order lines that can be read to what order lines look like: orders, copies, customers."""

import itertools
from collections.abc import Iterator

import duckdb

from helpers.core.engines import identifier
from helpers.intake import types, validate
from helpers.intake.readers import ROW
from helpers.intake.validate import Problem, say
from helpers.runs import mapping
from helpers.runs.mapping import Source

DOMINANT = 0.10  # share of sales of one customer that is worth a warning
UNKNOWN = 0.10  # share of lines without customer that is worth a warning
MAX_NEEDS = 40  # categories beyond which a mix of needs is too fine to read
SOME = 0.01  # share of orders from which an oddity is worth a warning
MANY = 30  # orders from which it is odd that no customer has two


def lines(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source]
) -> Iterator[Problem]:
    """Name what the typed lines hold that would make wrong numbers without a fault."""
    source = names["lines"]
    for said in _no_such(con, source):
        yield "lines", "error", said
    for question in (
        _status,
        _clocks,
        _optional,
        _zones,
        _alike,
        _other_copies,
        _orders,
        _lone_lines,
        _nobody,
        _once,
        _dominant,
        _two_readings,
        _services,
    ):
        for said in question(con, source):
            yield "lines", "warning", said
    for level, said in _prefix(con, source):
        yield "lines", level, said
    for said in _unplaced(con, names):
        yield "lines", "warning", said


def _no_such(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Refuse a status to be left out that no order has."""
    if source.left_out_status:
        found = con.execute(
            "select distinct lower(status) from typed_lines where status is not null"
        ).fetchall()
        there = sorted(status for (status,) in found)
        for status in source.left_out_status:
            # The database writes small letters its own way, such as those of Turkish.
            small = con.execute("select lower(?)", [status]).fetchall()[0][0]
            if small not in there:
                told = {"status": status, "near": mapping.near(status, there)}
                yield say(source, "no_such_status", "status", **told)


def _status(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of orders that came to nothing and count as sales."""
    if "status" not in source.columns:
        return
    found = con.execute(
        """select lower(status), count(*) from typed_lines where status is not null
            group by 1 order by 2 desc, 1"""
    ).fetchall()
    left_out = {
        one
        for (one,) in con.execute(
            "select lower(unnest(?::varchar[]))", [list(source.left_out_status)]
        ).fetchall()
    }
    kept = [(status, rows) for status, rows in found if status not in left_out]
    void = [pair for pair in kept if types.is_void(pair[0])]
    # Where nothing is left out, what each word means is for the analyst to say.
    told = void or (kept if len(kept) > 1 and not left_out else [])
    if told:
        each = ", ".join(f"{status} ({rows:,} lines)" for status, rows in told[:6])
        yield say(source, "status", "status", each=each)


def _clocks(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of lines without the time of day that others have."""
    if "ordered_time" in source.columns and (
        rows := validate.told(
            con,
            source,
            "ordered_at::date",
            "ordered_time is null and bad_ordered_time is null and ordered_at is not null",
        )
    ):
        yield say(source, "no_clock", "ordered_time", rows=rows)


def _optional(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of mapped columns without any value, such as formulas never worked out."""
    names = [n for n, c in source.columns.items() if c != mapping.DERIVED]
    counts = ", ".join(f"count({identifier(name)})" for name in names)
    found = con.execute(f"select {counts} from typed_lines").fetchall()[0]
    for name, values in zip(names, found, strict=True):
        if not values and name not in source.required:
            yield say(source, "nothing_in_it", name)


def _zones(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of times with and without an offset in one column."""
    if source.time_zone:
        return
    timed, moved = con.execute(
        """select count(*) filter (ordered_at <> date_trunc('day', ordered_at)
            or moved_ordered_at is not null), count(moved_ordered_at) from typed_lines"""
    ).fetchall()[0]
    if 0 < moved < timed:
        yield say(source, "offsets", "ordered_at", moved=moved, timed=timed)


def _alike(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of lines that repeat an earlier one in all that is mapped."""
    rows, money, first, unlike = con.execute(
        """with repeated as (select digest, min(line_id) as first,
                arg_min(whole, line_id) as whole from typed_lines group by digest
                having count(*) > 1)
        select count(*), coalesce(sum(cents), 0)::double / 100, min(line_id),
            count(*) filter (l.whole <> r.whole)
        from typed_lines l join repeated r using (digest) where line_id > first"""
    ).fetchall()[0]
    if not rows:
        return
    said = (
        f"Table lines: {rows:,} lines repeat an earlier one in every column that is "
        f"mapped, the first in line {first + 1 + source.header}, and hold {money:,.2f}"
        + (f"; {unlike:,} of them differ in others" if unlike else "")
        + ". "
    )
    if types.tells_copies(con, source):
        yield said + (
            "Notebook 1 sets them aside as copies; if they are purchases, map line_no or "
            "write `disabled_rules: [exact copy]`."
        )
    else:
        yield said + (
            "They count as purchases, since nothing tells a second piece from a copy; map "
            "line_no or an order's number if the file has one."
        )


def _other_copies(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of lines that differ from another in what exports change, such as the status."""
    if not (source.names_orders and source.names_products):
        return
    total, counts = con.execute(
        "select count(*), bool_or(abs(quantity) not in (0, 1)) from typed_lines"
    ).fetchall()[0]
    if not counts:
        return
    # One number a group takes less memory than its texts.
    key = "hash(order_id, product_id, quantity, round(cents / 5), ordered_at::date)"
    rows, first = con.execute(
        f"""select sum(rows - 1), min(first) from (select count(*) as rows,
                min(line_id) as first from typed_lines where {validate.some(con, "order_id")}
                group by {key} having count(*) > 1 and min(digest) < max(digest))"""
    ).fetchall()[0]
    if rows and rows >= SOME * total:
        yield say(source, "other_copies", rows=rows, line=first + 1 + source.header)


def _orders(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of numbers of orders that come back: on other days, customers or in stores."""
    if not source.names_orders:
        return
    store = "min(store_id) < max(store_id)" if "store_id" in source.columns else "false"
    everyone, days, customers, stores, example = con.execute(
        f"""select count(*), count(*) filter (apart), count(*) filter (customers),
                count(*) filter (stores), min(order_id) filter (apart or customers or stores)
            from (select order_id, min(customer_id) < max(customer_id) as customers,
                date_diff('hour', min(ordered_at), max(ordered_at)) > 20 as apart,
                {store} as stores
                from typed_lines where {validate.some(con, "order_id")} group by order_id)"""
    ).fetchall()[0]
    told = [
        f"{count:,} {what}"
        for count, what in (
            (days, "on days apart"),
            (customers, "with several customers"),
            (stores, "in several stores"),
        )
        if count > SOME * everyone
    ]
    if told:
        what = {"what": " and ".join(told), "example": example}
        yield say(source, "orders_again", "order_id", everyone=everyone, **what)


def _lone_lines(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of orders of one line each where many share customer and moment."""
    if not (source.names_orders and source.names_products):
        return
    total, orders, timed = con.execute(
        f"""select count(*), count(distinct order_id),
            bool_or(ordered_at <> date_trunc('day', ordered_at)) from typed_lines
            where {validate.some(con, "customer_id")}"""
    ).fetchall()[0]
    if not timed or orders < total:
        return
    shared = validate.one(
        con,
        f"""select coalesce(sum(rows), 0) from (select count(*) as rows from typed_lines
            where customer_id is not null and {validate.some(con, "customer_id")}
            group by hash(customer_id, ordered_at) having count(*) > 1)""",
    )
    if shared > 0.3 * total:
        yield say(source, "lone_lines", "order_id", shared=shared, total=total)


def _nobody(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of many lines without a customer."""
    total, unknown = con.execute(
        "select count(*), count(*) filter (customer_id is null) from typed_lines"
    ).fetchall()[0]
    if unknown >= UNKNOWN * total:
        yield say(source, "no_customer", share=unknown / total, unknown=unknown)
    words = ", ".join(map(repr, types.WORDS["nobody"]))
    if rows := validate.told(
        con, source, "customer_id", f"lower(customer_id) in ({words})"
    ):
        yield say(source, "nobody", "customer_id", rows=rows)


def _once(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of a file in which nobody comes back, as where orders stand for customers."""
    customers, orders = con.execute(
        f"""select count(distinct customer_id), count(distinct order_id) from typed_lines
            where customer_id is not null and {validate.some(con, "customer_id")}"""
    ).fetchall()[0]
    if source.names_orders and customers == orders >= MANY:
        yield say(source, "once", "customer_id", customers=customers)


def _dominant(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of a customer who alone makes much of the sales."""
    rows = con.execute(
        """select customer_id, sum(cents)::double as sales,
                sum(sales) over () as everyone
            from typed_lines where customer_id is not null group by 1
            order by 2 desc, 1 limit 1"""
    ).fetchall()
    for customer, sales, everyone in rows:
        if everyone and everyone > 0 and sales >= DOMINANT * everyone:
            yield say(source, "dominant", customer=customer, share=sales / everyone)


def _two_readings(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of dates that two of the forms given read as different days."""
    forms, column = source.date_formats, source.columns["ordered_at"]
    pairs = list(itertools.combinations(forms, 2))
    for one, other in pairs:
        rows = con.execute(
            f"""select {ROW}, {identifier(column)}, count(*) over () from raw_lines
                where try_strptime({identifier(column)}, ?)
                    <> try_strptime({identifier(column)}, ?) order by 1 limit 1""",
            [one, other],
        ).fetchall()
        for row, text, count in rows:
            told = {"one": one, "other": other, "text": text, "count": count}
            yield say(source, "two_readings", line=row + 1 + source.header, **told)


def _services(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of product ids without a digit where nearly all others have one."""
    if source.service_products:
        return
    found = con.execute(
        """with ids as (select distinct product_id,
                regexp_matches(product_id, '\\d') as numbered from typed_lines)
            select list(product_id order by product_id) filter (not numbered),
                avg(numbered::int) from ids"""
    ).fetchall()[0]
    if found[0] and found[1] > 0.9:
        yield say(source, "services", ids=", ".join(found[0][:8]))


def _prefix(
    con: duckdb.DuckDBPyConnection, source: Source
) -> Iterator[tuple[str, str]]:
    """Refuse a mark of cancellations that stands at purchases."""
    if not source.cancel_prefix:
        return
    orders, negative = con.execute(
        """select count(*), count(*) filter (below) from (select bool_or(quantity < 0
            or cents < 0) as below from typed_lines
            where starts_with(upper(order_id), upper(?)) group by order_id)""",
        [source.cancel_prefix],
    ).fetchall()[0]
    if orders and negative < 0.95 * orders:
        told = {"orders": orders, "negative": negative, "prefix": source.cancel_prefix}
        level = "error" if negative < 0.5 * orders else "warning"
        yield level, say(source, "prefix_of_purchases", **told)
    elif not orders:
        yield "warning", say(source, "prefix_of_none", prefix=source.cancel_prefix)


def _unplaced(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source]
) -> Iterator[str]:
    """Tell how far products are told apart by what they are for."""
    total = validate.one(con, "select count(*) from typed_lines")
    source = names.get("products", names["lines"])
    told = types.tells_need(source)
    if not told:
        yield (
            "Table lines: nothing tells what products are for, so needs cannot be "
            "segmented. Map category in lines, or a table of products."
        )
        return
    kinds = validate.one(
        con, f"select count(distinct {told[0]}) from typed_{source.table}"
    )
    if not 2 <= kinds <= MAX_NEEDS:
        yield say(source, "needs", told[0], kinds=kinds)
    if "products" in names:
        lost = validate.one(
            con,
            f"""select count(*) from typed_lines where product_id not in
                (select product_id from typed_products where product_id is not null)
                and not {types.service(names["lines"])}""",
        )
        if lost:
            yield say(source, "unplaced", lost=lost, share=lost / total)
