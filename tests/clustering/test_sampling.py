"""Samples of customers: who is drawn, and whether another sample would decide alike."""

from dataclasses import replace
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest

from helpers.clustering import (
    criteria as clustering_criteria,
    null_models,
    null_references,
    predictive_validity,
    sampling,
    stability,
)
from helpers.features import preparation


@pytest.fixture(autouse=True, scope="module")
def one_process():
    """Do the work here: samples are too small to be worth a second process."""
    with joblib.parallel_config(backend="sequential"):
        yield


def customers(n=1000):
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:04}" for i in range(n)],
            "sales": rng.lognormal(5, 1, n),
            "orders": rng.integers(1, 60, n),
        }
    )


BY = {"sales": [0.5, 0.8], "orders": [0.5]}


def draw(people, size=100, samples=1, seed=17):
    return sampling.draw(people, by=BY, size=size, samples=samples, seed=seed)


# --- Who is drawn


def test_a_sample_is_shared_out_by_largest_remainders():
    # Of 10 places, 26, 25 and 49 of 100 customers claim 2.6, 2.5 and 4.9.
    shared = sampling.allocate(np.array([26, 25, 49]), size=10)
    assert shared.tolist() == [3, 2, 5]
    # Two claims of 1.5 on 3 places: the first of equal remainders comes first.
    assert sampling.allocate(np.array([5, 5]), size=3).tolist() == [2, 1]


def test_who_lies_at_a_cut_belongs_to_the_class_above():
    people = pd.DataFrame({"sales": [1.0, 2, 3, 4, 5], "orders": [9, 9, 1, 1, 1]})
    # The median of sales is 3, that of orders 1.
    found = sampling.strata(people, by={"sales": [0.5], "orders": [0.5]})
    assert found.tolist() == [1, 1, 3, 3, 3]


def test_each_stratum_gives_its_share_and_samples_have_no_customer_in_common():
    people = customers()
    drawn = draw(people, samples=3)
    assert [len(ids) for ids in drawn] == [100] * 3
    assert pd.concat(drawn).is_unique
    stratum = pd.Series(sampling.strata(people, by=BY), index=people["customer_id"])
    expected = stratum.value_counts() / 10
    for ids in drawn:
        assert (stratum[ids].value_counts() - expected).abs().max() < 1


def test_the_order_of_rows_does_not_matter_but_the_seed_does():
    people = customers()
    (drawn,) = draw(people)
    (again,) = draw(people.sample(frac=1, random_state=3))
    (other,) = draw(people, seed=18)
    assert again.tolist() == drawn.tolist() == sorted(drawn)
    assert len(set(other) & set(drawn)) < 30  # 10 by chance


def test_a_larger_sample_holds_almost_all_of_a_smaller_one():
    people = customers()
    (few,), (many,) = draw(people), draw(people, size=200)
    # A remainder may move one place of a stratum.
    assert len(set(few) - set(many)) <= 3


def test_a_sample_as_large_as_all_holds_everybody_and_no_other_is_drawn():
    people = customers(50)
    for size in (50, 1000):
        (drawn,) = draw(people, size=size, samples=5)
        assert drawn.tolist() == people["customer_id"].tolist()


@pytest.mark.parametrize(("size", "whole"), [(600, 1), (400, 2), (250, 4), (200, 5)])
def test_as_many_whole_samples_are_drawn_as_there_are_customers_for(size, whole):
    drawn = draw(customers(), size=size, samples=5)
    assert len(drawn) == whole
    assert pd.concat(drawn).is_unique
    # A stratum that runs dry takes a customer or so from the last sample.
    assert all(size - 6 <= len(ids) <= size for ids in drawn)


# --- Whether another sample would decide alike


def kinds(seed, n=150):
    """Lay out customers of three kinds by shares, and what they do later."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 3
    shares = rng.dirichlet([4, 4, 4], n) * 0.3
    shares[np.arange(n), kind] += 0.7
    people = pd.DataFrame(shares, columns=["share_a", "share_b", "share_c"])
    people["sales"] = rng.lognormal(5, 1, n)
    later = pd.DataFrame(shares * 100, columns=["later_a", "later_b", "later_c"])
    later["holdout_sales"] = 100.0
    return people, later


WEIGHTS = dict.fromkeys(["share_a", "share_b", "share_c"], "sales")


def fit(features):
    return preparation.fit(
        features, weights=WEIGHTS, priors={}, winsor=0.0, scaling="pareto"
    )


def study(seed, models=None):
    people, later = kinds(seed)
    needs = ["later_a", "later_b", "later_c"]
    return clustering_criteria.study(
        fit(kinds(0)[0]).transform(people),
        features=people,
        prepare=fit,
        aim=predictive_validity.aim(later, needs=needs, min_sales=50),
        sales=people["sales"],
        models=models or {},
        references=19,
        k_values=range(2, 5),
        n_bootstrap=4,
        n_splits=3,
        seed=1,
        n_init=3,
        bootstrap_n_init=2,
        half_n_init=2,
        validity_n_bootstrap=50,
    )


@pytest.fixture(scope="module")
def studies():
    # References are drawn for the first alone.
    cloud = null_models.cloud(fit(kinds(0)[0]).transform(kinds(1)[0]))
    return [study(1, {"one cloud": cloud}), study(2), study(3)]


def test_a_study_finds_kinds_that_are_there(studies):
    criteria = studies[0].criteria
    assert criteria.index.tolist() == [2, 3, 4]
    of_three = criteria.loc[3]
    assert of_three["smallest"] == pytest.approx(1 / 3, abs=0.01)
    assert of_three["agreement"] > 0.95
    assert of_three["weakest"] > 0.95
    # Later mixes are the shares, of which kinds tell nearly all and sales nothing.
    assert of_three["gain"] > 0.8
    assert criteria["agreement"].idxmax() == 3


def test_samples_are_compared_on_customers_that_their_centres_have_not_seen():
    own = np.array([[0.0], [1.0], [10.0], [11.0]])
    one = SimpleNamespace(
        scores=pd.DataFrame(own), centres={2: np.array([[0.5], [10.5]])}
    )
    # Its centres put 10 with 0 and 1: of the first sample's pairs it parts one wrongly.
    two = SimpleNamespace(
        scores=pd.DataFrame(own + 1), centres={2: np.array([[4.0], [12.0]])}
    )
    table = sampling.between([one, two], k=2).set_index(["sample", "other"])
    assert table.loc[(1, 2), "ari"] == table.loc[(2, 1), "ari"] == 1.0
    # On 1, 2, 11, 12: (0.25 + 2.25) x 2 = 5 by strange centres, 9 + 4 + 1 + 0 by own.
    assert table.loc[(1, 2), "excess"] == pytest.approx(5 / 14 - 1)
    # On 0, 1, 10, 11: 16 + 9 + 4 + 1 by strange centres, 4 x 0.25 by own.
    assert table.loc[(2, 1), "excess"] == pytest.approx(30 / 1 - 1)


LIMITS = clustering_criteria.Limits(
    min_share=0.05,
    min_agreement=0.9,
    min_recovery=0.9,
    min_gain=0.02,
    min_excess=0.2,
    alpha=0.05,
    min_step=0.01,
    min_strength=0.8,
    natural_excess=0.5,
)


def compare(studies, p_weeks=0.01, **changes):
    weeks = pd.Series(p_weeks, index=[2, 3, 4])
    limits = replace(LIMITS, **changes)
    return sampling.compare(studies, k=3, limits=limits, p_weeks=weeks)


def test_samples_of_the_same_kinds_decide_alike(studies):
    samples = compare(studies)
    assert samples["takes"].tolist() == [3, 3, 3]
    assert samples["customers"].tolist() == [150] * 3
    assert samples["ari"].min() > 0.95
    assert 0 < samples["excess"].max() < 0.05


def test_a_sample_that_no_number_satisfies_takes_none(studies):
    assert compare(studies, min_gain=2.0)["takes"].isna().all()


def test_one_sample_is_compared_with_none(studies):
    samples = compare(studies[:1])
    assert samples["takes"].tolist() == [3]
    assert samples["ari"].isna().all()


def test_references_of_the_first_sample_and_odd_weeks_hold_for_all(studies):
    assert studies[1].held.empty
    # Kinds stand apart in all samples, so 2 is never taken though it passes all else.
    lenient = compare(studies, min_agreement=-1, min_recovery=0, min_gain=-1)
    assert lenient["takes"].tolist() == [3, 3, 3]
    # What chance explains between weeks is taken in no sample.
    weeks = compare(studies, p_weeks=[0.5, 0.5, 0.5])
    assert weeks["takes"].isna().all()
    # Agreement that is too small passes where it lies beyond the first's references.
    assert compare(studies, min_agreement=1.1)["takes"].tolist() == [3, 3, 3]
    without = [study(1), *studies[1:]]
    assert compare(without, min_agreement=1.1)["takes"].isna().all()


def test_the_criteria_at_k_are_shown_of_every_sample(studies):
    samples = compare(studies)
    for name in LIMITS.least():
        expected = [one.criteria.loc[3, name] for one in studies]
        assert samples[name].tolist() == expected


def test_a_study_measures_what_the_helpers_do_on_the_same_customers(studies):
    people, _ = kinds(1)
    settings = {"k_values": range(2, 5), "seed": 1, "n_init": 2}
    again = stability.resample(people, prepare=fit, n_bootstrap=4, **settings)
    table = studies[0].criteria
    expected = stability.agreement(again).groupby("k")["ari"].mean()
    assert table["agreement"].tolist() == expected.tolist()
    halves = stability.split(studies[0].scores, n_splits=3, **settings)
    expected = halves.groupby("k")["strength"].mean()
    assert table["strength"].tolist() == expected.tolist()
    hardest = null_references.strictest(studies[0].held)
    assert table["p"].tolist() == hardest["p"].tolist()
    expected = null_references.excess(halves, hardest)["excess"]
    assert table["excess"].tolist() == expected.tolist()
