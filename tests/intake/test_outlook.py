"""What make check foretells of an analyst's tables, on lines written out here."""

import duckdb
import pytest

from helpers.core import paths
from helpers.features import dictionary
from helpers.intake import outlook, own_files
from helpers.runs import mapping


@pytest.fixture
def foretold(tmp_path, monkeypatch):
    """Give a function that foretells the parts of lines: customer, day, amount."""
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))

    def tell(rows, order="derived", **others):
        folder = paths.raw("shop")
        folder.mkdir(parents=True, exist_ok=True)
        body = "".join(f"{who},{day},{amount}\n" for who, day, amount in rows)
        (folder / "lines.csv").write_text("c,d,a\n" + body)
        columns = {"customer_id": "c", "ordered_at": "d", "amount": "a"}
        columns |= {"order_id": order, "product_id": "=x", "quantity": "=1"}
        content = {
            "source": "files",
            "tables": {"lines": {"file": "lines.csv", "columns": columns}},
        }
        with duckdb.connect() as con:
            found, sources = own_files.problems(
                con, content, run="shop", spill=tmp_path
            )
            assert not (found["level"] == "error").any()
            settings = outlook.fitted() | others
            return outlook.of_settings(con, sources, settings=settings, spill=tmp_path)

    return tell


def test_windows_limits_and_every_part_are_told(foretold):
    rows = [
        (f"c{n}", f"2024-{month:02d}-{1 + n % 28:02d}", 5 + n % 7)
        for n in range(50)
        for month in range(1, 9)
    ]
    said, few = foretold(rows)
    assert not few
    assert said[0] == (
        "Windows: features from 2024-01-01 to 2024-06-29, judged by the days to "
        "2024-08-28."
    )
    assert said[1].startswith("50 of 50 customers have enough data: 3 orders or more")
    assert "a line is an order" in said[1]
    assert "needs segments: ready." in said
    assert said[-1].startswith("leads: left out, since it needs 30 leads that were won")


def test_one_order_each_is_said_to_leave_no_rhythm_and_no_repeat(foretold):
    rows = [(f"c{n}", f"2024-01-{1 + n % 28:02d}", 5) for n in range(60)]
    said, few = foretold(rows)
    assert not few
    assert said[2].startswith("Each customer has one order: no usual time between")
    assert "value: ready." in said
    assert any(one.startswith("activity: left out, since it needs 10") for one in said)


@pytest.mark.parametrize("customers", [2, 9])
def test_too_few_customers_stop_the_study_and_that_is_said(foretold, customers):
    rows = [
        (f"c{n}", f"2024-01-{day:02d}", 5) for n in range(customers) for day in (1, 9)
    ]
    said, few = foretold(rows)
    assert said == []
    assert f"{customers} customers with sales above 0" in few
    assert "the study needs 10" in few


def test_free_goods_alone_are_too_few_customers_and_taken_back_lines_none(foretold):
    free = [(f"c{n}", "2024-01-01", 0) for n in range(20)]
    assert "0 customers with sales above 0" in foretold(free)[1]
    taken_back = [(f"c{n}", "2024-01-01", -5) for n in range(20)]
    where = "The study will stop in notebook {}. Table lines: {} customer"
    assert foretold(taken_back)[1].startswith(where.format(1, "no line has a"))
    told = foretold(taken_back, disabled_rules=["cancellation or return"])[1]
    assert told.startswith(where.format(2, 0))


def test_two_lines_alike_are_two_orders_where_neither_order_nor_product_is_told(
    foretold,
):
    rows = [(f"c{n}", "2024-01-01", 5) for n in range(12)] * 3
    assert "12 of 12 customers have enough data: 3 orders" in foretold(rows)[0][1]


def test_names_of_the_study_are_kept_from_attributes():
    fixed = {one.name for one in dictionary.FEATURES}
    assert all(map(mapping.reserved, fixed))
    for name in ("Sales", "segment_id", "holdout_sales", "value_tier", "group", "name"):
        assert mapping.reserved(name)
        assert not mapping.reserved(mapping.renamed(name))
    assert not any(map(mapping.reserved, ("age", "region", "size", "Age Band")))
