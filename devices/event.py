"""Events: what came from the field.

Named tuples, not dataclasses: one is made for every message on the main road, and they cost a third.
Times are ms since 1970; `sent` is the device's own time, None where it has no clock; `at` is the receipt.
`boot` and `seq` are the message's identity, None where a dialect has none. `late` marks what was buffered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.field import Value


class Seen(NamedTuple):
    """A sign of life without a reading; `claim` is what the device says of itself (model, firmware)."""

    device: str
    realm: str
    at: int
    boot: int | None
    seq: int | None
    sent: int | None
    late: bool
    claim: Mapping[str, str]


class Gone(NamedTuple):
    """The device's will or its own goodbye, or that it does not answer who asks (`why` says how: a driver's code).

    Of an older boot it says nothing.
    """

    device: str
    realm: str
    at: int
    boot: int | None
    by_will: bool
    why: str = ""


class Reading(NamedTuple):
    """Measured values, by field name of the kind (only those the device sent).

    `applied` is the id of the `desired` that it follows, None where it does not say.
    """

    device: str
    realm: str
    at: int
    boot: int | None
    seq: int | None
    sent: int | None
    late: bool
    values: dict[str, Value]
    applied: str | None = None


class Fault(NamedTuple):
    """A fault that a driver saw itself (`garbled`: `about` is a short redacted excerpt and what is wrong)."""

    device: str
    realm: str
    at: int
    kind: str
    active: bool
    about: str


class Occurrence(NamedTuple):
    """Something that happened once: door_open, tamper, button, power_lost."""

    device: str
    realm: str
    at: int
    boot: int | None
    seq: int | None
    sent: int | None
    late: bool
    kind: str


class Receipt(NamedTuple):
    """The end of a thing asked of a device: done, failed, expired; of boards stored, shown, ended (`frames`: which)."""

    device: str
    realm: str
    at: int
    boot: int | None
    seq: int | None
    sent: int | None
    late: bool
    id: str
    result: str
    detail: str
    frames: tuple[str, ...] = ()


class Pictured(NamedTuple):
    """A picture that an agent took of a camera at `taken`: what it shows, what is wrong on it, by whose wish."""

    device: str
    realm: str
    at: int
    taken: int
    what: str
    codes: tuple[str, ...]
    by: str
    jpeg: bytes


class Asked(NamedTuple):
    """What a device should be from now on, by the id of its `desired`; empty: nothing is asked of it any more.

    The one event that does not come from the field: the hub's own word, journaled so that a replay knows it.
    """

    device: str
    realm: str
    at: int
    id: str


class Hello(NamedTuple):
    """An unknown device's claim; opens a pending entry."""

    device: str
    realm: str
    at: int
    claim: Mapping[str, str]


Event = Seen | Gone | Reading | Fault | Occurrence | Receipt | Pictured | Asked | Hello
