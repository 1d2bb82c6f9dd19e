"""Compare what is measured of customers with references: customers without clusters."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from helpers.clustering import methods, null_models, stability
from helpers.core.errors import BadInput

PILOT = 19  # references that say how values at each k are standardised
_AT_ONCE = 10  # references drawn between two looks at the rule to stop
# Agreement and strength that vary less than this count as varying so much: what stands
# out by a hair of a point is nothing. Above `_MOST` they count as `_MOST`.
_NO_LESS, _MOST = 0.01, 0.995
_LEFT = 0.05  # least room above references in which a value is placed
_MEANS = [f"reference_{name}" for name in stability.HALVES]
_HELD = [*stability.HALVES, *_MEANS]
_HELD += ["low", "high", "z", "p", "p_error", "references"]


class Drawn(Protocol):
    """A null model of any form of customers: scores, or answers."""

    def draw(self, seed: list[int]) -> Any:  # noqa: ANN401
        """Draw as many customers without clusters."""
        ...


def copula_reference(scores: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Draw customers with the same marginals and rank correlations, but no clusters.

    They come from a Gaussian copula: one cloud whose columns hold exactly the observed
    values and correlate by rank as observed, but for chance. What a score reaches here,
    marginals and correlation alone explain: a gap inside a single column is kept and so
    counts as no cluster. The order of the customers does not matter.

    A parametric bootstrap without clusters: Hennig and Lin (2015), Flexible parametric
    bootstrap for testing homogeneity against clustering. Correlation of normals with
    rank correlation r, 2 sin(pi r / 6): Kruskal (1958), Ordinal measures of
    association.
    """
    values = methods.check(scores, least=2)
    # Twice the rank less its mean is a whole number: the sums below are exact, and so
    # the same whatever the order of the customers.
    centred = 2 * rankdata(values, axis=0) - (len(scores) + 1)
    with threadpool_limits(1):
        products = centred.T @ centred
        spread = np.sqrt(np.diag(products))
        correlation = 2 * np.sin(np.pi / 6 * products / np.outer(spread, spread))
        # Clip the smallest eigenvalue: exact collinearity would break the factor.
        eigenvalues, vectors = np.linalg.eigh(correlation)
        factor = vectors * np.sqrt(np.clip(eigenvalues, 0, None))
        draws = np.random.default_rng(seed).standard_normal(scores.shape) @ factor.T
    return _with_marginals(draws, scores)


def planted_control(
    scores: pd.DataFrame, *, k: int, distance: float, seed: int
) -> pd.DataFrame:
    """Draw customers with the same marginals and k planted clusters of equal size.

    `distance` is the standard deviation of their centres, in units of the spread
    inside. A test that does not find these clusters lacks power; one that finds them
    may still miss clusters that lie closer.
    """
    methods.check(scores, least=k)
    rng = np.random.default_rng(seed)
    rows, columns = scores.shape
    centres = rng.standard_normal((k, columns)) * distance
    planted = centres[np.arange(rows) % k] + rng.standard_normal((rows, columns))
    return _with_marginals(planted, scores)


def _with_marginals(draws: np.ndarray, scores: pd.DataFrame) -> pd.DataFrame:
    values = np.empty(scores.shape)
    order = draws.argsort(axis=0, kind="stable")
    np.put_along_axis(values, order, np.sort(scores.to_numpy(float), axis=0), axis=0)
    return pd.DataFrame(values, index=scores.index, columns=scores.columns)


def on_references(
    scores: pd.DataFrame,
    measure: Callable[[pd.DataFrame, int], pd.DataFrame],
    *,
    references: int,
    seed: int,
    model: null_models.NullModel | None = None,
) -> pd.DataFrame:
    """Measure customers without clusters, several times over.

    They are drawn from `model`; without one, by `copula_reference`.

    ``measure(scores, seed)`` returns a table of key columns and value; the tables come
    back below each other, with a column reference (1, 2, ...). 19 references are the
    fewest that allow p = 0.05. Each hangs on `seed` and its number alone: more
    references leave the first ones as they were.
    """
    if references < 1:
        raise BadInput(f"references must be at least 1, but {references} was passed.")
    methods.check(scores, least=2)
    tables = Parallel(n_jobs=-1)(
        delayed(_on_reference)(scores, measure, seed, i, model)
        for i in range(1, references + 1)
    )
    return pd.concat(tables, ignore_index=True)


def _on_reference(
    scores: pd.DataFrame,
    measure: Callable[[pd.DataFrame, int], pd.DataFrame],
    seed: int,
    number: int,
    model: null_models.NullModel | None,
) -> pd.DataFrame:
    draw, state = np.random.default_rng([seed, number]).integers(2**31, size=2)
    drawn = model.draw([int(draw)]) if model else None
    reference = copula_reference(scores, seed=int(draw)) if drawn is None else drawn
    return measure(reference, int(state)).assign(reference=number)


def hold(
    halves: pd.DataFrame,
    models: Mapping[str, Drawn],
    *,
    measure: Callable[[Any, int], pd.DataFrame],
    references: int,
    seed: int,
    enough: int = 10,
    keys: Sequence[str] = ("k",),
) -> pd.DataFrame:
    """Compare what halves agree on with customers drawn from each null model.

    One test over all k (or all `keys`, such as method and k). At each the agreement of halves, their prediction strength
    and the separation (`stability.split`) are taken by their inverse hyperbolic tangent
    (Fisher's z), since they cannot pass 1 and vary little near it; standardised by
    `PILOT` references; and averaged: z. Then `references` others at most are drawn one
    after the other, and each counts by its largest z over all k (Westfall and Young
    1993, Resampling-based multiple testing). Drawing stops once `enough` of them reach
    the largest z of the customers (Besag and Clifford 1991, Sequential Monte Carlo
    p-values). `halves` are those of the customers, `measure` gives those of a reference and
    a seed. References may be halved fewer times: they vary more then, which makes p
    larger. That room is needed:
    with deviations corrected for the number of halvings a tenth of horseshoes were
    called reproducible (benchmarks/verdicts.md).

    Returns null (name of the model), the keys; agreement, strength and separation of the
    customers, and reference_agreement and so on (means); low and high (quantiles 0.05
    and 0.95 of the references' agreement); z; p (the share of references whose largest
    z reaches this one), p_error (its Monte Carlo standard error) and references (how
    many were counted).
    """
    by = list(keys)
    own = _means(halves, by)
    cells = halves[by].drop_duplicates().reset_index(drop=True)
    settings = {"measure": measure, "keys": by, "shape": own.shape}
    tables = []
    for name, model in models.items():
        drawn = _drawn(model, range(1, PILOT + 1), seed, settings)
        pilot = _fisher(drawn)
        mean = pilot.mean(axis=0)
        spread = np.maximum(pilot.std(axis=0, ddof=1), _NO_LESS)
        z = ((_fisher(own) - mean) / spread).mean(axis=1)
        largest = np.empty(0)
        while (largest >= z.max()).sum() < enough and len(largest) < references:
            first = len(drawn) + 1
            more = min(_AT_ONCE, references - len(largest))
            found = _drawn(model, range(first, first + more), seed, settings)
            drawn = np.concatenate([drawn, found])
            best = ((_fisher(found) - mean) / spread).mean(axis=2).max(axis=1)
            largest = np.concatenate([largest, best])
        tables.append(cells.join(_table(own, drawn, z, largest, enough)))
        tables[-1].insert(0, "null", name)
    if not tables:
        return pd.DataFrame(columns=["null", *by, *_HELD])
    return pd.concat(tables, ignore_index=True)


def in_halves(
    reference: pd.DataFrame,
    seed: int,
    *,
    k_values: Sequence[int],
    n_splits: int,
    n_init: int,
) -> pd.DataFrame:
    """Measure the scores of a reference by `stability.split`."""
    return stability.split(
        reference, k_values=k_values, n_splits=n_splits, n_init=n_init, seed=seed
    )


def _fisher(value: np.ndarray) -> np.ndarray:
    return np.arctanh(np.clip(value, -_MOST, _MOST))


def _means(halves: pd.DataFrame, keys: list[str]) -> np.ndarray:
    # k x what halves measure
    return halves.groupby(keys, sort=False)[list(stability.HALVES)].mean().to_numpy()


def _drawn(model: Drawn, numbers: range, seed: int, settings: dict) -> np.ndarray:
    return np.stack(
        Parallel(n_jobs=-1)(
            delayed(_of_model)(model, [seed, number], settings) for number in numbers
        )
    )


def _of_model(
    model: Drawn,
    seed: list[int],
    settings: dict[str, Any],
) -> np.ndarray:
    state = int(np.random.default_rng(seed).integers(2**31))
    reference = model.draw(seed)
    try:
        with parallel_config(backend="sequential"):
            return _means(settings["measure"](reference, state), settings["keys"])
    except BadInput:
        # Fewer customers differ than there are segments: any halves agree on copies.
        return np.ones(settings["shape"])


def _table(
    own: np.ndarray, drawn: np.ndarray, z: np.ndarray, largest: np.ndarray, enough: int
) -> pd.DataFrame:
    reached = (largest[:, None] >= z).cumsum(axis=0)
    # With `enough` of them for the largest z, the rest of the draws is left out.
    stopped = np.flatnonzero(reached.min(axis=1) >= enough)
    counted = int(stopped[0]) + 1 if len(stopped) else len(largest)
    beyond = reached[counted - 1]
    p = beyond / counted if len(stopped) else (beyond + 1) / (counted + 1)
    low, high = np.quantile(drawn[:, :, 0], [0.05, 0.95], axis=0)
    return pd.DataFrame(
        {
            **dict(zip(stability.HALVES, own.T, strict=True)),
            **dict(zip(_MEANS, drawn.mean(axis=0).T, strict=True)),
            "low": low,
            "high": high,
            "z": z,
            "p": p,
            "p_error": np.sqrt(p * (1 - p) / counted),
            "references": counted,
        }
    )


def strictest(held: pd.DataFrame, keys: Sequence[str] = ("k",)) -> pd.DataFrame:
    """Take at each k the null model hardest to beat, from the table of `hold`.

    Returns, indexed by k (or the `keys`): p (the largest) and its null, p_error and references;
    reference_agreement and so on, the largest means; low and high of the
    agreement over all models.
    """
    by = list(keys)
    if held.empty:
        return held.set_index(by).drop(columns=[*stability.HALVES, "z"])
    by_k = held.groupby(by, sort=False)
    hardest = held.loc[by_k["p"].idxmax()].set_index(by)
    means = by_k[_MEANS].max()
    return (
        hardest[["null", "p", "p_error", "references"]]
        .join(means)
        .assign(low=by_k["low"].min(), high=by_k["high"].max())
    )


def excess(
    halves: pd.DataFrame, strictest: pd.DataFrame, keys: Sequence[str] = ("k",)
) -> pd.DataFrame:
    """Say how much of the way from references to perfect segments is gone, by k.

    For agreement and strength of each split of `halves` it is (value - reference) / (1
    - reference), as kappa corrects for chance; `reference` is the largest mean of
    `strictest`, and what is left above it counts as 0.05 at least. Returns excess
    (their mean; 1 is perfect, 0 no better than references) and excess_error (its
    standard error over splits), missing without references.
    """
    gone, by = [], list(keys)
    place = pd.MultiIndex.from_frame(halves[by]) if len(by) > 1 else halves[by[0]]
    for name in ("agreement", "strength"):
        known = strictest[f"reference_{name}"].astype(float).reindex(place)
        reference = known.set_axis(halves.index)
        gone.append((halves[name] - reference) / (1 - reference).clip(lower=_LEFT))
    by_k = ((gone[0] + gone[1]) / 2).groupby([halves[name] for name in by], sort=False)
    return pd.DataFrame({"excess": by_k.mean(), "excess_error": by_k.sem()})


def compare(
    observed: pd.DataFrame,
    references: pd.DataFrame,
    *,
    more_is_better: bool | Mapping[str, bool],
) -> pd.DataFrame:
    """Set every measured value beside what customers without clusters give.

    Both tables hold key columns and value, `references` those of `on_references`;
    `more_is_better` says for all rows, or each name in statistic, whether more speaks
    for clusters. Returns the keys, observed, reference (mean), low and high (least and
    largest), deviation (standard, n - 1), z (deviations by which the observed value is
    better than the mean) and p: the share of references and the observed value that are
    at least as good as it. A value that could not be measured counts against the data
    in p and is left out of the rest; z is missing where the references do not differ.
    """
    keys = [column for column in observed if column != "value"]
    found = _laid_out(observed, references, keys)
    value = observed["value"].to_numpy(float)
    sign = _signs(observed, more_is_better)
    # Not "at least as good": a value that could not be measured must not look good.
    as_good = ~(sign[:, None] * found < (sign * value)[:, None])
    with warnings.catch_warnings():
        # Where no reference could be measured, mean and range are missing.
        warnings.simplefilter("ignore", RuntimeWarning)
        mean, low, high = (f(found, 1) for f in (np.nanmean, np.nanmin, np.nanmax))
        deviation = np.nanstd(found, 1, ddof=1)
    differ = np.where(high > low, deviation, np.nan)
    return observed[keys].assign(
        observed=value,
        reference=mean,
        low=low,
        high=high,
        deviation=deviation,
        z=sign * (value - mean) / differ,
        p=(1 + as_good.sum(axis=1)) / (1 + found.shape[1]),
    )


def beside(
    scores: pd.DataFrame,
    measure: Callable[[pd.DataFrame, int], pd.DataFrame],
    *,
    references: int,
    seed: int,
    more_is_better: bool | Mapping[str, bool],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure customers and references alike: returns `compare`, and `on_references`."""
    found = measure(scores, seed)
    drawn = on_references(scores, measure, references=references, seed=seed)
    return compare(found, drawn, more_is_better=more_is_better), drawn


def _laid_out(
    observed: pd.DataFrame, references: pd.DataFrame, keys: list[str]
) -> np.ndarray:
    """Lay the references out: a row for each observed value, a column a reference."""
    if set(references) != {*keys, "value", "reference"}:
        raise BadInput(
            f"The references should have the columns {[*keys, 'value', 'reference']}, "
            f"but have {list(references)}. Measure both by the same measure."
        )
    both = pd.concat([observed[keys], references[keys]], ignore_index=True)
    # A key may be missing, such as k where a statistic has none. Keys are numbered in the
    # order of the observed table, which comes first.
    number = both.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
    own, other = number[: len(observed)], number[len(observed) :]
    column = pd.factorize(references["reference"])[0]
    cells = pd.DataFrame({"key": other, "column": column})
    if set(own) != set(other) or len(set(own)) < len(own) or cells.duplicated().any():
        raise BadInput(
            "Each key should stand once in the observed table and once in each "
            f"reference; the keys are {keys}. Measure both by the same measure."
        )
    wide = np.full((number.max() + 1, column.max() + 1), np.nan)
    wide[other, column] = references["value"]
    return wide


def _signs(
    observed: pd.DataFrame, more_is_better: bool | Mapping[str, bool]
) -> np.ndarray:
    if isinstance(more_is_better, bool):
        return np.full(len(observed), 1.0 if more_is_better else -1.0)
    if "statistic" not in observed:
        raise BadInput(
            "Without a column statistic, more_is_better must be True or False."
        )
    unknown = sorted(set(observed["statistic"]) - set(more_is_better))
    if unknown:
        raise BadInput(f"more_is_better does not say which way {unknown} should go.")
    better = observed["statistic"].map(dict(more_is_better)).to_numpy(bool)
    return np.where(better, 1.0, -1.0)


def best_k(
    measured: pd.DataFrame, *, more_is_better: bool | Mapping[str, bool]
) -> pd.DataFrame:
    """Say which number of segments each score takes for its best: of equals the least.

    Returns k and the other keys, as for `compare`; those without any value are left
    out.
    """
    keys = [column for column in measured if column not in ("k", "value")]
    known = measured.dropna(subset="value")
    better = known.assign(value=known["value"] * _signs(known, more_is_better))
    ranked = better.sort_values(["value", "k"], ascending=[False, True], kind="stable")
    best = ranked.drop_duplicates(keys).sort_index()
    return best[[*keys, "k"]].reset_index(drop=True)


def rules(
    observed: pd.DataFrame,
    references: pd.DataFrame,
    *,
    more_is_better: bool | Mapping[str, bool],
) -> pd.DataFrame:
    """Set the k that each score takes beside those that it takes where there are no clusters.

    Returns method, statistic, k, and least, most and common (the most frequent) of the
    references.
    """
    elsewhere = best_k(references, more_is_better=more_is_better)
    by_rule = elsewhere.groupby(["method", "statistic"])["k"]
    found = by_rule.agg(["min", "max", lambda k: k.mode().iloc[0]])
    found = found.set_axis(["least", "most", "common"], axis=1)
    taken = best_k(observed, more_is_better=more_is_better)
    return taken.join(found, on=["method", "statistic"])
