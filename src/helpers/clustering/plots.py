"""Draw the evidence for segments from tidy tables, so that it can be read in grey and small."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib import patheffects, pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import MaxNLocator

from helpers.clustering import scores
from helpers.clustering.methods import METHODS
from helpers.disclosure.suppression import MIN_CELL, part
from helpers.display import fonts, plots, words
from helpers.display.plots import ACCENT, CENTRED, INK, QUIET, REFERENCE, segment_colour

# An 8 inch figure is 49 pixels an inch on a phone: 11 points are 7 pixels there.
WIDTH, TEXT, TICKS = 8.0, 11, 10
PALE = "#dfe3e6"
HALO = [patheffects.withStroke(linewidth=3, foreground="white")]
DARKNESS = LinearSegmentedColormap.from_list("darkness", ["#ffffff", "#9aa4ac", INK])


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Take the axes given, or those of a new figure of this size, inches."""
    ax = plt.subplots(figsize=size)[1] if ax is None else ax
    ax.tick_params(labelsize=TICKS)
    return ax


def _panels(rows: int, columns: int, *, height: float, **shared: object) -> tuple:
    """Make a figure of the usual width (`height` in inches) and an array of its axes."""
    shared |= {"squeeze": False, "layout": "constrained", "figsize": (WIDTH, height)}
    figure, axes = plt.subplots(rows, columns, **shared)
    for ax in axes.flat:
        ax.tick_params(labelsize=TICKS)
    return figure, axes


def _say_at_left(ax: Axes, words: str) -> None:
    looks = {"ha": "right", "va": "center", "color": INK, "fontsize": TEXT}
    ax.set_ylabel(words, rotation=0, **looks)


def _at_right(ax: Axes, labels: Sequence[tuple[str, float, str]]) -> None:
    """Write (text, height, colour) right of the axes, none on top of another."""
    low, high = ax.get_ylim()
    inches = ax.get_position().height * ax.figure.get_figheight()
    gap = TEXT * 1.35 / 72 / inches * (high - low)
    places = plots.apart([y for _, y, _ in labels], gap)
    looks = {"transform": ax.get_yaxis_transform(), "fontsize": TEXT, "va": "center"}
    for (text, _, colour), place in zip(labels, places, strict=True):
        ax.text(1.012, place, text, color=colour, **looks)


def _label(ax: Axes, text: str, at: tuple[float, float], **looks: object) -> Annotation:
    """Write a label on a point, to be moved by `_part`."""
    usual = CENTRED | {"fontsize": TEXT, "path_effects": HALO}
    return ax.annotate(
        text, at, xytext=(0, 0), textcoords="offset points", **usual | looks
    )


def _beside_line(ax: Axes, text: str, at: tuple, side: str, **looks: object) -> None:
    """Write left or right of an upright line, at a height from 0 to 1 of the axes."""
    looks |= {"ha": side, "va": "top", "fontsize": TEXT}
    looks |= {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points"}
    ax.annotate(text, at, xytext=(-5 if side == "right" else 5, 0), **looks)


def _part(labels: Sequence[Annotation], *, margin: float = 3.0) -> None:
    """Move labels of one axes up and down until none hides another, and into the axes."""
    if not labels:
        return
    ax, figure = labels[0].axes, labels[0].figure
    fonts.legible(figure)
    figure.draw_without_rendering()
    frame, boxes = ax.get_window_extent(), [x.get_window_extent() for x in labels]
    x0, y0, x1, y1 = np.array([box.extents for box in boxes]).T
    side = np.maximum(frame.x0 - x0, 0) + np.minimum(frame.x1 - x1, 0)
    x0, x1, middle = x0 + side, x1 + side, (y0 + y1) / 2
    tall = y1 - y0 + 2 * margin * figure.dpi / 72
    for _ in range(200):
        still = True
        for i, j in combinations(range(len(labels)), 2):
            overlap = (tall[i] + tall[j]) / 2 - abs(middle[i] - middle[j])
            if overlap > 0.01 and x0[i] < x1[j] and x0[j] < x1[i]:
                push = overlap / 2 if middle[i] >= middle[j] else -overlap / 2
                middle[i], middle[j], still = middle[i] + push, middle[j] - push, False
        if still:
            break
    up = middle - (y0 + y1) / 2
    for label, right, rise in zip(labels, side, up, strict=True):
        label.set_position((right * 72 / figure.dpi, rise * 72 / figure.dpi))


def show(drawn: Axes | Figure, message: str, **facts: object) -> None:
    """Show a figure under a title that the catalogue says; `message`-alt is its alt text."""
    figure = drawn.figure
    text = fill(words.say(message, **facts), 84)
    figure.suptitle(text, x=0.01, ha="left", fontweight="bold")
    plots.show(figure, alt=words.say(f"{message}-alt", **facts))


def score_panels(table: pd.DataFrame, *, alpha: float) -> Figure:
    """Draw scores over k beside their references: a row a method, a column a statistic.

    `table` has method, k, statistic, observed, reference (mean of the references), low,
    high (their range), p; observed and p are missing where a method found no k
    segments. p up to `alpha` fills the marker. Panels of a statistic share their scale.
    """
    methods, statistics = table["method"].unique(), table["statistic"].unique()
    height = 1.5 + 0.95 * len(methods)
    size = (len(methods), len(statistics))
    figure, axes = _panels(*size, height=height, sharex=True, sharey="col")
    for (row, column), ax in np.ndenumerate(axes):
        here = table["method"] == methods[row]
        here &= table["statistic"] == statistics[column]
        _score_panel(table[here].sort_values("k"), alpha=alpha, ax=ax)
    for ax, method in zip(axes[:, 0], methods, strict=True):
        _say_at_left(ax, fill(METHODS[method], 13))
    for ax, statistic in zip(axes[0], statistics, strict=True):
        way = (
            "more is better ↑"
            if scores.MORE_IS_BETTER[statistic]
            else "less is better ↓"
        )
        ax.set_title(f"{scores.NAMES[statistic]}\n{way}", fontsize=TEXT)
    figure.supxlabel(_legend(alpha), fontsize=TEXT)
    return figure


def method_panels(
    table: pd.DataFrame, names: Mapping[str, str], *, label: str, alpha: float
) -> Figure:
    """Draw one score over k beside its references, as `score_panels`: a panel a method.

    `label` says what the score is, `names` what the methods are called.
    """
    figure, axes = _panels(1, len(names), height=3.2, sharex=True, sharey=True)
    for ax, (method, name) in zip(axes[0], names.items(), strict=True):
        rows = table[table["method"] == method].sort_values("k")
        _score_panel(rows, alpha=alpha, ax=ax)
        ax.set_title(fill(name, 16), fontsize=TEXT)
    axes[0, 0].set_ylabel(label, fontsize=TEXT)
    figure.supxlabel(_legend(alpha), fontsize=TEXT)
    return figure


def _legend(alpha: float) -> str:
    return (
        f"number of segments\n● p ≤ {alpha:g}   ○ p > {alpha:g}   "
        "grey: range of the references, dashed: their mean"
    )


def _score_panel(rows: pd.DataFrame, *, alpha: float, ax: Axes) -> None:
    k = rows["k"].to_numpy()
    ax.fill_between(k, rows["low"], rows["high"], color=REFERENCE, alpha=0.75, lw=0)
    ax.plot(k, rows["reference"], color=QUIET, linewidth=1, linestyle="--")
    ax.plot(k, rows["observed"], color=ACCENT, linewidth=1.6)
    fills = np.where(rows["p"] <= alpha, ACCENT, "white")
    ax.scatter(
        k, rows["observed"], s=26, c=fills, edgecolors=ACCENT, linewidths=1.3, zorder=3
    )
    ax.margins(y=0.12)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(3))


def stability_boxes(
    table: pd.DataFrame, references: pd.DataFrame, *, ax: Axes | None = None
) -> Axes:
    """Draw a box of halvings for each k over the range of its references.

    Whiskers reach to at most 1.5 times the box; grey bars, with a dash at the mean, are
    the references. `table` has k and agreement, one row a halving; `references`, by k, has
    reference_agreement (mean), low and high, as `null_references.strictest`.
    """
    groups = {k: rows.to_numpy() for k, rows in table.groupby("k")["agreement"]}
    ax, beside = _axes(ax, (WIDTH, 3.6)), references.loc[list(groups)]
    k, low = beside.index, beside["low"]
    height = beside["high"] - low
    ax.bar(k, height, bottom=low, width=0.84, color=PALE, zorder=0.5)
    dashed = {"color": QUIET, "linewidth": 1.4, "linestyle": (0, (2, 1)), "zorder": 1}
    ax.hlines(beside["reference_agreement"], k - 0.42, k + 0.42, **dashed)
    thin = {"color": ACCENT, "linewidth": 1.2}
    ax.boxplot(
        list(groups.values()),
        positions=list(groups),
        widths=0.46,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": "#8fb3c6", "edgecolor": ACCENT, "linewidth": 1.2},
        medianprops={"color": INK, "linewidth": 2},
        whiskerprops=thin,
        capprops=thin,
        flierprops={"marker": ".", "markersize": 4, "markeredgecolor": ACCENT},
        zorder=2,
    )
    ax.set_xlim(min(groups) - 0.6, max(groups) + 0.6)
    ax.set_xticks(list(groups))
    ax.grid(visible=False, axis="x")
    ax.set_xlabel("number of segments", fontsize=TEXT)
    ax.set_ylabel("adjusted Rand index", fontsize=TEXT)
    last = max(groups)
    ends = [
        ("customers", np.median(groups[last]), ACCENT),
        ("references", beside.loc[last, "reference_agreement"], QUIET),
    ]
    _at_right(ax, ends)
    return ax


def tree(
    branches: pd.DataFrame, across: pd.DataFrame, *, chosen: int, ax: Axes | None = None
) -> Axes:
    """Draw which segments split from which as k grows, and how stable each is across k.

    A column for each k; a disc's area is its customers, its darkness its stability
    across; a line's width is the customers shared, if ten or more. Each column is ordered by the mean
    place of where its customers come from. `branches` has k, segment (from 0), parent
    (segment at k - 1), customers (shared by the two); `across` has k, segment, value
    (stability across solutions, 0 to 1), customers. This is the SLSA plot of Dolnicar
    and Leisch (2017), Using segment level stability to select target segments in
    data-driven market segmentation studies.
    """
    inner = branches["k"] > across["k"].min()
    flows = branches[inner & (branches["customers"] >= MIN_CELL)]
    ax = _axes(ax, (8.6, 5.4))
    nodes = _places(across, flows)
    everyone = across.groupby("k")["customers"].sum().max()
    # Lines join segments of neighbouring k, as wide as the customers shared.
    y = nodes.set_index(["k", "segment"])["y"]
    lines = [
        [(row.k - 1, y[row.k - 1, row.parent]), (row.k, y[row.k, row.segment])]
        for row in flows.itertuples()
    ]
    widths = 18 * flows["customers"].to_numpy(float) / everyone
    ax.add_collection(
        LineCollection(lines, linewidths=widths, colors=REFERENCE, zorder=1)
    )
    sizes = 1500 * nodes["customers"] / everyone
    shade = {"c": nodes["value"], "cmap": DARKNESS, "norm": Normalize(0, 1)}
    looks = shade | {"edgecolors": INK, "linewidths": 1, "zorder": 3}
    discs = ax.scatter(nodes["k"], nodes["y"], s=sizes, **looks)
    ours = nodes[nodes["k"] == chosen]
    rims = [segment_colour(i + 1) for i in ours["segment"]]
    looks = {"facecolors": "white", "edgecolors": rims, "linewidths": 3, "zorder": 2.5}
    # White between disc and ring keeps the two apart in grey.
    rings = (np.sqrt(sizes[ours.index]) + 8) ** 2
    ax.scatter(ours["k"], ours["y"], s=rings, **looks)
    _number_nodes(nodes, np.sqrt(sizes) / 2, chosen, ax=ax)
    ax.set_ylim(-0.02, 1.04)
    ax.set_yticks([])
    _columns_of_k(nodes["k"], chosen, ax=ax)
    looks = {"orientation": "horizontal", "shrink": 0.4, "aspect": 22, "pad": 0.03}
    bar = ax.figure.colorbar(discs, ax=ax, **looks)
    said = "stability across k: 1 all from one segment, 0 from all alike"
    bar.set_label(said, fontsize=TEXT)
    bar.ax.tick_params(labelsize=TICKS)
    return ax


def _places(across: pd.DataFrame, flows: pd.DataFrame) -> pd.DataFrame:
    """Give each segment a height from 0 to 1, near those its customers come from."""
    done: dict[tuple[int, int], float] = {}
    for k, column in across.sort_values(["k", "segment"]).groupby("k"):
        wish = {}
        for segment in column["segment"]:
            rows = flows[(flows["k"] == k) & (flows["segment"] == segment)]
            heights = [done.get((k - 1, parent), 0.0) for parent in rows["parent"]]
            weights = rows["customers"].to_numpy(float)
            # The first column has nothing to follow: the largest segment on top.
            wish[segment] = (
                np.average(heights, weights=weights) if weights.sum() else -segment
            )
        upwards = sorted(wish, key=lambda s: (wish[s], -s))
        done |= {(k, s): (i + 0.5) / len(wish) for i, s in enumerate(upwards)}
    heights = [done[key] for key in zip(across["k"], across["segment"], strict=True)]
    return across.assign(y=heights)


def _number_nodes(
    nodes: pd.DataFrame, radii: np.ndarray, chosen: int, *, ax: Axes
) -> None:
    """Write numbers above the discs; beside those of the chosen k, which have rings."""
    for node, radius in zip(nodes.itertuples(), radii, strict=True):
        label = _label(ax, f"{node.segment + 1}", (node.k, node.y), zorder=4)
        if node.k == chosen:
            label.set(fontweight="bold", fontsize=TEXT + 1, ha="left")
            label.set_position((radius + 7, 0))
        else:
            label.set(fontsize=TICKS, position=(0, radius + 6.5))


def _columns_of_k(k_values: pd.Series, chosen: int, *, ax: Axes) -> None:
    """Write k below each column and mark the one decided for."""
    ks = sorted(k_values.unique())
    ax.axvspan(chosen - 0.36, chosen + 0.36, color="#f1f3f4", zorder=0)
    ax.set_xlim(ks[0] - 0.5, ks[-1] + 0.5)
    ax.set_xticks(ks, [f"{k}\nchosen" if k == chosen else f"{k}" for k in ks])
    ax.get_xticklabels()[ks.index(chosen)].set(fontweight="bold", color=INK)
    ax.grid(visible=False)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_xlabel("number of segments", fontsize=TEXT)


def gorge(
    similarities: np.ndarray,
    segment_ids: Sequence[int],
    names: Mapping[int, str],
) -> Figure:
    """Draw how similar customers are to each segment: a gorge tells it from the rest.

    A histogram for each segment: its members in colour at the foot, all others in grey
    on them. Two hills with a gorge between them: well apart; one hill with a slope: a
    continuum. Heights are roots of counts, so that a small segment can be seen.
    `similarities`, 0 to 1, have a column for each of the segments 1, 2, ... Gorge plots
    are from Dolnicar, Grün and Leisch (2018), Market segmentation analysis.
    """
    values, ids = np.asarray(similarities, dtype=float), np.asarray(segment_ids)
    segments = range(1, values.shape[1] + 1)
    height = 0.9 + 0.95 * len(segments)
    figure, axes = _panels(len(segments), 1, height=height, sharex=True)
    for ax, segment in zip(axes[:, 0], segments, strict=True):
        column = values[:, segment - 1]
        _gorge(column[ids == segment], column[ids != segment], segment, ax=ax)
        share = f"{(ids == segment).mean():.0%} of customers"
        _say_at_left(ax, f"{fill(names[segment], 20)}\n{share}")
    axes[-1, 0].set_xlabel(
        "membership (adds up to 1)\ncolour: members, grey: all others, height: root of the count",
        fontsize=TEXT,
    )
    return figure


def _gorge(members: np.ndarray, others: np.ndarray, segment: int, *, ax: Axes) -> None:
    edges = np.linspace(0, 1, 51)
    inside, outside = (plots.spread(x, edges) for x in (members, others))
    foot, top = np.sqrt(inside), np.sqrt(inside + outside)
    ax.stairs(top, edges, baseline=foot, fill=True, color=REFERENCE)
    ax.stairs(foot, edges, fill=True, color=segment_colour(segment))
    # Only the outline of all customers tells whether there is a gorge.
    ax.stairs(top, edges, color=INK, linewidth=1)
    ax.set_xlim(0, 1)
    ax.set_yticks([])
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)


def silhouette_plot(
    widths: pd.Series | np.ndarray,
    segment_ids: Sequence[int],
    *,
    names: Mapping[int, str],
    reference: float,
    ax: Axes | None = None,
) -> Axes:
    """Draw silhouette widths, one block a segment, falling; a step is a mean of ten.

    `widths` are from `scores.silhouette_widths`: below 0 is nearer to another segment;
    `reference` is the mean width without clusters. Rousseeuw (1987), Silhouettes: a
    graphical aid to the interpretation and validation of cluster analysis.
    """
    ids, widths = np.asarray(segment_ids), np.asarray(widths, dtype=float)
    ax, space, top, ticks = _axes(ax, (WIDTH, 4.6)), 0.02 * len(widths), 0.0, {}
    for segment in np.unique(ids):
        block = np.sort(widths[ids == segment])[::-1]
        tens = np.array_split(block, max(len(block) // MIN_CELL, 1))
        means = [np.full(len(ten), ten.mean()) for ten in tens]
        edges = np.append(np.concatenate(means), means[-1][-1])
        steps = top + np.arange(len(edges))
        colour = segment_colour(segment)
        ax.fill_betweenx(steps, 0, edges, step="post", color=colour, linewidth=0)
        middle = top + len(block) / 2
        ticks[middle] = (
            f"{fill(names[segment], 30)}\nmean {_plain(block.mean())}, "
            f"{part((block < 0).sum(), of=len(block))} below 0"
        )
        top += len(block) + space
    _even_ticks(ticks, top, ax=ax)
    mean = float(widths.mean())
    lines = [
        (mean, f"customers {_plain(mean)}", INK, "-"),
        (reference, f"references {_plain(reference)}", QUIET, (0, (3, 2))),
    ]
    # The lesser is named to the left of its line.
    lines.sort(key=lambda line: line[0])
    for (at, text, colour, style), side in zip(lines, ("right", "left"), strict=True):
        ax.axvline(at, color=colour, linewidth=1.4, linestyle=style)
        _beside_line(ax, text, (at, 0.995), side, color=colour)
    ax.set_xlabel("silhouette width (more is better)", fontsize=TEXT)
    return ax


def _plain(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _even_ticks(ticks: Mapping[float, str], top: float, *, ax: Axes) -> None:
    """Write two-line labels beside their blocks, moved where blocks are thin."""
    inches = ax.get_position().height * ax.figure.get_figheight()
    lines = 1 + max(text.count("\n") for text in ticks.values())
    line = TICKS * 1.4 / 72 / inches * top
    gap = lines * line
    places = plots.apart(list(ticks), gap)
    above = min(-1.4 * line, places.min() - gap / 2)  # room for a line of text
    ax.set_ylim(max(top, places.max() + gap / 2), above)
    ax.set_yticks(places, list(ticks.values()))
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)


def maps(
    customers: pd.DataFrame,
    reference: pd.DataFrame,
    segment_ids: Sequence[int],
    names: Mapping[int, str],
    *,
    trust: tuple[float, float],
) -> Figure:
    """Draw a map of customers beside one of a reference without clusters.

    A dot is the middle of ten customers of a segment, or more. Both, x and y by the same method, have the same scale, each moved to the middle of
    its frame and without units: distances between groups are not to be read. `trust` is
    the trustworthiness of the two, 0 to 1.
    """
    ids = np.asarray(segment_ids)
    customers, reference = _centred(customers), _centred(reference)
    figure, axes = _panels(1, 2, height=4.4, sharex=True, sharey=True)
    left, right = axes[0]
    dots = {"s": 26, "alpha": 0.6, "linewidths": 0}
    for i in np.unique(ids):
        of_segment = plots.gathered(customers[ids == i].to_numpy())
        left.scatter(*of_segment.T, color=segment_colour(i), **dots)
    right.scatter(*plots.gathered(reference.to_numpy()).T, color="#8f979d", **dots)
    titles = ("Customers", "Reference without clusters")
    for ax, title, trusted in zip((left, right), titles, trust, strict=True):
        plots.bare(ax)
        ax.update_datalim(customers.to_numpy())  # room for names, as if all were drawn
        ax.update_datalim(reference.to_numpy())
        ax.set_title(title, fontsize=TEXT + 1)
        ax.set_xlabel(f"trustworthiness {trusted:.2f}", fontsize=TEXT)
    medians = customers.groupby(ids).median()
    labels = [
        _label(left, fill(names[segment], 16), place, fontweight="bold")
        for segment, *place in medians.itertuples()
    ]
    _part(labels)
    return figure


def _centred(table: pd.DataFrame) -> pd.DataFrame:
    """Move the middle of a map's range to the origin: where it lay means nothing."""
    place = table[["x", "y"]]
    return place - (place.min() + place.max()) / 2


def benchmark(
    table: pd.DataFrame,
    *,
    ours: Sequence[str],
    baselines: Sequence[str],
) -> Figure:
    """Draw how well each design predicts each outcome, as dots with intervals.

    A panel an outcome. The solid line is no skill: 0.5 for an area under the curve, 0 for
    a share explained. `table` has design, outcome, score (r2 or auc), alone, alone_low
    and alone_high, missing if not judged. `ours` are coloured, `baselines` diamonds and
    dashed lines.
    """
    ends = ["alone", "alone_low", "alone_high"]
    names = {"r2": "share explained (R²)", "auc": "area under the curve"}
    designs, outcomes = list(table["design"].unique()), table["outcome"].unique()
    height = 1.4 + 0.27 * len(designs)
    figure, axes = _panels(1, len(outcomes), height=height, sharey=True)
    for ax, outcome in zip(axes[0], outcomes, strict=True):
        rows = table[table["outcome"] == outcome].set_index("design").reindex(designs)
        score = rows["score"].dropna().iloc[0]
        none = 0.5 if score == "auc" else 0.0
        ax.axvline(none, color=QUIET, linewidth=1)
        _benchmark_panel(rows[ends], ours=ours, baselines=baselines, ax=ax)
        ax.set_title(fill(outcome, 12), fontsize=TEXT)
        ax.set_xlabel(fill(names[score], 14), fontsize=TICKS)
    ax.set_yticks(np.arange(len(designs)), designs, fontsize=TICKS)
    ax.set_ylim(len(designs) - 0.4, -0.6)
    for tick, design in zip(axes[0, 0].get_yticklabels(), designs, strict=True):
        if design in ours:
            tick.set(fontweight="bold", color=ACCENT)
        elif design in baselines:
            tick.set(color=QUIET, fontstyle="italic")
    return figure


def _benchmark_panel(
    rows: pd.DataFrame, *, ours: Sequence[str], baselines: Sequence[str], ax: Axes
) -> None:
    for y, (design, middle, low, high) in enumerate(rows.itertuples()):
        if np.isnan(middle):
            looks = {"fontsize": TICKS, "color": QUIET, "path_effects": HALO}
            looks |= CENTRED | {"transform": ax.get_yaxis_transform(), "zorder": 4}
            ax.text(0.5, y, "not judged", **looks)
            continue
        colour = ACCENT if design in ours else QUIET if design in baselines else INK
        ax.hlines(y, low, high, color=colour, linewidth=3 if design in ours else 1.4)
        looks = {"c": colour, "s": 46 if design in ours else 22, "marker": "o"}
        if design in baselines:
            looks = {"c": "white", "edgecolors": QUIET, "s": 34, "marker": "D"}
            ax.axvline(middle, color=QUIET, linewidth=0.9, linestyle=(0, (3, 3)))
        ax.scatter(middle, y, zorder=3, **looks)
    ax.xaxis.set_major_locator(MaxNLocator(3))
    ax.grid(visible=False, axis="x")


def multiverse(table: pd.DataFrame, *, chosen: Mapping[str, object]) -> Figure:
    """Draw how far segments agree with the chosen ones under every defensible choice.

    Dots sorted by agreement; below them, a dot for each choice that was made. `table`
    has ari (adjusted Rand index with the chosen segments) and a column for each choice;
    `chosen` has the values decided for. Simonsohn, Simmons
    and Nelson (2020), Specification curve analysis.
    """
    ordered = table.sort_values("ari", kind="stable", ignore_index=True)
    choices = list(table.columns.drop("ari"))
    ours = (ordered[choices] == pd.Series(dict(chosen))[choices]).all(axis=1)
    made = [(column, option) for column in choices for option in table[column].unique()]
    height, ratios = 2.9 + 0.29 * len(made), [8, len(made)]
    figure, axes = _panels(2, 1, height=height, sharex=True, height_ratios=ratios)
    above, below = axes[:, 0]
    colours = np.where(ours, ACCENT, INK)
    sizes = np.where(ours, 90, 34)
    above.scatter(ordered.index, ordered["ari"], c=colours, s=sizes, zorder=3)
    above.set_ylabel("agreement with the\nchosen segments", fontsize=TEXT)
    above.set_ylim(min(0, ordered["ari"].min() - 0.05), 1.08)
    at = (ordered.index[ours][0], ordered.loc[ours, "ari"].iloc[0])
    note = _label(above, "chosen  ", at, color=ACCENT, fontweight="bold", ha="right")
    note.set_zorder(4)
    _choice_dots(ordered, made, ours, ax=below)
    return figure


def _choice_dots(
    ordered: pd.DataFrame, made: list, ours: pd.Series, *, ax: Axes
) -> None:
    for y, (column, option) in enumerate(made):
        taken = ordered[column] == option
        ax.scatter(ordered.index, np.full(len(ordered), y), color=PALE, s=16)
        colours = np.where(ours[taken], ACCENT, INK)
        made_here = np.full(taken.sum(), y)
        ax.scatter(ordered.index[taken], made_here, c=colours, s=34, zorder=3)
        if y and made[y - 1][0] != column:
            ax.axhline(y - 0.5, color=REFERENCE, linewidth=1)
    options = [o if isinstance(o, str) else f"{o:g}" for _, o in made]
    named = [f"{c}: {o}" for (c, _), o in zip(made, options, strict=True)]
    ax.set_yticks(range(len(made)), named)
    ax.set_ylim(len(made) - 0.5, -0.5)
    ax.set_xticks([])
    ax.grid(visible=False)
    said = "every combination of choices, from least agreement to most"
    ax.set_xlabel(said, fontsize=TEXT)


def gap_plot(
    table: pd.DataFrame,
    references: pd.DataFrame,
    *,
    choices: Mapping[str, int],
    ax: Axes | None = None,
) -> Axes:
    """Draw the gap statistic over k, its standard error, and references beside it.

    `table` has k, gap, se; `references`, data without clusters, are as
    `null_references.on_references` returns them: reference (its number), k, value. A
    dashed line is drawn at the k that each rule of `choices` takes.
    """
    gaps = table.set_index("k").sort_index()
    ax = _axes(ax, (WIDTH, 3.4))
    for _, rows in references.sort_values("k").groupby("reference"):
        ax.plot(rows["k"], rows["value"], color=REFERENCE, linewidth=1.1, zorder=1.5)
    looks = {"color": ACCENT, "linewidth": 1.8, "marker": "o", "markersize": 5}
    bars = {"yerr": gaps["se"], "elinewidth": 1.4, "capsize": 3.5}
    ax.errorbar(gaps.index, gaps["gap"], zorder=3, **looks, **bars)
    ax.margins(y=0.08)
    ax.set_xticks(gaps.index)
    ax.set_xlabel("number of segments\nbars: one standard error", fontsize=TEXT)
    ax.set_ylabel("gap (more is better)", fontsize=TEXT)
    _rules(choices, ax=ax)
    last = references.loc[references["k"] == references["k"].max(), "value"].mean()
    ends = [("customers", gaps["gap"].iloc[-1], ACCENT), ("references", last, QUIET)]
    _at_right(ax, ends)
    return ax


def _rules(choices: Mapping[str, int], *, ax: Axes) -> None:
    """Mark what each rule takes, each named on a line of its own over the data."""
    taken = sorted(set(choices.values()))
    inches = ax.get_position().height * ax.figure.get_figheight()
    line = TEXT * 1.45 / 72 / inches
    low, high = ax.get_ylim()
    ax.set_ylim(low, low + (high - low) / (1 - line * len(taken)))
    middle = np.mean(ax.get_xlim())
    for row, k in enumerate(taken):
        rules = ", ".join(name for name, at in choices.items() if at == k)
        side = "right" if k > middle else "left"
        ax.axvline(k, color=INK, linewidth=1.1, linestyle=(0, (3, 2)), zorder=1)
        at = (k, 1 - line * row)
        _beside_line(ax, f"{rules}: {k}", at, side, path_effects=HALO)
