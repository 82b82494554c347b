"""RTSP to a camera, as far as it shows whether a stream is there: OPTIONS and DESCRIBE."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simulators.onvif.message import Reply
from simulators.onvif.talk import Talk

if TYPE_CHECKING:
    from simulators.onvif.message import Request

_WORDS = {200: "OK", 401: "Unauthorized", 404: "Stream Not Found", 455: "Method Not Valid in This State"}
_SDP = """v=0\r
o=- 0 0 IN IP4 {host}\r
s=Media Presentation\r
c=IN IP4 0.0.0.0\r
t=0 0\r
a=control:*\r
m=video 0 RTP/AVP 96\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 packetization-mode=1; profile-level-id=4D0028\r
a=control:trackID=1\r
"""


class RtspTalk(Talk):
    """OPTIONS is answered to everybody and for every path, as many cameras do."""

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
            case "DESCRIBE":
                self._describe(request)
            case _:
                self._say(request, 455)

    def _describe(self, request: Request) -> None:
        camera, now = self.camera, self.camera.now()
        header = request.headers.get("authorization", "")
        password = camera.login_password()
        right, stale = camera.gate.digest(header, request.method, password, now)
        if "connections_full" in camera.faults or self.beyond or not (right or camera.open_stream):
            self._say(request, 401, (f"WWW-Authenticate: {camera.gate.challenge(now, stale=stale)}",))
            return
        parts = urlsplit(request.path)
        asked = parts.path + (f"?{parts.query}" if parts.query else "")
        if asked != camera.maker.stream_path:
            self._say(request, 404)
            return
        sdp = _SDP.format(host=camera.announced()).encode()
        kind = ("Content-Type: application/sdp", f"Content-Base: {request.path}/")
        self._say(request, 200, kind, sdp)

    def _say(self, request: Request, status: int, headers: tuple[str, ...] = (), body: bytes = b"") -> None:
        lines = [
            f"RTSP/1.0 {status} {_WORDS[status]}",
            f"CSeq: {request.headers.get('cseq', '0')}",
            *headers,
            *([f"Content-Length: {len(body)}"] if body else []),
        ]
        self.give(("\r\n".join(lines) + "\r\n\r\n").encode(), Reply(status, body), keep=True)
