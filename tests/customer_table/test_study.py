"""What decides on method and number of segments, on tables with and without classes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from helpers.clustering.criteria import Limits
from helpers.clustering.predictive_validity import Outcome
from helpers.core.errors import BadInput
from helpers.customer_table import study

LIMITS = Limits(
    min_share=0.05,
    min_agreement=0.6,
    min_excess=0.2,
    min_recovery=0.6,
    min_gain=None,
    alpha=0.05,
    min_step=0.01,
    min_strength=0.8,
    natural_excess=0.5,
)
QUICK = {
    "tried": ["kmeans", "latent_classes"],
    "k_values": [2, 3, 4, 5],
    "seed": 17,
    "n_init": 8,
    "n_bootstrap": 8,
    "bootstrap_n_init": 3,
    "n_splits": 6,
    "half_n_init": 3,
    "references": 25,
}


def items(said):
    names = [f"q{i}" for i in range(said.shape[1])]
    columns = [(name, "yes_no", ["no", "yes"]) for name in names]
    families = ["psychographic"] * len(names)
    return study.Table(said, columns, families, np.ones(len(said)), 0.0)


def planted(seed, n=400, k=3):
    rng = np.random.default_rng(seed)
    own = rng.integers(0, k, n)
    chance = np.where(np.arange(18) // 6 == np.arange(k)[:, None], 0.8, 0.2)
    said = (rng.random((n, 18)) < chance[own]).astype(float)
    said[rng.random(said.shape) < 0.1] = np.nan
    return said, own


@pytest.fixture(scope="module")
def found():
    said, own = planted(1)
    later = pd.DataFrame({"renewed": (own == 0) * 1.0})
    aim = Outcome("renewed", "amount", later, pd.Series(True, index=later.index))
    return study.study(items(said), aim=aim, **QUICK), own


@pytest.mark.slow
def test_planted_classes_are_found_and_called_natural(found):
    one, own = found
    criteria = study.judge(one.criteria, LIMITS)
    decided = study.decide(criteria, limits=LIMITS, explained=one.explained)
    assert (decided.k, decided.verdict) == (3, "natural")
    labels = one.labels[decided.method, decided.k]
    assert adjusted_rand_score(own, labels) > 0.85
    assert decided.runner_up is not None


@pytest.mark.slow
def test_segments_are_judged_by_what_they_explain_of_an_outcome(found):
    criteria = found[0].criteria
    assert (criteria.loc[("kmeans", 3), ["gain", "explained_low"]] > 0.6).all()
    assert (criteria.loc[("kmeans", 3), "gain"]) > criteria.loc[("kmeans", 2), "gain"]


@pytest.mark.slow
def test_criteria_are_those_of_every_method_and_number(found):
    criteria = found[0].criteria
    assert list(criteria.index) == [(m, k) for m in QUICK["tried"] for k in range(2, 6)]
    assert criteria["smallest"].between(0, 0.5).all()
    halves = found[0].halves.groupby(["method", "k"], sort=False)["agreement"].mean()
    assert criteria["halves"].tolist() == pytest.approx(halves.tolist())


@pytest.mark.slow
def test_answering_styles_alone_are_no_natural_segments():
    rng = np.random.default_rng(5)
    style = np.where(rng.random(200) < 0.5, 0.85, 0.2)
    said = (rng.random((200, 20)) < style[:, None]).astype(float)
    one = study.study(items(said), **QUICK)
    criteria = study.judge(one.criteria, LIMITS)
    assert set(criteria["verdict"]) == {"constructive"}
    assert criteria.loc[("kmeans", 2), "halves"] > 0.8  # stable all the same
    assert criteria.loc[("kmeans", 2), "null"] == "answering styles"


def laid_out(**rows):
    """Lay out criteria: method -> excess of k = 2 and 3; all pass but those below 0."""
    index = pd.MultiIndex.from_tuples(
        [(m, k) for m in rows for k in (2, 3)], names=["method", "k"]
    )
    excess = [value for values in rows.values() for value in values]
    table = pd.DataFrame({"excess": excess, "excess_error": 0.01}, index=index)
    passes = table["excess"] >= 0
    return table.assign(
        passes=passes, verdict=np.where(passes, "constructive", "not usable")
    )


def test_the_method_of_the_larger_excess_is_taken_and_k_means_where_none_is():
    alike = laid_out(kmeans=[0.3, 0.2], latent_classes=[0.31, 0.2])
    assert study.decide(alike, limits=LIMITS).method == "kmeans"
    better = laid_out(kmeans=[0.3, 0.2], latent_classes=[0.5, 0.2])
    decided = study.decide(better, limits=LIMITS)
    assert (decided.method, decided.k) == ("latent_classes", 2)
    assert decided.runner_up == ("kmeans", 2)


def test_a_better_verdict_comes_before_a_larger_excess():
    table = laid_out(kmeans=[0.5, 0.2], latent_classes=[0.3, 0.2])
    table.loc[("latent_classes", 2), "verdict"] = "reproducible"
    assert study.decide(table, limits=LIMITS).method == "latent_classes"


def test_a_method_that_passes_comes_before_one_that_does_not():
    table = laid_out(kmeans=[-0.3, -0.2], latent_classes=[0.1, 0.0])
    decided = study.decide(table, limits=LIMITS)
    assert (decided.method, decided.verdict) == ("latent_classes", "constructive")
    none = study.decide(laid_out(kmeans=[-0.3, -0.2]), limits=LIMITS)
    assert (none.verdict, none.by_criteria) == ("not usable", None)


def test_the_run_file_may_choose():
    table = laid_out(kmeans=[0.5, 0.2], latent_classes=[0.3, 0.2])
    decided = study.decide(table, limits=LIMITS, method="latent_classes", k=3)
    assert (decided.method, decided.k, decided.overridden) == (
        "latent_classes",
        3,
        True,
    )
    with pytest.raises(BadInput, match="segment_method is 'ward'"):
        study.decide(table, limits=LIMITS, method="ward")


def test_a_half_of_too_few_different_customers_is_refused():
    said = np.tile([[0.0, 1.0], [1.0, 0.0]], (20, 1))
    with pytest.raises(BadInput, match="A half holds 2 different customers"):
        study.study(items(said), **QUICK)


# --- Around the candidates


def test_planted_classes_far_apart_are_found_and_those_on_one_spot_are_not():
    said, _ = planted(2, n=200)
    control = study.positive_control(
        items(said),
        tried=["kmeans", "medoids"],
        k=3,
        distances=[0, 4],
        seed=1,
        n_init=4,
    )
    assert control["distance"].tolist() == [0, 4]
    near, far = control[["kmeans", "medoids"]].to_numpy()
    assert (near < 0.1).all() and (far > 0.8).all()


def test_halves_are_shown_beside_the_strictest_null_model(found):
    shown = study.beside(found[0])
    assert shown.columns.tolist() == [
        *("method", "k", "observed", "reference", "p", "low", "high")
    ]
    assert len(shown) == 8
    assert (shown["low"] <= shown["high"]).all()
    first = found[0].halves.query("method == 'kmeans' and k == 2")["agreement"].mean()
    assert shown["observed"].iloc[0] == pytest.approx(first)


def numbers(raw):
    columns = [(f"n{i}", "number", []) for i in range(raw.shape[1])]
    return study.Table(raw, columns, ["x"] * raw.shape[1], np.ones(len(raw)), 0.01)


def test_the_choice_that_was_taken_comes_first_among_preparations():
    raw = np.arange(20.0).reshape(10, 2)
    taken = {"winsor": 0.01, "blocks": "mfa", "missing": "used"}
    assert study.preparations(numbers(raw))[0] == taken
    assert len(study.preparations(numbers(raw))) == 3 * 2
    raw[0, 0] = np.nan
    assert len(study.preparations(numbers(raw))) == 3 * 2 * 2
    raw[1:6, 0] = np.nan  # too few are left who lack nothing
    assert len(study.preparations(numbers(raw))) == 3 * 2
    assert len(study.preparations(items(raw[6:] % 2))) == 2


def test_other_preparations_group_all_customers_and_the_taken_one_as_the_study(found):
    table = items(planted(1)[0])
    choices = [
        {"winsor": 0.0, "blocks": "mfa", "missing": missing}
        for missing in ("used", "left out")
    ]
    settings = {"method": "kmeans", "k": 3, "seed": 17, "n_init": 8}
    labels = study.multiverse(table, choices=choices, **settings)
    assert labels[0].tolist() == found[0].labels["kmeans", 3].tolist()
    assert len(labels) == 400
    assert 0.7 < adjusted_rand_score(labels[0], labels[1]) < 1


def test_segments_of_references_are_ranked_by_how_well_they_come_back():
    settings = {"method": "kmeans", "k": 3, "n_bootstrap": 4, "n_init": 2}
    table = items(planted(2, n=120)[0])
    null = study.null_references.CLOUD
    ranked = study.recovery_by_rank(table, null=null, references=2, seed=1, **settings)
    assert ranked["rank"].tolist() == [1, 2, 3] * 2
    assert ranked["reference"].tolist() == [1] * 3 + [2] * 3
    assert ranked.groupby("reference")["value"].is_monotonic_increasing.all()
    assert ranked["value"].between(0, 1).all()


def test_sizes_are_said_by_row_and_by_survey_weight():
    assigned = pd.DataFrame(
        {
            "customer_id": list("abcd"),
            "segment_id": [1, 1, 2, 0],
            "membership": [0.6, 0.8, 0.9, np.nan],
            "borderline": [True, False, False, False],
        }
    )
    weights = pd.Series([1.0, 1.0, 6.0, 9.0], index=list("abcd"))
    one, two = study.sizes(assigned, weights).to_dict("records")
    assert (one["customers"], two["customers"]) == (2, 1)
    assert one["share_customers"] == pytest.approx(2 / 3)
    assert (one["share_weighted"], two["share_weighted"]) == (0.25, 0.75)
    assert one["median_membership"] == pytest.approx(0.7)
    assert (one["borderline"], two["borderline"]) == (0.5, 0)
