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


def goes(tracker: Tracker, name: str, at: int) -> None:
    tracker.apply(
        tracker.by_name[name], Gone(name, "r", at, 1, by_will=True), at, life=False, late=False, pos=at
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


@pytest.mark.parametrize(("broker_ends", "unstable"), [(True, False), (False, True)])
def test_links_that_the_broker_cut_do_not_flap(tracker: Tracker, broker_ends: bool, unstable: bool) -> None:
    cuts(tracker, broker_ends=broker_ends)
    assert [tracker.by_name[n].unstable for n in ("cam", "gw")] == [unstable] * 2


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
