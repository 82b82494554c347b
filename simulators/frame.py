"""Frames as a simulated board decodes them."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

from devices.notice import pixel_hash


def decoded(png: bytes) -> tuple[int, int, bytes] | None:
    """Width, height, and the red, green and blue of every pixel; None where it is no whole PNG."""
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            return image.width, image.height, image.convert("RGB").tobytes()
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError):
        return None


def hash_of(png: bytes) -> str:
    """The hash of what was decoded; empty where nothing could be."""
    found = decoded(png)
    return "" if found is None else pixel_hash(*found)
