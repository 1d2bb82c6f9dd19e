"""Typing new customers, and scoring leads."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
