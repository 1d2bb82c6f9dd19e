"""The block `tables:` of a run file: which file and column each standard column is."""

import difflib
import functools
import io
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.core import paths
from helpers.core.errors import shown
from helpers.core.paths import beside, unfit
from helpers.runs import currency

# Next to this file: the columns that tables may have, and names that are taken.
_TOLD = beside(__file__, "mapping.yaml")
COLUMNS: dict[str, dict[str, str]] = _TOLD["columns"]
OPTIONS: list[str] = _TOLD["options"]
LINE_OPTIONS = ("cancel_prefix", "service_products", "left_out_status", "fold_ids")
ATTRIBUTES = {
    "customers": ("demographic", "firmographic", "psychographic", "requirement"),
    "leads": ("demographic", "firmographic", "psychographic", "requirement", "later"),
}
# Of a customer table, in a run without order lines: what families its columns are of, how
# they are measured, and what they are for beside building, with the measures that this needs.
FAMILIES = (*ATTRIBUTES["customers"], "behavioural")
MEASURES: dict[str, str] = _TOLD["measures"]
ROLES: dict[str, list[str]] = _TOLD["roles"]
MONEY = {"value", "monthly_fee", "monetary"}  # roles that hold it
MOST_COLUMNS = 1_000  # of a customer table
NONE = "none"  # the family of a column that has a role alone
DELIMITERS = {".csv": ",", ".txt": "\t", ".tsv": "\t"}
NAMED = {"tab": "\t", "spaces": " "}  # delimiters that are hard to see in a file
KINDS_OF_FILE = (*DELIMITERS, ".parquet", ".xlsx")
DATABASES = (".db", ".sqlite", ".sqlite3")  # files that are one
# An order is what one customer buys on one day; where no product is told either, a line.
DERIVED = "derived"
IDS = ("customer_id", "order_id", "product_id")  # whose spellings can be folded
SQLITE = "sqlite:///"
STUDY = "a column of the study"


@dataclass(frozen=True)
class Source:
    """Where one standard table comes from, and how its text is to be read."""

    table: str  # one of `COLUMNS`
    file: Path | None  # None for a database
    # sqlite:/// and a path, or the address of a PostgreSQL, which nothing may show
    database: str = field(repr=False)
    relation: str  # the table in the database
    # standard column or attribute -> column as the file names it, or `=` and a value
    # that every row gets
    columns: dict[str, str]
    kinds: dict[str, str]  # of the same columns, as in mapping.yaml, without the `?`
    required: tuple[str, ...]  # columns that may not be empty
    attributes: dict[str, str]  # attribute -> demographic, ..., or later
    sheet: str = ""
    header: bool = True
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str = ""
    date_formats: tuple[str, ...] = ()
    told_marks: bool = False  # whether the run file gives `decimal:` or `thousands:`
    time_zone: str = ""  # of the file; empty where its times are local
    local_zone: str = ""  # of the run
    currency: str = ""  # of the run
    cancel_prefix: str = ""
    service_products: tuple[str, ...] = ()
    left_out_status: tuple[str, ...] = ()  # compared without regard to case
    # of customer_id, order_id and product_id: those whose spellings are one id, in
    # every table of the run
    fold_ids: tuple[str, ...] = ()
    # Of the customer table of a run without order lines: what is given of how attributes
    # are measured, the levels of ordered ones from low to high, and roles.
    alone: bool = False
    measures: dict[str, str] = field(default_factory=dict)
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)  # as `columns`, not read
    # what values look like where no segments can be built from them, such as dates
    looks: dict[str, str] = field(default_factory=dict)

    @property
    def decimals(self) -> int:
        """Places of the run's currency; those of fewer than two are kept in cents too."""
        return currency.DECIMALS.get(self.currency, 2)

    def tells(self, name: str) -> bool:
        """Say whether a column of the file gives a standard column its values."""
        column = self.columns.get(name, DERIVED)
        return column != DERIVED and not column.startswith("=")

    @property
    def names_products(self) -> bool:
        """Say whether a column tells what was bought."""
        return self.tells("product_id")

    @property
    def names_orders(self) -> bool:
        """Say whether a column tells which lines were bought together."""
        return self.tells("order_id")

    @property
    def where(self) -> str:
        """Name the file or the table of a database, for messages."""
        return self.file.name if self.file else f"table {self.relation}"


@dataclass
class _Block:
    """One table's lines of a run file, and the faults found in them."""

    table: str
    given: dict[str, Any]
    folder: Path
    outside: bool = False  # whether files may lie outside of the folder
    alone: bool = False  # whether it is the customer table of a run without order lines
    faults: list[str] = field(default_factory=list)

    def fault(self, said: str) -> None:
        self.faults.append(f"Table {self.table}: {said}")

    def say(self, kind: str, /, **told: object) -> None:
        self.fault(_TOLD["said"][kind].format(**told))


def folder(run: str) -> Path:
    """Return the folder of a run's own files: the generated one, or the project's."""
    generated = paths.raw(run)
    if generated.is_dir():
        return generated
    return paths.ROOT / "data" / "raw" / generated.name


def faults(content: dict[str, Any], run: str) -> Iterator[str]:
    """Name every fault of a run file's `tables:` that shows without opening a file."""
    given = content.get("tables", {})
    if content.get("source") != "files":
        if given:
            yield "`tables:` is read with `source: files` only; change `source:`."
        return
    if not isinstance(given, dict) or not ("lines" in given or customer_table(content)):
        yield _TOLD["said"]["no table"]
    if isinstance(given, dict):
        for table in given:
            yield from read_table(content, run, table)[1]


def customer_table(content: dict[str, Any]) -> str:
    """Name the block of the customer table of a run without order lines; "" if there is none.

    It is `customers:`, or a survey of one row per respondent.
    """
    given = content.get("tables")
    if not isinstance(given, dict) or "lines" in given or "customers" in given:
        return "customers" * (isinstance(given, dict) and "lines" not in given)
    survey = given.get("surveys")
    wide = isinstance(survey, dict) and {*FAMILIES, *ROLES} & survey.keys()
    return "surveys" if wide else ""


def sources(content: dict[str, Any], run: str) -> list[Source]:
    """Read the tables of a run file whose block has no fault, in the order of `COLUMNS`."""
    given = content.get("tables", {})
    given = given if isinstance(given, dict) else {}
    read = [read_table(content, run, table)[0] for table in COLUMNS if table in given]
    return [source for source in read if source]


def files(content: dict[str, Any], run: str) -> list[Path]:
    """List the files that a run file maps; a database is not among them."""
    return [source.file for source in sources(content, run) if source.file]


def read_table(
    content: dict[str, Any], run: str, table: str
) -> tuple[Source | None, list[str]]:
    """Read the block of one table under `tables:`; None where there are faults."""
    if table not in COLUMNS:
        return None, [
            f"`tables:` holds {table}, which is no table{near(table, COLUMNS)}"
        ]
    given = content["tables"][table]
    if not isinstance(given, dict):
        return None, [f"Table {table}: write `file:` and `columns:` under it."]
    outside = content.get("outside") is True
    block = _Block(table, given, folder(run), outside)
    if table == customer_table(content):
        table, block.alone = "customers", True
    for key, value in given.items():
        if key in OPTIONS and (said := _address(key, str(value))):
            block.say("address", key=key, said=said)
            return None, block.faults  # others may repeat it
    _check_keys(block)
    file, database = _place(block)
    roles = _roles(block)
    attributes = _attributes(block, roles)
    columns = _columns(block, table, attributes)
    measures, levels = _measures(block, attributes, roles)
    own: dict[str, Any] = {}
    if block.alone:
        out = {n: c for n, c in columns.items() if roles.get(n) == "left_out"}
        columns = {n: c for n, c in columns.items() if n not in out}
        own = {"alone": True, "roles": roles, "left_out": out}
        own |= {"measures": measures, "levels": levels}
        kinds = {name: _measured(name, measures) for name in columns}
    else:
        kinds = {name: _kind(table, name, attributes) for name in columns}
    text = _text_options(block, file, content)
    if block.faults:
        return None, block.faults
    must = tuple(name for name, kind in COLUMNS[table].items() if kind[-1] != "?")
    source = Source(
        table=table,
        file=file,
        database=database,
        relation=str(given.get("table", "")),
        columns=columns,
        kinds=kinds,
        required=must,
        attributes=attributes,
        **text,
        **own,
    )
    return source, []


def _address(key: str, value: str) -> str:
    """Say what is wrong with a value that holds, or may hold, the address of a database."""
    if value.startswith(SQLITE):
        return ""
    if "://" in value or "password" in value.lower():
        return "holds an address; "
    if key != "database" or re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", value):
        return ""
    return f"names no variable; write {SQLITE} before the name of a file, or "


def _kind(table: str, name: str, attributes: dict[str, str]) -> str:
    if attributes.get(name) == "requirement":
        return "flag"
    return COLUMNS[table].get(name, "text").removesuffix("?")


def _measured(name: str, measures: dict[str, str]) -> str:
    """Return how a column of a customer table is read."""
    if name == "customer_id":
        return "id"
    return "measured" if MEASURES.get(measures.get(name, "")) == "number" else "text"


def near(name: str, known: Iterable[str]) -> str:
    """End a sentence, then suggest the nearest known name or list what there is."""
    name, known = str(name)[:200], [str(one)[:200] for one in known][:5_000]
    close = difflib.get_close_matches(str(name), known, n=1)
    if not close:
        folded = {one.casefold(): one for one in known}
        close = [folded[str(name).casefold()]] if str(name).casefold() in folded else []
    if close:
        return f". Did you mean {close[0]}?"
    return f". There are: {', '.join(known[:15])}." if known else "."


def _check_keys(block: _Block) -> None:
    """Refuse keys that a table does not have, and values of another kind."""
    lists = (*ATTRIBUTES["leads"], "service_products", "left_out_status", "fold_ids")
    own = LINE_OPTIONS if block.table == "lines" else ATTRIBUTES.get(block.table, ())
    if block.alone:
        own, lists = (*FAMILIES, "measures", *ROLES), (*FAMILIES, "left_out")
    known = [*OPTIONS, *own]
    for key, value in block.given.items():
        if key == "fold_product_case":
            block.fault(
                f"`{key}:` is now a list of ids; write `fold_ids: [product_id]`."
            )
        elif key not in known:
            block.fault(f"`{key}:` is no key of it{near(key, known)}")
        elif key == "header":
            if not isinstance(value, bool):
                block.fault(f"`{key}:` is {shown(value)}; write true or false.")
        elif key in lists and not isinstance(value, list):
            block.fault(f"`{key}:` is {shown(value)}; write a list such as [A, B].")
        elif key == "measures" and not isinstance(value, dict):
            block.say("no measures", given=shown(value))
        elif key in ROLES and not (isinstance(value, str) or _texts(value)):
            block.say("no column", key=key, given=shown(value))
        elif key in OPTIONS[:-1] and not isinstance(value, str | list):
            block.fault(f"`{key}:` is {shown(value)}; write it in quotes.")
        elif key in OPTIONS[:-1] and key != "date_format" and isinstance(value, list):
            block.fault(f"`{key}:` is the list {shown(value)}; write one text.")
        elif key == "fold_ids" and (odd := [one for one in value if one not in IDS]):
            block.fault(f"`fold_ids:` holds {odd[0]}{near(str(odd[0]), IDS)}")


def _place(block: _Block) -> tuple[Path | None, str]:
    """Find the file or the database of a table."""
    given = block.given
    if ("file" in given) == ("database" in given):
        block.fault("give it one of `file:` and `database:`.")
        return None, ""
    if "database" in given:
        if "table" not in given:
            block.fault("`table:` is missing; name the table of the database.")
        return None, _database(block, str(given["database"]))
    return _own(block, "file", str(given["file"]), KINDS_OF_FILE), ""


def _own(
    block: _Block, key: str, name: str, kinds: tuple[str, ...] = ()
) -> Path | None:
    """Find a file of the run's folder, and say what keeps it from being read."""
    file, place = block.folder / name, f"data/raw/{block.folder.name}/"
    if why := paths.odd(name):
        block.fault(f"`{key}:` is {name[:40]!r}, which {why}; rename the file.")
        return None
    inside = Path(os.path.normpath(file)).is_relative_to(block.folder)
    if not block.outside and not inside:
        block.say("outside", name=file.name, place=place)
    elif kinds and file.suffix.lower() not in kinds:
        block.say("kind", name=file.name, kinds=", ".join(kinds))
    elif not file.exists() and not file.is_symlink():
        names = sorted(one.name for one in block.folder.glob("*") if not unfit(one))
        missing = {"file": f"the file {file.name} is missing from {place}"}
        said = missing.get(key, f"the database {file.name} is missing")
        block.fault(f"{said}{near(file.name, names)}")
    elif why := unfit(file, within=None if block.outside else block.folder):
        block.fault(f"{file.name} {why}")
    return file


def _database(block: _Block, named: str) -> str:
    """Say where a database is; a secret stands in an environment variable only."""
    if named.startswith(SQLITE):
        file = _own(block, "database", named.removeprefix(SQLITE))
        return f"{SQLITE}{file}"
    if named not in os.environ:
        block.say("not set", name=named)
    return os.environ.get(named, "")


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _roles(block: _Block) -> dict[str, str]:
    """Read what columns of a customer table are for, beside building; a column has one role."""
    roles: dict[str, str] = {}
    for role in ROLES if block.alone else ():
        names = _list_of(block.given.get(role))
        if len(names) > 1 and role not in _TOLD["several"]:
            block.say("one column", key=role, given=shown(names))
        for name in map(str, names):
            other = roles.get(name, "")
            if other and _TOLD["implies"].get(role) != other:
                block.fault(f"{name} is both {other} and {role}; keep one of them.")
            roles[name] = role
    return roles


def _measures(
    block: _Block, attributes: dict[str, str], roles: dict[str, str]
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Read how columns are measured, as far as it is given; a list is ordered levels."""
    measures = {
        name: ROLES[role][0] for name, role in roles.items() if role != "outcome"
    }
    levels: dict[str, tuple[str, ...]] = {}
    given = block.given.get("measures", {}) if block.alone else {}
    for name, measure in given.items() if isinstance(given, dict) else ():
        needed = ROLES.get(roles.get(name, ""), [])
        if name not in attributes:
            known = near(name, attributes)
            block.fault(f"`measures:` holds {name}, which has no family or role{known}")
        elif isinstance(measure, list):
            levels[name] = tuple(" ".join(str(one).split()) for one in measure)
            measures[name] = "ordered"
            if len({one.casefold() for one in levels[name]}) < max(2, len(measure)):
                block.say("levels", name=name, given=shown(measure))
        elif measure not in MEASURES:
            known = near(str(measure), MEASURES)
            block.fault(f"`measures:` gives {name} {shown(measure)}, no measure{known}")
        else:
            measures[name] = measure
        if needed and name in measures and measures[name] not in needed:
            told = {"name": name, "role": roles[name], "given": measures[name]}
            block.say("other measure", needed=" or ".join(needed), **told)
    return measures, levels


def _attributes(block: _Block, roles: dict[str, str]) -> dict[str, str]:
    """Give each attribute its kind; an attribute has one, `NONE` where it has a role alone."""
    kinds: dict[str, str] = {}
    families = FAMILIES if block.alone else ATTRIBUTES.get(block.table, ())
    listed = [(kind, block.given.get(kind, [])) for kind in families]
    listed = [
        (kind, names if isinstance(names, list) else []) for kind, names in listed
    ]
    built = {str(name) for _, names in listed for name in names}
    for name in (name for name in built if roles.get(name) == "left_out"):
        block.fault(f"{name} is left out and has a family; keep one of them.")
    listed += [(NONE, [name for name in roles if name not in built])]
    for kind, names in listed:
        for name in map(str, names):
            if name in kinds:
                block.fault(
                    f"attribute {name} is both {kinds[name]} and {kind}; keep one."
                )
            elif block.alone and name.casefold() in map(str.casefold, kinds):
                block.fault(f"{name} stands twice, in other capitals; rename one.")
            elif name in COLUMNS[block.table]:
                block.fault(f"{name} is a column of its own, not an attribute.")
            elif reserved(name) or (block.alone and name in _TOLD["reserved_alone"]):
                block.say(
                    "reserved",
                    name=name,
                    study=STUDY,
                    other=renamed(name),
                    kind=roles[name] if kind == NONE else kind,
                    column=_told(block, name),
                )
            kinds[name] = kind
    return kinds


def reserved(name: str) -> bool:
    """Say whether the study itself has a column of that name, in any case of letters."""
    plain = name.casefold()
    starts = tuple(_TOLD["reserved_starts"])
    return (
        plain in _TOLD["reserved"] or plain in _features() or plain.startswith(starts)
    )


@functools.cache
def _features() -> frozenset[str]:
    """Name the features that the dictionary defines: their columns are the study's."""
    module = Path(__file__).parents[1] / "features/dictionary.py"
    return frozenset(beside(str(module), "dictionary.yaml")["features"])


def renamed(name: str) -> str:
    """Propose another name for an attribute whose own the study needs."""
    return f"given_{name}"


def _told(block: _Block, name: str) -> str:
    """Return the column of the file that an attribute is read from."""
    columns = block.given.get("columns")
    column = str(columns.get(name, name)) if isinstance(columns, dict) else name
    return (
        column
        if re.fullmatch(r"\w+", column)
        else json.dumps(column, ensure_ascii=False)
    )


def _columns(block: _Block, table: str, attributes: dict[str, str]) -> dict[str, str]:
    """Read `columns:` and hold it to what the table needs."""
    given = block.given.get("columns")
    if not isinstance(given, dict) or not given:
        block.fault("`columns:` is missing; write lines such as `order_id: Order`.")
        return {}
    standard = COLUMNS[table]
    for name, column in given.items():
        if name not in standard and name not in attributes:
            known = near(name, [*standard, *attributes])
            what = "has no family or role" if block.alone else "is no column"
            block.fault(f"`columns:` holds {name}, which {what}{known}")
        if isinstance(column, list | dict) or column in (None, ""):
            block.fault(f"`columns:` gives {name} no column; name one or remove it.")
    absent = [
        name for name, kind in standard.items() if kind[-1] != "?" and name not in given
    ]
    if block.alone and len(attributes) > MOST_COLUMNS:
        block.say("many", count=len(attributes), most=MOST_COLUMNS)
    if absent:
        block.say("lacks ids" if block.alone else "lacks", names=", ".join(absent))
    if block.table == "lines":
        _check_money(block, given)
    order = [*standard, *given]
    names = sorted(given, key=lambda name: order.index(name))
    named = {str(name): str(given[name]) for name in names}
    return named | {name: name for name in attributes if name not in named}


def _check_money(block: _Block, given: dict[str, Any]) -> None:
    """Refuse columns of lines that do not say what a line sold for, or say it twice."""
    money = [name for name in ("amount", "unit_price", "order_total") if name in given]
    if not money:
        block.say("no money")
    if "order_total" in money and len(money) > 1:
        block.say("two prices", other=money[0])
    if "order_total" in money and given.get("order_id", DERIVED) == DERIVED:
        block.fault("order_total needs a column of the file as order_id.")
    taken_off = [name for name in given if str(name).startswith("discount")]
    if taken_off and ("unit_price" not in money or "amount" in money):
        block.say("nothing to discount", name=taken_off[0])
    if len(taken_off) > 1:
        block.fault(f"`columns:` gives {' and '.join(taken_off)}; keep one of them.")
    numbered = [str(one) for one in _list_of(block.given.get("date_format"))]
    if "ordered_time" in given and any(one.startswith("unix") for one in numbered):
        block.say("two times")
    if block.given.get("left_out_status") and "status" not in given:
        block.fault("`left_out_status:` needs the column status under `columns:`.")


def _text_options(
    block: _Block, file: Path | None, content: dict[str, Any]
) -> dict[str, Any]:
    """Read how the text of a table is written."""
    given = block.given
    usual = DELIMITERS.get(file.suffix.lower(), "") if file else ""
    delimiter = str(given.get("delimiter", usual))
    formats = given.get("date_format", [])
    options = {
        "sheet": str(given.get("sheet", "")),
        "header": given.get("header", True),
        "delimiter": NAMED.get(delimiter, delimiter),
        "quote": {"none": ""}.get(
            str(given.get("quote", '"')), given.get("quote", '"')
        ),
        "encoding": str(given.get("encoding", "utf-8")),
        # A point between thousands leaves the comma to decimals.
        "decimal": str(
            given.get("decimal", "," if given.get("thousands") == "." else ".")
        ),
        "thousands": str(given.get("thousands", "")),
        "date_formats": tuple(formats if isinstance(formats, list) else [formats]),
        "time_zone": str(given.get("time_zone", "")),
        "local_zone": of_the_run(content, "time_zone"),
        "currency": of_the_run(content, "currency"),
        "told_marks": bool({"decimal", "thousands"} & given.keys()),
        "fold_ids": _folded(content),
    }
    _check_text(block, options)
    if block.table == "lines":
        left_out = [" ".join(str(s).split()) for s in _list(given, "left_out_status")]
        options |= {
            "cancel_prefix": str(given.get("cancel_prefix", "")),
            "service_products": tuple(map(str, _list(given, "service_products"))),
            "left_out_status": tuple(left_out),
        }
    return options


def _list_of(value: object) -> list[Any]:
    """Return a list as it is, and one value as a list of it."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _list(given: dict[str, Any], key: str) -> list[Any]:
    """Return a list of a table's block; an empty one where it is something else."""
    value = given.get(key)
    return value if isinstance(value, list) else []


def _folded(content: dict[str, Any]) -> tuple[str, ...]:
    """Read which ids are folded: lines say it for every table of the run."""
    lines = content["tables"].get("lines")
    return tuple(_list(lines, "fold_ids")) if isinstance(lines, dict) else ()


def _check_text(block: _Block, options: dict[str, Any]) -> None:
    try:
        io.TextIOWrapper(io.BytesIO(), options["encoding"])
    except (LookupError, ValueError):  # not known, or not of texts
        usual = ["utf-8", "latin-1", "cp1252", "utf-16"]
        block.fault(
            f"`encoding:` {options['encoding']} is not known{near(options['encoding'], usual)}"
        )
    if len(options["delimiter"]) != 1 and block.given.get("delimiter") is not None:
        block.fault(
            f"`delimiter:` is {options['delimiter']!r}; write one character, tab or "
            "spaces."
        )
    quote = str(options["quote"])
    if len(quote.encode()) > 1 or quote in ("\n", "\r", "\0", options["delimiter"]):
        block.fault(
            f"`quote:` is {quote[:60]!r}; write one plain character that is not that of "
            "`delimiter:`, or none."
        )
    if not all(isinstance(one, str) for one in options["date_formats"]):
        block.fault("`date_format:` holds what is no text; write such as '%d.%m.%Y'.")
    if not isinstance(block.given.get("cancel_prefix", ""), str):
        block.fault("`cancel_prefix:` is no text; write the letters in quotes.")
    if re.search(r"[\w+-]", options["thousands"]):
        block.fault(
            f"`thousands:` is {options['thousands']!r}; write a mark or a space."
        )
    if options["decimal"] not in (".", ","):
        block.fault(f"`decimal:` is {options['decimal']!r}; write '.' or ','.")
    if options["thousands"] == options["decimal"] or len(options["thousands"]) > 1:
        block.say("thousands", given=options["thousands"])
    if options["time_zone"] and not options["local_zone"]:
        block.say("no zone", given=options["time_zone"])


def of_the_run(content: dict[str, Any], parameter: str) -> str:
    """Return what a run file sets a parameter of notebook 1 to; empty if it does not."""
    for key in ("01_cleaning", "all"):
        block = content.get(key)
        if isinstance(block, dict) and parameter in block:
            return str(block[parameter])
    return ""
