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

    Parameters
    ----------
    customers : DataFrame
        customer_id (once) and the strata.
    strata : sequence of str
        Columns inside whose combinations the arms are drawn, so that they are alike.
    control_share : float
        Share of customers left out, 0 to 1.
    seed : int
        Fixes the lists, whatever the order of the rows.

    Returns
    -------
    DataFrame
        The rows, sorted by customer_id, with stratum (text) and arm ("treated" or
        "control"). Every customer has the same chance of control; a stratum's number
        is at most one off its share.

    Raises
    ------
    BadInput
        If a customer stands twice or the share leaves an arm empty.
    """
    if customers["customer_id"].duplicated().any():
        twice = customers.loc[customers["customer_id"].duplicated(), "customer_id"]
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
    *, rate: float, effect: float, control_share: float, level: float, power: float
) -> int:
    """Say how many customers, both arms together, show an effect on a share.

    Parameters
    ----------
    rate : float
        Share that answers without the offer.
    effect : float
        Smallest difference worth finding, in the share.
    control_share : float
        Part of the customers that is left out.
    level : float
        Confidence of the two-sided test, such as 0.95.
    power : float
        Chance of finding the effect if it is there.

    Raises
    ------
    BadInput
        If rate and effect together leave 0 to 1, or there is no effect to find.

    References
    ----------
    Fleiss, Levin and Paik (2003), Statistical methods for rates and proportions: two
    proportions with unequal arms, without continuity correction.
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
    reach = _z((1 + level) / 2) * pooled + _z(power) * apart
    return int(np.ceil((reach / effect) ** 2))


def least_effect(
    *, rate: float, customers: int, control_share: float, level: float, power: float
) -> float:
    """Say how large an effect a test of so many customers finds, both arms together.

    The others are as for `customers_needed`. Returns the difference in the share;
    missing if even the largest would not be found.
    """

    def short(effect: float) -> float:
        needed = customers_needed(
            rate=rate,
            effect=effect,
            control_share=control_share,
            level=level,
            power=power,
        )
        return needed - customers

    most = 1 - rate - 1e-9
    if most <= SMALLEST or short(most) > 0:
        return np.nan
    return float(optimize.brentq(short, SMALLEST, most, xtol=1e-6))


def advice(smallest: float, stated: float, *, needed: int, customers: int) -> str:
    """Say whether to run a test, by what it can find.

    Parameters
    ----------
    smallest : float
        Output of `least_effect`.
    stated : float
        Smallest effect worth finding, in the share.
    needed, customers : int
        Customers that `stated` needs, and customers in the test.
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
    level: float,
    method: str,
) -> pd.DataFrame:
    """Compare the arms of a finished test, over all and by group.

    Parameters
    ----------
    plan : DataFrame
        Output of `draw`: customer_id, arm, the strata, and `by`.
    outcome : Series
        What was measured, by customer_id: bool for an answer, a number for money.
        Customers without an entry count as 0: who did not come did not buy.
    by : str
        Column of groups to read out.
    strata : sequence of str
        Columns inside which the arms were drawn.
    level : float
        Confidence of the interval over all, and that those of the groups all hold the
        truth at once.
    method : str
        How p-values of groups are raised, as for `intervals.adjusted`.

    Returns
    -------
    DataFrame
        For all ("all") and each group: group, effect (treated minus control), low,
        high, p, p_adjusted (over the groups), treated, control (customers). All who
        were drawn count in their arm, whether the offer reached them or not.

    Raises
    ------
    BadInput
        If an arm is empty.
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
    parts = [("all", rows), *rows.groupby(by)]
    told = [
        {"group": name}
        | intervals.difference(part, value="outcome", strata=strata, level=level)
        for name, part in parts
    ]
    table = pd.DataFrame(told)
    table = intervals.together(
        table, family=table["group"] == "all", level=level, method=method
    )
    return table.drop(columns="error")


def _z(chance: float) -> float:
    return float(stats.norm.ppf(chance))
