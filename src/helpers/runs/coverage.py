"""Hold the windows of a run file to the days that its lines cover."""

import datetime
import itertools
from collections.abc import Iterator

import duckdb

from helpers.core import paths
from helpers.runs import horizons, run_file

BOOKS = CLEANING, FEATURES = ("01_cleaning", "02_feature_engineering")
# An end of a window without lines is told beyond so many days, this part of the window,
# and twice the usual days from one day with lines to the next.
DAYS, PART = 7, 0.02
LEAST = 0.5  # part of a window that the lines must cover
GAP = 28  # days without lines in the middle of a window that are never told
Window = tuple[str, datetime.date, datetime.date]  # in words, first and last day


def problems(
    con: duckdb.DuckDBPyConnection, *, run: str
) -> Iterator[tuple[str, str, str]]:
    """Compare the windows of a run with the days of table typed_lines.

    Yields table, level, said: an error where a window holds no line or its lines cover
    less than half of it, a warning where an end or most of its middle is without lines.
    The run file must be sound.
    """
    days = [
        day
        for (day,) in con.execute(
            """select distinct ordered_at::date from typed_lines
            where ordered_at is not null order by 1"""
        ).fetchall()
    ]
    # A study of other notebooks has no windows that are known here.
    if not days or not {book.stem for book in paths.notebooks()}.issuperset(BOOKS):
        return
    for name, start, end in _windows(run, str(days[0]), str(days[-1])):
        level, said = _judge(days, start, end)
        if level:
            yield (
                "lines",
                level,
                f"Table lines: {said.format(f'{name}, {start} to {end}')}",
            )


def _judge(
    days: list[datetime.date], start: datetime.date, end: datetime.date
) -> tuple[str, str]:
    """Say how bad it is ("" if it is not) that days of a window are without lines."""
    inside = [day for day in days if start <= day <= end]
    if not inside:
        return "error", (
            f"no line falls in {{}}; the lines run from {days[0]} to {days[-1]}. Choose a "
            "window among these days."
        )
    length = (end - start).days + 1
    first, last = inside[0], inside[-1]
    covered = (last - first).days + 1
    empty_ends = max((first - start).days, (end - last).days)
    # A window among the days of the data may begin or end with a quiet time.
    if days[0] <= start and end <= days[-1] and covered >= LEAST * length:
        empty_ends = 0
    usual = ((days[-1] - days[0]).days + 1) / len(days)  # from one day to the next
    if empty_ends > max(DAYS, PART * length, 2 * usual):
        return "error" if covered < LEAST * length else "warning", (
            f"{{}}, goes beyond the data: its lines run from {first} to {last}, "
            f"{covered:,} of its {length:,} days, and the rest would count as days on "
            "which nobody ordered. Set the window to the days of the data."
        )
    pairs = list(itertools.pairwise(inside))
    before, after = max(
        pairs, key=lambda pair: pair[1] - pair[0], default=(first, first)
    )
    if (after - before).days > max(GAP, LEAST * length):
        return "warning", (
            f"{{}}, holds no line between {before} and {after}, most of its {length:,} "
            "days. Is one of these dates a slip, or an export missing?"
        )
    return "", ""


def _windows(run: str, first: str, last: str) -> Iterator[Window]:
    """Name the windows of notebooks 1 and 2 that have a day, "auto" as they will take it."""
    given = run_file.parameters(run, CLEANING)
    span = [
        str(horizons.fitted(given[name], own))
        for name, own in (("coverage_start", first), ("coverage_end", last))
    ]
    given = run_file.parameters(run, FEATURES)
    days = (given["train_start"], given["train_end"], given["holdout_end"])
    start, split, end = horizons.windows(first, last, given=days)
    after = str(_day(split) + datetime.timedelta(days=1))
    for name, begins, ends in (
        (f"the window of `{CLEANING}:`", *span),
        (f"the training window of `{FEATURES}:`", start, split),
        (f"the later window of `{FEATURES}:`", after, end),
    ):
        if begins <= ends:
            yield name, _day(begins), _day(ends)


def _day(day: str) -> datetime.date:
    return datetime.date.fromisoformat(day)
