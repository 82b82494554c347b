"""The hub as pages see it: answers from the present, the past and ingest."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from devices.device import FIELDS, HUB
from devices.fact import FACTS
from devices.health import WORST_FIRST, Shown
from hub import audit, registry
from hub.audit import Trail
from hub.credentials import Credentials
from hub.history.influxql import InfluxQL, NoAnswer
from hub.incidents import from_json
from hub.lightdesk import LightDesk
from hub.links import Links
from hub.notices.desk import NoticeDesk
from hub.notices.visits import Visits
from hub.notices.wall import Wall
from hub.people import People, person_of
from hub.places import Places
from hub.present import view_of
from hub.registry_desk import RegistryDesk
from hub.sun import HANOI, sun_at
from hub.views import (
    DeviceDetail,
    HubView,
    LogLine,
    Outcome,
    Overview,
    Point,
    Refused,
    RuleView,
)
from rules import text as texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from devices.field import Value
    from devices.person import By
    from devices.transition import Transition
    from hub.app import Parts
    from hub.incidents import Case
    from hub.store.writer import Writes
    from hub.track import Track
    from hub.views import (
        DevicePage,
        DeviceQuery,
        DeviceView,
        IncidentView,
        Pending,
        SiteView,
        Watch,
    )

log = logging.getLogger(__name__)

_FACTS = frozenset(f.name for f in FACTS)
_RANK = {s: i for i, s in enumerate(WORST_FIRST)}


class HubCore:
    """Implements hub.views.Core. Lives on the event loop."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts
        self.lights = LightDesk(parts.lights, parts.clock.now, self._do)
        self.enrolment = Credentials(parts)
        self.audit = Trail(parts.reader)
        self.people = People(map(person_of, parts.reader.people()), self._do, parts.clock.now)
        self.cameras = parts.cameras
        wall = Wall(parts.book, parts.tracker, parts.reader)
        self.notices = NoticeDesk(parts.book, self.people, parts.reader, self._do, parts.clock.now, wall)
        self.visits = Visits(parts.boards, self._do, parts.clock.now)
        self.agents = parts.agents
        self.links = Links(parts.reader.links(), parts.secrets, self._do, parts.clock.now)
        influx = parts.settings.influxdb
        self._influxql = InfluxQL(influx) if influx.url and influx.read else None
        self.registry = RegistryDesk(Places(parts.registrar), parts.reader, self._do)

    def now(self) -> int:
        return self._p.clock.now()

    # --- the present ------------------------------------------------------------------------------------------

    def overview(self) -> Overview:
        present, now = self._p.present, self.now()
        sites = present.places(now)
        sites.sort(key=lambda s: (_site_rank(s), s.name))
        caught_up, recording = self._p.ingest.caught_up, present.recording()
        return Overview(now, self._open_incidents(), tuple(sites), present.totals(), caught_up, recording)

    def _open_incidents(self) -> tuple[IncidentView, ...]:
        views = [c.view() for c in self._p.present.cases.values()]
        views.sort(key=lambda v: (v.state == "recovering", _RANK[v.severity], -v.opened_at))
        return tuple(views)

    def site(self, slug: str) -> SiteView | None:
        found = self._p.present.site(slug, self.now())
        if found is None:
            return None
        lat, lon = (found.lat, found.lon) if found.lat is not None and found.lon is not None else HANOI
        rise, down = sun_at(lat or HANOI[0], lon or HANOI[1]).next_times(self.now())
        return replace(found, sunrise=rise, sunset=down)

    def empty_places(self) -> tuple[SiteView, ...]:
        return tuple(self._p.present.empty_places(self.now()))

    def sites_below(self, slug: str) -> tuple[SiteView, ...]:
        present, now = self._p.present, self.now()
        return tuple(
            s for child in present.children(slug, now) if (s := present.site(child, now)) is not None
        )

    def site_names(self) -> tuple[tuple[str, str], ...]:
        day = registry.today(self.now())
        reg = self._p.registry
        valid = [
            s
            for s in reg.sites.values()
            if (s.since is None or s.since <= day) and (s.until is None or day < s.until)
        ]
        keyed = [((*(a.name for a in reg.path(s.slug, self.now())), s.name), s) for s in valid]
        return tuple((s.slug, s.name) for _, s in sorted(keyed, key=lambda k: k[0]))

    def devices(self, query: DeviceQuery) -> DevicePage:
        return self._p.present.devices(query)

    def device_view(self, name: str) -> DeviceView | None:
        t = self._p.tracker.by_name.get(name)
        return None if t is None else view_of(t)

    def device(self, name: str) -> DeviceDetail | None:
        t = self._p.tracker.by_name.get(name)
        return None if t is None else self._detail(t)

    def _detail(self, t: Track) -> DeviceDetail:
        values = t.values
        mine = tuple(
            c.view()
            for c in self._p.present.cases.values()
            if t.device.name in {m.device for m in c.incident.members}
        )
        return DeviceDetail(
            view=view_of(t),
            last_seen=t.last_seen,
            values={f.name: values[f.name] for f in FIELDS[t.device.kind] if f.name in values},
            values_at=t.values_at,
            facts={n: v for n, v in values.items() if n in _FACTS},
            model=t.model,
            firmware=t.firmware,
            firmware_since=t.firmware_since,
            boot=t.boot,
            garbled_total=t.garbled_total,
            garbled_last=t.garbled_last,
            garbled_at=t.garbled_at,
            duplicates=t.duplicates,
            children=tuple(view_of(c) for c in t.children),
            incidents=mine,
        )

    def incident(self, number: int) -> IncidentView | None:
        case = self._p.present.case(number)
        return None if case is None else case.view()

    def pending(self) -> tuple[Pending, ...]:
        return tuple(self._p.waiting.entries.values())

    def watch(self) -> AbstractContextManager[Watch]:
        return self._p.present.watch()

    def hub(self) -> HubView:
        p = self._p
        report, tallies = p.report, p.intake.tallies
        hub_track = p.tracker.by_name[HUB]
        broker = p.settings.broker
        spans = [(s.start, s.end, s.reason) for s in p.deafness.spans[-20:]]
        return HubView(
            detail=self._detail(hub_track),
            version=p.version,
            started_at=p.started_at,
            broker=f"{broker.host}:{broker.port}" + (f" ({report.broker_why})" if report.broker_why else ""),
            broker_kind=report.broker_kind,
            caught_up=p.ingest.caught_up,
            deaf=spans,
            outcomes=[
                Outcome(n, t.count, t.last_at, t.last_about) for n, t in list(tallies.items()) if t.count
            ],
            rules=self._rules(),
            journal_rows=max(0, p.intake.next_pos - max(1, p.store.first_pos)),
            journal_mb=_size_mb(p.store.path),
            checkpoint_at=p.ingest.checkpoint_at,
            clock_shift_s=p.settings.clock.shift_s,
            clock_rate=p.settings.clock.rate,
            secrets_trouble=p.secrets.trouble,
            influx=None if p.influx is None else p.influx.view,
            history=p.packer.view,
            outside=p.outside.view(),
            boards=p.boards.tally._asdict(),
        )

    def _rules(self) -> list[RuleView]:
        ruleset = self._p.tracker.rules
        count: dict[str, int] = {}
        for case in list(self._p.present.cases.values()):
            for m in case.incident.members:
                count[m.rule] = count.get(m.rule, 0) + m.open
        return [
            RuleView(
                id=r.id,
                source=r.rule.source,
                kinds=tuple(sorted(r.rule.kinds)),
                title=texts.cause(r.rule.title),
                open_alerts=count.get(r.id, 0),
                quarantined=ruleset.quarantined.get(r.id, ""),
            )
            for r in ruleset.rules
        ]

    # --- the past ---------------------------------------------------------------------------------------------

    async def incidents(self, *, before: int | None, limit: int) -> Sequence[IncidentView]:
        rows = await asyncio.to_thread(self._p.reader.incidents, before, limit)
        return [from_json(device, body).view() for _, device, body in rows]

    async def past_incident(self, number: int) -> IncidentView | None:
        row = await asyncio.to_thread(self._p.reader.incident, number)
        return None if row is None else from_json(row[1], row[2]).view()

    async def incident_log(self, number: int) -> Sequence[LogLine]:
        rows = await asyncio.to_thread(self._p.reader.incident_log, number)
        return [LogLine(*row) for row in rows]

    async def transitions(self, device: str, *, since: int, limit: int) -> Sequence[Transition]:
        t = self._p.tracker.by_name.get(device)
        if t is None:
            return []
        return await asyncio.to_thread(self._p.reader.transitions, t.id, device, since, limit)

    async def points(self, device: str, since: int, until: int, bucket_ms: int) -> Sequence[Point]:
        t = self._p.tracker.by_name.get(device)
        if t is None:
            return []
        if self._influxql is not None:
            try:
                return await asyncio.to_thread(self._influxql.points, t.device, since, until, bucket_ms)
            except NoAnswer as e:
                log.warning("InfluxDB does not answer, the hub's own history does: %s", e)
        return await asyncio.to_thread(self._p.history.points, t.device, since, until, bucket_ms)

    def readings(self, device: str, since: int, until: int) -> Iterator[tuple[int, dict[str, Value]]]:
        t = self._p.tracker.by_name.get(device)
        return iter(()) if t is None else self._p.history.readings(t.device, since, until)

    async def do(self, run: Callable[[Writes], Any]) -> Any:
        """A change of the hub's own parts, in ingest; answered after its commit."""
        return await self._do(run)

    # --- what people do ---------------------------------------------------------------------------------------

    async def _do(self, run: Callable[[Writes], Any]) -> Any:
        return await asyncio.wrap_future(self._p.ingest.submit(run))

    async def accept(self, number: int, by: By, comment: str) -> IncidentView:
        if self.incident(number) is None and await self.past_incident(number) is None:
            raise Refused("unknown_incident")

        def run(writes: Writes) -> IncidentView:
            view = self._p.desk.accept(number, by.person, comment, self.now(), writes)
            audit.note(
                writes, self.now(), by, "incident.accepted", f"incident:{number}",
                {}, {"accepted_by": by.person} | ({"comment": comment} if comment else {}),
            )  # fmt: skip
            return view

        view: IncidentView = await self._do(run)
        return view

    async def comment(self, number: int, by: By, text: str) -> None:
        if self.incident(number) is None and await self.past_incident(number) is None:
            raise Refused("unknown_incident")

        def run(writes: Writes) -> None:
            writes.add(
                "INSERT INTO incident_log (incident, at, what, who, text) VALUES (?,?,'comment',?,?)",
                number, self.now(), by.person, text,
            )  # fmt: skip
            audit.note(
                writes, self.now(), by, "incident.commented", f"incident:{number}", {}, {"comment": text}
            )
            case: Case | None = self._p.desk.open.get(number)
            if case is not None:
                self._p.ingest.delta.cases[number] = case

        await self._do(run)


def _site_rank(s: SiteView) -> int:
    return (
        _RANK[s.worst]
        if s.worst in (Shown.FAULTY, Shown.OFFLINE, Shown.UNSTABLE, Shown.DEGRADED)
        else _RANK[Shown.OK]
    )


def _size_mb(path: Any) -> float:
    try:
        return round(float(path.stat().st_size) / 1e6, 1)
    except OSError:
        return 0.0
