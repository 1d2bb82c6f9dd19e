"""Divide a budget among segments and offers, and say what not knowing the gains costs."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import optimize

from helpers.core.errors import BadInput

COLUMNS = ("segment_id", "offer", "customers", "cost_cents", "gain", "error")


def best(
    options: pd.DataFrame,
    *,
    budget_cents: int,
    least: int,
    most: Mapping[str, int],
) -> np.ndarray:
    """Find the contacts that bring the largest gain within the limits.

    Parameters
    ----------
    options : DataFrame
        Per segment and offer: segment_id, offer, customers (of the segment, the same in
        all its rows), cost_cents (per contact), gain (expected, currency per contact,
        after its cost), error (standard error of the gain).
    budget_cents : int
        Most that all contacts may cost.
    least : int
        Customers that an option gets at least if it gets any: fewer teach nothing.
    most : mapping
        Offer -> contacts at most; offers not named have no limit of their own.

    Returns
    -------
    array of int
        Contacts of each option, in the order of `options`. A customer gets at most one
        offer. Options that lose money get none: the budget need not be spent.

    Raises
    ------
    BadInput
        If a column is missing, a cost is not a positive whole number, or the solver
        finds no answer.
    """
    _check(options)
    limits = {"budget_cents": budget_cents, "least": least, "most": most}
    plan = _solved(options, options["gain"].to_numpy(float), whole=True, **limits)
    return np.round(plan).astype(int)


def _solved(
    options: pd.DataFrame,
    gains: np.ndarray,
    *,
    budget_cents: int,
    least: int,
    most: Mapping[str, int],
    whole: bool,
) -> np.ndarray:
    """Solve the integer programme; with parts of contacts allowed it is far faster."""
    plan = np.zeros(len(options))
    paying = np.flatnonzero(gains > 0)
    if not len(paying):
        return plan
    chosen, n = options.iloc[paying], len(paying)
    sizes = chosen["customers"].to_numpy(float)
    rows, tops = _limits(chosen, budget_cents=budget_cents, most=most)
    eye = np.eye(n)
    # either none, or between the least and the whole segment: z is 1 where there is any
    rules = [
        optimize.LinearConstraint(np.hstack([rows, 0 * rows]), ub=tops),
        optimize.LinearConstraint(np.hstack([eye, -np.diag(sizes)]), ub=0),
        optimize.LinearConstraint(np.hstack([eye, -least * eye]), lb=0),
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


def _limits(
    options: pd.DataFrame, *, budget_cents: int, most: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Write budget, one offer a customer and the offers' limits as rows of a table."""
    segments = options.drop_duplicates("segment_id").set_index("segment_id")[
        "customers"
    ]
    rows = [options["cost_cents"].to_numpy(float)]
    rows += [(options["segment_id"] == i).to_numpy(float) for i in segments.index]
    rows += [(options["offer"] == offer).to_numpy(float) for offer in most]
    tops = np.array([budget_cents, *segments, *most.values()], float)
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


def in_order(
    options: pd.DataFrame,
    *,
    order: np.ndarray,
    budget_cents: int,
    least: int,
    most: Mapping[str, int],
) -> np.ndarray:
    """Fill options as far as the limits of `best` allow, by their positions in `order`.

    Options that are not in `order` get none.
    """
    _check(options)
    plan = np.zeros(len(options), int)
    left = int(budget_cents)
    people = dict(zip(options["segment_id"], options["customers"], strict=True))
    room = dict(most)
    for place in order:
        row = options.iloc[place]
        offer, segment_id = row["offer"], row["segment_id"]
        some = min(
            left // int(row["cost_cents"]),
            people[segment_id],
            room.get(offer, people[segment_id]),
        )
        if some < max(least, 1):
            continue
        plan[place] = some
        left -= some * int(row["cost_cents"])
        people[segment_id] -= some
        if offer in room:
            room[offer] -= some
    return plan


def spread(
    options: pd.DataFrame,
    *,
    offer: str,
    budget_cents: int,
    least: int,
    most: Mapping[str, int],
) -> np.ndarray:
    """Give one offer to every segment, in proportion to its size, as `best` limits it.

    Segments whose part would be below `least` get none.
    """
    _check(options)
    mine = (options["offer"] == offer).to_numpy()
    sizes = np.where(mine, options["customers"], 0)
    costs = options["cost_cents"].to_numpy(int)
    part = min(
        1.0,
        budget_cents / max((sizes * costs).sum(), 1),
        most.get(offer, np.inf) / max(sizes.sum(), 1),
    )
    plan = np.floor(sizes * part + 1e-9).astype(int)
    return np.where(plan >= max(least, 1), plan, 0)


def draws(options: pd.DataFrame, *, count: int, seed: int) -> np.ndarray:
    """Draw gains that gain and error of the options leave possible.

    Returns
    -------
    array
        count x options, currency per contact; normal and independent.
    """
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((count, len(options)))
    return options["gain"].to_numpy() + noise * options["error"].to_numpy()


def compare(
    plans: Mapping[str, np.ndarray],
    options: pd.DataFrame,
    *,
    drawn: np.ndarray,
    budget_cents: int,
    least: int,
    most: Mapping[str, int],
    level: float,
) -> pd.DataFrame:
    """Judge plans by gains that are possible, and by what knowing them would bring.

    Parameters
    ----------
    plans : mapping
        Name -> contacts of each option.
    options, budget_cents, least, most
        As for `best`.
    drawn : array
        Possible gains, draws x options.
    level : float
        Share of the draws that low and high hold between them.

    Returns
    -------
    DataFrame
        Per plan: plan, contacts, cost (currency), gain (mean over draws, currency),
        low, high, loss_chance (share of draws below 0), regret (mean distance from the
        best plan had the draw been known; of the best plan, the most that a perfect
        test before it would be worth).
    """
    ends = [(1 - level) / 2, (1 + level) / 2]
    limits = {"budget_cents": budget_cents, "least": least, "most": most}
    # parts of a contact are allowed here: too much regret by less than a contact each
    known = np.array(
        [_solved(options, row, whole=False, **limits) @ row for row in drawn]
    )
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
                "regret": (known - gained).mean(),
            }
        )
    return pd.DataFrame(rows)
