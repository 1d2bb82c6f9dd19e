import ast

import pytest

from helpers.core import paths
from helpers.customer_table import measures
from helpers.features import dictionary, preparation
from helpers.runs import mapping, run_file, values

BOOKS = {book.stem: run_file.declared(book) for book in paths.notebooks()}
TABLE = {
    f"{run_file.CUSTOMER_TABLE}/{book.stem}": run_file.declared(book)
    for book in paths.notebooks(run_file.CUSTOMER_TABLE)
}
RULES = ["exact copy", "no price"]


def declared():
    """Yield every parameter of the study that a run file may set."""
    for book, known in (BOOKS | TABLE).items():
        for name, one in known.items():
            if name not in run_file.FROM_THE_RUN:
                yield pytest.param(name, one, id=f"{book}-{name}")


@pytest.mark.parametrize(("name", "one"), list(declared()))
def test_every_parameter_has_a_limit_that_its_default_keeps(name, one):
    assert name in values.LIMITS, f"give {name} an entry in run_file.yaml, or `any`"
    rules = run_file.rules(run_file.notebook_file("01_cleaning"))
    assert values.fault(name, one.default, one.kind, rules=rules) == ""
    number = "int" in one.kind or "float" in one.kind
    limit = values.LIMITS[name]
    limit = limit[one.kind] if isinstance(limit, dict) else limit
    assert number == (isinstance(limit, list) and not isinstance(limit[0], str))


def test_no_limit_is_of_a_parameter_that_no_notebook_declares():
    names = {name for known in (BOOKS | TABLE).values() for name in known}
    compared = {name for pair in values._TOLD["at_most"] for name in pair}
    assert {*values.LIMITS, *values._TOLD["rising"], *compared} <= names
    for pair in values._TOLD["at_most_across"]:
        for book, name in map(str.split, pair):
            assert name in BOOKS[book]


def test_words_are_those_that_the_helpers_know():
    families = values.LIMITS["segment_on"]
    assert families["list[str]"] == list(dictionary.SEGMENTING)
    assert set(families["list[str] | str"]) == set(measures.FAMILIES)
    assert values.LIMITS["scaling"] == list(preparation.SCALINGS)
    products = {*mapping.COLUMNS["products"]} - {"product_id"}
    assert set(values.LIMITS["item_columns"]) == products


def test_the_rules_are_read_from_notebook_1():
    book = run_file.notebook_file("01_cleaning")
    [cell] = [cell for cell in run_file.code(book) if "rules = {" in cell]
    found = run_file.rules(book)
    assert {"exact copy", "no customer", "no price"} <= set(found)
    texts = {one.value for one in ast.walk(ast.parse(cell)) if hasattr(one, "value")}
    assert set(found) <= texts


DAY = "write a day as YYYY-MM-DD, such as 2024-01-31, or auto."


@pytest.mark.parametrize(
    ("name", "kind", "value", "said"),
    [
        ("train_start", "str", "2024-02-30", f"there is no such day; {DAY}"),
        ("train_start", "str", "2023-02-29", f"there is no such day; {DAY}"),
        ("train_start", "str", "01.01.2024", DAY),
        ("train_start", "str", "2024-1-1", DAY),
        ("train_start", "str", "2024-01-01 10:00", DAY),
        ("train_start", "str", "", DAY),
        ("train_start", "str", 20240101, DAY),
        ("train_start", "str", None, DAY),
        ("review_first", "str", "auto", 'or "".'),
        ("min_orders", "int | str", 0, "write a whole number of 1 or more, or auto."),
        ("min_orders", "int | str", -1, "write a whole number of 1 or more, or auto."),
        ("min_orders", "int | str", 2.5, "write a whole number of 1 or more, or auto."),
        ("min_orders", "int | str", True, "write a whole number of 1 or more, or"),
        ("min_orders", "int | str", "10", "or auto: digits alone, no quotes."),
        ("k", "int | str", "four", "write a whole number of 2 or more, or auto."),
        ("k", "int | str", 1, "write a whole number of 2 or more, or auto."),
        ("max_k", "int", 1, "write a whole number of 2 or more."),
        ("max_k", "int", "auto", "write a whole number of 2 or more."),
        ("n_bootstrap", "int", 0, "write a whole number of 2 or more."),
        ("seed", "int", -1, "write a whole number from 0 to 4294967295."),
        ("seed", "int", 2**32, "write a whole number from 0 to 4294967295."),
        ("min_share", "float", 1.01, "write a number from 0 to 1."),
        ("min_share", "float", -0.1, "write a number from 0 to 1."),
        ("min_share", "float", "5%", "from 0 to 1: digits and a point alone, no q"),
        ("min_share", "float", "0,05", "from 0 to 1: digits and a point alone, no q"),
        ("min_share", "float", [0.5], "write a number from 0 to 1."),
        ("prior_events", "float", float("inf"), "write a number of 0 or more."),
        ("prior_events", "float", float("nan"), "write a number of 0 or more."),
        ("alpha", "float", 5, "write a number from 0.0001 to 0.5."),
        ("planted", "bool", "yes", "write true or false."),
        ("planted", "bool", 1, "write true or false."),
        ("period", "str", "quarter", "write one of Q, M, W, D, auto."),
        ("period", "str", "q", "write one of Q, M, W, D, auto. Did you mean Q?"),
        ("period", "str", ["Q"], "write one of Q, M, W, D, or auto."),
        ("scaling", "str", "paretto", "Did you mean pareto?"),
        ("method", "str", "auto", "write one of holm, benjamini-hochberg."),
        (
            "disabled_rules",
            "list[str]",
            ["duplicates"],
            "'duplicates': write one of exact copy",
        ),
        (
            "disabled_rules",
            "list[str]",
            "no price",
            "a list of texts, such as [exact copy].",
        ),
        (
            "disabled_rules",
            "list[str]",
            ["no price", 12],
            "looks like a number, or like true",
        ),
        (
            "disabled_rules",
            "list[str]",
            [None],
            "write a list of texts, such as [exact copy].",
        ),
        ("segment_on", "list[str]", ["need"], "Did you mean needs?"),
        ("support", "str", 12, "write one text; what looks like a number, or like"),
        ("support", "str", ["a"], "write one text."),
        ("recommended", "list[int]", [1, 0], "0: write a whole number of 1 or more."),
        ("recommended", "list[int]", [], "it may not be empty."),
        ("recommended", "list[int]", 3, "a list of whole numbers, such as [1, 5]."),
        ("before_groups", "list[int]", [0, 9, 5], "each is larger than the one before"),
        ("before_groups", "list[int]", [0, 5, 5], "each is larger than the one before"),
        (
            "day_parts",
            "dict[str, int]",
            {"a": 24},
            "24: write a whole number from 0 to",
        ),
        # Fewer references cannot give p = 0.05.
        ("null_references", "int", 18, "write a whole number of 19 or more."),
        ("natural_excess", "float", 1.1, "write a number from -1 to 1."),
        ("min_step", "float", -0.01, "write a number from 0 to 1."),
        ("day_parts", "dict[str, int]", {}, "it may not be empty."),
        ("day_parts", "dict[str, int]", [5], "such as {morning: 5}."),
        ("time_zone", "str", "Berlin", "Did you mean Europe/Berlin?"),
        ("currency", "str", "euro", "Did you mean EUR?"),
        ("currency", "str", 978, "write the code of a currency, such as EUR."),
    ],
)
def test_a_value_that_may_not_be_is_told_what_to_write(name, kind, value, said):
    found = values.fault(name, value, kind, rules=RULES)
    assert said in found
    assert "\n" not in found
    assert found.endswith((".", "?"))


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        *(("train_start", "str", "2024-02-29"), ("train_start", "str", "auto")),
        *(
            ("review_first", "str", ""),
            ("k", "int | str", 2),
            ("k", "int | str", "auto"),
        ),
        *(("min_share", "float", 0), ("min_share", "float", 1.0), ("seed", "int", 0)),
        *(("references", "int", 19), ("method_references", "int", 1)),
        *(("min_excess", "float", -1.0), ("min_step", "float", 0.0)),
        *(("disabled_rules", "list[str]", []), ("kept", "list[str]", ["no price"])),
        *(("period", "str", "W"), ("time_zone", "str", "UTC"), ("support", "str", "")),
        ("before_groups", "list[int]", [0, 5]),
        ("unheard_of", "float", -5.0),
    ],
)
def test_a_value_that_may_be_has_no_fault(name, kind, value):
    assert values.fault(name, value, kind, rules=RULES) == ""


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        *(("berlin", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin")),
        *(("New York", "America/New_York"), ("Europe/Berln", "Europe/Berlin")),
        *(("US/Pacfic", "US/Pacific"), ("Kolkata", "Asia/Kolkata")),
    ],
)
def test_a_place_is_told_its_zone(given, meant):
    assert f"Did you mean {meant}?" in values.zone_fault(given)


@pytest.mark.parametrize("given", ["CEST", "PST", "GMT+1", "UTC+01:00", "+2", "", "?"])
def test_of_an_offset_or_letters_no_zone_is_guessed(given):
    # Etc/GMT+1 is an hour behind, and EST half a day from CEST.
    assert values.zone_fault(given).endswith("such as Europe/Berlin.")


def test_zones_come_from_the_package_and_not_from_the_machine(monkeypatch):
    monkeypatch.setenv("PYTHONTZPATH", "")
    values.zones.cache_clear()
    assert len(values.zones()) > 400
    assert "localtime" not in values.zones()


def test_a_long_value_is_cut_short_in_a_message():
    assert len(values.shown("x" * 5000)) < 80
    assert len(values.shown([["y" * 90] * 90] * 90)) < 130
    assert [values.shown(x) for x in (None, True, 1.5)] == ["nothing", "true", "1.5"]


def test_families_are_chosen_by_the_kind_of_table():
    lines, table = "list[str]", "list[str] | str"
    assert values.fault("segment_on", ["needs"], lines) == ""
    assert "write one of needs" in values.fault("segment_on", ["behavioural"], lines)
    assert values.fault("segment_on", "auto", lines) != ""
    assert values.fault("segment_on", "auto", table) == ""
    assert values.fault("segment_on", ["behavioural"], table) == ""
    assert values.fault("segment_on", ["needs"], table) != ""


def test_limits_of_single_columns_may_be_none_at_all():
    kind = "dict[str, float]"
    assert values.fault("min_possible", {}, kind) == ""
    assert values.fault("min_possible", {"age": 14}, kind) == ""
    assert values.fault("min_possible", {"age": "x"}, kind) != ""
