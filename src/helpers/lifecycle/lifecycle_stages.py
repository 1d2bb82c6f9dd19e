"""Read each customer's lifecycle stage from the usual time between their orders."""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from helpers.clustering.model import TOO_LITTLE
from helpers.core.engines import Engine
from helpers.core.errors import BadInput, TooLittle
from helpers.core.schema import APART
from helpers.disclosure import suppression
from helpers.disclosure.suppression import KNOWN, MIN_CELL, WITHHELD, withheld
from helpers.display import tables
from helpers.statistics import intervals

STAGES = ("new", "active", "returned", "slowing", "lapsed", TOO_LITTLE)
WELL = ("new", "active", "returned")
SILENT = ("slowing", "lapsed")
LEAST = MIN_CELL  # customers that a statement needs


def order_days(con: Engine, *, lines: str, products: str, last: str) -> pd.DataFrame:
    """List the days until `last` (YYYY-MM-DD) on which each customer ordered.

    Returns customer_id, day, orders, sales_cents (goods only, coupons counted as paid),
    sorted; a day on which nothing but what is no goods was bought counts, too, as in
    the features.
    """
    apart = ", ".join(f"'{need}'" for need in APART)
    days = con.execute(
        f"""select customer_id, ordered_at::date as day,
            count(distinct order_id) as orders,
            coalesce(sum(l.amount_cents + l.coupon_cents)
                filter (p.need_state not in ({apart})), 0) as sales_cents
        from read_parquet($lines) l join read_parquet($products) p using (product_id)
        where ordered_at < $last::date + 1
        group by 1, 2 order by 1, 2""",
        {"lines": lines, "products": products, "last": last},
    ).df()
    # Sums of whole cents are wide in SQL; those of tenths stay.
    whole = (days["sales_cents"] % 1 == 0).all()
    days["sales_cents"] = days["sales_cents"].astype("int64" if whole else float)
    return days.astype({"day": "datetime64[us]", "orders": "int64"})


def need_repeats(days: pd.DataFrame) -> None:
    """Raise TooLittle if fewer than `LEAST` customers ordered on two days."""
    each = days.groupby("customer_id").size()
    repeat = int((each > 1).sum())
    if not repeat:
        raise TooLittle(
            f"Each of {len(each):,} customers ordered on one day: no time between "
            "orders is known to read a stage from, and the repeat share is 0%."
        )
    if repeat < LEAST:
        raise TooLittle(
            f"Stages need {LEAST} customers with orders on two days or more (found: "
            f"{repeat:,} of {len(each):,}): they are left out."
        )


def reviews(
    first: pd.Timestamp, last: pd.Timestamp, *, period: str
) -> dict[pd.Timestamp, str]:
    """Name the last days of the periods (pandas' Q, M, W or D) that end in the data.

    Returns last day -> name (2017Q1, 2017-05, else the day), ascending; where no period
    ends inside, the last day alone.
    """
    found = {}
    for one in pd.period_range(first, last, freq=period):
        end = one.end_time.normalize()
        if end <= last:
            found[end] = str(one) if period in ("Q", "M") else f"{end:%Y-%m-%d}"
    return found or {last: f"{last:%Y-%m-%d}"}


def said(period: pd.Period) -> str:
    """Say a period as one would read it: 2017Q1, 2017-05, week to 2017-05-07."""
    if period.freqstr.startswith("W"):
        return f"week to {period.end_time:%Y-%m-%d}"
    return str(period)


def pile_up(days: pd.DataFrame, *, early_days: int) -> float:
    """Say how much denser first orders are in the first `early_days` than later.

    About 1 if customers begin while they are observed; far above 1 if most were
    customers before, so that a first order seen is none; infinite where there is one
    day of orders.
    """
    seen = days.groupby("customer_id")["day"].min()
    after = (days["day"].max() - seen.min()).days + 1 - early_days
    if seen.min() == days["day"].max():
        return np.inf
    if after < 1:
        raise BadInput(
            f"Table lines: column ordered_at spans {after + early_days} days, no more "
            f"than early_days={early_days}. Choose fewer early days."
        )
    early = seen < seen.min() + pd.Timedelta(days=early_days)
    later = max(int((~early).sum()), 1)
    return (int(early.sum()) / early_days) / (later / after)


def starts(
    days: pd.DataFrame, customers: pd.DataFrame, *, column: str, observed: bool
) -> pd.Series:
    """Say when each customer with an order began; missing where that is unknown.

    The day stands in a `column` of customers that a run may have; without it, a first
    order seen counts where it is `observed` to be one, see `pile_up`.
    """
    seen = days.groupby("customer_id")["day"].min()
    if column in customers:
        began = customers.set_index("customer_id")[column]
        return pd.to_datetime(began).reindex(seen.index).rename("began")
    if not observed:
        seen = pd.Series(pd.NaT, index=seen.index, dtype="datetime64[us]")
    return seen.rename("began")


def stages(
    days: pd.DataFrame,
    *,
    began: pd.Series,
    reviews: Sequence[pd.Timestamp],
    first: pd.Timestamp,
    cuts: dict[str, float],
    min_gap_days: float,
) -> pd.DataFrame:
    """Give each customer a stage at each review, by rules on their orders until then.

    `days` and `began` come from `order_days` and `starts`; `reviews` are the last days
    of periods, ascending, `first` the first day of the first. Late is the time since
    the last order over the mean gap between days with orders (at least
    `min_gap_days`); `cuts` holds the largest late of active and slowing; beyond it is
    lapsed.

    Returns review, customer_id, stage, recency_days, gap_mean_days, late, for customers
    seen until the review. Returned is active after a pause, ended in the period, that
    had counted as lapsed; new is begun in the period and neither slowing nor lapsed;
    one day of orders is too little data.
    """
    marked = days.assign(back=_comes_back(days, cuts, min_gap_days))
    opened = [first - pd.Timedelta(days=1), *reviews[:-1]]
    parts = [
        _stages_at(marked, began, since, review, cuts, min_gap_days)
        for since, review in zip(opened, reviews, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def _comes_back(
    days: pd.DataFrame, cuts: dict[str, float], min_gap_days: float
) -> pd.Series:
    """Mark days that end a pause which had counted as lapsed by the usual time before."""
    groups = days.groupby("customer_id")["day"]
    before = groups.shift()
    gaps_before = groups.cumcount() - 1
    span = (before - groups.transform("min")).dt.days
    usual = (span / gaps_before.where(gaps_before > 0)).clip(lower=min_gap_days)
    return (days["day"] - before).dt.days > cuts["slowing"] * usual


def _stages_at(
    days: pd.DataFrame,
    began: pd.Series,
    since: pd.Timestamp,
    review: pd.Timestamp,
    cuts: dict[str, float],
    min_gap_days: float,
) -> pd.DataFrame:
    until = days[days["day"] <= review]
    table = gaps(until, review=review)
    table["late"] = table["recency_days"] / table["gap_mean_days"].clip(
        lower=min_gap_days
    )
    back = until[until["back"] & (until["day"] > since)]["customer_id"]
    start = began.reindex(table["customer_id"]).to_numpy()
    fresh = (start > np.datetime64(since)) & (start <= np.datetime64(review))
    calm = ~(table["late"] > cuts["active"])
    table["stage"] = np.select(
        [
            fresh & calm,
            table["late"].isna(),
            table["late"] > cuts["slowing"],
            ~calm,
            table["customer_id"].isin(back),
        ],
        ["new", TOO_LITTLE, "lapsed", "slowing", "returned"],
        "active",
    )
    table.insert(0, "review", review)
    order = ["review", "customer_id", "stage", "recency_days", "gap_mean_days", "late"]
    return table[order]


def gaps(days: pd.DataFrame, *, review: pd.Timestamp) -> pd.DataFrame:
    """Give recency_days and gap_mean_days (missing with one day) as of a review."""
    seen = days.groupby("customer_id")["day"].agg(["min", "max", "size"])
    between = (seen["size"] - 1).where(seen["size"] > 1)
    table = {
        "recency_days": (review - seen["max"]).dt.days,
        "gap_mean_days": (seen["max"] - seen["min"]).dt.days / between,
    }
    return pd.DataFrame(table).reset_index()


def moves(stages: pd.DataFrame) -> pd.DataFrame:
    """Set each customer's stage beside the stage one period later.

    Keeps the rows of `stages` (and further columns) that have a later review, and adds
    next_review and next_stage.
    """
    reviews = sorted(stages["review"].unique())
    following = dict(itertools.pairwise(reviews))
    table = stages[stages["review"] < reviews[-1]].copy()
    table["next_review"] = table["review"].map(following).astype(stages["review"].dtype)
    later = stages[["review", "customer_id", "stage"]].set_axis(
        ["next_review", "customer_id", "next_stage"], axis=1
    )
    joined = table.merge(later, on=["next_review", "customer_id"], validate="1:1")
    assert len(joined) == len(table), "a customer once seen stays in the table"
    return joined


def counts(stages: pd.DataFrame, *, names: dict[pd.Timestamp, str]) -> pd.DataFrame:
    """Count customers, named periods x the stages that occur, in their order."""
    period = stages["review"].map(names).rename("period")
    table = pd.crosstab(period, stages["stage"]).rename_axis(None, axis=1)
    return table[[stage for stage in STAGES if stage in table]]


def transitions(moves: pd.DataFrame, *, by: Sequence[str]) -> pd.DataFrame:
    """Say how often one stage is followed by another, in all or by some columns.

    Returns `by`, stage, next_stage (all that occur), customers (who were in the stage),
    moves (customer x period), share of them with low and high (95%, by customer).
    """
    reached = [s for s in STAGES if (moves["next_stage"] == s).any()]
    parts = []
    for target in reached:
        hits = moves.assign(hit=moves["next_stage"] == target)
        share = intervals.proportions(hits, value="hit", by=[*by, "stage"], alpha=0.05)
        parts.append(share.assign(next_stage=target))
    table = pd.concat(parts).rename(columns={"trials": "moves", "rate": "share"})
    columns = [*by, "stage", "next_stage", "customers", "moves", "share", "low", "high"]
    ranks = {"stage": STAGES.index, "next_stage": STAGES.index}
    return table.sort_values(
        [*by, "stage", "next_stage"],
        key=lambda c: c.map(ranks[c.name]) if c.name in ranks else c,
        ignore_index=True,
    )[columns]


def need_moves(moves: pd.DataFrame) -> None:
    """Raise TooLittle if fewer than `LEAST` who came again were seen at two reviews."""
    seen = moves.loc[moves["stage"] != TOO_LITTLE, "customer_id"].nunique()
    if seen < LEAST:
        raise TooLittle(
            f"How stages change needs {LEAST} customers with two days of orders at the end "
            f"of one period who are seen at the end of the next (found: {seen:,})."
        )


def next_stages(moves: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Lay out `transitions` of all as texts, from x to; small cells are withheld.

    Customers with one day of orders are left out, and lapsed to active cannot be.
    """
    here = [s for s in STAGES[:5] if s in {*moves["stage"], *moves["next_stage"]}]
    to = [stage for stage in here if stage != "new"]
    hits = pd.crosstab(moves["stage"], moves["next_stage"])
    hits = hits.reindex(index=here, columns=to, fill_value=0)
    barred = pd.DataFrame(False, hits.index, hits.columns)
    barred.loc[barred.index == "lapsed", barred.columns == "active"] = True
    form = "{share:.1%} ({low:.1%} to {high:.1%})"
    said = [form.format(**row) for row in shares.to_dict("records")]
    grid = shares.assign(said=said).pivot(
        index="stage", columns="next_stage", values="said"
    )
    grid = grid.reindex(index=here, columns=to).mask(
        withheld(hits.mask(barred, KNOWN)), WITHHELD
    )
    return grid.mask(barred, None).rename_axis("from").rename_axis(None, axis=1)


def _leading(
    moves: pd.DataFrame, since: Sequence[str], until: Sequence[str]
) -> pd.DataFrame:
    """Keep the moves from some stages, and say which of them end in others (hit)."""
    own = moves[moves["stage"].isin(since)]
    return own.assign(hit=own["next_stage"].isin(until))


def rate(
    moves: pd.DataFrame, since: Sequence[str], until: Sequence[str]
) -> pd.Series | None:
    """Give the share of moves from the stages `since` that end in the stages `until`.

    Returns customers, moves, hits, share, low and high (95%); None of fewer than `LEAST` customers.
    """
    own = _leading(moves, since, until).assign(all=True)
    table = share_by(own, hit="hit", by="all")
    if table["customers"].sum() < LEAST:
        return None
    return table.iloc[0]


def ways(moves: pd.DataFrame, *, by: str) -> pd.DataFrame:
    """Say for each group how many who were well went away, and how many came back.

    Returns `by`, and the columns of `share_by` of both ways, away (`WELL`, then
    `SILENT`) and back, such as share_away and share_away_low; shares are missing of
    fewer than `LEAST` customers.
    """
    parts = {}
    for way, (since, until) in {"away": (WELL, SILENT), "back": (SILENT, WELL)}.items():
        table = share_by(_leading(moves, since, until), hit="hit", by=by)
        few = table["customers"] < LEAST
        table.loc[few, ["share", "low", "high"]] = np.nan
        ends = {end: f"share_{way}_{end}" for end in ("low", "high")}
        rest = {
            name: f"{name}_{way}" for name in ("customers", "moves", "hits", "share")
        }
        parts[way] = table.set_index(by).rename(columns=ends | rest)
    table = pd.concat(parts.values(), axis=1).sort_index().rename_axis(by)
    counts = [
        f"{name}_{way}" for name in ("customers", "moves", "hits") for way in parts
    ]
    return (
        table.fillna(dict.fromkeys(counts, 0))
        .astype(dict.fromkeys(counts, int))
        .reset_index()
    )


def win_back(moves: pd.DataFrame, *, now: pd.Series) -> str:
    """Say which advice on silent customers the moves bear; `now` counts them by stage.

    calm: fewer than `LEAST` are silent now; unknown: fewer than `LEAST` silent ones
    were seen a period later; none: nobody silent came back, ever or within the last
    period; few: some did, but fewer than `LEAST` are slowing now; soon: the slowing
    come back more often than the lapsed (intervals apart); alike: that is not seen.
    """
    if now.reindex(SILENT, fill_value=0).sum() < LEAST:
        return "calm"
    silent = _leading(moves, SILENT, WELL)
    if silent["customer_id"].nunique() < LEAST:
        return "unknown"
    latest = silent[silent["review"] == silent["review"].max()]
    if not silent["hit"].any() or (len(latest) >= LEAST and not latest["hit"].any()):
        return "none"
    if now.get("slowing", 0) < LEAST:
        return "few"
    share = share_by(silent, hit="hit", by="stage").set_index("stage").reindex(SILENT)
    apart = share.loc["slowing", "low"] > share.loc["lapsed", "high"]
    return "soon" if apart else "alike"


def share_by(rows: pd.DataFrame, *, hit: str, by: str) -> pd.DataFrame:
    """Give the share of rows (moves) that hit by group, with its 95% interval."""
    table = intervals.proportions(rows, value=hit, by=[by], alpha=0.05)
    named = {"rate": "share", "trials": "moves", "successes": "hits"}
    table = table.rename(columns=named)
    return table[[by, "customers", "moves", "hits", "share", "low", "high"]]


def cohorts(
    days: pd.DataFrame, *, joined: pd.Series, period: str, last: pd.Timestamp
) -> pd.DataFrame:
    """Follow customers who came in the same period through the periods after it.

    `joined` gives the day that places a customer in a cohort; `period` is pandas' (such
    as Q), and one not over by `last` is left out. Returns cohort and period (text such
    as 2017Q1), age (periods since), customers (of the cohort), came (with an order in
    the period), share with low and high (95% Wilson); raises TooLittle if there is
    none.
    """
    known = joined.dropna()
    cohort = known[known <= last].dt.to_period(period)
    if cohort.empty or cohort.min().end_time.normalize() > last:
        raise TooLittle(
            f"Cohorts need a period ({period}) that is over by {last:%Y-%m-%d} and "
            "customers who began in it: there is none."
        )
    visits = days[["customer_id"]].assign(
        cohort=days["customer_id"].map(cohort), period=days["day"].dt.to_period(period)
    )
    visits = visits.dropna().drop_duplicates()
    ends = pd.period_range(visits["period"].min(), last, freq=period)
    over = [one for one in ends if one.end_time.normalize() <= last]
    members = cohort.rename("cohort").rename_axis("customer_id").reset_index()
    each = members.merge(pd.Series(over, name="period"), how="cross")
    each = each[each["period"] >= each["cohort"]]
    came = visits.assign(came=True)
    each = each.merge(came, on=["customer_id", "cohort", "period"], how="left")
    each["came"] = each["came"].eq(True)
    each["age"] = each["period"].astype("int64") - each["cohort"].astype("int64")
    keys = ["cohort", "period", "age"]
    share = intervals.proportions(each, value="came", by=keys, alpha=0.05)
    share = share.rename(columns={"successes": "came", "rate": "share"})
    names = {name: share[name].map(said) for name in ("cohort", "period")}
    columns = [*keys, "customers", "came", "share", "low", "high"]
    return share.assign(**names)[columns]


def shown_cohorts(cohorts: pd.DataFrame, *, of: int) -> pd.DataFrame:
    """Keep the cohorts that may be shown `of` all customers, and the periods they came in.

    Raises TooLittle if none of them is followed into a later period.
    """
    sizes = cohorts.groupby("cohort")["customers"].first()
    shown = cohorts[(cohorts["customers"] >= LEAST) & (cohorts["came"] >= LEAST)]
    enough = suppression.enough_left(sizes[sizes.index.isin(shown["cohort"])], of=of)
    shown = shown[shown["cohort"].map(enough).astype(bool)]
    if not (shown["age"] > 0).any():
        raise TooLittle(
            f"Cohorts need {LEAST} customers who came in one period and again in a later "
            "one that is over: there is no such cohort."
        )
    return shown


def until_lapsed(
    days: pd.DataFrame,
    *,
    start: pd.Timestamp,
    end: pd.Timestamp,
    slowing: float,
    min_gap_days: float,
) -> pd.DataFrame:
    """Measure how long customers stay, from one day on, by their usual time between orders.

    `days` comes from `order_days`; customers are followed from `start` to `end`, and a
    silence of more than `slowing` usual times (at least `min_gap_days` each) is a lapse.
    Returns customer_id, days (to the lapse or the end), lapsed, limit_days (of
    silence), of those who came again and had not lapsed on `start`.
    """
    until, known = days[days["day"] <= end], days[days["day"] <= start]
    table = gaps(known, review=start).dropna().set_index("customer_id")
    table["limit"] = slowing * table["gap_mean_days"].clip(lower=min_gap_days)
    table = table[table["recency_days"] <= table["limit"]]
    last_known = known.groupby("customer_id")["day"].max().loc[table.index]
    after = until[(until["day"] > start) & until["customer_id"].isin(table.index)]
    visits = pd.concat([last_known.reset_index(), after[["customer_id", "day"]]])
    visits = visits.sort_values(["customer_id", "day"], ignore_index=True)
    following = visits.groupby("customer_id")["day"].shift(-1).fillna(end)
    limit = visits["customer_id"].map(table["limit"].to_dict()).astype(float)
    lapses = (following - visits["day"]).dt.days > limit
    when = (visits["day"] - start).dt.days + limit
    first = when[lapses].groupby(visits["customer_id"]).min().reindex(table.index)
    whole = float((end - start).days)
    found = {"days": first.fillna(whole), "lapsed": first.notna()}
    return pd.DataFrame(found | {"limit_days": table["limit"]}).reset_index()


def large(durations: pd.DataFrame, *, by: str) -> pd.DataFrame:
    """Keep the rows of groups of `LEAST` customers; without one raise TooLittle."""
    sizes = durations[by].map(durations[by].value_counts())
    if not (sizes >= LEAST).any():
        most = int(sizes.max()) if len(sizes) else 0
        raise TooLittle(
            f"Who stays is shown for groups of {LEAST} customers who came again and had not "
            f"lapsed before the later window (the largest found: {most:,})."
        )
    return durations[sizes >= LEAST]


def retention_curves(
    durations: pd.DataFrame, *, by: str, at: Sequence[float]
) -> pd.DataFrame:
    """Estimate the share of customers who have not lapsed by each of the days `at`.

    Kaplan and Meier (1958), Nonparametric estimation from incomplete observations.
    Returns `by`, day, customers, at_risk (still followed), lapsed (so far), retained
    with low and high (95%, log-log; while nobody, and once everybody, has lapsed,
    Wilson's). A column `since` says from which day on a customer was followed.
    """
    parts = []
    for key, group in durations.groupby(by):
        since = group["since"] if "since" in group else group["days"] * 0
        retained, low, high = _kaplan_meier(group.assign(since=since), at)
        gone = [int((group["lapsed"] & (group["days"] <= day)).sum()) for day in at]
        part = {
            by: key,
            "day": list(at),
            "customers": len(group),
            "at_risk": [
                int(((since <= day) & (group["days"] >= day)).sum()) for day in at
            ],
            "lapsed": gone,
            "retained": retained,
            "low": low,
            "high": high,
        }
        parts.append(pd.DataFrame(part))
    table = pd.concat(parts, ignore_index=True)
    # The formula is undefined there, and of few customers nobody lapses by chance, too.
    low, high = intervals.wilson(table["retained"], table["customers"], alpha=0.05)
    sure = table["retained"].isin([0, 1])
    table["low"] = table["low"].mask(sure, low)
    table["high"] = table["high"].mask(sure, high)
    # on the first day nothing could happen
    table.loc[table["day"] == 0, ["low", "high"]] = 1.0
    return table


def _kaplan_meier(
    group: pd.DataFrame, at: Sequence[float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the share left by each time, and its log-log interval by Greenwood's formula."""
    days, since = (np.sort(group[name].to_numpy(float)) for name in ("days", "since"))
    times, gone = np.unique(group.loc[group["lapsed"], "days"], return_counts=True)
    followed = np.searchsorted(since, times) if since.any() else len(days)
    followed = followed - np.searchsorted(days, times)
    left = np.cumprod(np.append(1.0, 1 - gone / followed))
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.cumsum(np.append(0.0, gone / (followed * (followed - gone))))
        reach = stats.norm.ppf(0.975) * np.sqrt(spread) / np.log(left)
        ends = (np.exp(np.log(left) * np.exp(sign * reach)) for sign in (-1, 1))
        place = np.searchsorted(times, np.asarray(at, float), side="right")
        return tuple(part[place] for part in (left, *ends))


def in_steps(curves: pd.DataFrame, *, by: str) -> pd.DataFrame:
    """Keep the days of `retention_curves` between which no 1 to 9 customers lapsed."""
    some = curves[~curves["lapsed"].between(1, MIN_CELL - 1)]
    parts = [
        group[suppression.nested(group["lapsed"][::-1])[::-1]]
        for _, group in some.groupby(by)
    ]
    return pd.concat(parts, ignore_index=True)


def may_be_shown(ends: pd.DataFrame) -> pd.DataFrame:
    """Keep the groups whose retained share may be shown; TooLittle without any."""
    shown = ends[suppression.numbers(tables.guarded(ends)["retained"]).notna()]
    if shown.empty:
        raise TooLittle(
            f"Who stays is not shown: in each group fewer than {LEAST} customers lapsed, "
            f"or all but fewer than {LEAST}."
        )
    return shown


def retention_differs(durations: pd.DataFrame, *, by: str) -> float:
    """Give the log-rank test's p-value that groups lapse alike; 1 if nobody lapsed.

    Mantel (1966), Evaluation of survival data.
    """
    from lifelines.statistics import multivariate_logrank_test

    if not durations["lapsed"].any():
        return 1.0
    found = multivariate_logrank_test(
        durations["days"], durations[by], durations["lapsed"]
    )
    return float(found.p_value)


def at_similar_gaps(durations: pd.DataFrame, *, by: str) -> tuple[float, pd.Series]:
    """Compare the lapses of groups among customers who buy about as often.

    Who buys often falls silent beyond the usual time sooner, and more often by chance.
    Returns the p-value of the log-rank test stratified by `limit_days`, in as many
    parts as leave twenty customers in each, ten at most (1 where nothing can be
    compared); and, by group, the lapses beyond those expected. Peto and others (1977),
    Design and analysis of randomized clinical trials, British Journal of Cancer 35,
    1-39.
    """
    strata = min(max(len(durations) // 20, 1), 10)
    ranks = durations["limit_days"].rank(method="average", pct=True)
    groups, code = np.unique(durations[by], return_inverse=True)
    rows = durations.assign(code=code, stratum=np.ceil(ranks * strata))
    gap, spread = np.zeros(len(groups)), np.zeros((len(groups), len(groups)))
    for _, part in rows.groupby("stratum"):
        for day in part.loc[part["lapsed"], "days"].unique():
            left = part[part["days"] >= day]
            gone = left[(left["days"] == day) & left["lapsed"]]
            n, lapses = len(left), len(gone)
            share = np.bincount(left["code"], minlength=len(groups)) / n
            gap += np.bincount(gone["code"], minlength=len(groups)) - lapses * share
            weight = lapses * (n - lapses) / max(n - 1, 1)
            spread += weight * (np.diag(share) - np.outer(share, share))
    free = np.linalg.matrix_rank(spread)
    score = float(gap @ np.linalg.pinv(spread, hermitian=True) @ gap)
    p = float(stats.chi2.sf(score, free)) if free else 1.0
    return p, pd.Series(gap, index=groups)
