"""Draw the study's figures: axes in, axes out, one colour a segment everywhere."""

# Charts, here and in the folders' own `plots`, draw on `ax`, by default the current axes,
# and return it. The first row of a table is on top. Everywhere `names` are by segment id,
# `segment_ids` are of each customer, from 1 (0 is too little data), `label` says what is
# drawn, with its unit, and `symbol` is the sign of the currency.

import base64
import html
import io
import logging
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import matplotlib as mpl
import numpy as np
import pandas as pd
from IPython.display import Image, display
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from helpers.core import paths
from helpers.disclosure.suppression import MIN_CELL
from helpers.display import fonts

THEME = paths.beside(__file__, "theme.yaml")
SEGMENT_COLOURS = THEME["segments"]
UNCLASSIFIED = "#8a8f94"
# Inches; narrow enough that a phone shows the words at four fifths of their size.
WIDTH = 4.5
CENTRED = {"ha": "center", "va": "center"}
INK, QUIET = (THEME["matplotlib"][part] for part in ("text.color", "axes.labelcolor"))
ACCENT, REFERENCE = "#1f5673", "#b8bec4"
DIVERGING = mpl.colors.LinearSegmentedColormap.from_list(
    "below_above", ["#8c5a2b", "#e9d5bd", "#fbfbfa", "#bcd3de", "#1f5673"]
)

ABOVE = mpl.colors.LinearSegmentedColormap.from_list(
    "above", ["#fbfbfa", "#bcd3de", "#1f5673"]
)


def theme() -> None:
    """Set the look of all figures of a notebook; call it once, after the imports."""
    mpl.rcdefaults()  # whatever a matplotlibrc of the user says
    mpl.rcParams.update(THEME["matplotlib"])
    # It would say on pages that a font for another script has no bold letters.
    logging.getLogger(mpl.font_manager.__name__).setLevel(logging.ERROR)


def show(figure: Figure, *, alt: str) -> None:
    """Display a figure, then close it; `alt` stands for it where it cannot be seen.

    It says what the figure shows, with its main numbers or the table that holds them.
    """
    drawn = picture(figure, alt=alt)
    plt.close(figure)
    width, height = figure.get_size_inches() * figure.dpi
    sizes = {"width": int(width), "height": int(height)}
    display(Image(drawn.png, **sizes, metadata={"alt": alt}))
    if said := fonts.note(drawn.stand_ins):
        written = {"text/plain": said, "text/html": fonts.note_html(drawn.stand_ins)}
        display(written, raw=True)


@dataclass(frozen=True)
class Picture:
    """A figure as it goes to the dashboard, by `findings.write_tables`."""

    png: bytes
    alt: str
    stand_ins: Mapping[str, str] = field(default_factory=dict)  # of `fonts.legible`

    def _repr_html_(self) -> str:
        """Give the picture with its bytes inside."""
        data = base64.b64encode(self.png).decode()
        alt = html.escape(self.alt)
        note = fonts.note_html(self.stand_ins)
        picture = f'<img src="data:image/png;base64,{data}" alt="{alt}">'
        return f"<figure>{picture}{note}</figure>"


def picture(figure: Figure, *, alt: str) -> Picture:
    """Take a picture of a figure before it is shown, for the dashboard."""
    stand_ins = fonts.legible(figure)
    buffer = io.BytesIO()
    # No software version or date in the file: the same figure gives the same bytes.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return Picture(buffer.getvalue(), alt, stand_ins)


def segment_colour(segment_id: int) -> str:
    """Return the colour of a segment; 0, too little data, is grey."""
    colour = SEGMENT_COLOURS[(segment_id - 1) % len(SEGMENT_COLOURS)]
    return colour if segment_id else UNCLASSIFIED


def ink_on(colour: str | tuple[float, ...]) -> str:
    """Choose white or black letters, whichever stands out more from a colour."""
    parts = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    # where both contrasts are alike: (L + 0.05)^2 = 1.05 x 0.05
    return "white" if linear @ [0.2126, 0.7152, 0.0722] < 0.179 else "black"


def percent(*axes: mpl.axis.Axis) -> None:
    """Write the ticks of axes of shares (0 to 1) as whole percentages."""
    for axis in axes:
        axis.set_major_formatter("{x:.0%}")


def bare(ax: Axes) -> None:
    """Take away a scale that means nothing."""
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def name_rows(ax: Axes, names: Sequence[str], *, edge: float = 0.6) -> None:
    """Name rows at heights 0, 1, ... with `edge` rows beyond the middles of the outer."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 1 + edge, -edge)
    ax.grid(visible=False, axis="y")


def apart(places: Sequence[float], gap: float) -> np.ndarray:
    """Move heights as little as possible until each is `gap` from the next."""
    from scipy.optimize import isotonic_regression

    places = np.asarray(places, dtype=float)
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    moved = np.empty(len(places))
    moved[order] = isotonic_regression(places[order] - steps).x + steps
    return moved


def ring(ax: Axes, x: float, y: float, *, colour: str = INK) -> None:
    """Draw a ring round a point that stands out."""
    ax.scatter(x, y, s=120, facecolor="none", edgecolor=colour, lw=1.8, zorder=4)


def heat_map(
    shades: pd.DataFrame,
    *,
    cmap: mpl.colors.Colormap,
    top: float | None = None,
    numbers: pd.DataFrame | None = None,
    bold: pd.DataFrame | None = None,
    size: float = 8,
    ax: Axes | None = None,
) -> Axes:
    """Draw a table as squares of `cmap` from 0 to `top`, with the words of `numbers`.

    `bold` says which of them stand out; `size` is that of the letters, points.
    """
    ax = plt.gca() if ax is None else ax
    image = ax.imshow(
        shades.to_numpy(float), cmap=cmap, vmin=0, vmax=top, aspect="auto"
    )
    if numbers is not None:
        for (row, column), words in np.ndenumerate(numbers.to_numpy()):
            colour = ink_on(cmap(image.norm(shades.iloc[row, column])))
            text = ax.text(column, row, words, fontsize=size, color=colour, **CENTRED)
            if bold is not None and bold.iloc[row, column]:
                text.set_fontweight("bold")
    ax.set_xticks(range(shades.shape[1]), shades.columns)
    ax.set_yticks(range(len(shades)), shades.index)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return ax


def calibration(
    table: pd.DataFrame,
    *,
    forecast: str,
    observed: str,
    xlabel: str,
    ylabel: str,
    limits: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw observed shares (0 to 1) against forecast ones: both are the same on a line.

    `table` has the columns that `forecast` and `observed` name, and low and high of
    what was observed. `limits` are of both axes: by default 0 to a little over the
    largest.
    """
    ax = plt.gca() if ax is None else ax
    ax.axline((0, 0), (1, 1), color=QUIET, linestyle="--", linewidth=1)
    x = table[forecast]
    ax.vlines(x, table["low"], table["high"], color=ACCENT, alpha=0.6, linewidth=2)
    ax.scatter(x, table[observed], color=ACCENT, s=36, zorder=3)
    limits = limits or (0, max(table["high"].max(), x.max()) * 1.05)
    ax.set(xlim=limits, ylim=limits, xlabel=xlabel, ylabel=ylabel)
    percent(ax.xaxis, ax.yaxis)
    return ax


def bands(
    shared: pd.DataFrame,
    *,
    colours: Mapping[Hashable, str],
    drawn: pd.DataFrame | None = None,
    ax: Axes,
) -> list[pd.DataFrame]:
    """Draw bands from rows, at x = 0, to columns, at x = 1, as wide as their customers.

    `shared` counts the customers of each pair; `drawn` says which bands are drawn, by
    default all. Bands have their row's colour. Returns, for rows and for columns, top and
    height of each block: shares of all, whatever is drawn.
    """
    shares = shared / (shared.to_numpy().sum() or 1)
    sides = []
    for heights in (shares.sum(axis=1), shares.sum()):
        # thin blocks are kept apart so that their names do not collide
        room = heights.clip(lower=0.035) + 0.02
        tops = room.cumsum().shift(fill_value=0.0)
        sides.append(pd.DataFrame({"top": tops, "height": heights}))
    starts, ends = (side["top"].to_dict() for side in sides)
    for row, column in product(shared.index, shared.columns):
        height = shares.loc[row, column]
        if height and (drawn is None or drawn.loc[row, column]):
            ax.add_patch(_band(starts[row], ends[column], height, colours[row]))
        starts[row] += height
        ends[column] += height
    lowest = max(side.sum(axis=1).max() for side in sides)
    ax.set_ylim(lowest + 0.02, -0.02)
    ax.axis("off")
    return sides


def _band(start: float, end: float, height: float, colour: str) -> PathPatch:
    """Draw a band of even height that swings from one column to the other."""
    upper = [(0.03, start), (0.5, start), (0.5, end), (0.97, end)]
    lower = [(x, y + height) for x, y in reversed(upper)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    shape = Path(upper + lower, codes)
    return PathPatch(shape, facecolor=colour, alpha=0.45, edgecolor="none")


def bars(values: pd.Series, *, label: str, ax: Axes | None = None) -> Axes:
    """Draw horizontal bars, named by the index, with their value at the end."""
    ax = plt.gca() if ax is None else ax
    if values.isna().all():
        return nothing(ax)
    where = range(len(values))
    ax.barh(where, values.to_numpy(float), color=ACCENT, height=0.68)
    reach = max(values.max(), 0) or 1
    for place, value in zip(where, values, strict=True):
        end = max(value, 0) + reach * 0.012
        ax.text(end, place, f"{value:,.0f}", va="center", fontsize=9)
    name_rows(ax, values.index.astype(str))
    ax.set(xlim=(min(values.min(), 0), reach * 1.14), xlabel=label)
    return ax


def nothing(ax: Axes) -> Axes:
    """Say in place of a chart that all it would show is withheld."""
    ax.text(0.5, 0.5, "withheld: few customers", ha="center", transform=ax.transAxes)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax


def line(values: pd.Series, *, label: str, ax: Axes | None = None) -> Axes:
    """Draw a series over its index, from zero."""
    ax = plt.gca() if ax is None else ax
    if values.isna().all():
        return nothing(ax)
    ax.plot(values.index, values, color=ACCENT, linewidth=1.8)
    ax.fill_between(values.index, 0, values, color=ACCENT, alpha=0.08, linewidth=0)
    ax.set_ylim(0, values.max() * 1.1)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    if isinstance(values.index, pd.DatetimeIndex):
        ax.xaxis.set_major_formatter(mpl.dates.DateFormatter("%b %Y"))
    ax.set(xlabel="", ylabel=label)
    return ax


def histogram(values: pd.Series, *, label: str, ax: Axes | None = None) -> Axes:
    """Draw how customers spread over one feature, with a line at the median."""
    ax = plt.gca() if ax is None else ax
    if values.isna().all():
        return nothing(ax)
    low, high = values.quantile([0.0, 0.995])
    edges = np.histogram_bin_edges([], bins=30, range=(low, high))
    counts = spread(values.clip(upper=high), edges)
    look = {"color": ACCENT, "alpha": 0.85, "edgecolor": "white", "linewidth": 0.4}
    ax.bar(edges[:-1], counts, np.diff(edges), align="edge", **look)
    ax.axvline(values.median(), color=SEGMENT_COLOURS[1], linewidth=1.6)
    ax.set_title(label, fontsize=9, fontweight="normal", pad=4)
    ax.set(xlabel="", ylabel="", yticks=[])
    ax.grid(visible=False)
    ax.spines["left"].set_visible(False)
    return ax


def spread(values: Sequence[float], edges: np.ndarray) -> np.ndarray:
    """Count customers between edges, where 1 to 9 share a height with those beside."""
    counts = np.histogram(values, bins=edges)[0].astype(float)
    starts = [0]
    for end in range(1, len(counts) + 1):
        last = end == len(counts)
        while last and len(starts) > 1 and 0 < counts[starts[-1] :].sum() < MIN_CELL:
            starts.pop()
        inside = counts[starts[-1] : end]
        if last or not 0 < inside.sum() < MIN_CELL:
            inside[:] = inside.mean()
            starts.append(end)
    return counts


def gathered(places: np.ndarray) -> np.ndarray:
    """Put customers who are near each other, ten or more, at the mean of their places."""
    if len(places) < 2 * MIN_CELL:
        few = len(places) < MIN_CELL
        return places[:0] if few else places.mean(axis=0, keepdims=True)
    along = places[:, np.ptp(places, axis=0).argmax()]
    halves = np.array_split(places[along.argsort(kind="stable")], 2)
    return np.concatenate([gathered(half) for half in halves])


def correlations(
    table: pd.DataFrame,
    *,
    label: str = "Spearman rank correlation",
    least: float = -1.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw correlations as a triangle of squares, those beyond 0.5 in numbers.

    `least` is the end of their scale: -1, or 0 of associations without a direction.
    """
    import seaborn as sns

    ax = plt.gca() if ax is None else ax
    table = table.iloc[1:, :-1]
    upper = np.triu(np.ones(table.shape, dtype=bool), k=1)
    strong = table.map(lambda r: f"{r:.1f}".replace("0.", ".").replace("-", "−"))
    strong = strong.where(table.abs() >= 0.5, "")
    ticks = [tick for tick in (-1, -0.5, 0, 0.5, 1) if tick >= least]
    scale = {"label": label, "ticks": ticks}
    sns.heatmap(
        table,
        mask=upper,
        cmap=ABOVE if least == 0 else DIVERGING,
        vmin=least,
        vmax=1,
        square=True,
        annot=strong,
        fmt="",
        annot_kws={"fontsize": 7},
        linewidths=0.6,
        linecolor="white",
        cbar_kws=scale | {"shrink": 0.4},
        ax=ax,
    )
    ax.grid(visible=False)
    ax.tick_params(labelsize=8)
    return ax


def spread_by_segment(
    table: pd.DataFrame, *, value: str, label: str, ax: Axes | None = None
) -> Axes:
    """Draw a box for each segment in its colour, of the column `value`.

    `table` has segment_id, name and the value, one row a draw.
    """
    import seaborn as sns

    ax = plt.gca() if ax is None else ax
    order = table.drop_duplicates("segment_id").sort_values("segment_id")
    sns.boxplot(
        table,
        y="name",
        x=value,
        hue="name",
        order=order["name"],
        hue_order=order["name"],
        palette=[segment_colour(i) for i in order["segment_id"]],
        width=0.6,
        linewidth=1,
        linecolor=INK,
        fliersize=2.5,
        ax=ax,
    )
    ax.set(xlabel=label, ylabel="")
    return ax


def estimates(
    table: pd.DataFrame,
    *,
    names: str,
    value: str,
    label: str,
    colours: Sequence[str] | str = ACCENT,
    reference: float = 0.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw estimates as dots with their intervals, the columns low and high.

    `names` and `value` are columns; a thin line stands at `reference`: no difference.
    """
    ax = plt.gca() if ax is None else ax
    where = np.arange(len(table))
    ax.axvline(reference, color=QUIET, linewidth=1)
    ax.hlines(where, table["low"], table["high"], color=colours, linewidth=2, alpha=0.6)
    ax.scatter(table[value], where, c=colours, s=42, zorder=3)
    name_rows(ax, table[names].astype(str))
    ax.set_xlabel(label)
    return ax
