"""Draw what to do: when customers order, what campaigns bring, plans and their tests."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.activation import offers
from helpers.disclosure import suppression
from helpers.disclosure.suppression import WITHHELD
from helpers.display import plots
from helpers.display.plots import ACCENT, INK, QUIET, WIDTH as WIDTH, segment_colour

MARKERS = "osD^vPX*"  # by kind or way, in the order given
SHADES = ["#1f5673", "#8fb3c4", "#c9d6dc", "#5b6e77", "#a9b7be", "#33424a"]
PALE = mpl.colors.LinearSegmentedColormap.from_list(
    "busier", ["#fbfbfa", "#bcd3de", "#1f5673", "#0d2c3d"]
)


def own_items(table: pd.DataFrame, *, names: Mapping[int, str]) -> Figure:
    """Draw the items of `offers.own` with their shrunk lifts, a part a segment."""
    shown = [i for i in names if i in set(table["segment_id"])]
    size = (WIDTH, 1.5 * len(shown))
    figure, axes = plt.subplots(len(shown), 1, figsize=size, sharex=True, squeeze=False)
    ends = {"shrunk_low": "low", "shrunk_high": "high"}
    table = table.drop(columns=list(ends.values())).rename(columns=ends)
    table["item"] = table["item"].map(offers.say)
    for ax, i in zip(axes[:, 0], shown, strict=True):
        mine, colour = table[table["segment_id"] == i], segment_colour(i)
        looks = {"names": "item", "value": "shrunk", "label": "", "colours": colour}
        plots.estimates(mine, reference=1, ax=ax, **looks)
        ax.set_title(names[i], fontsize=10)
    axes[-1, 0].set_xscale("log", base=2)
    axes[-1, 0].xaxis.set_major_formatter("{x:g}")
    axes[-1, 0].set_xlabel("lift (1: as in all orders)")
    return figure


def clock(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the output of `messages.clock`, darker the more orders.

    Hours without any order at either end of the day are left out; where all orders have
    one hour, weekdays are bars.
    """
    if (table.sum() > 0).sum() < 2:
        ax = plt.gca() if ax is None else ax
        ax.barh(table.index, table.sum(axis=1), color=ACCENT)
        ax.invert_yaxis()
        ax.set_xlabel("share of orders")
        plots.percent(ax.xaxis)
        return ax
    open_ = np.flatnonzero(table.sum() > 0.0005)
    shown = table.iloc[:, open_.min() : open_.max() + 1]
    ax = plots.heat_map(shown, cmap=PALE, ax=ax)
    hours = list(shown.columns)
    ticks = range(0, len(hours), max(1, len(hours) // 6))
    ax.set_xticks(ticks, [f"{hours[i]}:00" for i in ticks])
    return ax


def by_segment(
    table: pd.DataFrame,
    *,
    names: Mapping[int, str],
    value: str,
    kinds: Sequence[str],
    label: str,
    limits: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw an estimate of each kind in each segment as a dot with its interval.

    `table` has segment_id, kind, low, high and the columns that `value` (share, 0 to 1)
    and `limits` (the same, drawn as a short upright line) name. `kinds` stand from top
    to bottom inside a segment, each with a marker of its own.
    """
    ax = plt.gca() if ax is None else ax
    apart = 0.7 / max(len(kinds), 1)
    for place, segment_id in enumerate(names):
        colour = segment_colour(segment_id) if segment_id else INK
        for order, kind in enumerate(kinds):
            rows = table[(table["segment_id"] == segment_id) & (table["kind"] == kind)]
            for row in rows.to_dict("records"):
                y = place + (order - (len(kinds) - 1) / 2) * apart
                ax.hlines(y, row["low"], row["high"], color=colour, lw=2, alpha=0.5)
                ax.plot(
                    row[value], y, MARKERS[order % len(MARKERS)], color=colour, ms=5.5
                )
                if limits and np.isfinite(row[limits]):
                    ax.plot(row[limits], y, "|", color=INK, ms=11, mew=1.8)
    ax.axvline(0, color=QUIET, linewidth=1)
    plots.name_rows(ax, list(names.values()))
    plots.percent(ax.xaxis)
    ax.set_xlabel(label)
    signs = [
        ax.plot([], [], MARKERS[i % len(MARKERS)], color=INK, label=kind)[0]
        for i, kind in enumerate(kinds)
    ]
    if limits:
        words = limits.replace("_", " ")
        signs += ax.plot([], [], "|", color=INK, ms=11, mew=1.8, label=words)
    if len(signs) > 1:
        _legend(ax, columns=min(2, len(signs)))
    return ax


def hit_rates(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the output of `offers.judge`: hits over how many items are recommended."""
    ax = plt.gca() if ax is None else ax
    where = {n: place for place, n in enumerate(table["n"].unique())}
    ways = table["way"].unique()
    for order, way in enumerate(ways):
        mine = table[table["way"] == way]
        x = mine["n"].map(where) + (order - (len(ways) - 1) / 2) * 0.14
        colour = SHADES[(0, 3, 1, 4, 2, 5)[order % 6]]
        ax.vlines(x, mine["low"], mine["high"], color=colour, lw=2.5, alpha=0.45)
        marker = MARKERS[order % len(MARKERS)]
        ax.plot(x, mine["hit_rate"], marker, color=colour, ms=4.5, label=way)
    ax.set_xticks(list(where.values()), [str(n) for n in where])
    ax.set_xlabel("items recommended to each customer")
    ax.set(ylim=(0, 1), ylabel="customers with a hit")
    plots.percent(ax.yaxis)
    ax.grid(visible=False, axis="x")
    _legend(ax, columns=len(ways))
    return ax


def plan(
    table: pd.DataFrame, *, names: Mapping[int, str], ax: Axes | None = None
) -> Axes:
    """Draw how many customers of each segment get which offer, in a frame of them all.

    `table`: segment_id, offer, contacts (not drawn where they are a text that withholds
    them), customers (of the segment).
    """
    ax = plt.gca() if ax is None else ax
    table = table.assign(contacts=suppression.numbers(table["contacts"]))
    hidden = set(table.loc[table["contacts"].isna(), "segment_id"])
    wide = table.pivot(index="segment_id", columns="offer", values="contacts")
    wide = wide.reindex(list(names)).fillna(0)
    sizes = table.groupby("segment_id")["customers"].first().reindex(list(names))
    where, start = np.arange(len(wide)), np.zeros(len(wide))
    for order, offer in enumerate(wide):
        shade = SHADES[order % len(SHADES)]
        ax.barh(where, wide[offer], left=start, color=shade, height=0.6, label=offer)
        start = start + wide[offer].to_numpy()
    ax.barh(where, sizes, height=0.6, color="none", edgecolor=QUIET, linewidth=0.8)
    for place, i, whole, planned in zip(where, wide.index, sizes, start, strict=True):
        words = f"{planned:,.0f} of {whole:,.0f}" if i not in hidden else WITHHELD
        ax.text(whole + sizes.max() * 0.02, place, words, va="center", fontsize=8.5)
    plots.name_rows(ax, list(names.values()))
    ax.set(xlim=(0, sizes.max() * 1.35), xlabel="customers")
    _legend(ax, columns=min(3, wide.shape[1]))
    return ax


def smallest_effects(
    table: pd.DataFrame, *, marks: pd.DataFrame, ax: Axes | None = None
) -> Axes:
    """Draw the effect (share) that a test finds over its customers, in their order.

    `marks` (segment_id, name, customers, effect) are tests to be named on the line.
    """
    ax = plt.gca() if ax is None else ax
    ax.plot(table["customers"], table["effect"], color=ACCENT, linewidth=1.8)
    for row in marks.to_dict("records"):
        colour = segment_colour(row["segment_id"]) if row["segment_id"] else INK
        ax.plot(row["customers"], row["effect"], "o", color=colour, label=row["name"])
    ax.set_ylim(0, None)
    ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel("customers in the test")
    ax.set_ylabel("smallest effect found")
    ax.legend()
    return ax


def _legend(ax: Axes, *, columns: int) -> None:
    """Put the legend under the figure, where it hides nothing."""
    ax.figure.legend(loc="outside lower center", ncols=columns, handletextpad=0.3)
