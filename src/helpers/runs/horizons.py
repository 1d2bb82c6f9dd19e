"""Fit windows and limits to a run's own length and purchases where the run file sets none."""

from dataclasses import asdict, dataclass
from typing import ClassVar

import pandas as pd

from helpers.core.engines import Engine
from helpers.runs.run_file import AUTO

HOLDOUT = 0.25  # part of the days that is kept to judge by
# Length of a period, and the days of data that make it worth looking at: three of each.
PERIODS = {"Q": 276, "M": 93, "W": 21, "D": 0}


def covered(con: Engine, lines: str) -> tuple[object, object]:
    """Read the first and the last day that a file of lines covers."""
    return con.execute(
        "select min(ordered_at)::date, max(ordered_at)::date from read_parquet(?)",
        [lines],
    ).fetchall()[0]


def windows(
    first: object, last: object, *, given: tuple[str, str, str] = (AUTO,) * 3
) -> tuple[str, str, str]:
    """Cut the days with lines into a training and a later window of a quarter of them.

    `given` and returned are the first and last day of training and the last of the
    later window (YYYY-MM-DD, or "auto"). Of fewer than four days none is kept.
    """
    start, end = (
        pd.Timestamp(fitted(day, own)).normalize()
        for day, own in ((given[0], first), (given[2], last))
    )
    later = int(((end - start).days + 1) * HOLDOUT)
    split = pd.Timestamp(fitted(given[1], end - pd.Timedelta(days=later)))
    return tuple(f"{day:%Y-%m-%d}" for day in (start, split, end))


def fitted(given: object, own: object) -> object:
    """Take what the run file gives, or the run's own value where it says "auto"."""
    return own if given == AUTO else given


@dataclass(frozen=True)
class BuyingPattern:
    """How long a run's data are, how often customers buy, and for how much."""

    train_days: int
    holdout_days: int
    # median over customers of their mean days between days with orders; None if
    # nobody ordered on two days
    inter_purchase_days: float | None
    order_value: float  # median sales of an order (currency), at least a cent
    order_lines: float  # mean lines of an order
    min_orders: ClassVar[int] = 3  # that make a mix of needs worth reading

    @classmethod
    def of(
        cls, features: pd.DataFrame, *, first: str, last: str, later: str
    ) -> "BuyingPattern":
        """Read it from the feature table and the days of its windows, YYYY-MM-DD."""
        start, end, until = map(pd.Timestamp, (first, last, later))
        gap = features["gap_mean_days"].median()
        value = features["sales_per_order"].median()
        return cls(
            train_days=(end - start).days + 1,
            holdout_days=(until - end).days,
            inter_purchase_days=None if pd.isna(gap) else float(gap),
            order_value=0.01 if pd.isna(value) else max(round(float(value), 2), 0.01),
            order_lines=float(
                features["lines"].sum() / max(features["orders"].sum(), 1)
            ),
        )

    def to_dict(self) -> dict:
        """Return it as plain data for JSON."""
        return asdict(self)

    @property
    def days(self) -> int:
        """Length of both windows together, days."""
        return self.train_days + self.holdout_days

    @property
    def min_lines(self) -> int:
        """Lines that do; where an order is a line or two, its orders say it alone."""
        return 10 if self.order_lines >= 2 else 0

    @property
    def one_line(self) -> bool:
        """Whether every order is one line, so that lines say no more than orders."""
        return self.order_lines <= 1

    def enough_lines(self, given: int | str) -> int:
        """Resolve the least lines: none are asked for where an order is one line."""
        return 0 if self.one_line else fitted(given, self.min_lines)

    @property
    def prior_weight(self) -> float:
        """Sales that the average mix counts for: three orders."""
        return 3 * self.order_value

    @property
    def min_holdout_sales(self) -> float:
        """Later sales that make a later mix worth reading: one order."""
        return self.order_value

    @property
    def min_gap_days(self) -> float:
        """Gaps below this count as this: a week, or less where there are few days."""
        return float(min(7.0, max(1.0, self.train_days / 30)))

    @property
    def active_days(self) -> int:
        """Last days of the later window in which an active customer orders: two gaps."""
        gaps = (
            self.holdout_days
            if self.inter_purchase_days is None
            else round(2 * self.inter_purchase_days)
        )
        return int(min(max(gaps, 1), max(self.holdout_days, 1)))

    @property
    def newer_days(self) -> int:
        """Newest days on which segments are found anew: half of all."""
        return max(self.days // 2, 1)

    @property
    def first_days(self) -> int:
        """First days of training in which first orders are sought: a tenth, or 28."""
        least = min(28, self.train_days // 3)  # no more than a third
        return max(round(self.train_days / 10), least, 1)

    @property
    def period(self) -> str:
        """Length of a period, as pandas names it, of which there are three or more."""
        return next(name for name, days in PERIODS.items() if self.days >= days)

    @property
    def early_days(self) -> int:
        """Days at the beginning in which starts would pile up: four weeks, or less."""
        return self.part(0.1, most=28)

    @property
    def curve_days(self) -> int:
        """Days between two points of a curve through the later window: two weeks."""
        return int(min(max(round(self.holdout_days / 7), 1), 14))

    @property
    def horizon_weeks(self) -> int:
        """Weeks ahead that value is predicted for: a year, and no more than was seen."""
        return int(min(max(self.days // 7, 1), 52))

    @property
    def look_back(self) -> int:
        """Weeks before and after a touchpoint: eight, or a customer's gap if longer."""
        # Three such spans take half of the weeks at most; 0 where there are too few.
        gap = (
            0
            if self.inter_purchase_days is None
            else round(self.inter_purchase_days / 7)
        )
        return int(min(max(8, gap), self.days // 7 // 6))

    @property
    def quiet_weeks(self) -> int:
        """Weeks without a touchpoint that make the next one a first: twelve, or less."""
        return int(min(max(self.days // 7 // 4, 1), 12))

    def part(self, share: float, *, most: int) -> int:
        """Take a part of all days, at least one day and at most `most`."""
        return int(min(max(round(share * self.days), 1), most))
