"""The wall: what each board should show now, what it says that it shows, and what it said of a notice."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from devices.notice import MOST_ITEMS, Known, turns
from hub.notices import proof
from hub.notices.views import BoardView, Problem, Step, reaches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.device import Device
    from hub.notices.book import Book
    from hub.notices.views import Notice, Proved, Revision
    from hub.plan import Show
    from hub.store.reader import Reader
    from hub.track import Track
    from hub.tracker import Tracker

    Published = Sequence[tuple[Notice, Revision]]


class Wall:
    """Reads what ingest holds: single attributes, whose values are never changed."""

    def __init__(self, book: Book, tracker: Tracker, reader: Reader) -> None:
        self._book, self._tracker, self._reader = book, tracker, reader

    def boards(self, at: int) -> Sequence[BoardView]:
        """Every board that is not retired, by name."""
        published, due = self._book.published(), dict[str, tuple[str, ...]]()
        found = [self._view(device, aims, at, published, due) for device, aims in self._book.boards(at)]
        return sorted(found, key=lambda b: b.name)

    def board(self, name: str, at: int) -> BoardView | None:
        """One of them; None where it is no board."""
        device = self._book.board(name)
        if device is None:
            return None
        return self._view(device, self._book.aims(device, at), at, self._book.published(), {})

    def _view(
        self,
        device: Device,
        aims: frozenset[str],
        at: int,
        published: Published,
        due: dict[str, tuple[str, ...]],
    ) -> BoardView:
        """`due`: what is, by playlist, as far as it was looked at."""
        t = self._tracker.by_name.get(device.name)
        values = t.values if t is not None else {}
        f = t.follows if t is not None else None
        show = self._tracker.shows.get(f.id) if f is not None else None
        if show is not None and show.made.id not in due:
            due[show.made.id] = tuple(i.id for i in turns(show.made, Known(at / 1000)))
        showing = values.get("showing")
        return BoardView(
            name=device.name, title=device.title, site=device.site, profile=device.profile,
            proves=proof.proves(device),
            due=due[show.made.id] if show is not None else (),
            showing=showing if isinstance(showing, str) else None,
            showing_at=t.values_at if t is not None and showing is not None else None,
            right=proof.right_now(t),
            asked=f.id if f is not None else "",
            applied=f.applied if f is not None else None,
            late=values.get("board_late") is True,
            problems=_problems(device, aims, t, show, published),
            witness=self._book.witnesses.get(device.name, ""),
        )  # fmt: skip

    async def steps(self, number: int) -> Sequence[Step]:
        """What boards said of a notice, oldest first."""
        return [_step(row) for row in await asyncio.to_thread(self._reader.steps, number)]

    async def proved(self, number: int, revision: int, at: int) -> Sequence[Proved]:
        """What each board did with a revision, by name."""
        return proof.proved(f"{number}.{revision}", await self.steps(number), self.boards(at))

    async def said_by(self, board: str, limit: int) -> Sequence[Step]:
        """What one board said, newest first."""
        return [_step(row) for row in await asyncio.to_thread(self._reader.said_by, board, limit)]


def _problems(
    device: Device, aims: frozenset[str], t: Track | None, show: Show | None, published: Published
) -> tuple[Problem, ...]:
    if not device.profile:
        return (Problem("profile_missing"),)
    found = []
    if t is not None and t.follows is not None and t.follows.why:
        found.append(Problem("board_refuses", about={"why": t.follows.why}))
    have = show.previewed if show is not None else {}
    found += [
        Problem("not_drawn", about={"item": n.item, "title": r.draft.title})
        for n, r in published
        if n.item not in have and device.profile not in r.frames and reaches(frozenset(r.draft.targets), aims)
    ]
    if len(have) >= MOST_ITEMS:
        found.append(Problem("playlist_full", about={"limit": MOST_ITEMS}))
    return tuple(found)


def _step(row: tuple[Any, ...]) -> Step:
    board, notice, revision, state, at, board_at, late, frames, right, detail = row
    item, said = f"{notice}.{revision}", None if right is None else bool(right)
    return Step(board, item, state, at, board_at, bool(late), tuple(json.loads(frames)), said, detail)
