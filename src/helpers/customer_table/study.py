"""Measure what decides on method and number of segments of a customer table."""

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from numpy.typing import ArrayLike

from helpers.clustering import (
    criteria as of_criteria,
    null_references as holding,
    predictive_validity,
    stability,
)
from helpers.clustering.criteria import NATURAL, NOT_USABLE, REPRODUCIBLE, Limits
from helpers.clustering.scores import adjusted_rand
from helpers.core.errors import BadInput
from helpers.customer_table import methods, null_references
from helpers.customer_table.methods import Rule
from helpers.customer_table.preparation import (
    BLOCKS,
    NUMBERS,
    Preparation,
    Told,
    fit_raw,
)
from helpers.runs.run_file import AUTO

KEYS = ("method", "k")
RIVAL = "value tiers"  # what segments are compared with where the value is known
Candidate = tuple[str, int]  # a method and a number of segments
LACKING = 0.1  # share of missing answers from which customers may be left out to build


@dataclass(frozen=True)
class Table:
    """A customer table as the study reads it, and how it is prepared."""

    raw: np.ndarray  # customers x columns that build
    columns: Told
    families: Sequence[str]
    weights: np.ndarray  # how much each customer counts
    winsor: float
    blocks: str = "mfa"

    def prepared(self, counts: np.ndarray | None = None) -> Preparation:
        """Fit the preparation, on customers who are drawn `counts` times."""
        counts = self.weights if counts is None else self.weights * counts
        return fit_raw(
            self.raw, self.columns, self.families, self.winsor, counts, self.blocks
        )


@dataclass(frozen=True)
class Study:
    """What a customer table says of every method and number of segments."""

    prepared: Preparation
    rules: dict[Candidate, Rule]
    labels: dict[Candidate, np.ndarray]  # segment of each customer, from 0
    again: dict[str, stability.Resampled]  # method -> repetitions of the study
    halves: pd.DataFrame  # method, k, split and what `stability.split` measures
    held: pd.DataFrame  # `clustering.null_references.hold`, by method and k
    explained: pd.DataFrame  # of the outcomes, a column for each candidate and rival
    criteria: pd.DataFrame  # by method and k: the columns of `clustering.criteria`


def study(
    table: Table,
    *,
    tried: Sequence[str],
    k_values: Sequence[int],
    seed: int,
    n_init: int,
    n_bootstrap: int,
    bootstrap_n_init: int,
    n_splits: int,
    half_n_init: int,
    references: int,
    tested: Sequence[str] | None = None,
    aim: predictive_validity.Outcome | None = None,
    rival: ArrayLike | None = None,
    folds: int = 5,
    validity_n_bootstrap: int = 500,
) -> Study:
    """Measure all that decides on the method (of `tried`) and the number of segments.

    The criteria are those of `clustering.criteria.study`, by method and k; p is of one
    test over all numbers of the methods `tested` (all, if left out), and missing of
    others: each method more takes time, and some power from the test. `aim` is what judges usefulness, `rival` a label that segments
    must explain more than (value tiers); without it the gain is that over nothing.
    """
    prepared = table.prepared()
    settings: dict[str, Any] = {"k_values": list(k_values), "seed": seed}
    given: dict[str, Any] = {"weights": table.weights, "n_init": n_init}
    rules = methods.fit(prepared, table.raw, tried=tried, **settings, **given)
    labels = {key: rule.labels(prepared, table.raw) for key, rule in rules.items()}
    again = resample(
        table, tried=tried, n_bootstrap=n_bootstrap, n_init=bootstrap_n_init, **settings
    )
    halved: dict[str, Any] = {
        "k_values": list(k_values),
        "tried": list(tried),
        "n_init": half_n_init,
    }
    halves = split(
        prepared, table.raw, table.weights, n_splits=n_splits, seed=seed, **halved
    )
    few = of_criteria.few_splits(len(table.raw))
    beside_null = [name for name in tried if tested is None or name in tested]
    halved["tried"] = beside_null
    held = holding.hold(
        halves[halves["method"].isin(beside_null)],
        null_references.fitted(prepared, table.raw),
        measure=functools.partial(
            _reference_halves, prepared, table.weights, n_splits=few, **halved
        ),
        references=references,
        seed=seed,
        keys=KEYS,
    )
    explained = pd.DataFrame(columns=[RIVAL], dtype=float)
    if aim is not None:
        nothing = np.zeros(len(table.raw), int)
        labellings: dict[Any, ArrayLike] = {
            RIVAL: nothing if rival is None else rival,
            **{f"{method} {k}": own for (method, k), own in labels.items()},
        }
        explained = predictive_validity.explained(
            labellings, aim, folds=folds, n_bootstrap=validity_n_bootstrap, seed=seed
        )
    return Study(
        prepared=prepared,
        rules=rules,
        labels=labels,
        again=again,
        halves=halves,
        held=held,
        explained=explained,
        criteria=_criteria(labels, table.weights, again, halves, held, explained),
    )


def resample(
    table: Table,
    *,
    tried: Sequence[str],
    k_values: Sequence[int],
    n_bootstrap: int,
    seed: int,
    n_init: int,
) -> dict[str, stability.Resampled]:
    """Repeat the whole study, preparation included, on resampled customers.

    As `clustering.stability.resample`, by each method.
    """
    found = Parallel(n_jobs=-1)(
        delayed(_again)(table, tried, list(k_values), [seed, i], n_init)
        for i in range(n_bootstrap)
    )
    drawn = np.stack([counts > 0 for _, counts in found])
    return {
        method: stability.Resampled(
            {k: np.stack([own[method, k] for own, _ in found]) for k in k_values}, drawn
        )
        for method in tried
    }


def _again(
    table: Table,
    tried: Sequence[str],
    k_values: list[int],
    seed: list[int],
    n_init: int,
) -> tuple[dict[Candidate, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    n = len(table.raw)
    counts = np.bincount(rng.integers(0, n, n), minlength=n)
    state = int(rng.integers(2**31))
    prepared = table.prepared(counts)
    rules = methods.fit(
        prepared,
        table.raw,
        tried=tried,
        k_values=k_values,
        seed=state,
        n_init=n_init,
        weights=table.weights * counts,
    )
    return {
        key: rule.labels(prepared, table.raw) for key, rule in rules.items()
    }, counts


def split(
    prepared: Preparation,
    raw: np.ndarray,
    weights: np.ndarray,
    *,
    tried: Sequence[str],
    k_values: Sequence[int],
    n_splits: int,
    seed: int,
    n_init: int,
) -> pd.DataFrame:
    """Group two halves of the customers, and ask whether they find the same segments.

    Returns method, k, split, agreement, strength and separation, as
    `clustering.stability.split`. The separation compares the cost of the nearest
    segment of the other half with that of the next (`methods.ratio`).
    """
    found = Parallel(n_jobs=-1)(
        delayed(_split)(
            prepared, raw, weights, list(tried), list(k_values), [seed, i], n_init
        )
        for i in range(n_splits)
    )
    rows = [
        (method, k, i, *found[i][method, k])
        for method in tried
        for k in k_values
        for i in range(n_splits)
    ]
    return pd.DataFrame(rows, columns=[*KEYS, "split", *stability.HALVES])


def _split(
    prepared: Preparation,
    raw: np.ndarray,
    weights: np.ndarray,
    tried: list[str],
    k_values: list[int],
    seed: list[int],
    n_init: int,
) -> dict[Candidate, tuple[float, float, float]]:
    rng = np.random.default_rng(seed)
    parts = np.array_split(rng.permutation(len(raw)), 2)
    state = int(rng.integers(2**31))
    for part in parts:
        different = len(np.unique(np.nan_to_num(raw[part], nan=np.inf), axis=0))
        if different < max(k_values):
            raise BadInput(
                f"A half holds {different} different customers, too few for "
                f"{max(k_values)} segments. Lower max_k."
            )
    found = {}
    settings: dict[str, Any] = {
        "tried": tried,
        "k_values": k_values,
        "seed": state,
        "n_init": n_init,
    }
    both = [
        methods.fit(prepared, raw[part], weights=weights[part], **settings)
        for part in parts
    ]
    for key, rule in both[0].items():
        costs = [rules[key].costs(prepared, raw) for rules in both]
        own = [cost.argmin(axis=1) for cost in costs]
        held = [
            stability.held(own[i][part], own[1 - i][part], rule.k)
            for i, part in enumerate(parts)
        ]
        other = np.concatenate([costs[1][parts[0]], costs[0][parts[1]]])
        near = np.partition(other, 1, axis=1)
        ratio = methods.ratio(rule, near[:, 0], near[:, 1])
        found[key] = (adjusted_rand(*own), sum(held) / 2, float(1 - ratio.mean()))
    return found


def _reference_halves(
    prepared: Preparation,
    weights: np.ndarray,
    reference: np.ndarray,
    seed: int,
    **settings: Any,  # noqa: ANN401
) -> pd.DataFrame:
    return split(prepared, reference, weights, seed=seed, **settings)


def _criteria(
    labels: Mapping[Candidate, np.ndarray],
    weights: np.ndarray,
    again: Mapping[str, stability.Resampled],
    halves: pd.DataFrame,
    held: pd.DataFrame,
    explained: pd.DataFrame,
) -> pd.DataFrame:
    tables = []
    for method, resampled in again.items():
        own = {k: found for (name, k), found in labels.items() if name == method}
        share = {
            k: np.bincount(found, weights, minlength=k).min() / weights.sum()
            for k, found in own.items()
        }
        recovery = stability.recovered(stability.recovery(resampled, own))
        table = pd.DataFrame(
            {
                "smallest": share,
                "agreement": stability.agreement(resampled).groupby("k")["ari"].mean(),
                "weakest": recovery.groupby("k")["jaccard"].min(),
            }
        ).rename_axis("k")
        named = [f"{method} {k}" for k in own]
        parts = explained.reindex(columns=named).set_axis(list(own), axis=1)
        rival = explained[RIVAL] if RIVAL in explained else pd.Series(dtype=float)
        table["gain"] = parts.sub(rival, axis=0).head(1).mean()
        table["explained_low"] = parts.iloc[1:].quantile(0.025)
        tables.append(table.assign(method=method).reset_index())
    table = pd.concat(tables, ignore_index=True).set_index(list(KEYS))
    return table.join(of_criteria.beside_null(halves, held, KEYS))


@dataclass(frozen=True)
class Decision:
    """A method and a number of segments, and how they came about."""

    method: str
    k: int
    verdict: str  # not usable if none passes and the run file sets none
    by_criteria: int | None  # number that the criteria take of this method
    overridden: bool  # the run file sets the method or the number
    runner_up: Candidate | None
    ties: tuple[int, ...]

    def to_dict(self) -> dict:
        """Return the decision as plain data for JSON."""
        return asdict(self)


def decide(
    criteria: pd.DataFrame,
    *,
    limits: Limits,
    k: int | str = AUTO,
    method: str = AUTO,
    explained: pd.DataFrame | None = None,
) -> Decision:
    """Choose the method and the number of segments, and a runner-up.

    `criteria` are those of `judge`. Each method takes its number as
    `clustering.criteria.decide`. Of the methods that pass, those of the better verdict
    (natural, then reproducible, then constructive) come first; of these the one that
    explains most of the outcomes beyond its error; else the one of the largest excess
    over null references beyond its error; else the first of `methods.METHODS`, since
    k-means is the easiest to explain.
    """
    # Without null references beside it a method is shown, and not chosen.
    known = criteria["p"].notna() if "p" in criteria else criteria["excess"].notna()
    tried = list(criteria.index[known].unique("method"))
    tried = tried or list(criteria.index.unique("method"))
    if method != AUTO and method not in tried:
        raise BadInput(
            f"segment_method is {method!r}. Add it to tried_methods, or choose "
            f'one of {", ".join(tried)}, or "{AUTO}".'
        )
    found = {}
    for name in tried:
        own = criteria.loc[name]
        parts = None
        if explained is not None and not explained.empty:
            parts = explained[[f"{name} {n}" for n in own.index]]
            parts = parts.set_axis(list(own.index), axis=1)
        found[name] = of_criteria.decide(
            own, k=k, explained=parts, min_step=limits.min_step
        )
    order = _ordered(criteria, found, explained)
    first = order[0] if method == AUTO else method
    taken = found[first]
    others = [name for name in order if name != first]
    runner = next(
        ((name, found[name].k) for name in others if found[name].by_criteria), None
    )
    if runner is None and taken.runner_up:
        runner = (first, taken.runner_up)
    return Decision(
        method=first,
        k=taken.k,
        verdict=taken.verdict,
        by_criteria=taken.by_criteria,
        overridden=taken.overridden or (method != AUTO and first != order[0]),
        runner_up=runner,
        ties=taken.ties,
    )


def _ordered(
    criteria: pd.DataFrame,
    found: Mapping[str, of_criteria.Decision],
    explained: pd.DataFrame | None,
) -> list[str]:
    """Order the methods, the best first."""
    words = {NATURAL: 0, REPRODUCIBLE: 1}
    rank = {
        name: 3 if one.verdict == NOT_USABLE else words.get(one.verdict, 2)
        for name, one in found.items()
    }
    left = [name for name in methods.METHODS if name in found]
    order: list[str] = []
    while left:
        pool = [name for name in left if rank[name] == min(rank[n] for n in left)]
        best = pool[0]
        for other in pool[1:]:
            if _better(criteria, found, explained, other, best):
                best = other
        order.append(best)
        left.remove(best)
    return order


def _better(
    criteria: pd.DataFrame,
    found: Mapping[str, of_criteria.Decision],
    explained: pd.DataFrame | None,
    one: str,
    other: str,
) -> bool:
    keys = [(name, found[name].k) for name in (one, other)]
    if explained is not None and not explained.empty:
        step = explained["{} {}".format(*keys[0])] - explained["{} {}".format(*keys[1])]
        low, high = step.iloc[1:].quantile([0.025, 0.975])
        if low > 0 or high < 0:
            return bool(low > 0)
    excess = criteria.loc[keys, "excess"].fillna(-np.inf).to_numpy()
    error = float(np.sqrt((criteria.loc[keys, "excess_error"].fillna(0) ** 2).sum()))
    return bool(excess[0] - excess[1] > 2 * error)


def judge(criteria: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """Add verdict, misses and passes, as `clustering.criteria.judge`."""
    return of_criteria.judge(criteria, limits)


def k_values(raw: np.ndarray, *, max_k: int) -> range:
    """Say which numbers of segments are tried, as `clustering.criteria.k_values`."""
    return of_criteria.k_values(
        pd.DataFrame(np.nan_to_num(raw, nan=1e300)), max_k=max_k
    )


# --- Around the candidates: what could be found, and what else could have been


def positive_control(
    table: Table,
    *,
    tried: Sequence[str],
    k: int,
    distances: Sequence[float],
    seed: int,
    n_init: int,
) -> pd.DataFrame:
    """Ask how far each method finds planted classes: a row a distance, a column a method.

    Each cell is the adjusted Rand index with what `null_references.planted` planted.
    """
    prepared = table.prepared()
    rows = []
    for distance in distances:
        raw, own = null_references.planted(
            prepared, table.raw, k=k, distance=distance, seed=seed
        )
        rules = methods.fit(
            prepared, raw, tried=tried, k_values=[k], seed=seed, n_init=n_init
        )
        found = {m: rule.labels(prepared, raw) for (m, _), rule in rules.items()}
        ari = {method: adjusted_rand(labels, own) for method, labels in found.items()}
        rows.append({"distance": distance} | ari)
    return pd.DataFrame(rows)


def _labels(
    table: Table,
    method: str,
    *,
    k: int,
    seed: int,
    n_init: int,
    counts: np.ndarray | None = None,
) -> np.ndarray:
    """Prepare and group customers, who count as often as `counts` says."""
    prepared = table.prepared(counts)
    weights = table.weights if counts is None else table.weights * counts
    rules = methods.fit(
        prepared,
        table.raw,
        tried=[method],
        k_values=[k],
        seed=seed,
        n_init=n_init,
        weights=weights,
    )
    return rules[method, k].labels(prepared, table.raw)


def beside(one: Study) -> pd.DataFrame:
    """Set the agreement of halves beside the strictest null references.

    Returns method, k, observed, reference, low, high and p, as
    `clustering.plots.method_panels` draws them.
    """
    names = {"halves": "observed", "reference_agreement": "reference"}
    ends = holding.strictest(one.held, KEYS)[["low", "high"]]
    shown = one.criteria[["halves", "reference_agreement", "p"]].rename(columns=names)
    return shown.join(ends).reset_index()


def preparations(table: Table) -> list[dict[str, Any]]:
    """List the choices of preparation that can be defended, the one taken first.

    winsor matters to numbers, and what is done about missing answers where some are
    missing: customers who lack more than `LACKING` of them are "used" to build, or "left
    out" while they are no more than half.
    """
    numbers = any(measure in NUMBERS for _, measure, _ in table.columns)
    lacking = float((np.isnan(table.raw).mean(axis=1) > LACKING).mean())
    options = {
        "winsor": [table.winsor, *((0.0, 0.05) if numbers else ())],
        "blocks": [table.blocks, *BLOCKS],
        "missing": ["used"] + ["left out"] * (0 < lacking <= 0.5),
    }
    every = itertools.product(*(dict.fromkeys(some) for some in options.values()))
    return [dict(zip(options, one, strict=True)) for one in every]


def multiverse(
    table: Table,
    *,
    choices: Sequence[Mapping[str, Any]],
    method: str,
    k: int,
    seed: int,
    n_init: int,
) -> pd.DataFrame:
    """Group the customers under each of `preparations`: a column of labels for each.

    As `clustering.stability.multiverse`.
    """
    complete = (np.isnan(table.raw).mean(axis=1) <= LACKING).astype(float)
    labels = Parallel(n_jobs=-1)(
        delayed(_labels)(
            replace(table, winsor=choice["winsor"], blocks=choice["blocks"]),
            method,
            counts=complete if choice["missing"] == "left out" else None,
            **{"k": k, "seed": seed, "n_init": n_init},
        )
        for choice in choices
    )
    return pd.DataFrame(np.column_stack(labels))


def recovery_by_rank(
    table: Table,
    *,
    null: str,
    method: str,
    k: int,
    references: int,
    n_bootstrap: int,
    n_init: int,
    seed: int,
) -> pd.DataFrame:
    """Measure how well repeated studies find segments of customers without classes.

    Returns rank (from 1, found worst), value and reference, as
    `clustering.stability.recovery_by_rank` for references of the null model `null`.
    """
    model = null_references.fitted(table.prepared(), table.raw)[null]
    settings = {"k": k, "n_bootstrap": n_bootstrap, "n_init": n_init}
    found = Parallel(n_jobs=-1)(
        delayed(_by_rank)(table, model, [seed, i], method, **settings)
        for i in range(1, references + 1)
    )
    return pd.concat(found, ignore_index=True)


def _by_rank(
    table: Table,
    model: holding.Drawn,
    seed: list[int],
    method: str,
    *,
    k: int,
    n_bootstrap: int,
    n_init: int,
) -> pd.DataFrame:
    drawn = replace(table, raw=model.draw(seed))
    state = int(np.random.default_rng(seed).integers(2**31))
    # References are measured side by side already; each of them stays in its process.
    with parallel_config(backend="sequential"):
        own = _labels(drawn, method, k=k, seed=state, n_init=n_init)
        again = resample(
            drawn,
            tried=[method],
            k_values=[k],
            n_bootstrap=n_bootstrap,
            seed=state,
            n_init=n_init,
        )
    found = stability.recovery(again[method], {k: own})
    value = np.sort(found.groupby("segment")["jaccard"].mean())
    ranks = {"rank": range(1, k + 1), "value": value, "reference": seed[1]}
    return pd.DataFrame(ranks)


def sizes(assigned: pd.DataFrame, weights: pd.Series) -> pd.DataFrame:
    """Sum up the table `segments` by segment_id, without who is in none.

    `weights` are by customer_id. Returns customers, share_customers, share_weighted,
    median_membership and borderline (share).
    """
    known = assigned[assigned["segment_id"] > 0]
    counts = known.groupby("segment_id")["membership"].agg(["size", "median"])
    weight = weights.loc[known["customer_id"]].groupby(known["segment_id"].to_numpy())
    return pd.DataFrame(
        {
            "customers": counts["size"],
            "share_customers": counts["size"] / len(known),
            "share_weighted": weight.sum() / weight.sum().sum(),
            "median_membership": counts["median"],
            "borderline": known.groupby("segment_id")["borderline"].mean(),
        }
    ).rename_axis("segment_id")
