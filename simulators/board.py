"""A notice board: what it stored, what stands on it, and what it says of it. No network, no clock of its own.

It keeps its playlist and its frames over a loss of power, shows by devices.notice.turns, and reports the hash of the
pixels that it decoded. When it must look again by itself, `due` says.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices import notice
from devices.notice import Ends, Known
from simulators.chance import dice
from simulators.frame import hash_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.field import Value
    from devices.notice import Frame, Item, Playlist
    from simulators.inputs import Inputs

AHEAD_S = 3 * 3600.0
ROOM_KB = 120_000
DEAD_PX = 40
Receipt = dict[str, Any]
"""`id`, `result`, and where it has them `frames` and `detail`."""


@dataclass(frozen=True, slots=True)
class State:
    """Nothing but its seed: what it shows is its Sign."""

    seed: int


def born(seed: int, inputs: Inputs) -> State:  # noqa: ARG001 - every kind is born alike
    """A board."""
    return State(seed)


def step(state: State, inputs: Inputs) -> tuple[State, dict[str, Value]]:
    """What it measures; its Sign adds what it shows."""
    broken = inputs.faults
    codes = [
        code
        for code, fault in (
            ("storage_full", "storage_full"),
            ("panel_fault", "dead_pixels"),
            ("clock_wrong", "clock_1970"),
        )
        if fault in broken
    ]
    return state, {
        "uptime_s": max(0, int(inputs.now - inputs.booted)),
        "brightness_pct": 90.0 if inputs.weather.sun_deg > 0 else 35.0,
        "dead_px": DEAD_PX if "dead_pixels" in broken else int(dice(state.seed, 3) * 3),
        "faults": codes,
    }


class Sign:
    """A board's controller. `now` is simulated time (s): its monotonic time, and that of a right clock.

    `applied`: the id of the playlist that it follows. `wants`: hashes of frames that it must fetch. `showing`: the hash
    of what stands on it, as it reports it.
    """

    def __init__(self) -> None:
        self.wants: set[str] = set()
        self.showing = self._stands = ""
        self._playlist: Playlist | None = None
        self._coming: Playlist | None = None
        self._frames: dict[str, str] = {}  # name -> hash of what was decoded of it; in flash
        self._bad: dict[str, str] = {}  # name -> what was wrong with it, as a fault code
        self._ends = Ends()
        self._items: dict[str, tuple[str, ...]] = {}  # what stands on it, with the frames of each
        self._heard = self._turned = 0.0
        self._returned = False

    @property
    def applied(self) -> str:
        """The id of the playlist that it follows; empty: none."""
        return self._playlist.id if self._playlist is not None else ""

    def wake(self, now: float) -> None:
        """Power is back: what was in memory is gone, what was stored is not."""
        self._coming, self._items, self._ends = None, {}, Ends()
        self.wants, self._returned = set(), True
        self.showing = self._stands = ""
        self._heard = now

    # --- what it is told --------------------------------------------------------------------------------------

    def take(self, payload: bytes, now: float, broken: frozenset[str]) -> list[Receipt]:
        """A `desired`; the receipts for it. What it still has to fetch is in `wants` then."""
        self._heard, self._returned = now, False
        if not payload:
            self._playlist = self._coming = None
            return []
        try:
            made = notice.read(payload)
        except notice.BadPlaylist:
            return []
        self._ends.take(made, now)
        if self._playlist is not None and made.id == self._playlist.id:
            return []
        self._coming, self._bad = made, {}
        missing = [f for f in made.frames.values() if f.hash not in self._frames]
        if missing and "storage_full" in broken:
            self._coming = None
            return [self._failed(made.id, (), "storage full")]
        receipts = [r for f in missing if f.png for r in self._store(f.hash, base64.b64decode(f.png))]
        self.wants = {f.hash for f in missing if not f.png}
        return receipts + self._whole()

    def fetched(self, name: str, png: bytes | None) -> list[Receipt]:
        """A frame came, or could not be fetched."""
        if name not in self.wants:
            return []
        self.wants.discard(name)
        return self._store(name, png) + self._whole()

    def _store(self, name: str, png: bytes | None) -> list[Receipt]:
        found = hash_of(png) if png is not None else ""
        if found == name:
            self._frames[name] = found
            return []
        self._bad[name] = "frame_bad" if png is not None else "fetch_failed"
        ids = [i.id for i in self._coming.items if name in {f.hash for f in i.frames}] if self._coming else []
        why = (
            "its pixels are others" if found else "no picture" if png is not None else "could not be fetched"
        )
        return [self._failed(i, (found,) if found else (), why) for i in ids]

    def _failed(self, what: str, frames: tuple[str, ...], why: str) -> Receipt:
        return {"id": what, "result": "failed", "frames": list(frames), "detail": why}

    def _whole(self) -> list[Receipt]:
        """Follows what came, once every frame is there."""
        made = self._coming
        if made is None or self.wants:
            return []
        had = {i.id for i in self._playlist.items} if self._playlist is not None else set()
        self._coming = None
        if self._bad:
            return []
        self._playlist = made
        kept = made.frames.keys()
        self._frames = {name: found for name, found in self._frames.items() if name in kept}
        return [
            {"id": i.id, "result": "stored", "frames": self._decoded(i.frames)}
            for i in made.items
            if i.id not in had
        ]

    def _decoded(self, frames: tuple[Frame, ...]) -> list[str]:
        return [self._frames.get(f.hash, "") for f in frames]

    # --- what it shows ----------------------------------------------------------------------------------------

    def look(self, now: float, broken: frozenset[str]) -> tuple[list[Receipt], bool]:
        """Show what is due; the receipts, and True where something else stands there now."""
        made = self._playlist
        due = notice.turns(made, self._known(now, broken)) if made is not None else ()
        before, receipts = self._items, list[Receipt]()
        items = {i.id: tuple(self._decoded(i.frames)) for i in due}
        for gone in before.keys() - items.keys():
            receipts.append({"id": gone, "result": "ended", "frames": list(before[gone])})
        for new in items.keys() - before.keys():
            receipts.append({"id": new, "result": "shown", "frames": list(items[new])})
        if items != before:
            self._turned = now
        self._items = items
        dark = not self._stands
        if "stuck_frame" not in broken or dark:
            self._stands = self._frame(made, due, now)
        self.showing = self._stands
        if "lying_board" in broken:
            self.showing = _mangled(self._stands)
            receipts = [r | {"frames": [_mangled(f) for f in r["frames"]]} for r in receipts]
        return receipts, bool(receipts) or dark != (not self._stands)

    def _frame(self, made: Playlist | None, due: tuple[Item, ...], now: float) -> str:
        """The frame whose turn it is."""
        frames = [f for i in due for f in i.frames]
        if made is not None and not due and made.policy.nothing_due == "fallback":
            frames = list(made.fallback)
        if not frames:
            return ""
        at = (now - self._turned) % sum(f.seconds for f in frames)
        for frame in frames:
            at -= frame.seconds
            if at < 0:
                break
        return self._frames.get(frame.hash, "")

    def _known(self, now: float, broken: frozenset[str]) -> Known:
        clock = None if "clock_1970" in broken else now + (AHEAD_S if "clock_ahead" in broken else 0)
        return Known(clock, now - self._heard, self._returned, self._ends.left(now))

    def due(self, now: float, broken: frozenset[str]) -> float | None:
        """When it must look again by itself."""
        made = self._playlist
        if made is None:
            return None
        ahead = AHEAD_S if "clock_ahead" in broken else 0
        found = [now + left for left in self._ends.left(now).values() if left > 0]
        change = notice.next_change(made, now + ahead)
        if change is not None:
            found.append(change - ahead)
        if made.policy.link_lost == "fallback" and now < self._heard + made.policy.link_lost_s:
            found.append(self._heard + made.policy.link_lost_s)
        return min(found, default=None)

    def values(self, broken: frozenset[str]) -> Mapping[str, Value]:
        """What it adds to its telemetry."""
        free = 0 if "storage_full" in broken else ROOM_KB - 40 * len(self._frames)
        return {"showing": self.showing, "storage_free_kb": max(free, 0)}

    @property
    def codes(self) -> list[str]:
        """Why the playlist that it was told last cannot be followed."""
        return sorted(set(self._bad.values()))


def _mangled(found: str) -> str:
    """Another hash."""
    return found[::-1]
