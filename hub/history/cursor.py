"""Cursors: how far each follower of the journal has come."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hub.store.writer import Store, Writes

HISTORY = "history"


def read(path: Path, name: str) -> int:
    """How far a follower has come; 0 where it never began. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        return in_transaction(db, name)


def in_transaction(db: sqlite3.Connection, name: str) -> int:
    """The same, seen by an open connection's transaction."""
    found = db.execute("SELECT pos FROM cursor WHERE name=?", (name,)).fetchone()
    return int(found[0]) if found else 0


def move(writes: Writes, name: str, pos: int) -> None:
    """With this batch the follower has come to `pos`."""
    writes.add("INSERT OR REPLACE INTO cursor (name, pos) VALUES (?, ?)", name, pos)


def only(store: Store, writes: Writes, names: Iterable[str]) -> None:
    """These are the followers: what they have not passed is kept for them; the cursors of others go."""
    names = list(names)
    known = {name for (name,) in store.rows("SELECT name FROM cursor")}
    for name in known.difference(names):
        writes.add("DELETE FROM cursor WHERE name=?", name)
    for name in names:
        if name not in known:
            move(writes, name, max(0, store.first_pos - 1))


def passed(store: Store) -> int:
    """The position that every follower has passed."""
    found = store.rows("SELECT min(pos) FROM cursor")[0][0]
    return 2**62 if found is None else int(found)
