"""What everything rests on: paths, contracts of tables, their files, engines, errors."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
