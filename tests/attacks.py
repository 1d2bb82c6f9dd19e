"""Attack the groups of a dashboard with its true customers at hand."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from helpers.disclosure import cube, lattice as disclosure_lattice
from helpers.disclosure.suppression import MIN_CELL


def audit(
    customers: pd.DataFrame,
    published: pd.DataFrame,
    *,
    dimensions: Sequence[str],
    most: int,
    below: int = MIN_CELL,
    apart: Collection[tuple[str, str]] = (),
) -> pd.DataFrame:
    """Attack published groups with the true customers at hand.

    Parameters are as for `cube.views`. Returns the small groups that could be worked out:
    group (how), customers, way (of :func:`helpers.disclosure.lattice.leaks`).
    """
    codes, levels = cube._coded(customers, dimensions, below=below)
    lattice = cube._lattice(levels, most=most, apart=apart)
    counts = cube._totals(cube._cells(lattice, codes, levels), np.ones(len(customers)))
    table = cube._named(lattice, levels, most)
    names = list(table.columns)
    there = pd.MultiIndex.from_frame(published[names].astype(str))
    hidden = ~pd.MultiIndex.from_frame(table).isin(there)
    hidden[0] = False
    none = np.zeros(len(counts), bool)
    found = disclosure_lattice.leaks(lattice, counts, hidden, none, below=below)
    said = [
        " ".join(
            f"{'-' if sign < 0 else '+'} [{_said(table.iloc[view])}]"
            for sign, view in zip(leak.signs, leak.views, strict=True)
        )
        for leak in found
    ]
    rows = [
        (text, leak.customers, leak.way) for text, leak in zip(said, found, strict=True)
    ]
    small = np.flatnonzero(~hidden & (counts > 0) & (counts < below))
    rows += [(f"[{_said(table.iloc[i])}]", int(counts[i]), "shown") for i in small]
    return pd.DataFrame(rows, columns=["group", "customers", "way"])


def _said(view: pd.Series) -> str:
    parts = [
        f"{view[name]}: {view[name.replace('by', 'level')]}"
        for name in view.index
        if name.startswith("by_") and view[name]
    ]
    return ", ".join(parts) or "everyone"
