import pytest

from helpers.core import paths
from helpers.intake import check, scaffold
from helpers.report import build
from helpers.runs import dependencies, execute


def test_root_holds_the_project():
    assert (paths.ROOT / "pyproject.toml").is_file()


def test_each_stage_of_each_run_has_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    assert paths.raw("ab") == tmp_path / "data/raw/ab"
    assert paths.interim("ab") == tmp_path / "data/interim/ab"
    assert paths.processed("ab") == tmp_path / "data/processed/ab"
    assert paths.reports("ab") == tmp_path / "reports/ab"
    assert paths.executed("ab") == tmp_path / "reports/ab/notebooks"
    assert paths.plan("ab") == tmp_path / "build/runs/ab"
    assert list(tmp_path.iterdir()) == []  # asking creates nothing


def test_run_files_stay_in_the_project_wherever_results_go(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    assert paths.run_file("ab") == paths.ROOT / "runs/ab.yaml"


@pytest.mark.parametrize("home", [None, ""])
def test_without_a_home_results_go_into_the_project(monkeypatch, home):
    monkeypatch.delenv("STUDY_HOME", raising=False)
    if home is not None:
        monkeypatch.setenv("STUDY_HOME", home)
    assert paths.home() == paths.ROOT


def test_a_relative_home_does_not_depend_on_the_working_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_HOME", "build/test")
    monkeypatch.chdir(tmp_path)
    assert paths.home() == paths.ROOT / "build/test"


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", "A", "1a", "a b", "a\n", "_a", "a.b"]
)
def test_a_run_name_that_is_no_folder_name_is_refused(name):
    with pytest.raises(ValueError, match="small letters"):
        paths.processed(name)


def test_notebooks_come_in_their_order_and_others_are_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    for name in ("02_b.ipynb", "01_a.ipynb", "scratch.ipynb", "03_c.failed.txt"):
        (tmp_path / "notebooks" / name).touch()
    assert [book.name for book in paths.notebooks()] == ["01_a.ipynb", "02_b.ipynb"]


@pytest.mark.parametrize(
    ("module", "work", "arguments"),
    [
        (dependencies, "write", ["shop"]),
        (execute, "execute", ["shop", "01_a"]),
        (build, "build", ["shop"]),
        (check, "check", ["shop"]),
        (scaffold, "write", ["shop"]),
    ],
)
def test_what_the_system_refuses_is_told_in_a_sentence_by_every_command(
    monkeypatch, capsys, module, work, arguments
):
    def full(*_):
        raise OSError(28, "No space left on device", str(paths.ROOT / "reports/a"))

    monkeypatch.setattr(module, work, full)
    assert module.main(arguments) == 1
    assert capsys.readouterr().err == (
        "No space left on device: reports/a. The same command goes on when that is"
        " mended.\n"
    )
