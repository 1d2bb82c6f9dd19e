"""The column dictionary: entries that hold together, and what is found by a name."""

import re
from pathlib import Path

import pytest
import yaml

from helpers.display import columns

FILE = Path(columns.__file__).with_suffix(".yaml")
READ = yaml.safe_load(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", READ["columns"])
def test_an_entry_says_something_that_can_be_used(name):
    entry = READ["columns"][name]
    assert entry and all(isinstance(text, str) and text for text in entry.values())
    assert entry.get("unit", "share") in READ["units"]
    column = columns.dictionary()[name]
    assert column.format.format(0.5) if column.format else True
    money = column.unit in ("money", "cents")  # its label is what the sign follows
    assert money or column.label != name.replace("_", " ").capitalize()


def test_no_entry_is_written_twice():
    listed = FILE.read_text(encoding="utf-8").partition("\ncolumns:\n")[2]
    names = re.findall(r'^  "?(\w+)"?:', listed, flags=re.MULTILINE)
    assert len(names) == len(READ["columns"])
    assert len(names) == len(set(names))


def test_an_end_of_an_interval_is_found_with_its_estimate():
    names = ["segment", "gain", "rate", "low", "high", "gain_low", "told_high"]
    estimates = [columns.estimate(names, i) for i in range(len(names))]
    assert estimates == [0, 1, 2, 2, 2, 1, 2]
    assert columns.estimate(["low"], 0) == 0
    assert columns.find("gain_low").label == "95% from"
    assert columns.find(("a", "b")) == columns.Column()


def test_what_has_an_entry_of_its_own_ends_no_interval():
    names = ["recovery", "reference", "reference_high"]
    assert columns.estimate(names, 2) == 2


def test_the_sign_stands_where_the_label_wants_it():
    assert columns.find("cost").heading("$") == "Cost, $"
    assert columns.find("missing_sales").heading("$").endswith("by, $ (assumed)")
    assert columns.find("loss_chance").heading("$") == "Chance of a loss"


@pytest.mark.parametrize(("currency", "sign"), [("EUR", "€"), ("CHF", "CHF ")])
def test_a_currency_without_a_sign_is_written_by_its_code(currency, sign):
    assert columns.symbol(currency) == sign
