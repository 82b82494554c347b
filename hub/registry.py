"""The registry: sites and devices, loaded from the store, and what depends on a site's place in the tree."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from devices import signboard
from devices.device import HUB, NAME, Device, Kind
from devices.lifecycle import Lifecycle
from devices.person import Person, Role
from devices.site import TIERS, Placing, Site
from hub.access import RESERVED
from hub.sun import HANOI, sun_at
from hub.views import Refused
from hub.visible import visible

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from hub.store.writer import Store, Writes
    from hub.sun import Sun

LOCAL = timezone(timedelta(hours=7), "ICT")
"""Vietnam's time; it has no summer time."""


ADDRESS = r"^(https?://([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?(/[^\s@]*)?)?$"
"""Where a device is asked; a login does not stand in it."""


Shown = Annotated[str, BeforeValidator(lambda said: visible(said) if isinstance(said, str) else said)]
"""A text that others will read."""
TAG = 40
"""Most characters of a tag."""


def _tags(said: object) -> object:
    """Each once; `;` stands between tags wherever they are written."""
    if not isinstance(said, list | tuple) or not all(isinstance(t, str) for t in said):
        return said
    return tuple(dict.fromkeys(tag for t in said for one in t.split(";") if (tag := visible(one))))


Tags = Annotated[
    tuple[Annotated[str, Field(max_length=TAG)], ...], Field(max_length=20), BeforeValidator(_tags)
]


class BadRegistry(ValueError):  # noqa: N818 - what the file is
    """A registry file that cannot be taken; nothing of it was."""


class SiteRow(BaseModel):
    """A site as in a registry file."""

    model_config = ConfigDict(extra="forbid")
    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")
    name: Shown = Field(min_length=1, max_length=120)
    tier: str
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)
    since: date | None = None
    until: date | None = None


class PlacingRow(BaseModel):
    """A place in the tree as in a registry file."""

    model_config = ConfigDict(extra="forbid")
    site: str
    parent: str
    since: date | None = None
    until: date | None = None


class DeviceRow(BaseModel):
    """A device as in a registry file.

    `password` is taken once and stored as the broker's hash, `login_password` (of a camera that is asked) is sealed.
    """

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=f"^{NAME.pattern}$")
    kind: Kind
    realm: str = Field(pattern=f"^{NAME.pattern}$")
    site: str
    title: Shown = Field(default="", max_length=120)
    interval_s: float = Field(default=60, ge=1, le=86400)
    timeout_s: float | None = Field(default=None, ge=1, le=864000)
    lifecycle: Lifecycle = Lifecycle.PLANNED
    uplink_by: str | None = None
    power_from: str | None = None
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)
    place: Shown = Field(default="", max_length=200)
    tags: Tags = ()
    driver: str = Field(default="native", max_length=40)
    nvr: str | None = None
    channel: int | None = Field(default=None, ge=1, le=4096)
    serial: Shown = Field(default="", max_length=80)
    address: str = Field(default="", max_length=200, pattern=ADDRESS)
    login: Shown = Field(default="", max_length=80)
    profile: str = Field(default="", max_length=40, pattern=r"^[a-z0-9-]*$")
    password: str = Field(default="", max_length=200, repr=False)
    login_password: str = Field(default="", max_length=200, repr=False)

    @field_validator("address")
    @classmethod
    def _leads_somewhere(cls, address: str) -> str:
        try:
            port = urlsplit(address).port
        except ValueError:
            port = 0
        if port == 0:
            raise PydanticCustomError("string_pattern_mismatch", "no such port, or no IPv6 address")
        return address

    @field_validator("profile")
    @classmethod
    def _can_be_drawn_for(cls, profile: str, info: ValidationInfo) -> str:
        if profile and info.data.get("kind") is Kind.SIGNBOARD and signboard.profile(profile) is None:
            raise PydanticCustomError("profile", "not a board's profile")
        return profile

    def to_device(self) -> Device:
        """As the hub knows it."""
        return Device(**self.model_dump(exclude={"password", "login_password"}))


def refusal(error: ErrorDetails) -> Refused:  # noqa: PLR0911 - one a reason
    """What is wrong with one field, as a sentence that people can read."""
    column, about = ".".join(str(p) for p in error["loc"] if isinstance(p, str)), error.get("ctx", {})
    match error["type"]:
        case "missing" | "string_too_short":
            return Refused("cell_missing", column=column)
        case "enum":
            return Refused("cell_one_of", column=column, known=str(about["expected"]).replace("'", ""))
        case "float_parsing" | "int_parsing" | "float_type" | "int_type" | "int_from_float":
            return Refused("cell_number", column=column)
        case "greater_than_equal":
            return Refused("cell_at_least", column=column, limit=str(about["ge"]))
        case "less_than_equal":
            return Refused("cell_at_most", column=column, limit=str(about["le"]))
        case "profile":
            return Refused("bad_profile", column=column, known=", ".join(p.name for p in signboard.USUAL))
        case "string_pattern_mismatch":
            return Refused("bad_address" if column == "address" else "cell_name", column=column)
        case "string_too_long":
            return Refused("cell_long", column=column, limit=about["max_length"])
        case "too_long":
            return Refused("cell_many", column=column, limit=about["max_length"])
    return Refused("bad_cell", column=column, why=error["msg"])


class PersonRow(BaseModel):
    """A person as in a registry file. One whose name is known already stays as they are."""

    model_config = ConfigDict(extra="forbid")
    name: Shown = Field(min_length=1, max_length=80)
    role: Role
    phone: Shown = Field(default="", max_length=20)
    site: str = ""

    def to_person(self) -> Person:
        """The person, without a number yet."""
        return Person(0, self.name, self.role, self.phone, self.site)


class RegistryFile(BaseModel):
    """A registry file."""

    model_config = ConfigDict(extra="forbid")
    sites: list[SiteRow] = []
    placings: list[PlacingRow] = []
    devices: list[DeviceRow] = []
    people: list[PersonRow] = []


def read_file(path: Path) -> RegistryFile:
    """A registry file's content. Raises BadRegistry with what is wrong and where."""
    try:
        found = RegistryFile.model_validate_json(path.read_bytes())
    except OSError as e:
        raise BadRegistry(f"cannot read {path}: {e.strerror or e}") from e
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        where = ".".join(str(p) for p in first["loc"])
        more = f" (and {e.error_count() - 1} more)" if e.error_count() > 1 else ""
        raise BadRegistry(f"{path}: {where or 'the file'}: {first['msg']}{more}") from e
    return found


def check_file(found: RegistryFile, known_sites: set[str], known_devices: set[str]) -> list[str]:
    """What is wrong between the rows of a file, one line each."""
    wrong: list[str] = []
    slugs = known_sites | {s.slug for s in found.sites}
    names = known_devices | {d.name for d in found.devices}
    twice = [slug for slug, n in Counter(s.slug for s in found.sites).items() if n > 1]
    wrong += [f"site {slug}: named twice" for slug in twice]
    wrong += [
        f"site {s.slug}: unknown tier {s.tier}, allowed are {', '.join(TIERS)}"
        for s in found.sites
        if s.tier not in TIERS
    ]
    for p in found.placings:
        wrong += [f"placing of {p.site}: no site {slug}" for slug in (p.site, p.parent) if slug not in slugs]
        if p.site == p.parent:
            wrong.append(f"placing of {p.site}: a site cannot be below itself")
    wrong += [f"person {p.name}: no site {p.site}" for p in found.people if p.site and p.site not in slugs]
    seen: set[str] = set()
    for d in found.devices:
        if d.name in seen:
            wrong.append(f"device {d.name}: named twice")
        seen.add(d.name)
        if d.name in RESERVED or d.realm == HUB:
            wrong.append(
                f"device {d.name}: the names {' and '.join(sorted(RESERVED))} and the realm {HUB} are the hub's"
            )
        if d.site not in slugs:
            wrong.append(f"device {d.name}: no site {d.site}")
        wrong += [
            f"device {d.name}: no device {by}" for by in (d.uplink_by, d.power_from) if by and by not in names
        ]
    return wrong


class Former(NamedTuple):
    """A name that a site had until a day (exclusive)."""

    name: str
    until: date


@dataclass(slots=True)
class Registry:
    """Sites and devices in memory. `ids` maps a device's name to its number in the store, `versions` to its version."""

    sites: dict[str, Site] = field(default_factory=dict)
    placings: dict[str, list[Placing]] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    former: dict[str, list[Former]] = field(default_factory=dict)
    """Names that a site had, oldest first."""

    def standing(self, day: date) -> frozenset[str]:
        """Slugs of sites that have not ended by `day`: where a device may stand."""
        return frozenset(s.slug for s in self.sites.values() if s.until is None or day < s.until)

    def named(self, slug: str, day: date) -> Site:
        """A site with the name that it had on `day`."""
        site = self.sites[slug]
        for name, until in self.former.get(slug, ()):
            if day < until:
                return replace(site, name=name)
        return site

    def parent(self, slug: str, day: date) -> str | None:
        """What a site is below on `day`."""
        return next((p.parent for p in self.placings.get(slug, ()) if p.holds(day)), None)

    def path(self, slug: str, at: int) -> tuple[Site, ...]:
        """The sites above `slug` at the instant `at` (ms), topmost first."""
        day = datetime.fromtimestamp(at / 1000, LOCAL).date()
        above: list[Site] = []
        seen = {slug}
        while True:
            parent = self.parent(slug, day)
            if parent is None or parent in seen or parent not in self.sites:
                return tuple(reversed(above))
            seen.add(parent)
            above.append(self.named(parent, day) if self.former else self.sites[parent])
            slug = parent

    def scope(self, slug: str, at: int) -> frozenset[str]:
        """A site and all above it, as slugs."""
        return frozenset({slug, *(s.slug for s in self.path(slug, at))})

    def sun(self, device: Device) -> Sun:
        """The sun over a device's site."""
        site = self.sites.get(device.site)
        lat = site.lat if site is not None and site.lat is not None else device.lat
        lon = site.lon if site is not None and site.lon is not None else device.lon
        return sun_of(lat, lon)


def midnight(at: int) -> int:
    """The instant (ms) at which the day in Vietnam began that `at` lies in."""
    day = datetime.fromtimestamp(at / 1000, LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
    return round(day.timestamp() * 1000)


def sun_of(lat: float | None, lon: float | None) -> Sun:
    """The sun over a place; where that is not known, over Hà Nội."""
    return sun_at(lat if lat is not None else HANOI[0], lon if lon is not None else HANOI[1])


_SITE = "slug, name, tier, lat, lon, since, until"
_PLACING = "site, parent, since, until"


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def load(store: Store) -> Registry:
    """Everything that is registered."""
    found = Registry()
    for slug, name, tier, lat, lon, since, until in store.each(
        "SELECT slug, name, tier, lat, lon, since, until FROM site"
    ):
        found.sites[slug] = Site(slug, name, tier, lat, lon, _day(since), _day(until))
    for site, parent, since, until in store.each(f"SELECT {_PLACING} FROM placing"):  # noqa: S608
        found.placings.setdefault(site, []).append(Placing(site, parent, _day(since), _day(until)))
    for slug, name, until in store.each("SELECT site, name, until FROM site_name ORDER BY until"):
        found.former.setdefault(slug, []).append(Former(name, date.fromisoformat(until)))
    shared: dict[str, str] = {}

    def one(text: str | None) -> str | None:
        return None if text is None else shared.setdefault(text, text)

    columns = (
        "id, name, kind, realm, site, title, interval_s, timeout_s, lifecycle, power_from, uplink_by, lat, lon, "
        "place, tags, driver, nvr, channel, serial, address, login, profile, version"
    )
    for row in store.each(f"SELECT {columns} FROM device ORDER BY id"):  # noqa: S608 - our own words
        number, name, kind, realm, site, title, interval, timeout, lifecycle = row[:9]
        (
            power,
            uplink,
            lat,
            lon,
            place,
            tags,
            driver,
            nvr,
            channel,
            serial,
            address,
            login,
            profile,
            version,
        ) = row[9:]
        found.ids[name] = number
        found.versions[name] = version
        found.devices[name] = Device(
            name, Kind(kind), one(realm) or "", one(site) or "", title, interval, timeout, Lifecycle(lifecycle),
            one(power), one(uplink), lat, lon, place, tuple(json.loads(tags)) if tags != "[]" else (),
            one(driver) or "", one(nvr), channel, serial, address, login, one(profile) or "",
        )  # fmt: skip
    return found


def put_device(writes: Writes, device: Device, password: str | None) -> None:
    """Insert or update a device; `password` is the broker's hash, None leaves it."""
    d: dict[str, Any] = asdict(device)
    d["tags"] = json.dumps(list(device.tags))
    names = list(d)
    updates = ", ".join(f"{n}=excluded.{n}" for n in names if n not in ("name", "lifecycle"))
    updates += ", version=version+1"
    sql = (
        f"INSERT INTO device ({', '.join(names)}, password) VALUES ({', '.join('?' * len(names))}, ?) "  # noqa: S608
        f"ON CONFLICT (name) DO UPDATE SET {updates}"
        + (", password=excluded.password" if password is not None else "")
    )
    writes.add(sql, *(str(v) if isinstance(v, Kind | Lifecycle) else v for v in d.values()), password or "")


def put_sites(writes: Writes, found: RegistryFile) -> None:
    """Insert or update a file's sites; a site's placings are replaced by those of the file."""
    for s in found.sites:
        writes.add(
            f"INSERT OR REPLACE INTO site ({_SITE}) VALUES (?,?,?,?,?,?,?)",  # noqa: S608
            *s.model_dump(mode="json").values(),
        )
    for slug in {p.site for p in found.placings}:
        writes.add("DELETE FROM placing WHERE site=?", slug)
    for p in found.placings:
        writes.add(
            f"INSERT INTO placing ({_PLACING}) VALUES (?,?,?,?)",  # noqa: S608
            *p.model_dump(mode="json").values(),
        )


def today(at: int) -> date:
    """The day of an instant in Vietnam."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(LOCAL).date()
