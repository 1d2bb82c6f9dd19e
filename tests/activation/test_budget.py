"""Plans: the best of all by brute force, limits never broken, regret never below 0."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from helpers.activation import budget
from helpers.core.errors import TooLittle


def options(sizes, costs, gains):
    rows = [(s, o) for s in range(1, len(sizes) + 1) for o in range(len(costs))]
    return pd.DataFrame(
        {
            "segment_id": [s for s, _ in rows],
            "offer": [f"offer {o}" for _, o in rows],
            "customers": [sizes[s - 1] for s, _ in rows],
            "cost_cents": [costs[o] for _, o in rows],
            "gain": gains,
            "error": 0.5,
        }
    )


def allowed(plan, table, limits):
    """Say whether a plan keeps every limit, written out from their words."""
    plan = pd.Series(plan, table.index)
    people = table.groupby("segment_id")["customers"].first()
    return (
        (plan >= 0).all()
        and ((plan == 0) | (plan >= limits.min_contacts)).all()
        and (plan * table["cost_cents"]).sum() <= limits.budget_cents
        and (plan.groupby(table["segment_id"]).sum() <= people).all()
        and all(
            plan[table["offer"] == o].sum() <= cap
            for o, cap in limits.max_reach.items()
        )
    )


SMALL = options([4, 3], [200, 300], [1.0, 1.7, 2.0, -1.0])


@pytest.mark.parametrize("least", [0, 2, 3])
@pytest.mark.parametrize("budget_cents", [0, 500, 900, 1400, 5000])
@pytest.mark.parametrize("most", [{}, {"offer 0": 3}, {"offer 1": 2, "offer 0": 4}])
def test_the_best_plan_is_that_of_brute_force(least, budget_cents, most):
    limits = budget.Limits(budget_cents, least, most)
    tried = itertools.product(range(5), range(5), range(4), range(4))
    top = max(
        float(SMALL["gain"] @ plan) for plan in tried if allowed(plan, SMALL, limits)
    )
    found = budget.best(SMALL, limits)
    assert allowed(found, SMALL, limits)
    assert SMALL["gain"] @ found == pytest.approx(top)


studies = st.integers(1, 4).flatmap(
    lambda segments: st.integers(1, 3).flatmap(
        lambda offers: st.tuples(
            st.lists(st.integers(1, 300), min_size=segments, max_size=segments),
            st.lists(st.integers(1, 900), min_size=offers, max_size=offers),
            st.lists(
                st.floats(-3, 5, allow_nan=False),
                min_size=segments * offers,
                max_size=segments * offers,
            ),
        )
    )
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    studies,
    st.integers(0, 100_000),
    st.integers(0, 120),
    st.dictionaries(st.sampled_from(["offer 0", "offer 1"]), st.integers(0, 400)),
)
def test_no_plan_breaks_a_limit(study, budget_cents, least, most):
    table = options(*study)
    limits = budget.Limits(budget_cents, least, most)
    order = np.argsort(-table["gain"].to_numpy())
    plans = [
        budget.best(table, limits),
        budget.in_order(table, limits, order=order),
        budget.spread(table, limits, offer="offer 0"),
    ]
    assert all(allowed(plan, table, limits) for plan in plans)
    gained = [plan @ table["gain"] for plan in plans]
    # a rule that may fill losing options can do worse, but none does better
    assert gained[0] >= max(gained) - 1e-6


def test_nothing_is_spent_where_every_option_loses():
    table = SMALL.assign(gain=[-1.0, -0.1, 0.0, -2.0])
    found = budget.best(table, budget.Limits(5000, 0, {}))
    assert found.tolist() == [0, 0, 0, 0]


def test_rules_fill_in_their_order_and_in_proportion():
    limits = budget.Limits(900, 1, {})
    first = budget.in_order(SMALL, limits, order=np.array([1, 2]))
    assert first.tolist() == [0, 3, 0, 0]
    even = budget.spread(SMALL, limits, offer="offer 0")
    # 900 of the 1,400 cents that all seven would cost
    assert even.tolist() == [2, 0, 1, 0]


def test_draws_have_the_spread_of_the_estimates_and_one_seed_gives_one_set():
    drawn = budget.draws(SMALL["gain"], SMALL["error"], count=4000, seed=1)
    assert drawn.mean(axis=0) == pytest.approx(SMALL["gain"].to_numpy(), abs=0.04)
    assert drawn.std(axis=0) == pytest.approx(0.5, abs=0.03)
    assert (
        drawn == budget.draws(SMALL["gain"], SMALL["error"], count=4000, seed=1)
    ).all()


def test_regret_is_the_distance_from_the_best_plan_of_each_draw():
    table = options([10, 10], [100], [1.0, 0.9]).assign(error=0.0)
    drawn = np.array([[1.0, 0.0], [0.0, 2.0]])
    limits = budget.Limits(1000, 0, {})
    plan = budget.best(table, limits)
    found = budget.compare(
        {"best": plan, "nothing": 0 * plan}, table, limits, drawn=drawn, alpha=0.05
    ).set_index("plan")
    assert found.loc["best", "contacts"] == 10
    assert found.loc["best", "cost"] == 10
    assert found.loc["best", "gain"] == pytest.approx(5.0)
    # known: 10 in the first draw and 20 in the second; the plan has 10 and 0
    assert found.loc["best", "regret"] == pytest.approx(10.0)
    assert found.loc["nothing", "regret"] == pytest.approx(15.0)
    assert found["loss_chance"].tolist() == [0, 0]


def test_the_plans_of_the_file_are_made_in_its_order():
    table = SMALL.assign(rate=[0.1, 0.4, 0.3, 0.2])
    limits = budget.Limits(900, 1, {})
    made = budget.plans(table, limits, word="tier", usual="offer 0")
    assert list(made) == [
        *("best by the programme", "most answers first", "largest tier first"),
        *("offer 0 for all, by size", "nothing"),
    ]
    assert made["nothing"].sum() == 0
    assert made["most answers first"].tolist() == [0, 3, 0, 0]
    assert made["largest tier first"].tolist() == [0, 3, 0, 0]
    assert made["offer 0 for all, by size"].tolist() == [2, 0, 1, 0]


CONVERSION = pd.DataFrame(
    {
        "segment_id": [0, 1, 2],
        "kind": "mail",
        "rate": [0.2, 0.3, 0.1],
        "low": [0.1, 0.2, 0.05],
        "high": [0.3, 0.4, 0.15],
        "cost": [0.5, 0.0, 0.5],
        "margin": [5.0, 6.0, 4.0],
    }
)
SIZES = pd.Series({1: 60, 2: 40})


def test_options_are_segments_by_offer_with_a_shrunk_share_of_answers():
    table = budget.options(CONVERSION, sizes=SIZES, effects=None)
    assert table["segment_id"].tolist() == [1, 2]
    assert table["cost_cents"].tolist() == [1, 50]  # nothing counts as a cent
    assert table["customers"].tolist() == [60, 40]
    assert 0.1 < table["bearing"].min() <= table["bearing"].max() < 0.3
    effects = CONVERSION[["segment_id", "kind"]].assign(effect=0.05, error=[1, 0.01, 0])
    tested = budget.options(CONVERSION, sizes=SIZES, effects=effects)
    assert tested["segment_id"].tolist() == [1]  # without an error nothing is known
    assert tested["bearing"].tolist() == pytest.approx([0.05])


def test_without_a_margin_there_is_nothing_to_plan():
    with pytest.raises(TooLittle, match="bring no margin"):
        budget.options(CONVERSION.assign(margin=0.0), sizes=SIZES, effects=None)
    with pytest.raises(TooLittle, match="no offer went to a group"):
        budget.options(CONVERSION[:1], sizes=SIZES, effects=None)
