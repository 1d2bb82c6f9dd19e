"""Try the study on shops of every temper: python tools/try_shops.py one NAME --home X."""

import argparse
import sys
from pathlib import Path

import shops


def one(arguments: argparse.Namespace) -> int:
    """Build one named shop, wholly or as far as a notebook; return make's exit code."""
    shop = shops.make(arguments.temper, name=arguments.temper, seed=arguments.seed)
    folder = shops.project(Path(arguments.home).resolve())
    shops.write(shop, folder)
    if arguments.make:
        ended = shops.build(folder, shop.name)
    else:
        with shops.Quick(folder) as quick:
            ended = quick(shop.name, until=arguments.until)
    truth = shop.truth
    print(ended.printed)
    print(
        f"{truth.truth}, {truth.kinds.nunique()} kinds {truth.apart:.1f} apart "
        f"(best {truth.best:.2f}); {truth.customers:,} customers, {truth.orders:,} orders, "
        f"{truth.lines:,} lines, sales {truth.sales_cents / 100:,.2f}.\n"
        f"Exit code {ended.code} after {ended.seconds:.0f} s."
    )
    return ended.code


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    single = commands.add_parser("one", help="build one named shop")
    single.add_argument("temper", choices=list(shops.TEMPERS))
    single.add_argument(
        "--home", required=True, help="folder for a copy of the project"
    )
    single.add_argument("--until", default="report", help="last notebook, such as 03")
    single.add_argument("--make", action="store_true", help="with make's own kernels")
    single.add_argument("--seed", type=int, default=0)
    single.set_defaults(do=one)
    arguments = parser.parse_args()
    return arguments.do(arguments)


if __name__ == "__main__":
    sys.exit(main())
