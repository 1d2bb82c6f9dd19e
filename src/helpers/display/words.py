"""Say facts in words: a catalogue in Fluent, one file for each notebook and page."""

# Fluent (projectfluent.org) and not gettext: a finding is one message whose parts are its
# attributes, several numbers of a sentence may each have a plural, and no English sentence
# stands in Python.

import functools
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import pandas as pd
from fluent.runtime import FluentBundle, FluentResource
from fluent.runtime.resolver import Pattern
from fluent.runtime.types import FluentNone
from fluent.syntax.ast import Junk

from helpers.display import columns

LANGUAGE = "en"
Given = float | str | FluentNone  # what a message writes
FIELDS = ("decision", "size", "uncertainty", "action", "limit")  # of a finding

_currency = ""  # ISO 4217 code of this process's run, of which sums are


def in_currency(currency: str) -> None:
    """Let sums be of a currency from now on; `tables.in_currency` calls this."""
    global _currency
    _currency = currency


def say(message: str, /, **facts: object) -> str:
    """Say a message of the catalogue; KeyError without it, or without one of its facts.

    Facts are texts, truths, whole numbers (which choose plurals) and other numbers,
    which a message writes by PERCENT, MONEY, NUM, SIGNED or POINTS (percentage points of
    a share), with as many `digits`.
    """
    return _formatted(message, _catalogue().get_message(message).value, facts)


def finding(message: str, /, **facts: object) -> dict[str, object]:
    """Say a finding: the five texts of `findings.show`, with `id` and `facts`.

    A part of which the message has no attribute is empty. KeyError as of :func:`say`.
    """
    parts = _catalogue().get_message(message).attributes
    if unknown := parts.keys() - set(FIELDS):
        raise KeyError(
            f"{message}: {', '.join(sorted(unknown))} is no part of a finding"
        )
    texts = dict.fromkeys(FIELDS, "")
    for name, pattern in parts.items():
        texts[name] = _formatted(f"{message}.{name}", pattern, facts)
    return texts | {"id": message, "facts": {k: _plain(v) for k, v in facts.items()}}


def _formatted(name: str, pattern: Pattern | None, facts: Mapping[str, object]) -> str:
    given = {key: _plain(value) for key, value in facts.items()}
    if pattern is None:
        raise KeyError(f"{name} has no text of its own, only parts")
    text, errors = _catalogue().format_pattern(pattern, given)
    if errors:
        raise KeyError(f"{name}: {'; '.join(map(str, errors))}") from errors[0]
    return " ".join(str(text).split())


def _plain(value: object) -> object:
    """Turn a fact into what Fluent takes: text, a whole number or a float."""
    if pd.api.types.is_bool(value):  # numpy's too
        return "yes" if value else "no"
    match value:
        case str():
            return value
        case Integral():
            return int(value)
        case Real():
            return float(value)
    return "none" if value is None or value is pd.NaT else str(value)


def _number(value: Given, form: str) -> str:
    """Format a number; texts such as "withheld" stay as they are."""
    if isinstance(value, str | FluentNone):
        return str(value)
    if value != value:
        return "not known"
    said = form.format(float(value))
    if said.startswith("-") and not any(map("123456789".count, said)):
        said = said[1:]  # minus zero is noise of the last digit
    return said.replace("-", "\N{MINUS SIGN}")


def _percent(value: Given, digits: int = 0) -> str:
    return _number(value, f"{{:,.{int(digits)}%}}")


def _num(value: Given, digits: int = 0) -> str:
    return _number(value, f"{{:,.{int(digits)}f}}")


def _signed(value: Given, digits: int = 0) -> str:
    return _number(value, f"{{:+,.{int(digits)}f}}")


def _points(share: Given, digits: int = 1) -> str:
    said = share if isinstance(share, str | FluentNone) else 100 * share
    return _signed(said, digits)


def _money(value: Given, digits: int = 0) -> str:
    said = _num(value, digits)
    sign = columns.symbol(_currency) if said[-1:].isdigit() else ""
    minus = "\N{MINUS SIGN}"
    return f"{minus}{sign}{said[1:]}" if said.startswith(minus) else f"{sign}{said}"


@functools.cache
def _catalogue() -> FluentBundle:
    """Read all files of the language; ValueError if two of them have one message."""
    functions: dict[str, Any] = {"PERCENT": _percent, "NUM": _num, "SIGNED": _signed}
    functions |= {"MONEY": _money, "POINTS": _points}
    bundle = FluentBundle([LANGUAGE], functions=functions, use_isolating=False)
    for file in sorted((Path(__file__).with_name("words") / LANGUAGE).glob("*.ftl")):
        resource = FluentResource(file.read_text("utf-8"))
        for entry in resource.body:
            name = getattr(getattr(entry, "id", None), "name", None)
            if isinstance(entry, Junk):
                raise ValueError(f"{file.name} cannot be read: {entry.content!r}")
            if name and bundle.has_message(name):
                raise ValueError(f"{file.name} has {name} once more")
        bundle.add_resource(resource)
    return bundle
