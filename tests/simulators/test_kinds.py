from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from devices import wire
from devices.device import FIELDS, Kind
from simulators import gateway, wifi
from simulators.behaviour import BEHAVIOURS
from simulators.faults import FAULTS
from simulators.inputs import Inputs
from simulators.sky import VILLAGE_TIME, Sky, Weather

START = datetime(2026, 6, 1, 0, 0, tzinfo=VILLAGE_TIME).timestamp()
SKY = Sky(1)
EVENING = Weather(-10, 0.8, 20.0, 25)
MORNING = Weather(-30, 0.8, 4.0, 22)
PHYSICAL = (
    "lamp_dead",
    "stuck_on_by_day",
    "dying_battery",
    "dirty_panel",
    "radio_off",
    "slow_uplink",
    "uplink_down",
)


@pytest.mark.parametrize("kind", BEHAVIOURS)
@pytest.mark.parametrize("fault", [None, *PHYSICAL])
def test_what_a_device_says_in_a_day_is_by_the_contract(kind: Kind, fault: str | None) -> None:
    if fault and kind not in FAULTS[fault].kinds:
        return
    play = BEHAVIOURS[kind]
    known = {f.name for f in FIELDS[kind]}
    state: Any = None
    for second in range(0, 86_400, 600):
        broken = frozenset([fault] if fault else [])
        inputs = Inputs(
            START + second, SKY.at(21.1, 105.67, START + second), mains=second % 7200 < 3600, faults=broken
        )
        state = state or play.born(5, inputs)
        state, values = play.step(state, inputs)
        payload = json.dumps({"boot": 1, "seq": 1, "ts": inputs.now, **values}).encode()
        read = wire.telemetry(kind).validate_json(payload)
        assert read.keys() - {"boot", "seq", "ts"} == values.keys() <= known


@pytest.mark.parametrize("kind", sorted(FAULTS["out_of_range"].kinds))
def test_a_sensor_out_of_range_is_refused_by_the_contract(kind: Kind) -> None:
    inputs = Inputs(START, SKY.at(21.1, 105.67, START), faults=frozenset({"out_of_range"}))
    _, values = BEHAVIOURS[kind].step(BEHAVIOURS[kind].born(5, inputs), inputs)
    with pytest.raises(ValueError, match=r"less than|greater than"):
        wire.telemetry(kind).validate_json(json.dumps({"boot": 1, "seq": 1, **values}))


def test_more_people_in_the_evening_than_before_dawn() -> None:
    evening = wifi.born(3, Inputs(START, EVENING)).people
    morning = wifi.born(3, Inputs(START, MORNING)).people
    assert evening > 3 * morning


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("radio_off", {"radio_on": False, "clients": 0, "uplink_up": True}),
        ("uplink_down", {"radio_on": True, "uplink_up": False, "rx_kbit_s": 0.0}),
    ],
)
def test_what_a_broken_access_point_says(fault: str, expected: dict[str, Any]) -> None:
    state = wifi.born(3, Inputs(START, EVENING))
    _, values = wifi.step(state, Inputs(START + 60, EVENING, faults=frozenset({fault})))
    assert expected.items() <= values.items()
    assert ("latency_ms" in values) == (fault != "uplink_down"), "without internet there is no latency"


def test_people_leave_an_access_point_without_internet_and_return() -> None:
    state = wifi.born(3, Inputs(START, EVENING))
    many = state.people
    for second in range(0, 1800, 60):
        state, _ = wifi.step(state, Inputs(START + second, EVENING, faults=frozenset({"uplink_down"})))
    few = state.people
    for second in range(1800, 3600, 60):
        state, _ = wifi.step(state, Inputs(START + second, EVENING))
    assert few < many / 3 < state.people


def test_slow_uplinks_are_slow() -> None:
    slow = frozenset({"slow_uplink"})
    _, point = wifi.step(wifi.born(3, Inputs(START, EVENING)), Inputs(START, EVENING, faults=slow))
    _, village = gateway.step(gateway.born(3, Inputs(START, EVENING)), Inputs(START, EVENING, faults=slow))
    assert min(float(str(point["latency_ms"])), float(str(village["uplink_ms"]))) >= 700
    assert float(str(point["loss_pct"])) > 5


def test_a_gateway_lives_some_hours_on_its_battery_and_charges_again() -> None:
    state = gateway.born(3, Inputs(START, EVENING))
    hours = 0.0
    while not state.empty:
        hours += 0.1
        state, _ = gateway.step(state, Inputs(START + hours * 3600, EVENING, mains=False))
    assert 2 <= hours <= 5.2
    values: dict[str, Any] = {}
    for _ in range(60):
        hours += 0.1
        state, values = gateway.step(state, Inputs(START + hours * 3600, EVENING))
    assert values["ups_pct"] == 100


def test_the_sky_over_a_village() -> None:
    noon = SKY.at(21.09, 105.67, START + 12 * 3600)
    night = SKY.at(21.09, 105.67, START)
    assert noon.sun_deg > 80, "June in Hà Nội"
    assert night.sun_deg < -30
    assert (night.hour, noon.hour) == (0, 12)
    assert all(0.2 <= SKY.at(21.09, 105.67, START + h * 3600).clear <= 1 for h in range(24 * 60))
    assert SKY.at(21.09, 105.67, START + 5) is SKY.at(21.0901, 105.6702, START + 55)
