"""Helpers of the customer segmentation study: a folder a subject, in order of notebooks."""

import importlib
import sys
import time
from collections.abc import Callable
from types import ModuleType

# Whatever reads a notebook's file imports jsonschema, and that builds a grammar of web
# addresses for more than a second if it can. No notebook is checked for them.
sys.modules.setdefault("rfc3987_syntax", None)

# A helper edited later than this runs as it was before: see runs.memory.
LOADED = time.time()


def when_asked(folder: str) -> Callable[[str], ModuleType]:
    """Let a folder load each of its modules when it is first asked for (PEP 562)."""

    def load(name: str) -> ModuleType:
        try:
            return importlib.import_module(f"{folder}.{name}")
        except ModuleNotFoundError as fault:
            if fault.name != f"{folder}.{name}":
                raise
            raise AttributeError(f"{folder} has no module {name}") from None

    return load
