"""What each executed notebook of a run depends on, as make will read it."""

import json
import re

import pytest

from helpers.core import paths, schema
from helpers.core.errors import BadInput
from helpers.runs import dependencies, run_file

DEFAULT = 'run: str = "complete_journey"  # name of the run'
HEADS = {
    "01_cleaning": "**Reads** the raw tables. **Writes** `lines`, read by "
    "[3](03_choice.ipynb).",
    "02_features": "**Reads** `lines` ([1. Clean](01_cleaning.ipynb)). **Writes** more.",
    "03_choice": "**Reads** `features` ([2](02_features.ipynb)). **Writes** `segments`.",
    "04_leads": "**Reads** `leads` ([1](01_cleaning.ipynb)) and `segments` ([3. Choose]"
    "(03_choice.ipynb#save)); see [this](https://example.org/x).\n**Next** "
    "[5](05_end.ipynb).",
    "05_end": "No word of what it reads; before it is [1](01_cleaning.ipynb).",
}


def write(folder, name, head, *, code="import os", parameters=DEFAULT):
    """Write a notebook of a first cell, parameters and a code cell."""
    cells = [
        {"cell_type": "markdown", "source": [f"# {name}\n", head], "metadata": {}},
        {
            **{"cell_type": "code", "source": parameters},
            "metadata": {"tags": ["parameters"]},
        },
        {"cell_type": "code", "source": code, "metadata": {}},
    ]
    book = folder / f"{name}.ipynb"
    book.write_text(json.dumps({"cells": cells}))
    return book


@pytest.fixture
def project(monkeypatch, tmp_path):
    """Lay out a project of five notebooks and two runs; return its folder."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.delenv("STUDY_HOME", raising=False)
    for folder in ("notebooks", "runs", "src/helpers/report"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("__init__", "report/__init__", "report/build"):
        (tmp_path / f"src/helpers/{name}.py").touch()
    for name, head in HEADS.items():
        write(tmp_path / "notebooks", name, head)
    for run in ("complete_journey", "shop"):
        (tmp_path / f"runs/{run}.yaml").write_text("source: complete_journey\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("01_cleaning", set()),  # the link stands after **Writes**
        ("02_features", {"01_cleaning.ipynb"}),
        ("04_leads", {"01_cleaning.ipynb", "03_choice.ipynb", "05_end.ipynb"}),
        ("05_end", set()),
    ],
)
def test_a_notebook_reads_what_its_first_cell_links_after_reads(project, name, names):
    assert dependencies.read_by(project / f"notebooks/{name}.ipynb") == names


def depends(run):
    """Return what each executed notebook of a run depends on, by number."""
    fragment = dependencies.write(run).read_text()
    rules = dict(line.split(": ", 1) for line in fragment.splitlines() if ": " in line)
    folder = f"reports/{run}/notebooks/"
    return {
        target.removeprefix(folder)[:2]: {
            need.removeprefix(folder)[:2]
            for need in needs.split()
            if need.startswith(folder)
        }
        for target, needs in rules.items()
    }


def test_an_executed_notebook_waits_for_those_it_reads_and_no_others(project):
    found = depends("shop")
    pages = found.pop("re")
    assert found == {
        "01": set(),
        "02": {"01"},
        "03": {"02"},
        "04": {"01", "03"},  # a link to a later notebook is no dependency
        "05": {"04"},  # says nothing: it waits for the one before
    }
    assert pages == {"01", "02", "03", "04", "05"}


def test_a_notebook_about_another_run_is_neither_executed_nor_waited_for(project):
    own = DEFAULT.replace("complete_journey", "shop")
    write(project / "notebooks", "03_choice", HEADS["03_choice"], parameters=own)
    found = depends("complete_journey")
    assert found["04"] == {"01"} and "03" not in found
    assert depends("shop")["04"] == {"01", "03"}


def test_a_fragment_that_stays_the_same_is_not_touched(project):
    before = dependencies.write("shop").stat().st_mtime_ns
    assert dependencies.write("shop").stat().st_mtime_ns == before
    write(project / "notebooks", "04_leads", "**Reads** [2](02_features.ipynb)")
    assert depends("shop")["04"] == {"02"}


def test_a_run_with_a_fault_gets_no_fragment(project):
    (project / "runs/shop.yaml").write_text("source: nothing\n")
    with pytest.raises(BadInput, match="`source:` is nothing"):
        dependencies.write("shop")
    assert not (project / "build").exists()


@pytest.mark.parametrize("book", paths.notebooks(), ids=lambda book: book.stem)
def test_a_notebook_of_the_study_reads_only_earlier_ones(book):
    names = {one.name for one in paths.notebooks()}
    read = {name for name in dependencies.read_by(book) if name < book.name}
    assert dependencies.read_by(book) == read <= names
    assert read or book.name.startswith("01_")


def reached(book):
    """Name the notebooks that have run when a notebook starts, by its links."""
    files = {one.name: one for one in paths.notebooks()}
    read = dependencies.read_by(book)
    return read.union(*(reached(files[name]) for name in read))


@pytest.mark.parametrize("book", paths.notebooks(), ids=lambda book: book.stem)
def test_a_notebook_links_whatever_writes_the_tables_and_names_it_reads(book):
    code = "\n".join(run_file.code(book))
    tables = re.findall(r'store\.(?:read|path|located)\(\s*"(\w+)"', code)
    made_by = {f"{schema.TABLES[name].made_by}.ipynb" for name in tables}
    # Notebook 4 names the segments of the model that notebook 3 made.
    if re.search(r"\bmodel\.names?\b", code):
        made_by.add("04_segment_personas.ipynb")
    assert made_by - {book.name} <= reached(book)
