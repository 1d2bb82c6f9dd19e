"""The standard tables: what their columns mean, checked when written and when read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
import pandera.pandas as pa

from helpers.core.errors import BadInput
from helpers.core.paths import beside

# Needs of goods that tell nothing of what a customer buys.
UNCLASSIFIED = "unclassified"  # no product row, or a department of no known need
OTHER = "other"  # needs too small for a share of their own
APART = ("fuel", "not_merchandise", UNCLASSIFIED)  # left out of need shares

_AT_LEAST_0, _MISSING = pa.Check.ge(0), {"nullable": True}


def _whole(column: pd.Series) -> pd.Series:
    """Say which values are cents, or tenths of them for a currency of three places."""
    if pd.api.types.is_integer_dtype(column):
        return pd.Series(True, index=column.index)
    numbers = pd.to_numeric(column, errors="coerce") * 10
    return (numbers - numbers.round()).abs() < 1e-3


_WHOLE = pa.Check(_whole, error="whole cents or tenths of them")
# Kind of a column in schema.yaml -> what pandera checks it against.
KINDS = {
    "id": {"dtype": str, "checks": pa.Check.str_length(min_value=1), "coerce": True},
    "word": {"dtype": str, "coerce": True},
    "text": {"dtype": str, "coerce": True, **_MISSING},
    "moment": {"dtype": "datetime64[us]", "coerce": True},
    "moment or missing": {"dtype": "datetime64[us]", "coerce": True, **_MISSING},
    "cents": {"checks": _WHOLE},
    "cents from 0": {"checks": [_WHOLE, _AT_LEAST_0]},
    "count": {"dtype": "int64", "checks": _AT_LEAST_0},
    "quantity": {"checks": _AT_LEAST_0},
    "flag": {"dtype": bool},
    "flag or missing": {"dtype": "boolean", "coerce": True, **_MISSING},
    "share": {"dtype": float, "checks": pa.Check.in_range(0, 1), **_MISSING},
    "number": {"dtype": float},
    "number or missing": {"dtype": float, **_MISSING},
    "measured": {"dtype": float, "coerce": True},  # also where every one is whole
    "minutes": {"dtype": float, "checks": _AT_LEAST_0, "coerce": True, **_MISSING},
}


@dataclass(frozen=True)
class Table:
    """What one table promises."""

    stage: str  # folder it lives in: interim (clean tables) or processed (results)
    made_by: str  # the notebook that writes it
    key: tuple[str, ...]  # columns that together name a row once
    columns: dict[str, pa.Column]  # other columns may stand beside them
    layout: str = ""  # SQL that sorts the rows of the file; the key if left out


def _column(name: str, kind: str | list[str]) -> tuple[str, pa.Column]:
    """Read a line of `columns:`; the `?` stands at the kind, or at a list's name."""
    required = not (name.endswith("?") or kind[-1] == "?")
    told = (
        {"dtype": str, "checks": pa.Check.isin(kind), "coerce": True}
        if isinstance(kind, list)
        else KINDS[kind.removesuffix("?")]
    )
    return name.removesuffix("?"), pa.Column(**told, required=required)


_PROMISED = beside(__file__, "schema.yaml")
# Plain data that notebooks hand on beside the tables: name -> notebook that writes it.
DOCUMENTS = {
    name: made_by
    for made_by, names in _PROMISED.pop("documents").items()
    for name in names
}


def _tables() -> Iterator[tuple[str, Table]]:
    for stage, notebooks in _PROMISED.items():
        for made_by, tables in notebooks.items():
            for name, told in tables.items():
                columns = dict(_column(*one) for one in told.get("columns", {}).items())
                key, layout = tuple(told.get("key", ())), told.get("layout", "")
                yield name, Table(stage, made_by, key, columns, layout)


TABLES = dict(_tables())
# Columns of order lines that not every run has.
OPTIONAL = tuple(n for n, one in TABLES["lines"].columns.items() if not one.required)


def made_by(name: str) -> str:
    """Name the notebook that writes a table or document."""
    return DOCUMENTS.get(name) or TABLES[name].made_by


def check(
    frame: pd.DataFrame, name: str, *, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return a table with the promised types, or raise BadInput with the first faults.

    `columns` are those that were asked for; if left out, all that `TABLES` promises.
    """
    table = TABLES[name]
    promised = {part: pa.Column(nullable=True) for part in table.key} | table.columns
    asked = promised if columns is None else columns
    promised = {column: promised[column] for column in promised if column in asked}
    try:
        frame = pa.DataFrameSchema(promised).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as faults:
        raise BadInput(_say(faults.failure_cases, name)) from None
    key = list(table.key) if promised.keys() >= set(table.key) else []
    if key and (doubled := frame.duplicated(key, keep=False)).any():
        first = frame.loc[doubled, key].head(4).to_dict("records")
        raise BadInput(
            f"Table {name}: {int(doubled.sum()):,} rows share the key "
            f"{', '.join(key)}; the first are {first}. Keep one row for each key."
        )
    return frame


def _say(cases: pd.DataFrame, name: str) -> str:
    sentences = []
    for (column, rule), rows in cases.groupby(
        [cases["column"].astype(object).fillna(cases["failure_case"]), "check"],
        sort=False,
    ):
        if rule == "column_in_dataframe":
            sentences.append(f"column {column} is missing")
            continue
        # A fault of the whole column, such as its type, has no row.
        found = rows["failure_case"].head(3).map(repr)
        where = ""
        if rows["index"].notna().all():
            found = rows["index"].head(3).map("row {}: ".format) + found
            where = f" in {len(rows):,} rows"
        sentences.append(f"column {column} breaks {rule}{where} ({', '.join(found)})")
    return _told(name, sentences)


def _told(name: str, faults: Iterable[str]) -> str:
    return (
        f"Table {name}: {'; '.join(faults)}. Mend the source or the rule that makes "
        f"this table in {TABLES[name].made_by}."
    )


def require(columns: Iterable[str], name: str) -> None:
    """Refuse, naming them, the lack of columns that a table promises."""
    table, there = TABLES[name], set(columns)
    promised = [c for c in table.columns if table.columns[c].required]
    missing = [c for c in dict.fromkeys((*table.key, *promised)) if c not in there]
    if missing:
        raise BadInput(_told(name, [f"column {c} is missing" for c in missing]))
