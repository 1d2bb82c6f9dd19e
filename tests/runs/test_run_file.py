import json

import pytest

from helpers.core import paths
from helpers.core.errors import BadInput
from helpers.runs import run_file

CLEANING = """\
run: str = "complete_journey"  # run
seed: int = 1  # seed
disabled_rules: list[str] = []  # rules that set no line aside
time_zone: str = "UTC"  # of the shop's clock
currency: str = "USD"  # of all money
"""
RULES = 'rules = {"exact copy": "duplicate", "no customer": "customer_id is null"}'
CLUSTERING = """\
run: str = "complete_journey"  # name of the run
source: str = "complete_journey"  # where the tables come from
train_start: str = "2017-01-01"  # first day that counts, YYYY-MM-DD
train_end: str = "2017-12-31"  # last day that counts, YYYY-MM-DD
n_segments: int = 6  # segments
share: float = 0.5  # share of customers, 0-1
draw: bool = True  # draw the map
sizes: list[int] = [2, 3]  # numbers of segments tried
k: int | str = "auto"  # number of segments, or auto
currency: str = "USD"  # of all money
max_k: int = 8  # largest number of segments tried
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
        "01_cleaning": CLEANING,
        "02_clustering": CLUSTERING,
    }.items():
        tags = {"tags": ["parameters"]}
        cells = [
            {"cell_type": "code", "source": source, "metadata": tags},
            {"cell_type": "code", "source": RULES, "metadata": {}},
        ]
        text = json.dumps({"cells": cells})
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
        "all: {seed: 3}\n02_clustering:\n  train_end: 2017-06-30\n  sizes: [2, 4]\n"
    )
    run_file.check("shop")


def test_the_block_of_a_notebook_wins_over_all_and_all_over_the_default(project):
    project(
        "source: complete_journey\nall: {n_segments: 4, share: 1}\n02_clustering: {share: 0}"
    )
    assert run_file.parameters("shop", "02_clustering") == {
        "run": "shop",
        "source": "complete_journey",
        "train_start": "2017-01-01",
        "train_end": "2017-12-31",
        "n_segments": 4,
        "share": 0.0,
        "draw": True,
        "sizes": [2, 3],
        "k": "auto",
        "currency": "USD",
        "max_k": 8,
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
    assert "n_segments" not in run_file.parameters("shop", "01_cleaning")
    assert run_file.parameters("shop", "01_cleaning")["seed"] == 1


def test_a_day_stays_text_and_segment_numbers_become_text(project):
    project(
        "source: complete_journey\nsegments: {2: Big, 8: Small}\n"
        "02_clustering: {train_end: 2017-06-30}"
    )
    values = run_file.parameters("shop", "02_clustering")
    assert values["train_end"] == "2017-06-30"
    assert values["segment_names"] == {"2": "Big", "8": "Small"}


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
    ("value", "due"),
    [
        ("n_segments: 5.5", "to 5.5; write a whole number."),
        ("n_segments: true", "to true; write a whole number."),
        ("n_segments: '5'", "to '5'; write a whole number: digits alone, no quotes."),
        ("n_segments: 1_000", "to '1_000'; write a whole number: digits alone"),
        ("n_segments:", "to nothing; write a whole number."),
        ("share: '0.5'", "to '0.5'; write a number: digits and a point alone"),
        ("share: false", "to false; write a number."),
        ("draw: 1", "to 1; write true or false."),
        ("draw: yes", "to 'yes'; write true or false."),
        ("train_end: 20170630", "write a day as YYYY-MM-DD"),
        ("train_end: 2017-06-31", "there is no such day; write a day as YYYY-MM-DD"),
        ("sizes: 3", "write a list of whole numbers, such as [1, 5]."),
        ("sizes: [2, x]", "write a list of whole numbers, such as [1, 5]."),
        ("k: 2.5", "write a whole number of 2 or more, or auto."),
        ("k: four", "write a whole number of 2 or more, or auto."),
        ("disabled_rules: [copies]", "'copies': write one of exact copy, no customer."),
        ("time_zone: Berlin", "Did you mean Europe/Berlin?"),
        ("currency: Euro", "Did you mean EUR?"),
    ],
)
def test_a_value_that_may_not_be_is_told_with_its_block_and_key(project, value, due):
    project(f"source: complete_journey\nall: {{{value}}}")
    assert faults().startswith(f"runs/shop.yaml: `all:` sets {value.split(':')[0]} to ")
    assert due in faults()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "02_clustering: {train_start: 2018-01-01}",
            "`02_clustering:` sets train_start to 2018-01-01, which is after train_end, "
            "2017-12-31 (the default). Change one of them.",
        ),
        (
            "02_clustering: {train_end: 2016-01-01}",
            "`02_clustering:` sets train_end to 2016-01-01, which is before train_start, "
            "2017-01-01 (the default). Change one of them.",
        ),
        (
            "all: {train_start: 2018-01-01}\n02_clustering: {train_end: 2017-05-01}",
            "`all:` sets train_start to 2018-01-01, which is after train_end, 2017-05-01. "
            "Change one of them.",
        ),
        (
            "all: {k: 9}",
            "`all:` sets k to 9, which is above max_k, 8 (the default). Change "
            "one of them.",
        ),
    ],
)
def test_values_that_contradict_each_other_are_told(project, text, told):
    project(f"source: complete_journey\n{text}")
    assert faults() == f"runs/shop.yaml: {told}"


def test_the_windows_of_two_notebooks_are_compared(monkeypatch):
    content = {
        "source": "files",
        "01_cleaning": {"coverage_start": "2024-01-01", "coverage_end": "2024-12-31"},
        "02_feature_engineering": {
            "train_start": "2023-12-31",
            "holdout_end": "2025-01-01",
        },
    }
    books = {book.stem: run_file.declared(book) for book in paths.notebooks()}
    found = list(run_file._against_each_other(content, books))
    assert found == [
        "`01_cleaning:` sets coverage_start to 2024-01-01, which is after train_start of "
        "`02_feature_engineering:`, 2023-12-31. Change one of them.",
        "`02_feature_engineering:` sets holdout_end to 2025-01-01, which is after coverage_end "
        "of `01_cleaning:`, 2024-12-31. Change one of them.",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "segments: {9: A}",
            "names segment 9, but max_k is 8: remove the line",
        ),
        (
            "segments: {5: A}\nall: {k: 4}",
            "names segment 5, but k is 4: remove the line",
        ),
        ("segments: {0: A}", "holds `0: A`; write a segment's number, from 1"),
        ("segments: {01: A}", "holds `01: A`; write a segment's number, from 1"),
        ("segments: [A]", "must hold lines such as `2: Weekly family shop`"),
        ("segments: {1: }", "holds `1: nothing`; write a segment's number"),
        ("segments: {model: 12345678, 1: A}", "a model that is no text; write it in"),
    ],
)
def test_names_are_for_segments_that_there_may_be(project, text, told):
    project(f"source: complete_journey\n{text}")
    assert told in faults()


def test_what_yaml_would_take_for_a_value_is_read_as_written(project):
    project("source: complete_journey\nsegments: {1: No, 2: 007, 3: On}")
    values = run_file.parameters("shop", "02_clustering")
    assert values["segment_names"] == {"1": "No", "2": "007", "3": "On"}
    project("source: files\ntables: {lines: {service_products: [00700, 12, 1.50]}}")
    table = run_file.read("shop")["tables"]["lines"]
    assert table["service_products"] == ["00700", "12", "1.50"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "01_cleaning: {n_segments: 5}",
            "`01_cleaning:` sets n_segments, which no notebook under it declares. "
            "02_clustering declares it: write it under `02_clustering:`.",
        ),
        (
            "n_segments: 5",
            "`n_segments:` is neither a key of a run nor a notebook. 02_clustering "
            "declares it: write it under `02_clustering:`.",
        ),
        (
            "currency: USD",
            "`currency:` is neither a key of a run nor a notebook. Write it under `all:`, or "
            "under one of 01_cleaning, 02_clustering.",
        ),
        (
            "01_cleaning: {cancel_prefix: C}",
            "`01_cleaning:` sets cancel_prefix, which no notebook under it declares. It "
            "is a key of a table: write it under that table in `tables:`.",
        ),
        (
            "lines: {file: a.csv}",
            "`lines:` is neither a key of a run nor a notebook. It is a table: write it "
            "under `tables:`.",
        ),
        (
            "all: {segments: {1: A}}",
            "`all:` sets segments, which no notebook under it declares. It stands by "
            "itself, at the beginning of a line.",
        ),
    ],
)
def test_what_stands_in_a_wrong_place_is_told_its_own(project, text, told):
    project(f"source: complete_journey\n{text}")
    assert faults() == f"runs/shop.yaml: {told}"


@pytest.mark.parametrize("block", ["all", "02_clustering"])
def test_all_parameters_of_older_runs_are_refused_with_their_new_names(project, block):
    project(f"source: complete_journey\n{block}: {{least_effect: 0.2, passes: 3}}")
    assert faults() == "\n".join(
        f"runs/shop.yaml: `{block}:` sets {old}, which is now {new}."
        for old, new in {"least_effect": "min_effect", "passes": "max_iter"}.items()
    )


def test_each_new_name_is_declared_and_no_old_one_is():
    books = [run_file.declared(book) for book in paths.notebooks()]
    known = set().union(*books)
    named = {new.split()[0].strip(",") for new in run_file.RENAMED.values()}
    assert named - known == set()
    assert set(run_file.RENAMED) & known == set()


@pytest.mark.parametrize("source", ["[files]", "{a: b}", "''", "5", ""])
def test_a_source_that_is_no_word_is_refused(project, source):
    project(f"source: {source}")
    assert "`source:` is " in faults()


def test_a_file_that_cannot_be_read_is_named_with_the_line(project):
    project("source: complete_journey\nall:\n\tseed: 1")
    assert faults() == "runs/shop.yaml is not YAML: line 3: a tab; indent with spaces."


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


def test_a_second_file_lies_beside_the_first(project, tmp_path):
    book = tmp_path / "notebooks/02_clustering.ipynb"
    text = book.read_text()
    book.write_text(text.replace("lines_file", "second_file"))
    raw = tmp_path / "data/raw/shop"
    raw.mkdir(parents=True)
    (raw / "wave.csv").touch()
    project("source: complete_journey\nall: {second_file: wav.csv}")
    assert faults().endswith("which does not exist. Did you mean wave.csv?")
    for given in ("wave.csv", "auto"):
        project(f"source: complete_journey\nall: {{second_file: {given}}}")
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
        'train_start: str = "2017-01-01"  # day\n'
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
        "train_start": "auto",
        "active_days": "auto",
        "min_orders": 4,
        "min_lines": 100,
    }
    project("source: complete_journey\n")
    assert run_file.parameters("shop", "02_features")["active_days"] == 28


def test_a_run_says_itself_that_it_is_simulated_and_no_own_run_inherits_it(project):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}}
    lines = (
        "simulated: bool = True  # as the run file says",
        'about: str = "made"  # title',
    )
    cell["source"] = "\n".join(lines)
    folder = paths.ROOT / "notebooks/customer_table"
    folder.mkdir()
    (folder / "01_cleaning.ipynb").write_text(json.dumps({"cells": [cell]}))
    table = "source: files\ntables: {customers: {file: c.csv}}\n"
    project(table, name="own")
    found = run_file.parameters("own", "01_cleaning")
    assert found == {"simulated": False, "about": ""}
    project(f"{table}simulated: true\nabout: A survey\n", name="made")
    found = run_file.parameters("made", "01_cleaning")
    assert found == {"simulated": True, "about": "A survey"}
    project(f"{table}simulated: perhaps\nabout: 3\n", name="wrong")
    said = faults("wrong")
    assert "`simulated:` is perhaps; write true or false." in said
    assert "`about:` is no text" in said
    project(f"{table}01_cleaning: {{simulated: true}}\n", name="elsewhere")
    assert "sets simulated, which comes from `simulated:`" in faults("elsewhere")
