"""What each executed notebook of a run depends on, as make will read it."""

import json
import os
import re

import pytest

from helpers.core import paths
from helpers.core.errors import BadInput
from helpers.runs import dependencies

DEFAULT = 'run: str = "complete_journey"  # name of the run'
CODE = {
    "01_cleaning": "store.write(lines, 'lines', run=run)",
    "02_feature_engineering": "lines = store.read('lines', run=run)",
    "03_clustering_choice": "%matplotlib inline\nfor name in ['half_features']: name",
    # What a later one writes, or it itself, is nothing to wait for.
    "08_leads": "store.document('decision', run=run), 'leads', 'recovery', 'lead_scores'",
    "10_own": "features = 'no table'",
}


def write(folder, name, code, *, parameters=DEFAULT):
    """Write a notebook of a first cell, parameters and a code cell."""
    cells = [
        {"cell_type": "markdown", "source": f"# {name}", "metadata": {}},
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
    for name, code in CODE.items():
        write(tmp_path / "notebooks", name, code)
    for run in ("complete_journey", "shop"):
        (tmp_path / f"runs/{run}.yaml").write_text("source: complete_journey\n")
    return tmp_path


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
        "08": {"01", "03"},
        "10": {"08"},  # names no table: it waits for the one before
    }
    assert pages == {"01", "02", "03", "08", "10"}


def test_a_notebook_about_another_run_is_neither_executed_nor_waited_for(project):
    own = DEFAULT.replace("complete_journey", "shop")
    name = "03_clustering_choice"
    write(project / "notebooks", name, CODE[name], parameters=own)
    found = depends("complete_journey")
    assert found["08"] == {"01"} and "03" not in found
    assert depends("shop")["08"] == {"01", "03"}


def test_a_fragment_that_stays_the_same_is_not_touched(project):
    before = dependencies.write("shop").stat().st_mtime_ns
    assert dependencies.write("shop").stat().st_mtime_ns == before
    write(project / "notebooks", "08_leads", "store.read('features', run=run)")
    assert depends("shop")["08"] == {"02"}


def test_an_older_file_in_the_place_of_a_received_one_is_seen(project, monkeypatch):
    """`mv` and `cp -p` keep the older time, by which make alone would not see it."""
    raw = project / "data/raw/shop/lines.csv"
    raw.parent.mkdir(parents=True)
    raw.write_text("order\n1\n")
    monkeypatch.setattr(dependencies.mapping, "files", lambda told, run: [raw])
    dependencies.write("shop")
    values = project / "build/runs/shop/01_cleaning.json"
    before = values.stat().st_mtime_ns
    os.utime(raw, (1, 1))
    dependencies.write("shop")
    assert values.stat().st_mtime_ns == before  # the same content
    raw.write_text("order\n2\n")
    os.utime(raw, (1, 1))
    dependencies.write("shop")
    assert values.stat().st_mtime_ns > before


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (
            "from helpers.display import plots, tables as t",
            {"display.plots", "display.tables"},
        ),
        ("import helpers.display.plots", {"display.plots"}),
        ("from helpers.display.plots import sizes", {"display.plots"}),
        ("from helpers import display\ndisplay.plots.sizes()", {"display.plots"}),
        ("def f():\n    from helpers.runs import run_file", {"runs.run_file"}),
        ("%matplotlib inline\nfrom helpers.core import paths", {"core.paths"}),
        ("import os\nfrom pathlib import Path", set()),
        ("from helpers.display import (", set()),
    ],
)
def test_every_way_of_importing_is_seen(code, names):
    modules = {name for name in dependencies.imported(code) if name.count(".") > 1}
    assert {".".join(name.split(".")[1:3]) for name in modules} == names


def test_a_folder_imported_in_one_cell_and_asked_in_another_is_seen(project):
    folder = project / "src/helpers/display"
    folder.mkdir()
    for name in ("__init__", "plots", "tables"):
        (folder / f"{name}.py").touch()
    book = project / "notebooks/10_own.ipynb"
    write(book.parent, book.stem, "from helpers import display")
    content = json.loads(book.read_text())
    content["cells"] += [content["cells"][-1] | {"source": "display.plots.theme()"}]
    book.write_text(json.dumps(content))
    lines = dependencies.write("shop").read_text().splitlines()
    [rule] = [line for line in lines if "/10_own.ipynb:" in line]
    assert "src/helpers/display/plots.py" in rule
    assert "src/helpers/display/tables.py" not in rule


def test_only_the_run_of_a_source_depends_on_what_opens_it():
    def helpers(run):
        lines = dependencies.write(run).read_text().splitlines()
        first = next(line for line in lines if "/01_cleaning.ipynb:" in line)
        return {word for word in first.split() if "/sources/" in word}

    simulator = "src/helpers/sources/uniform_supplier.py"
    assert simulator in helpers("uniform_supplier")
    assert not [
        line
        for line in dependencies.write("complete_journey").read_text().splitlines()
        if simulator in line
    ]


def test_a_run_with_a_fault_gets_no_fragment(project):
    (project / "runs/shop.yaml").write_text("source: nothing\n")
    with pytest.raises(BadInput, match="`source:` is nothing"):
        dependencies.write("shop")
    assert not (project / "build").exists()


def linked(book):
    """Name the notebooks that the first cell of one links after **Reads**."""
    first = "".join(json.loads(book.read_text("utf-8"))["cells"][0]["source"])
    reads = first.partition("**Reads**")[2].partition("**Writes**")[0]
    return set(re.findall(r"\]\((\w+)\.ipynb", reads))


@pytest.mark.parametrize("book", paths.notebooks(), ids=lambda book: book.stem)
def test_a_notebook_links_what_it_reads(book):
    needs = dependencies.needed("uniform_supplier")

    def reached(name):
        links = linked(paths.ROOT / f"notebooks/{name}.ipynb")
        return links.union(*map(reached, links))

    assert linked(book) <= set(needs[book.stem])
    assert set(needs[book.stem]) <= reached(book.stem)


def test_a_data_file_counts_with_the_module_that_names_it(project):
    folder = project / "src/helpers/report"
    (folder / "build.py").write_text('WORDS = "words.yaml", "missing.yaml"\n')
    for name in ("words", "others"):
        (folder / f"{name}.yaml").touch()
    found = dependencies.helper_files(["from helpers.report import build"])
    told = [file.relative_to(project / "src/helpers").as_posix() for file in found]
    modules = ["__init__.py", "report/__init__.py", "report/build.py"]
    assert told == [*modules, "report/words.yaml"]
