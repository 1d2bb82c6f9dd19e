"""Which files a run file may name: those of its folder, by their own names, and no others."""

import os
import signal
import sqlite3

import duckdb
import pandas as pd
import pytest
import yaml

from helpers.core import paths
from helpers.core.errors import BadInput
from helpers.intake import own_files, scaffold
from helpers.runs import run_file

NAMES = ("customer_id", "order_id", "ordered_at", "product_id", "quantity", "amount")
LONG = "a" * 5000 + ".csv"


def rows(amount, count=40):
    """Write lines of some customers, each for an amount."""
    return pd.DataFrame(
        [
            (f"C{n % 12}", f"B{n}", f"2024-0{1 + n % 9}-15", f"P{n % 5}", 1, amount)
            for n in range(count)
        ],
        columns=NAMES,
    )


@pytest.fixture
def shop(monkeypatch, tmp_path):
    """Give the folder of a shop's files; a file that is waited for ends the test."""
    root = tmp_path / "project"
    (root / "runs").mkdir(parents=True)
    for folder in ("notebooks", "src"):
        (root / folder).symlink_to(paths.ROOT / folder)
    monkeypatch.setattr(paths, "ROOT", root)
    monkeypatch.delenv("STUDY_HOME", raising=False)
    folder = root / "data/raw/shop"
    folder.mkdir(parents=True)
    rows(7.0).to_csv(tmp_path / "outside.csv", index=False)
    signal.alarm(60)
    yield folder
    signal.alarm(0)


def told(table, **content):
    """Say what is wrong with a run file of lines; nothing where nothing is."""
    lines = {"columns": {name: name for name in NAMES}} | table
    content = {"source": "files", "tables": {"lines": lines}} | content
    (paths.ROOT / "runs/shop.yaml").write_text(yaml.safe_dump(content))
    try:
        run_file.check("shop")
    except BadInput as fault:
        return str(fault)
    return ""


def money(tmp_path):
    """Add up the amounts of the lines that a run file maps."""
    with duckdb.connect() as con:
        content = run_file.read("shop")
        found, _ = own_files.problems(con, content, run="shop", spill=tmp_path)
        assert not (found["level"] == "error").any(), found["said"].tolist()
        return con.execute("select sum(cents) / 100 from typed_lines").fetchone()[0]


@pytest.mark.parametrize(
    "name",
    ["../../../../outside.csv", "sub/../../../../../outside.csv", "{}/outside.csv"],
)
def test_a_file_outside_of_the_folder_is_read_only_if_the_run_file_says_so(
    name, shop, tmp_path
):
    (shop / "sub").mkdir()
    given = {"file": name.format(tmp_path)}
    said = told(given)
    assert said == (
        "runs/shop.yaml: Table lines: the file outside.csv lies outside of data/raw/shop/; "
        "put it there, or write `outside: true` at the beginning of a line of the run file."
    )
    assert told(given, outside=True) == ""
    assert money(tmp_path) == 280
    assert "`outside:` is yes; write true or false." in told(given, outside="yes")


def test_a_file_in_a_folder_of_the_folder_is_inside(shop, tmp_path):
    (shop / "2024").mkdir()
    rows(2.0).to_csv(shop / "2024/lines.csv", index=False)
    assert told({"file": "2024/../2024/lines.csv"}) == ""
    assert money(tmp_path) == 80


def test_a_database_outside_of_the_folder_is_refused_too(shop, tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as base:
        rows(3.0).to_sql("sold", base, index=False)
    given = {"database": "sqlite:///../../../../shop.db", "table": "sold"}
    assert "the file shop.db lies outside of data/raw/shop/" in told(given)
    assert told(given, outside=True) == ""
    assert money(tmp_path) == 120


ODD = (
    "lines[1]",
    "l*nes",
    "l?nes",
    "**",
    "[!a]lines",
    "{lines,x}",
    "l;i=n&es #1",
    "%20",
    "-l",
)


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".xlsx", ".db"])
def test_signs_of_patterns_in_a_name_mean_themselves(ending, shop, tmp_path):
    def save(name, amount):
        file, table = shop / f"{name}{ending}", rows(amount)
        if ending == ".csv":
            table.to_csv(file, index=False)
        elif ending == ".parquet":
            table.to_parquet(file)
        elif ending == ".xlsx":
            table.to_excel(file, index=False)
        else:
            with sqlite3.connect(file) as base:
                table.to_sql("sold", base, index=False)

    for other in ("lines1", "lines", "xlines", "x", "lines[[]1"):
        save(other, 1000.0)
    names = ODD if ending in (".csv", ".parquet") else (*ODD[:1], ODD[-2])
    for number, name in enumerate(names, start=1):
        save(name, float(number))
        given = {"file": f"{name}{ending}"}
        if ending == ".db":
            given = {"database": f"sqlite:///{name}{ending}", "table": "sold"}
        assert told(given) == "", name
        assert money(tmp_path) == 40 * number, name


def test_two_files_of_the_same_odd_name_are_two(shop, tmp_path):
    for folder, amount in (("a", 1.0), ("b", 2.0)):
        (shop / folder).mkdir()
        rows(amount).to_csv(shop / folder / "lines[1].csv", index=False)
        products = pd.DataFrame({"product_id": ["P1"], "category": [folder]})
        products.to_csv(shop / folder / "goods[1].csv", index=False)
    assert told({"file": "b/lines[1].csv"}) == ""
    content = run_file.read("shop")
    columns = {"product_id": "product_id", "category": "category"}
    content["tables"]["products"] = {"file": "a/goods[1].csv", "columns": columns}
    (shop / "b/goods[1].csv").replace(shop / "b/lines[1].csv.old")
    with duckdb.connect() as con:
        own_files.problems(con, content, run="shop", spill=tmp_path)
        assert con.execute("select sum(cents) from typed_lines").fetchone() == (8000,)
        assert con.execute("select category from typed_products").fetchone() == ("a",)


def planted(folder, kind, name="lines.csv"):
    """Put what is no file of one's own into a folder."""
    file, outside = folder / name, folder.parents[3] / "outside.csv"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "a folder behind a link":
        file = folder / "sub/outside.csv"
        (folder / "sub").symlink_to(outside.parent)
    else:
        targets = {
            "link": outside,
            "lost link": "nowhere",
            "device": "/dev/zero",
            "loop": file,
        }
        file.symlink_to(targets[kind])
    return str(file.relative_to(folder))


KINDS = {
    "pipe": "is no plain file, but a pipe or a device.",
    "folder": "is a folder; name a file in it.",
} | dict.fromkeys(
    ("link", "lost link", "device", "loop", "a folder behind a link"),
    "is a link, or lies behind one; put the file itself there.",
)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_of_ones_own_is_refused_in_a_sentence(kind, shop):
    name = planted(shop, kind)
    shown = name.split("/")[-1]
    assert told({"file": name}) == f"runs/shop.yaml: Table lines: {shown} {KINDS[kind]}"
    base = planted(shop, kind, "shop.db") if "behind" not in kind else "sub/outside.csv"
    said = told({"database": f"sqlite:///{base}", "table": "sold"})
    assert said.endswith(KINDS[kind]) and "\n" not in said


@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "lost link"])
def test_outside_of_the_folder_too_a_file_must_be_one(kind, shop):
    name = planted(shop, kind)
    said = told({"file": name}, outside=True)
    assert "\n" not in said
    assert (
        "is no plain file" in said or "is missing from" in said or "is a link" in said
    )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a\nb.csv", "has a sign that cannot be seen in its name"),
        ("a\tb.csv", "has a sign that cannot be seen in its name"),
        ("a\0b.csv", "has a sign that cannot be seen in its name"),
        ("a\u2028b.csv", "has a sign that cannot be seen in its name"),
        (LONG, "has a name that is too long"),
        ("ü" * 200 + ".csv", "has a name that is too long"),
        ("/".join(["a" * 100] * 60) + ".csv", "has a name that is too long"),
    ],
)
@pytest.mark.parametrize("key", ["file", "database"])
def test_a_name_that_no_file_has_is_refused_in_a_short_sentence(name, why, key, shop):
    value = name if key == "file" else f"sqlite:///{name}"
    said = told({key: value, **({"table": "t"} if key == "database" else {})})
    assert why in said and "rename the file" in said
    assert len(said) < 300 and "\n" not in said and said.isprintable()


def test_a_draft_waits_for_nothing_and_says_what_it_did_not_read(shop):
    rows(1.0, 400).to_csv(shop / "orders.csv", index=False)
    planted(shop, "pipe", "pipe.csv")
    planted(shop, "link", "link.csv")
    planted(shop, "device", "zero.csv")
    planted(shop, "lost link", "lost.db")
    rows(1.0).to_csv(shop / "line\nbreak.csv", index=False)
    text, pictured = scaffold.propose("shop")
    assert "file: orders.csv" in text and "link.csv" not in text
    left = "\n".join(pictured)
    assert "Not read: 'pipe.csv' is no plain file, but a pipe or a device." in left
    for name in ("link.csv", "zero.csv", "lost.db"):
        assert f"Not read: '{name}' is a link" in left
    assert r"Not read: 'line\nbreak.csv' has a sign that cannot be seen" in left


def test_a_folder_of_nothing_but_links_is_refused_with_the_reason(shop):
    planted(shop, "link", "link.csv")
    with pytest.raises(BadInput, match=r"holds no file .* but 'link.csv' is a link"):
        scaffold.propose("shop")
