"""One suite for all that charts are answered from: the journal, Parquet, roll-ups, a real InfluxDB in InfluxQL."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from hub.history import cursor, files, pack
from hub.history.influx import Influx
from hub.history.influxql import InfluxQL
from hub.history.query import History
from hub.settings import InfluxSettings
from hub.store.writer import Writes
from tests.hub.history_scene import T0, Journal, light
from tests.hub.test_influx import through
from tests.timeseries import InfluxDB1, proxied

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hub.views import Point

HOUR = 3_600_000
DAY = 24 * HOUR
MIDNIGHT = (T0 + 7 * HOUR) // DAY * DAY - 7 * HOUR
Row = tuple[str, int, dict[str, Any]]


class Source:
    """A past, told by one of them."""

    def __init__(self, how: str, folder: Path, stack: ExitStack) -> None:
        self.how, self.folder = how, folder
        self.journal = Journal(folder, light("den-1"), light("den-2"))
        stack.callback(self.journal.store.close)
        self.device = light("den-1")
        self._source: Any = History(folder, self.journal.newest.__getitem__)
        if how == "influxdb":
            server = InfluxDB1(folder / "influx")
            stack.callback(server.stop)
            server.query('CREATE DATABASE "village-hub"')
            self.proxy = stack.enter_context(proxied(server.port))
            self._source = InfluxQL(InfluxSettings(url=self.proxy.url))

    def put(self, rows: list[Row]) -> None:
        """What was said."""
        self.journal.put(rows)
        match self.how:
            case "parquet" | "half":
                self._pack(MIDNIGHT, 1000)
            case "roll-ups":
                self._pack(MIDNIGHT + 100 * DAY, 2)
            case "influxdb":
                made = Influx(
                    settings=InfluxSettings(url=self.proxy.url), path=self.journal.store.path,
                    devices=lambda: self.journal.devices, submit=self.journal.submit, now=lambda: T0,
                )  # fmt: skip
                through(made)

    def _pack(self, now: int, days: int) -> None:
        def told(reached: int) -> bool:
            writes = Writes()
            cursor.move(writes, cursor.HISTORY, reached)
            self.journal.store.commit(writes)
            return self.how != "half"

        after = cursor.read(self.journal.store.path, cursor.HISTORY)
        pack.pack(self.folder, after, told, pack.Keep(now, days), piece=3)

    def points(self, since: int, until: int, bucket_ms: int) -> list[Point]:
        """As charts ask."""
        found: list[Point] = self._source.points(self.device, since, until, bucket_ms)
        return found


@pytest.fixture(params=["journal", "half", "parquet", "influxdb"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    """Each that holds every reading."""
    with ExitStack() as stack:
        yield Source(request.param, tmp_path, stack)


@pytest.fixture(params=["journal", "half", "parquet", "roll-ups", "influxdb"])
def daily(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    """Each that tells days."""
    with ExitStack() as stack:
        yield Source(request.param, tmp_path, stack)


ROWS: list[Row] = [
    ("den-1", MIDNIGHT, {"battery_v": 12.0}),
    ("den-1", MIDNIGHT + 1000, {"battery_v": 13.0, "soc_pct": 50.0}),
    ("den-1", MIDNIGHT + 2 * HOUR - 1, {"battery_v": 17.0}),
    ("den-1", MIDNIGHT + 2 * HOUR, {"battery_v": 11.0, "faults": ["x"], "lamp_lit": True}),
    ("den-2", MIDNIGHT, {"battery_v": 1.0}),
    ("den-1", MIDNIGHT + 20 * HOUR, {"battery_v": 9.0}),
    ("den-1", MIDNIGHT + DAY, {"battery_v": 10.0}),
    ("den-1", MIDNIGHT - 1, {"battery_v": 15.0}),
]


def test_lowest_mean_and_highest_without_the_empty_buckets(source: Source) -> None:
    source.put(ROWS)
    found = source.points(MIDNIGHT, MIDNIGHT + 20 * HOUR, 2 * HOUR)
    assert [p.at for p in found] == [MIDNIGHT, MIDNIGHT + 2 * HOUR]
    assert found[0].values == {"battery_v": (12.0, 14.0, 17.0), "soc_pct": (50.0, 50.0, 50.0)}
    assert found[1].values == {"battery_v": (11.0, 11.0, 11.0)}


def test_the_end_does_not_belong_and_the_start_does(source: Source) -> None:
    source.put(ROWS)
    found = source.points(MIDNIGHT + 1, MIDNIGHT + 2 * HOUR + 1, HOUR // 2)
    assert [p.at for p in found] == [MIDNIGHT, MIDNIGHT + 3 * HOUR // 2, MIDNIGHT + 2 * HOUR]
    assert found[0].values["battery_v"] == (13.0, 13.0, 13.0)
    assert source.points(MIDNIGHT + 1, MIDNIGHT + 2, HOUR) == []
    assert source.points(MIDNIGHT + 40 * DAY, MIDNIGHT + 41 * DAY, HOUR) == []


def test_half_days_are_those_of_ha_noi(source: Source) -> None:
    source.put(ROWS)
    found = source.points(MIDNIGHT - DAY, MIDNIGHT + 2 * DAY, 12 * HOUR)
    assert [(p.at - MIDNIGHT) // HOUR for p in found] == [-12, 0, 12, 24]


def test_days_are_those_of_ha_noi_and_the_first_is_whole(daily: Source) -> None:
    daily.put(ROWS)
    found = daily.points(MIDNIGHT + 5, MIDNIGHT + 2 * DAY, DAY)
    assert [p.at for p in found] == [MIDNIGHT, MIDNIGHT + DAY]
    assert found[0].values["battery_v"] == (9.0, 12.4, 17.0)
    assert found[0].values["soc_pct"] == (50.0, 50.0, 50.0)


def test_weeks(daily: Source) -> None:
    daily.put(ROWS)
    found = daily.points(MIDNIGHT - 20 * DAY, MIDNIGHT + 20 * DAY, 7 * DAY)
    assert min(p.values["battery_v"][0] for p in found) == 9.0
    assert max(p.values["battery_v"][2] for p in found) == 17.0
    assert all((p.at + 7 * HOUR) % (7 * DAY) == 0 for p in found)


def test_what_comes_late(daily: Source) -> None:
    daily.put(ROWS)
    daily.put([("den-1", MIDNIGHT + HOUR, {"battery_v": 4.0})])
    (found,) = daily.points(MIDNIGHT, MIDNIGHT + 1, DAY)
    low, mean, high = found.values["battery_v"]
    assert (low, round(mean, 6), high) == (4.0, 11.0, 17.0)


def test_roll_ups_hold_no_readings(tmp_path: Path) -> None:
    with ExitStack() as stack:
        made = Source("roll-ups", tmp_path, stack)
        made.put(ROWS)
        assert files.every(tmp_path, made.device.kind) == []
