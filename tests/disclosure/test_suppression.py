"""The guard: nothing from 1 to 9 customers follows from what a table still tells."""

import numpy as np
import pandas as pd
import pytest

from helpers.core import errors
from helpers.disclosure import suppression
from helpers.display import plots, tables


def told(table, **asked):
    shown = tables.guarded(pd.DataFrame(table), **asked)
    return {name: shown[name].tolist() for name in shown}


def test_a_part_that_leaves_two_says_only_that_few_are_left():
    # 71 customers, 69 still followed: 2 lapsed; with 98% and its interval all the same
    shown = told(
        {"customers": [71], "at_risk": [69], "retained": [69 / 71]}
        | {"low": [0.9], "high": [0.99]}
    )
    assert shown["customers"] == [71]
    assert shown["at_risk"] == [">61"]  # 71 - 10
    assert shown["retained"] == [">85%"]  # 10 of 71 are 14.1%
    assert shown["low"] == shown["high"] == [None]


def test_a_share_beside_its_base_gives_no_small_number_away():
    shown = told(
        {"segment": list("abc"), "customers": [84, 2444, 100]}
        | {"borderline": [0.10, 0.001, 0.02]}  # 8, 2 and 2
    )
    assert shown["borderline"] == ["<12%", "<0.5%", "<10%"]
    assert shown["customers"] == [84, 2444, 100]


def test_none_and_all_are_told():
    shown = told({"customers": [84, 84], "borderline": [0.0, 1.0]})
    assert shown["borderline"] == [0.0, 1.0]


def test_of_rows_that_share_out_customers_one_is_not_hidden_alone():
    # all 30 of 300 are known elsewhere: 30 - 15 - 11 leaves the 4, so 11 goes with it
    shown = told({"customers": [100] * 3, "borderline": [0.15, 0.04, 0.11]})
    assert shown["borderline"] == [0.15, "withheld", "withheld"]


def test_parts_that_share_out_their_customers_are_hidden_like_a_cross_table():
    frame = pd.DataFrame(
        {
            "customers": [100, 100, 90],
            "a": [92, 50, 40],
            "b": [0, 30, 30],
            "c": [8, 20, 20],
        }
    )
    parts = dict.fromkeys("abc", "customers")
    told = suppression.guard(
        frame, counts=["customers", *parts], parts=parts, sums=[], ends={}
    )
    # 8 would follow from 100, 92 and the nobody beside it
    assert (told.loc[0, ["b", "c"]] == "withheld").all()
    shown = told[["a", "b", "c"]].isin(["withheld"]).sum(axis=1)
    assert shown.tolist()[2] == 0 and (shown[:2] >= 2).all()


@pytest.mark.parametrize(
    ("value", "said"),
    [(823.19, "820"), (1508.9, "1,500"), (0.2437, "0.24"), (7.52, "7.5"), (0, "0")],
)
def test_a_quantile_is_said_with_two_digits(value, said):
    assert suppression.about(value) == said
    if value:
        frame = pd.DataFrame({"feature": ["x"], "50%": [value], "skewness": [value]})
        shown = tables.show(frame, caption="c")
        assert [column.texts for column in shown.columns[1:]] == [
            [said],
            [f"{value:,.2f}"],
        ]


def test_where_the_page_says_the_base_a_number_stands_for_it():
    shown = told({"missing_share": [0.001, 0.0, 0.5]}, of={"missing_share": 2444})
    assert shown["missing_share"] == ["<0.5%", 0.0, 0.5]


def test_a_row_of_few_loses_the_numbers_on_its_right_and_takes_a_second_along():
    shown = told(
        {"lines": [9, 400, 900], "customers": [1, 40, 90], "sales": [7.5, 800, 950]}
        | {"mean": [7.5, 20.0, 10.6], "word": ["a", "b", "c"]}
    )
    assert shown["lines"] == [9, 400, 900]
    assert shown["customers"] == ["withheld", "withheld", 90]
    assert shown["sales"][:2] == [None, None] and shown["sales"][2] == 950
    assert np.isnan(shown["mean"][0]) and shown["word"] == ["a", "b", "c"]


def test_a_sum_is_withheld_where_one_customer_holds_over_half_of_it():
    table = {"need": list("abc"), "customers": [20] * 3, "sales": [100.0, 300.0, 900.0]}
    shown = told(table | {"share": [1 / 13, 3 / 13, 9 / 13]}, of={"share": "sales"})
    assert shown["sales"] == [100.0, 300.0, 900.0]
    # 51 of 100 are one customer's: b goes too, or the total of 1,300 gives it away
    held = table | {"share": [1 / 13, 3 / 13, 9 / 13], "largest": [0.51, 0.1, 0.1]}
    shown = told(held, of={"share": "sales"})
    assert shown["sales"] == [*shown["share"][:2], 900.0]
    assert shown["share"][:2] == ["withheld", "withheld"]
    assert shown["customers"] == [20] * 3 and "largest" not in shown
    just = told(table | {"largest": [0.5, 0.1, 0.1]})
    assert just["sales"] == [100.0, 300.0, 900.0]


def test_hidden_sums_are_not_one_customers_together():
    # a holds 90 of 100, of b and a together 90 of 160: c goes as well, 90 of 360
    hidden = suppression.dominated(
        pd.Series([0.9, 0.1, 0.1, 0.1]), pd.Series([100.0, 60.0, 200.0, 900.0])
    )
    assert hidden.tolist() == [True, True, True, False]


def test_a_table_shows_what_the_guard_leaves_and_bars_no_more():
    frame = pd.DataFrame({"who": ["a", "b", "c"], "customers": [3, 40, 90]})
    page = tables.show(frame, caption="x", bars=["customers"])._repr_html_()
    assert ">withheld<" in page and ">90<" in page and ">40<" not in page
    assert page.count("width:0.0%") == 2 and "width:100.0%" in page


def test_an_index_need_not_count_its_rows():
    frame = pd.DataFrame(
        {"customers": [84, 84], "borderline": [0.1, 0.5]}, index=["x", "x"]
    )
    shown = tables.guarded(frame)
    assert list(shown.index) == ["x", "x"]
    assert shown["borderline"].tolist() == ["withheld", "withheld"]


@pytest.mark.parametrize(
    ("count", "of", "number", "share"),
    [
        (69, 71, "all but fewer than 10", "all but fewer than 10"),
        (8, 84, "fewer than 10", "fewer than 10"),
        (0, 84, "0", "0%"),
        (84, 84, "84", "100%"),
        (1234, 2468, "1,234", "50%"),
    ],
)
def test_sentences_say_no_more_than_tables(count, of, number, share):
    assert suppression.many(count, of=of) == number
    assert suppression.part(count, of=of) == share


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.002, "0% to 1%"),
        (0.135, "10% to 25%"),
        (0.5, "50% to 100%"),
        (1, "50% to 100%"),
    ],
)
def test_the_largest_customers_share_stays_unknown(share, said):
    assert suppression.roughly(share) == said


def test_of_nested_groups_none_is_a_few_customers_from_the_next():
    counts = [100, 97, 92, 90, 90, 12, 4]
    assert suppression.nested(counts).tolist() == [1, 0, 0, 1, 1, 1, 0]


def test_a_part_of_customers_is_said_to_be_of_them():
    assert suppression.customers(30, of=120, form="{:.1%}") == "25.0% of customers"
    assert suppression.customers(3, of=120) == "fewer than 10 customers"
    assert suppression.customers(115, of=120) == "all but fewer than 10 customers"
    assert suppression.customers(0, of=0) == "0% of customers"


def test_parts_of_a_total_that_few_make_go_with_another():
    sizes = pd.Series({"new": 30, "returned": 2, "churn": 15, "none": 0})
    even = {"largest": sizes * 0.0, "sums": sizes * 1.0}
    assert suppression.closed(sizes, **even).to_dict() == {
        **{"new": False, "returned": True, "churn": True, "none": True}
    }


def test_bars_of_few_customers_share_their_height_with_those_beside():
    values = [0.5] * 20 + [1.5] * 4 + [2.5] * 8 + [3.5] * 3
    counts = plots.spread(values, np.arange(5))
    assert counts.tolist() == [20, 5, 5, 5]  # 4, 8 and 3 are 15
    # 2 at the end join the 40 before them, over the empty bin between
    counts = plots.spread([0.5] * 40 + [2.5] * 2, np.arange(4))
    assert counts.tolist() == [14, 14, 14]
    assert plots.spread([0.5] * 40 + [2.5] * 10, np.arange(4)).tolist() == [40, 0, 10]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "It needs 10 customers (found: 7 of 2,444): left out.",
            "It needs 10 customers (found: fewer than 10 of 2,444): left out.",
        ),
        ("Of 3 customers none came.", "Of fewer than 10 customers none came."),
        ("It needs 2 features (found: 0).", "It needs 2 features (found: 0)."),
        (
            "It needs 30 (found: 21 and 9).",
            "It needs 30 (found: 21 and fewer than 10).",
        ),
    ],
)
def test_a_section_that_has_too_little_says_no_small_number(said, shown):
    assert str(errors.TooLittle(said)) == shown


def test_a_number_beside_its_whole_elsewhere_on_the_page_is_a_part_of_it():
    # 190 of the 195 customers of a segment were followed; of another 300 of 444
    table = {"customers": [190, 300], "at_risk": [160, 250], "retained": [0.84, 0.83]}
    shown = told(table, of={"customers": pd.Series([195, 444])})
    assert shown["customers"] == [">185", 300]
    assert shown["at_risk"] == [None, 250]
    assert shown["retained"] == [0.84, 0.83]


def test_a_need_that_all_but_one_bought_is_no_row_of_few():
    table = {"need": list("abc"), "customers": [199, 40, 3], "sales": [5.0, 6.0, 7.0]}
    shown = told(table, of={"customers": 200})
    assert shown["customers"] == [">190", "withheld", "withheld"]
    assert shown["sales"] == [5.0, None, None]


def test_groups_leave_no_few_customers_over():
    sizes = pd.Series({"first": 120, "second": 60, "third": 18, "fourth": 2})
    # the 2 of the fourth are few: the third is left out with it
    assert suppression.enough_left(sizes, of=200).tolist() == [1, 1, 0, 0]
    assert suppression.enough_left(sizes[:3], of=198).tolist() == [1, 1, 1]
    assert suppression.enough_left(sizes[:1], of=125).tolist() == [0]


def test_what_tells_of_a_withheld_share_goes_with_it():
    # 9 of 54 moved; 24.1% by noise and -7.4% beyond it would tell them
    table = {"customers": [54, 90], "moved": [9 / 54, 0.3], "noise_2": [0.241, 0.2]}
    shown = told(
        table | {"excess": [-0.074, 0.1], "low": [-0.2, 0], "high": [0.1, 0.2]}
    )
    assert shown["moved"] == ["withheld", "withheld"]
    assert shown["excess"] == shown["low"] == shown["high"] == [None, None]
