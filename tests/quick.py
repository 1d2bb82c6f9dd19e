"""Execute the notebooks of runs as make does, in forks of one process.

A kernel and its imports cost some four seconds a notebook, as much as the work on a
small shop. This process imports everything once, and forks for each notebook. From a
copy of the project: python quick.py, then one line of JSON for each order on standard
input, [run, last notebook or "report"], answered by one line of JSON on standard output.
"""

import base64
import contextlib
import gc
import importlib
import io
import json
import os
import sys
import time
import traceback
from pathlib import Path

import nbformat
from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbclient.exceptions import CellExecutionError
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from traitlets.config import Config

from helpers.core import paths
from helpers.report import build
from helpers.runs import execute, run_file, sections


class Shown(DisplayHook):
    """Show a cell's last expression as a kernel does, in all its forms."""

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.display_pub.publish(data=format_dict, metadata=md_dict or {})

    def finish_displayhook(self):
        self._is_active = False


class Shell(InteractiveShell):
    displayhook_class = Shown


def shell():
    """Return the shell of this process; its history is kept nowhere."""
    return Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))


class Client:
    """Stands in for the client of `sections`, whose rules for sections it keeps."""

    papermill_execute_cells = sections._Client.papermill_execute_cells

    def __init__(self, book):
        self.nb, self.nb_man, self.fault = book, self, None

    def execute_cell(self, cell, index):
        if cell.cell_type == "code":
            _run(cell)

    def cell_start(self, cell, cell_index=0):
        pass

    cell_complete = cell_start

    def cell_exception(self, cell, *, cell_index, exception):
        self.fault = exception


def in_process(source, partial, values, lock):
    """Execute a notebook here: what `execution` has a kernel do."""
    book = load_notebook_node(str(source))
    book = parameterize_notebook(book, values, kernel_name="python3", language="python")
    os.chdir(source.parent)
    client = Client(book)
    client.papermill_execute_cells()
    nbformat.write(book, partial)
    if client.fault:
        raise client.fault
    return execute.settle(book, partial)


def _run(cell):
    cell.outputs = []
    with capture_output() as captured:
        result = shell().run_cell(cell.source, store_history=True)
    cell.execution_count = shell().execution_count - 1
    for name, text in (("stdout", captured.stdout), ("stderr", captured.stderr)):
        if text and not (name == "stdout" and not result.success):
            cell.outputs.append(nbformat.v4.new_output("stream", name=name, text=text))
    for shown in captured.outputs:
        data = {key: _text(value) for key, value in shown.data.items()}
        output = nbformat.v4.new_output(
            "display_data", data=data, metadata=shown.metadata or {}
        )
        cell.outputs.append(output)
    if not result.success:
        error = result.error_in_exec or result.error_before_exec
        told = traceback.format_exception(error)
        cell.outputs.append(
            nbformat.v4.new_output(
                "error", ename=type(error).__name__, evalue=str(error), traceback=told
            )
        )
        raise CellExecutionError("".join(told), type(error).__name__, str(error))


def _text(value):
    """Write a picture as the text that a notebook's file holds."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def _forked(do):
    """Call in a fork; return exit code and what was printed."""
    read, written = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        os.dup2(written, 1)
        os.dup2(written, 2)
        sys.stdout, sys.stderr = (os.fdopen(i, "w", buffering=1) for i in (1, 2))
        code = 1
        try:
            code = do() or 0
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush(), sys.stderr.flush()
            os._exit(code)
    os.close(written)
    with os.fdopen(read, errors="replace") as pipe:
        printed = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), printed


def ordered(run, until):
    """Execute a run up to a notebook or to its pages; go on and stop where make does."""
    begin = time.monotonic()
    printed, worst = "", 0
    for book in run_file.notebooks(run):
        if book.stem[:2] > until:
            break
        code, said = _forked(lambda book=book: execute.main([run, book.stem]))
        printed, worst = printed + said, worst or code
        if code not in (0, execute.STOPPED):
            break
    if until == "report" and worst in (0, execute.STOPPED):
        code, said = _forked(lambda: build.main([run]))
        printed, worst = printed + said, worst or code
    return {"code": worst, "printed": printed, "seconds": time.monotonic() - begin}


def warm():
    """Import what the notebooks import."""
    for file in sorted(Path(paths.__file__).parent.rglob("*.py")):
        name = str(file.relative_to(Path(paths.__file__).parents[1]).with_suffix(""))
        name = name.replace("/", ".").removesuffix(".__init__")
        with contextlib.suppress(ImportError):  # such as what Spark alone needs
            importlib.import_module(name)
    for name in ("umap", "lifelines", "pandera.pandas"):
        importlib.import_module(name)
    with contextlib.redirect_stdout(io.StringIO()):
        shell().run_cell("import matplotlib.pyplot as plt")
    gc.collect()
    gc.freeze()  # forks leave the memory of what is imported as it is


if __name__ == "__main__":
    execute._papermill = in_process
    warm()
    for line in sys.stdin:
        print(json.dumps(ordered(*json.loads(line))), flush=True)
    os._exit(0)  # DuckDB's goodbye is long
