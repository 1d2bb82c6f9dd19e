"""Put the evidence on a segment in the sentences of its persona card."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.core import paths
from helpers.disclosure import suppression
from helpers.display import evidence
from helpers.features.labels import say
from helpers.personas.naming import Theme

# Mean recovery (Jaccard) from which a segment deserves each word: Hennig's rule of thumb.
CONFIDENCE = {"high": 0.85, "good": 0.75, "fair": 0.6}


@dataclass(frozen=True)
class Rule:
    """When to recommend what; a rule without a feature ("") holds for every segment."""

    what: str  # part of the plan, such as channel
    feature: str
    side: str  # above or below the average, where the feature marks the segment
    advice: str


def plan_rules(features: Collection[str]) -> list[Rule]:
    """Read the rules that ask for one of these features, or for none (plans.yaml)."""
    blank = {"feature": "", "side": ""}
    rules = [
        Rule(what, **(blank | rule))
        for what, rules in paths.beside(__file__, "plans.yaml").items()
        for rule in rules
    ]
    return [rule for rule in rules if rule.feature in ("", *features)]


def advise(marks: pd.DataFrame, *, rules: Sequence[Rule]) -> list[dict[str, str]]:
    """Choose, for each part of the plan, the first rule that holds, in their order.

    `marks` are the segment's rows of `profiles.marks`. Gives what, advice, because,
    grade of each part with such a rule. The grade is a word of `display.evidence`: what
    speaks for it is observed or by construction; without it, it is assumed.
    """
    sides = {(row["feature"], row["side"]): row for _, row in marks.iterrows()}
    plan: dict[str, dict[str, str]] = {}
    for rule in rules:
        held = sides.get((rule.feature, rule.side))
        if rule.what in plan or (rule.feature and held is None):
            continue
        because, grade = "no difference speaks for another", evidence.ASSUMED
        if held is not None:
            because = f"index of {_index(held)}"
            grade = evidence.of([held["used_to_build"]])
        reason = {"because": because, "grade": grade}
        plan[rule.what] = {"what": rule.what, "advice": rule.advice} | reason
    return list(plan.values())


def offer(theme: Theme, marks: pd.DataFrame) -> list[dict[str, str]]:
    """Recommend an offer and a message, as `advise` does, by what a segment buys.

    The offer rests on needs of the theme that mark the segment (`marks`: its rows of
    `profiles.marks`), where there are any; the words of a message are always assumed.
    """
    told = marks[marks["feature"].isin(theme.needs) & (marks["side"] == "above")]
    because, grade = "no need stands out", evidence.ASSUMED
    if len(told) and not theme.habit:
        because = f"index of {', '.join(_index(row) for _, row in told.iterrows())}"
        grade = evidence.of(told["used_to_build"])
    return [
        {"what": "offer", "advice": theme.offer, "because": because, "grade": grade},
        {
            "what": "message",
            "advice": f"“{theme.message}”",
            "because": "words to begin with",
            "grade": evidence.ASSUMED,
        },
    ]


def say_plan(advice: Sequence[Mapping[str, str]]) -> list[str]:
    """Put recommendations in one sentence each, with their grade and its reason."""
    return [
        f"{row['what'].capitalize()}: {row['advice']}. "
        f"{row['grade'].capitalize()}: {row['because']}."
        for row in advice
    ]


def say_worth(row: pd.Series, *, symbol: str) -> str:
    """Put a segment's size and worth, a row of `profiles.summarise`, in a sentence."""
    part = row["share_sales"]  # missing where all sales are nothing, or a loss
    share = "" if np.isnan(part) else f" with {part:.0%} of sales"
    size = f"{row['customers']:,.0f} customers ({row['share_customers']:.0%})"
    if np.isnan(row["sales_per_customer"]):
        return f"{size}; their sales are withheld, as one of them might be known by it."
    return (
        f"{size}{share}: {symbol}{row['sales_per_customer']:,.0f} a "
        f"customer (95 % interval {symbol}{row['low']:,.0f} to {symbol}{row['high']:,.0f})."
    )


def say_marks(marks: pd.DataFrame, *, names: Mapping[str, str], most: int) -> str:
    """Say what marks a segment, such as "Above average (observed): baby 812 (...)".

    `marks` are its rows of `profiles.marks`; on each side of the average `most` are
    said, each with who else is marked by it, by `names` (segment id as text -> name).
    The word for what they rest on is that of `display.evidence`.
    """
    said = []
    for side, words in {"above": "Above average", "below": "Below"}.items():
        rows = marks[marks["side"] == side].head(most)
        for used, part in rows.groupby("used_to_build", sort=False):
            told = [_index(row, names=names) for _, row in part.iterrows()]
            said.append(f"{words} ({evidence.of([used])}): {', '.join(told)}.")
    return " ".join(said) or "No difference that stands the test of many comparisons."


def say_habits(
    rows: pd.DataFrame, *, marks: pd.DataFrame, names: Mapping[str, str]
) -> str:
    """Say in which of some habits a segment differs, and with its mean in which not.

    `rows` are the segment's rows of `profiles.differences` for these habits, all
    shares; `marks` and `names` are as for `say_marks`.
    """
    own = marks[marks["feature"].isin(rows["feature"])]
    others = [
        f"{say(row.feature)} {row.mean:.0%} (all {row.average:.0%})"
        for row in rows.itertuples()
        if row.feature not in set(own["feature"])
    ]
    said = [say_marks(own, names=names, most=len(rows))] if len(own) else []
    if others:
        said.append(f"No clear difference in {', '.join(others)}.")
    return " ".join(said)


def say_attributes(rows: pd.DataFrame, *, known: int, of: int) -> str:
    """Say in which attributes (`fairness.distinct_attributes`) a segment differs.

    For how many of its customers attributes are `known` is always said.
    """
    if rows.empty:
        said = "No attribute differs clearly from all known customers"
    else:
        said = "; ".join(
            f"{say(row.attribute)} {row.level}: {row.share:.0%} ({row.low:.0%} "
            f"to {row.high:.0%}; all known {row.everyone:.0%})"
            for row in rows.itertuples()
        )
    return f"{said[:1].upper()}{said[1:]}. Known for {suppression.part(known, of=of)} of the segment."


def say_firmness(row: pd.Series) -> str:
    """Say how surely a segment is found again, beside what chance structure reaches.

    `row`: recovery with recovery_error, recovery_low and recovery_high; reference
    (mean) and reference_high (most) of customers without clusters; dissolved,
    borderline_share, customers.
    """
    word = confidence(
        row["recovery"], reference=row["reference_high"], error=row["recovery_error"]
    )
    size = int(row["customers"])
    borderline = suppression.part(round(row["borderline_share"] * size), of=size)
    return (
        f"{word.capitalize()} confidence: found again by {row['recovery']:.2f} in "
        f"resampled studies ({row['recovery_low']:.2f} to {row['recovery_high']:.2f}; "
        f"customers without clusters reach {row['reference']:.2f}, at most "
        f"{row['reference_high']:.2f}), dissolved in {row['dissolved']:.0%} of them. "
        f"{borderline[:1].upper()}{borderline[1:]} of its customers are borderline."
    )


def say_neighbours(rows: pd.DataFrame, *, names: Mapping[str, str]) -> str:
    """Say with which others a segment is confused: rows of `profiles.neighbours`."""
    if rows.empty:
        return "With none: there is no other segment."
    said = []
    for row in rows.itertuples():
        share = f"{row.either_share:.0%} of its customers could be in either"
        share = "few of its customers" if np.isnan(row.either_share) else share
        said.append(f"{names[str(row.other_id)]} ({share})")
    return f"With {' and '.join(said)}."


def confidence(jaccard: float, *, reference: float, error: float) -> str:
    """Put the mean recovery of a segment (Jaccard) in a word of `CONFIDENCE`.

    Low is also what does not exceed `reference`, the best that customers without
    clusters reach, by twice the Monte Carlo standard `error` of the mean. Hennig (2007), Cluster-wise assessment of cluster stability.
    """
    if np.isnan(jaccard):
        return "not measured"
    for word, least in CONFIDENCE.items():
        if jaccard >= least and jaccard - 2 * error > reference:
            return word
    return "low"


def _index(row: pd.Series, *, names: Mapping[str, str] | None = None) -> str:
    """Write one difference: its index and interval, or means where there is no ratio."""
    others = [names[str(i)] for i in row["shared_with"]] if names else []
    also = f"; also {', '.join(others)}" if others else ""
    if np.isfinite(row["index"]):
        told = f"{row['index']:.0f} ({row['low']:.0f} to {row['high']:.0f}{also})"
    else:
        told = f"(mean {row['mean']:.2f} against {row['average']:.2f}{also})"
    return f"{say(row['feature'])} {told}"
