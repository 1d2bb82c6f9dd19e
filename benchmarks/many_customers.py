"""Measure notebook 3 on ten million customers: make bench."""

import argparse
import contextlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import measure
import nbformat
import numpy as np
import pandas as pd

from helpers.core import errors, paths, store

RUN = "complete_journey"
NOTEBOOK = "03_clustering_choice"
CUSTOMERS = 10_000_000
NOISE = 0.3  # standard deviation of the logarithm of shares and sales
COPIES = 100  # of every customer, written at a time
SEED = 17

RESULT = Path(__file__).with_suffix(".md")
# Sentences of the notebook that tell what came of the customers it did not look at.
SAID = ("is measured on", "Samples of ", "Centres fitted to all", "SQL and Python")


# --- The data: copies of the default run's customers


def copies(table: pd.DataFrame, times: int) -> Iterator[pd.DataFrame]:
    """Copy a table's rows, each copy under customer ids of its own."""
    for first in range(0, times, COPIES):
        numbers = np.arange(first, min(first + COPIES, times))
        part = pd.concat([table] * len(numbers), ignore_index=True)
        copy = pd.Series(np.repeat(numbers, len(table)).astype(str))
        yield part.assign(customer_id=part["customer_id"] + "-" + copy)


def noisy(parts: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Multiply shares of needs and sales by noise; shares add up as they did."""
    rng = np.random.default_rng(SEED)
    for part in parts:
        shares = [column for column in part if column.startswith("share_")]
        before = part[shares].to_numpy()
        after = before * rng.lognormal(0, NOISE, before.shape)
        total = np.maximum(after.sum(axis=1), 1e-12)
        part[shares] = after * (before.sum(axis=1) / total)[:, None]
        part["sales"] *= rng.lognormal(0, NOISE, len(part))
        yield part


def lay_out(home: Path, customers: int) -> int:
    """Write all that notebook 3 reads into another folder; return the customers."""
    names = ("features", "half_features", "outcomes", "customers")
    tables = {name: store.read(name, run=RUN) for name in names}
    steps = (paths.processed(RUN) / "preparation.json").read_text("utf-8")
    times = -(-customers // len(tables["features"]))
    with studying(home):
        for name, table in tables.items():
            parts = copies(table, times)
            parts = noisy(parts) if name == "features" else parts
            store.write_batches(parts, name, run=RUN)
        store.write_text(steps, paths.processed(RUN) / "preparation.json")
    return times * len(tables["features"])


@contextlib.contextmanager
def studying(home: Path) -> Iterator[None]:
    """Read and write all tables in another folder."""
    before = os.environ.get("STUDY_HOME", "")
    os.environ["STUDY_HOME"] = str(home)
    yield
    os.environ["STUDY_HOME"] = before


# --- The notebook


def execute(home: Path) -> tuple[measure.Taken, nbformat.NotebookNode]:
    """Execute the notebook with its defaults as a process of its own."""
    command = [sys.executable, "-m", "helpers.runs.execute", RUN, NOTEBOOK]
    # As make exports them.
    env = {
        "STUDY_HOME": str(home),
        "PYTHONPATH": str(paths.ROOT / "src"),
        "NUMBA_CACHE_DIR": str(paths.ROOT / "build/numba"),
        "IPYTHONDIR": str(paths.ROOT / "build/ipython"),
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
        "PYTHONHASHSEED": "0",
    }
    taken = measure.run(command, env=env)
    with studying(home):
        return taken, nbformat.read(paths.executed(RUN) / f"{NOTEBOOK}.ipynb", 4)


def by_section(book: nbformat.NotebookNode) -> list[dict[str, str]]:
    """Add up the wall time of the cells below each heading, where there is any."""
    seconds: dict[str, float] = {}
    heading = "Reading, drawing the samples"
    for cell in book.cells:
        if cell.cell_type == "markdown":
            heading = (re.findall(r"^##+ (.+)", cell.source, re.M) or [heading])[0]
        elif taken := cell.metadata.papermill.duration:
            heading = "Start and imports" if not seconds else heading
            seconds[heading] = seconds.get(heading, 0) + taken
    return [
        {"Section": name, "Wall s": f"{spent:.0f}"}
        for name, spent in seconds.items()
        if spent >= 0.5
    ]


def sentences(book: nbformat.NotebookNode) -> str:
    """Gather what the notebook says of its samples and of all customers."""
    outputs = [out for cell in book.cells for out in cell.get("outputs", [])]
    lines = "\n".join(out.get("text", "") for out in outputs).splitlines()
    told = [f"> {line}" for line in lines if any(part in line for part in SAID)]
    return "\n>\n".join(told)


def report(customers: int, taken: measure.Taken, book: nbformat.NotebookNode) -> str:
    """Write the page."""
    figures = [
        {"": "Wall time", "Notebook 3, start to end": f"{taken.wall:.0f} s"},
        {"": "CPU time", "Notebook 3, start to end": f"{taken.cpu:.0f} s"},
        {
            "": "Peak memory of all processes",
            "Notebook 3, start to end": f"{taken.peak / 1024:.2f} GB",
        },
    ]
    return (
        f"# Notebook 3 on {customers:,} customers\n\n"
        f"Each is a copy of a customer of the default run; shares and sales are multiplied "
        f"by noise (standard deviation of the logarithm {NOISE:g}). All parameters are the "
        "defaults. Copies lie nearer to one another than new customers would: the figures "
        "show what the sizes cost, not how firm segments of ten million customers are.\n\n"
        f"{measure.table(figures)}\n\n{measure.table(by_section(book))}\n\n"
        f"What the notebook says of it:\n\n{sentences(book)}\n"
    )


def main() -> None:
    """Lay out the customers, execute the notebook, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    wanted = parser.parse_args().customers
    try:
        store.located("features", run=RUN)
    except errors.BadInput as fault:
        sys.exit(str(fault))
    loads = [measure.load()]
    build = paths.home() / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as folder:
        room = shutil.disk_usage(folder).free
        if room < 600 * wanted:
            sys.exit(
                f"{600 * wanted / 1e9:.0f} GB of disk are needed in {build.name}/."
            )
        print(f"Laying out {wanted:,} customers (a minute for ten million) ...")
        customers = lay_out(Path(folder), wanted)
        print("Executing notebook 3 (about ten minutes) ...", flush=True)
        taken, book = execute(Path(folder))
    loads.append(measure.load())
    page = report(customers, taken, book)
    line = measure.machine(loads, "numpy", "pandas", "pyarrow", "duckdb")
    RESULT.write_text(page + f"\n{line}\n", "utf-8")
    print(page)


if __name__ == "__main__":
    main()
