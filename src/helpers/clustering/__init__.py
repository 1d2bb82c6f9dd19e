"""Methods, evidence for a number of segments, and the model that assigns."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
