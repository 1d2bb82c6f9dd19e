"""Draw how customers spread over features."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from helpers.display import plots

# What is looked at first, as far as a run has it.
SPREAD = (
    *("sales", "orders", "recency_days", "gap_mean_days", "gap_variation"),
    *("sales_per_order", "lines_per_order", "need_variety", "private_label_share"),
    *("discount_depth", "mailer_share", "evening_share", "response_hours"),
    *("return_share", "satisfaction"),
)


def histograms(
    values: Mapping[str, pd.Series], *, title: str, columns: int = 4
) -> Figure:
    """Draw a histogram with its median for each label, `columns` in a row."""
    rows = max(-(-len(values) // columns), 1)
    size = (8.6, 1.75 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for ax in axes.flat[len(values) :]:
        ax.set_visible(False)
    for ax, (label, one) in zip(axes.flat, values.items(), strict=False):
        plots.histogram(one.dropna(), label=label, ax=ax)
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure
