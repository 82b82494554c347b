"""A copied password is seen by boots that take turns; a reboot, a queue, a redelivery and a backlog are none."""

from __future__ import annotations

import pytest

from devices.health import Health
from tests.hub.scene import T0, Scene, light

COPIED = "credential-copied"


@pytest.fixture
def scene() -> Scene:
    return Scene(light())


def turns(scene: Scene, count: int, *, start: float = 0) -> float:
    """Boots 1 and 2 report each minute, half a minute apart."""
    at = start
    for _ in range(count):
        scene.at(at).says(boot=1, battery_v=12.9)
        scene.at(at + 30).says(boot=2, battery_v=12.9)
        at += 60
    return at


def test_two_devices_of_one_name_are_told_after_three_turns(scene: Scene) -> None:
    turns(scene, 3)
    assert not scene.told(COPIED)
    scene.at(180).says(boot=1)
    assert scene.told(COPIED) == [("opened", 180.0)]
    assert scene.health() is Health.DEGRADED
    assert scene.track().values["copied"] is True


def test_it_is_over_ten_minutes_after_the_last_turn(scene: Scene) -> None:
    turns(scene, 10)
    for minute in range(10, 22):
        scene.at(minute * 60 + 30).says(boot=2)
    assert [what for what, _ in scene.told(COPIED)] == ["opened", "closed"]
    assert scene.track().copied is False
    assert scene.health() is Health.OK


def test_a_reboot_is_no_copy(scene: Scene) -> None:
    for boot in range(1, 8):
        for report in range(5):
            scene.at(boot * 300 + report * 60).says(boot=boot)
    assert not scene.told(COPIED)


def test_what_a_rebooted_device_had_queued_is_no_copy(scene: Scene) -> None:
    scene.says(boot=1, seq=1)
    for minute in range(10):
        scene.at(60 + minute * 60).says(boot=2)
        for n in range(5):  # its own queue between fresh ones, slowly, without a clock
            scene.at(65 + minute * 60 + n * 5).says(boot=1, seq=2 + minute * 5 + n)
    assert not scene.told(COPIED)


def test_what_says_that_it_is_old_is_no_copy(scene: Scene) -> None:
    scene.says(boot=1, seq=1)
    for minute in range(10):
        scene.at(60 + minute * 60).says(boot=2, ts=scene.now / 1000)
        scene.at(90 + minute * 60).says(boot=1, seq=2 + minute, ts=T0 / 1000 - 3600 + minute)
        scene.at(100 + minute * 60).says(boot=1, seq=100 + minute, late=True)
    assert not scene.told(COPIED)


def test_redelivery_is_no_copy(scene: Scene) -> None:
    for n in range(5):
        scene.at(n * 60).says(boot=1, seq=n + 1)
    for n in range(5):
        scene.at(300 + n * 60).says(boot=2, seq=n + 1)
        scene.at(330 + n * 60).says(boot=1, seq=n + 1)
    assert not scene.told(COPIED)


def test_what_was_queued_while_the_hub_was_away_is_no_copy(scene: Scene) -> None:
    scene.says(boot=1, seq=1)
    scene.deafen()
    scene.at(1000, tick=False).connects()
    for n in range(10):
        scene.says(boot=2)
        scene.says(boot=1, seq=10 + n)
    scene.hears()
    assert not scene.told(COPIED)


def test_slow_reporters_have_more_time() -> None:
    scene = Scene(light(interval_s=3600.0))
    for n in range(4):
        scene.at(n * 3600).says(boot=1)
        scene.at(n * 3600 + 1800).says(boot=2)
    assert [what for what, _ in scene.told(COPIED)] == ["opened"]
