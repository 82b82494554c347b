"""Nhật ký thay đổi: who did what, when, from where, with what was before and after; and its export."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response, StreamingResponse

from hub.audit import Entry, Wanted
from hub.registry_csv import safe
from hub.views import Core
from hub.web.answers import Answer, Before, Ms
from hub.web.language import ZONE, local
from hub.web.pages import CoreDep, ReaderDep

router = APIRouter(tags=["audit"])

PAGE = 50
COLUMNS = ("id", "time", "person", "address", "action", "subject", "before", "after")
Text = Annotated[str, Query(max_length=120)]
Day = Annotated[date | None, Query(description="a day in Vietnam, YYYY-MM-DD")]


class EntryAnswer(Answer):
    """One change."""

    id: int
    at: Ms
    person: str
    address: str
    action: str
    subject: str
    """`noun:name`, such as `device:tt-l017`."""
    before: dict[str, Any]
    after: dict[str, Any]

    @classmethod
    def of(cls, e: Entry) -> "EntryAnswer":
        return cls(
            id=e.id, at=e.at, person=e.person, address=e.address, action=e.action, subject=e.subject, before=e.before,
            after=e.after,
        )  # fmt: skip


class AuditAnswer(Answer):
    """A page of the audit, newest first."""

    now: Ms
    entries: list[EntryAnswer]
    before: int | None
    """Give this as `before` for the next ones; null when there are none."""


class Filters:
    """What the address asks for; `since` and `until` are days, both included."""

    def __init__(
        self, person: Text = "", subject: Text = "", action: Text = "", since: Day = None, until: Day = None
    ) -> None:
        self.person, self.subject, self.action = person.strip(), subject.strip(), action.strip()
        self.since, self.until = since, until

    def wanted(self) -> Wanted:
        """For the trail."""
        end = self.until + timedelta(days=1) if self.until and self.until < date.max else None
        return Wanted(self.person, self.subject, self.action, _ms(self.since), _ms(end))

    def address(self, path: str, **more: object) -> str:
        """An address with the same filters."""
        said = {k: str(v) for k, v in ({**vars(self)} | more).items() if v}
        return f"{path}?{urlencode(said)}" if said else path


FiltersDep = Annotated[Filters, Depends(Filters)]


def _ms(day: date | None) -> int | None:
    if day is None or day.year < 1970:  # noqa: PLR2004 - where time begins
        return None
    return int(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp() * 1000)


async def read(core: Core, filters: Filters, before: int | None) -> AuditAnswer:
    """The page and its JSON twin."""
    found = await core.audit.read(filters.wanted(), before, PAGE + 1)
    more = found[PAGE - 1].id if len(found) > PAGE else None
    entries = [EntryAnswer.of(e) for e in found[:PAGE]]
    return AuditAnswer(now=core.now(), entries=entries, before=more)


def _cells(e: Entry) -> list[str]:
    sides = [json.dumps(side, ensure_ascii=False) if side else "" for side in (e.before, e.after)]
    texts = (local(e.at).isoformat(timespec="seconds"), e.person, e.address, e.action, e.subject, *sides)
    return [str(e.id), *map(safe, texts)]


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


async def _csv(core: Core, wanted: Wanted) -> AsyncIterator[str]:
    yield "\ufeff" + _line(list(COLUMNS))
    async for entry in core.audit.each(wanted):
        yield _line(_cells(entry))


async def _lines(core: Core, wanted: Wanted) -> AsyncIterator[str]:
    async for entry in core.audit.each(wanted):
        yield EntryAnswer.of(entry).model_dump_json() + "\n"


def _file(body: AsyncIterator[str], media: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return StreamingResponse(body, media_type=f"{media}; charset=utf-8", headers=headers)


@router.get("/audit", include_in_schema=False)
async def page(reader: ReaderDep, filters: FiltersDep, before: Before = None) -> Response:
    """The page."""
    answer = await read(reader.core, filters, before)
    return reader.page(
        "audit.html", answer=answer, filters=filters, people=[p.name for p in reader.core.people.all()]
    )


@router.get("/audit.csv", include_in_schema=False)
async def as_csv(core: CoreDep, filters: FiltersDep) -> Response:
    """Everything the filters let through, for a spreadsheet."""
    return _file(_csv(core, filters.wanted()), "text/csv", "audit.csv")


@router.get("/audit.jsonl", include_in_schema=False)
async def as_lines(core: CoreDep, filters: FiltersDep) -> Response:
    """The same, one JSON object a line."""
    return _file(_lines(core, filters.wanted()), "application/x-ndjson", "audit.jsonl")


@router.get("/api/audit")
async def audit(core: CoreDep, filters: FiltersDep, before: Before = None) -> AuditAnswer:
    """Who changed what, newest first, 50 at a time. `subject` and `action` may be a beginning (`device:`)."""
    return await read(core, filters, before)
