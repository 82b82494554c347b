"""How a simulated board gets large frames: from its own address, by their hash, in a thread that may wait."""

from __future__ import annotations

import asyncio
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 8_000_000
"""Bytes of a frame at most."""
PATIENCE_S = 10.0
AT_ONCE = 8


def frame_address(address: str, name: str) -> str:
    """Where a frame is, below a board's own address."""
    return f"{address.rstrip('/')}/frames/{name}.png"


def get(address: str, name: str) -> bytes | None:
    """A frame; None where it cannot be had. Blocks."""
    if urlsplit(address).scheme not in ("http", "https"):
        return None
    try:
        with urllib.request.urlopen(frame_address(address, name), timeout=PATIENCE_S) as answer:  # noqa: S310 - as above
            data: bytes = answer.read(LIMIT + 1)
    except (OSError, ValueError):
        return None
    return data if len(data) <= LIMIT else None


class Fetcher:
    """Gets frames for boards in the event loop's background; `done` gets what came of each, in the loop."""

    def __init__(self, done: Callable[[str, str, bytes | None], None]) -> None:
        self._done = done
        self._pool = ThreadPoolExecutor(AT_ONCE, "frames")

    def want(self, board: str, address: str, name: str) -> None:
        """A board wants a frame."""
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._pool, get, address, name)
        running.add_done_callback(lambda r: None if r.cancelled() else self._done(board, name, r.result()))

    def stop(self) -> None:
        """Nobody waits any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
