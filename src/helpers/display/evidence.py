"""The words that say what a claim rests on: one vocabulary for all that is shown."""

from collections.abc import Iterable

from helpers.core.paths import beside

# Each word and what it means, from the most to the least (evidence.yaml).
WORDS: dict[str, str] = beside(__file__, "evidence.yaml")
TESTED, OBSERVED, BY_CONSTRUCTION, ASSUMED = WORDS
# The same for a glossary.
GLOSSARY = {word.capitalize(): meaning for word, meaning in WORDS.items()}
# Sentences use these in their ordinary sense too ("starts were not observed"): a page
# explains them where it marks them, and not wherever they stand.
ORDINARY = {word.capitalize() for word in (TESTED, OBSERVED, ASSUMED)}


def of(used_to_build: Iterable[bool]) -> str:
    """Give the word for differences in columns, by whether each built the groups.

    One that did is enough: then the claim as a whole is no news.
    """
    return BY_CONSTRUCTION if any(used_to_build) else OBSERVED
