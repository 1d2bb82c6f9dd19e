"""What every command of the study does when it cannot go on."""

import functools
import os
import sys
import time
import traceback
from collections.abc import Callable

from helpers.core import disk, paths, secrets
from helpers.core.errors import BadInput

Main = Callable[[list[str]], int]
FAULT = "The study has a fault of its own"


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
        except KeyboardInterrupt:
            print("Interrupted; the same command goes on from here.", file=sys.stderr)
            return 130
        except Exception as fault:  # an analyst can do nothing with a traceback
            what = ", ".join(reversed(getattr(fault, "__notes__", []))) or "the run"
            print(
                f"{FAULT}, {type(fault).__name__}, while reading {what}. Its full text "
                f"is {_kept(fault)}; whoever mends it needs that, and the file.",
                file=sys.stderr,
            )
        return 1

    return told


def _kept(fault: Exception) -> str:
    """Keep the text of a fault for its owner alone, without secrets; say where it lies."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    log = paths.home() / "build/faults" / name
    text = secrets.hidden("".join(traceback.format_exception(fault)))
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch(mode=0o600)
        log.write_text(text, "utf-8", "backslashreplace")
    except OSError as refused:
        return f"lost ({refused.strerror})"
    return f"in {paths.shown(log)}"
