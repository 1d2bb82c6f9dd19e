"""What to do for whom: value by segment, what segments ask for, and a test of it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from helpers.activation import experiments
from helpers.customer_table.lifecycle import EVERYBODY, NONE, need, ordered
from helpers.disclosure import suppression
from helpers.disclosure.suppression import DOMINANCE, LARGEST, MIN_CELL
from helpers.display import evidence, tables, words
from helpers.statistics import bootstrap, intervals

# The words stand in display/words/en/table_06_activation.ftl.
# Families that say what customers ask for: what they do is no wish.
ASKED = ("requirement", "psychographic")
MOST_ASKED = 2  # marks named for a segment
NOT_KNOWN = "Value not known"


def matrix(
    people: pd.DataFrame, *, names: Mapping[int, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count customers and share out value by group (rows) and value tier, for a page.

    `people`: segment_id, value_tier, value, and weight as for `worth`. Cells of few customers, of one who holds
    most of its value, and those that would give them away read "withheld".
    """
    inside = people[people["segment_id"].isin(list(names))]
    tiers = ordered({*inside.loc[inside["value"].notna(), "value_tier"]})
    need(bool(tiers) and len(inside) >= MIN_CELL, "table-act-no-value")
    # Who has no value is a column too: what is left of a segment would tell it.
    missing = inside["value"].isna() | ~inside["value_tier"].isin(tiers)
    heads = {tier: f"{tier.capitalize()} value" for tier in tiers}
    tier = inside["value_tier"].map(heads).mask(missing, NOT_KNOWN)
    axes = {"index": inside["segment_id"].map(names), "columns": tier}
    order = [*heads.values(), *([NOT_KNOWN] if missing.any() else [])]
    counts = pd.crosstab(**axes).reindex(columns=order, fill_value=0)
    money = inside["value"].abs().mask(missing, 0.0)
    sums, tops = (
        pd.crosstab(**axes, values=money, aggfunc=how).reindex(columns=order).fillna(0)
        for how in ("sum", "max")
    )
    dark = suppression.withheld(counts.mask(tops > DOMINANCE * sums, 0))
    if "weight" in inside:
        sums = pd.crosstab(**axes, values=money * inside["weight"], aggfunc="sum")
        sums = sums.reindex(columns=order).fillna(0)
    shares = (sums / (sums.to_numpy().sum() or 1)).map("{:.0%}".format)
    shares = shares.mask(dark, suppression.WITHHELD)
    return suppression.withhold(counts), shares[list(heads.values())]


def worth(
    people: pd.DataFrame, *, alpha: float, n_bootstrap: int, seed: int
) -> pd.DataFrame:
    """Say what each group is worth, and whether a customer of it is worth more than others.

    `people`: customer_id, segment_id, value, and weight where customers do not count
    alike, as in a survey. Returns segment_id, customers,
    share_customers, value_total, share_value, value_each (mean) with low and high (95 %,
    bootstrap of customers), and beside with its ends: the mean less that of all others
    (simultaneous over groups, Bonferroni).
    """
    known = people.dropna(subset=["value"])
    known = known[known["segment_id"] > 0].sort_values("customer_id")
    need(len(known) >= MIN_CELL, "table-act-no-value")
    if "weight" not in known:
        known = known.assign(weight=1.0)
    whole, rows = known["value"] @ known["weight"], []
    for segment_id, group in known.groupby("segment_id"):
        each, weigh = (group[name].to_numpy(float) for name in ("value", "weight"))
        total = float(each @ weigh)
        means = [
            (part @ (weigh * each)) / (part @ weigh)
            for part in bootstrap.batches(len(each), n_bootstrap, seed=seed)
        ]
        drawn = np.quantile(np.concatenate(means), bootstrap.ENDS)
        beside = _beside(known, known["segment_id"] == segment_id)
        rows.append(
            {
                "segment_id": segment_id,
                "customers": len(group),
                "share_customers": weigh.sum() / known["weight"].sum(),
                "value_total": total,
                "share_value": total / whole if whole else np.nan,
                "value_each": total / weigh.sum(),
                "value_each_low": drawn[0],
                "value_each_high": drawn[1],
                LARGEST: np.abs(each).max() / (np.abs(each).sum() or 1),
                **{name: beside[name] for name in ("effect", "error", "p")},
            }
        )
    table = pd.DataFrame(rows)
    family = np.zeros(len(table))
    table = intervals.together(table, family=family, alpha=alpha, method="holm")
    ends = {"effect": "beside", "low": "beside_low", "high": "beside_high"}
    order = ["beside", "beside_low", "beside_high", LARGEST]
    table = table.rename(columns=ends)
    return table[[*table.columns[:8], *order]]


def _beside(known: pd.DataFrame, inside: pd.Series) -> dict[str, float]:
    """Compare the weighted mean of a group with that of all others: effect, error, p.

    The error is that of weighted means by linearisation (Kish 1965, Survey sampling).
    """
    if inside.all():  # nobody else
        return dict.fromkeys(("effect", "error", "p"), np.nan)
    means, squares = [], 0.0
    for part in (known[inside], known[~inside]):
        v, w = (part[name].to_numpy(float) for name in ("value", "weight"))
        mean = v @ w / w.sum()
        means.append(mean)
        few = len(v) / max(len(v) - 1, 1)
        squares += few * float(((w * (v - mean)) ** 2).sum()) / w.sum() ** 2
    error = float(np.sqrt(squares))
    effect = float(means[0] - means[1])
    p = float(2 * norm.sf(abs(effect) / error)) if error > 0 else np.nan
    return {"effect": effect, "error": error, "p": p}


def resources(table: pd.DataFrame, *, names: Mapping[int, str]) -> dict[str, object]:
    """Say where value lies, and whose customers are worth more, from `worth`."""
    shown = tables.guarded(table)
    safe = table[suppression.numbers(shown["value_each"]).notna()]
    facts: dict[str, object] = {"branch": "few", "groups": len(safe)}
    facts |= dict.fromkeys(("top", "share", "customers", "each", "low", "high"), NONE)
    facts |= dict.fromkeys(("beside", "beside_low", "beside_high", "largest"), NONE)
    if safe.empty:
        return facts
    row = safe.loc[safe["value_each"].idxmax()]
    clear = len(safe) > 1 and row["beside_low"] > 0
    facts |= {"branch": "more" if clear else "alike" if len(safe) > 1 else "one"}
    facts |= {"top": names[int(row["segment_id"])], "share": row["share_value"]}
    facts |= {"customers": row["share_customers"], "each": row["value_each"]}
    facts |= {"low": row["value_each_low"], "high": row["value_each_high"]}
    facts |= {n: row[n] for n in ("beside", "beside_low", "beside_high")}
    largest = safe.loc[safe["value_total"].idxmax(), "segment_id"]
    return facts | {"largest": names[int(largest)]}


# --- What do they ask for?


def asked(profile: pd.DataFrame, differences: pd.DataFrame) -> pd.DataFrame:
    """Take what marks each segment above the average among what customers ask for.

    `profile` and `differences` are the tables of notebook 4. Requirements come first,
    and of a family what differs most. Returns segment_id, asks (text), grade
    (`display.evidence`).
    """
    key = ["segment_id", "feature"]
    marks = profile[profile["marker"] & (profile["direction"] == "above")]
    marks = marks[marks["family"].isin(ASKED)].merge(
        differences[[*key, "effect"]], on=key
    )
    ranks = marks.assign(
        rank=marks["family"].map(ASKED.index), size=-marks["effect"].abs()
    )
    own = ranks.sort_values(["segment_id", "rank", "size"], kind="stable")
    own = own.groupby("segment_id").head(MOST_ASKED)
    rows = [
        (
            i,
            " and ".join(part["label"]),
            evidence.of(part["used_to_build"].astype(bool)),
        )
        for i, part in own.groupby("segment_id")
    ]
    return pd.DataFrame(rows, columns=["segment_id", "asks", "grade"])


def advice(
    worths: pd.DataFrame | None,
    asks: pd.DataFrame | None,
    *,
    names: Mapping[int, str],
    sizes: pd.Series,
) -> pd.DataFrame:
    """Recommend one thing for each group that may be shown, from `worth` and `asked`.

    Returns segment_id, customers, advice, because, grade.
    """
    wants = {} if asks is None else asks.set_index("segment_id").to_dict("index")
    rows = []
    safe = suppression.enough_left(sizes.reindex(list(names)).fillna(0), of=sizes.sum())
    for segment_id in safe.index[safe]:
        branch = _value_of(segment_id, worths)
        want = wants.get(segment_id, {"asks": NONE, "grade": evidence.ASSUMED})
        said = {"asks": want["asks"], "value": branch}
        rows.append(
            {
                "segment_id": segment_id,
                "customers": int(sizes[segment_id]),
                "advice": words.say("table-act-advice", **said),
                "because": words.say("table-act-because", **said),
                "grade": want["grade"],
            }
        )
    return pd.DataFrame(
        rows, columns=["segment_id", "customers", "advice", "because", "grade"]
    )


def _value_of(segment_id: int, worths: pd.DataFrame | None) -> str:
    if worths is None or segment_id not in set(worths["segment_id"]):
        return "unknown"
    row = worths.set_index("segment_id").loc[segment_id]
    if row["beside_low"] > 0:
        return "more"
    return "less" if row["beside_high"] < 0 else "alike"


# --- What could a test decide?


def needed(rate: float, effect: float, **design: float) -> int:
    """Say how many customers, both arms together, show an effect up or down on a rate.

    The larger number counts where both are possible, since nobody knows which it will
    be.
    """
    ways = [s * effect for s in (1, -1) if 0 <= rate + s * effect <= 1]
    return max(
        experiments.customers_needed(rate=rate, effect=way, **design) for way in ways
    )


def power(
    people: pd.DataFrame, *, effects: Sequence[float], assumed: float, **design: float
) -> pd.DataFrame:
    """Say for each group, and over all (0, first), what a test on its customers decides.

    `people`: customer_id, segment_id, happened (1, 0 or missing). Returns segment_id,
    customers, rate, low, high, a column of customers needed for each of the `effects`
    (such as needed_5) and finds: the smallest of them that its customers suffice for,
    or missing. A rate that may not be shown is missing, and what is needed rests on that
    of all; where that is not known, on the `assumed` one.
    """
    own = people[people["segment_id"] > 0]
    parts = [people.assign(segment_id=0)]
    parts += [own] if own["segment_id"].max() > own["segment_id"].min() else []
    each = pd.concat(parts).groupby("segment_id")["happened"]
    table = each.agg(["size", "mean", "count"]).reset_index()
    table.columns = ["segment_id", "customers", "rate", "known"]
    shown = tables.guarded(table, of={"rate": "known"})["rate"]
    table["rate"] = table["rate"].where(suppression.numbers(shown).notna())
    ends = intervals.wilson(table["rate"], table["known"], alpha=design["alpha"])
    rates = table["rate"].fillna(table["rate"].iloc[0]).fillna(assumed)
    found = {
        f"needed_{100 * effect:g}": [needed(rate, effect, **design) for rate in rates]
        for effect in effects
    }
    table = table.assign(low=ends[0], high=ends[1], **found).drop(columns="known")
    enough = (
        pd.DataFrame(found).le(table["customers"], axis=0).set_axis(effects, axis=1)
    )
    least = enough.mul(effects).where(enough).min(axis=1)
    return table.assign(finds=least)


def decidable(
    table: pd.DataFrame,
    *,
    effects: Sequence[float],
    names: Mapping[int, str],
    assumed: float,
    **design: float,
) -> dict[str, object]:
    """Say what a test on this table's customers could decide, from `power`.

    each: every group by itself finds the largest effect; some: some do; pooled: only all
    together; one: there is one group, which does; none: not even all. least is what all
    together find, in whole points.
    """
    own, whole = table.iloc[1:], table.iloc[0]
    able = own[own["finds"].notna() & (own["customers"] >= MIN_CELL)]
    branch = "none"
    if whole["finds"] <= max(effects):
        branch = "one" if own.empty else "pooled"
    if len(able):
        branch = "each" if len(able) == len(names) else "some"
    largest, smallest = max(effects), min(effects)
    rate = whole["rate"] if whole["rate"] > 0 else assumed
    enough = (e / 100 for e in range(1, 100) if e / 100 <= max(rate, 1 - rate))
    least = next(
        (e for e in enough if needed(rate, e, **design) <= whole["customers"]), 0
    )
    return {
        "branch": branch,
        "able": ", ".join(names[int(i)] for i in able["segment_id"]) or NONE,
        "customers": int(whole["customers"]),
        "largest": 100 * largest,
        "smallest": 100 * smallest,
        "needs": int(whole[f"needed_{100 * largest:g}"]),
        "needs_smallest": int(whole[f"needed_{100 * smallest:g}"]),
        "least": 100 * least if least else NONE,
        "rate": NONE if np.isnan(whole["rate"]) else whole["rate"],
    }


def everybody(names: Mapping[int, str]) -> dict[int, str]:
    """Name all customers beside the groups."""
    return {0: EVERYBODY} | dict(names)
