"""A device that is asked: who asks says that it does not answer; silence alone says nothing."""

from __future__ import annotations

from devices.device import Device, Kind
from devices.health import Health
from devices.lifecycle import Lifecycle
from tests.hub.scene import REALM, T0, Scene

NOON = T0 / 1000


def camera(name: str = "cam-1") -> Device:
    """An active camera that is asked."""
    return Device(name, Kind.CAMERA, REALM, REALM, driver="onvif", lifecycle=Lifecycle.ACTIVE)


def gone(s: Scene, why: str = "timeout", boot: int = 1) -> str:
    return s.says("cam-1", "state", online=False, boot=boot, why=why)


def test_silence_says_nothing_of_a_device_that_is_asked() -> None:
    s = Scene(camera())
    s.says("cam-1", lights_ok=["logged_in"], faults=[])
    s.at(1_000_000)
    assert s.health("cam-1") is Health.OK


def test_it_is_offline_when_who_asks_says_so_and_why() -> None:
    s = Scene(camera())
    s.says("cam-1", faults=[])
    s.at(100)
    assert gone(s, "refused") == "will"
    assert s.health("cam-1") is Health.OFFLINE
    (reason,) = s.track("cam-1").reasons
    assert (reason.code, reason.about["how"], reason.about["at"]) == ("unreachable", "refused", T0 + 100_000)
    assert s.told("offline", "cam-1") == [("opened", 100)]
    s.at(200)
    assert s.health("cam-1") is Health.OFFLINE


def test_one_answer_and_it_is_back() -> None:
    s = Scene(camera())
    s.says("cam-1", faults=[])
    s.at(100)
    gone(s)
    s.at(160).says("cam-1", faults=[])
    assert s.health("cam-1") is Health.OK
    assert s.track("cam-1").gone_why == ""
    s.at(100_000)
    assert s.health("cam-1") is Health.OK


def test_what_a_poller_of_before_says_is_of_the_boot_that_is_known() -> None:
    s = Scene(camera())
    s.says("cam-1", faults=[], boot=7)
    assert gone(s, boot=8) == "old_will"
    assert gone(s, boot=7) == "will"


def test_it_survives_a_checkpoint() -> None:
    s = Scene(camera())
    s.says("cam-1", faults=[])
    gone(s, "no_route")
    track = s.track("cam-1")
    data = track.pack(5)
    track.gone_why = "x"
    track.unpack(data)
    assert track.gone_why == "no_route"
