"""Electronic notice boards: what they report, and what they can draw. What each should show: devices.notice."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from devices.field import codes, hash_, integer, number

FIELDS = (
    hash_("showing", "Shows the frame"),
    number("brightness_pct", "Brightness", "%", 0, 100, chart=True),
    integer("dead_px", "Dead pixels", "", 0, 10**8),
    integer("storage_free_kb", "Free storage", "kB", 0, 10**12),
    integer("uptime_s", "Running for", "s", 0, 2**40),
    codes("faults", "Fault codes"),
)
"""`showing`: the hash of the frame that stands on it, empty where it is dark."""

FAULT_CODES = {
    "storage_full": {"vi": "đầy bộ nhớ", "en": "storage is full"},
    "clock_wrong": {"vi": "đồng hồ sai", "en": "its clock is wrong"},
    "frame_bad": {"vi": "khung hình nhận được bị hỏng", "en": "a frame came damaged"},
    "fetch_failed": {"vi": "không tải được khung hình", "en": "a frame could not be fetched"},
    "panel_fault": {"vi": "hỏng tấm LED", "en": "a panel is broken"},
    "power_low": {"vi": "điện áp cấp thấp", "en": "supply voltage is low"},
}
"""What a board may put into `faults` -> what it says. `frame_bad`: the pixels of a frame are not those of its hash."""


class Colours(StrEnum):
    """What the lights of a board can be.

    `one`: lit or dark; in a frame a lit light is white, whatever its real colour. `two`: dark, red, green, or both
    (amber); nothing between. `full`: any colour.
    """

    ONE = "1"
    TWO = "2"
    FULL = "full"


class Profile(NamedTuple):
    """What a board can draw: `width` x `height` in pixels, and its colours.

    `led`: its pixels are lights of a panel, and letters are drawn light by light; else it is a screen.
    """

    led: bool
    width: int
    height: int
    colours: Colours

    @property
    def name(self) -> str:
        """What the registry keeps: `led-64x32-1`, `led-320x160-full`, `screen-1920x1080`."""
        kind = "led" if self.led else "screen"
        return f"{kind}-{self.width}x{self.height}" + (f"-{self.colours}" if self.led else "")


LED_SIDES = (range(32, 1025), range(16, 513))
"""Widths and heights of LED panels."""
SCREEN_SIDES, SCREEN_PIXELS = range(480, 1921), 1920 * 1080
"""Either side of a screen, upright or lying, and its pixels at most."""
_NAME = re.compile(r"led-(\d{2,4})x(\d{2,4})-(1|2|full)|screen-(\d{3,4})x(\d{3,4})")


def profile(name: str) -> Profile | None:
    """The profile of that name; None: it is none, or its sides are out of bounds."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    if found[1]:
        made = Profile(True, int(found[1]), int(found[2]), Colours(found[3]))
        fits = made.width in LED_SIDES[0] and made.height in LED_SIDES[1]
    else:
        made = Profile(False, int(found[4]), int(found[5]), Colours.FULL)
        sides = made.width in SCREEN_SIDES and made.height in SCREEN_SIDES
        fits = sides and made.width * made.height <= SCREEN_PIXELS
    return made if fits and made.name == name else None


USUAL: tuple[Profile, ...] = (
    Profile(True, 64, 16, Colours.ONE),
    Profile(True, 64, 32, Colours.ONE),
    Profile(True, 64, 64, Colours.ONE),
    Profile(True, 128, 64, Colours.TWO),
    Profile(True, 192, 64, Colours.TWO),
    Profile(True, 320, 160, Colours.FULL),
    Profile(False, 1280, 720, Colours.FULL),
    Profile(False, 1920, 1080, Colours.FULL),
)
"""Offered by name; any other within bounds is as good."""
