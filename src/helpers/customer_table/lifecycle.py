"""What a customer table says of customers' lives: who leaves, who is late, who comes again."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from helpers.clustering.model import TOO_LITTLE, Groups
from helpers.clustering.predictive_validity import quantiles
from helpers.core.errors import TooLittle
from helpers.disclosure import suppression
from helpers.disclosure.suppression import LARGEST, MIN_CELL
from helpers.display import tables, words
from helpers.lifecycle import lifecycle_stages
from helpers.personas.groups import TIERS
from helpers.statistics import classifier, intervals

# The words stand in display/words/en/table_05_lifecycle_journey.ftl.
Finding = dict[str, object]
NONE = "none"  # a fact that there is not
MAX_POINTS = 60  # of a curve
EVERYBODY = "All customers"
WITH_TENURE = 0.7  # rank correlation from which a column only repeats the tenure
PENALTY = 0.1  # of the proportional hazards of all columns, standardised


def need(enough: bool, message: str, /, **facts: object) -> None:
    """Unless there is enough, raise TooLittle with a message of the catalogue."""
    if not enough:
        raise TooLittle(words.say(message, **facts))


def roles(attributes: pd.DataFrame) -> dict[str, list[str]]:
    """List the columns of a customer table by what they are for."""
    own = attributes[attributes["table"] == "customers"]
    own = own[~own["role"].isin(["", "left_out"])]
    return own.groupby("role")["attribute"].agg(list).to_dict()


def groups(segments: pd.DataFrame, names: Mapping[str, str]) -> Groups:
    """Tell customers apart by segment, or by value tier, or not at all."""
    ids = sorted({*segments["segment_id"]} - {0})
    if ids:
        named = {i: names.get(str(i), f"Segment {i}") for i in map(int, ids)}
        return Groups("segment", named, segments)
    held = ordered({*segments["value_tier"]})
    if not held:
        everybody = segments.assign(segment_id=1)
        return Groups("group", {1: EVERYBODY}, everybody)
    number = {tier: i for i, tier in enumerate(held, 1)}
    own = segments["value_tier"].map(number).fillna(0).astype(int)
    tiers = {i: f"{tier.capitalize()} value" for tier, i in number.items()}
    return Groups("value tier", tiers, segments.assign(segment_id=own))


def ordered(tiers: set[str]) -> list[str]:
    """Put the value tiers that hold customers in order, from the highest."""
    return [tier for tier in TIERS if tier in tiers]


def flags(values: pd.Series) -> pd.Series:
    """Read yes and no as 1 and 0, missing as missing."""
    return values.map({"yes": 1.0, "no": 0.0}).astype(float)


# --- Who leaves?


def durations(
    people: pd.DataFrame, *, tenure: str, churned: str, watched: float
) -> pd.DataFrame:
    """Say how long customers were followed: days (in the unit of the tenure), lapsed.

    Who is still a customer is followed up to the current tenure, and no further.
    `watched` is how long the table watched for leaving, before it was drawn: customers
    are then followed from `since` on; 0 is from their beginning.
    """
    rows = people.assign(days=people[tenure], lapsed=flags(people[churned]))
    rows = rows.dropna(subset=["days", "lapsed"])
    rows = rows[rows["days"] > 0] if watched else rows[rows["days"] >= 0]
    # Just after the beginning: at risk is who was there before the time itself.
    since = rows["days"] - watched
    since = since.where(since <= 0, since + 1e-6).clip(lower=0) * (watched > 0)
    rows = rows.assign(since=since, lapsed=rows["lapsed"] == 1)
    return rows[["customer_id", "segment_id", "value_tier", "days", "lapsed", "since"]]


def points(durations: pd.DataFrame, *, by: str) -> list[float]:
    """Choose the times of curves, to where `MIN_CELL` of each group are followed."""
    ends = durations.groupby(by)["days"].nlargest(MIN_CELL).groupby(level=0).min()
    last = float(ends.min())
    seen = np.unique(durations["days"][durations["days"].between(0, last)])
    if len(seen) > MAX_POINTS:
        seen = np.linspace(0, last, MAX_POINTS + 1)
    return np.unique([0.0, *seen]).tolist()


def need_leavers(durations: pd.DataFrame) -> pd.DataFrame:
    """Keep the groups of `MIN_CELL`; TooLittle unless as many left and stayed."""
    few = durations["segment_id"].map(durations["segment_id"].value_counts()) < MIN_CELL
    rows = durations[~few & (durations["segment_id"] > 0)]
    least = min(rows["lapsed"].sum(), (~rows["lapsed"]).sum())
    need(least >= MIN_CELL, "table-life-few-leavers", least=MIN_CELL)
    return rows


def stay_alike(durations: pd.DataFrame) -> float:
    """Test that all groups leave at one pace: log-rank, or by Cox if not always followed."""
    if not durations["since"].any():
        return lifecycle_stages.retention_differs(durations, by="segment_id")
    columns = pd.get_dummies(durations["segment_id"], drop_first=True, dtype=float)
    fitted = _hazards(durations, columns, penalty=0.0) if columns.shape[1] else None
    return float(fitted.log_likelihood_ratio_test().p_value) if fitted else 1.0


def staying(
    overall: pd.DataFrame, *, p: float, groups: int, alpha: float, **facts: object
) -> dict[str, object]:
    """Say how many stay to the end of the curve of all, and whether groups differ."""
    end = overall.iloc[-1]
    branch = "one" if groups < 2 else "differ" if p < alpha else "alike"
    shown = tables.guarded(overall.tail(1), of={"retained": "customers"})["retained"]
    kept = suppression.numbers(shown).notna().iloc[0]
    told = end[["retained", "low", "high"]] if kept else [NONE] * 3
    ends = dict(zip(("kept", "low", "high"), told, strict=True))
    return {
        "branch": branch,
        "p": tables.p_value(p),
        "end": end["day"],
        **ends,
        **facts,
    }


def outcome_rows(
    people: pd.DataFrame, outcome: str, *, tenure: Sequence[str]
) -> pd.DataFrame:
    """Give the customers of a group whose outcome (and tenure, where asked) is known."""
    rows = people.assign(happened=flags(people[outcome]))
    known = rows["happened"].notna() & (rows["segment_id"] > 0)
    for name in tenure:
        rows = rows.assign(tenure=rows[name])
        known &= rows["tenure"].notna()
    need(bool(known.any()), "table-life-no-outcome")
    columns = ["customer_id", "segment_id", *(["tenure"] if tenure else [])]
    return rows.loc[known, columns].assign(happened=rows["happened"] == 1)


def rates(rows: pd.DataFrame, *, alpha: float) -> tuple[pd.DataFrame, int]:
    """Estimate a share by group and, where the tenure is known, at equal tenure.

    `rows`: customer_id, segment_id, happened (bool) and perhaps tenure. Returns
    segment_id, customers, rate, low, high, and adjusted with its interval: the rate if
    each group had the tenures of all (direct standardisation over equal parts of the
    tenure, the second value, of which each holds `MIN_CELL` customers of each group; 0
    where that cannot be), by Wilson's interval at the effective number of customers.
    """
    table = intervals.proportions(
        rows, value="happened", by=["segment_id"], alpha=alpha
    )
    table = table[["segment_id", "customers", "rate", "low", "high"]]
    if "tenure" not in rows:
        return table, 0
    for parts in range(5, 1, -1):
        stratum = quantiles(rows["tenure"], parts=parts)
        each = rows.groupby(["segment_id", stratum])["happened"].agg(["sum", "size"])
        n = each["size"].unstack(fill_value=0)
        if n.shape[1] == parts and n.min(axis=None) >= MIN_CELL:
            break
    else:
        return table, 0
    happened, weight = each["sum"].unstack(), n.sum() / n.sum().sum()
    rate = (happened / n) @ weight
    # half a customer more keeps the spread of a part where nobody, or all, left
    share = (happened + 0.5) / (n + 1)
    spread = (share * (1 - share) / n) @ weight**2
    effective = (rate * (1 - rate) / spread).where(rate.between(0, 1, "neither"))
    low, high = intervals.wilson(
        rate.to_numpy(), effective.fillna(n.sum(axis=1)).to_numpy(), alpha=alpha
    )
    found = {"adjusted": rate.to_numpy(), "adjusted_low": low, "adjusted_high": high}
    return table.assign(**found), parts


def leaving(
    table: pd.DataFrame, *, names: Mapping[int, str], parts: int, p: float, alpha: float
) -> dict[str, object]:
    """Say which group leaves most, from `rates`; `p` is the test that all are alike."""
    ends = ["rate", "low", "high"]
    if parts:
        ends = ["adjusted", "adjusted_low", "adjusted_high"]
    shown = tables.guarded(table, of={"rate": "customers"})
    safe = table[suppression.numbers(shown["rate"]).notna()]
    top, least = (
        (safe.sort_values(ends[0]).iloc[[at]] for at in (-1, 0))
        if len(safe)
        else (safe, safe)
    )
    branch = "alike" if p >= alpha else "differ"
    if len(safe) and branch == "differ":
        apart = top[ends[1]].iloc[0] > least[ends[2]].iloc[0]
        branch = "apart" if apart else "differ"
    branch = "few" if safe.empty else "one" if len(safe) < 2 else branch
    facts: dict[str, object] = {
        "branch": branch,
        "parts": parts,
        "p": tables.p_value(p),
    }
    for name, row in (("most", top), ("least", least)):
        told = row[ends].iloc[0] if len(row) else dict.fromkeys(ends, NONE)
        facts[name] = names[int(row["segment_id"].iloc[0])] if len(row) else NONE
        for end, column in zip(("rate", "low", "high"), ends, strict=True):
            facts[f"{name}_{end}"] = told[column]
    return facts


def parts_of(table: pd.DataFrame, sizes: pd.Series) -> dict[str, pd.Series]:
    """Say what customers and rates of a table by segment are parts of, for a page.

    `sizes` are the customers of each segment: of whom a few are missing is told nowhere.
    """
    of = {"customers": table["segment_id"].map(sizes)}
    return of | ({"rate": table["customers"]} if "rate" in table else {})


def alike(rows: pd.DataFrame) -> float:
    """Test that a share is the same in all groups (chi-square); 1 where none differs."""
    counts = pd.crosstab(rows["segment_id"], rows["happened"])
    if min(counts.shape) < 2:
        return 1.0
    return float(stats.chi2_contingency(counts, correction=False).pvalue)


def meant(names: pd.Series, meanings: Mapping[str, str]) -> pd.Series:
    """Name columns, or a level of one ("region: north"), as the table's labels do."""
    split = [name.partition(": ") for name in names]
    said = [f"{meanings.get(one, one)}{mark}{level}" for one, mark, level in split]
    return pd.Series(said, names.index)


# --- What goes with leaving?


def columns_of(
    features: pd.DataFrame, durations: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    """Turn features into numbers, one a column or a level, of the customers followed.

    What is the same for all, or held by fewer than `MIN_CELL`, is left out; so is what
    only repeats the tenure: the second value names it.
    """
    own = features.set_index("customer_id").reindex(durations["customer_id"])
    numbers = own.select_dtypes("number").astype(float)
    numbers = numbers.loc[:, numbers.max() > numbers.min()]
    tenure = durations.set_index("customer_id")["days"]
    with_tenure = numbers.corrwith(tenure, method="spearman").abs() > WITH_TENURE
    levels = own[
        own.columns.difference(own.select_dtypes("number").columns, sort=False)
    ]
    if levels.shape[1]:
        levels = pd.get_dummies(levels, prefix_sep=": ", dtype=float)
    table = pd.concat([numbers.loc[:, ~with_tenure], levels], axis=1)
    common = table.apply(lambda x: x.value_counts().max() if x.notna().any() else 0)
    return (
        table.loc[:, table.notna().sum() - common >= MIN_CELL],
        list(numbers.columns[with_tenure]),
    )


def drivers(
    durations: pd.DataFrame, columns: pd.DataFrame, *, alpha: float
) -> pd.DataFrame:
    """Relate the hazard of leaving to each column by itself, at equal tenure.

    Returns feature, unit (what is compared), hazard_ratio with low and high (all rows
    hold the truth at once with confidence `alpha`: Bonferroni) and p_adjusted (Holm),
    customers known; the surest first. Cox (1972), Regression models and life-tables.
    """
    rows, reach = [], stats.norm.isf(alpha / 2 / max(columns.shape[1], 1))
    for name in columns:
        known = columns[name].notna().to_numpy()
        x = columns[name].to_numpy(float)[known]
        flag = np.isin(x, [0, 1]).all()
        x = pd.DataFrame({"x": x / (1.0 if flag else x.std())})
        found = _hazards(durations[known], x, penalty=0.0)
        if found is None:
            continue
        effect, error = found.params_["x0"], found.standard_errors_["x0"]
        ends = np.exp([effect, effect - reach * error, effect + reach * error])
        unit = "yes, against no" if flag else "a standard deviation more"
        p = 2 * stats.norm.sf(abs(effect / error))
        rows.append((name, unit, *ends, p, int(known.sum())))
    names = ["feature", "unit", "hazard_ratio", "low", "high", "p_adjusted"]
    table = pd.DataFrame(rows, columns=[*names, "customers"])
    table = table.sort_values("p_adjusted", kind="stable", ignore_index=True)
    table["p_adjusted"] = intervals.adjusted(table["p_adjusted"], method="holm")
    return table


def _hazards(durations: pd.DataFrame, columns: pd.DataFrame, *, penalty: float) -> Any:  # noqa: ANN401 (lifelines loads late)
    """Fit proportional hazards; None where they cannot be found."""
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError

    columns = columns.set_axis([f"x{i}" for i in range(columns.shape[1])], axis=1)

    rows = columns.assign(**{n: durations[n].to_numpy() for n in ("days", "lapsed")})
    since = durations["since"].to_numpy()
    given = {"duration_col": "days", "event_col": "lapsed"}
    if since.any():
        rows, given["entry_col"] = rows.assign(since=since), "since"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return CoxPHFitter(penalizer=penalty).fit(rows, **given)
    except (ConvergenceError, np.linalg.LinAlgError):
        return None


def concordance(
    durations: pd.DataFrame, columns: pd.DataFrame, *, folds: int, seed: int
) -> tuple[float, float, float]:
    """Say how well all columns together rank who leaves first, of customers left out.

    It is the share of comparable pairs in the right order (Harrell's C; 0.5 is chance),
    mean of the folds, with its 95 % interval over them; missing if no fold can be
    fitted.
    """
    from lifelines.utils import concordance_index

    spread = columns.std().where(columns.std() > 0, 1.0)
    scaled = ((columns - columns.mean()) / spread).fillna(0.0)
    found = []
    for train, test in classifier.parts(durations["lapsed"], folds, seed=seed):
        fitted = _hazards(durations.iloc[train], scaled.iloc[train], penalty=PENALTY)
        if fitted is not None:
            risk = scaled.iloc[test].to_numpy() @ fitted.params_.to_numpy()
            left = durations.iloc[test]
            found.append(concordance_index(left["days"], -risk, left["lapsed"]))
    if len(found) < 2:
        return (np.nan,) * 3
    reach = (
        stats.t.isf(0.025, len(found) - 1) * np.std(found, ddof=1) / len(found) ** 0.5
    )
    return (
        float(np.mean(found)),
        float(np.mean(found) - reach),
        float(np.mean(found) + reach),
    )


def driven(
    table: pd.DataFrame,
    ranks: tuple[float, float, float],
    *,
    meanings: Mapping[str, str],
) -> dict[str, object]:
    """Say what goes with leaving, from `drivers` and `concordance`."""
    clear = table[(table["low"] > 1) | (table["high"] < 1)]
    facts: dict[str, object] = {"clear": len(clear), "columns": len(table)}
    facts |= {"ranks": "yes" if ranks[1] > 0.5 else "no"}
    facts |= dict(zip(("c", "c_low", "c_high"), ranks, strict=True))
    for way, part in (
        ("more", clear[clear["low"] > 1]),
        ("less", clear[clear["high"] < 1]),
    ):
        first = part.head(1)
        facts[way] = next(iter(meant(first["feature"], meanings)), NONE)
        for end in ("hazard_ratio", "low", "high"):
            facts[f"{way}_{end}"] = first[end].iloc[0] if len(first) else NONE
    return facts


# --- What revenue recurs?


def revenue(
    people: pd.DataFrame, *, fee: str, table: pd.DataFrame | None
) -> pd.DataFrame:
    """Add up monthly fees of those who are still customers, and what leaving puts at risk.

    `table` is of `rates` of leaving, None where it is not known. Returns segment_id,
    customers, recurring (money a month), share_recurring, fee_each and, with `table`,
    rate and revenue_at_risk (recurring times rate) with low and high.
    """
    paying = people[people[fee].notna() & (people["segment_id"] > 0)]
    need(len(paying) >= MIN_CELL, "table-life-few-fees", least=MIN_CELL)
    found = paying.groupby("segment_id")[fee].agg(["size", "sum", "mean", "max"])
    whole = found["sum"].sum() or 1.0
    result = pd.DataFrame(
        {
            "segment_id": found.index,
            "customers": found["size"].to_numpy(),
            "recurring": found["sum"].to_numpy(),
            "share_recurring": (found["sum"] / whole).to_numpy(),
            "fee_each": found["mean"].to_numpy(),
            LARGEST: (
                found["max"] / found["sum"].where(found["sum"] > 0, 1)
            ).to_numpy(),
        }
    )
    if table is None:
        return result
    ends = table.set_index("segment_id")[["rate", "low", "high"]]
    ends = ends.reindex(result["segment_id"]).to_numpy()
    money = result[["recurring"]].to_numpy() * ends
    named = ["revenue_at_risk", "revenue_at_risk_low", "revenue_at_risk_high"]
    return result.assign(rate=ends[:, 0], **dict(zip(named, money.T, strict=True)))


def recurring(table: pd.DataFrame, *, names: Mapping[int, str]) -> dict[str, object]:
    """Say where recurring revenue lies, and where most of it is at risk."""
    shown = tables.guarded(table, of={"rate": "customers"} if "rate" in table else {})
    money = suppression.numbers(shown["recurring"])
    facts: dict[str, object] = {"total": table["recurring"].sum(), "top": NONE}
    facts |= dict.fromkeys(
        ("share", "risk", "risk_money", "risk_low", "risk_high"), NONE
    )
    if money.notna().any():
        top = table.loc[money.idxmax()]
        facts |= {"top": names[int(top["segment_id"])], "share": top["share_recurring"]}
    if "revenue_at_risk" in table:
        money = suppression.numbers(shown["revenue_at_risk"])
        if money.notna().any():
            row = table.loc[money.idxmax()]
            ends = ["revenue_at_risk", "revenue_at_risk_low", "revenue_at_risk_high"]
            told = dict(
                zip(("risk_money", "risk_low", "risk_high"), row[ends], strict=True)
            )
            facts |= {"risk": names[int(row["segment_id"])]} | told
    return facts


def renewing(table: pd.DataFrame, *, names: Mapping[int, str]) -> dict[str, object]:
    """Say whose contracts are renewed least, from `retention.renewal_rates`."""
    shown = suppression.numbers(tables.guarded(table, of={"rate": "contracts"})["rate"])
    safe = table[shown.notna()].sort_values("rate")
    if len(safe) < 2:
        return {"branch": "few"} | dict.fromkeys(
            f"{end}{part}"
            for end in ("most", "least")
            for part in ("", "_rate", "_low", "_high")
        )
    facts: dict[str, object] = {}
    for name, row in (("least", safe.iloc[0]), ("most", safe.iloc[-1])):
        facts[name] = names[int(row["segment_id"])]
        facts |= {f"{name}_{end}": row[end] for end in ("rate", "low", "high")}
    apart = safe.iloc[-1]["low"] > safe.iloc[0]["high"]
    return {"branch": "apart" if apart else "alike"} | facts


# --- Ready-made features: recency, frequency, money


def bought(people: pd.DataFrame, roles: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Read when customers bought, in the names of `lifecycle.clv`.

    Either summaries (repeat_orders, last_order, observed) or recency, frequency (all
    orders) and observed will do; TooLittle without one of them. Returns customer_id,
    segment_id, value_tier, frequency (repeat orders), recency (from the first order to
    the last), age (from the first until now), spend (mean of an order, where known) and
    paid. Rows that are missing one, or contradict themselves, are left out.
    """
    names = {role: columns[0] for role, columns in roles.items()}
    need("observed" in names, "table-life-no-gap")
    age = people[names["observed"]]
    if {"repeat_orders", "last_order"} <= names.keys():
        x, last = people[names["repeat_orders"]], people[names["last_order"]]
    else:
        need({"recency", "frequency"} <= names.keys(), "table-life-no-gap")
        x, last = people[names["frequency"]] - 1, age - people[names["recency"]]
    spend = people[names["monetary"]] if "monetary" in names else age * np.nan
    if "repeat_orders" not in names:
        spend = spend / (x + 1)
    table = people[["customer_id", "segment_id", "value_tier"]].assign(
        frequency=x, recency=last.where(x > 0, 0), age=age, spend=spend
    )
    table["paid"] = table["frequency"].where(table["spend"] > 0, 0)
    sound = (x >= 0) & (last >= 0) & (table["recency"] <= age + 1e-9) & (age > 0)
    sound &= (x == 0) | (table["recency"] > 0)
    kept = table[sound].reset_index(drop=True)
    need(len(kept) >= MIN_CELL, "table-life-few-orders", least=MIN_CELL)
    return kept.fillna({"paid": 0})


def activity(orders: pd.DataFrame, *, cuts: Mapping[str, float]) -> pd.DataFrame:
    """Say who is late by their own usual time between orders, an output of `bought`.

    `cuts`: stage -> largest silence over the usual time; beyond is lapsed, and who
    ordered once has no usual time. Returns customer_id, segment_id, stage.
    """
    repeated = orders["frequency"] > 0
    gap = (orders["recency"] / orders["frequency"].where(repeated)).astype(float)
    late = (orders["age"] - orders["recency"]) / gap
    stage = pd.Series("lapsed", index=orders.index)
    for name in sorted(cuts, key=cuts.__getitem__, reverse=True):
        stage = stage.mask(late <= cuts[name] + 1e-9, name)
    stage = stage.where(repeated, TOO_LITTLE)
    return orders[["customer_id", "segment_id"]].assign(stage=stage)


def cut_offs(
    people: pd.DataFrame, columns: Sequence[str], *, parts: int
) -> pd.DataFrame:
    """Give the values that cut columns into equal parts, with the two digits that count.

    Returns measure and a column for each cut, such as 33%.
    """
    at = [i / parts for i in range(1, parts)]
    found = people[list(columns)].quantile(at).T
    rounded = found.map(lambda x: float(f"{x:.2g}"))
    rounded.columns = [f"{share:.0%}" for share in at]
    return rounded.rename_axis("measure").reset_index()


def cells(
    people: pd.DataFrame, cuts: pd.DataFrame, *, rows: str, columns: str
) -> pd.DataFrame:
    """Count customers in the cells of two columns by `cut_offs`, from the lowest part."""
    limits = cuts.set_index("measure")
    known = people.dropna(subset=[rows, columns])
    parts = {}
    for name in (rows, columns):
        edges = np.unique(limits.loc[name].to_numpy(float))
        part = np.searchsorted(edges, known[name].to_numpy(float), side="left")
        said = [*(f"up to {edge:,g}" for edge in edges), f"above {edges[-1]:,g}"]
        parts[name] = pd.Categorical.from_codes(part, said)
    return pd.crosstab(parts[rows], parts[columns], dropna=False)


def lately_and_often(shown: pd.DataFrame, *, customers: int) -> dict[str, object]:
    """Say how many customers came lately and often, from `cells` as they are shown."""
    count = suppression.numbers(shown.iloc[0, [-1]]).iloc[0]
    known = not np.isnan(count) and shown.shape[1] > 1
    ends = {"below": shown.index[0], "above": shown.columns[-1]}
    return {"best": int(count) if known else NONE, "customers": customers, **ends}


def stage_counts(stages: pd.DataFrame, *, names: Mapping[int, str]) -> pd.DataFrame:
    """Count customers by group and stage, ready for `suppression.withhold`."""
    known = stages[stages["segment_id"].isin(list(names))]
    counts = pd.crosstab(known["segment_id"].map(names), known["stage"])
    return counts[[name for name in lifecycle_stages.STAGES if name in counts]]


def late(stages: pd.DataFrame) -> str:
    """Say what part of the customers with a usual time are slowing or lapsed."""
    known = stages[stages["stage"] != TOO_LITTLE]
    count = int(known["stage"].isin(["slowing", "lapsed"]).sum())
    if count < MIN_CELL:
        return NONE
    return suppression.part(count, of=len(known))


def as_orders(means: pd.DataFrame) -> pd.DataFrame:
    """Name the columns of `clv.means` for orders, which are no money."""
    named = {"value": "expected_orders", "naive_value": "naive_orders"}
    return means.rename(columns=named)


def ahead(
    means: pd.DataFrame, every: pd.Series, *, names: Mapping[int, str]
) -> dict[str, object]:
    """Say which group is expected to order most, from `as_orders`."""
    shown = suppression.numbers(tables.guarded(means)["expected_orders"])
    facts: dict[str, object] = {"mean": every.mean(), "top": NONE}
    facts |= dict.fromkeys(("top_mean", "top_low", "top_high"), NONE)
    facts["clear"] = False
    if shown.notna().sum() > 1:
        row = means.loc[shown.idxmax()]
        others = means[shown.notna()].drop(index=shown.idxmax())
        told = row[["expected_orders", "low", "high"]]
        facts |= {"top": names[int(row["segment_id"])]}
        facts["clear"] = row["low"] > others["high"].max()
        facts |= dict(zip(("top_mean", "top_low", "top_high"), told, strict=True))
    return facts
