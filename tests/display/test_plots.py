"""What is drawn: lengths, labels, colours, and the text that stands for a figure."""

import base64
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from drawn import closed_afterwards as closed_afterwards, names, said
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text

from helpers.core import paths
from helpers.display import plots
from helpers.runs import run_file

SIZES = pd.Series([30.0, 12.5, 0.0], index=["Cooks", "Gardeners", "Rest"])


@pytest.fixture
def ax():
    return plt.figure().add_subplot()


def test_bars_are_as_long_as_their_values_with_the_value_at_the_end(ax):
    assert plots.bars(SIZES, label="customers", ax=ax) is ax
    assert [bar.get_width() for bar in ax.patches] == [30, 12.5, 0]
    assert said(ax) == ["30", "12", "0"]
    middles = [bar.get_y() + bar.get_height() / 2 for bar in ax.patches]
    assert [text.get_position()[1] for text in ax.texts] == pytest.approx(middles)
    assert all(
        text.get_position()[0] > bar.get_width()
        for text, bar in zip(ax.texts, ax.patches, strict=True)
    )
    assert names(ax.yaxis) == ["Cooks", "Gardeners", "Rest"]
    assert ax.get_xlabel() == "customers"
    assert ax.yaxis.get_inverted()
    assert ax.get_xlim()[0] == 0


def test_a_bar_below_nought_is_inside_the_picture(ax):
    values = pd.Series([-3.0, 2.0], index=["a", "b"])
    plots.bars(values, label="", ax=ax)
    assert ax.get_xlim()[0] <= -3


def test_functions_draw_on_the_current_axes_if_none_are_given(ax):
    assert plots.bars(SIZES, label="") is ax
    assert len(ax.patches) == 3


def test_every_segment_has_a_colour_of_its_own():
    colours = [plots.segment_colour(i) for i in range(11)]
    assert len(set(colours)) == 11
    assert colours[0] == plots.UNCLASSIFIED
    assert colours[1:] == plots.SEGMENT_COLOURS


def test_a_line_stands_on_nought_with_its_days_as_months(ax):
    days = pd.date_range("2017-01-01", periods=4, freq="30D")
    plots.line(pd.Series([5.0, 0.0, 10.0, 2.0], index=days), label="orders", ax=ax)
    assert ax.lines[0].get_ydata().tolist() == [5, 0, 10, 2]
    assert ax.get_ylim() == pytest.approx((0, 11))
    assert ax.get_ylabel() == "orders"
    form = ax.xaxis.get_major_formatter()
    assert form(mpl.dates.date2num(days[1])) == "Jan 2017"


def test_a_histogram_counts_everybody_and_marks_the_median(ax):
    values = pd.Series([*range(100), 10_000.0])
    plots.histogram(values, label="days", ax=ax)
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(101)
    assert ax.lines[0].get_xdata() == [50, 50]
    assert ax.get_title() == "days"
    # the far one counts in the last bar and does not stretch the picture
    assert max(bar.get_x() + bar.get_width() for bar in ax.patches) < 10_000


def test_correlations_are_a_triangle_with_the_strong_ones_in_numbers(ax):
    table = pd.DataFrame(
        [[1, 0.62, 0.3], [0.62, 1, -0.54], [0.3, -0.54, 1]],
        index=list("abc"),
        columns=list("abc"),
    )
    plots.correlations(table, ax=ax)
    shown = ax.collections[0].get_array().reshape(2, 2)
    assert shown.mask.tolist() == [[False, True], [False, False]]
    assert shown.compressed().tolist() == [0.62, 0.3, -0.54]
    assert said(ax) == [".6", "", "−.5"]
    assert names(ax.xaxis) == ["a", "b"] and names(ax.yaxis) == ["b", "c"]
    assert ax.collections[0].get_clim() == (-1, 1)


def test_associations_have_a_scale_from_zero(ax):
    table = pd.DataFrame([[1, 0.6], [0.6, 1]], index=list("ab"), columns=list("ab"))
    plots.correlations(table, label="association", least=0, ax=ax)
    assert ax.collections[0].get_clim() == (0, 1)
    assert ax.figure.axes[-1].get_ylabel() == "association"


def test_a_box_for_each_segment_has_its_colour_and_place_by_its_number(ax):
    table = pd.DataFrame(
        {
            "segment_id": [3, 1, 3, 1],
            "name": ["Cooks", "Bathers", "Cooks", "Bathers"],
            "jaccard": [0.5, 0.9, 0.6, 0.8],
        }
    )
    plots.spread_by_segment(table, value="jaccard", label="recovery", ax=ax)
    assert names(ax.yaxis) == ["Bathers", "Cooks"]
    # seaborn greys the colour of boxes a little
    for box, segment_id in zip(ax.patches, (1, 3), strict=True):
        wanted = to_rgb(plots.segment_colour(segment_id))
        assert box.get_facecolor()[:3] == pytest.approx(wanted, abs=0.15)
    assert ax.get_xlabel() == "recovery" and ax.get_ylabel() == ""


def test_estimates_are_dots_on_their_intervals_the_first_on_top(ax):
    table = pd.DataFrame(
        {
            "label": ["tiers", "needs"],
            "r2": [0.4, 0.1],
            "low": [0.3, 0.05],
            "high": [0.5, 0.2],
        }
    )
    colours = ["#112233", "#445566"]
    plots.estimates(
        table, names="label", value="r2", label="explained", colours=colours, ax=ax
    )
    lines, dots = ax.collections
    assert [part[:, 0].tolist() for part in lines.get_segments()] == [
        [0.3, 0.5],
        [0.05, 0.2],
    ]
    assert dots.get_offsets().tolist() == [[0.4, 0], [0.1, 1]]
    assert [to_hex(colour) for colour in dots.get_facecolor()] == colours
    assert names(ax.yaxis) == ["tiers", "needs"] and ax.yaxis.get_inverted()
    assert ax.lines[0].get_xdata() == [0, 0]


def shown(monkeypatch, figure, alt):
    seen = []
    monkeypatch.setattr(plots, "display", seen.append)
    plots.show(figure, alt=alt)
    return seen[0]


def test_a_figure_is_shown_with_the_text_that_stands_for_it(monkeypatch, ax):
    plots.bars(SIZES, label="", ax=ax)
    image = shown(monkeypatch, ax.figure, 'Three bars, the "Cooks" longest')
    data, metadata = image._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == 'Three bars, the "Cooks" longest'
    png = base64.b64decode(data["image/png"])
    assert png.startswith(b"\x89PNG")
    width, height = ax.figure.get_size_inches() * ax.figure.dpi
    size = {"width": int(width), "height": int(height)}
    assert size.items() <= metadata["image/png"].items()
    assert not plt.get_fignums()


def test_the_same_figure_gives_the_same_bytes_without_version_or_date(monkeypatch):
    images = []
    for _ in range(2):
        ax = plots.bars(SIZES, label="", ax=plt.figure().add_subplot())
        images.append(shown(monkeypatch, ax.figure, "x").data)
    assert images[0] == images[1]
    assert b"Software" not in images[0] and b"matplotlib" not in images[0].lower()


def test_the_theme_sharpens_pictures_and_leaves_room_for_nothing_else():
    plots.theme()
    assert plt.rcParams["savefig.dpi"] == 160
    assert not plt.rcParams["axes.spines.top"]
    assert plt.rcParams["axes.titlelocation"] == "left"


def test_heights_are_moved_apart_no_farther_than_needed():
    assert plots.apart([0, 10, 20], 5).tolist() == [0, 10, 20]
    assert plots.apart([10, 10], 4) == pytest.approx([8, 12])
    assert plots.apart([3, 0, 0.5], 1) == pytest.approx([3, -0.25, 0.75])


def test_the_theme_forgets_what_a_matplotlibrc_says():
    with mpl.rc_context(
        {"font.size": 40, "axes.facecolor": "red", "text.usetex": True}
    ):
        plots.theme()
        assert mpl.rcParams["font.size"] == 10
        assert mpl.rcParams["axes.facecolor"] == "white"
        assert not mpl.rcParams["text.usetex"]


# As mathematics the first is an error, and of the second the dollars would vanish.
DOLLARS = ("$5 off, $x^{", "$a$")
TABLE = pd.DataFrame(
    {"name": DOLLARS, "value": [1.0, 2.0], "low": [0.5, 1.5], "high": [1.5, 2.5]}
)
SQUARES = pd.DataFrame([[0.2, 0.9], [0.9, 0.2]], index=DOLLARS, columns=DOLLARS)
WRITTEN = {
    "bars": lambda ax, name: plots.bars(
        pd.Series([1.0, 2.0], index=DOLLARS), label=name, ax=ax
    ),
    "box": lambda ax, name: plots.spread_by_segment(
        TABLE.assign(segment_id=[1, 2]), value="value", label=name, ax=ax
    ),
    "calibration": lambda ax, name: plots.calibration(
        TABLE[["low", "high"]] / 5,
        forecast="low",
        observed="high",
        xlabel=name,
        ylabel=name,
        ax=ax,
    ),
    "correlations": lambda ax, _: plots.correlations(
        pd.concat([SQUARES, SQUARES])
        .iloc[:3, [0, 1, 0]]
        .set_axis([*DOLLARS, "$"], axis=1),
        ax=ax,
    ),
    "estimates": lambda ax, name: plots.estimates(
        TABLE, names="name", value="value", label=name, ax=ax
    ),
    "heat map": lambda ax, name: plots.heat_map(
        SQUARES, cmap=plots.DIVERGING, numbers=SQUARES.map(lambda _: name), ax=ax
    ),
    "histogram": lambda ax, name: plots.histogram(TABLE["value"], label=name, ax=ax),
    "line": lambda ax, name: plots.line(TABLE["value"], label=name, ax=ax),
    "rows": lambda ax, _: plots.name_rows(ax, DOLLARS),
    "title": lambda ax, name: ax.set_title(name),
    "head": lambda ax, name: ax.figure.suptitle(name),
    "note": lambda ax, name: ax.annotate(name, (0, 0)),
    "scale": lambda ax, name: ax.figure.colorbar(
        ax.imshow(SQUARES.to_numpy(float)), ax=ax, label=name
    ),
    "ticks": lambda ax, _: ax.set_xticks([0, 1], DOLLARS),
    "categories": lambda ax, _: ax.plot(DOLLARS, [1, 2]),
    "legend": lambda ax, name: (
        [ax.plot([1], [1], label=one) for one in DOLLARS] and ax.legend(title=name)
    ),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_two_dollars_in_a_name_neither_stop_a_figure_nor_vanish(kind):
    with mpl.rc_context({"text.parse_math": True}):
        plots.theme()
        for name in DOLLARS:
            figure = plt.figure()
            WRITTEN[kind](figure.add_subplot(), name)
            assert plots.picture(figure, alt="").png
            texts = [text for text in figure.findobj(Text) if "$" in text.get_text()]
            assert texts
            for text in texts:
                as_it_is = text.get_window_extent().width
                text.set_text(text.get_text().replace("$", "S"))
                assert as_it_is > 0.8 * text.get_window_extent().width
            plt.close(figure)


def test_no_chart_asks_for_mathematics_and_each_notebook_sets_the_theme_first():
    sources = [
        file.read_text("utf-8") for file in paths.ROOT.glob("src/helpers/**/*.py")
    ]
    books = ["\n".join(run_file.code(book)) for book in paths.notebooks()]
    asks = re.compile(r"parse_math=True|usetex|mathtext|MathText|\\mathdefault")
    assert not any(map(asks.search, [*sources, *books]))
    drawn = [code for code in books if "plt.subplots" in code]
    assert len(drawn) >= 7
    for code in drawn:
        assert 0 < code.index("plots.theme()") < code.index("plt.subplots")


def test_dots_are_means_of_ten_customers_or_more():
    corners = np.array([(0.0, 0.0), (0.0, 9.0), (9.0, 0.0), (9.0, 9.0)])
    order = np.random.default_rng(1).permutation(40)
    dots = plots.gathered(np.repeat(corners, 10, axis=0)[order])
    assert sorted(map(tuple, dots)) == sorted(map(tuple, corners))
    people = np.random.default_rng(2).normal(size=(57, 2))
    dots = plots.gathered(people)
    assert len(dots) <= 5 and not {*map(tuple, dots)} & {*map(tuple, people)}
    assert np.allclose(plots.gathered(people[:19]), people[:19].mean(axis=0))
