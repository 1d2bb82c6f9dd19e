"""Read an analyst's files and database tables: look at samples, or open them as text."""

import codecs
import contextlib
import csv
import functools
import itertools
import re
import sqlite3
import tempfile
import time
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import duckdb
import pyarrow as pa

from helpers.core import engines
from helpers.core.engines import identifier, literal, quoted
from helpers.core.errors import BadInput
from helpers.core.paths import beside
from helpers.display.columns import ANY_SIGN
from helpers.runs import mapping
from helpers.runs.mapping import Source

if TYPE_CHECKING:
    import openpyxl

ROW = "row__"  # number of a row in its file, from 0
BATCH = 20_000  # rows
COPY = ".utf8.txt"  # ends the name of a copy in UTF-8
TOLD = 1_000  # lines of another shape that are kept to be named
LINES = 3_000  # looked at from the beginning
PLACES = 20  # places further on in a large file that are looked at
THERE = 150  # lines looked at in each
CELLS = 2_000_000  # looked at, of a file of many columns
READ = 64 * 2**20  # bytes read to tell the encoding
COLUMNS = 5_000  # of a file at most
VIEW = 20  # seconds in which a view of a database must count its rows
UNPACKED = (
    100,
    100 * 2**20,
)  # times its size, and bytes, to which no honest workbook unpacks
# Rows that no honest Parquet file holds: beyond these, so many in a byte.
ROWS, DENSE = 1_000_000, 10
WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
# Encoding -> signs that its letters look like in that of western Europe.
ODD = {"cp1250": "[\xb9\xb3\xbf]", "cp1254": "[\xfe\xf0\xde\xd0]"}
CUT = 10**15  # numbers from which spreadsheets keep no more digits
MARKS = (";", ",", "\t", "|")
SPACES = mapping.NAMED["spaces"]  # as a delimiter: any run of spaces
FORMS = beside(__file__, "readers.yaml")
SIGN = re.compile(ANY_SIGN + r"|\b(?:EUR|USD|GBP|CHF)\b")
APART = str.maketrans(dict.fromkeys("`\u2019\u00a0\u2009\u202f\u066c", "'"))
# A date is none: 01.02.2024 has no groups of three.
NUMBER = re.compile(
    r"\(?[-+]?(\d+([.,]\d+)?|\d{1,3}([.,' ]\d{3})+([.,]\d+)?|[.,]\d+)-?\)?"
)
YEARS = range(1985, 2100)
# How databases begin the names of their kinds of number.
NUMERIC = re.compile("INT|DEC|DOU|FLO|HUG|BIGI|SMAL|TINY|UINT|UBIG|REAL|NUM|MEDI")
# Names of the columns in order, and those that hold numbers and not text.
Opened = tuple[list[str], set[str]]


@dataclass(frozen=True)
class Look:
    """What a file, a sheet of it or a table of a database (`part`) looks like.

    `columns` holds samples of each column's text, missing ones left out; `rows` says how
    many rows were looked at.
    """

    file: Path
    part: str = ""
    columns: dict[str, list[str]] = field(default_factory=dict)
    rows: int = 0
    delimiter: str = ","
    encoding: str = "utf-8"
    header: bool = True
    decimal: str = "."
    thousands: str = ""


def look(file: Path) -> list[Look]:
    """Look at a file, a sheet or a table at a time; empty if it is unknown or damaged."""
    known = FORMATS.get(file.suffix.lower())
    try:
        return known.look(file) if known else []
    except Exception:  # a damaged file may raise whatever its reader's parts raise
        return []


def open_table(
    con: duckdb.DuckDBPyConnection, source: Source, *, spill: Path
) -> Opened:
    """Open one table as raw_<table>: every column as text, beside the row's number.

    Returned numbers have a decimal point, whatever `decimal:` says; `spill` receives a
    copy in UTF-8. BadInput: it cannot be opened, holds no row or repeats a column's
    name.
    """
    if source.file is None:
        return _open_database(con, source, spill)
    return FORMATS[source.file.suffix.lower()].open(con, source, spill)


def _fault(source: Source, fault: str, **told: object) -> BadInput:
    """Write a sentence of readers.yaml about the file of a table."""
    said = FORMS["faults"][fault].format(**told)
    return BadInput(f"Table {source.table}: {source.where} {said}")


def _check_names(source: Source, names: list[str]) -> list[str]:
    """Refuse a header that names a column twice."""
    # DuckDB takes Order and ORDER for one name, as most databases do.
    if len(names) > COLUMNS:
        raise _fault(source, "wide", columns=len(names), most=COLUMNS)
    times = Counter([ROW, *(name.casefold() for name in names)])
    twice = [name for name in names if times[name.casefold()] > 1]
    if twice:
        listed = ", ".join(name[:60] for name in twice[:12])
        raise _fault(source, "twice", names=listed)
    return names


def _header(first: Iterable[object], header: bool = True) -> list[str]:
    """Name the columns by the first row; by their place, from 1, where it has no name."""
    texts = [
        "" if name is None or not header else _stripped(str(name)) for name in first
    ]
    return [text or str(place) for place, text in enumerate(texts, start=1)]


def _stripped(text: str) -> str:
    """Take spaces and marks of byte order from both ends of a name."""
    return text.strip().strip("\ufeff").strip()


def fitting(columns: int) -> int:
    """Return how many rows of so many columns are looked at."""
    return max(100, CELLS // max(columns, 1))


def _looked(begun: Look, names: list[str], rows: Iterable[Any]) -> Look:
    """Add the samples of each column, and how its numbers are written."""
    some = itertools.islice(rows, fitting(len(names)))
    rows = [row for row in some if len(row) == len(names)]
    columns = {
        name: [
            text
            for row in rows
            if row[place] is not None and (text := str(row[place]).strip())
        ]
        for place, name in enumerate(names)
    }
    decimal, thousands = number_marks(map(set, columns.values()))
    return replace(
        begun, columns=columns, rows=len(rows), decimal=decimal, thousands=thousands
    )


# Text: each line a row.


def _look_at_text(file: Path) -> list[Look]:
    written = _encoding(file)
    lines = _sample(file, written)
    mark = _delimiter(lines)
    if mark == SPACES:
        rows = (line.split() for line in lines)
    else:
        rows = csv.reader(lines, delimiter=mark)
    first = next(rows)
    header = not any(is_number(cell) or date_forms([cell]) for cell in first)
    begun = Look(file, delimiter=mark, encoding=written, header=header)
    rows = rows if header else itertools.chain([first], rows)
    return [_looked(begun, _header(first, header), rows)]


def _encoding(file: Path) -> str:
    """Tell the encoding of a text file from its first bytes and from what can be read."""
    with file.open("rb") as content:
        start = content.read(READ)
    if wide := _wide(start):
        return wide
    if _is_utf8(start):
        return "utf-8"
    odd_lines = b"".join(re.findall(rb"[^\n]*[\x80-\xff][^\n]*", start)[:LINES])
    western = odd_lines.decode("cp1252", "replace")
    for encoding, odd in ODD.items():
        if re.search(f"[a-zA-Z]{odd}|{odd}[a-z]", western):
            return encoding
    return "cp1252" if re.search(rb"[\x80-\x9f]", start) else "latin-1"


def _wide(start: bytes) -> str:
    """Name the encoding of two or four bytes a letter that a file begins in, or ""."""
    if start[:4] in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        return "utf-32"
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    start = start[:4_000]
    plain = {
        code: sum(
            c.isascii() and c.isprintable() for c in start.decode(code, "replace")
        )
        for code in WIDE
    }
    code = max(WIDE, key=lambda one: plain[one])
    # Without a mark of byte order; of 20 letters in any script some are ASCII.
    return (
        code
        if start.count(0) > len(start) / 20 and plain[code] > len(start) / 40
        else ""
    )


def _unlike_ascii(file: Path) -> str:
    """Name the Unicode encoding that a file is surely in; "" if it holds ASCII or another."""
    with file.open("rb") as content:
        start = content.read(READ)
    return _wide(start) or ("utf-8" if not start.isascii() and _is_utf8(start) else "")


def _is_utf8(start: bytes) -> bool:
    """Say whether the first bytes of a file are UTF-8; a letter at their end may be cut."""
    try:
        start[: len(start) - 4 if len(start) == READ else None].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _mixed_ends(file: Path) -> bool:
    """Say whether lines end in two ways, as where two exports were joined."""
    size = file.stat().st_size
    with file.open("rb") as content:
        text = content.read(READ)
        if size > READ:
            content.seek(max(size - READ, READ))
            text += content.read(READ)
    both = text.count(b"\r\n")
    return (
        sum(map(bool, (both, text.count(b"\n") - both, text.count(b"\r") - both))) > 1
    )


def _sample(file: Path, written: str) -> list[str]:
    """Take lines from the beginning and from places all over a large file."""
    reading = "utf-8-sig" if written == "utf-8" else written
    with file.open(encoding=reading, errors="replace", newline="") as content:
        lines = [line for line, _ in zip(content, range(LINES), strict=False)]
    size = file.stat().st_size
    if (
        not written.startswith(("utf-16", "utf-32"))
        and size > sum(map(len, lines)) + 100_000
    ):
        with file.open("rb") as content:
            for place in range(1, PLACES + 1):
                content.seek(size * place // (PLACES + 1))
                content.readline()  # the rest of a line
                there = [content.readline() for _ in range(THERE)]
                lines += [line.decode(reading, "replace") for line in there]
    return [line for line in lines if line.strip()]


def _delimiter(lines: list[str]) -> str:
    """Choose the mark that splits lines into the same number of columns, or spaces."""
    counts = {}
    for mark in MARKS:
        widths = Counter(len(row) for row in csv.reader(lines[:200], delimiter=mark))
        width, often = widths.most_common(1)[0]
        counts[mark] = (often / sum(widths.values()), width) if width > 1 else (0, 0)
    best = max(MARKS, key=lambda mark: counts[mark])
    if counts[best][0] > 0.5:
        return best
    split = {len(line.split()) for line in lines[:200]}
    return SPACES if len(split) == 1 and split != {1} else ","


def _open_text(con: duckdb.DuckDBPyConnection, source: Source, spill: Path) -> Opened:
    file, quote = _plain_name(_as_utf8(source, spill), spill), source.quote
    delimiter = "\t" if source.delimiter == SPACES else source.delimiter
    style = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        first = next(csv.reader(lines, delimiter=delimiter, **style), None)
    if first is None:
        raise _fault(source, "empty")
    if not any(map(_stripped, first)):
        raise _fault(source, "empty_line")
    if source.header and len(first) == 1 and len(source.columns) > 1:
        others = [mark for mark in MARKS if mark in first[0]]
        hint = f"Its first line holds {others[0]!r}: s" if others else "S"
        raise _fault(source, "one_column", mark=source.delimiter, hint=hint)
    names = _check_names(source, _header(first, source.header))
    kinds = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
    con.execute(
        f"""create or replace temp view raw_{source.table} as
        select row_number() over () - 1 as {ROW}, * from read_csv(
            {quoted(literal(file))}, auto_detect = false, header = {source.header},
            delim = {quoted(delimiter)}, quote = {quoted(quote)},
            escape = {quoted(quote)}, columns = {{{kinds}}}, store_rejects = true,
            rejects_table = 'rejects_{source.table}',
            rejects_scan = 'scans_{source.table}', rejects_limit = {TOLD})"""
    )
    return names, set()


def _plain_name(file: Path, spill: Path) -> Path:
    """Return the file, or a link to it where its name is a pattern of names to DuckDB."""
    if not set("*?[") & set(str(file)):
        return file
    # Of no name that there is already, in this folder or in one that it would stand for.
    link = spill / f"{uuid.uuid4().hex}{COPY}"
    link.symlink_to(file.resolve())
    return link


def _as_utf8(source: Source, spill: Path) -> Path:
    """Return the file, or a copy in UTF-8 with one mark between columns."""
    told = codecs.lookup(source.encoding).name
    plain = told in ("utf-8", "utf-8-sig", "ascii")
    spaced, mixed = source.delimiter == SPACES, _mixed_ends(source.file)
    found = _unlike_ascii(source.file)
    if found and found[:6] != ("utf-8" if plain else told)[:6]:
        raise _fault(source, "encoding", found=found, told=source.encoding)
    if plain and not spaced and not mixed:
        return source.file
    encoding = "utf-8-sig" if plain else source.encoding
    copy, number = spill / f"{source.table}{COPY}", 0
    try:
        with (
            source.file.open(encoding=encoding, newline=None if mixed else "") as lines,
            copy.open("w", encoding="utf-8", newline="") as written,
        ):
            for line in lines:
                number += 1  # not enumerate: a fault comes before the line
                written.write("\t".join(line.split()) + "\n" if spaced else line)
    except UnicodeError as fault:
        why = getattr(fault, "reason", fault)
        told = {"told": source.encoding, "line": number, "why": why}
        raise _fault(source, "letters", **told) from None
    return copy


def other_shape(con: duckdb.DuckDBPyConnection, source: Source) -> str | None:
    """Tell of the lines of a text file that a scan of raw_<table> passed over."""
    table = f"rejects_{source.table}"
    if not con.execute(
        "select count(*) from duckdb_tables() where table_name = ?", [table]
    ).fetchall()[0][0]:
        return None
    found = con.execute(
        f"""select distinct line, error_type::varchar, error_message, csv_line
            from {table} order by all limit 4"""
    ).fetchall()
    con.execute(f"delete from {table}")
    if not found:
        return None
    if any(kind == "INVALID ENCODING" for _, kind, *_ in found):
        lines = ", ".join(str(line) for line, *_ in found)
        return str(_fault(source, "lines", told=source.encoding, lines=lines))
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


# Parquet.


def _parquet(con: duckdb.DuckDBPyConnection, file: Path) -> tuple[str, dict[str, str]]:
    """Write the query of a file's rows as text; name its columns and their types."""
    place = quoted(literal(file))
    described = con.execute(f"describe select * from read_parquet({place})").fetchall()
    kinds = dict(row[:2] for row in described)
    texts = ", ".join(f"{identifier(n)}::varchar as {identifier(n)}" for n in kinds)
    rows = con.execute(
        f"select num_rows from parquet_file_metadata({place})"
    ).fetchall()[0][0]
    if rows > max(ROWS, DENSE * file.stat().st_size):
        raise duckdb.InvalidInputException(f"it claims to hold {rows:,} rows")
    query = (
        f"select file_row_number as {ROW}, {texts} "
        f"from read_parquet({place}, file_row_number = true)"
    )
    return query, kinds


def _look_at_parquet(file: Path) -> list[Look]:
    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as con:
        engines.limit(con, Path(spill))
        query, kinds = _parquet(con, _plain_name(file, Path(spill)))
        most = min(LINES, fitting(len(kinds)))
        rows = con.execute(f"{query} limit {most}").fetchall()
    return [_looked(Look(file), list(kinds), [row[1:] for row in rows])]


def _open_parquet(
    con: duckdb.DuckDBPyConnection, source: Source, spill: Path
) -> Opened:
    try:
        query, kinds = _parquet(con, _plain_name(source.file, spill))
        _check_names(source, list(kinds))
        con.execute(f"create or replace temp view raw_{source.table} as {query}")
    except duckdb.Error as fault:
        # The first line of the message, without any folder.
        said = str(fault).splitlines()[0].split(": ", 1)[-1].split(" '/")[0].strip()
        raise _fault(source, "parquet", why=said) from None
    return list(kinds), {n for n, kind in kinds.items() if NUMERIC.match(kind)}


# Excel: each sheet a table.


def _workbook(file: Path) -> "openpyxl.Workbook":
    import openpyxl

    times, most = UNPACKED
    with zipfile.ZipFile(file) as parts:
        size = sum(part.file_size for part in parts.infolist())
    if size > max(most, times * file.stat().st_size):
        said = FORMS["faults"]["unpacked"].format(size=size)
        raise BadInput(f"{file.name} {said}")
    return openpyxl.load_workbook(file, read_only=True, data_only=True)


def _look_at_workbook(file: Path) -> list[Look]:
    looks = []
    with contextlib.closing(_workbook(file)) as book:
        sheets = _sheets(book)
        for sheet in sheets:
            book[sheet].reset_dimensions()  # what a file says of them may be stale
            rows = list(book[sheet].iter_rows(values_only=True, max_row=LINES))
            if len(rows) > 1:
                part = sheet if len(sheets) > 1 else ""
                wide = len(rows[0])  # cells at the end of a row may be left out
                kept = [(*row, *[None] * (wide - len(row)))[:wide] for row in rows[1:]]
                looks.append(_looked(Look(file, part), _header(rows[0]), kept))
    return looks


def _open_workbook(con: duckdb.DuckDBPyConnection, source: Source, _: Path) -> Opened:
    try:
        return _open_sheet(con, source)
    except (BadInput, duckdb.Error, MemoryError):
        raise
    except Exception as fault:  # openpyxl lets through whatever its parts raise
        raise _fault(source, "workbook", why=type(fault).__name__) from None


def _open_sheet(con: duckdb.DuckDBPyConnection, source: Source) -> Opened:
    with contextlib.closing(_workbook(source.file)) as book:
        sheet = book[_sheet(source, _sheets(book))]
        sheet.reset_dimensions()
        rows = sheet.iter_rows(values_only=True)
        first = next(rows, None)
        if first is None or all(cell is None for cell in first):
            raise _fault(source, "empty_row")
        names = _check_names(source, _header(first, source.header))
        if "excel" in source.date_formats and book.epoch.year == 1904:
            raise _fault(source, "days_of_1904")
        kept = rows if source.header else itertools.chain([first], rows)
        texts = _Written(len(names))
        _fill(con, source, names, texts.of(kept, source.decimal))
    if not source.told_marks:
        for name, column in source.columns.items():
            if source.kinds[name] in ("money", "number") and column in names:
                texts.refuse_undecided(source, name, names.index(column))
    # Without marks of its own the point is decimal, and the texts were asked above.
    return names, set() if source.told_marks else set(names)


def _sheets(book: "openpyxl.Workbook") -> list[str]:
    """Name the sheets that hold cells; a chart may have one of its own."""
    return [sheet.title for sheet in book.worksheets]


def _sheet(source: Source, sheets: list[str]) -> str:
    """Choose the sheet of a workbook: the one that is named, or the only one."""
    if source.sheet in sheets or (not source.sheet and len(sheets) == 1):
        return source.sheet or sheets[0]
    if not source.sheet:
        raise _fault(source, "sheets", sheets=", ".join(sheets))
    near = mapping.near(source.sheet, sheets)
    raise _fault(source, "sheet", sheet=source.sheet, near=near)


class _Written:
    """Write a sheet's cells as a person reads them; rows without any are passed over."""

    def __init__(self, width: int) -> None:
        self.width = width
        # By column: the first text in which a point may stand before thousands, with its
        # row, and whether another text shows that it stands before decimals.
        self.doubtful: dict[int, tuple[int, str]] = {}
        self.decided: set[int] = set()

    def of(
        self, rows: Iterable[tuple], decimal: str
    ) -> Iterator[tuple[int, list[str | None]]]:
        """Yield the number and the cells of each row."""
        for number, row in enumerate(rows):
            if any(cell is not None for cell in row):
                for place, cell in enumerate(row[: self.width]):
                    if isinstance(cell, str) and "." in cell:
                        self._look(number, place, cell)
                cells = [_cell(cell, decimal) for cell in row[: self.width]]
                yield number, cells + [None] * (self.width - len(cells))

    def _look(self, number: int, place: int, text: str) -> None:
        if re.fullmatch(r"\D*[1-9]\d{0,2}\.\d{3}\D*", text):
            self.doubtful.setdefault(place, (number, text))
        elif re.search(r"\d\.\d", text):
            self.decided.add(place)

    def refuse_undecided(self, source: Source, name: str, place: int) -> None:
        """Refuse a column in whose texts a point may stand before thousands."""
        if place in self.doubtful and place not in self.decided:
            number, text = self.doubtful[place]
            line = number + 1 + source.header
            said = FORMS["undecided"].format(line=line, text=text)
            column = f"column {source.columns[name]} ({name})"
            raise BadInput(f"Table {source.table}: {column} {said}")


def _cell(cell: object, decimal: str) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, int | float) and abs(cell) >= CUT:
        return f"{cell:.14E}"  # a spreadsheet has cut its last digits
    if isinstance(cell, float):
        text = str(int(cell)) if cell.is_integer() else repr(cell)
        return text.replace(".", decimal)
    return str(cell)


def _fill(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    names: list[str],
    rows: Iterator[tuple[int, Iterable[str | None]]],
) -> None:
    """Make raw_<table> of numbered rows, a batch at a time."""
    columns = ", ".join(f"{identifier(name)} varchar" for name in names)
    con.execute(
        f"create or replace temp table raw_{source.table} ({ROW} bigint, {columns})"
    )
    kinds = [pa.int64(), *[pa.string()] * len(names)]
    while batch := list(itertools.islice(rows, BATCH)):
        values = zip(*[(number, *cells) for number, cells in batch], strict=True)
        parts = [pa.array(one, kind) for one, kind in zip(values, kinds, strict=True)]
        con.register("batch__", pa.Table.from_arrays(parts, [ROW, *names]))
        con.execute(f"insert into raw_{source.table} from batch__")
        con.unregister("batch__")


# Databases.


@contextlib.contextmanager
def sqlite(
    database: str | Path, encoding: str = "utf-8"
) -> Iterator[sqlite3.Connection]:
    """Open a SQLite file to be read; its texts are written in an encoding."""
    file = str(database).removeprefix("sqlite:///")
    with contextlib.closing(
        sqlite3.connect(f"file:{quote(file)}?mode=ro", uri=True)
    ) as base:
        base.text_factory = lambda raw: raw.decode(encoding)
        yield base


@contextlib.contextmanager
def _within(base: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """Interrupt what a database works out for longer."""
    until = time.monotonic() + seconds
    base.set_progress_handler(lambda: time.monotonic() > until, 10_000)
    yield
    base.set_progress_handler(None, 0)


def _relations(base: sqlite3.Connection) -> dict[str, str]:
    """Name the tables and views of a SQLite file, and which of them each is."""
    listed = "select name, type from sqlite_master where type in ('table', 'view')"
    return {name: kind for name, kind in base.execute(listed) if name[:7] != "sqlite_"}


def _look_at_sqlite(file: Path) -> list[Look]:
    looks = []
    for encoding in ("utf-8", "cp1252"):
        with sqlite(file, encoding) as base, contextlib.suppress(UnicodeError):
            for name in _relations(base):
                # A view that cannot be worked out hides no table.
                with contextlib.suppress(sqlite3.Error), _within(base, VIEW / 2):
                    found = base.execute(f"select * from {identifier(name)}")
                    begun = Look(file, name, encoding=encoding)
                    rows = [
                        [*map(_database_text, row)] for row in found.fetchmany(LINES)
                    ]
                    looks.append(
                        _looked(begun, [d[0] for d in found.description], rows)
                    )
            return looks
        looks.clear()
    return looks


def _database_text(cell: object, decimal: str = ".") -> str | None:
    """Write a value of SQLite as text; a BLOB must hold letters."""
    if isinstance(cell, float):
        return _cell(cell, decimal)
    text = cell.decode() if isinstance(cell, bytes) else cell
    return None if text is None else str(text)


def _open_sqlite(con: duckdb.DuckDBPyConnection, source: Source) -> Opened:
    own = identifier(source.relation)
    with sqlite(source.database, source.encoding) as base:
        there = _relations(base)
        if source.relation not in there:
            raise _no_table(source, there)
        if there[source.relation] == "view":
            with _within(base, VIEW):
                base.execute(f"select count(*) from {own}").fetchall()
        kinds = {row[1]: row[2] for row in base.execute(f"pragma table_xinfo({own})")}
        cursor = base.execute(f"select * from {own}")
        names = _check_names(source, [column[0] for column in cursor.description])
        numbers = {n for n in names if NUMERIC.match(kinds.get(n, "").upper())}
        marks = ["." if name in numbers else source.decimal for name in names]
        rows = ([*map(_database_text, row, marks)] for row in cursor)
        _fill(con, source, names, enumerate(rows))
    return names, numbers


def _no_table(source: Source, there: Iterable[str]) -> BadInput:
    said = f"the database has no table {source.relation}"
    near = mapping.near(source.relation, there)
    return BadInput(f"Table {source.table}: {said}{near}")


# Tables, then views, in the schemas that an address leads to.
RELATIONS = """select relname, relkind in ('v', 'f') from pg_class
    join pg_namespace on pg_namespace.oid = relnamespace
    where relkind in ('r', 'p', 'm', 'v', 'f') and nspname = any(current_schemas(false))"""
NUMBERS = (20, 21, 23, 26, 700, 701, 1700)  # what PostgreSQL calls its kinds of number


def _open_postgresql(con: duckdb.DuckDBPyConnection, source: Source) -> Opened:
    import psycopg

    own = identifier(source.relation)
    with psycopg.connect(source.database, connect_timeout=10) as base:
        base.read_only = True
        base.execute("set timezone = 'UTC'; set datestyle = ISO")
        there = dict(base.execute(RELATIONS).fetchall())
        if source.relation not in there:
            raise _no_table(source, there)
        if there[source.relation]:
            base.execute(f"set local statement_timeout = {round(VIEW * 1000)}")
            base.execute(f"select count(*) from {own}")
            base.execute("set local statement_timeout = 0")
        columns = base.execute(f"select * from {own} limit 0").description
        names = _check_names(source, [column.name for column in columns])
        texts = ", ".join(f"{identifier(name)}::text" for name in names)
        with base.cursor(name="rows") as rows:  # on the server, so that it is a stream
            rows.itersize = BATCH
            rows.execute(f"select {texts} from {own}")
            _fill(con, source, names, enumerate(rows))
    return names, {column.name for column in columns if column.type_code in NUMBERS}


def _open_database(con: duckdb.DuckDBPyConnection, source: Source, _: Path) -> Opened:
    lite = source.database.startswith("sqlite")
    try:
        return (_open_sqlite if lite else _open_postgresql)(con, source)
    except (BadInput, duckdb.Error):
        raise
    except UnicodeError:
        raise _fault(source, "no_text", told=source.encoding) from None
    except Exception as fault:  # each database has errors of its own
        kind = type(fault).__name__
        if "interrupted" in str(fault) or "Canceled" in kind:
            raise _fault(source, "view", seconds=VIEW) from None
        # What PostgreSQL says may name the address.
        key, why = ("sqlite", str(fault)[:90]) if lite else ("postgresql", kind)
        raise BadInput(f"Table {source.table}: {FORMS[key].format(why=why)}") from None


class Format(NamedTuple):
    """How files of one kind are looked at, for a draft, and opened, for a study."""

    look: Callable[[Path], list[Look]]
    open: Callable[[duckdb.DuckDBPyConnection, Source, Path], Opened]


# Another kind of file takes an entry here, and one in `mapping.KINDS_OF_FILE`.
FORMATS = {
    **dict.fromkeys(mapping.DELIMITERS, Format(_look_at_text, _open_text)),
    ".parquet": Format(_look_at_parquet, _open_parquet),
    ".xlsx": Format(_look_at_workbook, _open_workbook),
    **dict.fromkeys(mapping.DATABASES, Format(_look_at_sqlite, _open_database)),
}


def _plain(text: str) -> str:
    """Take the sign from a number, and write what may stand between thousands as one mark."""
    return SIGN.sub("", text).strip().translate(APART)


def is_number(text: str) -> bool:
    """Say whether a text may be a number, however it is written."""
    return bool(NUMBER.fullmatch(_plain(text)))


def number_marks(columns: Iterable[Collection[str]]) -> tuple[str, str]:
    """Tell the decimal and the thousands mark from the columns that hold numbers."""
    votes: Counter[str] = Counter()
    grouped: Counter[str] = Counter()
    for samples in columns:
        if sum(map(is_number, samples)) < 0.9 * len(samples):
            continue
        for text in map(_plain, samples):
            if found := re.search(r"([.,])\d{1,2}-?\)?$|([.,])\d{4,}$", text):
                votes[found[1] or found[2]] += 1
            if found := re.search(
                r"\d([.,' ])\d{3}(?=[.,]\d{1,2}\D*$|[.,' ]\d{3})", text
            ):
                grouped[found[1]] += 1
    decimal = votes.most_common(1)[0][0] if votes else "."
    grouped.pop(decimal, None)
    return decimal, grouped.most_common(1)[0][0] if grouped else ""


def date_forms(samples: list[str]) -> list[str]:
    """Choose the fewest forms of date that read every sample, the commonest first.

    Of two that differ in the order of day and month, the one that reads more is kept.
    """
    left, chosen = list(dict.fromkeys(samples))[:4_000], []
    if not left or not any(character.isdigit() for character in left[0]):
        return []
    while left and len(chosen) < 4:
        forms = (day + clock for day in FORMS["days"] for clock in FORMS["clocks"])
        reads = {
            form: _read_by(left, form) for form in forms if _read_by(left[:1], form)
        }
        best = max(reads, key=lambda form: len(reads[form]), default=None)
        if best is None:
            return []
        chosen.append(best)
        left = [text for text in left if text not in reads[best]]
    return [] if left else chosen


@functools.cache
def _alike(form: str) -> re.Pattern[str]:
    """Return a pattern of the texts that a form may read; trying is a hundred times slower."""
    parts = {"Y": r"\d{4}", "b": r"\D+", "B": r"\D+", "p": r"\D+"}
    plain = re.escape(form).replace(r"\ ", r"\s+")
    told = re.sub("%(.)", lambda found: parts.get(found[1], r"\d\d?"), plain)
    return re.compile(told, re.IGNORECASE)


def _read_by(samples: list[str], form: str) -> set[str]:
    read = set()
    for text in filter(_alike(form).fullmatch, samples):
        with contextlib.suppress(ValueError):
            if datetime.strptime(text, form).year in YEARS:
                read.add(text)
    return read


def day_or_month(samples: list[str], form: str) -> str:
    """Say whether day or month comes first in a form, and why, or "undecided".

    Empty if the form has no such pair.
    """
    start = form[:5]
    if start not in FORMS["swapped"]:
        return ""
    other = FORMS["swapped"][start] + form[5:]
    mine, theirs = _read_by(samples, form), _read_by(samples, other)
    if proof := next((text for text in samples if text in mine - theirs), None):
        first = "day" if start.startswith("%d") else "month"
        return f"the {first} comes first: {proof} allows no other reading"
    return f"undecided: every date can also be read as {other}; ask who made the file"
