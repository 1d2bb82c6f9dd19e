"""Customers without clusters keep what a table has: margins, associations, what is missing."""

import numpy as np
import pandas as pd
import pytest

from helpers.customer_table import null_references, preparation
from helpers.customer_table.null_references import CLOUD, GRADIENT, STYLES


def table(rows, **columns):
    """Give the preparation and the raw values of columns."""
    features = pd.DataFrame(columns)
    told = pd.DataFrame(rows, columns=["feature", "measure", "family", "levels"])
    prepared = preparation.fit(features, dictionary=told, winsor=0.0)
    return prepared, prepared.raw(features)


def normals(rng, r, n=2000):
    one = rng.normal(size=n)
    return one, r * one + np.sqrt(1 - r**2) * rng.normal(size=n)


def pair(seed=1, r=0.6):
    """A yes-or-no and an ordered column behind which normals correlate by r."""
    one, other = normals(np.random.default_rng(seed), r)
    return table(
        [
            ("a", "yes_no", "x", '["no", "yes"]'),
            ("b", "ordered", "x", '["1", "2", "3"]'),
        ],
        a=(one > 0.5).astype(float),
        b=np.searchsorted([-0.5, 0.8], other).astype(float),
    )


def test_the_correlation_behind_answers_is_found():
    prepared, raw = pair()
    model = null_references.fitted(prepared, raw)[CLOUD]
    found = (model.factor.T @ model.factor)[0, 1]
    assert found == pytest.approx(0.6, abs=0.06)


def test_answers_drawn_keep_margins_and_association():
    prepared, raw = pair()
    drawn = null_references.fitted(prepared, raw)[CLOUD].draw([3])
    assert (np.sort(drawn, axis=0) == np.sort(raw, axis=0)).all()
    seen, again = (np.corrcoef(values.T)[0, 1] for values in (raw, drawn))
    assert again == pytest.approx(seen, abs=0.05)


def test_what_is_missing_stays_missing():
    prepared, raw = pair()
    raw[::7, 0] = np.nan
    for model in null_references.fitted(prepared, raw).values():
        drawn = model.draw([1])
        assert (
            np.isnan(drawn).sum(axis=0).tolist() == np.isnan(raw).sum(axis=0).tolist()
        )


def test_an_unordered_column_goes_on_with_the_column_it_goes_with():
    rng = np.random.default_rng(2)
    yes = rng.integers(0, 2, 1000).astype(float)
    colour = np.where(
        rng.random(1000) < 0.9, np.array(["a", "b"])[yes.astype(int)], "c"
    )
    prepared, raw = table(
        [
            ("yes", "yes_no", "x", '["no", "yes"]'),
            ("colour", "unordered", "y", '["a", "b", "c"]'),
        ],
        yes=yes,
        colour=colour,
    )
    drawn = null_references.fitted(prepared, raw)[CLOUD].draw([5])
    share = (drawn[drawn[:, 0] == 1, 1] == 1).mean()
    assert share == pytest.approx((raw[raw[:, 0] == 1, 1] == 1).mean(), abs=0.04)
    assert not (drawn[drawn[:, 0] == 1, 1] == 0).any()


def test_a_gap_inside_one_number_is_closed_and_two_peaks_become_one():
    rng = np.random.default_rng(3)
    apart = np.r_[rng.normal(0, 1, 300), rng.normal(9, 1, 300)]
    prepared, raw = table(
        [("x", "number", "b", ""), ("y", "number", "b", "")],
        x=apart,
        y=rng.normal(size=600),
    )
    drawn = null_references.fitted(prepared, raw)[CLOUD].draw([1])
    between = ((drawn[:, 0] > 3.5) & (drawn[:, 0] < 5.5)).mean()
    assert between > 0.05 > ((raw[:, 0] > 3.5) & (raw[:, 0] < 5.5)).mean()


def styles(seed, n=400, items=12):
    """Items whose answers say only how far a respondent says yes at all: two styles."""
    rng = np.random.default_rng(seed)
    own = rng.integers(0, 2, n)
    said = (rng.random((n, items)) < np.where(own, 0.85, 0.15)[:, None]).astype(float)
    names = [f"q{i}" for i in range(items)]
    rows = [(name, "yes_no", "psychographic", '["no", "yes"]') for name in names]
    return table(rows, **dict(zip(names, said.T, strict=True)))


def test_answering_styles_keep_how_far_each_says_yes():
    prepared, raw = styles(1)
    models = null_references.fitted(prepared, raw)
    assert list(models) == [CLOUD, STYLES]
    levels = [
        np.sort(null_references.answering_levels(prepared, values))
        for values in (raw, models[STYLES].draw([1]))
    ]
    # Two humps with a valley between them stay two humps.
    assert levels[1] == pytest.approx(levels[0])


def test_answering_styles_keep_the_share_of_each_item_and_what_goes_with_them():
    prepared, raw = styles(2, n=1500)
    raw[:, 11] = raw[:, 10]  # two items that always agree
    raw[::5, 3] = np.nan
    drawn = null_references.fitted(prepared, raw)[STYLES].draw([1])
    assert np.nanmean(drawn, axis=0) == pytest.approx(np.nanmean(raw, axis=0), abs=0.02)
    agree = [(values[:, 10] == values[:, 11]).mean() for values in (raw, drawn)]
    others = (drawn[:, 0] == drawn[:, 1]).mean()
    assert agree[0] == 1
    assert agree[1] > others + 0.1


def test_numbers_alone_have_a_bent_gradient_too():
    rng = np.random.default_rng(4)
    along = rng.uniform(-1.5, 1.5, 300)
    rows = [(name, "number", "b", "") for name in "xy"]
    prepared, raw = table(rows, x=along, y=along**2 + rng.normal(size=300) / 5)
    models = null_references.fitted(prepared, raw)
    assert list(models) == [CLOUD, GRADIENT]
    drawn = models[GRADIENT].draw([1])
    assert np.corrcoef(drawn[:, 0] ** 2, drawn[:, 1])[0, 1] > 0.7
    assert abs(np.corrcoef(models[CLOUD].draw([1]).T)[0, 1]) < 0.3


def test_cramers_v_by_hand():
    one = np.repeat([0, 0, 1, 1], [40, 10, 10, 40])
    other = np.repeat([0, 1, 0, 1], [40, 10, 10, 40])
    # chi2 = 36 of 100: phi2 .36, less 1/99; both sides 2 - 1/99.
    expected = np.sqrt((0.36 - 1 / 99) / (1 - 1 / 99))
    assert null_references.associated(one, other) == pytest.approx(expected)
    assert null_references.associated(one, -np.ones(100)) == 0


def test_the_same_seed_draws_the_same_customers_in_any_order_of_rows():
    prepared, raw = pair()
    mixed_up = raw[np.random.default_rng(1).permutation(len(raw))]
    one, other = (
        null_references.fitted(prepared, values)[CLOUD].draw([2])
        for values in (raw, mixed_up)
    )
    np.testing.assert_array_equal(one, other)


def test_planted_classes_stand_in_unordered_columns_too():
    rng = np.random.default_rng(6)
    names = [f"c{i}" for i in range(12)]
    rows = [(name, "unordered", "x", '["a", "b", "c"]') for name in names]
    columns = {name: rng.choice(["a", "b", "c"], 600) for name in names}
    prepared, raw = table(rows, **columns)
    drawn, own = null_references.planted(prepared, raw, k=3, distance=2, seed=1)
    found = [null_references.associated(drawn[:, i], own) for i in range(12)]
    assert np.mean(found) > 0.4
    assert np.bincount(own).tolist() == [200, 200, 200]
