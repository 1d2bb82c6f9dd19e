"""Draw customers without clusters who have what a table of mixed measures has."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import norm, rankdata

from helpers.clustering import methods as of_scores, null_models
from helpers.clustering.null_models import one_peak
from helpers.customer_table.preparation import NUMBERS, Column, Preparation

CLOUD, STYLES, GRADIENT = "one cloud", "answering styles", "one bent gradient"
ITEMS = 5  # items answered alike, from which a respondent has a style
_BALANCED = 5  # rounds that bring the shares of items to those seen
_BINS = 10  # of a number, within which an unordered column is drawn again
_GRID = np.linspace(0, 0.98, 50)  # correlations that those seen are looked up among


@dataclass(frozen=True)
class Latent:
    """One cloud of normals behind the columns: what is seen of it are the answers.

    Each column keeps its margin, each pair of numbers, ordered and yes-or-no columns its
    correlation, and who misses what stays. Unordered columns are drawn again from those
    seen with the column that they go with most. In `blocks` of items each customer also
    says yes, or chooses high levels, as far as some customer seen: so an answering style
    of its own makes no cluster.

    Hennig and Lin (2015), Flexible parametric bootstrap for testing homogeneity against
    clustering. Latent normals: Olsson (1979), Maximum likelihood estimation of the
    polychoric correlation coefficient; here by moments. Items with the sums of
    respondents kept, as in conditional tests of the Rasch model: Ponocny (2001).
    """

    raw: np.ndarray  # customers x columns, sorted
    columns: list[Column]
    numeric: np.ndarray  # places of columns that lie on the normals
    factor: np.ndarray  # directions x numeric columns
    margins: np.ndarray  # customers x numeric columns: what is drawn from, NaN missing
    parents: list[tuple[int, int]]  # unordered column and the one it goes with, or -1
    blocks: list[list[int]]  # places of items that are answered alike

    def draw(self, seed: list[int]) -> np.ndarray:
        """Draw customers x columns, in the form of `Preparation.raw`."""
        rng = np.random.default_rng(seed)
        drawn = self.raw.copy()
        with of_scores.one_thread():
            normal = rng.standard_normal((len(drawn), len(self.factor))) @ self.factor
        for place, i in enumerate(self.numeric):
            known = np.flatnonzero(~np.isnan(self.raw[:, i]))
            # The order of the normals takes the values in order.
            order = np.argsort(normal[known, place], kind="stable")
            drawn[known[order], i] = np.sort(self.margins[known, place])
        for block in self.blocks:
            places = np.searchsorted(self.numeric, block)
            drawn[:, block] = self._styled(normal[:, places], block, rng)
        for child, parent in self.parents:
            drawn[:, child] = self._resampled(drawn, child, parent, rng)
        return drawn

    def _styled(
        self, normal: np.ndarray, block: list[int], rng: np.random.Generator
    ) -> np.ndarray:
        # Each customer takes so many steps up, over all items, as the one seen whose level
        # has the rank of theirs: those steps that their normals pass by most.
        seen = self.raw[:, block]
        known = ~np.isnan(seen)
        steps = [
            (j, code)
            for j in range(len(block))
            for code in np.unique(seen[known[:, j], j])[1:]
        ]
        owner = np.array([j for j, _ in steps], int)
        if not len(owner):
            return seen
        passed = [seen[:, j] >= code for j, code in steps]
        counted = known[:, owner].sum(axis=0)
        wanted = norm.isf(np.sum(passed, axis=1) / counted)
        possible = known[:, owner].sum(axis=1)
        level = np.sum(passed, axis=0) / np.maximum(possible, 1)
        mean = np.where(known, normal, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        answers = np.flatnonzero(possible)
        order = answers[np.argsort(mean[answers], kind="stable")]
        taken = np.zeros(len(seen))
        taken[order] = np.sort(level[answers])
        size = np.floor(taken * possible + rng.random(len(seen)))
        above = np.where(known[:, owner], normal[:, owner], -np.inf)
        bars = wanted.copy()
        for _ in range(_BALANCED):
            rank = (bars - above).argsort(axis=1).argsort(axis=1)
            up = (rank < size[:, None]) & known[:, owner]
            share = np.clip(
                up.sum(axis=0) / counted, 0.5 / len(seen), 1 - 0.5 / len(seen)
            )
            bars += wanted - norm.isf(share)
        found = np.zeros(seen.shape)
        codes = np.array([code for _, code in steps])
        lowest = [
            np.nanmin(seen[:, j]) if known[:, j].any() else 0 for j in range(len(block))
        ]
        found += lowest
        before = np.r_[0, codes[:-1]]
        first = np.r_[True, owner[1:] != owner[:-1]]
        height = codes - np.where(first, np.array(lowest)[owner], before)
        for step, j in enumerate(owner):
            found[:, j] += up[:, step] * height[step]
        return np.where(known, found, np.nan)

    def _resampled(
        self, drawn: np.ndarray, child: int, parent: int, rng: np.random.Generator
    ) -> np.ndarray:
        # Of those whose parent falls in the same part, some other's level.
        seen = self.raw[:, child]
        known = ~np.isnan(seen)
        if parent < 0:
            parts = drawn_parts = np.zeros(len(seen))
        else:
            edges = _edges(self.columns[parent], self.raw[:, parent])
            parts = _parts(edges, self.raw[:, parent])
            drawn_parts = _parts(edges, drawn[:, parent])
        out = np.full(len(seen), np.nan)
        for part in np.unique(drawn_parts[known]):
            want = np.flatnonzero(known & (drawn_parts == part))
            pool = seen[known & (parts == part)]
            pool = pool if len(pool) else seen[known]
            out[want] = rng.choice(pool, len(want))
        return out


def _edges(column: Column, raw: np.ndarray) -> np.ndarray:
    if column.measure not in NUMBERS:
        return np.arange(0.5, max(len(column.levels), 2) - 1)
    return np.unique(np.nanquantile(raw, np.arange(1, _BINS) / _BINS))


def _parts(edges: np.ndarray, raw: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(raw), -1, np.searchsorted(edges, raw))


@dataclass(frozen=True)
class OfNumbers:
    """A null model of scores (`null_models`), drawn in the units of the columns."""

    prepared: Preparation
    raw: np.ndarray  # sorted; who misses what
    model: null_models.NullModel

    def draw(self, seed: list[int]) -> np.ndarray:
        """Draw customers x columns, in the form of `Preparation.raw`."""
        scores = self.model.draw(seed).to_numpy()
        drawn = [
            column.back(scores[:, i] * column.spread + column.mean[0])
            for i, column in enumerate(self.prepared.columns)
        ]
        return np.where(np.isnan(self.raw), np.nan, np.column_stack(drawn))


def fitted(prepared: Preparation, raw: np.ndarray) -> dict[str, Latent | OfNumbers]:
    """Fit the null models to customers, by name.

    `raw` is what `prepared.raw` gave. Answering styles have a model where at least five
    yes-or-no or ordered columns of one family have the same levels; a bent gradient
    where all columns are numbers. Numbers that are all known are drawn as
    `null_models.cloud` draws scores, extreme together as seen.
    """
    raw = raw[np.lexsort(np.nan_to_num(raw, nan=np.inf).T[::-1])]
    cloud = latent(prepared, raw)
    models: dict[str, Latent | OfNumbers] = {CLOUD: cloud}
    if blocks := item_blocks(prepared):
        models[STYLES] = replace(cloud, blocks=blocks)
    mean = np.array([column.mean[0] for column in prepared.columns])
    spread = np.array([column.spread for column in prepared.columns])
    scores = (prepared.values(raw) - mean) / spread
    whole = not np.isnan(scores).any()
    scores = pd.DataFrame(np.nan_to_num(scores))
    differ = bool((scores != scores.iloc[0]).any().all())
    if differ and all(column.measure in NUMBERS for column in prepared.columns):
        if whole:
            models[CLOUD] = OfNumbers(prepared, raw, null_models.cloud(scores))
        if scores.shape[1] > 1:
            models[GRADIENT] = OfNumbers(prepared, raw, null_models.arch(scores))
    return models


def item_blocks(prepared: Preparation) -> list[list[int]]:
    """Find families of items that are answered alike: places of their columns."""
    blocks: dict[tuple, list[int]] = {}
    for i, column in enumerate(prepared.columns):
        if column.measure in ("yes_no", "ordered"):
            size = 2 if column.measure == "yes_no" else len(column.levels)
            blocks.setdefault((column.block, size), []).append(i)
    return [block for block in blocks.values() if len(block) >= ITEMS]


def answering_levels(prepared: Preparation, raw: np.ndarray) -> np.ndarray | None:
    """Measure how far each customer says yes, or chooses high levels: 0 to 1.

    The mean over all items of `item_blocks`, each from 0 to 1; the mean of all where a
    customer answers none of them. None where there are no such items.
    """
    places = [i for block in item_blocks(prepared) for i in block]
    if not places:
        return None
    top = [max(len(prepared.columns[i].levels), 2) - 1 for i in places]
    answers = raw[:, places] / top
    known = ~np.isnan(answers)
    sums = np.where(known, answers, 0).sum(axis=1)
    return np.where(
        known.any(axis=1),
        sums / np.maximum(known.sum(axis=1), 1),
        sums.sum() / max(known.sum(), 1),
    )


def latent(prepared: Preparation, raw: np.ndarray) -> Latent:
    """Fit one cloud to sorted customers."""
    numeric = np.array([i for i, c in enumerate(prepared.columns) if c.numeric], int)
    columns = [prepared.columns[i] for i in numeric]
    margins = raw[:, numeric].astype(float)
    for place, column in enumerate(columns):
        if column.measure in NUMBERS:
            known = ~np.isnan(margins[:, place])
            own = np.sort(margins[known, place])
            # Of one peak where it is levelled; units of its own again.
            peak = one_peak(column.value(own))
            margins[known, place] = column.back(peak)
    correlation = _correlations(columns, raw[:, numeric])
    return Latent(
        raw=raw,
        columns=prepared.columns,
        numeric=numeric,
        factor=_factor(correlation),
        margins=margins,
        parents=_parents(prepared, raw),
        blocks=[],
    )


def _factor(correlation: np.ndarray) -> np.ndarray:
    with of_scores.one_thread():
        variances, vectors = np.linalg.eigh(correlation)
    factor = vectors * np.sqrt(np.clip(variances, 0, None))
    length = np.sqrt((factor**2).sum(axis=1, keepdims=True))
    return (factor / np.maximum(length, 1e-12)).T


def _correlations(columns: list[Column], raw: np.ndarray) -> np.ndarray:
    """Give the correlation of normals behind columns that shows the covariance seen.

    A number is its normal score; an ordered column counts the thresholds that its normal
    passes. Covariances are those of customers who know both.
    """
    n, m = raw.shape
    seen, steps, owner = np.full((n, m), np.nan), [], []
    for i, column in enumerate(columns):
        known = ~np.isnan(raw[:, i])
        value = raw[known, i]
        if column.measure in NUMBERS:
            seen[known, i] = ndtri((rankdata(value) - 0.5) / len(value))
            continue
        codes = np.unique(value)
        seen[known, i] = np.searchsorted(codes, value)
        for code in codes[1:]:
            steps.append(norm.isf((value >= code).mean()))
            owner.append(i)
    seen -= np.nansum(seen, axis=0) / np.maximum((~np.isnan(seen)).sum(axis=0), 1)
    known = (~np.isnan(seen)).astype(float)
    filled = np.nan_to_num(seen)
    covariance = filled.T @ filled / np.maximum(known.T @ known - 1, 1.0)
    found = _looked_up(covariance, columns, np.array(steps), np.array(owner, int), m)
    np.fill_diagonal(found, 1.0)
    return found


def _looked_up(
    covariance: np.ndarray,
    columns: list[Column],
    steps: np.ndarray,
    owner: np.ndarray,
    m: int,
) -> np.ndarray:
    """Find the correlation of the normals of each pair from the covariance seen."""
    number = np.array([column.measure in NUMBERS for column in columns])
    density = np.zeros(m)  # how much a normal tells of the thresholds of a column
    np.add.at(density, owner, norm.pdf(steps))
    slope = np.where(number, 1.0, density)
    found = covariance / np.maximum(np.outer(slope, slope), 1e-9)
    if len(steps):
        # The covariance of two passed thresholds is the integral, from 0 to the
        # correlation, of the normal density of both (Plackett 1954).
        passes = np.zeros((m, len(steps)))
        passes[owner, np.arange(len(steps))] = 1
        a, b = steps[:, None], steps[None, :]
        curves = {}
        for sign in (1, -1):
            total, curve, before = np.zeros((m, m)), [np.zeros((m, m))], None
            for r in _GRID:
                left = 1 - r**2
                both = np.exp(-(a**2 - 2 * sign * r * a * b + b**2) / 2 / left)
                now = passes @ (both / (2 * np.pi * np.sqrt(left))) @ passes.T
                if before is not None:
                    total = total + (now + before) / 2 * (_GRID[1] - _GRID[0])
                    curve.append(total)
                before = now
            curves[sign] = np.array(curve)
        for i, j in np.argwhere(np.triu(~number[:, None] & ~number, 1)):
            sign = 1 if covariance[i, j] >= 0 else -1
            reached = curves[sign][:, i, j]
            r = sign * np.interp(abs(covariance[i, j]), reached, _GRID)
            found[i, j] = found[j, i] = r
    return np.clip(found, -0.98, 0.98)


def _parents(prepared: Preparation, raw: np.ndarray) -> list[tuple[int, int]]:
    """Choose for each unordered column the column that it goes with most.

    One after the other, the closest first: a tree of pairs (Chow and Liu 1968,
    Approximating discrete probability distributions with dependence trees).
    """
    waiting = [i for i, c in enumerate(prepared.columns) if not c.numeric]
    if not waiting:
        return []
    parts = np.column_stack(
        [
            _parts(_edges(c, raw[:, i]), raw[:, i])
            for i, c in enumerate(prepared.columns)
        ]
    )
    there = [i for i in range(raw.shape[1]) if i not in waiting]
    chosen: list[tuple[int, int]] = []
    while waiting:
        close = [
            (associated(parts[:, child], parts[:, other]), -child, -other)
            for child in waiting
            for other in there
        ]
        value, child, parent = max(close, default=(0.0, -waiting[0], 1))
        chosen.append((-child, -parent if value > 0 else -1))
        waiting.remove(-child)
        there.append(-child)
    return chosen


def associated(one: np.ndarray, other: np.ndarray) -> float:
    """Measure Cramer's V of two columns of codes from 0 (-1 missing), bias-corrected.

    Bergsma (2013), A bias-correction for Cramer's V and Tschuprow's T.
    """
    known = (one >= 0) & (other >= 0)
    if known.sum() < 2:
        return 0.0
    table = np.zeros((int(one.max()) + 1, int(other.max()) + 1))
    np.add.at(table, (one[known].astype(int), other[known].astype(int)), 1)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n, (r, c) = table.sum(), table.shape
    if min(r, c) < 2:
        return 0.0
    due = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    square = ((table - due) ** 2 / due).sum() / n
    square = max(0.0, square - (r - 1) * (c - 1) / (n - 1))
    rows, cols = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    return float(np.sqrt(square / max(min(rows, cols) - 1, 1e-12)))


def planted(
    prepared: Preparation, raw: np.ndarray, *, k: int, distance: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw customers with the same margins and k planted classes: a positive control.

    The normals behind the columns are moved in each class by a normal of deviation
    `distance`; so are the log odds of the levels of unordered columns, whose margins are
    then nearly the same. Returns customers x columns, and the class of each.
    """
    model = latent(prepared, raw)
    rng = np.random.default_rng(seed)
    moved = distance * rng.standard_normal((k, len(model.numeric)))
    own = np.arange(len(raw)) % k
    normal = moved[own] + rng.standard_normal((len(raw), len(model.numeric)))
    drawn = raw.copy()
    for place, i in enumerate(model.numeric):
        known = np.flatnonzero(~np.isnan(raw[:, i]))
        order = np.argsort(normal[known, place], kind="stable")
        drawn[known[order], i] = np.sort(model.margins[known, place])
    for i, column in enumerate(prepared.columns):
        if not column.numeric:
            levels = len(column.levels)
            odds = np.log(np.maximum(column.mean, 1e-9))
            odds = odds + distance * rng.standard_normal((k, levels))
            drawn_level = (odds[own] + rng.gumbel(size=(len(raw), levels))).argmax(
                axis=1
            )
            drawn[:, i] = np.where(np.isnan(raw[:, i]), np.nan, drawn_level)
    return drawn, own
