"""Night sense: when it is dark at a place, so that a lamp is judged only when it should be lit."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from functools import lru_cache

from astral import Observer
from astral.sun import sunrise, sunset

MARGIN_MS = 15 * 60_000
"""Twilight: dark begins this long after sunset and ends this long before sunrise."""

_DAY_MS = 86_400_000


@lru_cache(maxsize=4096)
def _times(lat: float, lon: float, day: int) -> tuple[int | None, int | None]:
    """(sunrise, sunset) in ms of the UTC day number `day`, None where the sun does not cross (polar)."""
    date = datetime.fromtimestamp(day * 86400, UTC).date()
    found: list[int | None] = []
    for event in (sunrise, sunset):
        try:
            found.append(round(event(Observer(lat, lon), date, tzinfo=UTC).timestamp() * 1000))
        except ValueError:
            found.append(None)
    return found[0], found[1]


class Sun:
    """Sun times of one place, for the days around the instant asked last. Places 0.1 degrees apart share one."""

    def __init__(self, lat: float, lon: float) -> None:
        self.lat = round(lat, 1)
        self.lon = round(lon, 1)
        self._from = self._until = 0
        self._dark = False

    def _edges(self, day: int) -> list[tuple[int, bool]]:
        edges: list[tuple[int, bool]] = []
        for d in range(day - 1, day + 3):
            rise, down = _times(self.lat, self.lon, d)
            if rise is not None:
                edges.append((rise - MARGIN_MS, False))
            if down is not None:
                edges.append((down + MARGIN_MS, True))
        return sorted(edges)

    def dark(self, at: int) -> bool:
        """True where it is dark at `at` (ms). Cached between two edges: a call costs two comparisons."""
        if not self._from <= at < self._until:
            edges = self._edges(at // _DAY_MS)
            i = bisect_right([e[0] for e in edges], at)
            if 0 < i < len(edges):
                self._from, self._until, self._dark = edges[i - 1][0], edges[i][0], edges[i - 1][1]
            else:  # polar day or night: judge nothing
                self._from, self._until, self._dark = at, at + 3_600_000, False
        return self._dark

    def next_times(self, at: int) -> tuple[int | None, int | None]:
        """(next sunrise, next sunset) after `at`, ms."""
        day = at // _DAY_MS
        rises, sets = zip(*(_times(self.lat, self.lon, d) for d in range(day - 1, day + 3)), strict=True)
        return (
            min((t for t in rises if t is not None and t > at), default=None),
            min((t for t in sets if t is not None and t > at), default=None),
        )


@lru_cache(maxsize=4096)
def _sun(lat10: int, lon10: int) -> Sun:
    return Sun(lat10 / 10, lon10 / 10)


def sun_at(lat: float, lon: float) -> Sun:
    """The shared Sun of a place."""
    return _sun(round(lat * 10), round(lon * 10))


HANOI = (21.0, 105.8)
"""Where a site without coordinates is taken to be."""
