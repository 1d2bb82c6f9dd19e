"""Kill a run of a small made shop at random moments, and compare what it ends with.

    PYTHONPATH=src:tests python tools/kill_runs.py FOLDER --kills 100 --seed 1

One home is left in peace. In another the same run is killed (SIGKILL, all its processes),
begun again, killed again; when it gets to its end something it wrote is taken away, cut
or altered, and it goes on. At the end both homes must hold the same bytes, and nothing of
a killed run may be left.

A process that has imported everything forks for each try and does what make does, so
that a try costs no start (`quick.py`). With `--make` make itself is killed, with kernels.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import shop_runs
import shops

from helpers.core import disk, paths

NAME = "killed"  # of the run
# As little evidence as a run may ask for: what is killed here is writing, not counting.
LITTLE = dict.fromkeys(
    (
        "method_null_references",
        "n_init",
        "n_random_draws",
        "gap_n_init",
        "bootstrap_n_init",
    ),
    1,
) | dict.fromkeys(("n_bootstrap", "n_splits", "gap_n_draws", "null_n_bootstrap"), 2)
LITTLE |= {"null_references": 19, "n_permutations": 19, "max_k": 3, "other_samples": 0}


def work() -> None:
    """Answer each line, [home, seconds to the kill or null], in a fork of this process."""
    import quick

    quick.execute._papermill = quick.in_process
    quick.warm()
    for line in sys.stdin:
        home, seconds = json.loads(line)
        printed = f"{home}.log"
        begin, pid = time.monotonic(), os.fork()
        if pid == 0:
            os.setsid()
            with Path(printed).open("w", encoding="utf-8") as log:
                os.dup2(log.fileno(), 1), os.dup2(log.fileno(), 2)
            os.environ["STUDY_HOME"] = home
            os._exit(_as_make_does(quick))
        while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
            if seconds is not None and time.monotonic() - begin > seconds:
                os.killpg(pid, signal.SIGKILL)
            time.sleep(0.002)
        print(json.dumps([ended[1], Path(printed).read_text("utf-8")]), flush=True)


def _as_make_does(quick: object) -> int:
    """Execute and render what make would, in its order; return the exit code."""
    from helpers.report import build
    from helpers.runs import dependencies

    if code := dependencies.main([NAME]):
        return code
    os.chdir(paths.ROOT)
    fragment = (paths.plan(NAME) / "stages.mk").read_text("utf-8")
    for target, needs in re.findall(r"^(\S+): (.*)$", fragment, re.MULTILINE):
        file, needs = Path(target), needs.split()
        if file.exists() and "FORCE" not in needs:
            made = file.stat().st_mtime_ns
            if all(Path(one).stat().st_mtime_ns <= made for one in needs):
                continue
        call = [NAME, file.stem] if file.suffix == ".ipynb" else [NAME]
        main = quick.execute.main if file.suffix == ".ipynb" else build.main
        code, said = quick._forked(lambda main=main, call=call: main(call))
        os.write(1, said.encode())
        if code:
            return code
    return 0


class Worker:
    """The process that forks."""

    def __init__(self, project: Path) -> None:
        environment = _environment(project)
        environment["PYTHONPATH"] += f":{shop_runs.ROOT / 'tests'}"
        self.process = subprocess.Popen(
            [sys.executable, __file__, "work"],
            cwd=project,
            env=environment | {"MPLBACKEND": "Agg"},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __call__(self, home: Path, seconds: float | None) -> tuple[int, str]:
        """Run for so many seconds; return the status (9: killed) and what was printed."""
        self.process.stdin.write(json.dumps([str(home), seconds]) + "\n")
        self.process.stdin.flush()
        return tuple(json.loads(self.process.stdout.readline()))


class Make:
    """make and its kernels, which know nothing of this program."""

    def __init__(self, project: Path) -> None:
        self.project = project

    def __call__(self, home: Path, seconds: float | None) -> tuple[int, str]:
        """Run for so many seconds; return the status (9: killed) and what was printed."""
        command = ["make", "--no-print-directory", "report", f"RUN={NAME}"]
        process = subprocess.Popen(
            [*command, f"VENV={sys.prefix}"],
            cwd=self.project,
            env=_environment(self.project) | {"STUDY_HOME": str(home)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            printed, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            printed, _ = process.communicate()
        return abs(process.returncode), printed


def _environment(project: Path) -> dict[str, str]:
    environment = shop_runs._environment(project)
    return environment | {"TMPDIR": str(project.parent / "tmp")}


def results(home: Path) -> dict[str, bytes]:
    """Read every file that a run made, but for locks."""
    folders = [f"data/{stage}/{NAME}" for stage in ("interim", "processed")]
    return {
        str(file.relative_to(home)): file.read_bytes()
        for folder in [*folders, f"reports/{NAME}"]
        for file in sorted((home / folder).rglob("*"))
        if file.is_file() and file.suffix != ".lock"
    }


def damage(home: Path, draw: random.Random) -> str:
    """Take away, cut or alter something that the run wrote; say what."""
    there = [one for one in results(home) if "/evidence/" not in one]
    file = home / draw.choice(there)
    how = draw.choice(["lost", "cut", "altered"])
    content, times = file.read_bytes(), file.stat()
    if how == "lost":
        file.unlink()
    elif how == "cut":
        file.write_bytes(content[: len(content) // 2])
    else:
        at = draw.randrange(len(content))
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        if len(content) <= disk.CHEAP:
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    return f"{file.relative_to(home)} {how}"


def left_behind(project: Path, home: Path) -> list[str]:
    """Name what is neither a result nor known to make."""
    folders = (project.parent / "tmp", Path("/dev/shm"))
    temporary = [str(one) for folder in folders for one in folder.glob("*")]
    return [str(one) for one in home.rglob(f"{disk.PREFIX}*")] + temporary


def begun_last(home: Path, since: float) -> str:
    """Name the notebook, by its number, that was begun last after a moment."""
    locks = (home / "build/runs" / NAME).glob("[0-9]*.lock")
    begun = [(one.stat().st_mtime, one.name[:2]) for one in locks]
    return max([one for one in begun if one[0] > since], default=(0, "none"))[1]


def ended(status: int, printed: str) -> str:
    """Stop this program where a run stopped that was not killed."""
    if status:
        raise SystemExit(f"The run stopped ({status}):\n{printed}")
    return printed


def main() -> int:
    """Read the command line; return 1 if the homes differ or something is left."""
    if sys.argv[1:] == ["work"]:
        work()
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, help="seconds to a kill")
    parser.add_argument("--most", type=float, default=1200, help="seconds in all")
    parser.add_argument("--make", action="store_true", help="kill make and kernels")
    given = parser.parse_args()
    draw = random.Random(given.seed)
    project = shop_runs.project(given.folder / "project")
    (project.parent / "tmp").mkdir(exist_ok=True)
    calm, killed = (project.parent / one for one in ("calm", "killed"))
    shops.SMALL["03_clustering_choice"] |= LITTLE
    shop_runs.write(shops.make(shops.Temper(customers=120), name=NAME), project)
    for home in (calm, killed):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(project / "data/raw", home / "data/raw")
    run = (Make if given.make else Worker)(project)
    begin = time.monotonic()
    ended(*run(calm, None))
    longest = given.longest or (time.monotonic() - begin) / 6
    print(f"Undisturbed: {6 * longest:.0f} s.", flush=True)
    fell, damages, done, before = [], [], [], left_behind(project, killed)
    while len(fell) < given.kills and time.monotonic() - begin < given.most:
        since = time.time()
        status, printed = run(killed, draw.uniform(0, longest))
        if status == signal.SIGKILL:
            fell.append(begun_last(killed, since))
        else:
            ended(status, printed)
            damages.append(damage(killed, draw))
        done += re.findall(r"^(\d\d)_\w+ +\d", printed, re.MULTILINE)
        print(".", end="", flush=True)
    ended(*run(killed, None))
    again = re.findall(r"^(\d\d)_\w+ +\d", ended(*run(killed, None)), re.MULTILINE)
    calm_files, killed_files = results(calm), results(killed)
    names = sorted(calm_files.keys() | killed_files.keys())
    differ = [one for one in names if calm_files.get(one) != killed_files.get(one)]
    time.sleep(2)
    left = sorted(set(left_behind(project, killed)) - set(before))
    counts, where = (
        {one: names.count(one) for one in sorted(set(names))} for names in (done, fell)
    )
    print(
        f"\n{len(fell)} kills, by the notebook begun last: {where}; {len(damages)} times at the end, and then: {'; '.join(damages)}.\n"
        f"Notebooks that ended between two kills: {counts}; asked again at the end: {again}.\n"
        f"{len(names)} files, of which {len(differ)} differ: {', '.join(differ) or 'none'}.\n"
        f"Left behind: {', '.join(left) or 'nothing'}. "
        f"{time.monotonic() - begin:.0f} s in all."
    )
    return int(bool(differ or left or again))


if __name__ == "__main__":
    sys.exit(main())
