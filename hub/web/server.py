"""The web server inside the hub's own loop: it takes no signals, and ends its streams before it ends itself."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator

    from fastapi import FastAPI
    from starlette.types import ASGIApp

GRACE_S = 2
"""How long a running request may take to end at shutdown."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self.ending = ending
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield  # signals are the composition root's business

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.ending()
        await super().shutdown(sockets)


def bind(host: str = "127.0.0.1", port: int = 8080) -> socket.socket:
    """A bound socket for `serving`; raises OSError where the port is in use. Port 0 takes a free one."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


@asynccontextmanager
async def serving(
    app: FastAPI, host: str = "127.0.0.1", port: int = 8080, *, sock: socket.socket | None = None
) -> AsyncIterator[int]:
    """Serve while the block runs; gives the port. Raises OSError at once where the port is in use."""
    async with running(app, sock or bind(host, port), app.state.live.close) as at:
        yield at


@asynccontextmanager
async def running(
    app: ASGIApp, sock: socket.socket, ending: Callable[[], None], **more: Any
) -> AsyncIterator[int]:
    """Serve on a bound socket while the block runs; gives the port. `ending` is called before the server ends.

    `more` are further settings of uvicorn.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        ws="none",
        **more,
    )
    server = _Server(config, ending)
    served = asyncio.create_task(server.serve(sockets=[sock]), name="web")
    ready = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait({served, ready}, return_when=asyncio.FIRST_COMPLETED)
        if served.done():
            served.result()
            raise RuntimeError("the web server ended while it started")
        yield sock.getsockname()[1]
    finally:
        ready.cancel()
        server.should_exit = True
        await served
        sock.close()


async def serve(
    app: FastAPI, host: str = "127.0.0.1", port: int = 8080, *, sock: socket.socket | None = None
) -> None:
    """Serve until cancelled. Raises OSError at once where the port is in use."""
    async with serving(app, host, port, sock=sock):
        await asyncio.Event().wait()
