"""Agents as the hub has them: who asks whom, what each is told and when, whose key is trusted, what people ask for."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from devices.device import AGENT, Device, Kind
from devices.event import Receipt
from devices.lifecycle import Lifecycle
from devices.person import By
from hub import agents as module
from hub.agent import targets
from hub.agent.sealing import own_key
from hub.agents import KEY, Agents
from hub.fit import Fit
from hub.poll.rows import Row
from hub.secrets import Secrets
from hub.store.reader import Reader
from hub.store.writer import Store, Writes
from hub.track import Track
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

GATEWAY = Device("gw", Kind.GATEWAY, "thon", "", driver=AGENT, interval_s=30)
CAM = Device("cam-1", Kind.CAMERA, "thon", "", driver="onvif", address="http://10.0.0.5", login="viewer")
ELSEWHERE = replace(CAM, name="cam-2", realm="lang")
AN = By("An", "10.0.0.9")
NOW = 1_795_000_000_000


class Link:
    """Takes notes."""

    def __init__(self) -> None:
        self.generation = 1
        self.sent: list[tuple[str, bytes, bool]] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.sent.append((topic, payload, retain))


class Desk:
    """Agents on a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self.reader = Reader(self.store.path)
        self.secrets = Secrets(folder / "secret.key", None)
        self.key = own_key(folder / "agent.key")
        self.link = Link()
        self.devices = {d.name: d for d in (GATEWAY, CAM, ELSEWHERE)}
        self.tracks = {n: Track(d, 1, 0, None, frozenset()) for n, d in self.devices.items()}  # type: ignore[arg-type]
        self.tracks["gw"].last_seen = NOW
        self.password = "mật khẩu 1"
        link: Any = self.link
        self.agents = Agents(
            self.devices, self.tracks, self.rows, lambda: dict(self.reader.boxes(KEY)), self.secrets,
            lambda: link, self.do, lambda: NOW,
        )  # fmt: skip

    def rows(self, wanted: Callable[[str], bool]) -> dict[str, Row]:
        cams = [d for d in self.devices.values() if d.kind is Kind.CAMERA and wanted(d.realm)]
        return {d.name: Row(d.name, d.realm, 60, d.address, d.login, self.password) for d in cams}

    async def do(self, run: Callable[[Writes], Any]) -> Any:
        writes = Writes()
        found = run(writes)
        self.store.commit(writes)
        return found

    def told(self) -> targets.Targets:
        """The last targets, as the agent reads them."""
        topic, payload, retain = [s for s in self.link.sent if s[0].endswith("desired")][-1]
        assert (topic, retain) == ("vh/1/thon/gw/desired", True)
        return targets.read(payload, "thon", self.key)

    async def until(self, count: int) -> None:
        """So many messages were sent; then a little more time passes, in which there should be no further."""
        async with asyncio.timeout(5):
            while len(self.link.sent) < count:  # noqa: ASYNC110 - a test looks from outside
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.03)
        assert len(self.link.sent) == count


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
async def running(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """It looks often."""
    monkeypatch.setattr(module, "LOOK_S", 0.005)
    task = asyncio.create_task(desk.agents.run())
    await desk.until(1)
    yield desk
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_who_asks_whom(desk: Desk) -> None:
    of = desk.agents.of
    assert (of("cam-1"), of("cam-2"), of("gw"), of("nobody")) == ("gw", None, None, None)
    desk.tracks["gw"].lifecycle = Lifecycle.RETIRED
    desk.agents.changed()
    assert of("cam-1") is None


async def test_an_agent_is_told_its_realms_cameras_and_no_password_before_its_key_is_accepted(
    running: Desk,
) -> None:
    desk = running
    found = desk.told()
    assert (list(found.rows), found.interval_s, found.locked) == (["cam-1"], 30, True)
    desk.tracks["gw"].key = desk.key.public
    await desk.until(1)
    assert desk.agents.troubles() == ("agent_key_waits",)
    view = desk.agents.view("gw")
    assert view is not None
    assert (view.offered, view.accepted, view.waits) == (desk.key.fingerprint, "", True)
    await desk.agents.accept("gw", desk.key.fingerprint.upper() + " ", AN)
    await desk.until(2)
    assert desk.told().rows["cam-1"].password == "mật khẩu 1"
    assert desk.agents.troubles() == ()
    assert desk.store.rows("SELECT person, action, subject, after FROM audit") == [
        ("An", "agent.key_accepted", "device:gw", json.dumps({"fingerprint": desk.key.fingerprint})),
    ]


async def test_another_key_gets_no_password_until_it_is_accepted(running: Desk, tmp_path: Path) -> None:
    desk = running
    desk.tracks["gw"].key = desk.key.public
    await desk.agents.accept("gw", desk.key.fingerprint, AN)
    await desk.until(2)
    desk.key = own_key(tmp_path / "stranger")
    desk.tracks["gw"].key = desk.key.public
    await desk.until(3)
    assert "box" not in json.loads(desk.link.sent[-1][1])
    assert desk.agents.troubles() == ("agent_key_waits",)
    for shown in ("", "0000-0000-0000-0000-0000", own_key(tmp_path / "agent.key").fingerprint):
        with pytest.raises(Refused, match="key_changed"):
            await desk.agents.accept("gw", shown, AN)
    await desk.until(3)


async def test_it_is_told_again_over_each_connection_and_when_something_changes(running: Desk) -> None:
    desk = running
    desk.agents.changed()
    await desk.until(1)
    desk.link.generation = 2
    await desk.until(2)
    desk.password = "another"
    desk.agents.changed()
    await desk.until(3)
    ids = [json.loads(p)["id"] for _, p, _ in desk.link.sent]
    assert ids[0] == ids[1] != ids[2]


async def test_an_agent_that_is_none_any_more_is_asked_nothing(running: Desk) -> None:
    desk = running
    desk.tracks["gw"].device = replace(GATEWAY, driver="native")
    desk.agents.changed()
    await desk.until(2)
    assert desk.link.sent[-1] == ("vh/1/thon/gw/desired", b"", True)
    assert desk.agents.view("gw") is None
    with pytest.raises(Refused, match="no_agent"):
        await desk.agents.accept("gw", desk.key.fingerprint, AN)


async def test_what_does_not_fit_is_a_fault_and_named(running: Desk) -> None:
    desk = running
    desk.devices |= {f"c{i:04}": replace(CAM, name=f"c{i:04}") for i in range(3000)}
    desk.agents.changed()
    await desk.until(2)
    view = desk.agents.view("gw")
    assert view is not None
    assert view.cameras + len(view.left_out) == 3001
    assert view.left_out
    assert desk.agents.troubles() == ("agent_overfull",)


async def test_an_order_ends_with_its_receipt(running: Desk) -> None:
    desk = running
    asked = asyncio.create_task(desk.agents.set_clock("cam-1"))
    await desk.until(2)
    topic, payload, retain = desk.link.sent[-1]
    said = json.loads(payload)
    assert (topic, retain) == ("vh/1/thon/gw/command", False)
    assert (said["do"], said["device"], said["expires_at"]) == ("set_clock", "cam-1", NOW / 1000 + 30)
    receipt = Receipt("gw", "thon", NOW, 1, 1, None, False, said["id"], "failed", "login_refused")
    await asyncio.to_thread(desk.agents.received, receipt._replace(device="cam-2"))
    await asyncio.to_thread(desk.agents.received, receipt._replace(id="another"))
    await asyncio.sleep(0.02)
    assert not asked.done(), "of another sender, of another order"
    await asyncio.to_thread(desk.agents.received, receipt)
    assert await asked == "login_refused"
    assert await desk.agents.set_clock("cam-1", patience_s=0.01) == "timeout"
    desk.agents.hurry("cam-1")
    desk.agents.reference("cam-1", "An")
    assert [json.loads(p).get("by") for _, p, _ in desk.link.sent[-2:]] == [None, "An"]


async def test_an_agent_that_is_away_takes_no_orders(running: Desk) -> None:
    desk = running
    desk.tracks["gw"].gone_at = NOW
    with pytest.raises(Refused, match="poller_away"):
        desk.agents.hurry("cam-1")
    with pytest.raises(Refused, match="poller_away"):
        desk.agents.hurry("cam-2")
    await desk.until(1)


async def test_it_follows_once_it_says_so(running: Desk) -> None:
    desk = running
    number = json.loads(desk.link.sent[-1][1])["id"]
    view = desk.agents.view("gw")
    assert view is not None
    assert not view.follows
    receipt = Receipt("gw", "thon", NOW, 1, 1, None, False, number, "done", "keyWaits")
    await asyncio.to_thread(desk.agents.received, receipt)
    await asyncio.sleep(0.01)
    view = desk.agents.view("gw")
    assert view is not None
    assert view.follows


@pytest.mark.parametrize(
    ("device", "code"),
    [
        (replace(CAM, name="x", realm="lang", driver=AGENT), "driver_of_gateways"),
        (replace(GATEWAY, name="gw-2"), "realm_has_agent"),
        (replace(GATEWAY, name="gw-2", realm="lang"), None),
        (replace(GATEWAY, name="gw-2", driver="agents"), "no_such_driver"),
        (GATEWAY, None),
    ],
)
def test_what_may_be_an_agent(device: Device, code: str | None) -> None:
    fit = Fit({GATEWAY.name: GATEWAY, device.name: device}, {""})
    assert [r.code for r in fit.problems(device)] == ([] if code is None else [code])
    retired = replace(GATEWAY, lifecycle=Lifecycle.RETIRED)
    if code == "realm_has_agent":
        assert not list(Fit({"gw": retired, device.name: device}, {""}).problems(device))
