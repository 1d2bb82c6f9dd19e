"""Keep the register of segment models: who decided what, when, and on which window."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from helpers.clustering import model as clustering_model
from helpers.core import disk, store
from helpers.core.errors import BadInput

DECISIONS = ("keep", "watch", "re-segment")
FIELDS = ("decided_on", "decided_by", "reviewed_from", "reviewed_to", "decision", "why")


def read(file: Path) -> list[dict]:
    """Read the register, oldest first; raise BadInput if an entry was changed."""
    if not file.exists():
        return []
    entries = store.read_json(file, made_by="07_refinement")
    previous = ""
    for number, entry in enumerate(entries, 1):
        sound = isinstance(entry, dict) and entry.get("previous") == previous
        if not sound or entry.get("entry") != _sum(entry):
            raise BadInput(
                f"{file.name}: entry {number} of {len(entries)} was changed, or one before "
                "it was taken out: its checksum does not fit. Bring back the saved file, "
                "or rename this one, and a new register begins with the next decision."
            )
        previous = entry["entry"]
    return entries


def append(
    file: Path,
    *,
    model: Path,
    entry: Mapping[str, str],
    load: Callable[[Path], Any] = clustering_model.load,
) -> list[dict]:
    """Add a decision about a model, whole or not at all, and give all entries.

    `load` reads the model: that of order lines, or `customer_table.model.load`.
    `entry` has the `FIELDS`; one that says the same about the same model and window,
    whatever the day, is not added twice. BadInput if model or register was changed by
    hand, or the entry lacks a part.
    """
    _check(entry)
    fitted = load(model)
    about = {
        "run": fitted.run,
        "model": fitted.to_dict()["checksum"],
        "trained_from": fitted.first,
        "trained_to": fitted.last,
        "segments": fitted.k,
    }
    new = about | {field: entry[field] for field in FIELDS}
    said = new.keys() - {"decided_on"}
    with disk.alone(file.with_suffix(".lock")):  # else one of two would be lost
        entries = read(file)
        if not any(all(old[field] == new[field] for field in said) for old in entries):
            new["previous"] = entries[-1]["entry"] if entries else ""
            entries = [*entries, new | {"entry": _sum(new)}]
        store.write_json(entries, file)
    return entries


def _check(entry: Mapping[str, str]) -> None:
    wrong = sorted(set(entry) ^ set(FIELDS))
    if wrong:
        raise BadInput(
            f"A register entry needs exactly {', '.join(FIELDS)}; {', '.join(wrong)} "
            "missing or unknown."
        )
    if entry["decision"] not in DECISIONS:
        raise BadInput(
            f"decision must be one of {list(DECISIONS)}, but {entry['decision']!r} was "
            "passed."
        )


def _sum(entry: Mapping) -> str:
    """Take the checksum of all of an entry but the checksum itself."""
    text = json.dumps({k: v for k, v in entry.items() if k != "entry"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
