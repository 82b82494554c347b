"""Typed: what people write into forms, made safe to store and show to others."""

from __future__ import annotations

import re

from hub.views import Refused
from hub.visible import visible

NAME, COMMENT = 80, 1000
"""Most characters of a name and of a comment."""


def line(text: str, *, limit: int = NAME) -> str:
    """One line, as others may see it. Raises Refused (text_too_long)."""
    return _within(visible(text), limit)


def lines(text: str, *, limit: int = COMMENT) -> str:
    """Several lines, otherwise as `line`."""
    kept = [visible(one) for one in re.split(r"\r\n|\r|\n", text)]
    return _within("\n".join(kept).strip(), limit)


def name(text: str) -> str:
    """A person's name. Raises Refused (name_missing, text_too_long)."""
    written = line(text)
    if not written:
        raise Refused("name_missing")
    return written


def comment(text: str) -> str:
    """A comment that says something. Raises Refused (comment_missing, text_too_long)."""
    written = lines(text)
    if not written:
        raise Refused("comment_missing")
    return written


def _within(text: str, limit: int) -> str:
    if len(text) > limit:
        raise Refused("text_too_long", limit=limit)
    return text
