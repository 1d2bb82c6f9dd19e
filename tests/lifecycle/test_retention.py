"""Contracts and those who stay: sums by hand, planted coefficients, honest forecasts."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special

from helpers.core.errors import TooLittle
from helpers.lifecycle import retention


def day(text):
    return pd.Timestamp(text)


def contract(customer, starts, ends, fee, renewed=None):
    return {
        "contract_id": f"{customer}-{starts}",
        "customer_id": customer,
        "starts_on": day(starts),
        "ends_on": day(ends),
        "monthly_fee_cents": fee * 100,
        "renewed": renewed,
    }


CONTRACTS = pd.DataFrame(
    [
        contract("grows", "2020-01-15", "2020-06-30", 100, True),
        contract("grows", "2020-07-01", "2021-06-30", 130),
        contract("shrinks", "2020-02-01", "2020-07-31", 80, True),
        contract("shrinks", "2020-08-01", "2021-07-31", 50),
        contract("leaves", "2020-01-01", "2020-08-31", 70, False),
        contract("comes", "2020-09-01", "2021-08-31", 40),
        contract("pauses", "2020-01-01", "2020-05-31", 60, False),
        contract("pauses", "2020-09-15", "2021-05-31", 60),
    ]
).astype({"renewed": "boolean"})


def ten_of_each():
    """Give ten customers the contracts of each: sums of fewer are told nowhere."""
    copies = [
        CONTRACTS.assign(customer_id=CONTRACTS["customer_id"] + str(i))
        for i in range(10)
    ]
    return pd.concat(copies, ignore_index=True)


def test_the_bridge_accounts_for_every_change():
    ends = [day("2020-03-31"), day("2020-06-30"), day("2020-09-30")]
    found = retention.revenue_bridge(ten_of_each(), ends=ends)
    money = [
        "opening",
        "new",
        "returned",
        "expansion",
        "contraction",
        "churn",
        "closing",
    ]
    assert found[money].to_numpy().tolist() == [
        [3100, 0, 0, 0, 0, -600, 2500],
        [2500, 400, 600, 300, -300, -700, 2800],
    ]
    assert found["customers"].tolist() == [30, 40]
    assert found["ends_on"].tolist() == ends[1:]


def test_a_contract_counts_on_its_last_day_and_not_on_the_next():
    ends = [day("2020-08-30"), day("2020-08-31"), day("2020-09-01")]
    found = retention.revenue_bridge(ten_of_each(), ends=ends)
    assert found["churn"].tolist() == [0, -700]


def test_a_step_of_the_bridge_that_few_make_is_missing_with_the_smallest_beside_it():
    fewer = ten_of_each().query("not customer_id.isin(['pauses0', 'pauses1'])")
    ends = [day("2020-06-30"), day("2020-09-30")]
    step = retention.revenue_bridge(fewer, ends=ends).iloc[0]
    # 8 return: 480; the 10 that are new go with them, or the sum would tell it
    assert step[["new", "returned"]].isna().all()
    assert step[["expansion", "contraction", "churn"]].tolist() == [300, -300, -700]
    assert step["closing"] - step["opening"] == 400 + 480 + 300 - 300 - 700


def test_only_contracts_that_ended_are_counted_as_renewed_or_not():
    segments = {"grows": 1, "shrinks": 1, "leaves": 2, "pauses": 2, "comes": 2}
    table = CONTRACTS.assign(segment_id=CONTRACTS["customer_id"].map(segments))
    found = retention.renewal_rates(table, by="segment_id")
    assert found[
        ["segment_id", "contracts", "renewed", "rate"]
    ].to_numpy().tolist() == [
        [1, 2, 2, 1.0],
        [2, 2, 0, 0.0],
    ]
    assert found["high"][0] == 1
    assert 0.2 < found["low"][0] < 0.5


def test_the_promoter_score_is_promoters_less_detractors():
    answers = pd.DataFrame(
        {
            "customer_id": list("abcdefgh"),
            "score": [10, 9, 8, 7, 6, 0, 10, 10],
            "group": [1] * 6 + [2] * 2,
        }
    )
    found = retention.promoter_scores(answers, by="group", seed=1, n_bootstrap=500)
    first = found.iloc[0]
    assert first["score"] == pytest.approx(0)
    assert first[["promoters", "detractors"]].tolist() == pytest.approx([1 / 3, 1 / 3])
    assert found.iloc[1][["score", "low", "high"]].tolist() == [100, 100, 100]


def test_the_interval_of_the_score_is_that_of_independent_customers():
    rng = np.random.default_rng(2)
    scores = rng.choice([10, 8, 3], 400, p=[0.5, 0.3, 0.2])
    once = pd.DataFrame({"customer_id": np.arange(400), "score": scores, "group": 1})
    found = retention.promoter_scores(once, by="group", seed=1, n_bootstrap=2000).iloc[
        0
    ]
    error = 100 * np.std(np.select([scores == 10, scores == 3], [1, -1], 0)) / 20
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * error, rel=0.08)
    # the same customers asked four times say nothing new
    again = pd.concat([once] * 4)
    four = retention.promoter_scores(again, by="group", seed=1, n_bootstrap=2000).iloc[
        0
    ]
    assert four[["low", "high"]].tolist() == found[["low", "high"]].tolist()


def test_attitudes_are_named_by_their_score():
    found = retention.attitude(pd.Series([9.0, 8.0, 7.0, 6.0, np.nan]))
    assert found.tolist()[:4] == ["promoter", "passive", "passive", "detractor"]
    assert found.isna()[4]


@pytest.fixture
def files(tmp_path):
    """Write what happened to customer a, in and about the contract of March 2020."""

    def at(*moments):
        return [pd.Timestamp(one) for one in moments]

    lines = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b"],
            "ordered_at": at(
                "2020-02-29 23:59", "2020-03-01", "2020-03-31 23:00", "2020-03-05"
            ),
            "quantity": [5, 10, 30, 7],
            "returned": [5, 1, 3, 7],
        }
    )
    interactions = pd.DataFrame(
        {
            "customer_id": ["a"] * 5,
            "happened_at": at(
                "2020-03-02 10:00",
                "2020-03-31 22:00",
                "2020-03-09 10:00",
                "2020-03-10 10:00",
                "2020-04-01 00:00",
            ),
            "kind": ["ticket", "ticket", "visit", "ticket", "ticket"],
            "minutes": [60.0, 300, 6000, None, 9000],
        }
    )
    surveys = pd.DataFrame(
        {
            "customer_id": ["a"] * 5,
            "answered_on": at(*["2020-03-03"] * 3, "2020-03-20", "2020-05-01"),
            "question": ["fit", "support", "recommend", "recommend", "fit"],
            "score": [8.0, 5.0, 9.0, 3.0, 1.0],
        }
    )
    tables = {"lines": lines, "interactions": interactions, "surveys": surveys}
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet")
    return {name: str(tmp_path / f"{name}.parquet") for name in tables}


def test_facts_of_a_contract_are_those_of_its_own_days(files):
    rows = pd.DataFrame(
        [
            contract("a", "2020-03-01", "2020-03-31", 10, True),
            contract("c", "2020-03-01", "2020-03-31", 10, False),
        ]
    )
    found = retention.contract_facts(
        duckdb.connect(), rows, support="ticket", recommend="recommend", **files
    ).set_index("customer_id")
    names = ["response_hours", "tickets", "return_share", "pieces"]
    assert found.loc["a", names].tolist() == [3.0, 2, 0.1, 40]
    assert found.loc["a", ["satisfaction", "recommendation"]].tolist() == [6.5, 3.0]
    assert found.loc["c", ["response_hours", "return_share"]].isna().all()


def test_lines_without_returns_give_no_return_share(files):
    lines = pd.read_parquet(files["lines"]).drop(columns="returned")
    lines.to_parquet(files["lines"])
    rows = pd.DataFrame([contract("a", "2020-03-01", "2020-03-31", 10, True)])
    found = retention.contract_facts(
        duckdb.connect(), rows, support="ticket", recommend="recommend", **files
    )
    assert "return_share" not in found
    assert found["response_hours"].tolist() == [3.0]


UNITS = {"response_hours": ("hour", 1.0), "return_share": ("10 points", 0.1)}


def planted(n, *, seed, hours=-0.2, share=-0.5):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "customer_id": np.arange(n) // 2,
            "response_hours": rng.gamma(4, 2, n),
            "return_share": rng.beta(2, 10, n),
        }
    )
    logit = 2.5 + hours * table["response_hours"] + share * 10 * table["return_share"]
    table["renewed"] = rng.random(n) < special.expit(logit)
    return table.astype({"renewed": "boolean"})


def test_drivers_agree_with_a_fit_by_another_method():
    table = planted(800, seed=4)
    found = retention.renewal_drivers(table, drivers=UNITS).set_index("driver")
    x = table[list(UNITS)].to_numpy() / [1, 0.1]
    y = table["renewed"].to_numpy(bool)

    def loss(beta):
        told = beta[0] + x @ beta[1:]
        return np.logaddexp(0, np.where(y, -told, told)).sum()

    best = optimize.minimize(
        loss,
        np.zeros(3),
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000},
    )
    assert found["log_odds"].tolist() == pytest.approx(best.x[1:].tolist(), abs=1e-4)
    assert found["odds_ratio"].tolist() == pytest.approx(np.exp(best.x[1:]), abs=1e-3)
    assert list(found["unit"]) == ["hour", "10 points"]
    assert (found["contracts"] == 800).all()


def test_intervals_of_drivers_hold_what_was_planted():
    inside = 0
    for seed in range(120):
        table = planted(400, seed=seed)
        found = retention.renewal_drivers(table, drivers=UNITS).set_index("driver")
        inside += found.loc["response_hours", "low"] <= -0.2
        inside -= found.loc["response_hours", "high"] < -0.2
    assert 0.9 <= inside / 120 <= 0.99


def test_contracts_repeated_as_they_are_add_no_certainty():
    table = planted(400, seed=1)
    once = retention.renewal_drivers(table, drivers=UNITS)
    thrice = retention.renewal_drivers(pd.concat([table] * 3), drivers=UNITS)
    for name in ("log_odds", "low", "high"):
        assert thrice[name].tolist() == pytest.approx(once[name].tolist())


def test_missing_values_are_left_out_and_perfect_ones_leave_the_section_out():
    table = planted(300, seed=2)
    table.loc[:49, "response_hours"] = np.nan
    found = retention.renewal_drivers(table, drivers=UNITS)
    assert (found["contracts"] == 250).all()
    perfect = table.assign(return_share=table["renewed"].astype(float))
    with pytest.raises(TooLittle, match="predicts renewal without an exception"):
        retention.renewal_drivers(perfect, drivers=UNITS)


def stayers(n, *, seed, strength):
    """Draw customers of whom the first feature tells who stays, and the rest nothing."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(n, 6)), columns=list("abcdef"))
    kept = pd.Series(rng.random(n) < special.expit(1 + strength * table["a"]))
    return table, kept


def test_noise_predicts_nobody_who_was_left_out():
    table, kept = stayers(400, seed=6, strength=0.0)
    chance = retention.cross_fitted(table, kept, folds=3, seed=1)
    found = retention.discrimination({"all": chance}, kept, seed=1, n_bootstrap=200)
    assert found.loc[0, "low"] < 0.5 < found.loc[0, "high"] + 0.05


def test_ranking_is_the_share_of_pairs_in_the_right_order():
    kept = pd.Series([True, True, False, False, True])
    told = {"x": np.array([0.9, 0.4, 0.4, 0.1, 0.3])}
    found = retention.discrimination(told, kept, seed=1, n_bootstrap=20)
    # of six pairs four are right, one is a tie and one is wrong
    assert found.loc[0, "auc"] == pytest.approx(4.5 / 6)


def test_a_forecast_of_something_real_ranks_and_is_calibrated():
    table, kept = stayers(900, seed=7, strength=1.2)
    table.loc[:20, "b"] = np.nan
    told = {
        "all": retention.cross_fitted(table, kept, folds=3, seed=1),
        "noise": retention.cross_fitted(table[["f"]], kept, folds=3, seed=1),
    }
    found = retention.discrimination(told, kept, seed=1, n_bootstrap=200)
    best = retention.discrimination(
        {"truth": table["a"].to_numpy()}, kept, seed=1, n_bootstrap=200
    )
    assert found.loc[0, "auc"] == pytest.approx(best.loc[0, "auc"], abs=0.01)
    assert found.loc[0, "gain_low"] > 0
    assert found.loc[1, "gain"] == 0
    level, slope = retention.calibration_slope(told["all"], kept)
    assert level == pytest.approx(0, abs=0.01)
    assert slope == pytest.approx(1, abs=0.2)
    # twice as bold as it should be: the slope says so
    bold = special.expit(2 * special.logit(told["all"]))
    assert retention.calibration_slope(bold, kept)[1] == pytest.approx(slope / 2)


def test_reliability_sets_forecast_beside_what_came():
    chance = np.array([0.1, 0.2, 0.3, 0.6, 0.8, 1.0])
    kept = pd.Series([False, True, False, True, True, True])
    found = retention.reliability(chance, kept, parts=2)
    assert found["forecast"].tolist() == pytest.approx([0.2, 0.8])
    assert found["observed"].tolist() == pytest.approx([1 / 3, 1])
    assert found["customers"].tolist() == [3, 3]


def test_traits_are_means_of_both_groups_largest_difference_first():
    table, kept = stayers(1200, seed=8, strength=1.0)
    found = retention.traits(table, kept, seed=1, n_bootstrap=300)
    top = found.iloc[0]
    assert top["feature"] == "a"
    assert top["stayed"] == pytest.approx(table.loc[kept, "a"].mean())
    by_hand = (top["stayed"] - top["left"]) / table["a"].std(ddof=0)
    assert top["difference"] == pytest.approx(by_hand)
    assert top["low"] > 0
    assert top["together"] == pytest.approx(1.0, abs=0.25)
    others = found[found["feature"] != "a"]
    assert ((others["low"] < 0) & (others["high"] > 0)).all()


def test_a_driver_that_is_the_same_for_all_is_left_out():
    table = planted(300, seed=2).assign(return_share=0.1)
    found = retention.renewal_drivers(table, drivers=UNITS)
    assert "return_share" not in set(found["driver"])
    assert len(found) == len(UNITS) - 1
    for name in UNITS:
        table[name] = 1.0
    with pytest.raises(TooLittle, match="the same for all contracts"):
        retention.renewal_drivers(table, drivers=UNITS)


def test_renewal_of_one_kind_only_leaves_the_section_out():
    table = planted(300, seed=2).assign(renewed=True)
    with pytest.raises(TooLittle, match=r"\(found: 300 and 0\)"):
        retention.renewal_drivers(table, drivers=UNITS)


def test_contracts_without_an_end_or_a_fee_leave_their_sections_out():
    rows = pd.DataFrame(
        {
            "customer_id": list("abcdefghijkl"),
            "monthly_fee_cents": 100,
            "renewed": pd.NA,
        }
    )
    with pytest.raises(TooLittle, match=r"10 contracts .* \(found: 0\)"):
        retention.ended(rows)
    with pytest.raises(TooLittle, match=r"\(found: 0\)"):
        retention.ended(rows.drop(columns="renewed"))
    assert len(retention.ended(rows.assign(renewed=True))) == 12
    ends = [day("2020-03-31"), day("2020-06-30")]
    retention.need_revenue(rows, ends=ends)
    with pytest.raises(TooLittle, match="found: 12 and fewer than 10"):
        retention.need_revenue(rows, ends=ends[:1])
    with pytest.raises(TooLittle, match="found: 0 and fewer than 10"):
        retention.need_revenue(rows.assign(monthly_fee_cents=0), ends=ends)


@pytest.mark.parametrize(
    ("scores", "fault"),
    [
        ([5.0] * 9, "found: fewer than 10"),
        ([1.0, 5.0] * 6, "go from 1 to 5"),
        ([0.0, 100.0] * 6, "go from 0 to 100"),
        ([], "found: 0"),
    ],
)
def test_answers_that_are_few_or_on_another_scale_give_no_promoter_score(scores, fault):
    answers = pd.DataFrame(
        {"customer_id": [str(i) for i in range(len(scores))], "score": scores}
    )
    with pytest.raises(TooLittle, match=fault):
        retention.need_answers(answers, question="recommend")


def test_answers_from_zero_to_ten_give_one():
    answers = pd.DataFrame({"customer_id": list("abcdefghij"), "score": range(10)})
    retention.need_answers(answers, question="recommend")


def test_who_stays_needs_both_kinds():
    kept = pd.Series([True] * 30 + [False] * 10)
    retention.need_both(kept, folds=5)
    for few in (kept[:35], kept[:30], kept[:0]):
        with pytest.raises(TooLittle, match="customers who stayed and 10 who lapsed"):
            retention.need_both(few, folds=5)
    with pytest.raises(TooLittle, match="14 customers who stayed"):
        retention.need_both(kept, folds=7)


def test_only_features_that_vary_and_are_known_are_compared():
    kept = pd.Series([True] * 20 + [False] * 20)
    features = pd.DataFrame(
        {
            "told": np.arange(40.0),
            "same": 1.0,
            "never": np.nan,
            "of_stayers": np.where(kept, np.arange(40.0), np.nan),
        }
    )
    assert list(retention.comparable(features, kept)) == ["told"]
    with pytest.raises(TooLittle, match="alike before"):
        retention.comparable(features[["same", "never"]], kept)


@pytest.mark.parametrize(
    ("whole", "alone", "gain", "said"),
    [
        (0.7, 0.6, (0.01, 0.1), "together"),
        (0.6, 0.49, (-0.1, 0.2), "together"),
        (0.6, 0.6, (-0.1, 0.1), "timing"),
        (0.4, 0.6, (-0.1, 0.1), "timing"),
        (0.6, 0.8, (-0.2, -0.1), "alone"),
        (0.5, 0.5, (-0.1, 0.1), "nothing"),
    ],
)
def test_what_the_ranking_bears_follows_its_intervals(whole, alone, gain, said):
    table = pd.DataFrame(
        {"low": [whole, alone], "gain_low": [gain[0], 0], "gain_high": [gain[1], 0]}
    )
    assert retention.predicts(table) == said


def test_a_forecast_that_is_the_same_for_all_has_no_slope():
    kept = pd.Series([True, False] * 20)
    level, slope = retention.calibration_slope(np.full(40, 0.5), kept)
    assert level == 0
    assert np.isnan(slope)
