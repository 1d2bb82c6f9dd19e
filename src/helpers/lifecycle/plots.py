"""Draw the customer's life: flows between stages, who stays, and forecasts against facts."""

from collections.abc import Mapping
from textwrap import fill

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from helpers.disclosure import suppression
from helpers.display import plots
from helpers.display.plots import (
    CENTRED,
    INK,
    QUIET,
    REFERENCE,
    UNCLASSIFIED,
    WIDTH as WIDTH,
    segment_colour,
)

# From well to lost, ever darker but for the last: grey print keeps the order.
STAGE_COLOURS = {
    "new": "#e9b872",
    "active": "#7fb7a0",
    "returned": "#3f93b5",
    "slowing": "#6a5fb5",
    "lapsed": "#641c30",
    "Too little data": UNCLASSIFIED,
}


VERDICT_COLOURS = {
    "more": segment_colour(3),
    "less": segment_colour(4),
    "no difference seen": plots.ACCENT,
    "not comparable": REFERENCE,
}


def flows(moves: pd.DataFrame, *, labels: bool = True, ax: Axes | None = None) -> Axes:
    """Draw customers moving from stage to stage as bands between two columns.

    `moves` is of `lifecycle_stages.moves`. Blocks are as high as the share of all
    customers, whatever bands are drawn; bands have the colour of where they come from,
    and are missing where few customers move. Stages of few customers have no block.
    """
    ax = plt.gca() if ax is None else ax
    wide = pd.crosstab(moves["stage"], moves["next_stage"])
    wide = wide.reindex(
        index=[stage for stage in STAGE_COLOURS if stage in wide.index],
        columns=[stage for stage in STAGE_COLOURS if stage in wide.columns],
    )
    drawn = ~suppression.withheld(wide)
    if not drawn.any(axis=None):
        said = "moves of fewer than 10 customers"
        looks = CENTRED | {"fontsize": 8.5, "color": QUIET}
        ax.text(0.5, 0.5, said, transform=ax.transAxes, **looks)
        ax.axis("off")
        return ax
    sides = plots.bands(wide, colours=STAGE_COLOURS, drawn=drawn, ax=ax)
    for x, blocks in enumerate(sides):
        sizes = pd.DataFrame({"customers": wide.sum(axis=1 - x)})
        shown = suppression.suppress(sizes, counts="customers", columns=[])
        for stage, top, height in blocks.itertuples():
            if isinstance(shown.loc[stage, "customers"], str):
                continue
            colour = STAGE_COLOURS[stage]
            ax.bar(x, height, bottom=top, width=0.06, color=colour, zorder=3)
            if labels:
                place, side = (1.05, "left") if x else (-0.05, "right")
                said = f"{stage} {height:.0%}"
                middle = top + height / 2
                ax.text(place, middle, said, ha=side, va="center", fontsize=8.5)
    ax.set_xlim(-0.75 if labels else -0.1, 1.75 if labels else 1.1)
    return ax


def _short(name: str) -> str:
    return name if len(name) < 49 else f"{name[:47]}…"


def titled(ax: Axes, title: str, *, width: int = 40, **place: float) -> None:
    """Set a title in lines of `width` letters, by default as wide as a chart."""
    ax.set_title(fill(title, width), **{"fontsize": 11, **place})


def stage_shares(counts: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw customers, periods x stages, as stacked bars of shares; from 4% with numbers."""
    ax = plt.gca() if ax is None else ax
    hidden = suppression.withheld(counts)
    table = counts.div(counts.sum(axis=1), axis=0).mask(hidden)
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
                ax.text(x, y, f"{share:.0%}", fontsize=8, color=ink, **CENTRED)
        so_far += shares
    plots.name_rows(ax, table.index.astype(str), edge=0.5)
    blank = "; blank: withheld" if hidden.any(axis=None) else ""
    ax.set(xlim=(0, 1), xlabel=f"customers seen until then{blank}")
    plots.percent(ax.xaxis)
    ax.grid(visible=False)
    ax.legend(loc="lower left", bbox_to_anchor=(-0.15, 1.0), ncol=3)
    return ax


def retention_curves(
    table: pd.DataFrame,
    *,
    names: Mapping[int, str],
    label: str = "days",
    kept: str = "not lapsed",
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of customers who have not lapsed, one line a segment.

    `table`: segment_id, day, retained, low, high. Names stand at the ends of the lines.
    """
    ax = plt.gca() if ax is None else ax
    groups = list(table.groupby("segment_id"))
    last = table["day"].max()
    for place, (segment_id, group) in enumerate(groups):
        colour = segment_colour(segment_id)
        ax.step(group["day"], group["retained"], where="post", color=colour, lw=1.8)
        end = group.iloc[-1]
        # side by side, so that intervals can be distinguished
        x = last * (1.02 + 0.018 * place)
        ax.vlines(x, end["low"], end["high"], color=colour, lw=2)
    ends = table[table["day"] == last].set_index("segment_id")
    lowest = min(table["low"].min(), ends["low"].min())
    places = plots.apart(ends["retained"], (1 - lowest) * 0.075)
    for segment_id, y in zip(ends.index, places, strict=True):
        said = f"{_short(names[segment_id])} {ends.loc[segment_id, 'retained']:.0%}"
        x = last * (1.08 + 0.018 * len(groups))
        ax.text(x, y, said, va="center", fontsize=8.5, color=INK)
        ax.plot(x - last * 0.03, y, "s", ms=4, color=segment_colour(segment_id))
    ax.set_xlim(0, last * 1.95)
    ax.set_xticks([t for t in ax.get_xticks() if 0 <= t <= last])
    ax.set_ylim(lowest - (1 - lowest) * 0.1, 1.005)
    plots.percent(ax.yaxis)
    ax.set_xlabel(label, loc="left")
    ax.set_ylabel(kept)
    return ax


def cohort_heatmap(
    table: pd.DataFrame, *, counts: Mapping[str, int], ax: Axes | None = None
) -> Axes:
    """Draw shares, cohorts x age in periods; `counts` are customers of each cohort.

    A share may be a text such as ">91%", which is drawn as its bound; others are blank.
    """
    ax = plt.gca() if ax is None else ax
    few = table.shape[1] <= 8
    texts = table.map(lambda share: share if "%" in str(share) else "").astype(str)
    bounds = texts.map(lambda text: float(text.strip("<>%") or "nan") / 100)
    shares = table.apply(suppression.numbers).fillna(bounds)
    words = shares.map(lambda share: f"{share:.0%}" if few else f"{100 * share:.0f}")
    words = words.where(
        texts == "", texts if few else texts.map(lambda t: t.strip("%"))
    )
    plots.heat_map(
        shares.set_axis([f"{name} ({counts[name]:,})" for name in table.index]),
        cmap=mpl.colormaps["Blues"],
        top=1.25,
        numbers=words.where(shares.notna(), ""),
        ax=ax,
    )
    ax.set_xlabel("periods after the first" + ("" if few else "; shares in %"))
    return ax


def forecasts(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what came beside the forecasts that there are, from `clv.calibration`."""
    ax = plt.gca() if ax is None else ax
    if table.empty:
        return plots.nothing(ax)
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
        looks = {"marker": shape, "s": 34, "color": colour, "zorder": 3}
        ax.scatter(table[name], where + shift, label=said, **looks)
    plots.name_rows(ax, table["before"], edge=0.5)
    ax.set_ylabel("repeat days before")
    ax.set_xlabel("days with purchases in the holdout, mean")
    *marks, bars = ax.get_legend_handles_labels()[0]
    ax.legend(handles=[bars, *marks], loc="upper right")  # what came first
    return ax


def revenue_bridge(steps: pd.Series, *, symbol: str, ax: Axes | None = None) -> Axes:
    """Draw an opening amount, changes, and the closing one: currency a month."""
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
    plots.name_rows(ax, steps.index, edge=0.5)
    ax.set_xlim(0, reach * 1.25)
    ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(4))
    ax.xaxis.set_major_formatter(lambda value, _: f"{symbol}{value:,.0f}")
    ax.set_xlabel("a month")
    return ax


def reliability(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw observed against forecast shares, from `retention.reliability`."""
    if table.empty:
        return plots.nothing(plt.gca() if ax is None else ax)
    least = max(min(table["low"].min(), table["forecast"].min()) - 0.08, -0.01)
    return plots.calibration(
        table,
        forecast="forecast",
        observed="observed",
        xlabel="forecast share who stay",
        ylabel="who stayed",
        limits=(least, 1.01),
        ax=ax,
    )
