"""Each claim on groups stands only where its numbers bear it; else its opposite does."""

import numpy as np
import pandas as pd
import pytest

from helpers.display import tables, words
from helpers.personas import conclusions, lasting, profiles


@pytest.fixture(autouse=True)
def dollars():
    tables.in_currency("USD")


SHOWN = {"high": False, "middle": False, "low": False}
LASTS, FELL, UNTOLD = (True, ""), (False, ""), (None, "too little was sold later")


def worth(high, low, share=0.2):
    """Give what tiers were worth later: interval of the high tier's share of sales."""
    return pd.DataFrame(
        {
            "customers": [20, 80],
            "share_customers": [share, 1 - share],
            "share_later": [(high + low) / 2, 1 - (high + low) / 2],
            "holdout_sales": [50.0, 0.0],
            "low": [low, 0.1],
            "high": [high, 0.9],
            "holdout_per_customer": [2.5, 0.0],
        },
        index=["high", "low"],
    )


TIERS = pd.DataFrame(
    {
        "customers": [20, 80],
        "sales": [2000.0, 800.0],
        "share_customers": [0.2, 0.8],
        "share_sales": [2000 / 2800, 800 / 2800],
    },
    index=["high", "low"],
)
TOLD = pd.DataFrame(
    {
        "name": ["Tea", "Milk"],
        "share_customers": [0.6, 0.4],
        "share_sales": [0.5, 0.5],
        "sales_per_customer": [25.0, 30.0],
        "low": [20.0, 21.0],
        "high": [30.0, 39.0],
        "recovery": [0.9, 0.7],
        "dissolved": [0.0, 0.1],
    }
)


@pytest.mark.parametrize(
    ("low", "held"), [(0.21, True), (0.2, False), (0.1, False), (np.nan, None)]
)
def test_tiers_last_if_the_high_ones_share_of_later_sales_exceeds_its_customers(
    low, held
):
    found, why = conclusions.lasts(worth(0.5, low), hidden=SHOWN)
    assert found is held
    assert bool(why) == (held is None)


def test_tiers_are_not_judged_where_there_is_one_or_it_must_not_be_shown():
    table = worth(0.5, 0.3)
    assert conclusions.lasts(table.head(1), hidden=SHOWN) == (
        None,
        "all customers are high",
    )
    held, why = conclusions.lasts(table, hidden=SHOWN | {"high": True})
    assert held is None and "must not be shown" in why


def test_no_later_sales_give_no_share_and_no_complaint(recwarn):
    tier = pd.Series(["high"] * 3 + ["low"] * 3)
    found = profiles.holdout_worth(tier, pd.Series([0.0] * 6), seed=1)
    assert found[["share_later", "low", "high"]].isna().all(axis=None)
    assert not recwarn.list


def test_value_is_advised_only_where_it_lasts():
    said = conclusions.value(TIERS, worth(0.5, 0.3), judged=LASTS)
    assert said["decision"] == "Put service and budget by value tier: it lasts."
    assert "$100 per customer, against $10 in the low tier" in said["size"]
    assert "segment" not in told(said)
    said = conclusions.value(TIERS, worth(0.3, 0.1), judged=FELL)
    assert said["decision"] == "Do not spend by value tier: tiers did not last."
    assert "not clearly more" in said["uncertainty"]
    said = conclusions.value(TIERS, worth(0.3, 0.1), judged=UNTOLD)
    assert "do not know whether tiers last, since too little was sold later" in str(
        said
    )
    assert "it lasts" not in str(said) and "Protect" not in str(said)


def test_tiers_separate_worth_far_more_only_if_they_do():
    far = conclusions.value(TIERS, worth(0.5, 0.3), judged=LASTS, segments=TOLD)
    assert "far more than needs segments do, and it lasts" in far["decision"]
    wide = TOLD.assign(sales_per_customer=[5.0, 90.0])
    near = conclusions.value(TIERS, worth(0.5, 0.3), judged=LASTS, segments=wide)
    assert near["decision"] == "Put service and budget by value tier: it lasts."


def test_value_without_a_tier_that_may_be_shown_says_no_number():
    said = conclusions.value(
        TIERS.head(0),
        worth(0.5, 0.3),
        judged=(None, "what high customers are worth must not be shown"),
    )
    assert said["size"] == said["uncertainty"] == ""


def test_a_loss_has_no_share_of_sales():
    loss = TIERS.assign(share_sales=np.nan)
    said = conclusions.value(loss, worth(0.5, 0.3), judged=LASTS)
    assert said["size"].startswith("The high tier is 20% of customers: $100")
    said = conclusions.offers(TOLD.assign(share_sales=np.nan), held=held(3, 2))
    assert said["size"] == "Tea 60% of customers; Milk 40% of customers."


def held(marks, last, drawn=(4, 2)):
    """Count marks of segments, and of 19 draws that all have and keep as many."""
    counts = {lasting.OWN: (marks, last)}
    counts |= {f"random centres {i}": drawn for i in range(1, 20)}
    table = pd.DataFrame(
        [(name, *count) for name, count in counts.items()],
        columns=["grouping", "marks", "lasting"],
    )
    return table.assign(share=table["lasting"] / table["marks"].replace(0, np.nan))


def test_offers_are_planned_for_what_is_bought_and_service_for_habits():
    said = conclusions.offers(TOLD, held=held(3, 2))
    assert said["decision"] == "Plan offers for 2 needs segments: Tea and Milk."
    assert said["limit"] == (
        "That they buy differently is by construction. That an offer works is assumed "
        "until tested."
    )
    habits = conclusions.offers(TOLD, held=held(0, 0), goods=False)
    assert "offer" not in told(habits) and "by construction" in habits["limit"]
    assert "No need" in habits["uncertainty"] and "did not last" not in str(habits)


def test_offers_say_once_what_lasts_beside_its_rival():
    said = told(conclusions.offers(TOLD, held=held(3, 2)))
    assert said.count("2 of the 3 needs that mark a segment") == 1
    assert said.count("random customers") == 1
    # 2 of 3 is more than any draw's half; 1 of 3 would not be
    assert "but barely" in said and "nothing shows" not in said
    alike = told(conclusions.offers(TOLD, held=held(3, 2, drawn=(4, 3))))
    assert "nothing shows that their marks last more" in alike and "barely" not in alike


def told(finding):
    """Join what a finding says."""
    return " ".join(finding[part] for part in words.FIELDS)


def test_the_best_and_the_worst_are_named_only_where_they_differ():
    said = conclusions.offers(TOLD, held=held(3, 2))["uncertainty"]
    assert said.startswith(
        "Average overlap when we repeat the analysis: 70% (Milk, dissolved in 10% of "
        "repetitions) to 90% (Tea)."
    )
    alike = conclusions.offers(TOLD.assign(recovery=[0.901, 0.899]), held=held(3, 2))
    assert alike["uncertainty"].startswith(
        "Average overlap when we repeat the analysis: 90% in each segment."
    )
    one = conclusions.offers(TOLD.head(1), held=held(3, 2))["uncertainty"]
    assert one.startswith("Average overlap of Tea when we repeat the analysis: 90%.")


def test_one_segment_whose_recovery_is_unknown_is_told_without_a_number():
    said = conclusions.offers(TOLD.head(1).assign(recovery=np.nan), held=held(2, 0))
    assert said["decision"] == "Plan offers for 1 needs segment: Tea."
    assert "nan" not in str(said) and "not measured" in said["uncertainty"]
    assert "did not last" in said["action"]


def by_activity(slowing_sales, active_low=0.7):
    return (
        worth(0.9, active_low, share=0.6)
        .set_axis(["active", "slowing"])
        .assign(holdout_sales=[50.0, slowing_sales])
    )


def test_a_reminder_is_advised_only_where_the_slowing_bought_again():
    shown = {"active": False, "slowing": False}
    said = conclusions.activity(by_activity(5.0), hidden=shown)
    assert (
        said["decision"] == "Treat customers by activity: it predicts who buys again."
    )
    assert said["action"].startswith("Test a reminder")
    said = conclusions.activity(by_activity(0.0), hidden=shown)
    assert said["action"].startswith("Do not write to those who are slowing")
    few = shown | {"slowing": True}
    said = conclusions.activity(by_activity(0.0), hidden=few)
    assert said["action"].startswith("Take no action yet")
    assert "slowing:" not in said["size"]


def test_activity_that_tells_nothing_is_not_advised():
    shown = {"active": False, "slowing": False}
    said = conclusions.activity(by_activity(5.0, 0.5), hidden=shown)
    assert said["decision"].startswith("Do not treat customers by activity")
    assert "reminder" not in said["action"]


@pytest.mark.parametrize(
    ("sales", "words"), [(3.0, "remind"), (0.0, "Wait"), (None, "Wait")]
)
def test_customers_with_too_little_data_are_reminded_where_it_may_help(sales, words):
    assert words in conclusions.rest(sales)


AGREEMENT = pd.DataFrame(
    {
        "agreement": [0.4, 0.7],
        "low": [0.3, 0.6],
        "high": [0.5, 0.8],
        "majority": 0.5,
    }
)


def test_a_rule_card_is_given_withdrawn_or_not_made():
    first = pd.DataFrame({"field": ["share_tea"]})
    told = pd.DataFrame({"recall": [0.6, 0.9]})
    said = conclusions.rule_card(first, AGREEMENT, told)
    assert said["decision"] == "Where only a CRM is at hand, ask for 1 need: tea."
    withdrawn = conclusions.rule_card(first, AGREEMENT.head(1), None)
    assert withdrawn["decision"].startswith("Do not assign customers by rules")
    assert "rule card" not in withdrawn["action"]
    assert "cannot be judged" in conclusions.rule_card(None, None, None)["decision"]


RELATED = pd.DataFrame(
    {"attribute": ["age"], "cramers_v": [0.1], "low": [0.0], "high": [0.2]}
)
SHARES = pd.DataFrame({"shown": [True, True, False]})
COVERED = pd.DataFrame({"coverage": [0.1, 0.5], "customers": 100})


def test_attributes_go_with_segments_or_are_not_seen_to():
    asked = {"shares": SHARES, "covered": COVERED}
    none = conclusions.attributes(RELATED, distinct=0, **asked)
    assert none["decision"].endswith("none is seen to go with them.")
    for seen in (
        conclusions.attributes(RELATED, distinct=1, **asked),
        conclusions.attributes(RELATED.assign(low=0.01), distinct=0, **asked),
    ):
        assert seen["decision"].endswith("watch whom an offer reaches all the same.")
        assert (
            "10% of the customers with the least sales and 50%" in seen["uncertainty"]
        )
    unknown = conclusions.attributes(RELATED.head(0), distinct=0, **asked)
    assert "do not know whether they stand for one" in unknown["decision"]


WHY = "We found no groups worth acting on: chance brings the same."


def test_the_answer_promises_only_what_was_found():
    natural = {"verdict": "natural", "why": ""}
    assert conclusions.answer(natural, segments=3, judged=LASTS) == (
        "Customers fall into 3 needs segments that stand apart by what they buy. "
        "Value tiers say where to spend."
    )
    built = {"verdict": "constructive", "why": ""}
    said = conclusions.answer(built, segments=2, judged=FELL, goods=False)
    assert said == (
        "Customers overlap: there are no sharp groups. We cut them into 2 needs "
        "segments by how they buy. Value tiers did not last, so they do not say where to "
        "spend."
    )
    nothing = {"verdict": "not usable", "why": WHY}
    assert conclusions.answer(nothing, segments=0, judged=LASTS) == (
        f"{WHY} Value tiers say where to spend."
    )
    unasked = {"verdict": "not looked for", "why": "Left out."}
    said = conclusions.answer(unasked, segments=0, judged=UNTOLD)
    assert said == (
        "We did not look for groups of needs. Left out. We do not know whether value "
        "tiers say where to spend, since too little was sold later."
    )


def test_no_groups_are_told_with_the_reason():
    found = conclusions.no_groups({"verdict": "not usable", "why": WHY})
    assert "no groups worth acting on" in found["decision"] and found["size"] == WHY
    unasked = conclusions.no_groups({"verdict": "not looked for", "why": "Left out."})
    assert (
        "did not look for" in unasked["decision"] and "found" not in unasked["decision"]
    )
