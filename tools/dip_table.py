"""Simulate the table that the dip test looks its chances up in: clustering/dip.yaml."""

from pathlib import Path

import numpy as np

from helpers.clustering import clusterability

SIZES = (10_000, 2000, 500, 200, 100, 50, 30, 20, 15, 10, 9, 8, 7, 6, 5, 4)
CHANCES = (
    0.0001,
    0.001,
    0.01,
    0.05,
    *(n / 10 for n in range(1, 10)),
    0.95,
    0.99,
    0.999,
)
DRAWS = 100_000
HEAD = f"""\
# Dips of evenly spread values, times the root of their number: for each number of values
# the dips that are reached with each chance. Of {DRAWS:,} draws, by tools/dip_table.py.
"""


def row(size: int) -> str:
    """Write the line of one number of values."""
    rng = np.random.default_rng([1985, size])
    drawn = [clusterability._off_one_peak(rng.random(size)) for _ in range(DRAWS)]
    dips = np.quantile(drawn, np.subtract(1, CHANCES)) * np.sqrt(size)
    return f"  {size}: [{', '.join(f'{dip:.5f}' for dip in dips)}]\n"


if __name__ == "__main__":
    lines = [row(size) for size in SIZES]
    file = Path(clusterability.__file__).with_name("dip.yaml")
    file.write_text(
        f"{HEAD}chances: {list(CHANCES)}\nsizes:\n{''.join(lines)}", "utf-8"
    )
