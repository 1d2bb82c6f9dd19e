"""Published views and profiles of a run in, what the dashboard explores out."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from helpers.display import plots

NEEDS, TIER, ACTIVITY = "needs", "value_tier", "activity"
MEASURES = ("sales", "later_sales")

Conditions = Mapping[str, str]


def lookup(views: pd.DataFrame) -> dict[frozenset, dict[str, float]]:
    """Key each published group by its conditions.

    Parameters
    ----------
    views : DataFrame
        by_1, level_1 and so on, customers, sales and later_sales (currency).

    Returns
    -------
    dict
        Conditions (a frozenset of dimension and level) -> customers, sales, later_sales.
    """
    parts = sum(name.startswith("by_") for name in views)
    by = views[[f"by_{i + 1}" for i in range(parts)]].to_numpy()
    levels = views[[f"level_{i + 1}" for i in range(parts)]].to_numpy()
    keys = [
        frozenset(pair for pair in zip(*row, strict=True) if pair[0])
        for row in zip(by, levels, strict=True)
    ]
    told = views[["customers", *MEASURES]].to_dict("records")
    return dict(zip(keys, told, strict=True))


def figures(
    groups: Mapping[frozenset, Mapping[str, float]],
    conditions: Conditions,
    *,
    days: Mapping[str, int],
) -> dict[str, float] | None:
    """Give what is shown of one group.

    Parameters
    ----------
    groups : mapping
        From :func:`lookup`.
    conditions : mapping
        Dimension -> level.
    days : mapping
        Length of the two windows in days: sales, later_sales.

    Returns
    -------
    dict or None
        customers, sales, later_sales, share_customers and share_sales (of everyone),
        sales_per_customer, and trend: later sales a day over sales a day, minus 1
        (missing without sales). None for a group that is withheld.
    """
    group = groups.get(frozenset(conditions.items()))
    if group is None:
        return None
    everyone = groups[frozenset()]
    before, after = (
        group[name] / days[name] if days[name] else None for name in MEASURES
    )
    judged = after is not None and before is not None and before > 0
    return {
        **group,
        "share_customers": group["customers"] / everyone["customers"],
        "share_sales": group["sales"] / everyone["sales"]
        if everyone["sales"]
        else None,
        "sales_per_customer": group["sales"] / group["customers"],
        "trend": after / before - 1 if judged else None,
    }


def segments(
    summary: pd.DataFrame,
    groups: Mapping[frozenset, Mapping[str, float]],
    *,
    days: Mapping[str, int],
) -> list[dict[str, Any]]:
    """Join what is known of each segment with what may be shown of it.

    Parameters
    ----------
    summary : DataFrame
        One row a segment: segment_id, name, one_line, action, confidence, stability,
        low and high (95 % interval of the sales a customer).
    groups, days
        As for :func:`figures`.

    Returns
    -------
    list of dict
        In the order of `summary`, with colour; a segment that is withheld has no
        figures, and no interval either.
    """
    rows = []
    for row in summary.to_dict("records"):
        shown = figures(groups, {NEEDS: row["name"]}, days=days)
        if shown is None:
            row |= {"low": None, "high": None}
        colour = plots.segment_colour(int(row["segment_id"]))
        rows.append(row | {"colour": colour, "shown": shown})
    return rows


def levels(
    described: Mapping[str, Any],
    groups: Mapping[frozenset, Mapping[str, float]],
    name: str,
) -> dict[str, Any]:
    """Show each level of one dimension.

    Parameters
    ----------
    described : mapping
        views.json: dimensions with their levels, days.
    groups : mapping
        As for :func:`figures`.
    name : str
        The dimension.

    Returns
    -------
    dict
        label, and rows: level, shown (:func:`figures` with share_later, the share of
        all later sales; None where the level is withheld). Empty if it is lacking.
    """
    found = [one for one in described["dimensions"] if one["name"] == name]
    if not found:
        return {}
    later = groups[frozenset()]["later_sales"]
    rows = []
    for level in found[0]["levels"]:
        shown = figures(groups, {name: level}, days=described["days"])
        if shown is not None:
            shown["share_later"] = shown["later_sales"] / later if later > 0 else None
        rows.append({"level": level, "shown": shown})
    return {"label": found[0]["label"], "rows": rows}


def matrix(
    described: Mapping[str, Any],
    groups: Mapping[frozenset, Mapping[str, float]],
    colours: Mapping[str, str],
    *,
    rows: str = NEEDS,
) -> dict[str, Any]:
    """Cross needs segments, or another dimension, with value tiers.

    Parameters
    ----------
    described : mapping
        views.json: dimensions with their levels, days.
    groups : mapping
        As for :func:`figures`.
    colours : mapping
        Segment -> colour.
    rows : str
        The dimension that is crossed with value tiers.

    Returns
    -------
    dict
        tiers, and rows: name, colour, cells (figures or None, each with a shade from 0
        to 1, the share of the largest cell). Empty if a dimension is lacking.
    """
    levels = {one["name"]: one["levels"] for one in described["dimensions"]}
    if not {rows, TIER} <= levels.keys():
        return {}
    cells = {
        (need, tier): figures(groups, {rows: need, TIER: tier}, days=described["days"])
        for need in levels[rows]
        for tier in levels[TIER]
    }
    most = max((cell["customers"] for cell in cells.values() if cell), default=1)
    table = [
        {
            "name": need,
            "colour": colours.get(need, ""),
            "cells": [
                (cell := cells[need, tier])
                and cell | {"shade": cell["customers"] / most}
                for tier in levels[TIER]
            ],
        }
        for need in levels[rows]
    ]
    return {"tiers": levels[TIER], "rows": table}


def profile(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Gather each feature's value in every segment.

    Parameters
    ----------
    table : DataFrame
        segment_id, feature, label, family, unit, value, low, high (95 % interval),
        overall, marker.

    Returns
    -------
    list of dict
        One a feature, in the order of `table`: feature, label, family, unit, overall,
        and segments: id -> value, low, high, marker.
    """
    features = []
    for feature, rows in table.groupby("feature", sort=False):
        first = rows.iloc[0]
        features.append(
            {"feature": feature}
            | {name: str(first[name]) for name in ("label", "family", "unit")}
            | {"overall": _plain(first["overall"])}
            | {
                "segments": {
                    str(row.segment_id): [
                        *map(_plain, (row.value, row.low, row.high)),
                        bool(row.marker),
                    ]
                    for row in rows.itertuples()
                }
            }
        )
    return features


def data(
    described: Mapping[str, Any],
    views: pd.DataFrame,
    *,
    rows: Sequence[Mapping[str, Any]],
    features: Sequence[Mapping[str, Any]],
    symbol: str,
) -> dict[str, Any]:
    """Write what the page's script needs, without a row about any customer.

    Parameters
    ----------
    described : mapping
        views.json: dimensions with their levels, apart, most, below, days.
    views : DataFrame
        The published groups.
    rows : sequence of mappings
        From :func:`segments`.
    features : sequence of mappings
        From :func:`profile`.
    symbol : str
        Sign of the currency.

    Returns
    -------
    dict
        tables: positions of the dimensions, with commas -> one list of customers (0 is
        withheld), level by level with the last dimension running fastest, and one list
        a measure with the groups that are shown.
    """
    names = [one["name"] for one in described["dimensions"]]
    return {
        "dimensions": described["dimensions"],
        "apart": [[names.index(name) for name in pair] for pair in described["apart"]],
        **{name: described[name] for name in ("most", "below")},
        "days": [described["days"][name] for name in MEASURES],
        "symbol": symbol,
        "segments": [
            {"id": row["segment_id"], "name": row["name"], "colour": row["colour"]}
            for row in rows
        ],
        "features": list(features),
        "tables": _tables(described["dimensions"], views),
    }


def _tables(dimensions: Sequence[Mapping], views: pd.DataFrame) -> dict[str, list]:
    """Lay the published groups out table by table."""
    place = {one["name"]: i for i, one in enumerate(dimensions)}
    parts = sum(name.startswith("by_") for name in views)
    tables = {}
    for by, rows in views.groupby([f"by_{i + 1}" for i in range(parts)], sort=False):
        used = [place[name] for name in by if name]
        levels = [list(map(str, dimensions[i]["levels"])) for i in used]
        at = pd.Series(0, index=rows.index)
        for number, names in enumerate(levels, 1):
            codes = rows[f"level_{number}"].map(
                {name: i for i, name in enumerate(names)}
            )
            at = at * len(names) + codes
        order = at.argsort()
        customers = [0] * math.prod(map(len, levels))
        for spot, count in zip(at, rows["customers"], strict=True):
            customers[spot] = int(count)
        money = [
            rows[name].iloc[order].round().astype(int).tolist() for name in MEASURES
        ]
        tables[",".join(map(str, used))] = [customers, *money]
    return tables


def embedded(content: Mapping[str, Any]) -> str:
    """Write data as JSON that no browser takes for markup."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _plain(value: float) -> float | None:
    """Give four significant digits, or None for what is missing."""
    return None if pd.isna(value) else float(f"{value:.4g}")
