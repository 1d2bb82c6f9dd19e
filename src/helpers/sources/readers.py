"""Open an analyst's files and database tables, a batch at a time, as rows of text."""

import codecs
import contextlib
import csv
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from helpers.core.engines import identifier, quoted
from helpers.core.errors import BadInput
from helpers.runs import mapping
from helpers.runs.mapping import Source

if TYPE_CHECKING:
    import ibis

ROW = "row__"  # number of a row in its file, from 0
BATCH = 20_000  # rows
COPY = ".utf8.txt"  # ends the name of a copy in UTF-8
TOLD = 1_000  # lines of another shape that are kept to be named
_SPACES = " "  # as a delimiter: any run of spaces
# How DuckDB begins the names of its kinds of number.
_NUMBERS = (
    "BIGINT",
    "DEC",
    "DOUBLE",
    "FLOAT",
    "HUGE",
    "INT",
    "SMALL",
    "TINY",
    "UBIG",
    "UINT",
)


def open_table(
    con: duckdb.DuckDBPyConnection, source: Source, *, spill: Path
) -> tuple[list[str], set[str]]:
    """Open one table as raw_<table>: every column as text, beside the row's number.

    Parameters
    ----------
    con : DuckDBPyConnection
        Receives the view or the temporary table.
    source : Source
        Where the table is and how its text is written.
    spill : Path
        Folder for a copy in UTF-8, where the file has another encoding.

    Returns
    -------
    tuple
        Names of the columns in order, and those that hold numbers and not text, whose
        decimal mark is a point whatever `decimal:` says.

    Raises
    ------
    BadInput
        If it cannot be opened, holds no row or repeats a column's name.
    """
    if source.file is None:
        names, numbers = _open_database(con, source)
    elif source.file.suffix.lower() == ".parquet":
        names, numbers = _open_parquet(con, source)
    elif source.file.suffix.lower() == ".xlsx":
        names, numbers = _open_excel(con, source), set()
    else:
        names, numbers = _open_csv(con, source, spill), set()
    return names, numbers


def _fault(source: Source, said: str) -> BadInput:
    return BadInput(f"Table {source.table}: {source.where} {said}")


def _check_names(source: Source, names: list[str]) -> list[str]:
    """Refuse a header that names a column twice."""
    # DuckDB takes Order and ORDER for one name, as most databases do.
    times = Counter(name.casefold() for name in names)
    twice = [name for name in names if times[name.casefold()] > 1]
    if twice:
        raise _fault(
            source,
            f"names a column more than once in its header: {', '.join(twice)}. Rename "
            "them in the file.",
        )
    return names


def _header(names: Iterable[object]) -> list[str]:
    """Name the columns without a name by their place, from 1."""
    texts = ["" if name is None else str(name).strip() for name in names]
    return [text or str(place) for place, text in enumerate(texts, start=1)]


def _open_csv(con: duckdb.DuckDBPyConnection, source: Source, spill: Path) -> list[str]:
    file = _as_utf8(source, spill)
    delimiter = "\t" if source.delimiter == _SPACES else source.delimiter
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        first = next(_records(lines, delimiter, source.quote), None)
    if first is None:
        raise _fault(source, "is empty. Export it again.")
    if source.header and len(first) == 1 and len(source.columns) > 1:
        raise _one_column(source, first[0])
    names = _header(first if source.header else [None] * len(first))
    kinds = ", ".join(
        f"{quoted(name)}: 'VARCHAR'" for name in _check_names(source, names)
    )
    quote = source.quote
    con.execute(
        f"""create or replace temp view raw_{source.table} as
        select row_number() over () - 1 as {ROW}, * from read_csv(
            {quoted(str(file))}, auto_detect = false, header = {source.header},
            delim = {quoted(delimiter)}, quote = {quoted(quote)},
            escape = {quoted(quote)}, columns = {{{kinds}}}, store_rejects = true,
            rejects_table = 'rejects_{source.table}',
            rejects_scan = 'scans_{source.table}', rejects_limit = {TOLD})"""
    )
    return names


def _one_column(source: Source, line: str) -> BadInput:
    others = [mark for mark in (";", ",", "\t", "|") if mark in line]
    hint = f"Its first line holds {others[0]!r}: s" if others else "S"
    return _fault(
        source,
        f"has one column only when split at {source.delimiter!r}. {hint}et "
        "`delimiter:` to the character between its columns.",
    )


def _records(lines: Iterable[str], delimiter: str, quote: str) -> Iterator[list[str]]:
    style = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    return csv.reader(lines, delimiter=delimiter, **style)


def _as_utf8(source: Source, spill: Path) -> Path:
    """Return the file, or a copy in UTF-8 with one mark between columns."""
    plain = codecs.lookup(source.encoding).name in ("utf-8", "utf-8-sig", "ascii")
    if plain and source.delimiter != _SPACES:
        return source.file
    encoding = "utf-8-sig" if plain else source.encoding
    copy, number = spill / f"{source.table}{COPY}", 0
    try:
        with (
            source.file.open(encoding=encoding, newline="") as lines,
            copy.open("w", encoding="utf-8", newline="") as written,
        ):
            for line in lines:
                number += 1  # not enumerate: a fault comes before the line
                written.write(_tabbed(line) if source.delimiter == _SPACES else line)
    except UnicodeError as fault:
        raise _fault(
            source,
            f"is not written in {source.encoding} after line {number} "
            f"({getattr(fault, 'reason', fault)}). Set `encoding:`, such as utf-8, "
            "latin-1 or cp1252.",
        ) from None
    return copy


def _tabbed(line: str) -> str:
    return "\t".join(line.split()) + "\n"


def other_shape(con: duckdb.DuckDBPyConnection, source: Source) -> str | None:
    """Tell of the lines of a text file that a scan of raw_<table> passed over.

    Parameters
    ----------
    con : DuckDBPyConnection
        After a query that read all of raw_<table>.
    source : Source
        The table.

    Returns
    -------
    str or None
        What is wrong with the first of them; None where there are none.
    """
    table = f"rejects_{source.table}"
    if not con.execute(
        "select count(*) from duckdb_tables() where table_name = ?", [table]
    ).fetchall()[0][0]:
        return None
    found = con.execute(
        f"""select distinct line, error_type::varchar, error_message, csv_line
            from {table} order by line limit 4"""
    ).fetchall()
    con.execute(f"delete from {table}")
    if not found:
        return None
    if any(kind == "INVALID ENCODING" for _, kind, *_ in found):
        lines = ", ".join(str(line) for line, *_ in found)
        return (
            f"Table {source.table}: {source.where} is not written in {source.encoding}: "
            f"line {lines}. Set `encoding:`, such as latin-1 or cp1252."
        )
    lines = "; ".join(_shape(*one) for one in found[:3])
    return (
        f"Table {source.table}: lines of {source.where} have another shape than its "
        f"first: {lines}. Mend them, or set `delimiter:` and `quote:`."
    )


def _shape(line: int, kind: str, message: str, text: str) -> str:
    """Say in what a line differs, as DuckDB counted it."""
    said = message.removesuffix(".").replace("Expected Number of Columns: ", "")
    if " Found: " in said:
        wanted, found = said.split(" Found: ")
        said = f"{found} columns instead of {wanted}"
        return f"line {line} ({said}): {text.strip()[:60]!r}"
    return f"line {line} ({kind.lower()}): {text.splitlines()[0][:60]!r}"


def _open_parquet(
    con: duckdb.DuckDBPyConnection, source: Source
) -> tuple[list[str], set[str]]:
    file = quoted(str(source.file))
    try:
        kinds = dict(
            row[:2]
            for row in con.execute(
                f"describe select * from read_parquet({file})"
            ).fetchall()
        )
        _check_names(source, list(kinds))
        texts = ", ".join(
            f"{identifier(name)}::varchar as {identifier(name)}" for name in kinds
        )
        con.execute(
            f"""create or replace temp view raw_{source.table} as
            select file_row_number as {ROW}, {texts}
            from read_parquet({file}, file_row_number = true)"""
        )
    except duckdb.Error as fault:
        raise _fault(
            source,
            f"cannot be read as Parquet; it may be cut short ({_first(fault)}). Export "
            "it again.",
        ) from None
    numeric = (
        "INT",
        "DEC",
        "DOU",
        "FLO",
        "HUG",
        "BIGI",
        "SMAL",
        "TINY",
        "UINT",
        "UBIG",
    )
    return list(kinds), {n for n, kind in kinds.items() if kind.startswith(numeric)}


def _first(fault: Exception) -> str:
    """Return the first line of a message, without any folder."""
    return str(fault).splitlines()[0].split(": ", 1)[-1].split(" '/")[0].strip()


def _open_excel(con: duckdb.DuckDBPyConnection, source: Source) -> list[str]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(source.file, read_only=True, data_only=True)
    except Exception as fault:  # openpyxl lets through whatever its parts raise
        raise _fault(
            source,
            f"cannot be read as an Excel workbook ({type(fault).__name__}). Open it in a "
            "spreadsheet program and save it again as .xlsx.",
        ) from None
    with contextlib.closing(book):
        rows = book[_sheet(source, book.sheetnames)].iter_rows(values_only=True)
        first = next(rows, None)
        if first is None or all(cell is None for cell in first):
            raise _fault(source, "has an empty first row. Put the names there.")
        names = _header(first if source.header else [None] * len(first))
        _check_names(source, names)
        kept = rows if source.header else itertools.chain([first], rows)
        filled = _texts(kept, source.decimal, len(names))
        _fill(con, source, names, filled)
    return names


def _sheet(source: Source, sheets: list[str]) -> str:
    """Choose the sheet of a workbook: the one that is named, or the only one."""
    if source.sheet in sheets or (not source.sheet and len(sheets) == 1):
        return source.sheet or sheets[0]
    if not source.sheet:
        raise _fault(source, f"has sheets {', '.join(sheets)}. Name one as `sheet:`.")
    raise _fault(
        source, f"has no sheet {source.sheet}{mapping.near(source.sheet, sheets)}"
    )


def _texts(
    rows: Iterable[tuple], decimal: str, width: int
) -> Iterator[tuple[int, list[str | None]]]:
    """Write a sheet's cells as a person reads them; rows without any are passed over."""
    for number, row in enumerate(rows):
        if any(cell is not None for cell in row):
            cells = [_cell(cell, decimal) for cell in row[:width]]
            yield number, cells + [None] * (width - len(cells))


def _cell(cell: object, decimal: str) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, float) and not isinstance(cell, bool):
        text = str(int(cell)) if cell.is_integer() else repr(cell)
        return text.replace(".", decimal)
    return str(cell)


def _fill(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    names: list[str],
    rows: Iterable[tuple[int, list[str | None]]],
) -> None:
    """Make raw_<table> of rows, a batch at a time."""
    columns = ", ".join(f"{identifier(name)} varchar" for name in names)
    con.execute(
        f"create or replace temp table raw_{source.table} ({ROW} bigint, {columns})"
    )
    rows = iter(rows)
    while batch := list(itertools.islice(rows, BATCH)):
        parts = [pa.array([number for number, _ in batch], pa.int64())]
        parts += [
            pa.array([cells[place] for _, cells in batch], pa.string())
            for place in range(len(names))
        ]
        _insert(con, source, pa.Table.from_arrays(parts, [ROW, *names]))


def _insert(con: duckdb.DuckDBPyConnection, source: Source, rows: pa.Table) -> None:
    con.register("batch__", rows)
    con.execute(f"insert into raw_{source.table} from batch__")
    con.unregister("batch__")


def _open_database(
    con: duckdb.DuckDBPyConnection, source: Source
) -> tuple[list[str], set[str]]:
    import ibis

    kind = "SQLite" if source.database.startswith("sqlite") else "PostgreSQL"
    try:
        base = ibis.connect(source.database)
        there = base.list_tables()
    except Exception as fault:  # each database has errors of its own
        raise BadInput(
            f"Table {source.table}: the {kind} database cannot be opened "
            f"({type(fault).__name__}). Check that it is one, that it runs and that its "
            "address is right."
        ) from None
    with contextlib.ExitStack() as stack:
        stack.callback(base.disconnect)
        if source.relation not in there:
            raise BadInput(
                f"Table {source.table}: the database has no table {source.relation}"
                f"{mapping.near(source.relation, there)}"
            )
        table = base.table(source.relation)
        kinds = table.schema()
        names = _check_names(source, list(kinds))
        texts = table.select(*[table[name].cast("string").name(name) for name in names])
        _fill(con, source, names, _fetched(base, texts))
    return names, {name for name, kind in kinds.items() if kind.is_numeric()}


def _fetched(
    base: "ibis.BaseBackend", table: "ibis.Table"
) -> Iterator[tuple[int, list[str | None]]]:
    batches = base.to_pyarrow_batches(table, chunk_size=BATCH)
    rows = (
        row
        for batch in batches
        for row in zip(*batch.to_pydict().values(), strict=True)
    )
    for number, row in enumerate(rows):
        yield number, list(row)
