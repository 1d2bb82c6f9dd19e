"""Say what the evidence on groups allows, each claim only where its numbers bear it."""

from collections.abc import Mapping

import pandas as pd

from helpers.clustering.criteria import NOT_LOOKED_FOR
from helpers.clustering.model import TOO_LITTLE
from helpers.core import paths
from helpers.disclosure.suppression import part
from helpers.display import evidence
from helpers.features.labels import say
from helpers.personas import lasting
from helpers.personas.naming import listed

Finding = dict[str, str]
_EMPTY = dict.fromkeys(["decision", "size", "uncertainty", "action", "limit"], "")
_WORDS = paths.beside(__file__, "conclusions.yaml")
_GRADES = {word.replace(" ", "_"): word for word in evidence.WORDS}
# Gap in worth between tiers, over that between segments, from which it is far more.
FAR = 2.0


def _finding(subject: str, branch: str, **facts: object) -> Finding:
    """Put facts in the words that a branch has for them."""
    words = _EMPTY | _WORDS[subject]["always"] | _WORDS[subject][branch]
    return {part: text.format(**_GRADES, **facts) for part, text in words.items()}


def lasts(
    worth: pd.DataFrame, *, hidden: Mapping[str, bool]
) -> tuple[bool | None, str]:
    """Say whether the class that was put first before is worth more later.

    `worth` comes from `profiles.holdout_worth`, that class first; `hidden` says which
    must not be shown. True if the 95 % interval of its share of later sales lies above
    its share of customers; None where that cannot be told, with the reason as half a
    sentence.
    """
    if len(worth) < 2:
        return None, f"all customers are {worth.index[0]}"
    if hidden[worth.index[0]]:
        return None, f"what {worth.index[0]} customers are worth must not be shown"
    first = worth.iloc[0]
    if pd.isna(first["low"]):
        return None, "too little was sold later"
    return bool(first["low"] > first["share_customers"]), ""


def no_groups(decided: Mapping[str, object]) -> Finding:
    """Conclude that no needs segments are handed on, by decision.json: verdict and why."""
    unasked = decided["verdict"] == NOT_LOOKED_FOR
    why = " ".join(decided.get("against") or [decided["why"]])
    return _finding("no_groups", "not looked for" if unasked else "none found", why=why)


def offers(told: pd.DataFrame, *, held: pd.DataFrame, goods: bool = True) -> Finding:
    """Conclude to plan offers, or service, by segment.

    `told`: name, share_customers, share_sales, recovery, dissolved of segments that may
    be shown; `held`: how many of their marks last, beside rivals (`lasting.counted`);
    `goods`: whether segments differ in what they buy, and not only in how.
    """
    own = lasting.own(held)
    number = _count(len(told), "needs segment")
    found = told.dropna(subset=["recovery"])
    sure = "How surely segments are found again was not measured. "
    if len(found) == 1:
        only = found.iloc[0]
        sure = f"{only['name']} is found again by {only['recovery']:.2f}. "
    elif len(found):
        firm = found.loc[found["recovery"].idxmax()]
        weak = found.loc[found["recovery"].idxmin()]
        sure = (
            f"{firm['name']} is found again most surely ({firm['recovery']:.2f}), "
            f"{weak['name']} least ({weak['recovery']:.2f}; dissolved in "
            f"{weak['dissolved']:.0%} of resampled studies). "
        )
    sizes = [
        f"{row['name']} {row['share_customers']:.0%} of customers"
        + _of_sales(row["share_sales"], ", ")
        for _, row in told.iterrows()
    ]
    concluded = _finding(
        "offers",
        "goods" if goods else "habits",
        number=number,
        names=listed(told["name"]),
        sizes="; ".join(sizes),
        sure=sure,
        lasting=lasting.said(held),
    )
    if own["marks"] and not own["lasting"]:
        untested = "Test before anything else: what marked the segments did not last."
        concluded["action"] = untested
    return concluded


def value(
    tiers: pd.DataFrame,
    worth: pd.DataFrame,
    *,
    judged: tuple[bool | None, str],
    symbol: str,
    told: pd.DataFrame | None = None,
) -> Finding:
    """Conclude whether to spend by value tier.

    `tiers` may be shown, the best first: customers, sales, share_customers,
    share_sales; `worth` is their `profiles.holdout_worth`, `judged` the output of
    `lasts`; `told` is as for `offers`, with sales_per_customer, low and high; None
    without segments.
    """
    held, why = judged
    each = tiers["sales"] / tiers["customers"]
    size = beside = ""
    if len(tiers):
        size = (
            f"The {tiers.index[0]} tier is {tiers['share_customers'].iloc[0]:.0%} of customers"
            + _of_sales(tiers["share_sales"].iloc[0], " and ")
            + f": {symbol}{each.iloc[0]:,.0f} a customer"
        )
        if len(tiers) > 1:
            size += (
                f" against {symbol}{each.iloc[-1]:,.0f} in the {tiers.index[-1]} tier"
            )
        size += "."
    far = False
    # Of segments whose money is one customer's for the most part nothing is said.
    shown = () if told is None else told.dropna(subset=["sales_per_customer", "low"])
    if len(shown) > 1:
        between = shown["sales_per_customer"]
        far = each.max() - each.min() >= FAR * (between.max() - between.min())
        size += (
            f" Between needs segments it runs from {symbol}{between.min():,.0f} to "
            f"{symbol}{between.max():,.0f}."
        )
        most = shown.loc[between.idxmax()]
        beside = (
            f" {most['name']}: {symbol}{most['low']:,.0f} to {symbol}{most['high']:,.0f} "
            "a customer before."
        )
    if held is None:
        return _finding("value", "untold", size=size, why=why)
    top = worth.iloc[0]
    reason = "it separates worth far more than needs segments do, and it lasts"
    return _finding(
        "value",
        "last" if held else "did not last",
        size=size,
        reason=reason if far else "it lasts",
        later=f"{top['share_later']:.0%} of sales (95 % interval {top['low']:.0%} to "
        f"{top['high']:.0%})",
        beside=beside,
        within=" in every segment" if told is not None else "",
    )


def activity(
    worth: pd.DataFrame, *, hidden: Mapping[str, bool], symbol: str
) -> Finding:
    """Conclude whether activity tells who buys on; the tables are as for `lasts`."""
    held, why = lasts(worth, hidden=hidden)
    shown = worth[[not hidden[name] for name in worth.index]]
    sold = (worth["holdout_sales"] != 0).any()
    size = "; ".join(
        f"{name}: {row['customers']:,.0f} customers"
        + (f", {symbol}{row['holdout_per_customer']:,.0f} each later" if sold else "")
        for name, row in shown.iterrows()
        if name != TOO_LITTLE
    )
    size = f"{size[:1].upper()}{size[1:]}." if size else ""
    if held is None:
        return _finding("activity", "untold", size=size, why=why)
    first = worth.iloc[0]
    return _finding(
        "activity",
        "tells" if held else "tells nothing",
        size=size,
        later=f"{first['share_later']:.0%} of later sales came from customers who were "
        f"{worth.index[0]} (95 % interval {first['low']:.0%} to {first['high']:.0%}); they "
        f"are {first['share_customers']:.0%} of customers.",
        remind=remind(shown["holdout_sales"].to_dict().get("slowing")),
    )


def remind(holdout_sales: float | None) -> str:
    """Say what to do with the slowing; None where they are too few to be shown."""
    if holdout_sales is None:
        return "Leave customers be: too few are slowing to try anything on."
    if holdout_sales > 0:
        return "Test a reminder on a random half of those who are slowing."
    return "Do not write to those who are slowing: none of them bought again."


def rest(holdout_sales: float | None) -> str:
    """Say how to treat customers with too little data, by their sales after the window."""
    if holdout_sales is None or not holdout_sales > 0:
        return "Leave them be until there are more orders to tell them apart by."
    return "Treat by activity: remind those who are slowing, leave the others be."


def rule_card(
    first: pd.DataFrame | None,
    agreement: pd.DataFrame | None,
    by_segment: pd.DataFrame | None,
) -> Finding:
    """Conclude whether a CRM may type customers by rules.

    `first`: field of the golden questions; `agreement`: `rules.agreement` of each set
    of rules, the card's last, None where rules cannot be judged; `by_segment`: of
    `rules.agreement_by_segment`, None where the card is withdrawn.
    """
    if agreement is None:
        return _finding("rule_card", "cannot be judged")
    whole, crm = agreement.iloc[-1], agreement.iloc[0]
    judged = {
        "size": f"give {whole['agreement']:.0%} of customers their own segment; CRM "
        f"fields alone {crm['agreement']:.0%}, always the largest {whole['majority']:.0%}.",
        "between": f"{whole['low']:.0%} to {whole['high']:.0%}, on customers left out.",
    }
    if by_segment is None:
        return _finding("rule_card", "no better", **judged)
    return _finding(
        "rule_card",
        "works",
        **judged,
        number=_count(len(first), "need"),
        needs=", ".join(map(say, first["field"])),
        least=by_segment["recall"].min(),
        most=by_segment["recall"].max(),
    )


def attributes(
    related: pd.DataFrame,
    shares: pd.DataFrame,
    covered: pd.DataFrame,
    *,
    distinct: int,
) -> Finding:
    """Conclude how far segments stand for attributes they were not built from.

    The tables are those of `fairness` (`shares` with shown); `distinct` counts the
    shares that may be shown and differ from that of all known.
    """
    if related.empty:
        return _finding("attributes", "untold")
    strongest = related.loc[related["cramers_v"].idxmax()]
    apart = distinct > 0 or strongest["low"] > 0
    known = [
        part(round(share * size), of=size)
        for share, size in zip(covered["coverage"], covered["customers"], strict=True)
    ]
    whom = (
        f"{known[0]} of the customers with the least sales and {known[-1]} of those with the most"
        if len(known) > 1
        else f"{known[0]} of the customers"
    )
    return _finding(
        "attributes",
        "differ" if apart else "do not differ",
        size=f"{distinct} of {shares['shown'].sum()} shares of attributes that may be shown "
        "differ by segment beyond a simultaneous interval."
        if shares["shown"].any()
        else "Groups are too small to show an attribute by segment.",
        strongest=f"Strongest association: {say(strongest['attribute'])}, V = "
        f"{strongest['cramers_v']:.2f}.",
        known=f"{strongest['low']:.2f} to {strongest['high']:.2f}; attributes are known for "
        f"{whom}.",
    )


def answer(
    decided: Mapping[str, object],
    *,
    segments: int,
    judged: tuple[bool | None, str],
    goods: bool = True,
) -> str:
    """Answer the study's question in a sentence or two.

    `decided` is decision.json, `segments` how many are handed on, `judged` the output
    of `lasts` for value tiers; `goods` is as for `offers`.
    """
    held, why = judged
    spend = {
        True: "value tiers say where to spend",
        False: "value tiers did not last, so they do not say where to spend",
        None: f"whether value tiers say where to spend could not be told, since {why}",
    }[held]
    if not segments:
        unasked = decided["verdict"] == NOT_LOOKED_FOR
        found = "We did not look for groups of needs. " if unasked else ""
        return f"{found}{decided['why']} {spend[:1].upper()}{spend[1:]}."
    number = _count(segments, "needs segment")
    return (
        f"Customers fall into {number} that stand apart: they say"
        if decided["verdict"] == "natural"
        else f"Customers form a continuum. Cut into {number}, it says"
    ) + f" {'what to offer' if goods else 'how customers buy'}; {spend}."


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


def _of_sales(share: float, before: str) -> str:
    """Say a share of sales; nothing where all sales are nothing, or a loss."""
    return f"{before}{share:.0%} of sales" if pd.notna(share) else ""
