"""How numbers are shown: charts, tables, findings."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
