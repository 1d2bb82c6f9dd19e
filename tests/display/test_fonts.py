"""Letters in figures: each has a font, or its name a number; the rest stays as it was."""

import unicodedata
import warnings

import matplotlib as mpl
import pandas as pd
import pytest
from drawn import closed_afterwards as closed_afterwards, names
from matplotlib import pyplot as plt

from helpers.display import fonts, plots

SCRIPTS = [
    *(
        "चीनी और तेल",
        "நெய் கோழி",
        "น้ำมันที่นี่",
        "سلة فواكه",
        "نی\u200cشکر",
        "שמן זית",
        "বাংলা",
    ),
    *(
        "零食",
        "日本茶",
        "한국어",
        "Приправа",
        "Ελιές",
        "Nước mắm",
        "Cafe\u0301",
        "C++ 🍕",
        "C#",
    ),
]
# No font of the packages has these: Tibetan, and Ol Chiki of two words.
TIBETAN, OL_CHIKI = "བོད་སྐད", "ᱥᱟᱱ / ᱞᱤ"


@pytest.fixture(autouse=True)
def without_warnings():
    """A letter without a font would be warned of, and be a box."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.theme()
        yield


@pytest.fixture
def few_fonts(monkeypatch):
    """Let nothing be installed beside the fonts of matplotlib."""
    told = {"packages": [], "families": ["DejaVu Sans"]}
    monkeypatch.setattr(fonts, "_TOLD", told)
    monkeypatch.setitem(mpl.rcParams, "font.sans-serif", ["DejaVu Sans"])
    cached = (fonts.families, fonts._fonts, fonts._drawable)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def bars(words):
    figure, ax = plt.subplots()
    sizes = range(len(words), 0, -1)
    plots.bars(pd.Series(sizes, index=words, dtype=float), label=words[0], ax=ax)
    ax.set_title(words[-1])
    return figure, ax


def test_every_script_has_letters_in_a_figure():
    figure, ax = bars(SCRIPTS)
    assert plots.picture(figure, alt="").stand_ins == {}
    assert names(ax.yaxis) == SCRIPTS
    assert ax.yaxis.get_ticklabels()[0].get_fontfamily() == fonts.families()


def test_texts_in_the_usual_letters_keep_the_usual_font():
    figure, ax = bars(["Milk", "Café, 3 €", "चीनी"])
    plots.picture(figure, alt="")
    usual = [label.get_fontfamily() for label in ax.get_yticklabels()[:2]]
    assert usual == [["sans-serif"]] * 2


def test_a_name_without_a_font_is_a_number_that_the_note_explains(capsys):
    figure, ax = bars([TIBETAN, f"{OL_CHIKI} (x)", f"A {TIBETAN} b", "Milk"])
    drawn = plots.picture(figure, alt="Bars")
    assert drawn.stand_ins == {TIBETAN: "[1]", OL_CHIKI: "[2]"}
    assert names(ax.yaxis) == ["[1]", "[2] (x)", "A [1] b", "Milk"]
    assert ax.get_xlabel() == "[1]"
    said = fonts.note(drawn.stand_ins)
    assert said.endswith(f"in the figure [1] is {TIBETAN}, [2] is {OL_CHIKI}.")
    assert f'<p class="study-note">{said}</p></figure>' in drawn._repr_html_()
    # as it was drawn once, it stays
    assert plots.picture(figure, alt="Bars") == drawn


def test_without_packages_of_fonts_nothing_is_a_box(few_fonts):
    figure, ax = bars(SCRIPTS)
    drawn = plots.picture(figure, alt="")
    assert list(drawn.stand_ins) == [
        *("चीनी और तेल", "நெய் கோழி", "น้ำมันที่นี่", "বাংলা", "零食", "日本茶", "한국어", "🍕"),
    ]
    assert names(ax.yaxis)[-5:-1] == ["Ελιές", "Nước mắm", "Cafe\u0301", "C++ [8]"]


def test_what_is_not_seen_is_left_out_where_no_font_has_it():
    unseen = next(
        sign
        for sign in map(chr, range(0xE0001, 0xE0080))
        if unicodedata.category(sign) == "Cf"
    )
    figure, ax = bars([f"Mi{unseen}lk", "Tea"])
    assert plots.picture(figure, alt="").stand_ins == {}
    assert names(ax.yaxis) == ["Milk", "Tea"]


def test_an_explained_figure_is_shown_with_its_note(capsys):
    figure, _ = bars([TIBETAN, "Milk"])
    plots.show(figure, alt="Two bars")
    assert f"[1] is {TIBETAN}." in capsys.readouterr().out


def test_a_figure_in_latin_letters_is_shown_without_a_note(capsys):
    figure, _ = bars(["Tea", "Milk"])
    plots.show(figure, alt="Two bars")
    assert "font" not in capsys.readouterr().out
    assert fonts.note({}) == fonts.note_html({}) == ""
