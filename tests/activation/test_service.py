"""Value tiers summed up by hand, and when they may be compared."""

import pandas as pd
import pytest

from helpers.activation import service
from helpers.core import store
from helpers.core.errors import TooLittle

PEOPLE = pd.DataFrame(
    {
        "customer_id": [f"c{i:02}" for i in range(40)],
        "value_tier": ["low"] * 28 + ["high"] * 12,
        "sales": [1.0] * 28 + [9.0] * 12,
        "orders": [1] * 28 + [4] * 12,
        "activity": ["lapsed"] * 7 + ["active"] * 21 + ["slowing"] * 3 + ["active"] * 9,
    }
)
OUTCOMES = PEOPLE[["customer_id"]].assign(holdout_sales=[0.0] * 28 + [6.0] * 12)


def test_tiers_stand_from_the_highest_with_their_shares():
    table = service.tiers(PEOPLE, OUTCOMES)
    assert table.index.tolist() == ["high", "low"]
    assert table["share_customers"].tolist() == [0.3, 0.7]
    assert table.loc["high", "share_sales"] == pytest.approx(108 / 136)
    assert table["late"].tolist() == [0.25, 0.25]
    assert table["holdout_sales"].tolist() == [6.0, 0.0]
    assert table.loc["high", "largest"] == pytest.approx(1 / 12)


def test_the_first_tier_is_compared_where_both_sides_may_be_told():
    table = service.tiers(PEOPLE, OUTCOMES)
    assert service.first(table, table).name == "high"
    hidden = table.assign(share_sales="withheld")
    with pytest.raises(TooLittle, match="high tier are withheld"):
        service.first(table, hidden)
    few = service.tiers(PEOPLE[:35], OUTCOMES)
    with pytest.raises(TooLittle, match="need ten customers each"):
        service.first(few, few)
    returned = service.tiers(PEOPLE.assign(sales=-1.0), OUTCOMES)
    with pytest.raises(TooLittle, match="training window are -40"):
        service.first(returned, returned)


def test_waits_are_hours_of_those_who_asked_inside_the_window(monkeypatch, tmp_path):
    asked = pd.DataFrame(
        {
            "customer_id": ["c00", "c01", "c30", "c31"],
            "minutes": [120.0, 240.0, 60.0, 600.0],
            "happened_at": pd.to_datetime(["2024-01-05"] * 3 + ["2024-03-01"]),
        }
    )
    window = {"first": "2024-01-01", "last": "2024-01-31", "alpha": 0.05}
    file = tmp_path / "interactions.parquet"
    monkeypatch.setattr(store, "path", lambda name, run: file)
    with pytest.raises(TooLittle, match="needs a table interactions"):
        service.waits(PEOPLE, run="trial", **window)
    file.touch()
    monkeypatch.setattr(store, "read", lambda name, run: asked)
    table = service.waits(PEOPLE, run="trial", **window)
    assert table.index.tolist() == ["high", "low"]
    assert table["rate"].tolist() == [1.0, 3.0]
    monkeypatch.setattr(store, "read", lambda name, run: asked.drop(columns="minutes"))
    with pytest.raises(TooLittle, match="with minutes until the answer"):
        service.waits(PEOPLE, run="trial", **window)
