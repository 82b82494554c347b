"""Whether a place can be on Vietnam's land: a coarse check that catches typing errors, not a map."""

from __future__ import annotations

MARGIN_DEG = 0.1
"""A place so near to the coast counts as land (11 km)."""

_COAST = (
    (8.5, 104.7, 105.1), (9.0, 104.8, 105.6), (9.3, 104.8, 106.1), (9.6, 104.85, 106.6), (10.0, 104.95, 106.75),
    (10.3, 104.5, 107.1), (10.45, 103.5, 107.5), (10.7, 103.5, 107.95), (11.0, 103.5, 108.5), (11.3, 103.5, 108.95),
    (11.7, 103.5, 109.25), (12.6, 103.5, 109.46), (13.0, 103.5, 109.4), (13.8, 103.5, 109.3), (14.5, 103.5, 109.1),
    (15.2, 103.5, 108.97), (15.6, 103.5, 108.6), (16.0, 103.5, 108.35), (16.2, 103.5, 108.3), (16.5, 103.5, 107.75),
    (17.0, 103.5, 107.15), (17.5, 103.5, 106.7), (18.0, 103.5, 106.5), (18.4, 103.5, 106.0), (19.0, 103.5, 105.75),
    (19.5, 103.5, 105.85), (20.0, 103.5, 106.3), (20.2, 102.1, 106.6), (20.6, 102.1, 106.8), (20.8, 102.1, 107.1),
    (21.0, 102.1, 107.5), (21.5, 102.1, 108.1), (22.0, 102.1, 107.5), (23.4, 102.1, 107.0),
)  # fmt: skip
"""Latitude, westernmost and easternmost longitude of land there (borders over land are wide); linear in between."""

_ISLANDS = (
    (9.9, 10.5, 103.8, 104.2), (9.2, 9.8, 103.4, 104.5), (8.6, 8.8, 106.5, 106.75), (10.45, 10.6, 108.85, 109.05),
    (15.3, 15.5, 109.0, 109.2), (17.1, 17.2, 107.3, 107.4), (20.6, 21.3, 107.0, 108.0), (20.1, 20.2, 107.7, 107.8),
    (15.7, 17.2, 111.0, 113.0), (6.4, 12.0, 111.3, 117.5),
)  # fmt: skip
"""South, north, west, east of islands off that coast."""


def on_land(lat: float, lon: float) -> bool:
    """True where (lat, lon), in degrees, is on or near Vietnam's land; false at sea and abroad beyond the box."""
    for south, north, west, east in _ISLANDS:
        if south - MARGIN_DEG <= lat <= north + MARGIN_DEG and west - MARGIN_DEG <= lon <= east + MARGIN_DEG:
            return True
    if not _COAST[0][0] - MARGIN_DEG <= lat <= _COAST[-1][0] + MARGIN_DEG:
        return False
    west, east = _between(lat)
    return west - MARGIN_DEG <= lon <= east + MARGIN_DEG


def _between(lat: float) -> tuple[float, float]:
    below = _COAST[0]
    for above in _COAST:
        if above[0] >= lat:
            share = 0.0 if above is below else (lat - below[0]) / (above[0] - below[0])
            share = max(0.0, share)
            return below[1] + (above[1] - below[1]) * share, below[2] + (above[2] - below[2]) * share
        below = above
    return below[1], below[2]
