"""Admission: the broker's user files follow the registry, whoever changed it and why.

One place notices it, after the commit: Feed tells of each delta that touched the registry or a password. Changes that
come together are written once; a file that would say the same is left alone (hub.access).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_PATIENCE_S = 10.0
_LOOK_S = 0.1


class Admission:
    """Lives on the event loop. `write` writes the files and gives who has a password, `tell` has the broker read them.

    `connected`: told while the hub is away, a broker that was restarted refuses the hub's session; so it is told once
    the hub is connected, or after a while: one that refuses us must read them too.
    """

    def __init__(
        self, write: Callable[[], frozenset[str]], tell: Callable[[], None], connected: Callable[[], bool]
    ) -> None:
        self.admitted: frozenset[str] = frozenset()
        self.write, self._tell, self._connected = write, tell, connected
        self._wanted = self._done = 0
        self._wake = asyncio.Event()
        self._written = asyncio.Condition()

    def changed(self) -> None:
        """Somebody came, went, or has another password."""
        self._wanted += 1
        self._wake.set()

    async def written(self) -> None:
        """Wait until what changed up to now is written, or was tried."""
        wanted = self._wanted
        async with self._written:
            await self._written.wait_for(lambda: self._done >= wanted)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            wanted = self._wanted
            try:
                self.admitted = await asyncio.to_thread(self.write)
                await self._tell_once_connected(0.0)
            except OSError:
                log.exception("the broker's users could not be written; the next change or start will")
            async with self._written:
                self._done = wanted
                self._written.notify_all()
            await self._tell_once_connected(_PATIENCE_S)

    async def _tell_once_connected(self, patience_s: float) -> None:
        """Tell the broker; where the hub is away, wait so long, unless there is more to write."""
        waited = 0.0
        while not self._connected() and waited < patience_s and not self._wake.is_set():
            await asyncio.sleep(_LOOK_S)
            waited += _LOOK_S
        if self._connected() or waited >= patience_s > 0:
            await asyncio.to_thread(self._tell)
