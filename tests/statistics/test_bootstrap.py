"""Bootstrap samples count customers, and intervals come from the samples alone."""

import numpy as np
import pytest

from helpers.statistics import bootstrap


def test_a_sample_holds_as_many_customers_as_the_data():
    drawn = bootstrap.weights(9, 20, np.random.default_rng(1))
    assert drawn.shape == (9, 21)
    assert (drawn.sum(axis=0) == 9).all()
    assert (drawn[:, 0] == 1).all()


def test_many_customers_are_resampled_some_samples_at_a_time_with_the_same_draws():
    parts = list(bootstrap.batches(2_000_000, 3, seed=4))
    assert [len(part) for part in parts] == [2, 1]
    at_once = bootstrap.counts(2_000_000, 3, np.random.default_rng(4))
    assert (np.concatenate(parts) == at_once).all()


def test_an_interval_is_that_of_the_samples():
    found = bootstrap.estimate(np.array([50.0, *range(101)]))
    assert found == pytest.approx((50, 2.5, 97.5))


def test_the_interval_of_a_mean_is_near_the_normal_one():
    values = np.random.default_rng(3).normal(size=400)
    low, high = bootstrap.mean_interval(values, 2000, np.random.default_rng(4))
    half = 1.96 * values.std() / 20
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
