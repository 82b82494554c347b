"""The wall: what each board should show now, and what it says that it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.notice import Level
from hub.notices.timetable import Entry
from hub.notices.views import BoardView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.device import Device
    from hub.notices.book import Book
    from hub.notices.views import Step


class Wall:
    """Reads the book; boards say nothing yet."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def boards(self, at: int) -> Sequence[BoardView]:
        """Every board that is not retired, by name."""
        entries = self._entries(at, at + 1)
        found = [self._view(device, aims, entries, at) for device, aims in self._book.boards(at)]
        return sorted(found, key=lambda b: b.name)

    def _entries(self, start: int, end: int) -> list[tuple[frozenset[str], Entry]]:
        return [
            (
                frozenset(r.draft.targets),
                Entry(
                    n.item, r.draft.title, r.draft.level, r.draft.priority,
                    self._book.windows(r, start, end),
                ),
            )
            for n, r in self._book.published()
        ]  # fmt: skip

    def _view(
        self, device: Device, aims: frozenset[str], entries: Sequence[tuple[frozenset[str], Entry]], at: int
    ) -> BoardView:
        due = [e for targets, e in entries if targets & aims and e.due(at)]
        if due and due[0].level is Level.EMERGENCY:
            due = due[:1]
        top = [e for e in due if (e.level, e.priority) == (due[0].level, due[0].priority)]
        return BoardView(
            name=device.name, title=device.title, site=device.site, profile=device.profile, proves="none",
            due=tuple(e.item for e in top), showing=None, showing_at=None, right=None, asked="", applied=None,
            late=False,
        )  # fmt: skip

    async def steps(self, number: int) -> Sequence[Step]:  # noqa: ARG002
        """What boards said of a notice."""
        return ()

    async def said_by(self, board: str, limit: int) -> Sequence[Step]:  # noqa: ARG002
        """What one board said."""
        return ()
