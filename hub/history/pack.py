"""Packing, a process of its own: the journal from a position on into Parquet, piece by piece.

`python -m hub.history.pack DATA_DIR CURSOR`. After each piece is durable it prints the position it reached and waits
for a line: the cursor is stored then. The end of its input ends it. Nothing here writes to the database.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from devices.device import Device, Kind
from hub.failpoint import failpoint
from hub.history import files, journal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import duckdb

    from hub.history.journal import Row

PIECE = 400_000
"""Journal rows a piece: what a packer holds in memory."""
STEP = 20_000
MERGED_AT = 8
"""So many files of the running day become one; those of a day that is over do at two."""
MEMORY = "600MB"


def pack(folder: Path, after: int, told: Callable[[int], bool], piece: int = PIECE) -> int:
    """Pack everything after position `after`; the position reached. `told` stores the cursor, False: stop.

    Raises OSError, sqlite3.Error, duckdb.Error.
    """
    clean(folder, after)
    end, devices = _until(folder / "hub.db")
    with closing(files.connect(memory=MEMORY, spill=folder / files.FOLDER / "spill")) as db:
        while after < end:
            reached = _piece(db, folder, after, min(after + piece, end), devices)
            if reached == after:
                break
            failpoint("packed")
            if not told(reached):
                return after
            after = reached
        _merge(db, folder, after)
    return after


def clean(folder: Path, cursor: int) -> None:
    """Away with what a killed packer left: files not whole, not reached by the cursor, or superseded."""
    for path in (folder / files.FOLDER).glob("*/*.tmp"):
        path.unlink(missing_ok=True)
    for kind in Kind:
        found = files.every(folder, kind)
        for f in set(found).difference(files.valid(found, cursor)):
            f.path.unlink(missing_ok=True)


def _piece(
    db: duckdb.DuckDBPyConnection, folder: Path, after: int, end: int, devices: Mapping[int, Device]
) -> int:
    heaps: dict[tuple[Kind, str], list[tuple[str, Row]]] = {}
    reached = after
    while reached < end:
        rows, now = journal.read(folder / "hub.db", reached, min(STEP, end - reached), devices)
        if now == reached:
            break
        reached = now
        for r in rows:
            device = devices[r.device]
            heaps.setdefault((device.kind, files.day_of(r.at)), []).append((device.name, r))
    for (kind, day), heap in heaps.items():
        files.write(db, files.path_of(folder, kind, day, after + 1, reached), kind, heap)
    return reached


def _merge(db: duckdb.DuckDBPyConnection, folder: Path, cursor: int) -> None:
    for kind in Kind:
        days: dict[str, list[files.Packed]] = {}
        for f in files.valid(files.every(folder, kind), cursor):
            days.setdefault(f.day, []).append(f)
        running = max(days, default="")
        for day, parts in days.items():
            if len(parts) >= (MERGED_AT if day == running else 2):
                files.merge(db, folder, parts)


def _until(path: Path) -> tuple[int, dict[int, Device]]:
    """The journal's end, and then the devices: whose rows stand up to there is among them. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        end = int(db.execute("SELECT coalesce(max(pos), 0) FROM journal").fetchone()[0])
        found = db.execute("SELECT id, name, kind, realm, site, driver FROM device").fetchall()
    return end, {
        number: Device(name, Kind(kind), realm, site, driver=driver)
        for number, name, kind, realm, site, driver in found
    }


def _told(reached: int) -> bool:
    print(reached, flush=True)  # noqa: T201 - the hub reads it
    return bool(sys.stdin.readline())


def main() -> None:
    """The process."""
    os.nice(19)
    folder = Path(sys.argv[1])
    pack(folder, int(sys.argv[2]), _told)


if __name__ == "__main__":
    main()
