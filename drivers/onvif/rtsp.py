"""A small RTSP client: DESCRIBE, and one key frame over the same connection.

FFmpeg could do it as well. It follows redirects to any address, puts the password into addresses and error texts,
and cannot be cancelled; here every address is checked, every byte counted, and a deadline is one. OPTIONS is never
asked: cameras answer it without a login, for paths that do not exist, and without the header that would be its use.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

from drivers.onvif.errors import CameraError, Code, quoted
from drivers.onvif.http import CONNECT_S, narrow, network_error, tls_context, unread
from drivers.onvif.rtp import Assembler, Track, control_url, video
from drivers.onvif.rtp_jpeg import JpegAssembler
from drivers.onvif.target import split

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from drivers.onvif.http import Room
    from drivers.onvif.login import Login
    from drivers.onvif.target import Allowed, Cost

HEADER_CAP = 8_192
"""Bytes of an answer's header, and of a stream that lie here unread."""
BODY_CAP = 65_536
DROPPED_CAP = 262_144
"""Bytes of a stream that may come before an answer."""
STREAM_CAP = 16_000_000
"""Bytes of a stream until its key frame is whole."""
_LINES = 100
_BYE_S = 1.0
_ASSEMBLERS: dict[str, type[Assembler | JpegAssembler]] = {
    "H264": Assembler,
    "H265": Assembler,
    "JPEG": JpegAssembler,
}


class Stream(NamedTuple):
    """What DESCRIBE said. `encoding` is empty where there is no video; `open`: it was answered without a login."""

    encoding: str
    open: bool


class _Reply(NamedTuple):
    status: int
    words: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [v for k, v in self.headers if k == name]

    def header(self, name: str) -> str:
        return next(iter(self.values(name)), "")


class Rtsp:
    """One connection to one stream, for the time of one `async with`. `seconds` is for all of it together."""

    def __init__(self, url: str, allowed: Allowed, login: Login, cost: Cost, *, seconds: float = 8.0) -> None:
        self._url = allowed.check(url, ("rtsp", "rtsps"))
        self._allowed = allowed
        self._login = login
        self._cost = cost
        self._seconds = seconds
        self._ends = 0.0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._number = 0
        self._session = ""

    async def __aenter__(self) -> Self:
        self._ends = asyncio.get_running_loop().time() + self._seconds
        self._login.stream.forget()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._streams:
            writer = self._streams[1]
            self._cost.came(unread(writer))  # of a stream that goes on; it was carried all the same
            if self._session and not writer.is_closing():
                writer.write(self._request("TEARDOWN", self._url, {}))  # no answer is waited for
            writer.close()
            try:
                async with asyncio.timeout(_BYE_S):
                    await writer.wait_closed()
            except (OSError, TimeoutError):
                writer.transport.abort()
            self._streams = None

    async def describe(self) -> Stream:
        """DESCRIBE, first without a login: who answers that shows its pictures to everybody. Raises CameraError."""
        track, _ = await self._describe()
        return Stream(track.encoding if track else "", not self._login.stream.shown)

    async def key_frame(self, room: Room | None = None) -> tuple[str, bytes]:
        """The encoding and the bytes of one key frame, with all that a decoder needs. Raises CameraError.

        `room` waits until more of the stream may be carried; the time it took is not the camera's.
        """
        track, base = await self._describe()
        if track is None or track.encoding not in _ASSEMBLERS:
            name = quoted(track.encoding) if track else "no video"
            raise CameraError(
                Code.NO_SUCH_SERVICE,
                f"its stream is {name or 'unnamed'}, not H.264, H.265 or JPEG",
                permanent=True,
            )
        transport = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
        setup = await self._ask("SETUP", control_url(base, track.control), transport)
        self._good(setup, "SETUP")
        self._session = setup.header("session").partition(";")[0].strip()[:100]
        channel = re.search(r"interleaved=(\d{1,3})", setup.header("transport"))
        self._good(await self._ask("PLAY", base, {"Range": "npt=0.000-"}), "PLAY")
        return track.encoding, await self._collect(track, int(channel[1]) if channel else 0, room)

    # --- the parts --------------------------------------------------------------------------------------------

    async def _describe(self) -> tuple[Track | None, str]:
        door = self._login.stream
        door.closed()
        accept = {"Accept": "application/sdp"}
        reply = await self._ask("DESCRIBE", self._url, accept)
        if reply.status == 401 and door.learn(reply.values("www-authenticate")):  # noqa: PLR2004 - RTSP's own number
            reply = await self._ask("DESCRIBE", self._url, accept)
        self._good(reply, "DESCRIBE")
        if door.shown:
            door.accepted()
        base = reply.header("content-base") or reply.header("content-location")
        sdp = reply.body.decode("utf-8", "replace")
        if not sdp.lstrip().startswith("v="):
            raise CameraError(Code.GARBLED, "DESCRIBE was answered without a description")
        return video(sdp), base if base.isascii() and base.isprintable() and base.startswith(
            "rtsp"
        ) else self._url

    def _good(self, reply: _Reply, what: str) -> None:
        match reply.status:
            case 200:
                return
            case 401 | 403:
                raise self._login.stream.explain(reply.words, reply.status)
            case 404 | 410 | 405 | 501:
                raise CameraError(Code.NO_SUCH_SERVICE, f"{what}: {reply.status} {reply.words}")
            case 453 | 503:
                raise CameraError(
                    Code.BUSY, f"the camera has no room for a stream ({reply.status} {reply.words})"
                )
            case status if 300 <= status < 400:  # noqa: PLR2004 - redirects
                raise CameraError(Code.REDIRECTED, f"{what}: the camera sends us elsewhere ({status})")
            case status:
                raise CameraError(Code.FAILED, f"{what}: {status} {reply.words}")

    async def _ask(self, method: str, url: str, headers: dict[str, str]) -> _Reply:
        async with self._bounded(method):
            reader, writer = self._streams or await self._connect()
            writer.write(self._request(method, url, headers))
            await writer.drain()
            return await self._reply(reader)

    def _request(self, method: str, url: str, headers: dict[str, str]) -> bytes:
        self._number += 1
        lines = {"CSeq": str(self._number), "User-Agent": "village-hub", **headers}
        lines |= self._login.stream.answer(method, url)
        if self._session:
            lines["Session"] = self._session
        text = "".join(f"{k}: {v}\r\n" for k, v in lines.items())
        data = f"{method} {url} RTSP/1.0\r\n{text}\r\n".encode()
        self._cost.asked(len(data))
        return data

    @asynccontextmanager
    async def _bounded(self, what: str) -> AsyncIterator[None]:
        _, host, port = split(self._url, ("rtsp", "rtsps"))
        where = f"{host}:{port}"
        try:
            async with asyncio.timeout_at(self._ends):
                yield
        except TimeoutError:
            raise CameraError(Code.TIMEOUT, f"{where} gave no whole answer to {what} in time") from None
        except asyncio.IncompleteReadError as e:
            code = Code.GARBLED if e.partial else Code.RESET
            raise CameraError(code, f"{where} closes in the middle of its answer to {what}") from None
        except (ValueError, asyncio.LimitOverrunError):
            raise CameraError(Code.GARBLED, f"{where} does not speak RTSP") from None
        except OSError as e:
            raise network_error(e, where) from None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts, host, port = split(self._url, ("rtsp", "rtsps"))
        context = tls_context(self._login.target.verify) if parts.scheme == "rtsps" else None
        async with asyncio.timeout(CONNECT_S):
            self._streams = await asyncio.open_connection(host, port, ssl=context, limit=HEADER_CAP)
        narrow(self._streams[1])
        return self._streams

    async def _reply(self, reader: asyncio.StreamReader) -> _Reply:
        """The next answer; pictures that arrive before it are dropped."""
        dropped = 0
        while (first := await reader.readexactly(1)) == b"$":
            dropped += len((await self._packet(reader))[1])
            if dropped > DROPPED_CAP:
                raise ValueError("no answer among its packets")
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        self._cost.came(sum(len(line) + 2 for line in head))
        status = re.fullmatch(r"RTSP/1\.\d (\d{3}) ?(.*)", head[0].lstrip())
        if not status or len(head) > _LINES:
            raise ValueError("not RTSP")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = [(k.strip().lower(), v.strip()) for k, _, v in pairs]
        length = next((v for k, v in headers if k == "content-length"), "0")
        if not length.isdigit() or int(length[:9]) > BODY_CAP:
            raise CameraError(Code.TOO_LARGE, f"the description is larger than {BODY_CAP:,} bytes")
        body = await reader.readexactly(int(length))
        self._cost.came(len(body))
        return _Reply(int(status[1]), quoted(status[2], self._login.target.password), headers, body)

    async def _packet(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        head = await reader.readexactly(3)
        data = await reader.readexactly(int.from_bytes(head[1:], "big"))
        self._cost.came(4 + len(data))
        return head[0], data

    async def _collect(self, track: Track, channel: int, room: Room | None) -> bytes:
        assembler, came = _ASSEMBLERS[track.encoding](track), 0
        time = asyncio.get_running_loop().time
        while came < STREAM_CAP:
            if room is not None:
                begun = time()
                await room()
                self._ends += time() - begun
            async with self._bounded("PLAY"):
                number, data = await self._piece()
            came += 4 + len(data)
            whole = assembler.add(data) if number == channel else None
            if whole:
                return whole
        raise CameraError(Code.TOO_LARGE, f"no key frame within {STREAM_CAP:,} bytes")

    async def _piece(self) -> tuple[int, bytes]:
        """The next packet and its channel; -1 where it is a request of the camera's, ANNOUNCE or the like."""
        assert self._streams  # noqa: S101 - PLAY was answered on it
        reader = self._streams[0]
        first = await reader.readexactly(1)
        if first == b"$":
            return await self._packet(reader)
        said = await reader.readuntil(b"\r\n\r\n")
        self._cost.came(1 + len(said))
        return -1, said
