"""Divide a budget among segments and offers, and say what not knowing the gains costs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from helpers.core.errors import BadInput

COLUMNS = ["segment_id", "offer", "customers", "cost_cents", "gain", "error"]


@dataclass(frozen=True)
class Limits:
    """What a plan keeps to, beside one offer a customer."""

    budget_cents: int  # most that all contacts may cost
    least: int  # customers an option gets if it gets any: fewer teach nothing
    most: Mapping[str, int]  # offer -> contacts at most; offers not named have no limit


def best(options: pd.DataFrame, limits: Limits) -> np.ndarray:
    """Find the contacts of each option that bring the largest gain within the limits.

    `options` has segment_id, offer, customers (of the segment), cost_cents (per
    contact), gain (expected, currency per contact, after its cost) and error (its
    standard error). A customer gets at most one offer; options that lose money get
    none. Raises BadInput if a column is missing, a cost is not a positive whole number,
    or no plan is found.
    """
    _check(options)
    plan = _solved(options, options["gain"].to_numpy(float), limits, whole=True)
    return np.round(plan).astype(int)


def _solved(
    options: pd.DataFrame, gains: np.ndarray, limits: Limits, *, whole: bool
) -> np.ndarray:
    """Solve the integer programme; with parts of contacts allowed it is far faster."""
    plan = np.zeros(len(options))
    paying = np.flatnonzero(gains > 0)
    if not len(paying):
        return plan
    chosen, n = options.iloc[paying], len(paying)
    sizes = chosen["customers"].to_numpy(float)
    rows, tops = _limits(chosen, limits)
    eye = np.eye(n)
    # either none, or between the least and the whole segment: z is 1 where there is any
    rules = [
        optimize.LinearConstraint(np.hstack([rows, 0 * rows]), ub=tops),
        optimize.LinearConstraint(np.hstack([eye, -np.diag(sizes)]), ub=0),
        optimize.LinearConstraint(np.hstack([eye, -limits.least * eye]), lb=0),
    ]
    answer = optimize.milp(
        -np.concatenate([gains[paying], np.zeros(n)]),
        integrality=np.concatenate([np.full(n, int(whole)), np.ones(n)]),
        bounds=optimize.Bounds(0, np.concatenate([sizes, np.ones(n)])),
        constraints=rules,
        options={"mip_rel_gap": 0.0, "presolve": whole},
    )
    if answer.x is None:
        raise BadInput(
            f"Table options: no plan found ({answer.message}). Look at the budget, the "
            "sizes and the limits of the offers."
        )
    plan[paying] = answer.x[:n]
    return plan


def _limits(options: pd.DataFrame, limits: Limits) -> tuple[np.ndarray, np.ndarray]:
    """Write budget, one offer a customer and the offers' limits as rows of a table."""
    segments = options.drop_duplicates("segment_id")
    segments = segments.set_index("segment_id")["customers"]
    rows = [options["cost_cents"].to_numpy(float)]
    rows += [(options["segment_id"] == i).to_numpy(float) for i in segments.index]
    rows += [(options["offer"] == offer).to_numpy(float) for offer in limits.most]
    tops = np.array([limits.budget_cents, *segments, *limits.most.values()], float)
    return np.array(rows), tops


def _check(options: pd.DataFrame) -> None:
    if missing := [name for name in COLUMNS if name not in options]:
        raise BadInput(
            f"Table options: column {missing[0]} is missing; it needs "
            f"{', '.join(COLUMNS)}."
        )
    cost = options["cost_cents"]
    if wrong := cost[(cost <= 0) | (cost % 1 != 0)].tolist():
        raise BadInput(
            f"Table options: column cost_cents holds {wrong[0]}; give whole cents above "
            "0, so that the budget can be kept to the cent."
        )


def in_order(options: pd.DataFrame, limits: Limits, *, order: np.ndarray) -> np.ndarray:
    """Fill options as far as the limits allow, by their positions in `order`."""
    _check(options)
    plan = np.zeros(len(options), int)
    left = int(limits.budget_cents)
    people = dict(zip(options["segment_id"], options["customers"], strict=True))
    room = dict(limits.most)
    for place in order:
        row = options.iloc[place]
        offer, segment_id = row["offer"], row["segment_id"]
        some = min(
            left // int(row["cost_cents"]),
            people[segment_id],
            room.get(offer, people[segment_id]),
        )
        if some < max(limits.least, 1):
            continue
        plan[place] = some
        left -= some * int(row["cost_cents"])
        people[segment_id] -= some
        if offer in room:
            room[offer] -= some
    return plan


def spread(options: pd.DataFrame, limits: Limits, *, offer: str) -> np.ndarray:
    """Give one offer to every segment, in proportion to its size, within the limits.

    Segments whose part would be below `limits.least` get none.
    """
    _check(options)
    mine = (options["offer"] == offer).to_numpy()
    sizes = np.where(mine, options["customers"], 0)
    costs = options["cost_cents"].to_numpy(int)
    part = min(
        1.0,
        limits.budget_cents / max((sizes * costs).sum(), 1),
        limits.most.get(offer, np.inf) / max(sizes.sum(), 1),
    )
    plan = np.floor(sizes * part + 1e-9).astype(int)
    return np.where(plan >= max(limits.least, 1), plan, 0)


def draws(options: pd.DataFrame, *, count: int, seed: int) -> np.ndarray:
    """Draw gains, `count` x options: normal, independent, by gain and error of each."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((count, len(options)))
    return options["gain"].to_numpy() + noise * options["error"].to_numpy()


def compare(
    plans: Mapping[str, np.ndarray],
    options: pd.DataFrame,
    limits: Limits,
    *,
    drawn: np.ndarray,
    alpha: float,
) -> pd.DataFrame:
    """Judge plans by gains that are possible, and by what knowing them would bring.

    `plans` holds the contacts of each option, `drawn` the output of `draws`. Returns
    plan, contacts, cost (currency), gain (mean over draws, currency), low and high
    (`alpha` of the draws), loss_chance (share of draws below 0) and regret: the mean
    distance from the best plan had the draw been known; of the best plan, the most that
    a perfect test before it would be worth.
    """
    ends = [alpha / 2, 1 - alpha / 2]
    # parts of a contact are allowed here: too much regret by less than a contact each
    known = [_solved(options, row, limits, whole=False) @ row for row in drawn]
    rows = []
    for name, plan in plans.items():
        gained = drawn @ plan
        low, high = np.quantile(gained, ends)
        rows.append(
            {
                "plan": name,
                "contacts": int(plan.sum()),
                "cost": float(plan @ options["cost_cents"].to_numpy()) / 100,
                "gain": gained.mean(),
                "low": low,
                "high": high,
                "loss_chance": (gained < 0).mean(),
                "regret": (np.array(known) - gained).mean(),
            }
        )
    return pd.DataFrame(rows)
