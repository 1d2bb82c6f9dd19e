"""Rivals that any shop knows: recent sales and the main store, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from helpers.features import holdout

PRODUCTS = pd.DataFrame(
    {"product_id": ["tea", "gas"], "need_state": ["tea", "fuel"], "brand": "x"}
)
# 91 days to 30 June begin on 1 April.
WINDOW = {"first": "2017-01-01", "last": "2017-06-30"}
# customer, day, product, store, cents
LINES = [
    ("a", "2017-03-31", "tea", "s1", 900),  # a day too old to be recent
    ("a", "2017-04-01", "tea", "s2", 250),
    ("a", "2017-06-30", "tea", "s1", 150),
    ("a", "2017-05-05", "gas", "s1", 5000),  # not goods, but a line in the store
    ("b", "2016-12-31", "tea", "s1", 100),  # before the window
    ("b", "2017-02-01", "tea", "s2", 100),
    ("b", "2017-07-01", "tea", "s1", 100),  # later
    ("c", "2017-05-01", "tea", "s2", -300),
    ("d", "2017-05-01", "tea", "s2", 100),  # one line in either: the first by name
    ("d", "2017-05-02", "tea", "s1", 100),
]


@pytest.fixture
def habits(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))

    def run(customers, more=(), *, stores=True, **window):
        columns = [
            "customer_id",
            "ordered_at",
            "product_id",
            "store_id",
            "amount_cents",
        ]
        lines = pd.DataFrame([*LINES, *more], columns=columns)
        lines["ordered_at"] = pd.to_datetime(lines["ordered_at"]).astype(
            "datetime64[us]"
        )
        lines = lines.assign(order_id=range(len(lines)), quantity=1, coupon_cents=0)
        lines = lines.astype({"order_id": str})
        lines = lines if stores else lines.drop(columns="store_id")
        files = {"lines": lines, "products": PRODUCTS}
        for name, table in files.items():
            table.to_parquet(tmp_path / f"{name}.parquet")
        where = {name: tmp_path / f"{name}.parquet" for name in files}
        asked = pd.Series(customers, name="customer_id")
        return holdout.habits(asked, **where, **(WINDOW | window), run="made")

    return run


def test_sales_of_the_last_quarter_are_goods_of_its_91_days(habits):
    found = habits(["d", "c", "b", "a", "new"])["last quarter's sales"]
    # d: 1 + 1; c took back more than was bought; b nothing; a: 2.50 + 1.50; new: nobody
    sales = np.expm1(found["recent_sales"])
    assert sales.tolist() == pytest.approx([2, 0, 0, 4, 0])


def test_a_window_shorter_than_a_quarter_is_not_left(habits):
    found = habits(["a"], first="2017-05-01")["last quarter's sales"]
    assert np.expm1(found["recent_sales"]).tolist() == pytest.approx([1.5])


def test_the_main_store_has_most_lines_and_few_customers_are_put_together(habits):
    more = [(f"x{i}", "2017-03-01", "tea", "s1", 100) for i in range(8)]
    more += [(f"y{i}", "2017-03-01", "tea", "s3", 100) for i in range(9)]
    asked = ["a", "b", "c", "d", "new", *[row[0] for row in more]]
    found = habits(asked, more)["main store"]
    assert list(found) == ["other", "s1"]
    assert set(found.dtypes) == {np.dtype(bool)}
    assert found.iloc[4].tolist() == [False, False]  # nobody knows of the new one
    found = found.idxmax(axis=1)
    # s1 holds a, d and eight more; s2 b and c, s3 nine: too few to stand alone
    assert found.iloc[[0, 3]].tolist() == ["s1", "s1"]
    assert found.iloc[[1, 2]].tolist() == ["other", "other"]
    assert found.iloc[5:].tolist() == ["s1"] * 8 + ["other"] * 9


def test_without_stores_there_is_no_main_store(habits):
    assert list(habits(["a"], stores=False)) == ["last quarter's sales"]
    assert list(habits(["new"])) == ["last quarter's sales"]
