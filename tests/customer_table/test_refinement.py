"""A second file beside the first: by simulation of no change, and of planted change."""

import json
import shutil
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
import pytest
from customer_table import cells, made

from helpers.core import paths, store
from helpers.core.errors import BadInput
from helpers.customer_table import measures, methods, model, preparation, refinement
from helpers.display import words
from helpers.intake import own_files
from helpers.refinement import refit as of_models

NAMES = {1: "Price first", 2: "Looks first"}
ITEMS = [f"q{i}" for i in range(10)]


def dictionary(numbers=()):
    rows = [
        (name, "number" if name in numbers else "yes_no", name in ITEMS)
        for name in [*ITEMS, *numbers]
    ]
    table = pd.DataFrame(rows, columns=["feature", "measure", "builds"])
    levels = [
        json.dumps(["no", "yes"]) if one == "yes_no" else "" for one in table["measure"]
    ]
    return table.assign(family="requirement", levels=levels)


def answers(group, seed, *, missing=0.05, contrast=0.4, first=0):
    """Give ten yes/no items of two classes that differ by twice the contrast."""
    rng = np.random.default_rng(seed)
    share = np.where(
        np.arange(10) % 2 == np.asarray(group)[:, None], 0.5 + contrast, 0.5 - contrast
    )
    said = (rng.random(share.shape) < share).astype(float)
    said[rng.random(said.shape) < missing] = np.nan
    table = pd.DataFrame(said, columns=ITEMS)
    table.insert(0, "customer_id", [f"c{i + first:05}" for i in range(len(table))])
    return table


def fitted(features, k=2):
    prepared = preparation.fit(features, dictionary=dictionary(), winsor=0.0)
    given = {"tried": ["kmeans"], "k_values": [k], "seed": 1, "n_init": 5}
    rule = methods.fit(prepared, prepared.raw(features), **given)["kmeans", k]
    return prepared, rule, Labelled(prepared, rule)


@dataclass
class Labelled:
    """A rule that leaves nobody out."""

    prepared: preparation.Preparation
    rule: methods.Rule

    def __call__(self, table):
        return self.rule.labels(self.prepared, table) + 1

    def assign(self, table):
        return pd.DataFrame({"segment_id": self(table)})


@pytest.fixture(scope="module")
def first():
    group = np.arange(400) % 2
    features = answers(group, 1)
    return group, features, *fitted(features)


def test_without_change_an_alarm_is_as_rare_as_said():
    rng = np.random.default_rng(7)
    told = dictionary(numbers=["spend"])
    alarms = 0
    for seed in range(60):
        tables = [
            answers(rng.integers(0, 2, n), 1000 * seed + n).assign(
                spend=rng.lognormal(size=n).round(1)
            )
            for n in (250, 150)
        ]
        alarms += refinement.drift(*tables, dictionary=told, alpha=0.1)["beyond"].any()
    assert alarms / 60 <= 0.17


def test_a_column_that_changed_is_named_and_one_that_went_missing_too(first):
    _, features, *_ = first
    after = answers(np.arange(300) % 2, 5, first=1000)
    rng = np.random.default_rng(1)
    after["q0"] = (rng.random(300) < 0.95) * 1.0
    after["q1"] = after["q1"].mask(rng.random(300) < 0.4)
    table = refinement.drift(features, after, dictionary=dictionary(), alpha=0.05)
    assert set(table.loc[table["beyond"], "feature"]) == {"q0", "q1"}
    row = table.set_index("feature").loc["q0"]
    assert (row["before"], row["after"]) == (features["q0"].mean(), after["q0"].mean())
    facts = refinement.drifted(table, meanings={"q0": "Safety", "q1": "Design"})
    assert (facts["branch"], facts["builders"]) == ("builders", 2)
    assert words.finding("table-keep-drift", **facts)["decision"]


def test_parts_that_few_are_in_are_counted_together():
    one = pd.Series(["a"] * 50 + ["b"] * 50)
    other = pd.Series(["a"] * 50 + ["b"] * 47 + ["c", "d", None])
    counts = refinement._counts(one, other, numbers=False)
    assert counts.tolist() == [[50, 50, 0], [50, 47, 3]]


def labels(counts, first=0):
    values = np.repeat(list(counts), list(counts.values()))
    return pd.Series(values, index=[f"c{i + first}" for i in range(len(values))])


def test_shares_of_two_samples_are_compared_as_two_proportions():
    before, after = labels({1: 60, 2: 40, 0: 9}), labels({1: 90, 2: 110}, first=1000)
    table = refinement.shares(before, after, names=NAMES, alpha=0.05)
    assert table["change"].tolist() == pytest.approx([-0.15, 0.15])
    error = np.sqrt(0.6 * 0.4 / 100 + 0.45 * 0.55 / 200)
    # two segments share the error
    assert table["high"][0] == pytest.approx(-0.15 + 2.2414 * error, abs=1e-4)
    assert table["customers_before"].tolist() == [60, 40]
    assert table["beyond"].tolist() == [True, True]


def test_the_same_customers_count_once():
    before = labels({1: 100, 2: 100})
    after = before.copy()
    after.iloc[95:100] = 2  # five of the same customers moved: paired, that is clear
    table = refinement.shares(before, after, names=NAMES, alpha=0.05)
    error = np.sqrt(5 / 200**2)
    assert table["change"][0] == pytest.approx(-0.025)
    assert table["high"][0] == pytest.approx(-0.025 + 2.2414 * error, abs=1e-3)


def moves(first, after):
    _, features, _, _, assign = first
    before, after = refinement.both(features, after)
    given = {"model": assign, "dictionary": dictionary(), "draws": 10, "seed": 1}
    drawn = refinement.noise(before, after, **given)
    own = (assign(before), assign(after), drawn)
    return refinement.movement(*own, alpha=0.05), refinement.paths_of(*own, alpha=0.05)


def test_answers_that_wobble_are_no_movement():
    # little contrast, so that wobbling answers move many; nobody changed class
    beyond = 0
    for seed in range(8):
        group = np.arange(400) % 2
        features = answers(group, 50 + seed, contrast=0.15)
        one = (group, features, *fitted(features))
        table, _ = moves(one, answers(group, 90 + seed, contrast=0.15))
        assert table["moved"][0] > 0.05
        beyond += table["low"][0] > 0
    assert beyond <= 1


def test_customers_who_changed_class_move_beyond_noise(first):
    group, *_ = first
    new = group.copy()
    new[:80:2] = 1  # a fifth of the first class
    table, paths = moves(first, answers(new, 3))
    whole = table.iloc[0]
    assert whole["low"] > 0
    assert whole["excess"] == pytest.approx(0.1, abs=0.05)
    assert paths["beyond"].sum() == 1
    facts = refinement.moving(table, paths, names=NAMES)
    assert facts["branch"] == "more"
    assert " to " in facts["paths"]
    assert words.finding("table-keep-movement", **facts)["decision"]


def test_who_is_in_both_files_is_matched_by_id(first):
    _, features, *_ = first
    after = features.sample(frac=0.5, random_state=1)
    one, other = refinement.both(features, after)
    assert one["customer_id"].tolist() == other["customer_id"].tolist()
    assert len(one) == 200
    pd.testing.assert_frame_equal(one, other)


def test_the_refit_of_the_same_classes_keeps_the_segments(first):
    *_, prepared, rule, assign = first
    after = answers(np.arange(300) % 2, 8, first=1000)
    anew = refinement.refit(prepared, rule, after, seed=1, n_init=5)
    matched = of_models.match(
        assign(after),
        anew.labels(prepared, after) + 1,
        survive=0.5,
        part=0.2,
        segments=2,
    )
    facts = refinement.lives_on(matched, segments=2)
    assert (facts["kept"], facts["split"], facts["born"]) == (2, 0, 0)
    given = {"seed": 1, "n_init": 5, "folds": 5, "n_bootstrap": 100}
    table = refinement.compared(prepared, rule, after, **given)
    found = refinement.gains(table)
    assert found["gain_low"] < 0.01
    kept = {"alarm": True, "match": matched, "min_gain": 0.01, "min_jaccard": 0.5}
    gain = {name: found[name] for name in ("gain", "gain_low")}
    assert of_models.decide(**kept, **gain) == "watch"


def test_new_classes_are_described_better_by_a_refit(first):
    _, _, prepared, rule, _ = first
    rng = np.random.default_rng(2)
    share = np.where(np.arange(10) < 5, 0.9, 0.1)
    group = np.arange(400) % 2
    said = rng.random((400, 10)) < np.where(group[:, None] == 0, share, 1 - share)
    after = pd.DataFrame(said * 1.0, columns=ITEMS)
    after.insert(0, "customer_id", [f"n{i:04}" for i in range(400)])
    given = {"seed": 1, "n_init": 5, "folds": 5, "n_bootstrap": 100}
    found = refinement.gains(refinement.compared(prepared, rule, after, **given))
    assert found["gain_low"] > 0.1


def test_reasons_name_columns_that_build_and_shares():
    drifts = pd.DataFrame(
        {"feature": ["q0", "age"], "builds": [True, False], "beyond": True}
    )
    changes = refinement.shares(
        labels({1: 60, 2: 40}),
        labels({1: 90, 2: 160}, first=500),
        names=NAMES,
        alpha=0.05,
    )
    found = refinement.reasons(drifts, changes, names=NAMES, meanings={"q0": "Safety"})
    assert found[0] == "Safety drifted"
    assert "the share of “Price first” changed by \N{MINUS SIGN}24 points" in found
    assert len(found) == 3


def test_a_second_file_is_mapped_without_roles_and_by_the_first_levels():
    attributes = pd.DataFrame(
        [
            ("q0", "yes_no", "", ""),
            ("size", "ordered", '["small", "large"]', ""),
            ("spend", "number", "", "value"),
            ("left", "yes_no", "", "churned"),
        ],
        columns=["attribute", "measure", "levels", "role"],
    ).assign(table="customers")
    features = pd.DataFrame(columns=["customer_id", "q0", "size", "spend"])
    block = {
        "file": "survey.csv",
        "decimal": ",",
        "columns": {
            "customer_id": "No",
            "q0": "Q",
            "size": "S",
            "spend": "E",
            "left": "L",
        },
        "requirement": ["q0", "left"],
        "firmographic": ["size"],
        "value": "spend",
        "churned": "left",
        "outcome": ["left"],
    }
    content = {"source": "files", "tables": {"customers": block}}
    found = refinement.mapped(content, attributes, features, "wave.csv")["tables"][
        "customers"
    ]
    assert found["file"] == "wave.csv"
    assert found["columns"] == {
        "customer_id": "No",
        "q0": "Q",
        "size": "S",
        "spend": "E",
    }
    assert found["measures"] == {
        "q0": "yes_no",
        "size": ["small", "large"],
        "spend": "number",
    }
    assert found["requirement"] == ["q0"]
    assert "churned" not in found and "outcome" not in found
    assert found["decimal"] == ","
    assert block["file"] == "survey.csv"


# --- A file, and the notebook


@pytest.fixture
def survey(monkeypatch, tmp_path):
    """Give attributes and features of the bundled survey, and a raw folder to spoil."""
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    raw = tmp_path / "data/raw/uniform_survey"
    shutil.copytree(paths.ROOT / "data/raw/uniform_survey", raw)
    con = duckdb.connect()
    own_files.receive(con, run="uniform_survey")
    attributes = con.table("received_attributes").df()
    customers = con.table("received_customers").df()
    own = attributes[attributes["attribute"].isin(customers.columns)]
    return own, measures.model_form(customers, own), raw


def test_a_second_file_is_read_as_the_first_one_was(survey):
    attributes, features, raw = survey
    found = refinement.read(
        "second_wave.csv", attributes, features, run="uniform_survey"
    )
    assert list(found.columns) == list(features.columns)
    told = pd.read_csv(raw / "second_wave.csv").drop_duplicates()
    asked = told[
        told["Repairs"].notna() | told["Industry"].notna() | told["Low price"].notna()
    ]
    assert set(asked["Respondent"]) <= set(found["customer_id"])
    same = found.set_index("customer_id")
    repairs = asked.set_index("Respondent")["Repairs"].map({"Yes": 1.0, "No": 0.0})
    pd.testing.assert_series_equal(
        same.loc[repairs.index, "repairs"], repairs, check_names=False
    )
    # 7.5 is no share: it becomes missing, and its row stays
    assert same["online_share"].max() <= 1


def test_a_second_file_of_another_shape_is_refused_by_name(survey):
    attributes, features, raw = survey
    told = pd.read_csv(raw / "second_wave.csv").drop(columns="Repairs")
    told.to_csv(raw / "odd.csv", index=False)
    with pytest.raises(BadInput, match=r"Second file: .*no column Repairs"):
        refinement.read("odd.csv", attributes, features, run="uniform_survey")
    with pytest.raises(BadInput, match=r"Second file: .*gone\.csv"):
        refinement.read("gone.csv", attributes, features, run="uniform_survey")


def test_without_a_second_file_nothing_is_invented(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    table = made.survey(60)
    table.documents["segment_names"] = {}
    cells.ready(table, "made")
    features, about = table.tables["features"], table.tables["feature_dictionary"]
    prepared = preparation.fit(features, dictionary=about[about["builds"]], winsor=0.0)
    empty = {"rule": None, "value_column": "", "value_cuts": {}, "borderline": 0.9}
    one = model.Model(run="made", preparation=prepared, min_known=0.5, **empty)
    model.save(one, store.path("segment_model", run="made"))
    names, _, left_out = cells.execute("07_refinement", run="made", second_file="auto")
    assert left_out.keys() == {"second"}
    assert [one["id"] for one in names["found"]] == ["table-keep-nothing"]
