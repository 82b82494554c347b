"""Deafness: the spans in which the hub could not hear. Silence is counted in heard time only.

Heard time of an instant t is t less all deaf time before it; it stands still while the hub is deaf. A device's
deadline is kept in heard time, so that a span moves no deadline.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

LAST_WILLS_MS = 5000
"""So long before its end a broker may have begun to publish wills."""


@dataclass(slots=True)
class Span:
    """A deaf span, [start, end) in ms. `cut`: devices were cut off too and must come back first."""

    start: int
    end: int | None
    reason: str
    cut: bool
    id: int = 0


class Deafness:
    """All deaf spans, in order and apart from each other; the last one may be open.

    `earlier` is the deaf time in spans that are no longer known one by one.
    """

    def __init__(self, spans: list[Span] | None = None, earlier: int = 0) -> None:
        self.spans = spans or []
        self._ends: list[int] = []
        self._before: list[int] = []
        self._earlier = self.total = earlier
        for span in self.spans:
            if span.end is not None:
                self._account(span)

    @property
    def open(self) -> Span | None:
        """The span that has not ended, None while the hub hears."""
        return self.spans[-1] if self.spans and self.spans[-1].end is None else None

    def start(self, at: int, reason: str, *, cut: bool) -> Span | None:
        """The hub is deaf since `at`. An open span goes on (and takes `cut` over); returns a new one only."""
        now = self.open
        if now is not None:
            now.cut = now.cut or cut
            return None
        if self._ends:
            at = max(at, self._ends[-1])
        span = Span(at, None, reason, cut)
        self.spans.append(span)
        return span

    def end(self, at: int) -> Span | None:
        """The hub hears again from `at`; returns the span that ended."""
        span = self.open
        if span is None:
            return None
        span.end = max(at, span.start)
        self._account(span)
        return span

    def _account(self, span: Span) -> None:
        end = span.end if span.end is not None else span.start
        self.total += end - span.start
        self._ends.append(end)
        self._before.append(self.total)

    def heard(self, t: int) -> int:
        """Heard time of the instant `t`."""
        span = self.open
        if span is not None and t > span.start:
            t = span.start
        if not self._ends or t >= self._ends[-1]:
            return t - self.total
        i = bisect_right(self._ends, t)
        closed = self.spans[i]
        passed = self._before[i - 1] if i else self._earlier
        return min(t, closed.start) - passed

    def instant(self, heard: int) -> int:
        """The instant at which heard time reached `heard`: the inverse of `heard`, at a span its start."""
        t = heard + self._earlier
        for span, passed in zip(self.spans, [self._earlier, *self._before], strict=False):
            if heard + passed <= span.start:
                return heard + passed
            if span.end is None:
                return span.start
            t = heard + passed + (span.end - span.start)
        return t

    def cut_off(self, gone_at: int, back_at: int) -> bool:
        """True where a link that broke at `gone_at` and is back at `back_at` broke because the broker ended.

        A broker that ends in order publishes every will before it closes the hub's connection.
        """
        for span in reversed(self.spans):
            if span.end is not None and span.end < gone_at:
                return False
            if span.cut and span.start - LAST_WILLS_MS <= gone_at and span.start <= back_at:
                return True
        return False

    def overlap(self, start: int, end: int) -> int:
        """Deaf ms within [start, end)."""
        return (end - start) - (self.heard(end) - self.heard(start))
