"""Snapshots of simulated cameras: drawn when they are asked for, and kept for some seconds."""

from __future__ import annotations

import io
import random
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFilter

from simulators.chance import between, dice

if TYPE_CHECKING:
    from simulators.onvif.camera import Camera

FRESH_S = 2.0
"""A picture is given again for so long; a camera encodes no faster."""
KEPT = 64
"""Pictures kept, of all cameras together."""
SEEN = frozenset({"frozen", "covered", "blurred", "turned", "black", "overexposed"})
"""Faults that show in a picture."""


class Pictures:
    """What the cameras of one process see."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[object, bytes]] = OrderedDict()
        self.drawn = 0

    def of(self, camera: Camera) -> bytes:
        """The JPEG that a camera gives now."""
        faults = frozenset(camera.faults & SEEN)
        at = camera.since.get("frozen", camera.clock()) if "frozen" in faults else camera.clock()
        key = (at // FRESH_S, faults)
        kept = self._kept.get(camera.name)
        if kept is None or kept[0] != key:
            self.drawn += 1
            self._kept[camera.name] = kept = (key, _drawn(camera, at // FRESH_S * FRESH_S, faults))
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(camera.name)
        return padded(kept[1], camera.maker.picture_kb * 1000)


def padded(jpeg: bytes, least: int) -> bytes:
    """The JPEG with as much of a maker's own data in it as makes it `least` bytes."""
    missing = least - len(jpeg)
    if missing <= 0:
        return jpeg
    return jpeg[:2] + _segment() * (missing // 65_000 + 1) + jpeg[2:]


@lru_cache(maxsize=1)
def _segment() -> bytes:
    data = random.Random(0).randbytes(65_000 - 4)
    return b"\xff\xed" + (len(data) + 2).to_bytes(2, "big") + data


def _drawn(camera: Camera, at: float, faults: frozenset[str]) -> bytes:
    seed = camera.seed + ("turned" in faults)
    picture = Image.new("RGB", (640, 360), (150, 190, 220))
    draw = ImageDraw.Draw(picture)
    for i in range(40):
        x, y = between(seed, i * 5, 0, 600), between(seed, i * 5 + 1, 60, 330)
        shade = tuple(int(255 * dice(seed, i * 5 + j)) for j in (2, 3, 4))
        draw.rectangle((x, y, x + 30, y + 40), (shade[0], shade[1], shade[2]))
    draw.rectangle((at * 7 % 640, 250, at * 7 % 640 + 20, 300), (200, 30, 30))
    if "blurred" in faults:
        picture = picture.filter(ImageFilter.GaussianBlur(12))
    for fault, colour in (("covered", (60, 60, 60)), ("black", (3, 3, 3)), ("overexposed", (252, 252, 252))):
        if fault in faults:
            picture.paste(colour, (0, 0, 640, 360))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=75)
    return out.getvalue()
