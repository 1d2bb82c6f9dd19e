"""Draw whether segments stay true: periods within limits, moves, and refits."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.disclosure.suppression import MIN_CELL
from helpers.display import plots
from helpers.display.plots import ACCENT, INK, REFERENCE, segment_colour

ALARM = "#b3261e"
FEW = MIN_CELL  # customers; bands and shares of fewer are not shown


def shares(
    table: pd.DataFrame, limits: pd.DataFrame, *, names: Mapping[int, str], width: float
) -> Figure:
    """Draw each segment's share over the periods: red and ringed beyond its limits.

    `table` has period, segment_id, value (share), in the order of time; `limits`, of
    the periods reviewed, period, segment_id, usual, noise (missing: no limit), beyond.
    `width` is in inches.
    """
    ids = list(names)
    columns = min(len(ids), 3)
    rows = -(-len(ids) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, 2.1 * rows), sharex=True, squeeze=False
    )
    order = list(dict.fromkeys(table["period"]))
    for ax, i in zip(axes.flat, ids, strict=False):
        own = table[table["segment_id"] == i].set_index("period").reindex(order)
        own_limits = limits[limits["segment_id"] == i]
        _share_panel(
            ax, own["value"], own_limits, order=order, colour=segment_colour(i)
        )
        ax.set_title(names[i], fontsize=9, pad=4)
    for ax in axes.flat[len(ids) :]:
        ax.set_visible(False)
    return figure


def _share_panel(
    ax: Axes, values: pd.Series, limits: pd.DataFrame, *, order: list, colour: str
) -> None:
    ax.plot(range(len(order)), values, color=colour, marker="o", ms=4, lw=1.6)
    top = [0.01, values.max()]  # nobody may be in it
    for row in limits.itertuples():
        where = order.index(row.period)
        low, high = max(row.usual - row.noise, 0), row.usual + row.noise
        if np.isfinite(row.noise):
            ax.fill_between(
                [where - 0.4, where + 0.4], low, high, color=REFERENCE, alpha=0.55, lw=0
            )
            top.append(high)
        if row.beyond:
            plots.ring(ax, where, values.iloc[where], colour=ALARM)
    ax.set(xlim=(-0.6, len(order) - 0.4), ylim=(0, np.nanmax(top) * 1.12))
    plots.percent(ax.yaxis)
    step = -(-len(order) // 6)
    ax.set_xticks(range(0, len(order), step), order[::step], fontsize=8, rotation=45)


def moved(
    table: pd.DataFrame,
    *,
    names: Mapping[int, str],
    word: str = "segment",
    between: str = "periods",
    ax: Axes | None = None,
) -> Axes:
    """Draw how many left each segment, beside how many would by noise alone.

    `table` has segment_id (0 is all), moved (a dot) and noise (a grey bar), both
    shares, low and high (interval of the excess, drawn from the noise on).
    """
    ax = plt.gca() if ax is None else ax
    where = np.arange(len(table))
    colours = [segment_colour(i) if i else INK for i in table["segment_id"]]
    noise = table["noise"]
    low, high = noise + table["low"], noise + table["high"]
    ax.barh(where, noise, color=REFERENCE, height=0.62, label="largest noise floor")
    ax.hlines(where, low, high, color=colours, linewidth=2)
    ax.scatter(
        table["moved"], where, c=colours, s=46, zorder=3, label=f"between {between}"
    )
    plots.name_rows(ax, [names[i] for i in table["segment_id"]])
    plots.percent(ax.xaxis)
    ax.set_xlim(0, np.nanmax([high.max(), 0.01]) * 1.1)
    ax.set_xlabel(f"customers found in another {word}")
    ax.legend(loc="upper right", bbox_to_anchor=(1, 1.14), ncols=2)
    return ax


def within_limits(table: pd.DataFrame, *, label: str, ax: Axes | None = None) -> Axes:
    """Draw statistics as parts of their limits: a bar beyond 1 is an alarm, in red.

    `table`: name, ratio (of value and limit), beyond.
    """
    ax = plt.gca() if ax is None else ax
    where = np.arange(len(table))
    colours = [ALARM if beyond else ACCENT for beyond in table["beyond"]]
    ax.barh(where, table["ratio"], color=colours, height=0.66)
    ax.axvline(1, color=INK, linewidth=1.2, linestyle="--")
    for place, ratio in zip(where, table["ratio"], strict=True):
        ax.text(max(ratio, 0) + 0.02, place, f"{ratio:.2f}", va="center", fontsize=8)
    plots.name_rows(ax, table["name"])
    ax.tick_params(axis="y", labelsize=8)
    ax.set_xlim(min(0, table["ratio"].min()), max(1.25, table["ratio"].max() * 1.12))
    ax.set_xlabel(label)
    return ax


def descent(
    shared: pd.DataFrame,
    *,
    old: Mapping[int, str],
    new: Mapping[int, str],
    ax: Axes | None = None,
) -> Axes:
    """Draw which old segments' customers each new segment holds, in their colours.

    `shared` counts customers, old segments x new ones; no band or share of fewer than
    `FEW` is shown.
    """
    ax = plt.gca() if ax is None else ax
    colours = {i: segment_colour(i) for i in shared.index}
    sides = plots.bands(shared.where(shared >= FEW, 0), colours=colours, ax=ax)
    sizes = (shared.sum(axis=1), shared.sum())
    for x, blocks, names, size in zip(
        (0.01, 0.99), sides, (old, new), sizes, strict=True
    ):
        side = "right" if x < 0.5 else "left"
        for i, top, height in blocks.itertuples():
            # of all customers, and not of those who are drawn
            share = f", {size[i] / size.sum():.0%}" if size[i] >= FEW else ""
            middle = top + height / 2
            words = f"{names[i]}{share}"
            ax.text(x, middle, words, ha=side, va="center", fontsize=9)
    ax.set_xlim(-0.02, 1.02)
    return ax
