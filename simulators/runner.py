"""A running field: world, links and scenario in one event loop, until it is told to stop."""

from __future__ import annotations

import asyncio
import resource
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.device import Kind
from simulators.face_mqtt import Broker
from simulators.world import World

if TYPE_CHECKING:
    from devices.device import Device
    from simulators.clock import Clock
    from simulators.face_mqtt import Link
    from simulators.fleet import Fleet

SPARE_FILES = 100
LONGEST_NAP_S = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: `freeze` stops without goodbyes, as if time stood still until the next start."""

    host: str = "127.0.0.1"
    port: int = 1883
    seed: int = 0
    freeze: bool = False


def room_for(connections: int) -> None:
    """Raises the soft limit of open files; raises OSError with one sentence where the hard one is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = connections + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < need:
        if hard != resource.RLIM_INFINITY and hard < need:
            raise OSError(
                f"{connections} devices need {need} open files, the limit here is {hard} (ulimit -Hn)."
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))


class Runner:
    """Holds what runs. `wake` makes it look at the world again at once."""

    def __init__(self, fleet: Fleet, clock: Clock, options: Options) -> None:
        self.clock = clock
        self.options = options
        self.broker = Broker(options.host, options.port)
        self._passwords = fleet.passwords
        self.world = World(fleet, clock.now(), self._link, seed=options.seed, clock=clock.now)
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()

    def _link(self, device: Device) -> Link:
        return self.broker.link(
            device.name, self._passwords.get(device.name, ""), buffers=device.kind is Kind.GATEWAY
        )

    def wake(self) -> None:
        """Something changed from outside."""
        self._wake.set()

    def stop(self) -> None:
        """Ends `run`."""
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        """Plays the world until `stop`, SIGINT or SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        self.world.start()
        self.broker.start()
        try:
            while not self._stop.is_set():
                due = self.world.run_until(self.clock.now())
                nap = min(self.clock.real_s(due - self.clock.now()), LONGEST_NAP_S)
                await self._rest(max(nap, 0.0))
        finally:
            self.world.stop(goodbye=not self.options.freeze)
            await self.broker.stop()

    async def _rest(self, seconds: float) -> None:
        self._wake.clear()
        if self._stop.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
