"""Execute the notebooks of a run strictly: each appears whole or not at all."""

import contextlib
import fcntl
import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import papermill
from nbclient.exceptions import CellExecutionError, DeadKernelError
from papermill import PapermillExecutionError

from helpers.core import command, paths, secrets
from helpers.core.errors import BadInput
from helpers.runs import failures, run_file, sections

# Else each kernel warns that it listens without encryption, to this machine only, and
# calls the end of a failed notebook an error of its own.
QUIET = ["--IPKernelApp.log_level=50"]
# Exit code that lets make go on with notebooks that need nothing of the one that stopped.
STOPPED = 3


SET_UP = paths.beside(__file__, "execute.yaml")


class NotebookFailedError(RuntimeError):
    """A notebook stopped, or waits for one that did; the message says where and why."""


def execute(run: str, notebook: str) -> Path:
    """Execute one notebook of a run; its file appears whole or not at all.

    A section for which the run has too little holds one sentence that says so. A
    notebook that stopped lies, as far as it came, beside the target as
    NN_name.failed.ipynb; an earlier target is removed, as it would pass for new.
    BadInput is a fault of the run, NotebookFailedError one of a cell, of the kernel or
    of a notebook that it waits for.
    """
    run_file.check(run)
    source = run_file.notebook_file(notebook)
    target = paths.executed(run) / source.name
    failed = failures.kept(run, notebook)
    partial = paths.plan(run) / f"{notebook}.partial.ipynb"
    for folder in (target.parent, partial.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        _our_set_up(),
        paths.private(),  # tables name customers, and so may what a cell shows
        _alone(partial.with_suffix(".lock")),
        _gone_on_failure(target),
        _kept_on_failure(partial, failed),
    ):
        _refuse_to_wait(run, notebook)
        start = time.time()
        if _papermill(source, partial, run_file.parameters(run, notebook)):
            _remove_older(run, notebook, start)
        partial.replace(target)
        failed.unlink(missing_ok=True)
    return target


def refresh(notebook: Path) -> None:
    """Execute a notebook in place, so that the same results give the same bytes.

    It is replaced only when every cell has run; else what came of it is under build/.
    """
    book = nbformat.read(notebook, as_version=4)
    partial = paths.home() / "build" / f"{notebook.stem}.partial.ipynb"
    partial.parent.mkdir(parents=True, exist_ok=True)
    failed = partial.with_stem(f"{notebook.stem}.failed")
    with _our_set_up(), _kept_on_failure(partial, failed):
        try:
            nbclient.NotebookClient(
                book,
                kernel_name="python3",
                record_timing=False,
                coalesce_streams=True,
                extra_arguments=QUIET,
                resources={"metadata": {"path": str(notebook.parent)}},
            ).execute()
        finally:
            book.metadata = {
                "kernelspec": {
                    "display_name": "Python 3",
                    "language": "python",
                    "name": "python3",
                },
                "language_info": {"name": "python"},
            }
            nbformat.write(book, partial)
        partial.replace(notebook)


@command.says_what_stops
def main(arguments: list[str]) -> int:
    """Execute from the command line: RUN NOTEBOOK, or refresh; return the exit code."""
    try:
        match arguments:
            case ["refresh"]:
                for book in paths.notebooks():
                    _execute_before(book)
                    with _timed(book.stem):
                        refresh(book)
            case [run, notebook]:
                with _timed(notebook):
                    execute(run, notebook)
            case _:
                raise BadInput(
                    "Usage: python -m helpers.runs.execute RUN NOTEBOOK | refresh"
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
def _our_set_up() -> Iterator[None]:
    """Give kernels that start meanwhile our settings of all that could change results."""
    before = dict(os.environ)
    for name in filter(re.compile(SET_UP["theirs"]).match, before):
        del os.environ[name]
    places = {"root": paths.ROOT, "source": Path(__file__).parents[2]}
    for name, text in SET_UP["ours"].items():
        os.environ[name] = text.format(**places)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait while another process executes the same notebook of the same run."""
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _remove_older(run: str, notebook: str, start: float) -> None:
    """Remove what a section that is now left out wrote in an earlier execution."""
    from helpers.core import schema, store

    for name, table in schema.TABLES.items():
        file = store.path(name, run=run)
        if table.made_by == notebook and file.exists() and file.stat().st_mtime < start:
            file.unlink()


def _papermill(source: Path, partial: Path, values: dict[str, Any]) -> list[str]:
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
    )
    # Where this machine keeps the project is nobody's business.
    book.metadata.papermill.update(input_path=source.name, output_path=source.name)
    _hide_secrets(book)
    nbformat.write(book, partial)
    return book.metadata.get("left_out", [])


def _hide_secrets(book: nbformat.NotebookNode) -> None:
    """Take the addresses of databases out of what cells raised and warned of."""
    for output in (out for cell in book.cells for out in cell.get("outputs", ())):
        if output.output_type == "error":
            output.evalue = secrets.hidden(output.evalue)
            output.traceback = [*map(secrets.hidden, output.traceback)]
        elif output.get("name") == "stderr":
            output.text = secrets.hidden(output.text)


@contextlib.contextmanager
def _gone_on_failure(target: Path) -> Iterator[None]:
    """Remove what an earlier run made of a notebook that now has no result."""
    try:
        yield
    except NotebookFailedError:
        target.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _kept_on_failure(partial: Path, failed: Path) -> Iterator[None]:
    """Keep a notebook that stopped under another name and tell its story."""
    try:
        yield
    except (CellExecutionError, PapermillExecutionError, DeadKernelError):
        book = nbformat.read(partial, as_version=4)
        _hide_secrets(book)
        nbformat.write(book, partial)
        partial.replace(failed)
        raise NotebookFailedError(failures.told(failures.read(failed))) from None


@contextlib.contextmanager
def _timed(name: str) -> Iterator[None]:
    """Print how long a notebook took, in one line, when it is done."""
    start = time.monotonic()
    yield
    print(f"{name:<28}{time.monotonic() - start:6.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
