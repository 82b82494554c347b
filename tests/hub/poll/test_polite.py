"""Our real client, hours beside a camera that refuses it: how often a wrong password is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from drivers.onvif import Camera, Target
from hub.poll.reading import reading
from hub.poll.rows import Row
from hub.poll.shelf import Shelf
from hub.poll.watch import Watch
from hub.poll.wheel import Bucket
from simulators.onvif.login import Gate
from tests.hub.poll.test_watch import Eye, HandPace
from tests.simulators.cameras import NOW, PASSWORD, USER, name_made_by, shown

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.onvif.camera import Camera as Simulated
    from simulators.onvif.maker import Maker
    from simulators.onvif.soap import Ask

LOCKS_AFTER = 5
"""Wrong passwords in half an hour after which many cameras lock the account."""


class CountingGate(Gate):
    """Notes when a wrong password was shown, by minutes; `shut` refuses by HTTP's and RTSP's methods."""

    def __init__(self, user: str, maker: Maker, realm: str, pace: HandPace) -> None:
        super().__init__(user, maker, realm)
        self.pace, self.wrong, self.shut = pace, list[float](), set[str]()

    def _note(self, right: bool) -> bool:
        if not right:
            self.wrong.append(self.pace.time / 60)
        return right

    def token(self, ask: Ask, password: str, now: float) -> bool:
        right = super().token(ask, password, now)
        return self._note(right) if ask.value("Username") else right

    def digest(self, header: str, method: str, password: str, now: float) -> tuple[bool, bool]:
        right, stale = super().digest(header, method, password, now)
        if method in self.shut:
            right = stale = False
        if header and not stale:
            self._note(right)
        return right, stale


class Scene:
    """A simulated camera, and a watch upon it whose time is moved by hand."""

    def __init__(self, camera: Simulated, folder: Path) -> None:
        self.pace = HandPace()
        self.camera = camera
        self.gate = CountingGate(USER, camera.maker, "r", self.pace)
        camera.gate = self.gate
        camera.clock = self.now
        pace: Any = self.pace
        eye: Any = Eye()
        row = Row(camera.name, "thon", 60, f"http://{camera.host}:{camera.port}", USER, PASSWORD)
        client = Camera(
            Target(row.name, camera.host, camera.port, username=USER, password=PASSWORD), now=self.now
        )
        self.watch = Watch(row, Bucket(1e9, 1e9), Shelf(folder, lambda _: None), client, eye, bytes, pace)

    def now(self) -> float:
        return NOW + self.pace.time

    async def minutes(self, count: int) -> dict[str, Any]:
        """Visits, one a minute; what the last one says."""
        said: dict[str, Any] = {}
        for _ in range(count):
            self.pace.time += 60
            said = reading(await self.watch.visit())
        return said

    def most_within(self, minutes: float) -> int:
        wrong = self.gate.wrong
        return max((sum(at <= other < at + minutes for other in wrong) for at in wrong), default=0)


@pytest.mark.parametrize("maker", ["Thanh Long", "Lam Son", "Hong Ha", "Sao Bac"])
async def test_a_changed_password_locks_no_account_and_is_known_again(maker: str, tmp_path: Path) -> None:
    async with shown(name_made_by(maker)) as camera:
        scene = Scene(camera, tmp_path)
        assert "logged_in" in (await scene.minutes(2))["lights_ok"]
        assert scene.gate.wrong == []
        camera.faults.add("wrong_password")
        said = await scene.minutes(150)
        assert "loginRefused" in said["faults"]
        assert 1 <= scene.most_within(30) <= LOCKS_AFTER
        assert len(scene.gate.wrong) <= 12
        camera.faults.clear()
        assert "logged_in" in (await scene.minutes(125))["lights_ok"]
        scene.watch.close()


@pytest.mark.parametrize(("method", "fault"), [("DESCRIBE", "streamRefused"), ("GET", "noPicture")])
@pytest.mark.parametrize("worked", [True, False])
async def test_a_list_of_its_own_for_the_stream_or_for_pictures(
    method: str, fault: str, worked: bool, tmp_path: Path
) -> None:
    async with shown(name_made_by("Thanh Long")) as camera:
        camera.open_stream = False
        scene = Scene(camera, tmp_path)
        if worked:
            assert fault not in (await scene.minutes(2))["faults"]
        scene.gate.shut.add(method)
        said = await scene.minutes(150)
        assert fault in said["faults"]
        assert "logged_in" in said["lights_ok"]
        assert 2 <= len(scene.gate.wrong) <= 6
        assert scene.most_within(30) <= LOCKS_AFTER
        scene.gate.shut.clear()
        assert fault not in (await scene.minutes(125))["faults"], "and it is known again"
        scene.watch.close()
