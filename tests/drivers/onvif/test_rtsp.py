"""RTSP against GStreamer's server, with its own logins; and against servers meant to hurt."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import re
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import pytest
from PIL import Image

from drivers.onvif import Allowed, Camera, CameraError, Code, Cost, Target
from drivers.onvif.keyframe import decode
from drivers.onvif.login import Login
from drivers.onvif.rtp import FRAME_CAP, Assembler, Track, control_url, video
from drivers.onvif.rtp_jpeg import JpegAssembler
from drivers.onvif.rtsp import Rtsp, Stream
from tests.drivers.onvif.fake import PASSWORD, USER, FakeCamera, media_uri

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Server = Callable[[str], Awaitable[int]]
    Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

GST = Path(__file__).with_name("gst_rtsp.py")


@pytest.fixture
async def gst(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Starts GStreamer's server with a way of logging in (open, basic, digest); gives its port."""
    started: list[asyncio.subprocess.Process] = []
    environment = {"GST_DEBUG": "0", "GST_REGISTRY": str(tmp_path_factory.getbasetemp() / "gst-registry.bin")}

    async def start(method: str) -> int:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            "/usr/bin/python3",
            str(GST),
            method,
            USER,
            PASSWORD,
            stdin=pipe,
            stdout=pipe,
            env=environment,
        )
        started.append(process)
        assert process.stdout
        line = await process.stdout.readline()
        assert line, "GStreamer's RTSP server does not start: .ci/debian-packages installs what it needs"
        return int(line)

    yield start
    for process in started:
        assert process.stdin
        process.stdin.close()
        await process.wait()


class Asker:
    """One camera's RTSP, as Camera uses it."""

    def __init__(self, **other: Any) -> None:
        said: dict[str, Any] = {"username": USER, "password": PASSWORD} | other
        target = Target("c1", "127.0.0.1", **said)
        self.allowed, self.login, self.cost = Allowed(target), Login(target), Cost()

    def __call__(self, port: int, path: str, seconds: float = 10.0) -> Rtsp:
        return Rtsp(f"rtsp://127.0.0.1:{port}{path}", self.allowed, self.login, self.cost, seconds=seconds)


async def describe(session: Rtsp) -> Stream:
    async with session:
        return await session.describe()


async def failure(session: Rtsp, *, key_frame: bool = False) -> CameraError:
    with pytest.raises(CameraError) as caught:
        async with session:
            await (session.key_frame() if key_frame else session.describe())
    assert PASSWORD not in str(caught.value)
    return caught.value


# --- GStreamer ------------------------------------------------------------------------------------------------


async def test_a_stream_that_is_open_to_anybody(gst: Server) -> None:
    port = await gst("open")
    ask = Asker()
    assert await describe(ask(port, "/h264")) == Stream("H264", open=True)
    assert await describe(Asker(username="")(port, "/h264")) == Stream("H264", open=True)
    assert (await failure(ask(port, "/none"))).code is Code.NO_SUCH_SERVICE


async def test_digest(gst: Server) -> None:
    port = await gst("digest")
    ask = Asker()
    assert await describe(ask(port, "/h264")) == Stream("H264", open=False)
    assert ask.cost.requests == 2
    for other in ({"password": "wrong"}, {"username": ""}):
        ask = Asker(**other)
        error = await failure(ask(port, "/h264"))
        assert (error.code, error.permanent) == (Code.LOGIN_REFUSED, True)
        spent = ask.cost.requests
        await failure(ask(port, "/h264"))
        assert ask.cost.requests == spent  # not shown again
        ask.login.forgive()
        await failure(ask(port, "/h264"))
        assert ask.cost.requests > spent


async def test_basic_only_where_that_is_allowed(gst: Server) -> None:
    port = await gst("basic")
    assert (await failure(Asker()(port, "/h264"))).code is Code.LOGIN_PLAIN
    assert await describe(Asker(plain_password=True)(port, "/h264")) == Stream("H264", open=False)


@pytest.mark.parametrize(
    ("path", "size"), [("/h264", (640, 360)), ("/large", (1920, 1080)), ("/jpeg", (320, 240))]
)
async def test_a_key_frame(gst: Server, path: str, size: tuple[int, int]) -> None:
    """The large one is 2,560 points wide in many packets, and made smaller."""
    ask = Asker()
    async with ask(await gst("digest"), path) as session:
        encoding, data = await session.key_frame()
    picture = Image.open(io.BytesIO(decode(encoding, data)))
    assert (picture.format, picture.size) == ("JPEG", size)
    if path != "/large":  # which is snow
        bars = picture.crop((0, 0, size[0], size[1] // 2)).resize((7, 1)).tobytes()
        assert [max(bars[i : i + 3]) > 128 for i in range(0, 21, 3)] == [True] * 7
        assert [bars[i] > 90 for i in range(0, 21, 3)] == [True, True, False, False, True, True, False]
    assert ask.cost.bytes_in > len(data) // 2


async def test_a_camera_without_snapshots(gst: Server, fake: FakeCamera) -> None:
    port = await gst("digest")
    uri = media_uri(f"rtsp://192.168.1.64:{port}/h264")
    fake.handlers["GetStreamUri"] = lambda _: (
        f"<trt:GetStreamUriResponse><trt:MediaUri>{uri}</trt:MediaUri></trt:GetStreamUriResponse>"
    )
    target = Target("c1", "127.0.0.1", fake.port, username=USER, password=PASSWORD)
    async with Camera(target) as camera:
        assert await camera.stream() == Stream("H264", open=False)
        assert (await camera.key_frame()).startswith(b"\xff\xd8\xff")


# --- servers meant to hurt ------------------------------------------------------------------------------------

OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n"
SDP = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"
DESCRIBED = OK + b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(SDP) + SDP


def rtp(payload: bytes, *, stamp: int = 1, marker: bool = False) -> bytes:
    packet = (
        bytes([0x80, 0x60 | (0x80 if marker else 0)])
        + bytes(2)
        + stamp.to_bytes(4, "big")
        + bytes(4)
        + payload
    )
    return b"$\0" + len(packet).to_bytes(2, "big") + packet


@contextlib.asynccontextmanager
async def serving(*answers: bytes | float, repeat: int = 1, pause: float = 0.0) -> AsyncIterator[int]:
    """One answer a request; a number waits; after the last one, it goes on `repeat` times."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            for i, answer in enumerate(answers):
                await reader.readuntil(b"\r\n\r\n")
                for _ in range(repeat if i == len(answers) - 1 else 1):
                    if isinstance(answer, float):
                        await asyncio.sleep(answer)
                        continue
                    step = 1 if pause else len(answer) or 1
                    for at in range(0, len(answer), step):
                        writer.write(answer[at : at + step])
                        await writer.drain()
                        await asyncio.sleep(pause)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(
    ("answers", "repeat", "pause", "codes"),
    [
        ((30.0,), 1, 0, {Code.TIMEOUT}),
        ((DESCRIBED,), 1, 0.02, {Code.TIMEOUT}),
        ((b"",), 1, 0, {Code.RESET}),
        ((OK + b"Content-Length: 500\r\n\r\nv=0",), 1, 0, {Code.GARBLED}),
        ((OK + b"Content-Length: 50000000\r\n\r\nv=0",), 1, 0, {Code.TOO_LARGE}),
        ((OK + b"Content-Length: -1\r\n\r\n",), 1, 0, {Code.TOO_LARGE}),
        ((b"HTTP/1.1 200 OK\r\n\r\n",), 1, 0, {Code.GARBLED}),
        ((b"junk" * 1000,), 5000, 0, {Code.GARBLED}),
        ((b"$\0\xff\xff" + bytes(65535),), 5000, 0, {Code.GARBLED}),
        ((OK + b"X: y\r\n" * 3000 + b"\r\n",), 1, 0, {Code.GARBLED}),
        ((OK + b"\r\n",), 1, 0, {Code.GARBLED}),
        ((b"RTSP/1.0 302 Moved\r\nLocation: rtsp://198.51.100.1/\r\n\r\n",), 1, 0, {Code.REDIRECTED}),
        ((b"RTSP/1.0 453 Not Enough Bandwidth\r\n\r\n",), 1, 0, {Code.BUSY}),
        ((b"RTSP/1.0 500 Oops\r\n\r\n",), 1, 0, {Code.FAILED}),
        ((b"RTSP/1.0 401 Maximum connections reached\r\n\r\n",), 1, 0, {Code.LOGIN_FULL}),
    ],
)
async def test_a_hostile_description(
    answers: tuple[bytes | float, ...], repeat: int, pause: float, codes: set[Code]
) -> None:
    began = time.monotonic()
    async with serving(*answers, repeat=repeat, pause=pause) as port:
        error = await failure(Asker()(port, "/x", seconds=1.0))
    assert error.code in codes
    assert time.monotonic() - began < 5


PLAYED = (DESCRIBED, OK + b"\r\n")
NO_KEY = OK + b"\r\n" + rtp(b"\x41" + bytes(60_000), marker=True) * 280
ENDLESS_KEY = OK + b"\r\n" + rtp(b"\x7c\x85") + rtp(b"\x7c\x05" + bytes(60_000)) * 100


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ((*PLAYED, NO_KEY), Code.TOO_LARGE),
        ((*PLAYED, ENDLESS_KEY), Code.TOO_LARGE),
        ((*PLAYED, OK + b"\r\n" + b"junk" * 50_000), Code.GARBLED),
        ((*PLAYED, OK + b"\r\n" + rtp(b"\x65cut")[:-2]), Code.GARBLED),
        ((DESCRIBED, b"RTSP/1.0 461 Unsupported Transport\r\n\r\n"), Code.FAILED),
        ((*PLAYED, b"RTSP/1.0 453 Full\r\n\r\n"), Code.BUSY),
        ((*PLAYED, 30.0), Code.TIMEOUT),
        ((*PLAYED, OK + b"\r\n", 30.0), Code.TIMEOUT),
    ],
)
async def test_a_hostile_stream(answers: tuple[bytes | float, ...], code: Code) -> None:
    began = time.monotonic()
    async with serving(*answers) as port:
        error = await failure(Asker()(port, "/x", seconds=1.0), key_frame=True)
    assert error.code is code
    assert time.monotonic() - began < 5


async def test_a_stream_is_read_as_there_is_room() -> None:
    nothing = b"".join(rtp(b"\x41" + bytes(1400)) for _ in range(100))
    ask, waits, seen = Asker(), 0, list[int]()
    ask.cost.carried = seen.append

    async def room() -> None:
        nonlocal waits
        waits += 1
        await asyncio.sleep(0.002)

    key = rtp(b"\x67sps") + rtp(b"\x68pps") + rtp(b"\x65idr", marker=True)
    answers = DESCRIBED, OK + b"Session: 7\r\n\r\n", OK + b"\r\n" + nothing * 4 + key
    async with serving(*answers) as port, ask(port, "/x", seconds=0.5) as session:
        _, data = await session.key_frame(room)
    assert data.endswith(b"\x65idr")
    assert waits > 400, "0.8 s and more, which are not the camera's"
    assert max(seen) < 2000


async def test_what_came_after_the_key_frame_counts_too() -> None:
    key = rtp(b"\x67sps") + rtp(b"\x68pps") + rtp(b"\x65idr", marker=True)
    more = b"".join(rtp(b"\x41" + bytes(1400)) for _ in range(100))
    ask = Asker()
    async with serving(DESCRIBED, OK + b"Session: 7\r\n\r\n", OK + b"\r\n" + key + more) as port:
        async with ask(port, "/x") as session:
            await session.key_frame()
            await asyncio.sleep(0.1)  # the camera goes on
            read = ask.cost.bytes_in
        assert ask.cost.bytes_in - read > 8_000


async def test_an_encoding_that_is_not_read() -> None:
    sdp = SDP.replace(b"H264", b"MP4V-ES")
    async with serving(OK + b"Content-Length: %d\r\n\r\n" % len(sdp) + sdp) as port:
        error = await failure(Asker()(port, "/x"), key_frame=True)
    assert (error.code, error.permanent) == (Code.NO_SUCH_SERVICE, True)
    assert "MP4V-ES" in error.reason


async def test_nothing_listens_and_foreign_addresses() -> None:
    async with serving(b"") as port:
        pass
    assert (await failure(Asker()(port, "/x"))).code is Code.REFUSED
    ask = Asker()
    with pytest.raises(CameraError) as caught:
        Rtsp("rtsp://198.51.100.1/x", ask.allowed, ask.login, ask.cost)
    assert caught.value.code is Code.FORBIDDEN_ADDRESS


async def test_a_cancelled_key_frame_leaves_no_connection() -> None:
    async with serving(DESCRIBED, OK + b"Session: 7\r\n\r\n", 30.0) as port:

        async def ask() -> None:
            async with Asker()(port, "/x", seconds=20.0) as session:
                await session.key_frame()

        task = asyncio.create_task(ask())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


# --- pure -----------------------------------------------------------------------------------------------------


def test_descriptions() -> None:
    said = (
        "v=0\r\nm=audio 0 RTP/AVP 0\r\na=control:a\r\nm=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\n"
        "a=fmtp:97 sprop-vps=QAE=; sprop-sps=QgE=;sprop-pps=RAE\r\na=control:rtsp://10.0.0.1/v\r\n"
        "m=audio 0 RTP/AVP 8\r\n"
    )
    track = video(said)
    assert track == Track(
        "H265", 97, "rtsp://10.0.0.1/v", b"".join(b"\0\0\0\1" + u for u in (b"@\1", b"B\1", b"D\1"))
    )
    assert video("v=0\r\nm=audio 0 RTP/AVP 0\r\n") is None
    assert video("") is None
    assert video("m=video 0 RTP/AVP ²") is None
    assert video("m=video 0 RTP/AVP 26\n") == Track("JPEG", 26, "", b"")
    assert video("m=video 0 RTP/AVP 96\na=fmtp:96 sprop-parameter-sets=!!,A,Z0IAKQ==\n")
    assert control_url("rtsp://h/a/", "track1") == control_url("rtsp://h/a", "/track1") == "rtsp://h/a/track1"
    assert control_url("rtsp://h/a", "rtsp://[") == "rtsp://["
    assert control_url("rtsp://h/a", "*") == control_url("rtsp://h/a", "") == "rtsp://h/a"


def packets(*parts: bytes, stamp: int = 9) -> list[bytes]:
    return [rtp(p, stamp=stamp, marker=i == len(parts) - 1)[4:] for i, p in enumerate(parts)]


AVC = Track("H264", 96, "", b"P")
START = b"\0\0\0\1"


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (
            [b"\x67sps", b"\x68pps", b"\x65idr"],
            b"P" + START + b"\x67sps" + START + b"\x68pps" + START + b"\x65idr",
        ),
        ([b"\x18\x00\x02\x67s\x00\x03\x65id"], b"P" + START + b"\x67s" + START + b"\x65id"),
        ([b"\x7c\x85aa", b"\x7c\x05bb", b"\x7c\x45cc"], b"P" + START + b"\x65aabbcc"),
        ([b"\x7c\x05bb", b"\x7c\x45cc"], None),  # begins before us
        ([b"\x41picture"], None),
        ([b"\x18\xff\xff\x65"], b"P" + START + b"\x65"),  # a length that lies
        ([b"\x18\x00"], None),
        ([b""], None),
    ],
)
def test_packets_of_h264(parts: list[bytes], whole: bytes | None) -> None:
    assembler = Assembler(AVC)
    assert [assembler.add(p) for p in packets(*parts)][-1] == whole


def test_packets_of_h265() -> None:
    track = Track("H265", 96, "", b"")
    fragments = packets(b"\x62\x01\x93aa", b"\x62\x01\x13bb", b"\x62\x01\x53cc")  # FU of an IDR (19)
    assembler = Assembler(track)
    assert [assembler.add(p) for p in fragments][-1] == START + b"\x26\x01aabbcc"
    assert Assembler(track).add(packets(b"\x60\x01\x00\x03\x26\x01i")[0]) == START + b"\x26\x01i"
    assert Assembler(track).add(packets(b"\x02\x01p")[0]) is None


def test_a_sender_without_markers_and_one_with_extensions() -> None:
    assembler = Assembler(AVC)
    first = bytearray(packets(b"\x65idr")[0])
    first[1] &= 0x7F
    assert assembler.add(bytes(first)) is None
    assert assembler.add(packets(b"\x41next", stamp=10)[0]) == b"P" + START + b"\x65idr"
    plain = packets(b"\x65idr\0\0\x03", stamp=11)[0]
    extended = bytes([plain[0] | 0x30]) + plain[1:12] + b"\xbe\xde\0\1abcd" + plain[12:]
    assert assembler.add(extended) == b"P" + START + b"\x65idr"


def test_frames_are_bounded_and_junk_is_nothing() -> None:
    assembler = Assembler(AVC)
    assert assembler.add(b"") is None
    assert assembler.add(bytes(50)) is None
    big = b"\x65" + bytes(FRAME_CAP // 2)
    assembler.add(bytes([0x80, 0x60]) + bytes(10) + big)
    with pytest.raises(CameraError, match="larger than"):
        assembler.add(bytes([0x80, 0x60]) + bytes(10) + big)


def test_a_key_frame_of_h265_from_its_packets() -> None:
    """Encoded by FFmpeg, cut into packets by hand (RFC 7798), put together and decoded again."""
    encoder = av.CodecContext.create("libx265", "w")
    assert isinstance(encoder, av.video.codeccontext.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 320, 192, "yuv420p"
    encoder.time_base = Fraction(1, 10)
    encoder.options = {"x265-params": "log-level=none"}
    drawn = Image.linear_gradient("L").resize((320, 192)).convert("RGB")
    frame = av.VideoFrame.from_image(drawn)
    stream = b"".join(bytes(p) for p in [*encoder.encode(frame), *encoder.encode(None)])
    units = [u for u in re.split(rb"\x00\x00\x00?\x01", stream) if u]
    parts: list[bytes] = []
    for unit in units:
        if len(unit) < 100:
            parts.append(unit)
            continue
        kind, body = (unit[0] >> 1) & 0x3F, unit[2:]
        head = bytes([unit[0] & 0x81 | 49 << 1, unit[1]])
        pieces = [body[i : i + 90] for i in range(0, len(body), 90)]
        flags = [0x80 * (i == 0) | 0x40 * (i == len(pieces) - 1) for i in range(len(pieces))]
        parts += [head + bytes([flag | kind]) + piece for flag, piece in zip(flags, pieces, strict=True)]
    assembler = Assembler(Track("H265", 96, "", b""))
    whole = [assembler.add(p) for p in packets(*parts)][-1]
    assert whole
    picture = Image.open(io.BytesIO(decode("H265", whole)))
    assert picture.size == (320, 192)
    column = picture.convert("L").resize((1, 4)).tobytes()
    assert list(column) == sorted(column)


@pytest.mark.parametrize("quality", [20, 50, 75, 95])
def test_packets_of_jpeg(quality: int) -> None:
    """Libjpeg's own tables for that quality are those of the RFC."""
    out = io.BytesIO()
    drawn = Image.linear_gradient("L").resize((64, 48)).convert("RGB")
    drawn.save(out, "JPEG", quality=quality)
    scan = out.getvalue()[out.getvalue().index(b"\xff\xda") + 14 : -2]
    head = bytes([1, quality, 8, 6])
    first, last = scan[: len(scan) // 2], scan[len(scan) // 2 :]
    parts = [bytes(4) + head + first, b"\0" + len(first).to_bytes(3, "big") + head + last]
    track = Track("JPEG", 96, "", b"")
    assembler = JpegAssembler(track)
    assert assembler.add(packets(*parts)[1]) is None  # begins before us
    first_packet, last_packet = packets(*parts)
    assert assembler.add(first_packet) is None
    whole = assembler.add(last_packet)
    assert whole
    again = Image.open(io.BytesIO(decode("JPEG", whole)))
    ours, theirs = again.convert("L").tobytes(), Image.open(out).convert("L").tobytes()
    assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) < 12


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        bytes(7),
        bytes(4) + b"\1\xff\5\5",  # tables are announced and missing
        bytes(4) + b"\1\x50\0\0",  # no size
        bytes(4) + b"\x41\xff\5\5" + bytes(5) + b"\x80\xff\xff",  # half of the tables
    ],
)
def test_packets_of_jpeg_that_are_none(payload: bytes) -> None:
    assert JpegAssembler(Track("JPEG", 96, "", b"")).add(packets(payload)[0]) is None


@pytest.mark.parametrize("encoding", ["H264", "H265", "JPEG"])
def test_what_cannot_be_decoded(encoding: str) -> None:
    for junk in (b"", b"\0\0\0\1\x65junk", hashlib.sha256(b"x").digest() * 50):
        with pytest.raises(CameraError) as caught:
            decode(encoding, junk)
        assert caught.value.code is Code.NOT_A_PICTURE
