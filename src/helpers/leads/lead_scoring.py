"""Score leads: how likely each is won, what it is worth, and whom to call first."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from helpers.core.errors import TooLittle
from helpers.leads import typing_tool
from helpers.statistics import bootstrap, classifier, forecasts, intervals


def own_horizon(leads: pd.DataFrame) -> int:
    """Say within how many days 19 of 20 leads that were won had been, at least a week."""
    days = (leads["won_on"] - leads["created_on"]).dt.days.dropna()
    return max(int(np.ceil(days.quantile(0.95))), 7)


def split(
    decided: pd.DataFrame, *, horizon: int, test_share: float, fewest: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part leads that are old enough into those to learn from and those to judge by.

    The latest `test_share` of the due ones of `decided` judge; the others are those
    known by then. Raises TooLittle if either has not `fewest` won, and as many lost.
    """
    closed = decided[decided["due"]]
    since = closed["created_on"].quantile(1 - test_share)
    since = pd.Timestamp.max if pd.isna(since) else since.normalize()
    known_by = since - pd.Timedelta(days=horizon)
    learn = closed[closed["created_on"] < known_by]
    judge = closed[closed["created_on"] >= since]
    for part, use in ((learn, "learnt from"), (judge, "judged on")):
        won = int(part["won"].sum())
        if min(won, len(part) - won) < fewest:
            raise TooLittle(
                f"Leads are not scored: of {len(closed):,} leads as old as {horizon} days, {won:,} won "
                f"and {len(part) - won:,} lost ones can be {use}, and {fewest} of each are needed."
            )
    return learn, judge


def decided(leads: pd.DataFrame, *, horizon: int, last: pd.Timestamp) -> pd.DataFrame:
    """Say which leads (created_on, won_on) were won in time, or are still open.

    Adds won (within the horizon), due (as old as the horizon on the last day known, so
    that not to be won means lost; younger ones would count by wins alone) and open.
    """
    days = (leads["won_on"] - leads["created_on"]).dt.days
    won = days.le(horizon) & days.notna()
    due = (last - leads["created_on"]).dt.days >= horizon
    return leads.assign(won=won, due=due, open=~won & ~due)


def best_single(
    fields: pd.DataFrame, won: pd.Series, new: pd.DataFrame
) -> tuple[str, np.ndarray]:
    """Score leads by the rate of one field's level: the rule to beat.

    Gives the field whose rates tell most of the earlier leads, and the rate of each new
    lead's level, of an unknown level the overall rate. Numbers, cut at their quartiles,
    are looked at only where there is no label.
    """
    labels = [name for name in fields if classifier.is_label(fields[name])]
    if not labels:
        labels, quarters = list(fields), classifier.quarters
        new = pd.DataFrame({n: quarters(new[n], of=fields[n]) for n in labels})
        fields = fields.apply(lambda one: quarters(one, of=one))
    rates, spread = {}, {}
    for name in labels:
        rates[name] = won.groupby(classifier.texts(fields[name])).agg(["mean", "size"])
        off = rates[name]["mean"] - won.mean()
        spread[name] = (off**2 * rates[name]["size"]).sum()
    best = max(spread, key=spread.get)
    found = classifier.texts(new[best]).map(rates[best]["mean"]).fillna(won.mean())
    return best, found.to_numpy(float)


def auc_interval(
    won: np.ndarray, score: np.ndarray, *, n_bootstrap: int, seed: int
) -> tuple[float, float, float]:
    """Measure how well a score orders leads: `forecasts.auc` and its 95% interval.

    It is the percentile interval of a bootstrap of won and of lost leads by themselves.
    """
    rng = np.random.default_rng(seed)
    groups = np.flatnonzero(~won), np.flatnonzero(won)
    samples = (
        np.concatenate([rng.choice(group, len(group)) for group in groups])
        for _ in range(n_bootstrap)
    )
    return bootstrap.estimate(forecasts.aucs(won, score, samples))


def validation(
    won: np.ndarray, scores: Mapping[str, np.ndarray], *, n_bootstrap: int, seed: int
) -> pd.DataFrame:
    """Return auc, low and high (`auc_interval`) of each score, and of the base rate."""
    drawn = {"n_bootstrap": n_bootstrap, "seed": seed}
    rows = [(n, *auc_interval(won, one, **drawn)) for n, one in scores.items()]
    rows.append(("base rate", 0.5, 0.5, 0.5))
    return pd.DataFrame(rows, columns=["score", "auc", "low", "high"])


def calibration(won: np.ndarray, chances: np.ndarray, *, parts: int) -> pd.DataFrame:
    """Compare the predicted chance with what came, in equal parts by the score.

    Gives part (from 1, the least likely), leads, predicted (mean probability), came
    (share won), low, high (95% Wilson interval of came).
    """
    order = np.argsort(chances, kind="stable")
    rows = []
    for number, rows_in in enumerate(np.array_split(order, parts), 1):
        n, came = len(rows_in), won[rows_in].mean()
        sure = intervals.wilson(came, n, alpha=0.05)
        rows.append((number, n, chances[rows_in].mean(), came, *sure))
    return pd.DataFrame(
        rows, columns=["part", "leads", "predicted", "came", "low", "high"]
    )


def gain(
    won: np.ndarray, scores: Mapping[str, np.ndarray], *, steps: int
) -> pd.DataFrame:
    """Say what share of the wins the best leads of each list hold; ties share theirs.

    Gives share (of leads worked), one column a list (share of wins found), chance (in
    any order) and best (if the wins came first).
    """
    shares = np.arange(steps + 1) / steps
    table = pd.DataFrame({"share": shares})
    for name, score in scores.items():
        # Along the list, straight through ties.
        tied = pd.DataFrame({"score": -score, "won": won}).groupby("score")["won"]
        leads = np.concatenate([[0], tied.size().cumsum()]) / len(won)
        wins = np.concatenate([[0], tied.sum().cumsum()]) / max(won.sum(), 1)
        table[name] = np.interp(shares, leads, wins)
    table["chance"] = shares
    table["best"] = np.minimum(shares / max(won.mean(), 1e-12), 1)
    return table


def expected_worth(
    fields: pd.DataFrame, worth: pd.Series, *, folds: int, seed: int
) -> tuple["Worth", float]:
    """Learn what a customer is worth (currency a year, 0 or more) from fields.

    Gives also the rank correlation of estimate and worth, for customers left out in
    `folds` parts; missing where there is no field, or all are worth the same. Where it
    does not lie above chance, everybody is worth the mean.
    """
    if fields.shape[1] == 0 or len(worth) < 2 * folds or worth.nunique() < 2:
        return _worth(fields[[]], worth), np.nan
    fold = np.random.default_rng(seed).permutation(np.arange(len(worth)) % folds)
    left_out = np.empty(len(worth))
    for part in range(folds):
        train, test = fold != part, fold == part
        left_out[test] = _worth(fields[train], worth[train]).of(fields[test])
    constant = np.ptp(left_out) == 0
    held = np.nan if constant else float(stats.spearmanr(left_out, worth).statistic)
    return _worth(fields if tells(held, len(worth)) else fields[[]], worth), held


def tells(held: float, customers: int) -> bool:
    """Say whether a rank correlation lies above chance, with 95% confidence."""
    return bool(held > 1.645 / np.sqrt(max(customers - 1, 1)))


@dataclass(frozen=True)
class Worth:
    """A ridge regression of the logarithm of worth, brought back to currency."""

    encoder: classifier.Encoder
    weights: np.ndarray
    middle: np.ndarray  # mean of each column of the encoder
    level: float  # mean logarithm
    smear: float  # mean of the exponentials of the residuals

    def of(self, fields: pd.DataFrame) -> np.ndarray:
        """Estimate the worth (currency a year) of rows with these fields."""
        logs = (self.encoder.transform(fields) - self.middle) @ self.weights
        return np.maximum(np.exp(logs + self.level) * self.smear - 1, 0)


def _worth(fields: pd.DataFrame, worth: pd.Series) -> Worth:
    """Fit `Worth`; the smearing estimate is Duan's (1983)."""
    encoder = classifier.encode(fields)
    x, y = encoder.transform(fields), np.log1p(worth.to_numpy(float))
    middle, level = x.mean(axis=0), y.mean()
    spread = (x - middle).T @ (x - middle) + np.eye(x.shape[1])
    weights = np.linalg.solve(spread, (x - middle).T @ (y - level))
    smear = float(np.exp(y - level - (x - middle) @ weights).mean())
    return Worth(encoder, weights, middle, float(level), smear)


def ranked(scores: pd.DataFrame, *, arrived: pd.Series | None = None) -> pd.DataFrame:
    """Order leads (lead_id, probability, worth in currency a year) by expected value.

    Adds expected_value (currency a year) and rank (1 is first; ties by lead_id), in the
    order in which they `arrived` where that is given.
    """
    table = scores.assign(expected_value=scores["probability"] * scores["worth"])
    table["first"] = -table["expected_value"] if arrived is None else arrived
    table = table.sort_values(["first", "lead_id"], ignore_index=True)
    return table.drop(columns="first").assign(rank=np.arange(1, len(table) + 1))


def scored(
    leads: pd.DataFrame,
    chances: pd.Series,
    *,
    part: str,
    worth: np.ndarray,
    types: pd.DataFrame | None,
    confidence: float,
    orders: bool,
) -> pd.DataFrame:
    """Rank one part of the leads, open or test, by chance times worth.

    `types` are chances of segments, None where nobody is typed; where the score does
    not order leads (`orders`), they stay in the order in which they came.
    """
    nobody = pd.DataFrame({typing_tool.CANNOT_TELL: np.nan}, leads.index)
    types = nobody if types is None else types
    table = pd.DataFrame(
        {
            "lead_id": leads["lead_id"],
            "part": part,
            "segment_id": typing_tool.answer(types, confidence=confidence),
            "segment_probability": types.max(axis=1).round(4),
            "probability": chances.round(4),
            "worth": worth.round(2),
        }
    )
    return ranked(table, arrived=None if orders else leads["created_on"])


def first_ones(
    scores: pd.DataFrame, won: pd.Series, *, share: float
) -> dict[str, float]:
    """Say what the first `share` of scored test leads hold: wins, and their worth.

    `won` is by lead_id. Gives wins and wins_first (counts), and worth_share.
    """
    table = scores[scores["part"] == "test"]
    worth = table["worth"][table["lead_id"].map(won)]
    first = worth[table["rank"] <= share * len(table)]
    wins = {"wins": len(worth), "wins_first": len(first)}
    return wins | {"worth_share": first.sum() / max(worth.sum(), 1e-12)}
