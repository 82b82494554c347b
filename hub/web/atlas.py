"""Where marks come to lie on a map that is drawn here: Web Mercator, so that tiles fit under it; near ones in one mark.

Web Mercator: x = (lon + 180) / 360, y = (1 - asinh(tan(lat)) / pi) / 2, both of the whole world from 0 to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from devices.health import WORST_FIRST, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SIZE = 400
"""The map is a square of so many units."""
EDGE = 28
NEAR = 34
"""Marks nearer than this to each other are drawn as one."""
TILE = 256
MOST_ZOOM = 18
SMALLEST = 2e-6
"""Side of the smallest piece of the world that is shown (about 80 m): a single place is not drawn at endless scale."""


class Place(NamedTuple):
    """Something on the map. `kind` is that of a device, empty for a site."""

    name: str
    title: str
    lat: float
    lon: float
    shown: Shown
    link: str
    kind: str = ""


class Box(NamedTuple):
    """A piece of the world in degrees."""

    south: float
    west: float
    north: float
    east: float

    @classmethod
    def parse(cls, text: str) -> Box | None:
        """`south,west,north,east`; None where it is none."""
        try:
            found = cls(*(float(x) for x in text.split(",")))
        except (TypeError, ValueError):
            return None
        sound = all(map(math.isfinite, found)) and -85 <= found.south <= found.north <= 85  # noqa: PLR2004
        return found if sound and -180 <= found.west <= found.east <= 180 else None  # noqa: PLR2004

    def __str__(self) -> str:
        return ",".join(f"{x:.5f}" for x in self)


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark at (x, y) of the square: a place, or several that lie too near to each other."""

    x: float
    y: float
    shown: Shown
    places: tuple[Place, ...]

    @property
    def box(self) -> Box:
        """What holds its places, with some room around."""
        lats, lons = [p.lat for p in self.places], [p.lon for p in self.places]
        room = max(max(lats) - min(lats), max(lons) - min(lons), 0.0005) / 6
        return Box(min(lats) - room, min(lons) - room, max(lats) + room, max(lons) + room)


class TileAt(NamedTuple):
    """One tile under the map, `size` units wide."""

    z: int
    x: int
    y: int
    left: float
    top: float
    size: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is to be drawn."""

    marks: tuple[Mark, ...]
    tiles: tuple[TileAt, ...] = ()


_RANK = {state: i for i, state in enumerate(WORST_FIRST)}


def _project(lat: float, lon: float) -> tuple[float, float]:
    return (lon + 180) / 360, (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2


def draw(places: Sequence[Place], box: Box | None = None, *, tiles: bool = False) -> Drawing:
    """Lay places out over the square, all of them or those in `box`; the worst is on top."""
    inside = [p for p in places if box is None or _holds(box, p)]
    if not inside:
        return Drawing(())
    corners = (
        [(p.lat, p.lon) for p in inside] if box is None else [(box.south, box.west), (box.north, box.east)]
    )
    points = [_project(*c) for c in corners]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    top, bottom = min(y for _, y in points), max(y for _, y in points)
    side = max(right - left, bottom - top, SMALLEST)
    scale = (SIZE - 2 * EDGE) / side
    x0, y0 = (left + right) / 2 - SIZE / 2 / scale, (top + bottom) / 2 - SIZE / 2 / scale
    at = []
    for p in inside:
        x, y = _project(p.lat, p.lon)
        at.append(((x - x0) * scale, (y - y0) * scale, p))
    return Drawing(_marks(at), tuple(_tiles(x0, y0, scale)) if tiles else ())


def _holds(box: Box, p: Place) -> bool:
    return box.south <= p.lat <= box.north and box.west <= p.lon <= box.east


def _marks(at: Iterable[tuple[float, float, Place]]) -> tuple[Mark, ...]:
    """Near ones become one, the worst first, so that none hides behind another. Neighbours are looked up in cells."""
    cells: dict[tuple[int, int], list[list[tuple[float, float, Place]]]] = {}
    groups: list[list[tuple[float, float, Place]]] = []
    for one in sorted(at, key=lambda a: (_RANK[a[2].shown], a[2].name)):
        cx, cy = int(one[0] // NEAR), int(one[1] // NEAR)
        near = (g for i in (-1, 0, 1) for j in (-1, 0, 1) for g in cells.get((cx + i, cy + j), ()))
        group = next((g for g in near if math.dist(g[0][:2], one[:2]) < NEAR), None)
        if group is None:
            group = []
            cells.setdefault((cx, cy), []).append(group)
            groups.append(group)
        group.append(one)
    found = [
        Mark(round(g[0][0], 1), round(g[0][1], 1), g[0][2].shown, tuple(p for _, _, p in g)) for g in groups
    ]
    return tuple(reversed(found))


def _tiles(x0: float, y0: float, scale: float) -> Iterable[TileAt]:
    z = max(0, min(MOST_ZOOM, math.ceil(math.log2(scale / TILE))))
    n = 2**z
    size = scale / n
    for tx in range(math.floor(x0 * n), math.floor((x0 + SIZE / scale) * n) + 1):
        for ty in range(math.floor(y0 * n), math.floor((y0 + SIZE / scale) * n) + 1):
            if 0 <= ty < n:
                left, top = round((tx / n - x0) * scale, 2), round((ty / n - y0) * scale, 2)
                yield TileAt(z, tx % n, ty, left, top, round(size, 2))
