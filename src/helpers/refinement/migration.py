"""Separate customers who moved between segments from those whom noise moved."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd

from helpers.clustering import methods, predictive_validity
from helpers.clustering.model import Model
from helpers.core.engines import Engine
from helpers.disclosure import suppression
from helpers.disclosure.suppression import KNOWN, WITHHELD
from helpers.features import dictionary, staging
from helpers.statistics import bootstrap

# Blocks that alternate, in weeks. Chance evens out between single weeks, and so does a
# mood that lasts longer than one: only longer blocks hold it. Blocks as long as a mood
# hold less than half of one that begins on any day; so six weeks are for moods of four.
BLOCKS = {
    1: "alternate weeks",
    2: "blocks of two weeks",
    4: "blocks of four weeks",
    6: "blocks of six weeks",
}
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


# --- Two periods, cut into before and after and into alternate blocks


def views(
    con: Engine,
    tables: Mapping[str, str],
    *,
    columns: Sequence[str],
    periods: pd.DataFrame,
    seen: Sequence[pd.DataFrame],
) -> dict[str, pd.DataFrame]:
    """Cut two neighbouring periods in every way: before and after, and odd and even.

    `periods` are two rows of `drift.periods`, `seen` their features, and `columns` those
    that the halves are built with (`dictionary.halves`, which begins anew with the second
    period). Blocks of which a period holds no two are left out, weeks excepted. Gives
    features by window: before, after, "odd 1", "even 1" and so on, by weeks of a block.
    """
    found = dict(zip(("before", "after"), seen, strict=True))
    first, turn = periods["first"]
    window = {"first": first, "turn": turn, "last": periods["last"].iloc[1]}
    for weeks in BLOCKS:
        if weeks > 1 and periods["days"].min() < 14 * weeks:
            continue
        asked = window | {"columns": columns, "weeks": weeks}
        halves = dictionary.halves(con, **tables, **asked)
        for half in ("odd", "even"):
            found[f"{half} {weeks}"] = halves[halves["half"] == half]
    return found


def in_all(
    tables: Mapping[str, pd.DataFrame], *, fewest: int
) -> dict[str, pd.DataFrame]:
    """Keep the customers, by index, that the tables of all windows hold, in one order.

    Blocks that would leave fewer than `fewest` of them are left out; weeks never are.
    """
    names = [*list(tables)[:2], "odd 1", "even 1"]
    for weeks in floors(tables)[1:]:
        more = [*names, f"odd {weeks}", f"even {weeks}"]
        if len(together(*(tables[name] for name in more))[0]) >= fewest:
            names = more
    kept = together(*(tables[name] for name in names))
    return dict(zip(names, kept, strict=True))


def floors(windows: Mapping) -> list[int]:
    """List the blocks, in weeks, by which windows were cut."""
    return [weeks for weeks in BLOCKS if f"odd {weeks}" in windows]


def tiers(
    model: Model,
    found: Mapping[str, pd.DataFrame],
    *,
    periods: pd.DataFrame,
    fewest: int,
) -> dict[str, np.ndarray]:
    """Give the number of each customer's value tier in each of the windows of `views`.

    Who came or left between the first two windows has not moved: only customers who
    ordered in all are compared. `found` have customer_id and sales (currency), and the
    two `periods` days.
    """
    sales = {
        name: view.set_index("customer_id")[["sales"]] for name, view in found.items()
    }
    days = periods["days"].tolist()
    lengths = dict(zip(("before", "after"), days, strict=True))
    for weeks in floors(found):
        odd = sum(_odd(length, weeks) for length in days)
        lengths |= {f"odd {weeks}": odd, f"even {weeks}": sum(days) - odd}
    labels = {}
    for cut, table in in_all(sales, fewest=fewest).items():
        short = shortened(model, days=lengths[cut])
        tier = pd.DataFrame({"value_tier": short.tier(table["sales"])})
        labels[cut] = by_tier(short, tier)["segment_id"].to_numpy()
    return labels


def _odd(days: int, weeks: int) -> int:
    """Count the days of a period that belong to its odd half."""
    whole, middle = staging.cut_in_two(days, weeks, odd_first=True)
    return middle - whole // 2


def scored(
    model: Model,
    found: Mapping[str, pd.DataFrame],
    *,
    periods: pd.DataFrame,
    fewest: int,
) -> dict[str, pd.DataFrame]:
    """Score the customers who have enough data in all windows of `views`.

    All windows last about as long as one of the two `periods`, and are asked so much.
    """
    half = shortened(model, days=int(periods["days"].mean()))
    scores = {name: prepared(half, view) for name, view in found.items()}
    return in_all(scores, fewest=fewest)


def segments(model: Model, scores: Mapping[str, pd.DataFrame]) -> dict[str, np.ndarray]:
    """Give the segment id of each customer in each window of `scored`."""
    return {name: nearest(table) for name, table in apart(model, scores).items()}


def apart(model: Model, scores: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Measure how far customers are from each centre in each window of `scored`."""
    return {name: _distances(model, table) for name, table in scores.items()}


def distances(model: Model, features: pd.DataFrame) -> pd.DataFrame:
    """Measure how far customers with enough data are from each centre of a model.

    Gives a row a customer_id and a column a segment id.
    """
    return _distances(model, prepared(model, features))


def _distances(model: Model, scores: pd.DataFrame) -> pd.DataFrame:
    away = methods.distances(scores.to_numpy(float), np.array(model.centres))
    ids = pd.RangeIndex(1, len(model.centres) + 1, name="segment_id")
    return pd.DataFrame(away, index=scores.index, columns=ids)


def prepared(model: Model, features: pd.DataFrame) -> pd.DataFrame:
    """Score customers with enough data by the model's preparation, by customer_id."""
    known = features[model.enough_data(features)]
    scores = model.preparation.transform(known)
    return scores.set_axis(pd.Index(known["customer_id"]))


def together(*tables: pd.DataFrame) -> list[pd.DataFrame]:
    """Keep the customers that all tables hold, in one order; possibly none."""
    shared = tables[0].index
    for table in tables[1:]:
        shared = shared.intersection(table.index)
    shared = shared.sort_values()
    return [table.loc[shared] for table in tables]


def excess(
    labels: Mapping[str, np.ndarray], *, segments: int, n_bootstrap: int, seed: int
) -> pd.DataFrame:
    """Set movement between two periods beside movement between alternate blocks.

    Without any change in time all cuts move as many; a mood of some weeks moves more
    between blocks that are as long. So movement is compared with the largest of these
    noise floors. `labels` are the segment ids of the same customers, in the windows of
    `views`.

    Gives segment_id (0 is all), customers (in the segment before), moved (share that left
    it), noise (the same of the largest floor), floor (its weeks), noise_1 and so
    on (of each floor of `BLOCKS`, missing where it was left out), excess (moved less noise),
    error (standard deviation of the resampled excess), low, high (its 95% interval) and
    beyond_weeks (bool: more than alternate weeks move, whatever longer blocks do);
    missing for nobody. low is above 0 only if the interval of every floor is.
    """
    rng = np.random.default_rng(seed)
    weights = bootstrap.weights(len(labels["before"]), n_bootstrap, rng)
    found = floors(labels)
    rows = []
    for segment in range(segments + 1):
        left = _left(labels, [("before", "after")], segment) @ weights
        others = [_left(labels, _ways(weeks), segment) @ weights for weeks in found]
        with np.errstate(invalid="ignore"):  # a resample may leave a segment empty
            moved, *noise = (np.divide(*part) for part in (left, *others))
        by_floor = pd.Series(
            {weeks: own[0] for weeks, own in zip(found, noise, strict=True)}
        )
        each = [_interval(moved - own, floors=len(found)) for own in noise]
        lows, highs = (np.array(ends) for ends in zip(*each, strict=True))
        beyond = moved - np.fmax.reduce(noise)
        error = np.std(_known(beyond))
        rows.append(
            {
                "segment_id": segment,
                "customers": int(left[1, 0]),
                "moved": moved[0],
                "noise": by_floor.max(),
                "floor": int(by_floor.fillna(-1).idxmax()),
                **{f"noise_{weeks}": by_floor.get(weeks, np.nan) for weeks in BLOCKS},
                "excess": beyond[0],
                "error": error,
                "low": np.fmin.reduce(lows),
                "high": np.fmin.reduce(highs),
                "beyond_weeks": bool(lows[0] > 0),
            }
        )
    return pd.DataFrame(rows)


def _ways(weeks: int) -> list[tuple[str, str]]:
    """Name the halves of blocks of some weeks, in both directions."""
    return [(f"odd {weeks}", f"even {weeks}"), (f"even {weeks}", f"odd {weeks}")]


def _known(resampled: np.ndarray) -> np.ndarray:
    """Take what resamples found, the data themselves and empty ones left out."""
    known = resampled[1:][~np.isnan(resampled[1:])]
    return known if len(known) else np.array([np.nan])  # nobody is ever in it


def _interval(resampled: np.ndarray, *, floors: int) -> np.ndarray:
    """Take the ends of a percentile interval; the upper one holds for all floors."""
    return np.quantile(_known(resampled), [0.025, 1 - 0.025 / floors])


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
    labels: Mapping[str, np.ndarray], *, segments: int, n_bootstrap: int, seed: int
) -> pd.DataFrame:
    """Count customers from each segment to each other, and what noise alone would move.

    Parameters as for `excess`. Gives from_id, to_id, customers (moved between the
    periods), noise (moved between alternate blocks, mean of both directions, by the
    largest floor), noise_1 and so on (of each floor), excess (difference), low, high
    (simultaneous 95% interval of the excess over all pairs and floors: the largest
    standardised difference of each resample), beyond (low above 0).
    """
    rng = np.random.default_rng(seed)
    weights = bootstrap.weights(len(labels["before"]), n_bootstrap, rng)
    pairs = list(permutations(range(1, segments + 1), 2))
    moved = _flows(labels, "before", "after", pairs)
    noise = {
        weeks: sum(_flows(labels, *way, pairs) for way in _ways(weeks)) / 2
        for weeks in floors(labels)
    }
    resampled = np.stack([(moved - own) @ weights for own in noise.values()])
    found, draws = resampled[..., :1], resampled[..., 1:]
    error = np.maximum(draws.std(axis=-1), 1e-9)
    widest = np.abs((draws - found) / error[..., None]).max(axis=(0, 1))
    half = np.quantile(widest, 0.95) * error
    low, high = ((found[..., 0] + end).min(axis=0) for end in (-half, half))
    by_floor = {f"noise_{weeks}": own.sum(axis=1) for weeks, own in noise.items()}
    table = pd.DataFrame(pairs, columns=["from_id", "to_id"])
    return table.assign(
        customers=moved.sum(axis=1).astype(int),
        noise=np.max(list(by_floor.values()), axis=0),
        **by_floor,
        excess=found[..., 0].min(axis=0),
        low=low,
        high=high,
        beyond=low > 0,
    )


def _flows(
    labels: Mapping[str, np.ndarray], origin: str, target: str, pairs: Sequence
) -> np.ndarray:
    before, after = labels[origin], labels[target]
    return np.array([(before == a) & (after == b) for a, b in pairs], dtype=float)


def may_be_shown(flows: pd.DataFrame) -> pd.Series:
    """Mark the paths of `migration` whose customers may be shown on a page."""
    cross = flows.pivot(index="from_id", columns="to_id", values="customers")
    hidden = suppression.withheld(cross.fillna(KNOWN)).stack()
    return ~pd.Series(
        hidden.reindex(pd.MultiIndex.from_frame(flows[["from_id", "to_id"]])).to_numpy(
            bool
        ),
        flows.index,
    )


def grid(flows: pd.DataFrame) -> pd.DataFrame:
    """Lay out who moved, in brackets by noise, from x to; hidden paths are withheld."""
    noise = flows["noise"].round().fillna(0).astype(int)
    texts = flows["customers"].astype(str) + " (" + noise.astype(str) + ")"
    texts = texts.where(flows["shown"], WITHHELD)
    table = flows.assign(said=texts).pivot(
        index="from_id", columns="to_id", values="said"
    )
    return table.rename_axis("from").rename_axis(None, axis=1)


def hidden_shares(
    assigned: Mapping[str, pd.DataFrame], *, segments: Sequence[int]
) -> pd.DataFrame:
    """Mark which shares, segments x periods, few customers make."""
    sizes = {
        period: own["segment_id"].value_counts() for period, own in assigned.items()
    }
    return suppression.withheld(pd.DataFrame(sizes, index=list(segments)).fillna(0))


def kind(overall: pd.Series, flows: pd.DataFrame) -> tuple[str, bool]:
    """Name what movement into a period is, and if most off clear paths is noise.

    `overall` is the row of all from `excess`; `flows` are from `migration`, with shown
    (bool: the path may be named on a page). One of still (nobody moved), path (a path
    carries more than noise, and may be named), less (the largest noise floor moves even
    more, for sure), noise (half of the movement or more is), real (more than half is
    not, and the excess is above 0), mood (it is above 0 beside alternate weeks, and not
    for sure beside longer blocks) or open (neither is sure).
    """
    clear = flows["beyond"] & flows["shown"]
    others = flows[~clear]
    noise = others.filter(like="noise_").sum().max()
    mostly = bool(noise >= others["customers"].sum() / 2)
    if not overall["moved"]:
        return "still", mostly
    if clear.any():
        return "path", mostly
    if overall["high"] < 0:
        return "less", mostly
    if overall["noise"] >= overall["moved"] / 2:
        return "noise", mostly
    if overall["low"] > 0:
        return "real", mostly
    return ("mood" if overall["beyond_weeks"] else "open"), mostly


# --- Would any cut have moved as much?


def random_cuts(
    scores: Mapping[str, pd.DataFrame], *, k: int, draws: int, fewest: int, seed: int
) -> pd.DataFrame:
    """Measure how groups around random customers move, as `excess` does for segments.

    `scores` are those of `scored`; centres are drawn from the scores before. Gives a row
    a draw: draw, moved, noise, excess (of all), largest (excess of the group, of at least
    `fewest` customers, that most left beyond noise).
    """
    centres = predictive_validity.drawn_centres(
        scores["before"].to_numpy(float), k=k, draws=draws, seed=seed
    )
    rows = []
    for draw, drawn in enumerate(centres, 1):
        labels = {
            name: methods.nearest(table.to_numpy(float), drawn) + 1
            for name, table in scores.items()
        }
        found = excess(labels, segments=k, n_bootstrap=1, seed=seed)
        whole = found.loc[0, ["moved", "noise", "excess"]].to_dict()
        rows.append({"draw": draw, **whole, "largest": largest(found, fewest=fewest)})
    return pd.DataFrame(rows).astype(float)


def largest(moves: pd.DataFrame, *, fewest: int) -> float:
    """Take the excess of the group that most left, of those that may be shown."""
    groups = moves[(moves["segment_id"] > 0) & (moves["customers"] >= fewest)]
    return float(groups["excess"].max())


def beside_random(
    moves: pd.DataFrame, drawn: pd.DataFrame, *, word: str
) -> pd.DataFrame:
    """Set all customers of `excess` beside mean and range of `random_cuts`."""
    ends = drawn["excess"].agg(["min", "max"]).set_axis(["low", "high"])
    rows = {
        f"{word}s": moves.iloc[0],
        f"random centres, {len(drawn)} draws": pd.concat([drawn.mean(), ends]),
    }
    return (
        pd.DataFrame(rows).T[["moved", "noise", "excess", "low", "high"]].astype(float)
    )


# --- Hysteresis: who has really moved


def calm(before: pd.DataFrame, after: pd.DataFrame, *, ratio: float) -> np.ndarray:
    """Relabel customers only where the new segment is clearly nearer than the old one.

    They move if their distance to the new centre is at most `ratio` of that to the old
    one; 1 moves everyone who is nearer elsewhere. Takes `distances` in two windows.
    """
    old, new = nearest(before), nearest(after)
    away = after.to_numpy()
    rows = np.arange(len(after))
    clearly = away[rows, new - 1] <= ratio * away[rows, old - 1]
    return np.where(clearly, new, old)


def nearest(away: pd.DataFrame) -> np.ndarray:
    """Name the nearest segment of each customer from `distances`."""
    return away.to_numpy().argmin(axis=1) + 1


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


def calm_rule(away: Mapping[str, pd.DataFrame], *, noise: float) -> dict[str, float]:
    """Find the ratio by which no floor of `apart` moves more than a share `noise`.

    Returns ratio and floor, the share that noise then moves at most.
    """
    halves = [(away[f"odd {w}"], away[f"even {w}"]) for w in floors(away)]
    ratio = min(calm_ratio(*pair, noise=noise) for pair in halves)
    inside = 0 < ratio < 1
    left = noise if inside else max(calm_noise(*pair, ratio=ratio) for pair in halves)
    return {"ratio": ratio, "floor": left}


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
    away = after.to_numpy()
    rows = np.arange(len(after))
    return away.min(axis=1) / np.maximum(away[rows, nearest(before) - 1], 1e-12)
