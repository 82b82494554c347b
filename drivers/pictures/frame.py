"""From the bytes of a JPEG to a small grey picture: bounded in bytes, pixels and passes, whatever the bytes are."""

from __future__ import annotations

import io
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from drivers.pictures.errors import PictureError
from drivers.pictures.limits import BAND, CELL, LONG_SIDE, MAX_BYTES, MAX_PIXELS, MAX_SCANS

if TYPE_CHECKING:
    from numpy.typing import NDArray

START_OF_SCAN = b"\xff\xda"
MARKER = 0xFF
ALONE = frozenset({0x01, *range(0xD0, 0xDA)})  # markers without a length
SMALLEST = 32  # pixels a side


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture as the analysis sees it.

    `grey`: uint8, rows x columns, the longer side 320, both sides multiples of 5. `chroma`: mean distance of both
    colour channels from grey, in levels, 0 for a black-and-white picture. `seam`: the largest step at one row all along
    the picture, in levels, a step of colour counted threefold. `width`, `height` and `size` are the
    picture's own, in pixels and bytes; `read` is how many pixels had to be made of it, the cost. `digest` is of its
    bytes.
    """

    grey: NDArray[np.uint8]
    chroma: float
    seam: float
    width: int
    height: int
    size: int
    read: int
    digest: bytes


def decode(jpeg: bytes) -> Frame:
    """A JPEG as a Frame. Raises PictureError, and nothing else."""
    image = opened(jpeg)
    width, height = image.size
    try:
        # libjpeg makes 1/2, 1/4 or 1/8 of a picture at once, which costs a fraction of the whole
        image.draft("YCbCr", (LONG_SIDE, LONG_SIDE * 9 // 16))
        read = image.size[0] * image.size[1]
        small = _small(image)
    except PictureError:
        raise
    except MemoryError:
        raise PictureError("broken", "no memory for this picture") from None
    except OSError as e:
        if "truncated" in str(e):
            raise PictureError("truncated", "the picture ends in the middle") from None
        raise PictureError("broken", f"the picture cannot be decoded: {e}"[:120]) from None
    except Exception as e:
        raise PictureError("broken", f"the picture cannot be decoded: {type(e).__name__}") from e
    pixels = np.asarray(small)
    if pixels.ndim == 2:  # noqa: PLR2004 - rows and columns, no channels
        grey, chroma = np.ascontiguousarray(pixels), 0.0
        seam = _seam(grey)
    else:
        grey = np.ascontiguousarray(pixels[:, :, 0])
        chroma = float(np.abs(pixels[BAND:-BAND:3, ::3, 1:].astype(np.int16) - 128).mean())
        seam = max(_seam(grey), *(3 * _seam(pixels[:, :, c]) for c in (1, 2)))
    digest = blake2b(jpeg, digest_size=16).digest()
    return Frame(grey, round(chroma, 2), seam, width, height, len(jpeg), read, digest)


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


def _small(image: Image.Image) -> Image.Image:
    """At most 320 pixels long; sides are multiples of a cell."""
    width, height = image.size
    if image.mode not in ("L", "YCbCr"):
        image = image.convert("RGB").convert("YCbCr")
    scale = LONG_SIDE / max(width, height)
    smallest = 2 * BAND + 4 * CELL
    columns = max(smallest, round(width * scale / CELL) * CELL)
    rows = max(smallest, round(height * scale / CELL) * CELL)
    return image.resize((columns, rows), Image.Resampling.HAMMING)


def _seam(plane: NDArray[np.uint8]) -> float:
    """Lost bytes shift all that follows: most columns step the same way at one row."""
    some = plane[BAND:-BAND, ::4].astype(np.int16)
    steps = some[2:] - some[:-2]
    steps.sort(axis=1)
    columns = steps.shape[1]
    up, down = steps[:, columns * 3 // 10], steps[:, columns * 7 // 10]
    return float(max(up.max(), -down.min(), 0))
