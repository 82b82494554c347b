"""The simulated scene: the same question, the same picture; it moves; it can be spoilt."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from simulators.scene import CLEAR, IR_BELOW, Weather, light_at, render, scene, snapshot
from simulators.scene_faults import KINDS as FAULT_KINDS
from simulators.scene_faults import Fault
from simulators.scene_life import KINDS as LIFE
from simulators.scene_life import Thing
from simulators.scene_paint import HEIGHT, WIDTH
from simulators.scene_paint import KINDS as PLACES

NOON = 20_000 * 86_400 + 5 * 3600
NIGHT = NOON + 11 * 3600


def mean(picture: Image.Image) -> float:
    return float(np.asarray(picture, np.float32).mean())


@pytest.mark.parametrize("kind", PLACES)
def test_the_same_question_the_same_picture(kind: str) -> None:
    scene.cache_clear()
    one = snapshot(scene(5, kind), NOON, Weather(rain=0.5))
    scene.cache_clear()
    assert snapshot(scene(5, kind), NOON, Weather(rain=0.5)) == one
    assert snapshot(scene(5, kind), NOON + 1, Weather(rain=0.5)) != one
    with Image.open(io.BytesIO(one)) as picture:
        assert picture.size == (WIDTH, HEIGHT)


def test_day_and_night() -> None:
    assert light_at(NOON) > 0.9
    assert light_at(NIGHT) < IR_BELOW
    street = scene(5, "street")
    day, night = render(street, NOON), render(street, NIGHT)
    assert mean(night) < mean(day) / 1.5


@pytest.mark.parametrize("weather", [CLEAR, Weather(fog=0.9), Weather(rain=1), Weather(insects=1, cloud=1)])
@pytest.mark.parametrize("at", [NOON, NIGHT])
def test_any_weather(weather: Weather, at: float) -> None:
    assert render(scene(6, "lane"), at, weather).size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_any_fault_changes_the_picture(kind: str) -> None:
    yard = scene(7, "yard")
    fault = Fault(kind, grade=0.01 if kind == "defocus" else 0.5, pan=15, since=NOON - 60)
    assert snapshot(yard, NOON, CLEAR, (fault,)) != snapshot(yard, NOON)


@pytest.mark.parametrize("kind", LIFE)
def test_anything_that_stands_or_hangs_there_changes_the_picture(kind: str) -> None:
    yard, thing = scene(7, "yard"), (Thing(kind, 0.4, 3),)
    for at in (NOON, NIGHT):
        same = kind == "spider" and at == NOON  # only the lamp at night shows it
        assert (render(yard, at, things=thing).tobytes() == render(yard, at).tobytes()) == same


def test_frozen_is_the_same_to_the_byte_unless_the_clock_runs() -> None:
    street = scene(8, "street")
    still, running = Fault("frozen", since=NOON), Fault("frozen", since=NOON, clock_runs=True)
    assert snapshot(street, NOON + 60, CLEAR, (still,)) == snapshot(street, NOON, CLEAR, (still,))
    assert snapshot(street, NOON + 60, CLEAR, (running,)) != snapshot(street, NOON, CLEAR, (running,))
