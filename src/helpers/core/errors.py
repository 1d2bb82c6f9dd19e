"""What stops a study with a sentence that its analyst can act on."""

import re


class BadInput(ValueError):
    """A fault in the input that the analyst can mend; its message says how."""


class TooLittle(Exception):  # no error: the section is left out
    """What a section of a notebook needs and the run lacks: shown in place of it.

    It stands on a page, where no number from 1 to 9 may tell of so many customers.
    """

    def __init__(self, said: str = "") -> None:
        counted = r"found: [^)]*|\b\d+ (?:such )?(?:customers|leads|won|lost)\b"
        super().__init__(re.sub(counted, lambda part: blurred(part[0]), said))


def blurred(text: str) -> str:
    """Write "fewer than 10" for each number from 1 to 9 of a text."""
    return re.sub(r"(?<![\d.,%-])[1-9](?![\d%-]|[.,]\d)", "fewer than 10", text)
