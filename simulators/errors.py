"""One error for all that a person can set right."""

from __future__ import annotations


class UserError(Exception):
    """What was asked for cannot be done; the text is one sentence for people."""
