"""Kill a run of a small made shop at random moments, and compare what it ends with.

    PYTHONPATH=src:tests python tools/kill_runs.py FOLDER --kills 20 --seed 1

One home is left in peace. In another the same run is killed (SIGKILL, the whole process
group), begun again, killed again; when it gets to its end something it wrote is taken
away, cut or altered, and it goes on. At the end both homes must hold the same bytes, and
no folder or process of a killed run may be left.
"""

import argparse
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

from helpers.core import disk

NAME = "killed"  # of the run


def start(project: Path, home: Path) -> subprocess.Popen:
    """Start `make report` for a home, in a process group of its own."""
    environment = shop_runs._environment(project)
    environment |= {"STUDY_HOME": str(home), "TMPDIR": str(project.parent / "tmp")}
    environment.pop("LOKY_MAX_CPU_COUNT")  # as users have it: processes side by side
    command = ["make", "--no-print-directory", "report", f"RUN={NAME}"]
    return subprocess.Popen(
        [*command, f"VENV={sys.prefix}"],
        cwd=project,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def end(project: Path, home: Path) -> str:
    """Run to the end; return what was printed."""
    process = start(project, home)
    printed, _ = process.communicate(timeout=1800)
    if process.returncode:
        raise SystemExit(f"The run stopped:\n{printed}")
    return printed


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
    content = file.read_bytes()
    times = file.stat()
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


def alive(home: Path) -> list[str]:
    """List the processes that work for a home."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"STUDY_HOME={home}\0".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " ")[:100])
        except OSError:
            continue
    return found


def temporary(project: Path) -> set[str]:
    """Name what lies in the folders for temporary files: the runs' own, and memory's."""
    folders = (project.parent / "tmp", Path("/dev/shm"))
    return {str(one) for folder in folders for one in folder.glob("*")}


def main() -> int:
    """Read the command line; return 1 if the homes differ or something is left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=12, help="seconds to a kill")
    given = parser.parse_args()
    draw = random.Random(given.seed)
    project = shop_runs.project(given.folder / "project")
    calm, killed = (given.folder.resolve() / one for one in ("calm", "killed"))
    shop_runs.write(shops.make(shops.Temper(customers=120), name=NAME), project)
    for home in (calm, killed):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(project / "data/raw", home / "data/raw")
    (given.folder / "tmp").mkdir(exist_ok=True)
    before, begin = temporary(project), time.monotonic()
    end(project, calm)
    print(f"Undisturbed: {time.monotonic() - begin:.0f} s.", flush=True)
    kills, damages, begun = 0, [], set()
    while kills < given.kills:
        process = start(project, killed)
        try:
            printed, _ = process.communicate(timeout=draw.uniform(0, given.longest))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            printed, _ = process.communicate()
            kills += 1
        else:
            if process.returncode:
                raise SystemExit(f"The run stopped:\n{printed}")
            damages.append(damage(killed, draw))
        begun.update(re.findall(r"^\d\d_\w+", printed, re.MULTILINE))
    end(project, killed)
    again = end(project, killed)
    calm_files, killed_files = results(calm), results(killed)
    differ = [
        name
        for name in sorted(calm_files.keys() | killed_files.keys())
        if calm_files.get(name) != killed_files.get(name)
    ]
    time.sleep(2)
    left = [str(one) for one in killed.rglob(f"{disk.PREFIX}*")]
    left += sorted(temporary(project) - before)
    print(
        f"{kills} kills, {len(damages)} times at the end and then: {'; '.join(damages)}.\n"
        f"Notebooks that ended in between: {', '.join(sorted(begun))}.\n"
        f"{len(calm_files)} files, {len(differ)} differ: {', '.join(differ) or 'none'}.\n"
        f"Left behind: {', '.join(left) or 'nothing'}. Alive: {alive(killed) or 'nobody'}.\n"
        f"Asked again: {again.strip()}\n{time.monotonic() - begin:.0f} s in all."
    )
    return int(bool(differ or left))


if __name__ == "__main__":
    sys.exit(main())
