import pytest

from helpers.runs import currency


def test_amounts_have_the_decimals_of_their_currency():
    codes = ["EUR", "USD", "INR", "JPY", "KRW", "VND", "CLP", "KWD", "TND", "IQD"]
    assert [currency.DECIMALS[code] for code in codes] == [2, 2, 2, 0, 0, 0, 0, 3, 3, 3]
    assert set(currency.DECIMALS.values()) == {0, 2, 3}


def test_a_code_is_three_capital_letters_and_stands_once():
    told = currency._TOLD["decimals"].values()
    codes = " ".join(told).split()
    assert len(codes) == len(set(codes)) == 162
    assert all(len(code) == 3 and code.isupper() and code.isascii() for code in codes)


def test_words_and_signs_lead_to_codes_that_there_are():
    for word, codes in currency._TOLD["words"].items():
        assert word == word.casefold()
        assert set(codes.split()) <= currency.DECIMALS.keys()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        *(("eur", "EUR"), (" EUR ", "EUR"), ("Euros", "EUR"), ("€", "EUR")),
        *(("Rupees", "INR or PKR or LKR or NPR"), ("R$", "BRL"), ("Kč", "CZK")),
        ("yen", "JPY"),
    ],
)
def test_what_is_no_code_is_told_the_one_that_may_be_meant(given, meant):
    assert currency.fault(given).endswith(f" Did you mean {meant}?")


@pytest.mark.parametrize("given", ["", "XYZ", "NO", "Taler"])
def test_of_what_nobody_knows_nothing_is_proposed(given):
    assert "such as EUR" in currency.fault(given)
    assert "Did you mean" not in currency.fault(given)


@pytest.mark.parametrize("given", ["EUR", "JPY", "HRK"])
def test_a_code_has_no_fault(given):
    assert currency.fault(given) == ""
