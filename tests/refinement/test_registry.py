"""The register is only added to, and a change by hand is found."""

import json
import os

import pytest
from refinement.test_migration import toy_model

from helpers.clustering import model as clustering_model
from helpers.core.errors import BadInput
from helpers.refinement import registry

ENTRY = {
    "decided_on": "2024-01-05",
    "decided_by": "the rules",
    "reviewed_from": "2023-10-01",
    "reviewed_to": "2023-12-31",
    "decision": "keep",
    "why": "no alarm",
}


@pytest.fixture
def model(tmp_path):
    file = tmp_path / "segment_model.json"
    clustering_model.save(toy_model(), file)
    return file


@pytest.fixture
def register(tmp_path):
    return tmp_path / "model_registry.json"


def test_an_entry_says_which_model_was_judged(model, register):
    entries = registry.append(register, model=model, entry=ENTRY)
    assert registry.read(register) == entries
    assert entries[0]["model"] == toy_model().to_dict()["checksum"]
    assert entries[0]["trained_to"] == "2023-04-10"
    assert entries[0]["segments"] == 2
    assert ENTRY.items() <= entries[0].items()


def test_no_register_yet_is_an_empty_one(register):
    assert registry.read(register) == []


def test_the_same_decision_is_entered_once_whatever_the_day(model, register):
    registry.append(register, model=model, entry=ENTRY)
    registry.append(register, model=model, entry=ENTRY | {"decided_on": "2024-02-01"})
    assert len(registry.read(register)) == 1
    registry.append(register, model=model, entry=ENTRY | {"decision": "watch"})
    assert [one["decision"] for one in registry.read(register)] == ["keep", "watch"]


def test_two_that_decide_at_once_are_both_entered(model, register):
    children = []
    for number in range(6):
        children.append(os.fork())
        if children[-1] == 0:
            entry = ENTRY | {"why": f"reason {number}"}
            registry.append(register, model=model, entry=entry)
            os._exit(0)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    reasons = [one["why"] for one in registry.read(register)]
    assert sorted(reasons) == [f"reason {number}" for number in range(6)]


@pytest.mark.parametrize("content", ["", "[{", "3", "[3]", "[null]", '{"a": 1}'])
def test_a_damaged_register_is_refused_and_stays_as_it_is(model, register, content):
    register.write_text(content)
    with pytest.raises(BadInput, match=r"model_registry\.json"):
        registry.append(register, model=model, entry=ENTRY)
    assert register.read_text() == content


@pytest.mark.parametrize("damage", ["change", "take out", "shorten"])
def test_a_changed_register_is_refused(model, register, damage):
    for decision in registry.DECISIONS:
        registry.append(register, model=model, entry=ENTRY | {"decision": decision})
    entries = json.loads(register.read_text())
    if damage == "change":
        entries[1]["why"] = "another reason"
    elif damage == "take out":
        del entries[1]
    else:
        del entries[0]
    register.write_text(json.dumps(entries))
    with pytest.raises(BadInput, match=r"entry [12] of [23] was changed"):
        registry.append(register, model=model, entry=ENTRY)


def test_a_tampered_model_is_refused_and_nothing_is_entered(model, register):
    content = json.loads(model.read_text())
    content["centres"][0][0] = 9.0
    model.write_text(json.dumps(content))
    with pytest.raises(BadInput, match="changed by hand"):
        registry.append(register, model=model, entry=ENTRY)
    assert not register.exists()


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({key: ENTRY[key] for key in ENTRY if key != "why"}, "why missing or unknown"),
        (ENTRY | {"decision": "maybe"}, "'maybe' was passed"),
    ],
)
def test_an_incomplete_entry_is_refused(model, register, entry, told):
    with pytest.raises(BadInput, match=told):
        registry.append(register, model=model, entry=entry)
