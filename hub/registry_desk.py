"""The registry desk: what pages and the API ask of the registry, on the event loop; changes go through ingest."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from devices.device import HUB
from devices.lifecycle import Lifecycle
from hub import registry_csv, sites_csv
from hub.registry import today
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from datetime import date

    from devices.device import Device
    from devices.person import By
    from devices.site import Site
    from hub.places import Places
    from hub.registry_csv import Sheet
    from hub.registry_ops import Operation
    from hub.sites_csv import SiteSheet
    from hub.store.reader import Reader
    from hub.store.writer import Writes


class Hung(NamedTuple):
    """One piece of hardware at a device's place, from `since` until `until` (ms); None where it is not known."""

    serial: str
    model: str
    firmware: str
    since: int | None
    until: int | None
    why: str


class Branch(NamedTuple):
    """A site in the tree of one day, `depth` levels below the top, with the devices that stand at it itself."""

    site: Site
    depth: int
    devices: int


@dataclass(slots=True)
class RegistryDesk:
    """Reads from memory and from the past; writes through `do`."""

    places: Places
    reader: Reader
    do: Callable[[Callable[[Writes], Any]], Awaitable[Any]]

    # --- changes ----------------------------------------------------------------------------------------------

    async def carry_out(self, operation: Operation, by: By) -> dict[str, Any]:
        """What came of it. Raises Refused."""
        done: dict[str, Any] = await self.do(lambda w: operation.apply(self.places, by, w))
        return done

    async def import_csv(self, data: bytes, by: By, *, dry_run: bool) -> Sheet:
        """Read a file and, where all of it is good and it is no dry run, register what it holds. Raises Refused."""
        generation = self.places.registrar.generation
        known, sites = self._standing(), self.places.registrar.standing()
        sheet = await asyncio.to_thread(registry_csv.read, data, known, sites)
        if not dry_run and not sheet.bad_lines:
            await self.do(lambda w: self.places.registrar.import_all(sheet.devices, generation, by, w))
        return sheet

    async def import_sites(self, data: bytes, by: By, *, dry_run: bool) -> SiteSheet:
        """The same with a file of sites; a tree is small enough to be read here. Raises Refused."""
        registrar = self.places.registrar
        generation = registrar.generation
        sheet = sites_csv.read(data, registrar.registry, self.today())
        if not dry_run and not sheet.bad_lines:
            await self.do(lambda w: self.places.import_all(sheet, generation, by, w))
        return sheet

    def export_sites(self) -> str:
        """Every site that has not ended."""
        return sites_csv.write(sites_csv.standing(self.places.registrar.registry, self.today()))

    def export_csv(self) -> Iterator[str]:
        """Every device but the hub, in pieces of text."""
        known = self._standing()
        return registry_csv.write(known[name] for name in sorted(known) if name != HUB)

    def _standing(self) -> dict[str, tuple[Device, Lifecycle]]:
        return standing(self.places)

    # --- what is registered -----------------------------------------------------------------------------------

    def device(self, name: str) -> tuple[Device, int] | None:
        """A device as it is registered, and its version."""
        reg = self.places.registrar.registry
        found = reg.devices.get(name)
        return None if found is None or name == HUB else (found, reg.versions[name])

    def site(self, slug: str) -> Site | None:
        """A site, also one that has ended."""
        return self.places.registrar.registry.sites.get(slug)

    def today(self) -> date:
        """The day in Vietnam."""
        return today(self.places.registrar.now())

    def tree(self, day: date) -> list[Branch]:
        """The sites of a day under the names of that day, each followed by those below it."""
        return tree(self.places, day)

    def firmwares(self) -> list[tuple[str, str, str, int]]:
        """(kind, model, firmware, how many devices), of devices that are not retired."""
        found = Counter(
            (t.device.kind.value, t.model, t.firmware)
            for t in self.places.registrar.tracker.tracks
            if t.device.name != HUB and t.lifecycle is not Lifecycle.RETIRED
        )
        return [(*key, n) for key, n in sorted(found.items())]

    # --- the past ---------------------------------------------------------------------------------------------

    async def hardware(self, name: str) -> Sequence[Hung]:
        """What has hung at a device's place, newest first; empty where it never was replaced. Raises Refused."""
        number = self.places.registrar.registry.ids.get(name)
        if number is None:
            raise Refused("unknown_device")
        return [Hung(*row) for row in await asyncio.to_thread(self.reader.hardware, number)]


def standing(places: Places) -> dict[str, tuple[Device, Lifecycle]]:
    """Name -> device and how it lives now."""
    return {t.device.name: (t.device, t.lifecycle) for t in places.registrar.tracker.tracks}


def tree(places: Places, day: date) -> list[Branch]:
    """See RegistryDesk.tree."""
    reg = places.registrar.registry
    at = Counter(d.site for d in reg.devices.values())
    valid = {
        s.slug
        for s in reg.sites.values()
        if (s.since is None or s.since <= day) and (s.until is None or day < s.until)
    }
    below: dict[str, list[str]] = {}
    for slug in valid:
        parent = next((p.parent for p in reg.placings.get(slug, ()) if p.holds(day)), "")
        below.setdefault(parent if parent in valid else "", []).append(slug)
    found: list[Branch] = []

    def grow(parent: str, depth: int) -> None:
        for site in sorted((reg.named(s, day) for s in below.get(parent, ())), key=lambda s: s.name):
            found.append(Branch(site, depth, at[site.slug]))
            grow(site.slug, depth + 1)

    grow("", 0)
    return found
