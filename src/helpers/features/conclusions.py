"""Choose what the features allow to be said, each claim where numbers bear it."""

import pandas as pd

from helpers.disclosure import suppression
from helpers.display import words

LEANING = 1.0  # skewness above which a feature is said to lean
BLOCK = 0.5  # rank correlation from which features are called a block


def spread(table: pd.DataFrame) -> str:
    """Give a title to how customers spread: whether sales and orders lean."""
    leaning = (table[["sales", "orders"]].skew() > LEANING).all()
    return words.say("spread-title", branch="leaning" if leaning else "plain")


def related(correlation: pd.DataFrame, *, attitudes: list[str]) -> str:
    """Give a title to rank correlations: whether volume is one block.

    `attitudes` are features of what customers think of price: they are separate if none
    of them goes with orders, lines or sales.
    """
    block = correlation.loc["orders", "sales"] >= BLOCK
    near = correlation.loc[attitudes, ["orders", "lines", "sales"]].abs().max(axis=None)
    separate = block and len(attitudes) and near < BLOCK
    branch = "apart" if separate else "block" if block else "plain"
    return words.say("related-title", branch=branch)


def skewness(scores: pd.DataFrame, *, absent: pd.Series) -> str:
    """Say whether the steps make features (need, before, after) more even.

    `absent` is the share of customers without any, by need.
    """
    most = scores.nlargest(2, "after")["need"]
    before, after = scores["before"].median(), scores["after"].median()
    branch = "falls" if after < before else "stays"
    facts = {"before": before, "after": after, "most": " and ".join(most)}
    many = bool((absent[most] > 0.2).all())
    return words.say("skewness", branch=branch, many=many, **facts)


def compare(
    table: pd.DataFrame,
    *,
    enough: pd.Series,
    limits: tuple[int, int],
    features: int,
    needs: bool,
    ready: pd.DataFrame,
    days: tuple[str, str],
) -> dict[str, object]:
    """Conclude who is compared, by what they buy (`needs`) or how, and who is left out.

    `enough` marks who reaches `limits`, orders and lines; `ready` is a table of
    `data_sufficiency.verdict`.
    """
    orders, lines = limits
    is_ready = ready.set_index("part")["ready"]
    instead = [part for part in ("value", "activity") if is_ready[part]]
    double = (table["orders"] >= 2 * orders) & (table["lines"] >= 2 * lines)
    spent = table["sales"].clip(lower=0)
    some = "all" if enough.all() else "some"
    few = len(table) - int(enough.sum())
    return words.finding(
        "compare",
        branch=some if is_ready["needs segments"] else "nothing",
        enough=suppression.many(enough.sum(), of=len(table)),
        customers=len(table),
        few=suppression.many(few),
        features=features,
        how="needs" if needs else "ordering",
        share_sales=spent[enough].sum() / spent.sum(),
        first=days[0],
        last=days[1],
        orders=orders,
        lines=lines,
        double_orders=2 * orders,
        double_lines=2 * lines,
        kept=suppression.part(enough.sum(), of=len(table)),
        kept_double=suppression.customers(double.sum(), of=len(table)),
        instead=" and ".join(instead) or "totals",
        median_orders=table.loc[~enough, "orders"].median() if few else 0,
    )


def apart(
    table: pd.DataFrame,
    *,
    related: pd.DataFrame,
    names: dict[str, str],
    needs: bool,
    deals: bool,
    ready: pd.DataFrame,
) -> dict[str, object]:
    """Conclude to keep volume apart from what builds the segments.

    `related` are rank correlations of all features, `names` those of the features that
    build segments, in words.
    """
    together = related.loc["orders", "sales"]
    near = related.loc["sales", list(names)].abs().dropna()
    known = "alone" if near.empty else "near"
    return words.finding(
        "apart",
        same=bool(table["sales"].max() == table["sales"].min()),
        related="orders" if pd.isna(together) else "both",
        near=known,
        customers=len(table),
        sales=table["sales"].iloc[0],
        together=together,
        nearest=names[near.idxmax()] if len(near) else "none",
        nearest_sales=related.loc["sales", near.idxmax()] if len(near) else 0.0,
        how="needs" if needs else "ordering",
        deals=deals,
        segmented=bool(ready.set_index("part").loc["needs segments", "ready"]),
    )
