"""The segment model of a customer table, on costs that can be worked out by hand."""

import json
from dataclasses import asdict, fields, replace
from math import exp, log, pi, sqrt

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlglot
from hypothesis import given, settings, strategies as st

from helpers.clustering import model as lines_model
from helpers.core import errors
from helpers.customer_table import methods, model as table_model, preparation
from helpers.customer_table.methods import Rule
from helpers.customer_table.preparation import Column

READINGS = list(table_model.READINGS)
PLAIN = {"block": "any", "transform": "none", "lower": 0.0, "upper": 1.0}
# Scores: (visits - 4) / 2, where visits are cut to 10; -1 and 1; and (1, -1) of the
# north, (-1, 1) of the south.
VISITS = Column(
    **PLAIN
    | {"name": "visits", "measure": "count", "levels": [], "upper": 10.0}
    | {"mean": [4.0], "spread": 2.0, "divisor": [2.0]}
)
MEMBER = Column(
    **PLAIN
    | {"name": "member", "measure": "yes_no", "levels": ["no", "yes"]}
    | {"mean": [0.5], "spread": 0.5, "divisor": [0.5]}
)
REGION = Column(
    **PLAIN
    | {"name": "region", "measure": "unordered", "levels": ["north", "south"]}
    | {"mean": [0.5, 0.5], "spread": 1.0, "divisor": [0.5, 0.5]}
)
RULES = {
    "kmeans": {"centres": [[0.0, 1.0, 1.0, -1.0], [1.0, -1.0, -1.0, 1.0]]},
    "medoids": {"medoids": [[0.2, 1.0, 0.0], [0.8, None, 1.0]]},
    "latent_classes": {
        "shares": [0.25, 0.75],
        "numbers": {"visits": {"mean": [0.0, 1.0], "variance": [1.0, 4.0]}},
        "levels": {
            "member": [[0.9, 0.1], [0.2, 0.8]],
            "region": [[0.5, 0.5], [0.25, 0.75]],
        },
    },
    "mixture": {
        "shares": [0.5, 0.5],
        "means": [[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]],
        "factors": [
            np.eye(4).tolist(),
            [[1.0, 0, 0, 0], [1.0, 1.0, 0, 0], [0, 0, 2.0, 0], [0, 0, 0, 0.5]],
        ],
        "log_det": [0.0, 0.0],
    },
}
EACH = pytest.mark.parametrize("method", RULES)


def by_hand(method, **changes):
    """Give the model of a method with the columns and the numbers above."""
    settings = {
        "run": "trial",
        "preparation": preparation.Preparation([VISITS, MEMBER, REGION]),
        "rule": Rule(method, 2, RULES[method]),
        "min_known": 0.3,
        "value_column": "spend",
        "value_cuts": {"middle": 200.0, "high": 1000.0, "low": 0.0},
        "borderline": 0.5,
    }
    return table_model.Model(**settings | changes)


def customers(*rows):
    """Give a customer for each (visits, member, region), who spends 500."""
    table = pd.DataFrame(rows, columns=["visits", "member", "region"])
    table.insert(0, "customer_id", [f"c{i}" for i in range(len(table))])
    kinds = {"visits": float, "member": float, "region": object}
    return table.astype(kinds).assign(spend=500.0)


NOBODY = (None, None, None)
# In the middle; few visits; beyond the limit and nothing else; a region never seen;
# nothing at all.
PEOPLE = customers(
    (4, 1, "north"), (6, 0, "south"), (20, None, None), (0, 1, "west"), NOBODY
)


def in_sql(model, table, dialect="duckdb"):
    """Run the query of a dialect, brought back to DuckDB, in the order of the table."""
    query = model.to_sql("features", dialect)
    if dialect != "duckdb":
        (query,) = sqlglot.transpile(query, read=dialect, write="duckdb")
    with duckdb.connect() as con:
        con.register("features", table)
        found = con.execute(query).df()
    found.columns = found.columns.str.lower()
    return found.set_index("customer_id").loc[table["customer_id"]]


def both(model, table):
    """Assign in Python, and find that DuckDB says the same."""
    found = model.assign(table)
    said = in_sql(model, table)
    for reading in READINGS:
        assert said[reading].tolist() == found[reading].tolist(), reading
    return found


def check(found, segments, ratios, memberships):
    assert found["segment_id"].tolist() == segments
    assert found["ratio"].tolist() == pytest.approx(ratios, nan_ok=True)
    assert found["membership"].tolist() == pytest.approx(memberships, nan_ok=True)
    others = [3 - segment if segment else 0 for segment in segments]
    assert found["second_id"].tolist() == others


def test_kmeans_gives_the_nearest_centre_and_takes_what_is_missing_for_the_average():
    # scores (0, 1, 1, -1), (1, -1, -1, 1), (3, 0, 0, 0) and (-2, 1, 0, 0): squared
    # distances (0, 13), (13, 0), (12, 7) and (6, 15)
    found = both(by_hand("kmeans"), PEOPLE)
    near = [1, 1, 12 / (12 + 7), 15 / (15 + 6)]
    check(
        found,
        [1, 2, 2, 1, 0],
        [0, 0, sqrt(7 / 12), sqrt(6 / 15), np.nan],
        [*near, np.nan],
    )
    assert found["borderline"].tolist() == [False, False, True, True, False]


def test_medoids_compare_what_is_known_of_both():
    # visits as tenths 0.4, 0.6, 1 and 0; the second medoid's membership is not known
    # c0: (0.2 + 0 + 0) / 3 and (0.4 + 1) / 2; c1: (0.4 + 1 + 1) / 3 and (0.2 + 0) / 2
    # c2: 0.8 and 0.2; c3: (0.2 + 0) / 2 and 0.8
    found = both(by_hand("medoids"), PEOPLE)
    apart = [(0.2 / 3, 0.7), (0.1, 0.8), (0.2, 0.8), (0.1, 0.8)]
    ratios = [near / far for near, far in apart]
    memberships = [far / (near + far) for near, far in apart]
    check(found, [1, 2, 2, 1, 0], [*ratios, np.nan], [*memberships, np.nan])
    assert not found["borderline"].any()


def test_a_customer_who_knows_nothing_that_a_medoid_knows_is_as_far_as_can_be():
    # to the second medoid 1, to the first 0; nothing known: 1 to both, so the first
    model = by_hand("medoids", min_known=0.0)
    found = both(model, customers((None, 1, None), NOBODY))
    assert found["segment_id"].tolist() == [1, 1]
    assert found["ratio"].tolist() == [0, 1]
    assert found["borderline"].tolist() == [False, True]


def test_latent_classes_give_the_likelier_class_and_leave_out_what_is_missing():
    def density(z, mean, variance):
        return exp(-((z - mean) ** 2) / (2 * variance)) / sqrt(2 * pi * variance)

    odds = [
        (0.25 * 0.1 * 0.5 * density(0, 0, 1), 0.75 * 0.8 * 0.25 * density(0, 1, 4)),
        (0.25 * 0.9 * 0.5 * density(1, 0, 1), 0.75 * 0.2 * 0.75 * density(1, 1, 4)),
        (0.25 * density(3, 0, 1), 0.75 * density(3, 1, 4)),
        (0.25 * 0.1 * density(-2, 0, 1), 0.75 * 0.8 * density(-2, 1, 4)),
    ]
    found = both(by_hand("latent_classes", borderline=0.9), PEOPLE)
    ratios = [min(pair) / max(pair) for pair in odds]
    memberships = [max(pair) / sum(pair) for pair in odds]
    check(found, [2, 1, 2, 2, 0], [*ratios, np.nan], [*memberships, np.nan])
    assert found["borderline"].tolist() == [False, ratios[1] > 0.9, False, False, False]
    nobody = both(by_hand("latent_classes", min_known=0.0), customers(NOBODY))
    check(nobody, [2], [1 / 3], [3 / 4])


def test_mixtures_lean_columns_on_each_other():
    # scores as for k-means; squares to the first mean 3, 4, 9 and 5; to the second, of
    # score - mean d: d1, d1 + d2, 2 d3 and d4 / 2
    squares = [
        (3, 1 + 1 + 4 + 1 / 4),
        (4, 0 + 4 + 4 + 1 / 4),
        (9, 4 + 1),
        (5, 9 + 9),
    ]
    found = both(by_hand("mixture"), PEOPLE)
    odds = [exp(-abs(a - b) / 2) for a, b in squares]
    check(
        found,
        [1, 1, 2, 1, 0],
        [*odds, np.nan],
        [*(1 / (1 + one) for one in odds), np.nan],
    )
    # four times the odds of the second
    more = {"log_det": [0.0, log(2)], "shares": [1 / 3, 2 / 3]}
    larger = by_hand("mixture", rule=Rule("mixture", 2, RULES["mixture"] | more))
    assert both(larger, PEOPLE)["ratio"][0] == pytest.approx(4 * odds[0])


@EACH
def test_the_ratio_of_the_model_says_who_is_borderline(method):
    ratios = by_hand(method).assign(PEOPLE)["ratio"]
    for limit in ratios[ratios.between(0.01, 0.99)]:
        for nudge in (-1e-6, 0, 1e-6):
            found = both(by_hand(method, borderline=limit + nudge), PEOPLE)
            expected = ratios > limit + nudge + 1e-8
            assert found["borderline"].tolist() == expected.tolist()


@EACH
@pytest.mark.parametrize(
    ("least", "enough"), [(0.0, 5), (1 / 3, 4), (0.34, 3), (0.7, 2), (1.0, 2), (1.1, 0)]
)
def test_who_knows_less_than_the_least_share_is_in_no_segment(method, least, enough):
    found = both(by_hand(method, min_known=least), PEOPLE)
    # of three columns 3, 3, 1, 2 (a region never seen is missing) and 0 are known
    assert (found["segment_id"] > 0).sum() == enough
    none = found[found["segment_id"] == 0]
    assert (none["second_id"] == 0).all() and not none["borderline"].any()
    assert none[["membership", "ratio"]].isna().all(axis=None)


def test_the_readings_have_the_columns_that_segments_have():
    found = by_hand("kmeans").assign(PEOPLE)
    assert found.columns.tolist() == [
        *("customer_id", "segment_id", "second_id", "membership", "ratio"),
        *("borderline", "value_tier"),
    ]
    kinds = [found[column].dtype.kind for column in found.columns[1:6]]
    assert "".join(kinds) == "iiffb"


@EACH
def test_value_tiers_begin_at_their_cuts_and_no_value_is_not_known(method):
    spent = [1000.0, 999.99, 200.0, -5.0, np.nan]
    found = both(by_hand(method), PEOPLE.assign(spend=spent))
    expected = ["high", "middle", "middle", "low", "not known"]
    assert found["value_tier"].tolist() == expected
    without = by_hand(method, value_column="", value_cuts={})
    assert set(both(without, PEOPLE)["value_tier"]) == {"not known"}
    assert without.inputs() == ["visits", "member", "region"]


def test_a_model_without_segments_keeps_the_value_tiers():
    model = by_hand("kmeans", rule=None)
    found = both(model, PEOPLE)
    assert found["segment_id"].tolist() == [0] * 5
    assert set(found["value_tier"]) == {"middle"}
    assert (model.k, model.name(0)) == (0, lines_model.NOT_SEGMENTED)
    assert model.inputs() == ["spend"]


def test_a_value_may_be_what_builds_as_well():
    model = by_hand("kmeans", value_column="visits", value_cuts={"b": 5.0, "a": 0.0})
    assert model.inputs() == ["visits", "member", "region"]
    found = both(model, PEOPLE)
    assert found["value_tier"].tolist() == ["a", "b", "b", "a", "not known"]


# --- Ties


TWINS = {
    "kmeans": {"centres": [[9.0] * 4, [1.0, 0, 0, 0], [-1.0, 0, 0, 0], [1.0, 0, 0, 0]]},
    # c0 is 0.2 from the last three, one of them 0.3 - 0.1 by another column
    "medoids": {
        "medoids": [[1.0, 0, 1], [0.6, 1, 0], [0.2, 1, 0], [0.6, 1, 0]],
    },
    "latent_classes": {
        "shares": [0.1, 0.3, 0.3, 0.3],
        "numbers": {"visits": {"mean": [9, 1, -1, 1], "variance": [1.0] * 4}},
        "levels": {"member": [[0.3, 0.7]] * 4, "region": [[0.3, 0.7]] * 4},
    },
    "mixture": {
        "shares": [0.1, 0.3, 0.3, 0.3],
        "means": [[9.0] * 4, [1.0, 0, 0, 0], [-1.0, 0, 0, 0], [1.0, 0, 0, 0]],
        "factors": [np.eye(4).tolist()] * 4,
        "log_det": [0.0] * 4,
    },
}


@EACH
@pytest.mark.parametrize("nudge", [-4e-16, 0, 4e-16])
def test_of_segments_that_fit_as_well_the_lowest_number_wins(method, nudge):
    model = by_hand(method, rule=Rule(method, 4, TWINS[method]), borderline=0.99)
    found = both(model, customers((4 + nudge, 1, "north"), (2, 1, "north")))
    assert found["segment_id"].tolist() == [2, 3]
    assert found["second_id"].tolist() == [3, 2]
    assert found["ratio"][0] == pytest.approx(1) and found["ratio"][0] <= 1
    assert found["borderline"].tolist() == [True, False]


def test_a_difference_beyond_the_tolerance_is_no_tie():
    # with a score of -e the third centre is nearer by 4 e in squared distance, and
    # two visits are a score of 1
    model = by_hand("kmeans", rule=Rule("kmeans", 4, TWINS["kmeans"]))
    apart = [0.4 * lines_model.TIE, 0.6 * lines_model.TIE]
    found = both(model, customers(*((4 - one, 1, "north") for one in apart)))
    assert found["segment_id"].tolist() == [2, 3]


def test_tenths_that_add_up_to_the_same_are_a_tie():
    # 0.1 + 0.2 is not 0.3 to a computer: as far from both medoids
    columns = [replace(VISITS, name=name, upper=1.0) for name in "abc"]
    rule = Rule("medoids", 2, {"medoids": [[0.1, 0.2, 0.0], [0.0, 0.0, 0.3]]})
    model = by_hand("medoids", preparation=preparation.Preparation(columns), rule=rule)
    table = pd.DataFrame({"customer_id": ["c0"], "a": 0.0, "b": 0.0, "c": 0.0})
    costs = rule.costs(model.preparation, table)[0]
    assert costs[0] > costs[1]
    assert both(model, table.assign(spend=1.0))["segment_id"].tolist() == [1]


# --- Made tables of every measure


ODD_LEVELS = [
    *("", "it's", 'say "no"', "C:\\new", "a\nb", "{x}", "%s", "--", "日本", "Käse"),
    *("😀", "NULL", " north", "North", "north", "عميل", "a;b", "`", "null", "/* */"),
]
KINDS = ["number", "count", "share", "yes_no", "ordered", "unordered"]


def levels_of(measure, i):
    if measure == "ordered":
        return [str(level) for level in range(3 + i % 8)]
    if measure == "yes_no":
        return ["no", "yes"]
    return ODD_LEVELS[i % 7 : i % 7 + 2 + i % 13] if measure == "unordered" else []


def dictionary(n_columns):
    """Name columns of all measures, in three families, as the feature dictionary does."""
    measures = [KINDS[i % 6] for i in range(n_columns)]
    return pd.DataFrame(
        {
            "feature": [f"q{i} {m}" for i, m in enumerate(measures)],
            "measure": measures,
            "family": [f"family {i % 3}" for i in range(n_columns)],
            "levels": [json.dumps(levels_of(m, i)) for i, m in enumerate(measures)],
        }
    )


def made(seed, *, n=300, n_columns=12, missing=0.15):
    """Give customers with answers at random, some of them missing, and a value."""
    rng = np.random.default_rng(seed)
    draws = {
        "number": lambda _: rng.normal(0, 3, n),
        "count": lambda _: rng.poisson(np.exp(rng.normal(0, 1, n))).astype(float),
        "share": lambda _: rng.beta(0.5, 6, n),
        "yes_no": lambda levels: rng.integers(0, len(levels), n).astype(float),
        "ordered": lambda levels: rng.integers(0, len(levels), n).astype(float),
        "unordered": lambda levels: rng.choice(np.array([*levels, "new"], object), n),
    }
    columns = {"customer_id": [f"c{i:04}" for i in rng.permutation(n)]}
    for row in dictionary(n_columns).itertuples():
        values = pd.Series(draws[row.measure](json.loads(row.levels)))
        gone = rng.random(n) < missing
        columns[row.feature] = values.mask(gone, None if row.levels else np.nan)
    spent = np.where(rng.random(n) < 0.1, np.nan, rng.gamma(2, 300, n))
    return pd.DataFrame(columns).assign(spend=spent)


def drawn_rule(method, k, prepared, table, rng):
    """Give a rule with numbers at random."""
    d = len(prepared.names)
    shares = rng.dirichlet(np.full(k, 5)).tolist()
    if method == "kmeans":
        return Rule(method, k, {"centres": rng.normal(0, 0.4, (k, d)).tolist()})
    if method == "medoids":
        form = methods.gower(prepared, prepared.raw(table))[:k]
        gaps = pd.DataFrame(form).astype(object)
        return Rule(
            method, k, {"medoids": gaps.where(gaps.notna(), None).to_numpy().tolist()}
        )
    if method == "latent_classes":
        numbers, levels = {}, {}
        for column in prepared.columns:
            if methods.by_level(column):
                chances = np.full(len(column.levels), 3)
                levels[column.name] = rng.dirichlet(chances, k).tolist()
            else:
                mean, variance = rng.normal(0, 0.5, k), rng.gamma(4, 0.3, k)
                own = {"mean": mean.tolist(), "variance": variance.tolist()}
                numbers[column.name] = own
        told = {"shares": shares, "numbers": numbers, "levels": levels}
        return Rule(method, k, told)
    # Every column has a density of its own where there are many of them.
    lower = np.tril(rng.normal(0, 0.2, (k, d, d)), -1) if d < 60 else 0.0
    factors = lower + np.eye(d) * rng.gamma(8, 0.1, (k, d, 1))
    told = {
        "shares": shares,
        "means": rng.normal(0, 0.3, (k, d)).tolist(),
        "factors": factors.tolist(),
        "log_det": np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1).tolist(),
    }
    return Rule(method, k, told)


def drawn_model(method, *, seed=3, k=4, n_columns=12, **changes):
    """Give a model that was prepared on made customers, and those customers."""
    table = made(seed, n_columns=n_columns)
    prepared = preparation.fit(table, dictionary=dictionary(n_columns), winsor=0.02)
    rule = drawn_rule(method, k, prepared, table, np.random.default_rng(seed))
    changes = {"preparation": prepared, "rule": rule, "min_known": 0.7} | changes
    return by_hand(method, **changes), table


@EACH
@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    k=st.integers(2, 7),
    n_columns=st.integers(1, 14),
    least=st.sampled_from([0.0, 0.5, 0.9]),
)
def test_the_query_agrees_whatever_the_columns_measure(
    method, seed, k, n_columns, least
):
    model, table = drawn_model(
        method, seed=seed, k=k, n_columns=n_columns, min_known=least
    )
    # also of customers who were not fitted, and lie beyond what was seen
    new = made(seed + 1, n_columns=n_columns)
    new = new.assign(customer_id="n" + new["customer_id"])
    new["q0 number"] *= 3
    assert table_model.check_sql(model, pd.concat([table, new])) == 0


def test_rows_that_the_query_reads_otherwise_are_counted():
    class Wrong(table_model.Model):
        def to_sql(self, table, dialect="duckdb"):
            return super().to_sql(table, dialect).replace("'middle'", "'high'")

    model, table = drawn_model("kmeans")
    wrong = Wrong(**vars(model))
    middle = model.assign(table)["value_tier"].eq("middle").sum()
    assert table_model.check_sql(wrong, table) == middle > 0


@EACH
def test_some_of_the_drawn_customers_are_borderline_and_all_segments_are_used(method):
    limit = {"kmeans": 0.95, "mixture": 0.1}.get(method, 0.6)
    model, table = drawn_model(method, borderline=limit)
    found = both(model, table)
    assert set(found["segment_id"]) == set(range(5))
    known = found[found["segment_id"] > 0]
    assert known["borderline"].equals(known["ratio"] > limit)
    assert 5 < found["borderline"].sum() < len(known) - 5
    assert known["membership"].between(1 / 4, 1).all()
    assert found["value_tier"].nunique() == 4


@EACH
def test_the_order_and_the_company_of_customers_change_nothing(method):
    model, table = drawn_model(method)
    whole = model.assign(table)
    mixed = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(model.assign(mixed).sort_index(), whole)
    pd.testing.assert_frame_equal(model.assign(table[::2]), whole[::2])


@EACH
def test_the_inputs_are_all_that_the_readings_look_at(method):
    model, table = drawn_model(method)
    only = table[["customer_id", *model.inputs()]]
    pd.testing.assert_frame_equal(model.assign(only), model.assign(table))
    for column in model.inputs():
        with pytest.raises(KeyError):
            model.assign(only.drop(columns=column))


@EACH
def test_fitted_segments_are_those_that_the_model_assigns(method):
    table = made(5, n_columns=6)
    prepared = preparation.fit(table, dictionary=dictionary(6), winsor=0.02)
    raw = prepared.raw(table)
    given = {"tried": [method], "k_values": [3], "seed": 1, "n_init": 2}
    rule = methods.fit(prepared, raw, **given)[method, 3]
    model = by_hand(method, preparation=prepared, rule=rule, min_known=0.0)
    found = both(model, table)
    assert (found["segment_id"] - 1).tolist() == rule.labels(prepared, raw).tolist()
    # the saved model, too
    again = table_model.Model.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again == model


@EACH
def test_very_unlikely_customers_have_a_segment_and_a_ratio(method):
    far = VISITS
    far = replace(far, upper=1e9, divisor=[1e-3], spread=1e-3)
    prepared = preparation.Preparation([far, MEMBER, REGION])
    model = by_hand(method, preparation=prepared)
    with np.errstate(all="raise", under="ignore"):
        found = both(model, customers((1e6, 1, "north"), (0, 0, "south")))
    assert found["segment_id"].gt(0).all()
    assert found[["membership", "ratio"]].notna().all(axis=None)


# --- Engines


@EACH
@pytest.mark.parametrize("dialect", lines_model.DIALECTS)
def test_every_dialect_says_the_same(method, dialect):
    model, table = drawn_model(method)
    model = replace(model, value_cuts={"low": 0.0, "board's": 500.0, "C:\\new": 900.0})
    expected, found = model.assign(table), in_sql(model, table, dialect)
    assert found.columns.tolist() == READINGS
    for reading in READINGS:
        assert found[reading].tolist() == expected[reading].tolist()
    assert "board's" in set(found["value_tier"])


@pytest.mark.parametrize("dialect", lines_model.DIALECTS)
def test_columns_may_have_any_name(dialect):
    names = dict(
        zip(
            ["visits", "member", "region", "spend"],
            ["order", "Käse 'x' \"y\"", "segment_id", "t1"],
            strict=True,
        )
    )
    steps = [replace(c, name=names[c.name]) for c in (VISITS, MEMBER, REGION)]
    for rule in (Rule("kmeans", 2, RULES["kmeans"]), None):
        model = by_hand(
            "kmeans",
            preparation=preparation.Preparation(steps),
            rule=rule,
            value_column="t1",
        )
        found = in_sql(model, PEOPLE.rename(columns=names), dialect)
        expected = by_hand("kmeans", rule=rule).assign(PEOPLE)
        for reading in READINGS:
            assert found[reading].tolist() == expected[reading].tolist()


def test_no_number_of_the_query_is_a_decimal():
    # Engines round sums of decimals, or refuse long ones.
    for method in RULES:
        model, _ = drawn_model(method)
        tree = sqlglot.parse_one(model.to_sql("features"), read="duckdb")
        numbers = [n for n in tree.find_all(sqlglot.exp.Literal) if not n.is_string]
        compared = (sqlglot.exp.LT, sqlglot.exp.GT, sqlglot.exp.GTE)
        sums = [n.this for n in numbers if "." in n.this and "e" not in n.this]
        limits = [
            n.this
            for found in tree.find_all(sqlglot.exp.If, *compared)
            for n in found.find_all(sqlglot.exp.Literal)
        ]
        assert set(sums) <= set(limits)


# BigQuery and Snowflake take queries of up to a million characters.
LONGEST = 1_000_000


@pytest.mark.slow
@EACH
def test_a_wide_table_gives_a_query_that_engines_take(method, postgresql):
    import psycopg

    model, table = drawn_model(method, k=8, n_columns=200)
    found = both(model, table)
    assert found["segment_id"].nunique() > 2
    query = model.to_sql("wide", "postgres")
    assert len(query) < LONGEST
    with psycopg.connect(postgresql) as con:
        kinds = [
            f'"{name}" {"double precision" if kind.kind == "f" else "text"}'
            for name, kind in table.dtypes.items()
        ]
        con.execute(f"create temporary table wide ({', '.join(kinds)})")
        places = ", ".join(["%s"] * len(kinds))
        rows = table.astype(object).where(table.notna(), None).to_numpy().tolist()
        con.cursor().executemany(f"insert into wide values ({places})", rows)
        said = pd.DataFrame(con.execute(query).fetchall())
    said = said.set_axis(["customer_id", *READINGS], axis=1).set_index("customer_id")
    said = said.loc[table["customer_id"]]
    for reading in READINGS:
        assert said[reading].tolist() == found[reading].tolist()


# --- The file


@EACH
def test_a_saved_model_is_read_back_equal(tmp_path, method):
    file = tmp_path / "segment_model.json"
    model = drawn_model(method)[0].named({"1": "Häuslich", "2": "Jung"})
    table_model.save(model, file)
    assert table_model.load(file) == model
    assert [path.name for path in tmp_path.iterdir()] == ["segment_model.json"]
    without = replace(model, rule=None)
    table_model.save(without, file)
    assert table_model.load(file) == without


def changed(value):
    """Change one value a little, whatever its type."""
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, dict):
        return value | {"x": 1.0}
    return [*value, value[0]] if isinstance(value, list) else value + 1


def test_names_are_no_part_of_the_checksum_and_everything_else_is():
    model = by_hand("kmeans")
    checksum = model.to_dict()["checksum"]
    assert model.named({"1": "Jung"}).to_dict()["checksum"] == checksum
    others = [
        replace(model, **{f.name: changed(getattr(model, f.name))})
        for f in fields(model)
        if f.name not in ("names", "preparation", "rule")
    ]
    steps = [
        replace(VISITS, **{f.name: changed(getattr(MEMBER, f.name))})
        for f in fields(Column)
    ]
    others += [
        replace(model, preparation=preparation.Preparation([step, MEMBER, REGION]))
        for step in steps
    ]
    others += [
        replace(model, rule=replace(model.rule, **{name: changed(value)}))
        for name, value in asdict(model.rule).items()
    ]
    others.append(replace(model, rule=None))
    assert len(others) == 5 + 10 + 3 + 1
    sums = {one.to_dict()["checksum"] for one in others}
    assert len(sums) == len(others) and checksum not in sums


def edit(file, **change):
    content = json.loads(file.read_text(encoding="utf-8")) | change
    file.write_text(json.dumps(content), encoding="utf-8")


def test_a_file_edited_by_hand_is_refused_unless_only_names_were(tmp_path):
    file = tmp_path / "segment_model.json"
    model = by_hand("kmeans")
    table_model.save(model, file)
    edit(file, names={"1": "Jung"})
    assert [table_model.load(file).name(i) for i in (0, 1, 2)] == [
        lines_model.TOO_LITTLE,
        "Jung",
        "Segment 2",
    ]
    rule = asdict(model.rule)
    rule["parameters"]["centres"][0][0] = 1e-7
    edit(file, rule=rule)
    with pytest.raises(errors.BadInput, match=r"segment_model.json .*changed by hand"):
        table_model.load(file)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "model.json is missing. It is written by 03_clustering_choice"),
        ("{", "model.json is damaged"),
        ("{}", "model.json cannot be read .'checksum'.* writes it anew"),
        (
            '{"checksum": "1", "kind": "customer_table", "preparation": {}}',
            "model.json cannot be read",
        ),
        ("[]", "model.json cannot be read"),
    ],
)
def test_a_file_that_is_no_model_is_refused_by_name(tmp_path, text, fault):
    file = tmp_path / "model.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(errors.BadInput, match=fault):
        table_model.load(file)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"fuzzifier": 2}, "cannot be read .*fuzzifier"),
        ({"rule": {"method": "kmeans", "k": 2}}, "cannot be read .*parameters"),
        ({"kind": "survey"}, "its kind is survey, not customer_table"),
    ],
)
def test_a_model_of_another_kind_or_version_is_refused(tmp_path, change, fault):
    file = tmp_path / "model.json"
    table_model.save(by_hand("kmeans"), file)
    edit(file, **change)
    with pytest.raises(errors.BadInput, match=fault):
        table_model.load(file)


def test_neither_track_reads_the_model_of_the_other(tmp_path):
    file = tmp_path / "model.json"
    table_model.save(by_hand("kmeans"), file)
    with pytest.raises(errors.BadInput, match=r"model.json cannot be read"):
        lines_model.load(file)
    content = json.loads(file.read_text(encoding="utf-8"))
    del content["kind"]
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(errors.BadInput, match="its kind is one of order lines"):
        table_model.load(file)
