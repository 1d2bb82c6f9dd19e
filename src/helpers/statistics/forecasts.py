"""Forecast for customers left out, and say how well a forecast orders customers."""

from collections.abc import Iterable

import numpy as np
import pandas as pd


def label_means(
    labels: pd.Series, truth: np.ndarray, fold: np.ndarray, smoothing: float = 0
) -> np.ndarray:
    """Foretell each customer by the mean of their label in the other folds.

    Missing is a label of its own; one unseen in the other folds has their mean. `truth`
    is customers x columns; `smoothing` counts the customers of average behaviour added
    to each label before its mean is taken.
    """
    codes = pd.factorize(labels, sort=True, use_na_sentinel=False)[0]
    predicted = np.empty(truth.shape)
    for part in np.unique(fold):
        train, test = fold != part, fold == part
        overall = truth[train].mean(axis=0)
        sums = np.zeros((codes.max() + 1, truth.shape[1]))
        np.add.at(sums, codes[train], truth[train])
        counts = np.bincount(codes[train], minlength=len(sums))[:, None]
        means = (sums + smoothing * overall) / np.maximum(counts + smoothing, 1)
        means[counts[:, 0] == 0] = overall
        predicted[test] = means[codes[test]]
    return predicted


def pairs(
    happened: np.ndarray, score: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Count pairs in the right order, ties half, and all pairs, for each weighting.

    A pair is one customer to whom it happened and one to whom it did not; weights are
    customers x weightings.
    """
    order = np.argsort(score, kind="stable")
    tie = np.flatnonzero(np.diff(score[order], prepend=-np.inf))
    sorted_weights, did = weights[order], happened[order, None]
    yes = np.add.reduceat(sorted_weights * did, tie, axis=0)
    no = np.add.reduceat(sorted_weights * (1 - did), tie, axis=0)
    below = no.cumsum(axis=0) - no
    return (yes * (below + no / 2)).sum(axis=0), yes.sum(axis=0) * no.sum(axis=0)


def auc(happened: np.ndarray, score: np.ndarray) -> float:
    """Measure how well a score orders customers: the area under the ROC curve.

    It is the share of the pairs, one with and one without it, that are in the right
    order; ties count half. 1 is perfect, 0.5 is chance; missing where all or none had
    it. Hanley and McNeil (1982), The meaning and use of the area under a receiver
    operating characteristic (ROC) curve.
    """
    right, both = pairs(happened.astype(float), score, np.ones((len(score), 1)))
    return float(right[0] / both[0]) if both[0] else np.nan


def aucs(
    happened: np.ndarray, score: np.ndarray, samples: Iterable[np.ndarray]
) -> np.ndarray:
    """Give `auc` of all rows and then of each sample of rows."""
    return np.array([auc(happened[r], score[r]) for r in (slice(None), *samples)])
