"""The outbox: what an agent learnt and has not yet been acknowledged, on its disk.

A message counts as said once it is stored, and goes when the broker has acknowledged it. Of a camera's state, its last
picture and its reference only the newest is kept: it says all that the ones before it said. Beyond the cap the oldest
reading or picture goes; how many went is counted for ever.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

FILE = "agent.db"
VERSION = 1
OVERHEAD = 100
"""Bytes that a message takes beside its body, about."""
ORDERS_KEPT_MS = 86_400_000
NOW, READING, PICTURE = 0, 1, 2
"""Ranks: what is sent first."""

_SCHEMA = """
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT, rank INTEGER NOT NULL, device TEXT NOT NULL, channel TEXT NOT NULL,
    slot TEXT NOT NULL, boot INTEGER, body BLOB NOT NULL
);
CREATE INDEX message_rank ON message (rank, id);
CREATE INDEX message_slot ON message (device, slot) WHERE slot != '';
-- The boot under which the hub has heard of a camera last.
CREATE TABLE heard (device TEXT PRIMARY KEY, boot INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE note (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE command (id TEXT PRIMARY KEY, at INTEGER NOT NULL, receipt BLOB) WITHOUT ROWID;
"""


class Kept(NamedTuple):
    """One message. `slot`: it takes the place of the one before it there; `boot`: of a reading or state, else None."""

    device: str
    channel: str
    body: bytes
    rank: int = READING
    slot: str = ""
    boot: int | None = None


class Waiting(NamedTuple):
    """A message that is to be sent."""

    id: int
    device: str
    channel: str
    boot: int | None
    body: bytes


class Outbox:
    """One thread owns it. Every method that writes is on disk when it returns. Raises sqlite3.Error."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        path = folder / FILE
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = db = sqlite3.connect(path, isolation_level=None)
        self._most = most_bytes
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "auto_vacuum=INCREMENTAL"):
            db.execute(f"PRAGMA {pragma}")
        if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            with self._all():
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={VERSION}")
        self.count = self.bytes = self.dropped = 0
        self._count()

    def close(self) -> None:
        """The end."""
        self._db.close()

    def _count(self) -> None:
        found = self._db.execute("SELECT count(*), total(length(body)) FROM message").fetchone()
        self.count, self.bytes = int(found[0]), int(found[1]) + OVERHEAD * int(found[0])
        self.dropped = int(self.note("dropped") or b"0")

    @contextmanager
    def _all(self) -> Iterator[None]:
        """Everything inside, or nothing of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._count()
            raise

    # --- messages ---------------------------------------------------------------------------------------------

    def add(self, messages: Iterable[Kept]) -> list[int]:
        """Keep messages, together; their ids."""
        with self._all():
            return self._put(messages)

    def _put(self, messages: Iterable[Kept]) -> list[int]:
        ids = []
        for m in messages:
            if m.slot:
                self._forget("device=? AND slot=?", m.device, m.slot)
            row = self._db.execute(
                "INSERT INTO message (rank, device, channel, slot, boot, body) VALUES (?,?,?,?,?,?)",
                (m.rank, m.device, m.channel, m.slot, m.boot, m.body),
            )
            ids.append(int(row.lastrowid or 0))
            self.count += 1
            self.bytes += len(m.body) + OVERHEAD
        self._bound()
        return ids

    def _bound(self) -> None:
        """The oldest go while there is too much."""
        gone = 0
        while self.bytes > self._most:
            oldest = self._db.execute("SELECT min(id) FROM message WHERE rank != ?", (NOW,)).fetchone()[0]
            if oldest is None:
                break
            gone += self._forget("id=?", oldest)
        if gone:
            self.dropped += gone
            self._note("dropped", str(self.dropped).encode())

    def _forget(self, where: str, *params: object) -> int:
        sql = f"DELETE FROM message WHERE {where} RETURNING length(body)"  # noqa: S608 - written here
        rows = self._db.execute(sql, params).fetchall()
        self.count -= len(rows)
        self.bytes -= sum(size + OVERHEAD for (size,) in rows)
        return len(rows)

    def next(self, rank: int, skip: Collection[int], limit: int, since: int = 0) -> list[Waiting]:
        """The oldest of a rank with an id above `since`, without those that are on their way."""
        found = self._db.execute(
            "SELECT id, device, channel, boot, body FROM message WHERE rank=? AND id>? "
            "AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?",
            (rank, since, json.dumps(list(skip)), limit),
        )
        return [Waiting(*row) for row in found]

    def newest(self) -> int:
        """The id given last."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name='message'").fetchone()
        return 0 if row is None else int(row[0])

    def shift(self, above: int, seconds: float) -> None:
        """The clock was set by so much: what was stored above an id was measured so much later than it says."""
        self._db.execute(
            "UPDATE message SET body=CAST(json_set(CAST(body AS TEXT), '$.ts', "
            "round(json_extract(CAST(body AS TEXT), '$.ts') + ?, 3)) AS BLOB) "
            "WHERE id>? AND channel IN ('telemetry', 'receipt')",
            (seconds, above),
        )
        self._count()

    def done(self, ids: Iterable[int], heard: Iterable[tuple[str, int]]) -> None:
        """The broker has them; `heard`: (device, boot) of those by which the hub knows a camera to live."""
        with self._all():
            for one in ids:
                self._forget("id=?", one)
            self._db.executemany("INSERT OR REPLACE INTO heard VALUES (?,?)", heard)
            self._db.execute("PRAGMA incremental_vacuum(200)")

    def heard(self) -> dict[str, int]:
        """The boot under which the hub heard of each camera last."""
        return dict(self._db.execute("SELECT device, boot FROM heard").fetchall())

    # --- what else must survive -------------------------------------------------------------------------------

    def note(self, name: str) -> bytes | None:
        """Something small that was kept."""
        row = self._db.execute("SELECT value FROM note WHERE name=?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def keep(self, name: str, value: bytes) -> None:
        """Keep something small."""
        self._note(name, value)

    def _note(self, name: str, value: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO note VALUES (?,?)", (name, value))

    def begin(self, command: str, at: int) -> bool:
        """A command came at `at` (ms); False where it came before: then `receipt` may have its end."""
        with self._all():
            self._db.execute("DELETE FROM command WHERE at<? AND receipt IS NOT NULL", (at - ORDERS_KEPT_MS,))
            made = self._db.execute("INSERT OR IGNORE INTO command VALUES (?,?,NULL)", (command, at))
        return made.rowcount == 1

    def receipt(self, command: str) -> bytes | None:
        """How a command ended."""
        row = self._db.execute("SELECT receipt FROM command WHERE id=?", (command,)).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])

    def end(self, command: str, receipt: Kept) -> list[int]:
        """A command ended so; its receipt is to be sent."""
        with self._all():
            self._db.execute("UPDATE command SET receipt=? WHERE id=?", (receipt.body, command))
            return self._put([receipt])

    def unended(self) -> list[str]:
        """Commands that have no end: the agent was ended in the midst of them."""
        return [row[0] for row in self._db.execute("SELECT id FROM command WHERE receipt IS NULL")]
