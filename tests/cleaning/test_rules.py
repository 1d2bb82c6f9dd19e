"""Rules, their reconciliation by hand, and bad input that leaves earlier outputs."""

import json
from pathlib import Path

import duckdb
import matplotlib
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from helpers.cleaning import rules
from helpers.core import paths, schema, store
from helpers.core.errors import BadInput
from helpers.sources import complete_journey

NOTHING = "quantity = 0 and amount_cents + coupon_cents = 0"
REJECT = {
    "neither goods nor money": f"{NOTHING} and coupon_cents = 0",
    "coupon without goods": NOTHING,
}
STEPS = ["received", *REJECT, "clean"]


@pytest.fixture
def con():
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def shared():
    """Give one connection to all the examples of a property."""
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def received(con, journey, save):
    """Give a connection that has received the eight lines of the toy."""
    complete_journey.complete_journey(con, folder=save(journey))
    complete_journey.standardise_complete_journey(con, time_zone="America/New_York")
    return con


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    return tmp_path


def receive(con, lines):
    """Make received_lines of (customer, order, quantity, amount, coupon, shelf)."""
    con.execute(
        """create or replace table received_lines (line_id bigint, customer_id varchar,
        order_id varchar, quantity bigint, amount_cents bigint, coupon_cents bigint,
        shelf_amount_cents bigint)"""
    )
    if lines:
        numbered = [[number, *line] for number, line in enumerate(lines)]
        con.executemany(
            "insert into received_lines values (?, ?, ?, ?, ?, ?, ?)", numbered
        )


def rows(con, query):
    return con.execute(query).fetchall()


# --- Rules


def test_every_line_goes_to_one_side_with_the_first_reason_that_holds(received):
    rules.split(received, reject=REJECT)
    assert rows(received, "select line_id from clean_lines order by 1") == [
        (line,) for line in (0, 1, 2, 3, 6, 7)
    ]
    assert rows(received, "select line_id, reason from rejected_lines order by 1") == [
        (4, "neither goods nor money"),  # both rules hold: the first gives the reason
        (5, "coupon without goods"),
    ]


def test_lines_are_not_changed_by_being_judged(received):
    rules.split(received, reject=REJECT)
    both = """from (from clean_lines union all select * exclude (reason)
        from rejected_lines) order by line_id"""
    assert rows(received, both) == rows(
        received, "from received_lines order by line_id"
    )


def test_a_line_for_which_a_rule_cannot_be_told_is_kept(con):
    receive(con, [("a", "1", None, 100, 0, 100), ("a", "1", 0, 0, 0, 0)])
    rules.split(con, reject=REJECT)
    assert rows(con, "select line_id from clean_lines") == [(0,)]


def test_without_rules_every_line_is_clean(received):
    rules.split(received, reject={})
    table = rules.reconcile(received, reject={})
    assert table["step"].tolist() == ["received", "clean"]
    assert table["lines"].tolist() == [8, 8]


def test_a_reason_may_hold_an_apostrophe(received):
    reject = {"nobody's goods": NOTHING}
    rules.split(received, reject=reject)
    table = rules.reconcile(received, reject=reject)
    assert table["step"].tolist() == ["received", "nobody's goods", "clean"]
    assert table["lines"].tolist() == [8, -2, 6]


# --- Which rules a source can be asked

RULES = {
    "exact copy": "duplicate",
    "neither goods nor money": f"{NOTHING} and coupon_cents = 0",
    "no price": "quantity > 0 and amount_cents + coupon_cents = 0",
}


def test_a_rule_is_asked_only_where_the_lines_have_its_columns(con):
    receive(con, [("a", "1", 0, 0, 0, 0)])
    asked = rules.applicable(con, RULES, disabled_rules=[])
    assert list(asked) == ["neither goods nor money", "no price"]
    con.execute("alter table received_lines add column duplicate boolean")
    assert rules.applicable(con, RULES, disabled_rules=[]) == RULES


def test_a_rule_that_the_run_keeps_is_not_asked_and_the_others_keep_their_order(con):
    receive(con, [])
    con.execute("alter table received_lines add column duplicate boolean")
    asked = rules.applicable(con, RULES, disabled_rules=["neither goods nor money"])
    assert list(asked) == ["exact copy", "no price"]


def test_a_rule_without_its_columns_may_be_kept(con):
    receive(con, [])
    assert "exact copy" not in rules.applicable(
        con, RULES, disabled_rules=["exact copy"]
    )


def test_a_reason_to_keep_that_is_no_rule_is_told_with_the_rules_there_are(con):
    receive(con, [])
    with pytest.raises(BadInput) as refused:
        rules.applicable(con, RULES, disabled_rules=["no price", "no prise"])
    assert str(refused.value) == (
        "Run file: `disabled_rules:` names 'no prise', which is no rule of 01_cleaning. There are: "
        "exact copy, neither goods nor money, no price."
    )


def test_a_rule_that_is_no_sql_is_a_fault_of_the_study_and_not_passed_over(con):
    receive(con, [])
    with pytest.raises(duckdb.Error):
        rules.applicable(con, {"broken": "quantity >"}, disabled_rules=[])


# --- Needs


def needs(con, products, lines):
    """Make received_products of (product, need) and clean_lines of (product, cents)."""
    con.execute(
        "create table received_products (product_id varchar, need_state varchar)"
    )
    con.executemany("insert into received_products values (?, ?)", products)
    con.execute(
        "create table clean_lines (product_id varchar, amount_cents int, coupon_cents int)"
    )
    con.executemany("insert into clean_lines values (?, ?, 0)", lines)


def pooled(con, most):
    """Pool, and return how many went and the need of each product."""
    return rules.pool_needs(con, most=most), dict(rows(con, "from received_products"))


WARES = [
    *(("mug", "pots"), ("pan", "pots"), ("pen", "paper"), ("oil", "food")),
    *(
        ("tea", "food"),
        ("hat", "wear"),
        ("odd", schema.UNCLASSIFIED),
        ("etc", "other"),
    ),
]
SOLD = [
    ("mug", 300),
    ("pan", 300),
    ("tea", 200),
    ("oil", 350),
    ("pen", 590),
    ("odd", 9999),
]


def test_the_needs_with_the_largest_sales_keep_their_names(con):
    needs(con, WARES, SOLD)  # pots 600, paper 590, food 550, wear nothing
    went, found = pooled(con, most=2)
    assert went == 2
    disabled_rules = {"mug": "pots", "pan": "pots", "pen": "paper"}
    assert (
        found
        == dict.fromkeys([product for product, _ in WARES], "other") | disabled_rules
    )


def test_a_coupon_counts_to_the_sales_of_a_need(con):
    needs(con, [("mug", "pots"), ("pen", "paper")], [("mug", 100), ("pen", 90)])
    con.execute("update clean_lines set coupon_cents = 20 where product_id = 'pen'")
    assert pooled(con, most=1)[1] == {"mug": "other", "pen": "paper"}


def test_a_need_that_hardly_anybody_buys_is_other():
    with duckdb.connect() as con:
        con.execute(
            """create table received_products as select * from (values
                ('t', 'tea'), ('c', 'cup'), ('n', 'nothing')) as p(product_id, need_state);
            create table clean_lines as select i::varchar as customer_id, 't' as product_id,
                100 as amount_cents, 0 as coupon_cents from range(100) as r(i)
            union all select '1', 'c', 99999, 0"""
        )
        assert rules.pool_needs(con, most=24, least=0.02) == 2
        found = con.execute("from received_products order by 1").fetchall()
    assert found == [("c", "other"), ("n", "other"), ("t", "tea")]


def test_needs_of_equal_sales_are_kept_by_name(con):
    named = [("b", "beta"), ("c", "gamma"), ("a", "alpha"), ("d", "delta")]
    needs(con, named, [("b", 5), ("c", 5), ("a", 5)])
    went, found = pooled(con, most=2)
    assert (went, found) == (2, {"b": "beta", "a": "alpha", "c": "other", "d": "other"})


def test_few_needs_all_keep_their_names_and_only_the_unknown_becomes_other(con):
    needs(con, WARES, SOLD)
    went, found = pooled(con, most=4)
    assert went == 0
    assert found == dict(WARES) | {"odd": "other"}
    assert pooled(con, most=0) == (4, dict.fromkeys(found, "other"))


# --- Reconciliation


def test_the_steps_from_received_to_clean_are_those_worked_out_by_hand(received):
    rules.split(received, reject=REJECT)
    table = rules.reconcile(received, reject=REJECT)
    # Line 4 takes nothing with it but itself. Line 5 is the only one of basket 1004 and
    # of household 3, and carries a coupon of 2.00.
    assert table.to_dict("list") == {
        "step": STEPS,
        "lines": [8, -1, -1, 6],
        "orders": [5, 0, -1, 4],
        "customers": [3, 0, -1, 2],
        "sales_cents": [2960, 0, 0, 2960],  # 200 + 300 + 2000 + 50 + 0 + 0 + 0 + 410
        "coupon_cents": [375, 0, -200, 175],  # 75 + 100 + 200
        "shelf_amount_cents": [3210, 0, 0, 3210],  # 250 + 350 + 2000 + 50 + 150 + 410
    }


def shown_of(con, lines):
    """Reconcile lines and return the steps as they may be shown."""
    receive(con, lines)
    rules.split(con, reject=REJECT)
    steps = rules.reconcile(con, reject=REJECT)
    return rules.to_show(con, steps, reject=REJECT).set_index("step")


def test_what_few_customers_lost_is_not_shown_nor_what_would_give_it_away(con):
    # one customer of twelve is gone, with all that was taken away
    lines = [(f"c{i}", f"o{i}", 1, 100, 0, 0) for i in range(11)]
    shown = shown_of(con, [*lines, ("x", "9", 0, -70, 70, 0)])
    assert shown["customers"].tolist() == ["withheld"] * 3 + [11]
    assert shown["lines"].tolist() == [12, 0, -1, 11]
    # -70 and 70 are no sales: nobody has most of nothing
    assert shown["sales_cents"].tolist() == [1100, 0, 0, 1100]
    shown = shown_of(con, [*lines, ("x", "9", 0, -70, 75, 0), ("x", "8", 1, 5, 0, 0)])
    assert shown["customers"].tolist() == [12, 0, 0, 12]


def test_money_that_one_customer_lost_is_not_shown(con):
    reject = {"large": "quantity > 5"}
    receive(con, [("a", "1", 9, 900, 0, 0), *[("b", "2", 1, 100, 0, 0)] * 3])
    rules.split(con, reject=reject)
    steps = rules.reconcile(con, reject=reject)
    shown = rules.to_show(con, steps, reject=reject)
    assert "coupon_cents" not in shown  # there are none
    assert shown["sales_cents"].tolist() == ["withheld", "withheld", 300]


def test_lines_are_counted_by_condition_with_their_sales(con):
    receive(con, [("a", "1", 0, 900, 50, 0), ("b", "2", 1, 50, 0, 0)])
    found = rules.counted(con, {"none": "quantity = 0", "all": "true", "no": "false"})
    assert found["trap"].tolist() == ["none", "all", "no"]
    assert found["lines"].tolist() == [1, 2, 0]
    assert found["sales_cents"].tolist() == [950, 1000, 0]
    assert found["largest"].tolist()[:2] == [1.0, 0.95]


def test_an_order_is_lost_by_the_rule_that_takes_its_last_line(con):
    lines = [
        ("a", "1", 0, 0, 0, 0),  # goes first
        ("a", "1", 0, -70, 70, 5),  # goes second, and order 1 and customer a with it
        ("b", "2", 0, 0, 0, 0),  # goes first, and order 2 with it, but not customer b
        ("b", "3", 1, 30, 0, 40),
    ]
    receive(con, lines)
    rules.split(con, reject=REJECT)
    table = rules.reconcile(con, reject=REJECT).set_index("step")
    assert table["lines"].tolist() == [4, -2, -1, 1]
    assert table["orders"].tolist() == [3, -1, -1, 1]
    assert table["customers"].tolist() == [2, 0, -1, 1]
    assert table["coupon_cents"].tolist() == [70, 0, -70, 0]
    assert table["shelf_amount_cents"].tolist() == [45, 0, -5, 40]


def test_a_rule_that_finds_nothing_keeps_its_row_of_noughts(received):
    reject = {"below nought": "quantity < 0", **REJECT}
    rules.split(received, reject=reject)
    table = rules.reconcile(received, reject=reject).set_index("step")
    assert not table.loc["below nought"].any()
    assert table.loc["clean", "lines"] == 6


def test_no_line_at_all_reconciles_to_nought(con):
    receive(con, [])
    rules.split(con, reject=REJECT)
    table = rules.reconcile(con, reject=REJECT).set_index("step")
    assert table.index.tolist() == STEPS
    assert not table.any(axis=None)


def test_steps_that_do_not_add_up_stop_the_study(received):
    rules.split(received, reject=REJECT)
    forgotten = {"neither goods nor money": REJECT["neither goods nor money"]}
    with pytest.raises(AssertionError, match="does not add up"):
        rules.reconcile(received, reject=forgotten)


def test_lines_without_shelf_prices_reconcile_without_that_column(con):
    receive(
        con, [("a", "1", 1, 30, 5, 40), ("a", "1", 0, 0, 0, 7), ("b", "2", 0, 0, 0, 0)]
    )
    rules.split(con, reject=REJECT)
    whole = rules.reconcile(con, reject=REJECT)
    con.execute("alter table received_lines drop column shelf_amount_cents")
    rules.split(con, reject=REJECT)
    table = rules.reconcile(con, reject=REJECT)
    pd.testing.assert_frame_equal(table, whole.drop(columns="shelf_amount_cents"))
    assert table["lines"].tolist() == [3, -2, 0, 1]


cents = st.integers(-3, 3)
line = st.tuples(
    *(st.sampled_from("abc"), st.sampled_from("123"), st.integers(0, 1)),
    *(cents, st.integers(0, 3), st.integers(0, 3)),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(line, max_size=12))
def test_every_step_is_what_a_plain_loop_over_the_lines_counts(shared, lines):
    def reason(one):
        *_, quantity, amount, coupon, _ = one
        if quantity or amount + coupon:
            return None
        return STEPS[2] if coupon else STEPS[1]

    def measure(left):
        return [
            len(left),
            len({order for _, order, *_ in left}),
            len({customer for customer, *_ in left}),
            sum(amount + coupon for *_, amount, coupon, _ in left),
            sum(coupon for *_, coupon, _ in left),
            sum(shelf for *_, shelf in left),
        ]

    stages = [measure(lines)]
    left = lines
    for rule in STEPS[1:3]:
        left = [one for one in left if reason(one) != rule]
        stages.append(measure(left))
    first, second, last = stages
    expected = [
        first,
        [after - before for before, after in zip(first, second, strict=True)],
        [after - before for before, after in zip(second, last, strict=True)],
        last,
    ]
    receive(shared, lines)
    rules.split(shared, reject=REJECT)
    table = rules.reconcile(shared, reject=REJECT)
    assert table.iloc[:, 1:].to_numpy().tolist() == expected


# --- Windows


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2017-01-15", "2017-01-15"),
        ("2016-01-01", "2017-01-15"),
        ("2017-11-20", "2019-01-01"),
    ],
)
def test_a_window_with_a_line_on_one_of_its_days_passes(received, first, last):
    rules.split(received, reject=REJECT)
    rules.refuse_empty(received, first=first, last=last)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2017-01-16", "2017-01-31"),  # in UTC there would be lines on the first day
        ("2017-02-06", "2017-02-06"),  # the line of this day was rejected
        ("2018-01-01", "2018-12-31"),
        ("2017-12-31", "2017-01-01"),  # turned round
    ],
)
def test_an_empty_window_is_told_with_the_days_that_have_lines(received, first, last):
    rules.split(received, reject=REJECT)
    with pytest.raises(BadInput) as refused:
        rules.refuse_empty(received, first=first, last=last)
    assert str(refused.value) == (
        f"Table lines: column ordered_at has no line from {first} to {last}; clean lines "
        "run from 2017-01-15 to 2017-11-20. Choose a window inside these days."
    )


def test_a_window_without_any_clean_line_is_told_where_to_look(received):
    reject = {"all": "true"}
    rules.split(received, reject=reject)
    with pytest.raises(BadInput) as refused:
        rules.refuse_empty(received, first="2017-01-01", last="2017-12-31")
    assert str(refused.value) == (
        "Table lines: column ordered_at has no line from 2017-01-01 to 2017-12-31, nor on "
        "any other day: no line was received, or the rules reject every one. Look at the "
        "reconciliation in 01_cleaning."
    )


# --- References


def test_the_received_tables_are_those_of_the_source_in_the_standard_order(received):
    assert rules.received(received) == [
        *("customers", "products", "campaigns", "contacts", "responses", "attributes")
    ]
    received.execute(
        """drop table if exists received_responses;
        create table received_surveys (customer_id varchar);
        create table received_notes (customer_id varchar);
        create table surveys_received (customer_id varchar)"""
    )
    found = rules.received(received)
    assert found[-2:] == ["surveys", "attributes"] and "responses" not in found


BESIDE = {
    "surveys": "surveys -> customers (customer_id)",
    "contracts": "contracts -> customers (customer_id)",
    "interactions": "interactions -> customers (customer_id)",
}


@pytest.mark.parametrize("table", BESIDE)
def test_a_reference_is_asked_only_where_the_source_has_the_table(received, table):
    rules.split(received, reject=REJECT)
    before = rules.references(received)["reference"].tolist()
    assert BESIDE[table] not in before
    received.execute(
        f"create table received_{table} as select '1' as customer_id union all select 'z'"
    )
    found = rules.references(received).set_index("reference")
    assert set(found.index) - set(before) == {BESIDE[table]}
    assert found.loc[BESIDE[table]].tolist() == [2, 1]
    with pytest.raises(
        BadInput, match=f"Table {table}: column customer_id .* are z. Add"
    ):
        rules.refuse_dangling(received)


def test_lines_alone_point_at_customers_and_products(con):
    con.execute(
        """create table clean_lines as select 'a' as customer_id, 'x' as product_id;
        create table received_customers as select 'a' as customer_id;
        create table received_products as select 'x' as product_id"""
    )
    assert rules.references(con)["reference"].tolist() == [
        "lines -> products (product_id)",
        "lines -> customers (customer_id)",
    ]
    rules.refuse_dangling(con)


def test_rows_that_point_at_nothing_are_counted(received):
    rules.split(received, reject=REJECT)
    received.execute(
        """delete from received_customers where customer_id = '2';
        delete from received_products where product_id in ('300', '400');
        insert into received_contacts values ('9', '1')"""
    )
    table = rules.references(received).set_index("reference")
    assert table.to_dict("index") == {
        "lines -> products (product_id)": {"rows": 6, "without_match": 2},
        "lines -> customers (customer_id)": {"rows": 6, "without_match": 3},
        "contacts -> customers (customer_id)": {"rows": 3, "without_match": 1},
        "contacts -> campaigns (campaign_id)": {"rows": 3, "without_match": 1},
        "responses -> campaigns (campaign_id)": {"rows": 2, "without_match": 0},
        "responses -> contacts (campaign_id, customer_id)": {
            "rows": 2,
            "without_match": 0,
        },
    }


def test_a_row_that_points_at_nothing_is_told_with_its_value(received):
    rules.split(received, reject=REJECT)
    rules.refuse_dangling(received)
    received.execute("insert into received_contacts values ('9', '1')")
    with pytest.raises(BadInput) as refused:
        rules.refuse_dangling(received)
    assert str(refused.value) == (
        "Table contacts: column campaign_id holds values without a row in table "
        "campaigns; the first are 9. Add these rows to campaigns, or remove those of "
        "contacts."
    )


# --- Saving


def test_lines_of_a_month_lie_together_by_customer(received, home):
    rules.split(received, reject=REJECT)
    day = "(timestamp '2017-03-09' - line_id * interval 1 day)"
    rules.write(received, {"lines": replaced("ordered_at", day)}, run="ab")
    lines = store.read("lines", run="ab")
    assert lines["customer_id"].tolist() == ["1", "1", "1", "2", "2", "2"]
    assert lines["line_id"].tolist() == [0, 1, 2, 3, 6, 7]


def test_a_saved_table_is_sorted_and_keeps_the_standard_promise(received, home):
    rules.split(received, reject=REJECT)
    backwards = "(from clean_lines order by line_id desc)"
    rules.write(received, {"lines": backwards}, run="ab")
    lines = store.read("lines", run="ab")
    assert lines["line_id"].tolist() == [0, 1, 3, 2, 6, 7]  # 2 is of July, 3 of March
    assert lines["amount_cents"].sum() == 2960 - 175
    rules.write(received, {"rejected_lines": "rejected_lines"}, run="ab")
    assert store.read("rejected_lines", run="ab")["reason"].tolist() == STEPS[1:3]


@pytest.mark.parametrize(
    "name", ["products", "customers", "campaigns", "contacts", "responses"]
)
def test_a_table_is_the_same_bytes_however_its_rows_came(received, home, name):
    rules.write(received, {name: f"received_{name}"}, run="ab")
    rules.write(received, {name: f"(from received_{name} order by all desc)"}, run="cd")
    assert (
        store.path(name, run="ab").read_bytes()
        == store.path(name, run="cd").read_bytes()
    )
    assert len(store.read(name, run="ab"))


@pytest.fixture
def earlier(received, home):
    """Save sound lines; afterwards they must be as they were, and alone."""
    rules.split(received, reject=REJECT)
    rules.write(received, {"lines": "clean_lines"}, run="ab")
    file = store.path("lines", run="ab")
    before = file.read_bytes()
    yield received
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def replaced(column, value):
    return f"(select * replace ({value} as {column}) from clean_lines)"


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (
            "(from clean_lines union all from clean_lines)",
            "Table lines: the key line_id stands more than once; the first are "
            "[{'line_id': 0, 'times': 2}, {'line_id': 1, 'times': 2}, {'line_id': 2, "
            "'times': 2}]. Keep one row for each key.",
        ),
        (
            "(select * exclude (order_id) from clean_lines)",
            "Table lines: column order_id is missing. Mend the source or the rule that "
            "makes this table in 01_cleaning.",
        ),
        (
            replaced("coupon_cents", "-coupon_cents"),
            "Table lines: column coupon_cents breaks greater_than_or_equal_to(0) in 2 "
            "rows (row 1: -75, row 3: -100). Mend the source or the rule that makes this "
            "table in 01_cleaning.",
        ),
        (
            replaced("amount_cents", "amount_cents || ' c'"),
            "Table lines: column amount_cents breaks whole cents or tenths of them "
            "in 6 rows (row 0: '200 c', row 1: '225 c', row 3: '-50 c'). Mend the source or the rule that "
            "makes this table in 01_cleaning.",
        ),
        (
            replaced("customer_id", "nullif(customer_id, '1')"),
            "Table lines: column customer_id breaks not_nullable in 3 rows (row 0: nan, "
            "row 1: nan, row 2: nan). Mend the source or the rule that makes this table "
            "in 01_cleaning.",
        ),
    ],
    ids=[
        "doubled keys",
        "column renamed",
        "negative",
        "text for numbers",
        "no customer",
    ],
)
def test_a_bad_table_is_told_and_leaves_the_earlier_one(earlier, view, told):
    with pytest.raises(BadInput) as refused:
        rules.write(earlier, {"lines": view}, run="ab")
    assert str(refused.value) == told


def test_one_bad_table_leaves_the_others_as_they_were(earlier):
    other = replaced("quantity", "quantity + 1")
    bad = replaced("coupon_cents", "-coupon_cents")
    with pytest.raises(BadInput, match="Table rejected_lines"):
        rules.write(earlier, {"lines": other, "rejected_lines": bad}, run="ab")


def test_a_writer_that_dies_leaves_the_earlier_table(earlier):
    dies = replaced("quantity", "if(line_id = 7, error('disk full'), quantity)")
    with pytest.raises(BadInput, match="disk full"):
        rules.write(earlier, {"lines": dies}, run="ab")


# --- The notebook


def rename(tables):
    tables["transactions"] = tables["transactions"].rename(columns={"week": "weeks"})


def text(tables):
    tables["transactions"]["quantity"] = ["one", *["1"] * 7]


def doubled(tables):
    tables["products"] = pd.concat([tables["products"]] * 2)


def late(tables):
    tables["transactions"].loc[6, "transaction_timestamp"] = pd.Timestamp("2018-03-01")


def lost(folder):
    (folder / "coupons.parquet").rename(folder / "coupon.parquet")


def cut(folder):
    file = folder / "campaigns.parquet"
    file.write_bytes(file.read_bytes()[:-9])


def sound(_):
    pass


EMPTY = {"coverage_start": "2016-01-01", "coverage_end": "2016-12-31"}


@pytest.mark.parametrize(
    ("change", "damage", "window", "told"),
    [
        (sound, lost, {}, "Table coupons: .* missing .* Is it coupon.parquet"),
        (sound, cut, {}, "Table campaigns: .* may be cut short"),
        (rename, sound, {}, "Table transactions: column week is missing.* to weeks"),
        (text, sound, {}, "Table transactions: column quantity .* row 1: 'one'"),
        (doubled, sound, {}, "Table products: the key product_id .*{'product_id': 100"),
        (late, sound, {}, "Table transactions: column transaction_timestamp .*row 7"),
        (
            sound,
            sound,
            EMPTY,
            "Table lines: column ordered_at has no line from 2016-01",
        ),
    ],
    ids=["missing", "cut", "renamed", "text", "doubled", "late", "empty window"],
)
def test_the_cleaning_notebook_stops_before_it_writes(
    journey, save, home, change, damage, window, told
):
    for name, table in schema.TABLES.items():
        if table.stage == "interim":
            store.write_text("earlier", store.path(name, run="ab"))
    change(journey)
    folder = save(journey)
    damage(folder)
    with pytest.raises(BadInput, match=told), matplotlib.rc_context():
        execute("01_cleaning", {"run": "ab", "raw_folder": str(folder), **window})
    left = {file.read_text() for file in paths.interim("ab").iterdir()}
    assert left == {"earlier"}
    assert not paths.processed("ab").exists()


def execute(book: str, parameters: dict) -> None:
    """Execute a notebook's code here and now, with these parameters."""
    content = json.loads(
        Path(paths.ROOT / f"notebooks/{book}.ipynb").read_text("utf-8")
    )
    names: dict = {}
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
            if "parameters" in cell["metadata"].get("tags", []):
                assert parameters.keys() <= names.keys()
                names |= parameters
