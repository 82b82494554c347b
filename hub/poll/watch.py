"""One camera, visited: its clock without a login, then the login, whether it records, and a picture where one is due.

Polite: one connection, a picture only as often as was asked for and as the village's uplink allows; after a refused
login the password is not tried again for a quarter of an hour, then more and more rarely.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.onvif import CameraError, Code, NoConnection, is_default, most_in
from hub.poll.alarms import Alarms
from hub.poll.budget import Budget
from hub.poll.looks import Looks
from hub.poll.patience import FULL_AGAIN_S, LOGIN_AGAIN_S, Patience
from hub.poll.points import Points, try_default
from hub.poll.poller import Unreachable
from hub.poll.reading import ANSWER_CODES, LOGIN_CODES, Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.onvif import Camera
    from hub.poll.looks import Eye
    from hub.poll.pace import Pace
    from hub.poll.rows import Row
    from hub.poll.shelf import Shelf
    from hub.poll.wheel import Bucket

NTP = "NTP"
"""What a clock says that follows a time server."""
CLOCK_SET_S = 2.0
"""A clock that was set may be off by so much: it tells whole seconds."""
NEARLY = 0.1
"""A picture that is due within this share of its interval comes with this visit."""
KNOCK_S = 3.0
PATIENCE_S = 2.0
"""A visit waits so long for a picture that is on its way; else the next one tells of it."""
CARRIED_S = 3.0
"""There is one connection: a visit waits so long for a picture that is being carried over it, then that is its sign."""
PICTURE_MOST_S = 240.0
"""A picture that an uplink cannot carry in so long is given up: 4 MB take half of it."""
FRUITLESS = 10
"""A picture that did not come is not fetched again before so many times as long as it held the uplink for nothing."""
OWES_S = 10.0
"""A visit waits so long at most where its village's uplink is behind."""


class Watch:
    """Meets hub.poll.poller.Watch."""

    def __init__(
        self,
        row: Row,
        bucket: Bucket,
        shelf: Shelf,
        camera: Camera,
        eye: Eye,
        masked: Callable[[bytes], bytes],
        pace: Pace,
    ) -> None:
        self.row, self.claim = row, dict[str, str]()
        self.again: Callable[[float], None] = lambda _at: None
        self._bucket, self._camera, self._pace = bucket, camera, pace
        self._looks = Looks(row, eye, shelf, masked, pace)
        self._fetching: asyncio.Task[None] | None = None
        self._carrying = False
        self._before: Found | None = None
        self._visited = False
        self._login: str = ""
        self._refusal: CameraError | None = None
        self._points = Points(camera)
        self._login_rest, self._stream_rest, self._picture_rest = Patience(), Patience(), Patience()
        self._alarms = Alarms(camera, pace)
        self._budget = Budget(camera.cost, row.interval_s)
        camera.cost.carried = self._carried

    def close(self) -> None:
        """Give the connection back."""
        if self._fetching is not None:
            self._fetching.cancel()
        self._camera.rest()

    def set_reference(self, by: str) -> None:
        """The next picture shows how it should be; it is due now."""
        self._looks.set_reference(by)

    def witness(self, of: str) -> None:
        """The next picture, which is due now, is kept as proof of this."""
        self._looks.witness(of)

    def look(self) -> None:
        """A picture at the next visit, unless the last one has just come."""
        self._looks.want_another()

    async def set_clock(self, *, manually: bool = False) -> str:
        """Set its clock to ours; empty where it is right then.

        `follows_ntp` and its servers, and nothing was set, where it follows a time server: that would go on setting it,
        or stop doing so for good. With `manually` it is set all the same.
        """
        try:
            if not manually and (await self._camera.clock()).sync == NTP:
                return " ".join(("follows_ntp", *await self._time_servers()))
            clock = await self._camera.set_clock(self._pace.now())
        except CameraError as e:
            return e.code.value
        off = clock.drift_s
        return "" if off is not None and abs(off) <= CLOCK_SET_S else "it keeps another time"

    async def _time_servers(self) -> tuple[str, ...]:
        try:
            return await self._camera.time_servers()
        except CameraError:
            return ()  # it need not tell which

    async def try_default(self, model: str) -> str:
        """Show it its maker's default login, once; what came of it, as in hub.poll.points.RESULTS."""
        return "locked" if self._login == "loginLocked" else await try_default(self._camera, model)

    async def listen(self, changed: Callable[[], None]) -> None:
        """For ever: its own alarms. When one begins or ends its picture is due, and `changed` is called."""

        def look() -> None:
            self._looks.want()
            changed()

        await self._alarms.listen(look)

    # --- a visit ----------------------------------------------------------------------------------------------

    async def visit(self) -> Found:
        """Ask it everything that is due. Raises Unreachable."""
        self._visited = True
        try:
            return await self._visit()
        finally:
            self._visited = False

    async def _visit(self) -> Found:
        if self._fetching is not None and self._carrying:
            before = self._camera.cost.bytes_in
            await asyncio.wait({self._fetching}, timeout=CARRIED_S)
            if not self._fetching.done() and self._before is not None:
                if self._camera.cost.bytes_in == before:  # the picture waits for room, or the camera is gone
                    await self._knock(Code.TIMEOUT)
                return self._as_before(self._before)  # nothing else can be asked of it meanwhile
        if self._before is not None and self._budget.spent(self._pace.mono()):
            await self._knock(Code.TIMEOUT)
            return self._as_before(self._before)
        await self._pace.sleep(min(OWES_S, self._bucket.wait(self._pace.mono())))
        begun = time.monotonic()
        found = Found(0.0)
        try:
            clock = await self._camera.clock()
            found.clock_off_s = clock.drift_s
            found.clock_ntp = clock.sync == NTP if clock.sync else None
        except CameraError as e:
            await self._reachable(e)
            self._blame(found, e)
        found.answer_ms = (time.monotonic() - begun) * 1000
        if not found.faults:
            await self._ask(found)
            await self._look(found)
        self._points.tell(found)
        self._before = found
        return self._as_before(found)

    def _as_before(self, before: Found) -> Found:
        """What a visit found, with what its pictures and its own alarms say now."""
        found = replace(before, faults=list(before.faults), suspected=[])
        self._looks.tell(found, self._alarms.active)
        found.requests_h, found.traffic_kb = self._budget.hour(self._pace.mono())
        return found

    async def _reachable(self, e: CameraError) -> None:
        """Whether it is there, though it did not answer as it should. Raises Unreachable."""
        if isinstance(e, NoConnection) or e.code in (Code.REFUSED, Code.NO_ROUTE, Code.NO_SUCH_HOST):
            raise Unreachable(e.code.value)
        if e.code in (Code.TIMEOUT, Code.RESET):
            await self._knock(e.code)

    async def _knock(self, code: Code) -> None:
        """Whether it takes a connection. Raises Unreachable with this code."""
        target = self._camera.target
        try:
            async with asyncio.timeout(KNOCK_S):
                _, writer = await asyncio.open_connection(target.host, target.port)
        except (OSError, TimeoutError) as e:
            raise Unreachable(code.value) from e
        writer.close()

    async def _ask(self, found: Found) -> None:
        """What needs the login."""
        if self._login_rest.waits(self._pace.mono()):
            self._refused(found)
            return
        if self._login_rest.tried:
            self._camera.login.forgive()
        try:
            self._afford()
            said = await self._camera.information()
            self.claim = {"make": said.make, "model": said.model, "firmware": said.firmware}
            found.login, self._login = True, ""
            self._login_rest.accepted()
            if is_default(said.make, self.row.username, self.row.password):
                found.faults.append("defaultPassword")
            self._afford()
            found.recording = await self._records()
            self._afford()
            await self._stream(found)
            self._afford()
            await self._points.look(self._pace.mono())
        except CameraError as e:
            self._blame(found, e)

    async def _records(self) -> bool | None:
        try:
            return (await self._camera.recording()).answer
        except CameraError as e:
            if e.code.value in LOGIN_CODES:
                raise
            return None

    async def _stream(self, found: Found) -> None:
        """Whether its main stream can be opened, and by everybody. It may have a list of passwords of its own."""
        if self._stream_rest.waits(self._pace.mono()):
            found.faults.append("streamRefused")
            return
        if self._stream_rest.tried:
            self._camera.login.stream.forgive()
        try:
            stream = await self._camera.stream()
        except CameraError as e:
            refused = e.code in (Code.LOGIN_REFUSED, Code.LOGIN_PLAIN)
            self._points.stream_open = False if refused else None
            if e.code.value in LOGIN_CODES:
                self._stream_rest.refused(self._pace.mono())
            if e.code is not Code.NO_SUCH_SERVICE:
                found.faults.append("streamRefused")
            return
        self._stream_rest.accepted()
        self._points.stream_open = stream.open

    def _blame(self, found: Found, e: CameraError) -> None:
        """What a camera that is there did wrong."""
        code = LOGIN_CODES.get(e.code.value)
        if code is not None and not self.row.username:
            return  # nobody said as whom to come: whether a login works cannot be told
        if code is not None:
            waits = FULL_AGAIN_S if code == "loginFull" else LOGIN_AGAIN_S
            self._login_rest.refused(self._pace.mono(), waits)
            self._login, self._refusal = code, e
            self._refused(found)
        else:
            found.faults.append(ANSWER_CODES.get(e.code.value, "answersGarbled"))
            _explain(found, e)

    def _refused(self, found: Found) -> None:
        """The login is, or was and is not tried again yet."""
        found.login = False
        found.faults.append(self._login)
        if self._refusal is not None:
            _explain(found, self._refusal)

    # --- its picture ------------------------------------------------------------------------------------------

    async def _look(self, found: Found) -> None:
        self._collect()
        now = self._pace.mono()
        near = self.row.interval_s * NEARLY
        due = now >= self._looks.due - near and found.login is not False and not self._picture_rest.waits(now)
        if self._fetching is None and due:
            self._fetching = asyncio.create_task(self._fetch_in_turn())
            await asyncio.sleep(0)
        task = self._fetching
        if task is not None:
            if self._carrying:
                await asyncio.wait({task}, timeout=PATIENCE_S)  # a visit is not held up for the uplink
            self._collect()

    def _collect(self) -> None:
        """The next picture may begin once the last one is done."""
        task = self._fetching
        if task is not None and task.done():
            self._fetching = None
            task.result()

    async def _fetch_in_turn(self) -> None:
        """One picture of a village at a time, when its uplink has room."""
        async with self._bucket.turn:
            await self._room()
            begun, before = self._pace.mono(), self._looks.news
            self._looks.due = begun + self.row.picture_s
            came = False
            try:
                async with asyncio.timeout(PICTURE_MOST_S):
                    came = await self._fetch()
            except TimeoutError:
                self._looks.failed("noPicture", again=False)
            finally:
                self._carrying = False
            now = self._pace.mono()
            if not came:
                self._looks.due = max(self._looks.due, now + FRUITLESS * (now - begun))
            if self._looks.suspect:
                self.again(self._looks.due)
            if not self._visited and before != self._looks.news:
                self.again(now)  # nobody waited for it, and there is something to tell

    async def _room(self) -> None:
        """Wait until the village's uplink has room for more of a picture."""
        await self._pace.sleep(self._bucket.wait(self._pace.mono()))

    async def _fetch(self) -> bool:
        """Whether a picture came."""
        self._carrying = True
        try:
            jpeg = await self._picture()
        except CameraError as e:
            if e.code.value in LOGIN_CODES and not self.row.username:
                return False
            refused = e.code in (Code.LOGIN_REFUSED, Code.LOGIN_LOCKED)
            if refused:
                self._picture_rest.refused(self._pace.mono())
            plain = e.code is Code.LOGIN_PLAIN
            self._looks.failed("picturePlain" if plain else "noPicture", again=not refused and not plain)
            return False
        self._carrying = False
        self._picture_rest.accepted()
        self._looks.take(jpeg)
        return True

    async def _picture(self) -> bytes:
        """A snapshot, or a key frame of the stream where there is none, or only for a password in plain words."""
        if self._picture_rest.tried:
            self._camera.login.picture.forgive()
        try:
            return await self._camera.snapshot(self._room)
        except CameraError as e:
            other_way = e.code in (Code.NO_SUCH_SERVICE, Code.LOGIN_PLAIN)
            if not other_way or self._stream_rest.waits(self._pace.mono()):
                raise
            try:
                return await self._camera.key_frame(self._room)
            except CameraError as other:
                raise e from other

    # --- what it costs ----------------------------------------------------------------------------------------

    def _afford(self) -> None:
        """Raises CameraError where it poured out too much already."""
        if self._budget.spent(self._pace.mono()):
            raise CameraError(Code.TOO_LARGE, "more than its budget")

    def _carried(self, size: int) -> None:
        now = self._pace.mono()
        self._bucket.take(size, now)
        if not self._carrying:
            self._budget.take(size, now)


def _explain(found: Found, e: CameraError) -> None:
    """By what it was told."""
    if e.evidence:
        found.evidence.append(e.evidence)
    found.said = e.words
    if e.evidence == "saysFull":
        found.connections_most = most_in(e.words)
