import json

import pytest

from helpers.core import paths
from helpers.core.errors import BadInput
from helpers.runs import run_file

CLUSTERING = """\
run: str = "complete_journey"  # name of the run
source: str = "complete_journey"  # where the tables come from
last_day: str = "2017-12-31"  # last day that counts, YYYY-MM-DD
n_segments: int = 6  # segments
share: float = 0.5  # share of customers, 0-1
draw: bool = True  # draw the map
sizes: list[int] = [2, 3]  # numbers of segments tried
k: int | str = "auto"  # number of segments, or auto
segment_names: dict[str, str] = {}  # segment id to name
lines_file: str = ""  # a CSV of order lines
"""


@pytest.fixture
def project(monkeypatch, tmp_path):
    """Lay out a project of two notebooks; return a function that writes its run."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.delenv("STUDY_HOME", raising=False)
    for folder in ("notebooks", "runs"):
        (tmp_path / folder).mkdir()
    for name, source in {
        "01_cleaning": 'run: str = "complete_journey"  # run\nseed: int = 1  # seed',
        "02_clustering": CLUSTERING,
    }.items():
        tags = {"tags": ["parameters"]}
        cell = {"cell_type": "code", "source": source, "metadata": tags}
        text = json.dumps({"cells": [cell]})
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(text)

    def write(text, name="shop"):
        (tmp_path / "runs" / f"{name}.yaml").write_text(text)

    return write


def faults(run="shop"):
    with pytest.raises(BadInput) as refused:
        run_file.check(run)
    return str(refused.value)


def test_a_sound_run_passes(project):
    project(
        "source: complete_journey\nengine: duckdb\nsegments: {1: Family shop}\n"
        "all: {seed: 3}\n02_clustering:\n  last_day: 2017-06-30\n  sizes: [2, 4]\n"
    )
    run_file.check("shop")


def test_the_block_of_a_notebook_wins_over_all_and_all_over_the_default(project):
    project(
        "source: complete_journey\nall: {n_segments: 4, share: 1}\n02_clustering: {share: 0}"
    )
    assert run_file.parameters("shop", "02_clustering") == {
        "run": "shop",
        "source": "complete_journey",
        "last_day": "2017-12-31",
        "n_segments": 4,
        "share": 0.0,
        "draw": True,
        "sizes": [2, 3],
        "k": "auto",
        "segment_names": {},
        "lines_file": "",
    }


@pytest.mark.parametrize("k", [5, "auto"])
def test_a_value_may_be_of_either_kind_where_two_are_declared(project, k):
    project(f"source: complete_journey\nall: {{k: {k}}}")
    run_file.check("shop")
    assert run_file.parameters("shop", "02_clustering")["k"] == k


def test_only_what_a_notebook_declares_is_given_to_it(project):
    project("source: complete_journey\nall: {n_segments: 4}")
    assert run_file.parameters("shop", "01_cleaning") == {"run": "shop", "seed": 1}


def test_a_day_stays_text_and_segment_numbers_become_text(project):
    project(
        "source: complete_journey\nsegments: {2: Big, 10: Small}\n"
        "02_clustering: {last_day: 2017-06-30}"
    )
    values = run_file.parameters("shop", "02_clustering")
    assert values["last_day"] == "2017-06-30"
    assert values["segment_names"] == {"2": "Big", "10": "Small"}


def test_a_whole_number_for_a_float_arrives_as_a_float(project):
    project("source: complete_journey\nall: {share: 1}")
    assert type(run_file.parameters("shop", "02_clustering")["share"]) is float


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("source: complete_jurney", "Did you mean complete_journey?"),
        (
            "engine: duckdb",
            "`source:` is missing. There are: complete_journey, uniform_supplier, files.",
        ),
        (
            "source: complete_journey\nengine: spark",
            "`engine:` is spark. Did you mean pyspark?",
        ),
        ("source: complete_journey\nsegment: {1: A}", "`segment:` is neither"),
        ("source: complete_journey\nsegment: {1: A}", "Did you mean segments?"),
        ("source: complete_journey\n02_clusterin: {}", "Did you mean 02_clustering?"),
        ("source: complete_journey\nall: {n_segment: 5}", "Did you mean n_segments?"),
        (
            "source: complete_journey\n01_cleaning: {n_segments: 5}",
            "no notebook under it declares",
        ),
        (
            "source: complete_journey\nall: {run: other}",
            "comes from the name of the run",
        ),
        ("source: complete_journey\nall: 3", "must hold lines such as `seed: 17`"),
        (
            "source: complete_journey\nsegments: {1: A, 2: a}",
            "two segments the same name",
        ),
        ("source: complete_journey\nsegments: {one: A}", "write a segment's number"),
        ("source: complete_journey\nsegments: {1: 5}", "write a segment's number"),
        ("source: complete_journey\nall: {seed: 1, seed: 2}", "'seed' is given twice"),
        ("source: [", "is not YAML"),
        ("- source", "holds no `key: value` lines"),
        ("", "holds no `key: value` lines"),
    ],
)
def test_a_fault_is_named_with_the_way_out(project, text, told):
    project(text)
    assert told in faults()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("n_segments: 5.5", "int"),
        ("n_segments: true", "int"),
        ("n_segments: '5'", "int"),
        ("share: '0.5'", "float"),
        ("share: false", "float"),
        ("draw: 1", "bool"),
        ("last_day: 20170630", "str"),
        ("sizes: 3", "list[int]"),
        ("sizes: [2, x]", "list[int]"),
        ("k: 2.5", "int | str"),
    ],
)
def test_a_value_of_another_kind_is_refused(project, value, kind):
    project(f"source: complete_journey\nall: {{{value}}}")
    assert f"declared is {kind}." in faults()


def test_all_faults_are_told_at_once_one_a_line(project):
    project("source: x\nall: {sed: 1}\n02_clustering: {n_segments: a}\n03_no: {}")
    assert len(faults().splitlines()) == 4


def test_a_missing_run_is_told_with_its_near_miss(project):
    project("source: complete_journey", name="shop")
    assert faults("shopp") == "runs/shopp.yaml is missing. Did you mean shop?"


def test_a_missing_file_is_told_with_the_nearest_that_is_there(project, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "lines.csv").touch()
    project("source: complete_journey\nall: {lines_file: mine/line.csv}")
    assert faults().endswith("which does not exist. Did you mean lines.csv?")
    project("source: complete_journey\nall: {lines_file: mien/lines.csv}")
    assert faults().endswith("which does not exist. Did you mean mine?")
    project("source: complete_journey\nall: {lines_file: mine/lines.csv}")
    run_file.check("shop")


def test_a_folder_is_not_taken_for_a_file(project, tmp_path):
    (tmp_path / "mine").mkdir()
    project("source: complete_journey\nall: {lines_file: mine}")
    assert "does not exist" in faults()


@pytest.mark.parametrize(
    "line", ["twice = 2", "twice: int = 2 * 2", "twice: int =", "f()"]
)
def test_a_parameter_that_is_computed_or_untyped_is_refused(project, tmp_path, line):
    cell = {"cell_type": "code", "source": [line], "metadata": {"tags": ["parameters"]}}
    book = tmp_path / "notebooks" / "01_cleaning.ipynb"
    book.write_text(json.dumps({"cells": [cell]}))
    with pytest.raises(BadInput, match=r"01_cleaning\.ipynb: each line"):
        run_file.declared(book)


def test_a_file_that_is_no_notebook_is_refused(project, tmp_path):
    (tmp_path / "notebooks" / "01_cleaning.ipynb").write_text("{")
    project("source: complete_journey")
    assert "01_cleaning.ipynb cannot be read as a notebook" in faults()


def test_a_notebook_about_one_run_is_executed_in_that_run_alone(project, tmp_path):
    for name, line in {
        "03_judge": 'run: str = "shop"  # the run this notebook is about',
        "04_end": "k: int = 2  # groups",
    }.items():
        cell = {"cell_type": "code", "source": [line]}
        cell["metadata"] = {"tags": ["parameters"]}
        (tmp_path / f"notebooks/{name}.ipynb").write_text(json.dumps({"cells": [cell]}))

    def executed(run):
        return [book.stem for book in run_file.notebooks(run)]

    everywhere = ["01_cleaning", "02_clustering", "04_end"]
    assert executed("shop") == [*everywhere[:2], "03_judge", "04_end"]
    assert executed(run_file.DEFAULT) == executed("another") == everywhere
    own = {book.stem: run_file.own_run(book) for book in paths.notebooks()}
    assert own == dict.fromkeys(everywhere, run_file.DEFAULT) | {"03_judge": "shop"}


def test_a_block_of_a_notebook_about_another_run_is_checked_all_the_same(
    project, tmp_path
):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}}
    cell["source"] = 'run: str = "shop"  # run\ndraws: int = 5  # draws'
    (tmp_path / "notebooks/03_judge.ipynb").write_text(json.dumps({"cells": [cell]}))
    project("source: files\n03_judge: {drawn: 3}", name="other")
    assert "`03_judge:` sets drawn" in faults("other")
    assert "Did you mean draws?" in faults("other")


@pytest.mark.parametrize("source", ["complete_journey", "uniform_supplier"])
def test_every_source_of_the_study_is_known(project, source):
    project(f"source: {source}")
    run_file.check("shop")
    assert source in run_file.SOURCES


def test_own_files_get_limits_that_fit_them_unless_the_run_file_sets_one(project):
    (paths.ROOT / "notebooks/02_clustering.ipynb").unlink()
    source = (
        'run: str = "complete_journey"  # run\n'
        'first_day: str = "2017-01-01"  # day\n'
        "active_days: int | str = 28  # days\n"
        "min_orders: int | str = 10  # orders\n"
        "min_lines: int = 100  # a kind that no text fits"
    )
    cell = {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": ["parameters"]},
    }
    book = paths.ROOT / "notebooks/02_features.ipynb"
    book.write_text(json.dumps({"cells": [cell]}))
    project("source: files\n02_features: {min_orders: 4}\n")
    given = run_file.parameters("shop", "02_features")
    assert given == {
        "run": "shop",
        "first_day": "auto",
        "active_days": "auto",
        "min_orders": 4,
        "min_lines": 100,
    }
    project("source: complete_journey\n")
    assert run_file.parameters("shop", "02_features")["active_days"] == 28
