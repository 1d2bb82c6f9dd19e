import itertools
import json
import os
import shutil
import tempfile
from pathlib import Path

import nbformat
import pytest

from helpers.core import disk, paths, store
from helpers.runs import dependencies, execute

PARAMETERS = 'run: str = "complete_journey"  # name of the run\nn: int = 1  # a number'


@pytest.fixture
def project(monkeypatch, tmp_path):
    """Lay out a project with one run; return a function that writes its notebook."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.delenv("STUDY_HOME", raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    for folder in ("notebooks", "runs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "runs/shop.yaml").write_text("source: complete_journey\nall: {n: 2}\n")

    def write(*sources):
        new = nbformat.v4
        book = new.new_notebook(
            cells=[
                new.new_markdown_cell("# 1. Title"),
                new.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
                new.new_markdown_cell("## Count the orders\nOne line an order."),
                *(new.new_code_cell(source) for source in sources),
            ]
        )
        nbformat.write(book, tmp_path / "notebooks/01_a.ipynb")
        return tmp_path / "notebooks/01_a.ipynb"

    return write


def failure():
    with pytest.raises(execute.NotebookFailedError) as stopped:
        execute.execute("shop", "01_a")
    return str(stopped.value).splitlines()


def test_the_run_reaches_the_notebook_and_nothing_partial_stays(project, tmp_path):
    project("print(run, n)")
    target = execute.execute("shop", "01_a")
    assert target == tmp_path / "reports/shop/notebooks/01_a.ipynb"
    book = nbformat.read(target, as_version=4)
    assert book.cells[-1].outputs[0].text == "shop 2\n"
    assert [file.name for file in target.parent.iterdir()] == ["01_a.ipynb"]
    assert not list(tmp_path.rglob("study-*"))
    assert str(tmp_path) not in target.read_text()
    first = target.read_bytes()
    execute.execute("shop", "01_a")
    assert target.read_bytes() == first


def test_a_notebook_s_temporary_files_lie_in_the_run_s_folder_and_go(project, tmp_path):
    project(
        "import pathlib, tempfile",
        "pathlib.Path(tempfile.mkdtemp(), 'spilled').write_text('rows')\n"
        "print(tempfile.gettempdir())",
    )
    before = tempfile.gettempdir(), dict(os.environ)
    book = nbformat.read(execute.execute("shop", "01_a"), as_version=4)
    folder = Path(book.cells[-1].outputs[0].text.strip())
    assert folder.parent == tmp_path / "build/runs/shop" and not folder.exists()
    assert (tempfile.gettempdir(), dict(os.environ)) == before


def test_sections_without_data_stay_in_a_saved_notebook_and_are_passed_over(project):
    source = project(
        "from helpers.core.errors import TooLittle",
        "raise TooLittle('There are no leads.')",
        "print('won')",
        "print('end')",
    )
    book = nbformat.read(source, as_version=4)
    for cell in book.cells[-3:-1]:
        cell.metadata["tags"] = ["needs:leads"]
    nbformat.write(book, source)
    for _ in range(2):  # what was saved with tags is executed as before
        execute.refresh(source)
        saved = nbformat.read(source, as_version=4)
        assert [cell.id for cell in saved.cells] == [cell.id for cell in book.cells]
        first, second, end = saved.cells[-3:]
        assert first.outputs[0].text == "There are no leads.\n"
        assert (second.outputs, second.execution_count) == ([], None)
        assert end.outputs[0].text == "end\n"
        for cell in (first, second):
            assert cell.metadata.tags == [
                "needs:leads",
                "nbval-skip",
                "raises-exception",
            ]
        assert "tags" not in end.metadata


def test_copies_to_work_in_have_the_run_s_parameters_and_stay_as_their_analyst_left_them(
    project, tmp_path
):
    source = project("print(run, n)")
    book = nbformat.read(source, as_version=4)
    book.cells[-1].metadata["tags"] = ["needs:orders"]
    nbformat.write(book, source)
    folder = execute.copies("shop")
    assert folder == tmp_path / "notebooks/shop"
    copy = nbformat.read(folder / "01_a.ipynb", as_version=4)
    assert "n = 2" in copy.cells[2].source and 'run = "shop"' in copy.cells[2].source
    assert copy.cells[-1].metadata["tags"] == ["needs:orders", "raises-exception"]
    copy.cells[-1].source = "print('mine')"
    nbformat.write(copy, folder / "01_a.ipynb")
    (tmp_path / "runs/shop.yaml").write_text("source: complete_journey\nall: {n: 3}\n")
    again = nbformat.read(execute.copies("shop") / "01_a.ipynb", as_version=4)
    assert again.cells[-1].source == "print('mine')"
    assert "n = 3" in again.cells[2].source
    assert len(again.cells) == len(copy.cells)


def test_the_default_run_is_worked_on_in_the_study_s_own_notebooks(project, tmp_path):
    project("print(run)")
    (tmp_path / "runs/complete_journey.yaml").write_text("source: complete_journey\n")
    assert execute.copies("complete_journey") == tmp_path / "notebooks"


# A table and an executed notebook, without the seconds that a kernel takes.
def quickly(source, partial, values, lock):
    store.write_json(values, paths.processed(values["run"]) / "decision.json")
    shutil.copy(source, partial)


def made(home):
    """Read what a run made and what make knows of it."""
    return {
        str(file.relative_to(home)): file.read_bytes()
        for folder in ("data", "reports")
        for file in (home / folder).rglob("*")
        if file.is_file()
    }


@pytest.mark.parametrize("stopped_before", [True, False])
def test_a_death_at_any_step_is_seen_by_make_or_came_after_the_last(
    project, tmp_path, monkeypatch, stopped_before
):
    """Die at each call that renames or removes a file, the first, the second ..."""
    project("n")
    failed = tmp_path / "reports/shop/notebooks/01_a.failed.ipynb"
    monkeypatch.setattr(execute, "_papermill", quickly)
    target = execute.execute("shop", "01_a")
    whole, ended, deaths = made(tmp_path), [], []
    while not ended:
        (tmp_path / "data/processed/shop/decision.json").write_text("{}")
        if stopped_before:
            target.rename(failed)
        pid = os.fork()
        if pid == 0:
            steps = itertools.count()
            for name in ("replace", "unlink"):
                real = getattr(os, name)

                def dying(*args, real=real, steps=steps, **more):
                    real(*args, **more)
                    if next(steps) == len(deaths):
                        os._exit(9)

                monkeypatch.setattr(os, name, dying)
            execute.execute("shop", "01_a")
            os._exit(0)
        ended = [pid for code in [os.waitpid(pid, 0)[1]] if code == 0]
        rule = dependencies.write("shop").read_text().splitlines()[2]
        deaths.append(rule.endswith("FORCE") or not target.exists())
        if not deaths[-1]:
            disk.sweep(tmp_path)
            assert made(tmp_path) == whole
        else:
            execute.execute("shop", "01_a")
    # Without the stop it is whole as soon as the table is written again.
    assert len(deaths) > 4 and (True in deaths) == stopped_before


def test_a_failing_cell_is_told_and_kept_and_the_earlier_target_is_gone(
    project, tmp_path
):
    project("1")
    target = execute.execute("shop", "01_a")
    project("2", "raise KeyError('\\x1b[31mprice\\x1b[0m')")
    kept = "reports/shop/notebooks/01_a.failed.ipynb"
    told = failure()
    assert told[0] == "01_a stopped in cell [4], 'Count the orders':"
    assert told[1].startswith("KeyError: ") and "price" in told[1]
    assert told[2] == f"The notebook as far as it came: {kept}"
    assert not target.exists()
    assert "KeyError" in (tmp_path / kept).read_text()
    project("3")
    execute.execute("shop", "01_a")
    assert target.exists() and not (tmp_path / kept).exists()


def test_bad_input_is_told_by_its_message_alone(project):
    project("class BadInput(ValueError): ...\nraise BadInput('No price.\\nAdd it.')")
    assert failure()[1:3] == ["No price.", "Add it."]


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ("assert 1 == 2", "AssertionError, without a message."),
        (
            "raise ValueError('No\\nroom.\\n\\n  select 1\\n  ^')",
            "ValueError: No room.",
        ),
        ("raise ValueError('word ' * 100)", f"ValueError: {'word ' * 59}…"),
    ],
)
def test_an_error_is_told_in_a_line(project, raised, told):
    project(raised)
    assert failure()[1] == told
    assert len(failure()) == 3


def test_a_notebook_waits_for_one_that_stopped_and_its_earlier_result_is_gone(
    project, tmp_path, capsys
):
    book = project("1")
    (tmp_path / "notebooks/02_b.ipynb").write_text(book.read_text())
    executed = tmp_path / "reports/shop/notebooks"
    for name in ("01_a", "02_b"):
        execute.execute("shop", name)
    project("1 / 0")
    assert execute.main(["shop", "01_a"]) == execute.STOPPED
    assert execute.main(["shop", "02_b"]) == execute.STOPPED
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "02_b was not executed: it waits for 01_a."
    assert [one.name for one in executed.iterdir()] == ["01_a.failed.ipynb"]
    project("1")
    for name in ("01_a", "02_b"):
        execute.execute("shop", name)
    assert sorted(one.name for one in executed.iterdir()) == [
        "01_a.ipynb",
        "02_b.ipynb",
    ]


def test_a_kernel_that_dies_is_told_with_its_cell(project):
    project("import os", "os._exit(9)")
    told = failure()
    assert told[0] == "01_a stopped in cell [4], 'Count the orders':"
    assert told[1] == "The kernel died; too little memory is the usual cause."


def test_refreshed_notebooks_are_the_same_bytes_each_time(project):
    book = project("for i in range(3):\n    print(i, flush=True)", "n")
    execute.refresh(book)
    first = book.read_bytes()
    execute.refresh(book)
    assert book.read_bytes() == first
    saved = json.loads(first)
    code = [cell for cell in saved["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [1, 2, 3]
    assert code[-1]["outputs"][0]["data"]["text/plain"] == ["1"]
    assert "version" not in saved["metadata"]["language_info"]


def test_a_notebook_that_fails_to_refresh_stays_as_it_was(project):
    book = project("1 / 0")
    before = book.read_bytes()
    with pytest.raises(execute.NotebookFailedError, match="ZeroDivisionError"):
        execute.refresh(book)
    assert book.read_bytes() == before


def test_the_command_line_says_what_is_wrong_and_fails(project, capsys):
    project("1")
    assert execute.main(["shop", "01_b"]) == 1
    assert "There is no notebook 01_b. Did you mean 01_a?" in capsys.readouterr().err
    assert execute.main([]) == 1
    assert "Usage" in capsys.readouterr().err


def test_a_notebook_about_another_run_is_refreshed_after_that_runs_stages(
    project, tmp_path, monkeypatch, capsys
):
    """Nothing is executed here: what would be is written down."""
    project("1")
    first = (tmp_path / "notebooks/01_a.ipynb").read_text()
    for name, run in {
        "02_b": "complete_journey",
        "03_c": "shop",
        "04_d": "shop",
    }.items():
        text = first.replace('run: str = \\"complete_journey', f'run: str = \\"{run}')
        (tmp_path / f"notebooks/{name}.ipynb").write_text(text)
    done = []
    monkeypatch.setattr(execute, "execute", lambda run, name: done.append((run, name)))
    monkeypatch.setattr(execute, "refresh", lambda book: done.append(book.stem))
    assert execute.main(["refresh"]) == 0
    assert done == [
        *("01_a", "02_b", ("shop", "01_a"), ("shop", "02_b"), "03_c"),
        *(("shop", "01_a"), ("shop", "02_b"), ("shop", "03_c"), "04_d"),
    ]
    assert "shop: 02" in capsys.readouterr().out


def test_a_stage_that_fails_stops_the_refreshing_before_the_notebook_that_needs_it(
    project, tmp_path, monkeypatch, capsys
):
    project("1")
    first = (tmp_path / "notebooks/01_a.ipynb").read_text()
    later = first.replace('run: str = \\"complete_journey', 'run: str = \\"shop')
    (tmp_path / "notebooks/02_b.ipynb").write_text(later)
    done = []

    def fails(run, name):
        raise execute.NotebookFailedError(f"{name} stopped")

    monkeypatch.setattr(execute, "execute", fails)
    monkeypatch.setattr(execute, "refresh", lambda book: done.append(book.stem))
    assert execute.main(["refresh"]) == execute.STOPPED
    assert done == ["01_a"]
    assert "01_a stopped" in capsys.readouterr().err


LITTLE = (
    "from helpers.core.errors import TooLittle\nraise TooLittle('Only 3 of 10 needed.')"
)


def sectioned(write, *cells):
    """Write a notebook of cells (source, tags) after the parameters."""
    file = write()
    book = nbformat.read(file, as_version=4)
    for source, tags in cells:
        kind = "markdown" if source.startswith("#") else "code"
        new = getattr(nbformat.v4, f"new_{kind}_cell")
        book.cells.append(new(source, metadata={"tags": tags}))
    nbformat.write(book, file)


def test_a_section_with_too_little_data_says_so_and_the_rest_goes_on(project):
    part, inner = ["needs:part"], ["needs:part", "needs:inner"]
    sectioned(
        project,
        ("## A part", part),
        ("print('counted')\n" + LITTLE, part),
        ("never = 1", part),
        ("## Never", part),
        ("never = 2", inner),
        ("print('the rest')", []),
    )
    book = nbformat.read(execute.execute("shop", "01_a"), as_version=4)
    heading, section, rest = book.cells[-3:]
    assert heading.source == "## A part"
    said = "".join(output.text for output in section.outputs)
    assert said.split("\n")[:2] == ["counted", "Only 3 of 10 needed."]
    assert rest.outputs[0].text == "the rest\n"


def test_an_inner_section_leaves_the_outer_one_to_go_on(project):
    outer, inner = ["needs:part"], ["needs:part", "needs:inner"]
    sectioned(project, (LITTLE, inner), ("never = 1", inner), ("print('outer')", outer))
    book = nbformat.read(execute.execute("shop", "01_a"), as_version=4)
    assert [cell.outputs[0].text for cell in book.cells[-2:]] == [
        "Only 3 of 10 needed.\n",
        "outer\n",
    ]


def test_too_little_outside_of_a_section_is_a_failure(project):
    project(LITTLE)
    assert any("Only 3 of 10 needed." in line for line in failure())


def test_what_a_section_wrote_before_it_was_left_out_does_not_stay(project):
    folder = paths.processed("shop")
    folder.mkdir(parents=True)
    book = f"import pandas as pd, pathlib\nfolder = pathlib.Path({str(folder)!r})"
    write = "pd.DataFrame({{'n': [1]}}).to_parquet(folder / '{}.parquet')"
    for name in ("lead_scores", "stability", "touchpoints"):
        (folder / f"{name}.parquet").touch()
        os.utime(folder / f"{name}.parquet", (1, 1))
    source = project(book, write.format("touchpoints"))
    lately = source.rename(source.with_name("05_lifecycle_journey.ipynb"))
    made = nbformat.read(lately, as_version=4)
    tags = {"tags": ["needs:part"]}
    made.cells.append(nbformat.v4.new_code_cell(LITTLE, metadata=tags))
    nbformat.write(made, lately)
    (folder / "retained_traits.parquet").touch()
    os.utime(folder / "retained_traits.parquet", (1, 1))
    execute.execute("shop", "05_lifecycle_journey")
    stayed = {file.stem for file in folder.glob("*.parquet")}
    # the tables of other notebooks, and the one that was written now
    assert stayed == {"lead_scores", "stability", "touchpoints"}
