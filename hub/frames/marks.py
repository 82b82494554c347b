"""Vietnamese's marks as boards draw them, light by light, and single letters that the fonts draw too alike. Pure.

The bitmap fonts draw á and â, or a and ạ, one light apart; here every mark stands free of its letter and of the next
mark, and any two letters are at least two lights apart (held by the benchmark `glyphs`). A picture is written as rows
from the top, `#` lit; it stands with its lowest row at the given height above the baseline (row 0).
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple


class Glyph(NamedTuple):
    """A letter: its lit lights (x to the right from 0, y up from the baseline), and how far the next one stands."""

    advance: int
    lights: frozenset[tuple[int, int]]

    @property
    def sides(self) -> tuple[int, int]:
        """The first and the last column with a lit light."""
        columns = [x for x, _ in self.lights] or [0]
        return min(columns), max(columns)

    @property
    def rows(self) -> tuple[int, int]:
        """The lowest and the highest row with a lit light."""
        rows = [y for _, y in self.lights] or [0]
        return min(rows), max(rows)


class Hand(NamedTuple):
    """How a face's marks are drawn. `small_top`: the top row of a small letter."""

    above: dict[str, str]
    dot: str
    small_top: int
    tail: int = 0
    """Columns from a y's left side to the dot below it, beside its tail; 0: from its last column."""


def picture(art: str, bottom: int = 0) -> frozenset[tuple[int, int]]:
    """The lit lights of a picture."""
    rows = art.split("/")
    return frozenset(
        (x, bottom + len(rows) - 1 - i)
        for i, row in enumerate(rows)
        for x, light in enumerate(row)
        if light == "#"
    )


def drawn(art: str, bottom: int = 0) -> Glyph:
    """A glyph of its own: its picture, one dark column after it."""
    return Glyph(len(art.partition("/")[0]) + 1, picture(art, bottom))


_GRAVE, _HOOK, _TILDE, _ACUTE, _DOT = "\u0300", "\u0309", "\u0303", "\u0301", "\u0323"
_CIRCUMFLEX, _BREVE, _HORN = "\u0302", "\u0306", "\u031b"

SMALL = {
    _GRAVE: "#../.##", _ACUTE: "..#/##.", _HOOK: "##/.#/#.", _TILDE: ".#.#/#.#.",
    _CIRCUMFLEX: ".##./#..#", _BREVE: "#...#/.###.",
}  # fmt: skip
"""Marks for capitals of 7 rows."""
LARGE = {
    _GRAVE: "#../.#./..#", _ACUTE: "..#/.#./#..", _HOOK: "##./..#/.#.", _TILDE: ".##.#/#.##.",
    _CIRCUMFLEX: "..#../.#.#./#...#", _BREVE: "#...#/.###.",
}  # fmt: skip
"""Marks for capitals of 9 rows and more."""
HEAVY = {
    _GRAVE: "##../.##./..##", _ACUTE: "..##/.##./##..", _HOOK: "###./..##/.##.", _TILDE: ".###.##/##.###.",
    _CIRCUMFLEX: "..##../.####./##..##", _BREVE: "##..##/.####.",
}  # fmt: skip
"""Marks for strokes of two lights."""


def composed(letter: str, base: Glyph, hand: Hand) -> Glyph:
    """A letter of `base` with its marks: at most a horn, one that changes the vowel, and a tone."""
    marks = unicodedata.normalize("NFD", letter)[1:]
    lights = set(base.lights)
    if unicodedata.normalize("NFD", letter)[0] == "i" and marks != _DOT:
        lights = {(x, y) for x, y in lights if y <= hand.small_top}
    body = Glyph(base.advance, frozenset(lights))
    left, right = body.sides
    top = body.rows[1]
    if _HORN in marks:
        lights |= {(right, top), (right + 1, top), (right + 1, top + 1)}
    height = top + 2
    for mark in sorted(
        marks.replace(_HORN, "").replace(_DOT, ""), key=lambda m: m not in (_CIRCUMFLEX, _BREVE)
    ):
        shape = picture(hand.above[mark])
        width = max(x for x, _ in shape) + 1
        spare = right - left + 1 - width
        at = left + (spare + (mark in (_ACUTE, _HOOK))) // 2
        lights |= {(at + x, height + y) for x, y in shape}
        height += max(y for _, y in shape) + 2
    if _DOT in marks:
        lights |= _below(body, hand)
    return settled(base.advance, lights)


def _below(body: Glyph, hand: Hand) -> set[tuple[int, int]]:
    """The dot below; beside the tail of a y."""
    shape = picture(hand.dot)
    rows, width = max(y for _, y in shape) + 1, max(x for x, _ in shape) + 1
    left, right = body.sides
    bottom = -1 - rows
    at = left + hand.tail if body.rows[0] < 0 else left + (right - left + 2 - width) // 2
    return {(at + x, bottom + y) for x, y in shape}


def settled(advance: int, lights: frozenset[tuple[int, int]] | set[tuple[int, int]]) -> Glyph:
    """Nothing left of column 0; one dark column after it at least."""
    if not lights:
        return Glyph(advance, frozenset())
    first = min(0, *(x for x, _ in lights))
    moved = frozenset((x - first, y) for x, y in lights)
    return Glyph(max(advance - first, max(x for x, _ in moved) + 2), moved)


def widened(glyph: Glyph) -> Glyph:
    """One column wider, its middle one twice: an O beside a 0."""
    left, right = glyph.sides
    middle = (left + right) // 2
    lights = {(x + (x > middle), y) for x, y in glyph.lights} | {
        (middle + 1, y) for x, y in glyph.lights if x == middle
    }
    return Glyph(glyph.advance + 1, frozenset(lights))


def dong(stroked: Glyph) -> Glyph:
    """The sign of the đồng: a small đ over a line."""
    left, right = stroked.sides
    return Glyph(stroked.advance, stroked.lights | {(x, -2) for x in range(left, right + 1)})


def stroked(base: Glyph, row: int, first: int, last: int) -> Glyph:
    """đ and Đ where a font has none: d and D with a bar."""
    return settled(base.advance, base.lights | {(x, row) for x in range(first, last + 1)})
