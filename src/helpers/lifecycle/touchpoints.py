"""What follows a touchpoint: customers touched beside alike ones who were not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import distance

from helpers.core import engines
from helpers.core.engines import Engine
from helpers.core.errors import TooLittle
from helpers.statistics import intervals

EVENTS = ["touchpoint", "customer_id", "day", "at_order"]
# What is alike in a matched pair, beside the week, the segment and, for what happens in
# an order, an order in that week.
MATCHED = ("sales before", "orders before", "weeks since last order", "sales that week")
SHOWN = ["touchpoint", "customers", "matched", "alike", "difference", "low", "high"]
SHOWN += ["check", "check_low", "check_high", "verdict"]
VERDICTS = ("more", "less", "no difference seen", "not comparable")


@dataclass(frozen=True)
class Weeks:
    """Orders (days with orders) and sales (currency): customers x whole weeks."""

    customers: np.ndarray
    first: pd.Timestamp
    orders: np.ndarray
    sales: np.ndarray

    def place(self, events: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Give row and column of each event that lies inside, by customer_id and day."""
        row = pd.Index(self.customers).get_indexer(events["customer_id"])
        column = ((events["day"] - self.first).dt.days // 7).to_numpy()
        inside = (row >= 0) & (column >= 0) & (column < self.orders.shape[1])
        return row[inside], column[inside]


def weeks(
    days: pd.DataFrame,
    *,
    customers: Sequence[str],
    first: pd.Timestamp,
    last: pd.Timestamp,
) -> Weeks:
    """Count `lifecycle_stages.order_days` and sales by customer and whole week."""
    n = ((last - first).days + 1) // 7
    orders, sales = np.zeros((2, len(customers), n))
    table = Weeks(np.asarray(customers), first, orders, sales)
    known = days[days["customer_id"].isin(customers)]
    known = known[known["day"].between(first, first + pd.Timedelta(days=7 * n - 1))]
    place = table.place(known)
    np.add.at(orders, place, 1)
    np.add.at(sales, place, known["sales_cents"].to_numpy() / 100)
    return table


def in_orders(
    con: Engine, *, lines: str, products: str, needs: Sequence[str]
) -> pd.DataFrame:
    """List touchpoints in orders: coupon, mailer, display, first purchase of `needs`.

    Of the marks, those that lines (a path, as products) has are used. Returns
    touchpoint, customer_id, day, at_order (True), once a day.
    """
    known = engines.columns(lines)
    marks = {
        "coupon": ("coupon_cents", "bool_or(coupon_cents > 0)"),
        "mailer": ("on_mailer", "bool_or(on_mailer)"),
        "display": ("on_display", "bool_or(on_display)"),
    }
    there = {name: mark for name, (column, mark) in marks.items() if column in known}
    flags = ", ".join(f"{mark} as {name}" for name, mark in there.items())
    days = con.execute(
        "select customer_id, ordered_at::date as day, need_state"
        f"{', ' + flags if flags else ''} from read_parquet($lines) "
        "join read_parquet($products) using (product_id) group by 1, 2, 3",
        {"lines": lines, "products": products},
    ).df()
    days["day"] = pd.to_datetime(days["day"])
    parts = [days[days[name]].assign(touchpoint=name) for name in there]
    entered = days[days["need_state"].isin(needs)]
    parts.append(entered.assign(touchpoint="need: " + entered["need_state"]))
    found = pd.concat(parts, ignore_index=True)[EVENTS[:3]].drop_duplicates()
    return found.assign(at_order=True).reset_index(drop=True)


def outside_orders(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """List touchpoints that happen beside orders, from the tables that a run has.

    These are, by name, campaigns with contacts, interactions, surveys and contracts; a
    contract that follows another is a renewal. Returns touchpoint, customer_id, day,
    at_order (False), once a day.
    """
    parts = []
    if {"campaigns", "contacts"} <= set(tables):
        starts = tables["campaigns"][["campaign_id", "starts_on"]]
        sent = tables["contacts"].merge(starts, on="campaign_id", validate="m:1")
        kept = sent["arm"] != "control" if "arm" in sent else slice(None)
        parts.append(_events("campaign contact", sent[kept], "starts_on"))
    if "interactions" in tables:
        for kind, group in tables["interactions"].groupby("kind"):
            parts.append(_events(str(kind), group, "happened_at"))
    if "surveys" in tables:
        parts.append(_events("survey", tables["surveys"], "answered_on"))
    if "contracts" in tables:
        ordered = tables["contracts"].sort_values(["customer_id", "starts_on"])
        follows = ordered.groupby("customer_id").cumcount() > 0
        parts.append(_events("contract renewal", ordered[follows], "starts_on"))
    if not parts:
        none = pd.DataFrame(columns=EVENTS)
        return none.astype({"day": "datetime64[us]", "at_order": bool})
    return pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)


def _events(name: str, rows: pd.DataFrame, moment: str) -> pd.DataFrame:
    days = rows[moment].dt.normalize()
    return rows.assign(touchpoint=name, day=days, at_order=False)[EVENTS]


def episodes(
    events: pd.DataFrame, weeks: Weeks, *, quiet: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mark, by customer and week, who is touched after `quiet` weeks, and who is not.

    The first `quiet` weeks have neither mark.
    """
    touched = np.zeros(weeks.orders.shape, dtype=bool)
    touched[weeks.place(events)] = True
    so_far = np.cumsum(touched, axis=1)
    before = np.zeros_like(so_far)
    before[:, 1:] = so_far[:, :-1]
    recent = before.copy()
    recent[:, quiet:] -= before[:, :-quiet]
    calm = recent == 0
    calm[:, :quiet] = False
    return touched & calm, ~touched & calm


@dataclass(frozen=True)
class Match:
    """How pairs are made."""

    look_back: int  # weeks before the touchpoint that must be alike
    follow: int  # weeks after it that are compared
    controls: int  # nearest customers each touched one is compared with
    caliper: float  # largest distance, in standard deviations of all matched columns


def pairs(
    touched: np.ndarray,
    untouched: np.ndarray,
    state: Mapping[str, np.ndarray],
    *,
    segments: np.ndarray,
    at_order: bool,
    match: Match,
) -> pd.DataFrame:
    """Set each touched customer beside the alike ones of the same week and segment.

    At an order all compared ordered that week, and the week's sales are matched too.
    Gives customer and others (rows; -1 for none), week, and of each outcome and each of
    `MATCHED` the touched one's and the others' mean, suffixed _touched and _alike; of
    outcomes also the variance among the others, suffixed _spread.
    """
    scale = [np.std(state[name]) or 1.0 for name in MATCHED]
    used = MATCHED if at_order else MATCHED[:-1]
    parts = []
    for week in range(touched.shape[1]):
        ordered = state["ordered"][:, week] if at_order else True
        points = np.column_stack(
            [state[name][:, week] / s for name, s in zip(used, scale, strict=False)]
        )
        for segment in np.unique(segments[touched[:, week]]):
            same = (segments == segment) & ordered
            ours = np.flatnonzero(touched[:, week] & same)
            others = np.flatnonzero(untouched[:, week] & same)
            if len(ours) and len(others) >= match.controls:
                found, close = _nearest(points[ours], points[others], match)
                parts.append((ours, np.full(len(ours), week), others[found], close))
    if not parts:
        return pd.DataFrame(columns=["customer", "week", "others"])
    return _beside(state, *map(np.concatenate, zip(*parts, strict=True)))


def _nearest(
    ours: np.ndarray, others: np.ndarray, match: Match
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest others of each of ours, and say which lie within the caliper."""
    apart = distance.cdist(ours, others)
    # equally near ones are taken in their order, on any machine
    ranked = apart + np.arange(len(others)) * 1e-9
    nearest = np.argpartition(ranked, match.controls - 1, axis=1)[:, : match.controls]
    return nearest, np.take_along_axis(apart, nearest, axis=1) <= match.caliper


_COMPARED = ("sales", "orders", "earlier")


def state(weeks: Weeks, match: Match) -> dict[str, np.ndarray]:
    """Say, for each customer and week, what lies before and after it.

    sales and orders are of the `follow` weeks after; earlier: sales before the weeks
    matched on; matched columns are logarithms of one more.
    """
    back, follow = match.look_back, match.follow
    n = weeks.orders.shape[1]
    had = weeks.orders > 0
    last = np.maximum.accumulate(np.where(had, np.arange(n), -1), axis=1)
    last = np.concatenate([np.full((len(had), 1), -1), last[:, :-1]], axis=1)
    since = np.minimum(np.arange(n) - last, 2 * back)
    return {
        "ordered": had,
        "seen": last >= 0,
        "sales": _window(weeks.sales, 1, follow),
        "orders": _window(weeks.orders, 1, follow),
        "earlier": _window(weeks.sales, -2 * back, back),
        "sales before": np.log1p(np.maximum(_window(weeks.sales, -back, back), 0)),
        "orders before": np.log1p(_window(weeks.orders, -back, back)),
        "weeks since last order": np.log1p(since),
        "sales that week": np.log1p(np.maximum(weeks.sales, 0)),
    }


def _window(values: np.ndarray, offset: int, length: int) -> np.ndarray:
    """Sum `length` weeks that begin `offset` weeks from each week; outside is 0."""
    n = values.shape[1]
    sums = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)
    start = np.clip(np.arange(n) + offset, 0, n)
    stop = np.clip(np.arange(n) + offset + length, 0, n)
    return sums[:, stop] - sums[:, start]


def _beside(
    state: Mapping[str, np.ndarray],
    ours: np.ndarray,
    week: np.ndarray,
    others: np.ndarray,
    close: np.ndarray,
) -> pd.DataFrame:
    """Write the pairs; touched ones without an alike one are left out."""
    keep = close.any(axis=1)
    ours, week, others, close = (part[keep] for part in (ours, week, others, close))
    n = close.sum(axis=1)
    table = {"customer": ours, "week": week}
    for name in (*_COMPARED, *MATCHED):
        beside = state[name][others, week[:, None]]
        means = (beside * close).sum(axis=1) / n
        table |= {f"{name}_touched": state[name][ours, week], f"{name}_alike": means}
        if name in _COMPARED:
            off = ((beside - means[:, None]) ** 2 * close).sum(axis=1)
            table[f"{name}_spread"] = np.divide(
                off, n - 1, out=np.full(len(n), np.nan), where=n > 1
            )
    return pd.DataFrame(table).assign(others=list(np.where(close, others, -1)))


def differences(pairs: pd.DataFrame, *, touchpoint: str, touches: int) -> pd.DataFrame:
    """Say how much more touched customers did than the alike ones.

    The error counts the touches of one customer as one draw, and adds what comes of
    comparing several touches with the same customer: Abadie and Imbens (2006), Large
    sample properties of matching estimators, theorem 7. Columns as `follow` gives them.
    """
    rows = []
    for name, said in zip(_COMPARED, ("sales", "orders", "earlier sales"), strict=True):
        touched, alike = pairs[f"{name}_touched"], pairs[f"{name}_alike"]
        gap = (touched - alike).to_numpy(float)
        error = np.sqrt(_own(gap, pairs["customer"]) + _reused(pairs, name))
        found = intervals.tested(gap.mean(), error, alpha=0.05)
        rows.append(
            {
                "touchpoint": touchpoint,
                "outcome": said,
                "customers": pairs["customer"].nunique(),
                "touches": touches,
                "matched": len(pairs) / touches,
                "touched": touched.mean(),
                "alike": alike.mean(),
                "difference": found["effect"],
                **{name: found[name] for name in ("low", "high", "p")},
                "imbalance": _imbalance(pairs),
            }
        )
    return pd.DataFrame(rows)


def _own(gap: np.ndarray, customers: pd.Series) -> float:
    """Give the variance of a mean whose rows of one customer go together."""
    sums = pd.Series(gap - gap.mean()).groupby(customers.to_numpy()).sum()
    n = len(sums)
    return float((sums**2).sum() / len(gap) ** 2 * n / max(n - 1, 1))


def _reused(pairs: pd.DataFrame, name: str) -> float:
    """Give the variance that comes of customers who are compared more than once."""
    others = np.stack(pairs["others"].to_numpy())
    used = others >= 0
    weight = np.repeat(1 / used.sum(axis=1), used.sum(axis=1))
    spread = np.repeat(pairs[f"{name}_spread"].to_numpy(float), used.sum(axis=1))
    each = pd.DataFrame({"w": weight, "w2": weight**2, "v": spread})
    each = each.groupby(others[used]).agg({"w": "sum", "w2": "sum", "v": "mean"})
    more = (each["w"] ** 2 - each["w2"]) * each["v"].fillna(each["v"].mean())
    return float(np.nansum(more) / len(pairs) ** 2)


def _imbalance(pairs: pd.DataFrame) -> float:
    found = []
    for name in MATCHED:
        gap = pairs[f"{name}_touched"] - pairs[f"{name}_alike"]
        found.append(abs(gap.mean()) / (pairs[f"{name}_touched"].std() or 1.0))
    return float(np.nanmax(found))


def follow(
    events: pd.DataFrame,
    weeks: Weeks,
    *,
    segments: np.ndarray,
    quiet: int,
    match: Match,
    least: int,
) -> pd.DataFrame:
    """Compare what follows each touchpoint with what alike customers did.

    `events`: touchpoint, customer_id, day, at_order; each counts after `quiet` weeks
    without it, and where `least` touched customers, with an order before, have an alike
    one in their segment. Returns touchpoint, outcome (sales: currency; orders: days;
    earlier sales: a check), customers, touches, matched (share with an alike one),
    touched and alike (means), difference with low and high (95%) and p, imbalance
    (largest difference left in a matched column, in standard deviations), p_adjusted
    (Holm, all but the check). Raises TooLittle without any.

    Stuart (2010), Matching methods for causal inference; Holm (1979), A simple
    sequentially rejective multiple test procedure.
    """
    seen, needed = weeks.orders.shape[1], 2 * match.look_back + match.follow
    if match.look_back < 1 or seen <= needed:
        raise TooLittle(
            f"What follows a touchpoint needs more than {max(needed, 5)} weeks of data, "
            f"before it and after (found: {seen})."
        )
    if events.empty:
        raise TooLittle("No contact is known: nothing can be said to follow one.")
    known = state(weeks, match)
    parts = []
    for (name, at_order), group in events.groupby(["touchpoint", "at_order"]):
        touched, untouched = episodes(group, weeks, quiet=quiet)
        touched &= known["seen"]
        untouched &= known["seen"]
        touched[:, : 2 * match.look_back] = False
        touched[:, weeks.orders.shape[1] - match.follow :] = False
        found = pairs(
            touched, untouched, known, segments=segments, at_order=at_order, match=match
        )
        if found["customer"].nunique() < least:
            continue
        about = {"touchpoint": str(name), "touches": int(touched.sum())}
        parts.append(differences(found, **about))
    if not parts:
        raise TooLittle(
            f"No contact has {least} customers with similar ones to compare: nothing can "
            "be said to follow one."
        )
    table = pd.concat(parts, ignore_index=True)
    judged = table["outcome"] != "earlier sales"
    table["p_adjusted"] = np.nan
    table.loc[judged, "p_adjusted"] = intervals.adjusted(
        table.loc[judged, "p"], method="holm"
    )
    return table


def verdicts(table: pd.DataFrame, *, alpha: float, max_imbalance: float) -> pd.Series:
    """Say what each difference of `follow` may be called, by rules set beforehand.

    Empty for the check itself; "not comparable" where imbalance exceeds
    `max_imbalance`, or the check finds earlier sales apart (its interval leaves out
    0); else "more" or "less" where p_adjusted is at most alpha; else "no difference
    seen".
    """
    check = table[table["outcome"] == "earlier sales"].set_index("touchpoint")
    moved = (check["low"] > 0) | (check["high"] < 0)
    apart = moved | (check["imbalance"] > max_imbalance)
    said = np.select(
        [
            table["outcome"] == "earlier sales",
            table["touchpoint"].map(apart).astype(bool),
            table["p_adjusted"] > alpha,
            table["difference"] > 0,
        ],
        ["", "not comparable", "no difference seen", "more"],
        "less",
    )
    return pd.Series(said, index=table.index, name="verdict")


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Sort what follows in sales by its verdict, the largest difference first.

    `table` is of `follow`, with the verdict of `verdicts`; check, check_low and
    check_high, the difference in earlier sales, are set beside it.
    """
    ends = ["difference", "low", "high"]
    checks = table[table["outcome"] == "earlier sales"].set_index("touchpoint")[ends]
    checks.columns = ["check", "check_low", "check_high"]
    sales = table[table["outcome"] == "sales"].join(checks, on="touchpoint")
    names = sales["touchpoint"].str.replace("_", " ").str.slice(0, 60)
    sales = sales.assign(rank=sales["verdict"].map(VERDICTS.index), touchpoint=names)
    return sales.sort_values(
        ["rank", "difference"], ascending=[True, False], ignore_index=True
    )
