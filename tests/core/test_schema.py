"""Standard tables: faults told by table, column and row; files whole or not at all."""

import subprocess
import sys

import pandas as pd
import pyarrow.parquet as parquet
import pytest

from helpers.core import paths, schema, store
from helpers.core.errors import BadInput

MEND = "Mend the source or the rule that makes this table in 01_cleaning."


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    return tmp_path


def lines():
    """Return three sound order lines."""
    return pd.DataFrame(
        {
            "line_id": [0, 1, 2],
            "customer_id": ["1", "1", "2"],
            "order_id": ["10", "10", "20"],
            "ordered_at": pd.to_datetime(["2017-01-15", "2017-01-15", "2017-07-02"]),
            "product_id": ["100", "200", "100"],
            "store_id": ["11", "11", None],
            "quantity": [1, 2, 0],
            "amount_cents": [200, 225, -50],
            "shelf_amount_cents": [250, 350, 50],
            "coupon_cents": [0, 75, 100],
            "on_mailer": [True, False, False],
            "on_display": [False, False, True],
        }
    )


def refusal(frame, name="lines"):
    with pytest.raises(BadInput) as refused:
        schema.check(frame, name)
    return str(refused.value)


# --- Promises


def test_a_sound_table_passes_as_it_is():
    checked = schema.check(lines(), "lines")
    assert checked.astype(object).equals(lines().astype(object))


def test_ids_given_as_numbers_become_texts():
    checked = schema.check(lines().assign(customer_id=[1, 1, 2]), "lines")
    assert checked["customer_id"].tolist() == ["1", "1", "2"]


def test_columns_that_are_not_promised_may_stand_beside_the_others():
    assert "colour" in schema.check(lines().assign(colour="red"), "lines")


COMPULSORY = [
    *("line_id", "customer_id", "order_id", "ordered_at", "product_id", "quantity"),
    *("amount_cents", "coupon_cents"),
]


def test_lines_need_only_what_every_source_has():
    fewest = lines()[COMPULSORY]
    assert list(schema.check(fewest, "lines")) == COMPULSORY
    for column in COMPULSORY:
        assert f"column {column} is missing" in refusal(fewest.drop(columns=column))


def test_pieces_may_be_parts_of_one():
    checked = schema.check(lines().assign(quantity=[0.25, 1.5, 2.0]), "lines")
    assert checked["quantity"].tolist() == [0.25, 1.5, 2.0]


@pytest.mark.parametrize(
    ("column", "values", "rule"),
    [
        ("lead_days", [3, -1, 4], "greater_than_or_equal_to(0)"),
        ("returned", [0.5, 1.0, 0.0], "dtype('int64')"),
        ("logo", ["yes", "no", "no"], "dtype('bool')"),
        ("on_mailer", [1, 0, 1], "dtype('bool')"),
        ("shelf_amount_cents", [1, -5, 3], "greater_than_or_equal_to(0)"),
    ],
)
def test_a_column_that_lines_need_not_have_is_checked_where_it_is(column, values, rule):
    assert f"column {column} breaks {rule}" in refusal(
        lines().assign(**{column: values})
    )
    schema.check(lines().drop(columns=column, errors="ignore"), "lines")


def test_a_line_set_aside_keeps_whatever_was_wrong_with_it():
    wrong = lines().assign(customer_id=None, quantity=-3, reason="no customer")
    checked = schema.check(wrong.drop(columns="product_id"), "rejected_lines")
    assert checked["quantity"].tolist() == [-3, -3, -3]
    assert "column reason is missing" in refusal(
        wrong.drop(columns="reason"), "rejected_lines"
    )


# --- Tables beside the lines

DAY = pd.Timestamp("2017-03-01")
BESIDE = {
    "contacts": {"campaign_id": "c", "customer_id": "1", "arm": "control"},
    "campaigns": {
        **{"campaign_id": "c", "kind": "letter", "starts_on": DAY, "ends_on": DAY},
        "cost_cents": 90,
    },
    "responses": {
        **{"campaign_id": "c", "customer_id": "1", "responded_on": DAY},
        "amount_cents": -5,
    },
    "surveys": {
        **{"customer_id": "1", "answered_on": DAY, "question": "recommend"},
        "score": 9.0,
    },
    "contracts": {
        **{"contract_id": "k", "customer_id": "1", "starts_on": DAY, "ends_on": DAY},
        **{"monthly_fee_cents": 1900, "renewed": None},
    },
    "interactions": {
        **{"customer_id": "1", "happened_at": DAY, "kind": "visit", "topic": None},
        **{"outcome": None, "minutes": None},
    },
    "leads": {"lead_id": "l", "created_on": DAY, "won_on": None, "customer_id": None},
    "attributes": {
        **{"table": "leads", "attribute": "age", "kind": "later"},
        "label": "Age",
    },
}
# What a source may not know.
UNKNOWN = {
    *(("contacts", "arm"), ("campaigns", "cost_cents"), ("responses", "amount_cents")),
    *(("contracts", "renewed"), ("leads", "customer_id"), ("interactions", "topic")),
    *(("interactions", "outcome"), ("interactions", "minutes")),
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_row_of_each_table_passes_and_no_column_may_be_missing_but_the_unknown(name):
    row = pd.DataFrame([BESIDE[name]])
    schema.check(row, name)
    for column in row:
        if (name, column) in UNKNOWN:
            schema.check(row.drop(columns=column), name)
        else:
            assert f"column {column} is missing" in refusal(
                row.drop(columns=column), name
            )


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("contacts", "arm", "half"),
        ("contacts", "customer_id", None),
        ("campaigns", "cost_cents", -1),
        ("campaigns", "starts_on", None),
        ("surveys", "score", "good"),
        ("surveys", "question", ""),
        ("contracts", "monthly_fee_cents", -1),
        ("contracts", "renewed", "perhaps"),
        ("interactions", "minutes", -0.5),
        ("interactions", "kind", ""),
        ("leads", "created_on", None),
        ("attributes", "kind", "hobby"),
        ("attributes", "table", "orders"),
    ],
)
def test_a_value_that_breaks_a_tables_promise_is_told_by_its_column(
    name, column, value
):
    row = pd.DataFrame([BESIDE[name] | {column: value}])
    told = refusal(row, name)
    assert told.startswith(f"Table {name}: column {column} breaks ")


def test_whether_a_contract_was_renewed_may_not_be_known_yet():
    known = {"a": True, "b": False, "c": None}
    rows = [
        BESIDE["contracts"] | {"contract_id": k, "renewed": r} for k, r in known.items()
    ]
    checked = schema.check(pd.DataFrame(rows), "contracts")
    assert checked["renewed"].dtype == "boolean"
    assert checked["renewed"].isna().tolist() == [False, False, True]


def test_a_missing_column_is_told_by_its_name():
    told = refusal(lines().drop(columns="quantity"))
    assert told == f"Table lines: column quantity is missing. {MEND}"


def test_a_missing_key_column_is_told_where_no_other_column_is_promised():
    told = refusal(pd.DataFrame({"lines": [3]}), "reconciliation")
    assert told == f"Table reconciliation: column step is missing. {MEND}"


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        (
            "quantity",
            [1, -2, -3],
            "breaks greater_than_or_equal_to(0) in 2 rows (row 1: -2, row 2: -3)",
        ),
        (
            "amount_cents",
            ["200", "two", "x"],
            "breaks whole cents or tenths of them in 2 rows (row 1: 'two', row 2: 'x')",
        ),
        (
            "amount_cents",
            [2.0, 2.25, -0.5],
            "breaks whole cents or tenths of them in 1 rows (row 1: 2.25)",
        ),
        ("on_mailer", [1, 0, 0], "breaks dtype('bool') ('int64')"),
        ("customer_id", ["1", "", "2"], "breaks str_length(1, None) in 1 rows (row 1"),
        ("customer_id", ["1", None, "2"], "breaks not_nullable in 1 rows (row 1: nan)"),
        ("ordered_at", ["2017-01-15", "x", "2017-07-02"], "in 1 rows (row 1: 'x')"),
    ],
)
def test_a_bad_value_is_told_with_its_column_and_row(column, values, told):
    message = refusal(lines().assign(**{column: values}))
    assert message.startswith(f"Table lines: column {column} breaks ")
    assert told in message
    assert message.endswith(MEND)


def test_only_the_first_three_bad_values_are_told_and_all_are_counted():
    many = pd.concat([lines()] * 2, ignore_index=True)
    told = refusal(many.assign(line_id=range(6), coupon_cents=range(-6, 0)))
    assert "in 6 rows (row 0: -6, row 1: -5, row 2: -4)." in told


def test_all_faults_are_told_at_once():
    bad = {"quantity": [1, -2, 3], "coupon_cents": [0.55, 1.5, 2.5]}
    told = refusal(lines().drop(columns="order_id").assign(**bad))
    assert "column order_id is missing; " in told
    assert "in 1 rows (row 1: -2); " in told
    assert "column coupon_cents breaks whole cents or tenths of them in" in told


def test_a_bad_value_is_told_by_the_name_of_its_row_where_rows_have_names():
    named = lines().assign(quantity=[1, -2, 3]).set_axis(["a", "b", "c"])
    assert "(row b: -2)" in refusal(named)


def test_a_doubled_key_is_told_with_its_columns_and_values():
    contacts = pd.DataFrame(
        {"campaign_id": [1, 1, 2, 1], "customer_id": ["7", "8", "7", "8"]}
    )
    assert refusal(contacts, "contacts") == (
        "Table contacts: 2 rows share the key campaign_id, customer_id; the first are "
        "[{'campaign_id': '1', 'customer_id': '8'}, {'campaign_id': '1', "
        "'customer_id': '8'}]. Keep one row for each key."
    )


def test_rows_of_a_table_without_a_key_may_be_alike():
    redemption = pd.DataFrame(
        {"campaign_id": "1", "customer_id": "7", "responded_on": ["2017-01-15"] * 2}
    )
    assert len(schema.check(redemption, "responses")) == 2


def test_every_table_is_written_by_a_notebook_that_there_is():
    books = {book.stem for book in paths.notebooks()}
    assert {table.made_by for table in schema.TABLES.values()} <= books


# --- Files


def test_a_table_is_read_as_it_was_written_without_its_index(home):
    store.write(lines().set_axis([7, 8, 9]), "lines", run="ab")
    read = store.read("lines", run="ab")
    assert read.astype(object).equals(lines().astype(object))
    stored = parquet.read_schema(home / "data/interim/ab/lines.parquet").names
    assert stored == list(lines())


def test_results_and_clean_tables_lie_apart(home):
    assert store.path("lines", run="ab") == home / "data/interim/ab/lines.parquet"
    assert (
        store.path("features", run="ab") == home / "data/processed/ab/features.parquet"
    )


@pytest.mark.parametrize("ask", [store.located, store.read])
def test_a_table_that_is_not_there_is_told_with_the_notebook_that_writes_it(ask):
    with pytest.raises(BadInput) as refused:
        ask("features", run="ab")
    assert str(refused.value) == (
        "Table features of run ab is missing. It is written by 02_feature_engineering: "
        "run `make report RUN=ab` first."
    )


def test_a_truncated_table_is_told_with_the_way_to_write_it_anew():
    store.write(lines(), "lines", run="ab")
    file = store.path("lines", run="ab")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(BadInput) as refused:
        store.read("lines", run="ab")
    told = str(refused.value)
    assert told.startswith("Table lines of run ab cannot be read (")
    assert told.endswith(
        "). Remove lines.parquet; `make report RUN=ab` writes it anew."
    )


def test_a_table_that_was_changed_on_disk_is_checked_when_read():
    store.write(lines(), "lines", run="ab")
    bad = lines().assign(coupon_cents=[0, -75, 0])
    bad.to_parquet(store.path("lines", run="ab"), index=False)
    with pytest.raises(
        BadInput, match=r"Table lines: column coupon_cents .*row 1: -75"
    ):
        store.read("lines", run="ab")


def test_a_large_file_is_checked_in_batches_and_counted(home):
    lines().to_parquet(home / "lines.parquet")
    assert store.check_file(home / "lines.parquet", "lines", rows=2) == 3


def test_a_fault_in_a_later_batch_is_told_by_its_row_of_the_file(home):
    many = pd.concat([lines()] * 3, ignore_index=True).assign(line_id=range(9))
    many.loc[7, "coupon_cents"] = -1
    many.to_parquet(home / "lines.parquet", index=False)
    with pytest.raises(BadInput, match=r"column coupon_cents .*\(row 7: -1\)"):
        store.check_file(home / "lines.parquet", "lines", rows=3)


def features():
    """Return five customers, not in the order of their ids."""
    return pd.DataFrame(
        {
            "customer_id": ["e", "a", "d", "b", "c"],
            "orders": [5, 1, 4, 2, 3],
            "lines": [50, 10, 40, 20, 30],
            "sales": [5.5, 1.5, None, 2.5, 3.5],
        }
    )


@pytest.fixture
def in_twos(monkeypatch):
    """Read two rows at a time."""
    monkeypatch.setattr(store, "BATCH", 2)


def test_only_the_columns_that_were_asked_for_are_read_and_missed():
    features()[["customer_id", "orders"]].to_parquet(_made("features"))
    found = store.read("features", run="ab", columns=["orders"])
    assert found.to_dict("list") == {"orders": [5, 1, 4, 2, 3]}
    with pytest.raises(BadInput) as refused:
        store.read("features", run="ab", columns=["orders", "share_b"])
    assert str(refused.value) == (
        "Table features of run ab lacks the column share_b. Run "
        "02_feature_engineering again (make report RUN=ab)."
    )


def _made(name):
    file = store.path(name, run="ab")
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def test_a_table_comes_in_batches_with_the_rows_of_the_file(in_twos):
    store.write(features(), "features", run="ab")
    columns = ["customer_id", "sales"]
    found = list(store.batches("features", run="ab", columns=columns))
    assert [len(part) for part in found] == [2, 2, 1]
    whole = store.read("features", run="ab", columns=columns)
    pd.testing.assert_frame_equal(pd.concat(found), whole)


def test_a_fault_of_a_batch_is_told_by_its_row_of_the_file_too(in_twos):
    features().assign(orders=[5, 1, 4, 2, -3]).to_parquet(_made("features"))
    with pytest.raises(BadInput, match=r"column orders .*\(row 4: -3\)"):
        list(store.batches("features", run="ab"))


def test_some_customers_are_read_in_the_order_of_their_ids(in_twos):
    store.write(features(), "features", run="ab")
    found = store.of_customers("features", pd.Series(["d", "c", "zz", "a"]), run="ab")
    expected = features().iloc[[1, 4, 2]].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    nobody = store.of_customers("features", pd.Series([], dtype=str), run="ab")
    assert list(nobody) == list(features())
    assert nobody.empty


def test_a_table_written_in_parts_is_the_same_file_as_one_written_at_once():
    store.write(features(), "features", run="ab")
    store.write_batches([features()], "features", run="cd")
    assert (
        store.path("features", run="ab").read_bytes()
        == store.path("features", run="cd").read_bytes()
    )
    parts = (features().iloc[i : i + 2] for i in range(0, 5, 2))
    store.write_batches(parts, "features", run="ef")
    pd.testing.assert_frame_equal(
        store.read("features", run="ef"), store.read("features", run="ab")
    )


def test_a_bad_part_leaves_the_earlier_table():
    store.write(features(), "features", run="ab")
    parts = [features(), features().assign(lines=-1)]
    with pytest.raises(BadInput, match="column lines breaks"):
        store.write_batches(parts, "features", run="ab")
    assert len(store.read("features", run="ab")) == 5
    assert len(list(paths.processed("ab").iterdir())) == 1


# --- Earlier outputs stay


@pytest.fixture
def earlier():
    """Write a sound table; afterwards it must be as it was, and alone."""
    store.write(lines(), "lines", run="ab")
    file = store.path("lines", run="ab")
    before = file.read_bytes()
    yield file
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    "fault",
    [
        lambda frame: frame.drop(columns="order_id"),
        lambda frame: frame.assign(amount_cents="2.00 $"),
        lambda frame: frame.assign(line_id=5),
        lambda frame: frame.assign(quantity=-1),
    ],
    ids=["renamed column", "text for a number", "doubled keys", "bad value"],
)
def test_a_bad_table_leaves_the_earlier_one(earlier, fault):
    with pytest.raises(BadInput, match="Table lines: "):
        store.write(fault(lines()), "lines", run="ab")


@pytest.mark.parametrize(
    ("death", "told"),
    [(OSError("disk full"), BadInput), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_a_writer_that_dies_leaves_the_earlier_table(earlier, monkeypatch, death, told):
    def half(frame, file, **_):
        file.write_bytes(b"PAR1 and no end")
        raise death

    monkeypatch.setattr(pd.DataFrame, "to_parquet", half)
    with pytest.raises(told):
        store.write(lines(), "lines", run="ab")


def test_a_first_write_that_fails_leaves_nothing(home):
    file = home / "deep" / "report.txt"
    with pytest.raises(RuntimeError), store.replacing(file) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert list(file.parent.iterdir()) == []


def test_the_old_file_can_be_read_until_the_new_one_is_done(home):
    file = home / "report.txt"
    store.write_text("old", file)
    with store.replacing(file) as partial:
        partial.write_text("new")
        assert file.read_text() == "old"
        # Else replacing it would not be atomic.
        assert partial.stat().st_dev == file.stat().st_dev
    assert file.read_text() == "new"
    assert list(home.iterdir()) == [file]


def test_a_killed_writer_leaves_the_old_file_and_the_next_one_succeeds(home):
    file = home / "report.txt"
    store.write_text("old", file)
    dies = (
        "import os, pathlib, signal, sys\n"
        "from helpers.core import store\n"
        "with store.replacing(pathlib.Path(sys.argv[1])) as partial:\n"
        "    partial.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    died = subprocess.run([sys.executable, "-c", dies, str(file)], check=False)
    assert died.returncode == -9
    assert file.read_text() == "old"
    store.write_text("new", file)
    assert file.read_text() == "new"


def test_plain_data_is_read_as_it_was_written(home):
    content = {"größe": [1, 2.5, None], "name": "Käse & Brot"}
    store.write_json(content, home / "model.json")
    assert store.read_json(home / "model.json", made_by="03") == content
    assert "größe" in (home / "model.json").read_text("utf-8")


def test_data_that_cannot_be_written_as_json_leave_the_old_file(home):
    store.write_json({"k": 6}, home / "model.json")
    with pytest.raises(TypeError):
        store.write_json({"k": {6}}, home / "model.json")
    assert store.read_json(home / "model.json", made_by="03") == {"k": 6}


def test_a_missing_json_file_is_told_with_the_notebook_that_writes_it(home):
    with pytest.raises(BadInput) as refused:
        store.read_json(home / "model.json", made_by="03_clustering_choice")
    assert str(refused.value) == (
        "model.json is missing. It is written by 03_clustering_choice: "
        "run `make report` first."
    )


@pytest.mark.parametrize("content", [b'{"k": 6', b"", b"\xff\xfe{"])
def test_a_damaged_json_file_is_told_with_the_notebook_to_run_again(home, content):
    (home / "model.json").write_bytes(content)
    with pytest.raises(
        BadInput,
        match=r"^model\.json is damaged \(.*\)\. Remove it, .* 03_x writes it anew\.$",
    ):
        store.read_json(home / "model.json", made_by="03_x")
