"""Live: what changed, told to every open page. One watch of the hub for all, one drawing of a fragment for all.

A stream holds only a version number; what lies between its version and the newest is merged when it looks, so a
slow client gets fewer, newer events, and one that fell too far behind reads everything anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import TYPE_CHECKING, TypeVar, cast

from hub.views import Changed

if TYPE_CHECKING:
    from collections.abc import Coroutine, Hashable, Iterator

    from hub.views import Core, Watch

STEP_S = 0.25
"""At most one event in this time; the first after a quiet time goes out at once."""
KEPT = 64
"""Changes kept for slow clients; one further behind reads everything anew."""
AGAIN_S = 1.0
"""Rest after a watch that failed."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Live:
    """The pulse of all streams, and what was drawn in its present step."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.version = 0
        self.closed = False
        self._kept: deque[Changed] = deque(maxlen=KEPT)
        self._next = asyncio.Event()
        self._listeners = 0
        self._beating: asyncio.Task[None] | None = None
        self._watch = contextlib.ExitStack()
        self._drawn: dict[Hashable, asyncio.Task[object]] = {}
        self._bucket = 0

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """While a stream is open. The hub is watched only while someone looks."""
        self._listeners += 1
        if self._listeners == 1:
            watch = self._watch.enter_context(self.core.watch())
            self._bump(Changed(all=True))
            self._beating = asyncio.get_running_loop().create_task(self._beat(watch), name="web pulse")
        try:
            yield
        finally:
            self._listeners -= 1
            if self._listeners == 0:
                self._stop()

    async def wait(self, version: int, seconds: float) -> Changed | None:
        """What changed after `version`, as soon as there is something; None after `seconds` without, or at the end."""
        if version == self.version and not self.closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._next.wait()
        return None if version == self.version else self.since(version)

    def since(self, version: int) -> Changed:
        """All changes after `version` in one."""
        behind = self.version - version
        if behind > len(self._kept):
            return Changed(all=True)
        merged = Changed()
        for change in list(self._kept)[len(self._kept) - behind :]:
            merged.devices |= change.devices
            merged.sites |= change.sites
            merged.incidents |= change.incidents
            merged.pending |= change.pending
            merged.hub |= change.hub
            merged.all |= change.all
        return merged

    async def shared(self, what: Hashable, bucket: int, drawing: Coroutine[object, object, _T]) -> _T:
        """What `drawing` gives, drawn once for all who ask for the same `what` in this step and time bucket."""
        if bucket != self._bucket:
            self._bucket = bucket
            self._drawn.clear()
        task = self._drawn.get(what)
        if task is None:
            task = asyncio.get_running_loop().create_task(drawing)
            self._drawn[what] = task
        else:
            drawing.close()
        return cast("_T", await asyncio.shield(task))  # one `what`, one type

    def close(self) -> None:
        """End every stream now."""
        self.closed = True
        self._next.set()

    def _stop(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
            self._beating = None
        self._watch.close()
        self._drawn.clear()

    async def _beat(self, watch: Watch) -> None:
        while True:
            try:
                change = await watch.changed()
            except Exception:  # noqa: BLE001 - one bad look never stops the pulse
                _log.exception("the hub's watch failed; open pages read everything anew")
                change = Changed(all=True)
                await asyncio.sleep(AGAIN_S)
            self._bump(change)
            await asyncio.sleep(STEP_S)

    def _bump(self, change: Changed) -> None:
        self.version += 1
        self._kept.append(change)
        self._drawn.clear()
        happened, self._next = self._next, asyncio.Event()
        happened.set()
