"""Start: take the state from the last checkpoint and fold the journal after it, as if never stopped."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from devices.device import HUB
from hub.deaf import Deafness, Span
from hub.intake import PLACED, PLACED_LAST
from hub.store.reader import LATE
from hub.store.writer import Writes
from rules.alert import Alert, Closed, Opened, Phase

if TYPE_CHECKING:
    from hub.incidents import Desk
    from hub.intake import Intake
    from hub.store.writer import Store
    from hub.track import Track
    from hub.tracker import Tracker

log = logging.getLogger(__name__)

SPANS_KEPT = 500


def load_spans(store: Store) -> tuple[Deafness, int]:
    """The newest deaf spans, and how many lie before them."""
    rows = store.rows('SELECT id, start, "end", reason, cut FROM deaf ORDER BY id DESC LIMIT ?', SPANS_KEPT)
    spans = [
        Span(start, end, reason, bool(cut), number) for number, start, end, reason, cut in reversed(rows)
    ]
    for span in spans[:-1]:
        span.end = span.end if span.end is not None else span.start
    if not spans:
        return Deafness(), 0
    earlier = store.rows('SELECT coalesce(sum("end" - start), 0) FROM deaf WHERE id < ?', spans[0].id)[0][0]
    return Deafness(spans, earlier), spans[0].id - 1


def replay(store: Store, tracker: Tracker, intake: Intake, spans_before: int) -> int:
    """Restore all devices; returns how many rows were folded. What they decide was stored before: it is dropped."""
    by_id: dict[int, Track] = {t.id: t for t in tracker.tracks}
    tracker.restore(
        (by_id[number], json.loads(state))
        for number, state in store.each("SELECT device, state FROM checkpoint")
        if number in by_id
    )
    since = int(store.meta("checkpoint_pos") or 0)
    applied = max(0, int(store.meta("checkpoint_spans") or 0) - spans_before)
    ended = [s for s in tracker.deaf.spans if s.end is not None][applied:]
    rows = 0
    for row in store.each(
        "SELECT pos, prev, device, at, what, body FROM journal WHERE pos > ? ORDER BY pos", since
    ):
        track = by_id.get(row[2])
        while ended and track is not None and _after(row, track, ended[0]):
            tracker.heard_again(ended.pop(0))
        if track is not None and row[0] > track.last_pos:
            try:
                intake.replay(row, track)
            except Exception:
                log.exception("journal row %d could not be folded again", row[0])
            rows += 1
    for span in ended:
        tracker.heard_again(span)
    tracker.tick(int(store.meta("decided_at") or 0))
    tracker.take()
    return rows


def _after(row: tuple[Any, ...], track: Track, span: Span) -> bool:
    """True where a journal row was taken in after the hub heard again.

    What was queued in the gap is flagged and was placed before its end. The hub's own reports tell nothing: they
    carry the time at which they were made, while ingest may still have been busy with the gap.
    """
    at, what = row[3:5]
    if span.end is None or track.device.name == HUB:
        return False
    return bool(at > span.end or (at == span.end and not what & (LATE | PLACED | PLACED_LAST)))


def _count_on(store: Store, by_id: dict[int, Track]) -> None:
    """A rule that was away and came back counts its alerts on from the stored ones."""
    for device, rule, generation, at in store.each(
        "SELECT device, rule, max(generation), max(coalesce(closed_at, opened_at)) FROM alert GROUP BY device, rule"
    ):
        t = by_id.get(device)
        if t is not None and rule not in t.active and rule not in t.ended:
            t.ended[rule] = Alert(Phase.CLOSED, generation, at, ())


def reconcile(store: Store, tracker: Tracker, desk: Desk, at: int) -> Writes:
    """Alerts in memory and in the store must agree, also where rules changed between two starts."""
    writes = Writes()
    by_id = {t.id: t for t in tracker.tracks}
    stored = {
        (device, rule): generation
        for device, rule, generation in store.each(
            "SELECT device, rule, generation FROM alert WHERE closed_at IS NULL"
        )
    }
    _count_on(store, by_id)
    for t in tracker.tracks:
        for rule in t.rules:
            state = t.active.get(rule.id)
            if state is None or state.phase is Phase.RISING:
                continue
            if stored.pop((t.id, rule.id), None) != state.generation:
                severity = rule.rule.steps[state.level].severity
                desk.take(t, rule, Opened(state.since, state.generation, severity, state.values, ()), writes)
    rules = {r.id: r for r in tracker.rules.rules}
    for (device, rule_id), generation in stored.items():
        track, known = by_id.get(device), rules.get(rule_id)
        if track is not None and known is not None:
            severity = known.rule.steps[0].severity
            desk.take(track, known, Closed(at, generation, severity, {}, withdrawn=True), writes)
        else:
            writes.add(
                "UPDATE alert SET closed_at=? WHERE device=? AND rule=? AND generation=?",
                at,
                device,
                rule_id,
                generation,
            )
    desk.forget_rules(set(rules), at, writes)
    if stored:
        log.warning("%d alerts of rules that changed were withdrawn", len(stored))
    return writes
