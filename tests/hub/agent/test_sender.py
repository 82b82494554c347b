"""The sender: in which order, what is late, and under which boot a camera is said not to answer."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from hub.agent.outbox import NOW, PICTURE, READING, Kept, Outbox
from hub.agent.sender import FRESH_S, WINDOW, Sender
from hub.poll.wheel import Bucket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Scene:
    """A sender whose link and clock are the test's."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.at = folder, 1000.0
        self.sent: list[tuple[str, dict[str, Any], bool]] = []
        self.mid = 0
        self.seq = 0
        self._open()

    def _open(self) -> None:
        self.outbox = Outbox(self.folder, 10**7)
        self.sender = Sender(
            self.outbox, self.publish, lambda d, c: f"{d}/{c}", 256.0, lambda: round(self.at * 1000)
        )

    def monotonic(self) -> float:
        return self.at

    def publish(self, topic: str, body: bytes, *, retain: bool = False) -> int | None:
        if not self.sender.up:
            return None
        self.mid += 1
        self.sent.append((topic, json.loads(body.partition(b"\n")[0]), retain))
        return self.mid

    def killed(self) -> None:
        self.outbox.close()
        self.sent.clear()
        self._open()

    def reads(self, name: str = "cam-1", boot: int = 1) -> int:
        self.seq += 1
        body = json.dumps({"boot": boot, "seq": self.seq}).encode()
        self.sender.stored(self.outbox.add([Kept(name, "telemetry", body, READING, "", boot)]))
        return self.seq

    def state(self, *, online: bool, boot: int, name: str = "cam-1") -> None:
        body = json.dumps({"online": online, "boot": boot}).encode()
        self.sender.stored(self.outbox.add([Kept(name, "state", body, NOW, "state", boot)]))

    def picture(self, n: int) -> None:
        body = json.dumps({"n": n}).encode() + b"\n" + b"x" * 100_000
        self.sender.stored(self.outbox.add([Kept("cam-1", "picture", body, PICTURE)]))

    def ack_all(self) -> None:
        for mid in list(self.sender._on_way):
            self.sender.acknowledged(mid)
        self.sender.turn()

    def take(self) -> list[tuple[str, dict[str, Any], bool]]:
        self.sender.turn()
        sent, self.sent = self.sent, []
        return sent

    def seqs(self) -> list[tuple[int, bool]]:
        """Of what is sent now: seq, and whether it is late."""
        return [(b["seq"], b.get("late", False)) for t, b, _ in self.take() if t.endswith("telemetry")]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    made = Scene(tmp_path)
    monkeypatch.setattr("hub.agent.sender.time.monotonic", made.monotonic)
    yield made
    made.outbox.close()


def test_what_is_stored_while_the_link_stands_is_sent_at_once(scene: Scene) -> None:
    scene.sender.connected()
    scene.reads()
    assert scene.take() == [("cam-1/telemetry", {"boot": 1, "seq": 1}, False)]
    assert scene.take() == [], "it is on its way"
    scene.ack_all()
    assert scene.outbox.count == 0


def test_what_waited_is_late_and_comes_after_what_is_fresh(scene: Scene) -> None:
    scene.reads()
    scene.reads()
    scene.at += FRESH_S
    scene.reads()
    scene.sender.connected()
    assert scene.seqs() == [(3, False), (1, True), (2, True)]


def test_what_was_not_acknowledged_is_sent_again_as_the_same_message(scene: Scene) -> None:
    scene.sender.connected()
    scene.reads()
    assert scene.seqs() == [(1, False)]
    scene.sender.lost()
    assert scene.take() == []
    scene.at += 60
    scene.sender.connected()
    assert scene.seqs() == [(1, True)]


def test_after_a_kill_everything_unacknowledged_is_sent_as_late(scene: Scene) -> None:
    scene.sender.connected()
    scene.reads()
    scene.reads()
    assert scene.seqs() == [(1, False), (2, False)]
    scene.sender.acknowledged(1)
    scene.sender.turn()
    scene.killed()
    scene.sender.connected()
    assert scene.seqs() == [(2, True)]


def test_no_more_than_a_window_is_on_its_way(scene: Scene) -> None:
    scene.sender.connected()
    for _ in range(WINDOW + 5):
        scene.reads()
    assert len(scene.take()) == WINDOW
    assert scene.take() == []
    scene.ack_all()
    assert len(scene.sent) == 5


def test_a_state_goes_first_and_retained(scene: Scene) -> None:
    scene.reads()
    scene.state(online=True, boot=1)
    scene.sender.connected()
    assert [(t, r) for t, _, r in scene.take()] == [("cam-1/state", True), ("cam-1/telemetry", False)]


def test_that_a_camera_is_there_is_said_as_of_now(scene: Scene) -> None:
    """By its time the hub learns the agent's clock, and places by that what is late."""
    scene.state(online=True, boot=1)
    scene.at += 3600
    scene.sender.connected()
    assert scene.take() == [("cam-1/state", {"online": True, "boot": 1, "ts": 4600.0}, True)]


def test_a_camera_is_gone_under_the_boot_that_the_hub_has_heard(scene: Scene) -> None:
    scene.sender.connected()
    scene.reads(boot=1)
    scene.sender.turn()
    scene.ack_all()
    scene.sender.lost()
    scene.reads(boot=2)  # by a poller that was started anew meanwhile
    scene.at += 60
    scene.state(online=False, boot=2)
    scene.sender.connected()
    states = [b for t, b, _ in scene.take() if t.endswith("state")]
    assert states == [{"online": False, "boot": 1}]


def test_a_camera_is_gone_under_a_boot_that_is_on_its_way(scene: Scene) -> None:
    scene.sender.connected()
    scene.reads(boot=1)
    scene.take()
    scene.state(online=False, boot=1)
    scene.outbox.add([])
    assert [b for _, b, _ in scene.take()] == [{"online": False, "boot": 1}]
    scene.killed()
    scene.state(online=False, boot=5)
    scene.sender.connected()
    states = [b["boot"] for t, b, _ in scene.take() if t.endswith("state")]
    assert states == [5], "nothing was ever acknowledged"


def test_after_a_kill_it_knows_under_which_boot_a_camera_was_heard(scene: Scene) -> None:
    scene.sender.connected()
    scene.reads(boot=1)
    scene.take()
    scene.ack_all()
    scene.killed()
    scene.state(online=False, boot=5)
    scene.sender.connected()
    assert [b for _, b, _ in scene.take()] == [{"online": False, "boot": 1}]


def test_late_readings_show_no_life(scene: Scene) -> None:
    scene.reads(boot=3)
    scene.at += 60
    scene.sender.connected()
    scene.take()
    scene.ack_all()
    assert scene.outbox.heard() == {}


def test_one_picture_is_on_its_way_however_wide_the_uplink_is_said_to_be(scene: Scene) -> None:
    scene.sender._bucket = Bucket(1e9, 1e9)
    scene.picture(1)
    scene.picture(2)
    scene.sender.connected()
    assert [b["n"] for _, b, _ in scene.take()] == [1]
    assert scene.take() == []
    scene.ack_all()
    assert [b["n"] for _, b, _ in scene.sent] == [2]


def test_pictures_come_last_one_at_a_time_within_the_uplink(scene: Scene) -> None:
    scene.picture(1)
    scene.picture(2)
    scene.reads()
    scene.at += 60
    scene.sender.connected()
    assert [b.get("seq", b.get("n")) for _, b, _ in scene.take()] == [1], "the backlog first"
    scene.ack_all()
    assert [b["n"] for _, b, _ in scene.sent] == [1]
    scene.sent.clear()
    scene.ack_all()
    assert scene.sent == [], "the uplink has to breathe"
    scene.reads()
    assert scene.seqs() == [(2, False)], "what is fresh waits for no picture"
    scene.at += 100_000 / 32_000 + 1
    assert [b["n"] for _, b, _ in scene.take()] == [2]


async def test_an_outbox_that_fails_ends_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hub.agent.sender.BROKEN_S", 0.0)
    scene.sender.connected()
    scene.outbox._db.execute("ALTER TABLE message RENAME TO gone")
    task = asyncio.create_task(scene.sender.run())
    for _ in range(9):
        await asyncio.sleep(0)
    scene.outbox._db.execute("ALTER TABLE gone RENAME TO message")
    scene.reads()
    for _ in range(9):
        await asyncio.sleep(0)
    assert [t for t, _, _ in scene.sent] == ["cam-1/telemetry"]
    assert "cannot be used" in caplog.text
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
