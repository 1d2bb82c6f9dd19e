"""Build the same features by ours and by others; one side a process, measured inside.

Run by features.py as `features_sides.py SIDE LINES PRODUCTS RESULT`. A side imports what
it needs and returns the work that is measured: reading the Parquet files and computing.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import measure

if TYPE_CHECKING:
    import pandas as pd

FIRST, LAST, MIDDLE = "2017-01-01", "2017-12-31", "2017-07-02"
APART = ("fuel", "not_merchandise", "unclassified")  # needs that are no goods
PART = ["recency_days", "tenure_days", "orders", "sales"]
HERE = Path(__file__).parent


# --- All features


def ours(lines: str, products: str) -> Callable[[], "pd.DataFrame"]:
    """Build all features by the helpers."""
    return _helpers(lines, products, None)


def _helpers(
    lines: str, products: str, columns: list[str] | None
) -> Callable[[], "pd.DataFrame"]:
    import duckdb  # noqa: F401
    import pandas as pd  # noqa: F401

    from helpers.core import engines
    from helpers.features import dictionary

    def work() -> "pd.DataFrame":
        con = engines.connect("duckdb", run="complete_journey")
        tables = {"lines": lines, "products": products}
        table = dictionary.build(con, first=FIRST, last=LAST, columns=columns, **tables)
        con.close()
        return table

    return work


def _duckdb(lines: str, products: str):  # noqa: ANN202
    """Connect as the helpers do."""
    import pandas as pd  # noqa: F401

    from helpers.core import engines

    con = engines.connect("duckdb", run="complete_journey")
    for name, file in (("lines", lines), ("products", products)):
        con.execute(f"set variable {name} = $file", {"file": file})
    return con


def scan(lines: str, products: str) -> Callable[[], "pd.DataFrame"]:
    """Read every value of the columns that features need, and nothing else.

    A bare maximum would be answered from the statistics of the file.
    """
    con = _duckdb(lines, products)
    texts = ("customer_id", "order_id", "product_id", "store_id")
    numbers = ("amount_cents", "coupon_cents", "shelf_amount_cents")
    truths = ("on_mailer", "on_display")
    asked = [f"sum(strlen({text}))" for text in texts]
    asked += [f"max({number} + 0)" for number in numbers]
    asked += [f"count(*) filter ({truth})" for truth in truths]
    asked.append("max(ordered_at + interval 1 second)")

    def work() -> "pd.DataFrame":
        return con.execute(
            f"select {', '.join(asked)} from read_parquet(getvariable('lines'))"
        ).df()

    return work


def staged(lines: str, products: str) -> Callable[[], "pd.DataFrame"]:
    """Build all features by SQL that was written and tuned for this file alone."""
    con = _duckdb(lines, products)
    text = (HERE / "features_staged.sql").read_text(encoding="utf-8")
    *steps, last = text.split(";\n")

    def work() -> "pd.DataFrame":
        for step in steps:
            con.execute(step)
        return con.execute(last).df()

    return work


def pandas(lines: str, products: str) -> Callable[[], "pd.DataFrame"]:
    """Build all features by groupby, with ids as categories so each is hashed once."""
    import numpy as np
    import pandas as pd
    import pyarrow  # noqa: F401

    def work() -> pd.DataFrame:
        sold = pd.read_parquet(lines, columns=[*_IDS, *_MEASURES])
        sold = sold[_in_window(sold)]
        sold[_IDS] = sold[_IDS].astype("category")
        known = pd.read_parquet(products, columns=["product_id", "need_state", "brand"])
        known = known.set_index("product_id").reindex(
            sold["product_id"].cat.categories.astype(str)
        )
        code = sold["product_id"].cat.codes.to_numpy()
        need = known["need_state"].astype("category")
        sold["need"] = pd.Categorical.from_codes(
            need.cat.codes.to_numpy()[code], need.cat.categories
        )
        sold["sales"] = sold["amount_cents"] + sold["coupon_cents"]
        goods = (~known["need_state"].isin(APART)).to_numpy()[code]
        private = (known["brand"] == "Private").to_numpy()[code]
        sold["goods_sales"] = sold["sales"].where(goods, 0)
        sold["goods_lines"] = goods.astype("int64")

        orders = sold.groupby(["customer_id", "order_id"], observed=True).agg(
            ordered_at=("ordered_at", "min"),
            store_id=("store_id", "first"),
            sales=("sales", "sum"),
            goods_sales=("goods_sales", "sum"),
            goods_lines=("goods_lines", "sum"),
            coupon=("coupon_cents", "sum"),
        )
        orders = orders.reset_index()
        bought = sold[goods].assign(
            private=sold["sales"].where(private, 0),
            mailer=sold["sales"].where(sold["on_mailer"], 0),
            display=sold["sales"].where(sold["on_display"], 0),
        )
        sums = bought.groupby("customer_id", observed=True).agg(
            lines=("goods_lines", "sum"),
            sales=("sales", "sum"),
            shelf=("shelf_amount_cents", "sum"),
            private=("private", "sum"),
            mailer=("mailer", "sum"),
            display=("display", "sum"),
        )
        by_need = sold.groupby(["customer_id", "need"], observed=True)["sales"].sum()
        by_need = by_need.unstack(fill_value=0)
        pairs = bought[["customer_id", "product_id"]].drop_duplicates()
        variety = pairs.groupby("customer_id", observed=True).size()
        return _features(orders, sums, by_need, variety)

    def _features(
        orders: pd.DataFrame,
        sums: pd.DataFrame,
        by_need: pd.DataFrame,
        variety: pd.Series,
    ) -> pd.DataFrame:
        orders["day"] = orders["ordered_at"].dt.normalize()
        late = orders["day"] > pd.Timestamp(MIDDLE)
        clock, weekday = orders["ordered_at"].dt.hour, orders["day"].dt.dayofweek
        orders["late"] = orders["sales"].where(late, 0)
        orders["early"] = orders["sales"].where(~late, 0)
        orders["morning"] = clock.between(5, 10)
        orders["evening"] = clock >= 18
        orders["weekend"] = weekday >= 5
        orders["with_goods"] = orders["goods_lines"] > 0
        orders["with_coupon"] = orders["with_goods"] & (orders["coupon"] > 0)
        by = orders.groupby("customer_id", observed=True)
        table = by.agg(
            newest=("day", "max"),
            oldest=("day", "min"),
            orders=("order_id", "size"),
            stores=("store_id", "nunique"),
            late=("late", "sum"),
            early=("early", "sum"),
            goods_sales=("goods_sales", "sum"),
            goods_lines=("goods_lines", "sum"),
            goods_orders=("with_goods", "sum"),
            coupons=("with_coupon", "sum"),
            morning_share=("morning", "mean"),
            evening_share=("evening", "mean"),
            weekend_share=("weekend", "mean"),
        )
        in_store = orders.groupby(["customer_id", "store_id"], observed=True).size()
        most = in_store.groupby(level=0, observed=True).max()
        days = orders[["customer_id", "day"]].drop_duplicates().sort_values("day")
        gaps = days.groupby("customer_id", observed=True)["day"].diff().dt.days
        gaps = gaps.groupby(days["customer_id"], observed=True).agg(["mean", "std"])
        sums = sums.reindex(table.index)
        needs = [need for need in by_need if need not in APART]
        spent = sums["sales"].where(sums["sales"] != 0)
        last = pd.Timestamp(LAST)
        goods_orders = table["goods_orders"].where(table["goods_orders"] > 0)
        found = pd.DataFrame(
            {
                "recency_days": (last - table["newest"]).dt.days,
                "tenure_days": (last - table["oldest"]).dt.days,
                "trend": np.log((table["late"] + 1000) / (table["early"] + 1000)),
                "orders": table["orders"],
                "sales": sums["sales"].fillna(0) / 100,
                "lines": sums["lines"].fillna(0),
                "gap_mean_days": gaps["mean"],
                "gap_variation": gaps["std"] / gaps["mean"],
                "sales_per_order": table["goods_sales"] / 100 / goods_orders,
                "lines_per_order": table["goods_lines"] / goods_orders,
                "need_variety": spent.pow(2)
                / by_need[needs].astype(float).pow(2).sum(axis=1),
                "repeat_share": 1 - variety / sums["lines"],
                "stores": table["stores"],
                "main_store_share": most / table["orders"],
                "morning_share": table["morning_share"],
                "evening_share": table["evening_share"],
                "weekend_share": table["weekend_share"],
                "fuel_sales": by_need["fuel"] / 100,
                "private_label_share": sums["private"] / spent,
                "discount_depth": (sums["shelf"] - sums["sales"]) / sums["shelf"],
                "mailer_share": sums["mailer"] / spent,
                "display_share": sums["display"] / spent,
                "coupon_order_rate": table["coupons"] / goods_orders,
            }
        )
        shares = by_need[needs].div(spent, axis=0).add_prefix("share_")
        found.index = found.index.astype(str)
        shares.index = shares.index.astype(str)
        return found.join(shares).rename_axis("customer_id").reset_index()

    return work


_IDS = ["customer_id", "order_id", "product_id", "store_id"]
_MEASURES = ["ordered_at", "amount_cents", "coupon_cents", "shelf_amount_cents"]
_MEASURES += ["on_mailer", "on_display"]


def _in_window(sold: "pd.DataFrame") -> "pd.Series":
    import pandas as pd

    end = pd.Timestamp(LAST) + pd.Timedelta(days=1)
    return (sold["ordered_at"] >= FIRST) & (sold["ordered_at"] < end)


def polars(lines: str, products: str) -> Callable[[], "pd.DataFrame"]:
    """Build all features lazily, on the streaming engine."""
    from datetime import date, timedelta

    import polars as pl

    col = pl.col

    def work() -> pl.DataFrame:
        begin, end = (date.fromisoformat(day) for day in (FIRST, LAST))
        known = pl.scan_parquet(products).select(
            "product_id",
            need=col("need_state").cast(pl.Categorical),
            goods=~col("need_state").is_in(APART),
            private=col("brand") == "Private",
        )
        sold = (
            pl.scan_parquet(lines)
            .filter(col("ordered_at") >= begin)
            .filter(col("ordered_at") < end + timedelta(days=1))
            .with_columns(sales=col("amount_cents") + col("coupon_cents"))
            .join(known, on="product_id")
        )
        orders = sold.group_by("customer_id", "order_id").agg(
            col("ordered_at").min(),
            col("store_id").min(),
            col("sales").sum(),
            goods_sales=(col("sales") * col("goods")).sum(),
            goods_lines=col("goods").sum().cast(pl.Int64),
            coupon=col("coupon_cents").sum(),
        )
        orders = orders.collect(engine="streaming").lazy()
        flagged = {"mailer": col("on_mailer"), "display": col("on_display")}
        flagged["private"] = col("private")
        needs = sold.group_by("customer_id", "need").agg(
            col("goods").first(),
            col("sales").sum(),
            lines=pl.len(),
            shelf=col("shelf_amount_cents").sum(),
            **{name: (col("sales") * flag).sum() for name, flag in flagged.items()},
        )
        needs = needs.collect(engine="streaming").lazy()
        pairs = sold.filter("goods").select("customer_id", "product_id").unique()
        variety = pairs.group_by("customer_id").agg(products=pl.len())
        goods = needs.filter("goods").group_by("customer_id")
        sums = goods.agg(
            col("sales", "lines", "shelf", *flagged).sum(),
            squares=col("sales").cast(float).pow(2).sum(),
        )
        shares = needs.collect().pivot("need", index="customer_id", values="sales")
        shares = shares.with_columns(pl.exclude("customer_id").fill_null(0)).lazy()
        in_store = orders.group_by("customer_id", "store_id").agg(times=pl.len())
        stores = in_store.group_by("customer_id").agg(
            stores=col("store_id").count(), most=col("times").max()
        )
        days = orders.select("customer_id", day=col("ordered_at").dt.date()).unique()
        days = days.sort("customer_id", "day").with_columns(
            gap=col("day").diff().dt.total_days().over("customer_id")
        )
        rhythm = days.group_by("customer_id").agg(
            newest=col("day").max(),
            oldest=col("day").min(),
            gap_mean_days=col("gap").mean(),
            gap_variation=col("gap").std() / col("gap").mean(),
        )
        late = col("ordered_at").dt.date() > date.fromisoformat(MIDDLE)
        hour = col("ordered_at").dt.hour()
        by_order = orders.group_by("customer_id").agg(
            orders=pl.len(),
            late=(col("sales") * late).sum(),
            early=(col("sales") * ~late).sum(),
            goods_sales=col("goods_sales").sum(),
            goods_lines=col("goods_lines").sum(),
            goods_orders=(col("goods_lines") > 0).sum(),
            coupons=((col("goods_lines") > 0) & (col("coupon") > 0)).sum(),
            morning_share=hour.is_between(5, 10).mean(),
            evening_share=(hour >= 18).mean(),
            weekend_share=(col("ordered_at").dt.weekday() >= 6).mean(),
        )
        table = by_order
        for other in (rhythm, stores, sums, variety, shares):
            table = table.join(other, on="customer_id", how="left")
        none = pl.all().exclude("customer_id")
        named = [n for n in shares.collect_schema().names() if n not in APART]
        spent = pl.when(col("sales") != 0).then(col("sales"))
        goods_orders = pl.when(col("goods_orders") > 0).then(col("goods_orders"))
        return (
            table.select(
                "customer_id",
                *("orders", "stores", "morning_share", "evening_share"),
                *("weekend_share", "gap_mean_days", "gap_variation"),
                recency_days=(end - col("newest")).dt.total_days(),
                tenure_days=(end - col("oldest")).dt.total_days(),
                trend=((col("late") + 1000) / (col("early") + 1000)).log(),
                sales=col("sales").fill_null(0) / 100,
                lines=col("lines").fill_null(0),
                sales_per_order=col("goods_sales") / 100 / goods_orders,
                lines_per_order=col("goods_lines") / goods_orders,
                need_variety=spent.cast(float).pow(2) / col("squares"),
                repeat_share=1 - col("products") / col("lines"),
                main_store_share=col("most") / col("orders"),
                fuel_sales=col("fuel") / 100,
                private_label_share=col("private") / spent,
                discount_depth=(col("shelf") - col("sales")) / col("shelf"),
                mailer_share=col("mailer") / spent,
                display_share=col("display") / spent,
                coupon_order_rate=col("coupons") / goods_orders,
                **{
                    f"share_{name}": col(name) / spent
                    for name in named
                    if name != "customer_id"
                },
            )
            .with_columns(pl.when(none.is_not_nan()).then(none))
            .sort("customer_id")
            .collect(engine="streaming")
        )

    return work


# --- Recency, frequency, monetary value and tenure, as each names them


def ours_part(lines: str, products: str) -> Callable[[], "pd.DataFrame"]:
    """Build four features by the helpers."""
    return _helpers(lines, products, PART)


def pandas_part(lines: str, products: str) -> Callable[[], "pd.DataFrame"]:
    """Build four features by one groupby over orders."""
    import pandas as pd

    def work() -> pd.DataFrame:
        sold = _spent(lines, products)
        by = sold.groupby("customer_id", observed=True)
        found = by.agg(
            newest=("ordered_at", "max"),
            oldest=("ordered_at", "min"),
            orders=("order_id", "nunique"),
            sales=("spend", "sum"),
        )
        last = pd.Timestamp(LAST)
        found["recency_days"] = (last - found["newest"].dt.normalize()).dt.days
        found["tenure_days"] = (last - found["oldest"].dt.normalize()).dt.days
        return found[PART].reset_index().astype({"customer_id": str})

    return work


def _spent(lines: str, products: str, *, orders: bool = True) -> "pd.DataFrame":
    """Read lines as the peers take them: customer_id, order_id, ordered_at, spend."""
    import pandas as pd

    wanted = ["customer_id", "product_id", "ordered_at", "amount_cents", "coupon_cents"]
    sold = pd.read_parquet(lines, columns=[*wanted, *(["order_id"] if orders else [])])
    sold = sold[_in_window(sold)]
    known = pd.read_parquet(products, columns=["product_id", "need_state"])
    apart = known.loc[known["need_state"].isin(APART), "product_id"]
    goods = ~sold["product_id"].isin(apart)
    sold["spend"] = (sold["amount_cents"] + sold["coupon_cents"]).where(goods, 0) / 100
    return sold.drop(columns=["product_id", "amount_cents", "coupon_cents"])


def openretailscience(lines: str, products: str) -> Callable[[], "pd.DataFrame"]:
    """Build recency, orders and sales, and tenths of each, lines left in its DuckDB."""
    import ibis
    import pandas as pd  # noqa: F401
    from openretailscience.segmentation.rfm import RFMSegmentation

    def work() -> "pd.DataFrame":
        con = ibis.duckdb.connect()
        known = con.read_parquet(products)
        apart = known.filter(known["need_state"].isin(APART)).select("product_id")
        sold = con.read_parquet(lines)
        end = ibis.date(LAST) + ibis.interval(days=1)
        inside = (sold["ordered_at"] >= ibis.date(FIRST)) & (sold["ordered_at"] < end)
        sold = sold.filter(inside)
        goods = sold["product_id"].notin(apart["product_id"])
        spend = (sold["amount_cents"] + sold["coupon_cents"]) / 100.0
        sold = sold.select(
            customer_id="customer_id",
            transaction_id="order_id",
            transaction_date="ordered_at",
            unit_spend=goods.ifelse(spend, 0.0),
        )
        found = RFMSegmentation(sold, current_date=LAST).df.reset_index()
        return found.rename(columns={"frequency": "orders", "monetary": "sales"})

    return work


def pymc_marketing(lines: str, products: str) -> Callable[[], "pd.DataFrame"]:
    """Build recency, days with orders and mean spend of a day."""
    from pymc_marketing.clv import rfm_summary

    return _of_days(lines, products, rfm_summary)


def lifetimes(lines: str, products: str) -> Callable[[], "pd.DataFrame"]:
    """Build recency, tenure, days with orders and mean spend of a day."""
    from lifetimes.utils import summary_data_from_transaction_data

    return _of_days(lines, products, summary_data_from_transaction_data)


def _of_days(
    lines: str, products: str, summary: Callable
) -> Callable[[], "pd.DataFrame"]:
    import pandas as pd
    import pyarrow  # noqa: F401

    def work() -> pd.DataFrame:
        found = summary(
            _spent(lines, products, orders=False),
            "customer_id",
            "ordered_at",
            monetary_value_col="spend",
            observation_period_end=LAST,
            include_first_transaction=True,
        )
        return _named(found)

    def _named(found: pd.DataFrame) -> pd.DataFrame:
        if "customer_id" not in found:
            found = found.reset_index()
        found = found.assign(sales=found["frequency"] * found["monetary_value"])
        if "T" not in found:  # then recency is counted from the end already
            return found.rename(columns={"recency": "recency_days"})
        found["recency_days"] = found["T"] - found["recency"]
        return found.drop(columns="recency").rename(columns={"T": "tenure_days"})

    return work


SIDES = (ours, scan, staged, pandas, polars)
SIDES += (ours_part, pandas_part, openretailscience, pymc_marketing, lifetimes)


def main(side: str, lines: str, products: str, result: str) -> None:
    """Measure one side and save what it found."""
    began = time.perf_counter()
    work = {one.__name__: one for one in SIDES}[side](lines, products)
    with measure.inside(imports=time.perf_counter() - began):
        table = work()
    if result:
        write = getattr(table, "write_parquet", None) or table.to_parquet
        write(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
