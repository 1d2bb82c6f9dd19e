"""Helpers of the customer segmentation study, one subject a module."""
