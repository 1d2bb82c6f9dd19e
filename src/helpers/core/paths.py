"""Take the name of a run and say where its files lie, read or generated."""

import os
import re
from pathlib import Path

import yaml

from helpers.core.errors import BadInput

# The helpers are installed in editable form, so this file lies in the project.
ROOT = Path(__file__).resolve().parents[3]

_RUN_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def home() -> Path:
    """Return the folder of everything generated: STUDY_HOME if set, else ROOT."""
    return (ROOT / os.environ.get("STUDY_HOME", "")).resolve()


def raw(run: str) -> Path:
    """Return the folder of a run's tables as received."""
    return home() / "data" / "raw" / _checked(run)


def interim(run: str) -> Path:
    """Return the folder of a run's clean tables."""
    return home() / "data" / "interim" / _checked(run)


def processed(run: str) -> Path:
    """Return the folder of a run's features, segments, model and findings."""
    return home() / "data" / "processed" / _checked(run)


def reports(run: str) -> Path:
    """Return the folder of a run's pages."""
    return home() / "reports" / _checked(run)


def executed(run: str) -> Path:
    """Return the folder of a run's executed notebooks."""
    return reports(run) / "notebooks"


def plan(run: str) -> Path:
    """Return the folder of what make knows of a run, and of unfinished notebooks."""
    return home() / "build" / "runs" / _checked(run)


def run_file(run: str) -> Path:
    """Return the YAML file that describes a run."""
    return ROOT / "runs" / f"{_checked(run)}.yaml"


def beside(module: str, name: str) -> dict:
    """Read the YAML file of a helper: its name, beside the module's `__file__`."""
    text = Path(module).with_name(name).read_text("utf-8")
    return yaml.load(text, yaml.CSafeLoader)


def notebooks() -> list[Path]:
    """Return the study's notebooks, NN_name.ipynb, in their order."""
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def refused(fault: OSError) -> str:
    """Say in a sentence what the system refused: a full disk, a file without rights."""
    file = f": {shown(Path(str(fault.filename)))}" if fault.filename else ""
    return f"{fault.strerror or fault}{file}. The same command goes on when that is mended."


def shown(file: Path) -> Path:
    """Name a file for a reader: from the root of the project, where it lies in it."""
    return file.relative_to(ROOT) if file.is_relative_to(ROOT) else file


def _checked(run: str) -> str:
    """Refuse a name that could not be a folder of its own."""
    if not _RUN_NAME.fullmatch(run):
        raise BadInput(
            "A run is named with at most 64 small letters, digits and _, beginning with a"
            f" letter, but {run[:40]!r} was passed. Runs are the files in runs/."
        )
    return run
