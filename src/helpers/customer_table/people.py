"""Describe the customers of a table: what sets segments apart, and who is in them."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import shorten
from typing import Any

import numpy as np
import pandas as pd

from helpers.clustering.criteria import NOT_LOOKED_FOR
from helpers.disclosure import cube, suppression
from helpers.disclosure.suppression import MIN_CELL
from helpers.display import evidence, words
from helpers.display.findings import Persona
from helpers.leads import typing_tool
from helpers.personas import cards, conclusions, fairness, naming, profiles, rules
from helpers.personas.groups import TIERS, Groups
from helpers.personas.naming import facts, listed
from helpers.statistics import intervals

Finding = dict[str, Any]
_, EVERYONE, FEW = naming.RESERVED
AVERAGE = "Near the average"
# Columns of `Groups.people`, and readings of the page: an attribute so called gets a stroke.
TAKEN = {"customer_id", "segment_id", "needs", "value_tier", "sales", "activity"}
ATTRIBUTES = ("demographic", "firmographic")  # families that say who somebody is
WANTS = ("requirement", "psychographic")  # families that say what somebody asks for
MOST_ATTRIBUTES = 12  # by which customers can be filtered
LONGEST = 44  # letters of a label in a name
LACK = 0.5  # what a segment has says more of it than what it lacks
APART, ELSE = "What sets them apart?", "What else sets them apart?"
TURNED_OUT, WHO = "How did they turn out?", "Who are they?"
# Tiers in a table of groups; who has no value is in a tier of that name.
TIER_NAMES = {name: f"{name.capitalize()} value" for name in TIERS}
NO_TIERS = {"not known": "All customers"}  # of a table without a value
SHORT = [cards.WORTH, APART, cards.RELIABLE]


def fields(attributes: pd.DataFrame, dictionary: pd.DataFrame) -> pd.DataFrame:
    """Describe the columns of customers, from the tables of that name.

    Returns, by feature, family, measure, label (no two alike), levels (list), role,
    money (bool), builds (whether it built the segments).
    """
    own = attributes[attributes["table"] == "customers"].set_index("attribute")
    known = dictionary.set_index("feature")
    summed = known.loc[known.index.difference(own.index)]  # the value: a sum of columns
    more = summed.reindex(columns=["measure"]).assign(kind="none", role="value")
    own = pd.concat([own, more.assign(label="", levels="")])
    labels: list[str] = []
    for name, label in own["label"].items():
        labels.append(naming.free(label or str(name).replace("_", " "), {*labels}))
    unit = known["unit"].reindex(own.index)
    return pd.DataFrame(
        {
            "family": own["kind"],
            "measure": own["measure"],
            "label": labels,
            "levels": [json.loads(text) if text else [] for text in own["levels"]],
            "role": own["role"],
            "money": (own["role"] == "value") | (unit == "currency"),
            "builds": known["builds"].reindex(own.index, fill_value=False).astype(bool),
        }
    ).rename_axis("feature")


def spread_out(
    table: pd.DataFrame, about: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lay columns in model form out as numbers: a mean score from 1, a column a level.

    Returns the numbers, customers x columns, and of each column what `about`, of
    `fields`, says, with feature, kind (yes, score, share, money, number) and unit. Levels
    of fewer than `MIN_CELL`, and what is the same for all, are left out.
    """
    parts: dict[str, pd.Series] = {}
    rows: dict[str, dict[str, Any]] = {}
    for name in about.index[about.index.isin(table.columns)]:
        row, values = about.loc[name], table[name]
        said = {"feature": name} | row.to_dict()
        if row["measure"] == "unordered":
            for level in row["levels"] or sorted(values.dropna().unique()):
                is_level = (values == level).astype(float).where(values.notna())
                if is_level.sum() >= MIN_CELL:
                    parts[f"{name}: {level}"] = is_level
                    label = f"{row['label']}: {level}"
                    rows[f"{name}: {level}"] = said | {"label": label}
            continue
        scored = row["measure"] == "ordered"
        parts[name] = values.astype(float) + (1 if scored else 0)
        rows[name] = said
    spread = pd.DataFrame(parts, index=table.index)
    told = pd.DataFrame(rows).T.reindex(columns=["feature", *about.columns])
    told["kind"] = [_kind(row) for _, row in told.iterrows()]
    units = {"yes": "share", "share": "share", "money": "currency"}
    scores = [f"mean score, 1 to {len(levels)}" for levels in told["levels"]]
    told["unit"] = told["kind"].map(units).fillna("")
    told["unit"] = told["unit"].where(told["kind"] != "score", scores)
    moving = spread.columns[spread.max() > spread.min()]
    return spread[moving], told.loc[moving].astype({"builds": bool})


def _kind(row: pd.Series) -> str:
    measured = {"ordered": "score", "share": "share", "count": "number"}
    if row["measure"] in ("yes_no", "unordered"):
        return "yes"
    return "money" if row["money"] else measured.get(row["measure"], "number")


def compare(
    table: pd.DataFrame,
    ids: pd.Series,
    about: pd.DataFrame,
    *,
    seed: int,
    weights: pd.Series | None = None,
) -> pd.DataFrame:
    """Compare groups with the average, by means and shares; `spread_out` gives the rest.

    Returns `profiles.differences` without ratios: low and high are the simultaneous
    interval of the difference. A share is clear only where Wilson's interval, at
    Bonferroni's level, leaves out the average as well, since resampling a share near 0
    or 1 makes it too sure. Numbers that would tell of few customers, or of one who holds
    most of a sum, are missing; hidden says so.
    """
    if table.empty:
        columns = "segment_id feature mean average side effect used_to_build hidden"
        return pd.DataFrame(columns=columns.split()).astype({"hidden": bool})
    built = about.index[about["builds"]].tolist()
    found = profiles.differences(
        table,
        ids,
        columns=list(table),
        built_from=built,
        seed=seed,
        weights=weights,
        ratios=False,
    )
    of = found[["segment_id", "feature"]].apply(tuple, axis=1)
    shares = found["feature"].map(about["kind"] == "yes")
    sizes = of.map(_effective(table, ids, weights))
    low, high = intervals.wilson(
        found["mean"].where(shares), sizes, alpha=0.05 / len(found)
    )
    doubted = shares & (low <= found["average"]) & (found["average"] <= high)
    hidden = of.map(_hidden(table, ids, about))
    numbers = ["mean", "mean_low", "mean_high", "low", "high"]
    found[numbers] = found[numbers].mask(hidden)
    few = found["segment_id"].map(ids.value_counts()) < MIN_CELL
    return found.assign(side=found["side"].mask(doubted | few, ""), hidden=hidden)


def _effective(
    table: pd.DataFrame, ids: pd.Series, weights: pd.Series | None
) -> dict[tuple, float]:
    """Count who is known of each group and column; Kish's number where they have weights."""
    known = table.notna().astype(float)
    each = pd.Series(1.0, table.index) if weights is None else weights
    sums = known.mul(each, axis=0).groupby(ids.to_numpy()).sum()
    squares = known.mul(each**2, axis=0).groupby(ids.to_numpy()).sum()
    return (sums**2 / squares.where(squares > 0)).stack(future_stack=True).to_dict()


def _hidden(
    table: pd.DataFrame, ids: pd.Series, about: pd.DataFrame
) -> dict[tuple, bool]:
    """Say of which group and column no number may be shown."""
    groups = ids.to_numpy()
    size = table.abs().groupby(groups)
    hidden = size.max() > suppression.DOMINANCE * size.sum()
    for _, columns in about.groupby("feature", sort=False).groups.items():
        if about.loc[columns[0], "kind"] != "yes":
            continue
        counts = table[columns].groupby(groups).sum()
        rest = table[columns[0]].notna().groupby(groups).sum() - counts.sum(axis=1)
        parts = counts.assign(rest=rest) if (rest > 0).any() else counts
        hidden[columns] = suppression.withheld(parts)[columns]
    small = ids.value_counts().reindex(hidden.index) < MIN_CELL
    hidden[small] = True
    return hidden.stack(future_stack=True).to_dict()


def draw(found: pd.DataFrame, about: pd.DataFrame) -> dict[int, str]:
    """Name segments after the answer that sets each apart most, either way.

    As in `naming.draw`, the most pronounced segment chooses first. What a segment lacks
    counts `LACK`; none is named after a level of an unordered column that it lacks.
    """
    built = found[found["used_to_build"] & ~found["hidden"]]
    lacking = built[built["feature"].map(about["measure"]) != "unordered"]
    turned = lacking.assign(
        effect=-LACK * lacking["effect"],
        side=lacking["side"].map({"below": "above"}).fillna(""),
        feature="-" + lacking["feature"],
    )
    signed = pd.concat([built, turned])
    themes: dict[str, naming.Theme] = {}
    for key in dict.fromkeys(signed["feature"]):
        row = about.loc[key.removeprefix("-")]
        way = "plain" if row["kind"] == "yes" else "high"
        label = shorten(row["label"], LONGEST, placeholder=" …")
        name = words.say(
            "table-people-name", way="low" if key[0] == "-" else way, label=label
        )
        taken = {*themes, *naming.RESERVED, AVERAGE}
        themes[naming.free(name, taken)] = naming.Theme((key,), label, "", "")
    drawn = naming.draw(signed, themes=themes) if len(signed) else {}
    drawn = dict.fromkeys(found["segment_id"].astype(int), naming.MIXED) | drawn
    return {i: AVERAGE if n == naming.MIXED else n for i, n in sorted(drawn.items())}


def called(names: Mapping[str, str]) -> dict[int, str]:
    """Name each segment by its number, with those who are in none."""
    return {int(i): name for i, name in names.items()} | {0: FEW if names else EVERYONE}


def sizes(
    groups: pd.Series,
    *,
    value: pd.Series | None,
    weights: pd.Series | None,
    seed: int,
) -> pd.DataFrame:
    """Count each group and what it is worth; `value` is of the same customers.

    Returns a column of the name of `groups`, customers, share_customers, and with a
    value sales, share_sales, sales_per_customer with low and high (95% percentile
    interval, customers resampled inside the group) and `suppression.LARGEST`. Shares and
    means are weighted, where there are weights; who has no value counts in no mean.
    """
    weigh = pd.Series(1.0, groups.index) if weights is None else weights
    rows = []
    for number, (group, own) in enumerate(weigh.groupby(groups, sort=True)):
        share = own.sum() / weigh.sum()
        row = {groups.name: group, "customers": len(own), "share_customers": share}
        if value is not None:
            rng = np.random.default_rng([seed, number])
            row |= _worth(value[own.index], own, rng)
        rows.append(row)
    table = pd.DataFrame(rows)
    if value is not None:
        total = table["sales"].sum()
        share = table["sales"] / (total if total > 0 else np.nan)
        table.insert(table.columns.get_loc("sales") + 1, "share_sales", share)
    last = table[groups.name] == 0
    return pd.concat([table[~last], table[last]], ignore_index=True)


def _worth(
    value: pd.Series, weights: pd.Series, rng: np.random.Generator
) -> dict[str, float]:
    known = value.notna()
    v, w = value[known].to_numpy(float), weights[known].to_numpy(float)
    found = {"sales": float(v @ w) if len(v) else np.nan, "sales_per_customer": np.nan}
    found |= {"low": np.nan, "high": np.nan, suppression.LARGEST: 0.0}
    if len(v):
        drawn = [rng.integers(0, len(v), len(v)) for _ in range(profiles.N_BOOTSTRAP)]
        means = [(v[i] @ w[i]) / w[i].sum() for i in drawn]
        found["sales_per_customer"] = float(v @ w / w.sum())
        found["low"], found["high"] = np.quantile(means, [0.025, 0.975])
        found[suppression.LARGEST] = float(np.abs(v).max() / (np.abs(v).sum() or 1))
    return found


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """Leave of `sizes` the numbers that may be shown; money that is one customer's not."""
    told = table.drop(columns=suppression.LARGEST, errors="ignore").copy()
    hidden = table["customers"] < MIN_CELL
    money = ["sales", "share_sales", "sales_per_customer", "low", "high"]
    money = [name for name in money if name in told]
    if money:
        sums = table["sales"].abs()
        hidden = suppression.closed(
            table["customers"], largest=table[suppression.LARGEST], sums=sums
        )
        told[money] = told[money].astype(float).mask(hidden)
    return told


def attributes_of(about: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """Name the columns that say who a customer is, not more than can be filtered by."""
    own = about.index[about["family"].isin(ATTRIBUTES) & about.index.isin(table)]
    moving = [name for name in own if len(set(table[name].dropna())) > 1]
    return moving[:MOST_ATTRIBUTES]


def banded(values: pd.Series) -> pd.Series:
    """Cut numbers at their quartiles, as classes with rounded ends."""
    cuts = values.astype(float).quantile([0.25, 0.5, 0.75])
    ends = sorted({float(f"{cut:.2g}") for cut in cuts.dropna()})
    written = [f"{end:,.6g}" for end in ends]
    named = [
        *(
            words.say("table-people-band", low=a, high=b)
            for a, b in itertools.pairwise(written)
        ),
        words.say("table-people-band", low=written[-1] if written else None, high=None),
    ]
    if written:
        named.insert(0, words.say("table-people-band", low=None, high=written[0]))
    codes = np.searchsorted(ends, values.astype(float), side="left")
    codes = np.where(values.isna(), -1, codes)
    return pd.Series(pd.Categorical.from_codes(codes, named), values.index)


def groups(
    assigned: pd.DataFrame,
    customers: pd.DataFrame,
    about: pd.DataFrame,
    *,
    attributes: Sequence[str],
    names: Mapping[int, str],
    value: pd.Series | None,
    max_groups: int,
) -> Groups:
    """Count every group of up to three conditions that may be shown, as `groups.build`.

    `customers` are as notebook 1 cleaned them, `value` is of them; a reading that is
    the same for all is no condition.
    """
    people = assigned[["customer_id", "segment_id", "value_tier"]].reset_index(
        drop=True
    )
    own = customers[[*attributes]].reset_index(drop=True)
    people["needs"] = people["segment_id"].map(names)
    others = sorted(set(people["value_tier"]) - {*TIERS})
    levels = {"needs": [*names.values()], "value_tier": [*TIERS, *others]}
    read = [name for name in levels if len(set(people[name])) > 1]
    for name in read:
        there = [one for one in levels[name] if (people[name] == one).any()]
        people[name] = pd.Categorical(people[name], there)
    for name in attributes:
        row, known = about.loc[name], own[name]
        if row["measure"] in ("number", "count", "share"):
            known = banded(known)
        elif row["levels"]:
            known = pd.Series(pd.Categorical(known, row["levels"]), known.index)
        people[_own(name)] = cube.dimension(known, most=12)
    measures = []
    if value is not None:
        people["sales"], measures = value.fillna(0).to_numpy(float), ["sales"]
    found = cube.build(
        people,
        dimensions=[*read, *map(_own, attributes)],
        attributes=[*map(_own, attributes)],
        measures=measures,
        most=3,
        max_groups=max_groups,
        min_shared=0.5,
    )
    return Groups(people, [*map(_own, attributes)], found)


def _own(attribute: str) -> str:
    return f"{attribute}_" if attribute in TAKEN else attribute


def known(
    found: Groups, attributes: Sequence[str], about: pd.DataFrame
) -> pd.DataFrame:
    """Give customer_id and attributes, by label, missing where they are not known."""
    own = found.known[["customer_id", *map(_own, attributes)]]
    return own.set_axis(["customer_id", *about.loc[[*attributes], "label"]], axis=1)


def described(
    found: Groups, about: pd.DataFrame, *, value: str, readings: str, note: str
) -> dict[str, Any]:
    """Describe the groups for the dashboard; `value` is the label of the money column.

    Without it nothing is summed up. `readings` heads the dimensions that are none of the
    attributes; `note` says how the page counts.
    """
    labels = {"needs": "Segment", "value_tier": "Value tier"}
    labels |= {_own(name): label for name, label in about["label"].items()}
    dimensions = [
        {
            "name": name,
            "label": labels[name],
            "attribute": name in found.attributes,
            "levels": found.levels(name),
        }
        for name in found.cube.dimensions
    ]
    limits = {"apart": found.cube.apart, "most": found.cube.most, "below": MIN_CELL}
    more = {"days": {}, "later_until": "", "value": value, "readings": readings}
    more["note"] = note
    return {"dimensions": dimensions} | limits | more


def say_apart(found: Groups, about: pd.DataFrame) -> str | None:
    """Name the attributes that are not crossed, since they largely say the same."""
    labels = {_own(name): label for name, label in about["label"].items()}
    pairs = [listed(labels[name] for name in pair) for pair in found.cube.apart]
    return "; ".join(pairs) or None


def condition_in_words(
    about: pd.DataFrame, answers: pd.DataFrame
) -> Callable[[rules.Condition, bool], str]:
    """Give the wording of a rule's question, with the levels of ordered answers.

    Who gave no answer is on the side of no, and may be all who are.
    """
    gaps = answers.columns[answers.isna().any()]
    least = answers.min(numeric_only=True)

    def wording(condition: rules.Condition, answer: bool) -> str:
        row, value = about.loc[condition.field], condition.value
        kind = {"yes_no": "yes", "ordered": "ordered"}.get(row["measure"], "number")
        if isinstance(value, str):
            kind, said = "level", value
        elif condition.field in gaps and value <= least[condition.field]:
            kind, said = "known", ""
        elif kind == "ordered":
            said = row["levels"][
                min(max(int(np.ceil(value)), 0), len(row["levels"]) - 1)
            ]
        elif row["measure"] == "share":
            said = f"{value:.3g}" if value > 1 else f"{100 * value:.3g}%"
        else:
            said = f"{value:,.6g}"
        return words.say(
            "table-people-rule",
            kind=kind,
            label=row["label"],
            value=said,
            answer=answer,
            gaps=condition.field in gaps,
        )

    return wording


def say_mark(
    row: pd.Series,
    about: pd.DataFrame,
    *,
    names: Mapping[int, str] | None = None,
    grade: str = "",
) -> str:
    """Say one difference of `compare` as part of a sentence, with whom it is shared."""
    own = about.loc[row["feature"]]
    others = [names[i] for i in row["shared_with"] if i in names] if names else []
    kind = "hidden" if row["hidden"] else own["kind"]
    return words.say(
        "table-people-mark",
        kind=kind,
        label=own["label"],
        top=len(own["levels"]),
        mean=_written(kind, row["mean"]),
        average=_written(kind, row["average"]),
        gap=_written(kind, row["low"], row["high"]),
        side=row["side"],
        rests=f"; {grade}" if grade else "",
        others=", ".join(others) or None,
    )


def say_marks(
    marks: pd.DataFrame,
    about: pd.DataFrame,
    *,
    names: Mapping[int, str],
    most: int,
) -> list[str]:
    """Say what marks a segment, its rows of `profiles.marks`, `most` on each side."""
    rows = [marks[marks["side"] == side].head(most) for side in ("above", "below")]
    said = [
        say_mark(row, about, names=names, grade=evidence.of([row["used_to_build"]]))
        for _, row in pd.concat(rows).iterrows()
    ]
    return [f"{one}." for one in said] or [words.say("personas-marks-none")]


def say_outcomes(rows: pd.DataFrame, about: pd.DataFrame) -> list[str]:
    """Say how a segment turned out: its rows of `compare` of the outcomes."""
    said = []
    for _, row in rows.iterrows():
        own = about.loc[row["feature"]]
        kind = "hidden" if row["hidden"] else own["kind"]
        names = {"mean": "mean", "low": "mean_low", "high": "mean_high"}
        names["average"] = "average"
        numbers = {name: _written(kind, row[of]) for name, of in names.items()}
        about_it = {"kind": kind, "label": own["label"], "top": len(own["levels"])}
        said.append(
            words.say("table-people-outcome", **about_it, **numbers, side=row["side"])
        )
    return said


def summary(marks: pd.DataFrame, about: pd.DataFrame) -> str:
    """Say in a line what a segment is known by."""
    built = marks[marks["used_to_build"]]
    sides = {
        side: listed(about.loc[rows, "label"]) if len(rows) else None
        for side, most in (("above", 3), ("below", 2))
        for rows in [built.loc[built["side"] == side, "feature"].head(most).tolist()]
    }
    return words.say("table-people-summary", **sides)


def plan(
    marks: pd.DataFrame, about: pd.DataFrame, *, value: str
) -> list[dict[str, str]]:
    """Recommend an offer, a message and a level of service, by the marks of a segment.

    What they ask for more than others is offered. The parts and grades are those of
    `cards.advise`; `value` is the column of money, or empty.
    """
    wanted = marks["feature"].map(about["family"]).isin(WANTS)
    kinds = marks["feature"].map(about["kind"]).isin(["yes", "score"])
    asked = marks[wanted & kinds & (marks["side"] == "above")].head(2)
    labels = about.loc[asked["feature"], "label"].tolist()
    because, grade = words.say("table-people-nothing-asked"), evidence.ASSUMED
    if labels:
        because = "; ".join(say_mark(row, about) for _, row in asked.iterrows())
        grade = evidence.of(asked["used_to_build"])
    said = {"asked": listed(labels) if labels else None}
    offer = {"what": "offer", "advice": words.say("table-people-offer", **said)}
    message = {"what": "message", "advice": words.say("table-people-message", **said)}
    message |= {"because": "words to begin with", "grade": evidence.ASSUMED}
    served = [
        rule for rule in cards.plan_rules({"sales"}) if rule.what == "service level"
    ]
    served = [replace(rule, feature=rule.feature and value) for rule in served]
    levels = cards.advise(
        marks, rules=served if value else [], said=lambda row: say_mark(row, about)
    )
    return [offer | {"because": because, "grade": grade}, message, *levels]


@dataclass(frozen=True)
class Evidence:
    """What is known of all segments, as far as their cards say it."""

    summary: pd.DataFrame  # `sizes` that may be shown, with name and stability
    marks: pd.DataFrame  # `profiles.marks` of `compare`
    about: pd.DataFrame  # of the columns compared, by `spread_out`
    outcomes: pd.DataFrame  # `compare` of the outcomes, empty without one
    outcomes_about: pd.DataFrame
    neighbours: pd.DataFrame  # `profiles.neighbours`
    names: Mapping[int, str]
    who: Mapping[int, str]  # segment id -> what is said of its attributes
    value: str  # column of money, or empty
    value_label: str
    plain: bool  # whether the page, which knows no weights, has the same means

    def of(self, segment_id: int) -> pd.DataFrame:
        """Give the marks of one segment, but for those of who its customers are."""
        own = self.marks[self.marks["segment_id"] == segment_id]
        who = own["feature"].map(self.about["family"]).isin(ATTRIBUTES)
        return own[~who | own["used_to_build"]]


def plans(found: Evidence) -> dict[int, list[dict[str, str]]]:
    """Recommend for each segment what `plan` does."""
    ids = found.summary["segment_id"]
    return {i: plan(found.of(i), found.about, value=found.value) for i in ids[ids > 0]}


def deck(
    found: Evidence, *, advice: Mapping[int, Sequence[Mapping[str, str]]]
) -> list[Persona]:
    """Make one card for each segment of `MIN_CELL` or more, in the order of the summary."""
    rows = found.summary[found.summary["segment_id"].isin([*advice])]
    return [
        Persona(
            row["segment_id"],
            row["name"],
            summary(found.of(row["segment_id"]), found.about),
            _parts(row, advice[row["segment_id"]], found),
        )
        for row in rows.to_dict("records")
    ]


def _parts(
    row: Mapping[str, Any], advice: Sequence[Mapping[str, str]], found: Evidence
) -> dict[str, str | list[str]]:
    """Answer what a card asks, question by question."""
    i, about = row["segment_id"], found.about
    if row["customers"] < MIN_CELL:
        few = words.say("table-people-card-few")
        return {cards.WORTH: few, APART: few, cards.RELIABLE: few}
    marks = found.of(i)
    built = marks["used_to_build"]
    named = {j: name for j, name in found.names.items() if j != i}
    shared = {"names": named}
    parts: dict[str, str | list[str]] = {
        cards.WORTH: say_worth(row, label=found.value_label),
        APART: say_marks(marks[built], about, most=3, **shared),
        ELSE: say_marks(marks[~built], about, most=3, **shared),
    }
    turned = found.outcomes[found.outcomes["segment_id"] == i]
    if len(turned):
        parts[TURNED_OUT] = say_outcomes(turned, found.outcomes_about)
    if i in found.who:
        parts[WHO] = found.who[i]
    near = found.neighbours[found.neighbours["segment_id"] == i]
    texts = {str(j): name for j, name in found.names.items()}
    return parts | {
        "What to do?": cards.say_plan(advice),
        cards.RELIABLE: cards.say_reliability(row),
        "Whom is it confused with?": cards.say_neighbours(near, names=texts),
    }


def say_worth(row: Mapping[str, Any], *, label: str) -> str:
    """Put a segment's size and worth, a row of `sizes` that may be shown, in words."""
    known = {
        name: None for name in ("share_sales", "sales_per_customer", "low", "high")
    }
    return words.say("table-people-worth", **known | facts(row), label=label or None)


def overview(
    found: Evidence,
    made: Sequence[Persona],
    *,
    advice: Mapping[int, Sequence[Mapping[str, str]]],
) -> pd.DataFrame:
    """Add to the summary each segment's one_line, action and stability."""
    lines = {card.segment_id: card.summary for card in made}
    actions = {0: words.say("table-people-action", offer=None)} | {
        i: words.say("table-people-action", offer=rows[0]["advice"])
        for i, rows in advice.items()
    }
    ids = found.summary["segment_id"]
    told = found.summary.reindex(
        columns=[*found.summary.columns.union(["low", "high"])]
    )
    if not found.plain:
        told = told.assign(low=np.nan, high=np.nan)
    return told.assign(
        one_line=[lines.get(i, "") for i in ids],
        action=[actions[i] for i in ids],
        stability=found.summary["recovery"],
    )


def column(
    table: pd.DataFrame, name: str, about: pd.DataFrame
) -> tuple[pd.Series | None, str]:
    """Give a column and its label as within a sentence; nothing where it has no name."""
    if not name:
        return None, ""
    label = about.loc[name, "label"]
    ordinary = label[1:2].islower() or not label[1:2].isalpha()
    return table[name], label[:1].lower() + label[1:] if ordinary else label


def headings(table: pd.DataFrame, label: str, sign: str) -> dict[str, str]:
    """Head the columns of money of `sizes` by the label of the value."""
    heads = {"sales": f"{label}, {sign}", "share_sales": f"share of {label}"}
    heads["sales_per_customer"] = f"{label} per customer, {sign}"
    return {n: head[:1].upper() + head[1:] for n, head in heads.items() if n in table}


def borderline(assigned: pd.DataFrame) -> pd.DataFrame:
    """Give the share of borderline customers of each segment, as borderline_share."""
    share = assigned.groupby("segment_id")["borderline"].mean()
    return share.rename("borderline_share").reset_index()


def attribute_shares(
    found: Groups,
    whom: pd.DataFrame,
    segmented: pd.DataFrame,
    about: pd.DataFrame,
    *,
    names: Mapping[int, str],
) -> pd.DataFrame:
    """Compare attributes (`whom`, of `known`) as `fairness` does, with whether shown."""
    labels = [*whom.columns.drop("customer_id")]
    shares = fairness.attribute_shares(whom, segmented, attributes=labels)
    own = {label: _own(name) for name, label in about["label"].items()}
    shares["shown"] = [
        frozenset({("needs", names[row.segment_id]), (own[row.attribute], row.level)})
        in found.shown
        for row in shares.itertuples(index=False)
    ]
    return shares


def coverage(known: pd.DataFrame) -> pd.DataFrame:
    """Say of how many customers (with customer_id) any attribute is known."""
    any_known = known.drop(columns="customer_id").notna().any(axis=1)
    return pd.DataFrame({"customers": [len(known)], "coverage": [any_known.mean()]})


def heat(
    found: pd.DataFrame,
    marks: pd.DataFrame,
    about: pd.DataFrame,
    *,
    names: Mapping[int, str],
    most: int = 25,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lay out the effects, and the marks, of what built the segments, the largest first."""
    built = found[found["used_to_build"]]
    marked = marks.set_index(["segment_id", "feature"]).index
    bold = built.set_index(["segment_id", "feature"]).index.isin(marked)
    grid = built.assign(bold=bold).pivot(index="feature", columns="segment_id")
    effect = grid["effect"].rename(columns=names)
    order = effect.abs().max(axis=1).sort_values(ascending=False, kind="stable").index
    order, labels = order[:most], about["label"].to_dict()
    shown_bold = grid["bold"].loc[order].rename(columns=names)
    return effect.loc[order].rename(labels), shown_bold.rename(labels)


def profile(
    found: pd.DataFrame, marks: pd.DataFrame, about: pd.DataFrame
) -> pd.DataFrame:
    """Arrange the comparison as `profiles.profile`, without numbers that are hidden."""
    told = profiles.profile(
        found, about.drop(columns="feature").rename_axis("feature").reset_index()
    )
    keys = ["segment_id", "feature"]
    marked = told.set_index(keys).index.isin(marks.set_index(keys).index)
    told["marker"] = marked & told["used_to_build"]
    return told[told["value"].notna()].reset_index(drop=True)


def spoken_marks(marks: pd.DataFrame, about: pd.DataFrame) -> pd.DataFrame:
    """Write marks for a table: segment_id, answer, here, everyone's, difference, effect."""
    own = about.loc[marks["feature"]]
    kinds = np.where(marks["hidden"], "hidden", own["kind"])
    rows = list(zip(kinds, marks.itertuples(index=False), strict=True))
    return pd.DataFrame(
        {
            "segment_id": marks["segment_id"],
            "answer": own["label"].to_numpy(),
            "in_segment": [_written(kind, row.mean) for kind, row in rows],
            "all_classified": [_written(kind, row.average) for kind, row in rows],
            "from_average": [_written(kind, row.low, row.high) for kind, row in rows],
            "effect": marks["effect"],
            "used_to_build": marks["used_to_build"],
        }
    )


def _written(kind: str, value: float, high: float | None = None) -> str:
    name = "number" if high is None else "gap"
    return words.say(f"table-people-{name}", kind=kind, value=value, high=high)


def spoken(
    found: pd.DataFrame, about: pd.DataFrame, *, names: Mapping[Any, str]
) -> pd.DataFrame:
    """Write a comparison for a table: a row a group, and of each column its mean."""
    cells: dict[str, dict[str, str]] = {name: {} for name in names.values()}
    for _, row in found.iterrows():
        own = about.loc[row["feature"]]
        kind = "hidden" if row["hidden"] else own["kind"]
        said = _written(kind, row["mean"])
        if kind != "hidden":
            ends = _written(kind, row["mean_low"]), _written(kind, row["mean_high"])
            said = words.say(
                "table-people-cell",
                mean=said,
                low=ends[0],
                high=ends[1],
                side=row["side"],
            )
        group = names.get(row["segment_id"], str(row["segment_id"]))
        cells.setdefault(group, {})[own["label"]] = said
    told = pd.DataFrame({group: one for group, one in cells.items() if one}).T
    return told.rename_axis("group").reset_index()


def askable(about: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """Name the columns that a form may ask for: none that says who somebody is, or money.

    Either is asked for only where it built the segments.
    """
    own = about[about.index.isin(table)]
    open_to_all = own["role"].eq("") & ~own["family"].isin(ATTRIBUTES)
    return own.index[own["builds"] | open_to_all].tolist()


def golden(
    answers: pd.DataFrame, ids: pd.Series, *, most: int, seed: int
) -> pd.DataFrame:
    """Show how far one, two, three ... answers recover the segments, as `golden_curve`."""
    found = typing_tool.questions(
        answers[[]],
        answers,
        ids,
        most=min(most, answers.shape[1]),
        folds=rules.FOLDS,
        seed=seed,
        by=typing_tool.discriminant,
    )
    guess = rules.agreement(ids, np.full(len(ids), ids.mode()[0]))
    found = found[found["questions"] > 0].reset_index(drop=True)
    names = {"questions": "fields", "fields": "field", "right": "agreement"}
    return found.rename(columns=names).assign(
        majority=guess["majority"], random=guess["random"]
    )


def membership(assigned: pd.DataFrame, names: Mapping[int, str]) -> pd.DataFrame:
    """List customers with segments and how surely each belongs, as `exports.membership`."""
    known = assigned["segment_id"] > 0
    table = assigned.rename(columns={"membership": "probability"}).assign(
        segment=assigned["segment_id"].map(names),
        second_id=assigned["second_id"].where(known).astype("Int64"),
        second=assigned["second_id"].map(names).where(known),
    )
    order = "customer_id segment_id segment probability second_id second borderline"
    return table[[*order.split(), "value_tier"]]


def differs(found: pd.DataFrame) -> bool | None:
    """Say whether any group of `compare` differs from the average; None without any."""
    return bool((found["side"] != "").any()) if len(found) else None


def totals(table: pd.DataFrame, value: pd.Series | None) -> dict[str, Any]:
    """Give the number of customers and the sum of their value, as far as a page may."""
    if len(table) < MIN_CELL:
        return {"customers": suppression.many(len(table))}
    worth = {} if value is None else {"sales": float(value.sum())}
    return {"customers": len(table)} | worth


def glossary(*, grouped: bool) -> dict[str, str]:
    """Give the words of the study that its page explains, without those of orders."""
    about_orders = ("Activity", "Deal proneness", "Too little data", "Index")
    own = {k: v for k, v in profiles.GLOSSARY.items() if k not in about_orders}
    own |= {"Value tier": words.say("table-people-tier")}
    own |= {"Marker": words.say("table-people-marker")}
    del own["Needs segment"]
    if not grouped:
        return {"Value tier": own["Value tier"]}
    return own | {
        FEW: words.say("table-people-few"),
        "Effect": words.say("table-people-effect"),
    }


def no_groups(decided: Mapping[str, Any]) -> Finding:
    """Conclude that no segments are handed on, by decision.json: verdict and why."""
    branch = "unasked" if decided["verdict"] == NOT_LOOKED_FOR else "none"
    why = " ".join(decided.get("against") or [decided["why"]])
    return words.finding(f"table-people-groups-{branch}", why=why)


def offers(
    segments: pd.DataFrame, *, decided: Mapping[str, Any], label: str
) -> Finding:
    """Conclude to plan offers by segment, or to test first where none is reliable.

    `segments`: name, share_customers, share_sales (with a value), recovery, dissolved and
    confidence of those that may be shown.
    """
    sized = [
        words.say(
            "table-people-size", **{"share_sales": None} | facts(row), label=label
        )
        for _, row in segments.iterrows()
    ]
    reliable = segments["confidence"].isin([*cards.CONFIDENCE]).any()
    return words.finding(
        f"table-people-offers-{'go' if reliable else 'unsure'}",
        number=len(segments),
        names=listed(segments["name"]),
        sizes="; ".join(sized),
        reliable=conclusions.reliable(segments.dropna(subset=["recovery"])),
        natural=decided["verdict"] == "natural",
    )


def value(
    tiers: pd.DataFrame,
    segments: pd.DataFrame,
    found: pd.DataFrame,
    *,
    label: str,
) -> Finding:
    """Conclude what value tiers and segments say of worth.

    `tiers` and `segments` are `sizes` that may be shown (no segments: empty); `found`
    are the rows of `compare` of the value column, by segment.
    """
    ranked = segments.dropna(subset=["sales_per_customer"])
    tiers = tiers.dropna(subset=["share_sales"])
    if tiers.empty and len(ranked) < 2:
        return words.finding("table-people-value-unknown", label=label)
    size = words.say("table-people-tier-hidden")
    if len(tiers):
        top = facts(tiers.iloc[0])
        size = words.say("table-people-tier-size", label=label, **top)
    said: dict[str, Any] = {"label": label, "size": size}
    if len(ranked) < 2:
        return words.finding("table-people-value-tiers", **said)
    ends = ranked["sales_per_customer"]
    most, least = ranked.loc[ends.idxmax()], ranked.loc[ends.idxmin()]
    said |= {"most": most["name"], "least": least["name"]}
    said |= {"mean": most["sales_per_customer"], "other": least["sales_per_customer"]}
    said |= {"low": most["low"], "high": most["high"]}
    clear = int((found["side"] != "").sum()) if len(found) else 0
    branch = "differs" if clear else "alike"
    return words.finding(f"table-people-value-{branch}", number=clear, **said)


def outcomes(
    found: pd.DataFrame, about: pd.DataFrame, *, names: Mapping[int, str]
) -> Finding:
    """Conclude whether segments differ in their outcomes, by `compare`; which most."""
    if found.empty:
        return words.finding("table-people-outcomes-none")
    labels = listed(about["label"])
    clear = found[(found["side"] != "") & ~found["hidden"]]
    if clear.empty:
        return words.finding("table-people-outcomes-alike", labels=labels)
    row = clear.loc[clear["effect"].abs().idxmax()]
    said = say_mark(row.copy(), about)
    named = names[int(row["segment_id"])]
    return words.finding(
        "table-people-outcomes-differ",
        labels=labels,
        name=named,
        said=said,
        clear=len(clear),
    )


def rule_card(
    questions: Sequence[str],
    agreement: pd.DataFrame | None,
    by_segment: pd.DataFrame | None,
) -> Finding:
    """Conclude whether a few questions assign customers; as `conclusions.rule_card`.

    `questions` are labels; `agreement` is of rules on them, its first row the card.
    """
    if agreement is None:
        return words.finding("personas-rules-unjudged")
    card = agreement.iloc[0][["agreement", "majority", "low", "high"]].to_dict()
    if by_segment is None:
        return words.finding("table-people-rules-no-better", **card)
    ends = {"least": by_segment["recall"].min(), "most": by_segment["recall"].max()}
    return words.finding(
        "table-people-rules-work",
        **card,
        **ends,
        number=len(questions),
        questions=listed(questions),
    )


def answer(
    decided: Mapping[str, Any],
    *,
    segments: int,
    differs: bool | None,
    label: str,
    judged: bool | None,
) -> str:
    """Answer the study's question in three sentences or so.

    `differs`: whether value differs by segment (None without either), `label` the name
    of value; `judged`: whether outcomes do (None without an outcome).
    """
    grouped = "natural" if decided["verdict"] == "natural" else "cut"
    if not segments:
        grouped = "unasked" if decided["verdict"] == NOT_LOOKED_FOR else "none"
    return words.say(
        "table-people-answer",
        groups=grouped,
        number=segments,
        why=decided.get("why", ""),
        differs=differs,
        label=label or None,
        judged=judged,
    )


def built_of(about: pd.DataFrame, sensitive: Sequence[str]) -> list[Finding]:
    """Conclude that segments are built from who customers are, where they are."""
    if not sensitive:
        return []
    labels = about.loc[list(sensitive), "label"]
    said = {"built": listed(labels), "number": len(labels)}
    return [words.finding("table-people-attributes-built", **said)]


def typing(
    branch: str,
    right: pd.DataFrame | None,
    chosen: pd.Series | None,
    *,
    asked: Mapping[str, Any] | None,
    guessed: float,
    confidence: float,
    **said: object,
) -> Finding:
    """Conclude whether to name the segment of newcomers, by `typing_tool.verdict`.

    `right` compares the classifier, its first row, with the best column, its second;
    None, and the branch "none", where nothing is known at the start. `chosen` is the row
    of `confidence_table` in use, `asked` of `leads.conclusions.asked`, or None.
    """
    helps = "none" if asked is None else "helps" if asked["helps"] else "no"
    questions = words.say(
        "table-typing-questions",
        branch=helps,
        **(asked or {"first": "", "questions": 0, "after": 0.0, "before": 0.0}),
    )
    said |= {"guessed": guessed, "questions": questions, "confidence": confidence}
    if right is None:
        return words.finding("table-typing-ask", **said)
    whole, rival = right.iloc[0], right.iloc[1]
    said |= whole[["agreement", "low", "high"]].to_dict()
    said |= {"field": rival["way"].removeprefix("one field: ")}
    said |= {"field_agreement": rival["agreement"]}
    if chosen is not None:
        ends = {"right_low": chosen["low"], "right_high": chosen["high"]}
        said |= {"typed": chosen["typed"], "right": chosen["right"]} | ends
    return words.finding(f"table-typing-{branch}", **said)
