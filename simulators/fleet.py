"""Fleets: which sites and devices the simulated field has. The same at every run; only passwords are by chance."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from devices.device import Device, Kind
from simulators import district

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from devices.site import Placing, Site
    from simulators.district import District, Village

FLEETS: Mapping[str, float] = {"demo": 10.0, "district": 60.0}
"""The fleets by name, each with the seconds between two reports of a device."""

LETTER = {
    Kind.SOLAR_LIGHT: "l",
    Kind.CAMERA: "c",
    Kind.ACCESS_POINT: "w",
    Kind.SIGNBOARD: "b",
    Kind.GATEWAY: "g",
}
WORD = {
    Kind.SOLAR_LIGHT: "Đèn",
    Kind.CAMERA: "Camera",
    Kind.ACCESS_POINT: "Wifi",
    Kind.SIGNBOARD: "Bảng tin",
    Kind.GATEWAY: "Cổng kết nối",
}
PLACES = {
    Kind.SOLAR_LIGHT: ("ngõ {n}", "trục chính", "ngã ba đình", "đường đê", "ngách {n}", "cổng làng"),
    Kind.CAMERA: ("cổng làng", "ngã ba chợ", "ngõ {n}", "trường mầm non", "đường đê", "giếng làng"),
    Kind.ACCESS_POINT: ("nhà văn hóa", "sân đình", "trạm y tế", "nhà văn hóa"),
    Kind.SIGNBOARD: ("nhà văn hóa",),
    Kind.GATEWAY: ("nhà văn hóa",),
}
PROFILES = ("led-64x32-1", "led-192x64-2", "led-128x64-2", "led-320x160-full", "screen-1280x720")
"""What boards can draw, in turn. Screens are browsers that come by HTTP: nobody pretends to be one."""
DEMO_BOARDS = (3, 2)
"""So many boards the first villages of the demo have; every other village has one at most."""
ONVIF = "onvif"
"""The driver of cameras that are asked."""
PLAYER = "player"
"""The driver of screens."""
CAMERAS_ARE_ASKED = True
"""Whether a fleet's cameras are asked by ONVIF where nothing else is said; else they report over MQTT."""
ASKED_EVERY_S: Mapping[str, float] = {"demo": 30.0, "district": 60.0}
CAMERA_PORT, RTSP_PORT = 18080, 18554
LOGIN = "village-hub"
"""The hub's user at each camera."""
OWN_MODEM = 0.45
"""Share of the lights with a modem of their own; the others speak through their village's gateway."""
DEVICE_SPREAD_DEG = 0.0025
"""How far a device stands from its village's centre at most, about 270 m."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the hub imports and the simulators play.

    Who has no password has no connection of its own: the gateway named by `uplink_by` speaks for it. Cameras that are
    asked have none either; what the hub logs in with there stands in `logins`.
    """

    sites: tuple[Site, ...]
    placings: tuple[Placing, ...]
    devices: tuple[Device, ...]
    passwords: Mapping[str, str]
    logins: Mapping[str, str] = field(default_factory=dict)


def build(name: str, *, asked: bool = CAMERAS_ARE_ASKED, camera_port: int = CAMERA_PORT) -> Fleet:
    """The fleet `demo` or `district`, without passwords; raises KeyError for another name.

    `asked`: its cameras are asked by ONVIF, each at an address of its own in 127.0.0.0/8, all at `camera_port`.
    """
    interval_s = FLEETS[name]
    whole = district.load()
    devices = tuple(_boards(tuple(_devices(whole)), whole.demo))
    villages = {v.slug for v in whole.villages}
    if name == "demo":
        villages = set(whole.demo)
        devices = tuple(d for d in devices if d.site in villages)
    devices = tuple(replace(d, interval_s=interval_s) for d in devices)
    place = {v.slug: number for number, v in enumerate(whole.villages, 1)}
    known = _ancestry(whole.placings, villages)
    return Fleet(
        sites=tuple(s for s in whole.sites if s.slug in known),
        placings=tuple(p for p in whole.placings if p.site in known),
        devices=tuple(_asked(d, place, ASKED_EVERY_S[name], camera_port) for d in devices)
        if asked
        else devices,
        passwords={},
    )


def speaks_itself(device: Device) -> bool:
    """False for the lights that hang on a gateway, for cameras that are asked, and for screens that are browsers."""
    if is_asked(device) or is_browser(device):
        return False
    return device.kind is not Kind.SOLAR_LIGHT or device.uplink_by is None


def is_browser(device: Device) -> bool:
    """True for boards that are a browser: whoever opens its page is the board."""
    return device.driver == PLAYER


def is_asked(device: Device) -> bool:
    """True for cameras that say nothing of themselves."""
    return device.driver == ONVIF


def _asked(device: Device, place: Mapping[str, int], interval_s: float, port: int) -> Device:
    """A camera as one that is asked: 127.20.<village>.<10 and more>; other devices as they are."""
    if device.kind is not Kind.CAMERA:
        return device
    more, last = divmod(int(device.name[-3:]), 200)
    address = f"http://127.{20 + more}.{place[device.site]}.{last + 10}:{port}/onvif/device_service"
    return replace(device, driver=ONVIF, address=address, login=LOGIN, interval_s=interval_s)


def _ancestry(placings: Sequence[Placing], villages: set[str]) -> set[str]:
    known = set(villages)
    for _ in range(3):  # village -> commune -> district -> province
        known |= {p.parent for p in placings if p.site in known}
    return known


def _boards(devices: Sequence[Device], first: Sequence[str]) -> Iterator[Device]:
    """Each board with its profile, those of the villages `first` first; screens come by HTTP."""
    boards = [d for d in devices if d.kind is Kind.SIGNBOARD]
    boards.sort(key=lambda d: (first.index(d.site) if d.site in first else len(first), d.name))
    profile = {d.name: PROFILES[i % len(PROFILES)] for i, d in enumerate(boards)}
    for d in devices:
        found = profile.get(d.name)
        if found is None:
            yield d
        else:
            yield replace(d, profile=found, driver=PLAYER if found.startswith("screen") else d.driver)


def _devices(whole: District) -> Iterator[Device]:
    shares = {kind: _shares(whole, kind, count) for kind, count in whole.counts.items()}
    for index, village in enumerate(whole.villages):
        gateway = _device(village, Kind.GATEWAY, 1)
        yield gateway
        for kind, counts in shares.items():
            for number in range(1, counts[index] + 1):
                yield _hang(_device(village, kind, number), gateway.name)


def _shares(whole: District, kind: Kind, count: int) -> list[int]:
    """`count` devices over the villages by seeded weights, largest remainders first; the demo's never go short."""
    rng = random.Random(f"shares {kind}")
    weights = [rng.uniform(0.6, 1.5) for _ in whole.villages]
    if count < len(weights):  # scarce: one each, to those with the greatest weight
        weights = [
            w + 1 if v.slug in whole.demo[:2] else w for v, w in zip(whole.villages, weights, strict=True)
        ]
        more = dict(zip(whole.demo, DEMO_BOARDS, strict=False))
        chosen = sorted(range(len(weights)), key=lambda i: -weights[i])[
            : count - sum(more.values()) + len(more)
        ]
        return [more.get(v.slug, 1) if i in chosen else 0 for i, v in enumerate(whole.villages)]
    weights = [1.1 if v.slug in whole.demo else w for v, w in zip(whole.villages, weights, strict=True)]
    exact = [count * w / sum(weights) for w in weights]
    shares = [int(x) for x in exact]
    rest = sorted(range(len(exact)), key=lambda i: shares[i] - exact[i])
    for i in rest[: count - sum(shares)]:
        shares[i] += 1
    return shares


def _device(village: Village, kind: Kind, number: int) -> Device:
    name = f"{village.letters}-{LETTER[kind]}{number:03}"
    rng = random.Random(name)
    places = PLACES[kind]
    place = places[(number - 1) % len(places)].format(n=rng.randint(1, 12))
    return Device(
        name=name,
        kind=kind,
        realm=village.slug,
        site=village.slug,
        title=f"{WORD[kind]} {name.upper()}, {place}",
        lat=round(village.lat + rng.uniform(-1, 1) * DEVICE_SPREAD_DEG, 6),
        lon=round(village.lon + rng.uniform(-1, 1) * DEVICE_SPREAD_DEG, 6),
        place=place,
    )


def _hang(device: Device, gateway: str) -> Device:
    """Mains devices hang on the feed that the gateway watches and on its uplink; lights on nothing, or on its radio."""
    if device.kind is not Kind.SOLAR_LIGHT:
        return replace(device, power_from=gateway, uplink_by=gateway)
    if random.Random(f"modem {device.name}").random() < OWN_MODEM:
        return replace(device, tags=("modem",))
    return replace(device, uplink_by=gateway)
