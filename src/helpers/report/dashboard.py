"""Tables and findings of a run in, the contents of its dashboard out."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.core import errors, paths, store
from helpers.display import board, columns, tables
from helpers.report import explore, pages
from helpers.runs import failures

PERSONAS = "04_segment_personas"
# why to trust it, not what to do
GROUNDS = ("01_cleaning", "02_feature_engineering", "09_recovery")
SMALLEST_CELL = 10  # customers; smaller groups are not shown on pages
SUMMARY = (
    *("segment_id", "name", "one_line", "stability", "confidence", "action"),
    *("low", "high"),
)
VIEWS = ("by_1", "level_1", "customers", "sales", "later_sales")
PROFILE = (
    *("segment_id", "feature", "label", "family", "unit", "value", "low", "high"),
    *("overall", "marker"),
)
# What can be filtered, sorted, opened and compared where there are no segments.
NOTHING = {
    **dict.fromkeys(("described", "matrix", "data", "everyone")),
    **{"personas": [], "features": [], "segments": [], "worth": []},
}
# Stages of the full study by the number of their notebook.
STAGES = {
    "05": "the lifecycle journey of customers",
    "06": "activation: which campaigns and offers work",
    "07": "refinement: how segments drift over time",
    "08": "leads and prospects",
}
# Words of the page itself; the study's own glossary comes before them.
GLOSSARY = {
    "95 % interval": "Where the true value lies in 95 of 100 studies like this one. Wide is "
    "uncertain. Where the intervals of two segments overlap, they may be alike.",
    "Silhouette": "How much nearer a customer is to the own segment than to the next: 1 is "
    "islands, 0 is no border at all.",
    "Agreement": "How alike two repetitions of the study are (adjusted Rand index): 1 is "
    "the same segments, 0 is chance.",
    "Recovery": "How much of a segment comes back when the study is repeated on resampled "
    "customers: mean overlap (Jaccard), 1 is all of it.",
    "Jaccard": "Customers in both of two groups, over customers in either: 1 is the same "
    "group, 0 is nobody in common.",
    "p": "How often chance alone would give so large a value: 0.05 is one time in twenty.",
    "Trend": "Sales a day after the window, over sales a day within it, minus 1. Who was "
    "chosen for high sales falls on average, and who was chosen for low sales rises, "
    "even if nobody changes: read it across segments, not across value tiers.",
    "Marker": "A feature in which a segment stands out from the others.",
    "Withheld": "Not shown, because it holds fewer than 10 customers, or because a group of "
    "fewer than 10 could be worked out from it.",
    "Associated": "A difference in the data speaks for it; that it works is not shown.",
    "Assumed": "Judgement: nothing in the data speaks for it or against it.",
}


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
        halted (articles without a result), halted_said (how many they are), figures,
        findings (what to decide), grounds (what it stands on), described
        (views.json), boards (tables of notebooks, with their articles), everyone, segments, matrix, features, personas, missing (stages
        without a notebook), decided (decision.json), worth (value tiers and activity,
        level by level), glossary, below (the smallest group shown), script, policy (its
        hash) and data (for the script).

    Raises
    ------
    schema.BadInput
        When a file is damaged or lacks a column.
    """
    folder = paths.processed(run)
    whole = [a for a in articles if not a.lacking]
    halted = [a for a in articles if a.lacking]
    noted = [(a, _json(folder / "findings" / f"{a.name}.json")) for a in whole]
    # What an earlier run left of a notebook that now has no result would pass for new.
    if any(a.name == PERSONAS for a in halted):
        figures, explored = _about(run), NOTHING
    else:
        figures = _json(folder / "key_figures.json")
        explored = _explored(folder, symbol(figures.get("currency", "")))
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
        "figures": figures,
        # the latest stage first: it is nearest to what to do
        "findings": [
            (a, rows) for a, rows in reversed(noted) if rows and a.name not in GROUNDS
        ],
        "grounds": [(a, rows) for a, rows in noted if rows and a.name in GROUNDS],
        "missing": [
            stage
            for number, stage in STAGES.items()
            if not any(a.name.startswith(number) for a in articles)
        ],
        "decided": _json(folder / "decision.json"),
        "boards": [(a, put) for a in whole if (put := board.read(run, a.name))],
        "glossary": GLOSSARY | (figures.get("glossary") or {}),
        "below": SMALLEST_CELL,
        "script": script,
        "policy": _digest(script),
        **explored,
    }


def _about(run: str) -> dict[str, Any]:
    """Say what the data of a run are, where the notebook that also does has no result."""
    return _json(store.path("source", run=run))


def _explored(folder: Path, sign: str) -> dict[str, Any]:
    """Gather what can be filtered, sorted, opened and compared."""
    views, described = _table(folder, "views", VIEWS), _json(folder / "views.json")
    summary = _table(folder, "segment_summary", SUMMARY)
    profile = _table(folder, "segment_profile", PROFILE)
    found = NOTHING | {
        "described": described,
        "personas": [dict(card) for card in _json(folder / "personas.json") or []],
        "features": [] if profile is None else explore.profile(profile),
    }
    if views is None or not described:
        return found
    groups, days = explore.lookup(views), described["days"]
    rows = [] if summary is None else explore.segments(summary, groups, days=days)
    colours = {row["name"]: row["colour"] for row in rows}
    for card in found["personas"]:
        card["colour"] = colours.get(card["name"], "")
        card["shown"] = explore.figures(
            groups, {explore.NEEDS: card["name"]}, days=days
        )
    data = explore.data(
        described, views, rows=rows, features=found["features"], symbol=sign
    )
    return found | {
        "everyone": explore.figures(groups, {}, days=days),
        "segments": rows,
        "worth": [
            one
            for name in (explore.TIER, explore.ACTIVITY)
            if (one := explore.levels(described, groups, name))
        ],
        "matrix": explore.matrix(described, groups, colours)
        or explore.matrix(described, groups, {}, rows=explore.ACTIVITY),
        "data": explore.embedded(data),
    }


def _digest(script: str) -> str:
    """Name a script in a content security policy, so that no other may run."""
    code = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"script-src 'sha256-{code}'; "


def explainer(glossary: Mapping[str, str]) -> Callable[[str], str]:
    """Give a function that makes the first mention of each term a button.

    Parameters
    ----------
    glossary : mapping
        Term -> meaning. The button opens the element with the id of :func:`anchor`.

    Returns
    -------
    callable
        Text to HTML. It remembers what it has explained: use one for each page.
    """
    waiting = dict.fromkeys(sorted(glossary, key=len, reverse=True))

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


def _table(folder: Path, name: str, columns: Sequence[str]) -> pd.DataFrame | None:
    path = folder / f"{name}.parquet"
    if not path.exists():
        return None
    try:
        table = pd.read_parquet(path).reset_index()
    except (OSError, ValueError) as fault:
        raise errors.BadInput(
            f"{path} cannot be read ({fault}); rerun the notebook that writes it"
        ) from None
    lacking = [name for name in columns if name not in table]
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
