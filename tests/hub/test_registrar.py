"""Devices are registered, edited, replaced and taken away; each change is checked, followed and written down."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from devices.device import Device, Kind
from devices.lifecycle import Lifecycle
from devices.person import By
from hub.audit import Wanted, entries
from hub.registrar import Hardware
from hub.views import Refused
from tests.hub.town import Town

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BY = By("Lan", "127.0.0.1")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


def lamp(name: str = "den-9", **more: Any) -> Device:
    return Device(name, Kind.SOLAR_LIGHT, "r", "thap-thuong", **more)


def refusal(run: Any) -> str:
    with pytest.raises(Refused) as e:
        run()
    return e.value.code


def test_what_is_added_is_followed_stored_and_written_down(town: Town) -> None:
    town.do(lambda w: town.registrar.add(lamp(title="Đèn 9", lat=21.09, lon=105.65), "hash", BY, w))
    assert town.tracker.by_name["den-9"].lifecycle is Lifecycle.PLANNED
    assert town.loaded().devices["den-9"].title == "Đèn 9"
    (entry,) = entries(town.reader, Wanted(subject="device:den-9", exact=True))
    assert (entry.person, entry.address, entry.action, entry.before) == (
        "Lan",
        "127.0.0.1",
        "device.added",
        {},
    )
    assert entry.after["title"] == "Đèn 9"
    assert entry.at == town.at
    assert "hash" not in str(entry.after)


@pytest.mark.parametrize(
    ("device", "code"),
    [
        (lamp("den-1"), "name_taken"),
        (lamp("hub"), "name_reserved"),
        (lamp("enrol"), "name_reserved"),
        (Device("x", Kind.SOLAR_LIGHT, "hub", "thap-thuong"), "name_reserved"),
        (Device("x", Kind.HUB, "r", "thap-thuong"), "name_reserved"),
        (Device("x", Kind.CAMERA, "r", "nowhere"), "no_such_site"),
        (lamp(driver="carrier-pigeon"), "no_such_driver"),
        (lamp(uplink_by="nobody"), "no_such_device"),
        (lamp(power_from="den-9"), "hangs_on_itself"),
        (lamp(channel=1), "channel_without_recorder"),
        (lamp(nvr="nvr-1", channel=1), "not_a_recorder"),
        (Device("x", Kind.CAMERA, "r", "thap-thuong", nvr="den-1", channel=1), "not_a_recorder"),
        (Device("x", Kind.CAMERA, "r", "thap-thuong", nvr="nvr-1"), "channel_missing"),
        (Device("x", Kind.CAMERA, "r", "thap-thuong", nvr="nvr-1", channel=1), "channel_taken"),
        (lamp(lat=21.0), "half_a_place"),
        (lamp(lat=20.0, lon=108.5), "in_the_sea"),
        (lamp(lat=105.65, lon=21.09), "in_the_sea"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_changes(town: Town, device: Device, code: str) -> None:
    before = town.dump()
    assert refusal(lambda: town.do(lambda w: town.registrar.add(device, "", BY, w))) == code
    assert town.dump() == before


def test_one_recorder_has_many_cameras(town: Town) -> None:
    second = Device("cam-2", Kind.CAMERA, "r", "thap-thuong", nvr="nvr-1", channel=2)
    town.do(lambda w: town.registrar.add(second, "", BY, w))
    assert [(d.nvr, d.channel) for d in town.loaded().devices.values() if d.nvr] == [
        ("nvr-1", 1),
        ("nvr-1", 2),
    ]


def test_the_later_of_two_editors_is_told(town: Town) -> None:
    den, reg = town.registry.devices["den-1"], town.registrar
    seen = town.registry.versions["den-1"]
    town.do(lambda w: reg.change(replace(den, title="của Lan"), seen, BY, w))
    later = replace(den, title="của Hùng")
    assert refusal(lambda: town.do(lambda w: reg.change(later, seen, BY, w))) == "changed_meanwhile"
    assert town.loaded().devices["den-1"].title == "của Lan"
    town.do(lambda w: reg.change(later, town.registry.versions["den-1"], BY, w))
    assert town.loaded().devices["den-1"].title == "của Hùng"
    assert town.loaded().versions["den-1"] == town.registry.versions["den-1"]


def test_a_chain_cannot_be_closed_by_a_change(town: Town) -> None:
    reg = town.registrar
    town.do(lambda w: reg.add(lamp("a", uplink_by="den-1"), "", BY, w))
    closing = replace(town.registry.devices["den-1"], uplink_by="a")
    version = town.registry.versions["den-1"]
    assert refusal(lambda: town.do(lambda w: reg.change(closing, version, BY, w))) == "hangs_on_itself"


def test_the_realm_stays(town: Town) -> None:
    other = replace(town.registry.devices["den-1"], realm="other")
    version = town.registry.versions["den-1"]
    assert refusal(lambda: town.do(lambda w: town.registrar.change(other, version, BY, w))) == "realm_stays"


def test_another_interval_moves_the_deadline(town: Town) -> None:
    town.heard("den-1")
    track = town.tracker.by_name["den-1"]
    before = town.tracker.deadlines[track.index]
    slower = replace(track.device, interval_s=600.0)
    town.do(lambda w: town.registrar.change(slower, town.registry.versions["den-1"], BY, w))
    assert town.tracker.deadlines[track.index] - before == slower.timeout_ms - 165_000


def test_who_is_retired_has_no_alert_no_password_and_no_way_back(town: Town) -> None:
    town.heard("den-1", faults=["lampFailure"])
    track, reg = town.tracker.by_name["den-1"], town.registrar
    assert track.active
    town.do(lambda w: reg.live("den-1", Lifecycle.RETIRED, BY, w))
    assert not track.active
    assert track in town.intake.to_clear
    assert "den-1" not in dict(town.reader.passwords())
    assert town.heard("den-1") == "retired"
    assert refusal(lambda: town.do(lambda w: reg.live("den-1", Lifecycle.ACTIVE, BY, w))) == "retired_stays"
    assert refusal(lambda: town.do(lambda w: reg.add(lamp("den-1"), "", BY, w))) == "name_taken"
    assert town.loaded().devices["den-1"].lifecycle is Lifecycle.RETIRED


def test_in_maintenance_nothing_is_raised_and_after_it_what_still_holds(town: Town) -> None:
    town.heard("den-1")
    track, reg = town.tracker.by_name["den-1"], town.registrar
    town.do(lambda w: reg.live("den-1", Lifecycle.MAINTENANCE, BY, w))
    town.heard("den-1", faults=["lampFailure"])
    assert not track.active
    town.do(lambda w: reg.live("den-1", Lifecycle.ACTIVE, BY, w))
    assert "lamp-failed" in track.active


def test_other_hardware_goes_on_with_name_and_past(town: Town) -> None:
    town.heard("den-1")
    pos = town.tracker.by_name["den-1"].last_pos
    town.do(lambda w: town.registrar.replace_hardware("den-1", Hardware("S-2", "SL-80", "sét đánh"), BY, w))
    town.at += 1000
    town.do(lambda w: town.registrar.replace_hardware("den-1", Hardware("S-3", "SL-90", ""), BY, w))
    rows = town.reader.hardware(town.registry.ids["den-1"])
    assert [(serial, until is None) for serial, _, _, _, until, _ in rows] == [
        ("S-3", True),
        ("S-2", False),
        ("", False),
    ]
    assert town.loaded().devices["den-1"].serial == "S-3"
    assert town.tracker.by_name["den-1"].last_pos == pos
    again = Hardware("S-3", "", "")
    assert (
        refusal(lambda: town.do(lambda w: town.registrar.replace_hardware("den-1", again, BY, w)))
        == "same_hardware"
    )
