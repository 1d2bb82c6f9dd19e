"""Each conclusion is that of the branch which its numbers bear."""

import numpy as np
import pandas as pd
import pytest

from helpers.activation import conclusions, offers
from helpers.display import words


def judged(**differences):
    """Judge ways by hand: way -> points over popularity with one item and with ten."""
    rows = [
        {"n": n, "way": way, "hit_rate": 0.4, "difference": points / 100}
        | {"p_adjusted": 0.01 if abs(points) >= 2 else 0.6, "customers": 200}
        for way, both in ({"popularity": (0, 0)} | differences).items()
        for n, points in zip((1, 10), both, strict=True)
    ]
    return pd.DataFrame(rows).assign(
        difference_low=lambda t: t["difference"] - 0.019,
        difference_high=lambda t: t["difference"] + 0.019,
    )


def concluded(**differences):
    table = judged(**differences)
    verdicts = offers.verdicts(table, alpha=0.05)
    return verdicts, conclusions.next_item(table, verdicts)


@pytest.mark.parametrize(
    ("segment", "similar", "verdict", "advice"),
    [
        ((-3, 0), (2.4, 1), "loses", "by similar items, not by segment: that does"),
        ((0, 1), (2.4, 1), "same", "by similar items."),
        ((5, 3), (2.4, 1), "beats", "by segment."),
        ((5, 3), (-2, 0), "beats", "by segment, not by similar items: that does"),
        ((-3, 3), (0, 0), "depends", "by popularity: no other way beats it."),
        ((-3, 0), (0, 0), "loses", "by popularity, not by segment: that does worse."),
        ((-3, 0), (-2, 0), "loses", "by popularity, not by segment or by similar it"),
        ((0, 0), (0, 0), "same", "by popularity: no other way beats it."),
    ],
)
def test_the_next_item_is_chosen_by_what_wins_and_not_by_what_loses(
    segment, similar, verdict, advice
):
    verdicts, found = concluded(segment=segment, **{"similar items": similar})
    assert verdicts.loc["segment", "verdict"] == verdict
    assert found["decision"].startswith(f"Choose the next item {advice}")
    title = words.say("hit-rates", **found["facts"])
    assert title.startswith("Nothing beats") == ("popularity" in advice[:14])


def test_wins_and_losses_are_said_alike():
    _, found = concluded(segment=(-3, -2), **{"similar items": (0.5, 2.4)})
    assert found["uncertainty"] == (
        "Recommending by similar items beats popularity. The clearest gain is with 10 "
        "items: 40.0% of customers have a hit, +2.4 points (95% interval +0.5 to +4.3). "
        "Recommending by segment loses to popularity. The clearest loss is with 1 item: "
        "40.0% of customers have a hit, −3.0 points (95% interval −4.9 to −1.1; adjusted "
        "p 0.010)."
    )
    assert found["size"].startswith("Customers with a hit when 10 items are")
    _, found = concluded(segment=(-3, 4), **{"similar items": (0.5, 1)})
    assert (
        "segment beats popularity with some numbers of items and loses"
        in (found["uncertainty"])
    )
    assert (
        "similar items differs from popularity by no more than chance"
        in (found["uncertainty"])
    )


OWN = pd.DataFrame(
    {
        "segment_id": [1, 1, 2],
        "item": ["TEA · hot", "OIL", "OIL"],
        "shrunk": [2.0, 1.5, 3.0],
        "shrunk_low": [1.5, 1.2, 2.5],
        "shrunk_high": [2.5, 1.8, 3.5],
    }
)
NAMES = {1: "Cooks", 2: "Movers"}


@pytest.mark.parametrize(
    ("segment", "decision"),
    [
        ((5, 3), "Give each segment its own first item."),
        ((-3, 0), "popularity chooses better."),
        ((-3, 3), "for some numbers of items only."),
        ((0, 0), "it is no better than popularity."),
        (None, "is not known."),
    ],
)
def test_a_segments_first_item_is_offered_only_where_that_wins(segment, decision):
    verdicts = None
    if segment:
        verdicts, _ = concluded(segment=segment)
    found = conclusions.own_items(
        OWN, verdicts, NAMES, rests_on="observed", written=False
    )
    assert found["decision"].endswith(decision)
    assert "Cooks: tea (hot) 2.0 (1.5 to 2.5); Movers: oil 3.0" in found["size"]
    assert ("not judged" in found["uncertainty"]) == (segment is None)
    assert found["action"] == "Show a segment these items first in a test."
    assert "more of these is observed" in found["limit"]


TIER = pd.Series(
    {"share_customers": 0.2, "share_sales": 0.54, "holdout_sales": 90.0}, name="high"
)
LATER = {"effect": 40.0, "low": 30.0, "high": 50.0}


@pytest.mark.parametrize(
    ("share", "later", "decision"),
    [
        (0.2, LATER, "Put service where the value is: in the high tier first."),
        (0.6, LATER, "Serve no tier first: the high one holds 60% of customers."),
        (0.2, LATER | {"low": -1.0}, "Put no service in the high tier first yet"),
        (0.2, "No later window.", "Put no service in the high tier first yet"),
    ],
)
def test_service_follows_value_only_where_it_lasts(share, later, decision):
    tier = TIER.copy()
    tier["share_customers"] = share
    found = conclusions.service(tier, later, None)
    assert found["decision"].startswith(decision)
    assert found["size"] == (
        f"The high tier is {share:.0%} of customers and 54% of sales."
    )
    assert bool(found["action"]) == decision.startswith("Put service")
    assert bool(found["limit"]) == bool(found["action"])
    said = later if isinstance(later, str) else "The difference to the others is"
    assert said in found["uncertainty"]


def test_waits_are_told_of_enough_customers_only():
    waits = pd.DataFrame(
        {"customers": [12], "lift": [1.25], "low": [1.1], "high": [1.4]}, index=["high"]
    )
    found = conclusions.service(TIER, LATER, waits)
    assert (
        "waits 1.25 times as long as all customers (95% interval 1.10 to 1.40)"
        in (found["uncertainty"])
    )
    found = conclusions.service(TIER, LATER, waits.assign(customers=9))
    assert "Too few of the high tier asked" in found["uncertainty"]
    assert "1.25" not in found["uncertainty"]


def effects(first, second, p=(0.01, 0.01), overall=0.03):
    """Give effects of all customers and of two segments, all kinds of campaign."""
    table = pd.DataFrame(
        {"segment_id": [0, 1, 2], "kind": "all", "effect": [overall, first, second]}
    )
    table["p"] = table["p_adjusted"] = [0.0001, *p]
    return table.assign(low=table["effect"] - 0.01, high=table["effect"] + 0.01)


@pytest.mark.parametrize(
    ("table", "decision"),
    [
        (effects(0.05, -0.04), "Contact first: Cooks. Leave alone: Movers."),
        (effects(0.05, 0.04), "Contact first: Cooks, Movers."),
        (effects(0.05, 0.04, p=(0.01, 0.2)), "Contact first: Cooks."),
        (effects(-0.05, 0.0, p=(0.01, 0.2)), "Leave alone: Cooks."),
        (effects(0.05, 0.04, p=(0.06, np.nan)), "Choose no segment for campaigns yet"),
    ],
)
def test_whom_to_contact_is_said_of_clear_effects_only(table, decision):
    said = {"alpha": 0.05, "word": "segment", "method": "Holm"}
    found = conclusions.tested(table, NAMES, **said)
    assert found["decision"].startswith(decision)
    assert "by +3.0 points (95% interval +2.0 to +4.0; p <0.001)" in found["size"]
    assert ("Cooks: " in found["size"]) == ("Cooks" in decision)


@pytest.mark.parametrize(
    ("overall", "title"),
    [
        (0.03, "Contacts change answers by +3.0 points; 1 of 2 segments show it alone"),
        (0.003, "Contacts change answers by no more than chance; 1 of 2 segments show"),
    ],
)
def test_the_title_on_effects_is_that_of_the_interval(overall, title):
    table = effects(0.05, 0.0, p=(0.01, 0.9), overall=overall)
    said = {"alpha": 0.05, "word": "segment", "method": "Holm"}
    facts = conclusions.tested(table, NAMES, **said)["facts"]
    assert words.say("effects", **facts).startswith(title)
    assert "effect taken alone" in words.say("alt-effects", **facts)


def conversion(rates, spread=0.01):
    """Give the share answered of all kinds, and of each."""
    kinds = ["all", *(f"kind {i}" for i in range(len(rates)))]
    rates = [float(np.mean(rates)), *rates]
    table = pd.DataFrame({"segment_id": 0, "kind": kinds, "rate": rates})
    return table.assign(low=table["rate"] - spread, high=table["rate"] + spread)


@pytest.mark.parametrize(
    ("rates", "few", "decision", "title"),
    [
        ((0.2, 0.1), False, "Keep kind 0 for answers", "kind 0 gets most answers: 20%"),
        ((0.2, 0.1), True, "Compare no kinds of campaign yet", "Answers: 15%"),
        ((0.2, 0.19), False, "Prefer no kind of campaign", "Answers: 20%"),
        ((0.2,), False, "Claim no effect for any campaign", "Answers: 20%"),
    ],
)
def test_no_effect_is_claimed_of_answers_alone(rates, few, decision, title):
    answered = conclusions.answers(conversion(rates), few=few)
    said = {"who": "more", "drawn": False, "drawable": True}
    found = conclusions.untested(answered, None, **said)
    assert found["decision"].startswith(decision)
    assert "effect" in found["decision"]
    assert "No placebo could be made." in found["uncertainty"]
    assert found["limit"] == (
        "Contacts went to customers who bought more before. Nobody was left out at random."
    )
    assert words.say("answers", **answered).startswith(title)
    assert "of contacts" in words.say("alt-answers", **answered, word="segment")


@pytest.mark.parametrize(
    ("before", "alarms", "title"),
    [
        (-30.0, 1, "“Effects” also appear in 1 of 2 periods"),
        (2.0, 0, "No such “effect” where the campaign did not run"),
    ],
)
def test_a_placebo_is_judged_by_the_periods_before(before, alarms, title):
    placebo = pd.DataFrame({"period": [0, -1, -2], "difference": [15.0, before, 1.0]})
    placebo = placebo.assign(
        low=placebo["difference"] - 10, high=placebo["difference"] + 10
    )
    facts = conclusions.periods(placebo)
    assert facts["alarms"] == alarms
    assert words.say("placebo", **facts).startswith(title)
    assert words.say("alt-placebo", **facts).startswith("In ")
    answered = conclusions.answers(conversion((0.2,)), few=False)
    said = {"who": "alike", "drawn": True, "drawable": False}
    found = conclusions.untested(answered, placebo, **said)
    assert ("come and go without it" in found["uncertainty"]) == bool(alarms)
    assert "Too few were left out at random" in found["limit"]
    assert found["uncertainty"].endswith("observed, not tested.")


def plans(best, rule=0.0, contacts=100):
    """Compare the best plan (low, gain), a rule and doing nothing."""
    low, gain = best
    return pd.DataFrame(
        {
            "plan": ["best", "rule", "nothing"],
            "contacts": [contacts, 50, 0],
            "cost": [50.0, 25.0, 0.0],
            "gain": [gain, rule, 0.0],
            "low": [low, rule - 1, 0.0],
            "high": [gain + 9, rule + 1, 0.0],
            "loss_chance": [0.25, 0.5, 0.0],
            "regret": [7.0, 8.0, 9.0],
        }
    )


@pytest.mark.parametrize(
    ("table", "arms", "decision", "title"),
    [
        (plans((-5.0, 10.0)), True, "No plan is shown to beat doing", "No plan is sho"),
        (
            plans((2.0, 10.0)),
            True,
            "Spend €50 of €80 by the best",
            "The best plan gain",
        ),
        (
            plans((2.0, 10.0)),
            False,
            "Spend €50 of €80 as a test only",
            "The best plan g",
        ),
        (
            plans((2.0, 10.0), rule=12.0),
            True,
            "Spend by “rule”, as a",
            "“rule” does as",
        ),
        (plans((0.0, 0.0), contacts=0), True, "Spend nothing on", "Nothing gains more"),
        (plans((-9.0, -1.0)), True, "Spend nothing on contacts", "Nothing gains more"),
    ],
)
def test_a_plan_is_advised_only_if_it_beats_doing_nothing(
    table, arms, decision, title, monkeypatch
):
    monkeypatch.setattr(words, "_currency", "EUR")
    said = {"level": 0.95, "budget": 80.0, "margin": 0.25, "cost_grade": "assumed"}
    found = conclusions.budget(table, arms=arms, grade="gain assumed", **said)
    assert found["decision"].startswith(decision)
    assert words.say("plans", **found["facts"]).startswith(title)
    assert "95% of possible worlds" in words.say("alt-plans", **found["facts"])
    assert found["uncertainty"].endswith("the chance of a loss is 25%.")
    assert "in 95% of possible worlds" in found["uncertainty"]


@pytest.mark.parametrize(
    ("smallest", "decision", "title"),
    [
        (
            0.02,
            "Run the test plan: it finds 3 points or less.",
            "The whole test finds 2.0",
        ),
        (
            0.037,
            "Run the test plan only for an effect of 3.7 points or more: 3 points need "
            "500 customers, and it has 600.",
            "The whole test finds 3.7 points; 1 of 2 segments find 3 points alone",
        ),
        (
            np.nan,
            "Do not run the test plan yet: it finds no effect",
            "The whole test fi",
        ),
    ],
)
def test_a_test_is_advised_by_what_it_can_find(smallest, decision, title):
    table = pd.DataFrame(
        {"customers": [600, 500, 100], "control": [180, 150, 30], "effect": smallest}
    )
    said = {"needed": 500, "power": 0.8, "word": "segment"}
    said |= {"cost": "none", "budget": "none"}
    found = conclusions.test(table, stated=0.03, **said)
    assert found["decision"].startswith(decision)
    assert words.say("test-size", **found["facts"]).startswith(title)
    assert words.say("alt-test-size", **found["facts"])
    assert "600 customers, 180 of them left out at random" in found["size"]
    assert "1 of 2 segments are large enough" in found["uncertainty"]


@pytest.mark.parametrize(
    ("cost", "budget", "says"),
    [
        (300.4, 200.0, "It costs about $300; the plan\u2019s budget is $200."),
        (300.4, "none", "It costs about $300."),
        ("none", "none", "80% chance."),
    ],
)
def test_a_test_says_what_it_costs_where_that_is_known(cost, budget, says):
    words.in_currency("USD")
    table = pd.DataFrame(
        {"customers": [600, 500], "control": [180, 150], "effect": 0.02}
    )
    said = {"stated": 0.03, "needed": 500, "power": 0.8, "word": "segment"}
    found = conclusions.test(table, cost=cost, budget=budget, **said)
    assert found["size"].endswith(says)


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("beyond", [True, False])
def test_a_test_is_read_out_by_its_interval(finished, beyond):
    said = words.say("read-out", finished=finished, beyond=beyond)
    assert ("leaves out 0" in said) == beyond
    assert ("nobody was treated" in said) == (not finished)
