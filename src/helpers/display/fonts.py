"""Letters of all scripts in figures: fonts for them, and numbers where there is none."""

import functools
import html
import importlib.util
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from helpers.core import paths

_TOLD = paths.beside(__file__, "fonts.yaml")
WEIGHTS = ("normal", "bold")


@functools.cache
def families() -> list[str]:
    """List the fonts that letters are looked for in, the usual one first."""
    manager = font_manager.fontManager
    for file in _packaged():
        manager.addfont(file)
    there = set(manager.get_font_names())
    return ["sans-serif", *(name for name in _TOLD["families"] if name in there)]


def _packaged() -> Iterator[Path]:
    """Find the files of the packages of fonts that are installed."""
    for package in _TOLD["packages"]:
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            yield from sorted(Path(folder).glob("*.tt[cf]"))


@functools.cache
def _drawable(sign: str, *, usual: bool = False) -> bool:
    """Say whether a font, or the usual one, has a sign, in bold letters too."""
    return sign == "\n" or all(
        any(font.get_char_index(ord(sign)) for font in _fonts(weight)[: usual or None])
        for weight in WEIGHTS
    )


@functools.cache
def _fonts(weight: str) -> list[FT2Font]:
    wanted = (
        font_manager.FontProperties(family=name, weight=weight) for name in families()
    )
    return [font_manager.get_font(font_manager.findfont(one)) for one in wanted]


def legible(figure: Figure) -> dict[str, str]:
    """Give the texts of a figure fonts that have their letters, and the rest numbers.

    Returns which number stands for what, of the whole figure, also where it is asked
    again: a name to [1], another to [2].
    """
    stand_ins = figure.__dict__.setdefault("stand_ins", {})
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        # An axis writes the words of its ticks anew whenever it is drawn.
        words = [label.get_text() for label in axis.get_ticklabels()]
        readable = [_readable(word, stand_ins) for word in words]
        if readable != words:
            axis.set_ticks(axis.get_ticklocs(), readable)
    for text in figure.findobj(Text):
        # Most are in the usual letters: to look through all fonts takes its time.
        if not all(_drawable(sign, usual=True) for sign in text.get_text()):
            text.set_text(_readable(text.get_text(), stand_ins))
            text.set_fontfamily(families())
    return stand_ins


def note(stand_ins: Mapping[str, str]) -> str:
    """Say in a sentence which name each number of a figure stands for; empty if none."""
    if not stand_ins:
        return ""
    told = ", ".join(f"{number} is {name}" for name, number in stand_ins.items())
    return f"No font of this computer has these letters; in the figure {told}."


def note_html(stand_ins: Mapping[str, str]) -> str:
    """Write the note for a page, whose reader may have the fonts."""
    said = html.escape(note(stand_ins))
    return f'<p class="study-note">{said}</p>' if said else ""


def _readable(text: str, stand_ins: dict[str, str]) -> str:
    """Put numbers in the places of what cannot be drawn; leave out what is unseen."""
    if all(map(_drawable, text)):
        return text
    # Signs that lie between two of those, and are no letters, belong to the name.
    marks = "".join(_mark(sign) for sign in text)
    shown, end = "", 0
    for found in re.finditer(r"x(?:[ x]*x)?", marks):
        name = text[found.start() : found.end()]
        number = stand_ins.setdefault(name, f"[{len(stand_ins) + 1}]")
        shown, end = shown + text[end : found.start()] + number, found.end()
    shown += text[end:]
    return "".join(sign for sign in shown if _drawable(sign))


def _mark(sign: str) -> str:
    """Tell a letter without a font (x) from one that has one (a) and from the rest."""
    kind = unicodedata.category(sign)
    if not _drawable(sign) and kind[:2] not in ("Cf", "Cc"):
        return "x"
    return "a" if kind[0] in "LN" else " "
