"""From files as received to standard tables."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
