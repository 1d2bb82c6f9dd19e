"""A helper imports only what lies above it, so the table of rows can be read downwards."""

import ast

import pytest

from helpers import paths, stages

# From the raw tables to the report. In rows that are ORDERED a module may also import
# those named before it.
ROWS = {
    "base": [
        *("paths", "schema", "engines", "mapping", "runs", "horizons", "sections"),
        *("stages", "failures", "execution"),
    ],
    "raw and clean": [
        *("sources", "simulate", "cleaning", "readiness", "opening", "typed"),
        *("outlook", "inspection", "intake", "receiving", "sniffing", "guess", "draft"),
    ],
    "features": ["staging", "features", "outcomes", "preparation"],
    "segments": [
        *("clusterings", "candidates", "evidence", "structure", "stability"),
        *("usefulness", "decision", "sampling", "maps", "segments", "census"),
    ],
    "personas and after": [
        *(
            "tables",
            "themes",
            "personas",
            "cards",
            "estimates",
            "fairness",
            "exports",
            "rules",
        ),
        "conclusions",
        *("disclosure", "cube", "lifecycle", "value", "campaigns"),
        *(
            "offers",
            "messages",
            "moments",
            "allocation",
            "trials",
            "retention",
            "touchpoints",
        ),
        *("classifier", "leads", "conversion"),
        *("drift", "movement", "succession", "registry", "recovery"),
    ],
    "report": [
        "plots",
        "activation_plots",
        *("evidence_plots", "profile_plots", "lifecycle_plots"),
        *("refinement_plots", "leads_plots"),
        *("findings", "pages", "explore", "board"),
        "dashboard",
        "report",
    ],
}
ORDERED = {
    "base",
    "raw and clean",
    "features",
    "segments",
    "personas and after",
    "report",
}
FILES = {file.stem: file for file in (paths.ROOT / "src/helpers").glob("*.py")}
MODULES = sorted(FILES.keys() - {"__init__"})


def above(module):
    """Name the modules that one may import."""
    allowed = set()
    for row, names in ROWS.items():
        if module in names:
            return allowed | (
                set(names[: names.index(module)]) if row in ORDERED else set()
            )
        allowed |= set(names)
    raise AssertionError(f"{module} is in no row; give it one here and in the README")


@pytest.mark.parametrize("module", MODULES)
def test_a_helper_imports_only_from_above(module):
    below = stages.imported(FILES[module].read_text("utf-8")) - above(module)
    assert not below


@pytest.mark.parametrize("module", sorted(FILES))
def test_a_helper_says_in_one_line_what_it_is_for(module):
    told = ast.get_docstring(ast.parse(FILES[module].read_text("utf-8")))
    assert told and "\n" not in told


def test_the_package_itself_imports_nothing():
    assert stages.imported(FILES["__init__"].read_text("utf-8")) == set()


def test_a_lower_row_would_be_noticed():
    assert "report" not in above("features")
    assert above("runs") == {"paths", "schema", "engines", "mapping"}
    assert above("sources") == set(ROWS["base"])


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from helpers import plots, tables as t", {"plots", "tables"}),
        ("import helpers.plots", {"plots"}),
        ("from helpers.plots import sizes", {"plots"}),
        ("def f():\n    from helpers import runs", {"runs"}),
        ("%matplotlib inline\nfrom helpers import paths", {"paths"}),
        ("import os\nfrom pathlib import Path", set()),
        ("from helpers import (", set()),
    ],
)
def test_every_way_of_importing_is_seen(source, names):
    assert stages.imported(source) == names
