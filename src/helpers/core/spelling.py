"""Name what a shop calls by its own words, in any script: no two share a name."""

import unicodedata
from collections.abc import Container, Iterable, Mapping

# Signs that tell words apart (C, C++ and C#), and the joiners of Persian and of India.
_SIGNS = "+#\u200c\u200d"


def fold(text: str) -> str:
    """Give the spelling of all texts that are one word.

    Case, the form of accents (NFC or NFD), spaces and invisible letters make no other.
    """
    plain = unicodedata.normalize("NFC", text).casefold()
    seen = (
        sign for sign in plain if sign in _SIGNS or unicodedata.category(sign) != "Cf"
    )
    return unicodedata.normalize("NFC", " ".join("".join(seen).split()))


def slug(text: str) -> str:
    """Turn a text into the name of a column; empty if it holds no letter or sign.

    "Home & Garden" is home_garden, "C++" is c++. Letters with their marks, digits,
    pictures such as emoji, `+` and `#` stay.
    """
    small = unicodedata.normalize("NFC", text.lower())
    words = "".join(sign if _kept(sign) else _between(sign) for sign in small)
    return "_".join(words.split())


def _kept(sign: str) -> bool:
    kind = unicodedata.category(sign)
    return sign in _SIGNS or kind[0] in "LMN" or kind == "So"


def _between(sign: str) -> str:
    """Part two words, unless nothing is seen between them."""
    return "" if unicodedata.category(sign) == "Cf" else " "


def distinct(
    texts: Iterable[str], *, taken: Container[str] = (), ending: str = ""
) -> dict[str, str]:
    """Name each text: spellings of one word share a name, other words never do.

    A name in `taken` gets the `ending`; where words would share one, as "Tea & milk" and
    "Tea, milk", those after the first by the alphabet get a number.
    """
    spelled: dict[str, list[str]] = {}
    for text in sorted(set(texts)):
        spelled.setdefault(fold(text), []).append(text)
    plain = {word: slug(same[0]) or "x" for word, same in spelled.items()}
    plain = {w: name + ending if name in taken else name for w, name in plain.items()}
    named: dict[str, str] = {}
    # Who is called like its name keeps it: "tea milk" comes before "tea & milk".
    for word in sorted(plain, key=lambda w: (w.replace(" ", "_") != plain[w], w)):
        named[word] = _free(plain[word], plain, set(named.values()))
    return {text: named[word] for word, same in spelled.items() for text in same}


def _free(name: str, plain: Mapping[str, str], used: set[str]) -> str:
    """Give a name that another has the first number that makes it nobody's."""
    number, free, all_plain = 1, name, set(plain.values())
    while free in used or (number > 1 and free in all_plain):
        number += 1
        free = f"{name}_{number}"
    return free
