"""Choose what the evidence on groups allows to be said: a tested branch for each claim."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.clustering.criteria import NOT_LOOKED_FOR
from helpers.clustering.model import TOO_LITTLE
from helpers.disclosure.suppression import part
from helpers.display import words
from helpers.features.labels import say
from helpers.personas import lasting
from helpers.personas.naming import facts, listed

Finding = dict[str, Any]
# Gap in worth between tiers, over that between segments, from which it is far more.
FAR = 2.0


def lasts(
    worth: pd.DataFrame, *, hidden: Mapping[str, bool]
) -> tuple[bool | None, str]:
    """Say whether the class that was put first before is worth more later.

    `worth` comes from `profiles.holdout_worth`, that class first; `hidden` says which
    must not be shown. True if the 95% interval of its share of later sales lies above
    its share of customers; None where that is not known, with the reason as half a
    sentence.
    """
    first = worth.iloc[0]
    why = ""
    if len(worth) < 2:
        why = "one"
    elif hidden[worth.index[0]]:
        why = "few"
    elif pd.isna(first["low"]):
        why = "unsold"
    if why:
        return None, words.say("personas-not-judged", why=why, first=worth.index[0])
    return bool(first["low"] > first["share_customers"]), ""


def no_groups(decided: Mapping[str, Any]) -> Finding:
    """Conclude that no needs segments are handed on, by decision.json: verdict and why."""
    branch = "unasked" if decided["verdict"] == NOT_LOOKED_FOR else "none"
    why = " ".join(decided.get("against") or [decided["why"]])
    return words.finding(f"personas-groups-{branch}", why=why)


def offers(
    segments: pd.DataFrame, *, held: pd.DataFrame, goods: bool = True
) -> Finding:
    """Conclude to plan offers, or service, by segment.

    `segments`: name, share_customers, share_sales, recovery, dissolved of those that
    may be shown; `held`: how many of their marks last, beside rivals
    (`lasting.counted`); `goods`: whether segments differ in what they buy, and not only
    in how.
    """
    own = lasting.own(held)
    sizes = [words.say("personas-size", **facts(row)) for _, row in segments.iterrows()]
    return words.finding(
        f"personas-offers-{'goods' if goods else 'habits'}",
        branch="fade" if own["marks"] and not own["lasting"] else "go",
        number=len(segments),
        names=listed(segments["name"]),
        sizes="; ".join(sizes),
        reliable=reliable(segments.dropna(subset=["recovery"])),
        lasting=lasting.said(held),
    )


def reliable(measured: pd.DataFrame) -> str:
    """Say how well segments come back, from the least to the most."""
    if measured.empty:
        return words.say("personas-reliable", branch="unknown")
    best = measured.loc[measured["recovery"].idxmax()]
    worst = measured.loc[measured["recovery"].idxmin()]
    alike = f"{best['recovery']:.0%}" == f"{worst['recovery']:.0%}"
    return words.say(
        "personas-reliable",
        branch="one" if len(measured) == 1 else "alike" if alike else "apart",
        best=best["name"],
        most=best["recovery"],
        worst=worst["name"],
        least=worst["recovery"],
        dissolved=worst["dissolved"],
    )


def value(
    tiers: pd.DataFrame,
    worth: pd.DataFrame,
    *,
    judged: tuple[bool | None, str],
    segments: pd.DataFrame | None = None,
) -> Finding:
    """Conclude whether to spend by value tier.

    `tiers` may be shown, the best first: customers, sales, share_customers,
    share_sales; `worth` is their `profiles.holdout_worth`, `judged` the output of
    `lasts`; `segments` is as for `offers`, with sales_per_customer, low and high; None
    without segments.
    """
    held, why = judged
    each = tiers["sales"] / tiers["customers"]
    size = [_tiers_size(tiers, each)] if len(tiers) else []
    far, between = False, ""
    # Of segments whose money is one customer's for the most part nothing is said.
    rows = pd.DataFrame() if segments is None else segments
    rows = rows.dropna(subset=rows.columns.intersection(["sales_per_customer", "low"]))
    if len(rows) > 1:
        sales = rows["sales_per_customer"]
        far = each.max() - each.min() >= FAR * (sales.max() - sales.min())
        least, most = sales.min(), sales.max()
        size.append(words.say("personas-between-sales", least=least, most=most))
        top = rows.loc[sales.idxmax()]
        between = words.say("personas-between-interval", **facts(top))
    if held is None:
        return words.finding("personas-tiers-unknown", size=" ".join(size), why=why)
    return words.finding(
        f"personas-tiers-{'last' if held else 'fade'}",
        **facts(worth.iloc[0]),
        size=" ".join(size),
        far=bool(far),
        between=between,
        segments=segments is not None,
    )


def _tiers_size(tiers: pd.DataFrame, each: pd.Series) -> str:
    other = tiers.index[-1] if len(tiers) > 1 else None
    said = {"top": tiers.index[0], "each": each.iloc[0]}
    said |= {"other": other, "least": each.iloc[-1]}
    return words.say("personas-tiers-size", **facts(tiers.iloc[0]), **said)


def activity(worth: pd.DataFrame, *, hidden: Mapping[str, bool]) -> Finding:
    """Conclude whether activity predicts who buys on; the tables are as for `lasts`."""
    held, why = lasts(worth, hidden=hidden)
    shown = worth[[not hidden[name] for name in worth.index]]
    sold = bool((worth["holdout_sales"] != 0).any())
    sizes = [
        words.say("personas-activity-size", name=name, sold=sold, **facts(row))
        for name, row in shown.iterrows()
        if name != TOO_LITTLE
    ]
    size = "; ".join(sizes)
    size = f"{size[:1].upper()}{size[1:]}." if size else ""
    if held is None:
        return words.finding("personas-activity-unknown", size=size, why=why)
    first = facts(worth.iloc[0])
    later = words.say("personas-activity-later", name=worth.index[0], **first)
    return words.finding(
        f"personas-activity-{'lasts' if held else 'fades'}",
        size=size,
        later=later,
        slowing=_slowing(shown["holdout_sales"].to_dict().get("slowing")),
    )


def _slowing(holdout_sales: float | None) -> str:
    """Name what the slowing did later; few where they must not be shown."""
    if holdout_sales is None:
        return "few"
    return "buying" if holdout_sales > 0 else "silent"


def rest(holdout_sales: float | None) -> str:
    """Say how to treat customers with too little data, by sales of the slowing later."""
    buying = _slowing(holdout_sales) == "buying"
    return words.say("personas-action", branch="remind" if buying else "wait")


def rule_card(
    first: pd.DataFrame | None,
    agreement: pd.DataFrame | None,
    by_segment: pd.DataFrame | None,
) -> Finding:
    """Conclude whether a CRM may assign customers by rules.

    `first`: field of the golden questions; `agreement`: `rules.agreement` of each set
    of rules, the card's last, None where rules cannot be judged; `by_segment`: of
    `rules.agreement_by_segment`, None where the card is withdrawn.
    """
    if agreement is None:
        return words.finding("personas-rules-unjudged")
    card = agreement.iloc[-1]
    judged = {name: card[name] for name in ("agreement", "majority", "low", "high")}
    judged["crm"] = agreement["agreement"].iloc[0]
    if by_segment is None or first is None:
        return words.finding("personas-rules-no-better", **judged)
    return words.finding(
        "personas-rules-work",
        **judged,
        number=len(first),
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
        return words.finding("personas-attributes-unknown")
    strongest = related.loc[related["cramers_v"].idxmax()]
    apart = distinct > 0 or strongest["low"] > 0
    known = [
        part(round(share * size), of=size)
        for share, size in zip(covered["coverage"], covered["customers"], strict=True)
    ]
    most = known[-1] if len(known) > 1 else None
    return words.finding(
        f"personas-attributes-{'differ' if apart else 'alike'}",
        distinct=distinct,
        shown=int(shares["shown"].sum()),
        strongest=say(strongest["attribute"]),
        v=strongest["cramers_v"],
        low=strongest["low"],
        high=strongest["high"],
        known=words.say("personas-attributes-known", least=known[0], most=most),
    )


def answer(
    decided: Mapping[str, Any],
    *,
    segments: int,
    judged: tuple[bool | None, str],
    goods: bool = True,
) -> str:
    """Answer the study's question in two or three sentences.

    `decided` is decision.json, `segments` how many are handed on, `judged` the output
    of `lasts` for value tiers; `goods` is as for `offers`.
    """
    held, why = judged
    groups = "natural" if decided["verdict"] == "natural" else "cut"
    if not segments:
        groups = "unasked" if decided["verdict"] == NOT_LOOKED_FOR else "none"
    return words.say(
        "personas-answer",
        groups=groups,
        number=segments,
        why=decided.get("why", ""),
        goods=goods,
        tiers="unknown" if held is None else "last" if held else "fade",
        untried=why,
    )
