"""Run the cells of a customer table's notebook here, section by section, without a kernel."""

import json

import duckdb
import matplotlib as mpl
import pandas as pd
from matplotlib import pyplot as plt

from helpers.core import paths
from helpers.core.errors import TooLittle
from helpers.customer_table import measures
from helpers.display import tables, words
from helpers.runs import data_sufficiency


def ready(made, run):
    """Write tables of `made.survey`, and the verdict of notebook 2 on them."""
    made.write(run)
    customers, attributes = made.tables["customers"], made.tables["attributes"]
    about = {"judged": measures.outcomes(customers, attributes), "builders": 4}
    enough = made.tables["segments"]["segment_id"] > 0
    facts = measures.facts(customers, attributes, enough=enough, **about)
    facts |= data_sufficiency.counted(duckdb.connect(), data_sufficiency.files(run))
    least = {"customers": 10, "segmented": 40, "events": 30}
    found = pd.Series(facts)
    verdict = data_sufficiency.verdict(found, **least, track="customer_table")
    data_sufficiency.write(verdict, run=run)


def execute(notebook, **parameters):
    """Execute a notebook's cells; return its names, what was shown, and what was left out."""
    file = paths.ROOT / f"notebooks/customer_table/{notebook}.ipynb"
    shown, left_out = [], {}
    names = {"display": shown.append, "__name__": "cells"}
    kept = tables._sign, words._currency
    with mpl.rc_context():
        for cell in json.loads(file.read_text("utf-8"))["cells"]:
            _run(cell, names, left_out, parameters)
    tables._sign, words._currency = kept  # of this process, not of the notebook
    return names, shown, left_out


def _run(cell, names, left_out, parameters):
    tags = cell["metadata"].get("tags", [])
    needs = [tag.removeprefix("needs:") for tag in tags if tag.startswith("needs:")]
    if cell["cell_type"] != "code" or set(needs) & left_out.keys():
        return
    try:
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    except TooLittle as why:
        assert needs, f"{cell['id']} belongs to no section: {why}"
        left_out[needs[-1]] = str(why)
    if "parameters" in tags:
        names |= parameters
    plt.close("all")
