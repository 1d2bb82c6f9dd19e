"""Read a run file and refuse its faults before any notebook is executed."""

import ast
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from helpers.core import engines, paths
from helpers.core.errors import BadInput
from helpers.runs import mapping

DEFAULT = "complete_journey"  # the run whose results the notebooks are saved with
# Where raw tables come from -> the module of helpers.sources that opens them.
SOURCES = {
    "complete_journey": "complete_journey",
    "uniform_supplier": "uniform_supplier",
    "files": "own_files",
}
AUTO = "auto"  # a value that fits the data
KEYS = ("source", "engine", "segments", "all", "tables")
_GIVEN = paths.beside(__file__, "run_file.yaml")
FROM_THE_RUN: dict[str, str] = _GIVEN["from_the_run"]
FITTED: list[str] = _GIVEN["fitted"]
PLAIN = {"bool": (bool,), "int": (int,), "float": (float, int), "str": (str,)}


@dataclass(frozen=True)
class Parameter:
    """What a notebook declares: the kind as written, such as list[str], and a default."""

    kind: str
    default: Any


def read(run: str) -> dict[str, Any]:
    """Read a run file, an empty block as a dict; BadInput if it cannot be."""
    file = paths.run_file(run)
    if not file.is_file():
        known = sorted(found.stem for found in file.parent.glob("*.yaml"))
        raise BadInput(f"runs/{file.name} is missing{mapping.near(run, known)}")
    try:
        content = yaml.load(file.read_text("utf-8"), _AsWritten)
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise BadInput(
            f"runs/{file.name} is not YAML: {' '.join(str(fault).split())}"
        ) from None
    if not isinstance(content, dict):
        raise BadInput(
            f"runs/{file.name} holds no `key: value` lines; begin with `source:`."
        )
    return {key: {} if value is None else value for key, value in content.items()}


def code(notebook: Path, *, tag: str | None = None) -> list[str]:
    """Return the source of a notebook's code cells, or of those with a tag."""
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise BadInput(
            f"{notebook.name} cannot be read as a notebook: {fault!r}."
        ) from None
    return [
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code"
        and (tag is None or tag in cell["metadata"].get("tags", []))
    ]


def declared(notebook: Path) -> dict[str, Parameter]:
    """List what a notebook's cell tagged `parameters` declares, in its order."""
    found = {}
    for source in code(notebook, tag="parameters"):
        try:
            for line in ast.parse(source).body:
                kind = ast.unparse(line.annotation)
                found[line.target.id] = Parameter(kind, ast.literal_eval(line.value))
        except (SyntaxError, AttributeError, ValueError):
            form = "`name: kind = literal  # meaning, unit`"
            raise BadInput(
                f"{notebook.name}: each line tagged parameters must be {form}."
            ) from None
    return found


def notebooks(run: str) -> list[Path]:
    """List the notebooks that a run executes: all but those about one other run."""
    return [book for book in paths.notebooks() if own_run(book) in (DEFAULT, run)]


def own_run(book: Path) -> str:
    """Return the run that a notebook is about by default."""
    about = declared(book).get("run")
    return about.default if about else DEFAULT


def check(run: str) -> None:
    """Refuse, with all faults at once, a run that could not be executed as written."""
    content = read(run)
    books = {book.stem: declared(book) for book in paths.notebooks()}
    faults = [
        *_top_faults(content, books),
        *_segment_faults(content.get("segments", {})),
        *_block_faults("all", content.get("all", {}), list(books.values())),
    ]
    for book, known in books.items():
        faults += _block_faults(book, content.get(book, {}), [known])
    faults += mapping.faults(content, run)
    # Only a sound file has values whose paths can be followed.
    if not faults:
        faults = [fault for book in books for fault in _missing_files(run, book)]
    if faults:
        raise BadInput(
            "\n".join(f"runs/{run}.yaml: {fault}" for fault in dict.fromkeys(faults))
        )


def parameters(run: str, notebook: str) -> dict[str, Any]:
    """Work out every parameter of one notebook in a run that `check` lets pass.

    Its default gives way to `all:`, and that to its own block; some come from the run.
    Where own files are read, the default of what is `FITTED` is "auto".
    """
    content = read(run)
    names = {
        str(segment): name for segment, name in content.get("segments", {}).items()
    }
    own = content["source"] == "files"
    given = {
        **content.get("all", {}),
        **content.get(notebook, {}),
        "run": run,
        "source": content["source"],
        "engine": content.get("engine", engines.ENGINES[0]),
        "segment_names": names,
    }
    values = {}
    for name, one in declared(notebook_file(notebook)).items():
        fitted = own and name in FITTED and fits(AUTO, one.kind)
        value = given.get(name, AUTO if fitted else one.default)
        values[name] = float(value) if one.kind == "float" else value
    return values


class _AsWritten(yaml.SafeLoader):
    """YAML in which a date stays text and a key given twice is refused."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [pair for pair in pairs if not pair[0].endswith(":timestamp")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """Build a dict, keys once each."""
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.MarkedYAMLError(
                    problem=f"{key!r} is given twice", problem_mark=node.start_mark
                )
        return super().construct_mapping(node, deep=deep)


def _top_faults(content: dict, books: Iterable[str]) -> Iterator[str]:
    """Name top-level keys, sources and engines that are not known."""
    known = [*KEYS, *books]
    for key in content:
        if key not in known:
            near = mapping.near(str(key), known)
            yield f"`{key}:` is neither a key of a run nor a notebook{near}"
    if content.get("source") not in SOURCES:
        source = str(content.get("source", "missing"))
        yield f"`source:` is {source}{mapping.near(source, SOURCES)}"
    if content.get("engine", engines.ENGINES[0]) not in engines.ENGINES:
        engine = str(content["engine"])
        yield f"`engine:` is {engine}{mapping.near(engine, engines.ENGINES)}"
    elif fault := engines.missing(content.get("engine", engines.ENGINES[0])):
        yield fault


def _segment_faults(names: object) -> Iterator[str]:
    """Refuse segment names that are not one distinct text for each numbered segment."""
    if not isinstance(names, dict):
        yield "`segments:` must hold lines such as `2: Weekly family shop`."
        return
    for segment, name in names.items():
        if not (str(segment).isdecimal() and isinstance(name, str) and name.strip()):
            yield (
                f"`segments:` holds `{segment}: {name}`; write a segment's number, a"
                f" colon and its name."
            )
    if len({str(name).casefold().strip() for name in names.values()}) < len(names):
        yield "`segments:` gives two segments the same name."


def _block_faults(
    block: str, given: object, books: list[dict[str, Parameter]]
) -> Iterator[str]:
    """Refuse parameters that no notebook of a block declares, or of another kind."""
    if not isinstance(given, dict):
        yield f"`{block}:` must hold lines such as `seed: 17`, but holds {given!r}."
        return
    known = sorted({name for book in books for name in book} - FROM_THE_RUN.keys())
    for name, value in given.items():
        if name in FROM_THE_RUN:
            yield f"`{block}:` sets {name}, which comes from {FROM_THE_RUN[name]}."
        elif name not in known:
            near = mapping.near(str(name), known)
            yield f"`{block}:` sets {name}, which no notebook under it declares{near}"
        else:
            for kind in sorted({book[name].kind for book in books if name in book}):
                if not fits(value, kind):
                    yield f"`{block}:` sets {name} to {value!r}; declared is {kind}."


def fits(value: object, kind: str) -> bool:
    """Say whether a value is of a declared kind: plain, list[...], dict[str, ...], a | b."""
    if " | " in kind:
        return any(fits(value, one) for one in kind.split(" | "))
    if kind.startswith("list["):
        return isinstance(value, list) and all(fits(one, kind[5:-1]) for one in value)
    if kind.startswith("dict[str, "):
        return isinstance(value, dict) and all(
            isinstance(key, str) and fits(one, kind[10:-1])
            for key, one in value.items()
        )
    return type(value) in PLAIN.get(kind, ())


def _missing_files(run: str, notebook: str) -> Iterator[str]:
    """Name `_file` and `_folder` parameters that lead nowhere."""
    for name, value in parameters(run, notebook).items():
        if not value or not name.endswith(("_file", "_folder")):
            continue
        path = paths.ROOT / value
        if path.is_file() if name.endswith("_file") else path.is_dir():
            continue
        while not path.parent.is_dir():
            path = path.parent
        near = mapping.near(
            path.name, sorted(one.name for one in path.parent.iterdir())
        )
        yield f"{name} of {notebook} is {value!r}, which does not exist{near}"


def notebook_file(name: str) -> Path:
    """Return the file of a notebook, refusing a name that there is not."""
    books = {book.stem: book for book in paths.notebooks()}
    if name not in books:
        raise BadInput(f"There is no notebook {name}{mapping.near(name, books)}")
    return books[name]
