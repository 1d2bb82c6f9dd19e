"""What notebook 3 concludes of customers whose kinds are known, and of customers without.

The notebook itself is executed, on tables laid out here in place of notebook 2.
"""

import itertools
import json
import multiprocessing
import os
import re
import shutil
from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest

from helpers.clustering import (
    criteria as clustering_criteria,
    model as clustering_model,
    null_models,
    scores as clustering_scores,
)
from helpers.core import paths, store
from helpers.features import preparation
from helpers.runs import execute

pytestmark = pytest.mark.runs
NOTEBOOK = "03_clustering_choice"
NEEDS = ["produce", "meat", "frozen", "drinks", "baby", "beauty", "bakery", "pets"]
SHARES = [f"share_{need}" for need in NEEDS]
DEAL = ["discount_depth", "mailer_share", "coupon_order_rate"]
# How many customers of each kind there are, and what they buy, in parts.
KINDS = {
    130: [12, 2, 1, 1, 1, 1, 2, 1],
    90: [1, 1, 11, 9, 1, 1, 2, 1],
    60: [2, 11, 1, 2, 1, 1, 2, 1],
    40: [1, 1, 1, 1, 10, 9, 2, 1],
}
CUSTOMERS = sum(KINDS)
CLOUD = 2  # seed of customers without kinds
SAMPLE = 150  # of customers that the evidence of one run is measured on
FEW = 12  # customers with too few orders to tell what they want
# Fewer repetitions than a study needs; 19 references are the fewest that allow p = 0.05.
QUICK = {
    "max_k": 5,
    "n_init": 3,
    "n_bootstrap": 10,
    "n_splits": 8,
    "null_references": 19,
    "bootstrap_n_init": 2,
    "half_n_init": 2,
    "null_n_bootstrap": 4,
}
WRITTEN = ["segments", "candidate_scores", "stability", "segment_stability"]
WRITTEN += ["usefulness"]


def mixes(parts, rng):
    """Draw a mix of needs for each row: shares near its parts that add up to one."""
    parts = np.nan_to_num(np.asarray(parts, float), nan=1)
    drawn = rng.gamma(60 * parts / parts.sum(axis=1, keepdims=True) + 0.01)
    return drawn / drawn.sum(axis=1, keepdims=True)


def planted():
    """Lay out features of customers of four kinds, and each customer's kind."""
    rng = np.random.default_rng(3)
    kind = rng.permutation(np.repeat(np.arange(len(KINDS)), list(KINDS)))
    orders = rng.integers(12, 60, CUSTOMERS)
    features = pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in range(CUSTOMERS)],
            "recency_days": rng.integers(0, 90, CUSTOMERS),
            "orders": orders,
            "sales": (orders * rng.lognormal(3.5, 0.4, CUSTOMERS)).round(2),
            "lines": orders * rng.integers(9, 15, CUSTOMERS),
            "gap_mean_days": 260 / orders,
            "past_redemptions": rng.poisson(0.7, CUSTOMERS),
            **{part: rng.beta(2, 6, CUSTOMERS) for part in DEAL},
        }
    )
    features[SHARES] = mixes(np.array(list(KINDS.values()))[kind], rng)
    return features, kind


def without_kinds():
    """Lay out the same customers with shares of one cloud, each of one peak."""
    features, _ = planted()
    # One draw in twenty lies beyond 19 others by chance, and so may be called
    # reproducible; this one stays far from it.
    cloud = null_models.cloud(features[SHARES])
    features[SHARES] = cloud.draw([CLOUD]).clip(lower=0).to_numpy()
    return features


def with_few(features):
    """Add customers with too little data: without shares and without a rhythm."""
    few = features.head(FEW).assign(orders=1, lines=4, sales=9.5)
    few["customer_id"] = "few-" + few["customer_id"]
    few[[*SHARES, *DEAL, "gap_mean_days"]] = np.nan
    return pd.concat([features, few], ignore_index=True)


def in_halves(features, rng, names=("odd", "even")):
    """Lay out what was bought in two halves of the window: half each, near the shares."""
    halves = []
    for half in names:
        seen = features[["customer_id", "orders", "lines"]].assign(half=half)
        seen["sales"] = features["sales"] / 2
        seen[SHARES] = mixes(features[SHARES], rng)
        halves.append(seen)
    return pd.concat(halves, ignore_index=True)


def afterwards(features, rng):
    """Lay out what was bought later: as much and much the same as before."""
    rows = len(features)
    sales = (features["sales"] * rng.lognormal(-1, 0.4, rows)).round(2)
    targeted = rng.random(rows) < 0.7
    later = pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "holdout_orders": features["orders"] // 3,
            "holdout_sales": sales,
            "holdout_recency_days": rng.integers(0, 60, rows),
            "holdout_targeted": targeted,
            "holdout_redeemed": targeted & (rng.random(rows) < 0.4),
        }
    )
    bought = mixes(features[SHARES], rng) * sales.to_numpy()[:, None]
    later[[f"holdout_{need}" for need in NEEDS]] = bought
    return later


def ordered(features):
    """Lay out one line a customer, on the day of the last order, in a shop of one good."""
    last = pd.Timestamp("2024-09-29 12:00")
    lines = pd.DataFrame(
        {
            "line_id": range(len(features)),
            "customer_id": features["customer_id"],
            "order_id": "o-" + features["customer_id"],
            "ordered_at": last - pd.to_timedelta(features["recency_days"], "D"),
            "product_id": "p",
            "quantity": 1,
            "amount_cents": (features["sales"] * 100).round().astype(int),
            "coupon_cents": 0,
        }
    )
    about = {"department": "x", "category": "x", "brand": "x"}
    products = pd.DataFrame([{"product_id": "p", "need_state": NEEDS[0], **about}])
    return lines, products


def fitted(features):
    """Fit what notebook 2 leaves in preparation.json."""
    needs = preparation.fit(
        features,
        weights=dict.fromkeys(SHARES, "sales"),
        priors={"sales": 100},
        winsor=0.01,
        scaling="pareto",
    )
    return {
        "train_start": "2024-01-01",
        "train_end": "2024-09-29",
        "min_orders": 10,
        "min_lines": 100,
        "winsor": 0.01,
        "scaling": "pareto",
        "needs": needs.to_dict(),
        "deal": preparation.fit_deal_index(features, columns=DEAL, winsor=0.01),
        "buying_pattern": {
            "train_days": 273,
            "holdout_days": 93,
            "inter_purchase_days": 10.0,
            "order_value": 30.0,
            "order_lines": 10.0,
        },
    }


def lay_out(run, features, *, steps=None, in_time=True, **settings):
    """Write all that notebook 3 reads in a run; its steps are fitted unless given.

    Without `in_time`, nobody is known from both the first and the second half.
    """
    rng = np.random.default_rng(5)
    everyone = with_few(features)
    people = everyone[["customer_id"]].assign(
        age=rng.choice(["young", "old", None], len(everyone)),
        kids=rng.choice(["0", "1", "2"], len(everyone)),
    )
    store.write(everyone, "features", run=run)
    halves = [in_halves(features, rng)]
    if in_time:
        other = np.random.default_rng(6)
        halves.append(in_halves(features, other, names=("first", "second")))
    store.write_batches(halves, "half_features", run=run)
    store.write(afterwards(everyone, rng), "outcomes", run=run)
    store.write(people, "customers", run=run)
    for name, table in zip(("lines", "products"), ordered(everyone), strict=True):
        store.write(table, name, run=run)
    steps = steps or fitted(features)
    store.write_json(steps, paths.processed(run) / "preparation.json")
    ready = [
        {"part": part, "ready": True, "said": "Ready."}
        for part in ("needs segments", "later window")
    ]
    store.write_json({"parts": ready}, paths.processed(run) / "readiness.json")
    store.write_json(
        {"source": "complete_journey", NOTEBOOK: QUICK | settings}, paths.run_file(run)
    )


def conclude(run):
    """Execute the notebook and gather what it says and writes."""
    book = nbformat.read(execute.execute(run, NOTEBOOK), as_version=4)
    folder = paths.processed(run)
    outputs = list(itertools.chain(*(c.get("outputs", []) for c in book.cells)))
    return SimpleNamespace(
        text="\n".join(out.text for out in outputs if out.output_type == "stream"),
        shown="\n".join(out.data["text/plain"] for out in outputs if "data" in out),
        decision=json.loads((folder / "decision.json").read_text("utf-8")),
        findings=json.loads((folder / f"findings/{NOTEBOOK}.json").read_text("utf-8")),
        tables={name: store.read(name, run=run) for name in WRITTEN},
    )


def use(found):
    """Give the finding that says how many segments to use: the first, unless scores win."""
    scores = found.findings[0]["decision"].startswith("Where a message can follow")
    return found.findings[int(scores)]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Lay out a project that holds notebook 3 alone, and send all results there."""
    root = tmp_path_factory.mktemp("study")
    for folder in ("notebooks", "runs"):
        (root / folder).mkdir()
    shutil.copy(paths.ROOT / f"notebooks/{NOTEBOOK}.ipynb", root / "notebooks")
    with pytest.MonkeyPatch.context() as patch:
        # As make exports them; without the cache each map takes 10 s to compile.
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("OPENBLAS_NUM_THREADS", "1")
        cache = os.environ.get("NUMBA_CACHE_DIR", str(paths.ROOT / "build/numba"))
        patch.setenv("NUMBA_CACHE_DIR", cache)
        patch.setenv("IPYTHONDIR", str(root / "ipython"))
        patch.setenv("STUDY_HOME", str(root))
        patch.setattr(paths, "ROOT", root)
        yield root


def written(folder):
    """Read all files of a run but those that only spare measuring anew."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {f: f.read_bytes() for f in files if f.parent.name != "evidence"}


def refused(run):
    """Execute the notebook on bad input; return the message, without what is written."""
    folder = paths.processed(run)
    before = written(folder)
    with pytest.raises(execute.NotebookFailedError) as stopped:
        execute.execute(run, NOTEBOOK)
    assert written(folder) == before
    assert not (paths.executed(run) / f"{NOTEBOOK}.ipynb").exists()
    where, *message, kept = str(stopped.value).splitlines()
    assert where.startswith(f"{NOTEBOOK} stopped in cell ")
    assert kept.endswith(f"{NOTEBOOK}.failed.ipynb")
    return "\n".join(message)


def holes(table):
    """Count missing and infinite values of a table's columns of numbers."""
    numbers = table.select_dtypes("number").to_numpy(float, na_value=np.nan)
    return int((~np.isfinite(numbers)).sum())


def awkward_customers():
    """Lay out the planted customers with one giant among them and collinear shares."""
    features, _ = planted()
    features.loc[7, "sales"] *= 1000
    features["share_beauty"] = features["share_baby"]
    features["share_pets"] = features["share_bakery"] / 2
    return features


@pytest.fixture(scope="module")
def concluded(study):
    """Execute the notebook on three runs, two at a time: half of each is serial."""
    lay_out("planted", planted()[0])
    lay_out("cloud", without_kinds(), in_time=False)
    lay_out("awkward", awkward_customers(), k=3, sample=SAMPLE)
    runs = ["planted", "cloud", "awkward"]
    # Processes, as an execution sets the environment and the temporary folder of its own.
    forks = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=forks) as pool:
        return dict(zip(runs, pool.map(conclude, runs), strict=True))


@pytest.fixture
def natural(concluded):
    return concluded["planted"]


@pytest.fixture
def constructive(concluded):
    return concluded["cloud"]


@pytest.fixture
def awkward(concluded):
    return concluded["awkward"]


def test_planted_kinds_are_called_natural_and_counted_right(natural):
    found = natural
    assert found.decision == {
        **{"usable": True, "why": "", "against": []},
        "k": len(KINDS),
        "by_criteria": len(KINDS),
        "overridden": False,
        "runner_up": found.decision["runner_up"],
        "ties": [],
        "verdict": "natural",
    }
    assert "4 segments: by the criteria." in found.text
    assert "The segmentation is natural." in found.text
    assert "continuum" not in found.text
    assert use(found)["decision"] == "Use 4 needs segments: they stand apart."
    assert "Verdict: natural" in use(found)["uncertainty"]


def test_a_paragraph_says_what_was_chosen_given_up_and_would_change_it(
    natural, constructive, awkward
):
    assert "We use 4 needs segments. We tried 2 to 5 segments: " in natural.text
    assert "We give up little: the segments stand apart" in natural.text
    assert "with p above 0.05 (alpha)" in natural.text
    k = constructive.decision["k"]
    assert f"We use {k} needs segments. " in constructive.text
    assert "We give up the claim that customers come in separate" in constructive.text
    assert "So would a number of segments that stands apart" in constructive.text
    assert "because the run file sets this number; the criteria take 4." in awkward.text
    for found in (natural, constructive, awkward):
        assert "We would change our mind if repeated studies agreed by" in found.text


def test_every_number_of_segments_says_which_limits_it_misses(natural):
    criteria = natural.tables["stability"].set_index("k")
    assert criteria.loc[len(KINDS), "passes"]
    assert "The criteria at each number of segments (k-means)" in natural.shown
    assert "Smallest segment (min_share 0.05)" in natural.shown
    # every parameter of a criterion stands beside what it asks
    for name in ("min_agreement", "min_recovery", "min_gain", "natural_excess"):
        assert name in natural.shown


def test_natural_segments_are_the_planted_kinds(natural):
    found, kind = natural, planted()[1]
    segments = found.tables["segments"]
    assert len(segments) == CUSTOMERS + FEW
    known = segments["segment_id"] > 0
    assert segments.loc[~known, "customer_id"].str.startswith("few").all()
    assert known.sum() == CUSTOMERS
    # The tables keep the order of the customers, so kinds lie beside segments.
    labels = segments.loc[known, "segment_id"].to_numpy() - 1
    assert clustering_scores.adjusted_rand(kind, labels) > 0.95
    shares = found.tables["stability"].set_index("k")["smallest"]
    assert shares[len(KINDS)] == pytest.approx(min(KINDS) / CUSTOMERS, abs=0.01)


def test_the_planted_number_lies_beyond_every_null_model_and_finer_ones_are_not_natural(
    natural,
):
    criteria = natural.tables["stability"].set_index("k")
    print(criteria.T)
    planted = criteria.loc[len(KINDS)]
    # No reference of 19 reaches it: 1 / (1 + 19).
    assert planted["p"] == 0.05
    assert planted["excess"] > 0.5
    assert planted["strength"] > 0.8
    assert criteria.index[criteria["verdict"] == "natural"].max() == len(KINDS)
    assert criteria.index.max() > len(KINDS)


def test_customers_of_one_cloud_are_called_constructive_and_no_kinds(constructive):
    assert constructive.decision["verdict"] == "constructive"
    assert not constructive.decision["overridden"]
    assert "The segmentation is constructive." in constructive.text
    first = use(constructive)
    assert "do not treat them as separate groups of people" in first["decision"]
    assert "Verdict: constructive" in first["uncertainty"]
    # The reader of the page sees the same as the reader of the file.
    assert "do not treat them as separate groups of people" in constructive.shown
    assert "natural" not in constructive.text


def test_one_cloud_is_natural_or_reproducible_at_no_number(constructive):
    assert (constructive.tables["stability"]["verdict"] == "constructive").all()


def test_the_verdict_under_other_preparations_stands_beside_that_of_the_study(
    natural, constructive
):
    for found, word in ((natural, "natural"), (constructive, "constructive")):
        k = found.decision["k"]
        assert found.decision["verdict"] == word
        assert f"The verdict on {k} segments under other preparations" in found.shown
        assert "All 5 other preparations give the same verdict." in found.text
    assert "stand apart from one another, as customers of no null model" in natural.text
    assert "any claim that customers come in separate groups" in constructive.text


def test_shares_that_add_up_to_one_have_a_null_model_of_their_own(
    natural, constructive
):
    named = ["of one cloud", "of one bent gradient", "of shares of few purchases"]
    assert [name in natural.text + natural.shown for name in named] == [True] * 3
    # Those of the cloud do not, so that two models are left.
    told = constructive.text + constructive.shown
    assert [name in told for name in named] == [True, True, False]


def test_the_same_customers_seen_twice_stand_beside_resamples(natural, constructive):
    twice, once = (
        next(f for f in found.findings if "migration" in f["decision"])["size"]
        for found in (natural, constructive)
    )
    assert "the same customers in odd and even weeks by " in twice
    assert "In halves of the window they agree at " in twice
    assert "the same customers in odd and even weeks by " in once
    # of the cloud, nobody is known from both halves
    assert "halves of the window they agree" not in once
    assert "The window is too short for two halves" in constructive.text
    assert "The window is too short" not in natural.text


def test_customers_of_one_cloud_are_borderline_and_few_of_planted_kinds(
    natural, constructive
):
    known = [
        found.tables["segments"].query("segment_id > 0")
        for found in (natural, constructive)
    ]
    few, many = (table["borderline"].mean() for table in known)
    assert few < 0.01 and many > 0.04
    # the ratio of the model, which the notebook says, draws the line
    [limit] = re.findall(r"as the own \(ratio above (0\.\d\d)\)", constructive.text)
    above = known[1]["distance_ratio"] > float(limit)
    assert above.equals(known[1]["borderline"])


def test_a_number_set_in_the_run_overrides_and_says_so(awkward):
    assert awkward.decision["overridden"]
    assert (awkward.decision["k"], awkward.decision["by_criteria"]) == (3, len(KINDS))
    told = (
        "3 segments: set in the run file and not by the criteria, which take 4. "
        "Runner-up: 4. "
    )
    assert told in awkward.text
    in_short = "The run file sets 3; the criteria take 4; the runner-up is 4. "
    assert in_short in use(awkward)["limit"]
    assert awkward.tables["segments"]["segment_id"].nunique() == 1 + 3


def test_a_giant_and_collinear_shares_leave_no_hole_in_any_table(awkward):
    tables = dict(awkward.tables)
    segments = tables.pop("segments")
    # Who has too little data has no distance to a segment; all others have.
    tables["segments"] = segments[segments["segment_id"] > 0]
    assert len(tables["segments"]) == CUSTOMERS
    counted = {name: holes(table) for name, table in tables.items()}
    assert counted == dict.fromkeys(WRITTEN, 0)
    assert "nan" not in awkward.text


def test_a_giant_does_not_draw_the_lines(awkward):
    _, kind = planted()
    segments = awkward.tables["segments"].head(CUSTOMERS)
    crossed = pd.crosstab(kind, segments["segment_id"])
    # Each kind stays whole, and two of the four share a segment.
    assert (crossed.max(axis=1) / crossed.sum(axis=1)).min() > 0.95


def test_what_a_sample_says_is_held_to_another_sample_and_to_all(awkward):
    assert f"is measured on a sample of {SAMPLE}," in awkward.text
    assert f"Samples of {SAMPLE} customers take 4 and 4 segments." in awkward.text
    assert "The decision does not depend on the sample." in awkward.text
    assert "The decision does not depend on the sample." in use(awkward)["limit"]
    first, second = awkward.decision["samples"]
    assert (first["takes"], second["takes"]) == (4, 4)
    assert first["ari"] == second["ari"] > 0.9
    assert f"Centres fitted to all {CUSTOMERS} customers: at rest after" in awkward.text
    assert "readings of all 332 customers." in awkward.text


def test_centres_found_on_a_sample_are_at_rest_among_all(awkward):
    features = store.read("features", run="awkward")
    model = clustering_model.load(paths.processed("awkward") / "segment_model.json")
    scores = model.preparation.transform(features[model.enough_data(features)])
    labels = awkward.tables["segments"]["segment_id"]
    means = scores.groupby(labels[labels > 0].to_numpy()).mean()
    # Of a mean distance of about 1, a ten-thousandth is no movement.
    assert np.abs(means.to_numpy() - np.array(model.centres)).max() < 1e-3


@pytest.mark.parametrize(
    ("run", "change", "named"),
    [
        (
            "flat",
            lambda features: features.assign(share_baby=0.1),
            ["share_baby", "Leave it out"],
        ),
        (
            "missing",
            lambda features: features.assign(
                share_drinks=features["share_drinks"].where(features.index > 1)
            ),
            ["Table features", "share_drinks", "2 customers", "Leave out"],
        ),
    ],
)
def test_bad_input_is_refused_by_name_before_anything_is_written(
    study, run, change, named
):
    features, _ = planted()
    # The table was changed after notebook 2 had fitted its steps and refused nothing.
    lay_out(run, change(features), steps=fitted(features))
    store.write_text("as it was", paths.processed(run) / "decision.json")
    message = refused(run)
    assert [word for word in named if word not in message] == []
    assert "Error" not in message


def test_too_few_customers_are_told_and_no_segments_are_handed_on(study):
    features, _ = planted()
    lay_out("small", features.head(4), steps=fitted(features))
    book = execute.execute("small", NOTEBOOK).read_text("utf-8")
    told = "of 4 customers 4 differ, too few for two segments of ten."
    assert told in book
    decided = clustering_criteria.read(run="small")
    assert (decided["k"], decided["verdict"]) == (None, "not looked for")
    assert not decided["usable"] and told in decided["why"]
    assert (store.read("segments", run="small")["segment_id"] == 0).all()
    file = paths.processed("small") / f"findings/{NOTEBOOK}.json"
    assert "were not looked for" in file.read_text("utf-8")


def explained_by(found):
    """Read the share of the later need mix that each way explains, in percent."""
    table = found.tables["usefulness"]
    mix = table[table["outcome"] == "later need mix"].set_index("design")["alone"]
    return (100 * mix).round(1)


def test_what_any_shop_knows_is_a_rival_of_segments(natural):
    benchmark = natural.tables["usefulness"].set_index(["outcome", "design"])["alone"]
    # The one line in the window holds all sales, and what is bought later is much the same.
    later = benchmark.loc["later sales (log)"]
    assert later["last quarter's sales"] > 0.5 > later["random label"]
    assert "main store" not in later  # this shop has none


def test_segments_that_stand_apart_explain_more_than_random_centres(natural):
    explained = explained_by(natural)
    said = f"Segments explain {explained['needs, k-means 4']}% of the later need mix"
    assert said in natural.text
    assert "The cut explains more than cuts around random customers" in natural.text


def test_scores_that_explain_more_than_segments_are_the_first_finding(constructive):
    explained = explained_by(constructive)
    first = constructive.findings[0]
    print(explained, first, constructive.text[-3000:])
    assert first["decision"].startswith("Where a message can follow")
    assert f"all scores {explained['continuous need scores']}%" in first["size"]
