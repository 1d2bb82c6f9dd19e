"""Find sums of money on a report's pages of which one customer holds over half.

`find` looks each row's labels up among what is known of the customers, and adds up anew
what the customers of that row brought.
"""

import re

import pandas as pd
from bs4 import BeautifulSoup

from helpers.core import paths

MONEY = re.compile(r"[$€£¥]|sales|value|worth|spend", re.IGNORECASE)
NO_SUM = re.compile(
    r"share of customers|trend|tier|median|forecast|short of the average", re.I
)
TOTAL = {"all", "all customers", "everyone", "total"}


def find(pages, customers, *, most=0.5):
    """Yield page, caption, row, heading and the largest customer's share of the sum.

    `pages` maps names to HTML. `customers` has a row each: columns `sales` and, where
    known, `holdout_sales`, and what they are grouped by. Rows whose labels are not found
    there are passed over.
    """
    known = customers.drop(columns=["sales", "holdout_sales"], errors="ignore")
    known = known.astype(str).apply(lambda column: column.str.lower())
    for page, html in pages.items():
        for node in BeautifulSoup(re.sub(r'src="data:[^"]*"', "", html), "html.parser")(
            "table"
        ):
            rows = [row(["th", "td"]) for row in node("tr")]
            heads = [cell.get_text(" ", strip=True) for cell in rows[0]]
            caption = node.caption.get_text(" ", strip=True) if node.caption else ""
            for row in rows[1:]:
                named = [c.get_text(" ", strip=True) for c in row if c.name == "th"]
                inside = _inside(known, named)
                if inside is None or len(row) != len(heads):
                    continue
                for head, cell in zip(heads, row, strict=True):
                    text = cell.get_text(" ", strip=True)
                    if cell.name == "th" or not _is_money(head, text):
                        continue
                    both = inside & _inside(known, [head.removesuffix(" value")], True)
                    name = "holdout_sales" if "later" in head.lower() else "sales"
                    held = customers.get(name, customers["sales"])[both].abs()
                    if held.sum() and held.max() > most * held.sum():
                        yield page, caption, " / ".join(named), head, _share(held)


def _share(held):
    return round(float(held.max() / held.sum()), 3)


def _is_money(head, text):
    there = MONEY.search(head) or re.search(r"[$€£¥]\d", text)
    return bool(there and re.search(r"\d", text) and not NO_SUM.search(head))


def _inside(known, labels, loosely=False):
    """Mark the customers whom labels name; None if one of them is of nothing known."""
    inside = pd.Series(True, known.index)
    for label in (label.lower() for label in labels):
        if label in TOTAL:
            continue
        fits = known.eq(label)
        columns = fits.any()
        if not columns.any():
            if loosely:
                continue
            return None
        inside &= fits.loc[:, columns].iloc[:, 0]
    return inside


def customers_of(run):
    """Gather what a run knows of its customers: sales, readings and attributes."""
    folder = paths.processed(run)
    table = pd.read_parquet(folder / "features.parquet").set_index("customer_id")
    table = table[["sales"]]
    for name, columns in (
        ("outcomes", ["holdout_sales"]),
        ("segment_membership", ["segment", "value_tier", "activity"]),
    ):
        if (file := folder / f"{name}.parquet").exists():
            more = pd.read_parquet(file).set_index("customer_id")
            table = table.join(more[more.columns.intersection(columns)])
    file = paths.interim(run) / "customers.parquet"
    if file.exists():
        more = pd.read_parquet(file).set_index("customer_id")
        table = table.join(more.select_dtypes(["object", "category", "string"]))
    return table
