"""Plan and Show: what a light's and a board's `desired` mean at each instant, for the rules that judge them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices import notice, program

if TYPE_CHECKING:
    from devices.notice import Playlist
    from devices.program import Order

NEVER = 2**62
"""A time that does not come."""


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


class Show:
    """What may stand on a board, by one playlist. Cached between two changes: a call costs two comparisons.

    `previewed`: every frame of an item, by the item.
    """

    __slots__ = ("_from", "_right", "_until", "made", "previewed")

    def __init__(self, made: Playlist) -> None:
        self.made = made
        self.previewed = {i.id: frozenset(f.hash for f in i.frames) for i in made.items}
        self._from = self._until = 0
        self._right: frozenset[str] = frozenset()

    def right(self, at: int) -> frozenset[str]:
        """As devices.notice.right, at `at` (ms)."""
        if not self._from <= at < self._until:
            self._look(at)
        return self._right

    def until(self, at: int) -> int:
        """The next instant (ms) after `at` at which that changes by itself."""
        if not self._from <= at < self._until:
            self._look(at)
        return self._until

    def _look(self, at: int) -> None:
        slack = round(notice.SLACK_S * 1000)
        edges = {edge * 1000 + shift for edge in notice.edges(self.made) for shift in (-slack, slack)}
        self._from = max((e for e in edges if e <= at), default=0)
        self._until = min((e for e in edges if e > at), default=NEVER)
        self._right = notice.right(self.made, at / 1000)
