"""The packing process, as the hub starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devices.device import Kind
from hub.history import cursor, files
from hub.history.packer import Packer
from hub.settings import HistorySettings
from hub.store.writer import Writes
from hub.views import HistoryView, Refused
from tests.hub.test_history import HOUR, LIGHT, T0, Past

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    made = Past(tmp_path)
    yield made
    made.store.close()


def packer(past: Past, *, refused: bool = False) -> Packer:
    async def do(run: Callable[[Writes], Any]) -> None:
        if refused:
            raise Refused("disk_full")
        writes = Writes()
        run(writes)
        past.store.commit(writes)

    return Packer(past.folder, lambda: T0, do, HistorySettings(keep_days=2))


async def test_a_process_packs_and_the_hub_stores_how_far(past: Past) -> None:
    past.say(T0, battery_v=12.5)
    assert await packer(past).pack()
    assert cursor.read(past.store.path, cursor.HISTORY) == 1
    assert past.raw() == past.all


async def test_a_cursor_that_cannot_be_stored_is_no_failure_and_loses_nothing(past: Past) -> None:
    past.say(T0, battery_v=12.5)
    made = packer(past, refused=True)
    assert not await made.pack()
    assert made.troubles() == ()
    assert past.raw() == past.all


async def test_its_failure_is_told_until_it_succeeds(past: Past) -> None:
    past.say(T0, battery_v=12.5)
    (past.folder / "history").write_text("no folder")
    made = packer(past)
    assert not await made.pack()
    assert made.troubles() == ("history_failed",)
    (past.folder / "history").unlink()
    assert await made.pack()
    assert made.troubles() == ()


async def test_what_it_takes_of_the_disk_is_told(past: Past) -> None:
    past.say(T0, battery_v=12.5)
    past.say(T0 - 26 * HOUR, late=True, battery_v=12.5)
    made = packer(past)
    assert made.look() is False
    assert made.view == HistoryView(0.0, 0.0, 0.0, "", 2, 0)
    assert await made.pack()
    made.look()
    assert made.view is not None
    assert (made.view.behind, made.view.since) == (0, files.day_of(T0 - 26 * HOUR))
    size = sum(f.path.stat().st_size for f in files.every(past.folder, Kind.SOLAR_LIGHT))
    assert made.view.readings_mb == round(size / 1e6, 1)


def test_it_is_behind_by_the_age_of_what_waits(past: Past) -> None:
    past.say(T0 - HOUR, battery_v=12.5)
    assert packer(past).look() is True


def test_rows_that_the_cap_took_before_they_were_packed_are_told(past: Past) -> None:
    for i in range(9):
        past.say(T0 + i, battery_v=12.5)
    past.move(2)
    past.store.trim(before=0, up_to=6, max_bytes=0, passed=cursor.passed(past.store))
    made = packer(past)
    made.look()
    made.look()
    assert made.view is not None
    assert made.view.missed == 4
    assert made.troubles() == ("history_missed",)
    made.now = lambda: T0 + 2 * HOUR
    assert made.troubles() == ()


async def test_readings_go_by_the_settings(past: Past) -> None:
    past.say(T0 - 80 * HOUR, late=True, battery_v=12.5)
    past.say(T0, battery_v=13.5)
    assert await packer(past).pack()
    assert [at for at, _ in past.raw()] == [T0]
    assert len(past.history.points(LIGHT, T0 - 100 * HOUR, T0 + 1, 24 * HOUR)) == 2
