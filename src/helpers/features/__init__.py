"""From clean tables to features: definitions, preparation, outcomes of later days."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
