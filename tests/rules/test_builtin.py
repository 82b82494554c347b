"""Every rule that comes with the hub, raised and cleared by values as a device would send them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

import pytest

from devices.camera import FAULT_CODES as CAMERA_CODES
from devices.camera import SECURITY
from devices.device import FIELDS, Device, Kind
from devices.signboard import FAULT_CODES as BOARD_CODES
from devices.solar_light import FAULT_CODES
from rules.alert import Alert, Opened, due, fire, observe
from rules.condition import Group
from rules.load import BUILTIN, load
from rules.text import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.field import Value
    from rules.alert import Record
    from rules.condition import Condition
    from rules.rule import CompiledRule

RULESET, PROBLEMS = load([BUILTIN])
Values = dict[str, "Value"]

S, M, H = 1000, 60_000, 3_600_000

CALM: Values = {
    "silent": False,
    "gone": False,
    "unstable": False,
    "copied": False,
    "dark": False,
    "garbled": 0,
    "clock_drift_s": 0.3,
}
WELL: dict[Kind, Values] = {
    Kind.CAMERA: {"uptime_s": 5000, "faults": []},
    Kind.SOLAR_LIGHT: {
        "battery_v": 13.1,
        "soc_pct": 90.0,
        "panel_w": 30.0,
        "load_w": 0.0,
        "lamp_commanded": False,
        "lamp_lit": False,
        "level_pct": 0.0,
        "controller_c": 41.0,
        "faults": [],
    },
    Kind.ACCESS_POINT: {
        "uplink_up": True,
        "radio_on": True,
        "clients": 0,
        "latency_ms": 30.0,
        "loss_pct": 0.0,
        "faults": [],
    },
    Kind.SIGNBOARD: {
        "showing": "a" * 64,
        "brightness_pct": 70.0,
        "dead_px": 2,
        "storage_free_kb": 90_000,
        "uptime_s": 5000,
        "faults": [],
    },
    Kind.GATEWAY: {
        "mains": True,
        "ups_pct": 100.0,
        "buffered": 0,
        "children": 40,
        "uplink_ms": 40.0,
        "faults": [],
    },
    Kind.SWITCH: {"mains": True, "faults": []},
    Kind.FEEDER: {"mains": True, "faults": []},
    Kind.NVR: {"mains": True, "faults": []},
    Kind.HUB: {
        "broker_up": True,
        "store_ok": True,
        "disk_free_mb": 90_000,
        "queue": 3,
        "broker_dropped": 0,
        "sessions_lost": 0,
        "clock_step_s": 0.0,
        "faults": [],
    },
}
NIGHT: Values = {"dark": True, "panel_w": 0.0, "load_w": 28.0, "lamp_commanded": True, "lamp_lit": True}
LIGHT, WIFI, GATEWAY, HUB = Kind.SOLAR_LIGHT, Kind.ACCESS_POINT, Kind.GATEWAY, Kind.HUB
CAMERA, BOARD = Kind.CAMERA, Kind.SIGNBOARD


class Case(NamedTuple):
    """`raising` opens `rule` at `severity` after `after` ms; `clearing` on top of it closes it after `quiet` ms."""

    rule: str
    kind: Kind
    raising: Values
    severity: str
    after: int
    clearing: Values
    quiet: int


CASES = [
    *[Case("offline", kind, {"silent": True}, "offline", 0, {"silent": False}, 0) for kind in Kind],
    Case("unstable", WIFI, {"unstable": True}, "unstable", 0, {"unstable": False}, 0),
    *[
        Case("credential-copied", kind, {"copied": True}, "degraded", 0, {"copied": False}, 0)
        for kind in Kind
        if kind is not HUB
    ],
    Case("garbled", Kind.CAMERA, {"garbled": 3}, "degraded", 0, {"garbled": 0}, 0),
    Case("clock-wrong", LIGHT, {"clock_drift_s": 121.0}, "degraded", 5 * M, {"clock_drift_s": 59.0}, 5 * M),
    Case("clock-wrong", LIGHT, {"clock_drift_s": -9e8}, "degraded", 5 * M, {"clock_drift_s": -1.0}, 5 * M),
    *[
        Case("fault-reported", kind, {"faults": ["E7"]}, "degraded", 0, {"faults": []}, M)
        for kind in Kind
        if kind not in (LIGHT, HUB, CAMERA, BOARD)
    ],
    *[
        Case(rule, CAMERA, {"faults": [code]}, severity, 0, {"faults": []}, 0)
        for code, rule, severity in [
            ("noPicture", "camera-no-picture", "faulty"),
            ("pictureGarbled", "camera-no-picture", "faulty"),
            ("streamRefused", "camera-no-picture", "faulty"),
            ("pictureFrozen", "camera-frozen", "faulty"),
            ("lensCovered", "camera-covered", "faulty"),
            ("pictureBlack", "camera-black", "faulty"),
            ("viewTurned", "camera-turned", "degraded"),
            ("pictureBlurred", "camera-blurred", "degraded"),
            ("pictureOverexposed", "camera-overexposed", "degraded"),
            ("loginRefused", "camera-login", "degraded"),
            ("loginFull", "camera-full", "degraded"),
            ("clockWrong", "camera-clock", "degraded"),
            ("notRecording", "camera-not-recording", "faulty"),
            ("sendsElsewhere", "camera-answers", "degraded"),
            ("sceneChanged", "camera-tamper", "degraded"),
            ("signalLost", "camera-signal", "faulty"),
        ]
    ],
    Case("camera-fault", CAMERA, {"faults": ["E7"]}, "degraded", 0, {"faults": []}, M),
    Case("wifi-uplink-down", WIFI, {"uplink_up": False}, "faulty", M, {"uplink_up": True}, M),
    Case("wifi-radio-off", WIFI, {"radio_on": False}, "faulty", 2 * M, {"radio_on": True}, M),
    Case("wifi-loss", WIFI, {"loss_pct": 8.0}, "degraded", 5 * M, {"loss_pct": 1.0}, 5 * M),
    Case("wifi-loss", WIFI, {"loss_pct": 60.0}, "faulty", 5 * M, {"loss_pct": 1.0}, 5 * M),
    Case("wifi-latency", WIFI, {"latency_ms": 900.0}, "degraded", 10 * M, {"latency_ms": 90.0}, 5 * M),
    *[
        Case("mains-lost", kind, {"mains": False}, "degraded", 30 * S, {"mains": True}, M)
        for kind in (GATEWAY, Kind.SWITCH, Kind.FEEDER, Kind.NVR)
    ],
    Case("ups-low", GATEWAY, {"mains": False, "ups_pct": 40.0}, "degraded", 0, {"mains": True}, 0),
    Case("ups-low", GATEWAY, {"mains": False, "ups_pct": 15.0}, "faulty", 0, {"mains": True}, 0),
    Case("gateway-buffering", GATEWAY, {"buffered": 5000}, "degraded", 2 * M, {"buffered": 0}, M),
    Case("gateway-buffering", GATEWAY, {"buffered": 500_000}, "faulty", 2 * M, {"buffered": 0}, M),
    Case("agent-key-waits", GATEWAY, {"faults": ["keyWaits"]}, "degraded", 0, {"faults": []}, 0),
    Case("agent-cannot-ask", GATEWAY, {"faults": ["pollerFailed"]}, "faulty", 0, {"faults": []}, 0),
    Case("hub-broker-down", HUB, {"broker_up": False}, "faulty", 10 * S, {"broker_up": True}, 30 * S),
    Case("hub-store-failing", HUB, {"store_ok": False, "faults": []}, "faulty", 0, {"store_ok": True}, 0),
    Case("hub-disk-full", HUB, {"faults": ["disk_full"]}, "faulty", 0, {"faults": []}, 0),
    Case("hub-fault", HUB, {"faults": ["taken_over"]}, "degraded", 0, {"faults": []}, 0),
    Case("hub-emergency-ending", HUB, {"faults": ["emergency_ending"]}, "degraded", 0, {"faults": []}, 0),
    Case("hub-disk-low", HUB, {"disk_free_mb": 4999}, "degraded", 5 * M, {"disk_free_mb": 9000}, M),
    Case("hub-disk-low", HUB, {"disk_free_mb": 999}, "faulty", M, {"disk_free_mb": 9000}, M),
    Case("hub-broker-dropped", HUB, {"broker_dropped": 1}, "degraded", 0, {"broker_dropped": 0}, 0),
    Case("hub-session-lost", HUB, {"sessions_lost": 1}, "degraded", 0, {"sessions_lost": 0}, 0),
    Case("hub-clock-stepped", HUB, {"clock_step_s": -3600.0}, "degraded", 0, {"clock_step_s": 0.0}, 0),
    Case("hub-behind", HUB, {"queue": 20_000}, "degraded", M, {"queue": 10}, M),
    Case("lamp-failed", LIGHT, {"faults": ["lampFailure"]}, "faulty", 0, {"faults": []}, M),
    Case(
        "lamp-failed",
        LIGHT,
        NIGHT | {"faults": ["x", "controlGearFailure"]},
        "faulty",
        0,
        {"faults": ["x"]},
        M,
    ),
    Case("lamp-dark", LIGHT, NIGHT | {"lamp_lit": False}, "faulty", 3 * M, {"lamp_lit": True}, 5 * M),
    Case("lamp-dark", LIGHT, NIGHT | {"load_w": 0.1}, "faulty", 3 * M, {"load_w": 20.0}, 5 * M),
    Case("lamp-not-commanded", LIGHT, {"dark": True}, "degraded", 30 * M, NIGHT, M),
    Case("lamp-burning-by-day", LIGHT, {"lamp_lit": True}, "degraded", H, {"lamp_lit": False}, 10 * M),
    Case("lamp-burning-by-day", LIGHT, {"load_w": 28.0}, "degraded", H, {"load_w": 0.0}, 10 * M),
    Case("lamp-not-commanded", LIGHT, {"dark": True, "program_on": True}, "degraded", 30 * M, NIGHT, M),
    Case("lamp-not-commanded", LIGHT, {"dark": True}, "degraded", 30 * M, {"program_on": False}, M),
    Case(
        "lamp-burning-by-day",
        LIGHT,
        {"lamp_lit": True, "program_on": False},
        "degraded",
        H,
        {"lamp_lit": False},
        10 * M,
    ),
    Case("program-not-applied", LIGHT, {"program_late": True}, "degraded", 0, {"program_late": False}, 0),
    Case("battery-low", LIGHT, {"soc_pct": 29.0}, "degraded", 15 * M, {"soc_pct": 60.0}, H),
    Case("battery-low", LIGHT, {"soc_pct": 9.0}, "faulty", 10 * M, {"soc_pct": 60.0}, H),
    Case("battery-low", LIGHT, {"battery_v": 11.5}, "degraded", 15 * M, {"battery_v": 12.6}, H),
    Case("battery-low", LIGHT, {"battery_v": 21.9}, "faulty", 10 * M, {"battery_v": 25.2}, H),
    Case("battery-low", LIGHT, {"faults": ["batteryEmpty"]}, "faulty", 10 * M, {"faults": []}, H),
    Case("panel-dead", LIGHT, {"panel_w": 0.0, "soc_pct": 50.0}, "faulty", 4 * H, {"panel_w": 12.0}, 10 * M),
    Case("controller-hot", LIGHT, {"controller_c": 75.0}, "degraded", 10 * M, {"controller_c": 50.0}, 10 * M),
    Case("controller-hot", LIGHT, {"controller_c": 95.0}, "faulty", 5 * M, {"controller_c": 50.0}, 10 * M),
    Case("board-late", BOARD, {"board_late": True}, "faulty", 0, {"board_late": False}, 0),
    Case("board-late", BOARD, {"board_late": True}, "faulty", 0, {"silent": True}, 0),
    Case("board-wrong", BOARD, {"board_wrong": True}, "faulty", 10 * S, {"board_wrong": False}, 0),
    Case("board-wrong", BOARD, {"board_lied": True}, "faulty", 10 * S, {"board_lied": False}, 0),
    Case("board-storage-full", BOARD, {"faults": ["storage_full"]}, "degraded", 0, {"faults": []}, M),
    Case("board-storage-full", BOARD, {"storage_free_kb": 999}, "degraded", 0, {"storage_free_kb": 1000}, M),
    Case("board-frames", BOARD, {"faults": ["frame_bad"]}, "degraded", 2 * M, {"faults": []}, M),
    Case("board-frames", BOARD, {"faults": ["fetch_failed"]}, "degraded", 2 * M, {"faults": []}, M),
    Case("board-pixels", BOARD, {"dead_px": 16}, "degraded", 0, {"dead_px": 0}, M),
    Case("board-pixels", BOARD, {"faults": ["panel_fault"]}, "degraded", 0, {"faults": []}, M),
    Case("board-clock", BOARD, {"faults": ["clock_wrong"]}, "degraded", M, {"faults": []}, M),
    Case("board-fault", BOARD, {"faults": ["power_low"]}, "degraded", 0, {"faults": []}, M),
    Case("light-fault", LIGHT, {"faults": ["dimmingFailure"]}, "degraded", M, {"faults": []}, M),
]


def walk(rule_id: str, *readings: tuple[int, Values], until: int) -> list[tuple[str, int, str]]:
    """(what, at, severity) of every record of one rule, each reading being all that is known at its time."""
    rule = RULESET.get(rule_id)
    assert rule is not None
    state: Alert | None = None
    told: list[Record] = []
    for at, values in readings:
        state, records = observe(state, rule, values, at)
        told += records
    state, records = fire(state, rule, until)
    assert due(state, rule) is None or due(state, rule) > until  # type: ignore[operator]
    return [(type(r).__name__, r.at, r.severity.word) for r in (*told, *records)]


def test_they_load_without_a_problem() -> None:
    assert [str(problem) for problem in PROBLEMS] == []
    assert {case.rule for case in CASES} == {rule.id for rule in RULESET.rules}, "every rule has its case"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.kind}")
def test_each_is_raised_and_cleared(case: Case) -> None:
    well = CALM | WELL[case.kind]
    ill = well | case.raising
    better = ill | case.clearing
    assert case.rule in {r.id for r in RULESET.for_device(Device("d", case.kind, "r", "s"), frozenset())}
    opened = case.after + 1000
    ended = opened + 5000
    if case.after:
        assert walk(case.rule, (0, well), (1000, ill), until=opened - 1) == []
    records = walk(case.rule, (0, well), (1000, ill), (ended, better), until=ended + case.quiet)
    assert records == [("Opened", opened, case.severity), ("Closed", ended + case.quiet, case.severity)]
    if case.quiet:
        records = walk(case.rule, (0, well), (1000, ill), (ended, better), until=ended + case.quiet - 1)
        assert records == [("Opened", opened, case.severity)]


@pytest.mark.parametrize("kind", Kind)
def test_a_device_that_is_well_raises_nothing(kind: Kind) -> None:
    rules = RULESET.for_device(Device("d", kind, "r", "s"), frozenset())
    times: list[Values] = [{}, CALM, CALM | WELL[kind], WELL[kind]]
    if kind is LIGHT:
        off = {"dark": True, "program_on": False, "program_late": False}
        times += [
            CALM | WELL[kind] | off,
            CALM | WELL[kind] | {"lamp_lit": True, "load_w": 20.0, "program_on": True},
        ]
        times += [CALM | WELL[kind] | NIGHT, CALM | NIGHT, {"battery_v": 3.2}, {"battery_v": 6.6}]
    for values in times:
        assert [rule.id for rule in rules if rule.raises(values)] == []
    assert WELL[kind].keys() <= {field.name for field in FIELDS[kind]}


@pytest.mark.parametrize("rule", RULESET.rules, ids=lambda rule: rule.id)
def test_they_speak_both_languages(rule: CompiledRule) -> None:
    for text in (rule.rule.title, rule.rule.detail):
        assert text.keys() == {"vi", "en"}
        assert unicodedata.is_normalized("NFC", text["vi"])
        assert text["vi"] != text["en"]
        for said in fill(text, "Đèn 5", "Tháp Thượng", {}).values():
            assert "{" not in said
    assert max(map(len, rule.rule.title.values())) <= 80
    assert rule.rule.detail["vi"].endswith(".")
    assert rule.rule.detail["en"].endswith(".")


# ---------------------------------------------------------------- solar lights


def light(**values: Value) -> Values:
    return CALM | WELL[LIGHT] | values


def night(**values: Value) -> Values:
    return CALM | WELL[LIGHT] | NIGHT | values


def test_a_lamp_is_judged_at_night_only() -> None:
    assert walk("lamp-dark", (0, light(lamp_commanded=True)), until=20 * H) == []
    assert walk("lamp-not-commanded", (0, light()), until=20 * H) == []
    assert walk("lamp-burning-by-day", (0, night()), until=20 * H) == []
    assert walk("panel-dead", (0, night(soc_pct=20.0)), until=20 * H) == []


def test_dawn_does_not_heal_a_lamp_nor_dusk_one_that_burns_by_day() -> None:
    opened = [("Opened", 3 * M, "faulty")]
    dark = night(lamp_lit=False, load_w=0.0)
    assert walk("lamp-dark", (0, dark), (H, light()), until=20 * H) == opened
    assert walk("lamp-dark", (0, dark), (H, light()), (10 * H, dark), until=20 * H) == opened
    assert walk("lamp-dark", (0, dark), (H, light()), (10 * H, night()), until=20 * H)[1:] == [
        ("Closed", 10 * H + 5 * M, "faulty")
    ]
    assert walk("lamp-not-commanded", (0, light(dark=True)), (H, light()), until=20 * H) == [
        ("Opened", 30 * M, "degraded")
    ]
    burning = [(0, light(lamp_lit=True)), (9 * H, night()), (20 * H, light())]
    assert walk("lamp-burning-by-day", *burning, until=30 * H) == [
        ("Opened", H, "degraded"),
        ("Closed", 20 * H + 10 * M, "degraded"),
    ]


def test_a_lamp_that_turns_dark_just_before_dawn_is_no_fault() -> None:
    assert walk("lamp-dark", (0, night(lamp_lit=False)), (3 * M - 1, light()), until=20 * H) == []


def test_one_broken_lamp_is_told_once() -> None:
    broken = night(lamp_lit=False, load_w=0.0, faults=["lampFailure"])
    rules = RULESET.for_device(Device("d", LIGHT, "r", "s"), frozenset())
    assert [rule.id for rule in rules if rule.raises(broken)] == ["lamp-failed"]
    without_codes = {name: value for name, value in broken.items() if name != "faults"}
    assert [rule.id for rule in rules if rule.raises(without_codes)] == ["lamp-dark"]


def test_an_empty_battery_excuses_a_lamp_that_stays_off() -> None:
    assert walk("lamp-not-commanded", (0, light(dark=True, soc_pct=12.0)), until=9 * H) == []


def test_battery_steps_down_and_does_not_clear_between() -> None:
    readings = [(0, light(soc_pct=10.0)), (H, light(soc_pct=20.0)), (3 * H, light(soc_pct=40.0))]
    assert walk("battery-low", *readings, until=20 * H) == [
        ("Opened", 10 * M, "faulty"),
        ("Changed", 2 * H, "degraded"),
    ]
    assert walk("battery-low", *readings, (4 * H, light(soc_pct=45.0)), until=20 * H)[2:] == [
        ("Closed", 5 * H, "degraded")
    ]


def test_a_full_battery_explains_a_panel_that_gives_nothing() -> None:
    assert walk("panel-dead", (0, light(panel_w=0.0)), until=20 * H) == []


def test_records_of_a_rule_say_why() -> None:
    rule = RULESET.get("lamp-failed")
    assert rule is not None
    _, (record,) = observe(None, rule, night(faults=["lampFailure", "x"]), 7)
    assert isinstance(record, Opened)
    assert [(b.field, b.operator, b.value) for b in record.because] == [
        ("faults", "has_any", ["lampFailure", "x"])
    ]
    detail = fill(rule.rule.detail, "Đèn 5", "Tháp Thượng", record.values)
    assert detail["vi"].startswith(
        "Bộ điều khiển của Đèn 5 ở Tháp Thượng báo đèn không sáng (lampFailure), x."
    )


def codes(condition: Condition) -> Iterator[str]:
    if isinstance(condition, Group):
        for part in condition.parts:
            yield from codes(part)
    elif isinstance(condition.limit, frozenset):
        yield from condition.limit


def test_codes_are_known_and_each_has_one_rule() -> None:
    found = {
        rule.id: {code for step in rule.rule.steps for code in codes(step.when)}
        for rule in RULESET.rules
        if LIGHT in rule.rule.kinds
    }
    assert set().union(*found.values()) <= FAULT_CODES.keys()
    assert found["lamp-dark"] == found["lamp-failed"]
    assert found["light-fault"] == found["lamp-failed"] | found["battery-low"]
    assert all(len(code) <= 40 and text for code, text in FAULT_CODES.items())


def test_codes_of_boards_are_known_and_each_is_told_by_one_rule() -> None:
    found = {
        rule.id: {code for step in rule.rule.steps for code in codes(step.when)}
        for rule in RULESET.rules
        if rule.id.startswith("board-")
    }
    rest = found.pop("board-fault")
    assert rest == set().union(*found.values())
    assert rest <= BOARD_CODES.keys()


def test_a_clock_that_the_hub_sees_is_told_once() -> None:
    ill = CALM | WELL[BOARD] | {"faults": ["clock_wrong"], "clock_drift_s": 500.0}
    rules = RULESET.for_device(Device("d", BOARD, "r", "s"), frozenset())
    assert [rule.id for rule in rules if rule.raises(ill)] == ["clock-wrong"]


def test_codes_of_cameras_are_known_and_each_is_told_by_one_rule() -> None:
    found = {
        rule.id: {code for step in rule.rule.steps for code in codes(step.when)}
        for rule in RULESET.rules
        if rule.id.startswith("camera-")
    }
    rest = found.pop("camera-fault")
    assert rest == set().union(*found.values()) | set(SECURITY) == CAMERA_CODES.keys()
    assert sum(len(one) for one in found.values()) == len(set().union(*found.values()))
