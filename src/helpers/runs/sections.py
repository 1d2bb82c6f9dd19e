"""Execute a notebook, leaving out the sections that a run has too little for."""

from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode, v4
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.utils import merge_kwargs, remove_args

from helpers.core.errors import TooLittle

# A cell tagged `needs:campaigns` belongs to the section campaigns. A cell may belong to
# several, the outer one first.
TAG = "needs:"
# Of cells that lack their data in the run that a notebook is saved with: nbval passes them
# over, and JupyterLab runs on after what they raise.
WAITS = ("nbval-skip", "raises-exception")
NAME = "sections"  # of the engine, for papermill


def of(cell: NotebookNode) -> list[str]:
    """Name the sections that a cell belongs to, the outer one first."""
    tags = cell.metadata.get("tags", [])
    return [tag.removeprefix(TAG) for tag in tags if tag.startswith(TAG)]


class _Client(PapermillNotebookClient):
    """A client for which `errors.TooLittle` ends a section, and not the notebook."""

    def papermill_execute_cells(self) -> None:
        """Execute cell by cell; drop what is left of a section that has too little."""
        left_out: set[str] = set()
        kept = []
        for index, cell in enumerate(self.nb.cells):
            if left_out.intersection(of(cell)):
                continue
            kept.append(cell)
            tags = cell.metadata.get("tags", [])
            cell.metadata["tags"] = [tag for tag in tags if tag not in WAITS]
            try:
                self.nb_man.cell_start(cell, index)
                self.execute_cell(cell, index)
            except CellExecutionError as fault:
                if fault.ename != TooLittle.__name__ or not of(cell):
                    self.nb_man.cell_exception(cell, cell_index=index, exception=fault)
                    kept += self.nb.cells[index + 1 :]
                    break
                left_out.add(of(cell)[-1])
                said = v4.new_output("stream", name="stdout", text=f"{fault.evalue}\n")
                before = [one for one in cell.outputs if one.output_type != "error"]
                cell.outputs = [*before, said]
            finally:
                self.nb_man.cell_complete(cell, cell_index=index)
        self.nb.cells = kept
        self.nb.metadata["left_out"] = sorted(left_out)


def whole(executed: NotebookNode, source: NotebookNode, left_out: list[str]) -> None:
    """Put what sections that were left out dropped back, unexecuted and tagged so."""
    by_id = {cell.id: cell for cell in executed.cells}
    executed.cells = [by_id.get(cell.id, cell) for cell in source.cells]
    for cell in executed.cells:
        if cell.cell_type == "code" and set(left_out).intersection(of(cell)):
            cell.metadata["tags"] = [
                *dict.fromkeys([*cell.metadata.get("tags", []), *WAITS])
            ]
            if cell.id not in by_id:
                cell.outputs, cell.execution_count = [], None


class Engine(NBClientEngine):
    """papermill's own engine, with another client."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: object, kernel_name: str, **given: object
    ) -> NotebookNode:
        """Execute a notebook that papermill has parameterised.

        The kernel holds `lock` too: one whose parent was killed ends a second later.
        """
        own = ("input_path", "timeout", "startup_timeout", "start_timeout", "lock")
        options = merge_kwargs(
            remove_args([*own, "execution_timeout", "log_output"], **given),
            timeout=given.get("execution_timeout"),
            startup_timeout=given.get("start_timeout", 60),
            kernel_name=kernel_name,
        )
        return _Client(nb_man, **options).execute(pass_fds=(given["lock"],))


papermill_engines.register(NAME, Engine)
