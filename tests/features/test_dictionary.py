"""Features: each worked out by hand for four customers, and nothing from later in them."""

from math import log, nan, sqrt

import duckdb
import numpy as np
import pandas as pd
import pytest

from helpers.core import schema
from helpers.core.errors import BadInput
from helpers.features import dictionary, holdout, labels
from helpers.sources import complete_journey

PRODUCTS = pd.DataFrame(
    [
        ("apple", "produce", "National"),
        ("milk", "dairy_eggs", "Private"),
        ("beef", "fresh_meat_fish", "Private"),
        ("gas", "fuel", "National"),
        ("card", "not_merchandise", "Private"),
        ("odd", "unclassified", None),
    ],
    columns=["product_id", "need_state", "brand"],
)
NEEDS = [need for need in complete_journey.NEED_STATES if need not in schema.APART]
# One product nobody buys for each need, so that every need has its share.
PRODUCTS = pd.concat(
    [PRODUCTS, pd.DataFrame({"product_id": NEEDS, "need_state": NEEDS})],
    ignore_index=True,
)

# The window is Wednesday 1 March to Friday 10 March; its first half ends on the 5th.
WINDOW = {"first": "2017-03-01", "last": "2017-03-10"}
LATER = {"first": "2017-03-11", "last": "2017-03-20"}

# customer, order, moment, product, store, sales, coupon, shelf (cents), marks
BOUGHT = [
    ("dot", "d1", "2017-03-04 12:00:00", "gas", "s1", 2500, 0, 2500, "mailer"),
    ("dot", "d1", "2017-03-04 12:00:00", "odd", "s1", 100, 30, 400, "display"),
    ("cid", "c1", "2017-03-09 04:59:59", "apple", "s1", 0, 0, 100, ""),
    ("cid", "c2", "2017-03-09 11:00:00", "apple", "s2", 0, 0, 100, ""),
    ("cid", "c3", "2017-03-09 17:59:59", "apple", "s3", 0, 0, 100, ""),
    ("bob", "b1", "2017-03-05 23:59:59", "apple", "s1", 100, 0, 100, ""),
    ("bob", "b2", "2017-03-06 00:00:00", "apple", "s2", 200, 250, 250, ""),
    ("bob", "b2", "2017-03-06 00:00:00", "card", "s2", 5000, 0, 5000, "display"),
    ("ann", "a1", "2017-03-01 05:00:00", "apple", "s1", 600, 0, 800, "mailer"),
    ("ann", "a1", "2017-03-01 05:00:00", "milk", "s1", 300, 50, 300, ""),
    ("ann", "a2", "2017-03-04 18:00:00", "apple", "s1", 500, 0, 500, "display"),
    ("ann", "a3", "2017-03-10 23:59:59", "gas", "s2", 3000, 0, 3000, ""),
    ("ann", "a3", "2017-03-10 23:59:59", "beef", "s2", 600, 0, 900, ""),
    ("ann", "a4", "2017-03-10 10:59:59", "gas", "s1", 1000, 100, 1000, "mailer"),
    # outside the window
    ("ann", "a0", "2017-02-28 23:59:59", "milk", "s9", 700, 70, 7000, "mailer"),
    ("ann", "a5", "2017-03-11 00:00:00", "milk", "s9", 900, 90, 9000, "display"),
    ("ann", "a6", "2017-03-20 23:59:59", "apple", "s9", 150, 90, 9000, ""),
    ("ann", "a6", "2017-03-20 23:59:59", "gas", "s9", 4000, 0, 4000, ""),
    ("dot", "d2", "2017-03-15 12:00:00", "gas", "s1", 2500, 0, 2500, ""),
    ("fay", "f1", "2017-03-15 12:00:00", "beef", "s1", 2500, 0, 2500, ""),
    ("ann", "a7", "2017-03-21 00:00:00", "milk", "s9", 900, 0, 900, ""),
]

CUSTOMERS = ["ann", "bob", "cid", "dot"]
BY_HAND = {
    "recency_days": [0, 4, 1, 6],
    "tenure_days": [9, 5, 1, 6],
    # sales after the 5th and up to it, 10.00 added to both; fuel and cards count
    "trend": [log(56 / 24), log(62 / 11), log(10 / 10), log(10 / 36)],
    "orders": [4, 2, 3, 1],
    "sales": [20.00, 3.00, 0.00, 0.00],
    "lines": [4, 2, 3, 0],
    # ann came on the 1st, 4th and 10th: gaps of 3 and 6 days, squares around 4.5
    "gap_mean_days": [4.5, 1, nan, nan],
    "gap_variation": [sqrt(2 * 1.5**2 / 1) / 4.5, nan, nan, nan],
    # ann's order a4 holds fuel alone, so three of her orders hold goods
    "sales_per_order": [20 / 3, 1.5, 0, nan],
    "lines_per_order": [4 / 3, 1, 1, nan],
    "need_variety": [1 / (0.55**2 + 0.15**2 + 0.30**2), 1, nan, nan],
    "repeat_share": [1 / 4, 1 / 2, 2 / 3, nan],
    "stores": [2, 2, 3, 1],
    "main_store_share": [3 / 4, 1 / 2, 1 / 3, 1],
    "morning_share": [2 / 4, 0, 0, 0],
    "evening_share": [2 / 4, 1 / 2, 0, 0],
    "weekend_share": [1 / 4, 1 / 2, 0, 1],
    "fuel_sales": [40.00, 0, 0, 25.00],
    "private_label_share": [9 / 20, 0, nan, nan],
    # coupons are no price reduction: sales are what the shop receives
    "discount_depth": [5 / 25, 50 / 350, 300 / 300, nan],
    "mailer_share": [6 / 20, 0, nan, nan],
    "display_share": [5 / 20, 0, nan, nan],
    # ann's coupon for fuel alone does not count
    "coupon_order_rate": [1 / 3, 1 / 2, 0, nan],
    "share_produce": [11 / 20, 1, nan, nan],
    "share_dairy_eggs": [3 / 20, 0, nan, nan],
    "share_fresh_meat_fish": [6 / 20, 0, nan, nan],
    **{
        f"share_{need}": [0, 0, nan, nan]
        for need in NEEDS
        if need not in {"produce", "dairy_eggs", "fresh_meat_fish"}
    },
}


def lines_of(bought):
    """Turn the tuples above into the columns of the standard table that are read."""
    names = ["customer_id", "order_id", "ordered_at", "product_id", "store_id"]
    money = ["sales_cents", "coupon_cents", "shelf_amount_cents"]
    lines = pd.DataFrame(bought, columns=[*names, *money, "marks"])
    return lines.assign(
        ordered_at=lines["ordered_at"].astype("datetime64[us]"),
        amount_cents=lines["sales_cents"] - lines["coupon_cents"],
        on_mailer=lines["marks"] == "mailer",
        on_display=lines["marks"] == "display",
        quantity=1,
    ).drop(columns=["sales_cents", "marks"])


@pytest.fixture
def build(tmp_path):
    """Give a function that saves tables and builds features from them."""

    def run(lines, *, products=PRODUCTS, window=WINDOW, threads=1, row_group=None):
        lines.to_parquet(tmp_path / "lines.parquet", row_group_size=row_group)
        products.to_parquet(tmp_path / "products.parquet")
        with duckdb.connect(config={"threads": threads}) as con:
            return dictionary.build(con, **files(tmp_path), **window)

    return run


@pytest.fixture
def measure(tmp_path):
    """Give a function that saves tables and measures outcomes in the later window."""

    def run(lines, customers, *, products=PRODUCTS):
        lines.to_parquet(tmp_path / "lines.parquet")
        products.to_parquet(tmp_path / "products.parquet")
        with duckdb.connect() as con:
            asked = pd.Series(customers, name="asked")
            return holdout.later(con, customers=asked, **files(tmp_path), **LATER)

    return run


def files(folder):
    return {name: str(folder / f"{name}.parquet") for name in ("lines", "products")}


# --- By hand


def test_the_answers_by_hand_cover_every_feature(hand_built):
    assert set(hand_built.columns) == {"customer_id", *BY_HAND}


@pytest.mark.parametrize("feature", BY_HAND)
def test_a_feature_is_what_was_worked_out_by_hand(hand_built, feature):
    found = hand_built.set_index("customer_id")[feature]
    assert found.index.tolist() == CUSTOMERS
    assert found.tolist() == pytest.approx(BY_HAND[feature], abs=1e-12, nan_ok=True)


@pytest.fixture(scope="module")
def hand_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hand")
    lines_of(BOUGHT).to_parquet(folder / "lines.parquet")
    PRODUCTS.to_parquet(folder / "products.parquet")
    return files(folder)


@pytest.fixture(scope="module")
def hand_built(hand_files):
    with duckdb.connect() as con:
        return dictionary.build(con, **hand_files, **WINDOW)


def test_counts_are_whole_numbers_and_columns_follow_the_dictionary(
    hand_built, hand_files
):
    with duckdb.connect() as con:
        names = [feature.name for feature in dictionary.defined(con, **hand_files)]
    assert hand_built.columns.tolist() == ["customer_id", *names]
    whole = hand_built.columns[hand_built.dtypes == "int64"].tolist()
    counted = ["recency_days", "tenure_days", "orders", "lines", "stores"]
    assert sorted(whole) == sorted(counted)


def test_clockwork_has_no_variation_and_bursts_have_more_than_chance(build):
    def came(customer, *days):
        return [
            (
                customer,
                f"{customer}{day}",
                f"2017-03-{day:02}",
                "apple",
                "s",
                1,
                0,
                1,
                "",
            )
            for day in days
        ]

    found = build(lines_of([*came("clock", 1, 4, 7, 10), *came("burst", 1, 2, 3, 10)]))
    # gaps of 1, 1 and 7 days: mean 3, squares around it 4 + 4 + 16, by 3 - 1
    assert found.set_index("customer_id")["gap_variation"].to_dict() == {
        "burst": pytest.approx(sqrt(24 / 2) / 3),
        "clock": 0,
    }


def test_an_odd_window_gives_its_middle_day_to_the_first_half(build):
    day = ("ann", "a1", "2017-03-05 12:00:00", "apple", "s1", 1000, 0, 1000, "")
    found = build(lines_of([day]), window={"first": "2017-03-01", "last": "2017-03-09"})
    assert found["trend"].tolist() == pytest.approx([log(10 / 20)])


def test_an_order_number_shared_by_two_customers_is_two_orders(build):
    one = ("ann", "1", "2017-03-02 12:00:00", "apple", "s1", 100, 0, 100, "")
    found = build(lines_of([one, ("bob", *one[1:])]))
    assert found["orders"].tolist() == [1, 1]


def test_the_dictionary_lists_every_feature_with_its_missing_share(
    hand_built, hand_files
):
    with duckdb.connect() as con:
        found = dictionary.defined(con, **hand_files)
    listed = dictionary.dictionary(hand_built, found).set_index("feature")
    assert listed.index.tolist() == hand_built.columns[1:].tolist()
    expected = {name: np.isnan(values).mean() for name, values in BY_HAND.items()}
    assert listed["missing_share"].to_dict() == expected
    assert listed.loc["gap_variation", "missing_share"] == 3 / 4
    assert set(listed["family"]) == {
        *("lifecycle", "behavioural", "needs", "psychographic proxy")
    }
    assert set(listed["source"]) == {
        *("order_rows", "day_rows", "store_rows", "need_rows", "item_rows")
    }
    assert listed[["unit", "meaning", "sql"]].map(len).to_numpy().all()


def test_an_empty_window_is_told_with_its_table_and_column(build):
    with pytest.raises(BadInput) as refused:
        build(lines_of(BOUGHT), window={"first": "2018-01-01", "last": "2018-01-31"})
    assert str(refused.value) == (
        "Table lines: column ordered_at has no line from 2018-01-01 to 2018-01-31. "
        "Choose a window in which there are orders."
    )


# --- Later


def test_outcomes_come_for_the_customers_asked_in_their_order(measure):
    found = measure(lines_of(BOUGHT), ["dot", "cid", "ann"])
    assert found["customer_id"].tolist() == ["dot", "cid", "ann"]
    # ann: 9.00 of milk, then 1.50 of apples with fuel; dot: fuel alone; cid: nothing
    assert found["holdout_orders"].tolist() == [1, 0, 2]
    assert found["holdout_sales"].tolist() == [0, 0, 10.50]
    assert found["holdout_dairy_eggs"].tolist() == [0, 0, 9.00]
    assert found["holdout_produce"].tolist() == [0, 0, 1.50]
    needs = [f"holdout_{need}" for need in NEEDS]
    assert found.columns.tolist() == [
        *("customer_id", "holdout_orders", "holdout_sales"),
        *needs,
        "holdout_recency_days",
    ]
    assert found[needs].sum(axis=1).tolist() == found["holdout_sales"].tolist()
    # dot came on the 15th, ann late on the 20th; cid not in these ten days
    assert found["holdout_recency_days"].tolist() == [5, 10, 0]
    assert found[["holdout_orders", "holdout_recency_days"]].dtypes.eq("int64").all()


def test_who_comes_on_the_first_later_day_alone_differs_from_who_never_comes(measure):
    first = ("ann", "a1", "2017-03-11 00:00:00", "gas", "s1", 100, 0, 100, "")
    found = measure(lines_of([first]), ["ann", "bob"])
    assert found["holdout_recency_days"].tolist() == [9, 10]


def test_lines_before_the_later_window_change_no_outcome(measure):
    lines = lines_of(BOUGHT)
    later = lines[lines["ordered_at"] >= LATER["first"]]
    assert len(later) < len(lines)
    asked = ["ann", "cid"]
    pd.testing.assert_frame_equal(measure(lines, asked), measure(later, asked))


# --- Campaigns: the later window is 11 to 20 March

STARTS = {
    "running": "2017-03-10 00:00:00",
    "first": "2017-03-11 00:00:00",
    "second": "2017-03-15 00:00:00",
    "last": "2017-03-20 00:00:00",
    "after": "2017-03-21 00:00:00",
}
CONTACTED = [
    *(("first", "yes"), ("second", "yes"), ("first", "no"), ("last", "lastday")),
    *(("running", "before"), ("running", "inside"), ("after", "after")),
    *(("first", "toosoon"), ("first", "toolate"), ("second", "other")),
]
ANSWERED = [
    ("first", "yes", "2017-03-11 00:00:00"),
    ("first", "yes", "2017-03-11 00:00:00"),
    ("last", "lastday", "2017-03-20 23:59:59"),
    ("running", "before", "2017-03-10 23:59:59"),
    ("running", "inside", "2017-03-12 00:00:00"),
    ("after", "after", "2017-03-22 00:00:00"),
    ("first", "toosoon", "2017-03-10 23:59:59"),
    ("first", "toolate", "2017-03-21 00:00:00"),
    ("first", "other", "2017-03-12 00:00:00"),
    ("first", "stranger", "2017-03-12 00:00:00"),
    ("old", "before", "2017-03-01 00:00:00"),
    ("old", "before", "2017-02-28 23:59:59"),
]


@pytest.fixture
def campaign(tmp_path):
    """Give a function that saves campaign tables and asks one of the two helpers."""

    def run(helper, asked, *, answered=ANSWERED, **window):
        day = "datetime64[us]"
        tables = {
            "campaigns": pd.DataFrame(STARTS.items(), columns=["campaign_id", "on"])
            .rename(columns={"on": "starts_on"})
            .astype({"starts_on": day}),
            "contacts": pd.DataFrame(CONTACTED, columns=["campaign_id", "customer_id"]),
            "responses": pd.DataFrame(
                answered, columns=["campaign_id", "customer_id", "responded_on"]
            ).astype({"responded_on": day}),
        }
        names = ["responses"] if helper is holdout.redemptions else list(tables)
        for name in names:
            tables[name].to_parquet(tmp_path / f"{name}.parquet")
        given = {name: str(tmp_path / f"{name}.parquet") for name in names}
        with duckdb.connect() as con:
            return helper(con, customers=pd.Series(asked), **given, **window)

    return run


def test_targeted_are_those_of_campaigns_that_start_later_and_redeemed_who_answered(
    campaign,
):
    expected = {
        "yes": (True, True),
        "never": (False, False),
        "no": (True, False),
        "lastday": (True, True),
        # their campaign runs already, or starts after the window
        "before": (False, False),
        "inside": (False, False),
        "after": (False, False),
        # answered outside the window
        "toosoon": (True, False),
        "toolate": (True, False),
        # answered a campaign of which they had no contact
        "other": (True, False),
        "stranger": (False, False),
    }
    found = campaign(holdout.redeemed, list(expected), **LATER)
    assert found.columns.tolist() == [
        "customer_id",
        "holdout_targeted",
        "holdout_redeemed",
    ]
    assert list(found.itertuples(index=False, name=None)) == [
        (customer, *flags) for customer, flags in expected.items()
    ]
    assert found.dtypes.tolist()[1:] == [bool, bool]


def test_past_redemptions_are_counted_in_the_training_window_alone(campaign):
    asked = ["before", "yes", "toosoon", "never"]
    found = campaign(holdout.redemptions, asked, **WINDOW)
    # before: on the 1st and the 10th; the one of 28 February is too old
    assert found["customer_id"].tolist() == asked
    assert found["past_redemptions"].tolist() == [2, 0, 1, 0]
    assert found["past_redemptions"].dtype == "int64"


def test_a_coupon_redeemed_twice_counts_twice(campaign):
    found = campaign(holdout.redemptions, ["yes"], **LATER)
    assert found["past_redemptions"].tolist() == [2]


def test_no_later_response_changes_past_redemptions(campaign):
    asked = ["before", "yes", "toosoon"]
    early = [row for row in ANSWERED if row[2] < LATER["first"]]
    assert len(early) < len(ANSWERED)
    pd.testing.assert_frame_equal(
        campaign(holdout.redemptions, asked, **WINDOW),
        campaign(holdout.redemptions, asked, answered=early, **WINDOW),
    )


def test_no_earlier_response_changes_who_redeemed_later(campaign):
    asked = ["before", "yes", "toosoon", "lastday"]
    late = [row for row in ANSWERED if row[2] >= LATER["first"]]
    assert len(late) < len(ANSWERED)
    pd.testing.assert_frame_equal(
        campaign(holdout.redeemed, asked, **LATER),
        campaign(holdout.redeemed, asked, answered=late, **LATER),
    )


# --- Properties, on lines enough for several threads

FIRST, LAST = "2017-03-05", "2017-04-30"
MANY = {"first": FIRST, "last": LAST}
AFTER = pd.Timestamp("2017-05-01")


@pytest.fixture(scope="module")
def many():
    """Draw 30,000 lines of 400 customers from March to May, of products of all needs."""
    draw = np.random.default_rng(17)
    order = np.sort(draw.integers(0, 6_000, 30_000))
    customer = draw.integers(0, 400, 6_000)
    start = np.datetime64("2017-03-01", "us")
    second = draw.integers(0, 92 * 86_400, 6_000)
    moment = start + second * np.timedelta64(1_000_000, "us")
    sales = draw.integers(0, 2_000, 30_000)
    coupon = draw.integers(0, 300, 30_000) * (draw.random(30_000) < 0.1)
    return pd.DataFrame(
        {
            "customer_id": pd.Series(customer[order]).astype("str"),
            "order_id": pd.Series(order).astype("str"),
            "ordered_at": moment[order],
            "product_id": pd.Series(draw.integers(0, 90, 30_000)).astype("str"),
            "store_id": pd.Series(draw.integers(0, 5, 6_000)[order]).astype("str"),
            "quantity": 1,
            "amount_cents": sales - coupon,
            "coupon_cents": coupon,
            "shelf_amount_cents": sales + draw.integers(0, 400, 30_000),
            "on_mailer": draw.random(30_000) < 0.2,
            "on_display": draw.random(30_000) < 0.1,
        }
    )


@pytest.fixture(scope="module")
def many_products():
    needs = [*NEEDS, *schema.APART]
    return pd.DataFrame(
        {
            "product_id": [str(number) for number in range(90)],
            "need_state": [needs[number % len(needs)] for number in range(90)],
            "brand": [
                ("National", "Private", None)[number % 3] for number in range(90)
            ],
        }
    )


@pytest.fixture
def build_many(build, many_products):
    def run(lines, *, products=many_products, threads=1):
        # small groups of rows, so that threads have something to share
        return build(
            lines, products=products, window=MANY, threads=threads, row_group=2048
        )

    return run


def bits(table):
    """Return a table's columns bit for bit, so that not even a last digit may differ."""
    ids = table["customer_id"].tolist()
    return ids, {name: table[name].to_numpy().tobytes() for name in table.columns[1:]}


def change_later(lines):
    later = lines["ordered_at"] >= AFTER
    swapped = lines.assign(
        customer_id=lines["customer_id"].iloc[::-1].to_numpy(),
        store_id="elsewhere",
        product_id="3",
        amount_cents=lines["amount_cents"] * 7 + 13,
        coupon_cents=lines["coupon_cents"] + 1,
        shelf_amount_cents=lines["shelf_amount_cents"] * 9,
        on_mailer=~lines["on_mailer"],
        on_display=~lines["on_display"],
    )
    return lines.where(~later, swapped).astype(lines.dtypes)


def remove_later(lines):
    return lines[lines["ordered_at"] < AFTER]


def add_later(lines):
    """Let the lines of the window come again after it, some for unknown customers."""
    inside = lines[lines["ordered_at"].between(FIRST, AFTER, inclusive="left")]
    at_midnight = inside.assign(ordered_at=AFTER).astype(lines.dtypes)
    strangers = inside.assign(customer_id="x" + inside["customer_id"])
    strangers["ordered_at"] += pd.Timedelta(days=57)
    return pd.concat([lines, at_midnight, strangers])


def remove_earlier(lines):
    return lines[lines["ordered_at"] >= FIRST]


@pytest.mark.parametrize(
    "change", [change_later, remove_later, add_later, remove_earlier]
)
def test_no_line_outside_the_window_changes_a_single_bit(many, build_many, change):
    changed = change(many)
    assert not changed.equals(many)
    assert bits(build_many(changed)) == bits(build_many(many))


def test_a_line_in_the_last_second_of_the_window_counts(many, build_many):
    late = many.head(1).assign(
        customer_id="late", ordered_at=AFTER - pd.Timedelta(seconds=1)
    )
    with_late = build_many(pd.concat([many, late.astype(many.dtypes)]))
    without = with_late["customer_id"] != "late"
    assert (~without).sum() == 1
    assert bits(with_late[without]) == bits(build_many(many))


def test_the_order_of_lines_and_products_changes_no_bit(
    many, many_products, build_many
):
    mixed = many.sample(frac=1, random_state=3)
    turned = many_products.iloc[::-1]
    assert bits(build_many(mixed, products=turned)) == bits(build_many(many))


def test_one_thread_and_two_give_the_same_bits(many, build_many):
    assert bits(build_many(many, threads=2)) == bits(build_many(many, threads=1))


def test_sizes_add_up_to_what_was_bought_in_the_window(many, many_products, build_many):
    found = build_many(many)
    inside = remove_earlier(remove_later(many)).merge(many_products, on="product_id")
    cents = inside["amount_cents"] + inside["coupon_cents"]
    goods = ~inside["need_state"].isin(schema.APART)
    assert found["customer_id"].tolist() == sorted(inside["customer_id"].unique())
    assert found["orders"].sum() == inside["order_id"].nunique()
    assert found["lines"].sum() == goods.sum()
    assert round(found["sales"].sum() * 100) == cents[goods].sum()
    fuel = inside["need_state"] == "fuel"
    assert round(found["fuel_sales"].sum() * 100) == cents[fuel].sum()
    shares = found[[f"share_{need}" for need in NEEDS]].sum(axis=1)
    assert shares.to_numpy() == pytest.approx(1)


def test_a_line_whose_product_has_no_row_is_refused_and_not_dropped(build):
    known = PRODUCTS[PRODUCTS["product_id"] != "beef"]
    with pytest.raises(BadInput) as refused:
        build(lines_of(BOUGHT), products=known)
    assert str(refused.value) == (
        "Table lines: column product_id of 1 lines has no row in table products. Run "
        "01_cleaning again: it gives such products a row."
    )


# --- Odd and even weeks

SIZES = ["orders", "sales", "lines"]
SHARES = [f"share_{need}" for need in NEEDS]


@pytest.fixture
def cut(tmp_path):
    """Give a function that saves tables and builds both halves."""

    def run(lines, *, products=PRODUCTS, window=WINDOW, threads=1, by="weeks"):
        lines.to_parquet(tmp_path / "lines.parquet", row_group_size=2048)
        products.to_parquet(tmp_path / "products.parquet")
        settings = {"columns": SHARES, "cut": by, **files(tmp_path), **window}
        with duckdb.connect(config={"threads": threads}) as con:
            return dictionary.halves(con, **settings)

    return run


def test_halves_are_what_was_worked_out_by_hand(cut):
    found = cut(lines_of(BOUGHT))
    assert found.columns.tolist() == ["customer_id", "half", *SIZES, *SHARES]
    assert found[["orders", "lines"]].dtypes.eq("int64").all()
    # week 1, 1 to 7 March, is odd; week 2, 8 to 10 March, is even
    by_hand = {
        ("ann", "even"): (2, 6.00, 1, {"fresh_meat_fish": 1.0}),
        ("ann", "odd"): (2, 14.00, 3, {"produce": 11 / 14, "dairy_eggs": 3 / 14}),
        ("bob", "odd"): (2, 3.00, 2, {"produce": 1.0}),
        ("cid", "even"): (3, 0.00, 3, None),
        ("dot", "odd"): (1, 0.00, 0, None),
    }
    assert list(zip(found["customer_id"], found["half"], strict=True)) == list(by_hand)
    for row, (*sizes, shares) in zip(
        found.to_dict("records"), by_hand.values(), strict=True
    ):
        assert [row[name] for name in SIZES] == sizes
        for need in NEEDS:
            expected = nan if shares is None else shares.get(need, 0)
            found_share = row[f"share_{need}"]
            assert found_share == pytest.approx(expected, abs=1e-12, nan_ok=True)


def half_bits(table):
    named = table.assign(customer_id=table["customer_id"] + table["half"])
    return bits(named.drop(columns="half"))


def week_of(moments):
    return (moments.dt.normalize() - pd.Timestamp(FIRST)).dt.days // 7


def test_a_half_is_what_the_features_are_where_the_other_weeks_are_missing(
    many, many_products, build_many, cut
):
    # in these lines every order has one moment
    found = cut(many, products=many_products, window=MANY)
    for half, left in {"odd": 0, "even": 1}.items():
        alone = build_many(many[week_of(many["ordered_at"]) % 2 == left])
        own = found[found["half"] == half].drop(columns="half").reset_index(drop=True)
        assert len(own) > 300
        pd.testing.assert_frame_equal(
            own, alone[["customer_id", *SIZES, *SHARES]], check_exact=True
        )


def test_the_first_half_ends_with_the_middle_day_of_the_window(cut):
    found = cut(lines_of(BOUGHT), by="middle")
    # of 1 to 10 March, 1 to 5 are the first half; bob came on the 5th and the 6th
    by_hand = {
        ("ann", "first"): (2, 14.00, 3),
        ("ann", "second"): (2, 6.00, 1),
        ("bob", "first"): (1, 1.00, 1),
        ("bob", "second"): (1, 2.00, 1),
        ("cid", "second"): (3, 0.00, 3),
        ("dot", "first"): (1, 0.00, 0),
    }
    assert list(zip(found["customer_id"], found["half"], strict=True)) == list(by_hand)
    assert list(found[SIZES].itertuples(index=False, name=None)) == list(
        by_hand.values()
    )


def test_a_half_in_time_is_what_the_features_are_of_its_days(
    many, many_products, build_many, cut
):
    found = cut(many, products=many_products, window=MANY, by="middle")
    # 56 days after 5 March 2017 the window ends; 28 days after it lies 2 April
    early = many["ordered_at"] < pd.Timestamp("2017-04-03")
    for half, there in {"first": early, "second": ~early}.items():
        alone = build_many(many[there])
        own = found[found["half"] == half].drop(columns="half").reset_index(drop=True)
        assert len(own) > 300
        pd.testing.assert_frame_equal(
            own, alone[["customer_id", *SIZES, *SHARES]], check_exact=True
        )


def test_blocks_begin_anew_at_a_turn_and_share_out_the_days_of_both_sides(
    many, many_products, build_many, cut
):
    turn, ahead = "2017-04-04", pd.Timestamp("2017-04-04")
    # 30 days before it: weeks 1 and 2 are odd, 3 and 4 even, and of the two days left the
    # first is odd. 27 days from it on, no two blocks: the first 13 are even.
    odd = [*range(14), 28, *range(30 + 13, 57)]
    window = MANY | {"weeks": 2, "turn": turn}
    found = cut(many, products=many_products, window=window)
    assert (ahead - pd.Timestamp(FIRST)).days == 30
    day = (many["ordered_at"].dt.normalize() - pd.Timestamp(FIRST)).dt.days
    for half, held in {"odd": day.isin(odd), "even": ~day.isin(odd)}.items():
        alone = build_many(many[held])
        own = found[found["half"] == half].drop(columns="half").reset_index(drop=True)
        assert len(own) > 300
        pd.testing.assert_frame_equal(
            own, alone[["customer_id", *SIZES, *SHARES]], check_exact=True
        )


def test_blocks_of_two_weeks_alternate_from_the_first_day(cut):
    days = [f"2017-03-{day:02}" for day in (1, 14, 15, 28, 29)]
    bought = [
        (f"c{i}", f"o{i}", f"{day} 12:00:00", "apple", "s1", 100, 0, 100, "")
        for i, day in enumerate(days)
    ]
    window = {"first": "2017-03-01", "last": "2017-03-31", "weeks": 2}
    found = cut(lines_of(bought), window=window)
    assert found["half"].tolist() == ["odd", "odd", "even", "even", "odd"]


def test_both_halves_add_up_to_the_window(many, many_products, build_many, cut):
    found = cut(many, products=many_products, window=MANY)
    whole = build_many(many).set_index("customer_id")
    added = found.groupby("customer_id")[SIZES].sum()
    assert added["orders"].equals(whole["orders"])
    assert added["lines"].equals(whole["lines"])
    assert added["sales"].to_numpy() == pytest.approx(whole["sales"].to_numpy())


def test_an_order_over_midnight_between_weeks_belongs_to_the_first(cut):
    early = ("ann", "a1", "2017-03-07 23:59:59", "apple", "s1", 100, 0, 100, "")
    late = ("ann", "a1", "2017-03-08 00:00:01", "milk", "s1", 300, 0, 300, "")
    other = ("bob", "a1", "2017-03-08 00:00:01", "milk", "s1", 700, 0, 700, "")
    found = cut(lines_of([late, early, other]))
    assert found[
        ["customer_id", "half", "orders", "lines", "sales"]
    ].to_numpy().tolist() == [
        ["ann", "odd", 1, 2, 4.00],
        ["bob", "even", 1, 1, 7.00],
    ]


@pytest.mark.parametrize(
    "change", [change_later, remove_later, add_later, remove_earlier]
)
def test_no_line_outside_the_window_changes_a_half(many, many_products, cut, change):
    given = {"products": many_products, "window": MANY}
    assert half_bits(cut(change(many), **given)) == half_bits(cut(many, **given))


def test_halves_are_the_same_bits_on_two_threads_and_in_any_order_of_lines(
    many, many_products, cut
):
    given = {"products": many_products, "window": MANY}
    mixed = many.sample(frac=1, random_state=3)
    assert half_bits(cut(mixed, threads=2, **given)) == half_bits(cut(many, **given))


def test_halves_of_an_empty_window_are_refused(cut):
    with pytest.raises(BadInput, match="no line from 2018-01-01 to 2018-01-31"):
        cut(lines_of(BOUGHT), window={"first": "2018-01-01", "last": "2018-01-31"})


# --- A supplier's tables: the window is again 1 to 10 March

CLIENTS = pd.DataFrame(
    [
        ("ann", True, False, True),
        ("bob", False, True, True),
        ("cid", False, False, None),
    ],
    columns=["customer_id", "requires_logo_work", "requires_rental", "loyal"],
).astype({"loyal": "boolean"})
WARES = pd.DataFrame(
    [
        ("jacket", "basics", None),
        ("cap", "logo_and_badges", None),
        ("deposit", "not_merchandise", None),
    ],
    columns=["product_id", "need_state", "brand"],
)
# customer, order, day, product, channel, pieces, sales, days, sent back, logo
ORDERED = [
    ("ann", "a1", "2017-03-01", "jacket", "web shop", 10, 10000, 4, 2, True),
    ("ann", "a1", "2017-03-01", "cap", "web shop", 5, 5000, 9, 0, False),
    ("ann", "a2", "2017-03-09", "jacket", "telephone", 3, 3000, 5, 1, False),
    ("ann", "a2", "2017-03-09", "deposit", "telephone", 1, 2000, 30, 1, True),
    ("bob", "b1", "2017-03-02", "jacket", None, 2, 2000, 7, 0, False),
    ("cid", "c1", "2017-03-03", "cap", "web shop", 1, 0, 2, 0, True),
    ("dot", "d1", "2017-03-04", "deposit", "telephone", 4, 900, 1, 4, True),
    # outside the window
    ("ann", "a0", "2017-02-28", "jacket", "fax", 99, 9000, 99, 99, True),
    ("eve", "e1", "2017-03-11", "jacket", "fax", 99, 9000, 99, 99, True),
]
# customer, moment, kind, topic, minutes
TOUCHED = [
    ("ann", "2017-03-01 00:00:00", "support ticket", "sizing", 30.0),
    ("ann", "2017-03-02 09:00:00", "support ticket", "sizing", 90.0),
    ("ann", "2017-03-09 09:00:00", "support ticket", "delivery", None),
    ("ann", "2017-03-05 09:00:00", "visit", None, None),
    ("bob", "2017-03-05 09:00:00", "visit", None, None),
    ("dot", "2017-03-10 23:59:59", "support ticket", "Care & laundry", 60.0),
    ("ann", "2017-02-28 23:59:59", "support ticket", "delivery", 9e6),
    ("ann", "2017-03-11 00:00:00", "support ticket", "invoice", 9e6),
    ("eve", "2017-03-05 09:00:00", "support ticket", "sizing", 9e6),
]
# customer, day, question, score
ANSWERS = [
    ("ann", "2017-03-01", "recommend", 8.0),
    ("ann", "2017-03-10", "recommend", 10.0),
    ("ann", "2017-03-10", "fit", 6.0),
    ("ann", "2017-03-10", "delivery", 7.0),
    ("bob", "2017-03-04", "fit", 3.0),
    ("cid", "2017-02-28", "recommend", 1.0),
    ("cid", "2017-03-11", "fit", 1.0),
]
OF_A_SUPPLIER = {
    # pieces of all lines, by order: 15 and 4
    "pieces_per_order": [9.5, 2, 1, 4],
    # goods alone: the deposit's 30 days and its piece sent back do not count
    "lead_days": [(4 + 9 + 5) / 3, 7, 2, nan],
    "return_share": [3 / 18, 0, 0, nan],
    # cid's cap cost nothing, and of no sales there is no share
    "logo_share": [10 / 18, 0, nan, nan],
    # a contact has a topic: visits have none
    "contacts": [3, 0, 0, 1],
    # ann's third ticket was never answered
    "response_hours": [1, nan, nan, 1],
    "recommends": [9, nan, nan, nan],
    "satisfaction": [6.5, 3, nan, nan],
    "share_basics": [13 / 18, 1, nan, nan],
    "share_logo_and_badges": [5 / 18, 0, nan, nan],
    # bob's order came in on no known channel
    "channel_fax": [0, 0, 0, 0],
    "channel_telephone": [1 / 2, 0, 0, 1],
    "channel_web_shop": [1 / 2, 0, 1, 0],
    "topic_care_laundry": [0, nan, nan, 1],
    "topic_delivery": [1 / 3, nan, nan, 0],
    "topic_invoice": [0, nan, nan, 0],
    "topic_sizing": [2 / 3, nan, nan, 0],
    # dot is in no table of customers
    "requires_logo_work": [1, 0, 0, nan],
    "requires_rental": [0, 1, 0, nan],
}
# What is left of it by the column or table that a run lacks.
ASKING = {
    "channel": ["channel_fax", "channel_telephone", "channel_web_shop"],
    "lead_days": ["lead_days", "pieces_per_order"],
    "returned": ["return_share"],
    "logo": ["logo_share"],
    "topic": ["contacts", *(name for name in OF_A_SUPPLIER if name[:6] == "topic_")],
    "minutes": ["response_hours"],
    "requires_rental": ["requires_rental"],
}
BESIDE = {
    "interactions": [*ASKING["topic"], "response_hours"],
    "surveys": ["recommends", "satisfaction"],
    "declared": ["requires_logo_work", "requires_rental"],
}


def supplied():
    """Return the supplier's tables by the names that `dictionary.build` takes."""
    names = ["customer_id", "order_id", "ordered_at", "product_id", "channel"]
    more = ["quantity", "amount_cents", "lead_days", "returned", "logo"]
    asked = ["customer_id", "answered_on", "question", "score"]
    touched = ["customer_id", "happened_at", "kind", "topic", "minutes"]
    day = "datetime64[us]"
    lines = pd.DataFrame(ORDERED, columns=[*names, *more])
    return {
        "lines": lines.assign(coupon_cents=0).astype({"ordered_at": day}),
        "products": WARES,
        "declared": CLIENTS,
        "interactions": pd.DataFrame(TOUCHED, columns=touched).astype(
            {"happened_at": day}
        ),
        "surveys": pd.DataFrame(ANSWERS, columns=asked).astype({"answered_on": day}),
    }


@pytest.fixture
def stored(tmp_path):
    """Give a function that saves tables and returns their paths."""

    def run(tables):
        for name, table in tables.items():
            table.to_parquet(tmp_path / f"{name}.parquet")
        return {name: str(tmp_path / f"{name}.parquet") for name in tables}

    return run


@pytest.fixture
def supply(stored):
    """Give a function that saves a supplier's tables and builds features from them."""

    def run(tables, window=WINDOW):
        with duckdb.connect() as con:
            return dictionary.build(con, **stored(tables), **window)

    return run


@pytest.mark.parametrize("feature", OF_A_SUPPLIER)
def test_a_suppliers_feature_is_what_was_worked_out_by_hand(supply, feature):
    found = supply(supplied()).set_index("customer_id")[feature]
    assert found.index.tolist() == CUSTOMERS
    expected = pytest.approx(OF_A_SUPPLIER[feature], abs=1e-12, nan_ok=True)
    assert found.tolist() == expected


def test_who_never_wrote_has_no_contacts_and_not_a_missing_number_of_them(supply):
    found = supply(supplied())
    assert found["contacts"].dtype == "int64"
    assert "eve" not in found["customer_id"].tolist()


def test_an_answer_is_not_multiplied_by_a_customers_orders_or_contacts(supply):
    tables = supplied()
    tables["interactions"] = pd.concat([tables["interactions"]] * 3)
    found, once = supply(tables), supply(supplied())
    left = [name for name in once if name != "contacts"]
    pd.testing.assert_frame_equal(found[left], once[left])
    assert found["contacts"].tolist() == [9, 0, 0, 3]


@pytest.mark.parametrize("column", ASKING)
def test_a_feature_whose_column_a_run_lacks_is_left_out_and_no_other(supply, column):
    tables = supplied()
    whole = supply(tables)
    without = {
        name: t.drop(columns=column, errors="ignore") for name, t in tables.items()
    }
    pd.testing.assert_frame_equal(
        supply(without), whole.drop(columns=ASKING[column]), check_exact=True
    )


@pytest.mark.parametrize("table", BESIDE)
def test_a_feature_whose_table_a_run_lacks_is_left_out_and_no_other(supply, table):
    tables = supplied()
    whole = supply(tables)
    del tables[table]
    pd.testing.assert_frame_equal(
        supply(tables), whole.drop(columns=BESIDE[table]), check_exact=True
    )


@pytest.mark.parametrize(
    ("asked", "there"),
    [("recommend", {"recommends"}), ("fit", {"satisfaction"}), ("none", set())],
)
def test_a_survey_gives_the_mean_of_what_was_asked_and_not_of_the_other(
    supply, asked, there
):
    tables = supplied()
    answers = tables["surveys"]
    found = supply(tables | {"surveys": answers[answers["question"] == asked]})
    assert set(found) & {"recommends", "satisfaction"} == there


GROCERS = {
    "store_id": {"stores", "main_store_share"},
    "shelf_amount_cents": {"discount_depth"},
    "on_mailer": {"mailer_share"},
    "on_display": {"display_share"},
}


@pytest.mark.parametrize("column", GROCERS)
def test_a_shops_feature_whose_column_is_missing_is_left_out_and_no_other(
    build, hand_built, column
):
    found = build(lines_of(BOUGHT).drop(columns=column))
    assert set(hand_built) - set(found) == GROCERS[column]
    pd.testing.assert_frame_equal(found, hand_built[found.columns], check_exact=True)


def test_dates_without_a_time_of_day_give_no_share_of_mornings_or_evenings(
    build, hand_built
):
    lines = lines_of(BOUGHT)
    found = build(lines.assign(ordered_at=lines["ordered_at"].dt.normalize()))
    assert set(hand_built) - set(found) == {"morning_share", "evening_share"}
    pd.testing.assert_frame_equal(found, hand_built[found.columns], check_exact=True)


def test_one_time_of_day_outside_the_window_is_enough_for_the_same_columns(build):
    lines = lines_of(BOUGHT)
    days = lines["ordered_at"].dt.normalize()
    at_nine = days + pd.Timedelta(hours=9)
    moments = days.mask(lines["order_id"] == "a7", at_nine)
    found = build(lines.assign(ordered_at=moments.astype("datetime64[us]")))
    assert found["morning_share"].tolist() == [0, 0, 0, 0]


def test_without_fuel_and_own_brand_no_product_asks_for_them(build):
    plain = PRODUCTS.assign(brand=None).replace({"need_state": {"fuel": "produce"}})
    found = set(build(lines_of(BOUGHT), products=plain))
    assert not {"fuel_sales", "private_label_share"} & found
    assert "share_produce" in found


def test_lines_alone_give_size_and_rhythm_and_nothing_that_must_be_guessed(build):
    basic = ["customer_id", "order_id", "ordered_at", "product_id", "quantity"]
    lines = lines_of(BOUGHT)[[*basic, "amount_cents"]].assign(coupon_cents=0)
    lines["ordered_at"] = lines["ordered_at"].dt.normalize()
    products = PRODUCTS.assign(need_state="other", brand=None)
    found = build(lines, products=products)
    assert found.columns.tolist() == [
        *("customer_id", "recency_days", "tenure_days", "trend", "orders", "sales"),
        *("lines", "gap_mean_days", "gap_variation", "sales_per_order"),
        *("lines_per_order", "need_variety", "repeat_share", "weekend_share"),
        "share_other",
    ]
    # everything is goods here: ann's fuel too
    assert found.set_index("customer_id").loc["ann", "sales"] == 58.50


def test_without_any_need_there_is_no_share_and_no_variety(build):
    found = build(lines_of(BOUGHT), products=PRODUCTS.assign(need_state="unclassified"))
    assert not [name for name in found if name.startswith(("share_", "need_"))]
    assert found["sales"].tolist() == [0, 0, 0, 0]


def test_every_window_has_the_same_columns_though_a_need_channel_or_topic_is_not_in_it(
    supply,
):
    short = {"first": "2017-03-02", "last": "2017-03-02"}
    found = supply(supplied(), short)
    assert found["customer_id"].tolist() == ["bob"]
    assert found.columns.equals(supply(supplied()).columns)
    assert found[["share_logo_and_badges", "channel_fax"]].to_numpy().tolist() == [
        [0, 0]
    ]
    assert found["contacts"].tolist() == [0]


def test_spellings_of_one_channel_are_one_feature_and_other_channels_are_not(supply):
    tables = supplied()
    spelt = {"fax": "Web shop", "telephone": "WEB  SHOP"}
    tables["lines"] = tables["lines"].replace({"channel": spelt})
    found = supply(tables)
    assert found.columns.is_unique
    assert [name for name in found if name.startswith("channel_")] == [
        "channel_web_shop"
    ]
    assert found["channel_web_shop"].tolist() == [1, 0, 1, 1]
    # they would share a name of a column without its number
    spelt = {"Web shop": "Web & shop", "WEB  SHOP": "Web/shop"}
    tables["lines"] = tables["lines"].replace({"channel": spelt})
    assert {"channel_web_shop", "channel_web_shop_2"} <= set(supply(tables))


# The last takes 81 bytes, more than a name of a column may have in PostgreSQL.
SCRIPTS = ["c", "c++", "c#", "तेल", "तिल", "🍕", "स्वास्थ्य_और_सौंदर्य_उत्पाद"]


def test_needs_of_any_script_are_features_and_outcomes_of_their_own(build, measure):
    own = [f"p{place}" for place in range(len(SCRIPTS))]
    products = pd.DataFrame({"product_id": own, "need_state": SCRIPTS}).assign(brand="")
    bought = [
        ("ann", f"a{n}", f"2017-03-{day} 12:00:00", product, "s1", 100 * n, 0, 0, "")
        for day in ("02", "12")
        for n, product in enumerate(own, start=1)
    ]
    found = build(lines_of(bought), products=products)
    shares = [name for name in found if name.startswith("share_")]
    assert shares == [f"share_{need}" for need in sorted(SCRIPTS)]
    # 1 + 2 + ... + 7 = 28
    expected = [n / 28 for n in range(1, len(SCRIPTS) + 1)]
    assert found.loc[0, [f"share_{need}" for need in SCRIPTS]].tolist() == expected
    later = measure(lines_of(bought), ["ann"], products=products)
    spent = later.loc[0, [f"holdout_{need}" for need in SCRIPTS]].tolist()
    assert spent == list(range(1, len(SCRIPTS) + 1))


def test_a_value_with_an_apostrophe_is_a_feature_like_any_other(supply):
    tables = supplied()
    tables["lines"] = tables["lines"].replace({"channel": {"telephone": "Anna's desk"}})
    assert supply(tables)["channel_anna_s_desk"].tolist() == [1 / 2, 0, 0, 1]


def test_a_fitted_feature_is_described_as_every_other():
    listed = pd.DataFrame({"feature": ["orders"], "missing_share": [0.0]})
    table = pd.DataFrame({"deal_index": [1.0, None], "past_redemptions": [0, 2]})
    more = dictionary.add(listed, table, "deal_index", parts="discount depth")
    said = {"answer": "coupon", "meaning": "coupons redeemed"}
    more = dictionary.add(more, table, "past_redemptions", **said)
    assert more["feature"].tolist() == ["orders", "deal_index", "past_redemptions"]
    assert more["missing_share"].tolist() == [0, 0.5, 0]
    assert more["meaning"].tolist()[1:] == [
        "mean of the winsorised standard scores of discount depth",
        "coupons redeemed",
    ]
    assert more["unit"].iloc[-1] == "coupons"


def test_the_dictionary_says_what_a_share_is_a_share_of(stored):
    with duckdb.connect() as con:
        given = stored(supplied())
        table = dictionary.build(con, **given, **WINDOW)
        listed = dictionary.dictionary(table, dictionary.defined(con, **given))
    of = listed.set_index("feature")["weight"]
    assert of[of != ""].to_dict() == {
        **dict.fromkeys([n for n in OF_A_SUPPLIER if n[:6] == "share_"], "sales"),
        **dict.fromkeys(ASKING["channel"], "orders"),
        **dict.fromkeys(ASKING["topic"][1:], "contacts"),
    }
    assert set(of) <= {"", *table.columns}
    families = listed.set_index("feature")["family"]
    built = families[families.isin(dictionary.SEGMENTING)]
    assert built[~built.index.isin(of[of != ""].index)].to_dict() == {
        "requires_logo_work": "requirement",
        "requires_rental": "requirement",
    }


@pytest.fixture(scope="module")
def clients():
    """Draw 2,400 lines, contacts and answers of 80 clients over six weeks."""
    draw = np.random.default_rng(23)
    order = np.sort(draw.integers(0, 900, 2_400))
    moment = np.datetime64("2017-03-05", "us") + (
        draw.integers(0, 42 * 86_400, 900) * np.timedelta64(1_000_000, "us")
    )
    who = np.array([f"c{number:02}" for number in range(80)], dtype=object)

    def any_of(values, size):
        return np.array(values, dtype=object)[draw.integers(0, len(values), size)]

    def moments(size):
        return draw.choice(moment, size)

    customer, channel = any_of(who, 900), any_of(["web", "phone", None], 900)
    asked = ["recommend", "fit", "delivery"]
    return {
        "lines": pd.DataFrame(
            {
                "customer_id": customer[order],
                "order_id": order.astype(str),
                "ordered_at": moment[order],
                "product_id": any_of(WARES["product_id"], 2_400),
                "channel": channel[order],
                "quantity": draw.integers(1, 9, 2_400),
                "amount_cents": draw.integers(0, 9_000, 2_400),
                "lead_days": draw.integers(1, 30, 2_400),
                "returned": draw.integers(0, 2, 2_400),
                "logo": draw.random(2_400) < 0.3,
                "coupon_cents": 0,
            }
        ),
        "products": WARES,
        "declared": pd.DataFrame(
            {"customer_id": who, "requires_rental": draw.random(80) < 0.4}
        ),
        "interactions": pd.DataFrame(
            {
                "customer_id": any_of(who, 700),
                "happened_at": moments(700),
                "kind": "support ticket",
                "topic": any_of(["sizing", "delivery", None], 700),
                "minutes": draw.integers(1, 600, 700).astype(float),
            }
        ),
        "surveys": pd.DataFrame(
            {
                "customer_id": any_of(who, 300),
                "answered_on": moments(300),
                "question": any_of(asked, 300),
                "score": draw.integers(0, 11, 300).astype(float),
            }
        ),
    }


def test_halves_of_channels_topics_answers_and_requirements_are_those_of_the_weeks(
    clients, stored
):
    window = {"first": FIRST, "last": "2017-04-15"}
    times = {"lines": "ordered_at", "interactions": "happened_at"}
    times |= {"surveys": "answered_on"}

    def odd_or_even(moments):
        return np.where(week_of(moments) % 2, "even", "odd")

    def first_or_second(moments):  # 41 days after 5 March; half of them end on 25 March
        return np.where(moments < pd.Timestamp("2017-03-26"), "first", "second")

    cuts = {"weeks": odd_or_even, "middle": first_or_second}
    with duckdb.connect() as con:
        given = stored(clients)
        names = [
            f.name
            for f in dictionary.defined(con, **given)
            if f.source != "day_rows" and f.family != "lifecycle"
        ]
        for cut, half_of in cuts.items():
            given = stored(clients)
            halves = dictionary.halves(con, columns=names, cut=cut, **given, **window)
            for half, found in halves.groupby("half"):
                own = {
                    name: table[half_of(table[times[name]]) == half]
                    for name, table in clients.items()
                    if name in times
                }
                assert all(0 < len(own[name]) < len(clients[name]) for name in own)
                alone = dictionary.build(con, **stored(clients | own), **window)
                here = found.drop(columns="half")
                assert len(here) > 70 and set(here) == {"customer_id", *names}
                assert (
                    here["contacts"].eq(0).any() and here["topic_sizing"].isna().any()
                )
                pd.testing.assert_frame_equal(
                    here.reset_index(drop=True), alone[list(here)], check_exact=True
                )
            assert halves["half"].nunique() == 2


@pytest.mark.parametrize("column", ["gap_mean_days", "recency_days", "sizing"])
def test_halves_of_the_rhythm_or_of_no_feature_are_refused_by_name(
    clients, stored, column
):
    with duckdb.connect() as con, pytest.raises(ValueError, match=f"'{column}'"):
        dictionary.halves(con, columns=["orders", column], **stored(clients), **MANY)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Home & Garden", "home_garden"),
        ("web shop", "web_shop"),
        ("dairy_eggs", "dairy_eggs"),
        (" - Größe XL! ", "größe_xl"),
        ("日本茶", "日本茶"),
        ("3D", "3d"),
        ("?!", "x"),
        ("C++", "c++"),
        ("C#", "c#"),
        ("चीनी और तेल", "चीनी_और_तेल"),
        ("நெய்", "நெய்"),
        ("น้ำมัน", "น้ำมัน"),
        ("Cafe\u0301", "café"),
        ("🍕 & 🥤", "🍕_🥤"),
    ],
)
def test_a_text_becomes_a_column_name(text, name):
    assert dictionary.slug(text) == name


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        ("share_pet_care", "pet care"),
        ("channel_web_shop", "orders by web shop"),
        ("topic_sizing", "questions about sizing"),
        ("requires_logo_work", "requires logo work"),
        ("repeat_share", "repeat share"),
        ("channel", "channel"),
    ],
)
def test_a_feature_is_said_in_words(feature, words):
    assert labels.plain(feature) == words


def test_controls_are_not_targeted_and_what_they_bought_is_no_answer(stored):
    day = "datetime64[us]"
    arms = [
        ("first", "sent", "treated"),
        ("first", "spared", "control"),
        ("first", "both", "control"),
        ("second", "both", "treated"),
        ("first", "silent", "treated"),
    ]
    answered = [("first", "sent"), ("first", "spared"), ("first", "both")]
    given = {
        "campaigns": pd.DataFrame(
            {"campaign_id": ["first", "second"], "starts_on": "2017-03-12"}
        ).astype({"starts_on": day}),
        "contacts": pd.DataFrame(arms, columns=["campaign_id", "customer_id", "arm"]),
        "responses": pd.DataFrame(answered, columns=["campaign_id", "customer_id"])
        .assign(responded_on="2017-03-14")
        .astype({"responded_on": day}),
    }
    asked = pd.Series(["sent", "spared", "both", "silent"])
    with duckdb.connect() as con:
        found = holdout.redeemed(con, customers=asked, **stored(given), **LATER)
        del given["contacts"]["arm"]  # without arms, all were contacted
        without = holdout.redeemed(con, customers=asked, **stored(given), **LATER)
    assert found["holdout_targeted"].tolist() == [True, False, True, True]
    assert found["holdout_redeemed"].tolist() == [True, False, False, False]
    assert without["holdout_targeted"].all()
    assert without["holdout_redeemed"].tolist() == [True, True, True, False]


def test_paths_are_given_for_the_tables_that_the_run_has(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    with pytest.raises(BadInput, match="Table lines of run ab is missing"):
        dictionary.tables("ab")
    folder = tmp_path / "data/interim/ab"
    folder.mkdir(parents=True)
    for name in ("lines", "products", "customers"):
        (folder / f"{name}.parquet").touch()
    assert list(dictionary.tables("ab")) == ["lines", "products", "declared"]
    (folder / "surveys.parquet").touch()
    (folder / "campaigns.parquet").touch()
    found = dictionary.tables("ab")
    assert list(found) == ["lines", "products", "declared", "surveys"]
    assert found["declared"] == str(folder / "customers.parquet")
