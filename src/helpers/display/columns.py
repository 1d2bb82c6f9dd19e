"""The column dictionary: a column's label, unit, format and meaning, by its name."""

import functools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.core.paths import beside

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
# The same as a pattern: what amounts in received files may stand beside.
ANY_SIGN = f"[{''.join(SIGNS.values())}]"
MONEY = ("money", "cents")


@dataclass(frozen=True)
class Column:
    """What the dictionary says of a column; a blank leaves it to the name and value."""

    label: str = ""
    unit: str = ""
    format: str = ""
    about: str = ""
    of: str = ""
    beside: str = ""

    def heading(self, sign: str) -> str:
        """Give the label, with the sign of the currency if it is money."""
        if "{sign}" in self.label:
            return self.label.format(sign=sign)
        money = sign and self.unit in MONEY and self.label
        return f"{self.label}, {sign}" if money else self.label


@functools.cache
def dictionary() -> dict[str, Column]:
    """Read the entry of each column, by its name."""
    read = beside(__file__, "columns.yaml")
    formats = {"": ""} | read["units"]
    return {
        name: Column(**{"format": formats[entry.get("unit", "")]} | entry)
        for name, entry in read["columns"].items()
    }


def find(name: Hashable) -> Column:
    """Return the entry of a column: its own, or that of an interval's end, or a blank."""
    return dictionary().get(name, _END.get(end_of(name)[1], Column()))


def estimate(names: Sequence[Hashable], i: int) -> int:
    """Return where the estimate stands whose interval column i ends, else i.

    x_low and x_high belong to x, if the table has it; others, such as low and high, to
    the nearest column before them that ends no interval.
    """
    if names[i] in dictionary():
        return i
    stem, end = end_of(names[i])
    if end and stem in names:
        return list(names).index(stem)
    before = [j for j in range(i) if not end_of(names[j])[1]]
    return before[-1] if end and before else i


def roles(names: Sequence[Hashable], of: Mapping[Hashable, Any]) -> dict[str, Any]:
    """Say which columns tell of customers, as `suppression.guard` asks for it.

    `of` adds to the dictionary: a column -> the column, or the number, it is a part of.
    """
    units = {name: find(name).unit for name in names}
    bases = {name: find(name).of for name in names} | dict(of)
    money = [name for name in names if units[name] in MONEY]
    told = {name: base for name, base in bases.items() if isinstance(base, str)}
    shared = [n for n in told if find(told[n]).unit in MONEY and n not in money]
    ends = {name: names[estimate(names, i)] for i, name in enumerate(names)}
    ends |= {name: find(name).beside for name in names if find(name).beside in names}
    return {
        "counts": [name for name in names if units[name] == "customers"],
        "parts": {
            name: base
            for name, base in bases.items()
            if name not in shared and (not isinstance(base, str) or base in names)
        },
        "sums": [*money, *shared],
        "ends": {end: name for end, name in ends.items() if end != name},
    }


def end_of(name: Hashable) -> tuple[str, str]:
    """Split off the end of an interval: (x, low) of x_low, (, low) of low, else ("", "")."""
    stem, _, end = name.rpartition("_") if isinstance(name, str) else ("", "", "")
    return (stem, end) if end in _END else ("", "")


def symbol(currency: str) -> str:
    """Return a currency's sign before an amount, else its code and a space."""
    return SIGNS.get(currency, f"{currency} ")


_END = {"low": Column("95% from"), "high": Column("to")}
