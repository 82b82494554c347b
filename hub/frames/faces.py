"""Which face draws a line of how many rows: one visible table."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from hub.frames.bitmap import BitmapFace, Cut
from hub.frames.cuts import GALMURI7, GALMURI9, GALMURI11, GALMURI11_BOLD
from hub.frames.outline import OutlineFace

if TYPE_CHECKING:
    from PIL import Image

    from devices.signboard import Profile


class Face(Protocol):
    """Letters at one size. A line is `rows` high, whatever stands in it."""

    rows: int

    def width(self, text: str) -> int:
        """In pixels."""

    def mask(self, text: str) -> Image.Image:
        """Grey, 255 where there is ink, as wide as the text and as high as a line."""

    def reach(self, letter: str) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom of its ink from the line's top left, whatever the line's limits; None: none."""


class Size(NamedTuple):
    """A line's height with its faces: of the text, and of titles."""

    rows: int
    text: Face
    title: Face


LED: tuple[tuple[int, Cut, Cut, int], ...] = (
    (16, GALMURI7, GALMURI7, 1),
    (20, GALMURI9, GALMURI9, 1),
    (24, GALMURI11, GALMURI11_BOLD, 1),
    (32, GALMURI7, GALMURI7, 2),
    (40, GALMURI9, GALMURI9, 2),
    (48, GALMURI11, GALMURI11_BOLD, 2),
    (72, GALMURI11, GALMURI11_BOLD, 3),
    (96, GALMURI11, GALMURI11_BOLD, 4),
    (144, GALMURI11, GALMURI11_BOLD, 6),
)
"""Panels of lights: rows of a line, the font of texts and of titles, and how often each light is taken."""
SCREEN = (30, 36, 44, 52, 64, 80, 100, 128)
"""Screens: Be Vietnam Pro Medium and Bold at so many px; a line is about 1.5 times as high."""
_LED_LINES, _SCREEN_LINES = 8, 24
_LETTERS = 3.0
"""A size is for boards whose width is at least so many times its rows: ten letters a line."""


@cache
def sizes(profile: Profile) -> tuple[Size, ...]:
    """The sizes that a board of this profile may use, the smallest first.

    Large boards are read from afar: no line is lower than an eighth of a panel, no letter smaller than a 24th of
    a screen.
    """
    if not profile.led:
        least = min(profile.height, profile.width) / _SCREEN_LINES
        return tuple(screen(px) for px in SCREEN if px >= min(least, SCREEN[-2]))
    found = [
        Size(rows, BitmapFace(text, times), BitmapFace(title, times))
        for rows, text, title, times in LED
        if rows <= profile.height and rows * _LETTERS <= profile.width
    ]
    large = [s for s in found if s.rows >= profile.height / _LED_LINES]
    return tuple(large or found[-1:])


def screen(px: int) -> Size:
    """A size of screens."""
    text, title = OutlineFace("500Medium", px), OutlineFace("700Bold", px)
    return Size(text.rows, text, title)
