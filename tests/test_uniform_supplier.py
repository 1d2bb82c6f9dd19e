"""The simulated supplier and the sample of own files: the whole study, side by side."""

import json
import os
import re
import subprocess
import sys

import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from helpers.core import paths, store
from helpers.runs import run_file

pytestmark = pytest.mark.runs
RUNS = ("uniform_supplier", "own_files", "uniform_survey")
# What a make that runs these tests leaves in the environment.
OUTER = {"RUN", "PYTHON", "VENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"}


@pytest.fixture(scope="module", autouse=True)
def built():
    """Build both runs at the same time, two jobs each, as the README's command does.

    They stay where `make test` keeps its files: notebook 9 is compared with them.
    """
    made = [
        subprocess.Popen(
            ["make", "-j2", "report", f"RUN={run}", f"VENV={sys.prefix}"],
            cwd=paths.ROOT,
            env={name: os.environ[name] for name in os.environ.keys() - OUTER},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for run in RUNS
    ]
    for run, process in zip(RUNS, made, strict=True):
        said, _ = process.communicate()
        assert process.returncode == 0, f"{run}:\n{said}"


def truth():
    return json.loads((paths.raw("uniform_supplier") / "truth.json").read_text("utf-8"))


def pages(run):
    return {
        file.stem: file.read_text("utf-8") for file in paths.reports(run).glob("*.html")
    }


@pytest.mark.parametrize("run", RUNS)
def test_every_notebook_of_a_run_has_its_page(run):
    books = {book.stem for book in run_file.notebooks(run)}
    assert pages(run).keys() == books | {"index"}


def test_every_page_of_simulated_data_says_so():
    for name, page in pages("uniform_supplier").items():
        assert "simulated data" in page, name
    assert not any("simulated data" in page for page in pages("own_files").values())


def test_planted_segments_are_recovered_at_the_number_that_the_evidence_chooses():
    found = store.read("segments", run="uniform_supplier")
    found = found[found["segment_id"] > 0]
    planted = found["customer_id"].map(truth()["segments"])
    assert found["segment_id"].nunique() == planted.nunique() == 5
    assert adjusted_rand_score(found["segment_id"], planted) >= 0.85
    assert len(found) > 2000


def test_planted_drivers_of_renewal_lie_inside_their_intervals():
    found = store.read("renewal_drivers", run="uniform_supplier").set_index("driver")
    planted = pd.Series(truth()["renewal"])
    assert set(found.index) == set(planted.index)
    assert (found["low"] <= planted).all() and (planted <= found["high"]).all()
    assert ((found["low"] > 0) | (found["high"] < 0)).all(), "an interval holds nothing"


def test_the_alarm_is_raised_when_needs_moved_and_not_before():
    alarms = store.read("drift_alarms", run="uniform_supplier")
    moved = pd.PeriodIndex(alarms["period"], freq="Q") >= pd.Period(
        truth()["drift"]["day"], "Q"
    )
    assert len(alarms) >= 3
    assert alarms["alarm"].tolist() == moved.tolist()


def test_every_estimate_is_held_to_the_truth_and_none_misses_by_much():
    found = store.read("recovery", run="uniform_supplier")
    inside = found["inside"].astype(bool)
    assert len(found) > 20
    assert inside.mean() >= 0.9, found[~inside]


def test_leads_are_ranked_nearly_as_well_as_chance_allows():
    scores = store.read("lead_scores", run="uniform_supplier")
    leads = store.read("leads", run="uniform_supplier").set_index("lead_id")
    chance = scores["lead_id"].map(truth()["leads"])
    assert len(scores) < len(leads), "some leads must be learnt from"
    assert scores["probability"].corr(chance, method="spearman") > 0.6


def test_no_page_names_an_account():
    ids = set(store.read("customers", run="uniform_supplier")["customer_id"])
    for name, page in pages("uniform_supplier").items():
        assert not ids & set(re.findall(r"\bA\d{5}\b", page)), name


def test_the_supplier_s_own_words_reach_the_personas():
    told = json.dumps(
        json.loads((paths.processed("uniform_supplier") / "personas.json").read_text())
    )
    for words in ("flame resistant", "representative", "certificates", "designer"):
        assert words in told


def test_what_the_sample_lacks_is_said_on_its_pages():
    found = pages("own_files")
    assert "This run has no table of leads" in found["08_leads"]
    assert (
        "needs the tables campaigns, contacts and responses" in found["06_activation"]
    )
