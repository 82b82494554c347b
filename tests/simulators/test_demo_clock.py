from __future__ import annotations

import json
import time
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest

from hub.clock import Clock as HubClock
from simulators import demo_clock
from simulators.clock import Clock
from simulators.errors import UserError
from simulators.sky import VILLAGE_TIME

if TYPE_CHECKING:
    from pathlib import Path


def local(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=VILLAGE_TIME).timestamp()


@pytest.mark.parametrize(
    ("wall", "begin"),
    [
        ("2026-11-24T09:00", "2026-11-24T19:30"),
        ("2026-11-24T18:59", "2026-11-24T19:30"),
        ("2026-11-24T19:00", "2026-11-24T19:00"),
        ("2026-11-24T23:30", "2026-11-24T23:30"),
        ("2026-11-24T01:59", "2026-11-24T01:59"),
        ("2026-11-24T02:00", "2026-11-24T19:30"),
    ],
)
def test_the_first_start(wall: str, begin: str) -> None:
    clock = demo_clock.choose(local(wall), 0, 0, 1)
    assert clock.begin == local(begin)
    assert clock.at(local(wall) + 60) == local(begin) + 60


def test_the_next_start_goes_on_and_never_back(tmp_path: Path) -> None:
    path, morning = tmp_path / "demo.json", local("2026-11-24T09:00")
    first = demo_clock.load(path, morning, 1)
    demo_clock.save(path, first, morning + 3600)
    soon = demo_clock.load(path, morning + 3700, 1)
    assert soon.begin == pytest.approx(local("2026-11-24T19:30") + 3700)
    later = demo_clock.load(path, morning + 10 * 3600, 1)
    assert later.begin == local("2026-11-25T19:30"), "it would be half past five in the morning"


def test_fast_time_is_not_taken_back_by_a_slow_start(tmp_path: Path) -> None:
    path, morning = tmp_path / "demo.json", local("2026-11-24T09:00")
    fast = demo_clock.load(path, morning, 60)
    demo_clock.save(path, fast, morning + 3600)
    assert fast.at(morning + 3600) == local("2026-11-24T19:30") + 60 * 3600
    assert demo_clock.load(path, morning + 3601, 1).begin >= fast.at(morning + 3600)


def test_processes_that_start_after_each_other_tell_the_same_time() -> None:
    clock = demo_clock.choose(local("2026-11-24T09:00"), 0, 0, 10)
    for start in (clock.epoch + 2, clock.epoch + 5.3):
        now = time.monotonic()
        of_fleet = Clock(clock.shift_s, clock.rate, clock.epoch, wall=start, started=now)
        assert of_fleet.now() == pytest.approx(clock.at(start), abs=1)
        wall = partial(float, start)
        of_hub = HubClock(
            shift_s=clock.shift_s,
            rate=clock.rate,
            since=clock.epoch,
            wall=wall,
            monotonic=lambda: 0.0,
        )
        assert of_hub.now() / 1000 == pytest.approx(clock.at(start), abs=0.01)


@pytest.mark.parametrize(
    ("wall", "rate", "sentence"),
    [("09:00", 1, "24.11.2026 19:30, 10.5 h ahead:"), ("20:00", 5, "real time, running 5 times as fast.")],
)
def test_it_is_told(wall: str, rate: float, sentence: str) -> None:
    assert sentence in demo_clock.choose(local(f"2026-11-24T{wall}"), 0, 0, rate).told()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "3",
        '{"shift_s": "x", "last": 1}',
        '{"shift_s": 1e300, "last": 0}',
        '{"shift_s": NaN, "last": 0}',
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "demo.json"
    path.write_text(text)
    with pytest.raises(UserError, match="is broken"):
        demo_clock.load(path, 1e9, 1)


def test_the_file_is_plain(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    demo_clock.save(path, demo_clock.DemoClock(100.0, 500.0), 110.0)
    assert json.loads(path.read_text()) == {"shift_s": 400.0, "last": 510.0}
