"""Draw the customer's life: flows between stages, who stays, and forecasts against facts."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from helpers.display.plots import INK, QUIET, REFERENCE, UNCLASSIFIED, segment_colour

# Narrow enough that a phone shows the words at four fifths of their size.
WIDTH = 4.5  # inches
# From well to lost, ever darker but for the last: grey print keeps the order.
STAGE_COLOURS = {
    "new": "#e9b872",
    "active": "#7fb7a0",
    "returned": "#3f93b5",
    "slowing": "#6a5fb5",
    "lapsed": "#641c30",
    "Too little data": UNCLASSIFIED,
}
GAP = 0.02  # between stages, as a share of all customers


def flows(counts: pd.DataFrame, *, labels: bool = True, ax: Axes | None = None) -> Axes:
    """Draw customers moving from stage to stage as bands between two columns.

    Parameters
    ----------
    counts : DataFrame
        stage, next_stage, customers: one row a pair; small pairs already taken out.
    labels : bool
        Whether each stage is named beside its block.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        Blocks as high as the share of customers, bands in the colour of where they
        come from; words where there is no band.
    """
    ax = plt.gca() if ax is None else ax
    if counts.empty:
        return _nothing("moves of fewer than 10 customers", ax)
    total = counts["customers"].sum()
    order = [s for s in STAGE_COLOURS if s in {*counts["stage"], *counts["next_stage"]}]
    left = _blocks(counts.groupby("stage")["customers"].sum() / total, order)
    right = _blocks(counts.groupby("next_stage")["customers"].sum() / total, order)
    starts = {stage: top for stage, (top, _) in left.items()}
    arrivals = {stage: top for stage, (top, _) in right.items()}
    ranked = counts.assign(
        a=counts["stage"].map(order.index), b=counts["next_stage"].map(order.index)
    ).sort_values(["a", "b"])
    for row in ranked.itertuples():
        height = row.customers / total
        a, b = starts[row.stage], arrivals[row.next_stage]
        ax.add_patch(_band(a, b, height, STAGE_COLOURS[row.stage]))
        starts[row.stage], arrivals[row.next_stage] = a + height, b + height
    for x, blocks, side in ((0, left, "right"), (1, right, "left")):
        for stage, (top, height) in blocks.items():
            colour = STAGE_COLOURS[stage]
            ax.bar(x, height, bottom=top, width=0.06, color=colour, zorder=3)
            if labels:
                place = x - 0.05 if side == "right" else x + 0.05
                said = f"{stage} {height:.0%}"
                middle = top + height / 2
                ax.text(place, middle, said, ha=side, va="center", fontsize=8.5)
    ax.set_xlim(-0.75 if labels else -0.1, 1.75 if labels else 1.1)
    ends = [top + height for side in (left, right) for top, height in side.values()]
    ax.set_ylim(max(ends) + 0.02, -0.02)
    ax.axis("off")
    return ax


def _nothing(said: str, ax: Axes) -> Axes:
    """Say in place of a drawing why there is none."""
    middle = {"ha": "center", "va": "center", "fontsize": 8.5, "color": QUIET}
    ax.text(0.5, 0.5, said, transform=ax.transAxes, **middle)
    ax.axis("off")
    return ax


def _blocks(shares: pd.Series, order: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Stack the stages from the top: where each begins, and its height."""
    top, places = 0.0, {}
    for stage in order:
        height = float(shares.get(stage, 0.0))
        if height > 0:
            places[stage] = (top, height)
            # thin blocks are kept apart so that their names do not collide
            top += max(height, 0.035) + GAP
    return places


def _band(start: float, end: float, height: float, colour: str) -> PathPatch:
    """Draw a band of even height that swings from one column to the other."""
    upper = [(0.03, start), (0.5, start), (0.5, end), (0.97, end)]
    lower = [(x, y + height) for x, y in reversed(upper)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    shape = Path(upper + lower, codes)
    return PathPatch(shape, facecolor=colour, alpha=0.45, edgecolor="none")


def stage_shares(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of each stage at each review as stacked bars, the first on top.

    Parameters
    ----------
    table : DataFrame
        Reviews (as text) x stages: shares.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        Shares of 4 % or more are printed in their bar.
    """
    ax = plt.gca() if ax is None else ax
    where = np.arange(len(table))
    so_far = np.zeros(len(table))
    for stage in [s for s in STAGE_COLOURS if s in table]:
        shares = table[stage].fillna(0).to_numpy(float)
        colour = STAGE_COLOURS[stage]
        ax.barh(where, shares, left=so_far, color=colour, height=0.7, label=stage)
        dark = stage in ("slowing", "lapsed")
        for y, share, begin in zip(where, shares, so_far, strict=True):
            if share >= 0.04:
                ink = "white" if dark else INK
                x = begin + share / 2
                ax.text(
                    x,
                    y,
                    f"{share:.0%}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color=ink,
                )
        so_far += shares
    ax.set_yticks(where, table.index.astype(str))
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    ax.grid(visible=False)
    ax.set_xlabel("customers seen until then")
    ax.legend(
        *ax.get_legend_handles_labels(),
        loc="lower left",
        bbox_to_anchor=(-0.15, 1.0),
        ncol=3,
        frameon=False,
        fontsize=8.5,
    )
    return ax


def retention_curves(
    table: pd.DataFrame, *, names: Mapping[int, str], ax: Axes | None = None
) -> Axes:
    """Draw the share of customers who have not lapsed, one line a segment.

    Parameters
    ----------
    table : DataFrame
        segment_id, day, retained, low, high.
    names : mapping
        Segment id -> name.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        Names at the ends of the lines, moved apart; the interval as a mark at the end.
    """
    ax = plt.gca() if ax is None else ax
    groups = list(table.groupby("segment_id"))
    last = table["day"].max()
    for place, (segment_id, group) in enumerate(groups):
        colour = segment_colour(segment_id)
        ax.step(group["day"], group["retained"], where="post", color=colour, lw=1.8)
        end = group.iloc[-1]
        # side by side, so that intervals can be told apart
        x = last * (1.02 + 0.018 * place)
        ax.vlines(x, end["low"], end["high"], color=colour, lw=2)
    ends = table[table["day"] == last].set_index("segment_id")
    lowest = min(table["low"].min(), ends["low"].min())
    places = _apart(ends["retained"], (1 - lowest) * 0.075)
    for segment_id, y in places.items():
        said = f"{names[segment_id]} {ends.loc[segment_id, 'retained']:.0%}"
        x = last * (1.08 + 0.018 * len(groups))
        ax.text(x, y, said, va="center", fontsize=8.5, color=INK)
        ax.plot(x - last * 0.03, y, "s", ms=4, color=segment_colour(segment_id))
    ax.set_xlim(0, last * 1.95)
    ax.set_xticks([t for t in ax.get_xticks() if 0 <= t <= last])
    ax.set_ylim(lowest - (1 - lowest) * 0.1, 1.005)
    ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    ax.set_xlabel("days", loc="left")
    ax.set_ylabel("not lapsed")
    return ax


def _apart(values: pd.Series, least: float) -> pd.Series:
    """Move labels apart until they do not collide, their middle kept."""
    order = values.sort_values(kind="stable")
    places = order.to_numpy(float).copy()
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + least)
    places -= (places - order.to_numpy()).mean()
    return pd.Series(places, order.index)


def cohort_heatmap(
    table: pd.DataFrame, *, counts: Mapping[str, int], ax: Axes | None = None
) -> Axes:
    """Draw the share of each cohort that came in each period after its own.

    Parameters
    ----------
    table : DataFrame
        Cohorts x age in periods: shares, missing where not shown.
    counts : mapping
        Cohort -> its customers.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        Darker the larger the share, each with its number.
    """
    ax = plt.gca() if ax is None else ax
    shade = mpl.colormaps["Blues"]
    values = table.to_numpy(float)
    few = table.shape[1] <= 8
    ax.imshow(values, cmap=shade, vmin=0, vmax=1.25, aspect="auto")
    for (row, column), share in np.ndenumerate(values):
        if np.isfinite(share):
            ink = "white" if share > 0.75 else INK
            said = f"{share:.0%}" if few else f"{100 * share:.0f}"
            ax.text(column, row, said, ha="center", va="center", fontsize=8, color=ink)
    ax.set_xticks(range(table.shape[1]), table.columns)
    labels = [f"{cohort} ({counts[cohort]:,})" for cohort in table.index]
    ax.set_yticks(range(len(table)), labels)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("periods after the first" + ("" if few else "; shares in %"))
    return ax


def forecasts(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what came beside what the model and the naive rate foretold.

    Parameters
    ----------
    table : DataFrame
        Output of `clv.calibration`.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        Bars are what came, with the interval; marks are the forecasts there are.
    """
    ax = plt.gca() if ax is None else ax
    where = np.arange(len(table))
    ax.barh(where, table["actual"], color=REFERENCE, height=0.66, label="came")
    ax.hlines(where, table["low"], table["high"], color=INK, lw=1.4)
    marks = {
        "model": ("o", segment_colour(1), -0.16),
        "naive": ("D", segment_colour(2), 0.16),
    }
    for name, (shape, colour, shift) in marks.items():
        if name not in table:
            continue
        said = "naive rate" if name == "naive" else "BG/NBD"
        ax.scatter(
            table[name],
            where + shift,
            marker=shape,
            s=34,
            color=colour,
            label=said,
            zorder=3,
        )
    ax.set_yticks(where, table["before"])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.set_ylabel("repeat days before")
    ax.set_xlabel("days with purchases in the later window, mean")
    marks, words = ax.get_legend_handles_labels()
    n = len(marks) - 1
    order = [n, *range(n)]  # what came first
    ax.legend(
        [marks[i] for i in order],
        [words[i] for i in order],
        frameon=False,
        fontsize=8.5,
        loc="upper right",
    )
    return ax


def revenue_bridge(steps: pd.Series, *, symbol: str, ax: Axes | None = None) -> Axes:
    """Draw how an opening amount became the closing one, step by step.

    Parameters
    ----------
    steps : Series
        opening, then changes, then closing: currency a month.
    symbol : str
        Sign of the currency.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        The first step on top; gains and losses in two colours and with their sign.
    """
    ax = plt.gca() if ax is None else ax
    values = steps.to_numpy(float)
    before = np.concatenate([[0], np.cumsum(values[:-1])])
    before[-1] = 0
    where = np.arange(len(steps))
    whole = [0, len(steps) - 1]
    colours = np.where(values < 0, STAGE_COLOURS["lapsed"], segment_colour(3))
    colours[whole] = segment_colour(1)
    ax.barh(where, values, left=before, color=colours, height=0.66)
    reach = np.max(np.maximum(before, before + values))
    for y, value, begin in zip(where, values, before, strict=True):
        sign = "" if y in whole else ("+" if value >= 0 else "−")
        x = max(begin, begin + value) + reach * 0.015
        ax.text(x, y, f"{sign}{symbol}{abs(value):,.0f}", va="center", fontsize=9)
    ax.set_yticks(where, steps.index)
    ax.set_ylim(len(steps) - 0.5, -0.5)
    ax.set_xlim(0, reach * 1.25)
    ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(4))
    ax.xaxis.set_major_formatter(lambda value, _: f"{symbol}{value:,.0f}")
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("a month")
    return ax


def reliability(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw observed against forecast shares: on the line, the forecast can be believed.

    Parameters
    ----------
    table : DataFrame
        Output of `retention.reliability`.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        Dots with intervals, and the line of equality.
    """
    ax = plt.gca() if ax is None else ax
    ax.plot([0, 1], [0, 1], color=QUIET, lw=1, ls="--")
    ax.vlines(table["forecast"], table["low"], table["high"], color=INK, lw=1.4)
    ax.scatter(
        table["forecast"], table["observed"], s=38, color=segment_colour(1), zorder=3
    )
    least = min(table["low"].min(), table["forecast"].min())
    ax.set_xlim(max(least - 0.08, -0.01), 1.01)
    ax.set_ylim(max(least - 0.08, -0.01), 1.01)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    ax.set_xlabel("forecast share who stay")
    ax.set_ylabel("who stayed")
    return ax
