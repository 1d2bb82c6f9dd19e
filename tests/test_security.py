"""Every promise of README and docs stands in SECURITY.md, beside tests that there are."""

import ast
import re
import shutil

import duckdb
import pytest

from helpers.core import paths
from helpers.intake import check, own_files, scaffold

SECURITY = (paths.ROOT / "SECURITY.md").read_text("utf-8")
README = "\n".join(
    (paths.ROOT / page).read_text("utf-8")
    for page in ("README.md", "docs/own_data.md", "docs/scale.md", "docs/layout.md")
)
# A list of pages promises nothing; what was found is held by test_readme.py.
NO_PROMISES = ("Read on", "What you get")
FOLDERS = re.compile(r"(?m)^\| `\w+` \|.*$")  # of helpers: says what is asked there
PROMISING = re.compile(
    r"\b(never|nothing|always|whatever|refused|offline|no network|no obstacle|go(es)? on|"
    r"continues?|stops|same|every printed number|no personal data|passwords?|"
    r"only groups|withhold|withheld|held to|built on)\b"
)
# Sentences in which such a word promises nothing.
PLAIN = (
    *("Nothing needs to change until order lines", "For another run of the same data"),
    *("whatever the engine", "`left_out_status`", "When something stops"),
    "one file per module, in the same folders",
)
NETWORK = {
    *("aiohttp", "ftplib", "http", "httpx", "imaplib", "requests", "smtplib"),
    *("socket", "ssl", "urllib", "urllib3", "websocket", "xmlrpc"),
}
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", SECURITY)


def plain(text):
    return re.sub(r"[\s*]+", " ", text)


def quoted():
    """List the words of the README that SECURITY.md repeats."""
    return [plain(words) for words in re.findall("“(.+?)”", SECURITY)][1:]


def sentences():
    """Cut the README's text, tables and comments of commands into sentences."""
    for part in re.split(r"(?m)^## ", FOLDERS.sub("", README)):
        if not part.startswith(NO_PROMISES):
            rows = re.sub(r"(?m)^(\||#|- | {4,}\S.*?# )", "\n\n", part)
            for block in re.split(r"\n\s*\n", rows):
                yield from re.split(r"(?<=[.:;]) (?=\W?[A-Z`*])", plain(block).strip())


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_test_that_is_named_is_there(file, name):
    tree = ast.parse((paths.ROOT / "tests" / file).read_text("utf-8"))
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert name in tests


def test_every_row_names_a_test():
    rows = re.findall(r"(?m)^\| (?!Promise)(.+?) \| (.+?) \|$", SECURITY)
    assert len(rows) > 20
    assert [promise for promise, held in rows if "::test_" not in held] == []


def test_what_is_quoted_stands_in_the_readme():
    readme = plain(README)
    assert [words for words in quoted() if words not in readme] == []


def test_every_promise_of_the_readme_has_its_row():
    promises = [one for one in sentences() if PROMISING.search(one)]
    held = (*quoted(), *map(plain, PLAIN))
    assert len(promises) > 15
    assert [one for one in promises if not any(words in one for words in held)] == []


def test_own_files_are_read_and_never_changed(monkeypatch, tmp_path):
    raw, runs = tmp_path / "data/raw/own_files", tmp_path / "runs"
    shutil.copytree(paths.ROOT / "data/raw/own_files", raw)
    shutil.copytree(paths.ROOT / "notebooks", tmp_path / "notebooks")
    runs.mkdir()
    before = {
        file: (file.read_bytes(), file.stat().st_mtime_ns) for file in raw.iterdir()
    }
    own_run = (paths.ROOT / "runs/own_files.yaml").read_text("utf-8")
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.delenv("STUDY_HOME", raising=False)
    scaffold.write("own_files")
    (runs / "own_files.yaml").write_text(own_run, "utf-8")
    held = sorted(tmp_path.rglob("*"))
    check.check("own_files")
    assert sorted(tmp_path.rglob("*")) == held  # it writes nothing
    own_files.receive(duckdb.connect(), run="own_files")
    after = {
        file: (file.read_bytes(), file.stat().st_mtime_ns) for file in raw.iterdir()
    }
    assert after == before


def test_no_helper_speaks_to_the_network():
    for file in (paths.ROOT / "src").rglob("*.py"):
        names = []
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
        called = set(names) - {"urllib.parse"}  # takes addresses apart, asks nobody
        found = {name.partition(".")[0] for name in called} & NETWORK
        assert not found, f"{file.name} imports {found}"
