"""How well forecasts order customers, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from helpers.statistics import forecasts


def test_the_area_under_the_curve_is_the_share_of_pairs_in_the_right_order():
    happened = np.array([True, True, False, False, False])
    score = np.array([0.9, 0.4, 0.4, 0.5, 0.1])
    # of six pairs four are right and one is a tie
    assert forecasts.auc(happened, score) == pytest.approx(4.5 / 6)
    rng = np.random.default_rng(1)
    happened = rng.random(300) < 0.3
    score = np.round(happened * 0.5 + rng.normal(size=300), 1)
    expected = roc_auc_score(happened, score)
    assert forecasts.auc(happened, score) == pytest.approx(expected)


def test_weighted_pairs_give_the_auc_of_scikit_learn_ties_half():
    rng = np.random.default_rng(7)
    truth = (rng.random(200) < 0.3).astype(float)
    guess = rng.integers(0, 12, 200) / 12
    weights = rng.integers(0, 4, (200, 6)).astype(float)
    right, pairs = forecasts.pairs(truth, guess, weights)
    for draw in range(6):
        expected = roc_auc_score(truth, guess, sample_weight=weights[:, draw])
        assert right[draw] / pairs[draw] == pytest.approx(expected, abs=1e-12)
        one = weights[truth == 1, draw].sum() * weights[truth == 0, draw].sum()
        assert pairs[draw] == one


def test_without_both_answers_there_is_no_area():
    for happened in (np.ones(3, bool), np.zeros(3, bool), np.zeros(0, bool)):
        assert np.isnan(forecasts.auc(happened, np.arange(len(happened)) / 3))


def test_an_unknown_label_is_foretold_the_mean_of_the_other_folds():
    truth = np.array([[1.0], [3.0], [5.0], [7.0]])
    fold = np.array([0, 0, 1, 1])
    found = forecasts.label_means(np.array(["a", "b", "a", "c"]), truth, fold)
    # a from the other fold; b and c stand in one fold alone
    assert found[:, 0].tolist() == [5.0, 6.0, 1.0, 2.0]
