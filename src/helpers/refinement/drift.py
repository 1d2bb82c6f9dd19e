"""Compare periods with limits from the data's own periods; raise alarms beyond them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from helpers.core.engines import Engine
from helpers.core.errors import BadInput

# Kinds of statistics that tell of change on either side; the others only upwards.
TWO_SIDED = ("share", "fit")
# Kinds that are compared as cube roots, in units of their own mean: an index spreads like
# a chi-square, whose cube root is nearly normal (Wilson and Hilferty 1931).
CUBE_ROOTS = ("stability index",)
FEWEST_DEGREES = 3  # with fewer degrees of freedom no limit is worth its name
PARTS = 10  # a stability index compares tenths of the customers
KEY = ["statistic", "segment_id"]


def periods(first: str, last: str, *, frequency: str) -> pd.DataFrame:
    """Cut a window into calendar periods ("Q", "M", "W" or "D", as pandas names them).

    Gives period (text such as 2025Q4), season (its part of the year, such as Q4),
    first, last (YYYY-MM-DD), days. A piece shorter than half of its period joins the
    next one. Raises BadInput if the window has no day.
    """
    days = pd.Series(pd.date_range(first, last))
    if days.empty:
        raise BadInput(
            f"The window from {first} to {last} has no day. Choose a last day after the "
            "first."
        )
    calendar = days.dt.to_period(frequency)
    whole = (calendar.dt.end_time.dt.normalize() - calendar.dt.start_time).dt.days + 1
    held = calendar.groupby(calendar).transform("size")
    named = calendar.astype(str)
    if frequency.startswith("W"):  # not by their first and last day
        named = calendar.dt.start_time.dt.strftime("%G-W%V")
    label = named.where(held >= whole / 2).ffill().bfill()
    if label.isna().any():
        label = named.iloc[-1:].repeat(len(days)).set_axis(days.index)
    table = days.groupby(label).agg(["min", "max", "size"]).reset_index()
    table.columns = ["period", "first", "last", "days"]
    table["first"] = table["first"].dt.strftime("%Y-%m-%d")
    table["last"] = table["last"].dt.strftime("%Y-%m-%d")
    table.insert(1, "season", table["period"].str[4:].str.removeprefix("-"))
    return table


def joined(training: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Put the `periods` before and after the last day of training below each other.

    A period that this day cuts in two has a first and a second part of its own name.
    """
    table = pd.concat([training, later], ignore_index=True)
    first, second = (table["period"].duplicated(keep=end) for end in ("last", "first"))
    parts = np.select([first, second], [", first part", ", second part"], "")
    return table.assign(period=table["period"] + parts)


def with_lines(con: Engine, table: pd.DataFrame, *, lines: str) -> pd.DataFrame:
    """Keep the periods of the table in which somebody ordered, by the lines' path."""
    days = con.execute(
        "select distinct ordered_at::date as day from read_parquet($lines)",
        {"lines": lines},
    ).df()["day"]
    days = pd.to_datetime(days)
    held = [days.between(row.first, row.last).any() for row in table.itertuples()]
    return table[held].reset_index(drop=True)


def _counts(values: np.ndarray, usual: np.ndarray) -> list[np.ndarray]:
    """Count both groups in the tenths of the usual one."""
    cuts = np.unique(np.nanquantile(usual, np.arange(1, PARTS) / PARTS))
    parts = [
        np.searchsorted(cuts, x[~np.isnan(x)], side="left") for x in (values, usual)
    ]
    return [np.bincount(part, minlength=len(cuts) + 1) for part in parts]


def index_of_counts(counts: np.ndarray, usual: np.ndarray) -> float:
    """Take the population stability index of customers counted in the same parts."""
    held = counts + usual > 0
    p, q = (np.asarray(one, float)[held] + 0.5 for one in (counts, usual))
    p, q = p / p.sum(), q / q.sum()
    return float(((p - q) * np.log(p / q)).sum())


def stability_indices(
    features: Mapping[str, pd.DataFrame],
    *,
    columns: Sequence[str],
    references: Sequence[str],
) -> pd.DataFrame:
    """Take the stability index of every feature in every period.

    A period is never compared with itself, nor where either has no value of a feature.
    Gives period, kind ("stability index"), statistic (the feature), segment_id (0),
    value, scale (how widely its cube root spreads in units of its mean: that of a
    chi-square with as many degrees of freedom as there are parts, less one).
    """
    rows = []
    for period, table in features.items():
        others = [features[name] for name in references if name != period]
        for column in columns if others else ():
            usual = np.concatenate([one[column].to_numpy(float) for one in others])
            if np.isnan(usual).all() or table[column].isna().all():
                continue
            counts = _counts(table[column].to_numpy(float), usual)
            value, spread = index_of_counts(*counts), _root_spread(*counts)
            rows.append((period, "stability index", column, 0, value, spread))
    return _statistics(rows)


def _root_spread(counts: np.ndarray, usual: np.ndarray) -> float:
    """Take Wilson and Hilferty's deviation over mean of a chi-square's cube root."""
    degrees = max(int((counts + usual > 0).sum()) - 1, 1)
    return float(np.sqrt(2 / (9 * degrees)) / (1 - 2 / (9 * degrees)))


def _statistics(rows: list[tuple]) -> pd.DataFrame:
    columns = ["period", "kind", "statistic", "segment_id", "value", "scale"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"segment_id": int, "value": float, "scale": float})


def assignment_statistics(
    assigned: Mapping[str, pd.DataFrame], *, segments: int
) -> pd.DataFrame:
    """Describe how a frozen model sorts the customers of each period (`Model.assign`).

    Gives period, kind, statistic, segment_id, value, scale. Kinds: share (of classified
    customers in each segment) and fit (mean distance of a segment's customers to its
    centre); scale is the standard error. Nothing where nobody could be classified.
    """
    rows = []
    for period, table in assigned.items():
        known = table[table["segment_id"] > 0]
        if known.empty:
            continue
        for segment in range(1, segments + 1):
            own = known.loc[known["segment_id"] == segment, "distance"]
            share, n = len(own) / len(known), max(len(own), 1)
            sure = _share_error(share, len(known))
            error = float(own.std() / np.sqrt(n)) if n > 1 else np.nan
            rows += [
                (period, "share", "share", segment, share, sure),
                (period, "fit", "mean distance", segment, float(own.mean()), error),
            ]
    return _statistics(rows).dropna()


def _share_error(share: float, n: int) -> float:
    """Take the standard error of a share, no smaller than that of half a customer."""
    share = min(max(share, 0.5 / n), 1 - 0.5 / n)
    return float(np.sqrt(share * (1 - share) / n))


def movement_statistics(moved: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Turn `migration.excess` into each period into statistics to be calibrated.

    Gives period, kind ("movement"), statistic ("moved beyond noise"), segment_id, value
    (the excess), scale (its error), without the row of all customers.
    """
    about = ("movement", "moved beyond noise")
    rows = [
        (period, *about, int(row.segment_id), row.excess, max(row.error, 1e-6))
        for period, table in moved.items()
        for row in table[table["segment_id"] > 0].itertuples()
    ]
    return _statistics(rows).dropna()


# --- Calibrated limits and alarms


def review(
    statistics: pd.DataFrame,
    *,
    references: Sequence[str],
    reviewed: Sequence[str],
    season: Mapping[str, str],
    alpha: float,
    reviews: int,
) -> pd.DataFrame:
    """Compare the statistics of periods with limits from the data's own periods.

    What is usual is the mean of the reference periods, of the same season where each
    season was seen twice. How far a period may stray is a prediction interval: the
    statistics of one kind share one spread, in units of their own scale.

    `statistics` has period, kind, statistic, segment_id, value, scale; `alpha` is the
    chance of any false alarm in `reviews` periods (as many as are reviewed if those are
    more) without change. It is shared equally by periods, kinds and the statistics of a
    kind (Bonferroni), and by both sides where both tell of change. Degrees of freedom
    count the statistics of a kind less one, because shares add up to one.

    Gives period, kind, statistic, segment_id, observed, usual, value (observed less
    usual; for a stability index the index itself), noise (limit of value; missing where
    the reference periods are too few for one), beyond (bool).
    """
    kinds = dict(list(statistics.groupby("kind", sort=False)))
    share = alpha / (max(reviews, len(reviewed)) * len(kinds))
    wide = {k: _wide(rows, k, references, reviewed) for k, rows in kinds.items()}
    tables = []
    for period in reviewed:
        others = [name for name in references if name != period]
        groups, own = _seasons(others, period, season)
        for kind, (values, scale) in wide.items():
            limit = _limit(values, scale, period, groups, own, share, kind)
            usual = pd.Series(_means(values[own].to_numpy()), values.index)
            found = _departure(values[period], usual, limit, kind)
            tables.append(found.assign(period=period, kind=kind))
    table = pd.concat(tables).reset_index()
    judged = ["observed", "usual", "value", "noise", "beyond"]
    return table[["period", "kind", *KEY, *judged]]


def _wide(
    rows: pd.DataFrame, kind: str, references: Sequence[str], reviewed: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spread a kind's values and scales: statistics x periods, in their order."""
    order = pd.MultiIndex.from_frame(rows[KEY].drop_duplicates())
    columns = pd.Index(dict.fromkeys([*references, *reviewed]))
    values, scale = (
        rows.pivot(index=KEY, columns="period", values=column).reindex(
            index=order, columns=columns
        )
        for column in ("value", "scale")
    )
    if kind not in CUBE_ROOTS:
        return values, scale
    roots = np.cbrt(values)
    size = np.maximum(_means(roots[list(references)].to_numpy()), 1e-9)
    return roots, scale * size[:, None]


def _limit(
    values: pd.DataFrame,
    scale: pd.DataFrame,
    period: str,
    groups: list[list[str]],
    own: list[str],
    alpha: float,
    kind: str,
) -> pd.Series:
    """Take half of the prediction interval of each statistic of a kind."""
    square, cells = 0.0, 0.0
    for names in groups:
        part, unit = values[names].to_numpy(), scale[names].to_numpy()
        square += np.nansum(((part - _means(part)[:, None]) / unit) ** 2)
        cells += (np.isfinite(part).sum(axis=1) - 1).clip(min=0).mean()
    members = len(values)
    degrees = cells * max(members - 1, 1)
    if degrees < FEWEST_DEGREES:
        return scale[period] * np.nan
    sides = 2 if kind in TWO_SIDED else 1
    times = stats.t.isf(alpha / members / sides, degrees) * np.sqrt(square / degrees)
    seen = np.isfinite(values[own].to_numpy()).sum(axis=1)
    with np.errstate(divide="ignore"):  # never seen before: no limit holds it
        return times * scale[period] * np.sqrt(1 + 1 / seen)


def _means(values: np.ndarray) -> np.ndarray:
    """Average each row over what is known of it; missing where nothing is."""
    seen = np.isfinite(values).sum(axis=1)
    return np.where(seen, np.nansum(values, axis=1) / np.maximum(seen, 1), np.nan)


def _departure(
    now: pd.Series, usual: pd.Series, limit: pd.Series, kind: str
) -> pd.DataFrame:
    """Say observed, usual, departure and limit in the units of the statistic."""
    value = now - usual
    if kind in CUBE_ROOTS:
        now, usual, limit = now**3, usual**3, (usual + limit) ** 3
        value = now
    table = pd.DataFrame({"observed": now, "usual": usual, "value": value})
    beyond = (value.abs() if kind in TWO_SIDED else value) > limit
    table = table.assign(noise=limit.replace(np.inf, np.nan), beyond=beyond)
    return table.dropna(subset="observed")


def _seasons(
    references: list[str], period: str, season: Mapping[str, str]
) -> tuple[list[list[str]], list[str]]:
    """Group the references by season, and name those that a period is compared with."""
    groups = {}
    for name in references:
        groups.setdefault(season[name], []).append(name)
    seen_twice = all(len(names) > 1 for names in groups.values())
    if seen_twice and season[period] in groups:
        return list(groups.values()), groups[season[period]]
    return [references], references


def alarms(
    reviewed: pd.DataFrame, *, names: Mapping[int, str], most: int
) -> pd.DataFrame:
    """Raise an alarm for each period in which a statistic lies beyond its limit.

    Gives period, alarm (bool), reason (text naming the `most` farthest beyond their
    limit; empty without an alarm).
    """
    rows = []
    for period, table in reviewed.groupby("period", sort=False):
        beyond = table[table["beyond"]]
        times = (beyond["value"].abs() / beyond["noise"]).sort_values(ascending=False)
        worst = beyond.loc[times.index].head(most)
        said = [_reason(row, names) for row in worst.itertuples()]
        if len(beyond) > most:
            said.append(f"{len(beyond) - most} more")
        rows.append((period, bool(len(beyond)), "; ".join(said)))
    return pd.DataFrame(rows, columns=["period", "alarm", "reason"])


def _reason(row: tuple, names: Mapping[int, str]) -> str:
    who = f" of {names[row.segment_id]}" if row.segment_id else ""
    if row.kind in CUBE_ROOTS:
        return f"{row.statistic} has index {row.value:.3f} (limit {row.noise:.3f})"
    return f"{row.statistic}{who} {row.value:+.3f} (limit {row.noise:.3f})"
