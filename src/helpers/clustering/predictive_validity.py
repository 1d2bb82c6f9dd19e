"""What a way to tell customers apart foretells: scores for customers left out."""

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
    """Something that customers did later, to be foretold."""

    name: str
    # amount (one column of numbers), mix (two or more, foretold together, each counting
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
    """Say what share of an amount or a mix each labelling foretells, and how surely.

    Returns a column for each labelling; the first row (0) holds what `league` gives for
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
        told = forecasts.label_means(own, truth, fold)
        found[name] = _r2(truth, told, fold, weights)
    return pd.DataFrame(found)


def not_judged(outcome: Outcome, *, folds: int) -> str:
    """Say why an outcome cannot be judged; nothing if it can."""
    later = outcome.values[outcome.among.to_numpy(bool)]  # noqa: PD011 (a field)
    return _why_not(outcome, later.to_numpy(float), folds)


def league(
    designs: dict[str, pd.DataFrame],
    outcomes: list[Outcome],
    *,
    base: pd.DataFrame,
    folds: int,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Say how well each design foretells each outcome, for customers left out.

    A customer's prediction comes from the other folds alone. A design of one label
    gives the mean of the label (its rate for yes_no, smoothed by `SMOOTHING` average
    customers); any other one ridge regression for amount and mix, logistic regression
    with an L2 penalty for yes_no. The penalty is the best of `PENALTIES` by
    leave-one-out error inside the fold; for yes_no that of the linear model times
    p (1 - p), since a logistic model of rate p weighs a customer by that.

    `designs` are customers x columns, of which text, categories and bool are labels,
    missing being one; `base` is what is known without any. Folds and samples go by
    place: another order of rows gives others.

    Returns design, outcome, score, customers (judged), alone, alone_low, alone_high
    (the design by itself), base (the base by itself), with_base (both), gain, gain_low,
    gain_high (both less base), why (an outcome is not judged; else empty). Score is r2
    or auc, the latter of pairs of one fold: across folds a design that knows nothing
    falls below 0.5 (Airola, Pahikkala, Waegeman, De Baets and Salakoski, 2011, An
    experimental comparison of cross-validation techniques for estimating the area under
    the ROC curve). low and high are 95 % percentile intervals over customers, a little
    too narrow: folds and fitted models stay as they are.
    """
    _check_settings(base, outcomes, folds, n_bootstrap)
    _check_columns("base", base, base.index)
    for name, columns in designs.items():
        _check_columns(name, columns, base.index)
        _check_not_codes(name, columns)
    for outcome in outcomes:
        _check_outcome(outcome, base.index)
    tables = Parallel(n_jobs=-1)(
        delayed(_judge)(outcome, designs, base, folds, n_bootstrap, seed)
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
    """Group customers around k of them drawn at random: what any cut would tell.

    Gives a design of one label for each draw, by its name. Segments that tell no more than
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


def beside_rivals(
    segments: pd.Series,
    random: pd.Series,
    *,
    two: pd.Series,
    every: pd.Series,
    outcome: str,
) -> str:
    """Say whether segments tell more than random centres, and how they stand to scores.

    `segments`, `two` and `every` (scores) are rows of `league`; `random` is what each draw
    of `random_centres` tells. Scores tell more or less where the intervals lie apart.
    """
    adds = segments["alone"] > random.max()
    place = (
        "more than the segments"
        if two["alone_low"] > segments["alone_high"]
        else "less than the segments"
        if two["alone_high"] < segments["alone_low"]
        else "about as much as the segments"
    )
    return (
        f"Segments tell {segments['alone']:.1%} of the {outcome}, centres drawn at random "
        f"{random.mean():.1%} ({random.min():.1%} to {random.max():.1%} over {len(random)} "
        f"draws): how customers were cut adds {'' if adds else 'nothing '}to their habits. "
        f"Two scores tell {two['alone']:.1%}, {place}; all scores tell {every['alone']:.1%}."
    )


def by_scores(scores: np.ndarray, truth: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Foretell customers by ridge regression on scores, fitted in the other folds.

    As `league` does for a design of numbers; `truth` is customers x columns.
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
        rows = [{"design": name, **shared, **none, "why": why} for name in designs]
        return pd.DataFrame(rows)
    yes_no = outcome.kind == "yes_no"
    answers = truth[:, 0] if yes_no else np.zeros(len(truth))
    fold, weights = _draw(answers, folds, n_bootstrap, seed)
    score = _auc if yes_no else _r2
    rows = []
    with threadpool_limits(1):
        known = _columns(base[judged])
        without = score(truth, _fitted(known, truth, fold, yes_no), fold, weights)
        for name, design in designs.items():
            pair = _alone_and_with(design[judged], known, truth, fold, yes_no)
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


def _check_settings(
    base: pd.DataFrame, outcomes: list[Outcome], folds: int, n_bootstrap: int
) -> None:
    if not outcomes or not base.shape[1] or folds < 2 or n_bootstrap < 1:
        raise BadInput(
            "A league needs an outcome, a base of at least one column, two folds and one "
            f"repeat; it was given {len(outcomes)} outcomes, {base.shape[1]} columns, "
            f"{folds} folds and {n_bootstrap} resamples."
        )
    names = pd.Series([outcome.name for outcome in outcomes])
    if names.duplicated().any():
        twice = names[names.duplicated()].iloc[0]
        raise BadInput(f"Two outcomes are called {twice}. Give each its own name.")


def _check_columns(name: str, columns: pd.DataFrame, customers: pd.Index) -> None:
    if not columns.index.equals(customers):
        raise BadInput(
            f"Design {name} has other customers than the base, or another order of "
            f"rows ({len(columns):,} and {len(customers):,} rows). Align their indexes."
        )
    for column, values in columns.items():
        if not classifier.is_label(values):
            _check_finite(f"Column {column} of design {name}", values)
        elif not (
            types.is_bool_dtype(values)
            or types.is_string_dtype(values)
            or types.is_object_dtype(values)
            or isinstance(values.dtype, pd.CategoricalDtype)
        ):
            raise BadInput(
                f"Column {column} of design {name} holds {values.dtype}. Give numbers, "
                "such as days, or labels as text."
            )


def _check_not_codes(name: str, design: pd.DataFrame) -> None:
    if not design.shape[1]:
        raise BadInput(f"Design {name} has no column. Give it one or leave it out.")
    only = design.iloc[:, 0]
    # Segment ids taken for amounts would be judged as a straight line, in silence.
    if design.shape[1] == 1 and types.is_integer_dtype(only):
        raise BadInput(
            f"Column {only.name} of design {name} holds whole numbers, which may be "
            "labels or amounts. Give labels as text (astype(str)), amounts as float."
        )


def _check_outcome(outcome: Outcome, customers: pd.Index) -> None:
    told = f"Outcome {outcome.name}"
    if outcome.kind not in SCORES:
        raise BadInput(
            f"{told}: kind must be one of {list(SCORES)}, but '{outcome.kind}' was passed."
        )
    later = outcome.values  # noqa: PD011 (a field of its own)
    for part in (later, outcome.among):
        if not part.index.equals(customers):
            raise BadInput(
                f"{told} has other customers than the base, or another order of rows "
                f"({len(part):,} and {len(customers):,} rows). Align their indexes."
            )
    if not types.is_bool_dtype(outcome.among):
        raise BadInput(
            f"{told}: among holds {outcome.among.dtype}. Give True or False."
        )
    columns = later.shape[1]
    if columns < 2 if outcome.kind == "mix" else columns != 1:
        needed = "two or more" if outcome.kind == "mix" else "one"
        raise BadInput(
            f"{told} of kind {outcome.kind} has {columns} columns and needs {needed}."
        )
    for column, values in later[outcome.among.to_numpy(bool)].items():
        flags = types.is_bool_dtype(values)
        fits = flags if outcome.kind == "yes_no" else not classifier.is_label(values)
        if not fits:
            needed = "True or False" if outcome.kind == "yes_no" else "numbers"
            raise BadInput(
                f"{told}: column {column} holds {values.dtype}. Give {needed}."
            )
        _check_finite(f"{told}: column {column}", values)


def _check_finite(told: str, values: pd.Series) -> None:
    bad = int((~np.isfinite(values.to_numpy(float, na_value=np.nan))).sum())
    if bad:
        raise BadInput(
            f"{told} is missing or infinite for {bad:,} customers. Fill it, leave them "
            "out, or give labels as text."
        )
