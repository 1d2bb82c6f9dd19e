"""What is said of segments over time, branch by branch, as their numbers bear it."""

import numpy as np
import pandas as pd
import pytest

from helpers.core.errors import TooLittle
from helpers.display import words
from helpers.refinement import conclusions

NAMES = {1: "Tea", 2: "Bread", 3: "Salt"}


def test_a_section_is_left_out_with_its_sentence():
    conclusions.need(True, "one-group", group="segment")
    with pytest.raises(TooLittle, match="There is one segment, so nobody"):
        conclusions.need(False, "one-group", group="segment")


def whole(**other):
    """Make the row of all from `migration.excess`."""
    floors = {"noise_1": 0.1, "noise_2": 0.2, "noise_4": 0.15, "noise_6": 0.12}
    found = {"customers": 400, "moved": 0.3, "noise": 0.2, "floor": 2, "excess": 0.1}
    ends = {"low": -0.1, "high": 0.2, "beyond_weeks": False}
    return pd.Series(floors | found | ends | other, dtype=object)


@pytest.mark.parametrize(
    ("low", "high", "weeks", "says"),
    [
        (0.01, 0.2, True, "Movement is clearly more than any of them."),
        (-0.2, -0.01, False, "Movement is clearly less than this."),
        (-0.1, 0.1, True, "a mood that lasts longer can explain it."),
        (-0.1, 0.1, False, "Movement is not clearly more than this."),
    ],
)
def test_the_sentence_on_floors_says_which_decides(low, high, weeks, says):
    row = whole(low=low, high=high, beyond_weeks=weeks)
    said = words.say("floors", **conclusions.floors(row))
    assert says in said
    assert "10.0% change in alternate weeks, 20.0% in blocks of two weeks, 15" in said
    assert "The largest floor decides: blocks of two weeks." in said
    none = dict.fromkeys(["noise_2", "noise_4", "noise_6"], np.nan)
    alone = words.say("floors", **conclusions.floors(whole(floor=1, **none)))
    assert "change in alternate weeks. This floor decides alone." in alone
    assert "too few: blocks of two weeks, blocks of four weeks, blocks of six" in alone


@pytest.mark.parametrize(
    ("moved", "says"),
    [
        (0.3, "30.0% changed segment, 20% would by noise alone"),
        (0.01, "Changed segment: fewer than 10 of the customers"),
        (0.99, "Changed segment: all but fewer than 10 of the customers"),
        (0.0, "0.0% changed segment, 20% would by noise alone"),
    ],
)
def test_a_title_says_no_share_of_few_customers(moved, says):
    facts = conclusions.moved(whole(moved=moved))
    assert words.say("moved-title", group="segment", **facts) == says
    assert ("none" in facts.values()) == ("fewer" in says)


@pytest.mark.parametrize(
    ("all_", "top", "says"),
    [
        (
            0.3,
            0.5,
            ["says more than movement of any of these", "more than in any random"],
        ),
        (0.1, 0.2, ["says no more than movement of any cut", "no more than a random"]),
        (-0.3, 0.1, ["move less beyond noise than any", "no more than a random"]),
    ],
)
def test_segments_are_compared_with_random_cuts(all_, top, says):
    moves = pd.DataFrame(
        {
            "segment_id": [0, 1, 2, 3],
            "customers": [100, 50, 45, 5],
            "moved": [0.4, 0.4, 0.4, 0.4],
            "excess": [all_, top, -0.1, 0.9],  # the last is too small to be shown
        }
    )
    drawn = pd.DataFrame({"excess": [-0.2, 0.2], "largest": [0.1, 0.4]})
    said = conclusions.any_cut(moves, drawn, fewest=10)
    assert all(words in said for words in says)
    assert f"of one segment is {100 * top:+.1f} points, " in said
    assert "+0.0 points on average (−20.0 to +20.0 over 2 draws)" in said
    unknown = drawn.assign(largest=np.nan)
    assert "one segment" not in conclusions.any_cut(moves, unknown, fewest=10)


def flows(*rows):
    columns = ["from_id", "to_id", "customers", "noise_1", "excess", "beyond", "shown"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(low=table["excess"] - 5, high=table["excess"] + 5)


QUIET = flows((1, 2, 30, 25, 5, False, True), (2, 1, 30, 25, 5, False, True))
CLEAR = flows((1, 2, 90, 10, 80, True, True), (2, 1, 30, 29, 1, True, False))


def test_paths_are_named_only_if_they_may_be_shown():
    assert conclusions.paths(QUIET, names=NAMES).startswith("None of 2 paths carries")
    said = conclusions.paths(CLEAR, names=NAMES)
    assert said.startswith("2 of 2 paths carry clearly more")
    assert "Tea to Bread (+80 customers, +75 to +85)." in said
    assert said.endswith("1 of them is not named, to protect the customers on it.")
    assert "Bread to Tea" not in said


def moves(**other):
    """Make `migration.excess` of all and two segments."""
    rows = [whole(segment_id=0, **other)]
    rows += [whole(segment_id=i, customers=200, **other) for i in (1, 2)]
    return pd.DataFrame(rows).infer_objects().reset_index(drop=True)


def movement(table, paths, calm=None):
    about = {"group": "segment", "period": "2020Q2", "any_cut": "Cut."}
    return conclusions.movement(table, paths, names=NAMES, calm=calm, **about)


@pytest.mark.parametrize(
    ("table", "paths", "says"),
    [
        (moves(moved=0.0), QUIET, "No customer changed segment into 2020Q2."),
        (
            moves(),
            CLEAR,
            "Follow the customers who moved from Tea to Bread; most other",
        ),
        (moves(noise=0.25), QUIET, "by itself: most of it is noise."),
        (moves(high=-0.1, low=-0.2), QUIET, "by itself: noise moves even more."),
        (moves(noise=0.1, beyond_weeks=True), QUIET, "a mood can explain it."),
        (
            moves(noise=0.1, low=0.05),
            QUIET,
            "more than by noise, along no single path.",
        ),
        (moves(noise=0.1), QUIET, "more than by noise cannot be said yet."),
    ],
)
def test_what_is_said_of_movement_follows_its_numbers(table, paths, says):
    found = movement(table, paths)
    assert says in found["decision"]
    assert "with enough data in every half were compared" in found["limit"]
    assert found["action"].startswith("Act on a customer's change")


def test_few_who_moved_are_no_share_and_no_excess():
    found = movement(moves(moved=0.01), QUIET)
    assert found["size"].startswith(
        "Into 2020Q2, fewer than 10 of the customers changed"
    )
    assert "beyond noise: " not in found["size"]
    assert "95% interval of the movement" not in found["uncertainty"]


def test_the_calm_rule_says_how_many_of_those_who_move_are_noise():
    old = np.repeat(1, 100)
    new = np.where(np.arange(100) < 20, 2, 1)
    calm = conclusions.calm(old, new, ratio=0.8, floor=0.05)
    assert (calm["calm"], calm["false"]) == ("20.0%", 0.25)
    found = movement(moves(), QUIET, calm)
    assert "20.0% of the customers move by it" in found["action"]
    assert "about 25% are noise" in found["limit"]
    nobody = conclusions.calm(old, old, ratio=0.8, floor=0.05)
    assert words.say("calm", period="2020Q2", **nobody).endswith("nobody moves.")
    assert "nobody moves by it" in movement(moves(), QUIET, nobody)["action"]


def limits(*rows):
    columns = ["kind", "segment_id", "usual", "noise"]
    return pd.DataFrame(rows, columns=columns)


def test_what_an_alarm_sees_is_said_of_the_share_with_the_widest_limit():
    shares = [("share", 1, 0.92, 0.07), ("share", 2, 0.08, 0.07)]
    left = [("movement", 1, 0.02, 0.4), ("movement", 2, 0.05, 0.5)]
    said = conclusions.sees(limits(*shares, *left), names=NAMES)
    assert "Bread usually holds 8.0%. An alarm on this share comes" in said
    assert "if it falls below 1.0% or rises above 15.0%" in said
    assert "Movement raises an alarm if 42.0% or more leave a group" in said
    said = conclusions.sees(limits(("share", 2, 0.08, 0.09), *left[:1]), names=NAMES)
    assert "usually holds 8.0%, and could vanish without an alarm on it." in said
    assert "rises above 17.0%" in said
    none = limits(("share", 2, 0.5, 0.6), ("movement", 1, 0.6, 0.5))
    said = conclusions.sees(none, names=NAMES)
    assert "No change of this share can raise an alarm" in said
    assert "No movement can be large enough" in said
    said = conclusions.sees(limits(("share", 1, 0.5, np.nan)), names=NAMES)
    assert said == "There is no limit, so no change of a share raises an alarm."


def explained(**models):
    """Make `refit.explained` of explained, gain, gain_low and gain_high, in percent."""
    rows = [(name.replace("_", " "), *row) for name, row in models.items()]
    columns = ["model", "explained", "gain", "gain_low", "gain_high"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(**{c: table[c] / 100 for c in columns[1:]})


@pytest.mark.parametrize(
    ("new", "drawn", "scores", "says"),
    [
        (
            (12, 2, 1, 3),
            [5, 6],
            (30, 20, 15, 25),
            [
                "would predict purchases better (+2.0 points, +1.0 to +3.0).",
                "explains more than all 2 random cuts",
                "Re-running changes more than random cuts differ",
                "all scores gain more (+20.0 points)",
            ],
        ),
        (
            (10.5, 0.5, -0.4, 1.4),
            [5, 11],
            (10, 0, -1, 1),
            [
                "would predict purchases no better (+0.5 points",
                "Neither explains more than the best of 2 random cuts",
                "Random cuts differ among themselves by more",
                "all scores gain about as much (+0.0 points)",
            ],
        ),
        (
            (10.6, 0.6, 0.2, 1),
            [5, 6],
            (4, -6, -8, -4),
            ["better, but by less than the 1.0 points asked for"],
        ),
        (
            (8, -2, -3, -1),
            [5, 6],
            (4, -6, -8, -4),
            ["would predict purchases worse", "all scores gain less (−6.0 points)"],
        ),
    ],
)
def test_what_rivals_say_of_a_refit_is_said_either_way(new, drawn, scores, says):
    table = explained(
        old=(10, 0, 0, 0), new=new, two_component_scores=scores, all_scores=scores
    )
    draws = pd.Series(drawn) / 100
    named = {"champion": "old", "challenger": "new"}
    said = conclusions.rivals(table, draws, **named, min_gain=0.01)
    assert all(words in said for words in says), said


MATCHED = pd.DataFrame({"what": ["kept", "split"], "jaccard": [0.9, 0.4]})


def decision(decided, alarm, **other):
    alarms = pd.DataFrame({"period": ["2020Q1", "2020Q2"], "alarm": [False, alarm]})
    facts = {"matched": MATCHED, "segments": 2, "rivals": "Rivals.", "no_rival": ""}
    facts |= {"why": "share of Tea", "limited": True, "no_limit": "few", "periods": 3}
    facts |= {"group": "segment", "alpha": 0.05, "reviews": 4, "twice": False}
    return conclusions.decision(decided, alarms, **facts | other)


@pytest.mark.parametrize(
    ("decided", "alarm", "other", "says"),
    [
        ("keep", False, {}, "Keep the segments as they are."),
        ("keep", False, {"limited": False}, "no change could be noticed yet."),
        ("watch", True, {}, "new segments are not shown to describe it better."),
        ("watch", True, {"rivals": ""}, "and watch: something changed."),
        (
            "re-segment",
            True,
            {},
            "the frozen segments no longer describe the customers.",
        ),
    ],
)
def test_the_decision_is_said_as_the_rules_decide(decided, alarm, other, says):
    found = decision(decided, alarm, **other)
    assert found["decision"].endswith(says)
    assert found["size"].startswith(
        "An alarm in 1 of 2 periods reviewed: 2020Q2." if alarm else "No alarm in 2"
    )
    assert "1 of 2 segments lives on" in found["size"]
    assert ("Rivals." in found["uncertainty"]) == ("rivals" not in other)


def test_without_a_challenger_the_decision_says_why():
    found = decision("keep", False, matched=None, no_rival="One customer.", rivals="")
    assert found["size"] == (
        "No alarm in 2 periods reviewed. There is no challenger. One customer."
    )


@pytest.mark.parametrize(
    ("beyond", "says"),
    [(0, "none of 5 lies beyond"), (1, "1 of 5 lies"), (2, "2 of 5 lie beyond their")],
)
def test_titles_count_what_lies_beyond_its_limit(beyond, says):
    facts = {"beyond": beyond, "all": 5}
    assert says in words.say("indices-title", **facts)
    assert says in words.say("shares-title", group="segment", limited=True, **facts)
    untold = words.say("shares-title", group="segment", limited=False, **facts)
    assert untold == "Shares of segments; too few periods to set limits"
