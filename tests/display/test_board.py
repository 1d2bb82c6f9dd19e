"""Tables that notebooks put on the dashboard."""

import pandas as pd
import pytest

from helpers.core import errors, paths
from helpers.display import board, tables


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))


def table(rows=2):
    frame = pd.DataFrame({"segment": [f"<b>{i}</b>" for i in range(rows)]})
    return tables.show(frame, caption="Offers", index=False)


def test_what_was_put_there_is_read_back_escaped_and_without_a_style():
    board.put([("What to offer?", table())], run="trial", notebook="06_activation")
    (found,) = board.read("trial", "06_activation")
    assert found["question"] == "What to offer?"
    assert found["html"].startswith('<div class="study-table"')
    assert "&lt;b&gt;0&lt;/b&gt;" in found["html"]
    assert "<b>" not in found["html"] and "<style" not in found["html"]


def test_a_notebook_that_put_nothing_there_has_nothing():
    assert board.read("trial", "05_lifecycle_journey") == []


def test_a_table_too_long_for_a_glance_is_refused_and_nothing_is_written():
    with pytest.raises(errors.BadInput, match="has 13 rows; a glance takes 12 at most"):
        board.put([("All?", table(13))], run="trial", notebook="06_activation")
    assert not (paths.processed("trial") / "board").exists()
