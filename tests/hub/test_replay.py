"""Restarts that a random search hardly finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.health import Health
from drivers.mqtt_link import CaughtUp, Down, Up
from hub.replay import SPANS_KEPT
from hub.store.writer import Writes
from tests.hub.house import House
from tests.hub.scene import REALM, T0, light

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = T0 / 1000


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, light()).listening()
    yield made
    made.close()


def restart(house: House) -> None:
    """Killed, and started within the same ms."""
    gap, heard = house.intake.gap, house.ingest.caught_up
    house.crash()
    house.start()
    house.intake.gap, house.ingest.caught_up = gap, heard


def test_grace_after_a_backlog_that_ingest_was_slow_to_take(house: House) -> None:
    house.says(ts=NOON, boot=1, seq=1)
    house.at(10).down()
    house.at(20).up()
    queued = [
        house.at(21).message(
            f"vh/1/{REALM}/den-1/telemetry", b'{"boot": 1, "seq": 2, "ts": %d}' % (NOON + 21)
        )
    ]
    house.ingest.checkpoint_at = T0 + 40_000  # no checkpoint now
    house.at(40).tick()  # the hub reports of itself while the backlog waits
    house.take(*queued, CaughtUp(T0 + 22_000, 1))
    house.commit()
    deadline = house.tracker.deadlines[house.track().index]
    restart(house)
    assert house.tracker.deadlines[house.track().index] == deadline
    assert deadline == house.deaf.heard(T0 + 10_000) + 165_000 + 60_000


def test_deadlines_do_not_move_when_old_deaf_spans_are_no_longer_loaded(house: House) -> None:
    house.says(boot=1, seq=1)
    for i in range(SPANS_KEPT + 20):
        house.at(1 + i / 10)
        house.take(Down(house.clock.at, house.clock.at, "gone"))
        house.at(1 + i / 10 + 0.09)
        house.take(Up(house.clock.at, 1, session=True, expected=True), CaughtUp(house.clock.at, 1))
    house.commit()
    house.ingest._checkpoint(house.clock.at)
    left = house.tracker.deadlines[house.track().index] - house.deaf.heard(house.clock.at)
    restart(house)
    assert house.tracker.deadlines[house.track().index] - house.deaf.heard(house.clock.at) == left
    at = house.deaf.instant(house.tracker.deadlines[house.track().index])
    assert at == house.clock.at + left
    house.says(boot=1, seq=2)
    assert house.tracker.deadlines[house.track().index] - house.deaf.heard(house.clock.at) == 165_000


def test_a_row_that_can_no_longer_be_read_stops_no_start(house: House) -> None:
    house.says(boot=1, seq=1, battery_v=12.5)
    house.commit()
    writes = Writes()
    writes.add("UPDATE journal SET body=? WHERE device=1", b"written by another version")
    house.store.commit(writes)
    restart(house)
    house.says(boot=1, seq=2, battery_v=12.5)
    assert house.track().health is Health.OK


def test_a_missed_will_is_journaled_so_that_a_restart_knows_it(house: House) -> None:
    house.says(boot=1, seq=1)
    house.at(10).says(channel="state", online=False, boot=1, retain=True)
    house.commit()
    assert house.track().health is Health.UNKNOWN
    restart(house)
    assert house.track().health is Health.UNKNOWN
    house.says(channel="state", online=False, boot=1, retain=True)
    house.commit()
    assert [after for _, _, after, *_ in house.story()["transitions"]] != []
    assert len(house.rows("SELECT 1 FROM transition WHERE device=1")) == 2


def test_the_open_span_of_a_killed_hub_goes_on(house: House) -> None:
    house.says(boot=1, seq=1)
    house.at(30).down()
    house.commit()
    house.at(500)
    house.crash()
    house.start()
    house.ingest.deafen(T0 + 30_000, "start", cut=True)
    house.up()
    house.caught_up()
    assert [(s.start - T0, s.end and s.end - T0) for s in house.deaf.spans][-1] == (30_000, 500_000)
    house.at(500 + 135 + 60).tick()
    assert house.track().health is Health.OK
    house.at(500 + 135 + 60.001).tick()
    assert house.track().health is Health.OFFLINE
