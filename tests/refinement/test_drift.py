"""Limits follow the periods themselves, hold their level, and let true drift through."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from helpers.core.errors import BadInput
from helpers.refinement import drift

KEY = ["period", "kind", "statistic", "segment_id", "value", "scale"]
QUARTERS = [f"{2023 + i // 4}Q{i % 4 + 1}" for i in range(13)]
SEASON = {name: name[4:] for name in QUARTERS}


def test_a_year_falls_into_quarters():
    table = drift.periods("2023-01-01", "2023-12-31", frequency="Q")
    assert table["period"].tolist() == ["2023Q1", "2023Q2", "2023Q3", "2023Q4"]
    assert table["season"].tolist() == ["Q1", "Q2", "Q3", "Q4"]
    assert table["days"].tolist() == [90, 91, 92, 92]
    assert table.loc[1, ["first", "last"]].tolist() == ["2023-04-01", "2023-06-30"]


def test_a_short_piece_joins_the_next_period_and_no_day_is_lost():
    table = drift.periods("2017-09-25", "2018-01-10", frequency="Q")
    assert table["period"].tolist() == ["2017Q4"]
    assert table.loc[0, ["first", "last", "days"]].tolist() == [
        "2017-09-25",
        "2018-01-10",
        108,
    ]


def test_a_window_of_days_only_is_one_period():
    table = drift.periods("2017-05-02", "2017-05-09", frequency="M")
    assert table[["period", "season", "days"]].to_numpy().tolist() == [
        ["2017-05", "05", 8]
    ]


def test_weeks_are_named_by_their_number():
    table = drift.periods("2024-01-01", "2024-01-21", frequency="W")
    assert table["period"].tolist() == ["2024-W01", "2024-W02", "2024-W03"]
    assert table["season"].tolist() == ["W01", "W02", "W03"]


def test_days_are_periods_too_and_empty_ones_are_left_out(tmp_path):
    table = drift.periods("2024-01-01", "2024-01-04", frequency="D")
    assert table["period"].iloc[0] == "2024-01-01"
    file = tmp_path / "lines.parquet"
    when = pd.to_datetime(["2024-01-01 23:30", "2024-01-04 00:00"])
    pd.DataFrame({"ordered_at": when}).to_parquet(file)
    held = drift.with_lines(duckdb.connect(), table, lines=str(file))
    assert held["period"].tolist() == ["2024-01-01", "2024-01-04"]


def test_one_training_period_compares_the_later_one_alone():
    tables = {name: pd.DataFrame({"x": range(40), "none": np.nan}) for name in "ab"}
    found = drift.stability_indices(tables, columns=["x", "none"], references=["a"])
    assert found[["period", "statistic"]].to_numpy().tolist() == [["b", "x"]]


def test_a_period_in_which_nobody_is_classified_tells_nothing():
    table = pd.DataFrame({"segment_id": [0, 0], "distance": np.nan})
    assert drift.assignment_statistics({"2023Q1": table}, segments=2).empty
    assert drift.movement_statistics({}).empty


def test_a_window_without_a_day_is_refused():
    with pytest.raises(BadInput, match="has no day"):
        drift.periods("2017-05-02", "2017-05-01", frequency="M")


def test_the_stability_index_is_its_formula():
    # parts of 30.5 and 10.5 of 41, against 20.5 and 20.5 of 41
    p, q = np.array([30.5, 10.5]) / 41, np.array([0.5, 0.5])
    by_hand = ((p - q) * np.log(p / q)).sum()
    found = drift.index_of_counts(np.array([30, 10]), np.array([20, 20]))
    assert found == pytest.approx(by_hand)


def index(values, usual):
    tables = {"now": pd.DataFrame({"x": values}), "usual": pd.DataFrame({"x": usual})}
    found = drift.stability_indices(tables, columns=["x"], references=list(tables))
    return found["value"].iloc[0]


def test_the_same_customers_give_an_index_of_nearly_zero():
    values = np.arange(1000.0)
    assert index(values, values) == 0
    assert index(values + 100, values) > 0.1


def test_ties_share_a_part_and_missing_values_are_left_out():
    usual = np.array([0.0] * 60 + [1.0] * 20 + [np.nan] * 20)
    now = np.array([0.0] * 20 + [1.0] * 60 + [np.nan] * 50)
    p, q = np.array([20.5, 60.5]) / 81, np.array([60.5, 20.5]) / 81
    assert index(now, usual) == pytest.approx(((p - q) * np.log(p / q)).sum())


def test_a_period_is_not_its_own_reference():
    tables = {
        "a": pd.DataFrame({"x": np.arange(100.0)}),
        "b": pd.DataFrame({"x": np.arange(100.0) + 500}),
    }
    found = drift.stability_indices(tables, columns=["x"], references=["a", "b"])
    assert (found["value"] > 3).all()


def test_an_index_of_few_parts_may_spread_more_than_one_of_many():
    # fitted to draws: deviation over mean of the cube root of a chi-square
    rng = np.random.default_rng(1)
    tables = {
        name: pd.DataFrame({"many": rng.random(4000), "two": rng.integers(0, 2, 4000)})
        for name in ("a", "b")
    }
    found = drift.stability_indices(tables, columns=["many", "two"], references="ab")
    spread = found.drop_duplicates("statistic").set_index("statistic")["scale"]
    for name, degrees in (("many", 9), ("two", 1)):
        roots = np.cbrt(rng.chisquare(degrees, 200_000))
        assert spread[name] == pytest.approx(roots.std() / roots.mean(), rel=0.15)


def test_shares_and_fit_are_counted_among_the_classified():
    table = pd.DataFrame(
        {"segment_id": [0, 1, 1, 1, 2, 2], "distance": [np.nan, 1, 2, 3, 4, 6]}
    )
    found = drift.assignment_statistics({"2023Q1": table}, segments=2)
    found = found.set_index(["kind", "segment_id"])
    assert found.loc[("share", 1), "value"] == pytest.approx(0.6)
    assert found.loc[("share", 1), "scale"] == pytest.approx(np.sqrt(0.24 / 5))
    assert found.loc[("fit", 2), "value"] == 5
    assert found.loc[("fit", 1), "scale"] == pytest.approx(1 / np.sqrt(3))


def swinging(values, last):
    """Give two segments whose shares swing in opposite directions."""
    periods = [*QUARTERS[: len(values)], "2026Q1"]
    rows = [
        (period, "share", "share", segment, value if segment == 1 else 1 - value, 1.0)
        for period, value in zip(periods, [*values, last], strict=True)
        for segment in (1, 2)
    ]
    return pd.DataFrame(rows, columns=KEY)


def review(statistics, *, references, reviewed, alpha=0.05, reviews=1):
    season = dict.fromkeys([*references, *reviewed], "Q1")
    return drift.review(
        statistics,
        references=references,
        reviewed=reviewed,
        season=season,
        alpha=alpha,
        reviews=reviews,
    )


def test_the_limit_is_the_prediction_interval_worked_by_hand():
    found = review(
        swinging([0.4, 0.6, 0.4, 0.6], 0.9),
        references=QUARTERS[:4],
        reviewed=["2026Q1"],
    )
    # spread: 8 residuals of 0.1 on 3 degrees; t of 3 degrees at 0.05 / 2 / 2 is 4.1765
    limit = 4.1765 * np.sqrt(0.08 / 3) * np.sqrt(1 + 1 / 4)
    assert found["noise"].to_numpy() == pytest.approx([limit, limit], rel=1e-4)
    assert found["value"].to_numpy() == pytest.approx([0.4, -0.4])
    assert not found["beyond"].any()


def test_a_departure_on_either_side_of_the_limit_is_beyond_it():
    found = review(
        swinging([0.49, 0.51, 0.49, 0.51], 0.8),
        references=QUARTERS[:4],
        reviewed=["2026Q1"],
    )
    assert found["beyond"].tolist() == [True, True]


def test_two_periods_set_no_limit_and_raise_no_alarm():
    found = review(
        swinging([0.5, 0.51], 0.99), references=QUARTERS[:2], reviewed=["2026Q1"]
    )
    assert found["noise"].isna().all() and not found["beyond"].any()
    alarm = drift.alarms(found, names={1: "a", 2: "b"}, most=2)
    assert alarm.to_numpy().tolist() == [["2026Q1", False, ""]]


def test_a_statistic_that_the_first_period_lacks_is_judged_by_the_others():
    table = swinging([0.4, 0.4, 0.6, 0.4, 0.6], 0.9)
    table = table[table["period"] != QUARTERS[0]]
    found = review(table, references=QUARTERS[:5], reviewed=["2026Q1"])
    limit = 4.1765 * np.sqrt(0.08 / 3) * np.sqrt(1 + 1 / 4)
    assert found["noise"].to_numpy() == pytest.approx([limit, limit], rel=1e-4)


def test_more_reviews_widen_the_limits():
    limits = [
        review(
            swinging([0.4, 0.6, 0.4, 0.6], 0.9),
            references=QUARTERS[:4],
            reviewed=["2026Q1"],
            reviews=reviews,
        )["noise"].iloc[0]
        for reviews in (1, 4)
    ]
    assert limits[1] > limits[0] * 1.3


def test_a_season_seen_twice_is_held_to_its_own_past():
    # swings by 0.3 with the season and by nearly nothing else
    season = {"Q1": 0.2, "Q2": 0.5, "Q3": 0.5, "Q4": 0.5}
    values = [season[name[4:]] + 0.002 * (i % 5) for i, name in enumerate(QUARTERS[:8])]
    now = swinging(values, 0.5).replace({"period": {"2026Q1": "2025Q1"}})
    found = drift.review(
        now,
        references=QUARTERS[:8],
        reviewed=["2025Q1"],
        season=SEASON,
        alpha=0.05,
        reviews=1,
    )
    assert found["usual"].iloc[0] == pytest.approx(np.mean([values[0], values[4]]))
    assert found["beyond"].all()


def test_alarms_name_the_farthest_first_and_count_the_rest():
    table = pd.DataFrame(
        {
            "period": "2025Q4",
            "kind": ["share", "share", "stability index"],
            "statistic": ["share", "share", "share_x"],
            "segment_id": [1, 2, 0],
            "value": [-0.05, 0.2, 0.6],
            "noise": [0.04, 0.04, 0.1],
            "beyond": True,
        }
    )
    found = drift.alarms(table, names={1: "Plain", 2: "Fancy"}, most=2)
    assert found["alarm"].tolist() == [True]
    assert found["reason"].iloc[0] == (
        "share_x has index 0.600 (limit 0.100); share of Fancy +0.200 (limit 0.040); 1 more"
    )


def quiet(rng, *, shift=0.0):
    """Draw statistics of 13 periods that differ by chance, the last shifted."""
    rows = []
    for name in QUARTERS:
        base = np.full(5, 0.2)
        if name == QUARTERS[-1]:
            base = base + shift * np.array([-1, 1, 0, 0, 0])
        counts = rng.multinomial(1500, base)
        index = rng.chisquare(9, size=12) / 1500
        for i, count in enumerate(counts, 1):
            share = count / 1500
            rows.append((name, "share", "share", i, share, np.sqrt(share * 0.8 / 1500)))
            rows.append((name, "movement", "moved", i, rng.normal(0, 0.02), 0.02))
        for i, value in enumerate(index):
            rows.append((name, "stability index", f"x{i}", 0, value, 0.16))
    return pd.DataFrame(rows, columns=KEY)


def alarmed(statistics):
    found = drift.review(
        statistics,
        references=QUARTERS[:9],
        reviewed=QUARTERS[9:],
        season=SEASON,
        alpha=0.05,
        reviews=4,
    )
    return drift.alarms(found, names=dict.fromkeys(range(6), "x"), most=1)["alarm"]


def test_a_quiet_year_raises_an_alarm_at_most_as_often_as_stated():
    rng = np.random.default_rng(5)
    false = sum(alarmed(quiet(rng)).any() for _ in range(40))
    # at 5 %, 6 or more of 40 would come about once in seventy tries
    assert false < 6


def test_a_shift_is_found_in_its_period_and_not_before():
    rng = np.random.default_rng(6)
    found = [alarmed(quiet(rng, shift=0.08)) for _ in range(8)]
    assert all(one.iloc[-1] for one in found)
    assert sum(one.iloc[:-1].any() for one in found) <= 1


def test_a_period_that_training_cuts_in_two_has_two_names():
    training = drift.periods("1997-07-01", "1998-02-14", frequency="Q")
    later = drift.periods("1998-02-15", "1998-06-30", frequency="Q")
    found = drift.joined(training, later)
    assert found["period"].tolist() == [
        *("1997Q3", "1997Q4", "1998Q1, first part", "1998Q1, second part", "1998Q2"),
    ]
    assert found["season"].tolist() == ["Q3", "Q4", "Q1", "Q1", "Q2"]
    assert found["last"].tolist()[2] == "1998-02-14"
