"""What else the tracker folds: order, lateness, clocks, the flag unstable, first contact, outcomes of every message."""

from __future__ import annotations

from typing import Any

import pytest

from devices.device import HUB, Device, Kind
from devices.health import Health, Shown
from devices.lifecycle import Lifecycle
from hub.intake import OUTCOMES
from rules.condition import Leaf, explain
from rules.rule import CompiledRule, Rule, Ruleset, Severity, Step
from tests.hub.scene import REALM, RULES, T0, Scene, gateway, light

NOON = T0 / 1000
OK, UNKNOWN, DEGRADED, FAULTY, OFFLINE = (
    Health.OK,
    Health.UNKNOWN,
    Health.DEGRADED,
    Health.FAULTY,
    Health.OFFLINE,
)

# --- order ----------------------------------------------------------------------------------------------------


def test_fresh_messages_before_the_senders_own_queue() -> None:
    s = Scene()
    assert s.says(seq=10, battery_v=13.0) == "accepted"
    for seq in (4, 5, 6, 7, 8, 9):
        assert s.at(1 + seq / 10).says(seq=seq, battery_v=10.0) == "late"
    assert s.track().values["battery_v"] == 13.0
    assert not s.told("battery-low")
    assert s.track().last_seen == T0 + 1900, "but it lives: it sends"
    assert s.at(2).says(seq=9) == "duplicate"


def test_a_number_used_on_another_channel_makes_no_reading_old() -> None:
    s = Scene()
    s.says(channel="occurrence", kind="button", seq=2)
    assert s.at(1).says(seq=1, battery_v=13.0) == "accepted"
    assert s.track().values["battery_v"] == 13.0


def test_a_new_boot_begins_anew() -> None:
    s = Scene()
    s.says(boot=1, seq=900)
    assert s.at(1).says(boot=2, seq=1, battery_v=13.0) == "accepted"
    assert s.track().boot == 2
    assert s.track().values["battery_v"] == 13.0


def test_a_duplicate_changes_nothing_even_where_a_field_of_it_is_bad() -> None:
    s = Scene()
    s.says(seq=1, battery_v="x")
    t = s.track()
    assert t.garbled_total == 1
    assert s.at(5).says(seq=1, battery_v="x") == "duplicate"
    assert (t.garbled_total, t.duplicates, t.last_seen) == (1, 1, T0)


# --- late -----------------------------------------------------------------------------------------------------


def test_what_was_buffered_is_history_and_moves_nothing() -> None:
    s = Scene()
    s.says(ts=NOON, battery_v=13.0)
    rows = len(s.intake.rows)
    assert s.at(60).says(ts=NOON - 3600, battery_v=9.0, late=True) == "late"
    assert s.track().values["battery_v"] == 13.0
    assert s.intake.rows[rows + 3] == T0 - 3_600_000, "placed when it was measured"


@pytest.mark.parametrize(
    ("sent", "placed"),
    [(NOON - 7200, -7200), (NOON + 86400, 100), (1.0, 1.0 - NOON), (None, 100)],
    ids=["an hour", "future-dated: not after its receipt", "ancient: as it says", "no clock: its receipt"],
)
def test_where_late_messages_are_placed(sent: float | None, placed: float) -> None:
    s = Scene()
    s.says(ts=NOON)
    s.at(100).says(ts=sent, late=True)
    assert s.intake.rows[-3] == round(T0 + placed * 1000)


def test_a_late_message_of_another_boot_is_not_placed_by_a_clock_that_stood_in_1970() -> None:
    s = Scene()
    s.says(boot=2, ts=5000.0)
    s.at(100).says(boot=1, ts=400.0, late=True)
    assert s.intake.rows[-3] == T0 + 100_000


def test_a_late_message_of_another_boot_of_a_device_with_a_right_clock_is_placed_by_it() -> None:
    s = Scene()
    s.says(boot=2, ts=NOON)
    s.at(100).says(boot=1, ts=NOON - 4000.0, late=True)
    assert s.intake.rows[-3] == T0 - 4_000_000


# --- clocks ---------------------------------------------------------------------------------------------------


def test_a_clock_in_1970_is_a_fault_of_the_clock_and_no_more() -> None:
    s = Scene()
    s.says(ts=12.0)
    for minute in range(1, 7):
        s.at(60 * minute).says(ts=12.0 + 60 * minute)
    assert s.told("clock-wrong") == [("opened", 300)]
    assert s.health() is DEGRADED
    assert s.track().last_seen == T0 + 360_000
    s.at(500).says(ts=NOON + 500)
    s.at(560).says(ts=NOON + 560)
    s.at(800)
    s.says(ts=NOON + 800)
    assert s.told("clock-wrong")[-1] == ("closed", 800)


@pytest.mark.parametrize(
    ("off", "wrong"), [(120.0, False), (120.001, True), (-120.0, False), (-120.001, True)]
)
def test_the_limit_of_a_clocks_drift(off: float, wrong: bool) -> None:
    s = Scene()
    for minute in range(7):
        s.at(60 * minute).says(ts=NOON + 60 * minute + off)
    assert bool(s.told("clock-wrong")) is wrong


def test_a_clock_that_was_set_by_a_reboot_is_right_at_once() -> None:
    s = Scene()
    s.says(boot=1, ts=12.0)
    s.at(60).says(boot=2, ts=NOON + 60)
    assert s.track().values["clock_drift_s"] == 0


# --- first contact --------------------------------------------------------------------------------------------


def test_planned_becomes_active_at_the_first_live_message() -> None:
    s = Scene(light(lifecycle=Lifecycle.PLANNED))
    s.says(late=True)
    s.says(channel="state", online=True, retain=True)
    s.will()
    assert s.track().lifecycle is Lifecycle.PLANNED
    s.at(1).says(faults=["lampFailure"])
    assert s.track().lifecycle is Lifecycle.ACTIVE
    assert s.health() is FAULTY
    assert s.told("lamp-failed") == [("opened", 1)]


@pytest.mark.parametrize("lifecycle", [Lifecycle.MAINTENANCE, Lifecycle.RETIRED])
def test_only_active_devices_raise_alerts(lifecycle: Lifecycle) -> None:
    s = Scene(light(lifecycle=lifecycle))
    s.says(faults=["lampFailure"])
    s.at(10_000)
    assert not s.alerts
    assert s.shown() is Shown(lifecycle.value)


# --- unstable -------------------------------------------------------------------------------------------------


def flapping(times: int, every: float) -> Scene:
    """`times` changes, one each `every` seconds."""
    s = Scene()
    s.says()
    for i in range(times):
        s.at((i + 1) * every, tick=False)
        if i % 2 == 0:
            s.will()
        else:
            s.says()
    return s


def test_four_changes_in_half_an_hour_are_unstable() -> None:
    assert not flapping(3, 60).track().unstable
    s = flapping(4, 60)
    assert s.track().unstable
    assert s.shown() is Shown.UNSTABLE
    assert s.told("unstable") == [("opened", 240)]


@pytest.mark.parametrize(("every", "unstable"), [(600.0, True), (600.001, False)])
def test_four_changes_must_fit_into_half_an_hour(every: float, unstable: bool) -> None:
    s = Scene(light(timeout_s=10_000))
    s.says()
    for i in range(4):
        s.at((i + 1) * every)
        if i % 2 == 0:
            s.will()
        else:
            s.says()
    assert s.track().unstable is unstable


def test_it_ends_after_thirty_quiet_minutes_to_the_ms() -> None:
    s = flapping(4, 60)
    for second in range(300, 2040, 60):
        s.at(second).says()
    s.at(2039.999)
    assert s.track().unstable
    s.at(2040)
    assert not s.track().unstable
    assert s.told("unstable") == [("opened", 240), ("closed", 2040)]


def test_a_further_change_begins_the_quiet_time_anew() -> None:
    s = flapping(6, 60)
    for second in range(400, 2200, 60):
        s.at(second).says()
    s.at(2159.999)
    assert s.track().unstable
    s.at(2160)
    assert not s.track().unstable


# --- outcomes -------------------------------------------------------------------------------------------------


def outcomes() -> dict[str, str]:
    """One message of every kind there is, and what became of it."""
    s = Scene(light(), gateway(), light("den-9", lifecycle=Lifecycle.RETIRED), Device(HUB, Kind.HUB, HUB, ""))
    big = b'{"boot": 1, "seq": 99, "x": "' + b"x" * 300_000 + b'"}'
    found = {
        "good": s.says(boot=1),
        "a new boot": s.says(boot=2),
        "late": s.says(boot=2, late=True),
        "an older boot": s.says(boot=1),
        "duplicate": s.says(boot=2, seq=1),
        "garbled": s.raw(f"vh/1/{REALM}/den-1/telemetry", b"\xff\xfe"),
        "oversized": s.raw(f"vh/1/{REALM}/den-1/telemetry", big),
        "wrong-typed": s.says(boot=2, battery_v="12.5"),
        "out of range": s.says(boot=2, battery_v=101),
        "future-dated": s.says(boot=2, ts=5e9),
        "ancient": s.says(boot=2, ts=0.0),
        "a will": s.will(boot=2),
        "an old will": s.will(boot=1),
        "retained": s.says(boot=2, channel="state", online=True, retain=True),
        "hello of a registered device": s.says(channel="hello", kind="solar_light"),
        "hello": s.says("den-77", "hello", kind="solar_light"),
        "garbled hello": s.raw(f"vh/1/{REALM}/den-77/hello", b"{}"),
        "unknown device": s.says("den-77"),
        "for another realm": s.raw("vh/1/thon-2/den-1/telemetry", b'{"boot": 2, "seq": 70}'),
        "in the hub's name": s.raw("vh/1/hub/hub/telemetry", b'{"boot": 2, "seq": 70}'),
        "retired": s.says("den-9"),
        "no topic of ours": s.raw("vh/1/thon-1/den-1/photo", b"x"),
        "a topic that is not UTF-8": s.raw("\ufffd", b"x"),
    }
    s.intake.hello = lambda _: "pending_full"
    found["one hello too many"] = s.says("den-78", "hello", kind="solar_light")
    return found


EXPECTED = {
    "good": "accepted",
    "a new boot": "accepted",
    "late": "late",
    "an older boot": "late",
    "duplicate": "duplicate",
    "garbled": "garbled",
    "oversized": "garbled",
    "wrong-typed": "accepted+garbled_field",
    "out of range": "accepted+garbled_field",
    "future-dated": "clock_off",
    "ancient": "clock_off",
    "a will": "will",
    "an old will": "old_will",
    "retained": "retained",
    "hello of a registered device": "hello",
    "hello": "hello",
    "garbled hello": "garbled",
    "unknown device": "unknown_device",
    "for another realm": "wrong_realm",
    "in the hub's name": "wrong_realm",
    "retired": "retired",
    "no topic of ours": "wrong_topic",
    "a topic that is not UTF-8": "wrong_topic",
    "one hello too many": "pending_full",
}


def test_every_message_has_its_outcome() -> None:
    assert outcomes() == EXPECTED


def test_every_outcome_has_its_message() -> None:
    """`denied` and `copied` are the broker's word and `failed` ingest's: see the journeys, and test_ingest."""
    assert {o for found in EXPECTED.values() for o in found.split("+")} == set(OUTCOMES) - {
        "denied",
        "copied",
        "failed",
    }


def test_what_is_no_news_is_not_journaled() -> None:
    s = Scene()
    s.says(seq=1)
    rows = len(s.intake.rows)
    s.says(seq=1)
    s.says(channel="state", online=True, retain=True)
    s.says("den-77", seq=1)
    s.says(channel="hello", kind="solar_light")
    assert len(s.intake.rows) == rows


def test_three_garbled_messages_in_a_row_are_a_fault_of_the_device() -> None:
    s = Scene()
    s.says()
    for second in (1, 2, 3):
        assert not s.told("garbled")
        s.at(second).raw(f"vh/1/{REALM}/den-1/telemetry", b"\x00")
    assert s.told("garbled") == [("opened", 3)]
    s.at(4).says()
    assert s.told("garbled") == [("opened", 3), ("closed", 4)]


# --- a rule that raises ---------------------------------------------------------------------------------------


def exploding(after: int = 0) -> Ruleset:
    """A rule that compares a text with a number: it raises at its first reading, or only when it opens."""
    text = {"vi": "x", "en": "x"}
    step = Step(Severity.FAULTY, Leaf("battery_v", "below", 5.0), after)
    bad = CompiledRule(Rule("bad", frozenset({Kind.SOLAR_LIGHT}), text, text, (step,)))

    def boom(_values: object) -> bool:
        raise TypeError("unorderable")

    if not after:
        bad.raises = boom
    return Ruleset((bad, *RULES.rules))


def test_a_rule_that_raises_is_quarantined_and_the_others_go_on() -> None:
    s = Scene(light(), light("den-2"), rules=exploding())
    s.says(faults=["lampFailure"])
    assert s.tracker.rules.quarantined == {"bad": "TypeError: unorderable"}
    assert s.told("lamp-failed") == [("opened", 0)]
    assert s.says("den-2", faults=["lampFailure"]) == "accepted"
    assert s.told("lamp-failed", "den-2") == [("opened", 0)]


def test_a_rule_that_raises_at_its_deadline_is_quarantined_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(condition: Any, values: Any) -> Any:
        if condition == Leaf("battery_v", "below", 5.0):
            raise TypeError("unorderable")
        return explain(condition, values)

    monkeypatch.setattr("rules.alert.explain", explode)
    s = Scene(rules=exploding(after=60_000))
    s.says(battery_v=4.0)
    s.at(30).says(battery_v=4.0, faults=["lampFailure"])
    s.at(60)
    assert s.tracker.rules.quarantined == {"bad": "TypeError: unorderable"}
    assert s.at(90).says(battery_v=4.0, faults=["lampFailure"]) == "accepted"
    assert s.told("lamp-failed") == [("opened", 30)]
