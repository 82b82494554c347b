"""A camera's own alarm: through a real subscription, the poller and the rules, at once to a red light and an alert."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from devices.device import Device, Kind
from drivers.onvif import Camera, Target
from hub.poll import alarms
from hub.poll.pace import Pace
from hub.poll.poller import Poller
from hub.poll.rows import Row
from hub.poll.shelf import Shelf
from hub.poll.watch import Watch
from rules.alert import Opened, observe
from rules.load import BUILTIN, load
from tests.hub.poll.test_watch import Eye
from tests.simulators.cameras import PASSWORD, USER, name_made_by, shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from hub.poll.wheel import Bucket
    from simulators.onvif.camera import Camera as Simulated

CAM = Device("cam-1", Kind.CAMERA, "thon", "thon", driver="onvif")
SOON_S = 10.0
"""A busy machine takes its time; what is waited for is the camera's word, not a second picture."""


class Scene:
    """A real poller beside a simulated camera, whose eye sees nothing wrong, ever: only alarms can tell."""

    def __init__(self, camera: Simulated, folder: Path) -> None:
        self.camera, self.folder = camera, folder
        self.readings: list[dict[str, Any]] = []
        self.poller = Poller(self._make, self._say)
        self.came = asyncio.Event()

    def _make(self, row: Row, bucket: Bucket) -> Watch:
        target = Target(row.name, self.camera.host, self.camera.port, username=USER, password=PASSWORD)
        eye: Any = Eye()
        shelf = Shelf(self.folder, lambda _: None)
        return Watch(row, bucket, shelf, Camera(target, now=self.camera.now), eye, bytes, Pace())

    def _say(self, **said: Any) -> None:
        match said:
            case {"say": [_, "telemetry", dict(body)]}:
                self.readings.append(body)
                self.came.set()

    async def until(self, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(SOON_S):
            while not self.readings or not done(self.readings[-1]):
                self.came.clear()
                await self.came.wait()
        return self.readings[-1]


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(alarms, "PULL_S", 0.05)
    async with shown(name_made_by("Thanh Long")) as camera:
        camera.open_stream = False
        made = Scene(camera, tmp_path)
        url = f"http://{camera.host}:{camera.port}"
        made.poller.put(Row("cam-1", "thon", 3600, url, USER, PASSWORD, events=True))  # once an hour
        made.poller.hurry("cam-1")
        task = asyncio.create_task(made.poller.run())
        yield made
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def opened(values: dict[str, Any]) -> set[str]:
    """Rules that open an alert at the very first reading."""
    rules, _ = load([BUILTIN])
    found = set()
    for rule in rules.for_device(CAM, frozenset()):
        _, records = observe(None, rule, values, 1_795_000_000_000)
        found |= {rule.id for r in records if isinstance(r, Opened)}
    return found


@pytest.mark.parametrize(
    ("fault", "code", "rule"),
    [
        ("covered", "sceneChanged", "camera-tamper"),
        ("black", "tooDark", "camera-tamper"),
        ("blurred", "tooBlurry", "camera-tamper"),
        ("overexposed", "tooBright", "camera-tamper"),
        ("no_signal", "signalLost", "camera-signal"),
    ],
)
async def test_an_alarm_is_a_red_light_and_an_alert_at_once(
    scene: Scene, fault: str, code: str, rule: str
) -> None:
    calm = await scene.until(lambda r: "logged_in" in r["lights_ok"])
    assert opened(calm) == set()
    async with asyncio.timeout(SOON_S):
        while not scene.camera.events.kept:  # noqa: ASYNC110 - its subscription is seen from outside
            await asyncio.sleep(0.01)
    scene.camera.faults.add(fault)
    scene.camera.notice()
    told = await scene.until(lambda r: code in r["faults"])
    assert "picture_good" in told["lights_bad"]
    assert opened(told) == {rule}
    scene.camera.faults.clear()
    scene.camera.notice()
    over = await scene.until(lambda r: code not in r["faults"])
    assert "picture_good" not in over["lights_bad"]
