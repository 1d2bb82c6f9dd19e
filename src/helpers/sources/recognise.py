"""Tell from names and values what each column of a file is, and what a file holds."""

import functools
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from helpers.core.paths import beside
from helpers.runs.mapping import Source
from helpers.sources import readers

_TOLD = beside(__file__, "recognise.yaml")
CLASSES: dict[str, set[str]] = {}
for _class, _words in _TOLD["words"].items():
    for _word in _words.split():
        CLASSES.setdefault(_word, set()).add(_class)
WHOLE = {name: role for role, names in _TOLD["whole"].items() for name in names}
RULES = [
    (role, set(rule.split()))
    for role, rules in _TOLD["roles"].items()
    for rule in rules
]
LEFT_OUT, STATES, WON, PLACES = (
    set(_TOLD[name].split()) for name in ("left_out", "states", "won", "places")
)
SHAPES: dict[str, str] = _TOLD["shapes"]

# Letters that Unicode does not take apart.
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i", "€": ""}
)
OFFSET = re.compile(r"(?<=\d)\s*(?:Z|UTC|GMT|[-+]\d{2}:?\d{2}|[-+]\d{2})$")
_DAY = re.compile(r"(\d{4}-|\d\d?[./-]\d).*")
_NUMBERED = re.compile(r"#?[A-Za-z]{0,4}-?\d+\w*")
_ID = re.compile(r".*[\d@].*")
_CODE = re.compile(r"[A-Z]{3}")
CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp]\.?[Mm]\.?)?")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.\w+")
FLOATING = re.compile(r"\d+\.\d{1,3}|\d+,\d{1,3}|\d*[.,]\d+")
# Of instants written as numbers, from 2000 to 2100; Excel counts days from 1900.
NUMBERED = {
    "excel": (30_000, 75_000),
    "unix": (9.4e8, 4.2e9),
    "unix_ms": (9.4e11, 4.2e12),
    "unix_us": (9.4e14, 4.2e15),
}
MONEY = ("amount", "order_total", "subtotal", "money", "price", "unit_price", "sale")
FEW = 10  # values of which a customer's or an order's number has more, in a file of MANY rows
MANY = 100
MOST = 0.95  # share of rows that makes a rule
AGREE = 0.9  # share of samples that tells what a column holds


@functools.cache
def folded(text: str) -> str:
    """Write a text in small letters without accents."""
    parts = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(one for one in parts if not unicodedata.combining(one))


@functools.cache
def _split(word: str, parts: int = 3) -> tuple[str, ...]:
    """Cut a compound into words that are known, as kunden + nummer; empty if it is none."""
    if word in CLASSES:
        return (word,)
    for end in range(len(word) - 2, 2, -1) if parts > 1 else ():
        if word[:end] in CLASSES and (rest := _split(word[end:], parts - 1)):
            return word[:end], *rest
    return ()


@functools.cache
def named(name: str) -> tuple[str, bool]:
    """Tell the role that a column's name says, and whether each word of it is known."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    words = re.findall(r"[^\W\d_]+", folded(apart))
    if role := WHOLE.get("".join(words)):
        return role, True
    if folded(name) in ("q", "#") or re.fullmatch(r"q\d+\w?", folded(name)):
        return "answer", True
    classes: set[str] = set()
    known, place = True, 0
    while place < len(words):
        pair = "".join(words[place : place + 2])
        two = len(words) > place + 1 and pair in CLASSES
        parts = (pair,) if two else _split(words[place])
        known &= bool(parts)
        classes |= set().union(*(CLASSES[part] for part in parts))
        place += 1 + two
    role = next((role for role, needs in RULES if needs <= classes), "")
    return role, known and bool(words)


@dataclass(frozen=True)
class Column:
    """A column of a file: its name and the text of its rows, "" where there is none."""

    name: str
    texts: list[str]
    marks: tuple[str, str] = (".", "")  # decimal and thousands
    role: str = ""  # what the name says

    @cached_property
    def given(self) -> list[str]:
        """Return the texts that are there."""
        return [text for text in self.texts if text]

    @cached_property
    def values(self) -> Counter[str]:
        """Count each text."""
        return Counter(self.given)

    @cached_property
    def filled(self) -> float:
        """Return the share of rows with a text."""
        return len(self.given) / max(len(self.texts), 1)

    @cached_property
    def is_number(self) -> bool:
        """Say whether nearly all texts are numbers."""
        kinds = list(self.values)[:3_000]
        return sum(map(readers.is_number, kinds)) >= max(AGREE * len(kinds), 1)

    @cached_property
    def number(self) -> np.ndarray:
        """Return the rows as numbers, NaN where there is none."""
        return (
            pd.Series(self.texts)
            .map({t: self._number(t) for t in self.values})
            .to_numpy(float)
        )

    def _number(self, text: str) -> float:
        decimal, thousands = self.marks
        bare = re.sub(r"[^\d.,'()-]", "", text)
        bare = bare.replace(thousands, "") if thousands.strip() else bare
        bare = bare.replace(decimal, ".").strip(".") if decimal == "," else bare
        minus = bare[:1] in "(-" or bare[-1:] == "-"
        try:
            return float(re.sub(r"[^\d.]", "", bare)) * (-1 if minus else 1)
        except ValueError:
            return np.nan

    @cached_property
    def whole(self) -> bool:
        """Say whether the numbers have no decimals."""
        numbers = self.number[~np.isnan(self.number)]
        return bool(self.is_number and np.mean(numbers == np.floor(numbers)) > AGREE)

    @cached_property
    def offsets(self) -> list[str]:
        """Return the offsets from UTC at the end of its times."""
        if self.share(_DAY) < AGREE:
            return []
        clocks = (t for t in self.values if ":" in t)
        return sorted({f[0].strip() for t in clocks if (f := OFFSET.search(t))})

    @cached_property
    def forms(self) -> list[str]:
        """Return the forms of its dates, or one word for instants that are numbers."""
        if self.is_number:
            numbers = self.number[~np.isnan(self.number)]
            for word, (low, high) in NUMBERED.items():
                asked = word != "excel" or self.role in (
                    "date",
                    "order_date",
                    "close_date",
                    "clock",
                )
                if (
                    asked
                    and len(numbers)
                    and np.mean((numbers > low) & (numbers < high)) > AGREE
                ):
                    return [word]
        bare = [OFFSET.sub("", t) if ":" in t else t for t in self.values]
        return readers.date_forms([re.sub(r"(:\d\d)[.,]\d+$", r"\1", t) for t in bare])

    @cached_property
    def is_clock(self) -> bool:
        """Say whether it holds times of the day."""
        return self.share(CLOCK) > AGREE

    def share_in(self, words: set[str]) -> float:
        """Return the share of its different values that are words of a list."""
        plain = [re.sub(r"[\s/-]+", "_", folded(text)) for text in self.values]
        return sum(one in words for one in plain) / max(len(plain), 1)

    def those_in(self, words: set[str]) -> list[str]:
        """Return its values that are words of a list, the commonest first."""
        return [
            text
            for text, _ in self.values.most_common()
            if {w := re.sub(r"[\s/-]+", "_", folded(text.strip())), w.replace("_", "-")}
            & words
        ]

    def share(self, pattern: re.Pattern[str]) -> float:
        """Return the share of its different values that have a form."""
        kinds = list(self.values)[:3_000]
        return sum(bool(pattern.fullmatch(one)) for one in kinds) / max(len(kinds), 1)


def columns(cells: dict[str, list[str]]) -> list[Column]:
    """Take the columns of a file; rows without any text are passed over."""
    there = [any(row) for row in zip(*cells.values(), strict=True)]
    kept = {n: list(itertools.compress(texts, there)) for n, texts in cells.items()}
    marks = readers.number_marks([[t for t in texts if t] for texts in kept.values()])
    return [Column(n, texts, marks, named(n)[0]) for n, texts in kept.items()]


def against(standard: str, column: Column) -> str:
    """Say why a column's values cannot be a customer, an order or a number; "" if they can."""
    rows, kinds = len(column.given), len(column.values)
    if not rows:
        return "it is empty"
    if standard in ("quantity", "amount", "unit_price", "order_total", "discount"):
        if not column.is_number:
            return f"it holds no numbers but such as {_such(column)}"
        if standard == "quantity" and column.forms:
            return f"it holds dates such as {_such(column)}"
        if (
            standard == "quantity"
            and not column.whole
            and np.nanmax(np.abs(column.number)) < 1
        ):
            return f"it holds shares such as {_such(column)}"
        return ""
    common, times = column.values.most_common(1)[0]
    if column.forms and column.forms[0] not in ("%Y%m%d", *NUMBERED):
        return f"it holds dates such as {_such(column)}"
    if column.share_in(LEFT_OUT | STATES | WON) >= 0.5:
        return f"it holds states such as {_such(column)}"
    if column.share_in(PLACES) >= 0.5:
        return f"it holds places such as {_such(column)}"
    if column.is_number and not column.whole:
        return f"it holds numbers with decimals such as {_such(column)}"
    if (
        column.is_number
        and np.mean([bool(re.search(r"[.,]\d\d$", t)) for t in column.values]) > 0.5
    ):
        return f"it holds prices such as {_such(column)}"
    if any(len(text.split()) > 8 for text in itertools.islice(column.values, 200)):
        return "it holds sentences"
    if standard in ("customer_id", "order_id") and rows >= MANY:
        if kinds <= FEW:
            return f"it holds {kinds} values only, such as {_such(column)}"
        if times > AGREE * rows:
            return f"{common!r} stands on {times / rows:.0%} of its rows"
    return ""


def _such(column: Column) -> str:
    return ", ".join(text[:30] for text, _ in column.values.most_common(2))


@dataclass
class Choice:
    """The column chosen for a standard one, how sure that is, and why."""

    column: str  # of the file; `=` and a value; "" where a person must answer
    sure: str  # sure, likely or ask
    why: str


@dataclass
class Found:
    """What was made of a file as a table of order lines."""

    columns: list[Column]
    chosen: dict[str, Choice] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)  # not mapped -> why
    left_out: list[str] = field(default_factory=list)  # of the status
    events: bool = False  # it logs events, and none is a purchase

    def of(self, *roles: str) -> list[Column]:
        """Return the columns whose names say one of some roles, in the roles' order."""
        taken = {one.column for one in self.chosen.values()}
        free = [c for c in self.columns if c.name not in taken and c.given]
        return [c for role in roles for c in free if c.role == role]

    def take(self, standard: str, column: Column, sure: str, why: str) -> None:
        """Choose a column for a standard one."""
        self.chosen[standard] = Choice(column.name, sure, why)

    def column(self, standard: str) -> Column | None:
        """Return the column of the file that was chosen."""
        name = self.chosen[standard].column if standard in self.chosen else ""
        return next((one for one in self.columns if one.name == name), None)

    def has(self, *standards: str) -> bool:
        """Say whether a column was found for each."""
        return all(self.column(one) for one in standards)


def lines(cells: dict[str, list[str]]) -> Found:
    """Take a file for order lines, as far as its names and values allow.

    `cells` holds the text of each column by its name, the same rows in each, "" where
    there is none.
    """
    found = Found(columns(cells))
    for step in (_days, _orders, _customers, _products, _pieces, _status, _other):
        step(found)
    _money(found)
    _discounts(found)
    for one in found.of("quantity", *MONEY):
        found.left.setdefault(one.name, "")
    return found


def _days(found: Found) -> None:
    ranked = found.of("order_date", "date", "close_date", "clock")
    ranked = [c for c in ranked if c.filled > 0.4]
    ranked.sort(key=lambda c: re.search(r"key|id$", c.name, re.IGNORECASE) is not None)
    unnamed = [
        c for c in found.of("", "id", "event") if c.forms and "excel" not in c.forms
    ]
    for one in [c for c in ranked if c.forms] + [
        c for c in unnamed if c.filled > AGREE
    ]:
        told = one.role in ("order_date", "date", "close_date")
        found.take(
            "ordered_at",
            one,
            "sure" if told else "likely",
            ("named so, and " if told else "") + "its values are dates",
        )
        others = [c.name for c in found.of("other_date") if c.forms]
        if others:
            found.chosen["ordered_at"].why += f"; not {', '.join(others[:4])}"
        clock = next((c for c in found.of("clock", "") if c.is_clock), None)
        if clock and not any("%H" in f or "%I" in f for f in one.forms):
            found.take(
                "ordered_time", clock, "sure", "the time of the day, apart from the day"
            )
        return
    if unread := [c for c in ranked if not c.is_clock]:
        one = unread[0]
        if one.is_number:
            why = f"{one.name} holds numbers such as {_such(one)} that tell no day"
            found.chosen["ordered_at"] = Choice("", "ask", why)
        else:
            found.take("ordered_at", one, "ask", f"its form is not known: {_such(one)}")


def _one_each(key: Column, other: Column | None) -> float:
    """Return the share of a column's values that stand with one value of another."""
    if other is None:
        return 1.0
    pairs = {pair for pair in zip(key.texts, other.texts, strict=True) if all(pair)}
    each = Counter(one for one, _ in pairs)
    return sum(times == 1 for times in each.values()) / max(len(each), 1)


def _orders(found: Found) -> None:
    candidates = found.of("order")
    if not candidates:  # Shopify's Name is #1001
        candidates = [
            c
            for c in found.of("name", "id")
            if c.filled > MOST
            and c.share(_NUMBERED) > MOST
            and (c.role == "name" or len(c.values) == len(c.given))
        ]
    for one in sorted(candidates, key=lambda c: -len(c.values)):
        why = against("order_id", one)
        if not why and not _is_id(one):
            why = "its values are words"
        if not why and _one_each(one, found.column("ordered_at")) < 0.5:
            why = "its values come again on other days, so they tell no order apart"
        if why:
            found.left[one.name] = why
            continue
        per = len(one.given) / len(one.values)
        rows = "each value is one row" if per == 1 else f"{per:.1f} rows have the same"
        found.take("order_id", one, "sure", f"named so; {rows}")
        return


def _customers(found: Found) -> None:
    """Choose by name what values support; addresses and names only where nothing else is."""
    refused = []
    roles = ("customer", "email", "person", "contact", "id", "")
    order = found.column("order_id")
    ranked = sorted(
        found.of(*roles),
        key=lambda c: (
            roles.index(c.role),
            -c.filled if c.filled < 0.3 else -1,
            not _is_id(c),
        ),
    )
    for one in ranked:
        whole = named(one.name)[1]
        if why := against("customer_id", one):
            if one.role == "customer":
                refused.append(f"{one.name}: {why}")
            continue
        if one.role != "customer" and order and _one_each(order, one) < AGREE:
            continue
        kinds, rows = len(one.values), len(one.given)
        again = f"its {kinds:,} values " + (
            "repeat" if kinds < rows else "stand once each"
        )
        if one.role == "customer" and (whole or _is_id(one)):
            sure = "sure" if whole and _is_id(one) else "likely"
            found.take("customer_id", one, sure, f"named so, and {again}")
        elif one.role == "email" and one.share(EMAIL) > AGREE:
            found.take(
                "customer_id", one, "likely", f"addresses tell customers apart; {again}"
            )
        elif (
            one.role == "person" and re.search("name", folded(one.name)) and kinds > FEW
        ):
            found.take(
                "customer_id", one, "ask", "names alone: two people may share one"
            )
        elif one.role in ("id", "") and _unnamed(found, one):
            found.take(
                "customer_id", one, "likely", f"no name tells it; {again}, as ids do"
            )
        else:
            continue
        break
    if "customer_id" not in found.chosen and refused:
        found.chosen["customer_id"] = Choice("", "ask", "; ".join(refused[:3]))


def _is_id(column: Column) -> bool:
    """Say whether values are mostly codes, numbers or addresses, and not words."""
    return column.share(_ID) > 0.5


def _unnamed(found: Found, one: Column) -> bool:
    """Say whether values come back on other days as customers' do, of this column alone."""
    known = named(one.name)[1]

    def fits(column: Column) -> bool:
        kinds, rows = len(column.values), len(column.given)
        return (
            column.filled > 0.5
            and 0.005 * rows < kinds < 0.9 * rows
            and kinds > FEW
            and _is_id(column)
            and not (
                column.is_number
                and min(map(len, column.values)) != max(map(len, column.values))
                and kinds < 100
            )
            and not column.forms
            and not column.is_clock
        )

    rivals = [c for c in found.of("", "id") if c is not one and fits(c)]
    return (not known or one.role == "id") and fits(one) and not rivals


def _products(found: Found) -> None:
    ids = [c for c in found.of("product", "item") if not (c.is_number and not c.whole)]
    titles = found.of("title")
    if (
        ids
        and ids[0].role == "item"
        and ids[0].whole
        and max(map(len, ids[0].values)) < 3
    ):
        ids = []  # how many items, and not which
    named_, full = (ids + titles)[:1], [c for c in titles + ids[1:] if c.filled > MOST]
    if named_ and named_[0].filled < 1 and full and full[0] is not named_[0]:
        gap = f"{ids[0].name} is empty on {1 - ids[0].filled:.0%} of the rows"
        found.take("product_id", full[0], "likely", f"the item's title: {gap}")
        found.left[ids[0].name] = gap
    elif named_:
        one = named_[0]
        kinds = f"its {len(one.values):,} values " + (
            "repeat" if len(one.values) < len(one.given) else "stand once each"
        )
        found.take(
            "product_id", one, "sure" if one in ids else "likely", f"named so; {kinds}"
        )


def _pieces(found: Found) -> None:
    for one in found.of("quantity"):
        if why := against("quantity", one):
            found.left[one.name] = why
            continue
        what = "whole numbers" if one.whole else "numbers"
        middle = np.nanmedian(one.number)
        found.take(
            "quantity",
            one,
            "sure",
            f"named so, and it holds {what}, {middle:g} in the middle",
        )
        return
    for one in found.of(""):
        known = named(one.name)[1]
        if (
            one.whole
            and not known
            and one.filled > MOST
            and re.fullmatch(r"\d+", one.name)
        ):
            if np.nanmax(one.number) < 1_000 and np.nanmedian(one.number) < 20:
                found.take("quantity", one, "likely", "it holds small whole numbers")
                return


def _status(found: Found) -> None:
    """Look for the states of orders that are no sales."""
    for one in found.of(
        "status", "stage", "type", "payment", "event", "fulfilment", ""
    ):
        if one.filled < 0.05 or len(one.values) > 40:
            continue
        words = one.those_in(LEFT_OUT)
        won = one.those_in(WON)
        if one.role == "stage" or won:
            out = [v for v in one.values if v not in won] if won else ["?"]
            why = "deals that are not won are no sales"
        elif one.role == "event":
            bought = [v for v in one.values if re.search(_TOLD["bought"], folded(v))]
            out = [v for v in one.values if v not in bought] if bought else []
            found.events = not bought
            why = "of the events only purchases are sales"
        else:
            known = one.share_in(LEFT_OUT | STATES)
            out = words if one.role in ("status", "fulfilment") or known >= 0.75 else []
            if one.role == "fulfilment":
                out = [v for v in out if not re.search("pend|open|hold", folded(v))]
            why = "orders with these are no sales"
        if not out:
            continue
        rows = sum(one.values[v] for v in out)
        share = rows / len(one.given)
        if one.filled < AGREE:
            why += "; it stands on some rows only"
        sure = "sure" if share < 0.5 and out != ["?"] else "ask"
        found.take("status", one, sure, f"{why} ({share:.0%} of the rows)")
        found.left_out = out
        return


def _other(found: Found) -> None:
    """Choose the columns that are told by their names, where values allow it."""
    categories = [c for c in found.of("category") if 1 <= len(c.values) <= 500]
    categories.sort(key=lambda c: (_is_id(c), len(c.values)))
    words = [c for c in categories if not _is_id(c)] or categories[:1]
    if len(words) > 1 and not found.of("department"):
        found.take("department", words[0], "likely", "the coarser of the categories")
        words = words[1:]
    if words:
        found.take(
            "category", words[0], "sure", f"named so; {len(words[0].values)} values"
        )
    for name in (
        "department",
        "brand",
        "store",
        "channel",
        "line_no",
        "currency",
        "shelf_amount",
    ):
        standard = {"store": "store_id"}.get(name, name)
        for one in found.of(name):
            kinds = len(one.values)
            fits = {
                "currency": one.filled > 0.99 and one.share(_CODE) > AGREE,
                "store": kinds < 0.5 * len(one.given) and not one.forms,
                "channel": kinds <= 50,
                "line_no": one.whole and np.nanmax(one.number) < 10_000,
                "shelf_amount": one.is_number,
            }.get(name, kinds < 0.9 * len(one.given))
            if fits and standard not in found.chosen:
                found.take(standard, one, "sure", f"named so; {kinds:,} values")


# Which money is paid, for a piece, a line or an order: arithmetic tells.


def near(
    one: np.ndarray, other: np.ndarray, *, pieces: np.ndarray | float = 1
) -> float:
    """Return the share of rows in which two sums are the same, to the cent of each piece."""
    both = ~np.isnan(one) & ~np.isnan(other)
    slack = 0.005 + 0.006 * np.abs(pieces) + 0.0005 * np.abs(other)
    return float(np.mean((np.abs(one - other) <= slack)[both])) if both.any() else 0.0


def growth(
    money: np.ndarray, pieces: np.ndarray, group: list[str]
) -> tuple[float, float]:
    """Tell how money grows with pieces within a product: about 0 a price, about 1 a total.

    Returns the slope of the logarithms, and its standard error (infinite where too few
    rows tell).
    """
    told = pd.DataFrame({"x": pieces, "y": money, "group": group})
    told = np.log(told.loc[(told["x"] > 0) & (told["y"] > 0), ["x", "y"]]).join(
        told["group"]
    )
    inner = told[["x", "y"]] - told.groupby("group")[["x", "y"]].transform("mean")
    spread = float((inner["x"] ** 2).sum())
    rows = int((inner["x"].abs() > 1e-9).sum())
    if rows < 4 or spread <= 0:
        return np.nan, np.inf
    slope = float((inner["x"] * inner["y"]).sum() / spread)
    rest = inner["y"] - slope * inner["x"]
    free = max(rows - told["group"].nunique() - 1, 1)
    return slope, float(np.sqrt((rest**2).sum() / free / spread))


def of_order(money: Column, order: Column | None) -> tuple[float, int]:
    """Return the share of orders of several lines with one sum, and how many there are."""
    if order is None:
        return 0.0, 0
    rows = pd.DataFrame({"order": order.texts, "sum": money.texts}).query("order != ''")
    counted = rows.groupby("order")["sum"].agg(["size", "nunique"])
    several = counted[counted["size"] > 1]
    first = rows.query("sum != ''").groupby("order").size()
    once = money.filled < 0.95 and len(first) and (first == 1).all()
    several = several.assign(nunique=1) if once else several
    return float((several["nunique"] == 1).mean()) if len(several) else 0.0, len(
        several
    )


def _money(found: Found) -> None:
    candidates = [
        c for c in found.of(*MONEY, "close_amount") if not against("amount", c)
    ]
    if not candidates and not found.of("aside", "tax"):
        unnamed = [
            c for c in found.of("") if c.is_number and not c.whole and not c.forms
        ]
        candidates = [c for c in unnamed if not named(c.name)[1] and c.filled > AGREE][
            :1
        ]
    order, quantity = found.column("order_id"), found.column("quantity")
    pieces = quantity.number if quantity else np.ones(len(found.columns[0].texts))
    totals = {}
    for one in candidates:
        share, several = of_order(one, order)
        if (
            several
            and share >= MOST
            and (several >= 3 or one.role in ("order_total", "subtotal", "money"))
        ):
            totals[one.name] = (
                f"it is the same on all lines of {several:,} orders of several lines"
            )
    each = [c for c in candidates if c.name not in totals]
    if _by_product(found, each, pieces):
        pass
    elif each:
        _by_growth(found, each, pieces, bool(quantity))
    for one in candidates:
        if one.name in totals and not {"amount", "unit_price"} & found.chosen.keys():
            found.take("order_total", one, "sure", totals[one.name])
            break
    for name, why in totals.items():
        if name not in [c.column for c in found.chosen.values()]:
            found.left[name] = f"the order's, not the line's: {why}"


def _by_product(found: Found, each: list[Column], pieces: np.ndarray) -> bool:
    """Look for quantity x price = total, less a discount or plus tax, among the money columns."""
    minus: list[tuple[str, object]] = [("", lambda gross: gross)]
    for one in found.of("discount", "discount_rate", "discount_percent"):
        if one.is_number:
            d = np.nan_to_num(one.number)
            minus += [
                (f" less {one.name}", lambda g, d=d: g - np.abs(d)),
                (f" less the part {one.name}", lambda g, d=d: g * (1 - d)),
                (f" less {one.name} percent", lambda g, d=d: g * (1 - d / 100)),
            ]
    for one in found.of("tax", "aside"):
        if one.role == "tax" and one.is_number:
            minus.append(
                (f" plus {one.name}", lambda g, t=np.nan_to_num(one.number): g + t)
            )
    varied = np.nanmean(pieces != 1) > 0.1 if len(pieces) else False
    best: tuple[float, int, Column, Column, str] | None = None
    for price, total in itertools.permutations(each, 2):
        if total.role in ("unit_price", "price") and price.role not in (
            "unit_price",
            "price",
        ):
            continue
        for rank, (less, paid) in enumerate(minus):
            share = near(paid(pieces * price.number), total.number, pieces=pieces)
            if share >= MOST and (varied or less) and (best is None or rank < best[1]):
                best = share, rank, price, total, less
    if best is None or not found.column("quantity"):
        return False
    share, _, price, total, less = best
    why = f"= quantity x {price.name}{less} on {share:.0%} of the rows"
    found.take("amount", total, "sure", why)
    if not less:
        found.take(
            "unit_price", price, "sure", f"of one piece: x quantity = {total.name}"
        )
    for one in found.of("discount", "discount_rate", "discount_percent"):
        found.left[one.name] = f"{total.name} has it taken off already" if less else ""
    return True


def _by_growth(
    found: Found, each: list[Column], pieces: np.ndarray, counted: bool
) -> None:
    """Tell a price from a line's total by how it grows with quantity within a product."""
    product = found.column("product_id") or found.column("category")
    group = product.texts if product else [""] * len(pieces)
    order = [
        *(
            "amount",
            "money",
            "sale",
            "close_amount",
            "order_total",
            "unit_price",
            "price",
            "subtotal",
        ),
        "",
    ]
    prices = [c for c in each if c.role in ("unit_price", "price")]
    one = min(prices or each, key=lambda c: (order.index(c.role), -c.filled))
    if prices and (sums := [c for c in each if c not in prices and c.filled > AGREE]):
        one = min(sums, key=lambda c: order.index(c.role))
    varied = counted and np.nanmean(pieces != 1) > 0.02
    slope, error = growth(one.number, pieces, group) if product else (np.nan, np.inf)
    price = one.role in ("unit_price", "price")
    if not varied and not price:
        found.take("amount", one, "sure" if one.role else "likely", "money of the line")
        return
    grows = f"x2 pieces: x{2 ** np.nan_to_num(slope):.2g} within a product"
    if error < 0.15 and slope > 0.75:
        found.take(
            "amount", one, "likely" if price else "sure", f"of the line: {grows}"
        )
    elif error < 0.15 and slope < 0.25 and price:
        found.take("unit_price", one, "sure", f"of one piece: {grows}")
    elif error < 0.15 and (price or slope < 0.25):
        why = (
            f"{one.name} does not tell ({grows}): if it is of one piece, write unit_price: "
            f"{one.name}; if of the line, amount: {one.name}"
        )
        found.chosen["unit_price" if price else "amount"] = Choice("", "ask", why)
    elif one.role == "price" and varied:
        found.take(
            "unit_price", one, "ask", "of one piece, or of the line? values do not tell"
        )
    elif price:
        found.take("unit_price", one, "likely", "named so")
    else:
        found.take(
            "amount", one, "likely", "named so; its values do not tell against it"
        )


def _discounts(found: Found) -> None:
    """Map what is taken off quantity x unit price, where no total tells it."""
    price, order = found.column("unit_price"), found.column("order_id")
    for one in found.of("discount_rate", "discount_percent", "discount"):
        if (
            one.name in found.left
            or not one.is_number
            or not np.nanmax(np.abs(one.number))
        ):
            continue
        if price is None or "amount" in found.chosen:
            found.left[one.name] = "a discount; the money mapped is taken as paid"
            continue
        share, several = of_order(one, order)
        if several and share >= MOST:
            found.left[one.name] = (
                "a discount of the order, not of the line: it is not taken off"
            )
            continue
        top, signed = np.nanmax(np.abs(one.number)), any("%" in t for t in one.values)
        if top <= 1 and not one.whole or signed:
            found.take(
                "discount_rate", one, "sure", f"parts of the price, {_such(one)}"
            )
        elif one.role != "discount" and top <= 100:
            found.take("discount_percent", one, "sure", f"percent, up to {top:g}")
        elif (
            one.role == "discount"
            and top > 100
            or (not one.whole and one.role == "discount")
        ):
            found.take("discount", one, "likely", f"money off the line, up to {top:g}")
        else:
            found.chosen["discount"] = Choice(
                "",
                "ask",
                f"{one.name} holds numbers to {top:g}: discount: money off the line; discount_percent: percent",
            )


def shape(found: Found) -> str:
    """Name what a file holds that is no order lines, by a key of SHAPES; "" if it may be."""
    customer, day = found.column("customer_id"), found.column("ordered_at")
    money = bool(
        found.has("amount") or found.has("unit_price") or found.has("order_total")
    )
    bought = money or found.has("product_id") or found.has("quantity")
    rows = len(found.columns[0].texts)
    named_ = Counter(c.role for c in found.columns)
    order = found.column("order_id")
    each = bool(customer and len(customer.values) > 0.99 * rows and rows >= 20)
    own = order is not None and len(order.values) > 0.5 * rows
    if each and not own and not found.has("product_id") and not found.has("quantity"):
        return "leads" if named_["lead"] and not money else "customers"
    if named_["lead"] > 1 and not money:
        return "leads"
    if not bought and (
        named_["answer"] > 2 or scales(found) > max(4, 0.4 * len(found.columns))
    ):
        return "survey"
    if found.events or (
        day and not bought and (customer or named_["event"] or named_["call"])
    ):
        return "events"
    if not day and "ordered_at" not in found.chosen:
        return "no_days" if order or found.has("product_id") else "customers"
    if not customer and "customer_id" not in found.chosen:
        return "no_customer" if bought or order else "nothing"
    return ""


def scales(found: Found) -> int:
    """Count the columns of small whole numbers with few values, as answers are."""
    return sum(
        c.whole and len(c.values) <= FEW + 1 and np.nanmax(c.number) <= FEW
        for c in found.columns
        if c.is_number
    )


def undecided(found: Found) -> str:
    """Say which two numbers a mark may make of a text, where no other text tells; or ""."""
    taken = [found.column(one) for one in (*_MONEYS, *_LESS[:1], "quantity")]
    texts = [t for one in taken if one for t in one.values]
    bare = [re.sub(r"[^\d.,]", "", text) for text in texts]
    marked = [text for text in bare if re.search(r"[.,]", text)]
    if not marked or not all(
        re.fullmatch(r"\d{1,3}[.,]\d{3}", text) for text in marked
    ):
        return ""
    mark = "," if "," in marked[0] else "."
    other = ",."[mark == ","]
    plain = marked[0].replace(mark, "")
    point = f"{float(marked[0].replace(',', '.')):g}"
    return (
        f'{marked[0]} may be {plain} (then decimal: "{other}" and thousands: "{mark}") or '
        f'{point} (then decimal: "{mark}")'
    )


def takes_back(found: Found) -> str:
    """Return the letters with which a few orders begin, all of them negative; or ""."""
    order = found.column("order_id")
    numbers = [c.number for n in ("quantity", *_MONEYS) if (c := found.column(n))]
    if order is None or not numbers:
        return ""
    starts = pd.Series(order.texts).str.extract(r"^([A-Za-z]+)(?=[-\d])")[0]
    negative = np.any([one < 0 for one in numbers], axis=0)
    shares = pd.DataFrame({"start": starts.fillna(""), "negative": negative})
    told = shares.groupby("start")["negative"].agg(["mean", "size"])
    minus = told[
        (told["mean"] > MOST) & (told.index != "") & (told["size"] < 0.5 * len(starts))
    ]
    return str(minus.index[0]) if len(minus) == 1 else ""


def spellings(found: Found) -> dict[str, str]:
    """Name the ids of which some differ in spelling alone, with how many."""
    said = {}
    for name in ("customer_id", "order_id", "product_id"):
        one = found.column(name)
        if one is None or (name == "product_id" and one.role == "title"):
            continue
        kinds = {_one_spelling(text) for text in one.values}
        if len(kinds) < len(one.values):
            said[name] = f"{len(one.values):,} spellings of {len(kinds):,}"
    return said


def _one_spelling(text: str) -> str:
    plain = "".join(
        c
        for c in unicodedata.normalize("NFKC", text)
        if unicodedata.category(c) != "Cf"
    )
    plain = plain.strip().casefold()
    return (
        re.sub(r"\.0+$", "", plain).lstrip("0")
        if re.fullmatch(r"\d+(\.0+)?", plain)
        else plain
    )


def currency(found: Found) -> tuple[str, str]:
    """Return the currency that a column or the signs of money tell, and how that is told."""
    one = next(
        (c for c in found.columns if c.role == "currency" and len(c.values) == 1), None
    )
    if one and one.share(_CODE) == 1:
        return one.given[0], f"sure: {one.name} holds it alone"
    texts = [
        t
        for n in _MONEYS
        if (c := found.column(n))
        for t in itertools.islice(c.values, 200)
    ]
    names = [c.name for n in _MONEYS if (c := found.column(n))]
    signs = {
        sign
        for t in [*texts, *names]
        for sign in _TOLD["signs"]
        if sign.casefold() in re.findall(r"[^\W\d_]+|[^\w\s.,'-]", t.casefold())
    }
    codes = {_TOLD["signs"][sign] for sign in signs}
    if len(codes) == 1:
        return codes.pop(), f"likely: money is written with {', '.join(sorted(signs))}"
    return "EUR", "ask: of all money: correct it"


def doubts(source: Source, cells: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Ask of a mapped table of lines what a draft would have asked.

    `cells` holds rows of the file: the text of each of its columns, mapped or not, ""
    where there is none. Yields pairs: error or warning, and what is said.
    """
    found = lines(cells)
    by_name = {one.name: one for one in found.columns}
    mapped = {s: by_name[c] for s, c in source.columns.items() if c in by_name}
    for standard in ("customer_id", "order_id", "quantity", *_MONEYS, "discount"):
        if standard not in mapped:
            continue
        one = mapped[standard]
        where = f"Table lines: column {one.name} ({standard})"
        if why := against(standard, one):
            level = (
                "warning" if "values only" in why or " stands on " in why else "error"
            )
            yield level, f"{where} is not likely one: {why}. Map another column."
        elif one.role in _TOLD["unlike"].get(standard, "").split():
            yield "warning", f"{where} is named as something else. Map another column."
    yield from _missed(source, found, {one.name for one in mapped.values()})


_MONEYS = ("amount", "unit_price", "order_total")


def _missed(source: Source, found: Found, taken: set[str]) -> Iterator[tuple[str, str]]:
    """Name columns that are not mapped and tell of money or of a status."""
    paid = [source.columns[one] for one in _MONEYS if one in source.columns]
    for standard, choice in found.chosen.items():
        if choice.column in taken or standard not in (
            "status",
            "currency",
            *_MONEYS,
            *_LESS,
        ):
            continue
        if (
            standard in _LESS
            and "unit_price" not in paid
            and "amount" in source.columns
        ):
            continue
        if standard == "status":
            out = ", ".join(found.left_out[:6])
            yield (
                "warning",
                (
                    f"Table lines: column {choice.column} holds {out}: {choice.why}, and they count "
                    f"as sales. Map it as status and list them in `left_out_status:`."
                ),
            )
        elif not choice.column or choice.sure == "ask":
            yield "warning", f"Table lines: {choice.why}."
        else:
            yield (
                "warning",
                (
                    f"Table lines: column {choice.column} is not mapped and may be {standard}: "
                    f"{choice.why}."
                ),
            )
    for name in paid:
        if why := found.left.get(name):
            yield (
                "error",
                f"Table lines: column {name} is {why}. Map it as order_total or remove it.",
            )


_LESS = ("discount", "discount_rate", "discount_percent")
