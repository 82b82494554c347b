"""The outbox: what was stored is there after a kill, goes once it is acknowledged, and stays within its cap."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hub.agent.outbox import NOW, OVERHEAD, PICTURE, READING, Kept, Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Shelf:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.box = self.open()

    def open(self, most: int = 10**6) -> Outbox:
        self.box = Outbox(self.folder, most)
        return self.box

    def killed(self) -> Outbox:
        """As after a kill: nothing is closed in order."""
        self.box._db.close()
        return self.open()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.box.close()


def reading(n: int, device: str = "cam-1") -> Kept:
    return Kept(device, "telemetry", b"%d" % n, READING, "", 7)


def waiting(box: Outbox, rank: int = READING) -> list[bytes]:
    return [m.body for m in box.next(rank, [], 100)]


def test_what_was_stored_survives_and_goes_once_acknowledged(shelf: Shelf) -> None:
    first, second = shelf.box.add([reading(1), reading(2)])
    box = shelf.killed()
    assert waiting(box) == [b"1", b"2"]
    assert (box.count, box.bytes) == (2, 2 + 2 * OVERHEAD)
    box.done([first], [("cam-1", 7)])
    box = shelf.killed()
    assert waiting(box) == [b"2"]
    assert box.heard() == {"cam-1": 7}
    box.done([second, second], [])
    assert (box.count, box.bytes) == (0, 0)


def test_ids_are_never_given_twice(shelf: Shelf) -> None:
    (first,) = shelf.box.add([reading(1)])
    shelf.box.done([first], [])
    assert shelf.killed().add([reading(2)]) > [first]


def test_the_oldest_of_a_rank_and_what_is_on_its_way(shelf: Shelf) -> None:
    ids = shelf.box.add([reading(1), Kept("cam-1", "state", b"s", NOW, "state"), reading(2), reading(3)])
    assert waiting(shelf.box, NOW) == [b"s"]
    assert [m.body for m in shelf.box.next(READING, [ids[0]], 1)] == [b"2"]
    assert [m.body for m in shelf.box.next(READING, [], 9, since=ids[2])] == [b"3"]


def test_of_a_state_and_of_a_last_picture_the_newest_is_kept(shelf: Shelf) -> None:
    for n in range(3):
        shelf.box.add(
            [
                Kept("cam-1", "state", b"%d" % n, NOW, "state"),
                Kept("cam-1", "picture", b"l%d" % n, PICTURE, "last"),
                Kept("cam-1", "picture", b"f%d" % n, PICTURE),
                Kept("cam-2", "state", b"o%d" % n, NOW, "state"),
            ]
        )
    assert waiting(shelf.box, NOW) == [b"2", b"o2"]
    assert waiting(shelf.box, PICTURE) == [b"f0", b"f1", b"l2", b"f2"]
    assert shelf.box.count == 6
    assert shelf.box.dropped == 0, "nothing was lost"


def test_beyond_the_cap_the_oldest_goes_and_is_counted(shelf: Shelf) -> None:
    shelf.box.close()
    box = shelf.open(most=10 * (OVERHEAD + 2))
    box.add([Kept("cam-1", "state", b"s", NOW, "state")])
    box.add([reading(n) for n in range(10, 30)])
    assert waiting(box) == [b"%d" % n for n in range(21, 30)]
    assert waiting(box, NOW) == [b"s"], "what is true now stays"
    assert box.dropped == 11
    box.close()
    assert shelf.open().dropped == 11


def test_its_file_is_read_by_its_owner_only(shelf: Shelf) -> None:
    shelf.box.add([reading(1)])
    assert {p.stat().st_mode & 0o077 for p in shelf.folder.iterdir()} == {0}


def test_nothing_of_what_fails_is_kept(shelf: Shelf) -> None:
    with pytest.raises(AttributeError):
        shelf.box.add([reading(1), None])  # type: ignore[list-item]
    assert (waiting(shelf.box), shelf.box.count, shelf.box.bytes) == ([], 0, 0)
    shelf.box.add([reading(2)])
    assert waiting(shelf.box) == [b"2"]


def test_an_order_begins_once_and_has_one_end(shelf: Shelf) -> None:
    assert shelf.box.begin("a", 1000)
    assert not shelf.box.begin("a", 2000)
    assert shelf.box.receipt("a") is None
    box = shelf.killed()
    assert box.unended() == ["a"]
    box.end("a", Kept("gw", "receipt", b"done", NOW))
    box = shelf.killed()
    assert (box.unended(), box.receipt("a"), waiting(box, NOW)) == ([], b"done", [b"done"])
    assert not box.begin("a", 3000)
    assert box.begin("b", 10**9), "a day later the first is forgotten"
    assert box.begin("a", 10**9)


def test_a_clock_that_was_set_moves_what_was_stored_since(shelf: Shelf) -> None:
    def stamped(channel: str, rank: int = READING) -> Kept:
        return Kept("cam-1", channel, '{"boot":1,"ts":100.25,"why":"Đã sửa"}'.encode(), rank)

    (before,) = shelf.box.add([stamped("telemetry")])
    picture = Kept("cam-1", "picture", b'{"at": 1}\n\xff\xd8', PICTURE)
    shelf.box.add([stamped("telemetry"), stamped("receipt", NOW), picture])
    shelf.box.shift(before, 3600.5)
    said = [json.loads(body) for body in (*waiting(shelf.box), *waiting(shelf.box, NOW))]
    assert [s["ts"] for s in said] == [100.25, 3700.75, 3700.75]
    assert {s["why"] for s in said} == {"Đã sửa"}
    assert waiting(shelf.box, PICTURE) == [picture.body]
    shelf.box.done([m.id for rank in (NOW, READING, PICTURE) for m in shelf.box.next(rank, [], 9)], [])
    assert (shelf.box.count, shelf.box.bytes) == (0, 0)


def test_something_small_is_kept(shelf: Shelf) -> None:
    assert shelf.box.note("targets") is None
    shelf.box.keep("targets", b"x")
    assert shelf.killed().note("targets") == b"x"
