"""LED controllers that only fetch: over HTTP they take the frame that is to stand on the panel now, as PNG or as bits.

What was fetched is `stored` at best: nobody knows what the panel shows, so such a board is never green.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageChops

from devices.notice import Known, turns

if TYPE_CHECKING:
    from devices.notice import Frame, Playlist

LIT = 128
"""From this brightness of 255 on an LED is on."""


class Standing(NamedTuple):
    """The frame to show now, of which item (empty: the fallback), and the seconds until another one."""

    frame: Frame
    item: str
    seconds: float


def standing(made: Playlist, at: float) -> Standing | None:
    """What stands at `at` (s since 1970), frames taking turns by the clock; None: the panel is dark."""
    items = turns(made, Known(at, left={i.id: i.windows[-1][1] - at for i in made.items}))
    frames = [(f, i.id) for i in items for f in i.frames]
    if not items and made.policy.nothing_due == "fallback":
        frames = [(f, "") for f in made.fallback]
    if not frames:
        return None
    within = at % sum(f.seconds for f, _ in frames)
    for frame, item in frames[:-1]:
        if within < frame.seconds:
            return Standing(frame, item, frame.seconds - within)
        within -= frame.seconds
    frame, item = frames[-1]
    return Standing(frame, item, max(0.0, frame.seconds - within))


def bits(png: bytes, colours: str) -> bytes:
    """A frame as an LED panel clocks it in: row by row from the top, each row padded to whole bytes.

    The leftmost LED is the highest bit, 1 is lit. `colours` as in the name of a profile: `1`: one plane; `2`:
    the red plane, then the green one; anything else: 3 bytes a pixel (RGB).
    """
    red, green, blue = (image := Image.open(io.BytesIO(png)).convert("RGB")).split()
    match colours:
        case "1":
            return _plane(ImageChops.lighter(ImageChops.lighter(red, green), blue))
        case "2":
            return _plane(red) + _plane(green)
    return image.tobytes()


def _plane(brightness: Image.Image) -> bytes:
    """Which LEDs are lit."""
    return (
        brightness.point([255 * (v >= LIT) for v in range(256)])
        .convert("1", dither=Image.Dither.NONE)
        .tobytes()
    )
