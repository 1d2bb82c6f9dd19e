"""Turn clean order lines into one row of features a customer, from one dictionary."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from helpers.core import engines, spelling, store
from helpers.core.engines import Engine, bare, quoted
from helpers.core.schema import APART
from helpers.features import staging
from helpers.features.staging import DEFINED, Feature
from helpers.sources.complete_journey import NEED_STATES

# What every run has, if its tables hold what is asked for.
FEATURES = tuple(Feature(name, **entry) for name, entry in DEFINED["features"].items())
# Families that say how a customer buys and not how much: segments are built from these.
SEGMENTING = tuple(entry["family"] for entry in DEFINED["each"].values())


def tables(run: str) -> dict[str, str]:
    """Say where a run's tables lie that features are built from, as `build` takes them.

    They are lines, products and declared (the table customers), without which BadInput
    is raised, and interactions and surveys where the run has them.
    """
    needed = {"lines": "lines", "products": "products", "declared": "customers"}
    found = {name: store.located(table, run=run) for name, table in needed.items()}
    for name in ("interactions", "surveys"):
        file = store.path(name, run=run)
        found |= {name: file} if file.exists() else {}
    return {name: str(file) for name, file in found.items()}


def needs(con: Engine, *, products: str) -> list[str]:
    """List the needs that a run's products serve, without those of no goods.

    Those of `complete_journey.NEED_STATES` come first, in its order, others by name.
    """
    held = _values(con, products, "need_state")
    known = [need for need in NEED_STATES if need in held]
    others = [need for need in held if need not in NEED_STATES]
    return [need for need in known + others if need not in APART]


def defined(
    con: Engine,
    *,
    lines: str,
    products: str,
    declared: str | None = None,
    interactions: str | None = None,
    surveys: str | None = None,
) -> tuple[Feature, ...]:
    """List the features that a run's tables allow, in the order of the feature table.

    What needs, channels, topics and requirements there are is read from whole tables,
    so every window has the same features.
    """
    there = set(engines.columns(lines))
    marks = {
        "clock": "ordered_at <> date_trunc('day', ordered_at)",
        "coupon": "coupon_cents <> 0",
    }
    for name, mark in marks.items():
        query = f"select 1 from read_parquet(?) where {mark} limit 1"
        there |= {name} if con.execute(query, [lines]).fetchall() else set()
    there |= {"fuel"} & set(_values(con, products, "need_state"))
    there |= {"Private"} & set(_values(con, products, "brand"))
    topics: list[str] = []
    if interactions:
        there |= {"topic", "minutes"} & set(engines.columns(interactions))
        topics = _values(con, interactions, "topic") if "topic" in there else []
    if surveys:
        asked = set(_values(con, surveys, "question"))
        there |= {"recommend"} & asked
        there |= {"question"} if asked - {"recommend"} else set()
    channels = _values(con, lines, "channel") if "channel" in there else []
    wanted = needs(con, products=products)
    there |= {"needs"} if wanted else set()
    squares = (
        f"pow(coalesce(sum(sales_cents) filter (need_state = {quoted(need)}), 0), 2)"
        for need in wanted
    )
    filled = {"squares": " + ".join(squares), "apart": ""}
    if "fuel" in there:
        gifts = "not_merchandise" in _values(con, products, "need_state")
        filled["apart"] = f", fuel {'and gift cards ' if gifts else ''}left out"
    types = engines.columns(declared) if declared else {}
    required = {
        name: [name]
        for name, of_type in types.items()
        if of_type == "bool" and name.startswith("requires_")
    }
    return (
        *(
            replace(f, sql=f.sql.format(**filled), meaning=f.meaning.format(**filled))
            for f in FEATURES
            if there.issuperset(f.asks)
        ),
        *_each("need", _alike(wanted)),
        *_each("channel", _alike(channels)),
        *_each("topic", _alike(topics)),
        *_each("requirement", required),
    )


def _values(con: Engine, file: str, column: str) -> list[str]:
    found = con.execute(
        f"""select distinct {column} from read_parquet(?) where {column} is not null
            order by 1""",
        [file],
    ).fetchall()
    return [value for (value,) in found]


def _alike(values: Sequence[str]) -> dict[str, list[str]]:
    """Put values that are one word, such as Web and web, to the column's name they share."""
    groups: dict[str, list[str]] = {}
    named = spelling.distinct(values)
    for value in values:
        groups.setdefault(named[value], []).append(value)
    return groups


def _each(kind: str, groups: Mapping[str, Sequence[str]]) -> Iterator[Feature]:
    """Define a feature for each need, channel, topic or requirement, by its name."""
    for name, alike in groups.items():
        said = alike[0].replace("_", " ")
        filled = {
            "value": alike[0],
            "column": bare(alike[0]),
            "slug": name,
            "one_of": f"in ({', '.join(map(quoted, alike))})",
            "said": said,
            "required": said.removeprefix("requires "),
        }
        entry = DEFINED["each"][kind]
        yield Feature(**{key: text.format(**filled) for key, text in entry.items()})


def slug(text: str) -> str:
    """Turn a text into a column name: "Home & Garden" is home_garden; x if empty."""
    return spelling.slug(text) or "x"


def dictionary(table: pd.DataFrame, features: Iterable[Feature]) -> pd.DataFrame:
    """List the features with what each means and how often it is missing.

    `table` is the output of `build`, `features` that of `defined`. Returns feature,
    family, unit, meaning, source (staged table), weight (feature that counts what a
    share is a share of), missing_share (0 to 1), sql.
    """
    found = pd.DataFrame(features)
    found["missing_share"] = table[found["name"]].isna().mean().to_numpy()
    found["sql"] = found["sql"].str.split().str.join(" ")
    columns = "feature family unit meaning source weight missing_share sql"
    return found.rename(columns={"name": "feature"})[columns.split()]


def add(
    dictionary: pd.DataFrame, table: pd.DataFrame, name: str, **facts: str
) -> pd.DataFrame:
    """Add a feature of `table` that is fitted or counted: `added` in dictionary.yaml."""
    entry = {key: text.format(**facts) for key, text in DEFINED["added"][name].items()}
    missing = table[name].isna().mean()
    row = {"feature": name, "weight": "", "missing_share": missing, **entry}
    return pd.concat([dictionary, pd.DataFrame([row])], ignore_index=True)


def build(
    con: Engine,
    *,
    first: str,
    last: str,
    columns: Iterable[str] | None = None,
    **tables: str,
) -> pd.DataFrame:
    """Build the features that the tables allow from one window, both days included.

    `columns` (all, if left out) are some of `defined`; `tables` are the paths of
    `tables`. Returns customer_id and the features, a row a customer with an order in
    the window, sorted; a mean or share without anything to divide by is missing. Raises
    BadInput if the window holds no line, or a line's product has no row where products
    or needs are asked for; ValueError if a column is no feature of the run.
    """
    chosen = _chosen(defined(con, **tables), columns)
    return staging.collect(con, chosen, first=first, last=last, **tables)


def halves(
    con: Engine,
    *,
    columns: Iterable[str],
    first: str,
    last: str,
    cut: str = "weeks",
    weeks: int = 1,
    turn: str = "",
    **tables: str,
) -> pd.DataFrame:
    """Build features from two halves of a window, as `build` does, to compare the two.

    `cut` is `weeks` (odd and even; the first week, an odd one, begins on the first day)
    or `middle` (first and second; the middle day is of the first). What a customer
    shows in the odd weeks and not in the even ones is chance; between the first and the
    second half customers may also change. With `weeks` not single weeks alternate, but
    blocks of that many: a mood that lasts two weeks is averaged out by weeks of one.

    Blocks begin anew on the day `turn` (YYYY-MM-DD), if there is one, with an even one;
    what is left before it and before the end, less than two blocks, is cut in its
    middle. So either half holds as many days of both sides, and a change on this day, or
    a slow one, falls into both alike.

    Features of the lifecycle and of the time between orders (source day_rows) mean
    something else in half of the days: ValueError. Returns customer_id, half, orders, sales, lines and
    the columns, sorted.
    """
    wanted = {"orders", "sales", "lines", *columns}
    found = defined(con, **tables)
    timed = [f for f in found if f.family == "lifecycle" or f.source == "day_rows"]
    chosen = _chosen([f for f in found if f not in timed], wanted)
    window = {"first": first, "last": last}
    half = staging.half_of(first, last, cut=cut, weeks=weeks, turn=turn)
    return staging.collect(con, chosen, **window, halved=half, **tables)


def _chosen(
    found: Sequence[Feature], columns: Iterable[str] | None
) -> Sequence[Feature]:
    """Return the features of some names, or all."""
    if columns is None:
        return found
    wanted = set(columns)
    if unknown := sorted(wanted - {f.name for f in found}):
        raise ValueError(f"{unknown[0]!r} cannot be built of the tables of this run.")
    return [f for f in found if f.name in wanted]
