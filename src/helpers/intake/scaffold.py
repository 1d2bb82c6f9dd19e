"""Draft a run file from the files of a folder, commented for a person to correct."""

import itertools
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import yaml

from helpers.core import command, disk, engines, paths, store
from helpers.core.errors import BadInput
from helpers.core.paths import beside
from helpers.intake import (
    customer_table,
    outlook,
    own_files,
    readers,
    recognise,
    types,
)
from helpers.intake.customer_table import Drafted
from helpers.intake.readers import Look
from helpers.intake.recognise import Found
from helpers.runs import coverage, horizons, mapping
from helpers.runs.mapping import Source

# Of tables beside order lines: standard column -> names that exports give it, in capitals
# and without spaces or marks; or what `recognise` makes of a name.
PARTS = beside(__file__, "scaffold.yaml")  # and what every draft says
NAMES: dict[str, str] = PARTS["names"]
ROLES = {
    "customer_id": ("customer", "email"),
    "product_id": ("product", "item"),
    **{name: (name,) for name in ("category", "department", "brand")},
}
MONEY = ("amount", "unit_price", "order_total")

PERSONAL = re.compile(
    r"name|mail|phone|tel|fax|street|address|adresse|strasse|birth|geburt|iban|tax|vat|"
    r"zip|postcode|plz|contact",
    re.IGNORECASE,
)
FIRM = re.compile(
    r"industr|branch|sector|employee|company|size|sites|turnover|legal", re.IGNORECASE
)
MAX_LEVELS = 30  # values of an attribute beyond which groups are too small to show
# Words that YAML reads as something else.
WORDS = ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
WORDED = re.compile(r"[^\W\d_]{2,}[ ,]+[^\W\d_]{2,}")  # such as a name
SERVICES = re.compile(r"[A-Za-z][A-Za-z &./-]*")  # product ids without a digit
# Why a required column of order lines gets a value where no column tells it.
STAND_IN = {
    "order_id": (mapping.DERIVED, "{}"),
    "product_id": ("=unknown", "products cannot be distinguished"),
    "quantity": ("=1", "every line counts as one piece"),
}


@dataclass(frozen=True)
class Guess:
    """One file's columns as a standard table, by the name of the standard column."""

    table: str
    seen: Look
    columns: dict[str, str]  # column of the file, or `=` and a value; "" if to be asked
    notes: dict[str, str]  # how sure that is, and why
    found: Found | None = None  # of order lines
    drafted: list[Drafted] | None = None  # of the customer table of a run without them


def _cells(seen: Look) -> dict[str, list[str]]:
    """Read the first rows of a file as text, the same rows of each column."""
    database = seen.file.suffix.lower() in mapping.DATABASES
    source = Source(
        table="lines",
        file=None if database else seen.file,
        database=f"sqlite:///{seen.file}" if database else "",
        relation=seen.part if database else "",
        columns={},
        kinds={},
        required=(),
        attributes={},
        sheet=seen.part,
        header=seen.header,
        delimiter=seen.delimiter,
        encoding=seen.encoding,
    )
    try:
        with disk.scratch() as spill, duckdb.connect() as con:
            engines.limit(con, spill)
            readers.open_table(con, source, spill=spill)
            return recognise.cells(con)
    except (BadInput, duckdb.Error):  # told when the draft is read; a look has samples
        full = seen.rows
        return {n: one for n, one in seen.columns.items() if len(one) == full}


def by_name(seen: Look, table: str, lines: Guess | None = None) -> Guess:
    """Match a file's columns to a table's by their names, and to keys of lines by values."""

    def far(standard: str, name: str) -> tuple[bool | int, ...]:
        if lines is None or standard not in ("customer_id", "product_id"):
            return ()
        held, own = seen.columns[name], lines.columns.get(standard, "")
        met = len({*lines.seen.columns.get(own, ())} & {*held})
        return len(held) < seen.rows, -met, name != own

    columns: dict[str, str] = {}
    for standard in mapping.COLUMNS[table]:
        order = NAMES.get(standard, "").split()
        roles = ROLES.get(standard, ())
        if standard == recognise.named(seen.part or seen.file.stem)[0] + "_id":
            roles += ("id",)  # of customers.csv
        ranked = sorted(
            (
                *far(standard, name),
                order.index(plain) if plain in order else len(order),
                name,
            )
            for name in seen.columns
            if (plain := re.sub(r"[\W_]+", "", name).upper()) in order
            or recognise.named(name)[0] in roles
            if name not in columns.values()
        )
        if ranked:
            columns[standard] = ranked[0][-1]
    return Guess(table, seen, columns, dict.fromkeys(columns, "likely: by its name"))


def lacks(guess: Guess) -> list[str]:
    """Name the required columns that a guess has not found."""
    return [
        name
        for name, kind in mapping.COLUMNS[guess.table].items()
        if kind[-1] != "?" and name not in guess.columns
    ]


def match(looks: list[Look]) -> list[Guess]:
    """Give each table the file that fits it, order lines first; BadInput: none holds them."""
    widest = max(looks, key=lambda seen: len(seen.columns))
    if (count := len(widest.columns)) > mapping.MOST_COLUMNS:
        told = {"count": f"{count:,}", "most": f"{mapping.MOST_COLUMNS:,}"}
        raise _refusal("wide", file=_name(widest), **told)
    read = [(seen, recognise.lines(_cells(seen))) for seen in looks]
    best, found = max(read, key=lambda pair: (_fit(pair[1]), pair[0].rows))
    others = [pair for pair in read if pair[0] is not best]
    kind = recognise.shape(found)
    tables = [pair for pair in read if customer_table.is_one(pair[1])]
    terms = not found.paid and not lacks(by_name(best, "contracts"))
    if tables and (kind or terms or (best, found) in tables):
        # Another file of the same shape is a later wave, and is not read here.
        one = max(tables, key=lambda pair: (len(pair[1].columns), pair[0].rows))
        return _beside(_customers(*one), looks)
    alike: dict[frozenset[str], list[Look]] = {}
    for seen in looks:
        alike.setdefault(frozenset(seen.columns), []).append(seen)
    for columns, same in alike.items():
        if len(same) > 1 and len(columns) > 3:
            sheets = len({seen.file for seen in same}) == 1 and same[0].part
            raise _refusal("sheets" if sheets else "alike", names=_names(same))
    _refuse_join(read)
    if kind:
        looked = ", ".join(column.name for column in found.columns[:6])
        count = recognise.scales(found) if kind == "survey" else best.rows
        told = {"names": looked, "why": recognise.no_day(found) or looked}
        raise _refusal(kind, file=_name(best), count=f"{count:,}", **told)
    return _beside(_lines(best, found), [seen for seen, _ in others])


def _beside(first_: Guess, looks: list[Look]) -> list[Guess]:
    """Give the other tables the files that are left."""
    guesses = [first_]
    left = [seen for seen in looks if seen is not first_.seen]
    first = ["contracts", "leads", "surveys", "responses", "contacts"]
    rest = ["interactions", "campaigns", "products", "customers"]
    for table in [*first, *rest[: 2 if first_.drafted else 4]]:
        left = _claim(table, left, guesses)
    return guesses


def _refusal(kind: str, **told: str) -> BadInput:
    return BadInput(recognise.SHAPES[kind].format(**told))


def _name(seen: Look) -> str:
    return f"{seen.file.name} ({seen.part})" if seen.part else seen.file.name


def _names(looks: list[Look]) -> str:
    *first, last = sorted(map(_name, looks))
    return f"{', '.join(first)} and {last}" if first else last


def _fit(found: Found) -> int:
    """Say how much of order lines a file has."""
    asked = ("customer_id", "ordered_at", "order_id", "product_id", "quantity")
    both = found.has("customer_id", "ordered_at")
    none = recognise.shape(found) != ""
    return sum(map(found.has, asked)) + 2 * both + 2 * found.paid - 4 * none


def _refuse_join(read: list[tuple[Look, Found]]) -> None:
    """Refuse orders and their items in two tables by name, with the join they need."""
    whole = ("customer_id", "ordered_at", "order_id")
    if any(found.has(*whole, "product_id") for _, found in read):
        return
    heads = [pair for pair in read if pair[1].has(*whole)]
    items = [(s, f) for s, f in read if f.has("order_id", "product_id") and f.paid]
    for (head, orders), (item, bought) in itertools.product(heads, items):
        key, other = bought.column("order_id"), orders.column("order_id")
        if len(key.kinds.keys() & other.kinds.keys()) < 0.05 * len(key.kinds):
            continue
        taken = [c for n in (*whole[:2], "status") if (c := orders.column(n))]
        asked = ", ".join(f'o."{column.name}"' for column in taken)
        base = item.file.suffix.lower() in mapping.DATABASES
        one, two = (
            f'"{seen.part}"' if base else f"'{seen.file.name}'" for seen in (item, head)
        )
        query = f'select i.*, {asked} from {one} i join {two} o on i."{key.name}" = o."{other.name}"'
        who = taken[0].name
        for seen, third in read if orders.chosen["customer_id"].sure == "ask" else ():
            own = [c.name for c in third.columns if c.role == "customer"]
            own = [name for name in own if name != who]
            if own and who in seen.columns and third not in (orders, bought):
                part = f'"{seen.part}"' if base else f"'{seen.file.name}'"
                query = query.replace(f'o."{who}"', f'c."{own[0]}"')
                query += f' join {part} c on o."{who}" = c."{who}"'
        raise _refusal(
            "join_base" if base else "join",
            items=_name(item),
            orders=_name(head),
            query=query,
        )


def _claim(table: str, left: list[Look], found: list[Guess]) -> list[Look]:
    """Give a table the first file that has all it needs; return the files left."""
    for seen in left:
        guess = by_name(seen, table, found[0])
        columns = guess.columns
        named = any(word in seen.file.stem.lower() for word in (table, table[:-1]))
        enough = len(columns) > 1 or table == "customers" or named
        key = seen.columns.get(columns.get(f"{table[:-1]}_id", ""), [])
        single = table not in ("customers", "products")
        single |= len(set(key)) > 0.9 * len(key)
        if not lacks(guess) and enough and single and len(seen.columns) > 1:
            found.append(guess)
            return [other for other in left if other is not seen]
    return left


def _lines(seen: Look, found: Found) -> Guess:
    """Write what was recognised of order lines, with a value where no column tells."""
    columns, notes = {}, {}
    for name in mapping.COLUMNS["lines"]:
        if name in found.chosen:
            choice = found.chosen[name]
            columns[name] = choice.column
            notes[name] = f"{choice.sure}: {choice.why}"
            if not choice.column:
                notes[name] = f"NOT FOUND, ask: {choice.why}"
        elif name in STAND_IN:
            value, why = STAND_IN[name]
            each = "one order a customer and day"
            each = each if "product_id" in found.chosen else "each line is an order"
            columns[name] = value
            notes[name] = f"likely: no column tells it: {why.format(each)}"
    return Guess("lines", seen, columns, notes, found)


def _customers(seen: Look, found: Found) -> Guess:
    """Draft a table of one row per customer."""
    drafted = customer_table.draft(found.columns)
    ids = {one.name: one.column.name for one in drafted if one.role == "customer_id"}
    columns = ids or {"customer_id": mapping.DERIVED}
    return Guess("customers", seen, columns, {}, drafted=drafted)


def draft(run: str, guesses: list[Guess], unused: list[Look]) -> str:
    """Write the text of a run file, with comments; `unused` are files without a table."""
    lines = PARTS["begins"].format(run=run).splitlines()
    drafted = {o.column.name: o for o in guesses[0].drafted or [] if o.family}
    for one in guesses:
        lines += _table(one, drafted)
    for seen in unused:
        names = ", ".join(list(seen.columns)[:8])
        lines.append(f"  # not used: {seen.file.name} {seen.part} ({names})")
    return "\n".join(map(_seen, lines)) + "\n"


def _seen(line: str) -> str:
    """Take what YAML refuses, since nobody sees it, from a comment."""
    return line if line.isprintable() else "".join(filter(str.isprintable, line))


def _table(one: Guess, drafted: dict[str, Drafted]) -> Iterator[str]:
    yield f"  {one.table}:"
    yield from _file(one)
    if one.drafted is not None:
        yield from _measured(one.columns["customer_id"], one.drafted)
        return
    columns = dict(one.columns)
    moments = [
        n for n in columns if mapping.COLUMNS[one.table].get(n, "")[:6] == "moment"
    ]
    for name in moments[:1]:
        yield from _dates(one.seen.columns.get(columns[name], []))
    yield "    columns:"
    for name, column in columns.items():
        why = " ".join(one.notes[name].split())  # of values: a comment is one line
        yield f"      {name}: {_yaml(column)}  # {why}"
    for name in lacks(one):
        yield f'      {name}: ""  # NOT FOUND: name its column'
    if one.found:
        if not set(MONEY) & columns.keys():
            yield (
                '      amount: ""  # NOT FOUND: no column holds money. Name that of the '
                "money paid; or join the prices to the lines"
            )
        yield from _line_rules(one)
    rest = [n for n in one.seen.columns if n not in columns.values()]
    if drafted and one.table == "leads":
        yield from _like_customers([drafted[name] for name in rest if name in drafted])
        return
    if one.table in mapping.ATTRIBUTES:
        yield from _attributes(one, rest)
        return
    told = one.found.left if one.found else {}
    for name in filter(told.get, rest):
        yield " ".join(f"    # not mapped: {name}: {told[name]}".split("\n"))
    if plain := [" ".join(n.split()) for n in rest if not told.get(n)]:
        yield f"    # not mapped: {', '.join(plain[:20])}"


def _measured(key: str, drafted: list[Drafted]) -> Iterator[str]:
    """Write the columns of a customer table: measures, families, roles, each with why."""
    told = [one for one in drafted if one.role != "customer_id"]
    used = [one for one in told if one.role != "left_out"]
    why = [one.why for one in drafted if one.role == "customer_id"]
    yield "    columns:"
    none = "no column names each customer once: rows are numbered"
    yield f"      customer_id: {_yaml(key)}  # {_one_line((why or [none])[0])}"
    for one in told:
        yield f"      {_yaml(one.name)}: {_yaml(one.column.name)}"
    for family in mapping.FAMILIES:
        if names := [_yaml(one.name) for one in used if one.family == family]:
            yield f"    {family}: [{', '.join(names)}]"
    yield "    measures:  # a list is ordered, from low to high"
    for one in used:
        measure = one.measured.measure
        if levels := one.measured.levels * (measure == "ordered"):
            measure = f"[{', '.join(map(_yaml, levels))}]"
        why_ = _one_line(one.measured.why)
        sure = "likely" if re.search("by its name|columns have", why_) else "sure"
        yield f"      {_yaml(one.name)}: {measure}  # {sure}: {why_}"
    for role in mapping.ROLES:
        same = [one for one in told if one.role == role]
        if role == "left_out" and same:
            yield "    left_out:  # known, and used for nothing"
            for one in same:
                yield f"      - {_yaml(one.name)}  # {_one_line(one.why)}"
        elif same:
            names = ", ".join(_yaml(one.name) for one in same)
            several = len(same) > 1 or role == "outcome"
            names = f"[{names}]" if several else names
            yield f"    {role}: {names}  # {_one_line(same[0].why)}"
    if not any(one.role in ("value", "monetary") for one in told):
        yield "    # value: name the column of money that a customer is worth, if there is one"
    if not any(one.role in ("outcome", "churned") for one in told):
        yield "    # outcome: [name what is known only later, such as churn: it judges the segments]"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _yaml(value: str) -> str:
    """Write a text for YAML, in quotes where it needs them."""
    if re.fullmatch(r"[A-Za-z_][\w./-]*", value) and value.lower() not in WORDS:
        return value
    return "".join(
        c if c.isprintable() else f"\\U{ord(c):08x}"
        for c in json.dumps(value, ensure_ascii=False)
    )


def _file(one: Guess) -> Iterator[str]:
    seen = one.seen
    if seen.file.suffix.lower() in mapping.DATABASES:
        yield f"    database: {_yaml(f'sqlite:///{seen.file.name}')}"
        yield f"    table: {_yaml(seen.part)}"
        if seen.encoding != "utf-8":
            yield f"    encoding: {seen.encoding}"
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
    decimal, thousands = seen.decimal, seen.thousands
    if one.found:
        decimal, thousands = one.found.columns[0].marks
    if (decimal, thousands) != (".", ""):
        yield f"    decimal: {json.dumps(decimal)}"
    if thousands:
        yield f"    thousands: {json.dumps(thousands)}"


def _dates(samples: list[str]) -> Iterator[str]:
    forms = recognise.Column("", samples, role="date").forms
    if not forms:
        if samples and not re.match(r"\d{4}-\d\d-\d\d", samples[0]):
            yield f'    date_format: ""  # NOT FOUND for {samples[0]}: write such as %d.%m.%Y'
        return
    if set(forms) <= set(readers.FORMS["iso"]):
        return
    yield f"    date_format: {json.dumps(forms if forms[0] not in recognise.NUMBERED else forms[0])}"
    for form in forms:
        if said := readers.day_or_month(samples, form):
            yield f"    # {form}: {said}"


def _line_rules(one: Guess) -> Iterator[str]:
    """Propose what else the rules of notebook 1 need to know."""
    found = one.found
    if found.left_out and found.has("status"):
        listed = ", ".join(map(_yaml, found.left_out))
        sold = [v for v in found.column("status").kinds if v not in found.left_out]
        counted = f"; counted as sales: {', '.join(sold[:12])}" if sold else ""
        yield f"    left_out_status: [{listed}]  # {found.chosen['status'].why}{counted}"
    if prefix := recognise.takes_back(found):
        yield f"    cancel_prefix: {_yaml(prefix)}  # orders that begin so are negative"
    product = found.column("product_id")
    products = product.kinds if product else {}
    services = sorted(text for text in products if SERVICES.fullmatch(text))
    if services and len(services) < 0.1 * len(products):
        listed = ", ".join(map(_yaml, services[:20]))
        yield f"    service_products: [{listed}]  # not goods? remove those that are"
    if folded := recognise.spellings(found):
        told = "; ".join(f"{name}: {said}" for name, said in folded.items())
        yield f"    fold_ids: [{', '.join(folded)}]  # likely one: {told}"
    yield "    # time_zone: UTC  # if the file's times are not local; set the run's zone below"


def _attributes(one: Guess, rest: list[str]) -> Iterator[str]:
    """Sort a file's other columns into attributes, leaving out what tells persons."""
    kept: dict[str, list[str]] = {"demographic": [], "firmographic": []}
    left = []
    for name in rest:
        levels = len(set(one.seen.columns[name]))
        if PERSONAL.search(name) or not 2 <= levels <= MAX_LEVELS:
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
            f"    # left out, as personal or with fewer than 2 or more than {MAX_LEVELS}"
            f" values: {', '.join(left)}"
        )


def _like_customers(same: list[Drafted]) -> Iterator[str]:
    """Give leads the attributes that customers have too, by the same names."""
    for one in same:
        yield f"      {_yaml(one.name)}: {_yaml(one.column.name)}"
    for family in mapping.ATTRIBUTES["leads"][:4]:
        if names := [_yaml(one.name) for one in same if one.family == family]:
            yield f"    {family}: [{', '.join(names)}]"


def windows(wide: str, days: tuple[str, str, str], said: list[str], few: str) -> str:
    """Write the blocks of a run file after `tables:`.

    `wide` is that of all, `days` the first and last day and the last of all, and `said`
    and `few` what `outlook.of_settings` says of them.
    """
    start, split, end = days
    limits = re.search(r": (\d+) orders(?: and (\d+) lines)?", " ".join(said[1:2]))
    least = f"\n  min_orders: {limits[1]}" if limits else ""
    if limits:
        least += (
            f"\n  min_lines: {limits[2]}"
            if limits[2]
            else "\n  # no min_lines: an order is a line or two, so its orders say it"
        )
    out = [one.partition(":")[0] for one in said if ": left out" in one]
    told = [one for one in said[1:] if ": left out" not in one]
    told += [f"Left out, for want of data: {', '.join(out)}."] if out else []
    foretold = "\n".join(f"# {one}" for one in [*told, *filter(None, [few])])
    told = {"wide": wide, "foretold": foretold, "least": least}
    return PARTS["windows"].format(start=start, split=split, end=end, **told)


def _wide(found: Found) -> str:
    """Propose the currency and the zone, as far as the file tells them."""
    currency, told = recognise.currency(found)
    day = found.column("ordered_at")
    zone = "of the local clock, such as Europe/Berlin: correct it"
    if day and (day.offsets or day.forms[:1] in (["unix"], ["unix_ms"], ["unix_us"])):
        ends = f" ({', '.join(day.offsets[:3])})" if day.offsets else ""
        zone = f"the file's times are instants{ends}; in which zone is your clock?"
    return f"all:\n  currency: {currency}  # {told}\n  time_zone: UTC  # ask: {zone}\n"


def _table_alone(text: str, run: str, one: Guess) -> tuple[str, list[str]]:
    """Propose what builds the segments of a customer table; picture the result."""
    drafted = one.drafted or []
    families, why = customer_table.building(drafted)
    paid = [o.column.name for o in drafted if o.role in ("value", "monetary")]
    told = {"families": ", ".join(families), "why": why, "wide": ""}
    if paid:
        found = Found([o.column for o in drafted if o.column.name in paid])
        found.take("amount", found.columns[0], "likely", "")
        currency, said = recognise.currency(found)
        told["wide"] = f"\nall:\n  currency: {currency}  # {said}\n"
    more = PARTS["alone"].format(**told)
    content = yaml.safe_load(text + more)
    with disk.scratch() as spill, duckdb.connect() as con:
        engines.limit(con, spill)
        judged, sources = own_files.problems(con, content, run=run, spill=spill)
        errors = judged.loc[judged["level"] == "error", "said"].to_list()
        if errors:
            return more, ["To be answered first:", *errors]
        source = next(source for source in sources if source.alone)
        return more, customer_table.picture(con, source, families)


def _rest(text: str, run: str, found: Found) -> tuple[str, list[str]]:
    """Propose the days by the tables as drafted, or by lines alone; picture the result."""
    wide = _wide(found)
    content: dict[str, Any] = yaml.safe_load(text + wide)
    alone = content | {"tables": {"lines": content["tables"]["lines"]}}
    for tried in (content, alone):
        with disk.scratch() as spill, duckdb.connect() as con:
            engines.limit(con, spill)
            judged, sources = own_files.problems(con, tried, run=run, spill=spill)
            errors = judged.loc[judged["level"] == "error", "said"].to_list()
            if not errors:
                days = _cut(con)
                names = ("train_start", "train_end", "holdout_end")
                settings = outlook.fitted() | dict(zip(names, days, strict=True))
                said, few = outlook.of_settings(
                    con, sources, settings=settings, spill=spill
                )
                told = picture(con, sources, said, few)
                return windows(wide, days, said, few), told
    for name, told in found.chosen.items():
        asked = f"gives {name} no column" if not told.column else "\n"
        errors = [f"{one} {told.why}." if asked in one else one for one in errors]
    listed = "\n".join(f"# - {' '.join(one.split())}" for one in errors)
    return f"\n{wide}{PARTS['no_windows'].format(open=listed)}", [
        "To be answered first:",
        *errors,
    ]


def _cut(con: duckdb.DuckDBPyConnection) -> tuple[str, str, str]:
    """Cut the days as the study does, or not where few of the later ones have lines."""
    day = "select min(ordered_at)::date, max(ordered_at)::date from typed_lines"
    start, split, end = horizons.windows(*con.execute(day).fetchall()[0])
    days = con.execute(f"{day} where ordered_at::date > ?::date", [split]).fetchall()[0]
    if not days[0]:
        return start, end, end
    lasts = [(days[1] - one).days for one in (days[0], date.fromisoformat(split))]
    return start, split if lasts[0] + 1 >= coverage.LEAST * lasts[1] else end, end


def _shown(who: str, line: int) -> str:
    """Name a customer by an id, and never by an address or a name."""
    personal = "@" in who or not re.search(r"\d|^[A-Z_]+$", who) or WORDED.search(who)
    return f"line {line}'s customer" if personal else who[:20] + "…" * (len(who) > 20)


def picture(
    con: duckdb.DuckDBPyConnection, sources: list[Source], said: list[str], few: str
) -> list[str]:
    """Put the result of a draft in a few lines, for the analyst's terminal alone."""
    lines = next(source for source in sources if source.table == "lines")
    con.execute(
        f"""create or replace temp view pictured as
            select *, cents / 100 as money from typed_lines
            where not coalesce({types.uncompleted(lines)}, false)"""
    )
    rows, used, people, orders, money, first, last = con.execute(
        """select (select count(*) from typed_lines), count(*), count(distinct customer_id),
            count(distinct order_id), coalesce(sum(money), 0), min(ordered_at)::date,
            max(ordered_at)::date from pictured"""
    ).fetchall()[0]
    largest = con.execute(
        """select customer_id, coalesce(sum(money), 0), min(line_id) from pictured
            where customer_id is not null group by 1 order by 2 desc, 1 limit 5"""
    ).fetchall()
    apart = f" ({rows - used:,} of them set aside by status)" if used < rows else ""
    shares = ", ".join(
        f"{_shown(who, line + 1 + lines.header)} {float(paid / (money or 1)):.1%}"
        for who, paid, line in largest
    )
    ready = [one.partition(":")[0] for one in said if one.endswith(": ready.")]
    return [
        f"{rows:,} rows{apart}, {people:,} customers, {orders:,} orders, {money:,.2f} in all.",
        f"Days: {first} to {last}. Five largest customers, by share of money: {shares}.",
        *said[1:2],
        few or f"Enough data for: {', '.join(ready) or 'no part of the study'}.",
    ]


def propose(run: str) -> tuple[str, list[str]]:
    """Draft the run file of the files in data/raw/<run>/: its text, and a picture of it.

    BadInput: the folder holds no order lines, and what it holds instead.
    """
    folder = mapping.folder(run)
    if not folder.is_dir():
        raise BadInput(
            f"The folder data/raw/{run}/ is missing. Make it and put your files there."
        )
    unfit = {
        file: paths.unfit(file, within=folder) for file in sorted(folder.iterdir())
    }
    files = sorted((f for f in unfit if not unfit[f]), key=lambda f: -f.stat().st_size)
    left = [f"{file.name[:60]!r} {why}" for file, why in unfit.items() if why]
    looks = [one for file in files for one in readers.look(file)]
    looks = [seen for seen in looks if seen.rows and seen.columns]
    if not looks:
        names = ", ".join([*(file.name for file in files), *left]) or "nothing"
        raise BadInput(
            f"data/raw/{run}/ holds no file that can be read, but {names}. Put a "
            f"{', '.join(mapping.KINDS_OF_FILE)} or SQLite file there."
        )
    guesses = match(looks)
    unused = [seen for seen in looks if all(seen is not one.seen for one in guesses)]
    text = draft(run, guesses, unused)
    if guesses[0].found:
        more, pictured = _rest(text, run, guesses[0].found)
    else:
        more, pictured = _table_alone(text, run, guesses[0])
    return text + more, [*(f"Not read: {one}" for one in left), *pictured]


def write(run: str) -> tuple[Path, list[str]]:
    """Write the run file that is proposed, and return its picture; BadInput if it exists."""
    target = paths.run_file(run)
    if target.exists():
        raise BadInput(
            f"runs/{target.name} exists already and is left as it is. Choose another "
            "name, or remove it first."
        )
    disk.sweep(target.parent)
    text, pictured = propose(run)
    store.write_text(text, target)
    return target, pictured


@command.says_what_stops
def main(arguments: list[str]) -> int:
    """Draft the run file named on the command line; return the exit code."""
    target, pictured = write(*arguments)
    print("\n".join(pictured))
    run = target.stem
    print(
        f"Drafted runs/{target.name}. Read and correct it, then: make check RUN={run}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
