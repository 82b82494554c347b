"""An alert's life, each deadline walked: just before, at, just after, the same millisecond."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules.alert import (
    Alert,
    Changed,
    Closed,
    Opened,
    Phase,
    due,
    fire,
    observe,
    pack,
    severity,
    unpack,
    withdraw,
)
from rules.condition import Because, Group, Leaf, opposite
from rules.rule import Severity, Step
from tests.rules.sample import FINE, LOW, rule, simple, stepped

if TYPE_CHECKING:
    from devices.field import Value
    from rules.alert import Record
    from rules.rule import CompiledRule


def told(rule: CompiledRule, *readings: tuple[int, float | None], until: int) -> list[tuple[str, int, str]]:
    """(what, at, severity) of every record from readings of battery_v, the clock running to `until`."""
    state: Alert | None = None
    records: tuple[Record, ...] = ()
    for at, volts in readings:
        values: dict[str, Value] = {} if volts is None else {"battery_v": volts}
        state, more = observe(state, rule, values, at)
        records += more
    _, more = fire(state, rule, until)
    return [(type(r).__name__, r.at, r.severity.word) for r in records + more]


def test_nothing_comes_of_quiet_values() -> None:
    r = simple(after=10)
    assert observe(None, r, {"battery_v": 13.0}, 5) == (None, ())
    assert observe(None, r, {}, 5) == (None, ())
    assert due(None, r) is None
    assert fire(None, r, 5) == (None, ())
    assert withdraw(None, r, 5) == (None, ())


def test_raise_after_zero_opens_at_the_reading() -> None:
    assert told(simple(), (100, 11.9), until=100) == [("Opened", 100, "degraded")]


@pytest.mark.parametrize(("until", "opened"), [(1099, False), (1100, True), (1101, True), (999999, True)])
def test_raise_after_is_exact(until: int, opened: bool) -> None:
    assert told(simple(after=1000), (100, 11.9), until=until) == (
        [("Opened", 1100, "degraded")] if opened else []
    )


@pytest.mark.parametrize(
    ("at", "records"),
    [
        (1099, []),
        (1100, [("Opened", 1100, "degraded"), ("Closed", 1100, "degraded")]),
        (1101, [("Opened", 1100, "degraded"), ("Closed", 1101, "degraded")]),
    ],
)
def test_a_reading_that_ends_it_around_the_deadline(at: int, records: list[tuple[str, int, str]]) -> None:
    """The deadline comes first, also in the same millisecond."""
    assert told(simple(after=1000), (100, 11.9), (at, 13.0), until=9999) == records


def test_the_time_counts_anew_after_a_pause() -> None:
    r = simple(after=1000)
    assert told(r, (0, 11.9), (900, 13.0), (950, 11.9), until=1949) == []
    assert told(r, (0, 11.9), (900, 13.0), (950, 11.9), until=1950) == [("Opened", 1950, "degraded")]


def test_what_is_not_known_neither_raises_nor_clears() -> None:
    r = simple(after=1000, clear_after=500)
    assert told(r, (0, None), until=9999) == []
    assert told(r, (0, 11.9), (500, None), until=9999) == [("Opened", 1000, "degraded")]
    assert told(r, (0, 11.9), (2000, None), (9000, None), until=99999) == [("Opened", 1000, "degraded")]
    assert told(r, (0, 11.9), (2000, 13.0), (2300, None), until=9999)[1:] == [("Closed", 2500, "degraded")]


@pytest.mark.parametrize(
    ("at", "closed"), [(2499, 9500), (2500, 2500), (2501, 2500)], ids=["before", "same ms", "after"]
)
def test_relapse_around_the_clearing_deadline(at: int, closed: int) -> None:
    r = simple(clear_after=500)
    records = told(r, (0, 11.9), (2000, 13.0), (at, 11.9), (9000, 13.0), until=99999)
    again = [("Opened", at, "degraded"), ("Closed", 9500, "degraded")] if closed == 2500 else []
    assert records == [("Opened", 0, "degraded"), ("Closed", closed, "degraded"), *again]


def test_clear_after_zero_closes_at_the_reading() -> None:
    assert told(simple(), (0, 11.9), (70, 13.0), until=70) == [
        ("Opened", 0, "degraded"),
        ("Closed", 70, "degraded"),
    ]


def test_clear_when_is_kept_to() -> None:
    r = simple(clear_when=FINE, clear_after=100)
    start = [("Opened", 0, "degraded")]
    assert told(r, (0, 11.9), (10, 12.2), until=9999) == start
    assert told(r, (0, 11.9), (10, 12.5), until=9999) == [*start, ("Closed", 110, "degraded")]
    assert told(r, (0, 11.9), (10, 12.5), (50, 12.2), until=9999) == start, "no longer clear"
    assert told(r, (0, 11.9), (10, 12.5), (50, 12.2), (60, 12.6), until=9999)[1:] == [
        ("Closed", 160, "degraded")
    ]


def test_while_it_raises_it_does_not_clear() -> None:
    r = rule(Step(Severity.FAULTY, LOW, 0), clear_when=Leaf("dark", "is", limit=True))
    state, _ = observe(None, r, {"battery_v": 11.0, "dark": True}, 0)
    assert state is not None
    assert state.phase is Phase.OPEN
    state, records = observe(state, r, {"battery_v": 12.0, "dark": True}, 10)
    assert [type(record) for record in records] == [Closed]


def test_a_lamp_does_not_get_well_at_dawn() -> None:
    dark, lit = Leaf("dark", "is", limit=True), Leaf("lamp_lit", "is", limit=True)
    r = rule(
        Step(Severity.FAULTY, Group("all", (dark, opposite(lit))), 100),
        clear_when=Group("all", (dark, lit)),
    )
    state, records = observe(None, r, {"dark": True, "lamp_lit": False}, 0)
    state, records = observe(state, r, {"dark": False, "lamp_lit": False}, 500)
    assert [type(record) for record in records] == [Opened]
    assert state is not None
    assert state.phase is Phase.OPEN
    state, records = observe(state, r, {"dark": True, "lamp_lit": True}, 900)
    assert [record.at for record in records] == [900]


# ---------------------------------------------------------------- severity


@pytest.mark.parametrize(("until", "up"), [(149, False), (150, True), (151, True)])
def test_severity_goes_up_after_its_own_time(until: int, up: bool) -> None:
    records = told(stepped(mild=10, bad=50), (0, 11.5), (100, 10.9), until=until)
    assert records == [("Opened", 10, "degraded")] + ([("Changed", 150, "faulty")] if up else [])


def test_both_at_once_opens_at_the_worse() -> None:
    assert told(stepped(), (0, 10.0), until=0) == [("Opened", 0, "faulty")]
    assert told(stepped(mild=50, bad=50), (0, 10.0), until=50) == [("Opened", 50, "faulty")]


def test_the_worse_step_may_be_the_faster() -> None:
    assert told(stepped(mild=500, bad=50), (0, 10.0), until=9999) == [("Opened", 50, "faulty")]


@pytest.mark.parametrize(("until", "down"), [(399, False), (400, True), (401, True)])
def test_severity_goes_down_after_clear_after(until: int, down: bool) -> None:
    records = told(stepped(clear_after=300), (0, 10.9), (100, 11.5), until=until)
    assert records == [("Opened", 0, "faulty")] + ([("Changed", 400, "degraded")] if down else [])


def test_severity_stays_when_the_worse_comes_back_in_time() -> None:
    r = stepped(clear_after=300)
    assert told(r, (0, 10.9), (100, 11.5), (399, 10.9), until=9999) == [("Opened", 0, "faulty")]
    assert told(r, (0, 10.9), (100, 11.5), (400, 10.9), until=9999)[1:] == [
        ("Changed", 400, "degraded"),
        ("Changed", 400, "faulty"),
    ]


def test_between_mild_and_clear_the_severity_stays() -> None:
    r = stepped(clear_after=300, clear_when=FINE)
    assert told(r, (0, 10.9), (100, 12.2), until=9999) == [("Opened", 0, "faulty")]
    later = told(r, (0, 10.9), (100, 12.2), (1000, 11.5), until=9999)
    assert later[1:] == [("Changed", 1000, "degraded")], "the worse has been away for long enough"


def test_up_and_down_and_closed() -> None:
    r = stepped(mild=10, bad=20, clear_after=30, clear_when=FINE)
    assert told(r, (0, 11.5), (100, 10.5), (200, 11.5), (300, 13.0), until=9999) == [
        ("Opened", 10, "degraded"),
        ("Changed", 120, "faulty"),
        ("Changed", 230, "degraded"),
        ("Closed", 330, "degraded"),
    ]


# ---------------------------------------------------------------- what records say


def test_records_say_why() -> None:
    r = simple(after=100)
    state, _ = observe(None, r, {"battery_v": 11.9, "panel_w": 3.0}, 0)
    _, (record,) = fire(state, r, 500)
    assert record == Opened(
        100, 1, Severity.DEGRADED, {"battery_v": 11.9}, (Because("battery_v", "below", 12, 11.9),)
    )


def test_generations_count_what_opened() -> None:
    r = simple(after=100)
    state: Alert | None = None
    seen = []
    for at, volts in [(0, 11.0), (50, 13.0), (100, 11.0), (300, 13.0), (400, 11.0), (450, 13.0), (500, 11.0)]:
        state, records = observe(state, r, {"battery_v": volts}, at)
        seen += [(type(record).__name__, record.generation) for record in records]
    _, records = fire(state, r, 9999)
    assert seen == [("Opened", 1), ("Closed", 1)]
    assert [record.generation for record in records] == [2]


def test_nothing_new_gives_the_same_object() -> None:
    r = stepped(clear_after=100, clear_when=FINE)
    state, _ = observe(None, r, {"battery_v": 11.5}, 0)
    for volts in (11.4, 11.6):
        again, records = observe(state, r, {"battery_v": volts}, 10)
        assert again is state
        assert records == ()


def test_time_that_steps_back_counts_as_the_last_change() -> None:
    r = simple(after=100, clear_after=50)
    assert told(r, (1000, 11.0), (2000, 11.0), (500, 13.0), until=9999) == [
        ("Opened", 1100, "degraded"),
        ("Closed", 1150, "degraded"),
    ]


def test_severity_is_that_of_an_open_alert() -> None:
    r = stepped(mild=10, bad=20, clear_after=30)
    state, _ = observe(None, r, {"battery_v": 10.0}, 0)
    assert severity(state, r) is None
    state, _ = fire(state, r, 10)
    assert severity(state, r) is Severity.DEGRADED
    state, _ = fire(state, r, 20)
    state, _ = observe(state, r, {"battery_v": 13.0}, 25)
    assert severity(state, r) is Severity.FAULTY
    state, _ = fire(state, r, 55)
    assert severity(state, r) is None
    assert state is not None
    assert state.phase is Phase.CLOSED


def test_withdrawing() -> None:
    r = simple(after=100)
    state, _ = observe(None, r, {"battery_v": 11.0}, 0)
    assert withdraw(state, r, 99) == (None, ())
    after, records = withdraw(state, r, 150)
    assert records[0].at == 100
    assert records[1] == Closed(150, 1, Severity.DEGRADED, {"battery_v": 11.0}, withdrawn=True)
    assert withdraw(after, r, 200) == (after, ())
    _, records = observe(after, r, {"battery_v": 11.0}, 300)
    assert records == ()


def test_a_value_of_a_wrong_type_reaches_the_caller() -> None:
    with pytest.raises(TypeError):
        observe(None, simple(), {"battery_v": ["x"]}, 0)


# ---------------------------------------------------------------- restart


def test_a_checkpoint_of_a_rule_that_lost_a_step() -> None:
    two, one = stepped(mild=10, bad=10, clear_after=50), simple(after=10, clear_after=50)
    state, _ = observe(None, two, {"battery_v": 10.0}, 0)
    state, records = fire(state, two, 10)
    assert isinstance(records[0], Opened)
    assert state is not None
    after = unpack(pack(state), one)
    assert severity(after, one) is Severity.DEGRADED
    _, records = observe(after, one, {"battery_v": 13.0}, 100)
    _, records = fire(_, one, 200)
    assert [type(record) for record in records] == [Closed]


def test_a_checkpoint_of_a_rule_that_got_a_step() -> None:
    one, two = simple(), stepped()
    state, _ = observe(None, one, {"battery_v": 10.0}, 0)
    assert state is not None
    after, records = observe(unpack(pack(state), two), two, {"battery_v": 10.0}, 5)
    assert [type(record) for record in records] == [Changed]
    assert severity(after, two) is Severity.FAULTY


def test_a_rising_checkpoint_whose_step_is_gone_is_nothing() -> None:
    two, one = stepped(mild=10, bad=10), simple(after=10)
    state = Alert(Phase.RISING, 1, 0, (None, 0))
    assert unpack(pack(state), one) is None
    assert unpack(pack(state), two) == state
