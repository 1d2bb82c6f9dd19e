"""Say what the customer's life allows, each claim only where its numbers bear it."""

import numpy as np
import pandas as pd

from helpers.disclosure import suppression
from helpers.disclosure.suppression import MIN_CELL, WITHHELD, many, part
from helpers.display import words
from helpers.features import labels
from helpers.lifecycle import clv, lifecycle_stages, retention
from helpers.lifecycle.lifecycle_stages import SILENT, STAGES, WELL

# The words stand in display/words/en/05_lifecycle_journey.ftl. Facts of a finding also
# serve the titles of its section; they hold nothing that a page may not show.
Finding = dict[str, object]
NONE = "none"  # a fact that there is not
NEAR_0 = 0.2  # largest rank correlation that counts as near 0


def standing(counts: pd.DataFrame) -> dict[str, object]:
    """Say of the last period how many buy as usual, are slowing and have lapsed.

    `counts` is of `lifecycle_stages.counts`; what its table withholds is "withheld".
    """
    now = counts.iloc[-1].reindex(STAGES, fill_value=0)
    hidden = suppression.withheld(counts).iloc[-1].reindex(STAGES, fill_value=False)
    facts = {"period": counts.index[-1]}
    for name, of in (("well", WELL), ("slowing", SILENT[:1]), ("lapsed", SILENT[1:])):
        number, shown = int(now[[*of]].sum()), not hidden[[*of]].any()
        facts[name] = many(number) if shown else WITHHELD
        facts[f"{name}_share"] = part(number, of=now.sum()) if shown else WITHHELD
    return facts


def stages(
    counts: pd.DataFrame,
    moves: pd.DataFrame | None,
    *,
    customers: int | str,
    starts_known: bool,
) -> Finding:
    """Conclude whom to write to; `moves` are None where too few were seen twice.

    `customers` were seen until then: their number, or "withheld".
    """
    branch, lapsing, returning, back = "unknown", None, None, dict.fromkeys(SILENT)
    if moves is not None:
        known = moves.dropna(subset=["segment_id"])
        branch = lifecycle_stages.win_back(known, now=counts.iloc[-1])
        lapsing = lifecycle_stages.rate(moves, ["active"], ["lapsed"])
        returning = lifecycle_stages.rate(known, SILENT, WELL)
        back = {name: lifecycle_stages.rate(known, [name], WELL) for name in SILENT}
    return words.finding(
        "stages",
        branch=branch,
        ever=returning is not None and returning["share"] > 0,
        customers=customers,
        starts_known=starts_known,
        **standing(counts),
        **_rate("lapsing", lapsing, form="{:.1%}"),
        **_rate("returning", returning, form="{:.0%}"),
        **_rate("slowing_back", back["slowing"], form="{:.0%}"),
        **_rate("lapsed_back", back["lapsed"], form="{:.0%}"),
    )


def _rate(name: str, found: pd.Series | None, *, form: str) -> dict[str, object]:
    """Say a rate of moves and, unless it is of few customers or all but few, its ends."""
    if found is None:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), NONE)
    sure = min(found["hits"], found["moves"] - found["hits"]) >= MIN_CELL
    return {
        name: part(found["hits"], of=found["moves"], form=form).capitalize(),
        f"{name}_low": found["low"] if sure else NONE,
        f"{name}_high": found["high"] if sure else NONE,
    }


def last_moves(moves: pd.DataFrame) -> dict[str, object]:
    """Say what part of the active went on and of the lapsed came back; few are untold."""
    went = moves.assign(well=moves["next_stage"].isin(WELL)).groupby("stage")["well"]
    few = pd.concat([went.sum(), went.size() - went.sum()], axis=1)
    sure = (went.size() >= MIN_CELL) & ~few.isin(range(1, MIN_CELL)).any(axis=1)
    share = went.mean()[sure].map("{:.0%}".format)
    return {"stay": share.get("active", NONE), "back": share.get("lapsed", NONE)}


def went_silent(ways: pd.DataFrame, names: dict[int, str]) -> Finding:
    """Say which group went silent more often than another, if intervals lie apart.

    `ways` is the guarded table of `lifecycle_stages.ways`; only groups in `names` count.
    """
    columns = ["share_away", "share_away_low", "share_away_high"]
    table = ways.set_index("segment_id")[columns]
    table = table[table.index.isin(list(names))].apply(suppression.numbers).dropna()
    table.columns = ["share", "low", "high"]
    if table.empty or table["low"].max() <= table["high"].min():
        return {"more": NONE}
    ends = {"more": table["low"].idxmax(), "less": table["high"].idxmin()}
    shares = {f"{end}_{c}": table.loc[i, c] for end, i in ends.items() for c in table}
    return {end: names[i] for end, i in ends.items()} | shares


def who_stays(
    ends: pd.DataFrame,
    p_alike: float,
    similar: tuple[float, pd.Series],
    *,
    alpha: float,
    **facts: object,
) -> Finding:
    """Conclude whether groups lapse at different rates.

    `ends`: segment_id, segment (name), retained, low, high of those that may be shown,
    the best first; `similar` is of `lifecycle_stages.at_similar_gaps`; `facts` are the
    word for a group, the days and those of :func:`went_silent`.
    """
    p_similar, excess = similar
    best, worst = ends.iloc[0], ends.iloc[-1]
    branch = "alike" if len(ends) > 1 else "one"
    if len(ends) > 1 and p_alike < alpha:
        holds = excess[best["segment_id"]] < 0 < excess[worst["segment_id"]]
        branch = "pace" if p_similar >= alpha else "differ" if holds else "others"
    sides = {"best": best, "worst": worst}
    columns = ("segment", "retained", "low", "high")
    return words.finding(
        "who-stays",
        branch=branch,
        **facts,
        p_alike=_p(p_alike),
        p_similar=_p(p_similar),
        **{f"{end}_{c}": row[c] for end, row in sides.items() for c in columns},
    )


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def unrelated(tied: float) -> str:
    """Judge the correlation of number and size of purchases by `NEAR_0`."""
    branch = NONE if np.isnan(tied) else "near" if abs(tied) <= NEAR_0 else "far"
    return words.say("unrelated", branch=branch, correlation=tied)


def misses(scores: pd.DataFrame) -> dict[str, object]:
    """Say how far model and naive rate miss what came, from `clv.scores`."""
    rows = scores.set_index("forecast")
    gap = rows.reindex(["difference"]).fillna(0).iloc[0]
    return {
        "branch": clv.verdict(scores).replace(" ", "-"),
        "model": rows["error"].get("model", NONE),
        **rows.loc["naive", ["error", "low", "high"]].add_prefix("naive_"),
        **gap[["error", "low", "high"]].add_prefix("gap_"),
    }


def value(scores: pd.DataFrame, lifetime: pd.DataFrame, *, weeks: int) -> Finding:
    """Conclude whether to rank customers by the model of their value."""
    share = clv.tenth(lifetime["value"])
    tenth = NONE if pd.isna(share) else share
    return words.finding("value", **misses(scores), tenth=tenth, weeks=weeks)


def contacts(judged: pd.DataFrame) -> Finding:
    """Conclude what follows a touchpoint, from `touchpoints.judged`."""
    unlike = judged[judged["verdict"] == "not comparable"]
    unlike = unlike.sort_values("check", key=abs, ascending=False)
    changed = judged[judged["verdict"].isin(["more", "less"])]
    compared, alone = len(judged) - len(unlike), 1 - judged["matched"].median()
    first = unlike.iloc[0] if len(unlike) else dict.fromkeys(judged, NONE)
    said = [
        words.say("contact-change", name=row.touchpoint, low=row.low, high=row.high)
        for row in judged.head(3).itertuples()
    ]
    counts = {"compared": compared, "changed": len(changed), "unlike": len(unlike)}
    return words.finding(
        "contacts",
        branch="some" if len(changed) else "none" if compared else "not-compared",
        **counts,
        names=", ".join(changed["touchpoint"].head(4)),
        first=first["touchpoint"],
        first_low=first["check_low"],
        first_high=first["check_high"],
        changes="; ".join(said),
        alone=alone if alone >= 0.05 else NONE,
    )


def revenue(year: pd.Series) -> dict[str, object]:
    """Say how recurring revenue changed, from a row of `retention.revenue_bridge`."""
    if not year["opening"]:
        return {"branch": "began", "change": NONE}
    change = year["closing"] / year["opening"] - 1
    branch = "same" if abs(change) < 0.0005 else "grew" if change > 0 else "fell"
    return {"branch": branch, "change": abs(change)}


def renewal(
    ended: pd.DataFrame,
    driven: pd.DataFrame | None,
    attitudes: pd.DataFrame | None,
    *,
    alpha: float,
) -> Finding:
    """Conclude what goes with renewal; without `driven` only how many renew.

    `ended` are the contracts whose end is known, `driven` is of
    `retention.renewal_drivers`, `attitudes` are renewal rates by attitude.
    """
    rate = retention.renewal_rates(ended.assign(all=True), by="all").iloc[0]
    facts = {
        "branch": "unknown",
        "contracts": len(ended),
        "renewed": part(rate["renewed"], of=rate["contracts"]),
        **rate[["low", "high"]],
    }
    if driven is None:
        return words.finding("renewal-rate", **facts)
    clear = driven[driven["p"] < alpha]
    worse = {*clear.loc[clear["log_odds"] < 0, "driver"]}
    faster = {"response_hours", "return_share"} <= worse
    sure = (driven["log_odds"] / (driven["high"] - driven["low"])).abs()
    strongest = driven.loc[sure.fillna(-1).idxmax()]
    facts["branch"] = "faster" if faster else "some" if len(clear) else "nothing"
    by_attitude = {} if attitudes is None else attitudes.set_index("attitude").T
    for name in ("promoter", "detractor"):
        own = by_attitude.get(name, {"contracts": 0})
        enough = own["contracts"] >= MIN_CELL
        facts[name] = part(own["renewed"], of=own["contracts"]) if enough else NONE
    each = [
        words.say("renewal-driver", unit=row.unit, odds=row.odds_ratio)
        for row in driven.itertuples()
    ]
    return words.finding(
        "renewal",
        **facts,
        clear=len(clear),
        drivers=len(driven),
        each="; ".join(each),
        strongest=strongest["unit"],
        odds_low=np.exp(strongest["low"]),
        odds_high=np.exp(strongest["high"]),
        answers="response_hours" in {*driven["driver"]},
    )


def satisfaction(scores: pd.DataFrame, everyone: pd.Series, *, group: str) -> Finding:
    """Conclude whose satisfaction to ask about, from `retention.promoter_scores`."""
    large = scores[scores["customers"] >= MIN_CELL].sort_values("score")
    unlike = len(large) > 1 and large["high"].iloc[0] < large["low"].iloc[-1]
    return words.finding(
        "satisfaction",
        branch="unlike" if unlike else "alike",
        group=group,
        lowest=large["segment"].iloc[0] if unlike else NONE,
        **everyone[["score", "customers", "low", "high"]],
    )


def traits(ranking: pd.DataFrame, traits: pd.DataFrame, *, slope: float) -> Finding:
    """Conclude whether who stays can be predicted, and what is typical of them.

    `ranking` is of `retention.discrimination`, `slope` the forecast's calibration.
    """
    whole, top = ranking.iloc[0], traits.iloc[0]
    apart = (traits["low"] > 0) | (traits["high"] < 0)
    forecast = "fits" if abs(slope - 1) < 0.3 else "off"
    direction = "high" if top["difference"] > 0 else "low"
    return words.finding(
        "traits",
        branch=retention.predicts(ranking),
        forecast="chance" if whole["low"] <= 0.5 else forecast,
        **whole[["auc", "low", "high", "gain_low", "gain_high"]],
        alone=ranking["auc"].iloc[-1],
        typical=direction if apart.any() else NONE,
        feature=labels.say(top["feature"])[:60],
    )


def too_early(
    days: pd.DataFrame, *, first: pd.Timestamp, last: pd.Timestamp
) -> Finding:
    """Conclude that too little is known, where no other finding could be made."""
    each = days.groupby("customer_id").size()
    again = part((each > 1).sum(), of=len(each)).capitalize()
    window = {"first": f"{first:%Y-%m-%d}", "last": f"{last:%Y-%m-%d}"}
    return words.finding("too-early", again=again, customers=len(each), **window)
