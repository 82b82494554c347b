"""The journal as its followers read it: positions and readings, decoded by the same drivers as on the road."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from devices.event import Reading
from drivers import DRIVERS
from drivers.contract import Key
from drivers.errors import BadPayload
from hub.store.reader import CHANNELS, GARBLED, LATE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devices.device import Device
    from devices.field import Value

CHANNEL = 15
"""The bits of a row's `what` that name its channel."""
TELEMETRY = CHANNELS.index("telemetry")


class Row(NamedTuple):
    """One stored reading, placed at `at` (ms, hub time)."""

    pos: int
    device: int
    at: int
    boot: int | None
    seq: int | None
    late: bool
    values: Mapping[str, Value]


def read(path: Path, after: int, limit: int, devices: Mapping[int, Device]) -> tuple[list[Row], int]:
    """Readings of the next `limit` journal rows after position `after`, and the position they reach to.

    Rows that hold no reading (states, receipts, what was garbled, devices that are no more) are passed over, so
    the list may be shorter; the position equals `after` where nothing came. Raises sqlite3.Error.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as db:
        rows = db.execute(
            "SELECT pos, device, at, what, body FROM journal WHERE pos > ? ORDER BY pos LIMIT ?",
            (after, limit),
        ).fetchall()
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


def read_one(device: Device, at: int, body: bytes) -> Reading | None:
    """The reading in a journal row's body, without the fields that were not readable."""
    dialect = DRIVERS[device.driver]
    try:
        events = dialect.read(Key(device.realm, device.name, "telemetry"), body, at, device)
    except BadPayload:
        return None
    return next((e for e in events if type(e) is Reading), None)
