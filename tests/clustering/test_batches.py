"""All customers batch by batch: the same as all at once, and faults told."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.clustering import batches, model as clustering_model
from helpers.core import paths, store
from helpers.core.errors import BadInput
from helpers.features import preparation

RUN = "many"
SHARES = ["share_a", "share_b", "share_c"]
CUSTOMERS = 500


def features():
    """Lay out customers of two kinds and a tenth with too little data."""
    rng = np.random.default_rng(4)
    shares = rng.dirichlet([2, 2, 2], CUSTOMERS)
    shares[::2] = rng.dirichlet([6, 1, 1], CUSTOMERS // 2)
    table = pd.DataFrame(shares, columns=SHARES)
    table["orders"] = rng.integers(10, 90, CUSTOMERS)
    table["lines"] = table["orders"] * 10
    table["sales"] = rng.lognormal(6, 1, CUSTOMERS).round(2)
    table["recency_days"] = rng.integers(0, 100, CUSTOMERS)
    table["gap_mean_days"] = 270 / table["orders"]
    table["depth"] = rng.beta(2, 5, CUSTOMERS)
    few = table.index % 10 == 3
    table.loc[few, "orders"] = 2
    table.loc[few, ["sales", "gap_mean_days", "depth", *SHARES]] = np.nan
    table.insert(0, "customer_id", [f"c{i:03}" for i in range(CUSTOMERS)])
    return table


def settings(table):
    known = table[table["orders"] >= 10]
    needs = preparation.fit(
        known,
        weights=dict.fromkeys(SHARES, "sales"),
        priors={"sales": 50},
        winsor=0.01,
        scaling="pareto",
    )
    return {
        "min_orders": 10,
        "min_lines": 100,
        "needs": needs,
        "deal": preparation.fit_deal_index(known, columns=["depth"], winsor=0.01),
    }


def model(table):
    """Give a model whose centres are three customers: far from rest."""
    found = settings(table)
    scores = found["needs"].transform(table[table["orders"] >= 10]).to_numpy()
    return clustering_model.Model(
        run=RUN,
        first="2017-01-01",
        last="2017-09-30",
        min_orders=10,
        min_lines=100,
        preparation=found["needs"],
        centres=scores[:3].tolist(),
        value_cuts={"high": 900.0, "middle": 400.0, "low": 0.0},
        activity_cuts={"active": 2.0, "slowing": 4.0},
        min_gap_days=7.0,
        deal_parts=found["deal"],
        deal_cuts={"high": 0.5, "middle": -0.5},
        borderline=0.9,
    )


@pytest.fixture(autouse=True)
def table(monkeypatch, tmp_path):
    """Write the customers in several batches, the last a small one."""
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    monkeypatch.setattr(store, "BATCH", 64)
    table = features()
    store.write(table, "features", run=RUN)
    return table


def test_the_outline_gives_cut_offs_as_pandas_does_on_the_whole_table(table):
    found = settings(table)
    outline = batches.outline(found, run=RUN)
    enough = (table["orders"] >= 10) & (table["lines"] >= 100)
    index = preparation.deal_index(table, parts=found["deal"])
    assert outline.index.equals(table.index)
    assert outline["enough"].tolist() == enough.tolist()
    assert outline["customer_id"].tolist() == table["customer_id"].tolist()
    shares = [0.2, 1 / 3, 0.5, 2 / 3, 0.8]
    for own, whole in (
        (outline["sales"], table["sales"].fillna(0)),
        (outline.loc[enough, "deal_index"], index[enough]),
    ):
        # Equal in every bit, and not only nearly.
        assert own.quantile(shares).tolist() == whole.quantile(shares).tolist()


def test_centres_are_fitted_to_all_as_scikit_learn_fits_them(table):
    from sklearn.cluster import KMeans

    begun = model(table)
    fitted, polished = batches.refit(begun, run=RUN, tolerance=0, max_iter=200)
    scores = begun.preparation.transform(table[table["orders"] >= 10]).to_numpy()
    theirs = KMeans(3, init=np.array(begun.centres), n_init=1, tol=0, max_iter=200)
    theirs.fit(scores)
    assert np.abs(np.array(fitted.centres) - theirs.cluster_centers_).max() < 1e-9
    assert polished.customers == len(scores) == 450
    assert polished.settled
    assert fitted == replace(begun, centres=fitted.centres)
    assert not list(paths.processed(RUN).glob("tmp*"))


def test_everybody_is_assigned_as_at_once_and_sql_agrees(table):
    own = model(table)
    query = own.to_sql("features")
    assert batches.assign(own, query, run=RUN) == 0
    saved = store.read("segments", run=RUN)
    pd.testing.assert_frame_equal(saved, own.assign(table), check_dtype=False)
    assert saved["segment_id"].nunique() == 4


def test_a_query_that_says_otherwise_is_counted(table):
    own = model(table)
    moved = replace(own, value_cuts={**own.value_cuts, "high": 2000.0})
    wrong = moved.to_sql("features")
    between = table["sales"].between(900, 2000, inclusive="left").sum()
    assert between > 10
    assert batches.assign(own, wrong, run=RUN) == between


def test_a_customer_who_cannot_be_scored_leaves_the_earlier_table(table):
    own = model(table)
    batches.assign(own, own.to_sql("features"), run=RUN)
    before = store.path("segments", run=RUN).read_bytes()
    # In the last batch: several have been assigned when it is found.
    table.loc[490, "share_b"] = np.nan
    store.write(table, "features", run=RUN)
    with pytest.raises(
        BadInput, match=r"share_b is missing for 1 customers \(rows 490"
    ):
        batches.assign(own, own.to_sql("features"), run=RUN)
    with pytest.raises(BadInput, match="share_b is missing"):
        batches.refit(own, run=RUN, tolerance=0.001, max_iter=5)
    assert store.path("segments", run=RUN).read_bytes() == before
    assert len(list(paths.processed(RUN).iterdir())) == 2


def test_a_full_disk_is_told_with_what_is_needed(table, monkeypatch):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *fault):
            return None

        def write(self, content):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(batches.tempfile, "TemporaryFile", lambda dir: Full())
    with pytest.raises(BadInput, match=r"No space left.*24 bytes a customer"):
        batches.refit(model(table), run=RUN, tolerance=0.001, max_iter=5)


def test_tiers_and_deals_are_cut_at_quantiles():
    everyone = pd.DataFrame({"sales": [1.0, 2, 3, 4, 5], "deal_index": range(5)})
    everyone["enough"] = [True, True, True, True, False]
    found = batches.value_cuts(everyone, high=0.75, middle=0.5)
    assert found == {"high": 4.0, "middle": 3.0, "low": 0.0}
    losses = everyone.assign(sales=-1.0)
    assert batches.value_cuts(losses, high=0.8, middle=0.5)["low"] == -1.0
    assert batches.deal_cuts(everyone) == pytest.approx({"high": 2, "middle": 1})
    assert batches.deal_cuts(everyone.assign(deal_index=np.nan)) == {}


def test_segments_are_summed_up_and_small_cells_of_tiers_withheld(table):
    made = model(table)
    batches.assign(made, made.to_sql("features"), run=RUN)
    everyone = batches.outline(settings(table), run=RUN)
    found = batches.sizes(everyone, run=RUN)
    saved = store.read("segments", run=RUN)
    known = saved[saved["segment_id"] > 0]
    counts = known["segment_id"].value_counts().sort_index()
    assert found["customers"].tolist() == counts.tolist()
    assert found["share_sales"].sum() == pytest.approx(1)
    assert found["borderline"].between(0, 1).all()
    tiers = batches.tiers_by_activity(run=RUN)
    assert tiers["value_tier"].tolist() == ["high", "middle", "low"]
    whole = pd.crosstab(saved["value_tier"], saved["activity"])
    cells = tiers.set_index("value_tier").stack()
    shown = cells[~cells.isin(["<10", "withheld"])]
    assert len(shown) and all(shown[i] == whole.loc[i] for i in shown.index)
    assert all(n == 0 or n >= 10 for n in shown)
