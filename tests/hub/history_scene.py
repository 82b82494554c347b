"""A journal with readings, without a hub: what followers read."""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from devices.device import Device, Kind
from devices.lifecycle import Lifecycle
from hub import registry
from hub.history.journal import TELEMETRY
from hub.store.reader import LATE
from hub.store.writer import Store, StoreBroken, Writes
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T0 = 1_790_000_100_000 - 1_790_000_100_000 % 300_000


def light(name: str, site: str = "") -> Device:
    """A light of the village."""
    return Device(name, Kind.SOLAR_LIGHT, "thap", site, interval_s=60, lifecycle=Lifecycle.ACTIVE)


class Journal:
    """A store into which readings are put, and which takes followers' commands at once."""

    def __init__(self, folder: Path, *devices: Device) -> None:
        self.store = Store(folder)
        writes = Writes()
        for device in devices:
            registry.put_device(writes, device, "")
        self.store.commit(writes)
        found = registry.load(self.store)
        self.devices = {found.ids[d.name]: d for d in devices}
        self.ids = found.ids
        self.pos = self.store.next_pos - 1
        self.newest = dict.fromkeys(self.ids, 0)
        self._latest: dict[str, int] = {}
        self.broken = False

    def say(self, name: str, at: int, **said: Any) -> int:
        """One reading; its position."""
        self.put([(name, at, said)])
        return self.pos

    def put(self, rows: list[tuple[str, int, dict[str, Any]]]) -> None:
        """Many at once."""
        flat: list[Any] = []
        for name, at, said in rows:
            self.pos += 1
            body = json.dumps({"boot": 1, "seq": self.pos} | said).encode()
            late = LATE if at < self._latest.get(name, 0) else 0
            self._latest[name] = max(at, self._latest.get(name, 0))
            flat += [self.pos, self.newest[name], self.ids[name], at, TELEMETRY | late, body]
            self.newest[name] = self.pos
        self.store.commit(Writes(journal=flat))

    def submit(self, run: Callable[[Writes], Any]) -> Future[Any]:
        """As ingest: run, commit, answer."""
        done: Future[Any] = Future()
        writes = Writes()
        result = run(writes)
        if self.broken:
            done.set_exception(Refused("disk_full"))
            return done
        try:
            self.store.commit(writes)
        except StoreBroken as e:
            done.set_exception(e)
        else:
            done.set_result(result)
        return done
