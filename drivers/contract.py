"""What a driver must be. Pollers, visitors and finders join here with their first driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devices.device import Device, Kind
    from devices.event import Event
    from devices.field import Value


class Inbound(NamedTuple):
    """One message from the broker. `at` is the receipt (ms since 1970, hub time); `generation` its connection."""

    topic: str
    payload: bytes
    at: int
    mid: int
    qos: int
    retain: bool
    generation: int


class Key(NamedTuple):
    """What a topic is about."""

    realm: str
    device: str
    channel: str


class Outbound(NamedTuple):
    """One message to the broker."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Capabilities(NamedTuple):
    """What a driver's devices can do, declared and not guessed: say how they are, take a `desired`, and prove it.

    `receipts`: the furthest that such a device can say of what it was asked. Only who says `applied` proves it.
    """

    reports: bool
    accepts: bool
    receipts: Literal["none", "sent", "stored", "applied"]


class Desired(NamedTuple):
    """What a device should be, in the contract's own words (docs/mqtt.md); empty: nothing is asked of it."""

    device: Device
    payload: bytes


class Dialect(Protocol):
    """A way of speaking MQTT. Pure: no clock, no I/O, no state of its own."""

    @property
    def filters(self) -> tuple[str, ...]:
        """Subscriptions it needs; overlap between dialects is an error at start."""

    def route(self, topic: str) -> Key | None:
        """What a topic is about, None where it is not of this dialect."""

    def read(self, key: Key, payload: bytes, at: int, device: Device | None) -> Sequence[Event]:
        """What a message says. `device` is None for one that is not registered. Raises BadPayload only."""

    def quick(self, kind: Kind) -> Callable[[bytes], Mapping[str, Value]] | None:
        """A short way to what a kind's readings say, for those who read very many; None where there is none.

        It gives the fields of what `read` would make of a payload of `telemetry`, perhaps with other keys beside
        them, or raises ValueError: then `read` is asked.
        """

    def write(self, order: Desired) -> Sequence[Outbound]:
        """How the device is told; nothing where this dialect cannot."""
