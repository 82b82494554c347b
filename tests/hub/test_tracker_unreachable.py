"""A device that is asked: who asks says that it does not answer; silence alone says nothing."""

from __future__ import annotations

from dataclasses import replace

from devices.device import AGENT, Device, Kind
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


AGENT_DEVICE = Device("tram", Kind.GATEWAY, REALM, REALM, driver=AGENT, lifecycle=Lifecycle.ACTIVE)


def test_who_is_asked_by_an_agent_is_unknown_when_that_is_silent_whatever_else_it_hangs_on() -> None:
    switch = Device("cong-tac", Kind.SWITCH, REALM, REALM, lifecycle=Lifecycle.ACTIVE)
    s = Scene(AGENT_DEVICE, switch, camera(), replace(camera("cam-2"), uplink_by="cong-tac"))
    for name in ("tram", "cong-tac", "cam-1", "cam-2"):
        s.says(name)
    s.at(60).says("cong-tac")
    s.at(100).says("cong-tac")
    s.says("tram", "state", online=False, boot=1)
    for name in ("cam-1", "cam-2"):
        assert s.health(name) is Health.UNKNOWN
        assert [r.code for r in s.track(name).reasons] == ["gateway_silent"]
    s.at(110).says("tram")
    assert s.health("cam-1") is Health.OK


def test_an_agent_that_goes_silent_without_a_will_is_missed_like_any_gateway() -> None:
    s = Scene(AGENT_DEVICE, camera())
    s.says("tram")
    s.says("cam-1")
    s.at(1000)
    assert s.health("tram") is Health.OFFLINE
    assert s.health("cam-1") is Health.UNKNOWN


def test_an_agent_of_another_realm_or_a_retired_one_asks_nobody_here() -> None:
    for other in (replace(AGENT_DEVICE, realm="khac"), replace(AGENT_DEVICE, lifecycle=Lifecycle.RETIRED)):
        s = Scene(other, camera())
        assert s.track("cam-1").uplink is None
    s = Scene(AGENT_DEVICE, camera())
    assert s.track("cam-1").uplink is s.track("tram")
    s.tracker.live(s.track("tram"), Lifecycle.RETIRED, T0)
    assert s.track("cam-1").uplink is None


def test_an_agents_key_is_known_live_and_retained_and_asks_nothing_of_a_gateway() -> None:
    s = Scene(AGENT_DEVICE)
    s.says("tram", "state", online=True, boot=1, key="A", applied="1f")
    assert s.track("tram").key == "A"
    assert s.track("tram").follows is None
    restored = s.track("tram").pack(0)
    s.track("tram").key = ""
    s.track("tram").unpack(restored)
    assert s.track("tram").key == "A"
