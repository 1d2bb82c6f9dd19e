"""Read an analyst's files and database tables: look at samples, or open them as text."""

import codecs
import contextlib
import csv
import itertools
import re
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import pyarrow as pa

from helpers.core.engines import identifier, quoted
from helpers.core.errors import BadInput
from helpers.core.paths import beside
from helpers.display.columns import ANY_SIGN
from helpers.runs import mapping
from helpers.runs.mapping import Source

if TYPE_CHECKING:
    import ibis
    import openpyxl

ROW = "row__"  # number of a row in its file, from 0
BATCH = 20_000  # rows
COPY = ".utf8.txt"  # ends the name of a copy in UTF-8
TOLD = 1_000  # lines of another shape that are kept to be named
LINES = 3_000  # looked at from the beginning
PLACES = 20  # places further on in a large file that are looked at
THERE = 150  # lines looked at in each
READ = 64 * 2**20  # bytes read to tell the encoding
# Encoding -> signs that its letters look like in that of western Europe.
ODD = {"cp1250": "[\xb9\xb3\xbf]", "cp1254": "[\xfe\xf0\xde\xd0]"}
CUT = 10**15  # numbers from which spreadsheets keep no more digits
MARKS = (";", ",", "\t", "|")
SPACES = mapping.NAMED["spaces"]  # as a delimiter: any run of spaces
FORMS = beside(__file__, "readers.yaml")
SIGN = re.compile(ANY_SIGN + r"|\b(?:EUR|USD|GBP|CHF)\b")
# A date is none: 01.02.2024 has no groups of three.
NUMBER = re.compile(
    r"\(?[-+]?(\d+([.,]\d+)?|\d{1,3}([.,' ]\d{3})+([.,]\d+)?|[.,]\d+)-?\)?"
)
YEARS = range(1985, 2100)
# How DuckDB begins the names of its kinds of number.
NUMERIC = re.compile("INT|DEC|DOU|FLO|HUG|BIGI|SMAL|TINY|UINT|UBIG")
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


def _header(first: Iterable[object], header: bool = True) -> list[str]:
    """Name the columns by the first row; by their place, from 1, where it has no name."""
    texts = ["" if name is None or not header else str(name).strip() for name in first]
    return [text or str(place) for place, text in enumerate(texts, start=1)]


def _looked(begun: Look, names: list[str], rows: Iterable[Any]) -> Look:
    """Add the samples of each column, and how its numbers are written."""
    rows = [row for row in rows if len(row) == len(names)]
    columns = {
        name: [
            str(row[place]).strip()
            for row in rows
            if row[place] is not None and str(row[place]).strip()
        ]
        for place, name in enumerate(names)
    }
    decimal, thousands = number_marks(columns.values())
    return replace(
        begun, columns=columns, rows=len(rows), decimal=decimal, thousands=thousands
    )


# Text: each line a row.


def _look_at_text(file: Path) -> list[Look]:
    written = _encoding(file)
    lines = _sample(file, written)
    mark = _delimiter(lines)
    if mark == SPACES:
        rows = [line.split() for line in lines]
    else:
        rows = list(csv.reader(lines, delimiter=mark))
    header = not any(is_number(cell) or date_forms([cell]) for cell in rows[0])
    begun = Look(file, delimiter=mark, encoding=written, header=header)
    return [_looked(begun, _header(rows[0], header), rows[header:])]


def _encoding(file: Path) -> str:
    """Tell the encoding of a text file from its first bytes and from what can be read."""
    with file.open("rb") as content:
        start = content.read(READ)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if _is_utf8(start):
        return "utf-8"
    odd_lines = b"".join(re.findall(rb"[^\n]*[\x80-\xff][^\n]*", start)[:LINES])
    western = odd_lines.decode("cp1252", "replace")
    for encoding, odd in ODD.items():
        if re.search(f"[a-zA-Z]{odd}|{odd}[a-z]", western):
            return encoding
    return "cp1252" if re.search(rb"[\x80-\x9f]", start) else "latin-1"


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
    return 0 < both < text.count(b"\n") or (both and text.count(b"\r") > both)


def _letters_in_utf8(file: Path) -> bool:
    """Say whether a file holds letters beyond ASCII, and in UTF-8."""
    with file.open("rb") as content:
        start = content.read(READ)
    return not start.isascii() and _is_utf8(start)


def _sample(file: Path, written: str) -> list[str]:
    """Take lines from the beginning and from places all over a large file."""
    reading = "utf-8-sig" if written == "utf-8" else written
    with file.open(encoding=reading, errors="replace", newline="") as content:
        lines = [line for line, _ in zip(content, range(LINES), strict=False)]
    size = file.stat().st_size
    if written != "utf-16" and size > sum(map(len, lines)) + 100_000:
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
        raise _fault(source, "is empty. Export it again.")
    if source.header and len(first) == 1 and len(source.columns) > 1:
        others = [mark for mark in MARKS if mark in first[0]]
        hint = f"Its first line holds {others[0]!r}: s" if others else "S"
        raise _fault(
            source,
            f"has one column only when split at {source.delimiter!r}. {hint}et "
            "`delimiter:` to the character between its columns.",
        )
    names = _check_names(source, _header(first, source.header))
    kinds = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
    con.execute(
        f"""create or replace temp view raw_{source.table} as
        select row_number() over () - 1 as {ROW}, * from read_csv(
            {quoted(str(file))}, auto_detect = false, header = {source.header},
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
    plain = codecs.lookup(source.encoding).name in ("utf-8", "utf-8-sig", "ascii")
    spaced, mixed = source.delimiter == SPACES, _mixed_ends(source.file)
    if plain and not spaced and not mixed:
        return source.file
    if not plain and _letters_in_utf8(source.file):
        raise _fault(
            source,
            f"is written in utf-8, and not in {source.encoding}. Set `encoding: utf-8`.",
        )
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
        raise _fault(
            source,
            f"is not written in {source.encoding} after line {number} "
            f"({getattr(fault, 'reason', fault)}). Set `encoding:`, such as utf-8, "
            "latin-1 or cp1252.",
        ) from None
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


# Parquet.


def _parquet(con: duckdb.DuckDBPyConnection, file: Path) -> tuple[str, dict[str, str]]:
    """Write the query of a file's rows as text; name its columns and their types."""
    place = quoted(str(file))
    described = con.execute(f"describe select * from read_parquet({place})").fetchall()
    kinds = dict(row[:2] for row in described)
    texts = ", ".join(f"{identifier(n)}::varchar as {identifier(n)}" for n in kinds)
    query = (
        f"select file_row_number as {ROW}, {texts} "
        f"from read_parquet({place}, file_row_number = true)"
    )
    return query, kinds


def _look_at_parquet(file: Path) -> list[Look]:
    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as con:
        query, kinds = _parquet(con, _plain_name(file, Path(spill)))
        rows = con.execute(f"{query} limit 5000").fetchall()
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
        raise _fault(
            source,
            f"cannot be read as Parquet; it may be cut short ({said}). Export it again.",
        ) from None
    return list(kinds), {n for n, kind in kinds.items() if NUMERIC.match(kind)}


# Excel: each sheet a table.


def _workbook(file: Path) -> "openpyxl.Workbook":
    import openpyxl

    return openpyxl.load_workbook(file, read_only=True, data_only=True)


def _look_at_workbook(file: Path) -> list[Look]:
    looks = []
    with contextlib.closing(_workbook(file)) as book:
        for sheet in book.sheetnames:
            book[sheet].reset_dimensions()  # what a file says of them may be stale
            rows = list(book[sheet].iter_rows(values_only=True, max_row=LINES))
            if len(rows) > 1:
                part = sheet if len(book.sheetnames) > 1 else ""
                wide = len(rows[0])  # cells at the end of a row may be left out
                kept = [(*row, *[None] * (wide - len(row)))[:wide] for row in rows[1:]]
                looks.append(_looked(Look(file, part), _header(rows[0]), kept))
    return looks


def _open_workbook(con: duckdb.DuckDBPyConnection, source: Source, _: Path) -> Opened:
    try:
        opened = _workbook(source.file)
    except Exception as fault:  # openpyxl lets through whatever its parts raise
        raise _fault(
            source,
            f"cannot be read as an Excel workbook ({type(fault).__name__}). Open it in a "
            "spreadsheet program and save it again as .xlsx.",
        ) from None
    with contextlib.closing(opened) as book:
        sheet = book[_sheet(source, book.sheetnames)]
        sheet.reset_dimensions()
        rows = sheet.iter_rows(values_only=True)
        first = next(rows, None)
        if first is None or all(cell is None for cell in first):
            raise _fault(source, "has an empty first row. Put the names there.")
        names = _check_names(source, _header(first, source.header))
        if "excel" in source.date_formats and opened.epoch.year == 1904:
            raise _fault(
                source,
                "counts days from 1904. Format its dates as dates, and take excel out of "
                "`date_format:`.",
            )
        kept = rows if source.header else itertools.chain([first], rows)
        texts = _Written(len(names))
        _fill(con, source, names, texts.of(kept, source.decimal))
    if not source.told_marks:
        for name, column in source.columns.items():
            if source.kinds[name] in ("money", "number") and column in names:
                texts.refuse_undecided(source, name, names.index(column))
    # Without marks of its own the point is decimal, and the texts were asked above.
    return names, set() if source.told_marks else set(names)


def _sheet(source: Source, sheets: list[str]) -> str:
    """Choose the sheet of a workbook: the one that is named, or the only one."""
    if source.sheet in sheets or (not source.sheet and len(sheets) == 1):
        return source.sheet or sheets[0]
    if not source.sheet:
        raise _fault(source, f"has sheets {', '.join(sheets)}. Name one as `sheet:`.")
    raise _fault(
        source, f"has no sheet {source.sheet}{mapping.near(source.sheet, sheets)}"
    )


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
            raise BadInput(
                f"Table {source.table}: column {source.columns[name]} ({name}) is "
                f"undecided: line {number + 1 + source.header}: {text!r} is a text with "
                'thousands or three decimals. Write `thousands: "."` if 12.500 is 12500, or '
                '`decimal: "."` if it is 12.5.'
            )


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


def _as_text(table: "ibis.Table") -> "ibis.Table":
    return table.select(*[table[c].cast("string").name(c) for c in table.columns])


def _look_at_sqlite(file: Path) -> list[Look]:
    import ibis

    base = ibis.sqlite.connect(file)
    looks = []
    for name in base.list_tables():
        found = _as_text(base.table(name)).limit(LINES).to_pyarrow().to_pydict()
        rows = list(zip(*found.values(), strict=True))
        looks.append(_looked(Look(file, name), list(found), rows))
    base.disconnect()
    return looks


def _open_database(con: duckdb.DuckDBPyConnection, source: Source, _: Path) -> Opened:
    import ibis

    kind = "SQLite" if source.database.startswith("sqlite") else "PostgreSQL"
    try:
        lite = source.database.removeprefix(mapping.SQLITE)
        base = ibis.sqlite.connect(lite) if kind == "SQLite" else ibis.connect(lite)
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
        batches = base.to_pyarrow_batches(_as_text(table), chunk_size=BATCH)
        rows = (
            row
            for batch in batches
            for row in zip(*batch.to_pydict().values(), strict=True)
        )
        _fill(con, source, names, enumerate(rows))
    return names, {name for name, kind in kinds.items() if kind.is_numeric()}


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


def is_number(text: str) -> bool:
    """Say whether a text may be a number, however it is written."""
    return bool(NUMBER.fullmatch(SIGN.sub("", text).strip()))


def number_marks(columns: Iterable[list[str]]) -> tuple[str, str]:
    """Tell the decimal and the thousands mark from the columns that hold numbers."""
    votes: Counter[str] = Counter()
    grouped: Counter[str] = Counter()
    for samples in columns:
        if sum(map(is_number, samples)) < 0.9 * len(samples):
            continue
        for text in (SIGN.sub("", one).strip() for one in samples):
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


def _read_by(samples: list[str], form: str) -> set[str]:
    read = set()
    for text in samples:
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
