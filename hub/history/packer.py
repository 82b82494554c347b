"""The packer's keeper in the hub: starts the packing process every hour, stores how far it came, tells its failure."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hub.history import cursor
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from hub.store.writer import Writes

log = logging.getLogger(__name__)

EVERY_S = 3600.0
LOOK_S = 60.0
BEHIND_MS = 3_600_000
"""At start it packs where the oldest row that is not packed is older."""


@dataclass(slots=True)
class Packer:
    """Lives on the event loop. `do` runs a change in ingest and waits for its commit."""

    folder: Path
    now: Callable[[], int]
    do: Callable[[Callable[[Writes], Any]], Awaitable[Any]]
    failed: bool = False
    _at: float = field(init=False, default_factory=time.monotonic)

    def troubles(self) -> tuple[str, ...]:
        """Fault codes for the hub's own device."""
        return ("history_failed",) if self.failed else ()

    async def run(self) -> None:
        """Pack when behind, then every hour, for ever."""
        while True:
            try:
                if time.monotonic() - self._at >= EVERY_S or await asyncio.to_thread(self._behind):
                    await self.pack()
            except (OSError, sqlite3.Error):
                self._fail("cannot start")
            await asyncio.sleep(LOOK_S if not self.failed else 10 * LOOK_S)

    def _behind(self) -> bool:
        database = self.folder / "hub.db"
        sql = (
            "SELECT at, (SELECT max(pos) FROM journal) - pos FROM journal WHERE pos > ? AND NOT what & 16 "
            "ORDER BY pos LIMIT 1"
        )
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            found = db.execute(sql, (cursor.in_transaction(db, cursor.HISTORY),)).fetchone()
        return found is not None and self.now() - found[0] >= BEHIND_MS

    async def pack(self) -> bool:
        """Pack all there is; True where it came to an end."""
        self._at = time.monotonic()
        after = await asyncio.to_thread(cursor.read, self.folder / "hub.db", cursor.HISTORY)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub.history.pack", str(self.folder.absolute()), str(after),
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


async def _last_words(process: asyncio.subprocess.Process) -> str:
    if process.stderr is None:
        return ""
    return (await process.stderr.read()).decode(errors="replace")
