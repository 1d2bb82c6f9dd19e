"""Each conclusion on leads is that of the branch which its numbers bear."""

import numpy as np
import pandas as pd
import pytest

from helpers.display import words
from helpers.leads import conclusions

NAMES = {1: "Cooks", 2: "Movers"}
RIGHT = pd.DataFrame(
    {
        "way": ["classifier", "one field: income"],
        "agreement": [0.46, 0.35],
        "low": [0.44, 0.33],
        "high": [0.49, 0.38],
        "majority": [0.33, 0.33],
    }
)
CHOSEN = pd.Series({"typed": 0.09, "right": 0.64, "low": 0.55, "high": 0.71})
ENDS = {
    "shown": 2,
    "most": 0.71,
    "least": 0.18,
    "most_name": "Cooks",
    "least_name": "Movers",
}


def questions(after, low):
    return pd.DataFrame(
        {"fields": ["", "tea"], "right": [0.47, after], "low": [0.44, low]}
    )


def typed(branch, *, leads=False, table="none", after=0.61, low=0.58):
    asked = conclusions.asked(questions(after, low), majority=0.33)
    said = {"customers": 1545, "confidence": 0.6, "leads": leads, "table": table}
    chosen = None if branch == "guess" else CHOSEN
    return conclusions.typing(branch, RIGHT, chosen, **said, **ENDS, **asked)


@pytest.mark.parametrize(
    ("branch", "decision", "title"),
    [
        (
            "types",
            "Name a segment only from 60% confidence on; otherwise",
            "71% of Cooks",
        ),
        (
            "unsure",
            "Name no segment from these fields: at 60%",
            "71% of Cooks are found",
        ),
        ("guess", "Do not type newcomers from these fields", "No better than always"),
    ],
)
def test_a_segment_is_named_only_where_that_beats_guessing(branch, decision, title):
    found = typed(branch)
    assert found["decision"].startswith(decision)
    assert ("64% of these are right" in found["size"]) == (branch == "types")
    known = "after a first order puts 46% in the right segment (guessing: 33%)"
    assert (known in found["size"]) == (branch != "guess")
    assert ("By segment 18% to 71%" in found["uncertainty"]) == (branch != "guess")
    said = {"branch": branch, "largest": "Cooks"} | ENDS
    assert words.say("found-by-segment", **said).startswith(title)
    assert words.say("alt-found-by-segment", **said)


@pytest.mark.parametrize(
    ("after", "low", "action"),
    [
        (0.61, 0.58, "Ask for tea first: that brings it to 61%"),
        (0.48, 0.46, "Wait for more"),
    ],
)
def test_questions_are_asked_only_if_they_help_beyond_chance(after, low, action):
    assert typed("types", after=after, low=low)["action"].startswith(action)
    asked = conclusions.asked(questions(after, low), majority=0.33)
    said = words.say("questions-asked", **asked)
    assert said.startswith(f"With 1 question {after:.0%} are in the right segment")


@pytest.mark.parametrize(
    ("table", "limit"),
    [("none", "no table of leads"), ("few", "too little is known"), ("some", "here.")],
)
def test_what_leads_lack_is_said(table, limit):
    assert limit in typed("types", table=table)["limit"]
    assert "who never become customers" in typed("types", leads=True)["limit"]
    none = words.finding("typing-none", why="Too few.", table=table)
    assert ("no table of leads" in none["limit"]) == (table == "none")


def test_the_segments_found_best_and_worst_are_named():
    table = pd.DataFrame({"segment_id": [2, 1], "recall": [0.18, 0.71]})
    assert conclusions.found(table, NAMES) == ENDS
    one = conclusions.found(table[:1], NAMES)
    said = {"branch": "types", "largest": "Cooks"} | one
    assert words.say("found-by-segment", **said) == "18% of Movers are found"
    assert "and" not in words.say("alt-found-by-segment", **said).split(".")[0]


VALIDATION = pd.DataFrame(
    {
        "score": ["model", "one field: source", "base rate"],
        "auc": [0.666, 0.616, 0.5],
        "low": [0.626, 0.578, 0.5],
        "high": [0.707, 0.656, 0.5],
    }
)
PARTS = pd.DataFrame({"predicted": [0.1, 0.5], "low": [0.05, 0.1], "high": [0.2, 0.3]})


@pytest.mark.parametrize(
    ("low", "held", "decision"),
    [
        (0.626, 0.4, "Work the leads by expected value; the best 30% hold 44% of the"),
        (0.626, np.nan, "Work the leads by their chance; the best 30% hold 44% of the"),
        (0.49, 0.4, "Work the leads in the order they came: the score does not order"),
    ],
)
def test_leads_are_ranked_only_if_the_score_orders_them(low, held, decision):
    table = VALIDATION.copy()
    table.loc[0, "low"] = low
    first = {"wins": 100, "wins_first": 44, "worth_share": 0.54}
    said = {"held": held, "worth_known": held == 0.4, "worked": 0.3, "open_leads": 99}
    calibrated = conclusions.calibrated(PARTS)
    found = conclusions.scoring(table, first, **said, **calibrated)
    assert found["decision"].startswith(decision)
    assert (
        "AUC 0.666 on the latest leads (the best single field, source: 0.616)"
        in (found["size"])
    )
    ranked = "99 open leads are ranked" in found["size"]
    assert ranked == (low > 0.5) == ("no proof" in found["limit"])
    assert "in 1 of 2 parts" in found["uncertainty"]
    few = conclusions.scoring(table, first, **said | {"open_leads": 7}, **calibrated)
    assert "Fewer than 10 open leads" in few["size"]
    none = conclusions.scoring(table, first, **said | {"open_leads": 0}, **calibrated)
    assert "No lead is open." in none["size"]
    title = words.say("gain", orders=low > 0.5, share=0.3, model=0.48)
    assert title.startswith("The best 30%") == (low > 0.5)
