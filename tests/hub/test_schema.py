"""An older database becomes today's at start, whole or not at all; a newer one is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from hub import registry
from hub.store.migrations.versions import v0001_the_road
from hub.store.schema import VERSION
from hub.store.writer import Store, StoreBroken

if TYPE_CHECKING:
    from pathlib import Path

OLD = """
INSERT INTO meta VALUES ('hub_id', 'abcd'), ('checkpoint_pos', '2');
INSERT INTO site (slug, name, tier) VALUES ('thap', 'Tháp', 'village');
INSERT INTO device (id, name, kind, realm, site, title, interval_s, lifecycle, place, tags, password)
    VALUES (7, 'den-1', 'solar_light', 'thap', 'thap', 'Đèn 1', 60, 'active', '', '["a"]', 'hash');
INSERT INTO journal VALUES (1, 0, 7, 1000, 1, x'7b7d'), (2, 1, 7, 2000, 1, x'7b7d');
INSERT INTO incident (id, state, severity, device, rule, opened_at, body)
    VALUES (3, 'open', 'faulty', 7, 'lamp-dead', 1500, '{}');
INSERT INTO incident_log (incident, at, what, who, text) VALUES (3, 1500, 'opened', '', 'đèn hỏng');
"""


def version_1(folder: Path, more: str = "") -> Path:
    """A database as the first version left it."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / "hub.db")) as db:
        db.executescript(v0001_the_road.SQL + OLD + more + "PRAGMA user_version=1; PRAGMA journal_mode=WAL;")
    return folder / "hub.db"


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def tables(path: Path) -> set[str]:
    return {name for (name,) in rows(path, "SELECT name FROM sqlite_master")}


KEPT = ("meta", "site", "placing", "journal", "incident", "incident_log", "transition", "alert", "deaf")


def test_version_1_is_migrated_with_everything_kept(tmp_path: Path) -> None:
    path = version_1(tmp_path / "var")
    before = {t: rows(path, f"SELECT * FROM {t}") for t in KEPT}  # noqa: S608 - names above
    store = Store(path.parent)
    assert store.rows("PRAGMA user_version") == [(VERSION,)]
    found = registry.load(store)
    assert (store.hub_id, store.next_pos) == ("abcd", 3)
    store.close()
    device = found.devices["den-1"]
    assert (device.title, device.tags, device.driver, found.ids["den-1"]) == ("Đèn 1", ("a",), "native", 7)
    for t, was in before.items():
        now = rows(path, f"SELECT * FROM {t}")  # noqa: S608 - names above
        assert [r[: len(w)] for r, w in zip(now, was, strict=True)] == was, t
    assert {"person", "audit", "cursor", "program"} <= tables(path)
    assert rows(path, "SELECT password FROM device") == [("hash",)]


def test_a_copy_stays_beside_it_and_is_the_old_one(tmp_path: Path) -> None:
    path = version_1(tmp_path / "var")
    was = tables(path)
    Store(path.parent).close()
    copy = path.with_name("hub.db.version-1")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert rows(copy, "PRAGMA user_version") == [(1,)]
    assert tables(copy) == was
    assert rows(copy, "SELECT count(*) FROM journal") == [(2,)]


def test_it_is_migrated_once(tmp_path: Path) -> None:
    path = version_1(tmp_path / "var")
    for _ in range(2):
        store = Store(path.parent)
        assert len(store.rows("SELECT * FROM journal")) == 2
        store.close()


def test_a_migration_that_fails_leaves_the_old_one_as_it_was(tmp_path: Path) -> None:
    path = version_1(tmp_path / "var", "CREATE TABLE person (mine);")  # in the way of ours
    was, content = tables(path), rows(path, "SELECT * FROM device")
    for _ in range(2):
        with pytest.raises(StoreBroken, match=r"cannot open .*hub\.db: table person already exists"):
            Store(path.parent)
    assert tables(path) == was
    assert rows(path, "SELECT * FROM device") == content
    assert rows(path, "PRAGMA user_version") == [(1,)]


def test_a_newer_one_is_refused_in_a_sentence(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "hub.db")) as db:
        db.execute(f"PRAGMA user_version={VERSION + 1}")
    with pytest.raises(StoreBroken, match=rf"is of a newer version of village-hub \(store {VERSION + 1}"):
        Store(tmp_path)
    assert rows(tmp_path / "hub.db", "PRAGMA user_version") == [(VERSION + 1,)]
