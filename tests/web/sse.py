"""Reading server-sent events in tests."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Event(NamedTuple):
    """One event; comments have the name `:`."""

    name: str
    data: str


class Stream:
    """An open stream."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self.lines = lines

    async def next(self, within: float = 5) -> Event:
        """The next event; raises TimeoutError, or StopAsyncIteration at the end of the stream."""
        data: list[str] = []
        name = "message"
        async with asyncio.timeout(within):
            while True:
                line = await anext(self.lines)
                if not line:
                    return Event(name, "\n".join(data))
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data.append(value)
                elif line.startswith(":"):
                    name = ":"


@asynccontextmanager
async def opened(port: int, path: str) -> AsyncIterator[Stream]:
    """A stream of the hub on this port."""
    async with (
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as client,
        client.stream("GET", path) as answer,
    ):
        assert answer.status_code == 200, answer.status_code
        assert "content-encoding" not in answer.headers
        yield Stream(answer.aiter_lines())
