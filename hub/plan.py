"""Plan: what a light's `desired` means at each instant, for the rules that judge its lamp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices import program

if TYPE_CHECKING:
    from devices.program import Order


class Plan:
    """Whether a lamp is to be lit, by one order. Cached between two changes: a call costs two comparisons."""

    __slots__ = ("_from", "_on", "_until", "order", "payload")

    def __init__(self, order: Order, payload: bytes = b"") -> None:
        self.order = order
        self.payload = payload
        self._from = self._until = 0
        self._on: bool | None = None

    def on(self, at: int) -> bool | None:
        """True where the lamp is to be lit at `at` (ms); None where the order leaves that to the controller."""
        if not self._from <= at < self._until:
            self._look(at)
        return self._on

    def _look(self, at: int) -> None:
        night = program.night_of(at / 1000, self.order.utc_min)
        begins, ends = (self._noon(n) for n in (night, night + 1))
        changes = program.changes(self.order, night)
        if changes is None:
            self._from, self._until, self._on = begins, ends, None
            return
        edges = [begins, *(c.at * 1000 for c in changes if begins < c.at * 1000 < ends), ends]
        self._from = max(e for e in edges if e <= at)
        self._until = min(e for e in edges if e > at)
        self._on = program.level_at(changes, self._from / 1000) > 0

    def _noon(self, night: int) -> int:
        return (night * program.DAY_S + program.NOON_S - self.order.utc_min * 60) * 1000
