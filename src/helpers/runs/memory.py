"""Keep what was measured at length, until anything that it hangs on changes."""

import contextlib
import functools
import hashlib
import importlib
import inspect
import io
import json
import os
import platform
import struct
import zipfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
import pandas as pd

from helpers import LOADED
from helpers.core import disk, paths
from helpers.runs import dependencies

if TYPE_CHECKING:
    from hashlib import _Hash

_T = TypeVar("_T")

# Another version of these, or of Python, may measure something else.
LIBRARIES = (
    *("joblib", "numba", "numpy", "pandas", "pyarrow", "pynndescent"),
    *("scikit-learn", "scipy", "threadpoolctl", "umap-learn"),
)
# So may other instructions of the processor: the Makefile sets these for every machine.
SETTINGS = ("NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
MOST = 60  # results of one function, in one run: the least recently used go
_PLAIN = (bool, int, float, str, bytes, type(None), range, pd.Timestamp, pd.Timedelta)


def kept(
    function: Callable[..., _T], /, *args: object, run: str, **settings: object
) -> _T:
    """Return ``function(*args, **settings)``, from the run's folder if it is there.

    The result is looked up in data/processed/<run>/evidence by its `fingerprint`: other
    data, settings, code or libraries measure anew, and so does a damaged file. What is
    kept comes back to the bit: frames, arrays, plain values, and dicts, lists, tuples
    and dataclasses of them. Anything else is measured every time. What the function
    prints does not come again.
    """
    key = fingerprint(function, *args, **settings)
    name = _inner(function).__qualname__
    file = paths.processed(run) / "evidence" / f"{name}.{key}.zip"
    # What was edited since it was imported runs as it was before.
    files = _sources(_modules([function, args, settings]))
    if any(one.stat().st_mtime > LOADED for one in files):
        return function(*args, **settings)
    try:
        found = _unpacked(file.read_bytes())
        os.utime(file)  # used now
        return cast("_T", found)
    except Exception:  # whatever is wrong with the file, what it held is measured anew
        pass
    result = function(*args, **settings)
    _keep(result, file)
    return result


def fingerprint(function: Callable, /, *args: object, **settings: object) -> str:
    """Digest a call (SHA-256): function, arguments, source and versions it hangs on.

    The source is that of the helpers of every function and class in the call, with all
    helpers and YAML files they import, however far. The order of settings does not
    matter. TypeError for what has no lasting value: a generator of random numbers, say,
    or a function written in a notebook.
    """
    digest = hashlib.sha256()
    _feed(digest, [function, list(args), sorted(settings.items())])
    for file in _sources(_modules([function, args, settings])):
        _feed(digest, [file.relative_to(paths.ROOT).as_posix(), file.read_bytes()])
    _feed(digest, [platform.python_version(), platform.machine(), _versions()])
    _feed(digest, [os.environ.get(name) for name in SETTINGS])
    return digest.hexdigest()


@functools.cache
def _versions() -> tuple[str | None, ...]:
    def version(library: str) -> str | None:
        try:
            return metadata.version(library)
        except metadata.PackageNotFoundError:
            return None

    return tuple(map(version, LIBRARIES))


# --- What a call hangs on


def _feed(digest: "_Hash", value: object) -> None:
    """Add a value to a digest, so that two values that differ add other bytes."""

    def add(*parts: str | bytes) -> None:
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            digest.update(struct.pack("<q", len(data)) + data)

    add(f"{type(value).__module__}.{type(value).__qualname__}")
    if isinstance(value, _PLAIN):
        add(repr(value))
    elif isinstance(value, np.ndarray | np.generic):
        add(str(value.dtype), repr(value.shape))
        if value.dtype.hasobject:
            _feed(digest, np.asarray(value).ravel().tolist())
        else:
            add(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, pd.DataFrame):
        _feed(digest, [value.index, value.columns, value.attrs])
        for place in range(value.shape[1]):
            _feed(digest, value.iloc[:, place].array)
    elif isinstance(value, pd.Series):
        _feed(digest, [value.index, value.name, value.attrs, value.array])
    elif isinstance(value, pd.MultiIndex):
        _feed(digest, [list(value.names), value.to_flat_index().array])
    elif isinstance(value, pd.Index):
        _feed(digest, [list(value.names), value.array])
    elif isinstance(value, pd.Categorical):
        _feed(digest, [value.categories, value.ordered, value.codes])
    elif isinstance(value, pd.arrays.NumpyExtensionArray):
        _feed(digest, value.to_numpy())
    elif isinstance(value, pd.api.extensions.ExtensionArray):
        add(str(value.dtype))
        _feed(digest, value.astype(object))
    elif isinstance(value, list | tuple):
        add(str(len(value)))
        for one in value:
            _feed(digest, one)
    elif isinstance(value, dict):
        _feed(digest, list(value.items()))
    elif isinstance(value, set | frozenset):
        _feed(digest, sorted(value))
    elif isinstance(value, functools.partial):
        _feed(digest, [value.func, value.args, sorted(value.keywords.items())])
    elif inspect.ismethod(value):
        _feed(digest, [value.__self__, value.__func__])
    elif isinstance(value, type) or inspect.isroutine(value):
        add(value.__module__ or "", value.__qualname__)
        if value.__module__ == "__main__" or "<" in value.__qualname__:
            raise TypeError(f"{value.__qualname__} is not part of the helpers.")
    elif is_dataclass(value):
        _feed(digest, [[one.name, getattr(value, one.name)] for one in fields(value)])
    elif value is not pd.NA and value is not pd.NaT:
        raise TypeError(f"Evidence cannot hang on a {type(value).__name__}.")


def _inner(function: Callable) -> Callable:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _modules(value: object) -> frozenset[str]:
    """Name the helpers that hold the functions and classes of a value."""
    if isinstance(value, functools.partial):
        return _modules([value.func, value.args, value.keywords])
    if isinstance(value, dict):
        return _modules(list(value.values()))
    if isinstance(value, list | tuple):
        return frozenset().union(*map(_modules, value))
    found = _modules(value.__self__) if inspect.ismethod(value) else frozenset()
    if is_dataclass(value) and not isinstance(value, type):
        found |= _modules([getattr(value, one.name) for one in fields(value)])
    itself = isinstance(value, type) or inspect.isroutine(value)
    module = getattr(value if itself else type(value), "__module__", None) or ""
    return found | {module} if module.startswith("helpers.") else found


@functools.cache
def _sources(modules: frozenset[str]) -> list[Path]:
    names = sorted({__name__, *modules})
    return dependencies.helper_files(f"import {name}" for name in names)


# --- What is kept


def _digest(value: object) -> str:
    digest = hashlib.sha256()
    _feed(digest, value)
    return digest.hexdigest()


def _keep(result: object, file: Path) -> None:
    """Save a result whole or not at all; not what would come back as something else."""
    try:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
            tree = {"result": _written(result, book), "digest": _digest(result)}
            _put("tree.json", json.dumps(tree), book)
        _unpacked(packed.getvalue())
    except (TypeError, ValueError, LookupError):
        return
    with disk.replacing(file, listed=False) as partial:
        partial.write_bytes(packed.getvalue())
    used = []
    for one in file.parent.glob(f"{file.name.rsplit('.', 2)[0]}.*.zip"):
        with contextlib.suppress(FileNotFoundError):  # another notebook removed it
            used.append((one.stat().st_mtime, one))
    for _, one in sorted(used)[:-MOST]:
        one.unlink(missing_ok=True)


def _unpacked(packed: bytes) -> object:
    with zipfile.ZipFile(io.BytesIO(packed)) as book:
        tree = json.loads(book.read("tree.json"))
        result = _restored(tree["result"], book)
    if _digest(result) != tree["digest"]:
        raise ValueError("It came back as something else.")
    return result


def _put(name: str, data: str | bytes, book: zipfile.ZipFile) -> None:
    """Add a file of no time of day: the same results are the same bytes."""
    book.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def _written(value: object, book: zipfile.ZipFile) -> list:
    """Describe a value in plain data; its tables and arrays become files of the book."""
    name = str(len(book.namelist()))
    if isinstance(value, np.ndarray | np.generic):
        data = io.BytesIO()
        np.save(data, value, allow_pickle=False)
        _put(name, data.getvalue(), book)
        return ["number" if isinstance(value, np.generic) else "array", name]
    if isinstance(value, bool | int | float | str | None):
        return ["plain", value]
    if isinstance(value, pd.DataFrame):
        numbered = value.set_axis([str(i) for i in range(value.shape[1])], axis=1)
        _put(name, numbered.to_parquet(), book)
        columns = value.columns
        return ["table", name, list(columns), str(columns.dtype), columns.name]
    if isinstance(value, pd.Series):
        return ["column", _written(value.to_frame("0"), book), value.name]
    if isinstance(value, dict):
        pairs = [[_written(part, book) for part in pair] for pair in value.items()]
        return ["dict", pairs]
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return [kind, [_written(one, book) for one in value]]
    if is_dataclass(value) and type(value).__module__.startswith("helpers."):
        parts = {one.name: getattr(value, one.name) for one in fields(value)}
        itself = type(value)
        return ["of", itself.__module__, itself.__qualname__, _written(parts, book)]
    raise TypeError(f"{type(value).__name__} is not kept.")


def _restored(told: list, book: zipfile.ZipFile) -> object:
    match told:
        case ["plain", value]:
            return value
        case ["array", name]:
            return np.load(io.BytesIO(book.read(name)), allow_pickle=False)
        case ["number", name]:
            return np.load(io.BytesIO(book.read(name)), allow_pickle=False)[()]
        case ["table", name, columns, kind, title]:
            frame = pd.read_parquet(io.BytesIO(book.read(name)))
            return frame.set_axis(pd.Index(columns, dtype=kind, name=title), axis=1)
        case ["column", frame, name]:
            column = cast("pd.DataFrame", _restored(frame, book)).iloc[:, 0]
            return column.rename(name)
        case ["dict", pairs]:
            return {_restored(k, book): _restored(v, book) for k, v in pairs}
        case ["list", parts]:
            return [_restored(part, book) for part in parts]
        case ["tuple", parts]:
            return tuple(_restored(part, book) for part in parts)
        case ["of", module, name, parts] if module.startswith("helpers."):
            kind = getattr(importlib.import_module(module), name)
            return kind(**cast("dict", _restored(parts, book)))
        case _:
            raise ValueError(f"{told[0]} is not known.")
