"""Charts: one field's past as a small drawing, made on the server. A band from lowest to highest, a line of means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from devices.device import FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.device import Kind
    from hub.web.history import PointAnswer

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
GAP = 3
"""A silence of more buckets is left white: nothing is drawn where nothing was heard."""


class Span(StrEnum):
    """How far back a chart looks."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


_LENGTHS = {
    Span.HOUR: (HOUR_MS, 60_000),
    Span.DAY: (DAY_MS, 300_000),
    Span.WEEK: (7 * DAY_MS, HOUR_MS // 2),
    Span.MONTH: (30 * DAY_MS, 2 * HOUR_MS),
    Span.YEAR: (365 * DAY_MS, DAY_MS),
}


@dataclass(frozen=True, slots=True)
class Window:
    """The time that a chart shows, in buckets."""

    span: Span
    since: int
    until: int
    bucket_ms: int

    @classmethod
    def of(cls, span: Span, now: int) -> Window:
        """The span up to now."""
        length, bucket = _LENGTHS[span]
        return cls(span, now - length, now + 1, bucket)

    @property
    def now(self) -> int:
        """Its right edge."""
        return self.until - 1

    @property
    def length(self) -> int:
        """In ms."""
        return self.now - self.since

    @property
    def ticks(self) -> list[int]:
        """The five times written below every chart."""
        return [self.now - self.length * i // 4 for i in range(4, -1, -1)]


WIDTH, HEIGHT = 288, 60


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing in WIDTH x HEIGHT units; `bands` are polygons, `means` polylines, one a stretch without gap.

    `beside` is the neighbours' median, polylines too.
    """

    field: str
    low: float
    high: float
    last: float
    bands: tuple[str, ...]
    means: tuple[str, ...]
    nights: tuple[tuple[float, float], ...]
    beside: tuple[str, ...] = ()


Series = list[tuple[int, float, float, float]]


def charts(
    kind: Kind,
    points: Sequence[PointAnswer],
    window: Window,
    night: tuple[int, int] | None = None,
    beside: Sequence[PointAnswer] = (),
) -> tuple[Chart, ...]:
    """One chart a field that has `chart` and was reported; `night`: one (sunset, sunrise); `beside`: the neighbours."""
    nights = _nights(window, night)
    drawn = []
    for field in FIELDS[kind]:
        if not field.chart:
            continue
        series = _series(points, field.name)
        if series:
            drawn.append(_chart(field.name, series, window, nights, _series(beside, field.name)))
    return tuple(drawn)


def _series(points: Sequence[PointAnswer], name: str) -> Series:
    return [(p.at, *p.values[name]) for p in points if name in p.values]


def _chart(
    name: str, series: Series, window: Window, nights: tuple[tuple[float, float], ...], beside: Series
) -> Chart:
    low, high = min(s[1] for s in series), max(s[3] for s in series)
    means = [b[2] for b in beside]
    floor, ceiling = min([low, *means]), max([high, *means])
    spread = (ceiling - floor) or 1.0

    def x(at: int) -> float:
        return round(min(max((at + window.bucket_ms / 2 - window.since) / window.length, 0), 1) * WIDTH, 1)

    def y(value: float) -> float:
        return round(2 + (ceiling - value) / spread * (HEIGHT - 4), 1)

    def line(run: Series) -> str:
        drawn = [f"{x(at)},{y(mean)}" for at, _, mean, _ in run]
        if len(drawn) == 1:
            drawn.insert(0, f"{max(x(run[0][0]) - 2, 0)},{y(run[0][2])}")  # a point alone is a short dash
        return " ".join(drawn)

    def band(run: Series) -> str:
        top = [f"{x(at)},{y(most)}" for at, _, _, most in run]
        return " ".join(top + [f"{x(at)},{y(least)}" for at, least, _, _ in reversed(run)])

    runs = _runs(series, window.bucket_ms)
    return Chart(
        name, floor, ceiling, series[-1][2], tuple(map(band, runs)), tuple(map(line, runs)), nights,
        tuple(line(run) for run in _runs(beside, window.bucket_ms)),
    )  # fmt: skip


def _runs(series: Series, bucket_ms: int) -> list[Series]:
    if not series:
        return []
    runs = [[series[0]]]
    for before, this in pairwise(series):
        if this[0] - before[0] > GAP * bucket_ms:
            runs.append([])
        runs[-1].append(this)
    return runs


def _nights(window: Window, night: tuple[int, int] | None) -> tuple[tuple[float, float], ...]:
    """The dark stretches of an hour, a day or a week as (x, width), from any one day's sunset and sunrise."""
    if night is None or window.span in (Span.MONTH, Span.YEAR):
        return ()
    sunset, sunrise = (at % DAY_MS for at in night)
    length = (sunrise - sunset) % DAY_MS
    start, now = window.since, window.now
    spans = []
    first = start - start % DAY_MS - DAY_MS + sunset
    for begin in range(first, now, DAY_MS):
        left, right = max(begin, start), min(begin + length, now)
        if right > left:
            at, width = (left - start) / window.length, (right - left) / window.length
            spans.append((round(at * WIDTH, 1), round(width * WIDTH, 1)))
    return tuple(spans)
