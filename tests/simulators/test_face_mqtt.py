"""The network face against real brokers, watched by another client library."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiomqtt
import pytest

from devices import wire
from devices.device import Device, Kind
from devices.site import Site
from simulators.clock import Clock
from simulators.fleet import Fleet
from simulators.runner import Options, Runner
from tests.simulators.brokers import BROKERS, HOST, free_port, mosquitto

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

PLACE: dict[str, Any] = {"realm": "tt", "site": "tt", "interval_s": 0.2, "lat": 21.1, "lon": 105.67}
FLEET = Fleet(
    sites=(Site("tt", "Tháp Thượng", "village"),),
    placings=(),
    devices=(
        Device("tt-g001", Kind.GATEWAY, **PLACE),
        Device("tt-c001", Kind.CAMERA, power_from="tt-g001", uplink_by="tt-g001", **PLACE),
        Device("tt-l001", Kind.SOLAR_LIGHT, uplink_by="tt-g001", **PLACE),
        Device("tt-l002", Kind.SOLAR_LIGHT, **PLACE),
    ),
    passwords={"tt-g001": "a", "tt-c001": "b", "tt-l002": "c"},
)


class Watcher:
    """What came, in order; `until` waits for a message that fits."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        self._more = asyncio.Event()

    async def listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            topic = wire.parse_topic(str(message.topic))
            if topic is None:  # what the hub says
                continue
            assert isinstance(message.payload, bytes)
            self.heard.append((topic.device, topic.channel, json.loads(message.payload)))
            self._more.set()

    async def until(
        self,
        device: str,
        channel: str,
        fits: Callable[[dict[str, Any]], bool] = lambda _: True,
        *,
        after: int = 0,
    ) -> int:
        """The place of the first such message from place `after` on."""
        async with asyncio.timeout(15):
            while True:
                for i, (name, what, body) in enumerate(self.heard[after:], after):
                    if (name, what) == (device, channel) and fits(body):
                        return i
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def watching(port: int) -> AsyncIterator[Watcher]:
    watcher = Watcher()
    async with aiomqtt.Client(HOST, port) as client:
        await client.subscribe("vh/#", qos=1)
        task = asyncio.create_task(watcher.listen(client))
        try:
            yield watcher
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def running(port: int, *, freeze: bool = False) -> AsyncIterator[Runner]:
    runner = Runner(FLEET, Clock(), Options(port=port, freeze=freeze))
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        runner.stop()
        await task


@pytest.fixture(params=BROKERS)
async def port(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[int]:
    number = free_port()
    async with BROKERS[request.param](number, tmp_path):
        yield number


def online(body: dict[str, Any]) -> bool:
    return bool(body["online"])


def offline(body: dict[str, Any]) -> bool:
    return not body["online"]


async def test_birth_telemetry_and_goodbye(port: int) -> None:
    async with watching(port) as watcher:
        async with running(port):
            for name in ("tt-g001", "tt-c001", "tt-l001", "tt-l002"):
                born = await watcher.until(name, "state", online)
                said = await watcher.until(name, "telemetry")
                assert born < said
                assert watcher.heard[born][2]["boot"] == watcher.heard[said][2]["boot"]
        for name in FLEET.passwords:
            await watcher.until(name, "state", offline)


async def test_the_state_is_retained(port: int) -> None:
    async with watching(port) as watcher, running(port):
        await watcher.until("tt-l001", "state")
        async with watching(port) as late_comer:
            await late_comer.until("tt-l001", "state", online)


async def test_a_power_cut_lets_the_will_speak(port: int) -> None:
    async with watching(port) as watcher, running(port) as runner:
        born = await watcher.until("tt-c001", "state", online)
        boot = watcher.heard[born][2]["boot"]
        runner.world.cut_power("tt")
        gone = await watcher.until("tt-c001", "state", offline)
        assert watcher.heard[gone][2] == {"online": False, "boot": boot}
        await watcher.until("tt-g001", "occurrence", lambda b: b["kind"] == "power_lost")
        await watcher.until("tt-g001", "telemetry", lambda b: b["mains"] is False)
        silent_from = len(watcher.heard)
        silent = silent_from
        for _ in range(3):
            silent = await watcher.until("tt-l002", "telemetry", after=len(watcher.heard))
        assert not any(name == "tt-c001" for name, _, _ in watcher.heard[silent_from:silent])


async def test_a_gateway_buffers_and_says_late_after_fresh_news(port: int) -> None:
    async with watching(port) as watcher, running(port) as runner:
        await watcher.until("tt-l001", "telemetry")
        runner.world.break_("tt-g001", "uplink_down")
        cut = await watcher.until("tt-g001", "state", offline)
        for _ in range(5):
            await watcher.until("tt-l002", "telemetry", after=len(watcher.heard))
        assert not any(name in ("tt-g001", "tt-l001") for name, _, _ in watcher.heard[cut + 1 :])
        runner.world.mend("tt-g001")
        back = await watcher.until("tt-g001", "state", online, after=cut)
        late = await watcher.until("tt-l001", "telemetry", lambda b: b.get("late", False), after=back)
        fresh = await watcher.until("tt-l001", "telemetry", lambda b: "late" not in b, after=late)
        assert watcher.heard[late][2]["seq"] < watcher.heard[fresh][2]["seq"]


async def test_a_frozen_field_says_no_goodbye(port: int) -> None:
    async with watching(port) as watcher:
        async with running(port, freeze=True):
            await watcher.until("tt-l002", "telemetry")
        async with aiomqtt.Client(HOST, port) as client:
            await client.publish("vh/1/tt/end/state", b'{"online": true}', qos=1)
        await watcher.until("end", "state")
        assert all(body["online"] for _, channel, body in watcher.heard if channel == "state")


async def test_links_return_when_the_broker_does(tmp_path: Path) -> None:
    number = free_port()
    async with running(number) as runner:
        async with mosquitto(number, tmp_path), watching(number) as watcher:
            first = watcher.heard[await watcher.until("tt-c001", "state", online)][2]
        async with mosquitto(number, tmp_path), watching(number) as watcher:
            again = watcher.heard[await watcher.until("tt-c001", "state", online)][2]
            await watcher.until("tt-l001", "telemetry", lambda b: b.get("late", False))
        assert (first["boot"], first["seq"] < again["seq"]) == (again["boot"], True)
        assert runner.broker.refused is None


async def test_a_refused_password_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    number = free_port()
    async with mosquitto(number, tmp_path, anonymous=False), running(number) as runner:
        async with asyncio.timeout(10):
            while runner.broker.refused != "":  # noqa: ASYNC110 - nobody else waits for it
                await asyncio.sleep(0.01)
        assert runner.broker.connected == 0
    said = capsys.readouterr().err
    assert said.count("The broker refuses tt-") == 1
