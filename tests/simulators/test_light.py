from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from devices.solar_light import FAULT_CODES
from simulators import faults, light
from simulators.inputs import Inputs
from simulators.sky import VILLAGE_TIME, Weather, light_w_m2

if TYPE_CHECKING:
    from collections.abc import Iterator

MIDNIGHT = datetime(2026, 11, 24, 0, 0, tzinfo=VILLAGE_TIME).timestamp()
SUNNY = Weather(sun_deg=50, clear=1.0, hour=12.0, air_c=25)
NIGHT = Weather(sun_deg=-40, clear=1.0, hour=20.0, air_c=20)


def weather(second: float, clear: float) -> Weather:
    """A plain day: the sun is up from 6 to 18, 50 degrees high at noon."""
    hour = second / 3600 % 24
    return Weather(50 * (1 - abs(hour - 12) / 6), clear, hour, 22)


def day(
    *broken: str, clear: float = 0.7, days: int = 1, seed: int = 7
) -> Iterator[tuple[float, Any, dict[str, Any]]]:
    """(hour, state, values) every five minutes, from noon on, after two days of the same to settle."""
    state = light.born(seed, Inputs(MIDNIGHT, weather(0, clear)))
    for second in range(0, (3 + days) * 86_400, 300):
        found = frozenset(broken) if second >= 2.5 * 86_400 else frozenset()
        state, values = light.step(state, Inputs(MIDNIGHT + second, weather(second, clear), faults=found))
        if 2.5 * 86_400 <= second < (2.5 + days) * 86_400:
            yield second / 3600 % 24, state, values


def at(hour: float, *broken: str, **how: Any) -> dict[str, Any]:
    return next(values for h, _, values in day(*broken, **how) if h == hour)


def test_the_battery_falls_by_night_and_rises_by_day() -> None:
    assert at(17.0)["soc_pct"] > at(21.0)["soc_pct"] > at(2.0)["soc_pct"] > at(5.0)["soc_pct"]
    assert at(5.5)["soc_pct"] < at(9.0)["soc_pct"] < at(11.0)["soc_pct"]
    assert at(5.0)["battery_v"] < at(11.0)["battery_v"]


@pytest.mark.parametrize(
    ("hour", "commanded", "level"),
    [
        (12.0, False, 0),
        (17.5, False, 0),
        (18.5, True, 100),
        (21.9166666, True, 100),
        (22.0, True, 50),
        (5.0, True, 50),
    ],
)
def test_the_lamp_follows_its_program(hour: float, commanded: bool, level: float) -> None:
    values = next(v for h, _, v in day() if h == pytest.approx(hour, abs=1e-3))
    assert (values["lamp_commanded"], values["lamp_lit"], values["level_pct"]) == (
        commanded,
        commanded,
        level,
    )


def test_energy_is_neither_lost_nor_made() -> None:
    """What the battery gained is what the panel gave (after the charger) less lamp and controller."""
    before, balance, first = None, 0.0, 0.0
    for _, state, values in day():
        if before is not None:
            balance += (values["panel_w"] * light.CHARGER - values["load_w"] - light.OWN_W) * 300 / 3600
        else:
            first = state.soc
        before = state
    assert before is not None
    gained = (before.soc - first) * before.battery_wh
    assert balance == pytest.approx(gained, abs=0.02 * before.battery_wh)


def test_a_dying_battery_dies_before_dawn() -> None:
    dark = [h for h, _, v in day("dying_battery") if v["lamp_commanded"] and not v["lamp_lit"]]
    assert dark
    assert at(5.0, "dying_battery")["faults"] == ["batteryShutdown"]
    assert at(11.0, "dying_battery")["faults"] == [], "the sun brings it back"


def test_a_dirty_panel_yields_half_while_the_battery_takes_all() -> None:
    clean, dirty = at(8.0, clear=0.3), at(8.0, "dirty_panel", clear=0.3)
    assert dirty["panel_w"] == pytest.approx(clean["panel_w"] / 2, rel=0.05)


def test_a_dead_lamp_complains_only_when_it_should_burn() -> None:
    assert at(20.0, "lamp_dead")["faults"] == [faults.LAMP_FAILURE]
    assert at(20.0, "lamp_dead")["load_w"] == 0
    assert at(13.0, "lamp_dead")["faults"] == []


def test_a_stuck_relay_burns_by_day() -> None:
    values = at(13.0, "stuck_on_by_day")
    assert (values["lamp_commanded"], values["lamp_lit"]) == (False, True)
    assert values["faults"] == [faults.LAMP_UNEXPECTED_ON]


def test_days_without_sun_end_in_a_dark_lamp_and_the_sun_brings_it_back() -> None:
    assert any(state.cut for _, state, _ in day(clear=0.02, days=4))
    assert not any(state.cut for _, state, _ in day(clear=0.7, days=2))


def test_its_codes_are_known_words() -> None:
    assert {faults.LAMP_FAILURE, faults.BATTERY_SHUTDOWN, faults.LAMP_UNEXPECTED_ON} <= FAULT_CODES.keys()


def test_voltage_rises_with_charge() -> None:
    volts = [light.rest_v(i / 100) for i in range(101)]
    assert volts == sorted(volts)
    assert (volts[0], volts[100]) == (light.CURVE[0][1], light.CURVE[-1][1])


def test_a_step_is_pure() -> None:
    state = light.born(3, Inputs(MIDNIGHT, SUNNY))
    inputs = Inputs(MIDNIGHT + 60, NIGHT)
    assert light.step(state, inputs) == light.step(state, inputs)


@pytest.mark.parametrize(
    ("sun", "low", "high"),
    [(-10, 0, 0), (-6, 0, 0), (-1, 5, 9), (0, 10, 10), (30, 400, 500), (90, 1000, 1020)],
)
def test_light_by_the_height_of_the_sun(sun: float, low: float, high: float) -> None:
    assert low <= light_w_m2(sun, 1.0) <= high
    assert light_w_m2(sun, 0.3) <= light_w_m2(sun, 1.0)
