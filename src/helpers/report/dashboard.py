"""Tables and findings of a run in, the contents of its dashboard out."""

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.core import errors, paths, store
from helpers.core.paths import beside
from helpers.disclosure import cube
from helpers.disclosure.suppression import MIN_CELL
from helpers.display import columns, evidence, findings, plots, tables
from helpers.report import pages
from helpers.runs import failures

PERSONAS = "04_segment_personas"
NEEDS, TIER, ACTIVITY = "needs", "value_tier", "activity"
MEASURES = ("sales", "holdout_sales")
# why to trust it, not what to do
GROUNDS = ("01_cleaning", "02_feature_engineering", "09_recovery")
# What can be filtered, sorted, opened and compared where there are no segments.
NOTHING = {
    **dict.fromkeys(("described", "matrix", "data", "everyone", "crossed")),
    **{"personas": [], "features": [], "segments": [], "worth": []},
}
# Stages of the full study by the number of their notebook; columns of tables it reads.
_GIVEN = beside(__file__, "dashboard.yaml")
# Words of the page itself; the study's own glossary comes before them.
GLOSSARY: dict[str, str] = beside(__file__, "glossary.yaml") | evidence.GLOSSARY


def contents(run: str, articles: Sequence[pages.Article]) -> dict[str, Any]:
    """Gather what the dashboard shows of a run; what it lacks stays empty.

    Among it: halted (articles without a result), findings (what to decide), grounds
    (what it stands on), described (views.json), missing (stages without a notebook),
    worth (value tiers and activity), below (the smallest group shown), data (for the
    script) and policy (its hash). BadInput when a file is damaged or lacks a column.
    """
    folder = paths.processed(run)
    whole = [a for a in articles if not a.lacking]
    halted = [a for a in articles if a.lacking]
    noted = [(a, _json(folder / "findings" / f"{a.name}.json")) for a in whole]
    # What an earlier run left of a notebook that now has no result would pass for new.
    if any(a.name == PERSONAS for a in halted):
        known, explored = _json(store.path("source", run=run)), NOTHING
    else:
        known = _json(folder / "key_figures.json")
        explored = _explored(folder, symbol(known.get("currency", "")))
    script = (pages.TEMPLATES / "dashboard.js").read_text(encoding="utf-8")
    anchors = {a.name: a.anchors for a in whole}.get(PERSONAS)
    for row in [*explored["segments"], *explored["personas"]]:
        row["link"] = _persona_link(row["name"], anchors) if row["segment_id"] else ""
    stopped = [a for a in halted if a.failure]
    return {
        "halted": halted,
        "halted_said": failures.counted(
            len(stopped), len(halted) - len(stopped), len(articles)
        ),
        "figures": known,
        # the latest stage first: it is nearest to what to do
        "findings": [
            (a, rows) for a, rows in reversed(noted) if rows and a.name not in GROUNDS
        ],
        "grounds": [(a, rows) for a, rows in noted if rows and a.name in GROUNDS],
        "missing": [
            stage
            for number, stage in _GIVEN["stages"].items()
            if not any(a.name.startswith(number) for a in articles)
        ],
        "decided": _json(folder / "decision.json"),
        "boards": [
            (a, put) for a in whole if (put := findings.read_tables(run, a.name))
        ],
        "glossary": GLOSSARY | (known.get("glossary") or {}),
        "below": MIN_CELL,
        "money": _value(explored["described"] or {}),
        "later": bool((explored["described"] or {}).get("days", True)),
        "script": script,
        "policy": _digest(script),
        **explored,
    }


def _explored(folder: Path, sign: str) -> dict[str, Any]:
    """Gather what can be filtered, sorted, opened and compared."""
    described = _json(folder / "views.json")
    summed = [*described.get("days", MEASURES)]
    if not summed and _value(described):
        summed = ["sales"]
    views = _table(folder, "views", *summed)
    summary = _table(folder, "segment_summary")
    values = _table(folder, "segment_profile")
    found = NOTHING | {
        "described": described,
        "personas": [dict(card) for card in _json(folder / "personas.json") or []],
        "features": [] if values is None else profile(values),
    }
    if views is None or not described:
        return found
    groups, days = lookup(views), described["days"]
    rows = [] if summary is None else segments(summary, groups, days=days)
    colours = {row["name"]: row["colour"] for row in rows}
    for card in found["personas"]:
        card["colour"] = colours.get(card["name"], "")
        card["shown"] = figures(groups, {NEEDS: card["name"]}, days=days)
    data = script_data(
        described, views, rows=rows, features=found["features"], symbol=sign
    )
    return found | {
        "everyone": figures(groups, {}, days=days),
        "segments": rows,
        "worth": [
            one
            for name in (TIER, ACTIVITY, *_attributes(described))
            if (one := levels(described, groups, name))
        ],
        "crossed": crossed_by(described),
        "matrix": matrix(described, groups, colours, rows=crossed_by(described)),
        "data": embedded(data),
    }


def crossed_by(described: Mapping[str, Any]) -> str:
    """Name what is crossed with value tiers: needs, else activity, else an attribute."""
    there = [one["name"] for one in described["dimensions"]]
    asked = (NEEDS, ACTIVITY, *_attributes(described))
    return next((name for name in asked if name in there), "")


def _attributes(described: Mapping[str, Any]) -> list[str]:
    """Name the attributes of a run without a later window: they carry its page."""
    own = described["dimensions"] if not described["days"] else []
    return [one["name"] for one in own if one["attribute"]]


def _value(described: Mapping[str, Any]) -> str:
    """Name what is summed up: sales, or the column of money of a customer table."""
    return described.get("value", "sales")


def _digest(script: str) -> str:
    """Name a script in a content security policy, so that no other may run."""
    code = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"script-src 'sha256-{code}'; "


def explainer(terms: Iterable[str]) -> Callable[[str], str]:
    """Give a function that writes text as HTML, each term's first mention a button.

    The button opens the element with the id of :func:`anchor`; one function serves a
    page.
    """
    waiting = dict.fromkeys(sorted(terms, key=len, reverse=True))

    def explain(text: str) -> str:
        left = "|".join(map(_pattern, waiting))
        said, at = [], 0
        for found in re.finditer(rf"(?<!\w)(?:{left})(?!\w)", text, re.IGNORECASE):
            term = _term(found.group(), waiting)
            if term is None:
                continue  # explained before
            del waiting[term]
            said += [
                html.escape(text[at : found.start()]),
                _button(term, found.group()),
            ]
            at = found.end()
        return "".join([*said, html.escape(text[at:])])

    return explain


def anchor(term: str) -> str:
    """Give the id of the element that explains a term."""
    return "term-" + re.sub(r"\W+", "-", term.lower()).strip("-")


def _button(term: str, words: str) -> str:
    return (
        f'<button type="button" class="term" popovertarget="{anchor(term)}">'
        f"{html.escape(words)}</button>"
    )


def _pattern(term: str) -> str:
    # a single letter is a symbol: it counts only where it stands before its value
    return rf"{re.escape(term)}(?= [=<])" if len(term) == 1 else rf"{re.escape(term)}s?"


def _term(found: str, waiting: Mapping[str, None]) -> str | None:
    asked = found.lower()
    return next(
        (t for t in waiting if t.lower() in (asked, asked.removesuffix("s"))), None
    )


def symbol(currency: str) -> str:
    """Give the sign that stands before an amount of money."""
    return columns.symbol(currency).lstrip()


def formats(currency: str) -> dict[str, Callable[[object], str]]:
    """Give the template filters count, percent, two, money, change and quantity."""
    sign = symbol(currency)
    return {
        "count": lambda value: _number(value, "{:,.0f}"),
        "percent": lambda value: _number(value, "{:.1%}"),
        "two": lambda value: _number(value, "{:.2f}"),
        "money": lambda value: _money(value, sign),
        "change": _change,
        "anchor": anchor,
        "quantity": lambda value, unit: _quantity(value, unit, sign),
    }


def _persona_link(name: str, anchors: Mapping[str, str] | None) -> str:
    if anchors is None:
        return ""
    near = (f"#{anchor}" for heading, anchor in anchors.items() if name in heading)
    return f"{PERSONAS}.html{next(near, '')}"


def _table(folder: Path, name: str, *more: str) -> pd.DataFrame | None:
    path = folder / f"{name}.parquet"
    if not path.exists():
        return None
    try:
        table = pd.read_parquet(path).reset_index()
    except (OSError, ValueError) as fault:
        raise errors.BadInput(
            f"{path} cannot be read ({fault}); rerun the notebook that writes it"
        ) from None
    lacking = [one for one in (*_GIVEN["columns"][name], *more) if one not in table]
    if lacking:
        raise errors.BadInput(f"{path} lacks the columns {', '.join(lacking)}")
    return table


def _json(path: Path) -> dict | list:
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise errors.BadInput(
            f"{path} is damaged ({fault}); rerun the notebook that writes it"
        ) from None


def _number(value: object, form: str) -> str:
    if isinstance(value, str):
        return value
    return tables.MISSING if value is None or pd.isna(value) else form.format(value)


def _change(value: object) -> str:
    """Write a relative change with its sign: +3%, −12%."""
    if value is None or pd.isna(value):
        return tables.MISSING
    return f"{value:+.0%}".replace("-", tables.MINUS).replace(
        f"{tables.MINUS}0%", "+0%"
    )


def _quantity(value: object, unit: str, sign: str) -> str:
    """Write the value of a feature in its unit."""
    if unit == "currency":
        return _money(value, sign)
    if unit == "share":
        return _number(value, "{:.1%}")
    return _number(value, "{:,.2f}").replace("-", tables.MINUS)


def _money(value: object, symbol: str) -> str:
    """Write an amount briefly: $950, $82.4k, $8.06m."""
    if value is None or isinstance(value, str) or pd.isna(value):
        return _number(value, "")
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


def lookup(views: pd.DataFrame) -> dict[frozenset, dict[str, float]]:
    """Key each published group by its conditions: customers and sales (currency)."""
    told = views[["customers", *_measured(views)]].to_dict("records")
    return dict(zip(cube.keys(views), told, strict=True))


def figures(
    groups: Mapping[frozenset, Mapping[str, float]],
    conditions: Mapping[str, str],
    *,
    days: Mapping[str, int],
) -> dict[str, float] | None:
    """Give what is shown of one group of `lookup`; None if it is withheld.

    Shares are of everyone; trend is later sales a day over sales a day, minus 1.
    """
    group = groups.get(frozenset(conditions.items()))
    if group is None:
        return None
    everyone = groups[frozenset()]
    before, after = (
        group[name] / days[name] if days.get(name) else None for name in MEASURES
    )
    judged = after is not None and before is not None and before > 0
    sales, everything = group.get("sales"), everyone.get("sales")
    return {
        **group,
        "share_customers": group["customers"] / everyone["customers"],
        "share_sales": sales / everything if everything else None,
        "sales_per_customer": None if sales is None else sales / group["customers"],
        "trend": after / before - 1 if judged else None,
    }


def _measured(views: pd.DataFrame) -> list[str]:
    """Name the sums of a run: its value may be unknown, or nothing be known of later."""
    return [name for name in MEASURES if name in views]


def segments(
    summary: pd.DataFrame,
    groups: Mapping[frozenset, Mapping[str, float]],
    *,
    days: Mapping[str, int],
) -> list[dict[str, Any]]:
    """Join what is known of each segment with what may be shown of it."""
    rows = []
    for row in summary.to_dict("records"):
        shown = figures(groups, {NEEDS: row["name"]}, days=days)
        if shown is None:
            row |= {"low": None, "high": None}  # of its sales a customer
        colour = plots.segment_colour(int(row["segment_id"]))
        rows.append(row | {"colour": colour, "shown": shown})
    return rows


def levels(
    described: Mapping[str, Any],
    groups: Mapping[frozenset, Mapping[str, float]],
    name: str,
) -> dict[str, Any]:
    """Show each level of a dimension, with its share of later sales; empty if none."""
    found = [one for one in described["dimensions"] if one["name"] == name]
    if not found:
        return {}
    later = groups[frozenset()].get("holdout_sales", 0)
    rows = []
    for level in found[0]["levels"]:
        shown = figures(groups, {name: level}, days=described["days"])
        if shown is not None:
            shown["share_later"] = shown["holdout_sales"] / later if later > 0 else None
        rows.append({"level": level, "shown": shown})
    return {"label": found[0]["label"], "rows": rows}


def matrix(
    described: Mapping[str, Any],
    groups: Mapping[frozenset, Mapping[str, float]],
    colours: Mapping[str, str],
    *,
    rows: str = NEEDS,
) -> dict[str, Any]:
    """Cross a dimension with value tiers; a shade is the share of the largest cell."""
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
    """Gather each feature's value, low, high (95% interval), marker by segment."""
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


def script_data(
    described: Mapping[str, Any],
    views: pd.DataFrame,
    *,
    rows: Sequence[Mapping[str, Any]],
    features: Sequence[Mapping[str, Any]],
    symbol: str,
) -> dict[str, Any]:
    """Write what the page's script needs, without a row about any customer.

    tables: positions of the dimensions, with commas -> one list of customers (0 is
    withheld), level by level with the last dimension running fastest, and one list a
    measure with the groups that are shown.
    """
    names = [one["name"] for one in described["dimensions"]]
    return {
        "dimensions": described["dimensions"],
        "apart": [[names.index(name) for name in pair] for pair in described["apart"]],
        **{name: described[name] for name in ("most", "below")},
        "days": [described["days"].get(name, 0) for name in MEASURES],
        "value": _value(described),
        "each": bool(_value(described)) and not described.get("note"),
        "rows": crossed_by(described),
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
            rows[name].iloc[order].round().astype(int).tolist()
            for name in _measured(views)
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
