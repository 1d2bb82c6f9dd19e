"""A refit keeps the numbers of what lives on, and calls what does not by its name."""

import numpy as np
import pandas as pd
import pytest
from refinement.test_migration import toy_model

from helpers.refinement import migration, refit

SETTINGS = {"survive": 0.5, "part": 0.2}


def labels(table):
    """Turn {(old, new): customers} into two labellings."""
    old, new = zip(*[pair for pair, n in table.items() for _ in range(n)], strict=True)
    return np.array(old), np.array(new)


def matched(table):
    return refit.match(*labels(table), **SETTINGS)


def test_swapped_numbers_are_matched_by_the_customers_shared():
    found = matched({(1, 2): 40, (2, 1): 50, (1, 1): 10})
    assert found["stable_id"].tolist() == [2, 1]
    assert found["what"].tolist() == ["kept", "kept"]
    # new 1: 50 of old 2 and 10 of old 1; overlap with old 2 is 50 of 60
    assert found["shared"].tolist() == [50, 40]
    assert found["of_old"].tolist() == [1.0, 0.8]
    assert found["jaccard"].to_numpy() == pytest.approx([50 / 60, 40 / 50])


def test_a_split_is_called_one_and_its_smaller_part_gets_a_new_number():
    found = matched({(1, 1): 45, (1, 3): 40, (1, 2): 15, (2, 2): 100})
    by_new = found.set_index("new_id")
    assert by_new["what"].to_dict() == {1: "split", 2: "kept", 3: "split"}
    assert by_new["stable_id"].to_dict() == {1: 1, 2: 2, 3: 3}


def test_two_segments_in_one_are_merged():
    found = matched({(1, 1): 60, (2, 1): 50, (3, 2): 40})
    assert found["what"].tolist() == ["merged", "kept", "merged"]
    assert found["new_id"].isna().tolist() == [False, False, True]
    assert found["stable_id"].tolist() == [1, 3, 2]


def test_a_segment_of_scattered_customers_is_born_and_another_ends():
    found = matched(
        {
            (1, 1): 90,
            (2, 2): 90,
            (3, 1): 15,
            (3, 2): 15,
            (3, 3): 3,
            (1, 3): 10,
            (2, 3): 10,
        }
    )
    by_new = found.dropna(subset="new_id").set_index("new_id")
    assert by_new.loc[3, "what"] == "born"
    assert by_new.loc[3, "stable_id"] == 4
    assert pd.isna(by_new.loc[3, "old_id"])
    gone = found[found["new_id"].isna()]
    assert gone[["old_id", "what"]].to_numpy().tolist() == [[3, "ended"]]


def test_a_refit_finds_moved_centres_and_keeps_the_rest():
    rng = np.random.default_rng(2)
    share = np.concatenate([rng.uniform(0.85, 0.95, 40), rng.uniform(0.3, 0.4, 60)])
    features = pd.DataFrame(
        {"customer_id": np.arange(100).astype(str), "orders": 20, "lines": 50}
    ).assign(sales=1.0, share_a=share, share_b=1 - share)
    model = toy_model()
    new = refit.refit(model, features, seed=1, n_init=3)
    assert np.array(new.centres)[:, 0] == pytest.approx(np.sqrt([0.35, 0.9]), abs=0.01)
    assert new.preparation == model.preparation
    by_old, by_new = (migration.distances(m, features) for m in (model, new))
    found = refit.match(
        migration.nearest(by_old), migration.nearest(by_new), **SETTINGS
    )
    assert found["stable_id"].tolist() == [2, 1]


def test_what_is_explained_is_worked_by_hand():
    mix = np.array([[0.0], [0.0], [1.0], [1.0]] * 25)
    told = refit.explained(
        {"old": np.tile([1, 2], 50), "new": np.tile([1, 1, 2, 2], 25)},
        mix,
        champion="old",
        folds=5,
        n_bootstrap=100,
        seed=3,
    ).set_index("model")
    assert told.loc["new", "explained"] == pytest.approx(1)
    assert told.loc["old", "explained"] < 0.05
    assert told.loc["old", ["gain", "gain_low", "gain_high"]].tolist() == [0, 0, 0]
    assert told.loc["new", "gain_low"] > 0.9


def test_a_label_seen_in_no_other_fold_predicts_the_average():
    mix = np.arange(10.0)[:, None]
    label = np.arange(10)
    told = refit.explained(
        {"own": label, "none": np.zeros(10)},
        mix,
        champion="none",
        folds=10,
        n_bootstrap=10,
        seed=1,
    )
    assert told["gain"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("alarm", "gain", "gain_low", "jaccard", "what", "decision"),
    [
        (False, 0.2, 0.1, 0.9, "kept", "keep"),
        (True, 0.0, -0.1, 0.9, "kept", "watch"),
        (True, 0.2, 0.1, 0.9, "kept", "re-segment"),
        (True, 0.2, -0.1, 0.9, "kept", "watch"),
        (True, 0.005, 0.001, 0.9, "kept", "watch"),
        (True, 0.0, -0.1, 0.4, "kept", "re-segment"),
        (True, 0.0, -0.1, 0.9, "split", "re-segment"),
    ],
)
def test_the_rules_decide(alarm, gain, gain_low, jaccard, what, decision):
    found = refit.decide(
        alarm=alarm,
        gain=gain,
        gain_low=gain_low,
        min_gain=0.01,
        match=pd.DataFrame({"what": ["kept", what], "jaccard": [0.8, jaccard]}),
        min_jaccard=0.5,
    )
    assert found == decision


@pytest.mark.parametrize(("alarm", "decision"), [(False, "keep"), (True, "watch")])
def test_without_a_challenger_the_alarm_decides(alarm, decision):
    found = refit.decide(
        alarm=alarm,
        gain=0.0,
        gain_low=0.0,
        min_gain=0.01,
        match=None,
        min_jaccard=0.5,
    )
    assert found == decision


def test_a_segment_that_nobody_is_in_any_more_has_ended():
    before, after = labels({(1, 1): 40, (3, 2): 30})
    found = refit.match(before, after, **SETTINGS, segments=3)
    assert found.set_index("stable_id")["what"].to_dict() == {
        1: "kept",
        3: "kept",
        2: "ended",
    }
    assert found["jaccard"].isna().tolist() == [False, False, True]


def test_scores_predict_by_a_line_and_labels_by_means():
    x = np.linspace(-1, 1, 200)
    told = refit.explained(
        {"halves": x > 0, "scores": x[:, None]},
        x[:, None],
        champion="halves",
        folds=5,
        n_bootstrap=50,
        seed=2,
    ).set_index("model")
    # The mean of either half leaves a quarter of the variance of an even spread.
    assert told.loc["halves", "explained"] == pytest.approx(0.75, abs=0.02)
    assert told.loc["scores", "explained"] > 0.999
    assert told.loc["scores", "gain"] == pytest.approx(0.25, abs=0.02)


def test_random_cuts_of_two_heaps_explain_all_or_nothing():
    x = np.repeat([0.0, 1.0], 50)[:, None]
    told = refit.random_explained(x, x, k=2, draws=20, folds=5, seed=1)
    assert len(told) == 20
    found = told.round(3)
    # Centres of both heaps tell everything; two of one heap part nobody.
    assert found[found != 1].abs().max() < 0.05
    assert 0 < (found == 1).sum() < 20


def rivals(**models):
    """Make `foretold` of told, gain, gain_low and gain_high by model, in percent."""
    rows = [(name.replace("_", " "), *row) for name, row in models.items()]
    columns = ["model", "explained", "gain", "gain_low", "gain_high"]
    table = pd.DataFrame(rows, columns=columns).assign(customers=200)
    return table.assign(**{c: table[c] / 100 for c in columns[1:]})


def test_the_row_of_random_centres_is_mean_and_range_beside_the_champion():
    told = rivals(old=(10, 0, 0, 0), new=(12, 2, 1, 3))
    row = refit.with_random(told, pd.Series([0.05, 0.09]), champion="old").iloc[-1]
    assert row["model"] == "random centres, 2 draws"
    assert row[["explained", "low", "high"]].tolist() == pytest.approx(
        [0.07, 0.05, 0.09]
    )
    gain = row[["gain", "gain_low", "gain_high"]].tolist()
    assert gain == pytest.approx([-0.03, -0.05, -0.01])


def test_a_new_segment_has_the_name_of_the_one_that_lives_on_in_it():
    matched = pd.DataFrame(
        {"old_id": [1, None, 2], "new_id": [2, 1, None], "stable_id": [1, 3, 2]}
    ).astype("Int64")
    names = {1: "Tea", 2: "Bread"}
    assert refit.new_names(matched, names=names) == {2: "Tea", 1: "New 3"}


def test_overlaps_of_few_customers_are_withheld():
    matched = pd.DataFrame(
        {
            "stable_id": [1, 2, 3],
            "shared": [90.0, 80.0, 5.0],
            "of_old": [0.9, 0.8, 0.05],
            "of_new": [0.9, 0.8, 0.05],
            "jaccard": [0.8, 0.7, 0.03],
        }
    )
    shown = refit.may_be_shown(matched, fewest=10)
    assert shown["jaccard"].isna().tolist() == [False, False, True]
    assert "shared" not in shown
