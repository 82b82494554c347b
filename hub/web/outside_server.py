"""The server of the outside door, with as little trust in who connects as can be.

Strangers share this process's file descriptors with the broker's link and the database, so there is a bound on their
connections that counts them from the first packet; and nothing that they send wrong is a line of the log.
"""

from __future__ import annotations

import logging
import socket
import weakref
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from hub.web.server import running

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp

AT_ONCE = 200
"""Connections at a time, those that still agree on TLS too; beyond it they are closed at once."""
PATIENCE_S = 15.0
"""A connection on which no request began for so long is cut, and so is a request that lasts longer."""

_silent = logging.getLogger("hub.web.strangers")
_silent.setLevel(logging.CRITICAL)


@asynccontextmanager
async def serving_outside(
    app: ASGIApp,
    sock: socket.socket,
    context: ssl.SSLContext | None,
    ending: Callable[[], None] = lambda: None,
) -> AsyncIterator[int]:
    """Serve the outside door while the block runs, over TLS where there is a `context`; gives the port.

    `ending` is called before it ends: streams go then.
    """
    more: dict[str, Any] = {"proxy_headers": False}  # the door names its proxies itself
    if context is not None:
        more["ssl_context_factory"] = lambda _config, _default: context
    door = _Bounded(fileno=sock.detach())
    more["http"] = type("Visitor", (_Visitor,), {"door": door})
    async with running(app, door, ending, **more) as port:
        yield port


class _Bounded(socket.socket):
    """A listening socket that accepts so many connections at a time."""

    def __init__(self, *, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self._there: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self.lasting: set[int] = set()
        """File descriptors of connections that a link lets last: they do not count."""

    def accept(self) -> tuple[socket.socket, Any]:
        """As asyncio calls it. Raises BlockingIOError where there is nobody, or one too many who is sent away."""
        found, address = super().accept()
        if sum(one.fileno() >= 0 and one.fileno() not in self.lasting for one in self._there) >= AT_ONCE:
            found.close()
            raise BlockingIOError
        self._there.add(found)
        return found, address


class _Visitor(H11Protocol):
    """One connection. A request whose scope says `lasting` (a stream on a link that works) is not cut."""

    door: _Bounded

    def __init__(self, *about: Any, **more: Any) -> None:
        super().__init__(*about, **more)
        self.logger = _silent
        self._seen: object = None
        self._timer: asyncio.TimerHandle | None = None
        self._number = -1

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(PATIENCE_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.door.lasting.discard(self._number)
        super().connection_lost(exc)

    def _look(self) -> None:
        cycle: Any = self.cycle  # None before the first request, whatever uvicorn's types say
        if cycle is not None and cycle.scope.get("lasting") and not cycle.response_complete:
            self._number = self.transport.get_extra_info("socket").fileno()
            self.door.lasting.add(self._number)
            self._timer = self.loop.call_later(PATIENCE_S, self._look)
        elif cycle is self._seen:
            self.transport.abort()
        else:
            self._seen = self.cycle
            self._timer = self.loop.call_later(PATIENCE_S, self._look)
