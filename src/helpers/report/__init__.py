"""The pages that stakeholders read."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
