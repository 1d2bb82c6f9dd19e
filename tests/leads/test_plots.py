"""What is drawn is what the tables hold."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from helpers.display import plots
from helpers.leads import plots as leads_plots


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_the_confidence_in_use_is_ringed():
    table = pd.DataFrame(
        {
            "confidence": [0.0, 0.6, 0.9],
            "typed": [1.0, 0.4, 0.0],
            "right": [0.5, 0.8, None],
            "low": [0.4, 0.7, None],
            "high": [0.6, 0.9, None],
        }
    )
    ax = leads_plots.answers(table, chosen=0.6, majority=0.3)
    assert ax.lines[0].get_xydata().tolist() == [[1.0, 0.5], [0.4, 0.8]]
    assert ax.collections[1].get_offsets().tolist() == [[0.4, 0.8]]
    assert ax.lines[1].get_ydata()[0] == 0.3


def test_each_segment_has_its_colour_and_the_guess_beside_it():
    table = pd.DataFrame(
        {
            "segment_id": [1, 2],
            "recall": [0.7, 0.2],
            "recall_low": [0.6, 0.1],
            "recall_high": [0.8, 0.3],
            "random": [0.5, 0.25],
        }
    )
    ax = leads_plots.found_by_segment(table, names={1: "a", 2: "b"})
    dots = ax.collections[1]
    assert dots.get_offsets()[:, 0].tolist() == [0.7, 0.2]
    colours = [plt.matplotlib.colors.to_hex(one) for one in dots.get_facecolor()]
    assert colours == [plots.segment_colour(1), plots.segment_colour(2)]
    assert ax.collections[2].get_offsets()[:, 0].tolist() == [0.5, 0.25]


def test_every_list_is_a_line_beside_chance_and_the_best():
    table = pd.DataFrame(
        {
            "share": [0, 1],
            "model": [0, 1],
            "rule": [0, 1],
            "chance": [0, 1],
            "best": [0, 1],
        }
    )
    ax = leads_plots.gain(table)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["model", "rule", "any order", "wins first"]
