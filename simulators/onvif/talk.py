"""One connection to a camera, HTTP or RTSP: requests one after another, and replies as they are meant to come."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from simulators.onvif.message import Manner, take

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.onvif.camera import Camera
    from simulators.onvif.message import Reply, Request

DRIP_BYTES, DRIP_S = 4, 0.1
POUR_S = 0.01
RESET_S = 0.05
"""Half a reply has so long to arrive before the connection is reset."""


class Talk(asyncio.Protocol):
    """`mute`: the camera has gone and answers nothing more."""

    def __init__(self, camera: Camera, talks: list[Talk]) -> None:
        self.camera = camera
        self.talks = talks
        self.mute = False
        self.heard = 0.0
        self.beyond = False
        self.task: asyncio.Task[None] | None = None  # while it connects
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._full = False

    @property
    def open(self) -> bool:
        """False once the connection has ended."""
        return self._transport is not None

    def carried(self) -> int:
        """Bytes that the kernel carried over this connection so far, both ways; 0 where it cannot tell."""
        taken = self._transport.get_extra_info("socket") if self._transport else None
        try:
            info = taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 136) if taken else b""
        except OSError:
            info = b""
        # struct tcp_info of linux/tcp.h: tcpi_bytes_acked, tcpi_bytes_received
        return sum(struct.unpack_from("QQ", info, 120)) if len(info) == 136 else 0  # noqa: PLR2004

    # ------------------------------------------------------------ what the socket tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.heard = asyncio.get_running_loop().time()
        self.talks.append(self)
        self.beyond = len(self.talks) > self.camera.maker.limit

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a loss is a loss
        self.camera.carried += self.carried()
        self.stop_timer()
        self._transport = None
        if self in self.talks:
            self.talks.remove(self)

    def data_received(self, data: bytes) -> None:
        if self.mute:
            return
        self.heard = asyncio.get_running_loop().time()
        self._buffer += data
        self._next()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False

    # ------------------------------------------------------------ requests and replies

    def _next(self) -> None:
        try:
            while not self._busy and self._transport and (request := take(self._buffer)):
                self._busy = True
                self.do(request)
        except ValueError:
            self.leave()

    def do(self, request: Request) -> None:
        """Answers one request, now or later: `give` ends it."""
        raise NotImplementedError

    def give(self, head: bytes, reply: Reply, *, keep: bool) -> None:
        """Writes a reply in its manner."""
        if not self._transport or self.mute:
            return
        whole, half = head + reply.body, head + reply.body[: len(reply.body) // 2]
        match reply.manner:
            case Manner.WHOLE:
                self._transport.write(whole)
                self._done(keep=keep)
            case Manner.HALF:
                self._transport.write(half)
                self.leave()
            case Manner.RESET:
                self._transport.write(half)
                self.after(RESET_S, self.reset)
            case Manner.DRIP:
                self._drip(whole, keep)
            case Manner.ENDLESS:
                self._transport.write(head)
                self._pour(reply.body)

    def pour(self, data: bytes) -> None:
        """Writes what no request asked for; left out while the connection is full."""
        if self._transport and not self._full:
            self._transport.write(data)

    def after(self, seconds: float, do: Callable[..., None], *values: object) -> None:
        """Does one thing later, unless the connection ends first."""
        self._timer = asyncio.get_running_loop().call_later(seconds, do, *values)

    def stop_timer(self) -> None:
        """What was to come later does not."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def leave(self) -> None:
        """Ends the connection in order."""
        if self._transport:
            self._transport.close()

    def reset(self) -> None:
        """Ends it as a machine does that knows nothing of it."""
        if self._transport:
            taken: socket.socket = self._transport.get_extra_info("socket")
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    def _done(self, *, keep: bool) -> None:
        self._timer = None
        if not keep:
            self.leave()
            return
        self._busy = False
        self._next()

    def _drip(self, left: bytes, keep: bool) -> None:
        if self._transport and not self.mute:
            self._transport.write(left[:DRIP_BYTES])
            if len(left) > DRIP_BYTES:
                self.after(DRIP_S, self._drip, left[DRIP_BYTES:], keep)
            else:
                self._done(keep=keep)

    def _pour(self, piece: bytes) -> None:
        if self._transport and not self.mute:
            if not self._full:
                self._transport.write(piece)
            self.after(POUR_S, self._pour, piece)
