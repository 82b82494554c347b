"""Lines and pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.frames import cuts, wrap
from hub.frames.bitmap import BitmapFace
from hub.frames.letters import ACCENTED

FACE = BitmapFace(cuts.GALMURI7)
TEXT = st.text(st.sampled_from(ACCENTED + "abcxyz0123 .,\n"), max_size=200)


@given(TEXT, st.integers(20, 200))
def test_nothing_is_lost_and_no_line_is_too_wide(text: str, width: int) -> None:
    for found in (wrap.lines(text, FACE, width), wrap.even(text, FACE, width)):
        assert "".join(found).replace(" ", "") == text.replace(" ", "").replace("\n", "")
        assert all(FACE.width(line) <= width for line in found)
    assert len(wrap.even(text, FACE, width)) == len(wrap.lines(text, FACE, width))


@given(TEXT, st.integers(1, 5))
def test_pages_hold_every_line_and_no_more_than_they_may(text: str, most: int) -> None:
    found = wrap.lines(text, FACE, 64)
    pages = wrap.pages(found, most)
    assert [line for page in pages for line in page if line] == [line for line in found if line]
    assert all(1 <= len(page) <= most and page[0] and page[-1] for page in pages)


def test_a_telephone_number_stays_together() -> None:
    assert wrap.lines("Gọi 0912 345 678", FACE, 64) == ["Gọi", "0912 345 678"]


def test_no_word_stands_alone_on_the_last_line() -> None:
    assert wrap.lines("một hai ba bốn năm", FACE, 72)[-1] == "năm"
    assert wrap.even("một hai ba bốn năm", FACE, 72) == ["một hai ba", "bốn năm"]


@pytest.mark.parametrize(("letters", "seconds"), [(0, 4), (20, 4), (21, 5), (100, 12), (280, 30), (900, 30)])
def test_reading_time(letters: int, seconds: int) -> None:
    assert wrap.reading_s(["x" * letters]) == seconds
