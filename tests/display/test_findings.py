"""Findings and persona cards: shown as text whatever they hold, and kept as given."""

import base64
import json

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from helpers.core import errors, paths
from helpers.display import findings, plots, tables

BAD = "<script>alert('x')</script>"
FINDING = {
    "decision": "Keep the two segments",
    "size": "300 of 1,500 customers",
    "uncertainty": "found again in 9 of 10 samples",
    "action": "Test one offer",
    "limit": "",
}
COOKS = findings.Persona(
    2,
    "Home cooking",
    "Comes for meat & basics.",
    {"How many?": "453 customers", "How sure are we?": "Recovery 0.75 < 0.8"},
)


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))


def soup(shown):
    return BeautifulSoup(shown._repr_html_(), "html.parser")


def test_findings_are_shown_with_only_the_parts_they_have():
    page = soup(findings.show([FINDING]))
    assert page.select_one(".decision").get_text() == "Keep the two segments"
    assert [dt.get_text() for dt in page("dt")] == ["Size", "Uncertainty", "Action"]
    assert [dd.get_text() for dd in page("dd")] == list(FINDING.values())[1:4]
    assert repr(findings.show([FINDING])).splitlines() == [
        "1. Keep the two segments",
        "   Size: 300 of 1,500 customers",
        "   Uncertainty: found again in 9 of 10 samples",
        "   Action: Test one offer",
    ]


def test_findings_keep_their_order_and_are_numbered():
    rows = [FINDING | {"decision": word} for word in ("b", "a", "c")]
    said = [
        p.get_text() for p in soup(findings.show(rows)).select("ol > li > .decision")
    ]
    assert said == ["b", "a", "c"]
    numbered = repr(findings.show(rows)).split("\n\n")
    assert [text.splitlines()[0] for text in numbered] == ["1. b", "2. a", "3. c"]


def test_a_finding_of_nothing_but_its_decision_has_no_empty_list():
    bare = dict.fromkeys(FINDING, "") | {"decision": "Wait"}
    assert not soup(findings.show([bare]))("dl")
    assert repr(findings.show([bare])) == "1. Wait"


def test_markup_in_a_finding_is_shown_and_not_obeyed():
    shown = findings.show([dict.fromkeys(FINDING, BAD)])._repr_html_()
    assert "<script" not in shown and shown.count("&lt;script&gt;") == 5


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"actoin": "x"}, "finding 1: actoin missing, unknown"),
        ({"size": None}, "finding 1: size"),
        ({"decision": " "}, "finding 1: decision"),
    ],
)
def test_a_faulty_finding_is_refused_by_its_number_and_key(change, fault):
    with pytest.raises(errors.BadInput, match=fault):
        findings.show([FINDING | change])


def test_a_finding_that_lacks_a_key_is_refused_and_nothing_is_saved(tmp_path):
    short = {key: text for key, text in FINDING.items() if key != "limit"}
    with pytest.raises(errors.BadInput, match="finding 2: limit missing"):
        findings.write([FINDING, short], run="trial", notebook="01_cleaning")
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_findings_are_saved_as_they_were_given():
    findings.write([FINDING], run="trial", notebook="01_cleaning")
    path = paths.processed("trial") / "findings" / "01_cleaning.json"
    assert json.loads(path.read_text(encoding="utf-8")) == [FINDING]
    assert [file.name for file in path.parent.iterdir()] == ["01_cleaning.json"]


def test_a_card_has_its_heading_its_line_and_its_answers():
    page = soup(findings.Personas([COOKS]))
    assert [tag.name for tag in page.article.find_all(recursive=False)] == [
        "h3",
        "p",
        "dl",
    ]
    assert page.h3.get_text() == "Home cooking"
    assert page.select_one("p.summary").get_text() == "Comes for meat & basics."
    assert [dt.get_text() for dt in page("dt")] == list(COOKS.parts)
    assert [dd.get_text() for dd in page("dd")] == list(COOKS.parts.values())


def test_a_card_has_the_colour_of_its_segment_and_its_place():
    cards = [findings.Persona(i, f"Name {i}", "", {}) for i in (3, 1, 0)]
    articles = soup(findings.Personas(cards))("article")
    assert [article["style"] for article in articles] == [
        f"--segment:{plots.segment_colour(i)}" for i in (3, 1, 0)
    ]
    assert all(article["class"] == ["persona"] for article in articles)
    assert [article.h3.get_text() for article in articles] == [
        "Name 3",
        "Name 1",
        "Name 0",
    ]


def test_markup_in_a_card_is_shown_and_not_obeyed():
    shown = findings.Personas([findings.Persona(1, BAD, BAD, {BAD: BAD})])
    page = soup(shown)
    assert not page("script")
    assert shown._repr_html_().count("&lt;script&gt;") == 4
    texts = [page.h3, page.p, page.dt, page.dd]
    assert [tag.get_text() for tag in texts] == [BAD] * 4


def test_cards_as_plain_text_hold_the_same_words():
    cards = findings.Personas([COOKS, findings.Persona(1, "Bath", "Soap.", {})])
    assert repr(cards) == (
        "2. Home cooking: Comes for meat & basics.\n"
        "   How many? 453 customers\n"
        "   How sure are we? Recovery 0.75 < 0.8\n"
        "\n"
        "1. Bath: Soap."
    )


LISTED = findings.Persona(3, "Bath", "Soap.", {"What to do?": ["Offer: soap", BAD]})


def test_an_answer_of_several_points_is_shown_point_by_point():
    page = soup(findings.Personas([LISTED]))
    assert [li.get_text() for li in page.select("dd > ul.points > li")] == [
        "Offer: soap",
        BAD,
    ]
    assert not page("script")
    assert repr(findings.Personas([LISTED])).endswith(f"What to do? Offer: soap {BAD}")


ADVICE = {2: [{"what": "offer", "advice": "soap", "because": "x", "grade": "assumed"}]}


def test_cards_are_saved_with_their_advice_and_what_a_short_card_shows():
    findings.write_personas([COOKS], run="trial", advice=ADVICE, short=["How many?"])
    path = paths.processed("trial") / "personas.json"
    assert json.loads(path.read_text(encoding="utf-8")) == [
        {
            "segment_id": 2,
            "name": "Home cooking",
            "summary": "Comes for meat & basics.",
            "parts": COOKS.parts,
            "short": ["How many?"],
            "advice": ADVICE[2],
        }
    ]


def test_a_short_form_that_no_card_answers_is_refused(tmp_path):
    with pytest.raises(
        errors.BadInput, match="'Home cooking' has no answer to 'Why\\?'"
    ):
        findings.write_personas([COOKS], run="trial", advice=ADVICE, short=["Why?"])
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


# --- Tables on the dashboard


def table(rows=2):
    frame = pd.DataFrame({"segment": [f"<b>{i}</b>" for i in range(rows)]})
    return tables.show(frame, caption="Offers", index=False)


def test_what_was_put_there_is_read_back_escaped_and_without_a_style():
    findings.write_tables(
        [("What to offer?", table())], run="trial", notebook="06_activation"
    )
    (found,) = findings.read_tables("trial", "06_activation")
    assert found["question"] == "What to offer?"
    assert found["html"].startswith('<div class="study-table"')
    assert "&lt;b&gt;0&lt;/b&gt;" in found["html"]
    assert "<b>" not in found["html"] and "<style" not in found["html"]


def test_a_notebook_that_put_nothing_there_has_nothing():
    assert findings.read_tables("trial", "05_lifecycle_journey") == []


def test_a_table_too_long_for_a_glance_is_refused_and_nothing_is_written():
    with pytest.raises(errors.BadInput, match="has 13 rows; a glance takes 12 at most"):
        findings.write_tables(
            [("All?", table(13))], run="trial", notebook="06_activation"
        )
    assert not (paths.processed("trial") / "board").exists()


def test_a_chart_goes_to_the_dashboard_with_what_it_shows_in_words(home):
    figure, _ = plt.subplots()
    chart = plots.picture(figure, alt="Two bars: <b>3</b> and 4.")
    plt.close(figure)
    findings.write_tables([("How many?", chart)], run="ab", notebook="04_a")
    [one] = findings.read_tables("ab", "04_a")
    image = BeautifulSoup(one["html"], "html.parser").img
    assert one["question"] == "How many?"
    assert image["alt"] == "Two bars: <b>3</b> and 4."
    assert base64.b64decode(image["src"].partition(",")[2]) == chart.png
