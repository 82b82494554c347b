"""What the torture calls lost, told twice, and wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks import ledger
from benchmarks.ledger import AlertRow, Identity, Sent, State, TransitionRow
from devices.device import Device, Kind
from devices.lifecycle import Lifecycle
from hub import registry
from hub.store.writer import Store, Writes

if TYPE_CHECKING:
    from pathlib import Path

A, B = Identity("a", 1, 1), Identity("a", 1, 2)
START = 1_795_000_000_000
MINUTE = 60_000


def test_lost_is_what_was_acknowledged_and_is_not_stored() -> None:
    assert ledger.lost([A, B], [B, B]) == {A}
    assert ledger.lost([A], [A, B]) == set()


def test_messages_are_doubled_beyond_the_first() -> None:
    assert ledger.doubled_messages([A, B, A, A]) == 2
    assert ledger.doubled_messages([A, B, Identity("a", 2, 1)]) == 0


@pytest.mark.parametrize(
    ("told", "doubled"),
    [
        ([("unknown", "ok"), ("ok", "faulty"), ("faulty", "ok")], 0),
        ([("unknown", "ok"), ("ok", "faulty"), ("ok", "faulty")], 1),
        ([("unknown", "ok"), ("faulty", "ok")], 1),
        ([("ok", "faulty")], 1),
    ],
)
def test_transitions_go_on_where_the_one_before_ended(told: list[tuple[str, str]], doubled: int) -> None:
    rows = [TransitionRow("a", at, before, after) for at, (before, after) in enumerate(told)]
    other = TransitionRow("b", 0, "unknown", "ok")
    assert ledger.doubled_transitions([other, *rows]) == doubled


@pytest.mark.parametrize(
    ("rows", "doubled"),
    [
        ([(1, 10, 20), (2, 20, None)], 0),
        ([(1, 10, None), (2, 20, None)], 1),
        ([(1, 10, 20), (2, 15, 30)], 1),
        ([(1, 10, 20), (1, 30, 40)], 1),
    ],
)
def test_alerts_of_one_rule_neither_overlap_nor_repeat(
    rows: list[tuple[int, int, int | None]], doubled: int
) -> None:
    found = [AlertRow("a", "offline", *row) for row in rows]
    assert ledger.doubled_alerts([*found, AlertRow("a", "other", 1, 12, None)]) == doubled


def test_a_wrong_state_says_what_is_wrong() -> None:
    right = State("ok", {"x": 1}, frozenset())
    found = {"same": right, "other": State("faulty", {"x": 2}, frozenset({"r"}))}
    wrong = ledger.differing(found, {"same": right, "other": right, "gone": right})
    assert wrong == {
        "other": "health 'faulty' instead of 'ok'; alerts {'r'} instead of set(); x 2 instead of 1",
        "gone": "is not there",
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a stopped hub with one light."""
    store = Store(tmp_path)
    writes = Writes()
    light = Device("a", Kind.SOLAR_LIGHT, "r", "s", interval_s=10, lifecycle=Lifecycle.ACTIVE)
    registry.put_device(writes, light, "")
    store.commit(writes)
    store.close()
    return tmp_path


def says(at: int, seq: int, **fields: object) -> Sent:
    body = json.dumps({"boot": 1, "seq": seq, "ts": at / 1000} | fields).encode()
    return Sent(at, "vh/1/r/a/telemetry", body, Identity("a", 1, seq))


def test_a_replay_takes_each_message_at_its_time(folder: Path) -> None:
    messages = [
        says(START, 1, soc_pct=80, faults=["lampFailure"]),
        says(START + 5000, 2, battery_v=12.8, faults=[]),
        says(START + 6000, 3, soc_pct=81),
    ]
    states, opened = ledger.replay(folder, messages, START + 7000)
    assert states["a"] == State(
        "faulty", {"soc_pct": 81, "battery_v": 12.8, "faults": []}, frozenset({"lamp-failed"})
    )
    assert opened["a", "lamp-failed"] == 1


def test_in_a_replay_time_goes_on_after_the_last_message(folder: Path) -> None:
    messages = [says(START, 1, faults=["lampFailure"]), says(START + 5000, 2, faults=[])]
    states, _ = ledger.replay(folder, messages, START + 3 * MINUTE)
    assert states["a"].health == "offline"
    assert states["a"].alerts == {"offline"}
