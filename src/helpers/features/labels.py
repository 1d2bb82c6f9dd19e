"""Names of features and attributes in words."""

from helpers.core.paths import beside
from helpers.features.staging import DEFINED

# Columns whose names are no words yet.
WORDS = {
    name: entry["words"]
    for name, entry in DEFINED["features"].items()
    if "words" in entry
} | beside(__file__, "words.yaml")
_STARTS = {
    "share": "",
    "channel": "orders by ",
    "topic": "questions about ",
    "requires": "requires ",
}


def say(feature: str) -> str:
    """Put a feature's name in words: share_pet_care is pet care."""
    return WORDS.get(feature.removeprefix("share_")) or plain(feature)


def plain(feature: str) -> str:
    """Put its own words to the name of a feature: channel_web_shop is orders by web shop."""
    kind, _, rest = feature.partition("_")
    if kind in _STARTS and rest:
        return _STARTS[kind] + rest.replace("_", " ")
    return feature.replace("_", " ")
