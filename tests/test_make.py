"""The real Makefile on a small project: what is redone, what fails, what stays."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from helpers.core import paths

RUN = "source: complete_journey\nall:\n  seed: 1\n"
SEED = "seed: int = 1  # seed"
REPORT = """
import sys
from helpers.core import disk, paths

text = "".join(f"{book.name}\\n" for book in sorted(paths.executed(sys.argv[1]).iterdir()))
index = paths.reports(sys.argv[1]) / "index.html"
index.write_text(text)
disk.know([index], by=paths.plan(sys.argv[1]) / "pages.made")
"""
# Each toy notebook adds its own line to the table of the one before.
STEP = """
from pathlib import Path
from helpers.core import disk, paths
folder = paths.processed(run)
folder.mkdir(parents=True, exist_ok=True)
before = [folder / "{before}.txt"] if "{before}" else []
text = "".join(file.read_text() for file in before) + "{name}\\n"
with disk.replacing(folder / "{name}.txt") as partial:
    partial.write_text(text)
"""
DOCUMENTS = "\ndocuments:\n"
MARKS = ("runs", "slow", "browser")
MARKED = "import pytest\ndef test_fast(): pass\n" + "".join(
    f"@pytest.mark.{mark}\ndef test_{mark}(): pass\n" for mark in MARKS
)
WAIT = """
import os, time
(paths.ROOT / "pids").write_text(f"{os.getppid()} {os.getpid()}")
while not (paths.ROOT / "go").exists():
    time.sleep(0.05)
"""


def write_notebook(root, name, before, *cells, parameters=""):
    """Write a notebook that waits for the one before, since it names no table."""
    new = nbformat.v4
    # In a cell of one line IPython takes `run:` for its magic word %run.
    declared = f'# of this notebook\nrun: str = "complete_journey"  # name of the run\n{parameters}'
    book = new.new_notebook(
        cells=[
            new.new_markdown_cell(f"# {name}"),
            new.new_code_cell(declared, metadata={"tags": ["parameters"]}),
            new.new_code_cell(STEP.format(name=name, before=before)),
            *map(new.new_code_cell, cells),
        ]
    )
    nbformat.write(book, root / f"notebooks/{name}.ipynb")


def write_project(root):
    """Copy what make needs, beside three notebooks and helpers of a line or two."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(paths.ROOT / name, root)
    shutil.copytree(paths.ROOT / "tools", root / "tools")
    helpers = root / "src/helpers"
    for folder in ("core", "runs"):
        shutil.copytree(paths.ROOT / f"src/helpers/{folder}", helpers / folder)
    shutil.copy(paths.ROOT / "src/helpers/__init__.py", helpers)
    for folder in ("report", "display"):
        (helpers / folder).mkdir()
        shutil.copy(helpers / "core/__init__.py", helpers / folder)
    contracts = helpers / "core/schema.yaml"
    named = contracts.read_text("utf-8").replace(
        DOCUMENTS, f"{DOCUMENTS}  01_a: [table_a]\n"
    )
    contracts.write_text(named)
    (helpers / "report/templates").mkdir()
    (helpers / "report/templates/page.html").touch()
    (helpers / "report/build.py").write_text(REPORT)
    (helpers / "display/colours.py").write_text("RED = 1\n")
    (helpers / "display/plots.py").write_text("from helpers.display import colours\n")
    (helpers / "display/unused.py").touch()
    for folder in ("runs", "notebooks"):
        (root / folder).mkdir()
    (root / "runs/complete_journey.yaml").write_text(RUN)
    write_notebook(root, "01_a", "")
    write_notebook(root, "02_b", "01_a", parameters=SEED)
    plots = "from helpers.display import plots"
    write_notebook(root, "03_c", "02_b", plots, parameters="k: int = 2  # groups")


def start(root, *arguments):
    """Start make, free of what the make around this test set."""
    outer = {"STUDY_HOME", "RUN", "PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    environment = {key: os.environ[key] for key in os.environ.keys() - outer}
    return subprocess.Popen(
        ["make", "--no-print-directory", *arguments],
        cwd=root,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def make(root, *arguments):
    """Run make with the packages of this test; return exit code and what it printed."""
    process = start(root, f"VENV={sys.prefix}", *arguments)
    printed, _ = process.communicate(timeout=120)
    return process.returncode, printed


def redone(root, *arguments):
    """Name what `make report` would redo: notebooks, and `report` for the pages."""
    code, printed = make(root, "-n", "report", *arguments)
    assert code == 0, printed
    return re.findall(r'helpers\.runs\.execute "\$RUN" (\w+)', printed) + re.findall(
        r"helpers\.(report)\.build", printed
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build a project once; the tests of staleness put back what they change."""
    root = tmp_path_factory.mktemp("project")
    write_project(root)
    code, printed = make(root, "-j2", "report")
    assert code == 0, printed
    return root


@pytest.fixture
def project(built):
    """Count every result of the built project as fresh."""
    redone(built)
    for name in ("01_a", "02_b", "03_c"):
        (built / f"reports/complete_journey/notebooks/{name}.ipynb").touch()
    (built / "reports/complete_journey/index.html").touch()
    assert redone(built) == []
    return built


@contextlib.contextmanager
def touched(file):
    """Hold a file newer than everything built, whatever the clock's grain."""
    times = file.stat()
    later = time.time() + 5
    os.utime(file, (later, later))
    yield
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


@contextlib.contextmanager
def changed(file, text):
    """Hold another content in a file for a while, then the old one and its time."""
    old, times = file.read_text(), file.stat()
    file.write_text(text)
    yield
    file.write_text(old)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_two_jobs_build_every_stage_after_the_one_it_reads(built):
    processed = built / "data/processed/complete_journey"
    assert (processed / "03_c.txt").read_text() == "01_a\n02_b\n03_c\n"
    index = built / "reports/complete_journey/index.html"
    assert index.read_text() == "01_a.ipynb\n02_b.ipynb\n03_c.ipynb\n"


def test_a_second_report_does_nothing_in_two_seconds(project):
    begin = time.monotonic()
    code, printed = make(project, "report")
    assert time.monotonic() - begin < 2
    assert code == 0
    assert printed == "The report is reports/complete_journey/index.html\n"


@pytest.mark.parametrize(
    ("run", "again"),
    [
        (RUN + "03_c: {k: 3}\n", ["03_c", "report"]),
        (RUN.replace("seed: 1", "seed: 2"), ["02_b", "03_c", "report"]),
        (RUN + "# a remark\n", []),
        (RUN + "03_c: {k: 2}\n", []),
        ("source: complete_journey\n", []),
    ],
)
def test_a_run_file_redoes_only_notebooks_whose_values_change(project, run, again):
    with changed(project / "runs/complete_journey.yaml", run):
        assert redone(project) == again


@pytest.mark.parametrize(
    ("file", "again"),
    [
        ("src/helpers/display/plots.py", ["03_c", "report"]),
        ("src/helpers/display/colours.py", ["03_c", "report"]),
        ("src/helpers/display/unused.py", []),
        ("src/helpers/runs/run_file.py", []),
        ("src/helpers/core/paths.py", ["01_a", "02_b", "03_c", "report"]),
        ("src/helpers/report/build.py", ["report"]),
        ("src/helpers/report/templates/page.html", ["report"]),
        ("notebooks/02_b.ipynb", ["02_b", "03_c", "report"]),
        ("requirements.lock", ["01_a", "02_b", "03_c", "report"]),
    ],
)
def test_a_file_redoes_only_what_depends_on_it(project, file, again):
    with touched(project / file):
        assert redone(project) == again


def test_a_helper_that_is_removed_does_not_stop_make(project):
    with changed(project / "src/helpers/display/plots.py", "import colours_of_old\n"):
        (project / "src/helpers/display/colours.py").unlink()
        assert redone(project) == ["03_c", "report"]
        (project / "src/helpers/display/colours.py").write_text("RED = 1\n")


def test_another_run_has_results_of_its_own(project):
    (project / "runs/other.yaml").write_text(RUN)
    everything = ["01_a", "02_b", "03_c", "report"]
    assert redone(project, "RUN=other") == everything
    assert redone(project) == []


def test_a_fault_of_the_run_file_is_told_before_anything_is_executed(project):
    run = project / "runs/complete_journey.yaml"
    fault = "source: complete_journey\nall: {sed: 4}\n"
    with changed(run, fault), touched(project / "notebooks/01_a.ipynb"):
        code, printed = make(project, "report")
        assert code != 0
        assert "sets sed" in printed and "Did you mean seed?" in printed
        assert "01_a  " not in printed


def test_make_alone_lists_its_targets(project):
    _, printed = make(project)
    targets = re.findall(r"^make ([\w-]+) ", printed, re.MULTILINE)
    assert targets == [
        "new-run",
        "check",
        "report",
        "test",
        "test-fast",
        "lint",
        "lab",
        "notebooks",
        "bench",
        "shops",
        "clean",
        "spark",
        "lock",
    ]


@pytest.fixture
def fresh(tmp_path):
    write_project(tmp_path)
    return tmp_path


def gone(pid):
    """Say whether a process ends within five seconds."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_a_killed_run_leaves_nothing_half_written_and_goes_on(fresh):
    write_notebook(fresh, "02_b", "01_a", WAIT, parameters=SEED)
    process = start(fresh, f"VENV={sys.prefix}", "report")
    for _ in range(600):
        if (fresh / "pids").exists() and (fresh / "pids").read_text():
            break
        time.sleep(0.05)
    parent, kernel = map(int, (fresh / "pids").read_text().split())
    os.kill(parent, signal.SIGKILL)
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert gone(kernel)
    executed = fresh / "reports/complete_journey/notebooks"
    assert [book.name for book in executed.iterdir()] == ["01_a.ipynb"]
    assert list(fresh.rglob("study-*"))
    (fresh / "go").touch()
    code, printed = make(fresh, "report")
    assert not list(fresh.rglob("study-*"))
    assert code == 0, printed
    assert re.findall(r"^0\w+", printed, re.MULTILINE) == ["02_b", "03_c"]


FAILING = "raise ValueError('no orders')"


def noise(printed):
    """Return what make, not the study, has printed."""
    return [line for line in printed.splitlines() if line.startswith("make")]


def shown(root):
    """Name what the pages were made of: the toy's index lists the executed notebooks."""
    index = root / "reports/complete_journey/index.html"
    return index.read_text().replace(".ipynb", "").split()


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_a_failing_notebook_stops_what_waits_for_it_and_is_mended_from_there(
    fresh, jobs
):
    write_notebook(fresh, "02_b", "01_a", FAILING, parameters=SEED)
    write_notebook(fresh, "04_d", "01_a", "'table_a'")
    for _ in range(2):  # nothing changed, but it is tried again
        code, printed = make(fresh, jobs, "report")
        assert code != 0
        assert shown(fresh) == ["01_a", "02_b.failed", "04_d"]
        told = (
            "02_b stopped in cell [4], '02_b':\nValueError: no orders\nThe notebook as"
            " far as it came: reports/complete_journey/notebooks/02_b.failed.ipynb\n"
        )
        assert printed.count(told) == 2  # when it happens, and at the end
        assert printed.count("03_c was not executed: it waits for 02_b.") == 1
        assert "1 of 4 notebooks stopped; 1 more waits for it, so it was not" in printed
        assert "Not executed: 03_c.\nPages with results: 01_a, 04_d." in printed
        (line,) = noise(printed)
        assert re.fullmatch(r"make: \*\*\* \[Makefile:\d+: report\] Error 1", line)
        assert "Traceback" not in printed and "Deleting" not in printed
        assert redone(fresh) == ["02_b", "03_c", "report"]
    write_notebook(fresh, "02_b", "01_a", parameters=SEED)
    code, printed = make(fresh, jobs, "report")
    assert code == 0 and not noise(printed)
    assert re.findall(r"^0\w+", printed, re.MULTILINE) == ["02_b", "03_c"]
    assert shown(fresh) == ["01_a", "02_b", "03_c", "04_d"]
    assert redone(fresh) == []


def test_a_first_notebook_that_fails_has_an_index_all_the_same(fresh):
    write_notebook(fresh, "01_a", "", FAILING)
    code, printed = make(fresh, "report")
    assert code != 0 and len(noise(printed)) == 1
    assert shown(fresh) == ["01_a.failed"]
    assert "Not executed: 02_b, 03_c.\nPages with results: none." in printed


@pytest.mark.slow
def test_results_of_an_earlier_run_do_not_pass_for_new_after_a_failure(fresh):
    write_notebook(fresh, "04_d", "01_a", "'table_a'")
    assert make(fresh, "report")[0] == 0
    good = (fresh / "notebooks/02_b.ipynb").read_text()
    write_notebook(fresh, "02_b", "01_a", FAILING, parameters=SEED)
    assert make(fresh, "report")[0] != 0
    assert shown(fresh) == ["01_a", "02_b.failed", "04_d"]
    (fresh / "notebooks/02_b.ipynb").write_text(good)
    assert make(fresh, "report")[0] == 0
    assert shown(fresh) == ["01_a", "02_b", "03_c", "04_d"]


def test_a_result_that_was_removed_is_made_again(fresh):
    assert make(fresh, "report")[0] == 0
    (fresh / "reports/complete_journey/notebooks/02_b.ipynb").unlink()
    assert redone(fresh) == ["02_b", "03_c", "report"]


DAMAGES = {
    "lost": lambda file: file.unlink(),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-2]),
    "altered": lambda file: _altered(file),
}


def _altered(file):
    """Change a letter and nothing else, the time neither."""
    times = file.stat()
    file.write_bytes(file.read_bytes().replace(b"2", b"3", 1))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("data/processed/complete_journey/02_b.txt", ["02_b", "03_c", "report"]),
        ("reports/complete_journey/notebooks/02_b.ipynb", ["02_b", "03_c", "report"]),
        ("reports/complete_journey/index.html", ["report"]),
        ("build/runs/complete_journey/03_c.made", ["03_c", "report"]),
    ],
)
def test_what_is_lost_cut_or_altered_is_seen(project, name, again, damage):
    file = project / name
    before, times = file.read_bytes(), file.stat()
    DAMAGES[damage](file)
    assert redone(project) == again
    file.write_bytes(before)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert redone(project) == []


@pytest.mark.slow
def test_a_lost_table_is_made_again_and_then_nothing_is_left_to_do(fresh):
    assert make(fresh, "report")[0] == 0
    kept = {
        file.relative_to(fresh): file.read_bytes()
        for folder in ("data", "reports")
        for file in (fresh / folder).rglob("*")
        if file.is_file()
    }
    (fresh / "data/processed/complete_journey/01_a.txt").unlink()
    code, printed = make(fresh, "report")
    assert code == 0, printed
    assert re.findall(r"^0\w+", printed, re.MULTILINE) == ["01_a", "02_b", "03_c"]
    assert redone(fresh) == []
    # The executed notebooks too: they hold no times.
    assert {file: (fresh / file).read_bytes() for file in kept} == kept


@pytest.mark.slow
def test_two_makes_of_a_run_do_the_work_once_and_another_run_does_not_wait(fresh):
    (fresh / "runs/other.yaml").write_text(RUN)
    write_notebook(fresh, "02_b", "01_a", WAIT, parameters=SEED)
    both = [start(fresh, f"VENV={sys.prefix}", "report") for _ in range(2)]
    for _ in range(600):
        if (fresh / "pids").exists():
            break
        time.sleep(0.05)
    assert redone(fresh, "RUN=other") == ["01_a", "02_b", "03_c", "report"]
    (fresh / "go").touch()
    printed = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    first, second = sorted(printed, key=len, reverse=True)
    assert re.findall(r"^0\w+", first, re.MULTILINE) == ["01_a", "02_b", "03_c"]
    index = "The report is reports/complete_journey/index.html\n"
    assert second == (
        "Another command works on the run complete_journey; this one waits for it to"
        f" end.\n{index}"
    )
    assert first.endswith(index)


def test_clean_keeps_raw_data_and_other_runs(fresh):
    for folder in ("data/raw/a", "data/interim/a", "data/interim/b", "reports/a"):
        (fresh / folder).mkdir(parents=True)
    assert make(fresh, "clean", "RUN=a")[0] == 0
    left = {str(one.relative_to(fresh)) for one in fresh.glob("[dr]*/*/*")}
    assert left == {"data/raw/a", "data/interim/b"}
    assert not (fresh / "reports/a").exists()
    code, printed = make(fresh, "clean", "RUN=../runs")
    assert code != 0 and "RUN names no run." in printed
    assert (fresh / "runs").is_dir()


ODD = ("my study ü$&", 'it\'s "so" `id` #1; a=b 50% $(HOME) [v2] *?\\ |~')


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD)
def test_the_study_and_its_home_may_lie_in_folders_of_any_name(tmp_path, odd):
    root, home = tmp_path / odd, tmp_path / f"home of {odd}"
    root.mkdir()
    write_project(root)
    (root / "notebooks/03_c.ipynb").unlink()
    for place in (root, home, root / "a b"):
        given = [] if place == root else [f"STUDY_HOME={place}"]
        assert redone(root, *given) == ["01_a", "02_b", "report"]
        code, printed = make(root, "report", *given)
        assert code == 0, printed
        index = place / "reports/complete_journey/index.html"
        assert index.read_text() == "01_a.ipynb\n02_b.ipynb\n"
        shown = index.relative_to(root) if index.is_relative_to(root) else index
        assert printed.endswith(f"The report is {shown}\n")
        assert redone(root, *given) == []
        assert make(root, "clean", *given)[0] == 0
        assert redone(root, *given) == ["01_a", "02_b", "report"]


def test_a_folder_with_a_colon_is_refused_since_python_finds_nothing_in_it(tmp_path):
    root = tmp_path / "a:b"
    root.mkdir()
    write_project(root)
    code, printed = make(root, "report")
    assert code != 0 and "rename the folder of the study" in printed


HOSTILE = (
    *("x; touch hacked", "$(shell touch hacked)", "`touch hacked`", "$$(touch hacked)"),
    *("a'b", 'a"; touch hacked; "', "a b", "../x", "a/b", "-n", "-rf", "ü", "", "1a"),
    *("A", "a\ntouch hacked", "a\t", "a%", "a#b", "a)", "a,b", "<>", "|touch hacked"),
    "${IFS}touch hacked",
)


@pytest.mark.parametrize("target", ["check", "clean"])
@pytest.mark.parametrize("given", HOSTILE)
def test_a_run_of_an_odd_name_is_refused_before_a_shell_sees_it(fresh, given, target):
    shell = fresh / "shell"  # which would tell that it was started
    shell.write_text("#!/bin/bash\ntouch seen\n")
    shell.chmod(0o755)
    before = {one.name for one in fresh.iterdir()}
    for how in ([f"RUN={given}"], [f"RUN={given}", "-j2", "-n"]):
        code, printed = make(fresh, target, f"SHELL={shell}", *how)
        assert code != 0 and printed.count("\n") == 1, printed
        assert "RUN names no run. A run is named with small letters" in printed
        assert {one.name for one in fresh.iterdir()} == before


def test_a_name_that_is_too_long_is_refused_in_one_sentence(fresh):
    code, printed = make(fresh, "report", f"RUN={'a' * 5000}")
    told, *more = printed.splitlines()
    assert code != 0 and "A run is named with small letters" in told
    assert len(told) < 250 and all(line.startswith("make: ***") for line in more)


def closing(printed):
    """Read what each part of the tests said last: its name to its counts."""
    said = re.findall(r"^(test-[\w-]+): =+ (.+) in \S+s =+$", printed, re.MULTILINE)
    return dict(said)


@pytest.mark.slow
def test_saved_results_are_compared_without_touching_those_of_a_run(fresh):
    for name in ("02_b", "03_c"):
        (fresh / f"notebooks/{name}.ipynb").unlink()
    write_notebook(fresh, "01_a", "", "print(6 * 7)")
    (fresh / "tests").mkdir()
    (fresh / "tests/test_a.py").write_text(MARKED)
    (fresh / "tests/test_b.py").write_text("def test_b(): pass\n")
    assert make(fresh, "notebooks")[0] == 0
    code, printed = make(fresh, "test")
    assert code == 0
    assert closing(printed) == {
        "test-runs": "1 passed, 4 deselected",
        "test-notebooks": "3 passed",
        "test-slow": "2 passed, 3 deselected",
        "test-fast-1": "1 passed, 3 deselected",
        "test-fast-2": "1 passed",
    }
    book = fresh / "notebooks/01_a.ipynb"
    book.write_text(book.read_text().replace('"42\\n"', '"43\\n"'))
    code, printed = make(fresh, "test", "PARTS=test-notebooks test-fast-2")
    assert code != 0
    assert closing(printed)["test-notebooks"] == "1 failed, 2 passed"
    assert closing(printed)["test-fast-2"] == "1 passed"
    code, printed = make(fresh, "test-fast")
    assert code == 0
    assert closing(printed).keys() == {"test-fast-1", "test-fast-2"}
    assert not (fresh / "data").exists()


# Set-up: a stand-in for python3 that answers as the case needs.

SOUND = """#!/usr/bin/env bash
case "$*" in
  *'print('*) echo 3.12 ;;
  *'-m venv'*)
    echo venv >>made
    mkdir -p .venv/bin
    cp standin .venv/bin/python ;;
  *'-m pip'*) sleep 0.3 ;;
esac
"""
BAD = {
    "no python": ("", "nopython was not found. Install Python 3.11"),
    "old": (
        SOUND.replace("3.12", "3.9; exit 0 ;; *sys.exit*) exit 1"),
        "3.9, but 3.11",
    ),
    "no venv": (
        SOUND.replace("*'-m venv'*)", "*ensurepip*) exit 1 ;; -)"),
        "python3-venv",
    ),
    "no network": (SOUND.replace("sleep 0.3", "exit 1"), "Check the network"),
    "no packages": (
        SOUND.replace("-m pip", "-m uv").replace("sleep 0.3", "exit 1"),
        "Check the network",
    ),
}


def set_up(root, standin, python="./standin"):
    (root / "standin").write_text(standin)
    (root / "standin").chmod(0o755)
    return start(root, ".venv/.ready", f"PYTHON={python}")


@pytest.mark.parametrize("case", BAD)
def test_set_up_that_cannot_be_done_is_told_and_leaves_no_environment(fresh, case):
    standin, told = BAD[case]
    python = "nopython" if case == "no python" else "./standin"
    process = set_up(fresh, standin, python)
    printed = process.communicate(timeout=30)[0]
    assert process.returncode != 0
    assert told in printed
    assert not (fresh / ".venv").exists()


def test_an_update_that_fails_keeps_the_environment_that_was_there(fresh):
    set_up(fresh, SOUND).communicate(timeout=30)
    assert (fresh / ".venv/.ready").exists()
    (fresh / ".venv/bin/python").write_text(BAD["no network"][0])
    with touched(fresh / "requirements.lock"):
        process = set_up(fresh, SOUND)
        printed = process.communicate(timeout=30)[0]
    assert process.returncode != 0
    assert BAD["no network"][1] in printed
    assert (fresh / ".venv/.ready").exists()


PIP = """
  *'config list'*)
    echo ":env:.cert='/a cert'"
    echo "global.user='true'"
    echo "global.target='/elsewhere'"
    echo 'global.index-url="https://mirror/it%27s=a"'
    echo "site.extra-index-url='\\nhttps://x\\nhttps://y'" ;;
  *'-m pip'*) (for name in ${!PIP_*}; do printf '%q\\n' "$name=${!name}"; done) >asked ;;"""


def test_of_a_set_up_of_pip_only_the_way_to_the_packages_is_kept(fresh, monkeypatch):
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
    standin = SOUND.replace("\n  *'-m pip'*) sleep 0.3 ;;", PIP)
    assert PIP in standin
    set_up(fresh, standin).communicate(timeout=30)
    assert (fresh / "asked").read_text().splitlines() == [
        r"PIP_CERT=/a\ cert",
        "PIP_CONFIG_FILE=/dev/null",
        r"$'PIP_EXTRA_INDEX_URL=\nhttps://x\nhttps://y'",
        "PIP_INDEX_URL=https://mirror/it%27s=a",
    ]


# What a user has set up for other work, and would change numbers, figures or the way.
SPOIL = "import builtins; builtins.sum = lambda *_: 42; raise SystemExit(3)"
SET_UP = {
    ".config/matplotlib/matplotlibrc": "font.size: 40\nbackend: nonsense\n",
    ".ipython/profile_default/startup/00.py": "import builtins; builtins.sum = len",
    ".ipython/profile_default/ipython_config.py": "c.InteractiveShellApp.exec_lines = ['sum = len']",
    ".ipython/profile_default/ipython_kernel_config.py": "c.InlineBackend.figure_formats = {'svg'}",
    ".jupyter/jupyter_config.py": "raise SystemExit('jupyter')",
    ".jupyter/jupyter_nbconvert_config.py": "raise SystemExit('nbconvert')",
    ".local/share/jupyter/kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "x", "language": "x"}',
    ".local/lib/python{}.{}/site-packages/usercustomize.py": SPOIL,
    "path/sitecustomize.py": SPOIL,
    "path/pandas.py": SPOIL,
    "startup.py": "sum = len",
    "bash": "touch hacked; exit 3",
}
VARIABLES = {
    "BASH_ENV": "{}/bash",
    "CDPATH": "/",
    "IPYTHONDIR": "{}/.ipython",
    "JUPYTER_PATH": "{}/.local/share/jupyter",
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "tr_TR.ISO-8859-9",
    "MATPLOTLIBRC": "{}/.config/matplotlib",
    "MPLBACKEND": "nonsense",
    "MPLCONFIGDIR": "{}/.config/matplotlib",
    "PYTHONOPTIMIZE": "2",
    "PYTHONPATH": "{}/path",
    "PYTHONSTARTUP": "{}/startup.py",
    "PYTHONUTF8": "0",
    "PYTHONWARNINGS": "error",
    "TZ": "Pacific/Kiritimati",
}
SHOWS = """
import locale, sys, time
import matplotlib as mpl
from matplotlib import pyplot as plt
from helpers.display import plots
print(sum([1, 2]), mpl.rcParams["font.size"], mpl.get_backend(), time.tzname)
print(sys.flags, locale.getlocale(), locale.getpreferredencoding(), f"{date:%c}")
lines = plt.plot([1, 2])
"""


def outputs(file):
    """List what the cells of a notebook have shown."""
    cells = nbformat.read(file, as_version=4).cells
    return [output for cell in cells for output in cell.get("outputs", ())]


def test_the_set_up_of_a_user_changes_no_result(fresh, tmp_path_factory, monkeypatch):
    day = "from datetime import datetime; date = datetime(2024, 1, 31)"
    write_notebook(fresh, "01_a", "", day, SHOWS)
    for name in ("02_b", "03_c"):
        (fresh / f"notebooks/{name}.ipynb").unlink()
    run = fresh / "runs/complete_journey.yaml"
    run.write_text("source: complete_journey\n")
    result = fresh / "reports/complete_journey/notebooks/01_a.ipynb"

    def shown():
        code, printed = make(fresh, "report")
        assert code == 0, printed
        return outputs(result)

    home = tmp_path_factory.mktemp("hostile")
    plain = shown()
    assert "3 10.0 module://matplotlib_inline" in str(plain)
    for name, content in SET_UP.items():
        file = home / name.format(*sys.version_info)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    for name, value in (VARIABLES | {"HOME": "{}"}).items():
        monkeypatch.setenv(name, value.format(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    result.unlink()
    assert shown() == plain
    assert not (fresh / "hacked").exists()
    # Without make, the kernel is no other.
    monkeypatch.setenv("PYTHONPATH", f"{fresh}/src")
    for name in ("PYTHONWARNINGS", "PYTHONOPTIMIZE", "MPLBACKEND"):
        monkeypatch.delenv(name)  # which the command itself would see
    subprocess.run(
        [sys.executable, "-m", "helpers.runs.execute", "complete_journey", "01_a"],
        cwd=fresh,
        check=True,
    )
    assert outputs(result) == plain


@pytest.mark.skipif(not shutil.which("flock"), reason="no flock on this machine")
def test_two_makes_at_once_build_one_environment(fresh):
    makes = [set_up(fresh, SOUND) for _ in range(2)]
    for process in makes:
        process.communicate(timeout=30)
        assert process.returncode == 0
    assert (fresh / "made").read_text() == "venv\n"
