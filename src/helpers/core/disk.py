"""Write files whole or not at all, know them again, and clear up after dead processes."""

import atexit
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from helpers.core import paths
from helpers.core.errors import BadInput

PREFIX = "study-"  # of a folder for what is unfinished, or not to be kept
LOCK = ".study-lock"  # in it, held by the process that made it
WRITTEN = "STUDY_WRITTEN"  # environment: the file that lists what a notebook wrote
CHEAP = 2**22  # bytes of a file whose content is compared; a larger one's size and time
# What is said of a full disk, by whoever says it, and of one that may not be written to.
_FULL = ("no space left", "disk full", "diskfull", "failed to offload")
_CODES = (errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS)
_REFUSED = (*_FULL, *(os.strerror(code).lower() for code in _CODES))


@contextlib.contextmanager
def alone(lock: Path, *, waits: str = "") -> Iterator[int]:
    """Hold a lock, which the death of this process releases too; give its descriptor.

    `waits` is printed where another process holds it.
    """
    while True:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with lock.open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(waits, end="\n" if waits else "", flush=True)
                fcntl.flock(held, fcntl.LOCK_EX)
            # Who had it may have removed the file: then another can hold a new one.
            here = os.fstat(held.fileno()).st_ino
            if lock.exists() and lock.stat().st_ino == here:
                yield held.fileno()
                return


@contextlib.contextmanager
def scratch(within: Path | None = None) -> Iterator[Path]:
    """Yield a new folder of this process, in another or the system's, and remove it.

    If the process is killed meanwhile, the next `sweep` removes it.
    """
    within = within or system()
    within.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=within))
    try:
        with alone(folder / LOCK):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def system() -> Path:
    """Name the system's folder for temporary files; Python's way writes one to try it."""
    return Path(os.environ.get("TMPDIR") or "/tmp")


_LASTING = contextlib.ExitStack()
atexit.register(_LASTING.close)


def spill(within: Path) -> Path:
    """Make a folder in another for what does not fit in memory, until this process ends."""
    return _LASTING.enter_context(scratch(within))


def sweep(*folders: Path) -> None:
    """Remove what dead processes left in folders, and in the system's temporary one."""
    left = list(system().glob(f"{PREFIX}*/{LOCK}"))
    for folder in folders:
        left += folder.rglob(f"{PREFIX}*/{LOCK}")
    for lock in left:
        with contextlib.suppress(OSError), lock.open("r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


@contextlib.contextmanager
def replacing(file: Path, *, listed: bool = True) -> Iterator[Path]:
    """Yield where to write a file's new content, which replaces the old when done.

    BadInput where the system refuses: the file is as it was. A file that is not
    `listed` may go without anybody's loss.
    """
    try:
        with paths.private(file), scratch(file.parent) as folder:
            yield folder / file.name
            if listed and (log := os.environ.get(WRITTEN)):
                with Path(log).open("a", encoding="utf-8") as lines:
                    lines.write(f"{file}\n")
            (folder / file.name).replace(file)
    except Exception as fault:
        if not (why := [sign for sign in _REFUSED if sign in str(fault).lower()]):
            raise
        raise BadInput(
            f"{file.name} could not be written ({why[0]}), so it is as it was. Make room, "
            f"or mend the rights of {file.parent.name}/; the same command goes on."
        ) from None


def full(fault: Exception) -> bool:
    """Say whether an error, whoever raised it, means that the disk is full."""
    return any(sign in str(fault).lower() for sign in _FULL)


def know(files: Iterable[Path], *, by: Path) -> None:
    """Keep in a file what others are now, to tell whether they are `changed` later."""
    known = {os.path.relpath(one, paths.home()): state(one) for one in files}
    with replacing(by, listed=False) as partial:
        partial.write_text(json.dumps(known, indent=1), "utf-8")


def changed(by: Path) -> bool:
    """Say whether a file that `know` kept is lost, cut or altered, or not known."""
    try:
        known = json.loads(by.read_text("utf-8"))
        return any(state(paths.home() / one) != was for one, was in known.items())
    except (OSError, ValueError, AttributeError):
        return True


def state(file: Path) -> str:
    """Say in a text what a file is now: its checksum, or its size and time if large."""
    at = file.stat()
    if at.st_size > CHEAP:
        return f"{at.st_size} bytes, written at {at.st_mtime_ns}"
    return hashlib.sha256(file.read_bytes()).hexdigest()
