"""What a device said in a range of time: from Parquet up to the cursor, from the journal above it, nothing twice.

Both are seen as of one cursor; where the packer moved it meanwhile, all is asked again.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import closing
from heapq import merge
from typing import TYPE_CHECKING, Any

import duckdb

from devices.device import RECORDED
from hub.history import cursor, files, journal, rollup
from hub.store.reader import GARBLED
from hub.views import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from devices.device import Device
    from devices.field import Value

AT_ONCE = 2
"""Queries that run at the same time; the others wait."""
TRIES = 5
LADDER_S = (
    10,
    30,
    60,
    300,
    900,
    1800,
    3600,
    7200,
    14400,
    21600,
    43200,
    86400,
    7 * 86400,
    30 * 86400,
    366 * 86400,
)

_BACK = """
WITH RECURSIVE past(pos, prev, at, what, body) AS (
    SELECT pos, prev, at, what, body FROM journal WHERE pos = ?1 AND pos > ?3
    UNION ALL
    SELECT j.pos, j.prev, j.at, j.what, j.body FROM past JOIN journal j ON j.pos = past.prev
    WHERE past.prev > ?3 AND (past.at >= ?2 OR past.what & 16)
)
SELECT pos, at, what, body FROM past
"""

Sums = list[float]
"""lowest, sum, highest, how many"""
Said = tuple[int, "dict[str, Value]"]


def bucket_for(since: int, until: int, points: int) -> int:
    """The bucket in ms by which a range has at most so many points, of lengths people know."""
    wanted = max(1, -(-(until - since) // max(1, points - 1)))
    return next((s * 1000 for s in LADDER_S if s * 1000 >= wanted), wanted)


def bucket_of(at: int, bucket_ms: int) -> int:
    """The start of the bucket that an instant is in: they are counted from midnight in Hà Nội."""
    return (at + files.HANOI_MS) // bucket_ms * bucket_ms - files.HANOI_MS


def whole(since: int, until: int, bucket_ms: int) -> tuple[int, int]:
    """The range; for buckets of days it begins and ends with one, because a day is told as a whole."""
    if bucket_ms % files.DAY_MS or until <= since:
        return since, until
    return bucket_of(since, bucket_ms), bucket_of(until - 1, bucket_ms) + bucket_ms


class History:
    """Answers from worker threads. `newest` gives the journal position of a device's newest row."""

    def __init__(self, folder: Path, newest: Callable[[str], int]) -> None:
        self._folder, self._newest = folder, newest
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._db = files.connect(threads=1)

    def points(self, device: Device, since: int, until: int, bucket_ms: int) -> list[Point]:
        """Lowest, mean and highest of each bucket in [since, until), oldest first; empty buckets are left out.

        Buckets of days begin at midnight in Hà Nội and are told as a whole, the first and the last too. Of a day whose
        readings are gone there is one point, at its start. Raises sqlite3.Error, duckdb.Error.
        """
        names = rollup.numbers(device.kind)
        since, until = whole(since, until, bucket_ms)
        if not names or until <= since:
            return []
        with self._room:
            found, hot = self._both(
                device, since, until, lambda at: self._sums(device, names, since, until, bucket_ms, at)
            )
        for at, said in hot:
            bucket = found.setdefault(bucket_of(at, bucket_ms), {})
            for name in names:
                if name in said:
                    _add(bucket, name, float(said[name]))  # type: ignore[arg-type]
        return [
            Point(at, {n: (low, total / k, high) for n, (low, total, high, k) in found[at].items()})
            for at in sorted(found)
            if found[at]
        ]

    def readings(self, device: Device, since: int, until: int) -> Iterator[Said]:
        """Every reading in [since, until) as it was, by time. Raises sqlite3.Error, duckdb.Error."""
        with self._room:
            packed, hot = self._both(device, since, until, lambda at: self._raw(device, since, until, at))
        yield from merge(packed, sorted(hot, key=lambda r: r[0]), key=lambda r: r[0])

    def _both(
        self, device: Device, since: int, until: int, ask: Callable[[int], Any]
    ) -> tuple[Any, list[Said]]:
        packed: Any = None
        hot: list[Said] = []
        for left in range(TRIES, 0, -1):
            at, hot = self._hot(device, since, until)
            try:
                packed = ask(at)
            except duckdb.Error:  # a merge took files away under our hands
                if left == 1:
                    raise
                continue
            if cursor.read(self._folder / "hub.db", cursor.HISTORY) == at:
                break
        return packed, hot

    # --- what is packed ---------------------------------------------------------------------------------------

    def _packed(self, device: Device, since: int, until: int, at: int) -> dict[str, list[files.Packed]]:
        first, last = files.day_of(since), files.day_of(until - 1)
        days: dict[str, list[files.Packed]] = {}
        for f in files.valid(files.every(self._folder, device.kind), at):
            if first <= f.day <= last:
                days.setdefault(f.day, []).append(f)
        return days

    def _run(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        with closing(self._db.cursor()) as db:
            return db.execute(sql, params).fetchall()

    def _sums(
        self, device: Device, names: list[str], since: int, until: int, bucket_ms: int, at: int
    ) -> dict[int, dict[str, Sums]]:
        paths: list[Path] = []
        told: list[str] = []
        """Days that their readings tell, not their roll-up."""
        months = rollup.valid(rollup.every(self._folder, device.kind))
        for day, packed in self._packed(device, since, until, at).items():
            month = months.get(day[:7])
            more = [f for f in packed if month is None or not month.covers(f)]
            if month is not None and (month.alone(day) or (not more and bucket_ms % files.DAY_MS == 0)):
                paths += [f.path for f in more]
            else:
                paths += [f.path for f in packed]
                told.append(day)
        found: dict[int, dict[str, Sums]] = {}
        if paths:
            sums = ", ".join(f'min("{n}"), sum("{n}"), max("{n}"), count("{n}")' for n in names)
            sql = (
                f'SELECT (epoch_ms("at") + {files.HANOI_MS}) // {bucket_ms} * {bucket_ms} - {files.HANOI_MS} '  # noqa: S608 - numbers and our own words
                f"AS bucket, {sums} FROM {files.scan(paths)} "
                'WHERE device = ? AND "at" >= make_timestamp_ms(?) AND "at" < make_timestamp_ms(?) GROUP BY bucket'
            )
            _collect(found, names, self._run(sql, device.name, since, until))
        first, last = files.day_of(since + files.DAY_MS - 1), files.day_of(until - 1)
        rolled_up = [m for m in months.values() if first[:7] <= m.month <= last[:7]]
        if rolled_up:
            sql = rollup.sums(device.kind, rolled_up, told, bucket_ms)
            _collect(found, names, self._run(sql, device.name, first, last))
        return found

    def _raw(self, device: Device, since: int, until: int, at: int) -> list[Said]:
        paths = [f.path for packed in self._packed(device, since, until, at).values() for f in packed]
        if not paths:
            return []
        fields = RECORDED[device.kind]
        names = "".join(f', "{f.name}"' for f in fields)
        sql = (
            f'SELECT epoch_ms("at"){names} FROM {files.scan(paths)} WHERE device = ? '  # noqa: S608 - our own words
            'AND "at" >= make_timestamp_ms(?) AND "at" < make_timestamp_ms(?) ORDER BY "at", pos'
        )
        return [
            (
                when,
                {
                    f.name: json.loads(v) if f.type == "codes" else v
                    for f, v in zip(fields, values, strict=True)
                    if v is not None
                },
            )
            for when, *values in self._run(sql, device.name, since, until)
        ]

    # --- what is not ------------------------------------------------------------------------------------------

    def _hot(self, device: Device, since: int, until: int) -> tuple[int, list[Said]]:
        """The cursor, and what the journal holds above it."""
        newest = self._newest(device.name)
        uri = f"{(self._folder / 'hub.db').absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)) as db:
            at = 0
            for _ in range(50):  # its newest row may be committed in a moment
                db.execute("BEGIN")
                at = cursor.in_transaction(db, cursor.HISTORY)
                end = db.execute("SELECT max(pos) FROM journal").fetchone()[0] or 0
                if newest <= max(end, at):
                    break
                db.execute("ROLLBACK")
                time.sleep(0.02)
            rows = db.execute(_BACK, (newest, since, at)).fetchall()
        found: list[Said] = []
        for _, when, what, body in rows:
            if since <= when < until and what & (journal.CHANNEL | GARBLED) == journal.TELEMETRY:
                said = journal.read_one(device, when, body)
                if said is not None:
                    found.append((when, dict(said.values)))
        return at, found[::-1]


def _collect(found: dict[int, dict[str, Sums]], names: list[str], rows: list[tuple[Any, ...]]) -> None:
    for at, *values in rows:
        bucket = found.setdefault(at, {})
        for i, name in enumerate(names):
            low, total, high, count = values[4 * i : 4 * i + 4]
            if not count:
                continue
            b = bucket.get(name)
            if b is None:
                bucket[name] = [float(low), float(total), float(high), float(count)]
            else:
                b[0], b[1], b[2], b[3] = min(b[0], low), b[1] + total, max(b[2], high), b[3] + count


def _add(bucket: dict[str, Sums], name: str, value: float) -> None:
    b = bucket.get(name)
    if b is None:
        bucket[name] = [value, value, value, 1.0]
    else:
        b[0], b[1], b[2], b[3] = min(b[0], value), b[1] + value, max(b[2], value), b[3] + 1
