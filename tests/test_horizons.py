"""Windows and limits that fit the data, worked out by hand."""

import pandas as pd
import pytest

from helpers import horizons


@pytest.mark.parametrize(
    ("first", "last", "split"),
    [
        ("2024-01-01", "2024-12-31", "2024-10-01"),  # 366 days: 91 are kept for later
        ("2024-01-01", "2024-01-10", "2024-01-08"),  # ten: two
        ("2024-01-01", "2024-01-03", "2024-01-03"),  # three: none
        ("2024-01-01 23:59", "2024-01-01", "2024-01-01"),
    ],
)
def test_a_quarter_of_the_days_is_kept_for_later(first, last, split):
    assert horizons.windows(first, last) == (first[:10], split, last)


def rhythm(**changes):
    given = {"train_days": 270, "later_days": 90, "gap_days": 10.0, "order_value": 20.0}
    return horizons.Rhythm(**given | {"order_lines": 3.0} | changes)


def test_limits_follow_the_rhythm():
    own = rhythm()
    assert (own.active_days, own.prior_weight, own.least_later_sales) == (20, 60, 20)
    assert (own.least_gap_days, own.period, own.min_lines) == (7, "Q", 10)


def test_limits_of_short_data_are_short():
    own = rhythm(train_days=8, later_days=2, gap_days=None, order_lines=1.0)
    assert (own.active_days, own.period, own.least_gap_days) == (2, "D", 1)
    assert own.min_lines == 0
    assert own.part(0.1, most=7) == 1


def test_the_rhythm_is_read_from_the_features():
    table = pd.DataFrame(
        {
            "orders": [1, 4],
            "lines": [2, 8],
            "sales": [10.0, 80.0],
            "sales_per_order": [10.0, 20.0],
            "gap_mean_days": [None, 5.0],
        }
    )
    found = horizons.Rhythm.of(
        table, first="2024-01-01", last="2024-01-31", later="2024-02-10"
    )
    assert found == horizons.Rhythm(31, 10, 5.0, 15.0, 2.0)
    assert horizons.Rhythm(**found.to_dict()) == found
