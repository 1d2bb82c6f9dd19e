"""What names and values tell of a file's columns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.intake import recognise
from helpers.runs.mapping import Source

ROLES = {
    "customer": """CustomerKey|Customer ID|cust_no|Kundennr|Kundennummer|numero client|
        codigo_cliente|Codice cliente|Klantnummer|Kundnr|Nr klienta|Číslo zákazníka|
        Müşteri No|Asiakasnumero|Cod client|Vevőkód|ID Pelanggan|household_key|Account Name|
        user_id|Debitor|HSHD_NUM|Member ID|KUNNR|Auftraggeber|KdNr|Debiteurnr.|Cari Kodu|
        Kontrahent""",
    "order": """OrderNumber|Order ID|InvoiceNo|Sales Order Number|Bestellnr|Rechnungsnummer|
        Nº pedido|Numero ordine|Ordernr|Nr zamówienia|Číslo objednávky|Sipariş No|
        Tilausnumero|Rendelésszám|Transaction ID|Verkaufsbeleg|Opportunity ID|increment_id|
        PO Number|VBELN|N. documento|Num|order_name""",
    "order_date": """OrderDate|Order Date|invoice_date|Bestelldatum|data_pedido|Orderdatum|
        Data zamówienia|Sipariş Tarihi|Created at|PurchaseDate|Rechnungsdatum""",
    "date": "Date|Datum|Fecha|Tanggal|Dátum|timestamp",
    "other_date": "Ship Date|StockDate|Paid at|DueDate|Date of birth|shipping_limit_date",
    "close_date": "close_date|Close Date",
    "product": "ProductKey|Product ID|SKU|StockCode|Artikelnr|Lineitem sku|Produto|Varenr|Material|ArtNr|Stok Kodu|Indeks",
    "item": "ItemNo|Item",
    "title": "ProductName|Product Name|Lineitem name|product-name|Item Name",
    "quantity": """OrderQuantity|Quantity|Lineitem quantity|Menge|Quantité|Cantidad|Quantità|
        Quantidade|Aantal|Antal|Ilość|Množství|Miktar|Määrä|Cantitate|Mennyiség|Jumlah|
        number_of_cds|NumOfProducts|Units|KWMENG|Uds.|QUANTITYORDERED|Cases Sold""",
    "unit_price": """UnitPrice|Lineitem price|Price per Unit|PriceEach|unit_spend|Einzelpreis|prix unitaire|
        preco_unitario|Cena jednostkowa|À-pris|Birim Fiyat|Yksikköhinta|Egységár|Harga Satuan""",
    "price": "Price|Preis|Prezzo|Cena|line_price",
    "amount": "Line Total|Sales Amount|Total Price|SALES_VALUE|Gesamtpreis|dollar_value",
    "money": "Total Amount|Amount|Total|Betrag|Montant TTC|Wartość|valor_total|Nettowert",
    "order_total": "Order Total|Invoice Amount|Purchase Amount (USD)",
    "sale": "Sales",
    "discount": "Discount|Rabatt|DiscountAmount|Discount Amount",
    "discount_percent": "Discount %|UnitPriceDiscountPct|Discount Percentage",
    "discount_rate": "discount_rate|Discount Rate",
    "tax": "Tax 5%|MwSt|VAT",
    "aside": "Freight|Shipping|Unit Cost|Profit|TotalProductCost|cogs|Rating",
    "line_no": "OrderLineItem|Line No|order_item_id|Pos.|InvoiceLineId",
    "status": "Order Status|Status|Financial Status|Durum|Stav|Situação",
    "dispatch": "Fulfillment Status|Lineitem fulfillment status",
    "stage": "Deal Stage|deal_stage|Stage",
    "category": "Sub-Category|Product Category|Category|Warengruppe|ProductSubcategoryKey|Product line",
    "currency": "Currency|Belegwährung",
    "place": "City|Customer City|ShipCountry|Billing Zip|Postleitzahl PLZ",
    "seller": "seller_id|Sales Rep|Deal owner|Agent ID|Kassierer",
    "email": "Email|buyer-email|Customer Email",
    "person": "First Name|Customer First Name|Gender",
    "names": "Customer Name|ContactName",
    "other": "Customer type|Customer Segment|Order Priority|Discount Code",
}


@pytest.mark.parametrize("role", ROLES)
def test_words_of_the_trade_are_known_in_the_languages_of_shops(role):
    names = [name.strip() for name in ROLES[role].split("|")]
    told = {name: recognise.named(name)[0] for name in names}
    assert told == dict.fromkeys(names, role)


def file(n=120, **columns):
    """Make a small file of lines: each column by a function of its row's number."""
    usual = {
        "order": lambda k: 1000 + k // 2,
        "date": lambda k: f"2024-{k // 2 % 12 + 1:02}-05",
        "customer": lambda k: f"C{k // 2 % 24:03}",
        "sku": lambda k: f"K{k % 9}",
        "qty": lambda k: k % 4 + 1,
    }
    made = {**usual, **columns}
    return {
        name.replace("__", " "): [str(make(k)) for k in range(n)]
        for name, make in made.items()
        if make
    }


def price(k):
    return 2.5 + k % 9


def chosen(cells):
    return {name: one.column for name, one in recognise.lines(cells).chosen.items()}


def gross(k):
    return price(k) * (k % 4 + 1)


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"price": price}, {"unit_price": "price"}),
        ({"price": gross}, {"amount": "price"}),
        ({"unit_price": gross}, {"amount": "unit_price"}),
        (  # the order's total grows with the pieces too little to be a line's
            {"order": None, "grand_total": lambda k: 50 + gross(k), "price": price},
            {"unit_price": "price"},
        ),
        (
            {"qty": None, "AMOUNT": lambda k: k % 4 + 1, "SALES_PRICE": gross},
            {"amount": "SALES_PRICE"},
        ),
        (
            {"Gross": gross, "Fee": lambda k: -0.5, "Net": lambda k: gross(k) - 0.5},
            {"amount": "Gross"},
        ),
        (
            {"qty": None, "TotalDue": lambda k: gross(k) + 9, "SubTotal": gross},
            {"amount": "SubTotal"},
        ),
        ({"visit fee": price}, {"amount": ""}),
        ({"price": price, "value": gross}, {"unit_price": "price", "amount": "value"}),
        (
            {
                "price": price,
                "rebate": lambda k: 1,
                "total": lambda k: gross(k) * 1.19,
                "VAT": lambda k: gross(k) * 0.19,
            },
            {"amount": "total"},
        ),
        (
            {
                "price": price,
                "discount": lambda k: k % 3 * 0.1,
                "total": lambda k: gross(k) * (1 - k % 3 * 0.1),
            },
            {"amount": "total"},
        ),
        (
            {"price": price, "discount": lambda k: k % 3 * 0.1},
            {"unit_price": "price", "discount_rate": "discount"},
        ),
        (
            {"price": price, "discount": lambda k: f"{k % 3 * 5}%"},
            {"unit_price": "price", "discount_rate": "discount"},
        ),
        (
            {"price": price, "discount__pct": lambda k: k % 3 * 5},
            {"unit_price": "price", "discount_percent": "discount pct"},
        ),
        (
            {"price": price, "discount": lambda k: k % 3 * 0.55 + 1},
            {"unit_price": "price", "discount": "discount"},
        ),
        (
            {"price": price, "discount": lambda k: k % 3 * 5},
            {"unit_price": "price", "discount": ""},
        ),
        (
            {"price": price, "discount": lambda k: k // 2 % 3 * 5},
            {"unit_price": "price"},
        ),
        ({"total": lambda k: 20 + k // 2}, {"order_total": "total"}),
        ({"total": lambda k: "" if k % 2 else 20 + k // 2}, {"order_total": "total"}),
        ({"price": price, "total": lambda k: 20 + k // 2}, {"unit_price": "price"}),
        ({"qty": None, "value": price}, {"amount": "value"}),
        ({"price": lambda k: price(k) * (k % 4 + 1) ** 0.5}, {"unit_price": ""}),
    ],
)
def test_arithmetic_tells_which_money_is_of_a_piece_a_line_or_an_order(columns, wanted):
    money = {*recognise.PAID, *recognise.LESS}
    found = chosen(file(**columns))
    assert {name: one for name, one in found.items() if name in money} == wanted


def test_growth_is_one_for_a_total_and_none_for_a_price():
    pieces = np.array([1, 2, 4, 1, 2, 3])
    group = list("aaabbb")
    each = np.array([2, 2, 2, 5, 5, 5])
    assert recognise.growth(each * pieces, pieces, group)[0] == pytest.approx(1)
    assert recognise.growth(each, pieces, group)[0] == pytest.approx(0, abs=1e-9)
    assert recognise.growth(each, np.ones(6), group)[1] == np.inf


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        (
            {
                "date": None,
                "Stock__Date": lambda k: "2001-09-21",
                "When": lambda k: "2024-01-05",
            },
            "When",
        ),
        ({"Paid__at": lambda k: "2024-01-06"}, "date"),
        ({"date": lambda k: 1_700_000_000 + k}, "date"),
        ({"date": lambda k: 45_000 + k}, "date"),
        ({"date": lambda k: "2022-01-11 04:32:30 -0500"}, "date"),
        ({"date": lambda k: k}, ""),
    ],
)
def test_the_day_of_the_order_is_told_from_other_days(columns, wanted):
    found = recognise.lines(file(**columns))
    assert found.chosen["ordered_at"].column == wanted


def test_a_clock_apart_from_the_day_is_the_time_of_the_order():
    found = recognise.lines(file(Time=lambda k: f"{k % 12 + 8}:15"))
    assert found.chosen["ordered_time"].column == "Time"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Status", lambda k: "open"),
        ("City", lambda k: f"Town {k % 30}"),
        ("Deal Stage", lambda k: f"S{k % 30}"),
        ("Seller", lambda k: f"S{k % 30}"),
        ("Agent", lambda k: f"A{k % 30}"),
        ("Branch", lambda k: f"B{k % 30}"),
        ("Payment", lambda k: f"P{k % 30}"),
        ("Customer type", lambda k: f"T{k % 30}"),
    ],
)
def test_a_column_named_as_something_else_is_never_the_customer(name, value):
    cells = file(customer=None) | {name: [value(k) for k in range(120)]}
    found = recognise.lines(cells)
    assert "customer_id" not in found.chosen
    assert recognise.shape(found) == "no_customer"


def test_a_column_without_a_telling_name_is_asked_for_where_no_other_could_be():
    one = file(customer=None, truck=lambda k: f"Z{k // 2 % 24:03}")
    asked = recognise.lines(one).chosen["customer_id"]
    assert asked.column == "" and asked.why.startswith("truck? no name tells it")
    assert "customer_id" not in chosen(one | {"plate": one["truck"]})


def test_a_status_on_the_first_line_of_an_order_alone_is_asked_to_be_filled():
    found = recognise.lines(
        file(Status=lambda k: "" if k % 2 else ("paid", "refunded")[k % 4 // 2])
    )
    assert found.chosen["status"].column == ""
    assert found.chosen["status"].why == (
        "Status stands on some lines of an order only: fill it on all, to leave out refunded"
    )


def test_numbers_that_come_again_on_other_days_tell_no_order():
    found = recognise.lines(file(order=lambda k: k % 20))
    assert "order_id" not in found.chosen
    assert "come again on other days" in found.left["order"]


def test_an_item_without_a_number_is_named_by_its_title():
    columns = {
        "sku": lambda k: f"K{k}" if k % 3 else "",
        "item__name": lambda k: f"T{k % 9}",
    }
    found = recognise.lines(file(**columns))
    assert found.chosen["product_id"].column == "item name"
    assert "sku is empty on 33% of the rows" in found.chosen["product_id"].why


def test_states_of_several_words_are_read_by_what_they_say():
    states = (
        *("Shipped", "Shipped - Returned to Seller", "Cancelled by the customer"),
        *("Partially refunded", "Not cancelled", "On hold", "open"),
    )
    found = recognise.lines(file(**{"Order__Status": lambda k: states[k % 7]}))
    assert sorted(found.left_out) == sorted([*states[1:3], *states[5:]])


@pytest.mark.parametrize(
    ("states", "out"),
    [
        (("Rechnung", "Gutschrift"), ["Gutschrift"]),
        (("Invoice", "Payment"), ["Payment"]),
        (("Paid", "Not Paid"), ["Not Paid"]),
        (("Teljesítve", "Lemondva"), ["Lemondva"]),
        (("Shipped", "Disputed", "No Show", "Resolved"), ["Disputed", "No Show"]),
    ],
)
@pytest.mark.parametrize("name", ["Document Type", "Status"])
def test_credit_notes_payments_and_what_was_not_paid_are_no_sales(name, states, out):
    def state(k):
        return states[k % len(states)]

    assert set(recognise.lines(file(**{name: state, "sum": price})).left_out) == {*out}


def test_credit_notes_whose_money_is_negative_stay():
    kind = {"Belegart": lambda k: ("Rechnung", "Gutschrift")[k % 2]}
    signed = {"sum": lambda k: price(k) * (-1) ** k}
    assert recognise.lines(file(**kind, **signed)).left_out == []


def test_a_number_that_goes_with_the_product_or_the_order_is_no_customer():
    style = {"customer": None, "sku": lambda k: f"K{k % 20}"}
    found = recognise.lines(file(**style, style=lambda k: f"S{k % 20:04}"))
    assert "customer_id" not in found.chosen
    own = {"customer_id": lambda k: f"o{k // 2}", "customer": None}
    new = recognise.lines(file(**own)).chosen["customer_id"]
    assert (new.column, new.sure) == ("customer_id", "ask")
    unique = {"customer_unique_id": lambda k: f"u{k // 2 % 24}"}
    assert chosen(file(**own, **unique))["customer_id"] == "customer_unique_id"


def test_a_deal_is_of_the_day_on_which_it_was_closed():
    days = {"Create Date": lambda k: "2024-01-05", "Close Date": lambda k: "2024-02-05"}
    stage = {"Deal Stage": lambda k: ("won", "lost")[k % 2]}
    assert chosen(file(date=None, **days, **stage))["ordered_at"] == "Close Date"
    assert chosen(file(date=None, **days))["ordered_at"] == "Create Date"


def test_the_currency_is_told_by_the_name_of_the_money():
    found = recognise.lines(file(value_in_usd=price, qty=None))
    assert recognise.currency(found)[0] == "USD"
    country = recognise.lines(file(value_of_country=price, qty=None))
    assert recognise.currency(country)[1].startswith("ask")


@pytest.mark.parametrize(
    ("columns", "shape", "why"),
    [
        ({"customer": None, "Vendor ID": lambda k: f"V{k % 9}"}, "purchases", ""),
        ({"sku": None, "qty": None}, "unpaid", ""),
        ({"date": lambda k: "" if k % 3 else "2024-01-05"}, "no_days", "33% of the"),
        (
            {"date": lambda k: 110 + k % 9, "customer": None, "order": None},
            "no_days",
            "which tell no year",
        ),
    ],
)
def test_a_file_without_lines_is_named_with_the_reason(columns, shape, why):
    more = {} if shape == "unpaid" else {"price": price}
    found = recognise.lines(file(**more, **columns))
    assert recognise.shape(found) == shape
    assert why in recognise.no_day(found)


def test_spellings_of_one_customer_are_counted():
    names = ("Anna@x.de", "anna@x.de", "00123", "123.0", "123")
    found = recognise.lines(
        file(customer=lambda k: names[k % 5] if k < 60 else f"C{k}")
    )
    assert recognise.spellings(found)["customer_id"] == "65 spellings of 62"


SOURCE = Source(
    table="lines",
    file=Path("orders.csv"),
    database="",
    relation="",
    columns={
        "customer_id": "customer",
        "order_id": "order",
        "ordered_at": "date",
        "product_id": "sku",
        "quantity": "qty",
        "unit_price": "price",
    },
    kinds={},
    required=(),
    attributes={},
)


@pytest.mark.parametrize("more", [{}, {"line__total": gross}])
def test_check_has_no_doubts_where_the_draft_had_none(more):
    assert list(recognise.doubts(SOURCE, file(price=price, **more))) == []


def test_what_the_draft_asked_is_not_asked_again_once_it_is_answered():
    cells = file(price=lambda k: price(k) * (k % 4 + 1) ** 0.5)
    assert recognise.lines(cells).chosen["unit_price"].sure == "ask"
    assert list(recognise.doubts(SOURCE, cells)) == []


@pytest.mark.parametrize(
    ("changed", "columns", "level", "told"),
    [
        (
            {"customer_id": "State"},
            {"State": lambda k: ("paid", "cancelled")[k % 2]},
            "error",
            "column State (customer_id) is hardly one: it holds states such as paid",
        ),
        (
            {"customer_id": "Sales Rep"},
            {"Sales__Rep": lambda k: f"R{k % 30}"},
            "warning",
            "column Sales Rep (customer_id) is hardly one: its name says seller",
        ),
        (
            {"customer_id": "Customer type"},
            {"Customer__type": lambda k: ("Member", "Normal")[k % 2]},
            "warning",
            "it holds 2 values only",
        ),
        (
            {},
            {"Status": lambda k: ("paid", "cancelled")[k % 4 == 3]},
            "warning",
            "column Status is not mapped: orders with these are no sales (25% of the rows). "
            "Map it as status and leave out cancelled by `left_out_status:`",
        ),
        (
            {},
            {"line__total": lambda k: gross(k) * 1.2, "VAT": lambda k: gross(k) * 0.2},
            "warning",
            "column line total is not mapped: quantity x price plus VAT on 100% of the rows",
        ),
        (
            {"customer_id": "style"},
            {"sku": lambda k: f"K{k % 20}", "style": lambda k: f"S{k % 20:04}"},
            "error",
            "column style (customer_id) is hardly one: each product (sku) has its own",
        ),
        (
            {"customer_id": "Customer Name"},
            {
                "Customer__Name": lambda k: (
                    f"{'AB'[k // 2 % 2]}na {'C' * (k // 2 % 24)}"
                ),
                "customer": None,
            },
            "warning",
            "column Customer Name (customer_id): names, which two people may share",
        ),
        (
            {},
            {"Status": lambda k: ("Facturado", "Aberto")[k % 4 == 3]},
            "warning",
            "Status is not mapped: it tells how orders ended (Facturado 90, Aberto 30)",
        ),
        (
            {},
            {"Amount__Refunded": lambda k: k % 2},
            "warning",
            "column Amount Refunded is not mapped, and comes to 60.00",
        ),
        (
            {"unit_price": "grand total"},
            {"grand__total": lambda k: 50 + k // 2 % 40},
            "warning",
            "column grand total (unit_price) is the order's, not the line's",
        ),
        (
            {},
            {"Discount": lambda k: k % 3 * 0.1},
            "warning",
            "column Discount is not mapped: parts of the price, such as 0.0, 0.1",
        ),
    ],
)
def test_check_asks_again_what_the_draft_asked(changed, columns, level, told):
    source = replace(SOURCE, columns=SOURCE.columns | changed)
    said = list(recognise.doubts(source, file(price=price, **columns)))
    assert [one for one in said if one[0] == level and told in one[1]], said
