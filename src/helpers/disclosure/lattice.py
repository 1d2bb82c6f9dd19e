"""Choose which groups of customers may be shown, so that no small one is given away."""

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import lsmr

# A random solution moves what cannot be worked out by about 1, and the rest by rounding.
STILL = 1e-6
ROUNDS = 100  # of tightening bounds; what moves later moves by little


@dataclass(frozen=True)
class Lattice:
    """Every view of a few conditions, numbered, and the sums that tie them together."""

    # dimensions of a table (their positions) -> numbers of its views, an array with one
    # axis a dimension; view 0 is everyone
    ids: dict[tuple[int, ...], np.ndarray]
    parents: np.ndarray  # of each equation: the view split by one more dimension
    children: sparse.csr_matrix  # equations x views: 1 for the views it is split into

    @property
    def orders(self) -> np.ndarray:
        """Count the conditions of each view."""
        return np.repeat(
            [len(table) for table in self.ids], [ids.size for ids in self.ids.values()]
        )


@dataclass(frozen=True)
class Leak:
    """A group that could be worked out: signs and numbers of views, and the way."""

    customers: int
    signs: tuple[int, ...]
    views: tuple[int, ...]
    way: str


def lattice(
    sizes: Sequence[int], *, most: int, apart: Collection[frozenset[int]]
) -> Lattice:
    """Give every view of at most `most` conditions its number, small tables first.

    `sizes` counts the levels of each dimension; the pairs `apart` stand in no view.
    """
    ids, first = {}, 0
    for order in range(most + 1):
        for table in itertools.combinations(range(len(sizes)), order):
            if any(pair <= set(table) for pair in apart):
                continue
            shape = tuple(sizes[i] for i in table)
            count = int(np.prod(shape))
            ids[table] = first + np.arange(count).reshape(shape)
            first += count
    return Lattice(ids, *_equations(ids, first))


def _equations(ids: dict, views: int) -> tuple[np.ndarray, sparse.csr_matrix]:
    parents, children = [np.empty(0, int)], []
    for table, cells in ids.items():
        for axis in range(len(table)):
            parent = ids[table[:axis] + table[axis + 1 :]]
            parents.append(parent.ravel())
            children += list(np.moveaxis(cells, axis, -1).reshape(parent.size, -1))
    starts = np.cumsum([0, *map(len, children)])
    inside = np.concatenate([*children, np.empty(0, int)]).astype(int)
    shape = (len(children), views)
    matrix = sparse.csr_matrix((np.ones(len(inside)), inside, starts), shape=shape)
    return np.concatenate(parents), matrix


def protect(
    views: Lattice, counts: np.ndarray, sensitive: np.ndarray, *, below: int
) -> np.ndarray:
    """Mark the views that must not be shown; everyone (view 0) always is.

    First the sensitive ones and those of fewer than `below` customers. Then further
    ones, until hidden parts of any shown whole are at least two and hold `below`
    customers together. At last what :func:`leaks` finds is closed by hiding more.
    """
    price = _prices(views, counts)
    hidden = (counts < below) | sensitive
    hidden[0] = False
    while True:
        hidden = _accompany(views, counts, hidden, price, below=below)
        found = leaks(views, counts, hidden, sensitive, below=below)
        if not found:
            return hidden
        closing = {_cheapest(views, counts, hidden, price, leak) for leak in found}
        if closing == {None}:
            hidden[1:] = True  # nothing else is left to hide
            return hidden
        hidden[list(closing - {None})] = True


def leaks(
    views: Lattice,
    counts: np.ndarray,
    hidden: np.ndarray,
    sensitive: np.ndarray,
    *,
    below: int,
) -> list[Leak]:
    """Find small groups that a reader could work out from the views that are shown.

    The reader is taken to know every shown count, that counts add up and that none is
    negative. Tried are a view, the rest of a view inside a wider one, what meets one
    condition but not two or three others, and two levels taken together.

    - *sum*: hidden counts are moved at random along all directions that leave every
      shown sum as it is; what does not move can be worked out.
    - *bounds*: least and largest possible counts are tightened through all sums until
      they meet. Views that must be empty, as a whole is used up by shown parts, count
      as known.

    Buzzigoli and Giusti (1999), An algorithm to calculate the lower and upper bounds of
    the elements of an array given its marginals. Hundepool et al. (2012), Statistical
    disclosure control.
    """
    moved = movement(views, hidden & ~_empty(views, counts, hidden))
    found = []
    for signs, terms in _groups(views):
        size, still = signs @ counts[terms], np.abs(signs @ moved[terms]) < STILL
        small = (size > 0) & (size < below)
        if len(signs) == 1:
            small |= sensitive[terms[0]] & (size > 0)
        found += [
            Leak(int(size[i]), tuple(signs), tuple(terms[:, i]), "sum")
            for i in np.flatnonzero(small & still)
        ]
    low, high = _bounds(views, counts, hidden)
    pinned = hidden & (low == high) & (counts > 0) & ((counts < below) | sensitive)
    told = {leak.views for leak in found if len(leak.views) == 1}
    return found + [
        Leak(int(counts[i]), (1,), (i,), "bounds")
        for i in np.flatnonzero(pinned)
        if (i,) not in told
    ]


def _prices(views: Lattice, counts: np.ndarray) -> np.ndarray:
    """Rank views by how little is lost with them: most special, then smallest."""
    # One that holds all customers of a wider one is as dear. What comes down to a single
    # condition is dearest: such prices start at the number of views.
    order = views.orders.copy()
    rows, inside = views.children.nonzero()
    for special in range(2, order.max(initial=0) + 1):
        same = (views.orders[inside] == special) & (
            counts[inside] == counts[views.parents[rows]]
        )
        np.minimum.at(order, inside[same], order[views.parents[rows[same]]])
    price = np.empty(len(counts), int)
    price[np.lexsort((np.arange(len(counts)), counts, -order))] = np.arange(len(counts))
    return price + len(counts) * (order < 2)


def _accompany(
    views: Lattice,
    counts: np.ndarray,
    hidden: np.ndarray,
    price: np.ndarray,
    *,
    below: int,
) -> np.ndarray:
    """Hide further views until every sum with a hidden part has enough of them."""
    hidden = hidden.copy()
    rows, inside = views.children.nonzero()
    while True:
        unknown = hidden & ~_empty(views, counts, hidden)
        parts = views.children @ unknown + unknown[views.parents]
        people = views.children @ (counts * unknown)
        shown_whole = ~unknown[views.parents]
        poor = (parts == 1) | (shown_whole & (people > 0) & (people < below))
        if not poor.any():
            return hidden
        open_ = poor[rows] & ~hidden[inside] & (counts[inside] > 0)
        sums, parts = rows[open_], inside[open_]
        order = np.lexsort((price[parts], sums))
        chosen, first = np.unique(sums[order], return_index=True)
        # where no other part is left, the whole says the same as its part
        wholes = views.parents[np.setdiff1d(np.flatnonzero(poor), chosen)]
        wholes = wholes[(wholes > 0) & ~hidden[wholes]]
        new = np.concatenate([parts[order][first], wholes])
        if not len(new):
            return hidden
        hidden[new] = True


def _cheapest(
    views: Lattice,
    counts: np.ndarray,
    hidden: np.ndarray,
    price: np.ndarray,
    leak: Leak,
) -> int | None:
    """Choose the view to hide against a leak: one of its own, else one near them."""
    near = np.array(leak.views)
    while True:
        open_ = near[~hidden[near] & (counts[near] > 0) & (near > 0)]
        wider = _beside(views, near)
        if len(open_) and price[open_].min() < len(price):
            return int(open_[price[open_].argmin()])
        if len(wider) == len(near):
            return int(open_[price[open_].argmin()]) if len(open_) else None
        near = wider


def _beside(views: Lattice, ids: np.ndarray) -> np.ndarray:
    """Add the views that stand in one sum with some."""
    chosen = np.zeros(views.children.shape[1], bool)
    chosen[ids] = True
    sums = np.flatnonzero((views.children @ chosen > 0) | chosen[views.parents])
    parts = views.children[sums].indices
    return np.unique(np.concatenate([ids, parts, views.parents[sums]]))


def _empty(views: Lattice, counts: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Mark the hidden views that a reader knows to be empty."""
    shown = np.where(hidden, 0, counts)
    rows, inside = views.children.nonzero()
    empty = np.zeros(len(counts), bool)
    while True:
        whole = np.where(hidden & ~empty, np.inf, shown)[views.parents]
        used_up = whole == views.children @ shown
        grown = empty.copy()
        grown[inside[used_up[rows] & hidden[inside]]] = True
        grown[views.parents[views.children @ ~empty == 0]] = True
        if (grown == empty).all():
            return empty
        empty = grown


def movement(views: Lattice, unknown: np.ndarray) -> np.ndarray:
    """Move the unknown counts at random, leaving every sum as it is."""
    moved = np.zeros(len(unknown))
    ids = np.flatnonzero(unknown)
    whole = sparse.csr_matrix(
        (np.ones(len(views.parents)), (np.arange(len(views.parents)), views.parents)),
        shape=views.children.shape,
    )
    sums = (whole - views.children).tocsc()[:, ids].tocsr()
    sums = sums[np.diff(sums.indptr) > 0]
    if not sums.shape[0]:
        return moved
    rng = np.random.default_rng(0)  # any draw will do; the same one each time
    drawn = rng.uniform(1, 2, len(ids)) * rng.choice([-1, 1], len(ids))
    # what the sums hold fast is the part of the draw that lies in their row space
    fast = lsmr(sums, sums @ drawn, atol=1e-13, btol=1e-13, conlim=0, maxiter=50_000)
    moved[ids] = drawn - fast[0]
    return moved


def _bounds(
    views: Lattice, counts: np.ndarray, hidden: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tighten least and largest possible counts through all sums."""
    low = np.where(hidden, 0, counts).astype(float)
    high = np.where(hidden, counts[0], counts).astype(float)
    rows, inside = views.children.nonzero()
    for _ in range(ROUNDS):
        before = low.sum(), high.sum()
        least, largest = views.children @ low, views.children @ high
        spare_high = (high[views.parents] - least)[rows] + low[inside]
        spare_low = (low[views.parents] - largest)[rows] + high[inside]
        np.minimum.at(high, inside, spare_high)
        np.maximum.at(low, inside, spare_low)
        np.minimum.at(high, views.parents, views.children @ high)
        np.maximum.at(low, views.parents, views.children @ low)
        if before == (low.sum(), high.sum()):
            break
    return low, high


def _groups(views: Lattice) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Write groups as sums of views: signs, and terms x groups the views' numbers."""
    for table, cells in views.ids.items():
        yield np.array([1]), cells.reshape(1, -1)
        wider = {
            inside: _spread(views.ids[inside], inside, table, cells.shape)
            for order in range(len(table) + 1)
            for inside in itertools.combinations(table, order)
        }
        for inside, ids in wider.items():
            if inside != table:
                yield np.array([1, -1]), np.stack([ids, wider[table]])
            without = [i for i in table if i not in inside]
            if len(without) > 1:
                yield _neither(inside, without, wider)
        for axis in range(len(table)):
            levels = np.moveaxis(cells, axis, 0).reshape(cells.shape[axis], -1)
            one, other = np.triu_indices(len(levels), 1)
            both = [levels[one].ravel(), levels[other].ravel()]
            yield np.array([1, 1]), np.stack(both)


def _spread(ids: np.ndarray, inside: tuple, table: tuple, shape: tuple) -> np.ndarray:
    """Repeat the wider views' numbers over the cells of a table."""
    axes = [size if i in inside else 1 for i, size in zip(table, shape, strict=True)]
    return np.broadcast_to(ids.reshape(axes), shape).ravel()


def _neither(
    inside: tuple[int, ...], without: Sequence[int], wider: dict
) -> tuple[np.ndarray, np.ndarray]:
    """Write who meets some conditions and none of two or more others."""
    signs, terms = [], []
    for order in range(len(without) + 1):
        for met in itertools.combinations(without, order):
            signs.append((-1) ** order)
            terms.append(wider[tuple(sorted(inside + met))])
    return np.array(signs), np.stack(terms)
