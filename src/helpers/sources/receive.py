"""Receive the tables of any source under the standard names, and say where they come from."""

import importlib
from pathlib import Path

import duckdb
import pandas as pd

from helpers.core import engines, paths, schema
from helpers.core.paths import beside
from helpers.runs import run_file

# What every reader of a report must know of a source.
ABOUT = beside(__file__, "receive.yaml")
# Columns of lines that only help to clean them.
MARKS = ("duplicate", "uncompleted", "cancelled", "reversed", "service")


def receive(
    con: duckdb.DuckDBPyConnection,
    *,
    run: str,
    source: str,
    raw_folder: str,
    time_zone: str,
    accounts: int,
    planted: bool,
    seed: int,
) -> pd.DataFrame:
    """Open a run's tables in `con` as received_<table>; BadInput if one is not sound.

    `source` is complete_journey, uniform_supplier or files. `raw_folder` (from the
    project's root; empty: the installed package's) and `time_zone` (of the shops'
    clock) are for complete_journey; `accounts`, `planted` (whether campaigns, drivers
    and drift do anything) and `seed` for uniform_supplier. Returns a row a table:
    table, rows, columns and, by source, key or file and notes.
    """
    engines.offline(con)
    # Each source brings libraries of its own, so only the one asked for is imported; by
    # name, so that make redoes a run only when its own source has changed.
    loader = importlib.import_module(f"helpers.{run_file.SOURCES[source]}")
    if source == "files":
        return loader.receive(con, run=run)
    if source == "complete_journey":
        folder = paths.ROOT / raw_folder if raw_folder else None
        found = loader.complete_journey(con, folder=folder)
        loader.standardise_complete_journey(con, time_zone=time_zone)
        return found
    folder = paths.raw(run)
    loader.save(
        *loader.uniform_supplier(seed=seed, accounts=accounts, effects=planted),
        folder=folder,
    )
    return _simulated(con, folder)


def about_table(about: str, *, simulated: bool) -> dict:
    """Say what a reader must know of a customer table, as ABOUT does of a source.

    `about` is its subtitle, if not empty; `simulated` says that no customer is real.
    """
    told = dict(ABOUT["customer_table"]) | ({"subtitle": about} if about else {})
    if not simulated:
        return told
    more = ABOUT["simulated"]
    said = {key: [*more[key], *told[key]] for key in ("provenance", "limits")}
    subtitle = f"{told['subtitle']}: {more['subtitle']}"
    return told | said | {"subtitle": subtitle, "simulated": True}


def _simulated(con: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """Open the simulated tables; what was planted stays unread."""
    rows = []
    for name in (
        name for name in schema.TABLES if (folder / f"{name}.parquet").exists()
    ):
        table = con.read_parquet(engines.literal(folder / f"{name}.parquet"))
        table.create_view(f"raw_{name}", replace=True)
        rows.append((name, table.shape[0], len(table.columns)))
        if name != "lines":
            con.execute(
                f"create or replace temp view received_{name} as from raw_{name}"
            )
    described = [row[0] for row in con.execute("describe raw_lines").fetchall()]
    content = ", ".join(column for column in described if column != "line_id")
    con.execute(
        f"""create or replace temp table received_lines as
        select *, row_number() over (partition by {content} order by line_id) > 1
            as duplicate from raw_lines"""
    )
    return pd.DataFrame(rows, columns=["table", "rows", "columns"])


def settled(con: duckdb.DuckDBPyConnection, view: str) -> str:
    """Write the query of a view of lines without the columns that helped to clean."""
    there = {row[0] for row in con.execute(f"describe {view}").fetchall()}
    marks = [mark for mark in MARKS if mark in there]
    left_out = f" exclude ({', '.join(marks)})" if marks else ""
    return f"(select *{left_out} from {view})"
