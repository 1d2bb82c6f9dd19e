"""Draw how far leads can be typed and scored: answers, calibration, gain."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from helpers.display import plots
from helpers.display.plots import ACCENT, QUIET, REFERENCE, segment_colour


def answers(
    table: pd.DataFrame, *, chosen: float, majority: float, ax: Axes | None = None
) -> Axes:
    """Draw the share right against the share that gets an answer, with its interval.

    `table` has confidence (the least one), typed, right, low, high; the `chosen` one is
    ringed. `majority` is the share right if everybody got the largest segment.
    """
    ax = plt.gca() if ax is None else ax
    known = table.dropna(subset="right")
    typed, looks = known["typed"], {"color": REFERENCE, "alpha": 0.5, "lw": 0}
    ax.fill_between(typed, known["low"], known["high"], **looks)
    ax.plot(typed, known["right"], color=ACCENT, marker="o", ms=4)
    apart = known[typed.diff().abs().fillna(1) > 0.03]  # labels need room
    looks = {"xytext": (0, 8), "textcoords": "offset points", "fontsize": 8}
    for row in apart.itertuples():
        at = (row.typed, row.right)
        ax.annotate(f"{row.confidence:.0%}", at, ha="center", **looks)
    own = known[np.isclose(known["confidence"], chosen)]
    plots.ring(ax, own["typed"], own["right"])
    ax.axhline(majority, color=QUIET, linestyle="--", linewidth=1)
    said = "always the largest segment"
    ax.text(0.01, majority + 0.01, said, fontsize=8, color=QUIET)
    ax.set(xlim=(0, 1.02), ylim=(0, 1))
    ax.set(xlabel="customers who get an answer", ylabel="answers that are right")
    plots.percent(ax.xaxis, ax.yaxis)
    return ax


def found_by_segment(
    table: pd.DataFrame, *, names: Mapping[int, str], ax: Axes | None = None
) -> Axes:
    """Draw the share of each segment's customers that is found, with interval.

    `table`: segment_id, recall, recall_low, recall_high, random (what guessing would
    find, a grey tick).
    """
    ax = plt.gca() if ax is None else ax
    where = np.arange(len(table))
    colours = [segment_colour(i) for i in table["segment_id"]]
    low, high = table["recall_low"], table["recall_high"]
    ax.hlines(where, low, high, color=colours, linewidth=2)
    ax.scatter(table["recall"], where, c=colours, s=46, zorder=3, label="found")
    looks = {"marker": "|", "s": 160, "color": QUIET}
    ax.scatter(table["random"], where, label="by guessing", **looks)
    plots.name_rows(ax, [names[i] for i in table["segment_id"]])
    ax.set(xlim=(0, 1), xlabel="customers of the segment who are found")
    plots.percent(ax.xaxis)
    ax.figure.legend(loc="outside lower center", ncols=2)
    return ax


def gain(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of wins found over the share of leads worked.

    `table`: share, chance, best (dashed and dotted), and one column a list, the first
    drawn the strongest.
    """
    ax = plt.gca() if ax is None else ax
    x = table["share"]
    lists = [name for name in table if name not in ("share", "chance", "best")]
    for place, name in enumerate(lists):
        colour = ACCENT if place == 0 else segment_colour(place + 1)
        width = 2.2 - 0.6 * (place > 0)
        ax.plot(x, table[name], color=colour, lw=width, label=name)
    ax.plot(x, table["chance"], color=QUIET, ls="--", lw=1, label="any order")
    ax.plot(x, table["best"], color=QUIET, ls=":", lw=1.2, label="wins first")
    ax.set(xlim=(0, 1), ylim=(0, 1.02))
    ax.set(xlabel="leads worked, best first", ylabel="wins found")
    plots.percent(ax.xaxis, ax.yaxis)
    ax.legend(loc="lower right")
    return ax
