"""Read and add up order lines where they lie: in DuckDB, Spark or PostgreSQL."""

# Every query of the study is written once, in DuckDB's SQL. Another engine gets the same
# text, translated by sqlglot, so that no number has two definitions. What is added here
# is what the translation cannot know: that `/` never drops decimals, where a Parquet
# file lies for the engine, and that texts are ordered by their bytes.

import contextlib
import hashlib
import importlib.util
import io
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from helpers.core import disk, paths
from helpers.core.errors import BadInput

if TYPE_CHECKING:  # make asks here whether an engine is there: that takes no libraries
    import pandas as pd
    import pyarrow as pa
    from sqlglot import exp

ENGINES = ("duckdb", "pyspark", "postgresql")
MEMORY = "1GB"  # beyond this DuckDB keeps rows on disk
ADDRESS = "STUDY_POSTGRESQL"  # environment variable with the address of the database
_WRITTEN_FILE = re.compile(r"(?<=read_parquet\(')(?:[^']|'')+")
PLAIN = re.compile("[a-z_][a-z0-9_]*")  # a name that no engine wants in quotes
_TOLD = paths.beside(__file__, "engines.yaml")


class Engine(Protocol):
    """What the helpers ask of an engine; a DuckDB connection has it too."""

    def execute(self, sql: str, values: dict | list | None = None, /) -> "Engine":
        """Run one statement of DuckDB's SQL; $name or ? stand for the values."""

    def df(self) -> "pd.DataFrame":
        """Return the rows of the last statement as a table."""

    def fetchall(self) -> list[tuple]:
        """Return the rows of the last statement as tuples."""

    def register(self, name: str, frame: "pd.DataFrame", /) -> None:
        """Make a small table of the notebook known by a name."""

    def close(self) -> None:
        """Free what the statements left in the engine."""


def missing(engine: str) -> str | None:
    """Say in a sentence what an engine lacks on this machine; None if it can be used."""
    if engine == "pyspark":
        if importlib.util.find_spec("pyspark") is None:
            return "engine pyspark is not installed; install it with `make spark`."
        here = not os.environ.get("SPARK_REMOTE")
        if here and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
            return (
                "engine pyspark needs Java 17; install it with "
                "`apt-get install openjdk-17-jre-headless`."
            )
    if engine == "postgresql" and not os.environ.get(ADDRESS):
        return (
            "engine postgresql needs the address of a database; set it with "
            f"`export {ADDRESS}=postgresql://user@server/database`."
        )
    return None


def connect(engine: str, *, run: str) -> Engine:
    """Open an engine of `ENGINES`; BadInput says what to do where it is not there.

    pyspark is the session that there is, the one SPARK_REMOTE names, or one on this
    machine; postgresql the database of `ADDRESS`. The run's folder under build/ keeps
    what exceeds memory.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine is one of {', '.join(ENGINES)}, not {engine!r}.")
    if fault := missing(engine):
        raise BadInput(fault[0].upper() + fault[1:])
    spill = disk.spill(paths.plan(run))
    if engine == "pyspark":
        return Spark(spill)
    return PostgreSQL() if engine == "postgresql" else DuckDB(spill)


def limit(con: Any, spill: Path) -> None:  # noqa: ANN401
    """Let a DuckDB connection hold `MEMORY` at most, and keep the rest in a folder."""
    offline(con)
    con.execute(f"set memory_limit = '{MEMORY}'")
    con.execute(f"set temp_directory = {quoted(str(spill))}")


def offline(con: Any) -> None:  # noqa: ANN401
    """Let a DuckDB connection fetch no extension, whatever a file or a rule asks for."""
    for what in ("install", "load"):
        con.execute(f"set auto{what}_known_extensions = false")


def literal(file: str | Path) -> str:
    """Write the path of a file so that DuckDB takes it for no pattern of names."""
    return re.sub(r"([\[*?])", r"[\1]", str(file))


def quoted(text: str) -> str:
    """Write a text as SQL does: in quotes, those inside it doubled."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Write a column's name as SQL does, whatever letters or word it is."""
    return '"' + name.replace('"', '""') + '"'


def bare(name: str) -> str:
    """Write a column's name without quotes, where it needs none."""
    return name if PLAIN.fullmatch(name) else identifier(name)


def columns(file: str | Path) -> dict[str, str]:
    """Name the columns of a Parquet file, or a folder of them, and Arrow's types."""
    from pyarrow import dataset

    schema = dataset.dataset(file, format="parquet").schema
    return {column.name: str(column.type) for column in schema}


class DuckDB:
    """DuckDB in this process: rows beyond `MEMORY` lie in a folder of `spill`."""

    LINES_AT_ONCE = 6_000_000  # of which features are built within `MEMORY`

    def __init__(self, spill: Path) -> None:
        import duckdb

        self._con, self._spill = duckdb.connect(), spill
        limit(self._con, spill)
        # Nothing that is asked for depends on the order of rows in a file.
        self._con.execute("set preserve_insertion_order = false")

    def execute(self, sql: str, values: dict | list | None = None, /) -> "DuckDB":
        """Run one statement; the Parquet files in it are no patterns of names."""
        if isinstance(values, dict):
            values = {name: self._meant(value) for name, value in values.items()}
        elif values:
            values = [self._meant(value) for value in values]
        with _full_disk("DuckDB"):
            self._con.execute(_WRITTEN_FILE.sub(lambda at: literal(at[0]), sql), values)
        return self

    def _meant(self, value: object) -> object:
        return literal(value) if str(value).endswith(".parquet") else value

    def df(self) -> "pd.DataFrame":
        """Return the rows of the last statement as a table."""
        with _full_disk("DuckDB"):
            return self._con.df()

    def fetchall(self) -> list[tuple]:
        """Return the rows of the last statement as tuples."""
        with _full_disk("DuckDB"):
            return self._con.fetchall()

    def register(self, name: str, frame: "pd.DataFrame") -> None:
        """Make a small table of the notebook known by a name."""
        self._con.register(name, frame)

    def close(self) -> None:
        """End the connection and remove what it kept on disk."""
        self._con.close()
        shutil.rmtree(self._spill, ignore_errors=True)


class Spark:
    """A Spark session; staged tables are persisted, in memory and on disk (`spill`)."""

    def __init__(self, spill: Path) -> None:
        with warnings.catch_warnings():
            # Its pandas interface is not used; the Arrow tables it returns are.
            warnings.simplefilter("ignore", FutureWarning)
            from pyspark.sql import SparkSession

        builder = SparkSession.builder.appName("customer segmentation")
        if not os.environ.get("SPARK_REMOTE") and not SparkSession.getActiveSession():
            given = {
                "spark.master": os.environ.get("MASTER", "local[*]"),
                "spark.local.dir": str(spill),
                "spark.sql.warehouse.dir": str(spill / "warehouse"),
            } | _TOLD["spark"]
            for key, value in given.items():
                builder = builder.config(key, value)
        self._session = builder.getOrCreate()
        self._session.conf.set("spark.sql.session.timeZone", "UTC")
        self._staged: dict[str, Any] = {}
        self._rows = None

    def execute(self, sql: str, values: dict | list | None = None, /) -> "Spark":
        """Run one statement, or plan it: Spark computes when rows are asked for."""
        from sqlglot import exp

        tree = _translated(sql, values, dialect="spark", at=self._at)
        with _full_disk("Spark"):
            if not isinstance(tree, exp.Create):
                self._rows = self._session.sql(tree.sql("spark", identify=True))
                return self
            name = tree.this.name
            rows = self._session.sql(tree.expression.sql("spark", identify=True))
            if tree.kind == "TABLE":
                rows = rows.persist()
                rows.count()
            rows.createOrReplaceTempView(name)
            if name in self._staged:
                self._staged.pop(name).unpersist()
            if tree.kind == "TABLE":
                self._staged[name] = rows
        return self

    def df(self) -> "pd.DataFrame":
        """Return the rows of the last statement as a table."""
        with _full_disk("Spark"):
            return _pandas(self._rows.toArrow())

    def fetchall(self) -> list[tuple]:
        """Return the rows of the last statement as tuples."""
        with _full_disk("Spark"):
            return [tuple(row) for row in self._rows.collect()]

    def register(self, name: str, frame: "pd.DataFrame") -> None:
        """Make a small table of the notebook known by a name."""
        import pyarrow as pa

        table = pa.Table.from_pandas(frame, preserve_index=False)
        self._session.createDataFrame(table).createOrReplaceTempView(name)

    def close(self) -> None:
        """Free what was persisted; the session stays, it may be somebody else's."""
        for rows in self._staged.values():
            rows.unpersist()
        self._staged.clear()

    def _at(self, file: str) -> "exp.Table":
        """Name a Parquet file for Spark."""
        from sqlglot import exp

        _refuse_types(file, "pyspark")
        return exp.to_table(f"parquet.`{file}`", dialect="spark")


class PostgreSQL:
    """A PostgreSQL database, with a copy of each file, made anew when it changed."""

    def __init__(self) -> None:
        import psycopg

        try:
            self._con = psycopg.connect(os.environ[ADDRESS], autocommit=True)
        except Exception as fault:  # it names the address, or a part of it
            raise BadInput(
                f"The database that {ADDRESS} leads to {_refusal(fault)}. Correct the "
                "address, or start the database."
            ) from None
        numeric = psycopg.types.numeric.FloatLoader
        self._con.adapters.register_loader("numeric", numeric)
        self._con.execute("create schema if not exists study")
        self._con.execute("set timezone = 'UTC'")
        self._rows = None
        self._known: dict[str, str] = {}

    def execute(self, sql: str, values: dict | list | None = None, /) -> "PostgreSQL":
        """Run one statement."""
        from sqlglot import exp

        tree = _translated(sql, values, dialect="postgres", at=self._at)
        with _full_disk("PostgreSQL"):
            if not isinstance(tree, exp.Create):
                self._rows = self._con.execute(tree.sql("postgres", identify=True))
                return self
            name, kind = tree.this.name, tree.kind.lower()
            tree.set("replace", False)
            with self._con.transaction():
                self._con.execute(f"drop {kind} if exists pg_temp.{name} cascade")
                self._con.execute(tree.sql("postgres", identify=True))
                if kind == "table":
                    self._con.execute(f"analyze {name}")
        return self

    def df(self) -> "pd.DataFrame":
        """Return the rows of the last statement as a table."""
        import pyarrow as pa

        rows = self._rows.fetchall()
        described = self._rows.description
        columns = list(zip(*rows, strict=True)) or [()] * len(described)
        return _pandas(
            pa.table(
                {
                    one.name: pa.array(list(values), _arrow(one.type_code))
                    for one, values in zip(described, columns, strict=True)
                }
            )
        )

    def fetchall(self) -> list[tuple]:
        """Return the rows of the last statement as tuples."""
        return self._rows.fetchall()

    def register(self, name: str, frame: "pd.DataFrame") -> None:
        """Make a small table of the notebook known by a name."""
        import pyarrow as pa

        table = pa.Table.from_pandas(frame, preserve_index=False)
        self._con.execute(f"drop table if exists pg_temp.{name} cascade")
        self._create(f"pg_temp.{name}", table.schema)
        self._copy(f"pg_temp.{name}", table.to_batches())

    def close(self) -> None:
        """End the connection; the copies of standard tables stay for the next."""
        self._con.close()

    def _at(self, file: str) -> "exp.Table":
        """Name the copy of a Parquet file, made anew if the file is another."""
        from sqlglot import exp

        if file not in self._known:
            _refuse_types(file, "postgresql")
            self._known[file] = self._copied(Path(file))
        return exp.to_table(self._known[file], dialect="postgres")

    def _copied(self, file: Path) -> str:
        import pyarrow.parquet as parquet

        place = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]
        name = f'study."{file.stem}_{place}"'
        state = f"{file.stat().st_size} bytes, written at {file.stat().st_mtime_ns}"
        there = self._con.execute(
            "select obj_description(to_regclass(%s))", [name]
        ).fetchone()[0]
        if there == state:
            return name
        opened = parquet.ParquetFile(file)
        with _full_disk("PostgreSQL"), self._con.transaction():
            self._con.execute(f"drop table if exists {name} cascade")
            self._create(name, opened.schema_arrow)
            self._copy(name, opened.iter_batches())
            self._con.execute(f"comment on table {name} is '{state}'")
        self._con.execute(f"analyze {name}")
        return name

    def _create(self, name: str, schema: "pa.Schema") -> None:
        """Make an empty table for rows of an Arrow schema."""
        names = [identifier(one.name) for one in schema]
        kinds = [_in_postgresql(str(one.type)) for one in schema]
        made = ", ".join(f"{n} {k}" for n, k in zip(names, kinds, strict=True))
        self._con.execute(f"create table {name} ({made})")

    def _copy(self, name: str, batches: "Iterable[pa.RecordBatch]") -> None:
        """Send rows; what is missing is empty, what is an empty text is quoted."""
        import pyarrow.csv

        how = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
        with self._con.cursor().copy(f"copy {name} from stdin (format csv)") as sink:
            for batch in batches:
                text = io.BytesIO()
                pyarrow.csv.write_csv(batch, text, how)
                sink.write(text.getvalue())


def _refusal(fault: Exception) -> str:
    """Say why a database cannot be opened, in none of the words of its driver."""
    said = str(fault).lower()
    return next(way for sign, way in _TOLD["refused"].items() if sign in said)


def _translated(
    sql: str,
    values: dict | list | None,
    *,
    dialect: str,
    at: Callable[[str], "exp.Table"],
) -> "exp.Expression":
    """Parse DuckDB's SQL, fill in the values and say what DuckDB takes for granted."""
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, read="duckdb")
    in_order = iter(values) if isinstance(values, list | tuple) else None
    for asked in list(tree.find_all(exp.Placeholder, bfs=False)):
        value = next(in_order) if in_order else values[asked.name]
        asked.replace(exp.convert(value))
    for table in list(tree.find_all(exp.Table)):
        if isinstance(table.this, exp.ReadParquet):
            place = at(table.this.expressions[0].name)
            for part in ("this", "db", "catalog"):
                table.set(part, place.args.get(part))
    for number in list(tree.find_all(exp.Literal)):
        if not number.is_string and "." in number.name:
            number.replace(exp.cast(number.copy(), "double"))
    # Elsewhere 7 / 2 may be 3, and the mean of whole numbers a number of few decimals.
    for ratio in list(tree.find_all(exp.Div)):
        for side in ("this", "expression"):
            ratio.set(side, exp.cast(ratio.args[side], "double"))
    for mean in list(tree.find_all(exp.Avg)):
        mean.set("this", exp.cast(mean.this, "double"))
    # The translation of isodow for Spark takes Sunday for Tuesday.
    iso = {"postgres": "isodow", "spark": "dayofweek_iso"}[dialect]
    parts = {exp.Hour: "hour", exp.DayOfWeekIso: iso}
    for found in list(tree.find_all(*parts)):
        part = exp.var(parts[type(found)])
        found.replace(exp.Extract(this=part, expression=found.this))
    return tree


def _pandas(table: "pa.Table") -> "pd.DataFrame":
    """Turn rows into what DuckDB would return: days as moments, decimals as floats."""
    import pyarrow as pa

    for at, one in enumerate(table.schema):
        kind = one.type
        if pa.types.is_decimal(kind):
            table = table.set_column(at, one.name, table[at].cast(pa.float64()))
        elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            table = table.set_column(at, one.name, table[at].cast(pa.timestamp("us")))
    return table.to_pandas()


def _arrow(code: int) -> "pa.DataType":
    """Say what Arrow calls a type of PostgreSQL's results, by its number."""
    import pyarrow as pa

    kinds = {16: pa.bool_(), 1082: pa.date32(), 1114: pa.timestamp("us")}
    kinds |= dict.fromkeys((20, 21, 23), pa.int64())
    kinds |= dict.fromkeys((700, 701, 1700), pa.float64())
    return kinds.get(code, pa.string())


def _in_postgresql(kind: str) -> str | None:
    """Say what PostgreSQL calls a type of Arrow's; None if it has none."""
    for pattern, name in _TOLD["postgresql"].items():
        if re.fullmatch(pattern, kind):
            return name
    return None


def _refuse_types(file: str, engine: str) -> None:
    """Refuse a table with a column that an engine cannot read."""
    for name, kind in columns(file).items():
        unfit = (
            _in_postgresql(kind) is None
            if engine == "postgresql"
            else re.match(_TOLD["unfit_for_spark"], kind)
        )
        if unfit:
            raise BadInput(
                f"Table {Path(file).stem}: column {name} is of type {kind}, which "
                f"engine {engine} cannot read. Leave the column out of the run file, or "
                "write `engine: duckdb` in it."
            )


@contextlib.contextmanager
def _full_disk(engine: str) -> Iterator[None]:
    """Say in words that the disk is full; any other fault passes as it is."""
    try:
        yield
    except Exception as fault:
        if not disk.full(fault):
            raise
        raise BadInput(
            f"The disk is full: {engine} needed more of it for the tables between order "
            "lines and features than there was. Make room (DuckDB and Spark use the "
            "folder build/, PostgreSQL its own) and run the same command again: tables "
            "that were finished are as they were, and none is half-written."
        ) from None
