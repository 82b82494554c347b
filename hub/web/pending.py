"""Chờ duyệt: devices that knocked. Approve them into a site, or refuse them."""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from pydantic import BaseModel, Field
from starlette.responses import Response

from devices.device import Kind
from devices.person import By
from hub.views import Core, Pending, Refused
from hub.web import typed
from hub.web.answers import Answer, Ms, ProblemAnswer
from hub.web.pages import ByDep, CoreDep, Reader, ReaderDep

router = APIRouter(tags=["pending"])

LEAST_S, MOST_S = 5.0, 86400.0
_REFUSALS: dict[int | str, dict[str, object]] = {409: {"model": ProblemAnswer}}


class PendingAnswer(Answer):
    """A device that said hello and is not registered."""

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
    """All that wait for approval."""

    now: Ms
    pending: list[PendingAnswer]


class ApprovedAnswer(Answer):
    """What a device needs to come in."""

    name: str
    password: str
    """Its broker password. It is told this once and stored nowhere in clear."""


class Approve(BaseModel):
    """How a pending device is registered."""

    site: Annotated[str, Field(description="slug of its site")]
    kind: Annotated[str, Field(description="what it is; see Kind")]
    title: Annotated[str, Field(description="what people call it, at most 80 characters")] = ""
    interval_s: Annotated[str | float, Field(description="how often it reports, 5 to 86400 s")] = 60.0


def read(core: Core) -> PendingsAnswer:
    """The page and its JSON twin."""
    return PendingsAnswer(now=core.now(), pending=[PendingAnswer.of(p) for p in core.pending()])


async def approve(core: Core, name: str, said: Approve, by: By) -> ApprovedAnswer:
    """Register it. Raises Refused."""
    title = typed.line(said.title)
    if said.kind not in list(Kind) or said.kind == Kind.HUB:
        raise Refused("unknown_kind")
    if core.site(said.site) is None:
        raise Refused("unknown_site")
    interval_s = _interval(said.interval_s)
    password = await core.approve(
        name, site=said.site, title=title, interval_s=interval_s, kind=said.kind, by=by
    )
    return ApprovedAnswer(name=name, password=password)


def _interval(said: str | float) -> float:
    try:
        interval_s = float(str(said).replace(",", "."))
    except ValueError:
        raise Refused("bad_interval") from None
    if not LEAST_S <= interval_s <= MOST_S:
        raise Refused("bad_interval")
    return interval_s


def _page(reader: Reader, *, error: Refused | None = None, about: str = "", **more: Any) -> Response:
    said = {"site": "", "kind": "", "title": "", "interval_s": "60"}
    context: dict[str, Any] = {"approved": None, "said": said, "error": error, "about": about} | more
    kinds = [kind for kind in Kind if kind is not Kind.HUB]
    return reader.page(
        "pending.html",
        status=409 if error else 200,
        answer=read(reader.core),
        kinds=kinds,
        sites=reader.core.site_names(),
        **context,
    )


@router.get("/pending", include_in_schema=False)
async def page(reader: ReaderDep) -> Response:
    """The page."""
    return _page(reader)


@router.post("/pending/{name}/approve", include_in_schema=False)
async def approve_by_form(reader: ReaderDep, name: str, said: Annotated[Approve, Form()]) -> Response:
    """The form on the page; shows the password once."""
    try:
        approved = await approve(reader.core, name, said, reader.by)
    except Refused as error:
        return _page(reader, error=error, about=name, said=said.model_dump())
    response = _page(reader, approved=approved)
    response.headers["cache-control"] = "no-store"
    return response


@router.post("/pending/{name}/refuse", include_in_schema=False)
async def refuse_by_form(reader: ReaderDep, name: str) -> Response:
    """The button on the page."""
    try:
        await reader.core.refuse(name, reader.by)
    except Refused as error:
        return _page(reader, error=error, about=name)
    return reader.go("/pending")


@router.get("/api/pending")
async def pending(core: CoreDep) -> PendingsAnswer:
    """Devices that said hello and are not registered."""
    return read(core)


@router.post("/api/pending/{name}/approve", responses=_REFUSALS)
async def approve_by_api(core: CoreDep, by: ByDep, name: str, said: Approve) -> ApprovedAnswer:
    """Register it; answers with its broker password, which is told only here."""
    return await approve(core, name, said, by)


@router.post("/api/pending/{name}/refuse", responses=_REFUSALS, status_code=204)
async def refuse_by_api(core: CoreDep, by: ByDep, name: str) -> None:
    """Forget it; it may knock again."""
    await core.refuse(name, by)
