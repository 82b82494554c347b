"""Simulated boards: they show by their playlist, prove what they decoded, and each fault is what it says."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from devices import notice, wire
from devices.device import Kind
from devices.notice import Frame, Item, Level, Policy, pixel_hash
from simulators.board import DEAD_PX
from simulators.fleet import PROFILES, build
from simulators.frame import hash_of
from simulators.world import BOARD_SLOW_S
from tests.simulators.village import Village

if TYPE_CHECKING:
    from simulators.unit import Unit


def picture(shade: int, size: tuple[int, int] = (64, 32)) -> tuple[str, bytes]:
    """A frame: its hash and its PNG."""
    image, out = Image.new("L", size, shade), io.BytesIO()
    image.save(out, "PNG")
    return pixel_hash(*size, image.convert("RGB").tobytes()), out.getvalue()


OWN, MARKET, FLOOD = picture(0), picture(100), picture(255)
PNGS = dict((OWN, MARKET, FLOOD))


class Board:
    """A village's first board, and what it is told."""

    def __init__(self) -> None:
        self.village = Village()
        device = self.village.devices(Kind.SIGNBOARD)[0]
        self.unit: Unit = self.village.world.units[device.name]
        self.village.run(1)

    @property
    def now(self) -> float:
        return self.village.world.now

    def item(self, number: int, frame: str, start: float, end: float, level: Level = Level.ROUTINE) -> Item:
        windows = ((int(self.now + start), int(self.now + end)),)
        return Item(id=f"{number}.1", level=level, windows=windows, frames=(Frame(hash=frame, seconds=5),))

    def tell(self, *items: Item, pngs: dict[str, bytes] = PNGS, policy: Policy | None = None) -> str:
        """As the broker would deliver it; the playlist's id."""
        made = notice.playlist("led-64x32-1", items, (Frame(hash=OWN[0], seconds=5),), policy)
        port = self.village.broker.ports[self.unit.device.name]
        port.hear(port.wants, notice.payload(made, pngs, int(self.now)))
        return made.id

    def said(self, channel: str = "telemetry") -> list[dict[str, Any]]:
        return [h.body for h in self.village.broker.of(self.unit.device.name, channel)]

    def receipts(self) -> list[tuple[str, str, tuple[str, ...]]]:
        for heard in self.village.broker.of(self.unit.device.name, "receipt"):
            wire.ReceiptPayload.model_validate_json(heard.payload)
        return [(r["id"], r["result"], tuple(r.get("frames", ()))) for r in self.said("receipt")]

    def run(self, seconds: float) -> None:
        self.village.run(seconds)


@pytest.fixture
def board() -> Board:
    return Board()


def test_what_is_hashed_is_what_was_decoded() -> None:
    name, png = picture(7)
    assert hash_of(png) == name
    assert hash_of(png[:40]) == hash_of(b"GIF89a") == ""


def test_it_stores_shows_and_ends_each_with_its_frame(board: Board) -> None:
    asked = board.tell(board.item(1, MARKET[0], 20, 60))
    assert board.receipts() == [("1.1", "stored", (MARKET[0],))]
    assert (board.said()[-1]["applied"], board.said()[-1]["showing"]) == (asked, OWN[0])
    board.run(18)
    assert board.said()[-1]["showing"] == OWN[0]
    board.run(3)
    assert board.receipts()[-1] == ("1.1", "shown", (MARKET[0],))
    assert board.said()[-1]["showing"] == MARKET[0], "said at once"
    board.run(40)
    assert board.receipts()[-1] == ("1.1", "ended", (MARKET[0],))
    assert board.said()[-1]["showing"] == OWN[0]
    for heard in board.village.broker.of(board.unit.device.name):
        wire.telemetry(Kind.SIGNBOARD).validate_json(heard.payload)


def test_an_emergency_takes_it_alone_and_gives_it_back(board: Board) -> None:
    board.tell(board.item(1, MARKET[0], -10, 900))
    board.tell(board.item(2, FLOOD[0], -1, 30, Level.EMERGENCY), board.item(1, MARKET[0], -10, 900))
    assert [(i, result) for i, result, _ in board.receipts()[-3:]] == [
        ("2.1", "stored"), ("1.1", "ended"), ("2.1", "shown"),
    ]  # fmt: skip
    board.run(31)
    assert [(i, result) for i, result, _ in board.receipts()[-2:]] == [("2.1", "ended"), ("1.1", "shown")]


def test_a_large_frame_is_fetched_and_looked_at(board: Board) -> None:
    wanted: list[str] = []
    board.village.world.fetch = lambda _, name: wanted.append(name)
    asked = board.tell(board.item(1, MARKET[0], -1, 900), pngs={OWN[0]: OWN[1]})
    assert wanted == [MARKET[0]]
    assert board.said()[-1]["applied"] != asked
    board.village.world.fetched(board.unit, MARKET[0], FLOOD[1])
    assert board.receipts() == [("1.1", "failed", (FLOOD[0],))]
    assert board.said()[-1]["faults"] == ["frame_bad"]
    board.tell(board.item(1, MARKET[0], -1, 900), pngs={OWN[0]: OWN[1]})
    board.village.world.fetched(board.unit, MARKET[0], None)
    assert board.said()[-1]["faults"] == ["fetch_failed"]
    board.tell(board.item(1, MARKET[0], -1, 900), pngs={OWN[0]: OWN[1]})
    board.village.world.fetched(board.unit, MARKET[0], MARKET[1])
    assert [r for _, r, _ in board.receipts()[-2:]] == ["stored", "shown"]
    assert board.said()[-1]["faults"] == []


def test_power_loss_forgets_no_frame(board: Board) -> None:
    asked = board.tell(board.item(1, MARKET[0], -1, 9000))
    board.village.world.reboot(board.unit.device.name)
    board.run(60)
    assert board.said("state")[-1]["applied"] == asked
    assert board.said()[-1]["showing"] == MARKET[0]


def test_power_that_flickers_in_mid_frame(board: Board) -> None:
    board.village.world.break_(board.unit.device.name, "power_flickers")
    asked = board.tell(board.item(1, MARKET[0], -1, 9000))
    assert board.receipts() == []
    board.run(60)
    assert board.said()[-1]["applied"] == ""
    assert asked == board.tell(board.item(1, MARKET[0], -61, 8940))
    assert [r for _, r, _ in board.receipts()] == ["stored", "shown"]


def test_one_that_is_stuck_and_one_that_lies(board: Board) -> None:
    board.tell()
    board.village.world.break_(board.unit.device.name, "stuck_frame")
    asked = board.tell(board.item(1, MARKET[0], -1, 9000))
    assert (board.said()[-1]["applied"], board.said()[-1]["showing"]) == (asked, OWN[0])
    board.village.world.mend(board.unit.device.name)
    assert board.said()[-1]["showing"] == MARKET[0]
    board.village.world.break_(board.unit.device.name, "lying_board")
    board.tell(board.item(2, FLOOD[0], -1, 9000))
    assert board.said()[-1]["showing"] not in PNGS
    assert not {f for _, _, frames in board.receipts()[-1:] for f in frames} & PNGS.keys()


def test_slow_full_dead_and_of_another_time(board: Board) -> None:
    name, world = board.unit.device.name, board.village.world
    world.break_(name, "slow_board")
    asked = board.tell(board.item(1, MARKET[0], 0, 90_000))
    board.run(BOARD_SLOW_S - 2)
    assert board.said()[-1]["applied"] == ""
    board.run(3)
    assert board.said()[-1]["applied"] == asked
    world.mend(name)
    world.break_(name, "storage_full")
    board.tell(board.item(2, FLOOD[0], -1, 9000))
    assert board.receipts()[-1][1] == "failed"
    assert (board.said()[-1]["applied"], board.said()[-1]["storage_free_kb"]) == (asked, 0)
    assert board.said()[-1]["faults"] == ["storage_full"]
    world.mend(name)
    world.break_(name, "dead_pixels")
    assert (board.said()[-1]["dead_px"], board.said()[-1]["faults"]) == (DEAD_PX, ["panel_fault"])
    world.mend(name)
    world.break_(name, "clock_ahead")
    board.tell(board.item(3, FLOOD[0], 2 * 3600, 4 * 3600))
    assert board.said()[-1]["showing"] == FLOOD[0], "by its own clock"
    assert board.said()[-1]["ts"] - board.now > 10_000


def test_boards_of_every_kind() -> None:
    district, demo = build("district"), build("demo")
    boards = {
        n: [d for d in f.devices if d.kind is Kind.SIGNBOARD] for n, f in (("x", district), ("d", demo))
    }
    assert len(boards["x"]) == 23
    assert {d.profile for d in boards["d"]} == set(PROFILES)
    assert {d.name for d in boards["d"]} <= {d.name for d in boards["x"]}
    assert {d.driver for d in boards["x"] if d.profile.startswith("screen")} == {"player"}
    assert replace(boards["x"][0], profile="").profile == ""
