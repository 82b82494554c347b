"""Places: changes of the tree of sites, in ingest. Units are renamed, move, merge and end; what was stays, dated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from devices.land import on_land
from devices.site import TIERS, Placing, Site
from hub import audit
from hub.registry import Former, today
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devices.person import By
    from hub.registrar import Registrar
    from hub.sites_csv import SiteSheet
    from hub.store.writer import Writes


@dataclass(slots=True)
class Places:
    """Owned by ingest. Every method raises Refused with nothing changed."""

    registrar: Registrar

    def add(self, site: Site, parent: str | None, by: By, writes: Writes) -> None:
        """A new site below `parent`, or at the top.

        Raises Refused: site_taken, unknown_tier, half_a_place, in_the_sea, date_ahead, no_such_site, ended_then.
        """
        self._add(site, parent, by, writes)
        self.registrar.sites_changed()

    def _add(self, site: Site, parent: str | None, by: By, writes: Writes) -> None:
        reg = self.registrar.registry
        if site.slug in reg.sites:
            raise Refused("site_taken", site=site.slug)
        sound(site)
        if site.since is not None:
            self._not_ahead(site.since)
        if parent is not None:
            self._standing(parent, site.since or today(self.registrar.now()))
        self._put(site, writes)
        if parent is not None:
            above = reg.sites[parent]
            begins = [d for d in (site.since, above.since) if d is not None]
            self._place(Placing(site.slug, parent, max(begins, default=None), above.until), writes)
        after = {"name": site.name, "tier": site.tier, "parent": parent or "", "since": site.since}
        self._note(by, "site.added", site.slug, {}, after, writes)

    def correct(self, site: Site, by: By, writes: Writes) -> None:
        """Put right what was written down wrongly of a site: its tier, where it is. It holds for all days.

        Raises Refused: no_such_site, unknown_tier, half_a_place, in_the_sea.
        """
        self._correct(site, by, writes)
        self.registrar.sites_changed({site.slug})

    def _correct(self, site: Site, by: By, writes: Writes) -> None:
        before = self._known(site.slug)
        sound(site)
        after = replace(before, tier=site.tier, lat=site.lat, lon=site.lon)
        if after != before:
            self._put(after, writes)
            was, now_is = ({k: getattr(s, k) for k in ("tier", "lat", "lon")} for s in (before, after))
            self._note(by, "site.changed", site.slug, was, now_is, writes)

    def import_all(self, found: SiteSheet, generation: int, by: By, writes: Writes) -> None:
        """Add and put right the sites of a file that was read against `generation` of the registry.

        Raises Refused: changed_meanwhile, where the registry is another by now.
        """
        if generation != self.registrar.generation:
            raise Refused("changed_meanwhile")
        for site, parent in found.fresh:
            self._add(site, parent, by, writes)
        for site in found.righted:
            self._correct(site, by, writes)
        self.registrar.sites_changed({s.slug for s in found.righted})

    def rename(self, slug: str, name: str, since: date, by: By, writes: Writes) -> None:
        """Call a site otherwise from a day on; until then it keeps the name that it had.

        Raises Refused: no_such_site, date_ahead, date_past, same_name.
        """
        reg = self.registrar.registry
        site = self._known(slug)
        self._not_ahead(since)
        if name == site.name:
            raise Refused("same_name", name=name)
        earlier = reg.former.get(slug, [])
        begun = earlier[-1].until if earlier else site.since
        if begun is not None and since <= begun:
            raise Refused("date_past", day=begun.isoformat())
        reg.former.setdefault(slug, []).append(Former(site.name, since))
        writes.add(
            "INSERT INTO site_name (site, name, since, until) VALUES (?,?,?,?)",
            slug, site.name, None if begun is None else begun.isoformat(), since.isoformat(),
        )  # fmt: skip
        self._put(replace(site, name=name), writes)
        self._note(by, "site.renamed", slug, {"name": site.name}, {"name": name, "since": since}, writes)
        self.registrar.sites_changed()

    def place(self, slug: str, parent: str, since: date, by: By, writes: Writes) -> None:
        """Put a site below another from a day on, for as long as both stand.

        Raises Refused: no_such_site, own_ancestor, date_ahead, date_past, not_yet, ended_then, same_parent.
        """
        self._not_ahead(since)
        for one in (slug, parent):
            self._standing(one, since)
        self._may_move(slug, parent, since)
        for one in (slug, parent):
            self._begun(one, since)
        before = self._parent(slug, since)
        if before == parent:
            raise Refused("same_parent", site=parent)
        self._move(slug, parent, since, writes)
        about = {"parent": parent, "since": since}
        self._note(by, "site.placed", slug, {"parent": before or ""}, about, writes)
        self.registrar.sites_changed()

    def merge(self, slugs: Sequence[str], into: Site, since: date, by: By, writes: Writes) -> None:
        """Several sites become one on a day: they end, what was below them belongs to the new one.

        `into` may exist already, also as one of them, which then goes on. Raises Refused: no_such_site, date_ahead,
        date_past, not_yet, ended_then, own_ancestor, merge_of_none, and what `add` raises for a new site.
        """
        reg = self.registrar.registry
        ending = [s for s in dict.fromkeys(slugs) if s != into.slug]
        below = self._mergeable(ending, into, since)
        new = into.slug not in reg.sites
        if new:
            parent = self._parent(ending[0], since)
            self._put(replace(into, since=since), writes)
            if parent is not None:
                self._place(Placing(into.slug, parent, since), writes)
        for slug in below:
            self._move(slug, into.slug, since, writes)
        for slug in ending:
            self._put(replace(reg.sites[slug], until=since), writes)
            self._end_placing(slug, since, writes)
            about = {"into": into.slug, "since": since}
            self._note(by, "site.merged", slug, {"name": reg.sites[slug].name}, about, writes)
        about = {"name": into.name, "of": ", ".join(ending), "since": since}
        self._note(by, "site.added" if new else "site.grown", into.slug, {}, about, writes)
        self._take_devices(set(ending), into.slug, by, writes)
        self.registrar.sites_changed()

    def end(self, slug: str, since: date, by: By, writes: Writes) -> None:
        """A site, or a whole tier by its only site, is no more from a day on.

        Raises Refused: no_such_site, date_ahead, date_past, ended_then, site_not_empty.
        """
        self._not_ahead(since)
        site = self._ending(slug, since)
        below = self._below(slug, since)
        if below or any(d.site == slug for d in self.registrar.registry.devices.values()):
            raise Refused("site_not_empty", site=slug, holds=", ".join(below[:5]))
        self._put(replace(site, until=since), writes)
        self._end_placing(slug, since, writes)
        self._note(by, "site.ended", slug, {"name": site.name}, {"since": since}, writes)
        self.registrar.sites_changed()

    def _mergeable(self, ending: Sequence[str], into: Site, since: date) -> list[str]:
        """Sites below those that end, which move. Raises Refused."""
        if not ending:
            raise Refused("merge_of_none")
        self._not_ahead(since)
        known = self.registrar.registry.sites.get(into.slug)
        if known is not None:
            self._standing(into.slug, date.max)
            self._begun(into.slug, since)
        below: list[str] = []
        for slug in ending:
            self._ending(slug, since)
            if self._ever_above(slug, into.slug, since):
                raise Refused("own_ancestor", site=into.slug)
            below += [s for s in self._below(slug, since) if s != into.slug]
        if known is None:
            sound(into)
        for slug in below:
            self._may_move(slug, into.slug, since)
        return below

    def _ending(self, slug: str, since: date) -> Site:
        self._standing(slug, since)
        site = self._known(slug)
        starts = [p.since for p in self.registrar.registry.placings.get(slug, ()) if p.since is not None]
        begun = max([*starts, *([site.since] if site.since is not None else [])], default=None)
        if begun is not None and since <= begun:
            raise Refused("date_past", day=begun.isoformat())
        return site

    # --- parts ------------------------------------------------------------------------------------------------

    def _take_devices(self, ending: set[str], into: str, by: By, writes: Writes) -> None:
        """Devices that stand at the merged sites themselves."""
        registrar = self.registrar
        moving = [replace(d, site=into) for d in registrar.registry.devices.values() if d.site in ending]
        registrar.import_all(moving, registrar.generation, by, writes)

    def _known(self, slug: str) -> Site:
        found = self.registrar.registry.sites.get(slug)
        if found is None:
            raise Refused("no_such_site", site=slug)
        return found

    def _standing(self, slug: str, since: date) -> None:
        """The site has not ended on `since`. Raises Refused: no_such_site, ended_then."""
        site = self._known(slug)
        if site.until is not None and site.until <= since:
            raise Refused("ended_then", site=slug, day=site.until.isoformat())

    def _begun(self, slug: str, since: date) -> None:
        """The site is there on `since`. Raises Refused: not_yet."""
        begun = self.registrar.registry.sites[slug].since
        if begun is not None and since < begun:
            raise Refused("not_yet", site=slug, day=begun.isoformat())

    def _not_ahead(self, day: date) -> None:
        now = today(self.registrar.now())
        if day > now:
            raise Refused("date_ahead", day=now.isoformat())

    def _may_move(self, slug: str, parent: str, since: date) -> None:
        reg = self.registrar.registry
        for p in reg.placings.get(slug, ()):
            begun, ended = p.since, p.until
            if (begun is not None and since <= begun) or (ended is not None and since < ended):
                raise Refused("date_past", day=str(begun if ended is None else ended))
        if slug == parent or self._ever_above(slug, parent, since):
            raise Refused("own_ancestor", site=slug)

    def _ever_above(self, slug: str, parent: str, since: date) -> bool:
        """True where `slug` stands above `parent` on `since` or on any later day."""
        reach, seen = [parent], {parent}
        while reach:
            for p in self.registrar.registry.placings.get(reach.pop(), ()):
                if p.until is not None and p.until <= since:
                    continue
                if p.parent == slug:
                    return True
                if p.parent not in seen:
                    seen.add(p.parent)
                    reach.append(p.parent)
        return False

    def _parent(self, slug: str, day: date) -> str | None:
        return self.registrar.registry.parent(slug, day)

    def _below(self, slug: str, day: date) -> list[str]:
        every = self.registrar.registry.placings
        return [s for s, ps in every.items() if any(p.parent == slug and p.holds(day) for p in ps)]

    def _end_placing(self, slug: str, day: date, writes: Writes) -> None:
        """No placing of the site goes beyond `day`."""
        reg = self.registrar.registry
        reg.placings[slug] = [
            replace(p, until=day) if p.holds(day) and p.until is None else p
            for p in reg.placings.get(slug, ())
        ]
        writes.add("UPDATE placing SET until=? WHERE site=? AND until IS NULL", day.isoformat(), slug)

    def _move(self, slug: str, parent: str, since: date, writes: Writes) -> None:
        self._end_placing(slug, since, writes)
        sites = self.registrar.registry.sites
        ends = [d for d in (sites[slug].until, sites[parent].until) if d is not None]
        self._place(Placing(slug, parent, since, min(ends, default=None)), writes)

    def _place(self, p: Placing, writes: Writes) -> None:
        self.registrar.registry.placings.setdefault(p.site, []).append(p)
        writes.add(
            "INSERT INTO placing (site, parent, since, until) VALUES (?,?,?,?)",
            p.site, p.parent, *(None if d is None else d.isoformat() for d in (p.since, p.until)),
        )  # fmt: skip

    def _put(self, site: Site, writes: Writes) -> None:
        self.registrar.registry.sites[site.slug] = site
        dates = (None if d is None else d.isoformat() for d in (site.since, site.until))
        writes.add(
            "INSERT INTO site (slug, name, tier, lat, lon, since, until) VALUES (?,?,?,?,?,?,?) ON CONFLICT (slug) DO "
            "UPDATE SET name=excluded.name, tier=excluded.tier, lat=excluded.lat, lon=excluded.lon, "
            "until=excluded.until, version=version+1",
            site.slug, site.name, site.tier, site.lat, site.lon, *dates,
        )  # fmt: skip

    def _note(
        self,
        by: By,
        action: str,
        slug: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        writes: Writes,
    ) -> None:
        audit.note(writes, self.registrar.now(), by, action, f"site:{slug}", before, after)


def sound(site: Site) -> None:
    """Make sure of a site in itself. Raises Refused: unknown_tier, half_a_place, in_the_sea."""
    if site.tier not in TIERS:
        raise Refused("unknown_tier", tier=site.tier, known=", ".join(TIERS))
    if (site.lat is None) != (site.lon is None):
        raise Refused("half_a_place")
    if site.lat is not None and site.lon is not None and not on_land(site.lat, site.lon):
        raise Refused("in_the_sea", lat=str(site.lat), lon=str(site.lon))
