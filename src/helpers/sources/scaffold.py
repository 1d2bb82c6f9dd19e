"""Draft a run file from the files of a folder, commented for a person to correct."""

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import yaml

from helpers.core import command, engines, paths, store
from helpers.core.errors import BadInput
from helpers.core.paths import beside
from helpers.runs import horizons, mapping
from helpers.runs.mapping import Source
from helpers.sources import outlook, own_files, readers
from helpers.sources.readers import Look

# Standard column -> names that exports give it, in capitals and without spaces or marks.
NAMES = beside(__file__, "scaffold.yaml")

PERSONAL = re.compile(
    r"name|mail|phone|tel|fax|street|address|adresse|strasse|birth|geburt|iban|tax|vat|"
    r"zip|postcode|plz|contact",
    re.IGNORECASE,
)
FIRM = re.compile(
    r"industr|branch|sector|employee|company|size|sites|turnover|legal", re.IGNORECASE
)
MOST_LEVELS = 30  # values of an attribute beyond which groups are too small to show
# Words that YAML reads as something else.
WORDS = ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
SERVICES = re.compile(r"[A-Za-z][A-Za-z &./-]*")  # product ids without a digit


@dataclass(frozen=True)
class Guess:
    """One file's columns as a standard table, by the name of the standard column."""

    table: str
    seen: Look
    columns: dict[str, str]  # column of the file, or `=` and a value
    others: dict[str, list[str]]  # further columns it could be
    notes: dict[str, str]  # why it was chosen


def _capitals(name: str) -> str:
    """Write a column's name in capitals, without spaces and marks."""
    return re.sub(r"[\W_]+", "", name).upper()


def by_name(seen: Look, table: str) -> Guess:
    """Match a file's columns to a table's by their names."""
    wanted = mapping.COLUMNS[table]
    columns, others = {}, {}
    for standard in wanted:
        order = NAMES.get(standard, "").split()
        ranked = sorted(
            (order.index(_capitals(name)), name)
            for name in seen.columns
            if _capitals(name) in order and name not in columns.values()
        )
        if ranked:
            columns[standard] = ranked[0][1]
            others[standard] = [name for _, name in ranked[1:]]
    return Guess(table, seen, columns, others, dict.fromkeys(columns, "by its name"))


def by_content(guess: Guess) -> Guess:
    """Fill the columns of order lines that no name told, by what the samples hold."""
    columns, notes = dict(guess.columns), dict(guess.notes)
    samples = guess.seen.columns

    def free() -> list[str]:
        return [name for name in samples if name not in columns.values()]

    def take(standard: str, found: list[str], why: str) -> None:
        if standard not in columns and found:
            columns[standard], notes[standard] = found[0], why

    dates = [name for name in free() if readers.date_forms(samples[name])]
    take("ordered_at", dates, "it holds dates")
    numbers = [
        n for n in free() if samples[n] and all(map(readers.is_number, samples[n]))
    ]
    broken = [n for n in numbers if any(re.search(r"[.,]\d", t) for t in samples[n])]
    if "unit_price" not in columns:
        take("amount", broken, "it holds numbers with decimals")
    small = [n for n in numbers if n in free() and all(len(t) < 4 for t in samples[n])]
    take("quantity", small, "it holds small whole numbers")
    repeated = [
        n for n in free() if len(set(samples[n])) < 0.9 * max(len(samples[n]), 1)
    ]
    take("customer_id", repeated, "its values come back")
    return replace(guess, columns=columns, notes=notes)


def lacks(guess: Guess) -> list[str]:
    """Name the required columns that a guess has not found."""
    return [
        name
        for name, kind in mapping.COLUMNS[guess.table].items()
        if kind[-1] != "?" and name not in guess.columns
    ]


def match(looks: list[Look]) -> list[Guess]:
    """Give each table the file that fits it; order lines choose first, and are always found."""

    def fit(seen: Look) -> tuple[int, int]:
        guess = by_name(seen, "lines")
        money = bool({"amount", "unit_price"} & guess.columns.keys())
        return len(guess.columns) - len(lacks(guess)) + 2 * money, seen.rows

    best = max(looks, key=fit)
    found = [_completed(by_content(by_name(best, "lines")))]
    left = [seen for seen in looks if seen is not best]
    first = ["contracts", "leads", "surveys", "responses", "contacts"]
    for table in [*first, "interactions", "campaigns", "products", "customers"]:
        left = _claim(table, left, found)
    return found


def _claim(table: str, left: list[Look], found: list[Guess]) -> list[Look]:
    """Give a table the first file that has all it needs; return the files left."""
    for seen in left:
        guess = by_name(seen, table)
        columns = guess.columns
        named = any(word in seen.file.stem.lower() for word in (table, table[:-1]))
        enough = len(columns) > 1 or table == "customers" or named
        if not lacks(guess) and enough and len(seen.columns) > 1:
            found.append(guess)
            return [other for other in left if other is not seen]
    return left


def _completed(guess: Guess) -> Guess:
    """Give order lines a value where no column tells what is required."""
    columns, notes = dict(guess.columns), dict(guess.notes)
    stand_in = {
        "order_id": (
            mapping.DERIVED,
            "no column found: one order a customer and day"
            if "product_id" in columns
            else "no column found: each line is an order",
        ),
        "product_id": ("=unknown", "no column found: products are not told apart"),
        "quantity": ("=1", "no column found: every line counts as one piece"),
    }
    for name, (value, why) in stand_in.items():
        if name not in columns:
            columns[name], notes[name] = value, why
    if "amount" in columns and "unit_price" in columns:
        notes["amount"] = "as paid; remove it to use quantity x unit_price"
    return replace(guess, columns=columns, notes=notes)


def draft(run: str, guesses: list[Guess], unused: list[Look]) -> str:
    """Write the text of a run file, with comments; `unused` are files without a table."""
    lines = [
        f"# Drafted by `make new-run RUN={run}` from the files in data/raw/{run}/. Every",
        "# line is a guess: read each, correct it, then run",
        f"#   make check RUN={run}     names every problem that is left",
        f"#   make report RUN={run}    runs the study",
        "source: files",
        "engine: duckdb",
        "",
        "tables:",
    ]
    for one in guesses:
        lines += _table(one)
    for seen in unused:
        names = ", ".join(list(seen.columns)[:8])
        lines.append(f"  # not used: {seen.file.name} {seen.part} ({names})")
    return "\n".join(lines) + "\n"


def _table(one: Guess) -> Iterator[str]:
    yield f"  {one.table}:"
    yield from _file(one.seen)
    columns = dict(one.columns)
    moments = [
        n for n in columns if mapping.COLUMNS[one.table].get(n, "")[:6] == "moment"
    ]
    for name in moments[:1]:
        yield from _dates(one.seen.columns.get(columns[name], []))
    yield "    columns:"
    for name, column in columns.items():
        others = one.others.get(name) or []
        also = f"; or {', '.join(others)}" if others else ""
        why = one.notes.get(name, "")
        yield f"      {name}: {_yaml(column)}" + (f"  # {why}{also}" if why else "")
    for name in lacks(one):
        yield f'      {name}: ""  # NOT FOUND: name its column'
    if one.table == "lines":
        if not {"amount", "unit_price"} & columns.keys():
            yield '      amount: ""  # NOT FOUND: name the column of money paid, or unit_price'
        yield from _line_rules(one)
    rest = [n for n in one.seen.columns if n not in columns.values()]
    if one.table in mapping.ATTRIBUTES:
        yield from _attributes(one, rest)
    elif rest:
        yield f"    # not mapped: {', '.join(rest[:20])}"


def _yaml(value: str) -> str:
    """Write a text for YAML, in quotes where it needs them."""
    plain = re.fullmatch(r"[A-Za-z_][\w./-]*", value) and value.lower() not in WORDS
    return value if plain else json.dumps(value, ensure_ascii=False)


def _file(seen: Look) -> Iterator[str]:
    if seen.file.suffix.lower() in mapping.DATABASES:
        yield f"    database: {_yaml(f'sqlite:///{seen.file.name}')}"
        yield f"    table: {_yaml(seen.part)}"
        return
    yield f"    file: {_yaml(seen.file.name)}"
    if seen.part:
        yield f"    sheet: {_yaml(seen.part)}"
    if seen.file.suffix.lower() in mapping.DELIMITERS:
        names = {mark: name for name, mark in mapping.NAMED.items()}
        mark = names.get(seen.delimiter, seen.delimiter)
        yield f"    delimiter: {_yaml(mark)}"
        yield f"    encoding: {seen.encoding}"
        if not seen.header:
            yield "    header: false  # the first line holds values; columns are 1, 2, 3 ..."
    if (seen.decimal, seen.thousands) != (".", ""):
        yield f"    decimal: {json.dumps(seen.decimal)}"
    if seen.thousands:
        yield f"    thousands: {json.dumps(seen.thousands)}"


def _dates(samples: list[str]) -> Iterator[str]:
    forms = readers.date_forms(samples)
    if not forms:
        if samples and not re.match(r"\d{4}-\d\d-\d\d", samples[0]):
            yield f'    date_format: ""  # NOT FOUND for {samples[0]}: write such as %d.%m.%Y'
        return
    if set(forms) <= set(readers.FORMS["iso"]):
        return
    yield f"    date_format: {json.dumps(forms)}"
    for form in forms:
        if said := readers.day_or_month(samples, form):
            yield f"    # {form}: {said}"


def _line_rules(one: Guess) -> Iterator[str]:
    """Propose what else the rules of notebook 1 need to know."""
    samples = one.seen.columns
    orders = samples.get(one.columns["order_id"], [])
    starts = {match[0] for text in orders if (match := re.match(r"[A-Za-z]+", text))}
    numbered = sum(text[:1].isdigit() for text in orders)
    if len(starts) == 1 and 0.5 * len(orders) < numbered < len(orders):
        yield f"    cancel_prefix: {_yaml(*starts)}  # orders that begin so take back others"
    products = samples.get(one.columns["product_id"], [])
    services = sorted({text for text in products if SERVICES.fullmatch(text)})
    if services and len(services) < 0.1 * len(set(products)):
        listed = ", ".join(map(_yaml, services[:20]))
        yield f"    service_products: [{listed}]  # not goods? remove those that are"
    if len({text.upper() for text in products}) < len(set(products)):
        yield "    fold_product_case: true  # some ids differ in upper and lower case only"
    yield "    # time_zone: UTC  # if the file's times are not local; set the run's zone below"


def _attributes(one: Guess, rest: list[str]) -> Iterator[str]:
    """Sort a file's other columns into attributes, leaving out what tells persons."""
    kept: dict[str, list[str]] = {"demographic": [], "firmographic": []}
    left = []
    for name in rest:
        levels = len(set(one.seen.columns[name]))
        if PERSONAL.search(name) or not 2 <= levels <= MOST_LEVELS:
            left.append(name)
        else:
            kept["firmographic" if FIRM.search(name) else "demographic"].append(name)
    for name in filter(mapping.reserved, [*kept["demographic"], *kept["firmographic"]]):
        why = "the study has a column of its own of that name"
        yield f"      {_yaml(mapping.renamed(name))}: {_yaml(name)}  # {why}"
    for kind, names in kept.items():
        if names:
            own = [mapping.renamed(n) if mapping.reserved(n) else n for n in names]
            yield f"    {kind}: [{', '.join(map(_yaml, own))}]"
    if left:
        yield (
            f"    # left out, as personal or with fewer than 2 or more than {MOST_LEVELS}"
            f" values: {', '.join(left)}"
        )


def windows(con: duckdb.DuckDBPyConnection, sources: list[Source], spill: Path) -> str:
    """Propose the days of the study, as blocks of a run file, from the typed tables."""
    first, last = con.execute(
        "select min(ordered_at)::date, max(ordered_at)::date from typed_lines"
    ).fetchall()[0]
    start, split, end = horizons.windows(first, last)
    given = {"first_day": start, "last_day": split, "later_day": end}
    names = {source.table: source for source in sources}
    settings = outlook.fitted() | given
    said, few = outlook.of_settings(con, sources, settings=settings, spill=spill)
    limits = ""
    if said:
        told = outlook.parts(con, names, settings=settings, spill=spill)[1]
        limits = f"\n  min_orders: {told['min_orders']}" + (
            f"\n  min_lines: {told['min_lines']}"
            if told["min_lines"]
            else "\n  # no min_lines: an order is a line or two, so its orders say it"
        )
    foretold = "\n".join(f"# {one}" for one in [*said[1:], *filter(None, [few])])
    return f"""
all:
  currency: EUR  # of all money: correct it
  time_zone: UTC  # of the local clock, such as Europe/Berlin: correct it

01_cleaning:
  kept: []  # rules of notebook 1 that set no line aside, such as [no price]
  first_day: {start}  # the first day in the file
  last_day: {end}  # the last

# Segments are built from the days up to last_day, and judged by those after it: a quarter
# of all days. What is removed here is fitted to the data anew at each run.
{foretold}
02_feature_engineering:
  first_day: {start}
  last_day: {split}
  later_day: {end}{limits}
"""


NO_WINDOWS = """
# The days could not be read yet. Correct the columns above; then add, with your days:
# 01_cleaning: {first_day: 2024-01-01, last_day: 2024-12-31}
# 02_feature_engineering: {first_day: 2024-01-01, last_day: 2024-09-30, later_day: 2024-12-31}
"""


def _windows(text: str, run: str) -> str:
    """Propose the days by the tables as drafted, or by lines alone if others fail."""
    content: dict[str, Any] = yaml.safe_load(text)
    alone = content | {"tables": {"lines": content["tables"]["lines"]}}
    for tried in (content, alone):
        with tempfile.TemporaryDirectory() as spill, duckdb.connect() as con:
            engines.limit(con, Path(spill))
            found, sources = own_files.problems(con, tried, run=run, spill=Path(spill))
            if not (found["level"] == "error").any():
                return windows(con, sources, Path(spill))
    return NO_WINDOWS


def write(run: str) -> Path:
    """Draft the run file of the files in data/raw/<run>/; BadInput if it exists."""
    target, folder = paths.run_file(run), mapping.folder(run)
    if target.exists():
        raise BadInput(
            f"runs/{target.name} exists already and is left as it is. Choose another "
            "name, or remove it first."
        )
    if not folder.is_dir():
        raise BadInput(
            f"The folder data/raw/{run}/ is missing. Make it and put your files there."
        )
    files = sorted(folder.iterdir(), key=lambda file: -file.stat().st_size)
    looks = [seen for file in files if file.is_file() for seen in readers.look(file)]
    if not looks:
        names = ", ".join(file.name for file in files) or "nothing"
        raise BadInput(
            f"data/raw/{run}/ holds no file that can be read, but {names}. Put a "
            f"{', '.join(mapping.KINDS_OF_FILE)} or SQLite file there."
        )
    guesses = match(looks)
    unused = [seen for seen in looks if all(seen is not one.seen for one in guesses)]
    text = draft(run, guesses, unused)
    store.write_text(text + _windows(text, run), target)
    return target


@command.says_what_stops
def main(arguments: list[str]) -> int:
    """Draft the run file named on the command line; return the exit code."""
    target = write(*arguments)
    run = target.stem
    print(
        f"Drafted runs/{target.name}. Read and correct it, then: make check RUN={run}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
