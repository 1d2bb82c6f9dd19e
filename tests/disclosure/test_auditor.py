import base64
import json

import numpy as np
import pytest

from helpers.disclosure import auditor
from helpers.disclosure.suppression import MIN_CELL
from helpers.display.tables import MISSING


def table(caption, heads, *rows, labels=1):
    def row(cells):
        named = [f"<th>{x}</th>" for x in cells[:labels]]
        return "".join([*named, *(f"<td>{x}</td>" for x in cells[labels:])])

    head = "".join(f"<th>{x}</th>" for x in heads)
    body = "".join(f"<tr>{row(list(map(str, cells)))}</tr>" for cells in rows)
    caption = f"<caption><span>{caption}</span></caption>"
    return f"<table>{caption}<tr>{head}</tr>{body}</table>"


def found(*parts, name="05.html"):
    return [(leak.cell, leak.how) for leak in auditor.audit({name: "".join(parts)})]


SIZES = table("Sizes", ["Segment", "Customers"], ["A", 60], ["B", 40], ["All", 100])


@pytest.mark.parametrize(
    ("page", "cell", "how"),
    [
        (
            table("Sizes", ["Segment", "Customers"], ["A", 60], ["B", 7]),
            "B / Customers",
            "7",
        ),
        # 100 less 60 and 34 are 6
        (
            table(
                *("Sizes", ["Segment", "Customers"]),
                *(["A", 60], ["B", 34], ["C", "withheld"], ["All", 100]),
            ),
            *("C / Customers", "sums leave 6"),
        ),
        # withheld, though not small: 100 less 60 are 40
        (
            table(
                *("Sizes", ["Segment", "Customers"]),
                *(["A", 60], ["B", "withheld"], ["All", 100]),
            ),
            *("B / Customers", "sums leave 40"),
        ),
        # 8.0 to 8.8 of 84 are at least 9.5 % and below 10.5 %
        (
            table("Lapsed", ["Segment", "Customers", "Lapsed"], ["A", 84, "10%"]),
            *("A / Lapsed", "8 of 84"),
        ),
        (
            table("Stayed", ["Segment", "Customers", "Stayed"], ["A", 84, "95%"]),
            *("A / Stayed", "all but 4 of 84"),
        ),
        (
            table("Stayed", ["Segment", "Customers", "Still followed"], ["A", 71, 69]),
            *("A / Still followed", "sums leave 2 others of a"),
        ),
        (
            SIZES + table("Known", ["Segment", "Customers"], ["A", 60], ["B", 37]),
            *("B / Customers", "37 of 40 in 'Sizes'"),
        ),
        # a group that one table names and the other leaves out
        (
            table(
                "Tiers", ["Tier", "Customers"], ["high", 52], ["low", 43], ["All", 100]
            ),
            *("low / Customers", "sums leave 5 others of all"),
        ),
        (
            table(
                *("Limits", ["Orders at least", "Customers"]),
                *([1, 200], [5, 120], [6, 113]),
            ),
            *("6 / Customers", "7 away from the rows above"),
        ),
        (
            table("Contracts", ["Segment", "Customers", "Contracts"], ["A", 135, 136]),
            *("A / Contracts", "1 more than their customers"),
        ),
        (
            "<p>All 2,444 customers are read.</p>"
            + table("Features", ["Feature", "Missing"], ["orders", "0.1%"]),
            *("orders / Missing", "2 to 3 of 2,444"),
        ),
        (
            "<p>All 200 customers. Of them 197 customers came.</p>",
            "'197 customers'",
            "all but 3",
        ),
        (
            "<p>98 of 100 customers agree.</p>",
            "'98 of 100 customers'",
            "all but 2 of 100",
        ),
        (
            "<li>2% of the 200 customers left.</li>",
            "'2% of the 200 customers'",
            "3 to 5 of 200",
        ),
        ("<p>The largest customer holds 13.5% of sales.</p>", "13.5%", "one customer"),
        (
            '<img src="data:image/png;base64,xx" alt="Bars; B holds 4 customers.">',
            "'4 customers'",
            "4 of 4",
        ),
    ],
)
def test_a_planted_leak_is_found_and_named(page, cell, how):
    ((said, follows),) = found(page)
    assert cell in said
    assert how in follows


def test_tables_are_solved_together():
    # what nobody would see in one of them: 60 of A are 25 high, 16 low and so 19 middle,
    # so 26 who are middle hold 7 of B
    tiers = table(
        "Tiers", ["Tier", "Customers"], ["high", 46], ["middle", 26], ["low", 28]
    )
    heads = ["Segment", "high value", "middle value", "low value"]
    rows = ["A", 25, "withheld", 16], ["B", 21, "withheld", 12]
    crossed = table("Customers by segment and value tier", heads, *rows)
    assert dict(found(SIZES, tiers, crossed)) == {
        "A / middle value": "sums leave 19",
        "B / middle value": "sums leave 7",
    }
    assert found(crossed) == []
    # hidden in two columns, each can hold none
    rows = ["A", 25, "withheld", "withheld"], ["B", 21, "withheld", "withheld"]
    crossed = table("Customers by segment and value tier", heads, *rows)
    assert found(SIZES, tiers, crossed) == []


def test_a_share_in_one_table_fills_a_gap_in_another():
    # 33.1 % of 308 are 102 who moved; 34 and 60 went to two segments, 8 to the third
    share = table(
        *("Movement", ["Segment before", "Customers", "Moved"]),
        *(
            ["A", 308, "33.1%"],
            ["B", 400, "20.0%"],
            ["C", 300, "30.0%"],
            ["D", 90, "50.0%"],
        ),
    )
    paths = table(
        *("Customers who moved into the last period", ["From", "A", "B", "C", "D"]),
        *(["A", MISSING, 34, 60, "withheld"], ["B", 30, MISSING, 25, 25]),
        *(["C", 40, 20, MISSING, 30], ["D", 15, "withheld", "withheld", MISSING]),
    )
    assert dict(found(share, paths)) == {"A / D": "sums leave 8"}


def test_where_customers_came_from_is_not_where_they_are():
    # 37 who were in B a period ago are no part of the 40 who are in it
    heads, rows = ["Segment", "Customers"], (["A", 50], ["B", 37])
    assert found(SIZES, table("Known", heads, *rows)) == [
        ("B / Customers", "37 of 40 in 'Sizes'")
    ]
    assert not found(SIZES, table("Movement", ["Segment before", "Customers"], *rows))


@pytest.mark.parametrize("told", [(50, 42), (92, 0)])
def test_columns_that_share_out_a_row_give_its_last_cell_away(told):
    heads = ["Segment", "Customers", "New", "Active", "Lapsed"]
    others = ["B", 100, 50, 30, 20], ["C", 90, 40, 30, 20]
    page = table("Stages", heads, ["A", 100, *told, "<10"], *others)
    assert found(page) == [("A / Lapsed", "sums leave 8")]
    # where they add up to nothing, a customer may be in two of them
    loose = table("Stages", heads, ["A", 100, *told, "<10"], ["B", 100, 90, 30, 20])
    assert not any("Lapsed" in cell for cell, _ in found(loose))


def test_hidden_cells_follow_exactly_when_all_other_whole_numbers_agree():
    # by trying every way to fill two rows and columns of hidden cells
    rng = np.random.default_rng(3)
    seen = {True: 0, False: 0}
    for _ in range(24):
        true = rng.integers(0, 14, (3, 3))
        hidden = np.zeros((3, 3), bool)
        hidden[np.ix_(rng.permutation(3)[:2], rng.permutation(3)[:2])] = True
        hidden |= (rng.random((3, 3)) < 0.2) & ~hidden.any(axis=1, keepdims=True)
        true[~hidden] += 20
        ways = _ways(true, hidden)
        low, high = ways.min(axis=0), ways.max(axis=0)
        small = (low > 0) & (high < MIN_CELL)
        given = hidden & (small | ((low == high) & (low > 0)))
        text = np.where(hidden, "withheld", true.astype(str))
        page = [
            table(
                "One",
                ["Segment", "Customers"],
                *zip("ABC", true.sum(axis=1), strict=True),
            ),
            table(
                "Two", ["Tier", "Customers"], *zip("XYZ", true.sum(axis=0), strict=True)
            ),
            table(
                *("Customers by segment and tier", ["Segment", *"XYZ"]),
                *([name, *row] for name, row in zip("ABC", text, strict=True)),
            ),
        ]
        told = {cell for cell, _ in found(*page) if len(cell) == 5}
        assert told == {f"{'ABC'[i]} / {'XYZ'[j]}" for i, j in np.argwhere(given)}
        seen[given.any()] += 1
    assert min(seen.values()) > 4


def _ways(true, hidden):
    """Give every table of whole numbers with the same shown cells and sums."""
    ways = [np.where(hidden, 0, true)]
    for i, j in np.argwhere(hidden):
        filled = []
        last = not hidden[i, j + 1 :].any()
        for way in ways:
            left = true[i].sum() - way[i].sum()
            most = min(left, true[:, j].sum() - way[:, j].sum())
            for value in range(left if last else 0, most + 1):
                filled.append(way.copy())
                filled[-1][i, j] = value
        ways = filled
    return np.array([w for w in ways if (w.sum(axis=0) == true.sum(axis=0)).all()])


def test_a_page_that_keeps_its_word_passes():
    page = [
        "<p>All 240 customers with 9,312 lines; groups of fewer than 10 customers are",
        " withheld, and at least 5 customers are asked. 5 of 5 segments, 3 weeks.</p>",
        "<p>The largest customer holds less than 5% of sales, 1% to 5% in each group.</p>",
        "<p>In 2024Q4, of 240 customers, 60 came.</p>",
        "<p>48% of 240 customers came again (95% interval 42% to 54%).</p>",
        '<img src="data:image/png;base64,xx" alt="Bars of 3 segments over 8 weeks.">',
        table("Orders", ["Need", "Lines", "Orders", "Products"], ["A", 7, 3, 2]),
        # a customer comes for several needs, in several periods: 130 and 105 tell nothing
        table("Needs", ["Need", "Customers"], ["A", 130], ["B", 105]),
        table("Periods", ["Period", "Customers"], ["2024Q1", 130], ["2024Q2", 105]),
        table(
            *("Sizes", ["Segment", "Customers", "Share of customers", "Sales, $", "k"]),
            *(
                ["A", 120, "50.0%", 7, 5],
                ["B", 108, "45.0%", 9, 5],
                ["C", 12, "5.0%", 4, 5],
            ),
        ),
        table(
            *("Customers by segment and tier", ["Segment", "high", "low"]),
            *(
                ["A", 60, 60],
                ["B", "withheld", "withheld"],
                ["C", "withheld", "withheld"],
            ),
        ),
        table(
            "Tiers",
            ["Tier", "Customers", "95% from"],
            ["high", 118, "3%"],
            ["low", 122, "4%"],
        ),
        table(
            *("Campaigns by kind", ["Kind", "Arm", "Campaigns", "Customers"]),
            *(["A", "treated", 4, 100], ["B", "treated", 6, 90]),
        ),
        table(
            "Known",
            ["Segment", "Customers", "Coverage"],
            ["A", 120, "50%"],
            ["B", 108, ">90%"],
        ),
        table(
            "The number of segments each rule takes", ["Rule", "Customers"], ["gap", 2]
        ),
    ]
    assert found(*page) == []


def test_files_and_figures_are_read_as_pages_are():
    drawn = b"<svg><text>A: 3 customers</text></svg>"
    image = f'<img src="data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}" alt="Bars">'
    assert found(image) == [("'3 customers'", "3 of 3")]
    assert found("segment,customers\nA,60\nB,4\n", name="a.csv") == [
        ("B / customers", "4")
    ]
    told = json.dumps(
        [{"segment": "A", "customers": 60}, {"segment": "B", "customers": 4}]
    )
    assert found(told, name="a.json") == [("B / customers", "4")]
    assert found('{"note": "Of them 4 customers came."}', name="b.json") == [
        ("'4 customers'", "4 of 4")
    ]
    assert found("<table><tr></tr><tr></tr></table>", "<table></table>") == []


@pytest.mark.parametrize(
    ("tables", "leak"),
    [
        ({"": [[100]], "0": [[60, 40]], "0,1": [[30, 30, 25, 15]]}, None),
        # a third level of 5 customers is not shown
        ({"": [[100]], "0": [[60, 35]]}, "low"),
        (
            {"": [[100]], "0": [[60, 40]], "1": [[55, 45]], "0,1": [[30, 30, 25, 8]]},
            "low / b",
        ),
        # 40 are low, 33 of them a: 7 are b
        (
            {"": [[100]], "0": [[60, 40]], "1": [[50, 50]], "0,1": [[0, 0, 33, 0]]},
            "low / b",
        ),
    ],
)
def test_groups_of_the_dashboard_are_attacked(tables, leak):
    data = {
        "dimensions": [
            {"label": "Tier", "levels": ["high", "low"], "attribute": False},
            {"label": "Home", "levels": ["a", "b"], "attribute": False},
        ],
        "tables": tables,
    }
    page = f'<script type="application/json" id="data">{json.dumps(data)}</script>'
    leaks = found(page, name="index.html")
    assert {cell for cell, _ in leaks} == ({f"{leak} / Customers"} if leak else set())
