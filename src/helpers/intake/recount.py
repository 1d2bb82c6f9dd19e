"""Read order lines a second time, by other libraries, and compare what both counted."""

import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from helpers.core.engines import identifier
from helpers.intake import types
from helpers.intake.readers import BATCH, ROW
from helpers.intake.validate import Problem
from helpers.runs import mapping
from helpers.runs.mapping import Source

MAX_IDS = 2_000_000  # beyond them ids are not counted a second time, to save memory
_RANGES = (0x200B, 0x2010), (0x202A, 0x202F), (0x2060, 0x206A), (0xFE00, 0xFE10)
_ALONE = (0, 0xAD, 0x61C, 0x180E, 0xFEFF)
# Letters without a shape.
HOLLOW = "".join(
    map(chr, [*_ALONE, *(one for ends in _RANGES for one in range(*ends))])
)
MISSING = re.compile(types.missing("customer_id", "id"))
MONEY = ("quantity", "amount", "unit_price", "order_total")
OFF = ("discount", "discount_rate", "discount_percent")


@dataclass
class Tally:
    """What a second reading counted; ids are None once there are too many."""

    rows: int = 0
    money: float = 0.0
    ids: dict[str, set[str] | None] = field(default_factory=dict)


def lines(
    con: duckdb.DuckDBPyConnection, source: Source, numbers: set[str]
) -> Iterator[Problem]:
    """Compare rows, money, customers and orders of typed_lines with a second reading.

    `numbers` are the columns that the file holds as numbers. Yields one problem of level
    "counted" where both agree, of level "error" where they do not.
    """
    rows, money, customers, orders = con.execute(
        """select count(*), coalesce(sum(cents), 0)::double / 100,
            count(distinct customer_id), count(distinct order_id) from typed_lines"""
    ).fetchall()[0]
    try:
        tally = _tally(con, source, numbers)
    except Exception as fault:  # each library has errors of its own
        reason = (str(fault) or type(fault).__name__).splitlines()[0][:100]
        said = f"could not be read a second time ({reason}); its {rows:,} rows stand alone."
        yield "lines", "warning", f"Table lines: {source.where} {said}"
        return
    counted: dict[str, tuple[float, float]] = {"rows": (rows, tally.rows)}
    for name, found in (("customers", customers), ("orders", orders)):
        second = tally.ids.get(f"{name[:-1]}_id")
        if second is not None:
            counted[name] = (found, len(second))
    unlike = [name for name, (first, second) in counted.items() if first != second]
    # Lines are rounded to the cent one by one, and the second sum at its end.
    if "order_total" not in source.columns:
        counted["of money"] = (money, tally.money)
        if abs(money - tally.money) > 0.005 * rows + 1e-9 * abs(money):
            unlike.append("of money")
    each = ", ".join(
        f"{first:,.2f} {name}" if name == "of money" else f"{first:,} {name}"
        for name, (first, _) in counted.items()
    )
    if unlike:
        told = " and ".join(
            f"{counted[name][1]:,} {name} instead of {counted[name][0]:,}"
            for name in unlike
        )
        yield (
            "lines",
            "error",
            f"Table lines: {source.where} gave {each}, but read a second time {told}. Save "
            "it again, as CSV in UTF-8 if you can, and compare with the program it is from.",
        )
    else:
        void, left = con.execute(
            f"""select count(*) filter (void), sum(cents) filter (not void)::double / 100
                from (select cents, {types.uncompleted(source)} as void from typed_lines)"""
        ).fetchall()[0]
        aside = (
            f" Without the {void:,} rows left out by status: {left or 0:,.2f} of money."
            if void
            else ""
        )
        yield (
            "lines",
            "counted",
            f"{each}: the same when {source.where} is read a second time.{aside}",
        )


def customers(
    con: duckdb.DuckDBPyConnection, source: Source, numbers: set[str]
) -> Iterator[Problem]:
    """Compare rows, ids, sums of numbers and counts of words with a second reading.

    Of customer_rows and customer_numbers, which `customer_table.build` makes.
    """
    measured = [n for n, kind in source.kinds.items() if kind == "measured"]
    words = [n for n, kind in source.kinds.items() if kind == "text"]
    try:
        second = _counted(con, source, numbers, measured, words)
    except Exception as fault:  # each library has errors of its own
        reason = (str(fault) or type(fault).__name__).splitlines()[0][:100]
        said = f"could not be read a second time ({reason}); its rows stand alone."
        yield "customers", "warning", f"Table customers: {source.where} {said}"
        return
    ids = "count(distinct customer_id)" if source.tells("customer_id") else "0"
    query = f"select count(*), {ids} from customer_rows"
    first = dict(
        zip(("rows", "customer_id"), con.execute(query).fetchall()[0], strict=True)
    )
    for table, names, sql in (
        ("customer_numbers", measured, "coalesce(sum({0}), 0)::double"),
        ("customer_rows", words, "count({0})"),
    ):
        listed = ", ".join(sql.format(identifier(name)) for name in names) or "0"
        row = con.execute(f"select {listed} from {table}").fetchall()[0]
        first.update(dict(zip(names, row, strict=False)))
    unlike = [
        name
        for name, value in first.items()
        if abs(value - second[name]) > 1e-6 + 1e-9 * abs(value)
    ]
    each = f"{first['rows']:,} rows, {len(measured):,} sums of numbers and {len(words):,} counts of words"
    if unlike:
        told = ", ".join(
            f"{second[name]:,.6g} of {name} instead of {first[name]:,.6g}"
            for name in unlike[:5]
        )
        said = (
            f"{source.where} gave {each}, but read a second time {told}. Save it again"
        )
        yield (
            "customers",
            "error",
            f"Table customers: {said}, as CSV in UTF-8 if you can.",
        )
    else:
        said = f"{each}: the same when {source.where} is read a second time."
        yield "customers", "counted", said


def _counted(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    numbers: set[str],
    measured: list[str],
    words: list[str],
) -> dict[str, float]:
    """Count rows and ids, add up numbers and count what is told of words."""
    names = [row[0] for row in con.execute("describe raw_customers").fetchall()]
    names.remove(ROW)
    wanted = {n: c for n, c in source.columns.items() if source.tells(n)}
    read = {n: _Numbers(source, source.columns[n] in numbers, True) for n in measured}
    tally = Tally(ids={"customer_id": set()} if "customer_id" in wanted else {})
    counted: dict[str, float] = defaultdict(float)
    for batch in _batches(con, source, names, list(dict.fromkeys(wanted.values()))):
        counted["rows"] += batch.num_rows
        for name in tally.ids:
            _collect(tally, name, batch[wanted[name]], source)
        for name in measured:
            column = batch[wanted[name]]
            try:  # most are plain numbers, and arrow reads them at once
                plain = column.cast(pa.float64()) if source.decimal == "." else None
                values = (
                    read[name].of(column) if plain is None else plain.to_numpy(False)
                )
            except pa.ArrowInvalid:
                values = read[name].of(column)
            counted[name] += float(np.nansum(values))
        for name in words:
            told = batch[wanted[name]].dictionary_encode()
            known = [_id(text) is not None for text in told.dictionary.to_pylist()]
            places = told.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
            counted[name] += int(np.array([*known, False])[places].sum())
    counted["customer_id"] = len(tally.ids.get("customer_id") or ())
    return counted


def _tally(con: duckdb.DuckDBPyConnection, source: Source, numbers: set[str]) -> Tally:
    names = [row[0] for row in con.execute(f"describe raw_{source.table}").fetchall()]
    names.remove(ROW)
    ids = [n for n in ("customer_id", "order_id") if source.tells(n)]
    asked = [n for n in (*MONEY, *OFF) if n in source.columns]
    wanted = {n: source.columns[n] for n in (*ids, *asked) if source.tells(n)}
    tally = Tally(ids={name: set() for name in ids})
    read = {
        name: _Numbers(source, wanted.get(name, "") in numbers, name == "discount_rate")
        for name in asked
    }
    for batch in _batches(con, source, names, list(dict.fromkeys(wanted.values()))):
        tally.rows += batch.num_rows
        for name in ids:
            _collect(tally, name, batch[wanted[name]], source)
        values = {
            name: read[name].of(batch[wanted[name]])
            if name in wanted
            else np.full(batch.num_rows, read[name].number(source.columns[name][1:]))
            for name in asked
        }
        tally.money += float(np.nansum(_money(values)))
    return tally


def _money(values: dict[str, np.ndarray]) -> np.ndarray:
    if "amount" in values:
        return values["amount"]
    if "unit_price" not in values:
        return np.zeros(1)
    gross = values["quantity"] * values["unit_price"]
    gross *= 1 - np.nan_to_num(values.get("discount_rate", np.zeros(1)))
    gross *= 1 - np.nan_to_num(values.get("discount_percent", np.zeros(1))) / 100
    off = np.abs(np.nan_to_num(values.get("discount", np.zeros(1))))
    return np.sign(gross) * (np.abs(gross) - off)


def _collect(tally: Tally, name: str, column: pa.Array, source: Source) -> None:
    seen = tally.ids[name]
    if seen is None:
        return
    for text in column.unique().to_pylist():
        if (told := _id(text)) is not None:
            seen.add(_folded(told) if name in source.fold_ids else told)
    if len(seen) > MAX_IDS:
        tally.ids[name] = None


def _id(text: str | None) -> str | None:
    told = _bare(text or "")
    if not told or MISSING.fullmatch(told):
        return None
    return unicodedata.normalize("NFC", told)


def _bare(text: str) -> str:
    """Take spaces and letters without a shape from both ends."""
    before = None
    while before != text:
        before, text = text, text.strip().strip(HOLLOW)
    return text


def _folded(text: str) -> str:
    kept = "".join(c for c in text if c not in HOLLOW and not c.isspace())
    kept = "".join(str(unicodedata.decimal(c, c)) for c in kept)
    plain = re.fullmatch(r"0*(\d+)(\.0+)?", kept)
    return (plain[1] if plain else kept).lower()


class _Numbers:
    """Read the numbers of a column, each text once."""

    def __init__(self, source: Source, native: bool, part: bool) -> None:
        self.part = part  # 15% is 0.15
        self.comma = source.decimal == "," and not native
        self.known: dict[str | None, float] = {}

    def of(self, column: pa.Array) -> np.ndarray:
        told = column.dictionary_encode()
        texts = told.dictionary.to_pylist()
        if len(self.known) > MAX_IDS:
            self.known.clear()
        for text in texts:
            if text not in self.known:
                self.known[text] = self.number(text)
        values = np.array([*(self.known[text] for text in texts), np.nan])
        places = told.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
        return values[places]

    def number(self, text: str | None) -> float:
        """Read a number by its digits alone: signs, spaces and groups are passed over."""
        plain = "".join(str(unicodedata.decimal(c, c)) for c in _bare(text or ""))
        if re.fullmatch(r"[-+]?[\d.,]+[eE][-+]?\d+", plain):
            return float(plain.replace(",", "."))
        plain = re.sub("[\u2010-\u2014\u2212\uff0d]", "-", plain).replace("\uff0e", ".")
        plain = re.sub(r"[.,]-+\D*$", "", plain)  # 12.- has no cents
        below = plain.startswith(("(", "-")) or plain.endswith("-")
        below = below or bool(re.search(r"-\s*\d", plain))
        digits = re.sub(r"[^\d.,\u066b]", "", plain).strip(".")
        if "\u066b" in digits:  # an Arabic decimal mark leaves no doubt
            digits = re.sub("[.,]", "", digits).replace("\u066b", ".")
        elif self.comma:
            digits = digits.replace(".", "").replace(",", ".")
        if not (digits := digits.replace(",", "")).strip("."):
            return float("nan")
        percent = self.part and plain.endswith(("%", "\uff05", "\u066a"))
        value = float(digits) / (100 if percent else 1)
        return -value if below else value


def _batches(
    con: duckdb.DuckDBPyConnection, source: Source, names: list[str], wanted: list[str]
) -> Iterator[pa.RecordBatch]:
    """Read the wanted columns of a file as text, a batch at a time."""
    file = source.file
    if file is None:  # a database is asked once, and what it gave is read again
        columns = ", ".join(map(identifier, [*wanted, ROW]))
        yield from con.sql(f"select {columns} from raw_{source.table}").to_arrow_reader(
            BATCH
        )
    elif file.suffix.lower() in mapping.DELIMITERS:
        yield from _of_text(file, source, names, wanted)
    elif file.suffix.lower() == ".parquet":
        for batch in parquet.ParquetFile(file).iter_batches(columns=wanted):
            texts = [batch[name].cast(pa.string()) for name in wanted]
            yield _batch(texts, wanted, batch.num_rows)
    else:
        yield from _of_workbook(file, source, names, wanted)


def _batch(columns: list[pa.Array], names: list[str], rows: int) -> pa.RecordBatch:
    counted = [*columns, pa.nulls(rows)]  # so that rows are counted without a column
    return pa.RecordBatch.from_arrays(counted, [*names, ""])


def _of_text(
    file: Path, source: Source, names: list[str], wanted: list[str]
) -> Iterator[pa.RecordBatch]:
    if source.delimiter == mapping.NAMED["spaces"]:
        with file.open(encoding=source.encoding) as text:
            rows = (line.split() for line in text if line.strip())
            yield from _of_rows(
                itertools.islice(rows, int(source.header), None), names, wanted
            )
        return
    told = csv.open_csv(
        file,
        read_options=csv.ReadOptions(
            column_names=names,
            skip_rows_after_names=int(source.header),
            encoding="utf-8" if source.encoding == "utf-8-sig" else source.encoding,
            block_size=2**22,
        ),
        parse_options=csv.ParseOptions(
            delimiter=source.delimiter,
            quote_char=source.quote or False,
            newlines_in_values=True,
        ),
        convert_options=csv.ConvertOptions(
            include_columns=wanted or names[:1],
            column_types=dict.fromkeys(names, pa.string()),
        ),
    )
    yield from told


def _of_rows(
    rows: Iterator, names: list[str], wanted: list[str]
) -> Iterator[pa.RecordBatch]:
    places = [names.index(name) for name in wanted]
    for some in iter(lambda: list(itertools.islice(rows, BATCH)), []):
        columns = [
            pa.array(
                [row[place] if place < len(row) else None for row in some], pa.string()
            )
            for place in places
        ]
        yield _batch(columns, wanted, len(some))


def _of_workbook(
    file: Path, source: Source, names: list[str], wanted: list[str]
) -> Iterator[pa.RecordBatch]:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(file)
    sheet = book.get_sheet_by_name(source.sheet or book.sheet_names[0])

    def text(cell: object) -> str:
        if isinstance(cell, float):
            whole = str(int(cell)) if cell.is_integer() else repr(cell)
            return whole.replace(".", source.decimal)
        return str(cell)

    told = sheet.to_python(skip_empty_area=False)[int(source.header) :]
    rows = ([text(cell) for cell in row] for row in told if any(c != "" for c in row))
    yield from _of_rows(rows, names, wanted)
