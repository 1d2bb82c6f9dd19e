"""What is drawn is what the tables hold."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.display import plots
from helpers.refinement import plots as refinement_plots


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_a_share_beyond_its_limits_is_ringed():
    table = pd.DataFrame(
        {
            "period": ["Q1", "Q1", "Q2", "Q2"],
            "segment_id": [1, 2, 1, 2],
            "value": [0.4, 0.6, 0.7, 0.3],
        }
    )
    limits = pd.DataFrame(
        {
            "period": "Q2",
            "segment_id": [1, 2],
            "usual": [0.4, 0.6],
            "noise": [0.1, np.nan],
            "beyond": [True, False],
        }
    )
    figure = refinement_plots.shares(table, limits, names={1: "a", 2: "b"}, width=6)
    first, second = figure.axes
    assert first.get_title() == "a"
    assert first.lines[0].get_ydata().tolist() == [0.4, 0.7]
    assert len(first.collections) == 2  # the limits and the ring
    assert len(second.collections) == 0


def test_movement_starts_at_the_noise_and_ends_with_the_interval():
    table = pd.DataFrame(
        {
            "segment_id": [0, 1],
            "moved": [0.3, 0.5],
            "noise": [0.2, 0.3],
            "low": [0.05, 0.1],
            "high": [0.15, 0.3],
        }
    )
    ax = refinement_plots.moved(table, names={0: "All", 1: "a"})
    assert [bar.get_width() for bar in ax.patches] == [0.2, 0.3]
    spans = [path.vertices[:, 0].tolist() for path in ax.collections[0].get_paths()]
    assert np.array(spans) == pytest.approx(np.array([[0.25, 0.35], [0.4, 0.6]]))
    assert ax.collections[1].get_offsets()[:, 0].tolist() == [0.3, 0.5]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["All", "a"]


def test_statistics_beyond_their_limit_are_red():
    table = pd.DataFrame(
        {"name": ["x", "y"], "ratio": [1.4, 0.2], "beyond": [True, False]}
    )
    ax = refinement_plots.within_limits(table, label="part of limit")
    assert [bar.get_width() for bar in ax.patches] == [1.4, 0.2]
    colours = [plt.matplotlib.colors.to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert colours == [refinement_plots.ALARM, plots.ACCENT]


def test_bands_are_drawn_for_pairs_of_enough_customers():
    names = {1: "a", 2: "b", 3: "c"}
    shared = pd.DataFrame(
        {1: [50, 4, 20], 2: [12, 60, 14], 3: [20, 9, 40]}, index=[*names]
    )
    ax = refinement_plots.descent(shared, old=names, new=names)
    # the cells of 4 and 9 customers are drawn nowhere: not as a gap either
    assert len(ax.patches) == 7
    texts = [text.get_text() for text in ax.texts]
    # and shares are of all customers, not of those who are drawn
    assert texts == ["a, 36%", "b, 32%", "c, 32%", "a, 32%", "b, 38%", "c, 30%"]
