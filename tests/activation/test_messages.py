"""Messages without holes; orders by weekday, hour and channel, counted by hand."""

import re

import duckdb
import pandas as pd
import pytest

from helpers.activation import messages
from helpers.core.errors import BadInput, TooLittle
from helpers.display import evidence

FACTS = pd.DataFrame(
    {
        "segment_id": [1, 2],
        "segment": ["Cooks", "Movers"],
        "stage": ["active", "lapsed"],
        "customers": [120, 15],
        "gap_days": [6.6, 9.0],
        "recency_days": [3.0, 80.0],
        "item": ["spices", "boxes"],
    }
)
TEMPLATES = {
    "active": {
        "aim": "more in the basket",
        "offer": "{item} beside the usual",
        "message": "New for you: {item}.",
        "grade": "observed",
    },
    "lapsed": {
        "aim": "win back",
        "offer": "a voucher",
        "message": "We miss you.",
        "grade": "assumed",
    },
}
HABITS = pd.DataFrame(
    {"segment_id": [2], "habit": ["moment"], "item": ["weekday evening"]}
)


def filled(facts=FACTS, templates=TEMPLATES, habits=HABITS, **given):
    return messages.matrix(facts, templates=templates, habits=habits, **given)


def test_a_message_holds_the_segments_own_item():
    table = filled()
    assert table.to_dict("records")[0] == {
        "segment_id": 1,
        "segment": "Cooks",
        "stage": "active",
        "customers": 120,
        "gap_days": 6.6,
        "recency_days": 3.0,
        "aim": "more in the basket",
        "offer": "spices beside the usual",
        "message": "New for you: spices.",
        "grade": "observed",
        "moment": "any",
        "channel": "as today",
    }
    assert table["message"].iloc[1] == "We miss you."
    assert table["moment"].tolist() == ["any", "weekday evening"]


def test_the_study_has_a_whole_template_for_each_stage():
    templates = messages.templates()
    assert list(templates) == ["active", "slowing", "lapsed"]
    for template in templates.values():
        assert list(template) == ["aim", "offer", "message", "grade"]
        assert template["grade"] in (evidence.OBSERVED, evidence.ASSUMED)


def test_no_message_speaks_of_other_customers_or_in_numbers():
    for template in messages.templates().values():
        assert not re.search(r"customers|\d|%|times", template["message"])


def test_the_next_item_is_observed_and_never_said_to_be_new():
    assert filled()["grade"].tolist() == ["observed", "assumed"]
    active = messages.templates()["active"]
    assert active["grade"] == evidence.OBSERVED
    assert not re.search(r"\bnew\b", active["message"], re.IGNORECASE)


def test_a_stage_without_a_template_or_a_fact_that_is_not_there_is_named():
    with pytest.raises(BadInput, match="'lapsed' is not known; stages are active"):
        filled(templates={"active": TEMPLATES["active"]})
    with pytest.raises(BadInput, match="'item' is not known"):
        filled(FACTS.drop(columns="item"))


def test_no_facts_give_no_messages_but_the_same_columns():
    table = filled(FACTS[:0])
    assert table.empty
    assert list(table) == list(filled())


def staged(**stages):
    """Give customers of one segment by stage, and the next item of each."""
    activity = [stage for stage, size in stages.items() for _ in range(size)]
    people = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(len(activity))],
            "segment_id": 1,
            "activity": activity,
            "gap_mean_days": 5.0,
            "recency_days": 2.0,
        }
    )
    return people, people[["customer_id"]].assign(item="TEA · hot")


def test_facts_are_medians_and_the_item_of_most_without_small_stages():
    people, chosen = staged(active=30, slowing=12, lapsed=20)
    top = pd.Series({1: "OIL"})
    table = messages.facts(people, top=top, chosen=chosen, names={1: "Cooks"})
    assert table["stage"].tolist() == ["active", "slowing", "lapsed"]
    first = table.iloc[0].to_dict()
    assert first["customers"] == 30 and first["gap_days"] == 5.0
    assert first["segment"] == "Cooks" and first["top_item"] == "oil"
    assert first["next_item"] == "tea (hot)"


def test_where_all_stages_are_small_there_are_no_messages():
    people, chosen = staged(active=9, lapsed=8)
    with pytest.raises(TooLittle, match="no segment has all three"):
        messages.facts(people, top=pd.Series({1: "OIL"}), chosen=chosen, names={1: "x"})


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
        begins={"morning": 5, "evening": 18},
    )


def test_an_order_has_the_moment_of_its_first_line(tmp_path):
    table = read(tmp_path)
    assert table["order_id"].tolist() == ["o1", "o2", "o3"]
    assert table["weekday"].tolist() == ["Mon", "Sun", "Tue"]
    assert table["hour"].tolist() == [9, 23, 4]
    assert table["channel"].tolist() == ["web", "shop", "shop"]
    assert table["moment"].tolist() == [
        *("weekday morning", "weekend evening", "weekday evening")
    ]


def test_without_a_time_of_day_the_weekday_is_the_moment(tmp_path):
    lines = LINES.assign(ordered_at=LINES["ordered_at"].dt.normalize())
    table = read(tmp_path, lines)
    assert table["moment"].tolist() == table["weekday"].tolist()


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
    named = {0: "All", 2: "Own"}
    alone = messages.shares(orders, by="channel", names=named)
    assert alone["All"].to_dict() == pytest.approx({"shop": 2 / 3, "web": 1 / 3})
    own = pd.Series({"a": 2})
    table = messages.shares(orders, by="channel", names=named, among=own)
    assert table.to_dict() == {
        "All": {"shop": 0.5, "web": 0.5},
        "Own": {"shop": 0.5, "web": 0.5},
    }


def test_one_channel_is_nothing_to_choose_from(tmp_path):
    messages.need_channels(read(tmp_path))
    for lines in (LINES.assign(channel="web"), LINES.drop(columns="channel")):
        with pytest.raises(TooLittle, match="here is one, or none"):
            messages.need_channels(read(tmp_path, lines))


def test_habits_compare_moments_and_channels_of_segments(tmp_path):
    orders = read(tmp_path)
    totals = pd.Series({"a": 2.0, "b": 1.0}).rename_axis("customer_id")
    ids = pd.Series({"a": 1, "b": 2}).rename_axis("customer_id")
    table = messages.habits(orders, totals, segment_ids=ids, alpha=0.05)
    assert set(table["habit"]) == {"moment", "channel"}
    web = table[(table["item"] == "web") & (table["segment_id"] == 1)]
    assert web["lift"].tolist() == pytest.approx([1.5])


def test_weekdays_keep_their_order(tmp_path):
    table = messages.shares(read(tmp_path), by="weekday", names={})
    assert table.index.tolist() == ["Mon", "Tue", "Sun"]
