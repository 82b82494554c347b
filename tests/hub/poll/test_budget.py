"""What one camera cost in the last hour, and when it is spent."""

from __future__ import annotations

import pytest

from drivers.onvif import Cost
from hub.poll.budget import BURST_BYTES, HOUR_S, STEP_S, Budget


@pytest.mark.parametrize("interval_s", [15, 60, 600, 3600])
def test_an_hour_is_an_hour_however_often_it_is_asked(interval_s: int) -> None:
    cost = Cost()
    budget = Budget(cost, interval_s)
    for at in range(0, 4 * 3600, interval_s):
        for _ in range(5):
            cost.asked(500)
            cost.came(1500)
        requests, kb = budget.hour(float(at))
        visits = min(at, 3600) / interval_s
        assert 5 * visits * 0.99 <= requests <= 5 * (visits + 1.01)
        assert kb == pytest.approx(2 * requests, abs=2)
    assert len(budget._steps) <= HOUR_S / STEP_S + 2, "it does not grow with the visits"


def test_what_was_long_ago_costs_nothing_now() -> None:
    cost = Cost()
    budget = Budget(cost, 60)
    cost.came(4_000_000)
    assert budget.hour(0.0)[1] == 4000
    for at in range(60, 3600, 60):
        assert budget.hour(float(at))[1] == 4000
    assert budget.hour(3660.0)[1] == 0


def test_it_is_spent_by_a_flood_and_paid_off_by_waiting() -> None:
    budget = Budget(Cost(), 60)
    for at in range(0, 3600, 60):
        budget.take(15_000, float(at))
        assert not budget.spent(float(at))
    budget.take(BURST_BYTES + 600_000, 3600.0)
    assert budget.spent(4100.0)
    assert not budget.spent(4300.0)
