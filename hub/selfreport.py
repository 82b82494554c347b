"""The hub's report of itself: a device like any other, whose readings go the same road."""

from __future__ import annotations

import json
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any

import psutil

from devices.device import HUB
from drivers.contract import Inbound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from drivers.mqtt_link import Broker, Down, Foreign, Up
    from hub.clock import Clock
    from hub.ingest import Ingest
    from hub.store.writer import StoreBroken

EVERY_MS = 10_000
RECENT_MS = 3_600_000
"""Drops, forgotten sessions, take-overs and clock steps are told as long as this after they happened."""

TOPIC = f"vh/1/{HUB}/{HUB}/telemetry"


class SelfReport:
    """What the hub knows of its own health. Owned by ingest; pages read single attributes."""

    def __init__(self, clock: Clock, *, broker_kind: str) -> None:
        self._clock = clock
        self.broker_up = False
        self.broker_why = ""
        self.broker_kind = broker_kind
        self.broker_uptime_ms: int | None = None
        self.store_ok = True
        self.disk_full = False
        self.clock_behind = False
        self.sessions_lost = 0
        self.spans_before = 0
        self.boot = secrets.randbits(32)
        self._seq = 0
        self._at = 0
        self._messages = 0
        self._rate = 0.0
        self._dropped: int | None = None
        self._drops: deque[tuple[int, int]] = deque()
        self._lost: deque[int] = deque()
        self._steps: deque[tuple[int, float]] = deque()
        self._taken_at: int | None = None
        self._process = psutil.Process()
        self.others: list[Callable[[], Iterable[str]]] = []
        """What else in the hub may be in trouble: each tells fault codes of devices.hub."""

    # --- what happened ----------------------------------------------------------------------------------------

    def up(self, item: Up) -> None:
        """Connected."""
        self.broker_up, self.broker_why = True, ""
        if item.expected and not item.session:
            self.sessions_lost += 1
            self._lost.append(item.at)

    def down(self, item: Down) -> None:
        """The connection is gone."""
        self.broker_up, self.broker_why = False, item.reason
        self.broker_uptime_ms = None

    def taken_over(self, item: Foreign) -> None:
        """Another hub uses our client id."""
        self._taken_at = item.at

    def stepped(self, step_ms: int, at: int) -> None:
        """The wall clock jumped."""
        self._steps.append((at, step_ms / 1000))

    def store_failed(self, error: StoreBroken) -> None:
        """Writes fail."""
        self.store_ok, self.disk_full = False, error.disk_full

    def store_mended(self) -> None:
        """Writes succeed again."""
        self.store_ok, self.disk_full = True, False

    def broker_said(self, item: Broker) -> None:
        """A `$SYS` value."""
        number = item.text.split(" ", 1)[0]
        if not number.isdigit():
            if item.topic.endswith("/version"):
                self.broker_kind = "amqtt" if "amqtt" in item.text.lower() else item.text
            return
        if item.topic.endswith("/uptime"):
            self.broker_uptime_ms = int(number) * 1000
        elif item.topic.endswith("/dropped"):
            before, self._dropped = self._dropped, int(number)
            if before is not None and self._dropped > before:
                self._drops.append((item.at, self._dropped - before))

    # --- the report -------------------------------------------------------------------------------------------

    def due(self, now: int) -> bool:
        """Time for the next report."""
        return now - self._at >= EVERY_MS

    def _recent(self, now: int) -> None:
        for kept in (self._drops, self._steps):
            while kept and now - kept[0][0] > RECENT_MS:
                kept.popleft()
        while self._lost and now - self._lost[0] > RECENT_MS:
            self._lost.popleft()
        if self._taken_at is not None and now - self._taken_at > RECENT_MS:
            self._taken_at = None

    def make(self, ingest: Ingest, now: int) -> None:
        """Take the hub's reading in, as a message of its own."""
        self._recent(now)
        if self.due(now):
            messages = sum(t.count for t in ingest.intake.tallies.values())
            if self._at:
                self._rate = round((messages - self._messages) * 1000 / (now - self._at), 1)
            self._at, self._messages = now, messages
        self._seq += 1
        faults = []
        if self._taken_at is not None:
            faults.append("taken_over")
        if self._clock.behind:
            faults.append("clock_behind")
        if self.disk_full:
            faults.append("disk_full")
        faults += [code for tell in self.others for code in tell()]
        said: dict[str, Any] = {
            "boot": self.boot,
            "seq": self._seq,
            "broker_up": self.broker_up,
            "store_ok": self.store_ok,
            "disk_free_mb": ingest.store.disk_free() // 1_000_000,
            "queue": len(ingest.link.inbox) if ingest.link is not None else 0,
            "messages_s": self._rate,
            "garbled_messages": ingest.intake.tallies["garbled"].count,
            "broker_dropped": sum(n for _, n in self._drops),
            "sessions_lost": len(self._lost),
            "clock_step_s": self._steps[-1][1] if self._steps else 0.0,
            "rss_mb": round(self._process.memory_info().rss / 1e6, 1),
            "faults": faults,
        }
        gap, ingest.intake.gap = ingest.intake.gap, None
        ingest.intake.take(Inbound(TOPIC, json.dumps(said).encode(), now, 0, 0, retain=False, generation=0))
        ingest.intake.gap = gap
