"""Type customers and leads by segment from what is known at the start."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.core.engines import Engine, quoted
from helpers.core.errors import BadInput, TooLittle
from helpers.core.schema import APART
from helpers.statistics import classifier, intervals

CANNOT_TELL = 0  # the answer where no segment is likely enough
LATER = "later"  # kind of a field that is known only once a lead was worked


def start_known(
    attributes: pd.DataFrame, *, table: str, fields: Sequence[str]
) -> list[str]:
    """Give fields back, or raise BadInput naming those not known when a lead comes in.

    `attributes` is the standard table; `table` is customers or leads.
    """
    kinds = attributes[attributes["table"] == table].set_index("attribute")["kind"]
    if unknown := [field for field in fields if field not in kinds]:
        raise BadInput(
            f"Table attributes: {', '.join(unknown)} of {table} has no row, so nobody says "
            "when it is known. Declare its kind before a score uses it."
        )
    if later := [field for field in fields if kinds[field] == LATER]:
        raise BadInput(
            f"Table {table}: {', '.join(later)} is known only after the lead was worked "
            "(kind later). A score that uses it would foretell the past: leave it out."
        )
    return list(fields)


def first_orders(
    con: Engine, *, lines: str, products: str, first: str, last: str, orders: int
) -> pd.DataFrame:
    """Describe the first so many orders of a window of each customer who has them.

    By customer_id: first_sales (currency, logarithm of 1 and more), first_lines
    (logarithm), first_hour (mean hour of the day), first_weekend (share of orders),
    first_<need> (root of the share of sales). Raises TooLittle if nobody has so many.
    """
    apart = ", ".join(map(quoted, APART))
    values = {"lines": lines, "products": products, "first": first, "last": last}
    bought = con.execute(
        f"""with ordered as (
            select *, dense_rank() over (partition by customer_id
                order by placed, order_id) as nth
            from (select *, min(ordered_at) over (partition by customer_id, order_id)
                as placed from read_parquet($lines)
                where ordered_at >= $first::date and ordered_at < $last::date + 1)
                as bought)
        select o.customer_id, o.order_id, o.nth, o.placed, p.need_state as need,
            count(*) as lines, sum(o.amount_cents + o.coupon_cents) / 100.0 as sales
        from ordered o join read_parquet($products) p using (product_id)
        where o.nth <= $orders and p.need_state not in ({apart})
        group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5""",
        values | {"orders": orders},
    ).df()
    enough = bought.groupby("customer_id")["nth"].transform("nunique") == orders
    if not enough.any():
        raise TooLittle(
            f"No customer has {orders} orders from {first} to {last}, so there is no first "
            "order to tell a segment from."
        )
    return _described(bought[enough])


def _described(bought: pd.DataFrame) -> pd.DataFrame:
    """Turn rows of customer, order and need into one row a customer."""
    sums = bought.groupby("customer_id")[["sales", "lines"]].sum()
    placed = bought.drop_duplicates(["customer_id", "order_id"])
    by_customer = placed.groupby("customer_id")["placed"]
    table = pd.DataFrame(
        {
            "first_sales": np.log1p(sums["sales"].clip(lower=0)),
            "first_lines": np.log1p(sums["lines"]),
            "first_hour": by_customer.agg(lambda s: s.dt.hour.mean()),
            "first_weekend": by_customer.agg(lambda s: (s.dt.day_of_week >= 5).mean()),
        }
    )
    needs = bought.pivot_table(
        index="customer_id", columns="need", values="sales", aggfunc="sum", fill_value=0
    ).clip(lower=0)
    shares = needs.div(needs.sum(axis=1).replace(0, np.nan), axis=0).fillna(0)
    return table.join(np.sqrt(shares).add_prefix("first_"))


def telling(fields: pd.DataFrame) -> list[str]:
    """Name the fields that can tell anything: those that differ between rows.

    A label needs a level of `classifier.RAREST` rows and another one; a number as many
    known values, not all equal.
    """
    return [name for name, values in fields.items() if _differs(values)]


def _differs(values: pd.Series) -> bool:
    if classifier.is_label(values):
        counts = classifier.texts(values).value_counts()
        return len(counts) > 1 and counts.max() >= classifier.RAREST
    known = values.dropna()
    return len(known) >= classifier.RAREST and known.min() < known.max()


def learnable(segment_ids: pd.Series, *, fewest: int) -> pd.Series:
    """Keep the customers of segments of `fewest` customers, sorted; 0 is no segment.

    Raises TooLittle if fewer than two segments are left.
    """
    known = segment_ids[segment_ids > 0].sort_index()
    sizes = known.value_counts()
    if (sizes >= fewest).sum() < 2:
        raise TooLittle(
            f"Too few customers to learn from: typing needs two segments of {fewest} customers "
            f"with known fields and a known segment each (found: {len(known):,} such customers, "
            f"{(sizes >= fewest).sum()} segments of that size)."
        )
    return known[known.map(sizes) >= fewest]


def as_answers(features: pd.DataFrame, *, columns: Sequence[str]) -> pd.DataFrame:
    """Turn shares into what a customer could answer when asked: none, some, much.

    One column a question; a missing share counts as none, and much is above the median
    of those above 0.
    """
    shares = features[list(columns)].fillna(0)
    middle = shares.where(shares > 0).median()
    told = np.where(shares > middle, "much", np.where(shares > 0, "some", "none"))
    return pd.DataFrame(told, index=features.index, columns=shares.columns)


def answer(chances: pd.DataFrame, *, confidence: float) -> np.ndarray:
    """Name the likeliest segment; `CANNOT_TELL` where none reaches the confidence."""
    best = chances.columns.to_numpy()[chances.to_numpy().argmax(axis=1)]
    return np.where(chances.max(axis=1) >= confidence, best, CANNOT_TELL)


def best_field(
    fields: pd.DataFrame, truth: pd.Series, *, folds: int, seed: int
) -> tuple:
    """Type by one field alone: the commonest class of each level, for rows left out.

    Gives the field chosen most often (in each part the one that is right most often)
    and the class of each row from the other parts. Numbers are cut at their quartiles.
    """
    levels = {}
    for name, values in fields.items():
        label = classifier.is_label(values)
        cut = values if label else classifier.quarters(values, of=values)
        levels[name] = classifier.texts(cut)
    found, chosen = np.empty(len(truth), dtype=truth.dtype), []
    for train, test in classifier.parts(truth, folds, seed=seed):
        own = truth.iloc[train]
        counts = {n: pd.crosstab(levels[n].iloc[train], own) for n in levels}
        name = max(counts, key=lambda n: counts[n].max(axis=1).sum())
        chosen.append(name)
        guess = levels[name].iloc[test].map(counts[name].idxmax(axis=1))
        found[test] = guess.fillna(own.mode().iloc[0])
    return pd.Series(chosen).mode().iloc[0], found


def verdict(right: pd.Series, chosen: pd.Series, *, rows: int, fewest: int) -> str:
    """Say whether the fields known at the start type customers: guess, unsure or types.

    guess is no better than always naming the largest segment, for sure; unsure is
    better, but fewer than `fewest` of `rows` reach the confidence, or they are not
    typed better. `right` is from `rules.agreement`, `chosen` the row of
    `confidence_table` in use.
    """
    if right["low"] <= right["majority"]:
        return "guess"
    reached = round(chosen["typed"] * rows) >= fewest
    return "types" if reached and chosen["low"] > right["majority"] else "unsure"


def confidence_table(
    chances: pd.DataFrame, truth: pd.Series, *, levels: Sequence[float]
) -> pd.DataFrame:
    """Say how many are typed, and how many rightly, at each least confidence.

    `chances` are cross-fitted, one column a class. Gives confidence, typed (share that
    gets an answer), right (share of those), low, high (95 % Wilson interval), said
    (mean probability of the answers given).
    """
    best, named = chances.max(axis=1), chances.idxmax(axis=1)
    rows = []
    for level in levels:
        told = best >= level
        right = int((named[told] == truth[told]).sum())
        share = right / told.sum() if told.any() else np.nan
        low, high = intervals.wilson(share, told.sum(), alpha=0.05)
        rows.append((level, told.mean(), share, low, high, best[told].mean()))
    columns = ["confidence", "typed", "right", "low", "high", "said"]
    return pd.DataFrame(rows, columns=columns)


def questions(
    known: pd.DataFrame,
    asked: pd.DataFrame,
    truth: pd.Series,
    *,
    most: int,
    folds: int,
    seed: int,
) -> pd.DataFrame:
    """Find the few further questions that would help most, beside what is known.

    The list is found anew in each fold, so that the shares right are those of a list
    made without the customer. `asked` has one column a question. Gives questions (0, 1,
    ..., `most`), fields (the question added when all rows choose; empty for 0), chosen
    (share of parts that have it among the first so many), right, low, high (Wilson's).
    """
    # What is known stands under an empty name.
    tables = {"": known} | {name: asked[[name]] for name in asked}
    columns = {n: classifier.encode(one).transform(one) for n, one in tables.items()}
    found = np.empty((len(truth), most + 1), dtype=truth.dtype)
    lists = []
    for train, test in classifier.parts(truth, folds, seed=seed):
        lists.append(_forward(columns, truth, train, most=most))
        for n in range(most + 1):
            x = _joined(columns, lists[-1][:n])
            found[test, n] = _discriminant(x[train], truth.iloc[train], x[test])
    order = ["", *_forward(columns, truth, np.arange(len(truth)), most=most)]
    table = []
    for n, field in enumerate(order):
        right = (found[:, n] == truth.to_numpy()).mean()
        chosen = np.mean([field in one[:n] for one in lists]) if n else np.nan
        sure = intervals.wilson(right, len(truth), alpha=0.05)
        table.append((n, field, chosen, right, *sure))
    names = ["questions", "fields", "chosen", "right", "low", "high"]
    return pd.DataFrame(table, columns=names)


def _joined(columns: Mapping[str, np.ndarray], chosen: Sequence[str]) -> np.ndarray:
    return np.hstack([columns[name] for name in ("", *chosen)])


def _forward(
    columns: Mapping[str, np.ndarray], truth: pd.Series, rows: np.ndarray, *, most: int
) -> list[str]:
    """Choose questions one by one, each the one that adds most to those before."""
    chosen, own = [], truth.iloc[rows]
    for _ in range(most):
        right = {}
        for name in columns:
            if name and name not in chosen:
                x = _joined(columns, [*chosen, name])[rows]
                right[name] = (_discriminant(x, own, x) == own).mean()
        chosen.append(max(right, key=right.get))
    return chosen


def _discriminant(train: np.ndarray, truth: pd.Series, test: np.ndarray) -> np.ndarray:
    """Type rows by a ridge regression on the classes, which is quick to fit."""
    middle, classes = train.mean(axis=0), np.unique(truth)
    is_class = np.equal.outer(truth.to_numpy(), classes).astype(float)
    rates = is_class.mean(axis=0)
    x = train - middle
    weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ (is_class - rates))
    return classes[((test - middle) @ weights + rates).argmax(axis=1)]
