"""Charts: one field's day as a small drawing, made on the server. A band from lowest to highest, a line of means."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from devices.device import FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.device import Kind
    from hub.web.devices import PointAnswer

DAY_MS = 86_400_000
BUCKET_MS = 300_000
GAP_MS = 3 * BUCKET_MS
"""A longer silence is left white: nothing is drawn where nothing was heard."""

WIDTH, HEIGHT = 288, 60


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing in WIDTH x HEIGHT units; `bands` are polygons, `means` polylines, one a stretch without gap."""

    field: str
    low: float
    high: float
    last: float
    bands: tuple[str, ...]
    means: tuple[str, ...]
    nights: tuple[tuple[float, float], ...]


def charts(
    kind: Kind, points: Sequence[PointAnswer], now: int, night: tuple[int, int] | None = None
) -> tuple[Chart, ...]:
    """The day before `now`, one chart a field that has `chart` and was reported; `night` is one (sunset, sunrise)."""
    nights = _nights(now, night)
    drawn = []
    for field in FIELDS[kind]:
        if not field.chart:
            continue
        series = [(p.at, *p.values[field.name]) for p in points if field.name in p.values]
        if series:
            drawn.append(_chart(field.name, series, now, nights))
    return tuple(drawn)


def ticks(now: int) -> list[int]:
    """The five times written below every chart."""
    return [now - DAY_MS * i // 4 for i in range(4, -1, -1)]


def _chart(
    name: str,
    series: list[tuple[int, float, float, float]],
    now: int,
    nights: tuple[tuple[float, float], ...],
) -> Chart:
    low, high = min(s[1] for s in series), max(s[3] for s in series)
    spread = (high - low) or 1.0

    def x(at: int) -> float:
        return round(min(max((at + BUCKET_MS / 2 - (now - DAY_MS)) / DAY_MS, 0), 1) * WIDTH, 1)

    def y(value: float) -> float:
        return round(2 + (high - value) / spread * (HEIGHT - 4), 1)

    bands, means = [], []
    for run in _runs(series):
        top = [f"{x(at)},{y(most)}" for at, _, _, most in run]
        bottom = [f"{x(at)},{y(least)}" for at, least, _, _ in reversed(run)]
        line = [f"{x(at)},{y(mean)}" for at, _, mean, _ in run]
        if len(line) == 1:
            line.insert(0, f"{max(x(run[0][0]) - 2, 0)},{y(run[0][2])}")  # a point alone is a short dash
        bands.append(" ".join(top + bottom))
        means.append(" ".join(line))
    return Chart(name, low, high, series[-1][2], tuple(bands), tuple(means), nights)


def _runs(series: list[tuple[int, float, float, float]]) -> list[list[tuple[int, float, float, float]]]:
    runs = [[series[0]]]
    for before, this in pairwise(series):
        if this[0] - before[0] > GAP_MS:
            runs.append([])
        runs[-1].append(this)
    return runs


def _nights(now: int, night: tuple[int, int] | None) -> tuple[tuple[float, float], ...]:
    """The dark stretches of the day before `now` as (x, width), from any one day's sunset and sunrise."""
    if night is None:
        return ()
    sunset, sunrise = (at % DAY_MS for at in night)
    length = (sunrise - sunset) % DAY_MS
    start = now - DAY_MS
    spans = []
    first = start - start % DAY_MS - DAY_MS + sunset
    for begin in range(first, now, DAY_MS):
        left, right = max(begin, start), min(begin + length, now)
        if right > left:
            spans.append(
                (round((left - start) / DAY_MS * WIDTH, 1), round((right - left) / DAY_MS * WIDTH, 1))
            )
    return tuple(spans)
