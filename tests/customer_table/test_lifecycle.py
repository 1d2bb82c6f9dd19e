"""Who leaves, who is late and who buys again: by hand, by lifelines and by lifetimes."""

import importlib.util
import pathlib

import lifelines
import numpy as np
import pandas as pd
import pytest
from customer_table import cells, made

from helpers.core.errors import TooLittle
from helpers.customer_table import lifecycle
from helpers.lifecycle import clv, lifecycle_stages

NAMES = {1: "Price first", 2: "Looks first"}


def people(**columns):
    """Give one row a customer; without groups all are in segment 1."""
    table = pd.DataFrame(columns)
    table.insert(0, "customer_id", [f"c{i:05}" for i in range(len(table))])
    return table.assign(
        **{"segment_id": 1, "value_tier": "high"}
        | {n: table[n] for n in ("segment_id", "value_tier") if n in table}
    )


def test_who_stayed_is_followed_to_the_current_tenure():
    # by hand: 4 leave at 2 of 12, 4 stayed until 3, the last four leave at 5: 2/3, then 0
    months = [2.0] * 4 + [3.0] * 4 + [5.0] * 4
    left = ["yes"] * 4 + ["no"] * 4 + ["yes"] * 4
    found = lifecycle.durations(
        people(months=[*months, np.nan], gone=[*left, "yes"]),
        tenure="months",
        churned="gone",
        watched=0,
    )
    assert len(found) == 12
    curve = lifecycle_stages.retention_curves(found, by="segment_id", at=[0, 2, 4, 5])
    assert curve["retained"].tolist() == pytest.approx([1, 2 / 3, 2 / 3, 0])
    assert curve["at_risk"].tolist() == [12, 12, 4, 4]


def test_a_table_that_watched_for_a_month_counts_who_was_there_in_it():
    # of 10 in their first month 5 left in it, of 20 in the second 5: 1/2, then 3/8
    months = [1.0] * 10 + [2.0] * 20
    left = ["yes"] * 5 + ["no"] * 5 + ["yes"] * 5 + ["no"] * 15
    table = people(months=months, gone=left)
    given = {"tenure": "months", "churned": "gone"}
    found = lifecycle.durations(table, **given, watched=1)
    curve = lifecycle_stages.retention_curves(found, by="segment_id", at=[0, 1, 2])
    assert curve["retained"].tolist() == pytest.approx([1, 0.5, 0.375])
    assert curve["at_risk"].tolist()[1:] == [10, 20]
    naive = lifecycle.durations(table, **given, watched=0)
    curve = lifecycle_stages.retention_curves(naive, by="segment_id", at=[0, 1, 2])
    assert curve["retained"].tolist()[1] == pytest.approx(25 / 30)


@pytest.mark.parametrize("watched", [0, 3])
def test_groups_that_leave_at_another_pace_are_told_apart(watched):
    rng = np.random.default_rng(8)
    for rates, differ in (((30, 30), False), ((30, 8), True)):
        group = np.arange(600) % 2
        time, end = rng.exponential(np.array(rates)[group]), rng.uniform(3, 40, 600)
        table = people(
            months=np.minimum(time, end),
            gone=np.where(time <= end, "yes", "no"),
            segment_id=group + 1,
        )
        # a table that watched for three months lacks those who left before
        table = table[(time > end) | (time > end - 3) | (watched == 0)]
        rows = lifecycle.durations(
            table, tenure="months", churned="gone", watched=watched
        )
        assert (lifecycle.stay_alike(rows) < 0.001) == differ


def test_curves_end_where_ten_of_each_group_are_still_followed():
    rows = people(days=[*range(30), *range(20)], segment_id=[1] * 30 + [2] * 20)
    assert max(lifecycle.points(rows, by="segment_id")) == 10
    many = people(days=np.arange(500.0))
    assert len(lifecycle.points(many, by="segment_id")) <= 61


def test_rates_at_equal_tenure_are_those_of_direct_standardisation():
    # group 1: 40 new of whom 20 left, 10 old of whom 1; group 2: 10 of 5, 40 of 4
    rows = people(
        segment_id=[1] * 50 + [2] * 50,
        tenure=[1.0] * 40 + [9.0] * 10 + [1.0] * 10 + [9.0] * 40,
        happened=[True] * 20
        + [False] * 20
        + [True]
        + [False] * 9
        + [True] * 5
        + [False] * 5
        + [True] * 4
        + [False] * 36,
    )
    table, parts = lifecycle.rates(rows, alpha=0.05)
    assert parts == 2
    assert table["rate"].tolist() == pytest.approx([21 / 50, 9 / 50])
    # both have 0.5 among the new and 0.1 among the old, half of all are new
    assert table["adjusted"].tolist() == pytest.approx([0.3, 0.3])
    assert (table["adjusted_low"] < 0.3).all()
    assert (table["adjusted_high"] > 0.3).all()


def test_adjusted_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    hit = 0
    for _ in range(200):
        tenure = rng.integers(1, 60, 240)
        group = 1 + (rng.random(240) < 0.3 + 0.4 * (tenure > 30))
        happened = rng.random(240) < np.where(tenure > 30, 0.1, 0.4)
        rows = people(segment_id=group, tenure=tenure.astype(float), happened=happened)
        table, parts = lifecycle.rates(rows, alpha=0.05)
        truth = np.where(tenure > 30, 0.1, 0.4).mean()
        row = table.iloc[0]
        hit += parts > 0 and row["adjusted_low"] <= truth <= row["adjusted_high"]
    assert hit / 200 >= 0.92


def test_rates_stay_as_they_are_where_groups_share_no_tenure():
    rows = people(
        segment_id=[1] * 20 + [2] * 20,
        tenure=[1.0] * 20 + [9.0] * 20,
        happened=[True, False] * 20,
    )
    table, parts = lifecycle.rates(rows, alpha=0.05)
    assert parts == 0
    assert "adjusted" not in table


@pytest.fixture(scope="module")
def leavers():
    """Give 600 customers of whom yearly contracts leave at a third of the hazard."""
    rng = np.random.default_rng(3)
    yearly = rng.random(600) < 0.5
    noise = rng.normal(size=600)
    time = rng.exponential(np.where(yearly, 60, 20))
    end = rng.uniform(5, 60, 600)
    table = people(
        months=np.minimum(time, end), gone=np.where(time <= end, "yes", "no")
    )
    rows = lifecycle.durations(table, tenure="months", churned="gone", watched=0)
    features = table[["customer_id"]].assign(
        yearly=yearly * 1.0,
        noise=noise,
        paid=table["months"] * 3 + noise / 9,
        region=np.where(noise > 0, "north", None),
        same=1.0,
    )
    return rows, features


def test_what_repeats_the_tenure_or_never_varies_is_no_driver(leavers):
    columns, repeats = lifecycle.columns_of(leavers[1], leavers[0])
    assert repeats == ["paid"]
    assert list(columns) == ["yearly", "noise", "region: north"]


def test_drivers_are_hazard_ratios_of_cox(leavers):
    rows, features = leavers
    columns, _ = lifecycle.columns_of(features, rows)
    table = lifecycle.drivers(rows, columns, alpha=0.05)
    first = table.iloc[0]
    assert first["feature"] == "yearly"
    assert 1 / 4.5 < first["hazard_ratio"] < 1 / 2.2
    assert first["high"] < 1
    frame = rows[["days", "lapsed"]].assign(x=columns["yearly"].to_numpy())
    other = lifelines.CoxPHFitter().fit(frame, "days", "lapsed")
    assert first["hazard_ratio"] == pytest.approx(np.exp(other.params_["x"]))
    noise = table.set_index("feature").loc["noise"]
    assert noise["low"] < 1 < noise["high"]
    c, low, high = lifecycle.concordance(rows, columns, folds=5, seed=1)
    assert 0.55 < low < c < high < 0.75
    facts = lifecycle.driven(
        table, (c, low, high), meanings={"yearly": "Yearly contract"}
    )
    assert (facts["less"], facts["more"], facts["ranks"]) == (
        "Yearly contract",
        "none",
        "yes",
    )


def test_noise_does_not_rank_who_leaves(leavers):
    rows, features = leavers
    columns, _ = lifecycle.columns_of(features[["customer_id", "noise"]], rows)
    _, low, high = lifecycle.concordance(rows, columns, folds=5, seed=1)
    assert low < 0.5 < high + 0.05


def rates_of(rows):
    columns = ["segment_id", "customers", "rate", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize(
    ("rows", "p", "branch"),
    [
        ([(1, 100, 0.4, 0.3, 0.5), (2, 100, 0.1, 0.05, 0.2)], 0.001, "apart"),
        ([(1, 100, 0.3, 0.2, 0.4), (2, 100, 0.2, 0.1, 0.3)], 0.04, "differ"),
        ([(1, 100, 0.3, 0.2, 0.4), (2, 100, 0.29, 0.2, 0.4)], 0.8, "alike"),
        ([(1, 100, 0.3, 0.2, 0.4)], 1.0, "one"),
        ([(1, 5, 0.4, 0.1, 0.8), (2, 6, 0.5, 0.1, 0.8)], 0.5, "few"),
    ],
)
def test_leaving_claims_no_more_than_is_tested(rows, p, branch):
    facts = lifecycle.leaving(rates_of(rows), names=NAMES, parts=0, p=p, alpha=0.05)
    assert facts["branch"] == branch
    assert lifecycle.words.finding(
        "table-life-leaving", **facts, group="segment", what="left"
    )


def test_revenue_adds_up_and_what_leaving_puts_at_risk():
    table = people(fee=[10.0] * 60 + [30.0] * 60, segment_id=[1] * 60 + [2] * 60)
    left = rates_of([(1, 25, 0.2, 0.1, 0.3), (2, 25, 0.5, 0.4, 0.6)])
    found = lifecycle.revenue(table, fee="fee", table=left)
    assert found["recurring"].tolist() == [600, 1800]
    assert found["revenue_at_risk"].tolist() == pytest.approx([120, 900])
    assert found["revenue_at_risk_high"].tolist() == pytest.approx([180, 1080])
    facts = lifecycle.recurring(found, names=NAMES)
    assert (facts["top"], facts["risk"], facts["share"]) == (
        "Looks first",
        "Looks first",
        0.75,
    )
    with pytest.raises(TooLittle):
        lifecycle.revenue(table.head(5), fee="fee", table=None)


# --- Ready-made features

CLV = {
    "repeat_orders": ["x"],
    "last_order": ["t_x"],
    "observed": ["T"],
    "monetary": ["m"],
}


@pytest.fixture(scope="module")
def cdnow():
    """Give the reference buyers of CDs as a customer table."""
    where = importlib.util.find_spec("lifetimes").submodule_search_locations[0]
    file = (
        pathlib.Path(where) / "datasets/cdnow_customers_summary_with_transactions.csv"
    )
    table = pd.read_csv(file).set_axis(["id", "x", "t_x", "T", "m"], axis=1)
    return people(
        **{name: table[name].astype(float) for name in ("x", "t_x", "T", "m")}
    )


def test_known_answers_come_from_the_summary_itself(cdnow):
    orders = lifecycle.bought(cdnow, CLV)
    assert len(orders) == 2357
    found = clv.fit_rates(orders, bounds=(1e-4, 1e4))
    assert (found.r, found.alpha) == pytest.approx((0.2426, 4.414), rel=0.01)
    assert (found.a, found.b) == pytest.approx((0.793, 2.426), rel=0.01)
    assert found.log_likelihood == pytest.approx(-9582.43, abs=0.01)
    spend = clv.fit_spend(orders, bounds=(1e-4, 1e4))
    assert (spend.p, spend.q, spend.v) == pytest.approx((6.25, 3.74, 15.44), rel=0.01)


def test_recency_and_frequency_say_as_much_with_the_time_observed():
    # 5 orders, the last 20 days ago, the first 100 days ago: 4 gaps of 20 days
    roles = {"recency": ["r"], "frequency": ["f"], "monetary": ["m"], "observed": ["T"]}
    table = people(r=[20.0] * 12, f=[5.0] * 12, m=[250.0] * 12, T=[100.0] * 12)
    found = lifecycle.bought(table, roles).iloc[0]
    assert (found["frequency"], found["recency"], found["age"]) == (4, 80, 100)
    assert (found["spend"], found["paid"]) == (50, 4)
    with pytest.raises(TooLittle, match="since when"):
        lifecycle.bought(table, {k: v for k, v in roles.items() if k != "observed"})


def test_rows_that_contradict_themselves_are_left_out(cdnow):
    wrong = cdnow.head(40).copy()
    wrong.loc[:9, "t_x"] = 99.0
    wrong.loc[:9, "x"] = 2.0
    wrong.loc[10, "T"] = np.nan
    assert len(lifecycle.bought(wrong, CLV)) == 29


def test_late_is_judged_by_the_customers_own_usual_time():
    orders = pd.DataFrame(
        {
            "customer_id": list("abcd"),
            "segment_id": 1,
            "frequency": [4, 4, 4, 0],
            "recency": [80.0, 80, 80, 0],
            "age": [120.0, 150, 200, 90],
        }
    )  # silent for 2, 3.5 and 6 usual times of 20 days
    found = lifecycle.activity(orders, cuts={"active": 2.0, "slowing": 4.0})
    assert found["stage"].tolist() == ["active", "slowing", "lapsed", "Too little data"]


def test_cells_follow_the_cut_offs_that_are_shown():
    table = people(r=np.arange(1.0, 91), f=np.repeat([1.0, 2, 3], 30))
    cuts = lifecycle.cut_offs(table, ["r", "f"], parts=3)
    assert cuts.columns.tolist() == ["measure", "33%", "67%"]
    grid = lifecycle.cells(table, cuts, rows="r", columns="f")
    first = cuts.set_index("measure").loc["r", "33%"]
    assert grid.iloc[0].sum() == (table["r"] <= first).sum()
    assert grid.to_numpy().sum() == 90
    facts = lifecycle.lately_and_often(grid.astype(object), customers=90)
    assert facts["best"] == grid.iloc[0, -1] or grid.iloc[0, -1] == 0
    hidden = grid.astype(object).mask(grid < 100, "withheld")
    assert lifecycle.lately_and_often(hidden, customers=90)["best"] == "none"


def test_groups_are_segments_or_tiers_or_everybody():
    rows = people(segment_id=[1, 2, 0], value_tier=["low", "high", "high"])
    assert lifecycle.groups(rows, {"1": "Price first"}).names == {
        1: "Price first",
        2: "Segment 2",
    }
    rows = rows.assign(segment_id=0)
    found = lifecycle.groups(rows, {})
    assert found.names == {1: "High value", 2: "Low value"}
    assert found.assigned["segment_id"].tolist() == [2, 1, 1]
    found = lifecycle.groups(rows.assign(value_tier="not known"), {})
    assert found.names == {1: "All customers"}
    assert (found.assigned["segment_id"] == 1).all()


# --- The notebook on any table


def with_roles(table, **roles):
    """Add columns of a role to made tables: name -> (role, measure, values)."""
    for name, (role, measure, values) in roles.items():
        table.tables["customers"][name] = values
        row = {"table": "customers", "attribute": name, "kind": "none", "label": name}
        row |= {"measure": measure, "levels": "", "role": role}
        known = table.tables["attributes"]
        table.tables["attributes"] = pd.concat([known, pd.DataFrame([row])])
    return table


def run(table, monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    table.documents["segment_names"] = {"1": "Style", "2": "Price", "3": "Safety"}
    cells.ready(table, "made")
    return cells.execute("05_lifecycle_journey", run="made", n_bootstrap=20)


def test_a_table_with_tenure_and_fees_is_followed(monkeypatch, tmp_path):
    rng = np.random.default_rng(4)
    time, end = rng.exponential(40, 400), rng.uniform(2, 60, 400)
    table = with_roles(
        made.survey(400),
        months=("tenure", "count", np.ceil(np.minimum(time, end))),
        gone=("churned", "yes_no", np.where(time <= end, "yes", "no")),
        fee=("monthly_fee", "number", rng.lognormal(3, 0.5, 400)),
    )
    names, _, left_out = run(table, monkeypatch, tmp_path)
    assert set(left_out) == {"contracts", "orders", "rfm"}
    ids = {one["id"] for one in names["found"]}
    assert {
        "table-life-stay",
        "table-life-drivers",
        "table-life-revenue-finding",
    } <= ids
    still = table.tables["customers"].query("gone == 'no'")
    classified = table.tables["segments"].set_index("customer_id")["segment_id"] > 0
    fees = still.loc[still["customer_id"].map(classified), "fee"]
    assert names["revenue"]["recurring"].sum() == pytest.approx(fees.sum())


def test_a_table_of_orders_is_forecast(cdnow, monkeypatch, tmp_path):
    some = cdnow.head(600)
    table = with_roles(
        made.survey(600),
        x=("repeat_orders", "count", some["x"]),
        t_x=("last_order", "number", some["t_x"]),
        T=("observed", "number", some["T"]),
        m=("monetary", "number", some["m"]),
    )
    names, _, left_out = run(table, monkeypatch, tmp_path)
    assert not {"orders", "forecast", "worth"} & left_out.keys()
    orders = lifecycle.bought(some, CLV)
    rates = clv.fit_rates(orders, bounds=(1e-4, 1e4))
    expected = clv.expected_purchases(rates, orders, weeks=orders["age"].median())
    assert names["ahead"]["expected_orders"].sum() == pytest.approx(
        expected.sum(), rel=0.01
    )


@pytest.mark.parametrize(
    "given",
    [
        {"customers": 12},
        {"customers": 200, "value": False, "outcome": False},
        {"customers": 200, "value": False, "outcome": False, "usable": False},
        {"customers": 200, "usable": False},
    ],
)
def test_no_table_stops_the_notebook(given, monkeypatch, tmp_path):
    names, _, left_out = run(made.survey(**given), monkeypatch, tmp_path)
    assert {"tenure", "fees", "orders", "rfm"} <= left_out.keys()
    assert all(why.endswith((".", ")")) for why in left_out.values())
    assert names["found"]
