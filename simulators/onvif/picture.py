"""Snapshots of simulated cameras: drawn when they are asked for, and kept for some seconds."""

from __future__ import annotations

import random
from collections import OrderedDict
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from simulators import scene
from simulators.chance import dice
from simulators.scene_faults import Fault
from simulators.scene_paint import KINDS, paint
from simulators.sky import Sky

if TYPE_CHECKING:
    from simulators.onvif.camera import Camera
    from simulators.scene_paint import Place

FRESH_S = 2.0
"""A picture is given again for so long; a camera encodes no faster."""
KEPT = 64
"""Pictures kept, of all cameras together."""
PLACES = 16
"""Places that there are, 8 MB each; every camera looks at one of them in its own way."""
SEEN = frozenset({"frozen", "covered", "blurred", "turned", "black", "no_signal", "overexposed"})
"""Faults that show in a picture."""


class Pictures:
    """What the cameras of one process see; `seed` chooses the clouds, as it does for the rest of the field."""

    def __init__(self, seed: int = 0) -> None:
        self._kept: OrderedDict[str, tuple[object, bytes]] = OrderedDict()
        self._sky = Sky(seed)
        self.drawn = 0

    def of(self, camera: Camera) -> bytes:
        """The JPEG that a camera gives now."""
        faults = frozenset(camera.faults & SEEN)
        at = camera.clock() // FRESH_S * FRESH_S
        kept = self._kept.get(camera.name)
        if kept is None or kept[0] != (at, faults):
            self.drawn += 1
            held = camera.since.get("frozen", at) if "frozen" in faults else at  # its clouds stand still, too
            weather = scene.Weather(cloud=1 - self._sky.at(camera.lat, camera.lon, held).clear)
            self._kept[camera.name] = kept = ((at, faults), _seen(camera, at, weather, faults))
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


def _seen(camera: Camera, at: float, weather: scene.Weather, faults: frozenset[str]) -> bytes:
    """Draws it: a few milliseconds, and a fifth of a second where a place is looked at for the first time."""
    place = _place(int(dice(camera.seed, 820) * PLACES))
    view = replace(scene.camera_at(place, camera.seed), name=camera.name.upper())
    happened = tuple(_happened(camera, fault) for fault in sorted(faults))
    return scene.snapshot(view, at, weather, happened)


def _happened(camera: Camera, fault: str) -> Fault:
    """A camera's fault as what happened before its lens."""
    throw = dice(camera.seed, 821)
    match fault:
        case "covered":
            return Fault("cloth" if throw < 0.5 else "paint")  # noqa: PLR2004 - one half
        case "blurred":
            return Fault("defocus", 0.015 + 0.02 * throw)
        case "turned":
            return Fault("turned", pan=(25 + 18 * throw) * (1 if dice(camera.seed, 822) < 0.5 else -1))  # noqa: PLR2004
        case "frozen":
            return Fault("frozen", since=camera.since.get("frozen", camera.clock()), clock_runs=throw < 0.5)  # noqa: PLR2004
        case "overexposed":
            return Fault("overexposed", 3.0)
        case _:
            return Fault("black")


@lru_cache(maxsize=PLACES)
def _place(number: int) -> Place:
    return paint(number, KINDS[number % (len(KINDS) - 1)])
