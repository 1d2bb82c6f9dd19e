"""Movement is told from noise by the same customers, cut in two other ways."""

from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest

from helpers.clustering import model as clustering_model
from helpers.features import dictionary, staging
from helpers.features.preparation import Preparation
from helpers.refinement import conclusions, migration

WEEKS = ("before", "after", "odd 1", "even 1")


def toy_model():
    """Two needs; segment 1 buys the first, segment 2 the second."""
    preparation = Preparation(
        columns=["share_a", "share_b"],
        weights=["sales", "sales"],
        priors=[0.0, 0.0],
        population=[0.5, 0.5],
        lower=[0.0, 0.0],
        upper=[1.0, 1.0],
        mean=[0.0, 0.0],
        divisor=[1.0, 1.0],
    )
    return clustering_model.Model(
        run="toy",
        first="2023-01-01",
        last="2023-04-10",  # 100 days
        min_orders=10,
        min_lines=25,
        preparation=preparation,
        centres=[[1.0, 0.0], [0.0, 1.0]],
        value_cuts={"low": 0.0},
        activity_cuts={"active": 2.0},
        min_gap_days=7.0,
        deal_parts={},
        deal_cuts={},
        borderline=0.9,
        names={},
    )


def test_a_shorter_window_asks_for_its_part_of_orders_and_lines():
    found = migration.shortened(toy_model(), days=30)
    assert (found.min_orders, found.min_lines) == (3, 8)
    assert found.centres == toy_model().centres


def test_distances_hold_customers_with_enough_data_only():
    features = pd.DataFrame(
        {
            "customer_id": ["x", "y", "z"],
            "orders": [10, 9, 10],
            "lines": [25, 25, 25],
            "sales": [1.0, 1.0, 1.0],
            "share_a": [1.0, 1.0, 0.0],
            "share_b": [0.0, 0.0, 1.0],
        }
    )
    found = migration.distances(toy_model(), features)
    assert found.index.tolist() == ["x", "z"]
    assert found.to_numpy() == pytest.approx(np.sqrt([[0, 2], [2, 0]]), abs=1e-9)
    assert migration.nearest(found).tolist() == [1, 2]


def test_only_customers_in_all_tables_are_kept_in_one_order():
    one = pd.DataFrame({"v": [1, 2, 3]}, index=["c", "a", "b"])
    two = pd.DataFrame({"v": [4, 5]}, index=["b", "c"])
    found = migration.together(one, two)
    assert [table.index.tolist() for table in found] == [["b", "c"]] * 2
    assert found[1]["v"].tolist() == [4, 5]


def test_customers_of_different_windows_are_none():
    one = pd.DataFrame({"v": [1]}, index=["a"])
    assert [len(t) for t in migration.together(one, one.set_axis(["b"]))] == [0, 0]


def tiered_model():
    return replace(toy_model(), value_cuts={"high": 100.0, "middle": 50.0, "low": 0.0})


def test_a_shorter_window_asks_for_its_part_of_sales():
    found = migration.shortened(tiered_model(), days=30)
    assert found.value_cuts == {"high": 30.0, "middle": 15.0, "low": 0.0}


def tier_views(before, after):
    """Give the four windows of a cut by weeks, the halves as the periods."""
    return dict(zip(WEEKS, [before, after, before, after], strict=True))


def test_value_tiers_are_given_to_those_who_ordered_in_every_window():
    one, other = (
        pd.DataFrame({"customer_id": ids, "sales": sales})
        for ids, sales in (
            (["a", "b", "left"], [20.0, 6.0, 90.0]),
            (["came", "b", "a"], [90.0, 30.0, 7.0]),
        )
    )
    found = migration.tiers(
        tiered_model(), tier_views(one, other), periods=of_days(14, 14), fewest=1
    )
    # of 14 of 100 days 14 is high, 7 is middle; customers a, b
    assert found["before"].tolist() == [1, 3]
    assert found["after"].tolist() == [2, 1]
    assert migration.tier_names(tiered_model())[1] == "High value"


def of_days(*days):
    return pd.DataFrame({"days": days})


def test_a_rest_shorter_than_two_blocks_is_cut_in_its_middle():
    assert migration._odd(28, 1) == 14
    assert migration._odd(30, 1) == 15  # two pairs of weeks, and two days
    assert migration._odd(91, 2) == 46  # three pairs of two weeks, and four of seven
    assert migration._odd(91, 4) == 46  # one pair of four weeks, and 18 of 35


def test_blocks_are_left_out_that_would_leave_too_few_customers():
    everybody, few = (
        pd.DataFrame({"v": 1.0}, index=list(ids)) for ids in ("abcd", "ab")
    )
    found = dict.fromkeys([*WEEKS, "odd 2", "even 2"], everybody) | {
        "odd 4": everybody,
        "even 4": few,
    }
    kept = migration.in_all(found, fewest=3)
    assert migration.floors(kept) == [1, 2]
    assert len(kept["before"]) == 4
    assert migration.floors(migration.in_all(found, fewest=2)) == [1, 2, 4]
    assert len(migration.in_all(found, fewest=2)["before"]) == 2


def test_tied_tiers_leave_one_empty_and_nothing_fails():
    model = replace(
        toy_model(), value_cuts={"high": 100.0, "middle": 100.0, "low": 0.0}
    )
    view = pd.DataFrame({"customer_id": list("abcd"), "sales": [90.0, 90.0, 1.0, 1.0]})
    labels = migration.tiers(
        model, tier_views(view, view), periods=of_days(50, 50), fewest=1
    )
    assert labels["before"].tolist() == [1, 1, 3, 3]
    found = migration.excess(labels, segments=3, n_bootstrap=20, seed=1)
    assert found["customers"].tolist() == [4, 2, 0, 2]
    assert found["moved"].isna().tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("moved", "noise", "low", "paths", "kind"),
    [
        (0.0, 0.0, 0.0, [], "still"),
        (0.3, 0.5, -0.3, [(30, 50)], "less"),
        (0.3, 0.25, 0.01, [(30, 25)], "noise"),
        (0.3, 0.1, 0.05, [(30, 10)], "real"),
        (0.3, 0.1, -0.05, [(30, 10)], "open"),
    ],
)
def test_movement_is_named_by_its_numbers(moved, noise, low, paths, kind):
    whole = pd.Series({"moved": moved, "noise": noise, "low": low, "high": low + 0.1})
    whole = pd.concat([whole, pd.Series({"beyond_weeks": low > 0})])
    flows = pd.DataFrame(paths, columns=["customers", "noise_1"])
    flows = flows.assign(beyond=False, shown=True)
    assert migration.kind(whole, flows)[0] == kind


def test_a_clear_path_is_named_only_if_it_may_be_shown():
    whole = pd.Series({"moved": 0.3, "noise": 0.2, "low": 0.05, "high": 0.15})
    flows = pd.DataFrame(
        {
            "customers": [30, 10],
            "noise_1": [5, 2],
            "beyond": [True, False],
            "shown": True,
        }
    )
    # of the ten who took the other path two are noise
    assert migration.kind(whole, flows) == ("path", False)
    assert migration.kind(whole, flows.assign(noise_2=[5, 8])) == ("path", True)
    assert migration.kind(whole, flows.assign(shown=False))[0] == "noise"


def test_noise_under_the_calm_rule_and_who_stayed():
    near = pd.DataFrame([[1.0, 2.0], [1.0, 2.0]], columns=[1, 2])
    far = pd.DataFrame([[2.0, 1.9], [1.0, 2.0]], columns=[1, 2])
    assert migration.calm_noise(near, far, ratio=1.0) == 0.5
    assert (
        migration.calm_noise(near, far, ratio=0.5) == 0.25
    )  # back from far it is clear
    found = migration.found_again(near, far, far, ratio=1.0)
    assert found["customers"].tolist() == [1, 1]
    assert found["again"].tolist() == [1.0, 1.0]
    assert np.isnan(migration.found_again(near, near, far, ratio=1.0)["again"]).all()


def cuts():
    """Ten customers: 4 of 6 leave segment 1 in time, 1 of 10 moves between weeks."""
    return {
        "before": np.array([1, 1, 1, 1, 1, 1, 2, 2, 2, 2]),
        "after": np.array([2, 2, 2, 2, 1, 1, 2, 2, 2, 2]),
        "odd 1": np.array([1, 1, 1, 1, 1, 1, 2, 2, 2, 2]),
        "even 1": np.array([2, 1, 1, 1, 1, 1, 2, 2, 2, 2]),
    }


def test_excess_is_movement_less_the_noise_of_both_directions():
    found = migration.excess(cuts(), segments=2, n_bootstrap=200, seed=1)
    table = found.set_index("segment_id")
    assert table["customers"].tolist() == [10, 6, 4]
    assert table["moved"].to_numpy() == pytest.approx([0.4, 4 / 6, 0])
    # segment 1: left once of 6 (odd) and never of 5 (even); segment 2: 0 of 4, 1 of 5
    assert table["noise"].to_numpy() == pytest.approx([0.1, 1 / 11, 1 / 9])
    assert table["excess"].to_numpy() == pytest.approx([0.3, 4 / 6 - 1 / 11, -1 / 9])
    assert (table["low"] <= table["excess"]).all()
    assert (table["excess"] <= table["high"]).all()


def test_without_change_in_time_the_interval_holds_zero():
    rng = np.random.default_rng(3)
    held = []
    for _ in range(40):
        taste = rng.random(300)
        drawn = {name: np.where(rng.random(300) < taste, 1, 2) for name in WEEKS}
        row = migration.excess(drawn, segments=2, n_bootstrap=200, seed=1).iloc[0]
        held.append(row["low"] <= 0 <= row["high"])
    assert sum(held) >= 34


def test_paths_are_counted_beside_what_noise_moves():
    found = migration.migration(cuts(), segments=2, n_bootstrap=200, seed=1)
    assert found[["from_id", "to_id"]].to_numpy().tolist() == [[1, 2], [2, 1]]
    assert found["customers"].tolist() == [4, 0]
    assert found["noise"].tolist() == [0.5, 0.5]
    assert found["excess"].tolist() == [3.5, -0.5]
    assert found["low"].iloc[0] < 3.5 < found["high"].iloc[0]


def test_a_path_that_many_take_is_beyond_noise():
    labels = {name: np.repeat(one, 20) for name, one in cuts().items()}
    found = migration.migration(labels, segments=2, n_bootstrap=300, seed=1)
    assert found["beyond"].tolist() == [True, False]


def apart(*rows):
    return pd.DataFrame(rows, columns=[1, 2])


def test_a_customer_moves_only_if_the_new_segment_is_clearly_nearer():
    before = apart([1.0, 3.0], [1.0, 3.0], [1.0, 3.0])
    after = apart([2.0, 1.9], [2.0, 1.0], [1.0, 2.0])
    assert migration.calm(before, after, ratio=1.0).tolist() == [2, 2, 1]
    assert migration.calm(before, after, ratio=0.6).tolist() == [1, 2, 1]


def moved_at(ratio, one, two):
    """Count who moves in either direction."""
    return sum(
        (migration.calm(a, b, ratio=ratio) != migration.nearest(a)).sum()
        for a, b in ((one, two), (two, one))
    )


def test_the_ratio_lets_noise_move_no_more_than_stated():
    odd = apart(*[[1.0, 2.0 + i / 50] for i in range(10)])
    even = apart(*[[1.0, 0.98 - i / 20] for i in range(10)])
    ratio = migration.calm_ratio(odd, even, noise=0.2)
    assert moved_at(ratio, odd, even) == 4  # of 20 comparisons
    assert moved_at(ratio + 0.02, odd, even) > 4
    assert migration.calm_ratio(odd, odd, noise=0.2) == 1.0
    assert migration.calm_ratio(odd, even, noise=0.0) == 0.0


def test_customers_who_tie_do_not_push_noise_beyond_what_is_stated():
    odd, even = apart(*[[1.0, 2.0]] * 10), apart(*[[1.0, 0.5]] * 10)
    assert migration.calm_ratio(odd, even, noise=0.2) == 0.0


# --- Moods, true changes and three noise floors

FIRST_DAY, TURN, LAST_DAY = "2023-01-02", "2023-04-03", "2023-07-02"  # 13 weeks each
HALVES = pd.DataFrame(
    {"first": [FIRST_DAY, TURN], "last": ["2023-04-02", LAST_DAY], "days": [91, 91]}
)
NEEDS = ["produce", "beer"]


def moved_by(buys, tmp_path, *, customers=60, periods=HALVES):
    """Run a shop in which `buys` says what each customer buys on each day.

    Gives the labels: 1 for whom mostly buys produce, 2 for whom mostly buys beer.
    """
    days = pd.date_range(periods["first"].iloc[0], periods["last"].iloc[-1])
    kinds = np.stack([buys(np.arange(len(days)), who) for who in range(customers)])
    who, day = (place.ravel() for place in np.indices(kinds.shape))
    lines = pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in who],
            "order_id": [f"o{i}" for i in range(len(who))],
            "ordered_at": days[day] + pd.Timedelta(hours=10),
            "product_id": np.array(["p0", "p1"])[kinds.ravel()],
            "quantity": 1,
            "amount_cents": 100,
            "coupon_cents": 0,
        }
    )
    products = pd.DataFrame(
        {"product_id": ["p0", "p1"], "need_state": NEEDS, "brand": "National"}
    )
    lines.to_parquet(tmp_path / "lines.parquet")
    products.to_parquet(tmp_path / "products.parquet")
    tables = {name: str(tmp_path / f"{name}.parquet") for name in ("lines", "products")}
    columns = [f"share_{need}" for need in NEEDS]
    preparation = replace(toy_model().preparation, columns=columns)
    model = replace(toy_model(), preparation=preparation)
    with duckdb.connect() as con:
        seen = [
            dictionary.build(
                con,
                **tables,
                first=row.first,
                last=row.last,
                columns=[*SIZES, *columns],
            )
            for row in periods.itertuples()
        ]
        found = migration.views(
            con, tables, columns=columns, periods=periods, seen=seen
        )
    scores = migration.scored(model, found, periods=periods, fewest=10)
    return migration.segments(model, scores)


SIZES = ["orders", "sales", "lines"]
TWELVE = HALVES.assign(
    first=["2023-01-02", "2023-02-13"], last=["2023-02-12", "2023-03-26"], days=42
)


def test_a_mood_of_two_weeks_is_no_movement(tmp_path):
    # Two weeks of produce, two of beer; every second customer begins with beer. Of six
    # weeks four are of the first: everybody is found in the other segment afterwards.
    # Odd halves are weeks 1, 2, 5, 9, 10 and 12, of which five are of the first mood.
    labels = moved_by(lambda day, who: (day // 14 + who) % 2, tmp_path, periods=TWELVE)
    found = migration.excess(labels, segments=2, n_bootstrap=200, seed=1)
    whole = found.iloc[0]
    assert whole["moved"] == 1.0
    assert whole["noise_1"] == 0.0  # so far all of it passed as movement
    assert (whole["noise_2"], whole["floor"]) == (1.0, 2)
    assert np.isnan(whole["noise_4"])  # six weeks hold no two blocks of four
    assert (whole["excess"], whole["low"]) == (0.0, 0.0)
    assert whole["beyond_weeks"]
    flows = migration.migration(labels, segments=2, n_bootstrap=200, seed=1)
    assert flows["customers"].tolist() == [30, 30]
    assert flows["noise_1"].tolist() == [0, 0]
    assert not flows["beyond"].any()
    kind = migration.kind(whole, flows.assign(shown=True))[0]
    assert kind not in ("real", "path", "open")
    floors = conclusions.floors(whole)
    assert (floors["verdict"], floors["largest"]) == ("mood", "blocks of two weeks")
    assert floors["out"] == "blocks of four weeks, blocks of six weeks"


def test_a_mood_of_four_weeks_is_no_movement(tmp_path):
    # Weeks 1 to 4 produce, 5 to 8 beer, and so on; the second quarter begins with week
    # 14, in the fourth mood: before 8 of 13 weeks are produce, after 7 are beer. Odd are
    # weeks 1 to 4, 9 to 11 (half), 18 to 21 and 24 (half) to 26: 11.5 of 13 are produce.
    labels = moved_by(lambda day, who: (day // 28 + who) % 2, tmp_path)
    whole = migration.excess(labels, segments=2, n_bootstrap=200, seed=1).iloc[0]
    assert whole["moved"] == 1.0
    assert whole["noise_4"] == whole["noise"] == 1.0
    assert whole["low"] <= 0


def test_a_true_change_between_the_periods_is_movement(tmp_path):
    # A third of the customers change on the first day of the second quarter.
    labels = moved_by(
        lambda day, who: np.where(who % 3 == 0, day >= 91, who % 2).astype(int),
        tmp_path,
    )
    whole, first, second = (
        row
        for _, row in migration.excess(
            labels, segments=2, n_bootstrap=200, seed=1
        ).iterrows()
    )
    assert whole["moved"] == pytest.approx(1 / 3)
    assert whole[[f"noise_{w}" for w in (1, 2, 4, 6)]].tolist() == [0, 0, 0, 0]
    assert whole["low"] > 0
    # 20 of 60 leave segment 1, in which 20 of the others stay; nobody leaves 2
    assert (first["customers"], second["customers"]) == (40, 20)
    assert (first["moved"], second["moved"]) == (0.5, 0.0)
    flows = migration.migration(labels, segments=2, n_bootstrap=200, seed=1)
    assert flows["beyond"].tolist() == [True, False]
    assert conclusions.floors(whole)["verdict"] == "more"


def test_a_change_of_customers_who_buy_by_chance_is_movement(tmp_path):
    # Nine of ten days produce, and from the turn on beer, of every second customer. Over
    # both quarters they are halfway, so chance parts their halves: at most one in two.
    rng = np.random.default_rng(4)
    labels = moved_by(
        lambda day, who: (
            rng.random(len(day)) < np.where((day >= 91) & (who % 2 == 0), 0.9, 0.1)
        ).astype(int),
        tmp_path,
        customers=120,
    )
    whole = migration.excess(labels, segments=2, n_bootstrap=200, seed=1).iloc[0]
    assert whole["moved"] == 0.5
    assert 0.1 < whole["noise"] < 0.4
    assert whole["low"] > 0


def test_longer_blocks_hold_more_of_a_mood_and_never_all_of_it():
    # As notebook 7 says under Limits, of two quarters of 91 days.
    days = pd.DataFrame({"day": pd.date_range(FIRST_DAY, LAST_DAY)})
    number = np.arange(len(days))

    def held(first_half, mood):
        """Take the variance between halves that moods of so many days make."""
        weight = np.where(first_half, 1 / first_half.sum(), -1 / (~first_half).sum())
        n_init = [(number + start) // mood for start in range(mood)]
        return np.mean([(np.bincount(s, weights=weight) ** 2).sum() for s in n_init])

    found = {}
    with duckdb.connect() as con:
        for weeks in migration.BLOCKS:
            odd = staging.half_of(
                FIRST_DAY, LAST_DAY, cut="weeks", weeks=weeks, turn=TURN
            ).when
            when = odd.format(day="day::date")
            half = con.execute(f"select {when} as odd from days").df()["odd"].to_numpy()
            assert half[:91].sum() == half[91:].sum() == 46  # a change falls into both
            found[weeks] = [
                held(half, mood) / held(number < 91, mood) for mood in (14, 28)
            ]
    assert found[1][0] == pytest.approx(0.03, abs=0.005)
    assert found[2][0] == pytest.approx(0.39, abs=0.005)
    assert found[4] == pytest.approx([0.72, 0.43], abs=0.005)
    assert found[6] == pytest.approx([0.83, 0.75], abs=0.005)


def many_cuts(noise_2):
    """100 customers of whom 40 move; odd and even weeks move 10, longer blocks noise_2."""
    stay = np.ones(100, int)

    def gone(first, n):
        return np.where((np.arange(100) >= first) & (np.arange(100) < first + n), 2, 1)

    return {
        "before": stay,
        "after": gone(0, 40),
        "odd 1": stay,
        "even 1": gone(0, 10),
        "odd 2": stay,
        "even 2": gone(50, noise_2),
    }


def test_movement_is_compared_with_the_largest_floor_and_its_interval_to_the_lowest_end():
    for noise_2, kind in ((5, "real"), (18, "real"), (38, "noise")):
        labels = many_cuts(noise_2)
        whole = migration.excess(labels, segments=2, n_bootstrap=500, seed=1).iloc[0]
        assert whole["noise"] == max(0.10, noise_2 / 100)
        assert whole["floor"] == (1 if noise_2 < 10 else 2)
        assert whole["excess"] == pytest.approx(0.4 - max(0.1, noise_2 / 100))
        apart = [
            dict(
                zip(WEEKS, [labels[n] for n in ("before", "after", *own)], strict=True)
            )
            for own in (("odd 1", "even 1"), ("odd 2", "even 2"))
        ]  # each floor alone, as if it were that of weeks
        lows = [
            migration.excess(one, segments=2, n_bootstrap=500, seed=1)["low"][0]
            for one in apart
        ]
        assert whole["low"] == min(lows)
        flows = pd.DataFrame({"customers": [40], "noise_1": [10], "noise_2": [noise_2]})
        flows = flows.assign(beyond=False, shown=True)
        assert migration.kind(whole, flows)[0] == kind


def test_more_than_weeks_and_not_more_than_longer_blocks_is_a_mood():
    whole = pd.Series(
        {
            "moved": 0.3,
            "noise": 0.14,
            "noise_1": 0.1,
            "noise_2": 0.14,
            "noise_4": np.nan,
            "noise_6": np.nan,
            "floor": 2,
            "low": -0.01,
            "high": 0.2,
            "beyond_weeks": True,
        }
    )
    flows = pd.DataFrame({"customers": [30], "noise_1": [10], "noise_2": [14]})
    flows = flows.assign(beyond=False, shown=True)
    assert migration.kind(whole, flows)[0] == "mood"
    assert migration.kind(whole, flows)[1] is False
    # of 30 who moved 16 would by blocks of two weeks: the largest floor counts
    assert migration.kind(whole, flows.assign(noise_2=16))[1] is True


# --- Any cut


def placed(before, after):
    """Score customers on one need before and after; halves are as before."""
    windows = dict(zip(WEEKS, (before, after, before, before), strict=True))
    return {name: pd.DataFrame({"x": own}) for name, own in windows.items()}


def test_random_cuts_of_customers_who_all_stay_do_not_move():
    stay = np.linspace(0, 1, 40)
    found = migration.random_cuts(placed(stay, stay), k=2, draws=5, fewest=1, seed=1)
    assert len(found) == 5
    assert found[["moved", "noise", "excess", "largest"]].eq(0).all(axis=None)


def test_random_cuts_move_whom_they_part():
    # Two heaps change places: whoever draws a centre in each moves everybody, whoever
    # draws both in one heap moves all or nobody of the other by the border alone.
    before = np.repeat([0.0, 1.0], 20)
    found = migration.random_cuts(
        placed(before, 1 - before), k=2, draws=20, fewest=1, seed=1
    )
    assert set(found["moved"]) == {0.0, 1.0}  # equal centres part nobody
    assert found["excess"].equals(found["moved"])
    assert found["largest"].equals(found["moved"])


def test_segments_stand_beside_mean_and_range_of_random_cuts():
    moves = pd.DataFrame(
        {"moved": [0.3], "noise": [0.2], "excess": [0.1], "low": [0.0], "high": [0.2]}
    )
    drawn = pd.DataFrame({"moved": 0.5, "noise": 0.4, "excess": [-0.2, 0.4]})
    found = migration.beside_random(moves, drawn, word="segment")
    assert found.index.tolist() == ["segments", "random centres, 2 draws"]
    assert found.iloc[1].tolist() == pytest.approx([0.5, 0.4, 0.1, -0.2, 0.4])


def test_paths_of_few_customers_are_withheld_with_what_gives_them_away():
    ids = [(a, b) for a in (1, 2, 3) for b in (1, 2, 3) if a != b]
    flows = pd.DataFrame(ids, columns=["from_id", "to_id"])
    flows = flows.assign(customers=[4, 50, 30, 60, 20, 40], noise=[1.4, 2, 3, 4, 5, 6])
    flows["shown"] = migration.may_be_shown(flows)
    grid = migration.grid(flows)
    assert grid.loc[1, 2] == "withheld"
    # the diagonal is no path, and two cells of the first row would give it away
    assert grid.loc[1, 3] == "withheld"
    assert grid.loc[2, 3] == "60 (4)" or grid.loc[2, 3] == "withheld"
    assert grid.isna().to_numpy().diagonal().all()


def test_the_calm_rule_lets_no_floor_move_more_than_stated():
    odd = pd.DataFrame([[1.0, 2.0]] * 9 + [[1.0, 1.5]], columns=[1, 2])
    even = pd.DataFrame([[1.0, 2.0]] * 9 + [[1.5, 1.0]], columns=[1, 2])
    away = {"odd 1": odd, "even 1": even, "odd 2": odd, "even 2": odd}
    rule = migration.calm_rule(away, noise=0.05)
    assert rule == {"ratio": 0.0, "floor": 0.0}
    assert migration.calm_rule(away, noise=0.2)["ratio"] == 1


def test_shares_of_few_customers_are_hidden():
    def held(*sizes):
        ids = [i for i, size in enumerate(sizes, 1) for _ in range(size)]
        return pd.DataFrame({"segment_id": ids})

    hidden = migration.hidden_shares(
        {"a": held(50, 40, 3), "b": held(50, 40, 30)}, segments=[1, 2, 3]
    )
    assert hidden.loc[3, "a"]
    assert hidden["a"].sum() > 1
    assert not hidden.loc[1, "a"]
