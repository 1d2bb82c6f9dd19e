"""Tell classes from a few fields of labels and numbers, with calibrated chances."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types
from scipy import optimize, special
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from helpers.core.errors import TooLittle

# C of the logistic regression: less is stricter
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0)
INNER = 3  # parts in which the penalty and the calibration are found
RAREST = 10  # a level of fewer rows is told together with other rare ones
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Encoder:
    """Fitted steps from fields to numbers; a missing number counts as the mean."""

    levels: dict[str, list[str]]  # of label fields, those that have rows enough
    numbers: dict[str, tuple[float, float]]  # mean and deviation of number fields

    def transform(self, fields: pd.DataFrame) -> np.ndarray:
        """Turn fields into columns: one a level, one a number."""
        parts = [np.empty((len(fields), 0))]
        parts += [self._levels(fields[name], name) for name in self.levels]
        for name, (mean, deviation) in self.numbers.items():
            values = fields[name].to_numpy(float, na_value=np.nan)
            parts.append((np.nan_to_num(values, nan=mean) - mean)[:, None] / deviation)
        return np.hstack(parts)

    def _levels(self, values: pd.Series, name: str) -> np.ndarray:
        codes = pd.Index(self.levels[name]).get_indexer(texts(values))
        return np.eye(len(self.levels[name]) + 1)[codes]  # -1, a rare one, is the last


def texts(values: pd.Series) -> pd.Series:
    """Write labels as text, missing ones as a level of their own."""
    return values.astype(str).where(values.notna(), UNKNOWN)


def is_label(values: pd.Series) -> bool:
    """Say whether a field is a label: text, categories or yes and no."""
    return types.is_bool_dtype(values) or not types.is_numeric_dtype(values)


def quarters(values: pd.Series, *, of: pd.Series) -> pd.Series:
    """Say in which quarter of some numbers each value lies; missing stays missing."""
    cuts = np.unique(of.quantile([0.25, 0.5, 0.75]).dropna())
    part = np.searchsorted(cuts, values.to_numpy(float), side="right")
    return pd.Series(part, values.index, dtype=float).where(values.notna())


def encode(fields: pd.DataFrame) -> Encoder:
    """Fit an `Encoder` to labels (text, bool) and numbers."""
    levels, numbers = {}, {}
    for name, values in fields.items():
        if is_label(values):
            counts = texts(values).value_counts()
            levels[name] = sorted(counts.index[counts >= RAREST])
        else:
            known = values.dropna().astype(float)
            if known.empty:  # nothing to learn from it
                known = pd.Series([0.0])
            numbers[name] = (float(known.mean()), float(known.std(ddof=0)) or 1.0)
    return Encoder(levels, numbers)


@dataclass(frozen=True)
class Classifier:
    """A logistic regression on encoded fields whose probabilities are calibrated."""

    encoder: Encoder
    model: LogisticRegression
    sharpness: float  # factor on its log-odds, so that it is as sure as it is right
    penalty: float  # the regression's C

    def probabilities(self, fields: pd.DataFrame) -> pd.DataFrame:
        """Say how likely each class is: index of `fields`, one column a class."""
        chances = self.model.predict_log_proba(self.encoder.transform(fields))
        sharp = special.softmax(self.sharpness * chances, axis=1)
        return pd.DataFrame(sharp, index=fields.index, columns=self.model.classes_)


def fit(fields: pd.DataFrame, truth: pd.Series, *, seed: int) -> Classifier:
    """Fit a calibrated classifier of `truth` on all rows, or raise TooLittle.

    Penalty and sharpness are found in inner parts by the log loss of rows left out: one
    factor on the log-odds (temperature scaling), as in Guo, Pleiss, Sun and Weinberger
    (2017), On calibration of modern neural networks.
    """
    if fields.shape[1] == 0:
        raise TooLittle("There is no field to tell classes from.")
    _need(truth, INNER)
    splits = list(_encoded(fields, truth, seed))
    left_out = {penalty: _left_out(splits, truth, penalty) for penalty in PENALTIES}
    penalty = min(PENALTIES, key=lambda one: _loss(left_out[one], truth, 1.0))
    encoder = encode(fields)
    model = _regression(encoder.transform(fields), truth, penalty)
    return Classifier(encoder, model, _sharpness(left_out[penalty], truth), penalty)


def _need(truth: pd.Series, least: int) -> None:
    counts = truth.value_counts()
    counts = counts[counts > 0]
    if len(counts) < 2 or counts.min() < least:
        raise TooLittle(
            f"{len(counts)} classes, the smallest of {counts.min() if len(counts) else 0:,} "
            f"rows: too few to learn from; two classes of {least} rows are needed."
        )


def _regression(
    columns: np.ndarray, truth: pd.Series, penalty: float
) -> LogisticRegression:
    model = LogisticRegression(C=penalty, solver="newton-cg", tol=1e-5)
    return model.fit(columns, truth)


def _encoded(fields: pd.DataFrame, truth: pd.Series, seed: int) -> Iterator[tuple]:
    """Encode the rows to learn from and those left out, once for all penalties."""
    for train, test in parts(truth, INNER, seed=seed):
        encoder = encode(fields.iloc[train])
        learn, judge = (encoder.transform(fields.iloc[rows]) for rows in (train, test))
        yield learn, truth.iloc[train], judge, test


def _left_out(splits: list[tuple], truth: pd.Series, penalty: float) -> np.ndarray:
    """Give each row its chances from the rows of the other parts."""
    chances = np.empty((len(truth), truth.nunique()))
    for learn, own, judge, test in splits:
        chances[test] = _regression(learn, own, penalty).predict_proba(judge)
    return chances


def parts(
    truth: pd.Series, folds: int, *, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give rows to learn from and rows to judge by, each with the same mix of classes."""
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return split.split(np.zeros(len(truth)), truth)


def _loss(chances: np.ndarray, truth: pd.Series, factor: float) -> float:
    """Take the mean log loss when all log-odds are multiplied by a factor."""
    logs = np.log(np.clip(chances, 1e-12, 1))
    own = np.searchsorted(np.unique(truth), truth.to_numpy())
    return -special.log_softmax(factor * logs, axis=1)[np.arange(len(own)), own].mean()


def _sharpness(chances: np.ndarray, truth: pd.Series) -> float:
    """Find the factor on log-odds that makes the truth likeliest."""
    found = optimize.minimize_scalar(
        lambda factor: _loss(chances, truth, factor), bounds=(0.2, 5), method="bounded"
    )
    return round(float(found.x), 3)


def cross_fitted(
    fields: pd.DataFrame, truth: pd.Series, *, folds: int, seed: int
) -> pd.DataFrame:
    """Give each row its chances (a column a class) from a classifier of other rows.

    Penalty and calibration are found anew in each fold. Raises TooLittle if a class has
    fewer rows than there are folds, or than the inner parts need.
    """
    # without a fold, each of the inner parts still needs one of every class
    _need(truth, max(folds, -(-INNER * folds // (folds - 1))))
    found = pd.DataFrame(np.nan, index=fields.index, columns=np.unique(truth))
    for train, test in parts(truth, folds, seed=seed):
        model = fit(fields.iloc[train], truth.iloc[train], seed=seed)
        found.iloc[test] = model.probabilities(fields.iloc[test]).to_numpy()
    return found
