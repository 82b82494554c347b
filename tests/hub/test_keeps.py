"""Backup while the hub runs, restore, and files that are no backup."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import sqlite3
import tarfile
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from devices.device import Kind
from hub import keeps
from hub.history import cursor, files
from hub.keeps import Kept, NoBackup, backup, restore
from hub.store.schema import VERSION
from hub.store.writer import Store, Writes
from tests.hub.house import House
from tests.hub.scene import T0, light

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with something in each place."""
    folder = tmp_path / "var"
    store = Store(folder)
    store.commit(Writes(journal=[v for i in range(1, 400) for v in (i, 0, 1, T0, 1, b"x" * 500)]))
    store.close()
    (folder / "history" / "day=1").mkdir(parents=True)
    (folder / "history" / "day=1" / "a.parquet").write_bytes(b"PAR1" * 100)
    (folder / "history" / "b.parquet.part").write_bytes(b"half")
    (folder / "secret.key").write_text("key")
    return folder


def make(data: Path, to: Path, **more: Any) -> Kept:
    return backup(data, to, version="1.2", now=T0, **more)


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_what_is_in_it_and_what_is_not(data: Path, tmp_path: Path) -> None:
    kept = make(data, tmp_path / "b.tar.gz")
    assert (kept.files, kept.position, kept.store) == (2, 399, VERSION)
    with tarfile.open(tmp_path / "b.tar.gz") as tar:
        assert tar.getnames() == ["hub.db", "history/day=1/a.parquet", "manifest.json"]
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o777 == 0o600
    assert left(tmp_path) == ["b.tar.gz", "var"]


def test_back_and_forth(data: Path, tmp_path: Path) -> None:
    made = make(data, tmp_path / "b.tar.gz", secrets=(("secret.key", data / "secret.key"),))
    new = tmp_path / "new"
    kept, aside = restore(tmp_path / "b.tar.gz", new, now=T0)
    assert (kept, aside) == (made, None)
    assert left(new) == ["history", "hub.db", "secret.key"]
    assert (new / "history/day=1/a.parquet").read_bytes() == b"PAR1" * 100
    dump = "SELECT * FROM journal"
    assert rows(new / "hub.db", dump) == rows(data / "hub.db", dump)


def test_while_somebody_writes(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch moves a counter with the rows: any mixture of two states would show."""
    monkeypatch.setattr(keeps, "PAGES", 3)
    store, stop, wrote = Store(data), threading.Event(), threading.Event()

    def write() -> None:
        at = 400
        while not stop.is_set():
            writes = Writes(journal=[v for i in range(at, at + 20) for v in (i, 0, 1, T0, 1, b"y" * 300)])
            at += 20
            store.set_meta(writes, "last", at - 1)
            store.commit(writes)
            wrote.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert wrote.wait(20)
        seen = []
        kept = make(data, tmp_path / "b.tar.gz", progress=lambda *said: seen.append(said))
    finally:
        stop.set()
        thread.join()
        store.close()
    restore(tmp_path / "b.tar.gz", tmp_path / "new", now=T0)
    db = tmp_path / "new" / "hub.db"
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]
    ((count, last),) = rows(db, "SELECT count(*), max(pos) FROM journal")
    assert count == last == kept.position == int(rows(db, "SELECT value FROM meta WHERE key='last'")[0][0])
    assert rows(data / "hub.db", "SELECT max(pos) FROM journal")[0][0] >= kept.position
    assert len([s for s in seen if s[0] == "hub.db"]) > 10


def cursor_at(data: Path, pos: int) -> None:
    with closing(sqlite3.connect(data / "hub.db")) as db:
        db.execute("INSERT OR REPLACE INTO cursor (name, pos) VALUES ('history', ?)", (pos,))
        db.commit()


def packed(data: Path, *spans: str) -> None:
    """These are the files of a day, and no others."""
    folder = data / "history" / Kind.SOLAR_LIGHT.value
    folder.mkdir(parents=True, exist_ok=True)
    for span in spans:
        (folder / f"2026-11-22.{span}.parquet").write_bytes(span.encode())
    for path in folder.iterdir():
        if path.name.split(".")[1] not in spans:
            path.unlink()


def counts(folder: Path) -> list[str]:
    """The files of that day that a hub of this folder takes for valid."""
    found = files.valid(files.every(folder, Kind.SOLAR_LIGHT), cursor.read(folder / "hub.db", cursor.HISTORY))
    return [f"{f.first}-{f.last}" for f in found]


def test_files_that_are_merged_while_the_database_is_copied_are_in_it_as_they_were(
    data: Path, tmp_path: Path
) -> None:
    """The merged one reaches beyond the copied cursor: alone, it would not count, and the day would be lost."""
    packed(data, "1-10", "11-20")
    cursor_at(data, 20)

    def meanwhile(what: str, *_: int) -> None:
        if what == "hub.db":
            packed(data, "1-30")
            cursor_at(data, 30)

    make(data, tmp_path / "b.tar.gz", progress=meanwhile)
    restore(tmp_path / "b.tar.gz", tmp_path / "new", now=T0)
    assert counts(tmp_path / "new") == ["1-10", "11-20"]
    assert counts(data) == ["1-30"]
    assert not list(data.glob(".backup-*"))


def test_files_that_are_merged_while_they_are_held_are_held_anew(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed(data, "1-10", "11-20")
    cursor_at(data, 20)
    link, calls = os.link, [0]

    def linked(source: Path, to: Path) -> None:
        calls[0] += 1
        if calls[0] == 2:
            packed(data, "1-20")
        link(source, to)

    monkeypatch.setattr(os, "link", linked)
    monkeypatch.setattr(keeps, "PAUSE_S", 0)
    make(data, tmp_path / "b.tar.gz")
    restore(tmp_path / "b.tar.gz", tmp_path / "new", now=T0)
    assert counts(tmp_path / "new") == ["1-20"]


def test_where_there_are_no_links_they_are_copied(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refused)
    packed(data, "1-10")
    cursor_at(data, 10)
    (data / ".backup-0x").mkdir()
    make(data, tmp_path / "b.tar.gz")
    restore(tmp_path / "b.tar.gz", tmp_path / "new", now=T0)
    assert counts(tmp_path / "new") == ["1-10"]
    assert not list(data.glob(".backup-*"))


def test_a_hub_that_was_restored_is_as_it_was_at_the_backup(tmp_path: Path) -> None:
    house = House(tmp_path / "var", light("den-1")).listening()
    for i in range(1, 40):
        house.at(i * 30).says(boot=1, seq=i, battery_v=12.0, lamp_commanded=True, lamp_lit=i < 20)
        house.turn()
    expected, position = house.state("den-1"), house.intake.next_pos - 1
    make(tmp_path / "var", tmp_path / "b.tar.gz")
    house.at(2000).says(boot=1, seq=50, battery_v=10.0)
    house.turn()
    assert house.state("den-1") != expected
    house.close()
    kept, _ = restore(tmp_path / "b.tar.gz", tmp_path / "new", now=T0)
    again = House(tmp_path / "new")
    assert (kept.position, again.intake.next_pos - 1) == (position, position + 1), (
        "one row is its first report"
    )
    assert again.state("den-1") == expected
    again.close()


def test_a_backup_that_is_stopped_harms_neither_data_nor_the_last_one(data: Path, tmp_path: Path) -> None:
    make(data, tmp_path / "b.tar.gz")
    before = (tmp_path / "b.tar.gz").read_bytes()

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(data, tmp_path / "b.tar.gz", progress=stopped)
    assert (tmp_path / "b.tar.gz").read_bytes() == before
    assert left(tmp_path) == ["b.tar.gz", "var"]
    Store(data).close()


def test_what_a_killed_one_left_is_no_obstacle(data: Path, tmp_path: Path) -> None:
    for name in (".b.tar.gz.part", ".b.tar.gz.db.part"):
        (tmp_path / name).write_bytes(b"half")
    make(data, tmp_path / "b.tar.gz")
    assert left(tmp_path) == ["b.tar.gz", "var"]


def test_a_folder_without_data(tmp_path: Path) -> None:
    with pytest.raises(NoBackup, match=r"there is no .*hub\.db"):
        make(tmp_path, tmp_path / "b.tar.gz")
    assert left(tmp_path) == []


def test_a_place_that_is_not_there(data: Path, tmp_path: Path) -> None:
    with pytest.raises(NoBackup, match=r"cannot write the backup .*No such file"):
        make(data, tmp_path / "none" / "b.tar.gz")


# --- restore --------------------------------------------------------------------------------------------------


@pytest.fixture
def good(data: Path, tmp_path: Path) -> Path:
    make(data, tmp_path / "b.tar.gz")
    return tmp_path / "b.tar.gz"


def test_data_is_not_overwritten(data: Path, good: Path) -> None:
    before = (data / "hub.db").read_bytes()
    with pytest.raises(NoBackup, match="holds data already; --force"):
        restore(good, data, now=T0)
    assert (data / "hub.db").read_bytes() == before


def test_with_force_it_is_moved_aside(data: Path, good: Path) -> None:
    store = Store(data)
    store.commit(Writes(other=[("INSERT INTO meta VALUES ('later', '1')", ())]))
    store.close()
    _, aside = restore(good, data, now=T0, force=True)
    assert aside is not None
    later = "SELECT count(*) FROM meta WHERE key='later'"
    assert rows(aside / "hub.db", later) == [(1,)]
    assert rows(data / "hub.db", later) == [(0,)]
    assert (aside / "history" / "b.parquet.part").exists()
    assert (data / "secret.key").read_text() == "key", "it is not in the backup, so it stays"


def cut(b: bytes) -> Iterator[bytes]:
    for part in (0, 1, 20, len(b) // 2, len(b) - 400, len(b) - 1):
        yield b[:part]


def test_one_that_was_cut_off_anywhere(data: Path, good: Path, tmp_path: Path) -> None:
    before = left(data)
    for some in cut(good.read_bytes()):
        good.write_bytes(some)
        with pytest.raises(NoBackup, match="is no backup of village-hub, or"):
            restore(good, data, now=T0, force=True)
        with pytest.raises(NoBackup, match="is no backup of village-hub, or"):
            restore(good, tmp_path / "new", now=T0)
        assert left(tmp_path / "new") == []
    assert left(data) == before


def archive(path: Path, *files: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, body in files:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(body), kind, "/etc/passwd"
            tar.addfile(info, io.BytesIO(body))
    return path


@pytest.mark.parametrize(
    "name", ["../hub.db", "/hub.db", "history/../../x.parquet", "etc/passwd", "history/x.sh"]
)
def test_foreign_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(NoBackup, match="is no backup of village-hub: it holds"):
        restore(archive(tmp_path / "x.tar.gz", (name, b"x")), tmp_path / "new", now=T0)
    assert left(tmp_path / "new") == []
    assert left(tmp_path) == ["new", "x.tar.gz"]


def test_a_link_in_it(tmp_path: Path) -> None:
    with pytest.raises(NoBackup, match=r"it holds hub\.db"):
        restore(
            archive(tmp_path / "x.tar.gz", ("hub.db", b""), kind=tarfile.SYMTYPE), tmp_path / "new", now=T0
        )


@pytest.mark.parametrize("body", [b"", b"hello", gzip.compress(b"hello"), b"PK\x03\x04" * 200])
def test_other_files(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "x").write_bytes(body)
    with pytest.raises(NoBackup, match="is no backup of village-hub, or"):
        restore(tmp_path / "x", tmp_path / "new", now=T0)


def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoBackup, match="there is no file"):
        restore(tmp_path / "none", tmp_path / "new", now=T0)


def manifest(**more: Any) -> bytes:
    said = {"village_hub": "9", "made_at": 1, "store": VERSION, "position": 1, "files": []}
    return json.dumps(said | more).encode()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([("hub.db", b"x"), ("manifest.json", manifest())], "is damaged: hub.db is not what was backed up"),
        ([("manifest.json", manifest())], "is damaged: hub.db"),
        ([("hub.db", b"x"), ("manifest.json", b"{}")], "its manifest is not readable"),
        ([("hub.db", b"x"), ("manifest.json", b"[1]")], "its manifest is not readable"),
        ([("hub.db", b"x"), ("manifest.json", b"no json")], "is no backup"),
        ([("hub.db", b"x")], "it has no manifest"),
    ],
)
def test_what_does_not_agree_with_its_manifest(
    tmp_path: Path, files: list[tuple[str, bytes]], sentence: str
) -> None:
    with pytest.raises(NoBackup, match=sentence):
        restore(archive(tmp_path / "x.tar.gz", *files), tmp_path / "new", now=T0)
    assert left(tmp_path / "new") == []


def test_one_of_a_newer_version(data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data / "hub.db")) as db:
        db.execute(f"PRAGMA user_version={VERSION + 1}")
    make(data, tmp_path / "b.tar.gz")
    with pytest.raises(NoBackup, match=rf"is of a newer version of village-hub \(1.2: store {VERSION + 1}"):
        restore(tmp_path / "b.tar.gz", tmp_path / "new", now=T0)
