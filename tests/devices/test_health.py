"""What a page shows for a device: one pure function of lifecycle, health and flag."""

from __future__ import annotations

import pytest

from devices.health import WORST_FIRST, Health, Shown, shown
from devices.lifecycle import Lifecycle


@pytest.mark.parametrize("health", list(Health))
def test_an_active_device_shows_its_health(health: Health) -> None:
    assert shown(Lifecycle.ACTIVE, health, unstable=False) == Shown(health.value)


@pytest.mark.parametrize("health", [h for h in Health if h is not Health.FAULTY])
def test_unstable_outranks_all_but_faulty(health: Health) -> None:
    assert shown(Lifecycle.ACTIVE, health, unstable=True) is Shown.UNSTABLE


def test_faulty_outranks_unstable() -> None:
    assert shown(Lifecycle.ACTIVE, Health.FAULTY, unstable=True) is Shown.FAULTY


@pytest.mark.parametrize("lifecycle", [c for c in Lifecycle if c is not Lifecycle.ACTIVE])
@pytest.mark.parametrize("unstable", [True, False])
def test_what_is_not_active_shows_its_lifecycle(lifecycle: Lifecycle, unstable: bool) -> None:
    for health in Health:
        assert shown(lifecycle, health, unstable=unstable) == Shown(lifecycle.value)


def test_every_state_has_its_place_in_the_order() -> None:
    assert sorted(WORST_FIRST) == sorted(Shown)
    assert WORST_FIRST[0] is Shown.FAULTY
