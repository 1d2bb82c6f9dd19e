"""Plan a test with a random hold-out, say how large it must be, and read it out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import optimize, stats

from helpers.core.errors import BadInput, TooLittle
from helpers.disclosure.suppression import MIN_CELL
from helpers.statistics import intervals

MIN_CUSTOMERS = 20  # of a test
SMALLEST = 1e-6  # difference in a share that is looked for


def wanted(
    customers: pd.DataFrame, options: pd.DataFrame | None, *, tested: bool, word: str
) -> pd.DataFrame:
    """Say how many customers of a segment the test wants for which offer.

    Where effects were `tested`, those of the plan (`options`, with contacts and gain),
    if it has any; else all of a segment, with the offer of the largest gain, or its own
    where there are no options. Raises TooLittle below `MIN_CUSTOMERS`.
    """
    if len(customers) < MIN_CUSTOMERS:
        raise TooLittle(
            f"A test needs {MIN_CUSTOMERS} customers in groups that can be shown (found: "
            f"{len(customers)})."
        )
    if options is None:
        sizes = customers["segment_id"].value_counts().sort_index()
        table = sizes.rename("contacts").reset_index()
        return table.assign(offer=f"the {word}'s offer")
    columns = ["segment_id", "offer", "contacts"]
    planned = options[options["contacts"] > 0]
    if tested and len(planned):
        return planned[columns]
    ranked = options.sort_values("gain", ascending=False).drop_duplicates("segment_id")
    return ranked.assign(contacts=ranked["customers"])[columns]


def invited(
    customers: pd.DataFrame, wanted: pd.DataFrame, *, seed: int
) -> pd.DataFrame:
    """Draw who is in a test: as many customers of a segment as each offer is `wanted` for.

    `wanted` has segment_id, offer and contacts; nobody gets two offers. Returns the rows
    of `customers` with their offer.
    """
    lots = customers.sort_values("customer_id").sample(frac=1, random_state=seed)
    lots["lot"] = lots.groupby("segment_id").cumcount()
    until = wanted.groupby("segment_id")["contacts"].cumsum()
    table = lots.merge(
        wanted.assign(since=until - wanted["contacts"], until=until), on="segment_id"
    )
    return table[(table["lot"] >= table["since"]) & (table["lot"] < table["until"])]


def draw(
    customers: pd.DataFrame, *, strata: Sequence[str], control_share: float, seed: int
) -> pd.DataFrame:
    """Draw who is left out of an offer, at random inside strata.

    Returns the rows, sorted by customer_id, with stratum (text) and arm ("treated" or
    "control"). Every customer has the same chance of control; a stratum's number is at
    most one off its share. Raises BadInput if a customer is there twice or the share
    leaves an arm empty.
    """
    twice = customers.loc[customers["customer_id"].duplicated(), "customer_id"]
    if len(twice):
        raise BadInput(
            f"Table customers: customer_id {twice.iloc[0]!r} is there twice. A test "
            "needs one row per customer."
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
    """Say which effect on a share a test of `customers` (both arms together) finds.

    The others are as for `customers_needed`; missing if even the largest is not found.
    """

    def short(effect: float) -> float:
        return customers_needed(rate=rate, effect=effect, **asked) - customers

    most = 1 - rate - 1e-9
    if most <= SMALLEST or short(most) > 0:
        return np.nan
    return float(optimize.brentq(short, SMALLEST, most, xtol=1e-6))


def smallest_effects(plan: pd.DataFrame, **asked: float) -> pd.DataFrame:
    """Say which effect a test (`draw`) finds, over all (segment 0, first) and by segment.

    `asked` are those of `min_effect`. Returns segment_id, customers, treated, control,
    effect.
    """
    table = pd.crosstab(plan["segment_id"], plan["arm"])
    table = table.reindex(columns=["treated", "control"], fill_value=0)
    table = pd.concat([table.sum().to_frame(0).T, table])
    table.insert(0, "customers", table.sum(axis=1))
    effects = [min_effect(customers=n, **asked) for n in table["customers"]]
    return table.assign(effect=effects).rename_axis("segment_id").reset_index()


def cost(plan: pd.DataFrame, options: pd.DataFrame | None) -> float | None:
    """Add up what contacting the treated costs; None if unknown, or of few in an arm."""
    arms = pd.crosstab(plan["segment_id"], plan["arm"])
    if options is None or arms.min(axis=None) < MIN_CELL:
        return None
    treated = plan[plan["arm"] == "treated"]
    return treated.merge(options, on=["segment_id", "offer"])["cost_cents"].sum() / 100


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
    `method`), treated, control (customers), or raises TooLittle if an arm is empty.
    """
    if plan["arm"].nunique() < 2:
        raise TooLittle("The test cannot be read out: one of its arms is empty.")
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
