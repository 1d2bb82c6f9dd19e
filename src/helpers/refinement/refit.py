"""Follow segments from one model to its successor, and choose between the two."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import optimize

from helpers.clustering import methods, predictive_validity
from helpers.clustering.model import Model
from helpers.display import tables
from helpers.statistics import bootstrap, forecasts


def refit(model: Model, features: pd.DataFrame, *, seed: int, n_init: int) -> Model:
    """Find the centres anew on the features of a newer window, all else being kept.

    `model` is the champion, `shortened` to the window; seed and starts are those of
    `methods.kmeans`. The challenger has no names: its ids go by size, so `match` them.
    """
    known = features[model.enough_data(features)]
    scores = model.preparation.transform(known).to_numpy(float)
    centres = methods.kmeans(scores, k=len(model.centres), seed=seed, n_init=n_init)
    return replace(model, centres=centres.tolist(), names={})


def match(
    before: np.ndarray,
    after: np.ndarray,
    *,
    survive: float,
    part: float,
    segments: int = 0,
) -> pd.DataFrame:
    """Match the segments of a refit to their predecessors by the customers they share.

    A segment survives in a new one that holds the share `survive` of its customers;
    parts of the share `part`, none enough by itself, make a split if together they
    reach it. `segments` counts the old ones, those that nobody is in among them.

    Gives a row per new segment and per old one without an heir: old_id, new_id (missing
    where there is none), stable_id (that of the predecessor; a birth gets the next free
    number), shared (customers in both), of_old, of_new (shares), jaccard, what (kept,
    born, ended, split or merged). Pairs have the largest total Jaccard (Hungarian
    method); Spiliopoulou, Ntoutsi, Theodoridis and Schult (2006), MONIC: modeling and
    monitoring cluster transitions.
    """
    shared = pd.crosstab(before, after)
    rows = shared.index.union(range(1, segments + 1))
    shared = shared.reindex(rows, fill_value=0)
    of_old = shared.div(shared.sum(axis=1), axis=0).fillna(0)
    of_new = shared / shared.sum(axis=0)
    jaccard = 1 / (1 / of_old.clip(lower=1e-12) + 1 / of_new.clip(lower=1e-12) - 1)
    old, new = optimize.linear_sum_assignment(-jaccard.to_numpy())
    pairs = {shared.columns[n]: shared.index[o] for o, n in zip(old, new, strict=True)}
    heirs = _heirs(of_old, survive=survive, part=part)
    rows, free = [], int(shared.index.max())
    for one in shared.columns:
        own = pairs.get(one)
        fits = own is not None and of_old.loc[own, one] >= part
        free += not fits
        what = _what(own if fits else None, one, heirs)
        rows.append((own if fits else None, one, own if fits else free, what))
    given = {row[0] for row in rows}
    fate = {old: "merged" if len(new) == 1 else "ended" for old, new in heirs.items()}
    rows += [(o, None, o, fate[o]) for o in shared.index if o not in given]
    table = pd.DataFrame(rows, columns=["old_id", "new_id", "stable_id", "what"])
    pairs = table[["old_id", "new_id"]].to_numpy()
    sources = {"shared": shared, "of_old": of_old, "of_new": of_new, "jaccard": jaccard}
    for name, source in sources.items():
        table[name] = [
            np.nan if pd.isna(pair).any() else float(source.loc[tuple(pair)])
            for pair in pairs
        ]
    ids = ["old_id", "new_id", "stable_id"]
    table = table.astype(dict.fromkeys(ids, "Int64"))
    return table[[*ids, *sources, "what"]]


def _heirs(of_old: pd.DataFrame, *, survive: float, part: float) -> dict[int, list]:
    """List for each old segment the new ones it lives on in, more than one for a split."""
    heirs = {}
    for old, shares in of_old.iterrows():
        found = shares.index[shares >= survive].tolist()
        if not found:
            parts = shares[shares >= part]
            found = parts.index.tolist() if parts.sum() >= survive else []
        heirs[old] = found
    return heirs


def _what(own: int | None, new: int, heirs: Mapping[int, list[int]]) -> str:
    parents = [old for old, found in heirs.items() if new in found]
    if len(parents) > 1 and all(heirs[old] == [new] for old in parents):
        return "merged"
    if any(len(heirs[old]) > 1 for old in parents):
        return "split"
    return "kept" if own in parents else "born"


def new_names(matched: pd.DataFrame, *, names: Mapping[int, str]) -> dict[int, str]:
    """Name the new segments of `match`: as the one that lives on in them, or new."""
    return {
        row.new_id: names.get(row.stable_id, f"New {row.stable_id}")
        for row in matched.dropna(subset="new_id").itertuples()
    }


def may_be_shown(matched: pd.DataFrame, *, fewest: int) -> pd.DataFrame:
    """Withhold overlaps of `match` that tell of few customers; shared is left out."""
    shown = matched.copy()
    ends = ["of_old", "of_new", "jaccard"]
    shown.loc[matched["shared"] < fewest, ends] = np.nan
    sizes = {
        f"{n}_size": matched["shared"] / matched[f"of_{n}"] for n in ("old", "new")
    }
    return tables.guarded(shown.assign(**sizes)).drop(columns=["shared", *sizes])


def explained(
    labels: Mapping[str, np.ndarray],
    mix: np.ndarray,
    *,
    champion: str,
    folds: int,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Say how well each labelling predicts a mix, for customers left out.

    A customer's mix (customers x needs, from weeks that no label has seen) is predicted
    by the mean of the label in the other folds; what has two dimensions is no label but
    scores, and predicts by ridge regression. Gives model, customers, explained (share of
    the variance of the mix, R2), low, high, gain (explained less the champion's),
    gain_low, gain_high: 95% percentile intervals, the same samples for all, so that
    gains are compared in pairs.
    """
    rng = np.random.default_rng(seed)
    fold = rng.permutation(np.arange(len(mix)) % folds)
    weights = bootstrap.weights(len(mix), n_bootstrap, np.random.default_rng(seed))
    plain = _error(np.zeros(len(mix)), mix, fold) @ weights
    shares = {
        name: 1 - (_error(label, mix, fold) @ weights) / plain
        for name, label in labels.items()
    }
    rows = []
    for name, found in shares.items():
        gain = bootstrap.estimate(found - shares[champion])
        rows.append((name, len(mix), *bootstrap.estimate(found), *gain))
    columns = ["model", "customers", "explained", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "gain", "gain_low", "gain_high"])


def _error(label: np.ndarray, mix: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Take each customer's squared error from the means of the other folds."""
    known = np.asarray(label)
    way = forecasts.label_means if known.ndim == 1 else predictive_validity.by_scores
    return ((mix - way(known, mix, fold)) ** 2).sum(axis=1)


def random_explained(
    scores: np.ndarray,
    mix: np.ndarray,
    *,
    k: int,
    draws: int,
    folds: int,
    seed: int,
) -> pd.Series:
    """Say how much of a mix groups around random customers explain, for each draw.

    `scores` come from the weeks that labels have seen; folds and score are those of
    `explained`.
    """
    centres = predictive_validity.drawn_centres(scores, k=k, draws=draws, seed=seed)
    labels = {
        f"draw {i}": methods.nearest(scores, own) for i, own in enumerate(centres)
    }
    found = explained(
        labels, mix, champion="draw 0", folds=folds, n_bootstrap=1, seed=seed
    )
    return found.set_index("model")["explained"]


def with_random(
    table: pd.DataFrame, drawn: pd.Series, *, champion: str
) -> pd.DataFrame:
    """Add the mean of `random_explained` and its range, as a row, to `explained`."""
    beside = table.set_index("model").loc[champion, "explained"]
    found = (drawn.mean(), drawn.min(), drawn.max())
    gain = ["gain", "gain_low", "gain_high"]
    row = {
        "model": f"random centres, {len(drawn)} draws",
        "customers": table["customers"].iloc[0],
        **dict(zip(["explained", "low", "high"], found, strict=True)),
        **dict(zip(gain, (one - beside for one in found), strict=True)),
    }
    return pd.concat([table, pd.DataFrame([row])], ignore_index=True)


def decide(
    *,
    alarm: bool,
    gain_low: float,
    gain: float,
    min_gain: float,
    match: pd.DataFrame | None,
    min_jaccard: float,
) -> str:
    """Apply the rules for a new segmentation.

    Says keep (no alarm), watch (an alarm, but nothing better at hand) or re-segment (an
    alarm, and a challenger that predicts `min_gain` more, for sure, or a segment
    that is no more, or overlaps too little). Without a `match` alarms decide alone.
    """
    if not alarm or match is None:
        return "watch" if alarm else "keep"
    better = gain >= min_gain and gain_low > 0
    broken = (match["what"] != "kept").any() or (match["jaccard"] < min_jaccard).any()
    return "re-segment" if better or broken else "watch"
