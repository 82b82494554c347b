"""The sky over a village: where the sun stands, how much of it the clouds let through, how warm the air is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import elevation

from simulators.chance import drift

VILLAGE_TIME = ZoneInfo("Asia/Ho_Chi_Minh")
GRID_DEG = 0.05
"""Villages within 5 km share a sun: it differs by less than 0.05 degrees."""
SLOT_S = 60
"""One look at the sky holds so long; the sun moves 0.25 degrees."""

TWILIGHT_DEG = 6.0
TWILIGHT_W_M2 = 10.0
"""Light from a sky whose sun stands on the horizon."""
NOON_W_M2 = 1000.0


@dataclass(frozen=True, slots=True)
class Weather:
    """`sun_deg` above the horizon, `clear` share of sunlight that passes the clouds, local `hour` 0-24, air in °C."""

    sun_deg: float
    clear: float
    hour: float
    air_c: float


def light_w_m2(sun_deg: float, clear: float) -> float:
    """Irradiance on a flat panel: the sun's part behind the clouds, plus twilight, which they dim less."""
    if sun_deg <= -TWILIGHT_DEG:
        return 0.0
    twilight = TWILIGHT_W_M2 * (1 + min(sun_deg, 0.0) / TWILIGHT_DEG) ** 2 * (0.5 + clear / 2)
    if sun_deg <= 0:
        return twilight
    return twilight + NOON_W_M2 * math.pow(math.sin(math.radians(sun_deg)), 1.15) * clear


class Sky:
    """The weather by place and time; `seed` makes another year's clouds."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def at(self, lat: float, lon: float, now: float) -> Weather:
        """The weather of this minute, the same for the places of one grid cell."""
        return _look(self._seed, round(lat / GRID_DEG), round(lon / GRID_DEG), int(now // SLOT_S))


@lru_cache(maxsize=20_000)
def _look(seed: int, row: int, column: int, slot: int) -> Weather:
    now = slot * SLOT_S
    when = datetime.fromtimestamp(now, UTC)
    sun = elevation(Observer(row * GRID_DEG, column * GRID_DEG), when)
    local = when.astimezone(VILLAGE_TIME)
    hour = local.hour + local.minute / 60
    # Days differ (fronts), and so do hours (clouds that pass)
    front = drift(seed + 1, now, 86_400)
    passing = drift(seed + row * 1000 + column, now, 2_400)
    clear = 1 - min(0.75, 0.6 * front + 0.3 * passing * front + 0.1 * passing)
    season = 23 + 6.5 * math.cos(2 * math.pi * (local.timetuple().tm_yday - 190) / 365)
    air = season + 4 * math.cos(2 * math.pi * (hour - 14) / 24) * (0.4 + 0.6 * clear)
    return Weather(sun, clear, hour, air)
