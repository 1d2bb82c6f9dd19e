import numpy as np
import pandas as pd
import pytest

from helpers.clustering import criteria as clustering_criteria
from helpers.core.errors import BadInput, TooLittle


def criteria(passing, natural=(), tried=range(2, 7)):
    """Lay out criteria: which numbers pass, and which of them are natural."""
    return pd.DataFrame(
        {
            "passes": [k in passing for k in tried],
            "verdict": [
                "natural" if k in natural else f"constructive at {k}" for k in tried
            ],
        },
        index=tried,
    )


def test_the_largest_number_that_passes_is_taken_and_the_next_is_the_runner_up():
    found = clustering_criteria.decide(criteria({2, 3, 5}), k="auto")
    assert (found.k, found.by_criteria, found.runner_up) == (5, 5, 3)
    assert found.verdict == "constructive at 5"
    assert not found.overridden


def test_natural_segments_come_before_finer_ones_that_are_not():
    found = clustering_criteria.decide(
        criteria({2, 3, 4, 6}, natural={2, 4, 5}), k="auto"
    )
    assert (found.k, found.runner_up, found.verdict) == (4, 2, "natural")


def test_a_natural_number_that_a_criterion_knocks_out_is_not_taken():
    assert clustering_criteria.decide(criteria({3}, natural={4}), k="auto").k == 3


def test_where_none_passes_no_number_is_usable_and_the_fewest_are_shown():
    found = clustering_criteria.decide(criteria(set()), k="auto")
    assert (found.k, found.by_criteria, found.runner_up) == (2, None, None)
    assert found.verdict == clustering_criteria.NOT_USABLE
    assert "no number meets the criteria" in str(found)


def test_a_number_set_by_a_person_is_used_though_none_passes():
    assert (
        clustering_criteria.decide(criteria(set()), k=3).verdict == "constructive at 3"
    )


def test_a_number_in_the_run_file_overrides_the_criteria_and_is_told_as_such():
    found = clustering_criteria.decide(criteria({2, 5}), k=3)
    assert (found.k, found.by_criteria, found.runner_up) == (3, 5, 5)
    assert found.overridden
    assert str(found) == (
        "3 segments: set in the run file and not by the criteria, which take 5. "
        "Runner-up: 5. The segmentation is constructive at 3."
    )


def test_a_number_that_the_criteria_take_too_overrides_nothing():
    found = clustering_criteria.decide(criteria({2, 5}), k=5)
    assert not found.overridden
    assert "by the criteria" in str(found)
    assert found.runner_up == 2


def test_a_number_set_where_none_passes_is_told_as_such():
    assert "which take none" in str(clustering_criteria.decide(criteria(set()), k=4))


@pytest.mark.parametrize("k", [1, 7, "seven"])
def test_a_number_that_was_not_tried_is_refused(k):
    with pytest.raises(BadInput, match="from 2 to 6"):
        clustering_criteria.decide(criteria({2}), k=k)


def test_a_decision_goes_to_json_whole():
    found = clustering_criteria.decide(criteria({2, 5}), k=3)
    assert clustering_criteria.Decision(**found.to_dict()) == found


ALL = {"silhouette": 0.05, "agreement": 0.05, "prediction_strength": 0.05}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, "natural"),
        ({"strength": 0.74}, "reproducible"),
        ({"silhouette": 0.24}, "reproducible"),
        ({"silhouette": np.nan}, "reproducible"),
        ({"strength": 0.75, "strength_error": 0.05}, "natural"),
        ({"strength": np.nan}, "reproducible"),
        ({"beyond": ALL | {"silhouette": 0.1}}, "reproducible"),
        ({"beyond": ALL | {"prediction_strength": 0.1}}, "reproducible"),
        ({"beyond": ALL | {"prediction_strength": np.nan}}, "reproducible"),
        ({"beyond": ALL | {"agreement": 0.1}}, "constructive"),
        ({"beyond": ALL | {"agreement": np.nan}}, "constructive"),
        ({"alpha": 0.04}, "constructive"),
        ({"p_weeks": 0.05, "told_low": 0.001}, "natural"),
        ({"p_weeks": 0.06}, "not usable"),
        ({"told_low": 0.0}, "not usable"),
        ({"told_low": -0.01, "p_weeks": 0.9}, "not usable"),
    ],
)
def test_the_verdict_follows_the_rules(change, word):
    settings = {
        "beyond": ALL,
        "silhouette": 0.25,
        "strength": 0.76,
        "strength_error": 0.05,
        "alpha": 0.05,
        "least_silhouette": 0.25,
        "least_strength": 0.8,
    }
    assert clustering_criteria.verdict(**settings | change) == word


def test_a_verdict_on_half_of_the_evidence_is_refused():
    with pytest.raises(BadInput, match=r"\['agreement', 'prediction_strength'\]"):
        clustering_criteria.verdict(
            beyond={"silhouette": 0.05},
            silhouette=1,
            strength=1,
            strength_error=0,
            alpha=0.05,
            least_silhouette=0.25,
            least_strength=0.8,
        )


LEAST = {"smallest": 0.05, "agreement": 0.6, "gain": 0.02}


def measured(**changes):
    rows = {
        "smallest": [0.3, 0.04],
        "agreement": [0.55, 0.2],
        "gain": [0.05, 0.01],
        "p_weeks": [0.01, 0.4],
        "told_low": [0.02, 0.01],
    }
    return pd.DataFrame(rows | changes, index=[2, 3])


def why(table, verdict=clustering_criteria.NOT_USABLE, overridden=False):
    decided = clustering_criteria.Decision(2, None, overridden, None, verdict)
    return clustering_criteria.reasons_against(table, decided, least=LEAST, alpha=0.05)


def test_the_number_that_misses_fewest_criteria_says_why_no_groups_are_handed_on():
    assert why(measured()) == [
        "We found no groups worth acting on: at 2 groups, which come nearest to the "
        "criteria, repeated studies agree by 0.55 (0.6 needed)."
    ]
    assert why(measured(), verdict="natural") == []


def test_chance_and_what_was_not_measured_are_said():
    said = why(measured(p_weeks=[0.31, 0.4], told_low=[-0.01, 0.0], gain=[np.nan] * 2))
    said = " ".join(said)
    assert "no more often than by chance (p = 0.31)" in said
    assert "They explain nothing of later purchases beyond chance." in said
    assert "Gain could not be measured." in said


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))


def test_later_notebooks_learn_whether_segments_are_handed_on(home):
    usable = clustering_criteria.Decision(4, 4, False, 3, "natural")
    clustering_criteria.write(usable, run="shop", samples=[])
    assert clustering_criteria.read(run="shop")["k"] == 4
    clustering_criteria.need_segments(run="shop")
    clustering_criteria.write(
        None, run="shop", why="Needs segments: too few customers."
    )
    saved = clustering_criteria.read(run="shop")
    assert (saved["k"], saved["verdict"]) == (None, "not looked for")
    with pytest.raises(TooLittle, match="too few customers"):
        clustering_criteria.need_segments(run="shop")
    clustering_criteria.write(usable, run="shop", why="No.")
    assert clustering_criteria.read(run="shop")["k"] is None
