"""QR codes of lights: made by segno, read again from the drawn frame by zxing-cpp."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import segno
import zxingcpp
from PIL import Image

if TYPE_CHECKING:
    from devices.signboard import Profile

_LED_MODULE, _LED_RING = 2, 2
"""Lights of a module's side, and lit modules around the code: phones want both."""
_SCREEN_MODULE, _SCREEN_RING = 5, 4
_CAPACITY = (17, 32, 53, 78, 106, 134, 154, 192, 230, 271, 321)
"""Bytes in versions 1 to 11 at the lowest level of correction (ISO/IEC 18004, table 7)."""


class Code(NamedTuple):
    """A code as it is drawn: `image` (L): dark 0, lit 255, with its lit ring."""

    image: Image.Image
    link: str

    @property
    def side(self) -> int:
        """In pixels."""
        return self.image.width


def room(profile: Profile, side: int) -> int:
    """Bytes of the longest link whose code fits into a square; 0: none does."""
    module, ring = _least(profile)
    modules = side // module - 2 * ring
    return max((most for v, most in enumerate(_CAPACITY, 1) if 17 + 4 * v <= modules), default=0)


def code(link: str, profile: Profile, side: int) -> Code | None:
    """The code of a link as large as the square allows; None: it does not fit (`room` says what would)."""
    if len(link.encode()) > room(profile, side):
        return None
    made = segno.make_qr(link, error="L", boost_error=True, encoding="utf-8")
    _, ring = _least(profile)
    modules = 17 + 4 * int(made.version) + 2 * ring
    times = side // modules
    image = Image.new("L", (modules, modules), 255)
    for y, row in enumerate(made.matrix):
        for x, dark in enumerate(row):
            if dark:
                image.putpixel((ring + x, ring + y), 0)
    return Code(image.resize((modules * times, modules * times), Image.Resampling.NEAREST), link)


def _least(profile: Profile) -> tuple[int, int]:
    return (_LED_MODULE, _LED_RING) if profile.led else (_SCREEN_MODULE, _SCREEN_RING)


def reads(frame: Image.Image, link: str) -> bool:
    """A phone's reader finds this link in the whole frame."""
    found = zxingcpp.read_barcodes(
        frame.convert("L"), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    return any(one.text == link for one in found)
