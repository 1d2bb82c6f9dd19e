"""Tables and texts of a run on disk: written whole or not at all, checked when read."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pyarrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from helpers.core import paths, schema
from helpers.core.disk import replacing
from helpers.core.errors import BadInput

BATCH = 200_000  # rows of a large table in memory at a time


def path(name: str, *, run: str) -> Path:
    """Say where a table or document of a run lives: its Parquet or JSON file."""
    if name in schema.DOCUMENTS:
        return paths.processed(run) / f"{name}.json"
    folder = getattr(paths, schema.TABLES[name].stage)(run)
    return folder / f"{name}.parquet"


def located(name: str, *, run: str) -> Path:
    """Return the path of a table or document, or raise BadInput if it is not written."""
    file = path(name, run=run)
    if not file.exists():
        raise BadInput(
            f"Table {name} of run {run} is missing. It is written by "
            f"{schema.made_by(name)}: run `make report RUN={run}` first."
        )
    return file


def write(frame: pd.DataFrame, name: str, *, run: str) -> None:
    """Check one of `schema.TABLES` and save it whole or not at all; its index is not saved."""
    frame = schema.check(frame, name)
    with replacing(path(name, run=run)) as partial:
        frame.to_parquet(partial, index=False)


def write_batches(frames: Iterable[pd.DataFrame], name: str, *, run: str) -> None:
    """As `write`, a frame at a time; that no two of them share a key is not checked."""
    with replacing(path(name, run=run)) as partial, contextlib.ExitStack() as stack:
        writer = None
        for frame in frames:
            rows = pyarrow.Table.from_pandas(
                schema.check(frame, name), preserve_index=False
            )
            if writer is None:
                writer = parquet.ParquetWriter(partial, rows.schema)
                stack.enter_context(writer)
            writer.write_table(rows.cast(writer.schema))


def read(name: str, *, run: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read and check one of `schema.TABLES`, or some columns, or raise BadInput."""
    with _opened(name, run, columns):
        frame = pd.read_parquet(path(name, run=run), columns=columns)
    return schema.check(frame, name, columns=columns)


def batches(
    name: str, *, run: str, columns: Sequence[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Read and check a table, but for its key, `BATCH` rows at a time, in order."""
    # Memory stays flat, and batches are the same on every machine.
    done = 0
    with _opened(name, run, columns) as file:
        for batch in file.iter_batches(BATCH, columns=columns):
            frame = batch.to_pandas()
            frame.index += done  # so that a fault names its row of the file
            done += len(frame)
            yield schema.check(frame, name, columns=columns)


def of_customers(name: str, customers: pd.Series, *, run: str) -> pd.DataFrame:
    """Read and check what a table says of some customers, in the order of its key.

    All others are left out while reading, so that memory does not grow with them.
    """
    with _opened(name, run) as file:
        kind = file.schema_arrow.field("customer_id").type
        wanted = pyarrow.array(customers, kind)
        parts = [
            batch.filter(compute.is_in(batch["customer_id"], value_set=wanted))
            for batch in file.iter_batches(BATCH)
        ]
        frame = pyarrow.Table.from_batches(parts, file.schema_arrow).to_pandas()
    return schema.check(
        frame.sort_values([*schema.TABLES[name].key], ignore_index=True), name
    )


@contextlib.contextmanager
def _opened(
    name: str, run: str, columns: Sequence[str] | None = None
) -> Iterator[parquet.ParquetFile]:
    where = located(name, run=run)
    try:
        # Else the whole file is fetched ahead, and held until it has been read.
        with parquet.ParquetFile(where, pre_buffer=False) as file:
            lost = set(columns or []) - set(file.schema_arrow.names)
            if lost:
                raise BadInput(
                    f"Table {name} of run {run} lacks the column {', '.join(sorted(lost))}. "
                    f"Run {schema.TABLES[name].made_by} again (make report RUN={run})."
                )
            yield file
    except (pyarrow.ArrowInvalid, OSError) as fault:
        raise BadInput(
            f"Table {name} of run {run} cannot be read ({fault}). Remove {where.name}; "
            f"`make report RUN={run}` writes it anew."
        ) from None


def check_file(file: Path, name: str, *, rows: int = 500_000) -> int:
    """Check a Parquet file of a table, except its key, in parts; return its rows."""
    checked = 0
    for batch in parquet.ParquetFile(file).iter_batches(batch_size=rows):
        frame = batch.to_pandas()
        # A fault names the row as received, or else the row of the file.
        numbered = "line_id" in schema.TABLES[name].key
        frame.index = frame["line_id"] if numbered else frame.index + checked
        checked += len(schema.check(frame, name))
    return checked


def document(name: str, *, run: str) -> dict:
    """Read one of `schema.DOCUMENTS` of a run; BadInput if it is missing or damaged."""
    return read_json(path(name, run=run), made_by=schema.made_by(name))


def write_document(content: dict, name: str, *, run: str) -> None:
    """Save one of `schema.DOCUMENTS` of a run, whole or not at all."""
    write_json(content, path(name, run=run))


def read_json(file: Path, *, made_by: str) -> Any:  # noqa: ANN401
    """Read plain data of a notebook, or raise BadInput that it is not there."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict | list):
            raise ValueError("it holds one value")
        return content
    except FileNotFoundError:
        raise BadInput(
            f"{file.name} is missing. It is written by {made_by}: run `make report` first."
        ) from None
    except ValueError as fault:
        raise BadInput(
            f"{file.name} is damaged ({fault}). Remove it, and run `make report`: "
            f"{made_by} writes it anew."
        ) from None


def write_json(content: dict | list, file: Path) -> None:
    """Save plain data as JSON, whole or not at all."""
    write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", file)


def write_text(text: str, file: Path) -> None:
    """Save a text, whole or not at all."""
    with replacing(file) as partial:
        partial.write_text(text, encoding="utf-8")
