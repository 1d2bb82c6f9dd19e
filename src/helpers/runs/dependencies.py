"""Tell make what each executed notebook of a run, and its pages, depend on."""

import ast
import contextlib
import functools
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from helpers.core import command, disk, paths
from helpers.core.errors import BadInput
from helpers.runs import mapping, run_file

# A path that make reads as one word, whatever it would make of other signs.
PLAIN = re.compile(r"[\w./-]+", re.ASCII)


def write(run: str) -> Path:
    """Write a run's dependencies as a make fragment, and each notebook's parameters.

    A file whose content stays the same is left alone, so make sees only what changed.
    The fragment, stages.mk in paths.plan(run), sets EXECUTED (the executed notebooks)
    and INDEX (the page made last) and says what each depends on: FORCE, where something
    it wrote is not there as it was written. BadInput if the run has a fault.
    """
    run_file.check(run)
    folder = paths.plan(run)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = paths.ROOT / "requirements.lock"
    rules, executed, needs = [], [], needed(run)
    for book in run_file.notebooks(run):
        if not PLAIN.fullmatch(book.name):
            raise BadInput(
                f"notebooks/{book.name}: name it NN_name.ipynb, of letters a to z, digits, "
                "- and _."
            )
        given = run_file.parameters(run, book.stem)
        cells = run_file.code(book)
        # Together, since one cell imports a folder and others ask it for its modules;
        # and one by one, for where one cell has a fault that hides the rest.
        code = ["\n".join(cells), *cells]
        before = [paths.executed(run) / f"{name}.ipynb" for name in needs[book.stem]]
        if not executed:  # the first one reads what was received
            told = run_file.read(run)
            # Of any name and age, so make sees when this list changes, and not the files.
            files = (one for one in mapping.files(told, run) if one.is_file())
            given |= {"received": {str(one): disk.state(one) for one in files}}
            before = []
            code.append(f"import helpers.{run_file.SOURCES[told['source']]}")
        second = mapping.folder(run) / str(given.get(run_file.SECOND, ""))
        if second.is_file():
            given |= {"received": {str(second): disk.state(second)}}
        helpers = helper_files(code)
        values = folder / f"{book.stem}.json"
        _update(values, json.dumps(given, indent=1) + "\n")
        executed.append(paths.executed(run) / book.name)
        needs_of = [book, values, lock, *helpers, *before]
        rules.append(_rule(executed[-1], needs_of, made=folder / f"{book.stem}.made"))
    inside = sorted((paths.ROOT / "src/helpers/report/templates").rglob("*"))
    templates = [file for file in inside if file.is_file()]
    pages = [
        *executed,
        lock,
        *helper_files(["from helpers.report import build"]),
        *templates,
    ]
    index = paths.reports(run) / "index.html"
    names = f"EXECUTED := {_names(executed)}\nINDEX := {_names([index])}\n"
    fragment = folder / "stages.mk"
    rules.append(_rule(index, pages, made=folder / "pages.made"))
    _update(fragment, names + "".join(rules))
    return fragment


def needed(run: str) -> dict[str, list[str]]:
    """Name for each notebook of a run the earlier ones that make what it names."""
    makers, needs = makers_of(), {}
    for book in run_file.notebooks(run):
        makes = {makers[name] for name in texts(run_file.code(book)) & makers.keys()}
        needs[book.stem] = [one for one in needs if one in makes] or list(needs)[-1:]
    return needs


def makers_of() -> dict[str, str]:
    """Read from the contracts which notebook writes each table and document.

    `core.schema` checks by them; importing it takes half a second that make waits for.
    """
    promised = paths.beside(paths.__file__, "schema.yaml")
    found = {
        name: maker
        for maker, names in promised.pop("documents").items()
        for name in names
    }
    for notebooks in promised.values():
        found |= {name: maker for maker, tables in notebooks.items() for name in tables}
    return found


def texts(sources: Iterable[str]) -> set[str]:
    """List the strings that stand in pieces of Python."""
    return {
        node.value
        for source in sources
        for node in ast.walk(_parsed(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _parsed(source: str) -> ast.Module:
    """Parse Python without lines of IPython magic; with a syntax error, nothing."""
    lines = [line for line in source.splitlines() if not line.startswith(("%", "!"))]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:  # executing it will tell
        return ast.Module([], [])


def helper_files(sources: Iterable[str]) -> list[Path]:
    """List the helpers that code imports, however far, and the YAML they name."""
    root = paths.ROOT / "src"
    files = {
        ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(
            ".__init__"
        ): file
        for file in (root / "helpers").rglob("*.py")
    }
    found, data, waiting = set(), set(), list(sources)
    while waiting:
        new = (imported(waiting.pop()) & files.keys()) - found
        found |= new
        for name in new:
            text = files[name].read_text("utf-8")
            waiting.append(text)
            beside = files[name].parent.glob("*.yaml")
            data |= {one for one in beside if one.name in text}
    return sorted({files[name] for name in found} | data)


@functools.cache  # what is asked for many functions parses each helper once
def imported(source: str) -> set[str]:
    """Name the helpers that one piece of Python imports itself, and what holds them.

    What is imported from a module is named as if it were one; a folder's module also
    counts where code asks the folder for it.
    """
    names, folders, asked = set(), {}, set()
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for one in node.names:
                names.add(f"{node.module}.{one.name}")
                folders[one.asname or one.name] = f"{node.module}.{one.name}"
        elif isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            asked.add((node.value.id, node.attr))
    names |= {f"{folders[name]}.{attr}" for name, attr in asked if name in folders}
    parts = [name.split(".") for name in names if name.startswith("helpers.")]
    return {".".join(one[:i]) for one in parts for i in range(1, len(one) + 1)}


def _rule(target: Path, needs: list[Path], *, made: Path) -> str:
    """Write one dependency line of make."""
    again = " FORCE" if target.exists() and disk.changed(made) else ""
    return f"{_names([target])}: {_names(needs)}{again}\n"


def _names(files: Iterable[Path]) -> str:
    """Name files as make will: from the root of the project, where no name is odd."""
    return " ".join(map(named, files))


def named(file: Path) -> str:
    """Name a file as one word of make; by a link to the home, where that has odd signs."""
    told = paths.shown(file)
    if not told.is_absolute() and PLAIN.fullmatch(str(told)):
        return str(told)
    home = paths.home()
    link = paths.ROOT / "build/homes" / hashlib.sha256(bytes(home)).hexdigest()[:12]
    link.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(home)
    return str(paths.shown(link / file.relative_to(home)))


def _update(file: Path, text: str) -> None:
    """Write a file, atomically, if its content changes."""
    if not file.is_file() or file.read_text("utf-8") != text:
        with disk.replacing(file) as partial:
            partial.write_text(text, "utf-8")


@command.says_what_stops
def main(arguments: list[str]) -> int:
    """Write the fragment of a run, then become the make that follows: RUN [MAKE ...].

    It alone works on the run, until it and all that it started have ended.
    """
    run, *make = arguments
    waits = f"Another command works on the run {run}; this one waits for it to end."
    with disk.alone(paths.plan(run).with_suffix(".lock"), waits=waits) as lock:
        places = (paths.raw, paths.interim, paths.processed, paths.reports, paths.plan)
        disk.sweep(*(place(run) for place in places))
        stages = named(write(run))
        if make:
            os.set_inheritable(lock, True)
            os.execvp(make[0], [*make, f"STAGES={stages}"])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
