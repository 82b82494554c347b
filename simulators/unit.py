"""One simulated device: its physics, its boots and sequence numbers, and what it says by the contract."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from devices import program, wire
from devices.device import ASKED, Kind
from simulators.behaviour import BEHAVIOURS
from simulators.board import AHEAD_S, Sign
from simulators.chance import between, dice, seed_of
from simulators.inputs import Inputs
from simulators.outbox import Message

if TYPE_CHECKING:
    import random

    from devices.device import Device
    from devices.field import Value
    from devices.program import Order
    from simulators.outbox import Port
    from simulators.sky import Weather

MODELS = {
    Kind.SOLAR_LIGHT: ("SL-60", "SL-80", "SL-100"),
    Kind.CAMERA: ("CAM-D2", "CAM-B4"),
    Kind.ACCESS_POINT: ("AP-O3",),
    Kind.SIGNBOARD: ("LED-P10", "LED-P5"),
    Kind.GATEWAY: ("GW-2",),
}
BOOT_S = {
    Kind.SOLAR_LIGHT: (3.0, 8.0),
    Kind.CAMERA: (18.0, 35.0),
    Kind.ACCESS_POINT: (25.0, 50.0),
    Kind.SIGNBOARD: (20.0, 40.0),
    Kind.GATEWAY: (10.0, 20.0),
}
"""Seconds from power to the first packet. Cameras of one model are nearly alike: a village returns in one rush."""
CLOCKLESS = 0.15
"""Share of the lights that have no clock at all."""
MUTE = 0.05
"""Share of the lights whose firmware follows a light program but never says which."""


class Unit:
    """A device that runs or does not. The world decides when; the unit knows what it says."""

    def __init__(self, device: Device, port: Port | None, rng: random.Random) -> None:
        self.device = device
        self.port = port  # None: its gateway speaks for it
        self.faults: set[str] = set()
        self.up = False
        self.off_air = False  # flapping, at this moment
        self.boot = 0
        self.booted = 0.0
        self.due = 0.0
        self.looks: float | None = None  # when a board looks at its playlist by itself
        self.order: Order | None = None  # in its flash, so it outlives a restart
        self._seq = 0
        self._rng = rng
        self._seed = seed_of(device.name)
        self._physics = BEHAVIOURS[device.kind]
        self._state: Any = None
        self._no_clock = device.kind is Kind.SOLAR_LIGHT and dice(self._seed, 90) < CLOCKLESS
        mute = device.kind is Kind.SOLAR_LIGHT and dice(self._seed, 95) < MUTE
        self._tells = device.kind in ASKED and not mute
        self.sign = Sign() if device.kind is Kind.SIGNBOARD else None
        models = MODELS[device.kind]
        self._model = models[int(dice(self._seed, 91) * len(models))]
        self._firmware = f"1.{int(dice(self._seed, 92) * 3)}.{int(dice(self._seed, 93) * 6)}"

    @property
    def mains_fed(self) -> bool:
        """Dies at once in a power cut (a gateway has a battery, a solar light its sun)."""
        return self.device.kind not in (Kind.SOLAR_LIGHT, Kind.GATEWAY)

    @property
    def boot_s(self) -> float:
        """How long this start takes."""
        low, high = BOOT_S[self.device.kind]
        return self._rng.uniform(low, high)

    @property
    def battery_empty(self) -> bool:
        """A gateway that has nothing left to live on."""
        return self.device.kind is Kind.GATEWAY and self._state is not None and bool(self._state.empty)

    def start(self, now: float) -> None:
        """A new boot; sequence numbers begin anew."""
        self.up = True
        self.boot = self._rng.getrandbits(32)
        self.booted = now
        self._seq = 0
        if self.sign is not None:
            self.sign.wake(now)

    def step(self, inputs: Inputs) -> dict[str, Value]:
        """Lets physics go on until now; what the device measures. Physics goes on in a device that is off, too."""
        if self._state is None:
            self._state = self._physics.born(self._seed, inputs)
        self._state, values = self._physics.step(self._state, inputs)
        if self.sign is None:
            return values
        own = values["faults"] if isinstance(values["faults"], list) else []
        return {**values, **self.sign.values(inputs.faults), "faults": [*own, *self.sign.codes]}

    def settle(self, moments: list[tuple[float, Weather]]) -> None:
        """Plays earlier weather, so that a light begins with the charge of the day."""
        for now, weather in moments:
            self.step(Inputs(now, weather))

    def will(self) -> Message:
        """What the broker says for it when its connection breaks; its own goodbye says the same."""
        return Message(self._topic("state"), {"online": False, "boot": self.boot}, retain=True)

    def birth(self, now: float) -> Message:
        """Said after each connect."""
        body = {
            "online": True,
            **self._head(now),
            "model": self._model,
            "firmware": self._firmware,
            **self._applied(),
        }
        return Message(self._topic("state"), body, retain=True)

    def telemetry(self, now: float, values: dict[str, Value]) -> Message:
        """One reading; broken firmware says it in its own way."""
        body = {**self._head(now), **values, **self._applied()}
        if "garbled" in self.faults:
            return Message(self._topic("telemetry"), _garble(body, dice(self._seed, self._seq)))
        return Message(self._topic("telemetry"), body)

    def occurrence(self, now: float, kind: str) -> Message:
        """Something that happened once."""
        return Message(self._topic("occurrence"), {**self._head(now), "kind": kind})

    def obey(self, payload: bytes, now: float) -> Message | None:
        """Follow what is asked; the receipt for it. An empty payload asks nothing, one that is none changes nothing."""
        if not payload:
            self.order = None
            return None
        try:
            order = program.read(payload)
        except program.BadOrder:
            return None
        if self.order is not None and order.id == self.order.id:
            return None
        self.order = order
        if not self._tells:
            return None
        return Message(self._topic("receipt"), {**self._head(now), "id": order.id, "result": "done"})

    def receipt(self, now: float, said: dict[str, Any]) -> Message:
        """What became of a thing that was asked of it."""
        return Message(self._topic("receipt"), {**self._head(now), **said})

    def topic_of_orders(self, device: str = "") -> str:
        """Where it is told what it should be."""
        return wire.topic(self.device.realm, device or self.device.name, "desired")

    def _applied(self) -> dict[str, str]:
        if not self._tells:
            return {}
        if self.sign is not None:
            return {"applied": self.sign.applied}
        return {"applied": self.order.id if self.order is not None else ""}

    def first_report(self, start: float) -> float:
        """When it first reports: every device has its own phase in the interval."""
        return start + between(self._seed, 94, 0, self.device.interval_s)

    def _topic(self, channel: str) -> str:
        return wire.topic(self.device.realm, self.device.name, channel)

    def _head(self, now: float) -> dict[str, Any]:
        self._seq += 1
        head: dict[str, Any] = {"boot": self.boot, "seq": self._seq}
        if "clock_1970" in self.faults:
            head["ts"] = round(now - self.booted, 3)
        elif "clock_ahead" in self.faults:
            head["ts"] = round(now + AHEAD_S, 3)
        elif not self._no_clock:
            head["ts"] = round(now, 3)
        return head


def _garble(body: dict[str, Any], throw: float) -> bytes:
    """One of the ways in which firmware has been seen to break: cut off, no JSON at all, wrong types, no identity."""
    good = json.dumps(body).encode()
    match int(throw * 4):
        case 0:
            return good[: len(good) // 2]
        case 1:
            return b"\xff\xfe\x00" + good[:20]
        case 2:
            return json.dumps({key: str(value) for key, value in body.items()}).encode()
        case _:
            return json.dumps({"boot": body["boot"], "value": "NaN"}).encode()
