"""Estimates beside the truth, on a handful of facts."""

import pandas as pd
import pytest

from helpers.core import errors
from helpers.sources import truth as sources_truth


def test_segments_are_paired_so_that_most_customers_agree():
    found = pd.Series([1, 1, 1, 2, 2, 3, 3, 3])
    planted = pd.Series([7, 7, 8, 8, 8, 9, 9, 7])
    # 1 with 7 (two agree), 2 with 8 (two), 3 with 9 (two): no other pairing has six
    assert sources_truth.matched(found, planted) == {1: 7, 2: 8, 3: 9}


def test_a_found_segment_too_many_is_paired_with_none():
    found, planted = pd.Series([1, 1, 1, 2, 2, 3]), pd.Series([4, 4, 4, 5, 5, 5])
    assert sources_truth.matched(found, planted) == {1: 4, 2: 5}


def test_an_interval_holds_its_ends_and_nothing_beyond():
    found = pd.DataFrame({"kind": list("abc"), "effect": 0.2, "low": 0.1, "high": 0.3})
    truth = pd.DataFrame({"kind": list("cab"), "truth": [0.31, 0.1, 0.3]})
    table = sources_truth.beside(found, truth, on=["kind"], estimate="effect")
    assert table["truth"].tolist() == [0.1, 0.3, 0.31]
    assert table["inside"].tolist() == [True, True, False]
    assert table["estimate"].tolist() == [0.2, 0.2, 0.2]


def test_an_estimate_of_what_nobody_planted_is_refused():
    found = pd.DataFrame({"kind": ["z"], "effect": [0.2], "low": 0.1, "high": 0.3})
    truth = pd.DataFrame({"kind": ["a"], "truth": [0.1]})
    with pytest.raises(errors.BadInput, match=r"planted for .*'kind': 'z'"):
        sources_truth.beside(found, truth, on=["kind"], estimate="effect")


def test_planted_effects_get_the_numbers_of_the_study_and_all_stays_0():
    planted = [
        {"segment": 0, "kind": "all", "effect": 0.03},
        {"segment": 7, "kind": "visit", "effect": 0.1},
        {"segment": 8, "kind": "visit", "effect": 0.0},
    ]
    table = sources_truth.planted_effects(planted, ids={1: 7})
    assert table.to_numpy().tolist() == [[0, "all", 0.03], [1, "visit", 0.1]]


def test_real_customers_have_no_truth(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    with pytest.raises(errors.BadInput, match="only simulated data have"):
        sources_truth.truth("shop")


def test_a_table_that_no_notebook_wrote_leaves_its_section_out():
    with pytest.raises(errors.TooLittle, match="renewal_drivers has not run"):
        sources_truth.estimated("renewal_drivers", run="never_run")


@pytest.mark.parametrize(
    ("found", "decision"),
    [
        ([1] * 20 + [2] * 20, "Trust the way segments are found."),
        ([1, 2] * 20, "Do not trust the segments of this run"),
    ],
)
def test_segments_are_trusted_only_where_they_are_the_planted_ones(found, decision):
    planted = pd.Series([7] * 20 + [8] * 20)
    said = sources_truth.segments_found(pd.Series(found), planted, at_least=0.85)
    assert said["decision"].startswith(decision)
    assert "40 accounts" in said["uncertainty"]


@pytest.mark.parametrize(
    ("missed", "decision"),
    [
        (0, "Read the intervals as"),
        (3, "Read"),
        (4, "Do not read"),
        (27, "Do not read"),
    ],
)
def test_intervals_that_miss_too_often_are_not_read_as_such(missed, decision):
    # of 27, four misses or more have a chance of 4.4%, three of 15%
    inside = pd.DataFrame({"inside": [False] * missed + [True] * (27 - missed)})
    [said] = sources_truth.intervals_found(inside)
    assert said["decision"].startswith(decision)
    assert sources_truth.intervals_found(inside[:0]) == []


@pytest.mark.parametrize(
    ("planted", "alarm", "decision"),
    [
        ([False, False, True], [False, False, True], "Let the drift alarm decide"),
        ([False, True, True], [False, False, True], "Let the drift alarm decide"),
        ([False, False, True], [False, False, False], "Do not rely"),  # missed
        ([False, False, False], [True, True, False], "Do not rely"),  # cries wolf
        ([False, False, False], [False, False, False], "Let the drift alarm decide"),
    ],
)
def test_the_alarm_decides_only_where_it_was_right(planted, alarm, decision):
    said = sources_truth.alarms_found(
        pd.DataFrame({"planted": planted, "alarm": alarm})
    )
    assert said["decision"].startswith(decision)


@pytest.mark.parametrize(
    ("probability", "decision"),
    [([0.1, 0.2, 0.8, 0.9], "Let the score"), ([0.9, 0.8, 0.2, 0.1], "Do not call")],
)
def test_leads_are_called_by_a_score_that_ranks_better_than_chance(
    probability, decision
):
    leads = list("abcd")
    scores = pd.DataFrame({"lead_id": leads, "probability": probability})
    won = pd.Series([False, False, True, True], index=leads)
    chance = dict(zip(leads, [0.1, 0.2, 0.6, 0.7], strict=True))
    said = sources_truth.leads_found(scores, won=won, chance=chance)
    assert said["decision"].startswith(decision)
    assert "1.000 is the best possible" in said["size"]
