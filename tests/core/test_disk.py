"""Files are whole or as they were, known again, and what the dead left goes."""

import os
import resource
import signal
import subprocess
import sys

import pandas as pd
import pytest

from helpers.core import command, disk, store
from helpers.core.errors import BadInput
from helpers.personas import exports

WAITS = """
import pathlib, sys, time
from helpers.core import disk
with disk.{call} as made:
    print(made, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Work in a folder of the test, the system's temporary one too."""
    monkeypatch.setenv("STUDY_HOME", str(tmp_path / "home"))
    (tmp_path / "system").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "system"))
    return tmp_path / "home"


@pytest.fixture
def other():
    """Give a function that has another process hold something; killed at the end."""
    begun = []

    def start(call, *, printed=1):
        process = subprocess.Popen(
            [sys.executable, "-c", WAITS.format(call=call)],
            stdout=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        for _ in range(printed):
            process.said = process.stdout.readline().strip()
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("within", [None, "home"])
def test_what_a_process_left_goes_when_it_is_dead_and_not_before(home, other, within):
    place = f"pathlib.Path({str(home)!r})" if within else ""
    process = other(f"scratch({place})")
    folder = disk.Path(process.said)
    assert folder.parent == (home if within else home.parent / "system")
    (folder / "deep").mkdir()
    (folder / "deep/spilled").write_text("rows")
    disk.sweep(home)
    assert (folder / "deep/spilled").exists()
    process.kill()
    process.wait()
    disk.sweep(home)
    assert not folder.exists()


def test_every_command_clears_the_system_s_temporary_folder(home, other):
    process = other("scratch()")
    process.kill()
    process.wait()
    assert len(list((home.parent / "system").iterdir())) == 1
    assert command.says_what_stops(lambda _: 0)([]) == 0
    assert list((home.parent / "system").iterdir()) == []


def test_a_folder_that_only_has_such_a_name_stays(home):
    mine = home / "study-2024"
    mine.mkdir(parents=True)
    (mine / "lines.csv").write_text("order\n1\n")
    disk.sweep(home)
    assert (mine / "lines.csv").exists()


def test_what_does_not_fit_in_memory_is_gone_after_a_process_that_ends(home):
    spills = (
        "import pathlib, sys; from helpers.core import disk;"
        "(disk.spill(pathlib.Path(sys.argv[1])) / 'rows').write_text('1')"
    )
    subprocess.run([sys.executable, "-c", spills, str(home)], check=True)
    assert list(home.iterdir()) == []


def test_the_second_waits_until_the_first_is_dead_and_says_so(home, other):
    call = f"alone(pathlib.Path({str(home / 'lock')!r}), waits='Wait.')"
    first = other(call)
    second = other(call)
    assert second.said == "Wait."
    os.kill(first.pid, signal.SIGKILL)
    assert second.stdout.readline().strip().isdigit()  # it has the lock


@pytest.fixture
def known(home):
    """Keep what two files are; give them and the file that keeps it."""
    home.mkdir()
    files = [home / "small.json", home / "large.parquet"]
    for file, content in zip(files, ("{}", "x" * (disk.CHEAP + 1)), strict=True):
        file.write_text(content)
    disk.know(files, by=home / "made")
    assert not disk.changed(home / "made")
    return [*files, home / "made"]


@pytest.mark.parametrize("which", [0, 1])
def test_a_file_that_is_lost_or_cut_is_seen(known, which):
    content = known[which].read_text()
    known[which].write_text(content[:-1])
    assert disk.changed(known[-1])
    known[which].unlink()
    assert disk.changed(known[-1])


def test_one_letter_of_a_small_file_is_seen_whatever_its_time(known):
    times = known[0].stat()
    known[0].write_text("[]")
    os.utime(known[0], ns=(times.st_atime_ns, times.st_mtime_ns))
    assert disk.changed(known[-1])
    known[0].write_text("{}")  # as it was, at another time
    assert not disk.changed(known[-1])


def test_another_time_of_a_large_file_is_seen(known):
    os.utime(known[1], (1, 1))
    assert disk.changed(known[-1])


def test_a_home_that_is_moved_keeps_what_is_known(known, home, monkeypatch):
    home.rename(home.with_name("moved"))
    monkeypatch.setenv("STUDY_HOME", str(home.with_name("moved")))
    assert not disk.changed(home.with_name("moved") / "made")


@pytest.mark.parametrize("damage", [None, "", "[1", "[]", "3"])
def test_files_of_which_nothing_is_known_count_as_changed(known, damage):
    known[-1].unlink() if damage is None else known[-1].write_text(damage)
    assert disk.changed(known[-1])


# Each writes a kilobyte and more over a file that is there.
FRAME = pd.DataFrame({"customer_id": [f"C{i}" for i in range(2000)]})
WRITERS = {
    "a.json": lambda file: store.write_json({"key": "x" * 9000}, file),
    "a.csv": lambda file: exports.write_csv(FRAME, file),
    "a.parquet": lambda file: _parquet(file),
    "b.parquet": lambda file: _duckdb(file),
}


def _parquet(file):
    with disk.replacing(file) as partial:
        FRAME.to_parquet(partial, compression=None)


def _duckdb(file):
    import duckdb

    with disk.replacing(file) as partial, duckdb.connect() as con:
        con.sql("select i::varchar as i from range(300000) t(i)").write_parquet(
            str(partial)
        )


def refused(file):
    """Write over a file where it cannot be done; return the sentence that says so."""
    if not file.exists():
        file.write_text("as it was")
    with pytest.raises(BadInput) as fault:
        WRITERS[file.name](file)
    assert file.read_text() == "as it was"
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    return str(fault.value)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_grows_beyond_what_is_allowed_leaves_the_old_one(home, name):
    home.mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        said = refused(home / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert said.startswith(f"{name} could not be written (") and "\n" not in said


MOUNTED = """
mount -t tmpfs -o size={size} none {folder} || exit 77
{after}
exec {python} -c "import pathlib, core.test_disk as t; print(t.refused(pathlib.Path('{file}')))"
"""


def mounted(folder, name, *, size="16k", after=""):
    """Refuse a write on a small disk, which this test alone sees; return the sentence."""
    folder.mkdir()
    text = MOUNTED.format(
        size=size, folder=folder, after=after, python=sys.executable, file=folder / name
    )
    tests = str(disk.Path(__file__).parents[1])
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", text],
        env=os.environ | {"PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{tests}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode in (1, 77) and "Traceback" not in done.stderr:
        pytest.skip("a disk cannot be mounted here")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_disk_that_may_only_be_read_is_told_so(home):
    said = mounted(
        home,
        "a.json",
        after=f"echo -n 'as it was' > {home}/a.json\nmount -o remount,ro {home}",
    )
    assert said.startswith("a.json could not be written (read-only file system)")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "b.parquet"])
def test_a_full_disk_is_told_in_a_sentence_and_the_old_file_is_whole(home, name):
    said = mounted(home, name)
    assert said.startswith(f"{name} could not be written (") and "\n" not in said
    assert "(no space left)" in said and "the same command goes on" in said
