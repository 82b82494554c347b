"""What the intake puts aside for who looks after boards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devices.event import Receipt, Seen

if TYPE_CHECKING:
    from devices.event import Event
    from hub.track import Track

CLOCK_OFF_MS = 120_000


@dataclass(slots=True)
class OfBoards:
    """Births (True: without the right time), and receipts."""

    births: list[tuple[Track, bool]] = field(default_factory=list)
    receipts: list[tuple[Track, Receipt, bool]] = field(default_factory=list)

    def note(self, t: Track, event: Event, *, late: bool) -> None:
        """A board said something."""
        if type(event) is Receipt:
            self.receipts.append((t, event, late))
        elif type(event) is Seen:
            lost = event.sent is None or abs(event.sent - event.at) > CLOCK_OFF_MS
            self.births.append((t, lost))
