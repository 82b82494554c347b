"""The hub's time in its poller: it may be shifted, and run faster than the machine's, where a field is simulated."""

from __future__ import annotations

import asyncio
import time


class Pace:
    """Time as the hub counts it, in seconds."""

    def __init__(self) -> None:
        self._at, self._mono, self.rate = time.time(), time.monotonic(), 1.0

    def told(self, ms: int, mono: float, rate: float) -> None:
        """It was `ms` at this instant of the machine's monotonic clock, which all its processes share."""
        self._at, self._mono, self.rate = ms / 1000, mono, rate

    def now(self) -> float:
        """Seconds since 1970."""
        return self._at + (time.monotonic() - self._mono) * self.rate

    def mono(self) -> float:
        """Seconds that only ever grow."""
        return time.monotonic() * self.rate

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        await asyncio.sleep(max(0.0, seconds) / self.rate)
