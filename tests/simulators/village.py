"""A village on virtual time: `village.run(60)` plays a minute."""

from __future__ import annotations

import random
from datetime import datetime
from typing import TYPE_CHECKING

from simulators import fleet
from simulators.sky import VILLAGE_TIME
from simulators.world import World
from tests.simulators.fake_port import FakeBroker

if TYPE_CHECKING:
    from devices.device import Device, Kind

EVENING = datetime(2026, 11, 24, 19, 30, tzinfo=VILLAGE_TIME).timestamp()
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=VILLAGE_TIME).timestamp()
TT = "thap-thuong"
DEMO = fleet.build("demo", asked=False)


class Village:
    """The demo fleet (three villages) with a broker in memory."""

    def __init__(self, start: float = EVENING) -> None:
        self.broker = FakeBroker()
        self.fleet = DEMO
        self.world = World(self.fleet, start, self.broker.port, rng=random.Random(1))  # noqa: S311 - not for secrets
        self.broker.now = lambda: self.world.now
        self.world.start()

    def run(self, seconds: float) -> None:
        self.world.run_until(self.world.now + seconds)

    def devices(self, kind: Kind, village: str = TT) -> list[Device]:
        return [d for d in self.fleet.devices if d.kind is kind and d.site == village]

    def forget(self) -> None:
        self.broker.heard.clear()
