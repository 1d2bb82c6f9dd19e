"""Say which notebooks of a run stopped, where and why, and which wait for them."""

import itertools
import json
import re
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.core import command, paths
from helpers.runs import dependencies

LONGEST = 300  # characters of an error that is told


@dataclass(frozen=True)
class Failure:
    """A notebook that stopped: in which code cell, under which heading, and why."""

    notebook: str
    cell: int
    heading: str
    error: str
    file: Path  # the notebook as far as it came


def kept(run: str, notebook: str) -> Path:
    """Return the file that keeps a notebook of a run if it stops."""
    return paths.executed(run) / f"{notebook}.failed.ipynb"


def causes(run: str) -> dict[str, list[str]]:
    """Trace each notebook without a result to those that stopped, or itself."""
    ending = len(".failed.ipynb")
    failed = {
        file.name[:-ending] for file in kept(run, "").parent.glob("*.failed.ipynb")
    }
    found = {}
    for name, needs in dependencies.needed(run).items() if failed else ():
        before = sorted({cause for need in needs for cause in found.get(need, [])})
        # One that stopped earlier and now waits was not tried since.
        if before or name in failed:
            found[name] = before or [name]
    return found


def read(file: Path) -> Failure:
    """Read where and why a notebook, NN_name.failed.ipynb, stopped."""
    heading, number, source = "", 0, ""
    error = "The kernel died; too little memory is the usual cause."
    for cell in json.loads(file.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            heading = (re.findall(r"^#+ (.+)", source, re.MULTILINE) or [heading])[-1]
            continue
        number += 1
        raised = [out for out in cell["outputs"] if out["output_type"] == "error"]
        if raised:
            error = _error(raised[0]["ename"], raised[0]["evalue"])
        # A kernel that died in a cell has left it without a number.
        if raised or not cell["execution_count"]:
            break
    heading = heading or source.partition("\n")[0]
    return Failure(file.name.split(".")[0], number, heading, error, file)


def _error(kind: str, message: str) -> str:
    """Write an error as one would read it; what an analyst can mend needs no kind."""
    message = re.sub(r"\x1b\[[0-9;]*m", "", message).strip()
    if kind == "BadInput":
        return message
    # What follows is a query with a mark under it, or the stack of another language.
    lines = itertools.takewhile(re.compile(r"\S").match, message.splitlines())
    message = textwrap.shorten(" ".join(lines), LONGEST, placeholder=" …")
    return f"{kind}: {message}" if message else f"{kind}, without a message."


def told(failure: Failure) -> str:
    """Say in three lines where a notebook stopped, why, and where it lies."""
    return (
        f"{failure.notebook} stopped in cell [{failure.cell}], {failure.heading!r}:\n"
        f"{failure.error}\nThe notebook as far as it came: {_near(failure.file)}"
    )


def _near(file: Path) -> Path:
    """Name a file as make does: from the root of the project where it lies in it."""
    return file.relative_to(paths.ROOT) if file.is_relative_to(paths.ROOT) else file


def counted(stopped: int, waiting: int, everything: int) -> str:
    """Say in a sentence how many notebooks stopped and how many wait for them."""
    others = ("it was", "they were")[waiting > 1]
    return f"{stopped} of {everything} notebooks stopped" + (
        f"; {waiting} more {('waits', 'wait')[waiting > 1]} for"
        f" {('it', 'them')[stopped > 1]}, so {others} not executed."
        if waiting
        else "."
    )


def summary(run: str) -> str:
    """Say in some lines what stopped, what waits for it and what was made, if anything did."""
    traced = causes(run)
    if not traced:
        return ""
    stopped = [name for name, found in traced.items() if found == [name]]
    waiting = [name for name in traced if name not in stopped]
    everything = list(dependencies.needed(run))
    done = [name for name in everything if name not in traced]
    lines = [
        "",
        counted(len(stopped), len(waiting), len(everything)),
        *(told(read(kept(run, name))) for name in stopped),
        *([f"Not executed: {', '.join(waiting)}."] if waiting else []),
        f"Pages with results: {', '.join(done) or 'none'}. The overview,"
        " index.html, says what is missing.",
        "Mend what is named above; the same command goes on from here.",
    ]
    return "\n".join(lines)


@command.says_what_stops
def main(arguments: Sequence[str]) -> int:
    """Print what stopped in the run named on the command line; return the exit code."""
    said = summary(*arguments)
    if said:
        print(said, file=sys.stderr)
    else:
        index = paths.reports(*arguments) / "index.html"
        print(f"The report is {_near(index)}")
    return int(bool(said))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
