"""A camera for tests: HTTP by hand, SOAP as the specification prints it, logins checked by our own arithmetic.

It shares no code with the driver: nothing here is made by zeep or h11.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import hashlib
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl

USER, PASSWORD = "operator", "Làng-2026!"

NAMESPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tev="http://www.onvif.org/ver10/events/wsdl" '
    'xmlns:trc="http://www.onvif.org/ver10/recording/wsdl" xmlns:tse="http://www.onvif.org/ver10/search/wsdl" '
    'xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:ter="http://www.onvif.org/ver10/error" '
    'xmlns:wsa5="http://www.w3.org/2005/08/addressing" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" '
    'xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 8 + b"\xff\xd9"


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        found = re.search(rb"Body[^>]*>\s*<(?:[\w-]+:)?(\w+)", self.body)
        return found[1].decode() if found else self.path

    @property
    def signed(self) -> bool:
        return b"UsernameToken" in self.body or "authorization" in self.headers

    def text(self, name: str) -> str:
        found = re.search(rf"<(?:[\w-]+:)?{name}(?:\s[^>]*)?>([^<]*)<".encode(), self.body)
        return found[1].decode() if found else ""


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Writer = asyncio.StreamWriter
Handler = Callable[[Request], "Answer | Raw | str"]


@dataclass
class Raw:
    """The bytes of an answer are the test's own business; the connection ends afterwards."""

    write: Callable[[Writer], Awaitable[None]]


def envelope(body: str) -> bytes:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope {NAMESPACES}>'
    return f"{head}<s:Body>{body}</s:Body></s:Envelope>".encode()


def fault(code: str, reason: str, status: int = 400, sender: str = "Sender", **headers: str) -> Answer:
    body = (
        f"<s:Fault><s:Code><s:Value>s:{sender}</s:Value><s:Subcode><s:Value>ter:{code}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{reason}</s:Text></s:Reason></s:Fault>'
    )
    return Answer(envelope(body), status, dict(headers))


def date_time(at: float) -> str:
    t = dt.datetime.fromtimestamp(at, dt.UTC)
    return (
        f"<tt:Time><tt:Hour>{t.hour}</tt:Hour><tt:Minute>{t.minute}</tt:Minute><tt:Second>{t.second}</tt:Second></tt:Time>"
        f"<tt:Date><tt:Year>{t.year}</tt:Year><tt:Month>{t.month}</tt:Month><tt:Day>{t.day}</tt:Day></tt:Date>"
    )


class FakeCamera:
    """An ONVIF camera on a free port of 127.0.0.1.

    `accepts`: the ways of logging in that it takes ("token", "text", "digest", "basic", "nothing": no login needed).
    `skew_s`: how wrong its clock is. `handlers`: what it answers instead, by operation or path.
    """

    def __init__(self, *accepts: str) -> None:
        self.accepts = set(accepts or ("token",))
        self.picture_accepts = {"digest"}
        self.skew_s = 0.0
        self.password = PASSWORD
        self.refusal: Callable[[Request], Answer] = lambda _: fault("NotAuthorized", "Sender not Authorized")
        self.public = {"GetSystemDateAndTime"}
        self.requests: list[Request] = []
        self.connections = 0
        self.open_connections = 0
        self.handlers: dict[str, Handler] = {}
        self.asks = True
        """Whether a refusal names the ways of HTTP, also to a request that shows a token."""
        self.tls: ssl.SSLContext | None = None
        self.nonce = "f0e1d2"
        self.algorithm = "MD5"
        self._used_nonces: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port: int = self.server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.server.wait_closed()

    async def settles(self, connections: int) -> None:
        """Wait until this many connections are left."""
        async with asyncio.timeout(5):
            while self.open_connections != connections:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)

    @property
    def operations(self) -> list[str]:
        return [r.operation for r in self.requests]

    def now(self) -> float:
        return time.time() + self.skew_s

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self.connections += 1
        self.open_connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open_connections -= 1
            self._tasks.discard(task)
            with contextlib.suppress(ConnectionError):
                writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: Writer) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = Request(method, path, headers, body)
        self.requests.append(request)
        answer = self._answer(request)
        if isinstance(answer, str):
            answer = Answer(envelope(answer))
        if isinstance(answer, Raw):
            await answer.write(writer)
            return False
        lines = {
            "Content-Type": "application/soap+xml; charset=utf-8",
            "Content-Length": str(len(answer.body)),
        }
        lines |= answer.headers
        text = "".join(f"{k}: {v}\r\n" for k, v in lines.items())
        writer.write(f"HTTP/1.1 {answer.status} X\r\n{text}\r\n".encode() + answer.body)
        await writer.drain()
        return lines.get("Connection") != "close"

    def _answer(self, request: Request) -> Answer | Raw | str:
        accepts = self.picture_accepts if request.method == "GET" else self.accepts
        open_to_all = request.operation in self.public or "nothing" in accepts
        if not open_to_all and not self._accepted(request, accepts):
            return self._refuse(request, accepts)
        handler = self.handlers.get(request.operation) or self._defaults().get(request.operation)
        if handler:
            return handler(request)
        if request.path.startswith("/snap"):
            return Answer(JPEG, headers={"Content-Type": "image/jpeg"})
        return fault("ActionNotSupported", "Optional Action Not Implemented", 500, "Receiver")

    # --- logins -----------------------------------------------------------------------------------------------

    def _refuse(self, request: Request, accepts: set[str]) -> Answer:
        if accepts & {"digest", "basic"} and (self.asks or not request.signed):
            wishes = []
            if "digest" in accepts:
                wishes.append(
                    f'Digest realm="cam, \\"x\\"", qop="auth,auth-int", nonce="{self.nonce}", opaque="o",'
                    f" algorithm={self.algorithm}"
                )
            if "basic" in accepts:
                wishes.append('Basic realm="cam"')
            return Answer(b"", 401, {"WWW-Authenticate": ", ".join(wishes)})
        return self.refusal(request)

    def _accepted(self, request: Request, accepts: set[str]) -> bool:
        shown = request.headers.get("authorization", "")
        if "digest" in accepts and shown.startswith("Digest"):
            return self._digest(request, shown)
        if "basic" in accepts and shown.startswith("Basic"):
            return base64.b64decode(shown[6:]).decode() == f"{USER}:{self.password}"
        if b"UsernameToken" not in request.body or request.text("Username") != USER:
            return False
        if b"#PasswordText" in request.body:
            return "text" in accepts and request.text("Password") == self.password
        return "token" in accepts and self._token(request)

    def _token(self, request: Request) -> bool:
        nonce, created = base64.b64decode(request.text("Nonce")), request.text("Created")
        if request.text("Nonce") in self._used_nonces:
            return False
        self._used_nonces.add(request.text("Nonce"))
        made = dt.datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC).timestamp()
        right = hashlib.sha1(nonce + created.encode() + self.password.encode()).digest()  # noqa: S324
        return abs(made - self.now()) < 5 and base64.b64encode(right).decode() == request.text("Password")

    def _digest(self, request: Request, shown: str) -> bool:
        parts = dict(re.findall(r'(\w+)="?((?:\\.|[^",])*)"?', shown.replace("Digest ", "")))
        hashed = hashlib.sha256 if self.algorithm == "SHA-256" else hashlib.md5

        def h(text: str) -> str:
            return hashed(text.encode()).hexdigest()

        one = h(f'{USER}:cam, "x":{self.password}')
        two = h(f"{request.method}:{request.path}")
        right = h(f"{one}:{self.nonce}:{parts['nc']}:{parts['cnonce']}:auth:{two}")
        return (parts["response"], parts["uri"]) == (right, request.path)

    # --- what it answers --------------------------------------------------------------------------------------

    def _defaults(self) -> dict[str, Handler]:
        return {
            "GetSystemDateAndTime": self._clock,
            "GetDeviceInformation": self._information,
            "GetServices": self._listed,
            "GetProfiles": self._profiles,
            "GetSnapshotUri": self._snapshot_uri,
            "GetStreamUri": self._stream_uri,
        }

    def _clock(self, _: Request) -> str:
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
            "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>ICT-7</tt:TZ></tt:TimeZone>"
            f"<tt:UTCDateTime>{date_time(self.now())}</tt:UTCDateTime>"
            f"<tt:LocalDateTime>{date_time(self.now() + 25200)}</tt:LocalDateTime>"
            "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _information(self, _: Request) -> str:
        return (
            "<tds:GetDeviceInformationResponse><tds:Manufacturer>Mắt Làng</tds:Manufacturer><tds:Model>ML-4</tds:Model>"
            "<tds:FirmwareVersion>5.1</tds:FirmwareVersion><tds:SerialNumber>S1</tds:SerialNumber>"
            "<tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>"
        )

    def services(self, *paths: tuple[str, str]) -> str:
        listed = "".join(
            f"<tds:Service><tds:Namespace>http://www.onvif.org/ver10/{name}/wsdl</tds:Namespace><tds:XAddr>{address}</tds:XAddr>"
            "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
            for name, address in paths
        )
        return f"<tds:GetServicesResponse>{listed}</tds:GetServicesResponse>"

    def _listed(self, _: Request) -> str:
        return self.services(
            ("device", f"{self.url}/onvif/device_service"), ("media", f"{self.url}/onvif/media")
        )

    def _profiles(self, _: Request) -> str:
        both = profile("main", 1920, 1080) + profile("sub", 640, 360)
        return f"<trt:GetProfilesResponse>{both}</trt:GetProfilesResponse>"

    def _snapshot_uri(self, _: Request) -> str:
        uri = media_uri(f"{self.url}/snap?a=1")
        return f"<trt:GetSnapshotUriResponse><trt:MediaUri>{uri}</trt:MediaUri></trt:GetSnapshotUriResponse>"

    def _stream_uri(self, _: Request) -> str:
        uri = media_uri("rtsp://127.0.0.1:554/live?ch=1&amp;sub=0")
        return f"<trt:GetStreamUriResponse><trt:MediaUri>{uri}</trt:MediaUri></trt:GetStreamUriResponse>"


def media_uri(uri: str) -> str:
    return (
        f"<tt:Uri>{uri}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
        "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout>"
    )


def profile(token: str, width: int | str, height: int, source: str = "v1") -> str:
    return (
        f'<trt:Profiles token="{token}" fixed="true"><tt:Name>{token}</tt:Name><tt:VideoSourceConfiguration token="c">'
        f"<tt:Name>c</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>{source}</tt:SourceToken>"
        '<tt:Bounds x="0" y="0" width="1920" height="1080"/></tt:VideoSourceConfiguration>'
        '<tt:VideoEncoderConfiguration token="e"><tt:Name>e</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height>"
        "</tt:Resolution><tt:Quality>4</tt:Quality></tt:VideoEncoderConfiguration></trt:Profiles>"
    )
