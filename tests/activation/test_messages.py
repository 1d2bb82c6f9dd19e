"""Messages: filled from facts, and none goes out with a hole in it."""

import numpy as np
import pandas as pd
import pytest

from helpers.activation import messages
from helpers.core.errors import BadInput

FACTS = pd.DataFrame(
    {
        "segment_id": [1, 2],
        "segment": ["Cooks", "Movers"],
        "stage": ["active", "lapsed"],
        "customers": [120, 15],
        "item": ["spices", "boxes"],
        "days": [6.6, np.nan],
    }
)
TEMPLATES = {
    "active": messages.Template(
        "more in the basket",
        "{item} beside the usual",
        "Every {days:.0f} days you come: try our {item}.",
        "associated",
    ),
    "lapsed": messages.Template("win back", "a voucher", "We miss you.", "assumed"),
}


def test_a_message_holds_the_segments_own_numbers():
    table = messages.matrix(FACTS, templates=TEMPLATES)
    assert table.to_dict("records")[0] == {
        "segment_id": 1,
        "segment": "Cooks",
        "stage": "active",
        "customers": 120,
        "aim": "more in the basket",
        "offer": "spices beside the usual",
        "message": "Every 7 days you come: try our spices.",
        "grade": "associated",
    }
    assert table["message"].iloc[1] == "We miss you."


def test_the_facts_a_template_asks_for_are_listed_once():
    assert messages.fields(TEMPLATES["active"]) == ["item", "days"]
    assert messages.fields(TEMPLATES["lapsed"]) == []


def test_a_stage_without_a_template_is_named():
    with pytest.raises(BadInput, match="No template for stage 'lapsed'"):
        messages.matrix(FACTS, templates={"active": TEMPLATES["active"]})


def test_a_fact_that_is_not_there_or_missing_is_named():
    with pytest.raises(BadInput, match="asks for 'days'; the facts are"):
        messages.matrix(FACTS.drop(columns="days"), templates=TEMPLATES)
    holes = FACTS.assign(stage="active")
    with pytest.raises(BadInput, match="'days', which is missing for segment 2"):
        messages.matrix(holes, templates=TEMPLATES)


def test_no_facts_give_no_messages_but_the_same_columns():
    table = messages.matrix(FACTS[:0], templates=TEMPLATES)
    assert table.empty
    assert list(table) == list(messages.matrix(FACTS, templates=TEMPLATES))
