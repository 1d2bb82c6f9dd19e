"""Draw whether segments stay true: periods within limits, moves, and refits."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.display.plots import ACCENT, INK, REFERENCE, segment_colour

ALARM = "#b3261e"


def shares(
    table: pd.DataFrame, limits: pd.DataFrame, *, names: Mapping[int, str], width: float
) -> Figure:
    """Draw each segment's share over the periods, with the limits of those reviewed.

    Parameters
    ----------
    table : DataFrame
        period, segment_id, value (share, 0 to 1), in the order of time.
    limits : DataFrame
        period, segment_id, usual, noise, beyond: the periods reviewed. Where noise is
        missing no limit is drawn.
    names : mapping
        Segment id -> name.
    width : float
        Of the figure, inches.

    Returns
    -------
    Figure
        One panel a segment; a share beyond its limits is red and ringed.
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
        told = limits[limits["segment_id"] == i]
        _share_panel(ax, own["value"], told, order=order, colour=segment_colour(i))
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
            ax.scatter(
                where,
                values.iloc[where],
                s=110,
                facecolor="none",
                edgecolor=ALARM,
                lw=2,
                zorder=4,
            )
    ax.set_ylim(0, np.nanmax(top) * 1.12)
    ax.set_xlim(-0.6, len(order) - 0.4)
    ax.yaxis.set_major_formatter("{x:.0%}")
    step = -(-len(order) // 6)
    ax.set_xticks(range(0, len(order), step), order[::step], fontsize=8, rotation=45)


def moved(
    table: pd.DataFrame,
    *,
    names: Mapping[int, str],
    word: str = "segment",
    ax: Axes | None = None,
) -> Axes:
    """Draw how many left each segment, beside how many would by noise alone.

    Parameters
    ----------
    table : DataFrame
        segment_id, moved and noise (shares), low and high (interval of the excess).
    names : mapping
        Segment id -> name, 0 for all.
    word : str
        What a group is called.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        A grey bar up to the noise, a dot at the movement, a line for noise plus the
        interval of the excess.
    """
    ax = plt.gca() if ax is None else ax
    where = np.arange(len(table))
    colours = [segment_colour(i) if i else INK for i in table["segment_id"]]
    ax.barh(
        where, table["noise"], color=REFERENCE, height=0.62, label="alternate weeks"
    )
    ax.hlines(
        where,
        table["noise"] + table["low"],
        table["noise"] + table["high"],
        color=colours,
        linewidth=2,
    )
    ax.scatter(
        table["moved"], where, c=colours, s=46, zorder=3, label="between periods"
    )
    ax.set_yticks(where, [names[i] for i in table["segment_id"]])
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.set_xlim(0, np.nanmax([(table["noise"] + table["high"]).max(), 0.01]) * 1.1)
    ax.set_xlabel(f"customers found in another {word}")
    ax.grid(visible=False, axis="y")
    ax.legend(
        fontsize=8, frameon=False, loc="upper right", bbox_to_anchor=(1, 1.14), ncols=2
    )
    return ax


def within_limits(table: pd.DataFrame, *, label: str, ax: Axes | None = None) -> Axes:
    """Draw statistics as parts of their limits: beyond 1 is an alarm.

    Parameters
    ----------
    table : DataFrame
        name, ratio (of value and limit), beyond; the first on top.
    label : str
        What the length means.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        A line at 1; bars beyond it in red.
    """
    ax = plt.gca() if ax is None else ax
    where = np.arange(len(table))
    colours = [ALARM if beyond else ACCENT for beyond in table["beyond"]]
    ax.barh(where, table["ratio"], color=colours, height=0.66)
    ax.axvline(1, color=INK, linewidth=1.2, linestyle="--")
    for place, ratio in zip(where, table["ratio"], strict=True):
        ax.text(max(ratio, 0) + 0.02, place, f"{ratio:.2f}", va="center", fontsize=8)
    ax.set_yticks(where, table["name"], fontsize=8)
    ax.set_xlim(min(0, table["ratio"].min()), max(1.25, table["ratio"].max() * 1.12))
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.set_xlabel(label)
    return ax


def descent(
    shared: pd.DataFrame,
    *,
    old: Mapping[int, str],
    new: Mapping[int, str],
    below: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Draw which old segment's customers each new segment holds.

    Parameters
    ----------
    shared : DataFrame
        Rows are old segments, columns new ones, values customers in both.
    old, new : mapping
        Segment id -> name.
    below : int
        Fewer shared customers than this are not drawn, nor is the share of a segment
        of fewer told.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        Bands from left to right as wide as the customers, in the old segment's colour.
    """
    ax = plt.gca() if ax is None else ax
    total = shared.to_numpy().sum()
    gap = 0.03
    left = _places(shared.sum(axis=1) / total, gap)
    right = _places(shared.sum(axis=0) / total, gap)
    reach_left, reach_right = left.copy(), right.copy()
    curve = (1 - np.cos(np.linspace(0, np.pi, 40))) / 2
    for i in shared.index:
        for j in shared.columns:
            size = shared.loc[i, j] / total
            start, end = reach_left[i], reach_right[j]
            reach_left[i] += size
            reach_right[j] += size
            if shared.loc[i, j] < below:
                continue
            lower = start + (end - start) * curve
            ax.fill_between(
                np.linspace(0, 1, 40),
                lower,
                lower + size,
                color=segment_colour(i),
                alpha=0.55,
                lw=0,
            )
    for side, places, sums, names in (
        (0, left, shared.sum(axis=1), old),
        (1, right, shared.sum(axis=0), new),
    ):
        for i, low in places.items():
            share = f", {sums[i] / total:.0%}" if sums[i] >= below else ""
            ax.text(
                side + (0.02 if side else -0.02),
                low + sums[i] / total / 2,
                f"{names[i]}{share}",
                ha="left" if side else "right",
                va="center",
                fontsize=9,
            )
    ax.set_xlim(-0.02, 1.02)
    ax.invert_yaxis()
    ax.axis("off")
    return ax


def _places(sizes: pd.Series, gap: float) -> pd.Series:
    """Say where each band begins, one under the other."""
    return sizes.cumsum() - sizes + gap * np.arange(len(sizes))
