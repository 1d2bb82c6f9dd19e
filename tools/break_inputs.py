"""Run `make new-run` and `make check` on broken inputs; print how each kind fared.

tests/broken.py makes them from fixed seeds. Each runs in a fork of this process, with 60
seconds a command. PYTHONPATH=src:tests python tools/break_inputs.py [--per N] [kind ...]
"""

import argparse
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import broken
import pandas as pd

LIMIT = 60  # seconds of processor time a command; ten times as many on a busy machine
SHOWN = ["refused", "read", "right", "told", "wrong", "traceback", "hang", "silent"]


def forked(kind: str, number: int) -> dict:
    """Make one input and run it in a fork; return how it ended."""
    home = Path(tempfile.mkdtemp(prefix="broken-"))
    result = home / "result.jsonl"
    begin = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with result.open("w") as file:
            for one in broken.steps(broken.make(kind, number), home):
                file.write(json.dumps(one) + "\n")
                file.flush()
        os._exit(0)
    hung = False
    while True:
        done, status, used = os.wait4(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() - begin > LIMIT * 10:
            hung = True
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    steps = (
        [json.loads(line) for line in result.read_text().splitlines()]
        if result.exists()
        else []
    )
    if hung or status:
        fault = "" if hung else f"it died: {status}"
        word = "hang" if hung else "traceback"
        seconds = time.monotonic() - begin
        steps.append(
            {"step": "next", "verdict": word, "fault": fault, "seconds": seconds}
        )
    shutil.rmtree(home, ignore_errors=True)
    return {
        "kind": kind,
        "number": number,
        "megabytes": used.ru_maxrss >> 10,
        "steps": steps,
    }


def main() -> int:
    """Run the kinds named, or all; return 1 if one met a traceback, a hang or wrong sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="kind")
    parser.add_argument("--per", type=int, default=8, help="inputs of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--full", action="store_true", help="print what was said")
    parser.add_argument("--into", type=Path, help="append results to a file of JSON")
    given = parser.parse_args()
    importlib.import_module("openpyxl")
    table, bad = {}, 0
    for kind in given.kinds or broken.KINDS:
        counted: Counter[str] = Counter()
        longest = most = 0.0
        for number in range(given.first, given.first + given.per):
            ended = forked(kind, number)
            most = max(most, ended["megabytes"])
            counted["inputs"] += 1
            for step in ended["steps"]:
                word = "hang" if step["seconds"] > LIMIT else step["verdict"]
                counted[word] += 1
                longest = max(longest, step["seconds"])
                if word in ("hang", "traceback", "wrong", "silent") or given.full:
                    told = step.get("fault") or step.get("said", "")
                    tail = (
                        told
                        if given.full
                        else "\n".join(told.strip().splitlines()[-4:])
                    )
                    print(
                        f"{kind} {number} {step['step']}: {word}",
                        step.get("sums"),
                        step.get("right"),
                    )
                    print("    " + tail[-1500:].replace("\n", "\n    "), flush=True)
                bad += word in ("hang", "traceback", "wrong", "silent")
            if given.into:
                with given.into.open("a") as file:
                    file.write(json.dumps(ended, ensure_ascii=False) + "\n")
        table[kind] = {"inputs": counted["inputs"], **{w: counted[w] for w in SHOWN}}
        table[kind] |= {"seconds": round(longest, 1), "megabytes": most}
        print(f"{kind:<24}", dict(counted), f"{longest:.1f} s, {most} MB", flush=True)
    frame = pd.DataFrame(table).T
    frame.loc["all"] = frame.sum()
    frame.loc["all", ["seconds", "megabytes"]] = frame.iloc[:-1][
        ["seconds", "megabytes"]
    ].max()
    print(frame.to_string())
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
