import joblib
import numpy as np
import pandas as pd
import pytest
from conftest import four_heaps

from helpers.clustering import embedding, methods


@pytest.fixture(autouse=True)
def one_process():
    # starting workers takes seconds; the test that needs them asks for them
    with joblib.parallel_config(backend="sequential"):
        yield


def test_a_map_is_the_same_for_a_seed_and_another_for_another():
    scores = four_heaps(150)
    scores.index = [f"c{i}" for i in range(150)]
    first, again, other = (
        embedding.embed(scores, neighbours=10, seed=seed) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert list(first.columns) == ["x", "y"]
    assert list(first.index) == list(scores.index)
    assert (first.to_numpy() != other.to_numpy()).any()
    # heaps stay together: a customer's nearest on the map is of the same heap
    apart = methods.distances(first.to_numpy(), first.to_numpy())
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) % 4 == np.arange(150) % 4).mean() > 0.95


def test_a_map_that_keeps_neighbours_is_trusted_and_a_shuffled_one_is_not():
    plane = pd.DataFrame(np.random.default_rng(1).random((60, 2)), columns=["x", "y"])
    assert embedding.trust(plane, plane * 3, neighbours=5) == 1
    shuffled = plane.sample(frac=1, random_state=1)
    assert embedding.trust(plane, shuffled, neighbours=5) < 0.7
