"""Security points of one camera that a visit can look at, and its maker's default login where a person wants a try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.onvif import CameraError, Code, default_of, show_once
from hub.poll.reading import LOGIN_CODES

if TYPE_CHECKING:
    from drivers.onvif import Camera
    from hub.poll.reading import Found

DAY_S, AGAIN_S = 86_400.0, 3600.0
"""Whether it offers HTTPS is asked once a day, after an hour where it did not say."""
RESULTS = ("accepted", "refused", "locked", "full", "untold", "unknown_make", "away")
"""What may come of a default login that was shown once (`unknown_make`, `away`: it was not shown)."""


class Points:
    """What is remembered of them. Times in seconds, monotonic."""

    def __init__(self, camera: Camera) -> None:
        self.stream_open: bool | None = None
        """Whether DESCRIBE was answered without a login, the last time that it was answered."""
        self._camera = camera
        self._tls: bool | None = None
        self._due = float("-inf")

    async def look(self, now: float) -> None:
        """Ask what is due. Raises CameraError where the login is refused now."""
        if self._camera.target.use_tls:
            self._tls = True
        elif now >= self._due:
            self._due = now + AGAIN_S
            try:
                self._tls = await self._camera.offers_tls()
            except CameraError as e:
                if e.code.value in LOGIN_CODES:
                    raise
                self._tls = None  # an older "yes" may be another camera's
            else:
                self._due = now + (DAY_S if self._tls is not None else AGAIN_S)

    def tell(self, found: Found) -> None:
        """What was seen last; a visit that got no further than a refused login takes nothing of it back."""
        open_to_all = {
            "streamOpen": self.stream_open,
            "pictureOpen": self._camera.picture_open,
            "plainHttp": None if self._tls is None else not self._tls,
        }
        for code, bad in open_to_all.items():
            if bad is not None:
                (found.faults if bad else found.safe).append(code)


async def try_default(camera: Camera, model: str) -> str:
    """The maker's default login, shown to a camera once. What came of it is one of RESULTS."""
    login = default_of(model)
    if login is None:
        return "unknown_make"
    try:
        await camera.clock()  # where that does not work nothing was shown
    except CameraError as e:
        return _told(e) if e.code.value in LOGIN_CODES else "away"
    try:
        return "accepted" if await show_once(camera, login) else "refused"
    except CameraError as e:
        return _told(e)


def _told(e: CameraError) -> str:
    return {Code.LOGIN_LOCKED: "locked", Code.LOGIN_FULL: "full", Code.BUSY: "full"}.get(e.code, "untold")
