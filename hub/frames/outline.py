"""Be Vietnam Pro, for screens: smooth letters at any size."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from hub.frames.bitmap import font_file
from hub.frames.letters import REPERTOIRE

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont


class OutlineFace:
    """One weight at `px`. A line is as high as all the ink of the repertoire, which rises above the font's own box."""

    def __init__(self, weight: str, px: int) -> None:
        self._cast = _cast(weight, px)
        self.rows = self._cast.bottom - self._cast.top

    def width(self, text: str) -> int:
        """In pixels; ink that reaches beyond the letters' own widths is inside."""
        advances = self._cast.advances
        return sum(advances[c] for c in text) + 2 * self._cast.over

    def mask(self, text: str) -> Image.Image:
        """The text, 255 where it is full and 0 where it is not, as high as a line."""
        cast = self._cast
        image = Image.new("L", (self.width(text), self.rows))
        ImageDraw.Draw(image).text((cast.over, -cast.top), text, fill=255, font=cast.font)
        return image

    def reach(self, letter: str) -> tuple[int, int, int, int] | None:
        """Where its ink is, from the line's top left; None: nowhere."""
        cast = self._cast
        room = Image.new("L", (3 * self.rows, 3 * self.rows))
        ImageDraw.Draw(room).text(
            (self.rows + cast.over, self.rows - cast.top), letter, fill=255, font=cast.font
        )
        box = room.getbbox()
        return (
            None
            if box is None
            else (box[0] - self.rows, box[1] - self.rows, box[2] - self.rows, box[3] - self.rows)
        )


class Cast(NamedTuple):
    """A font at a size. `top`: the row of its highest ink (above its box: negative); `bottom`: under its lowest.

    `advances`: its letters' widths; `over`: how far ink reaches beyond them at most.
    """

    font: FreeTypeFont
    top: int
    bottom: int
    advances: dict[str, int]
    over: int


@cache
def _cast(weight: str, px: int) -> Cast:
    path = font_file(f"BeVietnamPro_{weight}.ttf")
    # Basic: letters are placed by the font's own widths alone, the same with and without libraqm
    font = ImageFont.truetype(path, px, layout_engine=ImageFont.Layout.BASIC)
    letters = (*sorted(REPERTOIRE), " ")
    advances = {c: int(font.getlength(c)) for c in letters}
    boxes = {c: font.getbbox(c) for c in letters}
    over = max(max(-box[0], box[2] - advances[c], 0) for c, box in boxes.items())
    top, bottom = min(b[1] for b in boxes.values()), max(b[3] for b in boxes.values())
    return Cast(font, int(top), int(bottom), advances, int(over))
