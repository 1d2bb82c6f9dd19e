"""Draw how far leads can be typed and scored: answers, calibration, gain."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from helpers.display.plots import ACCENT, INK, QUIET, REFERENCE, segment_colour


def answers(
    table: pd.DataFrame, *, chosen: float, majority: float, ax: Axes | None = None
) -> Axes:
    """Draw the share right against the share that gets an answer.

    Parameters
    ----------
    table : DataFrame
        confidence, typed, right, low, high.
    chosen : float
        The confidence in use: ringed.
    majority : float
        Share right if everybody got the largest segment.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        One point a least confidence, with its interval and value.
    """
    ax = plt.gca() if ax is None else ax
    known = table.dropna(subset="right")
    ax.fill_between(
        known["typed"], known["low"], known["high"], color=REFERENCE, alpha=0.5, lw=0
    )
    ax.plot(known["typed"], known["right"], color=ACCENT, marker="o", ms=4)
    apart = known[known["typed"].diff().abs().fillna(1) > 0.03]  # labels need room
    for row in apart.itertuples():
        ax.annotate(
            f"{row.confidence:.0%}",
            (row.typed, row.right),
            textcoords="offset points",
            xytext=(0, 8),
            fontsize=8,
            ha="center",
        )
    own = known[np.isclose(known["confidence"], chosen)]
    ax.scatter(
        own["typed"],
        own["right"],
        s=120,
        facecolor="none",
        edgecolor=INK,
        lw=1.6,
        zorder=4,
    )
    ax.axhline(majority, color=QUIET, linestyle="--", linewidth=1)
    ax.text(
        0.01, majority + 0.01, "always the largest segment", fontsize=8, color=QUIET
    )
    ax.set_xlim(0, 1.02)
    ax.set_ylim(0, 1)
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.set_xlabel("customers who get an answer")
    ax.set_ylabel("answers that are right")
    return ax


def found_by_segment(
    table: pd.DataFrame, *, names: Mapping[int, str], ax: Axes | None = None
) -> Axes:
    """Draw the share of each segment's customers that is found, with interval.

    Parameters
    ----------
    table : DataFrame
        segment_id, recall, recall_low, recall_high, random (what guessing would find).
    names : mapping
        Segment id -> name.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        A dot a segment in its colour, a grey tick at what guessing finds.
    """
    ax = plt.gca() if ax is None else ax
    where = np.arange(len(table))
    colours = [segment_colour(i) for i in table["segment_id"]]
    ax.hlines(
        where, table["recall_low"], table["recall_high"], color=colours, linewidth=2
    )
    ax.scatter(table["recall"], where, c=colours, s=46, zorder=3, label="found")
    ax.scatter(
        table["random"], where, marker="|", s=160, color=QUIET, label="by guessing"
    )
    ax.set_yticks(where, [names[i] for i in table["segment_id"]])
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.set_xlabel("customers of the segment who are found")
    ax.grid(visible=False, axis="y")
    ax.legend(fontsize=8, frameon=False, loc="lower right")
    return ax


def calibration(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what a score said against what came, with a line where both are the same.

    Parameters
    ----------
    table : DataFrame
        said, came, low, high (0 to 1), from the least likely part on.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        One dot a part, with the interval of what came.
    """
    ax = plt.gca() if ax is None else ax
    top = max(table["high"].max(), table["said"].max()) * 1.05
    ax.plot([0, top], [0, top], color=QUIET, linestyle="--", linewidth=1)
    ax.vlines(
        table["said"], table["low"], table["high"], color=ACCENT, alpha=0.6, linewidth=2
    )
    ax.scatter(table["said"], table["came"], color=ACCENT, s=36, zorder=3)
    ax.set_xlim(0, top)
    ax.set_ylim(0, top)
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.set_xlabel("chance that the score said")
    ax.set_ylabel("share that was won")
    return ax


def gain(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of wins found over the share of leads worked.

    Parameters
    ----------
    table : DataFrame
        share, chance, best, and one column a list.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        One line a list, the first the strongest; dashed for chance and the best.
    """
    ax = plt.gca() if ax is None else ax
    lists = [name for name in table if name not in ("share", "chance", "best")]
    for place, name in enumerate(lists):
        colour = ACCENT if place == 0 else segment_colour(place + 1)
        ax.plot(
            table["share"],
            table[name],
            color=colour,
            lw=2.2 - 0.6 * (place > 0),
            label=name,
        )
    ax.plot(
        table["share"], table["chance"], color=QUIET, ls="--", lw=1, label="any order"
    )
    ax.plot(
        table["share"], table["best"], color=QUIET, ls=":", lw=1.2, label="wins first"
    )
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.02)
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.set_xlabel("leads worked, best first")
    ax.set_ylabel("wins found")
    ax.legend(fontsize=8, frameon=False, loc="lower right")
    return ax
