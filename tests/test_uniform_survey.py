"""The simulated survey holds what was planted, and the run file names its columns."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from helpers.core import paths
from helpers.customer_table import preparation

FILES = ("survey.csv", "second_wave.csv")


@pytest.fixture(scope="module")
def tool():
    told = importlib.util.spec_from_file_location(
        "uniform_survey", paths.ROOT / "tools/uniform_survey.py"
    )
    module = importlib.util.module_from_spec(told)
    told.loader.exec_module(module)
    return module


def test_the_files_are_what_the_tool_makes(tool, tmp_path):
    tool.write(tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (tool.FOLDER / name).read_bytes()
    text = (tool.FOLDER / FILES[0]).read_text("utf-8")
    assert not any(name in text for name in (*tool.CLASSES, "straight"))


def test_the_run_file_names_the_columns_of_both_waves(tool):
    run = yaml.safe_load((paths.ROOT / "runs/uniform_survey.yaml").read_text("utf-8"))
    columns = set(run["tables"]["customers"]["columns"].values())
    for name in FILES:
        assert columns == set(pd.read_csv(tool.FOLDER / name, nrows=1))


def test_classes_differ_by_some_forty_points_and_second_wave_by_their_shares(tool):
    (first, second), (known, later) = tool.survey(), tool.truth()
    first = first.drop_duplicates("Respondent").set_index("Respondent")
    own = known.loc[first.index, "class"]
    yes = first[list(tool.MOTIVES)].replace({"Yes": 1.0, "No": 0.0}).astype(float)
    shares = yes.groupby(own).mean()
    for motive, of in tool.MOTIVES.items():
        named = shares[motive].loc[list(of)].mean()
        assert 0.3 < named - shares[motive].drop(list(of)).mean() < 0.6
    renewed = first["Contract renewed"].eq("Yes").groupby(own).mean()
    assert renewed.idxmin() == 2
    assert np.ptp(renewed) > 0.15
    grown = [(one["class"] == 3).mean() for one in (known, later)]
    assert grown[1] - grown[0] > 0.07
    assert len(set(second["Respondent"]) & set(first.index)) == tool.ASKED_AGAIN


def test_planted_classes_can_be_found_and_styles_lie_over_them(tool):
    first, _ = tool.survey()
    first = first.drop_duplicates("Respondent").set_index("Respondent")
    known, _ = tool.truth()
    features = pd.DataFrame(index=first.index)
    for name in tool.MOTIVES:
        features[name] = first[name].map({"Yes": 1.0, "No": 0.0}).astype(float)
    for name in tool.ATTITUDES:
        features[name] = first[name].astype(float) - 1
    dictionary = pd.DataFrame({"feature": features.columns, "levels": ""})
    motive = dictionary["feature"].isin(tool.MOTIVES)
    dictionary["measure"] = np.where(motive, "yes_no", "ordered")
    dictionary["family"] = np.where(motive, "requirement", "psychographic")
    kept = features[features.notna().mean(axis=1) >= 0.5]
    prepared = preparation.fit(kept, dictionary=dictionary, winsor=0.01)
    scores = prepared.transform(kept)
    found = KMeans(4, n_init=20, random_state=1).fit_predict(scores)
    truth = known.loc[kept.index]
    assert adjusted_rand_score(truth["class"], found) > 0.7
    said = features[list(tool.MOTIVES)].mean(axis=1).groupby(known["style"]).mean()
    assert said["yes"] - said["own"] > 0.12
    assert said["own"] - said["no"] > 0.12
