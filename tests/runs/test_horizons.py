"""Windows and limits that fit the data, by hand."""

import duckdb
import pandas as pd
import pytest

from helpers.runs import horizons


@pytest.mark.parametrize(
    ("first", "last", "windows"),
    [
        ("2024-01-01", "2024-01-01", ("2024-01-01", "2024-01-01", "2024-01-01")),
        ("2024-01-01", "2024-01-10", ("2024-01-01", "2024-01-08", "2024-01-10")),
        ("2021-01-01", "2023-12-31", ("2021-01-01", "2023-04-02", "2023-12-31")),
    ],
)
def test_a_quarter_of_the_days_is_kept_for_later(first, last, windows):
    assert horizons.windows(first, last) == windows


def test_days_that_the_run_file_sets_stay_and_the_others_are_fitted():
    given = ("auto", "2024-01-05", "auto")
    assert horizons.windows("2024-01-01", "2024-01-10", given=given) == (
        *("2024-01-01", "2024-01-05", "2024-01-10"),
    )


def pattern(lines):
    features = pd.DataFrame(
        {
            "orders": [2, 3],
            "lines": lines,
            "sales_per_order": [10.0, 30.0],
            "gap_mean_days": [5.0, 15.0],
        }
    )
    window = {"first": "2024-01-01", "last": "2024-03-30", "later": "2024-04-29"}
    return horizons.BuyingPattern.of(features, **window)


def test_lines_are_not_asked_for_where_an_order_is_one_line():
    one, many = pattern([2, 3]), pattern([20, 30])
    assert (one.enough_lines("auto"), one.enough_lines(10)) == (0, 0)
    assert (many.enough_lines("auto"), many.enough_lines(7)) == (10, 7)


def test_a_pattern_survives_json_and_nobody_in_a_window_is_no_error():
    assert horizons.BuyingPattern(**pattern([2, 3]).to_dict()) == pattern([2, 3])
    empty = pd.DataFrame(
        columns=["orders", "lines", "sales_per_order", "gap_mean_days"], dtype=float
    )
    days = {"first": "2024-01-01", "last": "2024-01-01", "later": "2024-01-01"}
    found = horizons.BuyingPattern.of(empty, **days)
    assert (found.order_lines, found.inter_purchase_days, found.active_days) == (
        0,
        None,
        1,
    )


def limits(**changes):
    given = {
        "train_days": 270,
        "holdout_days": 90,
        "inter_purchase_days": 10.0,
        "order_value": 20.0,
    }
    return horizons.BuyingPattern(**given | {"order_lines": 3.0} | changes)


def test_limits_follow_the_limits():
    own = limits()
    assert (own.active_days, own.prior_weight, own.min_holdout_sales) == (20, 60, 20)
    assert (own.min_gap_days, own.period, own.min_lines) == (7, "Q", 10)


def test_limits_of_short_data_are_short():
    own = limits(
        train_days=8, holdout_days=2, inter_purchase_days=None, order_lines=1.0
    )
    assert (own.active_days, own.period, own.min_gap_days) == (2, "D", 1)
    assert own.min_lines == 0
    assert own.part(0.1, most=7) == 1


def test_the_days_of_a_file_of_lines_are_its_first_and_last(tmp_path):
    days = pd.to_datetime(["2024-03-05 23:59", "2024-01-02 08:00"])
    file = tmp_path / "lines.parquet"
    pd.DataFrame({"ordered_at": days}).to_parquet(file)
    with duckdb.connect() as con:
        first, last = horizons.covered(con, str(file))
    assert (str(first), str(last)) == ("2024-01-02", "2024-03-05")


def test_the_pattern_is_read_from_the_features():
    table = pd.DataFrame(
        {
            "orders": [1, 4],
            "lines": [2, 8],
            "sales": [10.0, 80.0],
            "sales_per_order": [10.0, 20.0],
            "gap_mean_days": [None, 5.0],
        }
    )
    found = horizons.BuyingPattern.of(
        table, first="2024-01-01", last="2024-01-31", later="2024-02-10"
    )
    assert found == horizons.BuyingPattern(31, 10, 5.0, 15.0, 2.0)
    assert horizons.BuyingPattern(**found.to_dict()) == found
