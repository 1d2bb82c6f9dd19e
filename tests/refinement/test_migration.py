"""Movement is told from noise by the same customers, cut in two other ways."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.clustering import model as clustering_model
from helpers.features.preparation import Preparation
from helpers.refinement import migration


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
    return clustering_model.Model(
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
        borderline=0.9,
        names={},
    )


def test_a_shorter_window_asks_for_its_part_of_orders_and_lines():
    found = migration.shortened(toy_model(), days=30)
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
    found = migration.distances(toy_model(), features)
    assert found.index.tolist() == ["x", "z"]
    assert found.to_numpy() == pytest.approx(np.sqrt([[0, 2], [2, 0]]), abs=1e-9)
    assert migration.nearest(found).tolist() == [1, 2]


def test_only_customers_in_all_tables_are_kept_in_one_order():
    one = pd.DataFrame({"v": [1, 2, 3]}, index=["c", "a", "b"])
    two = pd.DataFrame({"v": [4, 5]}, index=["b", "c"])
    found = migration.together(one, two)
    assert [table.index.tolist() for table in found] == [["b", "c"]] * 2
    assert found[1]["v"].tolist() == [4, 5]


def test_customers_of_different_windows_are_none():
    one = pd.DataFrame({"v": [1]}, index=["a"])
    assert [len(t) for t in migration.together(one, one.set_axis(["b"]))] == [0, 0]


def tiered_model():
    return replace(toy_model(), value_cuts={"high": 100.0, "middle": 50.0, "low": 0.0})


def test_a_shorter_window_asks_for_its_part_of_sales():
    found = migration.shortened(tiered_model(), days=30)
    assert found.value_cuts == {"high": 30.0, "middle": 15.0, "low": 0.0}


def test_value_tiers_are_told_of_those_who_ordered_in_every_window():
    one, other = (
        pd.DataFrame({"customer_id": ids, "sales": sales})
        for ids, sales in (
            (["a", "b", "left"], [20.0, 6.0, 90.0]),
            (["came", "b", "a"], [90.0, 30.0, 7.0]),
        )
    )
    found = migration.tiers(tiered_model(), [one, other, one, other], days=[14, 14])
    # of 14 of 100 days 14 is high, 7 is middle; customers a, b
    assert found["before"].tolist() == [1, 3]
    assert found["after"].tolist() == [2, 1]
    assert migration.tier_names(tiered_model())[1] == "High value"


def test_the_first_week_is_odd_and_a_rest_belongs_to_its_own():
    assert migration._alternate(28) == (14, 14)
    assert migration._alternate(30) == (16, 14)
    assert migration._alternate(5) == (5, 0)


def test_tied_tiers_leave_one_empty_and_nothing_fails():
    model = replace(
        toy_model(), value_cuts={"high": 100.0, "middle": 100.0, "low": 0.0}
    )
    view = pd.DataFrame({"customer_id": list("abcd"), "sales": [90.0, 90.0, 1.0, 1.0]})
    labels = migration.tiers(model, [view] * 4, days=[50, 50])
    assert labels["before"].tolist() == [1, 1, 3, 3]
    found = migration.excess(labels, segments=3, repeats=20, seed=1)
    assert found["customers"].tolist() == [4, 2, 0, 2]
    assert found["moved"].isna().tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("moved", "noise", "low", "paths", "kind"),
    [
        (0.0, 0.0, 0.0, [], "still"),
        (0.3, 0.5, -0.3, [(30, 50)], "less"),
        (0.3, 0.25, 0.01, [(30, 25)], "noise"),
        (0.3, 0.1, 0.05, [(30, 10)], "real"),
        (0.3, 0.1, -0.05, [(30, 10)], "open"),
    ],
)
def test_movement_is_put_in_words(moved, noise, low, paths, kind):
    whole = pd.Series({"moved": moved, "noise": noise, "low": low, "high": low + 0.1})
    flows = pd.DataFrame(paths, columns=["customers", "noise"])
    flows = flows.assign(beyond=False, shown=True)
    assert migration.said(whole, flows)[0] == kind


def test_a_clear_path_is_named_only_if_it_may_be_shown():
    whole = pd.Series({"moved": 0.3, "noise": 0.2, "low": 0.05, "high": 0.15})
    flows = pd.DataFrame(
        {"customers": [30, 10], "noise": [5, 2], "beyond": [True, False], "shown": True}
    )
    # of the ten who took the other path two are noise
    assert migration.said(whole, flows) == ("path", False)
    assert migration.said(whole, flows.assign(noise=[5, 8])) == ("path", True)
    assert migration.said(whole, flows.assign(shown=False))[0] == "noise"


def test_noise_under_the_calm_rule_and_who_stayed():
    near = pd.DataFrame([[1.0, 2.0], [1.0, 2.0]], columns=[1, 2])
    far = pd.DataFrame([[2.0, 1.9], [1.0, 2.0]], columns=[1, 2])
    assert migration.calm_noise(near, far, ratio=1.0) == 0.5
    assert (
        migration.calm_noise(near, far, ratio=0.5) == 0.25
    )  # back from far it is clear
    found = migration.found_again(near, far, far, ratio=1.0)
    assert found["customers"].tolist() == [1, 1]
    assert found["again"].tolist() == [1.0, 1.0]
    assert np.isnan(migration.found_again(near, near, far, ratio=1.0)["again"]).all()


def cuts():
    """Ten customers: 4 of 6 leave segment 1 in time, 1 of 10 moves between weeks."""
    return {
        "before": np.array([1, 1, 1, 1, 1, 1, 2, 2, 2, 2]),
        "after": np.array([2, 2, 2, 2, 1, 1, 2, 2, 2, 2]),
        "odd": np.array([1, 1, 1, 1, 1, 1, 2, 2, 2, 2]),
        "even": np.array([2, 1, 1, 1, 1, 1, 2, 2, 2, 2]),
    }


def test_excess_is_movement_less_the_noise_of_both_directions():
    found = migration.excess(cuts(), segments=2, repeats=200, seed=1)
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
        row = migration.excess(drawn, segments=2, repeats=200, seed=1).iloc[0]
        held.append(row["low"] <= 0 <= row["high"])
    assert sum(held) >= 34


def test_paths_are_counted_beside_what_noise_moves():
    found = migration.migration(cuts(), segments=2, repeats=200, seed=1)
    assert found[["from_id", "to_id"]].to_numpy().tolist() == [[1, 2], [2, 1]]
    assert found["customers"].tolist() == [4, 0]
    assert found["noise"].tolist() == [0.5, 0.5]
    assert found["excess"].tolist() == [3.5, -0.5]
    assert found["low"].iloc[0] < 3.5 < found["high"].iloc[0]


def test_a_path_that_many_take_is_beyond_noise():
    labels = {name: np.repeat(one, 20) for name, one in cuts().items()}
    found = migration.migration(labels, segments=2, repeats=300, seed=1)
    assert found["beyond"].tolist() == [True, False]


def apart(*rows):
    return pd.DataFrame(rows, columns=[1, 2])


def test_a_customer_moves_only_if_the_new_segment_is_clearly_nearer():
    before = apart([1.0, 3.0], [1.0, 3.0], [1.0, 3.0])
    after = apart([2.0, 1.9], [2.0, 1.0], [1.0, 2.0])
    assert migration.calm(before, after, ratio=1.0).tolist() == [2, 2, 1]
    assert migration.calm(before, after, ratio=0.6).tolist() == [1, 2, 1]


def moved_at(ratio, one, two):
    """Count who moves in either direction."""
    return sum(
        (migration.calm(a, b, ratio=ratio) != migration.nearest(a)).sum()
        for a, b in ((one, two), (two, one))
    )


def test_the_ratio_lets_noise_move_no_more_than_stated():
    odd = apart(*[[1.0, 2.0 + i / 50] for i in range(10)])
    even = apart(*[[1.0, 0.98 - i / 20] for i in range(10)])
    ratio = migration.calm_ratio(odd, even, noise=0.2)
    assert moved_at(ratio, odd, even) == 4  # of 20 comparisons
    assert moved_at(ratio + 0.02, odd, even) > 4
    assert migration.calm_ratio(odd, odd, noise=0.2) == 1.0
    assert migration.calm_ratio(odd, even, noise=0.0) == 0.0


def test_customers_who_tie_do_not_push_noise_beyond_what_is_stated():
    odd, even = apart(*[[1.0, 2.0]] * 10), apart(*[[1.0, 0.5]] * 10)
    assert migration.calm_ratio(odd, even, noise=0.2) == 0.0
