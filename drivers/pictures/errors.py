"""The one error of this package."""

from __future__ import annotations

from typing import Literal

from drivers.errors import DriverError

BadReason = Literal[
    "tooManyBytes", "tooManyPixels", "tooManyScans", "notJpeg", "tooSmall", "truncated", "broken"
]


class PictureError(DriverError):
    """These bytes are no picture that can be looked at. `code` says why, `reason` says it in words."""

    def __init__(self, code: BadReason, reason: str) -> None:
        super().__init__(reason, permanent=False)
        self.code = code
