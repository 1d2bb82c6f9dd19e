"""Execute the notebooks of a run strictly: each appears whole or not at all."""

import contextlib
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellExecutionError, DeadKernelError
from papermill import PapermillExecutionError
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from helpers.core import command, disk, paths, secrets
from helpers.core.errors import BadInput
from helpers.runs import failures, run_file, sections

# Else each kernel warns that it listens without encryption, to this machine only, and
# calls the end of a failed notebook an error of its own.
QUIET = ["--IPKernelApp.log_level=50"]
# Exit code that lets make go on with notebooks that need nothing of the one that stopped.
STOPPED = 3
WRITTEN = "written.txt"  # what a notebook wrote, a name a line
TEMPORARY = ("TMPDIR", "JOBLIB_TEMP_FOLDER", "JUPYTER_RUNTIME_DIR")
SET_UP = paths.beside(__file__, "execute.yaml")


class NotebookFailedError(RuntimeError):
    """A notebook stopped, or waits for one that did; the message says where and why."""


def execute(run: str, notebook: str) -> Path:
    """Execute one notebook of a run, one at a time in a process; its file is whole or not.

    A section for which the run has too little holds one sentence that says so. A
    notebook that stopped lies, as far as it came, beside the target as
    NN_name.failed.ipynb; an earlier target is removed, as it would pass for new.
    BadInput is a fault of the run, NotebookFailedError one of a cell, of the kernel or
    of a notebook that it waits for.
    """
    run_file.check(run)
    source = run_file.notebook_file(notebook, run_file.track_of(run))
    target = paths.executed(run) / source.name
    failed = failures.kept(run, notebook)
    plan = paths.plan(run)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # Tables name customers, and so may what a cell shows.
        with paths.private(), _working(plan, notebook, failed) as (partial, lock):
            _refuse_to_wait(run, notebook)
            start = time.time()
            if _papermill(source, partial, run_file.parameters(run, notebook), lock):
                _remove_older(run, notebook, start)
            # In this order, so that make sees it if this process dies between two.
            failed.unlink(missing_ok=True)
            partial.replace(target)
            written = {*partial.with_name(WRITTEN).read_text("utf-8").splitlines()}
            made = sorted(map(Path, {*written, str(target)}))
            disk.know(filter(Path.exists, made), by=plan / f"{notebook}.made")
    except NotebookFailedError:  # what was made earlier would pass for new
        target.unlink(missing_ok=True)
        raise
    return target


def copies(run: str) -> Path:
    """Give a folder of notebooks to work in with a run's parameters; the default's is ours.

    A copy that is there stays as its analyst left it, but for the run's parameters. A
    section may end its cells with an error where the run has too little for it: tagged so,
    the cells after it run all the same.
    """
    run_file.check(run)
    if run == run_file.DEFAULT:
        return paths.ROOT / "notebooks"
    folder = paths.home() / "notebooks" / run
    for book in run_file.notebooks(run):
        copy = folder / book.name
        notebook = load_notebook_node(str(copy if copy.exists() else book))
        notebook = parameterize_notebook(
            notebook,
            run_file.parameters(run, book.stem),
            comment=f"Of runs/{run}.yaml",
            kernel_name="python3",
            language="python",
        )
        for cell in notebook.cells:
            if sections.of(cell) and sections.WAITS[1] not in cell.metadata.tags:
                cell.metadata.tags.append(sections.WAITS[1])
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with paths.private(), disk.replacing(copy, listed=False) as partial:
            nbformat.write(notebook, partial)
    return folder


def refresh(notebook: Path) -> None:
    """Execute a notebook in place, so that the same results give the same bytes.

    It is replaced only when it ran to its end; else what came of it is under build/.
    Cells of sections that lack their data stay, unexecuted.
    """
    build = paths.home() / "build"
    failed = build / f"{notebook.stem}.failed.ipynb"
    with _working(build, notebook.stem, failed) as (partial, lock):
        left_out = _papermill(notebook, partial, {}, lock)
        executed = nbformat.read(partial, as_version=4)
        sections.whole(executed, nbformat.read(notebook, as_version=4), left_out)
        nbformat.write(executed, partial)
        partial.replace(notebook)


@command.says_what_stops
def main(arguments: list[str]) -> int:
    """Execute from the command line: RUN NOTEBOOK, or refresh; or print `copies RUN`."""
    try:
        match arguments:
            case ["refresh"]:
                table = paths.notebooks(run_file.CUSTOMER_TABLE)
                for book in [*paths.notebooks(), *table]:
                    if book not in table:  # theirs are all about one run
                        _execute_before(book)
                    with _timed(book.stem):
                        refresh(book)
            case ["copies", run]:
                print(copies(run))
            case [run, notebook]:
                with _timed(notebook):
                    execute(run, notebook)
            case _:
                raise BadInput(
                    "Usage: python -m helpers.runs.execute RUN NOTEBOOK | copies RUN | refresh"
                )
    except NotebookFailedError as fault:
        print(fault, file=sys.stderr)
        return STOPPED
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def _execute_before(book: Path) -> None:
    """Execute what a notebook reads, if it is about another run than the default one."""
    own = run_file.own_run(book)
    if own != run_file.DEFAULT:
        for earlier in run_file.notebooks(own):
            if earlier < book:
                with _timed(f"  {own}: {earlier.stem[:2]}"):
                    execute(own, earlier.stem)


def _refuse_to_wait(run: str, notebook: str) -> None:
    """Refuse a notebook whose tables are not to be had, as an earlier one stopped."""
    waits = [
        name for name in failures.causes(run).get(notebook, []) if name != notebook
    ]
    if waits:
        raise NotebookFailedError(
            f"{notebook} was not executed: it waits for {' and '.join(waits)}."
        )


@contextlib.contextmanager
def _working(plan: Path, notebook: str, failed: Path) -> Iterator[tuple[Path, int]]:
    """Give where to execute a notebook, and the lock of who alone does so.

    What this process and its kernel keep for a time lies beside, and goes. The kernel
    has our settings of all that could change results. A notebook that stopped is kept
    as `failed`, and its story told.
    """
    before, folder = dict(os.environ), tempfile.tempdir
    with (
        disk.alone(plan / f"{notebook}.lock") as lock,
        disk.scratch(plan) as scratch,
    ):
        partial = scratch / f"{notebook}.ipynb"
        partial.with_name(WRITTEN).touch()
        for name in filter(re.compile(SET_UP["theirs"]).match, before):
            del os.environ[name]
        places = {"root": paths.ROOT, "source": Path(__file__).parents[2]}
        for name, text in SET_UP["ours"].items():
            os.environ[name] = text.format(**places)
        os.environ |= dict.fromkeys(TEMPORARY, str(scratch))
        os.environ[disk.WRITTEN] = str(scratch / WRITTEN)
        tempfile.tempdir = str(scratch)
        try:
            yield partial, lock
        except (CellExecutionError, PapermillExecutionError, DeadKernelError):
            settle(nbformat.read(partial, as_version=4), partial)
            partial.replace(failed)
            raise NotebookFailedError(failures.told(failures.read(failed))) from None
        finally:
            tempfile.tempdir = folder
            os.environ.clear()
            os.environ |= before


def _remove_older(run: str, notebook: str, start: float) -> None:
    """Remove what a section that is now left out wrote in an earlier execution."""
    from helpers.core import schema, store

    for name, table in schema.TABLES.items():
        file = store.path(name, run=run)
        if table.made_by == notebook and file.exists() and file.stat().st_mtime < start:
            file.unlink()


def _papermill(
    source: Path, partial: Path, values: dict[str, Any], lock: int
) -> list[str]:
    """Execute into a partial file, in the notebooks' folder; name what was left out."""
    # It warns of comments that it cannot parse; runs.check has read the parameters.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    book = papermill.execute_notebook(
        source,
        partial,
        values,
        engine_name=sections.NAME,
        cwd=source.parent,
        kernel_name="python3",  # whatever kernel the notebook was last saved with
        language="python",
        log_output=False,
        progress_bar={"desc": source.stem} if sys.stderr.isatty() else False,
        coalesce_streams=True,
        extra_arguments=QUIET,
        lock=lock,
    )
    return settle(book, partial)


def settle(book: nbformat.NotebookNode, file: Path) -> list[str]:
    """Save what was executed, the same results as the same bytes; name what was left out.

    So it holds no times, no chance, nothing of where this machine keeps the project, and
    no address of a database in what cells raised and warned of.
    """
    left_out = book.metadata.get("left_out", [])
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    for cell in book.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "parameters-of-the-run"
        kept = cell.metadata.keys() - {"papermill", "execution"}
        cell.metadata = {k: cell.metadata[k] for k in kept if cell.metadata[k]}
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                output.evalue = secrets.hidden(output.evalue)
                output.traceback = [*map(secrets.hidden, output.traceback)]
            elif output.get("name") == "stderr":
                output.text = secrets.hidden(output.text)
    nbformat.write(book, file)
    return left_out


@contextlib.contextmanager
def _timed(name: str) -> Iterator[None]:
    """Print how long a notebook took, in one line, when it is done."""
    start = time.monotonic()
    yield
    print(f"{name:<28}{time.monotonic() - start:6.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
