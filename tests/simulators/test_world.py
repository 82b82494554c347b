from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from devices import wire
from devices.device import Kind
from simulators.errors import UserError
from simulators.faults import FAULTS
from simulators.fleet import is_browser
from tests.simulators.village import EVENING, TT, Village

GATEWAY = "tt-g001"


def spoken_for(village: Village) -> list[str]:
    return [d.name for d in village.devices(Kind.SOLAR_LIGHT) if village.world.units[d.name].port is None]


def with_modem(village: Village) -> list[str]:
    return [d.name for d in village.devices(Kind.SOLAR_LIGHT) if village.world.units[d.name].port is not None]


def test_everything_said_is_by_the_contract() -> None:
    village = Village()
    village.run(60)
    kinds = {d.name: d.kind for d in village.fleet.devices if not is_browser(d)}
    for heard in village.broker.heard:
        if heard.channel == "telemetry":
            wire.telemetry(kinds[heard.device]).validate_json(heard.payload)
        else:
            assert heard.channel == "state"
            wire.StatePayload.model_validate_json(heard.payload)
        assert heard.retain == (heard.channel == "state")
    assert {h.device for h in village.broker.heard if h.channel == "telemetry"} == kinds.keys()


def test_a_birth_and_then_a_report_every_interval_with_its_own_phase() -> None:
    village = Village()
    village.run(60)
    births, reports = village.broker.of("tt-c001", "state"), village.broker.of("tt-c001")
    assert len(births) == 1
    body = births[0].body
    assert body.keys() == {"online", "boot", "seq", "ts", "model", "firmware"}
    assert (body["online"], body["seq"], births[0].at) == (True, 1, EVENING)
    assert [r.body["seq"] for r in reports] == list(range(2, 2 + len(reports)))
    gaps = {round(b.at - a.at, 3) for a, b in pairwise(reports)}
    assert gaps == {10.0}
    assert (
        len({round(village.broker.of(n)[0].at % 10, 1) for n in ("tt-c001", "tt-c002", "tt-c003", "tt-c004")})
        > 1
    )
    assert {r.body["boot"] for r in reports} == {body["boot"]}


def test_a_gateway_speaks_for_its_lights() -> None:
    village = Village()
    village.run(30)
    child = spoken_for(village)[0]
    heard = village.broker.of(child, "state") + village.broker.of(child)
    assert {h.by for h in heard} == {GATEWAY}
    assert {h.by for h in village.broker.of(with_modem(village)[0])} == {with_modem(village)[0]}


def test_a_power_cut() -> None:
    village = Village()
    village.run(60)
    village.forget()
    village.world.cut_power(TT)
    mains_fed = [d.name for d in village.devices(Kind.CAMERA) + village.devices(Kind.ACCESS_POINT)]
    for name in mains_fed:
        (will,) = village.broker.of(name, "state")
        assert (will.by, will.body["online"], set(will.body)) == ("will", False, {"online", "boot"})
    (lost,) = village.broker.of(GATEWAY, "occurrence")
    assert wire.OccurrencePayload.model_validate_json(lost.payload).kind == "power_lost"
    assert village.broker.of(GATEWAY)[0].body["mains"] is False
    village.forget()
    village.run(60)
    assert not any(village.broker.of(name) for name in mains_fed)
    assert all(village.broker.of(d.name) for d in village.devices(Kind.SOLAR_LIGHT)), (
        "the control group keeps talking"
    )
    assert all(village.broker.of(d.name) for d in village.devices(Kind.CAMERA, "thu-que")), (
        "the neighbours too"
    )


def test_power_returns_and_everything_boots_anew_in_its_own_time() -> None:
    village = Village()
    boots = {name: unit.boot for name, unit in village.world.units.items()}
    village.world.cut_power(TT)
    village.run(120)
    village.forget()
    back = village.world.now
    village.world.restore_power(TT)
    village.run(60)
    for d in village.devices(Kind.CAMERA):
        (birth,) = village.broker.of(d.name, "state")
        assert birth.body["boot"] != boots[d.name]
        assert birth.body["seq"] == 1
        assert 18 <= birth.at - back <= 35, "alike cameras return in one rush"
    assert village.world.units[GATEWAY].boot == boots[GATEWAY], "it lived on its battery"
    assert village.broker.of(GATEWAY)[0].body["mains"] is True


def test_a_gateway_dies_when_its_battery_is_empty_and_its_lights_fall_silent() -> None:
    village = Village()
    village.run(10)
    gateway = village.world.units[GATEWAY]
    gateway._state = replace(gateway._state, charge=0.01)
    village.world.cut_power(TT)
    village.run(300)
    assert village.broker.of(GATEWAY, "state")[-1].by == "will"
    village.forget()
    village.run(60)
    assert not any(village.broker.of(name) for name in spoken_for(village))
    assert all(village.broker.of(name) for name in with_modem(village))
    village.world.restore_power(TT)
    village.run(60)
    assert village.broker.of(GATEWAY, "state")[-1].body["online"] is True
    assert all(village.broker.of(name) for name in spoken_for(village))


def test_an_uplink_cut_buffers_at_the_gateway_and_comes_late() -> None:
    village = Village()
    village.run(60)
    village.world.cut_uplink(TT)
    village.forget()
    village.run(120)
    silent = [GATEWAY, *spoken_for(village), *(d.name for d in village.devices(Kind.CAMERA))]
    assert not any(village.broker.of(name) for name in silent)
    assert all(village.broker.of(name) for name in with_modem(village))
    assert village.broker.ports[GATEWAY].waiting > 100
    restored = village.world.now
    village.world.restore_uplink(TT)
    village.run(30)
    first, *rest = village.broker.of(GATEWAY, "state")
    assert first.body["online"] is True
    assert rest == []
    for name in (GATEWAY, spoken_for(village)[0]):
        late = [h for h in village.broker.of(name) if h.body.get("late")]
        fresh = [h for h in village.broker.of(name) if not h.body.get("late")]
        assert len(late) in (11, 12, 13)
        assert all(h.body.get("ts", 0) < restored + 10 for h in late)
        assert [h.body["seq"] for h in late] == sorted(h.body["seq"] for h in late)
        assert fresh
    assert not any(
        h.body.get("late") for d in village.devices(Kind.CAMERA) for h in village.broker.of(d.name)
    )
    returned = [village.broker.of(d.name, "state")[0].at - restored for d in village.devices(Kind.CAMERA)]
    assert max(returned) < 30
    assert len({round(r, 1) for r in returned}) > 5, "each at its next try"


def test_a_device_keeps_its_boot_through_a_cut_uplink() -> None:
    village = Village()
    village.world.cut_uplink(TT)
    village.run(60)
    village.world.restore_uplink(TT)
    village.run(30)
    states = [h.body for h in village.broker.of("tt-c001", "state")]
    assert [s["online"] for s in states] == [True, False, True]
    assert len({s["boot"] for s in states}) == 1


# ------------------------------------------------------------ every fault


def states(village: Village, name: str) -> list[bool]:
    return [h.body["online"] for h in village.broker.of(name, "state")]


ONE_OF_EACH = {
    "tt-l001": Kind.SOLAR_LIGHT,
    "tt-w001": Kind.ACCESS_POINT,
    GATEWAY: Kind.GATEWAY,
    "tt-c001": Kind.CAMERA,
    "tt-b001": Kind.SIGNBOARD,
}


@pytest.mark.parametrize(
    ("fault", "name"),
    [(f, name) for f in FAULTS for name, kind in ONE_OF_EACH.items() if kind in FAULTS[f].kinds],
)
def test_every_fault_breaks_and_is_mended(fault: str, name: str) -> None:
    village = Village()
    village.run(20)
    village.world.break_(name, fault)
    village.run(300)
    assert village.world.units[name].faults == {fault}
    village.world.mend(name)
    village.run(120)
    village.forget()
    village.run(60)
    kind = village.world.units[name].device.kind
    reports = village.broker.of(name)
    assert len(reports) == 6
    for heard in reports:
        read = wire.telemetry(kind).validate_json(heard.payload)
        assert abs(read.get("ts", heard.at) - heard.at) < 1
    assert not village.broker.of(name, "state"), "it stays connected"


def test_silent_is_a_will_and_then_nothing() -> None:
    village = Village()
    village.world.break_("tt-c001", "silent")
    village.run(100)
    assert states(village, "tt-c001") == [True, False]
    assert not village.broker.of("tt-c001")


def test_flapping_keeps_the_boot_and_reboot_loop_does_not() -> None:
    village = Village()
    village.world.break_("tt-c001", "flapping")
    village.world.break_("tt-c002", "reboot_loop")
    village.run(600)
    for name in ("tt-c001", "tt-c002"):
        assert states(village, name)[:5] == [True, False, True, False, True]
    flapping = {h.body["boot"] for h in village.broker.of("tt-c001", "state")}
    looping = {h.body["boot"] for h in village.broker.of("tt-c002", "state")}
    assert (len(flapping), len(looping) >= 4) == (1, True)


def test_a_light_behind_a_gateway_flaps_too() -> None:
    village = Village()
    child = spoken_for(village)[0]
    village.world.break_(child, "flapping")
    village.run(600)
    assert 25 < len(village.broker.of(child)) < 58


def test_a_clock_in_1970_begins_with_a_new_boot() -> None:
    village = Village()
    village.run(20)
    village.world.break_("tt-c001", "clock_1970")
    village.run(100)
    before, after = (village.broker.of("tt-c001", "state")[i].body for i in (0, -1))
    assert before["boot"] != after["boot"]
    assert (before["ts"], after["ts"]) == (EVENING, 0)
    assert village.broker.of("tt-c001")[-1].body["ts"] < 100


def test_garbled_firmware_says_nothing_that_can_be_read() -> None:
    village = Village()
    village.run(20)
    village.world.break_("tt-l001", "garbled")
    village.forget()
    village.run(300)
    heard = village.broker.of("tt-l001")
    assert len(heard) == 30
    for h in heard:
        with pytest.raises(ValueError, match="valid"):
            wire.telemetry(Kind.SOLAR_LIGHT).validate_json(h.payload)


def test_a_fault_is_said_at_once() -> None:
    village = Village()
    village.run(60)
    village.forget()
    village.world.break_("tt-l001", "lamp_dead")
    assert village.broker.of("tt-l001")[0].body["faults"] == ["lampFailure"]


def test_a_gateway_without_uplink_cuts_off_all_behind_it() -> None:
    village = Village()
    village.run(10)
    village.world.break_(GATEWAY, "uplink_down")
    village.forget()
    village.run(60)
    assert not village.broker.of("tt-c001")
    village.world.mend(GATEWAY, "uplink_down")
    village.run(30)
    assert village.broker.of("tt-c001")
    assert any(h.body.get("late") for h in village.broker.of(GATEWAY))


@pytest.mark.parametrize(
    ("name", "fault", "sentence"),
    [
        ("tt-x", "silent", "There is no device 'tt-x' in this fleet."),
        ("tt-l001", "rust", "There is no fault 'rust'"),
        ("tt-c001", "lamp_dead", "A device of kind camera cannot have 'lamp_dead'"),
    ],
)
def test_what_cannot_be_broken(name: str, fault: str, sentence: str) -> None:
    village = Village()
    with pytest.raises(UserError, match=sentence):
        village.world.break_(name, fault)


def test_cuts_name_a_village_of_the_fleet() -> None:
    with pytest.raises(UserError, match="There is no village 'hue'"):
        Village().world.cut_power("hue")


def test_cutting_twice_changes_nothing() -> None:
    village = Village()
    village.world.cut_power(TT)
    village.world.cut_power(TT)
    assert len(village.broker.of(GATEWAY, "occurrence")) == 1


def test_power_returns_while_the_uplink_is_still_cut() -> None:
    village = Village()
    village.world.cut_power(TT)
    village.world.cut_uplink(TT)
    village.run(60)
    village.world.restore_power(TT)
    village.run(60)
    assert states(village, "tt-c001") == [True, False]
    village.world.restore_uplink(TT)
    village.run(30)
    assert states(village, "tt-c001") == [True, False, True]


@pytest.mark.parametrize(("goodbye", "said"), [(True, [True, False]), (False, [True])])
def test_an_orderly_stop(goodbye: bool, said: list[bool]) -> None:
    village = Village()
    village.run(10)
    village.world.stop(goodbye=goodbye)
    assert states(village, "tt-c001") == said
    assert village.broker.of("tt-c001", "state")[-1].by == "tt-c001"


def test_the_same_seed_plays_the_same_field() -> None:
    first, second = Village(), Village()
    for village in (first, second):
        village.world.break_("tt-c001", "flapping")
        village.run(120)
    assert first.broker.heard == second.broker.heard


def test_lights_without_a_clock_send_no_time() -> None:
    village = Village()
    village.run(20)
    clockless = {
        h.device
        for h in village.broker.heard
        if h.channel == "telemetry" and "ts" not in json.loads(h.payload)
    }
    assert 0 < len(clockless) < 20
    assert all("-l" in name for name in clockless)
