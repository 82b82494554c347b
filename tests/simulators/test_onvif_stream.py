"""A stream's pictures: JPEG over RTP as RFC 2435 has it, and as our driver reads it."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops, ImageStat

from drivers.onvif import Camera as Asked
from drivers.onvif import CameraError, Code, Target
from simulators.onvif import rtp
from tests.simulators.cameras import NOW, PASSWORD, USER, Asker, all_makers, asking, name_made_by, shown

if TYPE_CHECKING:
    from simulators.onvif.camera import Camera

PLAIN = name_made_by("Thanh Long")


def driver(at: Camera) -> Asked:
    target = Target(at.name, at.host, at.port, "/onvif/device_service", USER, PASSWORD, plain_password=True)
    return Asked(target, now=lambda: NOW)


async def nothing() -> None:
    """There is room."""


@pytest.mark.parametrize("maker", [m.name for m in all_makers()])
async def test_a_camera_without_snapshots_shows_its_picture_by_its_stream(maker: str) -> None:
    async with shown(name_made_by(maker)) as at:
        at.faults.add("no_snapshot")
        asked = driver(at)
        try:
            with pytest.raises(CameraError) as e:
                await asked.snapshot(nothing)
            assert e.value.code is Code.NO_SUCH_SERVICE
            picture = Image.open(io.BytesIO(await asked.key_frame(nothing))).convert("RGB")
        finally:
            asked.rest()
        own = Image.open(io.BytesIO(at.pictures.of(at))).convert("RGB")
        assert picture.size == own.size
        difference = ImageStat.Stat(ImageChops.difference(picture, own)).mean
        assert max(difference) < 3, "the same picture, encoded once more"


def test_a_jpeg_is_carried_whole_in_numbered_packets() -> None:
    out = io.BytesIO()
    Image.effect_mandelbrot((640, 360), (-2, -1.5, 1, 1.5), 50).convert("RGB").save(out, "JPEG", quality=90)
    found = rtp.scan(out.getvalue())
    assert (found.width, found.height, found.type, len(found.tables)) == (80, 45, 1, 128)
    packets = list(rtp.packets(out.getvalue(), 65_535, 1.7e9))
    numbers = [int.from_bytes(p[2:4], "big") for p in packets]
    assert numbers == [65_535, *range(len(packets) - 1)]
    assert [p[1] >> 7 for p in packets] == [0] * (len(packets) - 1) + [1], "the last one is marked"
    assert len({p[4:8] for p in packets}) == 1, "one time stamp a picture"
    offsets = [int.from_bytes(p[13:16], "big") for p in packets]
    assert offsets == list(range(0, len(found.data), rtp.PIECE))
    assert b"".join(p[20 + (132 if i == 0 else 0) :] for i, p in enumerate(packets)) == found.data


@pytest.mark.parametrize("what", [b"", b"\xff\xd8\xff\xd9", b"no picture at all"])
def test_what_rtp_cannot_carry_is_refused(what: bytes) -> None:
    with pytest.raises(ValueError, match="RTP cannot carry"):
        rtp.scan(what)
    out = io.BytesIO()
    Image.new("L", (64, 64)).save(out, "JPEG")
    with pytest.raises(ValueError, match="RTP cannot carry"):
        rtp.scan(out.getvalue())


async def said(asker: Asker, method: str, at: Camera, **headers: str) -> int:
    url = f"rtsp://{at.host}:{at.rtsp_port}{at.maker.stream_path}"
    return (await asker.ask(method, url, headers=headers, proto="RTSP/1.0")).status


async def test_a_stream_goes_on_until_it_is_torn_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.onvif.rtsp.EVERY_S", 0.01)
    async with shown(PLAIN) as at, asking(at, at.rtsp_port) as asker:
        at.open_stream = True
        assert await said(asker, "PLAY", at) == 455, "nothing is set up"
        assert await said(asker, "SETUP", at, Transport="RTP/AVP;unicast;client_port=5000-5001") == 461
        assert await said(asker, "SETUP", at, Transport="RTP/AVP/TCP;unicast;interleaved=4-5") == 200
        session = f"{at.seed % 10**8:08d}"
        assert await said(asker, "PLAY", at, Session="other") == 454
        assert await said(asker, "PLAY", at, Session=session) == 200
        ends = 0
        async with asyncio.timeout(5):
            while ends < 3:
                head = await asker.reader.readexactly(4)
                assert head[:2] == b"$\4"
                packet = await asker.reader.readexactly(int.from_bytes(head[2:], "big"))
                ends += packet[1] >> 7
        asker.writer.write(b"$\5\0\4RTCP")  # a player's report
        asker.writer.write(f"TEARDOWN * RTSP/1.0\r\nSession: {session}\r\n\r\n".encode())
        async with asyncio.timeout(5):
            while (head := await asker.reader.readexactly(4))[:1] == b"$":
                await asker.reader.readexactly(int.from_bytes(head[2:], "big"))
            assert head + await asker.reader.readuntil(b"\r\n\r\n") == b"RTSP/1.0 200 OK\r\nCSeq: 0\r\n\r\n"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await asker.reader.read(1)


async def test_nobody_sees_a_stream_without_a_login() -> None:
    async with shown(PLAIN) as at, asking(at, at.rtsp_port) as asker:
        at.open_stream = False
        for method in ("DESCRIBE", "SETUP", "PLAY"):
            assert await said(asker, method, at) == 401
