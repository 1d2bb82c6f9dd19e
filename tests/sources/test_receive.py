"""Tables of any source under the standard names, and no word of what was planted."""

import json
import shutil

import duckdb
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from helpers.cleaning import rules
from helpers.core import errors, paths, schema
from helpers.display import plots
from helpers.runs import dependencies, run_file
from helpers.sources import receive, uniform_supplier

RUN = "uniform_supplier"
SMALL = {"accounts": 200, "planted": True, "seed": 17}
OF_THE_SOURCE = {"raw_folder": "", "time_zone": "Europe/Berlin", **SMALL}
TABLES = [
    *("customers", "products", "campaigns", "contacts", "responses", "surveys"),
    *("contracts", "interactions", "leads", "attributes"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Keep everything generated in a folder of this file's tests."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDY_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def supplier(home):
    """Receive a small supplier; give the connection and the table of what came."""
    with duckdb.connect() as con:
        yield con, receive.receive(con, run=RUN, source=RUN, **OF_THE_SOURCE)


def rows(con, query):
    return con.execute(query).fetchall()


def test_every_simulated_table_is_received_under_its_standard_name(supplier):
    con, found = supplier
    assert rules.received(con) == TABLES
    assert set(found["table"]) == {*TABLES, "lines"} <= schema.TABLES.keys()
    for name, count in zip(found["table"], found["rows"], strict=True):
        assert rows(con, f"select count(*) from received_{name}") == [(count,)]
    assert dict(zip(found["table"], found["rows"], strict=True))["customers"] == 200


def test_the_tables_are_those_of_the_seed(supplier):
    con, _ = supplier
    tables, _ = uniform_supplier.uniform_supplier(seed=17, accounts=200)
    for name in ("customers", "contracts", "interactions"):
        found = con.sql(f"from received_{name}").df()
        columns = {column: found[column].dtype for column in found}
        pd.testing.assert_frame_equal(found, tables[name].astype(columns))


def test_a_line_that_repeats_an_earlier_one_is_marked_and_the_earlier_is_not(supplier):
    con, _ = supplier
    lines = con.sql("from received_lines order by line_id").df()
    content = [name for name in lines if name not in ("line_id", "duplicate")]
    assert lines["duplicate"].equals(lines.duplicated(content))
    assert 0 < lines["duplicate"].sum() < 0.01 * len(lines)


def test_the_truth_lies_in_the_raw_folder_and_is_no_received_table(supplier, home):
    con, found = supplier
    file = home / "data/raw" / RUN / "truth.json"
    assert len(json.loads(file.read_text())["segments"]) == 200
    views = {name for (name,) in rows(con, "select table_name from duckdb_tables()")}
    views |= {name for (name,) in rows(con, "select view_name from duckdb_views()")}
    assert "received_lines" in views
    assert not [name for name in views if "truth" in name]
    assert "truth" not in set(found["table"])


def test_without_planted_effects_the_truth_says_so_and_needs_are_the_same(home):
    given = OF_THE_SOURCE | {"planted": False}
    with duckdb.connect() as con:
        receive.receive(con, run="null_supplier", source=RUN, **given)
    folder = home / "data/raw"
    planted, null = (
        json.loads((folder / run / "truth.json").read_text())
        for run in (RUN, "null_supplier")
    )
    assert planted["drift"] and not null["drift"]
    assert planted["segments"] == null["segments"]


def test_a_broken_raw_folder_of_another_run_is_of_no_concern(home, supplier):
    con, _ = supplier
    before = con.sql("select sum(amount_cents) from received_lines").fetchall()
    with duckdb.connect() as other:
        given = OF_THE_SOURCE | {"seed": 18}
        receive.receive(other, run="other_supplier", source=RUN, **given)
        after = other.sql("select sum(amount_cents) from received_lines").fetchall()
    assert before != after
    assert before == con.sql("select sum(amount_cents) from received_lines").fetchall()


def test_groceries_are_received_from_the_folder_that_is_named(journey, save):
    folder = save(journey)
    given = OF_THE_SOURCE | {"raw_folder": str(folder), "time_zone": "America/New_York"}
    with duckdb.connect() as con:
        receive.receive(con, run="ab", source="complete_journey", **given)
        first = rows(con, "select min(ordered_at)::varchar from received_lines")
        assert first == [("2017-01-15 21:30:00",)]
        assert rules.received(con)[-1] == "attributes"
        kinds = rows(con, "select distinct kind from received_attributes")
        assert kinds == [("demographic",)]


@pytest.mark.parametrize("source", run_file.SOURCES)
def test_a_reader_is_told_of_every_source_where_it_comes_from_and_its_limits(source):
    about = receive.ABOUT[source]
    assert about["subtitle"] and about["provenance"] and about["limits"]
    assert about.get("simulated", False) == (source == RUN)


def test_columns_that_only_helped_to_clean_are_left_out():
    with duckdb.connect() as con:
        con.execute(
            """create table clean_lines as select 1 as line_id, true as duplicate,
                false as cancelled, 7 as amount_cents;
            create table rejected_lines as select 2 as line_id, 'why' as reason"""
        )
        found = con.sql(f"from {receive.settled(con, 'clean_lines')}").df()
        assert found.to_dict("records") == [{"line_id": 1, "amount_cents": 7}]
        left = con.sql(f"from {receive.settled(con, 'rejected_lines')}").df()
        assert list(left) == ["line_id", "reason"]


# --- What was planted stays unread

MAY_READ = {"simulate", "recovery"}
JUDGES = "09_recovery"
TOLD = ("truth.json", "lead_segments", "best_auc", "SEGMENT_SHARES")


@pytest.mark.parametrize("book", paths.notebooks(), ids=lambda book: book.stem)
def test_no_notebook_but_the_one_that_judges_reads_what_was_planted(book):
    if book.stem == JUDGES:
        return
    code = "\n".join(run_file.code(book))
    assert not [word for word in TOLD if word in code]
    assert not dependencies.imported(code) & MAY_READ


HELPERS = sorted((paths.ROOT / "src/helpers").glob("*.py"))


@pytest.mark.parametrize("file", HELPERS, ids=lambda file: file.stem)
def test_no_helper_but_those_that_make_and_judge_names_what_was_planted(file):
    text = file.read_text("utf-8")
    used = dependencies.imported(text) & MAY_READ
    if file.stem not in MAY_READ:
        assert not [word for word in TOLD if word in text]
        assert not used or (file.stem, used) == ("receiving", {"simulate"})
    elif file.stem == "simulate":
        assert all(word in text for word in TOLD)  # else the words look for nothing


def execute(book: str, **more) -> None:
    """Execute a notebook of the supplier's run here and now."""
    names: dict = {}
    left_out: set = set()
    for cell in json.loads(run_file.notebook_file(book).read_text("utf-8"))["cells"]:
        tags = cell["metadata"].get("tags", [])
        if cell["cell_type"] != "code" or left_out.intersection(tags):
            continue
        try:
            exec("".join(cell["source"]), names)
        except errors.TooLittle:
            left_out.add(tags[-1])
        if "parameters" in tags:
            names |= run_file.parameters(RUN, book) | more


@pytest.fixture(scope="module")
def cleaned(home):
    """Execute notebook 1 on the small supplier and give its clean tables' folder."""
    with pytest.MonkeyPatch.context() as patch, matplotlib.rc_context():
        patch.setattr(plots, "show", lambda figure, alt: plt.close(figure))
        execute("01_cleaning", accounts=200)
        yield home / "data/interim" / RUN


@pytest.mark.slow
def test_features_are_the_same_bytes_whatever_stands_in_the_truth(cleaned, home):
    raw, made = home / "data/raw" / RUN, home / "data/processed" / RUN
    planted = json.loads((raw / "truth.json").read_text())

    def build():
        shutil.rmtree(made, ignore_errors=True)
        execute("02_feature_engineering")
        return {file.name: file.read_bytes() for file in made.glob("*.*")}

    with_truth = build()
    (raw / "truth.json").unlink()
    without = build()
    turned = {one: 6 - segment for one, segment in planted["segments"].items()}
    (raw / "truth.json").write_text(json.dumps(planted | {"segments": turned}))
    with_another = build()
    shutil.rmtree(raw)  # nothing raw at all: notebook 2 reads the clean tables alone
    assert with_truth == without == with_another == build()
    assert {"features.parquet", "preparation.json"} <= with_truth.keys()


@pytest.fixture(scope="module")
def truth():
    """Plant the same once more, as no notebook may read it."""
    return uniform_supplier.uniform_supplier(seed=17, accounts=200)[1]


def test_no_clean_table_holds_a_segments_name_or_a_column_of_that_name(cleaned, truth):
    names = truth["segment_names"]
    for file in sorted(cleaned.glob("*.parquet")):
        table = pd.read_parquet(file)
        assert not [name for name in table if "segment" in name or "truth" in name]
        for column in table.select_dtypes(["object", "str", "string"]):
            assert not set(names.values()) & set(table[column].dropna().astype(str))


def by_customer(table):
    """Give one row a customer: means of numbers and times, else the commonest value.

    Text becomes the rank of its value, so that a number hidden in an id counts too; the
    place of the customer's first row in the table is a column of its own.
    """
    told = {"place": pd.Series(np.arange(len(table)), table["customer_id"])}
    for name in table:
        values = table[name]
        if values.dtype == "object" or pd.api.types.is_string_dtype(values):
            values = values.rank(method="dense")
        elif pd.api.types.is_datetime64_any_dtype(values):
            values = values.astype("int64")
        told[name] = pd.Series(values.astype(float).to_numpy(), table["customer_id"])
    grouped = {name: column.groupby(level=0) for name, column in told.items()}
    few = {name for name, column in told.items() if column.nunique() <= 40}
    return pd.DataFrame(
        {
            name: group.agg(lambda v: v.mode().min()) if name in few else group.mean()
            for name, group in grouped.items()
        }
    ).assign(place=grouped["place"].first())


def told_by_each(table, segment):
    """Say how often a tree on each column alone names the segment of unseen accounts."""
    tree = DecisionTreeClassifier(max_leaf_nodes=20, min_samples_leaf=3, random_state=1)
    parts = KFold(3, shuffle=True, random_state=1)
    joined = by_customer(table).join(segment, how="inner").fillna(-1)
    return {
        name: (
            cross_val_predict(tree, joined[[name]], joined["segment"], cv=parts)
            == joined["segment"]
        ).mean()
        for name in joined.columns.drop("segment")
    }


# How an account behaves, from which its segment is to be found.
BEHAVIOUR = {"channel", "topic"}


@pytest.mark.parametrize("name", ["lines", *TABLES])
def test_no_column_of_a_clean_table_tells_the_planted_segment(cleaned, truth, name):
    table = pd.read_parquet(cleaned / f"{name}.parquet")
    planted = truth["segments"]
    if name == "leads":
        table["customer_id"], planted = table["lead_id"], truth["lead_segments"]
    if "customer_id" in table:
        found = told_by_each(table, pd.Series(planted, name="segment"))
        assert {
            n: share for n, share in found.items() if share > 0.5
        }.keys() <= BEHAVIOUR
        assert max(found.values()) < 0.9
    else:
        assert name in {"products", "campaigns", "attributes"}


@pytest.mark.parametrize("hidden", ["column", "order", "id"])
def test_a_column_an_order_or_an_id_that_told_the_segment_would_be_noticed(
    cleaned, truth, hidden
):
    segment = pd.Series(truth["segments"], name="segment")
    table = pd.read_parquet(cleaned / "contracts.parquet")
    table = table.join(segment, on="customer_id")
    if hidden == "order":
        table = table.sort_values("segment", kind="stable").reset_index(drop=True)
    elif hidden == "id":
        table["contract_id"] = table["segment"].astype(str) + table["contract_id"]
    if hidden != "column":
        table = table.drop(columns="segment")
    else:
        table = table.rename(columns={"segment": "region"})
    assert max(told_by_each(table, segment).values()) > 0.9


def test_a_customer_table_says_whether_it_is_simulated():
    own = receive.about_table("", simulated=False)
    assert own == receive.ABOUT["customer_table"]
    made = receive.about_table("A survey", simulated=True)
    assert made["subtitle"] == "A survey: simulated"
    assert made["simulated"] is True
    assert set(made["limits"]) > set(own["limits"])
    assert any("exists" in said for said in made["provenance"])
    assert "simulated" not in receive.about_table("A survey", simulated=False)
