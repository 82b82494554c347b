"""The tracker: folds events into each device's state and decides health, alerts and deadlines.

Pure: time comes with every call, what is decided comes out in `Decided`, and the same events give the same
decisions however often somebody ticks between them: every deadline fires with its own exact instant, before the
first event at or after it. So replaying the journal after a checkpoint equals never having stopped.
"""

from __future__ import annotations

import heapq
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devices.device import AGENT, ASKED, Kind
from devices.event import Asked, Fault, Gone, Occurrence, Reading, Receipt, Seen
from devices.lifecycle import Lifecycle
from devices.transition import Transition
from hub import identity, verdict
from hub.notices import proof
from hub.plan import NEVER
from hub.track import Follows, Track
from rules import alert as alerts
from rules.alert import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.device import Device
    from devices.event import Event
    from devices.field import Value
    from devices.health import Health
    from hub.deaf import Deafness, Span
    from hub.plan import Plan, Show
    from hub.sun import Sun
    from rules.alert import Alert, Record
    from rules.rule import CompiledRule, Ruleset

GRACE_MS = 120_000
INTERVALS = 3
"""So many of its intervals a device has to apply what is asked of it."""


def asks(t: Track) -> bool:
    """True for an agent: a gateway that asks the cameras of its realm."""
    return t.device.driver == AGENT and t.lifecycle is not Lifecycle.RETIRED


@dataclass(slots=True)
class Decided:
    """What was decided since it was taken last."""

    transitions: list[tuple[Track, Transition]] = field(default_factory=list)
    alerts: list[tuple[Track, CompiledRule, Record]] = field(default_factory=list)
    lifecycles: list[Track] = field(default_factory=list)
    changed: set[Track] = field(default_factory=set)

    def __bool__(self) -> bool:
        """True where something is to be stored or shown."""
        return bool(self.transitions or self.alerts or self.lifecycles or self.changed)


class Tracker:
    """All devices' states. One thread owns it."""

    def __init__(self, rules: Ruleset, deafness: Deafness) -> None:
        self.rules = rules
        self.deaf = deafness
        self.tracks: list[Track] = []
        self.by_name: dict[str, Track] = {}
        self.deadlines = array("q")
        self.dirty: list[Track] = []
        self.decided = Decided()
        self.plans: dict[str, Plan] = {}
        """What each `desired` means for a lamp, by its id; read from the store before the journal is folded."""
        self.shows: dict[str, Show] = {}
        """The same for a board."""
        self._timers: list[tuple[int, int]] = []

    # --- who is there -----------------------------------------------------------------------------------------

    def add(self, device: Device, number: int, sun: Sun, sites: frozenset[str]) -> Track:
        """Begin to follow a device."""
        track = Track(device, number, len(self.tracks), sun, sites)
        track.rules = self.rules.for_device(device, sites)
        self.tracks.append(track)
        self.deadlines.append(NEVER)
        self.by_name[device.name] = track
        return track

    def put(self, device: Device, number: int, sun: Sun, sites: frozenset[str]) -> Track:
        """Follow a device as it is registered now; what is known of it stays, its timeout counts anew."""
        track = self.by_name.get(device.name)
        if track is None:
            return self.add(device, number, sun, sites)
        longer = device.timeout_ms - track.device.timeout_ms
        if self.deadlines[track.index] != NEVER:
            self.deadlines[track.index] += longer
        track.device, track.sun, track.sites = device, sun, sites
        track.rules = self.rules.for_device(device, sites)
        self._soil(track)
        return track

    def live(self, t: Track, lifecycle: Lifecycle, at: int) -> None:
        """A person says how the device lives from `at` on. Who is retired has no alerts any more."""
        t.lifecycle = lifecycle
        self.decided.lifecycles.append(t)
        self.decided.changed.add(t)
        self._soil(t)
        if t.device.driver == AGENT:
            self.connect()
        if lifecycle is Lifecycle.RETIRED:
            self.deadlines[t.index] = NEVER
            by_id = {r.id: r for r in t.rules}
            for rule_id, state in list(t.active.items()):
                ended, records = alerts.withdraw(state, by_id[rule_id], at)
                self._became(t, by_id[rule_id], (ended, records))
            t.due = NEVER
        elif self._judge(t, at):
            self._judge_health(t, at)

    def connect(self) -> None:
        """Tie children to the gateways that speak for them; who would hang on itself hangs on nothing.

        Who is asked by an agent is heard through it, whatever else it hangs on.
        """
        agents = {t.device.realm: t for t in self.tracks if asks(t)}
        for t in self.tracks:
            t.children, t.uplink = [], None
        for t in self.tracks:
            by = agents.get(t.device.realm) if t.device.is_asked else None
            by = above = by or self.by_name.get(t.device.uplink_by or "")
            while above is not None and above is not t:
                above = above.uplink
            if by is not None and above is None:
                t.uplink = by
                by.children.append(t)

    def use(self, rules: Ruleset) -> None:
        """Judge by these rules from now on."""
        self.rules = rules
        for t in self.tracks:
            t.rules = rules.for_device(t.device, t.sites)

    def take(self) -> Decided:
        """What was decided since the last call."""
        decided, self.decided = self.decided, Decided()
        return decided

    # --- events -----------------------------------------------------------------------------------------------

    def apply(self, t: Track, event: Event, at: int, *, life: bool, late: bool, pos: int) -> str:  # noqa: PLR0911 - one a kind
        """Fold one event placed at `at`; returns its outcome. Journal it with `pos` unless it is a duplicate.

        `life`: it proves that the device lives; `late`: buffered, history only. The caller checks `duplicate` first.
        """
        self._expire_before(t, self.deaf.heard(at))
        if t.due <= at:
            self._fire(t, at)
        if not t.dirty:  # as _soil
            t.dirty = True
            self.dirty.append(t)
        t.last_pos = pos
        kind = type(event)
        if kind is Reading:
            return self._reading(t, event, at, life=life, late=late)  # type: ignore[arg-type]
        if kind is Fault:
            return self._fault(t, event, at, life=life)  # type: ignore[arg-type]
        if kind is Gone:
            return self._gone(t, event, at, live=life)  # type: ignore[arg-type]
        if kind is Seen:
            return self._seen(t, event, at, life=life)  # type: ignore[arg-type]
        if isinstance(event, Occurrence | Receipt):
            woke = self._life(t, event.boot, event.sent, at, life=life)
            told = type(event) is Receipt and life and self._received(t, event, at)
            if woke or told:
                self._know(t, at, woke=woke)
            return "late" if late or self._older(t, event.boot) else "accepted"
        if kind is Asked:
            return self._asked(t, event, at)  # type: ignore[arg-type]
        return "ignored"

    def duplicate(self, t: Track, boot: int | None, seq: int | None) -> bool:
        """True where (boot, seq) was seen; notes it where not."""
        if boot is None or seq is None or identity.admit(t.boots, boot, seq):
            return False
        t.duplicates += 1
        return True

    def learn(self, t: Track, event: Event) -> bool:
        """A retained message: no sign of life, but it tells what the device is. True for a will that we missed."""
        if isinstance(event, Gone):
            return t.boot == event.boot and t.gone_at is None and t.last_seen is not None
        if isinstance(event, Seen):
            t.claims(event.claim, event.at)
            self._soil(t)
        return False

    def _soil(self, t: Track) -> None:
        if not t.dirty:
            t.dirty = True
            self.dirty.append(t)

    def _older(self, t: Track, boot: int | None) -> bool:
        """True for a boot that was over before the device's present one began."""
        return boot != t.boot and boot in t.boots and t.boot is not None and next(reversed(t.boots)) != boot

    def _life(self, t: Track, boot: int | None, sent: int | None, at: int, *, life: bool) -> bool:
        """A sign of life at `at`; True where it changes what is known: tell `_know`, also where no field does."""
        if not life:
            return False
        if boot is not None and boot != t.boot:
            if self._older(t, boot):
                return False
            t.boot = boot
            t.drift = None
            self._give_time(t, at)
        if sent is not None:
            t.drift = sent - at
            t.drift_boot = boot
        first = t.last_seen is None
        if t.last_seen is None or at > t.last_seen:
            t.last_seen = at
            t.was_cut = 0
            self.deadlines[t.index] = self.deaf.heard(at) + t.device.timeout_ms
        elif at < t.last_seen:
            return False
        if first and t.lifecycle is Lifecycle.PLANNED:
            t.lifecycle = Lifecycle.ACTIVE
            self.decided.lifecycles.append(t)
            self.decided.changed.add(t)
        lost = t.health in verdict.LOST and not verdict.in_doubt(t)
        if t.gone_at is not None or first or lost:
            self._settle(t.children, at)
            self._linked(t, at)
            self._give_time(t, at)
            return True
        return False

    def _linked(self, t: Track, at: int) -> None:
        """A link that was lost stands again."""
        if t.gone_at is not None and at >= t.gone_at:
            t.excused = t.excused or self.deaf.cut_off(t.gone_at, at)
            t.gone_at, t.gone_why = None, ""

    def _reading(self, t: Track, e: Reading, at: int, *, life: bool, late: bool) -> str:
        if late or (t.values_at is not None and at < t.values_at) or self._older(t, e.boot):
            return self._past(t, e, at, live=life and not late)
        woke = self._life(t, e.boot, e.sent, at, life=life)
        if (
            e.boot == t.values_boot
            and e.seq is not None
            and t.values_seq is not None
            and e.seq < t.values_seq
        ):
            if woke:  # fresh messages come before the sender's own queue: it lives, but this is history
                self._know(t, at, woke=True)
            return "late"
        v = t.values | e.values
        v["dark"] = t.sun.dark(at)
        if woke:
            v["silent"], v["gone"] = False, t.gone_at is not None
        v["unstable"] = t.unstable
        v["garbled"] = 0
        if t.drift is not None:
            v["clock_drift_s"] = t.drift / 1000
        f = t.follows
        if e.applied is not None and (f is None or f.applied != e.applied):
            self._applies(t, e.applied, at)
            f = t.follows
        judged = f is not None and self._obeys(t, f, v, at)
        t.values = v
        t.values_at, t.values_boot, t.values_seq = at, e.boot, e.seq
        if self._judge(t, at) or woke or judged:
            self._judge_health(t, at)
        if woke:
            self._judge_children(t, at)
        return "accepted"

    def _past(self, t: Track, e: Reading, at: int, *, live: bool) -> str:
        """A reading that is history."""
        if live and self._older(t, e.boot) and verdict.took_turn(t, e.sent, at):
            t.copied = True
            self._know(t, at, woke=False, copied=True)
            self._judge_health(t, at)
            self._plan(t)
        return "late"

    def _fault(self, t: Track, e: Fault, at: int, *, life: bool) -> str:
        t.garbled_total += 1
        t.garbled_last = e.about
        t.garbled_at = at
        self.decided.changed.add(t)
        if e.kind != "garbled":
            return e.kind
        woke = self._life(t, t.boot, None, at, life=life)
        run = t.values.get("garbled", 0)
        self._know(t, at, woke=woke, garbled=int(run) + 1 if isinstance(run, int) else 1)
        return "garbled"

    def _seen(self, t: Track, e: Seen, at: int, *, life: bool) -> str:
        if life and e.boot is not None and e.boot not in t.boots:
            t.boots[e.boot] = [0, 0]
            if len(t.boots) > identity.BOOTS:
                del t.boots[next(iter(t.boots))]
        if not self._older(t, e.boot):
            t.claims(e.claim, at)
        woke = self._life(t, e.boot, e.sent, at, life=life)
        said = e.claim.get("applied")
        told = (
            said is not None
            and t.device.kind in ASKED
            and life
            and e.boot == t.boot
            and self._applies(t, said, at)
        )
        if woke or told:
            self._know(t, at, woke=woke)
        return "late" if self._older(t, e.boot) else "accepted"

    def _gone(self, t: Track, e: Gone, at: int, *, live: bool) -> str:
        if e.boot != t.boot or (t.last_seen is not None and at < t.last_seen):
            return "old_will"
        if t.last_seen is None or t.gone_at is not None:
            return "will"
        self._settle(t.children, at)
        t.gone_at = at
        t.gone_why = e.why
        t.excused = not live  # a will has no identity: what was queued may have come before
        if e.why:  # who asks it has tried again and again: no more time is given
            self.deadlines[t.index] = NEVER
            self._know(t, at, woke=False, gone=True, silent=True)
        else:
            self._know(t, at, woke=False, gone=True)
        self._judge_health(t, at)
        self._judge_children(t, at)
        return "will"

    def _know(self, t: Track, at: int, *, woke: bool, **facts: bool | int) -> None:
        """New facts about a device, judged like a reading. `woke`: what `_life` said."""
        if woke:
            facts |= {"silent": False, "gone": t.gone_at is not None}
        values = t.values | facts | {"dark": t.sun.dark(at)}
        judged = t.follows is not None and self._obeys(t, t.follows, values, at)
        t.values = values
        if self._judge(t, at) or woke or judged:
            self._judge_health(t, at)
        if woke:
            self._judge_children(t, at)

    def _judge_children(self, t: Track, at: int) -> None:
        """What hangs on a device that came or went. Call `_settle` before it does."""
        for child in t.children:
            self._judge_health(child, at)

    # --- what is asked of a device ----------------------------------------------------------------------------

    def _asked(self, t: Track, e: Asked, at: int) -> str:
        t.follows = (t.follows or Follows())._replace(id=e.id, at=at, why="")
        self._give_time(t, at)
        self.decided.changed.add(t)
        self._know(t, at, woke=False)
        return "accepted"

    def _give_time(self, t: Track, at: int) -> None:
        """What is asked now, or of a device that came back now, cannot be applied yet."""
        if t.follows is not None:
            board = t.device.kind is Kind.SIGNBOARD
            given = proof.DUE_MS if board else round(INTERVALS * t.device.interval_s * 1000)
            t.follows = t.follows._replace(due=self.deaf.heard(at) + given)

    def _applies(self, t: Track, said: str, at: int) -> bool:
        """A device says what it follows; True where that is new."""
        f = t.follows or Follows()
        if f.applied == said:
            return False
        t.follows = f._replace(applied=said, since=at, why="" if said == f.id else f.why)
        self.decided.changed.add(t)
        return True

    def _received(self, t: Track, e: Receipt, at: int) -> bool:
        """A receipt for what is asked now; True where it is one, or tells whether a board lies."""
        f = t.follows
        if f is None or e.boot != t.boot:
            return False
        if e.id != f.id:
            lied = proof.lied(e, self._shows_of(f))
            if lied is None or lied == (t.lied == e.id):
                return False
            t.lied = e.id if lied else ""
            return True
        if e.result == "done":
            self._applies(t, e.id, at)
        else:
            t.follows = f._replace(why=e.detail or e.result)
            self.decided.changed.add(t)
        return True

    def _obeys(self, t: Track, f: Follows, values: dict[str, Value], at: int) -> bool:
        """Hold what a device follows against what is asked of it; the answer goes into `values`.

        True where that may change its health though no rule says so.
        """
        if t.device.kind is Kind.SIGNBOARD:
            return self._shows(t, f, values, at)
        if not f.id or f.applied == f.id:
            values["program_late"] = False
        elif f.why or (f.applied is not None and self.deaf.heard(at) >= f.due):
            values["program_late"] = True
        plan = self.plans.get(f.id if f.applied is None else f.applied)
        on = None if plan is None else plan.on(at)
        if on is None:
            values.pop("program_on", None)
        else:
            values["program_on"] = on
        return False

    def _shows(self, t: Track, f: Follows, values: dict[str, Value], at: int) -> bool:
        """The same of a board, which is judged again where time alone changes what is right."""
        heard, waits = self.deaf.heard(at), bool(f.id) and f.applied != f.id
        show = self.shows.get(f.applied or "")
        t.again = NEVER if show is None else show.until(at)
        if waits and not f.why and heard < f.due:
            instant = self.deaf.instant(f.due)  # not past where deaf time that is not over stands in between
            t.again = min(t.again, instant if instant > at else at + f.due - heard)
        if not any(t.lied in s.previewed for s in self._shows_of(f)):
            t.lied = ""  # what it lied about is over
        if waits and proof.urgent(self.shows.get(f.id), show, at):
            show = None  # what else it shows proves nothing
        judged = proof.judge(t, values, show, at, overdue=waits and (bool(f.why) or heard >= f.due))
        self._plan(t)
        return judged

    def _shows_of(self, f: Follows) -> list[Show]:
        """The playlists that a board was asked to follow and follows, as far as they are known."""
        return [s for s in (self.shows.get(f.id), self.shows.get(f.applied or "")) if s is not None]

    # --- rules ------------------------------------------------------------------------------------------------

    def _judge(self, t: Track, at: int) -> bool:
        """Hold the rules against the device's values; True where an alert opened, changed or closed."""
        if t.lifecycle is not Lifecycle.ACTIVE:
            return False
        values, active, rule, moved = t.values, t.active, None, False
        try:
            for rule in t.rules:
                if rule.raises(values) or (active and rule.id in active):
                    state = active.get(rule.id) or t.ended.get(rule.id)
                    result = alerts.observe(state, rule, values, at)
                    if result[0] is not state:
                        moved |= self._became(t, rule, result)
        except Exception as e:  # noqa: BLE001 - one bad rule never stops the others
            self._quarantine(rule, e)
            return self._judge(t, at) or moved
        return moved

    def _quarantine(self, rule: CompiledRule | None, error: Exception) -> None:
        if rule is None:
            raise error
        self.use(self.rules.quarantine(rule.id, error))

    def _became(self, t: Track, rule: CompiledRule, result: tuple[Alert | None, tuple[Record, ...]]) -> bool:
        state, records = result
        t.active.pop(rule.id, None)
        if state is not None:
            if state.phase is Phase.CLOSED:
                t.ended[rule.id] = state
            else:
                t.active[rule.id] = state
        for record in records:
            self.decided.alerts.append((t, rule, record))
            self.decided.changed.add(t)
        self._plan(t)
        return bool(records)

    # --- health -----------------------------------------------------------------------------------------------

    def _judge_health(self, t: Track, at: int) -> None:
        if t.due <= at:
            self._fire(t, at)
        health, reasons = verdict.health_of(t)
        if health is t.health:
            if reasons != t.reasons:
                t.reasons = reasons
                verdict.excuse(t)
                self.decided.changed.add(t)
                self._soil(t)
            return
        at = max(at, t.since or 0)
        before, heard = t.health, verdict.heard(t)
        t.health, t.reasons, t.since = health, reasons, at
        self._count_change(t, heard, at)
        verdict.excuse(t)
        self._note(t, at, before)

    def _count_change(self, t: Track, before: Health, at: int) -> None:
        if not verdict.counts(t, before, at):
            return
        if not t.unstable and verdict.too_many(t, at):
            t.unstable = True
            t.values = t.values | {"unstable": True}
            self._judge(t, at)
        self._plan(t)

    def _note(self, t: Track, at: int, before: Health) -> None:
        t.shown_since = at
        made = Transition(t.device.name, at, before, t.health, t.unstable, t.reasons)
        self.decided.transitions.append((t, made))
        self.decided.changed.add(t)
        self._soil(t)

    # --- deadlines --------------------------------------------------------------------------------------------

    def _plan(self, t: Track) -> None:
        """Put the device's next deadline (besides silence) on the wheel."""
        due = t.changes[-1] + verdict.UNSTABLE_MS if t.unstable else NEVER
        due = min(due, t.again)
        if t.copied:
            due = min(due, t.turns[-1] + verdict.turns_ms(t))
        if t.active:
            for rule in t.rules:
                state = t.active.get(rule.id)
                when = None if state is None else alerts.due(state, rule)
                if when is not None and when < due:
                    due = when
        if due != t.due:
            t.due = due
            if due != NEVER:
                heapq.heappush(self._timers, (due, t.index))

    def _fire(self, t: Track, until: int) -> None:
        """Every deadline of one device at or before `until`, in order, each at its own instant."""
        while (at := t.due) <= until:
            moved = False
            for rule in t.rules:
                state = t.active.get(rule.id)
                if state is None:
                    continue
                try:
                    moved |= self._became(t, rule, alerts.fire(state, rule, at))
                except Exception as e:  # noqa: BLE001 - one bad rule never stops the others
                    self._quarantine(rule, e)
            if t.again <= at:
                self._judge_again(t, at)
            if t.unstable and t.changes[-1] + verdict.UNSTABLE_MS <= at:
                t.unstable = False
                t.changes = []
                t.values = t.values | {"unstable": False}
                t.shown_since = at
                self.decided.changed.add(t)
                moved |= self._judge(t, at)
            if t.copied and t.turns[-1] + verdict.turns_ms(t) <= at:
                t.copied, t.turns = False, []
                t.values = t.values | {"copied": False}
                self.decided.changed.add(t)
                moved |= self._judge(t, at)
            if moved:
                self._judge_health(t, at)
            self._plan(t)
            if t.due == at:  # nothing moved it: never loop on one deadline
                t.due = NEVER
            self._soil(t)

    def _judge_again(self, t: Track, at: int) -> None:
        """Time alone may have changed what is right on a board."""
        t.again = NEVER
        if t.follows is not None:
            values = dict(t.values)
            judged = self._obeys(t, t.follows, values, at)
            if values != t.values:
                t.values = values
                self.decided.changed.add(t)
            if self._judge(t, at) or judged:
                self._judge_health(t, at)
            self._plan(t)

    def _expire(self, t: Track) -> None:
        """The device's silence deadline has passed; those of its children that passed before go first."""
        deadline = self.deadlines[t.index]
        at = self.deaf.instant(deadline)
        self.deadlines[t.index] = NEVER
        self._settle(t.children, at, deadline + 1)
        if t.due <= at:
            self._fire(t, at)
        self._know(t, at, woke=False, silent=True)
        self._judge_health(t, at)
        self._judge_children(t, at)

    def _expire_before(self, t: Track, heard: int) -> None:
        """The silence of a device and of all it hangs on, in order of time, where it passed before `heard`."""
        deadlines = self.deadlines
        above: Track | None = t
        while above is not None and deadlines[above.index] >= heard:
            above = above.uplink
        if above is None:
            return
        chain = []
        above = t
        while above is not None:
            chain.append(above)
            above = above.uplink
        for one in sorted(chain, key=lambda x: deadlines[x.index]):
            if deadlines[one.index] < heard:
                self._expire(one)

    def _settle(self, tracks: Iterable[Track], at: int, heard: int | None = None) -> None:
        """Fire what was due until `at`, before something above these devices changes."""
        heard = self.deaf.heard(at) if heard is None else heard
        for t in tracks:
            if self.deadlines[t.index] < heard:
                self._expire(t)
            if t.due <= at:
                self._fire(t, at)

    def tick(self, now: int) -> None:
        """Fire every deadline that has passed at `now`. While the hub is deaf the caller lets time stand still."""
        heard = self.deaf.heard(now)
        deadlines = self.deadlines
        if deadlines and min(deadlines) < heard:
            for deadline, index in sorted((d, i) for i, d in enumerate(deadlines) if d < heard):
                self._fire_timers(self.deaf.instant(deadline))
                if deadlines[index] == deadline:
                    self._expire(self.tracks[index])
        self._fire_timers(now)

    def _fire_timers(self, until: int) -> None:
        timers = self._timers
        while timers and timers[0][0] <= until:
            due, index = heapq.heappop(timers)
            if self.tracks[index].due == due:
                self._fire(self.tracks[index], due)

    def heard_again(self, span: Span) -> None:
        """A deaf span ended. One that cut devices off gives each of them time to come back."""
        if not span.cut:
            return
        deadlines, heard = self.deadlines, self.deaf.heard(span.start)
        for t in self.tracks:
            if heard <= deadlines[t.index] != NEVER:  # not for who was silent before
                extra = min(round(t.device.interval_s * 1000), GRACE_MS) - t.was_cut
                if extra > 0:
                    t.was_cut += extra
                    deadlines[t.index] += extra
                    self._soil(t)

    # --- checkpoint -------------------------------------------------------------------------------------------

    def restore(self, states: Iterable[tuple[Track, list[object]]]) -> None:
        """Take devices' states from a checkpoint."""
        for t, data in states:
            self.deadlines[t.index] = t.unpack(data)
            self._plan(t)

    def take_dirty(self) -> list[tuple[int, object]]:
        """States that changed since the last call, packed: (device id, state)."""
        dirty, self.dirty = self.dirty, []
        for t in dirty:
            t.dirty = False
        return [(t.id, t.pack(self.deadlines[t.index])) for t in dirty]
