"""Read a report as an attacker would, and work out the small groups it gives away."""

import base64
import io
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from bs4 import BeautifulSoup, Tag
from scipy import optimize, sparse

from helpers.core.paths import beside
from helpers.disclosure.suppression import MIN_CELL, WITHHELD

SMALL = range(1, MIN_CELL)
MANY = 10**9  # customers: more than there are
DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
DEPTH = 2  # conditions of the groups to explore that are solved with the tables
_IS = {
    name: re.compile(text) for name, text in beside(__file__, "auditor.yaml").items()
}
_CELL = re.compile(
    rf"([<>{MINUS}-]?)(\d[\d,]*)(\.\d+)?(%?)(?!\d|[\d.]*[a-z$€£¥]|[-:]\d)"
)
_COUNT = rf"(?<![\d.,{MINUS}-])(\d[\d,]*)(?![\d.,]*[\d%])"
_WHO = r"(?:customers|households)\b"

Key = frozenset  # of (dimension, level): a group of customers; empty is everyone
Bounds = tuple[int, int]  # least and most customers


class Leak(NamedTuple):
    """A place in a report, and how a group of 1 to 9 customers follows there."""

    page: str
    table: str
    cell: str
    how: str

    def __str__(self) -> str:
        """Say it in a sentence."""
        return f"{self.page}, {self.table!r}, {self.cell}: {self.how}"


class Table(NamedTuple):
    """A table as it is printed; the first `labels` columns name its rows."""

    page: str
    caption: str
    heads: list[str]
    rows: list[list[str]]
    labels: int

    def leak(self, row: Sequence[str], column: int, how: str = "") -> Leak:
        """Name a cell by its row and heading."""
        cell = " / ".join([*row[: self.labels], self.heads[column]])
        return Leak(self.page, self.caption, cell, how)


@dataclass
class _Told:
    """What tables about the same customers say of groups of them."""

    bounds: dict[Key, Bounds] = field(default_factory=dict)
    places: dict[Key, Leak] = field(default_factory=dict)
    withheld: set[Key] = field(default_factory=set)
    # a group, groups in it that do not meet, and a name shared by splits of one kind
    splits: list[tuple[Key, tuple[Key, ...], tuple]] = field(default_factory=list)

    def sum(self, parts: Iterable[Key]) -> int | None:
        """Add up parts that are all known."""
        known = [self.bounds[part] for part in parts]
        return sum(low for low, _ in known) if all(a == b for a, b in known) else None

    def totals(self) -> set[int]:
        """Add up what everyone is split into, where all of it is known."""
        sums = (self.sum(parts) for whole, parts, _ in self.splits if not whole)
        return {total for total in sums if total}


def audit(files: Mapping[str, str]) -> list[Leak]:
    """Find what pages (.html) and downloads (.csv, .json), by name, give away.

    Each is read as a whole: its tables together, sentences, alt texts, the text in its
    figures, and the groups to explore. Customers are counted where a heading or a
    caption says so (auditor.yaml). A leak is a group that holds 1 to 9 of them for
    sure, or a withheld number that follows.
    """
    soups = {name: _soup(name, text) for name, text in files.items()}
    said = {name: list(_said(soup)) for name, soup in soups.items()}
    totals = {name: _everyone(words) for name, words in said.items()}
    found: dict[tuple, Leak] = {}
    for name, soup in soups.items():
        # the most that a page names are all there are, unless others name many more
        everyone = totals[name] if totals[name] > 0.9 * max(totals.values()) else 0
        leaks = [
            Leak(name, where, repr(cell), how)
            for where, words in said[name]
            for cell, how in _sentence(words, everyone)
        ]
        tables = [t for node in soup("table") if (t := _table(node, name))]
        if data := soup.find("script", id="data"):
            tables += _groups(json.loads(data.string), name)
        for leak in [*leaks, *_worked_out(tables, everyone)]:
            found.setdefault(leak[:3], leak)
    return list(found.values())


def _soup(name: str, text: str) -> BeautifulSoup:
    """Read a page, with its figures as markup; a download becomes a table."""
    if name.endswith(".csv"):
        text = pd.read_csv(io.StringIO(text), dtype=str).to_html(index=False)
    elif name.endswith(".json"):
        text = pd.json_normalize(json.loads(text)).to_html(index=False)
    drawn = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)', text)
    text = re.sub(r'src="data:[^"]*"', "", text)
    figures = (base64.b64decode(code).decode() for code in drawn)
    return BeautifulSoup("".join([text, *figures]), "html.parser")


def _said(soup: BeautifulSoup) -> Iterator[tuple[str, str]]:
    for image in soup("img"):
        yield "alt text", image.get("alt", "")
    words = ["p", "li", "dd", "dt", "h2", "h3", "summary", "caption"]
    for where, tags in ("text", words), ("figure", ["text", "title", "desc"]):
        for node in soup(tags):
            yield where, node.get_text(" ", strip=True)


def _everyone(said: Iterable[tuple[str, str]]) -> int:
    named = (n for _, words in said for n in re.findall(f"{_COUNT} {_WHO}", words))
    return max(map(_int, named), default=0)


def _sentence(text: str, everyone: int) -> Iterator[tuple[str, str]]:
    """Find figures of 1 to 9 customers in words: what is said, and how it follows."""
    rule = r"\b(at least|fewer than|less than|at most|below|under|than) $"
    for hit in re.finditer(f"{_COUNT} {_WHO}", text):
        why = _small((_int(hit[1]), _int(hit[1])), everyone or MANY)
        if why and not re.search(rule, text[: hit.start()]):
            yield hit[0], why
    part, of = rf"(?:{_COUNT}|(\d+(?:\.\d+)?%))", "of (?:the |its |all |these )*"
    for hit in re.finditer(rf"{part} {of}{_COUNT} (?:\w+ ){{0,2}}?{_WHO}", text):
        whole = _int(hit[3])
        if why := _small(_bounds(hit[1] or hit[2], whole), whole):
            yield hit[0], why
    one = r"\b(largest|smallest|biggest|top) (customer|household)\b[^.]*?\d[\d.,]*%"
    for hit in re.finditer(one, text):
        if not re.search("(more|less) than|% to ", text[hit.start() : hit.end() + 4]):
            yield hit[0], "it is the figure of one customer"


def _int(digits: str) -> int:
    return int(digits.replace(",", ""))


def _bounds(text: str, whole: int = MANY) -> Bounds | None:
    """Give the least and most customers, of `whole`, that a cell can stand for."""
    if text in (WITHHELD, DASH):
        return 0, whole
    hit = _CELL.match(text)
    if not hit or (hit[3] and not hit[4]) or (hit[4] and whole == MANY):
        return None
    sign, digits, part, share = hit.groups()
    if not share:
        n = _int(digits)
        return {"<": (0, n - 1), ">": (n + 1, whole)}.get(sign, (n, n))
    value = float(digits.replace(",", "") + (part or ""))
    half = 0.5 * 10.0 ** -len((part or ".")[1:])
    near = {"<": (0, value), ">": (value, 100)}.get(sign, (value - half, value + half))
    low, high = np.array(near) * whole / 100 + (-1e-9, 1e-9)
    return max(int(np.ceil(low)), 0), min(int(high), whole)


def _small(bounds: Bounds | None, whole: int) -> str:
    """Say that a part of `whole`, or what it leaves, holds 1 to 9 for sure."""
    low, high = bounds or (0, 0)
    for a, b, what in (low, high, ""), (whole - high, whole - low, "all but "):
        if a in SMALL and b in SMALL and a <= b:
            of = f" of {whole:,}" if whole < MANY else ""
            return f"{what}{a if a == b else f'{a} to {b}'}{of}"
    return ""


def _table(node: Tag, page: str) -> Table | None:
    rows = [row(["td", "th"]) for row in node("tr")]
    texts = [[cell.get_text(" ", strip=True) for cell in row] for row in rows]
    body = [row for row in texts[1:] if len(row) == len(texts[0])]
    caption = node.caption.get_text(" ", strip=True) if node.caption else page
    if not body or _IS["nobody"].search(caption.lower()):
        return None
    labels = max(sum(cell.name == "th" for cell in rows[-1]), 1)
    columns = list(zip(*body, strict=True))
    while labels < len(columns) and not any(map(_bounds, columns[labels])):
        if any("%" in text for text in columns[labels]):
            break
        labels += 1
    return Table(page, caption, texts[0], body, labels)


def _groups(data: Mapping, page: str) -> Iterator[Table]:
    """Lay out the groups that a page's script can show; 0 customers are withheld."""
    of = {str(i): one for i, one in enumerate(data["dimensions"])}
    for at, (customers, *_) in data["tables"].items():
        used = [of[i] for i in at.split(",") if i]
        groups = itertools.product(*(map(str, one["levels"]) for one in used))
        rows = [
            [*group, f"{n}" if n else DASH]
            for group, n in zip(groups, customers, strict=True)
            if len(used) <= DEPTH or n in SMALL
        ]
        heads = [*(one["label"] for one in used), "Customers"]
        if rows:
            yield Table(page, "Groups to explore", heads, rows, len(used))


def _worked_out(tables: Sequence[Table], everyone: int) -> Iterator[Leak]:
    """Find what tables give away, each for itself and all together."""
    dimensions: list[set[str]] = []
    all_told: list[_Told] = []
    for table in tables:
        told = _Told()
        yield from _read(table, told, dimensions, tables, everyone)
        _join(all_told, told)
    for one in all_told:
        yield from _solved(one)
        if all(
            _within(one, x) is not None or _within(x, one) is None for x in all_told
        ):
            # none holds more of its groups, so it is sure to hold theirs
            yield from (leak for x in all_told for leak in _within(one, x) or ())


def _read(
    table: Table,
    told: _Told,
    dimensions: list[set[str]],
    tables: Sequence[Table],
    everyone: int,
) -> Iterator[Leak]:
    """Note what a table says of customers; find what a cell or row alone gives away."""
    heads = [head.lower() for head in table.heads]
    columns = list(zip(*table.rows, strict=True))
    numbers = range(table.labels, len(heads))
    whole = [j for j in numbers if all(map(_bounds, columns[j]))]
    parts = [j for j in whole if not _IS["other"].search(heads[j])]
    base = next((j for j in parts if _IS["counts"].search(heads[j])), None)
    crossed = base is None and bool(_IS["crossed"].search(table.caption.lower()))
    names: list[str] = []
    levels = [[_level(x, heads[i]) for x in columns[i]] for i in range(table.labels)]
    for column in levels:
        names.append(_dimension(set(column), names, dimensions))
    marks, across = set(), "part"
    if crossed:
        parts, marks = whole, _marked(table, tables)
        across = _dimension({_level(heads[j], "") for j in parts}, names, dimensions)
    elif base is not None:
        parts = [j for j in parts if _inside(columns[j], columns[base])]
    else:
        parts = []
    sizes = [
        (base is not None and _bounds(row[base])) or (0, MANY) for row in table.rows
    ]
    for i, row in enumerate(table.rows):
        here = {(name, column[i]) for name, column in zip(names, levels, strict=True)}
        group = Key({x for x in here if not _IS["total"].search(x[1])} | marks)
        size = sizes[i][0] if sizes[i][0] == sizes[i][1] else MANY
        for j in numbers:
            level = _level(heads[j], "")
            key = group if j == base else group | {(across, level)}
            bounds, of, why = None, everyone or MANY, ""
            if j in parts:
                bounds = _bounds(row[j])
                if row[j] == DASH and (names[0] + "'", level) == (across, levels[0][i]):
                    bounds = 0, 0  # nobody moves from a group to itself
            elif "%" in row[j] and _IS["of_all"].search(heads[j]):
                key, bounds = None, _bounds(row[j], of)
            elif "%" in row[j] and not _IS["no_share"].search(heads[j]):
                bounds, of = _bounds(row[j], size), size
            elif 0 < size < MANY and _IS["several"].search(heads[j]):
                more = (_bounds(row[j]) or (0, 0))[0] - size
                why = f"{more} more than their customers" if more in SMALL else ""
            if why := why or _small(bounds, of):
                yield table.leak(row, j, why)
            if bounds and key is not None and bounds[0] <= bounds[1]:
                told.bounds[key], told.places[key] = bounds, table.leak(row, j)
                if row[j] == WITHHELD or row[j].startswith("<"):
                    told.withheld.add(key)
    if base is not None and _IS["nested"].search(heads[0]):
        for row, (one, _), (other, _) in zip(
            table.rows[1:], sizes, sizes[1:], strict=False
        ):
            if (step := abs(other - one)) in SMALL:
                yield table.leak(row, base, f"{step} away from the row above")
    _split(told, table.caption)


def _inside(part: Sequence[str], whole: Sequence[str]) -> bool:
    pairs = zip(map(_bounds, part), map(_bounds, whole), strict=True)
    return all(a and b and a[0] <= b[1] for a, b in pairs)


def _level(text: str, heading: str) -> str:
    text = re.sub(r" (value|customers)$", "", text.lower())
    return text if re.search("[a-z]", text) else f"{heading} {text}"


def _dimension(levels: set[str], taken: Sequence[str], known: list[set[str]]) -> str:
    """Name a dimension by those that had such levels; one met twice gets a dash."""
    levels = {level for level in levels if not _IS["total"].search(level)}
    near = [
        len(levels & x) >= max(min(2, len(levels)), min(len(levels), len(x)) / 2)
        for x in known
    ]
    number = near.index(True) if any(near) else len(known)
    known[number:] = [levels.union(*known[number : number + 1]), *known[number + 1 :]]
    name = str(number)
    while name in taken:
        name += "'"
    return name


def _marked(table: Table, tables: Sequence[Table]) -> set[tuple[str, str]]:
    """Find the part of customers that a caption names: Customers who moved."""
    heads = {head.lower() for other in tables for head in other.heads[other.labels :]}
    named = heads & set(re.findall(r"\w{5,}", table.caption.lower()))
    return {("part", x) for x in named if not _IS["counts"].search(x)}


def _split(told: _Told, caption: str) -> None:
    """Note which groups are split into which: all that differ in some dimensions."""
    families = defaultdict(list)
    for key in told.bounds:
        names = sorted({name for name, _ in key})
        for kept in (
            x for r in range(len(names)) for x in itertools.combinations(names, r)
        ):
            if "part" in kept or "part" not in names:
                parent = Key(x for x in key if x[0] in kept)
                families[parent, (caption, *kept)].append(key)
        whole = Key(x for x in key if x[0] != "part")
        if whole != key and whole in told.bounds:
            told.splits.append((whole, (key,), (caption, "part", *(key - whole))))
    told.splits += [(p, tuple(k), kind) for (p, kind), k in families.items() if k[1:]]


def _join(all_told: list[_Told], new: _Told) -> None:
    """Make one of what a table tells and what others tell of the same customers."""
    for old in sorted(all_told, key=lambda old: -_agreement(old, new)):
        if _agreement(old, new) > 0:
            all_told.remove(old)
            for key, (low, high) in old.bounds.items():
                least, most = new.bounds.get(key, (low, high))
                new.bounds[key] = (max(low, least), min(high, most))
            new.places = old.places | new.places
            new.splits = old.splits + new.splits
            new.withheld |= old.withheld
    if new.bounds:
        all_told.append(new)


def _agreement(one: _Told, other: _Told) -> float:
    """Count the numbers that two share; -1 if they contradict."""
    shared = [(one.bounds[k], other.bounds[k]) for k in one.bounds if k in other.bounds]
    if any(max(a[0], b[0]) > min(a[1], b[1]) for a, b in shared):
        return -1
    score = sum(a == b and a[0] == a[1] for a, b in shared)
    score += bool(one.totals() & other.totals())
    for parts, whole in (one, other), (other, one):
        for parent, keys, _ in parts.splits:
            if parent in whole.bounds and parent not in parts.bounds and keys[1:]:
                least, most = (
                    sum(parts.bounds[k][0] for k in keys),
                    whole.bounds[parent][1],
                )
                if least > most:
                    return -1
                score += 1 if parts.sum(keys) == most else 0.1
    return score


def _within(one: _Told, other: _Told) -> list[Leak] | None:
    """Find groups a few customers smaller in another table; None if some are larger."""
    shared = [k for k in one.places if k in other.places and "part" not in dict(k)]
    pairs = [(k, one.sum([k]), other.sum([k])) for k in shared]
    pairs = [(k, a, b) for k, a, b in pairs if a is not None and b is not None]
    if one is other or len(pairs) < 2 or any(a < b for _, a, b in pairs):
        return None
    return [
        other.places[k]._replace(how=f"{b} of {a} in {one.places[k].table!r}")
        for k, a, b in pairs
        if a - b in SMALL
    ]


def _solved(told: _Told) -> Iterator[Leak]:
    """Give all that follows when each whole is the sum of its parts and a rest.

    An integer programme: parts leave no rest where they need not, unless the same kind
    of split leaves one elsewhere. A few solutions drawn at random show what can be
    anything; of what is left, least and most are solved for.
    """
    if Key() not in told.bounds and (totals := told.totals()):
        told.bounds[Key()] = (max(totals), max(totals))
    bounds = told.bounds
    splits = [
        (whole, parts, kind)
        for whole, parts, kind in dict.fromkeys(told.splits)
        if whole in bounds and sum(bounds[k][0] for k in parts) <= bounds[whole][1]
    ]
    keys = list(dict.fromkeys(k for whole, parts, _ in splits for k in (whole, *parts)))
    n, size = len(keys), len(keys) + len(splits)
    if not splits:
        return
    at = {key: i for i, key in enumerate(keys)}
    sums = sparse.lil_array((len(splits), size))
    for i, (whole, parts, _) in enumerate(splits):
        sums[i, [at[part] for part in parts]] = 1
        sums[i, at[whole]], sums[i, n + i] = -1, 1
    top = max(high for _, high in bounds.values() if high < MANY)
    ends = [bounds[k] for k in keys] + [(0, top)] * len(splits)
    low, high = np.minimum(np.array(ends, float).T, top)

    def solve(cost: np.ndarray) -> np.ndarray | None:
        return optimize.milp(
            cost,
            constraints=optimize.LinearConstraint(sums.tocsc(), 0, 0),
            bounds=optimize.Bounds(low, high),
            integrality=np.ones(size),
        ).x

    several = np.array([len(parts) > 1 for _, parts, _ in splits])
    first = solve(np.r_[np.zeros(n), several])
    if first is None:
        return  # the tables do not speak of the same customers after all
    loose = {
        kind for (*_, kind), rest in zip(splits, first[n:], strict=True) if rest > 0.5
    }
    high[n:][several & [kind not in loose for *_, kind in splits]] = 0
    rng = np.random.default_rng(0)
    costs = [np.ones(size), -np.ones(size), *rng.normal(size=(4, size))]
    seen = np.array(
        [first, *filter(lambda x: x is not None, map(solve, costs))]
    ).round()
    for i in np.flatnonzero(low < high):
        hidden = i < n and keys[i] in told.withheld
        least, most = seen[:, i].min(), seen[:, i].max()
        if least < 1 or (most >= MIN_CELL and (least < most or not hidden)):
            continue
        least, most = (round(solve(sign * np.eye(size)[i])[i]) for sign in (1, -1))
        if (least in SMALL and most in SMALL) or (hidden and least == most):
            said = f"{least:,}" if least == most else f"{least} to {most}"
            if i < n:
                yield told.places[keys[i]]._replace(how=f"sums leave {said}")
            else:
                whole, parts, _ = splits[i - n]
                of = ", ".join(sorted(level for _, level in whole)) or "all"
                how = f"sums leave {said} others of {of}"
                yield told.places[parts[-1]]._replace(how=how)
