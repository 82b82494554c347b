"""The past: packed, not packed yet, and at the seam; a property: it makes no difference how rows were packed."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.device import Device, Kind
from devices.lifecycle import Lifecycle
from hub import registry
from hub.history import cursor, files, pack
from hub.history.query import History, bucket_for
from hub.store.writer import Store, Writes

if TYPE_CHECKING:
    from collections.abc import Iterator

LIGHT = Device("den-1", Kind.SOLAR_LIGHT, "thon", "", lifecycle=Lifecycle.ACTIVE)
OTHER = Device("den-2", Kind.SOLAR_LIGHT, "thon", "", lifecycle=Lifecycle.ACTIVE)
T0 = 1_790_000_000_000
HOUR = 3_600_000
WIDE = (T0 - 400 * HOUR, T0 + 400 * HOUR)


class Past:
    """A journal written by hand, and its packer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder)
        self.store._db.execute("PRAGMA synchronous=OFF")
        writes = Writes()
        for device in (LIGHT, OTHER):
            registry.put_device(writes, device, "")
        self.store.commit(writes)
        self.newest = dict.fromkeys((LIGHT.name, OTHER.name), 0)
        self.pos = 0
        self.all: list[tuple[int, dict[str, Any]]] = []
        self.history = History(folder, self.newest.__getitem__)

    def say(self, at: int, device: Device = LIGHT, *, late: bool = False, **values: Any) -> None:
        self.pos += 1
        writes = Writes()
        body = json.dumps({"boot": 1, "seq": self.pos, **values}).encode()
        number = 1 if device is LIGHT else 2
        writes.journal += (self.pos, self.newest[device.name], number, at, 1 + 16 * late, body)
        self.store.commit(writes)
        self.newest[device.name] = self.pos
        if device is LIGHT:
            self.all.append((at, values))

    def move(self, reached: int) -> bool:
        writes = Writes()
        cursor.move(writes, cursor.HISTORY, reached)
        self.store.commit(writes)
        return True

    def pack(self, piece: int = 1000, told: Any = None, workers: int = 1) -> None:
        after = cursor.read(self.store.path, cursor.HISTORY)
        pack.pack(self.folder, after, told or self.move, piece, workers)

    def raw(self, since: int = WIDE[0], until: int = WIDE[1]) -> list[tuple[int, dict[str, Any]]]:
        return list(self.history.readings(LIGHT, since, until))


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    made = Past(tmp_path)
    yield made
    made.store.close()


def test_a_reading_is_the_same_before_and_after_it_is_packed(past: Past) -> None:
    past.say(T0, battery_v=12.5, lamp_lit=True, faults=["lampFailure", "bàn"])
    past.say(T0 + 1000, battery_v=12.75)
    past.say(T0 + 2000, OTHER, battery_v=1.0)
    before = past.raw()
    assert before == past.all
    points = past.history.points(LIGHT, *WIDE, HOUR)
    past.pack()
    assert past.raw() == before
    assert past.history.points(LIGHT, *WIDE, HOUR) == points
    assert [p.values["battery_v"] for p in points] == [(12.5, 12.625, 12.75)]


def test_packing_twice_and_nothing_new_change_nothing(past: Past) -> None:
    past.say(T0, battery_v=12.5)
    past.pack()
    past.pack()
    assert past.raw() == past.all
    assert len(files.every(past.folder, Kind.SOLAR_LIGHT)) == 1


def test_a_packer_killed_between_its_file_and_the_cursor_loses_and_doubles_nothing(past: Past) -> None:
    past.say(T0, battery_v=12.5)

    def killed(_reached: int) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        past.pack(told=killed)
    left = files.every(past.folder, Kind.SOLAR_LIGHT)[0].path
    left.with_suffix(".tmp").write_bytes(b"half")
    assert past.raw() == past.all
    past.say(T0 + 1, battery_v=12.6)
    past.pack()
    assert past.raw() == past.all
    assert not left.exists()
    assert not list(past.folder.glob("history/*/*.tmp"))


def test_a_killed_merge_doubles_nothing(past: Past, tmp_path: Path) -> None:
    past.say(T0, battery_v=12.5)
    past.say(T0 + 48 * HOUR, battery_v=13.5)
    past.pack()
    past.say(T0 + 1, late=True, battery_v=12.6)
    first = [(f.path, f.path.read_bytes()) for f in files.every(tmp_path, Kind.SOLAR_LIGHT)]
    past.pack()
    for path, content in first:
        path.write_bytes(content)
    assert past.raw() == sorted(past.all, key=lambda r: r[0])
    past.pack()
    assert len(files.every(tmp_path, Kind.SOLAR_LIGHT)) == 2, "a day is one file; late data are in it"


def test_several_processes_pack_the_same_in_order(past: Past) -> None:
    for i in range(9):
        past.say(T0 + i * 9 * HOUR, battery_v=i)
    told: list[int] = []

    def store(reached: int) -> bool:
        told.append(reached)
        return past.move(reached)

    past.pack(2, store, workers=2)
    assert told == [2, 4, 6, 8, 9]
    assert past.raw() == past.all


def test_a_field_that_was_wrong_is_left_out_and_the_others_stay(past: Past) -> None:
    past.say(T0, battery_v=12.5, soc_pct="many")
    past.say(T0 + 1, battery_v=13.5)
    past.pack()
    assert past.raw() == [(T0, {"battery_v": 12.5}), (T0 + 1, {"battery_v": 13.5})]


def test_holes_in_the_journal_are_no_end(past: Past) -> None:
    for i in range(9):
        past.say(T0 + i, battery_v=i)
    past.store._db.execute("DELETE FROM journal WHERE pos IN (1, 2, 3, 6)")
    past.pack(2)
    assert [at - T0 for at, _ in past.raw()] == [3, 4, 6, 7, 8]
    assert cursor.read(past.store.path, cursor.HISTORY) == 9


def test_what_is_trimmed_from_the_journal_stays(past: Past) -> None:
    for i in range(5):
        past.say(T0 + i, battery_v=12.5)
    past.pack()
    past.store.trim(before=T0 + HOUR, up_to=5, max_bytes=10**12, passed=cursor.passed(past.store))
    assert past.store.rows("SELECT count(*) FROM journal") == [(0,)]
    assert past.raw() == past.all


@pytest.mark.parametrize(("span", "points"), [(HOUR, 60), (24 * HOUR, 288), (365 * 24 * HOUR, 366), (1, 2)])
def test_a_bucket_keeps_to_the_number_of_points(span: int, points: int) -> None:
    assert span / bucket_for(T0, T0 + span, points) + 1 <= points


_rows = st.tuples(
    st.just("say"), st.integers(-60 * HOUR, 60 * HOUR), st.booleans(), st.sampled_from([1.0, 12.5, 60.25])
)
_acts = st.one_of(
    _rows,
    _rows,
    _rows,
    st.tuples(st.just("pack"), st.integers(1, 5)),
    st.tuples(st.just("kill"), st.integers(1, 5)),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(_acts, max_size=14))
def test_it_makes_no_difference_how_rows_were_packed(acts: list[Any]) -> None:
    folder = Path(tempfile.mkdtemp())
    past = Past(folder)
    try:
        for act in acts:
            _act(past, act)
        expected = sorted(past.all, key=lambda r: r[0])
        assert sorted(past.raw(), key=lambda r: (r[0], r[1]["battery_v"])) == sorted(
            expected, key=lambda r: (r[0], r[1]["battery_v"])
        )
        counted = [p.values["battery_v"] for p in past.history.points(LIGHT, *WIDE, 1000 * HOUR)]
        if expected:
            assert min(low for low, _, _ in counted) == min(v["battery_v"] for _, v in expected)
    finally:
        past.store.close()
        shutil.rmtree(folder)


def _act(past: Past, act: Any) -> None:
    match act:
        case ("say", at, other, value):
            # of a real journal: what is not late does not go back in time
            past.say(T0 + at, OTHER if other else LIGHT, late=True, battery_v=value)
        case ("pack", piece):
            past.pack(piece)
        case ("kill", piece):
            seen: list[int] = []

            def told(reached: int) -> bool:
                seen.append(reached)
                return past.move(reached) if len(seen) < 2 else False

            past.pack(piece, told)
