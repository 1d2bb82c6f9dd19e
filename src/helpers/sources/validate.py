"""Judge an analyst's typed tables: every fault at once, before anything is written."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import yaml

from helpers.core.engines import identifier
from helpers.runs.mapping import Source
from helpers.sources import types
from helpers.sources.readers import ROW

_JUDGED = yaml.safe_load(Path(__file__).with_name("validate.yaml").read_text("utf-8"))
EARLIEST = "1990-01-01"  # days before it are mostly an empty date, such as 1970-01-01
DOMINANT = 0.10  # share of sales of one customer that is worth a warning
UNKNOWN = 0.10  # share of lines without customer that is worth a warning
MOST_NEEDS = 40  # categories beyond which a mix of needs is too fine to read
Problem = tuple[str, str, str]  # table, level (error or warning), what is said


def table(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[Problem]:
    """Name the problems of one typed table by itself."""
    for one in _faults(con, source):
        yield source.table, "error", one
    if not _one(con, f"select count(*) from typed_{source.table}"):
        none = f"{source.where} holds no row; the study goes on without any"
        yield source.table, "warning", f"Table {source.table}: {none}."


def together(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source]
) -> Iterator[Problem]:
    """Name the problems of the tables beside each other, and warn of the lines."""
    yield from _dangling(con, names)
    if "lines" in names:
        for one in _warnings(con, names):
            yield "lines", "warning", one


def _one(con: duckdb.DuckDBPyConnection, query: str) -> object:
    return con.execute(query).fetchall()[0][0]


def _told(
    con: duckdb.DuckDBPyConnection, source: Source, shown: str, condition: str
) -> str:
    """List the first values that meet a condition, with their lines of the file."""
    rows = con.execute(
        f"""select line_id, {shown}::varchar from typed_{source.table}
            where {condition} order by line_id limit 3"""
    ).fetchall()
    if not rows:
        return ""
    count = _one(con, f"select count(*) from typed_{source.table} where {condition}")
    values = "; ".join(
        f"line {line + 1 + source.header}" + (f": {_short(value)}" if value else "")
        for line, value in rows
    )
    return f"{values} ({count:,} {'line' if count == 1 else 'lines'})"


def _short(value: str) -> str:
    """Quote a value; numbers lose the zeros that they were read with."""
    number = re.search(r"\.\d{6}$", value)
    return repr(re.sub(r"\.?0+$", "", value) if number else value)


def _named(source: Source, name: str) -> str:
    """Name a column as the file does, and as the study does."""
    column = source.columns[name]
    own = f" ({name})" if column != name else ""
    return f"Table {source.table}: column {column}{own}"


def _faults(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Name the faults of one table's content."""
    for name, kind in source.kinds.items():
        empty, bad = f"{identifier(name)} is null", identifier(f"bad_{name}")
        if kind in types.UNREAD:
            empty += f" and {bad} is null"
            if rows := _told(con, source, bad, f"{bad} is not null"):
                said, step = types.UNREAD[kind]
                yield f"{_named(source, name)} {said}: {rows}. {step}."
        if _needed(source, name) and (
            rows := _told(con, source, identifier(name), empty)
        ):
            yield f"{_named(source, name)} is empty: {rows}. Fill it or remove these rows."
        if name in _JUDGED["past"] or (kind == "moment" and name == "starts_on"):
            yield from _strange_days(con, source, name)
    yield from _broken_rules(con, source)
    yield from _doubles(con, source)


def _needed(source: Source, name: str) -> bool:
    """Say whether a column may not be empty. Lines without a customer have a rule in 01."""
    if source.table == "lines" and name == "customer_id":
        return False
    prices = [one for one in ("amount", "unit_price") if one in source.columns]
    price = source.table == "lines" and name in prices[:1]
    return name in source.required or price


def _strange_days(
    con: duckdb.DuckDBPyConnection, source: Source, name: str
) -> Iterator[str]:
    tests = [("before 1990", f"< timestamp '{EARLIEST}'")]
    if name in _JUDGED["past"]:
        tests.append(("in the future", ">= current_date + interval 2 day"))
    for where, condition in tests:
        if rows := _told(con, source, name, f"{name} {condition}"):
            yield (
                f"{_named(source, name)} lies {where}: {rows}. Mend these days, or the "
                "order of day, month and year in `date_format:`."
            )


def _broken_rules(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    rules = _JUDGED["rules"].get(source.table, {})
    for name, (condition, said, step) in rules.items():
        if name in source.columns and (rows := _told(con, source, name, condition)):
            yield f"{_named(source, name)} {said}: {rows}. {step}."
    if source.table == "lines" and "currency" in source.columns:
        found = con.execute(
            "select currency, count(*) from typed_lines group by 1 order by 2 desc, 1"
        ).fetchall()
        if len(found) > 1:
            each = ", ".join(f"{one or 'none'}: {count:,}" for one, count in found[:4])
            yield (
                f"{_named(source, 'currency')} holds more than one currency: {each}. "
                "Convert the amounts into one, or make a run for each."
            )


def _doubles(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    key = _JUDGED["keys"].get(source.table)
    if not key or (source.table == "products" and source.fold_product_case):
        return
    found = con.execute(
        f"""select {key}, list(line_id order by line_id)[:3], count(*) over ()
            from typed_{source.table} group by {key} having count(*) > 1
            order by {key} limit 3"""
    ).fetchall()
    if found:
        each = "; ".join(
            f"{', '.join(map(str, row[:-2]))} in lines "
            + ", ".join(str(line + 1 + source.header) for line in row[-2])
            for row in found
        )
        yield (
            f"Table {source.table}: {key} stands more than once: {each} "
            f"({found[0][-1]:,} in all). Keep one row for each."
        )


def _dangling(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source]
) -> Iterator[Problem]:
    """Tell of rows that point at a row that is not there."""
    for child, parent, key in _JUDGED["references"]:
        if child not in names or parent not in names:
            continue
        none = f"({key}) not in (select ({key}) from typed_{parent})"
        if rows := _told(con, names[child], f"concat_ws(', ', {key})", none):
            said = f"{key} has no row in {parent}: {rows}. Add it to {parent} or remove"
            yield child, "error", f"Table {child}: {said} these rows."
    for child in ("contacts", "responses"):
        if child in names and "campaigns" not in names:
            said = "it needs campaigns. Map that table too."
            yield child, "error", f"Table {child}: {said}"


def _warnings(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source]
) -> Iterator[str]:
    """Tell of what is no fault of the lines but should be known before a run."""
    source = names["lines"]
    total = _one(con, "select count(*) from typed_lines")
    unknown = _one(con, "select count(*) from typed_lines where customer_id is null")
    if unknown >= UNKNOWN * total:
        yield (
            f"Table lines: {unknown / total:.0%} of lines ({unknown:,}) have no customer. "
            "Notebook 1 sets them aside; ask why they have none."
        )
    yield from _dominant(con, source)
    yield from _unlike(con, source)
    yield from _two_readings(con, source)
    yield from _services(con, source)
    yield from _unplaced(con, names, total)


def _dominant(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of a customer who alone makes much of the sales."""
    rows = con.execute(
        f"""select customer_id, sum({types.money(source)})::double as sales,
                sum(sales) over () as everyone
            from typed_lines where customer_id is not null group by 1
            order by 2 desc, 1 limit 1"""
    ).fetchall()
    for customer, sales, everyone in rows:
        if everyone and everyone > 0 and sales >= DOMINANT * everyone:
            yield (
                f"Table lines: customer {customer} alone makes {sales / everyone:.0%} of "
                "sales. Is it a dealer, a till or the shop itself? Notebook 1 says how "
                "much hangs on it."
            )


def _unlike(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of product ids that differ in upper and lower case only."""
    if source.fold_product_case:
        return
    found = con.execute(
        """select list(distinct product_id order by product_id), count(*) over ()
            from typed_lines group by upper(product_id)
            having count(distinct product_id) > 1 order by 1 limit 3"""
    ).fetchall()
    if found:
        each = "; ".join("/".join(ids[:3]) for ids, _ in found)
        yield (
            f"Table lines: {found[0][1]:,} products have ids that differ in case only: "
            f"{each}. If they are the same, set `fold_product_case: true`."
        )


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
            yield (
                f"Table lines: {count:,} dates can be read both as {one} and as {other}, "
                f"such as line {row + 1 + source.header}: {text!r}. The first is taken; "
                "give only the forms that the file holds."
            )


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
        yield (
            f"Table lines: products without a digit in their id may be services: "
            f"{', '.join(found[0][:8])}. If they are (postage, fees), list them as "
            "`service_products:`."
        )


def _unplaced(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source], total: int
) -> Iterator[str]:
    """Tell how far products are told apart by what they are for."""
    source = names.get("products", names["lines"])
    told = types.tells_need(source)
    if not told:
        yield (
            "Table lines: nothing tells what products are for, so needs cannot be "
            "segmented. Map category in lines, or a table of products."
        )
        return
    kinds = _one(con, f"select count(distinct {told[0]}) from typed_{source.table}")
    if not 2 <= kinds <= MOST_NEEDS:
        yield (
            f"{_named(source, told[0])} holds {kinds:,} values; needs read best with 5 to "
            "25. Map a coarser or finer column."
        )
    if "products" in names:
        fold = "upper" if names["lines"].fold_product_case else ""
        lost = _one(
            con,
            f"""select count(*) from typed_lines where {fold}(product_id) not in
                (select {fold}(product_id) from typed_products)
                and not {types.service(names["lines"])}""",
        )
        if lost:
            yield (
                f"Table products: {lost:,} lines ({lost / total:.1%}) name a product "
                "that it does not hold. They count as unclassified."
            )
