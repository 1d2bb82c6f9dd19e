"""Count the alarms of notebook 7 in simulated years with a planted drift and without.

Run it from the project's folder: `.venv/bin/python benchmarks/drift_alarms.py 100`. Each
seed makes a supplier of its own, fits five segments on the training window and reviews
the four quarters of 2025. It writes nothing but lines on the screen.
"""

import itertools
import sys
import tempfile
from pathlib import Path

import duckdb
import pandas as pd

from helpers.clustering import methods, model as clustering_model
from helpers.features import dictionary, preparation
from helpers.refinement import drift, migration
from helpers.sources import uniform_supplier
from helpers.statistics import intervals

FIRST, LAST, END = "2023-01-01", "2025-03-31", "2025-12-31"
ACCOUNTS, K = 800, 5
PRIORS = {"sales": 100.0, "orders": 5.0, "contacts": 5.0}
WEIGHTS = {"share": "sales", "channel": "orders", "topic": "contacts"}


def saved(seed: int, effects: bool, folder: Path) -> dict[str, str]:
    """Simulate a supplier and save its tables, cleaned of doubled and empty lines."""
    tables, _ = uniform_supplier.uniform_supplier(
        seed=seed, accounts=ACCOUNTS, effects=effects
    )
    lines = tables["lines"][tables["lines"]["quantity"] > 0]
    tables["lines"] = lines.drop_duplicates(lines.columns.drop("line_id"))
    names = {"customers": "declared", "lines": "lines", "products": "products"}
    files = {}
    for name, asked in (names | {"interactions": "interactions"}).items():
        files[asked] = str(folder / f"{name}.parquet")
        tables[name].to_parquet(files[asked], index=False)
    return files


def fitted(table: pd.DataFrame, seed: int) -> clustering_model.Model:
    """Fit needs segments as notebooks 2 and 3 do, with five of them."""
    enough = table[(table["orders"] >= 8) & (table["lines"] >= 30)]
    weights = {
        name: WEIGHTS[name.split("_")[0]]
        for name in table
        if name.startswith(("share_", "channel_", "topic_"))
    }
    prepared = preparation.fit(
        enough, weights=weights, priors=PRIORS, winsor=0.01, scaling="pareto"
    )
    scores = prepared.transform(enough).to_numpy()
    centres = methods.kmeans(scores, k=K, seed=seed, n_init=10)
    return clustering_model.Model(
        run="simulated",
        first=FIRST,
        last=LAST,
        min_orders=8,
        min_lines=30,
        preparation=prepared,
        centres=centres.tolist(),
        value_cuts={"low": 0.0},
        activity_cuts={"active": 2.0},
        min_gap_days=7.0,
        deal_parts={},
        deal_cuts={},
        borderline=0.9,
    )


def alarmed(seed: int, *, effects: bool) -> list[bool]:
    """Say for each quarter of 2025 whether an alarm is raised."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        files = saved(seed, effects, Path(folder))
        model = fitted(dictionary.build(con, first=FIRST, last=LAST, **files), seed)
        periods = drift.periods(FIRST, END, frequency="Q")
        columns = [*model.preparation.columns, "contacts"]
        seen, assigned, moves = {}, {}, {}
        for row in periods.itertuples():
            table = dictionary.build(con, first=row.first, last=row.last, **files)
            scaled = migration.shortened(model, days=row.days)
            seen[row.period] = table[scaled.enough_data(table)]
            assigned[row.period] = scaled.assign(table)
        rows = list(periods.itertuples())
        for before, after in itertools.pairwise(rows):
            halves = dictionary.halves(
                con, columns=columns, first=before.first, last=after.last, **files
            )
            views = [seen[before.period], seen[after.period]]
            views += [halves[halves["half"] == name] for name in ("odd", "even")]
            scaled = migration.shortened(model, days=after.days)
            found = migration.together(*(migration.distances(scaled, v) for v in views))
            cuts = ("before", "after", "odd 1", "even 1")
            labels = dict(zip(cuts, map(migration.nearest, found), strict=True))
            moves[after.period] = migration.excess(
                labels, segments=K, n_bootstrap=200, seed=seed
            )
    references = periods.loc[periods["last"] <= LAST, "period"].tolist()
    statistics = pd.concat(
        [
            drift.assignment_statistics(assigned, segments=K),
            drift.movement_statistics(moves),
            drift.stability_indices(
                seen, columns=model.preparation.columns, references=references
            ),
        ]
    )
    reviewed = drift.review(
        statistics,
        references=references,
        reviewed=periods["period"].tolist()[-4:],
        season=periods.set_index("period")["season"].to_dict(),
        alpha=0.05,
        reviews=4,
    )
    return drift.alarms(
        reviewed, names=dict.fromkeys(range(K + 1), "a segment"), most=1
    )["alarm"].tolist()


def main(seeds: int) -> None:
    """Print how often alarms come, with and without a drift on 2025-10-01."""
    for effects in (False, True):
        found = pd.DataFrame([alarmed(seed, effects=effects) for seed in range(seeds)])
        quarters = ", ".join(f"Q{i + 1} {n}" for i, n in enumerate(found.sum()))
        early = int(found.iloc[:, : 3 if effects else 4].any(axis=1).sum())
        low, high = intervals.wilson(early / seeds, seeds, level=0.95)
        print(
            f"{'drift on 2025-10-01' if effects else 'no drift'}, {seeds} seeds of {ACCOUNTS} "
            f"accounts: alarms in 2025 {quarters}; a false alarm in {early} "
            f"({low:.1%} to {high:.1%})."
        )


if __name__ == "__main__":
    main(int(sys.argv[1]))
