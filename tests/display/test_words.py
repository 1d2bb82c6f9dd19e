"""What the catalogue of words says of facts, and what it refuses."""

import re
from pathlib import Path

import numpy as np
import pytest
from fluent.runtime import FluentBundle, FluentResource

from helpers.core import paths
from helpers.display import words

TEXT = """
moved =
    .decision = { $branch ->
        [keep] Keep the segments.
       *[other] Draw { $segments ->
            [one] one segment
           *[other] { $segments } segments
        } anew.
    }
    .size = { $periods ->
        [0] No period raises an alarm.
        [one] 1 period raises an alarm.
       *[other] { $periods } periods raise an alarm.
    }
worth = { $name } holds { PERCENT($share) } of sales, { MONEY($each) } each ({ SIGNED($gain, digits: 2) }).
some = { NUM($number, digits: 1) }
apart = { POINTS($share) } points
"""


@pytest.fixture
def catalogue(monkeypatch):
    """Have a catalogue of its own, with the functions of the real one."""
    functions = words._catalogue()._functions
    bundle = FluentBundle(["en"], functions=functions, use_isolating=False)
    bundle.add_resource(FluentResource(TEXT))
    monkeypatch.setattr(words, "_catalogue", lambda: bundle)
    monkeypatch.setattr(words, "_currency", "EUR")


def test_a_finding_has_a_sentence_for_each_branch_and_plural(catalogue):
    found = words.finding("moved", branch="keep", periods=0, segments=3)
    assert found["decision"] == "Keep the segments."
    assert found["size"] == "No period raises an alarm."
    assert found["action"] == found["limit"] == found["uncertainty"] == ""
    assert found["id"] == "moved"
    assert found["facts"] == {"branch": "keep", "periods": 0, "segments": 3}
    other = words.finding("moved", branch="x", periods=np.int64(1200), segments=1)
    assert other["decision"] == "Draw one segment anew."
    assert other["size"] == "1,200 periods raise an alarm."


def test_numbers_are_said_with_their_sign_and_what_is_withheld_as_it_is(catalogue):
    said = words.say("worth", name="Tea {a}", share=0.254, each=-1234.5, gain=-0.125)
    assert said == "Tea {a} holds 25% of sales, −€1,234 each (−0.12)."
    hidden = words.say(
        "worth", name="x", share="fewer than 10", each="withheld", gain=0
    )
    assert hidden == "x holds fewer than 10 of sales, withheld each (+0.00)."
    assert words.say("some", number=np.float64("nan")) == "not known"
    assert words.say("apart", share=-0.0234) == "−2.3 points"


def test_a_missing_fact_or_message_is_an_error(catalogue):
    with pytest.raises(KeyError, match="each"):
        words.say("worth", name="x", share=0.2, gain=0)
    with pytest.raises(LookupError):
        words.say("nothing")


def _said():
    """Name the messages that code and notebooks say, as far as written out."""
    files = [
        *(paths.ROOT / "src").rglob("*.py"),
        *paths.notebooks(),
        *paths.notebooks("customer_table"),
    ]
    text = "\n".join(file.read_text("utf-8") for file in files)
    return set(
        re.findall(r"words\.(?:say|finding)\(\s*(?:\\n\",\s*\")?\\?\"([\w-]+)", text)
    )


def test_each_message_that_is_said_is_in_the_catalogue():
    missing = {name for name in _said() if not words._catalogue().has_message(name)}
    assert missing == set()


def test_each_message_of_the_catalogue_is_used():
    files = [
        *(paths.ROOT / "src").rglob("*.py"),
        *paths.notebooks(),
        *paths.notebooks("customer_table"),
    ]
    text = "\n".join(file.read_text("utf-8") for file in files)
    folder = Path(words.__file__).with_name("words") / words.LANGUAGE
    catalogue = "\n".join(f.read_text("utf-8") for f in folder.glob("*"))
    known = re.findall(r"(?m)^([a-z][\w-]*) =", catalogue)
    text += " ".join(re.findall(r"\{ [a-z][\w-]* \}", catalogue))  # by another message
    # A name may be put together of a subject and a branch: "value-" + branch.
    unused = [
        name
        for name in known
        if name.removesuffix("-alt") not in text
        and not any(
            f"{name[:i]}-{{" in text for i in range(3, len(name)) if name[i] == "-"
        )
    ]
    assert unused == []
