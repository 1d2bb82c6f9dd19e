"""What is concluded of the evidence on a customer table: each branch on numbers for it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.clustering import criteria
from helpers.clustering.conclusions import asked, heads
from helpers.customer_table import conclusions
from helpers.customer_table.study import Decision
from helpers.display import words

LIMITS = criteria.Limits(
    min_share=0.05,
    min_agreement=0.6,
    min_recovery=0.6,
    min_gain=0.02,
    min_excess=0.2,
    alpha=0.05,
    min_step=0.01,
    min_strength=0.8,
    natural_excess=0.5,
)


TAKEN = ("latent_classes", 4)
USED = Decision(
    *TAKEN,
    verdict="reproducible",
    by_criteria=4,
    overridden=False,
    runner_up=("kmeans", 4),
    ties=(),
)
NONE = replace(
    USED,
    method="kmeans",
    k=2,
    verdict=criteria.NOT_USABLE,
    by_criteria=None,
    runner_up=None,
)
BORDERLINE = pd.Series([True] * 30 + [False] * 70)
OTHERS = pd.Series([0.7, 0.9])


def judged(**changes):
    """Lay out two candidates that pass, and one that misses its gain."""
    at = pd.MultiIndex.from_tuples(
        [("kmeans", 2), ("kmeans", 4), TAKEN], names=["method", "k"]
    )
    rows = {
        **{"smallest": [0.3, 0.2, 0.2], "agreement": [0.9, 0.7, 0.8]},
        **{"weakest": [0.9, 0.7, 0.75], "gain": [0.01, 0.04, 0.06]},
        **{"explained_low": [0.02, 0.02, 0.03], "p": [0.01, 0.01, 0.01]},
        **{"excess": [0.1, 0.4, 0.45], "excess_error": 0.01, "halves": 0.8},
        **{"strength": 0.7, "strength_error": 0.01, "null": "answering styles"},
        **{"reference_agreement": 0.4, "reference_strength": 0.3},
    }
    return criteria.judge(pd.DataFrame(rows, index=at).assign(**changes), LIMITS)


EXPLAINED = pd.DataFrame(
    {"kmeans 2": [0.03] * 3, "kmeans 4": [0.06] * 3, "latent_classes 4": [0.085] * 3}
)


def deciding(table=None, found=USED, explained=EXPLAINED, reasons=(), tiers=True):
    return conclusions.deciding(
        judged() if table is None else table,
        found,
        LIMITS,
        explained,
        aim="all outcomes together",
        tiers=tiers,
        borderline=BORDERLINE,
        others=OTHERS,
        reasons=list(reasons),
    )


# --- Candidates and criteria


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (("kmeans", 3), "3 segments by k-means"),
        (TAKEN, "4 segments by latent classes"),
        (("mixture", 2), "2 segments by a Gaussian mixture"),
        (("medoids", np.int64(5)), "5 segments by medoids"),
        (None, "none"),
    ],
)
def test_a_candidate_is_named_by_method_and_number(at, said):
    assert conclusions.candidate(at) == said


@pytest.mark.parametrize(
    ("beyond", "said", "head"),
    [
        ("quintiles", "later purchases explained beyond spend", "Gain over spend quin"),
        (
            "tiers",
            "of the outcomes explained beyond value tiers",
            "Gain over value tie",
        ),
        ("nothing", "Share of the outcomes explained, at", "Outcomes explained (min"),
    ],
)
def test_a_gain_is_asked_beyond_what_there_is(beyond, said, head):
    table = asked(LIMITS, beyond=beyond).set_index("parameter")
    assert said in table.loc["min_gain", "asks"]
    assert heads(LIMITS, beyond=beyond)["gain"].startswith(head)


# --- The decision


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            USED,
            "4 segments by latent classes: by the criteria. Runner-up: 4 segments by "
            "k-means. The segmentation is reproducible.",
        ),
        (
            replace(USED, runner_up=None, ties=(2, 3)),
            "4 segments by latent classes: by the criteria. There is no runner-up. The "
            "evidence cannot tell it from 2 and 3 segments of this method. The "
            "segmentation is reproducible.",
        ),
        (
            replace(USED, by_criteria=2, overridden=True),
            "4 segments by latent classes: set in the run file and not by the criteria, "
            "which take 2 segments of this method. Runner-up: 4 segments by k-means. The "
            "segmentation is reproducible.",
        ),
        (
            replace(USED, by_criteria=None, overridden=True, runner_up=None),
            "4 segments by latent classes: set in the run file and not by the criteria, "
            "by which no number of this method passes. There is no runner-up. The "
            "segmentation is reproducible.",
        ),
        (
            NONE,
            "No candidate meets the criteria; 2 segments by k-means are shown as "
            "evidence. There is no runner-up. The segmentation is not usable.",
        ),
    ],
)
def test_a_decision_is_said_as_it_came_about(found, said):
    assert conclusions.decided(found) == said


def against(table, found=NONE, tiers=True):
    return conclusions.against(table, found, LIMITS, tiers=tiers)


def test_nothing_speaks_against_what_is_handed_on():
    assert against(judged(), USED) == []


def test_the_candidate_that_misses_fewest_says_why_none_is_handed_on():
    table = judged(smallest=[0.01, 0.2, 0.01], gain=[0.0, 0.01, 0.0])
    [said] = against(table)
    assert said == (
        "We found no groups worth acting on: 4 segments by k-means come nearest to the "
        "criteria, but their gain over value tiers is 1.0% of the outcomes (2% needed)."
    )
    [said] = against(table, tiers=False)
    assert "but they explain 1.0% of the outcomes (2% needed)." in said


def test_what_the_run_file_sets_is_judged_itself():
    found = replace(NONE, overridden=True)
    table = judged(explained_low=[-0.01, 0.1, 0.1], smallest=[0.01, 0.2, 0.2])
    first, *others = against(table, found)
    assert first.endswith(
        "2 segments by k-means come nearest to the criteria, but they explain nothing "
        "of the outcomes beyond chance."
    )
    assert others[0].startswith("The smallest group holds 1.0% of customers")


def test_rivals_are_neighbours_other_methods_and_the_runner_up():
    every = [("kmeans", k) for k in (2, 3, 4, 5)] + [TAKEN, ("latent_classes", 3)]
    labels = {at: np.array([n]) for n, at in enumerate(every)}
    found = conclusions.rivals(labels, replace(USED, runner_up=("kmeans", 2)))
    assert list(found) == [
        "4 segments by latent classes",
        "3 segments by latent classes",
        "4 segments by k-means",
        "2 segments by k-means",
    ]
    assert found["2 segments by k-means"].tolist() == [0]
    assert len(conclusions.rivals(labels, replace(USED, runner_up=None))) == 3


# --- The deciding paragraph


def test_the_paragraph_says_what_was_chosen_given_up_and_would_change_it():
    said = deciding()
    assert said.startswith(
        "We use 4 segments by latent classes. We tried 3 candidates, 2 methods with 2 to "
        "4 segments each: 2 meet the criteria. The largest excess over null references "
        "among them is 0.45, of 4 segments by latent classes. 4 segments by latent "
        "classes explain 8.5% of all outcomes together, 2.5 points more than the "
        "runner-up, 4 segments by k-means. Repeated studies agree at 0.80"
    )
    assert "We give up sharp borders" in said
    assert "30% are borderline" in said
    assert "We would change our mind if" in said and "explained at least 0.01" in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"explained": pd.DataFrame()}, "How useful they are was not judged."),
        ({"explained": pd.DataFrame()}, "once an outcome can judge how useful"),
        ({"found": replace(USED, runner_up=None)}, "together; there is no runner-up."),
        (
            {"found": replace(USED, runner_up=TAKEN, method="kmeans")},
            "2.5 points less than the runner-up",
        ),
        (
            {"found": replace(USED, overridden=True, by_criteria=3)},
            "because the run file sets this; of this method the criteria take 3. We tr",
        ),
        ({"found": replace(USED, ties=(3,))}, "The evidence cannot tell 4"),
        ({"table": judged(excess=np.nan, agreement=0.9)}, "No excess over null ref"),
        (
            {
                "table": judged(strength=0.9, excess=0.7),
                "found": replace(USED, verdict="natural"),
            },
            "Natural ones come first, and the largest excess over null references among "
            "them is 0.70",
        ),
        (
            {"found": replace(USED, verdict="constructive")},
            "We give up the claim that customers come in separate groups",
        ),
        ({"table": judged(smallest=0.01)}, "segments each: none meets the criteria."),
        (
            {"table": judged(excess=[0.1, 0.5, 0.45])},
            "of 4 segments by k-means. 4 segments by latent classes explain more of all "
            "outcomes together, beyond the error.",
        ),
        (
            {"table": judged(excess=[0.1, 0.5, 0.45]), "explained": pd.DataFrame()},
            "No method is better than another beyond its error, so the one that is",
        ),
        (
            {
                "table": judged(excess=[0.1, 0.5, 0.45]),
                "found": replace(USED, method="kmeans", k=2, ties=(4,)),
            },
            "Of numbers that the evidence cannot tell from it, the finest is taken.",
        ),
    ],
)
def test_the_paragraph_has_words_for_each_branch(settings, said):
    assert said in deciding(**settings)


@pytest.mark.parametrize(
    ("tiers", "said"),
    [
        (True, "We give up offers by group; value tiers carry the report."),
        (False, "We give up offers by group. 2 methods were tried"),
    ],
)
def test_the_paragraph_says_why_no_segments_are_used(tiers, said):
    table = judged(smallest=0.01)
    found = deciding(table, NONE, reasons=["No groups."], tiers=tiers)
    assert found.startswith("We use no segments. No groups.")
    assert said in found
    assert "at least one candidate misses min_share and min_gain" in found


# --- Methods


def between(*values):
    pairs = [("kmeans", "medoids"), ("kmeans", "mixture"), ("medoids", "mixture")]
    rows = [(4, *pair, ari) for pair, ari in zip(pairs, values, strict=False)]
    return pd.DataFrame(rows, columns=["k", "method", "other", "ari"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.9, 0.85, 0.95), "Whatever the method, the segments are much the same"),
        (
            (0.9, 0.3, 0.4),
            "At 4 segments k-means and medoids draw much the same lines",
        ),
        (
            (0.5, 0.3, 0.4),
            "The lines depend on the method: at 4 segments no two methods",
        ),
        ((), "One method was tried"),
    ],
)
def test_methods_are_said_to_agree_where_they_do(values, said):
    assert conclusions.methods_agree(between(*values), k=4).startswith(said)


def test_the_finding_on_use_carries_size_and_uncertainty():
    found = conclusions.used(
        judged(),
        USED,
        borderline=BORDERLINE,
        others=OTHERS,
        methods="The lines depend on the method",
        unjudged="Not judged.",
    )
    assert found["decision"].startswith("Use 4 segments by latent classes as overlap")
    assert "30% are borderline" in found["size"]
    assert "p = 0.01 over all candidates" in found["uncertainty"]
    assert "let borderline customers get either" in found["action"]
    assert found["limit"].endswith(
        "The lines depend on the method. Other preparations agree at least at 0.70. Not "
        "judged."
    )
    natural = replace(USED, verdict="natural")
    nobody = pd.Series([False] * 9)
    sure = conclusions.used(
        judged(), natural, borderline=nobody, others=OTHERS, methods="x", unjudged=""
    )
    assert sure["decision"] == "Use 4 segments by latent classes: they stand apart."
    assert sure["action"] == "Choose offers by segment."


# --- Usefulness


def benchmark(ours, tiers, column, scores):
    designs = {
        "4 segments": ours,
        "value tiers": tiers,
        "random label": (0.0, -0.01, 0.01),
        "single best column": column,
        "all continuous scores": scores,
    }
    rows = [("spend", name, *found) for name, found in designs.items()]
    columns = ["outcome", "design", "alone", "alone_low", "alone_high"]
    return pd.DataFrame(rows, columns=columns)


LITTLE, SOME, MUCH = (0.0, -0.02, 0.02), (0.2, 0.15, 0.25), (0.5, 0.4, 0.6)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((SOME, LITTLE, LITTLE, SOME), "Use the segments where plans are made"),
        ((SOME, MUCH, LITTLE, MUCH), "Where one rule is enough, use the value tiers:"),
        ((SOME, LITTLE, MUCH, MUCH), "Where one rule is enough, use the single best c"),
        ((SOME, LITTLE, SOME, MUCH), "Where a message can follow each customer's own"),
        ((LITTLE, MUCH, MUCH, MUCH), "Do not predict spend by segment"),
    ],
)
def test_usefulness_is_claimed_where_intervals_bear_it(shares, said):
    found = conclusions.useful(benchmark(*shares), ours="4 segments", aim="spend")
    assert found["decision"].startswith(said)
    assert "the value tiers" in found["size"]
    assert "(" in found["uncertainty"]


def test_a_table_without_value_has_the_single_best_column_as_rival():
    table = benchmark(SOME, SOME, LITTLE, SOME).query("design != 'value tiers'")
    found = conclusions.useful(table, ours="4 segments", aim="spend")
    assert "value tiers" not in found["size"]
    assert "the single best column 0.0%" in found["size"]


@pytest.mark.parametrize(
    ("explained", "said"),
    [
        (0.5, "Segments are for a good part styles of answering: they explain 50%"),
        (0.49, "Segments are more than styles of answering: they explain 49%"),
    ],
)
def test_segments_count_as_style_from_a_limit_on(explained, said):
    found = {"explained": explained, "least": 0.2, "most": 0.8}
    facts = conclusions.style(found, max_style=0.5)
    assert words.say("table-choice-style", **facts).startswith(said)
    finding = words.finding("table-choice-style-found", **facts)
    assert "from 20% of the scale" in finding["size"]
