"""Raw tables: each fault refused by name, and the standard columns by hand."""

import duckdb
import pandas as pd
import pytest

from helpers.core import schema
from helpers.core.errors import BadInput
from helpers.sources import complete_journey

NEW_YORK = "America/New_York"


@pytest.fixture
def con():
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def open_toy(con, save):
    """Give a function that opens raw tables and makes the standard ones."""

    def standardise(tables, time_zone=NEW_YORK):
        complete_journey.complete_journey(con, folder=save(tables))
        complete_journey.standardise_complete_journey(con, time_zone=time_zone)
        return con

    return standardise


def refusal(con, folder):
    with pytest.raises(BadInput) as refused:
        complete_journey.complete_journey(con, folder=folder)
    return str(refused.value)


def rows(con, query):
    return con.execute(query).fetchall()


def test_sound_tables_are_listed_with_their_rows_and_keys(con, journey, save):
    listed = complete_journey.complete_journey(con, folder=save(journey)).set_index(
        "table"
    )
    assert listed["rows"].to_dict() == {
        "transactions": 8,
        "products": 3,
        "demographics": 1,
        "campaigns": 2,
        "campaign_descriptions": 2,
        "coupons": 2,
        "coupon_redemptions": 2,
        "promotions": 6,
    }
    assert listed.loc["transactions", "key"] == "household_id, basket_id, product_id"
    assert listed.loc["promotions", "key"] == "none promised"
    assert listed.loc["products", "columns"] == 5


# --- Files


def test_a_missing_file_is_told_with_its_near_miss(con, journey, save):
    folder = save(journey)
    (folder / "transactions.parquet").rename(folder / "transaction.parquet")
    assert refusal(con, folder) == (
        "Table transactions: the file transactions.parquet is missing from its folder. "
        "Is it transaction.parquet? Put it back, or leave raw_folder empty to use the "
        "bundled data."
    )


@pytest.mark.parametrize("name", complete_journey.COMPLETE_JOURNEY)
def test_the_file_of_another_table_is_not_taken_for_the_missing_one(
    con, journey, save, name
):
    folder = save(journey)
    (folder / f"{name}.parquet").unlink()
    assert refusal(con, folder) == (
        f"Table {name}: the file {name}.parquet is missing from its folder. "
        "Put it back, or leave raw_folder empty to use the bundled data."
    )


def test_a_folder_that_does_not_exist_is_told_by_its_first_file(con, tmp_path):
    told = refusal(con, tmp_path / "nowhere")
    assert told.startswith("Table transactions: the file transactions.parquet is miss")


@pytest.mark.parametrize("left", [0, 0.5, 0.99])
def test_a_truncated_file_is_told_with_its_table(con, journey, save, left):
    folder = save(journey)
    file = folder / "products.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * left)])
    told = refusal(con, folder)
    assert told.startswith(
        "Table products: the file products.parquet cannot be read as Parquet; it may be "
        "cut short ("
    )
    assert told.endswith("). Fetch it again.") and "\n" not in told


# --- Columns


def test_a_renamed_column_is_told_with_its_new_name(con, journey, save):
    journey["products"] = journey["products"].rename(columns={"brand": "brands"})
    assert refusal(con, save(journey)) == (
        "Table products: column brand is missing; found product_id, department, brands, "
        "product_category, product_type. Was it renamed to brands? Rename it back in "
        "products.parquet."
    )


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("transactions", "coupon_match_disc"),  # coupon_disc is near, but has a meaning
        ("products", "product_type"),
        ("promotions", "mailer_location"),
    ],
)
def test_a_column_of_the_contract_is_not_taken_for_the_missing_one(
    con, journey, save, table, column
):
    journey[table] = journey[table].drop(columns=column)
    told = refusal(con, save(journey))
    assert told.startswith(f"Table {table}: column {column} is missing; found ")
    assert told.endswith(f". Rename it back in {table}.parquet.")
    assert "renamed to" not in told


def test_text_in_a_number_column_is_told_with_its_first_three_rows(con, journey, save):
    texts = ["2.00", "n/a", "20.00", "0,50", "0", "0", "free", "two"]
    journey["transactions"]["sales_value"] = texts
    assert refusal(con, save(journey)) == (
        "Table transactions: column sales_value should be DOUBLE but is VARCHAR. First "
        "rows that cannot be read so: row 2: 'n/a', row 4: '0,50', row 7: 'free'. Mend "
        "these values and store the column with its type."
    )


def test_numbers_stored_as_text_are_refused_though_each_could_be_read(
    con, journey, save
):
    journey["promotions"]["week"] = journey["promotions"]["week"].astype("str")
    assert refusal(con, save(journey)) == (
        "Table promotions: column week should be BIGINT but is VARCHAR. Mend these "
        "values and store the column with its type."
    )


def test_days_stored_as_text_are_refused_with_those_that_are_no_day(con, journey, save):
    days = ["2017-03-12", "15 January"]
    journey["coupon_redemptions"]["redemption_date"] = days
    assert (
        "column redemption_date should be TIMESTAMP but is VARCHAR. First rows that "
        "cannot be read so: row 2: '15 January'. Mend" in refusal(con, save(journey))
    )


# --- Keys and times


@pytest.mark.parametrize(
    ("table", "first"),
    [
        ("transactions", "{'household_id': 1, 'basket_id': 1001, 'product_id': 100, "),
        ("products", "{'product_id': 100, "),
        ("demographics", "{'household_id': 1, "),
        ("campaigns", "{'campaign_id': 1, 'household_id': 1, "),
        ("campaign_descriptions", "{'campaign_id': 2, "),
        ("coupon_redemptions", "{'household_id': 2, 'coupon_upc': 56, "),
    ],
)
def test_a_doubled_key_is_told_with_its_columns_and_values(
    con, journey, save, table, first
):
    journey[table] = pd.concat([journey[table], journey[table].head(1)])
    told = refusal(con, save(journey))
    key = ", ".join(complete_journey.KEYS[table])
    assert told.startswith(
        f"Table {table}: the key {key} stands more than once; the first are [{first}"
    )
    assert told.endswith("'times': 2}]. Remove the doubled rows.")


def test_only_the_first_three_doubled_keys_are_told(con, journey, save):
    journey["transactions"] = pd.concat([journey["transactions"]] * 2)
    assert refusal(con, save(journey)).count("'times': 2") == 3


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        ("2016-12-31 23:59:59", "row 3: 2016-12-31 23:59:59"),
        ("2018-01-01 12:00:00", "row 3: 2018-01-01 12:00:00"),
        ("1970-01-01", "row 3: 1970-01-01 00:00:00"),
        (None, "row 3: None"),
    ],
)
def test_a_purchase_outside_the_year_is_told_with_its_row(
    con, journey, save, moment, told
):
    journey["transactions"].loc[2, "transaction_timestamp"] = pd.Timestamp(moment)
    assert refusal(con, save(journey)) == (
        "Table transactions: column transaction_timestamp lies outside the year 2017 "
        f"that the panel covers ({told}). Mend or remove these rows."
    )


def test_only_the_first_three_strange_moments_are_told(con, journey, save):
    journey["transactions"]["transaction_timestamp"] += pd.Timedelta(days=3660)
    told = refusal(con, save(journey))
    assert [f"row {row}:" in told for row in (1, 2, 3, 4)] == [True, True, True, False]


def test_the_last_evening_of_the_year_is_inside_it_though_utc_says_2018(
    journey, open_toy
):
    last = pd.Timestamp("2018-01-01 04:01:20")
    journey["transactions"].loc[2, "transaction_timestamp"] = last
    found = rows(open_toy(journey), "select max(ordered_at) from received_lines")
    assert found == [(pd.Timestamp("2017-12-31 23:01:20"),)]


# --- Lines


def test_money_follows_from_discounts_that_are_stored_as_positive(journey, open_toy):
    con = open_toy(journey)
    found = rows(
        con,
        """select shelf_amount_cents, amount_cents + coupon_cents, amount_cents,
            coupon_cents from received_lines order by line_id""",
    )
    # shelf = sales + retail discount + matched coupon; paid = sales - coupon
    assert found == [
        (250, 200, 200, 0),  # 2.00 + 0.50
        (350, 300, 225, 75),  # 3.00 + 0.30 + 0.20; 3.00 - 0.75
        (2000, 2000, 2000, 0),
        (50, 50, -50, 100),  # a coupon worth more than the line
        (0, 0, 0, 0),
        (0, 0, -200, 200),
        (150, 0, 0, 0),  # free goods keep their shelf value
        (410, 410, 410, 0),  # 4.10 * 100 is 409.99999999999994 in floating point
    ]


def test_clocks_are_turned_from_utc_to_local_time_in_winter_and_in_summer(
    journey, open_toy
):
    con = open_toy(journey)
    found = rows(con, "select ordered_at from received_lines order by line_id")
    told = [f"{moment:%Y-%m-%d %H:%M}" for (moment,) in found]
    assert told == [
        "2017-01-15 21:30",  # five hours behind, and the day before
        "2017-01-15 21:30",
        "2017-07-02 23:59",  # four hours behind
        "2017-03-12 12:00",  # the first noon of summer time
        "2017-03-12 12:00",
        "2017-02-06 11:00",
        "2017-11-20 12:10",
        "2017-11-20 12:10",
    ]


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        ("2017-03-12 06:59:59", "2017-03-12 01:59:59"),
        ("2017-03-12 07:00:00", "2017-03-12 03:00:00"),
        ("2017-11-05 05:59:59", "2017-11-05 01:59:59"),
        ("2017-11-05 06:00:00", "2017-11-05 01:00:00"),
    ],
)
def test_the_hour_of_the_change_is_read_as_the_clock_showed_it(
    journey, open_toy, utc, local
):
    journey["transactions"]["transaction_timestamp"] = pd.Timestamp(utc)
    con = open_toy(journey)
    found = rows(con, "select distinct ordered_at from received_lines")
    assert found == [(pd.Timestamp(local),)]


def test_doubled_promotion_keys_add_no_line_and_keep_either_mark(journey, open_toy):
    bought = journey["transactions"]
    elsewhere = bought.head(1).assign(store_id=12, basket_id=1006)
    journey["transactions"] = pd.concat([bought, elsewhere])
    journey["promotions"].loc[4, "mailer_location"] = "0"
    con = open_toy(journey)
    marks = rows(
        con, "select line_id, on_mailer, on_display from received_lines order by 1"
    )
    assert marks == [
        (0, True, True),  # one row of its key says mailer, the other display
        (1, False, False),  # promoted the week after
        (2, True, False),
        *[(line, False, False) for line in range(3, 8)],
        (8, False, True),  # the same product and week in another store
    ]


def test_ids_become_texts_and_quantities_stay(journey, open_toy):
    con = open_toy(journey)
    found = rows(
        con,
        """select customer_id, order_id, product_id, store_id, quantity
            from received_lines where line_id = 2""",
    )
    assert found == [("1", "1002", "300", "12", 9000)]


# --- Which clock


def test_only_the_right_clock_makes_redemptions_and_weeks_meet(con, journey, save):
    complete_journey.complete_journey(con, folder=save(journey))
    told = complete_journey.time_zone_evidence(con, zones=["UTC", NEW_YORK])
    # In UTC, baskets 1001 (two lines) and 1002 (one) move to the next day and week, so
    # five lines of eight agree, and the redemption of 15 January meets no basket.
    assert told.to_dict("records") == [
        {
            "zone": "UTC",
            "redemptions_met": 1 / 2,
            "week_agrees": 5 / 8,
            "busiest_hour": 16,  # baskets at 2, 3, 16, 16 and 17 o'clock
            "night_share": 2 / 5,
        },
        {
            "zone": NEW_YORK,
            "redemptions_met": 1.0,
            "week_agrees": 1.0,
            "busiest_hour": 12,  # baskets at 21, 23, 12, 11 and 12 o'clock
            "night_share": 0.0,
        },
    ]


# --- Products


def test_a_need_is_told_by_type_or_category_first_and_else_by_department(
    journey, open_toy
):
    cases = [
        # product type, category, department -> need
        ("GASOLINE-REG UNLEADED", "COUPON/MISC ITEMS", "MISCELLANEOUS", "fuel"),
        ("GASOLINE-REG UNLEADED", "WATER", "GROCERY", "fuel"),
        ("DIESEL", "FUEL", "FUEL", "fuel"),
        ("MASTERCARD GIFT CARD", "HAIR CARE PRODUCTS", "DRUG GM", "not_merchandise"),
        ("BANANAS", "TROPICAL FRUIT", "PRODUCE", "produce"),
        ("JUICE", "WATER", "PRODUCE", "soft_drinks"),
        ("WHOLE MILK", "FLUID MILK PRODUCTS", "GROCERY", "dairy_eggs"),
        ("MATCHES", "CANDLES", "GROCERY", "other_grocery"),
        ("SHAMPOO", "HAIR CARE PRODUCTS", "DRUG GM", "health_beauty"),
        ("PENS", "SCHOOL SUPPLIES", "DRUG GM", "general_merchandise"),
        (None, None, "MEAT", "fresh_meat_fish"),
        (None, None, "MISCELLANEOUS", "unclassified"),
        (None, None, None, "unclassified"),
    ]
    ids = range(1000, 1000 + len(cases))
    told = ["product_type", "product_category", "department"]
    journey["products"] = pd.DataFrame(
        [case[:3] for case in cases], columns=told, dtype="str"
    ).assign(product_id=ids, brand="National")
    con = open_toy(journey)
    found = dict(rows(con, "select product_id, need_state from received_products"))
    assert {str(i): case[3] for i, case in zip(ids, cases, strict=True)} == {
        product: need for product, need in found.items() if int(product) >= 1000
    }


def test_a_product_that_is_bought_but_has_no_row_gets_one_as_unclassified(
    journey, open_toy
):
    con = open_toy(journey)
    found = rows(
        con, "select * exclude (product_type) from received_products order by 1"
    )
    assert found == [
        ("100", "produce", "PRODUCE", "TROPICAL FRUIT", "National"),
        ("200", "dairy_eggs", "GROCERY", "FLUID MILK PRODUCTS", "Private"),
        ("300", "fuel", "MISCELLANEOUS", "COUPON/MISC ITEMS", "National"),
        ("400", "unclassified", None, None, None),  # on two lines, once here
    ]


def test_no_type_category_or_department_belongs_to_two_needs():
    told = [
        (kind, value)
        for by in complete_journey.NEED_STATES.values()
        for kind, values in by.items()
        for value in values
    ]
    assert len(told) == len(set(told))
    assert {kind for kind, _ in told} == {"types", "departments", "categories"}


def test_what_stays_apart_from_goods_is_a_need_or_unclassified():
    assert set(schema.APART) <= {*complete_journey.NEED_STATES, schema.UNCLASSIFIED}
    assert schema.UNCLASSIFIED not in complete_journey.NEED_STATES


# --- Customers and campaigns


def test_each_household_stands_once_with_what_is_known_of_it(journey, open_toy):
    con = open_toy(journey)
    found = rows(
        con,
        """select customer_id, age, home_ownership, kids_count, has_demographics
            from received_customers order by 1""",
    )
    assert found == [
        ("1", "45-54", None, "0", True),
        ("2", None, None, None, False),
        ("3", None, None, None, False),
    ]


def test_campaigns_contacts_and_redemptions_get_their_standard_names(journey, open_toy):
    con = open_toy(journey)
    assert rows(con, "select * from received_campaigns order by 1") == [
        ("1", "Type A", pd.Timestamp("2017-01-10"), pd.Timestamp("2017-03-31")),
        ("2", "Type B", pd.Timestamp("2017-06-01"), pd.Timestamp("2017-06-30")),
    ]
    assert rows(con, "select * from received_contacts order by 1, 2") == [
        ("1", "1"),
        ("1", "2"),
    ]
    # coupon 55 belongs to two campaigns, and is yet redeemed once
    assert rows(con, "select * from received_responses order by 2") == [
        ("1", "1", pd.Timestamp("2017-01-15"), "55"),
        ("1", "2", pd.Timestamp("2017-03-12"), "56"),
    ]


def test_the_order_of_raw_rows_changes_only_the_line_number(journey, open_toy):
    query = "select * exclude (line_id) from received_lines order by all"
    before = rows(open_toy(journey), query)
    turned = {name: table.iloc[::-1] for name, table in journey.items()}
    assert rows(open_toy(turned), query) == before


# --- Damage that shows only when rows are read


def test_an_empty_table_of_purchases_is_refused(con, journey, save):
    journey["transactions"] = journey["transactions"].iloc[:0]
    told = refusal(con, save(journey))
    assert told.startswith("Table transactions: transactions.parquet holds no row.")


def test_a_purchase_without_household_is_told_with_its_row(con, journey, save):
    bought = journey["transactions"].astype({"household_id": "Int64"})
    bought.loc[bought.index[4], "household_id"] = None
    journey["transactions"] = bought
    assert refusal(con, save(journey)) == (
        "Table transactions: column household_id is empty in rows 5; it is part of the "
        "key. Fill it or remove these rows."
    )


def test_a_file_damaged_in_its_middle_is_told_as_bad_input(con, journey, save):
    folder = save(journey)
    file = folder / "transactions.parquet"
    content = bytearray(file.read_bytes())
    content[4:400] = bytes(396)
    file.write_bytes(content)
    assert "is damaged" in refusal(con, folder)


def test_a_purchase_after_the_year_by_the_shops_clock_is_told(con, journey, save):
    journey["transactions"].loc[6, "transaction_timestamp"] = pd.Timestamp(
        "2018-01-01 05:00"
    )
    complete_journey.complete_journey(con, folder=save(journey))
    with pytest.raises(BadInput, match=r"\(row 7: 2018-01-01 00:00:00\)"):
        complete_journey.standardise_complete_journey(con, time_zone=NEW_YORK)
