"""The poller against cameras that are objects: what it says when they answer, stop and come back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from devices.device import Device, Kind
from devices.event import Gone, Reading, Seen
from drivers import NATIVE
from drivers.contract import Key
from hub.poll import wheel
from hub.poll.poller import Poller, Unreachable
from hub.poll.reading import Found
from hub.poll.rows import Row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hub.poll.wheel import Bucket


class Camera:
    """One that does as it is told."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.claim = {"make": "Acme", "model": "C1", "firmware": "1.0"}
        self.found: Found | Exception = Found(12.0, login=True, fresh=True, good=True)
        self.visits = 0
        self.closed = False
        self.referenced = self.looked = False
        self.again: Callable[[float], None] = lambda _at: None
        self.clock_said, self.tries = "", list[str]()
        self.listens, self.alarm = False, asyncio.Event()

    async def visit(self) -> Found:
        self.visits += 1
        await asyncio.sleep(0)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def set_clock(self, *, manually: bool = False) -> str:
        return "" if manually else self.clock_said

    async def try_default(self, model: str) -> str:
        self.tries.append(model)
        return "refused"

    def set_reference(self, by: str) -> None:
        assert by == "An"
        self.referenced = True

    def witness(self, of: str) -> None:
        raise NotImplementedError

    def look(self) -> None:
        self.looked = True

    async def listen(self, changed: Callable[[], None]) -> None:
        self.listens = True
        try:
            await self.alarm.wait()
            changed()
            await asyncio.Event().wait()
        finally:
            self.listens = False

    def close(self) -> None:
        self.closed = True


class Scene:
    """A poller and what it said."""

    def __init__(self) -> None:
        self.cameras: dict[str, Camera] = {}
        self.said: list[tuple[str, Any]] = []
        self.poller = Poller(self._make, self._say)

    def _make(self, row: Row, bucket: Bucket) -> Camera:
        del bucket
        self.cameras[row.name] = Camera(row)
        return self.cameras[row.name]

    def _say(self, **said: Any) -> None:
        self.said += said.items()

    def messages(self, channel: str) -> list[dict[str, Any]]:
        return [body for what, said in self.said if what == "say" for _, c, body in [said] if c == channel]

    async def until(self, done: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not done():  # noqa: ASYNC110 - a test looks from outside
                await asyncio.sleep(0.005)


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """Waits are short."""
    monkeypatch.setattr(wheel, "AGAIN_S", (0.01, 0.01))
    made = Scene()
    task = asyncio.create_task(made.poller.run())
    yield made
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def row(name: str = "cam-1", interval_s: float = 0.05, **more: Any) -> Row:
    return Row(name, "thon", interval_s, "http://127.0.0.1", **more)


async def test_a_camera_that_answers_is_online_and_says_readings_in_our_contract(scene: Scene) -> None:
    scene.poller.put(row())
    await scene.until(lambda: len(scene.messages("telemetry")) >= 2)
    (state,) = scene.messages("state")
    assert (state["online"], state["model"], state["firmware"]) == (True, "Acme C1", "1.0")
    device = Device("cam-1", Kind.CAMERA, "thon", "", driver="onvif")
    for channel, kind in (("state", Seen), ("telemetry", Reading)):
        body = json.dumps(scene.messages(channel)[0]).encode()
        (event,) = NATIVE.read(Key("thon", "cam-1", channel), body, 0, device)
        assert type(event) is kind
    seqs = [m["seq"] for m in scene.messages("telemetry")]
    assert seqs == sorted(set(seqs))


async def test_gone_is_said_after_the_third_failure_and_once(scene: Scene) -> None:
    scene.poller.put(row())
    await scene.until(lambda: scene.messages("telemetry"))
    camera = scene.cameras["cam-1"]
    before = camera.visits
    camera.found = Unreachable("timeout")
    await scene.until(lambda: len(scene.messages("state")) == 2)
    gone = scene.messages("state")[1]
    assert (gone["online"], gone["boot"], gone["why"]) == (False, scene.poller.boot, "timeout")
    assert camera.visits - before >= 3
    await scene.until(lambda: camera.visits - before >= 5)
    assert len(scene.messages("state")) == 2
    (event,) = NATIVE.read(Key("thon", "cam-1", "state"), json.dumps(gone).encode(), 0, None)
    assert type(event) is Gone
    camera.found = Found(5.0)
    await scene.until(lambda: len(scene.messages("state")) == 3)
    assert scene.messages("state")[2]["online"] is True


async def test_one_that_never_answered_is_gone_under_the_boot_that_the_hub_knows(scene: Scene) -> None:
    scene.poller.put(row("cam-1", boot=77))
    scene.cameras["cam-1"].found = Unreachable("refused")
    scene.poller.put(row("cam-2"))
    scene.cameras["cam-2"].found = Unreachable("refused")
    await scene.until(lambda: scene.cameras["cam-1"].visits > 3 and scene.cameras["cam-2"].visits > 3)
    assert [(m["online"], m["boot"]) for m in scene.messages("state")] == [(False, 77)]
    tried = [said for what, said in scene.said if what == "tried" and said["device"] == "cam-2"]
    assert {t["code"] for t in tried} == {"refused"}


async def test_our_own_fault_makes_no_camera_dead(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.poller.put(row())
    await scene.until(lambda: scene.messages("telemetry"))
    scene.cameras["cam-1"].found = ValueError("a bug")
    await scene.until(lambda: scene.cameras["cam-1"].visits > 6)
    assert len(scene.messages("state")) == 1
    assert "a bug" in caplog.text


async def test_a_changed_row_is_a_new_watch_and_the_same_camera(scene: Scene) -> None:
    scene.poller.put(row())
    await scene.until(lambda: scene.messages("telemetry"))
    old = scene.cameras["cam-1"]
    scene.poller.put(row(password="new"))
    new = scene.cameras["cam-1"]
    assert old.closed
    assert new is not old
    count = len(scene.messages("telemetry"))
    await scene.until(lambda: len(scene.messages("telemetry")) > count)
    assert len(scene.messages("state")) == 2, "what it is was said anew, as nothing is known of the new one"
    scene.poller.put(row(password="new"))
    assert scene.cameras["cam-1"] is new


async def test_dropped_is_silent(scene: Scene) -> None:
    scene.poller.put(row())
    await scene.until(lambda: scene.messages("telemetry"))
    scene.poller.drop("cam-1")
    count = len(scene.said)
    await asyncio.sleep(0.15)
    assert len(scene.said) == count
    assert scene.cameras["cam-1"].closed


async def test_what_people_ask_for(scene: Scene) -> None:
    scene.poller.put(row(interval_s=3600))
    scene.poller.reference("cam-1", "An")
    scene.poller.reference("nobody", "An")
    assert scene.cameras["cam-1"].referenced
    await scene.until(lambda: scene.cameras["cam-1"].visits == 1)
    await scene.poller.set_clock("cam-1", "7")
    await scene.poller.set_clock("nobody", "8")
    did = [said for what, said in scene.said if what == "did"]
    assert [(d["id"], d["result"]) for d in did] == [("7", "done"), ("8", "failed")]
    await scene.until(lambda: scene.cameras["cam-1"].visits == 2)


async def test_an_alarm_brings_a_visit_and_a_subscription_ends_with_its_row(scene: Scene) -> None:
    scene.poller.put(row(interval_s=3600, events=True))
    camera = scene.cameras["cam-1"]
    await scene.until(lambda: camera.listens)
    assert camera.visits == 0
    camera.alarm.set()
    await scene.until(lambda: camera.visits == 1)
    scene.poller.put(row(interval_s=3600))
    await scene.until(lambda: not camera.listens)
    scene.poller.put(row(interval_s=3600, events=True))
    new = scene.cameras["cam-1"]
    await scene.until(lambda: new.listens)
    scene.poller.drop("cam-1")
    await scene.until(lambda: not new.listens)


def test_a_row_survives_the_line() -> None:
    one = row(masks=(((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)),), password="geheim")
    assert Row.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert "geheim" not in repr(one)


async def test_a_camera_is_visited_when_its_watch_wants_it_and_a_look_fetches_a_picture(scene: Scene) -> None:
    scene.poller.put(row(interval_s=3600))
    scene.poller.hurry("cam-1")
    await scene.until(lambda: scene.cameras["cam-1"].visits == 1)
    camera = scene.cameras["cam-1"]
    camera.again(0.0)
    await scene.until(lambda: camera.visits == 2)
    assert not camera.looked
    scene.poller.look("cam-1")
    await scene.until(lambda: camera.visits == 3)
    assert camera.looked
    scene.poller.look("nobody")
