"""Incidents: what is open, what was, and one of them with its story; accept and comment."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from devices.person import By
from hub import typed
from hub.views import Changed, Core, IncidentView, LogLine, Refused
from hub.web.answers import HIGHEST, Answer, Before, DeviceAnswer, IncidentAnswer, Ms, ProblemAnswer, names_of
from hub.web.language import Language
from hub.web.pages import ByDep, CoreDep, Fragments, Missing, Reader, ReaderDep, draw

router = APIRouter(tags=["incidents"])

PAGE = 50
MEMBERS = 100

Number = Annotated[int, Path(le=HIGHEST)]
_REFUSALS: dict[int | str, dict[str, object]] = {409: {"model": ProblemAnswer}, 404: {"model": ProblemAnswer}}


class LogAnswer(Answer):
    """One line of an incident's story."""

    at: Ms
    what: str
    """opened, severity, accepted, comment, recovering, reopened or closed."""
    who: str
    text: str

    @classmethod
    def of(cls, line: LogLine) -> "LogAnswer":
        return cls(at=line.at, what=line.what, who=line.who, text=line.text)


class IncidentPageAnswer(IncidentAnswer):
    """One incident with its devices and its story."""

    now: Ms
    members: list[DeviceAnswer]
    """Its devices as they are now (at most 100)."""
    story: list[LogAnswer]


class IncidentsAnswer(Answer):
    """What is open, and what was."""

    now: Ms
    open: list[IncidentAnswer]
    """Those not closed, worst first."""
    past: list[IncidentAnswer]
    """Newest first, from `before` on."""
    before: int | None
    """Give this as `before` for the next ones; null when there are none."""


class Accept(BaseModel):
    """Who deals with an incident. Text fields are cleaned of unseen characters."""

    who: Annotated[str, Field(description="a person's name, where the header does not say it")] = ""
    comment: Annotated[str, Field(description="at most 1000 characters")] = ""


class Comment(BaseModel):
    """A line for an incident's story."""

    who: Annotated[str, Field(description="a person's name, where the header does not say it")] = ""
    text: Annotated[str, Field(description="at most 1000 characters")]


async def read(core: Core, before: int | None = None) -> IncidentsAnswer:
    """The list and its JSON twin."""
    found = list(await core.incidents(before=before, limit=PAGE + 1))
    more = found[PAGE - 1].id if len(found) > PAGE else None
    return IncidentsAnswer.model_construct(
        now=core.now(),
        open=[IncidentAnswer.of(i) for i in core.overview().incidents],
        past=[IncidentAnswer.of(i) for i in found[:PAGE] if i.state == "closed"],
        before=more,
    )


async def read_one(core: Core, number: int) -> IncidentPageAnswer:
    """One incident and its JSON twin. Raises Missing."""
    incident = await _find(core, number)
    names = names_of(core)
    views = [core.device_view(name) for name in incident.devices[:MEMBERS]]
    return IncidentPageAnswer.model_construct(
        **dict(IncidentAnswer.of(incident)),
        now=core.now(),
        members=[DeviceAnswer.of(v, names) for v in views if v is not None],
        story=[LogAnswer.of(line) for line in await core.incident_log(number)],
    )


async def fragments(core: Core, lang: Language, _key: str = "") -> Fragments:
    """The open ones; the past does not change."""
    answer = await read(core)
    return {"incidents-open": draw("parts/incidents_open.html", core, lang, answer=answer)}


async def fragments_of_one(core: Core, lang: Language, key: str) -> Fragments:
    """Head, devices and story; the forms stay as they are, somebody may be writing."""
    if not key.isdecimal():
        raise Missing("unknown_incident")
    answer = await read_one(core, int(key))
    parts = ("head", "story", "devices")
    return {
        f"incident-{part}": draw(f"parts/incident_{part}.html", core, lang, incident=answer) for part in parts
    }


def touches(_core: Core, changed: Changed, _key: str) -> bool:
    """Any incident shows in the list."""
    return changed.all or bool(changed.incidents)


def touches_one(_core: Core, changed: Changed, key: str) -> bool:
    """True where the incident changed, or perhaps a device in it."""
    return changed.all or int(key) in changed.incidents or bool(changed.devices)


async def accept(core: Core, number: int, said: Accept, by: By) -> IncidentView:
    """Accept for a named person. Raises Missing, Refused."""
    await _find(core, number)
    return await core.accept(number, _named(by), typed.lines(said.comment))


async def comment(core: Core, number: int, said: Comment, by: By) -> None:
    """Add a comment of a named person. Raises Missing, Refused."""
    await _find(core, number)
    await core.comment(number, _named(by), typed.comment(said.text))


def _named(by: By) -> By:
    """Somebody with a name. Raises Refused."""
    typed.name(by.person)
    return by


async def _find(core: Core, number: int) -> IncidentView:
    incident = core.incident(number) or await core.past_incident(number)
    if incident is None:
        raise Missing("unknown_incident")
    return incident


async def _page_of_one(
    reader: Reader, number: int, *, error: Refused | None = None, form: str = "", **said: str
) -> Response:
    parts = await fragments_of_one(reader.core, reader.lang, str(number))
    answer = await read_one(reader.core, number)
    said = {"comment": "", "text": ""} | said
    about = {"incident": answer, "error": error, "form": form, "said": said}
    live = f"incident:{number}"
    return reader.page("incident.html", live=live, fragments=parts, status=409 if error else 200, **about)


@router.get("/incidents", include_in_schema=False)
async def page(reader: ReaderDep, before: Before = None) -> Response:
    """The page."""
    answer = await read(reader.core, before)
    parts = await fragments(reader.core, reader.lang)
    older = f"/incidents?{urlencode({'before': answer.before})}" if answer.before else ""
    return reader.page(
        "incidents.html", live="incidents", fragments=parts, answer=answer, older=older, before=before
    )


@router.get("/incidents/{number}", include_in_schema=False)
async def page_of_one(reader: ReaderDep, number: Number) -> Response:
    """The page of one."""
    return await _page_of_one(reader, number)


@router.post("/incidents/{number}/accept", include_in_schema=False)
async def accept_by_form(reader: ReaderDep, number: Number, said: Annotated[Accept, Form()]) -> Response:
    """The form on the page; what was typed stays when it is refused."""
    try:
        await accept(reader.core, number, said, reader.by)
    except Refused as error:
        return await _page_of_one(reader, number, error=error, form="accept", comment=said.comment)
    return reader.go(f"/incidents/{number}")


@router.post("/incidents/{number}/comment", include_in_schema=False)
async def comment_by_form(reader: ReaderDep, number: Number, said: Annotated[Comment, Form()]) -> Response:
    """The form on the page; what was typed stays when it is refused."""
    try:
        await comment(reader.core, number, said, reader.by)
    except Refused as error:
        return await _page_of_one(reader, number, error=error, form="comment", text=said.text)
    return reader.go(f"/incidents/{number}")


@router.get("/api/incidents")
async def incidents(core: CoreDep, before: Before = None) -> IncidentsAnswer:
    """Open incidents worst first, and past ones newest first, 50 at a time."""
    return await read(core, before)


@router.get("/api/incidents/{number}", responses={404: {"model": ProblemAnswer}})
async def incident(core: CoreDep, number: Number) -> IncidentPageAnswer:
    """One incident with its devices and its story."""
    return await read_one(core, number)


@router.post("/api/incidents/{number}/accept", responses=_REFUSALS)
async def accept_by_api(core: CoreDep, by: ByDep, number: Number, said: Accept) -> IncidentAnswer:
    """Note that somebody deals with it. The second who accepts is told who was first (409)."""
    return IncidentAnswer.of(await accept(core, number, said, by))


@router.post("/api/incidents/{number}/comment", responses=_REFUSALS, status_code=204)
async def comment_by_api(core: CoreDep, by: ByDep, number: Number, said: Comment) -> None:
    """Add a line to its story."""
    await comment(core, number, said, by)
