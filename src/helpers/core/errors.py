"""What stops a study with a sentence that its analyst can act on."""

import contextlib
import re
import reprlib
from collections.abc import Iterator

MOST = 120  # characters of a value in a message
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60


class BadInput(ValueError):
    """A fault in the input that the analyst can mend; its message says how."""


class TooLittle(Exception):  # no error: the section is left out
    """What a section of a notebook needs and the run lacks: shown in place of it."""

    def __init__(self, said: str = "") -> None:
        super().__init__(blurred(said))


def need(holds: bool, why: str) -> None:
    """Leave out the section that asks, with a sentence, where it lacks what it needs."""
    if not holds:
        raise TooLittle(why)


def blurred(text: str) -> str:
    """Write "fewer than 10" for 1 to 9 in what a text tells of customers, or found."""
    counted = r"found: [^)]*|\b\d (?:such )?(?:customers?|leads|won|lost)\b"
    few = r"(?<![\d.,%-])[1-9](?![\d%-]|[.,]\d)"
    return re.sub(counted, lambda part: re.sub(few, "fewer than 10", part[0]), text)


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
