"""A broker that ends cuts everybody off; that is no flapping of theirs."""

from __future__ import annotations

import pytest

from devices.device import Device, Kind
from devices.event import Gone, Seen
from devices.health import Health
from devices.lifecycle import Lifecycle
from hub.deaf import Deafness
from hub.sun import HANOI, sun_at
from hub.tracker import Tracker
from rules.load import BUILTIN, load

MINUTE = 60_000


@pytest.fixture
def tracker() -> Tracker:
    rules, _ = load([BUILTIN])
    made = Tracker(rules, Deafness())
    camera = Device("cam", Kind.CAMERA, "r", "s", lifecycle=Lifecycle.ACTIVE, timeout_s=3600, uplink_by="gw")
    gateway = Device("gw", Kind.GATEWAY, "r", "s", lifecycle=Lifecycle.ACTIVE, timeout_s=3600)
    for i, device in enumerate((gateway, camera), 1):
        made.add(device, i, sun_at(*HANOI), frozenset({"s"}))
    made.connect()
    return made


def comes(tracker: Tracker, name: str, at: int) -> None:
    tracker.apply(
        tracker.by_name[name],
        Seen(name, "r", at, 1, None, None, late=False, claim={}),
        at,
        life=True,
        late=False,
        pos=at,
    )


def goes(tracker: Tracker, name: str, at: int, *, queued: bool = False) -> None:
    tracker.apply(
        tracker.by_name[name], Gone(name, "r", at, 1, by_will=True), at, life=not queued, late=False, pos=at
    )


def cuts(tracker: Tracker, *, broker_ends: bool) -> None:
    """Both lose their link and return, three times within half an hour."""
    for name in ("gw", "cam"):
        comes(tracker, name, 0)
    for start in (5 * MINUTE, 10 * MINUTE, 15 * MINUTE):
        for name in ("cam", "gw"):
            goes(tracker, name, start)
        assert healths(tracker) == [Health.UNKNOWN] * 2
        if broker_ends:
            tracker.deaf.start(start + 100, "broker", cut=True)
            tracker.deaf.end(start + 2000)
        for name in ("gw", "cam"):
            comes(tracker, name, start + 3000)
        assert healths(tracker) == [Health.OK] * 2


def healths(tracker: Tracker) -> list[Health]:
    return [t.health for t in tracker.tracks]


def unstable(tracker: Tracker) -> list[str]:
    return [t.device.name for t in tracker.tracks if t.unstable]


@pytest.mark.parametrize(("broker_ends", "flap"), [(True, []), (False, ["gw"])])
def test_who_flaps_when_all_links_break(tracker: Tracker, broker_ends: bool, flap: list[str]) -> None:
    """Nobody where the broker ended; else the gateway, and never what hangs on it."""
    cuts(tracker, broker_ends=broker_ends)
    assert unstable(tracker) == flap


def test_a_village_that_goes_dark_twice_does_not_flap_device_by_device(tracker: Tracker) -> None:
    """Silent, not by will: offline, and back, the camera a while after its gateway."""
    for t in tracker.tracks:
        comes(tracker, t.device.name, 0)
    for back in (2 * 60 * MINUTE, 4 * 60 * MINUTE):
        tracker.tick(back)
        assert healths(tracker) == [Health.OFFLINE] * 2
        comes(tracker, "gw", back)
        comes(tracker, "cam", back + MINUTE)
        assert healths(tracker) == [Health.OK] * 2
    assert not any("cam" in t.device.name and t.changes for t in tracker.tracks)


def test_a_camera_that_goes_alone_flaps(tracker: Tracker) -> None:
    for name in ("gw", "cam"):
        comes(tracker, name, 0)
    for minute in (5, 10):
        goes(tracker, "cam", minute * MINUTE)
        assert not unstable(tracker)
        comes(tracker, "cam", minute * MINUTE + 3000)
    assert unstable(tracker) == ["cam"]


def test_a_will_that_comes_twice_is_no_change(tracker: Tracker) -> None:
    """The hub died before it acknowledged: the broker sends will and birth again, though the link stood since."""
    comes(tracker, "gw", 0)
    for minute in (5, 6, 7, 8):
        goes(tracker, "gw", minute * MINUTE, queued=True)
        comes(tracker, "gw", minute * MINUTE)
    assert not unstable(tracker)
    for minute in (9, 10):
        goes(tracker, "gw", minute * MINUTE)
        comes(tracker, "gw", minute * MINUTE + 1)
    assert unstable(tracker) == ["gw"]


def test_the_brokers_last_wills_are_no_fourth_change(tracker: Tracker) -> None:
    comes(tracker, "cam", 0)
    goes(tracker, "cam", MINUTE)
    comes(tracker, "cam", 2 * MINUTE)
    goes(tracker, "cam", 3 * MINUTE)
    comes(tracker, "cam", 4 * MINUTE - 1)
    assert tracker.by_name["cam"].unstable
    comes(tracker, "gw", 0)
    goes(tracker, "gw", MINUTE)
    comes(tracker, "gw", 2 * MINUTE)
    goes(tracker, "gw", 3 * MINUTE)
    assert not tracker.by_name["gw"].unstable
    tracker.deaf.start(3 * MINUTE, "broker", cut=True)
    tracker.deaf.end(3 * MINUTE + 2000)
    comes(tracker, "gw", 3 * MINUTE + 3000)
    assert not tracker.by_name["gw"].unstable


def test_changes_before_the_broker_ended_still_count(tracker: Tracker) -> None:
    for name in ("gw", "cam"):
        comes(tracker, name, 0)
    goes(tracker, "cam", MINUTE)
    comes(tracker, "cam", 2 * MINUTE)
    goes(tracker, "cam", 3 * MINUTE)
    tracker.deaf.start(3 * MINUTE, "broker", cut=True)
    tracker.deaf.end(3 * MINUTE + 2000)
    comes(tracker, "cam", 3 * MINUTE + 3000)
    assert not tracker.by_name["cam"].unstable
    goes(tracker, "cam", 5 * MINUTE)
    comes(tracker, "cam", 6 * MINUTE)
    assert tracker.by_name["cam"].unstable
