"""Split the time of `make report` into the notebooks' own work and what is around it.

    python benchmarks/startup.py

It makes the report of the default run anew, in a folder of its own. The clock is split by
the times that papermill writes into every notebook; CPU time by measuring each
start-up by itself: every notebook is executed again as far as its imports, and stopped.
"""

import datetime
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import measure
import nbformat

from helpers.core import paths

RUN = "complete_journey"
ROUNDS = 3  # of each part; the table holds medians
RESULT = Path(__file__).with_suffix(".md")
MAKE = ["make", "-C", paths.ROOT, "report", f"RUN={RUN}", f"VENV={sys.prefix}"]
GOAL = 0.7  # of wall time for the notebooks' own work

REFRESH = """
import sys
from pathlib import Path
from helpers.runs import execute
execution.refresh(Path(sys.argv[1]))
"""
LATE = """
import sys, time
import pandas, matplotlib.pyplot
before = time.process_time()
__import__(sys.argv[1])
print(time.process_time() - before)
"""
# Imported by the cell that needs them, so the clock counts them as its work; how often.
LATE_LIBRARIES = {"seaborn": 2, "umap": 1, "lifelines": 1}


def cut(book: Path, folder: Path) -> Path:
    """Copy a notebook as far as the cell of its imports; write it and return its file."""
    content = nbformat.read(book, as_version=4)
    content.cells = content.cells[: _imports(content.cells) + 1]
    file = folder / book.name
    nbformat.write(content, file)
    return file


def _imports(cells: Sequence[nbformat.NotebookNode]) -> int:
    """Give the place of the cell that imports the helpers."""
    return next(i for i, cell in enumerate(cells) if "from helpers" in cell.source)


def on_the_clock(began: float, ended: float) -> list[dict]:
    """Split the seconds of a report: one row a notebook, then make and the pages.

    Parameters
    ----------
    began, ended : float
        Seconds since 1970 at which make was called and came back.

    Returns
    -------
    list of dict
        part; own (the cells after the imports), imports, kernel (its start and end, and
        saving the notebook), process (what make does before it: Python's start,
        reading and checking the run). All rows and columns sum to ended - began.
    """
    rows, before = [], began
    for file in sorted(paths.executed(RUN).glob("[0-9][0-9]_*.ipynb")):
        book = nbformat.read(file, as_version=4)
        took = [cell.metadata.papermill.get("duration") or 0 for cell in book.cells]
        start, end = (
            _seconds(book.metadata.papermill[x]) for x in ("start_time", "end_time")
        )
        imports = took[_imports(book.cells)]
        rows.append(
            {
                "part": file.stem,
                "own": sum(took) - imports,
                "imports": imports,
                "kernel": end - start - sum(took),
                "process": start - before,
            }
        )
        before = end
    pages = {"part": "pages", "own": 0.0, "imports": 0.0, "kernel": 0.0}
    return [*rows, pages | {"process": ended - before}]


def _seconds(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp()


def report() -> tuple[measure.Taken, list[dict]]:
    """Make the report; say what it took, and for what."""
    began = time.time()
    taken = measure.run(MAKE)
    return taken, on_the_clock(began, time.time())


def around() -> dict[str, float]:
    """Measure what is around the notebooks' own work, part by part: CPU seconds."""
    refresh = [sys.executable, "-c", REFRESH]
    sides = {
        "make": MAKE,  # with nothing left to do
        "pages": [sys.executable, "-m", "helpers.report.build", RUN],
    }
    with tempfile.TemporaryDirectory() as folder:
        for book in paths.notebooks():
            if (paths.executed(RUN) / book.name).exists():
                sides[book.stem] = [*refresh, cut(book, Path(folder))]
        bare = Path(folder) / "bare.ipynb"
        new = nbformat.v4
        nbformat.write(new.new_notebook(cells=[new.new_code_cell("1")]), bare)
        sides["bare"] = [*refresh, bare]
        found = measure.paired(sides, rounds=ROUNDS)
    return {name: measure.median(taken, "cpu") for name, taken in found.items()}


def late() -> dict[str, float]:
    """Measure libraries that are imported late: CPU seconds beside pandas and plots."""
    sides = {name: [sys.executable, "-c", LATE, name] for name in LATE_LIBRARIES}
    return {
        name: sorted(float(one.printed) for one in taken)[len(taken) // 2]
        for name, taken in measure.paired(sides, rounds=ROUNDS).items()
    }


def told(
    whole: measure.Taken,
    clock: list[dict],
    cpu: dict[str, float],
    libraries: dict[str, float],
) -> str:
    """Write what was measured as Markdown, without the line on the machine."""
    sums = {
        x: sum(row[x] for row in clock) for x in ("own", "imports", "kernel", "process")
    }
    wall = sum(sums.values())
    books = [row["part"] for row in clock if row["part"] != "pages"]
    n_init = sum(cpu[name] for name in books)
    own = whole.cpu - n_init - cpu["make"] - cpu["pages"]
    kernels = cpu["bare"] * len(books)
    pages = clock[-1]["process"]
    parts = {
        "The notebooks' own work": (sums["own"], own),
        "Their imports": (sums["imports"], n_init - kernels),
        "Kernels and the processes that start them": (
            sums["kernel"] + sums["process"] - pages - clock[0]["process"],
            kernels,
        ),
        "make, and what it asks before the first notebook": (
            clock[0]["process"],
            cpu["make"],
        ),
        "Rendering the pages": (pages, cpu["pages"]),
        "All": (wall, whole.cpu),
    }
    summary = [
        {
            "Part": name,
            "Wall s": f"{seconds:.1f}",
            "of all": f"{seconds / wall:.0%}",
            "CPU s": f"{used:.1f}",
            "of all CPU": f"{used / whole.cpu:.0%}",
        }
        for name, (seconds, used) in parts.items()
    ]
    by_notebook = [
        {
            "Notebook": row["part"],
            "Own work, wall s": f"{row['own']:.1f}",
            "Imports, wall s": f"{row['imports']:.1f}",
            "Kernel and saving, wall s": f"{row['kernel']:.1f}",
            "Start to imports, CPU s": f"{cpu[row['part']]:.1f}",
        }
        for row in clock[:-1]
    ]
    deferred = sum(libraries[name] * n for name, n in LATE_LIBRARIES.items())
    share = sums["own"] / wall
    named = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in libraries.items())
    return f"""## Where the time goes

{measure.table(summary)}

The goal is {GOAL:.0%} of wall time in the notebooks' own work. {share:.0%} were measured: {"met" if share >= GOAL else "missed"}.
Some libraries are imported by the cell that uses them and count as its work: {named} of CPU, {deferred:.1f} s
in all. Without them the share is {(sums["own"] - deferred) / wall:.0%}. A kernel that does nothing takes {cpu["bare"]:.1f} CPU s, its process included.

## By notebook

{measure.table(by_notebook)}
"""


def main() -> None:
    """Measure, write the tables and print them."""
    loads = [measure.load()]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STUDY_HOME"] = folder
        print(f"Making the report of {RUN} ...", flush=True)
        whole, clock = report()
        print("Measuring what is around it ...", flush=True)
        text = told(whole, clock, around(), late())
    packages = ("nbclient", "papermill", "ipykernel", "pandas", "matplotlib")
    machine = measure.machine([*loads, measure.load()], *packages)
    RESULT.write_text(
        f"# What a report costs beside its work\n\n{machine}\n\n{text}", "utf-8"
    )
    print(text)


if __name__ == "__main__":
    main()
