"""A run: its file, what make must redo, how its notebooks are executed, what it is enough for."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
