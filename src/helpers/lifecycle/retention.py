"""Contracts and those who stay: recurring revenue, renewal, recommendation, traits."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import special, stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.core import engines
from helpers.core.engines import Engine
from helpers.core.errors import TooLittle
from helpers.disclosure.suppression import closed
from helpers.statistics import bootstrap, classifier, forecasts, intervals

# Answers on the scale from 0 to 10: Reichheld (2003), The one number you need to grow.
PROMOTER, DETRACTOR = 9, 6
# Strengths of the penalty that are tried, as scikit-learn's C: the inverse.
STRENGTHS = 10.0 ** np.arange(-3, 2)
INNER = 3  # parts that choose the strength inside each fold
LEAST = 10  # customers, or contracts, of each kind that a comparison needs
# What may go with renewal: its unit in words, and its size in `contract_facts`.
DRIVERS = {
    "response_hours": ("hour until the first answer", 1.0),
    "return_share": ("10 percentage points of pieces returned", 0.1),
    "satisfaction": ("point of the mean score", 1.0),
}
# Of recurring revenue, from what it was to what it is.
STEPS = ("opening", "new", "returned", "expansion", "contraction", "churn", "closing")
SCALE = (7, 10)  # the highest answer lies here where the scale goes from 0 to 10


def revenue_bridge(
    contracts: pd.DataFrame, *, ends: Sequence[pd.Timestamp]
) -> pd.DataFrame:
    """Say what moved the monthly recurring revenue from one of `ends` to the next.

    `contracts`: customer_id, starts_on, ends_on (last day), monthly_fee_cents. Returns,
    a row a period, ends_on, customers (with a contract), opening, new (no contract
    before), returned (one before, but not at the opening), expansion, contraction,
    churn, closing: currency a month. Contraction and churn are negative; all parts add
    up. Those that few customers make, or one for the most part, are missing.
    """
    fees = _fees(contracts, ends)
    began = contracts.groupby("customer_id")["starts_on"].min().reindex(fees.index)
    rows = []
    for before, now in itertools.pairwise(ends):
        was, is_ = fees[before], fees[now]
        change = is_ - was
        came, gone = (was == 0) & (is_ > 0), (was > 0) & (is_ == 0)
        stayed = (was > 0) & (is_ > 0)
        fresh = came & (began > before)
        steps = {
            "new": change[fresh],
            "returned": change[came & ~fresh],
            "expansion": change[stayed].clip(lower=0),
            "contraction": change[stayed].clip(upper=0),
            "churn": change[gone],
        }
        row = pd.Series({name: step.sum() / 100 for name, step in steps.items()})
        sizes = pd.Series({name: (step != 0).sum() for name, step in steps.items()})
        tops = pd.Series({n: step.abs().max() / 100 for n, step in steps.items()})
        row[closed(sizes, largest=(tops / row.abs()).fillna(0), sums=row.abs())] = (
            np.nan
        )
        ends_in = {"opening": was.sum() / 100, **row, "closing": is_.sum() / 100}
        rows.append({"ends_on": now, "customers": int((is_ > 0).sum())} | ends_in)
    return pd.DataFrame(rows)


def steps(bridge: pd.Series) -> pd.Series:
    """Take the steps of a row of `revenue_bridge`; those that are missing become others."""
    shown = bridge[list(STEPS)].dropna()
    if len(shown) == len(STEPS):
        return shown
    others = pd.Series({"others": 2 * shown["closing"] - shown.sum()})
    return pd.concat([shown[:-1], others, shown[-1:]])


def _fees(contracts: pd.DataFrame, ends: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """Give each customer's monthly fee (cents) on each day, 0 without a contract."""
    parts = {}
    for day in ends:
        runs = (contracts["starts_on"] <= day) & (contracts["ends_on"] >= day)
        parts[day] = contracts[runs].groupby("customer_id")["monthly_fee_cents"].sum()
    return pd.DataFrame(parts).reindex(contracts["customer_id"].unique()).fillna(0)


def need_tables(tables: Mapping[str, pd.DataFrame], *names: str) -> None:
    """Raise TooLittle if a run has not all of the tables that a section reads."""
    if missing := [name for name in names if name not in tables]:
        raise TooLittle(
            f"This section needs tables that this run does not have: {', '.join(missing)}."
        )


def need_revenue(contracts: pd.DataFrame, *, ends: Sequence[pd.Timestamp]) -> None:
    """Raise TooLittle if fewer than `LEAST` customers pay a fee, or on a single day."""
    paying = contracts[contracts["monthly_fee_cents"] > 0]["customer_id"].nunique()
    if paying < LEAST or len(ends) < 2:
        raise TooLittle(
            f"Recurring revenue needs {LEAST} customers whose contract has a monthly fee, "
            f"and two periods that end in the data (found: {paying:,} and {len(ends)})."
        )


def ended(contracts: pd.DataFrame) -> pd.DataFrame:
    """Keep contracts known to be renewed or not, `LEAST` of them, or raise TooLittle.

    A contract that ends after the data has no answer; a run may lack the column
    renewed.
    """
    known = contracts.dropna(subset=["renewed"]) if "renewed" in contracts else []
    if len(known) < LEAST:
        raise TooLittle(
            f"Renewal needs {LEAST} contracts of which it is known whether they were "
            f"renewed (found: {len(known):,})."
        )
    return known


def renewal_rates(contracts: pd.DataFrame, *, by: str) -> pd.DataFrame:
    """Count how many contracts that ended were renewed, by group.

    Returns `by`, customers, contracts (with a known renewal), renewed, rate with low
    and high (95%, contracts of one customer going together).
    """
    ended = contracts.dropna(subset=["renewed", by])
    table = intervals.proportions(ended, value="renewed", by=[by], alpha=0.05)
    named = {"trials": "contracts", "successes": "renewed"}
    columns = [by, "customers", "contracts", "renewed", "rate", "low", "high"]
    return table.rename(columns=named)[columns]


def promoter_scores(
    answers: pd.DataFrame, *, by: str, seed: int, n_bootstrap: int
) -> pd.DataFrame:
    """Give the net promoter score of each group, of answers from 0 to 10.

    Returns `by`, customers, answers, promoters and detractors (shares), score (-100 to
    100) with low and high (95%, bootstrap of customers, who may have answered several
    times).
    """
    score = answers["score"]
    signs = (score >= PROMOTER).astype(int) - (score <= DETRACTOR).astype(int)
    rows = []
    for key, group in answers.assign(sign=signs).groupby(by):
        each = group.groupby("customer_id")["sign"].agg(["sum", "size"]).to_numpy()
        rng = np.random.default_rng(seed)
        drawn = each[rng.integers(0, len(each), (n_bootstrap, len(each)))].sum(axis=1)
        low, high = np.quantile(100 * drawn[:, 0] / drawn[:, 1], bootstrap.ENDS)
        shares = [(group["sign"] == sign).mean() for sign in (1, -1)]
        score = 100 * group["sign"].mean()
        rows.append((key, len(each), len(group), *shares, score, low, high))
    names = ["customers", "answers", "promoters", "detractors", "score", "low", "high"]
    return pd.DataFrame(rows, columns=[by, *names])


def need_answers(answers: pd.DataFrame, *, question: str) -> None:
    """Raise TooLittle if fewer than `LEAST` answered, or not from 0 to 10."""
    customers = answers["customer_id"].nunique()
    if customers < LEAST:
        raise TooLittle(
            f"A promoter score needs {LEAST} customers who answered the question "
            f"{question!r} (found: {customers:,})."
        )
    low, high = answers["score"].min(), answers["score"].max()
    if low < 0 or not SCALE[0] <= high <= SCALE[1]:
        raise TooLittle(
            f"A promoter score needs answers from 0 to 10; those to {question!r} go from "
            f"{low:g} to {high:g}."
        )


def attitude(scores: pd.Series) -> pd.Series:
    """Call each answer promoter, passive or detractor; missing stays missing."""
    named = np.select(
        [scores.isna(), scores >= PROMOTER, scores <= DETRACTOR],
        [None, "promoter", "detractor"],
        "passive",
    )
    return pd.Series(named, index=scores.index, dtype=object)


def by_attitude(contracts: pd.DataFrame) -> pd.DataFrame:
    """Give the `renewal_rates` by the last answer; TooLittle where nobody answered."""
    if not contracts["recommendation"].notna().any():
        raise TooLittle("No contract that ended has an answer on recommendation.")
    named = contracts.assign(attitude=attitude(contracts["recommendation"]))
    rates = renewal_rates(named, by="attitude").sort_values("rate")
    return rates[["attitude", "contracts", "renewed", "rate", "low", "high"]]


def contract_facts(
    con: Engine,
    contracts: pd.DataFrame,
    *,
    lines: str,
    interactions: str,
    surveys: str,
    support: str,
    recommend: str,
) -> pd.DataFrame:
    """Measure what happened while each contract ran, before its end was decided.

    `lines`, `interactions` and `surveys` are paths of standard tables, `support` the
    kind of interaction that is a ticket, `recommend` the question (0 to 10). Adds to
    the contracts response_hours (mean of tickets), tickets, return_share and pieces
    (where lines have returned), satisfaction (mean score of the other questions),
    recommendation (the last one): missing where nothing happened.
    """
    span = ["contract_id", "customer_id", "starts_on", "ends_on"]
    con.register("contract_rows", contracts[span])

    def during(
        file: str, moment: str, what: str, where: str, by: str = "1", **values: str
    ) -> pd.DataFrame:
        """Ask what falls into each contract."""
        query = f"""select c.contract_id, {what}
            from contract_rows c join read_parquet($file) t
            on t.customer_id = c.customer_id and t.{moment} >= c.starts_on
                and t.{moment} < c.ends_on::date + 1
            where {where} group by {by}"""
        return con.execute(query, {"file": file, **values}).df()

    hours = "avg(minutes) / 60 as response_hours, count(*) as tickets"
    tickets = "t.kind = $support and t.minutes is not null"
    mean, last = "avg(score) as satisfaction", "min(score) as recommendation"
    asked, other = "t.question = $recommend", "t.question <> $recommend"
    found = during(interactions, "happened_at", hours, tickets, support=support)
    answers = (surveys, "answered_on")
    satisfied = during(*answers, mean, other, recommend=recommend)
    answered = during(
        *answers, f"t.answered_on, {last}", asked, by="1, 2", recommend=recommend
    )
    answered = answered.sort_values(["contract_id", "answered_on"])
    answered = answered.drop_duplicates("contract_id", keep="last")
    parts = [found, satisfied, answered.drop(columns="answered_on")]
    if "returned" in engines.columns(lines):
        pieces = """sum(returned) / nullif(sum(quantity), 0) as return_share,
            sum(quantity)::bigint as pieces"""
        parts.append(during(lines, "ordered_at", pieces, "true"))
    table = contracts
    for part in parts:
        table = table.merge(part, on="contract_id", how="left", validate="1:1")
    return table


def renewal_drivers(
    facts: pd.DataFrame, *, drivers: Mapping[str, tuple[str, float]]
) -> pd.DataFrame:
    """Relate renewal to what happened during the contract, all drivers together.

    `drivers`: column -> unit in words, and its size in the column; rows with a missing
    value, and drivers that do not vary, are left out. Returns driver, unit, log_odds
    (of renewal a unit more) with low, high (95%) and p, odds_ratio, contracts:
    logistic regression without a penalty, errors robust to several contracts of a
    customer (Liang and Zeger (1986), Longitudinal data analysis using generalized
    linear models). Raises TooLittle if that cannot be measured.
    """
    drivers = {
        name: unit
        for name, unit in drivers.items()
        if name in facts and facts[name].min() < facts[name].max()
    }
    used = facts.dropna(subset=["renewed", *drivers])
    renewed = int(used["renewed"].astype(bool).sum())
    if not drivers:
        raise TooLittle(
            "What goes with renewal is not known: all that was measured is the same for "
            "all contracts."
        )
    if min(renewed, len(used) - renewed) < LEAST:
        raise TooLittle(
            f"What goes with renewal needs {LEAST} contracts that were renewed and {LEAST} "
            f"that were not, of which all is known (found: {renewed:,} and "
            f"{len(used) - renewed:,})."
        )
    units = np.array([size for _, size in drivers.values()])
    columns = used[list(drivers)].to_numpy(float) / units
    centred = columns - columns.mean(axis=0)
    # y and x as floats: renewed comes as a nullable bool
    found, spread = _logistic(
        np.column_stack([np.ones(len(used)), centred]),
        used["renewed"].astype(bool).to_numpy(float),
        used["customer_id"].to_numpy(),
    )
    if np.isnan(found).any():
        raise TooLittle(
            "What goes with renewal cannot be separated: one of "
            f"{', '.join(drivers)} repeats another or predicts renewal without an exception."
        )
    log_odds, errors = found[1:], spread[1:]
    return pd.DataFrame(
        {
            "driver": list(drivers),
            "unit": [unit for unit, _ in drivers.values()],
            "log_odds": log_odds,
            "low": log_odds - stats.norm.ppf(0.975) * errors,
            "high": log_odds + stats.norm.ppf(0.975) * errors,
            "p": 2 * stats.norm.sf(np.abs(log_odds / errors)),
            "odds_ratio": np.exp(log_odds),
            "contracts": len(used),
        }
    )


def _logistic(
    x: np.ndarray, y: np.ndarray, clusters: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit by Newton's method; give coefficients and their cluster-robust errors.

    Both are missing where a column repeats another, or tells the outcome entirely.
    """
    nothing = np.full(x.shape[1], np.nan)
    found = np.zeros(x.shape[1])
    for _ in range(50):
        chance = special.expit(x @ found)
        bread = (x * (chance * (1 - chance))[:, None]).T @ x
        if not np.isfinite(bread).all() or np.linalg.cond(bread) > 1e12:
            return nothing, nothing
        step = np.linalg.solve(bread, x.T @ (y - chance))
        found = found + step
        if np.abs(step).max() < 1e-10:
            break
    _, code = np.unique(clusters, return_inverse=True)
    each = np.zeros((code.max() + 1, x.shape[1]))
    np.add.at(each, code, x * (y - special.expit(x @ found))[:, None])
    inverse = np.linalg.inv(bread)
    groups = len(each)
    variance = inverse @ (each.T @ each) @ inverse * groups / max(groups - 1, 1)
    return found, np.sqrt(np.diag(variance))


def before(
    customers: pd.DataFrame, *, features: pd.DataFrame, min_gap_days: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take what is known before the holdout: all features, and order timing alone.

    Lateness is added: days since the last order over the mean gap between orders, which
    is at least `min_gap_days`.
    """
    columns = features.drop(columns="customer_id").select_dtypes(["number", "bool"])
    known = customers[columns.columns].astype(float)
    gap_days = customers["gap_mean_days"].clip(lower=min_gap_days)
    known["lateness"] = customers["recency_days"] / gap_days
    return known, known[["orders", "recency_days", "gap_mean_days", "lateness"]]


def need_both(kept: pd.Series, *, folds: int) -> None:
    """Raise TooLittle if fewer than `LEAST`, or twice the folds, stayed or lapsed."""
    least, stayed = max(LEAST, 2 * folds), int(kept.sum())
    if min(stayed, len(kept) - stayed) < least:
        raise TooLittle(
            f"Who stays can be predicted from {least} customers who stayed and {least} who "
            f"lapsed (found: {stayed:,} and {len(kept) - stayed:,})."
        )


def comparable(features: pd.DataFrame, kept: pd.Series) -> pd.DataFrame:
    """Keep the features that vary and are known of `LEAST` customers of both kinds.

    `kept` says who stayed, index of `features`. Raises TooLittle if no feature is left.
    """
    known = features.notna()
    enough = (known[kept].sum() >= LEAST) & (known[~kept].sum() >= LEAST)
    kept_columns = features.columns[enough & (features.std() > 0)]
    if kept_columns.empty:
        raise TooLittle("Who stays is not compared: all customers were alike before.")
    return features[kept_columns]


def cross_fitted(
    features: pd.DataFrame, kept: pd.Series, *, folds: int, seed: int
) -> np.ndarray:
    """Predict for customers left out the probability to stay, by penalised regression.

    Missing features are filled with the median of the other folds. The penalty (ridge)
    is chosen inside each fold, by log loss on parts of it left out.
    """
    x, y = features.to_numpy(float), kept.to_numpy(bool)
    chance = np.empty(len(y))
    for train, test in classifier.parts(kept, folds, seed=seed):
        filled = np.where(np.isnan(x), _medians(x[train]), x)
        model = _penalised(_best_strength(filled[train], y[train], seed))
        model.fit(filled[train], y[train])
        chance[test] = model.predict_proba(filled[test])[:, 1]
    return chance


def _medians(x: np.ndarray) -> np.ndarray:
    """Give the median of each column, 0 of one that is never known."""
    blank = np.isnan(x).all(axis=0)
    return np.nanmedian(np.where(blank, 0.0, x), axis=0)


def _penalised(strength: float) -> Pipeline:
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=strength, solver="newton-cholesky")
    )


def _best_strength(x: np.ndarray, y: np.ndarray, seed: int) -> float:
    """Choose the penalty with the least log loss on parts left out."""
    losses = np.zeros(len(STRENGTHS))
    for train, test in classifier.parts(y, INNER, seed=seed + 1):
        for place, strength in enumerate(STRENGTHS):
            model = _penalised(strength).fit(x[train], y[train])
            losses[place] += log_loss(y[test], model.predict_proba(x[test])[:, 1])
    return float(STRENGTHS[losses.argmin()])


def discrimination(
    chances: Mapping[str, np.ndarray], kept: pd.Series, *, seed: int, n_bootstrap: int
) -> pd.DataFrame:
    """Say how well each forecast, made without the customer, ranks who stays first.

    Returns forecast, auc with low and high (95%, bootstrap of customers, the same for
    all), gain over the last forecast with gain_low and gain_high.
    """
    y = kept.to_numpy(bool)
    rng = np.random.default_rng(seed)
    draws = [rng.integers(0, len(y), len(y)) for _ in range(n_bootstrap)]
    draws = [draw for draw in draws if 0 < y[draw].sum() < len(y)]
    found = {name: forecasts.aucs(y, chance, draws) for name, chance in chances.items()}
    last = list(found.values())[-1]
    columns = ["auc", "low", "high", "gain", "gain_low", "gain_high"]
    rows = {
        name: bootstrap.estimate(one) + bootstrap.estimate(one - last)
        for name, one in found.items()
    }
    table = pd.DataFrame(rows.values(), columns=columns)
    table.insert(0, "forecast", list(rows))
    return table


def predicts(ranking: pd.DataFrame) -> str:
    """Say what `discrimination` bears: all features first, order timing alone last.

    together: all rank customers better than timing alone, or beyond chance (AUC above
    0.5) where it does not; timing: the others add nothing visible; alone: they
    make it worse; nothing: neither ranks beyond chance.
    """
    whole, alone = ranking["low"].iloc[[0, -1]] > 0.5
    if whole and (ranking["gain_low"].iloc[0] > 0 or not alone):
        return "together"
    if not alone:
        return "nothing"
    return "alone" if ranking["gain_high"].iloc[0] < 0 else "timing"


def reliability(chance: np.ndarray, kept: pd.Series, *, parts: int) -> pd.DataFrame:
    """Set forecast and observed shares of who stays side by side.

    Returns group (`parts` of equal size at most, 1 is the least likely), customers,
    forecast (mean), observed with low and high (95% Wilson).
    """
    ranks = pd.Series(chance).rank(method="first")
    rows = pd.DataFrame(
        {
            "group": np.ceil(ranks * parts / len(chance)).astype(int),
            "customer_id": np.arange(len(chance)),
            "forecast": chance,
            "kept": kept.to_numpy(bool),
        }
    )
    table = intervals.proportions(rows, value="kept", by=["group"], alpha=0.05)
    table["forecast"] = rows.groupby("group")["forecast"].mean().to_numpy()
    table = table.rename(columns={"rate": "observed"})
    return table[["group", "customers", "forecast", "observed", "low", "high"]]


def calibration_slope(chance: np.ndarray, kept: pd.Series) -> tuple[float, float]:
    """Give observed less mean forecast share, and the slope: 0 and 1 are right.

    The slope is that of a logistic regression on the forecast's log odds: below 1 it is
    too bold; missing where the forecast is the same for all or makes no mistake.
    """
    y = kept.to_numpy(float)
    odds = special.logit(np.clip(chance, 1e-9, 1 - 1e-9))
    x = np.column_stack([np.ones(len(y)), odds - odds.mean()])
    found, _ = _logistic(x, y, np.arange(len(y)))
    return float(y.mean() - chance.mean()), float(found[1])


def traits(
    features: pd.DataFrame, kept: pd.Series, *, seed: int, n_bootstrap: int
) -> pd.DataFrame:
    """Compare those who stayed with those who left, by feature; the largest gap first.

    Returns feature, stayed and left (means), difference (in standard deviations of all)
    with low and high (95% **simultaneous**: no row leaves out the truth), together
    (log odds to stay for a standard deviation more, in the penalised model of all:
    shrunk).
    """
    x, y = features.to_numpy(float), kept.to_numpy(bool)
    filled = np.where(np.isnan(x), _medians(x), x)
    spread = np.nanstd(x, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    stayed, left = np.nanmean(x[y], axis=0), np.nanmean(x[~y], axis=0)
    difference = (stayed - left) / spread
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(n_bootstrap):
        one, other = (
            group[rng.integers(0, len(group), len(group))] for group in (x[y], x[~y])
        )
        drawn.append((np.nanmean(one, axis=0) - np.nanmean(other, axis=0)) / spread)
    error = np.std(drawn, axis=0)
    safe = np.where(error > 0, error, 1.0)
    band = np.quantile((np.abs(np.array(drawn) - difference) / safe).max(axis=1), 0.95)
    model = _penalised(_best_strength(filled, y, seed)).fit(filled, y)
    table = pd.DataFrame(
        {
            "feature": features.columns,
            "stayed": stayed,
            "left": left,
            "difference": difference,
            "low": difference - band * error,
            "high": difference + band * error,
            "together": model[-1].coef_[0],
        }
    )
    order = table["difference"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)
