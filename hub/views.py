"""What pages, streams and the API may see and do: plain values, and one protocol.

The web imports this and nothing deeper of the hub; the composition root hands it a `Core`. Times are ms since
1970 in hub time (`Core.now`). Everything synchronous here answers from memory in microseconds and may be called
on the event loop; everything async touches the database or waits for a commit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from devices.health import Shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from devices.device import Device, Kind
    from devices.field import Value
    from devices.health import Health, Reason
    from devices.lifecycle import Lifecycle
    from devices.person import By
    from devices.transition import Transition
    from hub.agents import Agents
    from hub.audit import Trail
    from hub.cameras import Cameras
    from hub.enrolment import Enrolment
    from hub.links import Links
    from hub.notices.views import Notices
    from hub.notices.visits import Visits
    from hub.people import People
    from hub.programs import Programs
    from hub.registry_desk import RegistryDesk

Text = dict[str, str]
"""One text in every language: {"vi": ..., "en": ...}."""

Counts = dict["Kind", dict[Shown, int]]


class Refused(Exception):  # noqa: N818 - it says what happened to the request
    """A request that cannot be carried out; `code` names a sentence, `about` fills it. Nothing was changed."""

    def __init__(self, code: str, **about: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.about = about


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device as lists show it. `since` is when `shown` began."""

    device: Device
    lifecycle: Lifecycle
    shown: Shown
    health: Health
    unstable: bool
    since: int | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class DeviceDetail:
    """One device as its own page shows it. `values` are the last known, by field name, `values_at` their time."""

    view: DeviceView
    last_seen: int | None
    values: Mapping[str, Value]
    values_at: int | None
    facts: Mapping[str, Value]
    model: str
    firmware: str
    boot: int | None
    garbled_total: int
    garbled_last: str
    garbled_at: int | None
    duplicates: int
    children: tuple[DeviceView, ...]
    incidents: tuple[IncidentView, ...]
    firmware_since: int | None = None
    """When it was first heard to run this firmware."""


@dataclass(frozen=True, slots=True)
class SiteView:
    """One site with everything below it. `path` is its ancestors, topmost first, as (slug, name) valid today."""

    slug: str
    name: str
    tier: str
    path: tuple[tuple[str, str], ...]
    lat: float | None
    lon: float | None
    total: int
    counts: Counts
    worst: Shown
    incidents: int
    sunset: int | None = None
    sunrise: int | None = None
    ended: bool = False
    """It is no more: merged into another, or abolished."""


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident. `state`: forming | open | recovering | closed."""

    id: int
    state: str
    severity: Shown
    devices: tuple[str, ...]
    site: str
    site_name: str
    rule: str
    title: Text
    detail: Text
    opened_at: int
    recovering_at: int | None = None
    closed_at: int | None = None
    accepted_by: str = ""
    accepted_at: int | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a story. `what`: opened | severity | accepted | comment | recovering | reopened | closed."""

    at: int
    what: str
    who: str = ""
    text: str = ""


class Recorded(NamedTuple):
    """Of the cameras in use that are asked: how many record, do not, and cannot tell (or do not answer)."""

    yes: int
    no: int
    unknown: int


NOBODY_ASKED = Recorded(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole district now: incidents that are not closed, and sites that hold devices, both worst first."""

    now: int
    incidents: tuple[IncidentView, ...]
    sites: tuple[SiteView, ...]
    counts: Counts
    caught_up: bool
    recording: Recorded = NOBODY_ASKED


@dataclass(frozen=True, slots=True)
class Pending:
    """A device that said hello and is not registered."""

    name: str
    realm: str
    claim: Mapping[str, str]
    first_at: int
    last_at: int
    times: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often something happened to a message since the hub started (accepted, duplicate, garbled, ...)."""

    name: str
    count: int
    last_at: int | None
    last_about: str


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule as loaded. `title` leaves the device out; `quarantined` is the error that stopped it, if any."""

    id: str
    source: str
    kinds: tuple[str, ...]
    title: Text
    open_alerts: int
    quarantined: str = ""


@dataclass(frozen=True, slots=True)
class InfluxView:
    """How writing to InfluxDB goes. `why`: the last error while it is not up; `behind`: rows still to write.

    `missed`: rows that the journal did not keep for it.
    """

    url: str
    up: bool = True
    why: str = ""
    written: int = 0
    refused: int = 0
    refused_at: int | None = None
    refused_why: str = ""
    behind: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What the packed past takes of the disk, in MB. `day_mb`: the mean of the last seven days that are over.

    `since`: its first day, 2026-11-24, empty where there is none; `behind`: journal rows that are not packed yet;
    `missed`: rows that the cap on the journal's size took before they were packed, since the hub's start.
    """

    readings_mb: float
    rollups_mb: float
    day_mb: float
    since: str
    behind: int
    missed: int


@dataclass(frozen=True, slots=True)
class OutsideView:
    """The outside door. `address`: what links begin with; `days_left` of its certificate, None without one."""

    on: bool = False
    address: str = ""
    tls: bool = False
    days_left: int | None = None


@dataclass(frozen=True, slots=True)
class HubView:
    """The hub's own health: its device, and the parts people ask about."""

    detail: DeviceDetail
    version: str
    started_at: int
    broker: str
    broker_kind: str
    caught_up: bool
    deaf: Sequence[tuple[int, int | None, str]]
    outcomes: Sequence[Outcome]
    rules: Sequence[RuleView]
    journal_rows: int
    journal_mb: float
    checkpoint_at: int | None
    clock_shift_s: float
    clock_rate: float
    secrets_trouble: str = ""
    """Stored secrets cannot be opened, their key is `lost`, `wrong` or `unreadable`; else empty."""
    influx: InfluxView | None = None
    """None where it is not set."""
    history: HistoryView | None = None
    """None in the first moments."""
    outside: OutsideView = OutsideView()
    boards: Mapping[str, int] = field(default_factory=dict)
    """Work done for boards since the start: frames_rendered (fallbacks), payloads_built, published."""


@dataclass(frozen=True, slots=True)
class DeviceQuery:
    """Filters of a device list; empty means any. `text`: in name, title or place, with or without diacritics."""

    text: str = ""
    kind: str = ""
    site: str = ""
    shown: str = ""
    page: int = 1
    size: int = 50


@dataclass(frozen=True, slots=True)
class DevicePage:
    """One page of a device list, worst first, then by name."""

    devices: tuple[DeviceView, ...]
    total: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Point:
    """Down-sampled readings of one device over one bucket: field -> (lowest, mean, highest)."""

    at: int
    values: Mapping[str, tuple[float, float, float]]


@dataclass(slots=True)
class Changed:
    """What changed since the last look. `all` means: read everything anew."""

    devices: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)
    incidents: set[int] = field(default_factory=set)
    pending: bool = False
    hub: bool = False
    notices: bool = False
    all: bool = False


class Watch(Protocol):
    """One reader's view of what changes; what it does not fetch in time coalesces, so it never grows without bound."""

    async def changed(self) -> Changed:
        """Wait until something changed, then take all of it."""


class Core(Protocol):
    """The hub as pages see it."""

    @property
    def lights(self) -> Programs: ...
    @property
    def enrolment(self) -> Enrolment: ...
    @property
    def people(self) -> People: ...
    @property
    def audit(self) -> Trail: ...
    @property
    def links(self) -> Links: ...
    @property
    def cameras(self) -> Cameras: ...
    @property
    def notices(self) -> Notices: ...
    @property
    def agents(self) -> Agents: ...
    @property
    def visits(self) -> Visits: ...

    @property
    def registry(self) -> RegistryDesk: ...
    def now(self) -> int: ...
    def overview(self) -> Overview: ...
    def site(self, slug: str) -> SiteView | None: ...
    def sites_below(self, slug: str) -> tuple[SiteView, ...]: ...
    def empty_places(self) -> tuple[SiteView, ...]:
        """Sites of today that are somewhere, and hold neither devices nor other sites."""

    def site_names(self) -> tuple[tuple[str, str], ...]:
        """Every site valid today as (slug, name), also those without devices, in the order of the tree."""

    def devices(self, query: DeviceQuery) -> DevicePage: ...
    def device(self, name: str) -> DeviceDetail | None: ...
    def device_view(self, name: str) -> DeviceView | None: ...
    def incident(self, number: int) -> IncidentView | None:
        """An incident that is not closed, or was closed lately; None: ask `past_incident`."""

    def pending(self) -> tuple[Pending, ...]: ...
    def hub(self) -> HubView: ...
    def watch(self) -> AbstractContextManager[Watch]: ...

    async def incidents(self, *, before: int | None, limit: int) -> Sequence[IncidentView]:
        """Incidents newest first, closed ones too; `before` is the id to go on from."""

    async def past_incident(self, number: int) -> IncidentView | None: ...
    async def incident_log(self, number: int) -> Sequence[LogLine]: ...
    async def transitions(self, device: str, *, since: int, limit: int) -> Sequence[Transition]: ...
    async def points(self, device: str, since: int, until: int, bucket_ms: int) -> Sequence[Point]:
        """The device's readings in [since, until) by buckets, oldest first; empty buckets are left out."""

    def readings(self, device: str, since: int, until: int) -> Iterator[tuple[int, dict[str, Value]]]:
        """Every reading in [since, until) by time, whole. For a worker thread."""

    async def accept(self, number: int, by: By, comment: str) -> IncidentView:
        """This person deals with it. Raises Refused: unknown_incident, incident_closed, already_accepted (by)."""

    async def comment(self, number: int, by: By, text: str) -> None:
        """Add a line to an incident's story. Raises Refused (unknown_incident)."""
