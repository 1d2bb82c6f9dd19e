"""Measure sides in turn, each as a process of its own: CPU time, wall time, memory."""

import contextlib
import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from threading import Thread

# How often the memory of a process tree is looked at. A single process is not missed
# between two looks, since the kernel keeps its peak.
EVERY = 0.05  # seconds


OUT_OF_MEMORY = 77  # exit code of a side that could not work in the memory it has


class Stopped(Exception):
    """A side needed more memory or time than it was allowed; the text says which."""


@dataclass(frozen=True)
class Taken:
    """What one side took.

    Parameters
    ----------
    cpu : float
        CPU seconds, user and system, of the process and the children it waited for.
    wall : float
        Seconds on the clock.
    peak : float
        Most memory at one time, MB (2**20 bytes): of the process tree, shared pages
        counted once.
    printed : str
        What the side wrote to standard output.
    more : dict
        What it said by `inside` beside these figures.
    """

    cpu: float
    wall: float
    peak: float
    printed: str = ""
    more: dict = field(default_factory=dict)


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    memory: float | None = None,
    seconds: float | None = None,
) -> Taken:
    """Run a command as a process and measure all of it, start-up included.

    Parameters
    ----------
    command : sequence of str or Path
        Program and arguments.
    env : mapping, optional
        Environment variables set beside the present ones.
    memory : float, optional
        MB at which it is stopped.
    seconds : float, optional
        Seconds on the clock at which it is stopped.

    Returns
    -------
    Taken

    Raises
    ------
    Stopped
        If it passed the limit of memory or time, or ended with `OUT_OF_MEMORY`.
    CalledProcessError
        If it failed; its errors were shown.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
        start_new_session=True,
    )
    peak, limit = 0.0, ""
    with _reader(process) as printed:
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, _tree_memory(process.pid))
            if memory and peak > memory:
                limit = f"more than {memory / 1024:.0f} GB"
            if seconds and time.perf_counter() - began > seconds:
                limit = f"more than {seconds:.0f} s"
            if limit:
                # Its own session: the children of the side are stopped with it.
                os.killpg(process.pid, 9)
                os.wait4(process.pid, 0)
                break
            time.sleep(EVERY)
        wall = time.perf_counter() - began
    process.returncode = -9 if limit else os.waitstatus_to_exitcode(status)
    if process.returncode == OUT_OF_MEMORY:
        limit = "out of memory"
    if limit:
        raise Stopped(limit)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    # A child begins with the peak of the process that started it, so the kernel's
    # figure says something only where it is larger.
    if usage.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        peak = max(peak, usage.ru_maxrss / 1024)
    return Taken(usage.ru_utime + usage.ru_stime, wall, peak, "".join(printed))


@contextlib.contextmanager
def _reader(process: subprocess.Popen) -> Iterator[list[str]]:
    """Read what a process prints while it runs, so that no full pipe stops it."""
    printed: list[str] = []
    thread = Thread(target=lambda: printed.append(process.stdout.read()))
    thread.start()
    yield printed
    thread.join()
    process.stdout.close()


def _tree_memory(root: int) -> float:
    """Sum the memory of a process and its descendants, MB; 0 where it cannot be read."""
    pids, peaks, shares = [root], [0.0], [0.0]
    for pid in pids:  # grows while it is walked
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                pids += map(int, (task / "children").read_text().split())
            peaks.append(_kilobytes(f"/proc/{pid}/status", "VmHWM:"))
    # The kernel walks all pages for this one: only where there is something to share.
    for pid in pids if len(pids) > 1 else []:
        with contextlib.suppress(OSError):
            shares.append(_kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:"))
    return max(*peaks, sum(shares)) / 1024


def _kilobytes(file: str, field: str) -> float:
    for line in Path(file).read_text().splitlines():
        if line.startswith(field):
            return float(line.split()[1])
    return 0.0


@contextlib.contextmanager
def inside(**more: object) -> Iterator[dict]:
    """Measure a part of this process and print it as the last line, for `paired`.

    What was imported before does not count; memory is the peak of the whole process.
    A side without memory enough ends with `OUT_OF_MEMORY`, which `paired` understands.

    Parameters
    ----------
    **more : object
        Printed too, under these names; so is what the body puts into the mapping.

    Yields
    ------
    dict
        Receives what else is to be printed.
    """
    cpu, wall = _cpu(), time.perf_counter()
    try:
        yield more
    except Exception as fault:
        if "OutOfMemory" in type(fault).__name__ or isinstance(fault, MemoryError):
            print(fault, file=sys.stderr)
            sys.exit(OUT_OF_MEMORY)
        raise
    cpu, wall = _cpu() - cpu, time.perf_counter() - wall
    print(json.dumps({"cpu": cpu, "wall": wall, "peak": _own_peak(), **more}))


def _cpu() -> float:
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = map(resource.getrusage, both)
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _own_peak() -> float:
    try:
        return _kilobytes("/proc/self/status", "VmHWM:") / 1024
    except OSError:
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def paired(
    sides: Mapping[str, Sequence[str | Path]],
    *,
    rounds: int,
    part: bool = False,
    env: Mapping[str, str] | None = None,
    memory: float | None = None,
    seconds: float | None = None,
) -> dict[str, list[Taken] | str]:
    """Run commands in turn, A B A B, and measure each run.

    Parameters
    ----------
    sides : mapping of str to sequence
        Name of a side -> program and arguments.
    rounds : int
        How often each of them runs.
    part : bool, optional
        Take the figures that a side prints by `inside`, and not those of its whole
        process.
    env, memory, seconds : optional
        As for `run`.

    Returns
    -------
    dict
        Name -> one `Taken` a round; or, for a side that passed a limit or had no memory
        left, the text that says so ("more than 12 GB"). It is not run again.
    """
    found: dict[str, list[Taken] | str] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, command in sides.items():
            if isinstance(found[name], str):
                continue
            try:
                taken = run(command, env=env, memory=memory, seconds=seconds)
            except Stopped as limit:
                found[name] = str(limit)
                continue
            found[name].append(_part(taken) if part else taken)
    return found


def _part(taken: Taken) -> Taken:
    said = json.loads(taken.printed.strip().splitlines()[-1])
    figures = [said.pop(figure) for figure in ("cpu", "wall", "peak")]
    return Taken(*figures, taken.printed, said)


def median(taken: Sequence[Taken], figure: str) -> float:
    """Take the median of a figure over the rounds: a field such as cpu or peak."""
    return statistics.median(getattr(one, figure) for one in taken)


def ratio(
    theirs: Sequence[Taken], ours: Sequence[Taken], figure: str
) -> tuple[float, float, float]:
    """Divide a figure of one side by that of the other, pair by pair.

    Parameters
    ----------
    theirs, ours : sequence of Taken
        The same number of rounds; the first is divided by the second.
    figure : str
        The field to compare, such as cpu, wall or peak.

    Returns
    -------
    tuple of float
        Median, least and largest of the ratios.
    """
    found = sorted(
        getattr(one, figure) / getattr(other, figure)
        for one, other in zip(theirs, ours, strict=True)
    )
    return statistics.median(found), found[0], found[-1]


def ratio_text(found: tuple[float, float, float]) -> str:
    """Write a ratio as a cell: **2.7** (1.7 to 3.5)."""
    middle, least, most = (f"{x:.1f}" if x >= 1.95 else f"{x:.2f}" for x in found)
    return f"**{middle}** ({least} to {most})"


def load() -> float:
    """Give the mean number of processes at work in the last minute."""
    return os.getloadavg()[0]


def machine(loads: Sequence[float], *packages: str, also: str = "") -> str:
    """Say when and on what the figures were measured, as the line under a heading.

    Parameters
    ----------
    loads : sequence of float
        `load` at the start and at the end.
    *packages : str
        Names of installed packages whose versions matter.
    also : str, optional
        Versions that this Python does not know, as "R 4.2.2, fpc 2.2.10".

    Returns
    -------
    str
        Date, cores, processor, system, load and versions.
    """
    named = {"Python": platform.python_version()}
    named |= {name: version(name) for name in packages}
    versions = [f"{name} {number}" for name, number in named.items()]
    return (
        f"Written by `make bench` on {datetime.date.today():%Y-%m-%d}: "
        f"{os.cpu_count()} cores ({_processor()}), {platform.system()}; load "
        f"{loads[0]:.1f} at the start, {loads[-1]:.1f} at the end. "
        + ", ".join([*versions, *([also] if also else [])])
        + "."
    )


def _processor() -> str:
    if (info := Path("/proc/cpuinfo")).exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Write rows, all with the same columns, as a Markdown table."""
    lines = [f"| {' | '.join(rows[0])} |", f"|{'---|' * len(rows[0])}"]
    lines += [f"| {' | '.join(row.values())} |" for row in rows]
    return "\n".join(lines)
