"""Sentences of persona cards, from rows whose words can be foretold."""

import numpy as np
import pandas as pd

from helpers.personas import cards, naming

NAMES = {"1": "Cooks", "2": "Gardeners", "3": "Movers"}


def marks(*changes):
    """Give one row of what marks a segment for each change of it."""
    row = {"feature": "share_pet_care", "side": "above", "index": 211.6, "low": 180.2}
    row |= {"high": 249.7, "mean": 0.3, "average": 0.14, "shared_with": ()}
    row |= {"used_to_build": False}
    return pd.DataFrame([row | change for change in changes], columns=list(row))


RULES = [
    cards.Rule("price", "depth", "above", "lead with the price"),
    cards.Rule("price", "depth", "below", "lead with quality"),
    cards.Rule("price", "", "", "as usual"),
    cards.Rule("channel", "mailer", "above", "the mailer"),
]


def test_the_first_rule_that_holds_fills_its_part_of_the_plan():
    plan = cards.advise(marks({"feature": "depth"}, {"feature": "mailer"}), rules=RULES)
    assert [row["advice"] for row in plan] == ["lead with the price", "the mailer"]
    assert [row["what"] for row in plan] == ["price", "channel"]
    assert {row["grade"] for row in plan} == {"observed"}
    assert plan[0]["because"] == "index of depth 212 (180 to 250)"


def test_a_rule_holds_on_its_own_side_only():
    below = cards.advise(marks({"feature": "depth", "side": "below"}), rules=RULES)
    assert [row["advice"] for row in below] == ["lead with quality"]


def test_what_nothing_speaks_for_is_assumed_and_a_part_without_a_rule_left_out():
    plan = cards.advise(marks({"feature": "other"}), rules=RULES)
    assert plan == [
        {
            "what": "price",
            "advice": "as usual",
            "because": "no difference speaks for another",
            "grade": "assumed",
        }
    ]
    assert cards.advise(marks()[:0], rules=RULES[:2]) == []


def test_no_advice_is_called_tested_without_a_test():
    every = marks({"feature": "depth"}, {"feature": "mailer", "side": "below"})
    theme = naming.plain(["depth"])
    plan = [*cards.offer(theme, every), *cards.advise(every, rules=RULES)]
    assert [row["grade"] for row in plan] == ["assumed", "assumed", "observed"]


def test_advice_from_what_built_the_segment_is_by_construction():
    built = marks({"feature": "depth", "used_to_build": True}, {"feature": "mailer"})
    plan = cards.advise(built, rules=RULES)
    assert [row["grade"] for row in plan] == ["by construction", "observed"]


THEME = naming.Theme(("share_baby", "share_pet_care"), "x", "a baby club", "With you")


def test_an_offer_rests_on_the_needs_that_mark_the_segment():
    rows = marks(
        {"used_to_build": True},
        {"feature": "share_baby", "side": "below"},
        {"feature": "share_tea"},
    )
    offer, message = cards.offer(THEME, rows)
    assert offer["advice"] == "a baby club"
    assert offer["grade"] == "by construction"
    assert offer["because"] == "index of pet care 212 (180 to 250)"
    assert message["grade"] == "assumed" and message["advice"] == "“With you”"


def test_an_offer_that_no_need_speaks_for_is_assumed():
    offer, _ = cards.offer(THEME, marks({"side": "below"}, {"feature": "share_tea"}))
    assert (offer["grade"], offer["because"]) == ("assumed", "no need stands out")


def test_a_plan_says_part_advice_grade_and_reason():
    assert cards.say_plan(cards.advise(marks({"feature": "depth"}), rules=RULES)) == [
        "Price: lead with the price. Observed: index of depth 212 (180 to 250)."
    ]


ROW = pd.Series(
    {
        "customers": 1234,
        "share_customers": 0.25,
        "share_sales": 0.5,
        "sales_per_customer": 987.6,
        "low": 900.4,
        "high": 1100.0,
        "recovery": 0.8,
        "recovery_error": 0.02,
        "recovery_low": 0.41,
        "recovery_high": 0.9,
        "reference": 0.61,
        "reference_high": 0.7,
        "dissolved": 0.05,
        "borderline_share": 0.2,
    }
)


def test_worth_is_said_with_its_interval_and_currency():
    assert cards.say_worth(ROW, symbol="€") == (
        "1,234 customers (25%) with 50% of sales: €988 a customer "
        "(95 % interval €900 to €1,100)."
    )


def test_firmness_is_said_beside_its_reference_with_the_dissolved_share():
    assert cards.say_firmness(ROW) == (
        "Good confidence: found again by 0.80 in resampled studies (0.41 to 0.90; "
        "customers without clusters reach 0.61, at most 0.70), dissolved in 5% of them. "
        "20% of its customers are borderline."
    )
    low = cards.say_firmness(ROW.replace({0.7: 0.81}))
    assert low.startswith("Low confidence")


def test_marks_are_said_on_both_sides_with_interval_and_who_shares_them():
    rows = marks(
        {"shared_with": (2, 3)},
        {"feature": "visits", "index": 140},
        {"feature": "share_tea", "side": "below", "index": 50, "low": 41, "high": 59},
    )
    assert cards.say_marks(rows, names=NAMES, most=4) == (
        "Above average (observed): pet care 212 (180 to 250; also Gardeners, Movers), "
        "visits 140 (180 to 250). Below (observed): tea 50 (41 to 59)."
    )
    assert "visits" not in cards.say_marks(rows, names=NAMES, most=1)
    assert "tea" in cards.say_marks(rows, names=NAMES, most=1)


def test_marks_that_built_the_segment_are_said_apart():
    rows = marks(
        {"used_to_build": True},
        {"feature": "visits", "index": 140},
        {"feature": "share_tea", "used_to_build": True},
    )
    assert cards.say_marks(rows, names=NAMES, most=4) == (
        "Above average (by construction): pet care 212 (180 to 250), tea 212 (180 to "
        "250). Above average (observed): visits 140 (180 to 250)."
    )


def test_a_mark_without_an_index_is_said_by_its_means():
    rows = marks({"feature": "trend", "index": np.nan})
    assert cards.say_marks(rows, names=NAMES, most=1) == (
        "Above average (observed): trend (mean 0.30 against 0.14)."
    )


def test_no_mark_is_said_as_such():
    assert "No difference" in cards.say_marks(marks()[:0], names=NAMES, most=3)


def habits(*features):
    return pd.DataFrame({"feature": features, "mean": 0.234, "average": 0.3})


def test_no_habit_asked_for_is_passed_over():
    rows = marks(
        {"feature": "evening_share", "side": "below"}, {"feature": "share_tea"}
    )
    both = habits("evening_share", "weekend_share")
    assert cards.say_habits(both, marks=rows, names=NAMES) == (
        "Below (observed): share of evening orders 212 (180 to 250). No clear difference "
        "in share of weekend orders 23% (all 30%)."
    )
    one = cards.say_habits(habits("evening_share"), marks=rows, names=NAMES)
    assert one == "Below (observed): share of evening orders 212 (180 to 250)."
    other = cards.say_habits(habits("weekend_share"), marks=rows, names=NAMES)
    assert other == "No clear difference in share of weekend orders 23% (all 30%)."


def test_attributes_are_never_said_without_their_coverage():
    row = {"attribute": "kids_count", "level": "3+", "share": 0.25}
    rows = pd.DataFrame([row | {"low": 0.2, "high": 0.31, "everyone": 0.1}])
    said = cards.say_attributes(rows, known=40, of=100)
    assert said.startswith("Number of children 3+: 25% (20% to 31%; all known 10%)")
    for shown in (rows, rows[:0]):
        said = cards.say_attributes(shown, known=40, of=100)
        assert said.endswith("Known for 40% of the segment.")
    assert "No attribute differs" in said


def test_neighbours_are_named_with_how_often():
    rows = pd.DataFrame({"other_id": [2, 3], "either_share": [0.154, np.nan]})
    assert cards.say_neighbours(rows, names=NAMES) == (
        "With Gardeners (15% of its customers could be in either) and Movers (few of "
        "its customers)."
    )


def test_confidence_follows_the_steps_of_the_rule_of_thumb():
    values = [1, 0.85, 0.849, 0.75, 0.749, 0.6, 0.599, np.nan]
    words = ["high", "high", "good", "good", "fair", "fair", "low", "not measured"]
    assert [
        cards.confidence(value, reference=0, error=0.0) for value in values
    ] == words


def test_what_customers_without_clusters_reach_too_gives_no_confidence():
    assert cards.confidence(0.9, reference=0.89, error=0.0) == "high"
    assert cards.confidence(0.9, reference=0.9, error=0.0) == "low"


def test_what_lies_beyond_references_by_less_than_twice_its_error_gives_none():
    assert cards.confidence(0.9, reference=0.87, error=0.014) == "high"
    assert cards.confidence(0.9, reference=0.87, error=0.016) == "low"


def test_a_segment_of_a_losing_shop_has_no_share_of_sales():
    row = {"customers": 30, "share_customers": 0.5, "share_sales": np.nan}
    row |= {"sales_per_customer": -5.0, "low": -7.0, "high": -3.0}
    assert cards.say_worth(pd.Series(row), symbol="€") == (
        "30 customers (50%): €-5 a customer (95 % interval €-7 to €-3)."
    )


def test_rules_of_the_plan_ask_only_for_features_that_are_there():
    rules = cards.plan_rules(["mailer_share"])
    assert {rule.feature for rule in rules} == {"", "mailer_share"}
    # each part but support has a rule of last resort, after those that ask for something
    assert [rule.what for rule in rules if not rule.feature] == [
        *("price", "channel", "timing", "service level")
    ]
    assert rules[1] == cards.Rule(
        "channel", "mailer_share", "above", "the weekly mailer"
    )
