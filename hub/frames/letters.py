"""The letters that every board can draw, and the gate before it: what cannot be drawn is refused by name. Pure."""

from __future__ import annotations

import string
import unicodedata
from typing import NamedTuple

TITLE, TEXT = 120, 2000
"""Most characters of each; looked at before anything else."""

_MARKS = ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
_VOWELS = "aăâeêioôơuưy"


def _composed() -> str:
    small = "".join(unicodedata.normalize("NFC", v + m) for v in _VOWELS for m in _MARKS) + "đ"
    return "".join(c for c in small + small.upper() if not c.isascii())


ACCENTED = _composed()
"""The 134 of Vietnamese that are not ASCII: 67 in both cases."""
ASCII = "".join(c for c in string.printable if c > " ")
SIGNS = "₫“”‘’…–—°×•²³"
REPERTOIRE = frozenset(ACCENTED + ASCII + SIGNS)
"""What the benchmark `glyphs` holds every face to; nothing else is ever drawn."""

_INSTEAD = {
    "−": "-",
    "→": "->",
    "←": "<-",
    "≤": "<=",
    "≥": ">=",
    "«": '"',
    "»": '"',
    "·": "•",
    "‐": "-",
    "‑": "-",
}
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


class Stray(NamedTuple):
    """A letter that cannot be drawn. `code`: unseen, right_to_left, emoji, unknown; `instead`: what can, or ""."""

    code: str
    letter: str
    name: str
    instead: str

    def told(self, where: str) -> tuple[str, str, dict[str, str]]:
        """The code of the trouble, where it is, and what fills its sentence."""
        about = {"letter": self.letter, "name": self.name}
        if self.instead:
            return "letter_instead", where, {**about, "instead": self.instead}
        return f"letter_{self.code}", where, about


def strays(text: str) -> list[Stray]:
    """What in a text in NFC cannot be drawn, each letter once, in order. Spaces and line ends can."""
    return [_stray(c) for c in dict.fromkeys(text) if c not in REPERTOIRE and c not in " \n"]


def _stray(letter: str) -> Stray:
    kind = unicodedata.category(letter)
    if kind in _UNSEEN or letter == "\u034f" or "\ufe00" <= letter <= "\ufe0f":
        code = "unseen"
    elif unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT:
        code = "right_to_left"
    elif kind in ("So", "Sk") and letter > "\u2190":
        code = "emoji"
    else:
        code = "unknown"
    name = unicodedata.name(letter, f"U+{ord(letter):04X}").lower()
    instead = "" if code in ("unseen", "right_to_left") else _drawn_as(letter)
    return Stray(code, f"U+{ord(letter):04X}" if code == "unseen" else letter, name, instead)


def _drawn_as(letter: str) -> str:
    """Letters that can be drawn and say nearly the same."""
    for form in ("NFKC", "NFKD"):
        found = "".join(
            _INSTEAD.get(c, c)
            for c in unicodedata.normalize(form, letter).replace("\u2044", "/")
            if form == "NFKC" or not unicodedata.combining(c)
        )
        if found and all(c in REPERTOIRE for c in found):
            return found
    return ""
