"""Helpers of the customer segmentation study, one subject a module."""

import sys

# Whatever reads a notebook's file imports jsonschema, and that builds a grammar of web
# addresses for more than a second if it can. No notebook is checked for them.
sys.modules.setdefault("rfc3987_syntax", None)
