"""Leads are typed from what is known at the start, and from nothing else."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from helpers.core import store
from helpers.core.errors import TooLittle
from helpers.leads import typing_tool

ATTRIBUTES = pd.DataFrame(
    [
        ("leads", "source", "firmographic", "source"),
        ("leads", "size", "firmographic", "size"),
        ("leads", "quotes_sent", "later", "quotations"),
        ("customers", "industry", "firmographic", "industry"),
    ],
    columns=["table", "attribute", "kind", "label"],
)


def test_fields_known_only_later_are_refused_by_name():
    known, refused = typing_tool.start_known(ATTRIBUTES, table="leads")
    assert known == ["source", "size"]
    assert refused == ["quotes_sent"]
    assert typing_tool.start_known(ATTRIBUTES, table="customers") == (["industry"], [])


def test_a_run_without_a_table_of_leads_has_nothing_to_rank(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "path", lambda name, run: tmp_path / name)
    with pytest.raises(TooLittle, match="This run has no table of leads"):
        typing_tool.need_leads(run="trial")
    (tmp_path / "leads").touch()
    (tmp_path / "attributes").touch()
    typing_tool.need_leads(run="trial")


def test_fields_are_of_a_first_order_or_on_file():
    fields = pd.DataFrame(columns=["first_sales", "industry"])
    assert typing_tool.sources(fields) == {
        "on file": ["industry"],
        "first order": ["first_sales"],
    }
    assert typing_tool.sources(fields[["industry"]]) == {}


def test_levels_that_few_customers_set_apart_are_left_out():
    table = pd.DataFrame(
        {"confidence": [0.0, 0.4, 0.5, 0.6, 0.8], "typed": [1.0, 0.95, 0.6, 0.55, 0.05]}
    )
    found = typing_tool.tellable(table, of=100, kept=0.6)
    assert found["confidence"].tolist() == [0.0, 0.5, 0.6]
    assert found["customers"].tolist() == [100, 60, 55]


def test_nobody_is_named_where_guessing_does_as_well():
    right = pd.Series({"agreement": 0.35, "low": 0.3, "high": 0.4, "majority": 0.33})
    typing_tool.need_better("unsure", right)
    with pytest.raises(TooLittle, match="put 35% in the right segment"):
        typing_tool.need_better("guess", right)
    shown = pd.DataFrame({"recall": ["withheld", 0.4]})
    assert len(typing_tool.need_shown(pd.DataFrame({"recall": [0.1, 0.4]}), shown)) == 1
    with pytest.raises(TooLittle, match="are found to say how many"):
        typing_tool.need_shown(shown[:1], shown[:1])


@pytest.fixture
def bought(tmp_path):
    """Two customers: a with two orders, b with one and another after the window."""
    rows = [
        ("a", "2", "2023-01-08 10:00", "p1", 200, 0),
        ("a", "1", "2023-01-07 08:30", "p1", 300, 100),
        ("a", "1", "2023-01-07 08:30", "p2", 400, 0),
        ("b", "3", "2023-01-02 20:00", "p2", 500, 0),
        ("b", "4", "2023-02-02 20:00", "p1", 500, 0),
    ]
    columns = ["customer_id", "order_id", "ordered_at", "product_id"]
    lines = pd.DataFrame(rows, columns=[*columns, "amount_cents", "coupon_cents"])
    lines["ordered_at"] = lines["ordered_at"].astype("datetime64[us]")
    products = pd.DataFrame(
        {"product_id": ["p1", "p2"], "need_state": ["bread", "milk"]}
    )
    lines.to_parquet(tmp_path / "lines.parquet")
    products.to_parquet(tmp_path / "products.parquet")
    return {
        "lines": str(tmp_path / "lines.parquet"),
        "products": str(tmp_path / "products.parquet"),
    }


def test_the_first_order_is_described_by_hand(bought):
    found = typing_tool.first_orders(
        duckdb.connect(), **bought, first="2023-01-01", last="2023-01-31", orders=1
    )
    assert found.index.tolist() == ["a", "b"]
    # a: order 1 of Saturday at 8, 4.00 of bread with its coupon and 4.00 of milk
    a = found.loc["a"]
    assert a["first_sales"] == pytest.approx(np.log(9))
    assert a["first_lines"] == pytest.approx(np.log(3))
    assert a[["first_hour", "first_weekend"]].tolist() == [8, 1]
    assert a[["first_bread", "first_milk"]].to_numpy() == pytest.approx(
        np.sqrt([0.5, 0.5])
    )
    assert found.loc["b", ["first_bread", "first_milk"]].tolist() == [0, 1]


def test_customers_with_fewer_orders_are_left_out(bought):
    found = typing_tool.first_orders(
        duckdb.connect(), **bought, first="2023-01-01", last="2023-01-31", orders=2
    )
    assert found.index.tolist() == ["a"]
    assert found.loc["a", "first_weekend"] == 1
    assert found.loc["a", "first_hour"] == 9


def test_a_window_without_enough_orders_has_too_little(bought):
    with pytest.raises(TooLittle, match="No customer has 3 orders"):
        typing_tool.first_orders(
            duckdb.connect(), **bought, first="2023-01-01", last="2023-12-31", orders=3
        )


def test_below_the_confidence_the_answer_is_cannot_tell():
    chances = pd.DataFrame({1: [0.7, 0.5, 0.1], 2: [0.3, 0.5, 0.9]})
    assert typing_tool.answer(chances, confidence=0.6).tolist() == [
        1,
        typing_tool.CANNOT_TELL,
        2,
    ]
    assert typing_tool.answer(chances, confidence=0.0).tolist() == [1, 1, 2]


def test_confidence_trades_answers_for_right_ones():
    chances = pd.DataFrame({1: [0.9, 0.8, 0.6, 0.4], 2: [0.1, 0.2, 0.4, 0.6]})
    truth = pd.Series([1, 1, 2, 2])
    table = typing_tool.confidence_table(chances, truth, levels=[0.0, 0.7, 0.95])
    assert table["typed"].tolist() == [1.0, 0.5, 0.0]
    assert table["right"].iloc[:2].tolist() == [0.75, 1.0]
    assert np.isnan(table["right"].iloc[2])
    assert table["mean_confidence"].iloc[1] == pytest.approx(0.85)


def test_the_best_field_is_found_and_judged_on_others():
    rng = np.random.default_rng(1)
    truth = pd.Series(rng.integers(1, 3, 200))
    fields = pd.DataFrame(
        {
            "noise": rng.choice(["x", "y"], 200),
            "telling": np.where(truth == 1, "one", "two"),
            "number": rng.normal(size=200),
        }
    )
    name, found = typing_tool.best_field(fields, truth, folds=4, seed=1)
    assert name == "telling"
    assert (found == truth).all()


def test_a_number_is_cut_at_its_quartiles():
    truth = pd.Series([1, 2] * 40)
    fields = pd.DataFrame({"number": np.where(truth == 1, 0.0, 5.0)})
    assert (typing_tool.best_field(fields, truth, folds=4, seed=1)[1] == truth).all()


def test_shares_become_answers():
    shares = pd.DataFrame({"share_a": [0.0, 0.1, 0.2, 0.9, np.nan]})
    found = typing_tool.as_answers(shares, columns=["share_a"])
    assert found["share_a"].tolist() == ["none", "some", "some", "much", "none"]


def test_the_questions_that_tell_most_are_asked_first():
    rng = np.random.default_rng(2)
    truth = pd.Series(rng.integers(1, 5, 400))
    known = pd.DataFrame({"noise": rng.choice(["x", "y"], 400)})
    asked = pd.DataFrame(
        {
            "useless": rng.choice(["some", "much"], 400),
            "half": np.where(truth <= 2, "some", "much"),
            "quarter": np.where(truth % 2 == 0, "some", "much"),
        }
    )
    table = typing_tool.questions(known, asked, truth, most=2, folds=4, seed=1)
    assert table["questions"].tolist() == [0, 1, 2]
    assert set(table["fields"].iloc[1:]) == {"half", "quarter"}
    assert table["right"].iloc[0] < 0.4
    assert table["right"].iloc[2] > 0.95
    assert table["chosen"].iloc[2] == 1


def test_a_segment_between_two_others_is_found():
    rng = np.random.default_rng(4)
    truth = pd.Series(np.repeat([1, 2, 3], 60))
    asked = pd.DataFrame({"age": 20.0 * truth + rng.normal(0, 2, 180)})
    given = {"most": 1, "folds": 4, "seed": 1}
    by = typing_tool.discriminant
    table = typing_tool.questions(asked[[]], asked, truth, **given, by=by)
    assert table["right"].iloc[1] == 1


def test_fewer_questions_than_wanted_are_all_asked():
    truth = pd.Series([1, 2] * 30)
    asked = pd.DataFrame({"one": truth * 1.0, "two": 0.0})
    assert set(typing_tool.first_questions(asked, truth, most=4)) == {"one", "two"}


def test_the_list_is_judged_by_customers_who_did_not_choose_it():
    rng = np.random.default_rng(3)
    truth = pd.Series(rng.integers(1, 3, 120))
    known = pd.DataFrame({"noise": rng.choice(["x", "y"], 120)})
    asked = pd.DataFrame(rng.choice(["some", "much"], (120, 30))).add_prefix("q")
    table = typing_tool.questions(known, asked, truth, most=3, folds=4, seed=1)
    # the best of 30 useless questions looks useful to those who chose it only
    assert table["right"].iloc[-1] < 0.62


def test_fields_that_do_not_differ_tell_nothing():
    fields = pd.DataFrame(
        {
            "region": ["n"] * 10 + ["s"] * 10,
            "half_known": ["n"] * 10 + [None] * 10,
            "constant": "x",
            "own_words": [f"row {i}" for i in range(20)],
            "size": range(20),
            "same": 3.0,
            "unknown": np.nan,
            "seldom": [1.0, 2.0] + [np.nan] * 18,
        }
    )
    assert typing_tool.telling(fields) == ["region", "half_known", "size"]


def test_two_segments_are_needed_to_learn_from():
    ids = pd.Series([1] * 20 + [2] * 20 + [3] * 5 + [0] * 50)
    kept = typing_tool.learnable(ids, fewest=20)
    assert kept.value_counts().to_dict() == {1: 20, 2: 20}
    with pytest.raises(TooLittle, match="Too few customers to learn from"):
        typing_tool.learnable(ids, fewest=21)
    with pytest.raises(TooLittle, match="found: 0 such customers"):
        typing_tool.learnable(ids.iloc[:0], fewest=20)


@pytest.mark.parametrize(
    ("low", "typed", "chosen_low", "said"),
    [
        (0.4, 0.5, 0.6, "types"),
        (0.3, 0.5, 0.6, "guess"),
        (0.25, 0.5, 0.9, "guess"),
        (0.4, 0.05, 0.6, "unsure"),
        (0.4, 0.5, 0.2, "unsure"),
        (0.4, 0.0, float("nan"), "unsure"),
    ],
)
def test_typing_is_advised_only_if_it_beats_the_largest(low, typed, chosen_low, said):
    right = pd.Series({"low": low, "majority": 0.3})
    chosen = pd.Series({"typed": typed, "low": chosen_low})
    assert typing_tool.verdict(right, chosen, rows=100, fewest=10) == said
