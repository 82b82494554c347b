"""Người dùng: the list of people, and "who are you?", which stands in for a login until there are accounts.

A change from a page without a known active person in its cookie is answered by the question; what was typed goes
along and is sent again with the answer. The API asks as soon as there is anybody to ask for.
"""

from typing import Annotated, Any
from urllib.parse import quote, unquote, urlsplit

from fastapi import APIRouter, Form, Query
from pydantic import BaseModel, Field
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from devices.person import By, Person, Role
from hub import people as people_rules
from hub import typed
from hub.views import Core, Refused
from hub.web.answers import Answer, ProblemAnswer
from hub.web.pages import PERSON, YEAR_S, ByDep, CoreDep, Missing, Reader, ReaderDep

router = APIRouter(tags=["people"])

_REFUSALS: dict[int | str, dict[str, object]] = {409: {"model": ProblemAnswer}, 404: {"model": ProblemAnswer}}
_OWN = ("_who", "_role", "_again", "_back")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
WHO = "/who"
_CHANGE_NOTHING = frozenset({WHO, "/notices/preview"})
"""What is posted there is only looked at."""


class WhoAreYou(Exception):  # noqa: N818 - it is the question
    """A change was asked for and nobody knows by whom; `fields` is what was typed. A file has to be chosen again."""

    def __init__(self, fields: list[tuple[str, str]], file: bool) -> None:
        super().__init__("who are you?")
        self.fields, self.file = fields, file


class PersonAnswer(Answer):
    """One person."""

    id: int
    name: str
    role: Role
    phone: str
    site: str
    """Slug of the part of the tree they care for; empty for all of it."""
    active: bool
    version: int

    @classmethod
    def of(cls, p: Person) -> "PersonAnswer":
        return cls(
            id=p.id, name=p.name, role=p.role, phone=p.phone, site=p.site, active=p.active, version=p.version
        )


class PeopleAnswer(Answer):
    """Everybody, the active ones first."""

    people: list[PersonAnswer]


class Written(BaseModel):
    """A person as written; `version` is the one that was edited."""

    name: Annotated[str, Field(description="unique without accents and case, at most 80 characters")]
    role: Annotated[str, Field(description="security, administrator, maintenance or official")]
    phone: Annotated[str, Field(description="at most 20 characters")] = ""
    site: Annotated[str, Field(description="slug of a site, or empty")] = ""
    active: bool = True
    version: int = 1


def read(core: Core) -> PeopleAnswer:
    """The page and its JSON twin."""
    return PeopleAnswer(people=[PersonAnswer.of(p) for p in core.people.all()])


def _person(core: Core, number: int, said: Written) -> Person:
    """What was written, made sure of. Raises Refused."""
    return people_rules.said(number, said.model_dump(), lambda slug: core.site(slug) is not None)


async def known(request: Request) -> None:
    """Before every change: who asks, into `request.state.by`. Raises WhoAreYou; for the API Refused."""
    if request.method in _SAFE or request.url.path in _CHANGE_NOTHING:
        return
    core: Core = request.app.state.core
    api = request.url.path.startswith("/api/")
    name = unquote(request.headers.get(PERSON) or request.cookies.get("who", ""))
    if api and request.headers.get("content-type", "").startswith("application/json"):
        name = await _said(request) or name
    if not api and core.people.known(name) is None:
        raise WhoAreYou(*_typed(await request.form()))
    request.state.by = core.people.by(name, request.client.host if request.client else "")


def _nobody() -> Person:
    raise Refused("unknown_person")


async def _said(request: Request) -> str:
    """The `who` of a JSON body, where it has one."""
    try:
        body = await request.json()
    except ValueError:
        return ""
    who = body.get("who") if isinstance(body, dict) else None
    return who if isinstance(who, str) else ""


def _typed(form: FormData) -> tuple[list[tuple[str, str]], bool]:
    """What a form holds, and whether a file is among it."""
    return _fields(form), any(not isinstance(v, str) for _, v in form.multi_items())


def _fields(form: FormData) -> list[tuple[str, str]]:
    return [(k, v) for k, v in form.multi_items() if isinstance(v, str) and k not in _OWN]


def _local(path: str) -> str:
    """An address of this hub's pages; the first page where it is none."""
    parts = urlsplit(path)
    odd = "\\" in path or not path.isprintable() or path.startswith("//")
    if odd or parts.scheme or parts.netloc or not path.startswith("/") or path.startswith((WHO, "/api/")):
        return "/"
    return path


def ask(reader: Reader, *, status: int = 200, error: Refused | None = None, **said: Any) -> Response:
    """The question."""
    said = {"back": "/", "again": "", "fields": [], "name": "", "role": ""} | said
    active = reader.core.people.active()
    return reader.page("who.html", status=status, people=active, roles=list(Role), error=error, said=said)


def asked(request: Request, error: WhoAreYou) -> Response:
    """The question in place of a change; what was typed goes along."""
    if error.file:
        return ask(Reader(request), status=403, back=_local(quote(request.url.path)))
    again = quote(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
    return ask(Reader(request), status=403, again=again, fields=error.fields)


@router.get(WHO, include_in_schema=False)
async def who(reader: ReaderDep, back: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """The page."""
    return ask(reader, back=_local(back))


@router.post(WHO, include_in_schema=False)
async def answer(reader: ReaderDep, request: Request) -> Response:
    """The answer: remembered, and on to where one was; a change is sent once more (307 keeps its fields)."""
    form = await request.form()
    name, role, again, back = (str(form.get(k, "")) for k in _OWN)
    core = reader.core
    try:
        person = core.people.known(typed.name(name))
        if person is None and not core.people.active():
            wanted = _person(core, 0, Written(name=name, role=role))
            person = await core.people.add(wanted, By(wanted.name, reader.by.address))
        person = person or _nobody()
    except Refused as error:
        said = {"back": back, "again": again, "fields": _fields(form), "name": name, "role": role}
        return ask(reader, status=409, error=error, **said)
    response = RedirectResponse(_local(again), 307) if again else RedirectResponse(_local(back), 303)
    if again and _local(again) == "/":
        response = RedirectResponse("/", 303)
    response.set_cookie("who", quote(person.name), max_age=YEAR_S, samesite="lax", httponly=True)
    return response


def _page(reader: Reader, *, error: Refused | None = None, said: Written | None = None) -> Response:
    return reader.page(
        "people.html", status=409 if error else 200, answer=read(reader.core), roles=list(Role),
        sites=reader.core.site_names(), error=error, said=said or Written(name="", role=""), names=_names(reader.core),
    )  # fmt: skip


def _names(core: Core) -> dict[str, str]:
    return dict(core.site_names())


def _page_of_one(
    reader: Reader, number: int, *, error: Refused | None = None, said: Written | None = None
) -> Response:
    person = reader.core.people.get(number)
    if person is None:
        raise Missing("unknown_person")
    said = said or Written(**{k: v for k, v in dict(PersonAnswer.of(person)).items() if k != "id"})
    return reader.page(
        "person.html", status=409 if error else 200, person=person, roles=list(Role),
        sites=reader.core.site_names(), error=error, said=said,
    )  # fmt: skip


@router.get("/people", include_in_schema=False)
async def page(reader: ReaderDep) -> Response:
    """The list."""
    return _page(reader)


@router.post("/people", include_in_schema=False)
async def add_by_form(reader: ReaderDep, said: Annotated[Written, Form()]) -> Response:
    """The form below it."""
    try:
        await reader.core.people.add(_person(reader.core, 0, said), reader.by)
    except Refused as error:
        return _page(reader, error=error, said=said)
    return reader.go("/people")


@router.get("/people/{number}", include_in_schema=False)
async def page_of_one(reader: ReaderDep, number: int) -> Response:
    """One of them."""
    return _page_of_one(reader, number)


@router.post("/people/{number}", include_in_schema=False)
async def change_by_form(reader: ReaderDep, number: int, said: Annotated[Written, Form()]) -> Response:
    """The form of one; what was typed stays when it is refused."""
    try:
        await reader.core.people.change(_person(reader.core, number, said), reader.by)
    except Refused as error:
        return _page_of_one(reader, number, error=error, said=said)
    return reader.go("/people")


@router.get("/api/people")
async def people(core: CoreDep) -> PeopleAnswer:
    """Everybody, the active ones first."""
    return read(core)


@router.post("/api/people", responses=_REFUSALS)
async def add_by_api(core: CoreDep, by: ByDep, said: Written) -> PersonAnswer:
    """One more person."""
    return PersonAnswer.of(await core.people.add(_person(core, 0, said), by))


@router.post("/api/people/{number}", responses=_REFUSALS)
async def change_by_api(core: CoreDep, by: ByDep, number: int, said: Written) -> PersonAnswer:
    """Change a person; `active: false` is to leave. Who edited an older version is told (409)."""
    if core.people.get(number) is None:
        raise Missing("unknown_person")
    return PersonAnswer.of(await core.people.change(_person(core, number, said), by))
