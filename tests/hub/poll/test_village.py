"""A village's uplink over hours of made-up time: what is carried in a minute, who waits, and how rare pictures get."""

from __future__ import annotations

import asyncio
import selectors
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from drivers.onvif import CameraError, Code, Target
from hub.poll.poller import Poller
from hub.poll.rows import Row
from hub.poll.shelf import Shelf
from hub.poll.watch import Watch
from tests.hub.poll.test_watch import Camera, Eye

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from hub.poll.wheel import Bucket

CALL_BYTES = 1100
"""A call and its answer, as measured on average."""
CAP = 256.0


class _Jump(selectors.SelectSelector):
    """Time that would be waited is added instead."""

    waited = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.waited += max(timeout or 0.0, 1e-6)  # else a rounding error would be waited for
        return super().select(0)


class MadeUpTime(asyncio.SelectorEventLoop):
    """A loop that never waits: where nothing is ready its time jumps to what is due next."""

    def __init__(self) -> None:
        self.jump = _Jump()
        super().__init__(self.jump)

    def time(self) -> float:
        return self.jump.waited


class LoopPace:
    rate = 1.0

    def now(self) -> float:
        return 1.7e9 + self.mono()

    def mono(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


@dataclass
class Slow(Camera):
    """One over a link: each call takes a while. `picture_bytes` of its snapshots; `hung`: the call lasts 8 s."""

    picture_bytes: int = 100_000
    hung: bool = False
    pours: int = 0

    async def _call(self, answer: Any) -> Any:
        await asyncio.sleep(8.0 if self.hung else 0.3)
        self.cost.asked(CALL_BYTES // 2)
        self.cost.came(CALL_BYTES // 2 + self.pours)
        if self.hung:
            raise CameraError(Code.FAILED, "after seven seconds")
        return answer

    async def clock(self) -> Any:
        return await self._call(self.clocks) if not self.hung else self.clocks

    async def information(self) -> Any:
        return await self._call(self.informed)

    async def recording(self) -> Any:
        return await self._call(self.recorded)

    async def stream(self) -> Any:
        return await self._call(self.streamed)

    async def snapshot(self, room: Any) -> Any:
        for at in range(0, self.picture_bytes, 8192):
            await room()
            self.cost.came(min(8192, self.picture_bytes - at))
        return b"jpeg"


@dataclass
class Village:
    """What came of it: bytes by minute, and when each camera was heard of."""

    minutes: Counter[int] = field(default_factory=Counter)
    told: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    pictures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    kb: dict[str, int] = field(default_factory=dict)

    def kbit_s(self) -> list[float]:
        return [self.minutes[m] * 8 / 60 / 1000 for m in range(max(self.minutes))]

    def longest(self, heard: list[float], since: float) -> float:
        times = [at for at in heard if at >= since]
        return max((b - a for a, b in pairwise(times)), default=float("inf"))


async def lived(cameras: list[Slow], hours: float, folder: Path) -> Village:
    """So long with these cameras in one village, asked once a minute."""
    found, pace = Village(), LoopPace()
    by_name = {f"cam-{i}": c for i, c in enumerate(cameras)}

    def make(row: Row, bucket: Bucket) -> Watch:
        any_pace: Any = pace
        camera: Any = by_name[row.name]
        eye: Any = Eye()
        shelf = Shelf(
            folder,
            lambda told: found.pictures[row.name].append(pace.mono()) if told["what"] == "last" else None,
        )
        watch = Watch(row, bucket, shelf, camera, eye, bytes, any_pace)
        counted: Callable[[int], None] = camera.cost.carried

        def carried(size: int) -> None:
            found.minutes[int(pace.mono() // 60)] += size
            counted(size)

        camera.cost.carried = carried
        return watch

    def say(**said: Any) -> None:
        match said.get("say"):
            case [name, "telemetry", body]:
                found.told[name].append(pace.mono())
                found.kb[name] = body["traffic_kb"]

    any_pace: Any = pace
    poller = Poller(make, say, village_kbit_s=CAP, pace=any_pace)
    for name, camera in by_name.items():
        camera.target = Target(name, "127.0.0.1", 9)
        poller.put(Row(name, "thon", 60, "http://127.0.0.1", "admin", "x"))
    running = asyncio.create_task(poller.run())
    await asyncio.sleep(hours * 3600)
    running.cancel()
    await asyncio.wait({running})
    return found


def made_up(run: Coroutine[Any, Any, Village]) -> Village:
    with asyncio.Runner(loop_factory=MadeUpTime) as runner:
        return runner.run(run)


@pytest.mark.parametrize(
    ("count", "size", "every_min"),
    [(27, 100_000, 10), (60, 100_000, 10), (27, 1_000_000, 17), (60, 1_000_000, 41)],
)
def test_what_docs_say_of_a_villages_uplink(count: int, size: int, every_min: float, tmp_path: Path) -> None:
    hours = max(1.1, every_min / 60 * 3.2)
    found = made_up(lived([Slow(picture_bytes=size) for _ in range(count)], hours, tmp_path))
    assert max(found.kbit_s()) <= CAP, "in no minute"
    for name in (f"cam-{i}" for i in range(count)):
        assert found.longest(found.told[name], 0) <= 75, "pictures hold up no visit"
        gaps = [b - a for a, b in pairwise(found.pictures[name]) if a > 1800]
        assert gaps
        for gap in gaps:
            assert gap == pytest.approx(every_min * 60, rel=0.15)


def test_the_hung_and_the_hostile_take_nothing_from_the_others(tmp_path: Path) -> None:
    bad = [
        Slow(hung=True),
        Slow(hung=True),
        Slow(hung=True),
        Slow(pours=400_000),
        Slow(picture_bytes=4_000_000),
    ]
    found = made_up(lived([*bad, *(Slow() for _ in range(22))], 2, tmp_path))
    kbits = sorted(found.kbit_s())
    assert kbits[int(len(kbits) * 0.95)] <= CAP
    for name in (f"cam-{i}" for i in range(len(bad), 27)):
        assert found.longest(found.told[name], 120) <= 90
        assert found.longest(found.pictures[name], 1200) <= 15 * 60
    assert found.kb["cam-3"] < 60 * 60 + 1700, "its budget"
