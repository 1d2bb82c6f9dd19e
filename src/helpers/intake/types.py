"""Give the text of a mapped table its meaning: times, cents, numbers, ids and flags."""

import re

import duckdb

from helpers.core.engines import identifier, quoted
from helpers.core.errors import BadInput
from helpers.core.paths import beside
from helpers.intake.readers import ROW
from helpers.runs import mapping, values
from helpers.runs.mapping import Source

WORDS = beside(__file__, "types.yaml")
UNREAD = WORDS["unread"]
DERIVED_ORDER = "coalesce(customer_id, '') || ' ' || ordered_at::date"
# Where no product is told either, two lines of a day may be two purchases.
LINE_ORDER = f"{DERIVED_ORDER} || ' ' || line_id"
# Spaces of every kind, and letters without a shape such as a byte-order mark.
HOLLOW = (
    r"[\s\p{Z}\x{0}\x{ad}\x{61c}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2069}"
    r"\x{fe00}-\x{fe0f}\x{feff}]"
)
DAY = r"\d{4}-\d{2}-\d{2}"
CLOCK = r"\d{2}:\d{2}(:\d{2}(\.\d+)?)?"
# A time of day, then what it lies from UTC; a browser's name of the zone may follow.
OFFSET = (
    r"^(.*\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?: ?[AaPp]\.?[Mm]\.?)?) ?"
    r"((?:UTC|GMT)?(?:-(?:0?\d|1[01])|\+(?:0?\d|1[0-4]))(?::?(?:00|15|30|45))?|Z|UTC|GMT)"
    r"(?: \([^)]*\))?$"
)
NEGATIVE = r"^(?:\((.*?)\s*\)|(.*?)\s*-)$"
# What stands between thousands and never before decimals.
APART = r"[\s\p{Zs}'`\x{2019}\x{66c}]"
SPACES = " \t'`\u2019\u00a0\u2009\u202f\u066c"  # the usual of them, as a text
# The longest first: R$ is no dollar.
SIGN = "|".join(
    [*map(re.escape, sorted(WORDS["signs"], key=len, reverse=True)), r"\p{Sc}|[A-Z]{3}"]
)
# Digits of other scripts and signs of width, for `translate`.
DIGITS = "".join("".join(map(chr, range(zero, zero + 10))) for zero in WORDS["zeros"])
WIDE = "".join(chr(sign + 0xFEE0) for sign in (*range(65, 91), *range(97, 123)))
OTHERS, PLAIN = (
    DIGITS + WIDE + "\u2010\u2011\u2012\u2013\u2014\u2212\uff0d\uff0e\uff05\u066a",
    "0123456789" * len(WORDS["zeros"])
    + "".join(chr(ord(sign) - 0xFEE0) for sign in WIDE)
    + "-------.%%",
)
NUMBER = "decimal(38, 10)"
HASHED = 500  # columns of a row that tell it from a copy; more take too much memory
MOST = 10**13  # of a number: beyond it sums would not be exact
SUM = 10**9  # cents up to which a product of doubles is exact after rounding
PERCENT = ("discount_rate", "discount_percent")  # columns that may write 15%
# Words of `date_format:` for numbers: their units in a second.
EPOCHS = {"unix": 1, "unix_ms": 10**3, "unix_us": 10**6}
LIKELY = (6 * 10**14, 5 * 10**15)  # microseconds since 1970: 1989 to 2128


def build(con: duckdb.DuckDBPyConnection, source: Source, *, numbers: set[str]) -> None:
    """Create typed_<table> from raw_<table> in one pass over the file.

    `numbers` are the columns that the file holds as numbers. Beside each column of a
    kind that may be unread stands bad_<name> (its text), beside money sign_<name>, and
    beside a moment moved_<name>: what it was before its zone was turned into the run's.
    Lines get `cents` (what the line sold for), `digest` (of all that is mapped) and
    `whole` (a hash of the row of the file).
    BadInput says that a form of date or a time zone is unknown, or that the file is
    damaged.
    """
    _check_forms(con, source)
    texts, first, second = [f"{ROW} as line_id"], ["*"], ["*"]
    kept, moments = ["line_id"], []
    # The clock comes first: a moment is put together with it.
    for name, column in sorted(source.columns.items(), key=_clock_first):
        own, kind = identifier(name), source.kinds[name]
        if source.alone and column == mapping.DERIVED:
            kept.append(f"(line_id + 1)::varchar as {own}")
            continue
        if name == "order_id" and column == mapping.DERIVED:
            order = DERIVED_ORDER if source.names_products else LINE_ORDER
            kept.append(f"{order} as order_id")
            continue
        text = identifier(f"text_{name}")
        texts.append(f"{_text(column, kind, name)} as {text}")
        if kind == "moment":
            moments.append(name)
            first += _moment_parts(text, name, source)
            second += _moment(text, name, source)
            kept.append(identifier(f"moved_{name}"))
        else:
            mark = (
                (".", "") if column in numbers else (source.decimal, source.thousands)
            )
            first.append(f"{_typed(text, source, name, mark)} as {own}")
        if kind in ("money", "number", "measured"):
            asked = column not in numbers and not source.told_marks
            places = _places(text) if asked else "null"
            first.append(f"({places})::int as {identifier(f'places_{name}')}")
            kept.append(identifier(f"places_{name}"))
        if kind == "money":
            sign = f"nullif(regexp_extract({text}, '{SIGN}'), '')"
            odd = f"{own} is not null and try_cast(replace({text}, ',', '') as double) is null"
            first.append(f'case when {odd} then {sign} end as "sign_{name}"')
            kept.append(f'"sign_{name}"')
        kept.append(own)
        if kind in UNREAD:
            bad = identifier(f"bad_{name}")
            kept.append(f"case when {own} is null then {text} end as {bad}")
    if source.table == "lines":
        texts.append(f"{_row(con)} as whole")
        kept += [f"{_cents(source)} as cents", f"{_digest(source)} as digest", "whole"]
    # In steps, so that nothing is worked out twice.
    try:
        con.execute(
            f"""create or replace temp table typed_{source.table} as
                with texts as (select {", ".join(texts)} from raw_{source.table}),
                parts as (select {", ".join(first)} from texts),
                read as (select {", ".join(second)} from parts)
                select {", ".join(kept)} from read"""
        )
    except (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException):
        raise  # of the query, and not of the file
    except duckdb.Error as fault:
        apart = isinstance(fault, duckdb.InvalidInputException) and "CSV" in str(fault)
        folder = f"{source.file.parent}/" if source.file else ""
        said = str(fault).splitlines()[0].replace(folder, "")[:80]
        key = "lines" if apart else "damaged"
        raise _fault(source, key, where=source.where, why=said) from None
    for name in moments:
        _keep_days(con, source, name)
    if "order_total" in source.columns:
        _share(con, source)
    if "status" in source.columns and source.names_orders:
        _spread_status(con)


def _fault(source: Source, fault: str, **told: object) -> BadInput:
    """Write a sentence of types.yaml about a table."""
    said = WORDS["cannot"][fault].format(**told)
    return BadInput(f"Table {source.table}: {said}")


def _clock_first(column: tuple[str, str]) -> bool:
    return column[0] != "ordered_time"


def _check_forms(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Try the forms of dates and the zones once, before any row is read."""
    con.execute("set TimeZone = 'UTC'")  # never the machine's
    for form in _forms(source):
        try:
            con.execute("select try_strptime('', ?)", [form]).fetchall()
        except duckdb.Error:
            raise _fault(source, "form", form=form) from None
        day = re.search("%j|%[mbB]", form) and re.search("%j|%d", form)
        if not day or ("%M" in form and not re.search("%[HI]", form)):
            raise _fault(source, "no_day", form=form)
    for zone in (source.time_zone, source.local_zone):
        if zone and (said := values.zone_fault(zone)):
            raise _fault(source, "zone", zone=zone, why=said)
    if any("%Z" in form for form in source.date_formats):
        raise _fault(source, "name_of_zone")


def _forms(source: Source) -> list[str]:
    """List the forms of dates; an offset may follow in any, so %z says nothing."""
    forms = [form for form in source.date_formats if form not in (*EPOCHS, "excel")]
    return [re.sub(r"\s*(%z|Z|UTC|GMT|[-+]\d\d:?\d\d)$", "", form) for form in forms]


def missing(name: str, kind: str) -> str:
    """Return a pattern of the texts that stand for no value in a column.

    NULL or None may be the name of a category, but no id and no day.
    """
    words = WORDS["missing"] + WORDS["faults"] * (kind == "id")
    plain = "|".join(map(re.escape, words))
    if name in WORDS["words_are_names"]:
        return plain
    spoken = "|".join(map(re.escape, WORDS["missing_but_for_names"]))
    return rf"{plain}|(?i:[<(\[]?(?:{spoken})\.?[>)\]]?)"


def _text(column: str, kind: str, name: str) -> str:
    """Return SQL for a column's text without outer spaces; null where it is missing."""
    if column.startswith("="):
        return quoted(column[1:].strip())
    own = identifier(column)
    trimmed = (
        f"case when regexp_matches({own}, '^{HOLLOW}|{HOLLOW}$')"
        f" then regexp_replace({own}, '^{HOLLOW}+|{HOLLOW}+$', '', 'g') else {own} end"
    )
    if kind in ("id", "text"):
        trimmed = f"nfc_normalize({trimmed})"
    if name == "status":
        trimmed = rf"regexp_replace({trimmed}, '\s+', ' ', 'g')"
    # A long list of texts would be joined as a table, and kept in memory.
    none = f"regexp_full_match({trimmed}, {quoted(missing(name, kind))})"
    return f"case when ({trimmed}) <> '' and not {none} then {trimmed} end"


def _typed(raw: str, source: Source, name: str, mark: tuple[str, str]) -> str:
    """Return SQL that reads a text as the kind of its column; null where it cannot."""
    kind = source.kinds[name]
    if kind in ("money", "number", "count", "measured"):
        usual = {"money": SIGN, "measured": f"{SIGN}|%"}
        around = usual.get(kind, "%" if name in PERCENT else "")
        number = _number(raw, *mark, around=around)
        if name == "discount_rate" or kind == "measured":
            part = f"case when ends_with({raw}, '%') then 100 else 1 end"
            return f"({number} / {part})::{NUMBER}"
        return (
            f"(case when {number} = floor({number}) then {number} end)::bigint"
            if kind == "count"
            else number
        )
    if kind == "clock":
        return _clock(raw)
    if kind == "flag":
        return _word(raw, {"true": WORDS["yes"], "false": WORDS["no"]})
    if kind == "arm":
        treated = WORDS["treated"] + WORDS["yes"]
        control = WORDS["control"] + WORDS["no"]
        return _word(raw, {"'treated'": treated, "'control'": control})
    if name in source.fold_ids:
        folded = fold(raw)
        return f"upper({folded})" if name == "product_id" else folded
    return raw


def _places(text: str) -> str:
    """Return SQL for the digits behind the point: 3 where nobody knows what it separates."""
    behind = f"length({text}) - nullif(instr({text}, '.'), 0)"
    # 0.125 cannot be thousands; a sign may stand before or behind.
    small = f"starts_with(ltrim({text}, '-'), '0')"
    three = r"(^|[^\d.,])[1-9]\d{0,2}[.]\d{3}([^\d.,]|$)"
    plain = f"translate({text}, '{OTHERS}', '{PLAIN}')"
    return (
        f"case when not contains({text}, '.') then null when {small} then 9"
        f" when try_cast({text} as double) is not null then {behind}"
        f" when regexp_matches({plain}, '{three}') then 3 else 9 end"
    )


def fold(text: str) -> str:
    """Return SQL for what all spellings of an id share, in small letters.

    Letters without a shape, zeros before a number and .0 behind it tell nothing.
    """
    plain = f"regexp_full_match({text}, '[A-Za-z1-9][A-Za-z0-9]*')"  # most ids
    digits = f"translate({text}, '{OTHERS}', '{PLAIN}')"
    bare = f"regexp_replace({digits}, '{HOLLOW}', '', 'g')"
    number = rf"regexp_replace({bare}, '^0*(\d+)(\.0+)?$', '\1')"
    return f"lower(case when {plain} then {text} else {number} end)"


def _number(raw: str, decimal: str, thousands: str, *, around: str) -> str:
    """Read a number exactly; (5) and 5- are read as -5, and 5.- as 5.

    `around` is a pattern of what may stand before or behind it, such as a sign.
    """
    mark = rf"[{decimal}\x{{66b}}]"
    apart = rf"(?:{APART}|\{thousands})" if thousands.strip(SPACES) else APART
    # 1,234,500 and, as in India, 12,34,500.
    whole = rf"(\d+|\d{{1,3}}({apart}\d{{2,3}})*{apart}\d{{3}})"
    form = quoted(rf"[-+]?({whole}({mark}\d*)?|{mark}\d+)([eE][-+]?\d+)?")
    bare = f"translate({raw}, '{OTHERS}', '{PLAIN}')"
    if around:
        ends = rf"^([-+(]*\s*)(?:{around})\.?|(?:{around})\.?(\s*[-)]*)$"
        bare = rf"regexp_replace({bare}, '{ends}', '\1\2', 'g')"
    # 12.- is how prices without cents are written.
    shown = f"regexp_replace(trim({bare}, ' \u00a0\u202f'), '[.,]-+$', '')"
    signed = (
        f"regexp_replace(regexp_replace({shown}, '{NEGATIVE}', '-\\1\\2'),"
        rf" '^([-+])\s+', '\1')"
    )
    whole_only = f"regexp_replace({signed}, {quoted(apart)}, '', 'g')"
    pointed = f"regexp_replace({whole_only}, '{mark}', '.')"
    # Most numbers have no other mark and are read at once.
    other = "." if decimal == "," else ","
    simple = f"replace({raw}, ',', '.')" if decimal == "," else raw
    return _first(
        _cast(simple, f"not contains({raw}, {quoted(other)})"),
        _cast(pointed, f"regexp_full_match({signed}, {form})"),
    )


def _first(*found: str) -> str:
    """Return SQL for the first value that is not null; coalesce would work out all."""
    chosen = found[-1]
    for one in reversed(found[:-1]):
        chosen = f"case when ({one}) is not null then {one} else {chosen} end"
    return chosen


def _cast(text: str, condition: str) -> str:
    """Return SQL for a text as a number that sums can hold, where a condition is met."""
    number = f"try_cast({text} as {NUMBER})"
    return f"case when {condition} and abs({number}) < {MOST} then {number} end"


def _clock(raw: str) -> str:
    """Read a time of day, as time since midnight; a part of a day in spreadsheets."""
    forms = ", ".join(map(quoted, WORDS["clocks"]))
    digits = rf"regexp_full_match({raw}, '\d{{3,6}}')"  # 108 is 1:08, and 10805 1:08:05
    wide = f"case when length({raw}) > 4 then 6 else 4 end"
    told = (
        f"case when {digits} then try_strptime(lpad({raw}, {wide}, '0'), ['%H%M%S', '%H%M'])"
        rf" when regexp_full_match({raw}, '\d{{1,2}}[.]\d(\D.*)?') then null"
        # A spreadsheet's or Access's time stands on a day of 1899 or 1900.
        rf" when regexp_matches({raw}, '^(1899|1900)-\d\d-\d\d[ T]') then"
        f" try_cast({raw} as timestamp)"
        f" else try_strptime({_spoken(raw)}, [{forms}]) end"
    )
    part = f"replace({raw}, ',', '.')"
    return (
        rf"case when regexp_full_match({raw}, '0?[.,]\d+|0') then"
        f" to_seconds(round(try_cast({part} as double) * 86400))"
        f" else ({told}) - date_trunc('day', {told}) end"
    )


def _spoken(raw: str) -> str:
    """Write the half of a day as forms of dates read it: 1:08p.m. as 1:08 PM."""
    return rf"regexp_replace({raw}, '(?i)(\d)[\s\x{{a0}}\x{{202f}}]*([ap])\.? ?m\.?$', '\1 \2M')"


def _local(raw: str, source: Source) -> str:
    """Read a date and time that names no offset, by the forms given, then as in ISO 8601."""
    plain = f"regexp_full_match({raw}, '{DAY}([ T]{CLOCK})?')"
    found = [f"case when {plain} then try_cast({raw} as timestamp) end"]
    if forms := _forms(source):
        listed = ", ".join(map(quoted, forms))
        found.insert(0, f"try_strptime({raw}, [{listed}])")
        found.append(f"try_strptime({_spoken(raw)}, [{listed}])")
    if "excel" in source.date_formats:
        days = f"try_cast(replace({raw}, ',', '.') as double)"
        found.append(
            f"case when {days} between 1 and 200000 then timestamp '1899-12-30'"
            f" + to_seconds(round({days} * 86400)) end"
        )
    return _first(*found)


def _moment_parts(raw: str, name: str, source: Source) -> list[str]:
    """Return SQL of a moment's text: as local time, or taken apart at its offset."""
    plain, clock = _local(raw, source), "null"
    if name == "ordered_at" and "ordered_time" in source.columns:
        # The clock is local, and so is then the day, whatever offset midnight has.
        day = f"regexp_extract({raw}, '{OFFSET}', 1)"
        plain = _first(plain, _local(day, source))
        clock = "ordered_time"
    own = identifier(f"plain_{name}")
    whole = f"{own} = date_trunc('day', {own})"
    return [
        f"{plain} as {own}",
        # A second clock may say the same, but not another time.
        f"case when {clock} is null then {own} when {whole} or {own} ="
        f" date_trunc('day', {own}) + {clock} then date_trunc('day', {own}) + {clock} end"
        f" as {identifier(f'here_{name}')}",
        f"contains({raw}, ':') or not {whole} or {clock} is not null"
        f" as {identifier(f'timed_{name}')}",
        f"case when {own} is null then regexp_extract({raw}, '{OFFSET}',"
        f" ['told', 'zone']) end as {identifier(f'zoned_{name}')}",
    ]


def _moment(raw: str, name: str, source: Source) -> list[str]:
    """Return SQL of a moment in the run's zone, and of what it was before it moved there."""
    here, timed, zoned = (
        identifier(f"{part}_{name}") for part in ("here", "timed", "zoned")
    )
    local, found, before = quoted(source.local_zone), [], []
    if source.time_zone:
        zone = quoted(source.time_zone)
        found = [
            f"case when {timed} then timezone({local}, timezone({zone}, {here})) end"
        ]
        before = [f"case when {timed} then {here} end"]
    found.append(here)
    if source.local_zone:
        told = _local(f"({zoned}).told", source)
        hours, minutes = (
            rf"regexp_extract(({zoned}).zone, '([-+]\d{{1,2}}):?(\d\d)?$', {part})"
            for part in (1, 2)
        )
        ahead = (
            f"coalesce(try_cast({hours} as int), 0) * 60 + coalesce(try_cast({minutes}"
            f" as int), 0) * case when starts_with({hours}, '-') then -1 else 1 end"
        )
        there = f"case when ({zoned}).zone <> '' then {told} end"
        utc = f"timezone('UTC', {there} - to_minutes({ahead}))"
        found.append(f"timezone({local}, {utc})")
        before.append(there)
        for form in source.date_formats:
            if form in EPOCHS:
                micros = f"try_cast({raw} as double) * {10**6 // EPOCHS[form]}"
                utc = f"make_timestamp(({micros})::bigint)"
                instant = f"timezone('UTC', {utc})"
                likely = f"{micros} between {min(LIKELY)} and {max(LIKELY)}"
                before.append(f"case when {likely} then {utc} end")
                found.append(
                    f"case when {likely} and not regexp_matches({raw}, '[eE]')"
                    f" then timezone({local}, {instant}) end"
                )
    return [
        f"({_first(*found)})::timestamp as {identifier(name)}",
        f"({_first(*before, 'null')})::timestamp as {identifier(f'moved_{name}')}",
    ]


def _keep_days(con: duckdb.DuckDBPyConnection, source: Source, name: str) -> None:
    """Put days back that moved with a zone where no row of a column has a time of day."""
    own, moved = identifier(name), identifier(f"moved_{name}")
    rows, timed = con.execute(
        f"""select count({moved}), coalesce(bool_or({moved} <> date_trunc('day', {moved})),
            false) from typed_{source.table}"""
    ).fetchall()[0]
    if rows and not timed:
        con.execute(
            f"""create or replace temp table typed_{source.table} as
                select * replace (coalesce({moved}, {own}) as {own})
                from typed_{source.table}"""
        )


def _spread_status(con: duckdb.DuckDBPyConnection) -> None:
    """Give the status of an order to those of its lines that have none."""
    # Shops write what is said of an order on its first line only.
    if con.execute("select 1 from typed_lines where status is null limit 1").fetchall():
        con.execute(
            """create or replace temp table typed_lines as select * replace (coalesce(status,
                max(status) over (partition by order_id)) as status) from typed_lines"""
        )


def _word(raw: str, meanings: dict[str, list[str]]) -> str:
    cases = " ".join(
        f"when lower({raw}) in ({', '.join(map(repr, words))}) then {value}"
        for value, words in meanings.items()
    )
    return f"(case {cases} end)"


def cents(money: str, source: Source) -> str:
    """Return SQL for an amount in cents; in tenths of them where a currency has three places."""
    if source.decimals > 2:
        return f"(round({money} * 1000) / 10.0)::double"
    return f"round({money} * 100)::bigint"


def _cents(source: Source) -> str:
    """Return SQL for what a line sold for; null where the product is beyond `MOST`."""
    if "amount" in source.columns:
        return cents("amount", source)
    if "order_total" in source.columns:  # shared out once all lines are known
        return "0.0::double" if source.decimals > 2 else "0::bigint"
    parts = [f"(1 - {part})" for part in _discounts(source)]
    discount = "discount" in source.columns
    exact = " * ".join(["quantity", "unit_price"])
    quick = " * ".join(["quantity::double", "unit_price::double", *parts])
    if discount:  # taken off whichever sign the line and the discount have
        quick = f"sign({quick}) * (abs({quick}) - abs(coalesce(discount, 0))::double)"
    if parts or discount:
        return f"case when abs({quick}) < {MOST} then {_rounded(quick, source)} end"
    # Doubles are quick, and exact to the cent once what they lack is rounded away.
    small = f"abs({quick}) < {SUM // 100}"
    large = f"abs({quick}) < {MOST}"
    return (
        f"case when {small} then {_rounded(quick, source)}"
        f" when {large} then {cents(f'({exact})', source)} end"
    )


def _rounded(amount: str, source: Source) -> str:
    """Return SQL for cents of a product of doubles, whose last digits are noise."""
    places = 10**source.decimals if source.decimals > 2 else 100
    whole = f"round(round({amount} * {places}, 6))"
    return f"({whole} / 10.0)::double" if places > 100 else f"{whole}::bigint"


def _discounts(source: Source) -> list[str]:
    """Return SQL of the parts of a price that discounts take off."""
    told = {
        "discount_rate": "coalesce(discount_rate, 0)::double",
        "discount_percent": "coalesce(discount_percent, 0)::double / 100",
    }
    return [part for name, part in told.items() if name in source.columns]


def _share(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Give each line its share, by its pieces, of the total of its order."""
    order = "over (partition by order_id"
    # Lines of no pieces share alike, and copies of a line have no share; the last cent of
    # the parts goes to the last line.
    # Where pieces are sold, those sent back have none either.
    weight = (
        "case when copy > 1 then 0 when sold then greatest(coalesce(quantity, 0), 0)::double"
        " + 1e-9 else abs(coalesce(quantity, 0))::double + 1e-9 end"
    )
    total = cents(
        f"max(case when order_total <> 0 then order_total end) {order})", source
    )
    upto = f"sum({weight}) {order} order by line_id rows unbounded preceding)"
    whole = f"sum({weight}) {order})"
    first, last = f"({upto} - {weight}) / {whole}", f"{upto} / {whole}"
    tenths = 10 if source.decimals > 2 else 1
    share = (
        f"round(coalesce({total}, 0) * {tenths} * {last}) -"
        f" round(coalesce({total}, 0) * {tenths} * {first})"
    )
    told = f"({share}) / 10.0" if tenths > 1 else f"({share})::bigint"
    con.execute(
        f"""create or replace temp table typed_lines as
            select * exclude (copy, sold) replace ({told} as cents)
            from (select *, row_number() over (partition by order_id, digest
                order by line_id) as copy, max(quantity) over (partition by order_id) > 0
                as sold from typed_lines)"""
    )


def _digest(source: Source) -> str:
    """Return SQL for a number that two rows share only if all that is mapped is the same."""
    told = [
        f"coalesce({name}::varchar, {text})" if kind in UNREAD else name
        for name, text, kind in (
            (identifier(name), identifier(f"text_{name}"), source.kinds[name])
            for name in source.columns
            if source.tells(name)
        )
    ]
    # Two hashes of 64 bits, which no two lines of a billion share by chance.
    other = ", ".join(["'other'", *reversed(told)])
    return f"(hash({', '.join(told)})::uhugeint << 64) + hash({other})::uhugeint"


def _row(con: duckdb.DuckDBPyConnection) -> str:
    """Return SQL for a hash of the columns of a row; of more than `HASHED`, the first."""
    columns = [row[0] for row in con.execute("describe raw_lines").fetchall()]
    columns.remove(ROW)
    return f"hash({', '.join(map(identifier, columns[:HASHED]))})"


def service(source: Source) -> str:
    """Return SQL for a product id that stands in service_products, * for any text."""
    tests = []
    for entry in source.service_products:
        form = quoted(entry.upper()).replace("!", "!!").replace("%", "!%")
        form = form.replace("_", "!_").replace("*", "%")
        tests.append(f"upper(product_id) like {form} escape '!'")
    return f"({' or '.join(tests)})" if tests else "false"


def taken_back(source: Source) -> str:
    """Return SQL for a line that takes back another; null where it cannot be told."""
    told = "quantity < 0 or cents < 0"
    if source.cancel_prefix:
        mark = quoted(source.cancel_prefix)
        told += f" or starts_with(upper(order_id), upper({mark}))"
    return told


def is_void(status: str) -> bool:
    """Say whether a status, in small letters, tells of an order that came to nothing."""
    plain = re.sub("[_-]", " ", status)
    return any(re.search(rf"(^|\W){re.escape(word)}", plain) for word in WORDS["void"])


def tells_copies(con: duckdb.DuckDBPyConnection, source: Source) -> bool:
    """Say whether lines that are alike are copies, and not one item scanned twice.

    A number of the line tells it; so does a quantity, since a second piece would raise
    it; and where an order has one line, a second one like it is a copy.
    """
    if "line_no" in source.columns:
        return True
    counts, timed = con.execute(
        """select bool_or(abs(quantity) not in (0, 1)),
            bool_or(ordered_at <> date_trunc('day', ordered_at)) from typed_lines"""
    ).fetchall()[0]
    if source.names_products and counts:
        return bool(source.names_orders or timed)
    return (
        source.names_orders
        and con.execute(
            "select count(distinct digest) = count(distinct order_id) from typed_lines"
        ).fetchall()[0][0]
    )


# Lines that repeat an earlier one in every column that is mapped.
COPIES = """with repeated as (select digest, min(line_id) as first from typed_lines
        group by digest having count(*) > 1)
    select line_id from typed_lines join repeated using (digest) where line_id > first"""


def uncompleted(source: Source) -> str:
    """Return SQL for a line whose order has a status that the run file leaves out."""
    if not source.left_out_status:
        return "false"
    listed = ", ".join(f"lower({quoted(one)})" for one in source.left_out_status)
    return f"coalesce(lower(status) in ({listed}), false)"


def tells_need(source: Source) -> list[str]:
    """Name the columns that tell what a product is for, the most telling first."""
    names = ("need_state", "category", "department")
    return [name for name in names if name in source.columns]
