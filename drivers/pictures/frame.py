"""From the bytes of a JPEG to a small grey picture: bounded in bytes, pixels and passes, whatever the bytes are."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from simplejpeg import decode_jpeg

from drivers.pictures.errors import PictureError
from drivers.pictures.limits import BAND, CELL, LONG_SIDE, MAX_BYTES, MAX_PIXELS, MAX_SCANS

if TYPE_CHECKING:
    from numpy.typing import NDArray

START_OF_SCAN = b"\xff\xda"
MARKER = 0xFF
ALONE = frozenset({0x01, *range(0xD0, 0xDA)})  # markers without a length
SMALLEST = 32  # pixels a side
PADDED = "extraneous bytes before marker 0xd9"  # cheap encoders fill up the end; nothing is lost


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture as the analysis sees it.

    `grey`: uint8, rows x columns, the longer side 320, both sides multiples of 5. `chroma`: mean distance of both
    colour channels from grey, in levels, 0 for a black-and-white picture. `damaged`: the decoder found its codes
    broken and guessed the rest. `width`, `height` and `size` are the picture's own, in pixels and bytes; `read` is
    how many pixels had to be made of it, the cost.
    """

    grey: NDArray[np.uint8]
    chroma: float
    damaged: bool
    width: int
    height: int
    size: int
    read: int


def decode(jpeg: bytes) -> Frame:
    """A JPEG as a Frame. Raises PictureError, and nothing else."""
    width, height = opened(jpeg).size
    columns, rows = _small(width, height)
    pixels, damaged = _pixels(jpeg, min(rows, height), min(columns, width))
    small = Image.fromarray(pixels).resize((columns, rows), Image.Resampling.HAMMING).convert("YCbCr")
    planes = np.asarray(small)
    grey = np.ascontiguousarray(planes[:, :, 0])
    chroma = float(np.abs(planes[BAND:-BAND:3, ::3, 1:].astype(np.int16) - 128).mean())
    read = pixels.shape[0] * pixels.shape[1]
    return Frame(grey, round(chroma, 2), damaged, width, height, len(jpeg), read)


def _pixels(jpeg: bytes, rows: int, columns: int) -> tuple[NDArray[np.uint8], bool]:
    """RGB of at least so many rows and columns, and whether its codes are damaged.

    libjpeg makes n/8 of a picture at once, which costs a fraction of the whole. Where it meets codes that are none it
    goes on guessing and warns, which Pillow keeps to itself: lost bytes are told by this surely and at no cost.
    """
    warning = ""
    try:
        try:
            pixels = decode_jpeg(jpeg, min_height=rows, min_width=columns)
        except ValueError as e:
            warning = str(e)
            pixels = decode_jpeg(jpeg, min_height=rows, min_width=columns, strict=False)
    except MemoryError:
        raise PictureError("broken", "no memory for this picture") from None
    except Exception as e:
        raise PictureError("broken", f"the picture cannot be decoded: {e}"[:120]) from e
    if warning.startswith("Premature end"):
        raise PictureError("truncated", "the picture ends in the middle")
    return pixels, warning.startswith("Corrupt") and not warning.endswith(PADDED)


def opened(jpeg: bytes) -> JpegImageFile:
    """A JPEG whose header was read and whose size is allowed. Raises PictureError."""
    if len(jpeg) > MAX_BYTES:
        raise PictureError("tooManyBytes", f"{len(jpeg)} bytes, more than {MAX_BYTES}")
    if not jpeg.startswith(b"\xff\xd8\xff"):
        raise PictureError("notJpeg", "these bytes are no JPEG")
    if jpeg.count(START_OF_SCAN, _first_scan(jpeg)) > MAX_SCANS:
        raise PictureError("tooManyScans", f"more than {MAX_SCANS} passes")
    try:
        image = JpegImageFile(io.BytesIO(jpeg))
    except Exception as e:  # a damaged header makes Pillow raise a dozen different errors
        raise PictureError("broken", f"the header cannot be read: {type(e).__name__}") from e
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PictureError("tooManyPixels", f"{width} x {height} pixels, more than {MAX_PIXELS}")
    if min(width, height) < SMALLEST:
        raise PictureError("tooSmall", f"{width} x {height} pixels")
    return image


def _first_scan(jpeg: bytes) -> int:
    """Where the first pass begins: the segments that a maker wrote before it may hold any bytes."""
    at = 2
    while at + 4 <= len(jpeg) and jpeg[at] == MARKER and jpeg[at + 1] != START_OF_SCAN[1]:
        if jpeg[at + 1] == MARKER:  # a marker may be filled up before
            at += 1
        elif jpeg[at + 1] in ALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return at


def _small(width: int, height: int) -> tuple[int, int]:
    """Columns and rows: at most 320 long, multiples of a cell."""
    scale, smallest = LONG_SIDE / max(width, height), 2 * BAND + 4 * CELL
    return max(smallest, round(width * scale / CELL) * CELL), max(
        smallest, round(height * scale / CELL) * CELL
    )
