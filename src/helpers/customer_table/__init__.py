"""The study of a table with one row per customer, or one per respondent of a survey."""

from helpers import when_asked

__getattr__ = when_asked(__name__)
