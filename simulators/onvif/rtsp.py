"""RTSP to a camera: DESCRIBE, and its pictures as JPEG over the same connection, one a second."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simulators.onvif import rtp
from simulators.onvif.message import Reply
from simulators.onvif.talk import Talk

if TYPE_CHECKING:
    from simulators.onvif.message import Request

EVERY_S = 1.0
"""Real seconds between two pictures of a stream."""
_WORDS = {
    200: "OK",
    401: "Unauthorized",
    404: "Stream Not Found",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
}
_SDP = """v=0\r
o=- 0 0 IN IP4 {host}\r
s=Media Presentation\r
c=IN IP4 0.0.0.0\r
t=0 0\r
a=control:*\r
m=video 0 RTP/AVP 26\r
a=rtpmap:26 JPEG/90000\r
a=framerate:1\r
a=control:trackID=1\r
"""


class RtspTalk(Talk):
    """OPTIONS is answered to everybody and for every path, as many cameras do."""

    _channel = -1
    _session = ""
    _packet = 0
    _playing: asyncio.TimerHandle | None = None

    def do(self, request: Request) -> None:
        faults = self.camera.faults
        if "no_stream" in faults and request.method != "OPTIONS":
            return  # and no answer ever comes
        late = 12.0 if "slow_answers" in faults else 0.0
        if late:
            self.after(late, self._answer, request)
        else:
            self._answer(request)

    def _answer(self, request: Request) -> None:
        match request.method:
            case "OPTIONS":
                public = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"
                self._say(request, 200, (public,) if self.camera.maker.public else ())
            case "DESCRIBE" | "SETUP" | "PLAY" if not self._may(request):
                pass
            case "DESCRIBE":
                self._describe(request)
            case "SETUP":
                self._set_up(request)
            case "PLAY" | "TEARDOWN" if request.headers.get("session", "") != self._session:
                self._say(request, 454)
            case "PLAY" if self._session:
                self._say(request, 200, (f"Session: {self._session}", "RTP-Info: url=trackID=1"))
                self._play()
            case "TEARDOWN" if self._session:
                self._end()
                self._say(request, 200)
            case _:
                self._say(request, 455)

    def _may(self, request: Request) -> bool:
        """Whether who asks may see it; else that is said."""
        camera, now = self.camera, self.camera.now()
        header = request.headers.get("authorization", "")
        password = camera.login_password()
        right, stale = camera.gate.digest(header, request.method, password, now)
        if "connections_full" in camera.faults or self.beyond or not (right or camera.open_stream):
            self._say(request, 401, (f"WWW-Authenticate: {camera.gate.challenge(now, stale=stale)}",))
            return False
        return True

    def _describe(self, request: Request) -> None:
        camera = self.camera
        parts = urlsplit(request.path)
        asked = parts.path + (f"?{parts.query}" if parts.query else "")
        if asked != camera.maker.stream_path:
            self._say(request, 404)
            return
        sdp = _SDP.format(host=camera.announced()).encode()
        kind = ("Content-Type: application/sdp", f"Content-Base: {request.path}/")
        self._say(request, 200, kind, sdp)

    def _set_up(self, request: Request) -> None:
        wanted = request.headers.get("transport", "")
        found = re.search(r"interleaved=(\d{1,2})", wanted)
        if not wanted.startswith("RTP/AVP/TCP") or not found:  # nobody hears datagrams behind a village's NAT
            self._say(request, 461)
            return
        self._channel, self._session = int(found[1]), f"{self.camera.seed % 10**8:08d}"
        transport = f"RTP/AVP/TCP;unicast;interleaved={self._channel}-{self._channel + 1}"
        self._say(request, 200, (f"Transport: {transport}", f"Session: {self._session};timeout=60"))

    def _play(self) -> None:
        """One picture now, and the next in a second, as long as somebody is there."""
        if not self.open or self.mute:
            return
        packets = rtp.packets(self.camera.pictures.of(self.camera), self._packet, self.camera.now())
        for packet in packets:
            self.pour(rtp.interleaved(packet, self._channel))
            self._packet += 1
        self._playing = asyncio.get_running_loop().call_later(EVERY_S, self._play)

    def _end(self) -> None:
        if self._playing:
            self._playing.cancel()
        self._playing, self._session = None, ""

    def _next(self) -> None:
        """What a player reports of the stream (RTCP) is not read."""
        while self._buffer[:1] == b"$" and len(self._buffer) >= 4 + int.from_bytes(self._buffer[2:4], "big"):
            del self._buffer[: 4 + int.from_bytes(self._buffer[2:4], "big")]
        if self._buffer[:1] != b"$":
            super()._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def _say(self, request: Request, status: int, headers: tuple[str, ...] = (), body: bytes = b"") -> None:
        lines = [
            f"RTSP/1.0 {status} {_WORDS[status]}",
            f"CSeq: {request.headers.get('cseq', '0')}",
            *headers,
            *([f"Content-Length: {len(body)}"] if body else []),
        ]
        self.give(("\r\n".join(lines) + "\r\n\r\n").encode(), Reply(status, body), keep=True)
