"""What is drawn of segments: lengths, areas, words and colours that grey print keeps."""

import itertools

import numpy as np
import pandas as pd
import pytest
from drawn import closed_afterwards as closed_afterwards, names, said
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Ellipse

from helpers.display import plots
from helpers.personas import plots as personas_plots
from helpers.personas.rules import Condition, Leaf, Split


@pytest.fixture
def ax():
    return plt.figure(figsize=(personas_plots.WIDTH, 4)).add_subplot()


def luminance(colour):
    parts = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in to_rgb(colour)
    ]
    return float(np.dot(parts, [0.2126, 0.7152, 0.0722]))


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


PROFILE = pd.DataFrame(
    {
        "label": ["tea", "soap"],
        "value": [0.3, 0.05],
        "overall": [0.1, 0.06],
        "marker": [True, False],
    }
)


def test_a_profile_has_bars_for_the_segment_and_dots_for_all_with_both_numbers(ax):
    personas_plots.profile(PROFILE, colour="#1f5673", form="{:.0%}", ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [0.3, 0.05]
    assert ax.collections[0].get_offsets().tolist() == [[0.1, 0], [0.06, 1]]
    assert said(ax) == ["30% (all 10%)", "5% (all 6%)"]
    assert names(ax.yaxis) == ["tea", "soap"] and ax.yaxis.get_inverted()


def test_only_markers_are_in_colour_and_bold(ax):
    personas_plots.profile(PROFILE, colour="#1f5673", form="{:.0%}", ax=ax)
    fills = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert fills == ["#1f5673", personas_plots.PALE]
    assert [text.get_fontweight() for text in ax.texts] == ["bold", "normal"]


INDEX = pd.DataFrame(
    {"Cooks": [50.0, 100.0, 25.0], "Home and garden": [200.0, 900.0, np.nan]},
    index=["tea", "soap", "wool"],
)


def heatmap(ax):
    marks = pd.DataFrame(False, INDEX.index, INDEX.columns)
    marks.iloc[0, 1] = True
    return personas_plots.index_heatmap(INDEX, marks=marks, ax=ax)


def test_half_and_double_the_average_are_equally_far_from_it(ax):
    heatmap(ax)
    shades = np.asarray(ax.images[0].get_array())
    assert shades[0].tolist() == [0.25, 0.75]
    assert shades[1].tolist() == [0.5, 1]
    assert shades[2, 0] == 0
    assert said(ax) == ["50", "200", "100", "900", "25", ""]
    assert [t.get_fontweight() for t in ax.texts][:2] == ["normal", "bold"]
    assert names(ax.xaxis) == ["Cooks", "Home\nand\ngarden"]


def test_shades_grow_darker_from_below_to_above_so_that_grey_print_keeps_the_order():
    light = [luminance(personas_plots.RISING(step)) for step in np.linspace(0, 1, 41)]
    assert all(a > b for a, b in itertools.pairwise(light))
    assert light[0] > 0.85 and light[-1] < 0.05


def test_every_number_of_the_heat_map_can_be_read(ax):
    heatmap(ax)
    for text, shade in zip(ax.texts, np.ravel(ax.images[0].get_array()), strict=True):
        if text.get_text():
            assert contrast(text.get_color(), personas_plots.RISING(shade)) >= 4.5


def test_numbers_can_be_read_on_every_shade(ax):
    steps = np.linspace(25, 400, 60)
    table = pd.DataFrame(steps[:, None], columns=["x"])
    personas_plots.index_heatmap(table, marks=table > 1e9, ax=ax)
    for text, shade in zip(ax.texts, np.ravel(ax.images[0].get_array()), strict=True):
        assert contrast(text.get_color(), personas_plots.RISING(shade)) >= 4.5


SUMMARY = pd.DataFrame(
    {
        "segment_id": [1, 2, 0],
        "name": ["Cooks", "Bathers", "Too little data"],
        "share_customers": [0.25, 0.5, 0.25],
        "share_sales": [0.6, 0.38, 0.02],
        "sales_per_customer": [2400.0, 760.0, 80.0],
        "low": [2200.0, 700.0, 70.0],
        "high": [2600.0, 820.0, 90.0],
    }
)


def test_the_area_of_a_bar_is_the_sales_of_its_segment(ax):
    personas_plots.size_and_worth(SUMMARY, symbol="€", ax=ax)
    areas = [bar.get_width() * bar.get_height() for bar in ax.patches]
    assert np.divide(areas, sum(areas)).tolist() == pytest.approx([0.6, 0.38, 0.02])
    assert [bar.get_height() for bar in ax.patches] == [0.25, 0.5, 0.25]
    edges = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches]
    assert edges == [(0, 0.25), (0.25, 0.75), (0.75, 1)]
    fills = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert fills == [plots.segment_colour(i) for i in (1, 2, 0)]


def test_the_mosaic_names_its_parts_beside_them(ax):
    personas_plots.size_and_worth(SUMMARY, symbol="€", ax=ax)
    assert said(ax) == ["customers · sales", "25% · 60%", "50% · 38%", "25% · 2%"]
    assert names(ax.yaxis) == SUMMARY["name"].tolist() and ax.yaxis.get_inverted()
    ax.figure.draw_without_rendering()
    assert names(ax.xaxis) == ["€0", "€1,000"]
    lines = ax.collections[1].get_segments()
    assert [line[:, 0].tolist() for line in lines] == [
        [2200, 2600],
        [700, 820],
        [70, 90],
    ]


def cloud():
    """Give two segments whose centres and spread are known."""
    rng = np.random.default_rng(1)
    points = rng.standard_normal((4000, 2)) * [2, 1]
    ids = np.arange(4000) % 2 + 1
    points[ids == 2] += [10, 5]
    return pd.DataFrame(points, columns=["x", "y"]).assign(segment_id=ids)


NEAR = pd.DataFrame(
    {"segment_id": [1, 2], "other_id": [2, 1], "either_share": [0.3, np.nan]}
)


def separate(ax):
    named = {1: "Cooks", 2: "Bathers"}
    return personas_plots.separation(cloud(), names=named, neighbours=NEAR, ax=ax)


def test_an_ellipse_holds_the_middle_half_of_a_segment(ax):
    separate(ax)
    ellipses = [patch for patch in ax.patches if isinstance(patch, Ellipse)]
    assert len(ellipses) == 2
    points = cloud()
    for ellipse, (_, group) in zip(ellipses, points.groupby("segment_id"), strict=True):
        inside = ellipse.get_path().contains_points(
            ellipse.get_patch_transform().inverted().transform(group[["x", "y"]])
        )
        assert inside.mean() == pytest.approx(0.5, abs=0.03)


def test_no_customer_is_drawn_and_names_stand_beside_tied_to_centres(ax):
    separate(ax)
    assert not ax.collections
    assert sum(len(line.get_xdata()) for line in ax.lines) == 2 + 2
    assert said(ax) == ["Bathers", "Cooks"]  # from the top
    for text, centre in zip(ax.texts, ([10, 5], [0, 0]), strict=True):
        assert text.xy == pytest.approx(centre, abs=0.1)
    assert not len(ax.get_xticks())


def test_a_share_that_is_not_said_has_no_line_and_others_are_as_thick_as_it_is(ax):
    separate(ax)
    between = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert [line.get_linewidth() for line in between] == [6]


TREE = Split(
    Condition("share_tea", 0.25),
    Leaf(1),
    Split(Condition("tier", "high"), Leaf(2), Leaf(3)),
)
SEGMENTS = {1: "Cooks", 2: "Bathers", 3: "Movers"}


def test_rules_are_an_indented_list_that_ends_in_segments(ax):
    personas_plots.rule_tree(TREE, names=SEGMENTS, ax=ax)
    assert said(ax) == [
        *("tea at least 25%:", " Cooks ", "tea below 25%, and"),
        *("tier is high:", " Bathers ", "tier is not high:", " Movers "),
    ]
    lines = [text for text in ax.texts if not text.get_text().startswith(" ")]
    assert [text.xy for text in lines] == [(0, 0), (0, 1), (1, 2), (1, 3)]
    fills = [
        to_hex(t.get_bbox_patch().get_facecolor())
        for t in ax.texts
        if t.get_bbox_patch()
    ]
    assert fills == [plots.segment_colour(i) for i in (1, 2, 3)]


def test_the_name_of_every_segment_can_be_read_in_its_box():
    for i in range(11):
        colour = plots.segment_colour(i)
        assert contrast(plots.ink_on(colour), colour) >= 4.5, i


def test_rules_without_a_question_name_the_one_segment(ax):
    personas_plots.rule_tree(Leaf(2), names=SEGMENTS, ax=ax)
    assert said(ax) == ["everybody", " Bathers "]


def test_golden_questions_are_dots_with_intervals_beside_guessing(ax):
    table = pd.DataFrame(
        {
            "agreement": [0.44, 0.7],
            "low": [0.4, 0.66],
            "high": [0.48, 0.74],
            "majority": 0.3,
        }
    )
    personas_plots.golden(table, labels=["tea", "soap"], ax=ax)
    assert said(ax) == ["always the largest: 30%", "44%", "70%"]
    assert ax.lines[0].get_xdata() == [0.3, 0.3]
    spans, dots = ax.collections
    assert [line[:, 0].tolist() for line in spans.get_segments()] == [
        [0.4, 0.48],
        [0.66, 0.74],
    ]
    assert dots.get_offsets().tolist() == [[0.44, 0], [0.7, 1]]
    assert names(ax.yaxis) == ["tea", "soap"]


@pytest.mark.parametrize(
    ("name", "width", "lines"),
    [
        ("Fresh and natural", 9, "Fresh and\nnatural"),
        ("Household", 4, "Household"),
        ("a b c", 3, "a b\nc"),
        ("", 5, ""),
    ],
)
def test_names_break_between_words(name, width, lines):
    assert personas_plots.wrapped(name, width) == lines


def test_a_name_of_200_letters_leaves_room_for_the_figure():
    assert personas_plots.shortened("Home cooking") == "Home cooking"
    # a letter of Hindi is not cut from its vowel sign
    assert personas_plots.shortened("ab" + "की" * 25) == "ab" + "की" * 18 + "…"
    short = personas_plots.shortened("very long name " * 14)
    assert len(short) <= personas_plots.LONGEST and short.endswith("…")


def test_a_segment_of_few_customers_is_not_drawn(ax):
    rng = np.random.default_rng(1)
    points = pd.DataFrame(rng.normal(size=(31, 2)), columns=["x", "y"])
    points["segment_id"] = [1] * 15 + [2] * 15 + [3]
    near = pd.DataFrame(
        {"segment_id": [1, 3], "other_id": [2, 1], "either_share": [0.2, 0.3]}
    )
    named = {1: "A", 2: "B", 3: "C"}
    personas_plots.separation(points, names=named, neighbours=near, ax=ax)
    assert len(ax.patches) == 2
    assert {text.get_text() for text in ax.texts} == {"A", "B"}
