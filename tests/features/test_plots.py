"""Histograms beside each other."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from helpers.features import plots


@pytest.mark.parametrize("count", [0, 1, 4, 5])
def test_each_feature_has_a_histogram_and_empty_places_are_not_seen(count):
    values = {f"f{i}": pd.Series([1.0, 2.0, None, 9.0] * 10) for i in range(count)}
    figure = plots.histograms(values, title="How customers spread", columns=4)
    seen = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_title() for ax in seen] == list(values)
    assert figure.get_suptitle() == "How customers spread"
    plt.close(figure)
