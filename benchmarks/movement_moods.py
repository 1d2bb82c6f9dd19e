"""Count how often notebook 7 calls a mood of made customers movement.

A mood lasts some weeks and is drawn anew for each customer: nobody changes in the long
run. Beside it customers of whom a quarter change for good on some day of two quarters.
From the project: `PYTHONPATH=src python benchmarks/movement_moods.py 60`.
"""

import sys

import duckdb
import numpy as np
import pandas as pd

from helpers.features import staging
from helpers.refinement import migration

FIRST, TURN, LAST = "2023-01-02", "2023-04-03", "2023-07-02"  # two quarters of 91 days
DAYS = np.arange(182)
CUSTOMERS = 400
# days of a mood, whether it begins with the first day, day of a true change (0: none)
CASES = (
    *((14, True, 0), (14, False, 0), (28, True, 0), (28, False, 0), (1, False, 0)),
    *((14, False, 91), (1, False, 91), (1, False, 68), (1, False, 112)),
    (1, False, 136),
)


def cuts() -> dict[str, np.ndarray]:
    """Say which days each window holds, as `migration.views` cuts them."""
    found = {"before": DAYS < 91, "after": DAYS >= 91}
    days = pd.DataFrame({"day": pd.date_range(FIRST, LAST)})
    with duckdb.connect() as con:
        con.register("days", days)
        for weeks in migration.BLOCKS:
            odd = staging.half_of(FIRST, LAST, cut="weeks", weeks=weeks, turn=TURN).when
            query = f"select {odd.format(day='day::date')} as odd from days"
            half = con.execute(query).df()["odd"].to_numpy()
            found |= {f"odd {weeks}": half, f"even {weeks}": ~half}
    return found


def labelled(
    windows: dict[str, np.ndarray], mood: int, aligned: bool, change: int, seed: int
) -> dict[str, np.ndarray]:
    """Draw customers who buy one of two things, and label them by what they buy more."""
    rng = np.random.default_rng(seed)
    taste = rng.normal(0, 1, CUSTOMERS)
    start = np.zeros(CUSTOMERS, int) if aligned else rng.integers(0, mood, CUSTOMERS)
    moods = rng.normal(0, 1.5, (CUSTOMERS, len(DAYS) // mood + 2))
    leaning = taste[:, None] + np.take_along_axis(
        moods, (DAYS + start[:, None]) // mood, axis=1
    )
    if change:
        turned = (rng.random(CUSTOMERS) < 0.25)[:, None] & (change <= DAYS)
        leaning = leaning - turned * 4 * np.sign(taste)[:, None]
    bought = rng.random(leaning.shape) < 0.4
    first = bought & (rng.random(leaning.shape) < 1 / (1 + np.exp(-leaning)))
    return {
        name: np.where(
            2 * first[:, held].sum(axis=1) > bought[:, held].sum(axis=1), 1, 2
        )
        for name, held in windows.items()
    }


def main(seeds: int) -> None:
    """Print how often movement is called by alternate weeks alone and by all floors."""
    windows = cuts()
    for mood, aligned, change in CASES:
        rows = [
            migration.excess(
                labelled(windows, mood, aligned, change, seed),
                segments=0,
                n_bootstrap=300,
                seed=1,
            ).iloc[0]
            for seed in range(seeds)
        ]
        found = pd.DataFrame(rows)
        floors = ", ".join(
            f"{found[f'noise_{w}'].mean():.1%}" for w in migration.BLOCKS
        )
        print(
            f"moods of {mood} days from {'the first' if aligned else 'any'} day, "
            f"{f'a change on day {change}' if change else 'no change'}, {seeds} seeds: "
            f"called movement by weeks {found['beyond_weeks'].mean():.0%}, by all floors "
            f"{(found['low'] > 0).mean():.0%}; moved {found['moved'].mean():.1%}, "
            f"floors {floors}."
        )


if __name__ == "__main__":
    main(int(sys.argv[1]))
