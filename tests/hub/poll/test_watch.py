"""One visit: in which order, how politely, and what is said of what went wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from drivers.onvif import CameraError, Clock, Code, Cost, Information, Target
from drivers.pictures import PictureError
from hub.poll import watch
from hub.poll.eye import Eye as HubEye
from hub.poll.eye import Sight
from hub.poll.looks import SOONER, SUSPECT_S
from hub.poll.patience import LOGIN_AGAIN_S
from hub.poll.points import AGAIN_S, DAY_S
from hub.poll.poller import Unreachable
from hub.poll.reading import reading
from hub.poll.rows import Row
from hub.poll.shelf import Shelf
from hub.poll.watch import Watch
from hub.poll.wheel import Bucket

if TYPE_CHECKING:
    from pathlib import Path

GOOD = Sight(fresh=True, good=True, codes=(), luminance_pct=40.0, turned_deg=None, suspect=False)


class Login:
    def __init__(self) -> None:
        self.forgiven = 0

    def forgive(self) -> None:
        self.forgiven += 1


@dataclass
class Camera:
    """Answers as it is told: a value, or an error to raise."""

    target: Target = field(default_factory=lambda: Target("cam-1", "127.0.0.1", 1))
    clocks: Any = field(default_factory=lambda: Clock(2.0, 2.0, "utc", "NTP", ""))
    informed: Any = field(default_factory=lambda: Information("Acme", "C1", "1.0", "S"))
    recorded: Any = field(default_factory=lambda: SimpleNamespace(answer=None))
    streamed: Any = field(default_factory=lambda: SimpleNamespace(open=False))
    framed: Any = b"key frame"
    picture: Any = b"jpeg"
    picture_open: bool | None = None
    tls: Any = None
    """Whether it offers HTTPS, or an error; how often that was asked stands in `tls_asked`."""
    tls_asked: int = 0
    servers: Any = ("10.0.0.1",)
    asked: list[str] = field(default_factory=list)
    cost: Cost = field(default_factory=Cost)
    login: Login = field(default_factory=Login)

    def _do(self, what: str, answer: Any, size: int = 1000) -> Any:
        self.asked.append(what)
        self.cost.asked(0)
        self.cost.came(size)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def clock(self) -> Any:
        return self._do("clock", self.clocks)

    async def information(self) -> Any:
        return self._do("information", self.informed)

    async def recording(self) -> Any:
        return self._do("recording", self.recorded)

    async def stream(self) -> Any:
        return self._do("stream", self.streamed)

    async def key_frame(self, room: Any) -> Any:
        await room()
        return self._do("key_frame", self.framed)

    async def snapshot(self, room: Any) -> Any:
        picture = self._do("snapshot", self.picture, 0)
        for _ in range(5):
            await room()
            self.cost.came(10_000)
        return picture

    async def offers_tls(self) -> Any:
        self.tls_asked += 1
        if isinstance(self.tls, Exception):
            raise self.tls
        return self.tls

    async def time_servers(self) -> Any:
        if isinstance(self.servers, Exception):
            raise self.servers
        return self.servers

    async def set_clock(self, now: float) -> Any:
        return self._do(f"set_clock {now:.0f}", self.clocks)

    def rest(self) -> None:
        self.asked.append("rest")


class Eye:
    def __init__(self) -> None:
        self.sight = GOOD
        self.before: Sight | None = None
        self.seen: list[bytes] = []
        self.new, self.knows = False, True
        self.reference = b""

    def see(self, jpeg: bytes, at: int) -> Sight:
        assert at > 0
        self.seen.append(jpeg)
        return self.sight

    def set_reference(self, jpeg: bytes, at: int) -> bool:
        assert at
        self.reference = jpeg
        return True

    def learnt(self) -> bool:
        self.new, was = False, self.new
        return was

    def to_json(self) -> dict[str, Any]:
        return {"seen": len(self.seen)}


class HandPace:
    def __init__(self) -> None:
        self.time, self.slept = 1000.0, 0.0

    def now(self) -> float:
        return 1.7e9 + self.time

    def mono(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.time += seconds


class Scene:
    def __init__(self, folder: Path, before: Sight | None = None) -> None:
        self.pace = HandPace()
        self.camera, self.eye = Camera(), Eye()
        self.eye.before = before
        self.told: list[dict[str, Any]] = []
        self.broken = False
        self.shelf = Shelf(folder, self.told.append)
        self.bucket = Bucket(32_000, 32_000)
        row = Row("cam-1", "thon", 60, "http://127.0.0.1", "admin", "x")
        camera: Any = self.camera
        pace: Any = self.pace
        self.watch = Watch(
            row,
            self.bucket,
            self.shelf,
            camera,
            self.eye,
            self.masked,
            pace,
        )

    def masked(self, jpeg: bytes) -> bytes:
        if self.broken:
            raise PictureError("truncated", "the picture cannot be decoded")
        return b"masked " + jpeg

    async def visit(self, after: float = 60.0) -> dict[str, Any]:
        self.pace.time += after
        return reading(await self.watch.visit())

    def kept(self) -> list[str]:
        return [t["what"] for t in self.told]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """With a clock of its own."""
    return Scene(tmp_path / "pictures")


async def test_all_is_asked_in_order_and_said_as_lights(scene: Scene) -> None:
    said = await scene.visit()
    assert scene.camera.asked == ["clock", "information", "recording", "stream", "snapshot"]
    assert said["lights_ok"] == ["logged_in", "picture_fresh", "picture_good", "clock_right"]
    assert (said["lights_bad"], said["faults"]) == ([], [])
    assert (said["clock_off_s"], said["picture_age_s"], said["requests_h"]) == (2.0, 0.0, 5)
    assert scene.watch.claim == {"make": "Acme", "model": "C1", "firmware": "1.0"}


async def test_a_picture_only_as_often_as_wanted(scene: Scene) -> None:
    said = [await scene.visit() for _ in range(10)][-1]
    assert scene.camera.asked.count("snapshot") == 1
    assert said["lights_ok"][:3] == ["logged_in", "picture_fresh", "picture_good"]
    assert said["picture_age_s"] == 540
    await scene.visit(120)
    assert scene.camera.asked.count("snapshot") == 2


async def test_a_village_in_debt_gets_no_picture_yet(scene: Scene) -> None:
    await scene.bucket.turn.acquire()  # another camera's picture is on its way
    said = await scene.visit(1)
    assert "snapshot" not in scene.camera.asked
    assert said["lights_ok"] == ["logged_in", "clock_right"]
    scene.bucket.take(1_000_000, scene.pace.time)
    scene.bucket.turn.release()
    await scene.visit(1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert "snapshot" in scene.camera.asked
    assert scene.pace.slept > 29, "32 kB a second"


async def test_a_picture_is_carried_piece_by_piece_as_there_is_room(scene: Scene) -> None:
    await scene.visit(0)
    assert scene.pace.slept == pytest.approx((4000 + 40_000 - 32_000) / 32_000), "the last piece is a debt"
    scene.pace.slept = 0
    await scene.visit(0)
    assert scene.pace.slept == pytest.approx(10_000 / 32_000), "which the next visit pays off first"


async def test_a_visit_waits_for_the_picture_that_has_the_connection(scene: Scene) -> None:
    first = await scene.visit(0)
    scene.pace.time += 600
    held = asyncio.Event()

    async def slow(room: Any) -> bytes:
        del room
        scene.camera.asked.append("snapshot")
        await held.wait()
        return b"jpeg"

    scene.camera.snapshot = slow  # type: ignore[method-assign]
    await scene.visit(0)
    assert scene.camera.asked.count("snapshot") == 2
    asked = len(scene.camera.asked)
    visit = asyncio.create_task(scene.watch.visit())
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(scene.camera.asked) == asked, "nothing else is asked meanwhile"
    held.set()
    said = reading(await visit)
    assert scene.camera.asked.count("clock") == 3
    assert said["picture_every_s"] == pytest.approx(600, abs=1)
    assert "picture_every_s" not in first


async def test_a_camera_whose_picture_waits_for_room_is_only_knocked_at(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "CARRIED_S", 0.01)
    monkeypatch.setattr(watch, "PATIENCE_S", 0.01)

    async def waits(room: Any) -> bytes:
        del room
        await asyncio.Event().wait()
        raise AssertionError

    scene.camera.snapshot = waits  # type: ignore[method-assign]
    first = await scene.visit()
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    async with server:
        scene.camera.target = Target("cam-1", "127.0.0.1", server.sockets[0].getsockname()[1])
        assert (await scene.visit())["faults"] == first["faults"] == []
    assert scene.camera.asked.count("clock") == 1, "its connection is taken"
    with pytest.raises(Unreachable):
        await scene.visit()
    scene.watch.close()


async def test_a_picture_as_proof_is_taken_at_once(scene: Scene) -> None:
    await scene.visit()
    scene.watch.witness("bang-1 3.1")
    scene.watch.witness("bang-2 3.1")
    await scene.visit(1)
    proofs = [t for t in scene.told if t["what"] == "proof"]
    assert [p["by"] for p in proofs] == ["bang-1 3.1", "bang-2 3.1"]
    assert len({p["at"] for p in proofs}) == 2
    await scene.visit(700)
    assert scene.kept().count("proof") == 2


async def test_a_new_view_is_learnt_from_a_picture_a_minute(scene: Scene) -> None:
    scene.eye.knows = False
    for _ in range(4):
        await scene.visit(SUSPECT_S)
    assert scene.camera.asked.count("snapshot") == 4
    scene.eye.knows = True
    await scene.visit(SUSPECT_S)
    await scene.visit(SUSPECT_S)
    assert scene.camera.asked.count("snapshot") == 5


async def test_a_suspect_picture_is_looked_at_again_soon_and_a_fault_is_kept(scene: Scene) -> None:
    await scene.visit()
    scene.eye.sight = Sight(True, None, (), 10.0, None, suspect=True)
    await scene.visit(600)
    await scene.visit(SUSPECT_S)
    scene.eye.sight = Sight(True, False, ("lensCovered",), 10.0, None, suspect=False)
    said = await scene.visit(SUSPECT_S)
    assert scene.camera.asked.count("snapshot") == 4
    assert (said["faults"], said["lights_bad"]) == (["lensCovered"], ["picture_good"])
    assert scene.kept() == ["last", "fault"]
    assert scene.told[1]["codes"] == ["lensCovered"]
    await scene.visit(600)
    assert scene.kept() == ["last", "fault"], "one picture a fault"


async def test_pictures_are_masked_and_for_us_alone(scene: Scene, tmp_path: Path) -> None:
    await scene.visit()
    path = tmp_path / "pictures" / scene.told[0]["file"]
    assert path.read_bytes() == b"masked jpeg"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert scene.shelf.remembered("cam-1") == {"seen": 1}


async def test_a_picture_that_cannot_be_drawn_is_told_and_not_kept(scene: Scene) -> None:
    """It cannot be masked either; the fault is said, the next visit is as any other, and a proof waits for the next."""
    scene.broken = True
    scene.eye.sight = Sight(None, False, ("pictureGarbled",), None, None, suspect=False)
    scene.watch.witness("bang-1 7.1")
    said = await scene.visit()
    assert said["faults"] == ["pictureGarbled"]
    assert scene.told == []
    assert scene.shelf.remembered("cam-1") == {"seen": 1}
    scene.eye.sight, scene.broken = GOOD, False
    await scene.visit(600)
    assert [(t["what"], t["by"]) for t in scene.told] == [("proof", "bang-1 7.1"), ("last", "")]


async def test_a_person_sets_the_reference(scene: Scene) -> None:
    await scene.visit()
    scene.watch.set_reference("Lan")
    await scene.visit()
    assert scene.eye.reference == b"jpeg"
    assert [(t["what"], t["by"]) for t in scene.told] == [("last", ""), ("reference", "Lan"), ("last", "")]


async def test_what_it_learns_itself_is_kept_as_reference(scene: Scene) -> None:
    scene.eye.new = True
    await scene.visit()
    assert scene.kept() == ["reference", "last"]


@pytest.mark.parametrize(
    ("code", "said"), [(Code.LOGIN_REFUSED, "loginRefused"), (Code.LOGIN_LOCKED, "loginLocked")]
)
async def test_a_refused_login_is_not_hammered(scene: Scene, code: Code, said: str) -> None:
    scene.camera.informed = CameraError(code, "no")
    for _ in range(10):
        assert (await scene.visit())["faults"] == [said]
    assert scene.camera.asked.count("information") == 1
    assert "snapshot" not in scene.camera.asked
    assert "logged_in" in (await scene.visit())["lights_bad"]
    await scene.visit(LOGIN_AGAIN_S[0])
    assert scene.camera.asked.count("information") == 2
    assert scene.camera.login.forgiven == 1
    await scene.visit(LOGIN_AGAIN_S[0])
    assert scene.camera.asked.count("information") == 2, "the second wait is longer"
    scene.camera.informed = Information("Acme", "C1", "1.0", "S")
    said_then = await scene.visit(LOGIN_AGAIN_S[1])
    assert said_then["faults"] == []


async def test_full_is_another_word_and_tried_sooner(scene: Scene) -> None:
    scene.camera.informed = CameraError(Code.LOGIN_FULL, "20 connections")
    assert (await scene.visit())["faults"] == ["loginFull"]
    await scene.visit(301)
    assert scene.camera.asked.count("information") == 2


@pytest.mark.parametrize("code", [Code.REFUSED, Code.NO_ROUTE, Code.NO_SUCH_HOST, Code.TIMEOUT, Code.RESET])
async def test_nobody_there(scene: Scene, code: Code) -> None:
    scene.camera.clocks = CameraError(code, "gone")
    with pytest.raises(Unreachable) as e:
        await scene.visit()
    assert e.value.code == code.value
    assert scene.camera.asked == ["clock"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (Code.TIMEOUT, "answersSlow"), (Code.RESET, "answersGarbled"), (Code.GARBLED, "answersGarbled"),
        (Code.TOO_LARGE, "answersTooLarge"), (Code.NOT_ONVIF, "notOnvif"), (Code.REDIRECTED, "sendsElsewhere"),
        (Code.FORBIDDEN_ADDRESS, "sendsElsewhere"),
    ],
)  # fmt: skip
async def test_there_but_it_answers_badly(scene: Scene, code: Code, said: str) -> None:
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        scene.camera.target = Target("cam-1", "127.0.0.1", port)
        scene.camera.clocks = CameraError(code, "x")
        found = await scene.visit()
    assert said in found["faults"]
    assert "information" not in scene.camera.asked


async def test_no_picture_is_said_and_tried_again_soon(scene: Scene) -> None:
    scene.camera.picture = CameraError(Code.NOT_A_PICTURE, "html")
    assert (await scene.visit())["faults"] == ["noPicture"]
    await scene.visit(SUSPECT_S)
    assert scene.camera.asked.count("snapshot") == 2


@pytest.mark.parametrize("why", ["none comes", "none is learnt from", "each looks wrong"])
async def test_pictures_that_lead_nowhere_come_no_sooner_for_ever(scene: Scene, why: str) -> None:
    if why == "none comes":
        scene.camera.picture = CameraError(Code.GARBLED, "rubbish")
    scene.eye.knows = why != "none is learnt from"
    scene.eye.sight = Sight(True, None, (), 10.0, None, suspect=why == "each looks wrong")
    for _ in range(120):
        await scene.visit()
    assert 2 + SOONER <= scene.camera.asked.count("snapshot") <= SOONER + 12


async def test_one_that_pours_out_answers_is_only_knocked_at_until_that_is_paid_off(scene: Scene) -> None:
    async def pours() -> Any:
        scene.camera.asked.append("clock")
        scene.camera.cost.came(900_000)
        raise CameraError(Code.TOO_LARGE, "no end")

    scene.camera.clock = pours  # type: ignore[method-assign]
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    async with server:
        scene.camera.target = Target("cam-1", "127.0.0.1", server.sockets[0].getsockname()[1])
        for _ in range(180):
            assert (await scene.visit())["faults"] == ["answersTooLarge"]
    assert 10 <= scene.camera.asked.count("clock") <= 13, "3 hours of 1 kB a second"
    with pytest.raises(Unreachable):
        await scene.visit()


async def test_what_holds_the_uplink_for_nothing_comes_back_rarely(scene: Scene) -> None:
    async def endless(room: Any) -> bytes:
        del room
        scene.camera.asked.append("snapshot")
        scene.pace.time += 130
        raise CameraError(Code.TOO_LARGE, "4 MB and more")

    scene.camera.snapshot = endless  # type: ignore[method-assign]
    for _ in range(180):
        await scene.visit()
    held = 130 * scene.camera.asked.count("snapshot")
    assert 3 * 130 <= held <= (180 * 60 + held) / 10, "a tenth of its village's pictures"


@pytest.mark.parametrize(
    ("off", "light"), [(29.0, "lights_ok"), (-31.0, "lights_bad"), (-1.7e9, "lights_bad")]
)
async def test_a_clock_is_wrong_from_half_a_minute_on(scene: Scene, off: float, light: str) -> None:
    scene.camera.clocks = Clock(off, off, "utc", "", "")
    said = await scene.visit()
    assert "clock_right" in said[light]
    assert ("clockWrong" in said["faults"]) is (light == "lights_bad")


@pytest.mark.parametrize("code", [Code.NO_SUCH_SERVICE, Code.LOGIN_PLAIN])
async def test_a_key_frame_stands_in_for_a_snapshot(scene: Scene, code: Code) -> None:
    scene.camera.picture = CameraError(code, "none")
    said = await scene.visit()
    assert scene.eye.seen == [b"key frame"]
    assert said["faults"] == []
    scene.camera.framed = CameraError(Code.TIMEOUT, "late")
    said = await scene.visit(700)
    assert said["faults"] == ["picturePlain" if code is Code.LOGIN_PLAIN else "noPicture"]
    assert "picture_fresh" in said["lights_bad"]


async def test_a_stream_that_is_open_or_refused(scene: Scene) -> None:
    scene.camera.streamed = SimpleNamespace(open=True)
    assert (await scene.visit())["faults"] == ["streamOpen"]
    scene.camera.streamed = CameraError(Code.TIMEOUT, "never answers")
    assert (await scene.visit())["faults"] == ["streamRefused"]
    scene.camera.streamed = CameraError(Code.NO_SUCH_SERVICE, "none")
    assert (await scene.visit())["faults"] == []


async def test_a_picture_that_everybody_gets(scene: Scene) -> None:
    scene.camera.picture_open = True
    said = await scene.visit()
    assert said["faults"] == ["pictureOpen"]
    assert not {"picture_fresh", "picture_good"} & set(said["lights_bad"]), "it makes no light red"
    scene.camera.informed = CameraError(Code.LOGIN_REFUSED, "no")
    assert (await scene.visit())["faults"] == ["loginRefused", "pictureOpen"], (
        "it stays known between pictures"
    )
    scene.camera.picture_open = False
    assert (await scene.visit())["faults"] == ["loginRefused"]


@pytest.mark.parametrize(("answer", "light"), [(True, "lights_ok"), (False, "lights_bad"), (None, None)])
async def test_whether_it_records(scene: Scene, answer: bool | None, light: str | None) -> None:
    scene.camera.recorded = SimpleNamespace(answer=answer)
    said = await scene.visit()
    assert [n for n in ("lights_ok", "lights_bad") if "recording" in said[n]] == ([light] if light else [])
    assert ("notRecording" in said["faults"]) is (answer is False)


async def test_setting_the_clock(scene: Scene) -> None:
    scene.camera.clocks = Clock(2.0, 2.0, "utc", "Manual", "")
    assert await scene.watch.set_clock() == ""
    scene.camera.clocks = Clock(100.0, 0.0, "utc", "", "")
    assert await scene.watch.set_clock() == "it keeps another time"
    scene.camera.clocks = CameraError(Code.LOGIN_REFUSED, "no")
    assert await scene.watch.set_clock() == "login_refused"


async def test_a_clock_that_follows_a_time_server_is_set_knowingly_only(scene: Scene) -> None:
    assert (await scene.visit())["clock_ntp"] is True
    scene.camera.asked.clear()
    assert await scene.watch.set_clock() == "follows_ntp 10.0.0.1"
    scene.camera.servers = CameraError(Code.NO_SUCH_SERVICE, "no GetNTP")
    assert await scene.watch.set_clock() == "follows_ntp"
    assert not [a for a in scene.camera.asked if a.startswith("set_clock")]
    assert await scene.watch.set_clock(manually=True) == ""
    assert [a for a in scene.camera.asked if a.startswith("set_clock")]
    scene.camera.clocks = Clock(0.0, 0.0, "utc", "Manual", "")
    assert (await scene.visit())["clock_ntp"] is False
    scene.camera.clocks = Clock(0.0, 0.0, "utc", "", "")
    assert "clock_ntp" not in await scene.visit(), "it does not say"


async def test_security_points_of_a_visit(scene: Scene) -> None:
    said = await scene.visit()
    assert (said["safe"], said["faults"]) == (["streamOpen"], []), "nothing is said of HTTPS"
    scene.camera.tls, scene.camera.streamed = False, SimpleNamespace(open=True)
    scene.pace.time += AGAIN_S + 1
    said = await scene.visit()
    assert (said["safe"], said["faults"]) == ([], ["streamOpen", "plainHttp"])
    asked = scene.camera.tls_asked
    for _ in range(5):
        assert "plainHttp" in (await scene.visit())["faults"]
    assert scene.camera.tls_asked == asked, "once a day"
    scene.camera.tls = True
    scene.pace.time += DAY_S
    assert "plainHttp" in (await scene.visit())["safe"]
    scene.camera.tls = CameraError(Code.FAILED, "no")
    scene.pace.time += DAY_S
    said = await scene.visit()
    assert "plainHttp" not in said["safe"] + said["faults"]


async def test_a_refused_login_takes_no_security_point_back(scene: Scene) -> None:
    scene.camera.tls, scene.camera.streamed = False, SimpleNamespace(open=True)
    await scene.visit()
    scene.camera.informed = CameraError(Code.LOGIN_FULL, "full", evidence="clockRefused")
    for _ in range(2):
        assert (await scene.visit())["faults"] == ["loginFull", "streamOpen", "plainHttp"]
    scene.camera.clocks = CameraError(Code.BUSY, "busy")
    assert (await scene.visit())["faults"] == ["answersBusy", "streamOpen", "plainHttp"]


async def test_a_stream_that_wants_a_login_that_we_do_not_have_is_not_open(scene: Scene) -> None:
    scene.camera.streamed = CameraError(Code.LOGIN_REFUSED, "no")
    said = await scene.visit()
    assert (said["faults"], said["safe"]) == (["streamRefused"], ["streamOpen"])


async def test_the_hub_itself_logs_in_with_a_default_password(scene: Scene) -> None:
    assert "defaultPassword" not in (await scene.visit())["faults"]
    scene.watch.row = replace(scene.watch.row, username="admin", password="12345")
    scene.camera.informed = Information("HIKVISION", "DS-2CD", "V5.5.82 build 190318", "S")
    assert "defaultPassword" in (await scene.visit())["faults"]


@pytest.mark.parametrize(
    ("error", "faults", "evidence", "said", "most"),
    [
        (CameraError(Code.LOGIN_FULL, "full", evidence="saysFull", words="Maximum number of connections (20)"),
         ["loginFull"], ["saysFull"], ["Maximum number of connections (20)"], 20),
        (CameraError(Code.LOGIN_REFUSED, "no", evidence="workedBefore"), ["loginRefused"], ["workedBefore"], [], None),
        (CameraError(Code.BUSY, "busy", evidence="busyUnsaid"), ["answersBusy"], ["busyUnsaid"], [], None),
        (CameraError(Code.LOGIN_LOCKED, "no", evidence="saysLocked", words="x" * 90), ["loginLocked"], ["saysLocked"],
         ["x" * 40], None),
    ],
)  # fmt: skip
async def test_by_what_a_refusal_was_told(
    scene: Scene,
    error: CameraError,
    faults: list[str],
    evidence: list[str],
    said: list[str],
    most: int | None,
) -> None:
    scene.camera.informed = error
    for _ in range(2):  # the second visit does not ask, and still knows why
        found = await scene.visit()
        assert (found["faults"], found["evidence"], found["said"]) == (faults, evidence, said)
        assert found.get("connections_most") == most
    scene.camera.informed = Information("Acme", "C1", "1.0", "S")
    scene.pace.time += LOGIN_AGAIN_S[-1]
    found = await scene.visit()
    assert (found["evidence"], found["said"]) == ([], [])


async def test_what_an_hour_costs(scene: Scene) -> None:
    said = [await scene.visit() for _ in range(200)][-1]
    assert 4 * 57 <= said["requests_h"] <= 4 * 61 + 7
    assert said["traffic_kb"] > 300


async def test_where_nobody_said_as_whom_to_come_the_rest_cannot_be_told(scene: Scene) -> None:
    scene.watch.row = replace(scene.watch.row, username="", password="")
    scene.camera.informed = scene.camera.picture = CameraError(Code.LOGIN_REFUSED, "no")
    said = await scene.visit()
    assert said["lights_ok"] == ["clock_right"]
    assert (said["lights_bad"], said["faults"]) == ([], [])
    scene.camera.informed = Information("Acme", "C1", "1.0", "S")
    assert "logged_in" in (await scene.visit())["lights_ok"], "open to everybody: asked again at once"


async def test_a_suspect_picture_asks_for_the_visit_of_the_next_one(scene: Scene) -> None:
    wanted: list[float] = []
    scene.watch.again = wanted.append
    await scene.visit()
    assert wanted == []
    scene.eye.sight = Sight(True, None, (), 10.0, None, suspect=True)
    await scene.visit(600)
    assert wanted == [scene.pace.time + SUSPECT_S]


async def test_a_fault_that_stands_is_looked_at_soon_at_first(scene: Scene) -> None:
    await scene.visit()
    scene.eye.sight = Sight(True, False, ("lensCovered",), 10.0, None, suspect=False)
    for _ in range(30):
        await scene.visit(60)
    assert 7 <= scene.camera.asked.count("snapshot") <= 2 + SOONER + 3, (
        "it may be mended at once, or in a week"
    )


async def test_who_asks_now_gets_a_picture_but_not_one_after_the_other(scene: Scene) -> None:
    await scene.visit()
    scene.watch.look()
    await scene.visit(5)
    assert scene.camera.asked.count("snapshot") == 1
    scene.pace.time += 5
    scene.watch.look()
    await scene.visit(1)
    assert scene.camera.asked.count("snapshot") == 2


async def test_a_picture_that_no_visit_waited_for_is_told_at_once_where_it_is_news(scene: Scene) -> None:
    wanted: list[float] = []
    scene.watch.again = wanted.append
    for codes, news in (((), 0), (("lensCovered",), 1), (("lensCovered",), 1)):
        scene.eye.sight = Sight(True, not codes, codes, 10.0, None, suspect=False)
        await scene.bucket.turn.acquire()  # another camera's picture is on its way
        await scene.visit(700)
        scene.bucket.turn.release()
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(wanted) == news
        await scene.visit(1)


async def test_what_looks_wrong_and_when_the_next_picture_comes_is_said(scene: Scene) -> None:
    await scene.visit()
    scene.eye.sight = Sight(True, None, (), 10.0, None, suspect=True, suspected=("lensCovered",))
    said = await scene.visit(600)
    assert (said["suspected"], said["faults"]) == (["lensCovered"], [])
    assert said["picture_next_s"] == SUSPECT_S
    scene.eye.sight = GOOD
    said = await scene.visit(SUSPECT_S)
    assert (said["suspected"], said["picture_next_s"], said["turned_deg"]) == ([], 600, 0.0)


async def test_what_stood_wrong_before_a_start_is_said_until_a_picture_tells(tmp_path: Path) -> None:
    scene = Scene(tmp_path, Sight(None, False, ("lensCovered",), None, None, suspect=False))
    await scene.bucket.turn.acquire()  # another camera's picture is on its way
    said = await scene.visit()
    assert (said["faults"], said["lights_bad"]) == (["lensCovered"], ["picture_good"])
    scene.bucket.turn.release()
    scene.eye.sight = Sight(True, False, ("lensCovered",), 10.0, None, suspect=False)
    await scene.visit()
    assert scene.kept() == [], "its picture is kept already"


def test_an_eye_remembers_what_stood_wrong() -> None:
    eye = HubEye(None)
    assert eye.before is None
    for n in range(3):
        eye.see(b"no picture", n * 75_000 + 1)
    before = HubEye(eye.to_json()).before
    assert before is not None
    assert (before.codes, before.good, before.fresh) == (("pictureGarbled",), False, None)


async def test_pictures_that_wait_for_their_turn_come_as_often_as_wanted(scene: Scene) -> None:
    for _ in range(4):
        await scene.bucket.turn.acquire()  # another camera's picture is on its way
        await scene.visit(600)
        scene.bucket.turn.release()
        for _ in range(10):
            await asyncio.sleep(0)
    assert scene.camera.asked.count("snapshot") == 4
