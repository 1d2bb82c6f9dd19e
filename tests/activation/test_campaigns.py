"""Campaigns: contacts and answers counted by hand, effects found only where they are."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from helpers.activation import campaigns
from helpers.core.errors import BadInput, TooLittle

CAMPAIGNS = pd.DataFrame(
    {
        "campaign_id": ["1", "2"],
        "kind": ["mail", "visit"],
        "starts_on": pd.to_datetime(["2024-01-01", "2024-02-01"]),
        "ends_on": pd.to_datetime(["2024-01-31", "2024-02-29"]),
    }
)
CONTACTS = pd.DataFrame(
    {"campaign_id": list("11122"), "customer_id": list("abcab")},
)
RESPONSES = pd.DataFrame(
    {
        # a answers campaign 1 twice, d was never contacted
        "campaign_id": list("1121"),
        "customer_id": list("aabd"),
        "responded_on": pd.to_datetime(["2024-01-05"] * 4),
        "amount_cents": [500, 250, 900, 100],
    }
)


def test_a_contact_is_answered_once_however_many_answers_there_are():
    table = campaigns.contacted(CAMPAIGNS, CONTACTS, RESPONSES)
    assert len(table) == 5
    assert table["converted"].tolist() == [True, False, False, False, True]
    assert table["amount_cents"].tolist() == [750, 0, 0, 0, 900]
    assert table["treated"].all()


def test_the_amount_is_not_made_up_where_answers_have_none():
    answers = RESPONSES.drop(columns="amount_cents")
    table = campaigns.contacted(CAMPAIGNS, CONTACTS, answers)
    assert "amount_cents" not in table
    assert table["converted"].sum() == 2


def test_unknown_campaigns_and_arms_are_refused_by_name():
    with pytest.raises(BadInput, match=r"1 rows name a campaign_id .* such as '9'"):
        campaigns.contacted(
            CAMPAIGNS, CONTACTS.assign(campaign_id=list("11192")), RESPONSES
        )
    arms = ["treated", "control", "treated", "holdout", "control"]
    with pytest.raises(BadInput, match=r"arm must be .* \['holdout'\]"):
        campaigns.contacted(CAMPAIGNS, CONTACTS.assign(arm=arms), RESPONSES)
    arms[3] = None
    with pytest.raises(BadInput, match="missing values"):
        campaigns.contacted(CAMPAIGNS, CONTACTS.assign(arm=arms), RESPONSES)


SEGMENTS = pd.DataFrame(
    {
        "customer_id": list("abcde"),
        "segment_id": [1, 1, 2, 2, 0],
        "sales": [10.0, 20.0, 30.0, 50.0, 0.0],
    }
)


def test_reach_counts_people_and_compares_them_with_the_others():
    table = campaigns.contacted(CAMPAIGNS, CONTACTS, RESPONSES)
    found = campaigns.reach(table, SEGMENTS, value="sales").set_index("segment_id")
    assert found["customers"].to_dict() == {0: 5, 1: 2, 2: 2}
    assert found["reached"].to_dict() == {0: 3, 1: 2, 2: 1}
    assert found.loc[0, "contacts_each"] == pytest.approx(5 / 3)
    assert found.loc[0, "value_reached"] == 20
    assert found.loc[0, "value_others"] == 25


def test_conversion_counts_answered_contacts_by_segment_and_kind():
    table = campaigns.contacted(CAMPAIGNS, CONTACTS, RESPONSES)
    ids = SEGMENTS.set_index("customer_id")["segment_id"]
    found = campaigns.conversion(table, ids, alpha=0.05)
    counts = found.set_index(["segment_id", "kind"])[["converted", "contacts"]]
    assert {key: tuple(row) for key, row in counts.T.items()} == {
        (0, "all"): (2, 5),
        (0, "mail"): (1, 3),
        (0, "visit"): (1, 2),
        (1, "all"): (2, 4),
        (1, "mail"): (1, 2),
        (1, "visit"): (1, 2),
        (2, "all"): (0, 1),
        (2, "mail"): (0, 1),
    }


def test_control_rows_count_neither_as_reached_nor_as_conversions():
    arms = ["treated", "treated", "control", "treated", "control"]
    table = campaigns.contacted(CAMPAIGNS, CONTACTS.assign(arm=arms), RESPONSES)
    ids = SEGMENTS.set_index("customer_id")["segment_id"]
    found = campaigns.conversion(table, ids, alpha=0.05).iloc[0]
    assert (found["contacts"], found["converted"]) == (3, 1)
    assert campaigns.reach(table, SEGMENTS, value="sales")["reached"].iloc[0] == 2


def test_break_even_is_cost_over_margin():
    rates = pd.DataFrame(
        {"segment_id": [1, 2], "kind": ["mail", "mail"], "rate": [0.1, 0.0]}
    )
    found = campaigns.break_even(rates, cost={"mail": 0.5}, margin={1: 10.0, 2: 20.0})
    assert found["break_even"].tolist() == [0.05, 0.025]
    assert found["cost_per_answer"].iloc[0] == pytest.approx(5.0)
    assert np.isnan(found["cost_per_answer"].iloc[1])


def answered(rng, lift, people=4000):
    """Draw four campaigns with arms; segment 2 gains `lift`, segment 1 nothing."""
    ids = pd.Series(np.repeat([1, 2], people // 2), index=range(people))
    parts = []
    for campaign, kind in enumerate(["mail", "mail", "visit", "visit"]):
        who = rng.choice(people, people // 2, replace=False)
        treated = rng.random(len(who)) < 0.7
        rate = 0.08 + lift * (ids[who] == 2).to_numpy() * treated
        parts.append(
            pd.DataFrame(
                {
                    "campaign_id": str(campaign),
                    "customer_id": who,
                    "kind": kind,
                    "treated": treated,
                    "converted": rng.random(len(who)) < rate,
                }
            )
        )
    return pd.concat(parts), ids


def test_a_planted_effect_is_found_in_its_segment_alone():
    rows, ids = answered(np.random.default_rng(4), 0.08)
    table = campaigns.effects(rows, ids, alpha=0.05, method="holm")
    assert list(table.columns[:10]) == [
        *("segment_id", "kind", "effect", "low", "high", "p", "p_adjusted"),
        *("treated", "control", "grade"),
    ]
    whole = table[table["kind"] == "all"].set_index("segment_id")
    assert whole.loc[2, "low"] < 0.08 < whole.loc[2, "high"]
    assert whole.loc[2, "p_adjusted"] < 0.001
    assert whole.loc[1, "low"] < 0 < whole.loc[1, "high"]
    assert whole.loc[0, "effect"] == pytest.approx(0.04, abs=0.015)
    assert len(table) == 9
    assert (table["grade"] == "tested").all()


def test_families_are_adjusted_apart():
    rows, ids = answered(np.random.default_rng(4), 0.0)
    table = campaigns.effects(rows, ids, alpha=0.05, method="holm")
    top = table.set_index(["segment_id", "kind"])
    assert top.loc[(0, "all"), "p_adjusted"] == top.loc[(0, "all"), "p"]
    pair = top.loc[[(1, "all"), (2, "all")]]
    least = pair.loc[pair["p"].idxmin()]
    assert least["p_adjusted"] == pytest.approx(min(1, 2 * least["p"]))


def test_where_nothing_works_a_segment_is_claimed_in_one_study_of_twenty():
    claimed = 0
    for seed in range(100):
        rows, ids = answered(np.random.default_rng(seed), 0.0, people=600)
        table = campaigns.effects(rows, ids, alpha=0.05, method="holm")
        own = table[(table["segment_id"] > 0) & (table["kind"] == "all")]
        claimed += (own["p_adjusted"] < 0.05).any()
    assert claimed <= 10


def test_without_a_control_arm_there_is_no_effect_to_estimate():
    rows, ids = answered(np.random.default_rng(4), 0.05)
    with pytest.raises(TooLittle, match="No campaign has both"):
        campaigns.effects(rows[rows["treated"]], ids, alpha=0.05, method="holm")


@pytest.fixture
def lines(tmp_path):
    sold = pd.DataFrame(
        [
            ("a", "2024-01-01 08:00", 100, 0),
            ("a", "2024-01-10 23:00", 200, 50),
            ("a", "2024-01-11 00:00", 400, 0),
            ("b", "2024-01-21 12:00", 800, 0),
            ("b", "2024-01-31 00:00", 999, 0),
        ],
        columns=["customer_id", "ordered_at", "amount_cents", "coupon_cents"],
    ).astype({"ordered_at": "datetime64[us]"})
    sold.to_parquet(tmp_path / "lines.parquet")
    return str(tmp_path / "lines.parquet")


def test_sales_are_added_up_in_periods_of_equal_length(lines):
    table = campaigns.period_sales(
        duckdb.connect(),
        lines=lines,
        customers=pd.Series(["a", "b", "c"]),
        starts_on=pd.Timestamp("2024-01-21"),
        days=10,
        before=3,
    )
    # a period that begins before the first line is left out, as is the day after
    assert table.to_dict("index") == {
        "a": {-2: 3.5, -1: 4.0, 0: 0.0},
        "b": {-2: 0.0, -1: 0.0, 0: 8.0},
        "c": {-2: 0.0, -1: 0.0, 0: 0.0},
    }


def test_the_placebo_shows_the_same_difference_where_there_is_only_a_trend():
    rng = np.random.default_rng(6)
    met = pd.Series(np.arange(400) < 200)
    trend = np.where(met, 5.0, 0.0)
    sales = pd.DataFrame(
        {-2: rng.normal(50, 3, 400), -1: rng.normal(50, 3, 400) + trend}
    )
    sales[0] = rng.normal(50, 3, 400) + 2 * trend
    table = campaigns.placebo(sales, met, alpha=0.05)
    assert table["period"].tolist() == [0, -1]
    assert table["difference"].tolist() == pytest.approx([5.0, 5.0], abs=1.5)
    change = sales[0] - sales[-1]
    assert table["difference"].iloc[0] == pytest.approx(
        change[met].mean() - change[~met].mean()
    )
    assert (table["low"] > 0).all()


def test_a_period_in_which_nobody_buys_is_a_period_of_zero(lines):
    table = campaigns.period_sales(
        duckdb.connect(),
        lines=lines,
        customers=pd.Series(["c"]),
        starts_on=pd.Timestamp("2024-02-20"),
        days=10,
        before=3,
    )
    assert table.to_dict("index") == {"c": {-3: 0.0, -2: 0.0, -1: 0.0, 0: 0.0}}


def test_without_a_margin_no_contact_breaks_even():
    rates = pd.DataFrame({"segment_id": [1], "kind": ["mail"], "rate": [0.1]})
    found = campaigns.break_even(rates, cost={"mail": 0.5}, margin={1: 0.0})
    assert found["break_even"].isna().all()


def kinds(*rows):
    """Rates over all customers: kind, rate, and half the width of the interval."""
    table = pd.DataFrame(rows, columns=["kind", "rate", "half"])
    ends = {"low": table["rate"] - table["half"], "high": table["rate"] + table["half"]}
    return table.assign(segment_id=0, **ends)


def test_a_kind_stands_out_only_beyond_every_interval():
    every = ("all", 0.1, 0.01)
    clear = kinds(every, ("mail", 0.05, 0.02), ("visit", 0.2, 0.02))
    assert campaigns.standing_out(clear)["kind"] == "visit"
    close = kinds(every, ("mail", 0.18, 0.02), ("visit", 0.2, 0.02))
    assert campaigns.standing_out(close) is None
    assert campaigns.standing_out(kinds(every, ("mail", 0.1, 0.01))) is None


def many(answers):
    """Contacts of one kind a row: (segment, kind, contacts, answered)."""
    rows = [
        (segment, kind, i < yes)
        for segment, kind, contacts, yes in answers
        for i in range(contacts)
    ]
    table = pd.DataFrame(rows, columns=["segment", "kind", "converted"])
    table["customer_id"] = [f"c{i}" for i in range(len(table))]
    return table, table.set_index("customer_id")["segment"]


def test_few_answers_are_told_of_nowhere():
    answers = [(1, "mail", 90, 30), (1, "visit", 90, 4), (2, "mail", 90, 40)]
    answers += [(2, "visit", 90, 3), (0, "sms", 90, 80)]
    hidden = campaigns.withheld(*many(answers))
    # visits have seven answers, and mails would give them away
    assert {(0, "visit"), (0, "mail")} <= set(hidden)
    assert {(1, "visit"), (2, "visit"), (1, "mail"), (2, "mail")} <= set(hidden)
    assert (1, "all") not in hidden and (0, "sms") not in hidden


def test_without_groups_only_kinds_are_withheld():
    hidden = campaigns.withheld(*many([(0, "mail", 50, 20), (0, "visit", 50, 20)]))
    assert hidden.empty
    hidden = campaigns.withheld(*many([(0, "mail", 50, 20), (0, "visit", 50, 2)]))
    assert set(hidden) == {(0, "mail"), (0, "visit")}


def test_values_of_few_reached_or_few_others_are_not_shown():
    reached = pd.DataFrame(
        {
            "segment_id": [0, 1, 2, 3],
            "customers": [300, 100, 100, 100],
            "reached": [145, 50, 92, 3],
            "share_reached": 0.5,
            "contacts_each": 1.0,
            "value_reached": 10.0,
            "value_others": 20.0,
        }
    )
    table = campaigns.shown(reached).set_index("segment_id")
    assert table.loc[3, "value_reached"] is None
    assert table.loc[2, "value_others"] is None
    assert table.loc[0, "value_others"] == 20.0


@pytest.mark.parametrize(
    ("more", "reached", "said"),
    [(20, 40, "more"), (-20, 40, "less"), (0, 40, "alike"), (0, 80, "everybody")],
)
def test_who_was_contacted_is_known_by_what_they_bought_before(more, reached, said):
    people = pd.DataFrame({"customer_id": [f"c{i:02}" for i in range(80)]})
    people["sales"] = 100 + np.arange(80) % 5 + more * (np.arange(80) < 40)
    ids = people["customer_id"][:reached]
    assert campaigns.targeting(people, ids, alpha=0.05) == said


def test_what_was_tested_needs_no_other_comparison():
    campaigns.need_untested(None)
    with pytest.raises(TooLittle, match="drawn at random are compared above"):
        campaigns.need_untested(pd.DataFrame())


def test_a_contact_costs_its_mean_or_what_is_assumed():
    rows = pd.DataFrame({"kind": ["mail", "mail", "visit"]})
    assumed = campaigns.costs(rows, assumed=0.5)
    assert assumed.to_dict() == {"mail": 0.5, "visit": 0.5, "all": 0.5}
    known = campaigns.costs(rows.assign(cost_cents=[100, 300, None]), assumed=0.5)
    assert known.to_dict() == {"mail": 2.0, "visit": 0.5, "all": 2.0}


def test_an_answer_brings_its_amount_or_a_mean_order():
    people = pd.DataFrame(
        {
            "customer_id": list("abc"),
            "segment_id": [1, 1, 2],
            "sales": [10.0, 30.0, 90.0],
            "orders": [1, 1, 3],
        }
    )
    rows = pd.DataFrame({"customer_id": list("ab"), "converted": [True, True]})
    orders = campaigns.answer_values(rows, people)
    assert orders["mean"].round(2).to_dict() == {0: 23.33, 1: 20.0, 2: 30.0}
    assert orders.loc[2, "sem"] == orders.loc[0, "sem"]  # of one customer: that of all
    amounts = campaigns.answer_values(rows.assign(amount_cents=[500, 700]), people)
    assert amounts["mean"].to_dict() == {0: 6.0, 1: 6.0, 2: 6.0}


def test_a_campaign_is_compared_only_inside_the_data_and_with_others_left():
    people = pd.Series([f"c{i}" for i in range(40)])
    rows = pd.concat(
        pd.DataFrame(
            {
                "campaign_id": name,
                "customer_id": people[:size],
                "starts_on": pd.Timestamp(start),
                "ends_on": pd.Timestamp(start) + pd.Timedelta(days=9),
            }
        )
        for name, start, size in [
            ("early", "2024-01-11", 28),
            ("late", "2024-03-25", 29),
            ("everybody", "2024-02-10", 40),
            ("few", "2024-02-10", 9),
            ("fit", "2024-02-10", 20),
        ]
    )
    window = {"first": "2024-01-01", "last": "2024-03-31"}
    assert campaigns.to_compare(rows, people, **window) == "fit"
    rows = rows[rows["campaign_id"] != "fit"]
    with pytest.raises(TooLittle, match="No placebo"):
        campaigns.to_compare(rows, people, **window)
