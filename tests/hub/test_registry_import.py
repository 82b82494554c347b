"""`village-hub import`: nothing unsound is taken, and what was taken stands in the audit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hub import access
from hub.audit import Wanted, entries
from hub.cli import import_registry
from hub.store.reader import Reader
from hub.store.writer import Store, Writes

if TYPE_CHECKING:
    from pathlib import Path

SITES = [{"slug": s, "name": s, "tier": "village", "lat": 21.1, "lon": 105.7} for s in ("a", "b")]
LIGHT = {"name": "den-1", "kind": "solar_light", "realm": "r", "site": "a"}
CAMERA = {"name": "cam-1", "kind": "camera", "realm": "r", "site": "a"}


class Desk:
    """Imports into a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.data, self.file, self.settings = folder / "var", folder / "registry.json", folder / "hub.toml"
        self.settings.write_text(f"data_dir = {json.dumps(str(self.data))}\n")

    def take(self, **content: Any) -> None:
        self.file.write_text(json.dumps({"sites": SITES} | content))
        import_registry(self.file, "Lan", self.settings)

    def refused(self, capsys: pytest.CaptureFixture[str], **content: Any) -> str:
        """The sentence, and nothing has changed."""
        before = self.dump()
        with pytest.raises(SystemExit):
            self.take(**content)
        assert self.dump() == before
        return capsys.readouterr().err

    def dump(self) -> list[Any]:
        reader = Reader(self.data / "hub.db")
        tables = ("device", "site", "placing", "person", "audit")
        return [reader._rows(f"SELECT * FROM {t}") for t in tables]  # noqa: S608 - our own words

    def audited(self) -> list[tuple[str, str, str]]:
        """Oldest first."""
        found = entries(Reader(self.data / "hub.db"), Wanted(), limit=500)
        return [(e.person, e.action, e.subject) for e in reversed(found)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.take(placings=[{"site": "a", "parent": "b"}], devices=[LIGHT | {"password": "x"}])
    return made


def test_every_change_stands_in_the_audit_once(desk: Desk) -> None:
    first = [("Lan", "site.added", "site:a"), ("Lan", "site.added", "site:b")]
    first += [("Lan", "device.added", "device:den-1"), ("Lan", "device.password_made", "device:den-1")]
    assert desk.audited() == first
    desk.take(placings=[{"site": "a", "parent": "b"}], devices=[LIGHT | {"password": "x"}])
    assert desk.audited() == first
    desk.take(sites=[SITES[0], SITES[1] | {"name": "B"}], devices=[LIGHT | {"title": "Đèn", "password": "y"}])
    assert desk.audited()[4:] == [
        ("Lan", "site.changed", "site:b"),
        ("Lan", "device.changed", "device:den-1"),
        ("Lan", "device.password_made", "device:den-1"),
    ]
    assert access.verify("y", dict(Reader(desk.data / "hub.db").passwords())["den-1"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"sites": [SITES[0] | {"lat": 20.0, "lon": 109.0}]}, "site a: 20.0, 109.0 is not on land"),
        ({"sites": [{"slug": "a", "name": "a", "tier": "village", "lat": 20.0}]}, "site a: A place has both"),
        ({"sites": [SITES[0], SITES[0]]}, "site a: named twice"),
        ({"sites": [SITES[0] | {"since": "2025-01-01", "until": "2025-01-01"}]}, "site a: a was no more"),
        (
            {"placings": [{"site": "b", "parent": "a", "since": "2025-01-01"}]},
            "site b: b would be above itself",
        ),
        ({"devices": [LIGHT | {"realm": "other"}]}, "device den-1: The realm of a device never changes"),
        ({"devices": [CAMERA | {"lat": 20.0, "lon": 109.0}]}, "device cam-1: 20.0, 109.0 is not on land"),
        ({"devices": [CAMERA | {"nvr": "den-1", "channel": 1}]}, "device cam-1: den-1 is no video recorder"),
        ({"devices": [CAMERA | {"power_from": "cam-1"}]}, "device cam-1: cam-1 would hang on itself"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_taken(
    desk: Desk, capsys: pytest.CaptureFixture[str], content: dict[str, Any], told: str
) -> None:
    assert told in desk.refused(capsys, **content)


def test_who_was_taken_away_stays_away(desk: Desk) -> None:
    store, writes = Store(desk.data), Writes()
    writes.add("UPDATE device SET lifecycle='retired', password='' WHERE name='den-1'")
    store.commit(writes)
    store.close()
    before = desk.dump()
    desk.take(devices=[LIGHT | {"password": "x", "title": "Đèn"}])
    assert desk.dump()[0] == before[0]
