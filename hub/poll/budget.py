"""What asking one camera costs: counted for its page, and bounded."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from hub.poll.wheel import Bucket

if TYPE_CHECKING:
    from drivers.onvif import Cost

HOUR_S = 3600.0
STEP_S = 300.0
"""The hour is kept in steps: each visit of it, of thousands of cameras, would be tens of MB."""
VISIT_BYTES, BURST_BYTES = 60_000, 300_000
"""So much a visit, which takes a tenth of it, and so much at once; without its pictures."""


class Budget:
    """One camera's. `spent`: it poured out more than that, and is left alone until it is paid off."""

    def __init__(self, cost: Cost, interval_s: float) -> None:
        self._cost = cost
        self._bucket = Bucket(VISIT_BYTES / interval_s, BURST_BYTES)
        self._steps: deque[tuple[float, int, int]] = deque()

    def take(self, size: int, now: float) -> None:
        """So many bytes were carried, of no picture."""
        self._bucket.take(size, now)

    def spent(self, now: float) -> bool:
        """Nothing should be asked."""
        return self._bucket.wait(now) > 0

    def hour(self, now: float) -> tuple[int, int]:
        """After a visit: requests and kB of the last hour (or since it is asked), pictures included."""
        cost = self._cost
        carried = cost.bytes_in + cost.bytes_out
        if not self._steps or now - self._steps[-1][0] >= STEP_S:
            self._steps.append((now, cost.requests, carried))
        while len(self._steps) > 1 and now - self._steps[1][0] >= HOUR_S:
            self._steps.popleft()
        since, requests, before = self._steps[0]
        if now - since < HOUR_S:
            return cost.requests, round(carried / 1000)
        share = HOUR_S / (now - since)
        return round((cost.requests - requests) * share), round((carried - before) * share / 1000)
