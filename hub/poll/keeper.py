"""The keeper of a poller, in hub and agent: starts its process, tells it what to ask, hands on what it says."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from devices.lifecycle import Lifecycle
from drivers import ASKING
from hub.poll.rows import Row, line
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from devices.device import Device
    from hub.track import Track

log = logging.getLogger(__name__)

AGAIN_S = (0.5, 2.0, 10.0, 60.0)
"""Waits before a poller that died is started again; one that lived for a minute begins anew."""
FAILED_S = 30.0
"""Without a poller for so long is a fault of the hub."""
CLOCK_S = 60.0
LIMIT = 2**20
BATCH = 200
ASKED_LIVES = (Lifecycle.PLANNED, Lifecycle.ACTIVE, Lifecycle.MAINTENANCE)


@dataclass(frozen=True, slots=True)
class Tried:
    """The last visit: when (ms), how it failed (empty: it answered), and how often in a row."""

    at: int
    code: str
    failures: int


class Said(NamedTuple):
    """One message of our contract."""

    device: str
    channel: str
    body: dict[str, Any]


@dataclass(slots=True)
class Keeper:
    """Lives on the event loop. `rows` gives what is to be asked; `take` stores what was said, and the pictures told of.

    What `take` refuses (Refused) is said anew at the next visit.
    """

    settings: Mapping[str, Any]
    rows: Callable[[], dict[str, Row]]
    take: Callable[[Sequence[Said], Sequence[dict[str, Any]]], Awaitable[None]]
    now: Callable[[], int]
    rate: float = 1.0
    tried: dict[str, Tried] = field(default_factory=dict)
    _told: dict[str, Row] = field(default_factory=dict)
    _process: asyncio.subprocess.Process | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _down_since: float | None = None
    _orders: dict[str, asyncio.Future[str]] = field(default_factory=dict)

    def troubles(self) -> tuple[str, ...]:
        """Fault codes for the hub's own device."""
        down = self._down_since
        return ("poller_failed",) if down is not None and time.monotonic() - down >= FAILED_S else ()

    def changed(self) -> None:
        """The registry or a password changed."""
        self._changed.set()

    # --- what people ask for ----------------------------------------------------------------------------------

    def hurry(self, name: str) -> None:
        """Visit a camera now. Raises Refused: not_asked, poller_away."""
        self._order(name, hurry=name)

    def nudge(self, names: Sequence[str]) -> None:
        """The link of these fell, or stands again: visit them now. Those that others ask are left out."""
        mine = [name for name in names if name in self._told]
        if mine:
            self._write(nudge=mine)

    def reference(self, name: str, by: str) -> None:
        """Its next picture shows how it should be, says `by`. Raises Refused."""
        self._order(name, reference=name, by=by)

    def witness(self, name: str, of: str) -> None:
        """Take a picture now, as proof of this. Raises Refused."""
        self._order(name, witness=name, of=of)

    async def set_clock(self, name: str, *, manually: bool = False, patience_s: float = 30.0) -> str:
        """Set a camera's clock; empty where it is right then, else what went wrong.

        `follows_ntp` and its servers: nothing was set, since it was not to be done `manually`. Raises Refused.
        """
        return await self._ordered(name, patience_s, set_clock=name, manually=manually)

    async def try_default(self, name: str, model: str, patience_s: float = 40.0) -> str:
        """Show a camera its maker's default login, once; what came of it (hub.poll.points.RESULTS). Raises Refused."""
        return await self._ordered(name, patience_s, try_default=name, model=model)

    async def _ordered(self, name: str, patience_s: float, **said: Any) -> str:
        number = f"{name}-{self.now()}"
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._orders[number] = done
        try:
            self._order(name, **said, id=number)
            async with asyncio.timeout(patience_s):
                return await done
        except TimeoutError:
            return "timeout"
        finally:
            self._orders.pop(number, None)

    def _order(self, name: str, **said: Any) -> None:
        if name not in self._told:
            raise Refused("not_asked", name=name)
        if self._process is None:
            raise Refused("poller_away")
        self._write(**said)

    def _write(self, **said: Any) -> None:
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(line(**said))

    # --- its life ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep a poller as long as there is something to ask, for ever."""
        deaths = 0
        while True:
            begun = time.monotonic()
            try:
                if not self.rows():
                    self._down_since = None
                    self._changed.clear()
                    await self._changed.wait()
                    continue
                await self._live()
            except (OSError, ValueError, sqlite3.Error):  # a line that is none, too: nothing ends the keeper
                log.exception("the poller cannot be kept")
            if self._down_since is None:
                self._down_since = time.monotonic()
            deaths = 0 if time.monotonic() - begun > AGAIN_S[-1] else deaths + 1
            log.error("the poller ended; another one is started")
            await asyncio.sleep(AGAIN_S[min(deaths, len(AGAIN_S)) - 1] if deaths else AGAIN_S[0])

    async def _live(self) -> None:
        said = json.dumps(dict(self.settings))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub.poll.process", said,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LIMIT,
        )  # fmt: skip
        self._process, self._told = process, {}
        self._changed.set()
        telling: list[asyncio.Task[None]] = [
            asyncio.create_task(self._tell_time()),
            asyncio.create_task(self._tell()),
        ]
        try:
            hearing = asyncio.create_task(self._hear(process))
            telling.append(hearing)
            done, _ = await asyncio.wait(telling, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._process = None
            for task in telling:
                task.cancel()
            if process.stdin is not None:
                process.stdin.close()
            if process.returncode is None:
                process.kill()
                await process.wait()
            await asyncio.gather(*telling, return_exceptions=True)

    def tell_time(self) -> None:
        """What time it is: it may be simulated, and the machine's may be set."""
        self._write(clock=self.now(), mono=time.monotonic(), rate=self.rate)

    async def _tell_time(self) -> None:
        while True:
            self.tell_time()
            await asyncio.sleep(CLOCK_S)

    async def _tell(self) -> None:
        """Tell what is to be asked, whenever that changes."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            wanted = self.rows()
            for name in self._told.keys() - wanted.keys():
                self._write(drop=name)
                self.tried.pop(name, None)
            for name, row in wanted.items():
                before = self._told.get(name)
                if before is None or _same(before) != _same(row):
                    self._write(put=row.to_json())
            self._told = wanted
            if self._process is not None and self._process.stdin is not None:
                await self._process.stdin.drain()

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        messages: list[Said] = []
        pictures: list[dict[str, Any]] = []
        while text := await process.stdout.readline():
            self._down_since = None
            match json.loads(text):
                case {"say": [str(name), str(channel), dict(body)]}:
                    messages.append(Said(name, channel, body))
                case {"picture": dict(told)}:
                    pictures.append(told)
                case {"tried": {"device": str(name), "at": int(at), "code": str(code), "failures": int(n)}}:
                    self.tried[name] = Tried(at, code, n)
                case {"did": {"id": str(number), "detail": str(why)}}:
                    done = self._orders.get(number)
                    if done is not None and not done.done():
                        done.set_result(why)
            if (messages or pictures) and (len(messages) >= BATCH or not _more(process.stdout)):
                await self._take(messages, pictures)
                messages, pictures = [], []

    async def _take(self, messages: Sequence[Said], pictures: Sequence[dict[str, Any]]) -> None:
        try:
            await self.take(messages, pictures)
        except Refused as e:
            log.warning("what the poller said could not be stored: %s", e.code)


def _same(row: Row) -> Row:
    """Without what changes by itself."""
    return Row.from_json(row.to_json() | {"boot": None})


def _more(stream: asyncio.StreamReader) -> bool:
    """True where another line waits."""
    return bool(stream._buffer)  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio does not say otherwise


def rows_of(
    devices: Mapping[str, Device], tracks: Mapping[str, Track], password: Callable[[str], str],
    options: Callable[[str], Mapping[str, Any]], wanted: Callable[[str], bool] = lambda _: True,
) -> dict[str, Row]:  # fmt: skip
    """What is to be asked in `wanted` realms. A channel of a recorder is asked where the recorder is."""
    found = {}
    for name, device in devices.items():
        track = tracks.get(name)
        if (
            device.driver not in ASKING
            or not wanted(device.realm)
            or track is None
            or track.lifecycle not in ASKED_LIVES
        ):
            continue
        recorder = devices.get(device.nvr or "")
        own = bool(device.address) or recorder is None
        url = device.address if own or recorder is None else recorder.address
        if not url:
            continue
        login = device.login or (recorder.login if recorder is not None else "")
        owner = name if device.login or recorder is None else recorder.name
        found[name] = Row(
            name, device.realm, device.interval_s, url, login, password(owner) if login else "", track.boot,
            device.channel or 1, **options(name),
        )  # fmt: skip
    return found
