"""The hub's clock: wall at start + monotonic, never backwards, with steps of the wall noticed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

STEP_MS = 2000
"""A wall that moved by more than this against monotonic time was stepped."""


class Clock:
    """Hub time in ms since 1970. `shift_s` and `rate` are for simulations: shifted, and faster, time.

    With a `rate` the shift held at the wall time `since` (s since 1970), so that all processes that are told the same
    three agree, whenever they started; 0: at this start.

    A step of the wall forward is adopted (`check` returns it; what lies between is a deaf span); a step back
    moves nothing: hub time goes on, ahead of the wall. `floor` is the newest stored time: a wall behind it
    makes hub time stand still there, so that nothing is judged, until the wall has passed it.
    """

    def __init__(
        self,
        *,
        shift_s: float = 0.0,
        rate: float = 1.0,
        since: float = 0.0,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._rate = rate
        self._origin_wall = wall()
        since = since or self._origin_wall
        self._origin = since + shift_s + rate * (self._origin_wall - since)
        self._mono = monotonic()
        self._floor = 0
        self._ahead = 0

    def keep_after(self, floor_ms: int) -> bool:
        """Never tell a time before `floor_ms`. True where the wall is behind it now."""
        behind = self.now() < floor_ms
        self._floor = floor_ms
        return behind

    @property
    def behind(self) -> bool:
        """True while the wall is earlier than what is already stored."""
        return self._raw() < self._floor

    def _raw(self) -> int:
        return int((self._origin + (self._monotonic() - self._mono) * self._rate) * 1000)

    def now(self) -> int:
        """Hub time, ms since 1970."""
        raw = int((self._origin + (self._monotonic() - self._mono) * self._rate) * 1000)
        return max(self._floor, raw)

    def check(self) -> int:
        """Look for a step of the wall; returns its size in ms (0: none) and adopts one forward."""
        elapsed = self._monotonic() - self._mono
        step = round((self._wall() - (self._origin_wall + elapsed)) * 1000)
        if abs(step) <= STEP_MS:
            return 0
        self._origin_wall += step / 1000
        if step < 0 and not self.behind:
            self._ahead += -step
        elif step > 0:
            owed = min(step, self._ahead)  # the wall makes good what it went back before
            self._ahead -= owed
            self._origin += (step - owed) / 1000
        else:
            self._origin += step / 1000
        return step
