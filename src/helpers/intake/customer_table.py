"""Read a table with one row per customer or respondent: measure, judge and receive it."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from helpers.core.engines import identifier, quoted
from helpers.core.paths import beside
from helpers.intake import amounts, recognise, types, validate
from helpers.intake.recognise import AGREE, Column
from helpers.intake.validate import Problem
from helpers.runs import mapping
from helpers.runs.mapping import Source

TOLD = beside(__file__, "customer_table.yaml")
FEWEST = 10  # customers
LEVELS = 30  # of a text that is taken for unordered; more are free text
MOST_LEVELS = 50  # of a column that may build
SCALE = 10  # the highest answer on a scale of whole numbers
ALIKE = 3  # columns on one scale make each of them a scale
BUILDING = ("psychographic", "requirement", "behavioural")  # with `segment_on: auto`
NUMBERS = ("number", "count", "share")
NO_YES = ("no", "yes")
DATE = re.compile(
    r"\d{4}[-/.]\d\d?[-/.]\d\d?\b.*|\d\d?[-/. ](\d\d?|\w{3,9})[-/. ]\d{2,4}\b.*"
)
# Signs before and behind what may be a number in the name of a level, such as 30-60k.
BAND = re.compile(r"\d[\d.,']*")


@dataclass(frozen=True)
class Measured:
    """How a column is measured, its levels in their order, and why."""

    measure: str  # of `mapping.MEASURES`
    levels: tuple[str, ...] = ()
    why: str = ""
    text: str = ""  # of a text: a date, an id or free text


def words(name: str) -> str:
    """Write a column's name in small letters, its words parted by blanks."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return " ".join(re.findall(r"[^\W_]+", recognise.folded(apart)))


def says(kind: str, name: str) -> bool:
    """Say whether a column's name is of a kind of TOLD."""
    return bool(re.search(TOLD[kind], words(name)))


def plain(text: str) -> str:
    """Write what all spellings of a level share: 1.0 is 1, and case does not count."""
    number = re.fullmatch(r"([-+]?\d+)[.,]0+", text)
    return number[1] if number else " ".join(text.casefold().split())


def infer(one: Column, *, alike: int = 0) -> Measured:
    """Tell from the values, and the name, how a column is measured.

    `alike` counts the columns of the table that are on the same scale of whole numbers.
    """
    kinds = {plain(text) for text in one.kinds}
    if not kinds:
        return Measured("unordered", why="it is empty")
    if kinds <= {*types.WORDS["yes"], *types.WORDS["no"]} and (
        len({text in types.WORDS["yes"] for text in kinds}) == len(kinds) == 2
        or not kinds & {"0", "1"}
    ):
        return Measured("yes_no", NO_YES, f"it holds {one.such}")
    if one.share(DATE.fullmatch) > AGREE or _days(one):
        return Measured("text", why="it holds dates", text="dates")
    return _of_numbers(one, alike) if one.is_number else _of_words(one)


def _days(one: Column) -> bool:
    """Say whether numbers are days such as 20240131."""
    day = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
    return len(one.kinds) > 2 and one.share(day.fullmatch) > AGREE


def _of_words(one: Column) -> Measured:
    found = ordered(one.kinds)
    if found and len(found) <= LEVELS:
        return Measured("ordered", found, f"its values have an order: {one.such}")
    rows, kinds = len(one.given), len(one.kinds)
    if kinds <= min(LEVELS, max(3, rows / 2)):
        return Measured("unordered", why=f"words; {one.again}")
    if kinds > AGREE * rows and one.share(recognise.ID.fullmatch) > AGREE:
        return Measured("text", why=f"ids; {one.again}", text="an id of each customer")
    return Measured("text", why=f"free text; {one.again}", text="free text")


def ordered(texts: Collection[str]) -> tuple[str, ...]:
    """Put levels in the order of their words or numbers; empty if they have none."""
    spelled = {plain(text): text for text in sorted(texts, reverse=True)}
    for scale in TOLD["words"]:
        if len(spelled) > 1 and spelled.keys() <= {*scale}:
            return tuple(spelled[word] for word in scale if word in spelled)
    ranks = {text: _rank(word) for word, text in spelled.items()}
    several = len({*ranks.values()}) == len(ranks) > 1
    return (
        tuple(sorted(ranks, key=ranks.get))
        if several and None not in ranks.values()
        else ()
    )


def _rank(text: str) -> tuple[float, int] | None:
    """Rank a band such as 18-24, <30k or 60+ by its first number; None if it has none."""
    number = BAND.search(text)
    start = re.sub(
        r"^\W*(less|more|over|above|under|below|up|than|to|unter|uber|bis|ab)\b",
        "",
        text,
    )
    if number is None or re.match(r"[^\W\d]", start.strip("<>=$€£ ")):
        return None
    first = float(re.sub(r"[,']", "", number[0]).strip(".") or 0)
    side = bool(re.search(TOLD["above"], text)) - bool(re.search(TOLD["below"], text))
    return first, side


def _of_numbers(one: Column, alike: int) -> Measured:
    there = one.numbers[~np.isnan(one.numbers)]
    low, high, kinds = float(there.min()), float(there.max()), len(one.kinds)
    name = one.name
    if one.whole and kinds > FEWEST:
        each = kinds > AGREE * len(one.given)
        row = kinds == len(one.given) and high - low + 1 == kinds
        if row or (each and says("ids", name)):
            return Measured(
                "text", why=f"ids; {one.again}", text="an id of each customer"
            )
    if one.share(lambda text: "%" in text) > AGREE:
        return Measured("share", why=f"signs of percent, such as {one.such}")
    if one.whole and low >= 0 and says("codes", name):
        if kinds <= LEVELS:
            return Measured("unordered", why=f"codes by its name; {one.again}")
        return Measured("text", why=f"codes by its name; {one.again}", text="codes")
    if one.whole and 2 < kinds <= SCALE + 1 and low >= 0 and high <= SCALE:
        if alike >= ALIKE and low > 0:
            return Measured(
                "ordered", why=f"{alike} columns have this scale to {high:g}"
            )
        if says("scales", name):
            return Measured("ordered", why=f"a scale by its name, to {high:g}")
    if low >= 0 and high <= 1 and kinds > 2:
        return Measured("share", why=f"from {low:g} to {high:g}")
    if low >= 0 and 1 < high <= 100 and says("percents", name):
        return Measured("percent", why=f"percent by its name, from {low:g} to {high:g}")
    few = low == 0 and high <= 1_000 and not says("sizes", name)
    if one.whole and low >= 0 and (says("counts", name) or few):
        return Measured("count", why=f"whole numbers from {low:g} to {high:g}")
    return Measured("number", why=f"numbers from {low:g} to {high:g}")


def scale(one: Column) -> tuple[float, float] | None:
    """Return the ends of a scale of a few whole numbers, or none."""
    if 2 < len(one.kinds) <= SCALE + 1 and one.is_number and one.whole:
        return float(np.nanmin(one.numbers)), float(np.nanmax(one.numbers))
    return None


# Reading.


def build(
    con: duckdb.DuckDBPyConnection, source: Source, *, numbers: set[str]
) -> Source:
    """Create typed_customers, and customer_rows with the copies of rows; tell its measures.

    customer_rows has the text of each column; `copy` marks a row that repeats an earlier
    one in all that is mapped. BadInput as of `types.build`.
    """
    texts = {name: "id" if name == "customer_id" else "text" for name in source.columns}
    types.build(con, replace(source, kinds=texts), numbers=numbers)
    # Without ids two rows alike are two customers.
    alike = (
        ", ".join(map(identifier, source.columns))
        if source.tells("customer_id")
        else "line_id"
    )
    con.execute(
        f"""create or replace temp table customer_rows as
        select *, row_number() over (partition by {alike} order by line_id) > 1 as copy
        from typed_customers"""
    )
    source = _measure(con, source, numbers)
    types.build(con, source, numbers=numbers)
    con.execute(
        """alter table typed_customers rename to customer_numbers;
        create temp table typed_customers as select * from customer_numbers
        where line_id not in (select line_id from customer_rows where copy)"""
    )
    return source


def _measure(
    con: duckdb.DuckDBPyConnection, source: Source, numbers: set[str]
) -> Source:
    """Add the measures and levels that the run file leaves to the values."""
    names = [name for name in source.columns if name != "customer_id"]
    some = min(recognise.ROWS, 2_000_000 // max(len(names), 1))
    listed = ", ".join(map(identifier, names)) or "null"
    rows = con.execute(
        f"select {listed} from customer_rows order by line_id limit {some}"
    )
    held = list(zip(*rows.fetchall(), strict=True)) or [() for _ in names]
    columns = []
    for name, texts in zip(names, held, strict=False):
        own = source.columns[name]
        marks = (".", "") if own in numbers else (source.decimal, source.thousands)
        columns.append(Column(own, [text or "" for text in texts], marks=marks))
    scales = [scale(one) for one in columns]
    measures, levels, looks = dict(source.measures), dict(source.levels), {}
    for name, one, ends in zip(names, columns, scales, strict=True):
        seen = infer(one, alike=scales.count(ends) if ends else 0)
        looks[name] = seen.text
        if name not in measures:
            measures[name] = seen.measure
        elif measures[name] == "percent" and one.share(lambda t: "%" in t) > AGREE:
            measures[name] = "share"
        levels[name] = levels.get(name) or _levels(con, name, measures[name])
    read = {
        n: mapping.MEASURES[m].replace("number", "measured")
        for n, m in measures.items()
    }
    kinds = source.kinds | {name: read[name] for name in names}
    return replace(source, kinds=kinds, measures=measures, levels=levels, looks=looks)


def values(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, int]:
    """Count the texts of a column, the commonest first, `MOST_LEVELS` by `MOST_LEVELS` of them."""
    own = identifier(name)
    found = con.execute(
        f"""select {own}, count(*) from customer_rows where not copy and {own} is not null
        group by 1 order by 2 desc, 1 limit {MOST_LEVELS * MOST_LEVELS}"""
    )
    return dict(found.fetchall())


def _levels(con: duckdb.DuckDBPyConnection, name: str, measure: str) -> tuple[str, ...]:
    """List the levels that a column has: of ordered ones in their order, if it can be told."""
    if measure == "yes_no":
        return NO_YES
    if measure not in ("ordered", "unordered"):
        return ()
    spelled: dict[str, str] = {}
    for text in values(con, name):  # the commonest spelling stands for a level
        spelled.setdefault(plain(text), re.sub(r"(?<=\d)[.,]0+$", "", text))
    found = (
        ordered(spelled.values()) if measure == "ordered" else sorted(spelled.values())
    )
    return tuple(found)


def level(source: Source, name: str, texts: Collection[str]) -> dict[str, str]:
    """Give each text of a column its level; a text that is none is left out."""
    if source.measures[name] == "yes_no":
        known = dict.fromkeys(types.WORDS["yes"], "yes") | dict.fromkeys(
            types.WORDS["no"], "no"
        )
    else:
        known = {plain(one): one for one in source.levels[name]}
    return {text: known[plain(text)] for text in texts if plain(text) in known}


# Judging.


def families(content: dict[str, Any], source: Source) -> list[str]:
    """Name the families that build the segments of a run, as `segment_on` says."""
    has = {*source.attributes.values()}
    for block in ("02_feature_engineering", "all"):
        given = content.get(block)
        given = given.get("segment_on") if isinstance(given, dict) else None
        if isinstance(given, list):
            return [str(family) for family in given]
    own = [family for family in BUILDING if family in has]
    return own or [family for family in mapping.FAMILIES if family in has]


def builders(source: Source, families: Collection[str]) -> list[str]:
    """List the columns that build the segments."""
    return [n for n in source.columns if source.attributes.get(n) in families]


def problems(
    con: duckdb.DuckDBPyConnection, source: Source, families: list[str]
) -> Iterator[Problem]:
    """Name what is wrong with a customer table, and what to know of it."""
    count = validate.one(con, "select count(*) from typed_customers")
    if count < FEWEST:
        who = "customer" if count == 1 else "customers"
        yield (
            "customers",
            "error",
            say("few", where=source.where, count=count, customers=who, least=FEWEST),
        )
    built = builders(source, families)
    if not built:
        has = ", ".join(dict.fromkeys(source.attributes.values())) or "none"
        yield (
            "customers",
            "error",
            say("no builders", families=", ".join(families) or "none", has=has),
        )
    names = [name for name in source.columns if name != "customer_id"]
    listed = ", ".join(
        f"count({identifier(n)}), count(distinct {identifier(n)})" for n in names
    )
    counts = con.execute(
        f"select {listed or 'null'} from customer_rows where not copy"
    ).fetchall()[0]
    known = dict(zip(names, zip(counts[::2], counts[1::2], strict=False), strict=False))
    empty = [name for name in names if not known[name][0]]
    if empty and len(empty) == len(names):
        yield (
            "customers",
            "error",
            say("all empty", count=len(names), where=source.where),
        )
    elif empty:
        yield "customers", "error", say("empty", **_several(source, empty))
    if empty:
        names = [name for name in names if name not in empty]
    constant = [n for n in built if n in names and known[n][1] == 1]
    if constant:
        yield "customers", "warning", say("constant", **_several(source, constant))
    for said in _unfit(con, source, built=[n for n in built if n in names]):
        yield "customers", "error", said
    for level, said in _levelled(con, source, names):
        yield "customers", level, said
    for said in (*_numbers(con, source, names), *amounts.undecided(con, source)):
        yield "customers", "error", said


def say(kind: str, **told: object) -> str:
    """Write a sentence of customer_table.yaml."""
    return TOLD["said"][kind].format(**told)


def _several(source: Source, names: list[str]) -> dict[str, str]:
    """Name a few of several columns, and the words that go with one or many."""
    listed = [source.columns[name][:60] for name in names]
    more = f" and {len(listed) - 6:,} more" if len(listed) > 6 else ""
    one = len(listed) == 1
    what = "column " if one else "columns "
    words = {"has": "has" if one else "have", "them": "it" if one else "them"}
    return {"names": what + ", ".join(listed[:6]) + more} | words


def _unfit(
    con: duckdb.DuckDBPyConnection, source: Source, *, built: list[str]
) -> Iterator[str]:
    """Refuse to build from texts, ids, dates, and from what judges or weighs."""
    for name in built:
        column, measure = validate.named(source, name), source.measures[name]
        role, family = source.roles.get(name, ""), source.attributes[name]
        what = source.looks.get(name, "")
        numbers = measure in mapping.MEASURES and source.kinds[name] == "measured"
        if role in ("outcome", "churned"):
            yield say("judges", column=column, role=role, family=family)
        elif role == "weight":
            yield say("weighs", column=column, family=family)
        elif measure == "text" or (
            numbers and what in ("dates", "an id of each customer")
        ):
            such = ", ".join(text[:30] for text in list(values(con, name))[:2])
            else_ = ", or give its measure" * (what in ("", "codes", "free text"))
            yield say(
                "text", column=column, what=what or "text", such=such, else_=else_
            )
        elif len(source.levels[name]) > MOST_LEVELS:
            told = {"count": len(source.levels[name]), "most": MOST_LEVELS}
            yield say("many levels", column=column, **told)


def _levelled(
    con: duckdb.DuckDBPyConnection, source: Source, names: list[str]
) -> Iterator[tuple[str, str]]:
    """Refuse values that are no level of a column, and orders that nobody can tell."""
    for name in names:
        measure = source.measures[name]
        if measure not in ("yes_no", "ordered"):
            continue
        column, texts = validate.named(source, name), values(con, name)
        if not source.levels[name]:
            such = ", ".join(list(texts)[:4])
            yield "error", say("no levels", column=column, such=such, name=name)
            continue
        told = level(source, name, texts)
        if odd := [text for text in texts if text not in told]:
            listed = ", ".join(map(quoted, odd))
            rows = validate.told(
                con, source, identifier(name), f"{identifier(name)} in ({listed})"
            )
            kind = "neither" if measure == "yes_no" else "no level"
            yield (
                "error",
                say(
                    kind,
                    column=column,
                    rows=rows,
                    levels=", ".join(source.levels[name]),
                ),
            )
        elif measure == "ordered" and (
            unused := [*{*source.levels[name]} - {*told.values()}]
        ):
            near = mapping.near(unused[0], texts)
            yield (
                "warning",
                say(
                    "unused level",
                    column=column,
                    levels=", ".join(sorted(unused)),
                    near=near,
                ),
            )


# Roles whose numbers are never below 0.
FROM_ZERO = (
    "weight",
    "tenure",
    "monthly_fee",
    "recency",
    "frequency",
    "repeat_orders",
    "last_order",
    "observed",
)


def _numbers(
    con: duckdb.DuckDBPyConnection, source: Source, names: list[str]
) -> Iterator[str]:
    """Refuse numbers that their measure or role does not allow."""
    measured = [name for name in names if source.kinds[name] == "measured"]
    of = {role: name for name, role in source.roles.items()}
    for name in measured:
        own, column = identifier(name), validate.named(source, name)
        measure, role = source.measures[name], source.roles.get(name, "")
        tests = []
        if role in FROM_ZERO or measure == "count":
            else_ = "" if role in FROM_ZERO else ", or measure it as number"
            tests.append(("negative", f"{own} < 0", {"else_": else_}))
        if measure == "count":
            tests.append(("part", f"{own} <> floor({own})", {}))
        if measure in ("share", "percent"):
            most = 100 if measure == "percent" else 1
            tests.append((measure, f"{own} not between 0 and {most}", {}))
        if role == "weight":
            tests.append(("unweighted", f"{own} is null", {}))
        if role == "last_order" and "observed" in of:
            tests.append(("later", f"{own} > {identifier(of['observed'])}", {}))
        for kind, condition, told in tests:
            if rows := validate.told(con, source, own, condition):
                yield say(kind, column=column, rows=rows, **told)


# Receiving.


def receive(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Create received_rows, received_customers and received_attributes.

    received_rows: row (line of the file), duplicate (it repeats an earlier row),
    customer_id and each column that is not left out: numbers, counts and shares as
    double, else text. received_customers: the same without row, duplicate and copies.
    received_attributes: table, attribute, kind, label, measure, levels (JSON), role.
    """
    asked = ["customer_id"]
    for name in source.columns:
        if name != "customer_id":
            asked.append(f"{_value(con, source, name)} as {identifier(name)}")
    con.execute(
        f"""create or replace temp table received_rows as
        select t.line_id + 1 + {int(source.header)} as "row", copy as duplicate,
            {", ".join(f"t.{one}" if one == "customer_id" else one for one in asked)}
        from customer_rows as t join customer_numbers as n using (line_id)
        order by t.line_id"""
    )
    con.execute(
        """create or replace temp table received_customers as
        select * exclude ("row", duplicate) from received_rows where not duplicate
        order by customer_id"""
    )


def _value(con: duckdb.DuckDBPyConnection, source: Source, name: str) -> str:
    """Write the value of a column as it is handed on."""
    own, measure = identifier(name), source.measures[name]
    if source.kinds[name] == "measured":
        parts = " / 100" if measure == "percent" else ""
        return f"n.{own}::double{parts}"
    if measure == "text":
        return f"t.{own}"
    told = level(source, name, values(con, name))
    cases = " ".join(f"when {quoted(a)} then {quoted(b)}" for a, b in told.items())
    return f"case t.{own} {cases} end" if cases else "null::varchar"


def attributes(source: Source) -> list[list[str]]:
    """List the rows of received_attributes: a row a column, those left out too."""
    rows = []
    for name, kind in source.attributes.items():
        measure = source.measures.get(name, "text").replace("percent", "share")
        levels = json.dumps(source.levels.get(name, ()), ensure_ascii=False)
        column = (source.columns | source.left_out)[name]
        own = name if column.isdigit() or column.startswith("=") else column
        label = " ".join(own.replace("_", " ").split())
        label = label[:1].upper() + label[1:]
        rows.append(
            [
                *(source.table, name, kind, label, measure),
                levels if measure in ("yes_no", "ordered", "unordered") else "",
                source.roles.get(name, ""),
            ]
        )
    return rows
