"""Movement is told from noise by the same customers, cut in two other ways."""

import numpy as np
import pandas as pd
import pytest

from helpers import movement, segments
from helpers.preparation import Preparation
from helpers.schema import BadInput


def toy_model():
    """Two needs; segment 1 buys the first, segment 2 the second."""
    preparation = Preparation(
        columns=["share_a", "share_b"],
        weights=["sales", "sales"],
        priors=[0.0, 0.0],
        population=[0.5, 0.5],
        lower=[0.0, 0.0],
        upper=[1.0, 1.0],
        mean=[0.0, 0.0],
        divisor=[1.0, 1.0],
    )
    return segments.Model(
        run="toy",
        first="2023-01-01",
        last="2023-04-10",  # 100 days
        min_orders=10,
        min_lines=25,
        preparation=preparation,
        centres=[[1.0, 0.0], [0.0, 1.0]],
        value_cuts={"low": 0.0},
        activity_cuts={"active": 2.0},
        least_gap_days=7.0,
        deal_parts={},
        deal_cuts={},
        names={},
    )


def test_a_shorter_window_asks_for_its_part_of_orders_and_lines():
    found = movement.shortened(toy_model(), days=30)
    assert (found.min_orders, found.min_lines) == (3, 8)
    assert found.centres == toy_model().centres


def test_distances_hold_customers_with_enough_data_only():
    features = pd.DataFrame(
        {
            "customer_id": ["x", "y", "z"],
            "orders": [10, 9, 10],
            "lines": [25, 25, 25],
            "sales": [1.0, 1.0, 1.0],
            "share_a": [1.0, 1.0, 0.0],
            "share_b": [0.0, 0.0, 1.0],
        }
    )
    found = movement.distances(toy_model(), features)
    assert found.index.tolist() == ["x", "z"]
    assert found.to_numpy() == pytest.approx(np.sqrt([[0, 2], [2, 0]]), abs=1e-9)
    assert movement.nearest(found).tolist() == [1, 2]


def test_only_customers_in_all_tables_are_kept_in_one_order():
    one = pd.DataFrame({"v": [1, 2, 3]}, index=["c", "a", "b"])
    two = pd.DataFrame({"v": [4, 5]}, index=["b", "c"])
    found = movement.together(one, two)
    assert [table.index.tolist() for table in found] == [["b", "c"]] * 2
    assert found[1]["v"].tolist() == [4, 5]


def test_customers_of_different_windows_are_refused():
    one = pd.DataFrame({"v": [1]}, index=["a"])
    with pytest.raises(BadInput, match="Choose longer periods"):
        movement.together(one, one.set_axis(["b"]))


def cuts():
    """Ten customers: 4 of 6 leave segment 1 in time, 1 of 10 moves between weeks."""
    return {
        "before": np.array([1, 1, 1, 1, 1, 1, 2, 2, 2, 2]),
        "after": np.array([2, 2, 2, 2, 1, 1, 2, 2, 2, 2]),
        "odd": np.array([1, 1, 1, 1, 1, 1, 2, 2, 2, 2]),
        "even": np.array([2, 1, 1, 1, 1, 1, 2, 2, 2, 2]),
    }


def test_excess_is_movement_less_the_noise_of_both_directions():
    found = movement.excess(cuts(), segments=2, repeats=200, seed=1)
    table = found.set_index("segment_id")
    assert table["customers"].tolist() == [10, 6, 4]
    assert table["moved"].to_numpy() == pytest.approx([0.4, 4 / 6, 0])
    # segment 1: left once of 6 (odd) and never of 5 (even); segment 2: 0 of 4, 1 of 5
    assert table["noise"].to_numpy() == pytest.approx([0.1, 1 / 11, 1 / 9])
    assert table["excess"].to_numpy() == pytest.approx([0.3, 4 / 6 - 1 / 11, -1 / 9])
    assert (table["low"] <= table["excess"]).all()
    assert (table["excess"] <= table["high"]).all()


def test_without_change_in_time_the_interval_holds_zero():
    rng = np.random.default_rng(3)
    held = []
    for _ in range(40):
        taste = rng.random(300)
        drawn = {
            name: np.where(rng.random(300) < taste, 1, 2)
            for name in ("before", "after", "odd", "even")
        }
        row = movement.excess(drawn, segments=2, repeats=200, seed=1).iloc[0]
        held.append(row["low"] <= 0 <= row["high"])
    assert sum(held) >= 34


def test_paths_are_counted_beside_what_noise_moves():
    found = movement.migration(cuts(), segments=2, repeats=200, seed=1)
    assert found[["from_id", "to_id"]].to_numpy().tolist() == [[1, 2], [2, 1]]
    assert found["customers"].tolist() == [4, 0]
    assert found["noise"].tolist() == [0.5, 0.5]
    assert found["excess"].tolist() == [3.5, -0.5]
    assert found["low"].iloc[0] < 3.5 < found["high"].iloc[0]


def test_a_path_that_many_take_is_beyond_noise():
    labels = {name: np.repeat(one, 20) for name, one in cuts().items()}
    found = movement.migration(labels, segments=2, repeats=300, seed=1)
    assert found["beyond"].tolist() == [True, False]


def apart(*rows):
    return pd.DataFrame(rows, columns=[1, 2])


def test_a_customer_moves_only_if_the_new_segment_is_clearly_nearer():
    before = apart([1.0, 3.0], [1.0, 3.0], [1.0, 3.0])
    after = apart([2.0, 1.9], [2.0, 1.0], [1.0, 2.0])
    assert movement.calm(before, after, ratio=1.0).tolist() == [2, 2, 1]
    assert movement.calm(before, after, ratio=0.6).tolist() == [1, 2, 1]


def moved_at(ratio, one, two):
    """Count who moves in either direction."""
    return sum(
        (movement.calm(a, b, ratio=ratio) != movement.nearest(a)).sum()
        for a, b in ((one, two), (two, one))
    )


def test_the_ratio_lets_noise_move_no_more_than_stated():
    odd = apart(*[[1.0, 2.0 + i / 50] for i in range(10)])
    even = apart(*[[1.0, 0.98 - i / 20] for i in range(10)])
    ratio = movement.calm_ratio(odd, even, noise=0.2)
    assert moved_at(ratio, odd, even) == 4  # of 20 comparisons
    assert moved_at(ratio + 0.02, odd, even) > 4
    assert movement.calm_ratio(odd, odd, noise=0.2) == 1.0
    assert movement.calm_ratio(odd, even, noise=0.0) == 0.0


def test_customers_who_tie_do_not_push_noise_beyond_what_is_stated():
    odd, even = apart(*[[1.0, 2.0]] * 10), apart(*[[1.0, 0.5]] * 10)
    assert movement.calm_ratio(odd, even, noise=0.2) == 0.0
