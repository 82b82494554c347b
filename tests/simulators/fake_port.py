"""A broker in memory: what a test's devices published, when, and as what it is known (birth, will, goodbye)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from devices import wire
from devices.device import Kind
from simulators.outbox import Message, Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.device import Device


class Heard(NamedTuple):
    """One publish as the broker got it."""

    at: float
    device: str
    channel: str
    payload: bytes
    retain: bool
    by: str

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.payload))


class FakeBroker:
    """Gives out ports; `now` is the test's time."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.now: Callable[[], float] = float
        self.ports: dict[str, FakePort] = {}

    def port(self, device: Device) -> FakePort:
        self.ports[device.name] = FakePort(self, device)
        return self.ports[device.name]

    def take(self, message: Message, by: str) -> None:
        topic = wire.parse_topic(message.topic)
        assert topic is not None, message.topic
        heard = Heard(self.now(), topic.device, topic.channel, message.payload(), message.retain, by)
        self.heard.append(heard)

    def of(self, device: str, channel: str = "telemetry") -> list[Heard]:
        return [h for h in self.heard if h.device == device and h.channel == channel]


class FakePort:
    """Meets outbox.Port; connects at once."""

    def __init__(self, broker: FakeBroker, device: Device) -> None:
        self.hello: Callable[[], Sequence[Message]] = tuple
        self.wants = ""
        self.hear: Callable[[str, bytes], None] = lambda _topic, _payload: None
        self.will: Message | None = None
        self._broker = broker
        self._name = device.name
        self._outbox = Outbox(buffers=device.kind is Kind.GATEWAY)

    @property
    def up(self) -> bool:
        return self.will is not None

    @property
    def waiting(self) -> int:
        return self._outbox.waiting

    def open(self, will: Message) -> None:
        assert self.will is None
        self.will = will
        for message in self.hello():
            self._broker.take(message, self._name)
        self._flush()

    def drop(self, *, power_lost: bool) -> None:
        assert self.will is not None
        self._broker.take(self.will, "will")
        self.will = None
        self._outbox.put_back(())
        if power_lost:
            self._outbox.forget()

    def close(self, goodbye: Message | None) -> None:
        self.will = None
        if goodbye:
            self._broker.take(goodbye, self._name)

    def send(self, message: Message) -> None:
        self._outbox.put(message, up=self.up)
        self._flush()

    def _flush(self) -> None:
        while self.up and (message := self._outbox.take()):
            self._broker.take(message, self._name)
