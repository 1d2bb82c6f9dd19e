"""Clean received lines by visible rules and reconcile what went in with what came out."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pandas as pd

from helpers.core import schema, store
from helpers.core.engines import identifier, literal, quoted
from helpers.core.errors import BadInput
from helpers.core.schema import OTHER, UNCLASSIFIED
from helpers.disclosure.suppression import DOMINANCE, WITHHELD
from helpers.runs.horizons import fitted
from helpers.runs.run_file import AUTO

_MEASURES = """count(*) as lines, count(distinct order_id) as orders,
    count(distinct customer_id) as customers,
    coalesce(sum((amount_cents + coupon_cents){tenths}), 0)::bigint as sales_cents,
    coalesce(sum(coupon_cents{tenths}), 0)::bigint as coupon_cents"""
_SHELF = ", coalesce(sum(shelf_amount_cents{tenths}), 0)::bigint as shelf_amount_cents"


def applicable(
    con: duckdb.DuckDBPyConnection, rules: dict[str, str], *, disabled_rules: list[str]
) -> dict[str, str]:
    """Choose the rules (reason -> SQL) that are not kept and whose columns exist."""
    if unknown := [reason for reason in disabled_rules if reason not in rules]:
        raise BadInput(
            f"Run file: `disabled_rules:` names {unknown[0]!r}, which is no rule of 01_cleaning. "
            f"There are: {', '.join(rules)}."
        )
    asked = {}
    for reason, condition in rules.items():
        try:
            con.execute(f"describe select ({condition}) from received_lines")
        except duckdb.BinderException:
            continue  # the source does not know this kind of fault
        if reason not in disabled_rules:
            asked[reason] = condition
    return asked


def known(con: duckdb.DuckDBPyConnection) -> tuple[bool, bool]:
    """Say whether a line was paid in part by a coupon, and whether fuel is sold."""
    asked = (
        "received_lines where coupon_cents <> 0",
        "received_products where need_state = 'fuel'",
    )
    return tuple(
        bool(con.execute(f"select 1 from {one} limit 1").fetchall()) for one in asked
    )


def pool_needs(con: duckdb.DuckDBPyConnection, *, most: int, least: float = 0.0) -> int:
    """Put small needs together as "other" in received_products; return how many.

    So no share rests on a few lines. The `most` needs with the largest sales in
    clean_lines keep their name, if a share `least` of customers bought them.
    """
    common = (
        f"""count(distinct customer_id) >= {least!r} *
            (select count(distinct customer_id) from clean_lines)"""
        if least
        else "true"
    )
    found = con.execute(
        f"""select need_state, {common}
        from received_products left join clean_lines using (product_id)
        where need_state not in ('{UNCLASSIFIED}', '{OTHER}')
        group by need_state
        order by coalesce(sum(amount_cents + coupon_cents), 0) desc, need_state"""
    ).fetchall()
    small = [
        need for rank, (need, common) in enumerate(found) if rank >= most or not common
    ]
    con.execute(
        f"""update received_products set need_state = '{OTHER}'
        where need_state = '{UNCLASSIFIED}' or need_state in (select unnest(?::varchar[]))""",
        [small],
    )
    return len(small)


def split(con: duckdb.DuckDBPyConnection, *, reject: dict[str, str]) -> None:
    """Give a line to clean_lines or, by the first reason that holds, rejected_lines."""
    cases = " ".join(
        f"when {condition} then {quoted(reason)}"
        for reason, condition in reject.items()
    )
    verdict = f"case {cases} end" if cases else "null::varchar"
    con.execute(
        f"""create or replace temp table judged as
            select *, {verdict} as reason from received_lines;
            create or replace temp view clean_lines as
            select * exclude (reason) from judged where reason is null;
            create or replace temp view rejected_lines as
            select * from judged where reason is not null"""
    )


def reconcile(
    con: duckdb.DuckDBPyConnection, *, reject: dict[str, str]
) -> pd.DataFrame:
    """Walk from the received lines to the clean ones, a row for each rule of `split`.

    Columns: step, lines, orders, customers, sales_cents (amount + coupon),
    coupon_cents, shelf_amount_cents (where lines hold it); what a rule took away is
    negative. It takes an order or customer with the last line. AssertionError if any
    column does not add up.
    """
    measured = [_measure(con, "true")]
    order = list(reject)
    for done in range(1, len(order) + 1):
        gone = ", ".join(quoted(reason) for reason in order[:done])
        measured.append(_measure(con, f"reason is null or reason not in ({gone})"))
    steps = pd.DataFrame(measured)
    clean = _measure(con, "reason is null")
    changes = steps.diff().iloc[1:].astype("int64")
    table = pd.concat([steps.iloc[[0]], changes, clean.to_frame().T], ignore_index=True)
    table.insert(0, "step", ["received", *order, "clean"])
    sums = table.iloc[:-1, 1:].sum()
    assert (sums == table.iloc[-1, 1:]).all(), f"does not add up:\n{table}"
    table = table.astype({column: "int64" for column in steps})
    money = [name for name in steps if name.endswith("_cents") and _tenths(con)]
    return table.assign(**{name: table[name] / 10 for name in money})


def to_show(
    con: duckdb.DuckDBPyConnection, steps: pd.DataFrame, *, reject: dict[str, str]
) -> pd.DataFrame:
    """Withhold of a reconciliation what tells of one customer, or of fewer than ten.

    What is left may be shown: what was taken away is the rest of a total. Coupons are
    dropped where there are none.
    """
    none = [] if steps["coupon_cents"].any() else ["coupon_cents"]
    shown = steps.drop(columns=none)
    money = [name for name in shown if name.endswith("_cents")]
    judged = [f"reason = {quoted(reason)}" for reason in reject]
    tops = pd.Series([*largest(con, "judged", judged)], dtype=float)
    shown = shown.astype(dict.fromkeys([*money, "customers"], object))
    if (tops > DOMINANCE).any():
        shown.loc[shown.index[:-1], money] = WITHHELD
    if steps["customers"].iloc[1:-1].abs().between(1, 9).any():
        shown.loc[shown.index[:-1], "customers"] = WITHHELD
    return shown


def _measure(con: duckdb.DuckDBPyConnection, condition: str) -> pd.Series:
    described = con.execute("describe judged").fetchall()
    shelf = _SHELF if "shelf_amount_cents" in {row[0] for row in described} else ""
    measures = (_MEASURES + shelf).format(tenths=" * 10" if _tenths(con) else "")
    return con.execute(f"select {measures} from judged where {condition}").df().iloc[0]


def _tenths(con: duckdb.DuckDBPyConnection) -> bool:
    """Say whether money has tenths of cents: the currency has three places."""
    kind = con.execute("select typeof(amount_cents) from judged limit 1").fetchall()
    return bool(kind) and kind[0][0] == "DOUBLE"


def largest(
    con: duckdb.DuckDBPyConnection, view: str, conditions: Iterable[str]
) -> list[float | None]:
    """Give, for lines that meet each condition, the largest customer's share of sales."""
    asked = list(conditions)
    if not asked:
        return []
    spent = "sum(abs(amount_cents + coupon_cents)) filter ({}) as s{}"
    sums = ", ".join(spent.format(one, i) for i, one in enumerate(asked))
    shares = ", ".join(f"max(s{i}) / nullif(sum(s{i}), 0)" for i in range(len(asked)))
    each = f"from {view} where customer_id is not null group by customer_id"
    return list(
        con.execute(f"select {shares} from (select {sums} {each})").fetchall()[0]
    )


def counted(con: duckdb.DuckDBPyConnection, conditions: dict[str, str]) -> pd.DataFrame:
    """Count received lines that meet a condition: trap, lines, sales_cents, largest.

    `conditions` maps a name to SQL; `largest` is a customer's share of the sales.
    """
    sold = "coalesce(sum(amount_cents + coupon_cents) filter ({0}), 0)"
    asked = [
        f"count(*) filter ({{0}}), {sold}".format(one) for one in conditions.values()
    ]
    numbers = con.execute(f"select {', '.join(asked)} from received_lines").fetchall()[
        0
    ]
    found = {"trap": [*conditions], "lines": numbers[::2], "sales_cents": numbers[1::2]}
    found["largest"] = largest(con, "received_lines", conditions.values())
    return pd.DataFrame(found)


def refuse_empty(con: duckdb.DuckDBPyConnection, *, first: str, last: str) -> None:
    """Stop where a window of days, "auto" for all, holds no clean line."""
    start, end = con.execute(
        "select min(ordered_at)::date, max(ordered_at)::date from clean_lines"
    ).fetchall()[0]
    if start is not None and AUTO in (first, last):
        first, last = fitted(first, start), fitted(last, end)
    held = (
        start is not None
        and con.execute(
            "select count(*) from clean_lines where ordered_at::date between ? and ?",
            [first, last],
        ).fetchall()[0][0]
    )
    if not held:
        days = "" if AUTO in (first, last) else f" from {first} to {last}"
        where = f"Table lines: column ordered_at has no line{days}"
        if start is None:
            raise BadInput(
                f"{where}{', nor on any other day' * bool(days)}: no line was received, or the rules "
                "reject every one. Look at the reconciliation in 01_cleaning."
            )
        raise BadInput(
            f"{where}; clean lines run from {start} to {end}. Choose a window inside "
            "these days."
        )


def write(con: duckdb.DuckDBPyConnection, views: dict[str, str], *, run: str) -> None:
    """Save views or queries as standard tables: checked, sorted, all or none."""
    with contextlib.ExitStack() as stack:
        for name, view in views.items():
            partial = stack.enter_context(store.replacing(store.path(name, run=run)))
            schema.require(con.sql(f"from {view} limit 0").columns, name)
            layout = schema.TABLES[name].layout or _columns(name) or "all"
            con.sql(f"from {view} order by {layout}").write_parquet(
                str(partial), compression="zstd"
            )
            _refuse_doubles(con, name, partial)
            store.check_file(partial, name)


def _columns(name: str) -> str:
    """Write the key of a table for SQL, in which table itself is a word."""
    return ", ".join(map(identifier, schema.TABLES[name].key))


def _refuse_doubles(con: duckdb.DuckDBPyConnection, name: str, file: Path) -> None:
    key = _columns(name)
    if not key:
        return
    doubled = con.execute(
        f"""select {key}, count(*) as times from read_parquet(?) group by {key}
            having times > 1 order by {key} limit 3""",
        [literal(file)],
    ).df()
    if len(doubled):
        raise BadInput(
            f"Table {name}: the key {key.replace(chr(34), '')} stands more than once; the first are "
            f"{doubled.to_dict('records')}. Keep one row for each key."
        )


# Child, parent and the columns by which one points at the other.
REFERENCES = (
    ("clean_lines", "received_products", "product_id"),
    ("clean_lines", "received_customers", "customer_id"),
    ("received_contacts", "received_customers", "customer_id"),
    ("received_contacts", "received_campaigns", "campaign_id"),
    ("received_responses", "received_campaigns", "campaign_id"),
    ("received_responses", "received_contacts", "campaign_id, customer_id"),
    ("received_surveys", "received_customers", "customer_id"),
    ("received_contracts", "received_customers", "customer_id"),
    ("received_interactions", "received_customers", "customer_id"),
)


def received(con: duckdb.DuckDBPyConnection) -> list[str]:
    """List the standard tables that the source gave, lines apart, as `schema.TABLES` does."""
    found = con.execute(
        "select table_name from information_schema.tables "
        "where starts_with(table_name, 'received_')"
    ).fetchall()
    there = {name.removeprefix("received_") for (name,) in found} - {"lines"}
    return [name for name in schema.TABLES if name in there]


def _between(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    there = {"clean_lines", *(f"received_{name}" for name in received(con))}
    return [one for one in REFERENCES if {one[0], one[1]} <= there]


def references(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Count rows that point at nothing: reference, rows, without_match."""
    rows = []
    for child, parent, key in _between(con):
        total, lost = con.execute(
            f"""select (select count(*) from {child}),
                (select count(*) from {child} anti join {parent} using ({key}))"""
        ).fetchall()[0]
        names = [table.split("_")[1] for table in (child, parent)]
        rows.append((f"{names[0]} -> {names[1]} ({key})", total, lost))
    return pd.DataFrame(rows, columns=["reference", "rows", "without_match"])


def refuse_dangling(con: duckdb.DuckDBPyConnection) -> None:
    """Stop where a row points at nothing, with the first values of each column."""
    for child, parent, key in _between(con):
        lost = con.execute(
            f"""select distinct {key} from {child} anti join {parent} using ({key})
                order by all limit 3"""
        ).fetchall()
        if lost:
            names = [table.split("_")[1] for table in (child, parent)]
            first = "; ".join(", ".join(map(str, row)) for row in lost)
            raise BadInput(
                f"Table {names[0]}: column {key} holds values without a row in table "
                f"{names[1]}; the first are {first}. Add these rows to {names[1]}, or "
                f"remove those of {names[0]}."
            )
