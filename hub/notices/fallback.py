"""Fallback frames: what a board shows of its own where no notice is due, the name of its commune. Drawn by a worker."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hub.notices.render import render
from hub.notices.views import Draft

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.notices.views import Page

log = logging.getLogger(__name__)


def draw(profile: str, name: str) -> tuple[Page, ...]:
    """The fallback frames of a profile; none where it cannot be drawn."""
    return render(Draft(title=name), b"", profile)[0]


def _pass_over() -> None:
    """Nobody waits."""


class Fallbacks:
    """Those drawn so far. `start` runs a job, by default in a thread of its own; `ready` is called after each."""

    def __init__(self, start: Callable[[Callable[[], None]], object] | None = None) -> None:
        self._start = start
        self.ready: Callable[[], None] = _pass_over
        self._worker: ThreadPoolExecutor | None = None
        self.pngs: dict[str, bytes] = {}
        """Of all that was drawn, by hash."""
        self._drawn: dict[tuple[str, str], tuple[Page, ...]] = {}
        self._asked: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._fresh: list[tuple[str, Page]] = []

    def get(self, profile: str, name: str) -> tuple[Page, ...] | None:
        """The frames for a profile; None where they are still being drawn."""
        key = profile, name
        found = self._drawn.get(key)
        if found is None and key not in self._asked:
            self._asked.add(key)
            self._run(lambda: self._draw(*key))
            found = self._drawn.get(key)
        return found

    def _run(self, job: Callable[[], None]) -> None:
        if self._start is not None:
            self._start(job)
            return
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, "fallback")
        self._worker.submit(job)

    def _draw(self, profile: str, name: str) -> None:
        try:
            pages = draw(profile, name)
        except Exception:
            log.exception("no fallback frame for profile %s", profile)
            pages = ()
        with self._lock:
            self.pngs = {**self.pngs, **{page.hash: page.png for page in pages}}
            self._drawn[profile, name] = pages
            self._fresh += [(profile, page) for page in pages]
        self.ready()

    def take(self) -> list[tuple[str, Page]]:
        """What was drawn since the last call, with its profile: to be stored."""
        with self._lock:
            fresh, self._fresh = self._fresh, []
        return fresh

    def stop(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.shutdown(wait=False, cancel_futures=True)
