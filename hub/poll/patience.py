"""Waits that grow: what was refused is not tried again before one is over."""

from __future__ import annotations

LOGIN_AGAIN_S = (900.0, 1800.0, 3600.0, 7200.0, 21600.0)
"""Waits before a refused login is tried again."""
FULL_AGAIN_S = (300.0, 600.0, 1800.0)
"""The same where the camera was only full."""


class Patience:
    """For one thing that a camera may refuse. Times in seconds, monotonic."""

    def __init__(self) -> None:
        self._refusals = 0
        self._due = float("-inf")

    @property
    def tried(self) -> bool:
        """It was refused, and has not been accepted since."""
        return self._refusals > 0

    def refused(self, now: float, waits: tuple[float, ...] = LOGIN_AGAIN_S) -> None:
        """The next wait begins; the last one stays."""
        self._due = now + waits[min(self._refusals, len(waits) - 1)]
        self._refusals += 1

    def waits(self, now: float) -> bool:
        """Not yet."""
        return now < self._due

    def accepted(self) -> None:
        """All is well: the next refusal begins with the first wait."""
        self._refusals, self._due = 0, float("-inf")
