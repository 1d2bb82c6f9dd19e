"""Broken inputs end in a sentence; those that can be read give the right numbers."""

import random
import sqlite3
import stat

import broken
import psycopg
import pytest

from helpers.core import command, errors, paths
from helpers.core.errors import BadInput
from helpers.intake import check, readers, scaffold
from helpers.runs import plain_yaml

# Of many kinds the numbers of inputs that once went wrong, or that are the hardest.
CHOSEN = {
    "line_ends": [3], "one_end_apart": [2], "marks_within": [0], "no_mark_of_order": [0, 6],
    "wrong_codec": [4], "nulls": [2], "hardly_any": [3, 14], "lines_above": [1],
    "names_of_columns": [7, 1], "swiss": [1], "thousands": [2, 4], "quote_marks": [3, 5],
    "one_of_all": [2], "yaml_without_end": [0, 2, 6], "yaml_deep": [0], "parquet_hurt": [1],
    "sheet_without": [6], "sheet_forms": [3], "sqlite_values": [3], "sqlite_pages": [4],
    "sqlite_kinds": [4],
}  # fmt: skip


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Give a folder for everything generated, and for run files."""
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    monkeypatch.setattr(paths, "run_file", paths.run_file)  # `broken.steps` sets it
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, one) for kind in CHOSEN for one in CHOSEN[kind]]
)
def test_what_is_broken_is_refused_in_a_sentence_or_read_rightly(home, kind, number):
    ended = list(broken.steps(broken.make(kind, number), home))
    said = [(one["step"], one["verdict"], one["fault"][-500:]) for one in ended]
    assert {one["verdict"] for one in ended} <= {"refused", "read", "right"}, said


def _database(home, *statements):
    folder = home / "data/raw/own"
    folder.mkdir(parents=True)
    table = broken.shop(random.Random(1))
    (folder / "shop.db").write_bytes(broken._sqlite(table, *statements))
    (home / "runs").mkdir()
    paths.run_file = lambda run: home / f"runs/{run}.yaml"
    return table


def _check(home, **lines):
    block = {"file": ..., "database": "sqlite:///shop.db", "table": "lines"} | lines
    (home / "runs/own.yaml").write_bytes(broken.run_file(block))
    found, _ = check.check("own")
    return found.loc[found["level"] != "warning", "said"].to_list()


ENDLESS = (
    "with recursive n(i) as (select 1 union all select i + 1 from n)"
    " select lines.* from lines where Qty {}"
)


@pytest.mark.parametrize("where", ["in n", "< (select max(i) from n)"])
def test_a_view_without_end_is_refused_and_hides_no_table(home, monkeypatch, where):
    monkeypatch.setattr(readers, "VIEW", 0.2)
    _database(home, f"create view v as {ENDLESS.format(where)}")
    assert _check(home, table="v") == [
        "Table lines: table v has not counted its rows in 0.2 seconds; a view may be "
        "without end. Save what it shows as a table."
    ]
    (home / "runs/own.yaml").unlink()
    text, pictured = scaffold.propose("own")
    assert "    table: lines\n" in text
    assert pictured[0].startswith("240 rows, 40 customers, 120 orders")


def test_a_view_of_postgresql_without_end_is_refused(home, monkeypatch, postgresql):
    monkeypatch.setattr(readers, "VIEW", 0.5)
    folder = psycopg.conninfo.conninfo_to_dict(postgresql)["host"]
    monkeypatch.setenv("SHOP", f"postgresql://postgres@/postgres?host={folder}")
    _database(home)
    with psycopg.connect(postgresql) as base:
        base.execute('create table lines ("Qty" int); insert into lines values (1)')
        base.execute(
            f"create view v as {ENDLESS.format('').replace('where Qty', ', n')}"
        )
        base.commit()
        try:
            assert _check(home, database="SHOP", table="v") == [
                "Table lines: table v has not counted its rows in 0.5 seconds; a view may "
                "be without end. Save what it shows as a table."
            ]
        finally:
            base.execute("drop table lines cascade")


def test_a_database_in_another_encoding_is_read_by_it(home):
    latin = "update lines set Category = cast(x'4dfc7364' as text) where rowid = 1"
    table = _database(home, latin)
    assert _check(home) == [
        "Table lines: table lines holds what is no text in utf-8. Set `encoding:`, such as "
        "latin-1; a column of bytes (BLOB) has to be left out or made a text."
    ]
    cents = broken.right(table)[3]
    assert _check(home, encoding="latin-1") == [
        f"240 rows, 40 customers, 120 orders, {cents / 100:,.2f} of money: the same when "
        "table lines is read a second time."
    ]
    (home / "runs/own.yaml").unlink()
    assert "    encoding: cp1252\n" in scaffold.propose("own")[0]


def test_a_database_is_only_read(home):
    _database(home)
    refused = pytest.raises(sqlite3.OperationalError, match="readonly")
    with readers.sqlite(home / "data/raw/own/shop.db") as base, refused:
        base.execute("delete from lines")


def test_more_columns_than_are_read_are_refused_with_their_number(home):
    home.joinpath("data/raw/own").mkdir(parents=True)
    home.joinpath("runs").mkdir()
    paths.run_file = lambda run: home / f"runs/{run}.yaml"
    names = [*broken.NAMES, *(f"c{i}" for i in range(4_994))]
    content = f"{','.join(names)}\n{','.join(['1'] * len(names))}\n"
    (home / "data/raw/own/lines.csv").write_text(content)
    assert _check(home, file="lines.csv", database=..., table=...) == [
        "Table lines: lines.csv has 5,001 columns; at most 5,000 are read. Leave out those "
        "that are not needed."
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a [*a]", "holds more than 100,000 values"),
        ("a: &a {b: *a}", "holds more than 100,000 values"),
        ('a: "\\ud83d"', "line 1: half a letter"),
        ("x" * 2_000_001, "has 2,000,001 bytes; a run file has at most 2,000,000"),
    ],
)
def test_a_run_file_without_end_or_letters_is_refused(tmp_path, text, said):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(BadInput, match=said):
        plain_yaml.load(tmp_path / "a.yaml")


def test_letters_that_json_writes_in_halves_are_joined(tmp_path):
    (tmp_path / "a.yaml").write_text('{"a": "\\ud83d\\ude00 Tea"}')
    assert plain_yaml.load(tmp_path / "a.yaml") == {"a": "\U0001f600 Tea"}


def test_a_fault_of_the_study_is_one_sentence_and_its_text_is_kept(
    home, monkeypatch, capsys
):
    monkeypatch.setenv("WAREHOUSE", "postgresql://anna:s%40fe-word@db.example/shop")

    @command.says_what_stops
    def main(_):
        with errors.reading("table lines, lines.csv"):
            raise KeyError("cannot reach db.example as anna with s@fe-word")

    assert main([]) == 1
    said = capsys.readouterr().err
    (log,) = (home / "build/faults").iterdir()
    assert said == (
        f"The study has a fault of its own, KeyError, while reading table lines, lines.csv. "
        f"Its full text is in {log}; whoever mends it needs that, and the file.\n"
    )
    text = log.read_text()
    assert "test_broken.py" in text
    assert "cannot reach" in text
    assert not any(secret in text for secret in ("anna", "fe-word", "db.example"))
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
