"""Scores are judged as they would be used, and leads ranked by chance times worth."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from helpers.core.errors import TooLittle
from helpers.leads import lead_scoring


def test_a_lead_counts_as_lost_only_when_it_is_old_enough():
    table = pd.DataFrame(
        {
            "lead_id": list("abcde"),
            "created_on": pd.to_datetime(
                ["2025-01-01", "2025-01-01", "2025-01-01", "2025-06-01", "2025-06-01"]
            ),
            "won_on": pd.to_datetime(
                ["2025-02-01", "2025-06-20", None, None, "2025-06-10"]
            ),
        }
    )
    found = lead_scoring.decided(table, horizon=90, last=pd.Timestamp("2025-06-30"))
    assert found["won"].tolist() == [True, False, False, False, True]
    assert found["due"].tolist() == [True, True, True, False, False]
    assert found["open"].tolist() == [False, False, False, True, False]


def test_the_rule_to_beat_scores_by_the_most_telling_field():
    earlier = pd.DataFrame(
        {
            "source": ["web", "web", "fair", "fair"],
            "region": ["n", "s", "n", "s"],
            "size": 1,
        }
    )
    won = pd.Series([True, True, True, False])
    new = pd.DataFrame({"source": ["fair", "web", "new"], "region": "n", "size": 1})
    name, score = lead_scoring.best_single(earlier, won, new)
    # both fields split 1 and 0.5: the first is taken
    assert name == "source"
    assert score.tolist() == [0.5, 1.0, 0.75]


def test_the_area_under_the_curve_is_that_of_another_implementation():
    rng = np.random.default_rng(1)
    won = rng.random(300) < 0.3
    score = np.round(won * 0.5 + rng.normal(size=300), 1)  # with ties
    auc, low, high = lead_scoring.auc_interval(won, score, n_bootstrap=400, seed=2)
    assert auc == pytest.approx(roc_auc_score(won, score))
    assert low < auc < high
    # Hanley and McNeil's (1982) standard error
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    n1, n0 = won.sum(), (~won).sum()
    error = np.sqrt(
        (auc * (1 - auc) + (n1 - 1) * (q1 - auc**2) + (n0 - 1) * (q2 - auc**2))
        / (n1 * n0)
    )
    assert (high - low) / 3.92 == pytest.approx(error, rel=0.2)


def test_a_constant_score_is_chance():
    won = np.array([True, False, True, False, False])
    assert lead_scoring.auc_interval(won, np.ones(5), n_bootstrap=20, seed=1) == (
        0.5,
        0.5,
        0.5,
    )


def test_calibration_sets_what_was_said_beside_what_came():
    won = np.array([False, False, True, True, True, False])
    said = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    table = lead_scoring.calibration(won, said, parts=2)
    assert table["leads"].tolist() == [3, 3]
    assert table["predicted"].to_numpy() == pytest.approx([0.2, 0.8])
    assert table["came"].to_numpy() == pytest.approx([1 / 3, 2 / 3])
    assert (table["low"] < table["came"]).all() and (
        table["came"] < table["high"]
    ).all()


def test_the_gain_curve_is_worked_by_hand():
    won = np.array([True, False, True, False])
    curve = lead_scoring.gain(
        won,
        {"good": np.array([4, 1, 3, 2]), "flat": np.zeros(4)},
        steps=4,
    )
    assert curve["share"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curve["good"].tolist() == [0, 0.5, 1, 1, 1]
    assert curve["flat"].tolist() == [0, 0.25, 0.5, 0.75, 1]  # ties share their wins
    assert curve["best"].tolist() == [0, 0.5, 1, 1, 1]
    assert curve["chance"].tolist() == curve["share"].tolist()


def test_worth_is_learnt_and_brought_back_to_currency():
    rng = np.random.default_rng(4)
    size = pd.Series(rng.choice(["small", "large"], 800))
    level = np.where(size == "large", 8.0, 6.0)
    worth = pd.Series(np.exp(level + rng.normal(0, 0.5, 800)) - 1)
    fields = pd.DataFrame({"size": size, "noise": rng.normal(size=800)})
    found, held = lead_scoring.expected_worth(fields, worth, folds=5, seed=1)
    new = pd.DataFrame({"size": ["small", "large"], "noise": 0.0})
    means = worth.groupby(size).mean()
    assert found.of(new) == pytest.approx([means["small"], means["large"]], rel=0.1)
    assert held > 0.7


def test_worth_of_noise_is_held_to_customers_left_out():
    rng = np.random.default_rng(5)
    fields = pd.DataFrame(rng.normal(size=(150, 20))).add_prefix("x")
    _, held = lead_scoring.expected_worth(
        fields, pd.Series(np.exp(rng.normal(size=150))), folds=5, seed=1
    )
    assert abs(held) < 0.2


def test_leads_are_ranked_by_chance_times_worth():
    scores = pd.DataFrame(
        {
            "lead_id": ["b", "a", "c"],
            "probability": [0.5, 0.1, 0.2],
            "worth": [100.0, 500.0, 1000.0],
        }
    )
    table = lead_scoring.ranked(scores)
    assert table["lead_id"].tolist() == ["c", "a", "b"]  # ties by id
    assert table["expected_value"].tolist() == [200, 50, 50]
    assert table["rank"].tolist() == [1, 2, 3]


def closed(won, lost):
    """Leads of one a day, won and lost in turn as far as there are; all old enough."""
    outcome = [i % 2 == 0 for i in range(2 * min(won, lost))]
    outcome += [won > lost] * abs(won - lost)
    days = pd.date_range("2025-01-01", periods=won + lost)
    return pd.DataFrame({"created_on": days, "won": outcome, "due": True})


def test_leads_are_parted_by_the_day_on_which_outcomes_were_known():
    learn, judge = lead_scoring.split(
        closed(50, 50), horizon=10, test_share=0.25, fewest=10
    )
    assert judge["created_on"].min() - learn["created_on"].max() > pd.Timedelta(days=10)
    assert len(judge) == 26


@pytest.mark.parametrize("table", [closed(0, 0), closed(0, 40), closed(40, 3)])
def test_a_part_with_one_outcome_scores_nothing(table):
    with pytest.raises(TooLittle, match="Leads are not scored"):
        lead_scoring.split(table, horizon=10, test_share=0.25, fewest=10)


def test_the_horizon_holds_19_of_20_wins_and_a_week():
    start = pd.Timestamp("2025-01-01")
    won = [start + pd.Timedelta(days=day) for day in range(1, 22)]
    table = pd.DataFrame({"created_on": start, "won_on": [*won, pd.NaT]})
    assert lead_scoring.own_horizon(table) == 20
    assert lead_scoring.own_horizon(table.assign(won_on=start)) == 7


def test_without_a_label_a_number_is_the_rule_to_beat():
    earlier = pd.DataFrame({"size": np.arange(40.0), "noise": 1.0})
    won = pd.Series(np.arange(40) >= 20)
    new = pd.DataFrame({"size": [0.0, 39.0, np.nan], "noise": 1.0})
    name, score = lead_scoring.best_single(earlier, won, new)
    assert name == "size"
    assert score.tolist() == [0.0, 1.0, 0.5]


def test_worth_that_nothing_tells_is_the_mean():
    worth = pd.Series([10.0, 30.0] * 10)
    fields = pd.DataFrame({"region": ["n"] * 20})
    model, held = lead_scoring.expected_worth(fields[[]], worth, folds=5, seed=1)
    assert np.isnan(held) and not lead_scoring.tells(held, 20)
    assert model.of(fields) == pytest.approx([20.0] * 20)
    same, held = lead_scoring.expected_worth(fields, worth * 0 + 7, folds=5, seed=1)
    assert np.isnan(held) and same.of(fields) == pytest.approx([7.0] * 20)


def test_a_rank_correlation_must_lie_above_chance():
    assert lead_scoring.tells(0.2, 100) and not lead_scoring.tells(0.1, 100)


def test_leads_that_no_score_orders_stay_in_the_order_they_came():
    scores = pd.DataFrame(
        {"lead_id": ["a", "b", "c"], "probability": [0.9, 0.5, 0.1], "worth": 10.0}
    )
    arrived = pd.Series(pd.to_datetime(["2025-03-01", "2025-01-01", "2025-02-01"]))
    found = lead_scoring.ranked(scores, arrived=arrived)
    assert found["lead_id"].tolist() == ["b", "c", "a"]
    assert found["rank"].tolist() == [1, 2, 3]


def test_each_score_is_validated_beside_the_base_rate():
    won = np.repeat([False, True], 40)
    scores = {"model": np.arange(80.0), "one field": np.zeros(80)}
    table = lead_scoring.validation(won, scores, n_bootstrap=20, seed=1)
    assert table["score"].tolist() == ["model", "one field", "base rate"]
    assert table["auc"].tolist() == [1.0, 0.5, 0.5]


@pytest.mark.parametrize(("orders", "first"), [(True, "b"), (False, "a")])
def test_leads_are_scored_typed_and_ranked(orders, first):
    leads = pd.DataFrame(
        {"lead_id": ["a", "b"], "created_on": pd.to_datetime(["2024-01-01"] * 2)}
    )
    chances = pd.Series([0.2, 0.3])
    given = {"part": "open", "worth": np.array([10.0, 10.0]), "confidence": 0.6}
    table = lead_scoring.scored(leads, chances, types=None, orders=orders, **given)
    assert table["lead_id"].iloc[0] == first
    assert table["segment_id"].tolist() == [0, 0]
    assert table["segment_probability"].isna().all()
    types = pd.DataFrame({1: [0.7, 0.5], 2: [0.3, 0.5]})
    table = lead_scoring.scored(leads, chances, types=types, orders=True, **given)
    assert table.set_index("lead_id")["segment_id"].to_dict() == {"a": 1, "b": 0}


def test_the_first_leads_hold_their_wins_and_their_worth():
    scores = pd.DataFrame(
        {
            "lead_id": list("abcd"),
            "part": ["test", "test", "test", "open"],
            "rank": [1, 2, 3, 1],
            "worth": [30.0, 20.0, 10.0, 99.0],
        }
    )
    won = pd.Series({"a": True, "b": False, "c": True})
    found = lead_scoring.first_ones(scores, won, share=0.5)
    assert found == {"wins": 2, "wins_first": 1, "worth_share": 0.75}
