import datetime

import duckdb
import pytest

from helpers.runs import coverage, run_file

FIRST = datetime.date(2024, 1, 1)
NAMES = ("train_start", "train_end", "holdout_end")
COVERAGE = ("coverage_start", "coverage_end")


@pytest.fixture
def told(monkeypatch):
    """Return what is said of lines on these days (from 2024-01-01: 0) and windows."""

    def said(days, cleaning=("auto", "auto"), features=("auto", "auto", "auto")):
        given = {
            coverage.CLEANING: dict(zip(COVERAGE, cleaning, strict=True)),
            coverage.FEATURES: dict(zip(NAMES, features, strict=True)),
        }
        monkeypatch.setattr(run_file, "parameters", lambda run, book: given[book])
        with duckdb.connect() as con:
            con.execute("create table typed_lines (ordered_at timestamp)")
            con.execute("insert into typed_lines values (null)")
            rows = [[FIRST + datetime.timedelta(days=day)] for day in days]
            if rows:
                con.executemany("insert into typed_lines values (?)", rows)
            return list(coverage.problems(con, run="shop"))

    return said


YEAR = range(366)  # all of 2024


def test_windows_that_fit_the_data_are_not_told(told):
    days = ("2024-01-01", "2024-12-31")
    assert told(YEAR) == []
    assert told(YEAR, days, ("2024-01-01", "2024-09-30", "2024-12-31")) == []
    assert told(YEAR, ("auto", "2024-12-31")) == []


def test_a_window_of_which_the_lines_cover_less_than_half_is_an_error(told):
    # 2022-01-01 to 2025-12-31 are 1,461 days, and 366 of them are those of 2024
    [(table, level, said)] = told(YEAR, ("2022-01-01", "2025-12-31"))
    assert (table, level) == ("lines", "error")
    assert said == (
        "Table lines: the window of `01_cleaning:`, 2022-01-01 to 2025-12-31, goes beyond "
        "the data: its lines run from 2024-01-01 to 2024-12-31, 366 of its 1,461 days, and "
        "the rest would count as days on which nobody ordered. Set the window to the days "
        "of the data."
    )


def test_the_training_and_the_later_window_are_held_to_the_days_each(told):
    windows = ("2022-01-01", "2024-09-30", "2025-12-31")
    found = told(YEAR, features=windows)
    assert [level for _, level, _ in found] == ["error", "error"]
    assert "training window of `02_feature_engineering:`, 2022-01-01" in found[0][2]
    # January to September 2024 are 274 of 1,004 days, October to December 92 of 457
    assert "274 of its 1,004 days" in found[0][2]
    assert "later window of `02_feature_engineering:`, 2024-10-01" in found[1][2]
    assert "92 of its 457 days" in found[1][2]


@pytest.mark.parametrize(
    ("last", "level"),
    [
        ("2025-01-07", None),  # 7 days more: a week is not told
        ("2025-01-08", "warning"),  # 8 of 374 days: above a week and 2 % (7.48)
        ("2026-01-01", "warning"),  # 366 of 732 days: half
        ("2026-01-02", "error"),  # 366 of 733: less than half
    ],
)
def test_an_end_without_lines_is_told_from_a_week_and_a_fiftieth_on(told, last, level):
    found = told(YEAR, ("2024-01-01", last))
    assert [one for _, one, _ in found] == ([level] if level else [])


def test_in_a_long_window_a_fiftieth_may_be_without_lines(told):
    # 1,096 days of 2024 to 2026: a fiftieth is 21.92 days
    assert told(range(1096 - 21), ("2024-01-01", "2026-12-31")) == []
    [(_, level, _)] = told(range(1096 - 22), ("2024-01-01", "2026-12-31"))
    assert level == "warning"


def test_a_window_without_a_line_is_an_error(told):
    [(_, level, said)] = told(YEAR, ("2019-01-01", "2019-12-31"))
    assert level == "error"
    assert said == (
        "Table lines: no line falls in the window of `01_cleaning:`, 2019-01-01 to "
        "2019-12-31; the lines run from 2024-01-01 to 2024-12-31. Choose a window among "
        "these days."
    )


def test_a_date_far_from_all_others_is_told_where_windows_fit_the_data(told):
    # lines of 60 days, and one of 2,000 days later
    found = told([*range(60), 2000])
    # windows are cut from the days between, so that nearly no line is left in either
    assert [level for _, level, _ in found] == ["warning", "error", "error"]
    assert "no line between 2024-02-29 and 2029-06-23" in found[0][2]


def test_few_lines_a_month_are_no_gap(told):
    assert told(range(0, 366, 30), ("2024-01-01", "2024-12-31")) == []


def test_lines_without_a_day_say_nothing(told):
    assert told([]) == []
