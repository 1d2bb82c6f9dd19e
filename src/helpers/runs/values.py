"""Which values the parameters of notebooks may have: numbers, words, days, zones."""

import datetime
import difflib
import functools
import importlib.resources
import math
import re
from collections.abc import Sequence
from typing import Any

from helpers.core.errors import shown
from helpers.core.paths import beside
from helpers.runs import currency, mapping

AUTO = "auto"  # a value that fits the data
_TOLD = beside(__file__, "run_file.yaml")
FITTED: list[str] = _TOLD["fitted"]
LIMITS: dict[str, Any] = _TOLD["limits"]
FREE = [None, None]  # the limit of any number, and of as many as one likes
_PLAIN = {"bool": (bool,), "int": (int,), "float": (float, int), "str": (str,)}
# Kind -> what to write, of one value and of several.
_WRITTEN = {
    "bool": ("true or false", "true or false"),
    "int": ("a whole number", "whole numbers"),
    "float": ("a number", "numbers"),
    "str": ("a text", "texts"),
}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def fits(value: object, kind: str) -> bool:
    """Say whether a value is of a declared kind: plain, list[...], dict[str, ...], a | b."""
    if " | " in kind:
        return any(fits(value, one) for one in kind.split(" | "))
    if kind.startswith("list["):
        return isinstance(value, list) and all(fits(one, kind[5:-1]) for one in value)
    if kind.startswith("dict[str, "):
        return isinstance(value, dict) and all(
            isinstance(key, str) and fits(one, kind[10:-1])
            for key, one in value.items()
        )
    return type(value) in _PLAIN.get(kind, ())


def fault(name: str, value: object, kind: str, *, rules: Sequence[str] = ()) -> str:
    """Say what to write instead of a value of a parameter; "" where it may be.

    `kind` is as the notebook declares it, and `rules` are those of notebook 1.
    """
    limit = LIMITS.get(name, "any")
    limit = limit[kind] if isinstance(limit, dict) else limit
    auto = (name in FITTED and fits(AUTO, kind)) or kind.endswith(" | str")
    if (auto and value == AUTO) or (limit == 'day or ""' and value == ""):
        return ""
    own = kind.removesuffix(" | str") if auto else kind
    otherwise = f", or {AUTO}" if auto else ""
    if not fits(value, own):
        like = rules if limit == "rule" else limit
        return f"write {_due(own, like)}{otherwise}{_hint(value, own, like)}."
    several = isinstance(value, list | dict)
    items = (
        list(value.values())
        if isinstance(value, dict)
        else value
        if isinstance(value, list)
        else [value]
    )
    if several and not items and limit != FREE and not own.endswith("str]"):
        return f"write {_due(own, limit)}; it may not be empty."
    for item in items:
        if said := _beyond(item, limit, own, rules, otherwise):
            return f"{shown(item)}: {said}" if several else said
    if name in _TOLD["rising"] and items != sorted(set(items)):
        return "write the numbers so that each is larger than the one before."
    return ""


def zone_fault(given: str) -> str:
    """Say what to write instead of what is no time zone; "" where it is one."""
    if given in zones():
        return ""
    plain = given.strip().replace(" ", "_").casefold()
    # Places alone are proposed: CEST is like EST, and Etc/GMT+1 is an hour behind.
    names: dict[str, list[str]] = {}
    for zone in zones():
        if "/" in zone and not zone.startswith("Etc/"):
            for name in {zone.casefold(), zone.casefold().split("/")[-1]}:
                names.setdefault(name, []).append(zone)
    close = difflib.get_close_matches(plain, names, n=1, cutoff=0.8)
    meant = f" Did you mean {' or '.join(names[close[0]][:3])}?" if close else ""
    return f"write the name of a time zone, such as Europe/Berlin.{meant}"


@functools.cache
def zones() -> tuple[str, ...]:
    """Name the time zones of the package tzdata: the same on every machine."""
    return tuple((importlib.resources.files("tzdata") / "zones").read_text().split())


def day(value: object) -> bool:
    """Say whether a value is a day that exists, as YYYY-MM-DD."""
    if not (isinstance(value, str) and _DAY.fullmatch(value)):
        return False
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _due(kind: str, limit: object) -> str:
    """Say in words what a kind and a limit ask for."""
    inner = re.sub(r"^(list\[|dict\[str, )|\]$", "", kind)
    one, several = _WRITTEN.get(inner, (kind, kind))
    if kind.startswith("dict["):
        return f"names with {several}, such as {{morning: 5}}"
    if kind.startswith("list["):
        words = limit[:1] if inner == "str" and isinstance(limit, list) else []
        like = ", ".join(words) or ("one, another" if inner == "str" else "1, 5")
        return f"a list of {several}, such as [{like}]"
    if inner == "str":
        return _due_text(limit)
    return one + _within(limit)


def _due_text(limit: object) -> str:
    if isinstance(limit, list):
        return f"one of {', '.join(limit)}"
    return {
        "day": "a day as YYYY-MM-DD, such as 2024-01-31",
        'day or ""': 'a day as YYYY-MM-DD, or ""',
        "zone": "the name of a time zone, such as Europe/Berlin",
        "currency": "the code of a currency, such as EUR",
    }.get(str(limit), "one text")


def _within(limit: object) -> str:
    """Put [least, most] in words."""
    if not isinstance(limit, list):
        return ""
    least, most = limit
    return (
        f" of {least:g} or more" if most is None else f" from {least:g} to {most:.15g}"
    )


def _hint(value: object, kind: str, limit: object) -> str:
    """Add the likely reason why a value is of another kind."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9._,]+%?", value):
        point = "" if kind == "int" else " and a point"
        return f": digits{point} alone, no quotes" if kind in ("int", "float") else ""
    items = value if isinstance(value, list) else [value]
    text = kind == "list[str]" or (kind == "str" and limit == "any")
    if text and any(isinstance(one, int | float) for one in items):
        return "; what looks like a number, or like true, stands in quotes"
    return ""


def _beyond(
    value: Any,  # noqa: ANN401
    limit: object,
    kind: str,
    rules: Sequence[str],
    otherwise: str,
) -> str:
    """Say what one value that is of its kind must be, where it is beyond its limit."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        least, most = limit if isinstance(limit, list) else (None, None)
        inside = (least is None or value >= least) and (most is None or value <= most)
        number = "a whole number" if "int" in kind else "a number"
        fine = inside and math.isfinite(value)
        return "" if fine else f"write {number}{_within(limit)}{otherwise}."
    words = list(rules) if limit == "rule" else limit if isinstance(limit, list) else []
    if words:
        known = [*words, AUTO] if otherwise else words
        said = f"write one of {', '.join(known)}"
        close = mapping.near(value, known)
        return "" if value in words else said + (close if "Did you" in close else ".")
    if limit in ("day", 'day or ""') and not day(value):
        why = "there is no such day; " if _DAY.fullmatch(value) else ""
        return f"{why}write {_due_text(limit)}{otherwise}."
    if limit == "zone":
        return zone_fault(value)
    return currency.fault(value) if limit == "currency" else ""
