"""A district's places out of its YAML file: tree with both sides of a merger, villages with their centres."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from devices.device import Kind
from devices.site import Placing, Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VILLAGE_SPREAD_DEG = 0.006
"""How far a village lies from its commune's centre at most (illustrative), about 600 m."""


@dataclass(frozen=True, slots=True)
class Village:
    """A village with the letters that its devices' names begin with (`tt` for Tháp Thượng)."""

    slug: str
    name: str
    letters: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class District:
    """The whole tree, its villages in the file's order, how many devices of a kind, and the demo's villages."""

    sites: tuple[Site, ...]
    placings: tuple[Placing, ...]
    villages: tuple[Village, ...]
    counts: Mapping[Kind, int]
    demo: tuple[str, ...]


def slug_of(name: str) -> str:
    """`Tháp Thượng` -> `thap-thuong`."""
    plain = unicodedata.normalize("NFD", name.replace("Đ", "D").replace("đ", "d"))
    return "-".join("".join(c for c in plain if not unicodedata.combining(c)).lower().split())


def letters_for(slug: str, taken: set[str]) -> str:
    """The first letters of a slug's words, with more of the last word until nobody else has them."""
    *first, last = slug.split("-")
    head = "".join(word[0] for word in first)
    for length in range(1, len(last) + 1):
        if (letters := head + last[:length]) not in taken:
            return letters
    return slug


def load(name: str = "dan_phuong") -> District:
    """The district of `data/<name>.yaml`."""
    data: dict[str, Any] = yaml.safe_load((files("simulators") / "data" / f"{name}.yaml").read_text("utf-8"))
    villages = tuple(_villages(data["communes"]))
    return District(
        sites=(*_units(data), *(Site(v.slug, v.name, "village", v.lat, v.lon) for v in villages)),
        placings=tuple(_placings(data)),
        villages=villages,
        counts={Kind(kind): count for kind, count in data["counts"].items()},
        demo=tuple(data["demo"]),
    )


def _villages(communes: list[dict[str, Any]]) -> Iterator[Village]:
    taken: set[str] = set()
    for commune in communes:
        lat, lon = commune["at"]
        for name in commune["villages"]:
            slug = slug_of(name)
            letters = letters_for(slug, taken)
            taken.add(letters)
            rng = random.Random(slug)
            near = [round(c + rng.uniform(-1, 1) * VILLAGE_SPREAD_DEG, 5) for c in (lat, lon)]
            yield Village(slug, name, letters, *near)


def _units(data: dict[str, Any]) -> Iterator[Site]:
    """Province, district, the communes that ended with the merger, and those that began with it."""
    province, district, merger = data["province"], data["district"], data["merger"]
    yield Site(province["slug"], province["name"], "province", province["lat"], province["lon"])
    yield Site(
        district["slug"],
        district["name"],
        "district",
        district["lat"],
        district["lon"],
        until=district["until"],
    )
    centres = {c["slug"]: c["at"] for c in data["communes"]}
    for c in data["communes"]:
        lat, lon = c["at"]
        yield Site(c["slug"], c["name"], "commune", lat, lon, until=merger)
    for c in data["merged"]:
        lats, lons = zip(*(centres[old] for old in c["of"]), strict=True)
        middle = (round(sum(lats) / len(lats), 5), round(sum(lons) / len(lons), 5))
        yield Site(c["slug"], c["name"], "commune", *middle, since=merger)


def _placings(data: dict[str, Any]) -> Iterator[Placing]:
    province, district, merger = data["province"]["slug"], data["district"]["slug"], data["merger"]
    yield Placing(district, province, until=data["district"]["until"])
    for c in data["communes"]:
        yield Placing(c["slug"], district, until=merger)
    for c in data["merged"]:
        yield Placing(c["slug"], province, since=merger)
    became = {old: c["slug"] for c in data["merged"] for old in c["of"]}
    for c in data["communes"]:
        for village in map(slug_of, c["villages"]):
            yield Placing(village, c["slug"], until=merger)
            yield Placing(village, became[c["slug"]], since=merger)
