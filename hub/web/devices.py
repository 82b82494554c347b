"""Devices: the list with its filters, and one device with its charts."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, Field
from starlette.responses import Response

from devices.device import FIELDS, POLLED, Device, Kind
from devices.health import WORST_FIRST, Health, Shown
from devices.transition import Transition
from hub.views import Changed, Core, DeviceDetail, DeviceQuery
from hub.web import agents, cameras, chart, history, notice_pages, programs
from hub.web.answers import (
    Answer,
    DeviceAnswer,
    IncidentAnswer,
    Ms,
    ReasonAnswer,
    Said,
    device_fields,
    devices_of,
    names_of,
)
from hub.web.chart import Span
from hub.web.language import Language
from hub.web.pages import CoreDep, Fragments, Missing, ReaderDep, draw

router = APIRouter(tags=["devices"])

PAGE = 50
WEEK_MS = 7 * 86_400_000
TIMELINE = 40


class DevicesAnswer(Answer):
    """One page of the list of devices."""

    now: Ms
    total: int
    page: int
    pages: int
    devices: list[DeviceAnswer]
    """50 a page, worst first."""


class FieldAnswer(Answer):
    """One thing a kind of device can say."""

    name: str
    type: str
    label: str
    unit: str
    low: float | None
    high: float | None
    chart: bool


class GarbledAnswer(Answer):
    """What could not be read of a device."""

    total: int
    last: str
    """A short redacted excerpt of the last one."""
    at: Ms | None


class DeviceDetailAnswer(DeviceAnswer):
    """One device as its own page shows it."""

    now: Ms
    last_seen: Ms | None
    interval_s: float
    timeout_s: float
    """Silence after which it is offline."""
    driver: str
    """How it is reached: `native` over MQTT, `onvif` where it is asked, `agent` where it asks its realm's cameras."""
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
            **device_fields(detail.view, names),
            now=now,
            last_seen=detail.last_seen,
            interval_s=device.interval_s,
            timeout_s=device.timeout_ms / 1000,
            driver=device.driver,
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


class TransitionAnswer(Answer):
    """One change of health."""

    at: Ms
    before: Health
    after: Health
    unstable: bool
    reasons: list[ReasonAnswer]

    @classmethod
    def of(cls, t: Transition) -> "TransitionAnswer":
        reasons = [ReasonAnswer.of(r) for r in t.reasons]
        return cls(at=t.at, before=t.before, after=t.after, unstable=t.unstable, reasons=reasons)


def _fields(device: Device) -> list[FieldAnswer]:
    return [
        FieldAnswer(
            name=f.name, type=f.type, label=f.label, unit=f.unit, low=f.low, high=f.high, chart=f.chart
        )
        for f in FIELDS[device.kind]
    ]


def _chosen(value: object) -> object:
    return value or None  # a form sends an untouched choice empty


class Filters(BaseModel):
    """Filters of the list, as the address gives them; empty means any."""

    q: Annotated[
        str, Field(max_length=100, description="found in name, title, place; diacritics may be left out")
    ] = ""
    kind: Annotated[Kind | None, BeforeValidator(_chosen)] = None
    site: Annotated[str, Field(max_length=80, description="a site and all below it")] = ""
    shown: Annotated[Shown | None, BeforeValidator(_chosen)] = None
    page: Annotated[int, Field(ge=1, le=100_000)] = 1

    def query(self) -> DeviceQuery:
        """What the hub is asked."""
        text = " ".join(self.q.split())
        return DeviceQuery(text, self.kind or "", self.site, self.shown or "", self.page, PAGE)

    def address(self, page: int) -> str:
        """The address of another page of the same list."""
        kept = {
            "q": self.q,
            "kind": self.kind,
            "site": self.site,
            "shown": self.shown,
            "page": page if page > 1 else "",
        }
        query = urlencode({k: str(v) for k, v in kept.items() if v})
        return f"/devices?{query}" if query else "/devices"


def read(core: Core, filters: Filters) -> DevicesAnswer:
    """The list and its JSON twin."""
    found = core.devices(filters.query())
    return DevicesAnswer.model_construct(
        now=core.now(),
        total=found.total,
        page=found.page,
        pages=found.pages,
        devices=devices_of(found.devices, names_of(core)),
    )


def read_one(core: Core, name: str) -> DeviceDetailAnswer:
    """One device and its JSON twin. Raises Missing."""
    detail = core.device(name)
    if detail is None:
        raise Missing("unknown_device")
    return DeviceDetailAnswer.of_detail(detail, names_of(core), core.now())


async def read_transitions(core: Core, name: str, since: int, limit: int) -> list[TransitionAnswer]:
    """Its changes of health, newest first. Raises Missing."""
    _known(core, name)
    found = await core.transitions(name, since=since, limit=limit)
    return sorted((TransitionAnswer.of(t) for t in found), key=lambda t: -t.at)


async def fragments(core: Core, lang: Language, key: str) -> Fragments:
    """The parts that stream; the drawings are made anew with the page."""
    answer = read_one(core, key)
    timeline = await read_transitions(core, key, core.now() - WEEK_MS, TIMELINE)
    parts = ("head", "values", "program", "incidents", "timeline", "children", "facts")
    about = {"device": answer, "timeline": timeline, "program": programs.following(core, key)}
    drawn = {f"device-{part}": draw(f"parts/device_{part}.html", core, lang, **about) for part in parts}
    drawn |= notice_pages.fragment(core, lang, key)
    drawn |= agents.fragment(core, lang, key, answer.driver)
    return drawn | await cameras.fragment(core, lang, key)


def touches(_core: Core, changed: Changed, key: str) -> bool:
    """True where the device changed, or an incident that may be its own."""
    return changed.all or key in changed.devices or bool(changed.incidents)


def _known(core: Core, name: str) -> None:
    if core.device_view(name) is None:
        raise Missing("unknown_device")


def _choices(core: Core) -> dict[str, Any]:
    return {
        "kinds": [kind for kind in Kind if kind is not Kind.HUB],
        "states": WORST_FIRST,
        "sites": core.site_names(),
    }


@router.get("/devices", include_in_schema=False)
async def page(reader: ReaderDep, filters: Annotated[Filters, Query()]) -> Response:
    """The page."""
    answer = read(reader.core, filters)
    return reader.page("devices.html", answer=answer, filters=filters, **_choices(reader.core))


@router.get("/devices/{name}", include_in_schema=False)
async def page_of_one(
    reader: ReaderDep, name: str, span: Annotated[Span, Query(alias="range")] = Span.DAY
) -> Response:
    """The page of one."""
    core = reader.core
    device = read_one(core, name)
    parts = await fragments(core, reader.lang, name)
    site = core.site(device.site)
    night = (site.sunset, site.sunrise) if site and site.sunset and site.sunrise else None
    window = chart.Window.of(span, device.now)
    points = await history.read(core, name, window.since, window.until, window.bucket_ms)
    beside = await history.neighbours(core, device, window) if span in (Span.HOUR, Span.DAY) else []
    drawn = chart.charts(device.kind, points, window, night, beside)
    return reader.page(
        "device.html",
        live=f"device:{name}",
        fragments=parts,
        device=device,
        site=site,
        charts=drawn,
        window=window,
        spans=Span,
        morrow=programs.morrow(core) if device.kind is Kind.SOLAR_LIGHT else "",
        access=None if device.kind is Kind.HUB or device.driver in POLLED else core.enrolment.access(name),
    )


@router.get("/api/devices")
async def devices(core: CoreDep, filters: Annotated[Filters, Query()]) -> DevicesAnswer:
    """Registered devices, worst first, 50 a page; the same filters as the page."""
    return read(core, filters)


@router.get("/api/devices/{name}")
async def device(core: CoreDep, name: str) -> DeviceDetailAnswer:
    """One device: state, reasons, last values, what it hangs on and what hangs on it."""
    return read_one(core, name)


@router.get("/api/devices/{name}/transitions")
async def transitions(
    core: CoreDep,
    name: str,
    since: Annotated[int, Query(ge=0, description="ms since 1970")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[TransitionAnswer]:
    """Its changes of health, newest first."""
    return await read_transitions(core, name, since, limit)
