"""Find every fault of an analyst's tables at once, before anything is written."""

import itertools
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from helpers.core import engines, paths
from helpers.core.engines import identifier
from helpers.core.errors import BadInput
from helpers.runs import mapping, run_file
from helpers.runs.mapping import Source
from helpers.sources import outlook, readers, types
from helpers.sources.readers import ROW

KEYS = {
    "products": "product_id",
    "customers": "customer_id",
    "campaigns": "campaign_id",
    "contacts": "campaign_id, customer_id",
    "contracts": "contract_id",
    "leads": "lead_id",
}
# Table, column told, SQL condition of a fault, what is said, next step.
RULES = (
    (
        "lines",
        "shelf_amount",
        "shelf_amount < 0 and quantity >= 0",
        "is below 0",
        "Map the value before discounts",
    ),
    (
        "lines",
        "coupon",
        "coupon < 0 and quantity >= 0",
        "is below 0",
        "Store what a coupon paid as a positive amount",
    ),
    (
        "lines",
        "lead_days",
        "lead_days < 0",
        "is below 0",
        "Mend the day of order or of delivery",
    ),
    (
        "lines",
        "returned",
        "returned < 0 or returned > abs(quantity)",
        "is not between 0 and the quantity",
        "Store the pieces sent back",
    ),
    (
        "campaigns",
        "ends_on",
        "ends_on < starts_on",
        "lies before starts_on",
        "Mend one of the two days",
    ),
    (
        "campaigns",
        "cost",
        "cost < 0",
        "is below 0",
        "Store the cost of a contact as a positive amount",
    ),
    (
        "contracts",
        "ends_on",
        "ends_on < starts_on",
        "lies before starts_on",
        "Mend one of the two days",
    ),
    ("contracts", "monthly_fee", "monthly_fee < 0", "is below 0", "Mend these fees"),
    (
        "surveys",
        "score",
        "question = 'recommend' and score not between 0 and 10",
        "is not between 0 and 10, as answers to recommend are",
        "Mend these scores or name the question otherwise",
    ),
    ("interactions", "minutes", "minutes < 0", "is below 0", "Mend these minutes"),
    (
        "leads",
        "won_on",
        "won_on::date < created_on::date",
        "lies before created_on",
        "Mend one of the two days",
    ),
)
# Child, parent and the column by which one points at the other.
REFERENCES = (
    ("contacts", "campaigns", "campaign_id"),
    ("responses", "campaigns", "campaign_id"),
    ("responses", "contacts", "campaign_id, customer_id"),
)
PAST = (
    "ordered_at",
    "responded_on",
    "answered_on",
    "happened_at",
    "created_on",
    "won_on",
)
EARLIEST = "1990-01-01"  # days before it are mostly an empty date, such as 1970-01-01
DOMINANT = 0.10  # share of sales of one customer that is worth a warning
UNKNOWN = 0.10  # share of lines without customer that is worth a warning
MOST_NEEDS = 40  # categories beyond which a mix of needs is too fine to read
PROBLEMS = ["table", "level", "said"]


def problems(
    con: duckdb.DuckDBPyConnection, content: dict[str, Any], *, run: str, spill: Path
) -> tuple[pd.DataFrame, list[Source]]:
    """Open every mapped table and list what is wrong with it.

    Parameters
    ----------
    con : DuckDBPyConnection
        Receives raw_<table> and typed_<table>.
    content : dict
        A run file as `run_file.read` returns it.
    run : str
        Name of the run.
    spill : Path
        Folder for what does not fit into memory.

    Returns
    -------
    tuple
        DataFrame with a row a problem: table, level (error or warning), said. And the
        tables that could be opened.
    """
    found = [("run", "error", said) for said in mapping.faults(content, run)]
    opened = []
    for source in mapping.sources(content, run):
        said = _open(con, source, spill)
        found += [(source.table, "error", one) for one in said]
        if not said:
            opened.append(source)
            found += [(source.table, "error", one) for one in _faults(con, source)]
            if not _one(con, f"select count(*) from typed_{source.table}"):
                none = f"{source.where} holds no row; the study goes on without any"
                found.append(
                    (source.table, "warning", f"Table {source.table}: {none}.")
                )
    names = {source.table: source for source in opened}
    found += _dangling(con, names)
    if "lines" in names:
        found += [("lines", "warning", one) for one in _warnings(con, names)]
    return pd.DataFrame(found, columns=PROBLEMS), opened


def _open(con: duckdb.DuckDBPyConnection, source: Source, spill: Path) -> list[str]:
    """Open and type one table; tell why that is not possible."""
    try:
        names, numbers = readers.open_table(con, source, spill=spill)
        if absent := list(_absent(source, names)):
            return absent
        types.build(con, source, numbers=numbers)
    except BadInput as fault:
        return [str(fault)]
    if shape := readers.other_shape(con, source):
        return [shape]
    if source.table == "lines" and not _one(con, "select count(*) from typed_lines"):
        return [f"Table lines: {source.where} holds no row. Export it again."]
    return []


def _absent(source: Source, names: list[str]) -> Iterator[str]:
    """Name mapped columns that the file does not have."""
    for name, column in source.columns.items():
        given = column.startswith("=") or (name, column) == (
            "order_id",
            mapping.DERIVED,
        )
        if not given and column not in names:
            yield (
                f"Table {source.table}: {source.where} has no column {column} "
                f"({name}){mapping.near(column, names)}"
            )


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
    return repr(
        re.sub(r"\.?0+$", "", value) if re.search(r"\.\d{6}$", value) else value
    )


def _named(source: Source, name: str) -> str:
    """Name a column as the file does, and as the study does."""
    column = source.columns[name]
    return f"Table {source.table}: column {column}" + (
        f" ({name})" if column != name else ""
    )


def _faults(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Name the faults of one table's content."""
    for name, kind in source.kinds.items():
        column = identifier(name)
        if kind in types.UNREAD and (
            rows := _told(
                con,
                source,
                identifier(f"bad_{name}"),
                f"{identifier(f'bad_{name}')} is not null",
            )
        ):
            said, step = types.UNREAD[kind]
            yield f"{_named(source, name)} {said}: {rows}. {step}."
        if _needed(source, name):
            empty = f"{column} is null" + (
                f" and {identifier(f'bad_{name}')} is null"
                if kind in types.UNREAD
                else ""
            )
            if rows := _told(con, source, column, empty):
                yield f"{_named(source, name)} is empty: {rows}. Fill it or remove these rows."
        if name in PAST or (kind == "moment" and name == "starts_on"):
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
    early = f"{name} < timestamp '{EARLIEST}'"
    if rows := _told(con, source, name, early):
        yield (
            f"{_named(source, name)} lies before 1990: {rows}. Mend these days, or the "
            "order of day, month and year in `date_format:`."
        )
    late = f"{name} >= current_date + interval 2 day"
    if name in PAST and (rows := _told(con, source, name, late)):
        yield (
            f"{_named(source, name)} lies in the future: {rows}. Mend these days, or the "
            "order of day, month and year in `date_format:`."
        )


def _broken_rules(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    for table, name, condition, said, step in RULES:
        if table != source.table or name not in source.columns:
            continue
        if rows := _told(con, source, name, condition):
            yield f"{_named(source, name)} {said}: {rows}. {step}."
    if source.table == "lines" and "currency" in source.columns:
        found = con.execute(
            "select currency, count(*) from typed_lines group by 1 order by 2 desc, 1"
        ).fetchall()
        if len(found) > 1:
            each = ", ".join(
                f"{name or 'none'}: {count:,}" for name, count in found[:4]
            )
            yield (
                f"{_named(source, 'currency')} holds more than one currency: {each}. "
                "Convert the amounts into one, or make a run for each."
            )


def _doubles(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    key = KEYS.get(source.table)
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
) -> Iterator[tuple[str, str, str]]:
    """Tell of rows that point at a row that is not there."""
    for child, parent, key in REFERENCES:
        if child not in names or parent not in names:
            continue
        none = f"({key}) not in (select ({key}) from typed_{parent})"
        if rows := _told(con, names[child], f"concat_ws(', ', {key})", none):
            yield (
                child,
                "error",
                f"Table {child}: {key} has no row in {parent}: {rows}. Add it to "
                f"{parent} or remove these rows.",
            )
    for child in ("contacts", "responses"):
        if child in names and "campaigns" not in names:
            yield (
                child,
                "error",
                f"Table {child}: it needs campaigns. Map that table too.",
            )


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


def _money(source: Source) -> str:
    return "amount" if "amount" in source.columns else "quantity * unit_price"


def _dominant(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of a customer who alone makes much of the sales."""
    rows = con.execute(
        f"""select customer_id, sum({_money(source)})::double as sales,
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
    told = [n for n in ("need_state", "category", "department") if n in source.columns]
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


def check(run: str) -> pd.DataFrame:
    """List every problem of a run's files and of its run file; write nothing.

    Parameters
    ----------
    run : str
        Name of the run.

    Returns
    -------
    DataFrame
        One row a problem: table, level (error or warning), said.
    """
    return _checked(run)[0]


def _checked(run: str) -> tuple[pd.DataFrame, list[str]]:
    """List the problems; without errors, foretell what the tables are enough for."""
    content = run_file.read(run)
    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as con:
        engines.limit(con, Path(spill))
        found, sources = problems(con, content, run=run, spill=Path(spill))
        told = set(found["said"])
        more = [("run", "error", one) for one in _of_the_run(run) if one not in told]
        found = pd.concat(
            [pd.DataFrame(more, columns=PROBLEMS), found], ignore_index=True
        )
        known = {book.stem for book in paths.notebooks()}
        if (found["level"] == "error").any() or outlook.BOOK not in known:
            return found, []
        said, few = outlook.of_run(con, sources, run=run, spill=Path(spill))
    return found, [f"The study will stop in notebook 2. {few}"] if few else said


def _of_the_run(run: str) -> list[str]:
    """Name the faults of a run file, among them those of notebooks' parameters."""
    try:
        run_file.check(run)
    except BadInput as faults:
        lines = str(faults).splitlines()
        return [line.removeprefix(f"runs/{run}.yaml: ") for line in lines]
    return []


def main(arguments: list[str]) -> int:
    """Print the problems of the run named on the command line; return the exit code."""
    try:
        found, foretold = _checked(*arguments)
    except ValueError as fault:
        print(fault, file=sys.stderr)
        return 1
    except OSError as fault:
        print(paths.refused(fault), file=sys.stderr)
        return 1
    for level, said in found[["level", "said"]].itertuples(index=False):
        print(f"{level}: {said}")
    print("".join(f"{said}\n" for said in foretold), end="")
    errors = int((found["level"] == "error").sum())
    print(f"Errors: {errors}, warnings: {len(found) - errors}. Nothing was written.")
    return int(errors > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
