"""Predict how often customers will buy and what they will spend, and judge it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, special

from helpers.core.errors import BadInput, TooLittle
from helpers.disclosure.suppression import LARGEST
from helpers.statistics import bootstrap

WEEK = 7  # days
# A mean that Gamma-Gamma sets for all customers, over what they really spent, beyond
# which it is not believed: near q = 1 it runs away.
MAX_MEAN = 3


def purchases(
    days: pd.DataFrame, *, first: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame:
    """Sum up purchases from `first` to `last` as the models of this module read them.

    `days`: customer_id, day, sales_cents, a row a customer and day with orders. Returns
    customer_id, frequency (days with orders after the first), recency (weeks from the
    first to the last), age (weeks from the first to the end of the window), spend (mean
    sales of the repeat days with sales, currency; missing without any), paid (number of
    them).
    """
    inside = days[days["day"].between(first, last)]
    seen = inside.groupby("customer_id")["day"].agg(["min", "max", "size"])
    start = inside["customer_id"].map(seen["min"])
    repeat = inside[(inside["day"] > start) & (inside["sales_cents"] > 0)]
    spent = repeat.groupby("customer_id")["sales_cents"].agg(["mean", "size"])
    spent = spent.reindex(seen.index)
    table = {
        "frequency": seen["size"] - 1,
        "recency": (seen["max"] - seen["min"]).dt.days / WEEK,
        "age": (last - seen["min"]).dt.days / WEEK,
        "spend": spent["mean"] / 100,
        "paid": spent["size"].fillna(0).astype(int),
    }
    return pd.DataFrame(table).reset_index()


@dataclass(frozen=True)
class Rates:
    """BG/NBD: how often customers buy while alive, and how soon they stop."""

    r: float  # shape of the Gamma distribution of purchase rates
    alpha: float  # its rate, in weeks
    a: float  # of the Beta distribution of the probability to stop after a purchase
    b: float
    log_likelihood: float
    at_bounds: tuple[str, ...]  # parameters that the data do not determine
    customers: int


def fit_rates(summary: pd.DataFrame, *, bounds: tuple[float, float]) -> Rates:
    """Fit BG/NBD to `purchases` by maximum likelihood, the best of three starts.

    Without `bounds` of every parameter the fit runs away where hardly anybody stops.
    Raises TooLittle if nobody bought on two days, or no parameters fit. Fader, Hardie
    and Lee (2005), "Counting your customers" the easy way, Marketing Science 24,
    275-284, equation 6.
    """
    x, t_x, age = summary[["frequency", "recency", "age"]].to_numpy(float).T
    if (t_x > age + 1e-9).any():
        raise BadInput(
            "Purchases: a recency exceeds its age. Give purchases of one window, by "
            "value.purchases."
        )
    if not (x > 0).any():
        raise TooLittle(
            f"None of {len(x):,} customers bought on two days: no model can predict how "
            "often they will."
        )

    def loss(logs: np.ndarray) -> float:
        return -_log_likelihood(np.exp(logs), x, t_x, age) / len(x)

    found, best, stuck = _minimise(loss, ("r", "alpha", "a", "b"), bounds)
    if not np.isfinite([*found, best]).all():
        raise TooLittle("No parameters of BG/NBD fit how often customers bought.")
    return Rates(*map(float, found), -best * len(x), stuck, len(x))


def _log_likelihood(
    parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, age: np.ndarray
) -> float:
    """Sum the log likelihood of BG/NBD over customers, without leaving log space."""
    r, alpha, a, b = parameters
    bought = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
    stayed = special.betaln(a, b + x) - (r + x) * np.log(alpha + age)
    # who never bought again cannot have stopped: they stop after a purchase only
    before = np.maximum(x, 1)
    stopped = special.betaln(a + 1, b + before - 1) - (r + x) * np.log(alpha + t_x)
    either = np.where(x > 0, np.logaddexp(stayed, stopped), stayed)
    return float((bought - special.betaln(a, b) + either).sum())


def _minimise(
    loss: Callable, names: Sequence[str], bounds: tuple[float, float]
) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """Find the least loss over the logarithms of parameters; name those at a bound."""
    limits = [tuple(np.log(bounds))] * len(names)
    tries = [
        optimize.minimize(
            loss, np.full(len(names), start), method="L-BFGS-B", bounds=limits
        )
        for start in (0.0, 1.0, -1.0)
    ]
    best = min(tries, key=lambda found: found.fun)
    found = np.exp(best.x)
    stuck = (found <= bounds[0] * 1.001) | (found >= bounds[1] / 1.001)
    return found, float(best.fun), tuple(np.array(names)[stuck].tolist())


def probability_alive(rates: Rates, summary: pd.DataFrame) -> np.ndarray:
    """Say how likely each customer still buys; 1 for who never bought again.

    BG/NBD lets customers stop only after a repeat purchase. Fader, Hardie and Lee
    (2008), Computing P(alive) using the BG/NBD model.
    """
    x, t_x, age = summary[["frequency", "recency", "age"]].to_numpy(float).T
    odds = (
        np.log(rates.a)
        - np.log(rates.b + np.maximum(x, 1) - 1)
        + (rates.r + x) * np.log((rates.alpha + age) / (rates.alpha + t_x))
    )
    return np.where(x > 0, special.expit(-odds), 1.0)


def expected_purchases(
    rates: Rates, summary: pd.DataFrame, *, weeks: float
) -> np.ndarray:
    """Predict on how many days each customer will buy in `weeks`.

    Fader, Hardie and Lee (2005), equation 10; its hypergeometric term is rewritten by
    Euler's transformation, which stays finite for customers with many purchases. Raises
    TooLittle if the parameters allow no finite number.
    """
    x, _, age = summary[["frequency", "recency", "age"]].to_numpy(float).T
    # the formula divides by a - 1: at 1 itself its limit is meant
    a = rates.a if abs(rates.a - 1) > 1e-5 else 1 + 1e-5
    b, r = rates.b, rates.r
    z = weeks / (rates.alpha + age + weeks)
    series = special.hyp2f1(a - 1, a + b - 1 - r, a + b + x - 1, z)
    while_alive = (a + b + x - 1) / (a - 1) * (1 - (1 - z) ** (a - 1) * series)
    found = while_alive * probability_alive(rates, summary)
    if not np.isfinite(found).all():
        raise TooLittle(
            "BG/NBD gives no forecast: its parameters ran away from the data."
        )
    return found


def naive_purchases(summary: pd.DataFrame, *, weeks: float) -> np.ndarray:
    """Predict that each customer goes on as before: repeat purchases a week so far."""
    rate = summary["frequency"] / summary["age"].clip(lower=1)
    return (rate * weeks).to_numpy()


@dataclass(frozen=True)
class Spend:
    """Gamma-Gamma: what customers spend a purchase, whatever its number."""

    p: float  # shape of a customer's purchases
    q: float  # shape of the mix of customers
    v: float  # its scale
    at_bounds: tuple[str, ...]  # parameters that the data do not determine
    customers: int


def fit_spend(summary: pd.DataFrame, *, bounds: tuple[float, float]) -> Spend:
    """Fit Gamma-Gamma by maximum likelihood, or raise TooLittle if no parameters fit.

    Fader and Hardie (2013), The Gamma-Gamma model of monetary value, equation 1a.
    Amounts of an unusual size, such as yen, are fitted in a power of ten of the
    currency, so that the bounds hold them too.
    """
    n, mean = summary.loc[summary["paid"] > 0, ["paid", "spend"]].to_numpy(float).T
    if not len(n):
        raise TooLittle(
            f"None of {len(summary):,} customers paid for a repeat purchase: what one is "
            "worth cannot be predicted."
        )
    scale = _scale(float(np.median(mean)))
    mean = mean / scale

    def loss(logs: np.ndarray) -> float:
        p, q, v = np.exp(logs)
        each = (
            -special.betaln(p * n, q)
            + q * np.log(v)
            + (p * n - 1) * np.log(mean)
            + p * n * np.log(n)
            - (p * n + q) * np.log(n * mean + v)
        )
        return -float(each.mean())

    found, best, stuck = _minimise(loss, ("p", "q", "v"), bounds)
    if not np.isfinite([*found, best]).all():
        raise TooLittle("No parameters of Gamma-Gamma fit what customers spent.")
    p, q, v = map(float, found)
    return Spend(p, q, v * scale, stuck, len(n))


def _scale(amount: float) -> float:
    """Give the power of ten that leaves 10 to 100 of an amount outside 0.1 to 1,000."""
    if 0.1 <= amount < 1000:
        return 1.0
    return 10.0 ** (np.floor(np.log10(amount)) - 1)


def expected_spend(spend: Spend, summary: pd.DataFrame) -> np.ndarray:
    """Predict what a purchase of each customer is worth (currency).

    A mean of few purchases is drawn to the mean of all customers. Up to q = 1 the model
    has no mean, and little above it one beyond belief: then own means, and their
    average, stand in.
    """
    n = summary["paid"].to_numpy(float)
    own = summary["spend"].fillna(0).to_numpy(float)
    average = own[n > 0].mean()
    if spend.q <= 1 or spend.p * spend.v > MAX_MEAN * average * (spend.q - 1):
        return np.where(n > 0, own, average)
    weight = spend.p * n / (spend.p * n + spend.q - 1)
    return weight * own + (1 - weight) * spend.p * spend.v / (spend.q - 1)


def holdout(
    summary: pd.DataFrame,
    days: pd.DataFrame,
    *,
    rates: Rates | None,
    first: pd.Timestamp,
    last: pd.Timestamp,
) -> pd.DataFrame:
    """Set what model and naive rate predicted beside what came from `first` to `last`.

    `summary` and `rates` are of the training window. Returns customer_id, frequency,
    actual, model (if there are rates), naive: days with purchases in the later window.
    """
    later = days[days["day"].between(first, last)]
    weeks = ((last - first).days + 1) / WEEK
    counts = later.groupby("customer_id").size().reindex(summary["customer_id"])
    table = summary[["customer_id", "frequency"]]
    table = table.assign(actual=counts.fillna(0).to_numpy())
    if rates is not None:
        table["model"] = expected_purchases(rates, summary, weeks=weeks)
    return table.assign(naive=naive_purchases(summary, weeks=weeks))


def calibration(
    held: pd.DataFrame, *, edges: Sequence[int], seed: int, n_bootstrap: int
) -> pd.DataFrame:
    """Compare forecasts of `holdout` with what came, by how often customers had bought.

    Groups begin at `edges`, repeat purchases ascending from 0. Returns before (text
    such as 2-4), customers, actual with low and high (95%, bootstrap of customers),
    model (if there is one), naive: means a customer.
    """
    group = np.digitize(held["frequency"], edges) - 1
    rng = np.random.default_rng(seed)
    rows = []
    for place, part in held.groupby(group):
        top = edges[place + 1] - 1 if place + 1 < len(edges) else None
        actual = part["actual"].to_numpy()
        low, high = bootstrap.mean_interval(actual, n_bootstrap, rng)
        said = f"{edges[place]} or more" if top is None else f"{edges[place]}-{top}"
        rows.append(
            {
                "before": str(edges[place]) if top == edges[place] else said,
                "customers": len(part),
                "actual": actual.mean(),
                "low": low,
                "high": high,
            }
            | {name: part[name].mean() for name in ("model", "naive") if name in part}
        )
    return pd.DataFrame(rows)


def scores(held: pd.DataFrame, *, seed: int, n_bootstrap: int) -> pd.DataFrame:
    """Say how far each forecast of `holdout` misses, and whether the model by less.

    Returns forecast (model, naive, difference; naive alone without a model), error
    (mean absolute, days with purchases) with low and high (95%, bootstrap of
    customers), total (forecast over what came), correlation (with what came).
    """
    there = [name for name in ("model", "naive") if name in held]
    miss = {n: (held[n] - held["actual"]).abs().to_numpy() for n in there}
    if "model" in held:
        miss["difference"] = miss["model"] - miss["naive"]
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(held), (n_bootstrap, len(held)))
    rows = []
    for name, each in miss.items():
        low, high = np.quantile(each[draws].mean(axis=1), bootstrap.ENDS)
        row = {"forecast": name, "error": each.mean(), "low": low, "high": high}
        if name != "difference":
            came = held["actual"].sum()
            row["total"] = held[name].sum() / came if came else np.nan
            row["correlation"] = correlation(held[name], held["actual"])
        rows.append(row)
    return pd.DataFrame(rows)


def correlation(one: pd.Series, other: pd.Series, *, method: str = "pearson") -> float:
    """Correlate two columns; missing where one of them is the same for everybody."""
    known = one.notna() & other.notna()
    if min(one[known].nunique(), other[known].nunique()) < 2:
        return np.nan
    return float(one.corr(other, method=method))


def verdict(scores: pd.DataFrame) -> str:
    """Say what the forecasts' misses, an output of `scores`, bear.

    "no model", "worse" and "better" say themselves; "no better": no difference is seen,
    or less than half a percent; "totals": what came does not rise with the model;
    "misranks": it goes less with what came than the naive rate (by 0.01 or more);
    "barely": it misses by less, but by under a tenth.
    """
    table = scores.set_index("forecast")
    if "model" not in table.index:
        return "no model"
    gap, naive = table.loc["difference"], table.loc["naive"]
    if gap["high"] >= 0 or -gap["error"] < 0.005 * naive["error"]:
        return "worse" if gap["low"] > 0 else "no better"
    goes_with = table.loc["model", "correlation"]
    if not goes_with > 0:
        return "totals"
    if naive["correlation"] - goes_with >= 0.01:
        return "misranks"
    return "barely" if -gap["error"] < 0.1 * naive["error"] else "better"


def lifetime(
    summary: pd.DataFrame,
    *,
    rates: Rates | None,
    spend: Spend | None,
    weeks: int,
    discount: float,
) -> pd.DataFrame:
    """Predict what each customer will spend in `weeks`, discounted by a yearly rate.

    `summary` is of `purchases`; without both models there is the naive value alone.
    Returns customer_id, frequency, probability_alive, expected_purchases (days with
    purchases), expected_spend (currency a purchase), value (discounted sales, currency:
    not margin), naive_value (naive rate times own mean spend, discounted alike).
    """
    ends = np.unique(np.append(np.arange(4, weeks, 4), weeks))
    worth = (1 + discount) ** (-ends / 52)
    lengths = np.diff(ends, prepend=0)
    years = float((lengths * worth).sum())
    own = summary["spend"].fillna(0).to_numpy()
    if rates is None or spend is None:
        naive = naive_purchases(summary, weeks=years) * own
        same = {"value": naive, "naive_value": naive}
        return summary[["customer_id", "frequency"]].assign(**same)
    reached = [expected_purchases(rates, summary, weeks=float(end)) for end in ends]
    steps = np.diff(np.array(reached), axis=0, prepend=0)
    each = expected_spend(spend, summary)
    return pd.DataFrame(
        {
            "customer_id": summary["customer_id"],
            "frequency": summary["frequency"],
            "probability_alive": probability_alive(rates, summary),
            "expected_purchases": reached[-1],
            "expected_spend": each,
            "value": worth @ steps * each,
            "naive_value": naive_purchases(summary, weeks=years) * own,
        }
    )


def tenth(values: pd.Series) -> float:
    """Give the share of the sum that the tenth with the largest values holds."""
    ranked = values.sort_values(ascending=False)
    total = ranked.sum()
    return ranked.head(round(len(ranked) / 10)).sum() / total if total > 0 else np.nan


def need_value(lifetime: pd.DataFrame) -> None:
    """Raise TooLittle if nobody is predicted to spend anything."""
    if not (lifetime["value"] > 0).any():
        raise TooLittle(
            f"None of {len(lifetime):,} customers is predicted to spend anything: their "
            "repeat purchases were not paid for."
        )


def means(worth: pd.DataFrame, *, by: str, seed: int, n_bootstrap: int) -> pd.DataFrame:
    """Give the mean `lifetime` value of each group of customers.

    Returns `by`, customers, value with low and high (95%, bootstrap of customers),
    naive_value, and `suppression.LARGEST`.
    """
    rows = []
    for key, group in worth.groupby(by):
        rng = np.random.default_rng(seed)
        each = group["value"].to_numpy()
        low, high = bootstrap.mean_interval(each, n_bootstrap, rng)
        naive = group["naive_value"].mean()
        largest = np.abs(each).max() / (np.abs(each).sum() or 1)
        rows.append((key, len(each), each.mean(), low, high, naive, largest))
    columns = [by, "customers", "value", "low", "high", "naive_value", LARGEST]
    return pd.DataFrame(rows, columns=columns)
