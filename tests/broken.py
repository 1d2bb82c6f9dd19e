"""Make broken inputs of many kinds from fixed seeds; the sums are known where one can be read.

`KINDS` names a maker for each kind: it takes a random generator and a number, and returns
an `Input`. tools/break_inputs.py runs all of them, tests/test_broken.py some.
"""

# Odd values read best beside each other.
# fmt: off

import contextlib
import io
import json
import os
import random
import sqlite3
import struct
import tempfile
import time
import traceback
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
import pyarrow as pa
from pyarrow import parquet

from helpers.core import command, paths
from helpers.intake import check, own_files, scaffold

NAMES = ["Customer", "Order", "Date", "Item", "Category", "Qty", "Price"]
STANDARD = dict(
    zip(
        [
            *("customer_id", "order_id", "ordered_at", "product_id", "category"),
            *("quantity", "unit_price"),
        ],
        NAMES,
        strict=True,
    )
)
ANY = "any"  # it may be read or refused, as long as that is said in a sentence
REFUSED = "refused"
NASTY = [
    *(None, True, False, -1, 0, 10**18, 1e300, [], {}, [[]], {"a": {"b": []}}, ["a", 1]),
    *("", " ", "'", '"', "\\", "^", "]", "[", "(", "*", "$1", "${x}", "%", "%s", "{0}"),
    *("..", "/", "/dev/zero", "/etc/passwd", "~", "=", "==", "= ", "a\nb", "a\tb", "\x7f"),
    *("é", "\u2028", "\u202e", "\U0001f600", "\ufeff", "x" * 10_000, "null", "NaN", "-"),
    *("utf-16", "rot13", "zip", "idna", "base64", "undefined", "unicode_escape", "Qty"),
    *("'; drop table x; --", "%Q", "%", "%d%d", "unix", "excel", "derived", "=5", "=x"),
]


@dataclass
class Input:
    """The files of a folder, the run file, and the right rows, customers, orders, cents."""

    files: dict[str, bytes]
    right: tuple[int, int, int, int] | str = ANY
    run_file: bytes = b""
    # What stands beside the files: a function that is called with the folder.
    made: Callable[[Path], None] | None = None
    drafts: bool = True  # whether a draft is tried too
    lines: dict = field(default_factory=dict)
    drafted: tuple[int, int, int, int] | str = ""  # right of the draft, if another


KINDS: dict[str, Callable[[random.Random, int], Input]] = {}


def _kind(make):
    KINDS[make.__name__] = make
    return make


def shop(rng, rows=240, customers=40):
    """Draw the lines of a shop, and their right sums."""
    table = []
    for number in range(rows):
        order = number // 2
        who = f"K{1000 + (order * 7) % customers}"
        day = f"2024-{1 + order * 11 // (rows // 2 + 1) % 12:02d}-{1 + order % 28:02d}"
        item = rng.randrange(12)
        price = 200 + 37 * item + rng.randrange(3) * 1000
        row = [who, f"B{5000 + order}", day, f"A{item + 1}", "ABC"[item % 3] + "-Ware"]
        table.append([*row, rng.randrange(1, 6), price])
    return table


def right(table):
    """Add up what a table holds."""
    return (
        len(table),
        len({row[0] for row in table}),
        len({row[1] for row in table}),
        sum(row[5] * row[6] for row in table),
    )


def money(cents, decimal=".", thousands=""):
    sign, (whole, rest) = "-" * (cents < 0), divmod(abs(cents), 100)
    return f"{sign}{whole:,}".replace(",", thousands) + f"{decimal}{rest:02d}"


def text(table, mark=",", end="\n", names=NAMES, **style):
    lines = [list(names)] + [[*row[:5], str(row[5]), money(row[6], **style)] for row in table]
    return end.join(mark.join(row) for row in lines) + end


def run_file(lines=None, /, **given):
    """Write a run file; JSON is YAML too."""
    block = {"file": "lines.csv", "columns": STANDARD} | (lines or {})
    block = {key: value for key, value in block.items() if value is not ...}
    content = {
        "source": "files",
        "all": {"currency": "EUR", "time_zone": "Europe/Berlin"},
        "tables": {"lines": block},
    } | given
    return json.dumps(content, indent=1).encode()


def _of(content, right_=ANY, name="lines.csv", drafts=True, **lines):
    content = content if isinstance(content, bytes) else content.encode()
    block = ({} if name == "lines.csv" else {"file": name}) | lines
    return Input({name: content}, right_, run_file(block), None, drafts, block)


def _hurt(rng, content, times=6):
    """Change bytes at random: some replaced, a stretch of zeros, or an end cut off."""
    content = bytearray(content)
    way = rng.randrange(4)
    if way == 0:
        for _ in range(times):
            content[rng.randrange(len(content))] = rng.randrange(256)
    elif way == 1:
        place = rng.randrange(len(content))
        content[place : place + rng.randrange(1, 600)] = b""
    elif way == 2:
        place = rng.randrange(len(content))
        size = min(rng.randrange(1, 600), len(content) - place)
        content[place : place + size] = bytes(size)
    else:
        del content[rng.randrange(len(content)) :]
    return bytes(content)


# Bytes of a text file.


@_kind
def bytes_replaced(rng, _):
    return _of(_hurt(rng, text(shop(rng)).encode()))


@_kind
def letters_replaced(rng, _):
    content = list(text(shop(rng)))
    for _ in range(8):
        content[rng.randrange(len(content))] = rng.choice(
            "\0\x1a\x0b\x0c\x1c\x85\u2028\u2029\ufeff\"',\n\r\\\u200b\u202e\ufffd\x7f"
        )
    return _of("".join(content))


@_kind
def line_ends(rng, number):
    table = shop(rng)
    lines = text(table).splitlines()
    ends = [["\n", "\r\n"], ["\r\n", "\n", "\n"], ["\r"], ["\n", "\r"], ["\r", "\r\n"]]
    chosen = [*ends, ["\n", "\r\n", "\r"], ["\r\r\n"], ["\n\n"], ["\n\r"]][number % 9]
    return _of("".join(line + rng.choice(chosen) for line in lines), right(table))


@_kind
def one_end_apart(rng, number):
    table = shop(rng)
    lines = text(table).splitlines()
    usual, odd = [("\n", "\r\n"), ("\r\n", "\n"), ("\n", "\r"), ("\r\n", "\r")][number % 4]
    place = [0, 1, len(lines) - 2, len(lines) - 1, rng.randrange(len(lines))][number % 5]
    ends = [odd if i == place else usual for i in range(len(lines))]
    return _of("".join(map("".join, zip(lines, ends, strict=True))), right(table))


@_kind
def marks_of_order(rng, number):
    table = shop(rng)
    code = ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"][number % 5]
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(code, b"")
    told = ["utf-8" if "8" in code else code[:6], code][number // 5 % 2]
    return _of(mark + text(table).encode(code), right(table), encoding=told)


@_kind
def no_mark_of_order(rng, number):
    table = shop(rng)
    code = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"][number % 4]
    told = [code, "utf-8", "utf-16", "latin-1"][number // 4 % 4]
    return _of(text(table).encode(code), right(table), encoding=told)


@_kind
def marks_within(rng, number):
    table = shop(rng)
    content = text(table)
    place = content.index("\n", len(content) // 2) + 1
    mark = "\ufeff"
    way = number % 3
    joined = [mark * 2 + content, mark + content[:place] + mark + content[place:]]
    joined.append(content[:place] + mark + content[place:])
    return _of(joined[way], right(table))


@_kind
def wrong_codec(rng, number):
    table = shop(rng)
    written = ["utf-8", "cp1252", "cp437", "shift_jis", "cp037", "utf-7", "koi8-r"]
    told = ["utf-16", "ascii", "utf-8", "big5", "rot13", "zip", "hex", "idna", "punycode"]
    told += ["undefined", "unicode_escape", "base64", "mbcs", "utf-32", "cp037", "utf-7"]
    content = text(table).replace("A-Ware", "Schön" if number % 7 < 3 else "A-Ware")
    code = told[number % 16]
    return _of(content.encode(written[number % 7], "replace"), encoding=code)


@_kind
def half_letters(rng, number):
    table = shop(rng)
    bad = [b"\xed\xa0\x80", b"\xed\xb0\x80\xed\xa0\x80", b"\xc0\x80", b"\xf8\x88\x80\x80\x80"]
    bad += [b"\xc3", b"\xff\xfe", b"\xf4\x90\x80\x80", b"\x80"]
    content = text(table).encode().replace(b"A-Ware", bad[number % 8], 1 + number // 8)
    return _of(content)


@_kind
def lone_surrogates_utf16(rng, number):
    content = text(shop(rng)).replace("A-Ware", "X", 1).encode("utf-16")
    place = content.index("X".encode("utf-16-le"))
    bad = [b"\x00\xd8", b"\x00\xdc", b"\xff\xdb"][number % 3]
    return _of(content[:place] + bad + content[place + 2 :], encoding="utf-16")


@_kind
def nulls(rng, number):
    table = shop(rng)
    for row in rng.sample(table, 3):
        place = number % 5
        row[place] = [row[place] + "\0", "\0" + row[place], row[place][:1] + "\0"][number % 3]
    return _of(text(table), right(table) if number % 5 > 2 else ANY)


@_kind
def hardly_any(rng, number):
    header = ",".join(NAMES)
    line = "K1,B1,2024-03-01,A1,Tea,2,3.50"
    contents = ["", "\ufeff", " ", "\n", "\n\n\n", "\r", ",", '"', header, f"{header}\n"]
    contents += ["\0", f"{header}\n\n\n", f"{header}\n{',' * 6}\n", line, f"{header}\n{line}"]
    told = (1, 1, 1, 700) if number % 15 == 14 else REFUSED
    return _of(contents[number % 15], told)


@_kind
def no_end(rng, number):
    table = shop(rng)
    content = text(table)
    made = [content[:-1], content + "\n" * 50, content + "\x1a", "\n\n" + content]
    made += [content + ",,,,,,\n" * 30, content[:-1] + "\r"]
    return _of(made[number % 6], right(table) if number % 6 in (0, 1, 5) else ANY)


@_kind
def long_line(rng, number):
    table = shop(rng)
    long = "x" * [3_000_000, 20_000_000, 2_100_000, 900_000][number % 4]
    table[5][4] = long if number < 4 else f'"{long}'
    return _of(text(table), right(table) if number == 3 else ANY, drafts=number != 1)


@_kind
def quotes(rng, number):
    table = shop(rng)
    place = rng.randrange(5, len(table))
    table[place][4] = ['"Tea', 'Te"a', 'Tea"', '5" pipe', '""', '"', '"Tea""', '"a\nb"'][
        number % 8
    ]
    return _of(text(table), right(table) if number % 8 in (4, 7) else ANY)


@_kind
def quoted_line_ends(rng, number):
    table = shop(rng)
    for row in table[::7]:
        row[4] = ['"a\nb"', '"a\r\nb"', '"a\rb"', '"a,b"', '"a""b"', '"\n\n"'][number % 6]
    return _of(text(table, end=["\n", "\r\n"][number // 6 % 2]), right(table))


@_kind
def ragged(rng, number):
    lines = text(shop(rng)).splitlines()
    place = [1, 2, 150, len(lines) - 1][number % 4]
    lines[place] += [",", ",x", ",,,", '," '][number // 4 % 4]
    if number % 3 == 0:
        lines[place] = lines[place].split(",")[0]
    return _of("\n".join(lines) + "\n", ANY if number // 4 % 4 == 0 else REFUSED)


@_kind
def two_delimiters(rng, number):
    lines = text(shop(rng)).splitlines()
    half = len(lines) // (2 + number)
    return _of("\n".join(lines[:half] + [s.replace(",", ";") for s in lines[half:]]), REFUSED)


@_kind
def header_again(rng, number):
    lines = text(shop(rng)).splitlines()
    lines.insert([1, 120, len(lines)][number % 3], lines[0])
    return _of("\n".join(lines) + "\n", REFUSED)


@_kind
def lines_above(rng, number):
    above = ["Export of 2024\n", "\n\n", "# made by x\n", "sep=,\n", ",,,,,,\n"][number % 5]
    return _of(above + text(shop(rng)))


@_kind
def headers(rng, number):
    table = shop(rng)
    names = list(NAMES)
    names[4] = ["Qty", "QTY", "", " Qty ", "qty\u00a0", "Price"][number % 6]
    block = {n: c for n, c in STANDARD.items() if n != "category"}
    wanted = right(table) if number % 6 == 2 else REFUSED
    return _of(text(table, names=names), wanted, columns=block)


@_kind
def names_of_columns(rng, number):
    table = shop(rng)
    odd = [
        *("a'b", 'a""b', "a;--", "a\\b", "{x}", "%s", "$1", "row__", "line_id", "cents"),
        *("digest", "whole", "text_amount", "bad_quantity", "NULL", "select", "😀", "עברית"),
        *("a\tb", "places_unit_price", "sign_unit_price", "x" * 10_000, "a\u0301", "=x"),
        *("1", "true", "null", "~", "[a]", "*", "a.b", "quantity", "Order\u200b", "moved_ordered_at"),
        *("batch__", "raw_lines", "here_ordered_at", "timed_ordered_at", "zoned_ordered_at"),
    ]
    name = odd[number % len(odd)]
    place = [4, 0, 6][number // len(odd) % 3]
    names = list(NAMES)
    names[place] = f'"{name}"'
    standard = list(STANDARD)[place]
    told = STANDARD | {standard: name.replace('""', '"')}
    wanted = ANY if name in ("row__", "=x") else right(table)
    return _of(text(table, names=names), wanted, columns=told)


@_kind
def names_of_files(rng, number):
    table = shop(rng)
    odd = ["a b", "a'b", 'a"b', "a%sb", "a[1]", "a*", "a?b", "-a", "ä€", "a;b", "a$b", "a#b"]
    odd += ["a{b}", "a\\b", "x" * 200, "lines.tar", "~", "$(x)", "a`b", "a:b", " a", "a ", "😀"]
    name = f"{odd[number % len(odd)]}.csv"
    made = _of(text(table), right(table), name=name)
    if "[" in name:
        made.files["a1.csv"] = text(table[:50]).encode()
    return made


@_kind
def other_kind(rng, number):
    table = shop(rng)
    book = _book(table)
    kinds = [book, _parquet(table), b"%PDF-1.7\n%\xe2\xe3" + bytes(300), b"\x89PNG\r\n" + bytes(99)]
    kinds += [json.dumps([dict(zip(NAMES, row, strict=True)) for row in table]).encode()]
    kinds += [b"<html><table><tr><td>1</td></tr></table></html>", text(table).encode()]
    kinds += [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000), rng.randbytes(5000), b"{}"]
    kinds += [b"\x1f\x8b\x08" + rng.randbytes(900), b"BZh9" + rng.randbytes(900), b"SQLite format 3\0"]
    name = ["lines.csv", "lines.parquet", "lines.xlsx", "lines.txt", "lines.tsv"][number % 5]
    return _of(kinds[number % 13], name=name)


# How values are written.


@_kind
def thousands(rng, number):
    table = shop(rng)
    for row in table[::3]:
        row[6] += 150_000
    mark = ["'", "^", "\\", "]", "[", "*", "$", "(", "|", "?", "+", "{", "`", "\u2019", "."][
        number % 15
    ]
    decimal = "," if mark == "." else "."
    content = text(table, ";", decimal=decimal, thousands=mark)
    asked = {"decimal": decimal, "thousands": mark} if number % 2 == 0 else {}
    return _of(content, right(table) if asked and mark != "$" else ANY, delimiter=";", **asked)


@_kind
def swiss(rng, number):
    table = shop(rng)
    for row in table[:: 1 + number % 3]:
        row[6] += 150_000
    mark = ["'", "\u2019", "`", "\u202f", "\u00a0", " "][number % 6]
    block = {"delimiter": ";"} | ({"thousands": mark} if number < 6 else {})
    return _of(text(table, ";", thousands=mark), right(table), **block)


@_kind
def delimiters(rng, number):
    table = shop(rng)
    mark = [*"^\\'~|\x01é¦*$?]", "\U0001f600", "\x00", "\n", "\r", '"', "\x1f", "\x0b", "+"][
        number % 20
    ]
    return _of(text(table, mark), ANY if mark in '\x00\n\r"' else right(table), delimiter=mark)


@_kind
def quote_marks(rng, number):
    table = shop(rng)
    quote = ["'", "\\", "^", "é", "none", ",", "\n", "|", "$", "\x00", '""', " ", "$$"][number % 13]
    for row in table:
        row[4] = f"{quote}a,b{quote}" if len(quote) == 1 and quote not in ",\n\0" else "a"
    return _of(text(table), right(table) if quote in "'\\^|$" else ANY, quote=quote)


@_kind
def numbers(rng, number):
    table = shop(rng)
    odd = ["1e308", "1e400", "-1e400", "99999999999999999999", "nan", "inf", "-inf", "0x10"]
    odd += ["1_000", "1.2.3", "--5", "1e", "e5", "+", "-", ".", ",", "1e-400", "∞", "½", "²"]
    odd += ["12345678901234567890123456789012345678901234567890", "1" * 5000, "0." + "0" * 5000]
    odd += ["9" * 12, "9" * 13 + ".99", "10000000000000", "1e13", "\u0661\u0662\u066b\u0665x", "5 5", "True", "=1+1"]
    lines = text(table).splitlines()
    cells = lines[7].split(",")
    cells[[6, 5][number % 2]] = odd[number // 2 % len(odd)]
    lines[7] = ",".join(cells)
    return _of("\n".join(lines) + "\n")


@_kind
def numbers_everywhere(rng, number):
    forms = ["{}.00 €", "€{}", "({})", "{}-", "{}.-", "+{}", "{}e0", "{}E+0", "\u0661{}", "'{}", "={}"]
    table = shop(rng)
    for row in table:
        row[6] = row[6] // 100 * 100 + 100
    form = forms[number % len(forms)]
    lines = [",".join(NAMES)]
    sign = -1 if number % 11 in (2, 3) else 1
    for row in table:
        lines.append(",".join(map(str, [*row[:6], form.format(row[6] // 100)])))
        row[6] = sign * (row[6] + (number % 11 == 8) * 100 * 10 ** len(str(row[6] // 100)))
    return _of("\n".join(lines) + "\n", ANY if number % 11 in (9, 10) else right(table))


@_kind
def too_much(rng, number):
    table = shop(rng)
    size = [10**10, 10**12, 10**15, 10**17, 10**14 - 1, 10**13][number % 6]  # cents
    for row in table[: [1, len(table)][number // 6 % 2]]:
        row[5], row[6] = 1, size
    return _of(text(table), right(table) if size < 10**15 else REFUSED)


@_kind
def no_money(rng, number):
    table = shop(rng)
    for row in table:
        row[6] *= [0, -1][number % 2]
        row[5] *= [1, -1, 0][number // 2 % 3]
    return _of(text(table), right(table))


@_kind
def one_of_all(rng, number):
    table = shop(rng)
    for row in table:
        place = number % 5
        row[place] = table[0][place]
        if number >= 5:
            row[2] = table[0][2]
    return _of(text(table), right(table))


@_kind
def nobody(rng, number):
    table = shop(rng)
    for row in table:
        row[number % 5] = ["", "NULL", " ", "nan", "\u00a0"][number // 5 % 5]
    return _of(text(table), REFUSED if number % 5 in (1, 2, 3) else ANY, drafts=number % 5 == 2)


@_kind
def days(rng, number):
    table = shop(rng)
    odd = ["0000-00-00", "9999-12-31", "10000-01-01", "2024-02-30", "2024-13-01", "1899-12-30"]
    odd += ["2024-1-1", "24-01-01", "20240101", "45321", "1704067200", "-1", "1e9", "x", "0"]
    odd += ["2024-01-01T25:00", "2024-01-01 24:00:00", "2024-01-01T00:00:00+99:00", "2024-W01-1"]
    odd += ["292278994-08-17", "-290308-12-21", "infinity", "epoch", "today", "2024-01-01 (Mo)"]
    for row in table[: [1, len(table)][number // 25 % 2]]:
        row[2] = odd[number % 25]
    return _of(text(table))


@_kind
def forms_of_days(rng, number):
    table = shop(rng)
    forms = ["%Q", "%", "%%", "%s", "é%d", "%d" * 100, "'", "%Y-%m-%d'", "", "%Y-%m-%d %", "%d.%m.%Y"]
    forms += ["unix", "unix_ms", "excel", "%-d", "%G-%V-%u", "%c", "%x", "%Y%m%d%H%M%S%f", "\0%d"]
    forms += [["%d.%m.%Y", "%"], [], [[]], ["%Y-%m-%d"] * 300, "%Y-%m-%d\n"]
    return _of(text(table), date_format=forms[number % len(forms)])


@_kind
def windows(rng, number):
    table = shop(rng)
    odd = ["2024-02-30", "1999-01-01", "2999-01-01", "", "auto", 20240101, "x", None, "9999-12-31"]
    odd += ["0001-01-01", ["2024-01-01"], "2024-06-01"]
    name = ["train_start", "train_end"][number % 2]
    book = ["01_cleaning", "02_feature_engineering"][number // 2 % 2]
    made = _of(text(table), drafts=False)
    given = {book: {name: odd[number // 2 % 12]}}
    made.run_file = run_file(made.lines, **given)
    return made


@_kind
def seeds(rng, number):
    made = _of(text(shop(rng)), drafts=False)
    odd = [-1, 2**32, 10**30, 1.5, "17", None, True, [1], 1e400, 0, 2**32 - 1, "auto"]
    given = {"all": {"seed": odd[number % 12], "currency": "EUR", "time_zone": "UTC"}}
    made.run_file = run_file(made.lines, **given)
    return made


@_kind
def settings(rng, number):
    made = _of(text(shop(rng)), drafts=False)
    name = ["currency", "time_zone", "min_orders", "engine", "segments", "kept"][number % 6]
    value = NASTY[number * 7 % len(NASTY)]
    given = {"currency": "EUR", "time_zone": "UTC"} | {name: value}
    more = {name: value} if name in ("engine", "segments") else {"all": given}
    made.run_file = run_file(made.lines, **more)
    return made


@_kind
def options(rng, number):
    """Give each key of a table a nasty value in turn."""
    keys = ["file", "delimiter", "encoding", "decimal", "thousands", "date_format", "quote"]
    keys += ["header", "time_zone", "cancel_prefix", "service_products", "left_out_status"]
    keys += ["fold_ids", "columns", "sheet", "database", "table"]
    key = keys[number % len(keys)]
    value = rng.choice(NASTY)
    block = {"file": ..., "table": "t"} if key == "database" else {}
    return _of(text(shop(rng)), drafts=False, **block | {key: value})


@_kind
def mapped(rng, number):
    """Give a standard column a nasty name, or the file's column to a nasty one."""
    name = rng.choice(list(STANDARD))
    value = rng.choice(NASTY)
    columns = STANDARD | {name: value} if number % 2 else STANDARD | {str(value): name}
    return _of(text(shop(rng)), drafts=False, columns=columns)


# Size.


@_kind
def wide(rng, number):
    table = shop(rng)
    count = [5_000, 5_000, 2_000, 10_000][number % 4]
    more = [f"c{i}" for i in range(count - 7)]
    if number == 3:
        more = ["x" * 2_000 + str(i) for i in range(count)][:500]
    rest = "," + ",".join(["1"] * len(more))
    lines = text(table).splitlines()
    content = "\n".join([lines[0] + "," + ",".join(more), *[line + rest for line in lines[1:]]])
    return _of(content, right(table), drafts=number == 0)


@_kind
def many_categories(rng, number):
    table = shop(rng, 100_000 if number == 0 else 20_000, 900)
    for place, row in enumerate(table):
        row[4] = f"Kind {place}"
    return _of(text(table), right(table))


@_kind
def long_names(rng, number):
    table = shop(rng)
    for place, row in enumerate(table):
        long = "ab'\\x%é"[number % 7] * 10_000
        own = [place // 2 % 40, place // 2, 0, place % 12, place % 3][number % 5]
        if number % 5 != 2:
            row[number % 5] = f"{long}{own}"
    return _of(text(table), right(table))


# The run file.


def _yaml(content, right_=REFUSED, table=None):
    content = content if isinstance(content, bytes) else content.encode()
    table = table or shop(random.Random(1))
    return Input({"lines.csv": text(table).encode()}, right_, content, None, drafts=False)


@_kind
def yaml_without_end(rng, number):
    laugh = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    laugh += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    maps = ["a0: &a0 {x: y}"]
    maps += [f"a{i}: &a{i} {{{', '.join(f'k{j}: *a{i - 1}' for j in range(9))}}}" for i in range(1, 9)]
    merged = ["a0: &a0 {x: y}"]
    merged += [f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}, *a{i - 1}]}}" for i in range(1, 25)]
    start = "source: files\n"
    here = "tables:\n  lines:\n    file: lines.csv\n    columns: {customer_id: *a9}\n"
    endless = [
        start + "\n".join(laugh) + "\n" + here,
        start + "\n".join(laugh) + "\ntables: *a9\n",
        start + "\n".join(laugh) + "\ntables:\n  lines: {file: *a9, encoding: *a9, delimiter: *a9}\n",
        start + "\n".join(maps) + "\ntables: *a8\n",
        start + "\n".join(merged) + "\nall: *a24\n",
        start + "all: &a {x: *a}\n",
        start + "all: &a [*a]\ntables: *a\n",
        start + "tables: &a\n  lines: *a\n",
        start + "all: &a {<<: *a}\n",
        start + "\n".join(laugh) + "\nsegments: *a9\nengine: *a9\nall: {seed: *a9}\n",
    ]
    return _yaml(endless[number % 10])


@_kind
def yaml_deep(rng, number):
    deep = ["[" * 20_000, "{a: " * 5_000 + "1" + "}" * 5_000, "- " * 5_000 + "1"]
    deep.append("all: " + "[" * 300 + "]" * 300 + "\nsource: files\n")
    deep.append("\n".join(" " * i + f"a{i}:" for i in range(2_000)))
    deep.append("source: files\nall: " + "[" * 80 + "]" * 80 + "\n")
    deep.append("? " * 3_000 + "a")
    return _yaml(deep[number % 7])


@_kind
def yaml_bytes(rng, number):
    return _yaml(_hurt(rng, run_file({}), times=3), ANY)


@_kind
def yaml_letters(rng, number):
    content = list(run_file({}).decode())
    for _ in range(4):
        content[rng.randrange(len(content))] = rng.choice("\0\t\x85\u2028\ufeff:{}[]&*!|>%@`'\"#-?,\\")
    return _yaml("".join(content), ANY)


@_kind
def yaml_odd(rng, number):
    start = "source: files\n"
    lines = "tables: {lines: {file: lines.csv, columns: {customer_id: Customer}}}\n"
    odd = [
        *("", "\ufeff", "# nothing", "[]", "a", "---\n", "--- a\n--- b\n", "\0", "\t", "%YAML 9.9\n---\na"),
        *(start + "all: !!python/object/apply:os.system [id]\n", start + "all: !!binary x\n"),
        *(start + "all: {1: 2, null: 3, true: 4, [a]: b}\n", start + "? {a: b}\n: c\n"),
        *(start + "1: 2\n" + lines, start + "null: 2\n" + lines, start + "~: 2\n" + lines),
        *(start + f"all: {{seed: {'9' * 5000}}}\n", start + "all: {seed: 1e99999}\n" + lines),
        *("source: [files]\n" + lines, "source: {a: b}\n" + lines, "source: 1\n" + lines),
        *(start + "tables: []\n", start + "tables: 5\n", start + "tables: {lines: []}\n"),
        *(start + "tables: {lines: {file: []}}\n", start + "tables: {lines: {file: .}}\n"),
        *(start + "tables: {lines: null, 1: 2, [a]: b}\n", start + "tables: {1: {file: a}}\n"),
        *(start + "tables:\n  lines:\n    file: lines.csv\n    columns: [a, b]\n", start + "engine: [duckdb]\n" + lines),
        *(start + "engine: {a: b}\n" + lines, start + "all: []\n" + lines, start + "segments: [a]\n" + lines),
        *(start + "segments: {1: [a], 2: {}}\n" + lines, start + "01_cleaning: x\n" + lines),
        *(start + "all: {seed: {a: b}, run: x, source: y}\n" + lines, start + "all: {time_zone: [a]}\n" + lines),
        *(start + "all: {time_zone: {a: b}, currency: [EUR]}\n" + lines, start + "all: {time_zone: /etc/passwd}\n" + lines),
        *("{" + "a: 1, " * 60_000 + "}", "".join(f"k{i}: 1\n" for i in range(60_000)), "x" * 3_000_000),
        *(start + "tables: {lines: {file: lines.csv, columns: {customer_id: 1, ordered_at: 2.50}}}\n", start * 2 + lines),
        *(start + lines.replace("Customer}", "{a: b}}"), start + lines.replace("lines.csv", "a/../lines.csv")),
        *(start + "all: {n_draws: .inf, k: .nan}\n" + lines, start + "all: &a x\nengine: *b\n" + lines),
    ]
    return _yaml(odd[number % len(odd)], ANY)


@_kind
def yaml_codes(rng, number):
    code = ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp037", "utf-8-sig"][number % 6]
    content = run_file({}).decode().replace("EUR", "EUR", 1)
    table = shop(random.Random(1))
    wanted = right(table) if code in ("latin-1", "utf-8-sig") else REFUSED
    return _yaml(content.encode(code), wanted, table)


@_kind
def yaml_cut(rng, number):
    content = run_file({}).decode().splitlines(keepends=True)
    del content[rng.randrange(len(content))]
    if number % 2:
        place = rng.randrange(len(content))
        content[place] = content[place].lstrip()[::-1]
    return _yaml("".join(content), ANY)


# Parquet.


def _arrow(table):
    columns = [list(one) for one in zip(*table, strict=True)]
    columns[6] = [cents / 100 for cents in columns[6]]
    return pa.table(dict(zip(NAMES, map(pa.array, columns), strict=True)))


def _parquet(table, **options):
    table = table if isinstance(table, pa.Table) else _arrow(table)
    written = io.BytesIO()
    parquet.write_table(table, written, **options)
    return written.getvalue()


@_kind
def parquet_hurt(rng, number):
    options = [{}, {"compression": "none"}, {"use_dictionary": False}, {"compression": "gzip"}]
    return _of(_hurt(rng, _parquet(shop(rng), **options[number % 4])), name="lines.parquet")


@_kind
def parquet_foot(rng, number):
    table = shop(rng)
    content = bytearray(_parquet(table))
    size = struct.unpack("<I", content[-8:-4])[0]
    if number % 3 == 0:
        content[-8:-4] = struct.pack("<I", [0, 2**31, 2**32 - 1, size + 9][number // 3 % 4])
    elif number % 3 == 1:
        content[-8 - rng.randrange(1, size)] = rng.randrange(256)
    else:
        for _ in range(3):
            content[-8 - rng.randrange(1, size)] ^= 1 << rng.randrange(8)
    return _of(bytes(content), right(table), name="lines.parquet")


@_kind
def parquet_types(rng, number):
    table = shop(rng)
    arrow = _arrow(table)
    n = arrow.num_rows
    odd = [
        pa.array([[1, 2]] * n),
        pa.array([{"a": 1}] * n),
        pa.array([b"\xff\xfe\0"] * n),
        pa.nulls(n),
        pa.array([True] * n),
        pa.array([10**18] * n),
        pa.array([float("nan")] * n),
        pa.array([float("inf")] * n),
        pa.array(["a"] * n).dictionary_encode(),
        pa.array([0] * n, pa.timestamp("ns", "Asia/Tokyo")),
        pa.array([2**62] * n, pa.timestamp("us")),
        pa.array([-(2**31)] * n, pa.date32()),
        pa.array([1] * n, pa.time64("us")),
        pa.array([1] * n, pa.duration("us")),
        pa.array([[("a", 1)]] * n, pa.map_(pa.string(), pa.int64())),
        pa.array([1] * n, pa.decimal128(38, 10)),
        pa.array([""] * n, pa.large_string()),
        pa.array([b"\xed\xa0\x80"] * n, pa.binary()),
    ]
    place = [4, 6, 2, 0, 5][number // len(odd) % 5]
    arrow = arrow.set_column(place, NAMES[place], odd[number % len(odd)])
    return _of(_parquet(arrow), right(table) if place == 4 else ANY, name="lines.parquet")


@_kind
def parquet_many(rng, number):
    """A small file of very many equal rows."""
    n = [30_000_000, 0][number % 2]
    if number % 2:
        return _of(_parquet(_arrow(shop(rng)).slice(0, 0)), REFUSED, name="lines.parquet")
    one = _arrow(shop(rng)).slice(0, 1)
    columns = {name: pa.repeat(one[name][0], n // 30) for name in NAMES}
    written = io.BytesIO()
    with parquet.ParquetWriter(written, one.schema) as writer:
        for _ in range(30):
            writer.write_table(pa.table(columns, schema=one.schema))
    return _of(written.getvalue(), name="lines.parquet")


# Sheets.


def _book(table, change=None):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(NAMES)
    for row in table:
        sheet.append([*row[:6], row[6] / 100])
    if change:
        change(book, sheet)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _part(content, name, change):
    """Change one part of a workbook; None leaves it out."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for one in old.namelist():
            held = change(old.read(one)) if one.endswith(name) else old.read(one)
            if held is not None:
                new.writestr(one, held)
    return written.getvalue()


@_kind
def sheet_hurt(rng, number):
    return _of(_hurt(rng, _book(shop(rng))), name="lines.xlsx")


@_kind
def sheet_without(rng, number):
    parts = ["[Content_Types].xml", "workbook.xml", "sharedStrings.xml", "sheet1.xml"]
    parts += ["styles.xml", "workbook.xml.rels", "_rels/.rels", "theme1.xml", "core.xml"]
    part = parts[number % 9]
    ways = [lambda _: None, lambda _: b"", lambda x: x[: len(x) // 2], lambda _: b"<a/>"]
    ways += [lambda x: _hurt(rng, x), lambda x: x.replace(b"<v>", b"<v>9"), lambda _: b"\xff\xfe"]
    return _of(_part(_book(shop(rng)), part, ways[number // 9 % 7]), name="lines.xlsx")


@_kind
def sheet_bomb(rng, number):
    book = _book(shop(rng))
    many = b"<si><t>x</t></si>" * 4_000_000
    bombs = [
        ("sheet1.xml", lambda x: x.replace(b"</sheetData>", b" " * 400_000_000 + b"</sheetData>")),
        ("sharedStrings.xml", lambda x: x.replace(b"</sst>", many * 3 + b"</sst>")),
        ("sheet1.xml", lambda x: x.replace(b"</sheetData>", b"<row/>" * 30_000_000 + b"</sheetData>")),
        ("sheet1.xml", _laugh),
        ("sharedStrings.xml", _laugh),
        ("workbook.xml", _laugh),
        ("styles.xml", lambda x: x + b" " * 300_000_000),
        ("sheet1.xml", lambda x: x.replace(b'r="7"', b'r="1048576"', 1)),
        ("sheet1.xml", lambda x: x.replace(b'r="A7"', b'r="XFD7"', 1)),
        ("sheet1.xml", lambda x: x.replace(b'r="A7"', b'r="ZZZZZZ7"', 1)),
        ("sheet1.xml", lambda x: x.replace(b'r="7"', b'r="99999999999999999999"', 1)),
    ]
    name, change = bombs[number % 11]
    return _of(_part(book, name, change), name="lines.xlsx")


def _laugh(part):
    entities = '<!ENTITY a0 "xxxxxxxxxx">' + "".join(
        f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10)
    )
    start = part.index(b"?>") + 2 if part.startswith(b"<?xml") else 0
    head = f"<!DOCTYPE x [{entities}]>".encode()
    body = part[start:].replace(b"<v>1</v>", b"<v>&a9;</v>", 1).replace(b"<t>", b"<t>&a9;", 1)
    return part[:start] + head + body


@_kind
def sheet_cells(rng, number):
    table = shop(rng)

    def odd(book, sheet):
        values = ["=1/0", "#REF!", True, "", "=A1", 1e300, -5, "x" * 32_000, None]
        for row in [3, 50] if number < 20 else range(2, len(table) + 2):
            sheet.cell(row, 1 + number % 7).value = values[number // 7 % 9]

    return _of(_book(table, odd), name="lines.xlsx")


@_kind
def sheet_forms(rng, number):
    table = shop(rng)

    def changed(book, sheet):
        [
            lambda: book.create_chartsheet("Chart"),
            lambda: book.create_chartsheet("Chart", 0),
            lambda: sheet.merge_cells("A3:C9"),
            lambda: sheet.insert_rows(1, 3),
            lambda: sheet.insert_cols(1, 2),
            lambda: sheet.delete_rows(2, 999),
            lambda: sheet.delete_rows(1, 999),
            lambda: book.create_sheet("empty"),
            lambda: setattr(sheet, "title", "a'b;--"),
            lambda: sheet.insert_rows(20, 5),
            lambda: setattr(sheet.cell(900_000, 1), "value", "x"),
            lambda: setattr(sheet.cell(1, 16_384), "value", "x"),
        ][number % 12]()

    return _of(_book(table, changed), name="lines.xlsx")


# Databases.


def _sqlite(table, *statements, page=1024, name="lines"):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.db"
        base = sqlite3.connect(file)
        base.execute(f"pragma page_size = {page}")
        columns = ", ".join(f'"{one}" {kind}' for one, kind in zip(NAMES, ["text"] * 5 + ["integer", "real"], strict=True))
        base.execute(f'create table "{name}" ({columns})')
        base.executemany(
            f'insert into "{name}" values (?, ?, ?, ?, ?, ?, ?)', [[*row[:6], row[6] / 100] for row in table]
        )
        for one in statements:
            base.execute(*one) if isinstance(one, tuple) else base.execute(one)
        base.commit()
        base.close()
        return file.read_bytes()


def _base(content, right_=ANY, relation="lines", **more):
    block = {"file": ..., "database": "sqlite:///shop.db", "table": relation} | more
    return Input({"shop.db": content}, right_, run_file(block), None, True, block)


@_kind
def sqlite_hurt(rng, number):
    return _base(_hurt(rng, _sqlite(shop(rng)), times=60))


@_kind
def sqlite_pages(rng, number):
    content = bytearray(_sqlite(shop(rng)))
    pages = len(content) // 1024
    page = [0, 1, 2, pages - 1, rng.randrange(pages)][number % 5]
    filled = [bytes(1024), rng.randbytes(1024), b"\xff" * 1024][number // 5 % 3]
    start = page * 1024 + (100 if number % 2 and page == 0 else 0)
    content[start : page * 1024 + 1024] = filled[: page * 1024 + 1024 - start]
    return _base(bytes(content))


@_kind
def sqlite_loops(rng, number):
    """Let pages of a tree point at themselves or at others."""
    content = bytearray(_sqlite(shop(rng, 2_000)))
    for place in range(1024, len(content), 1024):
        if content[place] == 5:  # an inner page of a table
            content[place + 8 : place + 12] = struct.pack(">I", [place // 1024 + 1, 1, 2, 3][number % 4])
            if number > 3:
                first = struct.unpack(">H", content[place + 12 : place + 14])[0]
                content[place + first : place + first + 4] = struct.pack(">I", place // 1024 + 1)
    return _base(bytes(content))


@_kind
def sqlite_values(rng, number):
    table = shop(rng)
    odd = [b"\xff\xfe\x00", b"", "a\0b", 2**62, 9e999, -0.0, "", None, b"text", "x" * 500_000, 1.5]
    place = number % 7
    where = "where rowid = 9" if number < 35 else ""
    content = _sqlite(table, (f'update lines set "{NAMES[place]}" = ? {where}', (odd[number // 7 % 11],)))
    return _base(content)


@_kind
def sqlite_text(rng, number):
    bad = ["cast(x'ff41' as text)", "cast(x'eda080' as text)", "cast(x'410042' as text)", "cast(x'c3' as text)"]
    place = [0, 3, 4, 1][number // 4 % 4]
    return _base(_sqlite(shop(rng), f'update lines set "{NAMES[place]}" = {bad[number % 4]} where rowid < 9'))


@_kind
def sqlite_views(rng, number):
    table = shop(rng)
    columns = ", ".join(f'"{name}"' for name in NAMES)
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n)"
    views = [
        f"create view v as {endless} select lines.* from lines, n",
        f"create view v as {endless} select lines.* from lines where Qty = (select max(i) from n)",
        f"create view v as {endless} select {columns} from lines where rowid in (select -i from n)",
        "create view v as select a.* from lines a, lines b, lines c, lines d, lines e",
        f"create view v as {endless} select {columns} from lines order by (select count(*) from n)",
        "create view v as select * from gone",
        "create view v as select abs(-9223372036854775808) as Customer, * from lines",
        f"create view v as select {columns} from lines",
        "create view v as select * from w",
        "create view v as select a.Customer, zeroblob(900000000) as x, a.* from lines a",
    ]
    right_ = right(table) if number % 10 == 7 else REFUSED if number % 10 < 9 else ANY
    content = _sqlite(table, *([] if number % 10 != 8 else ["create view w as select 1"]), views[number % 10])
    if number % 10 == 8:
        content = _sqlite(table, "create table w (a)", "create view v as select * from w", "drop table w")
    made = _base(content, right_, relation="v")
    made.drafted = right(table)
    return made


@_kind
def sqlite_kinds(rng, number):
    table = shop(rng)
    wanted = right(table)
    names = ["a'b", 'a""b', "select", "a b", "😀", "a;--", "Ä", "x" * 3_000, "main.t", "%s"]
    if number < 10:
        content = _sqlite(table, name=names[number])
        return _base(content, wanted, relation=names[number].replace('""', '"'))
    more = [
        ("create table wide (" + ", ".join(f"c{i}" for i in range(1_900)) + ")",),
        ("create table odd (a banana, b json, c datetime, d blob, e)", "insert into odd values (1, 2, 3, 4, 5)"),
        ("create virtual table f using fts5(a)",),
        ("alter table lines add g generated always as (Qty * 2)",),
        ("create table nothing (a)", "create table none2 (b)"),
        ("alter table lines add column big text", "update lines set big = printf('%.*c', 20000, 'x')"),
    ]
    return _base(_sqlite(table, *more[(number - 10) % 6]), wanted)


@_kind
def sqlite_locked(rng, number):
    table = shop(rng)
    made = _base(_sqlite(table), right(table) if number else ANY)

    def lock(folder):
        base = sqlite3.connect(folder / "shop.db")
        base.execute("pragma journal_mode = wal") if number else None
        base.execute("begin exclusive")
        HELD.append(base)

    made.made = lock
    return made


HELD: list[sqlite3.Connection] = []  # locks live as long as this process


@_kind
def sqlite_empty(rng, number):
    content = _sqlite(shop(rng))
    made = [b"", content[:16], content[:100], content[:1024], content[:-1], content[:-1024], content + bytes(5000)]
    made += [b"SQLite format 3\0" + rng.randbytes(5000), rng.randbytes(4096)]
    return _base(made[number % 9])


# How an input fares.


def make(kind, number):
    """Make an input of a kind, always the same."""
    seed = zlib.crc32(f"{kind} {number}".encode())
    return KINDS[kind](random.Random(seed), number)


SUMS = """select count(*), count(distinct customer_id), count(distinct order_id),
    sum(cents)::bigint from typed_lines"""


def _step(main, run: str) -> dict:
    """Run a command as make does; say what it printed, and what it read."""
    noted: list[object] = []
    problems = own_files.problems

    def noting(con, *given, **named):
        found, opened = problems(con, *given, **named)
        with contextlib.suppress(Exception):
            noted[:] = [con.execute(SUMS).fetchall()[0], *found["level"]]
        return found, opened

    own_files.problems = noting
    printed, begin, fault = io.StringIO(), time.process_time(), ""
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            code = main([run])
        except BaseException:  # what a user would see
            code, fault = 1, traceback.format_exc()
    own_files.problems = problems
    said = printed.getvalue()
    if not fault and command.FAULT in said:
        fault = said + "".join(
            one.read_text() for one in paths.home().glob("build/faults/*.log")
        )
    return {
        "code": code,
        "said": said,
        "fault": fault,
        "sums": noted[0] if noted else None,
        "warned": "warning" in noted[1:] or "warning:" in said,
        "seconds": round(time.process_time() - begin, 1),
    }


def _write(made: Input, home: Path, run: str) -> None:
    folder = home / "data/raw" / run
    folder.mkdir(parents=True)
    for name, content in made.files.items():
        (folder / name).write_bytes(content)
    if made.made:
        made.made(folder)


def steps(made: Input, home: Path) -> Iterator[dict]:
    """Check an input, draft a run file for it and check that; say how each ended.

    This sets STUDY_HOME and where run files lie.
    """
    drafted = made.drafted or made.right
    for one in _each(made, home):
        own = one["step"] == "check"
        one["right"] = made.right if own else drafted
        yield one | {"verdict": verdict(one)}


def _each(made: Input, home: Path) -> Iterator[dict]:
    os.environ["STUDY_HOME"] = str(home)
    (home / "runs").mkdir()
    paths.run_file = lambda run: home / "runs" / f"{paths._checked(run)}.yaml"
    _write(made, home, "own")
    (home / "runs/own.yaml").write_bytes(made.run_file)
    yield {"step": "check"} | _step(check.main, "own")
    if made.drafts:
        _write(made, home, "drafted")
        yield {"step": "new-run"} | _step(scaffold.main, "drafted")
        if (home / "runs/drafted.yaml").exists():
            yield {"step": "check the draft"} | _step(check.main, "drafted")


def verdict(step: dict) -> str:
    """Say in a word how a command ended."""
    if step["fault"]:
        return "traceback"
    if step["code"]:
        return "refused" if step["said"].strip() else "silent"
    if step["step"] == "new-run":
        return "read"
    if step["right"] == ANY:
        return "read"
    same = step["right"] != REFUSED and [
        one == other for one, other in zip(step["sums"], step["right"], strict=True)
    ]
    # A draft may take what is bought on a day for an order.
    if same and all(same if step["step"] == "check" else same[:2] + same[3:]):
        return "right"
    return "told" if step["warned"] else "wrong"
