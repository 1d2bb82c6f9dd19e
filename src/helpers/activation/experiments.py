"""Plan a test with a random hold-out, say how large it must be, and read it out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import optimize, stats

from helpers.core.errors import BadInput
from helpers.statistics import intervals

SMALLEST = 1e-6  # difference in a share that is looked for


def draw(
    customers: pd.DataFrame, *, strata: Sequence[str], control_share: float, seed: int
) -> pd.DataFrame:
    """Draw who is left out of an offer, at random inside strata.

    Returns the rows, sorted by customer_id, with stratum (text) and arm ("treated" or
    "control"). Every customer has the same chance of control; a stratum's number is at
    most one off its share. Raises BadInput if a customer stands twice or the share
    leaves an arm empty.
    """
    twice = customers.loc[customers["customer_id"].duplicated(), "customer_id"]
    if len(twice):
        raise BadInput(
            f"Table customers: customer_id {twice.iloc[0]!r} stands twice. A test "
            "needs one row a customer."
        )
    if not 0 < control_share < 1:
        raise BadInput(
            f"control_share must lie between 0 and 1, but {control_share} was passed."
        )
    rng = np.random.default_rng(seed)
    table = customers.sort_values("customer_id").reset_index(drop=True)
    names = table[list(strata)].astype(str).agg(" | ".join, axis=1)
    lot = pd.Series(rng.random(len(table)), index=table.index)
    # in each stratum the first in lot's order are left out; a lot decides the remainder
    place = lot.groupby(names).rank(method="first") - 1
    size = names.map(names.value_counts())
    extra = pd.Series(rng.random(names.nunique()), index=np.sort(names.unique()))
    left_out = np.floor(size * control_share + names.map(extra))
    arm = np.where(place < left_out, "control", "treated")
    return table.assign(stratum=names, arm=arm)


def customers_needed(
    *, rate: float, effect: float, control_share: float, alpha: float, power: float
) -> int:
    """Say how many customers, both arms together, show an effect on a share.

    `rate` is the share that answers without the offer, `effect` the smallest difference
    in it worth finding, `alpha` the confidence of the two-sided test, `power` the
    chance of finding the effect. Raises BadInput if no such effect can be. Two
    proportions with unequal arms, without continuity correction: Fleiss, Levin and Paik
    (2003), Statistical methods for rates and proportions.
    """
    other = rate + effect
    if not (0 <= rate <= 1 and 0 <= other <= 1) or effect == 0:
        raise BadInput(
            f"rate {rate} and effect {effect}: both shares must lie between 0 and 1, "
            "and differ. Choose another effect."
        )
    treated = 1 - control_share
    mean = control_share * rate + treated * other
    pooled = np.sqrt(mean * (1 - mean) * (1 / treated + 1 / control_share))
    apart = np.sqrt(other * (1 - other) / treated + rate * (1 - rate) / control_share)
    reach = stats.norm.ppf(1 - alpha / 2) * pooled + stats.norm.ppf(power) * apart
    return int(np.ceil((reach / effect) ** 2))


def min_effect(*, rate: float, customers: int, **asked: float) -> float:
    """Say which effect on a share a test of so many customers (both arms) finds.

    The others are as for `customers_needed`; missing if even the largest is not found.
    """

    def short(effect: float) -> float:
        return customers_needed(rate=rate, effect=effect, **asked) - customers

    most = 1 - rate - 1e-9
    if most <= SMALLEST or short(most) > 0:
        return np.nan
    return float(optimize.brentq(short, SMALLEST, most, xtol=1e-6))


def advice(smallest: float, stated: float, *, needed: int, customers: int) -> str:
    """Say whether to run a test, by the `smallest` effect it finds and that `stated`.

    `needed` are the customers that the stated one needs, `customers` those in the test.
    """
    if smallest <= stated:
        return f"Run the test plan: it finds {100 * stated:g} points or less."
    short = (
        f"{100 * stated:g} points need {needed:,} customers, and it has {customers:,}"
    )
    if np.isnan(smallest):
        return f"Do not run the test plan yet: it finds no effect; {short}."
    found = f"{100 * smallest:.1f} points or more"
    return f"Run the test plan only for an effect of {found}: {short}."


def read_out(
    plan: pd.DataFrame,
    outcome: pd.Series,
    *,
    by: str,
    strata: Sequence[str],
    alpha: float,
    method: str,
) -> pd.DataFrame:
    """Compare the arms of a finished test, over all and by group.

    `plan` is as from `draw`; `outcome`, by customer_id, is bool for an answer or a
    number for money: customers without an entry count as 0, who did not come did not
    buy. All count in the arm they were drawn for. Returns group ("all" first), effect
    (treated minus control), low and high (of the groups together), p, p_adjusted (by
    `method`), treated, control (customers), or raises BadInput if an arm is empty.
    """
    if set(plan["arm"]) != {"treated", "control"}:
        raise BadInput(
            f"Table test_plan: column arm holds {sorted(set(plan['arm']))}; a test needs "
            "treated and control. Draw it with `experiments.draw`."
        )
    rows = plan.assign(
        treated=plan["arm"] == "treated",
        outcome=plan["customer_id"].map(outcome).fillna(0).astype(float),
    )
    table = pd.DataFrame(
        {"group": name}
        | intervals.difference(part, value="outcome", strata=strata, alpha=alpha)
        for name, part in [("all", rows), *rows.groupby(by)]
    )
    table = intervals.together(
        table, family=table["group"] == "all", alpha=alpha, method=method
    )
    return table.drop(columns="error")
