"""What tests of figures share: what is written on one, and closing it afterwards."""

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

mpl.use("agg")


@pytest.fixture(autouse=True)
def closed_afterwards():
    """Put back the look of figures and close them; a test file imports it to use it."""
    with mpl.rc_context():
        yield
    plt.close("all")


def said(ax):
    """List the texts on axes, in the order in which they were written."""
    return [text.get_text() for text in ax.texts]


def names(axis):
    """List the tick labels of an axis."""
    return [label.get_text() for label in axis.get_ticklabels()]
