"""What several tests share: a toy Complete Journey to work out by hand, and clusters."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


def toy_journey():
    """Return the eight raw tables, anew each time."""
    # household, store, basket, product, quantity, sales, retail discount, coupon,
    # matched coupon, week, moment in UTC
    bought = [
        (1, 11, 1001, 100, 1, 2.00, 0.50, 0.00, 0.00, 3, "2017-01-16 02:30:00"),
        (1, 11, 1001, 200, 2, 3.00, 0.30, 0.75, 0.20, 3, "2017-01-16 02:30:00"),
        (1, 12, 1002, 300, 9000, 20.00, 0.00, 0.00, 0.00, 27, "2017-07-03 03:59:00"),
        (2, 11, 1003, 100, 1, 0.50, 0.00, 1.00, 0.00, 11, "2017-03-12 16:00:00"),
        (2, 11, 1003, 400, 0, 0.00, 0.00, 0.00, 0.00, 11, "2017-03-12 16:00:00"),
        (3, 11, 1004, 200, 0, 0.00, 0.00, 2.00, 0.00, 7, "2017-02-06 16:00:00"),
        (2, 11, 1005, 200, 1, 0.00, 1.50, 0.00, 0.00, 48, "2017-11-20 17:10:00"),
        (2, 11, 1005, 400, 1, 4.10, 0.00, 0.00, 0.00, 48, "2017-11-20 17:10:00"),
    ]
    transactions = pd.DataFrame(
        bought,
        columns=[
            *("household_id", "store_id", "basket_id", "product_id", "quantity"),
            *("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc"),
            *("week", "transaction_timestamp"),
        ],
    )
    products = pd.DataFrame(
        [
            (100, "PRODUCE", "National", "TROPICAL FRUIT", "BANANAS"),
            (200, "GROCERY", "Private", "FLUID MILK PRODUCTS", "FLUID MILK WHITE ONLY"),
            (
                *(300, "MISCELLANEOUS", "National", "COUPON/MISC ITEMS"),
                "GASOLINE-REG UNLEADED",
            ),
        ],
        columns=[
            *("product_id", "department", "brand", "product_category"),
            "product_type",
        ],
    )
    demographics = pd.DataFrame(
        [(1, "45-54", "50-74K", None, "Married", "2", "2 Adults No Kids", "0")],
        columns=[
            *("household_id", "age", "income", "home_ownership", "marital_status"),
            *("household_size", "household_comp", "kids_count"),
        ],
    ).astype({"home_ownership": "str"})
    # the first two rows are one key; no other row belongs to a line with a mark
    promotions = pd.DataFrame(
        [
            (100, 11, "0", "A", 3),
            (100, 11, "5", "0", 3),
            (200, 11, "0", "0", 3),
            (200, 11, "0", "A", 4),
            (100, 12, "7", "A", 3),
            (300, 12, "0", "C", 27),
        ],
        columns=[
            *("product_id", "store_id", "display_location", "mailer_location"),
            "week",
        ],
    )
    tables = {
        "transactions": transactions,
        "products": products,
        "demographics": demographics,
        "campaigns": pd.DataFrame({"campaign_id": [1, 1], "household_id": [1, 2]}),
        "campaign_descriptions": pd.DataFrame(
            {
                "campaign_id": [2, 1],
                "campaign_type": ["Type B", "Type A"],
                "start_date": ["2017-06-01", "2017-01-10"],
                "end_date": ["2017-06-30", "2017-03-31"],
            }
        ),
        "coupons": pd.DataFrame(
            {"coupon_upc": [55, 55], "product_id": [200, 200], "campaign_id": [1, 2]}
        ),
        "coupon_redemptions": pd.DataFrame(
            {
                "household_id": [2, 1],
                "coupon_upc": [56, 55],
                "campaign_id": [1, 1],
                "redemption_date": ["2017-03-12", "2017-01-15"],
            }
        ),
        "promotions": promotions,
    }
    moments = {"transaction_timestamp", "start_date", "end_date", "redemption_date"}
    for table in tables.values():
        for column in moments & set(table.columns):
            table[column] = table[column].astype("datetime64[us]")
    return tables


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Count a notebook among the whole runs: `make test` compares one with such a run."""
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker("runs")


@pytest.fixture
def journey():
    """Give the toy's raw tables, to be changed and saved with `save`."""
    return toy_journey()


@pytest.fixture
def save(tmp_path):
    """Give a function that writes raw tables as the source's Parquet files."""

    def write(tables):
        folder = tmp_path / "raw"
        folder.mkdir(exist_ok=True)
        for name, table in tables.items():
            table.to_parquet(folder / f"{name}.parquet", index=False)
        return folder

    return write


def four_heaps(n=240):
    """Four clusters 5.7 apart, though no single column shows a gap.

    Each column is a half-and-half mixture of normals at -1 and 1 with deviation 1, which
    has one peak; any two centres differ by 2 in 8 of the 12 columns.
    """
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    centres = np.tile(signs, 4)
    noise = np.random.default_rng(2).standard_normal((n, 12))
    return pd.DataFrame(centres[np.arange(n) % 4] + noise, columns=list("abcdefghijkl"))


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory):
    """Start a PostgreSQL server of our own, where there is one; return its address."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        Path(program).parent for program in [shutil.which("initdb")] if program
    ]
    if not found:
        pytest.skip("PostgreSQL is not installed")
    # It refuses to run as root, and its socket must lie near the root.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        if as_user:
            shutil.chown(folder, "postgres", "postgres")

        def call(program, *options):
            subprocess.run(
                [*as_user, found[-1] / program, "-D", f"{folder}/data", *options],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd=folder,
            )

        call("initdb", "-A", "trust", "-U", "postgres", "-N", "--locale=C.UTF-8")
        here = f"-k {folder} -c listen_addresses= -c fsync=off"
        call("pg_ctl", "-w", "-l", f"{folder}/log", "-o", here, "start")
        try:
            yield f"host={folder} user=postgres dbname=postgres"
        finally:
            call("pg_ctl", "-m", "immediate", "stop")
