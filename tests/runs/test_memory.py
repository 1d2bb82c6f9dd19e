"""Evidence that is kept: it is never stale, and comes back to the bit."""

import functools
import json
import os
import shutil
import time
from dataclasses import dataclass

import joblib
import numpy as np
import pandas as pd
import pytest

from helpers.clustering import (
    clusterability,
    methods,
    model,
    null_references,
    scores,
    stability,
)
from helpers.core import paths
from helpers.features import preparation
from helpers.runs import memory

RUN = "toy"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Keep evidence in a folder of its own, and work in one process."""
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    with joblib.parallel_config(backend="sequential"):
        yield tmp_path
    memory._sources.cache_clear()


def people(n=60):
    draws = np.random.default_rng(3).standard_normal((n, 3))
    return pd.DataFrame(draws, columns=["spend", "visits", "breadth"])


def files(home):
    return sorted((home / "data/processed" / RUN / "evidence").glob("*"))


@pytest.fixture
def counted(monkeypatch):
    """Count how often k-means labels are really measured."""
    calls = []
    real = methods.kmeans_labels

    @functools.wraps(real)
    def measured(*args, **settings):
        calls.append(settings)
        return real(*args, **settings)

    monkeypatch.setattr(methods, "kmeans_labels", measured)
    return calls


def labels(table, **settings):
    settings = {"k": 3, "seed": 1, "n_init": 2} | settings
    return memory.kept(methods.kmeans_labels, table, run=RUN, **settings)


def test_the_same_call_is_measured_once(home, counted):
    first, second = (labels(people().to_numpy()) for _ in range(2))
    assert len(counted) == 1
    assert (first == second).all() and first.dtype == second.dtype
    assert len(files(home)) == 1


# --- A stale result cannot be used


def test_another_setting_measures_anew_and_their_order_does_not_matter(counted):
    table = people().to_numpy()
    labels(table)
    assert len(set(labels(table, k=4))) == 4
    labels(table, seed=2)
    assert len(counted) == 3
    memory.kept(methods.kmeans_labels, table, n_init=2, k=3, run=RUN, seed=1)
    assert len(counted) == 3


def other_tables():
    """Return tables like `people`, each other in one way."""
    table = people()
    value = table.copy()
    value.iloc[17, 1] = np.nextafter(value.iloc[17, 1], 9)
    return {
        "a value, in its last bit": value,
        "a sign of zero": (table * 0).mul([1, -1, 1]),
        "type": table.astype("float32"),
        "type of one column": table.astype({"visits": "Float64"}),
        "order of columns": table[["visits", "spend", "breadth"]],
        "names of columns": table.rename(columns={"spend": "sales"}),
        "order of rows": table.iloc[::-1],
        "index": table.set_axis(range(1, 61)),
        "name of the index": table.rename_axis("customer"),
        "a row less": table.iloc[:-1],
        "a missing value": table.where(table < table.max().max()),
        "text": table.assign(spend="a"),
        "longer text": table.assign(spend="ab"),
        "categories": table.assign(spend=pd.Categorical(["a"] * 60, ["a", "b"])),
        "other categories": table.assign(spend=pd.Categorical(["a"] * 60, ["a"])),
        "dates": table.assign(spend=pd.Timestamp("2026-01-01")),
        "the array alone": table.to_numpy(),
        "the array turned": np.asfortranarray(table.to_numpy().reshape(3, 60)),
    }


def test_no_other_table_has_the_same_fingerprint():
    tables = {"itself": people(), "zeros": people() * 0} | other_tables()
    prints = {
        name: memory.fingerprint(scores.sweep, table) for name, table in tables.items()
    }
    assert len(set(prints.values())) == len(prints)
    assert prints["itself"] == memory.fingerprint(scores.sweep, people().copy())
    in_columns = np.asfortranarray(people().to_numpy())
    again = memory.fingerprint(scores.sweep, in_columns)
    assert again == prints["the array alone"]


@dataclass(frozen=True)
class Choice:
    a: int
    b: str


def test_arguments_of_every_kind_count():
    measure = functools.partial(scores.measure, n_init=2)
    arguments = [
        *(None, 0, False, 0.0, "", "0", (), [], {}, {0}, range(2), range(3)),
        *((0, 1), [0, 1], (0, (1,)), ((0,), 1), ("ab", "c"), ("a", "bc")),
        *(np.float64(0), np.float32(0), np.array(0.0), np.array([0.0]), pd.NA, pd.NaT),
        *(np.array(["a", None], dtype=object), np.array(["a", "None"], dtype=object)),
        *(Choice(1, "x"), Choice(2, "x"), pd.Series([1]), pd.Series([1], name="n")),
        *(scores.measure, scores.sweep, measure, functools.partial(measure, n_init=3)),
        *(functools.partial(scores.sweep, n_init=2), stability.AsItIs, Choice),
        *({"a": 1, "b": 2}, {"a": 2, "b": 1}, pd.Index([1]), pd.Index([1.0])),
    ]
    prints = [memory.fingerprint(scores.sweep, one) for one in arguments]
    assert len(set(prints)) == len(arguments)
    prints = [memory.fingerprint(f) for f in (scores.sweep, scores.measure)]
    assert len(set(prints)) == 2


def test_the_place_of_an_argument_counts():
    calls = [((1, 2), {}), ((2, 1), {}), ((1,), {"b": 2}), ((2,), {"b": 1})]
    prints = {memory.fingerprint(scores.sweep, *args, **kw) for args, kw in calls}
    assert len(prints) == 4


@pytest.mark.parametrize(
    "passing",
    [np.random.default_rng(1), lambda: 1, (n for n in ()), np.add],
    ids=["random numbers", "a lambda", "an iterator", "a compiled function"],
)
def test_what_has_no_lasting_value_is_refused(passing):
    with pytest.raises(TypeError, match=r"not part of the helpers|cannot hang on"):
        memory.fingerprint(scores.sweep, passing)


@pytest.mark.parametrize(
    "library", ["numpy", "pandas", "scipy", "scikit-learn", "umap-learn"]
)
def test_another_version_of_a_library_measures_anew(library, monkeypatch):
    before = memory.fingerprint(scores.sweep)
    real = memory.metadata.version
    monkeypatch.setattr(
        memory.metadata, "version", lambda n: real(n) + ".1" * (n == library)
    )
    memory._versions.cache_clear()
    try:
        assert memory.fingerprint(scores.sweep) != before
    finally:
        memory._versions.cache_clear()


def test_another_python_and_other_instructions_measure_anew(monkeypatch):
    prints = [memory.fingerprint(scores.sweep)]
    monkeypatch.setattr(memory.platform, "python_version", lambda: "3.99.0")
    prints.append(memory.fingerprint(scores.sweep))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Made up")
    prints.append(memory.fingerprint(scores.sweep))
    assert len(set(prints)) == 3


def test_every_library_that_counts_is_installed():
    assert all(memory._versions())


def test_another_source_measures_anew_and_a_chart_s_does_not(tmp_path, monkeypatch):
    shutil.copytree(paths.ROOT / "src/helpers", tmp_path / "src/helpers")
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    memory._sources.cache_clear()

    def printed_after(module):
        file = tmp_path / f"src/helpers/{module}"
        file.write_text(file.read_text("utf-8") + "# other\n", "utf-8")
        measure = functools.partial(scores.measure, n_init=1)
        return memory.fingerprint(null_references.on_references, people(), measure)

    # called; called by what is called; the function in the partial; what keeps it
    prints = [
        printed_after(f"{module}.py")
        for module in (
            "clustering/plots",
            "clustering/null_references",
            "clustering/methods",
            "clustering/scores",
            "runs/memory",
        )
    ]
    assert len(set(prints)) == len(prints)
    for module in ("clustering/plots.py", "report/build.py", "clustering/criteria.py"):
        assert printed_after(module) == prints[-1]
    # a class among the arguments, a method of one, and a file of settings they read
    for module, settings in (
        ("features/preparation.py", {"prepare": preparation.fit}),
        ("features/preparation.py", {"prepare": preparation.Preparation}),
        ("clustering/model.yaml", {"made": model.Model}),
    ):
        before = memory.fingerprint(scores.sweep, **settings)
        printed_after(module)
        assert memory.fingerprint(scores.sweep, **settings) != before


def test_while_a_helper_is_edited_nothing_is_read_or_kept(home, counted, monkeypatch):
    labels(people().to_numpy())
    monkeypatch.setattr(memory, "LOADED", 0.0)  # every file is younger
    labels(people().to_numpy())
    labels(people().to_numpy(), k=5)
    assert len(counted) == 3
    assert len(files(home)) == 1


# --- What is kept comes back to the bit


def study(table):
    """Measure, in the ways of the notebook, whatever comes in forms of its own."""
    k_values, seed = range(2, 4), 1
    prepare = stability.AsItIs
    halves = {"k_values": k_values, "seed": seed, "n_init": 2}
    sweep = {"methods": ("kmeans", "mixture_full"), **halves}
    measure = functools.partial(
        scores.measure, k_values=k_values, n_init=2, methods=("ward",)
    )
    return {
        "two tables": (scores.sweep, [table], sweep),
        "a table": (
            null_references.on_references,
            [table, measure],
            {"references": 2, "seed": seed},
        ),
        "labels of customers": (
            stability.resample,
            [table],
            {"prepare": prepare, "n_bootstrap": 3, **halves},
        ),
        "strength": (
            stability.prediction_strength,
            [table],
            {"n_splits": 2, **halves},
        ),
        "gaps": (
            clusterability.gap,
            [table],
            {"draws": 2, **halves, "k_values": range(1, 3)},
        ),
        "an array": (
            methods.kmeans_labels,
            [table.to_numpy()],
            {"k": 2, "seed": seed, "n_init": 2},
        ),
    }


@pytest.mark.parametrize("name", study(people()))
def test_a_kept_result_equals_a_fresh_one_to_the_bit(name, home, monkeypatch):
    function, args, settings = study(people())[name]
    fresh = function(*args, **settings)
    memory.kept(function, *args, run=RUN, **settings)
    assert len(files(home)) == 1
    monkeypatch.setattr(memory, "_keep", None)  # nothing is measured now
    kept = memory.kept(function, *args, run=RUN, **settings)
    assert type(kept) is type(fresh)
    assert memory._digest(kept) == memory._digest(fresh)
    for one, other in zip(parts(kept), parts(fresh), strict=True):
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, other, check_exact=True)
        else:
            assert one.dtype == other.dtype and one.tobytes() == other.tobytes()


def parts(result):
    if isinstance(result, stability.Resampled):
        return [*result.labels.values(), result.drawn]
    return result if isinstance(result, tuple) else [result]


ODD = {
    "missing": pd.DataFrame({"a": [np.nan, -0.0], "b": ["x", None]}),
    "index": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="who")),
    "two levels": pd.DataFrame(
        {"a": [1.5, 2]},
        index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["who", "k"]),
    ),
    "numbered columns": pd.DataFrame([[1, 2.5]], columns=[4, 7]),
    "named columns": pd.DataFrame([[1, 2.5]], columns=pd.Index(["a", "b"], name="c")),
    "two of a name": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "a series": pd.Series([1.5, 2], index=["x", "y"], name="value"),
    "plain": {"a": (1, 0.1, True, None, "x"), 2: [float("inf")]},
    "numbers": {"a": np.float64(0.1), "b": np.int32(7), "c": np.array([])},
    "nothing": None,
}


def given(value):
    """Return the value: something to measure."""
    return value


given.__module__, given.__qualname__ = "helpers.runs.memory", "given"


@pytest.mark.parametrize("name", ODD)
def test_results_of_many_forms_come_back(name, home, monkeypatch):
    memory.kept(given, ODD[name], run=RUN)
    assert len(files(home)) == 1
    monkeypatch.setattr(memory, "_keep", None)
    again = memory.kept(given, ODD[name], run=RUN)
    assert memory._digest(again) == memory._digest(ODD[name])
    if isinstance(again, pd.DataFrame):
        pd.testing.assert_frame_equal(again, ODD[name], check_exact=True)


def test_what_would_come_back_otherwise_is_measured_every_time(home):
    for value in ({1, 2}, np.array([1, "a"], dtype=object), Choice(1, "x")):
        assert memory.kept(given, value, run=RUN) is value
    assert files(home) == []


# --- Files


@pytest.mark.parametrize("damage", ["empty", "half", "one byte", "other tables"])
def test_a_damaged_file_is_measured_anew_and_mended(damage, home, counted):
    first = labels(people(400).to_numpy())
    [file] = files(home)
    whole = file.read_bytes()
    if damage == "other tables":
        labels(people(400).to_numpy(), k=2)
        [other] = set(files(home)) - {file}
        with memory.zipfile.ZipFile(other) as book:
            tree, inside = json.loads(book.read("tree.json")), book.read("0")
        with memory.zipfile.ZipFile(file) as book:
            tree["digest"] = json.loads(book.read("tree.json"))["digest"]
        with memory.zipfile.ZipFile(file, "w") as book:
            book.writestr("0", inside)
            book.writestr("tree.json", json.dumps(tree))
    else:
        middle = len(whole) // 3
        changed = bytes([whole[middle] ^ 1])
        broken = {
            "empty": b"",
            "half": whole[: len(whole) // 2],
            "one byte": whole[:middle] + changed + whole[middle + 1 :],
        }
        file.write_bytes(broken[damage])
    before = len(counted)
    assert (labels(people(400).to_numpy()) == first).all()
    assert len(counted) == before + 1
    assert (labels(people(400).to_numpy()) == first).all()
    assert len(counted) == before + 1


def test_a_measure_that_fails_or_is_interrupted_leaves_nothing(home, monkeypatch):
    with pytest.raises(methods.BadInput):
        labels(people(2).to_numpy())
    assert files(home) == []
    monkeypatch.setattr(memory.disk.Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        labels(people().to_numpy())
    assert files(home) == []


def interrupted(*_):
    raise KeyboardInterrupt


def test_the_least_recently_used_go(home, monkeypatch):
    monkeypatch.setattr(memory, "MOST", 3)
    table = people().to_numpy()
    memory.kept(scores.silhouette_widths, table, labels(table), run=RUN)
    old = time.time() - 1000
    for i, file in enumerate(files(home)):
        os.utime(file, (old - i, old - i))
    [first] = [file for file in files(home) if file.name.startswith("kmeans")]
    labels(table, seed=2)
    labels(table)  # used again, so it stays
    [second] = {f for f in files(home) if f.name.startswith("kmeans")} - {first}
    os.utime(second, (old, old))
    labels(table, seed=3)
    labels(table, seed=4)
    left = files(home)
    assert first in left and second not in left
    # another function's are its own
    assert [f.name[:10] for f in left].count("silhouette") == 1
    assert len(left) == 4


def test_evidence_is_the_same_bytes_whenever_it_is_kept(home, monkeypatch):
    table = people().to_numpy()
    labels(table)
    [file] = files(home)
    first = file.read_bytes()
    file.unlink()
    real = time.localtime
    monkeypatch.setattr(time, "localtime", lambda *_: real(0))
    labels(table)
    assert file.read_bytes() == first


def test_notebooks_that_clear_up_at_once_do_not_stop_each_other(home, monkeypatch):
    monkeypatch.setattr(memory, "MOST", 1)
    table, children = people().to_numpy(), []
    for first in (0, 100):
        children.append(os.fork())
        if children[-1] == 0:
            for seed in range(first, first + 20):
                labels(table, seed=seed)
            os._exit(0)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert 1 <= len(files(home)) <= 2


def test_the_run_s_folder_holds_it_and_nothing_is_pickled(home):
    memory.kept(scores.sweep, people(), run=RUN, k_values=range(2, 4), seed=1, n_init=2)
    [file] = files(home)
    assert file.parent == paths.processed(RUN) / "evidence"
    with memory.zipfile.ZipFile(file) as book:
        starts = {name: book.read(name)[:4] for name in book.namelist()}
    assert starts["0"] == starts["1"] == b"PAR1"
    assert starts["tree.json"].startswith(b"{")
