"""Decide on a number of segments by criteria that were written down beforehand."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.clustering import (
    methods,
    null_models,
    null_references,
    predictive_validity,
    stability,
)
from helpers.core import paths, store
from helpers.core.errors import BadInput, TooLittle
from helpers.disclosure.suppression import MIN_CELL
from helpers.runs.run_file import AUTO

NATURAL, REPRODUCIBLE, CONSTRUCTIVE = "natural", "reproducible", "constructive"
NOT_USABLE = "not usable"
NOT_LOOKED_FOR, NOT_MEASURED = "not looked for", "not measured"
QUINTILES = "spend quintiles"
# Criterion, a column of `Study.criteria` -> the limit that it must reach.
LIMITED = {
    "smallest": "min_share",
    "agreement": "min_agreement",
    "weakest": "min_recovery",
    "gain": "min_gain",
}


@dataclass(frozen=True)
class Limits:
    """What a number of segments must reach, under the names of notebook 3's parameters.

    A limit of `LIMITED` that is None is not asked, as `min_gain` without later months.
    """

    min_share: float | None
    min_agreement: float | None
    min_excess: float
    min_recovery: float | None
    min_gain: float | None
    alpha: float
    min_step: float
    min_strength: float
    natural_excess: float

    def asking(self, *, gain: bool) -> "Limits":
        """Ask for no gain where later months cannot be judged."""
        return self if gain else replace(self, min_gain=None)

    def least(self) -> dict[str, float]:
        """Return the criteria that are asked, with their least values."""
        every = {column: getattr(self, limit) for column, limit in LIMITED.items()}
        return {column: value for column, value in every.items() if value is not None}


@dataclass(frozen=True)
class Study:
    """What one table of customers says of every number of segments."""

    scores: pd.DataFrame  # customers x features
    centres: dict[int, np.ndarray]  # k -> centres of k-means, k x features
    labels: dict[int, np.ndarray]  # k -> segment of each customer, from 0
    again: stability.Resampled
    halves: pd.DataFrame  # of `stability.split`
    held: pd.DataFrame  # of `null_references.hold`; empty without null models
    explained: pd.DataFrame  # of `predictive_validity.explained`; empty if not judged
    criteria: pd.DataFrame  # of `measure`, indexed by k


def study(
    scores: pd.DataFrame,
    *,
    k_values: range,
    seed: int,
    n_init: int,
    n_bootstrap: int,
    n_splits: int,
    bootstrap_n_init: int,
    half_n_init: int,
    models: Mapping[str, null_models.NullModel],
    references: int = 80,
    features: pd.DataFrame | None = None,
    prepare: Callable[[pd.DataFrame], stability.Prepared] = stability.AsItIs,
    aim: predictive_validity.Outcome | None = None,
    sales: pd.Series | None = None,
    folds: int = 5,
    validity_n_bootstrap: int = 500,
) -> Study:
    """Measure all that decides on the number of segments, for any scores.

    `scores` are customers x features; without `models`, by name, the columns on null
    references are missing. `features` are what is resampled, and `prepare` scores them
    anew in each resample; else the scores themselves. `aim` is what the same customers
    did later, `sales` those before, whose quintiles are the rival.

    The criteria hold, by k: smallest (share of customers in the smallest segment),
    agreement (mean adjusted Rand index of pairs of resampled studies), weakest (the
    least mean `jaccard` of a segment with its match in them); halves and strength
    (means of `stability.split`) with strength_error; reference_agreement,
    reference_strength, null, p and p_error of `null_references.strictest`; excess and
    excess_error, see `null_references.excess`; gain (share of the outcome explained,
    less that of spend quintiles) and explained_low (lower end of its 95 % interval).
    """
    values = methods.check(scores, least=2 * max(k_values))
    centres = {
        k: methods.kmeans(values, k=k, seed=seed, n_init=n_init) for k in k_values
    }
    labels = {k: methods.nearest(values, found) for k, found in centres.items()}
    settings: dict[str, Any] = {"k_values": k_values, "seed": seed}
    again = stability.resample(
        scores if features is None else features,
        prepare=prepare,
        n_bootstrap=n_bootstrap,
        n_init=bootstrap_n_init,
        **settings,
    )
    halves = stability.split(scores, n_splits=n_splits, n_init=half_n_init, **settings)
    held = null_references.hold(
        halves,
        models,
        measure=_reference_halves(scores, k_values, half_n_init),
        references=references,
        seed=seed,
    )
    explained = pd.DataFrame(columns=[QUINTILES, *k_values], dtype=float)
    if aim is not None:
        parts = predictive_validity.quantiles(sales, parts=5)
        labellings: dict[Any, Any] = {QUINTILES: parts, **labels}
        explained = predictive_validity.explained(
            labellings, aim, folds=folds, n_bootstrap=validity_n_bootstrap, seed=seed
        )
    return Study(
        scores=scores,
        centres=centres,
        labels=labels,
        again=again,
        halves=halves,
        held=held,
        explained=explained,
        criteria=measure(labels, again, halves, held, explained),
    )


def under_preparations(
    features: pd.DataFrame,
    *,
    fit: Callable[..., null_models.Scorer],
    choices: Sequence[Mapping[str, object]],
    halves: tuple[pd.DataFrame, pd.DataFrame],
    k: int,
    first: str,
    limits: Limits,
    references: int,
    n_splits: int,
    n_init: int,
    seed: int,
) -> pd.DataFrame:
    """Compare k segments with null references under each choice of preparation.

    `choices` are passed to `fit` as keywords; `halves` as in `null_models.fitted`.
    Returns a row a choice: its keywords, the columns of `Study.criteria` that the
    verdict reads, and the verdict. p is that of this k alone. The null model `first` is
    tried first; the others only where its p is at most `alpha`, since one that is not
    beaten decides. All are missing, and the verdict is "not measured", where the choice
    leaves fewer different customers than two halves of k segments need.
    """
    rows = []
    for choice in choices:
        prepared = fit(features, **choice)
        scores = prepared.transform(features)
        scores = scores.loc[:, (scores != scores.iloc[0]).any()]
        # pandas takes all rows of a table without columns for different ones.
        different = len(scores.drop_duplicates()) if scores.shape[1] else 1
        if different < 4 * k:
            rows.append(choice)
            continue
        found = stability.split(
            scores, k_values=[k], n_splits=n_splits, seed=seed, n_init=n_init
        )
        models = null_models.fitted(scores, features, prepared=prepared, halves=halves)
        held = []
        for name in sorted(models, key=lambda name: name != first):
            held.append(
                null_references.hold(
                    found,
                    {name: models[name]},
                    measure=_reference_halves(scores, [k], n_init),
                    references=references,
                    seed=seed,
                    enough=2,
                )
            )
            if held[-1]["p"].iloc[0] > limits.alpha:
                break
        rows.append(
            choice
            | beside_null(found, pd.concat(held, ignore_index=True)).loc[k].to_dict()
        )
    table = pd.DataFrame(rows).reindex(columns=[*choices[0], *_COMPARED])
    words = pd.Series(_words(table, limits), index=table.index)
    return table.assign(verdict=words.where(table["p"].notna(), NOT_MEASURED))


def _reference_halves(
    scores: pd.DataFrame, k_values: Sequence[int], n_init: int
) -> Callable[[pd.DataFrame, int], pd.DataFrame]:
    settings = {"n_splits": few_splits(len(scores)), "n_init": n_init}
    return functools.partial(null_references.in_halves, k_values=k_values, **settings)


def few_splits(customers: int) -> int:
    """Say in how many halvings a reference is measured: 2 to 16.

    Of few customers halvings differ more, and cost less.
    """
    return int(np.clip(1200 // customers, 2, 16))


def measure(
    labels: Mapping[int, ArrayLike],
    again: stability.Resampled,
    halves: pd.DataFrame,
    held: pd.DataFrame,
    explained: pd.DataFrame,
) -> pd.DataFrame:
    """Gather the criteria of `Study`, indexed by k."""
    share = {
        k: pd.Series(own).value_counts(normalize=True) for k, own in labels.items()
    }
    recovery = stability.recovered(stability.recovery(again, labels))
    predicted = explained[list(labels)]
    table = pd.DataFrame(
        {
            "smallest": {k: found.min() for k, found in share.items()},
            "agreement": stability.agreement(again).groupby("k")["ari"].mean(),
            "weakest": recovery.groupby("k")["jaccard"].min(),
            "gain": predicted.sub(explained[QUINTILES], axis=0).head(1).mean(),
            "explained_low": predicted.iloc[1:].quantile(0.025),
        }
    ).rename_axis("k")
    return table.join(beside_null(halves, held))


def beside_null(
    halves: pd.DataFrame, held: pd.DataFrame, keys: Sequence[str] = ("k",)
) -> pd.DataFrame:
    """Set what halves agree on beside the null references, by k or other `keys`."""
    by = list(keys)
    by_k = halves.groupby(by, sort=False)
    table = pd.DataFrame(
        {
            "halves": by_k["agreement"].mean(),
            "strength": by_k["strength"].mean(),
            "strength_error": by_k["strength"].sem(),
        }
    )
    strictest = null_references.strictest(held, by).reindex(table.index)
    table = table.join(strictest.drop(columns=["low", "high"]))
    return table.join(null_references.excess(halves, strictest, by))


def missed(criteria: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """Mark at each k the limits that it misses: a column for each, True where missed.

    The agreement reaches its own also where it lies beyond the null references (p at
    most `alpha`) and `excess` reaches `min_excess`: many segments agree less than few,
    whatever the customers are. `alpha` is missed where customers change segment between
    odd and even weeks as by chance, or nothing later is explained beyond chance. What
    could not be measured is missed, but for `alpha`.
    """
    asked = limits.least()
    reached = criteria[list(asked)] >= pd.Series(asked)
    if "agreement" in reached:
        beyond = (criteria["excess"] >= limits.min_excess) & (
            criteria["p"] <= limits.alpha
        )
        reached["agreement"] |= beyond
    chance = criteria.reindex(columns=["p_weeks", "explained_low"]).astype(float)
    return (~reached.rename(columns=LIMITED)).assign(
        alpha=(chance["p_weeks"] > limits.alpha) | (chance["explained_low"] <= 0)
    )


def verdict(
    *,
    p: float,
    strength: float,
    strength_error: float,
    excess: float,
    alpha: float,
    min_strength: float,
    natural_excess: float,
    p_weeks: float = np.nan,
    explained_low: float = np.nan,
) -> str:
    """Say in one word what kind of segmentation the evidence allows.

    - not usable: the agreement between odd and even weeks is no more than chance
      (`p_weeks`), or nothing later is explained beyond chance (`explained_low`, the lower
      end of its interval); either is missing where it could not be judged.
    - natural: what halves agree on lies beyond every null model (`p` of the test over
      all k); strength and its standard error reach `min_strength` (Tibshirani and
      Walther, 2005, ask 0.8 to 0.9); and `excess`, the part gone of the way from
      references to perfect segments, reaches `natural_excess`.
    - reproducible: it lies beyond every null model, and `excess` is above 0: segments
      come back more often than one cloud, one gradient or shares of few lines bring
      them back.
    - constructive: cuts through one cloud, which may be useful and are not discovered.

    The terms are those of Dolnicar, Gruen and Leisch (2018), Market segmentation
    analysis; the rules are this study's.
    """
    if p_weeks > alpha or explained_low <= 0:
        return NOT_USABLE
    if not (p <= alpha and excess > 0):
        return CONSTRUCTIVE
    apart = strength + strength_error >= min_strength
    return NATURAL if apart and excess >= natural_excess else REPRODUCIBLE


def judge(criteria: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """Add verdict, misses and passes to the criteria of `Study`, which may hold p_weeks.

    misses names the parameters of :func:`missed`; a number that misses none passes.
    """
    of = missed(criteria, limits)
    return criteria.assign(
        verdict=_words(criteria, limits),
        misses=[", ".join(of.columns[row]) or "none" for row in of.to_numpy(bool)],
        passes=~of.any(axis=1),
    )


def _words(criteria: pd.DataFrame, limits: Limits) -> list[str]:
    held = {name: getattr(limits, name) for name in _HELD_TO}
    rows = criteria.reindex(columns=_JUDGED).to_dict("records")
    return [verdict(**row, **held) for row in rows]


# What a verdict under another preparation is shown by.
_COMPARED = ["halves", "strength", "strength_error", "excess", "p"]
_HELD_TO = ["alpha", "min_strength", "natural_excess"]
_JUDGED = ["p", "strength", "strength_error", "excess", "p_weeks", "explained_low"]


@dataclass(frozen=True)
class Decision:
    """A number of segments, and how it came about."""

    k: int
    by_criteria: int | None  # None where every number is knocked out
    overridden: bool  # the run file sets another number
    runner_up: int | None  # what the criteria take if `k` is left out
    verdict: str  # at `k`; not usable if all are knocked out and the run file sets none
    ties: tuple[int, ...] = ()  # others that the criteria cannot tell from `k`

    def to_dict(self) -> dict:
        """Return the decision as plain data for JSON."""
        return asdict(self)


def write(decided: Decision | None, *, run: str, why: str = "", **more: object) -> None:
    """Save the decision, and `more` beside it, for the notebooks that follow.

    It is None where segments were not looked for; `why` says in a sentence why no
    segments are handed on, and is empty if they are.
    """
    content = decided.to_dict() if decided else {"verdict": NOT_LOOKED_FOR}
    content |= {"usable": not why, "why": why} | ({"k": None} if why else {}) | more
    store.write_json(content, paths.processed(run) / "decision.json")


def read(*, run: str) -> dict:
    """Read what `write` saved: k, verdict, usable and why among others."""
    return store.read_json(
        paths.processed(run) / "decision.json", made_by="03_clustering_choice"
    )


def k_values(scores: pd.DataFrame, *, max_k: int) -> range:
    """Say which numbers of segments are tried: from 2 to `max_k` at most, or none.

    Ten customers a segment are the fewest that can be shown, and two must differ.
    """
    different = len(scores.drop_duplicates())
    return range(2, min(max_k, len(scores) // MIN_CELL, different // 2) + 1)


def too_few(scores: pd.DataFrame, k_values: range) -> str:
    """Say why no number of segments can be tried; nothing if one can."""
    if k_values:
        return ""
    return (
        f"Needs segments: of {len(scores)} customers {len(scores.drop_duplicates())} "
        "differ, too few for two segments of ten."
    )


def need(why: str) -> None:
    """Leave out the section that asks, by raising TooLittle, for the reason that is given."""
    if why:
        raise TooLittle(why)


def need_segments(*, run: str) -> None:
    """Raise TooLittle with notebook 3's reason if it hands on no needs segments."""
    need(read(run=run)["why"])


def decide(
    criteria: pd.DataFrame,
    *,
    k: int | str,
    explained: pd.DataFrame | None = None,
    min_step: float = 0.0,
) -> Decision:
    """Choose the number of segments, and a runner-up by the same order.

    `criteria` are those of `judge`. A number `k` overrides them. "auto" looks at the
    numbers that pass, at the natural ones alone if there are any. It begins with the
    one of the largest excess over null references; of natural ones that are tied with
    it, with the finest. It goes on to a finer one where that explains more of the later
    outcome: by `min_step` at least, and beyond its error (`explained`, of `Study`). If
    none passes, none is taken: the fewest are then shown as evidence, and are not
    usable. Tied are numbers that pass, whose excess differs by less than twice its
    standard error, and of which neither explains more beyond its error.
    """
    tried = criteria.index.astype(int)
    if k != AUTO and k not in tried:
        raise BadInput(
            f"k is {k!r}. Choose a number from {min(tried)} to {max(tried)}, or "
            f'"{AUTO}" to let the criteria decide.'
        )
    later = pd.DataFrame() if explained is None else explained
    first = max(path(criteria, later, min_step), default=None)
    chosen = int(k) if k != AUTO else first or int(min(tried))
    knocked_out = k == AUTO and first is None
    others = criteria.drop(index=chosen)
    return Decision(
        k=chosen,
        by_criteria=first,
        overridden=k not in (AUTO, first),
        runner_up=max(path(others, later, min_step), default=None),
        verdict=NOT_USABLE if knocked_out else str(criteria.loc[chosen, "verdict"]),
        ties=tuple(
            int(other)
            for other in _pool(others).index
            if criteria.loc[chosen, "passes"]
            and _alike(criteria, chosen, other)
            and _step(later, *sorted([chosen, other])) is None
        ),
    )


def _pool(criteria: pd.DataFrame) -> pd.DataFrame:
    passing = criteria[criteria["passes"]]
    natural = passing[passing["verdict"] == NATURAL]
    return natural if len(natural) else passing


def path(
    criteria: pd.DataFrame, explained: pd.DataFrame, min_step: float
) -> dict[int, float]:
    """List the numbers that the rule of `decide` goes through: it takes the last.

    With each stands how much more it explains than the one before; missing for the
    first. Nothing where none passes.
    """
    pool = _pool(criteria)
    if pool.empty:
        return {}
    excess = pool["excess"].fillna(-np.inf)
    taken = int(excess.idxmax())
    if (pool["verdict"] == NATURAL).all():
        taken = max(int(k) for k in pool.index if _alike(pool, taken, k))
    steps = {taken: np.nan}
    for finer in pool.index[pool.index > taken]:
        step = _step(explained, max(steps), finer)
        if step is not None and step >= min_step:
            steps[int(finer)] = step
    return steps


def _alike(criteria: pd.DataFrame, one: int, other: int) -> bool:
    both = criteria.loc[[one, other]]
    error = np.sqrt((both["excess_error"] ** 2).sum())
    # Without null references stability cannot tell them apart.
    return not abs(both["excess"].diff().iloc[1]) > 2 * error


def _step(explained: pd.DataFrame, coarser: int, finer: int) -> float | None:
    """Say how much more the finer explains, if that lies beyond its error; or None."""
    if explained.empty:
        return None
    steps = explained[finer] - explained[coarser]
    low, high = steps.iloc[1:].quantile([0.025, 0.975])
    return float(steps.iloc[0]) if low > 0 or high < 0 else None
