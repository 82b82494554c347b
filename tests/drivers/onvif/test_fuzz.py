"""Honest answers, bent at random: whatever comes of it, it is a value or a CameraError, and it comes in time."""

from __future__ import annotations

import contextlib
import random
import re
from typing import TYPE_CHECKING

import pytest

from drivers.onvif import Allowed, CameraError, Target, digest
from drivers.onvif.clock import offset_s
from drivers.onvif.events import Events
from drivers.onvif.rtp import Assembler, Track, video
from drivers.onvif.rtp_jpeg import JpegAssembler
from tests.drivers.onvif.fake import Answer, FakeCamera, Request, envelope
from tests.drivers.onvif.test_events import PullPoint, message
from tests.drivers.onvif.test_quirks import capabilities
from tests.drivers.onvif.test_recording import jobs, state, summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.onvif import Camera
    from tests.drivers.onvif.conftest import Client

SEEDS = (230, 290)
JUNK = (
    "",
    "-1",
    "99999999999999999999",
    "NaN",
    "true",
    "\u1ec7" * 50,
    "&#0;",
    "&lt;x&gt;",
    "../..",
    "0000-00-00T00:00:00Z",
    "PT-1S",
)


def bent(text: str, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 4)):
        tags = list(re.finditer(r"<[^>]*>", text))
        first, second = sorted(chance.sample(range(len(tags)), 2))
        a, b = tags[first], tags[second]
        match chance.randrange(8):
            case 0:  # a value is junk
                text = text[: a.end()] + chance.choice(JUNK) + text[a.end() :]
            case 1:  # all values are junk
                text = re.sub(r">[^<>]+<", f">{chance.choice(JUNK)}<", text)
            case 2:  # a tag is lost
                text = text[: a.start()] + text[a.end() :]
            case 3:  # a piece is lost
                text = text[: a.start()] + text[b.start() :]
            case 4:  # a piece comes twice
                text = text[: b.start()] + text[a.start() : b.start()] + text[b.start() :]
            case 5:  # an element by another name, closed as it was opened
                name = chance.choice(re.findall(r"<([\w:]+)", text))
                text = re.sub(rf"(</?){name}\b", rf"\1{chance.choice(['x', 'tt:Name', 's:Body'])}", text)
            case 6:  # attributes are lost or strange
                text = re.sub(r'="[^"]*"', f'="{chance.choice(JUNK[:6])}"', text, count=chance.randint(1, 40))
            case 7:  # a maker's addition
                text = text[: a.end()] + '<v:New xmlns:v="urn:v" a="1"><v:X>2</v:X></v:New>' + text[a.end() :]
    return text.encode()


async def everything(camera: Camera) -> None:
    asked: list[Callable[[], object]] = [
        camera.clock, camera.information, camera.services, camera.profiles, camera.stream_uri, camera.snapshot_uri,
        camera.recording, camera.set_clock,
    ]  # fmt: skip
    for ask in asked:
        try:
            await ask()  # type: ignore[misc]
        except CameraError as e:
            assert len(str(e)) < 400  # noqa: PT017 - whether it raises is chance
    try:
        async with Events(camera, wait_s=0) as events:
            await events.pull()
    except CameraError:
        pass


@pytest.mark.parametrize("seed", range(*SEEDS))
async def test_bent_answers(fake: FakeCamera, client: Client, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - chance here is not cryptography
    PullPoint(fake).messages = [message("tns1:VideoSource/SignalLoss")]
    names = ("device", "media", "events", "recording", "search")
    fake.handlers |= {
        "GetServices": lambda _: fake.services(*((n, f"{fake.url}/onvif/{n}") for n in names)),
        "GetCapabilities": lambda _: capabilities(fake.url),
        "GetRecordingSummary": lambda _: summary(3, fake.now()),
        "GetRecordingJobs": lambda _: jobs(["Active"]),
        "GetRecordingJobState": lambda _: state("Active"),
        "SetSystemDateAndTime": lambda _: "<tds:SetSystemDateAndTimeResponse/>",
    }
    honest = fake._defaults() | fake.handlers

    def bend(name: str) -> None:
        def answer(request: Request) -> Answer | str:
            said = honest[name](request)
            if not isinstance(said, str):
                assert isinstance(said, Answer)
                return said
            return Answer(bent(envelope(said).decode(), chance)) if chance.random() < 0.6 else said

        fake.handlers[name] = answer

    for name in honest:
        bend(name)
    fake.accepts = {"nothing"}
    await everything(client(call_s=2.0))


@pytest.mark.parametrize("encoding", ["H264", "H265", "JPEG"])
def test_bent_packets(encoding: str) -> None:
    chance = random.Random(encoding)  # noqa: S311 - chance here is not cryptography
    track = Track(encoding, 96, "", b"")
    for _ in range(300):
        assembler = JpegAssembler(track) if encoding == "JPEG" else Assembler(track)
        for _ in range(chance.randint(1, 20)):
            head = bytes([chance.choice((0x80, 0x90, 0xA0, 0xBF)), chance.choice((0x60, 0xE0))])
            stamp = bytes([0, 0, 0, 0, 0, chance.randrange(3)]) + bytes(4)
            assembler.add(head + stamp + chance.randbytes(chance.choice((0, 1, 2, 3, 4, 9, 40))))
            assembler.add(chance.randbytes(chance.randrange(20)))


def test_bent_words() -> None:
    chance = random.Random(1)  # noqa: S311 - chance here is not cryptography
    signs = 'abDigest Basicrealmnonce="\\,=:/-+<>0123456789m=video a=rtpmap:96 \r\n'
    for _ in range(3000):
        text = "".join(chance.choices(signs, k=chance.randrange(120)))
        digest.read([text, f"Digest {text}", f'Digest realm="{text}", nonce="{text}"'])
        offset_s(text)
        video(text)
        video(f"m=video 0 RTP/AVP 96\na=rtpmap:{text}\na=fmtp:96 sprop-sps={text}")
        with contextlib.suppress(CameraError):
            Allowed(Target("c", "camera.example")).settle(f"rtsp://{text}", ("rtsp",))
