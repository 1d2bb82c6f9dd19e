"""Stages, lifetime value, retention and touchpoints."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
