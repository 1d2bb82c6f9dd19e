"""The segment model: rules and centres as plain data that say who is in what segment."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.clustering import methods
from helpers.core import paths, store
from helpers.core.engines import PLAIN, bare, identifier, quoted
from helpers.core.errors import BadInput
from helpers.features.preparation import Preparation, deal_index

TOO_LITTLE = "Too little data"
NOT_SEGMENTED = "All customers"  # segment 0 of a model without needs segments
NOT_KNOWN = "Not known"  # the deal proneness in a run without any sign of deals
# Nearest over second-nearest distance above which either fits, where repeated studies
# cannot say it (`stability.borderline`).
BORDERLINE = 0.9
# Engines differ in the last digits of a sum. What is less than this apart, in squared
# distance or in the deal index, counts as equal, so that all of them decide alike.
TIE = 1e-9
DIALECTS = ("duckdb", "postgres", "spark", "bigquery", "snowflake")
_TABLE = "table_of_features"  # until another dialect's own is put in its place

_QUERY = paths.beside(__file__, "model.yaml")["query"]


@dataclass(frozen=True)
class Model:
    """Three readings of a customer, each given by rules that stand in the model."""

    run: str
    first: str  # of the training window, YYYY-MM-DD
    last: str
    # A customer with fewer has too little data for a needs segment.
    min_orders: int
    min_lines: int
    preparation: Preparation  # from features to scores
    # Scores of each segment's centre; ids count from 1. Without any, all are in 0.
    centres: list[list[float]]
    value_cuts: dict[str, float]  # tier -> least sales (currency) in the window
    # Stage -> largest recency over the customer's own mean gap; beyond is `lapsed`. Who
    # came on one day only has no gap: too little data. Two days are enough, so that
    # activity is also read where needs cannot be.
    activity_cuts: dict[str, float]
    # Shorter gaps count as this, so that daily customers do not lapse in three days.
    min_gap_days: float
    deal_parts: dict[str, dict]  # of the deal index; without any, it is `NOT_KNOWN`
    deal_cuts: dict[str, float]  # class -> least deal index; below the least is `low`
    # Distance ratio above which repeated studies do not keep customers in their segment.
    borderline: float
    names: dict[str, str] = field(default_factory=dict)  # segment id (as text) -> name

    @property
    def k(self) -> int:
        """Count the segments."""
        return len(self.centres)

    def inputs(self) -> list[str]:
        """List every column of the feature table that any reading looks at."""
        rules = ["orders", "lines", "sales", "recency_days", "gap_mean_days"]
        weights = [weight for weight in self.preparation.weights if weight]
        needs = [*weights, *self.preparation.columns]
        return list(dict.fromkeys([*rules, *needs, *self.deal_parts]))

    def enough_data(self, features: pd.DataFrame) -> pd.Series:
        """Say which customers have enough orders and lines for a needs segment."""
        return (features["orders"] >= self.min_orders) & (
            features["lines"] >= self.min_lines
        )

    def assign(self, features: pd.DataFrame) -> pd.DataFrame:
        """Give every customer of the feature table, in its order, the three readings.

        Columns: customer_id, segment_id (0 is too little data), second_id (the next
        nearest), distance (to the own centre), distance_ratio (nearest over second
        nearest, 0 to 1), membership (0 to 1), borderline (whether the ratio is above
        the model's), value_tier, activity, deal_index, deal_proneness. Of segments
        within `TIE` of the least squared distance, the lowest number wins; a deal index
        reaches a cut that it misses by at most `TIE`; what exceeds the ratio by at most
        `TIE` in squared distance is not borderline.
        """
        enough = self.enough_data(features)
        table = features[["customer_id"]].copy()
        table[["segment_id", "second_id"]] = 0
        table[["distance", "distance_ratio", "membership", "deal_index"]] = np.nan
        table["borderline"] = False
        if self.centres:
            scores = self.preparation.transform(features[enough]).to_numpy()
            apart = methods.distances(scores, np.array(self.centres))
            order = nearest_two(apart**2)
            near, next_near = np.take_along_axis(apart, order, axis=1).T
            table.loc[enough, ["segment_id", "second_id"]] = order + 1
            table.loc[enough, "distance"] = near
            table.loc[enough, "distance_ratio"] = distance_ratio(near, next_near)
            table.loc[enough, "membership"] = membership(apart).max(axis=1)
            doubted = near**2 > (self.borderline * next_near) ** 2 + TIE
            table.loc[enough, "borderline"] = doubted
        table["value_tier"] = self.tier(features["sales"])
        table["activity"] = self._activity(features)
        index = deal_index(features[enough], parts=self.deal_parts)
        table.loc[enough, "deal_index"] = index
        found = tier_of(table["deal_index"].fillna(-np.inf), self._deal_tiers())
        table["deal_proneness"] = found.where(enough, TOO_LITTLE)
        return table

    def tier(self, sales: pd.Series) -> pd.Series:
        """Name the value tier of each customer's sales (currency in the window)."""
        return tier_of(sales.fillna(0), self.value_cuts)

    def _deal_tiers(self) -> dict[str, float]:
        if not self.deal_parts:
            return {NOT_KNOWN: -np.inf}
        tiers = {name: cut - TIE for name, cut in self.deal_cuts.items()}
        return tiers | {"low": -np.inf}

    def _activity(self, features: pd.DataFrame) -> pd.Series:
        gap = features["gap_mean_days"].clip(lower=self.min_gap_days)
        late = features["recency_days"] / gap
        stage = pd.Series("lapsed", index=features.index)
        cuts = self.activity_cuts
        for name in sorted(cuts, key=cuts.get, reverse=True):
            stage = stage.mask(late <= cuts[name], name)
        return stage.mask(gap.isna(), TOO_LITTLE)

    def name(self, segment_id: int) -> str:
        """Return the name of a segment; 0 is too little data, if there are segments."""
        if segment_id == 0:
            return TOO_LITTLE if self.centres else NOT_SEGMENTED
        return self.names.get(str(segment_id), f"Segment {segment_id}")

    def named(self, names: dict[str, str]) -> "Model":
        """Return the same model with names."""
        return replace(self, names=names)

    def to_dict(self) -> dict:
        """Return the model as plain data with a checksum of all that decides labels."""
        content = asdict(self)
        decides = {key: value for key, value in content.items() if key != "names"}
        text = json.dumps(decides, sort_keys=True)
        return content | {"checksum": hashlib.sha256(text.encode()).hexdigest()}

    def to_sql(self, table: str, dialect: str = "duckdb") -> str:
        """Write the three readings as one query over the feature table.

        `table` is a table or read expression of the dialect (one of `DIALECTS`), such
        as read_parquet('...'), with customer_id and the columns of `inputs`; what is
        missing must be null, not NaN. The query returns customer_id, segment_id,
        value_tier, activity, deal_proneness and borderline, in no order. It agrees
        with `assign`, but where that refuses a missing or negative value segment_id and
        borderline are null.
        """
        return write_sql(_QUERY, self._query_parts(), table, dialect)

    def _query_parts(self) -> dict[str, str]:
        """Write what `_QUERY` leaves open."""
        p = self.preparation
        inputs = map(identifier, self.inputs())
        weights = dict(zip(p.weights, p.priors, strict=True))
        columns = zip(p.columns, p.weights, p.population, strict=True)
        roots = [_plain("root", column) for column in p.columns]
        limits = zip(roots, p.lower, p.upper, strict=True)
        ids = range(1, self.k + 1)
        stages = sorted(self.activity_cuts.items(), key=lambda item: item[1])
        lists = {
            "given": [f"cast({name} as double) as {name}" for name in inputs],
            "weighted": ["*", *(_weighed(w, m) for w, m in weights.items() if w)],
            "rules": self._rules_in_sql(),
            "roots": [_root_of_share(*column) for column in columns],
            "limited": [f"{cut_in_sql(*limit)} as {limit[0]}" for limit in limits],
            "distances": [f"{self._farther(i)} as d{i}" for i in ids],
        }
        if not ids:  # nothing to look at: everybody enough is in segment 0 as well
            lists |= {part: [f"0.0 as no_{part}"] for part in ("roots", "limited")}
            lists["distances"] = ["0.0 as d1"]
        # Of one segment alone the next nearest is itself.
        others = [f"case when segment_id = {i} then 1e30 else d{i} end" for i in ids]
        cases = {
            "segments": [f"when d{i} <= d_least + {TIE!r} then {i}" for i in ids]
            or ["else 0"],
            "tiers": tier_in_sql("total_sales", self.value_cuts),
            "stages": [
                f"when gaps_late <= {cut!r} then {quoted(stage)}"
                for stage, cut in stages
            ],
            "deals": tier_in_sql("deal_index", self._deal_tiers()),
        }
        return {
            **{part: ",\n        ".join(lines) for part, lines in lists.items()},
            **{part: "\n        ".join(lines) for part, lines in cases.items()},
            # Spark's least() wants two.
            "d_all": ", ".join(f"d{i}" for i in (ids if len(ids) > 1 else [1, 1])),
            "d_last": f"d{len(ids) or 1}",
            "d_others": ", ".join(others if len(ids) > 1 else ["d1", "d1"]),
            "apart": self._apart() if ids else "0.0",
            "square": repr(self.borderline**2),
            "tie": repr(TIE),
            "too_little": quoted(TOO_LITTLE),
        }

    def _rules_in_sql(self) -> list[str]:
        """Write whether the data suffice, and the numbers that the rules look at."""
        gap = cut_in_sql('"gap_mean_days"', self.min_gap_days, np.inf)
        scores = [
            f"({cut_in_sql(identifier(column), part['lower'], part['upper'])} - {part['mean']!r})"
            f" / {part['deviation']!r}"
            for column, part in self.deal_parts.items()
        ]
        total = "\n            + ".join(scores)
        deal = f"(\n            {total}\n        ) / {len(scores)}" if scores else "0.0"
        enough = f'"orders" >= {self.min_orders} and "lines" >= {self.min_lines}'
        return [
            f"coalesce({enough}, false) as enough",
            'coalesce("sales", 0.0) as total_sales',
            '"gap_mean_days" as gap_days',
            f'"recency_days" / nullif({gap}, 0.0) as gaps_late',
            f"{deal} as deal_index",
        ]

    def _apart(self) -> str:
        """Write the squared distance of the scores to the first centre.

        Multiplied out, since engines take long to raise to a power.
        """
        p = self.preparation
        divisor = np.array(p.divisor)
        middle = np.array(p.mean) / divisor + np.array(self.centres[0])
        names = [_plain("root", column) for column in p.columns]
        numbers = zip(1 / divisor**2, -2 * middle / divisor, strict=True)
        terms = [
            f"\n            + {name} * ({float(square)!r} * {name} + {float(once)!r})"
            for name, (square, once) in zip(names, numbers, strict=True)
        ]
        return f"{math.fsum(middle**2)!r}{''.join(terms)}"

    def _farther(self, segment_id: int) -> str:
        """Write how much farther a centre is than the first, in squared distance.

        Of scores z = (root - mean) / divisor to a centre c it is z.z - 2 c.z + c.c. What
        differs between centres is a constant and a weight for each root; also one of 0
        is written, so that the distance is null where a root is.
        """
        if segment_id == 1:
            return "0.0"
        p = self.preparation
        mean, divisor = np.array(p.mean), np.array(p.divisor)
        own, first = np.array(self.centres)[[segment_id - 1, 0]]
        weights = 2 * (first - own) / divisor
        # Added up exactly: the text is the same on every machine.
        constant = math.fsum([*own**2, *-(first**2), *-weights * mean])
        terms = [
            f"\n            {'-' if weight < 0 else '+'} {abs(weight)!r} * {_plain('root', column)}"
            for column, weight in zip(p.columns, weights.tolist(), strict=True)
        ]
        return f"{constant!r}{''.join(terms)}"


def _weighed(weight: str, prior: float) -> str:
    """Write the credibility of shares of this weight: t / (t + m), of nothing 0."""
    name = identifier(weight)
    return (
        f"case when {name} > 0 then {name} / ({name} + {prior!r}) "
        f"when {name} <= 0 then 0.0 end as {_plain('credibility', weight)}"
    )


def _root_of_share(column: str, weight: str, population: float) -> str:
    """Write the root of a shrunk share; of nothing there is no share, so the average.

    Below 0 there is no root, and some engines stop at one: those get null.
    """
    own, root = identifier(column), _plain("root", column)
    if not weight:
        return f"case when {own} >= 0 then sqrt({own}) end as {root}"
    credibility = _plain("credibility", weight)
    return (
        f"case when {own} >= 0 "
        f"then sqrt({own} * {credibility} + {population!r} * (1 - {credibility})) "
        f"when {own} is null and {identifier(weight)} <= 0 then sqrt({population!r}) "
        f"end as {root}"
    )


def cut_in_sql(value: str, low: float, high: float) -> str:
    """Write a value kept between two limits; infinite ones are left out.

    Not by least() and greatest(): they turn what is missing into a limit.
    """
    limits = [("<", low), (">", high)]
    parts = [f"when {value} {s} {v!r} then {v!r}" for s, v in limits if np.isfinite(v)]
    return f"case {' '.join(parts)} else {value} end" if parts else value


def tier_in_sql(value: str, cuts: dict[str, float]) -> list[str]:
    """Write what `tier_of` does, as the lines of a case."""
    lowest, *others = _upwards(cuts)
    parts = [f"when {value} >= {cuts[name]!r} then {quoted(name)}" for name in others]
    return [*reversed(parts), f"else {quoted(lowest)}"]


def _plain(kind: str, column: str) -> str:
    """Name a column of the query itself: with this prefix it is no word of SQL."""
    return bare(f"{kind}_{column}")


def write_sql(query: str, parts: dict[str, str], table: str, dialect: str) -> str:
    """Fill in what a query of DuckDB leaves open, over a table of any dialect."""
    if dialect not in DIALECTS:
        raise BadInput(
            f"dialect must be one of {list(DIALECTS)}, but {dialect!r} was passed."
        )
    name = table if dialect == "duckdb" else _TABLE
    query = query.format(table=name, **parts)
    return query if dialect == "duckdb" else _translated(query, table, dialect)


def _translated(query: str, table: str, dialect: str) -> str:
    """Translate a query of DuckDB over `_TABLE` into one over a table of a dialect."""
    from sqlglot import errors, exp, parse_one

    try:
        source = parse_one(table, read=dialect, into=exp.Table)
    except errors.SqlglotError:
        raise BadInput(
            f"table {table!r} is no table or read expression of {dialect}. Write it as "
            f"it stands after `from`, with odd names in the quotes of {dialect}."
        ) from None
    tree = parse_one(query, read="duckdb")
    if dialect != "postgres":  # which alone would work out a part at each mention
        for part in tree.find_all(exp.CTE):
            part.set("materialized", None)
    for least in tree.find_all(exp.Least):
        least.set("ignore_nulls", False)  # whether one is null is asked before
    if dialect == "snowflake":
        for name in tree.find_all(exp.Identifier):
            if name.quoted and PLAIN.fullmatch(name.this):
                name.set("this", name.this.upper())
    for place in tree.find_all(exp.Table):
        if place.name == _TABLE:
            place.replace(source)
    return tree.sql(dialect=dialect, pretty=True)


def nearest_two(squared: np.ndarray) -> np.ndarray:
    """Find the nearest and the next segment, from 0: customers x 2."""
    first = _lowest(squared)
    others = squared.copy()
    np.put_along_axis(others, first, np.inf, axis=1)
    return np.hstack([first, _lowest(others)])


def _lowest(squared: np.ndarray) -> np.ndarray:
    near = squared <= squared.min(axis=1, keepdims=True) + TIE
    return near.argmax(axis=1, keepdims=True)


def distance_ratio(near: np.ndarray, next_near: np.ndarray) -> np.ndarray:
    """Divide the distance to the own centre by that to the next: 0 to 1, where either fits."""
    return np.minimum(near / np.maximum(next_near, 1e-12), 1)


def membership(apart: np.ndarray) -> np.ndarray:
    """Turn distances (customers x segments) into soft membership that adds up to one.

    Each segment's share of the inverse squared distances, as in fuzzy c-means with
    fuzzifier 2 (Bezdek 1981).
    """
    closeness = 1 / np.maximum(apart, 1e-9) ** 2
    return closeness / closeness.sum(axis=1, keepdims=True)


def _upwards(cuts: dict[str, float]) -> list[str]:
    """Order tiers from the lowest; of equal cuts the one named first is the higher."""
    return sorted(reversed(cuts), key=cuts.get)


def tier_of(values: pd.Series, cuts: dict[str, float]) -> pd.Series:
    """Name the highest tier whose cut each value reaches; missing ones get the lowest."""
    lowest, *others = _upwards(cuts)
    tier = pd.Series(lowest, index=values.index)
    for name in others:
        tier = tier.mask(values >= cuts[name], name)
    return tier


@dataclass(frozen=True)
class Groups:
    """The groups that later notebooks tell apart."""

    word: str  # what one is called: segment or value tier
    names: dict[int, str]  # by group id, from 1
    assigned: pd.DataFrame  # the table `segments`, segment_id being the group

    def name(self, group_id: int) -> str:
        """Return the name of a group; 0 is too little data."""
        return self.names.get(int(group_id), TOO_LITTLE)


def groups(model: Model, assigned: pd.DataFrame) -> Groups:
    """Tell customers apart by needs segment or, where there are none, by value tier.

    Tiers are those that hold anybody, from the highest.
    """
    if model.centres:
        ids = range(1, model.k + 1)
        return Groups("segment", {i: model.name(i) for i in ids}, assigned)
    held = [tier for tier in model.value_cuts if (assigned["value_tier"] == tier).any()]
    number = {tier: i for i, tier in enumerate(held, 1)}
    names = {i: f"{tier.capitalize()} value" for tier, i in number.items()}
    ids = assigned["value_tier"].map(number).astype(int)
    return Groups("value tier", names, assigned.assign(segment_id=ids))


def save(model: Model, file: Path) -> None:
    """Save the model as JSON, whole or not at all."""
    store.write_json(model.to_dict(), file)


def load(file: Path) -> Model:
    """Read a model; raise BadInput if it was changed by hand or cannot be read."""
    content = store.read_json(file, made_by="03_clustering_choice")
    try:
        checksum = content.pop("checksum")
        preparation = Preparation(**content.pop("preparation"))
        model = Model(preparation=preparation, **content)
        if model.to_dict()["checksum"] != checksum:
            raise ValueError("it was changed by hand: its checksum does not fit")
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise BadInput(
            f"The segment model {file.name} cannot be read ({fault}). `make report` "
            "writes it anew."
        ) from None
    return model
