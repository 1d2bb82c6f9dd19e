"""Estimates with their uncertainty, and the classifier, each once."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
