"""Offers, messages, service, budget, campaigns and experiments."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
