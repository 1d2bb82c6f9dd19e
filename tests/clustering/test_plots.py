"""What the pictures of the evidence show: data in place, labels apart, faults named."""

from itertools import combinations, product

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from drawn import names, said
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from helpers.clustering import plots as clustering_plots
from helpers.clustering.methods import METHODS
from helpers.display import plots

mpl.use("agg")
NAMES = {1: "Cooks", 2: "Gardeners", 3: "Bathers"}


@pytest.fixture(autouse=True)
def themed_and_closed_afterwards():
    with mpl.rc_context():
        plots.theme()
        yield
    plt.close("all")


@pytest.fixture
def ax():
    return plt.figure(figsize=(8, 4)).add_subplot()


def colours(collection):
    return [to_hex(colour) for colour in collection.get_facecolor()]


def ticks_in_view(axis):
    low, high = sorted(axis.get_view_interval())
    pairs = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
    return [label for place, label in pairs if low <= place <= high]


def assert_apart(texts, share=0.0):
    """Fail if two texts share more of the smaller one's box than `share`."""
    texts = [text for text in texts if text.get_text().strip()]
    assert len(texts) > 1
    texts[0].get_figure().draw_without_rendering()
    boxes = [text.get_window_extent() for text in texts]
    for (one, a), (other, b) in combinations(zip(texts, boxes, strict=True), 2):
        wide = min(a.x1, b.x1) - max(a.x0, b.x0)
        tall = min(a.y1, b.y1) - max(a.y0, b.y0)
        common = max(wide, 0) * max(tall, 0)
        least = min(a.width * a.height, b.width * b.height)
        assert common <= share * least, (one.get_text(), other.get_text())


def segments_of(collection):
    return [part.tolist() for part in collection.get_segments()]


# score_panels


def scores(
    methods=("kmeans", "ward"), statistics=("silhouette", "davies_bouldin"), k=(2, 3, 4)
):
    rows = [
        {
            **{"method": method, "statistic": statistic, "k": number},
            "observed": 0.5 - number / 10 + 0.1 * (method == "ward"),
            **{"reference": 0.2, "low": 0.1, "high": 0.3, "p": 0.05 * (number - 1)},
        }
        for method, statistic, number in product(methods, statistics, k)
    ]
    return pd.DataFrame(rows)


def panels(table, alpha=0.05):
    return clustering_plots.score_panels(table, alpha=alpha)


def test_each_method_has_a_row_and_each_statistic_a_column_of_panels():
    # the last k comes first in the table: lines are drawn over k all the same
    figure = panels(scores()[::-1])
    assert len(figure.axes) == 4
    ward = next(ax for ax in figure.axes if ax.get_ylabel() == "Ward")
    mean, observed = ward.lines
    assert observed.get_xdata().tolist() == [2, 3, 4]
    assert observed.get_ydata() == pytest.approx([0.4, 0.3, 0.2])
    assert mean.get_ydata().tolist() == [0.2, 0.2, 0.2]
    band = {tuple(point) for point in ward.collections[0].get_paths()[0].vertices}
    assert {(2, 0.1), (2, 0.3), (4, 0.1), (4, 0.3)} <= band


def test_one_score_has_a_panel_for_each_method_on_one_scale():
    table = scores(statistics=("agreement",))
    names = {"ward": "Ward's tree", "kmeans": "k-means"}
    figure = clustering_plots.method_panels(table, names, label="agree", alpha=0.05)
    first, second = figure.axes
    assert [ax.get_title(loc="left") for ax in (first, second)] == [
        "Ward's tree",
        "k-means",
    ]
    assert first.lines[1].get_ydata() == pytest.approx([0.4, 0.3, 0.2])
    assert first.get_ylim() == second.get_ylim()
    assert (first.get_ylabel(), second.get_ylabel()) == ("agree", "")


def test_markers_are_filled_where_p_is_at_most_the_level_and_hollow_elsewhere():
    dots = panels(scores()).axes[0].collections[1]
    assert dots.get_offsets()[:, 0].tolist() == [2, 3, 4]
    assert colours(dots) == [plots.ACCENT, "#ffffff", "#ffffff"]
    dots = panels(scores(), alpha=0.1).axes[0].collections[1]
    assert colours(dots) == [plots.ACCENT, plots.ACCENT, "#ffffff"]


def test_which_way_is_better_is_written_over_the_statistic_and_the_key_below():
    figure = panels(scores())
    assert [ax.get_title(loc="left") for ax in figure.axes[:2]] == [
        "Silhouette\nmore is better ↑",
        "Davies-Bouldin\nless is better ↓",
    ]
    assert "● p ≤ 0.05" in figure.get_supxlabel()


def test_panels_of_a_statistic_share_their_scale_and_show_every_marker():
    figure = panels(scores())
    first, other, below = figure.axes[0], figure.axes[1], figure.axes[2]
    assert first.get_ylim() == below.get_ylim()
    assert first.get_shared_y_axes().joined(first, below)
    assert not first.get_shared_y_axes().joined(first, other)
    low, high = first.get_ylim()
    assert low < 0.1 - 0.02 and high > 0.4 + 0.02


def test_a_line_is_broken_where_a_method_found_no_segments():
    table = scores()
    table.loc[1, ["observed", "p"]] = np.nan
    observed = panels(table).axes[0].lines[1].get_ydata()
    assert np.isnan(observed).tolist() == [False, True, False]


def test_eight_methods_and_three_statistics_are_read_without_overlap():
    table = scores(
        tuple(METHODS),
        ("silhouette", "calinski_harabasz", "davies_bouldin"),
        range(2, 11),
    )
    figure = panels(table)
    figure.suptitle("What was found")
    figure.draw_without_rendering()
    texts = [ax._left_title for ax in figure.axes]
    texts += [ax.yaxis.label for ax in figure.axes]
    texts += [label for ax in figure.axes for label in ticks_in_view(ax.yaxis)]
    assert_apart([*texts, *figure.texts])
    assert figure.get_figwidth() == 8
    # long names are wrapped, to leave the width to the panels
    assert figure.axes[3].get_ylabel() == "Mixture,\nspherical"


# stability_boxes


def stability():
    draws = {2: [0.7, 0.8, 0.9], 3: [0.5, 0.6, 0.7], 5: [0.30, 0.40, 0.50]}
    table = pd.DataFrame(
        [{"k": k, "agreement": x} for k, values in draws.items() for x in values]
    )
    references = pd.DataFrame(
        {
            **{"k": [5, 3, 2], "reference_agreement": [0.38, 0.5, 0.6]},
            **{"low": [0.3, 0.45, 0.5], "high": [0.5, 0.55, 0.7]},
        }
    ).set_index("k")
    return table, references


def boxes(ax):
    return clustering_plots.stability_boxes(*stability(), ax=ax)


def test_a_box_stands_at_its_k_over_the_range_of_its_references(ax):
    assert boxes(ax) is ax
    bars = [p for p in ax.patches if isinstance(p, mpl.patches.Rectangle)]
    found = [(b.get_x() + b.get_width() / 2, b.get_y(), b.get_height()) for b in bars]
    assert np.array(found) == pytest.approx(
        np.array([(2, 0.5, 0.2), (3, 0.45, 0.1), (5, 0.3, 0.2)])
    )
    means = segments_of(ax.collections[0])
    assert [line[0][1] for line in means] == [0.6, 0.5, 0.38]
    middles = [
        (np.mean(line.get_xdata()), line.get_ydata()[0])
        for line in ax.lines
        if line.get_linewidth() == 2
    ]
    assert np.array(middles) == pytest.approx(np.array([(2, 0.8), (3, 0.6), (5, 0.4)]))
    assert ax.get_xticks().tolist() == [2, 3, 5]
    assert ax.get_ylabel() == "adjusted Rand index"


def test_the_boxes_go_from_quartile_to_quartile(ax):
    boxes(ax)
    box = next(p for p in ax.patches if isinstance(p, mpl.patches.PathPatch))
    heights = box.get_path().vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((0.75, 0.85))


def test_the_labels_beside_the_boxes_do_not_touch(ax):
    boxes(ax)
    assert said(ax) == ["customers", "references"]
    # the median of the last k (.40) is hard by the mean of its references (.38)
    assert_apart(ax.texts)
    assert ax.texts[0].get_position()[1] > ax.texts[1].get_position()[1]


# tree: 100 customers; at k = 3 the second segment is split


def flows():
    """Give branches, the rows of the first k among them, and the segments."""
    branches = pd.DataFrame(
        [
            *[(2, 0, np.nan, 60), (2, 1, np.nan, 40)],
            *[(3, 0, 0, 50), (3, 1, 1, 30), (3, 2, 0, 10), (3, 2, 1, 10)],
        ],
        columns=["k", "segment", "parent", "customers"],
    )
    across = pd.DataFrame(
        [
            *[(2, 0, 1.0, 60), (2, 1, 1.0, 40)],
            *[(3, 0, 0.9, 50), (3, 1, 0.8, 30), (3, 2, 0.0, 20)],
        ],
        columns=["k", "segment", "value", "customers"],
    )
    return branches, across


def drawn(ax):
    return [c for c in ax.collections if isinstance(c, mpl.collections.PathCollection)]


def lines_of(ax):
    return next(
        c for c in ax.collections if isinstance(c, mpl.collections.LineCollection)
    )


def test_a_disc_has_the_area_of_its_customers_and_the_darkness_of_its_stability(ax):
    branches, across = flows()
    assert clustering_plots.tree(branches, across, chosen=3, ax=ax) is ax
    discs = drawn(ax)[0]
    sizes = discs.get_sizes()
    assert sizes / sizes[0] == pytest.approx(np.array([60, 40, 50, 30, 20]) / 60)
    ax.figure.draw_without_rendering()
    assert discs.get_clim() == (0, 1)
    lightness = discs.get_facecolor()[:, :3].mean(axis=1)
    assert lightness[0] == lightness[1] < lightness[2] < lightness[3] < lightness[4]
    assert lightness[4] == 1


def test_segments_stand_in_their_column_in_the_order_of_where_they_come_from(ax):
    branches, across = flows()
    clustering_plots.tree(branches, across, chosen=3, ax=ax)
    place = drawn(ax)[0].get_offsets()
    assert place[:, 0].tolist() == [2, 2, 3, 3, 3]
    # segment 1 on top; the mixed third segment comes between its two parents
    assert np.allclose(place[:, 1], [3 / 4, 1 / 4, 5 / 6, 1 / 6, 3 / 6])


def test_few_customers_from_above_do_not_lift_a_segment_over_one_with_many(ax):
    _, across = flows()
    from_below = pd.DataFrame({"segment": [0, 0, 1, 1], "parent": [0, 1, 0, 1]})
    branches = from_below.assign(k=3, customers=[1, 19, 12, 8])
    clustering_plots.tree(branches, across[across["segment"] < 2], chosen=3, ax=ax)
    place = drawn(ax)[0].get_offsets()
    assert np.allclose(place[:, 1], [3 / 4, 1 / 4, 1 / 4, 3 / 4])


def test_lines_join_parents_with_children_as_wide_as_the_customers_they_share(ax):
    branches, across = flows()
    clustering_plots.tree(branches, across, chosen=2, ax=ax)
    lines = lines_of(ax)
    place = drawn(ax)[0].get_offsets()
    ends = [(place[0], place[2]), (place[1], place[3])]
    ends += [(place[0], place[4]), (place[1], place[4])]
    assert np.array(segments_of(lines)) == pytest.approx(np.array(ends))
    widths = np.array(lines.get_linewidths())
    assert widths / widths[0] == pytest.approx([1, 0.6, 0.2, 0.2])


def test_the_chosen_column_has_rings_in_the_segments_colours_and_a_word(ax):
    branches, across = flows()
    clustering_plots.tree(branches, across, chosen=3, ax=ax)
    rings = drawn(ax)[1]
    assert rings.get_offsets()[:, 0].tolist() == [3, 3, 3]
    expected = [plots.segment_colour(i) for i in (1, 2, 3)]
    assert [to_hex(colour) for colour in rings.get_edgecolor()] == expected
    assert names(ax.xaxis) == ["2", "3\nchosen"]
    bold = [t.get_text() for t in ax.texts if t.get_fontweight() == "bold"]
    assert bold == ["1", "2", "3"]
    assert said(ax) == ["1", "2", "1", "2", "3"]
    # numbers stand just over the discs, and just right of the rings
    over = [text.get_position() for text in ax.texts[:2]]
    beside = [text.get_position() for text in ax.texts[2:]]
    for (right, up), area in zip(over, drawn(ax)[0].get_sizes(), strict=False):
        assert right == 0 and 4 < up - area**0.5 / 2 < 9
    for (right, up), area in zip(beside, rings.get_sizes(), strict=True):
        assert up == 0 and 1.5 < right - area**0.5 / 2 < 6


def nested(largest):
    """Split 1,000 customers on a line into ever more segments of equal size."""
    labels = {k: np.arange(1000) * k // 1000 for k in range(2, largest + 1)}
    branches, across = [], []
    for k, own in labels.items():
        for segment in range(k):
            here = own == segment
            across.append((k, segment, 0.5, here.sum()))
            parents = (
                np.unique(labels[k - 1][here], return_counts=True) if k > 2 else ()
            )
            branches += [(k, segment, *pair) for pair in zip(*parents, strict=True)]
    return (
        pd.DataFrame(branches, columns=["k", "segment", "parent", "customers"]),
        pd.DataFrame(across, columns=["k", "segment", "value", "customers"]),
        labels,
    )


@pytest.mark.parametrize("chosen", [2, 5, 10])
def test_a_tree_up_to_ten_segments_has_no_number_on_another(chosen):
    branches, across, _ = nested(10)
    ax = plt.figure(figsize=(8, 6)).add_subplot()
    clustering_plots.tree(branches, across, chosen=chosen, ax=ax)
    ax.set_title("What was found")
    assert len(ax.texts) == sum(range(2, 11))
    assert_apart(ax.texts)


def test_a_single_number_of_segments_is_a_tree_of_one_column_without_lines(ax):
    branches, across = flows()
    one = across[across["k"] == 2]
    clustering_plots.tree(branches[:0], one, chosen=2, ax=ax)
    assert drawn(ax)[0].get_offsets()[:, 1].tolist() == [0.75, 0.25]


def test_a_tree_of_nested_segments_has_no_crossing(ax):
    branches, across, _ = nested(10)
    clustering_plots.tree(branches, across, chosen=4, ax=ax)
    lines = np.array(segments_of(lines_of(ax)))
    for one, other in combinations(lines, 2):
        if one[0, 0] == other[0, 0]:
            assert (one[0, 1] - other[0, 1]) * (one[1, 1] - other[1, 1]) >= 0


# gorge


def test_a_gorge_counts_members_at_the_foot_and_all_others_on_them():
    # 36 customers are alike to the first segment: 16 members and 20 others
    near = np.array([*[[0.9, 0.1]] * 16, *[[0.9, 0.95]] * 20, *[[0.1, 0.9]] * 16])
    ids = [1] * 16 + [2] * 36
    figure = clustering_plots.gorge(near, ids, NAMES)
    first, second = figure.axes
    others, members, outline = (patch.get_data() for patch in first.patches)
    at = np.searchsorted(members[1], [0.1 + 1e-6, 0.9 + 1e-6]) - 1
    assert members[0][at].tolist() == [0, 4]  # roots of 0 and 16
    assert outline[0][at].tolist() == [4, 6]  # roots of 16 and 36
    assert others[0][at].tolist() == [4, 6]
    assert others[2][at].tolist() == [0, 4]
    assert outline[0].sum() == 10
    assert first.get_xlim() == (0, 1)
    assert to_hex(first.patches[1].get_facecolor()) == plots.segment_colour(1)
    assert to_hex(second.patches[1].get_facecolor()) == plots.segment_colour(2)
    assert to_hex(second.patches[0].get_facecolor()) == plots.REFERENCE
    assert first.get_ylabel() == "Cooks\n31% of customers"
    assert second.get_xlabel().startswith("membership")


def test_ten_gorges_with_long_names_are_read_without_overlap():
    rng = np.random.default_rng(0)
    near = rng.dirichlet(np.ones(10), 200)
    long = {i: f"Customers who like long names {i}" for i in range(1, 11)}
    figure = clustering_plots.gorge(near, near.argmax(axis=1) + 1, long)
    assert_apart([ax.yaxis.label for ax in figure.axes])


# silhouette_plot

WIDTHS = pd.Series([0.1, 0.5, 0.3, -0.2, 0.4])
OF = [1, 1, 1, 2, 2]


def silhouette(ax, widths=WIDTHS, ids=OF, printed=NAMES, reference=0.1):
    return clustering_plots.silhouette_plot(
        widths, ids, names=printed, reference=reference, ax=ax
    )


def test_a_silhouette_falls_within_its_block_the_first_segment_on_top(ax):
    # ten customers of each width but one, who is drawn with the others of the step
    widths, ids = WIDTHS.repeat(10), np.repeat(OF, 10)
    widths.iloc[10:20] = [1.0, *[(5.0 - 1.0) / 9] * 9]  # 0.5 in the mean
    assert silhouette(ax, widths, ids) is ax
    first, second = ax.collections
    assert colours(first) == [plots.segment_colour(1)]
    assert colours(second) == [plots.segment_colour(2)]
    inside = first.get_paths()[0].vertices
    assert (inside[:, 1].min(), inside[:, 1].max()) == (0, 30)
    below = second.get_paths()[0].vertices
    assert below[:, 1].min() > 30
    assert below[:, 1].max() - below[:, 1].min() == pytest.approx(20)
    for block, steps in ((inside, [0.5, 0.3, 0.1]), (below, [0.4, -0.2])):
        assert set(block[:, 0].round(9)) == {0, *steps}
        for step, width in enumerate(steps):
            here = block[:, 1] == block[:, 1].min() + 10 * step + 5
            assert set(block[here, 0].round(9)) - {0} == {width}
    assert ax.yaxis.get_inverted()


def test_a_block_says_its_name_mean_and_share_below_nought(ax):
    silhouette(ax)
    assert names(ax.yaxis) == [
        "Cooks\nmean 0.30, 0% below 0",
        "Gardeners\nmean 0.10, fewer than 10 below 0",
    ]


@pytest.mark.parametrize("reference", [0.2, 0.22, -0.4])
def test_the_two_means_are_lines_with_labels_that_do_not_touch(ax, reference):
    silhouette(ax, reference=reference)
    found = sorted(line.get_xdata()[0] for line in ax.lines)
    assert found == pytest.approx(sorted([0.22, reference]))
    ax.figure.draw_without_rendering()
    texts = dict(zip(said(ax), ax.texts, strict=True))
    assert "customers 0.22" in texts
    assert f"references {reference:.2f}".replace("-", "−") in texts
    assert_apart([*ax.texts, ax._left_title] if ax._left_title.get_text() else ax.texts)
    # they stand over the first block, not on it
    bottom = ax.transData.transform((0, 0))[1]
    assert all(text.get_window_extent().y0 >= bottom for text in ax.texts)


def test_the_names_of_ten_thin_blocks_do_not_touch():
    widths = pd.Series(np.linspace(-0.1, 0.5, 1000))
    ids = np.repeat(np.arange(1, 11), [820, *[20] * 9])
    ax = plt.figure(figsize=(8, 6)).add_subplot()
    silhouette(ax, widths, ids, {i: f"Segment {i}" for i in range(1, 11)})
    assert_apart(ax.get_yticklabels())


# maps


def clouds():
    rng = np.random.default_rng(2)
    place = np.vstack([rng.normal(size=(30, 2)) + middle for middle in (0, 6, 9)])
    customers = pd.DataFrame(place + np.array([100, 0]), columns=["x", "y"])
    reference = pd.DataFrame(rng.normal(size=(90, 2)), columns=["x", "y"])
    return customers, reference, np.repeat([1, 2, 3], 30)


def test_two_maps_have_one_scale_and_each_its_own_middle():
    customers, reference, ids = clouds()
    figure = clustering_plots.maps(customers, reference, ids, NAMES, trust=(0.875, 0.8))
    left, right = figure.axes
    assert left.get_xlim() == right.get_xlim() and left.get_ylim() == right.get_ylim()
    for ax, table in ((left, customers), (right, reference)):
        dots = np.vstack([one.get_offsets() for one in drawn(ax)])
        assert len(dots) == (6 if ax is left else 8)  # 15 customers each; 11 or 12
        moved = table.to_numpy() - (table.min() + table.max()).to_numpy() / 2
        assert np.allclose(dots.mean(axis=0), moved.mean(axis=0), atol=0.1)
        assert not len(ax.get_xticks())
    found = [colour for one in drawn(left) for colour in colours(one)]
    assert found == [plots.segment_colour(i) for i in (1, 2, 3)]
    assert len(colours(drawn(right)[0])) == 1
    assert left.get_xlabel() == "trustworthiness 0.88"
    assert right.get_xlabel() == "trustworthiness 0.80"


def test_a_name_stands_at_the_median_of_its_segment():
    customers, reference, ids = clouds()
    figure = clustering_plots.maps(customers, reference, ids, NAMES, trust=(1, 1))
    middle = (customers.min() + customers.max()) / 2
    for text, segment in zip(figure.axes[0].texts, (1, 2, 3), strict=True):
        assert text.get_text() == NAMES[segment]
        expected = customers[ids == segment].median() - middle
        assert list(text.xy) == pytest.approx(expected.tolist())


def test_names_of_segments_in_one_place_are_apart_and_inside_also_under_a_title():
    customers, reference, _ = clouds()
    ids = np.arange(90) % 9 + 1
    long = {i: f"Customers with a long name {i}" for i in range(1, 10)}
    figure = clustering_plots.maps(customers, reference, ids, long, trust=(1, 1))
    figure.suptitle("What was found", x=0.01, ha="left")
    assert_apart(figure.axes[0].texts, share=0.05)
    frame = figure.axes[0].get_window_extent()
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert box.x0 >= frame.x0 - 5 and box.x1 <= frame.x1 + 5


def test_a_name_at_the_edge_is_moved_into_its_own_map():
    customers, reference, ids = clouds()
    far = customers.assign(x=customers["x"].where(ids != 3, 130.0))
    long = NAMES | {1: "Customers at the", 3: "Customers at the"}
    figure = clustering_plots.maps(far, reference, ids, long, trust=(1, 1))
    figure.draw_without_rendering()
    frame = figure.axes[0].get_window_extent()
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert frame.x0 - 1 <= box.x0 and box.x1 <= frame.x1 + 1


# benchmark

DESIGNS = ["k-means 5", "value tiers", "spend quintiles", "random label"]


def standings():
    table = pd.DataFrame(
        [
            (design, outcome, score, 0.6 - i / 10)
            for outcome, score in (("later sales", "r2"), ("still active", "auc"))
            for i, design in enumerate(DESIGNS)
        ],
        columns=["design", "outcome", "score", "alone"],
    )
    table["alone_low"] = table["alone"] - 0.05
    table["alone_high"] = table["alone"] + 0.02
    return table


def compete(table, **changes):
    given = {
        "ours": DESIGNS[:1],
        "baselines": DESIGNS[2:],
    }
    return clustering_plots.benchmark(table, **(given | changes))


def dots_by_row(ax):
    return {c.get_offsets()[0, 1]: c for c in drawn(ax)}


def test_designs_are_dots_on_their_intervals_in_the_order_of_the_table():
    figure = compete(standings())
    first, second = figure.axes
    dots = dots_by_row(first)
    assert [dots[y].get_offsets()[0, 0] for y in range(4)] == pytest.approx(
        [0.6, 0.5, 0.4, 0.3]
    )
    ends = [c for c in first.collections if c not in dots.values()]
    expected = [
        [[x - 0.05, y], [x + 0.02, y]] for y, x in enumerate((0.6, 0.5, 0.4, 0.3))
    ]
    assert np.allclose([segments_of(c)[0] for c in ends], expected)
    assert names(first.yaxis) == DESIGNS and first.yaxis.get_inverted()
    assert [ax.get_title(loc="left") for ax in figure.axes] == [
        *("later sales", "still active")
    ]
    assert first.get_xlabel() == "share\nexplained (R²)"
    assert second.get_xlabel() == "area under the\ncurve"


def test_ours_is_bold_and_coloured_and_baselines_are_hollow_with_a_line():
    first = compete(standings()).axes[0]
    dots = dots_by_row(first)
    assert [colours(dots[y])[0] for y in range(4)] == [
        *(plots.ACCENT, plots.INK, "#ffffff", "#ffffff")
    ]
    weights = [label.get_fontweight() for label in first.get_yticklabels()]
    assert weights[0] == "bold" and "bold" not in weights[1:]
    dashed = [line.get_xdata()[0] for line in first.lines if line.is_dashed()]
    assert dashed == pytest.approx([0.4, 0.3])


def test_no_skill_is_nought_for_a_share_and_a_half_for_an_area():
    def solid(figure):
        return [
            line.get_xdata()[0]
            for ax in figure.axes
            for line in ax.lines
            if not line.is_dashed()
        ]

    assert solid(compete(standings())) == [0, 0.5]


def test_what_could_not_be_judged_says_so_in_its_row():
    table = standings()
    table.loc[5, ["alone", "alone_low", "alone_high"]] = np.nan
    second = compete(table).axes[1]
    assert said(second) == ["not judged"]
    assert second.texts[0].get_position()[1] == 1
    assert sorted(dots_by_row(second)) == [0, 2, 3]


def test_sixteen_designs_and_four_outcomes_are_read_without_overlap():
    designs = [f"a design with a name {i}" for i in range(16)]
    outcomes = [
        "later sales (log)",
        "later need mix",
        "still active",
        "coupon redeemed",
    ]
    rows = [
        (d, o, "r2", i / 50, i / 50 - 0.01, i / 50 + 0.01)
        for i, (o, d) in enumerate(product(outcomes, designs))
    ]
    columns = ["design", "outcome", "score", "alone", "alone_low", "alone_high"]
    table = pd.DataFrame(rows, columns=columns)
    figure = compete(table, ours=designs[:1], baselines=designs[1:2])
    figure.suptitle("What was found", x=0.01, ha="left")
    figure.draw_without_rendering()
    texts = [*figure.texts, *figure.axes[0].get_yticklabels()]
    for ax in figure.axes:
        texts += [ax._left_title, ax.xaxis.label, *ticks_in_view(ax.xaxis)]
    assert_apart(texts)


# multiverse


def universes():
    return pd.DataFrame(
        {
            "scaling": ["standard", "standard", "range", "range"],
            "winsor": [0.05, 0.0, 0.05, 0.0],
            "ari": [1.0, 0.7, 0.4, 0.8],
        }
    )


def all_choices(table):
    chosen = {"scaling": "standard", "winsor": 0.05}
    return clustering_plots.multiverse(table, chosen=chosen)


def test_universes_are_sorted_and_each_stands_over_the_choices_it_made():
    above, below = all_choices(universes()).axes
    assert above.collections[0].get_offsets()[:, 1].tolist() == [0.4, 0.7, 0.8, 1.0]
    assert names(below.yaxis) == [
        *("scaling: standard", "scaling: range", "winsor: 0.05", "winsor: 0")
    ]
    made = [c.get_offsets() for c in drawn(below)[1::2]]
    by_row = {int(place[0, 1]): place[:, 0].tolist() for place in made}
    assert by_row == {0: [1, 3], 1: [0, 2], 2: [0, 3], 3: [1, 2]}
    grey = [c.get_offsets()[:, 0].tolist() for c in drawn(below)[::2]]
    assert grey == [[0, 1, 2, 3]] * 4
    assert below.yaxis.get_inverted()


def test_the_chosen_universe_is_marked_and_named():
    above, below = all_choices(universes()).axes
    assert colours(above.collections[0]) == [*[plots.INK] * 3, plots.ACCENT]
    assert said(above) == ["chosen  "]
    assert above.texts[0].xy == (3, 1.0)
    assert colours(drawn(below)[1]) == [plots.INK, plots.ACCENT]
    # a line parts the choices from each other
    assert [line.get_ydata()[0] for line in below.lines] == [1.5]


def test_an_agreement_below_nought_is_inside_the_picture():
    above, _ = all_choices(universes().replace({"ari": {0.4: -0.2}})).axes
    assert above.get_ylim()[0] < -0.2


# gap_plot


def gaps():
    table = pd.DataFrame(
        {"k": [3, 1, 2], "gap": [0.6, 0.2, 0.5], "se": [0.03, 0.01, 0.02]}
    )
    references = pd.DataFrame(
        [(draw, k, 0.1 * k + draw / 100) for draw in (1, 2) for k in (3, 2, 1)],
        columns=["reference", "k", "value"],
    )
    return table, references


def test_the_gap_has_bars_of_one_standard_error_and_a_grey_line_a_reference(ax):
    table, references = gaps()
    assert (
        clustering_plots.gap_plot(table, references, choices={"Tibshirani": 2}, ax=ax)
        is ax
    )
    ours = next(line for line in ax.lines if to_hex(line.get_color()) == plots.ACCENT)
    assert ours.get_xdata().tolist() == [1, 2, 3]
    assert ours.get_ydata().tolist() == [0.2, 0.5, 0.6]
    bars = segments_of(ax.collections[0])
    expected = [[[1, 0.19], [1, 0.21]], [[2, 0.48], [2, 0.52]], [[3, 0.57], [3, 0.63]]]
    assert np.allclose(bars, expected)
    grey = [line for line in ax.lines if to_hex(line.get_color()) == plots.REFERENCE]
    assert [line.get_ydata().tolist() for line in grey] == [
        pytest.approx([0.11, 0.21, 0.31]),
        pytest.approx([0.12, 0.22, 0.32]),
    ]


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"first SE max": 2, "Tibshirani": 3}, ["first SE max: 2", "Tibshirani: 3"]),
        ({"first SE max": 1, "Tibshirani": 1}, ["first SE max, Tibshirani: 1"]),
    ],
)
def test_each_rule_is_named_at_its_k_over_the_data(ax, choices, expected):
    table, references = gaps()
    clustering_plots.gap_plot(table, references, choices=choices, ax=ax)
    ax.set_title("What was found")
    assert said(ax) == [*expected, "customers", "references"]
    dashed = [line.get_xdata()[0] for line in ax.lines if line.is_dashed()]
    assert dashed == sorted(set(choices.values()))
    assert_apart([*ax.texts, ax._left_title])
    top = ax.transData.transform((0, 0.63))[1]
    for text in ax.texts[: len(expected)]:
        assert text.get_window_extent().y0 > top


def test_names_of_rules_at_neighbouring_k_are_on_lines_of_their_own(ax):
    many = pd.DataFrame({"k": range(1, 11), "gap": 0.5, "se": 0.01})
    references = many.rename(columns={"gap": "value"}).assign(reference=1)
    rules = {"first SE max": 6, "Tibshirani": 7, "a third": 5}
    clustering_plots.gap_plot(many, references, choices=rules, ax=ax)
    assert_apart(ax.texts)


# common


def test_a_figure_is_made_if_no_axes_are_given():
    found = clustering_plots.gap_plot(*gaps(), choices={})
    assert found.figure.get_size_inches().tolist() == [8, 3.4]


def test_a_figure_is_shown_under_its_title_and_with_its_alt_text(monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "show", lambda figure, alt: shown.append((figure, alt)))
    found = clustering_plots.gap_plot(*gaps(), choices={})
    facts = {"of_customers": 0.1, "reference_low": 0.02, "reference_high": 0.05}
    clustering_plots.show(found, "choice-gap", steeper=True, **facts)
    [(figure, alt)] = shown
    assert figure is found.figure
    assert figure.get_suptitle() == "The gap rises more than in references"
    assert alt.startswith("The gap rises more than in references. From one segment on")
