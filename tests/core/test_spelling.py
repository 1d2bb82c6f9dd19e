"""Names of columns made from a shop's own words, worked out by hand."""

import unicodedata

import pytest

from helpers.core import spelling


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tea", " tEA "),
        ("Green  tea", "green\u00a0TEA"),
        ("Café", "Cafe\u0301"),
        ("नींबू", unicodedata.normalize("NFD", "नींबू")),
        ("WEISSWEIN", "Weißwein"),
        ("ΛΑΔΙ ΕΛΙΑΣ", "λαδι ελιας"),
        ("tea", "\ufefft\u200bea\u200f"),
    ],
)
def test_spellings_of_one_word_are_one(one, other):
    assert spelling.fold(one) == spelling.fold(other)
    assert len(set(spelling.distinct([one, other]).values())) == 1


def test_words_that_differ_in_a_mark_or_sign_keep_their_own_names():
    words = ["तेल", "तिल", "चना", "चीनी", "C++", "C#", "C", "กล่อง", "กลอง", "நெய்", "நெய"]
    named = spelling.distinct(words)
    assert list(map(named.get, words)) == [word.lower() for word in words]


def test_words_that_would_share_a_name_are_numbered_by_the_alphabet():
    words = ["Tea, milk", "Tea & milk", "tea_milk", "tea milk 2"]
    assert spelling.distinct(words) == {
        "tea_milk": "tea_milk",  # it is its own name
        "tea milk 2": "tea_milk_2",
        "Tea & milk": "tea_milk_3",
        "Tea, milk": "tea_milk_4",
    }
    assert spelling.distinct(reversed(words)) == spelling.distinct(words)


def test_a_name_that_is_taken_gets_the_ending():
    named = spelling.distinct(
        ["Fuel", "FUEL", "fuel goods", "None"], taken=["fuel"], ending="_goods"
    )
    assert named["Fuel"] == named["FUEL"]
    assert sorted(set(named.values())) == ["fuel_goods", "fuel_goods_2", "none"]


def test_a_text_without_a_letter_has_no_name():
    assert [spelling.slug(text) for text in ["", " - ", "?!", "\u200b"]] == [""] * 4
    assert spelling.slug("🍕") == "🍕"
