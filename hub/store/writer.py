"""The one writer of var/hub.db: a batch is one transaction."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import shutil
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hub.store.schema import VERSION, migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

Params = tuple[Any, ...]
_CHUNKS = (256, 32, 1)


class StoreBroken(Exception):  # noqa: N818 - the state of the store, not of the caller
    """The store cannot be opened or written. `disk_full` tells the commonest reason; nothing of the batch was kept."""

    def __init__(self, text: str, *, disk_full: bool = False) -> None:
        super().__init__(text)
        self.disk_full = disk_full


class Held(StoreBroken):
    """Another process holds the data folder."""


@dataclass(slots=True)
class Writes:
    """What one transaction stores. `journal` is flat: pos, prev, device, at, what, body, and again."""

    journal: list[Any] = field(default_factory=list)
    other: list[tuple[str, Params]] = field(default_factory=list)

    def __bool__(self) -> bool:
        """True where there is something to store."""
        return bool(self.journal or self.other)

    def add(self, sql: str, *params: Any) -> None:
        """One more statement, in order."""
        self.other.append((sql, params))


def _insert(table: str, columns: int, rows: int) -> str:
    one = "(" + ",".join("?" * columns) + ")"
    return f"INSERT OR REPLACE INTO {table} VALUES " + ",".join([one] * rows)  # noqa: S608 - names are ours


_JOURNAL = {n: _insert("journal", 6, n) for n in _CHUNKS}
_CHECKPOINT = {n: _insert("checkpoint", 2, n) for n in _CHUNKS}


_POISON = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    OverflowError,
    ValueError,
    TypeError,
)
"""What a statement raises that no second try will store."""


def _run(db: sqlite3.Connection, sql: str, params: Params) -> None:
    db.execute(sql, params)


def _run_or_log(db: sqlite3.Connection, sql: str, params: Params) -> None:
    try:
        db.execute(sql, params)
    except _POISON:
        log.exception("left out: %s", sql[:80])


def _many(db: sqlite3.Connection, statements: dict[int, str], columns: int, flat: Sequence[Any]) -> None:
    """Insert flat rows in few steps: sqlite3 gives the interpreter lock away at each, and wins it back late."""
    at, end = 0, len(flat)
    for rows in _CHUNKS:
        width = rows * columns
        while end - at >= width:
            db.execute(statements[rows], flat[at : at + width])
            at += width


class Store:
    """The writing connection. Only one thread may use it after `open`. Raises StoreBroken, nothing else."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "hub.db"
        self._db = self._open(folder)
        self.hub_id = self._identity()
        newest = self._one("SELECT coalesce(max(pos), 0) FROM journal")  # 0 also where all was trimmed
        self.next_pos = max(newest, int(self.meta("checkpoint_pos") or 0)) + 1
        self.first_pos = self._one("SELECT coalesce(min(pos), 0) FROM journal")

    def _open(self, folder: Path) -> sqlite3.Connection:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False, cached_statements=256
            )
            self.path.chmod(0o600)
            db.execute("PRAGMA busy_timeout=5000")
            found = db.execute("PRAGMA user_version").fetchone()[0]
            if found > VERSION:
                msg = f"{self.path} is of a newer version of village-hub (store {found}, this one reads {VERSION})"
                raise StoreBroken(msg)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.execute("PRAGMA wal_autocheckpoint=4000")
            db.execute("PRAGMA cache_size=-8192")  # it appends: old pages of the journal are not read again
            if found < VERSION:
                kept = migrate(self.path, found)
                if kept is not None:
                    log.warning("the database is now of version %d; as it was it stays in %s", VERSION, kept)
        except sqlite3.Error as e:
            full = "full" in str(e)
            msg = f"the disk of {folder} is full" if full else f"cannot open {self.path}: {e}"
            raise StoreBroken(msg, disk_full=full) from e
        except OSError as e:
            raise StoreBroken(f"cannot use the data folder {folder}: {e.strerror or e}") from e
        return db

    def _one(self, sql: str, *params: Any) -> int:
        found = self._db.execute(sql, params).fetchone()
        return int(found[0])

    def _identity(self) -> str:
        known = self.meta("hub_id")
        if known is None:
            known = secrets.token_hex(4)
            self.commit(Writes(other=[("INSERT INTO meta VALUES ('hub_id', ?)", (known,))]))
        return known

    def meta(self, key: str) -> str | None:
        """A stored value of the hub's own."""
        found = self._db.execute("SELECT value FROM meta WHERE key=?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def set_meta(self, writes: Writes, key: str, value: object) -> None:
        """Store a value with a batch."""
        writes.add("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, str(value))

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Everything a query finds (at start, before ingest runs)."""
        return self._db.execute(sql, params).fetchall()

    def each(self, sql: str, *params: Any) -> Iterable[tuple[Any, ...]]:
        """What a query finds, one by one."""
        return self._db.execute(sql, params)

    def commit(self, writes: Writes) -> None:
        """Store a batch in one transaction, on disk when it returns. Raises StoreBroken with nothing stored.

        A statement that can never be stored (a value that SQLite does not take, a key that is there) is logged and
        left out, so that it does not hold up all others for ever.
        """
        try:
            self._transact(writes, _run)
        except _POISON:
            log.exception("something in this batch cannot be stored; it is stored without")
            self._roll_back()
            self._transact(writes, _run_or_log)

    def _transact(self, writes: Writes, run: Callable[[sqlite3.Connection, str, Params], None]) -> None:
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            if run is _run:
                _many(db, _JOURNAL, 6, writes.journal)
            else:
                for at in range(0, len(writes.journal), 6):
                    run(db, _JOURNAL[1], tuple(writes.journal[at : at + 6]))
            for sql, params in writes.other:
                run(db, sql, params)
            db.execute("COMMIT")
        except _POISON:
            raise
        except sqlite3.Error as e:
            self._roll_back()
            raise StoreBroken(str(e), disk_full="full" in str(e)) from e

    def checkpoint(self, states: Sequence[tuple[int, object]], meta: dict[str, object]) -> None:
        """Store devices' states, with the journal position they stand for in `meta`. Raises StoreBroken."""
        flat: list[Any] = []
        for device, state in states:
            flat += (device, json.dumps(state, separators=(",", ":"), ensure_ascii=False))
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            _many(db, _CHECKPOINT, 2, flat)
            for key, value in meta.items():
                db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, str(value)))
            db.execute("COMMIT")
        except sqlite3.Error as e:
            self._roll_back()
            raise StoreBroken(str(e), disk_full="full" in str(e)) from e

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            try:
                self._db.execute("ROLLBACK")
            except sqlite3.Error:
                log.exception("rolling back failed")

    def trim(self, *, before: int, up_to: int, max_bytes: int, passed: int = 2**62) -> int:
        """Delete a few thousand of the oldest journal rows where they are older than `before` or the file is too large.

        Those older go only up to `passed` (what every follower has), those too many in any case. Never past position
        `up_to` (what a checkpoint needs). Returns how many were deleted. Raises StoreBroken.
        """
        last = min(self.first_pos + 5000, up_to)
        if last <= self.first_pos:
            return 0
        try:
            free = min(last, passed)
            if free > self.first_pos and self._newest(free) < before:
                last = free
            elif self.used_bytes() <= max_bytes:
                return 0
            done = self._db.execute("DELETE FROM journal WHERE pos <= ?", (last,)).rowcount
        except sqlite3.Error as e:
            raise StoreBroken(str(e), disk_full="full" in str(e)) from e
        self.first_pos = last + 1
        return done

    def _newest(self, last: int) -> int:
        """When the newest row up to position `last` came; what was buffered does not tell, it may be of 1970."""
        for wanted in (
            "at FROM journal WHERE pos <= ? AND NOT what & 16",
            "max(at) FROM journal WHERE pos <= ?",
        ):
            found = self._db.execute(f"SELECT {wanted} ORDER BY pos DESC LIMIT 1", (last,)).fetchone()
            if found is not None and found[0] is not None:
                return int(found[0])
        return 2**62

    def used_bytes(self) -> int:
        """Bytes of the file that hold something."""
        pages, free, size = (self._one(f"PRAGMA {p}") for p in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size

    def disk_free(self) -> int:
        """Free bytes of the disk that the store is on."""
        return shutil.disk_usage(self.path.parent).free

    def limit_pages(self, pages: int) -> None:
        """Let the file grow to at most this many pages (tests fill a disk with it); 0 lifts the limit."""
        self._db.execute(f"PRAGMA max_page_count={pages or 4294967294}")

    def pages(self) -> int:
        """Pages of the file."""
        return self._one("PRAGMA page_count")

    def close(self) -> None:
        """Close the file; what is in the write-ahead log goes into it."""
        self._db.close()


def lock(folder: Path) -> int:
    """Take the data folder for this process; returns the descriptor to keep. Raises StoreBroken where it is taken."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "hub.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as e:
        raise StoreBroken(f"cannot use the data folder {folder}: {e.strerror or e}") from e
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        os.close(handle)
        raise Held(f"another village-hub is running with the data folder {folder}") from e
    return handle
