"""InfluxDB as a follower of the journal: a thread of its own, at its own pace, with a cursor in the store.

Nothing waits for it. While the server is away or too slow the cursor stands; later the thread catches up in the
journal's order. A point that the server refuses is searched for by halving, written with the reason into
`influxdb.refused` in the data folder, counted, and passed. A batch may be written twice (after a kill, after a
timeout): same series and time, so nothing changes.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from concurrent.futures import TimeoutError as Late
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import HTTPError

from hub.history import cursor, journal
from hub.history.lines import Lines
from hub.views import InfluxView, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from devices.device import Device
    from hub.settings import InfluxSettings
    from hub.store.writer import Writes

log = logging.getLogger(__name__)

NAME = "influxdb"
BATCH = 5000
"""Journal rows a step."""
EVERY_S = 1.0
"""Pause where the journal has nothing new."""
TIMEOUT_S = 10.0
RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)
AWAY_S = 30.0
"""Failing for so long is a fault of the hub."""
BEHIND = 100_000
"""So many rows behind are a fault of the hub."""
RECENT_MS = 3_600_000
"""A refused point is a fault for so long."""
KEPT_BYTES = 1_000_000
"""What `influxdb.refused` may grow to before it begins anew."""
_POINT_REFUSED = frozenset({400, 413, 422})


class Away(Exception):  # noqa: N818 - the state of the server
    """The server did not take the batch, and nothing of it is to blame."""


class PointRefused(Exception):  # noqa: N818 - what happened
    """The server refused something in the batch."""


class Server:
    """The client's WriteApi, and its errors in our words. For one thread."""

    def __init__(self, settings: InfluxSettings, timeout_s: float = TIMEOUT_S) -> None:
        # 0.5 s at import, needed only where InfluxDB is
        from influxdb_client.client.influxdb_client import InfluxDBClient  # noqa: PLC0415
        from influxdb_client.client.write_api import SYNCHRONOUS  # noqa: PLC0415

        self._client: Any = InfluxDBClient(
            settings.url, token=settings.secret(), org=settings.org, timeout=round(timeout_s * 1000)
        )
        self._api: Any = self._client.write_api(write_options=SYNCHRONOUS)
        self._bucket = settings.bucket

    def write(self, lines: Sequence[str]) -> None:
        """Write lines in one request. Raises Away, PointRefused."""
        from influxdb_client.client.exceptions import InfluxDBError  # noqa: PLC0415

        try:
            self._api.write(self._bucket, record="\n".join(lines), write_precision="ms")
        except InfluxDBError as e:
            said = str(getattr(e, "message", "") or getattr(e, "body", "") or e)[:200]
            status = getattr(e, "status", None) or getattr(e.response, "status", None)
            if status in _POINT_REFUSED:
                raise PointRefused(said) from e
            raise Away(f"HTTP {status}: {said}") from e
        except (HTTPError, OSError) as e:
            raise Away(_short(e)) from e

    def close(self) -> None:
        """End its connections."""
        self._api.close()
        self._client.close()


def _short(error: Exception) -> str:
    """What a network error says, without the objects it went through."""
    return str(error).rpartition("): ")[2].rpartition("connection: ")[2][:200] or type(error).__name__


@dataclass(slots=True)
class _Trouble:
    since: float
    tries: int


class Influx:
    """The follower. Pages read `view` and `troubles` from any thread."""

    def __init__(  # noqa: PLR0913 - the composition root names them all
        self,
        *,
        settings: InfluxSettings,
        path: Path,
        devices: Callable[[], Mapping[int, Device]],
        submit: Callable[[Callable[[Writes], Any]], Future[Any]],
        now: Callable[[], int],
        away_s: float = AWAY_S,
        timeout_s: float = TIMEOUT_S,
        retry_s: Sequence[float] = RETRY_S,
    ) -> None:
        self._settings, self._path, self._devices, self._submit, self._now = (
            settings, path, devices, submit, now,
        )  # fmt: skip
        self._away_s, self._timeout_s, self._retry_s = away_s, timeout_s, retry_s
        self._lines = Lines()
        self._stop = threading.Event()
        self._failing: _Trouble | None = None
        self.pos = 0
        self.view = InfluxView(url=settings.url)
        self.thread = threading.Thread(target=self._run, name=NAME, daemon=True)

    def start(self) -> None:
        """Go on at the cursor."""
        self.thread.start()

    def stop(self) -> None:
        """End after the request that is under way."""
        self._stop.set()
        if self.thread.ident is not None:
            self.thread.join(self._timeout_s + 5)

    def troubles(self) -> tuple[str, ...]:
        """Fault codes for the hub's own device."""
        view, found, failing = self.view, [], self._failing
        if failing is not None and time.monotonic() - failing.since >= self._away_s:
            found.append("influxdb_away")
        if view.behind >= BEHIND:
            found.append("influxdb_behind")
        if view.refused_at is not None and self._now() - view.refused_at < RECENT_MS:
            found.append("influxdb_refused")
        return tuple(found)

    # --- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        server = Server(self._settings, self._timeout_s)
        try:
            self.pos = cursor.read(self._path, NAME)
            while not self._stop.is_set():
                self._stop.wait(self._turn(server))
        finally:
            server.close()

    def _turn(self, server: Server) -> float:
        """One step; how long to rest after it."""
        try:
            moved = self.step(server.write)
        except (Away, sqlite3.Error) as e:
            return self._failed(str(e))
        except Exception as e:  # a follower that ends would be forgotten
            log.exception("InfluxDB: a step failed")
            return self._failed(str(e))
        self._failing = None
        if not self.view.up:
            log.info("InfluxDB takes points again")
        self.view = replace(self.view, up=True, why="")
        return 0.0 if moved >= BATCH else EVERY_S

    def _failed(self, why: str) -> float:
        if self._failing is None:
            self._failing = _Trouble(time.monotonic(), 0)
            log.warning("InfluxDB does not take points: %s", why)
        rest = self._retry_s[min(self._failing.tries, len(self._retry_s) - 1)]
        self._failing.tries += 1
        try:
            behind = max(0, span(self._path)[1] - self.pos)
        except sqlite3.Error:
            behind = self.view.behind
        self.view = replace(self.view, up=False, why=why, behind=behind)
        return rest

    def step(self, write: Callable[[Sequence[str]], None]) -> int:
        """Write what comes next in the journal, move the cursor; how many rows it moved. Raises Away, sqlite3.Error."""
        first, last = span(self._path)
        if first > self.pos + 1:  # what it had not come to was trimmed
            missed = first - 1 - self.pos if self.pos else 0
            self.pos = first - 1
            self.view = replace(self.view, missed=self.view.missed + missed)
        if last <= self.pos:
            self.view = replace(self.view, behind=0)
            return 0
        devices = self._devices()  # after `last` was read: whose rows come up to there is among them
        rows, reached = journal.read(self._path, self.pos, min(BATCH, last - self.pos), devices)
        lines = [t for r in rows if (t := self._lines.of(devices[r.device], r.values, r.at))]
        if lines:
            self._put(write, lines)
        moved, self.pos = reached - self.pos, reached
        self.view = replace(self.view, written=self.view.written + len(lines), behind=max(0, last - reached))
        self._store_cursor()
        return moved

    def _put(self, write: Callable[[Sequence[str]], None], lines: Sequence[str]) -> None:
        """Write lines in order; what is refused is halved until the one that is to blame stands alone."""
        if self._stop.is_set():
            raise Away("the hub stops")
        try:
            write(lines)
        except PointRefused as e:
            if len(lines) == 1:
                self._set_aside(lines[0], str(e))
                return
            half = len(lines) // 2
            self._put(write, lines[:half])
            self._put(write, lines[half:])

    def _set_aside(self, text: str, why: str) -> None:
        view = self.view
        self.view = replace(
            view, written=view.written - 1, refused=view.refused + 1, refused_at=self._now(), refused_why=why
        )
        log.warning("InfluxDB refused a point: %s: %s", why, text[:200])
        path = self._path.with_name("influxdb.refused")
        try:
            full = path.exists() and path.stat().st_size > KEPT_BYTES
            with path.open("w" if full else "a", encoding="utf-8") as f:
                f.write(f"# {' '.join(why.split())}\n{text}\n")
        except OSError:
            log.exception("a refused point could not be set aside")

    def _store_cursor(self) -> None:
        pos = self.pos
        try:
            self._submit(lambda writes: cursor.move(writes, NAME, pos)).result(TIMEOUT_S)
        except (
            Refused,
            Late,
        ):  # the disk is full, or the hub stops: the next one stores it, or it is written twice
            log.debug("the cursor of InfluxDB waits")


def span(path: Path) -> tuple[int, int]:
    """The journal's first and last position, 0 where it is empty. Raises sqlite3.Error."""
    sql = "SELECT coalesce((SELECT min(pos) FROM journal), 0), coalesce((SELECT max(pos) FROM journal), 0)"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        first, last = db.execute(sql).fetchone()
    return int(first), int(last)
