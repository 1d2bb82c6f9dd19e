"""Measure the feature table against pandas, peers and the physical limit: make bench.

`python benchmarks/features.py --sizes 1,10,100 --rounds 3` writes features.md and
features.svg beside it. The lines of the default run are replicated under build/bench/.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import matplotlib.pyplot as plt
import measure
import numpy as np
import pandas as pd

from helpers.core import engines, errors, paths, schema, store

RUN = "complete_journey"
MEMORY = 12 * 1024  # MB at which a side is stopped, or not begun
ONCE = 100  # copies from which a side runs once: it takes minutes
PATIENCE = 1800  # seconds on the clock at which a side is stopped
COMPARED = 10  # largest size at which all sides are compared: all fit into memory
CLOSE = 1e-9  # how far the same feature of two sides may differ, relative
FOLDER = paths.home() / "build" / "bench"
HERE = Path(__file__).parent
SIDES = HERE / "features_sides.py"
LOCK = HERE / "peers.lock"
PEERS = FOLDER / "peers" / "bin" / "python"  # an environment of their own
PAGE, PICTURE = (HERE / f"features.{kind}" for kind in ("md", "svg"))


@dataclass(frozen=True)
class Side:
    """One way to build features: a function of features_sides.py.

    Parameters
    ----------
    name : str
        As the table says it.
    function : str
        Its name in features_sides.py.
    peer : str, optional
        Package that must be there; it runs in the environment of the peers.
    """

    name: str
    function: str
    peer: str = ""


TABLE = (
    Side("The study", "ours"),
    Side("Scan of the same columns", "scan"),
    Side("DuckDB SQL staged by hand", "staged"),
    Side("pandas groupby", "pandas"),
    Side("Polars, streaming", "polars", "polars"),
)
PART = (
    Side("The study", "ours_part"),
    Side("pandas groupby", "pandas_part"),
    Side("openretailscience", "openretailscience", "openretailscience"),
    Side("pymc-marketing", "pymc_marketing", "pymc-marketing"),
    Side("lifetimes", "lifetimes", "lifetimes"),
)

# What a side took at one size, or why there is no figure.
Found = dict[str, list[measure.Taken] | str]


# --- The data


def replicated(size: int) -> Path:
    """Copy the lines of the default run, each copy with customers and orders of its own.

    They lie in the order in which cleaning writes lines. Ids begin with the copy, so that
    alike customers are not neighbours: files would be packed too well.

    Parameters
    ----------
    size : int
        How many copies.

    Returns
    -------
    Path
        Parquet file under build/bench/, made once.
    """
    source = store.located("lines", run=RUN)
    stamp = f"{source.stat().st_size}-{source.stat().st_mtime_ns}"
    file = FOLDER / f"lines-x{size}-{stamp}.parquet"
    if file.exists():
        print(f"x{size}: lines are there already.")
        return file
    print(f"x{size}: copying lines ...", flush=True)
    for old in FOLDER.glob(f"lines-x{size}-*.parquet"):
        old.unlink()
    with (
        tempfile.TemporaryDirectory(dir=FOLDER) as folder,
        store.replacing(file) as partial,
        duckdb.connect() as con,
    ):
        con.execute(f"set memory_limit = '2GB'; set temp_directory = '{folder}'")
        con.execute("set enable_progress_bar = false")
        months = con.execute(
            "select distinct date_trunc('month', ordered_at) from read_parquet($file) "
            "order by all",
            {"file": str(source)},
        ).fetchall()
        for number, (month,) in enumerate(months):
            con.execute(
                f"""copy (
                    select line_id * {size} + copy as line_id,
                        lpad(copy::text, 3, '0') || '_' || customer_id as customer_id,
                        lpad(copy::text, 3, '0') || '_' || order_id as order_id,
                        l.* exclude (line_id, customer_id, order_id)
                    from read_parquet('{source}') l cross join range({size}) r(copy)
                    where date_trunc('month', ordered_at) = '{month}'
                    order by {schema.TABLES["lines"].layout}
                ) to '{folder}/{number:03}.parquet' (compression zstd)"""
            )
        con.execute(
            f"copy (from read_parquet('{folder}/*.parquet')) to '{partial}' "
            "(format parquet, compression zstd)"
        )
    return file


def counted(file: Path) -> int:
    """Count the lines of a file, from its footer."""
    query = "select sum(num_rows) from parquet_file_metadata($file)"
    return int(duckdb.execute(query, {"file": str(file)}).fetchall()[0][0])


# --- The environment of the peers


def prepare_peers() -> dict[str, str]:
    """Install the peers, in an environment of their own.

    Returns
    -------
    dict of str
        Package -> version, of what is there; empty where nothing could be installed.
    """
    if not PEERS.exists():
        print("Installing the peers ...", flush=True)
        folder = PEERS.parent.parent
        make = [sys.executable, "-m", "venv", "--without-pip", "--clear", str(folder)]
        subprocess.run(make, check=True)
    sync = [sys.executable, "-m", "uv", "pip", "sync", "--quiet", "--require-hashes"]
    sync += ["--compile-bytecode", "--python", str(PEERS), str(LOCK)]
    if subprocess.run(sync).returncode:
        print("The peers could not be installed: see above. They are left out.")
        return {}
    frozen = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "freeze", "--python", str(PEERS)],
        **{"capture_output": True, "text": True, "check": True},
    ).stdout.splitlines()
    return dict(line.split("==") for line in frozen if "==" in line)


# --- Measuring


def command(side: Side, lines: Path, result: Path | str = "") -> list[str]:
    """Say how a side is run."""
    python = str(PEERS) if side.peer else sys.executable
    products = store.located("products", run=RUN)
    return [
        *(python, "-W", "ignore", str(SIDES), side.function),
        *map(str, (lines, products, result)),
    ]


def check(sides: list[Side], lines: Path, folder: Path) -> pd.DataFrame:
    """Compare what all sides build, before anything is timed.

    Parameters
    ----------
    sides : list of Side
        Ours first.
    lines : Path
        File of `replicated`.
    folder : Path
        Receives the tables.

    Returns
    -------
    DataFrame
        What ours built.

    Raises
    ------
    SystemExit
        If a side has other customers, or a feature that differs by more than `CLOSE`.
    """
    tables = {}
    for side in sides:
        file = folder / f"{side.function}.parquet"
        measure.run(command(side, lines, file))
        tables[side.name] = pd.read_parquet(file)
    ours = tables[sides[0].name]
    for name, other in tables.items():
        if "customer_id" not in other:  # a scan builds nothing
            continue
        if missing := _other(ours, other):
            raise SystemExit(f"{name} and the study differ: {missing}.")
    return ours


def _other(ours: pd.DataFrame, theirs: pd.DataFrame) -> str:
    """Say in what two tables differ; empty if nowhere."""
    one, two = (t.set_index("customer_id").sort_index() for t in (ours, theirs))
    if not one.index.equals(two.index.astype(one.index.dtype)):
        return "customers"
    for column in one.columns.intersection(two.columns):
        same = np.isclose(
            *(table[column].to_numpy(float) for table in (one, two)),
            **{"rtol": CLOSE, "atol": CLOSE, "equal_nan": True},
        )
        if not same.all():
            return f"{column} of {(~same).sum()} customers"
    return ""


def check_copies(lines: Path, once: pd.DataFrame, folder: Path) -> None:
    """Require that every copy of a customer has the features of the original."""
    file = folder / "copies.parquet"
    measure.run(command(TABLE[0], lines, file))
    table = pd.read_parquet(file)
    original = table["customer_id"].str.replace(r"^\d+_", "000_", regex=True)
    expected = once.set_index("customer_id").loc[original].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        table.drop(columns="customer_id"), expected, rtol=CLOSE, atol=CLOSE
    )


def measured(
    sides: list[Side], lines: Path, rounds: int, before: Mapping, growth: float
) -> Found:
    """Measure the sides in turn; leave out what cannot fit into memory.

    Parameters
    ----------
    sides : list of Side
        What runs.
    lines : Path
        File of `replicated`.
    rounds : int
        How often.
    before : Mapping
        What the same sides took at the size before, if there was one.
    growth : float
        How many times more lines there are now.

    Returns
    -------
    dict
        Name of a side -> what it took, or why there is no figure.
    """
    found: Found = {}
    for side in sides:
        last = before.get(side.name)
        if isinstance(last, str):
            found[side.name] = last
        elif last and _outgrows(last, growth):
            found[side.name] = (
                f"not begun: would need about "
                f"{measure.median(last, 'peak') * growth / 1024:.0f} GB"
            )
    runs = {s.name: command(s, lines) for s in sides if s.name not in found}
    limits = {"memory": MEMORY, "seconds": PATIENCE}
    return found | measure.paired(runs, rounds=rounds, part=True, **limits)


def _outgrows(last: list[measure.Taken], growth: float) -> bool:
    """Tell whether a side that keeps all lines in memory would pass the limit."""
    peak = measure.median(last, "peak")
    return peak > 1024 and peak * growth > MEMORY


# --- The page


def rows(found: Mapping[int, Found], lines: Mapping[int, int]) -> list[dict[str, str]]:
    """Write what was measured as rows, one a side and size."""
    made = []
    for size, sides in found.items():
        ours = sides[TABLE[0].name]
        for name, taken in sides.items():
            row = {"Lines": f"{lines[size]:,} (x{size})", "Side": name}
            if isinstance(taken, str):
                blank = dict.fromkeys(_FIGURES, "")
                made.append(row | blank | {"CPU s": f"{taken}"})
                continue
            cpu, wall, peak = (
                measure.median(taken, f) for f in ("cpu", "wall", "peak")
            )
            figures = (
                *(f"{cpu:.2f}", f"{wall:.2f}", f"{peak:,.0f}"),
                f"{cpu / lines[size] * 1e6:.2f}",
                *(_against(taken, ours, figure) for figure in ("cpu", "peak")),
            )
            made.append(row | dict(zip(_FIGURES, figures, strict=True)))
    return made


_FIGURES = ("CPU s", "Wall s", "Peak MB", "CPU s a million lines")
_FIGURES += ("CPU / ours (least to most)", "Peak / ours (least to most)")


def _against(
    taken: list[measure.Taken], ours: list[measure.Taken] | str, figure: str
) -> str:
    if taken is ours or isinstance(ours, str):
        return "1"
    return measure.ratio_text(measure.ratio(taken, ours, figure))


def targets(table: Mapping[int, Found], part: Mapping[int, Found]) -> list[str]:
    """Say of each target whether it was met, with the figure."""
    ours, _, staged, pandas, _ = (side.name for side in TABLE)
    # What is compared (one side over another), at which size, and what is wanted.
    wanted = [
        *((table, size, ours, staged, "cpu", "at most", 1.15) for size in table),
        (table, 10, pandas, ours, "cpu", "at least", 2.5),
        (table, 10, pandas, ours, "peak", "at least", 5),
        *(
            (part, 10, ours, side.name, figure, "at most", 1)
            for side in PART[1:]
            for figure in ("cpu", "peak")
        ),
    ]
    said = []
    for found, size, one, other, figure, bound, target in wanted:
        sides = [found.get(size, {}).get(name, "") for name in (one, other)]
        if any(isinstance(taken, str) for taken in sides):
            continue  # not measured
        words = "CPU" if figure == "cpu" else "memory"
        names = f"{one} over {other}".replace("The", "the")
        of = "" if found is table else " (four features)"
        value = measure.ratio(*sides, figure)[0]
        said.append(
            _judged(
                f"x{size}, {words} of {names}{of}: {value:.2f}", value, bound, target
            )
        )
    if isinstance(table.get(100, {}).get(ours, ""), str):
        return said
    peak = measure.median(table[100][ours], "peak") / 1024
    said.append(_judged(f"x100, our peak in GB: {peak:.2f}", peak, "at most", 1.5))
    if 10 in table:
        ten, hundred = (measure.median(table[n][ours], "cpu") / n for n in (10, 100))
        words = f"CPU of a line at x100 over x10: {hundred / ten:.2f}"
        said.append(_judged(words, hundred / ten, "at most", 1.25))
    return said


def _judged(words: str, value: float, bound: str, target: float) -> str:
    met = value <= target if bound == "at most" else value >= target
    return f"- {words}, {bound} {target:g} wanted: {'met' if met else '**not met**'}."


def imports(table: Found, part: Found) -> str:
    """Say what importing took, which is not in the figures."""
    said = {}
    for name, taken in (table | part).items():
        if not isinstance(taken, str):
            median = np.median([one.more["imports"] for one in taken])
            said[name] = f"{name} {median:.1f}"
    return ", ".join(said.values())


def page(
    table: Mapping[int, Found],
    part: Mapping[int, Found],
    lines: Mapping[int, int],
    *,
    stamp: str,
    rounds: int,
) -> str:
    """Write features.md."""
    largest = max(table)
    first = min(table)
    columns = ", ".join(f"`{name}`" for name in ("customer_id", *_PART_COLUMNS))
    compared = " and ".join(f"x{size}" for size in table if size <= COMPARED)
    parts = [
        "# The feature table against pandas, peers and the physical limit",
        stamp,
        f"Every side works in a process of its own, in turn, {rounds} times "
        f"(`--rounds`; once from x{ONCE} on, which takes minutes); medians of "
        "what reading and computing take, imports left out; memory is the peak of the "
        "process. Ratios are taken pair by pair: above 1, ours is faster or smaller. "
        f"DuckDB may keep {engines.MEMORY} in memory, on our side and in the SQL staged "
        f"by hand. A side that would need more than {MEMORY // 1024} GB is not begun. "
        f"All sides were compared before: at {compared}, every feature of every customer "
        f"agrees to {CLOSE:g}; at every size, each copy of a customer has the features of "
        "the original by ours.",
        "## All features",
        "![Growth of CPU time and memory with the number of lines](features.svg)",
        measure.table(rows(table, lines)),
        "## Recency, frequency, monetary value and tenure",
        f"Ours builds {columns}. openretailscience gives no tenure, but scores; "
        "pymc-marketing no tenure, and days with orders for orders; lifetimes days with "
        "orders for orders. What they share with ours agrees. Sales are of goods, so "
        "every side reads products too.",
        measure.table(rows(part, lines)),
        "## Targets",
        "\n".join(targets(table, part)),
        "## Start-up",
        "Seconds to import what a side needs, not in the figures above: "
        f"{imports(table[largest] if largest == first else table[first], part[first])}.",
    ]
    return "\n\n".join(parts) + "\n"


_PART_COLUMNS = ("recency_days", "tenure_days", "orders", "sales")


# --- The picture

# Side -> what its line is called, and its colour (all four apart for the colour-blind).
DRAWN = {
    "The study": ("the study", "#0072B2"),
    "Scan of the same columns": ("scan only", "#6b6b6b"),
    "DuckDB SQL staged by hand": ("SQL by hand", "#007A5A"),
    "pandas groupby": ("pandas", "#C24A00"),
}


def picture(table: Mapping[int, Found], lines: Mapping[int, int]) -> plt.Figure:
    """Draw CPU time and memory over the number of lines, both axes logarithmic."""
    style = {"font.size": 13, "svg.hashsalt": "features", "svg.fonttype": "path"}
    with plt.rc_context(style):
        figure, axes = plt.subplots(2, 1, figsize=(5.4, 8.6), layout="constrained")
        panels = (("cpu", 1, "CPU seconds"), ("peak", 1024, "Peak memory, GB"))
        for ax, (kind, unit, title) in zip(axes, panels, strict=True):
            medians = {
                name: {
                    lines[size]: measure.median(sides[name], kind) / unit
                    for size, sides in table.items()
                    if not isinstance(sides.get(name, ""), str)
                }
                for name in DRAWN
            }
            _panel(ax, {name: drawn for name, drawn in medians.items() if drawn})
            ax.set_title(title, loc="left", fontsize=14)
        axes[1].set_xlabel("order lines")
    return figure


def _panel(ax: plt.Axes, medians: Mapping[str, Mapping[int, float]]) -> None:
    counts = sorted({count for drawn in medians.values() for count in drawn})
    ax.set(xscale="log", yscale="log")
    ax.set_xlim(counts[0] * 0.7, counts[-1] * 12)
    ax.set_xticks(counts, [f"{count / 1e6:,.3g} M" for count in counts])
    ax.xaxis.set_minor_locator(plt.NullLocator())
    ax.yaxis.set_major_locator(plt.LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
    ax.yaxis.set_minor_locator(plt.NullLocator())
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#e4e4e4")
    for name, drawn in medians.items():
        called, colour = DRAWN[name]
        ours = name == TABLE[0].name
        ax.plot(drawn.keys(), drawn.values(), "o-", color=colour, lw=3 if ours else 1.8)
        ends_early = max(drawn) < counts[-1]
        ax.annotate(
            called,
            list(drawn.items())[-1],
            xytext=(-8, 6) if ends_early else (9, _lift(name, medians)),
            textcoords="offset points",
            ha="right" if ends_early else "left",
            va="center",
            color=colour,
            fontweight="bold" if ours else "normal",
        )


def _lift(name: str, medians: Mapping[str, Mapping[int, float]]) -> int:
    """Move a label up or down (points) where the next line ends close to its own."""
    last = {other: list(drawn.values())[-1] for other, drawn in medians.items()}
    for other, end in last.items():
        same = max(medians[other]) == max(medians[name])
        if other != name and same and 1 / 1.5 < last[name] / end < 1.5:
            return 8 if last[name] > end else -8
    return 0


# --- The run


def main() -> int:
    """Measure all sizes and write the page; return the exit code."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--sizes", default="1,10,100", help="copies, such as 1,10")
    asked.add_argument("--rounds", type=int, default=3, help="how often each side runs")
    options = asked.parse_args()
    sizes = sorted({int(size) for size in options.sizes.split(",")})
    print(
        f"Building features of {', '.join(f'x{size}' for size in sizes)} lines by ours "
        f"and by others, {options.rounds} times each; all sizes take a quarter of an hour."
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        files = {size: replicated(size) for size in sizes}
    except errors.BadInput as fault:
        print(fault, file=sys.stderr)  # it says to run `make report`
        return 1
    lines = {size: counted(file) for size, file in files.items()}
    there = prepare_peers()
    both = [
        [s for s in sides if not s.peer or s.peer in there] for sides in (TABLE, PART)
    ]
    loads = [measure.load()]
    found: list[dict[int, Found]] = [{}, {}]
    once = None
    for size, file in files.items():
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            if size <= COMPARED:
                for sides in reversed(both):
                    ours = check(sides, file, Path(folder))
                once = ours if once is None else once
            check_copies(file, once, Path(folder)) if once is not None else None
        for sides, kept in zip(both, found, strict=True):
            before = list(kept.items())[-1:]
            growth = lines[size] / lines[before[0][0]] if before else 1
            last = before[0][1] if before else {}
            rounds = options.rounds if size < ONCE else 1
            kept[size] = measured(sides, file, rounds, last, growth)
            print(measure.table(rows({size: kept[size]}, lines)), flush=True)
    loads.append(measure.load())
    also = ", ".join(
        f"{name} {there[name]}"
        for name in ("polars", "openretailscience", "pymc-marketing", "lifetimes")
        if name in there
    )
    stamp = measure.machine(loads, "duckdb", "pandas", "pyarrow", also=also)
    text = page(*found, lines, stamp=stamp, rounds=options.rounds)
    PAGE.write_text(text, encoding="utf-8")
    picture(found[0], lines).savefig(PICTURE, metadata={"Date": None})
    print(f"The table is {PAGE.name} in benchmarks/.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
