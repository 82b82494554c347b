"""Intake: one message from the broker to the tracker, with a stated outcome for every message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devices.device import HUB, Kind
from devices.event import Asked, Fault, Gone, Hello, Pictured, Receipt
from devices.lifecycle import Lifecycle
from drivers.errors import BadPayload
from hub.notices.heard import OfBoards
from hub.store.reader import CHANNELS, GARBLED, LATE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.event import Event
    from drivers.contract import Dialect, Inbound, Key
    from hub.track import Track
    from hub.tracker import Tracker

PLACED = 64
"""Journal flag: came while catching up, placed in the gap by the device's own time."""
PLACED_LAST = 128
"""Journal flag: came while catching up, placed at the end of the gap; no sign of life."""

DAY_MS = 86_400_000

CLOCK_OFF_MS = 120_000
"""A live message whose own time is further off than this counts as `clock_off`; it is taken all the same."""

_CODE = {name: i for i, name in enumerate(CHANNELS)}
_ASKED = _CODE["desired"]

OUTCOMES = (
    "accepted", "clock_off", "late", "duplicate", "garbled", "garbled_field", "will", "old_will", "retained", "hello",
    "unknown_device", "wrong_realm", "wrong_topic", "retired", "pending_full", "denied", "copied",
    "failed",
)  # fmt: skip
"""What can happen to a message. `denied`: the broker refused its sender; `copied`: its user
comes from two places; `failed`: the hub itself failed on it."""


@dataclass(slots=True)
class Tally:
    """How often an outcome happened since the start, and the last time."""

    count: int = 0
    last_at: int | None = None
    last_about: str = ""


@dataclass(slots=True)
class Gap:
    """Catching up: what is delivered now was sent between `start` and now. None of it shows life by itself."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Route:
    """Where messages of one topic go. `track` is None for a device that is not registered."""

    dialect: Dialect
    key: Key
    track: Track | None
    code: int


@dataclass(slots=True)
class Intake:
    """Turns messages into events and events into state. `rows` collects the journal rows of the batch (flat)."""

    tracker: Tracker
    dialects: Mapping[str, Dialect]
    next_pos: int
    hello: Callable[[Hello], str]
    pictured: Callable[[Pictured], bool] = lambda _: False
    """Takes a picture of an agent's; False where it is of none that is asked so."""
    received: Callable[[Receipt], None] = lambda _: None
    """Told of each receipt once."""
    rows: list[Any] = field(default_factory=list)
    gap: Gap | None = None
    tallies: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in OUTCOMES})
    to_clear: list[Track] = field(default_factory=list)
    """Devices whose retained topics are to be taken away."""
    of_boards: OfBoards = field(default_factory=OfBoards)
    _routes: dict[str, Route | None] = field(default_factory=dict)

    def forget_routes(self) -> None:
        """The registry changed."""
        self._routes.clear()

    def take(self, m: Inbound) -> None:
        """Take one message in. Never raises for what a message says."""
        topic = m.topic
        route = self._routes.get(topic)
        if route is None:
            route = self._route(topic)
            if route is None:
                self.count("wrong_topic", m.at, topic[:100])
                return
        track = route.track
        try:
            events = route.dialect.read(route.key, m.payload, m.at, None if track is None else track.device)
        except BadPayload as e:
            about = f"{e.reason} · {e.excerpt}"
            events = (Fault(route.key.device, route.key.realm, m.at, "garbled", active=True, about=about),)
        if track is None or not self._welcome(route, track, m, events):
            if track is None:
                self._stranger(route.key, m, events)
            return
        at = m.at
        for event in events:
            placed = self._event(route, track, m, event, at)
            if placed is None:
                return
            at = placed
            if type(event) is Receipt:
                self.received(event)

    def _welcome(self, route: Route, track: Track, m: Inbound, events: Any) -> bool:
        """Deal with what is not for the tracker: wrong realm, retired, retained, a picture."""
        if (
            track.lifecycle is Lifecycle.PLANNED
            and track.last_seen is None
            and events
            and type(events[0]) is Hello
        ):
            self.count(self.hello(events[0]), m.at, track.device.name)  # perhaps the very one that is planned
            return False
        if route.key.realm != track.device.realm or (track.device.name == HUB and m.generation):
            about = f"{m.topic} is not of realm {track.device.realm}"
            self.count("wrong_realm", m.at, about)
            return False
        if track.lifecycle is Lifecycle.RETIRED:
            if m.retain and m.payload and track not in self.to_clear:
                self.to_clear.append(track)  # it stands at the broker from before
            self.count("retired", m.at, track.device.name)
            return False
        if m.retain:
            if any(self.tracker.learn(track, event) for event in events):
                return True
            self.count("retained", m.at, track.device.name)
            return False
        return not self._picture(track, m, events)

    def _picture(self, track: Track, m: Inbound, events: Any) -> bool:
        """True where it is a picture, which becomes a file and no row of the journal."""
        if not events or type(events[0]) is not Pictured:
            return False
        outcome = "accepted" if self.pictured(events[0]) else "wrong_topic"
        self.count(outcome, m.at, f"{track.device.name}: picture")
        return True

    def _event(self, route: Route, t: Track, m: Inbound, event: Event, before: int) -> int | None:
        """Fold one event of a message; gives where it was placed, None where the whole message is no news.

        `before` is where the event before it in the same message was placed.
        """
        if isinstance(event, Hello):
            self.count("hello", m.at, t.device.name)
            return m.at
        if type(event) is Fault and event.kind != "garbled":  # beside what was kept of the same message
            outcome = self.tracker.apply(t, event, before, life=False, late=False, pos=t.last_pos)
            self.count(outcome, m.at, f"{t.device.name}: {event.about}")
            return before
        boot, seq = getattr(event, "boot", None), getattr(event, "seq", None)
        tracker = self.tracker
        if seq is not None and tracker.duplicate(t, boot, seq):
            self.count("duplicate", m.at, t.device.name)
            return None
        late = getattr(event, "late", False)
        at, what, life = m.at, route.code, not late
        if late:
            what |= LATE
            at = self._own_time(t, event, m.at)
        elif self.gap is not None:
            at, flag, life = self._place(t, event, m.at, self.gap)
            what |= flag
        body: bytes | str = m.payload
        if type(event) is Fault:
            what |= GARBLED
            body = event.about
        pos = self.next_pos
        self.next_pos = pos + 1
        self.rows += (pos, t.last_pos, t.id, at, what, body)
        outcome = tracker.apply(t, event, at, life=life, late=late, pos=pos)
        if t.device.kind is Kind.SIGNBOARD:
            self.of_boards.note(t, event, late=outcome == "late")
        sent = getattr(event, "sent", None)
        if outcome == "accepted" and sent is not None and abs(sent - m.at) > CLOCK_OFF_MS and not what & ~15:
            self.count("clock_off", at, f"{t.device.name}: {(sent - m.at) / 1000:+.0f} s")
        elif outcome == "accepted":
            tally = self.tallies[outcome]
            tally.count += 1
            tally.last_at = m.at
        else:
            about = f"{t.device.name}: {event.about}" if type(event) is Fault else t.device.name
            self.count(outcome, m.at, about)
        return at

    def ask(self, t: Track, asked: str, at: int) -> None:
        """From `at` on `asked` is the id of what a device should be, empty for nothing.

        Only while the hub hears, and with an `at` up to which nothing is unknown: it stands in the journal in order.
        """
        pos = self.next_pos
        self.next_pos = pos + 1
        self.rows += (pos, t.last_pos, t.id, at, _ASKED, asked)
        event = Asked(t.device.name, t.device.realm, at, asked)
        self.tracker.apply(t, event, at, life=False, late=False, pos=pos)

    def _own_time(self, t: Track, event: Event, at: int) -> int:
        """When a buffered message was measured, by the device's clock where its drift is known."""
        sent = getattr(event, "sent", None)
        if sent is None or t.drift is None:
            return at
        if abs(t.drift) > DAY_MS and event.boot != t.drift_boot:  # type: ignore[union-attr]
            return at  # a clock that was never set begins anew with each boot
        return int(min(max(sent - t.drift, 0), at))

    def _place(self, t: Track, event: Event, at: int, gap: Gap) -> tuple[int, int, bool]:
        """Place a queued message in the gap: (at, flag, whether it shows life)."""
        sent = getattr(event, "sent", None)
        if sent is not None and t.drift is not None and event.boot == t.drift_boot:  # type: ignore[union-attr]
            return max(gap.start, min(sent - t.drift, at)), PLACED, True
        if isinstance(event, Gone):  # as early as it can have been, so that what came after it lifts it
            return max(gap.start, t.last_seen or 0), PLACED_LAST, False
        return max(gap.end, t.values_at or 0), PLACED_LAST, False

    def _route(self, topic: str) -> Route | None:
        for dialect in self.dialects.values():
            key = dialect.route(topic)
            if key is not None:
                track = self.tracker.by_name.get(key.device)
                route = Route(dialect, key, track, _CODE.get(key.channel, 0))
                if track is not None and key.realm == track.device.realm:
                    self._routes[topic] = route
                return route
        return None

    def _stranger(self, key: Key, m: Inbound, events: Any) -> None:
        for event in events:
            if isinstance(event, Hello):
                self.count(self.hello(event), m.at, key.device)
                return
        garbled = key.channel == "hello" and events
        self.count("garbled" if garbled else "unknown_device", m.at, f"{m.topic}"[:100])

    def count(self, outcome: str, at: int, about: str) -> None:
        """Note an outcome."""
        tally = self.tallies.get(outcome)
        if tally is None:
            tally = self.tallies[outcome] = Tally()
        tally.count += 1
        tally.last_at = at
        tally.last_about = about

    def replay(self, row: tuple[int, int, int, int, int, bytes | str], t: Track) -> None:
        """Fold a stored row again, as it was placed."""
        pos, _prev, _device, at, what, body = row
        code = what & 15
        if code == _ASKED:
            said = body if isinstance(body, str) else body.decode()
            event_asked = Asked(t.device.name, t.device.realm, at, said)
            self.tracker.apply(t, event_asked, at, life=False, late=False, pos=pos)
            return
        late, life = bool(what & LATE), not what & (LATE | PLACED_LAST)
        if what & GARBLED:
            about = body if isinstance(body, str) else body.decode()
            event = Fault(t.device.name, t.device.realm, at, "garbled", active=True, about=about)
            self.tracker.apply(t, event, at, life=life, late=False, pos=pos)
            return
        payload = body if isinstance(body, bytes) else body.encode()
        for dialect in self.dialects.values():
            key = dialect.route(f"vh/1/{t.device.realm}/{t.device.name}/{CHANNELS[code]}")
            if key is None:
                continue
            for found in dialect.read(key, payload, at, t.device):
                self.tracker.duplicate(t, getattr(found, "boot", None), getattr(found, "seq", None))
                alive = life and type(found) is not Fault
                self.tracker.apply(t, found, at, life=alive, late=late, pos=pos)
