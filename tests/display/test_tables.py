"""Tables: what is read aloud, aligned, hidden, and kept the same as plain text."""

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, strategies as st

from helpers.disclosure import suppression
from helpers.display import tables

DASH = "\N{EN DASH}"  # a value that is missing or hidden
SEGMENTS = pd.DataFrame(
    {"customers": [1200, 300], "share": [0.8, 0.2], "found": [0.951, np.nan]},
    index=pd.Index(["family shop", "fresh & <b>fast</b>"], name="segment"),
)


def soup(table):
    return BeautifulSoup(table._repr_html_(), "html.parser")


def cells(table):
    rows = soup(table).select("tr")
    return [[cell.get_text() for cell in row(["th", "td"])] for row in rows]


def test_a_table_says_its_caption_and_the_scope_of_every_heading():
    page = soup(tables.show(SEGMENTS, caption="Sizes"))
    assert page.caption.get_text() == "Sizes"
    assert page.div["aria-label"] == "Sizes" and page.div["tabindex"] == "0"
    assert [th["scope"] for th in page.select("thead th")] == ["col"] * 4
    assert [th["scope"] for th in page.select("tbody th")] == ["row"] * 2
    assert all(th.get_text() for th in page("th"))


def test_an_index_without_a_name_makes_no_empty_heading():
    page = soup(tables.show(SEGMENTS.rename_axis(None), caption="Sizes"))
    assert page.thead.tr.contents[0].name == "td"
    assert all(th.get_text() for th in page("th"))


def test_numbers_are_formatted_alike_on_the_page_and_as_text():
    table = tables.show(
        SEGMENTS,
        caption="Sizes",
        labels={"share": "Share, %"},
        formats={"share": "{:.0%}", "found": lambda value: f"{value:.1f}"},
        note="Of 1,500.",
    )
    assert cells(table) == [
        ["Segment", "Customers", "Share, %", "Found"],
        ["family shop", "1,200", "80%", "1.0"],
        ["fresh & <b>fast</b>", "300", "20%", DASH],
    ]
    assert [line.split() for line in repr(table).splitlines()] == [
        ["Sizes"],
        ["Segment", "Customers", "Share,", "%", "Found"],
        ["family", "shop", "1,200", "80%", "1.0"],
        ["fresh", "&", "<b>fast</b>", "300", "20%", DASH],
        ["Of", "1,500."],
    ]


def test_numbers_stand_to_the_right_and_words_to_the_left():
    row = soup(tables.show(SEGMENTS, caption="Sizes")).tbody.tr
    assert [cell["class"] for cell in row(["th", "td"])] == [["t"], *[["n"]] * 3]


@pytest.fixture
def in_euros(monkeypatch):
    monkeypatch.setattr(tables, "_sign", "")
    assert tables.in_currency("EUR") == "€"


def test_headings_and_formats_are_found_by_the_name_of_a_column(in_euros):
    row = {
        "segment_id": 1,
        "share_sales": 0.5,
        "sales_cents": 123456,
        "holdout_sales": 7,
    }
    assert cells(tables.show(pd.DataFrame([row]), caption="Found")) == [
        ["Segment", "Share of sales", "Sales, €", "Later sales each, €"],
        ["1", "50.0%", "1,234.56", "7"],
    ]


def test_names_are_written_as_words_where_the_dictionary_says_so():
    needs = pd.DataFrame({"need_state": ["pet_care", "tea"], "orders": [1, 2]})
    shown = tables.show(needs, caption="Needs")
    assert shown.heads[0] == "Need"
    assert shown.columns[0].texts == ["pet care", "tea"]


def test_a_heading_of_money_has_no_sign_before_the_currency_is_told(monkeypatch):
    monkeypatch.setattr(tables, "_sign", "")
    frame = pd.DataFrame({"cost": [1.0]})
    assert cells(tables.show(frame, caption="Cost"))[0] == ["Cost"]


def test_the_ends_of_an_interval_are_written_as_their_estimate():
    row = {"rate": 0.5, "p": 0.01, "low": 0.4, "high": 0.6, "auc_low": 0.1, "auc": 0.2}
    assert cells(tables.show(pd.DataFrame([row]), caption="Ends")) == [
        ["Its orders", "p", "95% from", "to", "95% from", "AUC"],
        ["50.0%", "0.01", "0.40", "0.60", "0.100", "0.200"],
    ]
    own = tables.show(
        pd.DataFrame([row]).drop(columns="p"),
        caption="Ends",
        labels={"low": "Least"},
        formats={"rate": "{:.0%}", "high": "{:.2%}"},
    )
    assert cells(own)[0][1:3] == ["Least", "to"]
    assert cells(own)[1][:3] == ["50%", "40%", "60.00%"]


def test_segments_are_named_whether_names_are_kept_by_number_or_by_text():
    frame = pd.DataFrame({"segment_id": [1, 2], "other_id": [2, 1]})
    named = tables.show(frame, caption="Next", names={1: "Family", "2": "Fresh"})
    assert cells(named)[1:] == [["Family", "Fresh"], ["Fresh", "Family"]]
    assert soup(named).tbody.th["class"] == ["t"]


def test_an_index_of_mere_row_numbers_is_left_out_and_can_be_asked_for():
    frame = SEGMENTS.reset_index()
    assert cells(tables.show(frame, caption="Sizes"))[0][0] == "Segment"
    assert cells(tables.show(frame, caption="Sizes", index=True))[0][0] == ""


@pytest.mark.parametrize(("p", "text"), [(0.0421, "0.042"), (0.0004, "<0.001")])
def test_a_p_value_is_never_written_as_0(p, text):
    assert tables.p_value(p) == text


def test_markup_in_data_headings_captions_and_notes_is_shown_and_not_obeyed():
    bad = "<script>alert(1)</script>"
    frame = pd.DataFrame({bad: [bad]})
    page = soup(tables.show(frame, caption=bad, note=bad, index=False))
    assert not page.find("script")
    assert page.get_text().count(bad) == 4


def test_without_the_index_the_first_column_heads_its_row():
    table = tables.show(SEGMENTS.reset_index(), caption="Sizes", index=False)
    assert [th.get_text() for th in soup(table).select("tbody th")] == [*SEGMENTS.index]


def test_both_levels_of_an_index_head_the_row():
    frame = pd.DataFrame(
        {"n": [1]}, index=pd.MultiIndex.from_tuples([("a", 2)], names=["tier", "k"])
    )
    page = soup(tables.show(frame, caption="Two levels", formats={"k": "k = {}"}))
    assert [th.get_text() for th in page.select("tbody th")] == ["a", "k = 2"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.0004, "0.00"),
        (-1.5, "\N{MINUS SIGN}1.50"),
        (1234567, "1,234,567"),
        (True, "yes"),
        (pd.Timestamp("2017-09-30"), "2017-09-30"),
        (None, DASH),
    ],
)
def test_a_value_is_written_as_readers_write_it(value, text):
    frame = pd.DataFrame({"x": pd.Series([value], dtype=object)})
    assert cells(tables.show(frame, caption="One", index=False))[1] == [text]


def test_bars_are_as_long_as_their_share_of_the_largest():
    frame = pd.DataFrame({"people": [0.5, 0.2], "money": [0.1, 0.4]})
    alone = tables.show(frame, caption="Bars", bars=["people", "money"])
    assert bar_widths(alone) == ["100.0", "25.0", "40.0", "100.0"]
    shared = tables.show(frame, caption="Bars", bars=[("people", "money")])
    assert bar_widths(shared) == ["100.0", "20.0", "40.0", "80.0"]


def bar_widths(table):
    styles = [bar["style"] for bar in soup(table).select(".bar")]
    return [style.split("width:")[1].split("%")[0] for style in styles]


@pytest.mark.parametrize("argument", ["labels", "formats", "bars"])
def test_a_misspelt_column_is_refused_by_name(argument):
    given_name = ["shares"] if argument == "bars" else {"shares": "{:.0%}"}
    with pytest.raises(KeyError, match="no column 'shares' in the table; it has"):
        tables.show(SEGMENTS, caption="Sizes", **{argument: given_name})


def test_small_groups_lose_their_count_and_their_money():
    groups = pd.DataFrame({"customers": [9, 10, 4], "sales": [5.0, 7.0, 8.0]})
    shown = suppression.suppress(groups, counts="customers", columns=["sales"])
    assert shown["customers"].tolist() == ["<10", 10, "<10"]
    assert shown["sales"].isna().tolist() == [True, False, True]
    assert groups["sales"].tolist() == [5.0, 7.0, 8.0]
    table = tables.show(shown, caption="Groups", formats={"customers": "{:.0f}"})
    assert cells(table)[1:] == [["<10", DASH], ["10", "7"], ["<10", DASH]]
    assert soup(table).tbody.td["class"] == ["n"]


@pytest.mark.parametrize(
    ("customers", "hidden"),
    [
        # alone: the total would give it away, so the next smallest goes with it
        ([9, 40, 30, 50], [True, False, True, False]),
        # together fewer than ten: the same
        ([2, 3, 30, 50], [True, True, True, False]),
        ([2, None, 30, 50], [True, True, True, False]),
        # nobody: nothing to give away, and no number to take from the total
        ([0, 0, 30, 50], [True, True, False, False]),
        ([20, 40], [False, False]),
        ([3, 40], [True, True]),
        ([3], [True]),
    ],
)
def test_hidden_groups_cannot_be_taken_from_the_total(customers, hidden):
    groups = pd.DataFrame({"customers": customers, "sales": 1.0})
    shown = suppression.suppress(groups, counts="customers", columns=["sales"])
    assert shown["sales"].isna().tolist() == hidden
    company = sum(hidden) > sum(not n or n < 10 for n in customers)
    words = set(shown["customers"][hidden])
    assert words <= ({"withheld"} if company else {"<10"})


def test_a_single_small_cell_takes_the_smallest_three_that_close_the_way_back():
    counts = pd.DataFrame([[5, 20, 30], [40, 50, 60], [70, 80, 90]])
    hidden = [[True, True, False], [True, True, False], [False, False, False]]
    assert suppression.withheld(counts).to_numpy().tolist() == hidden
    assert set(suppression.withhold(counts).to_numpy()[hidden]) == {"withheld"}


def test_two_small_cells_of_a_row_that_hold_fewer_than_ten_take_a_third():
    counts = pd.DataFrame([[2, 3, 30], [4, 5, 60], [70, 80, 90]])
    hidden = [[True, True, True], [True, True, True], [True, True, False]]
    assert suppression.withheld(counts).to_numpy().tolist() == hidden


def test_small_cells_that_shield_each_other_keep_their_own_word():
    counts = pd.DataFrame([[8, 9, 30], [9, 8, 60], [70, 80, 90]])
    shown = suppression.withhold(counts).to_numpy().tolist()
    assert shown == [["<10", "<10", 30], ["<10", "<10", 60], [70, 80, 90]]


def test_nothing_is_withheld_where_no_cell_is_small():
    counts = pd.DataFrame([[10, 20], [30, 40]])
    assert not suppression.withheld(counts).any(axis=None)


grids = st.tuples(st.integers(2, 6), st.integers(2, 6)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(0, 60), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)


@given(grids)
def test_no_hidden_cell_can_be_worked_out_from_totals(counts):
    hidden = suppression.withheld(pd.DataFrame(counts)).to_numpy()
    assert hidden[np.array(counts) < 10].all()
    cells_hidden = {tuple(cell) for cell in np.argwhere(hidden)}
    # a cell is safe when its row and column stay joined by other hidden cells:
    # then some can go up while others go down and every total stays as it is
    for row, column in cells_hidden:
        assert joined(cells_hidden - {(row, column)}, row, column)
    sizes = np.array(counts)
    for lines, dark in ((sizes, hidden), (sizes.T, hidden.T)):
        for line, inside in zip(lines, dark, strict=True):
            assert inside.all() or not 0 < line[inside].sum() < 10


def joined(cells_hidden, row, column):
    rows, columns, grown = {row}, set(), True
    while grown:
        before = len(rows) + len(columns)
        columns |= {c for r, c in cells_hidden if r in rows}
        rows |= {r for r, c in cells_hidden if c in columns}
        grown = len(rows) + len(columns) > before
    return column in columns


def test_a_cross_table_says_why_cells_are_away():
    cells = pd.DataFrame({"x": [suppression.WITHHELD, 12]}, dtype=object)
    assert suppression.privacy(cells).startswith("Cells of fewer than 10 customers")
    assert suppression.privacy(cells.head(1)).startswith("Not shown (privacy)")
    assert suppression.privacy(cells.tail(1)) == ""


def test_a_table_without_rows_says_none():
    empty = tables.show(pd.DataFrame({"x": [], "y": []}), caption="Of nothing")
    assert repr(empty) == "Of nothing\nnone"
    assert '<td colspan="2" class="t">none</td>' in empty._repr_html_()
