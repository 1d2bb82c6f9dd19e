"""Look at a file of unknown make: how its text is written, and samples of its columns."""

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import duckdb

from helpers.display.columns import ANY_SIGN

LINES = 3_000  # read from the beginning
PLACES = 20  # places further on in a large file that are looked at
THERE = 150  # lines read at each
READ = 64 * 2**20  # bytes read to tell the encoding
MARKS = (";", ",", "\t", "|")
# Forms of dates by what stands between day, month and year; then those of the clock.
DAYS = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y-%m-%d"),
    *("%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y"),
    *("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%d-%b-%Y", "%d-%b-%y"),
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
ISO = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
SWAPPED = {"%d/%m": "%m/%d", "%m/%d": "%d/%m", "%d-%m": "%m-%d", "%m-%d": "%d-%m"}
SIGN = re.compile(ANY_SIGN + r"|\b(?:EUR|USD|GBP|CHF)\b")
# A date is none: 01.02.2024 has no groups of three.
NUMBER = re.compile(
    r"\(?[-+]?(\d+([.,]\d+)?|\d{1,3}([.,' ]\d{3})+([.,]\d+)?|[.,]\d+)-?\)?"
)
YEARS = range(1985, 2100)


@dataclass(frozen=True)
class Look:
    """What a file, a sheet of it or a table of a database looks like.

    Parameters
    ----------
    file : Path
        The file.
    part : str
        Sheet or table of a database; empty for other files.
    columns : dict of str
        Column -> samples of its text, missing ones left out.
    rows : int
        Rows that were looked at.
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
    """Look at a file; one Look a sheet or table, none where it cannot be read.

    Parameters
    ----------
    file : Path
        A .csv, .txt, .tsv, .parquet, .xlsx, .db or .sqlite file.

    Returns
    -------
    list of Look
        Empty if the file is of another kind or damaged.
    """
    readers = {
        **dict.fromkeys((".csv", ".txt", ".tsv"), _text_file),
        ".parquet": _parquet,
        ".xlsx": _workbook,
        **dict.fromkeys((".db", ".sqlite", ".sqlite3"), _sqlite),
    }
    try:
        return readers.get(file.suffix.lower(), lambda _: [])(file)
    except Exception:  # a damaged file may raise whatever its reader's parts raise
        return []


def encoding(file: Path) -> str:
    """Tell the encoding of a text file from its first bytes and from what can be read."""
    with file.open("rb") as content:
        start = content.read(READ)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        start[: len(start) - 4 if len(start) == READ else None].decode("utf-8")
    except UnicodeDecodeError:
        windows = any(0x80 <= byte <= 0x9F for byte in start)
        return "cp1252" if windows else "latin-1"
    return "utf-8"


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


def delimiter(lines: list[str]) -> str:
    """Choose the mark that splits lines into the same number of columns, or spaces."""
    counts = {}
    for mark in MARKS:
        widths = Counter(len(row) for row in csv.reader(lines[:200], delimiter=mark))
        width, often = widths.most_common(1)[0]
        counts[mark] = (often / sum(widths.values()), width) if width > 1 else (0, 0)
    best = max(MARKS, key=lambda mark: counts[mark])
    if counts[best][0] > 0.5:
        return best
    widths = {len(line.split()) for line in lines[:200]}
    return "spaces" if len(widths) == 1 and widths != {1} else ","


def _text_file(file: Path) -> list[Look]:
    written = encoding(file)
    lines = _sample(file, written)
    mark = delimiter(lines)
    if mark == "spaces":
        rows = [line.split() for line in lines]
    else:
        rows = list(csv.reader(lines, delimiter=mark))
    header = not any(is_number(cell) or date_forms([cell]) for cell in rows[0])
    names = rows[0] if header else range(1, len(rows[0]) + 1)
    return [
        _looked(
            Look(file, delimiter=mark, encoding=written, header=header),
            [str(name).strip() or str(n) for n, name in enumerate(names, start=1)],
            rows[header:],
        )
    ]


def _parquet(file: Path) -> list[Look]:
    with duckdb.connect() as con:
        found = con.execute("from read_parquet(?) limit 5000", [str(file)])
        names = [column[0] for column in found.description]
        return [_looked(Look(file), names, found.fetchall())]


def _workbook(file: Path) -> list[Look]:
    import openpyxl

    book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    looks = []
    for sheet in book.sheetnames:
        rows = list(book[sheet].iter_rows(values_only=True, max_row=LINES))
        if len(rows) > 1:
            names = [str(name or n) for n, name in enumerate(rows[0], start=1)]
            part = sheet if len(book.sheetnames) > 1 else ""
            looks.append(_looked(Look(file, part), names, rows[1:]))
    book.close()
    return looks


def _sqlite(file: Path) -> list[Look]:
    import ibis

    base = ibis.connect(f"sqlite:///{file}")
    looks = []
    for name in base.list_tables():
        table = base.table(name)
        text = table.select(*[table[c].cast("string").name(c) for c in table.columns])
        rows = text.limit(LINES).to_pyarrow().to_pydict()
        looks.append(
            _looked(
                Look(file, name), list(rows), list(zip(*rows.values(), strict=True))
            )
        )
    base.disconnect()
    return looks


def _looked(begun: Look, names: list[str], rows: Iterable[tuple]) -> Look:
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
    """Choose the fewest forms of date that read every sample; none if they cannot.

    Parameters
    ----------
    samples : list of str
        Texts of a column.

    Returns
    -------
    list of str
        The form that reads most comes first. Of two forms that differ in the order of
        day and month, the one that reads more is kept.
    """
    left, chosen = list(dict.fromkeys(samples))[:4_000], []
    if not left or not any(character.isdigit() for character in left[0]):
        return []
    while left and len(chosen) < 4:
        reads = {form: _read_by(left, form) for form in _forms(left[0])}
        best = max(reads, key=lambda form: len(reads[form]), default=None)
        if best is None or not reads[best]:
            return []
        chosen.append(best)
        done = reads[best]
        left = [text for text in left if text not in done]
    return [] if left else chosen


def _forms(text: str) -> list[str]:
    """List the forms that read one text."""
    return [
        day + clock for day in DAYS for clock in CLOCKS if _read_by([text], day + clock)
    ]


def _read_by(samples: list[str], form: str) -> set[str]:
    read = set()
    for text in samples:
        try:
            when = datetime.strptime(text, form)
        except ValueError:
            continue
        if when.year in YEARS:
            read.add(text)
    return read


def day_or_month(samples: list[str], form: str) -> str:
    """Say what shows that the day, or the month, comes first; empty if nothing need.

    Parameters
    ----------
    samples : list of str
        Texts that `form` reads.
    form : str
        A form from `date_forms`.

    Returns
    -------
    str
        The evidence in words, beginning with "undecided" where there is none.
    """
    start = form[:5]
    if start not in SWAPPED:
        return ""
    other = SWAPPED[start] + form[5:]
    mine, theirs = _read_by(samples, form), _read_by(samples, other)
    if proof := next((text for text in samples if text in mine - theirs), None):
        first = "day" if start.startswith("%d") else "month"
        return f"the {first} comes first: {proof} allows no other reading"
    return f"undecided: every date can also be read as {other}; ask who made the file"


def share_unique(samples: list[str]) -> float:
    """Return distinct samples over samples, 0 to 1."""
    return len(set(samples)) / len(samples) if samples else 0.0
