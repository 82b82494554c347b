"""Doors: which requests come in at all. Host against DNS rebinding, Origin against foreign pages, a cap on bodies.

There is no login yet: the hub listens on 127.0.0.1, and what stands between a foreign web page and this hub is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from hub.web.language import mark, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 64 * 1024
LARGE_BODY = 24 * 1024 * 1024
LARGE = frozenset(
    {
        "/registry/csv",
        "/api/registry/import",
        "/notices",
        "/notices/preview",
        "/notices/pictures",
        "/api/notices/pictures",
    }
)
"""Addresses that take a file."""
MACHINE = "x-village-hub"
"""Header by which a command-line client without Origin says that it is no web page."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_HEADERS = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

_REFUSALS = {
    "wrong_host": mark(
        "The hub does not answer under this address. Open it by the address it was set up with."
    ),
    "wrong_origin": mark("This request came from another page. Open the hub itself and try again."),
    "no_origin": mark(
        "Changes come from the hub's own pages, or as JSON with the header X-Village-Hub: 1 from a command line."
    ),
    "too_large": mark("This is too large."),
    "no_length": mark("Send the length of the body (Content-Length)."),
}


class Doors:
    """ASGI middleware: refuses what must not come in, and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], pictures: str = "") -> None:
        self.app = app
        self.headers = dict(_HEADERS)
        if pictures:  # the one origin that tiles of a map come from
            self.headers["content-security-policy"] += f"; img-src 'self' {pictures}"
        self.hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-cache")
            await send(message)

        request = Request(scope)
        refusal = self._refusal(request)
        if refusal is None:
            await self.app(scope, receive, send_safely)
        else:
            await _refuse(request, *refusal)(scope, receive, send_safely)

    def _refusal(self, request: Request) -> tuple[int, str] | None:  # noqa: PLR0911 - one a reason
        host = request.headers.get("host", "").lower()
        if not self._known(host):
            return 403, "wrong_host"
        if request.method in _SAFE:
            return None
        length = request.headers.get("content-length")
        if length is None and "transfer-encoding" in request.headers:
            return 411, "no_length"
        if length is not None and (not length.isdecimal() or int(length) > _most(request.url.path)):
            return 413, "too_large"
        origin = request.headers.get("origin") or request.headers.get("referer")
        if origin is not None:
            return None if urlsplit(origin).netloc.lower() == host else (403, "wrong_origin")
        is_json = request.headers.get("content-type", "").split(";")[0].strip() == "application/json"
        fits = is_json or length in (None, "0")
        if request.url.path.startswith("/api/") and request.headers.get(MACHINE) == "1" and fits:
            return None
        return 403, "no_origin"

    def _known(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if host.rsplit(":", 1)[-1].isdecimal() else host
        return host in self.hosts or name in self.hosts


def _most(path: str) -> int:
    return LARGE_BODY if path in LARGE else MAX_BODY


def _refuse(request: Request, status: int, code: str) -> Response:
    sentence = wanted(request).text(_REFUSALS[code])
    if request.url.path.startswith("/api/"):
        return JSONResponse({"code": code, "message": sentence}, status)
    return PlainTextResponse(sentence + "\n", status)
