import functools
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest

from helpers.clustering import (
    criteria as clustering_criteria,
    null_models,
    null_references,
    predictive_validity,
    stability,
)
from helpers.core.errors import BadInput, TooLittle


def held_by_halves(halves, models, *, n_splits, n_init, **more):
    """Compare halves by `stability.split` with references that are split alike."""
    measure = functools.partial(
        null_references.in_halves,
        k_values=list(halves["k"].unique()),
        n_splits=n_splits,
        n_init=n_init,
    )
    return null_references.hold(halves, models, measure=measure, **more)


def criteria(passing, natural=(), excess=None, tried=range(2, 7), error=0.05):
    """Lay out criteria: which numbers pass, which are natural, and how firm they are.

    Without `excess` the firmest is the coarsest, by 1 each.
    """
    firm = excess or {k: 10.0 - k for k in tried}
    return pd.DataFrame(
        {
            "passes": [k in passing for k in tried],
            "verdict": [
                "natural" if k in natural else f"constructive at {k}" for k in tried
            ],
            "excess": [firm.get(k, np.nan) for k in tried],
            "excess_error": error,
        },
        index=tried,
    )


def explaining(shares, error=0.004, tried=range(2, 7), rows=200):
    """Lay out what each number explains; errors of two numbers add up as they may."""
    rng = np.random.default_rng(1)
    base = pd.Series({k: shares.get(k, 0.1) for k in tried})
    noise = rng.standard_normal((rows, len(base))) * error
    noise = (noise - noise.mean(axis=0)) / noise.std(axis=0) * error
    noise[0] = 0
    return pd.DataFrame(base.to_numpy() + noise, columns=list(tried))


def decide(table, k="auto", **settings):
    return clustering_criteria.decide(table, k=k, **settings)


def test_the_firmest_number_that_passes_is_taken_and_the_next_is_the_runner_up():
    firm = {2: 0.3, 3: 0.9, 4: 0.99, 5: 0.6, 6: 0.1}
    found = decide(criteria({2, 3, 5}, excess=firm))
    assert (found.k, found.by_criteria, found.runner_up) == (3, 3, 5)
    assert found.verdict == "constructive at 3"
    assert not found.overridden
    assert found.ties == ()


def test_natural_segments_come_before_firmer_ones_that_are_not():
    found = decide(criteria({2, 3, 4, 6}, natural={3, 4, 5}))
    assert (found.k, found.runner_up, found.verdict) == (3, 4, "natural")


def test_a_natural_number_that_a_criterion_knocks_out_is_not_taken():
    assert decide(criteria({3}, natural={4})).k == 3


def test_of_natural_numbers_that_firmness_cannot_tell_apart_the_finest_is_taken():
    # Two errors of 0.05 make 0.0707: less than 0.141 apart is a tie.
    firm = {2: 0.90, 3: 0.80, 4: 0.77, 5: 0.75}
    found = decide(criteria({2, 3, 4, 5}, natural={2, 3, 4, 5}, excess=firm))
    assert found.k == 4
    # 3, 4 and 5 are less than 0.141 from 4; so is 2.
    assert found.ties == (2, 3, 5)
    # Without naturals the firmest stays.
    assert decide(criteria({2, 3, 4, 5}, excess=firm)).k == 2


def test_a_finer_number_is_taken_only_where_it_explains_more_beyond_its_error():
    firm = {2: 0.9, 3: 0.5, 4: 0.4}
    table = criteria({2, 3, 4}, excess=firm)
    # A difference of two errors of 0.004 has 0.0057: twice that is 0.011.
    step = {2: 0.10, 3: 0.13, 4: 0.135}
    assert decide(table, explained=explaining(step), min_step=0.01).k == 3
    assert decide(table, explained=explaining(step), min_step=0.05).k == 2
    assert decide(table, explained=explaining(step, error=0.03), min_step=0.01).k == 2
    assert decide(table, min_step=0.01).k == 2
    # Each step is held to the number taken before: 4 is 0.035 beyond 2, and 0.005
    # beyond 3; where 3 does not pass, it is taken.
    without = criteria({2, 4}, excess=firm)
    assert decide(without, explained=explaining(step), min_step=0.01).k == 4
    # The finer one that explains less is not, however sure that is.
    fewer = explaining({2: 0.2, 3: 0.1})
    assert decide(table, explained=fewer, min_step=0.0).k == 2


def test_the_path_holds_each_number_gone_through_and_what_it_adds():
    firm = {2: 0.9, 3: 0.5, 4: 0.4, 6: 0.3}
    step = explaining({2: 0.10, 3: 0.13, 4: 0.135, 6: 0.2})
    found = clustering_criteria.path(criteria({2, 3, 4, 6}, excess=firm), step, 0.01)
    assert list(found) == [2, 3, 6]
    assert np.isnan(found[2])
    assert [found[3], found[6]] == pytest.approx([0.03, 0.07])
    assert clustering_criteria.path(criteria(set()), step, 0.01) == {}


def test_a_coarser_number_is_never_taken_for_what_it_explains():
    table = criteria({2, 3}, excess={2: 0.1, 3: 0.9})
    assert decide(table, explained=explaining({2: 0.5, 3: 0.1}), min_step=0.01).k == 3


def test_ties_are_numbers_that_neither_firmness_nor_later_months_tell_apart():
    firm = {2: 0.50, 3: 0.55, 4: 0.45, 5: 0.40, 6: 0.54}
    table = criteria({2, 3, 4, 5}, excess=firm)
    # From 3: 2 and 4 lie within 0.141, 5 does not, 6 does not pass.
    even = decide(table)
    assert (even.k, even.ties) == (3, (2, 4))
    # 2 explains less than 3, beyond its error; so it is no tie, coarser though it is.
    less = decide(table, explained=explaining({2: 0.02, 5: 0.0}), min_step=0.01)
    assert (less.k, less.ties) == (3, (4,))
    # 4 explains more, though by too little to be taken; it can be told apart.
    more = decide(table, explained=explaining({4: 0.13}), min_step=0.05)
    assert (more.k, more.ties) == (3, (2,))
    # The tie is seen from the other side too.
    other_way = decide(table, k=4, explained=explaining({}), min_step=0.01)
    assert other_way.ties == (2, 3, 5)
    # What does not pass is tied with nothing.
    assert decide(table, k=6).ties == ()


def test_without_null_references_firmness_tells_nothing_apart():
    table = criteria({2, 3}, excess={}).assign(excess=np.nan, excess_error=np.nan)
    table = table.assign(verdict="constructive")
    found = decide(table, explained=explaining({3: 0.2}), min_step=0.01)
    assert (found.k, found.runner_up, found.ties) == (3, 2, ())
    assert decide(table).ties == (3,)


def test_where_none_passes_no_number_is_usable_and_the_fewest_are_shown():
    found = decide(criteria(set()))
    assert (found.k, found.by_criteria, found.runner_up) == (2, None, None)
    assert found.verdict == clustering_criteria.NOT_USABLE
    assert found.ties == ()


def test_a_number_set_by_a_person_is_used_though_none_passes():
    assert decide(criteria(set()), k=3).verdict == "constructive at 3"


def test_a_number_in_the_run_file_overrides_the_criteria_and_says_so():
    found = decide(criteria({2, 5}), k=3)
    assert (found.k, found.by_criteria, found.runner_up) == (3, 2, 2)
    assert found.overridden


def test_a_number_that_the_criteria_take_too_overrides_nothing():
    found = decide(criteria({2, 5}), k=2)
    assert not found.overridden
    assert found.runner_up == 5


@pytest.mark.parametrize("k", [1, 7, "seven"])
def test_a_number_that_was_not_tried_is_refused(k):
    with pytest.raises(BadInput, match="from 2 to 6"):
        decide(criteria({2}), k=k)


def test_a_decision_goes_to_json_whole():
    found = decide(criteria({2, 5}, excess={2: 0.5, 5: 0.5}), k=2)
    assert found.ties == (5,)
    assert clustering_criteria.Decision(**found.to_dict()) == found


# --- The word


EVIDENCE = {
    **{"p": 0.05, "strength": 0.76, "strength_error": 0.05, "excess": 0.5},
    **{"p_weeks": np.nan, "explained_low": np.nan},
}
RULES = {"alpha": 0.05, "min_strength": 0.8, "natural_excess": 0.5}
LIMITS = clustering_criteria.Limits(
    min_share=0.05,
    min_agreement=None,
    min_recovery=None,
    min_gain=None,
    min_excess=0.2,
    min_step=0.01,
    **RULES,
)
CASES = [
    ({}, "natural"),
    ({"strength": 0.74}, "reproducible"),
    ({"strength": 0.75, "strength_error": 0.05}, "natural"),
    ({"strength": np.nan}, "reproducible"),
    ({"excess": 0.49}, "reproducible"),
    ({"excess": np.nan}, "constructive"),
    ({"excess": 0.01, "strength": 0.1}, "reproducible"),
    ({"excess": 0.0, "strength": 0.9}, "constructive"),
    ({"p": 0.06}, "constructive"),
    ({"p": np.nan}, "constructive"),
    ({"p": np.nan, "excess": np.nan}, "constructive"),
    ({"p_weeks": 0.05, "explained_low": 0.001}, "natural"),
    ({"p_weeks": 0.06}, "not usable"),
    ({"explained_low": 0.0}, "not usable"),
    ({"explained_low": -0.01, "p_weeks": 0.9}, "not usable"),
    ({"explained_low": -0.01, "p": np.nan}, "not usable"),
]


@pytest.mark.parametrize(("change", "word"), CASES)
def test_the_verdict_follows_the_rules(change, word):
    assert clustering_criteria.verdict(**EVIDENCE | change, **RULES) == word


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"alpha": 0.04}, "constructive"),
        ({"min_strength": 0.82}, "reproducible"),
        ({"natural_excess": 0.51}, "reproducible"),
    ],
)
def test_the_verdict_hangs_on_each_rule(change, word):
    assert clustering_criteria.verdict(**EVIDENCE, **RULES | change) == word


def test_all_numbers_are_judged_by_the_same_rules():
    table = pd.DataFrame([EVIDENCE | change for change, _ in CASES])
    table = table.assign(smallest=[0.1, 0.01] + [0.1] * (len(CASES) - 2))
    found = clustering_criteria.judge(table, LIMITS)
    words = [word for _, word in CASES]
    assert found["verdict"].tolist() == words
    expected = [word != "not usable" for word in words]
    expected[1] = False  # too small
    assert found["passes"].tolist() == expected
    missed = ["none" if passed else "alpha" for passed in expected]
    missed[1] = "min_share"
    assert found["misses"].tolist() == missed
    # What was not asked of odd and even weeks, or later, is missing.
    without = clustering_criteria.judge(
        table.drop(columns=["p_weeks", "explained_low"]), LIMITS
    )
    assert without["verdict"].tolist()[:3] == words[:3]
    assert "not usable" not in without["verdict"].tolist()


@pytest.mark.parametrize(
    ("agreement", "excess", "p", "reached"),
    [
        (0.6, -1.0, 1.0, True),
        (0.59, 0.2, 0.05, True),
        (0.59, 0.19, 0.05, False),
        (0.59, 0.2, 0.06, False),
        (0.59, 0.9, np.nan, False),
        (0.6, np.nan, np.nan, True),
    ],
)
def test_agreement_passes_by_itself_or_beyond_null_references(
    agreement, excess, p, reached
):
    row = {"agreement": agreement, "excess": excess, "p": p, "gain": 0.02}
    table = pd.DataFrame([row, row | {"gain": 0.01}, row | {"gain": np.nan}])
    limits = replace(LIMITS, min_share=None, min_agreement=0.6, min_gain=0.02)
    missed = clustering_criteria.missed(table, limits)
    assert missed["min_agreement"].tolist() == [not reached] * 3
    assert missed["min_gain"].tolist() == [False, True, True]
    assert not missed["alpha"].any()
    # Without later months the gain is not asked.
    assert limits.asking(gain=True) == limits
    asked = limits.asking(gain=False)
    assert list(clustering_criteria.missed(table, asked)) == ["min_agreement", "alpha"]


@pytest.mark.parametrize(
    ("customers", "different", "tried"),
    [(100, 100, [2, 3, 4, 5, 6]), (49, 49, [2, 3, 4]), (100, 7, [2, 3]), (19, 19, [])],
)
def test_ten_customers_and_two_that_differ_are_needed_for_a_segment(
    customers, different, tried
):
    scores = pd.DataFrame({"a": np.arange(customers) % different})
    found = clustering_criteria.k_values(scores, max_k=6)
    assert list(found) == tried
    why = clustering_criteria.too_few(scores, found)
    assert why == (
        ""
        if tried
        else "Needs segments: of 19 customers 19 differ, too few for two segments of ten."
    )


@pytest.mark.parametrize(
    ("customers", "n_splits"), [(50, 16), (100, 12), (240, 5), (400, 3), (9999, 2)]
)
def test_the_fewer_the_customers_the_more_halvings(customers, n_splits):
    assert clustering_criteria.few_splits(customers) == n_splits


# --- All that is measured of customers


@pytest.fixture
def one_process():
    with joblib.parallel_config(backend="sequential"):
        yield


def customers_of_three_kinds(n=120):
    rng = np.random.default_rng(1)
    centres = np.array([[0, 0, 3.0], [3, 0, 0], [0, 3, 0]])
    kind = np.arange(n) % 3
    scores = pd.DataFrame(
        centres[kind] + 0.4 * rng.standard_normal((n, 3)), columns=list("abc")
    )
    return scores, kind


TRIED = range(2, 5)


def study_of(scores, kind, **changes):
    rng = np.random.default_rng(2)
    amount = pd.DataFrame({"later": kind + rng.normal(0, 0.1, len(kind))})
    among = pd.Series(True, index=amount.index)
    settings = {
        **{"k_values": TRIED, "seed": 3, "n_init": 3, "n_bootstrap": 4, "n_splits": 3},
        **{
            "bootstrap_n_init": 2,
            "half_n_init": 2,
            "models": {"one cloud": null_models.cloud(scores)},
        },
        **{"references": 19, "validity_n_bootstrap": 50},
        "aim": predictive_validity.Outcome("later", "amount", amount, among),
        "sales": pd.Series(rng.lognormal(4, 1, len(kind))),
    }
    return clustering_criteria.study(scores, **settings | changes), settings


def test_a_study_gathers_what_its_pieces_measure(one_process):
    scores, kind = customers_of_three_kinds()
    found, given = study_of(scores, kind)
    table = found.criteria
    assert table.index.tolist() == list(TRIED)
    assert pd.crosstab(found.labels[3], kind).gt(0).to_numpy().sum() == 3
    sizes = np.bincount(found.labels[4]) / len(scores)
    assert table.loc[4, "smallest"] == sizes.min()
    again = stability.resample(
        scores,
        prepare=stability.AsItIs,
        k_values=TRIED,
        n_bootstrap=4,
        seed=3,
        n_init=2,
    )
    ari = stability.agreement(again).query("k == 3")["ari"].mean()
    assert table.loc[3, "agreement"] == pytest.approx(ari)
    halves = stability.split(scores, k_values=TRIED, n_splits=3, seed=3, n_init=2)
    pd.testing.assert_frame_equal(found.halves, halves)
    of_three = halves[halves["k"] == 3]["strength"]
    assert table.loc[3, "strength"] == pytest.approx(of_three.mean())
    error = of_three.std(ddof=1) / np.sqrt(3)
    assert table.loc[3, "strength_error"] == pytest.approx(error)
    few = clustering_criteria.few_splits(len(scores))
    settings = {"n_splits": few, "n_init": 2, "references": 19, "seed": 3}
    held = held_by_halves(halves, given["models"], **settings)
    pd.testing.assert_frame_equal(found.held, held)
    assert table["p"].tolist() == held["p"].tolist()
    assert (table["null"] == "one cloud").all()
    # Kinds stand apart: 1 / (1 + 19), and they tell all of later sales.
    assert table.loc[3, "p"] == 0.05
    assert table.loc[3, "excess"] > 0.8
    assert table["excess"].idxmax() == 3
    assert table.loc[3, "gain"] > 0.9
    steps = found.explained[3] - found.explained[clustering_criteria.QUINTILES]
    assert table.loc[3, "gain"] == pytest.approx(steps[0])
    low = np.quantile(found.explained[3][1:], 0.025)
    assert table.loc[3, "explained_low"] == pytest.approx(low)


def test_a_study_without_models_and_later_months_says_nothing_of_them(one_process):
    scores, kind = customers_of_three_kinds(60)
    found, _ = study_of(scores, kind, models={}, aim=None, sales=None)
    missing = found.criteria[
        ["gain", "explained_low", "p", "excess", "reference_strength"]
    ]
    assert missing.isna().all(axis=None)
    assert found.criteria[["agreement", "weakest", "strength"]].notna().all(axis=None)
    judged = clustering_criteria.judge(found.criteria, LIMITS)
    assert judged["verdict"].tolist() == ["constructive"] * 3
    assert decide(judged).by_criteria is not None


class Steps:
    """Scores that are features times a factor, none of them a share."""

    def __init__(self, features, factor):
        self.columns = list("abc")
        self.weights = [""] * 3
        self.factor = factor

    def transform(self, features):
        return (features[self.columns] * self.factor).round(6)


def test_each_preparation_gets_a_row_of_its_own(one_process):
    scores, _ = customers_of_three_kinds(60)
    features = scores.assign(lines=10)
    halves = (features, features)
    choices = [{"factor": 1.0}, {"factor": 2.0}, {"factor": 0.0}]
    settings = {"n_splits": 3, "n_init": 2, "seed": 3}
    found = clustering_criteria.under_preparations(
        features,
        fit=Steps,
        choices=choices,
        halves=halves,
        k=3,
        first="one cloud",
        limits=LIMITS,
        references=19,
        **settings,
    )
    assert found["factor"].tolist() == [1, 2, 0]
    own = stability.split(scores.round(6), k_values=[3], **settings)
    assert found.loc[0, "strength"] == pytest.approx(own["strength"].mean())
    assert found.loc[0, "p"] == 0.05
    # The same customers twice as far apart are as firm; those without scores are not
    # measured.
    assert found.loc[1, "halves"] == pytest.approx(found.loc[0, "halves"])
    assert found.loc[2].drop(["factor", "verdict"]).isna().all()
    assert found["verdict"].tolist()[2] == clustering_criteria.NOT_MEASURED
    assert found["verdict"].tolist()[0] == "natural"


# --- What later notebooks learn


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
