"""Try the study on shops whose truth is known; tests/shops.py makes them.

`one NAME --home FOLDER` builds one named shop. `all` is the slow target of make: 40 whole
runs in which all pairs of tempers meet, and 200 shops through notebook 3. It writes
results into build/shops and goes on from there when it was interrupted; remove the folder
to begin anew.
"""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd
import shop_design
import shop_runs
import shops
import statements
import yaml

RESULTS = shop_runs.ROOT / "build/shops"


def one(arguments: argparse.Namespace) -> int:
    """Build one named shop, wholly or as far as a notebook; return make's exit code."""
    known = shops.TEMPERS | shop_design.whole() | shop_design.recovery()
    if arguments.temper not in known:
        print(f"There is no shop {arguments.temper!r}. There are: {', '.join(known)}.")
        return 2
    temper = known[arguments.temper]
    shop = shops.make(temper, name=arguments.temper, seed=arguments.seed)
    folder = shop_runs.project(Path(arguments.home))
    shop_runs.write(shop, folder)
    if arguments.make:
        ended = shop_runs.build(folder, shop.name)
    else:
        with shop_runs.Quick(folder) as quick:
            ended = quick(shop.name, until=arguments.until)
    truth = shop.truth
    print(ended.printed)
    print(
        f"{truth.truth}, {truth.kinds.nunique()} kinds {truth.apart:.1f} apart "
        f"(best {truth.best:.2f}); {truth.customers:,} customers, {truth.orders:,} orders, "
        f"{truth.lines:,} lines, sales {truth.sales_cents / 100:,.2f}.\n"
        f"Decided: {shop_runs.decided(shop, folder)}\n"
        f"Exit code {ended.code} after {ended.seconds:.0f} s."
    )
    if arguments.until == "report":
        checked = statements.check(folder, shop)
        print("\n".join(checked.denied))
        print(f"{checked.read:,} sentences read, {checked.held:,} held to the truth.")
    return ended.code


def every(arguments: argparse.Namespace) -> int:
    """Try all shops that have no result yet; return 1 if a run stopped or a sentence lies."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    folder = shop_runs.project(RESULTS / "project")
    for part, tempers, until in (
        ("whole", shop_design.whole(), "report"),
        ("recovery", shop_design.recovery(), "03"),
    ):
        if arguments.part in (part, ""):
            tempers = dict(list(tempers.items())[: arguments.most])
            _try(part, tempers, until, folder, arguments)
    return _tell()


def _try(
    part: str,
    tempers: dict[str, shops.Temper],
    until: str,
    folder: Path,
    arguments: argparse.Namespace,
) -> None:
    """Run shops that have no result yet, and append what came out to a file."""
    file = RESULTS / f"{part}.jsonl"
    done = {row["run"] for row in _read(file)}
    left = {name: temper for name, temper in tempers.items() if name not in done}
    for shop, ended in shop_runs.side_by_side(
        folder, left, until=until, jobs=arguments.jobs, limit=arguments.limit
    ):
        row = _result(shop, ended, until, folder)
        with file.open("a") as results:
            results.write(json.dumps(row, ensure_ascii=False) + "\n")
        print(
            f"{row['run']:<12} {row['ended']:<8} {row['verdict']:<14} k {row['k']!s:<5} "
            f"ARI {row['ari']:5.2f}  denied {row['denied']:>3}  {row['seconds']:5.0f} s  "
            f"{row['error']}",
            flush=True,
        )


def _result(
    shop: shops.Shop, ended: shop_runs.Ended, until: str, folder: Path
) -> dict[str, object]:
    """Say in one row how a run ended and what it found."""
    decided = shop_runs.decided(shop, folder)
    checked = statements.Checked()
    if until == "report" and not ended.refused:
        checked = statements.check(folder, shop)
    error = " | ".join(ended.errors) or ended.printed.strip().split("\n")[-1]
    how = "end" if ended.code == 0 else "refused" if ended.refused else "stopped"
    return {
        "run": shop.name,
        "ended": how,
        "verdict": str(decided.get("verdict") or ""),
        "k": decided.get("k"),
        "truth": shop.truth.truth,
        "kinds": int(shop.truth.kinds.nunique()),
        "apart": round(shop.truth.apart, 2),
        "best": round(shop.truth.best, 3),
        "ari": round(shop_runs.recovered(shop, folder), 3),
        "read": checked.read,
        "held": checked.held,
        "denied": len(checked.denied),
        "seconds": round(ended.seconds, 1),
        "error": error[:400] if ended.code else "",
        "denials": checked.denied,
        "temper": yaml.safe_dump(vars(shop.temper), default_flow_style=True),
    }


def _read(file: Path) -> list[dict[str, object]]:
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _tell() -> int:
    """Write the table of results and its summary; return 1 if a goal is missed."""
    whole = pd.DataFrame(_read(RESULTS / "whole.jsonl"))
    three = pd.DataFrame(_read(RESULTS / "recovery.jsonl"))
    told = ["# Shops whose truth is known", ""]
    missed = 0
    if len(whole):
        ended = (whole["ended"] == "end").sum()
        told += [
            f"{ended} of {len(whole)} whole runs ended, {(whole['ended'] == 'refused').sum()} "
            f"were refused in a sentence before notebook 2 ended. {whole['read'].sum():,} sentences "
            f"were read, {whole['held'].sum():,} held to the truth, "
            f"{whole['denied'].sum():,} denied."
        ]
        missed += (whole["ended"] == "stopped").sum() + whole["denied"].sum()
    if len(three):
        ended = (three["ended"] == "end").sum()
        kinds = three[three["run"].str.startswith("kinds")]
        noise = three[three["run"].str.startswith("noise")]
        found = kinds["verdict"].isin(["natural", "reproducible"]) & (
            kinds["ari"] >= 0.8
        )
        calm = noise["verdict"].isin(["not usable", "constructive"])
        told += [
            f"{ended} of {len(three)} shops reached the end of notebook 3, "
            f"{(three['ended'] == 'refused').sum()} were refused before. With kinds "
            f"planted 3 deviations apart {found.sum()} of {len(kinds)} end natural or "
            f"reproducible with an adjusted Rand index of .8 or more (goal: 9 of 10); who "
            f"knows the kinds' centres reaches {kinds['best'].min():.2f} or more. Of pure "
            f"noise {calm.sum()} of {len(noise)} end not usable or constructive (goal: 19 "
            f"of 20): {noise['verdict'].value_counts().to_dict()}."
        ]
        missed += (three["ended"] == "stopped").sum()
        missed += found.sum() < 0.9 * len(kinds)
        missed += calm.sum() < 0.95 * len(noise)
    for table in (whole, three):
        if len(table):
            told += ["", *_table(table)]
    (RESULTS / "results.md").write_text("\n".join(told) + "\n", "utf-8")
    print("\n".join(told[:4]))
    print(f"All results: {RESULTS.relative_to(shop_runs.ROOT)}/results.md")
    return int(missed > 0)


def _table(rows: pd.DataFrame) -> list[str]:
    """Write results as a table of Markdown, and below it each sentence denied."""
    columns = [
        *("run", "ended", "verdict", "k", "truth", "kinds", "ari", "best"),
        *("read", "held", "denied", "seconds", "error"),
    ]
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    for row in rows.sort_values("run")[columns].itertuples(index=False):
        lines.append(" | ".join(str(value).replace("|", "/") for value in row))
    denied = rows.explode("denials").dropna(subset="denials")
    return lines + [
        f"- {row.run}: {row.denials}" for row in denied.itertuples(index=False)
    ]


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    single = commands.add_parser("one", help="build one named shop")
    single.add_argument("temper", help="such as whale, or pairs_07 of the results")
    single.add_argument(
        "--home", required=True, help="folder for a copy of the project"
    )
    single.add_argument("--until", default="report", help="last notebook, such as 03")
    single.add_argument("--make", action="store_true", help="with make's own kernels")
    single.add_argument("--seed", type=int, default=0)
    single.set_defaults(do=one)
    several = commands.add_parser("all", help="40 whole runs, 200 through notebook 3")
    several.add_argument("--part", default="", choices=["", "whole", "recovery"])
    several.add_argument("--most", type=int, default=1000, help="shops of each part")
    several.add_argument("--jobs", type=int, default=2, help="runs side by side")
    several.add_argument("--limit", type=float, default=1200, help="seconds a run")
    several.set_defaults(do=every)
    arguments = parser.parse_args()
    return arguments.do(arguments)


if __name__ == "__main__":
    sys.exit(main())
