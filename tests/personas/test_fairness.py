"""Attributes held against segments: shares, association and coverage, by formula."""

from math import log, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.personas import fairness

ASSIGNED = pd.DataFrame(
    {"customer_id": list("abcdegh"), "segment_id": [2, 1, 2, 1, 1, 2, 2]}
)
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": list("abcdefgh"),
        "age": ["old", "young", None, "old", "old", "old", "young", None],
        "home": [None] * 6 + ["own", "rent"],
    }
)


def wilson(count, n, rows):
    """Wilson's interval at Bonferroni's level for so many rows."""
    z = stats.norm.ppf(1 - 0.025 / rows)
    share = count / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return [middle - half, middle + half]


def test_attributes_are_shares_of_those_known_with_simultaneous_intervals():
    assigned = ASSIGNED
    found = fairness.attribute_shares(
        CUSTOMERS, assigned, attributes=["age", "home"]
    ).set_index(["attribute", "segment_id", "level"])
    # age: segment 1 is b young, d old, e old; segment 2 is a old, g young
    expected = {
        ("age", 1, "old"): (3, 2, 3 / 5),
        ("age", 1, "young"): (3, 1, 2 / 5),
        ("age", 2, "old"): (2, 1, 3 / 5),
        ("age", 2, "young"): (2, 1, 2 / 5),
        ("home", 2, "own"): (2, 1, 1 / 2),
        ("home", 2, "rent"): (2, 1, 1 / 2),
    }
    assert set(found.index) == set(expected)
    for key, (known, count, everyone) in expected.items():
        row = found.loc[key]
        assert (row["known"], row["count"]) == (known, count)
        assert row["share"] == pytest.approx(count / known)
        assert [row["low"], row["high"]] == pytest.approx(wilson(count, known, 6))
        assert row["everyone"] == pytest.approx(everyone)


def test_a_level_that_nobody_in_a_segment_has_is_listed_with_its_interval():
    customers = CUSTOMERS.assign(
        age=["old", "young", "old", *["young"] * 3, *["old"] * 2]
    )
    assigned = ASSIGNED
    found = fairness.attribute_shares(customers, assigned, attributes=["age"])
    row = found.set_index(["segment_id", "level"]).loc[(1, "old")]
    assert (row["count"], row["share"], row["known"]) == (0, 0, 3)
    assert [row["low"], row["high"]] == pytest.approx(wilson(0, 3, 4))
    assert found.groupby("segment_id")["share"].sum().tolist() == [1, 1]


def slow_cramer(counts):
    """Follow Bergsma (2013) cell by cell."""
    n = sum(map(sum, counts))
    rows, columns = (
        [sum(r) for r in counts],
        [sum(c) for c in zip(*counts, strict=True)],
    )
    chi2 = sum(
        (counts[i][j] - rows[i] * columns[j] / n) ** 2 / (rows[i] * columns[j] / n)
        for i in range(len(rows))
        for j in range(len(columns))
    )
    r, c = len(rows), len(columns)
    phi2 = max(0, chi2 / n - (r - 1) * (c - 1) / (n - 1))
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1))
    return sqrt(phi2 / (smaller - 1))


@pytest.mark.parametrize(
    "counts", [[[30, 10], [10, 30]], [[5, 9, 20], [14, 8, 3]], [[8, 1], [7, 5], [2, 9]]]
)
def test_cramers_v_is_corrected_for_bias(counts):
    found = fairness.cramers_v(np.array(counts))
    assert found == pytest.approx(slow_cramer(counts))
    assert found < stats.contingency.association(np.array(counts))


def test_cramers_v_is_nought_for_chance_and_near_one_for_a_perfect_match():
    assert fairness.cramers_v(np.array([[10, 10], [10, 10]])) == 0
    assert fairness.cramers_v(np.array([[50, 0], [0, 50]])) == pytest.approx(
        1, abs=0.01
    )


def test_association_leaves_out_the_unknown():
    n = 120
    rng = np.random.default_rng(1)
    assigned = pd.DataFrame({"customer_id": range(n), "segment_id": np.arange(n) % 3})
    age = pd.Series(np.where(np.arange(n) % 3 == 0, "old", "young"))
    customers = assigned[["customer_id"]].assign(
        age=age.mask(np.arange(n) < 30), home=rng.choice(["own", "rent"], n)
    )
    found = fairness.association(customers, assigned, attributes=["age", "home"])
    assert found["known"].tolist() == [90, 120]
    assert found["cramers_v"].iloc[0] == pytest.approx(
        slow_cramer([[30, 0, 0], [0, 30, 30]])
    )
    counts = [
        [
            sum((customers["home"] == home) & (assigned["segment_id"] == s))
            for s in range(3)
        ]
        for home in ("own", "rent")
    ]
    assert found["cramers_v"].iloc[1] == pytest.approx(slow_cramer(counts))
    # p from the likelihood ratio, another test of the same, is near
    expected = np.outer(np.sum(counts, axis=1), np.sum(counts, axis=0)) / n
    ratio = 2 * sum(
        o * log(o / e) for o, e in zip(np.ravel(counts), expected.ravel(), strict=True)
    )
    assert found["p"].iloc[1] == pytest.approx(stats.chi2.sf(ratio, 2), abs=0.01)
    assert found["p"].iloc[0] < 1e-9


def test_an_interval_of_cramers_v_holds_it_and_narrows_with_more_customers():
    counts = np.array([[30, 10, 12], [10, 30, 15]])
    low, high = fairness.cramers_v_interval(counts)
    assert low < fairness.cramers_v(counts) < high
    many = fairness.cramers_v_interval(counts * 20)
    assert many[0] > low and many[1] < high


def test_the_interval_of_cramers_v_inverts_the_noncentral_chi_square():
    counts = np.array([[30, 10], [10, 30]])
    n, found = 80, 80 * 0.25  # chi-square of a 2 x 2 table with phi = 1/2
    # corrected size of both margins: 2 - 1 / 79
    for limit, level in zip(
        fairness.cramers_v_interval(counts), (0.975, 0.025), strict=True
    ):
        noncentrality = limit**2 * (1 - 1 / 79) * n
        assert stats.ncx2.cdf(found, 1, noncentrality) == pytest.approx(level, abs=1e-6)


def test_the_interval_of_cramers_v_covers_as_often_as_it_says():
    rng = np.random.default_rng(3)
    true = np.array([[0.2, 0.3], [0.3, 0.2]])  # V is 1/5
    hits = [
        low <= 0.2 <= high
        for low, high in (
            fairness.cramers_v_interval(
                rng.multinomial(300, true.ravel()).reshape(2, 2)
            )
            for _ in range(400)
        )
    ]
    assert 0.92 <= np.mean(hits) <= 0.98


def test_no_association_has_an_interval_from_nought():
    low, high = fairness.cramers_v_interval(np.array([[20, 21], [20, 19]]))
    assert low == 0 and 0 < high < 0.3


def shares(rows):
    """Give attribute shares from (segment, level, share, low, high, everyone)."""
    columns = ["segment_id", "level", "share", "low", "high", "everyone"]
    return pd.DataFrame(rows, columns=columns).assign(attribute="age")


def test_distinct_attributes_leave_out_the_share_of_everyone_largest_gap_first():
    table = shares(
        [
            (1, "old", 0.3, 0.2, 0.4, 0.35),
            (1, "young", 0.5, 0.4, 0.6, 0.3),
            (1, "middle", 0.1, 0.05, 0.2, 0.5),
            (2, "old", 0.6, 0.5, 0.7, 0.5),
        ]
    )
    found = fairness.distinct_attributes(table)
    assert found["level"].tolist() == ["middle", "young"]
    assert found["gap"].tolist() == pytest.approx([0.4, 0.2])


def test_a_run_without_attributes_has_empty_tables_with_the_same_columns():
    nothing = fairness.attribute_shares(CUSTOMERS, ASSIGNED, attributes=[])
    some = fairness.attribute_shares(CUSTOMERS, ASSIGNED, attributes=["age"])
    assert nothing.empty and set(nothing) == set(some)
    assert fairness.distinct_attributes(nothing).empty
    related = fairness.association(CUSTOMERS, ASSIGNED, attributes=[])
    assert related.empty and "cramers_v" in related


def covered_by(known):
    """Give coverage of 100 customers, 20 in each fifth, so many of them known."""
    sold = pd.DataFrame({"customer_id": range(100), "sales": np.arange(100) * 10.0})
    age = [("old" if i % 20 < known[i // 20] else None) for i in range(100)]
    customers = sold[["customer_id"]].assign(age=age, home=None)[::-1]
    return fairness.coverage_by_value(customers, sold, attributes=["age", "home"])


def test_coverage_is_shown_by_fifths_of_sales():
    table = covered_by([0, 10, 10, 10, 20])
    assert table["fifths"].tolist() == ["1", "2", "3", "4", "5"]
    assert table["customers"].tolist() == [20] * 5
    assert table["median_sales"].tolist() == [95, 295, 495, 695, 895]
    assert table["coverage"].tolist() == [0, 0.5, 0.5, 0.5, 1]


@pytest.mark.parametrize(
    ("known", "fifths", "coverage"),
    [
        ([1, 5, 10, 10, 10], ["1 to 3", "4", "5"], [16 / 60, 0.5, 0.5]),
        ([3, 8, 10, 10, 10], ["1 to 2", "3", "4", "5"], [11 / 40, 0.5, 0.5, 0.5]),
        ([10, 10, 10, 10, 19], ["1", "2", "3", "4 to 5"], [0.5, 0.5, 0.5, 29 / 40]),
        ([0, 0, 0, 0, 3], ["1", "2", "3", "4 to 5"], [0, 0, 0, 3 / 40]),
        ([1, 1, 1, 1, 1], ["1 to 5"], [0.05]),
    ],
)
def test_a_fifth_with_a_few_known_or_unknown_is_shown_with_another(
    known, fifths, coverage
):
    table = covered_by(known)
    assert table["fifths"].tolist() == fifths
    assert table["coverage"].tolist() == pytest.approx(coverage)


def test_a_customer_without_sales_counts_among_the_least(monkeypatch):
    monkeypatch.setattr(fairness, "MIN_CELL", 1)
    sold = pd.DataFrame({"customer_id": list("abcde"), "sales": [5.0, np.nan, 3, 9, 7]})
    customers = pd.DataFrame(
        {"customer_id": list("edcba"), "age": [None] * 3 + ["x", None]}
    )
    table = fairness.coverage_by_value(customers, sold, attributes=["age"])
    assert table["coverage"].tolist() == [1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("coverage", "said"),
    [
        ([0.1, 0.3, 0.6], "better"),
        ([0.6, 0.1], "lesser"),
        ([0.5, 0.55], ""),
        ([0.4], ""),
    ],
)
def test_attributes_are_said_to_be_known_for_better_customers_only_if_they_are(
    coverage, said
):
    covered = pd.DataFrame({"customers": 100, "coverage": coverage})
    assert fairness.favours(covered) == said


def test_an_attribute_that_hardly_anybody_has_gives_no_association():
    assigned = pd.DataFrame({"customer_id": range(40), "segment_id": [1, 2] * 20})
    known = ["a", "b"] * 4 + [None] * 32
    customers = pd.DataFrame({"customer_id": range(40), "age": known})
    assert fairness.association(customers, assigned, attributes=["age"]).empty
