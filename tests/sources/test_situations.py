"""What shops really export: each ends in right numbers or in a sentence, never in silence.

A situation is a small file, the run file's block for it, and a truth worked out by hand.
"""

import csv
import io
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
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
from helpers.cleaning import rules
from helpers.core import paths
from helpers.core.errors import BadInput
from helpers.sources import check, own_files

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
# What notebook 1 sets aside, in its order.
RULES = {
    "exact copy": "duplicate",
    "no customer": "customer_id is null",
    "order not completed": "uncompleted",
    "cancellation or return": "cancelled",
    "purchase cancelled later": "reversed",
    "service": "service",
    "no price": "quantity > 0 and amount_cents + coupon_cents = 0",
}


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
    files: Any  # text, bytes or what writes the lines; or a dict of them by file
    truth: Truth | None = None
    says: Sequence[str] = ()  # each must be found in one problem of the level
    level: str | None = None
    lines: dict[str, Any] = field(default_factory=dict)  # keys beside file and columns
    maps: dict[str, Any] = field(
        default_factory=dict
    )  # unlike `USUAL`; None: not there
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
    wide = {
        name: given for name, given in (usual | columns).items() if given is not None
    }
    wide = {k: v if isinstance(v, list) else [v] * n for k, v in wide.items()}
    text = io.StringIO()
    writer = csv.writer(text, delimiter=sep, lineterminator="\n")
    writer.writerow(wide)
    writer.writerows(zip(*wide.values(), strict=True))
    return text.getvalue()


def at(name, read, zone=BERLIN, says=(), level=None, **lines):
    """Say which local time each text of a date must become."""
    times = list(read.values()) if isinstance(read, dict) else None
    n = len(read)
    truth = Truth(n * 1000, n, n, n, times) if times else None
    return Situation(
        *(
            name,
            made(Date=list(read)),
            truth,
            says,
            level or (None if truth else "error"),
        ),
        lines=lines,
        run={"time_zone": zone} if zone else {"time_zone": None},
    )


def money(name, read, currency="EUR", says=(), level=None, **lines):
    """Say which amount each text of a price must become."""
    cents = (
        [Decimal(one) * 100 for one in read.values()] if isinstance(read, dict) else []
    )
    bought = [one for one in cents if one > 0]
    n = len(bought)
    truth = Truth(sum(bought), n, n, n, each=cents) if cents else None
    return Situation(
        *(
            name,
            made(Price=list(read)),
            truth,
            says,
            level or (None if truth else "error"),
        ),
        lines=lines,
        run={"currency": currency},
    )


def who(name, ids, customers, says=(), level=None, lines=None, **more):
    """Say how many customers some ids are; lines counts those that have one."""
    n = len(ids) if lines is None else lines
    truth = Truth(n * 1000, n, customers=customers)
    return Situation(name, made(Customer=ids), truth, says, level, more)


def book(*rows, sheet="Sheet", touch=None):
    """Give a function that writes a workbook; `touch` changes it before."""

    def write(file):
        made = openpyxl.Workbook()
        made.active.title = sheet
        for row in rows:
            made.active.append(row)
        if touch:
            touch(made)
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


def shop(n=60, **columns):
    """Write 60 orders of 12 customers, with columns that are easily taken for others."""
    return made(
        **{
            "Customer": [f"K{i * 7 % 12:02}" for i in range(n)],
            "City": [("Yangon", "Mandalay", "Naypyitaw")[i % 3] for i in range(n)],
            "Stage": [("Won", "Lost", "Engaging")[i * i % 3] for i in range(n)],
            "Qty": [str(1 + i % 5) for i in range(n)],
            "Price": [f"{3 + i * 37 % 50}.{i * 13 % 90 + 10}" for i in range(n)],
        }
        | columns
    )


TIMES = [
    at(
        "an offset after a space, as a shop system writes it",
        {
            "2022-01-11 04:32:30 -0500": "2022-01-11 04:32:30",
            "2022-07-04 01:08:35 -0400": "2022-07-04 01:08:35",
        },
        zone=NEW_YORK,
    ),
    at(
        "offsets that differ from row to row are one clock",
        {
            "2024-06-01T10:00:00+02:00": "2024-06-01 10:00:00",
            "2024-06-01T08:00:00Z": "2024-06-01 10:00:00",
            "2024-06-01 03:00:00 -0500": "2024-06-01 10:00:00",
            "2024-06-01 13:30:00+05:30": "2024-06-01 10:00:00",
            "2024-06-01 09:00:00+01": "2024-06-01 10:00:00",
            "2024-06-01 08:00:00 UTC": "2024-06-01 10:00:00",
        },
    ),
    at(
        "an offset says more than the form and the zone of the table",
        {
            "01.06.2024 10:00:00 +0200": "2024-06-01 10:00:00",
            "01.06.2024 10:00:00 -0500": "2024-06-01 17:00:00",
        },
        date_format="%d.%m.%Y %H:%M:%S %z",
        time_zone="UTC",
    ),
    at(
        "a row without offset does not take that of the row before",
        {
            "2024-06-01 10:00:00 -0500": "2024-06-01 17:00:00",
            "2024-06-02 10:00:00": "2024-06-02 10:00:00",
            "2024-06-03 10:00:00 +0900": "2024-06-03 03:00:00",
        },
        date_format="%Y-%m-%d %H:%M:%S %z",
    ),
    at(
        "an offset and a run without a zone",
        ["2024-06-01 10:00:00 -0500", "2024-06-02 10:00:00 -0500"],
        zone=None,
        says=[r"Date.*time_zone:"],
    ),
    at(
        "days stay days in a file of another zone",
        {"2024-01-01": "2024-01-01 00:00:00", "2024-02-29": "2024-02-29 00:00:00"},
        zone=NEW_YORK,
        time_zone="UTC",
    ),
    at(
        "a day beside times of another zone",
        {
            "2024-01-01": "2024-01-01 00:00:00",
            "2024-01-01 03:00": "2023-12-31 22:00:00",
        },
        zone=NEW_YORK,
        time_zone="UTC",
    ),
    at(
        "days written as midnight in a file of another zone",
        {
            "2024-01-01 00:00:00.000": "2024-01-01 00:00:00",
            "2024-02-01 00:00:00.000": "2024-02-01 00:00:00",
        },
        zone=NEW_YORK,
        level="either",
        says=[r"Date.*midnight"],
        time_zone="UTC",
    ),
    at(
        "days written as midnight of Greenwich",
        {
            "2024-01-01T00:00:00Z": "2024-01-01 00:00:00",
            "2024-02-01T00:00:00Z": "2024-02-01 00:00:00",
            "2024-03-01T00:00:00Z": "2024-03-01 00:00:00",
        },
        zone=NEW_YORK,
        level="either",
        says=[r"Date.*midnight"],
    ),
    at(
        "summer time begins in a file of UTC",
        {
            "2024-03-31 00:59:59": "2024-03-31 01:59:59",
            "2024-03-31 01:00:00": "2024-03-31 03:00:00",
            "2024-10-27 00:30:00": "2024-10-27 02:30:00",
            "2024-10-27 01:30:00": "2024-10-27 02:30:00",
        },
        time_zone="UTC",
    ),
    at(
        "a local time that summer time skips stays as it was written",
        {"2024-03-31 02:30:00": "2024-03-31 02:30:00"},
    ),
    at(
        "seconds since 1970",
        {"1709283600": "2024-03-01 10:00:00", "1719828000": "2024-07-01 12:00:00"},
        date_format="unix",
    ),
    at(
        "milliseconds since 1970",
        {"1709283600123": "2024-03-01 10:00:00.123"},
        date_format="unix_ms",
    ),
    at(
        "microseconds since 1970",
        {"1709283600000007": "2024-03-01 10:00:00.000007"},
        date_format="unix_us",
    ),
    at(
        "seconds since 1970 and a run without a zone",
        ["1709283600", "1719828000"],
        zone=None,
        says=["time_zone:"],
        date_format="unix",
    ),
    at(
        "milliseconds that are said to be seconds",
        ["1709283600123", "1719828000123"],
        says=["Date.*17"],
        date_format="unix",
    ),
    at(
        "serial numbers of a spreadsheet",
        {
            "45352": "2024-03-01 00:00:00",
            "45352.4375": "2024-03-01 10:30:00",
            "45352.416666666664": "2024-03-01 10:00:00",
            "45352.4166666667": "2024-03-01 10:00:00",
        },
        date_format="excel",
    ),
    at("serial numbers without a word", ["45352", "45353.5"], says=[r"Date.*45352"]),
    at("seconds without a word", ["1709283600", "1719828000"], says=[r"Date.*17092"]),
    at(
        "days without a form", ["03/04/2024", "05/04/2024"], says=["Date.*date_format:"]
    ),
    at(
        "two forms that read a day in two ways",
        {"03/04/2024": "2024-04-03 00:00:00", "25/04/2024": "2024-04-25 00:00:00"},
        level="warning",
        says=["read both as"],
        date_format=["%d/%m/%Y", "%m/%d/%Y"],
    ),
    at(
        "two digits of a year",
        {
            "01.03.24 9:05": "2024-03-01 09:05:00",
            "31.12.99 23:59": "1999-12-31 23:59:00",
        },
        date_format="%d.%m.%y %H:%M",
    ),
    at(
        "the year first, in two digits",
        {"24/03/01": "2024-03-01 00:00:00", "23/12/31": "2023-12-31 00:00:00"},
        date_format="%y/%m/%d",
    ),
    at(
        "twelve hours",
        {
            "3/1/2024 12:05 AM": "2024-03-01 00:05:00",
            "3/1/2024 12:05 PM": "2024-03-01 12:05:00",
            "3/1/2024 1:05 pm": "2024-03-01 13:05:00",
        },
        date_format="%m/%d/%Y %I:%M %p",
    ),
    at(
        "a.m. and p.m. with points",
        {
            "3/1/2024 1:05 p.m.": "2024-03-01 13:05:00",
            "3/1/2024 1:05 a.m.": "2024-03-01 01:05:00",
        },
        level="either",
        says=[r"Date.*p\.m\."],
        date_format="%m/%d/%Y %I:%M %p",
    ),
    at(
        "24:00 ends a day",
        {"2024-03-01 24:00:00": "2024-03-02 00:00:00"},
        level="either",
        says=["Date.*24:00"],
    ),
    at(
        "parts of seconds to the billionth",
        {
            "2024-03-01T09:00:00.123456789Z": "2024-03-01 10:00:00.123456",
            "2024-03-01T09:00:00.5+00:00": "2024-03-01 10:00:00.5",
        },
    ),
    at(
        "names of months",
        {"Mar 1, 2024 10:00": "2024-03-01 10:00:00"},
        date_format="%b %d, %Y %H:%M",
    ),
    at("weeks of ISO", ["2024-W09-5", "2024-W10-1"], says=["Date.*W09"]),
    at(
        "days counted through the year",
        ["2024-061", "2024-062"],
        says=["Date.*2024-061"],
    ),
    at("a day that does not exist", ["2024-02-30", "2024-03-01"], says=["Date.*02-30"]),
    at("names of zones", ["2024-03-01 10:00:00 EST"], says=["Date.*EST"]),
    at(
        "a Persian year",
        ["1402/12/11", "1402/12/12"],
        says=["Date.*before 1990"],
        date_format="%Y/%m/%d",
    ),
    at(
        "a Buddhist year",
        ["11/03/2567", "12/03/2567"],
        says=["Date.*future"],
        date_format="%d/%m/%Y",
    ),
    at(
        "digits of another script",
        {"۲۰۲۴-۰۳-۰۱": "2024-03-01 00:00:00", "٢٠٢٤-٠٣-٠٢": "2024-03-02 00:00:00"},
        level="either",
        says=["Date.*۲۰۲۴"],
    ),
    at(
        "a zone of a table that does not exist",
        ["2024-03-01 10:00"],
        says=["CEST"],
        time_zone="CEST",
    ),
    Situation(
        "the time in a column of its own",
        made(
            Date=["2024-03-01", "2024-03-02", "2024-03-03", "2024-03-04", "2024-03-05"],
            Time=["13:08:00", "1:08 PM", "13:08", "12:30AM", "9:05"],
        ),
        Truth(
            times=[
                f"2024-03-0{day} {clock}:00"
                for day, clock in enumerate(
                    ["13:08", "13:08", "13:08", "00:30", "09:05"], start=1
                )
            ]
        ),
        maps={"ordered_time": "Time"},
    ),
    Situation(
        "the time beside a day that is written as midnight, of another zone",
        made(
            Date=["2024-03-01 00:00:00.000", "2024-03-02 00:00:00.000"], Time="03:30:00"
        ),
        Truth(2000, 2, 2, 2, ["2024-02-29 22:30:00", "2024-03-01 22:30:00"]),
        maps={"ordered_time": "Time"},
        lines={"time_zone": "UTC"},
        run={"time_zone": NEW_YORK},
    ),
    Situation(
        "a time that is none",
        made(Date="2024-03-01", Time=["13:08", "25:08", "noon"]),
        says=["Time.*25:08"],
        level="error",
        maps={"ordered_time": "Time"},
    ),
    Situation(
        "the time in six digits",
        made(Date=["20240301", "20240302"], Time=["101500", "091500"]),
        Truth(times=["2024-03-01 10:15:00", "2024-03-02 09:15:00"]),
        says=["Time.*101500"],
        level="either",
        maps={"ordered_time": "Time"},
        lines={"date_format": "%Y%m%d"},
    ),
]

SITUATIONS = [*TIMES]


# How a situation is run.


def outcome(situation, root):
    """Lay a situation out, receive it, clean it by the rules; return all that came out."""
    folder = root / "data/raw/shop"
    folder.mkdir(parents=True)
    (root / "runs").mkdir()
    files = situation.files
    files = files if isinstance(files, dict) else {"lines.csv": files}
    for name, content in files.items():
        if callable(content):
            content(folder / name)
        else:
            text = isinstance(content, str)
            (folder / name).write_bytes(content.encode() if text else content)
    found, con = [], duckdb.connect()
    sound = own_files.problems

    def noted(*given, **named):
        told, sources = sound(*given, **named)
        found.extend(told[["level", "said"]].itertuples(index=False, name=None))
        return told, sources

    content = yaml.safe_dump(run_of(situation, next(iter(files))), allow_unicode=True)
    (root / "runs/shop.yaml").write_bytes(content.encode())
    with (
        mock.patch.object(paths, "ROOT", root),
        mock.patch.object(own_files, "problems", noted),
        mock.patch.dict(os.environ),
    ):
        os.environ.pop("STUDY_HOME", None)
        try:
            own_files.receive(con, run="shop")
        except BadInput as fault:
            assert any(level == "error" for level, _ in found), fault
            return {"found": found}
    rules.split(con, reject=rules.applicable(con, RULES, kept=[]))
    return {"found": found} | counted(con)


def run_of(situation, file):
    """Write a situation's run file."""
    columns = USUAL | situation.maps
    columns = {name: column for name, column in columns.items() if column is not None}
    place = {} if "database" in situation.lines else {"file": file}
    lines = place | situation.lines | {"columns": columns}
    given = {"currency": "EUR", "time_zone": BERLIN} | situation.run
    given = {name: value for name, value in given.items() if value is not None}
    tables = {"lines": lines} | situation.tables
    return {"source": "files", "tables": tables, "all": given}


def counted(con):
    """Count what was received, as texts and numbers that JSON can hold."""
    clean = con.execute(
        """select sum(amount_cents)::double, count(*), count(distinct order_id),
            count(distinct customer_id) from clean_lines"""
    ).fetchall()[0]
    needs = con.execute(
        """select sum(amount_cents)::double from clean_lines
            join received_products using (product_id) group by need_state order by 1"""
    ).fetchall()
    return {
        **dict(zip(("cents", "lines", "orders", "customers"), clean, strict=True)),
        "times": column(con, "ordered_at::varchar"),
        "each": column(con, "amount_cents::double"),
        "needs": [need for (need,) in needs],
        "rows": [
            repr(con.execute(f"from received_{table} order by all").fetchall())
            for table in ("lines", "products", "customers")
        ],
    }


def column(con, name):
    rows = con.execute(f"select {name} from received_lines order by line_id").fetchall()
    return [row[0] for row in rows]


def wrong(situation, came):
    """Name what differs from the truth; empty where everything is right."""
    if "cents" not in came:
        return {"refused": came["found"]}
    truth = vars(situation.truth or Truth())
    return {
        name: (came[name], told)
        for name, told in truth.items()
        if told is not None and came[name] != plain(told)
    }


def plain(told):
    if isinstance(told, Decimal):
        return float(told)
    return list(map(plain, told)) if isinstance(told, list | tuple) else told


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.name)
def test_right_numbers_or_a_sentence_and_never_silence(situation, tmp_path):
    came = outcome(situation, tmp_path)
    levels = {"error", "warning"} & {situation.level} or {"error", "warning"}
    told = [said for level, said in came["found"] if level in levels]
    errors = [said for level, said in came["found"] if level == "error"]
    said = [any(re.search(one, text) for text in told) for one in situation.says]
    heard = bool(said) and all(said)
    # the rule of all: what is wrong is said
    assert heard or (situation.truth and not wrong(situation, came)), came
    if situation.level in ("error", "warning", "said"):
        assert heard, came["found"]
    if situation.level == "error":
        assert errors
    if situation.level in (None, "warning"):
        assert not errors
        assert not wrong(situation, came)
    for one in errors:
        assert re.match(r"Table \w+: |`", one), one
        assert one.endswith((".", "?")), one
