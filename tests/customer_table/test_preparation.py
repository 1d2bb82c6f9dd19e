"""Scores of mixed measures: worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from helpers.core.errors import BadInput
from helpers.customer_table import preparation

NO_YES, COLOURS, LOW_HIGH = '["no", "yes"]', '["blue", "red"]', '["low", "mid", "high"]'


def dictionary(*rows):
    """Rows of the feature dictionary: feature, measure, family, levels."""
    return pd.DataFrame(rows, columns=["feature", "measure", "family", "levels"])


def fitted(values, measure, levels="", **given):
    features = pd.DataFrame({"x": values})
    rows = dictionary(("x", measure, "behavioural", levels))
    settings = {"winsor": 0.0, "blocks": "none"} | given
    return preparation.fit(features, dictionary=rows, **settings), features


def test_a_number_is_divided_by_its_deviation_and_missing_is_average():
    prepared, features = fitted([1.0, 3.0, np.nan], "number")
    assert prepared.transform(features)["x"].tolist() == [-1, 1, 0]


def test_a_number_that_leans_right_is_levelled_by_its_logarithm():
    money = [0.0] * 8 + [np.expm1(4.0)] * 2
    prepared, features = fitted(money, "number")
    [column] = prepared.columns
    assert column.transform == "log"
    # Logarithms are 0 (eight times) and 4 (twice): mean 0.8, deviation 1.6.
    assert prepared.transform(features)["x"].round(6).tolist() == [-0.5] * 8 + [2.0] * 2
    assert column.back(np.array([4.0])) == pytest.approx(np.expm1(4.0))
    debt, _ = fitted([-1.0, *money], "number")
    assert debt.columns[0].transform == "none"


def test_shares_that_lean_right_are_levelled_by_the_root():
    prepared, features = fitted([0.0] * 8 + [0.25] * 2, "share")
    assert prepared.columns[0].transform == "root"
    # Roots 0 and 0.5: mean 0.1, deviation 0.2.
    assert prepared.transform(features)["x"].round(6).tolist() == [-0.5] * 8 + [2.0] * 2


def test_yes_and_no_lie_two_half_points_apart_whatever_their_share():
    for answers in ([0.0, 1.0], [0.0, 0.0, 0.0, 1.0]):
        prepared, features = fitted(answers, "yes_no", NO_YES)
        assert np.ptp(prepared.transform(features)["x"]) == pytest.approx(2)


def test_levels_of_unordered_columns_lie_as_far_apart_as_yes_and_no():
    prepared, features = fitted(["red", "blue", None, "red"], "unordered", COLOURS)
    scores = prepared.transform(features)
    assert list(scores) == ["x: blue", "x: red"]
    apart = scores.iloc[0] - scores.iloc[1]
    assert np.sqrt((apart**2).sum()) == pytest.approx(2)
    assert scores.iloc[2].tolist() == [0, 0]


def test_a_level_that_was_never_seen_is_missing():
    prepared, _ = fitted(["red", "blue"], "unordered", COLOURS)
    new = pd.DataFrame({"x": ["green", "red"]})
    assert prepared.known(new).tolist() == [0, 1]
    assert prepared.transform(new).iloc[0].tolist() == [0, 0]


def test_ordered_levels_count_up():
    prepared, features = fitted([0.0, 1.0, 2.0], "ordered", LOW_HIGH)
    scores = prepared.transform(features)["x"]
    assert scores.diff().dropna().tolist() == pytest.approx([np.sqrt(1.5)] * 2)


def test_the_outermost_numbers_are_cut():
    values = [0.0, *range(1, 100), 1000.0]
    prepared, _ = fitted(values, "number", winsor=0.02)
    assert prepared.columns[0].upper <= np.log1p(100)


def test_weights_count_customers_as_copies_would():
    once, _ = fitted([1.0, 2.0, 2.0, 5.0], "number")
    weighed, _ = fitted([1.0, 2.0, 5.0], "number", weights=np.array([1, 2, 1.0]))
    assert weighed.columns[0].mean == pytest.approx(once.columns[0].mean)
    assert weighed.columns[0].spread == pytest.approx(once.columns[0].spread)


def test_twenty_items_that_say_the_same_weigh_no_more_than_one_number():
    rng = np.random.default_rng(1)
    says, number = rng.integers(0, 2, 400).astype(float), rng.normal(size=400)
    items = {f"q{i}": says for i in range(20)}
    features = pd.DataFrame(items | {"n": number})
    rows = dictionary(
        *[(name, "yes_no", "psychographic", NO_YES) for name in items],
        ("n", "number", "behavioural", ""),
    )
    balanced = preparation.fit(features, dictionary=rows, winsor=0.0)
    plain = preparation.fit(features, dictionary=rows, winsor=0.0, blocks="none")
    held = [
        preparation.shares_of_distance(one, features)["psychographic"]
        for one in (balanced, plain)
    ]
    assert held == pytest.approx([1 / 2, 20 / 21], abs=0.005)


def test_steps_are_plain_data():
    prepared, features = fitted(["red", "blue", None], "unordered", COLOURS)
    again = preparation.Preparation.from_dict(prepared.to_dict())
    pd.testing.assert_frame_equal(
        again.transform(features), prepared.transform(features)
    )


def test_a_column_that_nobody_knows_is_refused():
    with pytest.raises(BadInput, match="Column x is missing for every customer"):
        fitted([np.nan, np.nan], "number")


def test_a_column_that_is_the_same_for_all_adds_nothing():
    prepared, features = fitted([7.0, 7.0, 7.0], "number")
    assert prepared.transform(features)["x"].tolist() == [0, 0, 0]
