"""A notice's picture inside a box."""

from __future__ import annotations

import io

from PIL import Image

_FORMATS = ("PNG", "JPEG", "WEBP")


class BadPicture(ValueError):  # noqa: N818 - what the file is
    """A file that is no picture."""


def size(data: bytes) -> tuple[int, int]:
    """Width and height by its header. Raises BadPicture."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return image.size
    except (OSError, SyntaxError, Image.DecompressionBombError) as e:
        raise BadPicture from e


def fitted(data: bytes, width: int, height: int) -> Image.Image:
    """The whole picture (RGB), as large as the box allows. Raises BadPicture."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            image.draft("RGB", (width, height))
            times = min(width / image.width, height / image.height)
            sides = max(1, round(image.width * times)), max(1, round(image.height * times))
            return image.convert("RGB").resize(sides, Image.Resampling.BICUBIC, reducing_gap=2.0)
    except (OSError, SyntaxError, Image.DecompressionBombError) as e:
        raise BadPicture from e
