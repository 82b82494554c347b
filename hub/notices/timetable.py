"""The calendar: what shows where, and what stands behind something stronger. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from devices.notice import Level
from hub.notices.views import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Entry(NamedTuple):
    """A notice with its windows (ms); entries stand strongest first."""

    item: str
    title: str
    level: Level
    priority: int
    windows: Sequence[tuple[int, int]]
    waits: bool = False

    def due(self, at: int) -> bool:
        """It is time for it."""
        return any(a <= at < b for a, b in self.windows)


def slots(entries: Sequence[Entry], boards: tuple[str, ...], start: int, end: int) -> list[Slot]:
    """What is due on boards that are alike in [start, end), by start: pieces in which nothing about them changes."""
    edges = {start, end} | {at for e in entries for w in e.windows for at in w if start < at < end}
    moments = sorted(edges)
    open_: dict[str, Slot] = {}
    found: list[Slot] = []
    for at, until in pairwise(moments):
        now = {s.item: s for s in _at(entries, boards, at, until)}
        for item, slot in list(open_.items()):
            if item not in now or now[item].hidden != slot.hidden:
                found.append(open_.pop(item))
        for item, slot in now.items():
            before = open_.get(item)
            open_[item] = slot if before is None else replace(before, end=until)
    found += open_.values()
    return sorted(found, key=lambda s: (s.start, s.hidden, s.item))


def _at(entries: Sequence[Entry], boards: tuple[str, ...], at: int, until: int) -> Iterator[Slot]:
    due = [e for e in entries if e.due(at)]
    for e in due:
        alone = due[0].level is Level.EMERGENCY
        shown = e is due[0] if alone else (e.level, e.priority) == (due[0].level, due[0].priority)
        yield Slot(e.item, e.title, e.level, boards, at, until, hidden=not shown, waits=e.waits)
