"""Letters, size by size: whole, present, and no two alike. The benchmark `glyphs` looks at every size."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
from PIL import ImageFont

from benchmarks.glyphs import apart, clipped, confused, lit, missing
from devices.signboard import USUAL, Profile, profile
from hub.frames import cuts
from hub.frames.bitmap import BitmapFace, Cut, font_file
from hub.frames.faces import sizes
from hub.frames.letters import ACCENTED, REPERTOIRE
from hub.frames.outline import OutlineFace

CUTS = [cuts.GALMURI7, cuts.GALMURI9, cuts.GALMURI11, cuts.GALMURI11_BOLD]


@pytest.mark.parametrize("cut", CUTS, ids=lambda c: c.font)
def test_every_letter_of_lights_is_whole_and_no_two_are_alike(cut: Cut) -> None:
    face = BitmapFace(cut)
    assert missing(face) == clipped(face) == []
    assert confused(face) == ([], 2)


@pytest.mark.parametrize("weight", ["500Medium", "700Bold"])
def test_every_smooth_letter_is_whole(weight: str) -> None:
    face = OutlineFace(weight, 44)
    assert missing(face) == clipped(face) == []
    font = ImageFont.truetype(font_file(f"BeVietnamPro_{weight}.ttf"), 44)
    lacked = bytes(font.getmask("\uffff"))
    assert [c for c in REPERTOIRE if bytes(font.getmask(c)) == lacked] == []


def test_the_measure_tells_letters_that_are_alike() -> None:
    """As the font itself draws them: a dot below of one light."""
    plain = lit(BitmapFace(cuts.GALMURI7), "a")
    dotted = plain.copy()
    dotted[-2, 2] = True
    assert apart(plain, dotted) == 1


@pytest.mark.parametrize("cut", CUTS, ids=lambda c: c.font)
def test_a_mark_stands_free_of_its_letter(cut: Cut) -> None:
    """Between a letter and the marks above it, and between two marks, a row is dark."""
    face = BitmapFace(cut)
    for letter in "ấẤễỄộỘằẰẩẨ":
        rows = [bool(row.any()) for row in lit(face, letter)]
        edges = sum(a and not b for a, b in pairwise(rows))
        assert edges >= 3 if letter not in "ộỘ" else edges == 3, letter


@cache
def _sizes(name: str) -> list[int]:
    found = profile(name)
    assert found is not None
    return [s.rows for s in sizes(found)]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("led-64x16-1", [16]),
        ("led-64x32-1", [16, 20]),
        ("led-192x64-2", [16, 20, 24, 32, 40, 48]),
        ("led-320x160-full", [20, 24, 32, 40, 48, 72, 96]),
    ],
)
def test_row_heights_follow_the_board(name: str, rows: list[int]) -> None:
    assert _sizes(name) == rows


@pytest.mark.parametrize("one", USUAL, ids=lambda p: p.name)
def test_a_line_is_as_high_as_it_says(one: Profile) -> None:
    for size in sizes(one):
        assert size.text.rows == size.rows
        assert size.text.mask(ACCENTED[:9]).size == (size.text.width(ACCENTED[:9]), size.rows)
