"""The waiting room: devices that said hello and are not registered. Owned by ingest; pages read the entries."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from devices import wire
from hub import access
from hub.views import Pending
from hub.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.event import Hello
    from hub.store.writer import Store, Writes

ROOM = 1000
"""So many may wait; a flood of invented names stops there, counted."""
CLAIM = 80
"""Characters kept of each thing that a device says of itself."""


class Waiting:
    """Entries by name. `writes` gives the batch to store into. Claims are cleaned and bounded: anybody wrote them."""

    def __init__(self, store: Store) -> None:
        self.entries: dict[str, Pending] = {}
        self.writes: Callable[[], Writes] | None = None
        self.changed = False
        for name, realm, claim, first, last, times in store.each("SELECT * FROM pending"):
            self.entries[name] = Pending(name, realm, json.loads(claim), first, last, times)

    def hello(self, event: Hello) -> str:
        """Somebody knocks; returns the outcome."""
        if event.realm == wire.MARKER_REALM or event.device in access.RESERVED:
            return "wrong_realm"
        claim = {name: visible(text)[:CLAIM] for name, text in event.claim.items()}
        known = self.entries.get(event.device)
        if known is None:
            if len(self.entries) >= ROOM:
                return "pending_full"
            entry = Pending(event.device, event.realm, claim, event.at, event.at, 1)
        else:
            entry = replace(known, realm=event.realm, claim=claim, last_at=event.at, times=known.times + 1)
        self.entries[event.device] = entry
        self.changed = True
        if self.writes is not None:
            self.writes().add(
                "INSERT OR REPLACE INTO pending VALUES (?,?,?,?,?,?)",
                entry.name, entry.realm, json.dumps(claim, ensure_ascii=False),
                entry.first_at, entry.last_at, entry.times,
            )  # fmt: skip
        return "hello"

    def remove(self, name: str, writes: Writes) -> None:
        """It was approved or refused."""
        if self.entries.pop(name, None) is not None:
            writes.add("DELETE FROM pending WHERE name=?", name)
            self.changed = True
