"""What is said of features, branch by branch, on tables written out here."""

import numpy as np
import pandas as pd
import pytest

from helpers.display import tables, words
from helpers.features import conclusions


@pytest.fixture(autouse=True)
def in_dollars():
    tables.in_currency("USD")


def test_money_and_visits_are_said_to_lean_only_where_both_do():
    few = [1] * 20 + [50]
    both = pd.DataFrame({"sales": few, "orders": few})
    assert conclusions.spread(both) == "Money and visits lean to the right"
    one = both.assign(orders=range(21))
    assert conclusions.spread(one) == "How customers spread"


def correlations(together, price):
    names = ["orders", "lines", "sales", "discount"]
    table = pd.DataFrame(np.eye(4), names, names)
    table.loc["orders", "sales"] = table.loc["sales", "orders"] = together
    table.loc["discount", "sales"] = table.loc["sales", "discount"] = price
    return table


@pytest.mark.parametrize(
    ("together", "price", "attitudes", "title"),
    [
        (
            0.9,
            0.1,
            ["discount"],
            "Volume is one block; attitudes to price are separate from it",
        ),
        (0.9, -0.6, ["discount"], "Volume is one block"),
        (0.9, 0.1, [], "Volume is one block"),
        (0.4, 0.1, ["discount"], "Which features rise and fall together"),
        (np.nan, 0.1, ["discount"], "Which features rise and fall together"),
    ],
)
def test_volume_is_a_block_where_orders_and_sales_go_together(
    together, price, attitudes, title
):
    table = correlations(together, price)
    assert conclusions.related(table, attitudes=attitudes) == title


# Five who buy much and five who buy little, for 10 and for 2.
TABLE = pd.DataFrame(
    {
        "orders": [9] * 50 + [1] * 50,
        "lines": [90] * 50 + [2] * 50,
        "sales": [10.0] * 50 + [2.0] * 50,
    }
)
MUCH = TABLE["orders"] == 9


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {},
            "50 customers (50%) have at least 3 orders and 10 lines; they hold 83.3% of "
            "sales. The others are a class of their own: too little data.",
        ),
        (
            {"few": 0, "lines": 0, "one_line": True},
            "50 customers (50%) have at least 3 orders; they hold 83.3% of sales. Nobody "
            "is left with too little data. Every order is one line, so lines are not "
            "asked for, whatever the run file says.",
        ),
        (
            {"customers": "Fewer than 10", "share": None, "lines": 0},
            "Fewer than 10 customers have at least 3 orders; they hold 83.3% of sales. "
            "The others are a class of their own: too little data.",
        ),
        (
            {"enough": 0, "sales": float("nan")},
            "No customer has at least 3 orders and 10 lines: nobody's mix of needs can "
            "be read.",
        ),
    ],
)
def test_who_has_enough_data_is_said_by_how_many_there_are(facts, said):
    counts = {"enough": 50, "few": 50, "customers": "50", "share": "50%"}
    limits = {"orders": 3, "lines": 10, "one_line": False, "sales": 10 / 12}
    assert words.say("enough", **counts | limits | facts) == said


@pytest.mark.parametrize(
    ("after", "none", "said"),
    [
        (
            [0.4, 0.2],
            0.5,
            "falls from 1.5 to 0.3. Most skewed afterwards: tea and pets. ",
        ),
        (
            [3.0, 2.0],
            0.1,
            "goes from 1.5 to 2.5. Most skewed afterwards: tea and pets.",
        ),
    ],
)
def test_skewness_falls_or_does_not(after, none, said):
    scores = pd.DataFrame({"need": ["tea", "pets"], "before": [2.0, 1.0]})
    absent = pd.Series({"tea": none, "pets": 0.3})
    found = conclusions.skewness(scores.assign(after=after), absent=absent)
    assert said in found
    assert ("Many customers have none of these" in found) == (none > 0.2)


def ready(**verdicts):
    parts = {"value": True, "activity": True, "needs segments": True} | verdicts
    return pd.DataFrame({"part": list(parts), "ready": list(parts.values())})


DAYS = ("2024-01-01", "2024-09-30")


def compared(enough=MUCH, limits=(3, 10), **change):
    facts = {"features": 7, "needs": True, "ready": ready(), "days": DAYS} | change
    return conclusions.compare(TABLE, enough=enough, limits=limits, **facts)


def test_those_with_enough_data_are_compared_and_the_others_are_a_class():
    found = compared()
    assert found["decision"] == (
        "Compare 50 customers by what they buy; leave 50 with too little data in a class "
        "of their own."
    )
    assert found["size"] == (
        "Those compared hold 83.3% of sales from 2024-01-01 to 2024-09-30."
    )
    assert found["uncertainty"] == (
        "Enough is at least 3 orders and 10 lines. Limits of 6 and 20 would keep 50% of "
        "customers instead of 50%."
    )
    assert "(median 1 orders)" in found["action"]
    assert "by how they buy;" in compared(needs=False)["decision"]


def test_where_all_have_enough_data_nobody_is_left_out():
    found = compared(enough=MUCH | True, limits=(1, 0))
    assert found["decision"] == (
        "Compare all 100 customers by what they buy: each has enough data."
    )
    assert "Limits of 2 orders would keep 50%" in found["uncertainty"]
    assert found["action"].startswith("Nobody has to be left out")


def test_where_segments_are_not_asked_for_what_is_left_is_named():
    lacking = ready(**{"needs segments": False}, activity=False)
    found = compared(ready=lacking, features=1)
    assert found["decision"] == (
        "Look for no needs segments: 50 of 100 customers have enough data, and 1 feature "
        "distinguishes them."
    )
    assert found["action"] == "Read value: no needs are asked for there."
    nothing = ready(**{"needs segments": False}, value=False, activity=False)
    assert compared(ready=nothing)["action"].startswith("Read totals:")


def kept_apart(table=TABLE, related=None, **change):
    related = correlations(0.9, 0.2) if related is None else related
    facts = {"needs": True, "deals": True, "ready": ready()} | change
    names = facts.pop("names", {"discount": "discount depth"})
    return conclusions.apart(table, related=related, names=names, **facts)


def test_volume_is_kept_apart_from_needs_and_deals():
    found = kept_apart()
    assert found["decision"] == "Keep volume, needs and deal proneness apart."
    assert found["size"] == (
        "Orders and sales have a rank correlation of 0.90. Of the features that build "
        "segments, discount depth is closest to sales, with 0.20."
    )
    assert found["action"] == (
        "Read value from rules, needs from clusters, deals from an index."
    )


def test_what_a_run_lacks_is_not_spoken_of():
    found = kept_apart(
        related=correlations(np.nan, np.nan),
        needs=False,
        deals=False,
        ready=ready(**{"needs segments": False}),
    )
    assert found["decision"] == "Keep volume and the way of ordering apart."
    assert found["size"] == "Orders are the same for all."
    assert found["action"] == "Read value from rules."
    assert kept_apart(names={})["size"].endswith("0.90.")


def test_of_equal_sales_nothing_is_expected():
    found = kept_apart(table=TABLE.assign(sales=5.0))
    assert found["decision"] == "Expect nothing of volume: it is the same for all."
    assert found["size"] == "Each of 100 customers has sales of $5.00."
