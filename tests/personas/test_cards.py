"""Sentences of persona cards, from rows whose words are known beforehand."""

import numpy as np
import pandas as pd
import pytest

from helpers.display import tables
from helpers.personas import cards, lasting, naming

NAMES = {"1": "Cooks", "2": "Gardeners", "3": "Movers"}


def marks(*changes):
    """Give one row of what marks a segment for each change of it."""
    row = {"feature": "share_pet_care", "side": "above", "index": 211.6, "low": 180.2}
    row |= {"high": 249.7, "mean": 0.3, "average": 0.14, "shared_with": ()}
    row |= {"used_to_build": False}
    return pd.DataFrame([row | change for change in changes], columns=list(row))


PET = "spends 2.1 times the average share on pet care (1.8 to 2.5 times)"


@pytest.fixture(autouse=True)
def euros():
    tables.in_currency("EUR")


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
    assert plan[0]["because"] == "depth 2.1 times the average (1.8 to 2.5 times)"


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
    assert offer["because"] == PET
    assert message["grade"] == "assumed" and message["advice"] == "“With you”"


def test_an_offer_that_no_need_speaks_for_is_assumed():
    offer, _ = cards.offer(THEME, marks({"side": "below"}, {"feature": "share_tea"}))
    assert (offer["grade"], offer["because"]) == ("assumed", "no need stands out")


def test_a_plan_says_part_advice_grade_and_reason():
    assert cards.say_plan(cards.advise(marks({"feature": "depth"}), rules=RULES)) == [
        "Price: lead with the price. Observed: depth 2.1 times the average (1.8 to 2.5 "
        "times)."
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
    assert cards.say_worth(ROW) == (
        "1,234 customers (25%) with 50% of sales: €988 per customer "
        "(95% interval €900 to €1,100)."
    )


def test_reliability_is_said_beside_its_reference_with_the_dissolved_share():
    assert cards.say_reliability(ROW) == (
        "Mostly reliable: average overlap 80% when we repeat the analysis (41% to 90%). "
        "Customers without clusters reach 61%, at most 70%. The segment dissolved in 5% of "
        "repetitions. 20% of its customers are borderline."
    )
    low = cards.say_reliability(ROW.replace({0.7: 0.81}))
    assert low.startswith("Not shown to be reliable: ")
    unknown = cards.say_reliability(ROW.replace({0.8: np.nan}))
    assert unknown == (
        "How reliable it is was not measured. 20% of its customers are borderline."
    )


def test_marks_are_said_on_both_sides_with_interval_and_who_shares_them():
    rows = marks(
        {"shared_with": (2, 3)},
        {"feature": "visits", "index": 140, "low": 118, "high": 162},
        {"feature": "share_tea", "side": "below", "index": 50, "low": 41, "high": 59},
    )
    assert cards.say_marks(rows, names=NAMES, most=4) == [
        "Spends 2.1 times the average share on pet care (1.8 to 2.5 times; observed); "
        "also Gardeners, Movers.",
        "Visits 40% above average (18% to 62%; observed).",
        "Spends a 50% smaller share on tea than average (41% to 59%; observed).",
    ]
    few = cards.say_marks(rows, names=NAMES, most=1)
    assert "Visits" not in str(few) and "tea" in str(few)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (144, "a 44% larger"),
        (108, "an 8% larger"),
        (118, "an 18% larger"),
        (20, "an 80% smaller"),
        (82, "an 18% smaller"),
        (199, "a 99% larger"),
    ],
)
def test_a_difference_has_its_article(index, said):
    row = marks({"index": index, "low": index - 1, "high": index + 1})
    assert said in cards.say_marks(row, names=NAMES, most=1)[0]


def test_marks_that_built_the_segment_are_said_so():
    rows = marks({"used_to_build": True}, {"feature": "visits"})
    built, other = cards.say_marks(rows, names=NAMES, most=4)
    assert built.endswith("times; by construction).")
    assert other == "Visits 2.1 times the average (1.8 to 2.5 times; observed)."


def test_a_mark_without_an_index_is_said_by_its_means():
    rows = marks({"feature": "trend", "index": np.nan})
    assert cards.say_marks(rows, names=NAMES, most=1) == [
        "Trend 0.30 on average (all customers: 0.14; observed)."
    ]


def test_no_mark_is_said_as_such():
    [said] = cards.say_marks(marks()[:0], names=NAMES, most=3)
    assert said.startswith("No difference from the average is clear")


def habits(*features):
    return pd.DataFrame({"feature": features, "mean": 0.234, "average": 0.3})


def test_no_habit_asked_for_is_passed_over():
    rows = marks(
        {"feature": "evening_share", "side": "below"}, {"feature": "share_tea"}
    )
    both = habits("evening_share", "weekend_share")
    mark = "Share of evening orders 2.1 times the average (1.8 to 2.5 times; observed)."
    same = "No clear difference from the average in share of weekend orders 23% (all: 30%)."
    assert cards.say_habits(both, marks=rows, names=NAMES) == [mark, same]
    one = cards.say_habits(habits("evening_share"), marks=rows, names=NAMES)
    assert one == [mark]
    other = cards.say_habits(habits("weekend_share"), marks=rows, names=NAMES)
    assert other == [same]


def test_attributes_are_never_said_without_their_coverage():
    row = {"attribute": "kids_count", "level": "3+", "share": 0.25}
    rows = pd.DataFrame([row | {"low": 0.2, "high": 0.31, "everyone": 0.1}])
    said = cards.say_attributes(rows, known=40, of=100)
    assert said.startswith(
        "Number of children 3+: 25% (20% to 31%; all known customers: 10%)"
    )
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
    # as they are written, with two digits
    values = [1, 0.847, 0.844, 0.746, 0.744, 0.596, 0.594, np.nan]
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
    assert cards.say_worth(row) == (
        "30 customers (50%): −€5 per customer (95% interval −€7 to −€3)."
    )
    hidden = row | dict.fromkeys(["sales_per_customer", "low", "high"], np.nan)
    assert cards.say_worth(hidden) == (
        "30 customers (50%); their sales are withheld, as one of them might be known by it."
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


def test_attributes_of_a_segment_are_at_most_three_that_exceed_all_known():
    row = {"segment_id": 1, "share": 0.5, "low": 0.4, "high": 0.6, "everyone": 0.3}
    distinct = pd.DataFrame(
        [
            row | {"attribute": "age", "level": "old"},
            row | {"attribute": "age", "level": "young"},
            row | {"attribute": "home", "level": "own", "share": 0.1},
        ]
    )
    assigned = pd.DataFrame({"customer_id": range(40), "segment_id": [1, 2] * 20})
    known = pd.DataFrame({"customer_id": range(40), "age": ["old", None] * 20})
    said = cards.attributes(distinct, known, assigned)
    assert said[1].startswith("Age old: 50%") and "young" not in said[1]
    assert "Home" not in said[1] and said[1].endswith("Known for 100% of the segment.")
    assert said[2].endswith("Known for 0% of the segment.")


def evidence(**changes):
    """Give one segment that buys tea, and customers with too little data."""
    row = ROW.to_dict() | {"segment_id": 1, "name": "Cooks", "customers": 100}
    rest = {**row, "segment_id": 0, "name": "Too little data"}
    compared = marks({"feature": "share_tea"}, {"feature": "weekend_share"})
    compared = compared.assign(segment_id=1, used_to_build=[True, False])
    near = pd.DataFrame(columns=["segment_id", "other_id", "either_share"])
    kept = pd.DataFrame(columns=["segment_id", "lasts"])
    given = {
        "summary": pd.DataFrame([row, rest]),
        "differences": compared,
        "marks": compared,
        "neighbours": near,
        "followed": {lasting.OWN: kept},
        "names": NAMES,
        "naming": ["share_tea"],
        "goods": True,
        "deal_high": {"Cooks": 30},
        "who": {},
    }
    return cards.Evidence(**given | changes)


def test_a_deck_has_a_card_for_each_segment_and_none_for_too_little_data():
    found, themes = evidence(), {1: naming.plain(["share_tea"])}
    plans = cards.plans(found, themes=themes)
    assert plans[1][0]["advice"] == "more of tea"
    [card] = cards.deck(found, themes=themes, plans=plans)
    assert (card.segment_id, card.name) == (1, "Cooks")
    assert list(card.parts) == [
        "How many, worth what?",
        "What do they buy?",
        "Does it last?",
        "When do they buy?",
        "How do they take deals?",
        "What else sets them apart?",
        "What to do?",
        "How reliable is it?",
        "Whom is it confused with?",
    ]
    assert card.parts["How do they take deals?"] == [
        "30% are in the high third of deal proneness."
    ]
    assert "weekend" in card.parts["When do they buy?"][0]
    # a habit has been said: it is not said once more
    assert card.parts["What else sets them apart?"][0].startswith("No difference")
    assert set(found.short) <= set(card.parts)


def test_what_must_not_be_shown_is_on_no_card_and_attributes_are_if_known():
    found = evidence(deal_high={"Cooks": "withheld"}, who={1: "Old."}, goods=False)
    themes = {1: naming.plain(["share_tea"])}
    plans = cards.plans(found, themes=themes)
    [card] = cards.deck(found, themes=themes, plans=plans)
    assert "How do they take deals?" not in card.parts
    assert card.parts["Who are they?"] == "Old."
    assert "How do they buy?" in card.parts


@pytest.mark.parametrize(
    ("goods", "action"),
    [
        (True, "Offer more of tea; try it on a random half first."),
        (False, "Serve by how they buy; try it on a random half first."),
    ],
)
def test_an_overview_has_a_line_and_an_action_for_each_segment(goods, action):
    found, themes = evidence(goods=goods), {1: naming.plain(["share_tea"])}
    plans = cards.plans(found, themes=themes)
    made = cards.deck(found, themes=themes, plans=plans)
    table = cards.overview(found, made, plans=plans, rest="Wait.")
    assert table["action"].tolist() == [action, "Wait."]
    assert table["one_line"].tolist() == ["Comes for more tea than others.", ""]
    assert table["stability"].tolist() == [0.8, 0.8]
