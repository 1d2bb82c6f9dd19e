"""Messages without holes; orders by weekday, hour and channel, counted by hand."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from helpers.activation import messages
from helpers.core.errors import BadInput
from helpers.display import evidence

FACTS = pd.DataFrame(
    {
        "segment_id": [1, 2],
        "segment": ["Cooks", "Movers"],
        "stage": ["active", "lapsed"],
        "customers": [120, 15],
        "item": ["spices", "boxes"],
        "days": [6.6, np.nan],
    }
)
TEMPLATES = {
    "active": {
        "aim": "more in the basket",
        "offer": "{item} beside the usual",
        "message": "Every {days:.0f} days you come: try our {item}.",
        "grade": "observed",
    },
    "lapsed": {
        "aim": "win back",
        "offer": "a voucher",
        "message": "We miss you.",
        "grade": "assumed",
    },
}


def test_a_message_holds_the_segments_own_numbers():
    table = messages.matrix(FACTS, templates=TEMPLATES)
    assert table.to_dict("records")[0] == {
        "segment_id": 1,
        "segment": "Cooks",
        "stage": "active",
        "customers": 120,
        "aim": "more in the basket",
        "offer": "spices beside the usual",
        "message": "Every 7 days you come: try our spices.",
        "grade": "observed",
    }
    assert table["message"].iloc[1] == "We miss you."


def test_the_study_has_a_whole_template_for_each_stage_of_the_rhythm():
    templates = messages.templates()
    assert list(templates) == ["active", "slowing", "lapsed"]
    for template in templates.values():
        assert list(template) == ["aim", "offer", "message", "grade"]
        assert template["grade"] in (evidence.OBSERVED, evidence.ASSUMED)


def test_what_is_bought_is_by_construction_where_purchases_built_the_segments():
    table = messages.matrix(FACTS, templates=TEMPLATES, bought="by construction")
    assert table["grade"].tolist() == ["by construction", "assumed"]


def test_a_stage_without_a_template_is_named():
    with pytest.raises(BadInput, match="No template for stage 'lapsed'"):
        messages.matrix(FACTS, templates={"active": TEMPLATES["active"]})


def test_a_fact_that_is_not_there_or_missing_is_named():
    with pytest.raises(BadInput, match="asks for 'days'; the facts are"):
        messages.matrix(FACTS.drop(columns="days"), templates=TEMPLATES)
    holes = FACTS.assign(stage="active")
    with pytest.raises(BadInput, match="'days', which is missing for segment 2"):
        messages.matrix(holes, templates=TEMPLATES)


def test_no_facts_give_no_messages_but_the_same_columns():
    table = messages.matrix(FACTS[:0], templates=TEMPLATES)
    assert table.empty
    assert list(table) == list(messages.matrix(FACTS, templates=TEMPLATES))


LINES = pd.DataFrame(
    [
        # Monday 1 January 2024
        ("a", "o1", "2024-01-01 09:59", "web"),
        ("a", "o1", "2024-01-01 10:05", "web"),
        ("a", "o2", "2024-01-07 23:30", "shop"),
        ("b", "o3", "2024-01-02 04:00", "shop"),
        ("b", "o4", "2024-01-08 12:00", "web"),
    ],
    columns=["customer_id", "order_id", "ordered_at", "channel"],
).astype({"ordered_at": "datetime64[us]"})


def read(tmp_path, lines=LINES):
    lines.to_parquet(tmp_path / "lines.parquet")
    return messages.orders(
        duckdb.connect(),
        lines=str(tmp_path / "lines.parquet"),
        first="2024-01-01",
        last="2024-01-07",
    )


def test_an_order_has_the_moment_of_its_first_line(tmp_path):
    table = read(tmp_path)
    assert table["order_id"].tolist() == ["o1", "o2", "o3"]
    assert table["weekday"].tolist() == ["Mon", "Sun", "Tue"]
    assert table["hour"].tolist() == [9, 23, 4]
    assert table["channel"].tolist() == ["web", "shop", "shop"]


def test_without_channels_in_the_lines_there_are_none(tmp_path):
    assert "channel" not in read(tmp_path, LINES.drop(columns="channel"))


def test_the_last_part_of_the_day_runs_past_midnight():
    begins = {"morning": 5, "afternoon": 12, "evening": 18}
    found = messages.parts_of_day(pd.Series([5, 11, 12, 18, 23, 0, 4]), begins=begins)
    assert found.tolist() == [
        *("morning", "morning", "afternoon", "evening"),
        *("evening", "evening", "evening"),
    ]


def test_orders_are_counted_for_each_customer_asked_for(tmp_path):
    orders = read(tmp_path)
    table = messages.counted(orders, by="channel", customers=pd.Series(["c", "a"]))
    assert table.to_dict("index") == {
        "c": {"shop": 0, "web": 0},
        "a": {"shop": 1, "web": 1},
    }


def test_the_clock_shares_out_all_orders(tmp_path):
    table = messages.clock(read(tmp_path))
    assert table.shape == (7, 24)
    assert table.to_numpy().sum() == pytest.approx(1)
    assert table.loc["Mon", 9] == pytest.approx(1 / 3)


def test_shares_are_those_of_all_and_of_each_group(tmp_path):
    orders = read(tmp_path)
    alone = messages.shares(orders, by="channel")
    assert alone[0].to_dict() == pytest.approx({"shop": 2 / 3, "web": 1 / 3})
    table = messages.shares(orders, by="channel", among=pd.Series({"a": 2}))
    assert table.to_dict() == {
        0: {"shop": 0.5, "web": 0.5},
        2: {"shop": 0.5, "web": 0.5},
    }


def test_weekdays_keep_their_order(tmp_path):
    table = messages.shares(read(tmp_path), by="weekday")
    assert table.index.tolist() == ["Mon", "Tue", "Sun"]
