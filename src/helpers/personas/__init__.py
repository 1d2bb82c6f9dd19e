"""Who the segments are: profiles, names, cards, the rule card."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
