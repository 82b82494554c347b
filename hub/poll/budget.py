"""What asking one camera costs: counted for its page, and bounded."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from hub.poll.wheel import Bucket

if TYPE_CHECKING:
    from drivers.onvif import Cost

HOUR_S = 3600.0
VISIT_BYTES, BURST_BYTES = 60_000, 300_000
"""So much a visit, which takes a quarter of it, and so much at once; without its pictures."""


class Budget:
    """One camera's. `spent`: it poured out more than that, and is left alone until it is paid off."""

    def __init__(self, cost: Cost, interval_s: float) -> None:
        self._cost, self._interval_s = cost, interval_s
        self._bucket = Bucket(VISIT_BYTES / interval_s, BURST_BYTES)
        self._visits: deque[tuple[float, int, int]] = deque()

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
        self._visits.append((now, cost.requests, carried))
        while now - self._visits[0][0] > HOUR_S:
            self._visits.popleft()
        since, requests, before = self._visits[0]
        if len(self._visits) == 1 or now - since < HOUR_S - 2 * self._interval_s:
            requests = before = 0
        return cost.requests - requests, round((carried - before) / 1000)
