"""The incident desk: alerts' records become incidents, their story and their texts. Owned by ingest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.health import Shown
from hub.views import IncidentView, Refused, Text
from rules import incident as life
from rules import text as texts
from rules.alert import Closed, Opened
from rules.correlate import correlate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hub.store.writer import Store, Writes
    from hub.track import Track
    from rules.alert import Record
    from rules.incident import Entry, Incident
    from rules.rule import CompiledRule


@dataclass(slots=True)
class Case:
    """An incident with what people read about it."""

    incident: Incident
    device_id: int
    site: str
    site_name: str
    title: Text
    detail: Text
    seen: IncidentView | None = None
    """What `view` made last; forgotten at each change."""

    @property
    def key(self) -> tuple[str, str]:
        """(device, rule) of its one cause."""
        member = self.incident.members[0]
        return member.device, member.rule

    def view(self) -> IncidentView:
        """As pages see it."""
        if self.seen is None:
            self.seen = self._view()
        return self.seen

    def _view(self) -> IncidentView:
        i = self.incident
        return IncidentView(
            id=i.number,
            state=i.phase.value,
            severity=Shown(i.severity.word),
            devices=tuple(m.device for m in i.members),
            site=self.site,
            site_name=self.site_name,
            rule=i.members[0].rule,
            title=self.title,
            detail=self.detail,
            opened_at=i.opened_at,
            recovering_at=i.recovering_at,
            closed_at=i.closed_at,
            accepted_by=i.accepted_by,
            accepted_at=i.accepted_at,
        )

    def to_json(self) -> str:
        """As stored."""
        body = {n: getattr(self, n) for n in ("site", "site_name", "title", "detail")}
        return json.dumps(body | {"incident": life.pack(self.incident)}, ensure_ascii=False)


def from_json(device_id: int, text: str) -> Case:
    """A stored case."""
    body: dict[str, Any] = json.loads(text)
    return Case(life.unpack(body.pop("incident")), device_id, **body)


class Desk:
    """All incidents that are not closed, their deadlines, and what of them is to be stored."""

    def __init__(self, store: Store, site_name: Callable[[str], str]) -> None:
        self._site_name = site_name
        self.open: dict[int, Case] = {}
        self.changed: dict[int, Case] = {}
        self._by_key: dict[tuple[str, str], int] = {}
        self._next = 1 + int(store.rows("SELECT coalesce(max(id), 0) FROM incident")[0][0])
        for device_id, body in store.each("SELECT device, body FROM incident WHERE closed_at IS NULL"):
            case = from_json(device_id, body)
            self.open[case.incident.number] = case
            self._by_key[case.key] = case.incident.number

    def take(self, t: Track, rule: CompiledRule, record: Record, writes: Writes) -> None:
        """One alert's record: stored, and its incident opened, changed or moved towards its end."""
        key = (t.device.name, rule.id)
        number = self._by_key.get(key)
        case = None if number is None else self.open[number]
        moves = correlate(None if case is None else case.incident, *key, record, self._next)
        for incident, entries in moves:
            if case is None or case.incident.number != incident.number:
                case = self._begin(t, incident)
            case.incident = incident
            if not isinstance(record, Closed) and incident is moves[-1].incident:
                self._word(case, t, rule, record)
            self._put(case, entries, writes)
        self._store_alert(t, rule, record, case.incident.number if case is not None else 0, writes)

    def _begin(self, t: Track, incident: Incident) -> Case:
        self._next = max(self._next, incident.number + 1)
        site = t.device.site
        case = Case(incident, t.id, site, self._site_name(site), {}, {})
        self.open[incident.number] = case
        self._by_key[case.key] = incident.number
        return case

    def _word(self, case: Case, t: Track, rule: CompiledRule, record: Record) -> None:
        device = t.device.title or t.device.name
        values = {**t.values, **record.values}
        case.title = texts.fill(rule.rule.title, device, case.site_name, values)
        case.detail = texts.fill(rule.rule.detail, device, case.site_name, values)

    def _store_alert(self, t: Track, rule: CompiledRule, record: Record, number: int, writes: Writes) -> None:
        if isinstance(record, Closed):
            writes.add(
                "UPDATE alert SET closed_at=? WHERE device=? AND rule=? AND generation=?",
                record.at, t.id, rule.id, record.generation,
            )  # fmt: skip
            return
        why = json.dumps([list(b) for b in record.because], ensure_ascii=False)
        if isinstance(record, Opened):
            writes.add(
                "INSERT OR REPLACE INTO alert (device, rule, generation, severity, opened_at, why, incident) "
                "VALUES (?,?,?,?,?,?,?)",
                t.id, rule.id, record.generation, record.severity.word, record.at, why, number,
            )  # fmt: skip
        else:
            writes.add(
                "UPDATE alert SET severity=?, why=? WHERE device=? AND rule=? AND generation=?",
                record.severity.word, why, t.id, rule.id, record.generation,
            )  # fmt: skip

    def _put(self, case: Case, entries: Iterable[Entry], writes: Writes) -> None:
        i = case.incident
        case.seen = None
        self.changed[i.number] = case
        if i.phase is life.Phase.CLOSED:
            self.open.pop(i.number, None)
            if self._by_key.get(case.key) == i.number:
                del self._by_key[case.key]
        writes.add(
            "INSERT OR REPLACE INTO incident VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            i.number, i.phase.value, i.severity.word, case.device_id, i.members[0].rule, i.opened_at, i.recovering_at,
            i.closed_at, i.accepted_by, i.accepted_at, case.to_json(),
        )  # fmt: skip
        for e in entries:
            text = e.text or (e.severity.word if e.what == "severity" else "")
            writes.add(
                "INSERT INTO incident_log (incident, at, what, who, text) VALUES (?,?,?,?,?)",
                i.number, e.at, e.what, e.who, text,
            )  # fmt: skip

    def tick(self, now: int, writes: Writes) -> None:
        """Fire incidents' deadlines (after the alerts' of the same tick)."""
        for case in list(self.open.values()):
            due = life.due(case.incident)
            if due is not None and due <= now:
                case.incident, entries = life.fire(case.incident, now)
                self._put(case, entries, writes)

    def forget_rules(self, known: set[str], at: int, writes: Writes) -> None:
        """Incidents of rules that are no more recover."""
        for case in list(self.open.values()):
            for m in case.incident.members:
                if m.open and m.rule not in known:
                    case.incident, entries = life.leave(case.incident, m, at)
                    self._put(case, entries, writes)

    def accept(self, number: int, who: str, comment: str, at: int, writes: Writes) -> IncidentView:
        """A person deals with it. Raises Refused."""
        case = self.open.get(number)
        if case is None:
            raise Refused("incident_closed")
        try:
            case.incident, entries = life.accept(case.incident, who, comment, at)
        except life.CannotAcceptError as e:
            raise Refused(e.code, by=case.incident.accepted_by) from e
        self._put(case, entries, writes)
        return case.view()

    def take_changed(self) -> dict[int, Case]:
        """Cases that changed since the last call."""
        changed, self.changed = self.changed, {}
        return changed
