"""Foretell from an analyst's tables which parts of the study they are enough for."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from helpers.core import engines
from helpers.intake import types
from helpers.runs import data_sufficiency, horizons, run_file
from helpers.runs.horizons import BuyingPattern
from helpers.runs.mapping import Source

BOOK = data_sufficiency.MADE_BY
# What else customers may differ in where needs tell little.
SHAPE = ("sales_per_order", "lines_per_order", "weekend_share")
# Columns of each other table that `data_sufficiency.facts` asks for, and what stands in for one.
_ASKED = {
    "contacts": {"customer_id": "null", "arm": None},
    "responses": {"customer_id": "null"},
    "contracts": {"renewed": "null::boolean"},
    "surveys": {"score": "null"},
    "interactions": {"happened_at": "null"},
    "leads": {"won_on": "null::timestamp"},
}


def parts(
    con: duckdb.DuckDBPyConnection,
    names: dict[str, Source],
    *,
    settings: dict[str, Any],
    spill: Path,
    keep: bool = True,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Hold each part of the study to what the typed tables have, as notebook 2 will.

    `settings` are the parameters of notebook 2. Returns the verdicts, and what they rest
    on: days (the three of the windows), min_orders, min_lines, customers (with sales),
    enough, repeat, active_days, one_line.
    """
    files = _copied(con, names, spill, rules_off=settings.get("disabled_rules", []))
    if not keep:
        con.execute("drop table typed_lines")
    given = tuple(
        settings[name] for name in ("train_start", "train_end", "holdout_end")
    )
    days = horizons.windows(*horizons.covered(con, str(files["lines"])), given=given)
    table = _each(con, files, days)
    buying = BuyingPattern.of(table, first=days[0], last=days[1], later=days[2])
    limits = {
        "min_orders": horizons.fitted(settings["min_orders"], buying.min_orders),
        "min_lines": buying.enough_lines(settings["min_lines"]),
    }
    window = dict(zip(("first", "last", "later"), days, strict=True))
    facts = data_sufficiency.facts(con, files, **window, **limits)
    enough = table[(table["orders"] >= limits["min_orders"])]
    varied = sum(enough[name].max() > enough[name].min() for name in SHAPE)
    facts["needs"] = facts["needs"] if facts["needs"] > 1 else varied
    verdicts = data_sufficiency.verdict(
        facts,
        customers=settings["min_customers"],
        segmented=settings["min_segmented"],
        events=settings["min_events"],
    )
    counted = {name: int(facts[name]) for name in ("enough", "repeat")}
    told = {
        "days": days,
        "customers": int((table["sales"] > 0).sum()),
        "active_days": buying.active_days,
        "one_line": buying.one_line,
    }
    return verdicts, told | limits | counted


def say(verdicts: pd.DataFrame, told: dict[str, Any]) -> list[str]:
    """Put what `parts` returned in sentences: the windows, who has enough, each part."""
    first, last, later = told["days"]
    held = f"judged by the days to {later}" if later > last else "no later window"
    lines = f" and {told['min_lines']} lines" if told["min_lines"] else ""
    said = [
        f"Windows: features from {first} to {last}, {held}.",
        f"{told['enough']:,} of {told['customers']:,} customers have enough data: "
        f"{told['min_orders']} orders{lines} or more"
        + " (a line is an order, so lines are not asked for)" * told["one_line"]
        + ".",
    ]
    if not told["repeat"]:
        said.append(
            "Each customer has one order: no usual time between orders, no activity, no "
            "repeat. What can be said is the value of customers and of orders."
        )
    return said + [
        f"{row.part}: {row.said[0].lower()}{row.said[1:]}"
        for row in verdicts.itertuples()
    ]


def of_settings(
    con: duckdb.DuckDBPyConnection,
    sources: list[Source],
    *,
    settings: dict[str, Any],
    spill: Path,
    keep: bool = True,
) -> tuple[list[str], str]:
    """Foretell the parts in sentences, and why the study will stop (empty if not).

    `settings` are those of `parts`, and `disabled_rules` of notebook 1. Unless typed_lines is to be
    kept, its memory goes to what is counted.
    """
    names = {source.table: source for source in sources}
    stops = "The study will stop in notebook {}. {}"
    off = settings.get("disabled_rules", [])
    bought = "lines" in names and _purchase(names["lines"], off)
    if not (
        bought
        and con.execute(f"select 1 from typed_lines where {bought} limit 1").fetchall()
    ):
        why = "Table lines: no line has a customer and is a purchase of goods."
        return [], stops.format(1, why)
    verdicts, told = parts(con, names, settings=settings, spill=spill, keep=keep)
    few = data_sufficiency.few(
        told["customers"],
        least=settings["min_customers"],
        first=told["days"][0],
        last=told["days"][1],
    )
    return ([], stops.format(2, few)) if few else (say(verdicts, told), "")


def fitted() -> dict[str, Any]:
    """Return the parameters of notebook 2 of a run file that sets none."""
    declared = run_file.declared(run_file.notebook_file(BOOK))
    return {
        name: run_file.AUTO
        if name in run_file.FITTED and run_file.fits(run_file.AUTO, one.kind)
        else one.default
        for name, one in declared.items()
    }


def _purchase(source: Source, rules_off: Collection[str]) -> str:
    """Write the condition of a line that notebook 1 will most likely keep."""
    rules = {
        "cancellation or return": f"coalesce({types.taken_back(source)}, false)",
        "order not completed": types.uncompleted(source),
        "service": types.service(source),
    }
    asked = [f" and not {sql}" for rule, sql in rules.items() if rule not in rules_off]
    return f"customer_id is not null and ordered_at is not null{''.join(asked)}"


def _copied(
    con: duckdb.DuckDBPyConnection,
    names: dict[str, Source],
    spill: Path,
    *,
    rules_off: Collection[str],
) -> dict[str, Path]:
    """Copy what is counted to files of the standard names."""
    lines = names["lines"]
    queries = {
        "lines": f"""select customer_id, order_id, ordered_at, product_id,
            cents / 100.0 as money
            from typed_lines where {_purchase(lines, rules_off)}""",
        "products": _products(names),
    }
    for table, columns in _ASKED.items():
        if table in names:
            chosen = [
                name if name in names[table].columns else f"{value} as {name}"
                for name, value in columns.items()
                if value or name in names[table].columns
            ]
            queries[table] = f"select {', '.join(chosen)} from typed_{table}"
    files = {}
    for table, query in queries.items():
        files[table] = spill / f"outlook_{table}.parquet"
        con.sql(query).write_parquet(str(files[table]))
        files[table] = Path(engines.literal(files[table]))
    return files


def _products(names: dict[str, Source]) -> str:
    source = names.get("products", names["lines"])
    told = types.tells_need(source)
    need = f"coalesce(mode({told[0]}), 'other')" if told else "'other'"
    known = f"""select product_id, {need} as need_state
        from typed_{source.table} where product_id is not null group by 1"""
    return f"""with known as ({known}) from known union all
        select distinct product_id, 'other' from typed_lines
        anti join known using (product_id)"""


def _each(
    con: duckdb.DuckDBPyConnection, files: dict[str, Path], days: tuple[str, str, str]
) -> pd.DataFrame:
    """Count of each customer what `BuyingPattern.of` asks for, in the training window."""
    return con.execute(
        # Groups within groups go to disk where they are many; distinct counts would not.
        """with lines as not materialized (select * from read_parquet($lines)
            where ordered_at::date between $first::date and $last::date),
        orders as (select customer_id, order_id, count(*) as lines, sum(money) as sales,
            sum((isodow(ordered_at) >= 6)::int) as weekend, min(ordered_at) as first,
            max(ordered_at) as last from lines group by all),
        days as (select customer_id, count(*) as days
            from (select distinct customer_id, ordered_at::date from lines) group by all)
        select count(*) as orders, sum(lines)::bigint as lines, sum(sales) as sales,
            sum(sales) / count(*) as sales_per_order,
            sum(lines) / count(*) as lines_per_order,
            sum(weekend) / sum(lines) as weekend_share,
            date_diff('day', min(first)::date, max(last)::date)
                / nullif(any_value(days) - 1, 0) as gap_mean_days
        from orders join days using (customer_id) group by customer_id""",
        {"lines": str(files["lines"]), "first": days[0], "last": days[1]},
    ).df()
