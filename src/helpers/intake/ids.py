"""Tell of ids that may be one thing in several spellings, or none."""

from collections.abc import Iterator

import duckdb

from helpers.intake import types, validate
from helpers.intake.validate import Problem, say
from helpers.runs import mapping
from helpers.runs.mapping import Source

LOOKED_AT = 5_000_000  # lines whose numbers of orders are all compared
MEET = 0.5  # share of customers of one table that another should know


def problems(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source]
) -> Iterator[Problem]:
    """Name what is wrong with the ids of the typed tables, by themselves and together."""
    for table, source in names.items():
        for name in mapping.IDS:
            if source.tells(name):
                for said in _rounded(con, source, name):
                    yield table, "error", said
    yield from _spellings(con, names)
    yield from _two_kinds(con, names)
    yield from _merged(con, names)
    if "lines" in names:
        yield from _strangers(con, names)


def _rounded(
    con: duckdb.DuckDBPyConnection, source: Source, name: str
) -> Iterator[str]:
    """Refuse ids of which a spreadsheet has cut the last digits."""
    cut = rf"regexp_full_match({name}, '\d([.,]\d+)?[eE]\+\d+|\d[.,]\d+[eE]\d+')"
    if rows := validate.told(con, source, name, cut):
        yield (
            f"{validate.named(source, name)} holds numbers whose last digits a spreadsheet "
            f"has cut: {rows}. Export them as text again."
        )


def _spellings(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source]
) -> Iterator[Problem]:
    """Tell of ids that differ in case, zeros, .0 or letters without a shape only."""
    for name in mapping.IDS:
        tables = [table for table, source in names.items() if source.tells(name)]
        if not tables or name in names[tables[0]].fold_ids:
            continue
        # Of very many orders, those with some of all spellings are looked at.
        rows = validate.one(con, f"select count(*) from typed_{tables[0]}")
        parts = 1 + rows // LOOKED_AT if name == "order_id" else 1
        part = f"hash({types.fold(name)}) % {parts} = 0" if parts > 1 else "true"
        every = " union ".join(
            f"select distinct {name} as id from typed_{table} where {part}"
            for table in tables
        )
        found = con.execute(
            f"""select min(id), max(id), count(*) over (), sum(count(*)) over ()
                from ({every}) where id is not null group by {types.fold("id")}
                having count(*) > 1 order by 1 limit 3"""
        ).fetchall()
        if found:
            each = "; ".join(f"{one} / {other}" for one, other, *_ in found)
            what = name.removesuffix("_id") + "s"
            told = {"what": what, "each": each, "name": name}
            told |= {"count": found[0][3], "folded": found[0][2]}
            said = say(names[tables[0]], "spellings", **told)
            yield tables[0], "warning", said


def _merged(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source]
) -> Iterator[Problem]:
    """Tell of products that are several rows of their table once ids are folded."""
    if "products" not in names or "product_id" not in names["products"].fold_ids:
        return
    found = con.execute(
        """select product_id, count(*) over () from typed_products
            where product_id is not null group by 1 having count(*) > 1 order by 1 limit 3"""
    ).fetchall()
    if found:
        each = ", ".join(product for product, _ in found)
        told = {"count": found[0][1], "each": each}
        yield "products", "warning", say(names["products"], "merged", **told)


def _two_kinds(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source]
) -> Iterator[Problem]:
    """Tell of customers of whom some have a number and others a text."""
    if "lines" not in names:
        return
    numbers, texts, number, text = con.execute(
        r"""select count(*) filter (plain), count(*) filter (not plain),
                min(id) filter (plain), min(id) filter (not plain)
            from (select distinct customer_id as id,
                regexp_full_match(customer_id, '\d+(\.0+)?') as plain from typed_lines
                where customer_id is not null)"""
    ).fetchall()[0]
    if numbers and texts:
        told = {"numbers": numbers, "number": number, "texts": texts, "text": text}
        said = say(names["lines"], "two_kinds", "customer_id", **told)
        yield "lines", "warning", said


def _strangers(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source]
) -> Iterator[Problem]:
    """Tell of tables whose customers hardly meet those of the lines."""
    for table, source in names.items():
        if table in ("lines", "leads") or "customer_id" not in source.columns:
            continue
        # Of customers, most buyers should be known; of others, most should be buyers.
        mine, theirs = (
            ("typed_lines", "typed_customers")
            if table == "customers"
            else (f"typed_{table}", "typed_lines")
        )
        everyone, known = con.execute(
            f"""select count(*), count(*) filter (customer_id in
                    (select customer_id from {theirs} where customer_id is not null))
                from (select distinct customer_id from {mine}
                    where customer_id is not null)"""
        ).fetchall()[0]
        if everyone and known < MEET * everyone:
            of_lines = table == "customers"
            where = "lines stand in it" if of_lines else f"{table} stand in lines"
            told = {"known": known, "everyone": everyone, "share": known / everyone}
            said = say(source, "strangers", where=where, **told)
            yield table, "warning", said
