"""Visible: a text that somebody else wrote, as it may be stored and shown to others."""

from __future__ import annotations

import re
import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control, format (bidi, zero width), surrogate and unassigned characters: they change what others read."""


def visible(text: str) -> str:
    """One line in NFC, without characters that nobody sees, with single spaces."""
    if text.isprintable() and unicodedata.is_normalized("NFC", text) and "  " not in text:
        return text.strip()  # nearly always, and much faster
    composed = unicodedata.normalize("NFC", text.replace("\t", " "))
    seen = "".join(c for c in composed if unicodedata.category(c) not in _UNSEEN)
    return re.sub(r"\s+", " ", seen).strip()


def unseen(text: str) -> list[str]:
    """The characters in it that nobody sees, each once, in order."""
    return [c for c in dict.fromkeys(text) if unicodedata.category(c) in _UNSEEN]
