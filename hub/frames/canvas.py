"""A frame while it is drawn: few colours by number, and in the end a PNG and the hash of its pixels."""

from __future__ import annotations

import io
import zlib
from typing import NamedTuple

from PIL import Image, ImageOps

Colour = tuple[int, int, int]
_PLAIN, _RICH = 6, 1
"""How hard zlib works on frames of few colours, and on those with a picture (a megabyte)."""
_STEPS = 15
"""Steps between ground and ink at a letter's edge."""


class Box(NamedTuple):
    """A part of the frame."""

    x: int
    y: int
    width: int
    height: int

    def less(self, left: int = 0, top: int = 0, right: int = 0, bottom: int = 0) -> Box:
        """What stays of it."""
        return Box(self.x + left, self.y + top, self.width - left - right, self.height - top - bottom)


class Canvas:
    """`colours`: the first is the ground. `full`: the board has all colours: edges may be soft."""

    def __init__(self, width: int, height: int, colours: tuple[Colour, ...], *, full: bool) -> None:
        self._image = Image.new("L", (width, height), 0)
        self._palette = list(dict.fromkeys(colours))
        self._full = full
        self._ramps: dict[tuple[int, int], list[int]] = {}
        self._pictures: list[tuple[Image.Image, int, int]] = []

    def fill(self, box: Box, colour: Colour) -> None:
        """A box of one colour."""
        if box.width > 0 and box.height > 0:
            x, y, width, height = box
            self._image.paste(self._palette.index(colour), (x, y, x + width, y + height))

    def ink(self, x: int, y: int, mask: Image.Image, colour: Colour, ground: Colour) -> None:
        """A mask's shape in a colour, on ground of one colour."""
        steps = self._ramp(ground, colour)
        numbers = mask.point(steps)
        self._image.paste(numbers, (x, y), mask.point([0] * 8 + [255] * 248))

    def stripes(self, box: Box, colour: Colour, thick: int) -> None:
        """Slanting stripes, as wide as the gaps between them."""
        number, period = self._palette.index(colour), 2 * thick
        row = bytes(255 * (x % period < thick) for x in range(box.width + period))
        rows = (row[y % period :][: box.width] for y in range(box.height))
        shape = Image.frombytes("L", (box.width, box.height), b"".join(rows))
        self._image.paste(number, (box.x, box.y), shape)

    def _ramp(self, ground: Colour, colour: Colour) -> list[int]:
        """From a mask's 256 values to numbers of colours."""
        key = self._palette.index(ground), self._palette.index(colour)
        if key not in self._ramps:
            if self._full:
                numbers = [self._mixed(ground, colour, step) for step in range(_STEPS + 1)]
                self._ramps[key] = [numbers[(v * _STEPS + 127) // 255] for v in range(256)]
            else:
                self._ramps[key] = [key[v > 127] for v in range(256)]  # noqa: PLR2004 - half lit
        return self._ramps[key]

    def _mixed(self, ground: Colour, colour: Colour, step: int) -> int:
        red, green, blue = (
            (a * (_STEPS - step) + b * step + _STEPS // 2) // _STEPS
            for a, b in zip(ground, colour, strict=True)
        )
        mixed = red, green, blue
        if mixed not in self._palette:
            self._palette.append(mixed)
        return self._palette.index(mixed)

    def picture(self, image: Image.Image, x: int, y: int) -> None:
        """A picture (RGB), in the colours that the board has: dithered where those are few."""
        if self._full:
            self._pictures.append((image, x, y))
            return
        few = Image.new("P", (1, 1))
        few.putpalette([c for colour in self._palette for c in colour])
        numbers = ImageOps.autocontrast(image, cutoff=1).quantize(
            palette=few, dither=Image.Dither.FLOYDSTEINBERG
        )
        self._image.paste(Image.frombytes("L", numbers.size, numbers.tobytes()), (x, y))

    def done(self) -> tuple[Image.Image, bytes]:
        """The frame (RGB) and its PNG."""
        drawn = Image.frombytes("P", self._image.size, self._image.tobytes())
        drawn.putpalette([c for colour in self._palette for c in colour])
        pixels, out = drawn.convert("RGB"), io.BytesIO()
        if self._pictures:
            for image, x, y in self._pictures:
                pixels.paste(image, (x, y))
            pixels.save(out, "PNG", compress_level=_RICH, compress_type=zlib.Z_RLE)
        else:
            drawn.save(out, "PNG", bits=_bits(len(self._palette)), compress_level=_PLAIN)
        return pixels, out.getvalue()


def _bits(colours: int) -> int:
    """Of a pixel in a PNG with so many colours."""
    return next(bits for bits in (1, 2, 4, 8) if colours <= 1 << bits)
