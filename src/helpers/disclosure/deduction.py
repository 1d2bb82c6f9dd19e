"""Work out the small groups that counts of customers give away together."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy import optimize, sparse

from helpers.disclosure.suppression import MIN_CELL

SMALL = range(1, MIN_CELL)
MANY = 10**9  # customers: more than there are

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


@dataclass
class Told:
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


def split(told: Told, caption: str) -> None:
    """Note which groups are split into which: all that differ in some dimensions.

    Those whose name begins with "part" may hold the same customers, and split nothing.
    """
    families = defaultdict(list)
    for key in told.bounds:
        names = sorted({name for name, _ in key})
        for kept in (
            x for r in range(len(names)) for x in itertools.combinations(names, r)
        ):
            if not any(name.startswith("part") for name in {*names} - {*kept}):
                parent = Key(x for x in key if x[0] in kept)
                families[parent, (caption, *kept)].append(key)
        whole = Key(x for x in key if x[0] != "part")
        if whole != key and whole in told.bounds:
            told.splits.append((whole, (key,), (caption, "part", *(key - whole))))
    told.splits += [(p, tuple(k), kind) for (p, kind), k in families.items() if k[1:]]


def join(all_told: list[Told], new: Told) -> None:
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


def _agreement(one: Told, other: Told) -> float:
    """Count the numbers that two share; -1 if they contradict."""
    shared = [(one.bounds[k], other.bounds[k]) for k in one.bounds if k in other.bounds]
    if any(max(a[0], b[0]) > min(a[1], b[1]) for a, b in shared):
        return -1
    score = float(sum(a == b and a[0] == a[1] for a, b in shared))
    score += bool(one.totals() & other.totals())
    for parts, whole in (one, other), (other, one):
        for parent, keys, _ in parts.splits:
            if parent in whole.bounds and parent not in parts.bounds and keys[1:]:
                least = sum(parts.bounds[k][0] for k in keys)
                most = whole.bounds[parent][1]
                if least > most:
                    return -1
                score += 1 if parts.sum(keys) == most else 0.1
    return score


def within(one: Told, other: Told) -> list[Leak] | None:
    """Find groups a few customers smaller in another table; None if some are larger."""
    shared = [k for k in one.places if k in other.places and "part" not in dict(k)]
    pairs = [(k, one.bounds[k], other.bounds[k]) for k in shared]
    known = [(k, a, b) for k, (a, c), (b, d) in pairs if a == c and b == d]
    few = len(known) < 2 and Key() not in {k for k, *_ in known}
    if one is other or few or any(a < b for _, a, b in known):
        return None
    return [
        other.places[k]._replace(how=f"{b} of {a} in {one.places[k].table!r}")
        for k, a, b in known
        if a - b in SMALL
    ]


def solved(told: Told, everyone: int, *, exact: bool) -> Iterator[Leak]:
    """Give all that follows when each whole is the sum of its parts and a rest.

    An integer programme: parts leave no rest where they need not, unless the same kind
    of split leaves one elsewhere. A few solutions drawn at random show what can be
    anything; of what is left, least and most are solved for. With `exact`, withheld
    numbers that follow are given though they are not small.
    """
    if Key() not in told.bounds and (totals := told.totals()):
        told.bounds[Key()] = (max(everyone, *totals),) * 2
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
    top = max((high for _, high in bounds.values() if high < MANY), default=0)
    limits = [bounds[k] for k in keys] + [(0, top)] * len(splits)
    low, high = np.minimum(np.array(limits, float).T, top)

    def solve(cost: np.ndarray) -> np.ndarray | None:
        return optimize.milp(
            cost,
            constraints=optimize.LinearConstraint(sums.tocsc(), 0, 0),
            bounds=optimize.Bounds(low, high),
            integrality=np.ones(size),
            options={"time_limit": 5},
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
    for i in map(int, np.flatnonzero(low < high)):
        hidden = exact and i < n and keys[i] in told.withheld
        few, many = seen[:, i].min(), seen[:, i].max()
        if few < 1 or (many >= MIN_CELL and (few < many or not hidden)):
            continue
        ends = solve(np.eye(size)[i]), solve(-np.eye(size)[i])
        least, most = (0 if x is None else round(x[i]) for x in ends)
        if (least in SMALL and most in SMALL) or (hidden and least == most):
            left = f"sums leave {least:,}"
            left += f" to {most}" if least < most else ""
            if i < n:
                yield told.places[keys[i]]._replace(how=left)
            else:
                whole, parts, _ = splits[i - n]
                of = ", ".join(sorted(level for _, level in whole)) or "all"
                yield told.places[parts[-1]]._replace(how=f"{left} others of {of}")
