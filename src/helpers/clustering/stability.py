"""Ask whether a segmentation would come again: resampled, split, or otherwise prepared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from scipy.optimize import linear_sum_assignment
from scipy.special import entr
from threadpoolctl import threadpool_limits

from helpers.clustering import methods
from helpers.clustering.scores import adjusted_rand
from helpers.core.errors import BadInput

# Hennig (2007): a segment whose best match overlaps so little is dissolved.
DISSOLVED = 0.5
HALVES = ("agreement", "strength", "separation")  # what `split` measures, each up to 1
KEPT = 2 / 3  # share of repetitions in which a customer who is no borderline stays
MIN_TWICE = 20  # customers known from both halves, to judge whether they stay
FEWEST = 10  # customers beyond a distance ratio from whom it can be measured
Labels = Mapping[int, np.ndarray | pd.Series]  # k -> segment of each customer, from 0


class Prepared(Protocol):
    """A fitted preparation, which scores each customer whoever else is there."""

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """Score customers."""
        ...


@dataclass(frozen=True)
class AsItIs:
    """A preparation that changes nothing: a `prepare` for scores."""

    fitted_on: pd.DataFrame

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """Return the scores."""
        return features


@dataclass(frozen=True)
class Resampled:
    """What repetitions of the study on resampled customers gave."""

    # k -> segment of every customer in every repetition, resamples x customers. Numbers
    # of two repetitions have nothing to do with each other.
    labels: dict[int, np.ndarray]
    drawn: np.ndarray  # resamples x customers: whether the customer was in the sample


def resample(
    features: pd.DataFrame,
    *,
    prepare: Callable[[pd.DataFrame], Prepared],
    k_values: Sequence[int],
    n_bootstrap: int,
    seed: int,
    n_init: int,
) -> Resampled:
    """Repeat the whole study, k-means included, on resampled customers.

    `prepare` fits the preparation on some customers, anew in every resample, as an
    analyst would; its `transform` must score each customer whoever else is in the
    table. The first of many resamples (as many customers, with replacement) are those
    of a call for few. No start is warm: begun from the segments themselves, k-means was
    measured to flatter an agreement of 0.48 to 0.87. BadInput names the resample that
    cannot be scored, or holds fewer different customers than segments.
    """
    with threadpool_limits(1):
        scores = prepare(features).transform(features)
    methods.check(scores, least=max(k_values))
    found = Parallel(n_jobs=-1)(
        delayed(_repeat)(features, prepare, k_values, [seed, i], n_init)
        for i in range(n_bootstrap)
    )
    return Resampled(
        labels={k: np.stack([labels[k] for labels, _ in found]) for k in k_values},
        drawn=np.stack([drawn for _, drawn in found]),
    )


def _repeat(
    features: pd.DataFrame,
    prepare: Callable[[pd.DataFrame], Prepared],
    k_values: Sequence[int],
    seed: list[int],
    n_init: int,
) -> tuple[dict[int, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.integers(0, len(features), len(features)))
    counts = np.bincount(rows, minlength=len(features))
    settings = {"seed": int(rng.integers(2**31)), "n_init": n_init, "weights": counts}
    place = f"Resample {seed[1] + 1}"
    with threadpool_limits(1):
        everyone = _scored(features, prepare, features.iloc[rows], place)
        _refuse_few(everyone[counts > 0], k_values, place)
        # Counts weigh as much as copied rows, of which a sample has half as many more.
        centres = {k: methods.kmeans(everyone, k=k, **settings) for k in k_values}
        labels = {k: methods.nearest(everyone, c) for k, c in centres.items()}
    return labels, counts > 0


def _scored(
    features: pd.DataFrame,
    prepare: Callable[[pd.DataFrame], Prepared],
    drawn: pd.DataFrame,
    place: str,
) -> np.ndarray:
    try:
        scores = prepare(drawn).transform(features)
    except BadInput as fault:
        raise BadInput(f"{place} of the customers: {fault}") from None
    odd = ~np.isfinite(scores.to_numpy(float)).all(axis=0)
    if odd.any():
        raise BadInput(
            f"{place}: the preparation fitted on it gives missing or infinite scores in "
            f"{', '.join(map(str, scores.columns[odd]))}. Leave out features that few "
            "customers have, or let the preparation guard against no spread."
        )
    return scores.to_numpy(float)


def _refuse_few(rows: np.ndarray, k_values: Sequence[int], place: str) -> None:
    different = len(np.unique(rows, axis=0))
    if different < max(k_values):
        raise BadInput(
            f"{place} holds {different} different customers, too few for "
            f"k = {max(k_values)} segments. Lower the largest k, or give more customers."
        )


def agreement(resampled: Resampled) -> pd.DataFrame:
    """Compare repeated studies two by two: first with second, third with fourth.

    Returns k, pair, ari: adjusted Rand index over all customers, drawn or not.

    Dolnicar and Leisch (2010), Evaluation of structure and reproducibility of cluster
    solutions using the bootstrap: bootFlexclust of R's flexclust, by default 100 pairs
    of 3 starts.
    """
    _refuse_one(len(resampled.drawn))
    return pd.DataFrame(
        {"k": k, "pair": pair, "ari": adjusted_rand(labels[2 * pair], other)}
        for k, labels in resampled.labels.items()
        for pair, other in enumerate(labels[1::2])
    )


def _refuse_one(n_bootstrap: int) -> None:
    if n_bootstrap < 2:
        raise BadInput(
            f"Repeated studies are compared in pairs, but n_bootstrap is {n_bootstrap}. Ask "
            "for 2 or more."
        )


def recovery(resampled: Resampled, labels: Labels) -> pd.DataFrame:
    """Ask of each segment how well repeated studies find it (stability within, SLSW).

    Returns k, segment, pair, jaccard: overlap of the segment with the repeated one most
    like it, over all customers, drawn or not; the mean of the two studies of the pair.

    Dolnicar and Leisch (2017), Using segment level stability to select target segments
    in data-driven market segmentation studies: slswFlexclust of R's flexclust.
    """
    _refuse_one(len(resampled.drawn))
    table = _overlaps(resampled, labels, np.ones_like(resampled.drawn))
    table["pair"] = table["resample"] // 2
    paired = table[table["pair"] < len(resampled.drawn) // 2]
    keys = ["k", "segment", "pair"]
    return paired.groupby(keys, as_index=False)["jaccard"].mean()


def recovery_of_drawn(resampled: Resampled, labels: Labels) -> pd.DataFrame:
    """Ask of each segment how well repeated studies find those of it they have seen.

    As `recovery`, but among the customers drawn, each counted once. Hennig (2007),
    Cluster-wise assessment of cluster stability: clusterboot of R's fpc, which clusters
    a customer drawn twice once; twice, as here, lowers overlaps by up to 0.08.
    """
    return _overlaps(resampled, labels, resampled.drawn)


def kept(resampled: Resampled, labels: Labels, *, k: int) -> np.ndarray:
    """Say of each customer how often repeated studies keep them in their segment.

    Returns the share (0 to 1) of all repetitions at `k`, drawn or not. The segments of
    a repetition are matched with the own ones, one to one, so that as many customers as
    possible share theirs (Kuhn 1955, the Hungarian method).
    """
    repeated = resampled.labels[k]
    own = _labels_at(labels, k, repeated.shape[1])
    stayed = np.zeros(len(own))
    for again in repeated:
        matched = linear_sum_assignment(_shared(own, again, k), maximize=True)[1]
        stayed += matched[own] == again
    return stayed / len(repeated)


def _overlaps(
    resampled: Resampled, labels: Labels, counted: np.ndarray
) -> pd.DataFrame:
    tables = []
    for k, repeated in resampled.labels.items():
        own = _labels_at(labels, k, repeated.shape[1])
        best = [
            jaccard(own[seen], again[seen], segments=k).max(axis=1)
            for again, seen in zip(repeated, counted, strict=True)
        ]
        rows = {
            "k": k,
            "segment": np.tile(np.arange(k), len(best)),
            "resample": np.repeat(np.arange(len(best)), k),
            "jaccard": np.concatenate(best),
        }
        tables.append(pd.DataFrame(rows))
    return pd.concat(tables, ignore_index=True)


def _labels_at(labels: Labels, k: int, customers: int) -> np.ndarray:
    if k not in labels:
        raise BadInput(
            f"labels lack k = {k}, which was resampled. Give it, or leave it out."
        )
    own = np.asarray(labels[k])
    if len(own) != customers or own.min() < 0 or own.max() >= k:
        raise BadInput(
            f"labels at k = {k} must number {customers:,} customers' segments from 0 to "
            f"{k - 1}, but hold {len(own):,} numbers from {own.min()} to {own.max()}."
        )
    return own


def jaccard(labels: np.ndarray, others: np.ndarray, *, segments: int) -> np.ndarray:
    """Measure how far each segment (row) of one labelling overlaps each of another.

    Overlap is the size of the intersection over that of the union; 0 of empty ones.
    """
    shared = _shared(labels, others, segments)
    union = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None, :] - shared
    return shared / np.maximum(union, 1)


def _shared(labels: np.ndarray, others: np.ndarray, segments: int) -> np.ndarray:
    """Count the customers of each segment (row) in each other one (column)."""
    cells = np.bincount(labels * segments + others, minlength=segments**2)
    return cells.reshape(segments, segments)


def recovered(recovery: pd.DataFrame) -> pd.DataFrame:
    """Summarise how well each segment was recovered, from either table of recovery.

    Returns k, segment, jaccard (mean), low and high (quantiles 0.025 and 0.975 of the
    resamples or pairs: their spread, not an interval of the mean), dissolved (share of
    at most 0.5) and recovered (share above 0.75). The two shares are Hennig's (2007)
    for `recovery_of_drawn`; fpc's clusterboot gives them as counts.
    """
    table = recovery.assign(
        dissolved=recovery["jaccard"] <= DISSOLVED,
        recovered=recovery["jaccard"] > 0.75,
    )
    found = table.groupby(["k", "segment"])
    spread = found["jaccard"].quantile([0.025, 0.975]).unstack()
    summary = found[["jaccard", "dissolved", "recovered"]].mean()
    summary.insert(1, "low", spread[0.025])
    summary.insert(2, "high", spread[0.975])
    return summary.reset_index()


def split(
    scores: pd.DataFrame,
    *,
    k_values: Sequence[int],
    n_splits: int,
    seed: int,
    n_init: int,
) -> pd.DataFrame:
    """Cluster two halves of the customers, and ask whether they find the same segments.

    Returns k, split, agreement (adjusted Rand index of both halves' segments, to which
    all customers are given by the nearest centre), strength (share of a segment's pairs
    of customers who stay together by the other half's centres, 1 for a single customer;
    of the least strong segment of either half, their mean) and separation (mean of
    1 - distance to the nearest centre of the other half / distance to the next one).

    Tibshirani and Walther (2005), Cluster validation by prediction strength, as in
    prediction.strength of R's fpc. Leisch (2010), Neighborhood graphs, stripes and
    shadow plots for cluster visualization: such ratios are shadow values.
    """
    methods.check(scores, least=2 * max(k_values))
    values = scores.to_numpy(float)
    found = Parallel(n_jobs=-1)(
        delayed(_split)(values, k_values, [seed, i], n_init) for i in range(n_splits)
    )
    rows = [
        (k, i, *part[place])
        for place, k in enumerate(k_values)
        for i, part in enumerate(found)
    ]
    return pd.DataFrame(rows, columns=["k", "split", *HALVES])


def prediction_strength(
    scores: pd.DataFrame,
    *,
    k_values: Sequence[int],
    n_splits: int,
    seed: int,
    n_init: int,
) -> pd.DataFrame:
    """Give k, split and strength of `split` alone."""
    settings = {"n_splits": n_splits, "seed": seed, "n_init": n_init}
    table = split(scores, k_values=k_values, **settings)
    return table[["k", "split", "strength"]]


def _split(
    values: np.ndarray, k_values: Sequence[int], seed: list[int], n_init: int
) -> list[tuple[float, float, float]]:
    rng = np.random.default_rng(seed)
    parts = np.array_split(rng.permutation(len(values)), 2)
    settings = {"seed": int(rng.integers(2**31)), "n_init": n_init}
    first, second = (values[part] for part in parts)
    for half in (first, second):
        _refuse_few(half, k_values, f"A half of split {seed[-1] + 1}")
    found = []
    with methods.one_thread():
        for k in k_values:
            to_one, to_two = (
                methods.distances(values, methods.kmeans(half, k=k, **settings))
                for half in (first, second)
            )
            one, two = to_one.argmin(axis=1), to_two.argmin(axis=1)
            both = (
                held(one[parts[0]], two[parts[0]], k)
                + held(two[parts[1]], one[parts[1]], k)
            ) / 2
            apart = np.concatenate([to_two[parts[0]], to_one[parts[1]]])
            found.append((adjusted_rand(one, two), both, _separation(apart)))
    return found


def _separation(apart: np.ndarray) -> float:
    """Say how much nearer customers (rows) are to one centre than to the next."""
    near = np.partition(apart, 1, axis=1)
    return float(1 - (near[:, 0] / np.maximum(near[:, 1], 1e-300)).mean())


def held(own: np.ndarray, other: np.ndarray, k: int) -> float:
    """Share of pairs kept by the segment of the half that keeps fewest."""
    shared = _shared(own, other, k)
    size = shared.sum(axis=1)
    kept = (shared * (shared - 1)).sum(axis=1)
    return float(np.where(size > 1, kept / np.maximum(size * (size - 1), 1), 1).min())


def strength_choice(table: pd.DataFrame, *, least: float) -> int:
    """Choose the largest k whose mean strength plus one standard error reaches `least`.

    1 if there is none, since one segment always holds. Tibshirani and Walther (2005)
    say 0.8 to 0.9; fpc adds no standard error, so chooses the same k or a smaller one.
    """
    by_k = table.groupby("k")["strength"].agg(["mean", "sem", "count"])
    if (by_k["count"] < 2).any():
        raise BadInput(
            f"k = {by_k['count'].idxmin()} has {by_k['count'].min()} split, which has no "
            "standard error. Ask prediction_strength for 2 splits or more."
        )
    enough = by_k.index[by_k["mean"] + by_k["sem"] >= least]
    return int(max(enough, default=1))


def across(labels: Labels) -> pd.DataFrame:
    """Say of each segment how far it comes from one segment of k - 1 (SLSA).

    Returns k, segment, value, customers. The value is 1 - H / ln(k - 1), where H is the
    entropy of the shares of the segment's customers by their segment of k - 1: 1 where
    all come from one and at k = 2, 0 where equally many come from each. Dolnicar and
    Leisch (2017), as for `recovery`: slsaplot of R's flexclust.
    """
    tables = []
    for k, found, before in _steps(labels):
        shared = _shared(found, before, k)
        sizes = shared.sum(axis=1)
        entropy = entr(shared / np.maximum(sizes, 1)[:, None]).sum(axis=1)
        # Without a choice of origin there is no entropy, and nothing to divide it by.
        value = 1 - entropy / np.log(k - 1) if k > 2 else np.ones(k)
        rows = {"k": k, "segment": range(k), "value": value, "customers": sizes}
        tables.append(pd.DataFrame(rows)[sizes > 0])
    return pd.concat(tables, ignore_index=True)


def branches(labels: Labels) -> pd.DataFrame:
    """Count who comes from whom as segments become more: the tree behind `across`.

    Returns k (above 2), segment, parent (segment of k - 1), customers they share.
    """
    rows = []
    for k, found, before in _steps(labels):
        shared = _shared(found, before, k)
        rows += [
            {"k": k, "segment": s, "parent": p, "customers": shared[s, p]}
            for s, p in np.argwhere(shared)
            if k > 2
        ]
    columns = ["k", "segment", "parent", "customers"]
    return pd.DataFrame(rows, columns=columns).astype(int)


def _steps(labels: Labels) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Pair the labels of each k with those of k - 1."""
    if sorted(labels) != list(range(2, len(labels) + 2)) or not labels:
        raise BadInput(
            "Segments are followed from k to k + 1, beginning at 2, but labels hold "
            f"k = {', '.join(map(str, sorted(labels))) or 'nothing'}. Give every k "
            "from 2 on."
        )
    customers = len(labels[2])
    found = {1: np.zeros(customers, dtype=int)}
    found |= {k: _labels_at(labels, k, customers) for k in sorted(labels)}
    return [(k, found[k], found[k - 1]) for k in sorted(labels)]


def recovery_by_rank(
    scores: pd.DataFrame, seed: int, *, k: int, n_bootstrap: int, n_init: int
) -> pd.DataFrame:
    """Measure how well repeated studies find each of k segments: for `on_references`.

    Returns rank, from 1 for the segment found worst, and value, the mean of `recovery`:
    a segment has no counterpart among references but that of its rank. Unlike `resample`
    on features nothing is prepared anew, which flatters references a little. Keep
    `n_init` the same for both: more starts are steadier.
    """
    settings = {"seed": seed, "n_init": n_init}
    # References are measured side by side already; each of them stays in its process.
    with parallel_config(backend="sequential"), threadpool_limits(1):
        again = resample(
            scores, prepare=AsItIs, k_values=[k], n_bootstrap=n_bootstrap, **settings
        )
        labels = {k: methods.kmeans_labels(scores.to_numpy(float), k=k, **settings)}
    found = recovery(again, labels).groupby("segment")["jaccard"].mean().sort_values()
    return pd.DataFrame({"rank": range(1, len(found) + 1), "value": found.to_numpy()})


def halves(
    first: pd.DataFrame,
    second: pd.DataFrame,
    centres: Mapping[int, np.ndarray],
    *,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """Ask whether customers stay in their segment when another half of them is seen.

    `first` and `second` score the same customers by the same preparation, such as in
    odd and even weeks; `centres` (k -> k x features) were found on other scores, such
    as of all weeks. Returns k, ari (adjusted Rand index), same (share of customers in
    the same segment) and p: the share of `draws` random deals of the second labels, the
    true one among them, with at least as large an ari. Half the weeks say less than
    all, so ari and same are lower than two full windows would give.
    """
    _refuse_unlike(first, second)
    rows = []
    for k, middle in centres.items():
        one, two = (methods.nearest(t.to_numpy(float), middle) for t in (first, second))
        ari = adjusted_rand(one, two)
        rng = np.random.default_rng([seed, k])
        dealt = [adjusted_rand(one, rng.permutation(two)) for _ in range(draws)]
        p = (1 + sum(chance >= ari for chance in dealt)) / (1 + draws)
        same = float((one == two).mean())
        rows.append({"k": k, "ari": ari, "same": same, "p": p})
    return pd.DataFrame(rows, columns=["k", "ari", "same", "p"])


def seen_twice(
    halved: pd.DataFrame,
    names: Sequence[str],
    *,
    prepared: Prepared,
    centres: Mapping[int, np.ndarray],
    draws: int,
    seed: int,
) -> tuple[tuple[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    """Assign the same customers twice: gives `in_both`, and the table of `halves` by k.

    The table is missing where fewer than `MIN_TWICE` customers are known from both.
    """
    pair = in_both(halved, names, prepared=prepared)
    judged = centres if len(pair[0]) >= MIN_TWICE else {}
    table = halves(*pair, judged, draws=draws, seed=seed)
    return pair, table.set_index("k").reindex(list(centres))


def by_segment(
    resampled: Resampled, labels: Labels, references: pd.DataFrame, *, k: int
) -> pd.DataFrame:
    """Say of each segment at k how surely it comes back, by segment_id (from 1).

    `references` are `recovery_by_rank` on references. Returns recovery (mean `jaccard`) with
    recovery_error, reference and reference_high (mean and most of the reference's
    segment of the same rank), dissolved and recovered (`recovery_of_drawn`), across,
    low and high (of `recovered`).
    """
    overlaps = recovery(resampled, labels).query("k == @k")
    own = recovered(overlaps).set_index("segment")
    drawn = recovered(recovery_of_drawn(resampled, labels)).query("k == @k")
    by_rank = references.groupby("rank")["value"].agg(["mean", "max"])
    by_rank = by_rank.reindex(own["jaccard"].rank(method="first").astype(int))
    table = pd.DataFrame(
        {
            "recovery": own["jaccard"].to_numpy(),
            "recovery_error": overlaps.groupby("segment")["jaccard"].sem().to_numpy(),
            "reference": by_rank["mean"].to_numpy(),
            "reference_high": by_rank["max"].to_numpy(),
            "dissolved": drawn["dissolved"].to_numpy(),
            "recovered": drawn["recovered"].to_numpy(),
            "across": across(labels).query("k == @k")["value"].to_numpy(),
            "low": own["low"].to_numpy(),
            "high": own["high"].to_numpy(),
        }
    )
    return table.set_index(pd.RangeIndex(1, len(table) + 1, name="segment_id"))


def stays(first: pd.DataFrame, second: pd.DataFrame, centres: np.ndarray) -> pd.Series:
    """Say of each customer whether both halves give the same segment, as `halves`."""
    _refuse_unlike(first, second)
    one, two = (methods.nearest(t.to_numpy(float), centres) for t in (first, second))
    return pd.Series(one == two, index=first.index)


def in_both(
    halved: pd.DataFrame, names: Sequence[str], *, prepared: Prepared
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score the customers who bought in both of two halves, as `halves` takes them.

    `halved` has customer_id, half, sales and what `prepared` reads; `names` are two of
    its halves. Both tables are indexed by customer_id, in the order of the first.
    """
    bought = halved[halved["sales"] > 0].set_index("customer_id")
    one, two = (bought[bought["half"] == name] for name in names)
    there = one.index[one.index.isin(two.index)]
    return prepared.transform(one.loc[there]), prepared.transform(two.loc[there])


def borderline(
    ratio: np.ndarray | pd.Series, repeated: Sequence[np.ndarray | pd.Series]
) -> float | None:
    """Find the distance ratio beyond which customers do not keep their segment.

    `ratio` is each customer's distance to the own centre over that to the next (0 to
    1); `repeated` are ways to repeat the study, each with the share of repetitions in
    which each customer stays (`kept`, `stays`), missing where not known. The share is
    fitted as a function of the ratio that never rises (isotonic regression); beyond the
    result, the least of all ways, it lies below two in three. Halves between which
    customers may truly have changed are no such way. Rounded to 0.01, from 0.5 to 0.99;
    None where fewer than ten known customers lie beyond any such ratio.
    """
    found = [_lost_beyond(np.asarray(ratio), np.asarray(k, float)) for k in repeated]
    return min((value for value in found if value is not None), default=None)


def _lost_beyond(ratio: np.ndarray, share: np.ndarray) -> float | None:
    known = ~np.isnan(share)
    order = np.argsort(ratio[known], kind="stable")
    ratios = ratio[known][order]
    # Isotonic regression lies above a level exactly up to where the sum of what exceeds
    # the level is largest; rounded, since equal sums differ in the last digits.
    sums = np.cumsum(share[known][order] - KEPT).round(9)
    ends = np.append(ratios[1:] > ratios[:-1], True)[: len(ratios)]
    best = max(sums[ends].max(initial=0), 0)
    reached = ratios[ends & (sums == best)]
    cut = reached[-1] if len(reached) else 0.0
    if (ratios > cut).sum() < FEWEST:
        return None
    return float(np.clip(cut, 0.5, 0.99).round(2))


def _refuse_unlike(first: pd.DataFrame, second: pd.DataFrame) -> None:
    for what, one, two in (
        ("customers", first.index, second.index),
        ("features", first.columns, second.columns),
    ):
        if not one.equals(two):
            raise BadInput(
                f"The two halves must hold the same {what} in the same order, but hold "
                f"{len(one):,} and {len(two):,}, of which {len(one.intersection(two)):,} "
                "are in both. Keep those in both halves, sorted alike."
            )
    for name, half in (("first", first), ("second", second)):
        odd = ~np.isfinite(half.to_numpy(float))
        if odd.any():
            columns = ", ".join(map(str, half.columns[odd.any(axis=0)]))
            raise BadInput(
                f"The {name} half holds missing or infinite scores of "
                f"{int(odd.any(axis=1).sum()):,} customers in {columns}. Leave out "
                "customers seen in one half only."
            )


def multiverse(
    features: pd.DataFrame,
    *,
    prepare: Callable[..., Prepared],
    choices: Sequence[Mapping[str, object]],
    k: int,
    seed: int,
    n_init: int,
) -> pd.DataFrame:
    """Cluster the customers under each defensible choice of preparation.

    A choice is passed to `prepare` as keywords and names a column of labels 0 to k - 1,
    as in "scaling: standard, winsor: 0.05"; 0 for everybody where it leaves fewer than
    `k` customers that differ.

    Steegen, Tuerlinckx, Gelman and Vanpaemel (2016), Increasing transparency through a
    multiverse analysis.
    """
    names = [", ".join(f"{key}: {value}" for key, value in c.items()) for c in choices]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"choices name {'; '.join(twice)} twice. Keep one of each.")
    labels = Parallel(n_jobs=-1)(
        delayed(_chosen)(features, prepare, choice, name, k, seed, n_init)
        for name, choice in zip(names, choices, strict=True)
    )
    return pd.DataFrame(dict(zip(names, labels, strict=True)), index=features.index)


def _chosen(
    features: pd.DataFrame,
    prepare: Callable[..., Prepared],
    choice: Mapping[str, object],
    name: str,
    k: int,
    seed: int,
    n_init: int,
) -> np.ndarray:
    try:
        with threadpool_limits(1):
            scores = prepare(features, **choice).transform(features)
            # A choice can level what tells customers apart, as winsorising rare needs
            # does; where it levels all of it, it finds one group.
            scores = scores.loc[:, (scores != scores.iloc[0]).any()]
            if scores.empty or len(scores.drop_duplicates()) < k:
                return np.zeros(len(scores), dtype=int)
            methods.check(scores, least=k)
            values = scores.to_numpy(float)
            return methods.kmeans_labels(values, k=k, seed=seed, n_init=n_init)
    except BadInput as fault:
        raise BadInput(f"Choice {name}: {fault}") from None


def agreements(
    labels: pd.DataFrame,
    chosen: np.ndarray | pd.Series,
    choices: Sequence[Mapping[str, object]],
) -> pd.DataFrame:
    """Compare each column of labels, of `multiverse`, with the chosen segments.

    Returns the keywords of each choice and ari (adjusted Rand index: 1 is the same
    segments, 0 is chance).
    """
    own = np.asarray(chosen)
    found = [adjusted_rand(own, column.to_numpy()) for _, column in labels.items()]
    return pd.DataFrame(choices).assign(ari=found)


def one_change(
    choices: Sequence[Mapping[str, object]], chosen: Mapping[str, object]
) -> list[Mapping[str, object]]:
    """Take the choices that differ from the chosen one in one keyword alone."""
    return [
        one
        for name in chosen
        for one in choices
        if [key for key in chosen if one[key] != chosen[key]] == [name]
    ]
