"""Read a table with one row per customer or respondent: measure, judge and receive it."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from helpers.core.engines import identifier, quoted
from helpers.core.paths import beside
from helpers.intake import amounts, readers, recognise, types, validate
from helpers.intake.recognise import AGREE, Column
from helpers.intake.validate import Problem
from helpers.runs import mapping
from helpers.runs.mapping import Source

TOLD = beside(__file__, "customer_table.yaml")
FEWEST = 10  # customers
LEVELS = 30  # of a text that is taken for unordered; more are free text
MOST_LEVELS = 50  # of a column that may build
MOST_TEXTS = 2_500  # different ones of a column that are looked at
SCALE = 10  # the highest answer on a scale of whole numbers
ALIKE = 3  # columns on one scale make each of them a scale
ODD = 0.05  # of the values: more beyond their scale are a scale of another kind
BUILDING = ("psychographic", "requirement", "behavioural")  # with `segment_on: auto`
NUMBERS = ("number", "count", "share")
NO_YES = ("no", "yes")
TWO = ("yes_no", "ticked")
ID = "an id of each customer"
DATE = re.compile(
    r"(\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?([-/.])\d\d?\2(\d{4}|\d\d)|"
    r"\d\d?[-/. ]+[A-Za-z]{3,9}[-/. ]+\d{4})\b.*"
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
    number = re.fullmatch(r"([-+]?\d+)[.,]00?", text)
    return number[1] if number else " ".join(text.casefold().split())


def infer(one: Column, *, alike: int = 0) -> Measured:
    """Tell from the values, and the name, how a column is measured.

    `alike` counts the columns of the table that are on the same scale of whole numbers.
    """
    kinds = {plain(text) for text in one.kinds}
    if not kinds:
        return Measured("unordered", why="it is empty")
    if len(kinds) == 1 and one.filled < 1 and _ticked(min(kinds), one.name):
        return Measured(
            "ticked", NO_YES, f"it holds {one.such} or nothing, which is no"
        )
    if kinds <= {*types.WORDS["yes"], *types.WORDS["no"]} and (
        len({text in types.WORDS["yes"] for text in kinds}) == len(kinds) == 2
        or not kinds & {"0", "1"}
    ):
        return Measured("yes_no", NO_YES, f"it holds {one.such}")
    if one.share(DATE.fullmatch) > AGREE or _days(one):
        return Measured("text", why="it holds dates", text="dates")
    return _of_numbers(one, alike) if one.is_number else _of_words(one)


def _ticked(text: str, name: str) -> bool:
    """Say whether the one text of a column is the tick of a box, or the answer beside it."""
    if text in types.WORDS["yes"]:
        return True
    return len(text) > 1 and f" {words(text)} " in f" {words(name)} "


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
    coded = one.share(lambda text: recognise.ID.fullmatch(text) and " " not in text)
    if kinds > AGREE * rows and coded > AGREE:
        return Measured("text", why=f"ids; {one.again}", text=ID)
    return Measured("text", why=f"free text; {one.again}", text="free text")


def ordered(texts: Collection[str]) -> tuple[str, ...]:
    """Put levels in the order of their words or numbers; empty if they have none."""
    spelled = {plain(text): text for text in sorted(texts, reverse=True)}
    for scale in TOLD["words"]:
        if len(spelled) > 1 and spelled.keys() <= {*scale}:
            return tuple(spelled[word] for word in scale if word in spelled)
    ranks = {text: rank for word, text in spelled.items() if (rank := _rank(word))}
    several = len({*ranks.values()}) == len(spelled) > 1
    return tuple(sorted(ranks, key=lambda text: ranks[text])) if several else ()


def _rank(text: str) -> tuple[float, int] | None:
    """Rank a band such as 18-24, <30k or 60+ by its first number; None if it has none."""
    number = BAND.search(text)
    plain_ = re.sub(rf"^\W*({TOLD['before']}|\W)*", "", text)
    if number is None or re.match(r"[^\W\d]", plain_):
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
        row = kinds == len(one.given) == high - low + 1 and not says("sizes", name)
        if row or (each and says("ids", name)):
            return Measured("text", why=f"ids; {one.again}", text=ID)
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
    within = float(np.mean((there >= 0) & (there <= 1)))
    if kinds > 2 and (within == 1 or (within >= 1 - ODD and says("percents", name))):
        return Measured("share", why=f"from {low:g} to {high:g}")
    if low >= 0 and 1 < high <= 100 and (says("percents", name) or "%" in name):
        return Measured("percent", why=f"percent by its name, from {low:g} to {high:g}")
    few = low == 0 and high <= 1_000 and not says("sizes", name)
    # A few impossible values make no other measure: notebook 1 leaves them out.
    below = float(np.mean(there < 0))
    if one.whole and (few or (says("counts", name) and below < ODD)):
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
    # Without ids two rows alike are two customers. Many columns at once take much memory.
    names = [*map(identifier, source.columns)] * source.tells("customer_id")
    some = [names[at : at + types.HASHED] for at in range(0, len(names), types.HASHED)]
    alike = ", ".join(
        f"hash({', '.join(part)}), hash('x', {', '.join(part[::-1])})" for part in some
    )
    con.execute(
        f"""create or replace temp table customer_rows as
        select *, row_number() over (partition by {alike or "line_id"}
            order by line_id) > 1 as copy from typed_customers"""
    )
    source = _measure(con, source, numbers)
    measured = {
        n: c for n, c in source.columns.items() if source.kinds[n] == "measured"
    }
    types.build(con, replace(source, columns=measured), numbers=numbers)
    words = ", ".join(identifier(n) for n in source.columns if n not in measured)
    con.execute(
        f"""create or replace temp table customer_numbers as
        select * from typed_customers join (select line_id, {words} from customer_rows)
            using (line_id);
        create or replace temp table typed_customers as select * from customer_numbers
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


ROWS = "(from customer_rows where not copy)"


def values(
    con: duckdb.DuckDBPyConnection, name: str, rows: str = ROWS
) -> dict[str, int]:
    """Count the texts of a column, the commonest first; of very many the first thousands."""
    own = identifier(name)
    found = con.execute(
        f"""select {own}, count(*) from {rows} where {own} is not null
        group by 1 order by 2 desc, 1 limit {MOST_TEXTS}"""
    )
    return dict(found.fetchall())


def _levels(con: duckdb.DuckDBPyConnection, name: str, measure: str) -> tuple[str, ...]:
    """List the levels that a column has: of ordered ones in their order, if it can be told."""
    if measure in TWO:
        return NO_YES
    if measure not in ("ordered", "unordered"):
        return ()
    spelled: dict[str, str] = {}
    for text in values(con, name):  # the commonest spelling stands for a level
        spelled.setdefault(plain(text), re.sub(r"^([-+]?\d+)[.,]00?$", r"\1", text))
    if measure == "unordered":
        return tuple(sorted(spelled.values()))
    if all(re.fullmatch(r"\d+", one) for one in spelled):
        low, high = min(map(int, spelled)), max(map(int, spelled))
        if high - low <= SCALE:  # an answer that nobody gave is one of the scale too
            return tuple(map(str, range(low, high + 1)))
    return ordered(spelled.values())


def level(source: Source, name: str, texts: Collection[str]) -> dict[str, str]:
    """Give each text of a column its level; a text that is none is left out."""
    if source.measures[name] == "ticked":
        return {text: NO_YES[plain(text) not in types.WORDS["no"]] for text in texts}
    if source.measures[name] == "yes_no":
        known = {word: said for said in NO_YES for word in types.WORDS[said]}
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
    names = [name for name in source.columns if name != "customer_id"]
    listed = ", ".join(
        f"count({own}), min({own}) = max({own})" for own in map(identifier, names)
    )
    query = f"select {listed or 'null'} from customer_rows where not copy"
    counts = con.execute(query).fetchall()[0]
    empty = [n for n, count in zip(names, counts[::2], strict=False) if not count]
    same = {n for n, one in zip(names, counts[1::2], strict=False) if one}
    errors = [*_whole(con, source, families, empty)]
    names = [name for name in names if name not in empty]
    built = [name for name in builders(source, families) if name in names]
    errors += _unfit(con, source, names, built)
    for level, said in _levelled(con, source, names):
        yield "customers", level, said
    errors += [*_numbers(con, source, names), *amounts.undecided(con, source)]
    yield from (("customers", "error", said) for said in errors)
    ticked = [name for name in built if source.measures[name] == "ticked"]
    constant = [name for name in built if name in same and name not in ticked]
    ticks = [name for name in constant if source.measures[name] == "yes_no"]
    rest = [name for name in constant if name not in ticks]
    for kind, some in (("ticked", ticked), ("ticks", ticks), ("constant", rest)):
        if some:
            yield "customers", "warning", say(kind, **_several(source, some))


def _whole(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    families: list[str],
    empty: list[str],
) -> Iterator[str]:
    """Refuse a table that is too small, has nothing to build from, or empty columns."""
    count = validate.one(con, "select count(*) from typed_customers")
    if count < FEWEST:
        who = "customer" if count == 1 else "customers"
        told = {"count": count, "customers": who, "least": FEWEST}
        yield say("few", where=source.where, **told)
    if not builders(source, families):
        own = {*source.attributes.values()} - {mapping.NONE}
        has = ", ".join(sorted(own)) or "no family"
        yield say("no builders", families=", ".join(families) or "none", has=has)
    if empty and len(empty) == len(source.columns) - 1:
        yield say("all empty", count=len(empty), where=source.where)
    elif empty:
        yield say("empty", **_several(source, empty))


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
    con: duckdb.DuckDBPyConnection, source: Source, names: list[str], built: list[str]
) -> Iterator[str]:
    """Refuse to build from texts, ids, dates, and from what judges or weighs."""
    for name in names:
        column, measure = validate.named(source, name), source.measures[name]
        role, what = source.roles.get(name, ""), source.looks[name]
        told = {"column": column, "role": role, "family": source.attributes[name]}
        if role == "outcome" and measure not in mapping.ROLES[role]:
            yield say("no judge", measure=measure, **told)
        elif name not in built:
            continue
        elif role in ("outcome", "churned", "weight"):
            yield say("weighs" if role == "weight" else "judges", **told)
        elif measure == "text" or (
            source.kinds[name] == "measured" and what in ("dates", ID)
        ):
            such = ", ".join(text[:30] for text in list(values(con, name))[:2])
            else_ = ", or give its measure" * (what not in ("dates", ID))
            yield say("text", what=what or "text", such=such, else_=else_, **told)
        elif (count := len(source.levels[name])) > MOST_LEVELS:
            yield say("many levels", count=count, most=MOST_LEVELS, **told)


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
        told, listed = level(source, name, texts), ", ".join(source.levels[name])
        rest = {*source.levels[name]} - {*told.values()}
        unused = sorted(one for one in rest if not one.isdigit())
        if odd := ", ".join(quoted(text) for text in texts if text not in told):
            own = identifier(name)
            rows = validate.told(con, source, own, f"{own} in ({odd})")
            kind = "neither" if measure == "yes_no" else "no level"
            yield "error", say(kind, column=column, rows=rows, levels=listed)
        elif measure == "ordered" and unused:
            near = mapping.near(unused[0], texts)
            levels = ", ".join(unused)
            yield (
                "warning",
                say("unused level", column=column, levels=levels, near=near),
            )


def _numbers(
    con: duckdb.DuckDBPyConnection, source: Source, names: list[str]
) -> Iterator[str]:
    """Refuse weights below 0, shares of another scale, and orders after the last day.

    A few impossible values are no fault: notebook 1 counts them and leaves them out.
    """
    of = {role: name for name, role in source.roles.items()}
    for name in (name for name in names if source.kinds[name] == "measured"):
        own, column = identifier(name), validate.named(source, name)
        measure, role = source.measures[name], source.roles.get(name, "")
        tests = []
        if measure in ("share", "percent"):
            beyond = f"{own} not between 0 and {100 if measure == 'percent' else 1}"
            query = f"select avg(({beyond})::int) from typed_customers"
            if (validate.one(con, query) or 0) > ODD:
                tests.append((measure, beyond))
        if role == "weight":
            tests += [("negative", f"{own} < 0"), ("unweighted", f"{own} is null")]
            if validate.one(con, f"select max({own}) from typed_customers") == 0:
                tests.append(("weightless", f"{own} = 0"))
        if role == "last_order" and "observed" in of:
            tests.append(("later", f"{own} > {identifier(of['observed'])}"))
        for kind, condition in tests:
            if rows := validate.told(con, source, own, condition):
                yield say(kind, column=column, rows=rows)


def picture(
    con: duckdb.DuckDBPyConnection, source: Source, families: list[str]
) -> list[str]:
    """Say what a study of the table rests on: who is known, what builds, what is left out."""
    rows, count = con.execute(
        "select count(*), count(*) filter (not copy) from customer_rows"
    ).fetchall()[0]
    built = builders(source, families)
    full = [name for name in built if source.measures[name] == "ticked"]
    listed = ", ".join(
        "count(*)" if name in full else f"count({identifier(name)})" for name in built
    )
    known = con.execute(f"select {listed or 'null'} from typed_customers").fetchall()[0]
    shares = {n: (k or 0) / max(count, 1) for n, k in zip(built, known, strict=False)}
    least = min(shares, key=lambda name: shares[name], default="")
    copies = f" Copies of a row, which count once: {rows - count:,}." * (rows > count)
    each = [
        f"{measure}: {_some(some)}"
        for measure in mapping.MEASURES
        if (some := [name for name in built if source.measures[name] == measure])
    ]
    said = [
        f"{count:,} customers are known.{copies}",
        f"Columns that build segments: {len(built):,} ({', '.join(families)}). {'; '.join(each)}.",
    ]
    if least and shares[least] < 1:
        mean = sum(shares.values()) / len(shares)
        said.append(
            f"Of their values {mean:.1%} are known; least of {least}, {shares[least]:.1%}."
        )
    of = {r: [n for n, own in source.roles.items() if own == r] for r in mapping.ROLES}
    value = of["value"] or of["monetary"] or of["monthly_fee"]
    judged = of["outcome"] + of["churned"]
    none = "No column is `value:`, so there are no value tiers."
    said.append(f"Value: {_some(value)}." if value else none)
    none = "No column is `outcome:`, so usefulness is not judged."
    said.append(f"Usefulness is judged by {_some(judged)}." if judged else none)
    kinds = source.attributes
    rest = [n for n in source.columns if kinds.get(n) not in (None, mapping.NONE)]
    there = con.execute("describe raw_customers").fetchall()
    mapped = {readers.ROW, *source.columns.values(), *source.left_out.values()}
    for what, names in (
        (
            "Columns that describe and build nothing",
            [n for n in rest if n not in built],
        ),
        ("Left out by the run file", [*source.left_out.values()]),
        ("Not mapped, so not read", [row[0] for row in there if row[0] not in mapped]),
    ):
        said += [f"{what}: {_some(names)}."] if names else []
    return said


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 6:,} more" if len(names) > 6 else ""
    return ", ".join(name[:40] for name in names[:6]) + more


# Receiving.


def receive(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Create received_rows, received_customers and received_attributes.

    received_rows: row (line of the file), duplicate (it repeats an earlier row),
    customer_id and each column that is not left out: numbers, counts and shares as
    double, else text. received_customers: the same without row, duplicate and copies.
    received_attributes: table, attribute, kind, label, measure, levels (JSON), role.
    """
    told = [name for name in source.columns if name != "customer_id"]
    texts = "".join(f", {value(con, source, name)}" for name in told)
    con.execute(
        f"""create or replace temp table received_rows as
        select line_id + 1 + {int(source.header)} as "row", copy as duplicate,
            customer_id{texts}
        from customer_numbers join (select line_id, copy from customer_rows)
            using (line_id) order by line_id"""
    )
    con.execute(
        """create or replace temp table received_customers as
        select * exclude ("row", duplicate) from received_rows where not duplicate
        order by customer_id"""
    )


def like(source: Source, customers: Source) -> Source:
    """Measure the attributes of leads as those of customers of the same name."""
    same = source.attributes.keys() & customers.measures.keys()
    measures = {
        name: customers.measures[name] for name in source.attributes if name in same
    }
    kinds = source.kinds | {name: customers.kinds[name] for name in measures}
    levels = {name: customers.levels[name] for name in measures}
    return replace(source, kinds=kinds, measures=measures, levels=levels)


def value(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    name: str,
    rows: str = "customer_numbers",
) -> str:
    """Write the column of a measured table, `rows`, as it is handed on."""
    own, measure = identifier(name), source.measures[name]
    if source.kinds[name] == "measured":
        return f"{own}::double{' / 100' * (measure == 'percent')} as {own}"
    texts = [] if measure == "text" else values(con, name, rows)
    if measure == "text" or (measure == "unordered" and len(texts) == MOST_TEXTS):
        return own
    told = level(source, name, texts)
    cases = " ".join(f"when {quoted(a)} then {quoted(b)}" for a, b in told.items())
    if measure == "ticked":
        return f"case coalesce({own}, 'no') {cases} else 'no' end as {own}"
    return f"{f'case {own} {cases} end' if cases else 'null::varchar'} as {own}"


def attributes(source: Source) -> list[list[str]]:
    """List the rows of received_attributes: a row a column, those left out too."""
    rows = []
    asked = _answers([*(source.columns | source.left_out).values()])
    for name, kind in source.attributes.items():
        measure = source.measures.get(name, "text")
        measure = {"percent": "share", "ticked": "yes_no"}.get(measure, measure)
        levels = json.dumps(source.levels.get(name, ()), ensure_ascii=False)
        column = (source.columns | source.left_out)[name]
        own = name if column.isdigit() or column.startswith("=") else column
        own = asked.get(own, own)
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


def _answers(columns: list[str]) -> dict[str, str]:
    """Shorten the names of three columns or more that begin with one question."""
    parted = {n: n.rpartition(" - ") for n in columns if " - " in n}
    asked = Counter(begins for begins, _, _ in parted.values())
    short = {n: e for n, (b, _, e) in parted.items() if asked[b] >= ALIKE and e.strip()}
    told = Counter(short.get(name, name).casefold() for name in columns)
    return {name: end for name, end in short.items() if told[end.casefold()] == 1}


# Drafting.


@dataclass
class Drafted:
    """What a draft makes of a column: how it is measured, its family and role, and why."""

    column: Column
    name: str
    measured: Measured
    family: str = ""  # "" where it has none
    role: str = ""
    why: str = ""


def unique(one: Column) -> bool:
    """Say whether a column may be the number of the customers."""
    return one.filled == 1 and len(one.kinds) > recognise.MOST * len(one.texts)


def is_one(found: recognise.Found) -> bool:
    """Say whether a file that holds no order lines has one row per customer."""
    kind, columns = recognise.shape(found), found.columns
    lines = map(found.column, ("order_id", "product_id", "quantity"))
    bought = any(
        one and len(one.kinds) > 1 for one in lines
    )  # a box that was ticked has one
    if kind in ("", "no_days", "no_customer"):
        day = found.column("ordered_at")
        dated = (
            day and day.share(lambda text: sum(map(str.isdigit, text)) > ALIKE) > 0.5
        )
        if dated or (bought if kind else identity(columns) is None):
            return False
    elif kind not in ("customers", "survey"):
        return False
    told = (one for one in columns if infer(one).measure != "text")
    who = ("customer", "account", "email", "card")
    named = [c for c in columns if c.role in who or says("respondents", c.name)]
    again = any(
        len(c.kinds) < recognise.MOST * len(c.given) for c in named if _codes(c)
    )
    things = {"product", "order", "sku", "item"} & {
        c.role for c in columns if unique(c)
    }
    if again or (things and not named):
        return False
    return len(list(itertools.islice(told, 2))) > 1


def _codes(one: Column) -> bool:
    """Say whether a column named after customers numbers them, and does not sort them."""
    many = len(one.kinds) > recognise.FEW
    other = says("sizes", one.name) or says("counts", one.name)
    if not many or other or infer(one).text == "dates":  # such as Customer since
        return False
    return one.share(recognise.ID.fullmatch) > AGREE


def identity(columns: list[Column]) -> Column | None:
    """Choose the column that names each customer once; None if there is none."""
    roles = ("customer", "account", "id", "answer", "row")
    fit = [c for c in columns if unique(c) and (c.whole or not c.is_number)]
    fit = [c for c in fit if infer(c).text != "dates"]
    named = [c for c in fit if c.role in roles or says("ids", c.name) or infer(c).text]
    named = [c for c in named if c.share(recognise.EMAIL.fullmatch) < AGREE]
    named.sort(key=lambda c: roles.index(c.role) if c.role in roles else len(roles))
    return named[0] if named else None


def draft(columns: list[Column]) -> list[Drafted]:
    """Propose measures, families and roles of the columns of a customer table.

    The number of the customer comes first, with the role customer_id, if there is one.
    """
    key = identity(columns)
    rest = [one for one in columns if one is not key]
    names = _names([one.name for one in rest])
    ends = [scale(one) for one in rest]
    found = [
        Drafted(one, names[one.name], infer(one, alike=ends.count(end) if end else 0))
        for one, end in zip(rest, ends, strict=True)
    ]
    for one in found:
        one.why = one.measured.why
    _leave_out(found)
    _lifetimes(found)
    _judging(found)
    _valued(found)
    _families(found)
    if key is None:
        return found
    why = f"sure: each customer has its own; {key.again}"
    return [
        Drafted(key, "customer_id", Measured("text"), role="customer_id", why=why),
        *found,
    ]


def _names(columns: list[str]) -> dict[str, str]:
    """Give each column a plain name of its own."""
    named: dict[str, str] = {}
    for column in columns:
        name = "_".join(words(column)[:40].split()) or "column"
        name = f"q_{name}" if name[0].isdigit() else name
        taken = name == "customer_id" or mapping.reserved(name)
        name = mapping.renamed(name) if taken else name
        number, free = 1, name
        while free in named.values():
            number += 1
            free = f"{name}_{number}"
        named[column] = free
    return named


def _free(found: list[Drafted]) -> list[Drafted]:
    return [one for one in found if not one.role]


def _leave_out(found: list[Drafted]) -> None:
    """Leave out what tells persons or no one, and what others made of the same columns."""
    stems: dict[str, Drafted] = {}
    for one in found:
        column, measured, name = one.column, one.measured, one.column.name
        personal = bool(re.search(TOLD["personal"], words(name)))
        stem = stems.setdefault(re.sub(r"[\W_\d]+$", "", words(name)), one)
        reasons = {
            "no value in any row": not column.kinds,
            "one value only": len(column.kinds) == 1
            and column.filled > 0.5
            and measured.measure != "ticked",
            "free text, by its name": says("remarks", name) and not column.is_number,
            f"known of {column.filled:.0%} alone": column.filled < 1 - recognise.MOST
            and measured.measure != "ticked",
            "e-mail addresses": column.share(recognise.EMAIL.fullmatch) > 0.5,
            "personal, by its name": (personal and measured.measure == "text")
            or says("persons", name),
            measured.why: measured.measure == "text",
            "looks like segments made before, or a prediction": says("made", name)
            and not (measured.measure in TWO and says_outcome(name)),
            "known only of those who have left": says("afterwards", name),
            "part of a date": says("parts_of_date", name),
            f"{stem.column.name} tells it": stem is not one
            and len(column.kinds) > 2
            and _told_by(column, stem.column),
        }
        why = next((why for why, so in reasons.items() if so), "")
        if why:
            one.role, one.why = "left_out", why


def _told_by(one: Column, other: Column) -> bool:
    """Say whether each of few values of another column stands with one value."""
    few = len(other.kinds) * ALIKE < len(other.given)
    return few and recognise.one_each(other, one) == 1


def says_outcome(name: str) -> int:
    """Rank a name among those of outcomes, from 1; 0 if it is none."""
    ranks = enumerate(TOLD["outcomes"], start=1)
    return next((n for n, form in ranks if re.search(form, words(name))), 0)


def _by_role(found: list[Drafted], role: str) -> Drafted | None:
    """Find the column of numbers whose name says a role surest."""
    numbers = [one for one in _free(found) if one.measured.measure in NUMBERS]
    for form in TOLD["roles"][role]:
        for one in numbers:
            if re.search(form, words(one.column.name)):
                return one
    return None


def _give(one: Drafted | None, role: str, why: str = "likely: by its name") -> None:
    if one:
        one.role, one.why = role, f"{why}; {one.measured.why}"


def _lifetimes(found: list[Drafted]) -> None:
    """Find recency, frequency and money, or the summary that models of lifetimes read."""
    three = [_by_role(found, role) for role in ("recency", "frequency", "monetary")]
    letters = [one for one in three if one and len(one.column.name) == 1]
    span = _by_role(found, "observed")
    last, often, money = three
    if span and last and often:
        within = last.column.numbers <= span.column.numbers
        if np.nanmean(within) == 1:
            _give(span, "observed", "likely: time from the first order to the end")
            _give(last, "last_order", f"likely: never above {span.column.name}")
            _give(often, "repeat_orders", "likely: orders after the first")
            _give(money, "monetary", "likely: mean value of an order")
            return
    if last and often and (len(letters) in (0, 3) and (money or not letters)):
        _give(last, "recency", "likely: days since the last order, by its name")
        _give(often, "frequency", "likely: number of orders, by its name")
        _give(money, "monetary", "likely: money of a customer, by its name")
    for role in ("tenure", "monthly_fee", "weight"):
        _give(_by_role(found, role), role)


LATER = "likely: known only afterwards, by its name"


def _judging(found: list[Drafted]) -> None:
    """Find the outcome with the surest name: it judges and never builds."""
    ranked = [
        (rank, one)
        for one in _free(found)
        if one.measured.measure in TWO and (rank := says_outcome(one.column.name))
    ]
    tenure = any(one.role == "tenure" for one in found)
    for rank, one in ranked:
        if rank in (1, 2, min(rank for rank, _ in ranked)):
            left = tenure and says("left", one.column.name)
            _give(one, "churned" if left else "outcome", LATER)
            tenure &= not left
    _give(_by_role(found, "later"), "outcome", LATER)


def _valued(found: list[Drafted]) -> None:
    """Find the money that customers are worth."""
    if any(one.role == "monetary" for one in found):
        return
    numbers = [o for o in _free(found) if o.measured.measure in ("number", "count")]
    parts = [o for o in numbers if says("amounts", o.column.name)]
    if not (one := _by_role(found, "value")) and len(parts) > 1:
        for part in parts:
            _give(part, "value", "likely: parts of what is spent; their sum counts")
            part.family = "behavioural"
    elif one:
        firms = any(_family(other) == "firmographic" for other in found)
        own = "ask: what they pay you, and not their own revenue?"
        _give(one, "value", own if firms else "likely: by its name")
    elif len(wide := [o for o in numbers if _spent(o.column)]) >= ALIKE:
        for part in wide:
            _give(part, "value", "ask: amounts of money? Their sum is then the value")
            part.family = "behavioural"


def _spent(one: Column) -> bool:
    """Say whether numbers are spread as amounts of money are: from 0, and far to the right."""
    there = one.numbers[~np.isnan(one.numbers)]
    plain = not (says("sizes", one.name) or says("counts", one.name))
    middle = float(np.median(there))
    return (
        plain
        and there.min() >= 0
        and middle >= 100
        and float(there.mean()) > 1.2 * middle
    )


# Roles of features made ready, which can build.
FEATURES = ("recency", "frequency", "monetary", "repeat_orders", "last_order")
ITEMS = ("", "psychographic", "firmographic")  # good company is an item among others


def _families(found: list[Drafted]) -> None:
    """Sort columns into families; many items that are answered alike are a survey's."""
    items: dict[tuple[str, ...], list[Drafted]] = {}
    for one in _free(found):
        measure = one.measured.measure
        if measure in (*TWO, "ordered"):
            kinds = tuple(sorted(one.measured.levels)) or (str(scale(one.column)),)
            items.setdefault(kinds, []).append(one)
    for same in items.values():
        block = [one for one in same if _family(one) in ITEMS]
        least = 8 if block and block[0].measured.measure in TWO else ALIKE
        for one in block if len(block) >= least else ():
            one.family = "psychographic"
    for one in _free(found):
        one.family = one.family or _family(one) or "behavioural"
    if sum(one.family in BUILDING for one in _free(found)) < 2:
        for one in found:  # what customers did is then all there is to build from
            if one.role in FEATURES:
                one.family = "behavioural"


def _family(one: Drafted) -> str:
    """Tell the family by the name; codes describe customers and do not build."""
    for family, form in TOLD["families"].items():
        if re.search(form, words(one.column.name)):
            return family
    return "demographic" if one.measured.why.startswith("codes") else ""


def building(found: list[Drafted]) -> tuple[list[str], str]:
    """Propose which families build, and why."""
    has = Counter(one.family for one in found if one.family)
    if has["psychographic"] >= ALIKE:
        return [f for f in BUILDING[:2] if has[f]], "the answers; the rest describes"
    own = [family for family in BUILDING if has[family]]
    if sum(has[family] for family in own) >= 2:
        return own, "what customers do and need; the rest describes"
    own = [family for family in mapping.FAMILIES if has[family]]
    return own, "all there is: little tells what customers do"
