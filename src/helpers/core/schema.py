"""The standard tables: what their columns mean, checked when written and when read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd
import pandera.pandas as pa

from helpers.core.errors import BadInput

# Needs of goods that tell nothing of what a customer buys.
UNCLASSIFIED = "unclassified"  # no product row, or a department of no known need
OTHER = "other"  # needs too small for a share of their own
APART = ("fuel", "not_merchandise", UNCLASSIFIED)  # left out of need shares

_ID = pa.Column(str, pa.Check.str_length(min_value=1), coerce=True)
_TEXT = pa.Column(str, nullable=True, coerce=True)
_WHEN = pa.Column("datetime64[us]", coerce=True)
_CENTS = pa.Column("int64")
_COUNT = pa.Column("int64", pa.Check.ge(0))
_FLAG = pa.Column(bool)
_SHARE = pa.Column(float, pa.Check.in_range(0, 1), nullable=True)


@dataclass(frozen=True)
class Table:
    """What one table promises.

    Parameters
    ----------
    stage : str
        Folder it lives in: interim (clean tables) or processed (results).
    made_by : str
        The notebook that writes it.
    key : tuple of str
        Columns that together name a row once.
    columns : dict
        Column name to pandera Column. Other columns may stand beside them.
    layout : str
        SQL by which the rows of the file are sorted; by the key if left out.
    """

    stage: str
    made_by: str
    key: tuple[str, ...]
    columns: dict[str, pa.Column]
    layout: str = ""


def _optional(column: pa.Column, *, nullable: bool | None = None) -> pa.Column:
    """Copy a column that a table need not have."""
    return pa.Column(
        column.dtype,
        column.checks,
        nullable=column.nullable if nullable is None else nullable,
        coerce=column.coerce,
        required=False,
    )


LINE_COLUMNS = {
    "line_id": _COUNT,  # row number in the table as received
    "customer_id": _ID,
    "order_id": _ID,
    "ordered_at": _WHEN,  # local time of the run's time zone
    "product_id": _ID,
    "quantity": pa.Column(None, pa.Check.ge(0)),  # pieces, or what they are sold by
    "amount_cents": _CENTS,  # paid by the customer; below 0 if a coupon exceeds it
    "coupon_cents": _COUNT,  # paid for the customer by coupons; 0 if there are none
    # where the run knows of them
    "shelf_amount_cents": _optional(_COUNT),  # before every discount
    "store_id": _optional(_TEXT),
    "channel": _optional(_TEXT),  # how the order came in
    "on_mailer": _optional(_FLAG),  # in that store's mailer that week
    "on_display": _optional(_FLAG),  # on a display in that store that week
    "lead_days": _optional(_COUNT),  # from order to delivery
    "returned": _optional(_COUNT),  # pieces sent back for their size
    "logo": _optional(_FLAG),  # logo work was ordered with it
}
# Those that not every run has.
OPTIONAL = tuple(name for name, column in LINE_COLUMNS.items() if not column.required)
# Later: known only after a lead was worked, so nothing may be foretold from it.
ATTRIBUTE_KINDS = (
    *("demographic", "firmographic", "psychographic", "requirement", "later"),
)
# A line set aside keeps whatever was wrong with it.
_REJECTED = {
    name: pa.Column(nullable=True, required=False) for name in LINE_COLUMNS
} | {"line_id": _COUNT, "reason": pa.Column(str, coerce=True)}

TABLES = {
    "customers": Table(
        "interim", "01_cleaning", ("customer_id",), {"customer_id": _ID}
    ),
    # A customer's lines of a month lie together, which spares groupings at any size
    # a third of their time (benchmarks/features.md).
    "lines": Table(
        "interim",
        "01_cleaning",
        ("line_id",),
        LINE_COLUMNS,
        "date_trunc('month', ordered_at), customer_id, order_id, line_id",
    ),
    "rejected_lines": Table("interim", "01_cleaning", ("line_id",), _REJECTED),
    "products": Table(
        "interim",
        "01_cleaning",
        ("product_id",),
        {
            "product_id": _ID,
            "need_state": pa.Column(str, coerce=True),
            "department": _TEXT,
            "category": _TEXT,
            "brand": _TEXT,
        },
    ),
    "campaigns": Table(
        "interim",
        "01_cleaning",
        ("campaign_id",),
        {
            "campaign_id": _ID,
            "kind": _TEXT,
            "starts_on": _WHEN,
            "ends_on": _WHEN,
            "cost_cents": _optional(_COUNT),  # of one contact
        },
    ),
    "contacts": Table(
        "interim",
        "01_cleaning",
        ("campaign_id", "customer_id"),
        {
            "campaign_id": _ID,
            "customer_id": _ID,
            # drawn at random: control was left alone on purpose
            "arm": pa.Column(
                str, pa.Check.isin(["treated", "control"]), required=False, coerce=True
            ),
        },
    ),
    "responses": Table(
        "interim",
        "01_cleaning",
        (),
        {
            "campaign_id": _ID,
            "customer_id": _ID,
            "responded_on": _WHEN,
            "amount_cents": _optional(_CENTS),
        },
    ),
    "surveys": Table(
        "interim",
        "01_cleaning",
        (),
        {
            "customer_id": _ID,
            "answered_on": _WHEN,
            "question": _ID,  # recommend is answered from 0 to 10
            "score": pa.Column(float, coerce=True),
        },
    ),
    "contracts": Table(
        "interim",
        "01_cleaning",
        ("contract_id",),
        {
            "contract_id": _ID,
            "customer_id": _ID,
            "starts_on": _WHEN,
            "ends_on": _WHEN,  # last day
            "monthly_fee_cents": _COUNT,
            # missing: it ends after the data do
            "renewed": pa.Column("boolean", nullable=True, coerce=True, required=False),
        },
    ),
    "interactions": Table(
        "interim",
        "01_cleaning",
        (),
        {
            "customer_id": _ID,
            "happened_at": _WHEN,
            "kind": _ID,
            "topic": _optional(_TEXT),
            "outcome": _optional(_TEXT),
            # until the first answer
            "minutes": pa.Column(
                float, pa.Check.ge(0), nullable=True, coerce=True, required=False
            ),
        },
    ),
    "leads": Table(
        "interim",
        "01_cleaning",
        ("lead_id",),
        {
            "lead_id": _ID,
            "created_on": _WHEN,
            "won_on": pa.Column("datetime64[us]", nullable=True, coerce=True),
            "customer_id": _optional(_TEXT),
        },
    ),
    "reconciliation": Table("interim", "01_cleaning", ("step",), {}),
    "attributes": Table(
        "interim",
        "01_cleaning",
        ("table", "attribute"),
        {
            "table": pa.Column(str, pa.Check.isin(["customers", "leads"])),
            "kind": pa.Column(str, pa.Check.isin(ATTRIBUTE_KINDS), coerce=True),
            "label": pa.Column(str, coerce=True),
        },
    ),
    "features": Table(
        "processed",
        "02_feature_engineering",
        ("customer_id",),
        {
            "customer_id": _ID,
            "orders": _COUNT,
            "lines": _COUNT,
            # coupons redeemed in the training window, where the run knows of responses
            "past_redemptions": pa.Column("int64", pa.Check.ge(0), required=False),
        },
    ),
    "half_features": Table(
        "processed",
        "02_feature_engineering",
        ("customer_id", "half"),
        {
            "customer_id": _ID,
            "half": pa.Column(str, pa.Check.isin(["odd", "even"]), coerce=True),
            "orders": _COUNT,
            "lines": _COUNT,
            "sales": pa.Column(float),  # currency; goods
        },
    ),
    "outcomes": Table(
        "processed",
        "02_feature_engineering",
        ("customer_id",),
        {
            "customer_id": _ID,
            "later_orders": _COUNT,
            "later_sales": pa.Column(float),  # currency; goods
            "later_recency_days": _COUNT,  # the whole window if they never came
            # where the run knows of campaigns: contacted by one that starts later, and
            # answered it
            "later_targeted": pa.Column(bool, required=False),
            "later_redeemed": pa.Column(bool, required=False),
        },
    ),
    "feature_dictionary": Table(
        "processed", "02_feature_engineering", ("feature",), {"missing_share": _SHARE}
    ),
    "segments": Table(
        "processed",
        "03_clustering_choice",
        ("customer_id",),
        {
            "customer_id": _ID,
            "segment_id": _COUNT,  # 0 is "too little data"
            "value_tier": pa.Column(str, coerce=True),
            "activity": pa.Column(str, coerce=True),
            "deal_sensitivity": pa.Column(str, coerce=True),
        },
    ),
    "candidate_scores": Table(
        "processed", "03_clustering_choice", ("method", "k", "statistic"), {}
    ),
    "stability": Table("processed", "03_clustering_choice", ("k",), {}),
    "segment_stability": Table(
        "processed", "03_clustering_choice", ("segment_id",), {}
    ),
    "usefulness": Table("processed", "03_clustering_choice", ("outcome", "design"), {}),
    "segment_summary": Table(
        "processed", "04_segment_personas", ("segment_id",), {"customers": _COUNT}
    ),
    "segment_differences": Table(
        "processed", "04_segment_personas", ("segment_id", "feature"), {}
    ),
    "segment_profile": Table(
        "processed",
        "04_segment_personas",
        ("segment_id", "feature"),
        {
            "label": pa.Column(str, coerce=True),
            "unit": pa.Column(str, coerce=True),
            "direction": pa.Column(str, pa.Check.isin(["above", "below", ""])),
            "marker": _FLAG,
        },
    ),
    "segment_neighbours": Table(
        "processed", "04_segment_personas", ("segment_id", "rank"), {}
    ),
    "attribute_shares": Table(
        "processed", "04_segment_personas", ("segment_id", "attribute", "level"), {}
    ),
    "attribute_association": Table(
        "processed", "04_segment_personas", ("attribute",), {}
    ),
    "rule_card": Table(
        "processed", "04_segment_personas", ("rule",), {"customers": _COUNT}
    ),
    "rule_agreement": Table("processed", "04_segment_personas", ("rules",), {}),
    "rule_agreement_by_segment": Table(
        "processed", "04_segment_personas", ("segment_id",), {"customers": _COUNT}
    ),
    "golden_questions": Table("processed", "04_segment_personas", ("fields",), {}),
    "segment_membership": Table(
        "processed",
        "04_segment_personas",
        ("customer_id",),
        {
            "customer_id": _ID,
            "segment_id": _COUNT,
            "segment": pa.Column(str, coerce=True),
            "probability": _SHARE,
            "borderline": _FLAG,
        },
    ),
    "views": Table(
        "processed",
        "04_segment_personas",
        ("by_1", "level_1", "by_2", "level_2", "by_3", "level_3"),
        {"customers": _COUNT},
    ),
    "recovery": Table("processed", "09_recovery", ("fact",), {}),
    "matrix": Table(
        "processed", "04_segment_personas", ("value_tier", "segment_id"), {}
    ),
    "customer_stages": Table(
        "processed",
        "05_lifecycle_journey",
        ("customer_id",),
        {"customer_id": _ID, "stage": pa.Column(str, coerce=True)},
    ),
    "stage_transitions": Table(
        "processed",
        "05_lifecycle_journey",
        ("segment", "stage", "next_stage"),  # segment is a name, or "all"
        {"customers": _COUNT, **dict.fromkeys(("share", "low", "high"), _SHARE)},
    ),
    "retention_curves": Table(
        "processed",
        "05_lifecycle_journey",
        ("segment_id", "day"),
        {**dict.fromkeys(("retained", "low", "high"), _SHARE)},
    ),
    "cohorts": Table(
        "processed",
        "05_lifecycle_journey",
        ("cohort", "period"),
        {"customers": _COUNT, "share": _SHARE},
    ),
    "lifetime_value": Table(
        "processed",
        "05_lifecycle_journey",
        ("customer_id",),
        {
            "customer_id": _ID,
            "probability_alive": _SHARE,
            "value": pa.Column(float),  # currency, discounted sales until the horizon
        },
    ),
    "value_forecasts": Table("processed", "05_lifecycle_journey", ("forecast",), {}),
    "touchpoints": Table(
        "processed",
        "05_lifecycle_journey",
        ("touchpoint", "outcome"),
        {"customers": _COUNT, "verdict": pa.Column(str, coerce=True)},
    ),
    "recurring_revenue": Table("processed", "05_lifecycle_journey", ("ends_on",), {}),
    "renewal_by_segment": Table(
        "processed",
        "05_lifecycle_journey",
        ("segment_id",),
        {"contracts": _COUNT, **dict.fromkeys(("rate", "low", "high"), _SHARE)},
    ),
    "renewal_drivers": Table(
        "processed",
        "05_lifecycle_journey",
        ("driver",),
        {
            "driver": pa.Column(str, coerce=True),
            "unit": pa.Column(str, coerce=True),
            **dict.fromkeys(
                ("log_odds", "low", "high", "p", "odds_ratio"), pa.Column(float)
            ),
            "contracts": _COUNT,
        },
    ),
    "satisfaction": Table("processed", "05_lifecycle_journey", ("segment_id",), {}),
    "retained_traits": Table("processed", "05_lifecycle_journey", ("feature",), {}),
    "affinity": Table("processed", "06_activation", ("segment_id", "item"), {}),
    "recommendation_scores": Table("processed", "06_activation", ("n", "way"), {}),
    "offer_matrix": Table(
        "processed",
        "06_activation",
        ("segment_id", "stage"),
        {"customers": _COUNT, "grade": pa.Column(str, coerce=True)},
    ),
    "campaign_conversion": Table(
        "processed", "06_activation", ("segment_id", "kind"), {"contacts": _COUNT}
    ),
    # where arms were drawn at random; segment 0 is all customers, kind "all" every kind
    "campaign_effects": Table(
        "processed",
        "06_activation",
        ("segment_id", "kind"),
        {
            "segment_id": _COUNT,
            "effect": pa.Column(float),  # treated minus control, share answering
            "low": pa.Column(float),
            "high": pa.Column(float),
            "p": _SHARE,
            "p_adjusted": _SHARE,
            "treated": _COUNT,
            "control": _COUNT,
            "grade": pa.Column(str, pa.Check.isin(["randomised"]), coerce=True),
        },
    ),
    "placebo": Table("processed", "06_activation", ("period",), {}),
    "allocation": Table(
        "processed", "06_activation", ("segment_id", "offer"), {"contacts": _COUNT}
    ),
    "plan_comparison": Table("processed", "06_activation", ("plan",), {}),
    "test_plan": Table(
        "processed",
        "06_activation",
        ("customer_id",),
        {
            "customer_id": _ID,
            "segment_id": _COUNT,
            "arm": pa.Column(str, pa.Check.isin(["treated", "control"]), coerce=True),
        },
    ),
    "migration": Table(
        "processed",
        "07_refinement",
        ("period", "from_id", "to_id"),
        {"customers": _COUNT, "beyond": _FLAG},
    ),
    "period_review": Table(
        "processed",
        "07_refinement",
        ("period", "statistic", "segment_id"),
        {
            "period": pa.Column(str, coerce=True),  # such as 2025Q4
            "segment_id": _COUNT,  # 0 is all
            "value": pa.Column(float, nullable=True),  # none of a group that is empty
            "noise": pa.Column(float, nullable=True),  # limit; none from few periods
            "beyond": _FLAG,
        },
    ),
    "drift_alarms": Table(
        "processed",
        "07_refinement",
        ("period",),
        {"alarm": _FLAG, "reason": pa.Column(str, coerce=True)},
    ),
    "refit_match": Table("processed", "07_refinement", ("stable_id",), {}),
    "champion_challenger": Table("processed", "07_refinement", ("model",), {}),
    "lead_typing": Table("processed", "08_leads", ("segment_id",), {}),
    "lead_questions": Table("processed", "08_leads", ("fields",), {}),
    "lead_validation": Table(
        "processed",
        "08_leads",
        ("score",),
        {
            "score": pa.Column(str, coerce=True),
            **dict.fromkeys(("auc", "low", "high"), _SHARE),
        },
    ),
    "lead_gain": Table("processed", "08_leads", ("share",), {}),
    "lead_scores": Table(
        "processed",
        "08_leads",
        ("lead_id",),
        {"lead_id": _ID, "probability": _SHARE, "rank": _COUNT},
    ),
}


def made_by(name: str) -> str:
    """Name the notebook that writes a table or document."""
    return DOCUMENTS.get(name) or TABLES[name].made_by


def check(
    frame: pd.DataFrame, name: str, *, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Check a table against its promise and return it with the promised types.

    Parameters
    ----------
    frame : DataFrame
        Rows of the table `name`.
    name : str
        One of `TABLES`.
    columns : sequence of str, optional
        Columns that were asked for; if left out, all that the table promises.

    Returns
    -------
    DataFrame
        The same rows; id and text columns as strings.

    Raises
    ------
    BadInput
        Naming the table, the columns, what is wrong and the first rows.
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
    """Refuse a table that lacks a column it promises, before its rows are made.

    Parameters
    ----------
    columns : iterable of str
        Columns that it has.
    name : str
        One of `TABLES`.

    Raises
    ------
    BadInput
        Naming the table and the columns.
    """
    table, there = TABLES[name], set(columns)
    promised = [c for c in table.columns if table.columns[c].required]
    missing = [c for c in dict.fromkeys((*table.key, *promised)) if c not in there]
    if missing:
        raise BadInput(_told(name, [f"column {c} is missing" for c in missing]))


# Plain data that notebooks hand on beside the tables: name -> notebook that writes it.
DOCUMENTS = {
    "source": "01_cleaning",
    "preparation": "02_feature_engineering",
    "readiness": "02_feature_engineering",
    "decision": "03_clustering_choice",
    "segment_model": "03_clustering_choice",
    "segment_names": "04_segment_personas",
}
