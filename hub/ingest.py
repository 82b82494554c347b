"""Ingest: the one thread that takes messages in, decides, commits and acknowledges.

It alone owns the tracker, the desk and the writing connection. Others send it commands and wait for the commit.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devices import wire
from drivers.contract import Inbound
from drivers.mqtt_link import Broker, CaughtUp, Down, Foreign, Stalled, Up
from hub.failpoint import failpoint
from hub.history import cursor
from hub.intake import Gap
from hub.store.reader import reasons_to_json
from hub.store.writer import StoreBroken, Writes
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.mqtt_link import Item, MqttLink
    from hub.clock import Clock
    from hub.denied import Tail
    from hub.incidents import Case, Desk
    from hub.intake import Intake
    from hub.lights import Lights
    from hub.notices.boards import Boards
    from hub.notices.book import Book
    from hub.notices.trim import Trim
    from hub.selfreport import SelfReport
    from hub.store.writer import Store
    from hub.track import Track
    from hub.tracker import Tracker
    from hub.waiting import Waiting

log = logging.getLogger(__name__)

BATCH = 500
SPACING_S = 0.01
TICK_MS = 1000
CHECKPOINT_MS = 10_000
ALIVE_MS = 5_000
RETRY_S = 2.0
UNACKED = 2000
"""So many messages the broker sends without an acknowledgement (mosquitto.conf); then the hub is deaf."""


@dataclass(slots=True)
class Delta:
    """What readers should look at anew after a commit."""

    tracks: set[Track] = field(default_factory=set)
    cases: dict[int, Case] = field(default_factory=dict)
    pending: bool = False
    registry: bool = False
    access: bool = False
    hub: bool = False
    notices: bool = False
    looks: list[tuple[str, str]] = field(default_factory=list)
    """Pictures to be taken as proof of a notice: (camera, of what)."""

    def __bool__(self) -> bool:
        """True where something changed."""
        flags = self.pending or self.registry or self.access or self.hub or self.notices
        return bool(self.tracks or self.cases or self.looks or flags)


@dataclass(slots=True)
class Command:
    """A piece of work for ingest; its result is set once it is committed."""

    run: Callable[[Writes], Any]
    done: Future[Any]


def _reaches(item: Item) -> int:
    """Until when nothing is unknown, where `item` is the next one to take: a stall tells of time before it."""
    match item:
        case Stalled():
            return item.since
        case Down():
            return item.heard
    return item.at


class Ingest:
    """The road's one worker. `publish` gets each commit's Delta, in this thread."""

    def __init__(  # noqa: PLR0913 - the composition root names them all
        self,
        *,
        store: Store,
        tracker: Tracker,
        desk: Desk,
        intake: Intake,
        clock: Clock,
        report: SelfReport,
        waiting: Waiting,
        denied: Tail,
        publish: Callable[[Delta], None],
        journal_keep_ms: int,
        journal_max_bytes: int,
        lights: Lights | None = None,
        book: Book | None = None,
        boards: Boards | None = None,
        trim: Trim | None = None,
    ) -> None:
        self.store, self.tracker, self.desk, self.intake = store, tracker, desk, intake
        self.clock, self.report, self.waiting, self._publish = clock, report, waiting, publish
        self.denied, self.lights, self.book, self.boards, self.trim = denied, lights, book, boards, trim
        self._keep_ms, self._max_bytes = journal_keep_ms, journal_max_bytes
        self.wake = threading.Event()
        self.link: MqttLink | None = None
        self.delta = Delta()
        self.writes = Writes()
        self.caught_up = False
        self.checkpoint_at: int | None = None
        self._acks: list[tuple[int, int]] = []
        self._commands: deque[Command] = deque()
        self._answers: list[tuple[Command, Any, BaseException | None]] = []
        self._stopping = False
        self.turns = 0
        """Turns gone through without failing: who watches sees that it lives."""
        self._last_commit = self._last_tick = 0.0
        self._ticked = self._alive_at = self._desk_at = 0
        self._retry_at = 0.0
        self.thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    # --- from other threads -----------------------------------------------------------------------------------

    def begin(self, now: int) -> None:
        """Before the thread starts: where time stands, and the hub's first report of itself."""
        self._ticked = int(self.store.meta("decided_at") or now)
        self.report.make(self, now)

    def submit(self, run: Callable[[Writes], Any]) -> Future[Any]:
        """Run something in ingest; its result comes after the commit. Raises what it raises, or Refused."""
        command = Command(run, Future())
        self._commands.append(command)
        self.wake.set()
        return command.done

    def stop(self) -> None:
        """Commit what is decided, acknowledge it, store a checkpoint, end."""
        self._stopping = True
        self.wake.set()
        if self.thread.ident is not None:
            self.thread.join(30)

    # --- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._turn()
                self.turns += 1
            except Exception:
                log.exception("ingest failed on something; it goes on")
                time.sleep(0.1)
        self._commit()
        self._checkpoint(self.clock.now())

    def _turn(self) -> None:
        link = self.link
        inbox: deque[Item] = link.inbox if link is not None else deque()
        if not inbox and not self._commands:
            self.wake.wait(self._until_tick())
        self.wake.clear()
        rest = self._last_commit + SPACING_S - time.monotonic()
        if rest > 0 and len(inbox) < BATCH:
            time.sleep(rest)
        now = self.clock.now()
        read_until = min(now, link.looked) if link is not None else now  # before a look at what was read
        if self.report.store_ok or max(len(self._acks), len(self.writes.journal) // 6) < UNACKED:
            self._drain(inbox)
        while self._commands:
            self._command(self._commands.popleft())
        boards = self.boards
        hurry = boards is not None and (boards.hurries or boards.book.changed) and self.report.store_ok
        if hurry or time.monotonic() - self._last_tick >= TICK_MS / 1000:
            self._tick(_reaches(inbox[0]) if inbox else read_until)
        if self._due_to_commit():
            self._commit()

    def _until_tick(self) -> float:
        return max(0.0, self._last_tick + TICK_MS / 1000 - time.monotonic())

    def _drain(self, inbox: deque[Item]) -> None:
        take, acks = self.intake.take, self._acks
        for _ in range(min(len(inbox), BATCH)):
            item = inbox.popleft()
            if type(item) is Inbound:
                try:
                    take(item)
                except Exception:
                    # Counted and acknowledged: a message that we cannot bear must not come again for ever
                    log.exception("the hub failed on a message of %s", item.topic)
                    self.intake.count("failed", item.at, item.topic[:100])
                if item.qos:
                    acks.append((item.generation, item.mid))
            else:
                self._link_said(item)

    def _command(self, command: Command) -> None:
        if not command.done.set_running_or_notify_cancel():  # who asked is gone
            return
        if not self.report.store_ok:
            command.done.set_exception(Refused("disk_full" if self.report.disk_full else "store_broken"))
            return
        try:
            self._answers.append((command, command.run(self.writes), None))
        except Exception as e:  # noqa: BLE001 - it belongs to who asked
            self._answers.append((command, None, e))

    # --- the link ---------------------------------------------------------------------------------------------

    def _link_said(self, item: Any) -> None:
        match item:
            case Up():
                span = self.tracker.deaf.open
                self.intake.gap = Gap(span.start if span is not None else item.at, item.at)
                self.report.up(item)
                if self.lights is not None:
                    self.lights.connected(item.at, kept=item.session or not item.expected)
                if self.boards is not None:
                    self.boards.connected(kept=item.session or not item.expected)
                self.store.set_meta(self.writes, "connected_before", 1)
            case CaughtUp():
                self._hear(item.at)
            case Down():
                self.caught_up = False
                self.report.down(item)
                self.deafen(item.heard, "broker", cut=True)
            case Stalled():
                self.deafen(item.since, item.reason, cut=False)
                if self.caught_up:
                    self._hear(item.at)
            case Foreign():
                self.report.taken_over(item)
            case Broker():
                self._broker_said(item)
                return
        self._report_now()

    def deafen(self, at: int, reason: str, *, cut: bool) -> None:
        """The hub cannot hear since `at`."""
        span = self.tracker.deaf.start(at, reason, cut=cut)
        if span is not None:
            self._store_span(span)

    def _hear(self, at: int) -> None:
        """The hub hears again."""
        self.intake.gap = None
        self.caught_up = True
        span = self.tracker.deaf.end(at)
        if span is not None:
            self.tracker.heard_again(span)
            self._store_span(span)
        self.delta.hub = True

    def _store_span(self, span: Any) -> None:
        span.id = span.id or len(self.tracker.deaf.spans) + self.report.spans_before
        self.writes.add(
            "INSERT OR REPLACE INTO deaf VALUES (?,?,?,?,?)",
            span.id,
            span.start,
            span.end,
            span.reason,
            int(span.cut),
        )

    def _broker_said(self, item: Broker) -> None:
        self.report.broker_said(item)
        uptime = self.report.broker_uptime_ms
        span = self.tracker.deaf.open
        if (
            uptime is not None
            and span is not None
            and span.reason == "start"
            and item.at - uptime < span.start
        ):
            span.cut = False  # the broker, and so the devices' connections, stood all the time
            self._store_span(span)

    def _report_now(self) -> None:
        self.report.make(self, self.clock.now())
        self.delta.hub = True

    # --- time -------------------------------------------------------------------------------------------------

    def _tick(self, until: int) -> None:
        self._last_tick = time.monotonic()
        before = self._ticked
        step = self.clock.check()
        now = self.clock.now()
        if step:
            self.report.stepped(step, now)
            if now - max(before, 0) > TICK_MS * 2 and before:
                self.deafen(before, "clock_step", cut=False)
                if self.caught_up:
                    self._hear(now)
            self._report_now()
        elif self.report.due(now):
            self._report_now()
        hears = self.tracker.deaf.open is None
        if hears:
            self._ticked = max(self._ticked, min(until, now))
            self.tracker.tick(self._ticked)
        if self.link is not None and self.report.store_ok:
            self._ask(now, self.link.publish, hears=hears and self.caught_up)
        for refused in self.denied.fresh():
            self.intake.count(refused.outcome, now, f"{refused.user} → {refused.what}")
            self.delta.hub = True
        self._upkeep(now)

    def _ask(self, now: int, publish: Callable[..., None], *, hears: bool) -> None:
        """What devices should be from now on. What boards show ends whether the hub hears or not."""
        if self.lights is not None and hears:
            self.lights.tick(self._ticked, self.writes, publish)
        if self.book is not None:
            self.book.tick(now, self.writes)
        if self.trim is not None:
            self.trim.tick(now, self.writes)
        if self.boards is not None:
            self.boards.tick(self._ticked, now, self.writes, publish, hears=hears)

    def _upkeep(self, now: int) -> None:
        if not self.report.store_ok:
            return
        try:
            up_to = int(self.store.meta("checkpoint_pos") or 0)
            self.store.trim(
                before=now - self._keep_ms,
                up_to=up_to,
                max_bytes=self._max_bytes,
                passed=cursor.passed(self.store),
            )
        except StoreBroken as e:
            self._broke(e)
        if self.checkpoint_at is None or now - self.checkpoint_at >= CHECKPOINT_MS:
            self._commit()
            self._checkpoint(now)

    def _checkpoint(self, now: int) -> None:
        if not self.report.store_ok or self.intake.rows or self.tracker.decided or self.writes:
            return  # it would stand for what is not stored yet
        states = self.tracker.take_dirty()
        ended = sum(s.end is not None for s in self.tracker.deaf.spans)
        try:
            self.store.checkpoint(
                states,
                {
                    "checkpoint_pos": self.intake.next_pos - 1,
                    "checkpoint_spans": ended + self.report.spans_before,
                },
            )
        except StoreBroken as e:
            self._broke(e)
            self._soil({number for number, _ in states})
        self.checkpoint_at = now

    def _soil(self, numbers: set[int]) -> None:
        for t in self.tracker.tracks:
            if t.id in numbers and not t.dirty:
                t.dirty = True
                self.tracker.dirty.append(t)

    # --- commit -----------------------------------------------------------------------------------------------

    def _due_to_commit(self) -> bool:
        if not self.report.store_ok and time.monotonic() < self._retry_at:
            self._answer(StoreBroken("the store cannot be written", disk_full=self.report.disk_full))
            self._show()
            return False
        waiting = self.intake.rows or self._acks or self._answers or self.writes or self.tracker.decided
        return bool(waiting) or self._last_tick * 1000 - self._alive_at >= ALIVE_MS

    def _decide(self) -> None:
        """Move what the tracker decided into the batch."""
        decided = self.tracker.take()
        writes = self.writes
        if self.boards is not None:
            self.boards.prove(writes)
            looks, self.boards.looks = self.boards.looks, []
            self.delta.looks += looks
        for t, made in decided.transitions:
            writes.add(
                "INSERT INTO transition (device, at, before, after, unstable, reasons) VALUES (?,?,?,?,?,?)",
                t.id, made.at, made.before.value, made.after.value, int(made.unstable), reasons_to_json(made.reasons),
            )  # fmt: skip
        for t, rule, record in decided.alerts:
            try:
                self.desk.take(t, rule, record, writes)
            except Exception:
                log.exception("an alert of %s by %s made no incident", t.device.name, rule.id)
        if self.tracker.deaf.open is None and self._ticked != self._desk_at:
            self._desk_at = self._ticked
            self.desk.tick(self._ticked, writes)
        for t in decided.lifecycles:
            self.waiting.remove(t.device.name, writes)  # it said hello once more before its first report
            writes.add("UPDATE device SET lifecycle=? WHERE id=?", t.lifecycle.value, t.id)
        self.delta.tracks |= decided.changed
        self.delta.cases |= self.desk.take_changed()

    def _commit(self) -> None:
        """Store the batch, acknowledge it, answer commands, tell readers. What cannot be stored is kept."""
        self._decide()
        if self.waiting.changed:
            self.waiting.changed = False
            self.delta.pending = True
        writes = self.writes
        if self.intake.rows:
            writes.journal += self.intake.rows
            self.intake.rows.clear()
        self.store.set_meta(writes, "decided_at", self._ticked)
        self.store.set_meta(writes, "alive_at", self.clock.now())
        failpoint("before_commit")
        try:
            self.store.commit(writes)
        except StoreBroken as e:
            del writes.other[-2:]
            self._broke(e)
            self._answer(e)
            self._show()
            return
        failpoint("after_commit")
        self.writes = Writes()
        self._last_commit = time.monotonic()
        self._alive_at = int(self._last_commit * 1000)
        self._mended()
        self._acknowledge()
        self._answer(None)
        if self.lights is not None and self.link is not None:
            self.lights.tell(self.link.publish)
            if self.delta.registry:
                self.lights.registry_changed()
        if self.boards is not None and self.link is not None:
            self.boards.tell(self.link.publish, self.clock.now())
        if self.book is not None and self.delta.registry:
            self.book.changed = True
        self._clear_retained()
        if self.delta.registry:
            self.checkpoint_at = (
                None  # the journal is folded by the registry as it is: not across a change of it
            )
        self._show()

    def _clear_retained(self) -> None:
        """Who is retired says nothing any more, not even what the broker kept."""
        tracks, self.intake.to_clear = self.intake.to_clear, []
        for t in tracks:
            for channel in ("state", "desired"):
                if self.link is not None:
                    self.link.publish(wire.topic(t.device.realm, t.device.name, channel), b"", retain=True)

    def _acknowledge(self) -> None:
        acks, self._acks = self._acks, []
        if not acks or self.link is None:
            return
        generation = acks[-1][0]
        self.link.ack(generation, [mid for g, mid in acks if g == generation])

    def _answer(self, error: StoreBroken | None) -> None:
        answers, self._answers = self._answers, []
        for command, result, raised in answers:
            if raised is not None:
                command.done.set_exception(raised)
            elif error is not None:
                # It was carried out and is kept in memory: it is stored with the rest once there is room
                command.done.set_exception(Refused("not_stored_yet"))
            else:
                command.done.set_result(result)

    def _show(self) -> None:
        if self.book is not None:
            self.delta.notices |= self.book.take_news()
        delta, self.delta = self.delta, Delta()
        if delta:
            self._publish(delta)

    def _broke(self, error: StoreBroken) -> None:
        """The store does not take writes: go on from memory, acknowledge nothing, try again."""
        self._retry_at = time.monotonic() + RETRY_S
        if self.report.store_ok:
            log.error("the store cannot be written: %s", error)
        self.report.store_failed(error)
        self._report_now()
        if len(self._acks) >= UNACKED:
            self.deafen(self.clock.now(), "store", cut=False)

    def _mended(self) -> None:
        if self.report.store_ok:
            return
        log.warning("the store takes writes again")
        self.report.store_mended()
        self._report_now()
        if self.tracker.deaf.open is not None and self.link is not None and self.caught_up:
            self.caught_up = False
            self.intake.gap = Gap(self.tracker.deaf.open.start, self.clock.now())
            self.link.mark()
