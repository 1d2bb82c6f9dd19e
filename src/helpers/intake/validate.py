"""Judge an analyst's typed tables: every fault at once, before anything is written."""

import re
from collections.abc import Iterator
from typing import Any

import duckdb

from helpers.core.engines import identifier
from helpers.core.paths import beside
from helpers.intake import types
from helpers.runs.mapping import Source

_JUDGED = beside(__file__, "validate.yaml")
EARLIEST = "1990-01-01"  # days before it are mostly an empty date, such as 1970-01-01
LOOKED_AT = 2_000_000  # lines: of more, some orders or customers are looked at
Problem = tuple[str, str, str]  # table, level (error or warning), what is said


def table(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[Problem]:
    """Name the problems of one typed table by itself."""
    for fault in _faults(con, source):
        yield source.table, "error", fault
    if not one(con, f"select count(*) from typed_{source.table}"):
        none = f"{source.where} holds no row; the study goes on without any"
        yield source.table, "warning", f"Table {source.table}: {none}."


def together(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source]
) -> Iterator[Problem]:
    """Name the problems of the tables beside each other."""
    yield from _dangling(con, names)


def one(con: duckdb.DuckDBPyConnection, query: str) -> Any:  # noqa: ANN401
    """Return the only value of a query."""
    return con.execute(query).fetchall()[0][0]


def some(con: duckdb.DuckDBPyConnection, name: str) -> str:
    """Return SQL that is true of all orders or customers, or of a part of very many."""
    parts = 1 + one(con, "select count(*) from typed_lines") // LOOKED_AT
    return f"hash({name}) % {parts} = 0" if parts > 1 else "true"


def told(
    con: duckdb.DuckDBPyConnection, source: Source, shown: str, condition: str
) -> str:
    """List the first values that meet a condition, with their lines of the file."""
    rows = con.execute(
        f"""select line_id, {shown}::varchar from typed_{source.table}
            where {condition} order by line_id limit 3"""
    ).fetchall()
    if not rows:
        return ""
    count = one(con, f"select count(*) from typed_{source.table} where {condition}")
    values = "; ".join(
        f"line {line + 1 + source.header}" + (f": {_short(value)}" if value else "")
        for line, value in rows
    )
    return f"{values} ({count:,} {'line' if count == 1 else 'lines'})"


def _short(value: str) -> str:
    """Quote a value; numbers lose the zeros that they were read with."""
    number = re.search(r"\.\d{10}$", value)
    return repr(re.sub(r"\.?0+$", "", value) if number else value)


def named(source: Source, name: str) -> str:
    """Name the table and the column, as the file does and as the study does."""
    column = source.columns[name]
    own = f" ({name})" if column != name else ""
    return f"Table {source.table}: column {column}{own}"


def say(source: Source, question: str, of: str = "", **told: object) -> str:
    """Put a question of validate.yaml about a table, or a column `of` it."""
    about = named(source, of) if of else f"Table {source.table}"
    return about + _JUDGED["questions"][question].format(**told)


def _faults(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Name the faults of one table's content."""
    # Orders that came to nothing need no day and no price.
    void = source.table == "lines" and source.left_out_status
    asked = f"not {types.uncompleted(source)}" if void else "true"
    for name, kind in source.kinds.items():
        empty, bad = f"{identifier(name)} is null", identifier(f"bad_{name}")
        empty += f" and {asked}"
        if kind in types.UNREAD:
            empty += f" and {bad} is null"
            if rows := told(con, source, bad, f"{bad} is not null and {asked}"):
                said, step = types.UNREAD[kind]
                yield f"{named(source, name)} {said}: {rows}. {step}."
        if _needed(source, name) and (
            rows := told(con, source, identifier(name), empty)
        ):
            yield f"{named(source, name)} is empty: {rows}. Fill it or remove these rows."
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
        if rows := told(con, source, name, f"{name} {condition}"):
            yield (
                f"{named(source, name)} lies {where}: {rows}. Mend these days, or the "
                "order of day, month and year in `date_format:`."
            )


def _broken_rules(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    rules = _JUDGED["rules"].get(source.table, {})
    for name, (condition, said, step) in rules.items():
        if name in source.columns and (rows := told(con, source, name, condition)):
            yield f"{named(source, name)} {said}: {rows}. {step}."
    if source.table == "lines" and "currency" in source.columns:
        found = con.execute(
            """select upper(currency), count(*) from typed_lines group by 1
                order by 2 desc, 1"""
        ).fetchall()
        if len(found) > 1:
            each = ", ".join(
                f"{code or 'none'}: {count:,}" for code, count in found[:4]
            )
            yield say(source, "several_currencies", "currency", each=each)
        elif source.currency and found and found[0][0] != source.currency:
            yield (
                f"{named(source, 'currency')} is {found[0][0]}, but the run's currency is "
                f"{source.currency}. Set `currency:` under `all:`."
            )


def _doubles(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    key = _JUDGED["keys"].get(source.table)
    if not key or (source.table == "products" and "product_id" in source.fold_ids):
        return
    found = con.execute(
        f"""select {key}, list(line_id order by line_id)[:3], count(*) over ()
            from typed_{source.table} where ({key}) is not null
            group by {key} having count(*) > 1
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
        if rows := told(con, names[child], f"concat_ws(', ', {key})", none):
            said = f"{key} has no row in {parent}: {rows}. Add it to {parent} or remove"
            yield child, "error", f"Table {child}: {said} these rows."
    for child in ("contacts", "responses"):
        if child in names and "campaigns" not in names:
            said = "it needs campaigns. Map that table too."
            yield child, "error", f"Table {child}: {said}"
