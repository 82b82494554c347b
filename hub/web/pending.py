"""Chờ duyệt: devices that knocked. Approve them into a site, as the one that was planned, or refuse them."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form
from pydantic import BaseModel, Field
from starlette.responses import Response

from devices.device import Kind
from devices.person import By
from hub import typed
from hub.enrolment import Admitted, Fit
from hub.views import Core, Pending, Refused
from hub.web.answers import Answer, Ms, ProblemAnswer
from hub.web.pages import ByDep, CoreDep, Reader, ReaderDep

router = APIRouter(tags=["pending"])

LEAST_S, MOST_S = 5.0, 86400.0
_REFUSALS: dict[int | str, dict[str, object]] = {409: {"model": ProblemAnswer}}


class FitAnswer(Answer):
    """A planned device that the one which knocks may be."""

    name: str
    title: str
    realm: str
    site_name: str
    sure: bool
    """It has the same name or serial number."""

    @classmethod
    def of(cls, fit: Fit) -> "FitAnswer":
        d = fit.device
        return cls(name=d.name, title=d.title, realm=d.realm, site_name=fit.site_name, sure=fit.sure)


class PendingAnswer(Answer):
    """A device that said hello and is not registered."""

    name: str
    realm: str
    claim: dict[str, str]
    first_at: Ms
    last_at: Ms
    times: int
    planned: list[FitAnswer]
    """Planned devices that it may be, the likeliest first, at most 50."""

    @classmethod
    def of(cls, p: Pending, fits: Sequence[Fit]) -> "PendingAnswer":
        return cls(
            name=p.name, realm=p.realm, claim=dict(p.claim), first_at=p.first_at, last_at=p.last_at, times=p.times,
            planned=[FitAnswer.of(fit) for fit in fits],
        )  # fmt: skip


class PendingsAnswer(Answer):
    """All that wait for approval."""

    now: Ms
    pending: list[PendingAnswer]


class ApprovedAnswer(Answer):
    """What is put into the device; it speaks under `vh/1/<realm>/<name>/` from now on."""

    name: str
    """The name it is registered under: also its user at the broker."""
    realm: str
    password: str
    """Its broker password. It is told this once and stored nowhere in clear."""

    @classmethod
    def of(cls, admitted: Admitted) -> "ApprovedAnswer":
        return cls(name=admitted.name, realm=admitted.realm, password=admitted.password)


class Approve(BaseModel):
    """How a pending device is registered."""

    site: Annotated[str, Field(description="slug of its site")]
    kind: Annotated[str, Field(description="what it is; see Kind")]
    title: Annotated[str, Field(description="what people call it, at most 80 characters")] = ""
    interval_s: Annotated[str | float, Field(description="how often it reports, 5 to 86400 s")] = 60.0


class Take(BaseModel):
    """Which planned device it is."""

    planned: Annotated[
        str, Field(description="name of a planned device of its kind, never heard yet", max_length=40)
    ]


def read(core: Core) -> PendingsAnswer:
    """The page and its JSON twin."""
    fits = core.enrolment.fits()
    return PendingsAnswer(
        now=core.now(), pending=[PendingAnswer.of(p, fits.get(p.name, ())) for p in core.pending()]
    )


async def approve(core: Core, name: str, said: Approve, by: By) -> ApprovedAnswer:
    """Register it. Raises Refused."""
    title = typed.line(said.title)
    if said.kind not in list(Kind) or said.kind == Kind.HUB:
        raise Refused("unknown_kind")
    if core.site(said.site) is None:
        raise Refused("unknown_site")
    interval_s = _interval(said.interval_s)
    return ApprovedAnswer.of(
        await core.enrolment.approve(
            name, site=said.site, title=title, interval_s=interval_s, kind=said.kind, by=by
        )
    )


async def take(core: Core, name: str, said: Take, by: By) -> ApprovedAnswer:
    """It is the planned one. Raises Refused."""
    return ApprovedAnswer.of(await core.enrolment.take(name, said.planned.strip(), by))


def _interval(said: str | float) -> float:
    try:
        interval_s = float(str(said).replace(",", "."))
    except ValueError:
        raise Refused("bad_interval") from None
    if not LEAST_S <= interval_s <= MOST_S:
        raise Refused("bad_interval")
    return interval_s


def _page(reader: Reader, *, error: Refused | None = None, about: str = "", **more: Any) -> Response:
    said = {"site": "", "kind": "", "title": "", "interval_s": "60", "planned": ""} | more.pop("said", {})
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
    return _told(reader, approved)


@router.post("/pending/{name}/take", include_in_schema=False)
async def take_by_form(reader: ReaderDep, name: str, said: Annotated[Take, Form()]) -> Response:
    """The other form on the page; shows the password once."""
    try:
        approved = await take(reader.core, name, said, reader.by)
    except Refused as error:
        return _page(reader, error=error, about=name, said=said.model_dump())
    return _told(reader, approved)


def _told(reader: Reader, approved: ApprovedAnswer) -> Response:
    response = _page(reader, approved=approved)
    response.headers["cache-control"] = "no-store"
    return response


@router.post("/pending/{name}/refuse", include_in_schema=False)
async def refuse_by_form(reader: ReaderDep, name: str) -> Response:
    """The button on the page."""
    try:
        await reader.core.enrolment.refuse(name, reader.by)
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


@router.post("/api/pending/{name}/take", responses=_REFUSALS)
async def take_by_api(core: CoreDep, by: ByDep, name: str, said: Take) -> ApprovedAnswer:
    """It is a device that was planned, which keeps its name and realm; answers with its broker password."""
    return await take(core, name, said, by)


@router.post("/api/pending/{name}/refuse", responses=_REFUSALS, status_code=204)
async def refuse_by_api(core: CoreDep, by: ByDep, name: str) -> None:
    """Forget it; it may knock again."""
    await core.enrolment.refuse(name, by)
