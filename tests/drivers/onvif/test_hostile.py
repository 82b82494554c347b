"""Replies meant to hurt: each ends in time, in little memory, with a stated code."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from drivers.onvif import Camera, CameraError, Code, Target
from tests.drivers.onvif.fake import JPEG, Answer, FakeCamera, Raw, envelope, profile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.drivers.onvif.conftest import Client

    Write = Callable[[asyncio.StreamWriter], Awaitable[None]]

CALL_S = 1.0
ANSWER_S = CALL_S + 4.0
MEMORY = 16_000_000

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n"
ENTITIES = b"".join(b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 10))
BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "lol">' + ENTITIES + b"]><x>&a9;</x>"
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'


def sent(*parts: bytes, repeat: int = 1, pause: float = 0.0, abort: bool = False) -> Write:
    async def write(writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            for _ in range(repeat):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    if pause:
                        await asyncio.sleep(pause)
            if abort:
                await asyncio.sleep(0.05)
                writer.transport.abort()

    return write


def with_length(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


DEEP = envelope("<a>" * 200_000 + "</a>" * 200_000)
BROAD = envelope("<a/>" * 400_000)
CASES: dict[str, tuple[Write, set[Code]]] = {
    "entity-bomb": (sent(with_length(BOMB)), {Code.GARBLED}),
    "external-entity": (sent(with_length(OUTSIDE)), {Code.GARBLED}),
    "doctype-late": (sent(with_length(b"<!--" + b"x" * 30_000 + b"-->" + BOMB[21:])), {Code.GARBLED}),
    "deep": (sent(with_length(DEEP)), {Code.GARBLED, Code.TOO_LARGE}),
    "deep-within-the-tags": (
        sent(with_length(envelope("<a>" * 25_000 + "</a>" * 25_000))),
        {Code.GARBLED},
    ),
    "broad": (sent(with_length(BROAD)), {Code.TOO_LARGE}),
    "many-attributes": (
        sent(with_length(envelope("<x " + " ".join(f'a{i}=""' for i in range(100_000)) + "/>"))),
        {Code.TOO_LARGE},
    ),
    "many-parts": (
        sent(
            with_length(
                envelope(
                    f"<tds:GetDeviceInformationResponse>{'<x/>' * 5000}</tds:GetDeviceInformationResponse>"
                )
            )
        ),
        {Code.TOO_LARGE},
    ),
    "60-mb-told": (
        sent(HEAD + b"Content-Length: 60000000\r\n\r\n", *[b"x" * 60_000] * 1000),
        {Code.TOO_LARGE},
    ),
    "60-mb-untold": (sent(HEAD + b"Connection: close\r\n\r\n", *[b"x" * 60_000] * 1000), {Code.TOO_LARGE}),
    "gzip-bomb": (
        sent(
            HEAD
            + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
            + gzip.compress(bytes(200_000_000), 9)
        ),
        {Code.TOO_LARGE},
    ),
    "gzip-cut": (
        sent(
            HEAD
            + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
            + gzip.compress(envelope("<x/>") * 50)[:-9]
        ),
        {Code.GARBLED},
    ),
    "gzip-lie": (
        sent(HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\nplain"),
        {Code.GARBLED},
    ),
    "drip-body": (sent(HEAD + b"Content-Length: 5000\r\n\r\n", *[b"x"] * 5000, pause=0.02), {Code.TIMEOUT}),
    "drip-head": (sent(*[b"%c" % c for c in HEAD * 40], pause=0.02), {Code.TIMEOUT}),
    "chunks-of-one-byte": (
        sent(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 400, pause=0.005),
        {Code.TIMEOUT},
    ),
    "endless-junk": (sent(b"junk " * 100_000, repeat=200), {Code.GARBLED}),
    "endless-header": (sent(HEAD, *[b"X-Junk: 0123456789\r\n" * 1000] * 50), {Code.GARBLED}),
    "endless-100-continue": (sent(b"HTTP/1.1 100 Continue\r\n\r\n" * 5000, repeat=200), {Code.GARBLED}),
    "two-lengths": (
        sent(HEAD + b"Content-Length: 5\r\nContent-Length: 9\r\n\r\nhello"),
        {Code.GARBLED},
    ),
    "truncated": (sent(HEAD + b"Content-Length: 900\r\n\r\n<s:Envelope"), {Code.GARBLED}),
    "truncated-xml": (sent(with_length(envelope("<tds:Get")[:-60])), {Code.GARBLED}),
    "reset": (sent(HEAD + b"Content-Length: 900\r\n\r\n<s:Env", abort=True), {Code.RESET, Code.GARBLED}),
    "reset-at-once": (sent(abort=True), {Code.RESET}),
    "closed-at-once": (sent(), {Code.RESET}),
    "silence": (sent(b"", pause=30), {Code.TIMEOUT}),
    "not-http": (sent(b"SSH-2.0-dropbear\r\n"), {Code.GARBLED}),
    "empty": (sent(with_length(b"")), {Code.NOT_ONVIF}),
    "nul-bytes": (sent(with_length(bytes(5000))), {Code.GARBLED}),
    "utf-16": (sent(with_length("<a/>".encode("utf-16"))), {Code.GARBLED}),
    "other-xml": (sent(with_length(b"<rss/>")), {Code.GARBLED}),
    "other-answer": (sent(with_length(envelope("<tds:GetUsersResponse/>"))), {Code.GARBLED}),
    "empty-body": (sent(with_length(envelope(""))), {Code.GARBLED}),
}


async def hurt(ask: Callable[[], Awaitable[object]]) -> CameraError:
    tracemalloc.start()
    began = time.monotonic()
    try:
        with pytest.raises(CameraError) as caught:
            await ask()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < ANSWER_S
    assert peak < MEMORY
    assert len(str(caught.value)) < 300
    return caught.value


@pytest.mark.parametrize("case", CASES)
async def test_a_hostile_reply(fake: FakeCamera, client: Client, case: str) -> None:
    write, expected = CASES[case]
    camera = client(call_s=CALL_S)
    await camera.clock()
    fake.handlers["GetDeviceInformation"] = lambda _: Raw(write)
    error = await hurt(camera.information)
    assert error.code in expected
    del fake.handlers["GetDeviceInformation"]
    assert (await camera.information()).model == "ML-4"  # nothing of it stays


SLOW = {
    "attributes": "<trt:Profiles " + " ".join(f'a{i}="1"' for i in range(11_900)) + "/>",
    "parts": '<trt:Profiles token="a"/>' * 1_000,
    "broken-parts": '<trt:Profiles token="a"><tt:Extension xsi:type="v:X"><x/></tt:Extension></trt:Profiles>'
    * 990,
    "deep-parts": "".join(profile(f"p{i}", 640, 360) for i in range(900)),
    "long-text": f'<trt:Profiles token="a"><tt:Name>{"x" * 1_900_000}</tt:Name></trt:Profiles>',
    "long-number": '<trt:Profiles token="a"><tt:VideoEncoderConfiguration><tt:UseCount>'
    f"{'9' * 1_900_000}</tt:UseCount></tt:VideoEncoderConfiguration></trt:Profiles>",
    "prefixes": "".join(f'<x xmlns:n{i}="urn:{i}"/>' for i in range(990)),
}


@pytest.mark.parametrize("case", SLOW)
async def test_what_is_allowed_is_read_in_time(fake: FakeCamera, client: Client, case: str) -> None:
    """Just within the limits; the answer may be anything, it must come."""
    fake.handlers["GetProfiles"] = lambda _: (
        f"<trt:GetProfilesResponse>{SLOW[case]}</trt:GetProfilesResponse>"
    )
    camera = client()
    await camera.services()
    began = time.process_time()
    with contextlib.suppress(CameraError):
        assert len(await camera.profiles()) <= 300
    assert time.process_time() - began < 5


@pytest.mark.parametrize("case", ["60-mb-told", "gzip-bomb", "drip-body", "truncated"])
async def test_a_hostile_picture(fake: FakeCamera, client: Client, case: str) -> None:
    write, expected = CASES[case]
    camera = client(call_s=CALL_S)
    await camera.snapshot()
    fake.handlers["/snap?a=1"] = lambda _: Raw(write)
    assert (await hurt(camera.snapshot)).code in expected


async def test_a_redirect_loop(fake: FakeCamera, client: Client) -> None:
    fake.handlers["GetDeviceInformation"] = lambda r: Answer(b"", 302, {"Location": r.path})
    assert (await hurt(client().information)).code is Code.REDIRECTED
    assert fake.operations.count("GetDeviceInformation") == 2


async def test_one_redirect_at_home_is_followed(fake: FakeCamera, client: Client) -> None:
    fake.handlers["/snap?a=1"] = lambda _: Answer(b"", 302, {"Location": "/snapshot.jpg"})
    fake.handlers["/snapshot.jpg"] = lambda _: Answer(JPEG, headers={"Content-Type": "image/jpeg"})
    fake.picture_accepts = {"nothing"}
    assert await client().snapshot() == JPEG


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://198.51.100.1/", Code.FORBIDDEN_ADDRESS),
        ("http://10.0.0.1/", Code.FORBIDDEN_ADDRESS),
        ("http://169.254.169.254/latest/meta-data", Code.FORBIDDEN_ADDRESS),
        ("file:///etc/passwd", Code.GARBLED),
        ("http://[", Code.GARBLED),
        ("\xff//\x01", Code.GARBLED),
        ("http://127.0.0.1@198.51.100.1/", Code.FORBIDDEN_ADDRESS),
    ],
)
async def test_a_redirect_elsewhere_is_not_followed(
    fake: FakeCamera, client: Client, location: str, code: Code
) -> None:
    fake.handlers["GetDeviceInformation"] = lambda _: Answer(b"", 307, {"Location": location})
    assert (await hurt(client().information)).code is code


async def test_nothing_listens() -> None:
    async with FakeCamera() as gone:
        port = gone.port
    async with Camera(Target("c", "127.0.0.1", port)) as camera:
        assert (await hurt(camera.clock)).code is Code.REFUSED


async def test_no_such_host() -> None:
    async with Camera(Target("c", "no-such-camera.invalid")) as camera:
        assert (await hurt(camera.clock)).code in {Code.NO_SUCH_HOST, Code.TIMEOUT}


async def test_tls_where_there_is_none(client: Client) -> None:
    assert (await hurt(client(call_s=CALL_S, use_tls=True).clock)).code in {
        Code.TLS,
        Code.RESET,
        Code.TIMEOUT,
    }
