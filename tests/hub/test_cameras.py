"""What people ask of cameras, and the pictures that are kept: sealed, audited, bounded in time."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from devices.device import Device, Kind
from devices.event import Pictured
from devices.lifecycle import Lifecycle
from devices.person import By
from drivers.onvif.discovery import Found
from hub import registry
from hub.agents import Agents
from hub.asking import taking
from hub.cameras import KEPT_MS, LOGIN, LOOKS_MS, Cameras, Options, seal_logins
from hub.poll.keeper import Keeper, Tried, rows_of
from hub.poll.shelf import Shelf
from hub.secrets import Secrets
from hub.store.reader import Reader
from hub.store.writer import Store, Writes
from hub.track import Track
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CAM = Device("cam-1", Kind.CAMERA, "thon", "", driver="onvif", address="http://10.0.0.5", login="admin")
LIGHT = Device("den-1", Kind.SOLAR_LIGHT, "thon", "")
AN, LAN = By("An", "10.0.0.9"), By("Lan", "")
NOW = 1_795_000_000_000


class Desk:
    """The desk on a store of its own, with a poller that only takes notes."""

    def __init__(self, folder: Path) -> None:
        self.store, self.folder, self.at = Store(folder), folder, NOW
        writes = Writes()
        for device in (CAM, LIGHT):
            registry.put_device(writes, device, "")
        self.store.commit(writes)
        self.secrets = Secrets(folder / "secret.key", None)
        self.asked: list[tuple[str, ...]] = []
        poller: Any = self
        self.why, self.found = "", "refused"
        self.tried: dict[str, Any] = {}
        self.agents = Agents({}, {}, lambda _: {}, dict, self.secrets, lambda: None, self.do, lambda: self.at)
        self.cameras = Cameras(
            folder=folder, search_from="127.0.0.1", reader=Reader(self.store.path), secrets=self.secrets,
            keeper=poller, agents=self.agents,
            devices={d.name: d for d in (CAM, LIGHT)}, do=self.do, now=lambda: self.at,
        )  # fmt: skip
        self.shelf = Shelf(folder / "pictures", self._told)

    async def do(self, run: Callable[[Writes], Any]) -> Any:
        writes = Writes()
        found = run(writes)
        self.store.commit(writes)
        return found

    def _told(self, picture: dict[str, Any]) -> None:
        writes = Writes()
        self.cameras.store(writes, picture)
        self.store.commit(writes)

    def changed(self) -> None:
        self.asked.append(("changed",))

    def hurry(self, name: str) -> None:
        self.asked.append(("hurry", name))

    def reference(self, name: str, by: str) -> None:
        self.asked.append(("reference", name, by))

    async def set_clock(self, name: str, *, manually: bool = False) -> str:
        self.asked.append(("clock by hand" if manually else "clock", name))
        return self.why

    async def try_default(self, name: str, model: str) -> str:
        self.asked.append(("default", name, model))
        return self.found

    def audit(self) -> list[tuple[str, str, str, str]]:
        return [
            (person, action, subject, after)
            for person, action, subject, after in self.store.rows(
                "SELECT person, action, subject, after FROM audit ORDER BY id"
            )
        ]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


async def test_a_password_is_sealed_told_to_the_poller_and_never_to_the_audit(desk: Desk) -> None:
    await desk.cameras.set_password("cam-1", "Bí mật 7!", AN)
    assert desk.cameras.has_password("cam-1")
    ((owner, box),) = desk.store.rows("SELECT owner, box FROM secret WHERE what=?", LOGIN)
    assert desk.secrets.open(box, owner, LOGIN) == "Bí mật 7!"
    assert "Bí mật".encode() not in box
    assert desk.audit() == [("An", "camera.password_set", "device:cam-1", '{"set": true}')]
    assert desk.asked == [("changed",)]
    await desk.cameras.set_password("cam-1", "", AN)
    assert not desk.cameras.has_password("cam-1")


async def test_a_file_seals_only_what_is_new(desk: Desk) -> None:
    for password in ("a", "a", "b"):
        writes = Writes()
        boxes = dict(Reader(desk.store.path).boxes(LOGIN))
        seal_logins({"cam-1": password}, desk.secrets, boxes, NOW, AN, writes)
        desk.store.commit(writes)
    ((_, box),) = Reader(desk.store.path).boxes(LOGIN)
    assert desk.secrets.open(box, "cam-1", LOGIN) == "b"
    assert [a[1] for a in desk.audit()] == ["camera.password_set"] * 2


@pytest.mark.parametrize(("name", "code"), [("den-1", "not_asked"), ("nobody", "unknown_device")])
async def test_what_is_not_asked(desk: Desk, name: str, code: str) -> None:
    for call in (
        desk.cameras.set_password(name, "x", AN),
        desk.cameras.visit(name, AN),
        desk.cameras.set_clock(name, AN),
        desk.cameras.set_reference(name, AN),
    ):
        with pytest.raises(Refused) as e:
            await call
        assert e.value.code == code
    assert desk.audit() == []


async def test_what_people_ask_for_is_done_and_written_down(desk: Desk) -> None:
    await desk.cameras.visit("cam-1", AN)
    await desk.cameras.set_reference("cam-1", LAN)
    await desk.cameras.set_clock("cam-1", AN)
    desk.why = "login_refused"
    with pytest.raises(Refused, match="clock_not_set"):
        await desk.cameras.set_clock("cam-1", AN)
    assert desk.asked == [
        ("hurry", "cam-1"),
        ("reference", "cam-1", "Lan"),
        ("clock", "cam-1"),
        ("clock", "cam-1"),
    ]
    assert [a[1] for a in desk.audit()] == [
        "camera.asked", "camera.reference_set", "camera.clock_set", "camera.clock_set",
    ]  # fmt: skip
    assert json.loads(desk.audit()[-1][3]) == {"why": "login_refused"}


async def test_how_a_camera_is_treated(desk: Desk) -> None:
    assert desk.cameras.options("cam-1") == Options()
    wanted = Options(events=True, masks=(((0.0, 0.0), (0.5, 0.5)),))
    await desk.cameras.set_options("cam-1", wanted, AN)
    assert desk.cameras.options("cam-1") == wanted
    assert json.loads(desk.audit()[0][3]) == {"events": True, "masks": [[[0.0, 0.0], [0.5, 0.5]]]}
    with pytest.raises(ValidationError):
        Options.model_validate({"masks": [[[0, 0], [1.5, 1]]]})
    with pytest.raises(ValidationError):
        Options.model_validate({"masks": [[[0, 0]]]})


async def test_who_answers_a_search_and_who_of_them_is_known(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def find(seconds: float, interface: str, *, host: str = "") -> list[Found]:
        assert (seconds, interface, host) == (2.0, "127.0.0.1", "")
        return [
            Found("urn:1", "10.0.0.5", ("http://10.0.0.5/onvif/device_service",), "Cam", "X1", "Hà Nội"),
            Found("urn:2", "10.0.0.7", ("http://10.0.0.7/onvif/device_service",), "New", "", ""),
            Found("urn:3", "10.0.0.8", (), "Odd", "", ""),
        ]

    monkeypatch.setattr("drivers.onvif.discovery.find", find)
    found = await desk.cameras.find(2.0)
    assert [(n.host, bool(n.address), n.registered) for n in found] == [
        ("10.0.0.5", True, "cam-1"),
        ("10.0.0.7", True, ""),
        ("10.0.0.8", False, ""),
    ]
    gone: Any = SimpleNamespace(lifecycle=Lifecycle.RETIRED)
    desk.agents.tracks = {"cam-1": gone}
    assert [n.registered for n in await desk.cameras.find(2.0)] == ["", "", ""], "another may hang there now"


async def test_each_persons_look_at_a_picture_is_one_entry(desk: Desk) -> None:
    desk.shelf.put("cam-1", "last", NOW - 5, b"jpeg", codes=())
    (picture,) = await desk.cameras.pictures("cam-1")
    for by in (AN, AN, LAN):
        assert await desk.cameras.look("cam-1", picture.id, by) == b"jpeg"
    assert [a[:2] for a in desk.audit()] == [("An", "camera.picture_seen"), ("Lan", "camera.picture_seen")]
    assert json.loads(desk.audit()[0][3]) == {"picture": "last", "taken": NOW - 5}
    desk.at += LOOKS_MS
    await desk.cameras.look("cam-1", picture.id, AN)
    assert len(desk.audit()) == 3
    with pytest.raises(Refused, match="no_picture"):
        await desk.cameras.look("den-1", picture.id, AN)


async def test_the_last_and_the_reference_are_one_each_and_faults_stay(desk: Desk) -> None:
    for at in (1, 2):
        for what in ("last", "reference", "fault"):
            desk.shelf.put(
                "cam-1", what, NOW + at, b"x", codes=("lensCovered",) if what == "fault" else (), by=""
            )
    kept = await desk.cameras.pictures("cam-1")
    assert [(p.what, p.at - NOW, p.codes) for p in kept] == [
        ("reference", 2, ()),
        ("fault", 2, ("lensCovered",)),
        ("fault", 1, ("lensCovered",)),
        ("last", 2, ()),
    ]


async def test_a_picture_of_an_agents_is_stored_once_and_never_in_place_of_a_newer_one(desk: Desk) -> None:
    def send(what: str, at: int, jpeg: bytes = b"\xff\xd8x") -> bool:
        writes = Writes()
        event = Pictured("cam-1", "thon", NOW, NOW + at, what, ("lensCovered",), "An", jpeg)
        taken = desk.cameras.take(writes, event)
        desk.store.commit(writes)
        return taken

    assert not send("last", 1), "nobody asks it from there"
    desk.agents.tracks["cam-1"] = Track(CAM, 1, 0, None, frozenset())  # type: ignore[index, arg-type]
    desk.agents.devices["cam-1"] = CAM  # type: ignore[index]
    desk.agents.realms = {"thon": "gw"}
    for what, at in (("fault", 1), ("fault", 1), ("last", 5), ("last", 5), ("last", 3), ("reference", 2)):
        assert send(what, at)
    kept = await desk.cameras.pictures("cam-1")
    assert [(p.what, p.at - NOW, p.codes, p.by) for p in kept] == [
        ("reference", 2, ("lensCovered",), "An"),
        ("fault", 1, ("lensCovered",), "An"),
        ("last", 5, ("lensCovered",), "An"),
    ]
    files = list((desk.folder / "pictures").rglob("*.jpg"))
    assert {p.stat().st_mode & 0o777 for p in files} == {0o600}
    assert await desk.cameras.look("cam-1", kept[0].id, AN) == b"\xff\xd8x"
    assert desk.cameras.tried("cam-1") is None
    desk.agents.tracks["cam-1"].last_seen = NOW
    assert desk.cameras.tried("cam-1") == Tried(NOW, "", 0)
    desk.agents.tracks["cam-1"].gone_at, desk.agents.tracks["cam-1"].gone_why = NOW + 9, "timeout"
    assert desk.cameras.tried("cam-1") == Tried(NOW + 9, "timeout", 3)


async def test_what_is_asked_of_an_agents_camera_goes_to_the_agent(desk: Desk) -> None:
    desk.agents.realms = {"thon": "gw"}
    desk.agents.devices["cam-1"] = CAM  # type: ignore[index]
    for call in (desk.cameras.visit("cam-1", AN), desk.cameras.set_clock("cam-1", AN)):
        with pytest.raises(Refused, match="poller_away"):
            await call
    assert desk.asked == []


async def test_pictures_go_when_their_time_is_over_and_so_do_files_that_nobody_names(desk: Desk) -> None:
    for what in ("last", "reference", "fault"):
        desk.shelf.put("cam-1", what, NOW, b"x")
    desk.at = NOW + KEPT_MS["last"] + 10**7
    for path in (desk.folder / "pictures").rglob("*.jpg"):
        os.utime(path, (1.7e9, 1.7e9))
    await desk.cameras.upkeep()
    assert [p.what for p in await desk.cameras.pictures("cam-1")] == ["reference", "fault"]
    desk.at = NOW + KEPT_MS["fault"] + 10**7
    await desk.cameras.upkeep()
    assert [p.what for p in await desk.cameras.pictures("cam-1")] == ["reference"]
    assert sorted(p.name for p in (desk.folder / "pictures").rglob("*.jpg")) == [f"{NOW}-reference.jpg"]
    (desk.folder / "pictures" / "cam-1" / "1-last.jpg").write_bytes(b"its row is on its way")
    await desk.cameras.upkeep()
    assert len(list((desk.folder / "pictures").rglob("*.jpg"))) == 2


async def test_purge(desk: Desk) -> None:
    for i in range(3):
        desk.shelf.put("cam-1", "fault", NOW + i, b"x")
    for at in (NOW - 5, NOW + 3):
        (desk.folder / "pictures" / "cam-1" / f"{at}-last.jpg").write_bytes(b"a newer one took its place")
    assert await desk.cameras.purge("cam-1", NOW + 2, AN) == 2
    assert [p.at - NOW for p in await desk.cameras.pictures("cam-1")] == [2]
    left = {p.name for p in (desk.folder / "pictures").rglob("*.jpg")}
    assert left == {f"{NOW + 2}-fault.jpg", f"{NOW + 3}-last.jpg"}
    assert desk.audit()[-1][1] == "camera.pictures_purged"
    with pytest.raises(Refused):
        await desk.cameras.purge("nobody", NOW, AN)


def test_a_picture_of_nobody_is_not_stored(desk: Desk) -> None:
    desk.shelf.put("gone", "last", NOW, b"x")
    desk.shelf.put("cam-1", "portrait", NOW, b"x")
    assert desk.store.rows("SELECT * FROM picture") == []


# --- what the poller is told --------------------------------------------------------------------------------------


def rows(*devices: Device, boot: int | None = None) -> dict[str, Any]:
    named = {d.name: d for d in devices}
    tracks = {}
    for d in devices:
        track = Track(d, 1, 0, None, frozenset())  # type: ignore[arg-type]
        track.boot = boot
        tracks[d.name] = track
    return dict(rows_of(named, tracks, lambda name: f"secret of {name}", lambda _: {"picture_s": 60.0}))


def test_what_is_registered_with_an_address_is_asked() -> None:
    found = rows(CAM, LIGHT, boot=7)
    assert list(found) == ["cam-1"]
    row = found["cam-1"]
    assert (row.url, row.username, row.password, row.boot, row.picture_s) == (
        "http://10.0.0.5", "admin", "secret of cam-1", 7, 60.0,
    )  # fmt: skip


def test_the_retired_are_not_asked() -> None:
    assert rows(replace(CAM, lifecycle=Lifecycle.RETIRED)) == {}


def test_a_channel_is_asked_where_its_recorder_is_and_with_its_login() -> None:
    nvr = Device("nvr-1", Kind.NVR, "thon", "", driver="onvif", address="http://10.0.0.2", login="root")
    one = replace(CAM, name="cam-2", address="", login="", nvr="nvr-1", channel=3)
    row = rows(nvr, one)["cam-2"]
    assert (row.url, row.username, row.password, row.channel) == (
        "http://10.0.0.2",
        "root",
        "secret of nvr-1",
        3,
    )


# --- the process --------------------------------------------------------------------------------------------------


class Ingest:
    """Takes what the keeper hands over."""

    def __init__(self) -> None:
        self.gap = None
        self.taken: list[Any] = []
        self.intake, self.clock = self, self

    def now(self) -> int:
        return NOW

    def take(self, message: Any) -> None:
        self.taken.append(message)

    def submit(self, run: Callable[[Writes], Any]) -> Any:
        import concurrent.futures  # noqa: PLC0415

        done: concurrent.futures.Future[Any] = concurrent.futures.Future()
        done.set_result(run(Writes()))
        return done


async def test_a_real_poller_is_kept_alive_and_what_it_says_is_taken_in(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ingest: Any = Ingest()
    device = replace(CAM, address=f"http://127.0.0.1:{port}", interval_s=1.0)
    settings = {
        "pictures": str(tmp_path), "village_kbit_s": 256.0, "networks": [], "plain_passwords": False,
    }  # fmt: skip
    keeper = Keeper(
        settings, lambda: rows(device), taking(ingest, lambda _: "thon", lambda _w, _p: None), lambda: NOW
    )
    task = asyncio.create_task(keeper.run())
    try:
        async with asyncio.timeout(30):
            while not ingest.taken:  # noqa: ASYNC110 - a test looks from outside
                await asyncio.sleep(0.05)
            process = keeper._process
            assert process is not None
            process.kill()
            count = len(ingest.taken)
            while len(ingest.taken) == count or keeper._process is process:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        server.close()
    topics = {m.topic for m in ingest.taken}
    assert topics == {"vh/1/thon/cam-1/state", "vh/1/thon/cam-1/telemetry"}
    said = [json.loads(m.payload) for m in ingest.taken if m.topic.endswith("telemetry")]
    assert {tuple(s["faults"]) for s in said} == {("answersGarbled",)}, "it is there, and cuts us off"
    assert keeper.tried["cam-1"].code == ""
    assert keeper.troubles() == ()


async def test_nothing_that_a_poller_says_ends_its_keeper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\necho x >> {tmp_path}/starts\necho nonsense\nexec sleep 60\n")
    fake.chmod(0o700)
    monkeypatch.setattr("hub.poll.keeper.sys.executable", str(fake))
    monkeypatch.setattr("hub.poll.keeper.AGAIN_S", (0.05,))
    troubles = iter([sqlite3.OperationalError("locked")])

    def told() -> dict[str, Any]:
        for trouble in troubles:
            raise trouble
        return rows(CAM)

    def started() -> int:
        starts = tmp_path / "starts"
        return starts.read_text().count("x") if starts.exists() else 0

    ingest: Any = Ingest()
    keeper = Keeper({}, told, taking(ingest, lambda _: "thon", lambda _w, _p: None), lambda: NOW)
    task = asyncio.create_task(keeper.run())
    try:
        async with asyncio.timeout(20):
            while not task.done() and started() < 3:  # noqa: ASYNC110 - a test looks from outside
                await asyncio.sleep(0.05)
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
