"""Packing, a process of its own: the journal from a position on into Parquet, piece by piece.

`python -m hub.history.pack DATA_DIR CURSOR KEEP`. After each piece is durable it prints the position it reached and
waits for a line: the cursor is stored then. The end of its input ends it. Nothing here writes to the database.

KEEP is a `Keep` as JSON: what is older goes at the end, after it was rolled up.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import shutil
import sqlite3
import sys
import threading
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from devices.device import Device, Kind
from hub.failpoint import failpoint
from hub.history import files, journal, rollup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future

    import duckdb

PIECE = 400_000
"""Journal rows a piece: what a packer holds in memory."""
STEP = 20_000
MERGED_AT = 8
"""So many files of the running day become one; those of a day that is over do at two."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long, in days before the hub's time `now` (ms): readings by kind (all others: `days`), and roll-ups."""

    now: int
    days: int = 92
    rollup_days: int = 1830
    days_of: Mapping[str, int] = field(default_factory=dict)

    def first(self, kind: Kind) -> str:
        """The first day whose readings stay."""
        return files.day_of(self.now - self.days_of.get(kind.value, self.days) * files.DAY_MS)


WORKERS = 2
"""Processes, where there is more than one piece."""
MEMORY = "600MB"
SPILL = "spill"


def pack(
    folder: Path, after: int, told: Callable[[int], bool], keep: Keep, piece: int = PIECE, workers: int = 1
) -> int:
    """Pack everything after position `after`; the position reached. `told` stores the cursor, False: stop.

    Several workers are processes that pack the next pieces meanwhile; what is told stays in order.
    Raises OSError, sqlite3.Error, duckdb.Error.
    """
    clean(folder, after)
    end, devices = _until(folder / "hub.db")
    for reached in _pieces(folder, range(after, end, piece), end, devices, workers):
        failpoint("packed")
        if not told(reached):
            return after
        after = reached
    with closing(files.connect(workers, MEMORY, folder / files.FOLDER / SPILL)) as db:
        _merge(db, folder, after)
        for kind in Kind:
            rollup.roll(db, folder, kind, after, files.day_of(keep.now))
            rollup.retire(
                folder,
                kind,
                after,
                keep.first(kind),
                files.day_of(keep.now - keep.rollup_days * files.DAY_MS),
            )
    return after


def _pieces(
    folder: Path, starts: range, end: int, devices: Mapping[int, Device], workers: int
) -> Iterator[int]:
    """Pack piece by piece; the positions reached, in order."""
    jobs = [(folder, start, min(start + starts.step, end), devices) for start in starts]
    if workers == 1 or len(jobs) == 1:
        for job in jobs:
            yield _piece(*job)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(os.getpid(),))
    try:
        running: deque[Future[int]] = deque()
        for job in jobs:
            running.append(pool.submit(_piece, *job))
            if len(running) > workers:  # one waits, so that nobody does
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(parent: int) -> None:
    """A process that packs: at the lowest priority, without looking for cycles (none are made), for its parent only."""
    os.nice(19)
    gc.disable()

    def orphaned() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=orphaned, daemon=True).start()


def clean(folder: Path, cursor: int) -> None:
    """Away with what a killed packer left: files not whole, not reached by the cursor, or superseded."""
    shutil.rmtree(folder / files.FOLDER / SPILL, ignore_errors=True)
    for path in (folder / files.FOLDER).glob("*/*.tmp"):
        path.unlink(missing_ok=True)
    for kind in Kind:
        found = files.every(folder, kind)
        for f in set(found).difference(files.valid(found, cursor)):
            f.path.unlink(missing_ok=True)


def _piece(folder: Path, after: int, end: int, devices: Mapping[int, Device]) -> int:
    found: dict[tuple[Kind, str], list[files.Columns]] = {}
    reached = after
    while reached < end:
        heaps, reached = journal.heaps(folder / "hub.db", reached, end, STEP, devices)
        for kind, heap in heaps.items():
            for day, columns in files.by_days(files.columns(kind, heap)):
                found.setdefault((kind, day), []).append(columns)
    with closing(files.connect(memory=MEMORY, spill=folder / files.FOLDER / SPILL)) as db:
        for (kind, day), parts in found.items():
            files.write(db, files.path_of(folder, kind, day, after + 1, end), kind, parts)
    return end


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
    gc.disable()
    pack(Path(sys.argv[1]), int(sys.argv[2]), _told, Keep(**json.loads(sys.argv[3])), workers=WORKERS)


if __name__ == "__main__":
    main()
