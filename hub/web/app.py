"""The web application: every page and every operation of the API, around one `Core`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from hub.views import Refused
from hub.web import (
    agents,
    api_docs,
    audit,
    cameras,
    credentials,
    devices,
    find,
    history,
    hub_page,
    incidents,
    labels,
    links,
    maps,
    masks,
    metrics,
    notice_answers,
    notice_pages,
    notices,
    now,
    pending,
    people,
    programs,
    registry_csv,
    security,
    sites,
    stream,
    words,
)
from hub.web import registry as registry_pages
from hub.web.answers import BadValue, BadValueAnswer
from hub.web.doors import Doors
from hub.web.language import mark, wanted
from hub.web.live import Live
from hub.web.pages import Missing, Reader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from starlette.requests import Request
    from starlette.types import Scope

    from hub.views import Core

STATIC = Path(__file__).parent / "static"
HOSTS = ("127.0.0.1", "localhost")

ROUTERS = (
    now.router,
    sites.router,
    devices.router,
    agents.router,
    cameras.router,
    masks.router,
    security.router,
    find.router,
    maps.router,
    history.router,
    credentials.router,
    labels.router,
    links.router,
    incidents.router,
    pending.router,
    people.router,
    audit.router,
    programs.router,
    notices.router,
    notice_pages.router,
    registry_pages.router,
    registry_csv.router,
    hub_page.router,
    stream.router,
    metrics.router,
    api_docs.router,
)

_MISSING = {
    "unknown_device": mark("There is no device of this name."),
    "unknown_site": mark("There is no site of this name."),
    "unknown_incident": mark("There is no incident of this number."),
    "unknown_program": mark("There is no light program of this name."),
    "unknown_person": mark("There is no person of this number."),
    "unknown_link": mark("There is no link of this number."),
    "unknown_notice": mark("There is no notice of this number."),
    "unknown_frame": mark("There is no frame of this hash."),
    "unknown_page": mark("There is no such page."),
}
_BAD_VALUE = mark("A value in this address is not one the hub knows.")
_BROKEN = mark("Something went wrong in the hub. It has been written to its log; please try again.")


def create_app(core: Core, *, hosts: Iterable[str] = HOSTS, tiles: str = "") -> FastAPI:
    """The application. `hosts` are the names under which it answers, with or without `:port`.

    `tiles` is the address of a map's tiles, with {z}, {x} and {y}; without one the map has no ground.
    """
    app = FastAPI(
        title="village-hub", version=core.hub().version, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.core = core
    app.state.live = Live(core)
    app.state.static = static_files()
    app.state.tiles = tiles
    for router in ROUTERS:
        app.include_router(
            router, dependencies=[Depends(people.known)], responses={422: {"model": BadValueAnswer}}
        )
    app.mount("/static", _Static(directory=STATIC), name="static")
    app.add_middleware(GZipMiddleware, minimum_size=500, compresslevel=6)
    app.add_middleware(Doors, hosts=hosts, pictures=_origin(tiles))
    app.add_exception_handler(Missing, _missing)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(people.WhoAreYou, _who)
    app.add_exception_handler(RequestValidationError, _bad_value)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _broken)
    return app


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if address else ""


def static_files() -> dict[str, str]:
    """Path below static/ -> its address with a fingerprint, so that browsers may keep it for ever."""
    return {
        (path := file.relative_to(STATIC).as_posix()): f"/static/{path}?v={_fingerprint(file)}"
        for file in STATIC.rglob("*.*")
    }


def _fingerprint(file: Path) -> str:
    return hashlib.blake2s(file.read_bytes(), digest_size=5).hexdigest()


class _Static(StaticFiles):
    def file_response(
        self, full_path: str | PathLike[str], stat_result: object, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)  # type: ignore[arg-type]
        kept = b"v=" in scope.get("query_string", b"")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
        return response


def _problem(request: Request, status: int, code: str, sentence: str) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"code": code, "message": sentence}, status)
    return Reader(request).page("problem.html", status=status, sentence=sentence)


async def _missing(request: Request, error: Exception) -> Response:
    code = error.code if isinstance(error, Missing) else "unknown_page"
    return _problem(request, 404, code, wanted(request).text(_MISSING[code]))


async def _who(request: Request, error: Exception) -> Response:
    if not isinstance(error, people.WhoAreYou):
        raise error
    return people.asked(request, error)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    status = 403 if error.code == "who_are_you" else 409
    if request.url.path.startswith(("/api/notices", "/api/boards")):
        return JSONResponse(
            notice_answers.refusal(error, wanted(request)).model_dump(exclude_unset=True), status
        )
    return _problem(request, status, error.code, words.refused(wanted(request), error))


async def _bad_value(request: Request, error: Exception) -> Response:
    if request.url.path.startswith("/api/") and isinstance(error, RequestValidationError):
        detail = [BadValue(where=".".join(map(str, e["loc"])), what=e["msg"]) for e in error.errors()]
        answer = BadValueAnswer(code="bad_value", message=wanted(request).text(_BAD_VALUE), detail=detail)
        return JSONResponse(answer.model_dump(), 422)
    return _problem(request, 422, "bad_value", wanted(request).text(_BAD_VALUE))


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:  # noqa: PLR2004
        return await _missing(request, error)
    return _problem(request, status, "refused", wanted(request).text(_BAD_VALUE))


async def _broken(request: Request, _error: Exception) -> Response:
    sentence = wanted(request).text(_BROKEN)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"code": "broken", "message": sentence}, 500)
    return Response(sentence + "\n", 500, media_type="text/plain; charset=utf-8")
