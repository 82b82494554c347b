"""The writing store: one transaction a batch, and what cannot be stored holds nothing up."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hub.store.writer import Store, StoreBroken, Writes, lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


def row(pos: int, body: object = b"{}") -> list[object]:
    return [pos, 0, 1, 1000 + pos, 1, body]


def test_a_batch_is_stored_whole(store: Store) -> None:
    writes = Writes()
    for pos in range(1, 700):
        writes.journal += row(pos)
    store.set_meta(writes, "x", 1)
    store.commit(writes)
    assert store.rows("SELECT count(*), min(pos), max(pos) FROM journal") == [(699, 1, 699)]
    assert store.meta("x") == "1"


def test_a_full_disk_keeps_nothing_of_the_batch_and_says_so(store: Store) -> None:
    store.limit_pages(store.pages() + 4)
    writes = Writes()
    for pos in range(1, 200):
        writes.journal += row(pos, b"x" * 2000)
    with pytest.raises(StoreBroken) as caught:
        store.commit(writes)
    assert caught.value.disk_full
    assert store.rows("SELECT count(*) FROM journal") == [(0,)]
    store.limit_pages(0)
    store.commit(writes)
    assert store.rows("SELECT count(*) FROM journal") == [(199,)]


@pytest.mark.parametrize("bad", [2**70, object(), "\ud800"])
def test_what_sqlite_cannot_take_is_left_out_and_the_rest_is_stored(store: Store, bad: object) -> None:
    writes = Writes()
    writes.journal += row(1) + row(2, bad) + row(3)
    store.set_meta(writes, "x", 1)
    writes.add("INSERT INTO meta VALUES ('y', ?)", bad)
    store.commit(writes)
    assert store.rows("SELECT pos FROM journal ORDER BY pos") == [(1,), (3,)]
    assert (store.meta("x"), store.meta("y")) == ("1", None)


def test_a_key_that_is_there_already_does_not_hold_up_the_others(store: Store) -> None:
    writes = Writes()
    for _ in range(2):
        writes.add("INSERT INTO meta VALUES ('once', '1')")
    writes.add("INSERT INTO meta VALUES ('after', '1')")
    store.commit(writes)
    assert (store.meta("once"), store.meta("after")) == ("1", "1")


def test_trim_takes_the_oldest_and_never_what_a_checkpoint_needs(store: Store) -> None:
    writes = Writes()
    for pos in range(1, 101):
        writes.journal += row(pos)
    store.commit(writes)
    assert store.trim(before=10_000, up_to=60, max_bytes=10**12) == 60
    assert store.rows("SELECT min(pos) FROM journal") == [(61,)]
    assert store.trim(before=10_000, up_to=60, max_bytes=10**12) == 0


def test_a_store_of_another_version_is_refused_in_a_sentence(store: Store, tmp_path: Path) -> None:
    writes = Writes()
    writes.add("PRAGMA user_version = 99")
    store.commit(writes)
    with pytest.raises(StoreBroken, match="of another version of village-hub"):
        Store(tmp_path)


def test_a_folder_belongs_to_one_hub(tmp_path: Path) -> None:
    handle = lock(tmp_path)
    with pytest.raises(StoreBroken, match="another village-hub is running"):
        lock(tmp_path)
    os.close(handle)
    os.close(lock(tmp_path))
