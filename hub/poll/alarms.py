"""A camera's own alarms: a subscription that is kept up as politely as the camera is asked."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol

from drivers.onvif import CameraError, Code
from drivers.onvif.events import Events
from hub.poll.patience import LOGIN_AGAIN_S
from hub.poll.reading import LOGIN_CODES
from hub.poll.wheel import JITTER, Bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from drivers.onvif import Camera
    from drivers.onvif.events import Alarm
    from hub.poll.pace import Pace

AGAIN_S = (10.0, 60.0, 300.0, 600.0)
"""Waits before a lost subscription is asked for again."""
NO_EVENTS_S = 3600.0
"""The same for a camera that offers none."""
PULL_S = 10.0
"""It is asked for its alarms so often at most, also where motion before it brings an answer at once."""
HASTE, HASTE_H = 5, 20
"""By its alarms it may call us so often in a row, and so often an hour; beyond that it is visited when it is due."""


class Pulls(Protocol):
    """A subscription."""

    async def pull(self) -> Sequence[Alarm]:
        """What came since the last time. Raises CameraError."""


class Alarms:
    """Which of its alarms are `active`, as codes of devices.camera."""

    def __init__(
        self,
        camera: Camera,
        pace: Pace,
        subscribe: Callable[[Camera], AbstractAsyncContextManager[Pulls]] = Events,
    ) -> None:
        self.active: set[str] = set()
        self._camera, self._pace, self._subscribe = camera, pace, subscribe
        self._haste = Bucket(HASTE_H / 3600, HASTE - 1)

    async def listen(self, changed: Callable[[], None]) -> None:
        """For ever; given back when this is cancelled. `changed`: an alarm begins or ends, look at once."""
        losses = 0
        while True:
            wait = 0.0
            try:
                async with self._subscribe(self._camera) as events:
                    while True:
                        begun = self._pace.mono()
                        self._heard(await events.pull(), changed)
                        losses = 0
                        await self._pace.sleep(begun + PULL_S - self._pace.mono())
            except CameraError as e:
                self.active.clear()
                losses += 1
                waits = _waits(e)
                wait = waits[min(losses, len(waits)) - 1]
            await self._pace.sleep(wait * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - jitter

    def _heard(self, alarms: Sequence[Alarm], changed: Callable[[], None]) -> None:
        before = set(self.active)
        for alarm in alarms:
            (self.active.add if alarm.active else self.active.discard)(alarm.code)
        now = self._pace.mono()
        if self.active != before and not self._haste.wait(now):
            self._haste.take(1, now)
            changed()


def _waits(e: CameraError) -> tuple[float, ...]:
    if e.code is Code.NO_SUCH_SERVICE:
        return (NO_EVENTS_S,)
    return LOGIN_AGAIN_S if e.code.value in LOGIN_CODES else AGAIN_S
