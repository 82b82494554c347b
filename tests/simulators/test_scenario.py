from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from devices.device import Kind
from simulators import fleet, scenario
from simulators.act import ACTS, UNDO
from simulators.errors import UserError
from tests.simulators.village import DEMO, EVENING, Village

if TYPE_CHECKING:
    from pathlib import Path

DISTRICT = fleet.build("district")
NAMED = {
    "power_cut",
    "uplink_cut",
    "dying_battery",
    "lamp_dead",
    "flapping",
    "clock_1970",
    "garbled_firmware",
    "buffered_gateway",
    "mass_return",
}


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    return str(path)


def test_the_scenarios_that_come_with_us() -> None:
    assert set(scenario.names()) == NAMED | {"demo", "calm", "cameras"}


@pytest.mark.parametrize("name", scenario.names())
def test_each_plays_in_either_fleet_and_ends_as_it_began(name: str) -> None:
    loaded = scenario.load(name)
    for played in (DEMO, DISTRICT):
        moves = scenario.timetable(loaded, played)
        assert moves == sorted(moves, key=lambda m: m.at)
        begun = [m.act for m in moves if m.act.verb in UNDO]
        ended = [m.act for m in moves if m.act.verb not in UNDO]
        assert Counter(act.undone() for act in begun) == Counter(ended)


@pytest.mark.parametrize("name", sorted(NAMED - {"dying_battery", "buffered_gateway"}))
def test_each_breaks_something_and_mends_it_on_virtual_time(name: str) -> None:
    village, said = Village(), list[str]()
    scenario.Rounds(scenario.load(name), DEMO).play(village.world, said.append)
    village.run(120)
    world = village.world
    assert world.dark or world.cut_off or any(u.faults for u in world.units.values())
    village.run(3700)
    assert (world.dark, world.cut_off) == (set(), set())
    assert not any(u.faults for u in world.units.values())
    assert said
    assert all(unit.up for unit in world.units.values())


def test_the_demo_shows_something_within_a_minute_and_leaves_most_devices_well() -> None:
    moves = scenario.timetable(scenario.load("demo"), DEMO)
    early = {m.act.fault or m.act.verb for m in moves if m.at <= 30}
    assert {"lamp_dead", "garbled", "uplink_down"} <= early
    assert [m.at for m in moves if m.act.verb == "cut_power"] == [75]
    village = Village()
    scenario.Rounds(scenario.load("demo"), DEMO).play(village.world, lambda _: None)
    for _ in range(50):
        village.run(60)
        assert sum(bool(u.faults) for u in village.world.units.values()) <= 8
        assert len(village.world.dark | village.world.cut_off) <= 1


def test_a_scenario_that_plays_again_chooses_anew() -> None:
    village, said = Village(), list[str]()
    scenario.Rounds(scenario.load("demo"), DEMO).play(village.world, said.append)
    village.run(2 * 25 * 60)
    dead = [line for line in said if line.startswith("break") and line.endswith("lamp_dead")]
    assert len(dead) == 4
    assert len(set(dead)) > 2


def test_speed_moves_the_timetable_only() -> None:
    village, said = Village(), list[float]()
    loaded = scenario.load("power_cut")
    scenario.Rounds(loaded, DEMO, speed=10).play(
        village.world, lambda _: said.append(village.world.now - EVENING)
    )
    village.run(300)
    assert said == pytest.approx([6, 66])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("about: x\nsteps: [{at: 5, cut_power: any}]", "a time is written like 90s"),
        ("about: x\nsteps: [{at: 5s}]", "exactly one of"),
        ("about: x\nsteps: [{at: 5s, break: silent}]", "needs one of"),
        ("about: x\nsteps: [{at: 5s, cut_power: any, device: a}]", "needs one of"),
        ("about: x\nsteps: [{at: 5s, cut_power: any, fro: 5m}]", "fro"),
        ("steps: []", "about"),
        ("about: [", "is not YAML"),
        ("- 1", "the file"),
    ],
)
def test_a_broken_scenario_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        scenario.load(written(tmp_path, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("cut_uplink: hue", "a village 'hue'"),
        ("break: silent, device: x", "a device 'x'"),
        ("break: silent, some: {kind: signboard, count: 9}", "this fleet has 4"),
        ("break: rust, device: tt-c001", "no fault 'rust'"),
        ("break: lamp_dead, device: tt-c001", "cannot have 'lamp_dead'"),
    ],
)
def test_what_the_fleet_does_not_have_is_said_before_anything_starts(
    tmp_path: Path, step: str, sentence: str
) -> None:
    loaded = scenario.load(written(tmp_path, f"about: x\nsteps: [{{at: 5s, {step}}}]"))
    with pytest.raises(UserError, match=sentence):
        scenario.timetable(loaded, DEMO)


def test_an_unknown_scenario_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match="power_cut"):
        scenario.load("nosuch")


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("2d", 172_800)])
def test_times(text: str, expected: float) -> None:
    assert scenario.seconds(text) == expected


def test_every_act_that_breaks_has_one_that_mends() -> None:
    assert set(UNDO) | set(UNDO.values()) == set(ACTS)


def test_a_dying_battery_goes_dark_in_its_first_night() -> None:
    village = Village()
    lights = [d.name for d in village.devices(Kind.SOLAR_LIGHT)]
    village.world.break_(lights[0], "dying_battery")
    for _ in range(48):  # till half past three, every 15 minutes
        village.world.now += 600
        village.world._report(village.world.units[lights[0]])
    assert village.broker.of(lights[0])[-1].body["faults"] == ["batteryShutdown"]
