"""Every fault of an analyst's files has one message, and none leaves anything behind."""

import json
import sqlite3

import openpyxl
import pandas as pd
import pytest
import yaml

from helpers.core import paths
from helpers.intake import check, plausible
from helpers.runs import run_file

GOOD = {
    "lines.csv": "cust,order,day,item,qty,price\n"
    "a,1,2024-01-01,P1,1,2.50\n"
    "b,2,2024-01-02,P2,2,3.00\n"
    "c,3,2024-01-03,P3,1,4.00\n",
    "products.csv": "item,group\nP1,Tea\nP2,Coffee\nP3,Tea\n",
    "customers.csv": "cust,age,industry\na,old,food\nb,young,care\n",
    "campaigns.csv": "k,from,to\nk1,2024-01-01,2024-01-31\n",
    "contacts.csv": "k,cust,arm\nk1,a,treated\nk1,b,control\n",
    "responses.csv": "k,cust,day\nk1,a,2024-01-05\n",
    "surveys.csv": "cust,day,q,points\na,2024-01-05,recommend,9\n",
    "contracts.csv": "no,cust,from,to,fee,again\n1,a,2024-01-01,2024-12-31,9.90,yes\n",
    "interactions.csv": "cust,day,what,min\na,2024-01-05,visit,5\n",
    "leads.csv": "no,day,size,won\n1,2024-01-05,small,2024-02-01\n",
}
COLUMNS = {
    "lines": "customer_id=cust order_id=order ordered_at=day product_id=item "
    "quantity=qty unit_price=price",
    "products": "product_id=item category=group",
    "customers": "customer_id=cust",
    "campaigns": "campaign_id=k starts_on=from ends_on=to",
    "contacts": "campaign_id=k customer_id=cust arm=arm",
    "responses": "campaign_id=k customer_id=cust responded_on=day",
    "surveys": "customer_id=cust answered_on=day question=q score=points",
    "contracts": "contract_id=no customer_id=cust starts_on=from ends_on=to "
    "monthly_fee=fee renewed=again",
    "interactions": "customer_id=cust happened_at=day kind=what minutes=min",
    "leads": "lead_id=no created_on=day won_on=won",
}
ABSENT = object()
# What a table points at, so that it is mapped with it.
NEEDED = {
    "contacts": {"campaigns", "responses"},
    "responses": {"campaigns", "contacts"},
    "campaigns": {"contacts", "responses"},
}


def good_tables():
    """Map every file of `GOOD`."""
    tables = {
        table: {
            "file": f"{table}.csv",
            "columns": dict(pair.split("=") for pair in text.split()),
        }
        for table, text in COLUMNS.items()
    }
    tables["customers"] |= {"demographic": ["age"], "firmographic": ["industry"]}
    tables["leads"]["firmographic"] = ["size"]
    return tables


@pytest.fixture
def shop(monkeypatch, tmp_path):
    """Lay out a sound run; give a function that breaks it and lists what is told."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.delenv("STUDY_HOME", raising=False)
    monkeypatch.delenv("SHOP_DATABASE", raising=False)
    folder = tmp_path / "data/raw/shop"
    folder.mkdir(parents=True)
    (tmp_path / "runs").mkdir()
    for name, text in GOOD.items():
        (folder / name).write_text(text)
    (tmp_path / "notebooks").mkdir()
    declared = {
        "cell_type": "code",
        "source": 'run: str = "shop"\ntime_zone: str = "UTC"\nseed: int = 1'
        '\ncurrency: str = "USD"',
        "metadata": {"tags": ["parameters"]},
    }
    notebook = json.dumps({"cells": [declared]})
    (tmp_path / "notebooks/01_cleaning.ipynb").write_text(notebook)

    def tell(settings=(), files=(), run=(), level="error", every=False):
        touched = {name.split(".")[0] for name in [*dict(settings), *dict(files)]}
        for table in touched & NEEDED.keys():
            touched = touched | NEEDED[table]
        tables = good_tables()
        if not every:
            tables = {
                table: given
                for table, given in tables.items()
                if table in touched | {"lines", "products"}
            }
        for place, value in dict(settings).items():
            set_at(tables, place.split("."), value)
        for name, content in dict(files).items():
            write(folder / name, content)
        usual = {"currency": "EUR", "time_zone": "UTC"}
        content = {"source": "files", "tables": tables, "all": usual} | dict(run)
        (tmp_path / "runs/shop.yaml").write_text(
            yaml.safe_dump(content, sort_keys=False)
        )
        found = check.check("shop")[0]
        return found.loc[found["level"] == level, "said"].to_list()

    tell.folder = folder
    return tell


def set_at(tables, place, value):
    for key in place[:-1]:
        tables = tables[key]
    if value is ABSENT:
        del tables[place[-1]]
    else:
        tables[place[-1]] = value


def write(file, content):
    if callable(content):
        content(file)
    elif isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content)


def line(text, number=2, table="lines"):
    """Return a good file in which one line of the file is another."""
    lines = GOOD[f"{table}.csv"].splitlines()
    lines[number - 1] = text
    return {f"{table}.csv": "\n".join(lines) + "\n"}


def workbook(*sheets):
    def save(file):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets:
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        book.save(file)

    return save


def cut_parquet(file):
    frame = pd.DataFrame({name: ["1"] * 999 for name in ["cust", "order", "day"]})
    frame.to_parquet(file)
    file.write_bytes(file.read_bytes()[:-40])


def database(file):
    with sqlite3.connect(file) as base:
        pd.DataFrame({"cust": ["a"]}).to_sql("orders", base, if_exists="replace")


IN_DATABASE = {"lines.file": ABSENT, "lines.table": "order"}
EXCEL = {"lines.file": "lines.xlsx"}

# What is set in the run file, which files differ, and what is told, word for word.
BROKEN = {
    # the run file's block
    "no lines": (
        {"lines": ABSENT},
        {},
        [
            "`tables:` must hold `lines:`, the table of order lines, or `customers:`, a "
            "table with one row per customer.",
        ],
    ),
    "a table that there is not": (
        {"lnes": {"file": "x.csv"}},
        {},
        [
            "`tables:` holds lnes, which is no table. Did you mean lines?",
        ],
    ),
    "a table that is no block": (
        {"lines": "lines.csv"},
        {},
        [
            "Table lines: write `file:` and `columns:` under it.",
        ],
    ),
    "an unknown key": (
        {"lines.delimeter": ";"},
        {},
        [
            "Table lines: `delimeter:` is no key of it. Did you mean delimiter?",
        ],
    ),
    "neither file nor database": (
        {"lines.file": ABSENT},
        {},
        [
            "Table lines: give it one of `file:` and `database:`.",
        ],
    ),
    "both file and database": (
        {"lines.database": "SHOP_DATABASE"},
        {},
        [
            "Table lines: give it one of `file:` and `database:`.",
        ],
    ),
    "a missing file": (
        {"lines.file": "line.csv"},
        {},
        [
            "Table lines: the file line.csv is missing from data/raw/shop/. Did you "
            "mean lines.csv?",
        ],
    ),
    "a file of no known kind": (
        {"lines.file": "lines.xls"},
        {"lines.xls": b"x"},
        [
            "Table lines: lines.xls is of no kind that can be read; save it as one "
            "of .csv, .txt, .tsv, .parquet, .xlsx.",
        ],
    ),
    "no columns": (
        {"lines.columns": ABSENT},
        {},
        [
            "Table lines: `columns:` is missing; write lines such as `order_id: "
            "Order`.",
        ],
    ),
    "an unknown standard column": (
        {"lines.columns.custommer_id": "cust"},
        {},
        [
            "Table lines: `columns:` holds custommer_id, which is no column. Did you "
            "mean customer_id?",
        ],
    ),
    "a required column left out": (
        {"lines.columns.product_id": ABSENT},
        {},
        [
            "Table lines: `columns:` lacks product_id; name a column of the file, or "
            "`=` and a value that every row gets.",
        ],
    ),
    "a column without a name": (
        {"lines.columns.order_id": ""},
        {},
        [
            "Table lines: `columns:` gives order_id no column; name one or remove it.",
        ],
    ),
    "neither amount nor unit price": (
        {"lines.columns.unit_price": ABSENT},
        {},
        [
            "Table lines: `columns:` lacks amount, unit_price and order_total; give "
            "one of them.",
        ],
    ),
    "an unknown encoding": (
        {"lines.encoding": "utf-9"},
        {},
        [
            "Table lines: `encoding:` utf-9 is not known. Did you mean utf-8?",
        ],
    ),
    "a long delimiter": (
        {"lines.delimiter": "::"},
        {},
        [
            "Table lines: `delimiter:` is '::'; write one character, tab or spaces.",
        ],
    ),
    "a decimal mark that is none": (
        {"lines.decimal": ";"},
        {},
        [
            "Table lines: `decimal:` is ';'; write '.' or ','.",
        ],
    ),
    "the same mark twice": (
        {"lines.decimal": ",", "lines.thousands": ","},
        {},
        [
            "Table lines: `thousands:` is ','; write one character that is not that "
            "of `decimal:`, or leave it out.",
        ],
    ),
    "an attribute of two kinds": (
        {"customers.psychographic": ["age"]},
        {},
        [
            "Table customers: attribute age is both demographic and psychographic; "
            "keep one.",
        ],
    ),
    "an attribute that is a column": (
        {"customers.demographic": ["customer_id"]},
        {},
        [
            "Table customers: customer_id is a column of its own, not an attribute.",
        ],
    ),
    "attributes that are no list": (
        {"customers.demographic": "age"},
        {},
        [
            "Table customers: `demographic:` is 'age'; write a list such as [A, B].",
        ],
    ),
    "a switch that is neither true nor false": (
        {"lines.header": "yes"},
        {},
        [
            "Table lines: `header:` is 'yes'; write true or false.",
        ],
    ),
    "a key that was once another": (
        {"lines.fold_product_case": True},
        {},
        [
            "Table lines: `fold_product_case:` is now a list of ids; write `fold_ids: "
            "[product_id]`.",
        ],
    ),
    "a password in the run file": (
        {
            "lines.file": ABSENT,
            "lines.table": "t",
            "lines.database": "postgresql://me:secret@host/shop",
        },
        {},
        [
            "Table lines: `database:` holds an address; put the address into an "
            "environment variable and write the variable's name, so that no password "
            "is saved.",
        ],
    ),
    "an environment variable that is not set": (
        IN_DATABASE | {"lines.database": "SHOP_DATABASE"},
        {},
        [
            "Table lines: `database:` names the environment variable SHOP_DATABASE, "
            "which is not set. Set it to the address, "
            "postgresql://user:password@host/database.",
        ],
    ),
    "a database without a table": (
        {"lines.file": ABSENT, "lines.database": "sqlite:///shop.db"},
        {"shop.db": database},
        [
            "Table lines: `table:` is missing; name the table of the database.",
        ],
    ),
    "a missing database": (
        IN_DATABASE | {"lines.database": "sqlite:///shp.db"},
        {"shop.db": database},
        [
            "Table lines: the database shp.db is missing. Did you mean shop.db?",
        ],
    ),
    "times of another zone, own zone not given": (
        {"lines.time_zone": "UTC"},
        {},
        [
            "Table lines: `time_zone:` says that its times are UTC, but the run's "
            "own zone is not given; write it as time_zone under `01_cleaning:`.",
        ],
    ),
    "a mark that is no text": (
        {"lines.sheet": True},
        {},
        [
            "Table lines: `sheet:` is true; write it in quotes.",
        ],
    ),
    # opening
    "a column that the file does not have": (
        {"lines.columns.customer_id": "custt"},
        {},
        [
            "Table lines: lines.csv has no column custt (customer_id). Did you mean "
            "cust?",
        ],
    ),
    "a column in other letters": (
        {"lines.columns.customer_id": "CUST"},
        {},
        [
            "Table lines: lines.csv has no column CUST (customer_id). Did you mean "
            "cust?",
        ],
    ),
    "an attribute that the file does not have": (
        {"customers.demographic": ["agee"]},
        {},
        [
            "Table customers: customers.csv has no column agee (agee). Did you mean "
            "age?",
        ],
    ),
    "a delimiter that gives one column": (
        {"lines.delimiter": ";"},
        {},
        [
            "Table lines: lines.csv has one column only when split at ';'. Its first "
            "line holds ',': set `delimiter:` to the character between its columns.",
        ],
    ),
    "an empty file": (
        {},
        {"lines.csv": ""},
        [
            "Table lines: lines.csv is empty. Export it again.",
        ],
    ),
    "a header only": (
        {},
        {"lines.csv": "cust,order,day,item,qty,price\n"},
        [
            "Table lines: lines.csv holds no row. Export it again.",
        ],
    ),
    "a column named twice": (
        {},
        line("cust,order,day,item,qty,QTY,price", 1),
        [
            "Table lines: lines.csv names a column more than once in its header: "
            "qty, QTY. Rename them in the file.",
        ],
    ),
    "a line with too few columns": (
        {},
        line("a,1,2024-01-01,P1,1", 3),
        [
            "Table lines: lines of lines.csv have another shape than its first: line "
            "3 (5 columns instead of 6): 'a,1,2024-01-01,P1,1'. Mend them, or set "
            "`delimiter:` and `quote:`.",
        ],
    ),
    "a line with too many columns": (
        {},
        line("a,1,2024-01-01,P1,1,2,50", 3),
        [
            "Table lines: lines of lines.csv have another shape than its first: line "
            "3 (7 columns instead of 6): 'a,1,2024-01-01,P1,1,2,50'. Mend them, or "
            "set `delimiter:` and `quote:`.",
        ],
    ),
    "a quote that is never closed": (
        {},
        line('a,1,2024-01-01,"P1,1,2.50', 4),
        [
            "Table lines: lines of lines.csv have another shape than its first: line "
            "4 (unquoted value): 'a,1,2024-01-01,\"P1,1,2.50'. Mend them, or set "
            "`delimiter:` and `quote:`.",
        ],
    ),
    "text in another encoding": (
        {},
        {"lines.csv": GOOD["lines.csv"].replace("P2", "Pé").encode("latin-1")},
        [
            "Table lines: lines.csv is not written in utf-8: line 3. Set "
            "`encoding:`, such as latin-1 or cp1252.",
        ],
    ),
    "an encoding that the file does not follow": (
        {"lines.encoding": "utf-16"},
        {},
        [
            "Table lines: lines.csv is not written in utf-16 after line 0 (UTF-16 "
            "stream does not start with BOM). Set `encoding:`, such as utf-8, "
            "latin-1 or cp1252.",
        ],
    ),
    "a cut-short Parquet file": (
        {"lines.file": "lines.parquet"},
        {"lines.parquet": cut_parquet},
        [
            "Table lines: lines.parquet cannot be read as Parquet; it may be cut "
            "short (No magic bytes found at end of file). Export it again.",
        ],
    ),
    "a workbook that is none": (
        EXCEL,
        {"lines.xlsx": b"PK not a workbook"},
        [
            "Table lines: lines.xlsx cannot be read as an Excel workbook "
            "(BadZipFile). Open it in a spreadsheet program and save it again as "
            ".xlsx.",
        ],
    ),
    "a workbook with several sheets": (
        EXCEL,
        {"lines.xlsx": workbook(("One", [["a"]]), ("Two", [["a"]]))},
        [
            "Table lines: lines.xlsx has sheets One, Two. Name one as `sheet:`.",
        ],
    ),
    "a sheet that there is not": (
        EXCEL | {"lines.sheet": "Order"},
        {"lines.xlsx": workbook(("Orders", [["a"]]))},
        [
            "Table lines: lines.xlsx has no sheet Order. Did you mean Orders?",
        ],
    ),
    "a sheet that begins empty": (
        EXCEL,
        {"lines.xlsx": workbook(("Orders", [[None, None], ["a", "b"]]))},
        [
            "Table lines: lines.xlsx has an empty first row. Put the names there.",
        ],
    ),
    "a file that is no database": (
        IN_DATABASE | {"lines.database": "sqlite:///shop.db"},
        {"shop.db": b"this is no database" * 99},
        [
            "Table lines: the SQLite database cannot be opened or read to its end (file is "
            "not a database). Close what uses it, or export it again.",
        ],
    ),
    "a table that the database does not have": (
        IN_DATABASE | {"lines.database": "sqlite:///shop.db"},
        {"shop.db": database},
        [
            "Table lines: the database has no table order. Did you mean orders?",
        ],
    ),
    "a form of date that is none": (
        {"lines.date_format": "%Q"},
        {},
        [
            "Table lines: `date_format:` '%Q' is no form of date. Write one such as "
            "'%d.%m.%Y %H:%M', or unix, unix_ms, unix_us or excel for numbers.",
        ],
    ),
    # content
    "a date that cannot be read": (
        {},
        line("a,1,31.02.2024,P1,1,2.50"),
        [
            "Table lines: column day (ordered_at) cannot be read as a date: line 2: "
            "'31.02.2024' (1 line). Mend these values, set `date_format:`, or write `time_zone:` under `all:` if they end in Z or an offset such as -0500.",
        ],
    ),
    "days without their form": (
        {"lines.date_format": "%d.%m.%Y"},
        {"lines.csv": GOOD["lines.csv"].replace("2024-01-0", "2024/1/")},
        [
            "Table lines: column day (ordered_at) cannot be read as a date: line 2: "
            "'2024/1/1'; line 3: '2024/1/2'; line 4: '2024/1/3' (3 lines). Mend "
            "these values, set `date_format:`, or write `time_zone:` under `all:` if they end in Z or an offset such as -0500.",
        ],
    ),
    "a price that cannot be read": (
        {},
        line("a,1,2024-01-01,P1,1,dear"),
        [
            "Table lines: column price (unit_price) cannot be read as money: line 2: "
            "'dear' (1 line). Mend these values or set `decimal:` and `thousands:`.",
        ],
    ),
    "a decimal comma that was not told": (
        {},
        line('a,1,2024-01-01,P1,1,"2,50"'),
        [
            "Table lines: column price (unit_price) cannot be read as money: line 2: "
            "'2,50' (1 line). Mend these values or set `decimal:` and `thousands:`.",
        ],
    ),
    "a decimal point where a thousands point was told": (
        {"lines.decimal": ",", "lines.thousands": "."},
        {},
        [
            "Table lines: column price (unit_price) cannot be read as money: line 2: "
            "'2.50'; line 3: '3.00'; line 4: '4.00' (3 lines). Mend these values or "
            "set `decimal:` and `thousands:`.",
        ],
    ),
    "a quantity that is none": (
        {},
        line("a,1,2024-01-01,P1,many,2.50"),
        [
            "Table lines: column qty (quantity) cannot be read as a number: line 2: "
            "'many' (1 line). Mend these values or set `decimal:` and `thousands:`.",
        ],
    ),
    "an empty quantity": (
        {},
        line("a,1,2024-01-01,P1,,2.50"),
        [
            "Table lines: column qty (quantity) is empty: line 2 (1 line). Fill it "
            "or remove these rows.",
        ],
    ),
    "an empty price": (
        {},
        line("a,1,2024-01-01,P1,1,"),
        [
            "Table lines: column price (unit_price) is empty: line 2 (1 line). Fill "
            "it or remove these rows.",
        ],
    ),
    "an empty order": (
        {},
        line("a,,2024-01-01,P1,1,2.50"),
        [
            "Table lines: column order (order_id) is empty: line 2 (1 line). Fill it "
            "or remove these rows.",
        ],
    ),
    "an order that is NULL": (
        {},
        line("a,NULL,2024-01-01,P1,1,2.50"),
        [
            "Table lines: column order (order_id) is empty: line 2 (1 line). Fill it "
            "or remove these rows.",
        ],
    ),
    "an empty day": (
        {},
        line("a,1,,P1,1,2.50"),
        [
            "Table lines: column day (ordered_at) is empty: line 2 (1 line). Fill it "
            "or remove these rows.",
        ],
    ),
    "a day in 1970": (
        {},
        line("a,1,1970-01-01,P1,1,2.50"),
        [
            "Table lines: column day (ordered_at) lies before 1990: line 2: "
            "'1970-01-01 00:00:00' (1 line). Mend these days, or the order of day, "
            "month and year in `date_format:`.",
        ],
    ),
    "a year of two digits": (
        {"lines.date_format": "%d.%m.%Y"},
        line("a,1,01.02.24,P1,1,2.50"),
        [
            "Table lines: column day (ordered_at) lies before 1990: line 2: "
            "'0024-02-01 00:00:00' (1 line). Mend these days, or the order of day, "
            "month and year in `date_format:`.",
        ],
    ),
    "a day to come": (
        {},
        line("a,1,2924-01-01,P1,1,2.50"),
        [
            "Table lines: column day (ordered_at) lies in the future: line 2: "
            "'2924-01-01 00:00:00' (1 line). Mend these days, or the order of day, "
            "month and year in `date_format:`.",
        ],
    ),
    "a shelf amount below 0": (
        {"lines.columns.shelf_amount": "shelf"},
        {
            "lines.csv": "cust,order,day,item,qty,price,shelf\na,1,2024-01-01,P1,1,2,-3\n"
        },
        [
            "Table lines: column shelf (shelf_amount) is below 0: line 2: '-3' (1 "
            "line). Map the value before discounts.",
        ],
    ),
    "a coupon below 0": (
        {"lines.columns.coupon": "off"},
        {"lines.csv": "cust,order,day,item,qty,price,off\na,1,2024-01-01,P1,1,2,-3\n"},
        [
            "Table lines: column off (coupon) is below 0: line 2: '-3' (1 line). "
            "Store what a coupon paid as a positive amount.",
        ],
    ),
    "more sent back than bought": (
        {"lines.columns.returned": "back"},
        {"lines.csv": "cust,order,day,item,qty,price,back\na,1,2024-01-01,P1,1,2,3\n"},
        [
            "Table lines: column back (returned) is not between 0 and the quantity: "
            "line 2: '3' (1 line). Store the pieces sent back.",
        ],
    ),
    "days to delivery in halves": (
        {"lines.columns.lead_days": "lead"},
        {
            "lines.csv": "cust,order,day,item,qty,price,lead\na,1,2024-01-01,P1,1,2,1.5\n"
        },
        [
            "Table lines: column lead (lead_days) cannot be read as a whole number: "
            "line 2: '1.5' (1 line). Mend these values.",
        ],
    ),
    "two currencies": (
        {"lines.columns.currency": "cur"},
        {
            "lines.csv": "cust,order,day,item,qty,price,cur\na,1,2024-01-01,P1,1,2,EUR\na,1,2024-01-01,P1,1,2,USD\na,1,2024-01-01,P1,1,2,EUR\n"
        },
        [
            "Table lines: column cur (currency) holds more than one currency: EUR: "
            "2, USD: 1. Convert the amounts into one, or make a run for each.",
        ],
    ),
    "a product that stands twice": (
        {},
        {"products.csv": GOOD["products.csv"] + "P1,Cake\n"},
        [
            "Table products: product_id stands more than once: P1 in lines 2, 5 (1 "
            "in all). Keep one row for each.",
        ],
    ),
    "a customer who stands twice": (
        {},
        {"customers.csv": GOOD["customers.csv"] + "a,young,food\n"},
        [
            "Table customers: customer_id stands more than once: a in lines 2, 4 (1 "
            "in all). Keep one row for each.",
        ],
    ),
    "a product without an id": (
        {},
        line(",Tea", 3, "products"),
        [
            "Table products: column item (product_id) is empty: line 3 (1 line). "
            "Fill it or remove these rows.",
        ],
    ),
    "a campaign that ends before it starts": (
        {},
        line("k1,2024-02-01,2024-01-31", 2, "campaigns"),
        [
            "Table campaigns: column to (ends_on) lies before starts_on: line 2: "
            "'2024-01-31 00:00:00' (1 line). Mend one of the two days.",
        ],
    ),
    "a contact of an unknown campaign": (
        {},
        line("k9,a,treated", 2, "contacts"),
        [
            (
                "Table contacts: campaign_id has no row in campaigns: line 2: 'k9' (1 "
                "line). Add it to campaigns or remove these rows."
            ),
            (
                "Table responses: campaign_id, customer_id has no row in contacts: line "
                "2: 'k1, a' (1 line). Add it to contacts or remove these rows."
            ),
        ],
    ),
    "a contact that stands twice": (
        {},
        line("k1,a,control", 3, "contacts"),
        [
            "Table contacts: campaign_id, customer_id stands more than once: k1, a "
            "in lines 2, 3 (1 in all). Keep one row for each.",
        ],
    ),
    "an arm that is none": (
        {},
        line("k1,a,perhaps", 2, "contacts"),
        [
            "Table contacts: column arm is neither treated nor control: line 2: "
            "'perhaps' (1 line). Write treated or control.",
        ],
    ),
    "an answer of someone who was not asked": (
        {},
        line("k1,c,2024-01-05", 2, "responses"),
        [
            "Table responses: campaign_id, customer_id has no row in contacts: line "
            "2: 'k1, c' (1 line). Add it to contacts or remove these rows.",
        ],
    ),
    "contacts without campaigns": (
        {"campaigns": ABSENT, "responses": ABSENT},
        {},
        [
            "Table contacts: it needs campaigns. Map that table too.",
        ],
    ),
    "a score that is no number": (
        {},
        line("a,2024-01-05,recommend,good", 2, "surveys"),
        [
            "Table surveys: column points (score) cannot be read as a number: line "
            "2: 'good' (1 line). Mend these values or set `decimal:` and "
            "`thousands:`.",
        ],
    ),
    "a recommendation beyond 10": (
        {},
        line("a,2024-01-05,recommend,11", 2, "surveys"),
        [
            "Table surveys: column points (score) is not between 0 and 10, as "
            "answers to recommend are: line 2: '11' (1 line). Mend these scores or "
            "name the question otherwise.",
        ],
    ),
    "a contract that ends before it starts": (
        {},
        line("1,a,2024-01-01,2023-12-31,9.90,yes", 2, "contracts"),
        [
            "Table contracts: column to (ends_on) lies before starts_on: line 2: "
            "'2023-12-31 00:00:00' (1 line). Mend one of the two days.",
        ],
    ),
    "a fee below 0": (
        {},
        line("1,a,2024-01-01,2024-12-31,-9.90,yes", 2, "contracts"),
        [
            "Table contracts: column fee (monthly_fee) is below 0: line 2: '-9.9' (1 "
            "line). Mend these fees.",
        ],
    ),
    "a renewal that is neither yes nor no": (
        {},
        line("1,a,2024-01-01,2024-12-31,9.90,soon", 2, "contracts"),
        [
            "Table contracts: column again (renewed) is neither yes nor no: line 2: "
            "'soon' (1 line). Write true or false.",
        ],
    ),
    "minutes below 0": (
        {},
        line("a,2024-01-05,visit,-5", 2, "interactions"),
        [
            "Table interactions: column min (minutes) is below 0: line 2: '-5' (1 "
            "line). Mend these minutes.",
        ],
    ),
    "a contact of no kind": (
        {},
        line("a,2024-01-05,,5", 2, "interactions"),
        [
            "Table interactions: column what (kind) is empty: line 2 (1 line). Fill "
            "it or remove these rows.",
        ],
    ),
    "a lead won before it came": (
        {},
        line("1,2024-01-05,small,2023-02-01", 2, "leads"),
        [
            "Table leads: column won (won_on) lies before created_on: line 2: "
            "'2023-02-01 00:00:00' (1 line). Mend one of the two days.",
        ],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_fault_is_told_word_for_word_and_nothing_is_written(shop, name):
    settings, files, told = BROKEN[name]
    run = {"all": {}} if "own zone not given" in name else {}
    assert shop(settings, files, run) == told
    kept = {file.name for file in shop.folder.iterdir()} - GOOD.keys() - files.keys()
    assert not kept
    assert not (paths.ROOT / "data/interim").exists()
    assert not (paths.ROOT / "build").exists()


def test_there_are_enough_kinds_of_broken_input():
    assert len(BROKEN) >= 80
    assert all(told for *_, told in BROKEN.values())


def test_the_sound_shop_has_no_fault(shop):
    assert shop(every=True) == []
    (told,) = shop(every=True, level="warning")
    assert told.startswith("Table lines: customer b alone makes 48% of sales.")


def test_an_unknown_time_zone_is_told(shop):
    told = shop({"lines.time_zone": "Berlin"}, run={"all": {"time_zone": "UTC"}})
    assert told == [
        "Table lines: `time_zone:` is 'Berlin'; write the name of a time zone, such as "
        "Europe/Berlin. Did you mean Europe/Berlin?"
    ]


def test_tables_need_the_source_files(shop):
    assert shop(run={"source": "complete_journey"}) == [
        "`tables:` is read with `source: files` only; change `source:`."
    ]


def test_the_faults_of_all_tables_come_together(shop):
    told = shop(
        {"products.columns.brand": "maker", "customers.sheeet": "x"},
        line("a,1,soon,P1,1,dear") | line("k1,a,perhaps", 2, "contacts"),
    )
    assert [said.partition(":")[0] for said in told] == [
        *("Table customers", "Table lines", "Table lines"),
        *("Table products", "Table contacts"),
    ]


def test_only_three_values_are_shown_and_all_are_counted(shop):
    rows = "".join(f"a,{n},2024-01-01,P1,x{n},1\n" for n in range(1500))
    (told,) = shop({}, {"lines.csv": GOOD["lines.csv"] + rows})
    assert "line 5: 'x0'; line 6: 'x1'; line 7: 'x2' (1,500 lines)" in told


WARNED = {
    "lines without customer": (
        {},
        {"lines.csv": GOOD["lines.csv"] + ",4,2024-01-03,P3,1,4.00\n"},
        "Table lines: 25% of lines (1) have no customer. Notebook 1 sets them aside; ask "
        "why they have none.",
    ),
    "a customer with much of sales": (
        {},
        {},
        "Table lines: customer b alone makes 48% of sales. Is it a dealer, a till or the "
        "shop itself? Notebook 1 says how much hangs on it.",
    ),
    "ids that differ in case": (
        {},
        {
            "lines.csv": GOOD["lines.csv"] + "c,4,2024-01-03,p3,1,4.00\n",
            "products.csv": GOOD["products.csv"] + "p3,Tea\n",
        },
        "Table lines: 2 ids of products are 1 if case, zeros before a number, .0 behind it "
        "and letters without a shape tell nothing: P3 / p3. If they are the same, write "
        "`fold_ids: [product_id]` under lines.",
    ),
    "two forms that both read a date": (
        {"lines.date_format": ["%d/%m/%Y", "%m/%d/%Y"]},
        {
            "lines.csv": GOOD["lines.csv"]
            .replace("2024-01-0", "01/0")
            .replace(",P", "/2024,P")
        },
        "Table lines: 2 dates can be read both as %d/%m/%Y and as %m/%d/%Y, such as line "
        "3: '01/02/2024'. The first is taken; give only the forms that the file holds.",
    ),
    "products that are no goods": (
        {},
        {
            "lines.csv": GOOD["lines.csv"]
            + "".join(f"c,4,2024-01-03,Q{n},1,4.00\n" for n in range(20))
            + "c,4,2024-01-03,POST,1,4.00\n",
            "products.csv": GOOD["products.csv"]
            + "".join(f"Q{n},Tea\n" for n in range(20))
            + "POST,Tea\n",
        },
        "Table lines: products without a digit in their id may be services: POST. If they "
        "are (postage, fees), list them as `service_products:`.",
    ),
    "nothing tells needs": (
        {"products": ABSENT},
        {},
        "Table lines: nothing tells what products are for, so needs cannot be segmented. "
        "Map category in lines, or a table of products.",
    ),
    "one need": (
        {},
        {"products.csv": "item,group\nP1,Tea\nP2,Tea\nP3,Tea\n"},
        "Table products: column group (category) holds 1 values; needs read best with 5 to "
        "25. Map a coarser or finer column.",
    ),
    "products without a row": (
        {},
        {"products.csv": "item,group\nP1,Tea\nP2,Coffee\n"},
        "Table products: 1 lines (33.3%) name a product that it does not hold. They count "
        "as unclassified.",
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_what_is_no_fault_but_should_be_known_is_a_warning(shop, name, monkeypatch):
    if "much" not in name:
        monkeypatch.setattr(plausible, "DOMINANT", 2)
    else:
        monkeypatch.setattr(plausible, "DOMINANT", 0.4)
    settings, files, told = WARNED[name]
    assert shop(settings, files, level="warning") == [told]
    assert shop(settings, files) == []


def test_services_that_are_listed_are_no_warning(shop):
    rows = "c,4,2024-01-03,POST,1,4.00\n"
    told = shop(
        {"lines.service_products": ["post"]},
        {"lines.csv": GOOD["lines.csv"] + rows},
        level="warning",
    )
    assert not any("POST" in said or "does not hold" in said for said in told)


# The command.


def test_check_prints_all_problems_and_ends_with_1_at_a_fault(shop, capsys):
    shop({}, line("a,1,soon,P1,1,2.50"))
    assert check.main(["shop"]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("error: Table lines: column day (ordered_at)")
    assert printed[-1] == "Errors: 1, warnings: 1. Nothing was written."


def test_check_ends_with_0_where_there_are_warnings_only(shop, capsys):
    shop()
    assert check.main(["shop"]) == 0
    assert capsys.readouterr().out.startswith("warning: Table lines: customer b")


def test_check_names_the_faults_of_notebook_parameters_too(shop, capsys):
    shop(run={"all": {"sed": 4}})
    assert check.main(["shop"]) == 1
    assert "sets sed, which no notebook under it declares" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["source: [", "", "- files"])
def test_check_tells_of_a_run_file_that_is_none(shop, capsys, text):
    shop()
    (paths.ROOT / "runs/shop.yaml").write_text(text)
    assert check.main(["shop"]) == 1
    assert capsys.readouterr().err.startswith("runs/shop.yaml")


def test_check_tells_of_a_run_that_there_is_not(shop, capsys):
    shop()
    assert check.main(["shopp"]) == 1
    said = capsys.readouterr().err
    assert said == "runs/shopp.yaml is missing. Did you mean shop?\n"
    assert check.main(["No run"]) == 1
    assert "A run is named with small letters" in capsys.readouterr().err


def test_a_run_of_another_source_is_checked_as_far_as_its_run_file(shop, capsys):
    (paths.ROOT / "runs/shop.yaml").write_text("source: complete_journey\n")
    assert check.main(["shop"]) == 0


def test_a_faulty_mapping_is_refused_before_a_report_is_begun(shop):
    shop({"lines.file": "gone.csv"})
    with pytest.raises(
        ValueError, match=r"runs/shop\.yaml: Table lines: the file gone"
    ):
        run_file.check("shop")
