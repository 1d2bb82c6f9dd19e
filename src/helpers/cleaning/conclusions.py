"""Choose what the cleaned tables allow to be said, each claim where numbers bear it."""

import pandas as pd

from helpers.core.schema import APART, UNCLASSIFIED
from helpers.disclosure import suppression
from helpers.display import words

STEADY = 0.25  # distance from the mean up to which orders per week are called steady
LARGE = 0.05  # share of sales from which a customer moves every mean


def clock(zones: pd.DataFrame, *, zone: str) -> dict[str, object]:
    """Conclude from `time_zone_evidence` whether the run's zone fits best, and alone."""
    fits = zones.set_index("zone")[["redemptions_met", "week_agrees"]]
    rest = fits.drop(zone)
    other = fits.index[0] if fits.index[0] != zone else rest.index[0]
    alone = (rest.sum(axis=1) < fits.loc[zone].sum()).all()
    return words.finding(
        f"clock-{'alone' if alone else 'alike'}",
        zone=zone,
        met=fits.loc[zone, "redemptions_met"],
        week=fits.loc[zone, "week_agrees"],
        other=other,
        other_met=fits.loc[other, "redemptions_met"],
    )


def usable(steps: pd.DataFrame, *, shown: pd.DataFrame) -> dict[str, object]:
    """Conclude how many lines are fit for use, and what was set aside with the others."""
    start, clean, gone = steps.iloc[0], steps.iloc[-1], steps.iloc[1:-1]
    rejected = int(start["lines"] - clean["lines"])
    withheld = shown["sales_cents"].iloc[0] == suppression.WITHHELD
    whole = clean["sales_cents"] == start["sales_cents"] and not withheld
    worth = "coupons" if "coupon_cents" in shown else "sales"
    return words.finding(
        "usable",
        branch="whole" if whole else "part",
        limit="none" if not rejected else "withheld" if withheld else worth,
        share=clean["lines"] / start["lines"],
        received=int(start["lines"]),
        rejected=rejected,
        reasons=", ".join(
            f"{r.step} {-r.lines:,}" for r in gone.itertuples() if r.lines
        ),
        **{name: int(clean[name]) for name in ("lines", "orders", "customers")},
        sales=clean["sales_cents"] / 100,
        gone="withheld" if withheld else 0 - gone["sales_cents"].sum() / 100,
        coupons="withheld" if withheld else 0 - gone["coupon_cents"].sum() / 100,
    )


def dominance(shares: pd.Series, *, sales: float, customers: int) -> str:
    """Say whether one customer dominates sales: `shares` of ten, the largest first."""
    held = shares.iloc[0] if sales > 0 else 0.0
    return words.say(
        "dominance",
        branch="nothing" if sales <= 0 else "large" if held >= LARGE else "small",
        sales=sales,
        largest=suppression.roughly(held),
        ten=shares.sum() if customers >= 20 else None,
    )


def needs(table: pd.DataFrame) -> str:
    """Give a title to sales by need, guarded, the largest first."""
    share = suppression.numbers(table["share_sales"]).iloc[0]
    shown = suppression.numbers(table["sales"]).notna().iloc[0] and share > 0
    need = str(table["need_state"].iloc[0]).replace("_", " ").capitalize()
    branch = "largest" if shown and len(table) > 1 else "plain"
    return words.say("needs-title", branch=branch, need=need, share=share)


def goods(table: pd.DataFrame, *, sales: float) -> str:
    """Say what goods were sold for, and what part of sales has no need."""
    apart = suppression.numbers(table["sales"])[table["need_state"].isin(APART)]
    shares = suppression.numbers(table["share_sales"])
    unknown = shares[table["need_state"] == UNCLASSIFIED].sum(skipna=False)
    return words.say(
        "goods",
        branch="withheld"
        if apart.isna().any()
        else "known"
        if sales > 0
        else "nothing",
        unknown=unknown,
        goods=sales - apart.sum(),
    )


def weeks(orders: pd.Series) -> str:
    """Give a title to the orders of full weeks: steady or not."""
    away = orders.div(orders.mean()).sub(1).abs().max()
    branch = "steady" if away <= STEADY else "moving"
    return words.say("weeks-title", branch=branch, away=away)


def first_seen(days: pd.Series) -> str:
    """Say whether starts are seen, by the day on which each customer first appears."""
    spread = days.max() - days.min()
    early = (days < days.min() + spread / 4).sum()
    branch = "already" if early > 0.8 * len(days) else "later"
    return words.say(
        "first-seen",
        branch="short" if spread.days < 4 else branch,
        days=spread.days + 1,
        share=suppression.customers(early, of=len(days)).capitalize(),
    )
