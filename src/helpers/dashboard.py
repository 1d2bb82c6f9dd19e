"""Tables and findings of a run in, the contents of its dashboard out."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import pages, paths, plots, schema, tables

PERSONAS = "04_segment_personas"
GROUNDS = ("01_cleaning", "02_feature_engineering")  # why to trust it, not what to do
SMALLEST_CELL = 10  # customers; smaller groups are not shown on pages
SUMMARY = (
    *("segment_id", "name", "one_line", "customers", "share_customers", "sales"),
    *("share_sales", "sales_per_customer", "stability", "confidence", "action"),
)
MATRIX = ("value_tier", "tier_order", "segment_id", "name", "customers", "sales")
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


def contents(run: str, articles: Sequence[pages.Article]) -> dict[str, Any]:
    """Gather what the dashboard shows; what a run lacks stays empty.

    Parameters
    ----------
    run : str
        Name of the run.
    articles : sequence of pages.Article
        Its rendered notebooks.

    Returns
    -------
    dict
        figures, findings (what to decide), grounds (what it stands on), segments,
        matrix, and below: the smallest group shown.

    Raises
    ------
    schema.BadInput
        When a file is damaged or lacks a column.
    """
    folder = paths.processed(run)
    noted = [(a, _json(folder / "findings" / f"{a.name}.json")) for a in articles]
    personas = {a.name: a.anchors for a in articles}.get(PERSONAS)
    return {
        "figures": _json(folder / "key_figures.json"),
        # the latest stage first: it is nearest to what to do
        "findings": [
            (a, rows) for a, rows in reversed(noted) if rows and a.name not in GROUNDS
        ],
        "grounds": [(a, rows) for a, rows in noted if rows and a.name in GROUNDS],
        "segments": _segments(_table(folder, "segment_summary", SUMMARY), personas),
        "matrix": _matrix(_table(folder, "matrix", MATRIX)),
        "below": SMALLEST_CELL,
    }


def formats(currency: str) -> dict[str, Callable[[object], str]]:
    """Give the template filters count, percent, two (decimals) and money."""
    return {
        "count": lambda value: _number(value, "{:,.0f}"),
        "percent": lambda value: _number(value, "{:.1%}"),
        "two": lambda value: _number(value, "{:.2f}"),
        "money": lambda value: _money(value, currency),
    }


def _segments(summary: pd.DataFrame | None, personas: Mapping | None) -> list[dict]:
    if summary is None:
        return []
    sizes = summary["customers"].reset_index(drop=True)
    small = ~(sizes >= SMALLEST_CELL)
    hidden = small.copy()
    if small.sum() == 1 and len(sizes) > 1:
        # the total would give a single hidden segment away: hide a second one
        hidden[sizes.mask(small).idxmin()] = True
    figures = [name for name in SUMMARY if "customer" in name or "sales" in name]
    shown = summary.reset_index(drop=True).astype(dict.fromkeys(figures, object))
    shown.loc[hidden, figures] = None
    shown.loc[small, "customers"] = f"<{SMALLEST_CELL}"
    tops = summary[["share_customers", "share_sales"]].max().max()
    rows = shown.to_dict("records")
    for row in rows:
        row |= {"colour": plots.segment_colour(int(row["segment_id"])), "scale": tops}
        row["link"] = _persona_link(row["name"], personas) if row["segment_id"] else ""
    return rows


def _persona_link(name: str, anchors: Mapping[str, str] | None) -> str:
    if anchors is None:
        return ""
    near = (f"#{anchor}" for heading, anchor in anchors.items() if name in heading)
    return f"{PERSONAS}.html{next(near, '')}"


def _matrix(cells: pd.DataFrame | None) -> dict[str, Any]:
    if cells is None:
        return {}
    grid = {"index": ["segment_id", "name"], "columns": ["tier_order", "value_tier"]}
    cells = cells.astype({"value_tier": str})
    people = cells.pivot_table(**grid, values="customers", aggfunc="sum")
    money = cells.pivot_table(**grid, values="sales", aggfunc="sum")
    hidden = tables.withheld(people, below=SMALLEST_CELL)
    most = people.mask(hidden).max().max()
    rows = []
    # customers with too little data (0) come last, as in the table of segments
    for key in sorted(people.index, key=lambda key: (key[0] == 0, key)):
        row = [
            {
                "hidden": hidden.loc[key, tier],
                "small": not people.loc[key, tier] >= SMALLEST_CELL,
                "customers": people.loc[key, tier],
                "sales": money.loc[key, tier],
                "shade": people.loc[key, tier] / most,
            }
            for tier in people.columns
        ]
        rows.append(
            {"name": key[1], "colour": plots.segment_colour(int(key[0])), "cells": row}
        )
    return {"tiers": [tier for _, tier in people.columns], "rows": rows}


def _table(folder: Path, name: str, columns: Sequence[str]) -> pd.DataFrame | None:
    path = folder / f"{name}.parquet"
    if not path.exists():
        return None
    try:
        table = pd.read_parquet(path).reset_index()
    except (OSError, ValueError) as fault:
        raise schema.BadInput(
            f"{path} cannot be read ({fault}); rerun the notebook that writes it"
        ) from None
    lacking = [name for name in columns if name not in table]
    if lacking:
        raise schema.BadInput(f"{path} lacks the columns {', '.join(lacking)}")
    return table


def _json(path: Path) -> dict | list:
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise schema.BadInput(
            f"{path} is damaged ({fault}); rerun the notebook that writes it"
        ) from None


def _number(value: object, form: str) -> str:
    if isinstance(value, str):
        return value
    return tables.MISSING if value is None or pd.isna(value) else form.format(value)


def _money(value: object, currency: str) -> str:
    """Write an amount briefly: $950, $82.4k, $8.06m."""
    if value is None or isinstance(value, str) or pd.isna(value):
        return _number(value, "")
    symbol = SYMBOLS.get(currency, f"{currency} ".lstrip())
    sign, value = tables.MINUS if value < 0 else "", abs(value)
    for unit, letter, form in (
        (1e9, "bn", ".2f"),
        (1e6, "m", ".2f"),
        (1e4, "k", ".1f"),
    ):
        if value >= unit:
            scale = 1e3 if letter == "k" else unit
            return f"{sign}{symbol}{value / scale:{form}}{letter}"
    return f"{sign}{symbol}{value:,.0f}"
