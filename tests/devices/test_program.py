"""Light programs: levels just before, at and just after each change; what is refused; one program, one id."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from astral import Observer
from astral.sun import sunrise, sunset
from pydantic import ValidationError

from devices import program
from devices.program import BadOrder, Change, Edge, Order, Override, Program, Saving, Step

HANOI = (21.0, 105.8)
NIGHT = 20_762
"""5 November 2026: sunset 17:20, sunrise 6:05 in Hà Nội."""
NOON = NIGHT * 86_400 + 5 * 3600


def at(clock: str) -> int:
    """A local time of that night."""
    hours, minutes = map(int, clock.split(":"))
    return NOON + (hours * 3600 + minutes * 60 - 43_200) % 86_400


def asked(wanted: Program | None = None, override: Override | None = None) -> Order:
    return program.read(program.order(wanted, override, *HANOI)[1])


def night(wanted: Program | None = None, override: Override | None = None) -> tuple[Change, ...]:
    found = program.changes(asked(wanted, override), NIGHT)
    assert found is not None
    return found


SUN = program.dusk_and_dawn(NIGHT, *HANOI)
assert SUN is not None
DUSK, DAWN = SUN


def test_dusk_and_dawn_are_those_of_the_astronomers_within_two_minutes() -> None:
    for place in (HANOI, (8.6, 104.7), (23.4, 105.3)):
        for day in range(NIGHT, NIGHT + 366, 7):
            found = program.dusk_and_dawn(day, *place)
            assert found is not None
            date = datetime.fromtimestamp(day * 86_400, UTC).date()
            evening = sunset(Observer(*place), date, tzinfo=UTC).timestamp()
            morning = min(
                (
                    sunrise(
                        Observer(*place), datetime.fromtimestamp(d * 86_400, UTC).date(), tzinfo=UTC
                    ).timestamp()
                    for d in (day, day + 1)
                ),
                key=lambda t: abs(t - found[1]),
            )
            assert abs(found[0] - evening) < 120
            assert abs(found[1] - morning) < 120


HALF_AT_TEN = Program(
    steps=(Step(at="22:00", level_pct=50), Step(at="00:30", level_pct=0), Step(at="04:00", level_pct=30))
)


@pytest.mark.parametrize(
    ("when", "level"),
    [
        (NOON, 0), (DUSK - 1, 0), (DUSK, 100), (DUSK + 1, 100),
        (at("22:00") - 1, 100), (at("22:00"), 50), (at("22:00") + 1, 50),
        (at("00:00"), 50), (at("00:30") - 1, 50), (at("00:30"), 0), (at("00:30") + 1, 0),
        (at("04:00") - 1, 0), (at("04:00"), 30), (DAWN - 1, 30), (DAWN, 0), (DAWN + 1, 0), (NOON + 86_399, 0),
    ],
)  # fmt: skip
def test_the_level_walks_the_night(when: int, level: int) -> None:
    assert program.wanted(asked(HALF_AT_TEN), when) == level


def test_the_next_noon_begins_the_next_night() -> None:
    assert program.night_of(NOON - 1) == NIGHT - 1
    assert program.night_of(NOON) == program.night_of(NOON + 86_399) == NIGHT
    assert program.night_of(NOON + 86_400) == NIGHT + 1


@pytest.mark.parametrize(
    ("wanted", "changes"),
    [
        (Program(), [(DUSK, 100), (DAWN, 0)]),
        (Program(on=Edge(offset_min=15), off=Edge(offset_min=-30), level_pct=80), [(DUSK + 900, 80), (DAWN - 1800, 0)]),
        (Program(on=Edge(at="18:00"), off=Edge(at="05:00")), [(at("18:00"), 100), (at("05:00"), 0)]),
        (Program(on=Edge(at="18:00"), off=Edge(at="23:00")), [(at("18:00"), 100), (at("23:00"), 0)]),
        # A step before the lamp is on is its first level; one after it is off never comes
        (Program(on=Edge(at="19:00"), steps=(Step(at="18:00", level_pct=70),)), [(at("19:00"), 70), (DAWN, 0)]),
        (Program(off=Edge(at="23:00"), steps=(Step(at="23:00", level_pct=70),)), [(DUSK, 100), (at("23:00"), 0)]),
        (
            Program(on=Edge(at="18:00"), off=Edge(at="04:00"), steps=(Step(share_pct=50, level_pct=40),)),
            [(at("18:00"), 100), (at("23:00"), 40), (at("04:00"), 0)],
        ),
        # On after off: dark that night, and no level is left over
        (Program(on=Edge(at="05:00"), off=Edge(offset_min=-180)), []),
        (Program(on=Edge(offset_min=180), off=Edge(at="20:00")), []),
    ],
)  # fmt: skip
def test_a_night(wanted: Program, changes: list[tuple[int, int]]) -> None:
    assert list(night(wanted)) == changes


@pytest.mark.parametrize(
    ("until", "changes"),
    [
        (DAWN, [(DUSK, 100), (DAWN, 0)]),
        (DAWN + 86_400, [(DUSK, 100), (DAWN, 0)]),
        (at("23:00"), [(DUSK, 100), (at("23:00"), 50), (at("00:30"), 0), (at("04:00"), 30), (DAWN, 0)]),
        (at("00:30") - 1, [(DUSK, 100), (at("00:30") - 1, 50), (at("00:30"), 0), (at("04:00"), 30), (DAWN, 0)]),
        (DUSK, [(DUSK, 100), (at("22:00"), 50), (at("00:30"), 0), (at("04:00"), 30), (DAWN, 0)]),
        (NOON, [(DUSK, 100), (at("22:00"), 50), (at("00:30"), 0), (at("04:00"), 30), (DAWN, 0)]),
    ],
)  # fmt: skip
def test_on_until_dawn_ends_at_its_instant(until: int, changes: list[tuple[int, int]]) -> None:
    assert list(night(HALF_AT_TEN, Override(until=until, nights=1))) == changes


def test_without_a_program_only_the_nights_until_the_end_are_told() -> None:
    order = asked(None, Override(until=DAWN, nights=1))
    assert program.wanted(order, DUSK + 60) == 100
    assert program.wanted(order, DUSK + 86_400) is None
    assert program.wanted(asked(), DUSK + 60) is None


SAVING = Program(
    saving=(
        Saving(below_pct=40, until_pct=55, level_pct=50),
        Saving(below_pct=25, until_pct=35, level_pct=20),
    )
)


def test_rainy_weeks_dim_by_steps_that_end_higher_than_they_begin() -> None:
    active, seen = 0, []
    for charge in (41, 40, 39.9, 54.9, 55, 39, 25, 24.9, 34.9, 35, 54, 55, 10):
        active = program.saving(SAVING, active, charge)
        seen.append(program.saved(SAVING, active, 100))
    assert seen == [100, 100, 50, 50, 100, 50, 50, 20, 20, 50, 50, 100, 20]
    assert program.saved(SAVING, 1, 30) == 30, "never brighter than the program"


@pytest.mark.parametrize(
    "wrong",
    [
        {"on": {}},
        {"on": {"offset_min": 0, "at": "18:00"}},
        {"on": {"offset_min": 181}},
        {"off": {"offset_min": -181}},
        {"on": {"at": "24:00"}},
        {"on": {"at": "7:00"}},
        {"on": {"at": "05:00"}, "off": {"at": "18:00"}},
        {"on": {"at": "18:00"}, "off": {"at": "18:00"}},
        {"level_pct": 101},
        {"level_pct": -1},
        {"steps": [{"at": "22:00", "level_pct": 50}, {"at": "22:00", "level_pct": 40}]},
        {"steps": [{"at": "00:30", "level_pct": 50}, {"at": "22:00", "level_pct": 40}]},
        {"steps": [{"share_pct": 50, "level_pct": 50}, {"share_pct": 50, "level_pct": 40}]},
        {"steps": [{"share_pct": 50, "level_pct": 50}, {"at": "23:00", "level_pct": 40}]},
        {"steps": [{"share_pct": 0, "level_pct": 50}]},
        {"steps": [{"share_pct": 100, "level_pct": 50}]},
        {"steps": [{"level_pct": 50}]},
        {"steps": [{"at": "22:00", "level_pct": 101}]},
        {"steps": [{"share_pct": n + 1, "level_pct": 50} for n in range(13)]},
        {"saving": [{"below_pct": 40, "until_pct": 40, "level_pct": 50}]},
        {"saving": [{"below_pct": 40, "until_pct": 50, "level_pct": 0}]},
        {"saving": [{"below_pct": b, "until_pct": 90, "level_pct": 50} for b in (40, 30)]},
        {"saving": [{"below_pct": b, "until_pct": 90, "level_pct": b} for b in (30, 40)]},
        {"saving": [{"below_pct": b, "until_pct": 90, "level_pct": b} for b in (50, 40, 30, 20)]},
        {"level": 100},
    ],
)
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Program.model_validate(wrong)


def test_twelve_steps_and_the_longest_offsets_are_taken() -> None:
    steps = [{"share_pct": n + 1, "level_pct": n} for n in range(12)]
    found = Program.model_validate({"on": {"offset_min": -180}, "off": {"offset_min": 180}, "steps": steps})
    assert len(found.steps) == 12


def test_one_program_has_one_id_and_each_change_another() -> None:
    same = {program.order(Program.model_validate(json.loads(program.canonical(HALF_AT_TEN))), None, *HANOI)}
    same.add(program.order(HALF_AT_TEN, None, *HANOI))
    assert len(same) == 1
    other = {
        program.order(p, o, *where)[0]
        for p, o, where in (
            (HALF_AT_TEN, None, HANOI),
            (HALF_AT_TEN, None, (21.1, 105.8)),
            (HALF_AT_TEN, Override(until=DAWN, nights=1), HANOI),
            (Program(), None, HANOI),
            (None, None, HANOI),
        )
    }
    assert len(other) == 5


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"\xff", b'{"id":"x"}', b'{"id":"0123456789abcdef","lat":91,"lon":0}']
)
def test_a_light_refuses_what_it_cannot_read(payload: bytes) -> None:
    with pytest.raises(BadOrder):
        program.read(payload)


DOC = (Path(__file__).parents[2] / "docs" / "mqtt.md").read_text(encoding="utf-8")


def printed() -> str:
    """The example of docs/mqtt.md, exactly as printed."""
    return DOC.split("## `desired`")[1].split("```json\n")[1].split("```")[0]


def test_the_example_in_the_contract_is_one() -> None:
    order = program.read(printed())
    assert order.program is not None
    assert order.override is not None
    found, body = program.order(order.program, order.override, order.lat, order.lon, order.name)
    assert order.id == found
    assert json.loads(body)["program"]["steps"] == json.loads(printed())["program"]["steps"]
    assert f'"applied": "{found}"' in DOC
