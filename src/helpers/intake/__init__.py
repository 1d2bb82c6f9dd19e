"""An analyst's own files: recognised, opened, typed, judged, and received."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
