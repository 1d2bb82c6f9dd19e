"""Find what to offer: what a segment buys more or less, and what a customer buys next."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from helpers.core import engines
from helpers.core.engines import Engine, quoted
from helpers.core.errors import TooLittle
from helpers.core.schema import APART
from helpers.disclosure.suppression import MIN_CELL, numbers
from helpers.display import tables
from helpers.statistics import intervals

BETWEEN = " · "  # between the columns that name an item
POPULARITY = "popularity"  # what everybody buys: the rule to beat
SEGMENT = "segment"
MIN_JUDGES = 10  # customers who buy anything new, or nothing is judged by them
# How a way of recommending does beside popularity, wins first.
BEATS, LOSES, DEPENDS, SAME = VERDICTS = ("beats", "loses", "depends", "same")


def bought(
    con: Engine,
    *,
    lines: str,
    products: str,
    item: Sequence[str],
    without: Sequence[str],
    first: str,
    last: str,
) -> pd.DataFrame:
    """Count in how many orders from `first` to `last` each customer bought each item.

    The columns of products in `item` together name it; what is missing in one of them
    is passed over. Need states in `without` are never offered, as those that are no
    goods. Returns customer_id, item (joined by a middle dot), orders, sales (currency),
    sorted.
    """
    named = ", ".join(f'"{name}"::varchar' for name in item)
    never = ", ".join(map(quoted, [*APART, *without]))
    return con.execute(
        f"""with offered as (
            select product_id, concat_ws('{BETWEEN}', {named}) as item
            from read_parquet($products)
            where need_state not in ({never}))
        select customer_id, item, count(distinct order_id) as orders,
            sum(amount_cents + coupon_cents) / 100.0 as sales
        from read_parquet($lines) join offered using (product_id)
        where ordered_at >= $first::date and ordered_at < $last::date + 1 and item <> ''
        group by customer_id, item order by customer_id, item""",
        {"lines": lines, "products": products, "first": first, "last": last},
    ).df()


def telling(con: Engine, products: str, *, item: Sequence[str]) -> list[str]:
    """Choose the columns of products that name an item and do not only say it again.

    Of `item`, those that products lack are passed over, and so is a column each of
    whose values goes with one of the first column, and the other way round. Raises
    TooLittle if products have none of them.
    """
    there = engines.columns(products)
    found = [name for name in item if name in there]
    if not found:
        raise TooLittle(
            f"Items need a column of table products ({', '.join(item)}); it has none."
        )
    kept = found[:1]
    for name in found[1:]:
        a, b = f'"{found[0]}"::varchar', f'"{name}"::varchar'
        counts = con.execute(
            f"""select count(distinct {a}), count(distinct {b}),
                count(distinct concat_ws('{BETWEEN}', {a}, {b}))
            from read_parquet($products) where {a} is not null""",
            {"products": products},
        ).fetchall()[0]
        kept += [name] if len(set(counts)) > 1 else []
    return kept


def say(item: str) -> str:
    """Put an item's name in words: MILK · dairy_eggs is milk (dairy eggs)."""
    first, *more = item.lower().replace("_", " ").split(BETWEEN)
    return f"{first} ({', '.join(more)})" if more else first


def orders_with(bought: pd.DataFrame, *, customers: pd.Series) -> pd.DataFrame:
    """Turn `bought` into orders that hold the item: customers by items, 0 for none."""
    table = bought.pivot(index="customer_id", columns="item", values="orders")
    return table.reindex(customers).fillna(0.0).sort_index(axis=1)


def compared(
    bought: pd.DataFrame, *, customers: pd.Series, min_buyers: int
) -> pd.DataFrame:
    """Take `orders_with` of the items that `min_buyers` bought; TooLittle below two."""
    buyers = bought["item"].map(bought.groupby("item")["customer_id"].nunique())
    counts = orders_with(bought[buyers >= min_buyers], customers=customers)
    counts = counts.loc[:, counts.sum() > 0]
    if counts.shape[1] < 2:
        raise TooLittle(
            f"Items need two that {min_buyers} customers bought (found: {counts.shape[1]})."
        )
    return counts


def affinity(
    counts: pd.DataFrame, orders: pd.Series, *, segment_ids: pd.Series, alpha: float
) -> pd.DataFrame:
    """Say which items a segment's orders hold more or less often than all orders.

    Returns segment_id, item, customers (of the segment, who bought it), rate (share of
    its orders that hold it), overall (share of all orders), lift with low and high,
    shrunk with shrunk_low and shrunk_high, doubt (chance that the true lift lies on the
    other side of 1; Stephens (2017), False discovery rates: a new deal). Shrinking
    pulls the logarithms of lifts towards 0 by as much as they look like noise: because
    all are shrunk, the largest can be picked without choosing the luckiest. Missing
    where the segment never bought the item, or where nobody's share differs. Raises
    TooLittle for a single segment.
    """
    if segment_ids.nunique() < 2:
        raise TooLittle(
            "Segments are compared where there are two of ten customers or more "
            f"(found: {segment_ids.nunique()})."
        )
    table = intervals.lifts(counts, orders, groups=segment_ids, alpha=alpha)
    table = table.rename(columns={"group": "segment_id"})
    some = table["error"] > 0
    if not some.any():
        nothing = ["shrunk", "shrunk_low", "shrunk_high", "doubt"]
        return table.assign(**dict.fromkeys(nothing, np.nan)).drop(columns="error")
    pulled = intervals.shrink(
        np.log(table.loc[some, "lift"]), table.loc[some, "error"], centre=0.0
    ).set_index(table.index[some])
    reach = stats.norm.ppf(1 - alpha / 2) * pulled["error"]
    table["shrunk"] = np.exp(pulled["shrunk"])
    table["shrunk_low"] = np.exp(pulled["shrunk"] - reach)
    table["shrunk_high"] = np.exp(pulled["shrunk"] + reach)
    distance = pulled["shrunk"].abs() / pulled["error"].where(pulled["error"] > 0)
    table["doubt"] = pd.Series(stats.norm.sf(distance.fillna(0)), pulled.index)
    return table.drop(columns="error")


def own(affinity: pd.DataFrame, sizes: pd.Series, *, min_share: float) -> pd.DataFrame:
    """Choose the items that a segment clearly prefers, by segment.

    Kept are rows of `affinity` bought by `min_share` of the segment (`sizes`) and ten
    customers, whose whole shrunk interval lies above 1; first those that are in most
    orders beyond the average, at its lower end. Raises TooLittle if there is none.
    """
    enough = affinity["customers"] / affinity["segment_id"].map(sizes) >= min_share
    enough &= affinity["customers"] >= MIN_CELL
    table = affinity[enough & (affinity["shrunk_low"] > 1)]
    if table.empty:
        raise TooLittle(
            "No segment buys an item clearly more often than all customers: there is none "
            "to call its own."
        )
    more = table["overall"] * (table["shrunk_low"] - 1)
    order = ["segment_id", "more"]
    return table.assign(more=more).sort_values(order, ascending=[True, False])


def gaps(
    affinity: pd.DataFrame, bought: pd.DataFrame, *, orders: pd.Series
) -> pd.DataFrame:
    """Say what a segment buys too little of, in orders and sales it falls short by.

    Returns for each segment the three items of `affinity`, bought by ten of its
    customers, whose whole shrunk interval lies below 1, that fall short most, with missing_orders and missing_sales (currency) up to what all customers'
    rate would give of a segment's `orders`. A gap is room for a test, not a forecast:
    who buys little of a thing may not want it.
    """
    worth = bought.groupby("item")[["sales", "orders"]].sum()
    worth = worth["sales"] / worth["orders"]
    enough = affinity["customers"] >= MIN_CELL
    table = affinity[enough & (affinity["shrunk_high"] < 1)].copy()
    if table.empty:
        raise TooLittle(
            "No segment buys clearly too little of an item that ten of its customers bought."
        )
    short = (1 - table["shrunk"]) * table["overall"]
    table["missing_orders"] = short * table["segment_id"].map(orders)
    table["missing_sales"] = table["missing_orders"] * table["item"].map(worth)
    order = ["segment_id", "missing_sales"]
    table = table.sort_values(order, ascending=[True, False], ignore_index=True)
    left_out = ["lift", "low", "high", "doubt"]
    return table.drop(columns=left_out).groupby("segment_id").head(3)


def scores(
    counts: pd.DataFrame, *, segment_ids: pd.Series, lifts: pd.DataFrame | None
) -> dict[str, pd.DataFrame]:
    """Score every item for every customer in three ways, or in two without lifts.

    `lifts` is the output of `affinity`, from the same window as `counts`. Returns way
    -> scores, of the shape of `counts`. popularity: customers who bought the item;
    segment: popularity times the segment's shrunk lift; similar items: sum over the
    customer's items of the cosine between them and the item, over customers who bought
    (Sarwar, Karypis, Konstan and Riedl (2001), Item-based collaborative filtering).
    """
    has = (counts > 0).astype(float)
    popular = has.sum()
    length = np.sqrt(popular.clip(lower=1))
    cosine = (has.T @ has) / np.outer(length, length)
    cosine = cosine.mask(np.eye(len(cosine), dtype=bool), 0.0)
    everybody = pd.DataFrame(1.0, counts.index, counts.columns) * popular
    ways = {POPULARITY: everybody}
    if lifts is not None:
        table = lifts.pivot(index="segment_id", columns="item", values="shrunk")
        factors = table.reindex(index=segment_ids, columns=counts.columns).fillna(1.0)
        ways[SEGMENT] = everybody * factors.to_numpy()
    return ways | {"similar items": has @ cosine}


def recommend(scores: pd.DataFrame, counts: pd.DataFrame, *, n: int) -> pd.DataFrame:
    """Choose the n best items that a customer has not bought yet.

    Returns customer_id, rank (from 1), item; fewer where a customer has bought nearly
    everything. Ties fall to the item that comes first.
    """
    open_ = scores.where(counts == 0, -np.inf).to_numpy()
    order = np.argsort(-open_, axis=1, kind="stable")[:, :n]
    best = np.take_along_axis(open_, order, axis=1)
    table = pd.DataFrame(
        {
            "customer_id": np.repeat(counts.index, order.shape[1]),
            "rank": np.tile(np.arange(1, order.shape[1] + 1), len(counts)),
            "item": counts.columns.to_numpy()[order.ravel()],
        }
    )
    return table[np.isfinite(best.ravel())].reset_index(drop=True)


def judge(
    ways: Mapping[str, pd.DataFrame],
    *,
    counts: pd.DataFrame,
    later: pd.DataFrame,
    n: Sequence[int],
    alpha: float,
) -> pd.DataFrame:
    """Judge recommendations by what customers bought for the first time `later`.

    Ways are as from `scores`; the same customers get each n of items. Returns n, way,
    customers (who bought anything new later), hit_rate (share of them to whom one of
    the items was new) with low and high, difference (from popularity, paired) with
    difference_low and difference_high, p, p_adjusted (Holm, over all rows), precision
    (share of recommended items bought), coverage (share of items that anybody is
    recommended); raises TooLittle below `MIN_JUDGES` customers.
    """
    new = (later.reindex(columns=counts.columns).fillna(0) > 0) & (counts == 0)
    asked = counts.index[new.any(axis=1)]
    if len(asked) < MIN_JUDGES:
        raise TooLittle(
            f"Recommendations are not judged: that needs {MIN_JUDGES} customers who "
            f"buy an item for the first time in the later window (found: {len(asked)})."
        )
    listed = []
    for way, scored in ways.items():
        table = recommend(scored, counts, n=max(n)).assign(way=way)
        rows = counts.index.get_indexer(table["customer_id"])
        columns = counts.columns.get_indexer(table["item"])
        listed.append(table.assign(hit=new.to_numpy()[rows, columns]))
    table = pd.concat(listed)
    table = table[table["customer_id"].isin(asked)]
    items = counts.shape[1]
    each = (
        _judged(table[table["rank"] <= most], items, alpha=alpha).assign(n=most)
        for most in n
    )
    judged = pd.concat(each, ignore_index=True)
    others = judged["way"] != POPULARITY
    judged.loc[others, "p_adjusted"] = intervals.adjusted(
        judged.loc[others, "p"], method="holm"
    )
    return judged[["n", *judged.columns.drop("n")]]


def tellable(judged: pd.DataFrame) -> pd.DataFrame:
    """Keep the numbers of items whose hit rates may be shown; TooLittle if none may."""
    asked = int(judged["customers"].iloc[0])
    shown = numbers(tables.guarded(judged, of={"hit_rate": asked})["hit_rate"]).notna()
    judged = judged[shown.groupby(judged["n"]).transform("all")]
    if judged.empty:
        raise TooLittle(
            "Recommendations are not compared: all but a few customers have a hit, or a "
            "few."
        )
    return judged


def _judged(table: pd.DataFrame, items: int, *, alpha: float) -> pd.DataFrame:
    """Estimate hit rates and what each way gains over popularity, pairwise."""
    each = table.groupby(["customer_id", "way"], sort=False)["hit"].any()
    rates = intervals.proportions(
        each.reset_index(), value="hit", by=["way"], alpha=alpha
    ).set_index("way")
    hits = each.unstack().astype(float)
    gains = hits.sub(hits[POPULARITY], axis=0)
    errors = gains.std() / np.sqrt(len(gains))
    gained = pd.DataFrame(
        {w: intervals.tested(gains[w].mean(), errors[w], alpha=alpha) for w in hits}
    ).T.drop(columns="error")
    gained.loc[POPULARITY, "p"] = np.nan
    by_way = table.groupby("way")
    found = rates[["customers", "rate", "low", "high"]].join(
        gained.rename(columns={"low": "difference_low", "high": "difference_high"})
    )
    found["precision"] = by_way["hit"].mean()
    found["coverage"] = by_way["item"].nunique() / items
    names = {"rate": "hit_rate", "effect": "difference"}
    return found.rename(columns=names).loc[table["way"].unique()].reset_index()


def verdicts(judged: pd.DataFrame, *, alpha: float) -> pd.DataFrame:
    """Say of each way whether it beats popularity, loses to it, or neither.

    Returns, by way: verdict (`BEATS`, `LOSES`, `DEPENDS` on the number of items, or
    `SAME`: no difference beyond chance) and the row of `judge` that shows it most
    clearly; of no difference, the one with fewest items.
    """
    rows = []
    for way, mine in judged[judged["way"] != POPULARITY].groupby("way", sort=False):
        clear = mine[mine["p_adjusted"] < alpha]
        signs = set(np.sign(clear["difference"]))
        verdict = DEPENDS if len(signs) > 1 else SAME
        if len(signs) == 1:
            verdict = BEATS if signs == {1} else LOSES
        shown = clear if len(clear) else mine.head(1)
        best = shown.loc[shown["difference"].abs().idxmax()]
        rows.append({"way": way, "verdict": verdict} | best.drop("way").to_dict())
    return pd.DataFrame(rows).set_index("way")


def choice(found: pd.DataFrame) -> str:
    """Name the way to recommend by: the best that beats popularity, or popularity."""
    beats = found.loc[found["verdict"] == BEATS, "difference"]
    return beats.idxmax() if len(beats) else POPULARITY
