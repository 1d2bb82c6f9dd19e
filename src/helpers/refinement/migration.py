"""Tell customers who moved between segments from those whom noise moved."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd

from helpers.clustering import methods
from helpers.clustering.model import Model
from helpers.statistics import bootstrap

CUTS = ("before", "after", "odd", "even")
# Odd and even weeks cut other ways than before and after only from two of each on.
FEWEST_DAYS = 28


def shortened(model: Model, *, days: int) -> Model:
    """Ask of a shorter window only its part of the orders, lines and sales.

    min_orders and min_lines are rounded up; the sales that reach a value tier are not.
    """
    whole = (pd.Timestamp(model.last) - pd.Timestamp(model.first)).days + 1
    return replace(
        model,
        min_orders=int(np.ceil(model.min_orders * days / whole)),
        min_lines=int(np.ceil(model.min_lines * days / whole)),
        value_cuts={tier: cut * days / whole for tier, cut in model.value_cuts.items()},
    )


def tier_names(model: Model) -> dict[int, str]:
    """Name the value tiers by number, from the highest."""
    return {i: f"{tier.capitalize()} value" for i, tier in enumerate(_ranked(model), 1)}


def _ranked(model: Model) -> list[str]:
    return sorted(model.value_cuts, key=model.value_cuts.get, reverse=True)


def by_tier(model: Model, assigned: pd.DataFrame) -> pd.DataFrame:
    """Put the number of the value tier, as in `tier_names`, in place of the segment."""
    number = {tier: i for i, tier in enumerate(_ranked(model), 1)}
    ids = assigned["value_tier"].map(number).astype(int)
    return assigned.assign(segment_id=ids)


def tiers(
    model: Model, views: Sequence[pd.DataFrame], *, days: Sequence[int]
) -> dict[str, np.ndarray]:
    """Give the number of each customer's value tier in each of the windows `CUTS`.

    Who came or left between the first two windows has not moved: only customers who
    ordered in all four are compared. `views` have customer_id and sales (currency);
    `days` are the lengths of the first two, which hold the odd and the even weeks.
    """
    sales = [view.set_index("customer_id")[["sales"]] for view in views]
    sales = dict(zip(CUTS, together(*sales), strict=True))
    lengths = dict(zip(CUTS, [*days, *_alternate(sum(days))], strict=True))
    found = {}
    for cut, length in lengths.items():
        short = shortened(model, days=length)
        tier = pd.DataFrame({"value_tier": short.tier(sales[cut]["sales"])})
        found[cut] = by_tier(short, tier)["segment_id"].to_numpy()
    return found


def _alternate(days: int) -> tuple[int, int]:
    """Count the days of odd and of even weeks; the first week is an odd one."""
    odd = sum(min(7, days - start) for start in range(0, days, 14))
    return odd, days - odd


def distances(model: Model, features: pd.DataFrame) -> pd.DataFrame:
    """Measure how far customers with enough data are from each centre of a model.

    Gives a row a customer_id and a column a segment id.
    """
    known = features[model.enough_data(features)]
    scores = model.preparation.transform(known).to_numpy(float)
    apart = methods.distances(scores, np.array(model.centres))
    ids = pd.RangeIndex(1, len(model.centres) + 1, name="segment_id")
    return pd.DataFrame(apart, index=pd.Index(known["customer_id"]), columns=ids)


def together(*tables: pd.DataFrame) -> list[pd.DataFrame]:
    """Keep the customers that all tables hold, in one order; possibly none."""
    shared = tables[0].index
    for table in tables[1:]:
        shared = shared.intersection(table.index)
    shared = shared.sort_values()
    return [table.loc[shared] for table in tables]


def excess(
    labels: Mapping[str, np.ndarray], *, segments: int, repeats: int, seed: int
) -> pd.DataFrame:
    """Set movement between two periods beside movement between alternate weeks.

    The two periods and the two sets of alternate weeks are made of the same weeks and
    are of the same length. Without any change in time both splits move as many.
    `labels` are the segment ids of the same customers, in one order, in the windows
    `CUTS`.

    Gives segment_id (0 is all), customers (in the segment before), moved and noise
    (shares that left it), excess (moved less noise), error (standard deviation of the
    resampled excess), low, high (its 95 % percentile interval); missing for nobody.
    """
    rng = np.random.default_rng(seed)
    weights = bootstrap.weights(len(labels["before"]), repeats, rng)
    rows = []
    for segment in range(segments + 1):
        left, noise = (
            _left(labels, pairs, segment) @ weights
            for pairs in ([("before", "after")], [("odd", "even"), ("even", "odd")])
        )
        with np.errstate(invalid="ignore"):  # a resample may leave a segment empty
            moved, floor = (np.divide(*part) for part in (left, noise))
        beyond = moved - floor
        known = beyond[1:][~np.isnan(beyond[1:])]
        if not len(known):  # nobody is ever in it
            known = np.array([np.nan])
        low, high = np.quantile(known, [0.025, 0.975])
        numbers = (moved[0], floor[0], beyond[0], np.std(known), low, high)
        rows.append((segment, int(left[1, 0]), *numbers))
    columns = "segment_id customers moved noise excess error low high"
    return pd.DataFrame(rows, columns=columns.split())


def _left(
    labels: Mapping[str, np.ndarray], pairs: Sequence[tuple[str, str]], segment: int
) -> np.ndarray:
    """Count for each customer the times it left a segment, and was in it."""
    left, inside = 0, 0
    for origin, target in pairs:
        here = (labels[origin] == segment) | (segment == 0)
        left = left + (here & (labels[origin] != labels[target]))
        inside = inside + here
    return np.stack([left, inside]).astype(float)


def migration(
    labels: Mapping[str, np.ndarray], *, segments: int, repeats: int, seed: int
) -> pd.DataFrame:
    """Count customers from each segment to each other, and what noise alone would move.

    Parameters as for `excess`. Gives from_id, to_id, customers (moved between the
    periods), noise (moved between alternate weeks, mean of both directions), excess
    (difference), low, high (simultaneous 95 % interval of the excess over all pairs:
    the largest standardised difference of each resample), beyond (low above 0).
    """
    rng = np.random.default_rng(seed)
    weights = bootstrap.weights(len(labels["before"]), repeats, rng)
    pairs = list(permutations(range(1, segments + 1), 2))
    moved = _flows(labels, "before", "after", pairs)
    back = _flows(labels, "even", "odd", pairs)
    noise = (_flows(labels, "odd", "even", pairs) + back) / 2
    resampled = (moved - noise) @ weights
    found, draws = resampled[:, :1], resampled[:, 1:]
    error = np.maximum(draws.std(axis=1), 1e-9)
    widest = np.abs((draws - found) / error[:, None]).max(axis=0)
    half = np.quantile(widest, 0.95) * error
    table = pd.DataFrame(pairs, columns=["from_id", "to_id"])
    return table.assign(
        customers=moved.sum(axis=1).astype(int),
        noise=noise.sum(axis=1),
        excess=found[:, 0],
        low=found[:, 0] - half,
        high=found[:, 0] + half,
        beyond=found[:, 0] - half > 0,
    )


def _flows(
    labels: Mapping[str, np.ndarray], origin: str, target: str, pairs: Sequence
) -> np.ndarray:
    before, after = labels[origin], labels[target]
    return np.array([(before == a) & (after == b) for a, b in pairs], dtype=float)


def said(overall: pd.Series, flows: pd.DataFrame) -> tuple[str, bool]:
    """Say what movement into a period is, and if most off clear paths is noise.

    `overall` is the row of all from `excess`; `flows` are from `migration`, with shown
    (bool: the path may be named on a page). One of still (nobody moved), path (a path
    carries more than noise, and may be named), less (alternate weeks move even more,
    for sure), noise (half of the movement or more is), real (more than half is not, and
    the excess is above 0) or open (neither is sure).
    """
    clear = flows["beyond"] & flows["shown"]
    others = flows[~clear]
    mostly = bool(others["noise"].sum() >= others["customers"].sum() / 2)
    if not overall["moved"]:
        return "still", mostly
    if clear.any():
        return "path", mostly
    if overall["high"] < 0:
        return "less", mostly
    if overall["noise"] >= overall["moved"] / 2:
        return "noise", mostly
    return ("real" if overall["low"] > 0 else "open"), mostly


# --- Hysteresis: who has really moved


def calm(before: pd.DataFrame, after: pd.DataFrame, *, ratio: float) -> np.ndarray:
    """Relabel customers only where the new segment is clearly nearer than the old one.

    They move if their distance to the new centre is at most `ratio` of that to the old
    one; 1 moves everyone who is nearer elsewhere. Takes `distances` in two windows.
    """
    old, new = nearest(before), nearest(after)
    apart = after.to_numpy()
    rows = np.arange(len(after))
    clearly = apart[rows, new - 1] <= ratio * apart[rows, old - 1]
    return np.where(clearly, new, old)


def nearest(apart: pd.DataFrame) -> np.ndarray:
    """Name the nearest segment of each customer from `distances`."""
    return apart.to_numpy().argmin(axis=1) + 1


def calm_ratio(odd: pd.DataFrame, even: pd.DataFrame, *, noise: float) -> float:
    """Find the largest ratio for `calm` by which at most a share `noise` would move.

    `odd` and `even` are `distances` of the same customers in alternate weeks, taken in
    both directions together.
    """
    ratios = np.concatenate([_ratios(odd, even), _ratios(even, odd)])
    moving = np.sort(ratios[ratios < 1])
    upto = np.searchsorted(moving, moving, side="right")  # ties move together
    if len(moving) <= noise * len(ratios):
        return 1.0
    return float(moving[upto <= noise * len(ratios)].max(initial=0.0))


def calm_noise(odd: pd.DataFrame, even: pd.DataFrame, *, ratio: float) -> float:
    """Take the share of customers whom noise moves under a ratio, both ways together."""
    ways = ((odd, even), (even, odd))
    return float(np.mean([calm(a, b, ratio=ratio) != nearest(a) for a, b in ways]))


def found_again(
    before: pd.DataFrame, after: pd.DataFrame, later: pd.DataFrame, *, ratio: float
) -> pd.DataFrame:
    """Say how many of those who moved are found in the new segment once more.

    Takes `distances` of the same customers in three windows. Gives, for the rules
    nearest and calm, customers (moved) and again (share found in the last window).
    """
    old, there = nearest(before), nearest(later)
    rules = {"nearest": nearest(after), "calm": calm(before, after, ratio=ratio)}
    rows = []
    for label in rules.values():
        gone = label != old
        again = (there == label)[gone].mean() if gone.any() else np.nan
        rows.append((int(gone.sum()), again))
    return pd.DataFrame(rows, index=list(rules), columns=["customers", "again"])


def _ratios(before: pd.DataFrame, after: pd.DataFrame) -> np.ndarray:
    """Divide the distance to the nearest centre by that to the old one; 1 is a stay."""
    apart = after.to_numpy()
    rows = np.arange(len(after))
    return apart.min(axis=1) / np.maximum(apart[rows, nearest(before) - 1], 1e-12)
