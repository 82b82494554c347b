"""The past: packed, not packed yet, and at the seam; a property: it makes no difference how rows were packed."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices.device import Device, Kind
from devices.lifecycle import Lifecycle
from hub import registry
from hub.history import cursor, files, pack, rollup
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

    def pack(
        self, piece: int = 1000, told: Any = None, workers: int = 1, now: int = WIDE[1], **keep: Any
    ) -> None:
        after = cursor.read(self.store.path, cursor.HISTORY)
        pack.pack(self.folder, after, told or self.move, pack.Keep(now, **keep), piece, workers)

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
    assert len(list(past.folder.glob("history/*/*"))) == 2, "and its month's roll-up"


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


MIDNIGHT = (T0 + 7 * HOUR) // (24 * HOUR) * 24 * HOUR - 7 * HOUR
DAY = 24 * HOUR


def days(past: Past, since: int, until: int, bucket_ms: int = DAY) -> list[tuple[int, Any]]:
    """(day after T0's, low mean high) of each point."""
    found = past.history.points(LIGHT, since, until, bucket_ms)
    return [((p.at - MIDNIGHT) // DAY, p.values["battery_v"]) for p in found]


def test_a_day_is_that_of_ha_noi_and_told_as_a_whole(past: Past) -> None:
    past.say(MIDNIGHT - 1, battery_v=1.0)
    past.say(MIDNIGHT, battery_v=2.0)
    past.say(MIDNIGHT + 1000, battery_v=4.0)
    wanted = [(0, (2.0, 3.0, 4.0))]
    assert days(past, MIDNIGHT + 500, MIDNIGHT + HOUR) == wanted
    past.pack()
    assert days(past, MIDNIGHT + 500, MIDNIGHT + HOUR) == wanted


def test_readings_go_after_their_days_and_their_sums_stay(past: Past) -> None:
    for day in range(5):
        past.say(MIDNIGHT + day * DAY, battery_v=10.0 + day, lamp_lit=True)
        past.say(MIDNIGHT + day * DAY + HOUR, battery_v=12.0 + day)
    past.say(MIDNIGHT, OTHER, soc_pct=50)
    year = (MIDNIGHT - 300 * DAY, MIDNIGHT + 5 * DAY)
    before = days(past, *year)
    assert before == [(d, (10.0 + d, 11.0 + d, 12.0 + d)) for d in range(5)]
    past.pack(now=MIDNIGHT + 5 * DAY + 1, days=2)
    assert [f.day for f in files.every(past.folder, Kind.SOLAR_LIGHT)] == [
        files.day_of(MIDNIGHT + d * DAY) for d in (3, 4)
    ]
    assert days(past, *year) == before
    assert [at for at, _ in past.raw()] == [MIDNIGHT + d * DAY + h * HOUR for d in (3, 4) for h in (0, 1)]
    finer = days(past, MIDNIGHT, MIDNIGHT + 5 * DAY, HOUR)
    assert finer[:4] == [*before[:3], (3, (13.0, 13.0, 13.0))], "a day without readings is one point"
    week = past.history.points(LIGHT, *year, 7 * DAY)
    assert sum(len(p.values) for p in week) in (1, 2)
    assert max(p.values["battery_v"][2] for p in week) == 16.0


def test_what_comes_late_for_a_day_whose_readings_are_gone_is_added(past: Past) -> None:
    now = MIDNIGHT + 9 * DAY
    past.say(MIDNIGHT, battery_v=10.0)
    past.pack(now=now, days=2)
    past.say(MIDNIGHT + HOUR, late=True, battery_v=14.0)
    past.say(MIDNIGHT + DAY, late=True, battery_v=1.0)
    wanted = [(0, (10.0, 12.0, 14.0)), (1, (1.0, 1.0, 1.0))]
    assert days(past, MIDNIGHT, now) == wanted
    past.pack(now=now, days=2)
    assert files.every(past.folder, Kind.SOLAR_LIGHT) == []
    assert days(past, MIDNIGHT, now) == wanted
    past.say(now - 1, battery_v=3.0)
    past.pack(now=now, days=2)
    assert days(past, MIDNIGHT, now) == [*wanted, (8, (3.0, 3.0, 3.0))]


def test_roll_ups_go_too_at_last_and_a_kind_may_have_its_own_days(past: Past) -> None:
    past.say(MIDNIGHT, battery_v=10.0)
    past.pack(now=MIDNIGHT + 60 * DAY, days=366, rollup_days=400)
    assert len(past.raw()) == 1
    past.pack(now=MIDNIGHT + 60 * DAY, days=366, rollup_days=400, days_of={"solar_light": 30})
    assert past.raw() == []
    assert len(days(past, MIDNIGHT, MIDNIGHT + DAY)) == 1
    past.pack(now=MIDNIGHT + 500 * DAY, days=366, rollup_days=400)
    assert days(past, MIDNIGHT, MIDNIGHT + DAY) == []


def test_the_running_day_is_not_rolled_up_and_a_killed_roll_up_doubles_nothing(past: Past) -> None:
    past.say(MIDNIGHT, battery_v=10.0)
    past.pack(now=MIDNIGHT + DAY - 1)
    assert rollup.every(past.folder, Kind.SOLAR_LIGHT) == []
    past.pack(now=MIDNIGHT + DAY)
    (first,) = rollup.every(past.folder, Kind.SOLAR_LIGHT)
    content = first.path.read_bytes()
    past.say(MIDNIGHT + 1, late=True, battery_v=20.0)
    past.pack(now=MIDNIGHT + DAY)
    first.path.write_bytes(content)
    assert days(past, MIDNIGHT, MIDNIGHT + DAY) == [(0, (10.0, 15.0, 20.0))]
    past.pack(now=MIDNIGHT + DAY)
    assert first not in rollup.every(past.folder, Kind.SOLAR_LIGHT)


_rows = st.tuples(
    st.just("say"), st.integers(-60 * HOUR, 60 * HOUR), st.booleans(), st.sampled_from([1.0, 12.5, 60.25])
)
_acts = st.one_of(
    _rows,
    _rows,
    _rows,
    st.tuples(st.just("pack"), st.integers(1, 5), st.integers(-60, 60), st.integers(2, 4)),
    st.tuples(st.just("kill"), st.integers(1, 5)),
)


@example(
    [("say", 0, False, 1.0), ("pack", 1, 51, 2), ("say", 0, False, 1.0), ("kill", 1), ("say", 0, False, 12.5)]
)
@example(
    [
        ("say", 10**7, False, 12.5),
        ("kill", 1),
        ("say", 0, False, 1.0),
        ("say", 10**7, False, 1.0),
        ("pack", 1, 3, 2),
    ]
)
@settings(max_examples=25, deadline=None)
@given(st.lists(_acts, max_size=14))
def test_it_makes_no_difference_how_rows_were_packed(acts: list[Any]) -> None:
    folder = Path(tempfile.mkdtemp())
    past = Past(folder)
    try:
        for act in acts:
            _act(past, act)
        gone = max([_first_kept(*a[2:]) for a in acts if a[0] == "pack"], default="")
        raw = [r for r in past.raw() if files.day_of(r[0]) >= gone]
        kept = [r for r in past.all if files.day_of(r[0]) >= gone]
        assert sorted(raw, key=_ordered) == sorted(kept, key=_ordered)
        sums = _by_days(past.all)
        assert days(past, *WIDE) == sums
        past.pack(now=WIDE[1], days=2)
        assert days(past, *WIDE) == sums
    finally:
        past.store.close()
        shutil.rmtree(folder)


def _first_kept(hour: int, days: int) -> str:
    return pack.Keep(T0 + hour * HOUR, days).first(Kind.SOLAR_LIGHT)


def _ordered(said: tuple[int, dict[str, Any]]) -> tuple[int, float]:
    return said[0], said[1]["battery_v"]


def _by_days(said: list[tuple[int, dict[str, Any]]]) -> list[tuple[int, Any]]:
    heaps: dict[int, list[float]] = {}
    for at, values in said:
        heaps.setdefault((at - MIDNIGHT) // DAY, []).append(values["battery_v"])
    return [(day, (min(v), sum(v) / len(v), max(v))) for day, v in sorted(heaps.items())]


def _act(past: Past, act: Any) -> None:
    match act:
        case ("say", at, other, value):
            # of a real journal: what is not late does not go back in time
            past.say(T0 + at, OTHER if other else LIGHT, late=True, battery_v=value)
        case ("pack", piece, hour, kept):
            past.pack(piece, now=T0 + hour * HOUR, days=kept)
        case ("kill", piece):
            seen: list[int] = []

            def told(reached: int) -> bool:
                seen.append(reached)
                return past.move(reached) if len(seen) < 2 else False

            past.pack(piece, told)
