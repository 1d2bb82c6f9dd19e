"""What may be shown of small groups."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
