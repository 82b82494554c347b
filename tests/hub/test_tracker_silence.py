"""Silence: each deadline walked; what is a sign of life and what is not; time in which the hub was deaf."""

from __future__ import annotations

from typing import Any

import pytest

from devices.health import Health, Shown
from devices.lifecycle import Lifecycle
from tests.hub.scene import T0, Scene, gateway, light

NOON = T0 / 1000
OK, UNKNOWN, OFFLINE, FAULTY = Health.OK, Health.UNKNOWN, Health.OFFLINE, Health.FAULTY


# --- the deadline ---------------------------------------------------------------------------------------------


def test_before_the_first_word_nothing_is_known() -> None:
    s = Scene(light(lifecycle=Lifecycle.PLANNED)).at(100_000)
    assert (s.health(), s.reasons(), s.shown()) == (UNKNOWN, ["never_seen"], Shown.PLANNED)
    assert not s.transitions
    assert not s.alerts


@pytest.mark.parametrize(
    ("after", "health"), [(164.999, OK), (165.0, OK), (165.001, OFFLINE), (170.0, OFFLINE)]
)
def test_silent_just_after_the_timeout(after: float, health: Health) -> None:
    s = Scene()
    s.says()
    s.at(after)
    assert s.health() is health


def test_it_is_known_at_the_timeout_whenever_somebody_looks() -> None:
    s = Scene()
    s.says()
    s.at(9999)
    assert s.changes() == [(0, "ok"), (165, "offline")]
    assert s.reasons() == ["silent"]
    assert s.told("offline") == [("opened", 165)]


def test_a_message_at_the_very_ms_is_in_time() -> None:
    s = Scene()
    s.says()
    s.at(165, tick=False).says()
    s.at(165 + 165)
    assert s.health() is OK


def test_a_message_one_ms_late_is_a_return() -> None:
    s = Scene()
    s.says()
    s.at(165.001, tick=False).says()
    assert s.changes() == [(0, "ok"), (165, "offline"), (165.001, "ok")]


def test_a_timeout_of_its_own() -> None:
    s = Scene(light(timeout_s=10))
    s.says()
    s.at(10)
    assert s.health() is OK
    s.at(10.001)
    assert s.health() is OFFLINE


# --- signs of life --------------------------------------------------------------------------------------------

ALIVE: dict[str, tuple[str, dict[str, Any]]] = {
    "telemetry": ("telemetry", {"battery_v": 12.5}),
    "state": ("state", {"online": True}),
    "occurrence": ("occurrence", {"kind": "door_open"}),
    "receipt": ("receipt", {"id": "o-1", "result": "done"}),
    "telemetry with a bad field": ("telemetry", {"battery_v": "x"}),
    "garbled telemetry": ("telemetry", {"boot": "x", "seq": 1}),
}


@pytest.mark.parametrize(("channel", "said"), ALIVE.values(), ids=ALIVE.keys())
def test_signs_of_life_move_the_deadline(channel: str, said: dict[str, Any]) -> None:
    s = Scene()
    s.says()
    s.at(100).says(channel=channel, **said)
    s.at(265)
    assert s.health() is OK
    s.at(265.001)
    assert s.health() is OFFLINE


@pytest.mark.parametrize(("channel", "said"), ALIVE.values(), ids=ALIVE.keys())
def test_signs_of_life_bring_a_silent_device_back(channel: str, said: dict[str, Any]) -> None:
    s = Scene()
    s.says()
    s.at(500).says(channel=channel, **said)
    assert s.changes() == [(0, "ok"), (165, "offline"), (500, "ok")]
    assert s.told("offline") == [("opened", 165), ("closed", 500)]
    s.at(665.001)
    assert s.health() is OFFLINE, "and a new deadline runs"


@pytest.mark.parametrize(("channel", "said"), ALIVE.values(), ids=ALIVE.keys())
def test_signs_of_life_end_a_lost_link(channel: str, said: dict[str, Any]) -> None:
    s = Scene()
    s.says()
    s.at(10).will()
    assert (s.health(), s.reasons()) == (UNKNOWN, ["link_lost"])
    s.at(20).says(channel=channel, **said)
    assert s.health() is OK
    assert s.track().values["gone"] is False


DEAD: dict[str, tuple[str, dict[str, Any]]] = {
    "a retained state": ("state", {"online": True, "retain": True}),
    "a retained reading": ("telemetry", {"retain": True}),
    "a will": ("state", {"online": False}),
    "a retained will": ("state", {"online": False, "retain": True}),
    "a reading of an older boot": ("telemetry", {"boot": 1, "seq": 40}),
    "a state of an older boot": ("state", {"online": True, "boot": 1}),
    "an occurrence of an older boot": ("occurrence", {"boot": 1, "seq": 41, "kind": "button"}),
    "a will of an older boot": ("state", {"online": False, "boot": 1}),
    "something late": ("telemetry", {"late": True}),
    "a late occurrence": ("occurrence", {"late": True, "kind": "door_open"}),
    "a late receipt": ("receipt", {"late": True, "id": "o-1", "result": "done"}),
    "a duplicate": ("telemetry", {"seq": 1}),
    "a hello": ("hello", {"kind": "solar_light"}),
}


@pytest.mark.parametrize(("channel", "said"), DEAD.values(), ids=DEAD.keys())
def test_no_signs_of_life_move_no_deadline(channel: str, said: dict[str, Any]) -> None:
    s = Scene()
    s.says(boot=1)
    s.says(boot=2)
    s.at(100).says(channel=channel, **{"boot": 2} | said)
    s.at(165.001)
    assert s.health() is OFFLINE


@pytest.mark.parametrize(("channel", "said"), DEAD.values(), ids=DEAD.keys())
def test_no_signs_of_life_bring_nobody_back(channel: str, said: dict[str, Any]) -> None:
    s = Scene()
    s.says(boot=1)
    s.says(boot=2)
    s.at(500).says(channel=channel, **{"boot": 2} | said)
    s.at(501)
    assert s.health() is OFFLINE
    assert s.told("offline") == [("opened", 165)]
    assert s.track().values["silent"] is True


def test_a_message_of_an_older_boot_leaves_the_values_alone() -> None:
    s = Scene()
    s.says(boot=1, battery_v=11.0)
    s.at(60).says(boot=2, battery_v=13.0)
    assert s.at(70).says(boot=1, battery_v=10.0) == "late"
    assert s.track().values["battery_v"] == 13.0


def test_a_retained_state_only_says_what_the_device_is() -> None:
    s = Scene(light(lifecycle=Lifecycle.PLANNED))
    assert s.says(channel="state", online=True, model="SL-40", firmware="1.2", retain=True) == "retained"
    t = s.track()
    assert (t.model, t.firmware, t.last_seen, t.lifecycle) == ("SL-40", "1.2", None, Lifecycle.PLANNED)
    assert s.health() is UNKNOWN


# --- wills ----------------------------------------------------------------------------------------------------


def test_a_will_makes_it_unknown_at_once_and_offline_at_its_timeout() -> None:
    s = Scene()
    s.says()
    assert s.at(30).will() == "will"
    s.at(1000)
    assert s.changes() == [(0, "ok"), (30, "unknown"), (165, "offline")]


def test_a_late_will_of_an_older_boot_is_ignored() -> None:
    s = Scene()
    s.says(boot=1)
    s.at(30).says(boot=2)
    assert s.at(31).will(boot=1) == "old_will"
    assert s.health() is OK


def test_a_will_of_a_boot_that_was_never_heard_is_ignored() -> None:
    s = Scene()
    s.says(boot=1)
    assert s.will(boot=7) == "old_will"
    assert s.health() is OK


def test_a_retained_will_that_was_missed_is_believed_once() -> None:
    s = Scene()
    s.says()
    s.at(10).says(channel="state", online=False, retain=True)
    assert (s.health(), s.reasons()) == (UNKNOWN, ["link_lost"])
    s.at(20).says(channel="state", online=False, retain=True)
    assert s.changes() == [(0, "ok"), (10, "unknown")]


def test_a_retained_will_of_a_device_never_heard_says_nothing() -> None:
    s = Scene(light(lifecycle=Lifecycle.PLANNED))
    s.says(channel="state", online=False, retain=True)
    s.at(10).says(channel="state", online=False)
    assert (s.health(), s.reasons()) == (UNKNOWN, ["never_seen"])


# --- gateways -------------------------------------------------------------------------------------------------


def village() -> Scene:
    s = Scene(gateway(), light(uplink_by="cong-1"), light("den-2", uplink_by="cong-1"))
    for name in ("cong-1", "den-1", "den-2"):
        s.says(name)
    return s


def test_a_gateway_that_goes_makes_its_children_unknown_until_their_own_timeout() -> None:
    s = village()
    s.at(30).will("cong-1")
    for name in ("den-1", "den-2"):
        assert (s.health(name), s.reasons(name)) == (UNKNOWN, ["gateway_silent"])
        assert s.track(name).reasons[0].about == {"gateway": "cong-1"}
    s.at(165)
    assert s.health("den-1") is UNKNOWN
    s.at(165.001)
    assert (s.health("den-1"), s.reasons("den-1")) == (OFFLINE, ["silent", "gateway_silent"])


def test_a_gateway_that_falls_silent_does_the_same() -> None:
    s = village()
    s.at(100)
    s.says("den-1")
    s.at(170)
    assert s.health("cong-1") is OFFLINE
    assert (s.health("den-1"), s.reasons("den-1")) == (UNKNOWN, ["gateway_silent"])
    assert s.changes("den-1")[-1] == (165, "unknown")


def test_children_come_back_with_their_gateway() -> None:
    s = village()
    s.at(30).will("cong-1")
    s.at(60).says("cong-1")
    assert s.changes("den-1") == [(0, "ok"), (30, "unknown"), (60, "ok")]


def test_a_child_that_is_heard_is_alive_whatever_its_gateway_does() -> None:
    s = village()
    s.at(30).will("cong-1")
    s.at(31).says("den-1")
    assert s.health("den-1") is OK
    assert s.health("den-2") is UNKNOWN
    s.at(170)
    s.says("den-1")
    assert s.health("cong-1") is OFFLINE
    assert s.health("den-1") is OK


def test_what_a_child_reported_faulty_stays_so_behind_a_silent_gateway() -> None:
    s = village()
    s.at(1).says("den-1", faults=["lampFailure"])
    s.at(30).will("cong-1")
    assert s.health("den-1") is FAULTY
    assert s.health("den-2") is UNKNOWN


# --- deaf -----------------------------------------------------------------------------------------------------


def test_silence_is_not_counted_while_the_hub_is_deaf() -> None:
    s = Scene()
    s.says()
    s.at(100).deafen()
    s.at(5000).connects()
    s.hears()
    s.at(5065)
    assert s.health() is OK
    s.at(5065.001)
    assert s.changes() == [(0, "ok"), (5065, "offline")]


def test_a_deadline_at_the_first_ms_of_a_span_is_told_before_it() -> None:
    s = Scene()
    s.says()
    s.at(165).deafen()
    s.at(900).connects()
    s.hears()
    s.at(900.001)
    assert s.changes()[-1] == (165, "offline")


@pytest.mark.parametrize(("interval", "grace"), [(60.0, 60), (600.0, 120), (10.0, 10)])
def test_a_span_that_cut_devices_off_gives_them_time_to_come_back(interval: float, grace: int) -> None:
    s = Scene(light(interval_s=interval, timeout_s=165))
    s.says()
    s.at(100).deafen(cut=True)
    s.at(5000).connects()
    s.hears()
    s.at(5065 + grace)
    assert s.health() is OK
    s.at(5065 + grace + 0.001)
    assert s.health() is OFFLINE


def test_grace_is_given_once_however_often_the_broker_restarts() -> None:
    s = Scene()
    s.says()
    for second in (10, 20, 30):
        s.at(second).deafen(cut=True)
        s.at(second + 1).connects()
        s.hears()
    s.at(165 + 3 + 60)
    assert s.health() is OK
    s.at(165 + 3 + 60.001)
    assert s.health() is OFFLINE


def test_grace_is_new_once_it_was_heard() -> None:
    s = Scene()
    s.says()
    s.at(10).deafen(cut=True)
    s.at(20).connects()
    s.hears()
    s.at(30).says()
    s.at(40).deafen(cut=True)
    s.at(50).connects()
    s.hears()
    s.at(30 + 165 + 10 + 60)
    assert s.health() is OK
    s.at(30 + 165 + 10 + 60.001)
    assert s.health() is OFFLINE


def test_who_was_offline_before_stays_offline() -> None:
    s = Scene()
    s.says()
    s.at(1000).deafen(cut=True)
    s.at(2000).connects()
    s.hears()
    s.at(9000)
    assert s.changes() == [(0, "ok"), (165, "offline")]


# --- catching up ----------------------------------------------------------------------------------------------


def test_what_was_queued_is_placed_by_the_devices_own_time() -> None:
    s = Scene()
    s.says(ts=NOON - 100.0)  # its clock is slow
    s.at(100).deafen()
    s.at(1000).connects()
    s.says(ts=NOON + 500.0)
    t = s.track()
    assert t.last_seen == T0 + 600_000
    assert t.values_at == T0 + 600_000
    s.hears()
    s.at(1165)
    assert s.health() is OK
    s.at(1165.001)
    assert s.health() is OFFLINE, (
        "what was sent in the gap counts from the end of it: the hub was deaf in between"
    )


def test_without_a_clock_it_is_placed_at_the_end_of_the_gap_and_shows_no_life() -> None:
    s = Scene()
    s.says()
    s.at(100).deafen()
    s.at(1000).connects()
    s.at(1003).says(battery_v=12.0)
    t = s.track()
    assert t.values_at == T0 + 1_000_000
    assert t.last_seen == T0
    s.hears()
    s.at(1003 + 65.001)
    assert s.health() is OFFLINE


def test_a_queued_message_without_a_clock_brings_no_dead_device_back() -> None:
    s = Scene()
    s.says()
    s.at(300).deafen()
    s.at(1000).connects()
    s.says()
    s.hears()
    assert s.health() is OFFLINE
    s.at(1010).says()
    assert s.health() is OK
    s.at(1010 + 165.001)
    assert s.health() is OFFLINE


def test_what_is_already_over_becomes_history() -> None:
    s = Scene()
    s.says(ts=NOON)
    s.at(100).deafen()
    s.at(2000).connects()
    s.says(ts=NOON + 500, faults=["lampFailure"])
    s.says(ts=NOON + 900, faults=[])
    s.hears()
    s.at(2001)
    assert s.told("lamp-failed") == [("opened", 500), ("closed", 960)]
    assert s.health() is OK


def test_what_still_holds_is_told_once() -> None:
    s = Scene()
    s.says(ts=NOON)
    s.at(100).deafen()
    s.at(2000).connects()
    for second in range(500, 1900, 60):
        s.says(ts=NOON + second, faults=["lampFailure"])
    s.hears()
    s.at(2001).says(ts=NOON + 2001, faults=["lampFailure"])
    assert s.told("lamp-failed") == [("opened", 500)]
    assert s.health() is FAULTY
