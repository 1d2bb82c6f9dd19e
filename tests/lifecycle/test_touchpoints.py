"""Touchpoints and what follows them: pairs by hand, planted effects, and none."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from helpers.core.errors import TooLittle
from helpers.lifecycle import touchpoints
from helpers.lifecycle.touchpoints import Match, Weeks

DAY = pd.Timestamp("2020-01-06")


def on(number):
    return DAY + pd.Timedelta(days=number)


def table_of(sales):
    """Build weeks of customers, an order in each week with sales."""
    sales = np.asarray(sales, float)
    who = np.array([f"c{i}" for i in range(len(sales))])
    return Weeks(who, DAY, (sales > 0).astype(float), sales)


def test_weeks_hold_whole_weeks_only():
    days = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b", "other"],
            "day": [on(0), on(6), on(7), on(13), on(3)],
            "sales_cents": [100, 250, 75, 900, 5000],
        }
    )
    found = touchpoints.weeks(days, customers=["b", "a"], first=on(0), last=on(15))
    assert found.sales.tolist() == [[0, 9], [3.5, 0.75]]
    assert found.orders.tolist() == [[0, 1], [2, 1]]


def test_touchpoints_of_orders_come_from_the_lines(tmp_path):
    lines = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b"],
            "ordered_at": [on(0) + pd.Timedelta(hours=9), on(0), on(1)],
            "product_id": ["tea", "soap", "tea"],
            "coupon_cents": [0, 50, 0],
            "on_display": [True, True, False],
        }
    )
    products = pd.DataFrame({"product_id": ["tea", "soap"], "need_state": ["t", "s"]})
    lines.to_parquet(tmp_path / "l.parquet")
    products.to_parquet(tmp_path / "p.parquet")
    found = touchpoints.in_orders(
        duckdb.connect(),
        lines=str(tmp_path / "l.parquet"),
        products=str(tmp_path / "p.parquet"),
        needs=["t"],
    )
    rows = found.sort_values(["touchpoint", "customer_id"])
    assert rows[["touchpoint", "customer_id"]].to_numpy().tolist() == [
        ["coupon", "a"],
        ["display", "a"],
        ["need: t", "a"],
        ["need: t", "b"],
    ]
    assert rows["at_order"].all()
    assert rows["day"].tolist() == [on(0), on(0), on(0), on(1)]


def test_touchpoints_beside_orders_leave_out_controls_and_first_contracts():
    campaigns = pd.DataFrame({"campaign_id": [7], "starts_on": on(3)})
    contacts = pd.DataFrame(
        {"customer_id": ["a", "b"], "campaign_id": 7, "arm": ["treated", "control"]}
    )
    contracts = pd.DataFrame(
        {"customer_id": ["a", "a"], "starts_on": [on(70), on(0)], "ends_on": on(90)}
    )
    visits = pd.DataFrame(
        {
            "customer_id": ["b", "b"],
            "happened_at": [on(5) + pd.Timedelta(hours=8)] * 2,
            "kind": "visit",
        }
    )
    tables = {"campaigns": campaigns, "contacts": contacts, "interactions": visits}
    found = touchpoints.outside_orders(tables | {"contracts": contracts})
    assert found.drop(columns="at_order").to_numpy().tolist() == [
        ["campaign contact", "a", on(3)],
        ["visit", "b", on(5)],
        ["contract renewal", "a", on(70)],
    ]
    none = touchpoints.outside_orders({"contacts": contacts})
    assert none.empty
    # beside others it leaves days days
    joined = pd.concat([none, found], ignore_index=True)
    assert joined["day"].tolist() == found["day"].tolist()
    assert (joined["day"].dtype.kind, joined["at_order"].dtype) == ("M", bool)


def test_a_touch_counts_after_a_quiet_time_only():
    weeks = table_of(np.ones((2, 8)))
    events = pd.DataFrame(
        {"customer_id": ["c0", "c0", "c0", "x"], "day": [on(7), on(21), on(42), on(21)]}
    )  # weeks 1, 3 and 6
    touched, untouched = touchpoints.episodes(events, weeks, quiet=2)
    assert np.flatnonzero(touched[0]).tolist() == [6]
    # calm that week and the two before: never for c0 after week 1
    assert np.flatnonzero(untouched[0]).tolist() == []
    assert np.flatnonzero(untouched[1]).tolist() == [2, 3, 4, 5, 6, 7]


def test_pairs_are_the_nearest_of_the_same_segment():
    match = Match(look_back=2, follow=2, controls=1, caliper=9.0)
    # week 4 is the touch; the weeks before it are matched, those after it compared
    sales = [
        [5, 5, 10, 10, 10, 30, 30],
        [5, 9, 10, 10, 10, 20, 10],  # alike
        [5, 5, 90, 90, 90, 99, 99],  # another level
        [5, 5, 10, 10, 10, 1, 1],  # alike, but of another segment
    ]
    weeks = table_of(sales)
    touched, untouched = np.zeros((2, 4, 7), bool)
    touched[0, 4] = untouched[1:, 4] = True
    found = touchpoints.pairs(
        touched,
        untouched,
        touchpoints.state(weeks, match),
        segments=np.array([1, 1, 1, 2]),
        at_order=True,
        match=match,
    )
    assert found[["customer", "week"]].to_numpy().tolist() == [[0, 4]]
    row = found.iloc[0]
    assert row[["sales_touched", "sales_alike"]].tolist() == [60, 30]
    assert row[["orders_touched", "orders_alike"]].tolist() == [2, 2]
    assert row[["earlier_touched", "earlier_alike"]].tolist() == [10, 14]


def test_who_has_no_alike_one_is_left_out():
    match = Match(look_back=2, follow=1, controls=1, caliper=0.01)
    weeks = table_of([[1, 1, 50, 50, 50, 9], [1, 1, 1, 1, 1, 9]])
    touched, untouched = np.zeros((2, 2, 6), bool)
    touched[0, 4] = untouched[1, 4] = True
    known = touchpoints.state(weeks, match)
    given = {"segments": np.ones(2), "at_order": True, "match": match}
    assert touchpoints.pairs(touched, untouched, known, **given).empty


def shop(*, effect, chosen, seed=1, n=900):
    """Draw customers whose touch in week 20 adds to later sales, or is given the best."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(4, 5, n)
    sales = rng.poisson(level[:, None] * (rng.random((n, 40)) < 0.8)).astype(float)
    when = np.full(n, 20)
    best = level > np.median(level)
    hit = rng.random(n) < np.where(best, 0.6, 0.1) if chosen else rng.random(n) < 0.35
    sales[hit, 21:29] += effect
    weeks = table_of(sales)
    events = pd.DataFrame(
        {
            "touchpoint": "letter",
            "customer_id": weeks.customers[hit],
            "day": [on(7 * w + 2) for w in when[hit]],
            "at_order": False,
        }
    )
    return weeks, events


GIVEN = {
    "quiet": 8,
    "match": Match(look_back=8, follow=8, controls=3, caliper=0.6),
    "least": 30,
}


def followed(weeks, events):
    segments = np.ones(len(weeks.customers))
    table = touchpoints.follow(events, weeks, segments=segments, **GIVEN)
    said = touchpoints.verdicts(table, alpha=0.05, max_imbalance=0.25)
    return table.assign(verdict=said).set_index("outcome")


def test_a_planted_difference_is_found_within_its_interval():
    found = followed(*shop(effect=3.0, chosen=False))
    assert found.loc["sales", "low"] < 24 < found.loc["sales", "high"]
    assert found.loc["sales", "verdict"] == "more"
    assert found.loc["earlier sales", "low"] < 0 < found.loc["earlier sales", "high"]


def test_touching_the_best_customers_is_not_taken_for_an_effect():
    weeks, events = shop(effect=0.0, chosen=True)
    hit = np.isin(weeks.customers, events["customer_id"])
    later = weeks.sales[:, 21:29].sum(axis=1)
    naive = later[hit].mean() - later[~hit].mean()
    found = followed(weeks, events)
    assert naive > 40
    # what is left of it is a small part, and is not called more
    assert abs(found.loc["sales", "difference"]) < naive / 5
    assert found.loc["sales", "verdict"] != "more"


def test_intervals_hold_what_was_planted():
    found = [
        followed(*shop(effect=1.0, chosen=False, seed=s, n=300)) for s in range(60)
    ]
    right = [t.loc["sales", "low"] < 8 < t.loc["sales", "high"] for t in found]
    calm = [t.loc["earlier sales", "p"] > 0.05 for t in found]
    assert np.mean(right) >= 0.88
    assert np.mean(calm) >= 0.88


def test_comparing_all_with_one_customer_widens_the_interval():
    rng = np.random.default_rng(1)
    one = pd.DataFrame({"customer": np.arange(60), "week": 3})
    for name in (*("sales", "orders", "earlier"), *touchpoints.MATCHED):
        one[f"{name}_touched"], one[f"{name}_alike"] = rng.normal(size=(2, 60))
        one[f"{name}_spread"] = 4.0
    one["others"] = [np.array([7])] * 60
    found = touchpoints.differences(one, touchpoint="x", touches=60).iloc[0]
    gap = one["sales_touched"] - one["sales_alike"]
    # that customer's own variance stays whole, less what each pair holds already
    by_hand = np.sqrt(gap.var() / 60 + 4 * (60**2 - 60) / 60**2)
    assert (found["high"] - found["low"]) / 2 == pytest.approx(
        1.96 * by_hand, rel=0.001
    )


def test_verdicts_follow_their_rules():
    rows = [
        ("a", "sales", 5.0, 1, 9, 0.01, 0.1),
        ("a", "earlier sales", 0.0, -1, 1, np.nan, 0.1),
        ("b", "sales", 5.0, 1, 9, 0.01, 0.1),
        ("b", "earlier sales", 3.0, 1, 5, np.nan, 0.1),
        ("c", "sales", -5.0, -9, -1, 0.01, 0.2),
        ("c", "earlier sales", 0.0, -1, 1, np.nan, 0.2),
        ("d", "sales", 5.0, -1, 9, 0.2, 0.1),
        ("d", "earlier sales", 0.0, -1, 1, np.nan, 0.1),
        ("e", "sales", 5.0, 1, 9, 0.01, 0.3),
        ("e", "earlier sales", 0.0, -1, 1, np.nan, 0.3),
    ]
    names = [
        "touchpoint",
        "outcome",
        "difference",
        "low",
        "high",
        "p_adjusted",
        "imbalance",
    ]
    table = pd.DataFrame(rows, columns=names)
    found = touchpoints.verdicts(table, alpha=0.05, max_imbalance=0.25)
    assert found.tolist()[::2] == [
        "more",
        "not comparable",
        "less",
        "no difference seen",
        "not comparable",
    ]
    assert set(found.tolist()[1::2]) == {""}


def test_a_customer_touched_often_is_one_customer():
    rng = np.random.default_rng(1)
    one = pd.DataFrame({"customer": np.arange(60), "week": 3})
    for name in (*("sales", "orders", "earlier"), *touchpoints.MATCHED):
        one[f"{name}_touched"], one[f"{name}_alike"] = rng.normal(size=(2, 60))
        one[f"{name}_spread"] = 1.0
    # each is compared with a customer of its own
    one["others"] = [np.array([100 + i, -1]) for i in range(60)]
    once = touchpoints.differences(one, touchpoint="x", touches=60)
    more = pd.concat([one] * 4).assign(others=[np.array([i]) for i in range(240)])
    four = touchpoints.differences(more, touchpoint="x", touches=240)
    for name in ("difference", "low", "high", "matched"):
        assert four[name].tolist() == pytest.approx(once[name].tolist())
    gap = one["sales_touched"] - one["sales_alike"]
    assert once.loc[0, "difference"] == pytest.approx(gap.mean())
    half = (once.loc[0, "high"] - once.loc[0, "low"]) / 2
    assert half == pytest.approx(1.96 * gap.std() / np.sqrt(60), rel=0.01)


def test_too_few_weeks_events_or_customers_leave_the_section_out():
    weeks, events = shop(effect=0.0, chosen=False)
    asked = {"segments": np.ones(len(weeks.customers)), "quiet": 4, "least": 10}
    with pytest.raises(TooLittle, match="No contact is known"):
        touchpoints.follow(events[:0], weeks, match=Match(4, 4, 3, 0.5), **asked)
    with pytest.raises(TooLittle, match=r"more than \d+ weeks of data"):
        touchpoints.follow(events, weeks, match=Match(400, 4, 3, 0.5), **asked)
    with pytest.raises(TooLittle, match="more than 5 weeks of data"):
        touchpoints.follow(events, weeks, match=Match(0, 0, 3, 0.5), **asked)
    with pytest.raises(TooLittle, match="100000 customers with similar ones"):
        touchpoints.follow(
            events, weeks, match=Match(4, 4, 3, 0.5), **asked | {"least": 100_000}
        )


def test_what_follows_in_sales_stands_beside_its_check():
    rows = [
        ("a_b", "sales", "no difference seen", 5),
        ("a_b", "orders", "more", 1),
        ("a_b", "earlier sales", "", -2),
        ("visit", "sales", "more", 3),
        ("visit", "earlier sales", "", 1),
        ("need: t", "sales", "no difference seen", 9),
        ("need: t", "earlier sales", "", 0),
    ]
    table = pd.DataFrame(
        rows, columns=["touchpoint", "outcome", "verdict", "difference"]
    )
    found = touchpoints.judged(table.assign(low=-1, high=10))
    assert found["touchpoint"].tolist() == ["visit", "need: t", "a b"]
    assert found["check"].tolist() == [1, 0, -2]
    assert found[["check_low", "check_high"]].to_numpy().tolist() == [[-1, 10]] * 3
