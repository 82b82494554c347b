"""Simulated cameras for tests, and an asker that computes its digests itself."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from devices.device import Device, Kind
from simulators.chance import seed_of
from simulators.onvif.camera import Camera
from simulators.onvif.face import Faces
from simulators.onvif.maker import MAKERS, Maker, maker_of
from simulators.onvif.picture import Pictures
from simulators.outbox import Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

NOW = 1_751_356_800.0  # 2025-07-01 15:00 in Hà Nội
USER, PASSWORD = "village-hub", "mật khẩu 1"
WILL = Message("nowhere", {})


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def name_made_by(maker: str, number: int = 0) -> str:
    """The nth name whose camera that maker made."""
    found = (f"c{i:03}" for i in range(1000) if maker_of(seed_of(f"c{i:03}")) is MAKERS[maker])
    return [next(found) for _ in range(number + 1)][-1]


@dataclass
class FakeBody:
    """What the world knows of a camera."""

    faults: set[str] = field(default_factory=set)
    booted: float = NOW - 1000


@dataclass
class FakeClock:
    at: float = NOW

    def __call__(self) -> float:
        return self.at


def camera(name: str, address: str = "127.20.9.1", port: int = 80, rtsp_port: int = 554) -> Camera:
    device = Device(
        name,
        Kind.CAMERA,
        "v",
        "v",
        driver="onvif",
        address=f"http://{address}:{port}/onvif/device_service",
        login=USER,
    )
    made = Camera(device, PASSWORD, rtsp_port, FakeClock(), Pictures())
    made.body = FakeBody()
    return made


@contextlib.asynccontextmanager
async def shown(name: str) -> AsyncIterator[Camera]:
    """A camera that listens."""
    faces = Faces()
    face = faces.add(camera(name, port=free_port(), rtsp_port=free_port()))
    face.open(WILL)
    faces.start()
    try:
        yield face.camera
    finally:
        faces.stop()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


# ------------------------------------------------------------ asking


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


SPACES = {
    "device_service": "http://www.onvif.org/ver10/device/wsdl",
    "media_service": "http://www.onvif.org/ver10/media/wsdl",
    "media2_service": "http://www.onvif.org/ver20/media/wsdl",
    "event_service": "http://www.onvif.org/ver10/events/wsdl",
    "recording_service": "http://www.onvif.org/ver10/recording/wsdl",
    "search_service": "http://www.onvif.org/ver10/search/wsdl",
    "subscription": "http://docs.oasis-open.org/wsn/b-2",
}


def token(password: str, at: float, nonce: bytes, user: str = USER) -> str:
    """A WS-UsernameToken header after the profile's own formula."""
    created = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    raw = nonce + created.encode() + password.encode()
    digest = base64.b64encode(hashlib.sha1(raw, usedforsecurity=False).digest()).decode()
    wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
    return (
        f'<s:Header><w:Security xmlns:w="{wsse}-wssecurity-secext-1.0.xsd"><w:UsernameToken>'
        f"<w:Username>{user}</w:Username>"
        f'<w:Password Type="{wsse}-username-token-profile-1.0#PasswordDigest">{digest}</w:Password>'
        f'<w:Nonce EncodingType="{wsse}-soap-message-security-1.0#Base64Binary">'
        f"{base64.b64encode(nonce).decode()}</w:Nonce>"
        f'<u:Created xmlns:u="{wsse}-wssecurity-utility-1.0.xsd">{created}</u:Created>'
        "</w:UsernameToken></w:Security></s:Header>"
    )


def soap(action: str, inside: str = "", header: str = "", service: str = "device_service") -> bytes:
    return (
        f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">{header}<s:Body>'
        f'<a:{action} xmlns:a="{SPACES[service]}">{inside}</a:{action}></s:Body></s:Envelope>'
    ).encode()


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def authorization(challenge: str, method: str, uri: str, password: str = PASSWORD, count: int = 1) -> str:
    """An HTTP Digest header after RFC 2617, with qop."""
    said = dict(
        part.strip().replace('"', "").split("=", 1) for part in challenge.removeprefix("Digest ").split(",")
    )
    one, two, nc = md5(f"{USER}:{said['realm']}:{password}"), md5(f"{method}:{uri}"), f"{count:08x}"
    response = md5(f"{one}:{said['nonce']}:{nc}:mine:auth:{two}")
    return (
        f'Digest username="{USER}", realm="{said["realm"]}", nonce="{said["nonce"]}", uri="{uri}", '
        f'qop=auth, nc={nc}, cnonce="mine", response="{response}"'
    )


class Asker:
    """One connection to a camera."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        proto: str = "HTTP/1.1",
    ) -> Answer:
        """One request and its whole answer; raises asyncio.IncompleteReadError where it ends early."""
        lines = [f"{method} {path} {proto}", "Host: camera", f"Content-Length: {len(body)}"]
        lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        async with asyncio.timeout(5):
            first, *rest = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            found = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in rest)}
            return Answer(
                int(first.split()[1]),
                found,
                await self.reader.readexactly(int(found.get("content-length", 0))),
            )

    async def call(
        self, at: Camera, action: str, inside: str = "", service: str = "device_service", *, path: str = ""
    ) -> Answer:
        """A SOAP call, logged in as the camera's maker wants it."""
        path = path or f"/onvif/{service}"
        if "token" in at.maker.ways:
            return await self.ask(
                "POST", path, soap(action, inside, token(PASSWORD, at.now(), nonce()), service)
            )
        asked = soap(action, inside, service=service)
        answer = await self.ask("POST", path, asked)
        if answer.status != 401:
            return answer
        headers = {"Authorization": authorization(answer.headers["www-authenticate"], "POST", path)}
        return await self.ask("POST", path, asked, headers)

    async def picture(self, at: Camera) -> Answer:
        """A snapshot, logged in."""
        path = at.maker.picture_path
        answer = await self.ask("GET", path)
        if answer.status != 401:
            return answer
        challenge = answer.headers["www-authenticate"]
        if challenge.startswith("Basic"):
            header = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        else:
            header = authorization(challenge, "GET", path)
        return await self.ask("GET", path, headers={"Authorization": header})


_nonces = iter(range(10**9))


def nonce() -> bytes:
    return f"nonce {next(_nonces)}".encode()


@contextlib.asynccontextmanager
async def asking(at: Camera, port: int = 0) -> AsyncIterator[Asker]:
    reader, writer = await asyncio.open_connection(at.host, port or at.port)
    try:
        yield Asker(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def all_makers() -> list[Maker]:
    return list(MAKERS.values())
