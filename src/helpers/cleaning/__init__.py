"""Rules that clean the standard tables, and what each removes."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
