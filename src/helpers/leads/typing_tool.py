"""Type customers and leads by segment from what is known at the start."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from helpers import features
from helpers.clustering.model import Model
from helpers.core import store
from helpers.core.engines import Engine, quoted
from helpers.core.errors import TooLittle
from helpers.core.schema import APART
from helpers.disclosure.suppression import MIN_CELL, nested, numbers
from helpers.display import words
from helpers.refinement import drift, migration
from helpers.runs import horizons
from helpers.statistics import classifier, intervals

CANNOT_TELL = 0  # the answer where no segment is likely enough
FIRST = "first_"  # begins the names of fields of a first order
LATER = "later"  # kind of a field that is known only once a lead was worked


def need_leads(*, run: str) -> None:
    """Raise TooLittle if a run lacks the tables of leads and of what is known of them."""
    if not all(store.path(name, run=run).exists() for name in ("leads", "attributes")):
        raise TooLittle(
            "This run has no table of leads (leads, attributes): nothing is scored or "
            "ranked."
        )


def start_known(attributes: pd.DataFrame, *, table: str) -> tuple[list[str], list[str]]:
    """Part the fields of a table into those known when a lead comes in, and the others.

    `attributes` is the standard table; `table` is customers or leads. Fields of kind
    `LATER` hold the outcome in other clothes: a score must not use them.
    """
    own = attributes[attributes["table"] == table]
    later = own["kind"] == LATER
    return own.loc[~later, "attribute"].tolist(), own.loc[later, "attribute"].tolist()


def first_orders(
    con: Engine, *, lines: str, products: str, first: str, last: str, orders: int
) -> pd.DataFrame:
    """Describe the first `orders` of a window of each customer who has them.

    By customer_id: first_sales (currency, logarithm of 1 and more), first_lines
    (logarithm), first_hour (mean hour of the day), first_weekend (share of orders),
    first_<need> (root of the share of sales). Raises TooLittle if nobody does.
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


def from_first_orders(
    con: Engine,
    model: Model,
    on_file: pd.DataFrame,
    *,
    run: str,
    days: int | str,
    orders: int,
) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Set customers' first orders beside the segment that their later orders show.

    First orders are those of the first `days` of the model's window, or its own where
    that is "auto"; `on_file` (by customer_id) adds its labels. Returns fields known at
    the start, segments (0 is too little data) and features, by customer_id. Raises
    TooLittle where no order follows.
    """
    rhythm = horizons.BuyingPattern(
        **store.document("preparation", run=run)["buying_pattern"]
    )
    days = horizons.fitted(days, rhythm.first_days)
    split = pd.Timestamp(model.first) + pd.Timedelta(days=days)
    first, before = (f"{split - pd.Timedelta(days=n):%Y-%m-%d}" for n in (0, 1))
    window = features.dictionary.tables(run)
    files = {name: window[name] for name in ("lines", "products")}
    baskets = first_orders(con, **files, first=model.first, last=before, orders=orders)
    rest = pd.DataFrame({"first": [first], "last": model.last})
    if drift.with_lines(con, rest, lines=window["lines"]).empty:
        raise TooLittle(
            f"No order follows the first {days} days up to {model.last}, so no segment is "
            "known to learn from."
        )
    bought = features.dictionary.build(con, **window, first=first, last=model.last)
    left = (pd.Timestamp(model.last) - split).days + 1
    found = migration.shortened(model, days=left).assign(bought)
    labels = on_file.select_dtypes(["str", "object", "category"])
    labels = labels.drop(columns=baskets.columns, errors="ignore")
    by_customer = found.set_index("customer_id")["segment_id"]
    return (
        labels.join(baskets, how="inner"),
        by_customer,
        bought.set_index("customer_id"),
    )


def _described(bought: pd.DataFrame) -> pd.DataFrame:
    """Turn rows of customer, order and need into one row per customer."""
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


def need_telling(fields: pd.DataFrame) -> list[str]:
    """Name the fields of `telling`, or raise TooLittle if there is none."""
    if not (found := telling(fields)):
        raise TooLittle(
            "No field that is known at the start differs between them: there is nothing to "
            "tell them apart by."
        )
    return found


def sources(fields: pd.DataFrame) -> dict[str, list[str]]:
    """Part fields into those of a first order and those on file; {} without either."""
    ordered = [name for name in fields if name.startswith(FIRST)]
    on_file = [name for name in fields if not name.startswith(FIRST)]
    both = ordered and on_file
    return {"on file": on_file, "first order": ordered} if both else {}


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


def as_answers(bought: pd.DataFrame, *, columns: Sequence[str]) -> pd.DataFrame:
    """Turn shares into what a customer could answer when asked: none, some, much.

    One column a question; a missing share counts as none, and much is above the median
    of those above 0.
    """
    shares = bought[list(columns)].fillna(0)
    middle = shares.where(shares > 0).median()
    answers = np.where(shares > middle, "much", np.where(shares > 0, "some", "none"))
    return pd.DataFrame(answers, index=bought.index, columns=shares.columns)


def answer(chances: pd.DataFrame, *, confidence: float) -> np.ndarray:
    """Name the likeliest segment; `CANNOT_TELL` where none reaches the confidence."""
    best = chances.columns.to_numpy()[chances.to_numpy().argmax(axis=1)]
    return np.where(chances.max(axis=1) >= confidence, best, CANNOT_TELL)


def need_shown(by_segment: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """Keep the segments whose recall is `shown`, or raise TooLittle if none is."""
    kept = by_segment[numbers(shown["recall"]).notna()]
    if kept.empty:
        raise TooLittle("Too few customers of each segment are found to say how many.")
    return kept


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


def need_better(verdict: str, right: pd.Series) -> None:
    """Raise TooLittle where the fields type customers no better than guessing does."""
    if verdict == "guess":
        ends = right[["agreement", "low", "high", "majority"]]
        raise TooLittle(words.say("naming-too-little", **ends))


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
    """Say how many are typed at each least confidence, and how many of them right.

    `chances` are cross-fitted, one column a class. Gives confidence, typed (share that
    gets an answer), right (share of those), low, high (95% Wilson interval),
    mean_confidence (probability of the answers given).
    """
    best, named = chances.max(axis=1), chances.idxmax(axis=1)
    rows = []
    for level in levels:
        sure = best >= level
        right = int((named[sure] == truth[sure]).sum())
        share = right / sure.sum() if sure.any() else np.nan
        low, high = intervals.wilson(share, sure.sum(), alpha=0.05)
        rows.append((level, sure.mean(), share, low, high, best[sure].mean()))
    columns = ["confidence", "typed", "right", "low", "high", "mean_confidence"]
    return pd.DataFrame(rows, columns=columns)


def tellable(table: pd.DataFrame, *, of: int, kept: float) -> pd.DataFrame:
    """Leave out of `confidence_table` the levels that few of the customers set apart.

    `of` is the number of customers; the row of the level `kept` stays, for its words.
    """
    sizes = (table["typed"] * of).round()
    own = table["confidence"] == kept
    table = table.assign(customers=sizes)[own | (sizes >= MIN_CELL)]
    return table[nested(table["customers"]) | own[table.index]]


def questions(
    known: pd.DataFrame,
    asked: pd.DataFrame,
    truth: pd.Series,
    *,
    most: int,
    folds: int,
    seed: int,
    by: "Typist | None" = None,
) -> pd.DataFrame:
    """Find the few further questions that would help most, beside what is known.

    `by` types rows: by a regression, or by `discriminant`, which also finds a segment
    that lies between others. The list is found anew in each fold, so that the shares right are those of a list
    made without the customer. `asked` has one column a question. Gives questions (0, 1,
    ..., `most`), fields (the question added when all rows choose; empty for 0), chosen
    (share of parts that have it among as many), right, low, high (Wilson's).
    """
    # What is known stands under an empty name.
    by = by or _regression
    tables = {"": known} | {name: asked[[name]] for name in asked}
    columns = {n: classifier.encode(one).transform(one) for n, one in tables.items()}
    found = np.empty((len(truth), most + 1), dtype=truth.dtype)
    lists = []
    for train, test in classifier.parts(truth, folds, seed=seed):
        lists.append(_forward(columns, truth, train, most=most, by=by))
        for n in range(most + 1):
            x = _joined(columns, lists[-1][:n])
            found[test, n] = by(x[train], truth.iloc[train], x[test])
    order = ["", *_forward(columns, truth, np.arange(len(truth)), most=most, by=by)]
    table = []
    for n, field in enumerate(order):
        right = (found[:, n] == truth.to_numpy()).mean()
        chosen = np.mean([field in one[:n] for one in lists]) if n else np.nan
        sure = intervals.wilson(right, len(truth), alpha=0.05)
        table.append((n, field, chosen, right, *sure))
    names = ["questions", "fields", "chosen", "right", "low", "high"]
    return pd.DataFrame(table, columns=names)


def first_questions(asked: pd.DataFrame, truth: pd.Series, *, most: int) -> list[str]:
    """Choose the questions of `questions` that help most where nothing is known yet."""
    tables = {"": asked[[]]} | {name: asked[[name]] for name in asked}
    columns = {n: classifier.encode(one).transform(one) for n, one in tables.items()}
    rows = np.arange(len(truth))
    return _forward(columns, truth, rows, most=most, by=discriminant)


def _joined(columns: Mapping[str, np.ndarray], chosen: Sequence[str]) -> np.ndarray:
    return np.hstack([columns[name] for name in ("", *chosen)])


def _forward(
    columns: Mapping[str, np.ndarray],
    truth: pd.Series,
    rows: np.ndarray,
    *,
    most: int,
    by: "Typist",
) -> list[str]:
    """Choose questions one by one, each the one that adds most to those before."""
    chosen, own = [], truth.iloc[rows]
    for _ in range(min(most, len(columns) - 1)):  # of which one is no question
        right = {}
        for name in columns:
            if name and name not in chosen:
                x = _joined(columns, [*chosen, name])[rows]
                right[name] = (by(x, own, x) == own).mean()
        chosen.append(max(right, key=right.get))
    return chosen


Typist = Callable[[np.ndarray, pd.Series, np.ndarray], np.ndarray]


def discriminant(train: np.ndarray, truth: pd.Series, test: np.ndarray) -> np.ndarray:
    """Type rows by Fisher's linear discriminant, its spread kept from 0 by a ridge."""
    classes, place, sizes = np.unique(truth, return_inverse=True, return_counts=True)
    means = np.stack([train[place == n].mean(axis=0) for n in range(len(classes))])
    apart = train - means[place]
    spread = (apart.T @ apart + np.eye(train.shape[1])) / len(train)
    weights = np.linalg.solve(spread, means.T)
    shares = np.log(sizes / len(train)) - (means * weights.T).sum(axis=1) / 2
    return classes[(test @ weights + shares).argmax(axis=1)]


def _regression(train: np.ndarray, truth: pd.Series, test: np.ndarray) -> np.ndarray:
    """Type rows by a ridge regression on the classes, which is quick to fit."""
    middle, classes = train.mean(axis=0), np.unique(truth)
    is_class = np.equal.outer(truth.to_numpy(), classes).astype(float)
    rates = is_class.mean(axis=0)
    x = train - middle
    weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ (is_class - rates))
    return classes[((test - middle) @ weights + rates).argmax(axis=1)]
