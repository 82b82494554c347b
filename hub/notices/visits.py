"""Visits: boards that come by HTTP, through the outside door, to take their playlist and say what they did with it."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devices import wire
from drivers.contract import Inbound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from devices.notice import Playlist
    from hub.notices.boards import Boards
    from hub.store.writer import Writes
    from hub.track import Track


SCREEN_S = 150.0
"""A screen that said nothing for so long gives its place to another one on the same link."""
FETCH_S = 60.0
"""A controller that fetches tells so often that it lives."""


@dataclass(slots=True)
class _Fetcher:
    """What is said for a controller that only fetches. `taken`: frames by item, of its present playlist only."""

    boot: int = field(default_factory=lambda: secrets.randbits(32))
    seq: int = 0
    at: int = 0
    taken: dict[str, set[str]] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)

    def takes(self, made: Playlist | None, item: str, found: str) -> tuple[str, ...]:
        """All frames of the item, in turn, where this one was the last that it had not; else none."""
        items = {i.id: tuple(f.hash for f in i.frames) for i in made.items} if made is not None else {}
        self.taken = {i: taken for i, taken in self.taken.items() if i in items}
        self.stored &= items.keys()
        if item not in items or item in self.stored:
            return ()
        taken = self.taken.setdefault(item, set())
        taken.add(found)
        if not taken.issuperset(items[item]):
            return ()
        self.stored.add(item)
        return items[item]


class Visits:
    """Lives on the event loop."""

    def __init__(
        self,
        boards: Boards,
        do: Callable[[Callable[[Writes], Any]], Awaitable[Any]],
        now: Callable[[], int],
    ) -> None:
        self._boards, self._do, self.now = boards, do, now
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._fetchers: dict[str, _Fetcher] = {}
        self._screens: dict[str, tuple[str, int]] = {}
        self.doors = 0
        """How often the door was shut: streams of an earlier one end."""

    def playlist(self, board: str) -> Playlist | None:
        """What it should follow now; None where nothing is asked of it."""
        t = self._boards.tracker.by_name.get(board)
        show = (
            self._boards.tracker.shows.get(t.follows.id) if t is not None and t.follows is not None else None
        )
        return show.made if show is not None else None

    def payload(self, made: Playlist) -> bytes:
        """A playlist as it is sent now, with small frames written in and the time that emergencies have left."""
        return self._boards.desired(made.id, self.now())

    def frame(self, found: str) -> bytes | None:
        """The PNG of a frame that boards should have now."""
        return self._boards.png(found)

    def speaks(self, board: str, screen: str) -> bool:
        """Whether this screen speaks for the board: the first one does, and another one where that is silent."""
        now, (known, at) = self.now(), self._screens.get(board, ("", 0))
        if known != screen and now - at < SCREEN_S * 1000:
            return False
        self._screens[board] = screen, now
        return True

    async def said(self, board: str, messages: Sequence[tuple[str, bytes]]) -> None:
        """Take in what a board said, as if it came by MQTT: (channel, payload). It is committed on return."""

        def run(_writes: Writes) -> None:
            t, intake, now = self._boards.tracker.by_name.get(board), self._boards.intake, self.now()
            if t is None:
                return
            gap, intake.gap = intake.gap, None  # it is said now, whatever the broker kept
            try:
                for channel, payload in messages:
                    topic = wire.topic(t.device.realm, board, channel)
                    intake.take(Inbound(topic, payload, now, 0, 0, retain=False, generation=0))
            finally:
                intake.gap = gap

        await self._do(run)

    async def fetched(self, board: str, item: str, found: str) -> None:
        """An LED controller took a frame: it lives, and has stored an item once it took all of its frames.

        What the panel shows nobody knows.
        """
        f = self._fetchers.setdefault(board, _Fetcher())
        now, made = self.now(), self.playlist(board)
        frames = f.takes(made, item, found)
        if not frames and now - f.at < FETCH_S * 1000:
            return
        messages: list[tuple[str, dict[str, Any]]] = [("telemetry", {"applied": made.id if made else ""})]
        if frames:
            messages.append(("receipt", {"id": item, "result": "stored", "frames": list(frames)}))
        f.at = now
        said = []
        for channel, body in messages:
            f.seq += 1
            said.append((channel, json.dumps({"boot": f.boot, "seq": f.seq, **body}).encode()))
        await self.said(board, said)

    # --- who waits for something new --------------------------------------------------------------------------

    def watch(self, board: str) -> asyncio.Event:
        """Set whenever its playlist may be another one; give it back to `leave`."""
        event = asyncio.Event()
        self._waiting.setdefault(board, set()).add(event)
        return event

    def leave(self, board: str, event: asyncio.Event) -> None:
        """No longer."""
        waiting = self._waiting.get(board, set())
        waiting.discard(event)
        if not waiting:
            self._waiting.pop(board, None)

    def watching(self, board: str) -> int:
        """How many wait for it."""
        return len(self._waiting.get(board, ()))

    def shut(self) -> None:
        """The door is about to be shut."""
        self.doors += 1
        for event in (e for waiting in self._waiting.values() for e in waiting):
            event.set()

    def changed(self, tracks: Iterable[Track]) -> None:
        """These devices changed, after a commit."""
        if self._waiting:
            for t in tracks:
                for event in self._waiting.get(t.device.name, ()):
                    event.set()
