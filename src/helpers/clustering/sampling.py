"""Draw samples of customers, and ask whether another one would decide alike."""

from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np
import pandas as pd

from helpers.clustering import criteria, methods, null_references
from helpers.clustering.scores import adjusted_rand
from helpers.core import store


def draw(
    customers: pd.DataFrame,
    *,
    by: Mapping[str, Sequence[float]],
    size: int,
    samples: int,
    seed: int,
) -> list[pd.Series]:
    """Draw up to `samples` stratified samples of `size` customers that share nobody.

    Returns the ids of each, sorted; one sample of everybody where `size` reaches all.
    `by` says for columns of `customers` (numbers, none missing) at the quantiles of
    which shares they are cut; each combination of classes is a stratum. The last
    samples may lack a few customers of a stratum that has run dry. Seed and id alone
    fix who is drawn, not the order of the rows.

    Cochran (1977), Sampling techniques, chapter 5: proportional allocation, so that
    statistics of a sample need no weights. Within a stratum customers are taken in the
    order of a keyed hash (SipHash) of their id.
    """
    ids = customers["customer_id"]
    if size >= len(ids):
        return [ids.sort_values(ignore_index=True)]
    stratum = strata(customers, by=by)
    counts = np.bincount(stratum)
    each = allocate(counts, size=size)
    order = np.lexsort([_lots(ids, seed), stratum])
    place = np.arange(len(order)) - np.repeat(counts.cumsum() - counts, counts)
    quota = np.repeat(each, counts)
    # A stratum without a place in the sample comes after the last one.
    number = np.where(quota > 0, place // np.maximum(quota, 1), samples)
    return [
        ids.iloc[order[number == i]].sort_values(ignore_index=True)
        for i in range(min(samples, len(ids) // size))
    ]


def strata(customers: pd.DataFrame, *, by: Mapping[str, Sequence[float]]) -> np.ndarray:
    """Give each customer the number of a stratum; who lies at a cut is in the upper."""
    found = np.zeros(len(customers), dtype=np.int64)
    for column, shares in by.items():
        cuts = customers[column].quantile(list(shares)).to_numpy()
        classes = np.searchsorted(cuts, customers[column].to_numpy(), side="right")
        found = found * (len(cuts) + 1) + classes
    return found


def allocate(counts: np.ndarray, *, size: int) -> np.ndarray:
    """Share out `size` places in proportion to the strata, by largest remainders.

    Of equal remainders the first stratum's counts as the largest.
    """
    each, remainder = np.divmod(counts * size, counts.sum())
    largest = np.argsort(-remainder, kind="stable")[: size - each.sum()]
    each[largest] += 1
    return each


def _lots(ids: pd.Series, seed: int) -> np.ndarray:
    # In parts, since a Python text takes several times the room of a stored one.
    key = f"{seed % 10**16:016d}"
    parts = range(0, len(ids), store.BATCH)
    texts = (ids.iloc[i : i + store.BATCH].to_numpy(object) for i in parts)
    return np.concatenate(
        [pd.util.hash_array(text, hash_key=key, categorize=False) for text in texts]
    )


def between(studies: Sequence[criteria.Study], *, k: int) -> pd.DataFrame:
    """Compare the segments of samples two by two, at one k.

    Returns sample, other (from 1); ari: adjusted Rand index of the two sets of centres
    on the customers of the first sample; excess: how much more squared distance the
    centres of `sample` leave among the customers of `other`, whom they have not seen,
    than their own centres do (0.01 is 1 % more).
    """
    common = studies[0].scores.to_numpy(float)
    rows = []
    for (i, one), (j, two) in permutations(enumerate(studies, start=1), 2):
        labels = [methods.nearest(common, s.centres[k]) for s in (one, two)]
        ari = adjusted_rand(*labels)
        own_scores = two.scores.to_numpy(float)
        strange, own = (_left(own_scores, s.centres[k]) for s in (one, two))
        rows.append({"sample": i, "other": j, "ari": ari, "excess": strange / own - 1})
    return pd.DataFrame(rows, columns=["sample", "other", "ari", "excess"])


def _left(scores: np.ndarray, centres: np.ndarray) -> float:
    """Add up the squared distances to the nearest centre."""
    return float((methods.distances(scores, centres).min(axis=1) ** 2).sum())


def compare(
    studies: Sequence[criteria.Study],
    *,
    k: int,
    limits: criteria.Limits,
    p_weeks: pd.Series,
) -> pd.DataFrame:
    """Set the decisions of several samples side by side, the one it rests on first.

    Returns sample (from 1), customers, takes (the number of segments its criteria take,
    missing if none), the criteria that are asked at `k`, gain (missing if not judged),
    and the means over the other samples of ari and excess (see `between`). Null
    references are drawn for the first sample alone: their values, and `p_weeks`, hold
    for all.
    """
    references = null_references.strictest(studies[0].held)
    rows = []
    for i, one in enumerate(studies, start=1):
        table = one.criteria.assign(
            **null_references.excess(one.halves, references),
            p=references["p"],
            p_weeks=p_weeks,
        )
        table = criteria.judge(table, limits)
        takes = criteria.decide(
            table, k=criteria.AUTO, explained=one.explained, min_step=limits.min_step
        ).by_criteria
        row = {"sample": i, "customers": len(one.scores), "takes": takes}
        asked = list(limits.least() | {"gain": None})
        rows.append(row | table.loc[k, asked].to_dict())
    pairs = between(studies, k=k).groupby("sample")[["ari", "excess"]].mean()
    return pd.DataFrame(rows).join(pairs, on="sample").astype({"takes": "Int64"})
