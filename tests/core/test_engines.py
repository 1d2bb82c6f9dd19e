"""Engines: the same numbers from each, and a plain word where one cannot go on."""

import importlib.util
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from clustering.test_model import MODEL, ODD, PLAIN, READINGS, customers, renamed
from customer_table import test_model as of_a_table
from features.test_dictionary import (
    BOUGHT,
    LATER,
    OF_A_SUPPLIER,
    PRODUCTS,
    WINDOW,
    lines_of,
    supplied,
)

from helpers.activation import campaigns, messages, offers
from helpers.core import engines, store
from helpers.core.errors import BadInput
from helpers.customer_table import methods
from helpers.features import dictionary, holdout
from helpers.leads import typing_tool
from helpers.lifecycle import lifecycle_stages, retention, touchpoints
from helpers.runs import data_sufficiency


@pytest.fixture(params=["pyspark", "postgresql"])
def other(request, monkeypatch, tmp_path):
    """Open the engines that are not the default, where they are installed."""
    if request.param == "pyspark":
        if not (importlib.util.find_spec("pyspark") and shutil.which("java")):
            pytest.skip("pyspark or Java is not installed")
    else:
        address = request.getfixturevalue("postgresql")
        monkeypatch.setenv(engines.ADDRESS, address)
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    con = engines.connect(request.param, run="ab")
    yield con
    con.close()


@pytest.fixture
def usual(monkeypatch, tmp_path):
    """Open the engine of most runs."""
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    con = engines.connect("duckdb", run="ab")
    yield con
    con.close()


@pytest.fixture
def stored(tmp_path):
    """Give a function that saves tables and returns their paths."""

    def save(**tables):
        for name, table in tables.items():
            table.to_parquet(tmp_path / f"{name}.parquet")
        return {name: str(tmp_path / f"{name}.parquet") for name in tables}

    return save


def drawn(rng, *, buyers=60, lines=4_000):
    """Draw a shop's lines: seven weeks, odd cents, orders with several lines."""
    orders = rng.integers(0, lines // 6, lines)
    by_order = {
        "customer_id": rng.integers(0, buyers, lines),
        "minute": rng.integers(0, 49 * 24 * 60, lines),
        "store_id": rng.integers(0, 4, lines),
    }
    table = pd.DataFrame({"order_id": orders} | by_order)
    for name in by_order:
        table[name] = table.groupby("order_id")[name].transform("first")
    sales = rng.integers(0, 3_000, lines)
    coupon = rng.integers(0, 40, lines) * (rng.random(lines) < 0.1)
    return pd.DataFrame(
        {
            "line_id": np.arange(lines),
            "customer_id": "Käufer " + table["customer_id"].astype(str),
            "order_id": table["order_id"].astype(str),
            "ordered_at": pd.Timestamp("2017-02-20")
            + pd.to_timedelta(table["minute"], unit="min"),
            "product_id": rng.choice(PRODUCTS["product_id"], lines),
            "store_id": "s" + table["store_id"].astype(str),
            "quantity": rng.integers(1, 5, lines),
            "amount_cents": sales - coupon,
            "coupon_cents": coupon,
            "shelf_amount_cents": sales + rng.integers(0, 300, lines),
            "on_mailer": rng.random(lines) < 0.2,
            "on_display": rng.random(lines) < 0.1,
        }
    ).astype({"ordered_at": "datetime64[us]"})


def agree(found, expected):
    """Hold a table to another: the same rows, columns and types, numbers to 1e-9."""
    order = [c for c in expected if expected[c].dtype.kind not in "f"]
    tables = [t.sort_values(order, ignore_index=True) for t in (found, expected)]
    pd.testing.assert_frame_equal(*tables, rtol=1e-9, atol=1e-9, check_exact=False)


def test_each_engine_builds_the_same_features(usual, other, stored):
    lines = pd.concat([drawn(np.random.default_rng(5)), lines_of(BOUGHT)])
    # Names in any script, one longer than PostgreSQL's 63 bytes.
    named = {"pet_care": "c++", "baby": "स्वास्थ्य_और_सौंदर्य_उत्पाद"}
    products = PRODUCTS.replace({"need_state": named})
    shop = stored(lines=lines.reset_index(drop=True), products=products)
    expected = dictionary.build(usual, **shop, **WINDOW)
    assert {f"share_{need}" for need in named.values()} <= set(expected)
    assert len(expected) > 50 and expected["gap_variation"].notna().sum() > 15
    agree(dictionary.build(other, **shop, **WINDOW), expected)
    names = ["share_produce", "repeat_share", "main_store_share", "evening_share"]
    weeks = dictionary.halves(usual, columns=names, **shop, **WINDOW)
    assert set(weeks["half"]) == {"odd", "even"}
    agree(dictionary.halves(other, columns=names, **shop, **WINDOW), weeks)
    in_time = {"columns": names, "cut": "middle", **shop, **WINDOW}
    agree(dictionary.halves(other, **in_time), dictionary.halves(usual, **in_time))
    blocks = {"weeks": 2, "turn": "2017-03-05", **shop, **WINDOW}
    expected_blocks = dictionary.halves(usual, columns=names, **blocks)
    assert not expected_blocks.equals(weeks)
    agree(dictionary.halves(other, columns=names, **blocks), expected_blocks)
    asked = {"customers": expected["customer_id"], **shop, **LATER}
    agree(holdout.later(other, **asked), holdout.later(usual, **asked))


# A customer alone has more than one line.
@pytest.mark.parametrize("at_once", [pytest.param(1, marks=pytest.mark.slow), 300])
def test_features_do_not_hang_on_how_many_customers_are_taken_together(
    usual, stored, monkeypatch, at_once
):
    lines = pd.concat([drawn(np.random.default_rng(5)), lines_of(BOUGHT)])
    lines["customer_id"] = lines["customer_id"].replace("Käufer 7", "O'Käufer")
    shop = stored(lines=lines.reset_index(drop=True), products=PRODUCTS)

    def built():
        table = dictionary.build(usual, **shop, **WINDOW)
        weeks = dictionary.halves(usual, columns=["repeat_share"], **shop, **WINDOW)
        later = holdout.later(usual, customers=table["customer_id"], **shop, **LATER)
        return table, weeks, later

    expected = built()
    monkeypatch.setattr(engines.DuckDB, "LINES_AT_ONCE", at_once)
    for found, whole in zip(built(), expected, strict=True):
        pd.testing.assert_frame_equal(found, whole, check_exact=True)
    held = usual.execute("select distinct customer_id from order_rows").fetchall()
    assert 0 < len(held) < len(expected[0]) / 3  # those of the last part alone


def test_unknown_products_are_counted_over_all_customers(usual, stored, monkeypatch):
    monkeypatch.setattr(engines.DuckDB, "LINES_AT_ONCE", 1)
    lines = lines_of(BOUGHT)
    unknown = lines["customer_id"].isin(["ann", "bob"]) & lines["product_id"].eq(
        "apple"
    )
    lines.loc[unknown, "product_id"] = "pear"
    window = lines["ordered_at"].between("2017-03-01", "2017-03-10 23:59:59")
    assert lines[unknown & window]["customer_id"].nunique() == 2
    shop = stored(lines=lines, products=PRODUCTS)
    told = (
        f"product_id of {(unknown & window).sum()} lines has no row in table products"
    )
    with pytest.raises(BadInput, match=told):
        dictionary.build(usual, **shop, **WINDOW)


def test_each_engine_builds_the_same_features_of_a_supplier(usual, other, stored):
    tables = stored(**supplied())
    expected = dictionary.build(usual, **tables, **WINDOW)
    assert set(OF_A_SUPPLIER) < set(expected)
    agree(dictionary.build(other, **tables, **WINDOW), expected)
    names = [name for name in OF_A_SUPPLIER if name not in {"lead_days"}]
    weeks = dictionary.halves(usual, columns=names, **tables, **WINDOW)
    agree(dictionary.halves(other, columns=names, **tables, **WINDOW), weeks)


def test_each_engine_reads_the_same_of_the_lines(usual, other, stored):
    rng = np.random.default_rng(6)
    products = PRODUCTS.assign(category="all\u00a0sorts")
    shop = stored(lines=drawn(rng), products=products)
    lines, window = {"lines": shop["lines"]}, WINDOW
    queries = [
        lambda con: lifecycle_stages.order_days(con, **shop, last="2017-03-20"),
        lambda con: touchpoints.in_orders(con, **shop, needs=["produce", "alcohol"]),
        lambda con: messages.orders(con, **lines, **window, begins={"morning": 5}),
        lambda con: offers.bought(
            con, **shop, item=["category", "need_state"], without=["tobacco"], **window
        ),
        lambda con: typing_tool.first_orders(
            con, **shop, **window, orders=2
        ).reset_index(),
        lambda con: campaigns.period_sales(
            con,
            **lines,
            customers=pd.Series([f"Käufer {n}" for n in range(60)], name="customer_id"),
            starts_on=pd.Timestamp("2017-03-20"),
            days=7,
            before=9,
        ).rename(columns=str),
        lambda con: data_sufficiency.facts(
            con,
            shop,
            first="2017-02-20",
            last="2017-03-10",
            later="2017-03-20",
            min_orders=2,
            min_lines=5,
        ).to_frame("found"),
    ]
    for query in queries:
        expected = query(usual)
        assert len(expected)
        agree(query(other), expected)


def test_each_engine_follows_the_same_campaigns_and_contracts(usual, other, stored):
    days = {
        name: pd.to_datetime(values).astype("datetime64[us]")
        for name, values in {
            "starts_on": ["2017-03-01", "2017-03-12"],
            "ends_on": ["2017-03-09", "2017-03-19"],
            "responded_on": ["2017-03-05", "2017-03-13"],
        }.items()
    }
    campaign, people = ["c1", "c2"], ["ann", "bob"]
    tables = stored(
        campaigns=pd.DataFrame(
            {"campaign_id": campaign, "starts_on": days["starts_on"]}
        ),
        contacts=pd.DataFrame(
            {
                "campaign_id": [*campaign, "c2"],
                "customer_id": [*people, "eve"],
                "arm": ["treated", "treated", "control"],
            }
        ),
        responses=pd.DataFrame(
            {
                "campaign_id": campaign,
                "customer_id": people,
                "responded_on": days["responded_on"],
            }
        ),
        **supplied(),
    )
    asked = pd.Series(["ann", "bob", "cid", "eve"], name="customer_id")
    contracts = pd.DataFrame(
        {
            "contract_id": campaign,
            "customer_id": people,
            "starts_on": days["starts_on"],
            "ends_on": days["ends_on"],
            "renewed": [True, False],
        }
    )
    followed = {name: tables[name] for name in ("campaigns", "contacts", "responses")}
    beside = {name: tables[name] for name in ("lines", "interactions", "surveys")}
    queries = [
        lambda con: holdout.redeemed(con, customers=asked, **followed, **LATER),
        lambda con: holdout.redemptions(
            con, customers=asked, responses=tables["responses"], **WINDOW
        ),
        lambda con: retention.contract_facts(
            con, contracts, **beside, support="support ticket", recommend="recommend"
        ),
    ]
    for query in queries:
        agree(query(other), query(usual))
    assert queries[0](usual)["holdout_redeemed"].tolist() == [False, True, False, False]
    assert queries[1](usual)["past_redemptions"].tolist() == [1, 0, 0, 0]
    # ann's ticket of the 9th was never answered; the last recommendation came later
    facts = queries[2](usual).iloc[0]
    assert facts[["response_hours", "tickets", "recommendation"]].tolist() == [1, 2, 8]


def native(con, query):
    """Run a query that is written in the engine's own dialect."""
    if isinstance(con, engines.Spark):
        return con._session.sql(query).toArrow().to_pandas()
    rows = con._con.execute(query)
    return pd.DataFrame(rows.fetchall(), columns=[c.name for c in rows.description])


@pytest.mark.parametrize("names", [{}, ODD], ids=["plain", "odd"])
def test_an_engine_gives_the_segments_that_assign_gives(other, names):
    dialect = "spark" if isinstance(other, engines.Spark) else "postgres"
    # ties but for the last digit; whole numbers that must not be divided as such
    tied = [{"share_b": 0.25 + nudge} for nudge in (-3e-16, 0, 3e-16)]
    tied += [{"share_a": 1.0, "share_b": 0.25}, {"recency_days": 19}]
    on_ties = customers(*tied).astype({"gap_mean_days": int})
    for number, (model, table) in enumerate(
        [renamed(names), (MODEL, on_ties), (PLAIN, on_ties)]
    ):
        other.register(f"people_{number}", table)
        found = native(other, model.to_sql(f"people_{number}", dialect))
        found = found.sort_values("customer_id", ignore_index=True)
        expected = model.assign(table).sort_values("customer_id", ignore_index=True)
        for reading in READINGS:
            assert found[reading].tolist() == expected[reading].tolist()


@pytest.mark.parametrize("method", of_a_table.RULES)
def test_an_engine_gives_the_segments_of_a_customer_table(other, method):
    dialect = "spark" if isinstance(other, engines.Spark) else "postgres"
    drawn, table = of_a_table.drawn_model(method)
    twins = methods.Rule(method, 4, of_a_table.TWINS[method])
    tied = of_a_table.customers(
        *((4 + nudge, 1, "north") for nudge in (-4e-16, 0, 4e-16)), (2, 1, "north")
    )
    by_hand = of_a_table.by_hand(method)
    read = [
        (drawn, table),
        (by_hand, of_a_table.PEOPLE),
        (replace(by_hand, rule=twins), tied),
        (replace(by_hand, rule=None, value_column=""), tied),
    ]
    for number, (model, people) in enumerate(read):
        other.register(f"table_{number}", people)
        found = native(other, model.to_sql(f"table_{number}", dialect))
        found = found.set_index("customer_id").loc[people["customer_id"]]
        expected = model.assign(people)
        for reading in of_a_table.READINGS:
            assert found[reading].tolist() == expected[reading].tolist()


def test_what_a_user_does_is_said_where_an_engine_is_not_there(monkeypatch):
    monkeypatch.delenv(engines.ADDRESS, raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for engine, doing in {
        "pyspark": "`make spark`",
        "postgresql": "`export STUDY_POSTGRESQL=postgresql://user@server/database`",
    }.items():
        said = engines.missing(engine)
        assert said.startswith(f"engine {engine} ") and doing in said
        with pytest.raises(BadInput) as refused:
            engines.connect(engine, run="ab")
        assert str(refused.value) == said[0].upper() + said[1:]
    assert engines.missing("duckdb") is None


def test_a_database_that_does_not_answer_is_named_by_its_variable(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    monkeypatch.setenv(engines.ADDRESS, f"host={tmp_path} dbname=none")
    with pytest.raises(BadInput, match=f"The database that {engines.ADDRESS} leads to"):
        engines.connect("postgresql", run="ab")


def test_a_copy_in_the_database_follows_its_file(postgresql, monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    monkeypatch.setenv(engines.ADDRESS, postgresql)
    file = tmp_path / "products.parquet"
    frame = pd.DataFrame({"product_id": ["ä,", "", None, 'b"'], "brand": list("wxyz")})
    for rows in (4, 2):
        frame.head(rows).to_parquet(file)
        con = engines.connect("postgresql", run="ab")
        found = con.execute("select * from read_parquet(?)", [str(file)]).df()
        pd.testing.assert_frame_equal(found, frame.head(rows), check_dtype=False)
        con.close()


@pytest.mark.parametrize(
    ("kind", "engine"),
    [
        (pa.list_(pa.string()), "postgresql"),
        (pa.time64("us"), "postgresql"),
        (pa.time64("us"), "pyspark"),
        (pa.timestamp("ns"), "pyspark"),
    ],
)
def test_a_type_that_an_engine_cannot_read_is_named(kind, engine, tmp_path):
    file = tmp_path / "lines.parquet"
    table = pa.table({"customer_id": ["a"], "odd": pa.nulls(1, kind)})
    parquet.write_table(table, file)
    with pytest.raises(BadInput) as refused:
        engines._refuse_types(str(file), engine)
    kind = parquet.read_schema(file).field("odd").type
    assert str(refused.value).startswith(
        f"Table lines: column odd is of type {kind}, which engine {engine} cannot read."
    )


def test_a_full_disk_is_said_and_the_earlier_table_stays(usual, stored, monkeypatch):
    rows = pd.concat([drawn(np.random.default_rng(7), lines=60_000)] * 2)
    rows["order_id"] = np.arange(len(rows)).astype(str)
    shop = stored(lines=rows, products=PRODUCTS)
    earlier = dictionary.build(usual, **shop, **WINDOW)
    store.write(earlier, "features", run="ab")
    usual.execute("set memory_limit = '12MB'")
    usual.execute("set max_temp_directory_size = '1MB'")
    with pytest.raises(BadInput, match="The disk is full: DuckDB needed more of it"):
        store.write(dictionary.build(usual, **shop, **WINDOW), "features", run="ab")
    saved = store.path("features", run="ab")
    pd.testing.assert_frame_equal(pd.read_parquet(saved), earlier)
    assert [file.name for file in saved.parent.iterdir()] == [saved.name]


def test_what_exceeds_memory_lies_in_a_folder_that_goes_with_the_connection(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    monkeypatch.setattr(engines, "MEMORY", "12MB")
    con = engines.connect("duckdb", run="ab")
    [folder] = (tmp_path / "build/runs/ab").glob("study-*")
    con.execute("create temp table t as select range as n from range(3000000)")
    assert sum(file.stat().st_size for file in folder.iterdir()) > 1e6
    assert con.execute("select sum(n) from t").fetchall() == [(4499998500000,)]
    con.close()
    assert not folder.exists()


def test_an_unknown_engine_is_refused_by_the_run_file(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="duckdb, pyspark, postgresql, not 'dask'"):
        engines.connect("dask", run="ab")


@pytest.mark.parametrize("name", ["x[1]", "a*c", "b?d", "[x]*"])
def test_a_file_means_itself_whatever_pattern_its_folder_is(usual, name, tmp_path):
    beside = {"x[1]": "x1", "a*c": "abc", "b?d": "bcd", "[x]*": "xy"}[name]
    for number, folder in enumerate((name, beside)):
        (tmp_path / folder).mkdir()
        pd.DataFrame({"a": [number]}).to_parquet(tmp_path / folder / "lines.parquet")
    file = str(tmp_path / name / "lines.parquet")
    for sql, values in (
        ("from read_parquet($file)", {"file": file}),
        ("from read_parquet(?)", [file]),
        (f"from read_parquet({engines.quoted(file)})", None),
    ):
        assert usual.execute(sql, values).fetchall() == [(0,)]


def test_nothing_is_fetched_for_what_a_query_asks(usual):
    kinds = "read_xlsx('a.xlsx')", "'https://a.example/a.parquet'"
    for kind in kinds:  # no sentence of an extension that was looked for in the network
        with pytest.raises(Exception, match=r"(?i)extension") as told:
            usual.execute(f"from {kind}")
        assert "failed to download" not in str(told.value).lower()
