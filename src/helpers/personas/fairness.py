"""Hold segments against attributes that did not build them, and never fill in unknowns."""

import numpy as np
import pandas as pd
from scipy import optimize, stats

from helpers.core.errors import TooLittle
from helpers.disclosure.suppression import MIN_CELL
from helpers.statistics import intervals


def attribute_shares(
    customers: pd.DataFrame, assigned: pd.DataFrame, *, attributes: list[str]
) -> pd.DataFrame:
    """Compare the known attributes of each segment's customers with all known ones.

    Attributes have few levels, missing where unknown. Returns segment_id, attribute,
    level, known (customers of the segment), count, share of the known with low and high
    (95% simultaneous: Wilson's at Bonferroni's level for all rows), everyone (share).
    """
    table = assigned[["customer_id", "segment_id"]].merge(
        customers, on="customer_id", validate="one_to_one"
    )
    rows = []
    for attribute in attributes:
        known = table.dropna(subset=[attribute])
        counts = pd.crosstab(known["segment_id"], known[attribute])
        everyone = counts.sum() / counts.to_numpy().sum()
        for (segment_id, level), count in counts.stack().items():
            size = counts.loc[segment_id].sum()
            row = (segment_id, attribute, level, size, count, count / size)
            rows.append((*row, everyone[level]))
    names = ["segment_id", "attribute", "level", "known", "count", "share", "everyone"]
    shares = pd.DataFrame(rows, columns=names)
    alpha = 0.05 / max(len(shares), 1)
    low, high = intervals.wilson(shares["share"], shares["known"], alpha=alpha)
    return shares.assign(low=low, high=high)


def need_attributes(attributes: list[str]) -> None:
    """Raise TooLittle where a run has no attributes of customers."""
    if not attributes:
        raise TooLittle(
            "This run has no attributes of customers: this part needs them in table customers."
        )


def distinct_attributes(shares: pd.DataFrame) -> pd.DataFrame:
    """Keep `attribute_shares` whose interval leaves out everyone's, largest gap first.

    Rows that must not be shown are to be left out before; gap is added.
    """
    apart = shares[
        (shares["low"] > shares["everyone"]) | (shares["high"] < shares["everyone"])
    ]
    gap = (apart["share"] - apart["everyone"]).abs()
    return apart.assign(gap=gap).sort_values(
        ["segment_id", "gap"], ascending=[True, False], ignore_index=True
    )


def association(
    customers: pd.DataFrame, assigned: pd.DataFrame, *, attributes: list[str]
) -> pd.DataFrame:
    """Measure how far attributes and segments go together, 0 (not at all) to 1.

    Returns, for attributes of two levels or more, attribute, known (customers),
    coverage (their share), cramers_v (bias-corrected) with low and high (95%), p
    (chi-square test).
    """
    table = assigned[["customer_id", "segment_id"]].merge(
        customers, on="customer_id", validate="one_to_one"
    )
    rows = []
    for attribute in attributes:
        known = table.dropna(subset=[attribute])
        counts = pd.crosstab(known[attribute], known["segment_id"]).to_numpy()
        # All alike, or hardly anybody known: nothing to go together with.
        if min(counts.shape) < 2 or len(known) < MIN_CELL:
            continue
        coverage = len(known) / len(table)
        measured = (cramers_v(counts), *cramers_v_interval(counts))
        p = stats.chi2_contingency(counts, correction=False).pvalue
        rows.append((attribute, len(known), coverage, *measured, p))
    columns = ["attribute", "known", "coverage", "cramers_v", "low", "high", "p"]
    return pd.DataFrame(rows, columns=columns)


def cramers_v(counts: np.ndarray) -> float:
    """Return the bias-corrected Cramér's V of a cross table.

    Bergsma (2013), A bias-correction for Cramér's V and Tschuprow's T.
    """
    n, (r, c) = counts.sum(), counts.shape
    phi2 = stats.chi2_contingency(counts, correction=False).statistic / n
    return _scaled(max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1)), counts)


def cramers_v_interval(counts: np.ndarray) -> tuple[float, float]:
    """Return the 95% interval of Cramér's V of a table without empty rows or columns.

    Its ends are the noncentralities under which the chi-square found is at its 97.5 %
    and 2.5 % quantile; 0 where none is small enough. Smithson (2003), Confidence
    intervals, chapter 4.
    """
    chi2 = stats.chi2_contingency(counts, correction=False)

    def gap(noncentrality: float, level: float) -> float:
        return stats.ncx2.cdf(chi2.statistic, chi2.dof, noncentrality) - level

    limits = []
    for level in (0.975, 0.025):
        if stats.chi2.cdf(chi2.statistic, chi2.dof) <= level:
            limits.append(0.0)
            continue
        most = 4 * chi2.statistic + 100
        limits.append(optimize.brentq(gap, 0, most, args=(level,)))
    low, high = (_scaled(limit / counts.sum(), counts) for limit in limits)
    return low, min(high, 1.0)


def _scaled(phi2: float, counts: np.ndarray) -> float:
    """Turn a corrected squared association into V by Bergsma's corrected sizes."""
    n = counts.sum()
    sizes = [size - (size - 1) ** 2 / (n - 1) for size in counts.shape]
    return float(np.sqrt(phi2 / (min(sizes) - 1)))


def coverage_by_value(
    customers: pd.DataFrame, features: pd.DataFrame, *, attributes: list[str]
) -> pd.DataFrame:
    """Show whom the attributes cover (any is known), by fifths of sales, ascending.

    Returns fifths (such as "1 to 2"), customers, median_sales (currency), coverage (0
    to 1). A fifth with fewer than `MIN_CELL` covered, or not covered, is shown with the
    next.
    """
    table = features[["customer_id", "sales"]].merge(
        customers, on="customer_id", validate="one_to_one"
    )
    table["covered"] = table[attributes].notna().any(axis=1)
    fifth = pd.qcut(table["sales"].fillna(0).rank(method="first"), 5, labels=False) + 1
    groups: list[list[int]] = []
    waiting: list[int] = []
    for number in range(1, 6):
        waiting.append(number)
        if not _too_few(table.loc[fifth.isin(waiting), "covered"]):
            groups.append(waiting)
            waiting = []
    if waiting:  # the last ones join those before them
        groups = [*groups[:-1], [*(groups[-1] if groups else []), *waiting]]
    rows = []
    for group in groups:
        own = table[fifth.isin(group)]
        said = f"{group[0]} to {group[-1]}" if len(group) > 1 else str(group[0])
        rows.append((said, len(own), own["sales"].median(), own["covered"].mean()))
    return pd.DataFrame(
        rows, columns=["fifths", "customers", "median_sales", "coverage"]
    )


def favours(covered: pd.DataFrame) -> str:
    """Say for whom, by `coverage_by_value`, attributes are known more often.

    better or lesser, where the 95% intervals (Wilson) of those with the most and the
    least sales are apart; else empty.
    """
    least, most = (
        intervals.wilson(row["coverage"], int(row["customers"]), alpha=0.05)
        for _, row in covered.iloc[[0, -1]].iterrows()
    )
    if most[0] > least[1]:
        return "better"
    return "lesser" if most[1] < least[0] else ""


def _too_few(covered: pd.Series) -> bool:
    return any(0 < count < MIN_CELL for count in (covered.sum(), (~covered).sum()))
