"""Run the study on made shops: a copy of the project, make, or forks of one process."""

import contextlib
import json
import os
import queue
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import shops
from sklearn.metrics import adjusted_rand_score

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("src", "notebooks", "tools")


def project(folder):
    """Copy what make needs into a folder: run files must lie beside the helpers."""
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    for name in COPIED:
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    (folder / "runs").mkdir(exist_ok=True)
    # What numba has compiled once (16 seconds) serves every copy.
    cache = Path(os.environ.get("SHOPS_CACHE", ROOT / "build")) / "numba"
    cache.mkdir(parents=True, exist_ok=True)
    (folder / "build").mkdir(exist_ok=True)
    if not (folder / "build/numba").exists():
        (folder / "build/numba").symlink_to(cache)
    # The default run decides which notebooks are another run's own.
    shutil.copy(ROOT / "runs/complete_journey.yaml", folder / "runs")
    shutil.copy(ROOT / "runs/uniform_supplier.yaml", folder / "runs")
    return folder


def write(shop, folder):
    """Put the files and the run file of a shop into a copy of the project."""
    raw = folder / "data/raw" / shop.name
    raw.mkdir(parents=True, exist_ok=True)
    for name, table in shop.tables.items():
        table.to_csv(raw / f"{name}.csv", index=False, encoding="utf-8")
    (folder / "runs" / f"{shop.name}.yaml").write_text(shop.run_file, "utf-8")


@dataclass
class Ended:
    """How a run ended: exit code, what was printed, seconds."""

    code: int
    printed: str
    seconds: float

    @property
    def errors(self):
        """Return what each notebook that stopped says: where, and why."""
        lines = [line for line in self.printed.splitlines() if line.strip()]
        return [
            " ".join(lines[i : i + 2])
            for i, line in enumerate(lines)
            if " stopped in cell " in line
        ]

    @property
    def refused(self):
        """Say whether the input was refused in a sentence before notebook 2 ended."""
        told = self.errors[:1]
        return bool(told) and bool(
            re.match(
                r"0[12]_\w+ stopped in cell \[\d+\], [^:]+: (?!\w+(Error|Exception))",
                told[0],
            )
        )


def _environment(folder):
    """Return what make gives every kernel, with folders for what all copies share."""
    outer = {"STUDY_HOME", "RUN", "PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    kept = {key: os.environ[key] for key in os.environ.keys() - outer}
    exported = re.findall(
        r"^export (\w+) := (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
    )
    shared = Path(os.environ.get("SHOPS_CACHE", ROOT / "build"))
    return {
        **kept,
        **{name: text.replace("$(CURDIR)", str(folder)) for name, text in exported},
        "NUMBA_CACHE_DIR": str(shared / "numba"),
        "IPYTHONDIR": str(shared / "ipython"),
        "LOKY_MAX_CPU_COUNT": "1",  # the next shop takes the other core
    }


def _called(command, folder, limit):
    begin = time.monotonic()
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(folder),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=limit,
        check=False,
    )
    return Ended(done.returncode, done.stdout, time.monotonic() - begin)


def build(folder, run, *, jobs=2, limit=1800):
    """Run the whole study of a run with make, as a user would."""
    command = ["make", "--no-print-directory", f"-j{jobs}", "report", f"RUN={run}"]
    return _called([*command, f"VENV={sys.prefix}"], folder, limit)


class Quick:
    """A process that has imported the helpers of a copy of the project, and forks.

    It does what make does, notebook by notebook and strictly, without a kernel for each:
    a shop of 200 customers takes 20 seconds instead of 70. Use it in a `with`.
    """

    def __init__(self, folder):
        self.folder = folder
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end()

    def __call__(self, run, *, until="report", limit=1800):
        """Execute a run up to a notebook, such as "03", or to its pages."""
        begin = time.monotonic()
        if self.process is None:
            self.process = self._started()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps([run, until]) + "\n")
            self.process.stdin.flush()
        answered, _, _ = select.select([self.process.stdout], [], [], limit)
        line = self.process.stdout.readline() if answered else ""
        if line:
            return Ended(**json.loads(line))
        said = f"It did not end in {limit} seconds."
        if answered:  # it died, which the helpers' own imports can bring about
            said = self.process.communicate()[1]
        self._end()
        return Ended(1, said, time.monotonic() - begin)

    def _started(self):
        return subprocess.Popen(
            [sys.executable, str(ROOT / "tests/quick.py")],
            cwd=self.folder,
            env=_environment(self.folder) | {"MPLBACKEND": "Agg"},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that its forks end with it
        )

    def _end(self):
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def side_by_side(folder, tempers, *, until="report", jobs=2, limit=1800):
    """Make shops and run them in a copy of the project, so many at a time.

    Parameters
    ----------
    folder : Path
        From `project`.
    tempers : dict of Temper or str
        Name of a run -> what its shop is like, begun in this order.
    until : str
        Last notebook, such as "03", or "report".
    jobs : int
        Processes.
    limit : float
        Seconds that one run may take.

    Yields
    ------
    tuple
        Shop and how its run ended, the first that ends first.
    """
    waiting, done = queue.SimpleQueue(), queue.SimpleQueue()
    for item in tempers.items():
        waiting.put(item)

    def work():
        with Quick(folder) as quick:
            while True:
                try:
                    name, temper = waiting.get_nowait()
                except queue.Empty:
                    return
                try:
                    shop = shops.make(temper, name=name)
                    write(shop, folder)
                    done.put((shop, quick(name, until=until, limit=limit)))
                except Exception as fault:  # else its reader would wait for ever
                    done.put(fault)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    for _ in tempers:
        ended = done.get()
        if isinstance(ended, Exception):
            raise ended
        yield ended


def recovered(shop, folder):
    """Return the adjusted Rand index of segments and planted kinds.

    It is over customers who have a segment; missing where notebook 3 made none.
    """
    file = Path(folder) / "data/processed" / shop.name / "segments.parquet"
    if not file.exists():
        return float("nan")
    found = pd.read_parquet(file).set_index("customer_id")["segment_id"]
    found = found[found > 0]
    kinds = shop.truth.kinds.reindex(found.index)
    return float(adjusted_rand_score(kinds, found)) if len(found) else float("nan")


def decided(shop, folder):
    """Return what notebook 3 decided: k, verdict and more, or nothing."""
    file = Path(folder) / "data/processed" / shop.name / "decision.json"
    return json.loads(file.read_text("utf-8")) if file.exists() else {}
