"""What stops a study with a sentence that its analyst can act on."""


class BadInput(ValueError):
    """A fault in the input that the analyst can mend; its message says how."""


class TooLittle(Exception):  # no error: the section is left out
    """What a section of a notebook needs and the run lacks: shown in place of it."""
