"""What stops a study with a sentence that its analyst can act on."""

import re


class BadInput(ValueError):
    """A fault in the input that the analyst can mend; its message says how."""


class TooLittle(Exception):  # no error: the section is left out
    """What a section of a notebook needs and the run lacks: shown in place of it."""

    def __init__(self, said: str = "") -> None:
        super().__init__(blurred(said))


def blurred(text: str) -> str:
    """Write "fewer than 10" for 1 to 9 in what a text tells of customers, or found."""
    counted = r"found: [^)]*|\b\d (?:such )?(?:customers?|leads|won|lost)\b"
    few = r"(?<![\d.,%-])[1-9](?![\d%-]|[.,]\d)"
    return re.sub(counted, lambda part: re.sub(few, "fewer than 10", part[0]), text)
