"""The store: one transaction a batch, the journal's end and its age."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from hub.store.reader import LATE, Reader
from hub.store.schema import VERSION
from hub.store.writer import Store, StoreBroken, Writes, lock

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

DAY = 86_400_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


def fill(
    store: Store, ats: list[int], *, late: Collection[int] = (), first: int = 1, body: bytes = b"x"
) -> None:
    writes = Writes()
    for i, at in enumerate(ats, start=first):
        writes.journal += [i, i - 1, 1, at, 1 | (LATE if i in late else 0), body]
    store.commit(writes)


def positions(store: Store) -> list[int]:
    return [pos for (pos,) in store.rows("SELECT pos FROM journal ORDER BY pos")]


@pytest.mark.parametrize("rows", [0, 1, 2, 31, 32, 33, 255, 256, 257, 600])
def test_every_row_of_a_batch_is_stored_in_order(store: Store, rows: int) -> None:
    fill(store, list(range(rows)))
    assert store.rows("SELECT pos, at FROM journal ORDER BY pos") == [(i + 1, i) for i in range(rows)]


def test_a_batch_is_stored_whole_or_not_at_all(store: Store) -> None:
    writes = Writes(journal=[1, 0, 1, 5, 1, b"x"])
    store.set_meta(writes, "a", 1)
    writes.add("INSERT INTO nowhere VALUES (1)")
    with pytest.raises(StoreBroken) as e:
        store.commit(writes)
    assert not e.value.disk_full
    assert positions(store) == []
    assert store.meta("a") is None
    store.commit(Writes(journal=[1, 0, 1, 5, 1, b"x"]))
    assert positions(store) == [1]


def test_a_full_disk_is_told_as_such_and_the_same_batch_fits_later(store: Store) -> None:
    store.limit_pages(store.pages())
    writes = Writes(journal=[v for i in range(1, 200) for v in (i, 0, 1, 5, 1, b"x" * 1000)])
    for _ in range(3):
        with pytest.raises(StoreBroken) as e:
            store.commit(writes)
        assert e.value.disk_full
        assert positions(store) == []
    store.limit_pages(0)
    store.commit(writes)
    assert len(positions(store)) == 199


def test_the_same_row_twice_is_one_row(store: Store) -> None:
    fill(store, [1, 2])
    fill(store, [1, 2])
    assert positions(store) == [1, 2]


# --- trimming -------------------------------------------------------------------------------------------------


def test_old_rows_go_and_the_rest_stays(store: Store) -> None:
    fill(store, [1 * DAY] * 6000 + [10 * DAY] * 100)
    assert store.trim(before=5 * DAY, up_to=6100, max_bytes=10**12) == 5000
    assert store.trim(before=5 * DAY, up_to=6100, max_bytes=10**12) == 0, "a window with one young row stays"
    assert positions(store)[0] == 5001


def test_never_past_what_a_checkpoint_needs(tmp_path: Path, store: Store) -> None:
    fill(store, [1] * 100)
    store.close()
    again = Store(tmp_path)
    again.trim(before=DAY, up_to=40, max_bytes=10**12)
    assert positions(again)[0] == 41
    again.close()


def test_a_message_of_1970_makes_no_journal_old(tmp_path: Path, store: Store) -> None:
    fill(store, [10 * DAY] * 20 + [5], late={21})
    store.close()
    again = Store(tmp_path)
    assert again.trim(before=5 * DAY, up_to=21, max_bytes=10**12) == 0
    assert len(positions(again)) == 21
    again.close()


def test_nothing_but_old_late_messages_is_old(tmp_path: Path, store: Store) -> None:
    fill(store, [5] * 20, late=set(range(1, 21)))
    store.close()
    again = Store(tmp_path)
    assert again.trim(before=DAY, up_to=20, max_bytes=10**12) == 20
    again.close()


def test_the_cap_on_size_takes_the_oldest(tmp_path: Path, store: Store) -> None:
    fill(store, [10 * DAY] * 7000, body=b"x" * 500)
    store.close()
    again = Store(tmp_path)
    size = again.used_bytes()
    assert again.trim(before=0, up_to=7000, max_bytes=size) == 0
    assert again.trim(before=0, up_to=7000, max_bytes=size - 1) == 5001
    assert again.used_bytes() < size / 2
    again.close()


def test_positions_go_on_where_everything_was_trimmed(tmp_path: Path, store: Store) -> None:
    fill(store, [1] * 50)
    store.checkpoint([], {"checkpoint_pos": 50})
    store.close()
    again = Store(tmp_path)
    again.trim(before=DAY, up_to=50, max_bytes=10**12)
    assert positions(again) == []
    again.close()
    third = Store(tmp_path)
    assert third.next_pos == 51
    third.close()


# --- opening --------------------------------------------------------------------------------------------------


def test_the_hub_keeps_its_name(tmp_path: Path, store: Store) -> None:
    name = store.hub_id
    store.close()
    again = Store(tmp_path)
    assert again.hub_id == name
    again.close()


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "hub.db")
    db.execute(f"PRAGMA user_version={VERSION + 1}")
    db.close()
    with pytest.raises(StoreBroken, match="a newer version"):
        Store(tmp_path)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_bytes(b"not a database, " * 300)
    with pytest.raises(StoreBroken, match="cannot open"):
        Store(tmp_path)


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(StoreBroken, match="cannot use the data folder"):
        Store(tmp_path / "var")
    with pytest.raises(StoreBroken, match="cannot use the data folder"):
        lock(tmp_path / "var")


def test_one_hub_a_folder(tmp_path: Path) -> None:
    handle = lock(tmp_path)
    with pytest.raises(StoreBroken, match="another village-hub is running"):
        lock(tmp_path)
    os.close(handle)
    os.close(lock(tmp_path))


def test_only_the_owner_may_read_it(tmp_path: Path, store: Store) -> None:
    del store
    assert (tmp_path / "hub.db").stat().st_mode & 0o077 == 0


# --- reading a device's past ----------------------------------------------------------------------------------


def chain(store: Store, rows: list[tuple[int, int]]) -> list[Any]:
    """Rows of one device: (at, flags); gives what the reader finds since 100."""
    writes = Writes()
    for pos, (at, flags) in enumerate(rows, start=1):
        writes.journal += [pos, pos - 1, 1, at, 1 | flags, str(pos).encode()]
    store.commit(writes)
    return [int(body) for at, _, body in Reader(store.path).past(len(rows), 100) if at >= 100]


def test_a_devices_past_is_walked_back(store: Store) -> None:
    assert chain(store, [(10, 0), (100, 0), (150, 0), (200, 0)]) == [4, 3, 2]


def test_a_buffered_message_of_long_ago_does_not_end_the_walk(store: Store) -> None:
    assert chain(store, [(10, 0), (120, 0), (5, LATE), (6, LATE), (200, 0)]) == [5, 2]
