"""Stages, transitions and curves, worked out by hand or in another way."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from helpers.clustering.model import TOO_LITTLE
from helpers.core.errors import BadInput, TooLittle
from helpers.lifecycle import lifecycle_stages
from helpers.runs.horizons import BuyingPattern

CUTS = {"active": 2.0, "slowing": 4.0}
DAY = pd.Timestamp("2020-01-01")


def on(number):
    """Return the day so many days after the first."""
    return DAY + pd.Timedelta(days=number)


def ordered(**customers):
    """Build order days: customer=[numbers of days]."""
    rows = [(who, on(n), 1, 1000) for who, ns in customers.items() for n in ns]
    names = ["customer_id", "day", "orders", "sales_cents"]
    return pd.DataFrame(rows, columns=names).astype({"day": "datetime64[us]"})


def staged(days, *, reviews, began=None):
    known = began or {}
    starts = pd.Series(
        {who: known.get(who, pd.NaT) for who in days["customer_id"].unique()},
        dtype="datetime64[us]",
    )
    table = lifecycle_stages.stages(
        days,
        began=starts,
        reviews=[on(n) for n in reviews],
        first=DAY,
        cuts=CUTS,
        min_gap_days=7.0,
    )
    return table.set_index(["review", "customer_id"])["stage"].unstack(0)


def test_order_days_count_goods_and_leave_out_what_comes_after(tmp_path):
    lines = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "a", "a"],
            "order_id": ["1", "1", "2", "3", "4"],
            "ordered_at": pd.to_datetime(
                ["2020-01-01 09:00"] * 2
                + ["2020-01-01 18:00", "2020-01-02 08:00", "2020-01-03 00:00"]
            ),
            "product_id": ["tea", "gas", "tea", "gas", "tea"],
            "amount_cents": [100, 900, 50, 70, 11],
            "coupon_cents": [5, 0, 0, 0, 0],
        }
    )
    products = pd.DataFrame({"product_id": ["tea", "gas"], "need_state": ["x", "fuel"]})
    for name, table in (("lines", lines), ("products", products)):
        table.to_parquet(tmp_path / f"{name}.parquet")
    found = lifecycle_stages.order_days(
        duckdb.connect(),
        lines=str(tmp_path / "lines.parquet"),
        products=str(tmp_path / "products.parquet"),
        last="2020-01-02",
    )
    assert found["day"].tolist() == [on(0), on(1)]
    assert found["orders"].tolist() == [2, 1]
    # the fuel is no goods, its day counts all the same
    assert found["sales_cents"].tolist() == [155, 0]


def test_stages_follow_the_customers_usual_time():
    # seen from day 100: a gap of 10 each; silences of 10, 21, 40 and 41 days
    days = ordered(
        active=range(0, 91, 10),
        slowing=range(9, 80, 10),
        still=range(0, 61, 10),
        gone=range(9, 60, 10),
        once=[99],
    )
    found = staged(days, reviews=[100])[on(100)]
    assert found.to_dict() == {
        "active": "active",
        "slowing": "slowing",
        "still": "slowing",
        "gone": "lapsed",
        "once": TOO_LITTLE,
    }


def test_frequent_customers_are_given_the_least_gap():
    days = ordered(daily=range(0, 60))
    # silences of 14 and 15 days: two least gaps of 7, and more
    found = staged(days, reviews=[73, 74])
    assert found.loc["daily"].tolist() == ["active", "slowing"]


def test_a_customer_returns_in_the_period_in_which_a_lapse_ends():
    # a gap of 10, then 50 days of silence that end on day 100
    days = ordered(back=[0, 10, 20, 30, 40, 50, 100, 110, 120, 130, 140, 150])
    found = staged(days, reviews=[95, 105, 150])
    assert found.loc["back"].tolist() == ["lapsed", "returned", "active"]


def test_only_a_known_start_makes_a_customer_new():
    days = ordered(told=[60, 70, 80, 90], untold=[60, 70, 80, 90], late=[60, 67])
    known = {"told": on(58), "late": on(60)}
    found = staged(days, reviews=[50 + 45, 185], began=known)
    assert found.loc["told"].tolist() == ["new", "lapsed"]
    assert found.loc["untold"].tolist() == ["active", "lapsed"]
    # 28 days of silence are four gaps: new customers slow down like others
    assert found.loc["late", on(95)] == "slowing"


def test_nothing_after_a_review_changes_it():
    days = ordered(a=[0, 10, 20, 30, 90, 95], b=[5, 25, 45, 120])
    early = staged(days[days["day"] <= on(60)], reviews=[60])
    both = staged(days, reviews=[60, 130])
    assert early[on(60)].equals(both[on(60)])


def test_customers_before_the_data_pile_up_at_its_beginning():
    rng = np.random.default_rng(1)
    even = ordered(
        **{f"c{i}": [int(n)] for i, n in enumerate(rng.integers(0, 400, 800))}
    )
    assert lifecycle_stages.pile_up(even, early_days=28) == pytest.approx(1, abs=0.35)
    # 80 on the first day; 20 later on: (80 / 10) / (20 / 90)
    heaped = {f"c{i}": [0] for i in range(80)} | {f"l{i}": [10 + i] for i in range(19)}
    heaped["last"] = [99]
    assert lifecycle_stages.pile_up(ordered(**heaped), early_days=10) == pytest.approx(
        36
    )
    with pytest.raises(BadInput, match="Choose fewer early days"):
        lifecycle_stages.pile_up(ordered(a=[0, 3]), early_days=28)


def test_starts_are_told_by_the_column_else_by_the_data_else_by_nobody():
    days = ordered(a=[3, 9], b=[5])
    customers = pd.DataFrame({"customer_id": ["b", "a"], "since": [on(1), on(2)]})
    ask = {"column": "since", "observed": False}
    told = lifecycle_stages.starts(days, customers, **ask)
    assert told.to_dict() == {"a": on(2), "b": on(1)}
    without = customers[["customer_id"]]
    seen = lifecycle_stages.starts(days, without, column="since", observed=True)
    assert seen.to_dict() == {"a": on(3), "b": on(5)}
    assert lifecycle_stages.starts(days, without, **ask).isna().all()


def test_transitions_are_shares_of_those_who_were_in_the_stage():
    rows = [
        *[(on(0), who, "active") for who in "abcd"],
        *[
            (on(1), who, stage)
            for who, stage in zip("abcd", ["active"] * 3 + ["slowing"], strict=True)
        ],
        *[(on(2), who, "active") for who in "abcd"],
    ]
    table = pd.DataFrame(rows, columns=["review", "customer_id", "stage"])
    table["segment_id"] = table["customer_id"].map({"a": 1, "b": 1, "c": 2, "d": 2})
    moved = lifecycle_stages.moves(table)
    assert len(moved) == 8
    found = lifecycle_stages.transitions(moved, by=[]).set_index(
        ["stage", "next_stage"]
    )
    assert found["moves"].to_dict()["active", "slowing"] == 7
    assert found.loc[("active", "slowing"), "share"] == pytest.approx(1 / 7)
    assert found.loc[("slowing", "active"), ["customers", "share"]].tolist() == [1, 1]
    split = lifecycle_stages.transitions(moved, by=["segment_id"])
    first = split[(split["segment_id"] == 1) & (split["next_stage"] == "active")]
    assert first[["moves", "share"]].to_numpy().tolist() == [[4, 1]]


def test_cohorts_follow_those_who_came_together():
    # quarters begin on days 0, 91, 182 and 274 of 2020
    days = ordered(a=[0, 100, 200], b=[10, 190], c=[95, 300], d=[100])
    seen = days.groupby("customer_id")["day"].min()
    found = lifecycle_stages.cohorts(days, joined=seen, period="Q", last=on(280))
    assert found[["cohort", "age", "customers", "came"]].to_numpy().tolist() == [
        ["2020Q1", 0, 2, 2],
        ["2020Q1", 1, 2, 1],
        ["2020Q1", 2, 2, 2],
        ["2020Q2", 0, 2, 2],
        # the quarter of day 280 is not over
        ["2020Q2", 1, 2, 0],
    ]


def test_a_lapse_comes_when_the_silence_exceeds_the_usual_time_known_before():
    # gaps of 10 days; the limit is 40 days of silence
    days = ordered(
        stays=range(0, 200, 10),
        stops=range(0, 101, 10),
        pauses=[*range(0, 101, 10), 160, 170],
        gone=range(0, 51, 10),
        once=[90],
        late=[*range(0, 101, 10), 140, 180],
    )
    found = lifecycle_stages.until_lapsed(
        days, start=on(100), end=on(199), slowing=4.0, min_gap_days=7.0
    ).set_index("customer_id")
    assert found["days"].to_dict() == {
        "stays": 99,
        "stops": 40,
        "pauses": 40,
        "late": 99,
    }
    assert found["lapsed"].to_dict() == {
        "stays": False,
        "stops": True,
        "pauses": True,
        "late": False,
    }


def test_curves_are_the_product_of_those_who_remain():
    # six customers: lapses after 10, 20 and 20 days, ends after 15, 30 and 30
    durations = pd.DataFrame(
        {
            "days": [10.0, 15, 20, 20, 30, 30],
            "lapsed": [True, False, True, True, False, False],
            "group": 1,
        }
    )
    found = lifecycle_stages.retention_curves(
        durations, by="group", at=[0, 10, 15, 20, 30]
    )
    by_hand = [1, 5 / 6, 5 / 6, 5 / 6 * 2 / 4, 5 / 6 * 2 / 4]
    assert found["retained"].tolist() == pytest.approx(by_hand)
    assert found["at_risk"].tolist() == [6, 6, 5, 4, 2]
    assert found["lapsed"].tolist() == [0, 1, 1, 3, 3]
    assert (found["low"] <= found["retained"]).all()
    assert (found["retained"] <= found["high"]).all()


def test_groups_that_lapse_alike_are_not_told_apart_and_others_are():
    rng = np.random.default_rng(5)
    alike = pd.DataFrame(
        {"days": rng.exponential(50, 200), "lapsed": True, "group": np.arange(200) % 2}
    )
    assert lifecycle_stages.retention_differs(alike, by="group") > 0.01
    apart = alike.assign(days=alike["days"] * (1 + 2 * alike["group"]))
    assert lifecycle_stages.retention_differs(apart, by="group") < 1e-6


def test_windows_of_the_lifecycle_fit_the_length_of_the_data():
    def fitted(train, later, gap):
        pattern = BuyingPattern(train, later, gap, 20.0, 3.0)
        return (
            pattern.period,
            pattern.early_days,
            pattern.curve_days,
            pattern.horizon_weeks,
            pattern.look_back,
            pattern.quiet_weeks,
        )

    # the bundled year gives what the notebook sets
    assert fitted(267, 98, 8.0) == ("Q", 28, 14, 52, 8, 12)
    assert fitted(8, 2, None) == ("D", 1, 1, 1, 0, 1)
    assert fitted(45, 15, 3.0) == ("W", 6, 2, 8, 1, 2)
    # three years of orders a quarter apart
    assert fitted(825, 275, 91.0) == ("Q", 28, 14, 52, 13, 12)


@pytest.mark.parametrize(
    ("days", "period", "labels"),
    [
        (365, "Q", ["2020Q1", "2020Q2", "2020Q3", "2020Q4"]),
        (58, "M", ["2020-01"]),
        (15, "W", ["2020-01-05", "2020-01-12"]),
        (2, "D", ["2020-01-01", "2020-01-02", "2020-01-03"]),
        # no quarter ends inside: the last day stands alone
        (20, "Q", ["2020-01-21"]),
    ],
)
def test_reviews_lie_inside_the_data_and_have_a_name(days, period, labels):
    found = lifecycle_stages.reviews(DAY, on(days), period=period)
    assert list(found.values()) == labels
    assert list(found) == sorted(found)
    assert max(found) <= on(days)


def test_a_week_is_said_by_its_last_day():
    assert lifecycle_stages.said(pd.Period("2020-01-08", "W")) == "week to 2020-01-12"
    assert lifecycle_stages.said(pd.Period("2020-01-08", "Q")) == "2020Q1"


def test_one_order_each_gives_no_stages_and_says_so():
    once = ordered(**{f"c{i}": [i] for i in range(200)})
    with pytest.raises(TooLittle, match=r"Each of 200 customers .* repeat share is 0%"):
        lifecycle_stages.need_repeats(once)
    few = ordered(**{f"c{i}": [i, 20 + i] for i in range(9)}, x=[1])
    with pytest.raises(TooLittle, match=r"found: fewer than 10 of 10"):
        lifecycle_stages.need_repeats(few)
    lifecycle_stages.need_repeats(ordered(**{f"c{i}": [i, 20 + i] for i in range(10)}))


def test_orders_of_one_day_are_one_pile():
    assert lifecycle_stages.pile_up(ordered(a=[0], b=[0]), early_days=1) == np.inf


def moved(*, slowing=(), lapsed=(), active=(), review=0):
    """Build moves: the stages that customers of a stage went to."""
    rows = [
        (on(review), f"{stage}{i}", stage, then)
        for stage, thens in (
            ("slowing", slowing),
            ("lapsed", lapsed),
            ("active", active),
        )
        for i, then in enumerate(thens)
    ]
    names = ["review", "customer_id", "stage", "next_stage"]
    return pd.DataFrame(rows, columns=names)


HALF = ["active"] * 20 + ["lapsed"] * 20
NOW = pd.Series({"active": 90, "slowing": 30, "lapsed": 30})


@pytest.mark.parametrize(
    ("moves", "now", "said"),
    [
        (
            moved(
                slowing=["active"] * 38 + ["lapsed"] * 2,
                lapsed=["lapsed"] * 39 + ["returned"],
            ),
            NOW,
            "soon",
        ),
        (moved(slowing=HALF, lapsed=HALF), NOW, "alike"),
        # the lapsed come back more often
        (moved(slowing=["lapsed"] * 20, lapsed=["returned"] * 20), NOW, "alike"),
        (moved(slowing=["active"] * 20), NOW, "alike"),
        (moved(slowing=["lapsed"] * 20, lapsed=["lapsed"] * 20), NOW, "none"),
        (moved(slowing=HALF, lapsed=HALF), NOW.replace(30, 9), "few"),
        (moved(slowing=["active"] * 9), NOW, "unknown"),
        (moved(active=HALF), NOW, "unknown"),
        (moved(slowing=HALF), NOW.replace(30, 4), "calm"),
        (moved(slowing=HALF), NOW[["active"]], "calm"),
    ],
)
def test_advice_on_silent_customers_follows_who_came_back(moves, now, said):
    now = now.copy()
    if said == "few":
        now["lapsed"] = 30
    assert lifecycle_stages.win_back(moves, now=now) == said


def test_nobody_who_came_back_lately_is_nobody():
    before = moved(slowing=HALF, lapsed=HALF)
    lately = moved(lapsed=["lapsed"] * 12, review=90)
    both = pd.concat([before, lately], ignore_index=True)
    assert lifecycle_stages.win_back(both, now=NOW) == "none"


def test_shares_of_few_customers_are_not_told():
    moves = moved(slowing=["active"] * 4 + ["lapsed"] * 4, active=HALF)
    moves["group"] = 1
    assert (
        lifecycle_stages.rate(moves, lifecycle_stages.SILENT, lifecycle_stages.WELL)
        is None
    )
    assert lifecycle_stages.rate(moves, ["active"], ["lapsed"])["share"] == 0.5
    assert lifecycle_stages.rate(moves, ["new"], ["lapsed"]) is None
    ways = lifecycle_stages.ways(moves, by="group").iloc[0]
    assert (ways["customers_away"], ways["share_away"]) == (40, 0.5)
    assert ways["customers_back"] == 8
    assert np.isnan(ways["share_back"])
    # nobody was silent: the group is still there
    only = lifecycle_stages.ways(moves[moves["stage"] == "active"], by="group").iloc[0]
    assert only["customers_back"] == 0


def test_one_review_has_no_moves():
    table = pd.DataFrame(
        {"review": [on(9)] * 12, "customer_id": list("abcdefghijkl"), "stage": "active"}
    )
    moves = lifecycle_stages.moves(table)
    assert moves.empty
    with pytest.raises(TooLittle, match=r"\(found: 0\)"):
        lifecycle_stages.need_moves(moves)


def test_cohorts_that_nobody_is_followed_in_leave_the_section_out():
    days = ordered(a=[0, 3], b=[5])
    seen = days.groupby("customer_id")["day"].min()
    with pytest.raises(TooLittle, match="there is none"):
        lifecycle_stages.cohorts(days, joined=seen, period="Q", last=on(20))
    with pytest.raises(TooLittle, match="there is none"):
        lifecycle_stages.cohorts(days, joined=seen[:0], period="Q", last=on(200))
    found = lifecycle_stages.cohorts(days, joined=seen, period="Q", last=on(100))
    with pytest.raises(TooLittle, match="no such cohort"):
        lifecycle_stages.shown_cohorts(found, of=2)


def test_nobody_to_follow_is_an_empty_table_and_no_group():
    once = ordered(a=[0], b=[9])
    found = lifecycle_stages.until_lapsed(
        once, start=on(20), end=on(90), slowing=4.0, min_gap_days=7.0
    )
    assert found.empty
    with pytest.raises(TooLittle, match="largest found: 0"):
        lifecycle_stages.large(found.assign(group=[]), by="group")


def followed(days, lapsed, *, group=1, limit=30.0):
    return pd.DataFrame(
        {"days": days, "lapsed": lapsed, "group": group, "limit_days": limit}
    )


def test_groups_of_fewer_than_ten_are_left_out():
    both = pd.concat([followed([9.0] * 10, False), followed([9.0] * 9, False, group=2)])
    assert set(lifecycle_stages.large(both, by="group")["group"]) == {1}


@pytest.mark.parametrize("gone", [False, True])
def test_few_who_all_stay_or_all_lapse_leave_room_for_chance(gone):
    found = lifecycle_stages.retention_curves(
        followed([5.0] * 12, gone), by="group", at=[0, 5]
    )
    first, last = found.iloc[0], found.iloc[1]
    assert first[["low", "retained", "high"]].tolist() == [1, 1, 1]
    assert last["retained"] == 1 - gone
    assert last["high"] - last["low"] == pytest.approx(0.2425, abs=0.001)


def test_without_a_lapse_groups_are_alike():
    both = pd.concat(
        [followed([9.0] * 10, False), followed([9.0] * 10, False, group=2)]
    )
    assert lifecycle_stages.retention_differs(both, by="group") == 1
    p, excess = lifecycle_stages.at_similar_gaps(both, by="group")
    assert p == 1
    assert excess.tolist() == [0, 0]


def test_groups_that_only_buy_at_other_intervals_are_not_less_loyal():
    rng = np.random.default_rng(8)
    limit = rng.uniform(10, 100, 600)
    often = (limit + rng.normal(0, 20, 600) < 55).astype(int)
    # who buys often lapses sooner, whatever the group
    days = np.minimum(rng.exponential(2 * limit), 90)
    table = followed(days, days < 90, group=often, limit=limit)
    assert lifecycle_stages.retention_differs(table, by="group") < 1e-6
    p, _ = lifecycle_stages.at_similar_gaps(table, by="group")
    assert p > 0.01
    # and a group that is less loyal at any usual time is found
    days = np.minimum(rng.exponential(2 * limit / (1 + 2 * often)), 90)
    less = followed(days, days < 90, group=often, limit=limit)
    p, excess = lifecycle_stages.at_similar_gaps(less, by="group")
    assert p < 1e-3
    assert excess[1] > 0 > excess[0]


def test_one_stratum_is_the_plain_log_rank_test():
    rng = np.random.default_rng(3)
    days = rng.exponential(50, 200).round() + 1
    table = followed(days, rng.random(200) < 0.7, group=np.arange(200) % 3)
    p, _ = lifecycle_stages.at_similar_gaps(table, by="group")
    assert p == pytest.approx(lifecycle_stages.retention_differs(table, by="group"))
