"""What a way to group customers predicts: scores for customers left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from pandas.api import types
from sklearn.linear_model import LogisticRegression, RidgeCV
from threadpoolctl import threadpool_limits

from helpers.clustering import methods
from helpers.core.errors import BadInput
from helpers.statistics import bootstrap, classifier, forecasts

# How each kind of outcome is scored.
SCORES = {"amount": "r2", "mix": "r2", "yes_no": "auc"}
# A yes/no outcome with fewer customers of either answer is not judged.
MIN_OF_EACH = 10
# Customers of average behaviour added to each label before its rate is taken.
SMOOTHING = 10.0
# Ridge penalties tried inside a fold, for columns of standard deviation 1.
PENALTIES = 10.0 ** np.arange(-1, 6)


@dataclass(frozen=True)
class Outcome:
    """Something that customers did later, to be predicted."""

    name: str
    # amount (one column of numbers), mix (two or more, predicted together, each counting
    # by its variance) or yes_no (one column of bool)
    kind: str
    values: pd.DataFrame  # customers x columns
    among: pd.Series  # bool, same customers: whether one is judged


def holdout_sales(later: pd.DataFrame) -> Outcome:
    """Give the logarithm of 1 + holdout_sales (currency) as an outcome of every customer.

    Who took back more than was bought counts as 0.
    """
    everybody = pd.Series(True, index=later.index)
    amount = np.log1p(later[["holdout_sales"]].clip(lower=0))
    return Outcome("later sales (log)", "amount", amount, everybody)


def aim(later: pd.DataFrame, *, needs: Sequence[str], min_sales: float) -> Outcome:
    """Give the outcome that needs segments are judged by.

    It is the roots of the shares of later sales by need, among those whose later sales
    reach `min_sales`; in a run without needs, how much is bought later. `later` has
    holdout_sales and the columns of `needs` (currency).
    """
    if not needs:
        return holdout_sales(later)
    judged = later["holdout_sales"] >= min_sales
    of_sales = later["holdout_sales"].where(judged)
    mix = np.sqrt(later[list(needs)].div(of_sales, axis=0))
    return Outcome("later need mix", "mix", mix.fillna(0), among=judged)


def explained(
    labels: Mapping[object, ArrayLike],
    aim: Outcome,
    *,
    folds: int,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Say what share of an amount or a mix each labelling explains, and how surely.

    Returns a column for each labelling; the first row (0) holds what `benchmark` gives for
    it alone, the others as much for `n_bootstrap` resamples of the customers, the same for
    all labellings: so two of them can be compared row by row. Empty if the outcome
    cannot be judged, see `not_judged`.
    """
    if not_judged(aim, folds=folds):
        return pd.DataFrame(columns=list(labels), dtype=float)
    judged = aim.among.to_numpy(bool)
    truth = aim.values[judged].to_numpy(float)  # noqa: PD011 (a field of its own)
    fold, weights = _draw(np.zeros(len(truth)), folds, n_bootstrap, seed)
    found = {}
    for name, label in labels.items():
        own = pd.Series(np.asarray(label)[judged]).astype(str)
        predicted = forecasts.label_means(own, truth, fold)
        found[name] = _r2(truth, predicted, fold, weights)
    return pd.DataFrame(found)


def not_judged(outcome: Outcome, *, folds: int) -> str:
    """Say why an outcome cannot be judged; nothing if it can."""
    later = outcome.values[outcome.among.to_numpy(bool)]  # noqa: PD011 (a field)
    return _why_not(outcome, later.to_numpy(float), folds)


def benchmark(
    designs: dict[str, pd.DataFrame],
    outcomes: list[Outcome],
    *,
    base: pd.DataFrame,
    folds: int,
    n_bootstrap: int,
    seed: int,
    best_of: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Say how well each design predicts each outcome, for customers left out.

    A customer's prediction comes from the other folds alone. A design of one label
    gives the mean of the label (its rate for yes_no, smoothed by `SMOOTHING` average
    customers); any other one ridge regression for amount and mix, logistic regression
    with an L2 penalty for yes_no. The penalty is the best of `PENALTIES` by
    leave-one-out error inside the fold; for yes_no that of the linear model times
    p (1 - p), since a logistic model of rate p weighs a customer by that.

    `designs` are customers x columns, of which text, categories and bool are labels,
    missing being one; `base` is what is known without any. Folds and samples go by
    place: another order of rows gives others. `best_of` are designs of several labels,
    of which each fold takes the one that predicts best among the other folds.

    Returns design, outcome, score, customers (judged), alone, alone_low, alone_high
    (the design by itself), base (the base by itself), with_base (both), gain, gain_low,
    gain_high (both less base), why (an outcome is not judged; else empty). Score is r2
    or auc, the latter of pairs of one fold: across folds a design that knows nothing
    falls below 0.5 (Airola, Pahikkala, Waegeman, De Baets and Salakoski, 2011, An
    experimental comparison of cross-validation techniques for estimating the area under
    the ROC curve). low and high are 95 % percentile intervals over customers, a little
    too narrow: folds and fitted models stay as they are.
    """
    best_of = dict(best_of or {})
    _check(designs | best_of | {"base": base}, base)
    tables = Parallel(n_jobs=-1)(
        delayed(_judge)(outcome, designs, best_of, base, folds, n_bootstrap, seed)
        for outcome in outcomes
    )
    return pd.concat(tables, ignore_index=True)


def quantiles(values: pd.Series, *, parts: int) -> pd.Series:
    """Cut customers into parts of equal size by one number, none of them missing.

    Gives the part, from 1 (lowest), as text with leading zeros. Equal values share a
    part, whatever the order of rows; so parts can differ in size.
    """
    if missing := int(values.isna().sum()):
        raise BadInput(
            f"Column {values.name} is missing for {missing:,} customers, who have no "
            "place among the quantiles. Fill it or leave them out."
        )
    part = np.ceil((values.rank() - 0.5) * parts / len(values)).astype(int)
    return part.astype(str).str.zfill(len(str(parts)))


def random_centres(
    scores: np.ndarray, *, k: int, draws: int, seed: int
) -> dict[str, pd.DataFrame]:
    """Group customers around k of them drawn at random: what any cut would explain.

    Gives a design of one label for each draw, by its name. Segments that explain no more than
    these owe it to customers keeping their habits, and not to how they were cut.
    """
    designs = {}
    drawn = drawn_centres(scores, k=k, draws=draws, seed=seed)
    for draw, centres in enumerate(drawn, 1):
        label = pd.Series(methods.nearest(scores, centres)).astype(str)
        designs[f"random centres {draw}"] = label.to_frame("label")
    return designs


def drawn_centres(
    scores: np.ndarray, *, k: int, draws: int, seed: int
) -> list[np.ndarray]:
    """Draw k different customers as centres, again and again."""
    rng = np.random.default_rng(seed)
    return [
        scores[rng.choice(len(scores), size=k, replace=False)] for _ in range(draws)
    ]


def labelled(label: ArrayLike) -> pd.DataFrame:
    """Take one label of each customer as a design."""
    return pd.Series(np.asarray(label)).astype(str).to_frame("label")


def designs_without_k(
    people: pd.DataFrame, own: pd.DataFrame, scores: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Give the rules and scores that do not depend on a number of segments, as designs.

    `people` are features, `own` has value_tier, activity and deal_proneness of the same
    customers, `scores` are their need scores.
    """
    return {
        "value tier": labelled(own["value_tier"]),
        "value tier x activity": labelled(own["value_tier"] + own["activity"]),
        "deal proneness": labelled(own["deal_proneness"]),
        "recency-frequency-monetary cells": labelled(rfm_cells(people, parts=3)),
        "spend quintiles": labelled(quantiles(people["sales"], parts=5)),
        "continuous need scores": scores,
        "continuous recency, frequency, money": _rfm(people),
    }


def _rfm(people: pd.DataFrame) -> pd.DataFrame:
    return np.log1p(people[["recency_days", "orders", "sales"]].clip(lower=0))


def designs_at_k(
    people: pd.DataFrame,
    own: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    k: int,
    labels: Mapping[str, ArrayLike],
    seed: int,
    n_init: int,
) -> dict[str, pd.DataFrame]:
    """Give the groupings of which there are k, as designs, the first of `labels` first.

    `labels` are segments by name; beside them stand k-means on recency, frequency and
    money, a random label, the three readings together and `component_designs`.
    """
    rfm = _rfm(people)
    standard = ((rfm - rfm.mean()) / rfm.std(ddof=0).replace(0, 1)).to_numpy()
    centres = methods.kmeans(standard, k=k, seed=seed, n_init=n_init)
    readings = ["value_tier", "activity", "deal_proneness", "segment_id"]
    return {
        **{name: labelled(label) for name, label in labels.items()},
        f"k-means {k} on recency, frequency, money": labelled(
            methods.nearest(standard, centres)
        ),
        "random label": labelled(np.random.default_rng(seed).integers(0, k, len(own))),
        "three readings together": own[readings].astype(str),
        **component_designs(scores.to_numpy(), k=k),
    }


def outcomes(
    people: pd.DataFrame, later: pd.DataFrame, *, aim: Outcome, active_days: int
) -> tuple[list[Outcome], pd.DataFrame]:
    """Give what the later window is asked, and what is known without any grouping.

    The outcomes: sales, an order in the last `active_days`, the answer to a campaign
    (where the run knows of campaigns), and the `aim`. The base of `benchmark`: logarithms
    of sales, days since the last order and past answers.
    """
    base = np.log1p(people[["sales", "recency_days"]].clip(lower=0))
    everybody = pd.Series(True, index=later.index)
    still = later[["holdout_recency_days"]] < active_days
    asked = [holdout_sales(later), Outcome("still active", "yes_no", still, everybody)]
    if "holdout_targeted" in later:
        base["past_redemptions"] = np.log1p(people["past_redemptions"])
        answers = later[["holdout_redeemed"]], later["holdout_targeted"]
        asked.append(Outcome("answers a campaign", "yes_no", *answers))
    return asked + [aim] * (aim.name != asked[0].name), base


def side_by_side(table: pd.DataFrame) -> pd.DataFrame:
    """Write what each design of `benchmark` predicts alone: a column for each outcome.

    A row a design; texts of the estimate and its interval, or "not judged".
    """
    ends = ["alone", "alone_low", "alone_high"]
    scores = table.drop_duplicates("outcome").set_index("outcome")["score"]
    units = scores.map({"r2": "R²", "auc": "AUC"})
    wide = table.assign(text=[_estimate(*row) for row in table[ends].to_numpy()])
    wide = wide.pivot(index="design", columns="outcome", values="text")
    wide = wide.loc[table["design"].unique(), list(units.index)]
    return wide.set_axis([f"{name}, {unit}" for name, unit in units.items()], axis=1)


def _estimate(value: float, low: float, high: float) -> str:
    if np.isnan(value):
        return "not judged"
    said = [f"{number + 0.0:.3f}" for number in np.round([value, low, high], 3)]
    return "{} ({} to {})".format(*said).replace("-", "\N{MINUS SIGN}")


def by_scores(scores: np.ndarray, truth: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Predict customers by ridge regression on scores, fitted in the other folds.

    As `benchmark` does for a design of numbers; `truth` is customers x columns.
    """
    columns = np.asarray(scores, float)
    return _fitted((columns, np.ones(columns.shape[1], bool)), truth, fold, False)


def component_designs(scores: np.ndarray, *, k: int) -> dict[str, pd.DataFrame]:
    """Give the first two principal components as scores, and k equal parts of the first."""
    centred = scores - scores.mean(axis=0)
    places = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    # Which end of a component is positive means nothing, and machines differ in it.
    places = places * np.sign(
        places[np.abs(places).argmax(axis=0), range(places.shape[1])]
    )
    frame = pd.DataFrame(
        places, columns=[f"component {i + 1}" for i in range(places.shape[1])]
    )
    return {
        "two component scores": frame,
        f"{k} parts of the first component": quantiles(
            frame["component 1"], parts=k
        ).to_frame("label"),
    }


def rival_labels(
    scores: np.ndarray, *, k: int, draws: int, seed: int
) -> dict[str, pd.Series]:
    """Group customers otherwise: by `random_centres`, and in parts of a component."""
    designs = random_centres(scores, k=k, draws=draws, seed=seed)
    designs |= component_designs(scores, k=k)
    return {name: one["label"] for name, one in designs.items() if "label" in one}


def rfm_cells(features: pd.DataFrame, *, parts: int) -> pd.Series:
    """Cross recency_days, frequency (orders) and monetary value (sales) in parts.

    Gives a label such as r3 f2 m1, where more is better: r3 came most recently. Hughes
    (1994), Strategic Database Marketing; parts here are cut one by one and not one
    within the other.
    """
    recency = quantiles(-features["recency_days"], parts=parts)
    frequency = quantiles(features["orders"], parts=parts)
    monetary = quantiles(features["sales"], parts=parts)
    return ("r" + recency + " f" + frequency + " m" + monetary).rename("rfm")


def _judge(
    outcome: Outcome,
    designs: dict[str, pd.DataFrame],
    best_of: dict[str, pd.DataFrame],
    base: pd.DataFrame,
    folds: int,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    judged = outcome.among.to_numpy(bool)
    later = outcome.values  # noqa: PD011 (a field of its own)
    truth = later[judged].to_numpy(float)
    shared = {
        "outcome": outcome.name,
        "score": SCORES[outcome.kind],
        "customers": len(truth),
    }
    if why := _why_not(outcome, truth, folds):
        none = _row(*np.full((3, 2), np.nan))
        names = [*designs, *best_of]
        rows = [{"design": name, **shared, **none, "why": why} for name in names]
        return pd.DataFrame(rows)
    yes_no = outcome.kind == "yes_no"
    answers = truth[:, 0] if yes_no else np.zeros(len(truth))
    fold, weights = _draw(answers, folds, n_bootstrap, seed)
    score = _auc if yes_no else _r2
    rows = []
    with threadpool_limits(1):
        known = _columns(base[judged])
        without = score(truth, _fitted(known, truth, fold, yes_no), fold, weights)
        settings = (known, truth, fold, yes_no)
        for name, design in (designs | best_of).items():
            predict = _best_of if name in best_of else _alone_and_with
            pair = predict(design[judged], *settings)
            alone, both = (score(truth, found, fold, weights) for found in pair)
            numbers = _row(alone, without, both)
            rows.append({"design": name, **shared, **numbers, "why": ""})
    return pd.DataFrame(rows)


def _row(alone: np.ndarray, base: np.ndarray, both: np.ndarray) -> dict[str, float]:
    """Turn scores, of the customers first and then of the resamples, into a row."""
    gain = both - base
    columns = "alone alone_low alone_high base with_base gain gain_low gain_high"
    found = (*bootstrap.estimate(alone), base[0], both[0], *bootstrap.estimate(gain))
    return dict(zip(columns.split(), found, strict=True))


def _why_not(outcome: Outcome, truth: np.ndarray, folds: int) -> str:
    if len(truth) < folds:
        return f"{len(truth):,} customers are too few for {folds} folds"
    if outcome.kind == "yes_no":
        yes = int(truth.sum())
        least = max(MIN_OF_EACH, folds)
        if min(yes, len(truth) - yes) < least:
            return f"{yes:,} of {len(truth):,} did; {least} that did and that did not are needed"
    elif not np.ptp(truth, axis=0).any():
        return "all customers did the same"
    return ""


# --- Folds and resamples: weights are customers x (1 + repeats), the first column all 1


def _draw(
    group: np.ndarray, folds: int, n_bootstrap: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Share out and resample each group by itself, so that none runs dry."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(group), dtype=int)
    drawn = np.empty((n_bootstrap, len(group)))
    for one in np.unique(group):
        rows = np.flatnonzero(group == one)
        fold[rows] = rng.permutation(np.arange(len(rows)) % folds)
        drawn[:, rows] = bootstrap.counts(len(rows), n_bootstrap, rng)
    return fold, np.column_stack([np.ones(len(group)), drawn.T])


# --- Predictions for customers left out: customers x columns of the outcome


def _columns(design: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return a design's numbers, and which of its columns are to be standardised."""
    parts = [np.empty((len(design), 0))]
    scaled = [np.empty(0, dtype=bool)]
    for _, column in design.items():
        if classifier.is_label(column):
            codes = pd.factorize(column, sort=True, use_na_sentinel=False)[0]
            part = np.equal.outer(codes, np.arange(codes.max() + 1)).astype(float)
        else:
            part = column.to_numpy(float)[:, None]
        parts.append(part)
        scaled.append(np.full(part.shape[1], not classifier.is_label(column)))
    return np.hstack(parts), np.concatenate(scaled)


def _alone_and_with(
    design: pd.DataFrame,
    known: tuple[np.ndarray, np.ndarray],
    truth: np.ndarray,
    fold: np.ndarray,
    yes_no: bool,
) -> tuple[np.ndarray, np.ndarray]:
    added = _columns(design)
    both = tuple(np.hstack(pair) for pair in zip(known, added, strict=True))
    if design.shape[1] == 1 and classifier.is_label(design.iloc[:, 0]):
        smoothing = SMOOTHING if yes_no else 0
        alone = forecasts.label_means(design.iloc[:, 0], truth, fold, smoothing)
    else:
        alone = _fitted(added, truth, fold, yes_no)
    return alone, _fitted(both, truth, fold, yes_no)


def _best_of(
    labels: pd.DataFrame,
    known: tuple[np.ndarray, np.ndarray],
    truth: np.ndarray,
    fold: np.ndarray,
    yes_no: bool,
) -> tuple[np.ndarray, np.ndarray]:
    alone, both = np.empty(truth.shape), np.empty(truth.shape)
    for part in np.unique(fold):
        inside, own = fold != part, fold == part
        errors = []
        for _, label in labels[inside].items():
            found = forecasts.label_means(label, truth[inside], fold[inside])
            errors.append(((found - truth[inside]) ** 2).sum())
        best = labels.iloc[:, [int(np.argmin(errors))]]
        pair = _alone_and_with(best, known, truth, fold, yes_no)
        alone[own], both[own] = (found[own] for found in pair)
    return alone, both


def _fitted(
    known: tuple[np.ndarray, np.ndarray],
    truth: np.ndarray,
    fold: np.ndarray,
    yes_no: bool,
) -> np.ndarray:
    columns, scaled = known
    predicted = np.empty(truth.shape)
    for part in np.unique(fold):
        train, test = fold != part, fold == part
        spread = np.where(scaled, columns[train].std(axis=0), 1)
        spread[spread == 0] = 1
        values = (columns - np.where(scaled, columns[train].mean(axis=0), 0)) / spread
        ridge = RidgeCV(PENALTIES).fit(values[train], truth[train])
        if yes_no:
            rate = truth[train].mean()
            penalty = ridge.alpha_ * rate * (1 - rate)
            solver = {"solver": "newton-cholesky", "tol": 1e-9}
            model = LogisticRegression(C=1 / penalty, **solver)
            model.fit(values[train], truth[train, 0])
            found = values[test] @ model.coef_[0]
            # Rounded to its size, so that customers who are alike tie in every bit and
            # noise orders nobody. The intercept orders nobody either.
            predicted[test, 0] = (found / (np.abs(found).max() or 1)).round(9)
        else:
            predicted[test] = ridge.predict(values[test]).reshape(-1, truth.shape[1])
    return predicted


# --- Scores: one for the customers and one for each resample


def _r2(
    truth: np.ndarray, predicted: np.ndarray, fold: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    average = forecasts.label_means(np.zeros(len(truth)), truth, fold)
    error = ((truth - predicted) ** 2).sum(axis=1)
    return 1 - (error @ weights) / (((truth - average) ** 2).sum(axis=1) @ weights)


def _auc(
    truth: np.ndarray, predicted: np.ndarray, fold: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    counted = [
        forecasts.pairs(truth[rows, 0], predicted[rows, 0], weights[rows])
        for rows in (fold == part for part in np.unique(fold))
    ]
    right, pairs = np.sum(counted, axis=0)
    # A resample in which no fold holds either answer says nothing: it counts as chance.
    return np.where(pairs > 0, right, 0.5) / np.where(pairs > 0, pairs, 1)


# --- Refusals


def _check(designs: Mapping[str, pd.DataFrame], base: pd.DataFrame) -> None:
    for name, columns in designs.items():
        if not columns.index.equals(base.index):
            raise BadInput(
                f"Design {name} has other customers than the base, or another order of "
                f"rows ({len(columns):,} and {len(base):,} rows). Align their indexes."
            )
        # Segment ids taken for amounts would be judged as a straight line, in silence.
        if columns.shape[1] == 1 and types.is_integer_dtype(columns.iloc[:, 0]):
            raise BadInput(
                f"Design {name} holds whole numbers, which may be labels or amounts. Give "
                "labels as text (astype(str)), amounts as float."
            )
