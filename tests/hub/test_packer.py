"""The packing process, as the hub starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hub.history import cursor
from hub.history.packer import Packer
from hub.store.writer import Writes
from hub.views import Refused
from tests.hub.test_history import T0, Past

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

    return Packer(past.folder, lambda: T0, do)


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
