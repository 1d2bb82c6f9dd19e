"""Fitted steps from shares to scores, by hand on five customers."""

import json
from math import sqrt

import numpy as np
import pandas as pd
import pytest

from helpers import preparation, schema

CUSTOMERS = pd.DataFrame(
    {
        "baby": [0.0, 0.9, 0.5, 0.25, 0.3],
        "pets": [0.4, 0.0, 0.0, 0.15, 0.05],
        "sales": [50.0, 100.0, 300.0, 100.0, 250.0],
    },
    index=["a", "b", "c", "d", "e"],
)
# average shares: baby and pets sold over all that was sold
BABY = (90 + 150 + 25 + 75) / 800
PETS = (20 + 15 + 12.5) / 800
SETTINGS = {
    "columns": ["baby", "pets"],
    "weight": "sales",
    "prior_weight": 100.0,
    "winsor": 0.25,
    "scaling": "pareto",
}


def fit(features=CUSTOMERS, **change):
    return preparation.fit(features, **SETTINGS | change)


def test_the_average_shares_are_weighed_by_sales():
    assert fit().population == pytest.approx([BABY, PETS])


def test_steps_give_what_a_pencil_gives():
    # shrunk: ((share * sales) + 100 * average) / (sales + 100), then the root
    roots = [
        sqrt((0 + 100 * BABY) / 150),
        sqrt((90 + 100 * BABY) / 200),
        sqrt((150 + 100 * BABY) / 400),
        sqrt((25 + 100 * BABY) / 200),
        sqrt((75 + 100 * BABY) / 350),
    ]
    # a quarter at each end is cut to the second and the fourth of five
    _, low, _, high, _ = sorted(roots)
    cut = [min(max(root, low), high) for root in roots]
    mean = sum(cut) / 5
    deviation = sqrt(sum((root - mean) ** 2 for root in cut) / 5)
    fitted = fit()
    assert (fitted.lower[0], fitted.upper[0]) == pytest.approx((low, high))
    assert (fitted.mean[0], fitted.divisor[0]) == pytest.approx((mean, sqrt(deviation)))
    scores = fitted.transform(CUSTOMERS)
    expected = [(root - mean) / sqrt(deviation) for root in cut]
    assert scores["baby"].tolist() == pytest.approx(expected)
    assert list(scores.columns) == ["baby", "pets"]
    assert list(scores.index) == list("abcde")


def test_the_three_scalings_leave_the_spread_level_it_in_part_or_level_it():
    plain, pareto, standard = (
        fit(scaling=scaling).transform(CUSTOMERS)
        for scaling in ("none", "pareto", "standard")
    )
    spread = plain.std(ddof=0)
    assert spread["baby"] != pytest.approx(spread["pets"], rel=0.05)
    assert pareto.std(ddof=0).tolist() == pytest.approx(np.sqrt(spread).tolist())
    assert standard.std(ddof=0).tolist() == pytest.approx([1, 1])
    for scores in (plain, pareto, standard):
        assert scores.mean().tolist() == pytest.approx([0, 0], abs=1e-12)


def test_without_prior_and_winsor_the_scores_are_centred_roots_of_the_shares():
    scores = fit(prior_weight=0, winsor=0, scaling="none").transform(CUSTOMERS)
    roots = np.sqrt(CUSTOMERS[["baby", "pets"]])
    pd.testing.assert_frame_equal(scores, roots - roots.mean())


def test_a_thin_record_is_drawn_to_the_average_and_a_thick_one_keeps_its_share():
    thin_and_thick = pd.DataFrame(
        {"baby": [1.0, 1.0], "pets": [0.0, 0.0], "sales": [1e-9, 1e12]}
    )
    fitted = fit(winsor=0, scaling="none")
    wide = preparation.Preparation(
        **fitted.to_dict() | {"lower": [0.0, 0.0], "upper": [1.0, 1.0]}
    )
    scores = wide.transform(thin_and_thick) + wide.mean
    expected = [sqrt(BABY), sqrt(PETS), 1, 0]
    assert scores.to_numpy().ravel().tolist() == pytest.approx(expected, abs=1e-5)


def test_new_customers_are_treated_as_those_fitted_whoever_comes_with_them():
    fitted = fit()
    known = fitted.transform(CUSTOMERS)
    pd.testing.assert_frame_equal(fitted.transform(CUSTOMERS.loc[["d"]]), known[3:4])
    stranger = pd.DataFrame({"baby": [1.0], "pets": [0.0], "sales": [1e6]})
    together = pd.concat([CUSTOMERS, stranger])
    again = fitted.transform(together)[:5]
    pd.testing.assert_frame_equal(again, known, check_index_type=False)
    # beyond everybody: cut to the limits that were fitted, not scored on its own
    ends = (np.array([fitted.upper[0], fitted.lower[1]]) - fitted.mean) / fitted.divisor
    assert fitted.transform(stranger).to_numpy().ravel() == pytest.approx(ends)


def test_the_order_of_customers_changes_nothing():
    again = fit(CUSTOMERS.iloc[[3, 0, 4, 2, 1]])
    for key, values in fit().to_dict().items():
        if isinstance(values, list) and key != "columns":
            assert getattr(again, key) == pytest.approx(values)


def test_steps_survive_json():
    content = json.loads(json.dumps(fit().to_dict()))
    assert preparation.Preparation(**content) == fit()


def test_a_share_that_is_the_same_for_all_is_refused_by_name():
    flat = CUSTOMERS.assign(pets=0.1)
    with pytest.raises(schema.BadInput, match="column pets is the same for all 5"):
        fit(flat)
    # only one customer differs: winsorising makes the column flat
    nearly = CUSTOMERS.assign(pets=[0, 0, 0, 0, 0.5])
    with pytest.raises(schema.BadInput, match=r"column pets .* after winsorising"):
        fit(nearly, prior_weight=0)


@pytest.mark.parametrize("column", ["pets", "sales"])
def test_a_missing_column_is_refused_by_name_when_fitted_and_when_used(column):
    for attempt in (fit, fit().transform):
        with pytest.raises(schema.BadInput, match=f"column {column} is missing. Run"):
            attempt(CUSTOMERS.drop(columns=column))


@pytest.mark.parametrize("column", ["pets", "sales"])
def test_missing_values_are_refused_with_their_rows(column):
    holes = CUSTOMERS.copy()
    holes.loc[["b", "d"], column] = np.nan
    fault = rf"column {column} is missing for 2 customers \(rows b, d\)"
    for attempt in (fit, fit().transform):
        with pytest.raises(schema.BadInput, match=fault):
            attempt(holes)


def test_nobody_to_fit_on_is_refused():
    with pytest.raises(
        schema.BadInput, match=r"no customer is left .* Lower min_order"
    ):
        fit(CUSTOMERS[:0])


def test_an_unknown_scaling_is_refused():
    with pytest.raises(ValueError, match=r"'pareto', 'standard'.*but 'minmax'"):
        fit(scaling="minmax")


DEALS = pd.DataFrame(
    {"depth": [0.0, 0.1, 0.2, 0.3, 0.9], "mailer": [0.5, 0.5, 0.5, 0.1, 0.1]}
)


def test_the_deal_index_is_the_mean_of_winsorised_standard_scores():
    parts = preparation.fit_deal_index(DEALS, columns=["depth", "mailer"], winsor=0.25)
    # depth is cut to 0.1 .. 0.3: mean 0.2, deviation sqrt(0.04 / 5)
    assert parts["depth"] == pytest.approx(
        {"lower": 0.1, "upper": 0.3, "mean": 0.2, "deviation": sqrt(0.008)}
    )
    # mailer is not cut: mean 0.34, deviation sqrt((3 * 0.16^2 + 2 * 0.24^2) / 5)
    assert parts["mailer"]["mean"] == pytest.approx(0.34)
    assert parts["mailer"]["deviation"] == pytest.approx(sqrt(0.0384))
    index = preparation.deal_index(DEALS, parts=parts)
    assert index.name == "deal_index"
    depth = [-0.1, -0.1, 0, 0.1, 0.1]
    mailer = [0.16, 0.16, 0.16, -0.24, -0.24]
    expected = [
        (d / sqrt(0.008) + m / sqrt(0.0384)) / 2
        for d, m in zip(depth, mailer, strict=True)
    ]
    assert index.tolist() == pytest.approx(expected)
    assert index.mean() == pytest.approx(0, abs=1e-12)


def test_a_new_customer_gets_the_deal_index_by_the_fitted_parts():
    parts = preparation.fit_deal_index(DEALS, columns=["depth", "mailer"], winsor=0.25)
    new = pd.DataFrame({"depth": [5.0], "mailer": [0.34]}, index=["n"])
    found = preparation.deal_index(new, parts=parts)
    assert found["n"] == pytest.approx(0.1 / sqrt(0.008) / 2)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"mailer": 0.1}, "column mailer is the same for all 5"),
        ({"mailer": [0.1, 0.2, np.nan, 0.3, 0.4]}, r"missing for 1 customers \(rows 2"),
    ],
)
def test_a_part_of_the_deal_index_that_cannot_be_scored_is_refused(change, fault):
    with pytest.raises(schema.BadInput, match=fault):
        preparation.fit_deal_index(
            DEALS.assign(**change), columns=["depth", "mailer"], winsor=0.0
        )
