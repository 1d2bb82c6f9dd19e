"""What the dashboard explores: its script's data, on groups counted by hand."""

import json

import pandas as pd
import pytest

from helpers.report import dashboard

DAYS = {"sales": 200, "holdout_sales": 100}
DESCRIBED = {
    "dimensions": [
        {"name": "needs", "levels": ["Tea", "Milk"]},
        {"name": "value_tier", "levels": ["high", "middle", "low"]},
    ],
    "days": DAYS,
    "apart": [["needs", "value_tier"]],
    "most": 2,
    "below": 10,
}
VIEWS = pd.DataFrame(
    [
        ("", "", "", "", 100, 1000.0, 600.0),
        ("needs", "Tea", "", "", 60, 0.0, 90.0),
        ("needs", "Milk", "value_tier", "low", 12, 200.4, 20.0),
        ("needs", "Tea", "value_tier", "middle", 48, 300.0, 100.0),
    ],
    columns=[
        *("by_1", "level_1", "by_2", "level_2"),
        *("customers", "sales", "holdout_sales"),
    ],
)
GROUPS = dashboard.lookup(VIEWS)


def test_figures_of_a_group_stand_beside_everyone():
    found = dashboard.figures(
        GROUPS, {"value_tier": "middle", "needs": "Tea"}, days=DAYS
    )
    # 100 in 100 days is 1 a day, 300 in 200 days is 1.5 a day
    assert found == {
        "customers": 48,
        "sales": 300.0,
        "holdout_sales": 100.0,
        "share_customers": 0.48,
        "share_sales": 0.3,
        "sales_per_customer": 6.25,
        "trend": pytest.approx(-1 / 3),
    }


def test_a_group_without_sales_has_no_trend_and_a_withheld_one_nothing():
    assert dashboard.figures(GROUPS, {"needs": "Tea"}, days=DAYS)["trend"] is None
    assert dashboard.figures(GROUPS, {"needs": "Milk"}, days=DAYS) is None


def test_a_withheld_segment_loses_its_interval_too():
    summary = pd.DataFrame(
        {"segment_id": [1, 2], "name": ["Tea", "Milk"], "low": 1.0, "high": 2.0}
    )
    tea, milk = dashboard.segments(summary, GROUPS, days=DAYS)
    assert (tea["shown"]["customers"], tea["low"]) == (60, 1.0)
    assert (milk["shown"], milk["low"], milk["high"]) == (None, None, None)


def test_the_matrix_is_shaded_by_its_largest_cell():
    found = dashboard.matrix(DESCRIBED, GROUPS, {"Tea": "#123456"})
    assert found["tiers"] == ["high", "middle", "low"]
    tea, milk = found["rows"]
    assert tea["colour"] == "#123456"
    assert [cell and cell["shade"] for cell in tea["cells"]] == [None, 1.0, None]
    assert [cell and cell["shade"] for cell in milk["cells"]] == [None, None, 0.25]


def test_a_run_without_value_tiers_has_no_matrix():
    only = DESCRIBED | {"dimensions": DESCRIBED["dimensions"][:1]}
    assert dashboard.matrix(only, GROUPS, {}) == {}


def test_groups_are_laid_out_level_by_level_and_withheld_ones_are_zero():
    rows = [{"segment_id": 1, "name": "Tea", "colour": "#1", "action": "left out"}]
    found = dashboard.script_data(DESCRIBED, VIEWS, rows=rows, features=[], symbol="$")
    assert found["tables"] == {
        "": [[100], [1000], [600]],
        "0": [[60, 0], [0], [90]],
        "0,1": [[0, 48, 0, 0, 0, 12], [300, 200], [100, 20]],
    }
    assert found["apart"] == [[0, 1]]
    assert found["segments"] == [{"id": 1, "name": "Tea", "colour": "#1"}]


def test_features_gather_the_values_of_every_segment():
    table = pd.DataFrame(
        {
            "segment_id": [1, 2],
            "feature": "visits",
            "label": "Visits",
            "family": "habits",
            "unit": "days",
            "value": [1.23456, None],
            "low": [1.0, None],
            "high": [2.0, None],
            "overall": 1.5,
            "marker": [True, False],
        }
    )
    (found,) = dashboard.profile(table)
    assert found["segments"] == {
        "1": [1.235, 1.0, 2.0, True],
        "2": [None, None, None, False],
    }
    assert (found["label"], found["overall"]) == ("Visits", 1.5)


def test_embedded_data_hold_no_markup_and_read_back_the_same():
    content = {"name": "</script><script>alert(1)</script>"}
    text = dashboard.embedded(content)
    assert "<" not in text
    assert json.loads(text) == content


def test_without_a_later_window_there_is_no_trend():
    found = dashboard.figures(
        GROUPS,
        {"needs": "Tea"} | {"value_tier": "middle"},
        days=DAYS | {"holdout_sales": 0},
    )
    assert found["trend"] is None


LEVELS = pd.DataFrame(
    [
        ("", "", "", "", 100, 1000.0, 500.0),
        ("value_tier", "high", "", "", 20, 600.0, 200.0),
        ("value_tier", "high", "activity", "active", 12, 500.0, 100.0),
    ],
    columns=VIEWS.columns,
)
VALUE = {
    "dimensions": [
        {"name": "value_tier", "label": "Value tier", "levels": ["high", "low"]},
        {"name": "activity", "label": "Activity", "levels": ["active", "lapsed"]},
    ],
    "days": DAYS,
}


def test_each_level_of_a_dimension_stands_with_its_part_of_later_sales():
    found = dashboard.levels(VALUE, dashboard.lookup(LEVELS), "value_tier")
    high, low = found["rows"]
    assert found["label"] == "Value tier"
    assert (high["shown"]["customers"], high["shown"]["share_later"]) == (20, 0.4)
    assert low == {"level": "low", "shown": None}
    assert dashboard.levels(VALUE, dashboard.lookup(LEVELS), "needs") == {}


def test_levels_have_no_part_of_later_sales_that_were_nothing():
    nothing = dashboard.lookup(LEVELS.assign(holdout_sales=0.0))
    found = dashboard.levels(VALUE, nothing, "value_tier")
    assert found["rows"][0]["shown"]["share_later"] is None


def test_without_needs_activity_is_crossed_with_value():
    groups = dashboard.lookup(LEVELS)
    assert dashboard.matrix(VALUE, groups, {}) == {}
    found = dashboard.matrix(VALUE, groups, {}, rows="activity")
    active, lapsed = found["rows"]
    assert active["cells"][0]["customers"] == 12 and active["colour"] == ""
    assert lapsed["cells"] == [None, None]


# A customer table knows no later window, and perhaps no value.
TABLE = {
    "dimensions": [
        {"name": "age", "label": "Age", "attribute": True, "levels": ["young", "old"]},
        {"name": "value_tier", "label": "Tier", "attribute": False, "levels": ["high"]},
    ],
    "days": {},
    "value": "yearly spend",
    "apart": [],
    "most": 2,
    "below": 10,
}


def test_without_a_later_window_there_is_a_value_and_no_trend():
    groups = dashboard.lookup(LEVELS.drop(columns="holdout_sales"))
    found = dashboard.figures(groups, {"value_tier": "high"}, days={})
    assert (found["sales_per_customer"], found["share_sales"]) == (30.0, 0.6)
    assert found["trend"] is None


def test_without_a_value_only_customers_are_counted():
    groups = dashboard.lookup(LEVELS.drop(columns=["sales", "holdout_sales"]))
    found = dashboard.figures(groups, {"value_tier": "high"}, days={})
    assert found["share_customers"] == 0.2
    assert found["sales_per_customer"] is None and found["share_sales"] is None


def test_attributes_carry_a_page_without_needs_and_activity():
    assert dashboard.crossed_by(TABLE) == "age"
    assert dashboard.crossed_by(DESCRIBED) == "needs"
    assert dashboard.crossed_by(TABLE | {"dimensions": []}) == ""


def test_the_script_learns_what_is_summed_up():
    views = LEVELS.drop(columns="holdout_sales").iloc[:2]
    data = dashboard.script_data(TABLE, views, rows=[], features=[], symbol="€")
    assert (data["value"], data["rows"], data["days"]) == (
        "yearly spend",
        "age",
        [0, 0],
    )
    assert data["tables"]["1"] == [[20], [600]]
    bare = dashboard.script_data(
        TABLE | {"value": ""},
        views.drop(columns="sales"),
        rows=[],
        features=[],
        symbol="",
    )
    assert bare["tables"]["1"] == [[20]] and bare["value"] == ""


@pytest.mark.parametrize(("note", "each"), [("", True), ("weights count", False)])
def test_no_mean_is_told_that_weights_or_gaps_would_change(note, each):
    views = LEVELS.drop(columns="holdout_sales").iloc[:2]
    told = TABLE | {"note": note}
    data = dashboard.script_data(told, views, rows=[], features=[], symbol="€")
    assert data["each"] == each
