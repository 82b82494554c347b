"""Đường dẫn: the links that open the outside door. A link's address is shown once, where it was made."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from devices.device import Kind
from hub import typed
from hub.links import Link
from hub.views import Core, DeviceQuery, Refused
from hub.web import words
from hub.web.answers import Answer, Ms, ProblemAnswer, names_of
from hub.web.labels import drawn
from hub.web.pages import ByDep, CoreDep, Missing, Reader, ReaderDep
from hub.web.purposes import PURPOSES

router = APIRouter(tags=["links"])

PAGE = 50
BOARDS = 2000
"""Most notice boards that the form offers."""
_REFUSALS: dict[int | str, dict[str, object]] = {409: {"model": ProblemAnswer}, 404: {"model": ProblemAnswer}}


class LinkAnswer(Answer):
    """One link, without its address: that is told once."""

    id: int
    purpose: str
    subject: str
    """What it is about, such as the slug of a site."""
    note: str
    made_by: str
    made_at: Ms
    expires_at: Ms
    revoked_at: Ms | None
    used_at: Ms | None
    uses: int
    state: Literal["works", "expired", "revoked"]

    @classmethod
    def of(cls, link: Link, now: int) -> "LinkAnswer":
        fields = {name: getattr(link, name) for name in cls.model_fields if name != "state"}
        return cls.model_validate(fields | {"state": link.state(now)})


class LinksAnswer(Answer):
    """A page of links, newest first."""

    now: Ms
    open: bool
    """Whether the outside door is open: without it links can be made, but nobody can open them."""
    address: str
    """What links begin with."""
    key_trouble: str
    """`lost`, `wrong` or `unreadable`: without the key no link opens; empty where nothing is wrong."""
    total: int
    page: int
    pages: int
    links: list[LinkAnswer]


class LinkMadeAnswer(Answer):
    """A new link."""

    link: LinkAnswer
    address: str
    """Told only here: whoever has it can open it."""


class Wanted(BaseModel):
    """A link as asked for."""

    subject: Annotated[
        str, Field(max_length=60, description="the slug of a site, or the name of a notice board")
    ] = ""
    purpose: Annotated[str, Field(max_length=40, description="what it is for")] = "site"
    note: Annotated[str, Field(max_length=500, description="for whom, at most 80 characters")] = ""
    days: Annotated[int, Field(description="how long it works; 0: as is usual for what it is for")] = 0


class Filters(BaseModel):
    """Which links; empty means any."""

    state: Annotated[str, Field(pattern="^(works|expired|revoked)?$")] = ""
    purpose: Annotated[str, Field(max_length=40)] = ""
    site: Annotated[str, Field(max_length=60)] = ""
    page: Annotated[int, Field(ge=1, le=10**6)] = 1

    def address(self, page: int) -> str:
        """This list at another page."""
        said = {k: str(v) for k, v in (self.model_dump() | {"page": page}).items() if v}
        return f"/links?{urlencode(said)}"


FiltersDep = Annotated[Filters, Query()]


def read(core: Core, filters: Filters) -> LinksAnswer:
    """The page and its JSON twin."""
    now, hub = core.now(), core.hub()
    found = [
        link
        for link in core.links.all()
        if filters.state in ("", link.state(now))
        and filters.purpose in ("", link.purpose)
        and filters.site in ("", link.subject)
    ]
    pages = max(1, -(-len(found) // PAGE))
    page = min(filters.page, pages)
    shown = [LinkAnswer.of(link, now) for link in found[(page - 1) * PAGE : page * PAGE]]
    return LinksAnswer(
        now=now, open=hub.outside.on, address=hub.outside.address, key_trouble=hub.secrets_trouble, total=len(found),
        page=page, pages=pages, links=shown,
    )  # fmt: skip


def _there(core: Core, kind: str, name: str) -> bool:
    """Whether what a link is about is there."""
    if kind == "board":
        found = core.device_view(name)
        return found is not None and found.device.kind is Kind.SIGNBOARD
    site = core.site(name)
    return site is not None and not site.ended


def _driver(core: Core, name: str) -> str:
    found = core.device_view(name)
    return found.device.driver if found is not None else ""


def _boards(core: Core) -> list[tuple[str, str]]:
    """Every board that a link can be about, as (name, what people call it)."""
    found = core.devices(DeviceQuery(kind="signboard", size=BOARDS)).devices
    return [(v.device.name, v.device.title or v.device.name) for v in found]


async def _make(core: Core, by: ByDep, said: Wanted) -> LinkMadeAnswer:
    """Make what was asked for. Raises Refused."""
    purpose = PURPOSES.get(said.purpose)
    if purpose is None:
        raise Refused("unknown_purpose")
    if not _there(core, purpose.subject, said.subject):
        raise Refused(f"unknown_{purpose.subject}")
    driver = _driver(core, said.subject)
    if (said.purpose == "player" and driver != "player") or (said.purpose == "led" and driver == "player"):
        raise Refused("other_driver", driver=driver)
    days = said.days or purpose.days
    if not 1 <= days <= purpose.most_days:
        raise Refused("bad_days", limit=purpose.most_days)
    link, token = await core.links.make(said.purpose, said.subject, typed.line(said.note), days, by)
    return LinkMadeAnswer(
        link=LinkAnswer.of(link, core.now()),
        address=f"{core.hub().outside.address}/l/{token}{'/' if said.purpose == 'player' else ''}",
    )


def _page(
    reader: Reader, filters: Filters, *, error: Refused | None = None, said: Wanted | None = None
) -> Response:
    return reader.page(
        "links.html", status=409 if error else 200, answer=read(reader.core, filters), filters=filters, error=error,
        said=said or Wanted(subject=filters.site, purpose=_chosen(filters)), purposes=PURPOSES,
        sites=reader.core.site_names(), boards=_boards(reader.core),
        names=names_of(reader.core), states=words.LINK,
    )  # fmt: skip


def _chosen(filters: Filters) -> str:
    """What the form offers first."""
    return filters.purpose if filters.purpose in PURPOSES else "site"


@router.get("/player/{board}", include_in_schema=False)
async def player(reader: ReaderDep, board: str) -> Response:
    """Where a screen gets its player: by a link of its own, since nobody puts a screen inside the hub's doors."""
    if not _there(reader.core, "board", board):
        raise Missing("unknown_device")
    purpose = "led" if _driver(reader.core, board) == "led" else "player"
    return RedirectResponse(f"/links?{urlencode({'purpose': purpose, 'site': board})}#make", 303)


@router.get("/links", include_in_schema=False)
async def page(reader: ReaderDep, filters: FiltersDep) -> Response:
    """The list, and the form for a new one."""
    return _page(reader, filters)


@router.post("/links", include_in_schema=False)
async def make_by_form(reader: ReaderDep, said: Annotated[Wanted, Form()]) -> Response:
    """The form; shows the new link once."""
    try:
        made = await _make(reader.core, reader.by, said)
    except Refused as error:
        return _page(reader, Filters(), error=error, said=said)
    response = reader.page(
        "link_made.html", made=made, code=drawn(made.address, scale=5), purpose=PURPOSES[made.link.purpose],
        names=names_of(reader.core), open=reader.core.hub().outside.on,
    )  # fmt: skip
    response.headers["cache-control"] = "no-store"
    return response


@router.post("/links/{number}/revoke", include_in_schema=False)
async def revoke_by_form(reader: ReaderDep, number: int) -> Response:
    """The button behind "revoke"."""
    await revoke_by_api(reader.core, reader.by, number)
    return reader.go("/links")


@router.get("/api/links")
async def links(core: CoreDep, filters: FiltersDep) -> LinksAnswer:
    """Links of the outside door, newest first, 50 a page."""
    return read(core, filters)


@router.post("/api/links", responses=_REFUSALS)
async def make_by_api(core: CoreDep, by: ByDep, said: Wanted) -> LinkMadeAnswer:
    """A new link; its address is told only here."""
    return await _make(core, by, said)


@router.post("/api/links/{number}/revoke", responses=_REFUSALS)
async def revoke_by_api(core: CoreDep, by: ByDep, number: int) -> LinkAnswer:
    """A link opens nothing from now on."""
    if core.links.get(number) is None:
        raise Missing("unknown_link")
    return LinkAnswer.of(await core.links.revoke(number, by), core.now())
