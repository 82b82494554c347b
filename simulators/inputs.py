"""What the world gives a simulated device at each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.program import Order
    from simulators.sky import Weather

MAX_STEP_S = 900.0
"""Physics looks at most so far back: a device that slept longer wakes as if it had slept so long."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """`now` in seconds since 1970 (simulated), the sky, what reaches the device, its faults, and since when it runs.

    `order` is what it follows of what was asked of it.
    """

    now: float
    weather: Weather
    mains: bool = True
    uplink: bool = True
    faults: frozenset[str] = frozenset()
    booted: float = 0.0
    buffered: int = 0
    children: int = 0
    order: Order | None = None

    def since(self, earlier: float) -> float:
        """Seconds since `earlier`, for physics: never negative, never longer than MAX_STEP_S."""
        return min(max(self.now - earlier, 0.0), MAX_STEP_S)
