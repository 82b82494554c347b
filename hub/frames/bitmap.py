"""Faces of lights: Galmuri's letters with our marks, read from BDF files. No font engine, so the same everywhere."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from hub.frames import marks
from hub.frames.letters import ACCENTED, REPERTOIRE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.frames.marks import Glyph, Hand

_FONTS = Path(__file__).parent / "fonts"
_OWN = "đĐ"
"""Letters with a stroke, which is no mark that can be taken off."""


@dataclass(frozen=True, eq=False)
class Cut:
    """How a font's letters are completed. `above`, `below`: the rows over the baseline (row 0 with it) and under it."""

    font: str
    above: int
    below: int
    hand: Hand
    own: Mapping[str, Glyph] = field(default_factory=dict)
    wider: str = ""
    bars: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    """For d and D: the row of the bar that makes them đ and Đ, its first and its last column."""


def font_file(name: str) -> Path:
    """A font that `make setup` put beside the code."""
    path = _FONTS / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: `make setup` copies the boards' fonts there")
    return path


class BitmapFace:
    """A font's letters at its one size, each light drawn as `times` x `times`."""

    def __init__(self, cut: Cut, times: int = 1) -> None:
        self._cut, self.times = cut, times
        self._glyphs = glyphs(cut)
        self._space = self._glyphs[" "].advance
        self.rows = (cut.above + cut.below) * times

    def width(self, text: str) -> int:
        """In pixels, without the dark column after the last letter."""
        return max(0, sum(self._glyphs[c].advance for c in text) - 1) * self.times

    def mask(self, text: str) -> Image.Image:
        """The text, lit 255 on 0, as high as a line; everything that is lit is inside."""
        image = Image.new("L", (max(1, self.width(text) // self.times), self._cut.above + self._cut.below))
        at = 0
        for c in text:
            advance, lights = self._glyphs[c]
            for x, y in lights:
                image.putpixel((at + x, self._cut.above - 1 - y), 255)
            at += advance
        return image.resize((image.width * self.times, self.rows), Image.Resampling.NEAREST)

    def reach(self, letter: str) -> tuple[int, int, int, int] | None:
        """Where its ink is, from the line's top left; None: nowhere."""
        glyph = self._glyphs[letter]
        if not glyph.lights:
            return None
        (left, right), (low, high) = glyph.sides, glyph.rows
        edges = left, self._cut.above - 1 - high, right + 1, self._cut.above - low
        first, top, last, bottom = (edge * self.times for edge in edges)
        return first, top, last, bottom


@cache
def glyphs(cut: Cut) -> Mapping[str, Glyph]:
    """Every letter of the repertoire, and the space."""
    found = dict(_read(font_file(f"{cut.font}.bdf")))
    found |= {c: marks.widened(found[c]) for c in cut.wider} | dict(cut.own)
    for letter, (row, first, last) in cut.bars.items():
        found["đĐ"["dD".index(letter)]] = marks.stroked(found[letter], row, first, last)
    found.setdefault("₫", marks.dong(found["đ"]))
    for letter in ACCENTED:
        if letter not in _OWN:
            base = found[unicodedata.normalize("NFD", letter)[0]]
            found[letter] = marks.composed(letter, base, cut.hand)
    return {c: found[c] for c in (*sorted(REPERTOIRE), " ")}


def _read(path: Path) -> Mapping[str, Glyph]:
    """The letters of a BDF file (its glyph bitmaps, not its properties)."""
    found: dict[str, Glyph] = {}
    letter, advance, box, inside = "", 0, (0, 0, 0, 0), False
    rows: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _, rest = line.partition(" ")
        if word == "ENCODING":
            letter = chr(int(rest))
        elif word == "DWIDTH":
            advance = int(rest.split()[0])
        elif word == "BBX":
            width, height, left, bottom = map(int, rest.split())
            box = width, height, left, bottom
        elif word == "BITMAP":
            inside = True
        elif word == "ENDCHAR":
            found[letter] = marks.settled(advance, _lights(rows, box))
            rows, inside = [], False
        elif inside:
            rows.append(line)
    return found


def _lights(rows: list[str], box: tuple[int, int, int, int]) -> frozenset[tuple[int, int]]:
    width, height, left, bottom = box
    return frozenset(
        (left + x, bottom + height - 1 - i)
        for i, row in enumerate(rows)
        for x in range(width)
        if int(row, 16) >> (4 * len(row) - 1 - x) & 1
    )
