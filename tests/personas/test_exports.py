"""Customer lists for other programs: complete, whole, and harmless in a spreadsheet."""

import csv
import re

import duckdb
import pandas as pd
import pytest
from clustering.test_model import MODEL, customers

from helpers.clustering import model
from helpers.core import paths, schema
from helpers.core.errors import BadInput
from helpers.personas import exports
from helpers.runs import run_file

ASSIGNED = MODEL.assign(customers({"share_b": 1.0}, {"orders": 1}, {"share_a": 0.6}))


def test_membership_names_the_own_and_the_next_segment():
    found = exports.membership(
        ASSIGNED, model=MODEL.named({"1": "Häuslich", "2": "Jung"})
    )
    assert found["customer_id"].tolist() == ["c0", "c1", "c2"]
    assert found["segment"].tolist() == ["Jung", model.TOO_LITTLE, "Segment 3"]
    assert found["second"].iloc[[0, 2]].tolist() == ["Häuslich", "Häuslich"]
    assert found["second_id"].iloc[[0, 2]].tolist() == [1, 1]
    assert found.loc[1, ["second_id", "second", "distance", "probability"]].isna().all()
    assert found["probability"].iloc[0] == 1
    assert found["distance"].iloc[0] == pytest.approx(0)
    for column in ("borderline", "value_tier", "activity", "deal_proneness"):
        assert found[column].tolist() == ASSIGNED[column].tolist()
    assert schema.check(found, "segment_membership").equals(found)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+SUM(A1)",
        "-2+3",
        "@cmd",
        "\t=1",
        "\r=1",
        "\n=1",
        '=HYPERLINK("x")',
        "-",
        "-1 and more",
        "+49 30 1234",
        "\N{FULLWIDTH EQUALS SIGN}1+1",
        "\N{FULLWIDTH HYPHEN-MINUS}1",
        "\N{FULLWIDTH PLUS SIGN}1",
        "\N{FULLWIDTH COMMERCIAL AT}cmd",
        "\N{SMALL EQUALS SIGN}1",
        " =1",
        "\N{ZERO WIDTH NO-BREAK SPACE}=1",
        "\N{NO-BREAK SPACE}\x00@x",
        "\t text",
    ],
)
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert exports.spreadsheet_safe(text) == f"'{text}"


def test_a_beginning_in_the_middle_is_made_safe_where_cells_end_at_another_mark():
    assert exports.spreadsheet_safe("a;=1;-b, -c") == "a;'=1;'-b, -c"
    assert exports.spreadsheet_safe("=1\n=2") == "'=1\n'=2"


@pytest.mark.parametrize(
    "value",
    ["-12.5", "-3", "7", "Home", "a=b", "", "'quoted", "3-4", -12.5, None, True],
)
def test_numbers_and_harmless_texts_stay_as_they_are(value):
    assert exports.spreadsheet_safe(value) is value


LIST = pd.DataFrame(
    {
        "=id": ["=1+1", "é", "-5"],
        "amount": [-12.5, 0.0, None],
        "note": ["a,b", 'q"', "x\ny"],
    }
)


def test_the_csv_is_read_back_by_others_as_it_was_meant(tmp_path):
    file = tmp_path / "deep" / "list.csv"
    exports.write_csv(LIST, file)
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    with file.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.reader(handle))
    assert rows == [
        ["'=id", "amount", "note"],
        ["'=1+1", "-12.5", "a,b"],
        ["é", "0.0", 'q"'],
        ["-5", "", "x\ny"],
    ]
    found = pd.read_csv(file)
    assert found.columns.tolist() == rows[0]
    assert found["amount"].tolist()[:2] == [-12.5, 0]
    with duckdb.connect() as con:
        read = con.execute("from read_csv($file)", {"file": str(file)}).df()
    assert read.columns.tolist() == rows[0] and read.iloc[0, 0] == "'=1+1"


def test_every_csv_of_a_notebook_is_written_safe():
    """No notebook writes a CSV by any other way than `write_csv`."""
    names = set()
    for book in paths.notebooks():
        code = "\n".join(run_file.code(book))
        assert not re.search(r"to_csv|csv\.writer", code), book.name
        named = re.findall(r'"(\w+\.csv)"', code)
        assert code.count("write_csv(") == len(named)
        names |= set(named)
    assert names >= {"segment_membership.csv", "test_plan.csv", "moved_customers.csv"}


def test_a_list_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    file = tmp_path / "list.csv"
    exports.write_csv(LIST[:1], file)
    before = file.read_bytes()

    def stop(_, target, **__):
        target.write_text("half of it")
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", stop)
    with pytest.raises(BadInput, match="disk full"):
        exports.write_csv(LIST, file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]


def test_files_of_an_earlier_execution_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    folder = paths.processed("trial")
    folder.mkdir(parents=True)
    for name in ("rule_card.parquet", "rules.sql", "kept.parquet"):
        (folder / name).write_text("x")
    exports.forget(["rule_card", "rules.sql", "never_there"], run="trial")
    assert [file.name for file in folder.iterdir()] == ["kept.parquet"]
