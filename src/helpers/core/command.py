"""What every command of the study does when it cannot go on."""

import functools
import sys
from collections.abc import Callable

from helpers.core import disk, paths
from helpers.core.errors import BadInput

Main = Callable[[list[str]], int]


def says_what_stops(main: Main) -> Main:
    """Let a command print in a sentence what stopped it, and return the exit code 1.

    What earlier ones left in the system's temporary folder when they were killed goes.
    """

    @functools.wraps(main)
    def told(arguments: list[str]) -> int:
        try:
            disk.sweep()
            return main(arguments)
        except BadInput as fault:
            print(fault, file=sys.stderr)
        except OSError as fault:
            print(paths.refused(fault), file=sys.stderr)
        return 1

    return told
