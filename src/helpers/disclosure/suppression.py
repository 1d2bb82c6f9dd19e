"""Withhold small groups of a table, and what would give them away."""

import math
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.disclosure import lattice

WITHHELD = "withheld"
MIN_CELL = 10  # customers; a smaller group is told of nowhere
DOMINANCE = 0.5  # of a sum; one of which a single customer holds more is told nowhere
KNOWN = 10**9  # stands in a cross table for a cell that is known: it hides no other
LARGEST = "largest"  # column of the share that this customer holds; it is never shown


def suppress(
    frame: pd.DataFrame, *, counts: Hashable, columns: Sequence[Hashable]
) -> pd.DataFrame:
    """Hide `columns` in rows of fewer than `MIN_CELL` customers (`counts`).

    The total is taken to be known: where one row alone is hidden, or hidden ones hold
    fewer than `MIN_CELL` together, the next smallest goes with them. There `counts`
    reads "<10", or "withheld" in every hidden row if a larger one is among them, and
    `columns` are None. Returns a copy, in which these columns have dtype object.
    """
    sizes = frame[counts].astype(float).fillna(0)
    small = sizes < MIN_CELL
    hidden = _accompanied(sizes, small)
    shown = frame.astype(dict.fromkeys([counts, *columns], object))
    shown.loc[hidden, list(columns)] = None
    shown.loc[hidden, counts] = _word(small, hidden)
    return shown


def closed(sizes: pd.Series, *, largest: pd.Series, sums: pd.Series) -> pd.Series:
    """Mark parts of a known total that few customers make (`sizes`), or one dominates.

    `largest` is a customer's share of each of the `sums`. With the marked ones go as
    many others as it takes.
    """
    small = sizes.between(1, MIN_CELL - 1)
    return _accompanied(sizes, small) | dominated(largest, sums)


def _accompanied(sizes: pd.Series, small: pd.Series) -> pd.Series:
    """Mark beside `small` rows the next smallest, until their total gives none away."""
    hidden = small.copy()
    while hidden.any() and not hidden.all():
        if hidden.sum() > 1 and not 0 < sizes[hidden].sum() < MIN_CELL:
            break
        hidden[sizes.mask(hidden).idxmin()] = True
    return hidden


def guard(
    frame: pd.DataFrame,
    *,
    counts: Collection[Hashable],
    parts: Mapping[Hashable, Hashable | pd.Series],
    sums: Sequence[Hashable],
    ends: Mapping[Hashable, Hashable],
) -> pd.DataFrame:
    """Withhold what tells of 1 to 9 customers, or of one who holds most of a sum.

    A row in which one of `counts` (columns of customers) is small loses the numbers to
    its right. `parts` maps a count, or a share (0 to 1), to the column, number or numbers
    of the customers of whom it is: a part that is small, or leaves a small rest, says no more
    than that ("<10", ">61", "<5%"). `sums` are withheld where `LARGEST` is above
    `DOMINANCE`. `ends` maps the ends of intervals to what they go with. Totals are
    taken to be known, as in :func:`suppress`. Returns a copy without `LARGEST`.
    """
    table = frame.reset_index(drop=True)
    told = table.drop(columns=LARGEST, errors="ignore")
    told = told.astype(dict.fromkeys([*counts, *parts, *sums, *ends], object))
    for name in counts:
        sizes = numbers(told[name]).abs()
        few = sizes.between(1, MIN_CELL - 1)
        if few.any() and not _in(told, parts.get(name)):
            hidden = _accompanied(sizes.fillna(0), few | sizes.isna())
            right = told.columns[told.columns.get_loc(name) + 1 :]
            told.loc[hidden, [one for one in right if numbers(told[one]).any()]] = None
            told.loc[hidden, name] = _word(few, hidden)
    for together in _shared_out(table, counts, parts):
        told[together] = withhold(table[together])
        parts = {name: base for name, base in parts.items() if name not in together}
    for name, base in parts.items():
        part = numbers(told[name]).abs()
        rows = _in(told, base)
        whole = numbers(told[base]) if rows else part * 0 + np.asarray(base, float)
        part = (part if name in counts else part * whole).round()
        texts = _about(part, whole, share=name not in counts, rows=rows)
        told[name] = told[name].where(texts == "", texts)
    if LARGEST in table and len(sums):
        sizes = numbers(table[sums[0]]).abs().fillna(0)
        told.loc[dominated(table[LARGEST], sizes), list(sums)] = WITHHELD
    for end, name in ends.items():
        told.loc[numbers(told[name]).isna(), end] = None
    return told.set_axis(frame.index)


def _shared_out(
    table: pd.DataFrame, counts: Collection[Hashable], parts: Mapping[Hashable, Any]
) -> Iterator[list[Hashable]]:
    """Give counts that add up to another in every row: one follows from the others."""
    bases = {
        base for name, base in parts.items() if name in counts and _in(table, base)
    }
    for base in sorted(bases):
        inside = [name for name in counts if name in parts and parts[name] is base]
        total = table[inside].sum(axis=1, skipna=False)
        if len(inside) > 2 and (total == table[base]).all():
            yield inside


def _in(table: pd.DataFrame, base: object) -> bool:
    return base is not None and not isinstance(base, int | pd.Series) and base in table


def numbers(values: pd.Series) -> pd.Series:
    """Give a guarded column as numbers, missing where it is withheld."""
    return pd.to_numeric(values, errors="coerce").astype(float)


def _about(part: pd.Series, whole: pd.Series, *, share: bool, rows: bool) -> pd.Series:
    """Say of parts that are small, or leave a small rest, no more than that.

    "<10" of 71 customers, or ">61"; as `share` "<15%" and ">85%"; "" where all can be
    told. Where `rows` share out the customers, one row of all follows from the others.
    """
    few, most = part.between(1, MIN_CELL - 1), (whole - part).between(1, MIN_CELL - 1)
    small = hidden = few | most
    if rows and small.any():
        least = np.minimum(part, whole - part).fillna(0)
        hidden = _accompanied(least, small | part.isna()) & part.notna()
    if (hidden != small).any() or (few & most).any():
        return hidden.map({True: WITHHELD, False: ""})
    texts = pd.Series("", part.index)
    for row in small.index[small]:
        bound = f"{MIN_CELL}" if few[row] else f"{whole[row] - MIN_CELL:,.0f}"
        if share:
            digits = 0 if whole[row] < 100 * MIN_CELL else 1
            least = math.ceil(100 * 10**digits * MIN_CELL / whole[row]) / 10**digits
            bound = f"{least if few[row] else 100 - least:.{digits}f}%"
        texts[row] = f"{'<' if few[row] else '>'}{bound}"
    return texts


def dominated(largest: pd.Series, sizes: pd.Series) -> pd.Series:
    """Mark sums that one customer dominates, and those that a total needs beside them."""
    hidden, tops = largest.astype(float) > DOMINANCE, largest.astype(float) * sizes
    while hidden.any() and (sizes.mask(hidden) > 0).any():
        if hidden.sum() > 1 and tops[hidden].max() <= DOMINANCE * sizes[hidden].sum():
            break
        hidden[sizes.mask(hidden | (sizes == 0)).idxmin()] = True
    return hidden


def many(count: int, *, of: int | None = None) -> str:
    """Write a number of customers, but not a small one, nor all but a small one."""
    return _worded(count, of) or f"{count:,}"


def part(count: int, *, of: int, form: str = "{:.0%}") -> str:
    """Write what part of customers `count` is, in the words of :func:`many` if small."""
    return _worded(count, of) or form.format(count / of if of else 0)


def customers(count: int, *, of: int, form: str = "{:.0%}") -> str:
    """Write what part of customers `count` is, as :func:`part`, and that it is of them."""
    said = part(count, of=of, form=form)
    return f"{said} of customers" if "%" in said else f"{said} customers"


def _worded(count: int, of: int | None) -> str:
    if 0 < count < MIN_CELL:
        return f"fewer than {MIN_CELL}"
    few = of is not None and 0 < of - count < MIN_CELL <= of
    return f"all but fewer than {MIN_CELL}" if few else ""


def roughly(share: float) -> str:
    """Write the share of a sum that is a single customer's, so that it stays unknown."""
    edges = ["0%", "1%", "5%", "10%", "25%", "50%", "100%"]
    at = np.searchsorted([0.01, 0.05, 0.1, 0.25, 0.5], share, side="right")
    return f"{edges[at]} to {edges[at + 1]}"


def about(value: float) -> str:
    """Write a quantile, which is one customer's own value, with the two digits that count."""
    digits = 1 - math.floor(math.log10(abs(value))) if value else 0
    return f"{round(value, digits):,.{max(digits, 0)}f}"


def enough_left(sizes: pd.Series, *, of: int) -> pd.Series:
    """Mark the groups to show of customers, so that no 1 to 9 of them are left over."""
    shown = sizes >= MIN_CELL
    while shown.any() and 0 < of - sizes[shown].sum() < MIN_CELL:
        shown[sizes.where(shown).idxmin()] = False
    return shown


def nested(counts: Sequence[float]) -> np.ndarray:
    """Mark the nested groups to tell of: none is 1 to 9 customers from the last one."""
    told, last = [], np.inf
    for count in counts:
        told.append(not 0 < abs(count - last) < MIN_CELL)
        last = count if told[-1] else last
    return np.array(told, bool)


def privacy(cells: pd.DataFrame) -> str:
    """Say why cells of a cross table are withheld; nothing where none is."""
    hidden = cells == WITHHELD
    if hidden.all(axis=None):
        return (
            f"Not shown (privacy): each cell holds fewer than {MIN_CELL} customers, or "
            "would give such a cell away."
        )
    few = (
        f"Cells of fewer than {MIN_CELL} customers are withheld, and those that would "
        "give them away."
    )
    return few if hidden.any(axis=None) else ""


def withhold(counts: pd.DataFrame) -> pd.DataFrame:
    """Replace the cells of a cross table that :func:`withheld` marks by a word.

    It is "<10" where only small cells had to be hidden, else "withheld" in all that are
    hidden: two words would tell the small ones apart and narrow them down.
    """
    hidden = withheld(counts)
    return counts.astype(object).mask(hidden, _word(~(counts >= MIN_CELL), hidden))


def _word(small: pd.DataFrame | pd.Series, hidden: pd.DataFrame | pd.Series) -> str:
    return f"<{MIN_CELL}" if (small == hidden).all(axis=None) else WITHHELD


def withheld(counts: pd.DataFrame) -> pd.DataFrame:
    """Mark the cells of a cross table of customers that must not be shown.

    Totals are taken to be known: beside the small cells, further small ones are marked,
    so that none follows and those of a row or column hold `MIN_CELL` customers
    together.
    """
    sizes = counts.fillna(0).to_numpy(float)
    hidden = sizes < MIN_CELL
    while True:
        closed = _close(sizes, hidden)
        hidden = _fill(sizes, closed)
        if (hidden == closed).all():
            return pd.DataFrame(hidden, counts.index, counts.columns)


def _close(sizes: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Hide cells until no hidden one follows from the totals."""
    hidden = hidden.copy()
    while (exposed := _exposed(hidden)).any():
        # company of a cell: hidden ones in its row and in its column, itself counted
        in_row, in_column = np.broadcast_arrays(
            hidden.sum(axis=1, keepdims=True), hidden.sum(axis=0, keepdims=True)
        )
        lonely = np.where(exposed, np.minimum(in_row, in_column), hidden.size)
        row, column = np.unravel_index(lonely.argmin(), hidden.shape)
        near = np.zeros_like(hidden)
        near[row] = in_row[row, column] == 1 or in_column[row, column] > 1
        near[:, column] |= in_row[row, column] > 1
        # best a partner that has company both ways, then the smallest
        apart = np.where(in_row * in_column > 0, 0, sizes.max() + 1)
        open_ = near & ~hidden & (sizes < KNOWN)
        partners = np.where(open_, sizes + apart, np.inf)
        if np.isinf(partners).all():
            return np.ones_like(hidden)
        hidden.flat[partners.argmin()] = True
    return hidden


def _fill(sizes: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Hide the smallest cell left of each line whose hidden ones hold too few."""
    hidden = hidden.copy()
    for axis in (0, 1):
        lines, dark = np.moveaxis(sizes, axis, 0), np.moveaxis(hidden, axis, 0)
        for line, inside in zip(lines, dark, strict=True):
            while 0 < line[inside].sum() < MIN_CELL and not inside.all():
                inside[np.where(inside, np.inf, line).argmin()] = True
    return hidden


def _exposed(hidden: np.ndarray) -> np.ndarray:
    """Find hidden cells that the totals of rows and columns would give away."""
    views = lattice.lattice(hidden.shape, most=2, apart=())
    unknown = np.zeros(views.children.shape[1], bool)
    unknown[-hidden.size :] = hidden.ravel()  # cells come last, after their totals
    still = np.abs(lattice.movement(views, unknown)) < lattice.STILL
    return hidden & still[-hidden.size :].reshape(hidden.shape)
