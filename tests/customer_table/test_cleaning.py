import json

import numpy as np
import pandas as pd
import pytest

from helpers.core.errors import BadInput
from helpers.customer_table import cleaning


def described(**kinds):
    """Make a row of attributes for each name=(kind, measure, role, levels)."""
    rows = []
    for name, told in kinds.items():
        kind, measure, role, levels = (*told, "", [])[:4]
        levels = json.dumps(levels) if levels else ""
        rows.append(("customers", name, kind, name.title(), measure, levels, role))
    columns = ["table", "attribute", "kind", "label", "measure", "levels", "role"]
    return pd.DataFrame(rows, columns=columns)


ATTRIBUTES = described(
    age=("demographic", "number"),
    visits=("behavioural", "count"),
    online=("behavioural", "share"),
    spend=("none", "number", "value"),
)
RECEIVED = pd.DataFrame(
    {
        "row": [2, 3, 4, 5],
        "duplicate": [False, False, True, False],
        "customer_id": ["b", "a", "b", "c"],
        "age": [30.0, 40.0, 30.0, np.nan],
        "visits": [3.0, -1.0, 3.0, np.nan],
        "online": [0.5, 1.5, 0.5, np.nan],
        "spend": [10.0, 20.0, 10.0, 30.0],
    }
)


def rules():
    return {
        "exact copy": RECEIVED["duplicate"],
        "no answer": cleaning.without_answers(RECEIVED, ATTRIBUTES),
    }


def test_rows_go_by_the_first_rule_that_marks_them_and_add_up():
    clean, rejected = cleaning.split(RECEIVED, rules(), disabled_rules=[])
    assert list(clean["customer_id"]) == ["a", "b"]
    assert list(clean) == ["customer_id", "age", "visits", "online", "spend"]
    assert rejected.to_dict("list") == {"row": [4, 5], "reason": [*rules()]}
    steps = cleaning.reconcile(RECEIVED, rejected)
    assert steps.to_dict("list") == {
        "step": ["received", "exact copy", "no answer", "clean"],
        "rows": [4, -1, -1, 2],
        "customers": [3, 0, -1, 2],
    }
    assert list(cleaning.to_show(steps)["rows"]) == ["withheld"] * 3 + [2]


def test_without_a_rule_that_took_any_nothing_is_withheld():
    alone = RECEIVED.iloc[:2]
    steps = cleaning.reconcile(alone, pd.DataFrame({"row": [], "reason": []}))
    assert steps["rows"].tolist() == [2, 2]
    assert cleaning.to_show(steps)["customers"].tolist() == [2, 2]


def test_a_rule_can_be_switched_off_and_a_second_row_is_refused():
    clean, _ = cleaning.split(
        RECEIVED.iloc[[0, 1, 3]], rules(), disabled_rules=["no answer"]
    )
    assert list(clean["customer_id"]) == ["a", "b", "c"]
    with pytest.raises(BadInput, match="customers with several rows, 2 rows"):
        cleaning.split(RECEIVED, rules(), disabled_rules=["exact copy"])
    with pytest.raises(BadInput, match="names 'copies', which is no rule"):
        cleaning.split(RECEIVED, rules(), disabled_rules=["copies"])


def test_the_order_of_rows_changes_no_clean_table():
    one, _ = cleaning.split(RECEIVED, rules(), disabled_rules=[])
    turned = RECEIVED.iloc[::-1]
    other, _ = cleaning.split(turned, rules(), disabled_rules=[])
    pd.testing.assert_frame_equal(one, other)


def test_too_few_customers_are_refused():
    with pytest.raises(
        BadInput, match="2 rows are fit for use, and the study needs 10"
    ):
        cleaning.refuse_few(RECEIVED.iloc[:2], least=10)


def test_impossible_values_become_missing_and_are_counted():
    bounds = cleaning.limits(ATTRIBUTES, least={}, most={"spend": 25})
    told = bounds.astype(object).where(bounds.notna(), None).to_numpy().tolist()
    assert told == [
        ["age", 1.0, 120.0],
        ["visits", 0.0, None],
        ["online", 0.0, 1.0],
        ["spend", None, 25.0],
    ]
    mended, counted = cleaning.impossible(RECEIVED, bounds)
    assert counted["customers"].tolist() == [0, 1, 1, 1]
    assert mended["visits"].isna().tolist() == [False, True, False, True]
    assert RECEIVED["visits"].tolist()[1] == -1


def test_an_unknown_column_or_another_unit_is_refused():
    with pytest.raises(BadInput, match="`min_possible:` names ages"):
        cleaning.limits(ATTRIBUTES, least={"ages": 1}, most={})
    percent = pd.DataFrame({"online": [20.0, 30.0, 0.5]})
    bounds = cleaning.limits(ATTRIBUTES.iloc[[2]], least={}, most={})
    with pytest.raises(
        BadInput, match="column online has 2 of 3 values outside 0 to 1"
    ):
        cleaning.impossible(percent, bounds)


def test_constant_columns_and_customers_alike_are_found():
    table = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "age": [1.0, 1.0, np.nan],
            "visits": [2.0, 2.0, 3.0],
        }
    )
    assert cleaning.constants(table, ATTRIBUTES.iloc[:2]) == ["age"]
    assert cleaning.alike(table) == 2
    assert cleaning.alike(table.iloc[1:]) == 0


ITEMS = described(**{name: ("requirement", "yes_no") for name in "abcd"})
ANSWERS = pd.DataFrame(
    [["yes"] * 4, ["no"] * 4, ["yes", "yes", "no", "no"], ["no", "no", "yes", "yes"]],
    columns=list("abcd"),
)


def test_items_with_the_same_answers_make_a_block():
    scale = ["low", "high"]
    more = described(
        e=("requirement", "ordered", "", scale),
        f=("psychographic", "ordered", "", scale),
    )
    both = pd.concat([ITEMS, more])
    assert cleaning.blocks(both) == {"requirement": list("abcd")}
    assert cleaning.blocks(ITEMS.iloc[:3]) == {}


def test_answering_styles_are_compared_with_items_answered_apart():
    # Each item is answered yes by half. Apart, a mean of four has variance 4/16 x 1/4; the
    # means are 1, 0, 1/2 and 1/2, whose variance is 1/8: twice as much.
    found = cleaning.styles(ANSWERS, ITEMS, {"requirement": list("abcd")}).iloc[0]
    assert (found["answered"], found["one_answer"]) == (4, 2)
    assert found["one_answer_due"] == pytest.approx(4 * 2 / 16)
    assert found["spread"] == pytest.approx(np.sqrt(1 / 8))
    assert found["spread_due"] == pytest.approx(1 / 4)
    assert found["ratio"] == pytest.approx(2)


def test_who_broke_off_says_nothing_of_styles():
    table = pd.concat(
        [ANSWERS, pd.DataFrame([["yes", None, None, None]], columns=list("abcd"))]
    )
    found = cleaning.styles(table, ITEMS, {"requirement": list("abcd")}).iloc[0]
    assert found["answered"] == 4
    level = cleaning.levels_of_agreement(table, ITEMS, list("abcd"))
    assert level.tolist() == [1, 0, 0.5, 0.5]


@pytest.mark.parametrize(
    ("ratio", "p", "said"),
    [
        (2.0, 0.001, "styles"),
        (2.0, 0.2, "chance"),
        (1.1, 0.001, "chance"),
        (0.4, 0.999, "opposed"),
    ],
)
def test_a_style_is_said_where_the_spread_is_large_and_no_chance(ratio, p, said):
    block = pd.Series({"ratio": ratio, "p": p, "yes_no": True})
    assert cleaning.style_of(block) == said
    words = {
        "styles": "more between",
        "opposed": "less between",
        "chance": "as by chance",
    }
    assert words[said] in cleaning.style_title(block)
    rest = {
        "block": "requirement",
        "one_answer": 3,
        "answered": 50,
        "one_answer_due": 0.2,
    }
    finding = cleaning.answering(pd.DataFrame([block.to_dict() | rest]))
    assert ("may make segments" in finding["decision"]) == (said == "styles")
    assert "Fewer than 10 gave one answer" in finding["size"]


def test_coverage_is_compared_over_fifths_of_the_value():
    n = 100
    table = pd.DataFrame(
        {
            "age": [np.nan] * 20 + [30.0] * 80,
            "visits": [1.0] * n,
            "online": [0.1] * n,
            "spend": np.arange(n, dtype=float),
        }
    )
    found = cleaning.by_value(table, ATTRIBUTES)
    assert found["customers"].tolist() == [20] * 5
    assert found["answered_share"].round(3).tolist() == [0.667, 1, 1, 1, 1]
    assert "high value answered more" in cleaning.fifths_title(found)
    assert "hardly" in cleaning.fifths_title(found.iloc[1:])
    assert "answered less" in cleaning.fifths_title(found.iloc[::-1])
    assert cleaning.by_value(table.iloc[:49], ATTRIBUTES).empty
    assert cleaning.by_value(table, ATTRIBUTES.iloc[:3]).empty


def test_dominance_is_said_by_what_the_largest_holds():
    even = pd.Series(np.ones(100))
    assert "1% to 5%" in cleaning.dominance(even)
    assert "read medians" in cleaning.dominance(pd.Series([50.0, *np.ones(49)]))
    assert "names no value" in cleaning.dominance(pd.Series(dtype=float))
    assert "no customer has a share" in cleaning.dominance(pd.Series([0.0, 0.0]))


def test_findings_say_what_was_set_aside_and_kept_apart():
    mended = pd.DataFrame({"customers": [0, 12]})
    steps = pd.DataFrame(
        {"step": ["received", "clean"], "rows": [50, 50], "customers": [50, 50]}
    )
    whole = cleaning.usable(steps, shown=cleaning.to_show(steps), mended=mended)
    assert whole["decision"] == "Every row received is fit for use."
    assert "the column in which" in whole["action"]
    steps = pd.DataFrame(
        {
            "step": ["received", "no answer", "clean"],
            "rows": [60, -10, 50],
            "customers": [60, -10, 50],
        }
    )
    part = cleaning.usable(steps, shown=cleaning.to_show(steps), mended=mended.iloc[:1])
    assert part["decision"] == "83.3% of rows are fit for use."
    assert "no answer 10" in part["size"]
    few = steps.assign(rows=[55, -5, 50], customers=[55, -5, 50])
    few = cleaning.usable(few, shown=cleaning.to_show(few), mended=mended)
    assert "55" not in " ".join(map(str, few.values()))
    none, some = cleaning.apart([], [], []), cleaning.apart(["A"], ["B"], ["A"])
    assert "Every column" in none["decision"]
    assert "2 columns" in some["decision"]
    assert "left_out" in some["action"]
