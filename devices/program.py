"""Light programs: when a lamp is on and how bright, as a rule that its controller can work out by itself for years.

A night runs from noon to noon of local time. Instants are whole seconds since 1970; levels are %.
"""

from __future__ import annotations

import hashlib
import json
import math
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

DAY_S = 86_400
NOON_S = 43_200
UTC_MIN = 420
"""Vietnam's time, minutes ahead of UTC; it has no summer time."""
MOST_STEPS, MOST_SAVINGS = 12, 3
MOST_OFFSET_MIN = 180

Level = Annotated[int, Field(ge=0, le=100)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
_CONFIG = ConfigDict(extra="forbid", frozen=True)


def _after_noon_s(clock: str) -> int:
    """`22:00` as seconds after the noon that begins the night."""
    hours, minutes = clock.split(":")
    return (int(hours) * 3600 + int(minutes) * 60 - NOON_S) % DAY_S


class Edge(BaseModel):
    """When a lamp goes on or off: so many minutes after dusk (or dawn), or at a fixed time."""

    model_config = _CONFIG
    offset_min: Annotated[int, Field(ge=-MOST_OFFSET_MIN, le=MOST_OFFSET_MIN)] | None = None
    at: Clock | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.offset_min is None) == (self.at is None):
            raise ValueError("it has either `offset_min` or `at`")
        return self


class Step(BaseModel):
    """From a time, or from a share of the lit part of the night, another level."""

    model_config = _CONFIG
    at: Clock | None = None
    share_pct: Annotated[int, Field(ge=1, le=99)] | None = None
    level_pct: Level

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.at is None) == (self.share_pct is None):
            raise ValueError("it has either `at` or `share_pct`")
        return self


class Saving(BaseModel):
    """For rainy weeks: below a charge no brighter than `level_pct`, until the charge is back at `until_pct`."""

    model_config = _CONFIG
    below_pct: Annotated[int, Field(ge=1, le=95)]
    until_pct: Annotated[int, Field(ge=2, le=100)]
    level_pct: Annotated[int, Field(ge=1, le=100)]

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.until_pct <= self.below_pct:
            raise ValueError("`until_pct` is higher than `below_pct`")
        return self


class Program(BaseModel):
    """What a lamp does each night. Steps are all by time or all by share, in the order of the night."""

    model_config = _CONFIG
    on: Edge = Edge(offset_min=0)
    off: Edge = Edge(offset_min=0)
    level_pct: Level = 100
    steps: Annotated[tuple[Step, ...], Field(max_length=MOST_STEPS)] = ()
    saving: Annotated[tuple[Saving, ...], Field(max_length=MOST_SAVINGS)] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        on, off = self.on.at, self.off.at
        if on is not None and off is not None and _after_noon_s(on) >= _after_noon_s(off):
            raise ValueError("`off` comes after `on`, within a night from noon to noon")
        times = [_after_noon_s(s.at) for s in self.steps if s.at is not None]
        shares = [s.share_pct for s in self.steps if s.share_pct is not None]
        if times and shares:
            raise ValueError("steps are all by time or all by share")
        if any(a >= b for a, b in pairwise(times or shares)):
            raise ValueError("steps stand in the order of the night, from noon to noon")
        for mild, hard in pairwise(self.saving):
            if hard.below_pct >= mild.below_pct or hard.level_pct >= mild.level_pct:
                raise ValueError("savings stand from the highest charge to the lowest, each dimmer")
        return self


class Override(BaseModel):
    """On from dusk to dawn at the program's first level, until an instant; then the program counts again.

    `nights`: how many dawns lie before that; who has no clock counts them.
    """

    model_config = _CONFIG
    until: Annotated[int, Field(ge=0, le=10**11)]
    nights: Annotated[int, Field(ge=1, le=60)]


class Order(BaseModel):
    """What the `desired` of a light carries. `id`: the first 16 hex digits of the sha256 of the rest, canonical.

    `name` is what people call the program. Without `program` the controller's own counts.
    `lat` and `lon` in degrees, `utc_min`: minutes ahead of UTC.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    name: Annotated[str, Field(max_length=80)] = ""
    program: Program | None = None
    override: Override | None = None
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    utc_min: Annotated[int, Field(ge=-720, le=840)] = UTC_MIN


class BadOrder(ValueError):  # noqa: N818 - what the payload is
    """A `desired` that a light cannot take."""


def canonical(program: Program) -> str:
    """A program as canonical JSON: sorted keys, no spaces, nothing that is not set."""
    return _json(program.model_dump(mode="json", exclude_none=True))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def order(
    program: Program | None, override: Override | None, lat: float, lon: float, name: str = ""
) -> tuple[str, str]:
    """(id, payload) of the `desired` that makes a light do this."""
    body: dict[str, object] = {"name": name, "lat": lat, "lon": lon, "utc_min": UTC_MIN}
    if program is not None:
        body["program"] = program.model_dump(mode="json", exclude_none=True)
    if override is not None:
        body["override"] = override.model_dump(mode="json")
    found = hashlib.sha256(_json(body).encode()).hexdigest()[:16]
    return found, _json({"id": found, **body})


def read(payload: bytes | str) -> Order:
    """A `desired` as a light takes it. Raises BadOrder."""
    try:
        return Order.model_validate_json(payload)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        raise BadOrder(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200]) from e


# --- the sun ------------------------------------------------------------------------------------------------------


def _turn(day: int, lat: float, lon: float) -> tuple[float, float] | None:
    """(noon of the sun, half of its day) in days since 1970; None where it does not rise or set.

    The sunrise equation: https://en.wikipedia.org/wiki/Sunrise_equation; within two minutes at Vietnam's latitudes.
    """
    mean = day - 10_957 - lon / 360
    anomaly = math.radians((357.5291 + 0.98560028 * mean) % 360)
    centre = 1.9148 * math.sin(anomaly) + 0.02 * math.sin(2 * anomaly) + 0.0003 * math.sin(3 * anomaly)
    longitude = anomaly + math.radians(centre + 180 + 102.9372)
    noon = 10_957.5 + mean + 0.0053 * math.sin(anomaly) - 0.0069 * math.sin(2 * longitude)
    declination = math.asin(math.sin(longitude) * math.sin(math.radians(23.4397)))
    phi = math.radians(lat)
    cosine = (math.sin(math.radians(-0.833)) - math.sin(phi) * math.sin(declination)) / (
        math.cos(phi) * math.cos(declination)
    )
    return (noon, math.degrees(math.acos(cosine)) / 360) if -1 < cosine < 1 else None


def dusk_and_dawn(night: int, lat: float, lon: float) -> tuple[int, int] | None:
    """Sunset of the local day `night` (days since 1970) and the sunrise after it; None where there is none."""
    evening, morning = _turn(night, lat, lon), _turn(night + 1, lat, lon)
    if evening is None or morning is None:
        return None
    return round((evening[0] + evening[1]) * DAY_S), round((morning[0] - morning[1]) * DAY_S)


# --- the night ----------------------------------------------------------------------------------------------------


class Change(NamedTuple):
    """From this instant this level."""

    at: int
    level_pct: int


def night_of(at: float, utc_min: int = UTC_MIN) -> int:
    """The night that an instant is in, named by the local day whose noon begins it (days since 1970)."""
    return int((at + utc_min * 60 - NOON_S) // DAY_S)


def _at(edge: Edge, noon: int, sun: int) -> int:
    return sun + edge.offset_min * 60 if edge.offset_min is not None else noon + _after_noon_s(edge.at or "")


def _plain(program: Program, noon: int, dusk: int, dawn: int) -> tuple[Change, ...]:
    on, off = _at(program.on, noon, dusk), _at(program.off, noon, dawn)
    if on >= off:
        return ()
    changes = [Change(on, program.level_pct)]
    for step in program.steps:
        at = noon + _after_noon_s(step.at) if step.at else on + (off - on) * (step.share_pct or 0) // 100
        if at <= on:
            changes = [Change(on, step.level_pct)]
        elif at < off:
            changes.append(Change(at, step.level_pct))
    return (*changes, Change(off, 0))


@lru_cache(maxsize=4096)
def changes(asked: Order, night: int) -> tuple[Change, ...] | None:
    """A night's levels, the last 0; () where it stays dark (`on` would come after `off`); None where nobody can tell.

    Before the first change the lamp is off. Charge is not looked at: see `saved`.
    """
    sun = dusk_and_dawn(night, asked.lat, asked.lon)
    if sun is None:
        return None
    noon = night * DAY_S + NOON_S - asked.utc_min * 60
    plain = None if asked.program is None else _plain(asked.program, noon, *sun)
    if asked.override is None or asked.override.until <= noon:
        return plain
    until, level = asked.override.until, asked.program.level_pct if asked.program is not None else 100
    on = min(sun[0], plain[0].at) if plain else sun[0]
    off = max(sun[1], plain[-1].at) if plain else sun[1]
    if until >= off:
        return Change(on, level), Change(off, 0)
    after = tuple(c for c in plain or () if c.at > until)
    back = Change(until, level_at(plain or (), until))
    return (Change(on, level), back, *after) if until > on else (plain or ())


def level_at(night: tuple[Change, ...], at: float) -> int:
    """The level at an instant of a night."""
    level = 0
    for change in night:
        if change.at > at:
            break
        level = change.level_pct
    return level


def wanted(asked: Order, at: float) -> int | None:
    """The level that an order asks for at an instant; None where it leaves that to the controller."""
    night = changes(asked, night_of(at, asked.utc_min))
    return None if night is None else level_at(night, at)


def saving(program: Program, active: int, charge_pct: float) -> int:
    """How many of the program's savings hold, with `active` of them before: each begins and ends at its own charge."""
    for i in range(len(program.saving), 0, -1):
        one = program.saving[i - 1]
        if charge_pct < one.below_pct or (i <= active and charge_pct < one.until_pct):
            return i
    return 0


def saved(program: Program, active: int, level: int) -> int:
    """A level with so many savings in force."""
    return min(level, program.saving[active - 1].level_pct) if active else level
