"""A running field: world, links and scenario in one event loop, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import sys
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from devices.device import Kind
from simulators import scenario
from simulators.control import Control
from simulators.errors import UserError
from simulators.face_http import Fetcher
from simulators.face_mqtt import Broker
from simulators.fleet import RTSP_PORT, is_asked
from simulators.onvif.camera import Camera
from simulators.onvif.discovery import Discovery
from simulators.onvif.face import Faces
from simulators.onvif.picture import Pictures
from simulators.sky import VILLAGE_TIME
from simulators.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from devices.device import Device
    from simulators.clock import Clock
    from simulators.fleet import Fleet
    from simulators.outbox import Port
    from simulators.scenario import Scenario

SPARE_FILES = 100
FILES_A_CAMERA = 4
"""Two that listen, and a connection or two."""
REBOOT_AFTER_S = 1.0
"""A camera that is told to restart does so after its answer."""
LONGEST_NAP_S = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How to run.

    `freeze` stops without goodbyes, as if time stood still until the next start. `speed` is the scenario's pace,
    `socket` where break and mend are listened for. `rtsp_port` is that of all cameras that are asked, `discovery_port`
    that of searches for them; None: they are not answered.
    """

    host: str = "127.0.0.1"
    port: int = 1883
    seed: int = 0
    freeze: bool = False
    scenario: Scenario | None = None
    speed: float = 1.0
    socket: Path | None = None
    rtsp_port: int = RTSP_PORT
    discovery_port: int | None = None


def files_of(fleet: Fleet) -> int:
    """Files that a fleet keeps open: connections to the broker, and what cameras listen and answer with."""
    return len(fleet.passwords) + FILES_A_CAMERA * len(fleet.logins)


def room_for(connections: int) -> None:
    """Raises the soft limit of open files; raises UserError where the hard one is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = connections + SPARE_FILES
    if soft in (resource.RLIM_INFINITY, max(soft, need)):
        return
    if hard != resource.RLIM_INFINITY and hard < need:
        raise UserError(
            f"{connections} devices need {need} open files; this machine allows {hard} (ulimit -Hn)."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))


class Runner:
    """Holds what runs."""

    def __init__(self, fleet: Fleet, clock: Clock, options: Options) -> None:
        self.clock = clock
        self.options = options
        self.broker = Broker(options.host, options.port)
        self.faces = Faces()
        self._discovery: Discovery | None = None
        self._pictures = Pictures(options.seed)
        self._fleet = fleet
        self.world = World(fleet, clock.now(), self._way, seed=options.seed, clock=clock.now)
        for camera in (face.camera for face in self.faces.faces):
            camera.body = self.world.units[camera.name]
        self._fetcher = Fetcher(self._fetched)
        self.world.fetch = lambda unit, name: self._fetcher.want(unit.device.name, unit.device.address, name)
        self._wake = asyncio.Event()
        self._stop = False

    def wake(self) -> None:
        """Something changed from outside: looks at the world again at once."""
        self._wake.set()

    def stop(self) -> None:
        """Ends `run`."""
        self._stop = True
        self._wake.set()

    async def run(self) -> None:
        """Plays the world until `stop`, SIGINT or SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        control = Control(self.options.socket, self) if self.options.socket else None
        if control:
            await control.start()
        try:
            self._begin()
            while not self._stop:
                self._wake.clear()
                due = self.world.run_until(self.clock.now())
                self._complain()
                await self._rest(self.clock.real_s(due - self.clock.now()))
        finally:
            if control:
                await control.stop()
            self.world.stop(goodbye=not self.options.freeze)
            self.faces.stop()
            if self._discovery:
                self._discovery.stop()
            self._fetcher.stop()
            await self.broker.stop()

    def _begin(self) -> None:
        self.world.start()
        self.broker.start()
        self.faces.start()
        if (port := self.options.discovery_port) is not None and self._fleet.logins:
            self._discovery = Discovery(self.faces.there, port)
            try:
                self._discovery.start()
            except UserError as error:  # everything else plays all the same
                print(error, flush=True)
        if played := self.options.scenario:
            moves = scenario.Rounds(played, self._fleet, self.options.seed, self.options.speed)
            moves.play(self.world, self._say)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(max(seconds, 0.0), LONGEST_NAP_S)):
                await self._wake.wait()

    def _way(self, device: Device) -> Port:
        """How a device is connected: to the broker, or by waiting until it is asked."""
        if is_asked(device):
            password = self._fleet.logins.get(device.name, "")
            camera = Camera(device, password, self.options.rtsp_port, self.clock.now, self._pictures)
            camera.reboot = partial(self._reboot_soon, device.name)
            return self.faces.add(camera)
        return self.broker.link(
            device.name, self._fleet.passwords.get(device.name, ""), buffers=device.kind is Kind.GATEWAY
        )

    def _fetched(self, board: str, name: str, png: bytes | None) -> None:
        self.world.run_until(self.clock.now())
        self.world.fetched(self.world.unit(board), name, png)
        self.wake()

    def _reboot_soon(self, name: str) -> None:
        def reboot() -> None:
            self.world.run_until(self.clock.now())
            self.world.reboot(name)
            self.wake()

        asyncio.get_running_loop().call_later(REBOOT_AFTER_S, reboot)

    def _say(self, text: str) -> None:
        local = datetime.fromtimestamp(self.world.now, VILLAGE_TIME)
        print(f"{local:%H:%M:%S} {text}", flush=True)

    def _complain(self) -> None:
        """Says the first refusal, not the other 4,000."""
        if self.broker.refused:
            print(f"simulators: {self.broker.refused}", file=sys.stderr, flush=True)
            self.broker.refused = ""
