"""The sender: from the outbox to the broker, fresh first, then what waited, then pictures, within the uplink."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from typing import TYPE_CHECKING, NamedTuple

from hub.agent.outbox import NOW, PICTURE, READING
from hub.poll.wheel import Bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hub.agent.outbox import Outbox, Waiting

log = logging.getLogger(__name__)

FRESH_S = 10.0
"""A reading that was stored longer ago is sent as `late`: it is history."""
WINDOW = 50
"""Messages on their way at most."""
LONGEST_NAP_S = 5.0
BROKEN_S = 10.0
GATHER_S = 0.2
"""Acknowledgements of so long are one write to the disk."""


class _Sent(NamedTuple):
    """On its way. `boot`: where it shows the hub that the camera lives."""

    id: int
    device: str
    boot: int | None
    picture: bool


class Sender:
    """On the event loop. `publish` gives the number by which a message is acknowledged, None where there is no link."""

    def __init__(
        self,
        outbox: Outbox,
        publish: Callable[..., int | None],
        topic: Callable[[str, str], str],
        kbit_s: float,
        now: Callable[[], int],
    ) -> None:
        self._outbox, self._publish, self._topic, self._now = outbox, publish, topic, now
        rate = kbit_s * 1000 / 8
        self._bucket = Bucket(rate, rate)
        self.up = False
        self._wake = asyncio.Event()
        self._on_way: dict[int, _Sent] = {}
        self._acked: list[int] = []
        self._done: list[_Sent] = []
        self._fresh: dict[int, float] = {}
        self._heard = outbox.heard()
        self._shown = dict(self._heard)
        """The boot under which the hub knows a camera, once it has what is on its way."""

    # --- what happens -----------------------------------------------------------------------------------------

    def stored(self, ids: Iterable[int]) -> None:
        """These were stored just now."""
        now = time.monotonic()
        self._fresh |= dict.fromkeys(ids, now)
        self._wake.set()

    def connected(self) -> None:
        """The link stands."""
        self.up = True
        self._wake.set()

    def lost(self) -> None:
        """It does not: what was on its way is sent again."""
        self.up = False
        self._on_way.clear()
        self._shown = dict(self._heard)

    def acknowledged(self, mid: int) -> None:
        """The broker has it."""
        sent = self._on_way.pop(mid, None)
        if sent is not None:
            self._done.append(sent)
            self._wake.set()

    # --- what it does -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """For ever."""
        while True:
            self._wake.clear()
            try:
                nap = self.turn()
            except sqlite3.Error:
                log.exception("the outbox cannot be used; tried again")
                await asyncio.sleep(BROKEN_S)
                continue
            try:
                async with asyncio.timeout(nap):
                    await self._wake.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER_S if len(self._on_way) >= WINDOW // 2 else 0)

    def turn(self) -> float:
        """Forget what was acknowledged, send what may be sent; seconds until there may be more."""
        if self._done:
            done, self._done = self._done, []
            heard = {s.device: s.boot for s in done if s.boot is not None}
            self._heard |= heard
            self._outbox.done([s.id for s in done], list(heard.items()))
            for s in done:
                self._fresh.pop(s.id, None)
        if not self.up:
            return LONGEST_NAP_S
        now = time.monotonic()
        self._fresh = {i: at for i, at in self._fresh.items() if now - at < FRESH_S}
        first = min(self._fresh, default=None)
        self._send(self._waiting(NOW))
        if first is not None:
            self._send(self._waiting(READING, since=first - 1))
        wait = self._bucket.wait(now)
        if wait <= 0:
            backlog = self._waiting(READING)
            self._send(backlog, paced=True)
            if not backlog and not any(s.picture for s in self._on_way.values()):
                self._send(self._waiting(PICTURE, most=1), paced=True)
            wait = self._bucket.wait(now)
        return min(LONGEST_NAP_S, max(wait, 0.05)) if wait > 0 else LONGEST_NAP_S

    def _waiting(self, rank: int, since: int = 0, most: int = WINDOW) -> list[Waiting]:
        room = min(most, WINDOW - len(self._on_way))
        return [] if room <= 0 else self._outbox.next(rank, self._skip(), room, since)

    def _skip(self) -> list[int]:
        return [s.id for s in (*self._on_way.values(), *self._done)]

    def _send(self, messages: Iterable[Waiting], *, paced: bool = False) -> None:
        for m in messages:
            body, shows = self._worded(m)
            mid = self._publish(self._topic(m.device, m.channel), body, retain=m.channel == "state")
            if mid is None:
                return
            self._on_way[mid] = _Sent(m.id, m.device, shows, m.channel == "picture")
            if paced:
                self._bucket.take(len(body), time.monotonic())

    def _worded(self, m: Waiting) -> tuple[bytes, int | None]:
        """A message as it is said now, and the boot under which it shows that the camera lives."""
        if m.channel == "state":
            said = json.loads(m.body)
            if said.get("online"):
                self._shown[m.device] = said["boot"]
                said["ts"] = self._now() / 1000  # it is so now; by this the hub places what was late
                return json.dumps(said).encode(), said["boot"]
            said["boot"] = self._shown.get(m.device, said["boot"])  # of another boot it would say nothing
            return json.dumps(said).encode(), None
        if m.channel == "picture":
            return m.body, None
        if m.id in self._fresh:
            if m.channel == "telemetry" and m.boot is not None:
                self._shown[m.device] = m.boot
            return m.body, m.boot if m.channel == "telemetry" else None
        return json.dumps({**json.loads(m.body), "late": True}).encode(), None
