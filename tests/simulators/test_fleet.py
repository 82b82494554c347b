from __future__ import annotations

import json
import stat
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

import pytest

from devices.device import NAME, Device, Kind
from devices.site import TIERS
from simulators import district, fleet, fleet_file
from simulators.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.fleet import Fleet

DISTRICT = fleet.build("district")
DEMO = fleet.build("demo")
BEFORE, AFTER = date(2023, 6, 1), date(2026, 6, 1)


def parents(found: Fleet, day: date) -> dict[str, str]:
    placed = [(p.site, p.parent) for p in found.placings if p.holds(day)]
    assert len(placed) == len(dict(placed)), "nobody has two parents on one day"
    return dict(placed)


def living(found: Fleet, day: date) -> dict[str, str]:
    alive = [s for s in found.sites if (not s.since or s.since <= day) and (not s.until or day < s.until)]
    return {s.slug: s.tier for s in alive}


def test_the_district_has_what_was_reported() -> None:
    kinds = Counter(d.kind for d in DISTRICT.devices)
    assert kinds == {
        Kind.CAMERA: 2700,
        Kind.SOLAR_LIGHT: 1800,
        Kind.ACCESS_POINT: 207,
        Kind.SIGNBOARD: 23,
        Kind.GATEWAY: 101,
    }
    assert sum(kinds.values()) - kinds[Kind.GATEWAY] == 4730
    assert len({d.site for d in DISTRICT.devices}) == 101


@pytest.mark.parametrize("found", [DISTRICT, DEMO], ids=["district", "demo"])
def test_names_are_unique_and_allowed(found: Fleet) -> None:
    names = [d.name for d in found.devices]
    assert len(set(names)) == len(names)
    assert all(NAME.fullmatch(n) for n in (*names, *(d.realm for d in found.devices)))
    assert len({s.slug for s in found.sites}) == len(found.sites)
    assert {d.site for d in found.devices} <= {s.slug for s in found.sites}
    assert {s.tier for s in found.sites} <= set(TIERS)


def test_the_demo_is_three_villages_of_the_district() -> None:
    kinds = Counter(d.kind for d in DEMO.devices)
    assert 140 <= len(DEMO.devices) <= 160
    assert kinds[Kind.GATEWAY] == 3
    assert kinds[Kind.SIGNBOARD] == 5, "one of each kind"
    assert {d.name for d in DEMO.devices} <= {d.name for d in DISTRICT.devices}
    assert {(d.kind is Kind.CAMERA, d.interval_s) for d in DEMO.devices} == {(False, 10.0), (True, 30.0)}
    assert {d.interval_s for d in DISTRICT.devices} == {60.0}


@pytest.mark.parametrize("found", [DISTRICT, DEMO], ids=["district", "demo"])
@pytest.mark.parametrize(
    ("day", "tiers"), [(BEFORE, 4), (date(2025, 6, 30), 4), (date(2025, 7, 1), 3), (AFTER, 3)]
)
def test_the_tree_holds_on_both_sides_of_the_merger(found: Fleet, day: date, tiers: int) -> None:
    parent, alive = parents(found, day), living(found, day)
    for village in {d.site for d in found.devices}:
        path = [village]
        while path[-1] in parent:
            path.append(parent[path[-1]])
        assert path[-1] == "ha-noi"
        assert len(path) == tiers
        assert all(slug in alive for slug in path)


def test_sixteen_communes_became_three_and_the_district_ended() -> None:
    assert Counter(living(DISTRICT, BEFORE).values())["commune"] == 16
    assert Counter(living(DISTRICT, AFTER).values()) == {"province": 1, "commune": 3, "village": 101}
    names = {s.name for s in DISTRICT.sites if s.since}
    assert names == {"Xã Đan Phượng", "Xã Ô Diên", "Xã Liên Minh"}


def test_what_hangs_on_what() -> None:
    by_name = {d.name: d for d in DISTRICT.devices}
    for d in DISTRICT.devices:
        for other in filter(None, (d.power_from, d.uplink_by)):
            assert (by_name[other].kind, by_name[other].site) == (Kind.GATEWAY, d.site)
        assert d.kind is not Kind.SOLAR_LIGHT or d.power_from is None, (
            "solar lights keep talking in a power cut"
        )
    lights = [d for d in DISTRICT.devices if d.kind is Kind.SOLAR_LIGHT]
    assert 0.3 < sum(map(fleet.speaks_itself, lights)) / len(lights) < 0.6


@pytest.mark.parametrize(
    ("slug", "taken", "letters"),
    [
        ("thap-thuong", set(), "tt"),
        ("thuan-thuong", {"tt"}, "tth"),
        ("la", {"l"}, "la"),
        ("la", {"l", "la"}, "la"),
    ],
)
def test_letters_of_a_village(slug: str, taken: set[str], letters: str) -> None:
    assert district.letters_for(slug, taken) == letters


def test_slugs() -> None:
    assert [district.slug_of(n) for n in ("Tháp Thượng", "Đại Phùng", "Cụm 1 Thọ An")] == [
        "thap-thuong",
        "dai-phung",
        "cum-1-tho-an",
    ]


def test_a_fleet_file_is_private_and_read_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    made = fleet_file.with_passwords(DEMO, None)
    fleet_file.write(made, path)
    assert fleet_file.read(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_passwords_stay_and_only_those_who_speak_have_one(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    first = fleet_file.with_passwords(DEMO, None)
    fleet_file.write(first, path)
    second = fleet_file.with_passwords(DISTRICT, fleet_file.read(path))
    assert all(second.passwords[name] == word for name, word in first.passwords.items())
    assert set(first.passwords) == {d.name for d in DEMO.devices if fleet.speaks_itself(d)}
    assert len(set(second.passwords.values())) == len(second.passwords)


def test_the_import_format(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    light = Device("tt-l001", Kind.SOLAR_LIGHT, "tt", "tt", "Đèn TT-L001, ngõ 4", uplink_by="tt-g001")
    fleet_file.write(fleet.Fleet((), (), (light,), {}), path)
    assert json.loads(path.read_text("utf-8")) == {
        "sites": [],
        "placings": [],
        "devices": [
            {
                "name": "tt-l001",
                "kind": "solar_light",
                "realm": "tt",
                "site": "tt",
                "title": "Đèn TT-L001, ngõ 4",
                "interval_s": 60.0,
                "uplink_by": "tt-g001",
            }
        ],
        "people": list(fleet_file.PEOPLE),
    }


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"sites": 3}', '{"sites": [], "placings": [], "devices": [{}]}']
)
def test_a_broken_fleet_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(text)
    with pytest.raises(UserError, match="is not a fleet file"):
        fleet_file.read(path)
