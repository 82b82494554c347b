"""The audit: who did what, when, from where, with what was before and after. Only ever added to."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from devices.person import By
    from hub.store.reader import Reader
    from hub.store.writer import Writes


def note(
    writes: Writes,
    at: int,
    by: By,
    action: str,
    subject: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """One more entry, with the batch of the change itself. Never give it a secret.

    `action` is noun.verb (`device.added`), `subject` noun:name (`device:tt-l017`); where `before` and `after` hold
    the same keys, only what differs is kept.
    """
    differing = {k for k in before.keys() | after.keys() if before.get(k) != after.get(k) or k not in before}
    kept = [
        json.dumps({k: v for k, v in side.items() if k in differing}, ensure_ascii=False, default=str)
        for side in (before, after)
    ]
    writes.add(
        "INSERT INTO audit (at, person, address, action, subject, before, after) VALUES (?,?,?,?,?,?,?)",
        at, by.person, by.address, action, subject, *kept,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as stored."""

    id: int
    at: int
    person: str
    address: str
    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; empty means any. `since` inclusive and `until` exclusive, ms.

    Subject and action by their beginning; with `exact` the subject as a whole.
    """

    person: str = ""
    subject: str = ""
    action: str = ""
    since: int | None = None
    until: int | None = None
    exact: bool = False


def entries(reader: Reader, wanted: Wanted, before: int | None = None, limit: int = 50) -> list[Entry]:
    """At most `limit` entries of an id below `before`, newest first."""
    return [
        Entry(number, at, person, address, action, subject, json.loads(old), json.loads(new))
        for number, at, person, address, action, subject, old, new in reader.audit(wanted, before, limit)
    ]


class Trail:
    """The audit as it is read, newest first, by short reads beside the writer."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def read(self, wanted: Wanted, before: int | None = None, limit: int = 50) -> list[Entry]:
        """See `entries`."""
        return await asyncio.to_thread(entries, self._reader, wanted, before, limit)

    async def each(self, wanted: Wanted) -> AsyncIterator[Entry]:
        """All of them, newest first, a few hundred in memory at a time."""
        before: int | None = None
        while found := await self.read(wanted, before, 500):
            for entry in found:
                yield entry
            before = found[-1].id
