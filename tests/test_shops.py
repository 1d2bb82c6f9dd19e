"""Shops whose truth is known: the maker counts right, and the study ends truly on them."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import shop_design
import shop_runs
import shops
import statements
import yaml

MADE = {
    name: shops.make(name, name=name)
    for name in ("plain", "returns", "negative", "whale", "tier_kind", "noise", "forty")
}


def by_hand(shop):
    """Clean the written lines by the rules of notebook 1, read from the file's text."""
    lines = shop.tables["lines"].astype(str)
    price = "unit_price" if "unit_price" in lines else "paid"
    cents = (lines[price].astype(float) * 100).round().astype(int)
    lines["cents"] = cents * (lines["pieces"].astype(int) if price != "paid" else 1)
    lines = lines[~lines.duplicated()]
    lines = lines[lines["customer"] != ""]
    if "cancellation or return" not in shop.temper.kept:
        back = lines[lines["cents"] < 0]
        undone = back[["customer", "item"]].apply(tuple, axis=1)
        lines = lines[
            ~lines[["customer", "item"]].apply(tuple, axis=1).isin(set(undone))
        ]
    if "no price" not in shop.temper.kept:
        lines = lines[lines["cents"] != 0]
    return lines


@pytest.mark.parametrize("name", MADE)
def test_the_truth_is_what_a_count_of_the_file_gives(name):
    shop, truth = MADE[name], MADE[name].truth
    lines = by_hand(shop)
    assert truth.received == len(shop.tables["lines"])
    assert truth.lines == len(lines) == truth.received - sum(truth.reasons.values())
    assert truth.customers == lines["customer"].nunique()
    assert truth.orders == lines["order"].nunique()
    assert truth.sales_cents == lines["cents"].sum()
    sums = lines.groupby("customer")["cents"].sum().sort_values()
    assert truth.largest_share == pytest.approx(sums.iloc[-1] / sums.sum())
    fifth = sums.tail(round(len(sums) / 5))
    assert truth.top_fifth_share == pytest.approx(fifth.sum() / sums.sum())
    orders = lines.groupby("customer")["order"].nunique()
    assert truth.repeat_share == pytest.approx((orders > 1).mean())


def test_who_comes_back_is_counted_in_the_later_window_only():
    shop = MADE["forty"]
    first, last, later = shop.windows.values()
    lines = by_hand(shop).assign(day=lambda table: table["when"].str[:10])
    before = lines[lines["day"].between(first, last)]
    after = lines[(lines["day"] > last) & (lines["day"] <= later)]
    found = shop.truth.holdout(first, last, later)
    assert found["customers"] == before["customer"].nunique()
    assert found["cents"] == before["cents"].sum()
    back = set(before["customer"]) & set(after["customer"])
    assert found["returning"] == pytest.approx(len(back) / found["customers"])
    sums = before.groupby("customer")["cents"].sum()
    high = sums.index[sums >= sums.quantile(0.8)]
    held = after[after["customer"].isin(high)]["cents"].sum()
    everyone = after[after["customer"].isin(sums.index)]["cents"].sum()
    assert found["high_later"] == pytest.approx(held / everyone)


def test_a_seed_gives_the_same_shop_and_another_seed_another():
    again, other = (shops.make("plain", name="plain", seed=seed) for seed in (0, 1))
    for name, table in MADE["plain"].tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])
    assert again.run_file == MADE["plain"].run_file
    assert other.truth.sales_cents != again.truth.sales_cents


def test_kinds_lie_as_far_apart_as_the_temper_says():
    """Favourites of a kind are what its customers buy more of than the others do."""
    shop = MADE["plain"]
    assert shop.truth.apart == pytest.approx(3, abs=0.1)
    clean = shop.truth.clean
    early = clean[clean["day"] <= shop.windows["train_end"]]
    sales = early.pivot_table(
        index="customer",
        columns="category",
        values="cents",
        aggfunc="sum",
        fill_value=0,
    )
    roots = np.sqrt(sales.div(sales.sum(axis=1), axis=0))
    kinds = shop.truth.kinds[roots.index]
    means, within = (
        roots.groupby(kinds).mean(),
        roots.groupby(kinds).var().mean() ** 0.5,
    )
    steps = [
        means.loc[kind].sub(means.drop(kind).mean()).div(within).nlargest(2).mean()
        for kind in means.index
    ]
    assert np.mean(steps) == pytest.approx(3, abs=0.3)


def test_tempers_do_what_they_are_called():
    assert MADE["whale"].truth.largest_share == pytest.approx(0.5, abs=0.02)
    kinds = MADE["tier_kind"].truth.kinds
    cents = MADE["tier_kind"].truth.by_customer()["cents"]
    rich = cents.nlargest((kinds == 0).sum()).index
    assert (kinds[rich] == 0).mean() > 0.95
    assert (MADE["negative"].truth.by_customer()["cents"] < 0).mean() > 0.05
    assert set(MADE["returns"].truth.reasons) == {
        "exact copy",
        "no customer",
        "cancellation or return",
        "purchase cancelled later",
        "no price",
    }
    alike = shops.make("alike", name="alike").truth.by_customer()
    assert not (alike - alike.iloc[0]).to_numpy().any()
    equal = shops.make("equal_sales", name="equal_sales")
    for days in ([], list(equal.windows.values())[:2]):
        assert np.ptp(equal.truth.by_customer(*days)["cents"]) == 0


def test_a_run_file_leaves_the_windows_out_where_the_temper_says_so():
    given = yaml.safe_load(MADE["plain"].run_file)
    left = yaml.safe_load(shops.make("no_windows", name="no_windows").run_file)
    assert given["02_feature_engineering"]["train_end"] == "2022-12-03"
    assert "02_feature_engineering" not in left
    assert "coverage_start" not in left["01_cleaning"]


def test_all_pairs_of_tempers_meet_in_forty_shops():
    rows = shop_design.design()
    assert len(rows) <= 40
    met = set().union(*map(shop_design._met, rows))
    assert {frozenset(pair) for pair in shop_design.pairs()} <= met
    assert rows == shop_design.design()
    assert len(shop_design.whole()) == 40 and len(shop_design.recovery()) == 200


# Statements.

TRUE = {
    "counts": "14,477 lines, 3,872 orders, 200 customers, €143,117 sales; all kept.",
    "lasting": "Put budget by value tier: it lasts.",
    "currency": "They spend €1,289 a customer.",
    "shares": "34% of customers change.",
    "days": "Sales from 2022-02-07 to 2022-12-03.",
}


@pytest.fixture
def told(tmp_path):
    """Give a run that has decided on three natural segments."""
    told = statements.Told(tmp_path, MADE["plain"])
    told.decision = {"k": 3, "verdict": "natural"}
    return told


def test_a_true_statement_holds_and_a_false_one_is_denied(told):
    truth = told.truth
    right = (
        f"{truth.lines:,} lines, {truth.orders:,} orders, {truth.customers:,} customers, "
        f"€{truth.sales_cents / 100:,.0f} sales."
    )
    assert statements.counts(right, told) == ""
    wrong = right.replace(f"{truth.orders:,} orders", f"{truth.orders + 1:,} orders")
    assert "the truth is" in statements.counts(wrong, told)
    assert statements.counts("Nothing is counted here.", told) is None


@pytest.mark.parametrize(
    ("rule", "said", "denied"),
    [
        ("currency", "They spend €1,289 a customer.", False),
        ("currency", "They spend $1,289 a customer.", True),
        ("shares", "34% of customers change.", False),
        ("shares", "134% of customers change.", True),
        ("days", "Sales from 2022-02-07 to 2022-12-03.", False),
        ("days", "Sales from 2017-01-01 to 2017-09-24.", True),
        ("kind_of_segments", "Use 3 needs segments: they stand apart.", False),
        ("kind_of_segments", "Use 4 needs segments: they stand apart.", True),
        ("kind_of_segments", "Verdict: constructive.", True),
        ("groceries", "Fuel and gift cards are left out.", True),
        ("groceries", "Needs are left out.", None),
        ("unfinished", "0 lines were set aside: .", True),
        ("unfinished", "Sales are €nan.", True),
        ("unfinished", "None in the counts: every step adds up.", None),
        ("unfinished", "0 of 0 customers.", True),
        ("unfinished", "{customers} customers.", True),
        ("advice", "Choose offers by segment.", False),
    ],
)
def test_rules_tell_true_from_false(told, rule, said, denied):
    answer = getattr(statements, rule)(said, told)
    assert (bool(answer) if answer is not None else None) == denied


def test_advice_by_segment_is_denied_without_usable_segments(told):
    for decision in (
        {"k": 3, "verdict": "not usable"},
        {"k": None, "verdict": "not looked for"},
    ):
        told.decision = decision
        for said in (
            "Choose offers by segment, and let borderline customers get either.",
            "Give each segment its offer on a random half.",
            "Plan offers for 3 needs segments: A, B and C.",
        ):
            assert statements.advice(said, told)
        assert not statements.advice("Do not choose offers by segment.", told)


def test_a_tier_that_fades_is_not_called_lasting(told):
    told.holdout = told.holdout | {"high_later": 0.2}
    assert statements.lasting("It separates worth, and it lasts.", told)
    told.holdout = told.holdout | {"high_later": 0.5}
    assert statements.lasting("It separates worth, and it lasts.", told) == ""


# Whole runs: each page is made, and no sentence is denied.

WHOLE = (
    *("copula", "whale", "tier_kind", "returns", "noise", "markup", "rare"),
    *("scripts", "one_order_each", "no_categories", "alike", "ten_days"),
    *("a_dozen", "empty_leads"),
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run the shops two at a time; give how each ended, and the copy of the project."""
    folder = shop_runs.project(tmp_path_factory.mktemp("shops"))
    tempers = {name: shops.TEMPERS[name] for name in WHOLE}
    found = shop_runs.side_by_side(folder, tempers)
    return folder, {shop.name: (shop, ended) for shop, ended in found}


@pytest.mark.runs
@pytest.mark.parametrize("name", WHOLE)
def test_a_shop_of_any_temper_reaches_the_end_and_its_pages_tell_the_truth(runs, name):
    folder, found = runs
    shop, ended = found[name]
    assert ended.code == 0, ended.printed
    checked = statements.check(folder, shop)
    assert not checked.denied, "\n".join(checked.denied)
    assert checked.read > 1000 and checked.held > 30


@pytest.mark.runs
def test_a_false_sentence_is_caught_on_a_page_and_in_a_finding(runs, tmp_path):
    folder, found = runs
    shop, _ = found["copula"]
    for part in ("reports", "data/processed", "data/interim"):
        shutil.copytree(folder / part / shop.name, tmp_path / part / shop.name)
    before = set(statements.check(tmp_path, shop).denied)
    page = tmp_path / "reports" / shop.name / "05_lifecycle_journey.html"
    html = page.read_text("utf-8")
    page.write_text(
        html.replace("</main>", "<p>Each spends $9 a week.</p></main>"), "utf-8"
    )
    file = tmp_path / "data/processed" / shop.name / "findings/01_cleaning.json"
    rows = json.loads(file.read_text("utf-8"))
    right = f"{shop.truth.orders:,} orders"
    assert any(right in row["size"] for row in rows)
    for row in rows:
        row["size"] = row["size"].replace(right, f"{shop.truth.orders + 7:,} orders")
    file.write_text(json.dumps(rows), "utf-8")
    caught = set(statements.check(tmp_path, shop).denied) - before
    assert {re.match(r"[\w/]+", one)[0] for one in caught} == {
        "05_lifecycle_journey",
        "findings/01_cleaning",
    }


@pytest.mark.runs
def test_bad_input_stops_with_one_sentence_before_notebook_2_ends(runs):
    folder, _ = runs
    shop = shops.make("two_customers", name="two_customers")
    shop_runs.write(shop, folder)
    with shop_runs.Quick(folder) as quick:
        ended = quick(shop.name, until="02")
    assert ended.refused and len(ended.errors) == 1, ended.printed
    assert shop.temper.refused in ended.errors[0]
