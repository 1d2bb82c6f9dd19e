"""Customers in, the groups of up to three conditions that may be shown out."""

import itertools
import math
import re
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.core.errors import BadInput
from helpers.disclosure import lattice as disclosure_lattice
from helpers.disclosure.suppression import DOMINANCE, MIN_CELL

UNKNOWN = "unknown"  # level of a customer whose attribute is not known


def dimension(values: pd.Series, *, most: int, below: int = MIN_CELL) -> pd.Series:
    """Make a column ready to be filtered by: few levels, none of them small.

    The smallest beyond `most` are put together, and those of fewer than `below`
    customers, with the next smallest if need be. Missing values become a level. Returns
    categories in the order of `values` if it has one, else by the numbers in them and
    then by the alphabet; what was put together comes after, unknown last.
    """
    order = values.cat.categories if values.dtype == "category" else None
    text = values.astype(object).where(values.notna(), UNKNOWN).astype(str)
    sizes = text[text != UNKNOWN].value_counts().sort_values(kind="stable")
    together = (sizes < below).to_numpy() | (np.arange(len(sizes)) < len(sizes) - most)
    if together.any():
        # an order of size, so that the next smallest joins until they are enough
        enough = max(together.sum(), (sizes.cumsum() < below).sum() + 1)
        together = np.arange(len(sizes)) < enough
    merged = sorted(sizes.index[together], key=_natural)
    levels = [str(v) for v in order] if order is not None else sorted(sizes.index)
    kept = [v for v in levels if v in sizes.index and v not in merged]
    if order is None:
        kept = sorted(kept, key=_natural)
    name = " or ".join(merged) if len(merged) < 4 else f"{len(merged)} others"
    text = text.where(~text.isin(merged), name)
    found = [*kept, *([name] if merged else [])]
    return pd.Series(
        pd.Categorical(text, [*found, *([UNKNOWN] if (text == UNKNOWN).any() else [])]),
        index=values.index,
        name=values.name,
    )


def _natural(level: str) -> tuple:
    """Order "Under 15K" before "15-24K" before "100K+"."""
    return [int(n) for n in re.findall(r"\d+", level)], level


def overlapping(
    customers: pd.DataFrame, *, attributes: Sequence[str], least: float
) -> list[tuple[str, str]]:
    """List the pairs of attributes of which one largely tells the other.

    Crossing them would only split off small groups. `least` is the shared information
    over that of the attribute with less of it (0 to 1) from which a pair is listed.
    """
    table = customers[list(attributes)].astype(object)
    known = table.mask(table == UNKNOWN)
    pairs = []
    for pair in itertools.combinations(attributes, 2):
        both = known[list(pair)].dropna()
        one, other, joint = (
            _information(both[list(names)]) for names in (pair[:1], pair[1:], pair)
        )
        if min(one, other) > 0 and (one + other - joint) / min(one, other) >= least:
            pairs.append(pair)
    return pairs


def _information(table: pd.DataFrame) -> float:
    """Give the entropy (nats) of the rows of a table."""
    share = table.value_counts(normalize=True).to_numpy()
    return float(-(share * np.log(share)).sum())


@dataclass(frozen=True)
class Cube:
    """Every crossing of some dimensions that may be shown; made by `build`."""

    dimensions: list[str]
    apart: list[tuple[str, str]]  # dimensions that are never crossed with each other
    most: int  # conditions of a group
    views: pd.DataFrame  # from `views`, with by_1 to by_3 whatever `most` is


def build(
    customers: pd.DataFrame,
    *,
    dimensions: Sequence[str],
    attributes: Sequence[str],
    measures: Sequence[str],
    most: int,
    max_groups: int,
    min_shared: float,
) -> Cube:
    """Cross the dimensions as far as privacy allows; money is rounded to whole units.

    `most` conditions a group and `max_groups` groups at most; attributes that share
    `min_shared` of their information are not crossed; the rest is as in `views`.
    """
    apart = overlapping(customers, attributes=attributes, least=min_shared)
    limits = {"dimensions": dimensions, "apart": apart}
    deep = conditions(customers, most=most, at_most=max_groups, **limits)
    found = views(customers, measures=measures, most=deep, **limits).round(
        dict.fromkeys(measures, 0)
    )
    missing = {"by_3", "level_3"} - {*found}
    found = found.reindex(columns=[*found, *sorted(missing)], fill_value="")
    return Cube(list(dimensions), apart, deep, found)


def views(
    customers: pd.DataFrame,
    *,
    dimensions: Sequence[str],
    measures: Sequence[str],
    most: int,
    below: int = MIN_CELL,
    apart: Collection[tuple[str, str]] = (),
) -> pd.DataFrame:
    """Count and add up every group of up to `most` conditions that may be shown.

    Pairs of dimensions in `apart` never meet. Hidden are groups of fewer than `below`
    customers, groups in which one customer holds more than `DOMINANCE` of a measure, and what would give one away: see
    :func:`helpers.disclosure.lattice.protect`.

    Returns by_1, level_1, by_2 and so on (empty beyond its conditions, which follow the
    order of `dimensions`), customers, and the sum of each measure; the first row is
    everyone. BadInput if there are fewer customers than may be shown, or a dimension
    has gaps.
    """
    codes, levels = _coded(customers, dimensions, below=below)
    lattice = _lattice(levels, most=most, apart=apart)
    cells = _cells(lattice, codes, levels)
    counts = _totals(cells, np.ones(len(customers)))
    totals = {name: _totals(cells, customers[name]) for name in measures}
    sensitive = np.zeros(len(counts), bool)
    for name in measures:
        amounts = customers[name].abs()
        sensitive |= _largest(cells, amounts) > DOMINANCE * _totals(cells, amounts)
    hidden = disclosure_lattice.protect(
        lattice, counts, sensitive & (counts > 0), below=below
    )
    table = _named(lattice, levels, most)
    table = table.assign(customers=counts.astype(int), **totals)
    return table[~hidden & (counts > 0)].reset_index(drop=True)


def conditions(
    customers: pd.DataFrame,
    *,
    dimensions: Sequence[str],
    most: int,
    at_most: int,
    apart: Collection[tuple[str, str]] = (),
) -> int:
    """Say how many conditions, 2 to `most`, may meet in at most `at_most` groups."""
    sizes = [customers[name].nunique() for name in dimensions]
    pairs = {frozenset(map(dimensions.index, pair)) for pair in apart}
    for order in range(most, 2, -1):
        tables = [
            table
            for few in range(order + 1)
            for table in itertools.combinations(range(len(sizes)), few)
            if not any(pair <= set(table) for pair in pairs)
        ]
        if sum(math.prod(sizes[i] for i in table) for table in tables) <= at_most:
            return order
    return min(most, 2)


def crossing(
    published: pd.DataFrame,
    *,
    rows: tuple[str, Sequence[str]],
    columns: tuple[str, Sequence[str]],
) -> pd.DataFrame:
    """Lay the published groups of two dimensions out as a table of customers (Int64).

    `rows` (first among the dimensions of `views`) and `columns` are a dimension and its
    levels in order. What is hidden or empty is missing.
    """
    two = (published["by_1"] == rows[0]) & (published["by_2"] == columns[0])
    if "by_3" in published:
        two &= published["by_3"] == ""
    cells = published[two].pivot(index="level_1", columns="level_2", values="customers")
    grid = cells.reindex(index=list(rows[1]), columns=list(columns[1]))
    return grid.astype("Int64")


def shown(published: pd.DataFrame, conditions: Mapping[str, Hashable]) -> bool:
    """Say whether :func:`views` published a group, given as dimension -> level."""
    return {(name, str(level)) for name, level in conditions.items()} in keys(published)


def keys(published: pd.DataFrame) -> list[frozenset[tuple[str, str]]]:
    """List the conditions, dimension and level, of each group of :func:`views`."""
    by = [name for name in published if name.startswith("by_")]
    levels = [name.replace("by", "level") for name in by]
    rows = zip(published[by].to_numpy(), published[levels].to_numpy(), strict=True)
    return [frozenset(p for p in zip(*row, strict=True) if p[0]) for row in rows]


def _coded(
    customers: pd.DataFrame, dimensions: Sequence[str], *, below: int
) -> tuple[np.ndarray, dict[str, list[str]]]:
    if len(customers) < below:
        raise BadInput(
            f"{len(customers)} customers are fewer than the {below} that may be shown."
        )
    gaps = [name for name in dimensions if customers[name].isna().any()]
    if gaps:
        raise BadInput(
            f"Dimension {gaps[0]} has missing levels; cube.dimension names them."
        )
    columns = [customers[name].astype("category").cat for name in dimensions]
    columns = [column.remove_unused_categories().cat for column in columns]
    levels = [list(map(str, column.categories)) for column in columns]
    codes = np.array([column.codes for column in columns], int)
    codes = codes.reshape(len(dimensions), len(customers))  # also where there is none
    return codes, dict(zip(dimensions, levels, strict=True))


def _lattice(
    levels: Mapping[str, list[str]], *, most: int, apart: Collection[tuple[str, str]]
) -> disclosure_lattice.Lattice:
    place = {name: i for i, name in enumerate(levels)}
    pairs = {frozenset(place[name] for name in pair) for pair in apart}
    sizes = [len(names) for names in levels.values()]
    return disclosure_lattice.lattice(sizes, most=most, apart=pairs)


def _cells(
    lattice: disclosure_lattice.Lattice,
    codes: np.ndarray,
    levels: Mapping[str, list[str]],
) -> list[tuple[int, np.ndarray]]:
    """Give for each table its number of cells, and the cell of each customer."""
    cells = []
    for table, ids in lattice.ids.items():
        inside = np.zeros(codes.shape[1], int)
        if table:
            inside = np.ravel_multi_index(tuple(codes[list(table)]), ids.shape)
        cells.append((ids.size, inside))
    return cells


def _totals(cells: list[tuple[int, np.ndarray]], values: Sequence[float]) -> np.ndarray:
    return np.concatenate(
        [np.bincount(inside, values, minlength=size) for size, inside in cells]
    )


def _largest(cells: list[tuple[int, np.ndarray]], values: pd.Series) -> np.ndarray:
    """Give the largest value of a single customer in each view."""
    upwards = np.argsort(values.to_numpy(), kind="stable")
    tops = []
    for size, inside in cells:
        top = np.zeros(size)
        top[inside[upwards]] = values.to_numpy()[upwards]  # the last one stays
        tops.append(top)
    return np.concatenate(tops)


def _named(
    lattice: disclosure_lattice.Lattice, levels: Mapping[str, list[str]], most: int
) -> pd.DataFrame:
    """Write each view's conditions: by_1, level_1 and so on."""
    names = list(levels)
    parts = []
    for table, ids in lattice.ids.items():
        places = np.indices(ids.shape).reshape(len(table), ids.size)
        part = {}
        for i in range(most):
            inside = i < len(table)
            by = names[table[i]] if inside else ""
            part[f"by_{i + 1}"] = np.full(ids.size, by, object)
            told = np.array(levels[by], object)[places[i]] if inside else ""
            part[f"level_{i + 1}"] = np.broadcast_to(told, ids.size)
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True).astype(str)
