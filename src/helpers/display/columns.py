"""The column dictionary: a column's label, unit, format and meaning, by its name."""

import functools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from helpers.core.paths import beside

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
# The same as a pattern: what amounts in received files may stand beside.
ANY_SIGN = f"[{''.join(SIGNS.values())}]"


@dataclass(frozen=True)
class Column:
    """What the dictionary says of a column; a blank leaves it to the name and value."""

    label: str = ""
    unit: str = ""
    format: str = ""
    about: str = ""

    def heading(self, sign: str) -> str:
        """Give the label, with the sign of the currency if it is money."""
        if "{sign}" in self.label:
            return self.label.format(sign=sign)
        money = sign and self.unit in ("money", "cents") and self.label
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


def end_of(name: Hashable) -> tuple[str, str]:
    """Split off the end of an interval: (x, low) of x_low, (, low) of low, else ("", "")."""
    stem, _, end = name.rpartition("_") if isinstance(name, str) else ("", "", "")
    return (stem, end) if end in _END else ("", "")


def symbol(currency: str) -> str:
    """Return a currency's sign before an amount, else its code and a space."""
    return SIGNS.get(currency, f"{currency} ")


_END = {"low": Column("95 % from"), "high": Column("to")}
