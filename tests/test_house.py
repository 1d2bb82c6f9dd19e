"""How the helpers are laid out: few modules a folder, short enough to be read."""

import ast
import tomllib

import pytest

from helpers.core import paths

SOURCE = paths.ROOT / "src/helpers"
FILES = sorted(SOURCE.rglob("*.py"))
FOLDERS = sorted({file.parent for file in FILES} - {SOURCE})
MAX_MODULES = 13
MAX_LINES = 38_700
MAX_UNCHECKED = 48


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_is_taken_in_at_a_glance(folder):
    modules = [file.stem for file in folder.glob("*.py") if file.stem != "__init__"]
    print(f"{folder.name}: {len(modules)} modules, {', '.join(sorted(modules))}")
    assert 0 < len(modules) <= MAX_MODULES


def test_the_helpers_stay_short():
    lines = sum(len(file.read_text("utf-8").splitlines()) for file in FILES)
    print(f"src/helpers: {lines:,} lines")
    assert lines <= MAX_LINES


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_module_says_in_one_line_what_it_is_for(file):
    said = ast.get_docstring(ast.parse(file.read_text("utf-8")))
    assert said and "\n" not in said


def test_each_test_of_a_module_lies_where_the_module_does():
    tests = paths.ROOT / "tests"
    for folder in FOLDERS:
        for file in (tests / folder.name).glob("test_*.py"):
            module = folder / f"{file.stem.removeprefix('test_')}.py"
            assert module.exists(), f"{file.relative_to(tests)} tests no module"


def test_no_module_joins_those_whose_types_are_not_checked():
    text = (paths.ROOT / "pyproject.toml").read_text("utf-8")
    [unchecked] = tomllib.loads(text)["tool"]["mypy"]["overrides"]
    print(f"{len(unchecked['module'])} modules with wrong types")
    assert len(unchecked["module"]) <= MAX_UNCHECKED
