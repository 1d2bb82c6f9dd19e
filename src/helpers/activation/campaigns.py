"""Judge campaigns: reach, conversion, cost, and effect where arms were drawn at random."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.core import store
from helpers.core.engines import Engine
from helpers.core.errors import BadInput, TooLittle
from helpers.disclosure import suppression
from helpers.disclosure.suppression import LARGEST, MIN_CELL
from helpers.display import evidence
from helpers.runs import data_sufficiency
from helpers.statistics import intervals

EVERYBODY = 0  # segment id of the rows about all customers
EVERY_KIND = "all"
TABLES = ("campaigns", "contacts", "responses")


def need(*, run: str) -> tuple[str, ...]:
    """Name the tables of campaigns, or raise TooLittle if a run lacks them or any use."""
    if not all(store.path(name, run=run).exists() for name in TABLES):
        raise TooLittle(
            "This section needs the tables campaigns, contacts and responses: this run "
            "lacks them."
        )
    data_sufficiency.need("campaigns", run=run)
    return TABLES


def contacted(
    campaigns: pd.DataFrame, contacts: pd.DataFrame, responses: pd.DataFrame
) -> pd.DataFrame:
    """Say of every contact whether it was answered.

    Contacts without a column arm ("treated" or "control") were all treated. A
    customer's answers to one campaign count once, their amounts together; answers
    without a contact are left out. Returns the rows of `contacts` with kind, starts_on,
    ends_on, treated, converted and, where known, cost_cents (per contact) and
    amount_cents (0 without an answer), or raises BadInput for a contact of an unknown
    campaign or another arm.
    """
    unknown = contacts.loc[~contacts["campaign_id"].isin(campaigns["campaign_id"])]
    if len(unknown):
        raise BadInput(
            f"Table contacts: {len(unknown):,} rows name a campaign_id that table "
            f"campaigns lacks, such as {unknown['campaign_id'].iloc[0]!r}. Add it there."
        )
    key = ["campaign_id", "customer_id"]
    known = {"converted": ("customer_id", "size")}
    if "amount_cents" in responses:
        known["amount_cents"] = ("amount_cents", "sum")
    answers = responses.groupby(key).agg(**known).reset_index()
    rows = contacts.merge(campaigns, on="campaign_id", validate="many_to_one")
    rows = rows.merge(answers, on=key, how="left", validate="one_to_one")
    rows = rows.assign(converted=rows["converted"].notna(), treated=_treated(rows))
    return rows.fillna({name: 0 for name in ("amount_cents",) if name in rows})


def need_answers(contacted: pd.DataFrame) -> None:
    """Raise TooLittle unless `MIN_CELL` contacts were made, and as many answered."""
    found = min(contacted["treated"].sum(), contacted["converted"].sum())
    if found < MIN_CELL:
        raise TooLittle(
            f"Campaigns need {MIN_CELL} contacts that were answered (found: {found})."
        )


def _treated(rows: pd.DataFrame) -> pd.Series:
    if "arm" not in rows:
        return pd.Series(True, index=rows.index)
    strange = set(rows["arm"].dropna()) - {"treated", "control"}
    if strange or rows["arm"].isna().any():
        raise BadInput(
            f"Table contacts: column arm must be treated or control, but holds "
            f"{sorted(strange)[:3] or 'missing values'}. Mend the source."
        )
    return rows["arm"] == "treated"


def reach(
    contacted: pd.DataFrame, segments: pd.DataFrame, *, value: str
) -> pd.DataFrame:
    """Count by segment, all customers (0) first, who was contacted and how often.

    Returns segment_id, customers, reached (by treatment), share_reached, contacts_each
    (of the reached), value_reached and value_others, means of a column of `segments`,
    and the largest share of either that is one customer's.
    """
    times = contacted[contacted["treated"]].groupby("customer_id").size()
    people = segments.assign(times=segments["customer_id"].map(times).fillna(0))
    people = people.assign(met=people["times"] > 0)
    everybody = people.assign(segment_id=EVERYBODY)
    parts = pd.concat([everybody, people[people["segment_id"] != EVERYBODY]])
    rows = []
    for segment_id, part in parts.groupby("segment_id"):
        met, others = part[part["met"]], part[~part["met"]]
        spent = [group[value].abs() for group in (met, others)]
        rows.append(
            {
                "segment_id": segment_id,
                "customers": len(part),
                "reached": len(met),
                "share_reached": len(met) / len(part),
                "contacts_each": met["times"].mean(),
                "value_reached": met[value].mean(),
                "value_others": others[value].mean(),
                LARGEST: max((x.max() / x.sum() for x in spent if x.sum()), default=0),
            }
        )
    return pd.DataFrame(rows)


def shown(reached: pd.DataFrame) -> pd.DataFrame:
    """Hide in `reach` what describes few of a group, and what would give that away."""
    hidden = ["share_reached", "contacts_each", "value_reached"]
    table = suppression.suppress(reached, counts="reached", columns=hidden)
    few = reached["customers"] - reached["reached"] < MIN_CELL
    return table.assign(
        value_others=table["value_others"].astype(object).mask(few, None)
    )


def targeting(people: pd.DataFrame, reached: pd.Series, *, alpha: float) -> str:
    """Say whom contacts went to, by what `people` bought before.

    Returns everybody, more, less or alike (no difference beyond chance); `reached` are
    customer ids.
    """
    rows = people.assign(treated=people["customer_id"].isin(reached))
    apart = intervals.difference(rows, value="sales", strata=[], alpha=alpha)
    if not apart["low"] <= apart["high"]:
        return "everybody"
    if apart["low"] > 0:
        return "more"
    return "less" if apart["high"] < 0 else "alike"


def need_untested(effects: pd.DataFrame | None) -> None:
    """Raise TooLittle where `effects` were estimated from arms drawn at random."""
    if effects is not None:
        raise TooLittle(
            "Arms drawn at random are compared above, so this is not needed."
        )


def conversion(
    contacted: pd.DataFrame, segment_ids: pd.Series, *, alpha: float
) -> pd.DataFrame:
    """Estimate the share of treated contacts that were answered, by segment and kind.

    Customers without a segment, or in 0, count among all customers only. Returns
    segment_id (0 is all), kind ("all" is every kind), contacts, customers, converted,
    rate, and low and high, clustered by customer; sorted.
    """
    table = pd.concat(
        intervals.proportions(
            part, value="converted", by=["segment_id", "kind"], alpha=alpha
        )
        for part in _views(contacted[contacted["treated"]], segment_ids)
    )
    table = table.rename(columns={"trials": "contacts", "successes": "converted"})
    return _sorted(table)


def _views(rows: pd.DataFrame, segment_ids: pd.Series) -> list[pd.DataFrame]:
    """Repeat rows for all customers and for every kind, beside each of them."""
    rows = rows.assign(
        segment_id=rows["customer_id"].map(segment_ids).fillna(EVERYBODY).astype(int)
    )
    known = rows[rows["segment_id"] != EVERYBODY]
    by_kind = [rows.assign(segment_id=EVERYBODY), known]
    return by_kind + [part.assign(kind=EVERY_KIND) for part in by_kind]


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    first = table["kind"] != EVERY_KIND
    order = table.assign(first=first).sort_values(["segment_id", "first", "kind"])
    return order.drop(columns="first").reset_index(drop=True)


def costs(contacted: pd.DataFrame, *, assumed: float) -> pd.Series:
    """Return what a contact costs (currency) by kind, `EVERY_KIND` among them.

    It is the mean where contacts have a cost, else what is `assumed`.
    """
    kinds = contacted["kind"].unique()
    if "cost_cents" not in contacted:
        return pd.Series(assumed, [*kinds, EVERY_KIND])
    cost = contacted.groupby("kind")["cost_cents"].mean()
    cost[EVERY_KIND] = contacted["cost_cents"].mean()
    return (cost / 100).fillna(assumed)


def answer_values(contacted: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Estimate what an answer brings by segment: mean and sem (currency), 0 all customers.

    It is the answer's amount where answers have one, else a mean order of the customer.
    A segment without an answer, or with one, takes what is known of all.
    """
    each = people.assign(value=people["sales"] / people["orders"])
    if "amount_cents" in contacted:
        ids = people.set_index("customer_id")["segment_id"]
        each = contacted[contacted["converted"]]
        each = each.assign(segment_id=each["customer_id"].map(ids))
        each["value"] = each["amount_cents"] / 100
    found = each.groupby("segment_id")["value"].agg(["mean", "sem"])
    found.loc[EVERYBODY] = each["value"].agg(["mean", "sem"])
    found = found.reindex(sorted({EVERYBODY, *people["segment_id"]}))
    return found.fillna(found.loc[EVERYBODY]).fillna(0)


def break_even(
    conversion: pd.DataFrame, *, cost: Mapping[str, float], margin: Mapping[int, float]
) -> pd.DataFrame:
    """Set what an answer costs beside what it must bring.

    To `conversion` come cost of a contact (by kind, currency), margin on an answer
    before that cost (by segment, currency), cost_per_answer (missing without an answer)
    and break_even: the share of contacts that must answer *because of* the contact for
    it to pay (missing without a margin).
    """
    table = conversion.assign(
        cost=conversion["kind"].map(cost), margin=conversion["segment_id"].map(margin)
    )
    rate = table["rate"].where(table["rate"] > 0)
    margins = table["margin"].where(table["margin"] > 0)
    return table.assign(
        cost_per_answer=table["cost"] / rate, break_even=table["cost"] / margins
    )


def withheld(contacted: pd.DataFrame, segment_ids: pd.Series) -> pd.MultiIndex:
    """Name the pairs of `conversion` with few answers, and what would give them away.

    They are segments by kind, kinds over all customers, segments over every kind.
    """
    found = contacted.assign(segment_id=contacted["customer_id"].map(segment_ids))
    found = found[found["segment_id"] > EVERYBODY].astype({"segment_id": int})
    table = found.groupby(["segment_id", "kind"])["converted"].sum()
    table = table.unstack(fill_value=0)
    kinds = _few(contacted.groupby("kind")["converted"].sum())
    segments = _few(table.sum(axis=1))
    hidden = [(EVERYBODY, kind) for kind in kinds[kinds].index]
    hidden += [(segment, EVERY_KIND) for segment in segments[segments].index]
    if not table.empty:
        dark = suppression.withheld(table)
        dark.loc[segments, :] = True
        dark.loc[:, kinds.reindex(dark.columns)] = True
        cells = dark.stack()
        hidden += list(cells[cells].index)
    return pd.MultiIndex.from_tuples(hidden, names=["segment_id", "kind"])


def _few(counts: pd.Series) -> pd.Series:
    """Mark small counts, and those that would give them away beside the total."""
    table = counts.to_frame("answers").assign(shown=1)
    table = suppression.suppress(table, counts="answers", columns=["shown"])
    return table["shown"].isna()


def standing_out(conversion: pd.DataFrame) -> pd.Series | None:
    """Return the row of the kind whose interval lies above every other's, or None."""
    overall = conversion["segment_id"] == EVERYBODY
    kinds = conversion[overall & (conversion["kind"] != EVERY_KIND)]
    if len(kinds) < 2:
        return None
    first, *others = kinds.sort_values("rate", ascending=False).index
    apart = kinds.loc[first, "low"] > kinds.loc[others, "high"].max()
    return kinds.loc[first] if apart else None


def effects(
    contacted: pd.DataFrame, segment_ids: pd.Series, *, alpha: float, method: str
) -> pd.DataFrame:
    """Estimate what contacts changed, from arms that were drawn at random.

    Returns segment_id (0 is all), kind ("all" is every kind), effect (share of treated
    that answered minus that of control, within campaigns), low, high, p, p_adjusted (by
    `method` of `intervals.adjusted`), treated, control (contacts), grade and error
    (standard error), or raises TooLittle if no campaign has both arms. Intervals hold at
    once in each family: all customers; segments; kinds; segments by kind.
    """
    rows = [
        {"segment_id": segment_id, "kind": kind}
        | intervals.difference(
            part, value="converted", strata=["campaign_id"], alpha=alpha
        )
        for view in _views(contacted, segment_ids)
        for (segment_id, kind), part in view.groupby(["segment_id", "kind"])
    ]
    table = pd.DataFrame(rows).dropna(subset="effect")
    if table.empty:
        raise TooLittle("No campaign has both arms, so no effect is estimated.")
    table = _sorted(table)
    family = (table["segment_id"] != EVERYBODY) * 2 + (table["kind"] != EVERY_KIND)
    table = intervals.together(table, family=family, alpha=alpha, method=method)
    columns = "segment_id kind effect low high p p_adjusted treated control grade error"
    return table.assign(grade=evidence.TESTED)[columns.split()]


def period_sales(
    con: Engine,
    *,
    lines: str,
    customers: pd.Series,
    starts_on: pd.Timestamp,
    days: int,
    before: int,
) -> pd.DataFrame:
    """Add up each customer's sales in periods of `days`, the last from `starts_on`.

    `before` periods stand before it; those that begin before the first line are left
    out. Returns sales (currency): customers by periods, 0 the last, -1 the one before
    it.
    """
    opens = con.execute(
        "select min(ordered_at)::date from read_parquet(?)", [lines]
    ).fetchall()[0][0]
    whole = (starts_on - pd.Timestamp(opens)).days // days
    begins = starts_on - pd.Timedelta(days=days * min(before, whole))
    found = con.execute(
        """select customer_id, period, sum(cents) / 100.0 as sales
        from (select customer_id, amount_cents + coupon_cents as cents,
                floor(date_diff('day', $start, ordered_at::date) / $days)::int as period
            from read_parquet($lines)
            where ordered_at >= $begins and ordered_at < $ends) as sold
        group by 1, 2""",
        {
            "lines": lines,
            "start": starts_on.date(),
            "days": days,
            "begins": begins.date(),
            "ends": (starts_on + pd.Timedelta(days=days)).date(),
        },
    ).df()
    table = found.pivot(index="customer_id", columns="period", values="sales")
    periods = range(-min(before, whole), 1)
    return table.reindex(index=customers, columns=periods).fillna(0.0)


def to_compare(
    contacted: pd.DataFrame, customers: pd.Series, *, first: str, last: str
) -> str:
    """Choose the campaign by which targeted and other customers are compared.

    It has most contacts among those that ran from day `first` to `last`, with two
    periods of their own length before them, and that reached ten customers and left ten
    out. Returns its campaign_id; raises TooLittle if there is none.
    """
    dates = contacted.groupby("campaign_id")[["starts_on", "ends_on"]].first()
    length = dates["ends_on"] - dates["starts_on"] + pd.Timedelta(days=1)
    inside = dates["starts_on"] - 2 * length >= pd.Timestamp(first)
    inside &= (dates["ends_on"] <= pd.Timestamp(last)) & (length > pd.Timedelta(0))
    known = contacted[contacted["customer_id"].isin(customers)]
    met = known.groupby("campaign_id")["customer_id"].nunique().reindex(dates.index)
    both = (met >= MIN_CELL) & (len(customers) - met >= MIN_CELL)
    sizes = contacted.groupby("campaign_id").size()[inside & both]
    if sizes.empty:
        raise TooLittle(
            "No placebo: that needs a campaign inside the days of the data, with two periods "
            "of its own length before it, that reached ten customers and left ten out."
        )
    return sizes.idxmax()


def placebo(sales: pd.DataFrame, targeted: pd.Series, *, alpha: float) -> pd.DataFrame:
    """Compare how targeted and other customers changed, in the campaign and before.

    Returns, for each period of `period_sales`, the campaign's (0) first: when, targeted and
    others (mean change since the period before, currency per customer), difference,
    low, high, p, customers_targeted, customers_others. Before period 0 this campaign
    can have had no effect: differences there are what the comparison finds without one.
    """
    rows = []
    for period in sorted(sales.columns[1:], reverse=True):
        if period - 1 not in sales:
            continue
        change = sales[period] - sales[period - 1]
        met, other = change[targeted.to_numpy()], change[~targeted.to_numpy()]
        error = np.sqrt(met.var() / len(met) + other.var() / len(other))
        tested = intervals.tested(met.mean() - other.mean(), error, alpha=alpha)
        rows.append(
            {"period": int(period), "targeted": met.mean(), "others": other.mean()}
            | {"difference": tested["effect"]}
            | {name: tested[name] for name in ("low", "high", "p")}
            | {"customers_targeted": len(met), "customers_others": len(other)}
        )
    table = pd.DataFrame(rows)
    when = [f"{-n} period{'s' * (n < -1)} earlier" for n in table["period"]]
    return table.assign(when=np.where(table["period"] < 0, when, "in the campaign"))
