"""Descriptions of segments, against formulas, loops and a plain bootstrap."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest

from helpers.core import errors
from helpers.personas import profiles

ASSIGNED = pd.DataFrame(
    {
        "customer_id": list("abcdefgh"),
        "segment_id": [2, 1, 2, 1, 1, 0, 2, 2],
        "second_id": [1, 2, 1, 2, 2, 0, 1, 1],
        "borderline": [True, False, False, True, False, False, True, True],
        "value_tier": ["high", "low", "high", "high", "low", "low", "low", "middle"],
        "deal_proneness": [*("high", "low", "high"), *["low"] * 5],
        "activity": [*("active", "lapsed", "active", "lapsed", "active"), *["x"] * 3],
    }
)
FEATURES = pd.DataFrame(
    {
        "customer_id": list("hgfedcba"),
        "sales": [50.0, 150.0, np.nan, 10.0, 20.0, 400.0, 30.0, 200.0],
    }
)


def test_segments_are_counted_and_too_little_data_comes_last():
    table = profiles.summarise(FEATURES, ASSIGNED, seed=1).set_index("segment_id")
    # 1: b 30, d 20, e 10; 2: a 200, c 400, g 150, h 50; 0: f, whose sales are missing
    assert table.index.tolist() == [1, 2, 0]
    assert table["customers"].tolist() == [3, 4, 1]
    assert table["share_customers"].tolist() == pytest.approx([3 / 8, 4 / 8, 1 / 8])
    assert table["sales"].tolist() == [60, 800, 0]
    assert table["share_sales"].tolist() == pytest.approx([60 / 860, 800 / 860, 0])
    assert table["sales_per_customer"].tolist() == [20, 200, 0]
    assert table["borderline_share"].tolist() == pytest.approx([1 / 3, 3 / 4, 0])
    assert table["high_value_share"].tolist() == pytest.approx([1 / 3, 1 / 2, 0])
    assert table["lapsed_share"].tolist() == pytest.approx([2 / 3, 0, 0])
    assert table["high_deal_share"].tolist() == pytest.approx([0, 1 / 2, 0])


def test_the_interval_of_sales_is_that_of_a_bootstrap_inside_the_segment(monkeypatch):
    monkeypatch.setattr(profiles, "N_BOOTSTRAP", 4000)
    rng = np.random.default_rng(2)
    sales = rng.gamma(2, 100, 200)
    sold = pd.DataFrame({"customer_id": range(200), "sales": sales})
    assigned = sold[["customer_id"]].assign(
        segment_id=np.arange(200) % 2 + 1,
        borderline=False,
        value_tier="",
        activity="",
        deal_proneness="",
    )
    table = profiles.summarise(sold, assigned, seed=1)
    for row in table.itertuples():
        own = sales[np.arange(200) % 2 + 1 == row.segment_id]
        drawn = [np.mean(rng.choice(own, 100)) for _ in range(4000)]
        expected = np.quantile(drawn, [0.025, 0.975])
        # a quantile of 4,000 draws errs by about 1 where the interval is 56 wide
        assert [row.low, row.high] == pytest.approx(expected, abs=3)
    again = profiles.summarise(sold, assigned, seed=1)
    pd.testing.assert_frame_equal(again, table, check_exact=True)


def test_a_customer_without_a_segment_is_noticed():
    with pytest.raises(AssertionError, match="no segment"):
        profiles.summarise(FEATURES, ASSIGNED[:7], seed=1)


def people(n=160):
    """Three segments; `wants` built them, `new` is missing for some."""
    rng = np.random.default_rng(7)
    ids = pd.Series(rng.integers(1, 4, n))
    table = pd.DataFrame(
        {
            "wants": ids * 2 + rng.random(n),
            "new": ids + rng.gamma(2, 1, n),
            "old": rng.gamma(2, 1, n),
            "trend": ids - 2 + rng.standard_normal(n),
        }
    )
    table["new"] = table["new"].mask(rng.random(n) < 0.2)
    return table, ids


COLUMNS = ["wants", "new", "old", "trend"]


def compare(table, ids, columns=COLUMNS, **settings):
    return profiles.differences(
        table, ids, columns=columns, built_from=["wants"], seed=3, **settings
    )


# half of the customers may be missing from a resample of six
@pytest.mark.filterwarnings("error")
def test_index_and_effect_of_six_customers_by_hand():
    table = pd.DataFrame({"wants": [1.0, 2.0, 3.0, 6.0, 8.0, 10.0]})
    ids = pd.Series([1, 1, 1, 2, 2, 2])
    found = compare(table, ids, ["wants"]).set_index("segment_id")
    assert found["mean"].tolist() == [2, 8]
    assert found["average"].tolist() == [5, 5]
    assert found["index"].tolist() == pytest.approx([40, 160])
    # variances 1 and 4, pooled (2 x 1 + 2 x 4) / 4
    assert found["effect"].tolist() == pytest.approx([-6 / sqrt(2.5), 6 / sqrt(2.5)])


def test_effects_follow_cohen_for_groups_of_unequal_size():
    table, ids = people()
    for row in compare(table, ids).itertuples():
        values = table[row.feature]
        own = values[(ids == row.segment_id) & values.notna()]
        rest = values[(ids != row.segment_id) & values.notna()]
        squares = sum((own - own.mean()) ** 2) + sum((rest - rest.mean()) ** 2)
        pooled = sqrt(squares / (len(own) + len(rest) - 2))
        assert row.effect == pytest.approx((own.mean() - rest.mean()) / pooled)
        assert row.mean == pytest.approx(own.mean())
        assert row.average == pytest.approx(values.mean())


def drawn_by_hand(table, ids, n_bootstrap=4000):
    """Resample all customers one sample at a time: means, and what is compared."""
    rng = np.random.default_rng(11)
    means, compared = [], []
    for _ in range(n_bootstrap):
        rows = rng.integers(0, len(table), len(table))
        values, segment = table[COLUMNS].to_numpy()[rows], ids.to_numpy()[rows]
        average = np.nanmean(values, axis=0)
        own = np.array([np.nanmean(values[segment == s], axis=0) for s in (1, 2, 3)])
        ratio = 100 * own / average
        ratio[:, 3] = (own - average)[:, 3]  # trend may be below 0
        means.append(own)
        compared.append(ratio)
    return np.array(means), np.array(compared)


def test_intervals_are_those_of_a_bootstrap_all_rows_held_to_one_error_rate():
    table, ids = people()
    found = compare(table, ids, n_bootstrap=4000).set_index(["feature", "segment_id"])
    means, compared = drawn_by_hand(table, ids)
    deviation = compared.std(axis=0, ddof=1)
    estimate = np.array(
        [[found.loc[(c, s), "index"] for c in COLUMNS] for s in (1, 2, 3)]
    )
    gap = found["mean"] - found["average"]
    estimate[:, 3] = [gap["trend", s] for s in (1, 2, 3)]
    largest = (np.abs(compared - estimate) / deviation).max(axis=(1, 2))
    c = np.quantile(largest, 0.95)
    assert 2.5 < c < 3.2  # one by one it would be 1.96
    one_by_one = np.quantile(means, [0.025, 0.975], axis=0)
    for s in (1, 2, 3):
        for column, name in enumerate(COLUMNS):
            row = found.loc[(name, s)]
            limits = one_by_one[:, s - 1, column]
            width = np.ptp(limits)
            assert row["mean_low"] == pytest.approx(limits[0], abs=0.06 * width)
            assert row["mean_high"] == pytest.approx(limits[1], abs=0.06 * width)
            half = c * deviation[s - 1, column]
            if name != "trend":
                assert row["high"] - row["index"] == pytest.approx(half, rel=0.06)
                low = max(row["index"] - half, 0)
                assert row["low"] == pytest.approx(low, abs=0.06 * half)
            even = 0 if name == "trend" else 100
            apart = estimate[s - 1, column] - even
            side = "" if abs(apart) < half else "above" if apart > 0 else "below"
            assert row["side"] == side
    assert set(found["side"]) == {"above", "below", ""}


def test_together_the_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    ids = pd.Series(np.arange(120) % 3 + 1)
    clean = 0
    for seed in range(60):
        noise = pd.DataFrame(rng.normal(5, 1, (120, 8)), columns=list("abcdefgh"))
        found = profiles.differences(
            noise, ids, columns=list(noise), built_from=[], seed=seed, n_bootstrap=300
        )
        clean += (found["side"] == "").all()
    assert clean >= 52  # 57 expected; one by one hardly any of the 60


def test_a_feature_without_a_ratio_scale_has_an_effect_but_no_index():
    table, ids = people()
    found = compare(table, ids).set_index("feature")
    assert table["trend"].min() < 0
    assert found.loc["trend", ["index", "low", "high"]].isna().all(axis=None)
    assert found.loc["trend", "effect"].notna().all()
    assert found.loc["trend", "side"].tolist() == ["below", "", "above"]
    assert found.loc[["wants", "new", "old"], "index"].notna().all()


@pytest.mark.filterwarnings("error")
def test_a_feature_in_which_nobody_differs_leaves_the_others_as_they_are():
    table, ids = people()
    table["fuel"] = 0.0
    with_fuel = compare(table, ids, [*COLUMNS, "fuel"]).set_index("feature")
    assert with_fuel.loc["fuel", ["index", "effect"]].isna().all(axis=None)
    assert (with_fuel.loc["fuel", "side"] == "").all()
    without = compare(table, ids).set_index("feature")
    pd.testing.assert_frame_equal(with_fuel.drop("fuel"), without)


def test_the_order_of_customers_does_not_matter_but_for_the_draws():
    table, ids = people()
    order = np.random.default_rng(1).permutation(len(table))
    mixed = compare(table.iloc[order], ids.iloc[order])
    exact = ["mean", "average", "index", "effect"]
    pd.testing.assert_frame_equal(mixed[exact], compare(table, ids)[exact])


def difference(**change):
    row = {"segment_id": 1, "feature": "pans", "side": "above", "effect": 0.5}
    row |= {"mean": 0.2, "mean_low": 0.1, "mean_high": 0.3, "average": 0.1}
    return row | {"index": 200.0, "used_to_build": True} | change


def test_an_index_cannot_be_below_nought():
    table = pd.DataFrame({"rare": [5.0] + [0.0] * 59 + [0.1] * 60})
    found = profiles.differences(
        table, pd.Series([1] * 60 + [2] * 60), columns=["rare"], built_from=[], seed=1
    )
    assert found["low"].tolist() == [0, 0]
    assert (found["high"] > found["index"]).all()


def test_marks_are_large_and_beyond_chance_and_say_who_shares_them():
    table = pd.DataFrame(
        [
            difference(effect=0.3),
            difference(feature="soap", effect=-0.9, side="below"),
            difference(feature="tea", effect=0.9, side=""),
            difference(feature="salt", effect=0.19),
            difference(segment_id=2, effect=0.2),
            difference(segment_id=3, effect=-0.6, side="below"),
            difference(segment_id=4),
        ]
    )
    found = profiles.marks(table, min_effect=0.2)
    assert found["feature"].tolist() == ["soap", "pans", "pans", "pans", "pans"]
    assert found["segment_id"].tolist() == [1, 1, 2, 3, 4]
    assert found["shared_with"].tolist() == [(), (2, 4), (1, 4), (), (1, 2)]


def test_markers_are_far_from_the_average_absolutely_or_for_its_size():
    # largest distance 0.4: a quarter is 0.1
    rows = [
        difference(mean=0.7, average=0.3),
        difference(mean=0.41, average=0.3),
        difference(mean=0.2, average=0.3),
        difference(mean=0.05, average=0.03),
        difference(mean=0.044, average=0.03),
        difference(mean=0.9, average=0.1, used_to_build=False),
    ]
    found = profiles.markers(pd.DataFrame(rows))
    assert found.tolist() == [True, True, False, True, False, False]


def test_a_profile_holds_what_two_segments_are_compared_by():
    table = pd.DataFrame(
        [difference(feature="share_pet_care"), difference(feature="visits", side="")]
    )
    dictionary = pd.DataFrame(
        {"feature": ["share_pet_care"], "family": ["needs"], "unit": ["share"]}
    )
    found = profiles.profile(table, dictionary)
    assert found["label"].tolist() == ["pet care", "visits"]
    assert found["unit"].tolist() == ["share", ""]
    assert found["family"].tolist() == ["needs", ""]
    assert found.loc[0, ["value", "low", "high", "overall"]].tolist() == [
        0.2,
        0.1,
        0.3,
        0.1,
    ]
    assert found["direction"].tolist() == ["above", ""]
    assert found["marker"].tolist() == [True, True]


SALES = pd.DataFrame(
    {
        "customer_id": list("abcdefgh"),
        "sales": [100.0, 10, 200, 0, 30, 5, 50, 40],
        "holdout_sales": [30.0, 0, 30, 8, 0, 1, 10, 0],
    }
)


def test_later_worth_is_judged_by_the_class_given_before(monkeypatch):
    monkeypatch.setattr(profiles, "N_BOOTSTRAP", 4000)
    rng = np.random.default_rng(2)
    tier = pd.Series(np.where(np.arange(300) < 60, "high", "low"))
    sales = pd.Series(rng.gamma(2, np.where(tier == "high", 40, 10)))
    found = profiles.holdout_worth(tier, sales, seed=1)
    assert found["customers"].tolist() == [60, 240]
    assert found["share_customers"].tolist() == [0.2, 0.8]
    assert found.loc["high", "holdout_sales"] == pytest.approx(sales[:60].sum())
    assert found["share_later"].sum() == pytest.approx(1)
    assert found.loc["low", "holdout_per_customer"] == pytest.approx(sales[60:].mean())
    drawn = []
    for _ in range(4000):
        rows = rng.integers(0, 300, 300)
        drawn.append(sales[rows][rows < 60].sum() / sales[rows].sum())
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.loc["high", "low"] == pytest.approx(low, abs=0.01)
    assert found.loc["high", "high"] == pytest.approx(high, abs=0.01)


def test_neighbours_are_those_with_whom_most_customers_could_be_in_either():
    # of 40 customers 20 are next to 2 (10 borderline), 12 to 3 (11), 8 to 4 (none)
    assigned = pd.DataFrame(
        {
            "segment_id": [1] * 40 + [0],
            "second_id": [2] * 20 + [3] * 12 + [4] * 8 + [0],
            "borderline": [True] * 10 + [False] * 10 + [True] * 11 + [False] * 10,
        }
    )
    found = profiles.neighbours(assigned)
    assert found["other_id"].tolist() == [3, 2]
    assert found["rank"].tolist() == [1, 2]
    assert found["either_share"].tolist() == pytest.approx([11 / 40, 10 / 40])
    assert found["next_share"].tolist() == pytest.approx([12 / 40, 20 / 40])


def test_shares_of_a_few_customers_or_of_all_but_a_few_are_not_said():
    # of 25: 9 borderline with 2, 16 next to 3; 16 is shown, and 9 of 25 is not
    assigned = pd.DataFrame(
        {
            "segment_id": [1] * 25,
            "second_id": [2] * 9 + [3] * 16,
            "borderline": [True] * 9 + [False] * 16,
        }
    )
    found = profiles.neighbours(assigned).set_index("other_id")
    assert found.loc[2, ["next_share", "either_share"]].isna().all()
    # 16 next to 3 would give the 9 away
    assert found.loc[3, ["next_share", "either_share"]].isna().all()
    assert len(profiles.neighbours(assigned[:9])) == 1


def test_a_loss_or_nothing_has_no_shares():
    assigned = pd.DataFrame(
        {
            **{"customer_id": list("abcdef"), "segment_id": [1] * 3 + [2] * 3},
            **{"borderline": False, "value_tier": "high", "activity": "active"},
            "deal_proneness": "low",
        }
    )
    sales = [-3.0, -3, 0, 1, 1, 0]
    features = pd.DataFrame({"customer_id": list("abcdef"), "sales": sales})
    found = profiles.summarise(features, assigned, seed=1)
    assert found["share_sales"].isna().all()
    assert found["sales_per_customer"].tolist() == [-2.0, 2 / 3]


def test_sales_of_a_segment_that_one_customer_dominates_are_missing():
    assigned = pd.DataFrame(
        {
            **{"customer_id": list("abcdefgh"), "segment_id": [1, 1, 1, 2, 2, 3, 3, 3]},
            **{"borderline": False, "value_tier": "high", "activity": "active"},
            "deal_proneness": "low",
        }
    )
    # 60 of 100; then 20 and 20, which go with it or the total of 240 tells; then 100
    sales = [60.0, 20, 20, 20, 20, 40, 40, 20]
    features = pd.DataFrame({"customer_id": list("abcdefgh"), "sales": sales})
    found = profiles.summarise(features, assigned, seed=1)
    money = ["sales", "share_sales", "sales_per_customer", "low", "high"]
    assert found[money].isna().all(axis=1).tolist() == [True, True, False]
    assert found["customers"].tolist() == [3, 2, 3]


def test_one_segment_alone_is_confused_with_none():
    alone = pd.DataFrame({"segment_id": [1] * 20, "second_id": 1, "borderline": True})
    assert profiles.neighbours(alone).empty


def test_features_that_do_not_differ_or_follow_from_others_are_not_compared():
    table = pd.DataFrame({"customer_id": ["a", "b"], "share_tea": [0.2, 0.3]})
    table = table.assign(share_milk=0.5, deal_index=[1.0, 2.0], orders=[3, 4])
    assert profiles.comparable(table) == ["share_tea", "orders"]


SIZES = pd.DataFrame(
    {
        "segment_id": [1, 2, 0],
        "name": ["Tea", "Milk", "Too little data"],
        "sales": [50.0, 20.0, 10.0],
        "share_sales": [0.5, 0.2, 0.1],
    }
)


def test_the_largest_segment_is_compared_with_too_little_data_as_well():
    shown, first = profiles.largest(SIZES)
    assert len(shown) == 3
    assert first == {"share": 0.5, "name": "Tea", "whole": True}
    rest = SIZES.assign(share_sales=[0.1, 0.2, 0.7])
    assert profiles.largest(rest)[1] == {"share": 0.2, "name": "Milk", "whole": False}


def test_no_segment_is_the_largest_where_none_may_be_shown():
    with pytest.raises(errors.TooLittle, match="No segment"):
        profiles.largest(SIZES.assign(sales=[None, None, 10.0]))


PROFILE = pd.DataFrame(
    {
        "segment_id": [1, 1, 1, 2, 2, 2],
        "feature": ["share_tea", "share_milk", "orders"] * 2,
        "unit": ["share", "share", ""] * 2,
        "value": [0.4, 0.1, 3.0, 0.1, 0.3, 5.0],
        "overall": [0.2, 0.2, 4.0, 0.2, 0.2, 4.0],
        "index": [200.0, 50.0, 75.0, 50.0, 150.0, 125.0],
        "marker": [True, False, False, False, True, False],
        "used_to_build": [True, True, False] * 2,
    }
)


def test_the_heat_map_holds_what_built_the_segments_the_farthest_first():
    index, bold = profiles.heat(PROFILE)
    assert index.index.tolist() == ["share_tea", "share_milk"]
    assert index.loc["share_tea"].tolist() == [200, 50]
    assert bold.loc["share_milk"].tolist() == [False, True]
    named = index.rename(columns={1: "Tea", 2: "Milk"})
    assert profiles.farthest(named) == {
        "feature": "share_tea",
        "name": "Tea",
        "index": 200,
    }
    assert profiles.farthest(named * np.nan) == {"index": None}


def test_a_profile_is_drawn_of_shares_alone_markers_first():
    effects = PROFILE[["segment_id", "feature"]].assign(effect=[1, -2, 0, -2, 1, 0])
    found = profiles.most_apart(PROFILE, effects, most=1)
    assert found["feature"].tolist() == ["share_tea", "share_milk"]
    assert profiles.most_apart(PROFILE, effects, most=2).iloc[-1]["gap"] < 0
    mixed = PROFILE.assign(used_to_build=True)
    with pytest.raises(errors.TooLittle, match="units"):
        profiles.most_apart(mixed, effects, most=1)


def test_planes_hold_three_segments_apart_and_fewer_have_none():
    rng = np.random.default_rng(1)
    ids = pd.Series(np.repeat([1, 2, 3], 20))
    scores = pd.DataFrame(rng.normal(size=(60, 4)))
    scores[0] += 9 * (ids == 1)
    scores[1] += 9 * (ids == 2)
    [(title, plane)] = profiles.planes(scores, ids).items()
    assert title == "Directions 1 and 2"
    centres = plane.groupby("segment_id")[["x", "y"]].mean().to_numpy()
    apart = np.linalg.norm(centres[:, None] - centres, axis=2)
    assert apart[np.triu_indices(3, 1)].min() > 5
    with pytest.raises(errors.TooLittle, match="three segments"):
        profiles.planes(scores[:49], ids[:49])


def test_customers_are_typical_between_or_borderline():
    assigned = pd.DataFrame(
        {
            "customer_id": list("abcde"),
            "segment_id": [1, 1, 1, 1, 0],
            "distance_ratio": [0.7, 0.76, 0.8, 0.95, np.nan],
            "borderline": [False, False, False, True, False],
            "membership": [0.9, 0.6, 0.5, 0.5, np.nan],
        }
    )
    table = pd.DataFrame({"customer_id": list("abcde"), "sales": [1.0, 2, 4, 8, 16]})
    found = profiles.by_position(table, assigned)
    assert found["position"].tolist() == ["typical", "between", "borderline"]
    assert found["customers"].tolist() == [1, 2, 1]
    assert found["sales"].tolist() == [1, 3, 8]
    assert found["largest"].tolist() == [1, 4 / 6, 1]
    assert found["need_variety"].isna().all()
