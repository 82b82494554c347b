"""The outside door: an application of its own that serves `/l/<token>` and what is below it, and nothing else.

Whatever does not work is answered alike: 404 without a word, whether a link is unknown, revoked, expired or never was.
A token stands in no log, cookie or header.
"""

from __future__ import annotations

import ipaddress
import logging
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Match
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from hub.web.doors import MAX_BODY
from hub.web.misses import Misses
from hub.web.purposes import PURPOSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from hub.links import Link
    from hub.views import Core

log = logging.getLogger(__name__)

_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HSTS = "max-age=31536000"


def create_outside(core: Core, *, proxies: Iterable[str] = (), direct: bool = True) -> ASGIApp:
    """The application. Who came is believed from `proxies`; without `direct` nobody else may come (there is no TLS)."""
    known = tuple(proxies)
    app: ASGIApp = GZipMiddleware(_Outside(core), minimum_size=500)
    if known:
        app = ProxyHeadersMiddleware(app, list(known))  # type: ignore[arg-type,assignment]
    return app if direct else _OnlyFrom(app, known)


class _OnlyFrom:
    """Lets in who connects from these addresses."""

    def __init__(self, app: ASGIApp, addresses: Iterable[str]) -> None:
        self.app, self.networks = app, [ipaddress.ip_network(a) for a in addresses]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._known(scope):
            await Response(status_code=404)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _known(self, scope: Scope) -> bool:
        try:
            peer = ipaddress.ip_address(scope["client"][0])
        except (ValueError, TypeError):
            return False
        return any(peer in network for network in self.networks)


class _Outside:
    def __init__(self, core: Core) -> None:
        self.core, self.misses = core, Misses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(_HEADERS) | {"content-security-policy": POLICY}
        if scope["scheme"] == "https":
            headers["strict-transport-security"] = _HSTS
        started = False

        async def send_safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                found = MutableHeaders(scope=message)
                for name, value in headers.items():
                    found[name] = value
                del found["set-cookie"]
            await send(message)

        link = None
        try:
            response, link = self._admitted(scope)
            if link is not None:
                headers["content-security-policy"] += PURPOSES[link.purpose].policy
            await response(scope, receive, send_safely)
        except Exception:
            log.exception("the outside door failed on link %s", link.id if link else "-")
            if not started:
                await Response(status_code=500)(scope, receive, send_safely)

    def _admitted(self, scope: Scope) -> tuple[ASGIApp, Link | None]:
        """What answers, and the link that opened it."""
        address = scope["client"][0] if scope.get("client") else ""
        if self.misses.too_many(address):
            return Response(status_code=429, headers={"retry-after": "60"}), None
        if _too_large(scope):
            return Response(status_code=413), None
        _, door, token, rest = (*scope["path"].split("/", 3), "", "", "")[:4]
        link = self.core.links.opened(token) if door == "l" else None
        purpose = PURPOSES.get(link.purpose) if link is not None else None
        if link is None or purpose is None:
            self.misses.note(address, scope["path"])
            return Response(status_code=404), None
        inner = dict(scope)
        inner |= {"path": f"/{rest}", "root_path": "", "core": self.core, "link": link, "at": f"/l/{token}"}
        for route in purpose.routes:
            match, child = route.matches(inner)
            if match is Match.FULL:
                if inner["path"] == "/":
                    self.core.links.used(link.id)
                scope.update(inner, **child)
                return route.handle, link
        return Response(status_code=404), link


def _too_large(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    return b"transfer-encoding" in headers or not length.isdigit() or int(length) > MAX_BODY
