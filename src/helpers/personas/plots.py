"""Draw what segments are: profiles, indices, size and worth, closeness, and their rules."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from textwrap import fill, shorten

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse

from helpers.disclosure.suppression import MIN_CELL
from helpers.display import plots
from helpers.display.plots import INK, QUIET, WIDTH as WIDTH, segment_colour
from helpers.personas import rules

PALE = "#d9dde1"
LONGEST = 40  # letters of a name in a figure; tables hold the whole of it
# From below to above the average, ever darker: grey print keeps the order.
RISING = mpl.colors.LinearSegmentedColormap.from_list(
    "rising", ["#fdf3e3", "#eadfcd", "#cdd6da", "#7ba3b5", "#1f5673", "#0d2c3d"]
)


def profile(table: pd.DataFrame, *, colour: str, form: str, ax: Axes) -> Axes:
    """Draw one segment's means as bars, the overall mean as a dot on each.

    `table`: label, value, overall, marker; bars of markers have the `colour`. `form` is
    such as "{:.1%}".
    """
    where = np.arange(len(table))
    fills = [colour if marker else PALE for marker in table["marker"]]
    ax.barh(where, table["value"], color=fills, height=0.7)
    ax.scatter(
        table["overall"], where, s=30, color="white", edgecolor=INK, lw=1.3, zorder=3
    )
    reach = table[["value", "overall"]].to_numpy().max() or 1
    for place, row in zip(where, table.itertuples(), strict=True):
        ax.text(
            max(row.value, row.overall) + reach * 0.07,
            place,
            f"{form.format(row.value)} (all {form.format(row.overall)})",
            va="center",
            fontsize=8.5,
            fontweight="bold" if row.marker else "normal",
        )
    plots.name_rows(ax, [*map(shortened, table["label"])])
    ax.set_xlim(0, reach * 1.78)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.grid(visible=False)
    return ax


def index_heatmap(table: pd.DataFrame, *, marks: pd.DataFrame, ax: Axes) -> Axes:
    """Draw indices, features x segments, darker the higher, bold where `marks` says so.

    Shade follows the ratio, so that 50 and 200 are equally far from 100.
    """
    shades = (np.log2(table.clip(25, 400).astype(float) / 100) + 2) / 4
    numbers = table.map(lambda index: f"{index:.0f}" if np.isfinite(index) else "")
    return _squares(shades, numbers, marks, ax=ax)


def effect_heatmap(table: pd.DataFrame, *, marks: pd.DataFrame, ax: Axes) -> Axes:
    """Draw effects in standard deviations, as `index_heatmap` draws indices."""
    shades = (table.clip(-2, 2).astype(float) + 2) / 4
    numbers = table.map(lambda effect: f"{effect:+.1f}" if np.isfinite(effect) else "")
    numbers = numbers.map(lambda said: said.replace("-", "\N{MINUS SIGN}"))
    return _squares(shades, numbers, marks, ax=ax)


def _squares(
    shades: pd.DataFrame, numbers: pd.DataFrame, marks: pd.DataFrame, *, ax: Axes
) -> Axes:
    crowded = shades.shape[1] > 6
    names = [shortened(name) for name in shades.columns]
    ax = plots.heat_map(
        shades.set_axis([*map(shortened, shades.index)]).set_axis(
            [wrapped(name, 24 if crowded else 7) for name in names], axis=1
        ),
        cmap=RISING,
        top=1,
        numbers=numbers,
        bold=marks,
        size=9.5,
        ax=ax,
    )
    ax.tick_params(axis="x", labelsize=8, rotation=90 * crowded)
    ax.xaxis.tick_top()
    ax.set_xticks(np.arange(shades.shape[1] + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(shades.shape[0] + 1) - 0.5, minor=True)
    ax.tick_params(which="both", length=0, colors=INK)
    ax.grid(which="minor", color="white", linewidth=1.2)
    return ax


def size_and_worth(summary: pd.DataFrame, *, symbol: str, ax: Axes) -> Axes:
    """Draw a mosaic: as high as a segment has customers, as wide as each is worth.

    `summary`: segment_id, name, share_customers, share_sales (0 to 1),
    sales_per_customer with low and high (currency).
    """
    heights = summary["share_customers"].to_numpy(float)
    tops = np.concatenate([[0], heights.cumsum()[:-1]])
    middles = tops + heights / 2
    colours = [segment_colour(i) for i in summary["segment_id"]]
    worth = summary["sales_per_customer"].to_numpy(float)
    ax.barh(middles, worth, height=heights, color=colours, edgecolor="white", lw=2)
    ends = summary["high"].to_numpy(float)
    for line, shade in ((3.4, "white"), (1.4, INK)):
        ax.hlines(middles, summary["low"], ends, color=shade, linewidth=line)
    beside = ends.max() * 1.06
    said = [
        f"{row.share_customers:.0%} · {row.share_sales:.0%}"
        for row in summary.itertuples()
    ]
    places = [-0.035 * heights.sum(), *middles]
    for place, words in zip(places, ["customers · sales", *said], strict=True):
        ax.text(beside, place, words, va="center", fontsize=9, color=INK)
    ax.set_yticks(middles, [*map(shortened, summary["name"])])
    ax.set_ylim(heights.sum(), -0.07 * heights.sum())
    ax.set_xlim(0, ends.max() * 1.6)
    step = ends.max() / 2
    ax.set_xticks([0, round(step, 1 - len(f"{step:.0f}"))])
    ax.xaxis.set_major_formatter(lambda value, _: f"{symbol}{value:,.0f}")
    ax.grid(visible=False)
    ax.set_xlabel("sales per customer", loc="left")
    return ax


def separation(
    points: pd.DataFrame,
    *,
    names: Mapping[int, str],
    neighbours: pd.DataFrame,
    ax: Axes,
) -> Axes:
    """Draw where each segment lies and how far it runs into the others.

    `points`: x, y, segment_id of customers, none of whom is drawn: an ellipse holds the
    middle half of a segment, of `MIN_CELL` or more, if it is normal in the plane. Lines are
    as thick as `neighbours` (segment_id, other_id, either_share) could be in either.
    """
    groups = {
        i: g[["x", "y"]].to_numpy()
        for i, g in points.groupby("segment_id")
        if len(g) >= MIN_CELL
    }
    centres = pd.DataFrame({i: g.mean(axis=0) for i, g in groups.items()}).T
    drawn = neighbours["segment_id"].isin(groups) & neighbours["other_id"].isin(groups)
    for row in neighbours[drawn].dropna(subset=["either_share"]).itertuples():
        ends = centres.loc[[row.segment_id, row.other_id]]
        ax.plot(ends[0], ends[1], color=QUIET, lw=20 * row.either_share, alpha=0.3)
    for i, group in groups.items():
        ax.add_patch(_ellipse(group, segment_colour(i)))
        ax.plot(*centres.loc[i], "o", color=segment_colour(i), ms=5)
    ax.autoscale_view()
    ax.set_aspect("equal", adjustable="datalim")
    _name_beside(centres, names, ax=ax)
    plots.bare(ax)
    return ax


def _ellipse(group: np.ndarray, colour: str) -> Ellipse:
    """Draw round half of the customers of a normal cloud."""
    sizes, axes = np.linalg.eigh(np.cov(group.T))
    width, height = 2 * np.sqrt(sizes * -2 * np.log(0.5))
    angle = np.degrees(np.arctan2(axes[1, 0], axes[0, 0]))
    face = (*mpl.colors.to_rgb(colour), 0.13)
    return Ellipse(
        group.mean(axis=0), width, height, angle=angle, fc=face, ec=colour, lw=1.8
    )


def _name_beside(centres: pd.DataFrame, names: Mapping[int, str], *, ax: Axes) -> None:
    """Write names in a column on the right, in the order of their centres."""
    order = centres.sort_values(1, ascending=False, kind="stable")
    heights = np.linspace(0.94, 0.06, len(order))
    for (i, (x, y)), height in zip(order.iterrows(), heights, strict=True):
        ax.annotate(
            shortened(names[i]),
            (x, y),
            (1.0, height),
            textcoords="axes fraction",
            va="center",
            fontsize=9.5,
            fontweight="bold",
            arrowprops={"arrowstyle": "-", "color": segment_colour(i), "lw": 1},
        )


def rule_tree(
    tree: rules.Tree,
    *,
    names: Mapping[int, str],
    ax: Axes,
    wording: Callable[[rules.Condition, bool], str] = rules.say_condition,
) -> Axes:
    """Draw rules as an indented list of questions (in `wording`), each segment in its colour."""
    lines = _lines(tree, wording, depth=0)
    # Long lines would leave no room for axes that must hold them.
    free = max(len(said) for _, said, _ in lines) > _LONG
    beside = _BESIDE | ({"fontsize": 6.5} if free else {})
    for place, (depth, said, segment_id) in enumerate(lines):
        ax.plot([depth, depth], [place - 0.5, place + 0.5], color=PALE, lw=2.5)
        written = ax.annotate(said, (depth, place), (6, 0), **beside)
        written.set_in_layout(not free)
        if segment_id is None:
            continue
        name = names[segment_id]
        named = ax.annotate(
            f" {shorten(name, 26, placeholder='…') if free else shortened(name)} ",
            (1, 0.5),
            (5, 0),
            xycoords=written,
            color=plots.ink_on(segment_colour(segment_id)),
            fontweight="bold",
            bbox={"fc": segment_colour(segment_id), "ec": "none", "pad": 2.5},
            **beside,
        )
        named.set_in_layout(not free)
    deepest = max(depth for depth, _, _ in lines)
    ax.set_xlim(-0.1, max(deepest, 1) * 6)
    ax.set_ylim(len(lines) - 0.4, -0.6)
    ax.axis("off")
    return ax


_LONG, _LONGEST = 44, 50  # letters of a question in the picture of the rules
_BESIDE = {"textcoords": "offset points", "va": "center", "ha": "left", "fontsize": 9}


def _lines(
    tree: rules.Tree, wording: Callable[[rules.Condition, bool], str], *, depth: int
) -> list[tuple[int, str, int | None]]:
    """Flatten a tree into lines: depth, words, and the segment where it ends."""
    if isinstance(tree, rules.Leaf):
        return [(depth, "everybody", tree.segment_id)]
    lines = []
    for answer, part in ((True, tree.yes), (False, tree.no)):
        said = wording(tree.condition, answer)
        if len(said) > _LONGEST:  # else the names of segments have no room
            said = f"{said[:_LONGEST].rstrip()}…"
        if isinstance(part, rules.Leaf):
            lines.append((depth, f"{said}:", part.segment_id))
        else:
            lines += [
                (depth, f"{said}, and", None),
                *_lines(part, wording, depth=depth + 1),
            ]
    return lines


def golden(table: pd.DataFrame, *, labels: Sequence[str], ax: Axes) -> Axes:
    """Draw how many are in their own segment after one, two, three ... questions, the `labels`.

    `table` comes from `rules.golden_curve`.
    """
    where = np.arange(len(table))
    guess = table["majority"].iloc[0]
    ax.axvline(guess, color=QUIET, linewidth=1.2, linestyle="--")
    said = f"always the largest: {guess:.0%}"
    box = {"fc": "white", "ec": "none", "pad": 1}
    ax.text(guess, -0.95, said, ha="center", fontsize=8.5, color=QUIET, bbox=box)
    ax.hlines(where, table["low"], table["high"], color=INK, linewidth=1.6)
    ax.scatter(table["agreement"], where, s=36, color=segment_colour(1), zorder=3)
    for place, row in zip(where, table.itertuples(), strict=True):
        ax.text(row.high + 0.02, place, f"{row.agreement:.0%}", va="center", fontsize=9)
    plots.name_rows(ax, [*map(shortened, labels)], edge=0.5)
    ax.set_ylim(top=-1.5)  # room for the words over the line
    ax.set(xlim=(0, 1), xlabel="customers given their own segment")
    plots.percent(ax.xaxis)
    return ax


def shortened(name: object) -> str:
    """Cut a name that would leave no room for the figure."""
    name, end = str(name), LONGEST - 1
    if len(name) <= LONGEST:
        return name
    while (
        end and unicodedata.category(name[end])[0] == "M"
    ):  # a mark of the letter before
        end -= 1
    return f"{name[:end].rstrip()}…"


def wrapped(name: str, width: int) -> str:
    """Break a name into lines between words, none longer than need be."""
    return fill(name, width, break_long_words=False, break_on_hyphens=False)
