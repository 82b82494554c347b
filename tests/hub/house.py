"""The road without a network: real ingest, tracker, desk and SQLite, driven step by step on virtual time."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

from devices.device import HUB, Device, Kind
from devices.lifecycle import Lifecycle
from drivers import DRIVERS
from drivers.contract import Inbound
from drivers.mqtt_link import CaughtUp, Down, Stalled, Up
from hub import registry
from hub.denied import Tail
from hub.incidents import Desk
from hub.ingest import Delta, Ingest, _reaches
from hub.intake import Intake
from hub.lights import Lights
from hub.notices.boards import Boards
from hub.notices.book import Book
from hub.notices.fallback import Fallbacks
from hub.replay import load_spans, reconcile, replay
from hub.selfreport import SelfReport
from hub.store.writer import Store, Writes
from hub.sun import HANOI, sun_at
from hub.tracker import Tracker
from hub.waiting import Waiting
from tests.hub.scene import REALM, RULES, T0

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from drivers.mqtt_link import Item
    from hub.plan import Plan, Show
    from hub.track import Track
    from rules.rule import Ruleset

HUB_DEVICE = Device(HUB, Kind.HUB, HUB, "", interval_s=10, timeout_s=1e9, lifecycle=Lifecycle.ACTIVE)


class HandClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = T0
        self.step = 0
        self.behind = False

    def now(self) -> int:
        return self.at

    def check(self) -> int:
        step, self.step = self.step, 0
        return step


class HandLink:
    """A link whose broker is the test: it notes what was acknowledged."""

    def __init__(self) -> None:
        self.inbox: deque[Item] = deque()
        self.acked: list[tuple[int, int]] = []
        self.marks = 0
        self.published: list[tuple[str, bytes, bool]] = []
        self.generation = 0

    def ack(self, generation: int, mids: Sequence[int]) -> None:
        self.acked += [(generation, mid) for mid in mids]

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        assert qos == 1
        self.published.append((topic, payload, retain))

    def mark(self) -> None:
        self.marks += 1


class House:
    """A hub in a folder. `crash` forgets what is in memory; `start` goes on with what is stored."""

    def __init__(
        self,
        folder: Path,
        *devices: Device,
        rules: Ruleset = RULES,
        plans: Mapping[str, Plan] | None = None,
        shows: Mapping[str, Show] | None = None,
    ) -> None:
        self.folder = folder
        self.plans, self.shows = dict(plans or {}), dict(shows or {})
        self.rules = rules
        self.clock = HandClock()
        self.mid = 0
        self.deltas: list[Delta] = []
        self._enter(devices)
        self.start()

    def _enter(self, devices: tuple[Device, ...]) -> None:
        store = Store(self.folder)
        writes = Writes()
        for device in (*devices, HUB_DEVICE):
            registry.put_device(writes, device, "")
        store.commit(writes)
        store.close()

    # --- life -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """As the composition root does, up to the threads."""
        self.store = store = Store(self.folder)
        store._db.execute("PRAGMA synchronous=OFF")  # the disk's part is not what is tested here
        self.deaf, before = load_spans(store)
        self.tracker = Tracker(self.rules, self.deaf)
        self.tracker.plans |= self.plans
        self.tracker.shows |= self.shows
        self.registry = found = registry.load(store)
        for name, device in found.devices.items():
            self.tracker.add(device, found.ids[name], sun_at(*HANOI), frozenset({device.site}))
        self.tracker.connect()
        self.report = SelfReport(self.clock, broker_kind="")  # type: ignore[arg-type]
        self.report.spans_before = before
        self.waiting = Waiting(store)
        self.intake = Intake(self.tracker, DRIVERS, store.next_pos, hello=self.waiting.hello)
        self.lights = Lights(store, found, self.tracker, self.intake)
        self.book = Book(store, found, self.lights.targets)
        drawn_at_once = Fallbacks(lambda job: job())
        self.boards = Boards(store, self.tracker, self.intake, self.book, drawn_at_once)
        self.folded = replay(store, self.tracker, self.intake, before)
        self.desk = Desk(store, str)
        self.ingest = Ingest(
            store=store, tracker=self.tracker, desk=self.desk, intake=self.intake, clock=self.clock,  # type: ignore[arg-type]
            report=self.report, waiting=self.waiting, denied=Tail(None), publish=self.deltas.append,
            journal_keep_ms=10**12, journal_max_bytes=10**12,
            lights=None if self.plans else self.lights,  # with plans the test itself asks
            book=self.book, boards=None if self.plans else self.boards,
        )  # fmt: skip
        self.waiting.writes = lambda: self.ingest.writes
        self.ingest.writes = self.reconciled = reconcile(store, self.tracker, self.desk, self.clock.at)
        self.link = HandLink()
        self.ingest.link = self.link  # type: ignore[assignment]
        self.ingest.begin(self.clock.at)

    def crash(self) -> None:
        """Killed: nothing is stored any more."""
        self.store.close()

    def close(self) -> None:
        """The end of the test."""
        self.store.close()

    # --- what happens -----------------------------------------------------------------------------------------

    def at(self, seconds: float) -> House:
        """Go to this instant, without looking at any deadline."""
        self.clock.at = T0 + round(seconds * 1000)
        return self

    def turn(self) -> None:
        """One turn of ingest: take in what came, look at the deadlines, commit."""
        inbox = self.link.inbox
        if self.report.store_ok or len(self.ingest._acks) < 2000:
            self.ingest._drain(inbox)
        while self.ingest._commands:
            self.ingest._command(self.ingest._commands.popleft())
        self.ingest._tick(_reaches(inbox[0]) if inbox else self.clock.at)
        if self.ingest._due_to_commit():
            self.ingest._commit()

    def take(self, *items: Any) -> None:
        """Take in what the link says, now; no commit."""
        self.link.inbox.extend(items)
        while self.link.inbox:
            self.ingest._drain(self.link.inbox)

    def message(self, topic: str, payload: bytes, *, retain: bool = False) -> Inbound:
        """A message as the link would hand it over now."""
        self.mid += 1
        return Inbound(topic, payload, self.clock.at, self.mid, 1, retain, self.link.generation)

    def says(
        self, name: str = "den-1", channel: str = "telemetry", *, retain: bool = False, **said: Any
    ) -> None:
        """A device says something."""
        said = {k: v for k, v in said.items() if v is not None}
        topic = f"vh/1/{REALM}/{name}/{channel}"
        self.take(self.message(topic, json.dumps(said).encode(), retain=retain))

    def up(self, *, session: bool = True, expected: bool = True) -> None:
        """Connected."""
        self.link.generation += 1
        self.take(Up(self.clock.at, self.link.generation, session, expected))

    def caught_up(self) -> None:
        """The marker came back."""
        self.take(CaughtUp(self.clock.at, self.link.generation))

    def down(self) -> None:
        """The connection is gone."""
        self.take(Down(self.clock.at, self.clock.at, "gone"))

    def stalled(self, ms: int) -> None:
        """Nothing was read for some time."""
        self.take(Stalled(self.clock.at, self.clock.at - ms, "stalled"))

    def listening(self) -> House:
        """The hub is deaf from its start, connects and hears; all is stored."""
        self.ingest.deafen(self.clock.at, "start", cut=True)
        self.up()
        self.caught_up()
        self.ingest._commit()
        return self

    def tick(self) -> None:
        """Somebody looks at the deadlines."""
        self.ingest._tick(self.clock.at)

    def commit(self) -> None:
        """Store and acknowledge."""
        self.ingest._commit()

    # --- what is seen -----------------------------------------------------------------------------------------

    def track(self, name: str = "den-1") -> Track:
        """A device's state."""
        return self.tracker.by_name[name]

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """What is stored."""
        return self.store.rows(sql, *params)

    def story(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that was decided and stored about the devices of the village, by what it is about."""
        names = {number: name for name, number in self.registry.ids.items() if name != HUB}
        incidents = self.rows(
            "SELECT id, device, rule, opened_at, state, severity, recovering_at, closed_at FROM incident"
        )
        keys = {i: (names[d], rule, opened) for i, d, rule, opened, *_ in incidents if d in names}
        story: dict[str, list[tuple[Any, ...]]] = {
            "transitions": [
                (names[d], *rest)
                for d, *rest in self.rows(
                    "SELECT device, at, before, after, unstable, reasons FROM transition ORDER BY device, at, id"
                )
                if d in names
            ],
            "alerts": [
                (names[d], *rest, keys[i][2])
                for d, *rest, i in self.rows(
                    "SELECT device, rule, generation, severity, opened_at, closed_at, incident FROM alert "
                    "ORDER BY device, rule, generation"
                )
                if d in names
            ],
            "incidents": sorted((keys[i], *rest) for i, d, _, _, *rest in incidents if d in names),
            "log": sorted(
                (keys[i], number, *rest)
                for i, number, *rest in self.rows(
                    "SELECT incident, row_number() OVER (PARTITION BY incident ORDER BY id), at, what, text "
                    "FROM incident_log"
                )
                if i in keys
            ),
        }
        return story

    def state(self, name: str) -> list[Any]:
        """A device's state as a checkpoint would store it.

        Without its place in the journal, and without the count of duplicates: they are not journaled.
        """
        t = self.track(name)
        kept = t.last_pos, t.duplicates
        t.last_pos = t.duplicates = 0
        packed: list[Any] = json.loads(json.dumps(t.pack(self.tracker.deadlines[t.index])))
        t.last_pos, t.duplicates = kept
        return packed
