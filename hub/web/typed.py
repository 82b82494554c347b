"""Typed: what people write into forms, made safe to store and show to others."""

from __future__ import annotations

import re
import unicodedata

from hub.views import Refused

NAME, COMMENT = 80, 1000
"""Most characters of a name and of a comment."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control, format (bidi, zero width), surrogate and unassigned characters: they change what others read."""


def line(text: str, *, limit: int = NAME) -> str:
    """One line: NFC, no unseen characters, single spaces. Raises Refused (text_too_long)."""
    return _within(re.sub(r"\s+", " ", _seen(text)).strip(), limit)


def lines(text: str, *, limit: int = COMMENT) -> str:
    """Several lines, otherwise as `line`."""
    kept = [re.sub(r"\s+", " ", _seen(one)).strip() for one in re.split(r"\r\n|\r|\n", text)]
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


def _seen(text: str) -> str:
    composed = unicodedata.normalize("NFC", text.replace("\t", " "))
    return "".join(c for c in composed if unicodedata.category(c) not in _UNSEEN)


def _within(text: str, limit: int) -> str:
    if len(text) > limit:
        raise Refused("text_too_long", limit=limit)
    return text
