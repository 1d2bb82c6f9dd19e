"""Say what the evidence on a customer table allows: findings and the deciding paragraph."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.clustering import criteria
from helpers.clustering.conclusions import counted, missed_by, sentences
from helpers.customer_table import usefulness
from helpers.customer_table.study import Candidate, Decision
from helpers.disclosure.suppression import part
from helpers.display import words

Finding = Mapping[str, Any]
ALIKE = 0.8  # adjusted Rand index from which two methods draw much the same lines


def candidate(at: Candidate | None) -> str:
    """Name a method and a number of segments, such as 4 segments by latent classes."""
    if at is None:
        return "none"
    return words.say("table-choice-candidate", method=at[0], k=int(at[1]))


def rivals(
    labels: Mapping[Candidate, np.ndarray], found: Decision
) -> dict[str, np.ndarray]:
    """Name the segments handed on, and beside them neighbours and other methods.

    `labels` are of the study. Neighbours are one segment fewer and more; the runner-up is
    among them.
    """
    own = [(found.method, found.k + step) for step in (0, -1, 1)]
    others = [(name, found.k) for name, _ in labels if name != found.method]
    runner_up = [found.runner_up] if found.runner_up else []
    wanted = dict.fromkeys([*own, *others, *runner_up])
    return {candidate(at): labels[at] for at in wanted if at in labels}


def _column(at: Candidate) -> str:
    return f"{at[0]} {at[1]}"  # of the table `Study.explained`


def _came_about(found: Decision) -> dict[str, Any]:
    how = "knocked-out" if found.by_criteria is None else "criteria"
    return {
        "how": "overridden" if found.overridden else how,
        "named": candidate((found.method, found.k)),
        "by_criteria": found.by_criteria,  # segments, of this method
        "runner_up": candidate(found.runner_up),
        "verdict": found.verdict,
        "tied": len(found.ties),
        "ties": counted(found.ties),
    }


def decided(found: Decision) -> str:
    """Say the decision in a sentence or two."""
    return words.say("table-choice-decided", **_came_about(found))


def against(
    table: pd.DataFrame, found: Decision, limits: criteria.Limits, *, tiers: bool
) -> list[str]:
    """Say why no segments are handed on, in sentences; nothing if they are.

    They are what speaks against the candidate that misses the fewest criteria. `table`
    is that of `criteria.judge`; `tiers` says whether gains are beyond value tiers.
    """
    if found.verdict != criteria.NOT_USABLE:
        return []
    missed = criteria.missed(table, limits)
    nearest = missed.sum(axis=1).idxmin()
    if found.overridden:
        nearest = (found.method, found.k)
    rows = table.loc[nearest], missed.loc[nearest]
    first, *others = missed_by(*rows, limits, beyond="tiers" if tiers else "nothing")
    named = candidate(nearest)
    said = words.say("table-choice-against", named=named, first=first)
    return [said, *sentences(others)]


def tried(table: pd.DataFrame) -> dict[str, int]:
    """Count the candidates of a table by method and k."""
    methods, k_values = (table.index.get_level_values(i) for i in range(2))
    found = {"methods": methods.nunique(), "tried": len(table)}
    return found | {"first": int(k_values.min()), "last": int(k_values.max())}


def deciding(
    table: pd.DataFrame,
    found: Decision,
    limits: criteria.Limits,
    explained: pd.DataFrame,
    *,
    aim: str,
    tiers: bool,
    borderline: pd.Series,
    others: pd.Series,
    reasons: Sequence[str],
) -> str:
    """Write the deciding paragraph: what was chosen, given up, and what would change it.

    `table` is that of `criteria.judge`, by method and k; `explained` of the study, for
    the outcome called `aim`; `tiers` says whether there are value tiers; `borderline`
    says of each customer whether they are; `others` is the agreement (ari) of other
    preparations; `reasons` are those of :func:`against`.
    """
    every = tried(table)
    if reasons:
        missed = criteria.missed(table, limits).drop(columns="alpha")
        parameters = counted(missed.columns[missed.any()])
        facts = {"why": " ".join(reasons), "missed": parameters, "tiers": tiers}
        return words.say("table-choice-deciding-none", **facts, **every)
    row = table.loc[(found.method, found.k)]
    facts = _came_about(found) | {"aim": usefulness.plain(aim)}
    passing = table[table["passes"]]
    first = _first(passing)
    chosen = words.say(
        "table-choice-deciding-chosen",
        passing=len(passing),
        agreement=row["agreement"],
        weakest=row["weakest"],
        **facts,
        **every,
        best=candidate(first),
        why=_why(found, first, explained),
        **_start(passing, first),
        **_step(found, explained),
    )
    given_up = words.say(
        "table-choice-deciding-given-up",
        borderline=part(borderline.sum(), of=len(borderline)),
        p=row["p"],
        null=row["null"],
        low=others.min(),
        verdict=found.verdict,
    )
    change = words.say(
        "table-choice-deciding-change",
        min_agreement=f"{limits.min_agreement:g}",
        min_step=f"{limits.min_step:g}",
        alpha=f"{limits.alpha:g}",
        judged=not explained.empty,
        **facts,
    )
    return f"{chosen} {given_up} {change}"


def _first(passing: pd.DataFrame) -> Candidate | None:
    """Take the candidate of the largest excess over null references, of natural ones first."""
    natural = passing[passing["verdict"] == criteria.NATURAL]
    excess = (passing if natural.empty else natural)["excess"].dropna()
    return None if excess.empty else excess.idxmax()


def _start(passing: pd.DataFrame, first: Candidate | None) -> dict[str, Any]:
    if first is None:
        return {"start": "none" if passing.empty else "unknown", "excess": np.nan}
    row = passing.loc[first]
    start = "natural" if row["verdict"] == criteria.NATURAL else "largest"
    return {"start": start, "excess": row["excess"]}


def _why(found: Decision, first: Candidate | None, explained: pd.DataFrame) -> str:
    """Say why another than the first is taken, if so."""
    at = (found.method, found.k)
    if found.overridden or first in (None, at):
        return "none"
    if not explained.empty:
        step = explained[_column(at)] - explained[_column(first)]
        if step.iloc[1:].quantile(0.025) > 0:
            return "explains"
    tied = first[0] == found.method and first[1] in found.ties
    return "finest" if tied else "easiest"


def _step(found: Decision, explained: pd.DataFrame) -> dict[str, Any]:
    """Say how much of the outcomes is explained, beside the runner-up."""
    if explained.empty:
        return {"step": "unjudged", "share": 0, "by": 0}
    share = explained[_column((found.method, found.k))].iloc[0]
    if found.runner_up is None:
        return {"step": "alone", "share": share, "by": 0}
    by = 100 * (share - explained[_column(found.runner_up)].iloc[0])
    return {"step": "more" if by > 0 else "no-more", "share": share, "by": abs(by)}


def methods_agree(between: pd.DataFrame, *, k: int) -> str:
    """Say whether methods draw the same lines at k, by `scores.between_methods`."""
    at = between[between["k"] == k]
    if at.empty:
        return words.say("table-choice-one-method")
    most = at.loc[at["ari"].idxmax()]
    low, high = at["ari"].min(), at["ari"].max()
    return words.say(
        "table-choice-methods",
        branch="alike" if low >= ALIKE else "some" if high >= ALIKE else "other",
        first=words.say("table-choice-method", method=most["method"]),
        second=words.say("table-choice-method", method=most["other"]),
        **{"k": k, "low": low, "high": high},
    )


def used(
    table: pd.DataFrame,
    found: Decision,
    *,
    borderline: pd.Series,
    others: pd.Series,
    methods: str,
    unjudged: str,
) -> Finding:
    """Conclude to use the segments, and as what.

    Parameters as for :func:`deciding`; `methods` is the sentence of
    :func:`methods_agree`, `unjudged` says why usefulness was not judged, if so.
    """
    facts = table.loc[(found.method, found.k)].to_dict() | _came_about(found)
    return words.finding(
        "table-choice-use",
        borderline=part(borderline.sum(), of=len(borderline)),
        some_borderline=borderline.any(),
        low=others.min(),
        methods=methods if methods.endswith(".") else f"{methods}.",
        unjudged=unjudged,
        **facts,
    )


def useful(benchmark: pd.DataFrame, *, ours: str, aim: str) -> Finding:
    """Conclude what the segments are good for, beside simpler groupings and scores.

    `benchmark` is of `predictive_validity`, of whose designs `ours` are the segments. A
    rival explains more where its interval lies above theirs.
    """
    rows = benchmark[benchmark["outcome"] == aim].set_index("design")
    own, scores = rows.loc[ours], rows.loc[usefulness.SCORES]
    simple = rows.loc[
        [n for n in (usefulness.TIERS, usefulness.BEST_COLUMN) if n in rows.index]
    ]
    best = simple.loc[simple["alone"].idxmax()]
    branch = "segments"
    if scores["alone_low"] > own["alone_high"]:
        branch = "scores"
    if best["alone_low"] > own["alone_high"]:
        branch = "rival"
    if not own["alone_low"] > 0:
        branch = "nothing"
    facts = {"segments": own, "scores": scores}
    shares = {
        # An estimate below 0 explains nothing; the ends of intervals stay as they are.
        f"{name}{end}": row[f"alone{end}"] if end else max(row["alone"], 0)
        for name, row in facts.items()
        for end in ("", "_low", "_high")
    }
    rivals = [
        words.say("table-choice-rival", name=f"the {name}", share=max(row["alone"], 0))
        for name, row in simple.iterrows()
    ]
    return words.finding(
        "table-choice-useful",
        branch=branch,
        named=ours,
        aim=usefulness.plain(aim),
        rival=f"the {best.name}",
        rivals=", ".join(rivals),
        random=max(rows.loc[usefulness.RANDOM, "alone"], 0),
        **shares,
    )


def style(found: Mapping[str, float], *, max_style: float) -> dict[str, Any]:
    """Say as facts whether segments count as styles of answering, from `max_style` on.

    `found` is of `usefulness.style`.
    """
    return dict(found) | {
        "branch": "style" if found["explained"] >= max_style else "content"
    }
