"""Draw the study's figures: axes in, axes out, one colour a segment everywhere."""

import io
import warnings
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from IPython.display import Image, display
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# By segment id, from 1. The first six differ in lightness too, so that they can be told
# apart in grey, and each stands out from white by 3 to 1 or more.
SEGMENT_COLOURS = [
    "#1f5673",
    "#cf7f22",
    "#35895a",
    "#641c30",
    "#6a5fb5",
    "#3d3d3d",
    "#3f93b5",
    "#6e5f2e",
    "#b05c8d",
    "#8a7d3c",
]
UNCLASSIFIED = "#8a8f94"
INK, QUIET, ACCENT, REFERENCE = "#22272b", "#6b7278", "#1f5673", "#b8bec4"
DIVERGING = mpl.colors.LinearSegmentedColormap.from_list(
    "below_above", ["#8c5a2b", "#e9d5bd", "#fbfbfa", "#bcd3de", "#1f5673"]
)


def theme() -> None:
    """Set the look of all figures of a notebook; call it once, after the imports."""
    # Letters that no font here has are boxes in the figure; its table has the name.
    warnings.filterwarnings("ignore", message="Glyph .* missing from")
    mpl.rcParams.update(
        {
            "figure.dpi": 100,
            "savefig.dpi": 160,
            "figure.constrained_layout.use": True,
            "font.sans-serif": ["Arial", "DejaVu Sans", "Liberation Sans"],
            "font.size": 10,
            "text.color": INK,
            "text.parse_math": False,  # names are words, whatever dollars they hold
            "axes.titlesize": 12,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.titlepad": 10,
            "axes.labelsize": 10,
            "axes.labelcolor": QUIET,
            "axes.edgecolor": "#c9ced3",
            "axes.linewidth": 1.25,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#eceff1",
            "grid.linewidth": 1,
            "xtick.color": QUIET,
            "ytick.color": INK,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            # Most ticks are not drawn, but their length keeps the labels off the axes.
            "xtick.bottom": False,
            "ytick.left": False,
            "xtick.major.size": 6,
            "ytick.major.size": 6,
            "xtick.major.width": 1.25,
            "ytick.major.width": 1.25,
            "legend.fontsize": 11,
            "legend.title_fontsize": 12,
            "lines.solid_capstyle": "round",
            "patch.edgecolor": "white",
            "patch.force_edgecolor": True,
        }
    )


def show(figure: Figure, *, alt: str) -> None:
    """Display a figure with the text that stands for it where it cannot be seen.

    Parameters
    ----------
    figure : Figure
        Closed afterwards.
    alt : str
        What the figure shows, with its main numbers or the table that holds them.
    """
    buffer = io.BytesIO()
    # No software version or date in the file: the same figure gives the same bytes.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(figure)
    width, height = figure.get_size_inches() * figure.dpi
    image = Image(
        buffer.getvalue(), width=int(width), height=int(height), metadata={"alt": alt}
    )
    display(image)


def segment_colour(segment_id: int) -> str:
    """Return the colour of a segment; 0, too little data, is grey."""
    if segment_id == 0:
        return UNCLASSIFIED
    return SEGMENT_COLOURS[(segment_id - 1) % len(SEGMENT_COLOURS)]


def bars(
    values: pd.Series,
    *,
    label: str,
    formats: str = "{:,.0f}",
    colours: Sequence[str] | str = ACCENT,
    intervals: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw horizontal bars with their value at the end, the first on top.

    Parameters
    ----------
    values : Series
        One bar a row; the index names it.
    label : str
        What the length means, with its unit.
    formats : str
        Format of the printed value.
    colours : sequence of str or str
        Colour of each bar.
    intervals : DataFrame, optional
        Columns low and high, the index of `values`: drawn as a thin line.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        With the bars.
    """
    ax = plt.gca() if ax is None else ax
    where = np.arange(len(values))
    ax.barh(where, values.to_numpy(float), color=colours, height=0.68)
    starts = ends = values.to_numpy(float)
    if intervals is not None:
        spread = intervals.loc[values.index]
        ax.hlines(where, spread["low"], spread["high"], color=INK, linewidth=1.2)
        starts = np.minimum(starts, spread["low"])
        ends = np.maximum(ends, spread["high"])
    reach = max(ends.max(), 0) or 1
    for place, end, value in zip(where, ends, values, strict=True):
        ax.text(
            max(end, 0) + reach * 0.012,
            place,
            formats.format(value),
            va="center",
            fontsize=9,
        )
    ax.set_yticks(where, values.index.astype(str))
    ax.set_xlim(min(starts.min(), 0), reach * 1.14)
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.set_xlabel(label)
    return ax


def line(values: pd.Series, *, label: str, ax: Axes | None = None) -> Axes:
    """Draw a series over its index, from zero."""
    ax = plt.gca() if ax is None else ax
    ax.plot(values.index, values, color=ACCENT, linewidth=1.8)
    ax.fill_between(values.index, 0, values, color=ACCENT, alpha=0.08, linewidth=0)
    ax.set_ylim(0, values.max() * 1.1)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    if isinstance(values.index, pd.DatetimeIndex):
        ax.xaxis.set_major_formatter(mpl.dates.DateFormatter("%b %Y"))
    ax.set_ylabel(label)
    ax.set_xlabel("")
    return ax


def histogram(values: pd.Series, *, label: str, ax: Axes | None = None) -> Axes:
    """Draw how customers spread over one feature, with a line at the median."""
    import seaborn as sns

    ax = plt.gca() if ax is None else ax
    low, high = values.quantile([0.0, 0.995])
    sns.histplot(
        values.clip(upper=high),
        bins=30,
        binrange=(low, high),
        color=ACCENT,
        alpha=0.85,
        edgecolor="white",
        linewidth=0.4,
        ax=ax,
    )
    ax.axvline(values.median(), color=SEGMENT_COLOURS[1], linewidth=1.6)
    ax.set_title(label, fontsize=9, fontweight="normal", pad=4)
    ax.set_xlabel("")
    ax.set_ylabel("")
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.spines["left"].set_visible(False)
    return ax


def correlations(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw rank correlations as a triangle of squares, those beyond 0.5 in numbers."""
    import seaborn as sns

    ax = plt.gca() if ax is None else ax
    table = table.iloc[1:, :-1]
    upper = np.triu(np.ones(table.shape, dtype=bool), k=1)
    strong = table.map(
        lambda r: (
            f"{r:.1f}".replace("0.", ".").replace("-", "−") if abs(r) >= 0.5 else ""
        )
    )
    sns.heatmap(
        table,
        mask=upper,
        cmap=DIVERGING,
        vmin=-1,
        vmax=1,
        square=True,
        annot=strong,
        fmt="",
        annot_kws={"fontsize": 7},
        linewidths=0.6,
        linecolor="white",
        cbar_kws={
            "shrink": 0.4,
            "label": "Spearman rank correlation",
            "ticks": [-1, -0.5, 0, 0.5, 1],
        },
        ax=ax,
    )
    ax.grid(visible=False)
    ax.tick_params(labelsize=8)
    return ax


def spread_by_segment(
    table: pd.DataFrame, *, value: str, label: str, ax: Axes | None = None
) -> Axes:
    """Draw a box for each segment in its colour, the first on top.

    Parameters
    ----------
    table : DataFrame
        segment_id, name and the value, one row a draw.
    value : str
        Column to draw.
    label : str
        What it means.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        With the boxes.
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
    ax.set_ylabel("")
    ax.set_xlabel(label)
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
    """Draw estimates as dots with their intervals, the first on top.

    Parameters
    ----------
    table : DataFrame
        One row an estimate, with columns low and high.
    names, value : str
        Columns with the row's name and its estimate.
    label : str
        What is estimated, with its unit.
    colours : sequence of str or str
        Colour of each dot.
    reference : float
        Where a thin line stands: no difference.
    ax : Axes, optional
        The current axes by default.

    Returns
    -------
    Axes
        With the dots.
    """
    ax = plt.gca() if ax is None else ax
    where = np.arange(len(table))
    ax.axvline(reference, color=QUIET, linewidth=1)
    ax.hlines(where, table["low"], table["high"], color=colours, linewidth=2, alpha=0.6)
    ax.scatter(table[value], where, c=colours, s=42, zorder=3)
    ax.set_yticks(where, table[names].astype(str))
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.set_xlabel(label)
    return ax
