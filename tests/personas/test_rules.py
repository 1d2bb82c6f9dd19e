"""Rules that approximate segments, on customers whose answers can be followed by hand."""

import functools

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from helpers.core import errors
from helpers.personas import rules
from helpers.personas.rules import Condition, Leaf, Split

TREE = Split(
    Condition("share_tea", 0.25),
    Split(Condition("tier", "high"), Leaf(1), Leaf(2)),
    Split(Condition("visits", 4.0), Leaf(2), Leaf(3)),
)
FIELDS = pd.DataFrame(
    {
        "customer_id": list("abcdef"),
        "share_tea": [0.25, 0.9, 0.249, 0.0, np.nan, 0.5],
        "tier": ["high", "low", "high", "low", "high", None],
        "visits": [1.0, 9.0, 4.0, 3.99, np.nan, 2.0],
    }
)


def test_each_customer_follows_the_answers_and_the_unknown_answer_no():
    assert rules.classify(TREE, FIELDS).tolist() == [1, 2, 2, 3, 3, 2]


def test_the_query_gives_what_classify_gives():
    with duckdb.connect() as con:
        con.register("fields", FIELDS)
        found = con.sql(rules.to_sql(TREE, table="fields")).df()
    assert found["customer_id"].tolist() == list("abcdef")
    assert found["segment_id"].tolist() == rules.classify(TREE, FIELDS).tolist()


def test_a_level_with_an_apostrophe_does_not_end_the_text_in_the_query():
    tree = Split(Condition("tier", "board's"), Leaf(1), Leaf(2))
    table = pd.DataFrame({"customer_id": ["a", "b"], "tier": ["board's", "board"]})
    with duckdb.connect() as con:
        con.register("fields", table)
        found = con.sql(rules.to_sql(tree, table="fields")).df()
    assert found["segment_id"].tolist() == [1, 2]


def test_the_card_lists_each_end_with_all_that_must_hold(monkeypatch):
    monkeypatch.setattr(rules, "MIN_CELL", 1)
    card = rules.card(TREE, FIELDS, pd.Series([1, 2, 1, 3, 2, 2]))
    assert card["when"].tolist() == [
        "tea at least 25% and tier is high",
        "tea at least 25% and tier is not high",
        "tea below 25% and visits at least 4",
        "tea below 25% and visits below 4",
    ]
    assert card["rule"].tolist() == [1, 2, 3, 4]
    assert card["segment_id"].tolist() == [1, 2, 2, 3]
    assert card["customers"].tolist() == [1, 2, 1, 2]
    assert card["right"].tolist() == [1, 1, 0, 0.5]


def test_an_end_that_nobody_comes_to_has_no_share_of_right_ones(monkeypatch):
    monkeypatch.setattr(rules, "MIN_CELL", 1)
    card = rules.card(TREE, FIELDS[:1], pd.Series([1]))
    assert card["customers"].tolist() == [1, 0, 0, 0]
    assert card["right"].isna().tolist() == [False, True, True, True]


def test_a_share_of_right_ones_gives_no_few_customers_away():
    table = pd.DataFrame({"x": [1.0] * 40})
    rights = {0: 0.0, 9: None, 10: 0.25, 30: 0.75, 31: None, 40: 1.0}
    for right, share in rights.items():
        card = rules.card(Leaf(1), table, pd.Series([1] * right + [2] * (40 - right)))
        assert card["right"].isna().tolist() == [share is None]
        assert share is None or card["right"].iloc[0] == share


def test_a_condition_that_follows_from_another_is_not_said(monkeypatch):
    monkeypatch.setattr(rules, "MIN_CELL", 1)
    more = Split(
        Condition("visits", 9.0),
        Leaf(1),
        Split(Condition("visits", 5.0), Leaf(2), Leaf(3)),
    )
    tree = Split(Condition("visits", 3.0), more, Leaf(4))
    table = pd.DataFrame({"visits": [10.0, 6.0, 4.0, 1.0]})
    card = rules.card(tree, table, pd.Series([1, 2, 3, 4]))
    assert card["when"].tolist() == [
        "visits at least 9",
        "visits at least 5 and visits below 9",
        "visits at least 3 and visits below 5",
        "visits below 3",
    ]
    assert card["right"].tolist() == [1, 1, 1, 1]


def test_questions_asked_first_give_everybody_else_a_segment_of_its_own():
    first = [Condition("visits", 2.0), Condition("share_tea", 0.1)]
    whole = rules.within(TREE, conditions=first, otherwise=0)
    assert rules.classify(whole, FIELDS).tolist() == [0, 2, 2, 0, 0, 2]
    assert rules.fields_asked(whole) == ["visits", "share_tea", "tier"]


def planted(n=300, seed=1):
    """Give three segments told by tea and tier, with other fields that tell nothing."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "share_tea": rng.random(n).round(6),
            "noise": rng.random(n),
            "tier": rng.choice(["high", "low", None], n, p=[0.4, 0.4, 0.2]),
        }
    )
    ids = np.where(
        table["share_tea"] >= 0.3, 1, np.where(table["tier"] == "high", 2, 3)
    )
    return table, pd.Series(ids)


def grow(table, ids, **change):
    return rules.grow(table, ids, **({"leaves": 4, "min_customers": 10} | change))


def test_a_planted_rule_is_found_with_a_cut_off_to_remember():
    table, ids = planted()
    tree = grow(table, ids)
    assert tree.condition == Condition("share_tea", 0.3)
    assert tree == Split(
        Condition("share_tea", 0.3),
        Leaf(1),
        Split(Condition("tier", "high"), Leaf(2), Leaf(3)),
    )
    assert (rules.classify(tree, table) == ids).all()


def test_a_field_with_gaps_is_split_as_the_rules_will_be_answered():
    table, ids = planted()
    table.loc[ids == 3, "share_tea"] = np.nan
    table["tier"] = "any"
    tree = grow(table, ids.replace({2: 1}))
    assert tree.yes == Leaf(1) and tree.no == Leaf(3)
    assert (rules.classify(tree, table) == ids.replace({2: 1})).all()


def test_two_ends_of_one_question_never_give_the_same():
    table, ids = planted()
    mostly = ids.where(np.random.default_rng(2).random(len(ids)) < 0.8, 1)
    tree = grow(table, mostly, leaves=12)
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Split):
            assert not (isinstance(node.yes, Leaf) and node.yes == node.no)
            waiting += [node.yes, node.no]
    assert len(rules.leaves_of(tree)) <= 12


@pytest.mark.parametrize(("edge", "cut"), [(0.37, 0.37), (0.3712, 0.37), (5.53, 5.5)])
def test_a_cut_off_has_two_digits(edge, cut):
    values = np.linspace(edge - 0.05, edge + 0.05, 201)
    tree = grow(pd.DataFrame({"x": values}), pd.Series(np.where(values > edge, 2, 1)))
    assert tree.condition == Condition("x", pytest.approx(cut, abs=0.011))
    assert f"{tree.condition.value:.2g}" == f"{tree.condition.value:g}"


def test_a_customer_on_the_cut_off_answers_yes():
    table = pd.DataFrame({"visits": [99.0] * 20 + [100.0] * 20})
    ids = pd.Series([1] * 20 + [2] * 20)
    tree = grow(table, ids)
    assert tree.condition == Condition("visits", 100.0)
    assert rules.classify(tree, table).tolist() == ids.tolist()


def test_rounding_a_cut_off_empties_no_side():
    table = pd.DataFrame({"visits": [1001.0] * 20 + [1002.0] * 20})
    ids = pd.Series([1] * 20 + [2] * 20)
    tree = grow(table, ids)
    assert rules.classify(tree, table).tolist() == ids.tolist()


def test_a_tree_without_a_question_gives_everybody_the_largest_segment():
    tree = grow(pd.DataFrame({"x": [1.0] * 30}), pd.Series([1] * 10 + [2] * 20))
    assert tree == Leaf(2)
    assert rules.card(tree, FIELDS, pd.Series([2] * 6))["when"].tolist() == ["always"]


def fit(train, ids):
    return functools.partial(rules.classify, grow(train, ids))


def test_nobody_is_judged_by_rules_made_with_him():
    table, ids = planted()
    seen = []

    def remember(train, own):
        seen.append(set(train.index))
        return lambda test: np.full(len(test), len(set(test.index) & seen[-1]))

    overlap = rules.cross_fitted(table, ids, fit=remember, seed=1)
    assert (overlap == 0).all()
    assert len(seen) == 5 and all(len(train) == 240 for train in seen)
    assert set.union(*seen) == set(table.index)


def test_the_seed_chooses_who_is_left_out_together():
    table, ids = planted()
    seen = {}
    for seed in (1, 2):
        seen[seed] = []

        def remember(train, own, seed=seed):
            seen[seed].append(tuple(train.index))
            return lambda test: np.ones(len(test))

        rules.cross_fitted(table, ids, fit=remember, seed=seed)
    assert not set(seen[1]) & set(seen[2])


def test_chance_gets_no_credit_when_judged_on_customers_left_out():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.random((400, 6)), columns=list("abcdef"))
    ids = pd.Series(rng.integers(1, 3, 400))
    flattering = (fit(table, ids)(table) == ids).mean()
    honest = (rules.cross_fitted(table, ids, fit=fit, seed=1) == ids).mean()
    assert flattering > 0.55 > honest


def test_a_segment_of_fewer_customers_than_folds_is_refused():
    table, ids = planted()
    ids[:4] = 9
    with pytest.raises(errors.BadInput, match="fewer than 5 customers"):
        rules.cross_fitted(table, ids, fit=fit, seed=1)


TRUTH = pd.Series([1] * 6 + [2] * 3 + [3])
FOUND = np.array([1, 1, 1, 1, 2, 2, 2, 1, 2, 2])


def wilson(count, of):
    z, p = 1.959963984540054, count / of
    middle = (p + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z * np.sqrt(p * (1 - p) / of + z**2 / (4 * of**2)) / (1 + z**2 / of)
    return [middle - half, middle + half]


def test_agreement_stands_beside_two_ways_of_guessing():
    found = rules.agreement(TRUTH, FOUND)
    assert found["agreement"] == 0.6
    assert [found["low"], found["high"]] == pytest.approx(wilson(6, 10))
    assert found["majority"] == 0.6
    assert found["random"] == pytest.approx(0.36 + 0.09 + 0.01)


def test_recall_and_precision_of_each_segment_by_hand():
    found = rules.agreement_by_segment(TRUTH, FOUND).set_index("segment_id")
    assert found["customers"].tolist() == [6, 3, 1]
    assert found["recall"].tolist() == pytest.approx([4 / 6, 2 / 3, 0])
    assert found["precision"].tolist()[:2] == pytest.approx([4 / 5, 2 / 5])
    assert found["random"].tolist() == pytest.approx([0.6, 0.3, 0.1])
    row = found.loc[1]
    assert [row["recall_low"], row["recall_high"]] == pytest.approx(wilson(4, 6))
    assert [row["precision_low"], row["precision_high"]] == pytest.approx(wilson(4, 5))
    nobody = ["precision", "precision_low", "precision_high"]
    assert found.loc[3, nobody].isna().all()


def clouds(n=240):
    """Give three segments: one field tells the third, another the first two."""
    rng = np.random.default_rng(8)
    ids = pd.Series(np.arange(n) % 3 + 1)
    table = pd.DataFrame(rng.normal(size=(n, 4)), columns=["a", "b", "c", "d"])
    table["c"] += np.where(ids == 3, 6, 0)
    table["b"] += np.where(ids == 1, 2.5, 0)
    return table, ids


def test_golden_fields_come_in_the_order_of_what_they_add():
    table, ids = clouds()
    assert rules.golden(table, ids, most=2) == ["c", "b"]
    assert len(rules.golden(table, ids, most=9)) == 4


def test_the_discriminant_is_that_of_a_library():
    table, ids = clouds()
    values = table.to_numpy()
    own = rules._discriminate(values, rules._moments(values, ids.to_numpy()), [1, 2])
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(values[:, 1:3], ids)
    assert (own == theirs.predict(values[:, 1:3])).mean() > 0.995


def test_the_golden_curve_is_judged_on_customers_left_out():
    table, ids = clouds()
    found = rules.golden_curve(table, ids, most=4, seed=1)
    assert found["fields"].tolist() == [1, 2, 3, 4]
    assert found["field"].tolist()[:2] == ["c", "b"]
    assert found["chosen"].tolist()[:2] == [1, 1] and found["chosen"].iloc[3] == 1
    assert found["majority"].iloc[0] == pytest.approx(1 / 3)
    assert 0.6 < found["agreement"].iloc[0] < 0.75 < found["agreement"].iloc[1]
    shuffled = pd.Series(np.random.default_rng(1).permutation(ids))
    noise = rules.golden_curve(table, shuffled, most=4, seed=1)
    assert (noise["low"] < 1 / 3).all()


@pytest.mark.parametrize(
    ("condition", "answer", "said"),
    [
        (
            Condition("share_health_beauty", 0.042),
            True,
            "health and beauty at least 4.2%",
        ),
        (Condition("evening_share", 0.5), False, "share of evening orders below 50%"),
        (Condition("sales", 12345.0), True, "sales at least 12,345"),
        (Condition("value_tier", "high"), False, "value tier is not high"),
        (Condition("value_tier", "high"), True, "value tier is high"),
    ],
)
def test_a_question_is_put_in_words(condition, answer, said):
    assert rules.say_condition(condition, answer) == said


def test_fields_of_any_name_and_letters_are_asked_in_sql():
    odd = 'share_C++ "चाय"'
    assert rules.Condition("orders", 3).sql() == "orders >= 3"
    tree = rules.Split(rules.Condition(odd, 0.5), rules.Leaf(1), rules.Leaf(2))
    fields = pd.DataFrame({"customer_id": ["a", "b"], odd: [0.6, 0.1]})
    with duckdb.connect() as con:
        con.register("fields", fields)
        found = con.sql(rules.to_sql(tree, table="fields")).fetchall()
    assert found == [("a", 1), ("b", 2)]


@pytest.mark.parametrize("sizes", [[30], [30, 9]])
def test_rules_need_two_segments_none_of_them_small(sizes):
    ids = pd.Series(np.repeat(range(len(sizes)), sizes))
    with pytest.raises(errors.TooLittle, match="No rule card"):
        rules.need_enough(ids)


def test_rules_that_do_no_better_than_the_largest_segment_are_withdrawn():
    rules.need_enough(pd.Series([1] * 10 + [2] * 10))
    judged = {"agreement": 0.7, "low": 0.61, "high": 0.8, "majority": 0.6}
    rules.need_better(judged)
    with pytest.raises(errors.TooLittle, match=r"withdrawn\. Rules give 70%"):
        rules.need_better(judged | {"low": 0.6})


def test_a_field_that_nobody_has_can_be_asked():
    fields = pd.DataFrame({"x": [np.nan] * 20, "y": [0.0] * 10 + [1.0] * 10})
    ids = pd.Series([1] * 10 + [2] * 10)
    tree = rules.grow(fields, ids, leaves=2, min_customers=5)
    assert (rules.classify(tree, fields) == ids).all()
