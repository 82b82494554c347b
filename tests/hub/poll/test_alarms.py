"""A camera's own alarms: heard at once, and kept up without hammering."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self

import pytest

from drivers.onvif import CameraError, Code
from drivers.onvif.events import Alarm
from hub.poll.alarms import HASTE, HASTE_H, PULL_S, Alarms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class HandPace:
    """Sleeping is free; `until` ends it all."""

    def __init__(self, until: float) -> None:
        self.time, self.until = 0.0, until
        self.slept: list[float] = []

    def mono(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += max(0.0, seconds)
        if self.time >= self.until:
            raise asyncio.CancelledError


class Subscription:
    """`answer` gives what a pull brings, or raises."""

    def __init__(self, answer: Callable[[int], Sequence[Alarm]]) -> None:
        self.answer, self.subscribed, self.pulls, self.open = answer, 0, 0, 0
        self.refusal: CameraError | None = None

    def __call__(self, camera: Any) -> Self:
        del camera
        return self

    async def __aenter__(self) -> Self:
        self.subscribed += 1
        if self.refusal is not None:
            raise self.refusal
        self.open += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self.open -= 1

    async def pull(self) -> Sequence[Alarm]:
        self.pulls += 1
        return self.answer(self.pulls)


async def heard(subscription: Subscription, until: float) -> tuple[Alarms, int, list[float]]:
    """The alarms, how often we were called, and how long it waited each time."""
    pace: Any = HandPace(until)
    camera: Any = None
    alarms = Alarms(camera, pace, subscription)
    calls = 0

    def changed() -> None:
        nonlocal calls
        calls += 1

    with contextlib.suppress(asyncio.CancelledError):
        await alarms.listen(changed)
    assert subscription.open == 0, "it was given back"
    return alarms, calls, pace.slept


def alarm(code: str, active: bool) -> Alarm:
    return Alarm(code, active, None, "")


async def test_an_alarm_calls_us_when_it_begins_and_when_it_ends() -> None:
    said = {
        1: [alarm("sceneChanged", True)],
        2: [alarm("sceneChanged", True)],
        4: [alarm("sceneChanged", False)],
    }
    alarms, calls, _ = await heard(Subscription(lambda n: said.get(n, ())), 20)
    assert (calls, alarms.active) == (1, {"sceneChanged"})
    alarms, calls, _ = await heard(Subscription(lambda n: said.get(n, ())), 100)
    assert (calls, alarms.active) == (2, set())


async def test_motion_before_it_does_not_make_us_ask_without_end() -> None:
    busy = Subscription(lambda _: ())  # it answers at once, each time
    _, calls, _ = await heard(busy, 600)
    assert busy.pulls == 600 / PULL_S
    assert (busy.subscribed, calls) == (1, 0)


async def test_one_that_cries_wolf_hurries_nobody_for_long() -> None:
    flapping = Subscription(lambda n: [alarm("tooDark", n % 2 == 1)])
    _, calls, _ = await heard(flapping, 40)
    assert calls == HASTE - 1 == 4, "the first are heard"
    _, calls, _ = await heard(flapping, 3600)
    assert HASTE_H <= calls <= HASTE_H + HASTE


@pytest.mark.parametrize(
    ("code", "tries"),
    [(Code.TIMEOUT, (13, 20)), (Code.LOGIN_REFUSED, (4, 5)), (Code.NO_SUCH_SERVICE, (2, 4))],
)
async def test_a_lost_subscription_is_asked_for_more_and_more_rarely(
    code: Code, tries: tuple[int, int]
) -> None:
    lost = Subscription(lambda _: ())
    lost.refusal = CameraError(code, "no")
    _, _, slept = await heard(lost, 2.2 * 3600)
    assert tries[0] <= lost.subscribed <= tries[1]
    assert len(set(slept)) == len(slept), "with chance in each wait"


async def test_what_was_active_is_unknown_while_nobody_listens() -> None:
    def answer(n: int) -> list[Alarm]:
        if n > 1:
            raise CameraError(Code.RESET, "gone")
        return [alarm("tooDark", True)]

    alarms, _, _ = await heard(Subscription(answer), 15)
    assert alarms.active == set()
