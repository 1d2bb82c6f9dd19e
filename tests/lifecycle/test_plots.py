"""What is drawn of the customer's life: heights, places, words and colours."""

import numpy as np
import pandas as pd
import pytest
from drawn import closed_afterwards as closed_afterwards, said
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from helpers.lifecycle import lifecycle_stages, plots


@pytest.fixture
def ax():
    return plt.figure(figsize=(plots.WIDTH, 4)).add_subplot()


def test_every_stage_has_a_colour_of_its_own_lightness():
    assert tuple(plots.STAGE_COLOURS) == lifecycle_stages.STAGES
    lightness = [
        np.dot(to_rgb(colour), [0.299, 0.587, 0.114])
        for colour in plots.STAGE_COLOURS.values()
    ]
    assert np.diff(sorted(lightness)).min() > 0.01


def moves(*rows):
    """List customers by their stage before, the stage after, and how many."""
    table = [(stage, after) for stage, after, many in rows for _ in range(many)]
    return pd.DataFrame(table, columns=["stage", "next_stage"])


# Of 100 customers; one column of stages has nobody who got there otherwise.
FLOWS = moves(
    ("active", "active", 50),
    ("active", "lapsed", 15),
    ("active", "slowing", 4),
    ("slowing", "active", 7),
    ("slowing", "slowing", 12),
    ("slowing", "lapsed", 12),
)


def test_flows_draw_each_stage_as_high_as_its_share(ax):
    plots.flows(FLOWS, ax=ax)
    heights = sorted(
        round(bar.get_height(), 3) for bar in ax.patches if hasattr(bar, "get_height")
    )
    assert heights == [0.16, 0.27, 0.31, 0.57, 0.69]
    # moves that are not drawn count, too: 69% and not the share of what is drawn
    assert said(ax)[:2] == ["active 69%", "slowing 31%"]
    assert said(ax)[2:] == ["active 57%", "slowing 16%", "lapsed 27%"]


def test_flows_are_bands_in_the_colour_of_where_they_come_from(ax):
    plots.flows(FLOWS, labels=False, ax=ax)
    bands = [p for p in ax.patches if not hasattr(p, "get_height")]
    thick = [
        round(b.get_path().vertices[-1, 1] - b.get_path().vertices[0, 1], 3)
        for b in bands
    ]
    # moves of 4 and 7 customers are withheld, and no row or column gives them away
    assert thick == [0.15, 0.12]
    colours = [b.get_facecolor()[:3] for b in bands]
    assert colours[0] == pytest.approx(to_rgb(plots.STAGE_COLOURS["active"]))
    assert colours[1] == pytest.approx(to_rgb(plots.STAGE_COLOURS["slowing"]))
    assert said(ax) == []


def test_stages_of_few_customers_have_neither_block_nor_name(ax):
    plots.flows(moves(("active", "active", 80), ("lapsed", "lapsed", 5)), ax=ax)
    assert not any("5%" in text or "lapsed" in text for text in said(ax))


def test_flows_with_many_thin_stages_stay_inside_the_picture(ax):
    thin = moves(
        ("new", "active", 10),
        ("active", "active", 900),
        ("returned", "active", 10),
        ("slowing", "slowing", 10),
        ("lapsed", "lapsed", 300),
    )
    plots.flows(thin, ax=ax)
    bars = [p for p in ax.patches if hasattr(p, "get_height")]
    assert max(b.get_y() + b.get_height() for b in bars) < ax.get_ylim()[0]


def test_shares_of_stages_fill_each_bar_and_small_ones_go_without_a_number(ax):
    counts = pd.DataFrame(
        {"active": [700, 500], "slowing": [270, 200], "lapsed": [30, 300]},
        index=["2020Q1", "2020Q2"],
    )
    plots.stage_shares(counts, ax=ax)
    widths = [bar.get_width() for bar in ax.patches]
    assert sum(widths) == pytest.approx(2)
    assert said(ax) == ["70%", "50%", "27%", "20%", "30%"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["2020Q1", "2020Q2"]


CURVES = pd.DataFrame(
    {
        "segment_id": [1, 1, 2, 2],
        "day": [0, 90, 0, 90],
        "retained": [1, 0.8, 1, 0.79],
        "low": [1, 0.75, 1, 0.7],
        "high": [1, 0.85, 1, 0.86],
    }
)


def test_curves_end_at_their_names_which_do_not_collide(ax):
    plots.retention_curves(CURVES, names={1: "Plain", 2: "Other"}, ax=ax)
    assert sorted(said(ax)) == ["Other 79%", "Plain 80%"]
    heights = sorted(text.get_position()[1] for text in ax.texts)
    assert heights[1] - heights[0] >= 0.02
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert [list(line.get_ydata()) for line in drawn] == [[1, 0.8], [1, 0.79]]
    assert max(ax.get_xticks()) <= 90


def test_cohorts_show_their_size_and_leave_what_is_missing_empty(ax):
    table = pd.DataFrame([[1.0, 0.4], [1.0, np.nan]], index=["2020Q1", "2020Q2"])
    plots.cohort_heatmap(table, counts={"2020Q1": 1200, "2020Q2": 30}, ax=ax)
    assert said(ax) == ["100%", "40%", "100%", ""]
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels == ["2020Q1 (1,200)", "2020Q2 (30)"]


def test_forecasts_stand_beside_what_came(ax):
    table = pd.DataFrame(
        {
            "before": ["0", "1 or more"],
            "actual": [0.5, 4.0],
            "low": [0.4, 3.5],
            "high": [0.6, 4.5],
            "model": [0.6, 4.2],
            "naive": [0.0, 5.0],
        }
    )
    plots.forecasts(table, ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [0.5, 4.0]
    model, naive = (c.get_offsets()[:, 0].tolist() for c in ax.collections[1:])
    assert (model, naive) == ([0.6, 4.2], [0.0, 5.0])
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told == ["came", "BG/NBD", "naive rate"]


def test_the_bridge_leads_from_the_opening_to_the_closing(ax):
    steps = pd.Series({"opening": 250.0, "new": 40.0, "churn": -70.0, "closing": 220.0})
    plots.revenue_bridge(steps, symbol="$", ax=ax)
    bars = [(bar.get_x(), bar.get_width()) for bar in ax.patches]
    # a loss begins at its right end: its width is negative or its start is lower
    ends = [(min(x, x + w), max(x, x + w)) for x, w in bars]
    assert ends == [(0, 250), (250, 290), (220, 290), (0, 220)]
    assert said(ax) == ["$250", "+$40", "−$70", "$220"]


def test_reliability_is_drawn_against_equality(ax):
    table = pd.DataFrame(
        {
            "forecast": [0.3, 0.9],
            "observed": [0.35, 0.88],
            "low": [0.3, 0.8],
            "high": [0.4, 0.93],
        }
    )
    plots.reliability(table, ax=ax)
    assert list(ax.lines[0].get_xdata()) == list(ax.lines[0].get_ydata()) == [0, 1]
    dots = ax.collections[-1].get_offsets().tolist()
    assert dots == [[0.3, 0.35], [0.9, 0.88]]
    assert ax.get_xlim()[0] < 0.3 < 0.9 < ax.get_xlim()[1]


def test_many_periods_are_printed_without_the_sign(ax):
    table = pd.DataFrame([np.linspace(1, 0.1, 10)], index=["2020Q1"])
    plots.cohort_heatmap(table, counts={"2020Q1": 50}, ax=ax)
    assert said(ax)[:2] == ["100", "90"]
    assert "%" in ax.get_xlabel()


def test_no_move_of_ten_customers_is_said_in_words(ax):
    plots.flows(moves(("active", "active", 9), ("active", "lapsed", 9)), ax=ax)
    assert said(ax) == ["moves of fewer than 10 customers"]


def test_one_forecast_is_drawn_where_there_is_one(ax):
    table = pd.DataFrame(
        {"before": ["0"], "actual": [0.5], "low": [0.4], "high": [0.6], "naive": [0.0]}
    )
    plots.forecasts(table, ax=ax)
    assert len(ax.collections) == 2
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["came", "naive rate"]
