"""Put small tables of a notebook on the dashboard, and read them there."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers.core import errors, paths, store
from helpers.display.tables import STYLE, Table

MOST_ROWS = 12  # more is no longer a glance; the notebook's page holds the whole


def put(questions: Sequence[tuple[str, Table]], *, run: str, notebook: str) -> None:
    """Save the tables that the dashboard shows of a notebook.

    Parameters
    ----------
    questions : sequence of tuple
        What a table answers, in a few words, and the table (from `tables.show`): it
        must hold nothing that a page may not show.
    run : str
        Name of the run.
    notebook : str
        Name of the notebook without ending, such as ``06_activation``.

    Raises
    ------
    schema.BadInput
        If a table has more than `MOST_ROWS` rows.
    """
    for question, table in questions:
        if (rows := len(table.columns[0].texts)) > MOST_ROWS:
            raise errors.BadInput(
                f"The table for the dashboard on {question!r} has {rows} rows; a glance "
                f"takes {MOST_ROWS} at most. Show its head."
            )
    content = [
        # The page has a stylesheet of its own.
        {"question": question, "html": table._repr_html_().removeprefix(STYLE)}
        for question, table in questions
    ]
    store.write_json(content, _file(run, notebook))


def read(run: str, notebook: str) -> list[dict[str, Any]]:
    """Read what a notebook put on the dashboard.

    Parameters
    ----------
    run, notebook : str
        Names of the run and of the notebook.

    Returns
    -------
    list of dict
        question (text) and html (escaped by `tables`); empty if it put nothing there.
    """
    file = _file(run, notebook)
    return store.read_json(file, made_by=notebook) if file.exists() else []


def _file(run: str, notebook: str) -> Path:
    return paths.processed(run) / "board" / f"{notebook}.json"
