"""Hold columns of money to what they are mapped as: totals, prices, discounts, currencies."""

import re
from collections.abc import Iterator

import duckdb

from helpers.core.engines import identifier
from helpers.intake import types, validate
from helpers.intake.validate import Problem, say
from helpers.runs.currency import DECIMALS
from helpers.runs.mapping import Source

MOST = 0.9  # share of lines or orders that makes an exception a rule
MUCH = 0.2  # share of sales taken back that is worth a warning


def problems(
    con: duckdb.DuckDBPyConnection, names: dict[str, Source]
) -> Iterator[Problem]:
    """Name what would make wrong sums of the typed tables without a fault."""
    source = names["lines"]
    for table, other in names.items():
        for said in (*_signs(con, other), *undecided(con, other)):
            yield table, "error", said
    for refused in (_beyond, _order_total, _not_percent):
        for said in refused(con, source):
            yield "lines", "error", said
    for judged in (_repeated_total, _other_price):
        for level, said in judged(con, source):
            yield "lines", level, said
    for told in (_below_a_cent, _one_discount, _below, _taken_back):
        for said in told(con, source):
            yield "lines", "warning", said


def _money(source: Source) -> list[str]:
    return [name for name, kind in source.kinds.items() if kind == "money"]


def _signs(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Refuse signs of several currencies in a column, or of another than the run's."""
    for name in _money(source):
        column = source.columns[name]
        codes = {*re.findall(r"(?<![A-Z])[A-Z]{3}(?![A-Z])", column)} & DECIMALS.keys()
        signs = {
            one
            for one in types.WORDS["signs"]
            if one in column and not one[0].isalpha()
        }
        meant = codes.union(*(types.WORDS["signs"][one] for one in signs))
        if meant and source.currency and source.currency not in meant:
            told = {"signs": ", ".join(sorted(codes | signs))}
            yield say(source, "sign_in_name", name, currency=source.currency, **told)
        found = con.execute(
            f"""select "sign_{name}", count(*) from typed_{source.table}
                where "sign_{name}" is not null group by 1 order by 2 desc, 1"""
        ).fetchall()
        if not found:
            continue
        alike = [set(types.WORDS["signs"].get(sign, [sign])) for sign, _ in found]
        each = ", ".join(f"{sign} ({rows:,} lines)" for sign, rows in found[:6])
        if not set.intersection(*alike):
            yield say(source, "several_currencies", name, each=each)
        elif source.currency not in set.intersection(*alike):
            run = source.currency or "not given"
            yield say(source, "other_currency", name, each=each, run=run)


def undecided(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Ask what 12.500 is where every point in a column stands before three digits."""
    if source.told_marks:
        return
    for name, kind in source.kinds.items():
        places = identifier(f"places_{name}")
        if kind not in ("money", "number", "measured"):
            continue
        marked, of_three = con.execute(
            f"""select count({places}), count(*) filter ({places} = 3)
                from typed_{source.table}"""
        ).fetchall()[0]
        if marked and marked == of_three:
            text = f"printf('%.3f', {identifier(name)}::double)"
            rows = validate.told(con, source, text, f"{places} is not null")
            yield say(source, "undecided", name, rows=rows)


def _beyond(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Refuse products of quantity and price that sums cannot hold."""
    if "amount" in source.columns or "unit_price" not in source.columns:
        return
    beyond = "cents is null and quantity is not null and unit_price is not null"
    if rows := validate.told(con, source, "unit_price", beyond):
        yield say(source, "beyond", "unit_price", most=types.MOST, rows=rows)


def _order_total(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Refuse totals of orders of which there are several, or none."""
    if "order_total" in source.columns:
        several, one, empty, other = con.execute(
            f"""select count(*) filter (several), min(order_id) filter (several),
                count(*) filter (empty), min(order_id) filter (empty)
            from (select order_id, count(order_total) = 0 as empty,
                min(order_total) filter (order_total <> 0)
                    < max(order_total) filter (order_total <> 0) as several
                from typed_lines where {validate.some(con, "order_id")} group by 1)"""
        ).fetchall()[0]
        if empty:
            yield say(source, "no_total", "order_total", count=empty, example=other)
        if several:
            told = {"count": several, "example": one}
            yield say(source, "several_totals", "order_total", **told)


def _repeated_total(
    con: duckdb.DuckDBPyConnection, source: Source
) -> Iterator[tuple[str, str]]:
    """Refuse an order's total that stands on its lines as what each line sold for."""
    if "amount" not in source.columns or not source.names_orders:
        return
    both = "unit_price" in source.columns
    # The total is nearer to what the lines cost than what the lines add up to.
    gross = "sum(quantity * unit_price)::double" if both else "0"
    unlike = f"abs(max(amount)::double - {gross}) < abs(sum(amount)::double - {gross})"
    several, same, first, varied, example = con.execute(
        f"""select count(*), count(*) filter (alike and unlike),
                count(*) filter (alone and count > 1), min(most) < max(most),
                min(order_id) filter (alike and unlike)
            from (select order_id, max(amount) as most, count(*) as count,
                max(amount) - min(amount) <= 0.02 and max(amount) <> 0 as alike,
                {unlike if both else "true"} as unlike,
                count(*) filter (amount <> 0) = 1 as alone
                from typed_lines where {validate.some(con, "order_id")}
                group by order_id having count(*) > 1)"""
    ).fetchall()[0]
    # Without another price, lines may well cost alike: that is told, and not refused.
    told = same >= 0.5 * several if both else same >= MOST * several > 1 and varied
    if several and told:
        yield (
            "error" if both else "warning",
            f"{validate.named(source, 'amount')} is the same on all lines of an order in "
            f"{same:,} of {several:,} orders with several lines, such as {example}"
            + (", and is not quantity x unit_price" if both else "")
            + ": it is the order's total, and would count on every line. "
            + (
                "Remove amount."
                if both
                else "Map it as order_total, or map unit_price."
            ),
        )
    elif several >= 5 and first >= MOST * several:
        yield (
            "error",
            say(source, "total_on_one_line", "amount", first=first, several=several),
        )


def _other_price(
    con: duckdb.DuckDBPyConnection, source: Source
) -> Iterator[tuple[str, str]]:
    """Refuse the price of a piece taken for that of a line, and the reverse."""
    alone = [n for n in ("unit_price", "amount") if n in source.columns]
    if not alone or not source.tells("quantity"):
        return
    if len(alone) == 2:
        many, same = con.execute(
            """select count(*), count(*) filter (abs(amount - unit_price) < 0.005)
                from typed_lines where quantity > 1 and amount <> 0"""
        ).fetchall()[0]
        if many >= 5 and same >= MOST * many:
            yield "error", say(source, "price_of_both", "amount", same=same, many=many)
        return
    price = alone[0]
    thing = next(
        (n for n in ("product_id", "category", "department") if source.tells(n)),
        "1",
    )
    # Of products sold in several quantities: lines at the commonest price of a piece, and
    # of the whole.
    many, by_piece, by_line = con.execute(
        f"""with sold as (select {thing} as thing, abs(quantity) as pieces,
                round(abs({price}), 2)::double as whole,
                round(abs({price})::double / abs(quantity)::double, 2) as piece
            from typed_lines where quantity <> 0 and {price} <> 0
                and {validate.some(con, "line_id")}),
        several as (select thing, mode(whole) as whole, mode(piece) as piece from sold
            group by 1 having count(distinct pieces) > 1)
        select count(*), count(*) filter (abs(s.piece - v.piece) < 0.011),
            count(*) filter (s.whole = v.whole)
        from sold s join several v using (thing)"""
    ).fetchall()[0]
    if many < 5:
        return
    price_of, like, other, step = (
        ("grows with", by_piece, by_line, "the line; map it as amount")
        if price == "unit_price"
        else ("does not grow with", by_line, by_piece, "a piece; map it as unit_price")
    )
    # Offers change some prices, so that a rule has exceptions.
    if like >= 0.6 * many and other <= 0.5 * like:
        told = {"price_of": price_of, "like": like, "many": many, "step": step}
        level = "error" if like >= MOST * many else "warning"
        yield level, say(source, "other_price", price, **told)


def _below_a_cent(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of money that is lost where lines are rounded to the cent one by one."""
    if "order_total" in source.columns or {*types.PERCENT, "discount"} & {
        *source.columns
    }:
        return
    exact = "amount" if "amount" in source.columns else "quantity * unit_price"
    rounded, whole = con.execute(
        f"""select coalesce(sum(cents), 0)::double / 100,
            coalesce(sum(({exact})::double), 0) from typed_lines"""
    ).fetchall()[0]
    if abs(rounded - whole) > 0.01 * abs(whole):
        yield say(source, "below_a_cent", whole=whole, rounded=rounded)


def _one_discount(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of a discount of an order that is repeated on its lines, or is no money."""
    if "discount" not in source.columns:
        return
    several, same = con.execute(
        f"""select count(*), count(*) filter (alike)
            from (select count(*) > 1 and max(discount) > 0
                and min(discount) = max(discount)
                and min(quantity * unit_price) < max(quantity * unit_price) as alike
                from typed_lines where discount is not null and {validate.some(con, "order_id")}
                group by order_id
                having count(*) > 1 and max(discount) > 0)"""
    ).fetchall()[0]
    if several >= 3 and same >= MOST * several:
        yield say(source, "one_discount", "discount", same=same, several=several)
    largest, kinds, fives, rows = con.execute(
        """select max(abs(discount)), count(distinct discount),
            bool_and(discount % 5 = 0), count(*) filter (discount <> 0) from typed_lines"""
    ).fetchall()[0]
    if rows and largest and (largest <= 1 or (fives and largest <= 100 and kinds <= 8)):
        kind = "discount_rate" if largest <= 1 else "discount_percent"
        told = {"kinds": kinds, "largest": largest.normalize(), "kind": kind}
        yield say(source, "discount_is_a_part", "discount", **told)


def _below(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of discounts above the price, which make a purchase look taken back."""
    if "discount" in source.columns and (
        rows := validate.told(con, source, "discount", "cents < 0 and quantity > 0")
    ):
        yield say(source, "below", "discount", rows=rows)


def _taken_back(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Tell of much money that is taken back."""
    sold, below = con.execute(
        f"""select coalesce(sum(cents) filter (cents > 0), 0)::double / 100,
                coalesce(-sum(cents) filter (cents < 0), 0)::double / 100
            from typed_lines where not {types.uncompleted(source)}"""
    ).fetchall()[0]
    if below > MUCH * sold:
        yield say(source, "taken_back", below=below, sold=sold)


def _not_percent(con: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Refuse parts of 1 taken for percent."""
    if "discount_percent" in source.columns:
        most, parts = con.execute(
            """select max(discount_percent), bool_or(discount_percent % 1 <> 0)
                from typed_lines"""
        ).fetchall()[0]
        if parts and most <= 1:
            yield say(source, "not_percent", "discount_percent", most=most)
