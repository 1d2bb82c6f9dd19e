"""What is offered: affinities, gaps and recommendations worked out by hand."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from helpers.activation import offers
from helpers.core.errors import TooLittle

LINES = pd.DataFrame(
    [
        ("a", "o1", "2024-01-01 10:00", "p1", 300, 0),
        ("a", "o1", "2024-01-01 10:00", "p2", 100, 50),
        ("a", "o2", "2024-01-31 23:59", "p1", 300, 0),
        ("b", "o3", "2024-01-15 09:00", "p3", 900, 0),
        ("b", "o4", "2024-02-01 00:00", "p1", 300, 0),
    ],
    columns=[
        *("customer_id", "order_id", "ordered_at", "product_id"),
        *("amount_cents", "coupon_cents"),
    ],
).astype({"ordered_at": "datetime64[us]"})
PRODUCTS = pd.DataFrame(
    {
        "product_id": ["p1", "p2", "p3"],
        "need_state": ["tea", "tea", "fuel"],
        "category": ["leaf", "leaf", "petrol"],
    }
)


@pytest.fixture
def files(tmp_path):
    LINES.to_parquet(tmp_path / "lines.parquet")
    PRODUCTS.to_parquet(tmp_path / "products.parquet")
    return {name: str(tmp_path / f"{name}.parquet") for name in ("lines", "products")}


def read(files, item=("category",), without=()):
    return offers.bought(
        duckdb.connect(),
        **files,
        item=item,
        without=without,
        first="2024-01-01",
        last="2024-01-31",
    )


def test_orders_and_sales_of_an_item_are_counted_inside_the_window(files):
    table = read(files)
    # the last minute of the last day counts, the day after does not, fuel is no good
    assert table.to_dict("records") == [
        {"customer_id": "a", "item": "leaf", "orders": 2, "sales": 7.5}
    ]


def test_an_item_is_named_by_all_its_columns_and_some_needs_are_never_offered(files):
    table = read(files, ["category", "need_state"])
    assert table["item"].unique().tolist() == ["leaf · tea"]
    assert read(files, without=["tea"]).empty
    assert offers.say("LOOSE LEAF · hot_drinks") == "loose leaf (hot drinks)"
    assert offers.say("tea") == "tea"


def test_customers_without_a_purchase_have_zero_orders(files):
    counts = offers.orders_with(read(files), customers=pd.Series(["b", "a"]))
    assert counts["leaf"].to_dict() == {"b": 0, "a": 2}


@pytest.fixture
def shop():
    """Two segments: the first buys tea, the second coffee; all buy bread."""
    rng = np.random.default_rng(3)
    ids = pd.Series(np.repeat([1, 2], 150), index=[f"c{i:03}" for i in range(300)])
    orders = pd.Series(20.0, index=ids.index)
    rates = {
        "tea": np.where(ids == 1, 0.4, 0.05),
        "coffee": np.where(ids == 1, 0.05, 0.4),
        "bread": np.full(300, 0.5),
    }
    counts = pd.DataFrame(
        {item: rng.binomial(20, rate) for item, rate in rates.items()}, ids.index
    )
    return counts.astype(float), orders, ids


def test_affinity_finds_what_a_segment_prefers_and_doubts_what_it_does_not(shop):
    counts, orders, ids = shop
    table = offers.affinity(counts, orders, segment_ids=ids, alpha=0.05)
    table = table.set_index(["segment_id", "item"])
    assert table.loc[(1, "tea"), "lift"] == pytest.approx(0.4 / 0.225, rel=0.05)
    assert table.loc[(1, "tea"), "shrunk_low"] > 1.5
    assert table.loc[(1, "tea"), "doubt"] < 1e-6
    assert table.loc[(1, "bread"), "doubt"] > 0.02
    shrunk, raw = np.log(table["shrunk"]), np.log(table["lift"])
    assert (shrunk.abs() <= raw.abs() + 1e-12).all()
    assert (np.sign(shrunk) == np.sign(raw)).all()


def test_a_gap_is_what_the_rate_of_all_would_bring_more():
    table = pd.DataFrame(
        {
            "segment_id": [1, 1],
            "item": ["tea", "bread"],
            "customers": [20, 90],
            "rate": [0.05, 0.5],
            "overall": [0.1, 0.5],
            "lift": [0.5, 1.0],
            "low": [0.4, 0.9],
            "high": [0.6, 1.1],
            "shrunk": [0.6, 1.0],
            "shrunk_low": [0.5, 0.9],
            "shrunk_high": [0.7, 1.1],
            "doubt": [0.0, 0.5],
        }
    )
    bought = pd.DataFrame(
        {"item": ["tea", "tea"], "orders": [3, 2], "sales": [10.0, 10.0]}
    )
    (row,) = offers.gaps(table, bought, orders=pd.Series({1: 1000})).to_dict("records")
    assert row["item"] == "tea"
    assert row["missing_orders"] == pytest.approx(1000 * 0.1 * 0.4)
    assert row["missing_sales"] == pytest.approx(40 * 4.0)


COUNTS = pd.DataFrame(
    [[1, 1, 0, 0], [2, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 3]],
    index=pd.Index(list("vwxyz"), name="customer_id"),
    columns=["bread", "butter", "nails", "hammer"],
    dtype=float,
)
LIFTS = pd.DataFrame(
    {"segment_id": [1, 1], "item": ["butter", "nails"], "shrunk": [1.0, 4.0]}
)
SEGMENTS = pd.Series(1, index=COUNTS.index)


def ways():
    return offers.scores(COUNTS, segment_ids=SEGMENTS, lifts=LIFTS)


def test_scores_by_popularity_segment_and_similar_items():
    found = ways()
    assert found["popularity"].loc["x"].to_dict() == {
        "bread": 3,
        "butter": 2,
        "nails": 2,
        "hammer": 1,
    }
    assert found["segment"].loc["x", "nails"] == 8
    near = found["similar items"]
    # x has bread: two of three who have it also have butter, which two have
    assert near.loc["x", "butter"] == pytest.approx(2 / np.sqrt(3 * 2))
    assert near.loc["x", "nails"] == 0


def test_only_what_was_not_bought_is_recommended_and_ties_keep_their_order():
    table = offers.recommend(ways()["popularity"], COUNTS, n=3)
    assert table[table["customer_id"] == "x"]["item"].tolist() == [
        *("butter", "nails", "hammer")
    ]
    assert table[table["customer_id"] == "v"]["item"].tolist() == ["nails", "hammer"]
    has = COUNTS.stack() > 0
    assert not has.loc[
        list(zip(table["customer_id"], table["item"], strict=True))
    ].any()


def test_hits_are_judged_among_customers_who_bought_something_new(monkeypatch):
    monkeypatch.setattr(offers, "MIN_JUDGES", 2)
    later = COUNTS * 0
    later.loc["x", "butter"] = 1  # new
    later.loc["y", "hammer"] = 2  # new
    later.loc["v", "bread"] = 1  # not new
    later["rope"] = 1.0  # unknown in training
    table = offers.judge(ways(), counts=COUNTS, later=later, n=[1, 2], alpha=0.05)
    table = table.set_index(["n", "way"])
    assert (table["customers"] == 2).all()
    # first by popularity: butter for x (a hit); bread for y (no hit)
    assert table.loc[(1, "popularity"), "hit_rate"] == 0.5
    # first by similar items: butter for x, and the hammer for y
    assert table.loc[(1, "similar items"), "hit_rate"] == 1.0
    assert table.loc[(1, "similar items"), "difference"] == 0.5
    assert table.loc[(2, "popularity"), "precision"] == 0.25
    assert table.loc[(1, "popularity"), "coverage"] == 0.5
    assert np.isnan(table.loc[(1, "popularity"), "p_adjusted"])


def test_no_way_beats_popularity_where_purchases_are_random():
    rng = np.random.default_rng(11)
    names = [f"i{j:02}" for j in range(30)]
    index = pd.Index([f"c{i:03}" for i in range(400)], name="customer_id")
    counts, later = (
        pd.DataFrame(rng.random((400, 30)) < 0.2, index, names).astype(float)
        for _ in range(2)
    )
    ids = pd.Series(rng.integers(1, 4, 400), index)
    lifts = offers.affinity(counts, pd.Series(10.0, index), segment_ids=ids, alpha=0.05)
    found = offers.judge(
        offers.scores(counts, segment_ids=ids, lifts=lifts),
        counts=counts,
        later=later,
        n=[1, 3, 5],
        alpha=0.05,
    )
    better = (found["p_adjusted"] < 0.05) & (found["difference"] > 0)
    assert not better.any()


def test_nothing_is_judged_by_a_handful_of_customers():
    with pytest.raises(TooLittle, match=r"later window \(found: 0\)"):
        offers.judge(ways(), counts=COUNTS, later=COUNTS, n=[1], alpha=0.05)


def test_without_segments_two_ways_are_left():
    found = offers.scores(COUNTS, segment_ids=SEGMENTS * 0, lifts=None)
    assert list(found) == ["popularity", "similar items"]


def test_where_all_buy_alike_no_lift_is_shrunk():
    counts = pd.DataFrame({"tea": [2.0] * 4, "rope": [1.0] * 4}, list("abcd"))
    orders = pd.Series(4.0, counts.index)
    ids = pd.Series([1, 1, 2, 2], counts.index)
    table = offers.affinity(counts, orders, segment_ids=ids, alpha=0.05)
    assert (table["lift"] == 1).all()
    assert table["shrunk_low"].isna().all()


def test_a_column_that_only_says_the_first_again_names_no_item(files):
    def telling(item):
        return offers.telling(duckdb.connect(), files["products"], item=item)

    # leaf is always tea and petrol always fuel, but there are three products
    assert telling(["category", "need_state"]) == ["category"]
    assert telling(["category", "product_id"]) == ["category", "product_id"]
    assert telling(["brand", "need_state"]) == ["need_state"]
    with pytest.raises(TooLittle, match=r"products \(brand\); it has none"):
        telling(["brand"])


def test_items_that_few_bought_are_not_compared():
    bought = pd.DataFrame(
        {
            "customer_id": list("abab"),
            "item": ["tea", "tea", "oil", "oil"],
            "orders": [1, 2, 3, 4],
        }
    )
    people = pd.Series(list("abc"))
    counts = offers.compared(bought, customers=people, min_buyers=2)
    assert counts.to_dict() == {
        "oil": {"a": 3, "b": 4, "c": 0},
        "tea": {"a": 1, "b": 2, "c": 0},
    }
    with pytest.raises(TooLittle, match=r"customers bought \(found: 0\)"):
        offers.compared(bought, customers=people, min_buyers=3)


def test_an_own_item_is_bought_by_enough_and_clearly_more_often():
    table = pd.DataFrame(
        {
            "segment_id": [1, 1, 1, 2],
            "item": ["rare", "tea", "oil", "tea"],
            "customers": [9, 40, 50, 30],
            "overall": [0.1, 0.1, 0.2, 0.1],
            "shrunk_low": [3.0, 1.5, 1.4, 0.9],
        }
    )
    sizes = pd.Series({1: 100, 2: 60})
    found = offers.own(table, sizes, min_share=0.1)
    assert found["item"].tolist() == ["oil", "tea"]
    with pytest.raises(TooLittle, match="none to call its own"):
        offers.own(table, sizes, min_share=0.6)


def test_hit_rates_of_all_but_a_few_are_not_told():
    table = pd.DataFrame(
        {"n": [1, 1, 10, 10], "way": ["popularity", "segment"] * 2, "customers": 100}
    ).assign(hit_rate=[0.4, 0.5, 0.99, 0.98])
    assert set(offers.tellable(table)["n"]) == {1}
    with pytest.raises(TooLittle, match="not compared"):
        offers.tellable(table[2:])
