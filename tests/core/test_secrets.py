"""No address, user or password of a database is told, whatever its driver says of it."""

from urllib.parse import quote

import duckdb
import psycopg
import pytest
import test_make
import yaml

from helpers.core import engines, paths, secrets
from helpers.core.errors import BadInput
from helpers.intake import check
from helpers.runs import run_file

USER, HOST = "hiddenuser", "h1dden.invalid"
TOLD = ("hiddenuser", "s3cret", "0ther", "h1dden", "hiddenshop")
PASSWORDS = (
    *("s3cret", "s3cret%zz0ther", "s3cret%", "s3cret 0ther", " s3cret", "s3cret@0ther"),
    *("s3cret:0ther", "s3cret/0ther", "s3cret?0ther", "s3cret#0ther", "s3cret'0ther"),
    *('s3cret"0ther', "s3cret[0ther", "s3crét\\0ther", quote("s3cret@0ther", safe="")),
)
ADDRESSES = [f"postgresql://{USER}:{one}@{HOST}:1/hiddenshop" for one in PASSWORDS] + [
    f"postgresql://{USER}:s3cret@[::h1dden/hiddenshop",
    f"postgres://{USER}@{HOST}:h1dden/hiddenshop?password=s3cret",
    f"weird+driver://{USER}:s3cret@{HOST}/hiddenshop",
    f"host=/h1dden/socket user={USER} password='s3cret 0ther' dbname=hiddenshop",
    f"host={HOST} user={USER} password='s3cret 0ther",
    f"{USER}:s3cret@{HOST}/hiddenshop",
]
NAME = "SHOP_DATABASE"
LINES = ("customer_id", "order_id", "ordered_at", "product_id", "quantity", "amount")


def leaks(text):
    """Name what a text tells of an address."""
    return [word for word in TOLD if word in text.lower()]


def test_there_are_twenty_addresses_of_many_forms():
    assert len(ADDRESSES) >= 20
    assert all(leaks(one) for one in ADDRESSES)


def raised(driver, address):
    """Return what a driver says of an address that it cannot open."""
    try:
        driver(address)
    except Exception as fault:
        return f"{type(fault).__name__}: {fault}"
    return ""


@pytest.fixture
def offline(monkeypatch):
    """Let names of servers lead nowhere, without asking the network."""
    for name in ("PGHOST", "PGUSER", "PGPASSWORD", "PGDATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_drivers_say_of_an_address_is_hidden(
    address, monkeypatch, offline, tmp_path
):
    monkeypatch.setenv(NAME, address)
    monkeypatch.chdir(tmp_path)  # DuckDB makes a file of that name
    told = [raised(one, address) for one in (psycopg.connect, duckdb.connect)]
    told += [
        f'(psycopg.OperationalError) connection to server at "{HOST}", port 1 failed: FATAL:'
        f'  password authentication failed for user "{USER}"\n(Background on this error at:'
        " https://sqlalche.me/e/20/e3q8)",
        f"create_engine({address!r}): could not translate host name",
    ]
    if "://" in address or "host=" in address:
        assert not leaks(secrets.hidden("\n".join(told)))
    assert (
        secrets.hidden("ValueError: no orders in lines")
        == "ValueError: no orders in lines"
    )


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_engine_says_in_words_of_its_own_why_it_cannot_open(
    address, monkeypatch, tmp_path, offline
):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    monkeypatch.setenv(engines.ADDRESS, address)
    with pytest.raises(BadInput, match=f"that {engines.ADDRESS} leads to ") as told:
        engines.connect("postgresql", run="ab")
    assert not leaks(str(told.value)) and told.value.__suppress_context__


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('FATAL: password authentication failed for user "x"', "refuses the user"),
        ('FATAL: role "x" does not exist', "refuses the user"),
        ('FATAL: database "x" does not exist', "has no database of that name"),
        ('invalid percent-encoded token: "x"', "a sign to be written as"),
        ("server closed the connection unexpectedly", "does not answer"),
    ],
)
def test_a_reason_is_told_without_names(said, told):
    assert told in engines._refusal(psycopg.OperationalError(said))


@pytest.fixture
def mapped(monkeypatch, tmp_path):
    """Give a function that writes the run file of a shop in a database."""
    for folder in ("notebooks", "src"):
        (tmp_path / folder).symlink_to(paths.ROOT / folder)
    (tmp_path / "runs").mkdir()
    (tmp_path / "data/raw/shop").mkdir(parents=True)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.delenv("STUDY_HOME", raising=False)

    def write(lines, **content):
        lines = {"columns": {name: name for name in LINES}} | lines
        content = {"source": "files", "tables": {"lines": lines}} | content
        (tmp_path / "runs/shop.yaml").write_text(yaml.safe_dump(content))

    return write


@pytest.mark.parametrize("address", ADDRESSES)
def test_check_tells_nothing_of_the_database_it_cannot_open(
    address, mapped, monkeypatch, capsys, offline
):
    monkeypatch.setenv(NAME, address)
    mapped({"database": NAME, "table": "sold"})
    assert check.main(["shop"]) == 1
    told = "".join(capsys.readouterr())
    assert "Table lines: the PostgreSQL database cannot be opened" in told
    assert not leaks(told)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_written_into_a_run_file_is_not_repeated(address, mapped):
    usual = {"database": NAME, "table": "sold"}
    for lines, content in (
        ({"database": address, "table": "sold"}, {}),
        ({"database": [address], "table": "sold"}, {}),
        ({"database": {"address": address}, "table": "sold"}, {}),
        ({"file": address}, {}) if "://" in address else (usual, {}),
        (usual | {"table": address}, {}) if "://" in address else (usual, {}),
        (usual, {"engine": address}) if "://" in address else (usual, {}),
        (usual, {"source": address}) if "://" in address else (usual, {}),
    ):
        mapped(lines, **content)
        with pytest.raises(BadInput) as fault:
            run_file.check("shop")
        assert not leaks(str(fault.value)), (lines, content)


CELL = """
import os, sys, warnings
import duckdb, psycopg
before = None
for number in range({count}):
    address = os.environ[f"SHOP_{{number}}"]
    for driver in (psycopg.connect, duckdb.connect):
        try:
            try:
                driver(address)
            except Exception as fault:
                raise RuntimeError(f"cannot open {{address!r}}") from (before or fault)
        except RuntimeError as fault:
            before = fault
    warnings.warn(f"no answer from {{address}}")
    print(f"password of {{address}}", file=sys.stderr)
"""


@pytest.mark.slow
def test_chained_tracebacks_in_notebooks_tell_nothing(tmp_path, monkeypatch, offline):
    test_make.write_project(tmp_path)
    known = [one for one in ADDRESSES if "://" in one or "host=" in one]
    for number, address in enumerate(known):
        monkeypatch.setenv(f"SHOP_{number}", address)
    cell = CELL.format(count=len(known))
    test_make.write_notebook(tmp_path, "01_a", "", cell)
    test_make.write_notebook(
        tmp_path, "02_b", "01_a", cell, "raise before", parameters=test_make.SEED
    )
    (tmp_path / "notebooks/03_c.ipynb").unlink()
    code, printed = test_make.make(tmp_path, "report")
    assert code != 0 and "02_b stopped" in printed
    folder = tmp_path / "reports/complete_journey/notebooks"
    assert {one.name for one in folder.iterdir()} == {"01_a.ipynb", "02_b.failed.ipynb"}
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    kept = [one.read_text("utf-8", errors="replace") for one in files]
    assert not leaks("\n".join([printed, *kept]))
    assert "cannot open" in (folder / "02_b.failed.ipynb").read_text("utf-8")
    assert "no answer from" in (folder / "01_a.ipynb").read_text("utf-8")
