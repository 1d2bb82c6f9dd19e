"""Descriptions of segments, against formulas, loops and a plain bootstrap."""

from itertools import pairwise
from math import log, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import features, personas, schema

ASSIGNED = pd.DataFrame(
    {
        "customer_id": list("abcdefgh"),
        "segment_id": [2, 1, 2, 1, 1, 0, 2, 2],
        "second_id": [1, 2, 1, 2, 2, 0, 1, 1],
        "borderline": [True, False, False, True, False, False, True, True],
        "value_tier": ["high", "low", "high", "high", "low", "low", "low", "middle"],
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
    table = personas.summarise(FEATURES, ASSIGNED, seed=1).set_index("segment_id")
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


def test_the_interval_of_sales_is_that_of_a_bootstrap_inside_the_segment():
    rng = np.random.default_rng(2)
    sales = rng.gamma(2, 100, 200)
    sold = pd.DataFrame({"customer_id": range(200), "sales": sales})
    assigned = sold[["customer_id"]].assign(
        segment_id=np.arange(200) % 2 + 1, borderline=False, value_tier="", activity=""
    )
    table = personas.summarise(sold, assigned, seed=1, resamples=4000)
    for row in table.itertuples():
        own = sales[np.arange(200) % 2 + 1 == row.segment_id]
        drawn = [np.mean(rng.choice(own, 100)) for _ in range(4000)]
        expected = np.quantile(drawn, [0.025, 0.975])
        # a quantile of 4,000 draws errs by about 1 where the interval is 56 wide
        assert [row.low, row.high] == pytest.approx(expected, abs=3)
    again = personas.summarise(sold, assigned, seed=1, resamples=4000)
    pd.testing.assert_frame_equal(again, table, check_exact=True)


def test_a_customer_without_a_segment_is_noticed():
    with pytest.raises(AssertionError, match="no segment"):
        personas.summarise(FEATURES, ASSIGNED[:7], seed=1)


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
    return personas.differences(
        table, ids, columns=columns, built_from=["wants"], seed=3, **settings
    )


# half of the customers may be missing from a resample of six
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
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


def test_the_interval_of_the_index_is_that_of_a_bootstrap_of_all_customers():
    table, ids = people()
    found = compare(table, ids, resamples=4000).set_index(["segment_id", "feature"])
    rng = np.random.default_rng(11)
    for feature in ("new", "old"):
        drawn = []
        for _ in range(4000):
            rows = rng.integers(0, len(table), len(table))
            values, segment = table[feature].to_numpy()[rows], ids.to_numpy()[rows]
            average = np.nanmean(values)
            drawn.append(
                [100 * np.nanmean(values[segment == s]) / average for s in (1, 2, 3)]
            )
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        # intervals are 20 to 35 wide; a quantile of 4,000 draws errs by about 0.4
        for segment_id in (1, 2, 3):
            row = found.loc[(segment_id, feature)]
            assert row["low"] == pytest.approx(low[segment_id - 1], abs=1.5)
            assert row["high"] == pytest.approx(high[segment_id - 1], abs=1.5)
            assert row["low"] < row["index"] < row["high"]


def test_q_is_benjamini_hochberg_over_what_did_not_build_the_segments():
    table, ids = people()
    found = compare(table, ids)
    assert found["used_to_build"].tolist() == [True] * 3 + [False] * 9
    assert found.loc[found["used_to_build"], "q"].isna().all()
    tested = found[~found["used_to_build"]]
    p = []
    for row in tested.itertuples():
        values = table[row.feature]
        own = values[(ids == row.segment_id) & values.notna()]
        rest = values[(ids != row.segment_id) & values.notna()]
        a, b = own.var() / len(own), rest.var() / len(rest)
        freedom = (a + b) ** 2 / (a**2 / (len(own) - 1) + b**2 / (len(rest) - 1))
        t = (own.mean() - rest.mean()) / sqrt(a + b)
        p.append(2 * stats.t.sf(abs(t), freedom))
    # from the largest down: the least of p x 9 / rank so far
    by_size = sorted(range(9), key=lambda i: p[i])
    expected, least = [0.0] * 9, 1.0
    for rank in range(9, 0, -1):
        i = by_size[rank - 1]
        least = min(least, p[i] * 9 / rank)
        expected[i] = least
    assert tested["q"].tolist() == pytest.approx(expected)
    assert (tested["q"] > 0.05).any() and (tested["q"] < 0.001).any()


def test_a_feature_without_a_ratio_scale_has_an_effect_but_no_index():
    table, ids = people()
    found = compare(table, ids).set_index("feature")
    assert table["trend"].min() < 0
    assert found.loc["trend", ["index", "low", "high"]].isna().all(axis=None)
    assert found.loc["trend", ["effect", "q"]].notna().all(axis=None)
    assert found.loc[["wants", "new", "old"], "index"].notna().all()


@pytest.mark.filterwarnings("error")
def test_a_feature_in_which_nobody_differs_leaves_the_others_as_they_are():
    table, ids = people()
    table["fuel"] = 0.0
    with_fuel = compare(table, ids, [*COLUMNS, "fuel"]).set_index("feature")
    assert with_fuel.loc["fuel", ["index", "effect", "q"]].isna().all(axis=None)
    without = compare(table, ids).set_index("feature")
    pd.testing.assert_frame_equal(with_fuel.drop("fuel"), without)


def test_the_order_of_customers_does_not_matter_but_for_the_draws():
    table, ids = people()
    order = np.random.default_rng(1).permutation(len(table))
    mixed = compare(table.iloc[order], ids.iloc[order])
    exact = ["mean", "average", "index", "effect", "q"]
    pd.testing.assert_frame_equal(mixed[exact], compare(table, ids)[exact])


THEMES = {
    "Garden": personas.Theme(("seeds", "tools"), "", "", ""),
    "Kitchen": personas.Theme(("pans",), "", "", ""),
    "Bath": personas.Theme(("soap",), "", "", ""),
}


def effects(rows):
    """Give differences with the effects of seeds, tools, pans and soap by segment."""
    needs = ["seeds", "tools", "pans", "soap"]
    return pd.DataFrame(
        {"segment_id": i, "feature": f"share_{need}", "effect": effect}
        for i, values in rows.items()
        for need, effect in zip(needs, values, strict=True)
    )


def draw(rows):
    return personas.draw_themes(effects(rows), themes=THEMES)


def test_a_segment_gets_the_theme_it_exceeds_in_by_the_mean_of_its_needs():
    # pans 0.5 beat seeds and tools, 0.4 on average, though seeds alone are 0.9
    drawn = draw({1: [0.9, -0.1, 0.5, 0.1], 2: [0, 0, 0.1, 0.3]})
    assert drawn == {1: "Kitchen", 2: "Bath"}


def test_the_segment_that_stands_out_most_chooses_first():
    # both like pans best; the second by more, so the first takes its next best
    rows = {1: [0.1, 0.1, 0.8, 0.4], 2: [0, 0, 1.5, 1.0]}
    assert draw(rows) == {1: "Bath", 2: "Kitchen"}


def test_more_segments_than_themes_begin_the_list_anew():
    rows = {
        1: [0, 0, 2.0, 0],
        2: [0, 0, 1.5, 1.0],
        3: [0.3, 0.3, 1.0, 0],
        4: [0, 0, 0.5, 0.2],
    }
    drawn = draw(rows)
    assert drawn == {1: "Kitchen", 2: "Bath", 3: "Garden", 4: "Kitchen"}
    named = personas.names(drawn, overrides={})
    assert named == {"1": "Kitchen", "2": "Bath", "3": "Garden", "4": "Kitchen 2"}


def test_names_stay_when_effects_move_a_little_or_rows_change_places():
    rows = {1: [1.2, 0.9, 0.1, 0.0], 2: [0, 0, 0.7, 0.3], 3: [-0.5, 0, 0.2, 0.6]}
    calm = draw(rows)
    assert calm == {1: "Garden", 2: "Kitchen", 3: "Bath"}
    rng = np.random.default_rng(1)
    for _ in range(20):
        moved = {i: np.add(v, rng.uniform(-0.1, 0.1, 4)) for i, v in rows.items()}
        assert draw(moved) == calm
    mixed = effects(rows).sample(frac=1, random_state=1)
    assert personas.draw_themes(mixed, themes=THEMES) == calm


def test_every_need_of_a_theme_is_a_feature_and_belongs_to_one_theme():
    needs = [need for theme in personas.THEMES.values() for need in theme.needs]
    assert len(needs) == len(set(needs))
    assert set(needs) <= set(features.NEEDS)


DRAWN = {1: "Garden", 2: "Kitchen", 3: "Garden"}


def test_a_person_may_name_a_segment():
    named = personas.names(DRAWN, overrides={"2": "Cooks"})
    assert named == {"1": "Garden", "2": "Cooks", "3": "Garden 2"}


def test_a_name_for_no_segment_is_refused():
    with pytest.raises(schema.BadInput, match=r"names segment 4, but .* 1, 2, 3"):
        personas.names(DRAWN, overrides={"4": "Cooks"})


@pytest.mark.parametrize(
    "overrides", [{"1": "Cooks", "2": "Cooks"}, {"1": "Kitchen"}, {"2": "Garden 2"}]
)
def test_two_segments_of_one_name_are_refused(overrides):
    with pytest.raises(schema.BadInput, match="two segments would be called"):
        personas.names(DRAWN, overrides=overrides)


CUSTOMERS = pd.DataFrame(
    {
        "customer_id": list("abcdefgh"),
        "age": ["old", "young", None, "old", "old", "old", "young", None],
        "home": [None] * 6 + ["own", "rent"],
    }
)


def wilson(count, n):
    z = stats.norm.ppf(0.975)
    share = count / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return [middle - half, middle + half]


def test_attributes_are_shares_of_those_known_with_wilson_intervals():
    assigned = ASSIGNED[ASSIGNED["segment_id"] > 0]
    found = personas.attribute_shares(
        CUSTOMERS, assigned, attributes=["age", "home"]
    ).set_index(["attribute", "segment_id", "level"])
    # age: segment 1 is b young, d old, e old; segment 2 is a old, g young
    expected = {
        ("age", 1, "old"): (3, 2, 3 / 5),
        ("age", 1, "young"): (3, 1, 2 / 5),
        ("age", 2, "old"): (2, 1, 3 / 5),
        ("age", 2, "young"): (2, 1, 2 / 5),
        ("home", 2, "own"): (2, 1, 1 / 2),
        ("home", 2, "rent"): (2, 1, 1 / 2),
    }
    assert set(found.index) == set(expected)
    for key, (known, count, everyone) in expected.items():
        row = found.loc[key]
        assert (row["known"], row["count"]) == (known, count)
        assert row["share"] == pytest.approx(count / known)
        assert [row["low"], row["high"]] == pytest.approx(wilson(count, known))
        assert row["everyone"] == pytest.approx(everyone)


def test_a_level_that_nobody_in_a_segment_has_is_listed_with_its_interval():
    customers = CUSTOMERS.assign(
        age=["old", "young", "old", *["young"] * 3, *["old"] * 2]
    )
    assigned = ASSIGNED[ASSIGNED["segment_id"] > 0]
    found = personas.attribute_shares(customers, assigned, attributes=["age"])
    row = found.set_index(["segment_id", "level"]).loc[(1, "old")]
    assert (row["count"], row["share"], row["known"]) == (0, 0, 3)
    assert [row["low"], row["high"]] == pytest.approx(wilson(0, 3))
    assert found.groupby("segment_id")["share"].sum().tolist() == [1, 1]


def slow_cramer(counts):
    """Follow Bergsma (2013) cell by cell."""
    n = sum(map(sum, counts))
    rows, columns = (
        [sum(r) for r in counts],
        [sum(c) for c in zip(*counts, strict=True)],
    )
    chi2 = sum(
        (counts[i][j] - rows[i] * columns[j] / n) ** 2 / (rows[i] * columns[j] / n)
        for i in range(len(rows))
        for j in range(len(columns))
    )
    r, c = len(rows), len(columns)
    phi2 = max(0, chi2 / n - (r - 1) * (c - 1) / (n - 1))
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1))
    return sqrt(phi2 / (smaller - 1))


@pytest.mark.parametrize(
    "counts", [[[30, 10], [10, 30]], [[5, 9, 20], [14, 8, 3]], [[8, 1], [7, 5], [2, 9]]]
)
def test_cramers_v_is_corrected_for_bias(counts):
    found = personas.cramers_v(np.array(counts))
    assert found == pytest.approx(slow_cramer(counts))
    assert found < stats.contingency.association(np.array(counts))


def test_cramers_v_is_nought_for_chance_and_near_one_for_a_perfect_match():
    assert personas.cramers_v(np.array([[10, 10], [10, 10]])) == 0
    assert personas.cramers_v(np.array([[50, 0], [0, 50]])) == pytest.approx(
        1, abs=0.01
    )


def test_association_leaves_out_the_unknown():
    n = 120
    rng = np.random.default_rng(1)
    assigned = pd.DataFrame({"customer_id": range(n), "segment_id": np.arange(n) % 3})
    age = pd.Series(np.where(np.arange(n) % 3 == 0, "old", "young"))
    customers = assigned[["customer_id"]].assign(
        age=age.mask(np.arange(n) < 30), home=rng.choice(["own", "rent"], n)
    )
    found = personas.association(customers, assigned, attributes=["age", "home"])
    assert found["known"].tolist() == [90, 120]
    assert found["cramers_v"].iloc[0] == pytest.approx(
        slow_cramer([[30, 0, 0], [0, 30, 30]])
    )
    counts = [
        [
            sum((customers["home"] == home) & (assigned["segment_id"] == s))
            for s in range(3)
        ]
        for home in ("own", "rent")
    ]
    assert found["cramers_v"].iloc[1] == pytest.approx(slow_cramer(counts))
    # p from the likelihood ratio, another test of the same, is near
    expected = np.outer(np.sum(counts, axis=1), np.sum(counts, axis=0)) / n
    ratio = 2 * sum(
        o * log(o / e) for o, e in zip(np.ravel(counts), expected.ravel(), strict=True)
    )
    assert found["p"].iloc[1] == pytest.approx(stats.chi2.sf(ratio, 2), abs=0.01)
    assert found["p"].iloc[0] < 1e-9


def test_coverage_rises_over_fifths_of_sales():
    sales = [70.0, 10.0, np.nan, 30.0, 20.0, 60.0, 40.0, 90.0, 80.0, 50.0]
    sold = pd.DataFrame({"customer_id": list("abcdefghij"), "sales": sales})
    # sorted: c (none), b, e, d, g, j, f, a, i, h
    customers = pd.DataFrame(
        {"customer_id": list("jihgfedcba"), "has_demographics": list("0110100001")}
    ).assign(has_demographics=lambda t: t["has_demographics"] == "1")
    table = personas.coverage_by_value(customers, sold)
    assert table["fifth"].tolist() == [1, 2, 3, 4, 5]
    assert table["customers"].tolist() == [2] * 5
    assert table["median_sales"].tolist() == [10, 25, 45, 65, 85]
    # known: i, h, f, a
    assert table["coverage"].tolist() == [0, 0, 0, 1, 1]


def test_neighbours_are_the_segments_that_most_often_come_second():
    assigned = pd.DataFrame(
        {
            "segment_id": [1] * 5 + [2] * 2 + [3, 0],
            "second_id": [3, 3, 3, 2, 4, 1, 1, 2, 0],
        }
    )
    found = personas.neighbours(assigned).set_index("segment_id")
    assert found.loc[1].tolist() == pytest.approx([3, 0.6, 2, 0.2])
    # all customers of 2 are next to 1: there is no second neighbour, and never 2 itself
    assert found.loc[2].tolist() == [1, 1, 1, 1]
    assert found.index.tolist() == [1, 2, 3]


def test_confidence_follows_the_steps_of_the_rule_of_thumb():
    values = [1, 0.85, 0.849, 0.75, 0.749, 0.6, 0.599, np.nan]
    words = ["high", "high", "good", "good", "fair", "fair", "low", "not measured"]
    assert [personas.confidence(value) for value in values] == words
    assert all(a >= b for a, b in pairwise(values[:-1]))


def test_what_customers_without_clusters_reach_too_gives_no_confidence():
    assert personas.confidence(0.9, reference=0.89) == "high"
    assert personas.confidence(0.9, reference=0.9) == "low"


def test_a_segment_that_stands_out_nowhere_has_a_mixed_basket():
    rows = [
        {"segment_id": 1, "feature": f"share_{need}", "effect": 0.19}
        for theme in personas.THEMES.values()
        for need in theme.needs
    ]
    rows += [row | {"segment_id": 2, "effect": 0.2} for row in rows]
    drawn = personas.draw_themes(pd.DataFrame(rows))
    assert drawn[1] == personas.MIXED and drawn[2] != personas.MIXED


def marks(**change):
    row = {
        "feature": "share_pet_care",
        "index": 211.6,
        "low": 180.2,
        "high": 249.7,
        "effect": 0.7,
    }
    return pd.DataFrame([row | change])


def test_differences_are_said_with_index_and_interval():
    said = personas.say_indices(pd.concat([marks(), marks(feature="stores", index=90)]))
    assert (
        said == "Index to average: pet care 212 (180 to 250), stores 90 (180 to 250)."
    )
    assert personas.say_indices(marks()[:0]) == "Nothing beyond what it was built from."
    trend = marks(feature="trend", index=np.nan, low=np.nan, high=np.nan, effect=-0.4)
    assert "trend below average" in personas.say_indices(trend)


def test_attributes_are_never_said_without_their_coverage():
    rows = pd.DataFrame(
        [
            {
                "attribute": "household_size",
                "level": "5+",
                "share": 0.25,
                "low": 0.2,
                "high": 0.31,
                "everyone": 0.1,
            }
        ]
    )
    said = personas.say_attributes(rows, coverage=0.4)
    assert "Household size 5+: 25% (20% to 31%; all known 10%)" in said
    for shown in (rows, rows[:0]):
        assert "Known for 40% of the segment" in personas.say_attributes(
            shown, coverage=0.4
        )


def answered(neighbours):
    row = pd.Series(
        {
            "customers": 1234,
            "share_customers": 0.25,
            "share_sales": 0.5,
            "sales_per_customer": 987.6,
            "low": 900.4,
            "high": 1100.0,
            "high_value_share": 0.3,
            "recovery": 0.8,
            "recovery_low": 0.41,
            "recovery_high": 0.9,
            "reference": 0.61,
            "reference_high": 0.7,
            "borderline_share": 0.2,
        }
    )
    return personas.answers(
        row,
        theme=personas.THEMES["Baby and toddler"],
        marks=marks(),
        facts=marks()[:0],
        attributes=pd.DataFrame(),
        coverage=0.4,
        neighbours=neighbours,
        symbol="€",
    )


def test_a_card_answers_with_size_interval_and_surety():
    found = answered(["Cooks", "Gardeners"])
    assert next(iter(found)) == "Who?" and len(found) == 7
    worth = found["How many, worth what?"]
    assert worth.startswith("1,234 customers (25%) with 50% of sales: €988 a customer")
    assert "95 % interval €900 to €1,100" in worth and "30% are of high value" in worth
    sure = found["How sure are we?"]
    assert "0.80 in resampled studies (0.41 to 0.90; customers without" in sure
    assert "reach 0.61, at most 0.70): good confidence." in sure
    assert sure.endswith("nearest to it: Cooks and Gardeners.")
    assert "not tested" in found["What to do?"]
    assert "diapers" in found["What to do?"]


def test_a_card_names_a_single_neighbour_once():
    sure = answered(["Cooks", "Cooks"])["How sure are we?"]
    assert sure.endswith("nearest to it: Cooks.")
