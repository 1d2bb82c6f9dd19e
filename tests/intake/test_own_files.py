"""What an analyst's own files become, counted a second time by plain pandas."""

import sqlite3

import duckdb
import openpyxl
import pandas as pd
import psycopg
import pytest
import yaml

from helpers.core import engines, paths
from helpers.core.errors import BadInput
from helpers.intake import own_files, readers
from helpers.runs import mapping

ORDERS = """\
Order;Date;Client;Item;Pieces;Price
1;03.02.2024 10:00;a;P1;2;1,50
1;03.02.2024 10:00;a;P2;1;1.000,00
2;04.02.2024 11:00;;p1;1;1,50
C3;05.02.2024 12:00;a;P1;-2;1,50
4;2024/02/06 09:30;b;POST;1;4,90
4;2024/02/06 09:30;b;P2;1;1.000,00
4;2024/02/06 09:30;b;P2;1;1.000,00
C5;07.02.2024 12:00;b;P2;-3;1.000,00
"""
LINES = {
    "file": "orders.csv",
    "delimiter": ";",
    "decimal": ",",
    "thousands": ".",
    "date_format": ["%d.%m.%Y %H:%M", "%Y/%m/%d %H:%M"],
    "columns": {
        "customer_id": "Client",
        "order_id": "Order",
        "ordered_at": "Date",
        "product_id": "Item",
        "quantity": "Pieces",
        "unit_price": "Price",
    },
    "cancel_prefix": "C",
    "service_products": ["POST", "FEE*"],
}


@pytest.fixture
def own(monkeypatch, tmp_path):
    """Give a function that lays out files and their run, and receives them."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.delenv("STUDY_HOME", raising=False)
    folder = tmp_path / "data/raw/shop"
    folder.mkdir(parents=True)
    (tmp_path / "runs").mkdir()

    def receive(tables, files=(), **run):
        for name, content in dict(files).items():
            if isinstance(content, str):
                content = content.encode()
            (folder / name).write_bytes(content)
        content = {
            "source": "files",
            "tables": tables,
            "all": {"currency": "EUR"},
        } | run
        (tmp_path / "runs/shop.yaml").write_text(yaml.safe_dump(content))
        con = duckdb.connect()
        return con, own_files.receive(con, run="shop")

    receive.folder = folder
    return receive


def column(con, name, table="received_lines", order="line_id"):
    rows = con.execute(f"select {name} from {table} order by {order}").fetchall()
    return [row[0] for row in rows]


def test_lines_are_typed_and_marked_for_the_rules(own):
    con, told = own({"lines": LINES}, {"orders.csv": ORDERS})
    lines = con.execute("from received_lines order by line_id").df()
    assert list(lines) == [
        *("line_id", "customer_id", "order_id", "ordered_at", "product_id"),
        *("quantity", "amount_cents", "coupon_cents"),
        *("duplicate", "cancelled", "reversed", "service"),
    ]
    assert list(lines["line_id"]) == list(range(8))
    assert list(lines["amount_cents"]) == [
        *(300, 100_000, 150, -300, 490, 100_000, 100_000, -300_000),
    ]
    assert lines["customer_id"].isna().sum() == 1
    assert str(lines["ordered_at"][4]) == "2024-02-06 09:30:00"
    where = {name: list(lines.index[lines[name]]) for name in list(lines)[-4:]}
    assert where == {
        "duplicate": [6],
        "cancelled": [3, 7],
        "reversed": [
            0
        ],  # line 7 takes back three pieces that were never bought together
        "service": [4],
    }
    assert told.loc[0, ["table", "file", "rows", "columns"]].to_list() == [
        *("lines", "orders.csv", 8, 6),
    ]
    # warnings may name customers; a page only says how many there are
    assert told["notes"].to_list() == [
        "8 rows, 2 customers, 5 orders, 6.40 of money: the same when orders.csv is read a "
        "second time. `make check` warns: 6."
    ]


def buys(*steps):
    """Write lines of one customer, product and size; a day and + or - each."""
    rows = [
        f"{n};{day:02}.02.2024 10:00;a;P1;{'-' * (sign == '-')}1;1,00"
        for n, (day, sign) in enumerate(steps)
    ]
    return "\n".join(["Order;Date;Client;Item;Pieces;Price", *rows])


@pytest.mark.parametrize(
    ("steps", "reversed_rows"),
    [
        ([(1, "+"), (2, "-")], [0]),
        ([(1, "-"), (2, "+")], []),  # it takes back what was bought before the file
        ([(1, "-"), (2, "+"), (3, "-")], [1]),
        ([(1, "+"), (2, "+"), (3, "-")], [0]),
        ([(1, "+"), (2, "-"), (3, "-"), (4, "+"), (5, "+"), (6, "-")], [0, 3]),
        ([(2, "+"), (2, "-")], [0]),
    ],
)
def test_a_purchase_is_undone_only_by_a_later_cancellation(own, steps, reversed_rows):
    con, _ = own({"lines": LINES}, {"orders.csv": buys(*steps)})
    found = con.execute(
        "select line_id from received_lines where reversed order by 1"
    ).fetchall()
    assert [row for (row,) in found] == reversed_rows


def test_ids_that_differ_in_case_are_one_product_where_the_run_says_so(own):
    folded = LINES | {"fold_ids": ["product_id"]}
    con, _ = own({"lines": folded}, {"orders.csv": ORDERS})
    assert set(column(con, "product_id")) == {"P1", "P2", "POST"}
    con, _ = own({"lines": LINES})
    assert set(column(con, "product_id")) == {"P1", "p1", "P2", "POST"}


PLAIN = """\
customer,order,when,item,pieces,paid
a,1,2024-02-03 23:30,P1,1.5,"1,200.10"
b,2,2024-02-04,P2,1,€ 3.00
c,3,2024-02-05T08:00:00,FEE7,2,(4.25)
d,4,2024-02-06 10:00:00,P1,1,5.00-
"""
PLAIN_LINES = {
    "file": "plain.csv",
    "thousands": ",",
    "columns": {
        "customer_id": "customer",
        "order_id": "order",
        "ordered_at": "when",
        "product_id": "item",
        "quantity": "pieces",
        "amount": "paid",
    },
}


def test_money_is_read_as_accounts_write_it(own):
    con, _ = own({"lines": PLAIN_LINES}, {"plain.csv": PLAIN})
    assert column(con, "amount_cents") == [120_010, 300, -425, -500]
    assert column(con, "quantity") == [1.5, 1.0, 2.0, 1.0]
    assert column(con, "cancelled") == [False, False, True, True]


def test_a_star_stands_for_any_text_in_a_service_product(own):
    lines = PLAIN_LINES | {"service_products": ["fee*"]}
    con, _ = own({"lines": lines}, {"plain.csv": PLAIN})
    assert column(con, "service") == [False, False, True, False]


def test_times_of_another_zone_become_local(own):
    lines = PLAIN_LINES | {"time_zone": "UTC"}
    text = PLAIN.replace("2024-02-04,", "2024-02-03 23:30:00+03,").replace(
        "T08:00:00,", "T08:00:00Z,"
    )
    con, _ = own(
        {"lines": lines},
        {"plain.csv": text},
        all={"time_zone": "Europe/Berlin", "currency": "EUR"},
    )
    assert [str(when) for when in column(con, "ordered_at")] == [
        "2024-02-04 00:30:00",
        "2024-02-03 21:30:00",  # three hours east of UTC
        "2024-02-05 09:00:00",
        "2024-02-06 11:00:00",
    ]


def same_as_csv(own, table):
    con, _ = own({"lines": PLAIN_LINES | table})
    found = con.execute("from received_lines order by line_id").fetchall()
    con, _ = own({"lines": PLAIN_LINES}, {"plain.csv": PLAIN})
    assert found == con.execute("from received_lines order by line_id").fetchall()


def typed_plain():
    """Give the lines of `PLAIN` with the types that other formats have."""
    return pd.DataFrame(
        {
            "customer": list("abcd"),
            "order": [1, 2, 3, 4],
            "when": pd.to_datetime(
                [
                    *("2024-02-03 23:30", "2024-02-04", "2024-02-05 08:00"),
                    "2024-02-06 10:00",
                ],
                format="ISO8601",
            ),
            "item": ["P1", "P2", "FEE7", "P1"],
            "pieces": [1.5, 1.0, 2.0, 1.0],
            "paid": [1200.1, 3.0, -4.25, -5.0],
        }
    )


@pytest.mark.parametrize("decimal", [".", ","])
def test_parquet_excel_and_sqlite_give_what_a_csv_gives(own, decimal):
    # Numbers that are stored as numbers do not care for the marks of texts.
    marks = {"decimal": decimal, "thousands": "." if decimal == "," else ","}
    frame = typed_plain()
    frame.to_parquet(own.folder / "lines.parquet")
    same_as_csv(own, {"file": "lines.parquet"} | marks)
    frame.to_excel(own.folder / "lines.xlsx", index=False)
    same_as_csv(own, {"file": "lines.xlsx"} | marks)
    with sqlite3.connect(own.folder / "shop.db") as base:
        frame.astype({"when": str}).to_sql(
            "sold", base, index=False, if_exists="replace"
        )
    given = {"database": "sqlite:///shop.db", "table": "sold"} | marks
    lines = {key: value for key, value in PLAIN_LINES.items() if key != "file"} | given
    con, told = own({"lines": lines})
    assert column(con, "amount_cents") == [120_010, 300, -425, -500]
    assert told["file"][0] == "table sold"


def test_a_table_of_postgresql_gives_what_a_csv_gives(own, postgresql, monkeypatch):
    kinds = 'customer text, "order" int, "when" timestamp, item text'
    with psycopg.connect(postgresql) as base:
        base.execute(f"create table sold ({kinds}, pieces float8, paid numeric(9, 2))")
        rows = typed_plain().itertuples(index=False, name=None)
        put = "insert into sold values (%s, %s, %s, %s, %s, %s)"
        base.cursor().executemany(put, rows)
    folder = psycopg.conninfo.conninfo_to_dict(postgresql)["host"]
    monkeypatch.setenv("SHOP", f"postgresql://postgres@/postgres?host={folder}")
    lines = {key: value for key, value in PLAIN_LINES.items() if key != "file"}
    try:
        con, told = own({"lines": lines | {"database": "SHOP", "table": "sold"}})
    finally:
        with psycopg.connect(postgresql) as base:
            base.execute("drop table sold")
    found = con.execute("from received_lines order by line_id").fetchall()
    assert told["file"][0] == "table sold"
    con, _ = own({"lines": PLAIN_LINES}, {"plain.csv": PLAIN})
    assert found == con.execute("from received_lines order by line_id").fetchall()


def test_more_than_one_batch_of_a_workbook_keeps_its_row_numbers(own, monkeypatch):
    monkeypatch.setattr(readers, "BATCH", 3)
    typed_plain().to_excel(own.folder / "lines.xlsx", index=False)
    same_as_csv(own, {"file": "lines.xlsx"})


def test_the_named_sheet_of_a_workbook_is_read(own):
    book = openpyxl.Workbook()
    book.active.append(["nothing"])
    sheet = book.create_sheet("Sold")
    sheet.append(["customer", "order", "when", "item", "pieces", "paid"])
    sheet.append(["a", 7, "2024-02-03", "P1", 1, 2.5])
    book.save(own.folder / "lines.xlsx")
    con, _ = own({"lines": PLAIN_LINES | {"file": "lines.xlsx", "sheet": "Sold"}})
    assert column(con, "order_id") == ["7"]


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "utf-16", "utf-8-sig", "utf-8"]
)
def test_every_encoding_gives_the_same_text(own, encoding):
    text = PLAIN.replace(",P1,", ",Größe é,")
    text = text if encoding != "latin-1" else text.replace("€ ", "")
    lines = PLAIN_LINES | {"encoding": encoding}
    con, _ = own({"lines": lines}, {"plain.csv": text.encode(encoding)})
    assert column(con, "product_id")[0] == "Größe é"
    assert column(con, "amount_cents")[1] == 300
    assert not list(paths.plan("shop").rglob("*.txt"))  # no copy is left


def test_a_file_without_header_and_with_spaces_is_read_by_place(own):
    text = " 00001 19970101  1   11.77\n 00002 19970112  5   77.00\n 00002 19970112  1   5\n"
    columns = {
        "customer_id": 1,
        "order_id": "derived",
        "ordered_at": 2,
        "product_id": "=goods",
        "quantity": 3,
        "amount": 4,
    }
    lines = {"file": "all.txt", "delimiter": "spaces", "header": False}
    con, _ = own(
        {"lines": lines | {"date_format": "%Y%m%d", "columns": columns}},
        {"all.txt": text},
    )
    assert column(con, "customer_id") == ["00001", "00002", "00002"]
    # without orders and products two lines of a day may be two purchases
    assert len(set(column(con, "order_id"))) == 3
    assert column(con, "amount_cents") == [1177, 7700, 500]
    assert set(column(con, "product_id")) == {"goods"}
    assert column(con, "need_state", "received_products", "all") == ["unclassified"]


def test_needs_come_from_the_category_of_a_product(own):
    products = {
        "file": "products.csv",
        "columns": {"product_id": "id", "category": "group", "brand": "by"},
    }
    con, _ = own(
        {"lines": LINES | {"fold_ids": ["product_id"]}, "products": products},
        {
            "orders.csv": ORDERS,
            "products.csv": "id,group,by\nP1,Tea & Coffee,X\np1,Tea,Y\nP2,Décor,\nP9,A,\n",
        },
    )
    rows = con.execute("from received_products order by product_id").fetchall()
    assert rows == [
        ("P1", "tea_coffee", None, "Tea & Coffee", "X"),  # the first row speaks
        ("P2", "décor", None, "Décor", None),
        ("P9", "a", None, "A", None),
        ("POST", "unclassified", None, None, None),
    ]


def test_without_products_a_need_is_the_commonest_category_of_its_lines(own):
    text = "customer,order,when,item,pieces,paid,group\n" + "".join(
        f"a,{n},2024-02-0{n},P1,1,1,{group}\n"
        for n, group in enumerate(["A b", "B", "B"], start=1)
    )
    columns = PLAIN_LINES["columns"] | {"category": "group"}
    con, _ = own({"lines": PLAIN_LINES | {"columns": columns}}, {"plain.csv": text})
    assert column(con, "need_state", "received_products", "all") == ["b"]


def test_categories_of_any_script_stay_apart_and_spellings_of_one_do_not(own):
    groups = ["तेल", "तिल", "C++", "C#", "C", "Fuel", "Other", "Unclassified", "orders"]
    groups += [
        "None",
        "NULL",
        "Cafe\u0301",
        "CAFÉ",
        " café  ",
        "Ice & tea",
        "Ice tea",
        "",
    ]
    text = "customer,order,when,item,pieces,paid,group\n" + "".join(
        f"a,{n},2024-02-01,P{n:02},1,{10 * n},{group}\n"
        for n, group in enumerate(groups)
    )
    columns = PLAIN_LINES["columns"] | {"category": "group"}
    con, _ = own({"lines": PLAIN_LINES | {"columns": columns}}, {"plain.csv": text})
    rows = con.execute(
        """select need_state, sum(amount_cents) // 1000, any_value(category)
        from received_lines join received_products using (product_id) group by 1"""
    ).fetchall()
    assert sorted(rows) == [
        ("c", 4, "C"),
        ("c#", 3, "C#"),
        ("c++", 2, "C++"),
        ("café", 11 + 12 + 13, "CAFÉ"),  # of spellings as common, the first
        ("fuel_goods", 5, "Fuel"),
        ("ice_tea", 15, "Ice tea"),
        ("ice_tea_2", 14, "Ice & tea"),
        ("none", 9, "None"),
        ("null", 10, "NULL"),
        ("orders_goods", 8, "orders"),
        ("other_goods", 6, "Other"),
        ("unclassified", 16, None),
        ("unclassified_goods", 7, "Unclassified"),
        ("तिल", 1, "तिल"),
        ("तेल", 0, "तेल"),
    ]


CRM = {
    "customers": "id,age,mail\na,old,x@y\nz,young,\n",
    "campaigns": "id,from,to,cost\nk1,2024-01-01,2024-01-31,0.45\n",
    "contacts": "k,id,arm\nk1,a,Treatment\nk1,new,holdout\n",
    "responses": "k,id,day\nk1,a,2024-01-05\n",
    "surveys": "id,day,q,points\na,2024-01-05,recommend,9\n",
    "contracts": "no,id,from,to,fee,again\n1,a,2024-01-01,2024-12-31,99.90,ja\n2,b,2025-01-01,2025-12-31,5,\n",
    "interactions": "id,day,what\na,2024-01-05,visit\n",
    "leads": "no,day,size,won\n1,2024-01-05,small,\n2,2024-01-06,large,2024-02-01\n",
}
CRM_COLUMNS = {
    "customers": {"customer_id": "id"},
    "campaigns": {
        "campaign_id": "id",
        "starts_on": "from",
        "ends_on": "to",
        "cost": "cost",
    },
    "contacts": {"campaign_id": "k", "customer_id": "id", "arm": "arm"},
    "responses": {"campaign_id": "k", "customer_id": "id", "responded_on": "day"},
    "surveys": {
        "customer_id": "id",
        "answered_on": "day",
        "question": "q",
        "score": "points",
    },
    "contracts": {
        "contract_id": "no",
        "customer_id": "id",
        "starts_on": "from",
        "ends_on": "to",
        "monthly_fee": "fee",
        "renewed": "again",
    },
    "interactions": {"customer_id": "id", "happened_at": "day", "kind": "what"},
    "leads": {"lead_id": "no", "created_on": "day", "won_on": "won"},
}


def crm():
    """Map every table beside the lines."""
    tables = {
        table: {"file": f"{table}.csv", "columns": columns}
        for table, columns in CRM_COLUMNS.items()
    }
    tables["customers"]["demographic"] = ["age"]
    tables["leads"]["firmographic"] = ["size"]
    return tables, {f"{table}.csv": text for table, text in CRM.items()}


def test_every_other_table_is_passed_on_with_its_types(own):
    tables, files = crm()
    con, told = own({"lines": PLAIN_LINES} | tables, {"plain.csv": PLAIN} | files)
    assert set(told["table"]) == set(mapping.COLUMNS) - {"products"}

    def rows(table):
        return con.execute(f"from received_{table} order by all").fetchall()

    assert con.execute(
        "select cost_cents, kind from received_campaigns"
    ).fetchall() == [(45, "unspecified")]
    assert sorted(row[2] for row in rows("contacts")) == ["control", "treated"]
    assert con.execute(
        "select monthly_fee_cents, renewed from received_contracts order by 1"
    ).fetchall() == [(500, None), (9990, True)]
    assert rows("attributes") == [
        ("customers", "age", "demographic", "Age"),
        ("leads", "size", "firmographic", "Size"),
    ]
    # customers of any table that says what they did; never a column that was not mapped
    assert rows("customers") == [
        ("a", "old"),
        *((name, None) for name in ("b", "c", "d", "new")),
    ]
    described = con.execute("describe received_interactions").fetchall()
    assert [row[0] for row in described] == [
        *("customer_id", "happened_at", "kind", "topic", "outcome", "minutes"),
    ]


def test_a_shop_with_lines_alone_gets_customers_and_products_too(own):
    con, _ = own({"lines": LINES}, {"orders.csv": ORDERS})
    assert column(con, "customer_id", "received_customers", "all") == ["a", "b"]
    assert set(column(con, "need_state", "received_products", "all")) == {
        "unclassified"
    }
    assert column(con, "attribute", "received_attributes", "all") == []


def test_faults_stop_it_before_any_table_is_received(own):
    with pytest.raises(BadInput) as refused:
        own({"lines": LINES}, {"orders.csv": ORDERS.replace("1,50", "dear", 1)})
    assert str(refused.value).startswith("Table lines: column Price (unit_price)")


def test_rows_beyond_the_memory_limit_go_to_disk_and_come_back(own, monkeypatch):
    monkeypatch.setattr(engines, "MEMORY", "40MB")
    rows = "".join(
        f"{n % 999},{n},2024-02-03,P{n % 7},1,{n % 100}.5\n" for n in range(120_000)
    )
    head = "customer,order,when,item,pieces,paid\n"
    con, _ = own({"lines": PLAIN_LINES}, {"plain.csv": head + rows})
    total = con.execute("select count(*), sum(amount_cents) from received_lines")
    assert total.fetchall() == [
        (120_000, sum(n % 100 * 100 + 50 for n in range(120_000)))
    ]


# The sample that the README walks through, against plain pandas.


@pytest.fixture(scope="module")
def sample():
    con = duckdb.connect()
    own_files.receive(con, run="own_files")
    return con


@pytest.fixture(scope="module")
def export():
    """Read the sample's lines with pandas alone."""
    lines = pd.read_csv(
        paths.ROOT / "data/raw/own_files/shop_orders.csv",
        sep=";",
        decimal=",",
        thousands=".",
        encoding="utf-8-sig",
        dtype={"CustomerNo": str, "OrderNo": str},
    )
    lines["copy"] = lines.duplicated()
    lines["item"] = lines["ItemNo"].str.upper()
    lines["cents"] = (lines["Qty"] * lines["UnitPrice"] * 100).round().astype(int)
    lines["back"] = lines["OrderNo"].str.startswith("C") | (lines["cents"] < 0)
    dotted = lines["OrderDate"].str.contains(".", regex=False)
    forms = dotted.map({True: "%d.%m.%Y %H:%M", False: "%Y/%m/%d %H:%M"})
    lines["when"] = [
        pd.to_datetime(text, format=form)
        for text, form in zip(lines["OrderDate"], forms, strict=True)
    ]
    return lines


def undone(export):
    """Match cancellations to purchases with a list for each kind, as on paper."""
    waiting, rows = {}, set()
    known = export[
        export["CustomerNo"].notna() & ~export["copy"] & (export["Qty"] != 0)
    ]
    for row in known.sort_values(["when", "back"], kind="stable").itertuples():
        queue = waiting.setdefault((row.CustomerNo, row.item, abs(row.Qty)), [])
        if not row.back:
            queue.append(row.Index)
        elif queue:
            rows.add(queue.pop(0))
    return rows


def test_the_sample_holds_every_kind_of_dirt(sample, export):
    counts = sample.execute(
        """select count(*), count(*) filter (customer_id is null),
            count(*) filter (duplicate), count(*) filter (cancelled),
            count(*) filter (service), count(*) filter (amount_cents = 0),
            count(distinct product_id), sum(amount_cents), min(ordered_at),
            max(ordered_at) from received_lines"""
    ).fetchall()[0]
    assert counts == (
        len(export),
        export["CustomerNo"].isna().sum(),
        export["copy"].sum(),
        export["back"].sum(),
        export["item"].isin(["POST", "FEE", "M"]).sum(),
        (export["cents"] == 0).sum(),
        export["item"].nunique(),
        export["cents"].sum(),
        export["when"].min(),
        export["when"].max(),
    )
    assert min(counts[1:6]) > 30
    assert export["item"].nunique() < export["ItemNo"].nunique()


def test_the_samples_undone_purchases_are_those_found_on_paper(sample, export):
    found = sample.execute("select line_id from received_lines where reversed")
    assert {row for (row,) in found.fetchall()} == undone(export)
    assert len(undone(export)) > 50


def test_one_customer_of_the_sample_makes_a_tenth_of_sales(sample, export):
    share = export.groupby("CustomerNo")["cents"].sum().max() / export["cents"].sum()
    assert share > 0.1
    told = sample.execute("select count(*) from received_customers").fetchall()[0][0]
    assert told == export["CustomerNo"].nunique()


def test_the_sample_is_small():
    folder = paths.ROOT / "data/raw/own_files"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 400_000
