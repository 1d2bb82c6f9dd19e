"""Tell from names and values what each column of a file is, and what a file holds."""

import functools
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import duckdb
import numpy as np
import pandas as pd

from helpers.core.paths import beside
from helpers.intake import readers, types
from helpers.runs.mapping import Source

TOLD = beside(__file__, "recognise.yaml")
CLASSES: dict[str, set[str]] = {}  # word -> what it may mean
for _meaning, _words in TOLD["words"].items():
    for _word in _words.split():
        CLASSES.setdefault(_word, set()).add(_meaning)
WHOLE = {name: role for role, names in TOLD["whole"].items() for name in names}
RULES = [
    (role, set(one.split())) for role, sets in TOLD["roles"].items() for one in sets
]
LEFT_OUT, CREDITS, STATES, WON, PLACES = (
    set(TOLD[n].split()) for n in ("left_out", "credits", "states", "won", "places")
)
SHAPES: dict[str, str] = TOLD["shapes"]
MISSING = {*types.WORDS["missing_but_for_names"]}
LETTERS = str.maketrans(TOLD["letters"])  # those that Unicode does not take apart
SIGN = re.compile("|".join(map(re.escape, sorted(TOLD["signs"], key=len)[::-1])))

OFFSET = re.compile(r"(?<=\d)\s*(?:Z|UTC|GMT|[-+]\d{2}:?\d{2}|[-+]\d{2})$")
CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp]\.?[Mm]\.?)?")
DAY = re.compile(r"(\d{4}-|\d\d?[./-]\d).*")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.\w+")
ORDERED = re.compile(r"#?[A-Za-z]{0,4}[-_]?\d+\w*")  # such as #1001
ID = re.compile(r".*[\d@].*")
CODE = re.compile(r"[A-Za-z]{3}")
GROSS = re.compile("gross|brut")
LATER = re.compile(r"account|due\b|remaining")  # where another column says the same
FEES, BACK, VENDOR = (re.compile(TOLD[n]) for n in ("fees", "back", "vendors"))
OPINION = re.compile(r".*(agree|satisf|likely|zufried|stimme|accord|acuerdo).*", re.I)
# Instants that are numbers, from 2000 to 2100; Excel counts days from 1900.
NUMBERED = {
    "excel": (30_000, 75_000),
    "unix": (9.4e8, 4.2e9),
    "unix_ms": (9.4e11, 4.2e12),
    "unix_us": (9.4e14, 4.2e15),
}
ROWS = 20_000  # of a file, by which its columns are recognised
DATES = ("order_date", "date", "close_date")
MONEY = ("amount", "money", "sale", "close_amount", "order_total", "subtotal")
PRICES = ("unit_price", "price")
PAID = ("amount", "unit_price", "order_total")
LESS = ("discount_rate", "discount_percent", "discount")
NEW = "named so, but each order has another, so no customer comes back"
FEW = 10  # values: customers and orders have more in a file of MANY rows
MANY = 100
MOST = 0.95  # share of rows that makes a rule
AGREE = 0.9  # share of different values that tells what a column holds


@functools.cache
def folded(text: str) -> str:
    """Write a text in small letters without accents."""
    parts = unicodedata.normalize("NFKD", text.casefold().translate(LETTERS))
    return "".join(one for one in parts if not unicodedata.combining(one))


@functools.cache
def _split(word: str, most: int = 3) -> tuple[str, ...]:
    """Cut a compound into known words, as kunden + nummer; empty if it is none."""
    if word in CLASSES:
        return (word,)
    for end in range(len(word) - 2, 2, -1) if most > 1 else ():
        if word[:end] in CLASSES and (rest := _split(word[end:], most - 1)):
            return word[:end], *rest
    return ()


@functools.cache
def named(name: str) -> tuple[str, bool]:
    """Tell the role that a column's name says, and whether each word of it is known."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    words = re.findall(r"[^\W\d_]+", folded(apart).replace("%", " percent "))
    if role := WHOLE.get("".join(words)):
        return role, True
    if re.match(r"q\d+\b", folded(name)):
        return "answer", True
    meanings: set[str] = set()
    known, place = bool(words), 0
    while place < len(words):
        pair = "".join(words[place : place + 2])
        two = len(words) > place + 1 and pair in CLASSES
        parts = (pair,) if two else _split(words[place])
        known &= bool(parts)
        meanings = meanings.union(*(CLASSES[part] for part in parts))
        place += 1 + two
    return next((role for role, needs in RULES if needs <= meanings), ""), known


@dataclass(frozen=True)
class Column:
    """A column of a file: the text of its rows ("" where there is none), and its role."""

    name: str
    texts: list[str]
    role: str = ""  # what the name says
    known: bool = False  # each word of the name
    marks: tuple[str, str] = (".", "")  # decimal and thousands

    @cached_property
    def given(self) -> list[str]:
        """Return the texts that are there."""
        return [text for text in self.texts if text]

    @cached_property
    def kinds(self) -> Counter[str]:
        """Count each different text."""
        return Counter(self.given)

    @property
    def filled(self) -> float:
        """Return the share of rows with a text."""
        return len(self.given) / max(len(self.texts), 1)

    def share(self, test: Callable[[str], object]) -> float:
        """Return the share of different texts that pass a test."""
        tried = list(itertools.islice(self.kinds, 3_000))
        return sum(bool(test(one)) for one in tried) / max(len(tried), 1)

    @cached_property
    def is_number(self) -> bool:
        """Say whether nearly all texts are numbers, with a sign of money or without."""
        alike = self.share(lambda t: readers.is_number(_bare(t))) >= AGREE
        return alike and not np.isnan(self.numbers).all()

    @cached_property
    def numbers(self) -> np.ndarray:
        """Return the rows as numbers, NaN where there is none."""
        read = {text: _number(text, *self.marks) for text in self.kinds}
        return np.array([read.get(text, np.nan) for text in self.texts])

    @cached_property
    def whole(self) -> bool:
        """Say whether it holds numbers without decimals."""
        there = self.numbers[~np.isnan(self.numbers)] if self.is_number else []
        return len(there) > 0 and float(np.mean(there == np.floor(there))) > AGREE

    @property
    def most(self) -> float:
        """Return the largest number, without its sign."""
        return float(np.nan_to_num(np.abs(self.numbers)).max(initial=0))

    @cached_property
    def offsets(self) -> list[str]:
        """Return the offsets from UTC with which its times end."""
        ends = (OFFSET.search(t) for t in self.kinds if ":" in t and DAY.match(t))
        return sorted({end[0].strip() for end in ends if end})

    @cached_property
    def forms(self) -> list[str]:
        """Return the forms of its dates, or the word for instants that are numbers."""
        if self.is_number:
            there = self.numbers[~np.isnan(self.numbers)]
            for word, (low, high) in NUMBERED.items():
                asked = word != "excel" or self.role in DATES
                if asked and np.mean((there > low) & (there < high)) > AGREE:
                    return [word]
        bare = (OFFSET.sub("", t) if ":" in t else t for t in self.kinds)
        return readers.date_forms([re.sub(r"(:\d\d)[.,]\d+$", r"\1", t) for t in bare])

    def those_in(self, words: set[str]) -> list[str]:
        """Return its values that are words of a list, the commonest first."""
        plain = {t: re.sub(r"[\W_]+", "_", folded(t.strip())) for t in self.kinds}
        return [t for t, _ in self.kinds.most_common() if plain[t] in words]

    @property
    def such(self) -> str:
        """Name two of its values."""
        return ", ".join(text[:30] for text, _ in self.kinds.most_common(2))

    @property
    def again(self) -> str:
        """Say how many values it has."""
        kinds, rows = len(self.kinds), len(self.given)
        each = f", each {rows / kinds:.1f} times" if rows > kinds else ""
        part = f" in the first {ROWS:,} rows" if len(self.texts) >= ROWS else ""
        return f"{kinds:,} value{'s' * (kinds != 1)}{each}{part}"


def _bare(text: str) -> str:
    return SIGN.sub("", text).strip()


def _number(text: str, decimal: str, thousands: str) -> float:
    bare = re.sub(r"[^\d.,()-]", "", _bare(text))
    minus = -1 if bare[:1] in ("(", "-") or bare[-1:] == "-" else 1
    digits = bare.replace(thousands, "") if thousands else bare
    try:
        return minus * float(digits.strip("()-").replace(decimal, "."))
    except ValueError:
        return np.nan


def cells(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Read the first rows of raw_lines: each column's text, "" where it is missing."""
    names = [row[0] for row in con.execute("describe raw_lines").fetchall()]
    names.remove(readers.ROW)
    rows = min(ROWS, readers.fitting(len(names)))
    read = con.execute(f"select * exclude ({readers.ROW}) from raw_lines limit {rows}")
    missing = {*types.WORDS["missing"], None}
    texts = zip(*read.fetchall(), strict=True)
    plain = ([text.strip() if text else "" for text in row] for row in texts)
    return {
        name: ["" if text in missing else text for text in column]
        for name, column in zip(names, plain, strict=False)
    }


def columns(cells: dict[str, list[str]]) -> list[Column]:
    """Take the columns of a file; rows without any text are passed over."""
    there = [any(row) for row in zip(*cells.values(), strict=True)]
    kept = {n: list(itertools.compress(texts, there)) for n, texts in cells.items()}
    bare = [[_bare(t) for t in set(texts) if t] for texts in kept.values()]
    marks = readers.number_marks(bare)
    return [Column(name, texts, *named(name), marks) for name, texts in kept.items()]


def against(standard: str, one: Column) -> str:
    """Say why values are no customer, order, quantity or money; "" if they may be."""
    rows, kinds = len(one.given), len(one.kinds)
    if not rows:
        return "it is empty"
    if standard in ("quantity", *PAID, *LESS):
        faults = {
            f"no numbers, but such as {one.such}": not one.is_number,
            f"dates such as {one.such}": bool(one.forms)
            and one.forms[0] not in NUMBERED,
        }
        if standard == "quantity":
            faults[f"parts such as {one.such}"] = not one.whole and one.most < 1
    else:
        prices = one.is_number and one.share(re.compile(r".*[.,]\d\d").fullmatch) > 0.5
        states = one.those_in(LEFT_OUT | STATES | WON)
        dates = bool(one.forms) and one.forms[0] not in ("%Y%m%d", *NUMBERED)
        words = one.share(ID.fullmatch) < 0.5 and min(map(len, one.kinds)) > 2
        few = (rows >= MANY and kinds <= FEW) or (words and kinds < 0.1 * rows <= FEW)
        faults = {
            f"dates such as {one.such}": dates,
            f"states such as {one.such}": len(states) >= 0.5 * kinds,
            f"places such as {one.such}": len(one.those_in(PLACES)) >= 0.5 * kinds,
            f"prices such as {one.such}": prices or (one.is_number and not one.whole),
            "sentences": one.share(lambda t: len(t.split()) > 8) > 0.2,
            # Without the values themselves: they may be persons.
            f"{kinds} values only": few,
            "one value on nearly all rows": rows >= MANY
            and max(one.kinds.values()) > AGREE * rows,
        }
    return next((f"it holds {said}" for said, so in faults.items() if so), "")


@dataclass
class Choice:
    """The column chosen for a standard one, how sure that is, and why."""

    column: str  # of the file; "" where a person must answer
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
        """Return the columns not taken whose names say one of some roles, in that order."""
        taken = {one.column for one in self.chosen.values()}
        free = [c for c in self.columns if c.name not in taken and c.given]
        return [c for role in roles for c in free if c.role == role]

    def take(self, standard: str, column: Column, sure: str, why: str) -> None:
        """Choose a column for a standard one."""
        self.chosen[standard] = Choice(column.name, sure, why)

    def ask(self, standard: str, why: str) -> None:
        """Leave a standard column to a person."""
        self.chosen[standard] = Choice("", "ask", why)

    def column(self, standard: str) -> Column | None:
        """Return the column of the file that was chosen."""
        name = self.chosen[standard].column if standard in self.chosen else ""
        return next((one for one in self.columns if one.name == name), None)

    def has(self, *standards: str) -> bool:
        """Say whether a column was chosen for each."""
        return all(self.column(one) for one in standards)

    @property
    def paid(self) -> bool:
        """Say whether money was found."""
        return any(map(self.has, PAID))


def lines(cells: dict[str, list[str]]) -> Found:
    """Take a file for order lines, as far as its names and values allow.

    `cells` holds the text of each column by its name, the same rows in each, "" where
    there is none.
    """
    found = Found(columns(cells))
    for step in (_days, _orders, _customers, _products, _pieces, _status, _texts):
        step(found)
    _money(found)
    _discounts(found)
    return found


def _days(found: Found) -> None:
    """Choose the day of the order; that of stock, dispatch, payment or birth is another."""
    ranked = [c for c in found.of(*DATES, "clock") if c.filled > 0.4]
    ranked.sort(key=lambda c: c.name.lower().endswith(("key", "id")))
    if any(c.role == "stage" for c in found.columns):  # a deal is a sale once closed
        ranked.sort(key=lambda c: c.role != "close_date" or c.filled <= AGREE)
    other = [
        c for c in found.of("", "order", "event", "call", "sale") if c.filled > AGREE
    ]
    for one in [c for c in ranked + other if c.forms]:
        why = "named so; it holds dates" if one in ranked else "it holds dates"
        not_ = ", ".join(c.name for c in found.of("other_date") if c.forms)
        why += f"; not {not_}" if not_ else ""
        found.take("ordered_at", one, "sure" if one in ranked else "likely", why)
        clocks = [c for c in found.of("clock", "") if c.share(CLOCK.fullmatch) > AGREE]
        if clocks and not any("%H" in form or "%I" in form for form in one.forms):
            found.take("ordered_time", clocks[0], "sure", "the time of the day")
        return
    if unread := [c for c in ranked if c.share(CLOCK.fullmatch) <= AGREE]:
        one = unread[0]
        if one.is_number:
            found.ask("ordered_at", f"{one.name} holds {one.such}, which tell no day")
        else:
            why = f"named so; of what form is {one.such}?"
            found.take("ordered_at", one, "ask", why)


def one_each(key: Column, other: Column | None) -> float:
    """Return the share of a column's values that stand with one value of another."""
    if other is None:
        return 1.0
    pairs = {pair for pair in zip(key.texts, other.texts, strict=True) if all(pair)}
    each = Counter(one for one, _ in pairs)
    return sum(times == 1 for times in each.values()) / max(len(each), 1)


def _paired(one: Column, other: Column | None) -> bool:
    """Say whether each of many values of two columns stands with one of the other."""
    if other is None or not FEW < len(one.kinds) == len(other.kinds):
        return False
    return one_each(one, other) == one_each(other, one) == 1


def _orders(found: Found) -> None:
    """Choose the coarsest number whose values stand on one day each."""
    day, ranked = found.column("ordered_at"), found.of("order")
    ranked.sort(key=lambda c: (not c.known, one_each(c, day) < AGREE, len(c.kinds)))
    for one in found.of("name", "id"):  # Shopify calls it Name
        unique = day is not None and len(one.kinds) == len(one.texts)
        told = one.role == "name" and one.filled > MOST
        if one.share(ORDERED.fullmatch) > MOST and (told or unique):
            ranked.append(one)
    for one in ranked:
        why = against("order_id", one)
        if not why and one.share(ID.fullmatch) < 0.5:
            why = "it holds words"
        if not why and one_each(one, day) < 0.5:
            why = "its values come again on other days, so they tell no order apart"
        if not why:
            return found.take("order_id", one, "sure", f"named so; {one.again}")
        found.left[one.name] = why
    return None


def _customers(found: Found) -> None:
    """Choose by name what values support; addresses and names where nothing else is."""
    roles = ("customer", "card", "email", "names", "id", "")
    ranked = [(c, c.share(ID.fullmatch) > 0.5) for c in found.of(*roles)]
    order, refused = found.column("order_id"), []
    new = {c.name for c, _ in ranked if _paired(c, order) and len(c.given) >= MANY}
    ranked.sort(key=lambda pair: bool(LATER.search(folded(pair[0].name))))
    ranked.sort(
        key=lambda pair: (
            *(roles.index(pair[0].role), pair[0].name in new, pair[0].filled < 0.3),
            not pair[1],
        )
    )
    for one, coded in ranked:
        if why := against("customer_id", one):
            refused += [f"{one.name}: {why}"] if one.role == "customer" else []
        elif one.role == "customer" and (one.known or coded):
            sure = "sure" if one.known and coded else "likely"
            told = ("ask", NEW) if one.name in new else (sure, f"named so; {one.again}")
            return found.take("customer_id", one, *told)
        elif order and one_each(order, one) < AGREE:
            continue
        elif one.role == "card" and len(one.kinds) < len(one.given):
            return found.take("customer_id", one, "ask", f"cards; {one.again}")
        elif one.role == "email" and one.share(EMAIL.fullmatch) > AGREE:
            return found.take("customer_id", one, "likely", f"addresses; {one.again}")
        elif one.role == "names" and len(one.given) > len(one.kinds) > FEW:
            why = f"names, which two people may share; {one.again}"
            return found.take("customer_id", one, "ask", why)
        elif _comes_back(found, one):
            why = f"no name tells it, but its values come back as ids do; {one.again}"
            if one.name.isdigit():  # the place of a column in a file without names
                return found.take("customer_id", one, "likely", why)
            refused.append(f"{one.name}? {why}")
    if refused:
        found.ask("customer_id", "; ".join(refused[:3]))
    return None


def _comes_back(found: Found, one: Column) -> bool:
    """Say whether a column without a telling name holds ids that repeat, as no other."""

    def fits(c: Column) -> bool:
        rows, kinds = len(c.given), len(c.kinds)
        things = ("product", "item", "title", "order", "category", "name")
        coded = c.share(ID.fullmatch) > AGREE and not c.forms
        coded &= not any(_paired(c, o) for o in found.columns if o.role in things)
        tall = not c.is_number or c.most >= 1_000
        return coded and tall and max(FEW, 0.005 * rows) < kinds < AGREE * rows

    plain = [
        c for c in found.of("", "id") if (not c.known or c.role == "id") and fits(c)
    ]
    return plain == [one] and one.filled > 0.5


def _products(found: Found) -> None:
    ids = [c for c in found.of("product", "item") if not c.is_number or c.whole]
    ids.sort(key=lambda c: (c.role == "item", not c.known))
    if ids and ids[0].role == "item" and ids[0].is_number and ids[0].most < MANY:
        ids = []  # how many items, and not which
    order = found.column("order_id")
    ids = [c for c in ids if of_order(c, order)[0] < 1 or of_order(c, order)[1] < FEW]
    rows = len(found.columns[0].texts)
    titles = [c for c in found.of("title") if c.filled == 1 or not ids]
    titles = [c for c in titles if 1 < len(c.kinds) < AGREE * rows or rows < MANY]
    titles += [c for c in ids[1:] if c.filled == 1]
    if ids and ids[0].filled < 1 and titles:
        why = f"{ids[0].name} is empty on {1 - ids[0].filled:.0%} of the rows"
        found.left[ids[0].name] = why
        found.take("product_id", titles[0], "likely", f"the item's title: {why}")
    elif ids or titles:
        one = (ids + titles)[0]
        sure = "sure" if ids else "likely"
        found.take("product_id", one, sure, f"named so; {one.again}")


def _pieces(found: Found) -> None:
    loose = [c for c in found.of("") if c.name.isdigit() and c.whole and c.most < 1_000]
    for one in found.of("quantity") + [c for c in loose if c.filled > MOST]:
        if why := against("quantity", one):
            found.left[one.name] = why
            continue
        middle = np.nanmedian(one.numbers)
        if one.role:
            why = f"named so; {middle:g} in the middle"
            return found.take("quantity", one, "sure", why)
        if middle < 2 * FEW:
            return found.take("quantity", one, "likely", "small whole numbers")
    sums = [c for c in found.of(*MONEY, *PRICES) if not against("amount", c)]
    product = found.column("product_id")
    for one, paid in itertools.permutations(sums if product else [], 2):
        if product and one.role in ("amount", "money") and one.whole:
            slope, error = growth(paid.numbers, one.numbers, product.texts)
            if np.nanmedian(one.numbers) < FEW and slope > 0.75 and error < 0.15:
                why = f"whole numbers, and {paid.name} grows with them: pieces"
                return found.take("quantity", one, "likely", why)
    return None


def _status(found: Found) -> None:
    """Look for the states of orders that are no sales."""
    roles = ("status", "stage", "type", "payment", "event", "dispatch", "", "other")
    for one in found.of(*roles):
        won, out = one.those_in(WON), one.those_in(LEFT_OUT)
        credits = [v for v in one.those_in(CREDITS) if not _negative(found, one, v)]
        why = "orders with these are no sales"
        if one.filled < 0.05 or len(one.kinds) > 40:
            continue
        if one.role == "stage" or won:
            # Without a stage that is won, none is known to be a sale: check refuses `?`.
            out = [v for v in one.kinds if v not in won] if won else ["?"]
            why = "deals that are not won are no sales"
        elif one.role == "event":
            bought = [v for v in one.kinds if re.search(TOLD["bought"], folded(v))]
            out = [v for v in one.kinds if v not in bought] if bought else []
            found.events, why = not bought, "only purchases are sales"
        elif one.role in ("status", "dispatch"):
            parts = [v for v in one.kinds if re.search(TOLD["undone"], folded(v))]
            more = out + credits if one.role == "status" else []
            out = parts + [v for v in more if v not in parts]
        else:
            known = len(one.those_in(LEFT_OUT | STATES | CREDITS))
            out = out + credits if known >= 0.75 * len(one.kinds) else []
        if out:
            if {*credits} & {*out}:
                why = "credit notes are no sales (to take them off, make them negative)"
            share = sum(one.kinds[v] for v in out) / len(one.given)
            if one.filled < AGREE and found.has("order_id"):
                why = (
                    f"{one.name} stands on some lines of an order only: fill it on all"
                )
                return found.ask("status", f"{why}, to leave out {', '.join(out[:6])}")
            asked = share > 0.5 or out == ["?"] or "credit" in why
            found.left_out, sure = out, "ask" if asked else "sure"
            return found.take("status", one, sure, f"{why} ({share:.0%} of the rows)")
        unknown = one.kinds.keys() - {*one.those_in(STATES | WON)}
        if one.role == "status" and unknown and len(one.kinds) > 1:
            counts = ", ".join(f"{v} {n:,}" for v, n in one.kinds.most_common(6))
            found.left[one.name] = f"it tells how orders ended ({counts})"
    return None


def _negative(found: Found, one: Column, value: str) -> bool:
    """Say whether most rows with a value hold a number below 0: money taken back."""
    rows = np.array([text == value for text in one.texts])
    sums = found.of(*MONEY, *PRICES, "quantity")
    return any(np.mean(c.numbers[rows] < 0) > 0.5 for c in sums if c.is_number)


def _texts(found: Found) -> None:
    """Choose what is told by its name, where values allow it."""
    groups = [c for c in found.of("category") if len(c.kinds) <= 500]
    words = [c for c in groups if c.share(ID.fullmatch) < 0.5] or groups
    words.sort(key=lambda c: len(c.kinds))
    if len(words) > 1 and not found.of("department"):
        one = words.pop(0)
        found.take("department", one, "likely", "the coarser of two categories")
    if words:
        found.take("category", words[0], "sure", f"named so; {words[0].again}")
    for standard, role in TOLD["texts"].items():
        for one in found.of(role):
            fits = {
                "currency": one.filled == 1 and one.share(CODE.fullmatch) == 1,
                "line_no": one.whole,
                "shelf_amount": one.is_number,
            }.get(standard, len(one.kinds) < AGREE * len(one.given))
            if fits and standard not in found.chosen:
                found.take(standard, one, "sure", f"named so; {one.again}")


# Which money is that of a piece, a line or an order: arithmetic tells.


def _money(found: Found) -> None:
    sums = [c for c in found.of(*MONEY, *PRICES) if not against("amount", c)]
    if not sums:
        loose = [c for c in found.of("") if not c.known and c.is_number and not c.whole]
        sums = [c for c in loose if c.filled > AGREE and not c.forms][:1]
    fees = [c for c in found.of("aside", "order") if FEES.search(folded(c.name))]
    fees = [c for c in fees if c.is_number and c.most]
    for (gross, net), fee in itertools.product(itertools.permutations(sums, 2), fees):
        gap = gross.numbers - np.abs(fee.numbers) - net.numbers
        if np.mean(np.abs(gap) < 0.006) > AGREE and gross in sums:
            found.left[net.name] = f"{gross.name} less {fee.name}: the buyer paid both"
            sums = [c for c in sums if c is not net]
    if not sums and fees:
        found.ask(
            "amount", f"no money but {fees[0].name}: map it if it is what was paid"
        )
    order, quantity = found.column("order_id"), found.column("quantity")
    totals = {}
    for one in (c for c in sums if c.role not in PRICES):
        share, several = of_order(one, order)
        least = 1 if one.role in ("order_total", "subtotal", "money") else 3
        if several >= least and share >= MOST and len(one.kinds) >= min(several, 3):
            why = f"the same on all lines of {several:,} orders of several lines"
            totals[one.name] = why
    each = [c for c in sums if c.name not in totals]
    if each and not (quantity and _of_product(found, each, quantity.numbers)):
        _of_growth(found, each, quantity)
    for one in sums:
        if one.name in totals and not set(PAID) & set(found.chosen):
            found.take("order_total", one, "sure", totals[one.name])
        elif one.name in totals:
            found.left[one.name] = f"the order's, not the line's: {totals[one.name]}"


def of_order(money: Column, order: Column | None) -> tuple[float, int]:
    """Return the share of orders of several lines with one sum, and how many there are.

    A sum that stands on the first line of each order alone counts as one.
    """
    if order is None:
        return 0.0, 0
    rows = pd.DataFrame({"order": order.texts, "sum": money.texts}).query("order != ''")
    counted = (
        rows.assign(there=rows["sum"] != "")
        .groupby("order")
        .agg(size=("sum", "size"), sums=("sum", "nunique"), there=("there", "sum"))
    )
    several = counted[counted["size"] > 1].to_numpy()
    if not len(several):
        return 0.0, 0
    once = money.filled < MOST and (several[:, 2] == 1).all()
    return (1.0 if once else float(np.mean(several[:, 1] == 1))), len(several)


def _of_product(found: Found, sums: list[Column], pieces: np.ndarray) -> bool:
    """Look for quantity x price = sum, less a discount or plus a tax."""
    ways: list[tuple[str, np.ndarray | float, np.ndarray | float]] = [("", 1, 0)]
    for one in found.of(*LESS, "tax"):
        part = np.nan_to_num(one.numbers) if one.is_number else np.zeros(1)
        if part.any():
            ways += [
                (f" plus {one.name}", 1, part),
                (f" less {one.name}", 1, -np.abs(part)),
                (f" less the share {one.name}", 1 - part, 0),
                (f" less {one.name} percent", 1 - part / 100, 0),
            ]
    varied = float(np.nanmean(pieces != 1)) > 0.1
    pairs = itertools.permutations(sums, 2)
    for (said, times, plus), (price, total) in itertools.product(ways, pairs):
        if total.role in PRICES or price.role not in (*PRICES, "amount", "money"):
            continue
        gap = np.abs(pieces * price.numbers * times + plus - total.numbers)
        slack = 0.005 + 0.006 * np.abs(pieces) + 0.0005 * np.abs(total.numbers)
        known = ~np.isnan(gap)
        share = float(np.mean((gap <= slack)[known])) if known.any() else 0.0
        if share >= MOST and (varied or said):
            why = f"quantity x {price.name}{said} on {share:.0%} of the rows"
            found.take("amount", total, "sure", why)
            if not said:
                found.take("unit_price", price, "sure", f"x quantity = {total.name}")
            return True
    return False


def _of_growth(found: Found, sums: list[Column], quantity: Column | None) -> None:
    """Tell the price of a piece from that of a line by how it grows within a product."""
    ranks = (*MONEY, *PRICES, "")
    sums.sort(key=lambda c: bool(GROSS.search(folded(c.name))))
    sums.sort(key=lambda c: (bool(LATER.search(folded(c.name))), ranks.index(c.role)))
    product = found.column("product_id") or found.column("category")
    told_of = {c.name: (np.nan, np.inf) for c in sums}
    if quantity and product:
        pieces, group = quantity.numbers, product.texts
        told_of = {c.name: growth(c.numbers, pieces, group) for c in sums}

    def fits(c: Column) -> bool:  # its values do what its name says
        slope, error = told_of[c.name]
        return error <= 0.15 and (slope < 0.25 if c.role in PRICES else slope > 0.75)

    one = next(filter(fits, sums), sums[0])
    slope, error = told_of[one.name]
    price = one.role in PRICES
    grows = f"twice the pieces cost {2 ** np.nan_to_num(slope):.2g} times as much"
    blind = "named so; values do not tell piece from line"
    if quantity is None or (not price and np.nanmean(quantity.numbers != 1) < 0.02):
        others = ", ".join(c.name for c in sums if c is not one)
        why = "money of the line" + (f"; or {others}" if others else "")
        told = "amount", "likely" if others or not one.role else "sure", why
    elif error > 0.15 and price:
        told = "unit_price", "ask" if one.role == "price" else "likely", blind
    elif error > 0.15:
        told = "amount", "likely", blind
    elif slope > 0.75:
        told = "amount", "likely" if price else "sure", f"of the line: {grows}"
    elif slope < 0.25 and price:
        told = "unit_price", "sure", f"of one piece: {grows}"
    elif slope < 0.25:
        told = "amount", "ask", f"named so, but {grows}: is it of one piece?"
    else:
        of = "amount if of the line, unit_price if of a piece, order_total if of the order"
        why = f"{one.name}: {grows}; {of}"
        return found.ask("unit_price", why)
    return found.take(told[0], one, *told[1:])


def growth(
    money: np.ndarray, pieces: np.ndarray, group: list[str]
) -> tuple[float, float]:
    """Tell how money grows with pieces within a product: 0 for a price, 1 for a sum.

    Returns the slope of their logarithms and its standard error, infinite where no
    product was bought in several quantities.
    """
    told = pd.DataFrame({"x": pieces, "y": money, "group": group})
    told = told[(told["x"] > 0) & (told["y"] > 0)]
    logs = np.log(told[["x", "y"]])
    inner = logs - logs.groupby(told["group"]).transform("mean")
    x, y = inner["x"].to_numpy(), inner["y"].to_numpy()
    free = int((np.abs(x) > 1e-9).sum()) - told["group"].nunique() - 1
    if free < 1:
        return np.nan, np.inf
    slope = float(x @ y / (x @ x))
    return slope, float(np.sqrt(np.sum((y - slope * x) ** 2) / free / (x @ x)))


def _discounts(found: Found) -> None:
    """Map what is taken off quantity x unit price, where no amount is as paid."""
    for one in found.of(*LESS):
        if against("discount", one) or not one.most:
            continue
        share, several = of_order(one, found.column("order_id"))
        if "amount" in found.chosen or not found.has("unit_price"):
            found.left[one.name] = "the money mapped is as paid"
        elif several and share >= MOST:
            found.left[one.name] = "off the order, not off a line: it is not taken off"
        elif one.share(lambda t: "%" in t) > 0 or (one.most <= 1 and not one.whole):
            why = f"parts of the price, such as {one.such}"
            found.take("discount_rate", one, "sure", why)
        elif one.role != "discount":
            found.take("discount_percent", one, "sure", f"named so; up to {one.most:g}")
        elif one.most > 100 or not one.whole:
            why = f"money off the line, up to {one.most:g}"
            found.take("discount", one, "likely", why)
        else:
            what = "discount_percent if these are percent"
            found.ask("discount", f"{one.name} holds numbers to {one.most:g}: {what}")


# What a file holds, and what else a draft says of it.


def shape(found: Found) -> str:
    """Name what a file holds that is no order lines, by a key of SHAPES; "" if it may be."""
    customer, order, day = map(found.column, ("customer_id", "order_id", "ordered_at"))
    rows = len(found.columns[0].texts)
    bought = found.has("product_id") or found.has("quantity")
    bought |= bool(found.chosen.keys() & set(PAID))
    roles = Counter(c.role for c in found.columns)
    keys = [customer] if customer else found.of("customer", "id")
    each = rows >= 20 and any(len(c.kinds) > 0.99 * rows for c in keys)
    many = scales(found) > max(3, 0.4 * len(found.columns))
    plain = not (order or found.has("product_id") or found.has("quantity"))
    if roles["answer"] > 2 or (plain and many):
        return "survey"
    if roles["lead"] > 1 and not found.paid:
        return "leads"
    if day and not bought and (customer or roles["event"] or roles["call"]):
        return "events" if roles["event"] or roles["call"] or not order else "unpaid"
    if found.events and not found.has("quantity"):
        return "events"
    own = order is not None and len(order.kinds) > 0.5 * rows
    if each and order and order.role != "order" and roles["stage"] and roles["person"]:
        return "customers"  # an export of contacts, with the day each was made
    if each and not (day and (own or found.has("product_id") or found.has("quantity"))):
        return "customers"
    if not day and ("ordered_at" not in found.chosen or not (customer or order)):
        return "no_days" if order or bought or customer else "customers"
    if customer is None and any(VENDOR.search(folded(c.name)) for c in found.columns):
        return "purchases"
    return "" if "customer_id" in found.chosen else "no_customer"


def no_day(found: Found) -> str:
    """Say of the columns that could hold the day of an order why they do not."""
    said = []
    for one in found.columns:
        dated = one.forms and one.forms[0] not in NUMBERED
        part = f"stands on {one.filled:.0%} of the lines: fill it down"
        whys = {
            part: one.filled <= AGREE,
            f"holds {one.such}, which tell no year": one.is_number and one.most < 1e4,
            "is another day by its name": one.role == "other_date",
            f"holds {one.such}": True,
        }
        if dated or one.role in DATES:
            said.append(f"{one.name} {next(why for why, so in whys.items() if so)}")
    if sum(c.name.isdigit() for c in found.columns) > len(found.columns) / 2:
        said.append("is the header further down? Remove the lines above it")
    return "; ".join(said[:4])


def scales(found: Found) -> int:
    """Count the columns of few small whole numbers or opinions, as answers are."""
    few = [c for c in found.columns if 1 < len(c.kinds) <= FEW + 1]
    return sum((c.whole and c.most <= FEW) or c.share(OPINION.match) > 0.5 for c in few)


def takes_back(found: Found) -> str:
    """Return the letters with which a few orders begin, all of them negative; or ""."""
    order = found.column("order_id")
    sums = [c.numbers for name in ("quantity", *PAID) if (c := found.column(name))]
    if order is None or not sums:
        return ""
    starts = pd.Series(order.texts).str.extract(r"^([A-Za-z]+)[-\d]")[0].fillna("")
    told = pd.Series(np.any([one < 0 for one in sums], axis=0)).groupby(starts)
    few = told.agg(["mean", "size"]).query(
        f"mean > {MOST} and size < {len(starts) / 2}"
    )
    return few.index[0] if len(few) == 1 else ""


def spellings(found: Found) -> dict[str, str]:
    """Name the ids of which some differ in spelling alone, with how many."""
    said = {}
    for name in ("customer_id", "order_id", "product_id"):
        one = found.column(name)
        texts = [t for t in (one.kinds if one else ()) if t.casefold() not in MISSING]
        kinds = {_one_spelling(text) for text in texts}
        if one and one.role != "title" and len(kinds) < len(texts):
            said[name] = f"{len(texts):,} spellings of {len(kinds):,}"
    return said


def _one_spelling(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    number = re.fullmatch(r"0*(\d+?)(\.0+)?", plain)
    return number[1] if number else plain


def currency(found: Found) -> tuple[str, str]:
    """Return the currency of a column of it, or of the signs at money, and why."""
    for one in (c for c in found.columns if c.role == "currency" and len(c.kinds) == 1):
        if one.share(CODE.fullmatch):
            return one.given[0].upper(), f"sure: {one.name} holds it alone"
    paid = [c for name in PAID if (c := found.column(name))]
    words = re.split(r"[\W_]+", " ".join(c.name.upper() for c in paid))
    texts = [t for c in paid for t in (c.name, *itertools.islice(c.kinds, 500))]
    texts += {*words} & TOLD["signs"].keys()
    signs = {sign for text in texts for sign in SIGN.findall(text)}
    codes = {TOLD["signs"][sign] for sign in signs} - {""}
    if len(codes) == 1:
        return codes.pop(), f"likely: money is written with {', '.join(sorted(signs))}"
    return "EUR", "ask: of all money; correct it"


def doubts(source: Source, cells: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Ask of a mapped table of lines what its draft would have asked.

    `cells` are rows of the file: the text of each of its columns, mapped or not, ""
    where there is none. Yields pairs: error or warning, and what is said.
    """
    found = lines(cells)
    own = {c.name: c for c in found.columns}
    mapped = {name: own[c] for name, c in source.columns.items() if c in own}
    for level, said in _asked(found, mapped, {*source.columns.values()}):
        yield level, f"Table lines: {said}"


def _asked(
    found: Found, mapped: dict[str, Column], taken: set[str]
) -> Iterator[tuple[str, str]]:
    """Tell what a draft had to ask of the columns that are mapped, and of others."""
    for name in filter(mapped.get, ("customer_id", "order_id", "quantity", *PAID)):
        one = mapped[name]
        where = f"column {one.name} ({name}) is hardly one: "
        why = against(name, one)
        if why and "no numbers" not in why:  # validate tells what cannot be read
            few = "values only" in why or "nearly all rows" in why
            yield "warning" if few else "error", f"{where}{why}. Map another column."
        elif one.role in TOLD["unlike"].get(name, ()):
            yield "warning", f"{where}its name says {one.role}. Map another column."
    who = mapped.get("customer_id")
    for name in ("order_id", "product_id"):
        other = mapped.get(name) or found.column(name)
        if who and other and (who is other or (name[0] == "p" and _paired(who, other))):
            sure = other is mapped.get(name) and who.role != "customer"
            level = "error" if sure else "warning"
            why = f"is hardly one: each {name[:-3]} ({other.name}) has its own"
            yield level, f"column {who.name} (customer_id) {why}. Map another column."
    for name, one in mapped.items():
        told = found.chosen.get(name)
        asked = told and (told.column, told.sure) == (one.name, "ask")
        # Of other columns, mapping one answers what was asked.
        if told and asked and name in ("customer_id", "status"):
            yield "warning", f"column {one.name} ({name}): {told.why}. Is that right?"
        if name in ("amount", "unit_price") and one.name in found.left:
            why = f"is {found.left[one.name]}"
            yield "warning", f"column {one.name} ({name}) {why}. Map another."
    for one in (c for c in found.columns if c.name not in taken):
        if one.role == "status" and one.name in found.left and "status" not in mapped:
            why = f"is not mapped: {found.left[one.name]}"
            step = "Map it as status, and those that are no sales in `left_out_status:`"
            yield "warning", f"column {one.name} {why}. {step}."
        if BACK.search(folded(one.name)) and one.is_number and one.most:
            why = f"is not mapped, and comes to {np.nansum(one.numbers):,.2f}"
            step = "What was given back is not taken off: take it off in the file"
            yield "warning", f"column {one.name} {why}. {step}."
    total, piece = found.column("amount"), found.column("unit_price")
    if total and piece and mapped.get("amount") is piece:
        why = f"times the quantity is column {total.name}, so it is the price of one"
        yield "warning", f"column {piece.name} (amount) {why}. Map it as unit_price."
    agreed = {c.name for name in PAID if (c := found.column(name))} & taken
    answered = {*(PAID if agreed else ()), *(LESS if "amount" in mapped else ())}
    for name in ("status", "currency", *PAID, *LESS):
        told = found.chosen.get(name)
        if told is None or name in answered | mapped.keys() or told.column in taken:
            continue
        if not told.column and name in PAID and mapped.keys() & set(PAID):
            continue  # what was asked is answered
        step = f"Map it as {name}"
        if name == "status":
            out = ", ".join(found.left_out[:6])
            step += f" and leave out {out} by `left_out_status:`"
        column = f"column {told.column} is not mapped: " if told.column else ""
        yield "warning", f"{column}{told.why}. {step}, if that is so."
