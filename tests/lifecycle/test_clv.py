"""BG/NBD and Gamma-Gamma against published estimates, simulation and integration."""

import importlib.util
import pathlib

import numpy as np
import pandas as pd
import pytest
from scipy import special

from helpers.core.errors import BadInput, TooLittle
from helpers.lifecycle import clv

BOUNDS = (1e-4, 1e4)
DAY = pd.Timestamp("2020-01-01")


@pytest.fixture(scope="module")
def cdnow():
    """Give the reference buyers of CDs: 2,357 customers over 39 weeks."""
    where = importlib.util.find_spec("lifetimes").submodule_search_locations[0]
    file = (
        pathlib.Path(where) / "datasets/cdnow_customers_summary_with_transactions.csv"
    )
    names = ["customer_id", "frequency", "recency", "age", "spend"]
    table = pd.read_csv(file).set_axis(names, axis=1)
    return table.assign(paid=table["frequency"])


def test_published_estimates_of_purchase_rates_come_back(cdnow):
    found = clv.fit_rates(cdnow, bounds=BOUNDS)
    published = {"r": 0.2426, "alpha": 4.414, "a": 0.793, "b": 2.426}
    for name, number in published.items():
        assert getattr(found, name) == pytest.approx(number, rel=0.01), name
    assert found.log_likelihood == pytest.approx(-9582.43, abs=0.01)
    assert found.at_bounds == ()
    assert found.customers == 2357


def test_published_estimates_of_spend_come_back(cdnow):
    # Fader and Hardie (2013): p 6.25, q 3.74, v 15.44
    found = clv.fit_spend(cdnow, bounds=BOUNDS)
    assert (found.p, found.q, found.v) == pytest.approx((6.25, 3.74, 15.44), rel=0.01)


def test_the_published_customer_is_predicted():
    # Fader, Hardie and Lee: x = 2, t_x = 30.43, T = 38.86, 39 weeks ahead: 1.226
    rates = clv.Rates(0.243, 4.414, 0.793, 2.426, 0.0, (), 0)
    one = pd.DataFrame({"frequency": [2], "recency": [30.43], "age": [38.86]})
    found = clv.expected_purchases(rates, one, weeks=39)
    assert found[0] == pytest.approx(1.226, abs=0.001)


def integrated(rates, x, t_x, age, ahead):
    """Integrate over rate and dropout what the closed forms promise."""
    lam, rate = special.roots_genlaguerre(80, rates.r - 1)
    lam = (lam / rates.alpha)[:, None]
    p, stop = special.roots_jacobi(80, rates.b - 1, rates.a - 1)
    p = (1 + p) / 2
    weight = rate[:, None] * stop
    alive = (1 - p) ** x * lam**x * np.exp(-lam * age) * weight
    dead = p * (1 - p) ** (x - 1) * lam**x * np.exp(-lam * t_x) * weight
    whole = alive.sum() + (dead.sum() if x else 0)
    future = alive * -np.expm1(-lam * p * ahead) / p
    return alive.sum() / whole, future.sum() / whole


@pytest.mark.parametrize(
    ("x", "t_x", "age"), [(0, 0.0, 20.0), (4, 18.0, 20.0), (4, 5.0, 20.0)]
)
def test_closed_forms_agree_with_integration(x, t_x, age):
    rates = clv.Rates(1.4, 3.0, 1.6, 4.0, 0.0, (), 0)
    one = pd.DataFrame({"frequency": [x], "recency": [t_x], "age": [age]})
    alive, future = integrated(rates, x, t_x, age, 13.0)
    assert clv.probability_alive(rates, one)[0] == pytest.approx(alive, rel=1e-4)
    assert clv.expected_purchases(rates, one, weeks=13)[0] == pytest.approx(
        future, rel=1e-4
    )


def test_heavy_buyers_and_a_of_one_stay_finite():
    many = pd.DataFrame({"frequency": [900], "recency": [50.0], "age": [52.0]})
    for a in (0.01, 1.0, 3.0):
        rates = clv.Rates(1.4, 1.3, a, 12.0, 0.0, (), 0)
        found = clv.expected_purchases(rates, many, weeks=13)[0]
        assert 0 < found < 900 / 52 * 13 * 1.1
    near = [
        clv.expected_purchases(clv.Rates(1, 1, a, 5, 0, (), 0), many, weeks=13)[0]
        for a in (1.0, 1.001)
    ]
    assert near[0] == pytest.approx(near[1], rel=0.01)


def test_parameters_that_run_away_are_held_and_named():
    # everybody buys weekly to the end: nobody stops
    steady = pd.DataFrame(
        {"frequency": 39, "recency": 39.0, "age": 39.0}, index=range(50)
    )
    found = clv.fit_rates(steady, bounds=(1e-3, 1e3))
    assert found.at_bounds
    assert all(1e-3 <= getattr(found, name) <= 1e3 for name in ("r", "alpha", "a", "b"))


def test_impossible_purchases_are_refused():
    wrong = pd.DataFrame({"frequency": [1], "recency": [9.0], "age": [3.0]})
    with pytest.raises(BadInput, match="recency exceeds its age"):
        clv.fit_rates(wrong, bounds=BOUNDS)
    with pytest.raises(
        TooLittle, match="None of fewer than 10 customers bought on two days"
    ):
        clv.fit_rates(wrong.assign(frequency=0, recency=0.0), bounds=BOUNDS)


def order_days(*rows):
    table = pd.DataFrame(rows, columns=["customer_id", "day", "sales_cents"])
    table["day"] = DAY + pd.to_timedelta(table["day"], unit="D")
    return table


def test_purchases_count_repeats_in_weeks():
    days = order_days(
        ("a", 0, 900), ("a", 7, 1000), ("a", 21, 2000), ("b", 14, 500), ("a", 60, 1)
    )
    found = clv.purchases(days, first=DAY, last=DAY + pd.Timedelta(days=28))
    assert found.iloc[0].to_dict() == {
        "customer_id": "a",
        "frequency": 2,
        "recency": 3.0,
        "age": 4.0,
        "spend": 15.0,
        "paid": 2,
    }
    second = found.iloc[1]
    assert second[["frequency", "recency", "age", "paid"]].tolist() == [0, 0, 2, 0]
    assert np.isnan(second["spend"])


def test_a_mean_of_few_purchases_is_drawn_to_that_of_all():
    spend = clv.Spend(p=2.0, q=4.0, v=30.0, at_bounds=(), customers=0)
    table = pd.DataFrame({"paid": [0, 1, 100], "spend": [np.nan, 50.0, 50.0]})
    # the mean of all is p v / (q - 1) = 20; weights are p n / (p n + q - 1)
    by_hand = [20, 2 / 5 * 50 + 3 / 5 * 20, 200 / 203 * 50 + 3 / 203 * 20]
    assert clv.expected_spend(spend, table) == pytest.approx(by_hand)
    without_mean = clv.Spend(p=2.0, q=0.9, v=30.0, at_bounds=(), customers=0)
    assert clv.expected_spend(without_mean, table) == pytest.approx([50, 50, 50])


@pytest.fixture(scope="module")
def bought():
    """Simulate 3,000 customers as BG/NBD says, weeks 0 to 40 and 40 to 60."""
    rng = np.random.default_rng(11)
    rates, stop = rng.gamma(1.5, 1 / 3, 3000), rng.beta(1.0, 6.0, 3000)
    rows = []
    for who, (rate, chance) in enumerate(zip(rates, stop, strict=True)):
        moment = 0.0
        rows.append((f"c{who}", 0))
        while True:
            moment += rng.exponential(1 / rate)
            if moment > 60:
                break
            rows.append((f"c{who}", round(moment * 7)))
            if rng.random() < chance:
                break
    table = pd.DataFrame(rows, columns=["customer_id", "day"]).drop_duplicates()
    table["day"] = DAY + pd.to_timedelta(table["day"], unit="D")
    return table.assign(sales_cents=1000)


def test_planted_customers_are_predicted_better_than_by_their_rate(bought):
    cut = DAY + pd.Timedelta(days=280)
    summary = clv.purchases(bought, first=DAY, last=cut)
    rates = clv.fit_rates(summary, bounds=BOUNDS)
    assert rates.r == pytest.approx(1.5, rel=0.15)
    assert rates.a / (rates.a + rates.b) == pytest.approx(1 / 7, rel=0.15)
    window = {"first": cut + pd.Timedelta(days=1), "last": DAY + pd.Timedelta(days=420)}
    held = clv.holdout(summary, bought, rates=rates, **window)
    found = clv.scores(held, seed=1, n_bootstrap=200).set_index("forecast")
    assert found.loc["model", "total"] == pytest.approx(1, abs=0.05)
    assert found.loc["difference", "high"] < 0
    groups = clv.calibration(held, edges=[0, 1, 3, 9], seed=1, n_bootstrap=200)
    assert groups["before"].tolist() == ["0", "1-2", "3-8", "9 or more"]
    assert groups["customers"].sum() == len(summary)
    # who repeats on the first day only looks like who never did: the first group is off
    held_in = groups["model"].between(groups["low"], groups["high"])
    assert held_in[1:].all()
    assert not groups["naive"].between(groups["low"], groups["high"])[1:].all()


def test_the_naive_rate_goes_on_as_before():
    table = pd.DataFrame({"frequency": [10, 3], "age": [20.0, 0.0]})
    assert clv.naive_purchases(table, weeks=8).tolist() == [4.0, 24.0]


def test_later_money_counts_less():
    rates = clv.Rates(5.0, 5.0, 1e-4, 1e3, 0.0, (), 0)  # hardly anybody stops
    spend = clv.Spend(50.0, 50.0, 9.8, (), 0)  # 10 a purchase
    one = pd.DataFrame(
        {
            "customer_id": ["a"],
            "frequency": [52],
            "recency": [52.0],
            "age": [52.0],
            "paid": [52],
            "spend": [10.0],
        }
    )
    told = {"rates": rates, "spend": spend, "weeks": 52}
    plain = clv.lifetime(one, **told, discount=0.0).iloc[0]
    assert plain["expected_purchases"] == pytest.approx(52, rel=0.001)
    assert plain["value"] == pytest.approx(520, rel=0.001)
    assert plain["naive_value"] == pytest.approx(520)
    less = clv.lifetime(one, **told, discount=0.1).iloc[0]
    # money comes evenly through 13 steps of four weeks
    by_hand = 520 * np.mean(1.1 ** (-np.arange(4, 53, 4) / 52))
    assert less["value"] == pytest.approx(by_hand, rel=0.001)


def test_groups_are_worth_their_mean():
    rng = np.random.default_rng(1)
    each = rng.gamma(2, 50, 400)
    table = pd.DataFrame({"value": each, "naive_value": 7.0, "group": [1] * 399 + [2]})
    found = clv.means(table, by="group", seed=1, n_bootstrap=1000)
    first = found.iloc[0]
    assert first[["customers", "naive_value"]].tolist() == [399, 7]
    assert first["value"] == pytest.approx(each[:399].mean())
    half = 1.96 * each[:399].std() / np.sqrt(399)
    assert first["high"] - first["low"] == pytest.approx(2 * half, rel=0.1)
    assert found.iloc[1]["low"] == found.iloc[1]["high"] == pytest.approx(each[399])
    assert found["largest"].tolist() == [each[:399].max() / each[:399].sum(), 1]


def test_spend_of_any_currency_is_fitted_alike():
    rng = np.random.default_rng(4)
    spend = 40 * rng.gamma(6, 1 / 6, 400)
    dollars = pd.DataFrame({"paid": rng.integers(1, 9, 400), "spend": spend})
    each = clv.expected_spend(clv.fit_spend(dollars, bounds=BOUNDS), dollars)
    dong = dollars.assign(spend=dollars["spend"] * 25_000)
    found = clv.fit_spend(dong, bounds=BOUNDS)
    assert not found.at_bounds
    assert clv.expected_spend(found, dong) == pytest.approx(each * 25_000, rel=0.01)


def test_equal_spends_are_predicted_and_no_spend_leaves_the_model_out():
    equal = pd.DataFrame({"paid": [3, 0] * 30, "spend": [10.0, np.nan] * 30})
    each = clv.expected_spend(clv.fit_spend(equal, bounds=BOUNDS), equal)
    assert each == pytest.approx(np.full(60, 10.0), rel=0.01)
    with pytest.raises(TooLittle, match="None of 60 customers paid"):
        clv.fit_spend(equal.assign(paid=0, spend=np.nan), bounds=BOUNDS)


def test_a_mean_beyond_belief_gives_way_to_what_was_spent():
    summary = pd.DataFrame({"paid": [2, 4, 0], "spend": [10.0, 20.0, np.nan]})
    wild = clv.Spend(p=2.0, q=1.001, v=10.0, at_bounds=(), customers=2)
    assert clv.expected_spend(wild, summary).tolist() == [10, 20, 15]


def test_parameters_that_allow_no_number_leave_the_model_out():
    rates = clv.Rates(1.0, 1.0, np.nan, 1.0, 0.0, (), 1)
    summary = pd.DataFrame({"frequency": [2], "recency": [3.0], "age": [9.0]})
    with pytest.raises(TooLittle, match="no forecast"):
        clv.expected_purchases(rates, summary, weeks=4)


def test_without_a_model_the_naive_rate_stands_alone(bought):
    cut = DAY + pd.Timedelta(days=280)
    summary = clv.purchases(bought, first=DAY, last=cut)
    after = {"first": cut + pd.Timedelta(days=1), "last": DAY + pd.Timedelta(days=420)}
    held = clv.holdout(summary, bought, rates=None, **after)
    scores = clv.scores(held, seed=1, n_bootstrap=50)
    assert scores["forecast"].tolist() == ["naive"]
    assert clv.verdict(scores) == "no model"
    groups = clv.calibration(held, edges=[0, 5], seed=1, n_bootstrap=50)
    assert "model" not in groups
    worth = clv.lifetime(summary, rates=None, spend=None, weeks=10, discount=0.1)
    assert worth["value"].equals(worth["naive_value"])
    clv.need_value(worth)
    with pytest.raises(
        TooLittle, match="None of 3,000 customers is predicted to spend"
    ):
        clv.need_value(worth.assign(value=0.0))


@pytest.mark.parametrize(
    ("error", "low", "high", "goes", "naive_goes", "said"),
    [
        (-0.5, -0.6, -0.4, 0.8, 0.7, "better"),
        (-0.1, -0.15, -0.05, 0.8, 0.7, "barely"),
        (-0.5, -0.6, -0.4, 0.6, 0.7, "misranks"),
        (-0.5, -0.6, -0.4, -0.2, 0.7, "totals"),
        (-0.5, -0.6, -0.4, np.nan, 0.7, "totals"),
        (-0.1, -0.3, 0.1, 0.8, 0.7, "no better"),
        (-0.001, -0.002, -0.0005, 0.8, 0.7, "no better"),
        (0.2, 0.1, 0.3, 0.8, 0.7, "worse"),
    ],
)
def test_what_the_misses_bear_follows_the_numbers(
    error, low, high, goes, naive_goes, said
):
    table = pd.DataFrame(
        {
            "forecast": ["model", "naive", "difference"],
            "error": [2 + error, 2.0, error],
            "low": [1, 1, low],
            "high": [3, 3, high],
            "correlation": [goes, naive_goes, np.nan],
        }
    )
    assert clv.verdict(table) == said


def test_a_correlation_with_what_is_the_same_for_all_is_missing():
    one = pd.Series([1.0, 2.0, 3.0])
    assert np.isnan(clv.correlation(one, one * 0))
    assert np.isnan(clv.correlation(one, pd.Series([np.nan] * 3)))
    assert clv.correlation(one, -one) == pytest.approx(-1)


def test_a_tenth_holds_its_share_and_nothing_of_nothing():
    assert clv.tenth(pd.Series([10.0] + [1.0] * 9)) == pytest.approx(10 / 19)
    assert np.isnan(clv.tenth(pd.Series([0.0] * 10)))
