"""The journal as its followers read it: positions and readings, decoded by the same drivers as on the road."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from devices.event import Reading
from drivers import dialect_of
from drivers.contract import Key
from drivers.errors import BadPayload
from hub.store.reader import CHANNELS, GARBLED, LATE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from devices.device import Device, Kind
    from devices.field import Value

CHANNEL = 15
"""The bits of a row's `what` that name its channel."""
TELEMETRY = CHANNELS.index("telemetry")


_READINGS = (
    "SELECT pos, device, at, body FROM journal "  # noqa: S608 - our own numbers
    f"WHERE pos > ? AND pos <= ? AND what & {CHANNEL | GARBLED} = {TELEMETRY} ORDER BY pos LIMIT ?"
)


class Row(NamedTuple):
    """One stored reading, placed at `at` (ms, hub time)."""

    pos: int
    device: int
    at: int
    boot: int | None
    seq: int | None
    late: bool
    values: Mapping[str, Value]


@dataclass(slots=True)
class Heap:
    """Readings of one kind: (name, at, pos, said); `said` may hold keys that are no fields of the kind."""

    rows: list[tuple[str, int, int, Mapping[str, Value]]] = field(default_factory=list)

    @property
    def add(self) -> Callable[[tuple[str, int, int, Mapping[str, Value]]], None]:
        """Takes one more."""
        return self.rows.append


def read(path: Path, after: int, limit: int, devices: Mapping[int, Device]) -> tuple[list[Row], int]:
    """Readings of the next `limit` journal rows after position `after`, and the position they reach to.

    Rows that hold no reading (states, receipts, what was garbled, devices that are no more) are passed over, so
    the list may be shorter; the position equals `after` where nothing came. Raises sqlite3.Error.
    """
    rows = _rows(path, after, limit)
    found = []
    for pos, number, at, what, body in rows:
        device = devices.get(number)
        if device is None or what & (CHANNEL | GARBLED) != TELEMETRY:
            continue
        reading = read_one(device, at, body)
        if reading is not None:
            late = bool(what & LATE)
            found.append(Row(pos, number, at, reading.boot, reading.seq, late, reading.values))
    return found, rows[-1][0] if rows else after


def heaps(
    path: Path, after: int, end: int, limit: int, devices: Mapping[int, Device]
) -> tuple[dict[Kind, Heap], int]:
    """The same by kinds, not beyond position `end`, by the short way of their drivers: for the packer.

    The position is `end` where nothing is left up to there. Raises sqlite3.Error.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as db:
        rows = db.execute(_READINGS, (after, end, limit)).fetchall()
    found: dict[Kind, Heap] = {}
    ways: dict[int, Any] = {}
    for pos, number, at, body in rows:
        way = ways.get(number)
        if way is None:
            device = devices.get(number)
            if device is None:
                continue
            heap = found.setdefault(device.kind, Heap())
            quick = dialect_of(device.driver).quick(device.kind)
            way = device, device.name, quick or _no_short_way, heap.add
            ways[number] = way
        device, name, quick, add = way
        try:
            said = quick(body)
        except ValueError:
            reading = read_one(device, at, body)
            if reading is None:
                continue
            said = reading.values
        add((name, at, pos, said))
    return found, rows[-1][0] if len(rows) == limit else end


def _no_short_way(_body: bytes) -> Mapping[str, Value]:
    raise ValueError


def _rows(path: Path, after: int, limit: int) -> list[tuple[int, int, int, int, bytes]]:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as db:
        return db.execute(
            "SELECT pos, device, at, what, body FROM journal WHERE pos > ? ORDER BY pos LIMIT ?",
            (after, limit),
        ).fetchall()


def read_one(device: Device, at: int, body: bytes) -> Reading | None:
    """The reading in a journal row's body, without the fields that were not readable."""
    dialect = dialect_of(device.driver)
    try:
        events = dialect.read(Key(device.realm, device.name, "telemetry"), body, at, device)
    except BadPayload:
        return None
    return next((e for e in events if type(e) is Reading), None)
