"""What shops really export: each ends in right numbers or in a sentence, never in silence.

A situation is a small file, the run file's block for it, and a truth worked out by hand.
"""

import contextlib
import csv
import io
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import helpers
from helpers.core import paths
from helpers.core.errors import BadInput
from helpers.intake import check, own_files
from helpers.runs import mapping

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
USUAL = {
    "customer_id": "Customer",
    "order_id": "Order",
    "ordered_at": "Date",
    "product_id": "Item",
    "quantity": "Qty",
    "unit_price": "Price",
    "category": "Group",
}
# What notebook 1 sets aside; each begins with the column that it asks.
RULES = ["duplicate", "customer_id is null", "uncompleted", "cancelled", "reversed"]
RULES += ["service", "quantity > 0 and amount_cents + coupon_cents = 0"]


@dataclass(frozen=True)
class Truth:
    """What must come out; None is not compared."""

    cents: Any = None  # of the clean lines
    lines: int | None = None  # as the next two: of the clean lines
    orders: int | None = None
    customers: int | None = None
    times: Sequence[str] | None = None  # local, of every line in the file's order
    each: Sequence[Any] | None = None  # cents of every line in the file's order
    needs: Sequence[int] | None = None  # cents of each need, the smallest first


@dataclass(frozen=True)
class Situation:
    """One file or more, how the run maps them, and how that must end.

    level: None (right numbers), warning (right numbers and a warning), error, said
    (an error or a warning: no numbers are promised), either (right numbers, or said).
    """

    name: str
    files: dict[str, Any]  # by name: text, bytes or what writes it; the lines are first
    truth: Truth = Truth()
    says: Sequence[str] = ()  # each must be found in one problem of the level
    level: str | None = None
    lines: dict[str, Any] = field(default_factory=dict)  # keys beside file and columns
    maps: dict[str, Any] = field(default_factory=dict)  # unlike `USUAL`
    tables: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)  # parameters of the block `all:`


def made(sep=",", **columns):
    """Write a file of lines; columns that are not given hold what is plain."""
    n = next((len(one) for one in columns.values() if isinstance(one, list)), 3)
    usual = {
        "Customer": [f"K{i}" for i in range(1, n + 1)],
        "Order": [f"B{i}" for i in range(1, n + 1)],
        "Date": [f"2024-03-{i % 28 + 1:02} 10:15:00" for i in range(n)],
        "Item": [f"P{i}" for i in range(1, n + 1)],
        "Qty": "1",
        "Price": "10.00",
        "Group": [("Tea", "Oil")[i % 2] for i in range(n)],
    }
    if "Order" in columns and "Customer" not in columns:  # each has one, on one day
        orders = list(columns["Order"])
        days = [orders.index(one) for one in orders]
        usual |= {"Customer": [f"K{day + 1}" for day in days]}
        usual |= {"Date": [f"2024-03-{day % 28 + 1:02} 10:15:00" for day in days]}
    wide = {name: one for name, one in (usual | columns).items() if one is not None}
    wide = {k: v if isinstance(v, list) else [v] * n for k, v in wide.items()}
    text = io.StringIO()
    writer = csv.writer(text, delimiter=sep, lineterminator="\n")
    writer.writerow(wide)
    writer.writerows(zip(*wide.values(), strict=True))
    return text.getvalue()


def told(text, of=""):
    """Read situations as tables: `# name | key: value`, and what the file holds.

    With `of`, a column: `text = what must become of it ; text = ...`. Else more keys.
    """
    for block in ("\n" + text.strip("\n")).split("\n# ")[1:]:
        head, *rows = block.split("\n")
        name, *keys = head.split(" | ")
        keys += [] if of else " | ".join(rows).split(" | ")
        given = dict(re.split(": ?", key, maxsplit=1) for key in keys if key)
        if of:
            pairs = [row.split(" = ") for row in " ; ".join(rows).split(" ; ")]
            given[of] = [pair[0] for pair in pairs]
            if pairs[0][1:]:
                given |= {"Date": clock, "Price": paid}[of]([pair[1] for pair in pairs])
            elif of != "Customer":
                given["level"] = "error"
        yield situation(name, given)


def clock(times):
    return {"times": times, "lines": len(times)}


def paid(amounts):
    cents = [Decimal(one) * 100 for one in amounts]
    kept = [one for one in cents if one > 0]
    return {"each": cents, "cents": sum(kept), "lines": len(kept)}


def situation(name, given):
    """Sort the keys of a situation: columns of its file, truth, mapping, run, the rest."""
    columns = {key: cut(given.pop(key)) for key in list(given) if key[0].isupper()}
    columns = (TWICE if given.pop("twice", "") else {}) | columns
    truth = {key: cut(given.pop(key)) for key in vars(Truth()) if key in given}
    if isinstance(truth.get("times"), str):
        truth["times"] = [truth["times"]]
    for key in truth.keys() - {"times"}:
        many = isinstance(truth[key], list)
        truth[key] = [*map(float, truth[key])] if many else float(truth[key])
    says = given.pop("says").split(" & ") if "says" in given else ()
    run = {"time_zone": given.pop("zone") or None} if "zone" in given else {}
    if given.get("currency", "").isupper():  # else it is a column of the file
        run["currency"] = given.pop("currency")
    write = shop if given.pop("shop", "") else made
    text = write(given.pop("sep", ","), **columns).encode(given.pop("written", "utf-8"))
    place = given.pop("file", "lines.csv")
    files = {place: FACTS.get(place, text)} | FACTS.get(place + "+", {})
    tables = beside(files, given.pop("more")) if "more" in given else {}
    maps = {key: given[key] for key in given if key in mapping.COLUMNS["lines"]}
    if given.get("header") == "False":
        given["header"] = False
        maps = {name: place for place, name in enumerate(USUAL, start=1)}
    maps |= {key: None for key, own in USUAL.items() if columns.get(own, "") is None}
    level = given.pop("level", None)
    keys = {key: given[key] for key in given if key not in maps}
    keys |= {key: keys[key].split(cut) for key, cut in LISTS.items() if key in keys}
    return Situation(name, files, Truth(**truth), says, level, keys, maps, tables, run)


def cut(text):
    """Read the values of a column: one for every row, or several; _ is empty, - no column."""
    if not isinstance(text, str) or text == "-":
        return None if text == "-" else text
    values = ["" if one == "_" else one for one in text.split(", ")]
    return values if len(values) > 1 else values[0]


def beside(files, rows):
    """Lay a table of products or customers beside the lines; return how it is mapped."""
    files["more.csv"] = rows.replace(" ", "\n")
    if "kind" in rows:
        own = {"product_id": "id", "category": "kind"}
        return {"products": {"file": "more.csv", "columns": own}}
    own = {"customer_id": "id", "age": "age"}
    return {"customers": {"file": "more.csv", "columns": own, "demographic": ["age"]}}


LISTS = {"left_out_status": ", ", "fold_ids": ", ", "date_format": " or "}
TWICE = {  # two lines of one customer, order and item
    "Customer": ["a", "a", "a", "b"],
    "Order": ["1", "1", "1", "2"],
    "Date": "2024-03-01",
    "Item": ["A", "A", "B", "C"],
    "Group": "Tea",
}


def book(*rows):
    """Give a function that writes a workbook."""

    def write(file):
        made = openpyxl.Workbook()
        for row in rows:
            made.active.append(row)
        made.save(file)

    return write


def stale(file):
    """Write a workbook whose sheet says that it ends after two lines of five."""
    whole = io.BytesIO()
    book(HEAD, *(cells(i) for i in range(1, 6)))(whole)
    with zipfile.ZipFile(whole) as given, zipfile.ZipFile(file, "w") as changed:
        for name in given.namelist():
            text = re.sub(rb'ref="A1:G6"', b'ref="A1:G3"', given.read(name))
            changed.writestr(name, text)


HEAD = list(USUAL.values())


def cells(i, **other):
    """Return a row of a workbook."""
    usual = (f"K{i}", f"B{i}", datetime(2024, 3, i, 10, 15), f"P{i}", 1, 10.0, "Tea")
    return [other.get(name, value) for name, value in zip(HEAD, usual, strict=True)]


def parquet(**columns):
    """Give a function that writes three lines as Parquet with the types of columns."""
    frame = {name: [cells(i)[k] for i in (1, 2, 3)] for k, name in enumerate(HEAD)}
    return lambda file: pq.write_table(pa.table(frame | columns), file)


def sqlite(**columns):
    """Give a function that writes three lines as the table sold of a database."""
    frame = {name: [cells(i)[k] for i in (1, 2, 3)] for k, name in enumerate(HEAD)}

    def write(file):
        with sqlite3.connect(file) as base:
            table = pd.DataFrame(frame | columns, dtype=object)
            table.astype({"Date": str}).to_sql("sold", base, index=False)

    return write


def shop(sep=",", n=60, **columns):
    """Write 60 orders of 12 customers, with columns that are easily taken for others."""
    return made(
        sep,
        **{
            "Customer": [f"K{i * 7 % 12:02}" for i in range(n)],
            "City": [("Yangon", "Mandalay", "Naypyitaw")[i % 3] for i in range(n)],
            "Stage": [("Won", "Lost", "Engaging")[i * i % 3] for i in range(n)],
            "Qty": [str(1 + i % 5) for i in range(n)],
            "Price": [f"{3 + i * 37 % 50}.{i * 13 % 90 + 10}" for i in range(n)],
        }
        | columns,
    )


TIMES = told(
    """
# an offset after a space, as a shop system writes it | zone: America/New_York
2022-01-11 04:32:30 -0500 = 2022-01-11 04:32:30 ; 2022-07-04 01:08:35 -0400 = 2022-07-04 01:08:35
# offsets that differ from row to row are one clock
2024-06-01T10:00:00+02:00 = 2024-06-01 10:00:00 ; 2024-06-01T08:00:00Z = 2024-06-01 10:00:00
2024-06-01 03:00:00 -0500 = 2024-06-01 10:00:00 ; 2024-06-01 13:30:00+05:30 = 2024-06-01 10:00:00
2024-06-01 09:00:00+01 = 2024-06-01 10:00:00 ; 2024-06-01 08:00:00 UTC = 2024-06-01 10:00:00
# an offset says more than the zone of the table | date_format: %d.%m.%Y %H:%M:%S %z | time_zone: UTC
01.06.2024 10:00:00 +0200 = 2024-06-01 10:00:00 ; 01.06.2024 10:00:00 -0500 = 2024-06-01 17:00:00
# a row without offset does not take that of the row before | date_format: %Y-%m-%d %H:%M:%S %z
2024-06-01 10:00:00 -0500 = 2024-06-01 17:00:00 ; 2024-06-02 10:00:00 = 2024-06-02 10:00:00
2024-06-03 10:00:00 +0900 = 2024-06-03 03:00:00
# an offset, and a run without a zone | zone: | says: Date.*time_zone:
2024-06-01 10:00:00 -0500
# days stay days in a file of another zone | zone: America/New_York | time_zone: UTC
2024-01-01 = 2024-01-01 00:00:00 ; 2024-02-29 = 2024-02-29 00:00:00
# a day beside times of another zone | zone: America/New_York | time_zone: UTC
2024-01-01 = 2024-01-01 00:00:00 ; 2024-01-01 03:00 = 2023-12-31 22:00:00
# days written as midnight of another zone | zone: America/New_York | time_zone: UTC | level: either | says: Date.*midnight
2024-01-01 00:00:00.000 = 2024-01-01 00:00:00 ; 2024-02-01 00:00:00.000 = 2024-02-01 00:00:00
# days written as midnight of Greenwich | zone: America/New_York | level: either | says: Date.*midnight
2024-01-01T00:00:00Z = 2024-01-01 00:00:00 ; 2024-02-01T00:00:00Z = 2024-02-01 00:00:00
# summer time begins and ends in a file of UTC | time_zone: UTC
2024-03-31 00:59:59 = 2024-03-31 01:59:59 ; 2024-03-31 01:00:00 = 2024-03-31 03:00:00
2024-10-27 00:30:00 = 2024-10-27 02:30:00 ; 2024-10-27 01:30:00 = 2024-10-27 02:30:00
# seconds since 1970 | date_format: unix
1709283600 = 2024-03-01 10:00:00 ; 1719828000 = 2024-07-01 12:00:00
# milliseconds since 1970 | date_format: unix_ms
1709283600123 = 2024-03-01 10:00:00.123
# seconds since 1970, and a run without a zone | zone: | date_format: unix | says: time_zone:
1709283600
# milliseconds that are said to be seconds | date_format: unix | says: Date.*1709283600123
1709283600123
# serial numbers of a spreadsheet | date_format: excel
45352 = 2024-03-01 00:00:00 ; 45352.4375 = 2024-03-01 10:30:00 ; 45352.416666666664 = 2024-03-01 10:00:00
45352.4166666667 = 2024-03-01 10:00:00
# numbers without a word | says: Date.*45352.*1709283600
45352 ; 1709283600
# days without a form | says: Date.*date_format:
03/04/2024
# two forms that read a day in two ways | date_format: %d/%m/%Y or %m/%d/%Y | level: warning | says: read both as
03/04/2024 = 2024-04-03 00:00:00 ; 25/04/2024 = 2024-04-25 00:00:00
# a.m. and p.m. with points | date_format: %m/%d/%Y %I:%M %p | level: either | says: Date.*m\\.
3/1/2024 1:05 p.m. = 2024-03-01 13:05:00 ; 3/1/2024 1:05 a.m. = 2024-03-01 01:05:00
# 24:00 ends a day | level: either | says: Date.*24:00
2024-03-01 24:00:00 = 2024-03-02 00:00:00
# parts of seconds, to the billionth
2024-03-01T09:00:00.123456789Z = 2024-03-01 10:00:00.123456 ; 2024-03-01T09:00:00.5+00:00 = 2024-03-01 10:00:00.5
# weeks of ISO, days of a year, and a day that does not exist | says: W09 & 061 & 02-30
2024-W09-5 ; 2024-061 ; 2024-02-30
# names of zones | says: Date.*EST
2024-03-01 10:00:00 EST
# hours from and to | says: Date.*10:00-12:00
2024-03-01 10:00-12:00 ; 2024-03-02 14:00-16:00
# a Persian year | date_format: %Y/%m/%d | says: Date.*before 1990
1402/12/11
# days in the digits of other scripts | level: either | says: Date.*\u06f2
\u06f2\u06f0\u06f2\u06f4-\u06f0\u06f3-\u06f0\u06f1 = 2024-03-01 00:00:00
""",
    "Date",
)
MONEY = told(
    """
# a sign of two letters | currency: BRL | decimal: , | thousands: .
R$ 1.234,56 = 1234.56 ; R$12,90 = 12.90
# a narrow space between thousands | currency: PLN | decimal: , | thousands: \u00a0
1\u00a0234,50 z\u0142 = 1234.50 ; 12\u202f345,00 z\u0142 = 12345 ; 9,99 z\u0142 = 9.99
# a raised mark between thousands | currency: CHF | thousands: '
CHF 1'508.90 = 1508.90 ; Fr. 12.05 = 12.05 ; 1\u2019234\u2019567.00 = 1234567
# digits and marks of other scripts | currency: IRR
\u06f1\u06f2\u06f5\u06f0\u06f0 = 12500 ; \u0661\u0662\u066b\u0665\u0660 = 12.50 ; \uff11\uff12 = 12
\u0661\u066c\u0662\u0663\u0664\u066b\u0665\u0660 = 1234.50
# three digits after every mark | says: Price.*12\\.500 & thousands:
12.500 ; 950 ; 7.250
# three digits after every mark, and a sign behind | says: Price.*12\\.500 & thousands:
12.500 \u20ac ; 7.250 \u20ac ; 950 \u20ac
# a sign in place of the decimal mark | level: either | says: Price.*12
12\u20ac50 = 12.50 ; 3\u20ac20 = 3.20
# three digits after every comma | says: Price.*12,500 & thousands:
12,500 ; 950
# three digits after every mark, and the mark named | thousands: .
12.500 = 12500 ; 950 = 950 ; 7.250 = 7250
# three digits after every mark, and the decimal mark named | decimal: .
12.500 = 12.5 ; 950 = 950
# one amount with two digits decides for all
12.500 = 12.5 ; 3.25 = 3.25
# millions without a word | level: either | says: Price.*1\\.234\\.567
1.234.567 = 1234567 ; 12.500 = 12500
# two ways of writing in one column | thousands: , | says: Price.*1\\.234,56
1.234,56 ; 1,234.56
# signs of minus | thousands: ,
10.00 = 10.00 ; (4.25) = -4.25 ; 5.00- = -5 ; \u22126.00 = -6 ; - 7.00 = -7 ; -\u20ac8.00 = -8
\u20ac-9.00 = -9 ; (\u20ac1,250.00) = -1250 ; +3.00 = 3
# a row of dashes for no cents | currency: CHF | level: either | says: Price.*12
12.- = 12 ; 15.50 = 15.50
# several currencies by their signs | says: Price.*more than one currency
\u20ac10.00 ; $10.00 ; 10.00 GBP
# a sign that the run's currency does not have | says: Price.*\\$
$10.00 ; $12.00
# dollars are Canada's too | currency: CAD
$10.00 = 10 ; CA$12.00 = 12
# a sign and the code of one currency
\u20ac10.00 = 10 ; 10.00 EUR = 10 ; EUR 12.00 = 12
# won, written out | currency: KRW | thousands: ,
15,000\uc6d0 = 15000 ; \u20a9950 = 950
# rupiah | currency: IDR | thousands: . | decimal: ,
Rp 12.500 = 12500 ; Rp1.250.000,00 = 1250000
# three decimals | currency: KWD | decimal: . | level: either | says: KWD|three|thousandth
1.234 = 1.234 ; 0.005 = 0.005
# no amounts | says: Price.*free & Price.*% & Price.*REF
10.00 ; free ; 12.50% ; #REF!
# no amount at all | says: Price.*empty
10.00 ; N/A
# as large as money gets | currency: VND
20000000000 = 20000000000 ; 9999999999999.99 = 9999999999999.99
""",
    "Price",
)
IDS = told(
    """
# zeros in front, a tail of .0 and the case of an address | level: warning | customers: 6 | says: customer.*fold_ids
Anna@x.de ; anna@x.de ; 00123 ; 123 ; 123.0 ; bob
# the same, folded | fold_ids: customer_id | customers: 3
Anna@x.de ; anna@X.DE ; 00123 ;  123 ; 123.0 ; bob
# letters that cannot be seen, folded | fold_ids: customer_id | customers: 1
K1 ; K1\u200b ; \ufeffK1 ; \u00a0K1\u00a0
# full width and composed letters, folded | fold_ids: customer_id | customers: 2
\uff11\uff12\uff13 ; 123 ; Jos\u00e9 ; Jose\u0301
# a dot on a small i, folded | fold_ids: customer_id | customers: 1
ILGIN@X.TR ; ilgin@x.tr
# ids that a spreadsheet rounded | level: error | says: Customer.*1\\.23E\\+12
1.23E+12 ; 1.23E+12 ; 4.56E+12
# words for nobody | lines: 2 | customers: 2 | level: warning | says: no customer
a ; NULL\x20 ;  NaN ; <NA> ; N/A ; n/a ; (null) ; None ; #N/A ; b
# a till as the customer of most lines | level: warning | customers: 3 | says: customer 0 alone
0 ; 0 ; 0 ; a ; b
""",
    "Customer",
)
CLOCKS = told(
    """
# the time in a column of its own | times: 2024-03-01 13:08:00, 2024-03-02 13:08:00, 2024-03-03 00:30:00, 2024-03-04 09:05:00
Date: 2024-03-01, 2024-03-02, 2024-03-03, 2024-03-04 | Time: 13:08, 1:08 PM, 12:30AM, 9:05 | ordered_time: Time
# the time beside a day that is written as midnight, of another zone | times: 2024-02-29 22:30:00, 2024-03-01 22:30:00
Date: 2024-03-01 00:00:00, 2024-03-02 00:00:00 | Time: 03:30 | ordered_time: Time | time_zone: UTC | zone: America/New_York
# a time that is none | level: error | says: Time.*25:08
Date: 2024-03-01 | Time: 13:08, 25:08, noon | ordered_time: Time
# a row without its time | level: either | says: Time | times: 2024-03-01 13:08:00, 2024-03-01 00:00:00
Date: 2024-03-01 | Time: 13:08, _ | ordered_time: Time
# a part of a day for the time | level: either | says: Time.*0\\.5 | times: 2024-03-01 12:00:00, 2024-03-01 06:00:00
Date: 2024-03-01 | Time: 0.5, 0.25 | ordered_time: Time
# the time beside a day with an offset | level: either | says: (Time|Date) | times: 2024-03-01 13:08:00, 2024-03-02 13:08:00
Date: 2024-03-01T00:00:00+01:00, 2024-03-02T00:00:00+01:00 | Time: 13:08 | ordered_time: Time
# the time as a number that lost its first zero | level: either | says: Time | times: 2024-03-01 01:08:00, 2024-03-01 11:30:00
Date: 2024-03-01 | Time: 108, 1130 | ordered_time: Time
"""
)
SUMS = told(
    """
# a rate of discount | each: 1700, 1000, 2000
Qty: 2, 1, 4 | Off: 0.15, 0, 0.5 | discount_rate: Off
# a rate with signs of percent | each: 1700, 1000, 3500
Qty: 2, 1, 4 | Off: 15%, 0 %, 12.5% | discount_rate: Off
# a discount in percent | each: 1700, 1000, 3500
Qty: 2, 1, 4 | Off: 15, _, 12.5 | discount_percent: Off
# a discount in percent, with signs | each: 1700, 1000, 3500
Qty: 2, 1, 4 | Off: 15%, 0%, 12.5% | discount_percent: Off
# a rate written below 0 | each: 1700, 1000, 3500 | level: either | says: Off
Qty: 2, 1, 4 | Off: -0.15, 0, -0.125 | discount_rate: Off
# a discount in money | each: 1850, 1000, 3600
Qty: 2, 1, 4 | Off: 1.50, _, 4 | discount: Off
# a rate out of a column of single precision | each: 14229, 7315
Qty: 9, 10 | Price: 18.6, 7.7 | Off: 0.150000005960464, 0.05 | discount_rate: Off
# a discount written below 0 | each: 1850, 1000, 3600 | level: either | says: Off
Qty: 2, 1, 4 | Off: -1.50, 0, -4.00 | discount: Off
# percent as a rate | level: error | says: Off.*discount_percent
Qty: 2, 1, 4 | Off: 15, 0, 50 | discount_rate: Off
# a rate as percent | level: said | says: Off.*discount_rate
Qty: 2, 1, 4 | Off: 0.15, 0, 0.5 | discount_percent: Off
# more off than the line | level: said | says: Off
Qty: 2, 1, 4 | Off: 25.00, 0, 4.00 | discount: Off
# a discount that is not mapped | level: said | says: Discount
Qty: 2 | Discount: 0.15, 0.2, 0, 0.1, 0.15, 0.2, 0, 0.1
# a total on the first line of an order | each: 1000, 1000, 2000, 750 | orders: 2
Order: 1, 1, 1, 2 | Qty: 1, 1, 2, 1 | Price: - | Total: 40.00, _, _, 7.50 | order_total: Total
# a total on each line, which cents do not share out | cents: 1001 | orders: 2
Order: 1, 1, 1, 2 | Price: - | Total: 10.00, 10.00, 10.00, 0.01 | order_total: Total
# totals that differ within an order | level: said | says: Total
Order: 1, 1, 1, 2 | Price: - | Total: 40.00, 30.00, 40.00, 7.50 | order_total: Total
# an order without its total | level: said | says: Total
Order: 1, 1, 1, 2 | Price: - | Total: 40.00, _, _, _ | order_total: Total
# a refund on the first line of an order, and zeros | each: -2000, -2000, 1000 | level: either | says: Total
Order: 1, 1, 2 | Price: - | Total: -40, 0, 10 | order_total: Total
# tickets: lines of an order with the same amount each | cents: 14800 | level: warning | says: Paid.*order's total
Order: 1, 1, 2, 2, 3, 3, 4, 4, 5, 5 | Price: - | Paid: 12, 12, 15, 15, 20, 20, 12, 12, 15, 15 | amount: Paid
# the same total in two orders of one number | level: said | says: Order
Customer: a, b | Order: 1 | Price: - | Total: 40.00 | order_total: Total
# an order's total on each line, taken for the line's amount | level: error | says: Total.*order's total
Order: 1, 1, 1, 2 | Total: 30.00, 30.00, 30.00, 10.00 | amount: Total
# amounts that repeat within each order, without a price | level: said | says: Total.*order's total
Order: 1, 1, 2, 2 | Price: - | Total: 30, 30, 9, 9 | amount: Total
# the price of a line taken for that of a piece | level: said | says: Price.*amount
Item: A, B, A, B, A, B, A, B | Qty: 1, 1, 2, 2, 3, 3, 4, 4 | Price: 3, 7, 6, 14, 9, 21, 12, 28
# the price of a piece taken for the line's amount | level: said | says: Total
Qty: 2, 3, 5, 1, 2, 4 | Paid: 10.00 | Total: 20, 30, 50, 10, 20, 40 | amount: Paid | Price: -
# products of a million and more | cents: 4001319996000 | currency: VND
Qty: 1, 2, 40 | Price: 12500000, 350000, 999999999
# parts of thousandths of a piece | each: 1000, 100049, 40
Qty: 0.0004, 1.00049, 1000000 | Price: 25000, 1000, 0.0000004
# pieces that may be thousands | level: error | says: Qty.*1\\.500 & thousands:
Qty: 1.500, 2, 2.750
# a column of one other currency | level: said | says: Cur.*USD
Cur: USD | currency: Cur
# a line of totals | level: said | says: [tT]otal
Customer: a, b, Total | Order: 1, 2, Total | Item: A, B, Total | Price: 10, 10, 20
"""
)
ORDERS = told(
    """
# a status that is not mapped | level: said | says: Status.*[Cc]ancelled
Status: completed, cancelled, Completed, refunded, pending, processing
# a status that leaves nothing out | level: said | says: Status.*[Cc]ancelled
Status: completed, cancelled, Completed, refunded, pending, processing | status: Status
# a status in German | level: said | says: Bestellstatus.*storniert
Bestellstatus: abgeschlossen, storniert, abgeschlossen
# orders that were not completed | cents: 3000 | lines: 3 | customers: 3
Status: completed, cancelled, Completed, refunded, pending, processing | status: Status | left_out_status: Cancelled, refunded, pending
# a status on the first line of an order | cents: 2000 | lines: 2
Order: 1, 1, 2, 2 | Status: paid, _, refunded, _ | status: Status | left_out_status: refunded
# a status with spaces and a prefix | cents: 1000 | lines: 1
Status: wc-completed, \u00a0WC-Cancelled , wc-cancelled | status: Status | left_out_status: wc-cancelled
# a status that does not occur | level: said | says: canceled.*cancelled
Status: completed, cancelled | status: Status | left_out_status: canceled
# a status left out of no column | level: error | says: status
left_out_status: cancelled
# a prefix of orders that are purchases | level: error | says: cancel_prefix
Order: W1, 2, W3, 4 | cancel_prefix: W
# a line of two exports that differ in what is not mapped | cents: 6000 | lines: 3 | level: warning | says: cop(y|ies)
twice: yes | Qty: 2, 2, 1, 3 | At: May, June, May, May
# a line of two exports that write it in two ways | cents: 6000 | lines: 3 | level: warning | says: cop(y|ies)
twice: yes | Qty: 2, 2.0, 1, 3 | Price: 10, 10.00, 10, 10
# two scans of an item | cents: 4000 | lines: 4 | level: warning | says: (scan|twice|cop|purchase)
twice: yes
# two scans with a number each | cents: 4000 | lines: 4
twice: yes | Line: 1, 2, 1, 1 | line_no: Line
# one scan that stands twice | cents: 3000 | lines: 3 | level: warning | says: cop(y|ies)
twice: yes | Line: 1, 1, 1, 1 | line_no: Line
# receipts that begin anew each day | level: warning | says: Order.*derived
Customer: a | Order: 1, 2, 1, 2, 1, 2, 1, 2
# the same, with orders derived | cents: 8000 | orders: 8 | customers: 1
Customer: a | Order: 1, 2, 1, 2, 1, 2, 1, 2 | order_id: derived
# orders counted for each customer | level: warning | says: Order.*customers
Customer: a, a, b, b, c | Order: 1, 2, 1, 2, 1
# orders counted in each store | level: warning | says: Order.*stores
Customer: a | Order: 7 | Date: 2024-03-01 10:15 | Store: N, S, W | store_id: Store
# a city for the customer | shop: 60 | level: said | says: City.*customer
customer_id: City
# a price for the customer | shop: 60 | level: said | says: Price.*customer
customer_id: Price
# the order for the customer | shop: 60 | level: said | says: Order.*customer
customer_id: Order
# pieces for the amount | shop: 60 | level: said | says: Qty
amount: Qty | Price: -
# a price for the pieces | shop: 60 | level: said | says: Price
quantity: Price
# the customer for the order | shop: 60 | level: said | says: Customer.*order
order_id: Customer
# products whose case differs, folded | cents: 3000 | lines: 2
Customer: a | Order: 1 | Date: 2024-03-01 | Item: p1, P1, p2 | Qty: 2, 2, 1 | Group: Tea | fold_ids: product_id
# orders in two spellings | level: said | says: [oO]rder.*fold_ids
Customer: a | Order: 1001, 1001.0, 1002 | Date: 2024-03-01 | Item: A | Qty: 2
# a key that is gone | level: error | says: fold_ids
fold_product_case: true
# a column that cannot be folded | level: error | says: fold_ids.*store_id
fold_ids: store_id
# categories that differ in marks | needs: 1000, 1100, 1200, 1300, 1400, 1500
Group: \u0924\u0947\u0932, \u0924\u093f\u0932, \u0e19\u0e49\u0e33, \u0e19\u0e33, \u0bae\u0bc0\u0ba9\u0bcd, \u0bae\u0bbe\u0ba9\u0bcd | Price: 10, 11, 12, 13, 14, 15
# categories that differ in signs | needs: 1000, 1100, 1200, 1300, 1400, 1500
Group: C++, C#, C, A+, A-, A | Price: 10, 11, 12, 13, 14, 15
# a category in composed and in single letters | needs: 1000, 2000
Group: Th\u00e9, The\u0301, Oil
# a shop's own words for categories, and none | needs: 1000, 1100, 1200, 1300, 1400
Group: None, NULL, Other, Fuel, _ | Price: 10, 11, 12, 13, 14
# categories of signs alone | needs: 1000, 1100, 1200, 1300 | level: either | says: Group
Group: \U0001f34e, \U0001f34c, <5, >5 | Price: 10, 11, 12, 13
"""
)


MARCH = [date(2024, 3, day) for day in (1, 2, 3)]
MIXED = [
    cells(1, Customer=123, Price="1.234,50"),
    cells(2, Customer="123", Price=12.5, Date="02.03.2024 10:15"),
    cells(3, Customer=123.0, Price="7,25", Qty=0.5),
]
NIGHT = [datetime.combine(day, time(23, 30), UTC) for day in MARCH]
FACTS = {  # files that are more than a text of lines
    "stale.xlsx": stale,
    "mixed.xlsx": book(HEAD, *MIXED),
    "days.xlsx": book(HEAD, *(cells(day.day, Date=day) for day in MARCH)),
    "clock.xlsx": book([*HEAD, "Time"], [*cells(1, Date=MARCH[0]), time(13, 8)]),
    "blank.xlsx": book(HEAD, cells(1), [None] * 7, [" "] * 7, [""] * 7),
    "total.xlsx": book(HEAD, cells(1), ["Total", None, None, None, None, 10.0, None]),
    "title.xlsx": book(["Sales of March"], HEAD, cells(1)),
    "fault.xlsx": book(HEAD, cells(1), cells(2, Price="#REF!", Customer="#N/A")),
    "formula.xlsx": book(HEAD, cells(1), cells(2, Price="=1+2")),
    "zone.parquet": parquet(Date=pa.array(NIGHT), Customer=pa.array([1.0, None, 1.0])),
    "kinds.parquet": parquet(
        Date=pa.array(MARCH),
        Price=pa.array([Decimal("1.2345"), Decimal(10), Decimal("0.10")]),
        Qty=pa.array([12.1, 1, 0.5], pa.float32()),
        Customer=pa.array(["a", "b", "a"]).dictionary_encode(),
    ),
    "shop.db": sqlite(Date=[1709283600] * 3, Price=[1, 2.5, "3"], Customer=[7, "7", 8]),
    "spaced.csv": made().replace(",Order,", ", Order ,"),
    "two_ends.csv": made().replace("\n", "\r\n", 2),
    "threes.xlsx": book(HEAD, cells(1, Price=12.126), cells(2, Price=7.374)),
    "blank.csv": made() + "\n,,,,,,\n\n",
    "twice.csv": made().replace("Group", "price"),
    "sep.csv": "sep=;\n" + made(";"),
    "nameless.csv": made().split("\n", 1)[1],
    "joined.csv": made() * 2,
    "lines[1].csv": made(),
    "lines[1].csv+": {"lines1.csv": made(Price="99.00")},  # laid beside it
    "quotes.csv": made(Item=["a\nb", 'say "x"', "c,d"]),
}
FILES = told(
    """
# customers whose ids do not meet | customers: 3 | level: warning | says: customers.*\\b0(\\.0)? ?%
Customer: 00123, 00124, 00125 | more: id,age 123,old 124,young 125,old
# customers who meet once folded | customers: 3
Customer: 00123, 00124, 00125 | more: id,age 123,old 124.0,young 125,old | fold_ids: customer_id
# customers whom folding makes one | level: said | says: customers.*123
Customer: 00123, 00124, 00125 | more: id,age 123,old 00123,young | fold_ids: customer_id
# products whose ids do not meet | level: warning | says: Table products.*100(\\.0)?%
Item: 001, 002, 003 | Group: - | more: id,kind 1,Tea 2,Oil 3,Tea
# products that meet once folded | needs: 1000, 2000
Item: 001, 002, 003 | Group: - | more: id,kind 1,Tea 2.0,Oil 3,Tea | fold_ids: product_id
# products whom folding makes one | level: said | says: Table products.*1
Item: 001, 002, 003 | Group: - | more: id,kind 1,Tea 01,Oil 2,Tea 3,Tea | fold_ids: product_id
# a sheet that says it ends too early | cents: 5000 | lines: 5
file: stale.xlsx
# a sheet of numbers, texts and ids of both kinds | each: 123450, 1250, 363 | customers: 1
file: mixed.xlsx | decimal: , | thousands: . | date_format: %d.%m.%Y %H:%M
# a sheet of numbers with three decimals | each: 1213, 737
file: threes.xlsx
# cells that hold a day stay that day | times: 2024-03-01 00:00:00, 2024-03-02 00:00:00, 2024-03-03 00:00:00
file: days.xlsx | time_zone: UTC | zone: America/New_York
# a cell that holds a time of day | lines: 1 | times: 2024-03-01 13:08:00
file: clock.xlsx | ordered_time: Time
# blank rows after the last of a sheet | cents: 1000 | lines: 1 | level: either | says: empty: line 4
file: blank.xlsx
# a row of totals in a sheet | level: error | says: (line|row) 3
file: total.xlsx
# a title above the names | level: error | says: Customer
file: title.xlsx
# a fault in a cell | level: error | says: Price.*REF
file: fault.xlsx
# a formula without its result | level: error | says: Price
file: formula.xlsx
# Parquet with a zone and ids as floats | times: 2024-03-02 00:30:00, 2024-03-03 00:30:00, 2024-03-04 00:30:00 | customers: 1
file: zone.parquet
# Parquet with a zone, and a run without | level: error | says: Date.*time_zone:
file: zone.parquet | zone:
# Parquet with days, decimals, singles and a dictionary | each: 1494, 1000, 5 | customers: 2 | times: 2024-03-01 00:00:00, 2024-03-02 00:00:00, 2024-03-03 00:00:00
file: kinds.parquet | time_zone: UTC | zone: America/New_York
# SQLite with seconds, and numbers of both kinds | each: 100, 250, 300 | customers: 2
file: shop.db | database: sqlite:///shop.db | table: sold | date_format: unix
# names with spaces around | cents: 3000
file: spaced.csv
# ends of lines of two kinds | cents: 3000 | customers: 3 | level: either | says: end otherwise
file: two_ends.csv
# rows without anything at the end | cents: 3000 | lines: 3 | level: either | says: empty: line 5
file: blank.csv
# a name twice | level: error | says: [pP]rice
file: twice.csv
# a spreadsheet's own first line | cents: 3000 | level: either | says: (sep=|Customer)
file: sep.csv | delimiter: ;
# no line of names | cents: 3000 | lines: 3
file: nameless.csv | header: False
# names in the middle, of two files joined | level: error | says: line 5
file: joined.csv
# a name with brackets is that file | cents: 3000 | level: either | says: lines\\[1\\]
file: lines[1].csv
# a comma, a mark and an end of line inside quotes | cents: 3000 | lines: 3
file: quotes.csv
"""
)
SITUATIONS = [*TIMES, *CLOCKS, *MONEY, *IDS, *SUMS, *ORDERS, *FILES]


# How a situation is run.


def receive(situation, root):
    """Lay a situation out and receive it; return the tables and the problems told."""
    folder = root / "data/raw/shop"
    folder.mkdir(parents=True)
    (root / "runs").mkdir()
    for name, content in situation.files.items():
        if callable(content):
            content(folder / name)
        else:
            text = isinstance(content, str)
            (folder / name).write_bytes(content.encode() if text else content)
    run_file = yaml.dump(run_of(situation), Dumper=yaml.CSafeDumper)
    (root / "runs/shop.yaml").write_text(run_file)  # CSafeDumper escapes all but ASCII
    found, problems = [], own_files.problems
    con = duckdb.connect(config={"threads": 1})  # as fast for so few rows

    def noted(*given, **named):
        told, sources = problems(*given, **named)
        found.extend(told[["level", "said"]].itertuples(index=False, name=None))
        return told, sources

    with (
        mock.patch.object(paths, "ROOT", root),
        mock.patch.object(own_files, "problems", noted),
        mock.patch.dict(os.environ),
        contextlib.suppress(BadInput),
    ):
        os.environ.pop("STUDY_HOME", None)
        own_files.receive(con, run="shop")
    return con, found


def run_of(situation):
    """Write a situation's run file."""
    columns = USUAL | situation.maps
    columns = {name: column for name, column in columns.items() if column is not None}
    lines = situation.lines | {"columns": columns}
    if "database" not in lines:
        lines["file"] = next(iter(situation.files))
    given = {"currency": "EUR", "time_zone": BERLIN} | situation.run
    given = {name: value for name, value in given.items() if value is not None}
    tables = {"lines": lines} | situation.tables
    return {"source": "files", "tables": tables, "all": given}


def counted(con):
    """Clean what was received by the rules, and count it."""
    there = {row[0] for row in con.execute("describe received_lines").fetchall()}
    rules = [rule for rule in RULES if rule.split()[0] in there]
    lines = con.execute(
        f"""select ordered_at::varchar as times, amount_cents::double as each, order_id,
            customer_id, need_state, {" or ".join(rules)} as out
            from received_lines left join received_products using (product_id)
            order by line_id"""
    ).df()
    clean = lines[~lines["out"]]
    return {
        "cents": clean["each"].sum(),
        "lines": len(clean),
        "orders": clean["order_id"].nunique(),
        "customers": clean["customer_id"].nunique(),
        "times": lines["times"].to_list(),
        "each": lines["each"].to_list(),
        "needs": sorted(clean.groupby("need_state")["each"].sum()),
    }


def wrong(truth, came):
    """Name what differs from the truth; empty where everything is right."""
    return {
        name: (came.get(name), told)
        for name, told in vars(truth).items()
        if told is not None and came.get(name) != told
    }


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.name)
def test_right_numbers_or_a_sentence_and_never_silence(situation, tmp_path):
    con, found = receive(situation, tmp_path)
    assert situation.says or situation.truth != Truth()
    errors = [said for level, said in found if level == "error"]
    differs = wrong(situation.truth, {} if errors else counted(con))
    levels = {situation.level} & {"error", "warning"} or {"error", "warning"}
    told = [said for level, said in found if level in levels]
    heard = all(any(re.search(one, said) for said in told) for one in situation.says)
    if situation.level in ("error", "warning", "said"):
        assert heard, found
    if situation.level in (None, "warning"):
        assert not errors
        assert not differs
    # Whatever else: what is wrong is said.
    assert not differs or (heard and situation.says), (differs, found)
    for said in errors:
        assert re.match(r"Table \w+: |`", said), said
        assert said.endswith((".", "?")), said


# Run files, the machine, and many values at once.

WRONG = """
01_cleaning: {coverage_end: 2024-02-30, currency: Rupees, time_zone: Berlin, disabled_rules: exact copy}
02_feature_engineering: {min_orders: 0, train_start: 01.01.2024, n_segments: 3}
03_clustering_choice: {max_k: 1, k: four}
"""
BACKWARDS = "02_feature_engineering: {train_start: 2024-03-20, train_end: 2024-03-10}"
BEYOND = """
01_cleaning: {coverage_start: 2019-01-01}
02_feature_engineering: {train_start: 2024-03-01, train_end: 2024-03-10, holdout_end: 2031-12-31}
"""
RUNS = {
    "02-30 & currency & time_zone & disabled_rules & min_orders & 01.01.2024 & max_k & k": WRONG,
    "train_start.*train_end|train_end.*train_start": BACKWARDS,
    "2019-01-01 & 2031-12-31": BEYOND,
}


@pytest.mark.parametrize(("says", "given"), RUNS.items())
def test_values_of_a_run_file_are_refused_or_told(says, given, tmp_path):
    (tmp_path / "notebooks").symlink_to(paths.ROOT / "notebooks")
    receive(Situation("run", {"lines.csv": shop()}), tmp_path)
    with (tmp_path / "runs/shop.yaml").open("a") as run_file:
        run_file.write(given)
    with mock.patch.object(paths, "ROOT", tmp_path), mock.patch.dict(os.environ):
        os.environ.pop("STUDY_HOME", None)
        found = check.check("shop")[0]["said"]
    for one in says.split(" & "):
        assert found.str.contains(one).any(), (one, list(found))


JUDGES = "validate.table validate.together ids.problems plausible.lines amounts.problems recount.lines"
MACHINES = {"UTC": "C", "Asia/Tokyo": "C.UTF-8", "America/New_York": "tr_TR.UTF-8"}


def main(folder):
    """Print, as JSON, what each situation that can be read becomes on this machine."""
    became = {}
    # What the judges say is tested above, and takes half the time.
    for judge in JUDGES.split():
        mock.patch(f"helpers.intake.{judge}", return_value=[]).start()
    for number, one in enumerate(SITUATIONS):
        if one.level not in ("error", "said") and "database" not in one.lines:
            con, found = receive(one, Path(folder) / str(number))
            refused = [said for level, said in found if level == "error"]
            names = [] if refused else ["lines", "products", "customers"]
            rows = [con.execute(f"from received_{name} order by all") for name in names]
            became[one.name] = refused + [repr(row.fetchall()) for row in rows]
    print(json.dumps(became))


@pytest.mark.slow
def test_zone_and_locale_of_the_machine_change_nothing(tmp_path):
    asked, source = [], str(Path(helpers.__file__).parents[1])
    for zone, locale in MACHINES.items():
        there = {"TZ": zone, "LC_ALL": locale, "PYTHONCOERCECLOCALE": "0"}
        command = [sys.executable, "-X", "utf8=0", __file__, tmp_path / locale]
        env = os.environ | there | {"PYTHONPATH": source}
        asked.append(subprocess.Popen(command, env=env, stdout=subprocess.PIPE))
    first, *others = [json.loads(one.communicate()[0]) for one in asked]
    assert len(first) > 60
    for other in others:
        assert other == first


PERSIAN = {48 + digit: 0x6F0 + digit for digit in range(10)}
AMOUNTS = {  # currency, mark of decimals and of thousands, the rest
    "plain": ("EUR", ".", "", "{}"),
    "America": ("USD", ".", ",", "${}"),
    "Germany": ("EUR", ",", ".", "{} \u20ac"),
    "Switzerland": ("CHF", ".", "'", "CHF {}"),
    "Sweden": ("SEK", ",", "\u00a0", "{} kr"),
    "India": ("INR", ".", ",", "\u20b9{}"),
    "Persia": ("IRR", ".", "", "{}"),
    "accounts": ("EUR", ".", ",", "({})"),
}


def written(cents, style):
    """Write an amount in a style of the table above."""
    _, point, group, form = AMOUNTS[style]
    whole, pence = f"{Decimal(cents) / 100:,.2f}".split(".")
    if style == "India":
        plain = whole.replace(",", "")
        pairs = re.findall(r"\d{1,2}(?=(?:\d\d)*$)", plain[:-3])
        whole = ",".join([*pairs, plain[-3:]])
    text = form.format(whole.replace(",", group) + point + pence)
    return text.translate(PERSIAN) if style == "Persia" else text


@pytest.mark.parametrize("style", AMOUNTS)
def test_amounts_are_read_back_to_the_cent(style, tmp_path):
    draw = random.Random(17)
    cents = [draw.randrange(1, 10 ** draw.randrange(1, 14)) for _ in range(300)]
    currency, point, group, _ = AMOUNTS[style]
    keys = {"decimal": point, "thousands": group} if group else {}
    files = {"lines.csv": made(Price=[written(one, style) for one in cents])}
    run = {"currency": currency}
    con, found = receive(Situation(style, files, lines=keys, run=run), tmp_path)
    each = con.execute("select amount_cents from received_lines order by line_id")
    sign = -1 if style == "accounts" else 1
    assert [row[0] * sign for row in each.fetchall()] == cents, found


def told_time(moment, local, style):
    """Write a moment, given in UTC and in local time, in a style."""
    if style == "offset":  # of some quarters of an hour from Greenwich
        zone = timezone(timedelta(minutes=15 * (local.second - 30)))
        return moment.astimezone(zone).isoformat(" ")
    if style == "excel":
        return str((local - datetime(1899, 12, 30)) / timedelta(days=1))
    if style in ("unix", "unix_ms"):
        return str(int(moment.timestamp() * (1000 if style == "unix_ms" else 1)))
    return moment.strftime(UTC_TIME) if style == UTC_TIME else local.strftime(style)


UTC_TIME = "%Y-%m-%d %H:%M:%S UTC"
FORMS = ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", UTC_TIME]


@pytest.mark.parametrize("style", [*FORMS, "offset", "unix", "unix_ms", "excel"])
def test_times_are_read_back_to_the_second(style, tmp_path):
    zone = "Australia/Lord_Howe"  # half an hour of summer time
    draw = random.Random(17)
    stamps = [draw.randrange(1_420_070_400, 1_735_689_600) for _ in range(300)]
    moments = [datetime.fromtimestamp(stamp, UTC) for stamp in stamps]
    local = [one.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for one in moments]
    texts = [told_time(*both, style) for both in zip(moments, local, strict=True)]
    keys = {} if style in ("offset", UTC_TIME) else {"date_format": style}
    files, run = {"lines.csv": made(Date=texts)}, {"time_zone": zone}
    con, found = receive(Situation(style, files, lines=keys, run=run), tmp_path)
    came = con.execute("select ordered_at from received_lines order by line_id")
    assert [row[0] for row in came.fetchall()] == local, found


if __name__ == "__main__":
    main(sys.argv[1])
