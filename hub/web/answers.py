"""Answers: what the API says, as typed models. A page draws the very answer that its JSON twin sends.

Times are ms since 1970 in hub time; texts are given in every language.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from devices.device import FIELDS, Device, Kind
from devices.health import Health, Reason, Shown
from devices.lifecycle import Lifecycle
from devices.transition import Transition
from hub.views import (
    Core,
    DeviceDetail,
    DeviceView,
    HubView,
    IncidentView,
    LogLine,
    Outcome,
    Overview,
    Pending,
    Point,
    RuleView,
    SiteView,
)

Ms = Annotated[int, Field(description="ms since 1970, hub time")]
Said = float | int | bool | list[str]
Texts = Annotated[dict[str, str], Field(description="one text in every language, by its code")]
Counts = Annotated[dict[Kind, dict[Shown, int]], Field(description="devices by kind and state")]


class Answer(BaseModel):
    """What every answer shares: it does not change once made."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class ReasonAnswer(Answer):
    code: str
    """`never_seen`, `silent`, `link_lost`, `gateway_silent`, or a rule's id."""
    about: dict[str, str | int | float | bool | None]

    @classmethod
    def of(cls, reason: Reason) -> "ReasonAnswer":
        return cls.model_construct(code=reason.code, about=dict(reason.about))


class DeviceAnswer(Answer):
    name: str
    title: str
    kind: Kind
    realm: str
    site: str
    site_name: str
    place: str
    lifecycle: Lifecycle
    shown: Shown
    """What a page shows: one word for lifecycle, health and the flag `unstable` together."""
    health: Health
    unstable: bool
    since: Ms | None
    reasons: list[ReasonAnswer]

    @property
    def called(self) -> str:
        """What people call it."""
        return self.title or self.name

    @classmethod
    def of(cls, view: DeviceView, names: Mapping[str, str]) -> "DeviceAnswer":
        return cls.model_construct(**_device(view, names))


class IncidentAnswer(Answer):
    id: int
    state: str
    """forming, open, recovering or closed."""
    severity: Shown
    devices: list[str]
    site: str
    site_name: str
    rule: str
    title: Texts
    detail: Texts
    opened_at: Ms
    recovering_at: Ms | None
    closed_at: Ms | None
    accepted_by: str
    accepted_at: Ms | None

    @classmethod
    def of(cls, view: IncidentView) -> "IncidentAnswer":
        fields = {name: getattr(view, name) for name in cls.model_fields}
        return cls.model_construct(**fields | {"devices": list(view.devices)})


class PlaceAnswer(Answer):
    slug: str
    name: str


class SiteAnswer(Answer):
    slug: str
    name: str
    tier: str
    path: list[PlaceAnswer]
    """Its ancestors, topmost first."""
    lat: float | None
    lon: float | None
    total: int
    counts: Counts
    worst: Shown
    incidents: int
    """Open incidents here and below."""
    sunset: Ms | None
    sunrise: Ms | None

    @classmethod
    def of(cls, view: SiteView) -> "SiteAnswer":
        fields = {name: getattr(view, name) for name in cls.model_fields}
        path = [PlaceAnswer.model_construct(slug=slug, name=name) for slug, name in view.path]
        return cls.model_construct(**fields | {"path": path})


class OverviewAnswer(Answer):
    now: Ms
    caught_up: bool
    """False while the hub reads what it missed: what is shown may be old."""
    counts: Counts
    pending: int
    """Devices that wait for approval."""
    incidents: list[IncidentAnswer]
    """Those not closed, worst first."""
    sites: list[SiteAnswer]
    """Those that hold devices, worst first."""

    @classmethod
    def of(cls, view: Overview, pending: int) -> "OverviewAnswer":
        return cls.model_construct(
            now=view.now,
            caught_up=view.caught_up,
            counts=view.counts,
            pending=pending,
            incidents=[IncidentAnswer.of(i) for i in view.incidents],
            sites=[SiteAnswer.of(s) for s in view.sites],
        )


class SitePageAnswer(Answer):
    now: Ms
    site: SiteAnswer
    below: list[SiteAnswer]
    incidents: list[IncidentAnswer]
    devices: list[DeviceAnswer]
    """Of a village all (at most 200), of a larger unit those that do not work (at most 50), worst first."""


class DevicesAnswer(Answer):
    now: Ms
    total: int
    page: int
    pages: int
    devices: list[DeviceAnswer]
    """50 a page, worst first."""


class FieldAnswer(Answer):
    name: str
    type: str
    label: str
    unit: str
    low: float | None
    high: float | None
    chart: bool


class GarbledAnswer(Answer):
    total: int
    last: str
    """A short redacted excerpt of the last one."""
    at: Ms | None


class DeviceDetailAnswer(DeviceAnswer):
    now: Ms
    last_seen: Ms | None
    interval_s: float
    timeout_s: float
    """Silence after which it is offline."""
    power_from: str | None
    uplink_by: str | None
    tags: list[str]
    model: str
    firmware: str
    boot: int | None
    fields: list[FieldAnswer]
    """What this kind can say."""
    values: dict[str, Said]
    """The last known value of each field."""
    values_at: Ms | None
    facts: dict[str, Said]
    garbled: GarbledAnswer
    duplicates: int
    children: list[DeviceAnswer]
    incidents: list[IncidentAnswer]

    @classmethod
    def of_detail(cls, detail: DeviceDetail, names: Mapping[str, str], now: int) -> "DeviceDetailAnswer":
        device = detail.view.device
        return cls.model_construct(
            **_device(detail.view, names),
            now=now,
            last_seen=detail.last_seen,
            interval_s=device.interval_s,
            timeout_s=device.timeout_ms / 1000,
            power_from=device.power_from,
            uplink_by=device.uplink_by,
            tags=list(device.tags),
            model=detail.model,
            firmware=detail.firmware,
            boot=detail.boot,
            fields=_fields(device),
            values=dict(detail.values),
            values_at=detail.values_at,
            facts=dict(detail.facts),
            garbled=GarbledAnswer(total=detail.garbled_total, last=detail.garbled_last, at=detail.garbled_at),
            duplicates=detail.duplicates,
            children=[DeviceAnswer.of(child, names) for child in detail.children],
            incidents=[IncidentAnswer.of(i) for i in detail.incidents],
        )


class PointAnswer(Answer):
    at: Ms
    """Start of the 5-minute bucket."""
    values: dict[str, tuple[float, float, float]]
    """Field -> lowest, mean, highest."""

    @classmethod
    def of(cls, point: Point) -> "PointAnswer":
        return cls(at=point.at, values=dict(point.values))


class TransitionAnswer(Answer):
    at: Ms
    before: Health
    after: Health
    unstable: bool
    reasons: list[ReasonAnswer]

    @classmethod
    def of(cls, t: Transition) -> "TransitionAnswer":
        reasons = [ReasonAnswer.of(r) for r in t.reasons]
        return cls(at=t.at, before=t.before, after=t.after, unstable=t.unstable, reasons=reasons)


class LogAnswer(Answer):
    at: Ms
    what: str
    """opened, severity, accepted, comment, recovering, reopened or closed."""
    who: str
    text: str

    @classmethod
    def of(cls, line: LogLine) -> "LogAnswer":
        return cls(at=line.at, what=line.what, who=line.who, text=line.text)


class IncidentPageAnswer(IncidentAnswer):
    now: Ms
    members: list[DeviceAnswer]
    """Its devices as they are now (at most 100)."""
    story: list[LogAnswer]


class IncidentsAnswer(Answer):
    now: Ms
    open: list[IncidentAnswer]
    """Those not closed, worst first."""
    past: list[IncidentAnswer]
    """Newest first, from `before` on."""
    before: int | None
    """Give this as `before` for the next ones; null when there are none."""


class PendingAnswer(Answer):
    name: str
    realm: str
    claim: dict[str, str]
    first_at: Ms
    last_at: Ms
    times: int

    @classmethod
    def of(cls, p: Pending) -> "PendingAnswer":
        return cls(**{name: getattr(p, name) for name in cls.model_fields} | {"claim": dict(p.claim)})


class PendingsAnswer(Answer):
    now: Ms
    pending: list[PendingAnswer]


class ApprovedAnswer(Answer):
    name: str
    password: str
    """Its broker password. It is told this once and stored nowhere in clear."""


class OutcomeAnswer(Answer):
    name: str
    count: int
    last_at: Ms | None
    last_about: str

    @classmethod
    def of(cls, o: Outcome) -> "OutcomeAnswer":
        return cls(name=o.name, count=o.count, last_at=o.last_at, last_about=o.last_about)


class RuleAnswer(Answer):
    id: str
    source: str
    kinds: list[str]
    title: Texts
    open_alerts: int
    quarantined: str
    """The error that stopped it; empty while it runs."""

    @classmethod
    def of(cls, r: RuleView) -> "RuleAnswer":
        return cls(**{name: getattr(r, name) for name in cls.model_fields} | {"kinds": list(r.kinds)})


class DeafAnswer(Answer):
    since: Ms
    until: Ms | None
    why: str


class HubAnswer(Answer):
    device: DeviceDetailAnswer
    version: str
    started_at: Ms
    broker: str
    broker_kind: str
    caught_up: bool
    deaf: list[DeafAnswer]
    """Spans in which the hub could not hear."""
    outcomes: list[OutcomeAnswer]
    rules: list[RuleAnswer]
    journal_rows: int
    journal_mb: float
    checkpoint_at: Ms | None
    clock_shift_s: float
    clock_rate: float

    @classmethod
    def of(cls, view: HubView, names: Mapping[str, str], now: int) -> "HubAnswer":
        made: dict[str, object] = {
            "device": DeviceDetailAnswer.of_detail(view.detail, names, now),
            "deaf": [DeafAnswer(since=a, until=b, why=w) for a, b, w in view.deaf],
            "outcomes": [OutcomeAnswer.of(o) for o in view.outcomes],
            "rules": [RuleAnswer.of(r) for r in view.rules],
        }
        plain = {name: getattr(view, name) for name in cls.model_fields if name not in made}
        return cls.model_validate(plain | made)


class ProblemAnswer(Answer):
    code: str
    message: str
    """A sentence in the reader's language."""


def names_of(core: Core) -> dict[str, str]:
    """Site slug -> name."""
    return dict(core.site_names())


def devices_of(views: Iterable[DeviceView], names: Mapping[str, str]) -> list[DeviceAnswer]:
    """Answers for a list of devices."""
    return [DeviceAnswer.of(view, names) for view in views]


def _device(view: DeviceView, names: Mapping[str, str]) -> dict[str, object]:
    device = view.device
    return {
        "name": device.name,
        "title": device.title,
        "kind": device.kind,
        "realm": device.realm,
        "site": device.site,
        "site_name": names.get(device.site, device.site),
        "place": device.place,
        "lifecycle": view.lifecycle,
        "shown": view.shown,
        "health": view.health,
        "unstable": view.unstable,
        "since": view.since,
        "reasons": [ReasonAnswer.of(r) for r in view.reasons],
    }


def _fields(device: Device) -> list[FieldAnswer]:
    return [
        FieldAnswer(name=f.name, type=f.type, label=f.label, unit=f.unit, low=f.low, high=f.high, chart=f.chart)
        for f in FIELDS[device.kind]
    ]
