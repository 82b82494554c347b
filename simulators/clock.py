"""Simulated time: real time, shifted, and running at a rate."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Clock:
    """Simulated seconds since 1970: the wall's, `shift_s` ahead at the wall time `since`, and at a rate from then on.

    `since` 0: at this start.
    """

    shift_s: float = 0.0
    rate: float = 1.0
    since: float = 0.0
    wall: float = field(default_factory=time.time)
    started: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Simulated seconds since 1970; never goes backwards."""
        since = self.since or self.wall
        return since + self.shift_s + self.rate * (self.wall - since + time.monotonic() - self.started)

    def real_s(self, simulated_s: float) -> float:
        """How long simulated seconds take."""
        return simulated_s / self.rate
