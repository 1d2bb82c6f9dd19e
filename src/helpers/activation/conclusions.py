"""Conclude from the tables on offers, service, campaigns, budget and test, in a finding."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers.activation import campaigns, offers
from helpers.disclosure.suppression import MIN_CELL, many
from helpers.display import evidence, tables, words
from helpers.display.findings import Finding

ENDS = ["low", "high"]


def next_item(judged: pd.DataFrame, verdicts: pd.DataFrame) -> Finding:
    """Conclude how to choose the next item, by `offers.tellable` and `verdicts`."""
    best = offers.choice(verdicts)
    worse = verdicts.index[verdicts["verdict"] == offers.LOSES]
    n = verdicts["n"].get(best, 1)
    shown = judged[judged["n"] == (n if n in set(judged["n"]) else judged["n"].iloc[0])]
    rows = shown[["hit_rate", "way"]].to_dict("records")
    branch = "popularity" if best == offers.POPULARITY else "better"
    facts: dict[str, Any] = {"best": best}
    facts |= {"branch": f"{branch}-alone" if len(worse) else branch}
    facts |= {"worse": " or by ".join(worse), "n": shown["n"].iloc[0]}
    facts |= {"difference": verdicts["difference"].get(best, 0)}
    facts |= {"customers": int(judged["customers"].iloc[0])}
    hits = ", ".join(words.say("next-item-hits", **row) for row in rows)
    return words.finding("next-item", hits=hits, ways=ways(verdicts), **facts)


def ways(verdicts: pd.DataFrame) -> str:
    """Say how each way of recommending does beside popularity, wins first."""
    order = verdicts["verdict"].map(offers.VERDICTS.index).sort_values(kind="stable")
    rows = verdicts.loc[order.index].reset_index().to_dict("records")
    return " ".join(words.say(f"way-{row['verdict']}", **row) for row in rows)


def own_items(
    own: pd.DataFrame, verdicts: pd.DataFrame | None, names: Mapping, **said: object
) -> Finding:
    """Conclude what `offers.own` are good for; no `verdicts`: nothing was judged later."""
    rows = own.drop_duplicates("segment_id").to_dict("records")
    for row in rows:
        row |= {"name": names[row["segment_id"]], "item": offers.say(row["item"])}
    judged = None if verdicts is None else verdicts.loc[[offers.SEGMENT]]
    return words.finding(
        "own-items",
        verdict="unknown" if judged is None else judged["verdict"].iloc[0],
        items="; ".join(words.say("own-item", **row) for row in rows),
        ways=words.say("own-items-unjudged") if judged is None else ways(judged),
        untested=evidence.ASSUMED,
        tested=evidence.TESTED,
        **said,
    )


def service(
    tier: pd.Series, later: Mapping[str, float] | str, waits: pd.DataFrame | None
) -> Finding:
    """Conclude whether to serve the highest tier, a row of `service.tiers`, first.

    `later` compares its later sales with the others', or says why that cannot be;
    `waits` is of `service.waits`, None where nothing is recorded.
    """
    name, lasts = tier.name, False
    if isinstance(later, str):
        known = [later]
    else:
        lasts, each = later["low"] > 0, tier["holdout_sales"]
        known = [words.say("service-later", tier=name, each=each, **later)]
    if waits is not None:
        first = waits.loc[name]
        enough, ends = first["customers"] >= MIN_CELL, first[["lift", *ENDS]]
        known += [words.say("service-waits", tier=name, enough=enough, **ends)]
    branch = "lasts" if lasts else "unshown"
    branch = "most" if tier["share_customers"] > 0.5 else branch
    facts = {"tier": name, **tier[["share_customers", "share_sales"]]}
    return words.finding("service", branch=branch, known=" ".join(known), **facts)


def tested(
    effects: pd.DataFrame, names: Mapping[int, str], *, alpha: float, **said: str
) -> Finding:
    """Conclude whom to contact, from `campaigns.effects` that may be shown."""
    alone = effects["segment_id"] != campaigns.EVERYBODY
    alone &= effects["kind"] == campaigns.EVERY_KIND
    sure = effects[alone & (effects["p_adjusted"] < alpha)]
    sure = sure.assign(name=sure["segment_id"].map(names))
    gaining, losing = sure[sure["effect"] > 0], sure[sure["effect"] < 0]
    branch = "both" if len(losing) else "first"
    rows = sure[["name", "effect", *ENDS]].to_dict("records")
    whole = effects.iloc[0]
    return words.finding(
        "campaigns-tested",
        branch=branch if len(gaining) else "alone" if len(losing) else "none",
        change=whole["low"] > 0 or whole["high"] < 0,
        gaining=", ".join(gaining["name"]),
        losing=", ".join(losing["name"]),
        each=" ".join(words.say("effect-of", **row) for row in rows),
        p_value=tables.p_value(whole["p"]),
        sure=len(sure),
        groups=len(names),
        **whole[["effect", *ENDS]],
        **said,
    )


def answers(conversion: pd.DataFrame, *, few: bool) -> dict[str, Any]:
    """Say which kind of campaign gets most answers: branch best, few, none or one.

    `few` is whether a kind has so few answers that kinds must not be compared.
    """
    everyone, best = conversion.iloc[0], campaigns.standing_out(conversion)
    kinds = conversion.loc[conversion["segment_id"] == campaigns.EVERYBODY, "kind"]
    branch = "few" if few else "none" if best is None else "best"
    branch = branch if len(kinds) > 2 else "one"
    shown = everyone if best is None or branch != "best" else best
    whole = {"all": "rate", "all_low": "low", "all_high": "high"}
    facts: dict[str, Any] = {"branch": branch, **shown[["kind", "rate", *ENDS]]}
    return facts | {name: everyone[column] for name, column in whole.items()}


def untested(
    answered: Mapping[str, object], placebo: pd.DataFrame | None, **said: object
) -> Finding:
    """Conclude from campaigns whose effect was not tested; `answered` is of `answers`."""
    left_out = words.say("left-out", drawn=said["drawn"])
    known = words.say("placebo-none")
    if placebo is not None:
        known = words.say("placebo-said", left_out=left_out, **periods(placebo))
    said |= {"placebo": known, "left_out": left_out}
    return words.finding("campaigns-untested", **answered, **said)


def periods(placebo: pd.DataFrame) -> dict[str, Any]:
    """Give what differs in the campaign (now), one period before, and false alarms."""
    earlier = placebo[placebo["period"] < 0]
    false = (earlier["low"] > 0) | (earlier["high"] < 0)
    facts: dict[str, Any] = {"alarms": int(false.sum()), "periods": len(earlier)}
    for name, (_, row) in zip(("now", "before"), placebo.iterrows(), strict=False):
        ends = {f"{name}_{end}": row[end] for end in ENDS}
        facts |= {name: row["difference"]} | ends
    return facts


def plans(compared: pd.DataFrame, *, arms: bool) -> dict[str, Any]:
    """Say how the best plan, first of `budget.compare`, does beside the other ones.

    Branches: none (no contact pays), rule (another gains as much), unshown (it may gain
    less than nothing), assumed (so is what contacts cause: no `arms`) and shown.
    """
    best, rules = compared.iloc[0], compared.iloc[1:]
    pays = best["contacts"] > 0
    rules = rules if pays else rules.iloc[:-1]  # the last one is doing nothing
    rule = rules.sort_values("gain", kind="stable").iloc[-1]
    branch = "shown" if arms else "assumed"
    branch = "unshown" if best["low"] <= 0 else branch
    branch = "rule" if best["gain"] < rule["gain"] else branch
    branch = branch if pays and best["gain"] > 0 else "none"
    facts: dict[str, Any] = {"branch": branch, "pays": pays, "rule": rule["plan"]}
    return facts | {"rule_gain": rule["gain"], "ahead": best["gain"] - rule["gain"]}


def budget(compared: pd.DataFrame, *, arms: bool, **said: object) -> Finding:
    """Conclude how to spend a budget, from `budget.compare`."""
    facts = compared.iloc[0][["cost", "gain", *ENDS, "loss_chance", "regret"]]
    return words.finding("budget", **plans(compared, arms=arms), **facts, **said)


def test(found: pd.DataFrame, *, stated: float, needed: int, **said: object) -> Finding:
    """Conclude whether to run a test, from `experiments.smallest_effects`.

    `needed` are the customers that the `stated` effect (a share) needs.
    """
    whole, alone = found.iloc[0], found.iloc[1:]
    finds = np.isfinite(whole["effect"])
    branch = "enough" if whole["effect"] <= stated else "larger"
    facts: dict[str, Any] = {
        "branch": branch if finds else "nothing",
        "groups": len(alone),
    }
    facts |= {"smallest": 100 * whole["effect"] if finds else 0}
    facts |= {"stated": f"{100 * stated:g}", "needed": needed}
    facts |= {"enough": int((alone["customers"] >= needed).sum())}
    facts |= {"customers": int(whole["customers"])}
    facts |= {"control": many(int(whole["control"]))}
    return words.finding("test", **facts, **said)
