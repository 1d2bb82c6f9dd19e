"""Tests of offers: lists drawn fairly, sizes from the textbook, effects read out."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.activation import experiments
from helpers.core.errors import BadInput, TooLittle

PEOPLE = pd.DataFrame(
    {
        "customer_id": [f"c{i:04}" for i in range(1000)],
        "segment_id": np.repeat([1, 2, 3], [500, 300, 200]),
        "tier": np.tile(["high", "low"], 500),
    }
)


def drawn(seed=1, people=PEOPLE, share=0.3):
    strata = ["segment_id", "tier"]
    return experiments.draw(people, strata=strata, control_share=share, seed=seed)


def test_every_stratum_has_its_share_of_controls():
    plan = drawn()
    parts = plan.groupby("stratum")["arm"].agg(
        size="size", control=lambda arm: (arm == "control").sum()
    )
    assert parts.index.tolist() == [
        *("1 | high", "1 | low", "2 | high", "2 | low", "3 | high", "3 | low")
    ]
    assert parts["control"].tolist() == [75, 75, 45, 45, 30, 30]


def test_the_lists_follow_the_seed_and_not_the_order_of_rows():
    mixed = PEOPLE.sample(frac=1, random_state=5)
    pd.testing.assert_frame_equal(drawn(), drawn(people=mixed))
    assert (drawn()["arm"] != drawn(seed=2)["arm"]).any()


def test_a_remainder_is_drawn_so_that_everybody_has_the_same_chance():
    few = PEOPLE[:3].assign(tier="high")
    left_out = [
        (drawn(seed=seed, people=few, share=0.5)["arm"] == "control").to_numpy()
        for seed in range(300)
    ]
    assert set(np.sum(left_out, axis=1)) == {1, 2}
    assert np.mean(left_out, axis=0) == pytest.approx([0.5] * 3, abs=0.1)


def test_a_customer_twice_or_an_empty_arm_is_refused():
    with pytest.raises(BadInput, match="'c0000' is there twice"):
        drawn(people=pd.concat([PEOPLE, PEOPLE[:1]]))
    with pytest.raises(BadInput, match="but 1 was passed"):
        drawn(share=1)


def needed(**changes):
    asked = {"rate": 0.1, "effect": 0.05, "control_share": 0.5}
    return experiments.customers_needed(
        **(asked | {"alpha": 0.05, "power": 0.8} | changes)
    )


def test_sizes_are_those_of_the_textbook():
    # 10 % against 15 %: 686 in each arm; 60 % against 70 %: 356 (Fleiss's formula)
    assert needed() == pytest.approx(2 * 686, abs=2)
    assert needed(rate=0.6, effect=0.1) == pytest.approx(2 * 356, abs=2)
    assert needed(control_share=0.2) > needed() < needed(control_share=0.8)


def test_a_test_of_that_size_finds_the_effect_as_often_as_promised():
    size = needed(control_share=0.3)
    control, treated = round(0.3 * size), round(0.7 * size)
    rng = np.random.default_rng(9)
    a, b = rng.binomial(control, 0.1, 20_000), rng.binomial(treated, 0.15, 20_000)
    mean = (a + b) / size
    error = np.sqrt(mean * (1 - mean) * (1 / control + 1 / treated))
    found = stats.norm.sf((b / treated - a / control) / error) < 0.025
    assert found.mean() == pytest.approx(0.8, abs=0.015)


def test_the_smallest_effect_found_is_the_one_that_needs_this_size():
    size = needed(effect=0.03, control_share=0.3)
    found = experiments.min_effect(
        rate=0.1, customers=size, control_share=0.3, alpha=0.05, power=0.8
    )
    assert found == pytest.approx(0.03, abs=2e-5)
    tiny = experiments.min_effect(
        rate=0.1, customers=4, control_share=0.3, alpha=0.05, power=0.8
    )
    assert np.isnan(tiny)


def test_an_effect_that_cannot_be_is_refused():
    with pytest.raises(BadInput, match="must lie between 0 and 1"):
        needed(rate=0.99)
    with pytest.raises(BadInput, match="must lie between 0 and 1, and differ"):
        needed(effect=0.0)


def read(plan, outcome):
    strata = ["segment_id", "tier"]
    return experiments.read_out(
        plan, outcome, by="segment_id", strata=strata, alpha=0.05, method="holm"
    ).set_index("group")


def test_a_planted_effect_is_read_out_where_it_is():
    plan = drawn()
    rng = np.random.default_rng(3)
    gain = 40.0 * ((plan["segment_id"] == 2) & (plan["arm"] == "treated"))
    outcome = pd.Series(
        rng.normal(100, 30, 1000) + gain.to_numpy(), index=plan["customer_id"]
    )
    found = read(plan, outcome)
    assert found.loc[2, "low"] < 40 < found.loc[2, "high"]
    assert found.loc[2, "p_adjusted"] < 0.001
    assert found.loc[[1, 3], "p_adjusted"].min() > 0.05
    assert found.loc["all", ["treated", "control"]].tolist() == [700, 300]


def test_who_is_not_in_the_outcome_counts_as_nothing_bought():
    plan = pd.DataFrame(
        {
            "customer_id": list("abcd"),
            "segment_id": 1,
            "tier": "high",
            "arm": ["treated", "treated", "control", "control"],
        }
    )
    found = read(plan, pd.Series({"a": 10.0, "c": 4.0}))
    assert found.loc["all", "effect"] == pytest.approx(5.0 - 2.0)


def test_a_plan_with_one_arm_cannot_be_read_out():
    with pytest.raises(TooLittle, match="one of its arms is empty"):
        read(drawn().assign(arm="treated"), pd.Series(dtype=float))


PLANNED = pd.DataFrame(
    {
        "segment_id": [1, 1, 2],
        "offer": ["mail", "visit", "mail"],
        "customers": [500, 500, 300],
        "contacts": [40, 0, 0],
        "gain": [0.5, 0.9, -1.0],
    }
)


def test_the_test_holds_the_plan_where_effects_are_known_and_else_everybody():
    def wanted(options, tested):
        table = experiments.wanted(PEOPLE, options, tested=tested, word="segment")
        return table.set_index("segment_id")[["offer", "contacts"]].to_dict("index")

    assert wanted(PLANNED, True) == {1: {"offer": "mail", "contacts": 40}}
    assert wanted(PLANNED, False) == {
        1: {"offer": "visit", "contacts": 500},
        2: {"offer": "mail", "contacts": 300},
    }
    assert wanted(None, False)[3] == {"offer": "the segment's offer", "contacts": 200}
    with pytest.raises(TooLittle, match="A test needs 20 customers"):
        experiments.wanted(PEOPLE[:19], None, tested=False, word="segment")


def test_a_test_costs_what_its_treated_customers_cost():
    offers = {"segment_id": [1, 1, 2, 2], "offer": ["a", "a", "b", "b"]}
    arms = ["treated", "control", "treated", "control"]
    plan = pd.DataFrame({**offers, "arm": arms})
    plan = pd.concat([plan] * 10, ignore_index=True)
    options = pd.DataFrame(
        {"segment_id": [1, 1, 2], "offer": ["a", "b", "b"], "cost_cents": [50, 70, 20]}
    )
    assert experiments.cost(plan, options) == pytest.approx(10 * 0.7)
    assert experiments.cost(plan[1:], options) is None  # it could give few away
    assert experiments.cost(plan, None) is None


def test_nobody_is_invited_to_two_offers():
    wanted = pd.DataFrame(
        {
            "segment_id": [1, 1, 2],
            "offer": ["mail", "visit", "mail"],
            "contacts": [40, 60, 10],
        }
    )
    found = experiments.invited(PEOPLE, wanted, seed=3)
    assert found["customer_id"].is_unique
    sizes = found.groupby(["segment_id", "offer"]).size()
    assert sizes.to_dict() == {(1, "mail"): 40, (1, "visit"): 60, (2, "mail"): 10}


def test_smaller_tests_find_larger_effects_only():
    asked = {"rate": 0.05, "control_share": 0.3, "alpha": 0.05, "power": 0.8}
    found = experiments.smallest_effects(drawn(), **asked)
    assert found["segment_id"].tolist() == [0, 1, 2, 3]
    assert found["customers"].tolist() == [1000, 500, 300, 200]
    assert (found["treated"] + found["control"] == found["customers"]).all()
    assert found["effect"].is_monotonic_increasing


def test_where_all_answer_unasked_no_effect_is_found():
    found = experiments.min_effect(
        rate=1.0, customers=500, control_share=0.3, alpha=0.05, power=0.8
    )
    assert np.isnan(found)
