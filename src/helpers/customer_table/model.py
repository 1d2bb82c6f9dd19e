"""The segment model of a customer table, as plain data: who is in what segment."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import duckdb
import numpy as np
import pandas as pd

from helpers.clustering import model as lines_model
from helpers.clustering.model import NOT_SEGMENTED, TIE, TOO_LITTLE
from helpers.core import paths, store
from helpers.core.engines import identifier, quoted
from helpers.core.errors import BadInput
from helpers.customer_table import methods
from helpers.customer_table.methods import Rule
from helpers.customer_table.preparation import NUMBERS, Column, Preparation

KIND = "customer_table"
NOT_KNOWN = "not known"  # the value tier of who has no value
READINGS = ("segment_id", "second_id", "value_tier", "borderline")
_FAR = 1e300  # beyond every cost; some engines have no infinity
_AT_ONCE = 20  # terms of a sum between brackets: engines parse no sum of hundreds

_QUERIES = paths.beside(__file__, "model.yaml")


@dataclass(frozen=True)
class Model:
    """Two readings of a row, each given by rules that stand in the model."""

    run: str
    preparation: Preparation  # from features to scores
    rule: Rule | None  # what each segment costs; without one, all are in segment 0
    min_known: float  # share of the columns that build; who has fewer is in segment 0
    value_column: str  # empty where no value is known
    value_cuts: dict[str, float]  # tier -> least value
    # Ratio of the nearest to the next above which repeated studies do not keep customers
    # in their segment.
    borderline: float
    names: dict[str, str] = field(default_factory=dict)  # segment id (as text) -> name
    # Such a table has no training window.
    first: ClassVar[str] = ""
    last: ClassVar[str] = ""

    @property
    def k(self) -> int:
        """Count the segments."""
        return self.rule.k if self.rule else 0

    def inputs(self) -> list[str]:
        """List every column of the feature table that any reading looks at."""
        builders = [column.name for column in self.preparation.columns if self.rule]
        return list(dict.fromkeys([*builders, *filter(None, [self.value_column])]))

    def assign(self, features: pd.DataFrame) -> pd.DataFrame:
        """Give every row of the feature table, in its order, the readings.

        Columns: customer_id, segment_id (0 is too few known answers), second_id (the
        next nearest), membership (0 to 1), ratio (nearest over next nearest, 0 to 1),
        borderline (whether it is above the model's), value_tier. Of segments within
        `TIE` of the least cost the lowest number wins; what exceeds the ratio by at most
        `TIE` in cost is not borderline.
        """
        table = features[["customer_id"]].copy()
        table[["segment_id", "second_id"]] = 0
        table[["membership", "ratio"]] = np.nan
        table["borderline"] = False
        if self.rule:
            enough = self.preparation.known(features) >= self.min_known
            costs = self.rule.costs(self.preparation, features[enough])
            order = lines_model.nearest_two(costs)
            near, next_near = np.take_along_axis(costs, order, axis=1).T
            table.loc[enough, ["segment_id", "second_id"]] = order + 1
            belongs = methods.membership(self.rule, costs)
            table.loc[enough, "membership"] = belongs.max(axis=1)
            ratio = methods.ratio(self.rule, near, next_near)
            table.loc[enough, "ratio"] = np.minimum(ratio, 1)  # of a tie
            factor, limit = self._doubt(self.rule)
            table.loc[enough, "borderline"] = near > factor * next_near + limit
        given = features[self.value_column] if self.value_column else None
        table["value_tier"] = NOT_KNOWN if given is None else self.tier(given)
        return table

    def tier(self, value: pd.Series) -> pd.Series:
        """Name the value tier of each row's value."""
        tiers = lines_model.tier_of(value, self.value_cuts)
        return tiers.where(value.notna(), NOT_KNOWN)

    def _doubt(self, rule: Rule) -> tuple[float, float]:
        """Say from what cost on a row is borderline: factor x the next cost + limit."""
        if rule.probable:
            return 1.0, math.log(max(self.borderline, 1e-300)) + TIE
        power = 2 if rule.method == "kmeans" else 1  # its costs are squares
        return self.borderline**power, TIE

    def name(self, segment_id: int) -> str:
        """Return the name of a segment; 0 is too little data, if there are segments."""
        if segment_id == 0:
            return TOO_LITTLE if self.rule else NOT_SEGMENTED
        return self.names.get(str(segment_id), f"Segment {segment_id}")

    def named(self, names: dict[str, str]) -> "Model":
        """Return the same model with names."""
        return replace(self, names=names)

    def to_dict(self) -> dict:
        """Return the model as plain data with a checksum of all that decides labels."""
        content = {"kind": KIND} | asdict(self)
        decides = {key: value for key, value in content.items() if key != "names"}
        text = json.dumps(decides, sort_keys=True)
        return content | {"checksum": hashlib.sha256(text.encode()).hexdigest()}

    @classmethod
    def from_dict(cls, content: dict) -> "Model":
        """Read what `to_dict` gave; ValueError if it is another kind or was changed."""
        content = dict(content)
        checksum = content.pop("checksum")
        if (kind := content.pop("kind", "one of order lines")) != KIND:
            raise ValueError(f"its kind is {kind}, not {KIND}")
        content["preparation"] = Preparation.from_dict(content["preparation"])
        content["rule"] = Rule(**content["rule"]) if content["rule"] else None
        model = cls(**content)
        if model.to_dict()["checksum"] != checksum:
            raise ValueError("it was changed by hand: its checksum does not fit")
        return model

    def to_sql(self, table: str, dialect: str = "duckdb") -> str:
        """Write the readings as one query over the feature table.

        `table` is a table or read expression of the dialect (one of
        `clustering.model.DIALECTS`), with customer_id and the columns of `inputs`, as
        features have them: yes or no as 1 and 0, ordered levels as 0, 1, 2; what is
        missing must be null, not NaN. The query returns customer_id and `READINGS`, in
        no order, and agrees with `assign`.
        """
        template = _QUERIES["query" if self.rule else "without_segments"]
        value = "null"
        tiers = [f"when total_value is null then {quoted(NOT_KNOWN)}"]
        if self.value_column:
            value = identifier(self.value_column)
            tiers += lines_model.tier_in_sql("total_value", self.value_cuts)
        given = [f"cast({value} as double) as total_value"]
        parts = {"tiers": "\n          ".join(tiers)}
        if self.rule:
            given += [_read(i, column) for i, column in enumerate(self._columns, 1)]
            parts |= self._segments_in_sql(self.rule)
        parts["given"] = ",\n          ".join(given)
        return lines_model.write_sql(template, parts, table, dialect)

    @property
    def _columns(self) -> list[Column]:
        return self.preparation.columns

    def _segments_in_sql(self, rule: Rule) -> dict[str, str]:
        """Write what the query leaves open for segments."""
        columns = list(enumerate(self._columns, 1))
        measured, turned, costs, apart = _WRITERS[rule.method](rule, self._columns)
        ids = range(1, rule.k + 1)
        counts = range(len(columns) + 1)
        fewest = [n for n in counts if n / len(columns) >= self.min_known]
        factor, limit = self._doubt(rule)
        own = [f"when d{i} <= d_least + {TIE!r} then {i}" for i in ids]
        seconds = [f"when e{i} <= e_least + {TIE!r} then {i}" for i in ids]
        far = f"then {_FAR!r} else"
        others = [f"case when segment_id = {i} {far} d{i} end as e{i}" for i in ids]
        lists = {
            "moved": ["total_value", *(_moved(i, column) for i, column in columns)],
            "measured": [f"{text} as s{i}" for i, text in enumerate(measured, 1)],
            "turned": ["*", *turned],
            "costs": [f"{text} as d{i}" for i, text in enumerate(costs, 1)],
            "others": others,
        }
        return {
            **{part: ",\n          ".join(lines) for part, lines in lists.items()},
            "known": _sum(
                f"case when t{i} is null then 0 else 1 end" for i, _ in columns
            ),
            "fewest": str(fewest[0] if fewest else len(columns) + 1),
            "apart": apart,
            "d_all": ", ".join(f"d{i}" for i in ids),
            "e_all": ", ".join(f"e{i}" for i in ids),
            "segments": "\n              ".join(own),
            "seconds": "\n          ".join(seconds),
            "factor": _number(factor),
            "limit": _number(limit),
        }


def _read(i: int, column: Column) -> str:
    kind = "double" if column.numeric else "varchar"
    return f"cast({identifier(column.name)} as {kind}) as x{i}"


def _moved(i: int, column: Column) -> str:
    """Write a column after its transform; negative numbers have none and count as 0."""
    if not column.numeric:
        levels = enumerate(column.levels)
        cases = " ".join(f"when {quoted(level)} then {n}" for n, level in levels)
        return f"case x{i} {cases} end as t{i}"
    floored = lines_model.cut_in_sql(f"x{i}", 0.0, math.inf)
    moved = {"none": f"x{i}", "log": f"ln(1e0 + {floored})", "root": f"sqrt({floored})"}
    return f"{moved[column.transform]} as t{i}"


def _limited(i: int, column: Column) -> str:
    if not column.numeric:
        return f"t{i}"
    return lines_model.cut_in_sql(f"t{i}", column.lower, column.upper)


# Each method writes its columns `s`, what its costs have in common, the cost of each
# segment, and what all of these lack.
Written = tuple[list[str], list[str], list[str], str]


def _kmeans(rule: Rule, columns: list[Column]) -> Written:
    """Write how much farther each centre is than the first, in squared distance.

    Of scores s to a centre c it is s.s - 2 c.s + c.c, so that only a constant and a
    weight for each column differ between centres.
    """
    centres = np.array(rule.parameters["centres"])
    first = centres[0]
    measured, apart = [], [_number(math.fsum(first**2))]
    costs = [[_number(math.fsum([*c**2, *-(first**2)]))] for c in centres]
    at = 0
    for i, column in enumerate(columns, 1):
        part = slice(at, at := at + len(column.scores))
        weights = 2 * (first - centres)[:, part]
        if column.numeric:
            measured.append(_score(i, column))
            apart.append(f"s{i} * (s{i} + {_number(-2 * first[part][0])})")
            terms = [f"{_number(weight[0])} * s{i}" for weight in weights]
        else:
            measured.append(f"t{i}")
            scores = _scores_of_levels(column)
            apart.append(
                _by_level(f"s{i}", (scores * (scores - 2 * first[part])).sum(axis=1))
            )
            terms = [_by_level(f"s{i}", scores @ weight) for weight in weights]
        for cost, term in zip(costs[1:], terms[1:], strict=True):
            cost.append(term)
    return measured, [], [_sum(cost) for cost in costs], _sum(apart)


def _medoids(rule: Rule, columns: list[Column]) -> Written:
    """Write the mean difference to each medoid over what is known of both."""
    measured = []
    for i, column in enumerate(columns, 1):
        value = _limited(i, column)
        if column.measure == "ordered":
            value = f"{value} / {_number(max(len(column.levels) - 1, 1))}"
        elif column.measure in NUMBERS:
            width = _number(column.upper - column.lower or 1.0)
            value = f"({value} - {_number(column.lower)}) / {width}"
        measured.append(value)
    costs = []
    for medoid in rule.parameters["medoids"]:
        apart, unknown = [], ["known"]
        for i, (column, value) in enumerate(zip(columns, medoid, strict=True), 1):
            if value is None:
                unknown.append(f"case when s{i} is null then 0 else -1 end")
            elif column.numeric:
                apart.append(f"coalesce(abs(s{i} - {_number(value)}), 0e0)")
            else:
                apart.append(f"case when s{i} <> {int(value)} then 1e0 else 0e0 end")
        costs.append(f"coalesce(({_sum(apart)}) / nullif({_sum(unknown)}, 0), 1e0)")
    return measured, [], costs, "0e0"


def _latent_classes(rule: Rule, columns: list[Column]) -> Written:
    """Write minus the logarithm of each class's share and probabilities."""
    measured = []
    costs = [[_number(-math.log(share))] for share in rule.parameters["shares"]]
    for i, column in enumerate(columns, 1):
        if not methods.by_level(column):
            mean, spread = _number(column.mean[0]), _number(column.spread)
            measured.append(f"({_limited(i, column)} - {mean}) / {spread}")
            own = rule.parameters["numbers"][column.name]
            terms = [
                f"coalesce({_square(f's{i}', m, 1 / v)} + {_number(math.log(2 * math.pi * v) / 2)}, 0e0)"
                for m, v in zip(own["mean"], own["variance"], strict=True)
            ]
        else:
            measured.append(f"t{i}")
            chances = -np.log(rule.parameters["levels"][column.name])
            terms = [_by_level(f"s{i}", each) for each in chances]
        for cost, term in zip(costs, terms, strict=True):
            cost.append(term)
    return measured, [], [_sum(cost) for cost in costs], "0e0"


def _mixture(rule: Rule, columns: list[Column]) -> Written:
    """Write minus the logarithm of each class's share and normal density."""
    p = rule.parameters
    measured: list[str] = []
    for i, column in enumerate(columns, 1):
        if column.numeric:
            measured.append(_score(i, column))
        else:
            measured += [_by_level(f"t{i}", s) for s in _scores_of_levels(column).T]
    turned, costs = [], []
    for n, log_det in enumerate(p["log_det"]):
        level = len(measured) * math.log(2 * math.pi) / 2 - log_det
        terms = [_number(level - math.log(p["shares"][n]))]
        for r, row in enumerate(np.array(p["factors"][n])):
            held = np.flatnonzero(row)
            if len(held) == 1:  # no other column leans on it
                terms.append(_square(f"s{held[0] + 1}", p["means"][n][r], row[r] ** 2))
                continue
            parts = [f"{_number(row[c])} * s{c + 1}" for c in held]
            middle = math.fsum(-row * np.array(p["means"][n]))
            turned.append(f"{_sum([_number(middle), *parts])} as y{n + 1}_{r + 1}")
            terms.append(_square(f"y{n + 1}_{r + 1}", 0.0, 1.0))
        costs.append(_sum(terms))
    return measured, turned, costs, "0e0"


_WRITERS: dict[str, Callable[[Rule, list[Column]], Written]] = {
    "kmeans": _kmeans,
    "medoids": _medoids,
    "latent_classes": _latent_classes,
    "mixture": _mixture,
}


def _score(i: int, column: Column) -> str:
    """Write the score of a number; what is missing is the average."""
    mean, divisor = _number(column.mean[0]), _number(column.divisor[0])
    return f"coalesce(({_limited(i, column)} - {mean}) / {divisor}, 0e0)"


def _scores_of_levels(column: Column) -> np.ndarray:
    """Give levels x scores of an unordered column."""
    return (np.eye(len(column.levels)) - column.mean) / column.divisor


def _by_level(name: str, numbers: Iterable[float]) -> str:
    """Write a number for each level; of what is missing it is 0."""
    cases = " ".join(f"when {i} then {_number(n)}" for i, n in enumerate(numbers))
    return f"case {name} {cases} else cast(0 as double) end"


def _square(name: str, mean: float, weight: float) -> str:
    """Write half the weighted square of a difference."""
    apart = f"({name} - {_number(mean)})"
    return f"{_number(weight / 2)} * {apart} * {apart}"


def _number(value: float) -> str:
    """Write a number that every engine takes for a double, and none for a decimal."""
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


def _sum(terms: Iterable[str]) -> str:
    """Write a sum, of many terms in brackets: engines go down one level a term."""
    parts = list(terms)
    while len(parts) > _AT_ONCE:
        groups = [parts[i : i + _AT_ONCE] for i in range(0, len(parts), _AT_ONCE)]
        parts = [f"({' + '.join(group)})" for group in groups]
    return "\n              + ".join(parts) or "0e0"


def check_sql(model: Model, features: pd.DataFrame) -> int:
    """Count the rows that the query, run by DuckDB, reads otherwise than `assign`."""
    found = model.assign(features)
    with duckdb.connect() as con:
        con.register("features", features[["customer_id", *model.inputs()]])
        said = con.sql(model.to_sql("features")).df().set_index("customer_id")
    said = said.reindex(found["customer_id"])[list(READINGS)].to_numpy(object)
    return int((said != found[list(READINGS)].to_numpy(object)).any(axis=1).sum())


def save(model: Model, file: Path) -> None:
    """Save the model as JSON, whole or not at all."""
    store.write_json(model.to_dict(), file)


def load(file: Path) -> Model:
    """Read a model; raise BadInput if it was changed by hand or cannot be read."""
    content = store.read_json(file, made_by="03_clustering_choice")
    try:
        return Model.from_dict(content)
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise BadInput(
            f"The segment model {file.name} cannot be read ({fault}). `make report` "
            "writes it anew."
        ) from None
