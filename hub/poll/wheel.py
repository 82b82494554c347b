"""The wheel: which camera is asked next. Pure: time (s, monotonic) and chance come from outside.

Cameras are spread over their interval, each at a phase of its own, so that no minute mark has a burst. One that does
not answer is asked again after 5 and 10 s; with the third failure it counts as unreachable, and is then asked more and
more rarely, up to five minutes apart, with jitter. Where several of a village fail at once all of it are asked.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import zlib
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Collection

AGAIN_S = (5.0, 10.0)
"""Waits before an unanswered camera is asked again; after these it counts as unreachable."""
LONGEST_S = 300.0
"""An unreachable camera is asked at least this often."""
JITTER = 0.1
NOT_SOONER = 0.25
"""Of its interval so much lies between two visits at least, where nobody hurries."""
AT_ONCE_VILLAGE = 3
"""Cameras of one village that are asked at the same time."""
AT_ONCE_NUDGED = 12
"""The same for a minute after it was nudged: cameras that do not answer cost its uplink nothing but a knock."""
AT_ONCE = 200
SLOW_S = 30.0
"""A visit that took longer makes a slow camera, until one is shorter."""
SLOW_AT_ONCE_VILLAGE = 1
SLOW_AT_ONCE = 50
"""Slow cameras share so many of the places, in a village and in all: the hung and the hostile wait for each other."""
TOGETHER = 2
"""So many failures of one village within TOGETHER_S are no accident: all of it is asked."""
TOGETHER_S = 60.0
NUDGED_WITHIN_S = 5.0
NUDGE_REST_S = 60.0
"""A village is nudged at most this often."""


@dataclass(slots=True, eq=False)
class Slot:
    """One camera on the wheel. `failures` in a row; it is `unreachable` from the third. `slow`: its last visit was."""

    name: str
    village: str
    interval_s: float
    due: float
    phase: float
    """Its own moment in the interval: whatever hurries it or holds it up, it comes back to that."""
    failures: int = 0
    busy: bool = False
    slow: bool = False
    sooner: float = math.inf
    """Hurried while it was busy: to be asked then."""

    @property
    def unreachable(self) -> bool:
        """True where asking it again and again did not help."""
        return self.failures > len(AGAIN_S)

    def turn_after(self, then: float) -> float:
        """Its first moment from then on."""
        return self.phase + math.ceil((then - self.phase) / self.interval_s) * self.interval_s


@dataclass(slots=True)
class _Village:
    slots: dict[str, Slot] = field(default_factory=dict)
    busy: int = 0
    slow: int = 0
    failed: deque[float] = field(default_factory=deque)
    nudged: float = float("-inf")
    waiting: deque[Slot] = field(default_factory=deque)


class Wheel:
    """All cameras."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._slots: dict[str, Slot] = {}
        self._villages: dict[str, _Village] = {}
        self._heap: list[tuple[float, int, Slot]] = []
        self._order = count()
        self._busy = self._slow = 0

    def __len__(self) -> int:
        """How many there are."""
        return len(self._slots)

    def put(self, name: str, village: str, interval_s: float, now: float) -> None:
        """Follow a camera; one that is there already keeps what is known of it."""
        slot = self._slots.get(name)
        if slot is not None and slot.village == village and slot.interval_s == interval_s:
            return
        failures, slow = (slot.failures, slot.slow) if slot is not None else (0, False)
        self.drop(name)
        phase = zlib.crc32(name.encode()) / 2**32
        due = now + phase * interval_s
        slot = Slot(name, village, interval_s, due, due, failures, slow=slow)
        self._slots[name] = slot
        self._villages.setdefault(village, _Village()).slots[name] = slot
        self._push(slot)

    def drop(self, name: str) -> None:
        """Follow it no more; one that is being asked now is finished first."""
        slot = self._slots.pop(name, None)
        if slot is None:
            return
        village = self._villages[slot.village]
        del village.slots[name]
        if slot in village.waiting:
            village.waiting.remove(slot)

    def hurry(self, name: str, at: float) -> None:
        """Ask it at that moment, or as soon as there is room then, unless it is asked before."""
        slot = self._slots.get(name)
        if slot is None:
            return
        if slot.busy:
            slot.sooner = min(slot.sooner, at)
        elif slot.due > at:
            slot.due = at
            self._push(slot)

    def nudge(self, village: str, now: float) -> None:
        """Ask all of a village within a few seconds, at most once a minute."""
        found = self._villages.get(village)
        if found is None or now - found.nudged < NUDGE_REST_S:
            return
        found.nudged = now
        for slot in found.slots.values():
            due = now + self._chance.uniform(0, NUDGED_WITHIN_S)
            if not slot.busy and slot.due > due:
                slot.due = due
                self._push(slot)

    def nudge_these(self, names: Collection[str], now: float) -> None:
        """Ask these within a few seconds, since their link fell or stands again.

        Where their village was nudged within the minute, when that is over: a link that flaps nudges no more often.
        """
        for village in {s.village for s in map(self._slots.get, names) if s is not None}:
            found = self._villages[village]
            if found.nudged > now:
                continue  # they are asked then
            found.nudged = max(now, found.nudged + NUDGE_REST_S)
            for name in names:
                if name in found.slots:
                    self.hurry(name, found.nudged + self._chance.uniform(0, NUDGED_WITHIN_S))

    def take(self, now: float) -> list[Slot]:
        """Those to be asked now, as many as there is room for; each is busy until `done`."""
        while self._heap and self._heap[0][0] <= now:
            due, _, slot = heapq.heappop(self._heap)
            if self._slots.get(slot.name) is slot and slot.due == due and not slot.busy:
                village = self._villages[slot.village]
                if slot not in village.waiting:
                    village.waiting.append(slot)
        taken = []
        for village in self._villages.values():
            places = AT_ONCE_NUDGED if now - village.nudged < NUDGE_REST_S else AT_ONCE_VILLAGE
            while village.busy < places and self._busy < AT_ONCE and (first := self._first(village)):
                self._hold(first, village, 1)
                taken.append(first)
        return taken

    def _first(self, village: _Village) -> Slot | None:
        """Who has waited longest among those for whom there is a place; it waits no more."""
        room = village.slow < SLOW_AT_ONCE_VILLAGE and self._slow < SLOW_AT_ONCE
        for slot in village.waiting:
            if room or not slot.slow:
                village.waiting.remove(slot)
                return slot
        return None

    def _hold(self, slot: Slot, village: _Village, places: int) -> None:
        """It takes a place, or gives it back (-1)."""
        slot.busy = places > 0
        village.busy += places
        self._busy += places
        if slot.slow:
            village.slow += places
            self._slow += places

    def done(self, slot: Slot, now: float, *, answered: bool, slow: bool = False) -> None:
        """It was asked. Where it is asked next, and beside how many, follows from how that went."""
        village = self._villages[slot.village]
        self._hold(slot, village, -1)
        sooner, slot.sooner = slot.sooner, math.inf
        slot.slow = slow
        if self._slots.get(slot.name) is not slot:
            return
        if answered:
            back = slot.unreachable
            slot.failures = 0
            slot.due = min(sooner, slot.turn_after(now + slot.interval_s * NOT_SOONER))
            self._push(slot)
            if back:
                self.nudge(slot.village, now)
            return
        slot.failures += 1
        if not slot.unreachable:
            wait = AGAIN_S[slot.failures - 1]
        else:
            worse = slot.failures - len(AGAIN_S) - 1
            wait = min(slot.interval_s * 2.0 ** min(worse, 20), max(LONGEST_S, slot.interval_s))
        slot.due = now + wait * self._chance.uniform(1 - JITTER, 1 + JITTER)
        self._push(slot)
        if slot.failures == 1:
            village.failed.append(now)
            while now - village.failed[0] > TOGETHER_S:
                village.failed.popleft()
            if len(village.failed) >= TOGETHER:
                self.nudge(slot.village, now)

    def next_at(self) -> float | None:
        """When the next one is due; None where nobody waits for time."""
        while self._heap:
            due, _, slot = self._heap[0]
            if self._slots.get(slot.name) is slot and slot.due == due and not slot.busy:
                return due
            heapq.heappop(self._heap)
        return None

    def _push(self, slot: Slot) -> None:
        heapq.heappush(self._heap, (slot.due, next(self._order), slot))


class Bucket:
    """A village's share of its uplink: `take` what was carried, `wait` before more is. Rates in bytes a second.

    What is asked runs it into debt, what is shown waits until that is paid off: pictures are carried piece by piece,
    one picture at a time (`turn` is held by who carries it), and give way to everything else.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self.turn = asyncio.Lock()
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, 0.0

    def wait(self, now: float) -> float:
        """Seconds until something may be carried; 0 where it may be now."""
        self._fill(now)
        return 0.0 if self._left >= 0 else -self._left / self._rate

    def take(self, size: int, now: float) -> None:
        """`size` bytes were carried."""
        self._fill(now)
        self._left -= size

    def _fill(self, now: float) -> None:
        self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._rate)
        self._at = max(self._at, now)
