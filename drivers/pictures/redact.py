"""Pictures as they are kept: with what is private painted over, or small."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from drivers.pictures.errors import PictureError
from drivers.pictures.frame import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

Mask = tuple[tuple[float, float], ...]
"""Corners of a polygon, each (x, y) from 0 (left, above) to 1 (right, below); two corners are a rectangle's."""

QUALITY = 80
WIDTHS = (1920, 1280, 960, 640, 320, 160)
"""How wide a picture becomes that must fit."""
COLOUR = (96, 96, 96)


def masked(jpeg: bytes, masks: Sequence[Mask]) -> bytes:
    """The JPEG with each mask painted over in grey, without masks too.

    It is written anew, so that nothing beside the picture is kept (no EXIF thumbnail of what was masked). Raises
    PictureError; ValueError for a mask of one corner or outside the picture.
    """
    for mask in masks:
        if len(mask) < 2 or not all(0 <= v <= 1 for corner in mask for v in corner):  # noqa: PLR2004 - a rectangle
            raise ValueError("a mask needs two corners or more, each between 0 and 1")
    image = _loaded(jpeg)
    draw = ImageDraw.Draw(image)
    right, below = image.width - 1, image.height - 1
    for mask in masks:
        corners = [(round(x * right), round(y * below)) for x, y in mask]
        if len(corners) == 2:  # noqa: PLR2004 - a rectangle
            xs, ys = sorted(c[0] for c in corners), sorted(c[1] for c in corners)
            draw.rectangle((xs[0], ys[0], xs[1], ys[1]), COLOUR)
        else:
            draw.polygon(corners, COLOUR, COLOUR)
    return _written(image)


def thumbnail(jpeg: bytes, width: int) -> bytes:
    """The JPEG, at most so many pixels wide. Raises PictureError."""
    image = opened(jpeg)
    height = max(1, round(image.height * width / image.width))
    image.draft("RGB", (width, height))
    small = _loaded_of(image)
    if small.width > width:
        small = small.resize((width, height), Image.Resampling.BOX)
    return _written(small)


def fitted(jpeg: bytes, most: int) -> bytes:
    """The JPEG in at most `most` bytes, as large as that allows. Raises PictureError, also where nothing fits."""
    if len(jpeg) <= most:
        return jpeg
    for width in WIDTHS:
        small = thumbnail(jpeg, width)
        if len(small) <= most:
            return small
    raise PictureError("tooManyBytes", "the picture cannot be made small enough")


def _loaded(jpeg: bytes) -> Image.Image:
    return _loaded_of(opened(jpeg))


def _loaded_of(image: Image.Image) -> Image.Image:
    try:
        return image.convert("RGB")
    except Exception as e:
        cut = "truncated" in str(e)
        raise PictureError("truncated" if cut else "broken", "the picture cannot be decoded") from e


def _written(image: Image.Image) -> bytes:
    image.info.clear()  # Pillow would write its comment again
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
