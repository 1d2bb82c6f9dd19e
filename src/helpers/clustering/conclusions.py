"""Say what the evidence allows: findings, the deciding paragraph, or why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from helpers.clustering import criteria
from helpers.disclosure.suppression import part
from helpers.display import words

Finding = Mapping[str, Any]
# Criteria of the deciding table -> the limit that each is compared with.
_HEADS = criteria.LIMITED | {
    "excess": "min_excess",
    "p_weeks": "alpha",
    "explained_low": "alpha",
    "p": "alpha",
    "strength": "min_strength",
}

_ALL_SCORES = "continuous need scores"
QUINTILES = "quintiles"  # of sales, which a gain is measured against


def asked(limits: criteria.Limits, *, beyond: str = QUINTILES) -> pd.DataFrame:
    """List the criteria: what each asks, its limit, and the parameter that sets it.

    `beyond` is what a gain is measured against: quintiles, tiers or nothing.
    """
    rows = [
        (words.say(f"choice-limit-{name}", beyond=beyond), f"{value:g}", name)
        for name, value in asdict(limits).items()
        if value is not None
    ]
    return pd.DataFrame(rows, columns=["asks", "limit", "parameter"])


def heads(limits: criteria.Limits, *, beyond: str = QUINTILES) -> dict[str, str]:
    """Head the columns of the deciding table by what they ask, and by the parameter.

    `beyond` is as for :func:`asked`.
    """
    given = {column: getattr(limits, limit) for column, limit in _HEADS.items()}
    return {
        column: words.say(f"choice-head-{column}", limit=f"{value:g}", beyond=beyond)
        for column, value in given.items()
        if value is not None
    }


def counted(numbers: Sequence[object]) -> str:
    """Write numbers of segments as a list: 2, 3 and 5; "none" of none or a missing one."""
    *some, last = ["none" if pd.isna(n) else str(n) for n in numbers] or ["none"]
    return " and ".join(filter(None, [", ".join(some), last]))


def _came_about(found: criteria.Decision) -> dict[str, Any]:
    how = "knocked-out" if found.by_criteria is None else "criteria"
    facts = {"how": "overridden" if found.overridden else how, "tied": len(found.ties)}
    return asdict(found) | facts | {"ties": counted(found.ties)}


def decided(found: criteria.Decision) -> str:
    """Say the decision in a sentence or two."""
    return words.say("choice-decided", **_came_about(found))


def path(
    table: pd.DataFrame, limits: criteria.Limits, explained: pd.DataFrame, *, aim: str
) -> str:
    """Say how the criteria come from the largest excess to the number they take.

    Parameters as for :func:`deciding`. Nothing where fewer than two numbers pass.
    """
    if table["passes"].sum() < 2:
        return ""
    through = criteria.path(table, explained, limits.min_step)
    (first, _), *steps = through.items()
    said = [
        words.say("choice-path-step", n=n, k=k, by=100 * by, aim=aim)
        for n, (k, by) in enumerate(steps)
    ]
    between = table.loc[first : max(through)].query("not passes")
    columns, missed = {limit: of for of, limit in criteria.LIMITED.items()}, []
    for k, name in between["misses"].items():
        limit = getattr(limits, name) if name in columns else None
        facts = {"k": k, "misses": name, "limit": limit}
        facts["value"] = table.loc[k].get(columns.get(name), np.nan)
        missed.append(words.say("choice-path-missed", **facts))
    excess, verdict = table.loc[first, ["excess", "verdict"]]
    start = "natural" if verdict == criteria.NATURAL else "largest"
    return words.say(
        "choice-path",
        start="unknown" if pd.isna(excess) else start,
        first=first,
        excess=excess,
        steps=len(steps),
        said=", and ".join(said),
        least=100 * limits.min_step,
        judged=not explained.empty,
        taken=max(through),
        missed=" ".join(missed),
    )


def against(
    table: pd.DataFrame, found: criteria.Decision, limits: criteria.Limits
) -> list[str]:
    """Say why no segments are handed on, in sentences; nothing if they are.

    They are what speaks against the number that misses the fewest criteria. `table` is
    that of `criteria.judge`, with p_weeks.
    """
    if found.verdict != criteria.NOT_USABLE:
        return []
    missed = criteria.missed(table, limits)
    nearest = found.k if found.overridden else missed.sum(axis=1).idxmin()
    first, *others = missed_by(table.loc[nearest], missed.loc[nearest], limits)
    return [words.say("choice-against", k=nearest, first=first), *sentences(others)]


def missed_by(
    row: pd.Series,
    missed: pd.Series,
    limits: criteria.Limits,
    *,
    beyond: str = QUINTILES,
) -> list[str]:
    """Say in clauses which criteria a candidate misses, by its rows of two tables.

    They are those of `criteria.judge` and `criteria.missed`; `beyond` as for `asked`.
    """
    reasons = []
    if row.get("p_weeks", np.nan) > limits.alpha:
        reasons.append(words.say("choice-missed-p_weeks", p=row["p_weeks"]))
    if row["explained_low"] <= 0:
        reasons.append(words.say("choice-missed-explained_low", beyond=beyond))
    for name, limit in limits.least().items():
        if missed[criteria.LIMITED[name]]:
            facts = {"value": row[name], "limit": limit, "known": pd.notna(row[name])}
            reasons.append(words.say(f"choice-missed-{name}", beyond=beyond, **facts))
    return reasons


def sentences(clauses: Sequence[str]) -> list[str]:
    """Turn clauses into sentences."""
    return [f"{clause[:1].upper()}{clause[1:]}." for clause in clauses]


def deciding(
    table: pd.DataFrame,
    found: criteria.Decision,
    limits: criteria.Limits,
    explained: pd.DataFrame,
    *,
    aim: str,
    borderline: pd.Series,
    others: pd.Series,
    reasons: Sequence[str],
) -> str:
    """Write the deciding paragraph: what was chosen, given up, and what would change it.

    `table` is that of `criteria.judge`; `explained` of `criteria.Study`, for the outcome
    called `aim`; `borderline` says of each customer whether they are; `others` is the
    agreement (ari) of other preparations; `reasons` are those of :func:`against`.
    """
    tried = {"first": int(table.index.min()), "last": int(table.index.max())}
    if reasons:
        missed = criteria.missed(table, limits).drop(columns="alpha")
        parameters = counted(missed.columns[missed.any()])
        said = " ".join(reasons)
        return words.say("choice-deciding-none", why=said, missed=parameters, **tried)
    row, passing = table.loc[found.k], table.index[table["passes"]]
    other = found.runner_up
    step = {"step": "unjudged" if explained.empty else "alone", "share": 0, "by": 0}
    if not explained.empty:
        step["share"] = explained[found.k].iloc[0]
        if other is not None:
            by = 100 * (step["share"] - explained[other].iloc[0])
            step |= {"step": "more" if by > 0 else "no-more", "by": abs(by)}
    chosen = words.say(
        "choice-deciding-chosen",
        passing=len(passing),
        passed=counted(passing),
        aim=aim,
        path=path(table, limits, explained, aim=aim),
        agreement=row["agreement"],
        weakest=row["weakest"],
        **_came_about(found),
        **tried,
        **step,
    )
    given_up = words.say(
        "choice-deciding-given-up",
        verdict=found.verdict,
        borderline=part(borderline.sum(), of=len(borderline)),
        p=row["p"],
        null=row["null"],
        low=others.min(),
        high=others.max(),
    )
    change = words.say(
        "choice-deciding-change",
        verdict=found.verdict,
        min_agreement=f"{limits.min_agreement:g}",
        min_step=f"{limits.min_step:g}",
        aim=aim,
        alpha=f"{limits.alpha:g}",
        judged=not explained.empty,
    )
    return f"{chosen} {given_up} {change}"


def used(
    table: pd.DataFrame,
    found: criteria.Decision,
    *,
    borderline: pd.Series,
    others: pd.Series,
    same_lines: bool,
    samples: str,
) -> Finding:
    """Conclude to use the segments, and as what.

    `borderline` says of each customer whether they are; `others` is the agreement (ari)
    of other preparations, `same_lines` whether other methods draw the same lines,
    `samples` the sentence of :func:`said_of_samples`.
    """
    facts = _came_about(found) | table.loc[found.k].to_dict()
    return words.finding(
        "choice-use",
        borderline=part(borderline.sum(), of=len(borderline)),
        some_borderline=borderline.any(),
        low=others.min(),
        high=others.max(),
        same_lines=same_lines,
        samples=samples,
        **facts,
    )


def said_of_samples(samples: pd.DataFrame, *, min_agreement: float) -> str:
    """Say whether the decision depends on the sample: nothing where there is only one.

    `samples` are those of `sampling.compare`; `min_agreement` is the least adjusted Rand
    index of centres that are called alike.
    """
    if len(samples) < 2:
        return ""
    takes, ari = samples["takes"], samples["ari"]
    same_number = takes.notna().all() and len(set(takes)) == 1
    same_lines = ari.min() >= min_agreement
    return words.say(
        "choice-samples",
        customers=samples["customers"].min(),
        takes=counted(list(takes)),
        ari=ari.mean(),
        least=ari.min(),
        excess=samples["excess"].mean(),
        branch=f"{'same' if same_number else 'other'}-number-"
        f"{'same' if same_lines else 'other'}-lines",
    )


def beside_rivals(
    found: pd.DataFrame, random: pd.Series, *, ours: str, k: int, aim: str
) -> dict[str, Any]:
    """Gather what segments, random centres and scores explain of one outcome, as facts.

    `found` is `predictive_validity.benchmark` for it, indexed by design, of which `ours`
    are the segments; `random` is what each draw of random centres explains. Scores
    explain more or less than segments where the intervals lie apart.
    """
    facts: dict[str, Any] = {"k": k, "outcome": aim, "draws": len(random)}
    facts |= {"random": random.mean(), "least": random.min(), "most": random.max()}
    named = {"segments": ours, "two": "two component scores", "every": _ALL_SCORES}
    for name, design in named.items():
        for end in ("", "_low", "_high"):
            facts[name + end] = found.loc[design, f"alone{end}"]
        more = facts[f"{name}_low"] > facts["segments_high"]
        less = facts[f"{name}_high"] < facts["segments_low"]
        facts[f"{name}_place"] = "more" if more else "less" if less else "as-much"
    return facts | {"adds": facts["segments"] > facts["most"]}


def value_and_needs(
    table: pd.DataFrame, *, ours: str, aim: str, usable: bool
) -> list[Finding]:
    """Conclude what value tier and activity predict, and what needs segments do.

    `table` is `predictive_validity.benchmark`, of whose designs `ours` are the segments;
    nothing where later sales could not be judged.
    """
    rows = table.set_index("design").groupby("outcome")
    sales = rows.get_group("later sales (log)")
    if sales["alone"].isna().all():
        return []
    rules, of_aim = sales.loc["value tier x activity"], rows.get_group(aim)["alone"]
    judged = of_aim.notna().all()
    branch = "rules-and-needs" if judged and usable else "rules"
    finding = words.finding(
        "choice-value-and-needs",
        branch=branch if rules["alone_low"] > 0 else "nothing",
        judged=judged,
        aim=aim,
        rules=rules["alone"],
        low=rules["alone_low"],
        high=rules["alone_high"],
        quintiles=sales.loc["spend quintiles", "alone"],
        segments=sales.loc[ours, "alone"],
        segments_aim=of_aim[ours],
        quintiles_aim=of_aim["spend quintiles"],
        scores_aim=of_aim[_ALL_SCORES],
    )
    return [finding]
