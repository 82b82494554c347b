"""The gate: what boards can draw, and how the rest is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.frames.letters import ACCENTED, REPERTOIRE, strays


def test_all_of_vietnamese_in_both_cases() -> None:
    assert len(ACCENTED) == len(set(ACCENTED)) == 134
    assert set(ACCENTED) == set(ACCENTED.swapcase())
    assert strays(ACCENTED + "Nước lên 11,5 m², 20.000 ₫ “gấp”…\nĐẾN NGAY!") == []


@pytest.mark.parametrize(
    ("letter", "code", "named", "instead"),
    [
        ("😀", "emoji", "😀", ""),
        ("☂", "emoji", "☂", ""),
        ("א", "right_to_left", "א", ""),
        ("ع", "right_to_left", "ع", ""),
        ("\u200b", "unseen", "U+200B", ""),
        ("\u202e", "unseen", "U+202E", ""),
        ("\ufe0f", "unseen", "U+FE0F", ""),
        ("\x07", "unseen", "U+0007", ""),
        ("\t", "unseen", "U+0009", ""),
        ("ü", "unknown", "ü", "u"),
        ("½", "unknown", "½", "1/2"),
        ("→", "unknown", "→", "->"),
        ("№", "unknown", "№", "No"),
        ("中", "unknown", "中", ""),
        ("\u0323", "unknown", "\u0323", ""),
    ],
)
def test_a_letter_that_cannot_be_drawn_is_named_with_what_may_stand_for_it(
    letter: str, code: str, named: str, instead: str
) -> None:
    (found,) = strays(f"a{letter}b{letter}")
    assert (found.code, found.letter, found.instead) == (code, named, instead)


@given(st.text(max_size=60))
def test_every_letter_is_drawn_or_named(text: str) -> None:
    named = {s.letter for s in strays(text)}
    for letter in text:
        drawn = letter in REPERTOIRE or letter in " \n"
        assert drawn != (letter in named or f"U+{ord(letter):04X}" in named)
