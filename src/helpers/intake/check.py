"""Name every problem of a run file and its files, as `make check` does; write nothing."""

import sys

import duckdb
import pandas as pd

from helpers.core import command, disk, engines, paths
from helpers.core.errors import BadInput
from helpers.intake import customer_table, outlook, own_files
from helpers.runs import coverage, run_file

LEVELS = ("error", "warning")


def check(run: str) -> tuple[pd.DataFrame, list[str]]:
    """List a run's problems (table, level, said); if none is an error, foretell it."""
    content = run_file.read(run)
    with disk.scratch() as spill, duckdb.connect() as con:
        engines.limit(con, spill)
        found, sources = own_files.problems(con, content, run=run, spill=spill)
        told = set(found["said"])
        faults = _of_the_run(run)
        more = [("run", "error", one) for one in faults if one not in told]
        known = {book.stem for book in paths.notebooks()}
        lines = "lines" in {source.table for source in sources}
        # Windows are known where the run file is sound, and days where lines are.
        asked = lines and not faults and known.issuperset(coverage.BOOKS)
        beyond = list(coverage.problems(con, run=run)) if asked else []
        found = pd.concat(
            [
                pd.DataFrame(rows, columns=own_files.PROBLEMS)
                for rows in (more, found, beyond)
            ],
            ignore_index=True,
        )
        if (found["level"] == "error").any():
            return found, []
        for source in (source for source in sources if source.alone):
            families = customer_table.families(content, source)
            return found, customer_table.picture(con, source, families)
        if not asked:
            return found, []
        settings = run_file.parameters(run, coverage.CLEANING)
        settings |= run_file.parameters(run, outlook.BOOK)
        said, few = outlook.of_settings(
            con, sources, settings=settings, spill=spill, keep=False
        )
    return found, [few] if few else said


def _of_the_run(run: str) -> list[str]:
    """Name the faults of a run file, among them those of notebooks' parameters."""
    try:
        run_file.check(run)
    except BadInput as faults:
        lines = str(faults).splitlines()
        return [line.removeprefix(f"runs/{run}.yaml: ") for line in lines]
    return []


@command.says_what_stops
def main(arguments: list[str]) -> int:
    """Print the problems of the run named on the command line; return the exit code."""
    found, foretold = check(*arguments)
    for level, said in found[["level", "said"]].itertuples(index=False):
        print(f"{level}: {said}")
    print("".join(f"{said}\n" for said in foretold), end="")
    errors, warnings = (int((found["level"] == one).sum()) for one in LEVELS)
    print(f"Errors: {errors}, warnings: {warnings}. Nothing was written.")
    return int(errors > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
