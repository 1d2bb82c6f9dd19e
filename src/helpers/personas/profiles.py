"""Describe segments: what they are worth, what sets each apart, and their neighbours."""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.core.errors import TooLittle
from helpers.core.paths import beside
from helpers.disclosure import suppression
from helpers.disclosure.suppression import MIN_CELL
from helpers.features.labels import say
from helpers.statistics import bootstrap

N_BOOTSTRAP = 1000
TYPICAL = 0.75  # distance to the own centre over that to the next, below which it is so
NOT_COMPARED = [
    *("customer_id", "lines", "need_variety", "deal_index"),
    *("share_other_grocery", "share_other", "share_goods"),
]
# Words of the study and what they mean.
GLOSSARY = beside(__file__, "glossary.yaml")


def summarise(
    features: pd.DataFrame, assigned: pd.DataFrame, *, seed: int
) -> pd.DataFrame:
    """Count each segment and what it is worth; 0 (too little data) comes last.

    Returns segment_id, customers, share_customers, sales (currency), share_sales,
    sales_per_customer with low and high (95% percentile interval, customers resampled
    inside the segment), borderline_share, high_value_share, lapsed_share,
    high_deal_share. Money is missing where it is one customer's for the most part.
    """
    table = features[["customer_id", "sales"]].merge(
        assigned, on="customer_id", validate="one_to_one"
    )
    assert len(table) == len(features), "some customers have no segment"
    table["sales"] = table["sales"].fillna(0)
    rows = []
    for segment_id, group in table.groupby("segment_id"):
        rng = np.random.default_rng([seed, segment_id])
        sales = group["sales"].to_numpy()
        low, high = bootstrap.mean_interval(sales, N_BOOTSTRAP, rng)
        rows.append(
            {
                "segment_id": segment_id,
                "customers": len(group),
                "share_customers": len(group) / len(table),
                "sales": sales.sum(),
                "share_sales": sales.sum() / (table["sales"].sum() or 1),
                "sales_per_customer": sales.mean(),
                "low": low,
                "high": high,
                "borderline_share": group["borderline"].mean(),
                "high_value_share": (group["value_tier"] == "high").mean(),
                "lapsed_share": (group["activity"] == "lapsed").mean(),
                "high_deal_share": (group["deal_proneness"] == "high").mean(),
                "largest": group["sales"].abs().max() / (np.abs(sales).sum() or 1),
            }
        )
    summary = pd.DataFrame(rows)
    if not table["sales"].sum() > 0:  # a share of nothing, or of a loss, says nothing
        summary["share_sales"] = np.nan
    money = ["sales", "share_sales", "sales_per_customer", "low", "high"]
    hidden = suppression.dominated(summary.pop("largest"), summary["sales"].abs())
    summary[money] = summary[money].mask(hidden)
    last = summary["segment_id"] == 0
    return pd.concat([summary[~last], summary[last]], ignore_index=True)


def differences(
    features: pd.DataFrame,
    segment_ids: pd.Series,
    *,
    columns: list[str],
    built_from: list[str],
    seed: int,
    n_bootstrap: int = N_BOOTSTRAP,
    weights: pd.Series | None = None,
    ratios: bool = True,
) -> pd.DataFrame:
    """Compare each segment with the average, all comparisons at one error rate.

    Returns segment_id, feature, mean with mean_low and mean_high (95% percentile
    interval, one by one), average, index (100 x mean / average) with low and high (95%
    **simultaneous**), all three missing without a ratio scale (any value below 0, or an
    average of 0), effect (Cohen's d against the rest), side (above or below, where the
    simultaneous interval leaves out the average, else ""), used_to_build (they differ
    by construction).

    Simultaneous: plus and minus c bootstrap deviations. c is the 95% quantile, over
    resamples, of the largest deviation among **all** rows (the sup-t band). Rows
    without an index are compared by their difference from the average. Without
    `ratios` all rows are, and low and high are those of the difference. Means are
    weighted by `weights`, those of a sample, where given. Cohen (1988), Statistical
    power analysis; Montiel Olea and Plagborg-Møller (2019), Simultaneous confidence
    bands.
    """
    return differences_of(
        features,
        {"": segment_ids},
        columns=columns,
        built_from=built_from,
        seed=seed,
        n_bootstrap=n_bootstrap,
        weights=weights,
        ratios=ratios,
    )[""]


def differences_of(
    features: pd.DataFrame,
    groupings: Mapping[str, pd.Series],
    *,
    columns: list[str],
    built_from: list[str],
    seed: int,
    n_bootstrap: int = N_BOOTSTRAP,
    weights: pd.Series | None = None,
    ratios: bool = True,
) -> dict[str, pd.DataFrame]:
    """Give `differences` of several groupings of the same customers, by their names.

    Each has an error rate of its own; samples are drawn once for all.
    """
    values = features[columns].to_numpy(float)
    ids = {name: group.to_numpy() for name, group in groupings.items()}
    weigh = None if weights is None else weights.to_numpy(float)
    drawn, average = _resampled_means(
        values, list(ids.values()), weigh, seed=seed, n_bootstrap=n_bootstrap
    )
    return {
        name: _differences(
            values,
            (ids[name], weigh),
            (own, average),
            columns,
            built_from=built_from,
            ratios=ratios,
        )
        for name, own in zip(ids, drawn, strict=True)
    }


def _differences(
    values: np.ndarray,
    weighed: tuple[np.ndarray, np.ndarray | None],
    resampled: tuple[np.ndarray, np.ndarray],
    columns: list[str],
    *,
    built_from: list[str],
    ratios: bool,
) -> pd.DataFrame:
    (ids, weights), (drawn, drawn_average) = weighed, resampled
    own, average = _means(values, ids, weights)
    # "Twice the average" means nothing for a log ratio, whose average may be 0.
    ratio = (np.nan_to_num(values).min(axis=0, initial=0) >= 0) & (average > 0)
    ratio &= ratios
    found = _compared(own, average, ratio)
    with warnings.catch_warnings():  # of a small group nothing may be known
        warnings.simplefilter("ignore", RuntimeWarning)
        band = _sup_t(_compared(drawn, drawn_average[:, None], ratio), found)
        mean_low, mean_high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    segments = np.unique(ids)
    rows = []
    for (s, c), compared in np.ndenumerate(found):
        inside, known = ids == segments[s], np.isfinite(values[:, c])
        spread, even = band[s, c], 100.0 if ratio[c] else 0.0
        side = "above" if compared - spread > even else ""
        rows.append(
            {
                "segment_id": segments[s],
                "feature": columns[c],
                "mean": own[s, c],
                "mean_low": mean_low[s, c],
                "mean_high": mean_high[s, c],
                "average": average[c],
                "index": compared if ratio[c] else np.nan,
                "low": max(compared - spread, 0) if ratio[c] else np.nan,
                "high": compared + spread if ratio[c] else np.nan,
                "effect": effect_size(
                    values[inside & known, c], values[~inside & known, c]
                ),
                "side": "below" if compared + spread < even else side,
                "used_to_build": columns[c] in built_from,
            }
        )
        if not ratios:
            rows[-1] |= {"low": compared - spread, "high": compared + spread}
    return pd.DataFrame(rows)


def _means(
    values: np.ndarray, ids: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Give the mean of each segment x feature, and of each feature."""
    if weights is not None:
        groups = [ids == s for s in np.unique(ids)]
        of = [_weighted(values[g], weights[g]) for g in groups]
        return np.array(of), _weighted(values, weights)
    with warnings.catch_warnings():  # of a small group nothing may be known
        warnings.simplefilter("ignore", RuntimeWarning)
        own = [np.nanmean(values[ids == s], axis=0) for s in np.unique(ids)]
        return np.array(own), np.nanmean(values, axis=0)


def _weighted(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):  # nothing may be known
        return weights @ np.nan_to_num(values) / (weights @ known)


def _resampled_means(
    values: np.ndarray,
    groupings: Sequence[np.ndarray],
    weigh: np.ndarray | None,
    *,
    seed: int,
    n_bootstrap: int,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Give `_means` of each bootstrap sample: of each grouping, samples first."""
    known, filled = np.isfinite(values), np.nan_to_num(values)
    gaps = ~known.all(axis=0)  # elsewhere all customers count
    members = [[ids == s for s in np.unique(ids)] for ids in groupings]
    own: list[list[np.ndarray]] = [[] for _ in groupings]
    average = []
    for weights in bootstrap.batches(len(values), n_bootstrap, seed=seed):
        weights *= 1 if weigh is None else weigh
        for found, groups in zip(own, members, strict=True):
            parts = []
            for m in groups:
                drawn = weights[:, m]
                counts = np.repeat(drawn.sum(axis=1)[:, None], len(gaps), axis=1)
                counts[:, gaps] = drawn @ known[m][:, gaps]
                parts.append((drawn @ filled[m], counts))
            sums, counts = np.stack([np.stack(part) for part in parts], axis=1)
            with np.errstate(invalid="ignore"):  # a small group may be drawn by nobody
                found.append(np.moveaxis(sums / counts, 0, 1))
        average.append(sums.sum(axis=0) / counts.sum(axis=0))  # of any grouping
    return [np.concatenate(found) for found in own], np.concatenate(average)


def _compared(own: np.ndarray, average: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Give the index where there is a ratio scale, else the difference."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(ratio, 100 * own / average, own - average)


def _sup_t(drawn: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Give half the width of each row's simultaneous 95% interval."""
    deviation = np.nanstd(drawn, axis=0, ddof=1)
    moving = deviation > 0
    apart = np.abs(drawn - found)[:, moving] / deviation[moving]
    most = np.nanmax(apart, axis=1) if moving.any() else np.zeros(1)
    return np.where(moving, np.quantile(most, 0.95) * deviation, 0.0)


def effect_size(own: np.ndarray, rest: np.ndarray) -> float:
    """Return Cohen's d; missing where a group is of one, or nobody differs."""
    n, m = len(own), len(rest)
    if min(n, m) < 2 or np.ptp(np.concatenate([own, rest])) == 0:
        return np.nan
    pooled = ((n - 1) * own.var(ddof=1) + (m - 1) * rest.var(ddof=1)) / (n + m - 2)
    return float((own.mean() - rest.mean()) / np.sqrt(pooled))


def comparable(features: pd.DataFrame) -> list[str]:
    """Name the features to compare segments by: those in which customers differ.

    The variety of needs follows from the shares; a centred index has no mean to divide
    by; shares of the rest are what is left of the others.
    """
    spread = features.drop(columns=NOT_COMPARED, errors="ignore").std()
    return spread.index[spread > 1e-9].tolist()


def marks(table: pd.DataFrame, *, min_effect: float) -> pd.DataFrame:
    """Keep the differences that mark a segment, the largest first.

    Their simultaneous interval leaves out the average, and their effect is
    `min_effect` or more, either way. shared_with is added: ids of the others marked
    on the same side.
    """
    kept = table[(table["side"] != "") & (table["effect"].abs() >= min_effect)]
    groups = kept.groupby(["feature", "side"])["segment_id"].agg(set)
    shared = [
        tuple(sorted(groups[row.feature, row.side] - {row.segment_id}))
        for row in kept.itertuples()
    ]
    kept = kept.assign(shared_with=shared, size=kept["effect"].abs())
    kept = kept.sort_values(["segment_id", "size"], ascending=[True, False])
    return kept.drop(columns="size").reset_index(drop=True)


def profile(table: pd.DataFrame, dictionary: pd.DataFrame) -> pd.DataFrame:
    """Arrange the differences as a reader compares segments by them.

    Returns segment_id, feature, label, family, unit (from `dictionary`), value with low
    and high (95%, one by one), overall, index, direction (above, below or "", from the
    simultaneous interval), marker, used_to_build.
    """
    about = dictionary.reindex(columns=["feature", "family", "unit", "label"])
    joined = table.merge(about, on="feature", how="left", validate="many_to_one")
    return pd.DataFrame(
        {
            "segment_id": joined["segment_id"],
            "feature": joined["feature"],
            "label": joined["label"].astype(object).fillna(joined["feature"].map(say)),
            "family": joined["family"].fillna(""),
            "unit": joined["unit"].fillna(""),
            "value": joined["mean"],
            "low": joined["mean_low"],
            "high": joined["mean_high"],
            "overall": joined["average"],
            "index": joined["index"],
            "direction": joined["side"],
            "marker": markers(table).to_numpy(),
            "used_to_build": joined["used_to_build"],
        }
    )


def markers(table: pd.DataFrame) -> pd.Series:
    """Mark the variables by which a segment is known at a glance.

    They built the segments, and their mean is farther from the average than a quarter
    of the largest such distance, or by more than half of the average: the rule of
    flexclust. Dolnicar, Grün and Leisch (2018), Market segmentation analysis, chapter
    8.
    """
    apart = (table["mean"] - table["average"]).abs().where(table["used_to_build"])
    return (apart > apart.max() / 4) | (apart > table["average"].abs() / 2)


def heat(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lay out the index, and the markers, of what built the segments, by `profile`.

    Returns two tables of features x segments, the features farthest from 100 first.
    """
    built = table[table["used_to_build"]].set_index(["feature", "segment_id"])
    index = built["index"].unstack()
    order = index.sub(100).abs().max(axis=1).sort_values(ascending=False).index
    return index.loc[order], built["marker"].unstack().loc[order]


def farthest(index: pd.DataFrame) -> dict[str, object]:
    """Give facts on the index of `heat` that is farthest from 100."""
    known = index.rename_axis(index="feature", columns="name").stack().dropna()
    if known.empty:
        return {"index": None}
    feature, name = known.sub(100).abs().idxmax()
    return {"feature": feature, "name": name, "index": known[feature, name]}


def most_apart(
    table: pd.DataFrame, effects: pd.DataFrame, *, most: int
) -> pd.DataFrame:
    """Choose `most` shares of each segment for a figure: markers, largest effects first.

    `table` is a `profile`, `effects` its `differences`. TooLittle where segments were
    built from more than shares, which no axis can hold together.
    """
    built = table[table["used_to_build"]]
    if (built["unit"] != "share").any():
        raise TooLittle(
            "What built the segments has several units, so no figure holds it together."
        )
    sizes = effects.set_index(["segment_id", "feature"])["effect"].abs()
    rows = built.join(sizes, on=["segment_id", "feature"])
    rows = rows.sort_values(["marker", "effect"], ascending=False)
    rows = rows.groupby("segment_id").head(most)
    return rows.assign(gap=rows["value"] - rows["overall"]).sort_values(
        "gap", ascending=False
    )


def largest(sizes: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, object]]:
    """Give the segments whose sales may be shown, and facts on the largest of them.

    `sizes` is `summarise` without what must not be shown; TooLittle if nothing is left.
    The facts are name, share, and whole: whether it exceeds too little data as well.
    """
    shown = sizes[sizes["sales"].notna() & sizes["share_sales"].notna()]
    segments = shown[shown["segment_id"] > 0]
    if segments.empty:
        raise TooLittle("No segment has a part of sales that may be shown.")
    first = segments.loc[segments["share_sales"].astype(float).idxmax()]
    whole = first["share_sales"] == shown["share_sales"].max()
    return shown, {"share": first["share_sales"], "name": first["name"], "whole": whole}


def holdout_worth(
    tier: pd.Series, holdout_sales: pd.Series, *, seed: int
) -> pd.DataFrame:
    """Say what customers turned out to be worth, by a class they were put in before.

    Returns, by class, customers, share_customers, holdout_sales (currency), share_later
    with low and high (95% percentile interval, all customers resampled; missing where
    next to nothing was sold later), holdout_per_customer.
    """
    classes = np.unique(tier)
    belongs = (tier.to_numpy()[:, None] == classes).astype(float)
    sold = belongs * holdout_sales.to_numpy(float)[:, None]
    drawn = np.concatenate(
        [w @ sold for w in bootstrap.batches(len(tier), N_BOOTSTRAP, seed=seed)]
    )
    customers, total = belongs.sum(axis=0), sold.sum(axis=0)
    sums, low, high = drawn.sum(axis=1, keepdims=True), np.nan, np.nan
    judged = total.sum() > 0 and (sums > 0).all()
    if judged:
        low, high = np.quantile(drawn / sums, [0.025, 0.975], axis=0)
    return pd.DataFrame(
        {
            "customers": customers.astype(int),
            "share_customers": customers / len(tier),
            "holdout_sales": total,
            "share_later": total / total.sum() if judged else np.nan,
            "low": low,
            "high": high,
            "holdout_per_customer": total / customers,
        },
        index=pd.Index(classes, name="class"),
    )


def planes(scores: pd.DataFrame, segment_ids: pd.Series) -> dict[str, pd.DataFrame]:
    """Project customers onto planes that hold segments apart as far as planes can.

    Returns x, y, segment_id of each plane, by its title; TooLittle without three
    segments of `MIN_CELL` customers.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    if (segment_ids.value_counts() >= MIN_CELL).sum() < 3:
        raise TooLittle("A plane to draw takes three segments of 10 customers or more.")
    found = LinearDiscriminantAnalysis().fit(scores, segment_ids).transform(scores)
    return {
        f"Directions {a + 1} and {a + 2}": pd.DataFrame(
            found[:, [a, a + 1]], columns=["x", "y"]
        ).assign(segment_id=segment_ids.to_numpy())
        for a in range(0, found.shape[1] - 1, 2)
    }


def by_position(features: pd.DataFrame, assigned: pd.DataFrame) -> pd.DataFrame:
    """Describe customers in the middle of a segment, at its border, and between.

    Typical is who is at least a quarter nearer to the own centre than to the next.
    Returns position, customers, and means: sales (with `suppression.LARGEST`),
    need_variety, membership.
    """
    known = assigned[assigned["segment_id"] > 0].merge(features, on="customer_id")
    known = known.reindex(columns=known.columns.union(["need_variety"]))
    typical = (known["distance_ratio"] < TYPICAL).map(
        {True: "typical", False: "between"}
    )
    position = typical.mask(known["borderline"].astype(bool), "borderline")
    found = known.groupby(position.rename("position")).agg(
        customers=("customer_id", "size"),
        sales=("sales", "mean"),
        largest=("sales", lambda sales: sales.abs().max() / (sales.abs().sum() or 1)),
        need_variety=("need_variety", "mean"),
        membership=("membership", "mean"),
    )
    found = found.reindex(["typical", "between", "borderline"])
    return found.fillna({"customers": 0}).astype({"customers": int}).reset_index()


def neighbours(assigned: pd.DataFrame) -> pd.DataFrame:
    """Say with which two others a segment is confused, and how often.

    Returns segment_id, rank (1 or 2), other_id, next_share (customers to whom it is the
    second nearest), either_share (those borderline with it). A share of fewer than
    `MIN_CELL` customers, or of all but so few, is missing.
    """
    # Of one segment alone the next nearest is itself.
    apart = assigned["second_id"] != assigned["segment_id"]
    known = assigned[(assigned["segment_id"] > 0) & apart]
    rows = []
    for segment_id, group in known.groupby("segment_id"):
        counts = group.groupby("second_id")["borderline"].agg(["sum", "size"])
        counts = counts.sort_values(["sum", "size"], ascending=False, kind="stable")
        for rank, (other_id, count) in enumerate(counts.head(2).iterrows(), start=1):
            either, following = (
                n / len(group) if MIN_CELL <= n <= len(group) - MIN_CELL else np.nan
                for n in count
            )
            rows.append((segment_id, rank, other_id, following, either))
    columns = ["segment_id", "rank", "other_id", "next_share", "either_share"]
    return pd.DataFrame(rows, columns=columns)
