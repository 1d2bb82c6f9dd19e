"""Attack the report of a run: small groups, and sums of money that one customer holds.

PYTHONPATH=src:tests python tools/audit_report.py RUN

The report itself is refused where the auditor finds a small group; who dominates a sum
is found with the customers at hand, so this looks at it from inside.
"""

import sys

import dominated

from helpers.disclosure import auditor
from helpers.report import build


def main(run: str) -> int:
    """Print what is found; return 1 if there is anything."""
    pages = build.render(run)
    found = [str(leak) for leak in auditor.audit(pages)]
    for *cell, share in dominated.find(pages, dominated.customers_of(run)):
        found.append(f"{', '.join(cell)}: one customer holds {share:.0%}")
    print("\n".join(found) or f"{run}: nothing is given away")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
