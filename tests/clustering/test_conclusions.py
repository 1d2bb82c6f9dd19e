"""What is concluded of the evidence: each branch on numbers that bear it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.clustering import conclusions, criteria
from helpers.display import words

LIMITS = criteria.Limits(
    min_share=0.05,
    min_agreement=0.6,
    min_recovery=None,
    min_gain=0.02,
    min_excess=0.2,
    alpha=0.05,
    min_step=0.01,
    min_strength=0.8,
    natural_excess=0.5,
)
USED = criteria.Decision(3, 3, False, 2, "constructive")
OTHERS = pd.Series([0.52, 0.9])
BORDERLINE = pd.Series([True] * 37 + [False] * 63)


def measured(**changes):
    rows = {
        "smallest": [0.3, 0.04],
        "agreement": [0.55, 0.2],
        "gain": [0.05, 0.01],
        "p_weeks": [0.01, 0.4],
        "explained_low": [0.02, 0.01],
        **{"excess": [0.1, 0.1], "p": [0.5, 0.5]},
    }
    return pd.DataFrame(rows | changes, index=[2, 3])


def judged(**changes):
    """Lay out two numbers of segments that pass, with all that findings say of them."""
    table = pd.DataFrame(
        {
            **{"passes": [True, True], "agreement": [0.8, 0.67]},
            **{"weakest": [0.9, 0.76], "halves": [0.6, 0.52]},
            **{"reference_agreement": 0.58, "strength": 0.46},
            **{"reference_strength": 0.5, "p": 1.0, "null": "one bent gradient"},
            "verdict": "constructive",
            **{"excess": [-0.03, -0.05], "excess_error": 0.05, "misses": "none"},
        },
        index=[2, 3],
    )
    return table.assign(**changes)


EXPLAINED = pd.DataFrame({2: [0.07] * 3, 3: [0.111] * 3})


def deciding(table=None, found=USED, limits=LIMITS, explained=EXPLAINED, reasons=()):
    return conclusions.deciding(
        judged() if table is None else table,
        found,
        limits,
        explained,
        aim="later need mix",
        borderline=BORDERLINE,
        others=OTHERS,
        reasons=list(reasons),
    )


# --- The criteria


def test_every_criterion_is_listed_with_its_limit_and_parameter():
    table = conclusions.asked(LIMITS)
    assert table["parameter"].tolist() == [
        *("min_share", "min_agreement", "min_excess", "min_gain", "alpha"),
        *("min_step", "min_strength", "natural_excess"),
    ]
    assert table["limit"].tolist()[:2] == ["0.05", "0.6"]
    every = conclusions.asked(replace(LIMITS, min_recovery=0.6))
    assert "min_recovery" in every["parameter"].tolist()
    assert all(every["asks"].str.len() > 20)


def test_the_columns_of_the_deciding_table_name_parameter_and_limit():
    heads = conclusions.heads(LIMITS)
    assert heads["smallest"] == "Smallest segment (min_share 0.05)"
    assert "alpha 0.05" in heads["p"] and "alpha 0.05" in heads["p_weeks"]
    assert "weakest" not in heads  # it is not asked


@pytest.mark.parametrize(
    ("numbers", "listed"),
    [([], "none"), ([3], "3"), ([2, 3, 5], "2, 3 and 5"), ([4, None], "4 and none")],
)
def test_numbers_are_listed_as_a_person_says_them(numbers, listed):
    assert conclusions.counted(numbers) == listed


# --- The decision


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (USED, "3 segments: by the criteria. Runner-up: 2. The segmentation is constr"),
        (
            replace(USED, ties=(2, 4)),
            "3 segments: by the criteria. Runner-up: 2. Tied with it: 2 and 4. The seg",
        ),
        (
            replace(USED, by_criteria=2, overridden=True),
            "3 segments: set in the run file and not by the criteria, which take 2. Ru",
        ),
        (
            criteria.Decision(4, None, True, None, "natural"),
            "4 segments: set in the run file and not by the criteria, which take none. "
            "There is no runner-up. The segmentation is natural.",
        ),
        (
            criteria.Decision(2, None, False, None, criteria.NOT_USABLE),
            "No number of segments meets the criteria; 2 are shown as evidence. There "
            "is no runner-up. The segmentation is not usable.",
        ),
    ],
)
def test_a_decision_is_said_as_it_came_about(found, said):
    assert conclusions.decided(found).startswith(said)


def why(table, verdict=criteria.NOT_USABLE, overridden=False):
    found = criteria.Decision(2, None, overridden, None, verdict)
    return conclusions.against(table, found, LIMITS)


def test_the_number_that_misses_fewest_criteria_says_why_no_groups_are_handed_on():
    assert why(measured()) == [
        "We found no groups worth acting on: at 2 groups, which come nearest to the "
        "criteria, repeated studies agree at 0.55 (0.60 needed) and no more than where "
        "there are no groups."
    ]
    assert why(measured(), verdict="natural") == []


def test_chance_and_what_was_not_measured_are_said():
    gain = [np.nan] * 2
    said = why(measured(p_weeks=[0.31, 0.4], explained_low=[-0.01, 0.0], gain=gain))
    said = " ".join(said)
    assert "no more often than by chance (p = 0.31)" in said
    assert "They explain nothing of later purchases beyond chance." in said
    assert "The gain could not be measured." in said


# --- The deciding paragraph


def test_the_paragraph_says_what_was_chosen_given_up_and_would_change_it():
    assert deciding() == (
        "We use 3 needs segments. We tried 2 to 3 segments: 2 and 3 meet the criteria. "
        "Of these, 2 has the largest excess (−0.03). 3 explains 4.1 points more of the "
        "later need mix, at least the 1.0 of min_step; so the criteria take 3. "
        "3 segments explain 11.1% of the later need mix, 4.1 points more than the "
        "runner-up, 2. Repeated studies agree at 0.67, and the weakest segment comes "
        "back with an average overlap of 0.76. We give up the claim that customers come "
        "in separate groups: customers without clusters can be cut as reliably (p = "
        "1.00 against one bent gradient). Of the classified customers, 37% are "
        "borderline. Other preparations of the same data agree with these segments by "
        "0.52 to 0.90. We would change our mind if repeated studies agreed by less than "
        "0.6 (min_agreement), or if a finer number met the criteria and explained at "
        "least 0.01 more of the later need mix (min_step). So would a number of "
        "segments that stands apart: p at most 0.05 (alpha) against every null model, "
        "and a high prediction strength."
    )


def path(explained=None, limits=LIMITS, **changes):
    """Say the path of 2, 3, 4 and 5, of which 4 misses the agreement."""
    rows = {"passes": [True, True, False, True], "verdict": "constructive"}
    rows |= {"excess": [-0.03, -0.05, -0.1, -0.11], "excess_error": 0.05}
    rows |= {"misses": ["none", "none", "min_agreement", "none"]}
    table = pd.DataFrame(rows | {"agreement": 0.593} | changes, index=[2, 3, 4, 5])
    if explained is None:
        shares = {2: 0.05, 3: 0.073, 4: 0.09, 5: 0.113}
        explained = pd.DataFrame({k: [share] * 3 for k, share in shares.items()})
    return conclusions.path(table, limits, explained, aim="mix")


def test_the_path_from_the_largest_excess_to_the_number_taken_is_said():
    assert path() == (
        "Of these, 2 has the largest excess (−0.03). 3 explains 2.3 points more of the "
        "mix, and 5 another 4.0 points, each at least the 1.0 of min_step; so the "
        "criteria take 5. 4 misses min_agreement (0.593 of 0.6)."
    )
    two = path(misses=["none", "none", "min_agreement, min_gain", "none"])
    assert two.endswith("4 misses min_agreement, min_gain.")
    chance = path(misses=["none", "none", "alpha", "none"])
    assert chance.endswith("take 5. 4 misses alpha.")


def test_a_path_without_a_step_says_why_it_ends():
    said = path(limits=replace(LIMITS, min_step=0.1))
    assert said.endswith(
        "No finer one explains at least 10.0 points more beyond its error (min_step), "
        "so the criteria take 2."
    )
    said = path(EXPLAINED[:0], excess=np.nan)
    assert said.startswith(
        "No excess could be measured, so 2 comes first. Later months"
    )
    assert path(passes=[False, False, False, True]) == ""


def test_a_path_among_natural_numbers_begins_with_the_finest_that_is_tied():
    said = path(EXPLAINED[:0], verdict="natural", excess=[0.9, 0.85, 0.8, 0.6])
    assert said.startswith("Natural numbers come first. Of those tied with")
    assert "largest excess, 3 is the finest (0.85)." in said


def test_a_number_that_a_person_set_is_said_to_be_set():
    table = judged(passes=[True, False])
    said = deciding(table, replace(USED, by_criteria=2, overridden=True))
    assert "because the run file sets this number; the criteria take 2." in said
    assert "only 2 meets the criteria" in said
    none = deciding(
        judged(passes=False), replace(USED, by_criteria=None, overridden=True)
    )
    assert "the criteria take none" in none and "no number meets the criteria" in none


def test_a_runner_up_that_explains_more_and_one_that_is_missing_are_said():
    assert "4.1 points less than the runner-up, 3" in deciding(
        found=criteria.Decision(2, 2, False, 3, "constructive")
    )
    assert "; there is no runner-up." in deciding(found=replace(USED, runner_up=None))


def test_ties_and_later_months_that_judge_nothing_are_said():
    assert "The evidence cannot tell 3 from 2." in deciding(
        found=replace(USED, ties=(2,))
    )
    said = deciding(explained=EXPLAINED[:0], limits=LIMITS.asking(gain=False))
    assert "Later months could not judge how useful they are." in said
    assert "or once later months can judge" in said
    assert "cannot tell" not in said


def test_what_is_given_up_follows_from_the_verdict():
    natural = deciding(judged(p=0.01), replace(USED, verdict="natural"))
    assert "We give up little: the segments stand apart from one another" in natural
    assert "with p above 0.05 (alpha)" in natural and "separate groups" not in natural
    middle = deciding(judged(p=0.02), replace(USED, verdict="reproducible"))
    assert "We give up sharp borders" in middle and "(p = 0.02" in middle


def test_where_none_is_usable_the_paragraph_says_why_and_what_would_help():
    table = criteria.judge(measured(), LIMITS)
    found = criteria.Decision(2, None, False, None, criteria.NOT_USABLE)
    said = deciding(table, found, reasons=["We found no groups.", "They are small."])
    assert said.startswith("We use no needs segments. We found no groups. They are")
    assert "at least one number misses min_share, min_agreement and min_gain." in said
    chance = measured(smallest=0.3, agreement=0.9, gain=0.1, p_weeks=0.9)
    said = deciding(criteria.judge(chance, LIMITS), found, reasons=["No groups."])
    assert said.endswith("A longer window or more customers would change our mind.")


# --- Findings


def used(table=None, found=USED, borderline=BORDERLINE, same_lines=False, samples=""):
    return conclusions.used(
        judged() if table is None else table,
        found,
        borderline=borderline,
        others=OTHERS,
        same_lines=same_lines,
        samples=samples,
    )


def test_segments_of_a_continuum_are_used_as_regions():
    found = used()
    assert "do not treat them as separate groups" in found["decision"]
    assert "Of the classified customers, 37% are borderline." in found["size"]
    assert "Verdict: constructive." in found["uncertainty"]
    assert "let borderline customers get either" in found["action"]
    assert found["limit"].startswith(
        "The criteria take 3; the runner-up is 2. Other methods draw other lines."
    )
    tied = used(found=replace(USED, ties=(2,), by_criteria=2, overridden=True))
    assert tied["limit"].startswith("The run file sets 3; the criteria take 2; the ru")
    assert "The evidence cannot tell 3 from 2." in tied["limit"]
    alone = used(found=replace(USED, runner_up=None))["limit"]
    assert "take 3; there is no runner-up. Other" in alone


def test_natural_segments_stand_apart_and_nobody_is_borderline():
    found = used(
        judged(verdict="natural"),
        replace(USED, verdict="natural"),
        borderline=~(BORDERLINE | True),
        same_lines=True,
        samples="Samples agree.",
    )
    assert found["decision"] == "Use 3 needs segments: they stand apart."
    assert found["action"] == "Choose offers by segment."
    assert "draw much the same lines" in found["limit"]
    assert found["limit"].endswith("Samples agree.")


def test_few_borderline_customers_are_not_counted():
    few = pd.Series([True] * 3 + [False] * 97)
    assert "customers, fewer than 10 are borderline." in used(borderline=few)["size"]


@pytest.mark.parametrize(
    ("takes", "ari", "said"),
    [
        ([5, 5], 0.8, "The decision does not depend on the sample."),
        ([5, 5], 0.4, "but the lines do: raise sample."),
        ([5, 4], 0.8, "but the number does: raise sample, or set k."),
        ([5, None], 0.4, "The decision depends on the sample: raise sample."),
    ],
)
def test_whether_the_decision_depends_on_the_sample_is_said(takes, ari, said):
    samples = pd.DataFrame({"takes": pd.array(takes, "Int64"), "ari": ari})
    samples = samples.assign(customers=1000, excess=0.0083)
    found = conclusions.said_of_samples(samples, min_agreement=0.6)
    assert found.startswith("Samples of 1,000 customers take ")
    assert "0.83% more squared distance" in found
    assert found.endswith(said)
    assert conclusions.said_of_samples(samples[:1], min_agreement=0.6) == ""


def standings(**alone):
    """Lay out a benchmark of one outcome: intervals are 0.01 to either side."""
    given = {
        "ours": 0.11,
        "two component scores": 0.115,
        "continuous need scores": 0.36,
    }
    given |= {"spend quintiles": 0.01, "value tier x activity": 0.004} | alone
    table = pd.DataFrame({"alone": given}).rename_axis("design")
    return table.assign(
        alone_low=table["alone"] - 0.01, alone_high=table["alone"] + 0.01
    )


@pytest.mark.parametrize(
    ("ours", "two", "said"),
    [
        (0.11, 0.115, ("explains more than cuts", "about as much as the segments")),
        (0.07, 0.12, ("explains no more than cuts", "more than the segments")),
        (0.2, 0.1, ("explains more than cuts", "less than the segments")),
    ],
)
def test_what_segments_add_is_said_by_what_their_rivals_explain(ours, two, said):
    table = standings(**{"ours": ours, "two component scores": two})
    random = pd.Series([0.04, 0.06, 0.08])
    facts = conclusions.beside_rivals(table, random, ours="ours", k=5, aim="mix")
    found = words.say("choice-rivals", **facts)
    assert f"Segments explain {ours:.1%} of the mix, centres drawn at random" in found
    assert "6.0% (4.0% to 8.0% over 3 draws)" in found
    assert [one in found for one in said] == [True, True]
    finding = words.finding("choice-scores-first", **facts)
    assert facts["every_place"] == "more"
    claim = "where they explain more than any cut at random"
    assert (claim in finding["action"]) == (ours > 0.08)


def both(sales, mix):
    return pd.concat(
        [
            standings(**sales).assign(outcome="later sales (log)"),
            standings(**mix).assign(outcome="mix"),
        ]
    ).reset_index()


RULES = "value tier x activity"


def value_and_needs(table, usable=True, aim="mix"):
    return conclusions.value_and_needs(table, ours="ours", aim=aim, usable=usable)


def test_rules_and_needs_are_read_for_what_they_predict():
    [found] = value_and_needs(both({RULES: 0.4}, {}))
    assert found["decision"].startswith("Read value from tier and activity, and wants")
    assert "explain 40% of later sales" in found["size"]
    assert "fill the offer by needs segment" in found["action"]
    assert "scores explain 36.0% of the mix" in found["limit"]


def test_segments_that_are_not_usable_carry_no_offer():
    [found] = value_and_needs(both({RULES: 0.4}, {}), usable=False)
    assert found["decision"] == "Read value from tier and activity."
    assert found["action"] == "Budget by value tier and activity."
    assert "scores" not in found["limit"]


def test_rules_that_predict_nothing_carry_no_budget():
    [found] = value_and_needs(both({RULES: 0.005}, {}))
    assert found["decision"].startswith("Do not predict sales by value tier")
    assert "(−0.5% to 1.5%)" in found["uncertainty"]
    assert found["action"].startswith("Treat customers alike")


def test_what_could_not_be_judged_is_not_said():
    unknown = dict.fromkeys(standings().index, np.nan)
    assert value_and_needs(both(unknown, {})) == []
    [found] = value_and_needs(both({RULES: 0.4}, unknown))
    assert "Of the mix" not in found["size"]
    assert found["decision"] == "Read value from tier and activity."


# --- Titles and sentences with a verb


@pytest.mark.parametrize(
    ("message", "facts", "said"),
    [
        ("choice-gap", {"steeper": True}, "The gap rises more than in references"),
        ("choice-gap", {"steeper": False}, "The gap rises no more than in references"),
        ("choice-halves", {"beyond": 0, "tried": 9}, "Halves agree no more than in"),
        ("choice-halves", {"beyond": 1, "tried": 9}, "Halves agree beyond every null model at 1 of 9 k"),
        ("choice-halves", {"beyond": 4, "tried": 9}, "Halves agree beyond every null model at 4 of 9 k"),
        ("choice-methods", {"same": True, "low": 0.9, "high": 1}, "Other methods agree with k-means at 0.90 to 1.00: they draw the same"),
        ("choice-methods", {"same": False, "low": 0.1, "high": 1}, "Other methods agree with k-means at 0.10 to 1.00: they draw other"),
        ("choice-control", {"found": "none"}, "Planted clusters exceed the references at none"),
        ("choice-control", {"found": "1, 2"}, "Planted clusters exceed the references at a distance of 1, 2: clusters that lie"),
        ("choice-preparations", {"other": 0, "tried": 5, "words": ""}, "All 5 other preparations give the same verdict."),
        ("choice-preparations", {"other": 2, "tried": 5, "words": "natural"}, "Under 2 of 5 other preparations the verdict is another: natural."),
        ("choice-recovery", {"branch": "apart", "most": 5, "least": 2}, "Segment 5 comes back most surely, segment 2 least"),
        ("choice-recovery", {"branch": "alike", "most": 1, "least": 1}, "All segments come back alike"),
        ("choice-gorge", {"natural": True, "low": 0.9, "high": 1}, "Median membership lies between 0.90 and 1.00"),
        ("choice-gorge", {"natural": False, "low": 0.3, "high": 0.4}, "No gorge between members and others"),
        ("choice-borders", {"verdict": "natural", "k": 4, "scores": 8}, "The segments stand apart from one another"),
        ("choice-borders", {"verdict": "not-usable", "k": 4, "scores": 8}, "The 4 groups below are shown as evidence; nothing"),
        ("choice-borders", {"verdict": "constructive", "k": 4, "scores": 8}, "Segments of k-means are regions between centres"),
        ("choice-one-sample", {"sampled": False, "classified": 1819}, "All 1,819 classified customers are in the sample"),
        ("choice-deals", {"known": False, "high": 0, "middle": 0}, "This run shows no sign of deals"),
    ],
)  # fmt: skip
def test_a_sentence_with_a_verb_is_chosen_by_what_was_found(message, facts, said):
    assert words.say(message, **facts).startswith(said)


def test_what_cannot_be_judged_between_weeks_is_said():
    facts = {"least": "21%", "most": "41%", "customers": "12"}
    facts |= {"fewest": 2, "finest": 10, "same": False}
    both = words.say("choice-twice", judged_weeks=True, judged_time=True, **facts)
    assert both == (
        "Between odd and even weeks, from 21% (2 segments) to 41% (10) of the customers "
        "change segment."
    )
    facts |= {"judged_weeks": True, "judged_time": True, "same": True}
    assert "weeks, 21% of the customers" in words.say("choice-twice", **facts)
    del facts["judged_weeks"], facts["judged_time"]
    none = words.say("choice-twice", judged_weeks=False, judged_time=False, **facts)
    assert none.startswith("Only 12 customers bought in odd and in even weeks")
    assert none.endswith("fewer than 20 customers bought in both.")
