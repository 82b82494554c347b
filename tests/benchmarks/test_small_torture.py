"""A small torture: the whole of it but the broker's restarts, in seconds. `make bench NAME=torture` is the real one."""

from __future__ import annotations

from benchmarks.torture import Plan, torture

SMALL = Plan(
    devices=12, realms=2, rate=100, after=1, before=1, random=0, reboots=2, silent=1, backlog=400, quiet_s=1,
    restarts=False, broker_kill=False, full=False,
)  # fmt: skip


def test_a_hub_that_is_killed_loses_nothing_and_tells_nothing_twice() -> None:
    figures = torture(SMALL)
    assert figures["kills_after_commit"] == 2
    assert figures["kills_before_commit"] == 1
    assert figures["acknowledged"] > SMALL.backlog
    assert figures["rebooted"] == 4
    wrong = {k: figures[k] for k in ("lost", "duplicated", "wrong_state", "false_offline")}
    assert wrong == dict.fromkeys(wrong, 0)
