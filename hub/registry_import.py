"""`village-hub import`: a registry file held against what is registered, stored, and written down in the audit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from devices.land import on_land
from devices.lifecycle import Lifecycle
from devices.site import Placing, Site
from hub import access, audit, registry
from hub.fit import Fit
from hub.registrar import told
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from devices.device import Device
    from devices.person import By
    from hub.registry import Registry, RegistryFile
    from hub.store.writer import Writes


class Found(NamedTuple):
    """A file as it would stand: its sites and devices, and what each site that it places belongs to, and when."""

    sites: list[Site]
    placings: dict[str, list[Placing]]
    devices: list[tuple[Device, str]]
    """With the password that the file gives, or none. Retired ones are not among them: they stand as they stood."""


def of(file: RegistryFile, known: Registry) -> Found:
    """What a file says, beside what is registered."""
    placings: dict[str, list[Placing]] = {}
    for p in file.placings:
        placings.setdefault(p.site, []).append(Placing(**p.model_dump()))
    devices: list[tuple[Device, str]] = []
    for row in file.devices:
        before = known.devices.get(row.name)
        if before is None:
            devices.append((row.to_device(), row.password))
        elif before.lifecycle is not Lifecycle.RETIRED:
            devices.append((replace(row.to_device(), lifecycle=before.lifecycle), row.password))
    return Found([Site(**s.model_dump()) for s in file.sites], placings, devices)


def problems(found: Found, known: Registry, day: date) -> Iterator[tuple[str, Refused]]:
    """What is wrong with it, each with what it is about. Its rows are sound in themselves (hub.registry.check_file)."""
    sites = known.sites | {s.slug: s for s in found.sites}
    for s in found.sites:
        if (s.lat is None) != (s.lon is None):
            yield f"site {s.slug}", Refused("half_a_place")
        elif s.lat is not None and s.lon is not None and not on_land(s.lat, s.lon):
            yield f"site {s.slug}", Refused("in_the_sea", lat=str(s.lat), lon=str(s.lon))
        if s.since is not None and s.until is not None and s.until <= s.since:
            yield f"site {s.slug}", Refused("ended_then", site=s.slug, day=s.until.isoformat())
    for slug in sorted(_rings(known.placings | found.placings)):
        yield f"site {slug}", Refused("own_ancestor", site=slug)
    standing = frozenset(s.slug for s in sites.values() if s.until is None or day < s.until)
    fit = Fit(known.devices | {d.name: d for d, _ in found.devices}, standing)
    for device, _ in found.devices:
        before = known.devices.get(device.name)
        if before is not None and before.realm != device.realm:
            yield f"device {device.name}", Refused("realm_stays")
        for problem in fit.problems(device):
            yield f"device {device.name}", problem


def _rings(placings: Mapping[str, Iterable[Placing]]) -> set[str]:
    """Sites that stand above themselves on any day."""
    every = [p for ps in placings.values() for p in ps]
    found: set[str] = set()
    for day in {date.min, *(p.since for p in every if p.since is not None)}:
        above = {p.site: p.parent for p in every if p.holds(day)}
        sound: set[str] = set()
        for start in above:
            way: list[str] = []
            slug: str | None = start
            while slug is not None and slug not in sound and slug not in way:
                way.append(slug)
                slug = above.get(slug)
            if slug in way:
                found.update(way[way.index(slug) :])
            sound.update(way)
    return found


def store(
    found: Found,
    file: RegistryFile,
    known: Registry,
    hashes: Mapping[str, str],
    at: int,
    by: By,
    writes: Writes,
) -> None:
    """Register all of it, with an entry in the audit for each that is new or another; `hashes` are the passwords'."""
    for site in found.sites:
        before, parts = known.sites.get(site.slug), found.placings.get(site.slug)
        if before != site or (parts is not None and parts != known.placings.get(site.slug)):
            was = {} if before is None else _told(before, known.placings.get(site.slug, []))
            action = "site.added" if before is None else "site.changed"
            now_is = _told(site, known.placings.get(site.slug, []) if parts is None else parts)
            audit.note(writes, at, by, action, f"site:{site.slug}", was, now_is)
    registry.put_sites(writes, file)
    for device, password in found.devices:
        about, was_device = f"device:{device.name}", known.devices.get(device.name)
        fresh = bool(password) and not access.verify(password, hashes.get(device.name, ""))
        if was_device != device or fresh:
            registry.put_device(writes, device, access.hash_password(password) if fresh else None)
        if was_device is None:
            audit.note(writes, at, by, "device.added", about, {}, told(device))
        elif was_device != device:
            audit.note(writes, at, by, "device.changed", about, told(was_device), told(device))
        if fresh:
            audit.note(writes, at, by, "device.password_made", about, {}, {})


def _told(site: Site, placings: Iterable[Placing]) -> dict[str, Any]:
    """A site as the audit tells it."""
    about = {k: getattr(site, k) for k in ("name", "tier", "lat", "lon", "since", "until")}
    below = ", ".join(p.parent for p in placings)
    return {k: v for k, v in (about | {"parent": below}).items() if v not in (None, "")}
