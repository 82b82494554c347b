"""The present: what pages show now, kept on the event loop and fed by ingest after each commit."""

from __future__ import annotations

import asyncio
import unicodedata
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from devices.device import HUB, Kind
from devices.health import WORST_FIRST, Shown
from devices.lifecycle import Lifecycle
from hub.registry import today
from hub.views import Changed, Counts, DevicePage, DeviceQuery, DeviceView, Recorded, SiteView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hub.incidents import Case
    from hub.ingest import Delta
    from hub.registry import Registry
    from hub.track import Track
    from hub.tracker import Tracker

_RANK = {s: i for i, s in enumerate(WORST_FIRST)}
_QUIET_RANK = _RANK[Shown.OK]
RECENT_CASES = 200


def folded(text: str) -> str:
    """Lower case without diacritics, so that `den nang luong` finds `Đèn năng lượng`."""
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(c for c in plain if not unicodedata.combining(c))


def view_of(t: Track) -> DeviceView:
    """A device as lists show it."""
    return DeviceView(t.device, t.lifecycle, t.shown, t.health, t.unstable, t.shown_since, t.reasons)


class Watcher:
    """One reader's unread changes. They coalesce, so it never grows beyond one entry a thing."""

    def __init__(self) -> None:
        self._changed = Changed()
        self._event = asyncio.Event()

    def note(self, change: Changed) -> None:
        """Add what changed."""
        mine = self._changed
        mine.devices |= change.devices
        mine.sites |= change.sites
        mine.incidents |= change.incidents
        mine.pending |= change.pending
        mine.hub |= change.hub
        mine.notices |= change.notices
        mine.all |= change.all
        self._event.set()

    async def changed(self) -> Changed:
        """Wait until something changed, then take all of it."""
        await self._event.wait()
        self._event.clear()
        taken, self._changed = self._changed, Changed()
        return taken


class Present:
    """The state that pages read, without a lock: only the event loop touches it."""

    def __init__(self, tracker: Tracker, registry: Registry, cases: Iterable[Case]) -> None:
        self._tracker = tracker
        self._registry = registry
        self.cases: dict[int, Case] = {c.incident.number: c for c in cases}
        self._closed: dict[int, Case] = {}
        self._watchers: set[Watcher] = set()
        self._shown: list[Shown] = []
        self._asked: list[Track] = []
        self._leaves: dict[str, Counts] = {}
        self._above: dict[str, frozenset[str]] = {}
        self._texts: list[str] = []
        self._paths: dict[str, tuple[tuple[str, str], ...]] = {}
        self.rebuild()

    # --- feeding ----------------------------------------------------------------------------------------------

    def rebuild(self) -> None:
        """Count everything anew: the registry changed, or the day."""
        self._shown, self._leaves, self._above, self._texts, self._paths = [], {}, {}, [], {}
        self._asked = []
        for t in self._tracker.tracks:
            self._grow(t)

    def _grow(self, t: Track) -> None:
        d = t.device
        self._shown.append(t.shown)
        if d.kind is Kind.CAMERA and d.is_asked:
            self._asked.append(t)
        self._texts.append(folded(f"{d.name} {d.title} {d.place}"))
        if d.site not in self._above:
            self._above[d.site] = t.sites
        kinds = self._leaves.setdefault(d.site, {}).setdefault(d.kind, {})
        kinds[t.shown] = kinds.get(t.shown, 0) + 1

    def apply(self, delta: Delta) -> None:
        """Take a commit's changes over and tell the watchers."""
        change = Changed(pending=delta.pending, hub=delta.hub, all=delta.registry, notices=delta.notices)
        if delta.registry:
            self.rebuild()
        for t in delta.tracks:
            self._recount(t)
            change.devices.add(t.device.name)
            change.sites.add(t.device.site)
        for number, case in delta.cases.items():
            case.seen = None  # a page may have drawn it while it changed
            change.incidents.add(number)
            change.sites.add(case.site)
            if case.incident.closed_at is None:
                self.cases[number] = case
            else:
                self.cases.pop(number, None)
                self._closed[number] = case
                if len(self._closed) > RECENT_CASES:
                    del self._closed[next(iter(self._closed))]
        for watcher in self._watchers:
            watcher.note(change)

    def _recount(self, t: Track) -> None:
        if t.index >= len(self._shown):
            return
        before, after = self._shown[t.index], t.shown
        if before is not after:
            kinds = self._leaves[t.device.site][t.device.kind]
            kinds[before] -= 1
            if not kinds[before]:
                del kinds[before]
            kinds[after] = kinds.get(after, 0) + 1
            self._shown[t.index] = after

    @contextmanager
    def watch(self) -> Iterator[Watcher]:
        """A reader comes, and goes."""
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    # --- reading ----------------------------------------------------------------------------------------------

    def case(self, number: int) -> Case | None:
        """An incident that is not closed, or was lately."""
        return self.cases.get(number) or self._closed.get(number)

    def leaves(self) -> tuple[str, ...]:
        """Sites that hold devices themselves (the hub's own nowhere is none)."""
        return tuple(slug for slug in self._leaves if slug in self._registry.sites)

    def recording(self) -> Recorded:
        """Whether the cameras that are asked record."""
        yes = no = unknown = 0
        for t in self._asked:
            if t.lifecycle is not Lifecycle.ACTIVE:
                continue
            ok, bad = t.values.get("lights_ok"), t.values.get("lights_bad")
            if t.silent or not isinstance(ok, list) or not isinstance(bad, list):
                unknown += 1
            elif "recording" in ok:
                yes += 1
            elif "recording" in bad:
                no += 1
            else:
                unknown += 1
        return Recorded(yes, no, unknown)

    def totals(self) -> Counts:
        """Devices by kind and what is shown for them, without the hub."""
        return _sum(counts for slug, counts in self._leaves.items() if slug in self._registry.sites)

    def site(self, slug: str, now: int) -> SiteView | None:
        """A site with everything below it."""
        if slug not in self._registry.sites:
            return None
        below = {leaf for leaf in self._leaves if slug == leaf or slug in self._above[leaf]}
        incidents = sum(c.site in below for c in self.cases.values())
        return self._site_view(slug, _sum(self._leaves[leaf] for leaf in below), incidents, now)

    def places(self, now: int) -> list[SiteView]:
        """Every site that holds devices itself."""
        incidents = Counter(c.site for c in self.cases.values())
        return [
            self._site_view(slug, _sum([self._leaves[slug]]), incidents[slug], now) for slug in self.leaves()
        ]

    def empty_places(self, now: int) -> list[SiteView]:
        """Sites of today that are somewhere, and hold neither devices nor other sites."""
        reg, day = self._registry, today(now)
        held = set(self._leaves).union(*self._above.values())
        held.update(p.parent for ps in reg.placings.values() for p in ps if p.holds(day))
        there = reg.standing(day) - held
        return [
            self._site_view(s.slug, {}, 0, now)
            for s in reg.sites.values()
            if s.slug in there and s.lat is not None and (s.since is None or s.since <= day)
        ]

    def _site_view(self, slug: str, counts: Counts, incidents: int, now: int) -> SiteView:
        site = self._registry.sites[slug]
        path = self._paths.get(slug)
        if path is None:
            path = self._paths[slug] = tuple((s.slug, s.name) for s in self._registry.path(slug, now))
        return SiteView(
            slug=slug,
            name=site.name,
            tier=site.tier,
            path=path,
            lat=site.lat,
            lon=site.lon,
            total=sum(n for kinds in counts.values() for n in kinds.values()),
            counts=counts,
            worst=_worst(counts),
            incidents=incidents,
            ended=site.until is not None and site.until <= today(now),
        )

    def children(self, slug: str, now: int) -> list[str]:
        """Sites right below a site today, in order of name."""
        found = []
        for other, site in self._registry.sites.items():
            path = self._registry.path(other, now)
            if path and path[-1].slug == slug:
                found.append((folded(site.name), other))
        return [other for _, other in sorted(found)]

    def devices(self, query: DeviceQuery) -> DevicePage:
        """A page of devices, worst first, then by name."""
        text = folded(query.text.strip())
        wanted_shown = query.shown or None
        found: list[tuple[int, str, int]] = []
        for t in self._tracker.tracks:
            i, d = t.index, t.device
            if i >= len(self._shown) or d.name == HUB:
                continue
            if query.kind and d.kind != query.kind:
                continue
            if wanted_shown and self._shown[i] != wanted_shown:
                continue
            if query.site and query.site != d.site and query.site not in self._above[d.site]:
                continue
            if text and text not in self._texts[i]:
                continue
            found.append((_RANK[self._shown[i]], d.name, i))
        found.sort()
        size = max(1, query.size)
        pages = max(1, -(-len(found) // size))
        page = min(max(1, query.page), pages)
        rows = found[(page - 1) * size : page * size]
        tracks = self._tracker.tracks
        return DevicePage(tuple(view_of(tracks[i]) for _, _, i in rows), len(found), page, pages)


def _sum(parts: Iterable[Counts]) -> Counts:
    total: Counts = {}
    for counts in parts:
        for kind, shown in counts.items():
            into = total.setdefault(kind, {})
            for state, n in shown.items():
                into[state] = into.get(state, 0) + n
    return total


def _worst(counts: Counts) -> Shown:
    states = {state for shown in counts.values() for state, n in shown.items() if n}
    return min(states, key=_RANK.__getitem__, default=Shown.UNKNOWN)
