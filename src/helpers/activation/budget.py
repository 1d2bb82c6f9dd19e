"""Divide a budget among segments and offers, and say what not knowing the gains costs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from helpers.core import paths
from helpers.core.errors import BadInput, TooLittle
from helpers.statistics import intervals


@dataclass(frozen=True)
class Limits:
    """What a plan keeps to, beside one offer per customer."""

    budget_cents: int  # most that all contacts may cost
    min_contacts: int  # customers an option gets if it gets any: fewer teach nothing
    max_reach: Mapping[str, int]  # offer -> contacts; offers not named have no limit


def options(
    conversion: pd.DataFrame, *, sizes: pd.Series, effects: pd.DataFrame | None
) -> pd.DataFrame:
    """Set out which group can get which offer, and the share of answers that bears on it.

    `conversion` is of `campaigns.break_even`, without rows of every kind; `sizes` the
    customers of each segment. Returns its rows of segments with offer, customers,
    cost_cents, and bearing with its error: the effect, or else the rate, shrunk to the
    mean. Raises TooLittle if there is none, or an answer brings no margin.
    """
    table = conversion[conversion["segment_id"] > 0].rename(columns={"kind": "offer"})
    # an offer that costs nothing counts as a cent, so that plans differ
    cents = (table["cost"] * 100).round().clip(lower=1).astype(int)
    table = table.assign(customers=table["segment_id"].map(sizes), cost_cents=cents)
    noisy, noise = table["rate"], (table["high"] - table["low"]) / 3.92
    if effects is not None:
        known = effects.rename(columns={"kind": "offer"})
        known = known[["segment_id", "offer", "effect", "error"]]
        table = table.merge(known, on=["segment_id", "offer"], validate="one_to_one")
        table = table[table["error"] > 0]
        noisy, noise = table["effect"], table["error"]
    if not (table["margin"] > 0).any():
        raise TooLittle(
            "No plan for the budget: no offer went to a group that can be shown, or "
            "answers bring no margin."
        )
    pulled = intervals.shrink(noisy, noise, centre=None).set_index(table.index)
    return table.assign(bearing=pulled["shrunk"], bearing_error=pulled["error"])


def best(options: pd.DataFrame, limits: Limits) -> np.ndarray:
    """Find the contacts of each option that bring the largest gain within the limits.

    `options` has segment_id, offer, customers (of the segment), cost_cents (per
    contact), gain (expected, currency per contact, after its cost) and error (its
    standard error). A customer gets at most one offer; options that lose money get
    none. Raises BadInput if no plan is found.
    """
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
        optimize.LinearConstraint(np.hstack([eye, -limits.min_contacts * eye]), lb=0),
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
    """Write budget, one offer per customer and the offers' limits as rows of a table."""
    segments = options.drop_duplicates("segment_id")
    segments = segments.set_index("segment_id")["customers"]
    rows = [options["cost_cents"].to_numpy(float)]
    rows += [(options["segment_id"] == i).to_numpy(float) for i in segments.index]
    rows += [(options["offer"] == offer).to_numpy(float) for offer in limits.max_reach]
    tops = np.array([limits.budget_cents, *segments, *limits.max_reach.values()], float)
    return np.array(rows), tops


def in_order(options: pd.DataFrame, limits: Limits, *, order: np.ndarray) -> np.ndarray:
    """Fill options as far as the limits allow, by their positions in `order`."""
    plan = np.zeros(len(options), int)
    left = int(limits.budget_cents)
    people = dict(zip(options["segment_id"], options["customers"], strict=True))
    room = dict(limits.max_reach)
    for place in order:
        row = options.iloc[place]
        offer, segment_id = row["offer"], row["segment_id"]
        some = min(
            left // int(row["cost_cents"]),
            people[segment_id],
            room.get(offer, people[segment_id]),
        )
        if some < max(limits.min_contacts, 1):
            continue
        plan[place] = some
        left -= some * int(row["cost_cents"])
        people[segment_id] -= some
        if offer in room:
            room[offer] -= some
    return plan


def spread(options: pd.DataFrame, limits: Limits, *, offer: str) -> np.ndarray:
    """Give one offer to every segment, in proportion to its size, within the limits.

    Segments whose part would be below `limits.min_contacts` get none.
    """
    mine = (options["offer"] == offer).to_numpy()
    sizes = np.where(mine, options["customers"], 0)
    costs = options["cost_cents"].to_numpy(int)
    part = min(
        1.0,
        limits.budget_cents / max((sizes * costs).sum(), 1),
        limits.max_reach.get(offer, np.inf) / max(sizes.sum(), 1),
    )
    plan = np.floor(sizes * part + 1e-9).astype(int)
    return np.where(plan >= max(limits.min_contacts, 1), plan, 0)


def plans(
    options: pd.DataFrame, limits: Limits, *, word: str, usual: str
) -> dict[str, np.ndarray]:
    """Make the plans of plans.yaml, by name: contacts of each option.

    `word` is what a group is called, `usual` the offer made most often.
    """
    made = {}
    for name, rule in paths.beside(__file__, "plans.yaml").items():
        if rule == "programme":
            plan = best(options, limits)
        elif rule == "usual":
            plan = spread(options, limits, offer=usual)
        elif rule == "none":
            plan = np.zeros(len(options), int)
        else:
            table = options.reset_index(drop=True)
            order = table.sort_values(rule, ascending=False, kind="stable").index
            plan = in_order(options, limits, order=order)
        made[name.format(word=word, usual=usual)] = plan
    return made


def draws(means: pd.Series, errors: pd.Series, *, count: int, seed: int) -> np.ndarray:
    """Draw estimates, `count` x options: normal, independent, by mean and error of each."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((count, len(means)))
    return means.to_numpy() + noise * errors.to_numpy()


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
