"""What segments are good for: outcomes, rivals and styles worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from helpers.clustering import predictive_validity
from helpers.clustering.predictive_validity import Outcome
from helpers.customer_table import usefulness

ATTRIBUTES = pd.DataFrame(
    {
        "attribute": ["left", "spend", "visits"],
        "label": ["Has left", "Later spend", "Visits"],
        "measure": ["yes_no", "number", "count"],
    }
)


@pytest.fixture(autouse=True, scope="module")
def one_process():
    """Do the work here: tables are too small to be worth a second process."""
    import joblib

    with joblib.parallel_config(backend="sequential"):
        yield


def asked(**columns):
    table = pd.DataFrame(columns)
    table.insert(0, "customer_id", [f"c{i}" for i in table.index])
    return usefulness.outcomes(table, ATTRIBUTES)


def of(outcome):
    return outcome.values  # noqa: PD011 (a field of its own)


# --- Outcomes


def test_a_yes_or_no_is_judged_where_it_is_known():
    (left,) = asked(left=[1.0, 0.0, np.nan])
    assert (left.name, left.kind) == ("Has left", "yes_no")
    assert of(left)["left"].tolist() == [True, False, False]
    assert left.among.tolist() == [True, True, False]


def test_an_amount_that_leans_is_judged_by_its_logarithm():
    (spend, visits) = asked(spend=[0.0] * 19 + [np.e - 1], visits=[1.0, 2.0] * 10)
    assert (spend.name, spend.kind) == ("Later spend (log)", "amount")
    assert of(spend)["spend"].iloc[-1] == pytest.approx(1.0)
    assert (visits.name, of(visits)["visits"].max()) == ("Visits", 2.0)
    (below,) = asked(spend=[-1.0] + [0.0] * 19 + [50.0])
    assert below.name == "Later spend"


# --- The aim that segments are chosen by


def test_the_aim_joins_outcomes_and_each_counts_alike():
    found = usefulness.aim(
        asked(left=[0.0, 1.0] * 20, visits=[1.0, 2.0, 3.0, 4.0] * 10), folds=5
    )
    assert (found.name, found.kind) == (usefulness.TOGETHER, "mix")
    assert found.among.all()
    assert of(found).var(ddof=0).tolist() == pytest.approx([1.0, 1.0])
    assert of(found).mean().tolist() == pytest.approx([0.0, 0.0])


def test_an_outcome_known_of_few_does_not_choose_beside_one_known_of_all():
    visits = [1.0, 2.0, 3.0, 4.0] * 10
    found = usefulness.aim(
        asked(spend=[*range(10), *[np.nan] * 30], visits=visits), folds=5
    )
    assert found.name == "Visits"
    assert of(found)["visits"].tolist() == visits


def test_outcomes_that_are_seldom_known_together_leave_the_one_known_of_most():
    visits = [1.0, 2.0] * 10 + [np.nan] * 20
    spend = [np.nan] * 18 + [1.0, 2.0] * 11
    found = usefulness.aim(asked(visits=visits, spend=spend), folds=5)
    assert found.name == "Later spend"


def test_a_single_yes_or_no_is_explained_as_an_amount_under_a_name_of_its_own():
    found = usefulness.aim(asked(left=[0.0, 1.0] * 20), folds=5)
    assert (found.name, found.kind) == ("Has left (share explained)", "amount")


def test_without_an_outcome_that_can_be_judged_there_is_no_aim():
    assert usefulness.aim([], folds=5) is None
    assert usefulness.aim(asked(left=[1.0] + [0.0] * 39), folds=5) is None


# --- Rivals


def test_designs_hold_segments_tiers_chance_and_scores():
    scores = pd.DataFrame({"a": np.arange(40.0), "b": [0.0, 1.0] * 20})
    segments = {"2 segments": np.arange(40) // 20}
    tiers = pd.Series(["low", "high"] * 20)
    found = usefulness.designs(segments, scores, tiers=tiers, k=2, seed=1)
    assert list(found) == [
        *("2 segments", "value tiers", "random label", "two component scores"),
        *("2 parts of the first component", "all continuous scores"),
    ]
    without = usefulness.designs(segments, scores, tiers=None, k=2, seed=1)
    assert "value tiers" not in without
    assert set(found["random label"]["label"]) == {"0", "1"}


def test_a_number_is_cut_in_parts_and_what_is_missing_is_a_level():
    features = pd.DataFrame(
        {
            "age": [1.0, 2.0, 3.0, 4.0, np.nan],
            "owner": [1.0, 0.0, 1.0, np.nan, 0.0],
            "region": ["n", None, "s", "s", "n"],
        }
    )
    measures = {"age": "number", "owner": "yes_no", "region": "unordered"}
    found = usefulness.levels(features, measures, parts=2)
    assert found["age"].tolist()[:4] == ["1", "1", "2", "2"]
    assert found["owner"].tolist()[:3] == ["1.0", "0.0", "1.0"]
    assert found.isna().to_numpy().nonzero()[0].tolist() == [1, 3, 4]


def test_the_single_best_column_is_found_without_the_customers_it_is_judged_by():
    rng = np.random.default_rng(3)
    rows = 400
    truth = rng.integers(0, 2, rows).astype(float)
    noise = {f"noise {i}": rng.integers(0, 2, rows).astype(str) for i in range(20)}
    everybody = pd.Series(True, index=range(rows))
    base = pd.DataFrame({"known": np.zeros(rows)})

    def best(columns, outcome):
        found = predictive_validity.benchmark(
            {},
            [outcome],
            base=base,
            folds=5,
            n_bootstrap=50,
            seed=1,
            best_of={"best": pd.DataFrame(columns)},
        )
        return found.set_index("design").loc["best"]

    amount = Outcome("y", "amount", pd.DataFrame({"y": truth}), everybody)
    # Among twenty columns of noise the best in a table explains more than nothing; the
    # best among other customers does not.
    assert best(noise, amount)["alone"] < 0.01
    told = noise | {"told": truth.astype(str)}
    assert best(told, amount)["alone"] == pytest.approx(1.0)
    yes_no = Outcome("y", "yes_no", pd.DataFrame({"y": truth == 1}), everybody)
    assert best(told, yes_no)["alone"] == 1.0
    assert best(told, yes_no)["gain"] == pytest.approx(0.5)
    alone = predictive_validity.benchmark(
        {"told": pd.DataFrame({"told": truth.astype(str)})},
        [amount],
        base=base,
        folds=5,
        n_bootstrap=50,
        seed=1,
    )
    assert best(told, amount)["with_base"] == pytest.approx(alone.loc[0, "with_base"])


# --- Answering styles


def test_segments_that_are_a_style_of_answering_explain_the_mean_answer():
    levels = np.array([0.0, 0.0, 1.0, 1.0])
    found = usefulness.style(levels, [0, 0, 1, 1])
    assert found == {"explained": 1, "least": 0, "most": 1}
    found = usefulness.style(levels, [0, 1, 0, 1])
    assert found == {"explained": 0, "least": 0.5, "most": 0.5}
    # Squares inside are .125 of .6875 in all, of 2 and 3 degrees of freedom.
    found = usefulness.style(np.array([0.0, 0.5, 1.0, 1.0]), [0, 0, 1, 1])
    assert found["explained"] == pytest.approx(1 - 3 / 2 * 0.125 / 0.6875)
    assert usefulness.style(np.ones(4), [0, 0, 1, 1])["explained"] == 0
