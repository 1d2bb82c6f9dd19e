"""Where value lies, what is recommended, and what a test of a size can decide."""

import numpy as np
import pandas as pd
import pytest
from customer_table import cells, made
from scipy import stats

from helpers.core.errors import TooLittle
from helpers.customer_table import activation
from helpers.display import words

NAMES = {1: "Price first", 2: "Looks first"}
DESIGN = {"control_share": 0.5, "alpha": 0.05, "power": 0.8}


def people(segment_id, value, tier="high", happened=np.nan):
    table = pd.DataFrame({"segment_id": segment_id, "value": value})
    table["customer_id"] = [f"c{i:04}" for i in range(len(table))]
    return table.assign(value_tier=tier, happened=happened)


def test_value_is_shared_out_by_segment_and_tier():
    rows = people(
        [1] * 40 + [2] * 40,
        [30.0] * 20 + [10.0] * 20 + [30.0] * 20 + [10.0] * 20,
        tier=(["high"] * 20 + ["low"] * 20) * 2,
    )
    counts, shares = activation.matrix(rows, names=NAMES)
    assert counts.loc["Price first"].tolist() == [20, 20]
    assert shares.loc["Looks first"].tolist() == ["38%", "12%"]


def test_cells_of_few_or_of_one_are_withheld_with_company():
    tier = ["high"] * 4 + ["low"] * 36 + ["high"] * 20 + ["low"] * 20
    rows = people([1] * 40 + [2] * 40, [10.0] * 80, tier=tier)
    counts, shares = activation.matrix(rows, names=NAMES)
    assert (counts.astype(str) == "withheld").to_numpy().all()
    assert (shares == "withheld").to_numpy().all()
    # one customer holds nearly all of a cell that many share
    rows = people(
        [1] * 40 + [2] * 40,
        [9999.0] + [10.0] * 79,
        tier=(["high"] * 20 + ["low"] * 20) * 2,
    )
    counts, shares = activation.matrix(rows, names=NAMES)
    assert counts.loc["Price first", "High value"] == 20
    assert shares.loc["Price first", "High value"] == "withheld"
    assert (shares == "withheld").to_numpy().sum() >= 3


def test_without_a_value_nothing_is_shared_out():
    with pytest.raises(TooLittle):
        activation.matrix(people([1] * 40, np.nan, tier="not known"), names=NAMES)
    with pytest.raises(TooLittle):
        activation.worth(people([1] * 40, np.nan), alpha=0.05, n_bootstrap=10, seed=1)


def worth(rows):
    return activation.worth(rows, alpha=0.05, n_bootstrap=200, seed=1)


def test_worth_is_a_mean_with_the_difference_from_all_others():
    rng = np.random.default_rng(2)
    rows = people(
        [1] * 60 + [2] * 40, [*rng.normal(100, 10, 60), *rng.normal(80, 10, 40)]
    )
    table = worth(rows).set_index("segment_id")
    own = rows.groupby("segment_id")["value"]
    assert table["value_each"].tolist() == pytest.approx(own.mean().tolist())
    assert table["share_value"].sum() == pytest.approx(1)
    assert table.loc[1, "beside"] == pytest.approx(own.mean()[1] - own.mean()[2])
    # two groups share the error: Welch's error at 1 - 0.05 / 2
    error = np.sqrt((own.var() / own.size()).sum())
    reach = stats.norm.isf(0.0125) * error
    assert table.loc[1, "beside_low"] == pytest.approx(table.loc[1, "beside"] - reach)
    facts = activation.resources(worth(rows), names=NAMES)
    assert (facts["branch"], facts["top"]) == ("more", "Price first")


@pytest.mark.parametrize(
    ("rows", "branch"),
    [
        (people([1] * 60 + [2] * 40, [5.0, 6.0] * 50), "alike"),
        (people([1] * 60 + [2] * 4, [5.0, 6.0] * 32), "few"),
        (people([1] * 60, [5.0, 6.0] * 30), "one"),
        (people([1] * 5 + [2] * 6, [5.0] * 11), "few"),
    ],
)
def test_value_claims_no_more_than_is_tested(rows, branch):
    facts = activation.resources(worth(rows), names=NAMES)
    assert facts["branch"] == branch
    assert words.finding("table-act-resources", **facts, group="segment")["decision"]


PROFILE = pd.DataFrame(
    [
        (1, "price", "Compares prices", "psychographic", "above", True, True),
        (1, "age", "Age", "demographic", "above", True, False),
        (1, "visits", "Visits", "behavioural", "above", True, False),
        (1, "repair", "Repairs", "requirement", "above", True, True),
        (1, "safety", "Safety", "requirement", "above", True, True),
        (1, "style", "Looks matter", "psychographic", "below", True, True),
        (2, "visits", "Visits", "behavioural", "above", True, False),
        (2, "advice", "Advice", "psychographic", "above", True, False),
        (3, "style", "Looks matter", "psychographic", "above", False, True),
    ],
    columns=[
        "segment_id",
        "feature",
        "label",
        "family",
        "direction",
        "marker",
        "used_to_build",
    ],
)
DIFFERENCES = PROFILE[["segment_id", "feature"]].assign(
    effect=[2, 1, 1, 0.3, 0.5, -1, 1, 1, 1]
)


def test_segments_are_offered_what_marks_them_and_they_ask_for():
    asks = activation.asked(PROFILE, DIFFERENCES)
    assert asks["asks"].tolist() == ["Safety and Repairs", "Advice"]
    assert asks["grade"].tolist() == ["by construction", "observed"]
    rows = people([1] * 60 + [2] * 40, [10.0, 11.0] * 30 + [5.0, 6.0] * 20)
    sizes = rows["segment_id"].value_counts()
    table = activation.advice(worth(rows), asks.head(1), names=NAMES, sizes=sizes)
    assert "Safety and Repairs" in table["advice"][0]
    assert "time of their own" in table["advice"][0]
    assert "Ask what they want" in table["advice"][1]
    assert table["grade"].tolist() == ["by construction", "assumed"]


def test_groups_of_few_get_no_recommendation():
    sizes = pd.Series({1: 50, 2: 5})
    table = activation.advice(None, None, names=NAMES, sizes=sizes)
    assert table.empty


def test_customers_needed_are_those_of_the_textbook():
    # the textbook: 60% against 50%, alpha 5%, power 80%: 388 an arm; up to 70% it is 356
    assert activation.needed(0.6, 0.1, **DESIGN) == pytest.approx(2 * 388, abs=2)
    # near 1 only the way down is left
    assert activation.needed(0.97, 0.05, **DESIGN) == activation.needed(
        0.03, 0.05, **DESIGN
    )


def test_a_test_that_is_large_enough_finds_the_effect_as_often_as_planned():
    rng = np.random.default_rng(3)
    n = activation.needed(0.3, 0.1, **DESIGN) // 2
    one, other = rng.binomial(n, 0.3, 2000) / n, rng.binomial(n, 0.4, 2000) / n
    mean = (one + other) / 2
    z = (other - one) / np.sqrt(2 * mean * (1 - mean) / n)
    assert np.mean(np.abs(z) > 1.96) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("sizes", "branch"),
    [
        ((900, 900), "each"),
        ((900, 100), "some"),
        ((400, 400), "pooled"),
        ((60, 60), "none"),
    ],
)
def test_what_can_be_decided_depends_on_who_is_there(sizes, branch):
    rows = people(
        [1] * sizes[0] + [2] * sizes[1], 1.0, happened=[1.0, 0.0] * (sum(sizes) // 2)
    )
    given = {"effects": [0.05, 0.1]}
    table = activation.power(rows, **given, assumed=0.05, **DESIGN)
    assert table["segment_id"].tolist() == [0, 1, 2]
    assert table["needed_10"].iloc[0] == activation.needed(0.5, 0.1, **DESIGN)
    facts = activation.decidable(table, **given, names=NAMES, assumed=0.05, **DESIGN)
    assert facts["branch"] == branch
    assert words.finding(
        "table-act-test", **facts, group="segment", power=0.8, outcome="none"
    )


def test_without_an_outcome_a_rate_is_assumed():
    table = activation.power(
        people([1] * 50, 1.0), effects=[0.1], assumed=0.05, **DESIGN
    )
    assert table["segment_id"].tolist() == [0]
    assert table["rate"].isna().all()
    assert table["needed_10"].tolist() == [activation.needed(0.05, 0.1, **DESIGN)]


def test_what_is_needed_gives_no_small_rate_away():
    happened = [1.0] * 4 + [0.0] * 96 + [1.0, 0.0] * 100 + [1.0, 0.0] * 150
    rows = people([1] * 100 + [2] * 200 + [3] * 300, 1.0, happened=happened)
    table = activation.power(rows, effects=[0.1], assumed=0.05, **DESIGN)
    # 4 of 100 would be told, and what is left of all would tell it
    assert table["rate"].isna().sum() >= 2
    hidden = table.loc[table["rate"].isna(), "needed_10"]
    assert (hidden == table["needed_10"].iloc[0]).all()


# --- The notebook on any table


def run(table, monkeypatch, tmp_path, **parameters):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    table.documents["segment_names"] = {"1": "Style", "2": "Price", "3": "Safety"}
    cells.ready(table, "made")
    given = {"run": "made", "n_bootstrap": 20} | parameters
    return cells.execute("06_activation", **given)


def test_arms_are_drawn_inside_segments(monkeypatch, tmp_path):
    table = made.survey(900)
    names, _, left_out = run(table, monkeypatch, tmp_path, control_share=0.4)
    assert "draw" not in left_out
    plan = names["plan"]
    assert len(plan) == (table.tables["segments"]["segment_id"] > 0).sum()
    share = (plan["arm"] == "control").groupby(plan["segment_id"]).mean()
    assert share.between(0.38, 0.42).all()
    assert (tmp_path / "data/processed/made/test_plan.csv").exists()


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"customers": 12}, {"figure", "advice", "test"}),
        (
            {"customers": 200, "value": False, "outcome": False},
            {"matrix", "value", "asks"},
        ),
        (
            {"customers": 200, "value": False, "outcome": False, "usable": False},
            {"value", "asks"},
        ),
        ({"customers": 200, "usable": False}, {"matrix", "asks"}),
    ],
)
def test_no_table_stops_the_notebook(given, missing, monkeypatch, tmp_path):
    names, _, left_out = run(made.survey(**given), monkeypatch, tmp_path)
    assert missing <= left_out.keys()
    assert names["found"]


def test_weights_count_customers_as_copies_would():
    people = pd.DataFrame(
        {
            "customer_id": [f"c{i:02}" for i in range(40)],
            "segment_id": [1, 2] * 20,
            "value": np.arange(40.0) ** 2,
            "weight": [1.0, 1.0, 3.0, 2.0] * 10,
        }
    )
    found = activation.worth(people, alpha=0.05, n_bootstrap=50, seed=1)
    copied = people.loc[people.index.repeat(people["weight"].astype(int))]
    by_copies = copied.groupby("segment_id")["value"]
    assert found["value_each"].tolist() == pytest.approx(by_copies.mean().tolist())
    assert found["value_total"].tolist() == pytest.approx(by_copies.sum().tolist())
    assert found["share_customers"].tolist() == pytest.approx([40 / 70, 30 / 70])
    apart = by_copies.mean().loc[1] - by_copies.mean().loc[2]
    assert found["beside"].tolist() == pytest.approx([apart, -apart])
