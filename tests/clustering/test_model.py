"""The segment model on customers whose distances can be worked out by hand."""

import json
from dataclasses import fields, replace
from math import sqrt

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlglot
from hypothesis import given, settings, strategies as st

from helpers.clustering import model as clustering_model
from helpers.core import errors
from helpers.features import preparation

LITTLE = clustering_model.TOO_LITTLE
# Scores are plain roots of the shares; centres at (0, 0), (0, 1) and (1, 1/2).
MODEL = clustering_model.Model(
    run="trial",
    first="2017-01-01",
    last="2017-09-30",
    min_orders=10,
    min_lines=100,
    preparation=preparation.Preparation(
        columns=["share_a", "share_b"],
        weights=["sales", "sales"],
        priors=[0.0, 0.0],
        population=[0.5, 0.5],
        lower=[0.0, 0.0],
        upper=[1.0, 1.0],
        mean=[0.0, 0.0],
        divisor=[1.0, 1.0],
    ),
    centres=[[0.0, 0.0], [0.0, 1.0], [1.0, 0.5]],
    value_cuts={"middle": 200.0, "high": 1000.0, "low": 0.0},
    activity_cuts={"slowing": 4.0, "active": 2.0},
    min_gap_days=7.0,
    deal_parts={"depth": {"lower": 0.0, "upper": 1, "mean": 0.25, "deviation": 0.25}},
    deal_cuts={"middle": -0.5, "high": 0.5},
    borderline=0.9,
)
ENOUGH = {
    "orders": 10,
    "lines": 100,
    "sales": 500.0,
    "share_a": 0.0,
    "share_b": 0.0,
    "recency_days": 1,
    "gap_mean_days": 10.0,
    "depth": 0.25,
}


def customers(*changes):
    """Give one customer with enough data for each change of it."""
    rows = [{"customer_id": f"c{i}"} | ENOUGH | c for i, c in enumerate(changes)]
    return pd.DataFrame(rows)


def assign(*changes):
    return MODEL.assign(customers(*changes))


def test_a_customer_gets_the_nearest_centre_and_how_surely():
    # roots (3/4, 1/4): squared distances 10/16, 18/16 and 2/16
    # roots (0, 1/2): half way between the first two, one from the third
    # roots (0, 1): on the second centre, 1 from the first, root of 5/4 from the third
    found = assign(
        {"share_a": 0.5625, "share_b": 0.0625}, {"share_b": 0.25}, {"share_b": 1.0}
    )
    assert found["customer_id"].tolist() == ["c0", "c1", "c2"]
    assert found["segment_id"].tolist() == [3, 1, 2]
    assert found["second_id"].tolist() == [1, 2, 1]
    assert found["distance"].tolist() == pytest.approx([sqrt(2 / 16), 0.5, 0])
    assert found["distance_ratio"].tolist() == pytest.approx([sqrt(2 / 10), 1, 0])
    inverse = [16 / 10, 16 / 18, 16 / 2]
    expected = [inverse[2] / sum(inverse), 4 / (4 + 4 + 1), 1]
    assert found["membership"].tolist() == pytest.approx(expected)


def test_a_customer_is_borderline_when_the_second_is_less_than_a_ninth_farther():
    # on the line between the first two centres, 0.475 | 0.525 and 0.47 | 0.53
    found = assign({"share_b": 0.475**2}, {"share_b": 0.47**2})
    assert found["distance_ratio"].tolist() == pytest.approx([0.475 / 0.525, 47 / 53])
    assert found["borderline"].tolist() == [True, False]


def test_the_ratio_of_the_model_says_who_is_borderline_in_python_and_in_sql():
    # on the line between the first two centres: ratios 3/5, 0.376 / 0.624, 1/3, and 3/5
    # but for the last digits, in which engines differ
    roots = (0.375, 0.376, 0.25, 0.375 + 1e-12)
    table = customers(*({"share_b": root**2} for root in roots))
    for limit, expected in {
        0.6: [False, True, False, False],
        0.99: [False] * 4,
        0.5: [True, True, False, True],
    }.items():
        model = replace(MODEL, borderline=limit)
        assert model.assign(table)["borderline"].tolist() == expected
        assert in_sql(model, table)["borderline"].tolist() == expected


@pytest.mark.parametrize("limit", [0.55, 0.8, 0.97])
def test_the_query_says_of_every_customer_whether_borderline_as_assign_does(limit):
    table = random_customers(2000)
    model = replace(fitted(table), borderline=limit)
    expected = model.assign(table).sort_values("customer_id", ignore_index=True)
    found = in_sql(model, table)["borderline"]
    assert found.tolist() == expected["borderline"].tolist()
    assert found.sum() > 20
    known = expected["distance_ratio"].notna()
    assert found[known].equals((expected["distance_ratio"] > limit)[known])
    assert not found[~known].any()


def test_value_tiers_begin_at_their_cuts_whatever_the_order_they_are_written_in():
    sales = [1000.0, 999.99, 200.0, 199.99, 0.01, -5.0]
    found = assign(*({"sales": amount} for amount in sales))
    expected = ["high", "middle", "middle", "low", "low", "low"]
    assert found["value_tier"].tolist() == expected


def test_activity_is_measured_in_the_customers_own_gaps():
    # (days since the last order, own mean gap); gaps below a week count as a week
    days = {
        (20, 10): "active",
        (21, 10): "slowing",
        (40, 10): "slowing",
        (41, 10): "lapsed",
        (41, 30): "active",
        (14, 2): "active",
        (15, 2): "slowing",
        (28, 2): "slowing",
        (29, 2): "lapsed",
    }
    found = assign(*({"recency_days": r, "gap_mean_days": g} for r, g in days))
    assert found["activity"].tolist() == list(days.values())


def test_a_customer_of_one_day_has_no_gap_and_so_no_activity():
    found = assign({"recency_days": 0, "gap_mean_days": np.nan})
    assert found["activity"].tolist() == [LITTLE]
    assert found["segment_id"].tolist() == [1]


def test_deal_classes_begin_at_their_cuts():
    # index (depth - 1/4) / (1/4): 0.5, just less, -0.5, less
    depths = [0.375, 0.374, 0.125, 0.124]
    found = assign(*({"depth": depth} for depth in depths))
    assert found["deal_index"].tolist() == pytest.approx([0.5, 0.496, -0.5, -0.504])
    expected = ["high", "middle", "middle", "low"]
    assert found["deal_proneness"].tolist() == expected


def test_customers_with_too_little_data_keep_their_value_tier_and_activity():
    holes = dict.fromkeys(["share_a", "share_b", "depth", "gap_mean_days"], np.nan)
    table = customers(
        {"orders": 9, "lines": 500, "sales": 5000.0},
        {},
        {"orders": 50, "lines": 99},
        {"orders": 1, "lines": 0, "sales": np.nan} | holes,
    )
    found = MODEL.assign(table)
    assert MODEL.enough_data(table).tolist() == [False, True, False, False]
    assert found["segment_id"].tolist() == [0, 1, 0, 0]
    assert found["second_id"].tolist() == [0, 2, 0, 0]
    assert found["value_tier"].tolist() == ["high", "middle", "middle", "low"]
    # 1 day since the last order, gaps of 10; the last came on one day only
    assert found["activity"].tolist() == ["active", "active", "active", LITTLE]
    assert found["deal_proneness"].tolist() == [LITTLE, "middle", LITTLE, LITTLE]
    numbers = ["distance", "distance_ratio", "membership", "deal_index"]
    assert found[numbers].isna().all(axis=1).tolist() == [True, False, True, True]
    assert not found.loc[[0, 2, 3], "borderline"].any()


def test_a_table_in_which_nobody_has_enough_data_is_no_fault():
    found = assign({"orders": 1}, {"lines": 2})
    assert found["segment_id"].tolist() == [0, 0]


def test_a_customer_with_enough_data_and_a_missing_share_is_refused():
    with pytest.raises(errors.BadInput, match=r"share_a is missing for 1 customers"):
        assign({}, {"share_a": np.nan})


def random_customers(n=300, seed=5):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in rng.permutation(n)],
            "orders": rng.integers(5, 40, n),
            "lines": rng.integers(50, 900, n),
            "sales": rng.gamma(2, 300, n),
            "share_a": rng.beta(1, 4, n),
            "share_b": rng.beta(2, 3, n),
            "recency_days": rng.integers(0, 90, n),
            "gap_mean_days": rng.gamma(2, 6, n),
            "depth": rng.random(n),
        }
    )
    table["share_a"] = table["share_a"].mask(table["orders"] < 8)
    return table


def fitted(table):
    """Give a model with every step of the preparation in use."""
    enough = table[MODEL.enough_data(table)]
    steps = preparation.fit(
        enough,
        weights={"share_a": "sales", "share_b": "sales"},
        priors={"sales": 80},
        winsor=0.05,
        scaling="pareto",
    )
    centres = np.random.default_rng(1).standard_normal((6, 2)) / 3
    return replace(MODEL, preparation=steps, centres=centres.tolist())


def test_the_order_and_the_company_of_customers_change_nothing():
    table = random_customers()
    model = fitted(table)
    whole = model.assign(table)
    mixed = table.sample(frac=1, random_state=1)
    again = model.assign(mixed).sort_index()
    pd.testing.assert_frame_equal(again, whole, check_exact=True)
    half = model.assign(table[::2])
    pd.testing.assert_frame_equal(half, whole[::2], check_exact=True)


def test_all_segments_are_used_and_every_customer_has_one_or_too_little_data():
    table = random_customers()
    found = fitted(table).assign(table)
    assert set(found["segment_id"]) == set(range(7))
    assert (found["segment_id"] != found["second_id"])[found["segment_id"] > 0].all()
    assert found["membership"].dropna().between(1 / 6, 1).all()
    assert found["distance_ratio"].dropna().between(0, 1).all()


READINGS = ["segment_id", "value_tier", "activity", "deal_proneness", "borderline"]


def in_sql(model, table, dialect="duckdb"):
    """Run the query of a dialect, brought back to DuckDB, in the order of ids."""
    query = model.to_sql("features", dialect)
    if dialect != "duckdb":
        (query,) = sqlglot.transpile(query, read=dialect, write="duckdb")
    with duckdb.connect() as con:
        con.register("features", table)
        return con.execute(f"{query} order by customer_id").df()


def test_the_query_gives_what_assign_gives():
    table = random_customers()
    table["orders"] = table["orders"].astype(float).mask(table.index == 7)
    model = fitted(table)
    found = in_sql(model, table)
    expected = model.assign(table).sort_values("customer_id", ignore_index=True)
    assert table["share_a"].isna().sum() > 10
    assert found["customer_id"].tolist() == expected["customer_id"].tolist()
    assert found["segment_id"].tolist() == expected["segment_id"].tolist()
    assert found["segment_id"].value_counts()[0] > 30


def test_the_query_gives_all_three_readings_also_where_data_are_missing():
    table = random_customers()
    holes = table.index % 11 == 3
    table["gap_mean_days"] = table["gap_mean_days"].mask(holes)
    table["sales"] = table["sales"].mask(holes & (table["orders"] < 10))
    table["depth"] = table["depth"].mask(table["orders"] < 10)
    model = fitted(table)
    found = in_sql(model, table).set_index("customer_id")[READINGS]
    expected = model.assign(table).set_index("customer_id")[READINGS].sort_index()
    assert found["segment_id"].tolist() == expected["segment_id"].tolist()
    for reading in READINGS[1:]:
        assert found[reading].tolist() == expected[reading].tolist()
    assert set(found["activity"]) == {"active", "slowing", "lapsed", LITTLE}
    assert set(found["deal_proneness"]) == {"low", "middle", "high", LITTLE}
    # too little data for a needs segment, and yet an activity
    little = found[found["segment_id"] == 0]
    assert (little["activity"] != LITTLE).sum() > 20


def test_the_query_meets_the_cuts_where_assign_does():
    on_the_cut = [{"sales": 1000.0}, {"sales": 200.0}, {"sales": -5.0}]
    on_the_cut += [
        {"recency_days": r, "gap_mean_days": g} for r, g in ((28, 2), (20, 10))
    ]
    on_the_cut += [{"depth": depth} for depth in (0.375, 0.125, 0.124, 7.0)]
    table = customers(*on_the_cut)
    found, expected = in_sql(MODEL, table), MODEL.assign(table)
    assert found[READINGS[1:]].equals(expected[READINGS[1:]])


MIXED = {
    **{"share_a": "sales", "share_b": "sales", "channel_c": "orders"},
    **{"topic_d": "contacts", "requires_e": "", "lead_days": ""},
}
PARTS = ["depth", "mailer_share"]


def mixed_customers(seed, n=250):
    """Give customers of all weights: many without a contact, some without data."""
    rng = np.random.default_rng(seed)
    table = random_customers(n, seed).assign(
        contacts=rng.poisson(1.5, n),
        channel_c=rng.integers(0, 5, n) / 4,
        topic_d=rng.beta(1, 2, n),
        requires_e=rng.integers(0, 2, n).astype(float),
        lead_days=rng.gamma(3, 4, n),
        mailer_share=rng.random(n),
    )
    little = table["orders"] < 10
    # what is below 0 or missing is told of those with too little data alone
    table["lead_days"] = table["lead_days"].where(~little | rng.integers(0, 2, n), -1.0)
    table["requires_e"] = table["requires_e"].mask(little & (rng.random(n) < 0.5))
    table["topic_d"] = table["topic_d"].mask(table["contacts"] == 0)
    return table


def mixed_model(table, *, priors, parts, scaling="standard"):
    enough = table[MODEL.enough_data(table)]
    steps = preparation.fit(
        enough, weights=MIXED, priors=priors, winsor=0.03, scaling=scaling
    )
    centres = np.random.default_rng(4).standard_normal((7, len(MIXED)))
    deals = preparation.fit_deal_index(enough, columns=parts, winsor=0.02)
    return replace(MODEL, preparation=steps, centres=centres.tolist(), deal_parts=deals)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    priors=st.dictionaries(
        st.sampled_from(["sales", "orders", "contacts"]),
        st.sampled_from([0.0, 3.7, 250.0]),
    ),
    parts=st.sampled_from([[], PARTS[:1], PARTS]),
    scaling=st.sampled_from(list(preparation.SCALINGS)),
)
def test_the_query_agrees_whatever_the_shares_are_shares_of(
    seed, priors, parts, scaling
):
    table = mixed_customers(seed)
    model = mixed_model(table, priors=priors, parts=parts, scaling=scaling)
    # also of a flag that is stored as one, and of customers who were not fitted
    new = mixed_customers(seed + 1)
    enough = model.enough_data(new)
    new = new.assign(requires_e=new["requires_e"].astype("Int8"))
    expected = model.assign(new.astype({"requires_e": float}))
    expected = expected.set_index("customer_id")[READINGS].sort_index()
    found = in_sql(model, new).set_index("customer_id")[READINGS]
    assert (new.loc[enough, "contacts"] == 0).sum() > 10
    assert expected["segment_id"].nunique() > 2
    for reading in READINGS:
        assert found[reading].tolist() == expected[reading].tolist()
    if not parts:
        known = set(found.loc[found["segment_id"] > 0, "deal_proneness"])
        assert known == {clustering_model.NOT_KNOWN}
        assert set(found["deal_proneness"]) == {clustering_model.NOT_KNOWN, LITTLE}


def test_a_deal_part_that_is_missing_makes_both_ways_say_low():
    table = mixed_customers(3)
    model = mixed_model(table, priors={}, parts=PARTS)
    enough = table[model.enough_data(table)].assign(depth=np.nan, mailer_share=1.0)
    assert set(model.assign(enough)["deal_proneness"]) == {"low"}
    assert set(in_sql(model, enough)["deal_proneness"]) == {"low"}


@pytest.mark.parametrize("column", ["share_a", "topic_d", "requires_e", "lead_days"])
@pytest.mark.parametrize("value", [np.nan, -0.5])
def test_the_query_gives_no_segment_where_assign_refuses_a_value(column, value):
    table = mixed_customers(3)
    model = mixed_model(table, priors={"sales": 80.0}, parts=[])
    enough = table[model.enough_data(table) & table["contacts"].gt(0)]
    spoilt = enough.head(1).assign(**{column: value})
    with pytest.raises(errors.BadInput, match=f"column {column} is"):
        model.assign(spoilt)
    assert in_sql(model, spoilt)["segment_id"].isna().tolist() == [True]
    assert in_sql(model, enough.head(1))["segment_id"].notna().tolist() == [True]


def test_customers_without_deals_have_a_sensitivity_that_is_not_known():
    model = replace(MODEL, deal_parts={})
    table = customers({}, {"orders": 1}).drop(columns="depth")
    expected = [clustering_model.NOT_KNOWN, LITTLE]
    assert model.assign(table)["deal_proneness"].tolist() == expected
    assert in_sql(model, table)["deal_proneness"].tolist() == expected
    assert "depth" not in model.inputs()


def test_the_inputs_name_each_weight_once_and_none_for_a_flag():
    model = mixed_model(mixed_customers(3), priors={}, parts=PARTS)
    assert model.inputs() == [
        *("orders", "lines", "sales", "recency_days", "gap_mean_days", "contacts"),
        *(*MIXED, *PARTS),
    ]


def test_a_name_with_an_apostrophe_does_not_end_the_text_in_the_query():
    model = replace(MODEL, value_cuts={"board's": 200.0, "low": 0.0})
    assert in_sql(model, customers({}))["value_tier"].tolist() == ["board's"]


def test_the_inputs_are_all_that_the_readings_look_at():
    table = random_customers()
    model = fitted(table)
    assert len(model.inputs()) == len(set(model.inputs()))
    only = table[["customer_id", *model.inputs()]]
    pd.testing.assert_frame_equal(model.assign(only), model.assign(table))
    for column in model.inputs():
        with pytest.raises((KeyError, errors.BadInput)):
            model.assign(only.drop(columns=column))


def test_the_query_breaks_ties_as_assign_does():
    # roots (0, 1/2): as near to the first centre as to the second; (5/8, 0): to the third
    table = customers({"share_b": 0.25}, {"share_a": 0.390625})
    twins = replace(MODEL, centres=[[1.0, 0.5], [0.0, 1.0], [0.0, 0.0], [0.0, 1.0]])
    for model in (MODEL, twins):
        expected = model.assign(table)["segment_id"].tolist()
        assert in_sql(model, table)["segment_id"].tolist() == expected
    assert MODEL.assign(table)["distance_ratio"].tolist() == [1, 1]
    assert twins.assign(table)["segment_id"].tolist() == [2, 1]


@pytest.mark.parametrize("nudge", [-3e-16, 0, 3e-16])
def test_what_differs_in_the_last_digits_alone_is_a_tie_and_the_lowest_number_wins(
    nudge,
):
    # c0: the first and the second centre are as near; c1: the first and the third;
    # c2: on the third, as far from the first and the second
    table = customers(
        {"share_b": 0.25 + nudge},
        {"share_a": 0.390625 + nudge},
        {"share_a": 1.0, "share_b": 0.25 + nudge},
    )
    found = MODEL.assign(table)
    assert found["segment_id"].tolist() == [1, 1, 3]
    assert found["second_id"].tolist() == [2, 3, 1]
    assert found["distance_ratio"].le(1).all()
    assert in_sql(MODEL, table)["segment_id"].tolist() == [1, 1, 3]


def test_a_difference_beyond_the_tolerance_is_no_tie():
    # with roots (0, 1/2 + e) the second centre is nearer by 2 e in squared distance
    halves = [0.5 + 0.4 * clustering_model.TIE, 0.5 + 0.6 * clustering_model.TIE]
    table = customers(*({"share_b": half**2} for half in halves))
    assert MODEL.assign(table)["segment_id"].tolist() == [1, 2]
    assert MODEL.assign(table)["second_id"].tolist() == [2, 1]
    assert in_sql(MODEL, table)["segment_id"].tolist() == [1, 2]


def test_of_equal_centres_the_first_is_the_nearest_and_the_other_the_second():
    twins = replace(MODEL, centres=[[1.0, 0.5], [0.0, 1.0], [0.0, 0.0], [0.0, 1.0]])
    found = twins.assign(customers({"share_b": 1.0}, {"share_b": 0.9}))
    assert found["segment_id"].tolist() == [2, 2]
    assert found["second_id"].tolist() == [4, 4]
    assert found["distance_ratio"].tolist() == [0, 1]


def test_a_deal_index_that_misses_its_cut_by_the_last_digits_reaches_it():
    # index (depth - 1/4) / (1/4); cuts at 1/2 and -1/2
    table = customers({"depth": 0.375 - 1e-16}, {"depth": 0.125 - 1e-16})
    assert MODEL.assign(table)["deal_index"].lt([0.5, -0.5]).all()
    for found in (MODEL.assign(table), in_sql(MODEL, table)):
        assert found["deal_proneness"].tolist() == ["high", "middle"]


ODD = {
    "share_a": "share_käse",
    "share_b": "order",
    "channel_c": "Share of 'own' brand",
    "topic_d": 'said "no"',
    "depth": "select",
    "contacts": "user",
}


def renamed(names):
    """Give a model and customers of all weights whose columns have other names."""
    table = mixed_customers(8)
    model = mixed_model(table, priors={"sales": 80.0, "contacts": 3.7}, parts=PARTS)
    steps = model.preparation
    model = replace(
        model,
        preparation=replace(
            steps,
            columns=[names.get(column, column) for column in steps.columns],
            weights=[names.get(weight, weight) for weight in steps.weights],
        ),
        deal_parts={names.get(c, c): part for c, part in model.deal_parts.items()},
        value_cuts={"low": 0.0, "board's": 500.0, "C:\\new": 900.0},
    )
    return model, table.rename(columns=names)


@pytest.mark.parametrize("dialect", clustering_model.DIALECTS)
@pytest.mark.parametrize("names", [{}, ODD], ids=["plain", "odd"])
def test_every_dialect_says_the_same(dialect, names):
    model, table = renamed(names)
    expected = model.assign(table).sort_values("customer_id", ignore_index=True)
    found = in_sql(model, table, dialect)
    assert found.columns.str.lower().tolist() == ["customer_id", *READINGS]
    for reading in READINGS:
        assert found[reading].tolist() == expected[reading].tolist()
    assert found["segment_id"].dtype.kind == "i"
    assert set(found["value_tier"]) == set(model.value_cuts)


@pytest.mark.parametrize(
    ("dialect", "table", "kept"),
    [
        ("duckdb", "read_parquet('a{1,2}.parquet')", "read_parquet('a{1,2}.parquet')"),
        ("postgres", 'crm."Features"', 'crm."Features"'),
        ("spark", "lake.crm.features", "lake.crm.features"),
        ("bigquery", "`my-project.crm.features`", "`my-project.crm.features`"),
        ("snowflake", "analytics.crm.features", "analytics.crm.features"),
    ],
)
def test_a_table_is_named_as_its_warehouse_names_it(dialect, table, kept):
    query = MODEL.to_sql(table, dialect)
    assert f"from {kept}\n" in query.replace("FROM ", "from ")
    assert len(sqlglot.parse(query, read=dialect)) == 1


def test_snowflake_is_asked_for_the_capitals_that_it_stores():
    model = replace(
        MODEL, preparation=replace(MODEL.preparation, columns=["share_a", "Käse"])
    )
    query = model.to_sql("features", "snowflake")
    assert '"SHARE_A"' in query and '"Käse"' in query
    assert '"share_a"' not in query


def test_an_unknown_dialect_is_refused_with_those_that_are_known():
    with pytest.raises(
        errors.BadInput,
        match=r"one of \['duckdb', 'postgres', 'spark', 'bigquery', 'snowflake'\], but 'oracle'",
    ):
        MODEL.to_sql("features", "oracle")


@pytest.mark.parametrize("table", ["features where sales > 0", "a, b", "'", ""])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(errors.BadInput, match=r"is no table .* of spark"):
        MODEL.to_sql(table, "spark")


def test_the_query_gives_no_segment_where_assign_refuses_a_missing_share():
    table = customers({}, {"share_a": np.nan}, {"share_a": np.nan, "orders": 1})
    found = in_sql(MODEL, table)["segment_id"]
    assert found.isna().tolist() == [False, True, False]
    assert found[[0, 2]].tolist() == [1, 0]
    # also if the share makes no difference between the first and the last centre
    alike = replace(MODEL, centres=[[0.0, 0.0], [1.0, 0.5], [0.0, 0.0]])
    assert in_sql(alike, table)["segment_id"].isna().tolist() == [False, True, False]


def test_membership_is_each_ones_share_of_the_inverse_squared_distances():
    apart = np.array([[1.0, 2.0, 2.0], [3.0, 3.0, 3.0], [0.0, 5.0, 1.0]])
    found = clustering_model.membership(apart)
    expected = [[4 / 6, 1 / 6, 1 / 6], [1 / 3] * 3, [1, 0, 0]]
    assert found.ravel() == pytest.approx(np.ravel(expected))
    many = clustering_model.membership(np.random.default_rng(1).gamma(2, 1, (50, 7)))
    assert many.sum(axis=1) == pytest.approx(np.ones(50))


def test_a_saved_model_is_read_back_equal(tmp_path):
    file = tmp_path / "model.json"
    model = fitted(random_customers()).named({"1": "Häuslich", "2": "Jung"})
    clustering_model.save(model, file)
    assert clustering_model.load(file) == model
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


def test_names_are_no_part_of_the_checksum_and_everything_else_is():
    checksum = MODEL.to_dict()["checksum"]
    assert MODEL.named({"1": "Jung"}).to_dict()["checksum"] == checksum
    steps = {
        f.name: replace(MODEL.preparation, **{f.name: changed(MODEL.preparation, f)})
        for f in fields(preparation.Preparation)
    }
    others = [replace(MODEL, preparation=step) for step in steps.values()]
    for f in fields(clustering_model.Model):
        if f.name not in ("names", "preparation"):
            others.append(replace(MODEL, **{f.name: changed(MODEL, f)}))
    assert len(others) == 8 + 12
    sums = {model.to_dict()["checksum"] for model in others}
    assert len(sums) == len(others) and checksum not in sums


def changed(thing, field):
    """Change one value a little, whatever its type."""
    value = getattr(thing, field.name)
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, dict):
        return value | {"x": 1.0}
    return [*value, value[0]] if isinstance(value, list) else value + 1


def edit(file, **change):
    content = json.loads(file.read_text(encoding="utf-8")) | change
    file.write_text(json.dumps(content), encoding="utf-8")


def test_a_file_edited_by_hand_is_refused_unless_only_names_were(tmp_path):
    file = tmp_path / "model.json"
    clustering_model.save(MODEL, file)
    edit(file, names={"1": "Jung"})
    assert clustering_model.load(file).name(1) == "Jung"
    edit(file, centres=[[0.0, 0.0], [0.0, 1.0], [1.0, 0.5000001]])
    with pytest.raises(errors.BadInput, match=r"model.json .*it was changed by hand"):
        clustering_model.load(file)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "model.json is missing. It is written by 03_clustering_choice"),
        ("{", "model.json is damaged"),
        ("{}", "model.json cannot be read .'checksum'.* writes it anew"),
        ('{"checksum": "1", "preparation": {}}', "model.json cannot be read"),
        ("[]", "model.json cannot be read"),
    ],
)
def test_a_file_that_is_no_model_is_refused_by_name(tmp_path, text, fault):
    file = tmp_path / "model.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(errors.BadInput, match=fault):
        clustering_model.load(file)


def test_a_model_of_another_version_is_refused(tmp_path):
    file = tmp_path / "model.json"
    clustering_model.save(MODEL, file)
    edit(file, fuzzifier=2)
    with pytest.raises(errors.BadInput, match=r"cannot be read .*fuzzifier"):
        clustering_model.load(file)


def test_a_model_saved_before_it_held_its_own_ratio_is_refused(tmp_path):
    file = tmp_path / "model.json"
    clustering_model.save(MODEL, file)
    content = json.loads(file.read_text(encoding="utf-8"))
    del content["borderline"]
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(errors.BadInput, match=r"cannot be read .*borderline"):
        clustering_model.load(file)


def test_a_segment_without_a_name_is_called_by_its_number():
    model = MODEL.named({"2": "Jung"})
    assert [model.name(i) for i in (0, 1, 2)] == [LITTLE, "Segment 1", "Jung"]
    assert MODEL.names == {}


TIES = [
    # cut-offs, sales, tier by the rule as it is printed
    (
        {"high": 9.99, "middle": 9.99, "low": 0.0},
        [9.99, 20, 5],
        ["high", "high", "low"],
    ),
    ({"high": 0.0, "middle": 0.0, "low": 0.0}, [500, 0, -1], ["high", "high", "low"]),
    ({"high": 5.0, "middle": -5.0, "low": -5.0}, [5, 0, -6], ["high", "middle", "low"]),
]


@pytest.mark.parametrize(("cuts", "sales", "tiers"), TIES)
def test_equal_cut_offs_give_the_higher_tier_in_python_and_sql(cuts, sales, tiers):
    model = replace(MODEL, value_cuts=cuts)
    table = customers(*({"sales": float(one)} for one in sales))
    assert model.assign(table)["value_tier"].tolist() == tiers
    query = model.to_sql("table")
    with duckdb.connect() as con:
        con.register("given", table)
        said = con.sql(model.to_sql("given")).df().set_index("customer_id")
    assert query
    assert said.loc[table["customer_id"], "value_tier"].tolist() == tiers


# What notebook 3 hands on where no groups are worth acting on.
PLAIN = replace(MODEL, preparation=preparation.nothing(), centres=[])


@pytest.mark.parametrize("dialect", clustering_model.DIALECTS)
def test_a_model_without_segments_keeps_its_rules_on_every_engine(dialect):
    model = PLAIN
    table = customers({}, {"orders": 1}, {"sales": 5000.0, "gap_mean_days": np.nan})
    found = model.assign(table)
    assert found["segment_id"].tolist() == [0, 0, 0]
    assert found["value_tier"].tolist() == ["middle", "middle", "high"]
    assert found["deal_proneness"].tolist() == ["middle", LITTLE, "middle"]
    assert not found["borderline"].any()
    assert found[["membership", "distance"]].isna().all(axis=None)
    assert model.name(0) == clustering_model.NOT_SEGMENTED
    text = model.to_sql("given", dialect)
    if dialect != "duckdb":
        text = sqlglot.transpile(text, read=dialect, write="duckdb")[0]
    table = table.astype({"gap_mean_days": object}).where(table.notna(), None)
    table["gap_mean_days"] = table["gap_mean_days"].astype("Float64")
    with duckdb.connect() as con:
        con.register("given" if dialect != "snowflake" else "GIVEN", table)
        said = con.sql(text).df()
    said = said.rename(columns=str.lower).set_index("customer_id")
    said = said.loc[table["customer_id"]]
    for column in READINGS:
        assert said[column].tolist() == found[column].tolist(), column


def test_groups_are_segments_or_else_the_value_tiers_that_hold_anybody():
    table = customers({}, {"sales": 5000.0}, {"orders": 1})
    named = MODEL.named({"1": "Tea"})
    found = clustering_model.groups(named, named.assign(table))
    assert (found.word, found.names[1], found.name(0)) == ("segment", "Tea", LITTLE)
    assert found.assigned["segment_id"].tolist() == [1, 1, 0]
    found = clustering_model.groups(PLAIN, PLAIN.assign(table))
    assert found.word == "value tier"
    assert set(found.names.values()) == {"High value", "Middle value"}
    names = found.assigned["segment_id"].map(found.names)
    assert names.tolist() == ["Middle value", "High value", "Middle value"]
