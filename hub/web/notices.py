"""Bản tin: notices, their frames and templates, and what boards show, as JSON."""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from devices.notice import Level
from hub import typed
from hub.notices.views import (
    Draft,
    Notice,
    State,
    Template,
)
from hub.views import Core, Refused
from hub.web.answers import HIGHEST, Ms, ProblemAnswer
from hub.web.notice_answers import (
    BoardAnswer,
    BoardsAnswer,
    CalendarAnswer,
    ComposedAnswer,
    NoticeAnswer,
    NoticesAnswer,
    NotRightAnswer,
    SlotAnswer,
    StepAnswer,
    TemplateAnswer,
    TemplatesAnswer,
    UploadedAnswer,
    composed_answer,
    short,
    steps_answer,
    template_answer,
)
from hub.web.pages import ByDep, CoreDep, Missing, ReaderDep

router = APIRouter(tags=["notices"])


_REFUSALS: dict[int | str, dict[str, object]] = {409: {"model": NotRightAnswer}}
_MISSING: dict[int | str, dict[str, object]] = {404: {"model": ProblemAnswer}}

Number = Annotated[int, Path(ge=1, le=HIGHEST)]


# --- what is said -------------------------------------------------------------------------------------------------


class _Said(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class Change(_Said):
    """A draft to keep; `version` of the notice that was looked at, 0 for a new one."""

    draft: Draft
    version: Annotated[int, Field(ge=0)] = 0


class Seen(_Said):
    """The version that was looked at."""

    version: Annotated[int, Field(ge=1)]


class Publish(Seen):
    """`boards`: with an emergency, the confirmed count of boards."""

    boards: Annotated[int | None, Field(ge=0)] = None


class End(Seen):
    """Why it ends, if anybody wants to know."""

    why: Annotated[str, Field(max_length=1000)] = ""


class Extend(Seen):
    """Until when, 12 hours from now at most."""

    until: Annotated[Ms, Field(ge=0, le=10**14)]


class TemplateSaid(_Said):
    """A template to keep; `version` of the one that was looked at, 0 for a new one."""

    level: Level = Level.ROUTINE
    title: Annotated[str, Field(max_length=1000)] = ""
    text: Annotated[str, Field(max_length=10_000)] = ""
    version: Annotated[int, Field(ge=0)] = 0


class Picture(_Said):
    """A picture in base64: JPEG, PNG or WebP, at most 8 MB and 20 million pixels."""

    data: str


# --- reading ------------------------------------------------------------------------------------------------------


def found_or_missing(core: Core, number: int) -> Notice:
    """A notice. Raises Missing."""
    found = core.notices.get(number)
    if found is None:
        raise Missing("unknown_notice")
    return found


@router.get("/api/notices")
async def all_notices(
    core: CoreDep, state: State | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> NoticesAnswer:
    """Notices, those that boards have first, then drafts, then ended ones, the newest first in each."""
    found = [n for n in core.notices.all() if state in (None, n.state)]
    return NoticesAnswer(now=core.now(), total=len(found), notices=[short(n) for n in found[:limit]])


@router.post("/api/notices/preview", responses=_REFUSALS)
async def preview(reader: ReaderDep, draft: Draft) -> ComposedAnswer:
    """What a draft comes to, drawn for every kind of board it reaches; nothing is stored."""
    return composed_answer(await reader.core.notices.compose(draft), reader.lang)


@router.get("/api/notices/calendar")
async def calendar(
    core: CoreDep,
    start: Annotated[Ms, Query(ge=0, le=10**14)],
    end: Annotated[Ms, Query(ge=0, le=10**14)],
    board: Annotated[str, Query(max_length=40)] = "",
) -> CalendarAnswer:
    """What shows where, at most 62 days from `start`."""
    found = core.notices.calendar(start, end, board)
    fields = SlotAnswer.model_fields
    return CalendarAnswer(
        slots=[SlotAnswer.model_construct(**{f: getattr(s, f) for f in fields}) for s in found]
    )


@router.get("/api/notices/templates")
async def templates(core: CoreDep) -> TemplatesAnswer:
    """All templates, by name."""
    return TemplatesAnswer(templates=[template_answer(t) for t in core.notices.templates()])


@router.put("/api/notices/templates/{name}", responses=_REFUSALS)
async def keep_template(
    core: CoreDep, by: ByDep, name: Annotated[str, Path(max_length=120)], said: TemplateSaid
) -> TemplateAnswer:
    """Make a template (version 0) or change it. What was made from it stays as it is."""
    wanted = Template(typed.line(name), said.level, said.title, said.text, (), said.version)
    return template_answer(await core.notices.keep_template(wanted, said.version, by))


@router.get("/api/notices/{number}", responses=_MISSING)
async def notice(core: CoreDep, number: Number) -> NoticeAnswer:
    """One notice with all its revisions."""
    return NoticeAnswer.of(found_or_missing(core, number))


@router.get("/api/notices/{number}/steps", responses=_MISSING)
async def steps(core: CoreDep, number: Number) -> list[StepAnswer]:
    """What boards said of a notice, oldest first: the proof."""
    found_or_missing(core, number)
    return steps_answer(await core.notices.steps(number))


@router.get(
    "/api/frames/{found}.png",
    responses={**_MISSING, 200: {"content": {"image/png": {}}}},
    response_class=Response,
)
async def frame(core: CoreDep, found: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]) -> Response:
    """The PNG of a frame by its hash: of what is or was published, or was previewed lately."""
    png = core.notices.frame(found)
    if png is None:
        raise Missing("unknown_frame")
    headers = {"cache-control": "private, max-age=31536000, immutable"}
    return Response(png, media_type="image/png", headers=headers)


# --- the life of a notice -----------------------------------------------------------------------------------------


@router.post("/api/notices", responses=_REFUSALS)
async def write(core: CoreDep, by: ByDep, said: Change) -> NoticeAnswer:
    """Keep a new draft."""
    return NoticeAnswer.of(await core.notices.save(None, said.draft, 0, by))


@router.put("/api/notices/{number}", responses=_REFUSALS)
async def change(core: CoreDep, by: ByDep, number: Number, said: Change) -> NoticeAnswer:
    """Change a draft, or begin the next revision of what is published, which stays on the boards meanwhile."""
    return NoticeAnswer.of(await core.notices.save(number, said.draft, said.version, by))


@router.post("/api/notices/{number}/approve", responses=_REFUSALS)
async def approve(core: CoreDep, by: ByDep, number: Number, said: Seen) -> NoticeAnswer:
    """A second person agrees to exactly this text."""
    return NoticeAnswer.of(await core.notices.approve(number, said.version, by))


@router.post("/api/notices/{number}/publish", responses=_REFUSALS)
async def publish(core: CoreDep, by: ByDep, number: Number, said: Publish) -> NoticeAnswer:
    """Boards get it. An emergency needs no approval, but the count of boards: `confirm_boards` tells it."""
    return NoticeAnswer.of(await core.notices.publish(number, said.version, by, said.boards))


@router.post("/api/notices/{number}/end", responses=_REFUSALS)
async def end(core: CoreDep, by: ByDep, number: Number, said: End) -> NoticeAnswer:
    """Boards show it no more."""
    return NoticeAnswer.of(await core.notices.end(number, said.version, by, typed.lines(said.why)))


@router.post("/api/notices/{number}/extend", responses=_REFUSALS)
async def extend(core: CoreDep, by: ByDep, number: Number, said: Extend) -> NoticeAnswer:
    """An emergency goes on."""
    return NoticeAnswer.of(await core.notices.extend(number, said.version, said.until, by))


@router.delete("/api/notices/{number}", responses=_REFUSALS, status_code=204)
async def discard(
    core: CoreDep, by: ByDep, number: Number, version: Annotated[int, Query(ge=1, le=HIGHEST)]
) -> None:
    """Forget a draft that was never published."""
    await core.notices.discard(number, version, by)


@router.post("/api/notices/pictures", responses=_REFUSALS)
async def upload(core: CoreDep, by: ByDep, said: Picture) -> UploadedAnswer:
    """Keep a picture for notices."""
    try:
        data = base64.b64decode(said.data, validate=True)
    except binascii.Error:
        raise Refused("picture_bad") from None
    return UploadedAnswer(picture=await core.notices.upload(data, by))


# --- boards -------------------------------------------------------------------------------------------------------


@router.get("/api/boards")
async def boards(reader: ReaderDep) -> BoardsAnswer:
    """Every board: what it should show, and what it says that it shows."""
    found = [BoardAnswer.of(b, reader.lang) for b in reader.core.notices.boards()]
    return BoardsAnswer(now=reader.core.now(), boards=found)


@router.get("/api/boards/{name}", responses=_MISSING)
async def board(reader: ReaderDep, name: Annotated[str, Path(max_length=40)]) -> BoardAnswer:
    """One board."""
    found = reader.core.notices.board(name)
    if found is None:
        raise Missing("unknown_device")
    return BoardAnswer.of(found, reader.lang)


@router.get("/api/boards/{name}/steps", responses=_MISSING)
async def said_by(
    core: CoreDep,
    name: Annotated[str, Path(max_length=40)],
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[StepAnswer]:
    """What one board said, newest first."""
    if core.notices.board(name) is None:
        raise Missing("unknown_device")
    return steps_answer(await core.notices.said_by(name, limit))


@router.put("/api/boards/{name}/policy", responses=_REFUSALS, status_code=204)
async def set_policy(
    core: CoreDep, by: ByDep, name: Annotated[str, Path(max_length=40)], said: dict[str, str | int]
) -> None:
    """What a board does by itself: link_lost, link_lost_s, power_return, nothing_due, no_clock. Others stay."""
    await core.notices.set_policy(name, said, by)


class Witness(_Said):
    """The camera that sees a board; empty: none."""

    camera: Annotated[str, Field(max_length=40)] = ""


@router.put("/api/boards/{name}/witness", responses=_REFUSALS, status_code=204)
async def set_witness(
    core: CoreDep, by: ByDep, name: Annotated[str, Path(max_length=40)], said: Witness
) -> None:
    """The camera that sees a board: it takes a picture whenever a notice begins there."""
    await core.notices.set_witness(name, said.camera, by)
