"""Open, type, judge and receive an analyst's own tables, as the run file maps them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from helpers.core import disk, engines, errors, paths, spelling
from helpers.core.engines import identifier
from helpers.core.errors import BadInput
from helpers.core.schema import APART, OPTIONAL, OTHER, UNCLASSIFIED
from helpers.intake import (
    amounts,
    customer_table,
    ids,
    plausible,
    readers,
    recognise,
    recount,
    types,
    validate,
)
from helpers.runs import coverage, mapping, run_file
from helpers.runs.mapping import Source

PLACES = ("department", "category", "brand")
# Columns of later outcomes are holdout_<need>: these would name one that there is.
LATER = ("orders", "sales", "recency_days", "targeted", "redeemed")
# A shop's own Fuel or Other is a need like its others, and not what the study calls so.
SPECIAL = (*LATER, *APART, OTHER, "other_grocery", "goods")
PROBLEMS = ["table", "level", "said"]


def problems(
    con: duckdb.DuckDBPyConnection, content: dict[str, Any], *, run: str, spill: Path
) -> tuple[pd.DataFrame, list[Source]]:
    """Open and type every mapped table as raw_ and typed_<table>; list what is wrong.

    Returns a row a problem (table, level: error, warning, or counted where a second
    reading agrees; said), and the opened tables.
    """
    found = [("run", "error", said) for said in mapping.faults(content, run)]
    opened: list[Source] = []
    numbers: dict[str, set[str]] = {}
    for source in mapping.sources(content, run):
        if source.table == "leads" and opened and opened[0].alone:
            source = customer_table.like(source, opened[0])
        with errors.reading(f"table {source.table}, {source.where}"):
            said, numbers[source.table], source = _open(con, source, spill)
            found += [(source.table, "error", one) for one in said]
            if not said:
                opened.append(source)
                found += validate.table(con, source)
            if not said and source.alone:
                families = customer_table.families(content, source)
                found += customer_table.problems(con, source, families)
                if "error" not in {level for _, level, _ in found}:
                    found += recount.customers(con, source, numbers[source.table])
    named = {source.table: source for source in opened}
    asked = ["currency", "time_zone"] * bool(opened)
    for source in (source for source in opened if source.alone):
        asked = ["currency"] * bool(mapping.MONEY & {*source.roles.values()})
    for name in asked:
        if not mapping.of_the_run(content, name):
            usual = f"`all:` gives no {name}, so the bundled run's is taken. Write it."
            found.append(("run", "warning", usual))
    found += validate.together(con, named)
    found += ids.problems(con, named)
    if "lines" in named:
        found += amounts.problems(con, named)
        found += plausible.lines(con, named)
        cells = recognise.cells(con)
        doubts = recognise.doubts(named["lines"], cells)
        found += [("lines", level, said) for level, said in doubts]
        if "error" not in {level for table, level, _ in found if table == "lines"}:
            found += recount.lines(con, named["lines"], numbers["lines"])
    return pd.DataFrame(found, columns=PROBLEMS), opened


def _open(
    con: duckdb.DuckDBPyConnection, source: Source, spill: Path
) -> tuple[list[str], set[str], Source]:
    """Open and type one table; tell why that is not possible, and its columns of numbers.

    The measures of a customer table are those that its values tell where none is given.
    """
    numbers: set[str] = set()
    try:
        names, numbers = readers.open_table(con, source, spill=spill)
        if absent := list(_absent(source, names)):
            return absent, numbers, source
        if source.alone:
            source = customer_table.build(con, source, numbers=numbers)
        else:
            types.build(con, source, numbers=numbers)
    except BadInput as fault:
        return [str(fault)], numbers, source
    if shape := readers.other_shape(con, source):
        return [shape], numbers, source
    rows = con.execute(f"select 1 from typed_{source.table} limit 1").fetchall()
    if not rows and (source.table == "lines" or source.alone):
        none = f"Table {source.table}: {source.where} holds no row. Export it again."
        return [none], numbers, source
    return [], numbers, source


def _absent(source: Source, names: list[str]) -> Iterator[str]:
    """Name mapped columns that the file does not have."""
    for name, column in (source.columns | source.left_out).items():
        key = "customer_id" if source.alone else "order_id"
        derived = (name, column) == (key, mapping.DERIVED)
        if not derived and not column.startswith("=") and column not in names:
            yield (
                f"Table {source.table}: {source.where} has no column {column} "
                f"({name}){mapping.near(column, names)}"
            )


def receive(con: duckdb.DuckDBPyConnection, *, run: str) -> pd.DataFrame:
    """Open the tables that a run maps as received_<table>; BadInput names every fault.

    `con` keeps to `engines.MEMORY`, and the rest on disk. Returns a row a table: table,
    file, rows, columns (as mapped), notes (how many warnings `make check` has for it).
    """
    engines.limit(con, disk.spill(paths.plan(run)))
    with disk.scratch(paths.plan(run)) as copies:
        found, sources = problems(con, run_file.read(run), run=run, spill=copies)
    wrong = found.loc[found["level"] == "error", "said"]
    if len(wrong):
        raise BadInput("\n".join(wrong))
    named = {source.table: source for source in sources}
    days = coverage.problems(con, run=run) if "lines" in named else []
    beyond = pd.DataFrame(days, columns=PROBLEMS)
    if (beyond["level"] == "error").any():
        raise BadInput("\n".join(beyond.loc[beyond["level"] == "error", "said"]))
    found = pd.concat([found, beyond])
    if "lines" in named:
        _lines(con, named["lines"])
        _products(con, named)
        _customers(con, named)
    else:
        customer_table.receive(con, named["customers"])
    for table, source in named.items():
        if table not in ("lines", "products", "customers"):
            _pass_on(con, source)
    _attributes(con, sources)
    # Warnings may name a customer, and what is returned here goes into a page.
    warned = found[found["level"] == "warning"].groupby("table").size()
    told = found[found["level"] == "counted"].groupby("table")["said"].apply(list)
    return pd.DataFrame(
        {
            "table": table,
            "file": source.where,
            "rows": con.execute(f"select count(*) from typed_{table}").fetchall()[0][0],
            "columns": len(source.columns),
            "notes": " ".join(
                [
                    *told.get(table, []),
                    *[f"`make check` warns: {warned.get(table)}."] * (table in warned),
                ]
            ),
        }
        for table, source in named.items()
    )


def _has(source: Source, *names: str) -> list[str]:
    return [name for name in names if name in source.columns]


def _lines(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Create received_lines: typed, with a flag for each rule that 01 may apply."""
    con.execute(
        f"""create or replace temp view counted_lines as
        select *, cents as amount_cents,
            coalesce({types.taken_back(source)}, false) as cancelled from typed_lines"""
    )
    _find_duplicates(con, source)
    _find_reversed(con)
    whole = con.execute("select bool_and(quantity = floor(quantity)) from typed_lines")
    kind = "bigint" if whole.fetchall()[0][0] else "double"
    coupon = (
        types.cents("coupon", source) if "coupon" in source.columns else "0::bigint"
    )
    more = [
        f"{types.cents(name, source)} as {name}_cents"
        for name in _has(source, "shelf_amount")
    ] + _has(source, *OPTIONAL)  # these pass as they are
    columns = "".join(f"{column}, " for column in more)
    con.execute(
        f"""create or replace temp view received_lines as
        select line_id, customer_id, order_id, ordered_at, product_id,
            quantity::{kind} as quantity, amount_cents, {coupon} as coupon_cents,
            {columns}
            {_flags(con, source)}cancelled,
            line_id in (select line_id from reversed_lines) as reversed,
            {types.service(source)} as service
        from counted_lines"""
    )


def _flags(con: duckdb.DuckDBPyConnection, source: Source) -> str:
    """Write the flags of rules that only some files know of."""
    flags = ""
    if types.tells_copies(con, source):
        flags += "line_id in (select line_id from duplicate_lines) as duplicate, "
    if source.left_out_status:
        flags += f"{types.uncompleted(source)} as uncompleted, "
    return flags


def _find_duplicates(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """List the lines that repeat an earlier row of the file, where that can be told."""
    told = "" if types.tells_copies(con, source) else " and false"
    con.execute(f"create or replace temp table duplicate_lines as {types.COPIES}{told}")


def _find_reversed(con: duckdb.DuckDBPyConnection) -> None:
    """List the purchases that a later cancellation undoes whole, the first by the first."""
    # Of one customer, product and number of pieces, a cancellation that falls below every
    # earlier balance of purchases less cancellations has no purchase to undo.
    key = "customer_id, product_id, abs(quantity)"
    con.execute(
        f"""create or replace temp table reversed_lines as
        with told as (select line_id, customer_id, product_id,
                abs(quantity) as pieces, ordered_at, cancelled from counted_lines
            where customer_id is not null and quantity <> 0
                and line_id not in (select line_id from duplicate_lines)
                and ({key}) in (select ({key}) from counted_lines where cancelled)),
        balanced as (select *, sum(case when cancelled then -1 else 1 end) over
                (partition by customer_id, product_id, pieces
                order by ordered_at, cancelled, line_id) as balance from told),
        matched as (select *, cancelled and balance < least(0, coalesce(min(balance) over
                (partition by customer_id, product_id, pieces
                order by ordered_at, cancelled, line_id
                rows between unbounded preceding and 1 preceding), 0)) as alone
            from balanced)
        select line_id from (select line_id, cancelled,
                count(*) filter (cancelled and not alone) over
                    (partition by customer_id, product_id, pieces) as undone,
                count(*) filter (not cancelled) over
                    (partition by customer_id, product_id, pieces
                    order by ordered_at, cancelled, line_id) as nth from matched)
        where not cancelled and nth <= undone"""
    )


def _name_needs(con: duckdb.DuckDBPyConnection, source: Source) -> str:
    """Create need_names: each text that tells a need, the need's name, its spelling.

    The need is told by the column need_state, else the category, else the department.
    Returns the column, or a null where there is none. The commonest spelling stands for
    all of a need; a text without a letter tells none.
    """
    told = (types.tells_need(source) or ["null::varchar"])[0]
    rows = con.execute(
        f"""select {told} as told from typed_{source.table} where told is not null
        group by told order by count(*) desc, told"""
    ).fetchall()
    texts = [text for (text,) in rows if spelling.slug(text)]
    needs = spelling.distinct(texts, taken=SPECIAL, ending="_goods")
    spelled: dict[str, str] = {}
    for text in texts:
        spelled.setdefault(needs[text], " ".join(text.split()))
    con.execute(
        """create or replace temp table need_names as select unnest($1::varchar[]) as told,
            unnest($2::varchar[]) as need, unnest($3::varchar[]) as spelling""",
        [texts, [needs[t] for t in texts], [spelled[needs[t]] for t in texts]],
    )
    return told


def _products(con: duckdb.DuckDBPyConnection, named: dict[str, Source]) -> None:
    """Create received_products, with a row for each product that a line names."""
    source = named.get("products", named["lines"])
    told = _name_needs(con, source)
    # The first row of the file speaks for a product; for lines, the commonest value.
    chosen = "first({} order by line_id)" if "products" in named else "mode({})"
    values = {
        name: name if name in source.columns else "null::varchar" for name in PLACES
    }
    values = {name: "spelling" if one == told else one for name, one in values.items()}
    places = ", ".join(
        f"{chosen.format(one)} as {name}" for name, one in values.items()
    )
    need = chosen.format(f"coalesce(need, '{UNCLASSIFIED}')")
    con.execute(
        f"""create or replace temp table received_products as
        select product_id, {need} as need_state, {places}
        from typed_{source.table} left join need_names on told = {told}
        where product_id is not null group by 1 order by 1;
        insert into received_products
        select distinct product_id, '{UNCLASSIFIED}', null, null, null
        from typed_lines anti join received_products using (product_id)
        where product_id is not null order by 1"""
    )


def _customers(con: duckdb.DuckDBPyConnection, named: dict[str, Source]) -> None:
    """Create received_customers: everyone whom a table but customers and leads names."""
    tables = [
        table
        for table, source in named.items()
        if table not in ("customers", "leads") and "customer_id" in source.columns
    ]
    seen = " union ".join(
        f"select distinct customer_id from typed_{table}" for table in tables
    )
    known, join = "", ""
    if "customers" in named:
        names = named["customers"].attributes
        known = "".join(f", {identifier(name)}" for name in names)
        join = "left join typed_customers using (customer_id)"
    con.execute(
        f"""create or replace temp table received_customers as
        select customer_id {known} from ({seen}) {join}
        where customer_id is not null order by customer_id"""
    )


def _attributes(con: duckdb.DuckDBPyConnection, sources: list[Source]) -> None:
    """Create received_attributes: what each attribute of customers and leads tells."""
    rows = [
        [source.table, name, kind, name.replace("_", " ").capitalize()]
        for source in sources
        for name, kind in source.attributes.items()
    ]
    columns = ["table", "attribute", "kind", "label"]
    if any(source.alone for source in sources):
        rows = [row for source in sources for row in customer_table.attributes(source)]
        columns += ["measure", "levels", "role"]
    listed = ", ".join(f"{identifier(name)} varchar" for name in columns)
    con.execute(f"create or replace temp table received_attributes ({listed})")
    if rows:
        marks = ", ".join("?" * len(columns))
        con.executemany(f"insert into received_attributes values ({marks})", rows)


# Columns that a table has even where nothing is mapped to them.
ALWAYS = {
    "campaigns": {"kind": "'unspecified'"},
    "contracts": {"renewed": "null::boolean"},
    "interactions": {
        "topic": "null::varchar",
        "outcome": "null::varchar",
        "minutes": "null::double",
    },
    "leads": {"won_on": "null::timestamp", "customer_id": "null::varchar"},
}


def _pass_on(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Create received_<table> with the types of the standard table."""
    kinds = {"money": types.cents("{0}", source), "number": "{0}::double"}
    columns = []
    for name, kind in source.kinds.items():
        if name in source.measures:
            rows = f"typed_{source.table}"
            columns.append(customer_table.value(con, source, name, rows))
            continue
        value = kinds.get(kind, "{0}").format(identifier(name))
        stored = f"{name}_cents" if kind == "money" else name
        columns.append(f"{value} as {identifier(stored)}")
    for name, value in ALWAYS.get(source.table, {}).items():
        if name not in source.columns:
            columns.append(f"{value} as {name}")
    con.execute(
        f"""create or replace temp table received_{source.table} as
        select {", ".join(columns)} from typed_{source.table} order by line_id"""
    )
