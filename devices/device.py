"""Devices: what is registered, of which kind, where, and on what it depends."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from devices import access_point, camera, gateway, hub, infrastructure, signboard, solar_light
from devices.lifecycle import Lifecycle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.field import Field

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""What a realm and a device may be called (full match)."""

NEVER_MS = 10**15

AGENT = "agent"
"""Driver of a gateway that asks the cameras of its realm."""

HUB = "hub"
"""Name of the hub's own device; no other device may take it."""


class Kind(StrEnum):
    """What a device is. The last five are infrastructure: others hang on them."""

    CAMERA = "camera"
    SOLAR_LIGHT = "solar_light"
    ACCESS_POINT = "access_point"
    SIGNBOARD = "signboard"
    GATEWAY = "gateway"
    SWITCH = "switch"
    FEEDER = "feeder"
    NVR = "nvr"
    HUB = "hub"

    @property
    def is_infrastructure(self) -> bool:
        """True for what others hang on."""
        return self in _INFRASTRUCTURE


_INFRASTRUCTURE = frozenset({Kind.GATEWAY, Kind.SWITCH, Kind.FEEDER, Kind.NVR, Kind.HUB})

FIELDS: Mapping[Kind, tuple[Field, ...]] = MappingProxyType(
    {
        Kind.CAMERA: camera.FIELDS,
        Kind.SOLAR_LIGHT: solar_light.FIELDS,
        Kind.ACCESS_POINT: access_point.FIELDS,
        Kind.SIGNBOARD: signboard.FIELDS,
        Kind.GATEWAY: gateway.FIELDS,
        Kind.SWITCH: infrastructure.FIELDS,
        Kind.FEEDER: infrastructure.FIELDS,
        Kind.NVR: infrastructure.FIELDS,
        Kind.HUB: hub.FIELDS,
    }
)
"""What each kind can say in telemetry: one visible table."""


POLLED: frozenset[str] = frozenset({"onvif"})
"""Drivers of devices that must be asked."""

ASKED: frozenset[Kind] = frozenset({Kind.SOLAR_LIGHT, Kind.SIGNBOARD})
"""Kinds that take a `desired`, and report in `applied` which one they follow."""

RECORDED: Mapping[Kind, tuple[Field, ...]] = MappingProxyType(
    {kind: tuple(f for f in fields if f.type != "hash") for kind, fields in FIELDS.items()}
)
"""Fields of each kind that history keeps."""


@dataclass(frozen=True, slots=True)
class Device:
    """One registered device.

    `name` is unique in the hub and is its broker user; `title` is what people call it. `interval_s` is how
    often it reports; `timeout_s` overrides the time after which silence means offline (see `timeout_ms`).
    `power_from` and `uplink_by` name devices it hangs on. `driver` is a name in the table of drivers. A camera is
    (endpoint, channel): `nvr` names the recorder it is reached through, `channel` counts there from 1. `serial` is
    that of the hardware that hangs there now. `address` is the URL of a device that must be asked, without a login;
    `login` is the user's name there (its password is a secret of the hub's). `profile` is what a signboard can draw, by
    name (devices.signboard).
    """

    name: str
    kind: Kind
    realm: str
    site: str
    title: str = ""
    interval_s: float = 60.0
    timeout_s: float | None = None
    lifecycle: Lifecycle = Lifecycle.PLANNED
    power_from: str | None = None
    uplink_by: str | None = None
    lat: float | None = None
    lon: float | None = None
    place: str = ""
    tags: tuple[str, ...] = field(default=())
    driver: str = "native"
    nvr: str | None = None
    channel: int | None = None
    serial: str = ""
    address: str = ""
    login: str = ""
    profile: str = ""

    @property
    def is_asked(self) -> bool:
        """It says nothing itself."""
        return self.driver in POLLED

    @property
    def timeout_ms(self) -> int:
        """Silence, in ms of heard time, after which the device is offline: 2.5 x interval + 15 s unless set.

        Of one that is asked silence says nothing: who asks tells that it does not answer.
        """
        if self.timeout_s is None and self.is_asked:
            return NEVER_MS
        seconds = self.timeout_s if self.timeout_s is not None else 2.5 * self.interval_s + 15
        return round(seconds * 1000)
