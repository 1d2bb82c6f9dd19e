"""What is drawn of plans and campaigns: places, lengths, colours and words."""

import numpy as np
import pandas as pd
import pytest
from drawn import closed_afterwards as closed_afterwards, names
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from helpers.activation import messages, plots as activation_plots
from helpers.display import plots


@pytest.fixture
def ax():
    size = (activation_plots.WIDTH, 4)
    return plt.figure(figsize=size, layout="constrained").add_subplot()


def test_the_clock_leaves_out_the_hours_when_nobody_orders(ax):
    table = pd.DataFrame(0.0, messages.WEEKDAYS, range(24))
    table.loc["Mon", 8], table.loc["Sun", 17] = 0.75, 0.25
    activation_plots.clock(table, ax=ax)
    image = ax.images[0].get_array()
    assert image.shape == (7, 10)
    assert image[0, 0] == 0.75 and image[6, 9] == 0.25
    assert names(ax.xaxis)[0] == "8:00"
    assert names(ax.yaxis)[0] == "Mon"


RATES = pd.DataFrame(
    {
        "segment_id": [1, 1, 2],
        "kind": ["mail", "visit", "mail"],
        "rate": [0.1, 0.2, 0.3],
        "low": [0.05, 0.15, 0.2],
        "high": [0.2, 0.3, 0.4],
        "break_even": [0.08, np.nan, 0.08],
    }
)


def test_each_kind_has_its_dot_in_the_segments_colour(ax):
    activation_plots.by_segment(
        RATES,
        names={1: "Cooks", 2: "Movers"},
        value="rate",
        kinds=["mail", "visit"],
        label="answers",
        limits="break_even",
        ax=ax,
    )
    dots = [
        line for line in ax.lines if line.get_marker() in "os" and len(line.get_xdata())
    ]
    assert [line.get_xdata()[0] for line in dots] == [0.1, 0.2, 0.3]
    assert [to_hex(line.get_color()) for line in dots] == [
        plots.segment_colour(i) for i in (1, 1, 2)
    ]
    # mail stands above visit inside a segment; the axis runs downwards
    assert dots[0].get_ydata()[0] < dots[1].get_ydata()[0] < dots[2].get_ydata()[0]
    limits = [line for line in ax.lines if line.get_marker() == "|"]
    assert [list(line.get_xdata()) for line in limits] == [[0.08], [0.08], []]
    told = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert told == ["mail", "visit", "break even"]


def test_hit_rates_stand_side_by_side_for_each_number_of_items(ax):
    table = pd.DataFrame(
        {
            "n": [1, 1, 5, 5],
            "way": ["popularity", "segment"] * 2,
            "hit_rate": [0.2, 0.3, 0.5, 0.6],
            "low": 0.1,
            "high": 0.7,
        }
    )
    activation_plots.hit_rates(table, ax=ax)
    assert names(ax.xaxis) == ["1", "5"]
    first, second = ax.lines
    assert list(first.get_ydata()) == [0.2, 0.5]
    assert (np.array(first.get_xdata()) < np.array(second.get_xdata())).all()


def test_a_plans_bar_is_as_long_as_its_contacts_in_a_frame_of_the_segment(ax):
    table = pd.DataFrame(
        {
            "segment_id": [1, 1, 2, 2],
            "offer": ["box", "call"] * 2,
            "contacts": [30, 20, 0, 10],
            "customers": [100, 100, 40, 40],
        }
    )
    activation_plots.plan(table, names={2: "Movers", 1: "Cooks"}, ax=ax)
    box, call, whole = ax.containers
    assert [bar.get_width() for bar in box] == [0, 30]
    assert [bar.get_x() for bar in call] == [0, 30]
    assert [bar.get_width() for bar in whole] == [40, 100]
    assert [text.get_text() for text in ax.texts] == ["10 of 40", "50 of 100"]


def test_the_line_of_smallest_effects_names_its_marks(ax):
    table = pd.DataFrame({"customers": [100, 400], "effect": [0.2, 0.1]})
    marks = pd.DataFrame(
        {"segment_id": [1], "name": ["Cooks"], "customers": [400], "effect": [0.1]}
    )
    activation_plots.smallest_effects(table, marks=marks, ax=ax)
    assert list(ax.lines[0].get_ydata()) == [0.2, 0.1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Cooks"]


def test_more_kinds_than_markers_are_drawn_all_the_same(ax):
    kinds = [f"kind {i}" for i in range(12)]
    rates = pd.DataFrame({"segment_id": 1, "kind": kinds, "rate": 0.1})
    rates = rates.assign(low=0.05, high=0.2)
    activation_plots.by_segment(
        rates, names={1: "Cooks"}, value="rate", kinds=kinds, label="share", ax=ax
    )
    assert len(ax.figure.legends[0].get_texts()) == 12
