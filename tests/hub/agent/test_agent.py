"""The agent itself, without a broker and without cameras: what it does when its clock is set, and at its start."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hub.agent import agent as module
from hub.agent.agent import PICTURES, Agent, AgentSettings
from hub.agent.outbox import NOW, READING
from hub.poll.keeper import Said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = 1_795_000_000.0


class Time:
    """A machine's clock, and the one that only grows."""

    def __init__(self) -> None:
        self.wall, self.mono = AT, 50.0

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.mono


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def agent(tmp_path: Path, time: Time) -> Iterator[Agent]:
    assert time.wall == AT
    made = Agent(AgentSettings("thon", "gw", "127.0.0.1", 1, "p", tmp_path))
    yield made
    made.outbox.close()


def readings(agent: Agent) -> list[dict[str, Any]]:
    return [json.loads(m.body) for m in agent.outbox.next(READING, [], 9)]


async def test_a_clock_that_is_set_puts_right_what_waits(agent: Agent, time: Time) -> None:
    await agent._take([Said("cam-1", "telemetry", {"boot": 1, "seq": 1, "ts": AT})], [])
    time.wall += 61
    time.mono += 60
    agent.look_at_clock()
    assert [r["ts"] for r in readings(agent)] == [AT], "it drifts by itself"
    time.wall += 7200
    agent.look_at_clock()
    agent.look_at_clock()
    assert [r["ts"] for r in readings(agent)] == [AT + 7200]


async def test_what_the_poller_says_is_stored_by_what_it_is(agent: Agent) -> None:
    folder = agent._settings.data_dir / PICTURES / "cam-1"
    folder.mkdir(parents=True)
    (folder / "1-last.jpg").write_bytes(b"\xff\xd8")
    told = {"device": "cam-1", "what": "last", "at": 1, "file": "cam-1/1-last.jpg", "codes": [], "by": ""}
    state = {"online": True, "boot": 7, "seq": 1}
    await agent._take(
        [Said("cam-1", "state", state), Said("cam-1", "telemetry", {"boot": 7, "seq": 2})], [told]
    )
    assert [(m.channel, m.boot) for rank in range(3) for m in agent.outbox.next(rank, [], 9)] == [
        ("state", 7), ("telemetry", 7), ("picture", None),
    ]  # fmt: skip
    assert list(folder.iterdir()) == [], "it lies in the outbox now"
    assert agent._trouble() == ()


async def test_what_cannot_be_stored_is_a_fault_until_it_can(
    agent: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    agent.outbox._db.execute("ALTER TABLE message RENAME TO gone")
    await agent._take([Said("cam-1", "telemetry", {"boot": 1, "seq": 1})], [])
    assert agent._trouble() == ("bufferFailed",)
    assert "cannot be written" in caplog.text
    agent.outbox._db.execute("ALTER TABLE gone RENAME TO message")
    await agent._take([Said("cam-1", "telemetry", {"boot": 1, "seq": 2})], [])
    assert agent._trouble() == ()
    assert [r["seq"] for r in readings(agent)] == [2], "the first is said anew at the next visit"


async def test_targets_are_kept_for_a_start_without_a_link(agent: Agent, tmp_path: Path) -> None:
    order = {"id": "1f", "cameras": [{"name": "cam-1", "url": "http://10.0.0.5", "interval_s": 60}]}
    agent._hear_targets(json.dumps(order).encode(), fresh=True)
    receipts = [json.loads(m.body) for m in agent.outbox.next(NOW, [], 9)]
    assert [(r["id"], r["result"]) for r in receipts] == [("1f", "done")]
    agent._hear_targets(b"nonsense", fresh=True)
    assert list(agent._rows()) == ["cam-1"]
    agent.outbox.close()
    again = Agent(AgentSettings("thon", "gw", "127.0.0.1", 1, "p", tmp_path))
    assert list(again._rows()) == ["cam-1"]
    again._hear_targets(b"", fresh=True)
    assert again._rows() == {}
    again.outbox.close()
