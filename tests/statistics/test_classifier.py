"""Chances add up, are as sure as they are right, and know nothing of the row they judge."""

import numpy as np
import pandas as pd
import pytest

from helpers.core.errors import TooLittle
from helpers.statistics import classifier


def test_labels_numbers_and_gaps_become_columns():
    fields = pd.DataFrame(
        {
            "size": ["small"] * 12 + ["large"] * 11 + [None],
            "sales": [1.0, 3.0] * 11 + [np.nan, 2.0],
        }
    )
    encoder = classifier.encode(fields)
    assert encoder.levels == {"size": ["large", "small"]}
    assert encoder.numbers["sales"][0] == 2.0
    new = pd.DataFrame(
        {"size": ["small", "large", "huge", None], "sales": [np.nan, 2.0, 3.0, 1.0]}
    )
    found = encoder.transform(new)
    # large, small, other (rare, new and missing ones), number
    assert found[:, :3].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]]
    deviation = encoder.numbers["sales"][1]
    assert found[:, 3] == pytest.approx([0, 0, 1 / deviation, -1 / deviation])


def test_missing_labels_are_a_level_when_they_are_many():
    fields = pd.DataFrame({"size": ["small"] * 10 + [None] * 10})
    assert classifier.encode(fields).levels == {"size": ["small", "unknown"]}


def test_yes_and_no_are_labels():
    assert classifier.is_label(pd.Series([True, False]))
    assert classifier.is_label(pd.Series(["a"]))
    assert not classifier.is_label(pd.Series([1, 2]))


def drawn(rows, seed):
    """Draw a class from known chances: 0.8 of b where the flag is set, else 0.3."""
    rng = np.random.default_rng(seed)
    flag = rng.random(rows) < 0.5
    chance = np.where(flag, 0.8, 0.3)
    truth = np.where(rng.random(rows) < chance, "b", "a")
    noise = rng.normal(size=(rows, 5))
    fields = pd.DataFrame(noise, columns=list("vwxyz")).assign(flag=flag)
    return fields, pd.Series(truth), chance


def test_the_chances_are_those_that_were_planted():
    fields, truth, chance = drawn(3000, 1)
    model = classifier.fit(fields, truth, seed=1)
    found = model.probabilities(fields)
    assert found.sum(axis=1).to_numpy() == pytest.approx(np.ones(3000))
    assert np.abs(found["b"] - chance).mean() < 0.04


def test_a_classifier_of_noise_is_not_sure_of_anything():
    fields, truth, _ = drawn(600, 2)
    found = classifier.cross_fitted(fields.drop(columns="flag"), truth, folds=5, seed=1)
    assert found["b"].std() < 0.05


def test_a_row_is_judged_by_others_only():
    # the field names each row: whoever learns it by heart foretells nothing
    truth = pd.Series(np.random.default_rng(3).permutation(["a", "b"] * 60))
    fields = pd.DataFrame({"own": np.where(truth == "a", 1.0, 0.0)})
    sure = classifier.cross_fitted(fields, truth, folds=4, seed=1)
    assert (sure.idxmax(axis=1) == truth).all()
    by_row = pd.DataFrame({"own": [f"row {i}" for i in range(120)]})
    blind = classifier.cross_fitted(by_row, truth, folds=4, seed=1)
    assert (blind.idxmax(axis=1) == truth).mean() < 0.65


def test_the_same_seed_gives_the_same_chances():
    fields, truth, _ = drawn(200, 4)
    one, two = (
        classifier.cross_fitted(fields, truth, folds=3, seed=7) for _ in range(2)
    )
    pd.testing.assert_frame_equal(one, two)


def test_too_few_rows_of_a_class_leave_the_section_out():
    with pytest.raises(TooLittle, match="too few to learn"):
        classifier.fit(
            pd.DataFrame({"x": np.arange(9.0)}), pd.Series(["a"] * 8 + ["b"]), seed=1
        )


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_each_fold_leaves_enough_of_every_class_or_all_is_left_out(folds):
    fields = pd.DataFrame({"x": np.arange(40.0)})
    for rare in range(1, 8):
        truth = pd.Series(["b"] * rare + ["a"] * (40 - rare))
        try:
            found = classifier.cross_fitted(fields, truth, folds=folds, seed=1)
        except TooLittle:
            assert rare < 6
        else:
            assert found.notna().all(axis=None)
            assert rare >= folds


def test_one_class_no_rows_and_no_fields_leave_the_section_out():
    fields = pd.DataFrame({"x": np.arange(20.0)})
    two = pd.Series(["a", "b"] * 10)
    for truth in (pd.Series(["a"] * 20), pd.Series([], dtype=str)):
        with pytest.raises(TooLittle, match="too few to learn"):
            classifier.cross_fitted(fields, truth, folds=5, seed=1)
    with pytest.raises(TooLittle, match="no field"):
        classifier.fit(fields[[]], two, seed=1)


def test_a_number_that_is_never_known_tells_nothing():
    truth = pd.Series(["a", "b"] * 30)
    fields = pd.DataFrame({"x": np.nan, "y": 1.0}, index=range(60))
    found = classifier.fit(fields, truth, seed=1).probabilities(fields)
    assert found["a"].to_numpy() == pytest.approx(np.full(60, 0.5))
