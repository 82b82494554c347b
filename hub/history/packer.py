"""The packer's keeper in the hub: starts the packing process every hour, stores how far it came, tells its failure."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devices.device import Kind
from hub.history import cursor, files, rollup
from hub.views import HistoryView, Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from hub.settings import HistorySettings
    from hub.store.writer import Writes

log = logging.getLogger(__name__)

EVERY_S = 3600.0
LOOK_S = 60.0
BEHIND_MS = 3_600_000
"""At start it packs where the oldest row that is not packed is older."""
RECENT_MS = 3_600_000
"""Rows that were lost to the history are a fault for so long."""


@dataclass(slots=True)
class Packer:
    """Lives on the event loop. `do` runs a change in ingest and waits for its commit."""

    folder: Path
    now: Callable[[], int]
    do: Callable[[Callable[[Writes], Any]], Awaitable[Any]]
    settings: HistorySettings
    failed: bool = False
    view: HistoryView | None = None
    _at: float = field(init=False, default_factory=time.monotonic)
    _missed: int = 0
    _missed_up_to: int = 0
    _missed_at: int | None = None

    def troubles(self) -> tuple[str, ...]:
        """Fault codes for the hub's own device."""
        found = ["history_failed"] if self.failed else []
        if self._missed_at is not None and self.now() - self._missed_at < RECENT_MS:
            found.append("history_missed")
        return tuple(found)

    async def run(self) -> None:
        """Pack when behind, then every hour, for ever."""
        while True:
            try:
                if await asyncio.to_thread(self.look) or time.monotonic() - self._at >= EVERY_S:
                    await self.pack()
                    await asyncio.to_thread(self.look)
            except (OSError, sqlite3.Error):
                self._fail("cannot start")
            await asyncio.sleep(LOOK_S if not self.failed else 10 * LOOK_S)

    def look(self) -> bool:
        """See how far it is and what it takes; True where it is behind. Raises OSError, sqlite3.Error."""
        with closing(
            sqlite3.connect(f"{self._database.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        ) as db:
            db.execute("BEGIN")
            at = cursor.in_transaction(db, cursor.HISTORY)
            first, last = db.execute(
                "SELECT coalesce(min(pos), 0), coalesce(max(pos), 0) FROM journal"
            ).fetchone()
            oldest = db.execute(
                "SELECT at FROM journal WHERE pos > ? AND NOT what & 16 ORDER BY pos LIMIT 1", (at,)
            ).fetchone()
        gone = max(at, self._missed_up_to)
        if first - 1 > gone:
            self._missed += first - 1 - gone
            self._missed_up_to, self._missed_at = first - 1, self.now()
            log.error("the journal's cap took %d rows before they were packed", first - 1 - gone)
        self.view = measured(self.folder, files.day_of(self.now()), max(0, last - at), self._missed)
        return oldest is not None and self.now() - oldest[0] >= BEHIND_MS

    @property
    def _database(self) -> Path:
        return self.folder / "hub.db"

    async def pack(self) -> bool:
        """Pack all there is; True where it came to an end."""
        self._at = time.monotonic()
        after = await asyncio.to_thread(cursor.read, self._database, cursor.HISTORY)
        keep = {
            "now": self.now(),
            "days": self.settings.keep_days,
            "days_of": {kind.value: days for kind, days in self.settings.keep_days_of.items()},
            "rollup_days": self.settings.rollup_days,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub.history.pack", str(self.folder.absolute()), str(after), json.dumps(keep),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            said = await asyncio.gather(self._follow(process), _last_words(process))
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code:
            self._fail(said[1])
        elif said[0]:
            self.failed = False
        return code == 0 and said[0]

    async def _follow(self, process: asyncio.subprocess.Process) -> bool:
        """Store each position it reaches; False where one could not be stored: it goes on another time."""
        if process.stdout is None or process.stdin is None:
            return False
        async for line in process.stdout:
            reached = int(line)
            try:
                await self.do(lambda writes, to=reached: cursor.move(writes, cursor.HISTORY, to))  # type: ignore[misc]
            except Refused:
                process.stdin.close()
                return False
            process.stdin.write(b"\n")
            await process.stdin.drain()
        return True

    def _fail(self, why: str) -> None:
        if not self.failed:
            log.error("packing the journal failed: %s", why[-2000:])
        self.failed = True


def measured(folder: Path, today: str, behind: int, missed: int) -> HistoryView:
    """What the past in a data folder takes of the disk. Raises OSError."""
    days: dict[str, int] = {}
    rollups = 0
    for kind in Kind:
        for f in files.every(folder, kind):
            days[f.day] = days.get(f.day, 0) + _size(f.path)
        rollups += sum(_size(m.path) for m in rollup.every(folder, kind))
    over = [size for day, size in sorted(days.items()) if day < today][-7:]
    return HistoryView(
        readings_mb=round(sum(days.values()) / 1e6, 1),
        rollups_mb=round(rollups / 1e6, 1),
        day_mb=round(sum(over) / len(over) / 1e6, 1) if over else 0.0,
        since=min(days, default=""),
        behind=behind,
        missed=missed,
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # merged or retired meanwhile
        return 0


async def _last_words(process: asyncio.subprocess.Process) -> str:
    if process.stderr is None:
        return ""
    return (await process.stderr.read()).decode(errors="replace")
