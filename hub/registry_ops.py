"""What can be asked of the registry: one model an operation, the same for pages, the API and the command line.

`apply` runs in ingest (or, where no hub runs, in the command that holds the data folder) and raises Refused.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from devices.lifecycle import Lifecycle
from devices.site import Site
from hub.registrar import Hardware
from hub.registry import DeviceRow, Shown, SiteRow, today
from hub.views import Refused

if TYPE_CHECKING:
    from devices.person import By
    from hub.places import Places
    from hub.store.writer import Writes


class Operation(BaseModel):
    """One change. `path` is its address below /api/registry/."""

    model_config = ConfigDict(extra="forbid")
    path: ClassVar[str]

    def apply(self, places: Places, by: By, writes: Writes) -> dict[str, Any]:
        """Carry it out; what came of it. Raises Refused."""
        raise NotImplementedError


class DeviceSaid(DeviceRow):
    """A device without what is said elsewhere: its password is made by the hub, its lifecycle is a command."""

    password: ClassVar[str] = ""  # type: ignore[misc]
    login_password: ClassVar[str] = ""  # type: ignore[misc]
    lifecycle: ClassVar[Lifecycle] = Lifecycle.PLANNED  # type: ignore[misc]


class AddDevice(DeviceSaid, Operation):
    """Register a device; it is planned until it is heard."""

    path = "device-add"

    def apply(self, places: Places, by: By, writes: Writes) -> dict[str, Any]:
        places.registrar.add(self.to_device(), "", by, writes)
        return {"name": self.name, "version": 1}


class ChangeDevice(DeviceSaid, Operation):
    """Register a device anew under its name. `version` is the one that was read before it was edited."""

    path = "device-change"
    version: int

    def to_device(self) -> Any:
        """As the hub knows it."""
        return DeviceRow(**self.model_dump(exclude={"version"})).to_device()

    def apply(self, places: Places, by: By, writes: Writes) -> dict[str, Any]:
        version = places.registrar.change(self.to_device(), self.version, by, writes)
        return {"name": self.name, "version": version}


class LiveDevice(Operation):
    """Into maintenance, back into service (`active`), or retired for good."""

    path = "device-live"
    name: str
    lifecycle: Lifecycle

    def apply(self, places: Places, by: By, writes: Writes) -> dict[str, Any]:
        if self.lifecycle not in (Lifecycle.ACTIVE, Lifecycle.MAINTENANCE, Lifecycle.RETIRED):
            raise Refused("no_such_lifecycle", known="active, maintenance, retired")
        places.registrar.live(self.name, self.lifecycle, by, writes)
        return {"name": self.name, "lifecycle": self.lifecycle.value}


class ReplaceDevice(Operation):
    """Other hardware at the same place; identity and history go on."""

    path = "device-replace"
    name: str
    serial: Shown = Field(default="", max_length=80)
    model: Shown = Field(default="", max_length=80)
    why: Shown = Field(default="", max_length=200)

    def apply(self, places: Places, by: By, writes: Writes) -> dict[str, Any]:
        places.registrar.replace_hardware(self.name, Hardware(self.serial, self.model, self.why), by, writes)
        return {"name": self.name}


class AddSite(SiteRow, Operation):
    """A new site below another."""

    path = "site-add"
    parent: str | None = None

    def apply(self, places: Places, by: By, writes: Writes) -> dict[str, Any]:
        site = Site(**self.model_dump(exclude={"parent"}))
        places.add(site, self.parent, by, writes)
        return {"slug": self.slug}


class CorrectSite(Operation):
    """Put right a site's tier or where it is, for all days; what is left out stays."""

    path = "site-correct"
    slug: str
    tier: str | None = None
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)

    def apply(self, places: Places, by: By, writes: Writes) -> dict[str, Any]:
        known = places.registrar.registry.sites.get(self.slug)
        if known is None:
            raise Refused("no_such_site", site=self.slug)
        said = {k: v for k, v in self.model_dump(exclude={"slug"}).items() if v is not None}
        places.correct(replace(known, **said), by, writes)
        return {"slug": self.slug}


class _Dated(Operation):
    since: date | None = Field(default=None, description="the day from which it holds; today where left out")

    def day(self, places: Places) -> date:
        """The day from which it holds."""
        return self.since or today(places.registrar.now())


class RenameSite(_Dated):
    """Call a site otherwise from a day on."""

    path = "site-rename"
    slug: str
    name: Shown = Field(min_length=1, max_length=120)

    def apply(self, places: Places, by: By, writes: Writes) -> dict[str, Any]:
        places.rename(self.slug, self.name, self.day(places), by, writes)
        return {"slug": self.slug}


class PlaceSite(_Dated):
    """Put a site below another from a day on."""

    path = "site-place"
    slug: str
    parent: str

    def apply(self, places: Places, by: By, writes: Writes) -> dict[str, Any]:
        places.place(self.slug, self.parent, self.day(places), by, writes)
        return {"slug": self.slug}


class EndSite(_Dated):
    """A site is no more from a day on."""

    path = "site-end"
    slug: str

    def apply(self, places: Places, by: By, writes: Writes) -> dict[str, Any]:
        places.end(self.slug, self.day(places), by, writes)
        return {"slug": self.slug}


class MergeSites(_Dated):
    """Several sites become one on a day. `into` names a new site (with `name` and `tier`) or one that stands."""

    path = "site-merge"
    slugs: list[str] = Field(min_length=1, max_length=200)
    into: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")
    name: Shown = Field(default="", max_length=120)
    tier: str = "commune"

    def apply(self, places: Places, by: By, writes: Writes) -> dict[str, Any]:
        known = places.registrar.registry.sites.get(self.into)
        if known is None and not self.name:
            raise Refused("site_name_missing", site=self.into)
        if known is not None and self.name not in ("", known.name):
            raise Refused("site_keeps_name", site=self.into, name=known.name)
        into = known or Site(self.into, self.name, self.tier)
        places.merge(self.slugs, into, self.day(places), by, writes)
        return {"slug": self.into}


OPERATIONS: tuple[type[Operation], ...] = (
    AddDevice, ChangeDevice, LiveDevice, ReplaceDevice, AddSite, CorrectSite, RenameSite, PlaceSite, EndSite,
    MergeSites,
)  # fmt: skip
