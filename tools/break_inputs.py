"""Run `make new-run` and `make check` on broken inputs; print how each kind fared.

tests/broken.py makes them from fixed seeds. Each runs in a fork of this process, with 60
seconds. PYTHONPATH=src:tests python tools/break_inputs.py [--per N] [kind ...]
"""

import argparse
import contextlib
import importlib
import io
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from pathlib import Path

import broken
import pandas as pd

from helpers.core import command, paths
from helpers.intake import check, own_files, scaffold

LIMIT = 60  # seconds
SHOWN = ["refused", "read", "right", "told", "wrong", "traceback", "hang", "silent"]
SUMS = """select count(*), count(distinct customer_id), count(distinct order_id),
    sum(cents)::bigint from typed_lines"""


def _step(main, run: str) -> dict:
    """Run a command as make does; say what it printed, and what it read."""
    noted: list[object] = []
    problems = own_files.problems

    def noting(con, *given, **named):
        found, opened = problems(con, *given, **named)
        with contextlib.suppress(Exception):
            noted[:] = [con.execute(SUMS).fetchall()[0], *found["level"]]
        return found, opened

    own_files.problems = noting
    printed, begin, fault = io.StringIO(), time.monotonic(), ""
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            code = main([run])
        except BaseException:  # what a user would see
            code, fault = 1, traceback.format_exc()
    own_files.problems = problems
    said = printed.getvalue()
    if not fault and command.FAULT in said:
        fault = said + "".join(one.read_text() for one in paths.home().glob("build/faults/*.log"))
    return {
        "code": code,
        "said": said,
        "fault": fault,
        "sums": noted[0] if noted else None,
        "warned": "warning" in noted[1:] or "warning:" in said,
        "seconds": round(time.monotonic() - begin, 1),
    }


def _write(made: broken.Input, home: Path, run: str) -> None:
    folder = home / "data/raw" / run
    folder.mkdir(parents=True)
    for name, content in made.files.items():
        (folder / name).write_bytes(content)
    if made.made:
        made.made(folder)


def _all_steps(made: broken.Input, home: Path) -> list[dict]:
    os.environ["STUDY_HOME"] = str(home)
    (home / "runs").mkdir()
    paths.run_file = lambda run: home / "runs" / f"{paths._checked(run)}.yaml"
    _write(made, home, "own")
    (home / "runs/own.yaml").write_bytes(made.run_file)
    yield {"step": "check"} | _step(check.main, "own")
    if made.drafts:
        _write(made, home, "drafted")
        yield {"step": "new-run"} | _step(scaffold.main, "drafted")
        if (home / "runs/drafted.yaml").exists():
            yield {"step": "check the draft"} | _step(check.main, "drafted")


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
            seed = zlib.crc32(f"{kind} {number}".encode())
            made = broken.KINDS[kind](random.Random(seed), number)
            for one in _all_steps(made, home):
                one["right"] = made.right
                if one["step"] != "check" and made.drafted:
                    one["right"] = made.drafted
                file.write(json.dumps(one) + "\n")
                file.flush()
        os._exit(0)
    hung = False
    while True:
        done, status, used = os.wait4(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() - begin > LIMIT * 1.5:  # the making and three commands
            hung = True
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    steps = [json.loads(line) for line in result.read_text().splitlines()] if result.exists() else []
    if hung or status:
        fault = "" if hung else f"it died: {status}"
        steps.append({"step": "next", "hang": hung, "fault": fault, "seconds": time.monotonic() - begin})
    shutil.rmtree(home, ignore_errors=True)
    return {"kind": kind, "number": number, "megabytes": used.ru_maxrss >> 10, "steps": steps}


def verdict(step: dict) -> str:
    """Say in a word how a command ended."""
    if step.get("hang") or step["seconds"] > LIMIT:
        return "hang"
    if step["fault"]:
        return "traceback"
    if step["code"]:
        return "refused" if step["said"].strip() else "silent"
    if step["step"] == "new-run":
        return "read"
    if step["right"] == broken.ANY:
        return "read"
    same = step["right"] != broken.REFUSED and [
        one == other
        for one, other in zip(step["sums"], step["right"], strict=True)
    ]
    # A draft may take what is bought on a day for an order.
    if same and all(same if step["step"] == "check" else same[:2] + same[3:]):
        return "right"
    return "told" if step["warned"] else "wrong"


def main() -> int:
    """Run the kinds named, or all; return 1 if one met a traceback, a hang or wrong sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="kind")
    parser.add_argument("--per", type=int, default=8, help="inputs of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--full", action="store_true", help="print what was said")
    parser.add_argument("--into", type=Path, help="append results to a file of JSON")
    given = parser.parse_args()
    importlib.import_module("ibis.backends.sqlite")
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
                step["sums"] = tuple(step["sums"]) if step.get("sums") else None
                word = verdict(step)
                step["verdict"] = word
                counted[word] += 1
                longest = max(longest, step["seconds"])
                if word in ("hang", "traceback", "wrong", "silent") or given.full:
                    told = step.get("fault") or step.get("said", "")
                    tail = told if given.full else "\n".join(told.strip().splitlines()[-4:])
                    print(f"{kind} {number} {step['step']}: {word}", step.get("sums"), step.get("right"))
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
    frame.loc["all", ["seconds", "megabytes"]] = frame.iloc[:-1][["seconds", "megabytes"]].max()
    print(frame.to_string())
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
