"""Read a report as an attacker would, and work out the small groups it gives away."""

import base64
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from bs4 import BeautifulSoup, Tag

from helpers.core.paths import beside
from helpers.disclosure import deduction
from helpers.disclosure.deduction import MANY, SMALL, Bounds, Key, Leak
from helpers.disclosure.suppression import WITHHELD

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
SENTENCES = ["p", "li", "dd", "dt", "td", "h1", "h2", "h3", "pre", "summary", "caption"]
TOTAL = "all customers"  # where pages say of how many they tell
_IS = {
    name: re.compile(text) for name, text in beside(__file__, "auditor.yaml").items()
}
_CELL = re.compile(
    rf"([<>{MINUS}-]?)(\d[\d,]*)(\.\d+)?(%?)(?!\d|[\d.]*[a-z$€£¥]|[-:]\d)"
)
_COUNT = rf"(?<![\w.,{MINUS}-])(?<!about )(\d+(?:,\d{{3}})*)(?![\d.,]*[\d%])"
_WHO = r"(?:customers|households)\b"


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


def audit(files: Mapping[str, str]) -> list[Leak]:
    """Find what pages (.html) and downloads (.csv, .json), by name, give away.

    Read are sentences, alt texts, the text in figures, the groups to explore, and all
    tables together. Customers are counted where a heading or a caption says so
    (auditor.yaml). A leak is a group that holds 1 to 9 of them for sure, or a withheld
    number that follows from its own page.
    """
    soups = {name: _soup(name, text) for name, text in files.items()}
    said = {name: list(_said(soup)) for name, soup in soups.items()}
    totals = {name: max(_named(words)) for name, words in said.items()}
    named = {name: _named(words) for name, words in said.items()}
    found: dict[tuple, Leak] = {}
    for pair in itertools.combinations(sorted({*totals.values()}), 2):
        if pair[1] - pair[0] in SMALL:
            on = [[name for name in files if n in named[name]] for n in pair]
            rare = len(on[0]) > len(on[1])  # the one that fewer pages name
            for name in on[rare]:
                leak = Leak(
                    name, TOTAL, f"{pair[rare]:,}", f"beside {pair[not rare]:,}"
                )
                found[leak[:3]] = leak
    every: list[Table] = []
    for name, soup in soups.items():
        # the most that a page names are all there are, unless others name many more
        everyone = totals[name] if totals[name] > 0.9 * max(totals.values()) else 0
        leaks = [
            Leak(name, where, repr(cell), how)
            for where, words in said[name]
            for cell, how in _sentence(words, everyone)
        ]
        tables = [t for node in soup("table") if (t := read(node, name))]
        if data := soup.find("script", id="data"):
            tables += _groups(json.loads(data.get_text()), name)
        every += tables
        for leak in [*leaks, *_worked_out(tables, everyone)]:
            found.setdefault(leak[:3], leak)
    for leak in _worked_out(every, 0, exact=False):
        found.setdefault(leak[:3], leak)
    return list(found.values())


def _soup(name: str, text: str) -> BeautifulSoup:
    """Read a page, with its figures as markup; a download becomes a table."""
    if name.endswith(".csv"):
        text = pd.read_csv(io.StringIO(text), dtype=str).to_html(index=False)
    elif name.endswith(".json"):
        told = json.loads(text)
        records = isinstance(told, list) and all(isinstance(x, dict) for x in told)
        text = pd.DataFrame(told).to_html(index=False) if records else f"<p>{text}</p>"
    drawn = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)', text)
    text = re.sub(r'src="data:[^"]*"', "", text)
    figures = (base64.b64decode(code).decode() for code in drawn)
    return BeautifulSoup("".join([text, *figures]), "html.parser")


def _said(soup: BeautifulSoup) -> Iterator[tuple[str, str]]:
    for image in soup("img"):
        yield "alt text", str(image.get("alt", ""))
    for where, tags in ("text", SENTENCES), ("figure", ["text", "title", "desc"]):
        for node in soup(tags):
            yield where, node.get_text(" ", strip=True)


def _named(said: Iterable[tuple[str, str]]) -> set[int]:
    """Give every number of customers that is said; the largest may be all there are."""
    named = (n for _, words in said for n in re.findall(f"{_COUNT} {_WHO}", words))
    return {0, *map(_int, named)}


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
    if not hit:
        return None
    sign, digits, part, share = hit.groups()
    if (part and not share) or (share and (whole == MANY or sign in ("-", MINUS))):
        return None
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


def cells(node: Tag) -> list[list[Tag]]:
    """Give the cells of a table: its headings, and the rows that have as many."""
    rows = [row(["td", "th"]) for row in node("tr")]
    return [row for row in rows if row and len(row) == len(rows[0])]


def counts_customers(heading: str) -> bool:
    """Say whether a heading is that of a number of customers."""
    return bool(_IS["counts"].search(heading.lower()))


def read(node: Tag, page: str) -> Table | None:
    """Read a table of a page; None where it has no rows, or counts nobody of this run."""
    rows = cells(node)
    texts = [[cell.get_text(" ", strip=True) for cell in row] for row in rows]
    body = texts[1:]
    caption = node.caption.get_text(" ", strip=True) if node.caption else page
    if not body or _IS["nobody"].search(caption.lower()):
        return None
    labels = min(max(sum(cell.name == "th" for cell in rows[-1]), 1), len(body[0]))
    columns = list(zip(*body, strict=True))
    while labels < len(columns) and not any(map(_bounds, columns[labels])):
        if any("%" in text for text in columns[labels]):
            break
        labels += 1
    return Table(page, caption, texts[0], body, labels)


def _groups(data: Mapping, page: str) -> Iterator[Table]:
    """Lay out the groups that a page's script can show; 0 customers are withheld.

    Small ones, and those of one condition or of two ways to buy: attributes are crossed
    nowhere else, and the cube is made safe in itself (:mod:`helpers.disclosure.cube`).
    """
    of = {str(i): one for i, one in enumerate(data["dimensions"])}
    for at, (customers, *_) in data["tables"].items():
        used = [of[i] for i in at.split(",") if i]
        beside_tables = len(used) < 3 and not any(x["attribute"] for x in used[1:])
        groups = itertools.product(*(map(str, one["levels"]) for one in used))
        rows = [
            [*group, f"{n}" if n else DASH]
            for group, n in zip(groups, customers, strict=True)
            if beside_tables or n in SMALL
        ]
        heads = [*(one["label"] for one in used), "Customers"]
        if rows:
            yield Table(page, "Groups to explore", heads, rows, len(used))


def _worked_out(
    tables: Sequence[Table], everyone: int, *, exact: bool = True
) -> Iterator[Leak]:
    """Find what tables give away, each for itself and all together."""
    dimensions: list[set[str]] = []
    all_told: list[deduction.Told] = []
    for table in tables:
        told = deduction.Told()
        yield from _read(table, told, dimensions, tables, everyone)
        deduction.join(all_told, told)
    for one in all_told:
        yield from deduction.solved(one, everyone, exact=exact)
        if all(
            deduction.within(one, x) is not None or deduction.within(x, one) is None
            for x in all_told
        ):
            # none holds more of its groups, so it is sure to hold theirs
            yield from (
                leak for x in all_told for leak in deduction.within(one, x) or ()
            )


def _read(
    table: Table,
    told: deduction.Told,
    dimensions: list[set[str]],
    tables: Sequence[Table],
    everyone: int,
) -> Iterator[Leak]:
    """Note what a table says of customers; find what a cell or row alone gives away."""
    heads = [head.lower() for head in table.heads]
    columns = list(zip(*table.rows, strict=True))
    numbers = range(table.labels, len(heads))
    counts = [j for j in numbers if all(map(_bounds, columns[j]))]
    plain = [j for j in counts if not _IS["other"].search(heads[j])]
    base = next((j for j in plain if _IS["counts"].search(heads[j])), None)
    crossed = base is None and bool(_IS["crossed"].search(table.caption.lower()))
    if base is not None:
        counts = [j for j in plain if _inside(columns[j], columns[base])]
        shared = _shared_out(columns, [j for j in counts if j != base], base)
        sizes = [_bounds(text) or (0, MANY) for text in columns[base]]
    else:
        counts, shared = counts if crossed else [], crossed
        sizes = [(0, MANY)] * len(table.rows)
    names: list[str] = []
    levels = [[_level(x, heads[i]) for x in columns[i]] for i in range(table.labels)]
    for head, column in zip(heads, levels, strict=False):
        name = _dimension(set(column), names, dimensions)
        overlap = _IS["overlap"].search(f"{head}: {column[0]}")
        names.append(f"part {name}" if overlap else name)
    now, names = (
        names,
        [
            f"{name} before" if _IS["elsewhere"].search(head) else name
            for name, head in zip(names, heads, strict=False)
        ],
    )
    marks, across = set(), "part"
    if crossed:
        marks = _marked(table, tables)
    if shared:
        inside = {_level(heads[j], "") for j in counts if j != base}
        across = _dimension(inside, now, dimensions)
    above = MANY
    for i, row in enumerate(table.rows):
        here = {(name, column[i]) for name, column in zip(names, levels, strict=True)}
        group = Key({x for x in here if not _IS["total"].search(x[1])} | marks)
        low, high = sizes[i]
        for j in numbers:
            level = _level(heads[j], "")
            key = group if j == base else group | {(across, level)}
            if j in counts:
                bounds, why = _bounds(row[j]), ""
                if row[j] == DASH and (now[0] + "'", level) == (across, levels[0][i]):
                    bounds = 0, 0  # nobody moves from a group to itself
                why = _small(bounds, everyone or MANY)
            else:
                size = low if low == high else MANY
                bounds, why = _part(heads[j], row[j], size, everyone or MANY)
            if why:
                yield table.leak(row, j, why)
            if bounds and bounds[0] <= bounds[1]:
                told.bounds[key], told.places[key] = bounds, table.leak(row, j)
                if row[j] == WITHHELD or row[j].startswith("<"):
                    told.withheld.add(key)
        if base is not None and low == high and _IS["nested"].search(heads[0]):
            if (step := abs(low - above)) in SMALL:
                yield table.leak(row, base, f"{step} away from the rows above")
            above = low
    deduction.split(told, table.caption)


def _part(head: str, text: str, size: int, everyone: int) -> tuple[Bounds | None, str]:
    """Read a number beside the customers of a row: a share, or units they have."""
    if "%" in text:
        of_all = _IS["of_all"].search(head)
        of = everyone if of_all else size
        bounds = None if _IS["no_share"].search(head) else _bounds(text, of)
        return bounds, _small(bounds, of)
    if size < MANY and _IS["several"].search(head):
        more = (_bounds(text) or (0, 0))[0] - size
        if size and more in SMALL:
            return None, f"{more} more than their customers"
    return None, ""


def _shared_out(columns: Sequence, parts: Sequence[int], base: int) -> bool:
    """Say whether columns add up to another, in each of the rows that tell all of them."""
    rows = [
        [_bounds(columns[j][i]) or (0, MANY) for j in (*parts, base)]
        for i in range(len(columns[base]))
    ]
    told = [[low for low, _ in row] for row in rows if all(a == b for a, b in row)]
    adds = all(sum(row[:-1]) == row[-1] for row in told)
    return len(parts) > 1 and len(told) > 1 and adds


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
