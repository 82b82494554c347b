"""How long the proof of a notice is kept: what boards said of a text, and its frames. Its words and names stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hub.registry import midnight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.notices.book import Book
    from hub.notices.views import Revision
    from hub.store.writer import Store, Writes

DONE = "proof_trimmed_to"
"""Key of the hub's own values: proofs of texts that ended before that (ms) are gone."""


@dataclass(slots=True)
class Trim:
    """Looks once a day for texts that ended more than `keep_ms` ago, and forgets one a tick. Owned by ingest."""

    store: Store
    book: Book
    keep_ms: int
    _day: int = field(init=False, default=-1)
    _until: int = field(init=False, default=0)
    _waits: list[tuple[int, Revision]] = field(init=False, default_factory=list)

    def tick(self, now: int, writes: Writes) -> None:
        """A second's work. What a crash cut short is done again."""
        if midnight(now) != self._day:
            self._day, self._until = midnight(now), now - self.keep_ms
            since = int(self.store.meta(DONE) or 0)
            self._waits = [
                (n, r) for n, r in self._texts() if r.ended_at and since <= r.ended_at < self._until
            ]
        if not self._waits:
            return
        number, gone = self._waits.pop()
        writes.add("DELETE FROM step WHERE notice=? AND revision=?", number, gone.number)
        for name in sorted(_hashes(gone) - self._needed()):
            writes.add("DELETE FROM frame WHERE hash=?", name)
        if not self._waits:
            self.store.set_meta(writes, DONE, self._until)

    def _needed(self) -> set[str]:
        kept = (r for _, r in self._texts() if not r.ended_at or r.ended_at >= self._until)
        return {h for r in kept for h in _hashes(r)}

    def _texts(self) -> Iterator[tuple[int, Revision]]:
        return ((n.number, r) for n in self.book.notices.values() for r in n.revisions)


def _hashes(revision: Revision) -> frozenset[str]:
    return frozenset(p.hash for pages in revision.frames.values() for p in pages)
