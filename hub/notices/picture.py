"""Pictures that people give for a notice: bounded before they are decoded, made small and plain before being kept."""

from __future__ import annotations

import hashlib
import io
import warnings

from PIL import Image, ImageOps

from hub.views import Refused

MAX_BYTES = 8_000_000
MAX_PIXELS = 20_000_000
KEPT = (1920, 1080)
"""No board is larger."""
_FORMATS = ("JPEG", "PNG", "WEBP")


def taken(data: bytes) -> bytes:
    """The picture as it is kept: a PNG without anything else in it, upright, no larger than KEPT. A worker's work.

    Raises Refused: picture_too_large, picture_bad.
    """
    if len(data) > MAX_BYTES:
        raise _too_large()
    try:
        return _made(data)
    except Refused:
        raise
    except Image.DecompressionBombError as e:
        raise _too_large() from e
    except Exception as e:  # Pillow raises many kinds on what is none
        raise Refused("picture_bad") from e


def _too_large() -> Refused:
    return Refused("picture_too_large", mb=MAX_BYTES // 1_000_000, mpx=MAX_PIXELS // 1_000_000)


def _made(data: bytes) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its size we judge ourselves
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise _too_large()
    image.draft("RGB", KEPT)
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    upright.thumbnail(KEPT)
    plain = Image.new("RGB", upright.size, "white")
    plain.paste(upright, mask=upright)
    out = io.BytesIO()
    plain.save(out, "PNG")
    return out.getvalue()


def name(kept: bytes) -> str:
    """What a kept picture is called."""
    return hashlib.sha256(kept).hexdigest()
