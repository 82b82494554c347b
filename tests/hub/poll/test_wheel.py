"""The wheel: spread, patient, and quick where a village falls silent."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hub.poll.wheel import AT_ONCE, AT_ONCE_VILLAGE, LONGEST_S, SLOW_AT_ONCE, Bucket, Slot, Wheel


def wheel(count: int, villages: int = 1, interval_s: float = 60) -> Wheel:
    made = Wheel(random.Random(1))  # noqa: S311
    for i in range(count):
        made.put(f"cam-{i}", f"v{i % villages}", interval_s, 0.0)
    return made


def asked(
    made: Wheel, until: float, dead: frozenset[str] = frozenset(), takes_s: float = 0.0
) -> list[tuple[float, str]]:
    """Run in steps of 0.1 s; who was asked when."""
    found: list[tuple[float, str]] = []
    running: list[tuple[float, Slot]] = []
    now = 0.0
    while now < until:
        for end, slot in [r for r in running if r[0] <= now]:
            made.done(slot, now, answered=slot.name not in dead)
            running.remove((end, slot))
        for slot in made.take(now):
            found.append((now, slot.name))
            running.append((now + takes_s, slot))
        now = round(now + 0.1, 1)
    return found


def test_all_are_asked_once_an_interval_without_bursts() -> None:
    found = asked(wheel(600, villages=20), 180)
    per_camera = Counter(name for _, name in found)
    assert set(per_camera.values()) <= {2, 3, 4}
    per_second = Counter(int(at) for at, _ in found)
    assert max(per_second.values()) <= 25, "10 a second on average"


def test_one_that_does_not_answer_is_asked_again_soon_and_then_rarely() -> None:
    found = [at for at, _ in asked(wheel(1), 3000, dead=frozenset({"cam-0"}))]
    gaps = [b - a for a, b in pairwise(found)]
    assert 4 < gaps[0] < 6
    assert 8 < gaps[1] < 12
    assert 50 < gaps[2] < 70
    assert max(gaps) <= LONGEST_S * 1.1 + 0.2
    assert gaps[-1] > 200


def test_unreachable_is_the_third_failure_and_one_answer_ends_it() -> None:
    made = wheel(1)
    states = []
    for at in (60.0, 100.0, 200.0):
        made.hurry("cam-0", at)
        (slot,) = made.take(at)
        made.done(slot, at, answered=False)
        states.append(slot.unreachable)
    assert states == [False, False, True]
    made.hurry("cam-0", 300)
    (slot,) = made.take(300)
    made.done(slot, 300, answered=True)
    assert not slot.unreachable


def test_a_village_that_falls_silent_is_asked_at_once() -> None:
    made = wheel(30, villages=2, interval_s=600)
    dead = frozenset(f"cam-{i}" for i in range(0, 30, 2))
    found = asked(made, 700, dead)
    first: dict[str, float] = {}
    for at, name in found:
        first.setdefault(name, at)
    begun = sorted(at for name, at in first.items() if name in dead)[1]
    assert all(at <= begun + 6 for name, at in first.items() if name in dead), (
        "all within seconds of the second"
    )
    assert max(first[f"cam-{i}"] for i in range(1, 30, 2)) > begun + 6, "another village keeps its pace"


def test_a_village_that_was_asked_at_once_is_spread_again() -> None:
    made = wheel(60)
    asked(made, 120)
    made.nudge("v0", 120.0)
    found: list[tuple[float, str]] = []
    for tick in range(1200, 3000):
        for slot in made.take(tick / 10):
            found.append((tick / 10, slot.name))
            made.done(slot, tick / 10, answered=True)
    assert sum(at < 126 for at, _ in found) == 60
    later = Counter(int(at) // 5 for at, _ in found if at >= 180)
    assert max(later.values()) <= 10, "5 on average; 60 where the burst lived on"
    for i in range(60):
        times = [at for at, name in found if name == f"cam-{i}"]
        assert max(b - a for a, b in pairwise(times)) <= 75.2


def test_those_that_died_together_are_not_asked_together() -> None:
    dead = frozenset(f"cam-{i}" for i in range(27))
    found = [(at, name) for at, name in asked(wheel(27), 3600, dead) if at > 1800]
    assert max(Counter(int(at) for at, _ in found).values()) <= 3
    gaps = set[float]()
    for name in dead:
        times = [at for at, n in found if n == name]
        gaps |= {round(b - a) for a, b in pairwise(times)}
    assert len(gaps) > 20, "each wait has chance in it"
    assert min(gaps) >= 270


def test_one_dead_camera_makes_no_alarm_of_its_village() -> None:
    found = asked(wheel(20, interval_s=600), 1200, frozenset({"cam-3"}))
    assert Counter(n for _, n in found if n != "cam-3").most_common(1)[0][1] <= 2


def test_few_of_a_village_at_once_and_a_cap_over_all() -> None:
    made = wheel(3000, villages=300)
    for i in range(3000):
        made.hurry(f"cam-{i}", 0.0)
    taken = made.take(100.0)
    assert len(taken) == AT_ONCE
    assert max(Counter(s.village for s in taken).values()) <= AT_ONCE_VILLAGE
    for slot in taken:
        made.done(slot, 101.0, answered=True)
    assert len(made.take(101.0)) == AT_ONCE


def test_what_is_dropped_is_asked_no_more_also_while_it_is_busy() -> None:
    made = wheel(2)
    taken = made.take(60.0)
    made.drop("cam-0")
    for slot in taken:
        made.done(slot, 61.0, answered=True)
    assert {name for _, name in asked(made, 300)} == {"cam-1"}
    assert len(made) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "drop", "hurry", "nudge", "take", "ok", "bad"]), st.integers(0, 5)),
        max_size=60,
    )
)
def test_whatever_happens_the_caps_hold_and_nobody_is_forgotten(acts: list[tuple[str, int]]) -> None:
    made = Wheel(random.Random(2))  # noqa: S311
    now = 0.0
    running: list[Slot] = []
    there: set[str] = set()
    for act, i in acts:
        now += 3.0
        _act(made, act, i, now, running)
        there = there | {f"cam-{i}"} if act == "put" else there - {f"cam-{i}"} if act == "drop" else there
        assert max(Counter(s.village for s in running).values(), default=0) <= AT_ONCE_VILLAGE
    for slot in running:
        made.done(slot, now, answered=True)
    seen = set()
    for _ in range(20):
        now += 400
        for slot in made.take(now):
            seen.add(slot.name)
            made.done(slot, now, answered=True)
    assert seen == there


def _act(made: Wheel, act: str, i: int, now: float, running: list[Slot]) -> None:
    match act:
        case "put":
            made.put(f"cam-{i}", f"v{i % 2}", 30, now)
        case "drop":
            made.drop(f"cam-{i}")
        case "hurry":
            made.hurry(f"cam-{i}", now)
        case "nudge":
            made.nudge(f"v{i % 2}", now)
        case "take":
            running += made.take(now)
        case _ if running:
            made.done(running.pop(0), now, answered=act == "ok")


def test_a_bucket_holds_its_rate_and_pays_its_debt() -> None:
    made = Bucket(rate=1000, burst=2000)
    assert made.wait(10) == 0
    made.take(5000, 10)
    assert made.wait(10) == 3.0
    assert made.wait(12) == 1.0
    assert made.wait(13) == 0
    made.take(1, 13)
    assert 0 < made.wait(13) < 0.01


def test_three_hung_cameras_hold_one_place_of_their_village() -> None:
    made = wheel(27)
    hung = frozenset({"cam-1", "cam-2", "cam-3"})
    found: list[tuple[float, str]] = []
    running: list[tuple[float, Slot]] = []
    for tick in range(9000):
        now = tick / 10
        for end, slot in [r for r in running if r[0] <= now]:
            made.done(slot, now, answered=True, slow=slot.name in hung)
            running.remove((end, slot))
        for slot in made.take(now):
            found.append((now, slot.name))
            running.append((now + (60 if slot.name in hung else 2), slot))
    since = [(at, name) for at, name in found if at > 120]  # each was found out by its first visit
    sound = {f"cam-{i}" for i in range(27)} - hung
    for name in sound:
        times = [at for at, n in since if n == name]
        assert max(b - a for a, b in pairwise(times)) < 66, "all others are asked in time"
    assert {n for _, n in since} >= hung, "the hung are not forgotten either"


def test_slow_cameras_share_few_of_all_places() -> None:
    made = wheel(3000, villages=300)
    for i in range(3000):
        made.hurry(f"cam-{i}", 0.0)
    running = made.take(0.0)
    for _ in range(30):
        for slot in running:
            made.done(slot, 0.0, answered=True, slow=True)
        running = made.take(0.0)
    assert running == [], "each was asked"
    for i in range(3000):
        made.hurry(f"cam-{i}", 1.0)
        made.put(f"new-{i}", f"v{i % 300}", 60, 1.0)
        made.hurry(f"new-{i}", 1.0)
    taken = made.take(1.0)
    assert sum(s.slow for s in taken) <= SLOW_AT_ONCE
    assert max(Counter(s.village for s in taken if s.slow).values()) == 1
    assert len(taken) == AT_ONCE
    for slot in taken:
        made.done(slot, 1.0, answered=True)
    assert made._slow == 0


def test_who_is_hurried_while_it_is_asked_is_asked_again_after_that() -> None:
    found = wheel(1)
    (slot,) = found.take(60.0)
    found.hurry("cam-0", 75.0)
    found.hurry("cam-0", 500.0)
    found.done(slot, 61.0, answered=True)
    assert found.take(74.9) == []
    assert found.take(75.0) == [slot]
    found.done(slot, 76.0, answered=True)
    assert slot.due > 76.0 + 60 * 0.25, "once"


def test_a_gateway_that_falls_has_its_cameras_asked_and_when_it_returns() -> None:
    made = wheel(40, villages=2, interval_s=600)
    mine = [f"cam-{i}" for i in range(0, 40, 2)]  # all of v0, none of v1

    def due(before: float) -> list[str]:
        return sorted(s.name for s in made.take(before))

    made.nudge_these([*mine, "nobody"], 100.0)
    for slot in list(made._slots.values()):
        assert (100.0 <= slot.due <= 105.0) is (slot.name in mine) or slot.due < 100.0
    while slots := made.take(106.0):
        for slot in slots:
            made.done(slot, 106.0, answered=True)
    made.nudge_these(mine, 110.0)  # it returned: within the minute, so when that is over
    made.nudge_these(mine, 120.0)  # and fell again
    assert not [n for n in due(159.9) if n in mine]
    while slots := made.take(166.0):
        for slot in slots:
            assert slot.name in mine
            mine.remove(slot.name)
            made.done(slot, 166.0, answered=True)
    assert not mine
    made.nudge_these(["cam-0"], 300.0)
    assert 300.0 <= made._slots["cam-0"].due <= 305.0
