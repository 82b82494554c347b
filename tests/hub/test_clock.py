"""The hub's clock: never backwards; a step of the wall is noticed, adopted forward only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import STEP_MS, Clock


class Machine:
    """A wall that can be set, and a monotonic clock that cannot."""

    def __init__(self, wall: float = 1000.0) -> None:
        self.wall = wall
        self.mono = 50.0

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.mono += seconds

    def clock(self, **how: float) -> Clock:
        return Clock(wall=lambda: self.wall, monotonic=lambda: self.mono, **how)


def test_it_goes_with_monotonic_time() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.now() == 1_000_000
    machine.passes(2.5)
    assert clock.now() == 1_002_500
    assert clock.check() == 0


@pytest.mark.parametrize("step", [1.999, -1.999, 2.0, -2.0])
def test_a_small_drift_is_no_step(step: float) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += step
    assert clock.check() == 0
    assert clock.now() == 1_000_000


def test_a_step_forward_is_told_and_adopted_once() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.passes(10)
    machine.wall += 3600
    assert clock.now() == 1_010_000, "not before somebody looks"
    assert clock.check() == 3_600_000
    assert clock.now() == 4_610_000
    assert clock.check() == 0


def test_a_step_back_is_told_and_moves_nothing() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.passes(10)
    machine.wall -= 3600
    assert clock.check() == -3_600_000
    assert clock.now() == 1_010_000
    assert clock.check() == 0
    machine.passes(1)
    assert clock.now() == 1_011_000


def test_just_over_the_limit_is_a_step() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += (STEP_MS + 1) / 1000
    assert clock.check() == STEP_MS + 1


def test_a_wall_behind_what_is_stored_stands_still_until_it_has_passed_it() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.keep_after(1_005_000)
    assert clock.behind
    assert clock.now() == 1_005_000
    machine.passes(4.999)
    assert clock.now() == 1_005_000
    assert clock.behind
    machine.passes(0.002)
    assert clock.now() == 1_005_001
    assert not clock.behind


def test_a_wall_behind_what_is_stored_is_right_once_it_is_set() -> None:
    machine = Machine(wall=10.0)
    clock = machine.clock()
    assert clock.keep_after(1_005_000)
    machine.wall = 1_100.0
    assert clock.check() == 1_090_000
    assert clock.now() == 1_100_000
    assert not clock.behind


def test_a_right_wall_is_not_behind() -> None:
    clock = Machine().clock()
    assert not clock.keep_after(999_999)
    assert not clock.behind


def test_simulated_time_is_shifted_and_faster() -> None:
    machine = Machine()
    clock = machine.clock(shift_s=-600, rate=60)
    assert clock.now() == 400_000
    machine.passes(2)
    assert clock.now() == 520_000
    assert clock.check() == 0, "a rate is no step"


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-5000, 5000), st.booleans()), max_size=30))
def test_whatever_the_wall_does_the_hub_never_goes_back(moves: list[tuple[float, float, bool]]) -> None:
    machine = Machine()
    clock = machine.clock()
    clock.keep_after(1_000_100)
    last = clock.now()
    for seconds, step, look in moves:
        machine.passes(seconds)
        machine.wall += step
        if look:
            clock.check()
        assert clock.now() >= last
        last = clock.now()


def test_a_wall_that_goes_back_and_returns_leaves_nothing_behind() -> None:
    wall, mono = [1000.0], [0.0]
    clock = Clock(wall=lambda: wall[0], monotonic=lambda: mono[0])
    for step in (-3600.0, 3600.0):
        wall[0] += step
        assert clock.check() == step * 1000
        assert clock.now() == 1_000_000
    wall[0] += 10
    clock.check()
    assert clock.now() == 1_010_000
