"""Give the text of a mapped table its meaning: days, cents, numbers and flags."""

import duckdb

from helpers.core.engines import identifier, quoted
from helpers.core.errors import BadInput
from helpers.core.paths import beside
from helpers.display.columns import ANY_SIGN
from helpers.runs import mapping
from helpers.runs.mapping import Source
from helpers.sources.readers import ROW

WORDS = beside(__file__, "types.yaml")
UNREAD = WORDS["unread"]
DERIVED_ORDER = "coalesce(customer_id, '') || ' ' || ordered_at::date"
# Where no product is told either, two lines of a day may be two purchases.
LINE_ORDER = f"{DERIVED_ORDER} || ' ' || line_id"
BLANK = r"^[\s\x{00a0}]|[\s\x{00a0}]$"
DAY = r"\d{4}-\d{2}-\d{2}"
SIGNS = ANY_SIGN + r"|\s*\b(EUR|USD|GBP|CHF)\b\s*"
SPACE = r"[\s\x{00a0}\x{202f}]"
NEGATIVE = r"^(?:\((.*)\)|(.*)-)$"
OFFSET = r"(Z|[-+]\d{2}(:?\d{2})?)"
CLOCK = r"\d{2}:\d{2}(:\d{2}(\.\d+)?)?"


def build(con: duckdb.DuckDBPyConnection, source: Source, *, numbers: set[str]) -> None:
    """Create typed_<table> from raw_<table> in one pass over the file.

    `numbers` are the columns that the file holds as numbers. BadInput says that a form
    of date or a time zone is unknown, or that the file is damaged.
    """
    _check_forms(con, source)
    texts, values, kept = [f"{ROW} as line_id"], ["line_id"], ["line_id"]
    for name, column in source.columns.items():
        if name == "order_id" and column == mapping.DERIVED:
            order = DERIVED_ORDER if source.names_products else LINE_ORDER
            kept.append(f"{order} as order_id")
            continue
        text, bad = identifier(f"text_{name}"), identifier(f"bad_{name}")
        mark = (".", "") if column in numbers else (source.decimal, source.thousands)
        texts.append(f"{_text(column)} as {text}")
        values += [text, f"{_typed(text, source, name, mark)} as {identifier(name)}"]
        kept.append(identifier(name))
        if source.kinds[name] in UNREAD:
            kept.append(
                f"case when {identifier(name)} is null then {text} end as {bad}"
            )
    if source.table == "lines":
        texts.append(f"{_digest(con)} as digest")
        values.append("digest")
        kept.append("digest")
    # In three steps, so that nothing is worked out twice.
    try:
        con.execute(
            f"""create or replace temp table typed_{source.table} as
                with texts as (select {", ".join(texts)} from raw_{source.table}),
                read as (select {", ".join(values)} from texts)
                select {", ".join(kept)} from read"""
        )
    except duckdb.ProgrammingError:
        raise
    except duckdb.Error as fault:
        raise BadInput(
            f"Table {source.table}: {source.where} cannot be read to its end; it may be "
            f"damaged ({str(fault).splitlines()[0][:80]}). Export it again."
        ) from None


def _check_forms(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Try the forms of dates and the zones once, before any row is read."""
    form_of = (
        "`date_format:` {!r} is no form of date. Write one such as '%d.%m.%Y %H:%M'."
    )
    zone_of = "there is no time zone {!r}. Write one such as Europe/Berlin or UTC."
    zones = {source.time_zone, source.time_zone and source.local_zone} - {""}
    try_form = "select try_strptime('', ?)"
    try_zone = "select timezone(?, timestamp '2000-01-01')::varchar"
    asked = [(try_form, form, form_of) for form in source.date_formats]
    for query, given, said in asked + [(try_zone, zone, zone_of) for zone in zones]:
        try:
            con.execute(query, [given]).fetchall()
        except duckdb.Error:
            fault = f"Table {source.table}: {said.format(given)}"
            raise BadInput(fault) from None


def _text(column: str) -> str:
    """Return SQL for a column's text without outer spaces; null where it is missing."""
    if column.startswith("="):
        return quoted(column[1:].strip())
    missing = ", ".join(map(quoted, WORDS["missing"]))
    name = identifier(column)
    trimmed = (
        f"case when regexp_matches({name}, '{BLANK}')"
        f" then trim({name}, ' \t\r\n\u00a0') else {name} end"
    )
    return f"case when {name} not in ({missing}) then nullif({trimmed}, '') end"


def _typed(raw: str, source: Source, name: str, mark: tuple[str, str]) -> str:
    """Return SQL that reads a text as the kind of its column; null where it cannot."""
    kind = source.kinds[name]
    if kind == "moment":
        return _moment(raw, source)
    if kind in ("money", "number", "count"):
        number = _number(raw, *mark)
        return (
            f"(case when {number} = floor({number}) then {number} end)::bigint"
            if kind == "count"
            else number
        )
    if kind == "flag":
        return _word(raw, {"true": WORDS["yes"], "false": WORDS["no"]})
    if kind == "arm":
        treated = WORDS["treated"] + WORDS["yes"]
        control = WORDS["control"] + WORDS["no"]
        return _word(raw, {"'treated'": treated, "'control'": control})
    if name == "product_id" and source.fold_product_case:
        return f"upper({raw})"
    return raw


def _number(raw: str, decimal: str, thousands: str) -> str:
    """Read a number exactly, without a currency sign; (5) and 5- are read as -5."""
    d, t = f"[{decimal}]", f"[{thousands}]" if thousands.strip() else SPACE
    whole = rf"(\d+|\d{{1,3}}({t}\d{{3}})+)" if thousands else r"\d+"
    form = rf"[-+]?({whole}({d}\d*)?|{d}\d+)([eE][-+]?\d+)?"
    plain = f"trim(regexp_replace({raw}, '{SIGNS}', '', 'g'), ' \u00a0')"
    signed = f"regexp_replace({plain}, '{NEGATIVE}', '-\\1\\2')"
    bare = f"regexp_replace({signed}, '{t}', '', 'g')" if thousands else signed
    # Most numbers have no other mark and are read at once.
    other = "." if decimal == "," else ","
    simple = (
        f"case when not contains({raw}, '{other}') then {_pointed(raw, decimal)} end"
    )
    return (
        f"coalesce({simple}, case when regexp_full_match({signed}, '{form}')"
        f" then {_pointed(bare, decimal)} end)"
    )


def _pointed(text: str, decimal: str) -> str:
    pointed = f"replace({text}, ',', '.')" if decimal == "," else text
    return f"try_cast({pointed} as decimal(18, 6))"


def _moment(raw: str, source: Source) -> str:
    """Read a date by the forms given, in their order, then as YYYY-MM-DD HH:MM:SS."""
    # A time that names its own offset from UTC is read where the file has a time zone.
    plain = f"regexp_full_match({raw}, '{DAY}([ T]{CLOCK})?')"
    moment = f"case when {plain} then try_cast({raw} as timestamp) end"
    if source.date_formats:
        forms = ", ".join(map(quoted, source.date_formats))
        moment = f"coalesce(try_strptime({raw}, [{forms}]), {moment})"
    if source.time_zone:
        local, zone = quoted(source.local_zone), quoted(source.time_zone)
        told = f"regexp_full_match({raw}, '{DAY}[ T]{CLOCK}{OFFSET}')"
        instant = (
            f"case when {told} then try_cast({raw} as timestamptz)"
            f" else timezone({zone}, ({moment})::timestamp) end"
        )
        moment = f"timezone({local}, {instant})"
    return f"({moment})::timestamp"


def _word(raw: str, meanings: dict[str, list[str]]) -> str:
    cases = " ".join(
        f"when lower({raw}) in ({', '.join(map(repr, words))}) then {value}"
        for value, words in meanings.items()
    )
    return f"(case {cases} end)"


def _digest(con: duckdb.DuckDBPyConnection) -> str:
    """Return SQL for a number that two rows share only if every column is the same."""
    columns = [row[0] for row in con.execute("describe raw_lines").fetchall()]
    texts = ", ".join(
        f"coalesce({identifier(name)}, chr(30))" for name in columns if name != ROW
    )
    return f"md5_number(concat_ws(chr(31), {texts}))"


def service(source: Source) -> str:
    """Return SQL for a product id that stands in service_products, * for any text."""
    tests = []
    for entry in source.service_products:
        form = quoted(entry.upper()).replace("!", "!!").replace("%", "!%")
        form = form.replace("_", "!_").replace("*", "%")
        tests.append(f"upper(product_id) like {form} escape '!'")
    return f"({' or '.join(tests)})" if tests else "false"


def money(source: Source) -> str:
    """Return SQL for what a line of the typed lines sold for."""
    return "amount" if "amount" in source.columns else "quantity * unit_price"


def taken_back(source: Source) -> str:
    """Return SQL for a line that takes back another; null where it cannot be told."""
    told = f"quantity < 0 or {money(source)} < 0"
    if source.cancel_prefix:
        mark = quoted(source.cancel_prefix)
        told += f" or starts_with(upper(order_id), upper({mark}))"
    return told


def tells_need(source: Source) -> list[str]:
    """Name the columns that tell what a product is for, the most telling first."""
    names = ("need_state", "category", "department")
    return [name for name in names if name in source.columns]
