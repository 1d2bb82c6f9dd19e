"""Take the name of a run and say where its files lie, read or generated."""

import contextlib
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from helpers.core.errors import BadInput

# The helpers are installed in editable form, so this file lies in the project.
ROOT = Path(__file__).resolve().parents[3]

# Line breaks, other marks without a shape, and halves of letters.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
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


def notebooks(track: str = "") -> list[Path]:
    """Return the notebooks, NN_name.ipynb, in their order; a track is a folder of its own."""
    return sorted((ROOT / "notebooks" / track).glob("[0-9][0-9]_*.ipynb"))


def refused(fault: OSError) -> str:
    """Say in a sentence what the system refused: a full disk, a file without rights."""
    file = f": {shown(Path(str(fault.filename)))}" if fault.filename else ""
    return f"{fault.strerror or fault}{file}. The same command goes on when that is mended."


def shown(file: Path) -> Path:
    """Name a file for a reader: from the root of the project, where it lies in it."""
    return file.relative_to(ROOT) if file.is_relative_to(ROOT) else file


@contextlib.contextmanager
def private(file: Path | None = None) -> Iterator[None]:
    """Have what is written meanwhile be its owner's alone: files 0600, folders 0700.

    A page, `file`, is for others too; the folders of a table are closed, if they were not.
    """
    data, open_to_others = home() / "data", os.umask(0o077)
    try:
        if file and file.is_relative_to(home() / "reports"):
            os.umask(open_to_others)
        for folder in file.parents if file else ():
            if data in folder.parent.parents and folder.is_dir():
                with contextlib.suppress(OSError):  # a disk without rights, say
                    folder.chmod(0o700)
        yield
    finally:
        os.umask(open_to_others)


def odd(name: str) -> str:
    """Say what is wrong with the name of a file; "" where nothing is."""
    if _UNSEEN.search(name):
        return "has a sign that cannot be seen in its name"
    longest = max(len(part.encode()) for part in name.split("/"))
    return "has a name that is too long" if max(longest, len(name) / 8) > 255 else ""


def unfit(file: Path, *, within: Path | None = None) -> str:
    """Say why a file cannot be read; "" if it can. `within` is a folder without links."""
    if why := odd(str(file)):
        return f"{why}; rename it."
    way = itertools.takewhile(within.__ne__, (file, *file.parents)) if within else ()
    if any(one.is_symlink() for one in way):
        return "is a link, or lies behind one; put the file itself there."
    if file.is_dir():
        return "is a folder; name a file in it."
    return "" if file.is_file() else "is no plain file, but a pipe or a device."


def _checked(run: str) -> str:
    """Refuse a name that could not be a folder of its own."""
    if not _RUN_NAME.fullmatch(run):
        raise BadInput(
            "A run is named with small letters, digits and _, beginning with a letter, 64"
            f" at most, but {run[:70]!r} was passed. Runs are the files in runs/."
        )
    return run
