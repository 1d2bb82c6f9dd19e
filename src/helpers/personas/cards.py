"""Put the evidence on a segment in the sentences of its persona card."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.core import paths
from helpers.disclosure import suppression
from helpers.display import evidence, words
from helpers.display.findings import Persona
from helpers.features.labels import say
from helpers.personas import lasting
from helpers.personas.naming import Theme, facts

# Mean recovery (Jaccard) from which a segment deserves each word: Hennig's rule of thumb.
CONFIDENCE = {"high": 0.85, "good": 0.75, "fair": 0.6}
TWICE = 200  # index from which a difference is said as a multiple of the average
WORTH, DEALS = "How many, worth what?", "How do they take deals?"
RELIABLE = "How reliable is it?"
# Questions on habits, and the features that answer them, by the beginnings of names.
HABITS = {
    "When do they buy?": ("morning_share", "evening_share", "weekend_share"),
    DEALS: (
        *("discount_depth", "mailer_share", "display_share"),
        *("coupon_order_rate", "private_label_share"),
    ),
    "How do they order, and what do they ask?": ("channel_", "topic_"),
}


@dataclass(frozen=True)
class Rule:
    """When to recommend what; a rule without a feature ("") holds for every segment."""

    what: str  # part of the plan, such as channel
    feature: str
    side: str  # above or below the average, where the feature marks the segment
    advice: str


@dataclass(frozen=True)
class Evidence:
    """What is known of all segments, as far as their cards say it."""

    summary: pd.DataFrame  # `profiles.summarise`, with name and stability
    differences: pd.DataFrame  # `profiles.differences`
    marks: pd.DataFrame  # `profiles.marks`
    neighbours: pd.DataFrame  # `profiles.neighbours`
    followed: Mapping[str, pd.DataFrame]  # `lasting.follow`
    names: Mapping[str, str]  # segment id as text -> name
    naming: Collection[str]  # features that names come from
    goods: bool  # whether segments differ in what they buy, and not only in how
    deal_high: Mapping[str, Any]  # name -> customers high in deal proneness, if shown
    who: Mapping[int, str]  # segment id -> what is said of its attributes

    @property
    def buying(self) -> str:
        """Name the question that what built the segments answers."""
        return "What do they buy?" if self.goods else "How do they buy?"

    @property
    def short(self) -> list[str]:
        """List the questions that a short card answers."""
        return [WORTH, self.buying, RELIABLE]

    def of(self, segment_id: int) -> list[pd.DataFrame]:
        """Give the rows of one segment: differences, marks, neighbours, kept marks."""
        tables = self.differences, self.marks, self.neighbours
        every = (*tables, self.followed[lasting.OWN])
        return [table[table["segment_id"] == segment_id] for table in every]


def plans(
    found: Evidence, *, themes: Mapping[int, Theme]
) -> dict[int, list[dict[str, str]]]:
    """Recommend for each segment an offer, a message and the rest of a plan.

    `themes` are those that segments go by (`naming.followed`). Gives lists as `advise`.
    """
    rules = plan_rules(set(found.differences["feature"]))
    plans = {}
    for i, theme in themes.items():
        marks = found.of(i)[1]
        plans[i] = [*offer(theme, marks), *advise(marks, rules=rules)]
    return plans


def deck(
    found: Evidence,
    *,
    themes: Mapping[int, Theme],
    plans: Mapping[int, Sequence[Mapping[str, str]]],
) -> list[Persona]:
    """Make one card for each segment, in the order of the summary."""
    return [
        Persona(i, name, themes[i].line, _parts(row, plans[i], found))
        for row in found.summary.to_dict("records")
        for i, name in [(row["segment_id"], row["name"])]
        if i
    ]


def _parts(
    row: Mapping[str, Any], plan: Sequence[Mapping[str, str]], found: Evidence
) -> dict[str, str | list[str]]:
    """Answer what a card asks, question by question."""
    rows, marks, near, kept = found.of(row["segment_id"])
    names, built = found.names, marks["used_to_build"]
    named = marks[built & marks["feature"].isin(found.naming)]
    parts: dict[str, str | list[str]] = {
        WORTH: say_worth(row),
        found.buying: say_marks(named, names=names, most=4),
        "Does it last?": say_lasting(
            kept, lasting.counted(found.followed), names=names, most=4
        ),
    }
    habits = rows[rows["feature"].str.startswith(sum(HABITS.values(), ()))]["feature"]
    for question, starts in HABITS.items():
        asked = rows[rows["feature"].str.startswith(starts)]
        points = say_habits(asked, marks=marks, names=names) if len(asked) else []
        high = found.deal_high.get(row["name"], suppression.WITHHELD)
        if question == DEALS and high != suppression.WITHHELD:
            share = high / row["customers"]
            points.append(words.say("personas-deals-high", share=share))
        parts |= {question: points} if points else {}
    rest = marks[~built & ~marks["feature"].isin(habits)]
    parts["What else sets them apart?"] = say_marks(rest, names=names, most=3)
    if row["segment_id"] in found.who:
        parts["Who are they?"] = found.who[row["segment_id"]]
    return parts | {
        "What to do?": say_plan(plan),
        RELIABLE: say_reliability(row),
        "Whom is it confused with?": say_neighbours(near, names=names),
    }


def overview(
    found: Evidence,
    made: Sequence[Persona],
    *,
    plans: Mapping[int, Sequence[Mapping[str, str]]],
    rest: str,
) -> pd.DataFrame:
    """Add to the summary each segment's one_line, action and stability.

    `rest` is the action for customers with too little data.
    """
    lines = {card.segment_id: card.summary for card in made}
    branch = "offer" if found.goods else "serve"
    actions = {0: rest} | {
        i: words.say("personas-action", branch=branch, offer=plan[0]["advice"])
        for i, plan in plans.items()
    }
    ids = found.summary["segment_id"]
    return found.summary.assign(
        one_line=[lines.get(i, "") for i in ids],
        action=[actions[i] for i in ids],
        stability=found.summary["recovery"],
    )


def plan_rules(features: Collection[str]) -> list[Rule]:
    """Read the rules that ask for one of these features, or for none (plans.yaml)."""
    blank = {"feature": "", "side": ""}
    rules = [
        Rule(what, **(blank | rule))
        for what, rules in paths.beside(__file__, "plans.yaml").items()
        for rule in rules
    ]
    return [rule for rule in rules if rule.feature in ("", *features)]


def advise(
    marks: pd.DataFrame,
    *,
    rules: Sequence[Rule],
    said: Callable[[pd.Series], str] | None = None,
) -> list[dict[str, str]]:
    """Choose, for each part of the plan, the first rule that holds, in their order.

    `marks` are the segment's rows of `profiles.marks`; `said` puts one in words. Gives what, advice, because,
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
            because = (said or _mark)(held)
            grade = evidence.of([held["used_to_build"]])
        reason = {"because": because, "grade": grade}
        plan[rule.what] = {"what": rule.what, "advice": rule.advice} | reason
    return list(plan.values())


def offer(theme: Theme, marks: pd.DataFrame) -> list[dict[str, str]]:
    """Recommend an offer and a message, as `advise` does, by what a segment buys.

    The offer rests on needs of the theme that mark the segment (`marks`: its rows of
    `profiles.marks`), where there are any; the words of a message are always assumed.
    """
    shown = marks[marks["feature"].isin(theme.needs) & (marks["side"] == "above")]
    because, grade = "no need stands out", evidence.ASSUMED
    if len(shown) and not theme.habit:
        because = "; ".join(_mark(row) for _, row in shown.iterrows())
        grade = evidence.of(shown["used_to_build"])
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


def say_worth(row: Mapping[str, Any]) -> str:
    """Put a segment's size and worth, a row of `profiles.summarise`, in a sentence."""
    return words.say("personas-worth", **facts(row))


def say_marks(marks: pd.DataFrame, *, names: Mapping[str, str], most: int) -> list[str]:
    """Say what marks a segment, a sentence each, with the word for what it rests on.

    `marks` are its rows of `profiles.marks`; on each side of the average `most` are
    said, each with who else is marked by it, by `names` (segment id as text -> name).
    """
    rows = [marks[marks["side"] == side].head(most) for side in ("above", "below")]
    said = [
        _mark(row, names=names, grade=evidence.of([row["used_to_build"]]))
        for _, row in pd.concat(rows).iterrows()
    ]
    said = [f"{one[:1].upper()}{one[1:]}." for one in said]
    return said or [words.say("personas-marks-none")]


def say_lasting(
    kept: pd.DataFrame, table: pd.DataFrame, *, names: Mapping[str, str], most: int
) -> list[str]:
    """Say which marks of a segment, its rows of `lasting.follow`, last; beside rivals.

    `table` is that of `lasting.counted`.
    """
    drawn = lasting.random_shares(table)
    lead = words.say(
        "personas-card-lasts",
        marks=len(kept),
        lasting=int(kept["lasts"].sum()),
        draws=len(drawn),
        random=drawn.mean(),
        verdict=lasting.verdict(table),
    )
    later = kept[kept["lasts"].astype(bool)]
    if later.empty:
        return [lead]
    then = later[[column for column in later if column.endswith("_later")]]
    then = then.rename(columns=lambda name: name.removesuffix("_later"))
    then = then.assign(feature=later["feature"], shared_with=[()] * len(later))
    return [lead, *say_marks(then, names=names, most=most)]


def say_habits(
    rows: pd.DataFrame, *, marks: pd.DataFrame, names: Mapping[str, str]
) -> list[str]:
    """Say in which of some habits a segment differs, and with its mean in which not.

    `rows` are the segment's rows of `profiles.differences` for these habits, all
    shares; `marks` and `names` are as for `say_marks`.
    """
    own = marks[marks["feature"].isin(rows["feature"])]
    others = [
        words.say("personas-habit", **facts(row) | {"feature": say(row["feature"])})
        for _, row in rows[~rows["feature"].isin(own["feature"])].iterrows()
    ]
    said = say_marks(own, names=names, most=len(rows)) if len(own) else []
    if others:
        said.append(words.say("personas-habit-same", habits=", ".join(others)))
    return said


def say_attributes(rows: pd.DataFrame, *, known: int, of: int) -> str:
    """Say in which attributes (`fairness.distinct_attributes`) a segment differs.

    For how many of its customers attributes are `known` is always said.
    """
    said = [
        words.say(
            "personas-attribute", **facts(row) | {"attribute": say(row["attribute"])}
        )
        for _, row in rows.iterrows()
    ]
    differs = f"{'; '.join(said)}." if said else words.say("personas-attribute-none")
    part = words.say("personas-attribute-known", part=suppression.part(known, of=of))
    return f"{differs[:1].upper()}{differs[1:]} {part}"


def attributes(
    distinct: pd.DataFrame, known: pd.DataFrame, assigned: pd.DataFrame
) -> dict[int, str]:
    """Say of each segment who its customers are: at most three `distinct` attributes.

    `distinct` is of `fairness.distinct_attributes`; `known` has customer_id and the
    attributes, `assigned` customer_id and segment_id.
    """
    more = distinct[distinct["share"] > distinct["everyone"]]
    more = more.drop_duplicates(["segment_id", "attribute"])
    ids = assigned.set_index("customer_id")["segment_id"]
    covered = known.set_index("customer_id").loc[ids.index].notna().any(axis=1)
    return {
        i: say_attributes(
            more[more["segment_id"] == i].head(3), known=own.sum(), of=len(own)
        )
        for i, own in covered.groupby(ids)
    }


def say_reliability(row: Mapping[str, Any]) -> str:
    """Say how well a segment comes back, beside what chance structure reaches.

    `row`: recovery with recovery_error, recovery_low and recovery_high; reference
    (mean) and reference_high (most) of customers without clusters; dissolved,
    borderline_share, customers.
    """
    word = confidence(
        row["recovery"], reference=row["reference_high"], error=row["recovery_error"]
    )
    size = int(row["customers"])
    borderline = suppression.part(round(row["borderline_share"] * size), of=size)
    own = {"confidence": word, "borderline": borderline[:1].upper() + borderline[1:]}
    return words.say("personas-reliability", **facts(row) | own)


def say_neighbours(rows: pd.DataFrame, *, names: Mapping[str, str]) -> str:
    """Say with which others a segment is confused: rows of `profiles.neighbours`."""
    said = [
        words.say(
            "personas-confused-with",
            **facts(row),
            name=names[str(int(row["other_id"]))],
        )
        for _, row in rows.iterrows()
    ]
    return words.say("personas-confused", number=len(said), names=" and ".join(said))


def confidence(jaccard: float, *, reference: float, error: float) -> str:
    """Put the mean recovery of a segment (Jaccard) in a word of `CONFIDENCE`.

    It counts as it is written, with two digits. Low is also what does not exceed
    `reference`, the best that customers without clusters reach, by twice the Monte
    Carlo standard `error` of the mean. Hennig (2007), Cluster-wise assessment of
    cluster stability.
    """
    if np.isnan(jaccard):
        return "not measured"
    for word, least in CONFIDENCE.items():
        if round(jaccard, 2) >= least and jaccard - 2 * error > reference:
            return word
    return "low"


def confidences(table: pd.DataFrame) -> list[str]:
    """Give `confidence` of each row: recovery, reference_high, recovery_error."""
    asked = table[["recovery", "reference_high", "recovery_error"]].to_numpy()
    return [confidence(found, reference=top, error=e) for found, top, e in asked]


def _mark(
    row: pd.Series, *, names: Mapping[str, str] | None = None, grade: str = ""
) -> str:
    """Say one difference as part of a sentence, or means where there is no ratio."""
    ends = [row["index"], row["low"], row["high"]]
    way, sizes = "means", [row["mean"]]
    if np.isfinite(row["index"]):
        way = "less" if row["index"] < 100 else "more"
        sizes = sorted(abs(end / 100 - 1) for end in ends)
        sizes = [sizes[1], sizes[0], sizes[2]]
        if row["index"] >= TWICE:
            way, sizes = "times", [end / 100 for end in ends]
    share = row["feature"].startswith("share_") and way != "means"
    others = [names[str(i)] for i in row["shared_with"]] if names else []
    return words.say(
        "personas-mark",
        way=f"share-{way}" if share else way,
        feature=say(row["feature"]),
        **dict(zip(["size", "low", "high"], sizes, strict=False)),
        percent=round(100 * sizes[0]) if np.isfinite(sizes[0]) else 0,
        all=row["average"],
        rests=f"; {grade}" if grade else "",
        others=", ".join(others) or None,
    )
