"""Whose cameras are asked at once when a link falls over MQTT, or stands again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from devices.device import Device, Kind
from hub.nudges import Nudges

if TYPE_CHECKING:
    from hub.track import Track


def camera(name: str, realm: str = "thon", uplink_by: str | None = None, *, asked: bool = True) -> Device:
    address = f"http://10.0.0.{len(name)}" if asked else ""
    return Device(
        name,
        Kind.CAMERA,
        realm,
        realm,
        driver="onvif" if asked else "native",
        address=address,
        uplink_by=uplink_by,
    )


DEVICES = {
    d.name: d
    for d in (
        Device("gw", Kind.GATEWAY, "thon", "thon"),
        Device("switch", Kind.SWITCH, "khac", "khac", uplink_by="gw-2"),
        Device("gw-2", Kind.GATEWAY, "khac-2", "khac"),
        Device("lamp", Kind.SOLAR_LIGHT, "thon", "thon"),
        camera("of-realm"),
        camera("speaks", asked=False),
        camera("behind-switch", "khac", "switch"),
        camera("elsewhere", "xa"),
    )
}


class Scene:
    def __init__(self, *down: str) -> None:
        self.tracks: dict[str, Any] = {
            name: SimpleNamespace(device=d, gone_at=1 if name in down else None, silent=False, children=[])
            for name, d in DEVICES.items()
        }
        self.tracks["switch"].children = [self.tracks["behind-switch"]]
        self.asked: list[list[str]] = []
        tracks = [cast("Track", t) for t in self.tracks.values()]
        self.nudges = Nudges(DEVICES, tracks, lambda names: self.asked.append(sorted(names)))

    def now(self, *names: str, **how: Any) -> list[list[str]]:
        """These changed so; who was asked because of it."""
        self.asked.clear()
        for name in names:
            vars(self.tracks[name]).update(how)
        self.nudges.changed([self.tracks[name] for name in names])
        return list(self.asked)


def test_a_realms_gateway_falls_and_returns() -> None:
    scene = Scene()
    assert scene.now("gw", gone_at=5) == [["of-realm"]]
    assert scene.now("gw") == [], "it is still away: once is enough"
    assert scene.now("gw", gone_at=None) == [["of-realm"]]
    assert scene.now("gw", silent=True) == [["of-realm"]], "silence is a fall, too"
    assert scene.now("gw", gone_at=6) == []
    assert scene.now("gw", silent=False) == []
    assert scene.now("gw", gone_at=None) == [["of-realm"]]


def test_what_hangs_on_it_by_others() -> None:
    scene = Scene()
    assert scene.now("switch", gone_at=5) == [["behind-switch"]]
    assert scene.now("gw-2", gone_at=5) == [["behind-switch"]], "through the switch"


def test_several_at_once_are_one_nudge() -> None:
    assert Scene().now("gw", "switch", gone_at=5) == [["behind-switch", "of-realm"]]


def test_one_that_was_down_at_the_start_and_returns() -> None:
    scene = Scene("gw")
    assert scene.now("gw") == []
    assert scene.now("gw", gone_at=None) == [["of-realm"]]


def test_others_nudge_nobody() -> None:
    scene = Scene()
    assert scene.now("lamp", "of-realm", "speaks", gone_at=5) == []
