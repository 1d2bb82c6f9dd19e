"""Nothing of a customer leaves the machine: what git takes, who may read, what is told."""

import os
import re
import shutil
import subprocess

import nbformat
import pandas as pd
import pytest

from helpers.core import paths, store
from helpers.personas import exports
from helpers.runs import mapping, run_file

RUN = "complete_journey"
# Places for files of one's own: as the README says, and where people put them.
PLACES = (
    *("data/raw/myshop", "data/raw/own_files", "data/raw/own_files/more", "data/raw"),
    *(
        "data",
        "",
        "runs",
        "runs/myshop",
        "notebooks",
        "tests",
        "src/helpers",
        "reports",
    ),
    *(
        "benchmarks",
        "tests/golden",
        "home/data/raw/myshop",
        "my study/home/data/raw/own_files",
    ),
)
KINDS = [
    kind
    for known in (*mapping.KINDS_OF_FILE, *mapping.DATABASES)
    for kind in (known, known.upper(), f"{known}.gz")
] + [".db-wal", ".sqlite-journal", ".xls", ".json", ".jsonl", ".duckdb", ".zip", ".sql"]
GENERATED = (
    "data/interim/myshop/lines.parquet",
    "data/processed/complete_journey/segments.parquet",
    "data/processed/myshop/segment_membership.csv",
    "data/processed/myshop/segment_model.json",
    "data/processed/myshop/segments.sql",
    "data/processed/myshop/findings/01_cleaning.json",
    "data/processed/myshop/evidence/scores.0f.zip",
    "reports/myshop/index.html",
    "reports/myshop/notebooks/01_cleaning.ipynb",
    "reports/myshop/notebooks/01_cleaning.failed.ipynb",
    "build/runs/myshop/01_cleaning.partial.ipynb",
    "build/runs/myshop/spill/lines.utf8.txt",
    "build/faults/20260101-000000-1.log",
    "build/homes/0123456789ab",
)
# Beside these, what a person at work leaves.
LEFT = (
    *("notebooks/04_segment_personas-Copy1.ipynb", "notebooks/Untitled.ipynb"),
    *("notebooks/01_cleaning.nbconvert.ipynb", "notebooks/01_cleaning.failed.ipynb"),
    *(
        "notebooks/01_cleaning.html",
        "04_segment_personas.ipynb",
        "page.pdf",
        "shot.png",
    ),
    *(
        "runs/myshop.yaml",
        "runs/myshop.yaml.1.partial",
        ".env",
        ".pgpass",
        "report.log",
    ),
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Make a repository with the project's .gitignore and all that it has committed."""
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    root = tmp_path_factory.mktemp("repository")
    listed = git(paths.ROOT, "ls-files", "-z").split("\0")[:-1]
    if not listed:
        pytest.skip("this is no repository")
    for name in listed:
        write(root / name)
    shutil.copy(paths.ROOT / ".gitignore", root)
    git(root, "init", "-q")
    return root, set(listed)


def git(root, *arguments, given=""):
    done = subprocess.run(
        ["git", "-C", root, *arguments],
        input=given,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def ignored(root, names):
    """Name those of some files that git passes over, though they were committed."""
    given = "\0".join(names)
    found = git(root, "check-ignore", "-z", "--no-index", "--stdin", given=given)
    return set(found.split("\0")) - {""}


def write(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def test_git_add_takes_what_is_committed_and_no_file_of_data(repository):
    root, committed = repository
    own = {f"{place}/orders{kind}".lstrip("/") for place in PLACES for kind in KINDS}
    homes = ("", "home/", "my study/home/")
    made = {home + name for home in homes for name in GENERATED}
    for name in own | made | set(LEFT):
        write(root / name)
    git(root, "add", ".")
    added = set(git(root, "ls-files", "-z").split("\0")) - {""}
    assert added == committed
    everything = own | made | set(LEFT)
    assert ignored(root, everything) == everything


def test_a_new_notebook_helper_or_test_of_the_study_is_taken(repository):
    root, _ = repository
    new = [
        "notebooks/10_margins.ipynb",
        "src/helpers/leads/words.yaml",
        "tests/test_a.py",
    ]
    assert ignored(root, [*new, "a.csv"]) == {"a.csv"}


def test_committed_notebooks_come_from_the_default_run_alone():
    for book in paths.notebooks():
        notebook = nbformat.read(book, as_version=4)
        tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
        assert sum("parameters" in one for one in tags) == 1, book.name
        assert not any("injected-parameters" in one for one in tags), book.name
        assert notebook.metadata.keys() <= {"kernelspec", "language_info"}, book.name
        own = run_file.own_run(book)
        assert own == ("uniform_supplier" if book.stem == "09_recovery" else RUN)
        said = "\n".join(map(texts, notebook.cells))
        other = {file.stem for file in paths.run_file(own).parent.glob("*.yaml")}
        for run in other - {RUN, own}:
            assert not re.search(rf"\b(?:run|RUN)[ =]{run}\b|/{run}/", said), book.name


def texts(cell):
    """Join what a cell shows as text."""
    found = [out.get("text", "") for out in cell.get("outputs", ())]
    data = [out.get("data", {}) for out in cell.get("outputs", ())]
    return "\n".join([*found, *(str(one.get("text/plain", "")) for one in data)])


# Who may read.


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    before = os.umask(0o022)
    yield tmp_path
    assert os.umask(before) == 0o022  # what was closed for a table is not for all


def mode(file):
    return oct(file.stat().st_mode & 0o777)


def test_tables_are_for_their_owner_alone_and_pages_for_others_too(home):
    folder = paths.processed("trial")
    store.write_json({}, folder / "findings/01.json")
    table = pd.DataFrame({"customer_id": ["a"]})
    exports.write_csv(table, folder / "list.csv")
    with store.replacing(paths.interim("trial") / "lines.parquet") as partial:
        table.to_parquet(partial)
        assert mode(partial) == "0o600"
    store.write_text("page", paths.reports("trial") / "index.html")
    files = [file for file in home.rglob("*") if file.is_file()]
    modes = {file.name: mode(file) for file in files}
    private = dict.fromkeys(("01.json", "list.csv", "lines.parquet"), "0o600")
    assert modes == private | {"index.html": "0o644"}
    for closed in (folder, folder / "findings", paths.interim("trial")):
        assert mode(closed) == "0o700"
    assert mode(paths.reports("trial")) == "0o755"


def test_folders_and_files_of_an_earlier_version_are_closed(home):
    file = paths.processed("trial") / "deep/list.csv"
    file.parent.mkdir(parents=True)
    file.touch()
    assert (mode(file), mode(file.parent)) == ("0o644", "0o755")
    store.write_text("a", file)
    assert (mode(file), mode(file.parent)) == ("0o600", "0o700")
    assert mode(paths.processed("trial")) == "0o700"
    assert mode(home / "data/processed") == "0o755"
