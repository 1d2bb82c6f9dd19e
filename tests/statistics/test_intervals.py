"""Rates and differences by customer, against hand work, bootstraps and simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.core.errors import BadInput
from helpers.statistics import intervals


def trials(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "group", "won"])


def test_an_interval_of_nothing_is_missing():
    assert np.isnan(intervals.wilson(np.nan, 0, alpha=0.05)).all()
    found = stats.binomtest(8, 10).proportion_ci(method="wilson")
    assert intervals.wilson(0.8, 10, alpha=0.05) == pytest.approx(found)


def test_one_trial_a_customer_gives_wilsons_interval():
    rows = trials(*[(str(i), "a", i < 8) for i in range(40)])
    (row,) = intervals.proportions(rows, value="won", by=["group"], alpha=0.05).to_dict(
        "records"
    )
    assert (row["trials"], row["customers"], row["successes"]) == (40, 40, 8)
    # the sample variance divides by one less: the effective trials are 39
    z = stats.norm.ppf(0.975)
    middle = (0.2 + z**2 / 78) / (1 + z**2 / 39)
    half = z / (1 + z**2 / 39) * np.sqrt(0.16 / 39 + z**2 / 4 / 39**2)
    assert row["low"] == pytest.approx(middle - half)
    assert row["high"] == pytest.approx(middle + half)


def test_ten_equal_trials_of_a_customer_tell_no_more_than_one():
    once = trials(*[(str(i), "a", i < 8) for i in range(40)])
    tenfold = pd.concat([once] * 10)
    one, ten = (
        intervals.proportions(rows, value="won", by=["group"], alpha=0.05).iloc[0]
        for rows in (once, tenfold)
    )
    assert ten["trials"] == 400
    assert (ten["low"], ten["high"]) == pytest.approx((one["low"], one["high"]))


def test_without_a_success_the_interval_starts_at_zero_and_is_not_empty():
    rows = trials(*[(str(i), "a", False) for i in range(20)])
    row = intervals.proportions(rows, value="won", by=["group"], alpha=0.05).iloc[0]
    assert row["low"] == 0
    assert row["high"] == pytest.approx(0.161, abs=0.001)


def purchases(rng, customers, rates):
    orders = pd.Series(rng.integers(1, 30, customers), name="orders").astype(float)
    own = rng.gamma(2.0, 0.5, (customers, len(rates))) * rates
    counts = pd.DataFrame(rng.binomial(orders.to_numpy(int)[:, None], own.clip(0, 1)))
    return counts.astype(float), orders


def test_a_lift_is_the_ratio_of_two_rates():
    counts = pd.DataFrame({"tea": [1.0, 1.0, 0.0, 2.0]})
    table = intervals.lifts(
        counts,
        pd.Series([2.0, 2.0, 4.0, 2.0]),
        groups=pd.Series([1, 1, 2, 2]),
        alpha=0.05,
    ).set_index("group")
    assert table.loc[1, "rate"] == pytest.approx(2 / 4)
    assert table.loc[2, "rate"] == pytest.approx(2 / 6)
    assert table["overall"].tolist() == pytest.approx([0.4, 0.4])
    assert table.loc[1, "lift"] == pytest.approx(1.25)
    assert table["customers"].tolist() == [2, 1]


def test_the_error_of_a_lift_is_that_of_a_bootstrap_of_customers():
    rng = np.random.default_rng(5)
    counts, orders = purchases(rng, 400, np.array([0.1, 0.3]))
    groups = pd.Series(np.where(np.arange(400) < 150, 1, 2))
    found = intervals.lifts(counts, orders, groups=groups, alpha=0.05)
    logs = []
    for _ in range(600):
        pick = rng.integers(0, 400, 400)
        x, y = counts.to_numpy()[pick], orders.to_numpy()[pick]
        inside = groups.to_numpy()[pick] == 1
        rate = x[inside].sum(axis=0) / y[inside].sum()
        logs.append(np.log(rate / (x.sum(axis=0) / y.sum())))
    spread = np.std(logs, axis=0)
    own = found.loc[found["group"] == 1, "error"].to_numpy()
    assert own == pytest.approx(spread, rel=0.12)


def test_what_a_group_never_buys_has_lift_zero_and_no_interval():
    counts = pd.DataFrame({"tea": [1.0, 0.0]})
    table = intervals.lifts(
        counts, pd.Series([2.0, 2.0]), groups=pd.Series([1, 2]), alpha=0.05
    )
    assert table.loc[1, "lift"] == 0
    assert table.loc[1, ["low", "high", "error"]].isna().all()


def test_counts_of_other_customers_or_of_nothing_are_refused():
    one, groups = pd.Series([1.0, 1.0]), pd.Series([1, 2])
    with pytest.raises(BadInput, match="same order"):
        intervals.lifts(
            pd.DataFrame({"tea": [1.0, 1.0]}, index=[1, 0]),
            one,
            groups=groups,
            alpha=0.05,
        )
    with pytest.raises(BadInput, match="'tea' is 0 for every customer"):
        intervals.lifts(
            pd.DataFrame({"tea": [0.0, 0.0]}), one, groups=groups, alpha=0.05
        )


def test_shrinking_with_equal_errors_keeps_what_the_spread_exceeds_noise_by():
    values = np.array([-2.0, -1.0, 0.5, 2.5])
    table = intervals.shrink(values, np.ones(4), centre=0.0)
    true = (values**2).mean() - 1  # the likelihood's best, by hand
    assert table["kept"].to_numpy() == pytest.approx(true / (true + 1), abs=1e-4)
    assert table["shrunk"].to_numpy() == pytest.approx(
        values * true / (true + 1), abs=1e-3
    )
    assert table["error"].to_numpy() == pytest.approx(
        np.sqrt(true / (true + 1)), abs=1e-4
    )


def test_pure_noise_is_shrunk_to_its_centre():
    table = intervals.shrink(np.array([3.1, 2.9, 3.05, 2.95]), np.ones(4), centre=None)
    assert table["shrunk"].to_numpy() == pytest.approx(3.0)
    assert (table["kept"] == 0).all()


def test_shrinking_comes_nearer_to_the_truth_than_not_shrinking():
    rng = np.random.default_rng(2)
    truth, errors = rng.normal(0, 0.5, 300), rng.uniform(0.2, 1.5, 300)
    seen = rng.normal(truth, errors)
    table = intervals.shrink(seen, errors, centre=0.0)
    off = ((table["shrunk"] - truth) ** 2).mean()
    assert off < 0.5 * ((seen - truth) ** 2).mean()


def test_holm_and_benjamini_hochberg_by_hand():
    p = [0.01, 0.04, 0.03, 0.005]
    assert intervals.adjusted(p, method="holm") == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert intervals.adjusted(p, method="benjamini-hochberg") == pytest.approx(
        [0.02, 0.04, 0.04, 0.02]
    )
    with pytest.raises(BadInput, match="but 'bonferoni' was passed"):
        intervals.adjusted(p, method="bonferoni")


def test_a_family_of_two_is_held_to_half_the_error_each_and_single_rows_stay():
    table = pd.DataFrame(
        {
            "effect": [1.0, 0.2, 3.0, np.nan],
            "error": 0.4,
            "p": [0.01, 0.6, 0.04, np.nan],
        }
    )
    found = intervals.together(
        table, family=["a", "a", "b", "b"], alpha=0.05, method="holm"
    )
    # two rows: 2.5 % each, so 2.2414 standard errors; alone: 1.95996
    assert found["low"].tolist()[:3] == pytest.approx(
        [1 - 0.89656, 0.2 - 0.89656, 3 - 0.78399], abs=1e-4
    )
    assert found["p_adjusted"].tolist()[:3] == pytest.approx([0.02, 0.6, 0.04])
    assert np.isnan(found["p_adjusted"].iloc[3])


def arms(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "campaign", "treated", "won"])


def test_a_plain_difference_is_that_of_two_means_with_welchs_error():
    rows = arms(
        *[(str(i), 1, True, i % 4 == 0) for i in range(40)],
        *[(str(i), 1, False, i % 10 == 0) for i in range(40, 100)],
    )
    found = intervals.difference(rows, value="won", strata=[], alpha=0.05)
    assert found["effect"] == pytest.approx(0.25 - 0.1)
    welch = np.sqrt(0.25 * 0.75 / 39 + 0.1 * 0.9 / 59)
    assert found["error"] == pytest.approx(welch)
    assert (found["treated"], found["control"]) == (40, 60)
    assert found["high"] - found["low"] == pytest.approx(2 * 1.959964 * welch)


def test_strata_keep_a_lopsided_campaign_from_faking_an_effect():
    # a popular campaign with few controls, and an unpopular one with many: no effect
    rows = []
    for campaign, rate, treated, control in ((1, 0.5, 80, 20), (2, 0.1, 20, 80)):
        for arm, size in ((True, treated), (False, control)):
            won = round(rate * size)
            rows += [
                (f"{campaign}{arm}{i}", campaign, arm, i < won) for i in range(size)
            ]
    table = arms(*rows)
    naive = intervals.difference(table, value="won", strata=[], alpha=0.05)
    fair = intervals.difference(table, value="won", strata=["campaign"], alpha=0.05)
    assert naive["effect"] == pytest.approx(0.24)
    assert fair["effect"] == pytest.approx(0.0, abs=1e-12)


def test_a_stratum_with_a_single_arm_is_left_out():
    rows = arms(
        *[(str(i), 1, i % 2 == 0, i % 3 == 0) for i in range(30)],
        *[(str(i), 2, True, True) for i in range(30, 60)],
    )
    found = intervals.difference(rows, value="won", strata=["campaign"], alpha=0.05)
    assert (found["treated"], found["control"]) == (15, 15)
    none = intervals.difference(rows[30:], value="won", strata=["campaign"], alpha=0.05)
    assert np.isnan(none["effect"]) and none["treated"] == 0


def test_without_an_effect_one_interval_in_twenty_leaves_out_zero():
    rng = np.random.default_rng(8)
    people, campaigns = 300, 4
    wrong = 0
    for _ in range(300):
        # customers differ in how often they answer, and stand in several campaigns
        own = rng.beta(1, 6, people)
        table = pd.DataFrame(
            {
                "customer_id": np.repeat(np.arange(people), campaigns),
                "campaign": np.tile(np.arange(campaigns), people),
                "treated": rng.random(people * campaigns) < 0.7,
                "won": rng.random(people * campaigns) < np.repeat(own, campaigns),
            }
        )
        found = intervals.difference(
            table, value="won", strata=["campaign"], alpha=0.05
        )
        wrong += found["p"] < 0.05
    assert 0.02 < wrong / 300 < 0.085


def test_nothing_to_compare_gives_nothing_and_no_error():
    assert len(intervals.adjusted([], method="benjamini-hochberg")) == 0
    assert len(intervals.adjusted([], method="holm")) == 0
    rows = pd.DataFrame({"customer_id": [], "group": [], "hit": []})
    found = intervals.proportions(rows, value="hit", by=["group"], alpha=0.05)
    assert found.empty
    assert {"group", "customers", "rate", "low", "high"} <= {*found}
