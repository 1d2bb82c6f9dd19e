"""What is said of cleaned tables, branch by branch, on tables written out here."""

import pandas as pd
import pytest

from helpers.cleaning import conclusions
from helpers.display import tables, words


@pytest.fixture(autouse=True)
def in_dollars():
    tables.in_currency("USD")
    yield
    tables.in_currency("USD")


@pytest.mark.parametrize(
    ("hours", "hour", "said"),
    [
        (2, 17, "The busiest hour is 17:00."),
        (2, 0, "The busiest hour is 0:00."),
        (1, 9, "All lines are of one hour, 9:00."),
        (1, 0, "The dates carry no time."),
    ],
)
def test_the_busiest_hour_or_that_there_is_none(hours, hour, said):
    found = words.say("busiest-hour", zone="Europe/Berlin", hours=hours, hour=hour)
    assert found == f"Times are those of the run's zone, Europe/Berlin. {said}"


def zones(*rows):
    columns = ["zone", "redemptions_met", "week_agrees"]
    return pd.DataFrame(rows, columns=columns)


def test_the_tills_show_a_zone_that_alone_fits_best():
    table = zones(("UTC", 0.889, 0.976), ("Asia/Tokyo", 0.9, 0.9), ("Here", 1.0, 1.0))
    found = conclusions.clock(table, zone="Here")
    assert found["decision"] == "The tills show Here time."
    assert "100.0% of coupon redemptions" in found["size"]
    assert "Read in UTC, 88.9% would." in found["size"]


@pytest.mark.parametrize(("zone", "other"), [("Here", "UTC"), ("UTC", "Here")])
def test_a_zone_that_fits_as_well_is_not_passed_over(zone, other):
    found = conclusions.clock(zones(("UTC", 1, 1), ("Here", 1, 1)), zone=zone)
    assert found["decision"].startswith(f"Read the times as {zone}, and read hours")
    assert f"Read in {other}, 100.0%" in found["size"]


def steps(rows):
    columns = ["step", "lines", "orders", "customers", "sales_cents", "coupon_cents"]
    return pd.DataFrame(rows, columns=columns)


PART = steps(
    [
        ("received", 10, 5, 40, 100_000, 500),
        ("exact copy", -1, 0, 0, -2_500, -100),
        ("no price", 0, 0, 0, 0, 0),
        ("clean", 9, 5, 40, 97_500, 400),
    ]
)
WHOLE = steps([("received", 9, 5, 40, 97_500, 0), ("clean", 9, 5, 40, 97_500, 0)])


def withheld(table, *columns):
    shown = table.astype(dict.fromkeys(columns, object))
    shown.loc[shown.index[:-1], list(columns)] = "withheld"
    return shown


def test_lines_are_fit_for_use_and_what_was_set_aside_is_counted():
    found = conclusions.usable(PART, shown=PART)
    assert found["decision"] == (
        "90.0% of order lines are fit for use, with $975 of sales."
    )
    assert found["size"] == (
        "9 lines, 5 orders, 40 customers, $975 sales. 1 line was set aside: exact copy 1."
    )
    assert found["limit"] == (
        "Set aside with these lines: $25 of sales and $1 of coupons."
    )
    assert "rejected_lines" in found["action"]


def test_of_lines_set_aside_no_money_is_told_that_is_one_customers():
    found = conclusions.usable(PART, shown=withheld(PART, "sales_cents"))
    assert found["limit"].startswith("What the lines set aside were worth is withheld")
    text = " ".join(str(part) for part in found.values())
    assert "$25" not in text and "25.0" not in str(found["facts"])


def test_without_coupons_none_are_spoken_of():
    found = conclusions.usable(PART, shown=PART.drop(columns="coupon_cents"))
    assert found["limit"] == "Set aside with these lines: $25 of sales."


def test_no_sale_is_lost_is_said_only_where_it_is_so():
    found = conclusions.usable(WHOLE, shown=WHOLE)
    assert found["decision"] == (
        "100.0% of order lines are fit for use, and no sale is lost."
    )
    assert found["size"].endswith("No line was set aside.")
    assert found["action"] == "Use the clean tables."
    assert found["limit"] == "What the source leaves out cannot be counted."
    hidden = conclusions.usable(WHOLE, shown=withheld(WHOLE, "sales_cents"))
    assert "no sale is lost" not in hidden["decision"]


@pytest.mark.parametrize(
    ("shares", "sales", "customers", "said"),
    [
        (
            [0.008, 0.007],
            100.0,
            20,
            "The largest customer holds 0% to 1% of sales, the largest ten 1.5%.",
        ),
        ([0.03, 0.02], 100.0, 19, "The largest customer holds 1% to 5% of sales."),
        (
            [0.6, 0.2],
            100.0,
            30,
            "The largest customer holds 50% to 100% of sales, the largest ten 80.0%. "
            "This customer moves every mean that includes it: read medians.",
        ),
        (
            [float("nan")],
            0.0,
            30,
            "Sales add up to $0.00: no customer has a share of them.",
        ),
    ],
)
def test_whether_one_customer_dominates_sales(shares, sales, customers, said):
    found = conclusions.dominance(pd.Series(shares), sales=sales, customers=customers)
    assert found == said


def by_need(*rows):
    return pd.DataFrame(rows, columns=["need_state", "sales", "share_sales"])


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        (
            [("pet_care", 60.0, 0.6), ("tea", 40.0, 0.4)],
            "Pet care is the largest need, with 60% of sales",
        ),
        ([("tea", 40.0, 1.0)], "Sales by need"),
        ([("tea", "withheld", "withheld"), ("pet_care", 1, 0.1)], "Sales by need"),
        (
            [("tea", 0.0, float("nan")), ("pet_care", 0.0, float("nan"))],
            "Sales by need",
        ),
        ([("tea", -5.0, -0.5), ("pet_care", -9.0, -0.9)], "Sales by need"),
    ],
)
def test_a_largest_need_is_named_where_it_is_shown_and_there_are_others(rows, title):
    assert conclusions.needs(by_need(*rows)) == title


def test_goods_are_what_is_left_without_what_is_no_merchandise():
    table = by_need(
        ("tea", 60.0, 0.6), ("not_merchandise", 30.0, 0.3), ("unclassified", 10.0, 0.1)
    )
    assert conclusions.goods(table, sales=100.0) == (
        "10.00% of sales could not be given a need. Goods, without what is no "
        "merchandise, are $60."
    )
    assert conclusions.goods(table[:1], sales=60.0).startswith("0.00% of sales")
    assert conclusions.goods(table[:1], sales=0.0) == "Goods are $0."
    hidden = table.astype(object).replace({30.0: "withheld", 0.3: "withheld"})
    assert conclusions.goods(hidden, sales=100.0).startswith("What goods alone")


def test_weeks_are_steady_or_they_move():
    steady = conclusions.weeks(pd.Series([100, 110, 90]))
    assert steady == "Orders per week stay within 10% of their mean"
    moving = conclusions.weeks(pd.Series([100, 150, 50]))
    assert moving == "Orders per week differ from their mean by up to 50%"


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ([0] * 90 + [100] * 10, "90% of customers .* were customers before"),
        ([0] * 50 + [100] * 50, "50% of customers .* some starts are seen"),
        ([0] * 95 + [100] * 5, "All but fewer than 10 customers"),
        ([0] * 50 + [1] * 50, "within 2 days: who is new cannot be seen"),
        ([0] * 20, "within 1 day: who"),
    ],
)
def test_starts_are_seen_where_customers_come_later(days, said):
    first = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D"))
    assert pd.Series(conclusions.first_seen(first)).str.contains(said).all()


@pytest.mark.parametrize(
    ("contacts", "control", "said"),
    [
        (14, True, "an effect can be estimated"),
        (9, False, "an effect cannot"),
        (0, False, "Nobody was contacted"),
    ],
)
def test_an_effect_needs_a_control_group(contacts, control, said):
    assert said in words.say("campaigns", contacts=contacts, control=control)
