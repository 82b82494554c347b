"""The registry: files are taken whole or not at all; the tree by date."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from devices.device import Device, Kind
from devices.lifecycle import Lifecycle
from hub import registry
from hub.registry import BadRegistry, DeviceRow, check_file, read_file, refusal
from hub.store.writer import Store, Writes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SITES = [
    {"slug": "dan-phuong", "name": "Đan Phượng", "tier": "district"},
    {"slug": "xa-a", "name": "Xã A", "tier": "commune"},
    {"slug": "xa-b", "name": "Xã B", "tier": "commune"},
    {"slug": "thon-1", "name": "Thôn 1", "tier": "village", "lat": 21.1, "lon": 105.7},
]
PLACINGS = [
    {"site": "xa-a", "parent": "dan-phuong"},
    {"site": "xa-b", "parent": "dan-phuong"},
    {"site": "thon-1", "parent": "xa-a", "until": "2025-07-01"},
    {"site": "thon-1", "parent": "xa-b", "since": "2025-07-01"},
]
LIGHT = {"name": "den-1", "kind": "solar_light", "realm": "thon-1", "site": "thon-1"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "var")
    yield made
    made.close()


def file(tmp_path: Path, **content: Any) -> Path:
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps(content))
    return path


def imported(store: Store, path: Path) -> registry.Registry:
    found = read_file(path)
    assert check_file(found, set(), set()) == []
    writes = Writes()
    registry.put_sites(writes, found)
    for row in found.devices:
        registry.put_device(writes, row.to_device(), row.password or None)
    store.commit(writes)
    return registry.load(store)


def ms(*when: int) -> int:
    return round(datetime(*when, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc, arg-type]


def test_what_was_imported_is_there(store: Store, tmp_path: Path) -> None:
    found = imported(
        store, file(tmp_path, sites=SITES, placings=PLACINGS, devices=[LIGHT | {"tags": ["a", "b"]}])
    )
    assert found.devices["den-1"] == Device("den-1", Kind.SOLAR_LIGHT, "thon-1", "thon-1", tags=("a", "b"))
    assert found.sites["thon-1"].lat == 21.1


def test_a_village_moves_to_another_commune_at_midnight_in_vietnam(store: Store, tmp_path: Path) -> None:
    found = imported(store, file(tmp_path, sites=SITES, placings=PLACINGS))
    midnight = ms(2025, 6, 30, 17)
    assert [s.slug for s in found.path("thon-1", midnight - 1)] == ["dan-phuong", "xa-a"]
    assert [s.slug for s in found.path("thon-1", midnight)] == ["dan-phuong", "xa-b"]
    assert found.scope("thon-1", midnight) == {"thon-1", "xa-b", "dan-phuong"}


def test_a_tree_that_runs_in_circles_ends(store: Store, tmp_path: Path) -> None:
    circle = [{"site": "xa-a", "parent": "xa-b"}, {"site": "xa-b", "parent": "xa-a"}]
    found = imported(store, file(tmp_path, sites=SITES, placings=circle))
    assert [s.slug for s in found.path("xa-a", ms(2025, 1, 1))] == ["xa-b"]


def test_a_second_import_changes_what_it_names_and_leaves_the_rest(store: Store, tmp_path: Path) -> None:
    imported(store, file(tmp_path, sites=SITES, placings=PLACINGS, devices=[LIGHT | {"password": "x"}]))
    writes = Writes()
    writes.add("UPDATE device SET lifecycle='active' WHERE name='den-1'")
    store.commit(writes)
    again = file(tmp_path, sites=SITES[3:], devices=[LIGHT | {"title": "Đèn cổng đình"}])
    found = imported(store, again)
    device = found.devices["den-1"]
    assert (device.title, device.lifecycle) == ("Đèn cổng đình", Lifecycle.ACTIVE)
    assert store.rows("SELECT password FROM device WHERE name='den-1'") == [("x",)]
    assert len(found.placings["thon-1"]) == 2


@pytest.mark.parametrize(
    ("device", "wrong"),
    [
        (LIGHT | {"site": "nowhere"}, "device den-1: no site nowhere"),
        (LIGHT | {"uplink_by": "cong-9"}, "device den-1: no device cong-9"),
        (LIGHT | {"power_from": "cong-9"}, "device den-1: no device cong-9"),
        (LIGHT | {"name": "hub"}, "are the hub's"),
        (LIGHT | {"name": "enrol"}, "are the hub's"),
        (LIGHT | {"realm": "hub"}, "are the hub's"),
    ],
)
def test_what_is_wrong_between_rows(tmp_path: Path, device: dict[str, Any], wrong: str) -> None:
    found = read_file(file(tmp_path, sites=SITES, devices=[device]))
    assert wrong in "".join(check_file(found, set(), set()))


def test_a_device_named_twice(tmp_path: Path) -> None:
    found = read_file(file(tmp_path, sites=SITES, devices=[LIGHT, LIGHT]))
    assert "device den-1: named twice" in check_file(found, set(), set())


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": "Đèn"}, "devices.0.name"),
        ({"kind": "lamp"}, "devices.0.kind"),
        ({"realm": "a/b"}, "devices.0.realm"),
        ({"interval_s": 0}, "devices.0.interval_s"),
        ({"lat": 91}, "devices.0.lat"),
        ({"colour": "red"}, "devices.0.colour"),
    ],
)
def test_one_sentence_says_where_a_file_is_wrong(
    tmp_path: Path, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadRegistry, match=sentence):
        read_file(file(tmp_path, sites=SITES, devices=[LIGHT | wrong]))


def test_a_file_that_is_not_there_or_no_json(tmp_path: Path) -> None:
    with pytest.raises(BadRegistry, match="cannot read"):
        read_file(tmp_path / "none.json")
    (tmp_path / "x.json").write_bytes(b"\xff")
    with pytest.raises(BadRegistry, match="the file"):
        read_file(tmp_path / "x.json")


def test_a_device_stands_where_its_site_stands(store: Store, tmp_path: Path) -> None:
    found = imported(store, file(tmp_path, sites=SITES, placings=PLACINGS, devices=[LIGHT]))
    light = found.devices["den-1"]
    assert (found.sun(light).lat, found.sun(light).lon) == (21.1, 105.7)
    elsewhere = replace(light, site="xa-a", lat=10.8, lon=106.7)
    assert (found.sun(elsewhere).lat, found.sun(elsewhere).lon) == (10.8, 106.7)
    nowhere = replace(light, site="xa-a")
    assert (found.sun(nowhere).lat, found.sun(nowhere).lon) == (21.0, 105.8)


@pytest.mark.parametrize("address", ["http://10.0.0.1:99999", "http://10.0.0.1:0", "http://[:::::]"])
def test_an_address_that_leads_nowhere_is_refused(address: str) -> None:
    with pytest.raises(ValidationError) as found:
        DeviceRow(name="cam-1", kind=Kind.CAMERA, realm="thon", site="thon", address=address)
    assert refusal(found.value.errors()[0]).code == "bad_address"
