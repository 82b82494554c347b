"""Each fault of a camera as it shows on the wire."""

from __future__ import annotations

import asyncio
import io
import itertools
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from simulators.chance import dice, seed_of
from simulators.onvif import spoil
from simulators.onvif.camera import BEHIND_S
from simulators.onvif.message import Manner, Request
from tests.simulators.cameras import NOW, FakeClock, asking, authorization, camera, name_made_by, shown, soap

if TYPE_CHECKING:
    from numpy.typing import NDArray

PATH = "/onvif/device_service"
CLOCK = soap("GetSystemDateAndTime")
PLAIN = name_made_by("Thanh Long")


def named(throw: int, low: float, high: float) -> str:
    """A camera whose throw lies between `low` and `high`."""
    return next(n for n in (f"c{i:03}" for i in itertools.count()) if low <= dice(seed_of(n), throw) < high)


async def test_a_well_camera() -> None:
    async with shown(PLAIN) as at, asking(at) as asker:
        answer = await asker.ask("POST", PATH, CLOCK)
        assert answer.status == 200
        assert "<tt:Year>2025</tt:Year>" in answer.text


@pytest.mark.parametrize("quarter", range(4))
@pytest.mark.parametrize("fault", ["xml_garbled", "garbled"])
async def test_garbled_answers_are_no_xml(fault: str, quarter: int) -> None:
    async with shown(named(811, quarter / 4, (quarter + 1) / 4)) as at, asking(at) as asker:
        good = (await asker.ask("POST", PATH, CLOCK)).body
        at.faults.add(fault)
        bad = await asker.ask("POST", PATH, CLOCK)
        assert bad.status == 200
        assert bad.body != good
        assert not (b"<env:Body>" in bad.body and bad.body.endswith(b"</env:Body></env:Envelope>"))


async def test_a_truncated_answer_announces_more_than_comes() -> None:
    async with shown(PLAIN) as at, asking(at) as asker:
        at.faults.add("reply_truncated")
        with pytest.raises(asyncio.IncompleteReadError) as cut:
            await asker.ask("POST", PATH, CLOCK)
        assert 0 < len(cut.value.partial) < (cut.value.expected or 0)


async def test_a_reset_comes_in_the_middle_of_an_answer() -> None:
    async with shown(PLAIN) as at, asking(at) as asker:
        at.faults.add("reset")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asker.ask("POST", PATH, CLOCK)
        assert not at.events.kept


async def test_an_answer_without_end() -> None:
    async with shown(named(812, 0, 0.5)) as at, asking(at) as asker:
        at.faults.add("reply_huge")
        asker.writer.write(b"GET / HTTP/1.1\r\n\r\n")
        head = await asker.reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length: 1000000000" in head
        came = 0
        while came < 1_000_000:
            came += len(await asker.reader.read(65_536))


async def test_an_answer_that_is_small_until_it_is_unpacked() -> None:
    async with shown(named(812, 0.5, 1)) as at, asking(at) as asker:
        at.faults.add("reply_huge")
        answer = await asker.ask("POST", PATH, CLOCK)
        assert answer.headers["content-encoding"] == "gzip"
        assert len(answer.body) < 200_000
        assert len(zlib.decompressobj(31).decompress(answer.body, 5_000_000)) == 5_000_000


async def test_an_xml_bomb_is_sent() -> None:
    async with shown(PLAIN) as at, asking(at) as asker:
        at.faults.add("xml_bomb")
        answer = await asker.ask("POST", PATH, CLOCK)
        assert answer.body == spoil.BOMB
        assert answer.body.count(b"<!ENTITY") == 10
        assert answer.body.count(b"&a8;") == 10


async def test_a_redirect_loop_loops() -> None:
    async with shown(PLAIN) as at, asking(at) as asker:
        at.faults.add("redirect_loop")
        seen, path = set(), PATH
        for _ in range(20):
            answer = await asker.ask("POST", path, CLOCK)
            assert answer.status == 302
            path = answer.headers["location"].removeprefix("http://camera")
            assert path not in seen
            seen.add(path)


async def test_slow_answers_come_late_or_by_drops() -> None:
    late, drops = camera(named(810, 0, 0.5)), camera(named(810, 0.5, 1))

    for slow in (late, drops):
        slow.faults.add("slow_answers")
    asked = Request("POST", PATH, {}, CLOCK)
    assert late.answer(asked).after_s == spoil.LATE_S
    assert drops.answer(asked).manner is Manner.DRIP


async def test_drops_add_up_to_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.onvif.talk.DRIP_S", 0)
    async with shown(named(810, 0.5, 1)) as at, asking(at) as asker:
        at.faults.add("slow_answers")
        for _ in range(2):
            assert b"GetSystemDateAndTimeResponse" in (await asker.ask("POST", PATH, CLOCK)).body


async def test_inner_addresses() -> None:
    async with shown(PLAIN) as at, asking(at) as asker:
        assert f"http://{at.host}:{at.port}/onvif/media" in (await asker.call(at, "GetServices")).text
        at.faults.add("inner_xaddr")
        for action, inside, service in (
            ("GetServices", "", "device_service"),
            ("GetCapabilities", "", "device_service"),
            ("GetSnapshotUri", "<ProfileToken>Profile_1</ProfileToken>", "media_service"),
            ("GetStreamUri", "<ProfileToken>Profile_1</ProfileToken>", "media_service"),
        ):
            text = (await asker.call(at, action, inside, service)).text
            assert "//192.168.1." in text
            assert at.host not in text


@pytest.mark.parametrize(("fault", "off"), [("clock_1970", 1000 - NOW), ("clock_behind", -BEHIND_S)])
async def test_a_wrong_clock_until_somebody_sets_it(fault: str, off: float) -> None:
    async with shown(PLAIN) as at, asking(at) as asker:
        at.clock_off = 0
        at.faults.add(fault)
        assert at.now() == NOW + off
        told = (await asker.ask("POST", PATH, CLOCK)).text
        assert f"<tt:Year>{1970 if fault == 'clock_1970' else 2025}</tt:Year>" in told
        parts = {"Hour": 8, "Minute": 0, "Second": 7, "Year": 2025, "Month": 7, "Day": 1}
        inside = "<DateTimeType>Manual</DateTimeType>" + "".join(
            f"<t:{k}>{v}</t:{k}>" for k, v in parts.items()
        )
        assert (await asker.call(at, "SetSystemDateAndTime", inside)).status == 200
        assert at.now() == NOW + 7
        assert not at.faults


# ------------------------------------------------------------ pictures


async def seen(fault: str, clock_s: float = 0) -> tuple[NDArray[np.float64], bytes]:
    """The picture of a camera with a fault, in grey, and its bytes; `clock_s` after the fault."""
    async with shown(PLAIN) as at, asking(at) as asker:
        if fault:
            at.faults.add(fault)
        at.notice()
        assert isinstance(at.clock, FakeClock)
        at.clock.at += clock_s
        answer = await asker.picture(at)
        assert answer.headers["content-type"] == "image/jpeg"
        return np.asarray(Image.open(io.BytesIO(answer.body)).convert("L"), dtype=float), answer.body


def rough(picture: NDArray[np.float64]) -> float:
    return float(np.abs(np.diff(picture, axis=1)).mean())


async def test_a_scene_moves_and_a_frozen_one_does_not() -> None:
    assert (await seen(""))[1] != (await seen("", 60))[1]
    still, later = await seen("frozen"), await seen("frozen", 60)
    assert np.abs(still[0][60:] - later[0][60:]).mean() < 3  # the clock above may run on


async def test_what_happens_to_a_lens() -> None:
    good = (await seen(""))[0]
    assert (await seen("black"))[0].mean() < 15 < good.mean()
    assert (await seen("overexposed"))[0].mean() > 220
    assert rough((await seen("blurred"))[0]) < rough(good) / 2
    assert rough((await seen("covered"))[0]) < rough(good) / 2
    assert np.abs((await seen("turned"))[0] - good).mean() > 10


async def test_no_snapshot_is_said_and_none_is_given() -> None:
    async with shown(PLAIN) as at, asking(at) as asker:
        at.faults.add("no_snapshot")
        inside = "<ProfileToken>Profile_1</ProfileToken>"
        assert "ActionNotSupported" in (await asker.call(at, "GetSnapshotUri", inside, "media_service")).text
        assert (await asker.picture(at)).status == 404


async def test_pictures_are_kept_for_seconds_and_not_many() -> None:
    async with shown(PLAIN) as at, asking(at) as asker:
        for _ in range(5):
            await asker.picture(at)
        assert at.pictures.drawn == 1
        for i in range(100):
            at.pictures.of(camera(f"d{i}"))
        assert len(at.pictures._kept) <= 64


async def test_a_maker_of_large_pictures() -> None:
    async with shown(name_made_by("Lam Son")) as at, asking(at) as asker:
        answer = await asker.picture(at)
        assert 1_000_000 <= len(answer.body) < 1_200_000
        assert Image.open(io.BytesIO(answer.body)).size == (640, 360)


# ------------------------------------------------------------ RTSP


async def test_a_stream_is_described_to_who_logs_in() -> None:
    async with shown(PLAIN) as at, asking(at, at.rtsp_port) as asker:
        at.open_stream = False
        url = f"rtsp://{at.host}:{at.rtsp_port}{at.maker.stream_path}"
        wrong = url + "x"
        assert (await asker.ask("OPTIONS", wrong, proto="RTSP/1.0")).status == 200
        first = await asker.ask("DESCRIBE", url, headers={"CSeq": "2"}, proto="RTSP/1.0")
        assert (first.status, first.headers["cseq"]) == (401, "2")
        challenge = first.headers["www-authenticate"]

        async def describe(where: str, count: int, password: str = "mật khẩu 1") -> int:
            header = authorization(challenge, "DESCRIBE", where, password, count)
            answer = await asker.ask("DESCRIBE", where, headers={"Authorization": header}, proto="RTSP/1.0")
            assert (b"m=video" in answer.body) == (answer.status == 200)
            return answer.status

        assert await describe(url, 1) == 200
        assert await describe(url, 1) == 401, "replayed"
        assert await describe(wrong, 2) == 404
        assert await describe(url, 3, "other") == 401
        at.open_stream = True
        assert (await asker.ask("DESCRIBE", url, proto="RTSP/1.0")).status == 200


async def test_a_stream_that_answers_nothing_after_options() -> None:
    async with shown(PLAIN) as at, asking(at, at.rtsp_port) as asker:
        at.faults.add("no_stream")
        assert (await asker.ask("OPTIONS", "rtsp://x/", proto="RTSP/1.0")).status == 200
        asker.writer.write(b"DESCRIBE rtsp://x/ RTSP/1.0\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await asker.reader.read(1)


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET /\r\n\r\n",
        b"x" * 20_000,
        b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n",
    ],
)
async def test_what_is_no_request_ends_the_connection(junk: bytes) -> None:
    async with shown(PLAIN) as at, asking(at) as asker:
        asker.writer.write(junk)
        assert await asker.reader.read() == b""
