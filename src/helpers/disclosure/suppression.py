"""Withhold small groups of a table, and what would give them away."""

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

WITHHELD = "withheld"
MIN_CELL = 10  # customers; a smaller group is told of nowhere


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
    hidden = small.copy()
    while hidden.any() and not hidden.all():
        if hidden.sum() > 1 and not 0 < sizes[hidden].sum() < MIN_CELL:
            break
        hidden[sizes.mask(hidden).idxmin()] = True
    shown = frame.astype(dict.fromkeys([counts, *columns], object))
    shown.loc[hidden, list(columns)] = None
    shown.loc[hidden, counts] = _word(small, hidden)
    return shown


def hide(
    frame: pd.DataFrame,
    hidden: Sequence[bool],
    *,
    counts: Hashable,
    columns: Sequence[Hashable],
) -> pd.DataFrame:
    """Withhold `columns` of `hidden` rows of any size; `counts` reads "withheld"."""
    there = np.asarray(hidden, bool)
    told = frame.astype(dict.fromkeys([counts, *columns], object))
    told.loc[there, list(columns)] = None
    told.loc[there, counts] = WITHHELD
    return told


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
        partners = np.where(near & ~hidden, sizes + apart, np.inf)
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
    exposed = np.zeros_like(hidden)
    cells = np.argwhere(hidden)
    if not len(cells):
        return exposed
    # one equation a row and a column; a cell that no solution can move is known
    equations = np.zeros((sum(hidden.shape), len(cells)))
    equations[cells[:, 0], np.arange(len(cells))] = 1
    equations[hidden.shape[0] + cells[:, 1], np.arange(len(cells))] = 1
    _, sizes, directions = np.linalg.svd(equations)
    free = directions[(sizes > 1e-9).sum() :]
    known = np.abs(free).max(axis=0, initial=0) < 1e-9
    exposed[tuple(cells[known].T)] = True
    return exposed
