"""The past of a device: points for charts, beside its neighbours, and every reading as a file."""

import asyncio
import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from devices.device import RECORDED, Device
from hub.history.query import bucket_for
from hub.views import Core, DeviceQuery, Point
from hub.web.answers import Answer, DeviceAnswer, Ms
from hub.web.chart import DAY_MS, Window
from hub.web.pages import CoreDep, Missing

router = APIRouter(tags=["history"])

NEIGHBOURS = 8
"""So many of the same kind and site are compared with."""
LONGEST_MS = 3660 * DAY_MS
LATEST = 4_102_444_800_000
LINES = 500
Instant = Annotated[int, Field(ge=0, le=LATEST)]


class PointAnswer(Answer):
    """One bucket of a device's past."""

    at: Ms
    """Start of the bucket."""
    values: dict[str, tuple[float, float, float]]
    """Field -> lowest, mean, highest."""

    @classmethod
    def of(cls, point: Point) -> "PointAnswer":
        return cls(at=point.at, values=dict(point.values))


class HistoryAnswer(Answer):
    """A range of a device's past; empty buckets are left out."""

    since: Ms
    until: Ms
    bucket_ms: int
    points: list[PointAnswer]


class Range(BaseModel):
    """A range of time in ms since 1970: `since` up to `until` (exclusive); by default the last day."""

    since: Instant | None = None
    until: Instant | None = None

    def within(self, now: int) -> tuple[int, int]:
        """The range. Raises RequestValidationError where it is none."""
        until = now + 1 if self.until is None else self.until
        since = max(0, until - DAY_MS) if self.since is None else self.since
        if not 0 < until - since <= LONGEST_MS:
            said = f"`since` must be before `until`, and at most {LONGEST_MS // DAY_MS} days"
            raise RequestValidationError([{"loc": ("query", "since"), "msg": said, "type": "range"}])
        return since, until


class PointsRange(Range):
    """The same, and how many points at most."""

    points: Annotated[int, Field(ge=2, le=2000)] = 289


async def read(core: Core, name: str, since: int, until: int, bucket_ms: int) -> list[PointAnswer]:
    """Points of a device. Raises Missing."""
    _device(core, name)
    return [PointAnswer.of(p) for p in await core.points(name, since, until, bucket_ms)]


async def neighbours(core: Core, device: DeviceAnswer, window: Window) -> list[PointAnswer]:
    """The median of the means of those of the same kind and site, bucket by bucket; none where there are none."""
    found = core.devices(DeviceQuery(kind=device.kind, site=device.site, size=NEIGHBOURS + 1)).devices
    others = [v.device.name for v in found if v.device.name != device.name and v.device.site == device.site]
    heaps: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name in others[:NEIGHBOURS]:
        for p in await core.points(name, window.since, window.until, window.bucket_ms):
            for field, (_, mean, _) in p.values.items():
                heaps[p.at][field].append(mean)
    return [
        PointAnswer(at=at, values={f: (m := median(v), m, m) for f, v in heaps[at].items()})
        for at in sorted(heaps)
    ]


def _device(core: Core, name: str) -> Device:
    view = core.device_view(name)
    if view is None:
        raise Missing("unknown_device")
    return view.device


def _csv(core: Core, device: Device, since: int, until: int) -> Iterator[str]:
    fields = RECORDED[device.kind]
    buffer = io.StringIO()
    lines = csv.writer(buffer)
    lines.writerow(["time", "device", *(f.name for f in fields)])
    for i, (at, said) in enumerate(core.readings(device.name, since, until)):
        when = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
        lines.writerow([when, device.name, *(_cell(said.get(f.name)) for f in fields)])
        if i % LINES == LINES - 1:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _parquet(core: Core, device: Device, since: int, until: int) -> bytes:
    from hub.history.export import parquet  # noqa: PLC0415 - numpy and duckdb only where they are asked for

    return parquet(device, core.readings(device.name, since, until))


@router.get("/api/devices/{name}/history")
async def points(core: CoreDep, name: str, asked: Annotated[PointsRange, Query()]) -> HistoryAnswer:
    """Lowest, mean and highest by buckets, from what is packed and what came just now, oldest first."""
    _device(core, name)
    since, until = asked.within(core.now())
    bucket_ms = bucket_for(since, until, asked.points)
    found = await read(core, name, since, until, bucket_ms)
    return HistoryAnswer(since=since, until=until, bucket_ms=bucket_ms, points=found)


@router.get("/api/devices/{name}/export.csv", response_class=StreamingResponse)
async def export_csv(core: CoreDep, name: str, asked: Annotated[Range, Query()]) -> Response:
    """Every reading as a line, UTF-8, times in UTC; flags are 1 and 0, codes a JSON list."""
    device = _device(core, name)
    lines = _csv(core, device, *asked.within(core.now()))
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=_named(name, "csv"))


@router.get("/api/devices/{name}/export.parquet", response_class=Response)
async def export_parquet(core: CoreDep, name: str, asked: Annotated[Range, Query()]) -> Response:
    """Every reading as a Parquet file."""
    device = _device(core, name)
    since, until = asked.within(core.now())
    content = await asyncio.to_thread(_parquet, core, device, since, until)
    return Response(content, media_type="application/vnd.apache.parquet", headers=_named(name, "parquet"))


def _named(name: str, ending: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}.{ending}"'}
