"""Every notebook has the same parts, and was saved as it ran, at its defaults."""

import ast
import itertools
import json
import re
from dataclasses import dataclass
from statistics import median

import pytest

from helpers.core import paths
from helpers.runs import run_file

TRACKS = {
    "order lines": paths.notebooks(),
    "customer table": paths.notebooks(run_file.CUSTOMER_TABLE),
}
BOOKS = [book for books in TRACKS.values() for book in books]
RUNS = sorted(file.stem for file in (paths.ROOT / "runs").glob("*.yaml"))
# Folders that only one machine has.
MACHINE = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|Users|var|opt|mnt|private)/\w")

# How short cells are, how much is said between them. Code is that of all cells but the
# parameters, and words are those of markdown.
MAX_MEDIAN = 6  # lines of a code cell
MAX_CELL = 25
MAX_LINES = {"order lines": 3_300, "customer table": 2_300}  # all notebooks together
MIN_WORDS = 3  # a line of code
MIN_PROSE = 2 / 3
each = pytest.mark.parametrize("book", BOOKS, ids=lambda book: str(book)[-40:])


def cells(book):
    return json.loads(book.read_text("utf-8"))["cells"]


def code(book):
    return [cell for cell in cells(book) if cell["cell_type"] == "code"]


def text(cell):
    return "".join(cell["source"])


def outputs(book):
    return [output for cell in code(book) for output in cell["outputs"]]


def test_there_are_notebooks_and_runs():
    assert BOOKS
    assert "complete_journey" in RUNS


@pytest.mark.parametrize("run", RUNS)
def test_a_run_names_only_what_the_notebooks_declare(run):
    run_file.check(run)


@pytest.mark.parametrize("track", TRACKS)
def test_the_notebooks_are_numbered_without_a_gap(track):
    numbers = [int(book.name[:2]) for book in TRACKS[track]]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_table_has_notebooks_of_the_same_names():
    names = [{book.name for book in books} for books in TRACKS.values()]
    assert names[1] < names[0]


@each
def test_the_first_cell_asks_and_answers(book):
    first = cells(book)[0]
    assert first["cell_type"] == "markdown"
    assert re.match(rf"# {int(book.name[:2])}\. \w", text(first))
    for label in ("**Question.** ", "**Answer.** ", "**Reads**", "**Writes**"):
        assert text(first).count(label) == 1


@each
def test_the_second_cell_holds_all_imports(book):
    kinds = [{type(line) for line in ast.parse(text(cell)).body} for cell in code(book)]
    imports = {ast.Import, ast.ImportFrom}
    assert cells(book)[1] == code(book)[0]
    assert kinds[0] <= imports
    assert not any(kind & imports for kind in kinds[1:])


@each
def test_the_third_cell_holds_typed_and_commented_parameters(book):
    tagged = [
        cell for cell in cells(book) if "parameters" in cell["metadata"].get("tags", [])
    ]
    assert tagged == [cells(book)[2]]
    lines = text(tagged[0]).splitlines()
    for line in ast.parse(text(tagged[0])).body:
        assert any("  # " in one for one in lines[line.lineno - 1 : line.end_lineno])
    known = run_file.declared(book)
    assert "run" in known
    # In a cell of one line IPython takes `run:` for its magic word %run.
    assert len(known) > 1
    for name, one in known.items():
        assert run_file.fits(one.default, one.kind), (
            f"{name}: {one.kind} = {one.default!r}"
        )


@each
def test_the_last_cells_are_findings_limits_and_the_way_on(book):
    last = cells(book)[-1]
    headings = [
        place
        for place, cell in enumerate(cells(book)[:-1])
        if cell["cell_type"] == "markdown" and text(cell).startswith("## ")
    ]
    # under Findings stands the code that writes and shows them, and nothing else
    assert text(cells(book)[headings[-1]]).startswith("## Findings")
    findings = cells(book)[-2]
    assert findings["cell_type"] == "code"
    assert findings["outputs"], "the findings were not saved"
    assert "### Limits" in text(last)
    following = BOOKS[BOOKS.index(book) + 1 :][:1]
    beside = [one for one in following if one.parent == book.parent]
    assert all(f"]({one.name})" in text(last) for one in beside)


@each
def test_links_lead_to_notebooks_that_exist(book):
    linked = {
        name
        for cell in cells(book)
        for name in re.findall(r"\]\(([^)#]+\.ipynb)", text(cell))
    }
    assert all((book.parent / name).is_file() for name in linked)


@each
def test_headings_follow_in_order_under_one_title(book):
    prose = [text(cell) for cell in cells(book) if cell["cell_type"] == "markdown"]
    levels = [
        len(sign) for sign in re.findall(r"^(#+) ", "\n".join(prose), re.MULTILINE)
    ]
    assert levels.count(1) == 1
    assert all(now <= before + 1 for before, now in itertools.pairwise(levels))


@each
def test_no_function_is_longer_than_five_lines(book):
    for cell in code(book):
        for node in ast.walk(ast.parse(text(cell))):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 6, node.name


@each
def test_every_code_cell_was_run_in_order_and_saved(book):
    # But for what lacks its data in the default run: notebook 3 has one sample, 5 to 8 no
    # contracts, arms and leads.
    waits = [
        cell for cell in code(book) if "nbval-skip" in cell["metadata"].get("tags", [])
    ]
    counts = [cell["execution_count"] for cell in code(book)]
    counts = [count for count in counts if count]
    assert counts == list(range(1, len(counts) + 1))
    assert len(code(book)) - len(counts) <= len(waits) <= 0.6 * len(code(book))


@each
def test_nothing_went_wrong_and_nothing_was_complained_of(book):
    for output in outputs(book):
        assert output["output_type"] != "error"
        assert output.get("name") != "stderr", output["text"]


@each
def test_every_figure_is_a_png_with_words_for_it(book):
    for output in outputs(book):
        data = output.get("data", {})
        assert not {"image/svg+xml", "image/jpeg", "application/pdf"} & data.keys()
        if "image/png" in data:
            words = output["metadata"].get("image/png", {}).get("alt", "")
            assert len(words.split()) >= 4, f"alt text {words!r}"


@each
def test_no_output_names_a_folder_of_this_machine(book):
    for output in outputs(book):
        shown = {
            key: one
            for key, one in output.get("data", {}).items()
            if key != "image/png"
        }
        told = json.dumps([shown, output.get("text", "")], ensure_ascii=False)
        assert str(paths.ROOT) not in told
        assert not MACHINE.search(told), MACHINE.search(told)


@each
def test_the_file_is_the_same_whatever_python_ran_it(book):
    about = json.loads(book.read_text("utf-8"))["metadata"]
    assert about == {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }


# --- How short, and how much is said


@dataclass(frozen=True)
class Measures:
    """What can be counted of a notebook, or of all."""

    lines: list[int]  # of each code cell but the parameters
    words: int
    prose: int  # code cells with markdown directly before them

    @classmethod
    def of(cls, all_cells):
        """Count the cells of one notebook or of several."""
        counted, words, prose, before = [], 0, 0, ""
        for cell in all_cells:
            if cell["cell_type"] == "markdown":
                words += len(text(cell).split())
            elif "parameters" not in cell["metadata"].get("tags", []):
                counted.append(len(text(cell).splitlines()))
                prose += before == "markdown"
            before = cell["cell_type"]
        return cls(counted, words, prose)

    def __str__(self):
        return (
            f"{len(self.lines)} code cells, {sum(self.lines):,} lines, median "
            f"{median(self.lines):g}, longest {max(self.lines)}, "
            f"{self.words / sum(self.lines):.1f} words a line, prose before "
            f"{self.prose / len(self.lines):.0%}"
        )

    def faults(self):
        """Say which bounds are not kept."""
        kept = {
            "the median cell is too long": median(self.lines) <= MAX_MEDIAN,
            "a cell is too long": max(self.lines) <= MAX_CELL,
            "too little is said": self.words >= MIN_WORDS * sum(self.lines),
            "cells follow cells": self.prose >= MIN_PROSE * len(self.lines),
        }
        return [fault for fault, holds in kept.items() if not holds]


def asks_for_a_table(source):
    """List the lines that ask, by an `if` of their own, whether a table is there."""
    return [
        ast.unparse(line.test)
        for line in ast.parse(source).body
        if isinstance(line, ast.If)
        and re.search(
            r"\bhas_\w+|\.exists\(|'\w+' in (tables|there)", ast.unparse(line.test)
        )
    ]


@each
def test_cells_are_short_and_what_they_do_is_said(book):
    found = Measures.of(cells(book))
    asked = [one for cell in code(book) for one in asks_for_a_table(text(cell))]
    print(f"{book.stem}: {found}")
    faults = found.faults() + [f"a section is asked for by: if {one}" for one in asked]
    assert not faults, f"{book.stem}: {found}"


@pytest.mark.parametrize("track", TRACKS)
def test_all_notebooks_together_are_short(track):
    found = Measures.of(cell for book in TRACKS[track] for cell in cells(book))
    print(f"{track}: {found}")
    assert not found.faults()
    assert sum(found.lines) <= MAX_LINES[track]


def test_what_is_too_long_or_unsaid_is_noticed():
    def code_cell(lines, *tags):
        source = ["x = 1\n"] * lines
        return {"cell_type": "code", "source": source, "metadata": {"tags": [*tags]}}

    prose = {"cell_type": "markdown", "source": ["one two three " * 30]}
    good = [code_cell(40, "parameters"), prose, code_cell(6), prose, code_cell(25)]
    assert Measures.of([*good, prose, code_cell(3)]).faults() == []
    assert Measures.of([*good, code_cell(26)]).faults() == [
        "the median cell is too long",
        "a cell is too long",
    ]
    silent = Measures.of([code_cell(2), code_cell(2)])
    assert silent.faults() == ["too little is said", "cells follow cells"]
    assert asks_for_a_table("if has_coupons:\n    x = 1") == ["has_coupons"]
    assert asks_for_a_table("if file.exists():\n    x = 1")
    assert asks_for_a_table("if 'leads' in tables:\n    x = 1")
    assert not asks_for_a_table("x = 1 if has_coupons else 2")
