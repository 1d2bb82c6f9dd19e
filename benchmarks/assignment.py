"""Measure the segments of 10 million customers in SQL against scikit-learn: make bench.

`python benchmarks/assignment.py --customers 10000000 --rounds 3` writes assignment.md
beside it. The customers are laid out under build/bench/ (2 GB) and removed again.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import measure
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from helpers.clustering import model as clustering_model
from helpers.core import errors, paths, store

RUN = "complete_journey"
CUSTOMERS = 10_000_000
GROUP = 122_880  # rows of a row group of every file, as DuckDB writes them
BATCH = 2 * GROUP  # customers made at a time
ODD = 1_000  # in each batch so many of each kind that is made to be difficult
NOISE = 0.2  # deviation of the logarithm of shares and sales
SEED = 17
ROUNDS = 3  # A B A B; the table holds medians
TIED = 1e-6  # nearest over second nearest distance is 1, but for this
READINGS = ["segment_id", "value_tier", "activity", "deal_proneness"]

FOLDER = paths.home() / "build" / "bench"
RESULT = Path(__file__).with_suffix(".md")


# --- The customers


def make_customers(model: clustering_model.Model, file: Path, customers: int) -> None:
    """Write copies of the run's customers with noise, and some that are difficult."""
    own = store.read("features", run=RUN)
    own = own.loc[model.enough_data(own), model.inputs()]
    tied = on_ties(model, own)
    writer = None
    for first in range(0, customers, BATCH):
        rng = np.random.default_rng([SEED, first])
        batch = copies(own, min(BATCH, customers - first), rng)
        difficult(batch, model, tied, rng)
        batch.insert(
            0, "customer_id", [f"c{i}" for i in range(first, first + len(batch))]
        )
        rows = pa.Table.from_pandas(batch, preserve_index=False)
        # Noise makes nearly all numbers differ: a dictionary of them would slow both.
        writer = writer or pq.ParquetWriter(file, rows.schema, use_dictionary=False)
        writer.write_table(rows, row_group_size=GROUP)
    writer.close()


def copies(own: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw customers and change their sales and shares a little."""
    drawn = own.iloc[rng.integers(0, len(own), n)].reset_index(drop=True)
    shares = [name for name in own if name.startswith("share_")]
    changed = drawn[shares].to_numpy() * rng.lognormal(0, NOISE, (n, len(shares)))
    drawn[shares] = changed / np.maximum(changed.sum(axis=1, keepdims=True), 1)
    drawn["sales"] = (drawn["sales"] * rng.lognormal(0, NOISE, n)).round(2)
    return drawn


def on_ties(model: clustering_model.Model, own: pd.DataFrame) -> pd.DataFrame:
    """Make customers half way between two centres, which are as near but for rounding."""
    steps, centres = model.preparation, np.array(model.centres)
    pairs = np.array(np.triu_indices(len(centres), 1)).T
    scores = centres[pairs].mean(axis=1)
    roots = scores * steps.divisor + steps.mean
    # So much sales that the population's shares, which pull, are outweighed.
    rows = own.iloc[[0] * len(pairs)].assign(sales=1e12).reset_index(drop=True)
    rows[steps.columns] = roots.clip(steps.lower, steps.upper) ** 2
    return rows


def difficult(
    batch: pd.DataFrame,
    model: clustering_model.Model,
    tied: pd.DataFrame,
    rng: np.random.Generator,
) -> None:
    """Put ties, nothing sold, one order and numbers on a cut first in a batch."""
    ties, nothing, once, cut = batch.index[: 4 * ODD].to_numpy().reshape(4, -1)
    batch.iloc[ties] = tied.iloc[np.arange(ODD) % len(tied)].to_numpy()
    batch.loc[nothing, "sales"] = 0.0
    batch.loc[nothing, model.preparation.columns] = np.nan
    batch.loc[once, "orders"] = 1
    batch.loc[once, "gap_mean_days"] = np.nan
    batch.loc[cut, "sales"] = rng.choice(list(model.value_cuts.values()), len(cut))
    batch.loc[cut, "gap_mean_days"] = 10.0
    batch.loc[cut, "recency_days"] = rng.choice([20, 40], len(cut))


# --- The sides, each in a process of its own


def in_sql(
    model: clustering_model.Model, folder: Path, labels: str, columns: str
) -> None:
    """Let DuckDB write the labels."""
    query = model.to_sql(f"read_parquet('{folder / 'customers.parquet'}')")
    with measure.inside(), duckdb.connect() as con:
        con.execute("set enable_progress_bar = false; set threads = 1")
        con.execute(f"copy (select {columns} from ({query})) to '{folder / labels}'")


def pipeline(model: clustering_model.Model) -> Pipeline:
    """Write the preparation and the centres for scikit-learn, sparing memory."""
    steps = model.preparation
    prior, population = np.array(steps.priors), np.array(steps.population)

    def roots(table: pd.DataFrame) -> np.ndarray:
        sales = table[["sales"]].to_numpy()
        shrunk = table[steps.columns].to_numpy() * sales
        np.nan_to_num(shrunk, copy=False)  # of nothing there is no share
        shrunk += prior * population
        shrunk /= sales + prior
        return np.sqrt(shrunk, out=shrunk)

    def scores(shrunk: np.ndarray) -> np.ndarray:
        np.clip(shrunk, steps.lower, steps.upper, out=shrunk)
        shrunk -= steps.mean
        shrunk /= steps.divisor
        return shrunk

    centres = np.array(model.centres)
    nearest = KMeans(len(centres), init=centres, n_init=1, max_iter=1).fit(centres)
    return make_pipeline(
        FunctionTransformer(roots), FunctionTransformer(scores), nearest
    )


def in_scikit_learn(model: clustering_model.Model, folder: Path) -> None:
    """Let a pipeline predict the labels, and measure its last step alone too."""
    file, steps = folder / "customers.parquet", pipeline(model)
    columns = ["orders", "lines", "sales", *model.preparation.columns]
    with measure.inside() as also:
        # Without the buffer, which would hold the whole file beside the table; and what
        # reading took goes back to the system.
        table = pd.read_parquet(file, columns=columns, pre_buffer=False)
        pa.default_memory_pool().release_unused()
        prepared = steps[:-1].transform(table)
        start = time.process_time()
        found = steps[-1].predict(prepared) + 1
        also["predict"] = time.process_time() - start
        found[~model.enough_data(table).to_numpy()] = 0
        del table, prepared
        ids = pd.read_parquet(file, columns=["customer_id"])
        labels = ids.assign(segment_id=found)
        labels.to_parquet(folder / "learned.parquet", row_group_size=GROUP)


def compare(model: clustering_model.Model, folder: Path) -> None:
    """Assign all customers by batches; count those whom the other sides read otherwise."""
    counts = dict.fromkeys(("differ", "ties", "learned", "learned_apart"), 0)
    files = [folder / f"{name}.parquet" for name in ("customers", "all", "learned")]
    with measure.inside() as also:
        for rows, in_sql, learned in zip(*map(batches, files), strict=True):
            own = model.assign(rows)
            assert (own["customer_id"] == in_sql["customer_id"]).all()
            assert (own["customer_id"] == learned["customer_id"]).all()
            tied = own["distance_ratio"] > 1 - TIED
            unlike = own["segment_id"] != learned["segment_id"]
            counts["differ"] += (own[READINGS] != in_sql[READINGS]).any(axis=1).sum()
            counts["ties"] += tied.sum()
            counts["learned"] += unlike.sum()
            counts["learned_apart"] += (unlike & ~tied).sum()
        also |= {name: int(count) for name, count in counts.items()}


def batches(file: Path) -> Iterator[pd.DataFrame]:
    """Read a table in its order, a row group at a time."""
    # Not by iter_batches, which keeps what it has read.
    with pq.ParquetFile(file) as table:
        for group in range(table.num_row_groups):
            yield table.read_row_group(group).to_pandas()


SIDES = {
    "sql": lambda model, folder: in_sql(
        model, folder, "segments.parquet", "customer_id, segment_id"
    ),
    "all": lambda model, folder: in_sql(model, folder, "all.parquet", "*"),
    "scikit-learn": in_scikit_learn,
    "assign": compare,
}


# --- The page


def rows(found: dict[str, list[measure.Taken]]) -> list[dict[str, str]]:
    """Write one row for each side."""
    named = {
        "sql": "SQL in DuckDB: segments",
        "all": "SQL in DuckDB: all three readings",
        "scikit-learn": "scikit-learn, `Pipeline.predict`: segments",
        "assign": "`Model.assign` by batches, and the comparison",
    }
    return [
        {
            "Side": named[side],
            "CPU s": f"{measure.median(taken, 'cpu'):.1f}",
            "Wall s": f"{measure.median(taken, 'wall'):.1f}",
            "Peak MB": f"{measure.median(taken, 'peak'):,.0f}",
            **{
                f"{words} / scikit-learn (least to most)": measure.ratio_text(
                    measure.ratio(taken, found["scikit-learn"], figure)
                )
                if side in ("sql", "all")
                else ""
                for words, figure in (("CPU", "cpu"), ("Peak", "peak"))
            },
        }
        for side, taken in found.items()
    ]


def page(
    found: dict[str, list[measure.Taken]], customers: int, rounds: int, stamp: str
) -> str:
    """Write the page."""
    count = json.loads(found["assign"][0].printed)
    alone = [json.loads(one.printed)["predict"] for one in found["scikit-learn"]]
    return f"""# Segments of many customers: SQL against scikit-learn

{stamp}

{customers:,} customers: copies of the classified customers of the default run with noise in shares and sales. Of each
{BATCH:,}, {ODD:,} lie half way between two centres, {ODD:,} bought nothing and have no shares, {ODD:,} have one order, and
{ODD:,} lie on a cut of value and of activity. Every side reads the same Parquet file and writes ids and labels to Parquet,
in a process of its own on one thread, in turn, {rounds} times; medians, imports left out, peak of the process. Ratios are
taken round by round: below 1, SQL is faster or smaller.

{measure.table(rows(found))}

The pipeline prepares in place, reads without a buffer and gives back what reading took: written plainly it needs more
memory. Its last step alone, `KMeans.predict` on the matrix ready in memory, takes {statistics.median(alone):.1f} CPU s: for what is in memory already,
that or `Model.assign` is the faster way. SQL is for what lies in files or a warehouse; most of its time goes into
reading, the roots and writing.

**SQL and `Model.assign` differ on {count["differ"]:,} of {customers:,} customers** in any of the three readings, ties
included. {count["ties"]:,} customers are as near to two centres, to a millionth; scikit-learn, which breaks ties by rounding,
gives {count["learned"]:,} customers another segment, {count["learned_apart"]:,} of them not on a tie.
"""


def main() -> int:
    """Measure all sides and write the page; return the exit code."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--customers", type=int, default=CUSTOMERS)
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    asked.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    asked.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = asked.parse_args()
    try:
        model = clustering_model.load(paths.processed(RUN) / "segment_model.json")
        if options.side:
            SIDES[options.side](model, options.folder)
            return 0
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            make_customers(model, Path(folder) / "customers.parquet", options.customers)
            loads = [measure.load()]
            found = measured(Path(folder), options.rounds)
    except errors.BadInput as fault:
        print(fault, file=sys.stderr)  # it says to run `make report`
        return 1
    stamp = measure.machine(
        [*loads, measure.load()], "duckdb", "scikit-learn", "pandas"
    )
    text = page(found, options.customers, options.rounds, stamp)
    RESULT.write_text(text, encoding="utf-8")
    print(text)
    return 0


def measured(folder: Path, rounds: int) -> dict[str, list[measure.Taken]]:
    """Run the sides in turn, and the comparison once at the end."""
    commands = {
        side: [sys.executable, __file__, "--side", side, "--folder", folder]
        for side in SIDES
    }
    last = {"assign": commands.pop("assign")}
    # One thread each: on two that share a core, the same work takes more CPU seconds.
    env = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    found = measure.paired(commands, rounds=rounds, part=True, env=env)
    return found | measure.paired(last, rounds=1, part=True, env=env)


if __name__ == "__main__":
    sys.exit(main())
