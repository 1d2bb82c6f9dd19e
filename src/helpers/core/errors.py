"""What stops a study with a sentence that its analyst can act on."""

import contextlib
import reprlib
from collections.abc import Iterator

MOST = 120  # characters of a value in a message
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60


class BadInput(ValueError):
    """A fault in the input that the analyst can mend; its message says how."""


class TooLittle(Exception):  # no error: the section is left out
    """What a section of a notebook needs and the run lacks: shown in place of it."""


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """Note on any fault that passes what was being read."""
    try:
        yield
    except Exception as fault:
        fault.add_note(what)
        raise


def shown(value: object) -> str:
    """Write a value for a message, cut short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    short = _SHORT.repr(value)
    return short if len(short) <= MOST else f"{short[:MOST]}..."
