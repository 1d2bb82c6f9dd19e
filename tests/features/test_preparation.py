"""Fitted steps from shares to scores, by hand on five customers."""

import json
from math import sqrt

import numpy as np
import pandas as pd
import pytest

from helpers.core import errors
from helpers.features import preparation

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
    "weights": {"baby": "sales", "pets": "sales"},
    "priors": {"sales": 100.0},
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
    scores = fit(shrink=0, winsor=0, scaling="none").transform(CUSTOMERS)
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


@pytest.mark.parametrize("scaling", preparation.SCALINGS)
@pytest.mark.parametrize("pets", [[0.1] * 5, [0, 0, 0, 0, 0.5]])
def test_a_share_that_is_the_same_for_all_scores_0_and_is_named(pets, scaling):
    # in the second only one customer differs: winsorising makes the column flat
    features = CUSTOMERS.assign(pets=pets)
    fitted = fit(features, shrink=0, scaling=scaling)
    assert fitted.flat == ["pets"]
    others = CUSTOMERS.assign(pets=0.7)  # who was not in this resample
    for scored in (fitted.transform(features), fitted.transform(others)):
        assert scored["pets"].tolist() == pytest.approx([0] * 5, abs=1e-12)
        assert scored["baby"].std() > 0


def test_the_shape_of_orders_builds_segments_where_needs_cannot():
    features = CUSTOMERS.assign(
        flat=0.2, weekend_share=[0, 0.2, 0.4, 0.6, 1], evening_share=[1, 0.5, 0, 0.2, 0]
    )
    steps = {name: SETTINGS[name] for name in ("priors", "winsor", "scaling")}
    needs = {"baby": "sales", "pets": "sales"}
    assert preparation.choose(features, weights=needs, **steps) == (needs, {})
    one = {"baby": "sales", "flat": "sales"}
    left, why = preparation.choose(features, weights=one, **steps)
    assert left == {"weekend_share": "", "evening_share": ""}
    assert why == {"flat": "the same for nearly all customers"}


def test_columns_that_cannot_tell_customers_apart_are_sorted_out_with_a_reason():
    features = CUSTOMERS.assign(
        rare=[0, 0, 0, 0, 0.5], lost=[-0.1, 0, 0, 0.1, 0.2], half=[None, 1, 2, 3, 4]
    )
    weights = {"baby": "sales", "rare": "", "lost": "", "half": ""}
    steps = {name: SETTINGS[name] for name in ("priors", "winsor", "scaling")}
    left, why = preparation.sort_out(features, weights=weights, **steps)
    assert left == {"baby": "sales"}
    assert why == {
        "lost": "below 0 for some customers",
        "half": "unknown for some customers",
        "rare": "the same for nearly all customers",
    }
    nobody = preparation.sort_out(CUSTOMERS[:0], weights={"baby": "sales"}, **steps)
    assert nobody[0] == {}
    assert preparation.fit(CUSTOMERS[:0], weights={}, **steps).columns == []


@pytest.mark.parametrize("column", ["pets", "sales"])
def test_a_missing_column_is_refused_by_name_when_fitted_and_when_used(column):
    for attempt in (fit, fit().transform):
        with pytest.raises(errors.BadInput, match=f"column {column} is missing. Run"):
            attempt(CUSTOMERS.drop(columns=column))


@pytest.mark.parametrize("column", ["pets", "sales"])
def test_missing_values_are_refused_with_their_rows(column):
    holes = CUSTOMERS.copy()
    holes.loc[["b", "d"], column] = np.nan
    fault = rf"column {column} is missing for 2 customers \(rows b, d\)"
    for attempt in (fit, fit().transform):
        with pytest.raises(errors.BadInput, match=fault):
            attempt(holes)


def test_nobody_to_fit_on_is_refused():
    with pytest.raises(
        errors.BadInput, match=r"no customer is left .* Lower min_order"
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
    with pytest.raises(errors.BadInput, match=fault):
        preparation.fit_deal_index(
            DEALS.assign(**change), columns=["depth", "mailer"], winsor=0.0
        )


# --- Several weights at once: sales, orders, contacts and none

MIXED = pd.DataFrame(
    {
        "baby": [0.0, 0.9, 0.5, 0.25],
        "web": [0.5, 0.0, 1.0, 0.25],
        "sizing": [0.5, np.nan, 1.0, 0.0],
        "rental": [1, 0, 0, 1],
        "days": [4.0, 9.0, 16.0, 25.0],
        "sales": [50.0, 100.0, 300.0, 150.0],
        "orders": [4, 2, 10, 4],
        "contacts": [6, 0, 2, 4],
    },
    index=["a", "b", "c", "d"],
)
WEIGHTS = {
    **{"baby": "sales", "web": "orders", "sizing": "contacts"},
    **{"rental": "", "days": ""},
}
# averages by weight; who had no contact says nothing of what contacts are about
BABY_MIXED = (90 + 150 + 37.5) / 600
WEB = (2 + 0 + 10 + 1) / 20
SIZING = (3 + 2 + 0) / 12


def fit_mixed(features=MIXED, **change):
    settings = {
        "weights": WEIGHTS,
        "priors": {"sales": 100.0, "orders": 5.0, "contacts": 2.0},
        **{"winsor": 0, "scaling": "none"},
    }
    return preparation.fit(features, **settings | change)


def roots_of(fitted, features=MIXED):
    """Return the roots before they are centred; the scaling must be none."""
    return fitted.transform(features) + fitted.mean


def test_each_share_is_shrunk_by_its_own_weight_and_prior_and_a_flag_is_only_rooted():
    roots = roots_of(fit_mixed())
    expected = {
        "baby": [
            (0 + 100 * BABY_MIXED) / 150,
            (90 + 100 * BABY_MIXED) / 200,
            (150 + 100 * BABY_MIXED) / 400,
            (37.5 + 100 * BABY_MIXED) / 250,
        ],
        "web": [
            (2 + 5 * WEB) / 9,
            (0 + 5 * WEB) / 7,
            (10 + 5 * WEB) / 15,
            (1 + 5 * WEB) / 9,
        ],
        "sizing": [
            (3 + 2 * SIZING) / 8,
            SIZING,
            (2 + 2 * SIZING) / 4,
            (0 + 2 * SIZING) / 6,
        ],
        "rental": [1, 0, 0, 1],
        "days": [4, 9, 16, 25],
    }
    assert list(roots) == list(WEIGHTS)
    for name, values in expected.items():
        assert roots[name].tolist() == pytest.approx([sqrt(v) for v in values])


def test_the_averages_are_taken_by_each_columns_own_weight():
    averages = [BABY_MIXED, WEB, SIZING, 0.5, 13.5]
    assert fit_mixed().population == pytest.approx(averages)
    assert fit_mixed().weights == ["sales", "orders", "contacts", "", ""]
    assert fit_mixed().priors == [100, 5, 2, 0, 0]


def test_the_columns_of_one_weight_need_not_stand_together():
    order = ["rental", "sizing", "baby", "days", "web"]
    turned = fit_mixed(weights={name: WEIGHTS[name] for name in order})
    pd.testing.assert_frame_equal(
        turned.transform(MIXED), fit_mixed().transform(MIXED)[order]
    )


@pytest.mark.parametrize(
    "priors", [{}, {"contacts": 0.0}, {"contacts": 2.0}, {"contacts": 1e9}]
)
@pytest.mark.parametrize("share", [np.nan, 0.0, 1.0])
def test_of_no_contact_there_is_no_share_and_the_customer_counts_as_average(
    priors, share
):
    table = MIXED.assign(sizing=MIXED["sizing"].fillna(share))
    fitted = fit_mixed(table, priors=priors)
    assert roots_of(fitted, table).loc["b", "sizing"] == pytest.approx(sqrt(SIZING))
    others = table.drop(index="b")
    again = fitted.transform(others)
    pd.testing.assert_frame_equal(again, fitted.transform(table).loc[others.index])


def test_a_weight_without_a_prior_leaves_its_shares_as_they_are():
    roots = roots_of(fit_mixed(priors={"orders": 5.0}))
    assert roots["baby"].tolist() == pytest.approx(np.sqrt(MIXED["baby"]).tolist())
    assert roots.loc["a", "web"] == pytest.approx(sqrt((2 + 5 * WEB) / 9))


@pytest.mark.parametrize("times", [0, 0.5, 2])
def test_shrink_multiplies_every_prior(times):
    priors = {"sales": 100.0 * times, "orders": 5.0 * times, "contacts": 2.0 * times}
    assert fit_mixed(shrink=times) == fit_mixed(priors=priors)
    assert fit_mixed(shrink=times) != fit_mixed()


@pytest.mark.parametrize("column", ["days", "web"])
def test_what_is_below_0_is_refused_with_its_rows_when_fitted_and_when_used(column):
    below = MIXED.assign(**{column: MIXED[column].where(MIXED.index != "c", -0.01)})
    fault = rf"column {column} is below 0 .* for 1 customers \(rows c\)"
    for attempt in (fit_mixed, fit_mixed().transform):
        with pytest.raises(errors.BadInput, match=fault):
            attempt(below)


@pytest.mark.parametrize(
    ("column", "row"), [("sizing", "c"), ("rental", "b"), ("days", "a")]
)
def test_a_missing_value_that_a_weight_of_0_does_not_explain_is_refused(column, row):
    holes = MIXED.astype({"rental": float})
    holes.loc[row, column] = np.nan
    fault = rf"column {column} is missing for 1 customers \(rows {row}\)"
    for attempt in (fit_mixed, fit_mixed().transform):
        with pytest.raises(errors.BadInput, match=fault):
            attempt(holes)


def test_a_prepared_table_of_several_weights_survives_json():
    content = json.loads(json.dumps(fit_mixed().to_dict()))
    assert preparation.Preparation(**content) == fit_mixed()


def test_without_parts_there_is_no_deal_index_and_with_one_missing_none_either():
    parts = preparation.fit_deal_index(DEALS, columns=["depth", "mailer"], winsor=0)
    holes = DEALS.assign(depth=DEALS["depth"].where(DEALS.index != 1))
    found = preparation.deal_index(holes, parts=parts)
    assert found.isna().tolist() == [False, True, False, False, False]
    none = preparation.deal_index(DEALS, parts={})
    assert none.isna().all() and none.index.equals(DEALS.index)
    assert none.name == "deal_index"
