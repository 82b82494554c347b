"""A notice's picture inside a box."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

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
            return ImageOps.contain(image.convert("RGB"), (width, height), Image.Resampling.BICUBIC)
    except (OSError, SyntaxError, Image.DecompressionBombError) as e:
        raise BadPicture from e
