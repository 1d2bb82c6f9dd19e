"""Read a run file and refuse its faults before any notebook is executed."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.core import engines, paths
from helpers.core.errors import BadInput, reading, shown
from helpers.runs import mapping, plain_yaml, values
from helpers.runs.values import AUTO, FITTED, fits

DEFAULT = "complete_journey"  # the run whose results the notebooks are saved with
# A run without order lines has notebooks of its own, under the same names, in this folder
# of notebooks/ (helpers/customer_table/ is theirs).
CUSTOMER_TABLE = "customer_table"
SECOND = "second_file"  # a parameter: a file beside those that the run file maps
# Where raw tables come from -> the module of helpers that opens them.
SOURCES = {
    "complete_journey": "sources.complete_journey",
    "uniform_supplier": "sources.uniform_supplier",
    "files": "intake.own_files",
}
KEYS = (
    "source",
    "engine",
    "outside",
    "simulated",
    "about",
    "segments",
    "all",
    "tables",
)
_GIVEN = paths.beside(__file__, "run_file.yaml")
FROM_THE_RUN: dict[str, str] = _GIVEN["from_the_run"]
RENAMED: dict[str, str] = _GIVEN["renamed"]


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
        with reading(f"runs/{file.name}"):
            content = plain_yaml.load(file, texts="tables")
    except BadInput as fault:
        raise BadInput(f"runs/{file.name} {fault}") from None
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


def track(content: dict[str, Any]) -> str:
    """Name the folder of the notebooks that a run's tables ask for; "" is notebooks/ itself."""
    given = content.get("tables")
    if content.get("source") != "files" or not isinstance(given, dict):
        return ""
    alone = "lines" not in given and {"customers", "surveys"} & given.keys()
    return CUSTOMER_TABLE if alone else ""


def track_of(run: str) -> str:
    """As `track`, of a run; "" where it has no run file."""
    return track(read(run)) if paths.run_file(run).is_file() else ""


def notebooks(run: str) -> list[Path]:
    """List the notebooks that a run executes: all but those about one other run."""
    if own := track_of(run):
        return paths.notebooks(own)
    return [book for book in paths.notebooks() if own_run(book) in (DEFAULT, run)]


def own_run(book: Path) -> str:
    """Return the run that a notebook is about by default."""
    about = declared(book).get("run")
    return about.default if about else DEFAULT


def rules(book: Path) -> list[str]:
    """Name the rules of notebook 1: the keys of the dict that it calls `rules`."""
    for source in code(book):
        if "rules = {" not in source:
            continue
        for line in ast.parse(source).body:
            match line:
                case ast.Assign(
                    targets=[ast.Name(id="rules")], value=ast.Dict() as told
                ):
                    return [ast.literal_eval(key) for key in told.keys if key]
    return []


def check(run: str) -> None:
    """Refuse, with all faults at once, a run that could not be executed as written."""
    content = read(run)
    own = paths.notebooks(track(content))
    books = {book.stem: declared(book) for book in own}
    rejecting = next((told for book in own if (told := rules(book))), [])
    asked = {"all": list(books)} | {book: [book] for book in books}
    faults = [*_top_faults(content, books), *_segment_faults(content, books)]
    for block, under in asked.items():
        given = content.get(block, {})
        faults += _block_faults(block, given, books, under=under, rejecting=rejecting)
    # Only what is sound by itself can be compared.
    if not faults:
        faults = list(_against_each_other(content, books))
    faults += mapping.faults(content, run)
    # Only a sound file has values whose paths can be followed.
    if not faults:
        faults = [
            fault for book in books for fault in _missing_files(content, run, book)
        ]
    if faults:
        raise BadInput(
            "\n".join(f"runs/{run}.yaml: {fault}" for fault in dict.fromkeys(faults))
        )


def parameters(
    run: str, notebook: str, *, content: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Work out every parameter of one notebook in a run that `check` lets pass.

    Its default gives way to `all:`, and that to its own block; some come from the run.
    Where own files are read, the default of what is `FITTED` is "auto". `content` is
    that of the run file, where it has been read.
    """
    content = content or read(run)
    names = {
        str(segment): name for segment, name in content.get("segments", {}).items()
    }
    given = {
        "run": run,
        "source": content["source"],
        "engine": content.get("engine", engines.ENGINES[0]),
        "segment_names": names,
        "simulated": content.get("simulated", False),
        "about": content.get("about", ""),
    }
    known = declared(notebook_file(notebook, track(content)))
    found = {name: value for name, (_, value) in _set(content, notebook, known).items()}
    found |= {name: given[name] for name in found.keys() & given.keys()}
    return {
        name: float(found[name]) if one.kind == "float" else found[name]
        for name, one in known.items()
    }


def _set(
    content: dict[str, Any], notebook: str, known: dict[str, Parameter]
) -> dict[str, tuple[str, Any]]:
    """Find each parameter of a notebook: the block that sets it ("" if none), its value."""
    own = content.get("source") == "files"
    blocks = [(block, content.get(block, {})) for block in ("all", notebook)]
    found: dict[str, tuple[str, Any]] = {}
    for name, one in known.items():
        fitted = own and name in FITTED and fits(AUTO, one.kind)
        found[name] = ("", AUTO if fitted else one.default)
        for block, given in blocks:
            if isinstance(given, dict) and name in given:
                found[name] = (block, given[name])
    return found


def _top_faults(
    content: dict[str, Any], books: dict[str, dict[str, Parameter]]
) -> Iterator[str]:
    """Name top-level keys, sources and engines that are not known."""
    known = [*KEYS, *books]
    for key in content:
        if key not in known:
            at = _place_of(str(key), books) or mapping.near(str(key), known)
            yield f"`{key}:` is neither a key of a run nor a notebook{at}"
    source = content.get("source", "missing")
    if not isinstance(source, str) or source not in SOURCES:
        yield f"`source:` is {_plain(source)}{mapping.near(str(source), SOURCES)}"
    engine = content.get("engine", engines.ENGINES[0])
    if engine not in engines.ENGINES:
        yield f"`engine:` is {_plain(engine)}{mapping.near(str(engine), engines.ENGINES)}"
    elif fault := engines.missing(engine):
        yield fault
    for key in ("outside", "simulated"):
        if not isinstance(content.get(key, False), bool):
            yield f"`{key}:` is {_plain(content[key])}; write true or false."
    if not isinstance(content.get("about", ""), str):
        yield "`about:` is no text; write what the tables are about, in quotes."


def _plain(value: object) -> str:
    """Write a word as it is, and anything else as messages do."""
    if "://" in str(value):
        return "an address, which may hold a password"
    return value if isinstance(value, str) and value else shown(value or None)


def _segment_faults(
    content: dict[str, Any], books: dict[str, dict[str, Parameter]]
) -> Iterator[str]:
    """Refuse segment names that are not one distinct text for each segment there may be."""
    names = content.get("segments", {})
    if not isinstance(names, dict):
        yield "`segments:` must hold lines such as `2: Weekly family shop`."
        return
    names = dict(names)
    if not isinstance(names.pop("model", ""), str):  # the model that they are of
        yield "`segments:` holds a model that is no text; write it in quotes."
    sound = []
    for segment, name in names.items():
        number = str(segment)
        if not (number.isascii() and number.isdecimal() and number[0] != "0"):
            yield (
                f"`segments:` holds `{segment}: {name}`; write a segment's number, from "
                "1, a colon and its name."
            )
        elif not (isinstance(name, str) and name.strip()):
            yield (
                f"`segments:` holds `{segment}: {_plain(name)}`; write a segment's number, "
                "a colon and its name as text, in quotes if it looks like a number."
            )
        else:
            sound.append(int(number))
    if len({str(name).casefold().strip() for name in names.values()}) < len(names):
        yield "`segments:` gives two segments the same name; give each its own."
    if most := _most_segments(content, books):
        name, number = most
        for segment in sound:
            if segment > number:
                yield (
                    f"`segments:` names segment {segment}, but {name} is {number}: remove "
                    f"the line, or set a larger {name}."
                )


def _most_segments(
    content: dict[str, Any], books: dict[str, dict[str, Parameter]]
) -> tuple[str, int] | None:
    """Find the parameter that says how many segments there are at most."""
    for book, known in books.items():
        if "max_k" in known:
            given = _set(content, book, known)
            for name in ("k", "max_k"):
                value = given.get(name, ("", AUTO))[1]
                if type(value) is int and value > 1:
                    return name, value
    return None


def _block_faults(
    block: str,
    given: object,
    books: dict[str, dict[str, Parameter]],
    *,
    under: list[str],
    rejecting: list[str],
) -> Iterator[str]:
    """Refuse parameters that no notebook under a block declares, and wrong values.

    `rejecting` are the rules of notebook 1.
    """
    if not isinstance(given, dict):
        yield (
            f"`{block}:` must hold lines such as `seed: 17`, but holds {shown(given)}."
        )
        return
    known = sorted(
        {name for book in under for name in books[book]} - FROM_THE_RUN.keys()
    )
    for name, value in given.items():
        if name in FROM_THE_RUN:
            yield f"`{block}:` sets {name}, which comes from {FROM_THE_RUN[name]}."
        elif name in RENAMED and name not in known:
            yield f"`{block}:` sets {name}, which is now {RENAMED[name]}."
        elif name not in known:
            near = mapping.near(str(name), known)
            close = "Did you mean" in near and _place_of(str(name), books) == ""
            at = near if close else _place_of(str(name), books) or near
            yield f"`{block}:` sets {name}, which no notebook under it declares{at}"
        else:
            kinds = {books[book][name].kind for book in under if name in books[book]}
            for kind in sorted(kinds):
                if said := values.fault(name, value, kind, rules=rejecting):
                    yield f"`{block}:` sets {name} to {shown(value)}; {said}"


def _place_of(name: str, books: dict[str, dict[str, Parameter]]) -> str:
    """Say where something that stands in a wrong place belongs; "" if nowhere."""
    homes = [book for book, known in books.items() if name in known]
    if homes and name not in FROM_THE_RUN:
        if len(homes) == 1:
            return f". {homes[0]} declares it: write it under `{homes[0]}:`."
        return f". Write it under `all:`, or under one of {', '.join(homes)}."
    if name in mapping.COLUMNS:
        return ". It is a table: write it under `tables:`."
    if name in (*mapping.OPTIONS, *mapping.LINE_OPTIONS):
        return ". It is a key of a table: write it under that table in `tables:`."
    if name in KEYS:
        return ". It stands by itself, at the beginning of a line."
    return ""


def _against_each_other(
    content: dict[str, Any], books: dict[str, dict[str, Parameter]]
) -> Iterator[str]:
    """Name pairs of parameters of which the first is larger, or later, than the second."""
    given = {book: _set(content, book, known) for book, known in books.items()}
    pairs = [
        ((book, low), (book, high)) for book in books for low, high in _GIVEN["at_most"]
    ] + [tuple(tuple(one.split()) for one in pair) for pair in _GIVEN["at_most_across"]]
    for (book, low), (other, high) in pairs:
        block, a = given.get(book, {}).get(low, ("", None))
        second, b = given.get(other, {}).get(high, ("", None))
        days = values.day(a) and values.day(b)
        numbers = isinstance(a, int | float) and isinstance(b, int | float)
        if not (block or second) or not (days or numbers) or a <= b:
            continue
        beyond = ("after", "before") if days else ("above", "below")
        if block:
            sets, told, way = (block, low, a), (second, other, high, b), beyond[0]
        else:
            sets, told, way = (second, high, b), (block, book, low, a), beyond[1]
        place = f" of `{told[0] or told[1]}:`" if book != other else ""
        default = "" if told[0] else " (the default)"
        yield (
            f"`{sets[0]}:` sets {sets[1]} to {sets[2]}, which is {way} {told[2]}{place}, "
            f"{told[3]}{default}. Change one of them."
        )


def _missing_files(content: dict[str, Any], run: str, notebook: str) -> Iterator[str]:
    """Name `_file` and `_folder` parameters that lead nowhere."""
    for name, value in parameters(run, notebook, content=content).items():
        if value in ("", AUTO) or not name.endswith(("_file", "_folder")):
            continue
        if why := paths.odd(str(value)):
            yield f"{name} of {notebook} is {value[:40]!r}, which {why}."
            continue
        path = (mapping.folder(run) if name == SECOND else paths.ROOT) / value
        if path.is_file() if name.endswith("_file") else path.is_dir():
            continue
        while not path.parent.is_dir():
            path = path.parent
        near = mapping.near(
            path.name, sorted(one.name for one in path.parent.iterdir())
        )
        yield f"{name} of {notebook} is {value!r}, which does not exist{near}"


def notebook_file(name: str, within: str = "") -> Path:
    """Return the file of a notebook, refusing a name that there is not; `within` a `track`."""
    books = {book.stem: book for book in paths.notebooks(within)}
    if name not in books:
        raise BadInput(f"There is no notebook {name}{mapping.near(name, books)}")
    return books[name]
