"""Drift, migration between segments, refits and the registry of models."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
