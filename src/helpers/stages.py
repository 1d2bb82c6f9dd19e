"""Tell make what each executed notebook of a run, and its pages, depend on."""

import ast
import contextlib
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from helpers import mapping, paths, runs


def write(run: str) -> Path:
    """Write a run's dependencies as a make fragment, and each notebook's parameters.

    A file whose content stays the same is left alone, so make sees only what changed.

    Parameters
    ----------
    run : str
        Name of the run.

    Returns
    -------
    Path
        The fragment, stages.mk in paths.plan(run). It sets EXECUTED (the executed
        notebooks) and INDEX (the page made last) and says what each depends on.

    Raises
    ------
    BadInput
        If the run has a fault.
    """
    runs.check(run)
    folder = paths.plan(run)
    folder.mkdir(parents=True, exist_ok=True)
    lock = paths.ROOT / "requirements.lock"
    rules, executed, needs = [], [], needed(run)
    for book in runs.notebooks(run):
        values = folder / f"{book.stem}.json"
        _update(values, json.dumps(runs.parameters(run, book.stem), indent=1) + "\n")
        helpers = helper_files(runs.code(book))
        before = [paths.executed(run) / f"{name}.ipynb" for name in needs[book.stem]]
        if not executed:  # the first one reads what was received
            before = mapping.files(runs.read(run), run)
        executed.append(paths.executed(run) / book.name)
        rules.append(_rule(executed[-1], [book, values, lock, *helpers, *before]))
    inside = sorted((paths.ROOT / "src/helpers/templates").rglob("*"))
    templates = [file for file in inside if file.is_file()]
    pages = [*executed, lock, *helper_files(["from helpers import report"]), *templates]
    index = paths.reports(run) / "index.html"
    names = f"EXECUTED := {_names(executed)}\nINDEX := {_names([index])}\n"
    fragment = folder / "stages.mk"
    _update(fragment, names + "".join([*rules, _rule(index, pages)]))
    return fragment


def needed(run: str) -> dict[str, list[str]]:
    """Name, for each notebook that a run executes, those that it waits for.

    Parameters
    ----------
    run : str
        Name of the run.

    Returns
    -------
    dict
        Name of a notebook -> names of earlier ones: those it says it reads, or the one
        before it if it says nothing.
    """
    needs = {}
    for book in runs.notebooks(run):
        told = {name.removesuffix(".ipynb") for name in read_by(book)}
        needs[book.stem] = [one for one in needs if one in told] or list(needs)[-1:]
    return needs


def read_by(book: Path) -> set[str]:
    """Name the notebooks whose tables a notebook says it reads.

    Parameters
    ----------
    book : Path
        A notebook; its first cell links what it reads after **Reads**.

    Returns
    -------
    set of str
        File names of notebooks; empty if it links none.
    """
    first = json.loads(book.read_text("utf-8"))["cells"][0]
    told = "".join(first["source"]).partition("**Reads**")[2].partition("**Writes**")[0]
    return set(re.findall(r"\]\((\w+\.ipynb)", told))


def helper_files(sources: Iterable[str]) -> list[Path]:
    """List the helpers that pieces of Python import, directly or through others.

    Parameters
    ----------
    sources : iterable of str
        Python code; lines of IPython magic are passed over.

    Returns
    -------
    list of Path
        Files in src/helpers, sorted.
    """
    files = {file.stem: file for file in (paths.ROOT / "src/helpers").glob("*.py")}
    found, waiting = {"__init__"}, list(sources)
    while waiting:
        new = (imported(waiting.pop()) & files.keys()) - found
        found |= new
        waiting += [files[name].read_text("utf-8") for name in new]
    return sorted(files[name] for name in found)


def imported(source: str) -> set[str]:
    """Name the helpers that one piece of Python imports itself.

    Parameters
    ----------
    source : str
        Python code. With a syntax error it imports nothing: executing it will tell.

    Returns
    -------
    set of str
        Module names without the package, such as plots.
    """
    lines = [line for line in source.splitlines() if not line.startswith(("%", "!"))]
    names = set()
    with contextlib.suppress(SyntaxError):
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.ImportFrom) and node.module == "helpers":
                names |= {f"helpers.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module)
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("helpers.")}


def _rule(target: Path, needs: list[Path]) -> str:
    """Write one dependency line of make."""
    return f"{_names([target])}: {_names(needs)}\n"


def _names(files: Iterable[Path]) -> str:
    """Name files as make will: from the root of the project where they lie in it."""
    return " ".join(
        str(
            file.relative_to(paths.ROOT) if file.is_relative_to(paths.ROOT) else file
        ).replace(" ", "\\ ")
        for file in files
    )


def _update(file: Path, text: str) -> None:
    """Write a file, atomically, if its content changes."""
    if file.is_file() and file.read_text("utf-8") == text:
        return
    partial = file.with_suffix(".partial")
    partial.write_text(text, "utf-8")
    partial.replace(file)


def main(arguments: list[str]) -> int:
    """Write the fragment of the run named on the command line; return the exit code."""
    try:
        write(*arguments)
    except ValueError as fault:  # BadInput, without the second that importing it takes
        print(fault, file=sys.stderr)
        return 1
    except OSError as fault:
        print(paths.refused(fault), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
