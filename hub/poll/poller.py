"""The poller: visits cameras as the wheel says, and tells what comes of it in the words of our contract."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from hub.poll.pace import Pace
from hub.poll.reading import reading
from hub.poll.wheel import SLOW_S, Bucket, Wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from hub.poll.reading import Found
    from hub.poll.rows import Row
    from hub.poll.wheel import Slot

log = logging.getLogger(__name__)

VISIT_S = 60.0
"""A visit that takes longer is broken off; its calls have deadlines of their own."""
LONGEST_NAP_S = 1.0
SHARE, BURST_S = 0.9, 0.5
"""Of a village's cap so much is given out, and so many seconds of it at a time: with both no minute is above it. The
rest is for what nobody counts here: TCP's and IP's own bytes (3 % of a picture), and what came before we hung up."""


class Unreachable(Exception):  # noqa: N818 - what the camera is
    """The camera does not answer at all; `code` says how (drivers.onvif.errors.Code)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Watch(Protocol):
    """One camera, with all that is remembered of it."""

    claim: dict[str, str]
    """Make, model and firmware as it told them last."""
    again: Callable[[float], None]
    """Given by the poller: a visit at this moment (s, monotonic) would show something new."""

    async def visit(self) -> Found:
        """Ask it everything that is due. Raises Unreachable, nothing else."""

    async def set_clock(self, *, manually: bool = False) -> str:
        """Set its clock; empty where it is right then, else what it said (`follows_ntp`: it was not set)."""

    async def try_default(self, model: str) -> str:
        """Show it its maker's default login, once; what came of it, as in hub.poll.points.RESULTS."""

    def set_reference(self, by: str) -> None:
        """The next picture shows how it should be, says this person."""

    def witness(self, of: str) -> None:
        """The next picture is kept as proof of this."""

    def look(self) -> None:
        """A picture is wanted at the next visit."""

    async def listen(self, changed: Callable[[], None]) -> None:
        """For ever: what it reports itself; `changed` is called when that is something new."""

    def close(self) -> None:
        """Give back what is open."""


@dataclass(slots=True)
class _Kept:
    row: Row
    watch: Watch
    seq: int = 0
    online: bool | None = None
    """What was said last; None: nothing yet."""
    task: asyncio.Task[None] | None = None
    listening: asyncio.Task[None] | None = None
    claim: dict[str, str] = field(default_factory=dict)


class Poller:
    """All cameras. `say` takes each message: keyword arguments as in hub.poll.rows."""

    def __init__(
        self,
        make: Callable[[Row, Bucket], Watch],
        say: Callable[..., None],
        *,
        village_kbit_s: float = 256.0,
        pace: Pace | None = None,
    ) -> None:
        self._make, self._say, self._pace = make, say, pace or Pace()
        self._rate = village_kbit_s * 1000 / 8
        self.boot = secrets.randbits(32)
        self.wheel = Wheel(random.Random())  # noqa: S311 - jitter
        self._kept: dict[str, _Kept] = {}
        self._buckets: dict[str, Bucket] = {}
        self._wake = asyncio.Event()

    # --- what it is told --------------------------------------------------------------------------------------

    def put(self, row: Row) -> None:
        """Follow a camera, or follow it as it is now."""
        before = self._kept.get(row.name)
        if before is not None and before.row == row:
            return
        if before is not None:
            _end(before)
        bucket = self._buckets.setdefault(row.realm, Bucket(self._rate * SHARE, self._rate * BURST_S))
        kept = _Kept(row, self._make(row, bucket))
        kept.watch.again = lambda at: self._again(row.name, at)
        if before is not None:
            kept.seq, kept.online = before.seq, before.online
        self._kept[row.name] = kept
        if row.events:
            kept.listening = asyncio.create_task(kept.watch.listen(lambda: self.hurry(row.name)))
        self.wheel.put(row.name, row.realm, row.interval_s, self._pace.mono())
        if before is not None:
            self.wheel.hurry(row.name, self._pace.mono())
        self._wake.set()

    def drop(self, name: str) -> None:
        """Follow it no more."""
        kept = self._kept.pop(name, None)
        self.wheel.drop(name)
        if kept is not None:
            if kept.task is not None:
                kept.task.cancel()
            _end(kept)

    def hurry(self, name: str) -> None:
        """Visit it as soon as there is room."""
        self._again(name, self._pace.mono())

    def look(self, name: str) -> None:
        """Visit it as soon as there is room, and fetch a picture."""
        if name in self._kept:
            self._kept[name].watch.look()
            self.hurry(name)

    def nudge(self, names: Collection[str]) -> None:
        """Their link fell, or stands again: visit them now."""
        self.wheel.nudge_these(names, self._pace.mono())
        self._wake.set()

    def _again(self, name: str, at: float) -> None:
        self.wheel.hurry(name, at)
        self._wake.set()

    def reference(self, name: str, by: str) -> None:
        """Its next picture shows how it should be; that one is fetched at once."""
        if name in self._kept:
            self._kept[name].watch.set_reference(by)
            self.hurry(name)

    def witness(self, name: str, of: str) -> None:
        """A picture is taken now, as proof of this."""
        if name in self._kept:
            self._kept[name].watch.witness(of)
            self.hurry(name)

    async def try_default(self, name: str, number: str, model: str) -> None:
        """Show a camera its maker's default login, once, and tell what came of it."""
        kept = self._kept.get(name)
        found = "away" if kept is None else await kept.watch.try_default(model)
        self._say(did={"id": number, "device": name, "result": "done", "detail": found})

    async def set_clock(self, name: str, number: str, *, manually: bool = False) -> None:
        """Set a camera's clock, and tell what came of it."""
        kept = self._kept.get(name)
        why = "not followed" if kept is None else await kept.watch.set_clock(manually=manually)
        self._say(did={"id": number, "device": name, "result": "failed" if why else "done", "detail": why})
        self.hurry(name)

    # --- what it does -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """For ever."""
        running: set[asyncio.Task[None]] = set()
        try:
            while True:
                now = self._pace.mono()
                for slot in self.wheel.take(now):
                    task = asyncio.create_task(self._visit(slot))
                    self._kept[slot.name].task = task
                    running.add(task)
                    task.add_done_callback(running.discard)
                due = self.wheel.next_at()
                nap = LONGEST_NAP_S if due is None else max(0.0, due - self._pace.mono()) / self._pace.rate
                self._wake.clear()
                try:
                    async with asyncio.timeout(min(LONGEST_NAP_S, nap)):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        finally:
            for task in running:
                task.cancel()
            for kept in self._kept.values():
                _end(kept)

    async def _visit(self, slot: Slot) -> None:
        kept = self._kept[slot.name]
        found: Found | None = None
        code = ""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(VISIT_S):
                found = await kept.watch.visit()
        except Unreachable as e:
            code = e.code
        except TimeoutError:
            code = "timeout"
        except Exception:  # our own fault: said, and no camera is called dead for it
            log.exception("visiting %s failed", slot.name)
            code = "hub"
        finally:
            answered, slow = found is not None or code in ("", "hub"), time.monotonic() - begun > SLOW_S
            self.wheel.done(slot, self._pace.mono(), answered=answered, slow=slow)
            self._wake.set()
        if self._kept.get(slot.name) is not kept:
            return
        self._say(tried={
            "device": slot.name, "at": round(self._pace.now() * 1000), "code": code, "failures": slot.failures,
        })  # fmt: skip
        if found is not None:
            self._tell(kept, found)
        elif code != "hub" and slot.unreachable and kept.online is not False:
            boot = self.boot if kept.online else kept.row.boot
            kept.online = False
            if boot is not None:  # else nobody has ever heard of it
                self._message(kept, "state", {"online": False, "boot": boot, "why": code})

    def _tell(self, kept: _Kept, found: Found) -> None:
        claim = dict(kept.watch.claim)
        if kept.online is not True or claim != kept.claim:
            kept.online, kept.claim = True, claim
            model = " ".join(w for w in (claim.get("make", ""), claim.get("model", "")) if w)
            said = {
                "online": True,
                **self._head(kept),
                "model": model[:200],
                "firmware": claim.get("firmware", ""),
            }
            self._message(kept, "state", said)
        self._message(kept, "telemetry", {**self._head(kept), **reading(found)})

    def _head(self, kept: _Kept) -> dict[str, Any]:
        kept.seq += 1
        return {"boot": self.boot, "seq": kept.seq, "ts": round(self._pace.now(), 3)}

    def _message(self, kept: _Kept, channel: str, body: dict[str, Any]) -> None:
        self._say(say=[kept.row.name, channel, body])


def _end(kept: _Kept) -> None:
    """Its subscription is given back, its connection closed."""
    if kept.listening is not None:
        kept.listening.cancel()
    kept.watch.close()
