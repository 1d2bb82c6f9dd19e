"""Count the claims of notebooks 5 and 6 in simulated suppliers without any effect.

Run it from the project's folder: `.venv/bin/python benchmarks/false_alarms.py 100`. Each
seed makes a supplier in which no campaign does anything and nothing drives renewal. It
writes nothing but lines on the screen.
"""

import sys
import tempfile
from pathlib import Path

import duckdb
import pandas as pd
from scipy import stats

from helpers.activation import campaigns
from helpers.lifecycle import retention
from helpers.sources import uniform_supplier

ACCOUNTS, LEVEL = 800, 0.95
UNITS = {
    "response_hours": ("hour", 1.0),
    "return_share": ("0.1", 0.1),
    "satisfaction": ("point", 1.0),
}


def claimed(seed: int) -> dict[str, bool]:
    """Say what would be claimed of one supplier."""
    tables, truth = uniform_supplier.uniform_supplier(
        seed=seed, accounts=ACCOUNTS, effects=False
    )
    met = campaigns.contacted(
        tables["campaigns"], tables["contacts"], tables["responses"]
    )
    found = campaigns.effects(
        met, pd.Series(truth["segments"]), level=LEVEL, method="holm"
    )
    every = found["kind"] == campaigns.EVERY_KIND
    by_segment = found[every & (found["segment_id"] > 0)]
    overall = found[every & (found["segment_id"] == 0)]
    return {
        "campaigns: any segment": bool((by_segment["p_adjusted"] < 1 - LEVEL).any()),
        "campaigns: all customers": bool((overall["p"] < 1 - LEVEL).any()),
        **renewal(tables),
    }


def renewal(tables: dict[str, pd.DataFrame]) -> dict[str, bool]:
    """Say which drivers of renewal would be claimed."""
    ended = tables["contracts"].dropna(subset=["renewed"])
    lines = tables["lines"]
    tables["lines"] = lines.drop_duplicates(lines.columns.drop("line_id"))
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        files = {}
        for name in ("lines", "interactions", "surveys"):
            files[name] = str(Path(folder) / f"{name}.parquet")
            tables[name].to_parquet(files[name], index=False)
        facts = retention.contract_facts(
            con, ended, **files, support="support ticket", recommend="recommend"
        )
    driven = retention.renewal_drivers(facts, drivers=UNITS)
    return {
        f"renewal: {row.driver}": bool(row.p < 1 - LEVEL) for row in driven.itertuples()
    }


def main(seeds: int) -> None:
    """Print how many seeds claim something, with Wilson's interval."""
    table = pd.DataFrame([claimed(seed) for seed in range(1, seeds + 1)])
    for name, times in table.sum().items():
        low, high = stats.binomtest(int(times), seeds).proportion_ci(method="wilson")
        print(f"{name:<28}{times:4d} of {seeds}  ({low:.1%} to {high:.1%})", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
