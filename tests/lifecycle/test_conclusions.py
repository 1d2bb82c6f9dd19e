"""What is said of the customer's life, branch by branch, as its numbers bear it."""

import re

import numpy as np
import pandas as pd
import pytest

from helpers.display import words
from helpers.lifecycle import conclusions


def counts(**last):
    """Count customers by stage at the end of two periods."""
    first = dict.fromkeys(last, 50)
    return pd.DataFrame([first, last], index=["2020Q1", "2020Q2"])


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (
            {"active": 60, "slowing": 20, "lapsed": 20},
            "At the end of 2020Q2 60% ordered as usual; 20% had lapsed",
        ),
        (
            {"active": 60, "returned": 4, "slowing": 16, "lapsed": 40},
            "At the end of 2020Q2 33% had lapsed",
        ),
        (
            {"active": 60, "slowing": 12, "lapsed": 5},
            "At the end of 2020Q2 78% ordered as usual",
        ),
        (
            {"active": 6, "returned": 3, "lapsed": 5},
            "Customers by stage at the end of 2020Q2",
        ),
    ],
)
def test_the_title_says_only_shares_that_the_table_shows(now, says):
    facts = conclusions.standing(counts(**now))
    assert words.say("stages-title", **facts) == says


def moves(*rows):
    """List customers' moves: stage, next stage, how many."""
    table = [(stage, after) for stage, after, many in rows for _ in range(many)]
    found = pd.DataFrame(table, columns=["stage", "next_stage"])
    ids = [f"c{i}" for i in range(len(found))]
    return found.assign(
        customer_id=ids, segment_id=1.0, review=pd.Timestamp("2020-03-31")
    )


MANY = {"active": 60, "slowing": 20, "lapsed": 20}
WENT = [("active", "active", 80), ("active", "lapsed", 20)]


@pytest.mark.parametrize(
    ("silent", "now", "says"),
    [
        (
            [
                ("slowing", "active", 90),
                ("slowing", "lapsed", 10),
                ("lapsed", "lapsed", 90),
            ],
            MANY,
            "Write to customers who are slowing, before they lapse.",
        ),
        (
            [
                ("slowing", "active", 50),
                ("slowing", "lapsed", 50),
                ("lapsed", "lapsed", 40),
                ("lapsed", "returned", 40),
            ],
            MANY,
            "Write to silent customers, slowing or lapsed: no difference",
        ),
        (
            [("slowing", "active", 50), ("slowing", "lapsed", 50)],
            {"active": 60, "slowing": 5, "lapsed": 30},
            "Write to nobody who is slowing now: they are fewer than 10.",
        ),
        (
            [("slowing", "lapsed", 50)],
            MANY,
            "no silent customer came back within a period.",
        ),
        ([("slowing", "active", 50)], {"active": 60}, "Leave customers alone for now"),
        ([("slowing", "active", 5)], MANY, "Find out where customers stand before"),
    ],
)
def test_whom_to_write_to_follows_who_came_back(silent, now, says):
    about = {"customers": 100, "starts_known": True}
    found = conclusions.stages(counts(**now), moves(*WENT, *silent), **about)
    assert says in found["decision"]
    assert "20.0% of the active lapse within a period." in found["size"]
    assert "nobody is called new" not in found["limit"]
    assert ("random half" in found["action"]) == (
        "Write to" in says and "nobody" not in says
    )


def test_writing_before_a_lapse_rests_on_two_rates_that_are_said():
    about = {"customers": 100, "starts_known": True}
    slowing = [("slowing", "active", 90), ("slowing", "lapsed", 30)]
    lapsed = [("lapsed", "returned", 20), ("lapsed", "lapsed", 60)]
    found = conclusions.stages(counts(**MANY), moves(*WENT, *slowing, *lapsed), **about)
    assert "before they lapse" in found["decision"]
    assert re.search(
        r"75% of the slowing do \(95% interval 6\d% to 8\d%\), and 25% of the lapsed "
        r"\(1\d% to 3\d%\)\.",
        found["size"],
    )
    few = [("lapsed", "returned", 2), ("lapsed", "lapsed", 60)]
    found = conclusions.stages(counts(**MANY), moves(*WENT, *slowing, *few), **about)
    assert found["size"].endswith("The slowing come back more often than the lapsed.")


def test_nobody_who_came_back_lately_is_said_of_the_last_period():
    before = moves(*WENT, ("slowing", "active", 30))
    after = moves(*WENT, ("slowing", "lapsed", 30))
    after = after.assign(review=pd.Timestamp("2020-06-30"))
    about = {"customers": 100, "starts_known": True}
    found = conclusions.stages(counts(**MANY), pd.concat([before, after]), **about)
    assert found["decision"].endswith("came back within the last period.")


def test_without_moves_the_stages_are_said_alone():
    about = {"customers": "withheld", "starts_known": False}
    found = conclusions.stages(counts(**MANY), None, **about)
    assert found["size"] == "At the end of 2020Q2, 20 are slowing and 20 have lapsed."
    assert found["uncertainty"] == ""
    assert "nobody is called new" in found["limit"]


def test_few_who_lapse_or_come_back_are_no_share():
    few = moves(("active", "active", 80), ("active", "lapsed", 4))
    about = {"customers": 100, "starts_known": True}
    found = conclusions.stages(counts(**MANY), few, **about)
    assert "Fewer than 10 of the active lapse" in found["size"]
    assert found["uncertainty"] == ""


def test_the_title_of_flows_leaves_out_few_customers():
    pair = {"before": "A", "after": "B"}
    back = [("lapsed", "returned", 30), ("lapsed", "lapsed", 20)]
    few = [("lapsed", "returned", 3), ("lapsed", "lapsed", 20)]
    said = [
        words.say("flows-title", **conclusions.last_moves(moves(*rows)), **pair)
        for rows in ([*WENT, *back], [*WENT, *few], back, few, WENT[:1])
    ]
    assert said == [
        "A to B: 80% of the active went on, 60% of the lapsed came back",
        "A to B: 80% of the active went on",
        "A to B: 60% of the lapsed came back",
        "Stages from A to B: too few customers for shares",
        "A to B: 100% of the active went on",
    ]


ENDS = pd.DataFrame(
    {
        "segment_id": [2, 1],
        "segment": ["Tea", "Bread"],
        "retained": [0.9, 0.7],
        "low": [0.85, 0.6],
        "high": [0.95, 0.8],
    }
)


@pytest.mark.parametrize(
    ("p_alike", "p_similar", "excess", "decision", "title"),
    [
        (0.001, 0.01, [9, -9], "segments lapse at different rates", "segments differ"),
        (0.001, 0.01, [-9, 9], "other segments lapse sooner", "segments differ"),
        (0.001, 0.5, [9, -9], "no difference is visible", "segments differ"),
        (
            0.5,
            0.5,
            [9, -9],
            "Do not treat segments",
            "no visible difference (p = 0.500)",
        ),
    ],
)
def test_groups_differ_only_as_the_tests_say(
    p_alike, p_similar, excess, decision, title
):
    found = conclusions.who_stays(
        ENDS,
        p_alike,
        (p_similar, pd.Series(excess, index=[1, 2])),
        alpha=0.05,
        group="segment",
        days=98,
        more="none",
    )
    assert "Over all periods" not in found["limit"]
    assert decision in found["decision"]
    assert title in words.say("who-stays-title", **found["facts"])
    assert (
        found["size"] == "After 98 days, 90% of Tea and 70% of Bread have not lapsed."
    )
    asks = found["action"] == "Ask first what drives Bread away."
    assert asks == ("different rates" in decision)


def test_one_group_is_compared_with_none():
    tests = (1.0, (1.0, pd.Series([0], index=[2])))
    about = {"alpha": 0.05, "group": "value tier", "days": 1, "more": "none"}
    found = conclusions.who_stays(ENDS[:1], *tests, **about)
    assert "there are no two value tiers to compare" in found["decision"]
    assert found["size"] == "After 1 day, 90% of Tea have not lapsed."
    title = words.say("who-stays-title", **found["facts"])
    assert title == "After 1 day 90% have not lapsed"


NAMES = {1: "Bread", 2: "Tea", 3: "Salt"}
AWAY = pd.DataFrame(
    {
        "segment_id": [0, 1, 2, 3],
        "share_away": [0.3, 0.116, 0.08, ">90%"],
        "share_away_low": [0.28, 0.1, 0.065, "withheld"],
        "share_away_high": [0.32, 0.133, 0.095, "withheld"],
    }
)


def test_who_went_silent_more_often_limits_that_no_difference_is_visible():
    about = {"alpha": 0.05, "group": "segment", "days": 98}
    tests = (0.5, (0.5, pd.Series([0, 0], index=[1, 2])))
    away = conclusions.went_silent(AWAY, NAMES)
    found = conclusions.who_stays(ENDS, *tests, **about, **away)
    assert "in the holdout no difference in lapses is visible" in found["decision"]
    assert found["limit"].endswith(
        "Over all periods Bread went silent more often than Tea: 11.6% (10.0% to 13.3%) "
        "and 8.0% (6.5% to 9.5%)."
    )
    alt = words.say("flows-alt", group="segment", **away)
    assert alt.startswith("Over all periods Bread went silent more often than Tea")


@pytest.mark.parametrize("ways", [AWAY[:0], AWAY[1:2], AWAY.assign(share_away_low=0.0)])
def test_intervals_that_meet_name_nobody(ways):
    away = conclusions.went_silent(ways, NAMES)
    assert away == {"more": "none"}
    alt = words.say("flows-alt", group="segment", **away)
    assert alt.startswith("Over all periods no segment visibly goes silent more often")


@pytest.mark.parametrize(
    ("tied", "says"),
    [
        (0.09, "0.09: near 0, as Gamma-Gamma assumes."),
        (-0.2, "−0.20: near 0"),
        (0.3, "0.30: not near 0, although"),
        (np.nan, "they have no correlation"),
    ],
)
def test_the_assumption_of_gamma_gamma_is_judged(tied, says):
    assert says in conclusions.unrelated(tied)


def scores(error, low, high, goes=0.8, naive=2.0):
    rows = [
        ("model", naive + error, 1.0, 3.0, goes),
        ("naive", naive, 1.5, 2.5, 0.75),
        ("difference", error, low, high, np.nan),
    ]
    columns = ["forecast", "error", "low", "high", "correlation"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize(
    ("table", "decision", "title"),
    [
        (scores(-0.5, -0.6, -0.4), "it misses by less than", "The model is nearer"),
        (scores(-0.1, -0.15, -0.05), "nearly as good", "The model is barely nearer"),
        (
            scores(-0.5, -0.6, -0.4, goes=-0.1),
            "rank nobody by it",
            "The model is nearer",
        ),
        (
            scores(-0.5, -0.6, -0.4, goes=0.6),
            "rank customers by the naive",
            "is nearer",
        ),
        (scores(-0.1, -0.3, 0.1), "does not beat it", "The model is no nearer"),
        (scores(0.2, 0.1, 0.3), "does not beat it", "The model is farther off"),
        (scores(0, 0, 0)[1:2], "no model fits", "The naive rate is off by 2.00 days"),
    ],
)
def test_a_model_is_praised_only_as_far_as_it_misses_less(table, decision, title):
    lifetime = pd.DataFrame({"value": [30.0] + [10.0] * 9})
    found = conclusions.value(table, lifetime, weeks=52)
    assert decision in found["decision"]
    assert title in words.say("value-title", **conclusions.misses(table))
    assert (
        "A tenth of customers holds 25% of the value predicted for 52" in found["size"]
    )
    nothing = conclusions.value(table, lifetime * 0, weeks=52)
    assert "No value is predicted for anybody." in nothing["size"]


def judged(*verdicts, matched=0.9):
    rows = [
        (f"c{i}", verdict, 10.0 - i, -5.0, 15.0, 2.0 - 3 * i, matched)
        for i, verdict in enumerate(verdicts)
    ]
    columns = ["touchpoint", "verdict", "difference", "low", "high", "check", "matched"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(check_low=table["check"] - 1, check_high=table["check"] + 1)


NOT, NO = "not comparable", "no difference seen"


@pytest.mark.parametrize(
    ("verdicts", "decision", "size"),
    [
        (
            [NO, NO, NOT],
            "none is followed by a visible change",
            "None of the 2 contacts that could be compared was followed by a visible change"
            " in sales. 1 contact could not be compared.",
        ),
        (
            [NO],
            "none is followed by a visible change",
            "The one contact that could be compared was not followed by a visible change"
            " in sales.",
        ),
        (
            ["more", NO, NOT, NOT],
            "Test first the contacts that are followed by a change",
            "1 of the 2 contacts that could be compared was followed by a change in sales:"
            " c0. 2 contacts could not be compared.",
        ),
        (
            ["more", "less"],
            "Test first the contacts",
            "2 of the 2 contacts that could be compared were followed by a change in sales:"
            " c0, c1.",
        ),
        (
            [NOT],
            "Read nothing into what follows a contact",
            "No contact could be compared: customers differed before. 1 contact could not"
            " be compared.",
        ),
    ],
)
def test_contacts_are_followed_by_what_their_verdicts_say(verdicts, decision, size):
    found = conclusions.contacts(judged(*verdicts))
    assert decision in found["decision"]
    assert found["size"] == size
    assert ("already differed by" in found["uncertainty"]) == (NOT in verdicts)
    assert "for the median contact, 10% of customers" in found["limit"]
    nearly_all = conclusions.contacts(judged(*verdicts, matched=0.99))
    assert "what was not measured may differ" in nearly_all["limit"]


def test_the_contact_that_differed_most_before_is_named(monkeypatch):
    monkeypatch.setattr(words, "_currency", "USD")
    found = conclusions.contacts(judged(NO, NOT, NOT))
    assert "Before a c2, sales already differed by (−$5 to −$3)" in found["uncertainty"]


@pytest.mark.parametrize(
    ("opening", "closing", "says"),
    [
        (100, 110, "grew by 10.0% over the last 4 periods"),
        (100, 90, "fell by 10.0% over the last 4 periods"),
        (100, 100, "did not change over the last 4 periods"),
        (0, 90, "began over the last 4 periods"),
    ],
)
def test_revenue_grew_fell_or_began(opening, closing, says):
    facts = conclusions.revenue(pd.Series({"opening": opening, "closing": closing}))
    said = words.say("revenue-title", periods=4, **facts)
    assert said == f"Monthly recurring revenue {says}"


ENDED = pd.DataFrame({"customer_id": range(100), "renewed": [True] * 80 + [False] * 20})


def driven(*rows):
    columns = ["driver", "unit", "log_odds", "low", "high", "p"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(odds_ratio=np.exp(table["log_odds"]))


SLOW = ("response_hours", "hour", -0.2, -0.3, -0.1, 0.001)
BACK = ("return_share", "10 points", -0.5, -0.9, -0.1, 0.01)
LIKE = ("satisfaction", "point", 0.1, -0.1, 0.3, 0.4)


@pytest.mark.parametrize(
    ("rows", "decision", "title"),
    [
        ([SLOW, BACK, LIKE], "Answer faster and fit better", "2 of 3 measures are"),
        ([SLOW, LIKE], "Look into what goes with renewal", "1 of 2 measures are"),
        ([LIKE], "Look elsewhere", "None of what was measured is visibly related"),
    ],
)
def test_what_goes_with_renewal_follows_the_regression(rows, decision, title):
    found = conclusions.renewal(ENDED, driven(*rows), None, alpha=0.05)
    assert decision in found["decision"]
    assert title in words.say("renewal-title", **found["facts"])
    assert "80% were renewed." in found["size"]
    assert ("answered late" in found["limit"]) == (SLOW in rows)
    assert f"per {rows[0][1]}: (" in found["uncertainty"]


def test_renewal_by_attitude_leaves_out_few_contracts():
    attitudes = pd.DataFrame(
        {
            "attitude": ["detractor", "promoter"],
            "contracts": [9, 50],
            "renewed": [3, 35],
        }
    )
    found = conclusions.renewal(ENDED, driven(SLOW), attitudes, alpha=0.05)
    assert "80% were renewed; of those of promoters 70%." in found["size"]
    both = attitudes.assign(contracts=[20, 50])
    found = conclusions.renewal(ENDED, driven(SLOW), both, alpha=0.05)
    assert found["size"].endswith(
        "of those of promoters 70%, of detractors fewer than 10."
    )


def test_without_drivers_only_the_rate_is_said():
    found = conclusions.renewal(ENDED, None, None, alpha=0.05)
    assert found["id"] == "renewal-rate"
    assert found["size"] == "Of 100 contracts that ended, 80% were renewed."
    note = words.say("renewal-note", **found["facts"])
    assert note == "Of all 100 contracts that ended, 80% were renewed."


def test_one_group_is_asked_first_only_if_its_score_lies_apart():
    scores = pd.DataFrame(
        {
            "segment": ["Tea", "Bread", "Few"],
            "customers": [50, 60, 5],
            "score": [40.0, 10.0, -90.0],
            "low": [30.0, 0.0, -99.0],
            "high": [50.0, 20.0, -80.0],
        }
    )
    everyone = pd.Series({"score": 22.0, "customers": 115, "low": 15.0, "high": 30.0})
    found = conclusions.satisfaction(scores, everyone, group="segment")
    assert found["decision"] == "Ask Bread first why they would not recommend us."
    overlap = scores.assign(high=[50.0, 35.0, -80.0])
    found = conclusions.satisfaction(overlap, everyone, group="segment")
    assert "no difference between segments is visible" in found["decision"]
    assert found["size"] == "The net promoter score of 115 customers is 22."


@pytest.mark.parametrize(
    ("whole", "alone", "gain", "slope", "decision", "title"),
    [
        (0.7, 0.6, (0.01, 0.1), 1.0, "order timing and the other features", "fit what"),
        (
            0.6,
            0.6,
            (-0.1, 0.1),
            0.5,
            "other features add nothing",
            "but forecast shares",
        ),
        (0.6, 0.8, (-0.2, -0.1), 1.0, "the ranking is worse", "fit what was observed"),
        (0.5, 0.5, (-0.1, 0.1), np.nan, "Draw up no list", "cannot be ranked beyond"),
    ],
)
def test_who_stays_is_ranked_only_beyond_chance(
    whole, alone, gain, slope, decision, title
):
    ranking = pd.DataFrame(
        {
            "auc": [whole + 0.05, alone + 0.05],
            "low": [whole, alone],
            "high": [whole + 0.1, alone + 0.1],
            "gain_low": [gain[0], 0],
            "gain_high": [gain[1], 0],
        }
    )
    table = pd.DataFrame(
        {"feature": ["lateness"], "difference": [-1.0], "low": [-1.3], "high": [-0.7]}
    )
    found = conclusions.traits(ranking, table, slope=slope)
    assert decision in found["decision"]
    assert title in words.say("stayed-title", **found["facts"])
    assert "Most typical of those who stay: low lateness." in found["size"]
    same = conclusions.traits(ranking, table.assign(high=0.1), slope=slope)
    assert "No difference between those who stay" in same["size"]


@pytest.mark.parametrize(
    ("pile", "known", "says"),
    [
        (
            45.0,
            "none",
            "are 45.0 times as many in the first 28 days as later. Starts were",
        ),
        ("one-day", "80%", "All orders were made on one day. Starts are known for 80%"),
    ],
)
def test_starts_are_said_as_they_were_observed(pile, known, says):
    assert says in words.say("starts", pile=pile, days=28, known=known)


def test_where_nothing_is_known_value_remains():
    days = pd.DataFrame({"customer_id": ["a", "b", "b"], "day": [0, 0, 1]})
    day = pd.Timestamp("2020-01-01")
    found = conclusions.too_early(days, first=day, last=day)
    assert found["size"] == "Fewer than 10 of 2 customers ordered on two days or more."
    assert found["limit"] == "From 2020-01-01 to 2020-01-01."
