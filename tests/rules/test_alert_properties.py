"""Whatever is read, whenever somebody ticks, wherever the hub restarts: the same records."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.alert import Alert, Changed, Closed, Opened, due, fire, observe, pack, unpack
from tests.rules.sample import FINE, simple, stepped

if TYPE_CHECKING:
    from devices.field import Value
    from rules.alert import Record
    from rules.rule import CompiledRule

DELAY = st.sampled_from([0, 1, 3, 10])
RULES = st.one_of(
    st.builds(simple, DELAY, DELAY, st.sampled_from([None, FINE])),
    st.builds(stepped, DELAY, DELAY, DELAY, st.sampled_from([None, FINE])),
)
VOLTS = st.sampled_from([None, 10.5, 11.5, 12.2, 13.0])


class Turn(NamedTuple):
    """Time goes on by `gap`, with ticks and restarts on the way, then a reading comes."""

    gap: int
    volts: float | None
    ticks: list[int]
    restart: bool


TURNS = st.lists(
    st.builds(Turn, st.integers(0, 12), VOLTS, st.lists(st.integers(0, 12), max_size=3), st.booleans()),
    max_size=25,
)


def values(turn: Turn) -> dict[str, Value]:
    return {} if turn.volts is None else {"battery_v": turn.volts}


def plain(rule: CompiledRule, turns: list[Turn]) -> tuple[Alert | None, list[Record]]:
    """Readings only; the end of time fires the rest."""
    state: Alert | None = None
    records: list[Record] = []
    now = 0
    for turn in turns:
        now += turn.gap
        state, more = observe(state, rule, values(turn), now)
        records += more
    state, more = fire(state, rule, now + 1000)
    return state, [*records, *more]


def restarted(state: Alert | None, rule: CompiledRule) -> Alert | None:
    return None if state is None else unpack(json.loads(json.dumps(pack(state))), rule)


def disturbed(rule: CompiledRule, turns: list[Turn]) -> tuple[Alert | None, list[Record]]:
    """The same with ticks and restarts between."""
    state: Alert | None = None
    records: list[Record] = []
    now = 0
    for turn in turns:
        for tick in sorted(t for t in turn.ticks if t <= turn.gap):
            state, more = fire(state, rule, now + tick)
            records += more
        if turn.restart:
            state = restarted(state, rule)
        now += turn.gap
        state, more = observe(state, rule, values(turn), now)
        records += more
    state, more = fire(restarted(state, rule), rule, now + 1000)
    return state, [*records, *more]


@settings(max_examples=400)
@given(RULES, TURNS)
def test_ticks_and_restarts_change_nothing(rule: CompiledRule, turns: list[Turn]) -> None:
    assert disturbed(rule, turns) == plain(rule, turns)


@settings(max_examples=200)
@given(RULES, TURNS)
def test_records_make_sense(rule: CompiledRule, turns: list[Turn]) -> None:
    state, records = plain(rule, turns)
    for before, after in pairwise([None, *records]):
        opens = before is None or isinstance(before, Closed)
        assert isinstance(after, Opened) == opens
        assert before is None or before.at <= after.at  # type: ignore[union-attr]
        if isinstance(after, Changed):
            assert before is not None
            assert before.severity is not after.severity
            assert before.generation == after.generation
    opened = [r.generation for r in records if isinstance(r, Opened)]
    assert opened == list(range(1, len(opened) + 1))
    assert all(r.because for r in records if not isinstance(r, Closed))
    assert due(state, rule) is None


@settings(max_examples=300)
@given(DELAY, DELAY, TURNS)
def test_a_simple_rule_does_what_a_slow_walk_does(after: int, clear_after: int, turns: list[Turn]) -> None:
    """Against the plainest reading of the rule: look at every ms, count how long it was low, how long it was not."""
    low: bool | None = None
    low_since = fine_since = 0
    is_open = False
    expected: list[tuple[str, int]] = []
    readings: dict[int, list[float | None]] = {}
    now = 0
    for turn in turns:
        now += turn.gap
        readings.setdefault(now, []).append(turn.volts)
    for ms in range(now + 100):
        for volts in [*([None] if ms not in readings else [None, *readings[ms]])]:
            if volts is not None and (volts < 12) != low:
                low = volts < 12
                low_since, fine_since = (ms, fine_since) if low else (low_since, ms)
            if low and not is_open and ms - low_since >= after:
                is_open = True
                expected.append(("Opened", ms))
            if is_open and not low and ms - fine_since >= clear_after:
                is_open = False
                expected.append(("Closed", ms))
    _, records = plain(simple(after, clear_after), turns)
    assert [(type(r).__name__, r.at) for r in records] == expected
