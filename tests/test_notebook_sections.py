"""What is left out of a notebook is not asked for by what stays."""

import ast
import json

import pytest

from helpers.core import paths
from helpers.runs import sections

# Of segments that are not handed on, notebook 3 asks nothing: `x if handed_on else y`.
BOOKS = [book for book in paths.notebooks() if not book.stem.startswith("03")]


def names(source, kind):
    """Name the variables that code stores or loads, but no argument."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, kind):
            found.add(node.id)
        if isinstance(node, ast.FunctionDef | ast.alias) and kind is ast.Store:
            found.add(getattr(node, "asname", None) or node.name)
    if kind is ast.Load:
        found -= {n.arg for n in ast.walk(ast.parse(source)) if isinstance(n, ast.arg)}
    return found


def unmet(cells, missing):
    """Name variables that a cell outside some sections takes from inside them only."""
    kept, lost, asked = set(), set(), set()
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        tags = cell["metadata"].get("tags", [])
        inside = {tag.removeprefix(sections.TAG) for tag in tags} & missing
        source = "".join(cell["source"])
        if inside:
            lost |= names(source, ast.Store)
            continue
        asked |= (names(source, ast.Load) & lost) - kept - names(source, ast.Store)
        kept |= names(source, ast.Store)
    return asked


def every_section(cells):
    tags = [tag for cell in cells for tag in cell["metadata"].get("tags", [])]
    return {tag.removeprefix(sections.TAG) for tag in tags if tag.startswith("needs:")}


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_what_stays_does_without_what_is_left_out(book):
    cells = json.loads(book.read_text("utf-8"))["cells"]
    for section in every_section(cells):
        assert not unmet(cells, {section}), section
    assert not unmet(cells, every_section(cells))


def test_a_name_from_a_section_is_noticed():
    def code(source, *tags):
        return {"cell_type": "code", "source": source, "metadata": {"tags": [*tags]}}

    section = code("found = 1", "needs:leads")
    assert unmet([section, code("print(found)")], {"leads"}) == {"found"}
    assert not unmet([code("found = 0"), section, code("print(found)")], {"leads"})
