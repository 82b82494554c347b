"""Streams: `/events` sends HTML fragments to pages, `/api/events` JSON to machines. One snapshot, then changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.requests import Request

from devices.health import WORST_FIRST, Health, Shown
from hub.views import Changed, Core, DeviceQuery, DeviceView
from hub.web import devices, hub_page, incidents, now, sites
from hub.web.answers import Answer, Counts, IncidentAnswer, Ms, ReasonAnswer
from hub.web.language import Language, wanted
from hub.web.live import Live  # noqa: TC001 - an attribute's type
from hub.web.pages import Fragments, Missing, digest, nav_fragments

router = APIRouter(tags=["streams"])

TICK_S = 20.0
"""Without a change, pages are drawn anew this often: durations go on, last values come in."""
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Streamed:
    """How one kind of page streams: its parts, and which changes concern it."""

    fragments: Callable[[Core, Language, str], Awaitable[Fragments]]
    touches: Callable[[Core, Changed, str], bool]


async def _nothing(_core: Core, _lang: Language, _key: str) -> Fragments:
    return {}


PAGES: Mapping[str, Streamed] = {
    "nav": Streamed(_nothing, lambda _core, _changed, _key: False),
    "now": Streamed(now.fragments, now.touches),
    "site": Streamed(sites.fragments, sites.touches),
    "device": Streamed(devices.fragments, devices.touches),
    "incidents": Streamed(incidents.fragments, incidents.touches),
    "incident": Streamed(incidents.fragments_of_one, incidents.touches_one),
    "hub": Streamed(hub_page.fragments, hub_page.touches),
}


class Opened:
    """One open page, as its stream was asked for."""

    def __init__(self, request: Request, page: str, seen: str) -> None:
        noun, _, self.key = page.partition(":")
        if noun not in PAGES:
            raise Missing("unknown_page")
        self.noun = noun
        self.seen = seen
        self.lang = wanted(request)
        self.core: Core = request.app.state.core
        self.live: Live = request.app.state.live
        self.tick = max(1.0, TICK_S / max(self.core.hub().clock_rate, 1e-9))

    async def parts(self) -> Fragments:
        """All parts as they are now. Raises Missing."""
        own = await PAGES[self.noun].fragments(self.core, self.lang, self.key)
        return nav_fragments(self.core, self.lang) | own

    async def shared(self) -> Fragments:
        """The same, drawn once for all that look at this page in this language."""
        bucket = int(asyncio.get_running_loop().time() / self.tick)
        return await self.live.shared((self.noun, self.key, self.lang.code), bucket, self.parts())

    def concerned(self, change: Changed | None) -> bool:
        """True where a change, or the tick, may show on this page."""
        if change is None or change.all or change.incidents or change.pending:
            return True
        return PAGES[self.noun].touches(self.core, change, self.key)


async def _opened(
    request: Request,
    page: Annotated[
        str, Query(max_length=100, description="now, site:<slug>, device:<name>, incidents, hub")
    ] = "now",
    seen: Annotated[
        str, Query(max_length=20, description="fingerprint of the parts a page has already")
    ] = "",
) -> Opened:
    opened = Opened(request, page, seen)
    await opened.parts()
    return opened


@router.get("/events", response_class=EventSourceResponse)
async def events(opened: Annotated[Opened, Depends(_opened)]) -> AsyncIterator[ServerSentEvent]:
    """A page's parts as HTML for htmx: event `changes` holds those that differ, `reload` asks for the page anew."""
    live = opened.live
    with live.listening():
        version = live.version
        parts = await opened.shared()
        if digest(parts) == opened.seen:
            yield ServerSentEvent(comment="nothing changed since the page was drawn")
        else:
            yield ServerSentEvent(event="changes", raw_data="".join(parts.values()))
        sent = _prints(parts)
        while True:
            change = await live.wait(version, opened.tick)
            version = live.version
            if live.closed:
                return
            if not opened.concerned(change):
                continue
            try:
                prints = _prints(parts := await opened.shared())
            except Missing:
                prints = {}
            if prints.keys() != sent.keys():
                yield ServerSentEvent(event="reload", raw_data="page")
            elif different := [parts[id_] for id_ in prints if prints[id_] != sent[id_]]:
                yield ServerSentEvent(event="changes", raw_data="".join(different))
            sent = prints


def _prints(parts: Fragments) -> dict[str, int]:
    return {id_: hash(html) for id_, html in parts.items()}


class DeviceChange(Answer):
    """A device as it is now."""

    name: str
    site: str
    shown: Shown
    health: Health
    since: Ms | None
    reasons: list[ReasonAnswer]

    @classmethod
    def of(cls, view: DeviceView) -> "DeviceChange":
        return cls.model_construct(
            name=view.device.name,
            site=view.device.site,
            shown=view.shown,
            health=view.health,
            since=view.since,
            reasons=[ReasonAnswer.of(r) for r in view.reasons],
        )


class SiteChange(Answer):
    """A site as it is now."""

    slug: str
    worst: Shown
    total: int
    counts: Counts
    incidents: int


class Snapshot(Answer):
    """Event `snapshot`: every device that is not ok, every incident that is not closed."""

    at: Ms
    caught_up: bool
    devices: list[DeviceChange]
    incidents: list[IncidentAnswer]


class Changes(Answer):
    """Event `changes`: what changed since the event before, as it is now."""

    at: Ms
    devices: list[DeviceChange]
    incidents: list[IncidentAnswer]
    sites: list[SiteChange]


async def snapshot(core: Core) -> str:
    """The JSON of a Snapshot."""
    overview = core.overview()
    found: list[DeviceChange] = []
    for shown in WORST_FIRST:
        page, pages = 1, 1
        while shown is not Shown.OK and page <= pages:
            batch = core.devices(DeviceQuery(shown=shown, page=page, size=BATCH))
            found += [DeviceChange.of(view) for view in batch.devices]
            page, pages = page + 1, batch.pages
            await asyncio.sleep(0)
    return Snapshot.model_construct(
        at=overview.now,
        caught_up=overview.caught_up,
        devices=found,
        incidents=[IncidentAnswer.of(i) for i in overview.incidents],
    ).model_dump_json()


async def changes(core: Core, change: Changed) -> str:
    """The JSON of Changes."""
    views = [core.device_view(name) for name in sorted(change.devices)]
    told = [core.incident(number) for number in sorted(change.incidents)]
    where = [core.site(slug) for slug in sorted(change.sites)]
    return Changes.model_construct(
        at=core.now(),
        devices=[DeviceChange.of(view) for view in views if view is not None],
        incidents=[IncidentAnswer.of(incident) for incident in told if incident is not None],
        sites=[
            SiteChange.model_construct(
                slug=s.slug, worst=s.worst, total=s.total, counts=s.counts, incidents=s.incidents
            )
            for s in where
            if s is not None
        ],
    ).model_dump_json()


@router.get("/api/events", response_class=EventSourceResponse)
async def events_for_machines(request: Request) -> AsyncIterator[ServerSentEvent]:
    """Events `snapshot` (once, and again where a slow client fell too far behind) and `changes` (see their schemas)."""
    core: Core = request.app.state.core
    live: Live = request.app.state.live
    with live.listening():
        version = live.version
        yield ServerSentEvent(event="snapshot", raw_data=await live.shared("snapshot", 0, snapshot(core)))
        while True:
            before, change = version, await live.wait(version, 3600)
            version = live.version
            if live.closed:
                return
            if change is None:
                continue
            if change.all:
                yield ServerSentEvent(
                    event="snapshot", raw_data=await live.shared("snapshot", 0, snapshot(core))
                )
            elif change.devices or change.incidents or change.sites:
                text = await live.shared(("changes", before, version), 0, changes(core, change))
                yield ServerSentEvent(event="changes", raw_data=text)
