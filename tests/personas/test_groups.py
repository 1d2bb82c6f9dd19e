"""Groups of made customers: what may be shown is counted, the rest is withheld."""

import attacks
import numpy as np
import pandas as pd
import pytest

from helpers.disclosure import cube
from helpers.personas import groups


class Toy:
    """Stand in for a model of two segments, or of none."""

    first, last = "2024-01-01", "2024-01-31"

    def __init__(self, segments=2, deals=True):
        self.centres = [[0.0]] * segments
        self.deal_parts = {"discount_depth": {}} if deals else {}

    def name(self, segment_id):
        return ("Too little data", "Tea", "Milk")[segment_id]


def made(model=None, customers=120):
    """Give customers by turns in Tea and Milk; every fourth is high, 12 are slowing."""
    number = np.arange(customers)
    ids = [f"c{i}" for i in number]
    assigned = pd.DataFrame(
        {
            "customer_id": ids,
            "segment_id": number % 2 + 1,
            "value_tier": np.where(number % 4 == 0, "high", "low"),
            "activity": np.where(number < 12, "slowing", "active"),
            "deal_proneness": "low",
        }
    )
    tables = {
        "features": pd.DataFrame({"customer_id": ids, "sales": 2.0}),
        "outcomes": pd.DataFrame({"customer_id": ids[:90], "holdout_sales": 1.0}),
        "customers": pd.DataFrame(
            {"customer_id": ids[:80], "home": ["own", "rent"] * 40}
        ),
    }
    return groups.build(
        assigned,
        tables,
        model=model or Toy(),
        attributes=["home"],
        max_groups=1000,
    )


@pytest.fixture(scope="module")
def found():
    return made()


def test_levels_are_those_that_somebody_has_in_their_order(found):
    assert found.levels("needs") == ["Tea", "Milk"]
    assert found.levels("value_tier") == ["high", "low"]
    assert found.levels("activity") == ["active", "slowing"]
    assert found.levels("home") == ["own", "rent", cube.UNKNOWN]
    assert found.people["holdout_sales"].sum() == 90


def test_readings_that_say_nothing_are_no_dimensions():
    bare = made(Toy(segments=0, deals=False))
    assert bare.cube.dimensions == ["value_tier", "activity", "home"]
    assert bare.high("deal_proneness") == {}


def test_customers_are_counted_by_two_readings_and_small_cells_withheld(found):
    grid = found.crossed("needs", "value_tier")
    assert grid.index.name == "segment"
    assert grid.loc["Tea"].tolist() == [30, 30]
    assert grid.loc["Milk", "low"] == 60 and grid.loc["Milk", "high"] == "withheld"
    assert (found.crossed("needs", "activity")["slowing"] == "withheld").all()


def test_no_small_group_can_be_worked_out(found):
    asked = {
        name: getattr(found.cube, name) for name in ("dimensions", "most", "apart")
    }
    assert attacks.audit(found.people, found.cube.views, **asked).empty


def test_what_must_not_be_shown_has_no_sales_and_no_size(found):
    assert found.hidden("activity") == {"active": False, "slowing": False}
    assert found.sold({"activity": "slowing"}) == 12
    assert found.sold({"needs": "Tea", "activity": "slowing"}) is None
    assert found.sizes("value_tier")["customers"].tolist() == [30, 90]
    assert found.sizes("value_tier")["share_sales"].tolist() == [0.25, 0.75]


def test_worth_keeps_the_order_and_hidden_levels_are_withheld(found, monkeypatch):
    worth = found.worth("value_tier", seed=1)
    assert worth.index.tolist() == ["high", "low"]
    assert worth["holdout_sales"].sum() == 90
    shown = found.withheld(worth, "value_tier")
    assert "holdout_sales" not in shown and (shown != "withheld").all(axis=None)
    hidden = {"high": True, "low": False}
    monkeypatch.setattr(groups.Groups, "hidden", lambda self, name: hidden)
    assert (found.withheld(worth, "value_tier").loc["high"] == "withheld").all()


def test_unknown_attributes_are_missing(found):
    assert found.known["home"].isna().sum() == 40
    assert found.known["home"].value_counts().to_dict() == {"own": 40, "rent": 40}


def test_the_dashboard_learns_dimensions_limits_and_days(found):
    about = found.described(model=Toy(), until="2024-02-10")
    assert [one["label"] for one in about["dimensions"]] == [
        *("Needs segment", "Value tier", "Activity", "Deal proneness", "Home"),
    ]
    assert [one["attribute"] for one in about["dimensions"]] == [*[False] * 4, True]
    assert about["days"] == {"sales": 31, "holdout_sales": 10}
    assert (about["below"], about["later_until"]) == (10, "2024-02-10")
