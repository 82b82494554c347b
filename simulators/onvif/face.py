"""Network faces of simulated cameras: for each its own address, with a port for HTTP and one for RTSP.

A face is shown as the world wants it: open; `refused`, where nothing listens; or `unanswered`, where not even a
connection comes about, as behind a router without power. That is made by a listening queue that is full.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

from simulators.chance import dice
from simulators.errors import UserError
from simulators.onvif import http, rtsp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulators.onvif.camera import Camera
    from simulators.onvif.talk import Talk
    from simulators.outbox import Message

BACKLOG = 16
IDLE_S = 75.0
"""A camera ends connections over which nothing was asked for so long."""
MOST_TALKS = 64
"""Connections to a camera at most; the next are closed at once."""
SWEEP_S = 5.0
"""So often connections that nobody uses are looked for; one timer for all cameras."""


class Faces:
    """All cameras' faces of one process."""

    def __init__(self) -> None:
        self.faces: list[Face] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, camera: Camera) -> Face:
        """The face of a camera, not yet shown."""
        face = Face(camera)
        self.faces.append(face)
        return face

    def carried(self) -> dict[str, int]:
        """Bytes carried to and from each village's cameras so far, by the first three numbers of their addresses."""
        sums: dict[str, int] = {}
        for face in self.faces:
            village = face.camera.host.rpartition(".")[0]
            mine = face.camera.carried + sum(talk.carried() for talk in face.talks)
            sums[village] = sums.get(village, 0) + mine
        return sums

    def there(self) -> list[Camera]:
        """Cameras that would answer."""
        return [face.camera for face in self.faces if face.listens]

    def start(self) -> None:
        """Starts the one timer."""
        loop = asyncio.get_running_loop()
        for face in self.faces:
            for talk in [t for t in face.talks if not t.mute and loop.time() - t.heard > IDLE_S]:
                talk.leave()
        self._timer = loop.call_later(SWEEP_S, self.start)

    def stop(self) -> None:
        """Takes all faces down."""
        if self._timer:
            self._timer.cancel()
        for face in self.faces:
            face.refuse()


class Face:
    """One camera's two ports; meets outbox.Port, so that the world opens and drops it as it does links to a broker."""

    __slots__ = ("_dead_ends", "_listening", "camera", "hear", "hello", "talks", "wants")

    waiting = 0

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.talks: list[Talk] = []
        self.hello: Callable[[], Sequence[Message]] = tuple
        self.hear: Callable[[str, bytes], None] = lambda _, __: None
        self.wants = ""
        self._listening: list[socket.socket] = []
        self._dead_ends: list[socket.socket] = []

    @property
    def listens(self) -> bool:
        """False while it is off, dead or cut off."""
        return bool(self._listening)

    # ------------------------------------------------------------ what the world asks

    def open(self, will: Message) -> None:  # noqa: ARG002 - a camera that is asked has no will
        """Listens; connections from before a restart are reset. Raises UserError where it cannot."""
        self.refuse()
        loop = asyncio.get_running_loop()
        for port, make in self._ports():
            listening = _listen(self.camera.host, port, BACKLOG)
            self._listening.append(listening)
            loop.add_reader(listening, self._accept, listening, make)

    def drop(self, *, power_lost: bool) -> None:  # noqa: ARG002
        """Nobody is there any more: refused at once by half of the cameras that died, else never answered."""
        if "silent" in self.camera.faults and dice(self.camera.seed, 809) < 0.5:  # noqa: PLR2004 - one half
            self.refuse()
        else:
            self._go_dark()

    def close(self, goodbye: Message | None) -> None:  # noqa: ARG002
        """The end."""
        self.refuse()

    def send(self, message: Message) -> None:  # noqa: ARG002 - it says nothing by itself
        """It was stepped, so something may have changed."""
        self.camera.notice()

    # ------------------------------------------------------------ sockets

    def refuse(self) -> None:
        """Nothing listens; what is open is reset."""
        self._unlisten()
        for talk in list(self.talks):
            talk.reset()
        self.talks.clear()

    def _go_dark(self) -> None:
        """New connections come to nothing, and what is open stays without answers."""
        self._unlisten()
        for talk in self.talks:
            talk.mute = True
        for port, _ in self._ports():
            dead_end = _listen(self.camera.host, port, 0)
            filler = socket.socket()  # fills the queue of one
            filler.setblocking(False)
            filler.connect_ex((self.camera.host, port))
            self._dead_ends += [dead_end, filler]

    def _unlisten(self) -> None:
        loop = asyncio.get_running_loop()
        for listening in self._listening:
            loop.remove_reader(listening)
        for s in (*self._listening, *self._dead_ends):
            s.close()
        self._listening, self._dead_ends = [], []

    def _ports(self) -> tuple[tuple[int, type[Talk]], ...]:
        return (self.camera.port, http.HttpTalk), (self.camera.rtsp_port, rtsp.RtspTalk)

    def _accept(self, listening: socket.socket, make: type[Talk]) -> None:
        with contextlib.suppress(OSError):
            connected, _ = listening.accept()
            if len(self.talks) >= MOST_TALKS:
                connected.close()
                return
            connected.setblocking(False)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            talk = make(self.camera, self.talks)
            loop = asyncio.get_running_loop()
            talk.task = loop.create_task(_connect(loop, talk, connected))


async def _connect(loop: asyncio.AbstractEventLoop, talk: Talk, connected: socket.socket) -> None:
    try:
        await loop.connect_accepted_socket(lambda: talk, connected)
    except OSError:
        connected.close()


def _listen(host: str, port: int, backlog: int) -> socket.socket:
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind((host, port))
        listening.listen(backlog)
    except OSError as error:
        listening.close()
        raise UserError(f"Camera address {host}:{port} cannot be used ({error.strerror}).") from error
    return listening
