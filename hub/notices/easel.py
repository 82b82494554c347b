"""The easel: drafts drawn for profiles, once for the same draft; what was drawn lately stays in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from hub.notices.render import render
from hub.notices.rows import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.notices.views import Draft, Page, Problem

ROOM = 64_000_000
"""Bytes of frames kept."""
_DRAWN = ("level", "title", "text", "link", "picture", "drill")
"""What a draft's frames depend on."""


class Drawn(NamedTuple):
    """A draft on boards of one profile."""

    pages: tuple[Page, ...]
    problems: tuple[Problem, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return 1000 + sum(len(p.png) for p in self.pages)


class Easel:
    """`picture` gives a kept picture by its hash. Drawing is a worker thread's work."""

    def __init__(self, picture: Callable[[str], bytes | None]) -> None:
        self._picture = picture
        self._kept: OrderedDict[tuple[str, str], Drawn] = OrderedDict()
        self._pngs: dict[str, bytes] = {}
        self._room = ROOM
        self._lock = threading.Lock()

    def draw(self, draft: Draft, profile: str) -> Drawn:
        """The frames of a clean draft for a profile, or why there are none."""
        key = canonical(draft.model_dump(mode="json", include=set(_DRAWN))), profile
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        picture = self._picture(draft.picture) if draft.picture else None
        made = Drawn(*render(draft, picture or b"", profile))
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._room -= made.size
            self._pngs |= {p.hash: p.png for p in made.pages}
            if self._room < 0:
                self._forget()
        return made

    def _forget(self) -> None:
        while self._room < 0 and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._room += oldest.size
        self._pngs = {p.hash: p.png for drawn in self._kept.values() for p in drawn.pages}

    def png(self, found: str) -> bytes | None:
        """A frame drawn lately."""
        return self._pngs.get(found)
