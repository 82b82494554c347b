"""One keep-alive HTTP connection to one camera, bounded in time and bytes.

h11 speaks HTTP, asyncio carries it: a quarter of a general client's work per request, and every byte is counted and
capped here. Nothing is retried but a request on a kept connection that the camera had already closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import functools
import re
import socket
import ssl
import struct
import termios
import zlib
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

import h11

from drivers.onvif.errors import CameraError, Code, NoConnection, quoted
from drivers.onvif.target import Allowed, Cost, Target, split

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Content = tuple[Mapping[str, str], bytes]
    Room = Callable[[], Awaitable[None]]

SOAP_CAP = 1_000_000
"""Bytes of a SOAP reply, decoded."""
PICTURE_CAP = 4_000_000
"""Bytes of a snapshot."""
HEADER_CAP = 32_768
"""Bytes of a reply's header."""
CONNECT_S = 4.0
"""Seconds in which a connection must stand, TLS included."""
_READ = 16_384
_PACED = 8_192
"""Bytes read at a time of a body that is paced."""
_WINDOW = 32_768
"""The kernel takes in so many bytes (twice that, by its own reckoning) before they are read: what is not read yet is
not carried either."""
_OVERHEAD = 65_536
_ASIDES = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_BLANK = re.compile(rb"\r?\n\r?\n")
_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*:")
_SPACED = re.compile(rb"[ \t]*:")
_NO_ROUTE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL}


def uri_of(url: str) -> str:
    """An address's path and query, as a request line and Digest have it."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class Reply(NamedTuple):
    """What came: status, header (names in small letters, repeated ones in order) and the decoded body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of a header."""
        return [v for k, v in self.headers if k == name]

    def header(self, name: str) -> str:
        """The first value of a header, or nothing."""
        return next(iter(self.values(name)), "")


class _Closed(Exception):  # noqa: N818 - what happened
    """The connection ended before the first byte of a reply."""


@functools.cache
def tls_context(verify: bool) -> ssl.SSLContext:
    """One for all cameras. Unverified ones may be as old as cameras are: TLS 1.0, small keys."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def network_error(error: OSError, where: str) -> CameraError:
    """What an error of a socket means."""
    if isinstance(error, ConnectionRefusedError):
        return CameraError(Code.REFUSED, f"nothing listens at {where}")
    if isinstance(error, socket.gaierror):
        return CameraError(Code.NO_SUCH_HOST, f"the name of {where} is unknown")
    if isinstance(error, ssl.SSLError):
        why = (
            "its certificate is not valid"
            if isinstance(error, ssl.SSLCertVerificationError)
            else error.reason
        )
        return CameraError(Code.TLS, f"no encrypted connection to {where}: {quoted(str(why))}")
    if error.errno in _NO_ROUTE:
        return CameraError(Code.NO_ROUTE, f"no way to {where}")
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return CameraError(Code.TIMEOUT, f"{where} does not answer")
    return CameraError(Code.RESET, f"{where} cut the connection")


class Http:
    """The connection. Calls wait for each other; one that fails or is cancelled closes it."""

    def __init__(self, target: Target, allowed: Allowed, cost: Cost) -> None:
        self.allowed = allowed
        self._target = target
        self._cost = cost
        self._lock: asyncio.Lock | None = None
        self._origin = ("", "", 0)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._h11 = h11.Connection(h11.CLIENT, HEADER_CAP)

    def close(self) -> None:
        """Give the connection back; the next request opens a new one."""
        if self._streams:
            self._streams[1].transport.abort()
            self._streams = None

    async def ask(
        self,
        method: str,
        url: str,
        make: Callable[[str], Content],
        *,
        cap: int = SOAP_CAP,
        seconds: float,
        room: Room | None = None,
    ) -> Reply:
        """One request and its whole reply, within `seconds`. Raises CameraError only.

        `room` waits until more of the body may be carried; the time it took is not the camera's.

        `make` gives header and body for an address: a signature must not be sent twice. It is asked again where a
        kept connection turns out to be closed, and for one redirect to an allowed address; a second one is an error.
        """
        if self._lock is None:
            self._lock = asyncio.Lock()
        _, host, port = split(url)
        try:
            async with asyncio.timeout(seconds) as deadline, self._lock:
                pace = _Pace(room, deadline)
                reply = await self._send(method, url, make, cap, pace)
                if reply.status not in _REDIRECTS:
                    return reply
                target = _joined(url, reply.header("location"))
                if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
                    raise CameraError(
                        Code.REDIRECTED, "the camera sends us from an encrypted address to an open one"
                    )
                reply = await self._send(method, target, make, cap, pace)
        except TimeoutError:
            raise CameraError(
                Code.TIMEOUT, f"{host}:{port} gave no whole answer within {seconds:g} s"
            ) from None
        if reply.status in _REDIRECTS:
            raise CameraError(Code.REDIRECTED, f"{host}:{port} sends us on and on")
        return reply

    async def _send(
        self, method: str, url: str, make: Callable[[str], Content], cap: int, pace: _Pace
    ) -> Reply:
        url = self.allowed.check(url)
        parts, host, port = split(url)
        origin, where = (parts.scheme, host, port), f"{host}:{port}"
        if self._streams is not None and self._origin == origin:
            with contextlib.suppress(_Closed):
                return await self._exchange(method, url, make(url), cap, where, pace)
        self.close()
        await self._connect(origin, where)
        try:
            return await self._exchange(method, url, make(url), cap, where, pace)
        except _Closed:
            raise CameraError(Code.RESET, f"{where} closes without an answer") from None

    async def _exchange(
        self, method: str, url: str, content: Content, cap: int, where: str, pace: _Pace
    ) -> Reply:
        whole = False
        try:
            reply = await self._converse(method, url, content, cap, pace)
            states = self._h11.our_state, self._h11.their_state
            whole = states == (h11.DONE, h11.DONE) and not self._h11.trailing_data[0]
        except (h11.ProtocolError, zlib.error, ValueError) as e:
            if "peer closed" in str(e) or "in the middle" in str(e):
                raise CameraError(Code.GARBLED, f"the answer of {where} ends in the middle") from None
            raise CameraError(Code.GARBLED, f"{where} does not speak HTTP: {quoted(str(e))}") from None
        except OSError as e:
            raise network_error(e, where) from None
        finally:
            if not whole:
                self.close()
        if whole:
            self._h11.start_next_cycle()
        return reply

    async def _connect(self, origin: tuple[str, str, int], where: str) -> None:
        scheme, host, port = origin
        context = tls_context(self._target.verify) if scheme == "https" else None
        try:
            async with asyncio.timeout(CONNECT_S):
                self._streams = await asyncio.open_connection(host, port, ssl=context, limit=_READ)
        except TimeoutError:
            if context is not None:  # somebody may be there who does not speak TLS
                raise CameraError(Code.TIMEOUT, f"{where} does not answer") from None
            raise NoConnection(where) from None
        except OSError as e:
            raise network_error(e, where) from None
        narrow(self._streams[1])
        self._origin = origin
        self._h11 = h11.Connection(h11.CLIENT, HEADER_CAP)
        if self.allowed.own(host):
            peer = self._streams[1].get_extra_info("peername")
            self.allowed.met(str(peer[0]) if peer else "")

    async def _converse(self, method: str, url: str, content: Content, cap: int, pace: _Pace) -> Reply:
        assert self._streams  # noqa: S101 - just connected
        reader, writer = self._streams
        headers, body = content
        lines = {
            "Host": urlsplit(url).netloc,
            "User-Agent": "village-hub",
            "Accept-Encoding": "identity",
            **headers,
        }
        if body or method == "POST":
            lines["Content-Length"] = str(len(body))
        request = h11.Request(
            method=method,
            target=uri_of(url),
            headers=list(lines.items()),
        )
        data = (self._h11.send(request) or b"") + (self._h11.send(h11.Data(body)) or b"")
        data += self._h11.send(h11.EndOfMessage()) or b""
        self._cost.asked(len(data))
        try:
            writer.write(data)
            await writer.drain()
        except ConnectionError:
            raise _Closed from None
        return await self._receive(reader, cap, pace)

    async def _receive(self, reader: asyncio.StreamReader, cap: int, pace: _Pace) -> Reply:
        head: h11.Response | None = None
        body = _Body(cap)
        came, asides = await self._head(reader), 0
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                data = await self._read(reader, await pace.next())
                self._h11.receive_data(data)
                came += len(data)
                if came > cap + _OVERHEAD:
                    raise _too_large(cap)
            elif isinstance(event, h11.Response):
                head = event
                encodings = [v.lower() for k, v in event.headers if k == b"content-encoding"]
                body.encoded = any(v in (b"gzip", b"x-gzip", b"deflate") for v in encodings)
            elif isinstance(event, h11.Data):
                body.add(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                names = ((k.decode("latin-1"), v.decode("latin-1")) for k, v in head.headers)
                return Reply(head.status_code, tuple(names), body.whole())
            elif isinstance(event, (h11.ConnectionClosed, h11.EndOfMessage)):
                raise ValueError("the connection ends in the middle")
            elif isinstance(event, h11.InformationalResponse):
                asides += 1
                if asides > _ASIDES:
                    raise ValueError("it goes on announcing an answer")

    async def _head(self, reader: asyncio.StreamReader) -> int:
        """Hand h11 a head that it takes: cameras put lines without a name into theirs."""
        data = b""
        while not (end := _BLANK.search(data)):
            try:
                more = await self._read(reader)
            except ConnectionError:
                if data:
                    raise
                raise _Closed from None
            if not more:
                break
            data += more
            if len(data) > HEADER_CAP and not _BLANK.search(data, 0, HEADER_CAP):
                raise ValueError("its header does not end")
        if not data:
            raise _Closed
        first, *lines = data[: end.start() if end else len(data)].splitlines()
        good = [first, *(_SPACED.sub(b":", line, count=1) for line in lines if _LINE.match(line))]
        self._h11.receive_data(b"\r\n".join(good) + (b"\r\n\r\n" + data[end.end() :] if end else b""))
        if not end:
            self._h11.receive_data(b"")
        return len(data)

    async def _read(self, reader: asyncio.StreamReader, size: int = _READ) -> bytes:
        data = await reader.read(size)
        self._cost.came(len(data))
        return data


def narrow(writer: asyncio.StreamWriter) -> None:
    """Let the camera send little that nobody has read yet."""
    taken: socket.socket = writer.get_extra_info("socket")
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW)


def unread(writer: asyncio.StreamWriter) -> int:
    """Bytes that came and that nobody has read."""
    taken: socket.socket | None = writer.get_extra_info("socket")
    if taken is None or taken.fileno() < 0:
        return 0
    return struct.unpack("i", fcntl.ioctl(taken.fileno(), termios.FIONREAD, bytes(4)))[0]  # type: ignore[no-any-return]


class _Pace:
    """When more of a body may be read, and how much at a time."""

    def __init__(self, room: Room | None, deadline: asyncio.Timeout) -> None:
        self._room, self._deadline = room, deadline

    async def next(self) -> int:
        """Wait for room; bytes to read then."""
        if self._room is None:
            return _READ
        begun = asyncio.get_running_loop().time()
        when = self._deadline.when()
        self._deadline.reschedule(None)
        await self._room()
        if when is not None:
            self._deadline.reschedule(when + asyncio.get_running_loop().time() - begun)
        return _PACED


class _Body:
    """A body in the making; what is packed is never unpacked beyond the cap."""

    def __init__(self, cap: int) -> None:
        self.encoded = False
        self._cap = cap
        self._size = 0
        self._parts: list[bytes] = []
        self._unpack = zlib.decompressobj(47)  # gzip or zlib

    def add(self, data: bytes) -> None:
        if self.encoded:
            data = self._unpack.decompress(data, self._cap - self._size + 1)
        self._size += len(data)
        if self._size > self._cap:
            raise _too_large(self._cap)
        self._parts.append(data)

    def whole(self) -> bytes:
        if self.encoded and self._size and not self._unpack.eof:
            raise ValueError("the packed answer ends in the middle")
        return b"".join(self._parts)


def _joined(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    split(target)
    return target


def _too_large(cap: int) -> CameraError:
    return CameraError(Code.TOO_LARGE, f"the answer is larger than {cap:,} bytes")
