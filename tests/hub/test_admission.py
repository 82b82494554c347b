"""The broker's files follow the registry: written once for what comes together, told when the hub is connected."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from hub.admission import Admission

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Broker:
    """What is written and told."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.written: list[frozenset[str]] = []
        self.told = asyncio.Event()
        self.up = True
        self.full = False

    def write(self) -> frozenset[str]:
        if self.full:
            raise OSError(28, "no space left")
        self.written.append(frozenset(self.names))
        return self.written[-1]

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[Admission]:
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(self.told.set)

        made = Admission(self.write, tell, lambda: self.up)
        task = asyncio.create_task(made.run())
        yield made
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_change_is_written_and_told() -> None:
    broker = Broker()
    async with broker.followed() as admission:
        broker.names.add("den-1")
        admission.changed()
        await admission.written()
        assert admission.admitted == {"den-1"}
        await broker.told.wait()


async def test_a_thousand_changes_at_once_are_written_a_few_times() -> None:
    broker = Broker()
    async with broker.followed() as admission:
        for i in range(1000):
            broker.names.add(f"den-{i}")
            admission.changed()
        await admission.written()
        assert len(admission.admitted) == 1000
    assert len(broker.written) < 5


async def test_a_disk_that_is_full_holds_nobody_up_and_the_next_change_writes() -> None:
    broker = Broker()
    broker.full = True
    async with broker.followed() as admission:
        admission.changed()
        await admission.written()
        assert not broker.written
        broker.full = False
        admission.changed()
        await admission.written()
    assert len(broker.written) == 1


async def test_while_the_hub_is_away_files_are_written_and_the_broker_is_told_after() -> None:
    broker = Broker()
    broker.up = False
    async with broker.followed() as admission:
        admission.changed()
        await admission.written()
        admission.changed()
        await admission.written()
        assert len(broker.written) == 2
        assert not broker.told.is_set()
        broker.up = True
        await broker.told.wait()
