"""Estimate rates and their differences by group, each customer counted as one draw."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import optimize, stats

from helpers.core.errors import BadInput


def proportions(
    rows: pd.DataFrame, *, value: str, by: Sequence[str], alpha: float
) -> pd.DataFrame:
    """Estimate a share in each group, when a customer can have several rows.

    `rows` have customer_id, the columns of `by`, and the value (bool), one row a trial.
    Gives `by`, trials, customers, successes, rate, low, high: Wilson's (1927) interval
    at the effective number of trials, which the spread between customers gives and
    which never exceeds the trials (Korn and Graubard, 1998, Confidence intervals for
    proportions with small expected number of positive counts estimated from survey
    data).
    """
    keys = list(by)
    rows = rows.assign(outcome=rows[value].astype(float))
    each = rows.groupby([*keys, "customer_id"])["outcome"].agg(["sum", "size"])
    table = each.groupby(keys).agg(
        trials=("size", "sum"), customers=("size", "size"), successes=("sum", "sum")
    )
    table["rate"] = table["successes"] / table["trials"]
    columns = ["rate", "trials", "customers"]
    rate, trials, customers = (table[name].to_numpy(float) for name in columns)
    # every customer's distance from what the rate of the group foretells for them
    off = each["sum"] - each["size"] * table["rate"]
    spread = off.pow(2).groupby(keys).sum().reindex(table.index).to_numpy()
    variance = spread * customers / np.maximum(customers - 1, 1) / trials**2
    sized = {"out": customers.copy(), "where": variance > 0}
    effective = np.minimum(np.divide(rate * (1 - rate), variance, **sized), trials)
    table["low"], table["high"] = wilson(rate, effective, alpha=alpha)
    return table.astype({"successes": "int64"}).reset_index()


def wilson(
    share: np.ndarray | float, trials: np.ndarray | float, *, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """Give Wilson's (1927) interval of a share of trials; missing without a trial."""
    z, trials = _z(alpha), np.asarray(trials, dtype=float)
    trials = np.where(trials > 0, trials, np.nan)
    middle = (share + z**2 / 2 / trials) / (1 + z**2 / trials)
    half = np.sqrt(share * (1 - share) / trials + z**2 / 4 / trials**2)
    half = half * z / (1 + z**2 / trials)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def lifts(
    counts: pd.DataFrame, totals: pd.Series, *, groups: pd.Series, alpha: float
) -> pd.DataFrame:
    """Compare each group's rates with those of all customers.

    `counts` are customers x items: how often, or how much; `totals` what they are
    divided by, such as orders. Gives group, item, customers (of the group, with a
    count), rate (counts over totals), overall (the same for all), lift (rate over
    overall), error (standard error of the lift's logarithm), low, high. The interval is
    that of a ratio linearised by customer; it is missing where the group has none.
    """
    if not (counts.index.equals(totals.index) and counts.index.equals(groups.index)):
        raise BadInput(
            "Table counts: its rows are not those of totals and groups. Give all three "
            "one row a customer, in the same order."
        )
    if (counts.sum() <= 0).any():
        none = counts.columns[counts.sum() <= 0][0]
        raise BadInput(
            f"Table counts: column {none!r} is 0 for every customer. Leave it out: "
            "nothing can be compared with a rate of 0."
        )
    x, y = counts.to_numpy(float), totals.to_numpy(float)[:, None]
    overall = x.sum(axis=0) / y.sum()
    # what one customer more would change in the logarithm of the overall rate
    pull = (x - overall * y) / x.sum(axis=0)
    parts = []
    for name in sorted(groups.unique()):
        inside = (groups == name).to_numpy()[:, None]
        held = (x * inside).sum(axis=0)
        rate = held / (y * inside).sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            own = inside * (x - rate * y) / held
        error = np.sqrt(((own - pull) ** 2).sum(axis=0))
        part = {
            "group": name,
            "item": counts.columns,
            "customers": ((x > 0) & inside).sum(axis=0),
            "rate": rate,
            "overall": overall,
            "lift": rate / overall,
            "error": np.where(held > 0, error, np.nan),
        }
        parts.append(pd.DataFrame(part))
    table = pd.concat(parts, ignore_index=True)
    reach = np.exp(_z(alpha) * table["error"])
    return table.assign(low=table["lift"] / reach, high=table["lift"] * reach)


def shrink(
    values: np.ndarray, errors: np.ndarray, *, centre: float | None
) -> pd.DataFrame:
    """Pull noisy estimates towards their centre by as much as they look like noise.

    Without a `centre` it is the mean that fits best. Gives shrunk, error (of the shrunk
    value), kept (share of the distance from the centre that is kept, 0 to 1). Efron and
    Morris (1973), empirical Bayes for normal means; the spread of the true values is
    found by maximum likelihood.
    """
    values, errors = np.asarray(values, float), np.asarray(errors, float)
    squares = errors**2

    def mean(spread: float) -> float:
        if centre is not None:
            return centre
        return np.average(values, weights=1 / (squares + spread))

    def misfit(spread: float) -> float:
        whole = squares + spread
        return float(np.sum(np.log(whole) + (values - mean(spread)) ** 2 / whole))

    top = max(float(np.max((values - mean(0.0)) ** 2)), 1e-12)
    found = optimize.minimize_scalar(
        misfit, bounds=(0, top), method="bounded", options={"xatol": top * 1e-9}
    )
    spread = found.x if found.fun < misfit(0.0) else 0.0
    kept = spread / (spread + squares)
    shrunk = mean(spread) + kept * (values - mean(spread))
    return pd.DataFrame(
        {"shrunk": shrunk, "error": np.sqrt(kept) * errors, "kept": kept}
    )


def adjusted(p: Sequence[float], *, method: str) -> np.ndarray:
    """Raise p-values, to at most 1, by the number of comparisons that were made.

    The method is holm: chance of a single false claim (Holm, 1979); or
    benjamini-hochberg: share of false claims (Benjamini and Hochberg, 1995). Another
    raises BadInput.
    """
    values = np.asarray(p, float)
    if not len(values):
        return values
    if method == "benjamini-hochberg":
        return stats.false_discovery_control(values, method="bh")
    if method != "holm":
        raise BadInput(
            f"method must be holm or benjamini-hochberg, but {method!r} was passed."
        )
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    raised = np.empty_like(values)
    raised[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return raised


def together(
    table: pd.DataFrame, *, family: Sequence | pd.Series, alpha: float, method: str
) -> pd.DataFrame:
    """Hold the intervals and p-values of each family of comparisons to one chance of error.

    `table` has effect, error and p; all intervals of a family hold the truth at once
    with the confidence `alpha`. Adds low and high (Bonferroni's) and p_adjusted (as of
    `adjusted`; missing where p is).
    """

    def raised(p: pd.Series) -> pd.Series:
        known = p.dropna()
        return pd.Series(adjusted(known, method=method), known.index).reindex(p.index)

    groups = table["p"].groupby(np.asarray(family))
    many = groups.transform("count").clip(lower=1)
    reach = stats.norm.isf(alpha / 2 / many) * table["error"]
    low, high = table["effect"] - reach, table["effect"] + reach
    return table.assign(low=low, high=high, p_adjusted=groups.transform(raised))


def difference(
    rows: pd.DataFrame, *, value: str, strata: Sequence[str], alpha: float
) -> dict[str, float]:
    """Compare treated with control rows inside strata, each customer as one draw.

    `rows` have customer_id, treated (bool), the value (number or bool) and the strata
    in which the arms were drawn, such as the campaign. Gives effect (treated minus
    control), error, low, high, p (two-sided), treated and control (rows). Strata weigh
    as their arms allow (Mantel and Haenszel); one with a single arm is left out. All is
    missing where no stratum has both arms.
    """
    y = rows[value].to_numpy(float)
    arm = rows["treated"].to_numpy(bool)
    stratum = _codes(rows[list(strata)]) if strata else np.zeros(len(rows), int)
    size = np.bincount(stratum).astype(float)
    met = np.bincount(stratum, arm)
    both = ((met > 0) & (met < size))[stratum]
    counts = {"treated": int((both & arm).sum()), "control": int((both & ~arm).sum())}
    if not both.any():
        missing = dict.fromkeys(["effect", "error", "low", "high", "p"], np.nan)
        return missing | counts
    y, arm, stratum = y[both], arm[both], stratum[both]
    # rows in the own arm of the own stratum, and their mean
    cell = 2 * stratum + arm
    own = np.bincount(cell)[cell]
    mean = (np.bincount(cell, y) / np.maximum(np.bincount(cell), 1))[cell]
    # of each row in its stratum's difference, times the stratum's weight
    weight = (met * (size - met) / size)[stratum] * np.where(arm, 1, -1) / own
    weight = weight / weight[arm].sum()
    # of few rows a mean is too near to its own rows
    pulls = weight * (y - mean) * np.sqrt(own / np.maximum(own - 1, 1))
    customer = _codes(rows.loc[both, ["customer_id"]])
    error = float(np.sqrt((np.bincount(customer, pulls) ** 2).sum()))
    return tested(float(weight @ y), error, alpha=alpha) | counts


def _codes(keys: pd.DataFrame) -> np.ndarray:
    return keys.groupby(list(keys), sort=False).ngroup().to_numpy()


def tested(effect: float, error: float, *, alpha: float) -> dict[str, float]:
    """Give an effect with its error, normal interval (low, high) and two-sided p.

    Without spread p is 1 for no effect, else 0.
    """
    reach = _z(alpha) * error
    score = abs(effect) / error if error > 0 else (np.inf if effect else 0.0)
    ends = {"low": effect - reach, "high": effect + reach}
    p = float(2 * stats.norm.sf(score))
    return {"effect": effect, "error": error} | ends | {"p": p}


def _z(alpha: float) -> float:
    return float(stats.norm.ppf(1 - alpha / 2))
